"""Differences and products of logarithms, exact where the plain formulas cancel or meet infinity."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from .gamma_functions import (
    ATANH_COEFFICIENTS,
    STIRLING_SERIES,
    _economised,
    _elementwise,
    _horner,
    _log1p_minus_over,
    _ordered,
)

MAX_SERIES_ARGUMENT = 0.2
ATANH_SERIES = _economised(ATANH_COEFFICIENTS, (MAX_SERIES_ARGUMENT / (2 - MAX_SERIES_ARGUMENT)) ** 2, 6)
MAX_DIRECT_COUNT = 64.0  # count from which the plain difference loses more than a few roundings
_SMALL = 256.0  # count up to which y log(rate) and log y! leave twelve digits of their difference
MIN_LARGE_COUNT = 1e8  # count from which the rounding of a ratio shows in ten digits of a log mass


@_ordered
def log1p_rest(x, order):
    """log(1 + x) - t for x > -1 and t = x / (1 + x) and, beyond order 1, the same less t^2 / 2.

    By the series of 2 atanh(x / (2 + x)) near 0, where the differences cancel.
    """
    share = x / (1 + x)
    rest, near = np.log1p(x) - share, np.flatnonzero(np.abs(x) < MAX_SERIES_ARGUMENT)
    values = [rest] if order < 2 else [rest, rest - 0.5 * share * share]
    if near.size:
        low = x[near]
        z = low / (2 + low)
        w, tail, square = 1 / (1 + z), _horner(ATANH_SERIES, z * z), 2 * z * z
        values[0][near] = square * (w + z * tail)
        if order > 1:
            values[1][near] = square * z * (w * w + tail)
    return tuple(values)


@_elementwise
def factorial_rest(x):
    """log x! - x log x + x for x >= 0, of fractional x by the gamma function: what Stirling's main terms leave."""
    small = x < MAX_DIRECT_COUNT
    value = gammaln(x + 1) - x * np.log(np.maximum(x, 1e-300)) + x if small.any() else np.empty_like(x)
    if not small.all():
        top = x[~small]
        value[~small] = 0.5 * np.log(2 * np.pi * top) + _horner(STIRLING_SERIES[0], 1 / (top * top)) / top
    return value


def rate_gap(y, rate, short):
    """y log(rate / y) + short for y >= 0, short = y - rate: minus half the deviance of a Poisson law.

    With `factorial_rest` it makes the log mass, of which no large parts cancel: y log(rate) and log y! would. The ratio's own
    rounding hardly moves the gap (see `ratio_gap`); of very large counts it is computed from `short`.
    """
    with np.errstate(all="ignore"):
        low = np.maximum(y, 1e-100)
        ratio = rate / low
        gap = np.minimum(np.log(np.maximum(ratio, y == 0)), 1e3)
        ratio -= 1
        gap -= ratio
        gap *= low
        if np.maximum.reduce(y, axis=None, initial=0.0) > MIN_LARGE_COUNT:
            move = -short / low
            near = (y > MIN_LARGE_COUNT) & (np.abs(move) < 0.5)
            gap = np.where(near, -short * _log1p_minus_over(move, np.log1p(move)), gap)
    return np.where(y > 0, gap, short)  # -rate, however small


def rate_part(y, rate, short):
    """What depends on the rate in the log mass of a Poisson law; the rest is `count_base_measure`, and `short` is y - rate.

    Of small counts y log(rate) - rate, which is half the work of `rate_gap`.
    """
    with np.errstate(all="ignore"):
        if np.minimum.reduce(y, axis=None, initial=np.inf) > _SMALL:
            return rate_gap(y, rate, short)
        log = np.log(rate)
        if not np.isfinite(np.add.reduce(log, axis=None)):
            log = np.minimum(np.log(np.maximum(rate, y == 0)), 1e3)
        part = np.asarray(log * y)
        part -= rate
        if np.maximum.reduce(y, axis=None, initial=0.0) > _SMALL:
            y, rate, short = np.broadcast_arrays(y, rate, short)
            large = y > _SMALL
            part[large] = rate_gap(y[large], rate[large], short[large])
        return part


@_elementwise
def count_base_measure(y):
    """What depends on y alone: -log y! where `rate_part` is plain, else -`factorial_rest`."""
    return -np.where(y <= _SMALL, gammaln(y + 1), factorial_rest(y))


def ratio_gap(y, mean):
    """log(y / mean) - (y - mean) / mean for positive arguments, exact to the rounding of their ratio.

    Where the two parts cancel, near y = mean, that rounding hardly moves the difference, whose derivative vanishes there.
    """
    return ratio_gap_and_excess(y, mean)[0]


def ratio_gap_and_excess(y, mean):
    """The same, and (y - mean) / mean."""
    ratio = y / mean
    d = ratio - 1
    gap = np.log(ratio) - d
    if np.minimum.reduce(gap, axis=None) > -600:
        return gap, d
    far = np.where(ratio < 1e-250, np.log(y) - np.log(mean) - d, gap)  # the ratio may have lost digits to underflow
    return np.where(np.isinf(ratio), -ratio, far), d


def log1mexp(x):
    """log(1 - exp(-x)) for x >= 0, to full relative accuracy at both ends."""
    with np.errstate(divide="ignore"):
        return np.where(x < np.log(2), np.log(-np.expm1(-x)), np.log1p(-np.exp(-x)))
