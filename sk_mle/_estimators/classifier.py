"""MLEClassifier: scikit-learn glue for laws of class labels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from .._model.validation import check_weight, replace_zero_weight_rows
from .._utils.arguments import WithArguments
from .._utils.callbacks import with_callbacks
from .._utils.floats import check_unmasked
from .._utils.messages import rows_text
from ..likelihoods import Bernoulli, Categorical, get_likelihood
from ..likelihoods._functions import class_masses, n_classes, title
from .labels import ClassTotals, in_order, missing, ranks_of
from .predictions import MLEMixin

if TYPE_CHECKING:
    from ..likelihoods import Likelihood

ROWS_OF_FIRST_LOOK = 256  # rows from which classes are collected first
MAX_COMPARED_CLASSES = 8  # classes up to which comparisons with each are faster than a search
ROWS_PER_BLOCK = 1 << 14


class MLEClassifier(MLEMixin, ClassifierMixin, WithArguments):
    """Classification by maximum likelihood, for any likelihood of classes.

    With the default likelihood it equals ``LogisticRegression(C=np.inf)``: Bernoulli with a logit link for two classes,
    categorical with coefficients that sum to zero over the classes for more. An L2 penalty `alpha` equals ``C = 1 / (alpha *
    n)``.

    Parameters
    ----------
    likelihood : Likelihood or str, optional
        Such as ``Bernoulli(links={"prob": "probit"})``. Default: by the number of classes.
    predictors, offset, exposure, alpha, l1_ratio, penalties, penalty, bounds, constraints, fit_intercept, solver, tol, \
max_iter, warm_start, n_jobs, verbose
        As in `MLERegressor`.
    class_weight : dict or "balanced", optional
        Weight per class; multiplies `sample_weight`. With "balanced", all classes have the same total weight: as in
        `LogisticRegression` of scikit-learn 1.8 and later, a weight of k counts as k rows.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        Sorted; the columns of `predict_proba`.
    ordered_classes_ : ndarray of shape (K,)
        The same in the order of the codes 0..K-1 of the likelihood and of `predict_dist`: sorted as well, unless
        `Ordinal` has another order, from its argument `categories` or from a `y` that is an ordered categorical.
    coef_ : ndarray of shape (1, q) for two classes, (K, q) for more, (1, q) for ordered ones
    intercept_ : ndarray of shape (1,) or (K,)
    coefs_, intercepts_, predictors_, likelihood_, loglikelihood_, n_params_, aic_, aicc_, bic_, n_iter_, converged_, \
optimize_result_, edf_, penalties_, n_features_in_, feature_names_in_
        As in `MLERegressor`.

    See Also
    --------
    MLERegressor : The same for numeric targets.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sk_mle import MLEClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLEClassifier().fit(X[:, 1:2], y)
    >>> model.coef_.round(3)
    array([[ 3.399],
           [-2.72 ],
           [-0.68 ]])
    >>> float(round(model.score(X[:, 1:2], y), 4))
    -0.8418
    """

    def __init__(
        self,
        likelihood: Any = None,
        *,
        predictors: dict | None = None,
        offset: str | None = None,
        exposure: str | None = None,
        alpha: Any = 0.0,
        l1_ratio: float = 0.0,
        penalties: dict | None = None,
        penalty: str | None = None,
        bounds: Any = None,
        constraints: tuple[dict, int | None, float | None] | None = None,
        fit_intercept: bool = True,
        class_weight: Any = None,
        solver: str = "auto",
        tol: float = 1e-8,
        max_iter: int = 1000,
        warm_start: bool = False,
        n_jobs: Any = None,
        verbose: int = 0,
    ) -> None:
        self.likelihood = likelihood
        self.predictors = predictors
        self.offset = offset
        self.exposure = exposure
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.penalties = penalties
        self.penalty = penalty
        self.bounds = bounds
        self.constraints = constraints
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> MLEClassifier:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p), or a source of rows as for `MLERegressor.fit`
        y : array-like of shape (n,)
            Class labels. Of a source: a collection in the same parts, or the name of a column.
        sample_weight : array-like of shape (n,), optional
            Multiplies the log-likelihood: a weight of k equals k copies of the row.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For arguments, targets or weights that cannot be used; the estimator is left as it was.
        """
        with self._fitting(X, y, sample_weight) as on_iteration:
            self._fit(self._problem(X, y, sample_weight), on_iteration)
        return self

    @property
    def coef_(self) -> np.ndarray:
        """Coefficients of the first estimated parameter: (1, q) or (K, q), as LogisticRegression."""
        return np.atleast_2d(self.fit_.coefs[self.fit_.first])

    @property
    def intercept_(self) -> np.ndarray:
        """Intercept of the first estimated parameter: (1,) or (K,)."""
        return np.atleast_1d(self.fit_.intercepts[self.fit_.first])

    def _read_training(
        self, X: Any, y: Any, sample_weight: ArrayLike | None, totals: ClassTotals | None = None
    ) -> tuple[Likelihood, Any, np.ndarray, np.ndarray]:
        original_y, (X, y, weight) = y, self._checked(X, y, sample_weight)
        if totals is None:
            classes, sorted_codes = _encoded(y)
            weighted = sorted_codes if sample_weight is None else sorted_codes[weight > 0]
        else:
            classes, sorted_codes = totals.checked_classes(), _codes(y, totals.classes)[0]
            weighted = np.flatnonzero(totals.weights)
        if weighted.min() == weighted.max():
            raise ValueError(f"y has one class ({classes[int(weighted[0])]}); a classifier needs at least two classes")
        if totals is None:  # those of a sample are not used
            weight = self._training_weight(y, weight)
        law = self._own(self._law(len(classes)))
        ranks = ranks_of(law, original_y, classes)
        codes = sorted_codes if ranks is None else ranks[sorted_codes.astype(int)]
        law = law.bind(codes if totals is None else np.arange(len(classes), dtype=float))
        _check_size(law, len(classes))
        self.classes_, self._ranks = classes, ranks
        self.ordered_classes_ = classes if ranks is None else classes[np.argsort(ranks)]
        return law, X, codes, weight

    def _sums_of_part(self, rows: Any) -> ClassTotals:
        _, y, weight = self._checked(*rows[:3])
        return ClassTotals.of(y, weight)

    def _checked(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> tuple[Any, np.ndarray, np.ndarray]:
        """X, labels and weights, validated."""
        X = self._validate(X, reset=True)
        y = self._labels(y, X, sample_weight)
        return X, y, check_weight(sample_weight, len(y))

    def _part_reader(self, totals: ClassTotals) -> MLEClassifier:
        reader: Any = super()._part_reader(totals)
        if isinstance(self.class_weight, str) and self.class_weight == "balanced":
            reader.class_weight = dict(zip(totals.classes.tolist(), totals.balanced().tolist(), strict=True))
        return reader

    def _law(self, n_in_y: int) -> Likelihood:
        """The likelihood of the constructor, or the default for so many classes; ValueError if it is not of classes."""
        if self.likelihood is None:
            return Bernoulli() if n_in_y == 2 else Categorical()
        law = get_likelihood(self.likelihood)
        law.check()
        if law.target_type != "classes":
            raise ValueError(f"{title(law)} is a likelihood of numeric targets: use it in MLERegressor")
        return law

    def _labels(self, y: Any, X: Any, sample_weight: ArrayLike | None = None) -> np.ndarray:
        """Labels as a 1-D array; ValueError for missing ones, except in rows of zero weight."""
        if y is None:
            raise ValueError("MLEClassifier requires y to be passed, but the target y is None")
        if type(y) is not np.ndarray or y.ndim != 1:
            check_unmasked(y, "y")
            y = column_or_1d(y, warn=True)
        if len(y) != X.shape[0]:
            check_consistent_length(X, y)  # which raises
        rows = missing(y)
        if len(rows):  # a label of zero weight may be missing; otherwise it names a class, as in scikit-learn
            y = y.copy()
            y[rows] = replace_zero_weight_rows(y, sample_weight)[rows]
            rows = missing(y)
        if len(rows):
            raise ValueError(f"Input y contains NaN in {rows_text(rows)}; drop these rows")
        if y.dtype.kind not in "biufU":  # neither numbers nor text: the type of the first label is checked
            check_classification_targets(y[:1])
        return y

    def _training_weight(self, y: Any, weight: np.ndarray) -> np.ndarray:
        """Sample weights times class weights."""
        if self.class_weight is None:
            return weight
        if not isinstance(self.class_weight, str) or self.class_weight != "balanced":
            return check_weight(weight * compute_sample_weight(self.class_weight, y), len(y))
        totals = ClassTotals.of(y, weight)
        return check_weight(weight * totals.balanced()[np.searchsorted(totals.classes, y)], len(y))

    def _target(self, y: Any, X: Any) -> np.ndarray:
        """Labels as codes of the fitted law; ValueError for labels that are not in the training data."""
        y = self._labels(y, X)
        codes, unknown = _codes(y, self.classes_)
        if len(unknown):
            check_classification_targets(y)
            raise ValueError(f"y has labels that were not in the training data in {rows_text(unknown)}: {y[unknown[0]]}")
        return codes if self._ranks is None else self._ranks[codes.astype(int)]

    def decision_function(self, X: Any) -> np.ndarray:
        """Confidence scores of the classes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)

        Returns
        -------
        ndarray of shape (n,) for two classes, (n, K) for more

        Notes
        -----
        For two classes, the log odds of the second, which equal the linear predictor with a logit link. For more, the linear
        predictors of laws with one per class, or log probabilities of laws with a single one (`Ordinal`).
        """
        if (rows := self._opened(X)) is not None:
            return rows.predict(self.decision_function)
        return self._of_rows(X, self._confidence)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Log probability of every class, exact where a probability underflows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)

        Returns
        -------
        ndarray of shape (n, K)
            In the order of `classes_`.
        """
        if (rows := self._opened(X)) is not None:
            return rows.predict(self.predict_log_proba, list(self.classes_))
        return self._of_rows(X, lambda eta: self._sorted(class_masses(self.fit_.evaluated, eta, len(self.classes_))))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of every class.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)

        Returns
        -------
        ndarray of shape (n, K)
            In the order of `classes_`.
        """
        if (rows := self._opened(X)) is not None:
            return rows.predict(self.predict_proba, list(self.classes_))
        masses = lambda eta: class_masses(self.fit_.evaluated, eta, len(self.classes_), "probability")
        return self._of_rows(X, lambda eta: self._sorted(masses(eta)))

    def predict(self, X: Any) -> np.ndarray:
        """Most probable class of every row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)

        Returns
        -------
        ndarray of shape (n,)
        """
        if (rows := self._opened(X)) is not None:
            return rows.predict(self.predict)

        def best(eta: dict) -> np.ndarray:
            with np.errstate(invalid="ignore"):  # NaN if no class is possible
                score = self._confidence(eta)
            if score.ndim > 1:
                return self.classes_[np.argmax(score, axis=1)]
            return np.where(score > 0, self.classes_[1:], self.classes_[:1])

        return self._of_rows(X, best)

    def _of_rows(self, X: Any, fn: Callable) -> np.ndarray:
        """fn(eta) of the linear predictors of blocks of rows, concatenated over X."""
        self._check_fitted()
        X = self._validate(X, reset=False, finite=False)
        return self.fit_.by_blocks(X, lambda rows, eta: {"result": fn(eta)})["result"]

    def _confidence(self, eta: dict) -> np.ndarray:
        """Decision function from linear predictors."""
        score = self._sorted(class_masses(self.fit_.evaluated, eta, len(self.classes_), "score"))
        return score if len(self.classes_) > 2 else score[:, 1] - score[:, 0]

    def _sorted(self, columns: np.ndarray) -> np.ndarray:
        """Columns in the order of the codes, reordered to that of `classes_`."""
        return columns if self._ranks is None else columns[:, self._ranks.astype(int)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        with suppress(TypeError, ValueError):  # `fit` raises these
            law = self._law(2)
            tags.classifier_tags.multi_class = self.likelihood is None or bool(law.support.contains(2))
            tags.classifier_tags.poor_score = in_order(law)
        return tags


def _check_size(law: Likelihood, n_in_y: int) -> None:
    """Raise ValueError unless a law has as many classes as y."""
    n = n_classes(law)
    if n < n_in_y:
        only = "Only binary classification is" if n == 2 else f"Only {n:g} classes are"
        raise ValueError(f"{only} supported by {title(law)}, but y has {n_in_y} classes; use Categorical()")
    if n_in_y < n < np.inf:
        raise ValueError(f"n_classes={n:g}, but y has {n_in_y} classes; leave n_classes at None")


def _encoded(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """The sorted classes of labels y, and the codes (n,) of the rows; a sample first, then one pass for the other classes."""
    classes = np.unique(y[:: len(y) // ROWS_OF_FIRST_LOOK + 1])
    codes, unknown = _codes(y, classes)
    if len(unknown):
        classes = np.union1d(classes, y[unknown])
        codes, _ = _codes(y, classes)
    if classes.dtype.kind == "f" and np.isinf(classes[[0, -1]]).any():
        raise ValueError(f"Input y contains infinity in {rows_text(np.flatnonzero(np.isinf(y)))}; drop these rows")
    with np.errstate(invalid="ignore"):  # numbers beyond the integers are cast
        if 2 * len(classes) > len(y):
            check_classification_targets(y)
        elif classes.dtype.kind == "f":  # classes must be whole numbers
            check_classification_targets(np.repeat(classes, 2))
    return classes, codes


def _position(labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Positions (n,) of labels in sorted classes, or of the class before them; by comparisons where these cost less."""
    if len(classes) > MAX_COMPARED_CLASSES or labels.dtype.kind not in "biuf":
        return np.searchsorted(classes[1:], labels, side="right")
    index = np.zeros(len(labels), np.intp)
    for label in classes[1:]:
        index += labels >= label
    return index


def _codes(y: Any, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions (n,) of labels in sorted classes, as floats, and the indices of rows with another label."""
    codes, unknown = np.empty(len(y)), [np.empty(0, np.intp)]
    for first in range(0, len(y), ROWS_PER_BLOCK):
        block = y[first : first + ROWS_PER_BLOCK]
        if len(classes) == 2 and block.dtype.kind in "biuf":  # two comparisons tell all
            index = block == classes[1]
            known = index | (block == classes[0])
        else:
            index = _position(block, classes)
            known = classes[index] == block
        codes[first : first + ROWS_PER_BLOCK] = index
        if not known.all():
            unknown.append(first + np.flatnonzero(~known))
    return codes, np.concatenate(unknown)
