"""Where the log-likelihood of a sample ends as one linear predictor runs off: what tells that data are separated.

Limits are taken by steps that grow, not by a look at infinity, where the ratio of two vanishing probabilities is 0/0. As soon
as the value no longer changes, what the formula says further out does not count.
"""

from __future__ import annotations

import numpy as np

_STEPS = (*2.0 ** np.arange(10), 1e3, 1e4, 1e6, 1e9, 1e15, 1e30, 1e100)  # of the linear predictor
_LEVEL = 1e-6  # change of a sample's log-likelihood, relative from 1000 on, up to which it counts as none
_ROUNDING = 1e-13  # of a sample's log-likelihood, relative from 1 on
_FALL = 1.0  # fall behind what looked like a limit: rounding makes less, a limit of the other side more


def along_axes(law, y, eta, name) -> tuple[np.ndarray, np.ndarray]:
    """`Likelihood.recession` of any law: every entry of the linear predictor by itself, the others as they are."""
    value, here = eta[name], law.evaluate(y, eta, 0).loglik
    flat = value.reshape(len(here), -1)
    width = flat.shape[1]
    cone, gain = np.zeros((len(here), width, width)), np.empty((len(here), width))
    for k in range(width):
        (low, below), (high, above) = (_runs_off(law, y, eta, name, k, here, side) for side in (-1.0, 1.0))
        level = _LEVEL * np.maximum(1.0, 1e-3 * np.abs(here))
        at_low, at_high = low & (below < level), high & (above < level)
        up = np.where(at_low == at_high, np.where(low & high, above > below, high), at_high)
        same = at_low & at_high & (np.abs(above - below) <= _ROUNDING * np.maximum(1.0, np.abs(here)))
        cone[:, k, k] = np.where(same, 0.0, np.where(up, 1.0, -1.0))  # 0: a sample that does not depend on it
        gain[:, k] = np.where(low | high, np.where(up, above, below), np.inf)
    return cone, gain


def _runs_off(law, y, eta, name, entry, here, side):
    """Whether each sample's log-likelihood never falls as its linear predictor runs off to one side, and what it gains.

    Once it has stayed level for two steps that is its limit, unless it falls by more than rounding could.
    """
    free = np.isfinite(here)
    rows, before, level = np.flatnonzero(free), here.copy(), _LEVEL * np.maximum(1.0, 1e-3 * np.abs(here))
    count, limit = np.zeros(len(here), int), np.zeros(len(here), bool)
    for step in _STEPS:
        at = {other: value[rows] for other, value in eta.items()}
        at[name] = at[name].copy()
        at[name][(..., entry) if at[name].ndim > 1 else ...] += side * step
        now = law.evaluate(y[rows], at, 0).loglik
        finite, known = np.isfinite(now), limit[rows]
        falls = finite & (now < here[rows] - np.where(known, _FALL, level[rows]))
        free[rows[falls | ~(finite | known)]] = False
        count[rows] = np.where(finite & (np.abs(now - before[rows]) <= level[rows]), count[rows] + 1, 0)
        limit[rows] |= count[rows] >= 2
        moved = finite & ~known
        before[rows[moved]] = now[moved]
        rows = rows[finite & ~falls]
        if not len(rows):
            break
    return free, np.where(free, before - here, np.inf)
