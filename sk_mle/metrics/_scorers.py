"""Scores as scikit-learn scorers, for `scoring=` of cross-validation and searches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import UNUSED

from .._model.averages import averages
from .._model.validation import replace_zero_weight_rows
from .._predictive.distribution import Distribution
from .._predictive.unwrapping import Unwrapped, unwrap
from .._sources import Opened, Rows, open_source
from .._utils.floats import numbers
from .._utils.messages import rows_text
from ..likelihoods import get_likelihood
from ..likelihoods._functions import title
from ._calibration import interval_coverage
from ._divergence import d2_log_likelihood
from ._scores import log_score, mean_score

_HIGHER_IS_BETTER = (d2_log_likelihood, interval_coverage)


def make_dist_scorer(score: Callable, *, greater_is_better: bool | None = None, **options: Any) -> DistScorer:
    """A scorer of predictive distributions, for `scoring=` of `cross_validate`, `GridSearchCV` and the like.

    Works on every estimator of this package and on what wraps one: pipelines, searches, TransformedTargetRegressor; and on
    classifiers of other packages, by their `predict_proba`. Labels become the codes of the model's classes. Losses change
    sign, so that higher is better.

    Parameters
    ----------
    score : callable
        A function of `sk_mle.metrics`, or your own `f(y, dist, *, sample_weight=None, **options) -> float`.
    greater_is_better : bool, optional
        Default: False, but True for `d2_log_likelihood` and `interval_coverage`.
    **options
        Passed on to `score`, such as ``coverage=0.8``.

    Returns
    -------
    DistScorer
        A callable ``scorer(estimator, X, y, sample_weight=None)``; with metadata routing, see its `set_score_request`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.metrics import crps, interval_score, make_dist_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 1))
    >>> y = X[:, 0] + rng.normal(size=100)
    >>> cross_val_score(MLERegressor(), X, y, scoring=make_dist_scorer(crps), cv=3).round(3)
    array([-0.516, -0.55 , -0.565])
    >>> make_dist_scorer(interval_score, coverage=0.8)
    make_dist_scorer(interval_score, coverage=0.8)
    """
    if not callable(score):
        raise TypeError(f"score must be a function such as sk_mle.metrics.crps, got {score!r}")
    arguments = signature(score).parameters
    unknown = [name for name in options if name not in arguments and "kwargs" not in arguments and "options" not in arguments]
    if unknown:
        raise TypeError(
            f"{score.__name__} takes no argument {unknown[0]!r}; it takes {[n for n in arguments if n != 'dist'][1:]}"
        )
    return DistScorer(score, greater_is_better, options)


class DistScorer(BaseEstimator):
    """A scorer of predictive distributions, made by `make_dist_scorer`.

    Parameters
    ----------
    score_func : callable
    greater_is_better : bool, optional
    options : dict, optional

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.datasets import make_mle_regression
    >>> from sk_mle.metrics import crps, make_dist_scorer
    >>> X, y, *_ = make_mle_regression("gamma", random_state=0)
    >>> scorer = make_dist_scorer(crps)
    >>> round(scorer(MLERegressor("gamma").fit(X, y), X, y), 3)  # minus the mean CRPS, so that higher is better
    -2.01
    """

    __metadata_request__score = {"estimator": UNUSED}

    def __init__(self, score_func: Callable, greater_is_better: Any = None, options: dict | None = None) -> None:
        self.score_func = score_func
        self.greater_is_better = greater_is_better
        self.options = options

    def __call__(self, estimator: Any, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """Score of a fitted estimator; higher is better."""
        return self.score(estimator, X, y, sample_weight=sample_weight)

    def score(self, estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Score of a fitted estimator; the same as calling the scorer.

        Parameters
        ----------
        estimator : estimator
            Fitted, with `predict_dist`.
        X : array-like or data frame
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        float
            Higher is better.
        """
        higher = self.score_func in _HIGHER_IS_BETTER if self.greater_is_better is None else self.greater_is_better
        sign, rows = (
            1.0 if higher else -1.0,
            open_source(X, y, sample_weight, features=getattr(estimator, "feature_names_in_", None)),
        )
        if rows is not None:
            self._check_rows(rows)
            return sign * float(averages(rows, partial(self._row_scores, estimator)).mean[0])
        X, y = replace_zero_weight_rows(X, sample_weight), replace_zero_weight_rows(y, sample_weight)
        return sign * float(self._score_of(estimator, X, y, sample_weight=sample_weight))

    def _check_rows(self, rows: Opened) -> None:
        """Raise TypeError for a score that is no mean over rows, of a source of rows."""
        if "per_row" not in signature(self.score_func).parameters:
            raise TypeError(
                f"{self.score_func.__name__} is no mean of values per row (it takes no per_row=True), so it needs rows in "
                f"memory: pass some of them, as by {rows.source.some_rows}, or gather them, as by {rows.source.all_rows}"
            )

    def _row_scores(self, estimator: Any, rows: Rows) -> np.ndarray:
        """The score of every row of a part."""
        return self._score_of(estimator, rows.X, rows.y, per_row=True)

    def _score_of(self, estimator: Any, X: Any, y: Any, **how: Any) -> Any:
        """The score function's result, or its values per row."""
        unwrapped = _unwrapped_or_none(estimator)
        if (
            unwrapped is not None and self.score_func is log_score and not unwrapped.transformers
        ):  # right for censored y as well
            loss = -unwrapped.model.score_samples(unwrapped.X(X), y)
            return mean_score(loss, **{"sample_weight": None, "per_row": False, **how}, score="log_score", infinite=True)
        y, dist = _from_proba(estimator, X, y) if unwrapped is None else _predicted(unwrapped, X, y, self.score_func)
        return self.score_func(y, dist, **how, **(self.options or {}))

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        options = dict(self.options or {})
        if self.greater_is_better is not None:
            options = {"greater_is_better": self.greater_is_better, **options}
        name = getattr(self.score_func, "__name__", repr(self.score_func))
        return f"make_dist_scorer({', '.join([name, *(f'{key}={value!r}' for key, value in options.items())])})"


def _unwrapped_or_none(estimator: Any) -> Unwrapped | None:
    """The unwrapped estimator of this package; None for a classifier of another."""
    try:
        return unwrap(estimator)
    except TypeError:
        if hasattr(estimator, "predict_proba"):
            return None
        raise


def _predicted(unwrapped: Unwrapped, X: Any, y: np.ndarray, score: Callable) -> tuple[np.ndarray, Any]:
    """y as the law reads it, and the distribution of each row."""
    X = unwrapped.X(X)
    dist = unwrapped.dist(unwrapped.model.predict_dist(X))
    if unwrapped.transformers:
        return numbers(y, "y"), dist
    target = unwrapped.model.read_data(X, y).y
    if target.ndim == 2 and dist.likelihood.target_type != "targets":
        y = np.asarray(y)
        if y.ndim == 2 or y.dtype.kind not in "fiub":
            law = title(unwrapped.model.likelihood_)
            raise ValueError(
                f"{score.__name__}: {law} reads y from several columns, which this score does not take: use "
                "make_dist_scorer(log_score), which scores censored and binned y as well, or pass single values"
            )
        target = y.astype(float)
    return target, dist


def _from_proba(estimator: Any, X: Any, y: np.ndarray) -> tuple[np.ndarray, Distribution]:
    """Codes of the labels, and the predicted probabilities as a distribution over codes."""
    probability, classes = np.asarray(estimator.predict_proba(X)), np.asarray(estimator.classes_)
    y = np.asarray(y)
    codes = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    unknown = np.flatnonzero(classes[codes] != y)
    if len(unknown):
        raise ValueError(f"y has labels that were not in the training data in {rows_text(unknown)}: {y[unknown[0]]}")
    law = get_likelihood("categorical").bind(np.arange(float(len(classes))))
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(probability), -1e4)  # zero after exp, and finite before
    return codes.astype(float), Distribution(law, {"logits": logits})
