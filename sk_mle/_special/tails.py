"""Logarithms of the regularised incomplete gamma and beta functions, exact where the functions underflow or lose digits.

Also the logarithm of the normal law's probability between two points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from .elementwise import elementwise
from .gamma_functions import MIN_STIRLING_ARGUMENT, STIRLING_COEFFICIENTS, horner, lgamma_delta, log1p_minus, log1p_minus_over

UNIT_NODES, UNIT_NODE_WEIGHTS = (np.polynomial.legendre.leggauss(10) + np.array([[1.0], [0.0]])) / 2  # on (0, 1)
MIN_EXACT_ARGUMENT = 1e-290  # arguments below may have lost digits to underflow
# Parameter of a beta law from which `scipy.special.betainc` loses digits around the mean: more and more as it grows.
MIN_LARGE_BETA_PARAMETER = 1e5
NEGLIGIBLE_LOG_RATIO = 40.0  # minus the log of what a density has fallen to at the end of its integral
FINE_NODES, FINE_NODE_WEIGHTS = (np.polynomial.legendre.leggauss(48) + np.array([[1.0], [0.0]])) / 2  # on (0, 1)
EXPREL2_SERIES = [1 / float(special.gamma(k + 3)) for k in range(16)]  # (exp(s) - 1 - s) / s^2
MAX_SMALL_TAIL = 1e-3  # a smaller tail is computed by itself, not as one minus the other


def _stirling_remainder(x: np.ndarray) -> np.ndarray:
    """S(x) for every x > 0, to absolute accuracy."""
    below = special.gammaln(x) - (x - 0.5) * np.log(x) + x - 0.5 * np.log(2 * np.pi)
    return np.where(x < MIN_STIRLING_ARGUMENT, below, horner(STIRLING_COEFFICIENTS[0], 1 / (x * x)) / x)


def _deviance(a: np.ndarray, x: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """a log(x/a) - (x - a), given excess = x - a; computed from the excess where x is near a."""
    m = excess / a
    near = excess * log1p_minus_over(m, np.log1p(m))
    return np.where((m > -0.9) & (m < 9), near, a * (np.log(x) - np.log(a)) - excess)


def log_continued_fraction(first: np.ndarray, term: Callable, ignore: Any = False) -> np.ndarray:
    """log of first + a_1 / (b_1 + a_2 / (b_2 + ...)), term(n) = (a_n, b_n), by the modified Lentz method.

    Stops when all elements have converged but those to `ignore`.
    """
    value, c, d = first, first, 0.0
    for n in range(1, 1000):
        a, b = term(n)
        d = 1 / (b + a * d)
        c = b + a / c
        value = value * (c * d)
        if not ((np.abs(c * d - 1) > 1e-15) & ~np.asarray(ignore)).any():
            break
    return np.log(value)


def _log_tail(lower: np.ndarray, upper: np.ndarray, log_lower: Callable, log_upper: Callable) -> np.ndarray:
    """log of `lower`, where lower + upper = 1; a tail below 1/1000 is computed by log_lower(mask) or log_upper(mask)."""
    result = np.where(lower > 0.5, np.log1p(-upper), np.log(lower))
    small_lower, small_upper = lower < MAX_SMALL_TAIL, upper < MAX_SMALL_TAIL
    if small_lower.any():
        result[small_lower] = log_lower(small_lower)
    if small_upper.any():
        result[small_upper] = np.log1p(-np.exp(log_upper(small_upper)))
    return result


def _log_gamma_kernel(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """log(x^a e^-x / Gamma(a))"""
    return _deviance(a, x, x - a) + 0.5 * np.log(a / (2 * np.pi)) - _stirling_remainder(a)


def _log_far_below(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """log P(a, x) for small x, by the fraction x^a e^-x / Gamma(a) / (a - x + x / (a+1 - x + 2x / (a+2 - x + ...)))."""
    return _log_gamma_kernel(a, x) - log_continued_fraction(a - x, lambda n: (n * x, a - x + n))


def _log_far_above(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """log Q(a, x) for large x, by Legendre's fraction x^a e^-x / Gamma(a) / (x+1 - a + (a-1) / (x+3 - a + 2 (a-2) / ...))."""
    slow = x < 1  # implies a < 1/200
    fraction = log_continued_fraction(x - a + 1, lambda n: (n * (a - n), x - a + 2 * n + 1), ignore=slow)
    value = np.where(np.isinf(x), -np.inf, _log_gamma_kernel(a, x) - fraction)
    if slow.any():
        value[slow] = np.log(special.gammaincc(a[slow], x[slow]))
    return value


@elementwise
def log_gammainc(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """log P(a, x) for a > 0, x >= 0: log distribution function of the gamma law.

    From scipy in the middle. In the tails from continued fractions in log form, which cannot underflow, take few
    terms there however large a, and are exact where `scipy.special.gammainc` stops its series early (a > 1e5).
    """
    p = special.gammainc(a, x)
    return _log_tail(p, 1 - p, lambda i: _log_far_below(a[i], x[i]), lambda i: _log_far_above(a[i], x[i]))


@elementwise
def log_gammaincc(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """log Q(a, x) = log(1 - P(a, x)) for a > 0, x >= 0: log survival function of the gamma law; as `log_gammainc`."""
    p = special.gammainc(a, x)
    return _log_tail(1 - p, p, lambda i: _log_far_above(a[i], x[i]), lambda i: _log_far_below(a[i], x[i]))


def log_gamma_tail(a: np.ndarray, x: np.ndarray, log_x: Callable[[], np.ndarray], upper: bool) -> np.ndarray:
    """log Q(a, x) if `upper`, else log P(a, x), at an x that may underflow; then `log_x()` gives its logarithm."""
    value, small = (log_gammaincc if upper else log_gammainc)(a, x), np.asarray(x) < MIN_EXACT_ARGUMENT
    if not small.any():
        return value
    with np.errstate(all="ignore"):
        log_p = a * log_x() - special.gammaln(a + 1)  # the first term of the series is all
        return np.where(small, np.log(-np.expm1(log_p)) if upper else log_p, value)


def _log_beta_kernel(a: np.ndarray, b: np.ndarray, x: np.ndarray, xc: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """log(x^a xc^b / B(a, b))"""
    kernel = _deviance(a, (a + b) * x, excess) + _deviance(b, (a + b) * xc, -excess)
    kernel += 0.5 * (np.log(a) + np.log(b / (a + b)) - np.log(2 * np.pi))
    return kernel + _stirling_remainder(a + b) - _stirling_remainder(a) - _stirling_remainder(b)


def _log_betainc_far(a: np.ndarray, b: np.ndarray, x: np.ndarray, xc: np.ndarray) -> np.ndarray:
    """log I_x(a, b) by x^a xc^b / B(a, b) over Didonato & Morris's fraction (1992, doi:10.1145/131766.131776)."""
    excess = b * x - a * xc  # (a + b) x - a, without its cancellation
    kernel = _log_beta_kernel(a, b, x, xc, excess)

    def term(n: int) -> tuple[np.ndarray, np.ndarray]:
        c = a + 2 * n
        t = (b - n) * x / (c - 1)
        numerator = n * t * x * (a + n - 1) * ((a + b + n - 1) / (c - 1))
        return numerator, n + n * t + (a + n) / (c + 1) * (1 - excess + n * (1 + xc))

    slow = (x > 0.5) & (excess > -1)  # implies b < 1/200
    value = kernel - log_continued_fraction(a / (a + 1) * (1 - excess), term, ignore=slow)
    if slow.any():
        value[slow] = np.log(special.betaincc(b[slow], a[slow], xc[slow]))
    return value


def _log_betainc_large(a: np.ndarray, b: np.ndarray, x: np.ndarray, xc: np.ndarray) -> np.ndarray:
    """log I_x(a, b) for large parameters: the smaller tail by Gauss' rule, the larger as its complement."""
    mirrored = b * x > a * xc  # above the mean
    tail = np.empty_like(x)
    for retry in (False, True):  # of a very skewed law the smaller tail may lie on the other side of the mean
        rows = tail > np.log(0.5) if retry else np.ones(len(x), bool)
        mirrored = mirrored ^ (rows & retry)
        if rows.any():
            side = np.where(mirrored, [b, a, xc, x], [a, b, x, xc])
            tail[rows] = np.minimum(_log_beta_tail_by_integral(*side[:, rows]), 0.0)
    return np.where(mirrored, np.log1p(-np.exp(tail)), tail)


def _log_beta_tail_by_integral(a: np.ndarray, b: np.ndarray, x: np.ndarray, xc: np.ndarray) -> np.ndarray:
    """log I_x(a, b) as an integral of the density in log(x / xc), cut where the density has fallen by exp(-40)."""
    excess, share, sign = b * x - a * xc, np.minimum(x, xc), np.where(x > 0.5, 1.0, -1.0)

    def fall(t: np.ndarray) -> np.ndarray:
        """log of the density at a distance t below log(x / xc), less the log density at log(x / xc)."""
        s = sign * t
        with np.errstate(all="ignore"):
            rise = share * np.expm1(s)
            exp_excess = np.where(np.abs(s) < 0.5, s * s * horner(EXPREL2_SERIES, np.clip(s, -0.5, 0.5)), np.expm1(s) - s)
            log_rest = np.where(rise < 0.5, log1p_minus(rise) + share * exp_excess, np.log1p(rise) - share * s)
            return excess * t - (a + b) * log_rest

    low, high = np.zeros_like(x), 1 / (np.sqrt((a + b) * x * xc) + np.abs(excess))
    for _ in range(200):
        if not (not_far_enough := fall(high) > -NEGLIGIBLE_LOG_RATIO).any():
            break
        low, high = np.where(not_far_enough, high, low), np.where(not_far_enough, 2 * high, high)
    for _ in range(8):
        middle = (low + high) / 2
        not_far_enough = fall(middle) > -NEGLIGIBLE_LOG_RATIO
        low, high = np.where(not_far_enough, middle, low), np.where(not_far_enough, high, middle)
    area = sum(weight * np.exp(fall(high * node)) for node, weight in zip(FINE_NODES, FINE_NODE_WEIGHTS, strict=True))
    return _log_beta_kernel(a, b, x, xc, excess) + np.log(high * area)


@elementwise
def log_betainc(a: np.ndarray, b: np.ndarray, x: np.ndarray, xc: np.ndarray) -> np.ndarray:
    """log I_x(a, b) for a, b > 0, where xc = 1 - x carries the digits of an x near 1; tails as in `log_gammainc`.

    The other tail is log_betainc(b, a, xc, x). `scipy.special.betaincc` is not used: it is ten times slower.
    """
    large = (np.maximum(a, b) > MIN_LARGE_BETA_PARAMETER) & (x > 0) & (xc > 0)
    if large.any():
        value = np.empty_like(x)
        value[large] = _log_betainc_large(a[large], b[large], x[large], xc[large])
        if not large.all():
            value[~large] = log_betainc(a[~large], b[~large], x[~large], xc[~large])
        return value
    swap = x > 0.5
    p = special.betainc(np.where(swap, b, a), np.where(swap, a, b), np.where(swap, xc, x))
    p, q = np.where(swap, 1 - p, p), np.where(swap, p, 1 - p)
    value = _log_tail(
        p, q, lambda i: _log_betainc_far(a[i], b[i], x[i], xc[i]), lambda i: _log_betainc_far(b[i], a[i], xc[i], x[i])
    )
    for small, at, power, other, sign in ((x < MIN_EXACT_ARGUMENT, x, a, b, 1), (xc < MIN_EXACT_ARGUMENT, xc, b, a, -1)):
        if small.any():  # the first term of the series is all, and products may underflow
            log_p = power * np.log(at) - lgamma_delta(1.0, power) + lgamma_delta(other, power)
            value = np.where(small, log_p if sign > 0 else np.log(-np.expm1(log_p)), value)
    return value


@elementwise
def log_student_tail(z: np.ndarray, df: np.ndarray) -> np.ndarray:
    """log P(T > |z|) of Student's t law."""
    z, root = np.abs(z), np.sqrt(df)
    large, ratio = z > root, np.minimum(z, root) / np.maximum(z, root)
    square = ratio * ratio
    share, rest = square / (1 + square), 1 / (1 + square)
    share, rest = np.where(large, share, rest), np.where(large, rest, share)  # df / (df + z**2), and one minus it
    value = log_betainc(df / 2, np.full_like(df, 0.5), share, rest) - np.log(2)
    far = large & (ratio < 1e-10)  # a power of z, of which the square may underflow
    if far.any():
        a = df[far] / 2
        value[far] = 2 * a * np.log(ratio[far]) - np.log(2 * a) - special.betaln(a, 0.5)
    return value


@elementwise
def log_ndtr_gap(a: np.ndarray, b: np.ndarray, width: np.ndarray) -> np.ndarray:
    """log(Phi(b) - Phi(a)) of the normal law for a <= b; width = b - a carries the digits of ends close to each other."""
    near, far = np.where(b > -a, -a, b), np.where(b > -a, -b, a)  # both below 0, or around it
    high, low = special.log_ndtr(near), special.log_ndtr(far)
    value = np.where(high == -np.inf, -np.inf, high + np.log1p(-np.exp(low - high)))
    narrow = low > high - 0.7
    if narrow.any():
        step, near = width[narrow, None] * UNIT_NODES, near[narrow, None]
        area = (np.exp(step * (near - step / 2)) * UNIT_NODE_WEIGHTS).sum(axis=1)
        value[narrow] = np.log(width[narrow]) - 0.5 * (near[:, 0] ** 2 + np.log(2 * np.pi)) + np.log(area)
    return value
