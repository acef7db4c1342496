"""The derived layer of the protocol: a law's log-likelihood and its derivatives on the scale of the linear predictors."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache
from typing import Any, ClassVar

import numpy as np

from ..._utils.repeated import repeated_value
from .._fallbacks import interval, jets
from .._fallbacks.algebra import Eval, complement, constant, mix, outer, plus, rows, scatter
from .._fallbacks.facts import overrides
from .._fallbacks.numeric import copies, differentiate, stacking
from . import authors

_LOOKED_UP = ("parameter", "base_measure", "free", "fixed", "known", "_leaving", "_held")


class derived:
    """A property that an instance may hold as a value of its own: a fit settles once what its law derives from arguments."""

    def __init__(self, compute: Callable):
        self.compute, self.__doc__ = compute, compute.__doc__

    def __get__(self, law, kind=None):
        return self if law is None else self.compute(law)


class Evaluation:
    """What `Likelihood` inherits: from natural parameters to linear predictors, by the chain rule or by differences."""

    free: Any
    fixed: Any
    known: Any
    parameters: ClassVar[Any]
    support: ClassVar[Any]
    parameter: Any
    loglik: Any
    gradient: Any
    hessian: Any
    terms: Any
    fisher: Any
    interval: Any
    atoms: ClassVar[Any]
    smooth: ClassVar[Any]

    @property
    def expected_information(self) -> str:
        """What `evaluate` means by "expected": the law's "whole" expected information; that of "parts" of it, which is neither
        the law's expected nor its observed; "none": the observed information.
        """
        return "whole" if self.fisher is not None else "parts" if overrides(self, "evaluate") else "none"

    def base_measure(self, y):
        """Log of the base measure: what y alone adds to `loglik`, where a law sets it apart; a fit computes it once."""
        return 0.0

    def at_hand(self):
        """The law with all that follows from its arguments looked up once, for a fit, which asks at every pass.

        Its copies look up anew, as their arguments may be changed.
        """
        if "parameter" in vars(self):
            return self
        law = copy(self)
        law.parameter = cache(self.parameter)
        vars(law).update({name: getattr(law, name) for name in ("free", "fixed", "known", "_leaving")})
        return law

    def kernel(self):
        """The law at hand, without its base measure: what every pass evaluates."""
        whole = self.at_hand()
        law = copy(whole)
        vars(law).update(vars(whole), base_measure=_nothing)
        return law

    def __copy__(self):
        law = object.__new__(type(self))
        vars(law).update({name: value for name, value in vars(self).items() if name not in _LOOKED_UP})
        return law

    @derived
    def _leaving(self) -> list[str]:
        """Free parameters whose links may lead outside their domains."""
        return [name for name in self.free if not self.parameter(name).stays_inside]

    def theta(self, eta: dict) -> dict:
        """Natural parameters from linear predictors, the fixed ones included."""
        return self._params(eta, {name: self.parameter(name).link.inverse(eta[name]) for name in self.free})

    def _params(self, eta, values) -> dict:
        """All parameters in their order: the estimated ones as given, the known and the fixed ones beside them."""
        given = {**self.fixed, **{name: eta[name] for name in self.known}, **values}
        return {name: given.get(name) for name in self.parameters}

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

    def class_masses(self, eta: dict, n_classes: int, scale: str = "log") -> np.ndarray:
        """Probabilities of the class codes 0..K-1, for laws of these: (n, K).

        Parameters
        ----------
        eta : dict of str to ndarray
            Linear predictor of every free parameter.
        n_classes : int
        scale : {"log", "probability", "score"}
            "score": log probabilities up to a constant per row, where that is cheaper.
        """
        n = len(next(iter(eta.values())))
        log = np.stack([self.evaluate(np.full(n, float(k)), eta, 0).loglik for k in range(n_classes)], axis=1)
        return np.exp(log) if scale == "probability" else log

    def _analytic(self, y, eta, order, expected) -> Eval:
        chain = {name: self.parameter(name).link.inverse_derivatives(eta[name]) for name in self.free}
        params = self._params(eta, {name: values[0] for name, values in chain.items()})
        loglik, natural, second = self.terms(y, min(order, 1) if expected else order, **params)
        loglik = authors.logs(self, loglik, y)
        wrong = [name for name in self.free if np.shape(natural.get(name))[:1] != loglik.shape] if order else []
        if wrong:
            found = {name: np.shape(value) for name, value in natural.items()}
            raise ValueError(
                f"{type(self).__name__}.gradient must return an array of shape {loglik.shape} for {wrong}; it returned {found}"
            )
        loglik = self._guarded(loglik, params)
        if order == 0:
            return Eval(loglik, {}, {})
        second = self.fisher(**params) if expected and order == 2 else second
        return self._chained(loglik, natural, second, chain, order, expected)

    def _chained(self, loglik, natural, second, chain, order, expected=False) -> Eval:
        """Derivatives in the linear predictors from those in the parameters."""
        plain = {name for name, (_, d1, _) in chain.items() if repeated_value(d1) == 1.0}  # the identity link
        gradient = {name: natural[name] if name in plain else natural[name] * chain[name][1] for name in self.free}
        if order == 1:
            return Eval(loglik, gradient, {})
        sign, result = 1.0 if expected else -1.0, {}
        for (a, b), value in second.items():
            if a in chain and b in chain:
                alone = {a, b} <= plain and np.shape(value)[:1] == loglik.shape
                result[a, b] = value * (sign if alone else outer(sign * chain[a][1], chain[b][1]))
        if not expected:
            for name in self.free:
                if repeated_value(chain[name][2]) == 0.0 and (name, name) in result:
                    continue
                curved = natural[name] * chain[name][2]
                if curved.ndim == 1:
                    result[name, name] = result.get((name, name), 0.0) - curved
                else:
                    block = result.setdefault((name, name), np.zeros((*curved.shape, curved.shape[1])))
                    np.einsum("nkk->nk", block)[...] -= curved
        return Eval(loglik, gradient, result)

    def _differenced(self, y, eta, order, expected) -> Eval:
        if self.gradient is None and self.smooth and (found := jets.evaluate(self, y, eta, order)) is not None:
            return found
        gradient = None if self.gradient is None else lambda at, m: self._analytic(copies(y, m), at, 1, False).gradient
        return self._differences(lambda at, m: self.evaluate(copies(y, m), at, 0).loglik, eta, order, gradient)

    def _differences(self, f, eta, order, gradient_of=None) -> Eval:
        """Derivatives of any `f(eta, m)` that gives a value per sample, of m copies of all samples one after another."""
        if order == 0:
            return constant(f(eta, 1))
        names, known = self.free, {name: eta[name] for name in self.known}
        stack, unstack, places = stacking({name: eta[name] for name in names})

        def apart(stacked):
            m = len(stacked) // len(next(iter(eta.values())))
            return {**unstack(stacked), **{name: copies(value, m) for name, value in known.items()}}, m

        growable = np.concatenate([np.repeat(self.parameter(n).location, p.stop - p.start) for n, p in places.items()])
        value, gradient, hessian = differentiate(
            lambda at: f(*apart(at)),
            stack(eta),
            order,
            growable,
            None if gradient_of is None else lambda at: stack(gradient_of(*apart(at))),
            together=True,
        )
        if order < 2:
            return Eval(value, unstack(gradient), {})
        blocks = {}
        for i, a in enumerate(names):
            for b in names[i:]:
                block = -hessian[:, places[a], places[b]]
                blocks[a, b] = block[:, 0, 0] if eta[a].ndim == eta[b].ndim == 1 else block
        return Eval(value, unstack(gradient), blocks)

    def evaluate_interval(self, low, high, eta: dict, order: int = 1) -> Eval:
        """log P(low < Y <= high) per sample, with its derivatives in the linear predictors as `evaluate` gives them."""
        low, high = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
        few = self.support.integer and high.size > 0 and high.max() < np.inf  # points
        low = np.maximum(low, self.support.low - 1.0) if self.support.integer else low
        with np.errstate(all="ignore"):
            if order == 0 and not few:
                return constant(self.log_interval(low, high, **self.theta(eta)))
            from_start, to_end = interval.reaches(self, low, high)
            groups = [(from_start & to_end, self._sure), (low >= high, self._impossible)]
            rest = ~(groups[0][0] | groups[1][0])
            thin = rest & interval.narrow(self, low, high, lambda y: self.evaluate(y, eta, 0).loglik)
            nearly = rest & ~thin & to_end & interval.narrow(self, np.full(len(low), self.support.low - 1.0), low, None)
            groups += [(thin, self._narrow_interval), (nearly, self._upper_interval)]
            wide = rest & ~thin & ~nearly
            for side in (to_end, from_start, ~(to_end | from_start)):  # apart, as one tail is less work than two
                groups.append((wide & side, self._wide_interval))
            parts = []
            for mask, part in groups:
                if mask.all():
                    return part(low, high, eta, order)
                if mask.any():
                    parts.append((mask, part(low[mask], high[mask], rows(eta, mask), order)))
            return scatter(len(low), parts)

    def _sure(self, low, high, eta, order) -> Eval:
        return constant(np.zeros(len(low)))

    def _impossible(self, low, high, eta, order) -> Eval:
        return constant(np.full(len(low), -np.inf))

    def _narrow_interval(self, low, high, eta, order) -> Eval:
        y, weight = interval.nodes(self, low, high)
        return mix([plus(self.evaluate(y[:, k], eta, order), constant(weight[:, k])) for k in range(y.shape[1])], order)

    def _upper_interval(self, low, high, eta, order) -> Eval:
        """On a lattice, all but the few points at or below `low`."""
        return complement(self._narrow_interval(np.full(len(low), self.support.low - 1.0), low, eta, order))

    def _wide_interval(self, low, high, eta, order) -> Eval:
        if self.interval is None:
            return self._differences(self._of_interval(low, high), eta, order)
        chain = {name: self.parameter(name).link.inverse_derivatives(eta[name]) for name in self.free}
        params = self._params(eta, {name: values[0] for name, values in chain.items()})
        loglik, natural, second = self.interval(low, high, order, **params)
        return self._chained(self._guarded(loglik, params), natural, second, chain, order)

    def _of_interval(self, low, high):
        """`log_interval` as `_differences` takes it."""
        return lambda at, m: self.log_interval(copies(low, m), copies(high, m), **self.theta(at))

    def log_interval(self, low, high, /, **params) -> np.ndarray:
        """log P(low < Y <= high)."""
        return interval.log_interval(self, low, high, **params)

    def _guarded(self, loglik, params):
        """-inf where a link led outside a parameter's domain, so that a solver shortens its step."""
        for name in self._leaving:
            inside = self.parameter(name).domain.contains(params[name])
            inside = inside if inside.ndim < 2 else inside.all(axis=1)
            if not inside.all():
                loglik = np.where(inside if inside.ndim < 2 else inside.all(axis=-1), loglik, -np.inf)
        return loglik


def _nothing(y):
    return 0.0
