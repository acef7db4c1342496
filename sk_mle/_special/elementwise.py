"""Functions of several arrays, element by element, at the price of what differs: numbers and small counts are computed once."""

from __future__ import annotations

from functools import lru_cache, partial, wraps

import numpy as np

from .._utils.repeated import repeated

ELEMENTS_PER_BLOCK = 8192  # elements at a time, so that temporaries stay in the processor's cache


def _elementwise(function, scalars=False, sums=None):
    """Broadcast to float64 and work through blocks of flat arrays; overflow to inf is a value, not a warning.

    What repeats is computed once: along axes of stride 0; at numbers, which are remembered; and where one argument holds
    small whole numbers and the others are numbers, in a table. Where the function takes `scalars`, it is given those
    instead of arrays of one element; `sums` is a function for the table that knows the steps from one count to the next.
    """

    @lru_cache(maxsize=16)
    def number(*values):
        with np.errstate(all="ignore"):
            found = function(*(map(np.float64, values) if scalars else (np.full(1, value) for value in values)))
        return _map(lambda part: np.asarray(part).reshape(()), found)

    @lru_cache(maxsize=16)
    def table(size, *values):
        """At values, where None stands for 0, 1, ..., size - 1."""
        with np.errstate(all="ignore"):
            made = sums if sums and values[-1] is None else function  # sums run over the last argument
            return made(*(np.arange(float(size)) if value is None else np.full(size, value) for value in values))

    @wraps(function)
    def wrapper(*args):
        args = [np.asarray(arg, dtype=float) for arg in args]
        shape = np.broadcast(*args).shape if len(args) > 1 else args[0].shape
        values = [None if any(arg.strides) or not arg.size else arg.item(0) for arg in args]
        if None not in values and 0 not in shape:
            return _map(lambda part: _spread(part, shape), number(*values))
        args = [_spread(arg, shape) for arg in args]
        args = [arg[_once(args)] for arg in args] if len(shape) > 1 else args
        if values.count(None) == 1:
            places, size = _places(args[values.index(None)])
            if size:
                return _map(lambda part: _spread(part.take(places), shape), table(size, *values))
        flat = [arg.ravel() for arg in args]
        with np.errstate(all="ignore"):
            found = _by_blocks(function, flat) if flat[0].size > ELEMENTS_PER_BLOCK else function(*flat)
        return _map(lambda part: _spread(part.reshape(args[0].shape), shape), found)

    return wrapper


def _ordered(function, scalars=False, sums=None):
    """The same of a function whose last argument, `order`, says how many derivatives it gives beside its value; default 2."""
    kinds = [{"sums": sums and partial(sums, order=order), "scalars": scalars} for order in range(3)]
    found = [_elementwise(partial(function, order=order), **kind) for order, kind in enumerate(kinds)]
    return wraps(function)(lambda *args, order=2: found[order](*args))


def _once(args):
    """The index that cuts arrays of one shape along the axes along which all of them only repeat."""
    return tuple(slice(None if any(steps) else 1) for steps in zip(*(arg.strides for arg in args), strict=True))


def _spread(part, shape):
    """An array that repeats to a shape; a float where that is ()."""
    if part.shape != shape:
        part = repeated(part, *shape) if len(shape) == 1 and not part.ndim else np.broadcast_to(part, shape)
    return part[()]


def _places(values):
    """Whole numbers that repeat often as integers, with a power of two above them; 0 for other values."""
    if values.size < 200 or values.item(0) % 1 or values.item(-1) % 1:
        return None, 0
    with np.errstate(invalid="ignore"):
        places = values.astype(np.intp)
    least, most = np.minimum.reduce(places, axis=None), np.maximum.reduce(places, axis=None)
    size = 1 << int(most).bit_length() if least >= 0 else 0
    return places, size if size <= min(values.size / 2, ELEMENTS_PER_BLOCK) and (places == values).all() else 0


def _by_blocks(function, flat):
    wholes = None
    for i in range(0, flat[0].size, ELEMENTS_PER_BLOCK):
        found = function(*(arg[i : i + ELEMENTS_PER_BLOCK] for arg in flat))
        wholes = _map(lambda part: np.empty(flat[0].size), found) if wholes is None else wholes
        for whole, part in zip(wholes, found, strict=True) if isinstance(found, tuple) else [(wholes, found)]:
            whole[i : i + ELEMENTS_PER_BLOCK] = part
    return wholes


def _map(change, found):
    return tuple(map(change, found)) if isinstance(found, tuple) else change(found)
