"""`Inference`: estimates with their covariance, and the tests and intervals that follow."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from .._predictive.unwrapping import target_of, unwrap
from ._bootstrap import Bootstrap
from ._columns import critical_value, two_sided
from ._covariance import covariance
from ._data_references import DataReferences
from ._functionals import Functionals
from ._hypotheses import Hypotheses, parse
from ._layout import Layout
from ._names import Names
from ._profiles import Profile, Profiles
from ._result import TestResult
from ._summaries import Summaries


class Inference(Summaries, Hypotheses, Functionals):
    """Standard errors, intervals, tests and functionals of a maximum likelihood fit.

    Made by `from_estimator`; it holds coefficients and their covariance, no data, and pickles small. With V the covariance of
    the flat coefficients b, tests and intervals follow from b ~ N(b0, V) for many observations.

    Attributes
    ----------
    names : list of str
        ``parameter:column`` of every coefficient, with ``parameter:intercept``; ``logits[class]:column`` for vectors.
    params : ndarray of shape (P,)
        Coefficients on the scale of the linear predictors, as `names`.
    bse : ndarray of shape (P,)
        Standard errors; NaN for coefficients that are not identified.
    root : ndarray of shape (P, r)
        A factor of the covariance, ``root @ root.T``, which has entries for unidentified coefficients too.
    centre : ndarray of shape (P,)
        The mean of the normal law that is nearest to the likelihood, around which `predict_interval` draws coefficients. It is
        not `params` where the log-likelihood is skewed, as that of a scale estimated from few rows, unless the fit is
        penalised.
    identified : ndarray of shape (P,)
        Mask of the coefficients that are identified. Where columns are linearly dependent (those of a one-hot encoding
        without ``drop="first"``, of splines with their bias), some are not: tables have a dash for these. Other coefficients,
        predictions, effects and contrasts that are the same for all coefficients that fit have their standard errors, and
        what is not the same is refused.
    n_samples : float
        Sum of frequency weights, else the number of rows of positive weight.
    loglikelihood : float
    zvalues, pvalues : ndarray of shape (P,)
        Estimates in units of their standard errors; two-sided p-values of the hypotheses that a coefficient is zero.
    cov_kind : str

    References
    ----------
    White (1982), Maximum likelihood estimation of misspecified models, doi:10.2307/1912526. Liang and Zeger (1986),
    Longitudinal data analysis using generalized linear models, doi:10.1093/biomet/73.1.13 (clusters).

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import Inference, MLERegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = rng.poisson(np.exp(1 + 0.5 * X[:, 0]))
    >>> inference = Inference.from_estimator(MLERegressor("poisson").fit(X, y), X, y)
    >>> print(inference.summary())
    MLERegressor, Poisson()
    observations    200
    log-likelihood  -372.458
    parameters      3
    AIC, BIC        750.917, 760.812
    covariance      observed
    --------------------------------------------------------------------
                    estimate  std err        z        p     2.5%   97.5%
    mean:intercept    1.0126   0.0442  22.8907  <0.0001   0.9259  1.0993
    mean:x0           0.5026   0.0431  11.6733  <0.0001   0.4182  0.5870
    mean:x1           0.0485   0.0418   1.1596   0.2462  -0.0334  0.1304
    --------------------------------------------------------------------
    links: mean Log
    >>> print(inference.wald_test("x0 = 0.5, x1 = 0"))
    Wald test: mean:x0 = 0.5, mean:x1 = 0
    statistic = 1.3796, df = 2, p-value = 0.5017
    >>> print(inference.predict([[1.0, 0.0]]))
         mean  std err    2.5%   97.5%
    0  4.5501   0.2253  4.1293  5.0138
    """

    def __init__(self, fitted: Any, result: Any, weights: str, use_t: bool, references: DataReferences) -> None:
        self._references = references
        self.fitted = deepcopy(fitted)
        unwrapped = unwrap(self.fitted)
        self.model, self.layout, self.transformed = unwrapped.model, Layout(unwrapped), bool(unwrapped.transformers)
        self.params = self.layout.flatten(self.model.fit_.coefs, self.model.fit_.intercepts)
        self.n_samples, self.n_clusters, self.loglikelihood = result.n_samples, result.n_clusters, result.loglikelihood
        self.cov_kind, self.weights = result.kind, weights
        self.df = np.inf
        self.root, self.estimability, self.centre = result.root, result.estimability, self.params + result.centre
        if use_t:
            self.df = result.n_clusters - 1.0 if result.n_clusters else result.n_samples - result.n_coefficients
            if not self.df > 0:
                raise ValueError(
                    f"use_t needs more observations than coefficients, but has {result.n_samples:g} for {result.n_coefficients}"
                )
            self.root = result.root * np.sqrt(1.0 if self.robust else result.n_samples / self.df)

    @classmethod
    def from_estimator(
        cls,
        fitted: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        cov: str | None = None,
        groups: Any = None,
        bread: str = "observed",
        weights: str = "frequency",
        use_t: bool = False,
    ) -> Inference:
        """Inference for a fitted estimator, given the data of its fit. Three passes over the data, four where rows are few.

        Parameters
        ----------
        fitted : estimator
            Of this package, or a pipeline, search or transformed target that ends in one.
        X, y, sample_weight
            The data of the fit; y of a `FormulaModel` is by default what its formula has left of ``~``.
        cov : {"observed", "expected", "opg", "HC0", "HC1", "HC2", "HC3", "HC4", "kernel"}, optional
            Inverse of the observed information, the default; of the expected; of the sum of outer products of the scores; or
            the sandwich H^-1 B H^-1, which stays right where the variance is misspecified, plain or times n / (n - k), with k
            coefficients of the parameters that are modelled on columns. HC2, HC3 and HC4 divide the score of a row by a power
            of 1 - h, with h its leverage in the linear predictor of the score's parameter, as R's sandwich does for the mean
            of a glm; in small samples HC3 errs on the safe side. "kernel", the default of laws whose log-likelihood has
            kinks, as Laplace and AsymmetricLaplace: the sandwich with the expected information of the scores as B and, as H,
            the curvature at the kinks from a normal kernel about as wide as the standard error of a row's linear predictor. It
            holds for quantiles of any y, where "expected" trusts the law for the density there; and in a few hundred rows of
            the law itself "expected" covers too little (AsymmetricLaplace(quantile=0.9), 200 rows: 87% for 95%).
            Fits with ``penalty`` have "expected" by default.
        groups : array-like of shape (n,), optional
            Clusters of rows that are not independent: the sandwich then sums scores by cluster, times
            G / (G - 1) * (n - 1) / (n - k) for G clusters, or without it where cov="HC0".
        bread : {"observed", "expected"}
            H of a sandwich. R's sandwich package uses the expected information of a glm.
        weights : {"frequency", "analytic", "probability"}
            What `sample_weight` means. Frequency: a weight of k stands for k rows. Analytic: relative precision of rows, as
            weights of `lm`, for coefficients of the mean and their standard errors; log-likelihood, scale and AIC stay those
            of the fit, of frequencies: for all of them by precision fit with ``exposure={"scale": "sd"}``, see
            `MLERegressor.fit`. Probability: inverse sampling probabilities, which need a sandwich.
        use_t : bool
            Student's t with n - k degrees of freedom (G - 1 with clusters), and n / (n - k) times the covariance where it
            is not robust: for the normal law, the tables of `lm` and OLS.

        Returns
        -------
        Inference

        Raises
        ------
        ValueError
            For a penalised fit, one that did not converge or lies on an edge of the parameters' domain, a singular information
            matrix, or data that are not those of the fit.
        """
        unwrapped = unwrap(fitted)
        check_is_fitted(unwrapped.model)
        layout, target = Layout(unwrapped), target_of(fitted, X, y)
        result = covariance(
            unwrapped.model, layout, unwrapped.X(X), unwrapped.y(target), sample_weight, cov, bread, weights, groups
        )
        given = {"X": X, "y": y, "sample_weight": sample_weight, "groups": groups}
        return cls(
            fitted,
            result,
            weights,
            use_t,
            DataReferences(**{name: value for name, value in given.items() if value is not None}),
        )

    @property
    def robust(self) -> bool:
        """Whether the covariance is a sandwich, right under a misspecified variance."""
        return self.cov_kind not in ("observed", "expected", "opg")

    @property
    def bse(self) -> np.ndarray:
        """Standard errors, in the order of `names`."""
        return np.where(self.identified, np.linalg.norm(self.root, axis=1), np.nan)

    @property
    def identified(self) -> np.ndarray:
        """Which coefficients the data identify: mask (P,)."""
        return self.estimability.identified

    @property
    def zvalues(self) -> np.ndarray:
        """Coefficients in units of their standard errors."""
        return self.params / self.bse

    @property
    def pvalues(self) -> np.ndarray:
        """Two-sided p-values of the hypotheses that a coefficient is zero."""
        return two_sided(self.df, self.zvalues)

    def cov_params(self) -> np.ndarray:
        """Covariance matrix of the coefficients.

        Returns
        -------
        ndarray of shape (P, P)
            In the order of `names`; NaN for coefficients that are not identified.
        """
        known = self.identified
        return np.where(known[:, None] & known, self.root @ self.root.T, np.nan)

    def standard_deviations(self, X: Any, sample_weight: ArrayLike | None = None) -> np.ndarray:
        """Standard deviation of the column of each coefficient: a coefficient times it is the change per standard deviation.

        Parameters
        ----------
        X : array-like of shape (n, p)
            As for `from_estimator`.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        ndarray of shape (P,)
            One for intercepts, NaN for the coefficients of curves, which have no column.
        """
        unwrapped = unwrap(self.fitted)
        scales, found = StandardScaler(with_mean=False), np.full(self.layout.size, np.nan)
        scales.fit(self.model.read_rows(unwrapped.X(X)), sample_weight=sample_weight)
        for part in self.layout.parts:
            found[part.place.start : part.place.start + part.intercept] = 1.0
            if part.linear:
                columns = self.model.fit_.predictors[part.parameter].columns
                found[part.place.start + part.intercept : part.place.stop] = np.sqrt(scales.var_[columns])
        return found

    def conf_int(
        self,
        level: float = 0.95,
        method: str = "wald",
        X: Any = None,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        names: Any = None,
        **options: Any,
    ) -> np.ndarray:
        """Confidence intervals of the coefficients.

        Parameters
        ----------
        level : float
        method : {"wald", "profile", "bootstrap"}
            Estimate and standard errors; the values that a likelihood-ratio test does not reject; percentiles of refits to rows
            (or groups) drawn with replacement.
        X, y, sample_weight
            For "profile" and "bootstrap", which refit. By default what `from_estimator` was given, as long as it exists.
        names : sequence of str, optional
            Only these coefficients; all by default.
        **options
            For "bootstrap": `n_resamples` (999), `groups`, `random_state`, `n_jobs`. For both, `verbose`: whether progress is
            shown, above 0 yes, 0 no; by default where the standard error is a terminal.

        Returns
        -------
        ndarray of shape (P, 2)
            Infinite ends if the likelihood never falls below the limit; NaN for coefficients that are not identified.
        """
        index = self.places(names)
        if names is not None:
            self.estimability.check_coefficients(index)
        if options and method != "bootstrap" and (method != "profile" or set(options) - {"verbose"}):
            raise TypeError(f"method={method!r} takes no {', '.join(options)}")
        if method == "wald":
            half_width = critical_value(self.df, level) * self.bse[index]
            return np.stack([self.params[index] - half_width, self.params[index] + half_width], axis=1)
        if method not in ("profile", "bootstrap"):
            raise ValueError(f"method={method!r} is unknown; use 'wald', 'profile' or 'bootstrap'")
        if method == "profile" and self.robust:
            other = ", or an Inference with cov='observed'" if self.model.likelihood_.smooth else ""
            raise ValueError(
                f"profile intervals rest on the likelihood alone, and this covariance is {self.cov_kind}: use "
                f"method='bootstrap'{other}"
            )
        critical_value(self.df, level)
        data = self._data(X, y, sample_weight, f"method={method!r}")
        taken = [field.name for field in fields(Bootstrap)]
        if unknown := set(options) - set(taken):
            raise TypeError(f"method='bootstrap' takes {', '.join(taken[:-1])} and {taken[-1]}, not {', '.join(unknown)}")
        if method == "bootstrap" and self.n_clusters and options.get("groups") is None:
            options["groups"] = self._references.required(["groups"], "a bootstrap of clusters")["groups"]
        known, result = self.identified[index], np.full((len(index), 2), np.nan)
        if method == "profile":
            result[known] = Profiles(self, *data).intervals(level, index[known], **options)
        else:
            result[known] = Bootstrap(**options).intervals(self, *data, level, index[known])
        return result

    def likelihood_ratio_test(
        self, hypotheses: Any, X: Any = None, y: ArrayLike | None = None, *, sample_weight: ArrayLike | None = None
    ) -> TestResult:
        """Likelihood-ratio test that all the linear hypotheses hold: the fit against the maximum under them.

        Of a fit with ``penalty="jeffreys"``, the test of the penalised likelihood, as in R's logistf.

        Parameters
        ----------
        hypotheses : str, sequence of str or array-like of shape (m, P)
            As in `wald_test`.
        X, y, sample_weight
            The data of the fit. By default what `from_estimator` was given, as long as it exists.

        Returns
        -------
        TestResult
        """
        if self.robust:
            raise ValueError(
                f"likelihood ratios rest on the likelihood alone, and this covariance is {self.cov_kind}: use wald_test, or an "
                "Inference with cov='observed'"
            )
        R, r, texts = parse(self.layout, hypotheses)
        self.estimability.check(R, texts)
        data = self._data(X, y, sample_weight, "a likelihood-ratio test")
        statistic, rank = Profiles(self, *data).likelihood_ratio(R, r)
        name = "Penalised likelihood-ratio test" if self.model.fit_.penalised else "Likelihood-ratio test"
        return TestResult(name, statistic, rank, float(special.chdtrc(rank, statistic)), ", ".join(texts))

    def _data(self, X: Any, y: Any, sample_weight: Any, why: str) -> tuple[Any, Any, Any]:
        if X is None:
            data = self._references.required(["X", "y", "sample_weight"], why)
            X, y, sample_weight = data["X"], data.get("y"), data.get("sample_weight")
        return X, target_of(self.fitted, X, y), sample_weight

    def places(self, names: Any = None) -> np.ndarray:
        """Positions of coefficients in `params`.

        Parameters
        ----------
        names : str or sequence of str, optional
            Full names, as in `names`, or columns alone, which mean the first parameter's coefficient, and all entries of a
            vector's; all coefficients by default.

        Returns
        -------
        ndarray of int
        """
        if names is None:
            return np.arange(len(self.params))
        names, lookup = [names] if isinstance(names, str) else list(names), Names(self.layout)
        return np.concatenate([lookup.find(name) for name in names])

    def profile(
        self,
        name: str,
        X: Any = None,
        y: ArrayLike | None = None,
        *,
        values: Any = None,
        sample_weight: ArrayLike | None = None,
    ) -> Profile:
        """Profile log-likelihood of one coefficient: the maximum over all others, at each of `values`.

        Parameters
        ----------
        name : str
        X, y, sample_weight
            The data of the fit.
        values : array-like, optional
            By default 41 points within 3.5 standard errors.

        Returns
        -------
        Profile
            With `values`, `loglikelihood`, `estimate` and `maximum`.
        """
        index, data = self.places(name), self._data(X, y, sample_weight, "profile")
        if len(index) > 1:
            raise ValueError(
                f"{name!r} stands for {len(index)} coefficients: {', '.join(self.names[i] for i in index)}; name one"
            )
        self.estimability.check_coefficients(index)
        return Profiles(self, *data).at(int(index[0]), values)
