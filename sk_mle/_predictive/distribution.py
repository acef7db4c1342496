"""The predictive distribution: one law with parameters for every row."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from .._utils.floats import numbers, probability
from .._utils.tables import Table
from ..likelihoods import Likelihood, get_likelihood
from ..likelihoods._functions import title

ROWS_IN_HTML = 8


class Distribution:
    """Distribution of y for every row of X, with the method names of scipy.stats.

    A `y` of shape (n,) is taken row by row, a number for every row, and any other shape broadcasts against (n,): write
    ``grid[:, None]`` of shape (m, 1) to evaluate every row at m points. With K targets, the last axis of y and of moments is
    theirs: y of shape (n, K), (K,) for all rows, (m, 1, K) for every row at m points.

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

    def __init__(self, likelihood: Likelihood | str, params: dict[str, np.ndarray]) -> None:
        self.likelihood = get_likelihood(likelihood)
        given = {**self.likelihood.layout.fixed, **params}
        if set(given) != set(self.likelihood.parameters):
            law = title(self.likelihood)
            raise ValueError(f"{law} needs the parameters {list(self.likelihood.parameters)}, got {list(given)}")
        self.params = {name: np.asarray(given[name], dtype=float) for name in self.likelihood.parameters}

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """(n,), or () for one row selected by its index."""
        layout = self.likelihood.layout
        vector = {name for name in self.params if layout[name].vector}
        return np.broadcast_shapes(*(np.shape(v)[:-1] if n in vector else np.shape(v) for n, v in self.params.items()))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("one row of a Distribution has no length")
        return self.shape[0]

    def __getitem__(self, index: Any) -> Distribution:
        if not self.shape:
            raise TypeError("one row of a Distribution cannot be indexed")
        layout = self.likelihood.layout
        vector = {name for name in self.params if layout[name].vector}
        params = {n: v[index] if v.ndim > (n in vector) else v for n, v in self.params.items()}
        return Distribution(self.likelihood, params)

    def __repr__(self) -> str:
        rows = f"{self.shape[0]} rows" if self.shape else "one row"
        return f"<{title(self.likelihood)} distribution of {rows}: {', '.join(self.params)}>"

    def _repr_html_(self) -> str:
        first = self[:ROWS_IN_HTML] if self.shape else self
        columns: dict[str, np.ndarray] = {}
        for name, value in first.params.items():
            if self.likelihood.layout[name].vector:
                entries = self.likelihood.layout[name].entries
                columns |= {f"{name}[{entry}]": value[..., k] for k, entry in enumerate(entries)}
            else:
                columns[name] = value
        n = first.shape[0] if first.shape else 1
        more = [f"... and {len(self) - n} more rows"] if self.shape and len(self) > n else []
        rows = {name: np.broadcast_to(value, (n,)) for name, value in columns.items()}
        return Table(rows, list(map(str, range(n))), title=repr(self)[1:-1], notes=more)._repr_html_()

    def _at(self, method: Callable, values: np.ndarray) -> np.ndarray:
        """A method of the law at values that broadcast against the rows."""
        values = numbers(values, "values")
        if values.ndim == 1 and self.shape and values.shape not in ((1,), self.shape):
            raise ValueError(
                f"values of shape {values.shape} do not match {self.shape[0]} rows; pass one value per row, or "
                "values[:, None] to evaluate every row at all of them"
            )
        with np.errstate(all="ignore"):
            return np.asarray(method(values, **self.params))[()]

    @cached_property
    def _targets(self) -> tuple[int, ...]:
        """(K,) for a law of several targets, else ()."""
        return np.shape(self.likelihood.expectation(**self.params))[-1:] if self.likelihood.target_type == "targets" else ()

    def _joint(self, y: Any) -> np.ndarray:
        """`logpdf` of a law of several targets."""
        y, (size,) = numbers(y, "y"), self._targets
        if y.shape[-1:] != (size,) or (y.ndim == 2 and self.shape and len(y) not in (1, len(self))):
            raise ValueError(
                f"values of shape {y.shape} do not match {size} targets in {len(self) if self.shape else 1} rows; pass (n, "
                f"{size}), or (m, 1, {size}) to evaluate every row at m points"
            )
        with np.errstate(all="ignore"):
            inside, value = self.likelihood.inside(y), self.likelihood.loglik(y, **self.params)
        if self.likelihood.support.integer:
            inside = inside & (y == np.floor(y)).all(axis=-1)
        return np.where(np.isnan(y).any(axis=-1), np.nan, np.where(inside, value, -np.inf))[()]

    def logpdf(self, y: ArrayLike) -> np.ndarray:
        """Log density, or log mass of a discrete law; -inf outside the support, and between the values of a discrete law.

        Parameters
        ----------
        y : array-like
            One value per row, or values[:, None] for all of them in every row.

        Returns
        -------
        ndarray of shape (n,), or of what `y` and the rows broadcast to
        """
        if self.likelihood.target_type == "targets":
            return self._joint(y)
        y = numbers(y, "y")
        inside = self.likelihood.support.contains(y)
        result = self._at(self.likelihood.loglik, np.where(inside, y, self._inside))
        if self.likelihood.support.integer:
            inside = inside & (y == np.floor(y))
        return np.where(np.isnan(y), np.nan, np.where(inside, result, -np.inf))[()]

    @property
    def _inside(self) -> float:
        """A number inside the support, to evaluate at in place of values outside."""
        low, high = self.likelihood.support.typical
        return float(high if self.likelihood.support.integer else (low + high) / 2)

    def pdf(self, y: ArrayLike) -> np.ndarray:
        """Density, or mass of a discrete law.

        Parameters
        ----------
        y : array-like
            One value per row, or values[:, None] for all of them in every row.

        Returns
        -------
        ndarray of shape (n,), or of what `y` and the rows broadcast to
        """
        with np.errstate(over="ignore"):
            return np.exp(self.logpdf(y))

    def logpmf(self, y: ArrayLike) -> np.ndarray:
        """Log mass of a discrete law; an alias of `logpdf`.

        Parameters
        ----------
        y : array-like
            One value per row, or values[:, None] for all of them in every row.

        Returns
        -------
        ndarray of shape (n,), or of what `y` and the rows broadcast to
        """
        return self.logpdf(y)

    def pmf(self, y: ArrayLike) -> np.ndarray:
        """Mass of a discrete law; an alias of `pdf`.

        Parameters
        ----------
        y : array-like
            One value per row, or values[:, None] for all of them in every row.

        Returns
        -------
        ndarray of shape (n,), or of what `y` and the rows broadcast to
        """
        return self.pdf(y)

    def _tail(self, method: Callable, y: Any, lowest: float, highest: float) -> np.ndarray:
        """A distribution function with its limits at infinite y, and NaN at NaN."""
        if self.likelihood.target_type == "targets":
            method(y, **self.params)  # raises
        y = numbers(y, "y")
        values = self._at(method, np.where(np.isfinite(y), y, self._inside))
        return np.where(np.isnan(y), np.nan, np.where(y == -np.inf, lowest, np.where(y == np.inf, highest, values)))[()]

    def cdf(self, y: ArrayLike) -> np.ndarray:
        """Probability of at most y.

        Parameters
        ----------
        y : array-like
            One value per row, or values[:, None] for all of them in every row.

        Returns
        -------
        ndarray of shape (n,), or of what `y` and the rows broadcast to
        """
        return self._tail(self.likelihood.cdf, y, 0.0, 1.0)

    def sf(self, y: ArrayLike) -> np.ndarray:
        """Probability of more than y.

        Parameters
        ----------
        y : array-like
            One value per row, or values[:, None] for all of them in every row.

        Returns
        -------
        ndarray of shape (n,), or of what `y` and the rows broadcast to
        """
        return self._tail(self.likelihood.sf, y, 1.0, 0.0)

    def logcdf(self, y: ArrayLike) -> np.ndarray:
        """Log probability of at most y, also where the probability underflows.

        Parameters
        ----------
        y : array-like
            One value per row, or values[:, None] for all of them in every row.

        Returns
        -------
        ndarray of shape (n,), or of what `y` and the rows broadcast to
        """
        return self._tail(self.likelihood.logcdf, y, -np.inf, 0.0)

    def logsf(self, y: ArrayLike) -> np.ndarray:
        """Log probability of more than y, also where the probability underflows.

        Parameters
        ----------
        y : array-like
            One value per row, or values[:, None] for all of them in every row.

        Returns
        -------
        ndarray of shape (n,), or of what `y` and the rows broadcast to
        """
        return self._tail(self.likelihood.logsf, y, 0.0, -np.inf)

    def hazard(self, y: ArrayLike) -> np.ndarray:
        """Hazard: the density at y given that Y is not below; of a discrete law, P(Y = y | Y >= y).

        Parameters
        ----------
        y : array-like
            One value per row, or values[:, None] for all of them in every row.

        Returns
        -------
        ndarray of shape (n,), or of what `y` and the rows broadcast to
        """
        y = numbers(y, "y")
        with np.errstate(all="ignore"):
            density = self.logpdf(y)
            if self.likelihood.support.integer:
                return np.exp(density - np.logaddexp(density, self.logsf(y)))
            return np.exp(density - self.logsf(y))

    def cumulative_hazard(self, y: ArrayLike) -> np.ndarray:
        """Cumulative hazard, -log P(Y > y).

        Parameters
        ----------
        y : array-like
            One value per row, or values[:, None] for all of them in every row.

        Returns
        -------
        ndarray of shape (n,), or of what `y` and the rows broadcast to
        """
        return 0.0 - self.logsf(y)

    def ppf(self, q: Any) -> np.ndarray:
        """Quantile at probability q.

        Parameters
        ----------
        q : array-like
            One probability per row, or values[:, None] for all of them in every row.

        Returns
        -------
        ndarray of shape (n,), or of what `q` and the rows broadcast to
        """
        if self.likelihood.target_type == "targets":
            self.likelihood.ppf(q, **self.params)  # raises
        values, q = self._at(self.likelihood.ppf, q), np.asarray(q, dtype=float)
        return np.where((q > 0) & (q < 1), self.likelihood.support.nearest(values), values)[()]

    def _moment(self, method: Callable, axes: tuple = ()) -> np.ndarray:
        """A moment of the law, in every row."""
        with np.errstate(all="ignore"):
            return np.broadcast_to(method(**self.params), (*self.shape, *axes))[()]

    def mean(self) -> np.ndarray:
        """Expected value; NaN where it does not exist.

        Returns
        -------
        ndarray of shape (n,), or (n, K) for several targets
        """
        return self._moment(self.likelihood.expectation, self._targets)

    def median(self) -> np.ndarray:
        """Quantile at one half.

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.ppf(np.full(self.shape, 0.5))

    def var(self) -> np.ndarray:
        """Variance; infinite or NaN where it does not exist.

        Returns
        -------
        ndarray of shape (n,), or (n, K) for several targets
        """
        return self._moment(self.likelihood.variance, self._targets)

    def cov(self) -> np.ndarray:
        """Covariance matrices of several targets.

        Returns
        -------
        ndarray of shape (n, K, K)

        Raises
        ------
        ValueError
            For a law of one target.
        """
        if self.likelihood.covariance is None:
            raise ValueError(f"{title(self.likelihood)} has no covariance matrices; use var")
        return self._moment(self.likelihood.covariance, 2 * self._targets)

    def std(self) -> np.ndarray:
        """Standard deviation.

        Returns
        -------
        ndarray of shape (n,), or (n, K) for several targets
        """
        return np.sqrt(self.var())

    def entropy(self) -> np.ndarray:
        """Expected negative log-likelihood of a draw, in nats.

        Returns
        -------
        ndarray of shape (n,)
        """
        return self._moment(self.likelihood.entropy)

    def interval(self, confidence: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Central interval: lower and upper end with `confidence` between them.

        Parameters
        ----------
        confidence : float, default=0.9
            Probability of the interval; that of each tail is half of the rest.

        Returns
        -------
        low, high : ndarray of shape (n,)
        """
        tail = (1 - probability(confidence, "confidence", ends=True)) / 2
        return self.ppf(np.full(self.shape, tail)), self.ppf(np.full(self.shape, 1 - tail))

    def rvs(self, size: Any = None, random_state: int | np.random.RandomState | None = None) -> np.ndarray:
        """Random values.

        Parameters
        ----------
        size : int or tuple of int, optional
            Draws of every row; by default one.
        random_state : int, RandomState or None

        Returns
        -------
        ndarray of shape (n,), or (size, n); several targets are a last axis
        """
        shape = () if size is None else (size,) if np.isscalar(size) else tuple(size)
        if not all(isinstance(n, Integral) and int(n) >= 0 for n in shape):
            raise ValueError(f"size must be None, a whole number of draws, or a tuple of such numbers, got {size!r}")
        rng = np.random.default_rng(check_random_state(random_state).randint(2**31, size=4))
        values = np.asarray(self.likelihood.rvs(rng, (*shape, *self.shape), **self.params))
        return (values if self.likelihood.target_type == "targets" else self.likelihood.support.nearest(values))[()]
