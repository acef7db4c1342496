"""Read-only arrays that repeat a row or a number by strides of zero, and what follows from their being so.

No other module asks for strides, which say nothing of arrays that repeat a value in full.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def repeated(row: np.ndarray, n: int) -> np.ndarray:
    """n times the same row, of shape (n, *row.shape): `numpy.broadcast_to` at a tenth of its cost."""
    row = row if row.flags.c_contiguous else row.copy()
    rows = np.ndarray((n, *row.shape), row.dtype, row, 0, (0, *row.strides))
    rows.flags.writeable = False
    return rows


def filled(value: float, shape: tuple[int, ...]) -> np.ndarray:
    """An array of one value, as `numpy.full` gives it, without its memory."""
    return np.ndarray(shape, np.float64, np.float64(value), 0, (0,) * len(shape))  # read-only, as a number is


def repeats(values: np.ndarray) -> bool:
    """Whether an array repeats its entries along an axis."""
    return 0 in values.strides and values.size > 1


def compressed(values: np.ndarray) -> np.ndarray:
    """An array cut to length 1 along the axes along which it repeats; the array itself where it repeats along none."""
    if not repeats(values):
        return values
    return values[:1] if values.ndim == 1 else values[tuple(slice(None if stride else 1) for stride in values.strides)]


def repeated_value(values: np.ndarray) -> float | None:
    """The number that an array repeats, or None where its strides are not all zero."""
    return None if any(values.strides) or not values.size else values.item(0)


def are_ones(values: np.ndarray) -> bool:
    """Whether values (n,) are ones stored as one number, as `Data` stores weights, so that no product with them is needed."""
    return 0 in values.strides and values.size > 0 and values.item(0) == 1.0


def without_repeats(*arrays: np.ndarray) -> list[np.ndarray]:
    """Arrays of one shape, cut to length 1 along the axes along which all of them repeat."""
    index = tuple(slice(None if any(strides) else 1) for strides in zip(*(array.strides for array in arrays), strict=True))
    return [array[index] for array in arrays]


def spread(array: np.ndarray, shape: tuple[int, ...]) -> Any:
    """An array repeated to a shape to which it broadcasts; a number where the shape is ()."""
    if array.shape == shape:
        return array[()]
    if array.size == 1:
        return filled(array.item(0), shape)
    if len(array) == 1 and array.shape[1:] == shape[1:]:
        return repeated(array[0], shape[0])
    return np.broadcast_to(array, shape)


def take_rows(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Rows of an array at whole numbers; an array that repeats one row still does."""
    return values[index] if values.strides[0] else values[: len(index)]
