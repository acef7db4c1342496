"""The negative binomial law's rising factorial in its dispersion, without cancellation, down to the Poisson limit."""

from __future__ import annotations

from functools import partial

import numpy as np

from .._special import (
    _START,
    _horner,
    _ordered,
    _remainder_delta,
    digamma_delta,
    lgamma_delta_scaled,
    log1p_minus,
    trigamma_delta,
)

_SUM = [(2 * k + 2) / (2 * k + 3) for k in range(10)]


def _choose(mask, yes, no):
    """Two formulas, each computed only where it serves; both return a tuple of arrays."""
    if mask.all():
        return yes(mask)
    if not mask.any():
        return no(~mask)
    result = None
    for rows, formula in ((mask, yes), (~mask, no)):
        parts = formula(rows)
        result = result or tuple(np.empty(mask.shape) for _ in parts)
        for whole, part in zip(result, parts, strict=True):
            whole[rows] = part
    return result


def _rising(a, y, order):
    def far(rows):  # Stirling's series with its leading parts cancelled on paper
        top, d = 1 / a[rows], y[rows]
        r, v = a[rows] * d, 1 / (top + d)
        first = _remainder_delta(1, top, d)
        slope = -log1p_minus(r) - 0.5 * r * v - first
        if order < 2:
            return (top * (top * slope),)
        z, share = r / (2 + r), r / (1 + r)
        bend = np.where(r < 0.45, 4 * z**3 * _horner(_SUM, z * z), r + share - 2 * np.log1p(r))
        curve = bend - 0.5 * r * v * share - 2 * first - top * _remainder_delta(2, top, d)
        return top * (top * slope), -top * (top * (top * curve))

    def near(rows):
        x, d = 1 / a[rows], y[rows]
        r, gap = a[rows] * d, digamma_delta(x, d)
        slope = x * (x * (r - gap))
        return (slope,) if order < 2 else (slope, -x * (x * (x * (r - 2 * gap - x * trigamma_delta(x, d)))))

    return _choose(a * _START < 1, far, near)


def _sums(a, y, order):
    """The same at one a and y = 0, 1, 2, ..., where a step adds one term; none of them cancels."""
    share = y / (1 + a * y)
    terms = (np.log1p(a * y), share, -share * share)[: order + 1]
    return tuple(np.cumsum(np.append(0.0, term[:-1]), dtype=np.longdouble).astype(float) for term in terms)


@partial(_ordered, sums=_sums)
def rising(a, y, order):
    """log Gamma(1/a + y) - log Gamma(1/a) + y log(a) = sum_{k<y} log(1 + a k), with its derivatives in a.

    At zero they are y (y-1) / 2 and -y (y-1) (2y-1) / 6.
    """
    return (lgamma_delta_scaled(1 / a, y), *(_rising(a, y, order) if order else ()))
