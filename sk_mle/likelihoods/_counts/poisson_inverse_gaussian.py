"""The Poisson-inverse Gaussian law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import xlogy

from ..._special.bessel import MIN_UNIFORM_ORDER, log_bessel, log_bessel_derivatives, log_uniform
from ..._special.logarithms import log_factorial_remainder, minus_half_poisson_deviance
from ...domains import NONNEGATIVE, POSITIVE
from .._families.counts import count_mean
from .._families.mean_power import excess
from .._families.summed import SummedCount
from .._protocol.parameter import Parameter
from .._protocol.relations import Relations


class PoissonInverseGaussian(SummedCount):
    r"""Poisson law whose mean varies by an inverse Gaussian law: over-dispersed counts with a heavier tail than NB2.

    .. math:: p(y) = \sqrt{\frac{2}{\pi u}}\; \frac{(m / s)^y}{y!}\; e^{1/d} K_{y - 1/2}(1/u),
        \quad m = \mathrm{mean},\; d = \mathrm{dispersion},\; s = \sqrt{1 + 2 m d},\; u = d / s

    Mean `mean`, variance `mean + dispersion * mean**2`; K is the modified Bessel function. scipy.stats: none; statsmodels:
    none; R: gamlss ``PIG`` (dispersion is its sigma). Non-integer y are accepted.

    Parameters
    ----------
    mean, dispersion : float, optional
        A number fixes the parameter (dispersion=0: the Poisson law); None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log.

    References
    ----------
    Dean, C., Lawless, J. F., Willmot, G. E. (1989). A mixed Poisson-inverse-Gaussian regression model. Canadian Journal of
    Statistics 17, 171-181. doi:10.2307/3314846

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> model = MLERegressor(PoissonInverseGaussian()).fit([[0], [0], [0], [1], [1], [1]], [0, 1, 5, 2, 9, 25])
    >>> model.coef_.round(4)
    array([1.8105])
    """

    parameters = {"mean": POSITIVE, "dispersion": Parameter(POSITIVE, allowed=NONNEGATIVE)}

    relations = Relations(limits={"Poisson": {"dispersion": 0.0}})

    def __init__(self, *, mean: Any = None, dispersion: Any = None, links: Any = None) -> None:
        self.mean, self.dispersion, self.links = mean, dispersion, links

    def terms(self, y: np.ndarray, order: int, mean: np.ndarray, dispersion: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        y, mean, dispersion = np.broadcast_arrays(*(np.asarray(v, float) for v in (y, mean, dispersion)))
        parts, many = np.empty(((1, 3, 6)[order], *y.shape)), y >= MIN_UNIFORM_ORDER + 0.5
        for rows, formula in ((~many, _terms_by_bessel), (many, _terms_by_expansion)):
            if rows.any():
                parts[:, rows] = formula(y[rows], mean[rows], dispersion[rows], order)
        loglik = np.where(np.isinf(mean), -np.inf, parts[0] + self.base_measure(y))  # then no finite count has a mass
        pairs = ("mean", "mean"), ("mean", "dispersion"), ("dispersion", "dispersion")
        return loglik, dict(zip(self.parameters, parts[1:], strict=False)), dict(zip(pairs, parts[3:], strict=False))

    def base_measure(self, y: np.ndarray) -> np.ndarray:
        return -log_factorial_remainder(y)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        mean = count_mean(y, sample_weight)
        return {"mean": mean, **self.refine(y, sample_weight, mean=mean)}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, mean: float | np.ndarray, **others: np.ndarray) -> dict:
        return {"dispersion": excess(y, sample_weight, mean)}

    def expectation(self, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
        return mean + 0 * dispersion

    def variance(self, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
        return mean + dispersion * mean**2

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], mean: np.ndarray, dispersion: np.ndarray
    ) -> np.ndarray:
        mean = np.broadcast_to(mean, size)
        return rng.poisson(rng.wald(mean, mean / np.maximum(dispersion, 1e-50))).astype(float)


def _terms_by_bessel(y: np.ndarray, m: np.ndarray, d: np.ndarray, order: int) -> tuple:
    """Log mass without `base_measure`, two first and three second derivatives, by the Bessel function itself."""
    s = np.sqrt(1 + 2 * m * d)
    value = xlogy(y, m / s) - xlogy(y, y) + y - 2 * m / (1 + s) + log_bessel(y - 0.5, d / s)
    if order == 0:
        return (value,)
    q, (d_u, d_uu) = 1 + m * d, log_bessel_derivatives(y - 0.5, d / s)
    d_m = y * q / (m * s**2) - 1 / s - d_u * d**2 / s**3
    d_d = 2 * (m / (1 + s)) ** 2 / s - y * m / s**2 + d_u * q / s**3
    if order == 1:
        return value, d_m, d_d
    u_m, u_d, mixed = -(d**2) / s**3, (1 + m * d) / s**3, d_u * (2 + m * d) / s**5
    return (
        value,
        d_m,
        d_d,
        d / s**3 * (1 + 3 * d_u * (d / s) ** 2) - y * (1 + 4 * m * d + 2 * (m * d) ** 2) / (m * s**2) ** 2 + d_uu * u_m**2,
        m / s**3 - y / s**4 + d_uu * u_m * u_d - d * mixed,
        2 * (m / s**2) ** 2 * y - 2 * (m / s / (1 + s)) ** 3 * (1 + 3 * s) + d_uu * u_d**2 - m * mixed,
    )


def _terms_by_expansion(y: np.ndarray, m: np.ndarray, d: np.ndarray, order: int) -> tuple:
    """`_terms_by_bessel` for large y, by the expansion of the Bessel function for large orders.

    It is Laplace's method about the rate `top`, which maximises the product of the Poisson mass (of a count nu = y - 1/2) and
    the inverse Gaussian density. Both are written in `move` = (top - m) / d, so that no large terms cancel.
    """
    nu, wide = y - 0.5, 1 + 2 * m * d
    big = wide + (d * nu) ** 2
    root = np.sqrt(big)
    move = 2 * m * (nu - m) / (wide * (1 + 1 / (root + d * nu)))
    top = m * (d * nu + root) / wide
    short, cost = move * (top + m) / (2 * m * top), move**2 / (2 * m * top)  # nu - top, and the inverse Gaussian's gap over d
    t = nu * d / root
    series, *d_series = log_uniform(nu, t, order > 0)
    value = minus_half_poisson_deviance(nu, top, short) - d * cost + 0.5 * np.log(m / y) - 0.25 * np.log(big) + series
    value += nu * np.log1p(-0.5 / y) + 0.5
    if order == 0:
        return (value,)
    (d_t, d_tt), cube, half = d_series, big * root, m + d * nu**2  # half the derivative of `big` in d
    t_m, t_d = -nu * d**2 / cube, nu * (1 + m * d) / cube
    d_m = (short + 0.5) / m - 0.5 * d / big + d_t * t_m
    d_d = cost - 0.5 * half / big + d_t * t_d
    if order == 1:
        return value, d_m, d_d
    t_mm, t_md = 3 * nu * d**3 / (cube * big), nu * d * (1 - 3 * (1 + m * d) / big) / cube
    t_dd = nu * (m - 3 * (1 + m * d) * half / big) / cube
    return (
        value,
        d_m,
        d_d,
        -(short + 0.5) / m**2 - (top**2 + m**2) / (2 * m**3 * root) + (d / big) ** 2 + d_tt * t_m**2 + d_t * t_mm,
        -top * short / (m * root) + ((d * nu) ** 2 - 1) / (2 * big**2) + d_tt * t_m * t_d + d_t * t_md,
        2 * cost / root * (0.5 * d * cost - (2 * m + d * nu**2) / (1 + root))
        + (half / big) ** 2
        - 0.5 * nu**2 / big
        + d_tt * t_d**2
        + d_t * t_dd,
    )
