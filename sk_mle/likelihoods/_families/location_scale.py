"""Base classes of laws of (y - loc) / scale: the chain rule from the standard density to parameters, and to intervals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from ..._utils.repeated import repeated_value
from ...domains import POSITIVE, REAL
from .._fallbacks.algebra import Eval, minus, minus_hessian
from .._fallbacks.facts import takes_parameters, withdrawable
from .._fallbacks.starting_values import average, best_candidate, reduced_sample, resolution
from .._protocol.base import Likelihood


class LocationScale(Likelihood):
    """A law with density f(z) / scale, z = (y - loc) / scale.

    A subclass writes `standard_terms(z, order)`, which gives log f and its derivatives as `terms` does, by the name "z";
    `standard_information()`, the expected information at loc 0 and scale 1; `standard_moments()`, the mean, variance and
    entropy there; `standard_tail(z, upper, log)`, as `tail_probability`; and `standard_ppf`.

    Further parameters of f follow as arguments in all of these, and have derivatives of their own beside those in z;
    `relations.tried` has the values of them that a start chooses from. `standard_tail_derivatives(z, log_tail)`, if a law has
    it, gives the derivatives of P(Z <= z) in these parameters over exp(log_tail), and the second ones by pair, with "z".
    """

    standard_tail_derivatives: Any = None
    parameters = {"loc": REAL, "scale": POSITIVE}
    support = REAL

    @takes_parameters
    def terms(
        self, y: np.ndarray, order: int, loc: np.ndarray, scale: np.ndarray, *at: np.ndarray, **shape: np.ndarray
    ) -> tuple[np.ndarray, dict, dict]:
        z = (y - loc) / scale
        loglik, first, second = self.standard_terms(z, order, *at, **shape)
        loglik = loglik - np.log(scale)
        if order == 0:
            return loglik, {}, {}
        d1 = first.pop("z")
        gradient = {"loc": -d1 / scale, "scale": -(1 + z * d1) / scale, **first}
        if order == 1:
            return loglik, gradient, {}
        hessian = _second(z, scale, d1, second.pop(("z", "z")))
        hessian["scale", "scale"] += 1 / scale**2
        for (a, b), value in second.items():
            hessian |= {("loc", b): -value / scale, ("scale", b): -z * value / scale} if a == "z" else {(a, b): value}
        return loglik, gradient, hessian

    @takes_parameters
    def standard_terms(self, z: np.ndarray, order: int, **shape: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        """log f with its gradient and Hessian in z and the parameters of f; derivatives above `order` are ignored."""
        raise NotImplementedError

    def standard_logpdf(self, z: np.ndarray, *at: np.ndarray, **shape: np.ndarray) -> np.ndarray:
        """log f"""
        return self.standard_terms(z, 0, *at, **shape)[0]

    @withdrawable
    def fisher(
        self, loc: np.ndarray, scale: np.ndarray, *at: np.ndarray, **shape: np.ndarray
    ) -> dict[tuple[str, str], np.ndarray]:
        information = self.standard_information(*at, **shape)
        return {pair: value / scale ** sum(name in ("loc", "scale") for name in pair) for pair, value in information.items()}

    # ---- intervals ----------------------------------------------------------------------------------------------

    @property
    def interval(self) -> Callable | None:
        """`Likelihood.interval`; None where parameters of f are estimated and the law has no `standard_tail_derivatives`."""
        return self._interval if self.standard_tail_derivatives or set(self.layout.free) <= {"loc", "scale"} else None

    def _interval(
        self, low: np.ndarray, high: np.ndarray, order: int, loc: np.ndarray, scale: np.ndarray, **shape: np.ndarray
    ) -> Eval:
        low, high = (np.where(np.isinf(end), end, (end - loc) / scale) for end in (low, high))  # loc may be infinite as well
        if np.isposinf(high).all() or np.isneginf(low).all():
            upper: Any = not np.isneginf(low).all()  # of all rows: an end may have become infinite in one of them
            return minus_hessian(self._tail_terms(low if upper else high, scale, upper, shape))
        below, above = self.standard_tail(high, False, True, **shape), self.standard_tail(low, True, True, **shape)
        upper = np.isposinf(high) | (above < below)
        near, far = np.where(upper, low, high), np.where(upper, high, low)
        return minus_hessian(minus(self._tail_terms(near, scale, upper, shape), self._tail_terms(far, scale, upper, shape)))

    def _tail_terms(self, z: np.ndarray, scale: np.ndarray, upper: Any, shape: dict) -> Eval:
        """log P(Z > z) where `upper`, elsewhere log P(Z <= z), with derivatives in all parameters that are estimated."""
        inside = np.isfinite(z)
        at = np.where(inside, z, 0.0)
        sides = [side for side in (True, False) if (np.asarray(upper) == side).any()]
        tails = [self.standard_tail_terms(at, side, **shape) for side in sides]
        value, d1, d2 = tails[0] if len(sides) == 1 else (np.where(upper, a, b) for a, b in zip(*tails, strict=True))
        if not inside.all():
            end = np.where(np.isnan(z), np.nan, np.where((z < 0) == upper, 0.0, -np.inf))
            value, d1, d2 = (np.where(inside, part, at_end) for part, at_end in ((value, end), (d1, 0.0), (d2, 0.0)))
        gradient, hessian = {"loc": -d1 / scale, "scale": -at * d1 / scale}, _second(at, scale, d1, d2)
        if free := [name for name in shape if name in self.layout.free]:
            first, second = self.standard_tail_derivatives(at, value, **shape)
            sign = np.where(inside, np.where(upper, -1.0, 1.0), 0.0)
            gradient |= {name: np.where(inside, sign * first[name], 0.0) for name in free}
            for i, a in enumerate(free):
                mixed = np.where(inside, sign * second["z", a], 0.0) - d1 * gradient[a]
                hessian |= {("loc", a): -mixed / scale, ("scale", a): -at * mixed / scale}
                for b in free[i:]:
                    hessian[a, b] = np.where(inside, sign * second[a, b], 0.0) - gradient[a] * gradient[b]
        return minus_hessian(Eval(value, gradient, hessian))

    @takes_parameters
    def standard_tail_terms(self, z: np.ndarray, upper: bool, **shape: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """log P(Z > z) or log P(Z <= z) with its first and second derivative."""
        value = self.standard_tail(z, upper, True, **shape)
        log_density, first, _ = self.standard_terms(z, 1, **shape)
        hazard = (-1 if upper else 1) * np.exp(log_density - value)
        return value, hazard, hazard * (first["z"] - hazard)

    # ---- starts -------------------------------------------------------------------------------------------------

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        y, sample_weight = reduced_sample(y, sample_weight) if self.relations.tried else (y, sample_weight)
        candidates, least = [], resolution(y)
        for shape in self._shapes():
            loc = self.layout.fixed.get("loc", self.centre(y, sample_weight, **shape))
            candidates.append({"loc": loc, "scale": max(self.spread(y - loc, sample_weight, **shape), least), **shape})
        return best_candidate(self, candidates, y, sample_weight)

    @takes_parameters
    def refine(self, y: np.ndarray, sample_weight: np.ndarray, loc: float | np.ndarray, **others: np.ndarray) -> dict:
        residual, weight = reduced_sample(y - loc, sample_weight) if self.relations.tried else (y - loc, sample_weight)
        shapes, least = self._shapes(), resolution(y)
        candidates = [{"loc": 0.0, "scale": max(self.spread(residual, weight, **at), least), **at} for at in shapes]
        return {name: value for name, value in best_candidate(self, candidates, residual, weight).items() if name != "loc"}

    def _shapes(self) -> list[dict]:
        """Dicts of values to try of the parameters of f."""
        shapes = self.relations.tried
        values = [(self.layout.fixed[name],) if name in self.layout.fixed else tried for name, tried in shapes.items()]
        return [dict(zip(shapes, chosen, strict=True)) for chosen in product(*values)]

    @takes_parameters
    def centre(self, y: np.ndarray, sample_weight: np.ndarray, **shape: np.ndarray) -> float:
        """Estimate of loc without covariates."""
        mean, variance, _ = self.standard_moments(**shape)
        mean_y = average(y, sample_weight)
        if not np.count_nonzero(mean):
            return mean_y
        return float(mean_y - mean * np.sqrt(average((y - mean_y) ** 2, sample_weight) / variance))

    @takes_parameters
    def spread(self, residual: np.ndarray, sample_weight: np.ndarray, **shape: np.ndarray) -> float:
        """Estimate of scale from y - loc."""
        mean, variance, _ = self.standard_moments(**shape)
        weight = repeated_value(sample_weight)  # equal weights need no array of products
        square = residual @ residual / len(residual) if weight else (residual * sample_weight) @ residual / sample_weight.sum()
        return float(np.sqrt(square / (mean**2 + variance)))

    # ---- the distribution ---------------------------------------------------------------------------------------

    @takes_parameters
    def standard_moments(self, **shape: np.ndarray) -> tuple[float | np.ndarray, ...]:
        """Mean, variance and entropy of Z."""
        raise NotImplementedError

    @takes_parameters
    def expectation(self, loc: np.ndarray, scale: np.ndarray, *at: np.ndarray, **shape: np.ndarray) -> np.ndarray:
        return loc + scale * self.standard_moments(*at, **shape)[0]

    @takes_parameters
    def variance(self, loc: np.ndarray, scale: np.ndarray, *at: np.ndarray, **shape: np.ndarray) -> np.ndarray:
        return scale**2 * self.standard_moments(*at, **shape)[1] + 0 * loc

    @takes_parameters
    def entropy(self, loc: np.ndarray, scale: np.ndarray, *at: np.ndarray, **shape: np.ndarray) -> np.ndarray:
        return np.log(scale) + self.standard_moments(*at, **shape)[2] + 0 * loc

    @takes_parameters
    def tail_probability(
        self, y: np.ndarray, upper: bool, log: bool, loc: np.ndarray, scale: np.ndarray, *at: np.ndarray, **shape: np.ndarray
    ) -> np.ndarray:
        return self.standard_tail((y - loc) / scale, upper, log, *at, **shape)

    @takes_parameters
    def ppf(self, q: np.ndarray, loc: np.ndarray, scale: np.ndarray, *at: np.ndarray, **shape: np.ndarray) -> np.ndarray:
        return loc + scale * self.standard_ppf(q, *at, **shape)

    @takes_parameters
    def standard_tail(self, z: np.ndarray, upper: bool, log: bool, **shape: np.ndarray) -> np.ndarray:
        """`tail_probability` of Z."""
        raise NotImplementedError


class LinkLocationScale(LocationScale):
    """A law of location and scale whose distribution function is the inverse of a link, which is exact in both tails."""

    standard_link: Any  # a link whose inverse is a distribution function

    def standard_tail(self, z: np.ndarray, upper: bool, log: bool) -> np.ndarray:
        if log:
            return self.standard_tail_terms(z, upper)[0]
        return self.standard_link.mirror().inverse(-z) if upper else self.standard_link.inverse(z)

    def standard_tail_terms(self, z: np.ndarray, upper: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.standard_link.log_complement(z) if upper else self.standard_link.log_inverse(z)

    def standard_ppf(self, q: np.ndarray) -> np.ndarray:
        return self.standard_link.link(q)


def _second(z: np.ndarray, scale: np.ndarray, d1: np.ndarray, d2: np.ndarray) -> dict:
    """Second derivatives in loc and scale of a function of z from its two derivatives."""
    square = 1 / scale**2
    return {
        ("loc", "loc"): d2 * square,
        ("loc", "scale"): (d1 + z * d2) * square,
        ("scale", "scale"): (2 * z * d1 + z**2 * d2) * square,
    }
