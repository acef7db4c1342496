"""The starting value of the mean that laws of counts share."""

from __future__ import annotations

import numpy as np

from .._fallbacks.starting_values import average


def count_mean(y: np.ndarray, sample_weight: np.ndarray) -> float:
    """Mean of counts, positive even if all are zero."""
    return max(average(y, sample_weight), 1e-8)
