"""What laws of durations share that are given by their hazard, the rate at which what has lasted so far ends."""

from __future__ import annotations

import numpy as np

from ..._special.logarithms import log1mexp
from ...domains import NONNEGATIVE
from .._fallbacks.algebra import Eval, minus, plus
from .._protocol.base import Likelihood


class Hazard(Likelihood):
    """A law with log-density log hazard + log survival, where minus the latter is the cumulative hazard.

    A subclass writes `log_hazard(y, ...)` and `log_survival(y, ...)`, each with derivatives in the parameters on their
    natural scale, and `reached(cumulative, ...)`, the y at which the cumulative hazard is that number.
    """

    support = NONNEGATIVE

    def _log_density(self, y, *at, **params) -> Eval:
        return plus(self.log_hazard(y, *at, **params), self.log_survival(y, *at, **params))

    def loglik(self, y, *at, **params):
        return self._log_density(y, *at, **params).loglik

    def gradient(self, y, *at, **params):
        return self._log_density(y, *at, **params).gradient

    def hessian(self, y, *at, **params):
        return {pair: -value for pair, value in self._log_density(y, *at, **params).information.items()}

    def interval(self, low, high, order, *at, **params):
        near, far = (self.log_survival(np.maximum(end, 0.0), *at, **params) for end in (low, high))
        whole = minus(near, far._replace(loglik=np.where(np.isposinf(high), -np.inf, far.loglik)))
        return whole.loglik, whole.gradient, {pair: -value for pair, value in whole.information.items()}

    def cdf(self, y, *at, **params):
        return -np.expm1(self.logsf(y, *at, **params))

    def sf(self, y, *at, **params):
        return np.exp(self.logsf(y, *at, **params))

    def logcdf(self, y, *at, **params):
        return logcdf_from_survival(self, y, *at, **params)

    def logsf(self, y, *at, **params):
        return self.log_survival(np.maximum(y, 0.0), *at, **params).loglik

    def ppf(self, q, *at, **params):
        with np.errstate(divide="ignore"):
            return self.reached(-np.log1p(-np.asarray(q)), *at, **params)

    def rvs(self, rng, size, *at, **params):
        return self.reached(rng.standard_exponential(size), *at, **params)


def logcdf_from_survival(law, y, *at, **params):
    """`logcdf` of a law of y >= 0 from its `logsf`, and where that vanishes from the density, which is constant there."""
    hazard, y = -law.logsf(y, *at, **params), np.asarray(y, dtype=float)
    value, tiny = log1mexp(hazard), (hazard < 1e-290) & (y > 0)
    if not tiny.any():
        return value
    with np.errstate(all="ignore"):
        return np.where(tiny, law.loglik(np.where(tiny, y, 0.0), *at, **params) + np.log(y), value)
