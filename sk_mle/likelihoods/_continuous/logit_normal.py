"""The logit-normal law."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from ...domains import UNIT
from .._protocol.base import Likelihood
from .normal import Normal


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
    expectation = Likelihood.expectation
    variance = Likelihood.variance
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

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return super().tail_probability(_logit(y), upper, log, loc, scale)

    def ppf(self, q: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return expit(super().ppf(q, loc, scale))

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return np.clip(expit(super().rvs(rng, size, loc, scale)), 1e-300, 1 - 2**-53)


def _logit(y: np.ndarray) -> np.ndarray:
    return logit(np.clip(y, 0.0, 1.0))
