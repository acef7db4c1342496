"""The beta law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betainc, betaincinv, betaln, digamma, log_expit, logit

from ..._special.gamma_functions import gamma_norm
from ..._special.tails import log_betainc
from ...domains import POSITIVE, UNIT
from .._fallbacks.quantile import newton_quantile
from .._protocol.base import Likelihood

MAX_PRECISION_OF_CRPS = 1e5  # precision up to which the closed form of the CRPS keeps nine digits


class Beta(Likelihood):
    r"""Beta law of proportions in its mean and precision.

    .. math:: p(y) = \frac{y^{a - 1} (1 - y)^{b - 1}}{B(a, b)}, \quad a = \mathrm{mean} \cdot \mathrm{precision},\;
        b = (1 - \mathrm{mean}) \cdot \mathrm{precision}

    Mean `mean`, variance `mean * (1 - mean) / (1 + precision)`; y strictly between 0 and 1. scipy.stats: ``beta(a, b)``;
    statsmodels: ``BetaModel``; R: ``betareg`` (phi is the precision).

    Parameters
    ----------
    mean, precision : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default logit for `mean`, log for `precision`.

    References
    ----------
    Ferrari, S., Cribari-Neto, F. (2004). Beta regression for modelling rates and proportions. Journal of Applied
    Statistics 31, 799-815. doi:10.1080/0266476042000214501

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Beta()).fit([[0], [1], [2]], [0.2, 0.45, 0.8]).predict([[1]]).round(2)
    array([0.48])
    """

    parameters = {"mean": UNIT, "precision": POSITIVE}
    support = UNIT

    def __init__(self, *, mean: Any = None, precision: Any = None, links: Any = None) -> None:
        self.mean, self.precision, self.links = mean, precision, links

    def _shapes(self, mean: np.ndarray, precision: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The shapes a and b, positive even if a linear predictor saturates."""
        mean = np.minimum(np.maximum(mean, 1e-300), 1 - 2**-53)
        return mean * precision, (1 - mean) * precision

    def terms(self, y: np.ndarray, order: int, mean: np.ndarray, precision: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        a, b = self._shapes(mean, precision)
        d_a, d_b, both = _norms(a, b, precision, order)
        first, second = y * precision / a, (1 - y) * precision / b
        log_first, log_second = np.log(first), np.log(second)
        if np.minimum.reduce(log_first, axis=None) < -600:  # the product may have lost digits to underflow
            log_first = np.log(y) + np.log(precision / a)
        gap = a * (log_first - (first - 1)) + b * (log_second - (second - 1))  # see `minus_half_gamma_deviance`
        loglik = gap + (d_a[0] + d_b[0]) - both[0] + self.base_measure(y)
        if order == 0:
            return loglik, {}, {}
        tilt = log_first - log_second + d_a[1] - d_b[1]  # log y - log(1 - y) - digamma(a) + digamma(b)
        gradient = {"mean": precision * tilt, "precision": (gap + a * d_a[1] + b * d_b[1]) / precision - both[1]}
        if order == 1:
            return loglik, gradient, {}
        return loglik, gradient, _second(a, b, precision, d_a[2], d_b[2], both[2], tilt)

    def base_measure(self, y: np.ndarray) -> np.ndarray:
        return -np.log(y) - np.log1p(-y)

    def fisher(self, mean: np.ndarray, precision: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        a, b = self._shapes(mean, precision)
        d_a, d_b, both = (norm[2] for norm in _norms(a, b, precision, 2))
        second = _second(a, b, precision, d_a, d_b, both, 0.0)
        return {pair: -value for pair, value in second.items()}

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        mean = float(np.average(y, weights=sample_weight))
        return {"mean": mean, **self.refine(y, sample_weight, mean=mean)}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, mean: float | np.ndarray, **others: np.ndarray) -> dict:
        ratio = np.average((y - mean) ** 2 / (mean * (1 - mean)), weights=sample_weight)  # 1 / (1 + precision) on average
        return {"precision": max(1 / max(float(ratio), 1e-30) - 1, 0.1)}

    def expectation(self, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        return mean + 0 * precision

    def variance(self, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        return mean * (1 - mean) / (1 + precision)

    def entropy(self, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        a, b = self._shapes(mean, precision)
        d_a, d_b, both = _norms(a, b, precision, 1)
        derivatives = (a - 1) * d_a[1] + (b - 1) * d_b[1] - (precision - 2) * both[1]
        return both[0] - d_a[0] - d_b[0] + np.log(a / precision) + np.log(b / precision) + derivatives

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        (a, b), y = self._shapes(mean, precision), np.clip(y, 0.0, 1.0)
        value = log_betainc(b, a, 1 - y, y) if upper else log_betainc(a, b, y, 1 - y)
        return value if log else np.exp(value)

    def ppf(self, q: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        def logs(x: np.ndarray, upper: bool, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            log_y, log_rest = log_expit(x), log_expit(-x)
            y, rest = np.exp(log_y), np.exp(log_rest)
            density = a * log_y + b * log_rest - betaln(a, b)
            return log_betainc(b, a, rest, y) if upper else log_betainc(a, b, y, rest), density

        a, b = self._shapes(mean, precision)
        start = np.clip(logit(betaincinv(a, b, q)), -700, 36)
        return np.exp(log_expit(newton_quantile(logs, q, {"a": a, "b": b}, (-744.4, 36.7), start)))

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        a, b = self._shapes(mean, precision)
        return np.clip(rng.beta(np.broadcast_to(a, size), b), 1e-300, 1 - 2**-53)

    def crps(self, y: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        precision = np.where(precision < MAX_PRECISION_OF_CRPS, precision, np.nan)  # beyond, the terms cancel
        (a, b), y_in = self._shapes(mean, precision), np.clip(y, 0.0, 1.0)
        both = 2 * np.exp(betaln(2 * a, 2 * b) - 2 * betaln(a, b)) / a
        return y * (2 * betainc(a, b, y_in) - 1) + mean * (1 - 2 * betainc(a + 1, b, y_in) - both)

    def divergence(self, p: dict, q: dict) -> np.ndarray:
        (a, b), (c, d) = self._shapes(**p), self._shapes(**q)
        both = digamma(a + b)
        return betaln(c, d) - betaln(a, b) + (a - c) * (digamma(a) - both) + (b - d) * (digamma(b) - both)


def _norms(a: np.ndarray, b: np.ndarray, precision: np.ndarray, order: int) -> tuple[Any, Any, Any]:
    """`gamma_norm` of a, b and the precision; a and b share one call, which for few rows costs little more than one of them."""
    return *zip(*gamma_norm(np.array((a, b)), order=order), strict=True), gamma_norm(precision, order=order)


def _second(
    a: np.ndarray, b: np.ndarray, precision: np.ndarray, d_a: np.ndarray, d_b: np.ndarray, both: np.ndarray, tilt: Any
) -> dict:
    """The Hessian from second derivatives of the norms, and from `tilt`, whose expectation is 0."""
    return {
        ("mean", "mean"): precision**2 * (d_a + d_b - 1 / a - 1 / b),
        ("mean", "precision"): a * d_a - b * d_b + tilt,
        ("precision", "precision"): (a / precision) ** 2 * d_a + (b / precision) ** 2 * d_b - both,
    }
