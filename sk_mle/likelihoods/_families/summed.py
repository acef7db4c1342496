"""Base class of count laws without closed distribution functions, which are sums of masses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._special.lattice import log_sum
from ..._special.logarithms import log1mexp
from ...domains import COUNT, Domain
from .._fallbacks import quadrature
from .._fallbacks.interval import LOG_OF_NEARLY_ALL
from .._fallbacks.inversion import gamma_quantile
from .._protocol.base import Likelihood

MAX_STEPS_TO_NEIGHBOURS = 8  # of a search for a quantile; later steps halve the bracket
MAX_GROWTH = 1e4  # of a count in one step of a search for a quantile
MAX_COUNT = 1e300  # count at which the search for a quantile ends
MASSES_PER_BLOCK = 32  # masses added up at a time
MAX_LEVEL_FROM_ZERO = 1 - 1e-6  # probability up to which a sum of masses from zero has enough digits of the upper tail
MAX_SUMMED_MEAN = 300  # mean up to which quantiles are found by adding up masses from zero


class SummedCount(Likelihood):
    """A count law of which only the mass function is known; it must be smooth between whole numbers and have one mode."""

    if TYPE_CHECKING:  # a subclass may give it as a value or as a property

        @property
        def support(self) -> Domain: ...
    else:
        support = COUNT

    def log_mass_function(self, params: dict) -> Callable:
        """The function f(k, rows) that gives log masses at k (m, points) for the m rows of `params`."""
        return lambda k, rows: self.loglik(k, **{name: value[rows][:, None] for name, value in params.items()})

    def tail_probability(self, y: np.ndarray, upper: Any, log: bool, /, **params: np.ndarray) -> np.ndarray:
        """Summed on the side of the mean where y lies, or on the other one where that is small."""
        y, params, shape = _flattened(y, params)
        with np.errstate(all="ignore"):
            k = np.floor(np.clip(y, -1.0, 1e300))
            above = k + 1 > self.expectation(**params)
            side = self._log_tail(k, params, above)
            value = np.where(above == upper, side, log1mexp(-side))
            small = np.flatnonzero((above != upper) & (side > LOG_OF_NEARLY_ALL))  # whose digits 1 - p would lose
            if len(small):
                value[small] = self._log_tail(k[small], _take(params, small), np.broadcast_to(upper, k.shape)[small])
            value = np.where(np.isnan(y), np.nan, value).reshape(shape)
        return value if log else np.exp(value)

    def _log_tail(self, k: np.ndarray, params: dict, above: np.ndarray) -> np.ndarray:
        """log P(Y > k) where `above`, else log P(Y <= k), summed."""
        side = np.empty(len(k))
        for rows in (np.flatnonzero(above), np.flatnonzero(~above)):
            f, start, count = self.log_mass_function(_take(params, rows)), k[rows], (k[rows] + 1) / 2
            if len(rows) and above[rows[0]]:
                side[rows] = log_sum(f, start + 1, 1.0, np.full(len(rows), np.inf), False)
            elif len(rows):  # half from y down, half from zero up: fine panels at both ends, where masses may vary quickly
                parts = log_sum(f, start, -1.0, np.floor(count), False), log_sum(f, 0 * start, 1.0, np.ceil(count), True)
                side[rows] = np.logaddexp(*parts)
        return np.minimum(side, 0.0)

    def ppf(self, q: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        q, params, shape = _flattened(q, params)
        with np.errstate(all="ignore"):
            inside, result = (q > 0) & (q < 1), np.where(q == 0, -1.0, np.where(q == 1, np.inf, np.nan))
            near = inside & (self.expectation(**params) < MAX_SUMMED_MEAN) & (q < MAX_LEVEL_FROM_ZERO)
            for mask, find in ((near, self._quantile_from_zero), (inside, self._newton_quantile)):
                if len(rows := np.flatnonzero(mask & np.isnan(result))):
                    result[rows] = find(q[rows], _take(params, rows))
        return result.reshape(shape)

    def _quantile_from_zero(self, q: np.ndarray, params: dict) -> np.ndarray:
        """Quantiles by adding up masses from zero; NaN where they are too large for that."""
        result, below, rows = np.full(len(q), np.nan), np.zeros(len(q)), np.arange(len(q))
        f = self.log_mass_function(params)
        for first in range(0, 20 * MAX_SUMMED_MEAN, MASSES_PER_BLOCK):
            k = np.arange(float(first), first + MASSES_PER_BLOCK)
            cumulative = below[rows][:, None] + np.cumsum(np.exp(f(k, rows)), axis=1)
            enough = cumulative >= q[rows][:, None]
            reached, below[rows] = enough.any(axis=1), cumulative[:, -1]
            result[rows[reached]] = k[enough.argmax(axis=1)[reached]]
            if not len(rows := rows[~reached]):
                break
        return result

    def _newton_quantile(self, q: np.ndarray, params: dict) -> np.ndarray:
        """Quantiles by Newton steps in the log of the smaller tail, inside a bracket."""
        mean, variance, upper = self.expectation(**params), self.variance(**params), q > 0.5
        k = np.floor(gamma_quantile(q, mean, variance))
        k = np.where(np.isfinite(k), k, np.floor(mean))
        low, high, rows, count = np.full(len(q), -1.0), np.full(len(q), np.inf), np.arange(len(q)), 0
        while len(rows):
            at, part = k[rows], _take(params, rows)
            tail, mass = self.tail_probability(at, upper[rows], True, **part), self.loglik(at, **part)
            gap = np.where(upper[rows], tail - np.log1p(-q[rows]), np.log(q[rows]) - tail)
            low[rows], high[rows] = np.where(gap > 0, at, low[rows]), np.where(gap > 0, high[rows], at)
            new = np.ceil(at + gap / np.log1p(np.exp(mass - tail)))  # by the change of the log from one count to the next
            new = np.minimum(new, MAX_GROWTH * (at + 1))  # where masses are tiny, steps are too long
            if count < MAX_STEPS_TO_NEIGHBOURS:  # a step that ends at an end of the bracket asks its neighbour
                new = np.clip(new, low[rows] + 1, high[rows] - 1)
            halfway = np.where(np.isinf(high[rows]), 2 * at + 1, np.floor((low[rows] + high[rows]) / 2))
            k[rows] = np.where((new > low[rows]) & (new < high[rows]), new, halfway)
            count += 1
            rows = rows[(high[rows] - low[rows] > np.fmax(np.spacing(high[rows]), 1.0)) & (k[rows] < MAX_COUNT)]
        return high


def _flattened(y: np.ndarray, params: dict) -> tuple[np.ndarray, dict, Any]:
    return quadrature.flattened(y, {name: value for name, value in params.items() if value is not None})


def _take(params: dict, rows: np.ndarray) -> dict:
    return {name: value[rows] for name, value in params.items()}
