"""The starting value of the mean that laws of counts share."""

from __future__ import annotations

import numpy as np


def count_mean(y: np.ndarray, sample_weight: np.ndarray) -> float:
    """Mean of counts, positive even if all are zero."""
    return max(float(np.average(y, weights=sample_weight)), 1e-8)
