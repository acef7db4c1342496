"""Predictions and scores of fitted models."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import Bunch

from .._predictive.distribution import Distribution
from .._solvers.maxima import Sparse
from .._utils.floats import numbers, probability
from ..inference import Inference
from .base import Fitting
from .problem import coefficients


class MLEMixin(Fitting):
    """Predictions and scores of any likelihood; subclasses translate y."""

    @property
    def coefs_(self) -> dict:
        """Coefficients of every estimated parameter on its columns."""
        return self.fit_.coefs

    @property
    def intercepts_(self) -> dict:
        """Intercepts of every estimated parameter."""
        return self.fit_.intercepts

    @property
    def predictors_(self) -> dict:
        """Columns of every estimated parameter, by name if X has names; the names of the coefficients of a curve."""
        names = self.fit_.names
        return {
            name: np.array(one.labels(names), dtype=object)
            if one.curve
            else one.columns
            if names is None
            else names[one.columns]
            for name, one in self.fit_.predictors.items()
        }

    def predict_params(self, X: Any) -> dict[str, np.ndarray]:
        """Parameters of the predictive distribution.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)

        Returns
        -------
        dict of str to ndarray of shape (n,), or (n, K) for a vector parameter
            On the natural scale; fixed parameters included.
        """
        self._check_fitted()
        return self.fit_.params(self._validate(X, reset=False, finite=False))

    def predict_dist(self, X: Any) -> Distribution:
        """Predictive distribution of every row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)

        Returns
        -------
        Distribution
            With the method names of scipy.stats. That of a classifier is over class codes 0..K-1 in the order of
            `ordered_classes_`, which is that of `classes_` unless `Ordinal` or an ordered categorical y declares another.
        """
        params = self.predict_params(X)
        return self.fit_.dist(params)

    def score_samples(self, X: Any, y: ArrayLike | None = None) -> np.ndarray:
        """Log-likelihood of every row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
        y : array-like of shape (n,), or (n, K) for likelihoods of several targets, optional
            Without y, its expectation under the model: minus the entropy of the predictive distribution.

        Returns
        -------
        ndarray of shape (n,)
            -inf where y is outside the support, which `fit` refuses. Between whole numbers, laws of counts have the value that
            `fit` maximises there, with y! as a gamma function; no probability has it, and `predict_dist(X).logpdf` is -inf.
        """
        self._check_fitted()
        if y is None:
            return -self.predict_dist(X).entropy()
        X = self._validate(X, reset=False, finite=False)
        return self.fit_.loglik(X, self._target(y, X))

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Weighted mean log-likelihood of `y` given `X`: higher is better, and likelihoods compare.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
        y : array-like of shape (n,), or (n, K) for likelihoods of several targets
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        float
            All normalising constants are included. For a classifier this is minus `sklearn.metrics.log_loss`.
        """
        return self._score_rows(X, y, sample_weight)

    def _log_scores(self, X: Any, y: Any) -> Any:
        return self.score_samples(X, y)

    def path(
        self, X: Any, y: ArrayLike, *, alphas: Any = 50, eps: float = 1e-3, sample_weight: ArrayLike | None = None
    ) -> Bunch:
        """Coefficients along a path of L1 penalties, each fitted from the one before; the estimator stays as it is.

        `GridSearchCV` over `alpha` chooses one of them by cross-validation, with ``warm_start=True`` from one to the next.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        alphas : int or sequence of float, default=50
            Numbers by which `alpha` is multiplied (1.0 for the first parameter, if it is 0), or how many, from the smallest at
            which all coefficients are zero downwards.
        eps : float, default=1e-3
            Ratio of the smallest to the largest of them.

        Returns
        -------
        Bunch
            `alphas` of shape (m,), in decreasing order; `coefs` and `intercepts`, by parameter arrays whose first axis has
            length m; `loglikelihood` and `n_nonzero`, of shape (m,).
        """
        multiples, eps = _multiples(alphas), probability(eps, "eps")
        follower = clone(self)
        if not isinstance(follower.alpha, dict) and not follower.alpha:
            follower.alpha = 1.0
        if not isinstance(follower.l1_ratio, dict) and not follower.l1_ratio:
            follower.l1_ratio = 1.0
        return follower._path(X, y, sample_weight, multiples, eps)

    def _path(self, X: Any, y: Any, sample_weight: ArrayLike | None, alphas: Any, eps: float) -> Bunch:
        """The result of `path`, of a clone, which is fitted at the last penalties."""
        problem = self._problem(X, y, sample_weight)
        if not any(predictor.l1 for predictor in problem.predictors.values()):
            raise ValueError("path follows L1 penalties, and alpha or l1_ratio is 0 for every parameter: make both positive")
        sparse = Sparse(problem.region)
        objective, start, identified = self._start(problem, sparse)
        points, found = sparse.path(objective, start, problem.predictors, self._search(), alphas, eps)
        self._store(problem, identified, found)
        fits, n = [coefficients(found.objective, u) for _, u, _ in points], objective.data.total_weight
        coefs, intercepts = ({name: np.array([fit[k][name] for fit in fits]) for name in fits[0][k]} for k in (0, 1))
        return Bunch(
            alphas=np.array([factor for factor, _, _ in points]),
            coefs=coefs,
            intercepts=intercepts,
            loglikelihood=np.array([-n * loss for _, _, loss in points]),
            n_nonzero=np.array([sum(int(np.count_nonzero(value)) for value in fit[0].values()) for fit in fits]),
        )

    def inference(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, **options: Any) -> Inference:
        """Standard errors, tests and intervals, from the data of the fit.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or source
            Those of the fit, as `y`: a fitted estimator keeps neither.
        y : array-like, or the name of a column of a source
        sample_weight : array-like of shape (n,), optional
            That of the fit.
        **options : dict
            As in `sk_mle.inference.Inference.from_estimator`: `cov`, `groups`, `weights`, `use_t`.

        Returns
        -------
        Inference
        """
        return Inference.from_estimator(self, X, y, sample_weight=sample_weight, **options)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _multiples(alphas: Any) -> int | list[float]:
    """The multiples of a penalty along a path, or how many of them; ValueError for what is neither."""
    if isinstance(alphas, Integral):
        if int(alphas) > 0:
            return int(alphas)
    else:
        found = numbers(alphas, "alphas")
        if found.ndim == 1 and found.size and (np.isfinite(found) & (found >= 0)).all():
            return found.tolist()
    raise ValueError(f"alphas must be numbers >= 0 by which alpha is multiplied, or how many of them to try, got {alphas!r}")
