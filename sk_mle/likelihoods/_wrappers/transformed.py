"""Laws of a function of y."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ..._utils.differences import differentiate, jacobian, stacking
from ...domains import Domain
from .._fallbacks import quadrature, starting_values
from .._fallbacks.algebra import Eval, constant, plus
from .._fallbacks.facts import numerical, title, with_values
from .._protocol.base import Likelihood
from .._protocol.derived import derived
from .._protocol.parameter import Parameter, Parameters
from .._protocol.relations import Relations, is_degenerate, may_be_degenerate
from .composite import with_inner_values
from .transforms import TRANSFORMS, Transform, check_transform
from .wrapper import Wrapper


class Transformed(Wrapper):
    r"""A law of y for which an increasing function h(y) follows the law inside.

    .. math:: p(y) = p_{\mathrm{law}}(h(y))\, h'(y)

    The log-likelihood is that of y, with the derivative of the function, so that it is comparable with those of other laws.
    ``Transformed(Normal(), "log")`` is the log-normal law, ``"logit"`` the logit-normal, ``"asinh"`` Johnson's SU with its
    shape fixed. Quantiles are those of the law, transformed back; mean and variance are integrals over the law. scipy.stats:
    ``lognorm``, ``johnsonsu``, ``yeojohnson``; statsmodels: none; R: ``lm(log(y) ~ x)``, gamlss ``LOGNO``,
    ``car::powerTransform``.

    Parameters
    ----------
    law : Likelihood
        With a density.
    transform : {"log", "logit", "asinh", "yeo-johnson"} or Transform
        "yeo-johnson" has the parameter `lmbda`, estimated with the others; ``YeoJohnson(lmbda=0.5)`` fixes it. Any other
        increasing function is an instance of a subclass of `Transform`; for a decreasing one, transform -y.
    links : dict of str to str or Link, optional
        Links of the function's parameters.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.likelihoods import Normal
    >>> model = MLERegressor(Transformed(Normal(), "log")).fit([[0], [0], [1], [1]], [1.0, 2.0, 5.0, 9.0])
    >>> model.coef_.round(3), model.predict([[0]]).round(3)
    (array([1.557]), array([1.489]))
    """

    def __init__(self, law: Any, transform: Any, *, links: Any = None) -> None:
        self.law, self.transform, self.links = law, transform, links

    @property
    def _function(self) -> Transform:
        return TRANSFORMS[self.transform]() if isinstance(self.transform, str) else self.transform

    @property
    def own(self) -> Mapping[str, Domain | Parameter]:
        return self._function.parameters

    @property
    def relations(self) -> Relations:
        """The law inside is a limit if the function can be the identity; at transformed values it may be degenerate."""
        identity = getattr(self._function, "identity", None)
        of_values = self._is_degenerate if may_be_degenerate(self.law) else None
        return Relations(limits={"law": identity} if identity else {}, is_degenerate=of_values)

    @staticmethod
    def _is_degenerate(law: Transformed, y: np.ndarray, /, **params: np.ndarray) -> bool:
        return is_degenerate(law.law, law._forward(y, law._split(params)[0]), law.inner(params))

    @derived
    def layout(self) -> Parameters:
        layout = super().layout
        values = {name: getattr(self._function, name, None) for name in self.own}
        return Parameters(layout | {name: replace(layout[name], value=value) for name, value in values.items()})

    def bind(self, y: np.ndarray, /, **known: np.ndarray) -> Likelihood:
        law, function = super().bind(y, **known), self._function
        bound = function.bind(y)
        law.transform = law.transform if bound is function else bound
        return law

    def check(self) -> None:
        law = type(self).__name__
        if isinstance(self.transform, str) and self.transform not in TRANSFORMS:
            raise ValueError(f"{law}: transform={self.transform!r} is unknown; use one of {list(TRANSFORMS)}, or a Transform")
        if not isinstance(self._function, Transform):
            raise TypeError(f"{law} takes the name of a function, or an instance of Transform, got {self.transform!r}")
        super().check()
        inside, settings = title(self.law), self._function_values()
        if self.law.support.integer:
            raise ValueError(f"{law} takes laws with a density, and {inside} is a law of counts")
        if not self.law.smooth and set(self.own) - set(self.layout.fixed):
            raise ValueError(f"{law}: the density of {inside} has a kink, so {list(self.own)} must be given as numbers")
        check_transform(self._function, settings[0])
        if self._image(settings[0]) != self._image(settings[1]):
            raise ValueError(
                f"{law}: the support of {inside}, {self.law.support}, becomes another with every value of {list(self.own)}; "
                "take a law of the whole line"
            )

    # ---- support -------------------------------------------------------------------------------------------------

    def _function_values(self) -> list[dict]:
        """Two dicts of values of the function's parameters: given, or typical."""
        spans = {name: np.asarray(self.layout[name].domain.typical) for name in self.own}
        return [{name: self.layout.fixed.get(name, span @ [at, 1 - at]) for name, span in spans.items()} for at in (0.5, 0.1)]

    def _image(self, own: dict) -> list[float]:
        """The ends of the law's support, and its atoms, on the scale of y."""
        with np.errstate(all="ignore"):
            return [float(self._function.inverse(np.float64(z), **own)) for z in (*self._ends, *self.law.support.atoms)]

    @property
    def _ends(self) -> tuple[float, float]:
        return self.law.support.low, self.law.support.high

    @property
    def support(self) -> Domain:
        inner, domain, own = self.law.support, self._function.domain, self._function_values()[0]
        low, high, *atoms = self._image(own)
        low, high = (domain.low if np.isinf(inner.low) else low), (domain.high if np.isinf(inner.high) else high)
        closed = inner.closed[0] and np.isfinite(inner.low), inner.closed[1] and np.isfinite(inner.high)
        first, last = (float(self._function.inverse(np.float64(z), **own)) for z in inner.typical)
        return replace(inner, low=low, high=high, closed=closed, typical=(first, last), atoms=tuple(atoms))

    # ---- log-likelihood ------------------------------------------------------------------------------------------

    def _split(self, params: dict) -> tuple[dict, dict]:
        """The parameters of the function, and those of the law inside."""
        return {name: params[name] for name in self.own}, self.inner(params)

    def _forward(self, y: np.ndarray, own: dict) -> np.ndarray:
        """The function of y; -inf or inf outside its domain."""
        domain = self._function.domain
        with np.errstate(all="ignore"):
            z = self._function.forward(np.where(domain.contains(y), y, np.mean(domain.typical)), **own)
            return np.where(domain.contains(y), z, np.where(y <= domain.low, -np.inf, np.where(np.isnan(y), np.nan, np.inf)))

    def _log_jacobian(self, y: np.ndarray, z: np.ndarray, own: dict) -> np.ndarray:
        return np.where(np.isin(z, self.law.support.atoms), 0.0, self._function.log_jacobian(y, **own))

    def loglik(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        own, inner = self._split(params)
        z = self._forward(y, own)
        with np.errstate(all="ignore"):
            return np.where(np.isfinite(z), self.law.loglik(z, **inner) + self._log_jacobian(y, z, own), -np.inf)

    def log_interval(self, low: np.ndarray, high: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        own, inner = self._split(params)
        return self.law.log_interval(self._forward(low, own), self._forward(high, own), **inner)

    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        def at(eta: dict, order: int) -> Eval:
            own = self._own(eta)
            z = self._forward(y, own)
            part = plus(self.law.evaluate(z, eta, order, information), constant(self._log_jacobian(y, z, own)))
            return part._replace(loglik=np.where(np.isfinite(z), part.loglik, -np.inf))

        return self._with_own_derivatives(at, eta, order)

    def evaluate_interval(self, low: np.ndarray, high: np.ndarray, eta: dict, order: int = 1) -> Eval:
        def at(eta: dict, order: int) -> Eval:
            own = self._own(eta)
            return self.law.evaluate_interval(self._forward(low, own), self._forward(high, own), eta, order)

        return self._with_own_derivatives(at, eta, order)

    def _own(self, eta: dict) -> dict:
        """Values of the function's parameters, each an array per sample or one number."""
        free = {name: self.layout[name].link.inverse(eta[name]) for name in self.own if name in self.layout.free}
        given = {**self.layout.fixed, **{name: eta[name] for name in self.layout.known}, **free}
        return {name: given[name] for name in self.own}

    def _with_own_derivatives(self, at: Callable, eta: dict, order: int) -> Eval:
        """`at(eta, order)`, which has the derivatives in the law's parameters, with those in the function's by differences."""
        names = [name for name in self.own if name in self.layout.free]
        with np.errstate(all="ignore"):
            part = at(eta, order)
            if order == 0 or not names:
                return part
            stacked = np.stack([eta[name] for name in names], axis=1)
            moved = lambda p: {**eta, **dict(zip(names, p.T, strict=True))}
            value = lambda p: at(moved(p), 0).loglik
            growable = np.array(
                [bool(self.layout[name].location) for name in names]
            )  # a power of years may be in the thousands
            _, d1, d2 = differentiate(value, stacked, order, growable)
            gradient = {**part.gradient, **dict(zip(names, d1.T, strict=True))}
            if order == 1:
                return part._replace(gradient=gradient)
            stack, _, places = stacking(part.gradient)
            cross = jacobian(lambda p: stack(at(moved(p), 1).gradient), value, stacked, growable)
        information = dict(part.information)
        for j, b in enumerate(names):
            for i, a in enumerate(names[: j + 1]):
                information[a, b] = -d2[:, i, j]
            for a, place in places.items():
                block = -cross[:, place, j]
                information[a, b] = block[:, 0] if part.gradient[a].ndim == 1 else block[:, :, None]
        return Eval(part.loglik, gradient, information)

    # ---- start and distribution ----------------------------------------------------------------------------------

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        """The law's own start from h(y); parameters of the function from the best of such starts."""
        names = [name for name in self.own if name in self.layout.free]
        own = self._function_values()[0]
        if names:
            values, weight = starting_values.reduced_sample(y, sample_weight)

            def loss(p: np.ndarray) -> float:
                at = own | {name: self.layout[name].link.inverse(np.float64(v)) for name, v in zip(names, p, strict=True)}
                params = {**self.layout.fixed, **self.law.start(self._forward(values, at), weight), **at}
                value = -np.average(self.loglik(values, **params), weights=weight)
                return value if np.isfinite(value) else np.inf

            first = [float(self.layout[name].link.link(own[name])) for name in names]
            limits = {"maxiter": 60 * len(names), "xatol": 1e-3, "fatol": 1e-8}
            with np.errstate(all="ignore"):  # a trial value may overflow
                result = minimize(loss, first, method="Nelder-Mead", options=limits)
            own |= {name: float(self.layout[name].link.inverse(v)) for name, v in zip(names, result.x, strict=True)}
        return {**self.law.start(self._forward(y, own), sample_weight), **{name: own[name] for name in names}}

    @property
    def smooth(self) -> bool:
        return self.law.smooth

    def kinks(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        own = {name: params.pop(name, self.layout.fixed[name]) for name in self.own}
        return self.law.kinks(self._forward(y, own), **params)

    def smoothed(self, width: float) -> Likelihood:
        law = copy(self)
        law.law = self.law.smoothed(width)
        return law

    def ppf(self, q: float | np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        own, inner = self._split(params)
        return self._function.inverse(self.law.ppf(q, **inner), **own)

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], /, **params: np.ndarray) -> np.ndarray:
        own, inner = self._split(params)
        return self._function.inverse(self.law.rvs(rng, size, **inner), **own)

    def _expect(self, params: dict, g: Callable, about: Any = 0.0) -> Any:
        """E g(y, about, own) as an integral over the law inside; `own` are the function's parameters."""
        about, flat, shape = quadrature.flattened(about, params, self)
        own, inner = self._split(flat)

        def value(z: np.ndarray, _: Any, rows: Any) -> Any:
            at = {name: v[rows][:, None] for name, v in own.items()}
            return g(self._function.inverse(z, **at), about[rows][:, None], at)

        return quadrature.expect(self.law, inner, value, indexed=True).reshape(shape)

    @numerical
    def expectation(self, **params: np.ndarray) -> np.ndarray:
        middle = self.ppf(0.5, **params)  # deviations from it keep the digits that its distance from zero would cost
        return self._expect(params, lambda y, about, own: y - about, middle) + middle

    def variance(self, **params: np.ndarray) -> np.ndarray:
        return self._expect(params, lambda y, about, own: (y - about) ** 2, self.expectation(**params))

    def entropy(self, **params: np.ndarray) -> np.ndarray:
        log_derivative = self._expect(params, lambda y, about, own: self._function.log_jacobian(y, **own))
        return self.law.entropy(**self.inner(params)) - log_derivative


@with_values.register(Transformed)
def _with_values_of_the_function(law: Transformed, values: dict) -> Likelihood:
    if not values:
        return law
    result = copy(with_inner_values(law, {name: value for name, value in values.items() if name not in law.own}))
    result.transform = copy(law._function)
    for name in law.own.keys() & values.keys():
        setattr(result.transform, name, values[name])
    return result
