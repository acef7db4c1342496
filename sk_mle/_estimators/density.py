"""MLEDensity: a law of the columns of X themselves, fitted without covariates."""

from __future__ import annotations

import re
from contextlib import suppress
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import DensityMixin

from .._model.data import Data
from .._model.parts import DataInParts
from .._model.validation import (
    check_finite,
    check_support,
    check_weight,
    group_labels,
    replace_zero_weight_rows,
)
from .._predictive.distribution import Distribution
from .._predictive.unwrapping import Unwrapped
from .._sources import check_in_memory
from .._utils.arguments import WithArguments
from .._utils.callbacks import with_callbacks
from ..inference import Inference
from ..likelihoods import get_likelihood
from ..likelihoods._functions import title
from .base import Fitting

if TYPE_CHECKING:
    from ..likelihoods import Likelihood


class MLEDensity(Fitting, DensityMixin, WithArguments):
    r"""Density estimation by maximum likelihood, for any likelihood.

    Maximises the weighted log-likelihood of the rows of X, :math:`\sum_i w_i \log p(x_i \mid \theta)`: what `fit` of a
    distribution of scipy.stats is for, in the grammar of `sklearn.neighbors.KernelDensity`.

    Parameters
    ----------
    likelihood : Likelihood, str or distribution of scipy.stats, optional
        A law such as ``Gamma()``, its name, ``"gamma"``, or ``scipy.stats.gumbel_r``. Default: the normal law of as many
        variables as X has columns, ``Normal()`` or ``MultivariateNormal()``.
    solver : str or callable, default="auto"
        As in `MLERegressor`.
    tol : float, default=1e-8
        Largest entry of the gradient at the solution, in coordinates of unit curvature.
    max_iter : int, default=1000
    verbose : int, default=0
        Above 0, a line per iteration.

    Attributes
    ----------
    params_ : dict of str to float, or to ndarray for a vector parameter
        Every parameter of the law on its natural scale, the fixed ones included.
    distribution_ : Distribution
        The fitted distribution, with the methods of scipy.stats: ``distribution_.pdf(grid)``.
    likelihood_ : Likelihood
        The law that was fitted.
    loglikelihood_ : float
        Weighted sum of the log-likelihood at the solution.
    n_params_ : int
        Number of estimated parameters.
    aic_, aicc_, bic_ : float
        Information criteria; the sum of the weights counts as the number of samples.
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
    MLERegressor : The same with parameters that depend on covariates.
    from_scipy : Distributions of scipy.stats, with parameters fixed or freed.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLEDensity
    >>> X = np.random.default_rng(0).gamma(2.0, 3.0, size=(500, 1))
    >>> model = MLEDensity("gamma").fit(X)
    >>> {name: round(value, 2) for name, value in model.params_.items()}
    {'mean': 5.68, 'shape': 2.22}
    >>> model.distribution_.ppf(0.99).round(1)
    np.float64(18.0)
    >>> model.score(X) > MLEDensity("log_normal").fit(X).score(X)
    True
    """

    # arguments of the other estimators, which `Fitting` reads
    predictors = offset = exposure = penalties = penalty = bounds = constraints = n_jobs = None
    alpha, l1_ratio, fit_intercept, warm_start = 0.0, 0.0, True, False
    _name_of_y = "X"

    def __init__(
        self, likelihood: Any = None, *, solver: Any = "auto", tol: float = 1e-8, max_iter: int = 1000, verbose: Any = 0
    ) -> None:
        self.likelihood = likelihood
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: Any, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> MLEDensity:
        """Fit the law to the rows of X.

        Parameters
        ----------
        X : array-like of shape (n, 1), or (n, k) for likelihoods that take k columns, or a source as for `MLERegressor.fit`
            Inside the support of the likelihood. `Censored` takes one column, or the two ends of what is known.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            Multiplies the log-likelihood: a weight of k equals k copies of the row.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For arguments, samples or weights that cannot be used; the estimator is left as it was.
        """
        with self._fitting(X, None, sample_weight) as on_iteration:
            self._fit(self._problem(X, y, sample_weight), on_iteration)
            self._set_distribution()
        return self

    def _read_training(
        self, X: Any, y: Any, sample_weight: ArrayLike | None, totals: Any = None
    ) -> tuple[Likelihood, np.ndarray, np.ndarray, np.ndarray]:
        law, values, weight = self._checked(X, sample_weight)
        return law.bind(values), np.empty((len(values), 0)), values, weight

    def _sums_of_part(self, rows: Any) -> None:
        self._checked(rows.X, rows.sample_weight)

    def _checked(self, X: Any, sample_weight: ArrayLike | None) -> tuple[Likelihood, np.ndarray, np.ndarray]:
        """The law, and samples and weights that it takes."""
        X = self._validate(replace_zero_weight_rows(X, sample_weight), reset=True)
        law = self._own(self._law(X.shape[1]))
        values = self._values(X, law)
        check_support(law, values, "X")
        return law, values, check_weight(sample_weight, len(X))

    def _law(self, n_columns: int = 1) -> Likelihood:
        """The likelihood of the constructor, or the default for so many columns; ValueError if it needs covariates."""
        normal = "normal" if n_columns == 1 else "multivariate_normal"
        law = get_likelihood(normal if self.likelihood is None else self.likelihood)
        law.check()
        if law.layout.known:
            raise ValueError(
                f"{title(law)} takes {list(law.layout.known)} from columns of X, and here X holds the samples alone: fix them "
                "at numbers, or use MLERegressor"
            )
        return law

    def _validate(self, X: Any, reset: bool, finite: bool = True) -> np.ndarray:
        """X as a float array; ValueError for text and NaN."""
        check_in_memory(X)
        X = np.asarray(self._as_matrix(X, reset, dtype=np.float64), dtype=np.float64)
        if np.isnan(X).any():  # some laws read infinities as ends of intervals; the others raise
            check_finite(X, getattr(self, "feature_names_in_", None))
        return X

    def _values(self, X: Any, law: Likelihood) -> np.ndarray:
        """The samples in the form that the law takes."""
        try:
            return law.read(X[:, 0] if X.shape[1] == 1 and law.target_type != "targets" else X)
        except ValueError as error:
            text = re.sub(r"\by\b", "X", str(error))  # laws call their target y
            if X.shape[1] == 1 or np.isinf(X).any():
                raise ValueError(text) from error
            raise ValueError(
                f"X has {X.shape[1]} features, and {title(law)} does not take so many: fit a law to each column, or a "
                f"law of several variables, such as 'multivariate_normal' ({text})"
            ) from error

    def read_rows(self, X: Any) -> np.ndarray:
        """An array of shape (n, 0): the parameters of a density depend on no columns."""
        return np.empty((len(self._validate(X, reset=False)), 0))

    def read_data(
        self, X: Any, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Data | DataInParts:
        """The samples and weights in the form that the fit takes."""
        if (rows := self._opened(X, None, sample_weight, groups)) is not None:
            return self._read_parts(rows)
        X = self._validate(replace_zero_weight_rows(X, sample_weight), reset=False)
        values, weight = self._values(X, self.likelihood_), check_weight(sample_weight, len(X))
        data = self.fit_.data(np.empty((len(X), 0)), values, weight, self.n_jobs)
        return data if groups is None else data.with_groups(group_labels(groups, len(X)))

    def check_weightless(self, X: Any) -> None:
        """Nothing: the samples of a part without weight are not read, as those of zero weight are not in memory."""

    def _log_scores(self, X: Any, y: Any) -> np.ndarray:
        return self.score_samples(X)

    def _set_distribution(self) -> None:
        """Set `params_` and `distribution_` from the fitted intercepts."""
        values = {name: np.asarray(value)[0] for name, value in self.fit_.params(np.empty((1, 0))).items()}
        self.params_: dict[str, Any] = {
            name: float(value) if value.ndim == 0 else value.copy() for name, value in values.items()
        }
        law = self.likelihood_.predictive
        self.distribution_ = Distribution(law, {name: self.params_[name] for name in law.parameters})

    def inference(self, X: Any, **options: Any) -> Inference:
        """Standard errors, tests and intervals of the parameters, on the samples of the fit.

        Parameters
        ----------
        X : array-like of shape (n, k)
        **options
            As in `Inference.from_estimator`.

        Returns
        -------
        Inference
            On the scale of the links; `table(transform="natural")` is on that of `params_`.
        """
        self._check_fitted()
        return Inference.from_estimator(Unwrapped(self), X, None, **options)

    def predict_params(self, X: Any) -> dict[str, np.ndarray]:
        """The parameters, repeated for every row of X.

        Parameters
        ----------
        X : array-like of shape (n, k)

        Returns
        -------
        dict of str to ndarray
        """
        self._check_fitted()
        n = self.read_rows(X).shape[0]
        return {name: np.broadcast_to(value, (n, *np.shape(value))) for name, value in self.params_.items()}

    def predict_dist(self, X: Any) -> Distribution:
        """The fitted distribution, repeated for every row of X, for displays and scores.

        Parameters
        ----------
        X : array-like of shape (n, k)

        Returns
        -------
        Distribution
        """
        params, law = self.predict_params(X), self.likelihood_.predictive
        return Distribution(law, {name: params[name] for name in law.parameters})

    def score_samples(self, X: Any, y: ArrayLike | None = None) -> np.ndarray:
        """Log-likelihood of every row.

        Parameters
        ----------
        X : array-like of shape (n, k)
        y : ignored

        Returns
        -------
        ndarray of shape (n,)
            -inf outside the support; between whole numbers as `MLERegressor.score_samples`.
        """
        self._check_fitted()
        law, X = self.likelihood_, self._validate(X, reset=False)
        values = self._values(X, law)
        params = {name: np.broadcast_to(value, (len(X), *np.shape(value))) for name, value in self.params_.items()}
        with np.errstate(all="ignore"):
            return np.where(law.inside(values), law.loglik(values, **params), -np.inf)

    def score(self, X: Any, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> float:
        """Weighted mean log-likelihood of the rows of X: higher is better, and likelihoods compare.

        The mean, as in `sklearn.mixture.GaussianMixture`; `sklearn.neighbors.KernelDensity` gives the sum.

        Parameters
        ----------
        X : array-like of shape (n, k)
        y : ignored
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        float
            All normalising constants are included.
        """
        return self._score_rows(X, None, sample_weight)

    def sample(self, n_samples: int = 1, random_state: int | np.random.RandomState | None = None) -> np.ndarray:
        """Random draws from the fitted distribution.

        Parameters
        ----------
        n_samples : int, default=1
        random_state : int, RandomState or None

        Returns
        -------
        ndarray of shape (n_samples, 1), or (n_samples, k) for a law of k variables
            Draws of the values themselves, also for laws of censored or otherwise incomplete observations.
        """
        self._check_fitted()
        if isinstance(n_samples, bool) or not isinstance(n_samples, Integral) or n_samples < 1:
            raise ValueError(f"n_samples must be a positive integer, got {n_samples!r}")
        return np.reshape(self.distribution_.rvs(int(n_samples), random_state), (n_samples, -1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        with suppress(TypeError, ValueError):  # `fit` raises these
            tags.input_tags.positive_only = self._law().support.low >= 0
        return tags
