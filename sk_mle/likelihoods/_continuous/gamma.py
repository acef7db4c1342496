"""The gamma law."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._special.gamma_functions import gamma_norm, lgamma_delta
from ..._special.logarithms import minus_half_gamma_deviance, minus_half_gamma_deviance_and_excess
from ..._special.tails import log_gamma_tail, log_gammainc
from ...domains import POSITIVE
from .._families.log_gamma import LogGamma
from .._protocol.base import Likelihood
from .._protocol.relations import Relations


class Gamma(Likelihood):
    r"""Gamma law in its mean and shape.

    .. math:: p(y) = \frac{1}{\Gamma(k)\, y} \left(\frac{k y}{m}\right)^k e^{-k y / m}, \quad
        m = \mathrm{mean},\; k = \mathrm{shape}

    Mean `mean`, variance `mean**2 / shape`. scipy.stats: ``gamma(shape, scale=mean / shape)``; statsmodels:
    ``GLM(family=Gamma())`` (its scale is 1 / shape); R: ``glm(family=Gamma)``, gamlss ``GA`` (sigma = shape**-0.5).

    Parameters
    ----------
    mean, shape : float, optional
        A number fixes the parameter; None estimates it. `GammaRegressor(alpha)` is `shape=1` with the same alpha.
    links : dict of str to str or Link, optional
        Link per parameter; default log.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Gamma()).fit([[0], [1], [2]], [1.0, 2.0, 4.1]).coef_.round(3)
    array([0.705])
    """

    parameters = {"mean": POSITIVE, "shape": POSITIVE}
    support = POSITIVE

    relations = Relations(limits={"Exponential": {"shape": 1.0}})

    def __init__(self, *, mean: Any = None, shape: Any = None, links: Any = None) -> None:
        self.mean, self.shape, self.links = mean, shape, links

    def terms(self, y: np.ndarray, order: int, mean: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        norm = gamma_norm(shape, order=order)
        gap, d = minus_half_gamma_deviance_and_excess(y, mean)
        loglik = shape * gap + norm[0] + self.base_measure(y)
        if order == 0:
            return loglik, {}, {}
        gradient = {"mean": shape / mean * d, "shape": gap + norm[1]}
        if order == 1:
            return loglik, gradient, {}
        mean_mean = -shape * (1 + 2 * d) / mean**2
        return loglik, gradient, {("mean", "mean"): mean_mean, ("mean", "shape"): d / mean, ("shape", "shape"): norm[2]}

    def base_measure(self, y: np.ndarray) -> np.ndarray:
        return -np.log(y)

    def fisher(self, mean: np.ndarray, shape: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {("mean", "mean"): shape / mean**2, ("shape", "shape"): -gamma_norm(shape)[2]}

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        mean = float(np.average(y, weights=sample_weight))
        return {"mean": mean, **(self.refine(y, sample_weight, mean=mean) if "shape" in self.layout.free else {})}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, mean: float | np.ndarray, **others: np.ndarray) -> dict:
        gap = -np.average(minus_half_gamma_deviance(y, mean), weights=sample_weight)  # log k - digamma(k) at the optimum
        gap = max(float(gap), 1e-15)
        shape = (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)  # Minka's first guess
        for _ in range(5):  # generalised Newton steps, in 1 / shape
            _, d1, d2 = gamma_norm(shape)
            shape = 1 / (1 / shape + (d1 - gap) / (shape**2 * d2))
        return {"shape": shape}

    def expectation(self, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return mean + 0 * shape

    def variance(self, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return mean**2 / shape

    def entropy(self, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        norm, d1, _ = gamma_norm(shape)
        return np.log(mean) - norm + (shape - 1) * d1

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        y = np.maximum(y, 0.0)
        value = log_gamma_tail(shape, shape * y / mean, lambda: np.log(shape) + np.log(y) - np.log(mean), upper)
        return value if log else np.exp(value)  # scipy's functions lose all digits far out at large shapes

    def ppf(self, q: np.ndarray, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        scale = np.asarray(shape, float) ** -0.5  # of log y, and its shape
        return mean * np.exp(scale * LogGamma().standard_ppf(q, scale))

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return self.support.nearest(rng.gamma(np.broadcast_to(shape, size), mean / shape))

    def crps(self, y: np.ndarray, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        at = np.maximum(y, np.finfo(float).tiny)
        below, density = np.exp(log_gammainc(shape, shape * at / mean)), np.exp(self.loglik(at, mean, shape))
        spread = np.exp(lgamma_delta(shape, 0.5)) / np.sqrt(np.pi)  # the reciprocal of the beta function at 1/2 and the shape
        return (y - mean) * (2 * below - 1) + mean / shape * (2 * at * density - spread)  # two probabilities would cancel

    def divergence(self, p: dict, q: dict) -> np.ndarray:
        m, k, other, j = p["mean"], p["shape"], q["mean"], q["shape"]
        norm, d1, _ = gamma_norm(k)  # k log k - k - log Gamma(k), and its derivative log k - digamma(k)
        return norm - gamma_norm(j)[0] - (k - j) * d1 - j * minus_half_gamma_deviance(m, other)
