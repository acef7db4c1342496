"""The predictive distribution: one law, with parameters for every row."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, RandomizedSearchCV, TunedThresholdClassifierCV
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .likelihoods import Likelihood, get_likelihood


class Distribution:
    """Distribution of y for every row of X, with the method names of scipy.stats.

    A `y` of shape (n,) is taken row by row, a number for every row, and any other shape broadcasts against (n,): write
    ``grid[:, None]`` of shape (m, 1) to evaluate every row at m points.

    Parameters
    ----------
    likelihood : Likelihood or str
    params : dict of str to ndarray of shape (n,), or (n, K) for a vector parameter
        A parameter that the likelihood fixes may be left out.

    Raises
    ------
    ValueError
        For missing or unknown parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import Distribution
    >>> from sk_mle.likelihoods import Poisson
    >>> dist = Distribution(Poisson(), {"mean": np.array([1.0, 4.0])})
    >>> dist.ppf(0.5)
    array([1., 4.])
    >>> dist[1].pmf(0).round(4)
    np.float64(0.0183)
    """

    def __init__(self, likelihood: Likelihood | str, params: dict[str, np.ndarray]):
        self.likelihood = get_likelihood(likelihood)
        given = {**self.likelihood.fixed, **params}
        if set(given) != set(self.likelihood.parameters):
            law = type(self.likelihood).__name__
            raise ValueError(f"{law} needs the parameters {list(self.likelihood.parameters)}, got {list(given)}")
        self.params = {name: np.asarray(given[name], dtype=float) for name in self.likelihood.parameters}

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """(n,), or () for one row taken out by its index."""
        vector = {name for name in self.params if self.likelihood.contrast(name) is not None}
        return np.broadcast_shapes(*(np.shape(v)[:-1] if n in vector else np.shape(v) for n, v in self.params.items()))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("one row of a Distribution has no length")
        return self.shape[0]

    def __getitem__(self, index) -> Distribution:
        if not self.shape:
            raise TypeError("one row of a Distribution cannot be indexed")
        vector = {name for name in self.params if self.likelihood.contrast(name) is not None}
        taken = {n: v[index] if v.ndim > (n in vector) else v for n, v in self.params.items()}
        return Distribution(self.likelihood, taken)

    def __repr__(self) -> str:
        rows = f"{self.shape[0]} rows" if self.shape else "one row"
        return f"<{type(self.likelihood).__name__} distribution of {rows}: {', '.join(self.params)}>"

    def _at(self, method, values):
        values = np.asarray(values, dtype=float)
        if values.ndim == 1 and self.shape and values.shape not in ((1,), self.shape):
            raise ValueError(
                f"values of shape {values.shape} do not match {self.shape[0]} rows; pass one value per row, or "
                "values[:, None] to evaluate every row at all of them"
            )
        with np.errstate(all="ignore"):
            return np.asarray(method(values, **self.params))[()]

    def logpdf(self, y):
        """Log density, or log mass of a discrete law; -inf outside the support."""
        inside = self.likelihood.support.contains(y)
        values = np.where(inside, y, np.nan)
        result = self._at(self.likelihood.loglik, np.where(inside, values, self._inside))
        if self.likelihood.support.integer:
            inside = inside & (np.asarray(y) == np.floor(y))
        return np.where(np.isnan(y), np.nan, np.where(inside, result, -np.inf))[()]

    @property
    def _inside(self):
        low, high = self.likelihood.support.typical
        return float(high if self.likelihood.support.integer else (low + high) / 2)

    def pdf(self, y):
        """Density, or mass of a discrete law."""
        return np.exp(self.logpdf(y))

    logpmf, pmf = logpdf, pdf

    def _tail(self, method, y, lowest, highest):
        """A distribution function, with its limits at infinite y and NaN at NaN."""
        y = np.asarray(y, dtype=float)
        values = self._at(method, np.where(np.isfinite(y), y, self._inside))
        return np.where(np.isnan(y), np.nan, np.where(y == -np.inf, lowest, np.where(y == np.inf, highest, values)))[()]

    def cdf(self, y):
        """P(Y <= y)."""
        return self._tail(self.likelihood.cdf, y, 0.0, 1.0)

    def sf(self, y):
        """P(Y > y)."""
        return self._tail(self.likelihood.sf, y, 1.0, 0.0)

    def logcdf(self, y):
        """log P(Y <= y), also where the probability underflows."""
        return self._tail(self.likelihood.logcdf, y, -np.inf, 0.0)

    def logsf(self, y):
        """log P(Y > y), also where the probability underflows."""
        return self._tail(self.likelihood.logsf, y, 0.0, -np.inf)

    def ppf(self, q):
        """Quantile at probability q."""
        return self._at(self.likelihood.ppf, q)

    def _moment(self, method):
        with np.errstate(all="ignore"):
            return np.broadcast_to(method(**self.params), self.shape)[()]

    def mean(self):
        """Expected value; NaN where it does not exist."""
        return self._moment(self.likelihood.expectation)

    def median(self):
        """Quantile at one half."""
        return self.ppf(np.full(self.shape, 0.5))

    def var(self):
        """Variance; infinite or NaN where it does not exist."""
        return self._moment(self.likelihood.variance)

    def std(self):
        """Standard deviation."""
        return np.sqrt(self.var())

    def entropy(self):
        """Expected negative log-likelihood of a draw, in nats."""
        return self._moment(self.likelihood.entropy)

    def interval(self, confidence=0.9):
        """Central interval: lower and upper end with `confidence` between them."""
        tail = (1 - confidence) / 2
        return self.ppf(np.full(self.shape, tail)), self.ppf(np.full(self.shape, 1 - tail))

    def rvs(self, size=None, random_state=None):
        """Random values of shape (n,), or (size, n); `size` may be a tuple."""
        shape = () if size is None else (size,) if np.isscalar(size) else tuple(size)
        rng = np.random.default_rng(check_random_state(random_state).randint(2**31, size=4))
        return np.asarray(self.likelihood.rvs(rng, (*shape, *self.shape), **self.params))[()]


class TransformedDistribution(Distribution):
    """Distribution of y where `transform(y)`, an increasing or decreasing function, has the given one.

    `transform` and `inverse` map arrays element by element. The density carries the Jacobian, so log-likelihoods compare
    with those of models of y itself.
    """

    def __init__(self, base: Distribution, transform, inverse):
        self.base, self.transform, self.inverse = base, transform, inverse
        self.likelihood, self.params = base.likelihood, base.params

    def __getitem__(self, index):
        return TransformedDistribution(self.base[index], self.transform, self.inverse)

    def __repr__(self):
        return f"<transformed {repr(self.base)[1:]}"

    def _slope(self, y):
        """Derivative of the transformation, by differences of eighth order."""
        y = np.asarray(y, float)
        step = 1e-3 * np.maximum(np.abs(y), 1e-8)
        weights = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
        pairs = [(self.transform(y + k * step), self.transform(y - k * step)) for k in (1, 2, 3, 4)]
        return sum(w * (up - down) for w, (up, down) in zip(weights, pairs, strict=True)) / step

    def _falls(self, y) -> bool:
        return bool(np.ravel(self._slope(np.asarray(y, float)))[0] < 0)

    def logpdf(self, y):
        """Log density with the transformation's Jacobian."""
        with np.errstate(all="ignore"):
            value = self.base.logpdf(self.transform(np.asarray(y, float))) + np.log(np.abs(self._slope(y)))
        return np.where(np.isnan(value), -np.inf, value)[()]

    def pdf(self, y):
        """Density with the transformation's Jacobian."""
        return np.exp(self.logpdf(y))

    logpmf, pmf = logpdf, pdf

    def cdf(self, y):
        """P(Y <= y)."""
        z = self.transform(np.asarray(y, float))
        return self.base.sf(z) if self._falls(y) else self.base.cdf(z)

    def sf(self, y):
        """P(Y > y)."""
        z = self.transform(np.asarray(y, float))
        return self.base.cdf(z) if self._falls(y) else self.base.sf(z)

    def logcdf(self, y):
        """log P(Y <= y)."""
        z = self.transform(np.asarray(y, float))
        return self.base.logsf(z) if self._falls(y) else self.base.logcdf(z)

    def logsf(self, y):
        """log P(Y > y)."""
        z = self.transform(np.asarray(y, float))
        return self.base.logcdf(z) if self._falls(y) else self.base.logsf(z)

    def ppf(self, q):
        """Quantile at probability q."""
        middle = self.inverse(self.base.ppf(np.full(self.shape, 0.5)))
        return self.inverse(self.base.ppf(1 - np.asarray(q)) if self._falls(middle) else self.base.ppf(q))

    def _mean_of(self, g):
        """E g(Y), as an integral over probabilities that is dense at both ends."""
        nodes = np.linspace(-4, 4, 801)
        q = 1 / (1 + np.exp(-np.pi * np.sinh(nodes)))
        weight = q * (1 - q) * np.pi * np.cosh(nodes) * (nodes[1] - nodes[0])
        total = np.zeros(self.shape)
        with np.errstate(all="ignore"):
            for probability, w in zip(q, weight, strict=True):
                if 0 < probability < 1:
                    total = total + w * g(self.inverse(self.base.ppf(np.full(self.shape, probability))))
        return total[()]

    def mean(self):
        """Expected value."""
        return self._mean_of(lambda y: y)

    def var(self):
        """Variance."""
        mean = self.mean()
        return self._mean_of(lambda y: (y - mean) ** 2)

    def entropy(self):
        """Expected negative log-likelihood of a draw, in nats."""
        return self._mean_of(lambda y: -self.logpdf(y))

    def rvs(self, size=None, random_state=None):
        """Random values of shape (n,), or (size, n)."""
        return self.inverse(self.base.rvs(size, random_state))


def predict_dist(fitted, X) -> Distribution:
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
    if hasattr(fitted, "predict_dist"):
        return fitted.predict_dist(X)
    if hasattr(fitted, "steps"):
        return predict_dist(fitted.steps[-1][1], fitted[:-1].transform(X) if len(fitted.steps) > 1 else X)
    if hasattr(fitted, "regressor_") and hasattr(fitted, "transformer_"):
        base, transformer = predict_dist(fitted.regressor_, X), fitted.transformer_
        return TransformedDistribution(base, *(_elementwise(f) for f in (transformer.transform, transformer.inverse_transform)))
    if hasattr(fitted, "cv_results_") or isinstance(fitted, GridSearchCV | RandomizedSearchCV):
        check_is_fitted(fitted, "best_estimator_")
        return predict_dist(fitted.best_estimator_, X)
    if isinstance(fitted, RFE):
        return predict_dist(fitted.estimator_, fitted.transform(X))
    if isinstance(fitted, FixedThresholdClassifier | TunedThresholdClassifierCV):
        return predict_dist(fitted.estimator_, X)
    if isinstance(fitted, FrozenEstimator):
        return predict_dist(fitted.estimator, X)
    raise TypeError(f"{type(fitted).__name__} has no predictive distribution: no sk_mle estimator was found inside it")


class _elementwise:
    """A transformer's method, which wants columns, on arrays of any shape."""

    def __init__(self, method):
        self.method = method

    def __call__(self, values):
        values = np.asarray(values, dtype=float)
        return np.asarray(self.method(values.reshape(-1, 1))).reshape(values.shape)
