"""Where the log-likelihood of a sample ends as one linear predictor runs off: what tells that data are separated.

Limits are taken by steps that grow, not by a look at infinity, where the ratio of two vanishing probabilities is 0/0. A sample
at one end of a probability is level on both sides: it belongs to the end on whose other side it falls first. What a formula
says beyond a limit is rounding, and does not count.
"""

from __future__ import annotations

import numpy as np

# Of the predictor.
STEPS_OF_PREDICTOR = (1, 2, 4, 8, 12, 16, 20, 24, 32, 48, 64, 128, 256, 512, 1e3, 1e4, 1e6, 1e9, 1e15, 1e30, 1e100)
LOGLIK_TOL = 1e-6  # change of a sample's log-likelihood, relative from 1000 on, up to which it counts as none
MIN_FALL = 3.0  # by which it falls behind a limit: more than rounding lets the ratio of vanishing probabilities
MIN_FALL_RATIO = 3.0  # ratio of the falls at one step on both sides from which the lesser is rounding
LOGLIK_ROUNDING = 1e-13  # of a sample's log-likelihood, relative from 1 on


def along_axes(law, y, eta, name) -> tuple[np.ndarray, np.ndarray]:
    """`Likelihood.recession` of any law: every entry of the linear predictor by itself, the others as they are."""
    with np.errstate(all="ignore"):
        here = law.evaluate(y, eta, 0).loglik
        width = eta[name].reshape(len(here), -1).shape[1]
        cone, gain = np.zeros((len(here), width, width)), np.empty((len(here), width))
        for k in range(width):
            cone[:, k, k], gain[:, k] = _end(law, y, eta, name, k, here)
    return cone, gain


class _Side:
    """What is known of every sample as its linear predictor runs off to one side."""

    def __init__(self, sign, here, scaled):
        n, self.scaled = len(here), scaled
        self.sign, self.value, self.end = sign, here.copy(), here.copy()  # at the last step, and at the limit if there is one
        self.free, self.limit = np.isfinite(here), np.zeros(n, bool)
        self.flat, self.fell, self.depth = np.zeros(n, int), np.full(n, len(STEPS_OF_PREDICTOR)), np.zeros(n)
        self.active = self.free.copy()

    def take(self, rows, k, now, here, level):
        """Take in the log-likelihood of some samples at step k."""
        finite, limit, drop = np.isfinite(now), self.limit[rows], here[rows] - now
        falls = np.where(finite, drop > np.where(limit, MIN_FALL, level[rows]), ~limit | self.scaled)
        self.fell[rows[falls]], self.depth[rows[falls]] = k, np.where(finite, drop, np.inf)[falls]
        self.free[rows[falls & ~limit]] = False
        same = finite & (np.abs(now - self.value[rows]) <= level[rows])
        self.flat[rows] = np.where(same, self.flat[rows] + 1, 0)
        kept = finite & ~falls
        self.value[rows[kept]] = now[kept]
        before = rows[kept & ~limit]
        self.end[before] = self.value[before]
        self.limit[rows] |= self.flat[rows] >= 2
        self.active[rows[falls | ~finite]] = False


def _end(law, y, eta, name, entry, here):
    """Towards which end each sample's log-likelihood never falls (-1, 1, or 0: it depends on none), and what it gains."""
    level = LOGLIK_TOL * np.maximum(1.0, 1e-3 * np.abs(here))
    scaled = not law.parameter(name).location  # else a step has the unit of y, and to be level for some tells nothing
    low, high = _Side(-1.0, here, scaled), _Side(1.0, here, scaled)
    for k, step in enumerate(STEPS_OF_PREDICTOR):
        for side, other in ((low, high), (high, low)):
            told = side.limit & ~other.free if scaled else False
            rows = np.flatnonzero(side.active & ~told)
            if len(rows):
                at = {key: value[rows] for key, value in eta.items()}
                at[name] = at[name].copy()
                at[name][(..., entry) if at[name].ndim > 1 else ...] += side.sign * step
                side.take(rows, k, law.evaluate(y[rows], at, 0).loglik, here, level)
    if scaled:
        one_step, less = (
            low.fell == high.fell,
            np.minimum(low.depth, high.depth) * MIN_FALL_RATIO < np.maximum(low.depth, high.depth),
        )
        later = np.where(one_step, np.where(less, low.depth - high.depth, 0.0), high.fell - low.fell)
        never = one_step & (low.fell == len(STEPS_OF_PREDICTOR))
    else:
        low.free, high.free = (side.free & (side.fell == len(STEPS_OF_PREDICTOR)) for side in (low, high))
        never, later = low.free & high.free, 0.0
    both = low.free & high.free
    ahead = _apart(high.end - low.end, here)
    ahead = np.where(ahead == 0, _apart(high.value - low.value, here), ahead)
    stays = [side.value - here <= level for side in (low, high)]  # where it could still rise on the other side only
    ahead = np.where(stays[0] == stays[1], ahead, np.where(stays[0], -1.0, 1.0))
    sign = np.where(both, np.sign(np.where(never, ahead, later)), high.free * 1.0 - low.free)
    gain = np.where(sign > 0, high.end, np.where(sign < 0, low.end, here)) - here
    stuck = ~(low.free | high.free) | (both & ~never & (sign == 0))
    return np.where(stuck, 1.0, sign), np.where(stuck, np.inf, gain)


def _apart(difference, here):
    """The difference of two log-likelihoods, zero where it is rounding."""
    return np.where(np.abs(difference) <= LOGLIK_ROUNDING * np.maximum(1.0, np.abs(here)), 0.0, difference)
