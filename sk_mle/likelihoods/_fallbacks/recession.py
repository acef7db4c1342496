"""The default recession cone: limits of a sample's log-likelihood as one linear predictor tends to -inf or inf.

Limits are found by growing steps, not by values at infinity, where the ratio of two vanishing probabilities is 0/0. A sample
whose probability is near one looks constant in both directions: its recession direction is opposite to the one in which the
log-likelihood falls at the smaller step. Values beyond a limit are rounding, and are ignored.
"""

from __future__ import annotations

import numpy as np

from .law import Law

# Steps of the linear predictor, from its current value.
STEPS_OF_PREDICTOR = (1, 2, 4, 8, 12, 16, 20, 24, 32, 48, 64, 128, 256, 512, 1e3, 1e4, 1e6, 1e9, 1e15, 1e30, 1e100)
LOGLIK_TOL = 1e-6  # negligible change of a sample's log-likelihood, absolute up to |loglik| = 1000, then relative to that
MIN_FALL = 3.0  # fall of the log-likelihood after a limit that is not rounding in a ratio of vanishing probabilities
MIN_FALL_RATIO = 3.0  # ratio of the falls in both directions at one step from which the smaller is rounding
LOGLIK_ROUNDING = 1e-13  # rounding of a sample's log-likelihood, relative where that exceeds 1


def axis_recession_cone(law: Law, y: np.ndarray, eta: dict, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The default of `recession` in `_protocol/forms.py`: each entry of the linear predictor moves alone."""
    with np.errstate(all="ignore"):
        here = law.evaluate(y, eta, 0).loglik
        width = eta[name].reshape(len(here), -1).shape[1]
        cone, gain = np.zeros((len(here), width, width)), np.empty((len(here), width))
        for k in range(width):
            cone[:, k, k], gain[:, k] = _end(law, y, eta, name, k, here)
    return cone, gain


class _Direction:
    """State of every sample as its linear predictor moves in one direction, `sign`.

    `value` is the log-likelihood at the last step, `end` at the limit if there is one; `free`: it has not fallen before a
    limit; `limit`: it has reached one; `flat`: number of steps without a change; `fall_step`, `fall_size`: step and size of
    the fall; `active`: further steps are needed.
    """

    def __init__(self, sign: float, here: np.ndarray, scaled: bool) -> None:
        n, self.scaled = len(here), scaled
        self.sign, self.value, self.end = sign, here.copy(), here.copy()
        self.free, self.limit = np.isfinite(here), np.zeros(n, bool)
        self.flat, self.fall_step, self.fall_size = np.zeros(n, int), np.full(n, len(STEPS_OF_PREDICTOR)), np.zeros(n)
        self.active = self.free.copy()

    def update(self, rows: np.ndarray, k: int, now: np.ndarray, here: np.ndarray, level: np.ndarray) -> None:
        """Update the samples `rows` by their log-likelihood `now` at step k."""
        finite, limit, drop = np.isfinite(now), self.limit[rows], here[rows] - now
        falls = np.where(finite, drop > np.where(limit, MIN_FALL, level[rows]), ~limit | self.scaled)
        self.fall_step[rows[falls]], self.fall_size[rows[falls]] = k, np.where(finite, drop, np.inf)[falls]
        self.free[rows[falls & ~limit]] = False
        same = finite & (np.abs(now - self.value[rows]) <= level[rows])
        self.flat[rows] = np.where(same, self.flat[rows] + 1, 0)
        kept = finite & ~falls
        self.value[rows[kept]] = now[kept]
        before = rows[kept & ~limit]
        self.end[before] = self.value[before]
        self.limit[rows] |= self.flat[rows] >= 2
        self.active[rows[falls | ~finite]] = False


def _end(law: Law, y: np.ndarray, eta: dict, name: str, entry: int, here: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sign of the direction in which each sample's log-likelihood never falls, and the gain up to its limit.

    Sign 0: the log-likelihood does not depend on the entry. Gain infinite: it falls in both directions.
    """
    level = LOGLIK_TOL * np.maximum(1.0, 1e-3 * np.abs(here))
    scaled = not law.layout[name].location  # else a step is in the unit of y, and a few flat steps prove no limit
    low, high = _Direction(-1.0, here, scaled), _Direction(1.0, here, scaled)
    for k, step in enumerate(STEPS_OF_PREDICTOR):
        for side, other in ((low, high), (high, low)):
            undecided = ~side.limit | other.free if scaled else True
            rows = np.flatnonzero(side.active & undecided)
            if len(rows):
                at = {key: value[rows] for key, value in eta.items()}
                at[name] = at[name].copy()
                at[name][(..., entry) if at[name].ndim > 1 else ...] += side.sign * step
                side.update(rows, k, law.evaluate(y[rows], at, 0).loglik, here, level)
    if scaled:
        same_step, unequal = (
            low.fall_step == high.fall_step,
            np.minimum(low.fall_size, high.fall_size) * MIN_FALL_RATIO < np.maximum(low.fall_size, high.fall_size),
        )
        later = np.where(same_step, np.where(unequal, low.fall_size - high.fall_size, 0.0), high.fall_step - low.fall_step)
        never = same_step & (low.fall_step == len(STEPS_OF_PREDICTOR))
    else:
        low.free, high.free = (side.free & (side.fall_step == len(STEPS_OF_PREDICTOR)) for side in (low, high))
        never, later = low.free & high.free, np.zeros(())
    both = low.free & high.free
    advantage = _without_rounding(high.end - low.end, here)  # of the upper direction
    advantage = np.where(advantage == 0, _without_rounding(high.value - low.value, here), advantage)
    stays = [side.value - here <= level for side in (low, high)]  # the log-likelihood has not risen in this direction
    advantage = np.where(stays[0] == stays[1], advantage, np.where(stays[0], -1.0, 1.0))
    sign = np.where(both, np.sign(np.where(never, advantage, later)), high.free * 1.0 - low.free)
    gain = np.where(sign > 0, high.end, np.where(sign < 0, low.end, here)) - here
    bounded = ~(low.free | high.free) | (both & ~never & (sign == 0))
    return np.where(bounded, 1.0, sign), np.where(bounded, np.inf, gain)


def _without_rounding(difference: np.ndarray, here: np.ndarray) -> np.ndarray:
    """The difference of two log-likelihoods, zero if it is rounding."""
    return np.where(np.abs(difference) <= LOGLIK_ROUNDING * np.maximum(1.0, np.abs(here)), 0.0, difference)
