"""Derivatives of the negative binomial law in its dispersion without cancellation, down to the Poisson limit."""

from __future__ import annotations

import numpy as np

from .._special import _ATANH, _START, _elementwise, _horner, _remainder_delta, digamma_delta, log1p_minus, trigamma_delta

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


def _thinning(w, order):
    def near(rows):
        u = w[rows]
        z, t = -u / (2 + u), u / (1 + u)  # log(1 - t) = 2 atanh(z)
        slope = log1p_minus(-t) / u / u
        if order < 2:
            return (slope,)
        return slope, -4 * (z / u) ** 3 * (1 / (1 - z) ** 2 + _horner(_ATANH, z * z))

    def far(rows):
        u = w[rows]
        t, log = u / (1 + u), np.log1p(u)
        return ((t - log) / u / u,) if order < 2 else ((t - log) / u / u, (2 * (log - t) - t * t) / u / u / u)

    return _choose(w < 0.42, near, far)


@_elementwise
def rising_slope(a, y):
    """Derivative in a of log Gamma(1/a + y) - log Gamma(1/a) + y log(a) = sum_{k<y} log(1 + a k); y (y-1) / 2 at zero."""
    return _rising(a, y, 1)[0]


@_elementwise
def rising_slopes(a, y):
    """The same and the second derivative, which tends to -y (y-1) (2y-1) / 6."""
    return _rising(a, y, 2)


@_elementwise
def thinning_slope(w):
    """Derivative of log(1 + w) / w, which tends to -1/2 as w -> 0."""
    return _thinning(w, 1)[0]


@_elementwise
def thinning_slopes(w):
    """The same and the second derivative, which tends to 2/3."""
    return _thinning(w, 2)
