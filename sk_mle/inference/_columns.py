"""Columns of the tables of inference."""

from __future__ import annotations

import numpy as np


def interval(level: float, low: np.ndarray, high: np.ndarray) -> dict[str, np.ndarray]:
    """The ends of intervals in columns named by their percentages, such as "2.5%" and "97.5%"."""
    tail = (1 - level) / 2
    return {f"{100 * tail:g}%": low, f"{100 - 100 * tail:g}%": high}


def statistic_columns(df: float, z: np.ndarray, p: np.ndarray) -> dict[str, np.ndarray]:
    """Test statistics, in a column named "t" or "z" by their distribution, and p-values."""
    return {"t" if np.isfinite(df) else "z": z, "p": p}
