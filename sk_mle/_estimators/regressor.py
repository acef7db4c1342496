"""MLERegressor: scikit-learn glue for laws of numeric targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_consistent_length

from .._model.validation import check_support, check_weight, replace_zero_weight_rows
from .._predictive.distribution import Distribution
from .._utils.arguments import WithArguments
from .._utils.callbacks import with_callbacks
from .._utils.floats import check_unmasked, is_finite, probabilities, probability
from .._utils.messages import rows_text, warn_caller
from ..likelihoods import Normal, get_likelihood
from ..likelihoods._functions import integrates, title
from .predictions import MLEMixin

if TYPE_CHECKING:
    from ..likelihoods import Likelihood

QUANTILES = (0.05, 0.5, 0.95)  # predicted by default


class MLERegressor(MLEMixin, RegressorMixin, WithArguments):
    r"""Regression by maximum likelihood, for any likelihood and with any of its parameters modelled on X.

    Minimises the weighted mean negative log-likelihood

    .. math:: -\frac{1}{\sum_i w_i} \sum_i w_i \log p(y_i \mid \theta(x_i))
        + \sum_k \frac{\alpha_k}{2} \lVert \beta_k \rVert^2,
        \qquad \theta_k(x) = g_k^{-1}(x^\top \beta_k + b_k + \mathrm{offset}_k)

    With the default likelihood it equals `sklearn.linear_model.LinearRegression`, and estimates the residual scale.

    Parameters
    ----------
    likelihood : Likelihood, str or scipy.stats distribution, optional
        A law such as ``Poisson()`` or its name, ``"poisson"``, or ``scipy.stats.gumbel_r``. Default ``Normal()``.
    predictors : dict, optional
        Columns for each parameter: ``{"scale": ["age"], "df": "intercept"}``. A value is "all", "intercept", a list of names
        or indices, a slice, a mask, or a callable of X such as `sklearn.compose.make_column_selector`. Default: the first
        parameter on all columns (except those used as offset or exposure), the others on an intercept only. Where laws take
        turns, as in a grid, a number is a position among the estimated parameters (``{1: ["age"]}`` models the second one, in
        a law that has it), and ``"*"`` stands for all of them: ``{"*": "all"}``; a name comes before a number before ``"*"``.
        Or a curve, a `sk_mle.predictors.Nonlinear`.
    offset : str, int or dict, optional
        Column of X added to the linear predictor of the first parameter, or a dict of columns by parameter.
    exposure : str, int or dict, optional
        Like `offset`; the logarithm of the column is added. Values must be positive.
    alpha : float, "reml", "gcv" or dict, default=0.0
        L2 penalty on the coefficients of the first parameter, or a dict by parameter, on the scale of the mean negative
        log-likelihood: as in `PoissonRegressor`. Intercepts are never penalised, all coefficients of a curve are.
        "reml" and "gcv": the data choose a penalty for each term of `penalties` or, without these, for the columns of the
        parameter, by the restricted likelihood, or by the log-likelihood minus the effective degrees of freedom, which for the
        normal law is generalised cross-validation.
    l1_ratio : float or dict, default=0.0
        Share of the L1 penalty, which is ``alpha * (l1_ratio * sum(abs(b)) + (1 - l1_ratio) / 2 * sum(b**2))``, as
        in `ElasticNet`. Coefficients are exactly zero where it says so. A number is for all parameters that have an `alpha`.
    penalties : dict, optional
        Terms of each parameter with a penalty of their own, ``{"loc": [Smooth("x"), Groups("site"), Ridge("all")]}``, see
        `sk_mle.predictors`; with ``alpha="reml"``, ``"gcv"`` or a number > 0 for all terms. Columns of smooths and groups are
        not in "all" columns of `predictors`.
    penalty : {"jeffreys", "mean_bias", "median_bias"}, optional
        Bias-reduced likelihood, for small or separated samples. "jeffreys" adds half the log determinant of the expected
        information to the log-likelihood (Firth): finite estimates where classes are separated. "mean_bias" and "median_bias"
        adjust the score so that the estimates' mean or median is right to the next order of 1 / n; for canonical links the
        first is the same as "jeffreys", while for parameters of scale "jeffreys" reduces no bias. Sample weights count
        rows. Inference takes the information at the estimate, and profiles those of the penalised likelihood.
    bounds : tuple or dict, optional
        Ends between which coefficients lie: ``{"x1": (0, None)}`` for columns of the first parameter, ``{"scale": {"x1": (0,
        None)}}`` for those of another, ``{"mean[1]": {"x1": (0, None)}}`` for those of one entry of a vector, "intercept" for
        an intercept; a pair alone stands for all columns of the first. Coefficients of a curve go by their names.
    constraints : tuple, LinearConstraint, or list of such, optional
        Sums of coefficients between two ends: ``({"x1": 1, "x2": -1}, 0, None)``, with names such as "scale:x1" for other
        parameters, or a `scipy.optimize.LinearConstraint` on the first parameter's coefficients in the order of its columns,
        by parameter in a dict. Fits end exactly on the constraints that hold them.
    fit_intercept : bool, default=True
        Whether parameters that are modelled on columns have an intercept.
    solver : str or callable, default="auto"
        "newton", "lbfgs" or another method of `scipy.optimize.minimize` by its name, or a callable such as that accepts:
        ``solver(fun, x0, jac=..., hess=..., hessp=..., **options)``, which returns an `OptimizeResult`; its options are `tol`
        and `maxiter`, where it takes them. "auto" takes Newton steps where the Hessian is small, L-BFGS otherwise, and for
        likelihoods with kinks (Laplace) a method that ends on the vertex.
    tol : float, default=1e-8
        Largest entry of the gradient at the solution, in standardised coordinates: the error is about tol * sqrt(n) standard
        errors.
    max_iter : int, default=1000
    warm_start : bool, default=False
        Start from the coefficients of the previous fit.
    n_jobs : int, optional
        Threads over blocks of rows. None means as many as the process has cores and BLAS may use, which OMP_NUM_THREADS,
        threadpoolctl and joblib's worker processes limit, for X of 32 MB and more; results do not depend on it.
    verbose : int, default=0
        Above 0, a line per iteration.

    Attributes
    ----------
    coef_ : ndarray of shape (q,), or (K, q) for a vector parameter
        Coefficients of the first estimated parameter on its columns.
    intercept_ : float, or ndarray of shape (K,)
        Its intercept.
    coefs_, intercepts_ : dict
        The same for every estimated parameter, on the scale of its linear predictor.
    predictors_ : dict of str to ndarray
        The columns of every estimated parameter, by name where X has names, to which `coefs_` are aligned.
    likelihood_ : Likelihood
        The law that was fitted.
    loglikelihood_ : float
        Weighted sum of the log-likelihood at the solution.
    n_params_ : int
        Number of estimated coefficients of all parameters (the rank, where columns are dependent), without those that a bound
        holds or an L1 penalty sets to zero; of those in terms of `penalties` the effective number.
    aic_, aicc_, bic_ : float
        Information criteria; the sum of the weights counts as the number of samples.
    edf_ : dict of str to dict of str to float
        Effective degrees of freedom of each term, by parameter and term; only with terms.
    penalties_ : dict of str to dict of str to float
        Penalty of each term on the scale of the sum of the log-likelihood, as the terms state it: for groups, 1 / sqrt(penalty)
        is the standard deviation of their effects. A smooth of several columns has one for each. A very large one has shrunk
        the term to what it does not penalise: nothing, or a straight line.
    n_iter_ : int
    converged_ : bool
        Whether the gradient at the solution is below `tol` and a finite maximum exists.
    optimize_result_ : scipy.optimize.OptimizeResult
        What the solver returned. If several maxima were found, `other_maximum` is the log-likelihood of a lower one.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if X has names.

    See Also
    --------
    MLEClassifier : The same for class labels.
    predict_dist : Predictive distributions from pipelines and searches.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.likelihoods import NegativeBinomial, Normal
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2))
    >>> y = 1 + 2 * X[:, 0] + np.exp(0.5 * X[:, 1]) * rng.normal(size=500)
    >>> model = MLERegressor(Normal(), predictors={"scale": [1]}).fit(X, y)
    >>> model.coefs_["scale"].round(1)
    array([0.5])
    >>> model.predict_interval([[0.0, -1.0], [0.0, 1.0]], coverage=0.9).round(1)
    array([[ 0. ,  2.1],
           [-1.6,  3.6]])
    """

    def __init__(
        self,
        likelihood: Any = None,
        *,
        predictors: Any = None,
        offset: Any = None,
        exposure: Any = None,
        alpha: Any = 0.0,
        l1_ratio: Any = 0.0,
        penalties: Any = None,
        penalty: Any = None,
        bounds: Any = None,
        constraints: Any = None,
        fit_intercept: Any = True,
        solver: Any = "auto",
        tol: float = 1e-8,
        max_iter: int = 1000,
        warm_start: Any = False,
        n_jobs: int | None = None,
        verbose: Any = 0,
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
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> MLERegressor:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p), or a source of rows
            A source is a Dask array, data frame or list of delayed parts, a dataset of pyarrow, the `pathlib.Path` of a folder
            of parquet files, or a `Source`: its rows are not gathered, but summed part by part.
        y : array-like of shape (n,), or (n, K) for likelihoods of several targets
            Inside the support of the likelihood. Of a source: a collection in the same parts, or the name of a column.
        sample_weight : array-like of shape (n,), optional
            Multiplies the log-likelihood: a weight of k equals k copies of the row. Precisions, such as weights of R's `lm`,
            are a different thing and belong into the law: give X a column ``sd`` of ``w ** -0.5``, and
            ``exposure={"scale": "sd"}`` makes the standard deviation scale * w ** -0.5. Log-likelihood, scale, AIC and
            standard errors are then those of precisions. For Gamma, whose shape is the precision, ``exposure={"shape": "w"}``.

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
        """Coefficients of the first estimated parameter: (q,), or (K, q) for a vector parameter."""
        return self.fit_.coefs[self.fit_.first]

    @property
    def intercept_(self) -> float | np.ndarray:
        """Intercept of the first estimated parameter: a number, or (K,) for a vector parameter."""
        return self.fit_.intercepts[self.fit_.first]

    def _law(self) -> Any:
        """The likelihood of the constructor; ValueError if it is one of classes."""
        law = get_likelihood(Normal() if self.likelihood is None else self.likelihood)
        law.check()
        if law.target_type == "classes":
            raise ValueError(f"{title(law)} is a likelihood of classes: use it in MLEClassifier")
        return law

    def _read_training(
        self, X: Any, y: Any, sample_weight: ArrayLike | None, totals: Any = None
    ) -> tuple[Any, Any, np.ndarray, np.ndarray]:
        law, X, y, weight = self._checked(X, y, sample_weight)
        return law.bind(y), X, y, weight

    def _sums_of_part(self, rows: Any) -> None:
        self._checked(*rows[:3])

    def _checked(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> tuple[Any, Any, np.ndarray, np.ndarray]:
        """The law, and X, y and weights that it takes."""
        law = self._own(self._law())
        X = self._validate(X, reset=True)
        y = self._target(replace_zero_weight_rows(y, sample_weight), X, law)
        check_support(law, y)
        return law, X, y, check_weight(sample_weight, X.shape[0])

    def _target(self, y: Any, X: Any, law: Likelihood | None = None) -> np.ndarray:
        """y in the form that the law takes, of the length of X."""
        if y is None:
            raise ValueError("MLERegressor requires y to be passed, but the target y is None")
        check_unmasked(y, "y")
        y = (law or self.likelihood_).read(y)
        if len(y) != X.shape[0]:
            check_consistent_length(X, y)  # which raises
        return y

    def predict(
        self, X: Any, output: str = "mean", *, coverage: float | None = None, quantiles: Sequence[float] | None = None
    ) -> np.ndarray | dict[str, np.ndarray] | Distribution:
        """The mean of every row of X, or the kind of prediction that `output` names; a Pipeline passes it on.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
        output : {"mean", "std", "params", "dist", "interval", "quantiles"}
            "mean" is the median where the mean does not exist, with a warning if it was integrated; the others are
            `predict_dist(X).std()`, `predict_params`, `predict_dist`, `predict_interval` and `predict_quantiles`.
        coverage : float, default=0.9
            Only for "interval".
        quantiles : sequence of float, default=(0.05, 0.5, 0.95)
            Only for "quantiles".

        Returns
        -------
        ndarray, dict or Distribution
            Mean and standard deviation have shape (n,), or (n, K) with several targets.
        """
        for name, value, goal in (("coverage", coverage, "interval"), ("quantiles", quantiles, "quantiles")):
            if value is not None and output != goal:
                raise ValueError(f"{name} is for output={goal!r}, but output={output!r}")
        if output not in ("params", "dist") and (rows := self._opened(X)) is not None:
            fn = partial(self.predict, output=output, coverage=coverage, quantiles=quantiles)
            return rows.predict(fn, _column_names(output, quantiles))
        if isinstance(output, str) and output == "mean":
            self._check_fitted()
            X, law = self._validate(X, reset=False, finite=False), self.likelihood_.predictive
            result = self.fit_.params(X, self._centre)
            without_mean = np.flatnonzero(result["is_nan"]) if integrates(law) else np.zeros(0, int)
            if len(without_mean):
                warn_caller(
                    f"the mean of {title(law)} does not exist in {rows_text(without_mean)} of X, or could not be "
                    "integrated; the median stands there",
                    RuntimeWarning,
                )
            return result["mean"]
        dist = self.predict_dist(X)
        choices: dict[str, Callable] = {
            "std": lambda: dist.std(),
            "params": lambda: dist.params,
            "dist": lambda: dist,
            "interval": lambda: _interval(dist, 0.9 if coverage is None else coverage),
            "quantiles": lambda: _quantiles(dist, QUANTILES if quantiles is None else quantiles),
        }
        if not isinstance(output, str) or output not in choices:
            raise ValueError(f"output={output!r} is unknown; use one of {['mean', *choices]}")
        return choices[output]()

    def _centre(self, params: dict) -> dict:
        """The "mean", or the median where it is not finite; for laws that integrate it, a mask "is_nan" of those rows."""
        dist = self.fit_.dist(params)
        mean, integrated = dist.mean(), integrates(dist.likelihood)
        if not integrated and is_finite(mean):
            return {"mean": mean}
        finite = np.isfinite(mean)
        is_nan = {"is_nan": ~finite} if integrated else {}
        return {"mean": mean if finite.all() else np.where(finite, mean, dist.median()), **is_nan}

    def predict_interval(self, X: Any, coverage: float = 0.9) -> np.ndarray:
        """Central predictive interval of every row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
        coverage : float, default=0.9
            Probability of the interval; that of each tail is half of the rest.

        Returns
        -------
        ndarray of shape (n, 2)
            Its lower and upper end; of a Dask data frame, lazy columns "lower" and "upper".
        """
        if (rows := self._opened(X)) is not None:
            return rows.predict(partial(self.predict_interval, coverage=coverage), _column_names("interval"))
        return _interval(self.predict_dist(X), coverage)

    def predict_quantiles(self, X: Any, quantiles: Any = QUANTILES) -> np.ndarray:
        """Quantiles of the predictive distribution.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
        quantiles : sequence of float, default=(0.05, 0.5, 0.95)
            Probabilities.

        Returns
        -------
        ndarray of shape (n, len(quantiles))
        """
        if (rows := self._opened(X)) is not None:
            return rows.predict(partial(self.predict_quantiles, quantiles=quantiles), _column_names("quantiles", quantiles))
        return _quantiles(self.predict_dist(X), quantiles)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # a log-likelihood, not an R^2
        with suppress(TypeError, ValueError):  # `fit` raises these
            law = self._law()
            tags.target_tags.positive_only = law.support.low >= 0
            tags.target_tags.multi_output = law.target_type == "targets"
            tags.target_tags.single_output = law.target_type != "targets"
        return tags


def _column_names(output: str, quantiles: Any = None) -> list | None:
    """Names of the columns of predictions that are data frames; None where they have no columns."""
    levels = QUANTILES if quantiles is None else np.ravel(quantiles).tolist()
    return {"interval": ["lower", "upper"], "quantiles": list(levels)}.get(output)


def _interval(dist: Distribution, coverage: float) -> np.ndarray:
    """Central intervals (n, 2); ValueError for an invalid coverage."""
    return np.stack(dist.interval(probability(coverage, "coverage")), axis=1)


def _quantiles(dist: Distribution, quantiles: Any) -> np.ndarray:
    """Quantiles (n, m); ValueError for those outside [0, 1]."""
    return dist.ppf(probabilities(quantiles, "quantiles", ends=True)[:, None]).T
