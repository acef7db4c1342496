"""What was observed beside what was predicted, the same for every law: the ends of what is known, and probabilities."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri_exp
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._model.data import Data
from .._model.validation import check_support
from .._predictive.distribution import Distribution
from .._predictive.unwrapping import TransformedDistribution, unwrap
from .._utils.messages import rows_text
from ..likelihoods._fallbacks.facts import title


class Observed(NamedTuple):
    """A fitted model and data, both as the model sees them and as the user does.

    `data` is what the law of the model gets. `y` has shape (n,), or (n, 2) with the ends of the interval in
    which a value is known to lie; `dist` is its predictive distribution.
    """

    model: Any
    data: Data
    y: np.ndarray
    dist: Distribution

    @property
    def exact(self) -> np.ndarray:
        """Rows whose value itself is known."""
        low, high = ends(self.y)
        return low == high


def observed(fitted, X, y, sample_weight=None) -> Observed:
    """Read X, y and weights as the fitted estimator does, whatever wraps it."""
    inside = unwrap(fitted)
    model = inside.model
    check_is_fitted(model)
    law, X = model.likelihood_, inside.X(X)
    name = title(law)
    if law.target_type == "targets":
        raise ValueError(f"{name} is a law of several targets, which have no order; diagnose a model of each target alone")
    data = model.read_data(X, inside.y(y), sample_weight)
    check_support(law, data.y)
    dist = model.predict_dist(X)
    if not inside.transformers:
        return Observed(model, data, *_said(model, X, data.y, dist))
    if law.predictive is not law:
        raise ValueError(f"{name} below a transformed target: fit it to the transformed y itself to diagnose it")
    return Observed(model, data, np.asarray(y, float), inside.dist(dist))


def _said(model, X, target, dist):
    """What a target says of the value that is predicted, and the distribution of that value."""
    law = model.likelihood_
    if law.predictive is law:
        return target, dist
    seen = law.observed(target, **model.predict_params(X))
    if seen.params:
        dist = Distribution(dist.likelihood.fix({name: name for name in seen.params}), {**dist.params, **seen.params})
    return (seen.low if (seen.low == seen.high).all() else np.column_stack([seen.low, seen.high])), dist


def ends(y):
    """The ends of what is known of every value: equal where it is the value itself."""
    y = np.asarray(y, float)
    if y.ndim == 1:
        return y, y
    if y.ndim == 2 and y.shape[1] == 2:
        return y[:, 0], y[:, 1]
    raise ValueError(f"y must have shape (n,), or (n, 2) for the ends of intervals, got {y.shape}")


def log_masses(dist: Distribution, y) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log P(Y < what was observed), log P(Y in it) and log P(Y > it): (n,) each. The second is -inf for a density."""
    low, high = ends(y)
    if isinstance(dist, TransformedDistribution):
        low, high = np.sort([_finitely(dist.transform, low), _finitely(dist.transform, high)], axis=0)
        below, inside, above = log_masses(dist.base, np.column_stack([low, high]))
        return (above, inside, below) if dist.falls else (below, inside, above)
    law, exact = dist.likelihood, low == high
    support, atom = law.support, np.isin(low, law.atoms)
    start = np.ceil(low) - 1 if support.integer else np.where(atom, np.nextafter(low, -np.inf), low)
    with np.errstate(all="ignore"):
        below = np.where(start < support.low, -np.inf, dist.logcdf(np.where(start < support.low, support.typical[0], start)))
        above = np.where(high >= support.high, -np.inf, dist.logsf(high))
        inside = np.where(exact & (atom | support.integer), dist.logpdf(np.where(exact, low, support.typical[0])), -np.inf)
        if not exact.all():
            part = ~exact
            rows = dist[part] if dist.shape else dist
            inside[part] = rows.likelihood.log_interval(start[part], high[part], **rows.params)
    return below, inside, above


def _finitely(transform, values):
    """A transformation of finite values, that leaves infinite ends where they are."""
    finite = np.isfinite(values)
    return np.where(finite, transform(np.where(finite, values, values[finite][0] if finite.any() else 0.0)), values)


def normal_scores(dist: Distribution, y, random_state=None) -> np.ndarray:
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
