"""The continuous ranked probability score, in closed form or from the distribution function."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._predictive.distribution import Distribution
from ._integration import integrate
from ._lattice import masses
from ._rows import (
    MAX_SUMMED_TERMS,
    atoms,
    check_single_target,
    is_lattice,
    is_untransformed,
    mean_score,
    one_row_each,
    quantiles,
    read_target,
    sum_over_lattice,
    summation_range,
)

MAX_SUMMED_CELLS = 4096  # cells from the start of the support that are summed before the others are integrated
TAIL_LEVELS = (1 - 1e-6, 1 - 1e-8, 1 - 1e-10, 1 - 1e-12)


def crps(
    y: ArrayLike, dist: Distribution, *, sample_weight: ArrayLike | None = None, per_row: bool = False
) -> float | np.ndarray:
    r"""Continuous ranked probability score, in units of y; lower is better.

    .. math:: \int (P(Y \le t) - 1\{y \le t\})^2\, dt = E|Y - y| - \tfrac12 E|Y - Y'|

    The absolute error, for a distribution: strictly proper where means exist, and not sensitive to single far outliers as
    the log score is. In closed form for the laws that have one (their method `crps`), elsewhere by adaptive quadrature of the
    distribution function, cut at quantiles, at y and at atoms; laws of whole numbers are summed.

    Parameters
    ----------
    y : array-like of shape (n,)
    dist : Distribution
        Of n rows, such as ``model.predict_dist(X)``; or of one, for all y.
    sample_weight : array-like of shape (n,), optional
    per_row : bool, default=False
        Return the (n,) values in place of their weighted mean.

    Returns
    -------
    float or ndarray of shape (n,)

    Raises
    ------
    ValueError
        Where tails are so heavy that the score is infinite, and for y that do not match `dist`.
    TypeError
        For laws of several targets.

    References
    ----------
    Gneiting, T., Raftery, A. E. (2007). Strictly proper scoring rules, prediction, and estimation. JASA 102, 359-378.
    doi:10.1198/016214506000001437

    Jordan, A., Krueger, F., Lerch, S. (2019). Evaluating probabilistic forecasts with scoringRules. Journal of Statistical
    Software 90(12). doi:10.18637/jss.v090.i12

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> from sk_mle.metrics import crps
    >>> round(crps([0.0, 1.0], Distribution("normal", {"loc": [0.0, 0.0], "scale": [1.0, 1.0]})), 4)
    0.4181
    """
    y = read_target(y, dist, "crps")
    dist, closed = one_row_each(dist, len(y)), dist.likelihood.crps if is_untransformed(dist) else None
    values = np.full(len(y), np.nan)
    if closed is not None:
        with np.errstate(all="ignore"):
            values = np.array(np.broadcast_to(closed(y, **dist.params), y.shape))
    not_closed = np.isnan(values)
    if not_closed.any():
        values[not_closed] = crps_from_cdf(y[not_closed], dist[not_closed])
    return mean_score(values, sample_weight, per_row, "crps")


def crps_from_cdf(y: np.ndarray, dist: Distribution) -> np.ndarray:
    """The CRPS of every row from the distribution function alone."""
    check_single_target(dist, "crps")
    if is_lattice(dist):
        return _lattice_crps(y, dist)
    quartiles = quantiles(dist, (0.25, 0.5, 0.75))
    scale = np.maximum(np.abs(y - quartiles[1]), 0.2 * (quartiles[2] - quartiles[0]))
    scale = np.where(scale > 0, scale, 1.0)

    def f(t: np.ndarray, rows: np.ndarray) -> np.ndarray:
        value, below = np.empty(t.shape), t[0] < y[rows]  # y is a cut: no piece lies on both of its sides
        for side, tail in ((below, type(dist).cdf), (~below, type(dist).sf)):
            if side.any():
                value[:, side] = tail(dist[rows[side]], t[:, side]) ** 2
        return value if is_untransformed(dist) else np.nan_to_num(value, nan=0.0)  # NaN: an impossible y

    return integrate(f, dist, [y, *atoms(dist)], scale)


def _lattice_crps(y: Any, dist: Distribution) -> np.ndarray:
    """Sums of squares over the cells [k, k + 1): cell by cell if they are few, else as integrals."""
    low, high = summation_range(dist)
    has_many = high - low > MAX_SUMMED_TERMS
    values = np.empty(len(y))
    for rows, total in ((~has_many, _summed_crps), (has_many, _integrated_crps)):
        if rows.any():
            values[rows] = total(y[rows], dist[rows])
    return values


def _summed_crps(y: np.ndarray, dist: Distribution) -> np.ndarray:
    """The sum cell by cell; y may cut one cell."""
    support, low, high = dist.likelihood.support, np.full(len(y), np.inf), np.full(len(y), -np.inf)

    def term(part: Distribution, rows: np.ndarray, k: np.ndarray) -> np.ndarray:
        low[rows], high[rows] = k[0], k.max(axis=0)
        mass = masses(part, k[0], len(k), before := _below(part, k[0]))  # at less cost than a distribution function at every k
        lower = np.clip(before + np.cumsum(mass, axis=0), 0.0, 1.0)
        below = np.clip(y[rows] - k, 0.0, 1.0)
        return np.where(k == support.high, 0.0, below * lower**2 + (1 - below) * (1 - lower) ** 2)

    total = sum_over_lattice(term, dist)
    end = np.where(high == support.high, high, high + 1)
    return total + np.maximum(low - y, 0.0) + np.maximum(y - end, 0.0)


def _below(dist: Distribution, k: np.ndarray) -> np.ndarray:
    """P(Y < k) for every row."""
    result, rows = np.zeros(len(k)), k > dist.likelihood.support.low
    if rows.any():
        result[rows] = dist[rows].cdf(k[rows] - 1)
    return result


def _integrated_crps(y: np.ndarray, dist: Distribution) -> np.ndarray:
    """The first cells one by one, the others as an integral of the piecewise linear curve through the squares.

    That curve differs from a smooth one by a relative 1 / k^2 at k, or 1 / variance.
    """
    low = dist.likelihood.support.low
    whole, start = np.floor(y), low if np.isfinite(low) else -1e300
    split = start + MAX_SUMMED_CELLS
    first = np.maximum(whole, split)  # from `split` on, cells lie below y up to here, and then above it

    def squares(dist: Distribution, k: np.ndarray, upper: np.ndarray) -> np.ndarray:
        if upper.all():
            return dist.sf(k) ** 2
        return np.where(upper, dist.sf(k), dist.cdf(k)) ** 2

    def line(t: np.ndarray, rows: np.ndarray) -> np.ndarray:
        k = np.floor(t)
        left, right = squares(dist[rows], np.stack([k, k + 1]), t >= first[rows])
        return np.where(t < split, 0.0, left + (t - k) * (right - left))

    k, edge = start + np.arange(MAX_SUMMED_CELLS if np.isfinite(low) else 0)[:, None], np.full((1, len(y)), split)
    ends = np.where(first > split, squares(dist, edge, edge > edge) - dist.cdf(first) ** 2, 0.0) + dist.sf(first) ** 2
    total = squares(dist, k, k >= whole).sum(axis=0) + ends[0] / 2 + np.maximum(start - y, 0.0)
    total = total + integrate(line, dist, [first, edge[0], *quantiles(dist, TAIL_LEVELS)], tolerance=1e-9)
    return total + np.where(y > start, (y - whole) * (dist.cdf(whole) ** 2 - dist.sf(whole) ** 2), 0.0)
