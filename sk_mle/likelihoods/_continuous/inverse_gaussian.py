"""The inverse Gaussian law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import erfcx, hyperu, log_ndtr

from ..._special.elementwise import elementwise
from ...domains import POSITIVE
from ...links import Probit
from .._fallbacks.quantile import newton_quantile
from .._protocol.base import Likelihood

LOG_2PI = np.log(2 * np.pi)
GAUSS_NODES, GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(12)
MAX_MEAN = 1e300  # mean from which on the law is Lévy's, its limit for an infinite mean


class InverseGaussian(Likelihood):
    r"""Inverse Gaussian (Wald) law in its mean and shape: the first passage of a Brownian motion with drift.

    .. math:: p(y) = \sqrt{\frac{k}{2\pi y^3}} \exp\left\{-\frac{k (y - m)^2}{2 m^2 y}\right\}, \quad
        m = \mathrm{mean},\; k = \mathrm{shape}

    Mean `mean`, variance `mean**3 / shape`. scipy.stats: ``invgauss(mean / shape, scale=shape)``; statsmodels:
    ``GLM(family=InverseGaussian())`` (its scale is 1 / shape); R: ``glm(family=inverse.gaussian)``, statmod ``dinvgauss``,
    gamlss ``IG`` (sigma = shape**-0.5).

    Parameters
    ----------
    mean, shape : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log. The canonical link of the mean is "inverse_squared".

    References
    ----------
    Tweedie, M. C. K. (1957). Statistical properties of inverse Gaussian distributions. Annals of Mathematical Statistics
    28, 362-377. doi:10.1214/aoms/1177706964

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(InverseGaussian()).fit([[0], [1], [2]], [1.0, 2.0, 4.1]).coef_.round(3)
    array([0.703])
    """

    parameters = {"mean": POSITIVE, "shape": POSITIVE}
    support = POSITIVE

    def __init__(self, *, mean: Any = None, shape: Any = None, links: Any = None) -> None:
        self.mean, self.shape, self.links = mean, shape, links

    def terms(self, y: np.ndarray, order: int, mean: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        deviance = _deviance(y, mean)
        value = 0.5 * (np.log(shape) - LOG_2PI - 3 * np.log(y) - shape * deviance)
        if order == 0:
            return value, {}, {}
        d = (y - mean) / mean**3
        gradient = {"mean": shape * d, "shape": 0.5 * (1 / shape - deviance)}
        mean_mean, shape_shape = shape * (2 - 3 * y / mean) / mean**3, -0.5 / shape**2 + 0 * y
        return value, gradient, {("mean", "mean"): mean_mean, ("mean", "shape"): d, ("shape", "shape"): shape_shape}

    def fisher(self, mean: np.ndarray, shape: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {("mean", "mean"): shape / mean**3, ("shape", "shape"): 0.5 / shape**2 + 0 * mean}

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        mean = float(np.average(y, weights=sample_weight))
        return {"mean": mean, **self.refine(y, sample_weight, mean=mean)}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, mean: float | np.ndarray, **others: np.ndarray) -> dict:
        deviance = float(np.average(_deviance(y, mean), weights=sample_weight))
        return {"shape": 1 / max(deviance, 1e-30 / float(np.max(y)))}

    def expectation(self, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return mean + 0 * shape

    def variance(self, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return mean**3 / shape

    def entropy(self, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        x = 2 * shape / mean
        return 0.5 * (1 + LOG_2PI + 3 * np.log(mean) - np.log(shape) - 3 * hyperu(1, 1, x))  # hyperu: exp(x) E1(x)

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        below, above = _log_tails(y, mean, shape)
        far = below < -0.7  # where y lies below the median
        value = np.where(far, np.log1p(-np.exp(below)), above) if upper else np.where(far, below, np.log1p(-np.exp(above)))
        return value if log else np.exp(value)

    def ppf(self, q: np.ndarray, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        def logs(x: np.ndarray, upper: bool, mean: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            y = mean * np.exp(x)
            return self.tail_probability(y, upper, True, mean, shape), self.loglik(y, mean, shape) + np.log(y)

        with np.errstate(over="ignore"):
            return mean * np.exp(newton_quantile(logs, q, {"mean": mean, "shape": shape}, (-1500.0, 1500.0), 0.0))

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        v = mean / (2 * shape) * rng.standard_normal(size) ** 2
        low = 1 / (1 + v + np.sqrt(v * (2 + v)))  # of two roots, whose product is mean**2; numpy's own cancels for small ones
        return mean * np.where(rng.uniform(size=size) * (1 + low) <= 1, low, 1 / low)


def _relative_difference(y: np.ndarray, mean: np.ndarray) -> np.ndarray:
    mean = np.minimum(mean, MAX_MEAN)
    return (y - mean) / mean


def _deviance(y: np.ndarray, mean: Any) -> np.ndarray:
    gap = _relative_difference(y, mean)
    return gap * (gap / y)  # a square may overflow


@elementwise
def _log_tails(y: np.ndarray, mean: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log of P(Y <= y) = Phi(a) + R(b) phi(a) and of P(Y > y) = (R(a) - R(b)) phi(a), R(x) = Phi(-x) / phi(x) Mills' ratio.

    The second loses its digits far below the median.
    """
    y = np.maximum(y, 0.0)
    root = np.sqrt(shape / y)
    gap = _relative_difference(y, mean)
    a, b = root * gap, root * (gap + 2.0)
    log_phi = -0.5 * (a**2 + LOG_2PI)
    return np.logaddexp(log_ndtr(a), log_phi + np.log(_mills(b))), log_phi + _log_mills_gap(a, b, 2 * root)


def _mills(x: np.ndarray) -> np.ndarray:
    return np.sqrt(np.pi / 2) * erfcx(x / np.sqrt(2))


def _log_mills_gap(a: np.ndarray, b: np.ndarray, width: np.ndarray) -> np.ndarray:
    """log(R(a) - R(b)) for a < b = a + width; if they are close, by the integral of -R' = 1 - x R."""
    value = np.log(_mills(a) - _mills(b))
    near = (_mills(b) > 0.5 * _mills(a)) & (width < 1e300)
    if near.any():
        half = width[near, None] / 2
        _, inverse, d2 = Probit().log_inverse(-(a[near, None] + half * (1 + GAUSS_NODES)))
        value[near] = np.log((-d2 / inverse**2 * GAUSS_WEIGHTS).sum(axis=1)) + np.log(half[:, 0])
    return value
