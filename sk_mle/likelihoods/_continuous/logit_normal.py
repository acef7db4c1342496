"""The logit-normal law."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit, ndtr

from ...domains import UNIT
from .._fallbacks import quadrature
from .._fallbacks.facts import numerical
from .._protocol.base import Likelihood
from .normal import Normal

# Of a scale so wide that y is nearly 0 or 1, moments of y are probabilities that one or two logistic variables are below the
# normal one: integrals over these by equal steps.
MIN_WIDE_SCALE = 15.0
LOGISTIC_NODES = np.arange(-200.0, 40.5, 0.5)
LOGISTIC_WEIGHTS = 0.5 * expit(LOGISTIC_NODES) * expit(-LOGISTIC_NODES)


class LogitNormal(Normal):
    r"""Logit-normal law of proportions: the log-odds are normal.

    .. math:: p(y) = \frac{1}{\sqrt{2\pi}\, \mathrm{scale}\; y (1 - y)} \exp\{-z^2/2\}, \quad
        z = (\log\{y / (1 - y)\} - \mathrm{loc})/\mathrm{scale}

    `loc` and `scale` are those of log-odds; median `1 / (1 + exp(-loc))`; mean and variance have no closed form. scipy.stats:
    none; statsmodels: ``OLS`` of the log-odds; R: gamlss ``LOGITNO`` (mu is the median), logitnorm ``dlogitnorm``.

    Parameters
    ----------
    loc, scale : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale`.

    References
    ----------
    Aitchison, J., Shen, S. M. (1980). Logistic-normal distributions: some properties and uses. Biometrika 67, 261-272.
    doi:10.1093/biomet/67.2.261

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(LogitNormal()).fit([[0], [1], [2]], [0.2, 0.45, 0.8]).predict_quantiles([[1]], [0.5]).round(3)
    array([[0.483]])
    """

    support = UNIT
    # The normal law's moments are those of the log-odds; the divergence is the same.
    divergence = Normal.divergence
    entropy = Likelihood.entropy

    def terms(self, y: np.ndarray, order: int, loc: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        loglik, gradient, hessian = super().terms(logit(y), order, loc, scale)
        return loglik + self.base_measure(y), gradient, hessian

    def base_measure(self, y: np.ndarray) -> np.ndarray:
        return -np.log(y) - np.log1p(-y)

    def interval(
        self, low: np.ndarray, high: np.ndarray, order: int, loc: np.ndarray, scale: np.ndarray
    ) -> tuple[np.ndarray, dict, dict]:
        return self._interval(_logit(low), _logit(high), order, loc, scale)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        return super().start(logit(y), sample_weight)

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, loc: float | np.ndarray, **others: np.ndarray) -> dict:
        return super().refine(logit(y), sample_weight, loc)

    @numerical
    def expectation(self, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        mean = self._moment_below_half(1, loc, scale)
        return np.where(loc > 0, 1 - mean, mean)

    def variance(self, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return self._moment_below_half(2, loc, scale)

    def _moment_below_half(self, order: int, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Mean (1) or variance (2) at minus the absolute value of loc, where y keeps its digits."""
        loc, wide = -np.abs(loc), np.asarray(scale) > MIN_WIDE_SCALE
        value = quadrature.moment(self, {"loc": loc, "scale": np.where(wide, MIN_WIDE_SCALE, scale)}, order)
        if not wide.any():
            return value
        below = ndtr((np.expand_dims(loc, -1) - LOGISTIC_NODES) / np.expand_dims(scale, -1))
        mean, square = below @ LOGISTIC_WEIGHTS, below @ (2 * expit(LOGISTIC_NODES) * LOGISTIC_WEIGHTS)
        return np.where(wide, mean if order == 1 else square - mean**2, value)

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return super().tail_probability(_logit(y), upper, log, loc, scale)

    def ppf(self, q: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return expit(super().ppf(q, loc, scale))

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return np.clip(expit(super().rvs(rng, size, loc, scale)), 1e-300, 1 - 2**-53)


def _logit(y: np.ndarray) -> np.ndarray:
    return logit(np.clip(y, 0.0, 1.0))
