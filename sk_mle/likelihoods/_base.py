"""The likelihood protocol.

Two layers. The author's layer is on the natural scale: named parameters, vectorised over samples, and only `loglik` must
be written. The derived layer, `evaluate`, is on the link scale, where the linear predictors live; a law overrides it
where a fused form is safer (Bernoulli: log F(eta), never log of a rounded probability).

Conventions: every derivative is of the log-likelihood, not of its negative; `information` is minus its Hessian in the
linear predictors, observed, or expected where the law has `fisher`. A pair of parameters that is absent is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from ..domains import REAL, Domain
from ..links import Link, check_link, default_link
from . import _inversion, _quadrature, _start
from ._numeric import differentiate, stacking


class Eval(NamedTuple):
    """Log-likelihood per sample with its derivatives in the linear predictors; a scalar parameter gives (n,) arrays."""

    loglik: np.ndarray
    gradient: dict[str, np.ndarray]
    information: dict[tuple[str, str], np.ndarray]


class Likelihood(BaseEstimator):
    """Base class of all laws p(y | parameters).

    A subclass declares `parameters` and `support`, assigns its parameters in `__init__` and writes `loglik`. All the rest
    is optional: derivatives are differenced per sample, moments and distribution functions are integrated.

    Attributes
    ----------
    parameters : dict of str to Domain
        In order; the first is modelled on all columns by default.
    support : Domain
        Of y. Checked before a fit.
    smooth : bool
        False declares that the log-likelihood has kinks in its first parameter. Such a law also writes `kinks` and
        `smoothed`, and fits end exactly on the vertex where the kinks meet.
    classes : bool
        True for laws of class codes 0..K-1, fitted by MLEClassifier.
    gradient, hessian, fisher : callable or None
        `gradient(y, **params) -> {name: (n,)}`, `hessian(y, **params) -> {(a, b): (n,)}` of the log-likelihood and
        `fisher(**params) -> {(a, b): (n,)}` on the natural scale. None: not offered.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.domains import POSITIVE, REAL
    >>> class Gumbel(Likelihood):
    ...     parameters = {"loc": REAL, "scale": POSITIVE}
    ...     support = REAL
    ...     def loglik(self, y, loc, scale):
    ...         z = (y - loc) / scale
    ...         return -z - np.exp(-z) - np.log(scale)
    >>> X = np.arange(8.0)[:, None]
    >>> y = 3 * X[:, 0] + [0.1, -0.4, 1.3, 0.2, -0.6, 0.8, 2.1, -0.2]
    >>> MLERegressor(Gumbel()).fit(X, y).coef_.round(1)
    array([3.])
    """

    parameters: ClassVar[dict[str, Domain]]
    support: ClassVar[Domain] = REAL
    smooth: ClassVar[bool] = True
    classes: ClassVar[bool] = False
    gradient: Callable | None = None
    hessian: Callable | None = None
    fisher: Callable | None = None

    def loglik(self, y, **params) -> np.ndarray:
        """Log density or log mass of each sample, with every normalising constant."""
        raise NotImplementedError(f"{type(self).__name__} must define loglik(y, {', '.join(self.parameters)})")

    def start(self, y, sample_weight) -> dict:
        """Values of the parameters for a model without covariates; by default a numerical fit."""
        return _start.search(self, y, sample_weight)

    def refine(self, y, sample_weight, **params) -> dict:
        """Better values of other parameters, given fitted values of the first; by default none."""
        return {}

    def bind(self, y) -> Likelihood:
        """The law with its data-dependent size, such as the number of classes."""
        return self

    def contrast(self, name) -> np.ndarray | None:
        """For a vector parameter of width K, an orthonormal (K, k) basis of its identified directions; None: scalar."""
        return None

    def recession(self, y, eta) -> tuple[np.ndarray, np.ndarray]:
        """In which directions of the first linear predictor a sample's log-likelihood never falls.

        Returns `cone` (n, m, width) and `gain` (n, m): a direction d is free for sample i where `cone[i] @ d >= 0`, and
        along constraint m the log-likelihood can still rise by `gain[i, m]`; infinite: it must not move at all. The
        default probes both ends of the real line. Serves the diagnosis of separated data.
        """
        name = self.free[0]
        here = self.evaluate(y, eta, 0).loglik
        ends = [self.evaluate(y, {**eta, name: np.full(len(here), end)}, 0).loglik for end in (-1e100, 1e100)]
        free = [np.isfinite(end) & (end >= here) for end in ends]
        sign = np.where(free[1], 1.0, np.where(free[0], -1.0, 1.0))
        gain = np.where(free[1], ends[1] - here, np.where(free[0], ends[0] - here, np.inf))
        return sign[:, None, None], gain[:, None]

    # ---- what the constructor said ------------------------------------------------------------------------------

    @property
    def fixed(self) -> dict:
        """Parameters given as numbers: known, not estimated."""
        given = {name: getattr(self, name, None) for name in self.parameters}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def free(self) -> list[str]:
        """Names of the parameters to estimate."""
        return [name for name in self.parameters if name not in self.fixed]

    def link(self, name: str) -> Link:
        """The link of a parameter: the user's choice, else the default of its domain."""
        chosen, domain = (getattr(self, "links", None) or {}).get(name), self.parameters[name]
        return default_link(domain) if chosen is None else check_link(chosen, domain, name)

    def check(self) -> None:
        """Raise ValueError or TypeError for constructor arguments that cannot be used."""
        law = type(self).__name__
        for name in getattr(self, "links", None) or {}:
            if name not in self.parameters:
                raise ValueError(f"links names {name!r}, but the parameters of {law} are {list(self.parameters)}")
            self.link(name)
        for name, value in self.fixed.items():
            if not np.isscalar(value) or isinstance(value, str | bytes | bool):
                raise TypeError(
                    f"{law}({name}=...): give a number to fix {name}, or None to estimate it, not {type(value).__name__}; what "
                    "varies with the rows is a column of X (predictors, offset)"
                )
            if not (self.parameters[name].contains(value) or self.limit(name, value)):
                raise ValueError(f"{law}({name}={value!r}): {name} must lie in {self.parameters[name]}")

    def check_shapes(self, y) -> None:
        """Raise ValueError where `loglik` or `gradient` does not return one value per sample."""
        if any(self.contrast(name) is not None for name in self.parameters):
            return
        y, law = y[:7], type(self).__name__
        params = {name: np.full(len(y), np.mean(domain.typical)) for name, domain in self.parameters.items()}
        with np.errstate(all="ignore"):
            shape = np.shape(self.loglik(y, **params))
            if shape != y.shape[:1]:
                raise ValueError(f"{law}.loglik returned shape {shape} for y of shape {y.shape}; return one value per sample")
            if self.gradient is not None:
                found = {name: np.shape(value) for name, value in self.gradient(y, **params).items()}
                wrong = [name for name in self.free if found.get(name) != y.shape[:1]]
                if wrong:
                    raise ValueError(
                        f"{law}.gradient must return an array of shape {y.shape[:1]} for {wrong}; it returned {found}"
                    )

    def limit(self, name, value) -> bool:
        """Whether a fixed value outside the open domain is a limit for which the law is still defined."""
        return False

    # ---- the derived layer --------------------------------------------------------------------------------------

    def theta(self, eta: dict) -> dict:
        """Natural parameters from linear predictors, the fixed ones included."""
        values = {name: self.link(name).inverse(eta[name]) for name in self.free}
        return {name: values.get(name, self.fixed.get(name)) for name in self.parameters}

    def evaluate(self, y, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        """Log-likelihood and its derivatives in the linear predictors of the free parameters.

        Parameters
        ----------
        y : ndarray of shape (n,)
        eta : dict of str to ndarray
            Linear predictor of every free parameter.
        order : {0, 1, 2}
        information : {"observed", "expected"}
            "expected" is used where the law has `fisher`, otherwise it means "observed".
        """
        with np.errstate(all="ignore"):  # a trial value outside the domain is answered by a non-finite log-likelihood
            expected = information == "expected" and self.fisher is not None
            analytic = self.gradient is not None and (order < 2 or expected or self.hessian is not None)
            return (self._analytic if analytic or order == 0 else self._differenced)(y, eta, order, expected)

    def _analytic(self, y, eta, order, expected) -> Eval:
        chain = {name: self.link(name).inverse_derivatives(eta[name]) for name in self.free}
        params = {**self.fixed, **{name: values[0] for name, values in chain.items()}}
        loglik = self._guarded(self.loglik(y, **params), params)
        if order == 0:
            return Eval(loglik, {}, {})
        natural = self.gradient(y, **params)
        gradient = {name: natural[name] * chain[name][1] for name in self.free}
        if order == 1:
            return Eval(loglik, gradient, {})
        second = self.fisher(**params) if expected else self.hessian(y, **params)
        sign = 1.0 if expected else -1.0
        result = {}
        for (a, b), value in second.items():
            if a in chain and b in chain:
                result[a, b] = sign * value * _outer(chain[a][1], chain[b][1])
        if not expected:
            for name in self.free:
                bent = natural[name] * chain[name][2]
                bent = bent if bent.ndim == 1 else bent[:, :, None] * np.eye(bent.shape[1])
                result[name, name] = result.get((name, name), 0.0) - bent
        return Eval(loglik, gradient, result)

    def _differenced(self, y, eta, order, expected) -> Eval:
        names = self.free
        stack, unstack, places = stacking({name: eta[name] for name in names})

        def loglik(stacked):
            return self.evaluate(y, unstack(stacked), 0).loglik

        def slope(stacked):
            return stack(self._analytic(y, unstack(stacked), 1, False).gradient)

        growable = np.concatenate([np.repeat(self.link(n).range == REAL, p.stop - p.start) for n, p in places.items()])
        value, gradient, hessian = differentiate(loglik, stack(eta), order, growable, None if self.gradient is None else slope)
        if order < 2:
            return Eval(value, unstack(gradient), {})
        blocks = {}
        for i, a in enumerate(names):
            for b in names[i:]:
                block = -hessian[:, places[a], places[b]]
                blocks[a, b] = block[:, 0, 0] if eta[a].ndim == eta[b].ndim == 1 else block
        return Eval(value, unstack(gradient), blocks)

    def _guarded(self, loglik, params):
        """-inf where a link led outside a parameter's domain, so that a solver shortens its step."""
        for name in self.free:
            domain = self.parameters[name]
            if not domain.includes(self.link(name).range):
                inside = domain.contains(params[name])
                if not inside.all():
                    loglik = np.where(inside, loglik, -np.inf)
        return loglik

    # ---- the distribution ---------------------------------------------------------------------------------------

    def expectation(self, **params) -> np.ndarray:
        """Mean of y; NaN where it does not exist."""
        return _quadrature.moment(self, params, 1)

    def variance(self, **params) -> np.ndarray:
        """Variance of y; infinite or NaN where it does not exist."""
        return _quadrature.moment(self, params, 2)

    def entropy(self, **params) -> np.ndarray:
        """Minus the expected log-likelihood."""
        return _quadrature.entropy(self, params)

    def cdf(self, y, **params) -> np.ndarray:
        """P(Y <= y)."""
        return np.exp(_quadrature.log_tail(self, y, params, upper=False))

    def sf(self, y, **params) -> np.ndarray:
        """P(Y > y)."""
        return np.exp(_quadrature.log_tail(self, y, params, upper=True))

    def logcdf(self, y, **params) -> np.ndarray:
        """log P(Y <= y), exact in the far tail where the probability itself underflows."""
        return _quadrature.log_probability(self, y, params, upper=False)

    def logsf(self, y, **params) -> np.ndarray:
        """log P(Y > y), exact in the far tail where the probability itself underflows."""
        return _quadrature.log_probability(self, y, params, upper=True)

    def ppf(self, q, **params) -> np.ndarray:
        """Quantile: the smallest y with P(Y <= y) >= q."""
        return _inversion.invert(self, q, params)

    def rvs(self, rng: np.random.Generator, size, **params) -> np.ndarray:
        """Random values of shape `size`; by inversion unless the law knows better."""
        return self.ppf(rng.uniform(size=size), **params)


def _outer(a, b):
    """Products of the derivatives of two links: per sample, or for every pair of a vector parameter's entries."""
    if a.ndim == b.ndim == 1:
        return a * b
    return a.reshape(len(a), -1)[:, :, None] * b.reshape(len(b), -1)[:, None, :]
