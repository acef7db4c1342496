"""The modified Bessel function K of large argument or order in logs, with derivatives that do not cancel."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import kve

from .elementwise import elementwise
from .gamma_functions import horner

MIN_UNIFORM_ORDER = 16  # order from which the uniform expansion is exact to double precision
MIN_HANKEL_ARGUMENT = 40  # argument from which Hankel's expansion is exact, for orders up to the root of the argument
HANKEL_TERMS = 16


def _debye_polynomials(count: int) -> list:
    """u_0, u_1, ... of the uniform expansion (DLMF 10.41.9) with two derivatives: lowest power, every other coefficient."""
    u = [np.polynomial.Polynomial([1.0])]
    factor, weight = np.polynomial.Polynomial([0, 0, 0.5, 0, -0.5]), np.polynomial.Polynomial([0.125, 0, -0.625])
    for _ in range(count):
        u.append(factor * u[-1].deriv() + (weight * u[-1]).integ())
    lists = [[(p.deriv(k) if k else p).coef for p in u] for k in range(3)]
    return [[(int((c != 0).argmax()), c[(c != 0).argmax() :: 2].tolist()) for c in row] for row in lists]


DEBYE_POLYNOMIALS = _debye_polynomials(14)


def _uniform(rows: list, nu: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
    """Sums of (-1 / nu)^k u_k(t) and of their derivatives, one for each of the rows of polynomials."""
    powers, square = [np.ones_like(t), t], t * t
    for _ in range(len(rows[0]) - 2):
        powers.append(powers[-1] * t)
    return [horner([powers[low] * horner(coefs, square) for low, coefs in row], -1 / nu) for row in rows]


def _log_derivatives(value: np.ndarray, d1: np.ndarray, d2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of log f from those of f."""
    return d1 / value, d2 / value - (d1 / value) ** 2


def _debye(nu: np.ndarray, u: np.ndarray, derivatives: Any) -> tuple:
    """(value,) or (d1, d2) of `log_bessel` by Debye's uniform expansion for large orders."""
    v = nu * u
    r = np.sqrt(1 + v * v)
    if not derivatives:
        return (nu * (np.arcsinh(v) - v / (1 + r)) - 0.5 * np.log(r) + np.log(_uniform(DEBYE_POLYNOMIALS[:1], nu, v / r)[0]),)
    dt, (d1, d2) = nu / r**3, _log_derivatives(*_uniform(DEBYE_POLYNOMIALS, nu, v / r))
    d_u = nu**2 / (1 + r) - 0.5 * nu * v / r**2 + d1 * dt
    d_uu = nu**2 * (-v * nu / (r * (1 + r) ** 2) + 0.5 * (v * v - 1) / r**4) + d2 * dt**2 - 3 * d1 * nu**2 * v / r**5
    return d_u, d_uu


def log_uniform(nu: np.ndarray, t: np.ndarray, derivatives: bool) -> tuple[np.ndarray, ...]:
    """log of the sum of the expansion for orders from `MIN_UNIFORM_ORDER` on, and with `derivatives` two of them in t.

    t = v / r, v = nu u, r^2 = 1 + v^2.
    """
    if not derivatives:
        return (np.log(_uniform(DEBYE_POLYNOMIALS[:1], nu, t)[0]),)
    value, d1, d2 = _uniform(DEBYE_POLYNOMIALS, nu, t)
    return np.log(value), *_log_derivatives(value, d1, d2)


def _hankel(nu: np.ndarray, u: np.ndarray, derivatives: bool) -> tuple[np.ndarray, ...]:
    """(value,) or (d1, d2) of `log_bessel` by Hankel's expansion for large arguments."""
    coefs, a = [], np.ones_like(nu)
    for k in range(1, HANKEL_TERMS + 1):
        a = a * ((2 * nu) ** 2 - (2 * k - 1) ** 2) / (8 * k)
        coefs.append(a)
    excess = u * horner(coefs, u)
    if not derivatives:
        return (np.log1p(excess),)
    d1 = horner([k * c for k, c in enumerate(coefs, start=1)], u)
    d2 = horner([k * (k - 1) * c for k, c in enumerate(coefs[1:], start=2)], u)
    return _log_derivatives(1 + excess, d1, d2)


def _climb(nu: np.ndarray, u: np.ndarray, derivatives: bool) -> tuple:
    """(value,) or (d1, d2) of `log_bessel` by upward recurrence from an order between -1/2 and 1/2.

    The recurrence runs in the excess of K_(nu+1) / K_nu over its leading parts.
    """
    n_steps = np.floor(nu + 0.5)
    low = nu - n_steps
    value, excess = np.zeros_like(nu), np.zeros_like(nu)
    needs_start = low != -0.5
    if needs_start.any():
        order, inverse = low[needs_start], u[needs_start]
        base, small = kve(order, 1 / inverse), np.minimum(inverse, 1 / MIN_HANKEL_ARGUMENT)
        start = (
            np.log(base * np.sqrt(2 / (np.pi * inverse))),
            kve(order + 1, 1 / inverse) / base - 1 - (order + 0.5) * inverse,
        )
        large_argument = _hankel(order, small, False)[0], small**2 * _hankel(order, small, True)[0]
        value[needs_start], excess[needs_start] = np.where(inverse * MIN_HANKEL_ARGUMENT < 1, large_argument, start)
    for k in range(int(n_steps.max(initial=0.0))):
        ratio_excess, climbing = excess + (low + k + 0.5) * u, k < n_steps
        value = value + np.where(climbing, np.log1p(ratio_excess), 0.0)
        excess = np.where(climbing, ratio_excess * (ratio_excess / (1 + ratio_excess)) - excess, excess)
    x = 1 / u
    d_u = x * (x * excess)
    return (d_u, x * x * (nu * nu - 0.25 - d_u * (2 + 2 * u + excess))) if derivatives else (value,)


def _by_region(nu: np.ndarray, u: np.ndarray, derivatives: bool) -> tuple:
    """(value,) or, with `derivatives`, (d1, d2) of `log_bessel`, each element by the expansion that is exact there."""
    large_order = nu >= MIN_UNIFORM_ORDER
    large_argument = ~large_order & (u * np.maximum(MIN_HANKEL_ARGUMENT, nu * nu) < 1)
    result = tuple(np.empty_like(nu) for _ in range(1 + derivatives))
    for rows, formula in ((large_order, _debye), (large_argument, _hankel), (~large_order & ~large_argument, _climb)):
        if rows.any():
            for target, part in zip(result, formula(nu[rows], u[rows], derivatives), strict=True):
                target[rows] = part
    return result


@elementwise
def log_bessel(nu: np.ndarray, u: np.ndarray) -> np.ndarray:
    """log of K_nu(x) e^x (2 x / pi)^(1/2) at x = 1/u, for nu >= -1/2; (4 nu^2 - 1) / 8 u for small u."""
    return _by_region(nu, u, False)[0]


@elementwise
def log_bessel_derivatives(nu: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of `log_bessel` in u, to full relative accuracy as u -> 0."""
    return _by_region(nu, u, True)
