"""Columns that the tables of inference share."""

from __future__ import annotations

import numpy as np


def interval(level, low, high) -> dict[str, np.ndarray]:
    """The ends of intervals under their percentages: "2.5%" and "97.5%"."""
    tail = (1 - level) / 2
    return {f"{100 * tail:g}%": low, f"{100 - 100 * tail:g}%": high}


def tested(df, z, p) -> dict[str, np.ndarray]:
    """Estimates in standard errors, named by their distribution, and p-values."""
    return {"t" if np.isfinite(df) else "z": z, "p": p}
