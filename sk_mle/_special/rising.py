"""Remainders of Stirling's main terms for rising factorials, without cancellation, down to the Poisson limit of count laws."""

from __future__ import annotations

from functools import partial

import numpy as np

from .elementwise import elementwise_by_order
from .gamma_functions import MIN_STIRLING_ARGUMENT, digamma_delta, log_ratio, stirling_remainder_delta, trigamma_delta
from .logarithms import log1p_remainder, log_factorial_remainder


def rising_factorial_remainder_in_log(x: np.ndarray, d: np.ndarray, order: int) -> list[np.ndarray]:
    """log Gamma(x + d) - log Gamma(x) - [(x + d) log(x + d) - x log x - d] for d >= 0, with derivatives in log x.

    For order 2 two values follow the first derivative: the second, and the sum of both, which for large x is far smaller.
    """
    small, share = x < MIN_STIRLING_ARGUMENT, d / (x + d)
    top = np.where(small, MIN_STIRLING_ARGUMENT, x)
    values = [stirling_remainder_delta(0, top, d) - 0.5 * np.log1p(d / top)]
    if order:
        main = top * stirling_remainder_delta(1, top, d)
        values.append(0.5 * share + main)
    if order == 2:
        second_part = top * top * stirling_remainder_delta(2, top, d)
        values += [main + second_part - 0.5 * share * x / (x + d), 2 * main + second_part + 0.5 * share * share]
    if small.any():
        x, d, share = x[small], d[small], share[small]
        main = x * log_ratio(x, d)
        values[0][small] = log_factorial_remainder(x + d) - log_factorial_remainder(x) - log_ratio(x, d)
        x = np.maximum(x, 1e-150)
        if order:
            first = x * digamma_delta(x, d)
            values[1][small] = first - main
        if order == 2:
            second = first + x * (x * trigamma_delta(x, d)) - main + x * share
            values[2][small], values[3][small] = second, second + first - main
    return values


def _sums(a: np.ndarray, y: np.ndarray, order: int) -> tuple:
    """`rising_factorial_remainder` at one a and y = 0, 1, 2, ..., by adding up the logs of the rising factorial's terms."""
    share, step = y / (1 + a * y), a * y
    terms = (np.log1p(step), share, -share * share)[: order + 1]
    value, *derivatives = (np.cumsum(np.append(0.0, term[:-1]), dtype=np.longdouble).astype(float) for term in terms)
    log1p_remainders = log1p_remainder(step, a * share, order=max(order, 1))
    log_excess = log1p_remainders[0] - step * (a * share)  # log(1 + a y) - a y
    value = value - y * terms[0] - log_excess / a
    if order:
        derivatives[0] = derivatives[0] + log_excess / (a * a)
    if order == 2:
        derivatives[1] = derivatives[1] - 2 * log1p_remainders[1] / a / a / a + y * share**2
    return value, *derivatives


@partial(elementwise_by_order, sums=_sums)
def rising_factorial_remainder(a: np.ndarray, y: np.ndarray, order: int) -> tuple[np.ndarray, ...]:
    """`rising_factorial_remainder_in_log` at x = 1 / a and d = y, with derivatives in a; about -a y / 2 for small a."""
    x = 1 / a
    value, *logs = rising_factorial_remainder_in_log(x, y, order)
    return (value, *(-x * d1 for d1 in logs[:1]), *(x * (x * d2) for d2 in logs[2:]))
