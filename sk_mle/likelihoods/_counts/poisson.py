"""The Poisson law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ive, ndtri, xlogy

from ..._special.logarithms import MAX_PLAIN_COUNT, count_base_measure, poisson_kernel
from ..._special.tails import log_gammainc, log_gammaincc
from ...domains import COUNT, POSITIVE
from ...links import Log
from .._fallbacks.algebra import Eval
from .._fallbacks.inversion import solve_quantile
from .._families.counts import count_mean
from .._protocol.base import Likelihood


class Poisson(Likelihood):
    r"""Poisson law of counts; non-integer y are accepted through the gamma function.

    .. math:: p(y) = \mathrm{mean}^y e^{-\mathrm{mean}} / y!

    Mean and variance `mean`. scipy.stats: ``poisson(mean)``; statsmodels: ``Poisson``; R: ``glm(family=poisson)``.

    Parameters
    ----------
    mean : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Default log.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Poisson()).fit([[0], [1], [2]], [1, 2, 4]).coef_.round(4)
    array([0.6931])
    """

    parameters = {"mean": POSITIVE}
    support = COUNT

    def __init__(self, *, mean: Any = None, links: Any = None) -> None:
        self.mean, self.links = mean, links

    def terms(self, y: np.ndarray, order: int, mean: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        y_minus_mean = y - mean
        loglik = poisson_kernel(y, mean, y_minus_mean)
        loglik += self.base_measure(y)
        if order == 0:
            return loglik, {}, {}
        safe_mean = np.maximum(mean, 1e-300)
        return loglik, {"mean": y_minus_mean / safe_mean}, {("mean", "mean"): -y / safe_mean / mean} if order == 2 else {}

    def base_measure(self, y: np.ndarray) -> np.ndarray:
        return count_base_measure(y)

    @np.errstate(all="ignore")
    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        """Under the log link from the linear predictor, with no logarithm of its exponential, which takes 15 % off a fit."""
        small = np.maximum.reduce(y, axis=None, initial=0.0) <= MAX_PLAIN_COUNT
        if not (self.layout.free and small and type(self.layout["mean"].link) is Log):
            return super().evaluate(y, eta, order, information)
        log = eta["mean"]
        mean = np.exp(log)
        loglik = y * log
        loglik -= mean
        loglik += self.base_measure(y)
        return Eval(loglik, {"mean": y - mean} if order else {}, {("mean", "mean"): mean} if order == 2 else {})

    def fisher(self, mean: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {("mean", "mean"): 1 / mean}

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        return {"mean": count_mean(y, sample_weight)}

    def expectation(self, mean: np.ndarray) -> np.ndarray:
        return mean

    def variance(self, mean: np.ndarray) -> np.ndarray:
        return mean

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, mean: np.ndarray) -> np.ndarray:
        value = (log_gammainc if upper else log_gammaincc)(np.floor(np.maximum(y, 0.0)) + 1, mean)
        value = np.where(y < 0, 0.0 if upper else -np.inf, value)
        return value if log else np.exp(value)

    def ppf(self, q: np.ndarray, mean: np.ndarray) -> np.ndarray:
        z = np.clip(ndtri(q), -40.0, 40.0)
        return solve_quantile(self, q, {"mean": mean}, mean + z * np.sqrt(mean) + (z - 1) * (z + 1) / 6)  # Cornish and Fisher

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], mean: np.ndarray) -> np.ndarray:
        return rng.poisson(mean, size).astype(float)

    def crps(self, y: np.ndarray, mean: np.ndarray) -> np.ndarray:
        at = np.floor(np.maximum(y, 0.0))
        mass = np.where(y < 0, 0.0, np.exp(self.loglik(at, mean)))
        return (y - mean) * (self.cdf(y, mean) - self.sf(y, mean)) + mean * (2 * mass - ive(0, 2 * mean) - ive(1, 2 * mean))

    def divergence(self, p: dict, q: dict) -> np.ndarray:
        mean, other = p["mean"], q["mean"]
        return xlogy(mean, mean / other) + other - mean
