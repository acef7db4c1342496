"""Differences and products of logarithms, exact where the plain formulas cancel or meet infinity."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from .._special import _ATANH, _economised, _elementwise, _horner, _ordered

_NEAR = 0.2
_TAIL = _economised(_ATANH, (_NEAR / (2 + _NEAR)) ** 2, 6)


@_ordered
def log1p_rest(x, order):
    """log(1 + x) - t for x >= 0 and t = x / (1 + x) and, beyond order 1, the same less t^2 / 2.

    By the series of 2 atanh(x / (2 + x)) near 0, where the differences cancel.
    """
    share = x / (1 + x)
    rest, near = np.log1p(x) - share, np.flatnonzero(x < _NEAR)
    values = [rest] if order < 2 else [rest, rest - 0.5 * share * share]
    if near.size:
        low = x[near]
        z = low / (2 + low)
        w, tail, square = 1 / (1 + z), _horner(_TAIL, z * z), 2 * z * z
        values[0][near] = square * (w + z * tail)
        if order > 1:
            values[1][near] = square * z * (w * w + tail)
    return tuple(values)


@_elementwise
def log_factorial(y):
    """log y!, of fractional y by the gamma function."""
    return gammaln(y + 1)


def times_log(y, x):
    """y log(x) for y >= 0, and 0 where y is; `scipy.special.xlogy` for finite x in less time."""
    with np.errstate(all="ignore"):
        return y * np.minimum(np.log(np.maximum(x, y == 0)), 1e3)


def ratio_gap(y, mean):
    """log(y / mean) - (y - mean) / mean for positive arguments, exact to the rounding of their ratio.

    Where the two parts cancel, near y = mean, that rounding hardly moves the difference, whose slope vanishes there.
    """
    ratio = y / mean
    return np.log(ratio) - (ratio - 1)


def log1mexp(x):
    """log(1 - exp(-x)) for x >= 0, to full relative accuracy at both ends."""
    with np.errstate(divide="ignore"):
        return np.where(x < np.log(2), np.log(-np.expm1(-x)), np.log1p(-np.exp(-x)))
