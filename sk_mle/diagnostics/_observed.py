"""Observations beside their predictive distributions, in one form for every law: ends of intervals, and probabilities."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri_exp
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._model.data import Data
from .._model.validation import check_support
from .._predictive.distribution import Distribution
from .._predictive.unwrapping import TransformedDistribution, target_of, unwrap
from .._utils.messages import rows_text
from ..likelihoods._functions import title, with_values


class Observed(NamedTuple):
    """A fitted model with data as the model reads them and as the user gave them.

    `data` holds the target as the model's law reads it. `y` has shape (n,), or (n, 2) with the ends of the interval in
    which a value is known to lie; `dist` is its predictive distribution.
    """

    model: Any
    data: Data
    y: np.ndarray
    dist: Distribution

    @property
    def exact(self) -> np.ndarray:
        """True for rows whose value is known exactly, not up to an interval."""
        low, high = ends(self.y)
        return low == high


def observed(
    fitted: Any, X: Any, y: ArrayLike | None, sample_weight: ArrayLike | None = None, dist: Distribution | None = None
) -> Observed:
    """Read X, y and weights as the fitted estimator does, whatever wraps it.

    `dist` are predictive distributions of the rows, by default those of the fit.
    """
    unwrapped, y = unwrap(fitted), target_of(fitted, X, y)
    shapes = [np.shape(value) if value is not None else () for value in (X, np.asarray(y) if y is not None else None)]
    if [len(shape) for shape in shapes] == [1, 2]:
        raise ValueError(f"X has shape {shapes[0]}, and y {shapes[1]}: the order of the arguments is estimator, X, y")
    model = unwrapped.model
    check_is_fitted(model)
    law, X = model.likelihood_, unwrapped.X(X)
    name = title(law)
    if law.target_type == "targets":
        raise ValueError(f"{name} is a law of several targets, which have no order; diagnose a model of each target alone")
    data = model.read_data(X, unwrapped.y(y), sample_weight)
    check_support(law, data.y)
    dist = unwrapped.dist(model.predict_dist(X)) if dist is None else dist
    if not unwrapped.transformers:
        return Observed(model, data, *_predicted_value(model, X, data.y, dist))
    if law.predictive is not law:
        raise ValueError(f"{name} below a transformed target: fit it to the transformed y itself to diagnose it")
    return Observed(model, data, np.asarray(y, float), dist)


def _predicted_value(model: Any, X: Any, target: np.ndarray, dist: Distribution) -> tuple[np.ndarray, Distribution]:
    """The value that is predicted, (n,) or (n, 2) for ends of intervals, from the law's target, and its distribution."""
    law = model.likelihood_
    if law.predictive is law:
        return target, dist
    interval = law.observed(target, **model.predict_params(X))
    if interval.params:
        law = with_values(dist.likelihood, {name: name for name in interval.params})
        dist = Distribution(law, {**dist.params, **interval.params})
    return (interval.low if (interval.low == interval.high).all() else np.column_stack([interval.low, interval.high])), dist


def ends(y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end (n,) of the interval in which each value lies; equal for exact values."""
    y = np.asarray(y, float)
    if y.ndim == 1:
        return y, y
    if y.ndim == 2 and y.shape[1] == 2:
        return y[:, 0], y[:, 1]
    raise ValueError(f"y must have shape (n,), or (n, 2) for the ends of intervals, got {y.shape}")


def log_masses(dist: Distribution, y: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log P(Y < low), log P(low <= Y <= high), log P(Y > high): (n,) each. The second is -inf for an exact y of a density."""
    low, high = ends(y)
    if isinstance(dist, TransformedDistribution):
        low, high = np.sort([_transform_finite(dist.transform, low), _transform_finite(dist.transform, high)], axis=0)
        below, inside, above = log_masses(dist.base, np.column_stack([low, high]))
        return (above, inside, below) if dist.falls else (below, inside, above)
    law, exact = dist.likelihood, low == high
    support, atom = law.support, np.isin(low, law.support.atoms)
    start = np.ceil(low) - 1 if support.integer else np.where(atom, np.nextafter(low, -np.inf), low)
    with np.errstate(all="ignore"):
        below = np.where(start < support.low, -np.inf, dist.logcdf(np.where(start < support.low, support.typical[0], start)))
        above = np.where(high >= support.high, -np.inf, dist.logsf(high))
        inside = np.where(exact & (atom | support.integer), dist.logpdf(np.where(exact, low, support.typical[0])), -np.inf)
        if not exact.all():
            is_interval = ~exact
            rows = dist[is_interval] if dist.shape else dist
            inside[is_interval] = rows.likelihood.log_interval(start[is_interval], high[is_interval], **rows.params)
    return below, inside, above


def _transform_finite(transform: Any, values: np.ndarray) -> np.ndarray:
    """The transformation of finite values; infinite ends stay."""
    finite = np.isfinite(values)
    return np.where(finite, transform(np.where(finite, values, values[finite][0] if finite.any() else 0.0)), values)


def normal_scores(dist: Distribution, y: ArrayLike, random_state: int | np.random.RandomState | None = None) -> np.ndarray:
    """Standard normal scores of observations under their distributions: randomised quantile residuals, (n,)."""
    below, inside, above = log_masses(dist, y)
    share = check_random_state(random_state).uniform(size=len(below))
    with np.errstate(all="ignore"):
        lower, upper = np.logaddexp(below, np.log(share) + inside), np.logaddexp(above, np.log1p(-share) + inside)
        score = np.where(lower < upper, ndtri_exp(np.minimum(lower, 0.0)), -ndtri_exp(np.minimum(upper, 0.0)))
    bad = np.flatnonzero(np.isnan(score))
    if len(bad):
        raise ValueError(
            f"the distribution function of {title(dist.likelihood)} has no value in {rows_text(bad)} of y; look at "
            "predict_params for parameters that left their domain, and at y for NaN"
        )
    return score
