"""Differences and products of logarithms, exact where the plain formulas cancel or meet infinity."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from .elementwise import elementwise, elementwise_by_order
from .gamma_functions import ATANH_COEFFICIENTS, STIRLING_SERIES, economised, horner, log1p_minus_over

MAX_SERIES_ARGUMENT = 0.2  # |x| up to which the series of log(1 + x) is used
ATANH_SERIES = economised(ATANH_COEFFICIENTS, (MAX_SERIES_ARGUMENT / (2 - MAX_SERIES_ARGUMENT)) ** 2, 6)
MAX_DIRECT_COUNT = 64.0  # count from which the plain difference loses more than a few roundings
MAX_PLAIN_COUNT = 256.0  # count up to which y log(rate) and log y! leave twelve digits of their difference
MIN_LARGE_COUNT = 1e8  # count from which the rounding of a ratio shows in ten digits of a log mass


@elementwise_by_order
def log1p_remainder(x: np.ndarray, share: np.ndarray, order: int) -> tuple[np.ndarray, ...]:
    """log(1 + x) - t with t = x / (1 + x), x > -1 and, for order 2, also log(1 + x) - t - t^2 / 2.

    Near 0, where the differences cancel, by the series of 2 atanh(x / (2 + x)). `share` is t, which x near -1 lacks digits for.
    """
    remainder, near = np.log1p(x) - share, np.flatnonzero(np.abs(x) < MAX_SERIES_ARGUMENT)
    values = [remainder] if order < 2 else [remainder, remainder - 0.5 * share * share]
    if near.size:
        low = x[near]
        z = low / (2 + low)
        w, tail, square = 1 / (1 + z), horner(ATANH_SERIES, z * z), 2 * z * z
        values[0][near] = square * (w + z * tail)
        if order > 1:
            values[1][near] = square * z * (w * w + tail)
    return tuple(values)


@elementwise
def log_factorial_remainder(x: np.ndarray) -> np.ndarray:
    """log x! - x log x + x for x >= 0, the remainder of Stirling's main terms; x! is Gamma(x + 1) for fractional x."""
    small = x < MAX_DIRECT_COUNT
    value = gammaln(x + 1) - x * np.log(np.maximum(x, 1e-300)) + x if small.any() else np.empty_like(x)
    if not small.all():
        top = x[~small]
        value[~small] = 0.5 * np.log(2 * np.pi * top) + horner(STIRLING_SERIES[0], 1 / (top * top)) / top
    return value


def minus_half_poisson_deviance(y: np.ndarray, rate: np.ndarray, y_minus_rate: np.ndarray) -> np.ndarray:
    """Minus half the deviance of a Poisson law, y log(rate / y) + y - rate, for y >= 0.

    Less `log_factorial_remainder` it is the log mass, without the cancellation of y log(rate) against log y!. The rounding of
    the ratio rate / y hardly moves it (see `minus_half_gamma_deviance`), except for very large counts, for which it is computed
    from `y_minus_rate`.
    """
    with np.errstate(all="ignore"):
        low = np.maximum(y, 1e-100)
        ratio = rate / low
        gap = np.minimum(np.log(np.maximum(ratio, y == 0)), 1e3)
        ratio -= 1
        gap -= ratio
        gap *= low
        if np.maximum.reduce(y, axis=None, initial=0.0) > MIN_LARGE_COUNT:
            move = -y_minus_rate / low
            near = (y > MIN_LARGE_COUNT) & (np.abs(move) < 0.5)
            gap = np.where(near, -y_minus_rate * log1p_minus_over(move, np.log1p(move)), gap)
    return np.where(y > 0, gap, y_minus_rate)  # -rate, however small


def poisson_kernel(y: np.ndarray, rate: np.ndarray, y_minus_rate: np.ndarray) -> np.ndarray:
    """The part of a Poisson law's log mass that depends on the rate; `count_base_measure` is the other.

    For small counts it is y log(rate) - rate, at half the cost of `minus_half_poisson_deviance`.
    """
    with np.errstate(all="ignore"):
        some_large = np.maximum.reduce(y, axis=None, initial=0.0) > MAX_PLAIN_COUNT
        if some_large and np.minimum.reduce(y, axis=None, initial=np.inf) > MAX_PLAIN_COUNT:
            return minus_half_poisson_deviance(y, rate, y_minus_rate)
        log = np.log(rate)
        if not np.isfinite(np.add.reduce(log, axis=None)):
            log = np.minimum(np.log(np.maximum(rate, y == 0)), 1e3)
        part = np.asarray(log * y)
        part -= rate
        if some_large:
            y, rate, y_minus_rate = np.broadcast_arrays(y, rate, y_minus_rate)
            large = y > MAX_PLAIN_COUNT
            part[large] = minus_half_poisson_deviance(y[large], rate[large], y_minus_rate[large])
        return part


@elementwise
def count_base_measure(y: np.ndarray) -> np.ndarray:
    """The part of a Poisson law's log mass that depends on y alone: -log y!, for large counts -`log_factorial_remainder`."""
    return -np.where(y <= MAX_PLAIN_COUNT, gammaln(y + 1), log_factorial_remainder(y))


def minus_half_gamma_deviance(y: np.ndarray, mean: float | np.ndarray) -> np.ndarray:
    """log(y / mean) - (y - mean) / mean for positive arguments, exact to the rounding of their ratio.

    Where the two parts cancel, near y = mean, that rounding hardly moves the difference, whose derivative vanishes there.
    """
    return minus_half_gamma_deviance_and_excess(y, mean)[0]


def minus_half_gamma_deviance_and_excess(y: np.ndarray, mean: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`minus_half_gamma_deviance` and (y - mean) / mean."""
    ratio = y / mean
    d = ratio - 1
    gap = np.log(ratio) - d
    if np.minimum.reduce(gap, axis=None) > -600:
        return gap, d
    far = np.where(ratio < 1e-250, np.log(y) - np.log(mean) - d, gap)  # the ratio may have lost digits to underflow
    return np.where(np.isinf(ratio), -ratio, far), d


def log1mexp(x: np.ndarray) -> np.ndarray:
    """log(1 - exp(-x)) for x >= 0, to full relative accuracy at both ends."""
    with np.errstate(divide="ignore"):
        return np.where(x < np.log(2), np.log(-np.expm1(-x)), np.log1p(-np.exp(-x)))
