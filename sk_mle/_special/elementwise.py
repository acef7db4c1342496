"""Functions of several arrays, element by element, which compute repeated values only once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial, wraps
from typing import Any

import numpy as np

from .._utils.repeated import repeated_value, spread, without_repeats

ELEMENTS_PER_BLOCK = 32768  # elements at a time: temporaries stay in the cache, and operations are long enough for threads
MAX_TABLE_SIZE = 8192  # counts up to which values are taken from a table


def elementwise(function: Callable, scalars: bool = False, sums: Callable | None = None) -> Callable:
    """Broadcast to float64 and work through blocks of flat arrays; overflow to inf is a value, not a warning.

    Nothing is computed twice: axes along which all arguments repeat (`_utils.repeated`) are cut to one entry; results at
    numbers are cached; if one argument holds small whole numbers and the others are numbers, values are taken from a table.
    With `scalars` the function gets numbers in place of arrays of one element. `sums`, if given, fills the table: it adds
    up the steps from one count to the next.
    """

    @lru_cache(maxsize=16)
    def number(*values: Any) -> Any:
        with np.errstate(all="ignore"):
            parts = function(*(map(np.float64, values) if scalars else (np.full(1, value) for value in values)))
        return _map(lambda part: np.asarray(part).reshape(()), parts)

    @lru_cache(maxsize=16)
    def table(size: int, *values: Any) -> Any:
        """The function at values, where None stands for 0, 1, ..., size - 1."""
        with np.errstate(all="ignore"):
            fill = sums if sums and values[-1] is None else function  # sums run over the last argument
            return fill(*(np.arange(float(size)) if value is None else np.full(size, value) for value in values))

    @wraps(function)
    def wrapper(*args: Any) -> Any:
        arrays = [np.asarray(arg, dtype=float) for arg in args]
        shape = np.broadcast(*arrays).shape if len(arrays) > 1 else arrays[0].shape
        values = [repeated_value(array) for array in arrays]
        if None not in values and 0 not in shape:
            return _map(lambda part: spread(part, shape), number(*values))
        arrays = [spread(array, shape) for array in arrays]
        arrays = without_repeats(*arrays) if len(shape) > 1 else arrays
        if values.count(None) == 1:
            counts, size = _small_counts(arrays[values.index(None)])
            if size:
                return _map(lambda part: spread(part.take(counts), shape), table(size, *values))
        flat = [array.ravel() for array in arrays]
        with np.errstate(all="ignore"):
            parts = _by_blocks(function, flat) if flat[0].size > ELEMENTS_PER_BLOCK else function(*flat)
        return _map(lambda part: spread(part.reshape(arrays[0].shape), shape), parts)

    return wrapper


def elementwise_by_order(function: Callable, scalars: bool = False, sums: Callable | None = None) -> Callable:
    """`elementwise` of a function with a last argument `order` (default 2): how many derivatives follow its value."""
    by_order = [elementwise(partial(function, order=order), scalars, sums and partial(sums, order=order)) for order in range(3)]
    return wraps(function)(lambda *args, order=2: by_order[order](*args))


def _small_counts(values: np.ndarray) -> tuple[np.ndarray | None, int]:
    """Whole numbers as integers, with the power of two above them; (None, 0) or size 0 unless they are small and many."""
    if values.size < 200 or values.item(0) % 1 or values.item(-1) % 1:
        return None, 0
    with np.errstate(invalid="ignore"):
        counts = values.astype(np.intp)
    smallest, largest = np.minimum.reduce(counts, axis=None), np.maximum.reduce(counts, axis=None)
    size = 1 << int(largest).bit_length() if smallest >= 0 else 0
    return counts, size if size <= min(values.size / 2, MAX_TABLE_SIZE) and (counts == values).all() else 0


def _by_blocks(function: Callable, flat: list[np.ndarray]) -> Any:
    results = None
    for i in range(0, flat[0].size, ELEMENTS_PER_BLOCK):
        parts = function(*(arg[i : i + ELEMENTS_PER_BLOCK] for arg in flat))
        results = _map(lambda part: np.empty(flat[0].size), parts) if results is None else results
        for result, part in zip(results, parts, strict=True) if isinstance(parts, tuple) else [(results, parts)]:
            result[i : i + ELEMENTS_PER_BLOCK] = part
    return results


def _map(change: Callable, parts: Any) -> Any:
    """`change` of an array, or of each array in a tuple."""
    return tuple(map(change, parts)) if isinstance(parts, tuple) else change(parts)
