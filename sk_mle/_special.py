"""Differences and tails of the gamma and beta functions without cancellation, underflow or overflow.

Convention: every gamma-type function is Stirling's leading part plus a remainder, with u = 1/x,

    log Gamma(x) = (x - 1/2) log x - x + log(2 pi)/2 + S(x),     S(x) = sum_k B_2k / (2k (2k-1)) u^(2k-1),

and S', S'' for digamma and trigamma. The series is used from x = 10 on; smaller x climb by the recurrence
in x. A difference between x and x + d is always computed with the factor d taken out, never by subtraction.
"""

from __future__ import annotations

from functools import wraps

import numpy as np
from scipy import special

_START = 10  # where the Stirling series, cut after nine terms, is exact to double precision
_BERNOULLI = np.array([1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798])
_K2 = 2 * np.arange(1, len(_BERNOULLI) + 1)
# S, S' and S'' are u P(u^2), u^2 P(u^2) and u^3 P(u^2) with these coefficients, constant term first.
_STIRLING = tuple(c.tolist() for c in (_BERNOULLI / (_K2 * (_K2 - 1)), -_BERNOULLI / _K2, _BERNOULLI))
# Duplication formula: lgamma(x + 1/2) - lgamma(x) - log(x)/2 = S(2x) - 2 S(x), here and in two derivatives.
_HALF = _BERNOULLI / (_K2 * (_K2 - 1)) * (1 - 2.0**_K2)
_HALF = tuple(c.tolist() for c in (_HALF, _HALF * (1 - _K2), _HALF * (_K2 - 1) * _K2))
_ATANH = [1 / (2 * k + 3) for k in range(10)]
_BLOCK = 8192  # elements at a time, so that temporaries stay in the processor's cache
_FAR = 1e-3  # a smaller tail is computed by itself, not as one minus the other


def _elementwise(function):
    """Broadcast to float64 and work through blocks of flat arrays; overflow to inf is a value, not a warning."""

    @wraps(function)
    def wrapper(*args):
        args = np.broadcast_arrays(*(np.asarray(arg, dtype=float) for arg in args))
        shape, flat = args[0].shape, [arg.ravel() for arg in args]
        with np.errstate(all="ignore"):
            starts = range(0, max(flat[0].size, 1), _BLOCK)
            parts = [function(*(arg[i : i + _BLOCK] for arg in flat)) for i in starts]
        if isinstance(parts[0], tuple):
            return tuple(np.concatenate(part).reshape(shape)[()] for part in zip(*parts, strict=True))
        return np.concatenate(parts).reshape(shape)[()]

    return wrapper


def _horner(coefs, w):
    value = coefs[-1]
    for c in coefs[-2::-1]:
        value = value * w + c
    return value


def _remainder_delta(order, x, d):
    """The order-th derivative of S at x + d minus that at x, by the divided difference of its polynomial."""
    u, v = 1 / x, 1 / (x + d)
    s, uu, vv = u + v, u * u, v * v
    value, slope = _STIRLING[order][-1], 0.0  # synthetic division: P(v^2) and (P(v^2) - P(u^2)) / (v^2 - u^2)
    for c in _STIRLING[order][-2::-1]:
        value, slope = value * vv + c, slope * uu + value
    power = (1.0, s, s * s - u * v)[order]
    return -d * u * v * (power * value + u ** (order + 1) * s * slope)


def _log1p_minus_over(x, log1p):
    """(log1p(x) - x) / x, which unlike log1p(x) - x does not underflow for tiny x."""
    z = x / (2 + x)  # log1p(x) = 2 atanh(z)
    near = (1 - z) * z * z * _horner(_ATANH, z * z) - z
    return np.where((x > -0.3) & (x < 0.45), near, log1p / x - 1)


def _ascending(x, d):
    """Turn steps down into steps up: start, length and sign of the step."""
    if not (d < 0).any():
        return x, d, 1.0
    return np.where(d < 0, x + d, x), np.abs(d), np.where(d < 0, -1.0, 1.0)


def _climb(x):
    """Mask of the elements below the series' range, and x with these moved into it."""
    small = x < _START
    return small, x + _START * small if small.any() else x


def _log_ratio(x, d):
    """log((x + d) / x) for d >= 0, also where the quotient overflows."""
    r = d / x
    return np.where(np.isinf(r), np.log(x + d) - np.log(x), np.log1p(r))


def _lgamma_delta_base(x, d):
    """lgamma(x + d) - lgamma(x) - d log(top) for d >= 0, with the small elements' mask and top (see `_climb`)."""
    small, top = _climb(x)
    r = d / top
    log1p = np.log1p(r)
    value = d * (_log1p_minus_over(r, log1p) + log1p) - 0.5 * log1p + _remainder_delta(0, top, d)
    if small.any():
        x, d = x[small], d[small]
        step = np.minimum(d, 1e30)  # no overflow below; beyond, these factors are lost beside d log(d) anyway
        product = 0.0  # of (1 + d / (x + k)), minus one
        for k in range(1, _START):
            product = product + step / (x + k) * (1 + product)
        value[small] -= _log_ratio(x, d) + np.log1p(product)
    return value, small, top


@_elementwise
def lgamma_delta(x, d):
    """log Gamma(x + d) - log Gamma(x) for x > 0, x + d > 0; the plain difference is noise once x >> d."""
    x, d, sign = _ascending(x, d)
    value, _, top = _lgamma_delta_base(x, d)
    return sign * (value + d * np.log(top))


@_elementwise
def lgamma_delta_scaled(x, d):
    """log Gamma(x + d) - log Gamma(x) - d log(x), which tends to d (d - 1) / (2 x): the Poisson limit of count laws."""
    x, d, sign = _ascending(x, d)
    value, small, top = _lgamma_delta_base(x, d)
    value[small] += d[small] * (np.log(top[small]) - np.log(x[small]))
    if np.ndim(sign):
        value -= np.where(sign < 0, d * _log_ratio(x, d), 0.0)
    return sign * value


@_elementwise
def digamma_delta(x, d):
    """psi(x + d) - psi(x) for x > 0, x + d > 0, the derivative of `lgamma_delta` in x; about d / x for large x."""
    x, d, sign = _ascending(x, d)
    small, top = _climb(x)
    r = d / top
    value = np.log1p(r) + 0.5 * r / (top + d) + _remainder_delta(1, top, d)
    if small.any():
        x, d = x[small], d[small]
        value[small] += sum(d / (x + k + d) / (x + k) for k in reversed(range(_START)))
    return sign * value


@_elementwise
def trigamma(x):
    """psi'(x) = sum_k 1 / (x + k)^2 for x > 0; `scipy.special.polygamma(1, x)` is ten times slower."""
    small, top = _climb(x)
    u = 1 / top
    w = u * u
    value = u + w * (0.5 + u * _horner(_STIRLING[2], w))
    if small.any():
        x = x[small]
        value[small] += sum((x + k) ** -2.0 for k in reversed(range(_START)))
    return value


@_elementwise
def trigamma_delta(x, d):
    """psi'(x + d) - psi'(x) for x > 0, x + d > 0, the derivative of `digamma_delta` in x; about -d / x^2."""
    x, d, sign = _ascending(x, d)
    small, top = _climb(x)
    u, v = 1 / top, 1 / (top + d)
    value = -d * u * v * (1 + 0.5 * (u + v)) + _remainder_delta(2, top, d)
    if small.any():
        x, d = x[small], d[small]
        for k in reversed(range(_START)):
            low, high = x + k, x + k + d
            step = d / high / low
            value[small] -= step / low + step / high
    return sign * value


@_elementwise
def lgamma_half_delta(nu):
    """log Gamma((nu+1)/2) - log Gamma(nu/2) - log(nu/2)/2 with two derivatives in nu: Student's constant.

    By the duplication formula it is S(nu) - 2 S(nu/2), a series in 1/nu that starts with -1/(4 nu). Small nu
    climb by log(nu (nu+2) / (nu+1)^2) / 2, whose terms and derivatives all have one sign.
    """
    small = nu < 2 * _START
    u = 1 / np.where(small, nu + 2 * _START, nu)
    value, d1, d2 = (u**p * _horner(coefs, u * u) for p, coefs in enumerate(_HALF, start=1))
    if small.any():
        nu = nu[small]
        product = 0.0  # of (1 - 1 / (nu+1)^2), minus one
        for k in reversed(range(_START)):
            a, b, c = nu + 2 * k, nu + 2 * k + 1, nu + 2 * k + 2
            slope = 1 / (a * b * c)
            d1[small] += slope
            d2[small] -= slope * (1 / a + 1 / b + 1 / c)
            if k:
                product = product - (1 + product) / (b * b)
        first = np.where(nu < 1, np.log(nu * (nu + 2) / (nu + 1) ** 2), np.log1p(-1 / (nu + 1) ** 2))
        value[small] += 0.5 * (first + np.log1p(product))
    return value, d1, d2


@_elementwise
def log1p_minus(x):
    """log(1 + x) - x for x > -1, by the series of 2 atanh(x / (2 + x)) near 0 where the difference cancels."""
    return x * _log1p_minus_over(x, np.log1p(x))


def _stirling_remainder(x):
    """S(x) for every x > 0, to absolute accuracy."""
    below = special.gammaln(x) - (x - 0.5) * np.log(x) + x - 0.5 * np.log(2 * np.pi)
    return np.where(x < _START, below, _horner(_STIRLING[0], 1 / (x * x)) / x)


def _deviance(a, x, excess):
    """a log(x/a) - (x - a), given excess = x - a; computed from the excess where x is near a."""
    m = excess / a
    near = excess * _log1p_minus_over(m, np.log1p(m))
    return np.where((m > -0.9) & (m < 9), near, a * (np.log(x) - np.log(a)) - excess)


def _log_continued_fraction(first, term, ignore=False):
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


def _log_tail(lower, upper, log_lower, log_upper):
    """log of lower = 1 - upper; a tail below 1/1000 is taken from log_lower(mask) or log_upper(mask) instead."""
    out = np.where(lower > 0.5, np.log1p(-upper), np.log(lower))
    far, near_one = lower < _FAR, upper < _FAR
    if far.any():
        out[far] = log_lower(far)
    if near_one.any():
        out[near_one] = np.log1p(-np.exp(log_upper(near_one)))
    return out


def _log_gamma_kernel(a, x):
    """log(x^a e^-x / Gamma(a))"""
    return _deviance(a, x, x - a) + 0.5 * np.log(a / (2 * np.pi)) - _stirling_remainder(a)


def _log_far_below(a, x):
    """log P(a, x) by the fraction x^a e^-x / Gamma(a) / (a - x + x / (a+1 - x + 2x / (a+2 - x + ...)))."""
    return _log_gamma_kernel(a, x) - _log_continued_fraction(a - x, lambda n: (n * x, a - x + n))


def _log_far_above(a, x):
    """log Q(a, x) by Legendre's fraction x^a e^-x / Gamma(a) / (x+1 - a + (a-1) / (x+3 - a + 2 (a-2) / ...))."""
    slow = x < 1  # a < 1/1000
    fraction = _log_continued_fraction(x - a + 1, lambda n: (n * (a - n), x - a + 2 * n + 1), ignore=slow)
    value = np.where(np.isinf(x), -np.inf, _log_gamma_kernel(a, x) - fraction)
    if slow.any():
        value[slow] = np.log(special.gammaincc(a[slow], x[slow]))
    return value


@_elementwise
def log_gammainc(a, x):
    """log P(a, x) for a > 0, x >= 0: log distribution function of the gamma law.

    From scipy in the middle. In the tails from continued fractions in log form, which cannot underflow, take few
    terms there however large a, and are exact where `scipy.special.gammainc` stops its series early (a > 1e5).
    """
    p = special.gammainc(a, x)
    return _log_tail(p, 1 - p, lambda i: _log_far_below(a[i], x[i]), lambda i: _log_far_above(a[i], x[i]))


@_elementwise
def log_gammaincc(a, x):
    """log Q(a, x) = log(1 - P(a, x)) for a > 0, x >= 0: log survival function of the gamma law; as `log_gammainc`."""
    p = special.gammainc(a, x)
    return _log_tail(1 - p, p, lambda i: _log_far_above(a[i], x[i]), lambda i: _log_far_below(a[i], x[i]))


def _log_betainc_far(a, b, x, xc):
    """log I_x(a, b) by x^a xc^b / B(a, b) over Didonato & Morris's fraction (1992, doi:10.1145/131766.131776)."""
    excess = b * x - a * xc  # (a + b) x - a, without its cancellation
    kernel = _deviance(a, (a + b) * x, excess) + _deviance(b, (a + b) * xc, -excess)
    kernel += 0.5 * (np.log(a) + np.log(b / (a + b)) - np.log(2 * np.pi))
    kernel += _stirling_remainder(a + b) - _stirling_remainder(a) - _stirling_remainder(b)

    def term(n):
        c = a + 2 * n
        t = (b - n) * x / (c - 1)
        numerator = n * t * x * (a + n - 1) * ((a + b + n - 1) / (c - 1))
        return numerator, n + n * t + (a + n) / (c + 1) * (1 - excess + n * (1 + xc))

    slow = (x > 0.5) & (excess > -1)  # b < 1/1000
    value = kernel - _log_continued_fraction(a / (a + 1) * (1 - excess), term, ignore=slow)
    if slow.any():
        value[slow] = np.log(special.betaincc(b[slow], a[slow], xc[slow]))
    return value


@_elementwise
def log_betainc(a, b, x, xc):
    """log I_x(a, b) for a, b > 0, where xc = 1 - x carries the digits of an x near 1; tails as in `log_gammainc`.

    The other tail is log_betainc(b, a, xc, x). `scipy.special.betaincc` is not used: it is ten times slower.
    """
    swap = x > 0.5
    p = special.betainc(np.where(swap, b, a), np.where(swap, a, b), np.where(swap, xc, x))
    p, q = np.where(swap, 1 - p, p), np.where(swap, p, 1 - p)
    return _log_tail(
        p, q, lambda i: _log_betainc_far(a[i], b[i], x[i], xc[i]), lambda i: _log_betainc_far(b[i], a[i], xc[i], x[i])
    )
