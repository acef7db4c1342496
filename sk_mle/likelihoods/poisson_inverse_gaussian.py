"""The Poisson-inverse Gaussian law."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, xlogy

from ..domains import POSITIVE
from ._bessel import log_bessel, log_bessel_slopes
from ._mean_power import excess
from ._summed import SummedCount
from .poisson import count_mean


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

    parameters = {"mean": POSITIVE, "dispersion": POSITIVE}

    limits = {"Poisson": {"dispersion": 0.0}}

    def __init__(self, *, mean=None, dispersion=None, links=None):
        self.mean, self.dispersion, self.links = mean, dispersion, links

    def limit(self, name, value):
        return name == "dispersion" and value == 0

    def loglik(self, y, mean, dispersion):
        s = np.sqrt(1 + 2 * mean * dispersion)
        return xlogy(y, mean / s) - 2 * mean / (1 + s) - gammaln(y + 1) + log_bessel(y - 0.5, dispersion / s)

    def gradient(self, y, mean, dispersion):
        q, s = 1 + mean * dispersion, np.sqrt(1 + 2 * mean * dispersion)
        slope, _ = log_bessel_slopes(y - 0.5, dispersion / s)
        return {
            "mean": y * q / (mean * s**2) - 1 / s - slope * dispersion**2 / s**3,
            "dispersion": 2 * (mean / (1 + s)) ** 2 / s - y * mean / s**2 + slope * q / s**3,
        }

    def hessian(self, y, mean, dispersion):
        m, d, s = mean, dispersion, np.sqrt(1 + 2 * mean * dispersion)
        slope, bend = log_bessel_slopes(y - 0.5, d / s)
        on_m, on_d = -(d**2) / s**3, (1 + m * d) / s**3  # of u
        mixed = slope * (2 + m * d) / s**5
        return {
            ("mean", "mean"): d / s**3 * (1 + 3 * slope * (d / s) ** 2)
            - y * (1 + 4 * m * d + 2 * (m * d) ** 2) / (m * s**2) ** 2
            + bend * on_m**2,
            ("mean", "dispersion"): m / s**3 - y / s**4 + bend * on_m * on_d - d * mixed,
            ("dispersion", "dispersion"): 2 * (m / s**2) ** 2 * y
            - 2 * (m / s / (1 + s)) ** 3 * (1 + 3 * s)
            + bend * on_d**2
            - m * mixed,
        }

    def start(self, y, sample_weight):
        mean = count_mean(y, sample_weight)
        return {"mean": mean, **self.refine(y, sample_weight, mean=mean)}

    def refine(self, y, sample_weight, mean, **others):
        return {"dispersion": excess(y, sample_weight, mean)}

    def expectation(self, mean, dispersion):
        return mean + 0 * dispersion

    def variance(self, mean, dispersion):
        return mean + dispersion * mean**2

    def rvs(self, rng, size, mean, dispersion):
        mean = np.broadcast_to(mean, size)
        return rng.poisson(rng.wald(mean, mean / np.maximum(dispersion, 1e-12))).astype(float)
