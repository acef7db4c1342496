"""Moments that a density does not have whose tails fall like a power of y."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .law import Law

# Distances at which slopes of a log-density in log |y| are taken. Formulas of gamma functions of counts have no digits left at
# the far ones, but there sums say where they do not converge.
DISTANCES, ERROR = (1e20, 1e40, 1e80, 1e150), 1e-9
DISTANCES_OF_COUNTS = (1e4, 1e6, 1e8)
MAX_CHANGE = 0.01  # relative, from one distance to the next, of the exponent of a tail that is nearly a power
# Probability of a tail that is a power below which hardly a sample reaches it, as of BoxCoxColeGreen where nu is just below 0:
# the integral without it is then what means of samples show.
MIN_PROBABILITY = 1e-6
# Of exponents from one distance to the next, where a tail is heavier than any power, and they fall like 1 / log y.
MIN_RATIO, MAX_RATIO = 0.3, 0.8
MAX_EXPONENT = 1e3  # of a power, above which a slope is that of an exponential tail, or rounding


def with_infinities(law: Law, params: dict, moment: np.ndarray, order: int, size: np.ndarray) -> np.ndarray:
    """Integrated means (n,) or variances, of which those are infinite or NaN that have no limit.

    Means are infinite where one tail alone has none, and NaN where both; variances are NaN where means are, else infinite. A
    tail that is heavier than any power may look negligible where an integral ends, so that all values of a density are
    checked; of counts those that are NaN. `size` (n,) is the size of most values: a tail that is a power is left out if
    it has a probability below 1e-6, continued to there.
    """
    rows = np.flatnonzero(np.isnan(moment)) if law.support.integer else np.arange(len(moment))
    if not len(rows):
        return moment
    chosen = {name: value[rows] for name, value in params.items()}
    size = size[rows]
    of_mean = [_diverges(law, chosen, 1, sign, size) for sign in (1.0, -1.0)]
    undefined = of_mean[0] & of_mean[1]
    if order == 1:
        value = np.where(of_mean[0], np.inf, np.where(of_mean[1], -np.inf, moment[rows]))
    else:
        value = np.where(_diverges(law, chosen, 2, 1.0, size) | _diverges(law, chosen, 2, -1.0, size), np.inf, moment[rows])
    moment[rows] = np.where(undefined, np.nan, value)
    return moment


def _diverges(law: Law, params: dict, order: int, sign: float, size: np.ndarray) -> np.ndarray:
    """Whether the integral of |y|**order over one tail has no limit; False where that is not found."""
    n = len(next(iter(params.values())))
    if np.isfinite(law.support.high if sign > 0 else law.support.low):
        return np.zeros(n, bool)
    (first, inner, outer), log_density = _exponents(law, params, sign, DISTANCES)
    with np.errstate(all="ignore"):
        log_probability = log_density + np.log(DISTANCES[-1] / outer) + outer * np.log(DISTANCES[-1] / size)
        likely = log_probability > np.log(MIN_PROBABILITY)
    is_power = (outer > 0) & (np.abs(inner) < MAX_EXPONENT) & (outer < MAX_EXPONENT)
    same = np.abs(outer - inner) <= ERROR * (1 + np.abs(outer))
    no_lighter = (outer <= (1 + MAX_CHANGE) * inner) & (outer < (1 - MAX_CHANGE) * order)
    heavier = (outer > MIN_RATIO * inner) & (outer < MAX_RATIO * inner) & (inner > MIN_RATIO * first)
    diverges = is_power & np.where(same, outer <= order + ERROR, no_lighter) & (likely | heavier)
    if not law.support.integer:
        return diverges
    (inner, near), _ = _exponents(law, params, sign, DISTANCES_OF_COUNTS)
    no_lighter = (near > 0) & (near <= (1 + MAX_CHANGE) * inner) & (near < (1 - MAX_CHANGE) * order)
    return np.where(is_power & same & (np.abs(near / outer - 1) <= MAX_CHANGE), diverges, no_lighter)


def _exponents(law: Law, params: dict, sign: float, distances: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """The exponents a (m - 1, n) of a tail |y|**-(1 + a) between m distances, and the log-density at the last (n,)."""
    n = len(next(iter(params.values())))
    with np.errstate(all="ignore"):
        logs = np.array([law.loglik(np.full(n, sign * distance), **params) for distance in distances])
        return -1 - np.diff(logs, axis=0) / np.diff(np.log(distances))[:, None], logs[-1]
