"""Functions with a removable singularity at 0, exact at it and on both sides: there shape parameters have their limits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from .elementwise import elementwise
from .gamma_functions import horner


def _log1p_ratio_series() -> list:
    """log(1 + x) / x and two derivatives as polynomials in s = x / (2 + x): 2 atanh(s) / x, and ds/dx = (1 - s)^2 / 2."""
    atanh = [0 if k % 2 else 1 / (k + 1) for k in range(30)]
    series = [np.polynomial.Polynomial(atanh) * np.polynomial.Polynomial([1, -1])]
    for _ in range(2):
        series.append(series[-1].deriv() * np.polynomial.Polynomial([0.5, -1, 0.5]))
    return [polynomial.coef.tolist() for polynomial in series]


LOG1P_RATIO_SERIES = _log1p_ratio_series()
EXPREL_SERIES = [[1 / (special.gamma(j + 1) * (j + k + 1)) for j in range(18)] for k in range(3)]
EXPREL2_SERIES = [[c / (j + k + 2) for j, c in enumerate(coefs)] for k, coefs in enumerate(EXPREL_SERIES)]


@elementwise
def log1p_ratio(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log(1 + x) / x for x > -1, with its first two derivatives."""
    value = np.log1p(x) / x
    d1 = (1 / (1 + x) - value) / x
    d2 = -(1 / (1 + x) ** 2 + 2 * d1) / x
    return _near_zero(np.abs(x) < 0.4, x / (2 + x), LOG1P_RATIO_SERIES, (value, d1, d2))


@elementwise
def exprel(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(exp(x) - 1) / x with its first two derivatives; `scipy.special.exprel` gives the value alone."""
    value = np.expm1(x) / x
    d1 = (np.exp(x) - value) / x
    d2 = (np.exp(x) - 2 * d1) / x
    return _near_zero(np.abs(x) < 1, x, EXPREL_SERIES, (value, d1, d2))


@elementwise
def exprel2(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(exp(x) - 1 - x) / x**2 with its first two derivatives."""
    first = np.expm1(x) / x
    value = (first - 1) / x
    d1 = (first - 2 * value) / x
    d2 = ((np.exp(x) - 2 * value) / x - 4 * d1) / x
    return _near_zero(np.abs(x) < 1, x, EXPREL2_SERIES, (value, d1, d2))


def _near_zero(
    near: np.ndarray, s: np.ndarray, series: list, values: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The values, in place, with those that are `near` replaced by polynomials in s."""
    if near.any():
        s = s[near]
        for value, coefs in zip(values, series, strict=True):
            value[near] = horner(coefs, s)
    return values


def analytic(f: Callable, radius: float = 0.4, reach: float = 0.2) -> Callable:
    """The function f with its removable singularity at 0 filled in: within `reach` of 0 it is its Taylor polynomial.

    The coefficients are found once, from f on a circle in the complex plane, where nothing cancels (Cauchy's formula);
    f must have no other singularity within or on the circle. It may return several values, stacked on a first axis.
    """
    n = np.arange(256)
    values = f(radius * np.exp(2j * np.pi * n / 256))
    coefs = np.moveaxis(np.fft.fft(values).real / 256 / radius**n, -1, 0)[:40]

    def filled_in(x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, float)
        near = np.abs(x) < reach
        with np.errstate(all="ignore"):
            series = horner([c.reshape(c.shape + (1,) * x.ndim) for c in coefs], np.where(near, x, 0.0))
            return np.where(near, series, f(np.where(near, reach, x)))

    return filled_in
