"""The beta law."""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, betaincinv, betaln, digamma

from .._special import trigamma
from .._tails import log_betainc
from ..domains import POSITIVE, UNIT
from ._base import Likelihood


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
    array([0.49])
    """

    parameters = {"mean": UNIT, "precision": POSITIVE}
    support = UNIT

    def __init__(self, *, mean=None, precision=None, links=None):
        self.mean, self.precision, self.links = mean, precision, links

    def _shapes(self, mean, precision):
        """a and b, kept off zero where a linear predictor saturates."""
        mean = np.clip(mean, 1e-300, 1 - 2**-53)
        return mean * precision, (1 - mean) * precision

    def loglik(self, y, mean, precision):
        a, b = self._shapes(mean, precision)
        return (a - 1) * np.log(y) + (b - 1) * np.log1p(-y) - betaln(a, b)

    def gradient(self, y, mean, precision):
        a, b = self._shapes(mean, precision)
        on_a = np.log(y) + digamma(precision) - digamma(a)
        on_b = np.log1p(-y) + digamma(precision) - digamma(b)
        return {"mean": precision * (on_a - on_b), "precision": mean * on_a + (1 - mean) * on_b}

    def hessian(self, y, mean, precision):
        a, b = self._shapes(mean, precision)
        expected = self.fisher(mean, precision)
        tilt = np.log(y) - np.log1p(-y) - digamma(a) + digamma(b)
        return {pair: -value + (tilt if pair == ("mean", "precision") else 0.0) for pair, value in expected.items()}

    def fisher(self, mean, precision):
        a, b = self._shapes(mean, precision)
        on_a, on_b = trigamma(a), trigamma(b)
        return {
            ("mean", "mean"): precision**2 * (on_a + on_b),
            ("mean", "precision"): a * on_a - b * on_b,
            ("precision", "precision"): mean**2 * on_a + (1 - mean) ** 2 * on_b - trigamma(precision),
        }

    def start(self, y, sample_weight):
        mean = float(np.average(y, weights=sample_weight))
        return {"mean": mean, **self.refine(y, sample_weight, mean=mean)}

    def refine(self, y, sample_weight, mean, **others):
        ratio = np.average((y - mean) ** 2 / (mean * (1 - mean)), weights=sample_weight)  # 1 / (1 + precision) on average
        return {"precision": max(1 / max(float(ratio), 1e-30) - 1, 0.1)}

    def expectation(self, mean, precision):
        return mean + 0 * precision

    def variance(self, mean, precision):
        return mean * (1 - mean) / (1 + precision)

    def entropy(self, mean, precision):
        a, b = self._shapes(mean, precision)
        rest = (precision - 2) * digamma(precision) - (a - 1) * digamma(a) - (b - 1) * digamma(b)
        return betaln(a, b) + rest

    def cdf(self, y, mean, precision):
        return betainc(*self._shapes(mean, precision), np.clip(y, 0.0, 1.0))

    def sf(self, y, mean, precision):
        a, b = self._shapes(mean, precision)
        return betainc(b, a, 1 - np.clip(y, 0.0, 1.0))

    def logcdf(self, y, mean, precision):
        a, b = self._shapes(mean, precision)
        y = np.clip(y, 0.0, 1.0)
        return log_betainc(a, b, y, 1 - y)

    def logsf(self, y, mean, precision):
        a, b = self._shapes(mean, precision)
        y = np.clip(y, 0.0, 1.0)
        return log_betainc(b, a, 1 - y, y)

    def ppf(self, q, mean, precision):
        return betaincinv(*self._shapes(mean, precision), q)

    def rvs(self, rng, size, mean, precision):
        a, b = self._shapes(mean, precision)
        return np.clip(rng.beta(np.broadcast_to(a, size), b), 1e-300, 1 - 2**-53)
