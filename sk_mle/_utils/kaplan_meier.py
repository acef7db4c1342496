"""The Kaplan-Meier estimate of a survival function from right-censored times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class KaplanMeier(NamedTuple):
    """A step function from one: its value from each of `times` on, with Greenwood's variance of its logarithm.

    References
    ----------
    Kaplan and Meier (1958), doi:10.1080/01621459.1958.10501452.
    """

    times: np.ndarray
    survival: np.ndarray
    log_variance: np.ndarray

    def at(self, t: np.ndarray, before: bool = False) -> np.ndarray:
        """P(T > t), or P(T >= t) where `before` is true."""
        place = np.searchsorted(self.times, t, side="left" if before else "right")
        return np.append(1.0, self.survival)[place]

    def jumps(self) -> np.ndarray:
        """The times at which it falls."""
        return self.times[np.diff(self.survival, prepend=1.0) != 0]


def kaplan_meier(time: np.ndarray, event: np.ndarray, weight: np.ndarray | None = None, censoring: bool = False) -> KaplanMeier:
    """The estimate of the time to the event or, with `censoring`, of the time to being censored.

    At equal times events come before censorings.

    Parameters
    ----------
    time : ndarray of shape (n,)
    event : ndarray of bool of shape (n,)
        False where the row was censored at its time.
    weight : ndarray of shape (n,), optional
    censoring : bool

    Returns
    -------
    KaplanMeier
    """
    weight = np.ones(len(time)) if weight is None else weight
    distinct, place = np.unique(time, return_inverse=True)
    at_time = np.bincount(place, weights=weight, minlength=len(distinct))
    events = np.bincount(place, weights=weight * event, minlength=len(distinct))
    at_risk = np.cumsum(at_time[::-1])[::-1]
    ended = events
    if censoring:
        at_risk, ended = at_risk - events, at_time - events
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(ended > 0, ended / at_risk, 0.0)
        variance = np.where(ended > 0, share / (at_risk - ended), 0.0)
    return KaplanMeier(distinct, np.cumprod(1 - share), np.cumsum(variance))
