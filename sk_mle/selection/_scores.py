"""Log-likelihoods of rows under any fitted model with probabilities, their weighted means, and fits of clones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from .._model.averages import Averages, averages
from .._model.validation import check_weight
from .._predictive.unwrapping import unwrap
from .._sources import Rows, open_source
from .._utils.messages import rows_text
from ..likelihoods._functions import title


def is_unbounded(fitted: Any) -> bool:
    """Whether an estimator of this package was fitted to data under which its likelihood has no bound."""
    unwrapped = unwrapped_or_none(fitted)
    return unwrapped is not None and bool(unwrapped.model.optimize_result_.get("unbounded", False))


def unwrapped_or_none(fitted: Any) -> Any:
    """The `Unwrapped` of an estimator of this package, inside whatever wraps it; None for other estimators."""
    try:
        return unwrap(fitted)
    except TypeError:
        return None


def log_scores(fitted: Any, X: Any, y: ArrayLike) -> np.ndarray:
    """Log-likelihood (n,) of every row: of the original y, even if the model is fitted to a transformed one."""
    unwrapped = unwrapped_or_none(fitted)
    if unwrapped is None:
        return _log_probability(fitted, X, y)
    if unwrapped.transformers:
        return np.asarray(unwrapped.dist(unwrapped.model.predict_dist(unwrapped.X(X))).logpdf(np.asarray(y, dtype=float)))
    return unwrapped.model.score_samples(unwrapped.X(X), y)


def score_averages(
    models: list, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, columns: Callable[[np.ndarray], Any]
) -> Averages:
    """Averages over rows, in memory or of a source, of ``columns(scores)``, of the log-likelihoods (m, n) of fitted models.

    ValueError where a row is impossible under one of them.
    """
    names = {tuple(getattr(fitted, "feature_names_in_", ())) for fitted in models}
    features: Any = list(*names) if len(names) == 1 and all(names) else None
    rows = open_source(X, y, sample_weight, features=features) or Rows(X, y, sample_weight)
    return averages(rows, partial(_columns_of_scores, models, columns))


def _columns_of_scores(models: list, columns: Any, rows: Rows) -> Any:
    scores = np.array([log_scores(fitted, rows.X, rows.y) for fitted in models])
    weight = check_weight(rows.sample_weight, scores.shape[1])
    for fitted, values in zip(models, scores, strict=True):
        if text := rows_without_mass(values, weight):
            raise ValueError(f"{name_of(fitted)} calls {text} impossible: its log-likelihood there is -inf")
    return columns(scores)


def name_of(fitted: Any) -> str:
    """The name of the law of an estimator of this package, or the type of another."""
    unwrapped = unwrapped_or_none(fitted)
    return type(fitted).__name__ if unwrapped is None else title(unwrapped.model.likelihood_)


def _log_probability(fitted: Any, X: Any, y: Any) -> np.ndarray:
    """Log probability of the label in every row, from any classifier."""
    if not hasattr(fitted, "predict_proba"):
        raise TypeError(
            f"{type(fitted).__name__} has neither a predictive distribution nor predict_proba, so it has no log-likelihood"
        )
    y, classes = np.asarray(y), np.asarray(fitted.classes_)
    codes = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    is_class = classes[codes] == y
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(fitted.predict_proba(X), dtype=float))
    return np.where(is_class, logs[np.arange(len(y)), codes], -np.inf)


def rows_without_mass(values: Any, weight: np.ndarray) -> str:
    """Rows of positive weight without a finite log-likelihood, as text such as "2 rows (0, 4)"; empty if there are none."""
    bad = np.flatnonzero(~np.isfinite(values) & (weight > 0))
    return rows_text(bad) if len(bad) else ""


def weighted_mean(values: Any, weight: np.ndarray) -> float:
    """Mean over rows of positive weight; NaN where there are none."""
    used = weight > 0
    return float(np.average(values[used], weights=weight[used])) if used.any() else np.nan


def standard_error(values: Any, weight: np.ndarray) -> float:
    """Standard error of the weighted mean, with integer weights as repeated rows; NaN if a value is infinite."""
    used = weight > 0
    values, weight = values[used], weight[used]
    n = weight.sum()
    if not np.isfinite(values).all() or n <= 1:
        return np.nan
    mean = np.average(values, weights=weight)
    return float(np.sqrt(weight @ (values - mean) ** 2 / (n - 1) / n))


def is_fitted(estimator: Any) -> bool:
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def fit_clone(estimator: Any, X: Any, y: ArrayLike | None, weight: Any = None, name: str = "") -> Any:
    """A fitted clone; weights go to the last step of a pipeline."""
    model = clone(estimator)
    if weight is None:
        return model.fit(X, y)
    key, last = "sample_weight", model
    while hasattr(last, "steps"):
        key, last = f"{last.steps[-1][0]}__{key}", last.steps[-1][1]
    if not (has_fit_parameter(last, "sample_weight") or hasattr(last, "cv") or hasattr(last, "regressor")):
        raise ValueError(f"{name or type(model).__name__}: {type(last).__name__} does not take sample_weight")
    return model.fit(X, y, **{key: weight})
