"""The probability of an interval, exact for narrow intervals, far in a tail, and close to one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp

from .law import Law
from .quadrature import flattened

NODES_PER_INTERVAL = 12
MAX_MASSES_WITH_DERIVATIVES = 64  # of an interval of counts whose masses cost less than differences of distribution functions
LOG_OF_NEARLY_ALL = np.log(0.9)  # log of a probability from which on what is left is found as a sum, not a difference
GAUSS_NODES, GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(NODES_PER_INTERVAL)


def log_interval(law: Law, low: np.ndarray, high: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
    """log P(low < Y <= high), the default of `Likelihood.log_interval`, for laws of one number."""
    low, high = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
    whole = np.broadcast_shapes(low.shape, flattened(0.0, params, law)[2])
    low, params, shape = flattened(np.broadcast_to(low, whole), params, law)
    high, result = np.broadcast_to(high, shape).ravel(), np.full(len(low), -np.inf)
    from_start, to_end = reaches(law, low, high)
    with np.errstate(all="ignore"):
        for rows, value in (
            (from_start & to_end, lambda low, high, /, **given: np.zeros(len(low))),
            (to_end & ~from_start, lambda low, high, /, **given: law.logsf(low, **given)),
            (from_start & ~to_end, lambda low, high, /, **given: law.logcdf(high, **given)),
            (~from_start & ~to_end, lambda low, high, /, **given: _between(law, low, high, given)),
        ):
            rows = rows & (low < high)
            if rows.any():
                result[rows] = value(low[rows], high[rows], **{name: v[rows] for name, v in params.items()})
    result[np.isnan(low) | np.isnan(high)] = np.nan
    return result.reshape(shape)


def reaches(law: Law, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two masks: intervals that include the lower end of the support, and those that include its upper end."""
    first = law.support.low
    return low < first if law.support.integer or first in law.support.atoms else low <= first, high >= law.support.high


def nodes(law: Law, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (n, nodes) inside narrow intervals, and the logs of their weights.

    The difference of two distribution functions would lose the digits that they share.
    """
    if law.support.integer:
        y = np.floor(low)[:, None] + 1 + np.arange(np.max(high - np.floor(low), initial=1.0))
        return y, np.where(y <= high[:, None], 0.0, -np.inf)
    half = (high - low)[:, None] / 2
    return low[:, None] + half * (1 + GAUSS_NODES), np.log(half * GAUSS_WEIGHTS)


def is_nearly_linear(ends: tuple[np.ndarray, np.ndarray], middle: np.ndarray, smooth: bool = True) -> np.ndarray:
    """Whether a log-density with these values at the ends and the middle of an interval is accurate by Gauss quadrature.

    `smooth=False` also excludes intervals with a kink, which shows as curvature.
    """
    a, b = ends
    return np.isfinite(a) & np.isfinite(b) & (np.abs(a - b) < 2) & (np.abs(a + b - 2 * middle) < (0.5 if smooth else 1e-12))


def is_narrow(
    law: Law, low: np.ndarray, high: np.ndarray, loglik: Callable | None, max_masses: int = NODES_PER_INTERVAL
) -> np.ndarray:
    """Mask of the rows whose interval is summed over nodes, of counts at most `max_masses`.

    `loglik(y)` is the log-density of every row at y.
    """
    with np.errstate(all="ignore"):
        if law.support.integer:
            return (high - np.floor(low) <= max_masses) & (low < high)
        margin = np.minimum(low - law.support.low, law.support.high - high)  # at the support's ends densities are not smooth
        inside = np.isfinite(low) & np.isfinite(high) & (low < high) & (high - low <= margin)
        if law.support.atoms or loglik is None or not inside.any():
            return np.zeros_like(inside)
        low, high = (np.where(inside, end, law.support.typical[0]) for end in (low, high))
        return inside & is_nearly_linear((loglik(low), loglik(high)), loglik((low + high) / 2), law.smooth)


def _between(law: Law, low: np.ndarray, high: np.ndarray, params: dict) -> np.ndarray:
    """log P of intervals with both ends inside the support: by the smaller tail, or by a sum over the density."""
    result = np.empty(len(low))
    narrow = is_narrow(law, low, high, lambda y: law.loglik(y, **params))
    if narrow.any():
        y, weight = nodes(law, low[narrow], high[narrow])
        column = {name: value[narrow][:, None] for name, value in params.items()}
        result[narrow] = logsumexp(law.loglik(y, **column) + weight, axis=1)
    wide = ~narrow
    if wide.any():
        low, high, params = low[wide], high[wide], {name: value[wide] for name, value in params.items()}
        above, below = law.logsf(high, **params), law.logcdf(low, **params)
        left, right = law.logcdf(high, **params), law.logsf(low, **params)
        result[wide] = np.where(right < left, right + np.log1p(-np.exp(above - right)), left + np.log1p(-np.exp(below - left)))
        middle = (above < np.log(0.5)) & (below < np.log(0.5))
        result[wide] = np.where(middle, np.log1p(-np.exp(above) - np.exp(below)), result[wide])
        result[wide] = np.where(np.minimum(left, right) == -np.inf, -np.inf, result[wide])
    return result
