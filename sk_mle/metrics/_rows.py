"""Shared by the scores: checks of targets, weighted means, and sums over every row's distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._model.validation import check_weight
from .._predictive.distribution import Distribution
from .._utils.floats import numbers
from .._utils.messages import rows_text
from ..likelihoods._functions import title

ADVICE_FOR_INTERVALS = (
    "values known up to an interval have a log score only, -score_samples(X, y), and times censored on the right "
    "censored_crps, integrated_brier_score and concordance_index"
)
QUANTILE_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
MAX_SUMMED_TERMS = 1 << 17  # whole numbers per row up to which a sum has every term
MAX_RATIO_OF_RANGES = 2.0  # of rows that are summed together, as all take the steps of the longest
MIN_SHARED_RANGE = 64  # whole numbers up to which rows are summed together however short they are
VALUES_PER_BLOCK = 1 << 20  # values of distribution functions at a time


def is_untransformed(dist: Distribution) -> bool:
    """Whether the distribution is that of its law, not of a transformed target."""
    return not hasattr(dist, "transform")


def is_lattice(dist: Distribution) -> bool:
    """Whether the values are whole numbers."""
    if dist.likelihood.support.integer and not is_untransformed(dist):
        raise TypeError("a transformed target with a discrete law is scored by its log score alone; model y itself")
    return dist.likelihood.support.integer


def atoms(dist: Any) -> list:
    """Points of positive probability of a law with a density."""
    points = dist.likelihood.support.atoms
    return [float(point if is_untransformed(dist) else dist.inverse(np.asarray(point, float))) for point in points]


def check_dist(dist: Distribution, name: str = "dist") -> None:
    """Raise TypeError for what is not a distribution."""
    if not isinstance(dist, Distribution):
        raise TypeError(f"{name} must be a Distribution, as predict_dist(X) gives it, got {type(dist).__name__}")


def check_single_target(dist: Distribution, score: str) -> None:
    """Raise TypeError for a law of several targets."""
    if dist.likelihood.target_type == "targets":
        raise TypeError(f"{score} takes laws of one target, and {title(dist.likelihood)} has several: use log_score")


def read_target(y: ArrayLike, dist: Distribution, score: str, several: bool = False) -> np.ndarray:
    """y as floats, one row for each of `dist`."""
    check_dist(dist)
    if not several:
        check_single_target(dist, score)
    y = numbers(y, "y", "; of a classifier, pass the codes 0..K-1 of its ordered_classes_")
    width = 2 if dist.likelihood.target_type == "targets" else 1
    if y.ndim != width:
        advice = f"; {ADVICE_FOR_INTERVALS}" if y.ndim == 2 else ""
        raise ValueError(f"{score}: y has shape {y.shape}, but must be {'(n,)' if width == 1 else '(n, K)'}{advice}")
    if dist.shape and len(y) != len(dist):
        raise ValueError(f"{score}: y has {len(y)} rows, but dist has {len(dist)}")
    bad = np.flatnonzero(~np.isfinite(y.reshape(len(y), -1)).all(axis=1))
    if len(bad):
        raise ValueError(f"{score}: y is NaN or infinite in {rows_text(bad)}; drop these rows")
    return y


def one_row_each(dist: Distribution, n: int) -> Distribution:
    """The distribution with n rows; one without rows is repeated."""
    if dist.shape:
        return dist
    if not is_untransformed(dist):
        raise TypeError("one row of a transformed distribution does not stand for many; index it by a slice")
    vector = {name for name in dist.params if dist.likelihood.layout[name].vector}
    return Distribution(
        dist.likelihood,
        {k: np.broadcast_to(v, (n, *(np.shape(v)[-1:] if k in vector else ()))) for k, v in dist.params.items()},
    )


def mean_score(
    values: Any, sample_weight: ArrayLike | None, per_row: bool, score: str, infinite: bool = False
) -> float | np.ndarray:
    """The weighted mean of the rows' values, or the values `per_row`; ValueError for values that do not exist."""
    values = np.asarray(values, dtype=float)
    weight = np.ones(len(values)) if per_row else check_weight(sample_weight, len(values))
    bad = np.flatnonzero((np.isnan(values) | (np.isinf(values) & (not infinite))) & (weight > 0))
    if len(bad):
        raise ValueError(
            f"{score} does not exist in {rows_text(bad)}: the distribution's tails are too heavy, or its parameters lie on the "
            "edge of their domain; use log_score"
        )
    if per_row:
        return values
    return float(np.average(values[weight > 0], weights=weight[weight > 0]))


def quantiles(dist: Distribution, levels: Any = QUANTILE_LEVELS) -> np.ndarray:
    """Quantiles at fixed levels: shape (levels, n)."""
    return np.stack([dist.ppf(np.full(dist.shape, level)) for level in levels])


def summation_range(dist: Any, tail: float = 1e-12) -> tuple[np.ndarray, np.ndarray]:
    """The whole numbers outside of which at most the probability `tail` lies on either side, with a margin."""
    low, high = (dist.ppf(np.full(dist.shape, level)) for level in (tail, 1 - tail))
    low, high = low - 1, high + 1 + np.ceil(0.2 * (high - low))
    return np.maximum(low, dist.likelihood.support.low), np.minimum(high, dist.likelihood.support.high)


def sum_over_lattice(term: Callable, dist: Distribution, y: ArrayLike | None = None, tail: float = 1e-12) -> np.ndarray:
    """Sum over whole numbers k of term(rows, k), k of shape (m, 1), for every row of a discrete distribution."""
    low, high = summation_range(dist, tail)
    ranges = high - low
    result, order = np.zeros(len(low)), np.argsort(ranges)
    first = 0
    while first < len(order):
        n_rows = max(int(VALUES_PER_BLOCK // max(ranges[order[first]] + 1, 1)), 1)
        rows = order[first : first + n_rows]
        rows = rows[ranges[rows] <= MAX_RATIO_OF_RANGES * np.maximum(ranges[rows[0]], MIN_SHARED_RANGE)]
        while len(rows) > 1 and len(rows) * (ranges[rows[-1]] + 1) > 2 * VALUES_PER_BLOCK:
            rows = rows[: len(rows) // 2]
        rows_dist, width = dist[rows], int(np.max(ranges[rows])) + 1
        for first_k in range(0, width, VALUES_PER_BLOCK):
            k = low[rows] + np.arange(first_k, min(first_k + VALUES_PER_BLOCK, width))[:, None]
            inside = k <= high[rows]
            result[rows] += np.where(inside, term(rows_dist, rows, np.where(inside, k, high[rows])), 0.0).sum(axis=0)
        first += len(rows)
    return result
