"""The geometric law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import xlog1py

from ...domains import COUNT, UNIT
from .._fallbacks.algebra import Eval
from .._fallbacks.inversion import solve_quantile
from .._families.counts import count_mean
from .._families.log_probability import LogProbability, Logs


class Geometric(LogProbability):
    r"""Geometric law of the number of failures before the first success, in the probability of success.

    .. math:: p(y) = \mathrm{prob}\, (1 - \mathrm{prob})^y, \quad y = 0, 1, 2, \ldots

    Mean `(1 - prob) / prob`, variance `(1 - prob) / prob**2`: a negative binomial law with dispersion 1. Under the logit link
    the mean is exp(-eta), so coefficients have the opposite sign of a log-linear model's. scipy.stats: ``geom(prob, -1)``;
    statsmodels: ``GLM(family=families.NegativeBinomial(alpha=1))``, in the mean; R: ``dgeom``, VGAM ``geometric``. The law
    works with log(prob) and log(1 - prob) of the link, never with a rounded probability.

    Parameters
    ----------
    prob : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Default logit; also probit, cloglog, loglog, cauchit, log, identity.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Geometric()).fit([[0], [0], [1], [1]], [1, 3, 0, 1]).coef_.round(4)
    array([1.3863])
    """

    parameters = {"prob": UNIT}
    support = COUNT

    def __init__(self, *, prob: Any = None, links: Any = None) -> None:
        self.prob, self.links = prob, links

    def log_terms(self, y: np.ndarray, success: Logs, failure: Logs) -> Logs:
        return tuple(a + np.where(y == 0, 0.0, y * b) for a, b in zip(success, failure, strict=True))

    def expected_factor(self, prob: np.ndarray) -> float | np.ndarray:
        return 1 / prob

    def evaluate_interval(self, low: np.ndarray, high: np.ndarray, eta: dict, order: int = 1) -> Eval:
        """Upper tails are powers of 1 - prob, which keeps all digits for prob close to one."""
        link = self.layout["prob"].link
        if not self.layout.free or np.isfinite(high).any() or not UNIT.includes(link.range):
            return super().evaluate_interval(low, high, eta, order)
        failures = np.floor(np.maximum(low, -1.0)) + 1
        value, d1, d2 = (np.where(failures > 0, failures * a, 0.0) for a in link.log_complement(eta["prob"]))
        pair = ("prob", "prob")
        return Eval(value, {"prob": d1} if order else {}, {pair: -d2} if order == 2 else {})

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        return {"prob": 1 / (1 + count_mean(y, sample_weight))}

    def expectation(self, prob: np.ndarray) -> np.ndarray:
        return (1 - prob) / prob

    def variance(self, prob: np.ndarray) -> np.ndarray:
        return (1 - prob) / prob**2

    def entropy(self, prob: np.ndarray) -> np.ndarray:
        return -np.log(prob) - xlog1py(1 - prob, -prob) / prob

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, prob: np.ndarray) -> np.ndarray:
        above = xlog1py(np.floor(np.maximum(y, -1.0)) + 1, -prob)
        if not log:
            return np.exp(above) if upper else 0.0 - np.expm1(above)
        with np.errstate(divide="ignore"):
            return above if upper else np.where(above > -0.7, np.log(-np.expm1(above)), np.log1p(-np.exp(above)))

    def ppf(self, q: np.ndarray, prob: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return solve_quantile(self, q, {"prob": prob}, np.log1p(-np.asarray(q)) / np.log1p(-prob) - 1)

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], prob: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.floor(rng.exponential(size=size) / -np.log1p(-np.asarray(prob)))
