"""Pointwise and simultaneous bands of order statistics and frequencies under the right model."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import betainc, betaincinv
from scipy.stats import binom

from .._utils.floats import probability

SIMULATED_SAMPLES = 2000


def check_band(band: str, level: float) -> None:
    """Raise ValueError for an unknown band or level."""
    if band not in ("simultaneous", "pointwise"):
        raise ValueError(f"band={band!r} is unknown; use 'simultaneous' or 'pointwise'")
    probability(level, "level")


def local_level(total: int, level: float, band: str) -> float:
    """Probability with which each ordered uniform may leave its interval so that the band has probability `level`."""
    check_band(band, level)
    return 1 - level if band == "pointwise" else _equal_levels(max(int(total), 1), level)


@lru_cache(maxsize=64)
def _equal_levels(total: int, level: float) -> float:
    """The local level of a simultaneous band, by simulation with a fixed seed at ranks that are dense at both ends.

    Aldor-Noiman, S., Brown, L. D., Buja, A., Rolke, W., Stine, R. A. (2013). The power to see: a new graphical test of
    normality. The American Statistician 67, 249-260. doi:10.1080/00031305.2013.847865
    """
    half = np.unique(np.rint(np.geomspace(1, (total + 1) // 2, 50)).astype(int))
    rank = np.unique(np.concatenate([half, total + 1 - half]))
    steps = np.diff(np.concatenate([[0], rank, [total + 1]]))
    sums = np.cumsum(np.random.default_rng(0).standard_gamma(steps, size=(SIMULATED_SAMPLES, len(steps))), axis=1)
    share = betainc(rank, total + 1 - rank, sums[:, :-1] / sums[:, -1:])
    return float(np.quantile(2 * np.minimum(share, 1 - share).min(axis=1), 1 - level))


def order_band(rank: np.ndarray, total: Any, level: float, band: str) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the intervals of uniform order statistics, at ranks between 1 and `total`, whole or not."""
    outside = local_level(round(total), level, band)
    return tuple(betaincinv(rank, total + 1 - rank, q) for q in (outside / 2, 1 - outside / 2))


def frequency_band(probability: np.ndarray, total: Any, outside: Any) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the intervals of relative frequencies, each left with a probability of at most `outside`."""
    total = max(round(total), 1)
    return tuple(binom.ppf(q, total, probability) / total for q in (outside / 2, 1 - outside / 2))
