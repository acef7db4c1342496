"""Differences and tails of the gamma and beta functions without cancellation, underflow or overflow.

Convention: every gamma-type function is Stirling's leading part plus a remainder, with u = 1/x,

    log Gamma(x) = (x - 1/2) log x - x + log(2 pi)/2 + S(x),     S(x) = sum_k B_2k / (2k (2k-1)) u^(2k-1),

and S', S'' for digamma and trigamma. The series is used from x = 10 on; smaller x climb by the recurrence
in x. A difference between x and x + d is always computed with the factor d taken out, never by subtraction.
Names: `top` is x moved into the range of the series, `small` says which x had to be moved.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .elementwise import elementwise, elementwise_by_order


def economised(coefs: Any, reach: float, terms: int) -> list[float]:
    """Coefficients of a polynomial on [0, reach] with fewer terms and nearly the same values: Lanczos' economisation."""
    coefs = np.array(coefs)
    while len(coefs) > terms:
        least = np.polynomial.Chebyshev.basis(len(coefs) - 1, [0, reach]).convert(kind=np.polynomial.Polynomial).coef
        coefs = (coefs - coefs[-1] * (least / least[-1]))[:-1]
    return coefs.tolist()


MIN_STIRLING_ARGUMENT = 10  # argument from which ten terms of Stirling's series are exact to double precision
BERNOULLI_NUMBERS = np.array(  # B_2, B_4, ...
    [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330]
)
EVEN_NUMBERS = 2 * np.arange(1, len(BERNOULLI_NUMBERS) + 1)
# S, S' and S'' are u P(u^2), u^2 P(u^2) and u^3 P(u^2) with these coefficients, constant term first.
STIRLING_COEFFICIENTS = tuple(
    c.tolist()
    for c in (BERNOULLI_NUMBERS / (EVEN_NUMBERS * (EVEN_NUMBERS - 1)), -BERNOULLI_NUMBERS / EVEN_NUMBERS, BERNOULLI_NUMBERS)
)
# As exact as the ten terms, with seven.
STIRLING_SERIES = tuple(economised(c, MIN_STIRLING_ARGUMENT**-2, 7) for c in STIRLING_COEFFICIENTS)
# Duplication formula: lgamma(x + 1/2) - lgamma(x) - log(x)/2 = S(2x) - 2 S(x), here and in two derivatives.
DUPLICATION_COEFFICIENTS = BERNOULLI_NUMBERS / (EVEN_NUMBERS * (EVEN_NUMBERS - 1)) * (1 - 2.0**EVEN_NUMBERS)
HALF_STEP_SERIES = tuple(
    economised(c, 0.25 * MIN_STIRLING_ARGUMENT**-2, 7)
    for c in (
        DUPLICATION_COEFFICIENTS,
        DUPLICATION_COEFFICIENTS * (1 - EVEN_NUMBERS),
        DUPLICATION_COEFFICIENTS * (EVEN_NUMBERS - 1) * EVEN_NUMBERS,
    )
)
# The product of q + j (9 - j), j = 0..4, over q, and the product's two derivatives in q: polynomials in q.
RISING_POLYNOMIAL = np.polynomial.Polynomial.fromroots(
    [-j * (MIN_STIRLING_ARGUMENT - 1 - j) for j in range(MIN_STIRLING_ARGUMENT // 2)]
)
RISING_PRODUCT = tuple(
    c.tolist() for c in (RISING_POLYNOMIAL.coef[1:], RISING_POLYNOMIAL.deriv().coef, RISING_POLYNOMIAL.deriv(2).coef)
)
ATANH_COEFFICIENTS = [1 / (2 * k + 3) for k in range(10)]
LOG1P_SERIES = economised(ATANH_COEFFICIENTS, 0.035, 7)  # z**2 for x from -0.3 to 0.45


def horner(coefs: Any, w: np.ndarray) -> Any:
    """The polynomial with these coefficients, constant term first, at w."""
    if len(coefs) == 1:
        return coefs[0]
    value = coefs[-1] * w
    value += coefs[-2]
    for c in coefs[-3::-1]:
        value *= w
        value += c
    return value


def stirling_remainder_delta(order: int, x: np.ndarray, d: np.ndarray) -> np.ndarray:
    """The order-th derivative of S at x + d minus that at x, by the divided difference of its polynomial."""
    u, v = 1 / x, 1 / (x + d)
    s, uu, vv = u + v, u * u, v * v
    value, slope = STIRLING_SERIES[order][-1], 0.0  # synthetic division: P(v^2) and (P(v^2) - P(u^2)) / (v^2 - u^2)
    for c in STIRLING_SERIES[order][-2::-1]:
        value, slope = value * vv + c, slope * uu + value
    power = (1.0, s, s * s - u * v)[order]
    return -d * u * v * (power * value + u ** (order + 1) * s * slope)


def log1p_minus_over(x: np.ndarray, log1p: np.ndarray) -> np.ndarray:
    """(log1p(x) - x) / x, which unlike log1p(x) - x does not underflow for tiny x."""
    z = x / (2 + x)  # log1p(x) = 2 atanh(z)
    near = (1 - z) * z * z * horner(LOG1P_SERIES, z * z) - z
    return np.where((x > -0.3) & (x < 0.45), near, log1p / x - 1)


def _ascending(x: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, float | np.ndarray]:
    """Start, length and sign of the step from x to x + d, taken upward."""
    if not (d < 0).any():
        return x, d, 1.0
    return np.where(d < 0, x + d, x), np.abs(d), np.where(d < 0, -1.0, 1.0)


def _climb(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the elements below the series' range, and x with these elements moved into the range."""
    small = x < MIN_STIRLING_ARGUMENT
    return np.flatnonzero(small), x + MIN_STIRLING_ARGUMENT * small  # numbers index faster than a mask


def log_ratio(x: np.ndarray, d: np.ndarray) -> np.ndarray:
    """log((x + d) / x) for d >= 0, also where the quotient overflows."""
    r = d / x
    return np.where(np.isinf(r), np.log(x + d) - np.log(x), np.log1p(r))


def _lgamma_delta_base(x: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """lgamma(x + d) - lgamma(x) - d log(top) for d >= 0, with `small` and `top` of `_climb`."""
    small, top = _climb(x)
    r = d / top
    log1p = np.log1p(r)
    value = d * (log1p_minus_over(r, log1p) + log1p) - 0.5 * log1p + stirling_remainder_delta(0, top, d)
    if small.size:
        x, d = x[small], d[small]
        step = np.minimum(d, 1e30)  # no overflow below; beyond, these factors are lost beside d log(d) anyway
        product = 0.0  # of (1 + d / (x + k)), minus one
        for k in range(1, MIN_STIRLING_ARGUMENT):
            product = product + step / (x + k) * (1 + product)
        value[small] -= log_ratio(x, d) + np.log1p(product)
    return value, small, top


@elementwise
def lgamma_delta(x: np.ndarray, d: np.ndarray) -> np.ndarray:
    """log Gamma(x + d) - log Gamma(x) for x > 0, x + d > 0; the plain difference is noise once x >> d."""
    x, d, sign = _ascending(x, d)
    value, _, top = _lgamma_delta_base(x, d)
    return sign * (value + d * np.log(top))


@elementwise
def lgamma_delta_scaled(x: np.ndarray, d: np.ndarray) -> np.ndarray:
    """log Gamma(x + d) - log Gamma(x) - d log(x), which tends to d (d - 1) / (2 x): the Poisson limit of count laws."""
    x, d, sign = _ascending(x, d)
    value, small, top = _lgamma_delta_base(x, d)
    value[small] += d[small] * (np.log(top[small]) - np.log(x[small]))
    if np.ndim(sign):
        value -= np.where(sign < 0, d * log_ratio(x, d), 0.0)
    return sign * value


@elementwise
def digamma_delta(x: np.ndarray, d: np.ndarray) -> np.ndarray:
    """psi(x + d) - psi(x) for x > 0, x + d > 0, the derivative of `lgamma_delta` in x; about d / x for large x."""
    x, d, sign = _ascending(x, d)
    small, top = _climb(x)
    r = d / top
    value = np.log1p(r) + 0.5 * r / (top + d) + stirling_remainder_delta(1, top, d)
    if small.size:
        x, d = x[small], d[small]
        value[small] += sum(d / (x + k + d) / (x + k) for k in reversed(range(MIN_STIRLING_ARGUMENT)))
    return sign * value


@elementwise
def trigamma(x: np.ndarray) -> np.ndarray:
    """psi'(x) = sum_k 1 / (x + k)^2 for x > 0; `scipy.special.polygamma(1, x)` is ten times slower."""
    small, top = _climb(x)
    u = 1 / top
    w = u * u
    value = u + w * (0.5 + u * horner(STIRLING_SERIES[2], w))
    if small.size:
        x = x[small]
        value[small] += sum(1 / (x + k) ** 2 for k in reversed(range(MIN_STIRLING_ARGUMENT)))
    return value


@elementwise
def trigamma_delta(x: np.ndarray, d: np.ndarray) -> np.ndarray:
    """psi'(x + d) - psi'(x) for x > 0, x + d > 0, the derivative of `digamma_delta` in x; about -d / x^2."""
    x, d, sign = _ascending(x, d)
    small, top = _climb(x)
    u, v = 1 / top, 1 / (top + d)
    value = -d * u * v * (1 + 0.5 * (u + v)) + stirling_remainder_delta(2, top, d)
    if small.size:
        x, d = x[small], d[small]
        total = 0.0
        for k in reversed(range(MIN_STIRLING_ARGUMENT)):
            low, high = x + k, x + k + d
            step = d / high / low
            total = total + (step / low + step / high)
        value[small] -= total
    return sign * value


@partial(elementwise_by_order, scalars=True)
def lgamma_half_delta(nu: np.ndarray, order: int) -> tuple[np.ndarray, ...]:
    """log Gamma((nu+1)/2) - log Gamma(nu/2) - log(nu/2)/2 with derivatives in nu up to `order`: Student's constant.

    By the duplication formula it is S(nu) - 2 S(nu/2), a series in 1/nu that starts with -1/(4 nu). Small nu
    climb by log(nu (nu+2) / (nu+1)^2) / 2, whose terms and derivatives all have one sign.
    """
    small = (nu < 2 * MIN_STIRLING_ARGUMENT).astype(float)
    u = 1 / (nu + 2 * MIN_STIRLING_ARGUMENT * small)
    values = [u ** (p + 1) * horner(HALF_STEP_SERIES[p], u * u) for p in range(order + 1)]
    if np.count_nonzero(small):
        nu = np.minimum(nu, 2 * MIN_STIRLING_ARGUMENT)
        product = sum1 = sum2 = 0.0  # product of (1 - 1 / (nu+1)^2), minus one
        for k in reversed(range(MIN_STIRLING_ARGUMENT)):
            b = nu + (2 * k + 1)
            square = b * b
            if k:
                product = product - (1 + product) / square
            if order > 0:
                slope = 1 / ((nu + 2 * k) * b * (b + 1))
                sum1 = sum1 + slope
            if order > 1:
                sum2 = sum2 + slope * slope * (3 * square - 1)
        first_log = np.where(nu < 1, np.log(nu * (nu + 2) / (nu + 1) ** 2), np.log1p(-1 / (nu + 1) ** 2))
        steps_down = 0.5 * (first_log + np.log1p(product)), sum1, -sum2
        values = [value + step * small for value, step in zip(values, steps_down, strict=False)]
    return tuple(values)


@partial(elementwise_by_order, scalars=True)
def gamma_norm(k: np.ndarray, order: int) -> tuple[np.ndarray, ...]:
    """k log k - k - lgamma(k), the gamma law's constant in its shape, with its derivatives in k up to `order`.

    In the range of Stirling's series the leading parts cancel on paper, and log(k / 2 pi) / 2 - S(k) remains.
    """
    small = (k < MIN_STIRLING_ARGUMENT).astype(float)
    top = k + MIN_STIRLING_ARGUMENT * small
    u = 1 / top
    w = u * u
    values = [0.5 * np.log(top * (0.5 / np.pi)) - horner(STIRLING_SERIES[0], w) * u]
    if order > 0:
        values.append(0.5 * u - horner(STIRLING_SERIES[1], w) * w)
    if order > 1:
        values.append(-(0.5 + horner(STIRLING_SERIES[2], w) * u) * w)
    if np.count_nonzero(small):
        steps = _gamma_norm_steps(np.minimum(k, MIN_STIRLING_ARGUMENT), order)
        values = [value + step * small for value, step in zip(values, steps, strict=True)]
    return tuple(values)


def _gamma_norm_steps(k: np.ndarray, order: int) -> list:
    """The terms that the recurrence from k <= 10 to k + 10 adds to `gamma_norm` and its derivatives.

    The product of k + j over the steps is one of five factors k (k + 9) + j (9 - j), a polynomial in the first term.
    """
    top, q, log = k + MIN_STIRLING_ARGUMENT, k * (k + (MIN_STIRLING_ARGUMENT - 1)), np.log(k / (k + MIN_STIRLING_ARGUMENT))
    product = horner(RISING_PRODUCT[0], q) * q
    square = top * top
    fourth = square * square
    steps = [k * log + MIN_STIRLING_ARGUMENT + np.log(product / (fourth * fourth * square))]
    if order > 0:
        sum_inverse = horner(RISING_PRODUCT[1], q) / product  # of 1 / (q + c) over the five
        slope = 2 * k + (MIN_STIRLING_ARGUMENT - 1)
        steps.append(log + slope * sum_inverse)
    if order > 1:
        sum_inverse_squares = sum_inverse * sum_inverse - horner(RISING_PRODUCT[2], q) / product
        steps.append(1 / k - 1 / top + 2 * sum_inverse - slope * slope * sum_inverse_squares)
    return steps


@elementwise
def log1p_minus(x: np.ndarray) -> np.ndarray:
    """log(1 + x) - x for x > -1, by the series of 2 atanh(x / (2 + x)) near 0 where the difference cancels."""
    return x * log1p_minus_over(x, np.log1p(x))
