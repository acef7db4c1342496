"""Base class of laws of durations given by their hazard, the rate at which a duration ends that has lasted so far."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..._special.logarithms import log1mexp
from ...domains import NONNEGATIVE
from .._fallbacks.algebra import Eval, minus, minus_hessian, plus
from .._protocol.base import Likelihood


class Hazard(Likelihood):
    """A law with log-density log hazard + log survival, where minus the latter is the cumulative hazard.

    A subclass writes `hazard_terms(y, order, ...)` and `survival_terms(y, order, ...)`, each of which gives a logarithm with
    its derivatives as `terms` does, and `inverse_cumulative_hazard(cumulative, ...)`, the y at which the cumulative hazard is
    that number.
    """

    support = NONNEGATIVE

    def terms(self, y: np.ndarray, order: int, /, *at: np.ndarray, **params: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        return plus(Eval(*self.hazard_terms(y, order, *at, **params)), Eval(*self.survival_terms(y, order, *at, **params)))

    def interval(
        self, low: np.ndarray, high: np.ndarray, order: int, *at: np.ndarray, **params: np.ndarray
    ) -> tuple[np.ndarray, dict, dict]:
        ends = (self.survival_terms(np.maximum(end, 0.0), order, *at, **params) for end in (low, high))
        near, far = (minus_hessian(Eval(*terms)) for terms in ends)
        return minus_hessian(minus(near, far._replace(loglik=np.where(np.isposinf(high), -np.inf, far.loglik))))

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, /, *at: np.ndarray, **params: np.ndarray) -> np.ndarray:
        survival, *_ = self.survival_terms(np.maximum(y, 0.0), 0, *at, **params)
        return tail_from_survival(survival, y, upper, log, lambda y: self.loglik(y, *at, **params))

    def ppf(self, q: np.ndarray, /, *at: np.ndarray, **params: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return self.inverse_cumulative_hazard(-np.log1p(-np.asarray(q)), *at, **params)

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], /, *at: np.ndarray, **params: np.ndarray
    ) -> np.ndarray:
        return self.inverse_cumulative_hazard(rng.standard_exponential(size), *at, **params)


def tail_from_survival(survival: np.ndarray, y: np.ndarray, upper: bool, log: bool, loglik: Callable) -> np.ndarray:
    """`tail_probability` of a law of y >= 0 from its `logsf`; where that vanishes, from the density, constant there."""
    if upper or not log:
        return survival if log else np.exp(survival) if upper else -np.expm1(survival)
    value, y = log1mexp(-survival), np.asarray(y, dtype=float)
    tiny = (-survival < 1e-290) & (y > 0)
    if not tiny.any():
        return value
    with np.errstate(all="ignore"):
        return np.where(tiny, loglik(np.where(tiny, y, 0.0)) + np.log(y), value)
