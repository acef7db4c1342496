"""What Stirling's main terms leave of a rising factorial, without cancellation, down to the Poisson limit of count laws."""

from __future__ import annotations

from functools import partial

import numpy as np

from .gamma_functions import MIN_STIRLING_ARGUMENT, _log_ratio, _ordered, _remainder_delta, digamma_delta, trigamma_delta
from .logarithms import factorial_rest, log1p_rest


def rest_in_log(x, d, order):
    """log Gamma(x + d) - log Gamma(x) - [(x + d) log(x + d) - x log x - d] for d >= 0, and derivatives in log x.

    Beyond order 1 there are two more: the second derivative, and its sum with the first, which for large x is far smaller.
    """
    small, share = x < MIN_STIRLING_ARGUMENT, d / (x + d)
    top = np.where(small, MIN_STIRLING_ARGUMENT, x)
    values = [_remainder_delta(0, top, d) - 0.5 * np.log1p(d / top)]
    if order:
        main = top * _remainder_delta(1, top, d)
        values.append(0.5 * share + main)
    if order == 2:
        curve = top * top * _remainder_delta(2, top, d)
        values += [main + curve - 0.5 * share * x / (x + d), 2 * main + curve + 0.5 * share * share]
    if small.any():
        x, d, share = x[small], d[small], share[small]
        main = x * _log_ratio(x, d)
        values[0][small] = factorial_rest(x + d) - factorial_rest(x) - _log_ratio(x, d)
        x = np.maximum(x, 1e-150)
        if order:
            first = x * digamma_delta(x, d)
            values[1][small] = first - main
        if order == 2:
            second = first + x * (x * trigamma_delta(x, d)) - main + x * share
            values[2][small], values[3][small] = second, second + first - main
    return values


def _sums(a, y, order):
    """`rising_rest` at one a and y = 0, 1, 2, ...: a step adds one term to the rising factorial, and few digits are lost."""
    share, step = y / (1 + a * y), a * y
    terms = (np.log1p(step), share, -share * share)[: order + 1]
    value, *derivatives = (np.cumsum(np.append(0.0, term[:-1]), dtype=np.longdouble).astype(float) for term in terms)
    beyond = log1p_rest(step, order=max(order, 1))
    lost = beyond[0] - step * (a * share)  # log(1 + a y) - a y
    value = value - y * terms[0] - lost / a
    if order:
        derivatives[0] = derivatives[0] + lost / (a * a)
    if order == 2:
        derivatives[1] = derivatives[1] - 2 * beyond[1] / a / a / a + y * share**2
    return value, *derivatives


@partial(_ordered, sums=_sums)
def rising_rest(a, y, order):
    """The same for x = 1 / a and d = y, with derivatives in a; near zero about -a y / 2."""
    x = 1 / a
    value, *logs = rest_in_log(x, y, order)
    return (value, *(-x * d1 for d1 in logs[:1]), *(x * (x * d2) for d2 in logs[2:]))
