"""Columns of the tables of inference."""

from __future__ import annotations

import numpy as np
from scipy import special

from .._utils.floats import probability


def interval(level: float, low: np.ndarray, high: np.ndarray) -> dict[str, np.ndarray]:
    """The ends of intervals in columns named by their percentages, such as "2.5%" and "97.5%"."""
    tail = (1 - level) / 2
    return {f"{100 * tail:g}%": low, f"{100 - 100 * tail:g}%": high}


def statistic_columns(df: float, z: np.ndarray) -> dict[str, np.ndarray]:
    """Test statistics, in a column named "t" or "z" by their distribution, and two-sided p-values."""
    return {"t" if np.isfinite(df) else "z": z, "p": two_sided(df, z)}


def two_sided(df: float, z: np.ndarray) -> np.ndarray:
    """Two-sided p-values of statistics with a t distribution, or a normal one where `df` is infinite."""
    z = np.abs(z)
    return 2 * (special.ndtr(-z) if np.isinf(df) else special.stdtr(df, -z))


def critical_value(df: float, level: float) -> float:
    """The number of standard errors to each side of an estimate in a confidence interval of a level."""
    tail = (1 + probability(level, "level")) / 2
    return special.ndtri(tail) if np.isinf(df) else special.stdtrit(df, tail)
