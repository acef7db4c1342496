"""A cache of a function's last result: value, gradient and Hessian of one evaluation ask for the same sums."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

MAX_ELEMENTS = 1 << 16  # elements of an argument up to which a result is kept


def latest(function: Callable) -> Callable:
    """A decorator that caches, per thread, the result for the last arguments, which are compared by value."""
    memory = threading.local()

    @wraps(function)
    def wrapper(*args: Any) -> Any:
        arrays = [np.asarray(arg, dtype=float) for arg in args]
        last = getattr(memory, "args", None)
        if last is not None and all(a.shape == b.shape and np.array_equal(a, b) for a, b in zip(arrays, last, strict=True)):
            return memory.result
        result = function(*arrays)
        if max(array.size for array in arrays) <= MAX_ELEMENTS:
            memory.args, memory.result = [array.copy() for array in arrays], result
        return result

    return wrapper
