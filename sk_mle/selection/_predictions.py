"""Predictive distributions of rows that the fit has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags, indexable
from sklearn.utils.parallel import Parallel, delayed

from .._model.validation import check_weight
from .._predictive.distribution import Distribution
from .._predictive.joined import join
from .._predictive.unwrapping import predict_dist, target_of
from .._sources import check_in_memory
from .._utils.frames import n_rows, take
from .._utils.progress import progress
from ._scores import fit_clone, unwrapped_or_none


def cross_val_predict_dist(
    estimator: Any,
    X: Any,
    y: ArrayLike | None = None,
    *,
    cv: Any = None,
    groups: Any = None,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Distribution:
    """Predictive distribution of every row from a fit that has not seen it, in the order of the rows.

    Scores, PIT values, coverage and residuals of these are honest, where those of the fit to all rows flatter it. Everything
    that takes y and a distribution takes them: ``metrics.crps(y, dist)``, ``PITDisplay.from_predictions(y, dist)``.

    Parameters
    ----------
    estimator : estimator
        Of this package, alone or in a pipeline, search or `TransformedTargetRegressor`; clones of it are fitted.
    X : array-like of shape (n, p)
    y : array-like of shape (n,), or as the likelihood takes it, optional
        Of a `FormulaModel` by default what its formula has left of ``~``.
    cv : int, splitter or iterable, optional
        As in scikit-learn's `cross_val_predict`: every row is held out once. Default: five folds.
    groups : array-like of shape (n,), optional
        For the splitter.
    sample_weight : array-like of shape (n,), optional
        For the fits. Rows of weight zero are predicted as well, so that their X must be valid.
    n_jobs : int, optional
        Processes over folds.
    verbose : int, default=0
        Above 0, progress is shown.

    Returns
    -------
    Distribution
        Of n rows. Those of classes are distributions of their codes in `ordered_classes_`.

    Raises
    ------
    ValueError
        Where folds overlap or leave rows out, and where folds see different classes.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor, cross_val_predict_dist, metrics
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 10))
    >>> y = X[:, 0] + rng.normal(size=60)
    >>> model = MLERegressor().fit(X, y)
    >>> seen, unseen = model.predict_dist(X), cross_val_predict_dist(model, X, y, cv=10)
    >>> metrics.log_score(y, unseen) > metrics.log_score(y, seen)  # a loss
    True
    """
    check_in_memory(X)
    y = target_of(estimator, X, y)
    if y is None and get_tags(estimator).target_tags.required:
        raise ValueError("cross_val_predict_dist needs y, or a FormulaModel whose formula has it left of ~")
    X, y = indexable(X, y)
    n = n_rows(X)
    weight = None if sample_weight is None else check_weight(sample_weight, n)
    folds = list(check_cv(5 if cv is None else cv, y, classifier=is_classifier(estimator)).split(X, y, groups))
    if not np.array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(n)):
        raise ValueError(
            "cv must hold out every row exactly once, as KFold does; shuffled splits, and those of time series, leave rows "
            "out or repeat them: use compare(cv=...) for average scores of these"
        )
    jobs = (delayed(_one_fold)(estimator, X, y, weight, train, test) for train, test in folds)
    fits = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    results = list(progress(fits, "cross_val_predict_dist", verbose, total=len(folds)))
    classes = {tuple(of_fold) for _, of_fold in results}
    if len(classes) > 1:
        raise ValueError(
            "folds see different classes: use a StratifiedKFold, fewer folds, or leave out classes of very few rows"
        )
    return join([dist for dist, _ in results], [test for _, test in folds])


def _one_fold(
    estimator: Any, X: Any, y: Any, weight: np.ndarray | None, train: np.ndarray, test: np.ndarray
) -> tuple[Distribution, list]:
    """The distributions of one fold's held-out rows, and the classes that its fit saw."""
    fitted = fit_clone(estimator, take(X, train), take(y, train), take(weight, train))
    classes = getattr(unwrapped_or_none(fitted).model, "ordered_classes_", None)
    return predict_dist(fitted, take(X, test)), [] if classes is None else list(classes)
