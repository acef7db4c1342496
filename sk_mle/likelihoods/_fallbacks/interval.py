"""The probability of an interval: exact where it is narrow, where it lies far in a tail, and where it holds nearly all."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

NODES_PER_INTERVAL = 12
LOG_OF_NEARLY_ALL = np.log(0.9)  # log of a probability from which on what is left is found as a sum, not a difference
GAUSS_NODES, GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(NODES_PER_INTERVAL)


def log_interval(law, low, high, /, **params) -> np.ndarray:
    """log P(low < Y <= high) of a law on the line whose parameters are scalars."""
    low, high, *values = np.broadcast_arrays(*(np.asarray(v, float) for v in (low, high, *params.values())))
    shape, result = low.shape, np.full(low.size, -np.inf)
    low, high = low.ravel(), high.ravel()
    params = {name: value.ravel() for name, value in zip(params, values, strict=True)}
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


def reaches(law, low, high):
    """Whether nothing of the law lies at or below `low`, and nothing above `high`."""
    start = law.support.low
    return low < start if law.support.integer or start in law.atoms else low <= start, high >= law.support.high


def nodes(law, low, high):
    """For intervals in which the density hardly changes: points inside and the log of their weights.

    There the difference of two distribution functions would lose the digits that they share.
    """
    if law.support.integer:
        y = np.floor(low)[:, None] + 1 + np.arange(NODES_PER_INTERVAL)
        return y, np.where(y <= high[:, None], 0.0, -np.inf)
    half = (high - low)[:, None] / 2
    return low[:, None] + half * (1 + GAUSS_NODES), np.log(half * GAUSS_WEIGHTS)


def gentle(ends, middle, smooth=True):
    """Whether a log-density with these values at the ends and in the middle of an interval is a task for Gauss nodes.

    They must not have a kink between them, which shows as curvature.
    """
    a, b = ends
    return np.isfinite(a) & np.isfinite(b) & (np.abs(a - b) < 2) & (np.abs(a + b - 2 * middle) < (0.5 if smooth else 1e-12))


def narrow(law, low, high, loglik):
    """Rows whose interval is summed over nodes; `loglik(y)` is the log-density of every row at y."""
    with np.errstate(all="ignore"):
        if law.support.integer:
            return (high - np.floor(low) <= NODES_PER_INTERVAL) & (low < high)
        room = np.minimum(low - law.support.low, law.support.high - high)  # at the support's ends densities are not smooth
        inside = np.isfinite(low) & np.isfinite(high) & (low < high) & (high - low <= room)
        if law.atoms or loglik is None or not inside.any():
            return np.zeros_like(inside)
        low, high = (np.where(inside, end, law.support.typical[0]) for end in (low, high))
        return inside & gentle((loglik(low), loglik(high)), loglik((low + high) / 2), law.smooth)


def _between(law, low, high, params):
    """Both ends inside the support: from the tail that is smaller, or from the density itself."""
    result = np.empty(len(low))
    thin = narrow(law, low, high, lambda y: law.loglik(y, **params))
    if thin.any():
        y, weight = nodes(law, low[thin], high[thin])
        column = {name: value[thin][:, None] for name, value in params.items()}
        result[thin] = logsumexp(law.loglik(y, **column) + weight, axis=1)
    wide = ~thin
    if wide.any():
        low, high, params = low[wide], high[wide], {name: value[wide] for name, value in params.items()}
        above, below = law.logsf(high, **params), law.logcdf(low, **params)
        left, right = law.logcdf(high, **params), law.logsf(low, **params)
        result[wide] = np.where(right < left, right + np.log1p(-np.exp(above - right)), left + np.log1p(-np.exp(below - left)))
        middle = (above < np.log(0.5)) & (below < np.log(0.5))
        result[wide] = np.where(middle, np.log1p(-np.exp(above) - np.exp(below)), result[wide])
        result[wide] = np.where(np.minimum(left, right) == -np.inf, -np.inf, result[wide])
    return result
