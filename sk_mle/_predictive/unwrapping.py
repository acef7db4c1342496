"""Predictive distributions of estimators inside pipelines, searches and transformed targets."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, RandomizedSearchCV, TunedThresholdClassifierCV
from sklearn.utils.validation import check_is_fitted

from .._utils.differences import FIRST_DIFFERENCE
from .._utils.floats import numbers
from .distribution import Distribution

MAX_VALUES_PER_BLOCK = 1 << 20  # values of all rows at some nodes of an integral that are in memory at once


class TransformedDistribution(Distribution):
    """Distribution of y if `transform(y)`, an increasing or decreasing function, has the given distribution.

    `transform` and `inverse` map arrays element by element. The density carries the Jacobian, so log-likelihoods compare
    with those of models of y itself.
    """

    def __init__(self, base: Distribution, transform: Any, inverse: Any) -> None:
        self.base, self.transform, self.inverse = base, transform, inverse
        self.likelihood, self.params = base.likelihood, base.params

    def __getitem__(self, index: Any) -> TransformedDistribution:
        return TransformedDistribution(self.base[index], *(_at_rows(f, index) for f in (self.transform, self.inverse)))

    def __repr__(self) -> str:
        return f"<transformed {repr(self.base)[1:]}"

    def _derivative(self, y: np.ndarray) -> np.ndarray:
        """Derivative of the transformation: differences of eighth order, at the step where two neighbours agree best."""
        y, previous = np.asarray(y, float), np.nan
        best, least_change = np.full((), np.nan), np.full((), np.inf)
        with np.errstate(all="ignore"):
            for power in range(8):
                step = self._length * 0.02 * 4.0**-power
                pairs = [(self.transform(y + k * step), self.transform(y - k * step)) for k in (1, 2, 3, 4)]
                value = sum(w * (up - down) for w, (up, down) in zip(FIRST_DIFFERENCE, pairs, strict=True)) / step
                change = np.abs(value - previous) / np.abs(value)
                better = np.isfinite(value) & (np.isnan(best) | (change < least_change))
                best, least_change = np.where(better, value, best), np.where(better & np.isfinite(change), change, least_change)
                previous = value
        return best

    @cached_property
    def _length(self) -> np.ndarray:
        """Interquartile range of y."""
        return np.maximum(np.abs(self._ends[1] - self._ends[0]), 1e-300)

    @cached_property
    def _ends(self) -> tuple[np.ndarray, ...]:
        return tuple(np.asarray(self.inverse(self.base.ppf(np.full(self.shape, q)))) for q in (0.25, 0.75))

    @cached_property
    def falls(self) -> bool:
        """Whether the transformation is decreasing."""
        return bool(np.ravel(self._ends[1] < self._ends[0])[0])

    @cached_property
    def _middle(self) -> np.ndarray:
        return np.asarray(self.inverse(self.base.ppf(np.full(self.shape, 0.5))))

    def _in_range(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether `inverse` reaches y, and the transformed y, or a transformed median if it does not."""
        inside = np.isfinite(y)
        with np.errstate(all="ignore"):
            for _ in range(2):  # a transformer may change values outside its range, or give NaN
                valid = np.where(inside, y, self._middle)
                t = np.asarray(self.transform(valid), dtype=float)
                support = self.base.likelihood.support
                recovered = np.asarray(self.inverse(np.where(np.isfinite(t), t, self.transform(self._middle))), dtype=float)
                is_recovered = np.abs(recovered - valid) <= 1e-6 * (np.abs(valid) + self._length)
                inside = (
                    inside & np.isfinite(t) & is_recovered & (support.contains(t) | (t == support.low) | (t == support.high))
                )
        return inside, t

    def logpdf(self, y: ArrayLike) -> np.ndarray:
        """Log density with the transformation's Jacobian; -inf at impossible y."""
        y = numbers(y, "y")
        inside, t = self._in_range(y)
        with np.errstate(all="ignore"):
            value = self.base.logpdf(t) + np.log(np.abs(self._derivative(np.where(inside, y, self._middle))))
        return np.where(np.isnan(y), np.nan, np.where(inside & ~np.isnan(value), value, -np.inf))[()]

    def _tail_of_base(self, y: Any, rising: Callable, falling: Callable, lowest: float, highest: float) -> np.ndarray:
        """A distribution function: the base's `rising` at the transformed y, or `falling` if the transformation decreases."""
        y = numbers(y, "y")
        inside, t = self._in_range(y)
        value = (falling if self.falls else rising)(t)
        return np.where(np.isnan(y), np.nan, np.where(inside, value, np.where(y < self._middle, lowest, highest)))[()]

    def cdf(self, y: ArrayLike) -> np.ndarray:
        """P(Y <= y)."""
        return self._tail_of_base(y, self.base.cdf, self.base.sf, 0.0, 1.0)

    def sf(self, y: ArrayLike) -> np.ndarray:
        """P(Y > y)."""
        return self._tail_of_base(y, self.base.sf, self.base.cdf, 1.0, 0.0)

    def logcdf(self, y: ArrayLike) -> np.ndarray:
        """log P(Y <= y)."""
        return self._tail_of_base(y, self.base.logcdf, self.base.logsf, -np.inf, 0.0)

    def logsf(self, y: ArrayLike) -> np.ndarray:
        """log P(Y > y)."""
        return self._tail_of_base(y, self.base.logsf, self.base.logcdf, 0.0, -np.inf)

    def ppf(self, q: Any) -> np.ndarray:
        """Quantile at probability q."""
        return self.inverse(self.base.ppf(1 - np.asarray(q)) if self.falls else self.base.ppf(q))

    def _mean_of(self, g: Callable) -> np.ndarray:
        """E g(Y), as an integral over quantiles with nodes that are dense at both ends."""
        nodes = np.linspace(-4, 4, 801)
        q = 1 / (1 + np.exp(-np.pi * np.sinh(nodes)))
        weight = q * (1 - q) * np.pi * np.cosh(nodes) * (nodes[1] - nodes[0])
        q, weight = q[q < 1], weight[q < 1]
        per_block = max(1, MAX_VALUES_PER_BLOCK // max(1, int(np.prod(self.shape))))
        total = np.zeros(self.shape)
        with np.errstate(all="ignore"):
            for start in range(0, len(q), per_block):
                block = slice(start, start + per_block)
                at = np.broadcast_to(
                    np.expand_dims(q[block], tuple(range(1, 1 + len(self.shape)))), (len(q[block]), *self.shape)
                )
                total = total + np.tensordot(weight[block], g(self.inverse(self.base.ppf(at))), 1)
        return total[()]

    def mean(self) -> np.ndarray:
        """Expected value."""
        return self._mean_of(lambda y: y)

    def var(self) -> np.ndarray:
        """Variance."""
        mean = self.mean()
        return self._mean_of(lambda y: (y - mean) ** 2)

    def entropy(self) -> np.ndarray:
        """Expected negative log-likelihood of a draw, in nats."""
        return self._mean_of(lambda y: -self.logpdf(y))

    def rvs(self, size: Any = None, random_state: int | np.random.RandomState | None = None) -> np.ndarray:
        """Random values of shape (n,), or (size, n)."""
        return self.inverse(self.base.rvs(size, random_state))


def _at_rows(function: Callable, index: np.ndarray) -> Any:
    """The function of some rows, where each row has its own, as in distributions that are joined."""
    return function[index] if hasattr(function, "__getitem__") else function


class Unwrapped(NamedTuple):
    """The fitted estimator inside its wrappers, and the transformations of X and y on the way to it."""

    model: Any
    to_X: tuple[Callable, ...] = ()
    transformers: tuple = ()
    names: Callable | None = None  # get_feature_names_out of the last step before the model
    predictor_names: Callable | None = None  # the columns of the given X that are predictors, where it has others as well

    def feature_names(self) -> list[str] | None:
        """Names of the columns that the model gets: its own, or those from the steps before it; None if there are none."""
        names = getattr(self.model, "feature_names_in_", None)
        if names is None and self.names is not None:
            with suppress(AttributeError, ValueError):  # a step that does not know the names of its output
                names = self.names()
        return None if names is None or len(names) != self.model.n_features_in_ else [str(name) for name in names]

    def X(self, X: Any) -> Any:
        """X as the model gets it."""
        for step in self.to_X:
            X = step(X)
        return X

    def y(self, y: Any) -> Any:
        """y as the model gets it."""
        for transformer in self.transformers:
            values = numbers(y, "y")
            y = transformer.transform(values.reshape(len(values), -1)).reshape(values.shape)
        return y

    def dist(self, dist: Distribution) -> Distribution:
        """The distribution of the original target, from that of the model's target."""
        for transformer in reversed(self.transformers):
            if dist.likelihood.target_type == "targets":
                raise TypeError(
                    "transformed targets: distributions of several targets are not offered; use that of `regressor_`"
                )
            methods = (transformer.transform, transformer.inverse_transform)
            dist = TransformedDistribution(dist, *map(_OnAnyShape, methods))
        return dist


def unwrap(fitted: Any) -> Unwrapped:
    """The fitted sk_mle estimator inside a pipeline, search, feature elimination, threshold or transformed target.

    Parameters
    ----------
    fitted : estimator

    Returns
    -------
    Unwrapped

    Raises
    ------
    TypeError
        Where no estimator with `predict_dist` is inside.
    """
    if isinstance(fitted, Unwrapped):
        return fitted
    if hasattr(fitted, "design"):  # a model by formula
        return _after(fitted.estimator_, to_X=(fitted.design,))._replace(predictor_names=fitted.predictor_names)
    if hasattr(fitted, "predict_dist") and not hasattr(fitted, "cv_results_"):
        return Unwrapped(fitted)
    if hasattr(fitted, "steps"):
        if len(fitted.steps) == 1:
            return unwrap(fitted.steps[0][1])
        return _after(fitted.steps[-1][1], to_X=(fitted[:-1].transform,), names=fitted[:-1].get_feature_names_out)
    if hasattr(fitted, "regressor_") and hasattr(fitted, "transformer_"):
        return _after(fitted.regressor_, transformers=(fitted.transformer_,))
    if hasattr(fitted, "cv_results_") or isinstance(fitted, GridSearchCV | RandomizedSearchCV):
        check_is_fitted(fitted, "best_estimator_")
        return unwrap(fitted.best_estimator_)
    if isinstance(fitted, RFE):
        return _after(fitted.estimator_, to_X=(fitted.transform,), names=fitted.get_feature_names_out)
    if isinstance(fitted, FixedThresholdClassifier | TunedThresholdClassifierCV | FrozenEstimator):
        return unwrap(getattr(fitted, "estimator_", fitted.estimator))
    raise _without_distribution(fitted)


def _without_distribution(fitted: Any) -> TypeError:
    """The error for an object that no estimator of this package is inside of."""
    kind = type(fitted).__name__
    if not hasattr(fitted, "fit"):
        return TypeError(f"{kind} has no predictive distribution: the first argument is a fitted estimator, then come X and y")
    return TypeError(f"{kind} has no predictive distribution: no sk_mle estimator was found inside it")


def _after(inner: Any, to_X: tuple = (), transformers: tuple = (), names: Callable | None = None) -> Unwrapped:
    unwrapped = unwrap(inner)
    of_same_X = None if to_X else unwrapped.predictor_names
    transformers = (*transformers, *unwrapped.transformers)
    return Unwrapped(unwrapped.model, (*to_X, *unwrapped.to_X), transformers, unwrapped.names or names, of_same_X)


def target_of(estimator: Any, X: Any, y: ArrayLike | None) -> Any:
    """y; where it is None, what the formula of an estimator, fitted or not, alone or in a search, has left of ``~``."""
    while y is None and not hasattr(estimator, "target") and hasattr(estimator, "estimator"):
        estimator = estimator.estimator
    return estimator.target(X) if y is None and hasattr(estimator, "target") else y


def predict_dist(fitted: Any, X: Any) -> Distribution:
    """Predictive distribution of any fitted estimator that ends in one of this package.

    Pipelines, searches, feature elimination, thresholds, FrozenEstimator and TransformedTargetRegressor are unwrapped; for the
    last, the distribution is that of the original y, Jacobian included.

    Parameters
    ----------
    fitted : estimator
    X : array-like of shape (n, p)
        As for `fitted.predict`.

    Returns
    -------
    Distribution

    Raises
    ------
    TypeError
        Where no estimator with `predict_dist` is inside.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sk_mle import MLERegressor, predict_dist
    >>> pipe = make_pipeline(StandardScaler(), MLERegressor()).fit([[0], [1], [2]], [0.0, 1.1, 1.9])
    >>> predict_dist(pipe, [[1]]).mean().round(2)
    array([1.])
    """
    unwrapped = unwrap(fitted)
    return unwrapped.dist(unwrapped.model.predict_dist(unwrapped.X(X)))


class _OnAnyShape:
    """A transformer's method, which takes columns, as a function of arrays of any shape."""

    def __init__(self, method: Callable) -> None:
        self.method = method

    def __call__(self, values: np.ndarray) -> np.ndarray:
        values = np.asarray(values, dtype=float)
        return np.asarray(self.method(values.reshape(-1, 1))).reshape(values.shape)
