"""The negative binomial law."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, nbdtrik, xlogy

from .._special import digamma_delta, lgamma_delta_scaled, log1p_minus, trigamma_delta
from .._tails import log_betainc
from ..domains import COUNT, POSITIVE
from ._base import Likelihood
from .poisson import count_mean, lattice_ppf

_LEAST = 1e-70  # below it, and at zero, the law is the Poisson one to the last digit


class NegativeBinomial(Likelihood):
    r"""Negative binomial law of over-dispersed counts, in its mean and dispersion (NB2).

    .. math:: p(y) = \frac{\Gamma(y + r)}{\Gamma(r)\, y!} \left(\frac{r}{r + m}\right)^r \left(\frac{m}{r + m}\right)^y,
        \quad m = \mathrm{mean},\; r = 1/\mathrm{dispersion}

    Mean `mean`, variance `mean + dispersion * mean**2`. scipy.stats: ``nbinom(r, r / (r + mean))``; statsmodels:
    ``NegativeBinomial`` (dispersion is its alpha); R: MASS ``glm.nb`` (dispersion is 1 / theta). Non-integer y are accepted.

    Parameters
    ----------
    mean, dispersion : float, optional
        A number fixes the parameter (dispersion=0: the Poisson law); None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log.

    References
    ----------
    Lawless, J. F. (1987). Negative binomial and mixed Poisson regression. Canadian Journal of Statistics 15, 209-225.
    doi:10.2307/3314912

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> model = MLERegressor(NegativeBinomial()).fit([[0], [0], [0], [1], [1], [1]], [0, 1, 5, 2, 9, 25])
    >>> model.coef_.round(4)
    array([1.7918])
    """

    parameters = {"mean": POSITIVE, "dispersion": POSITIVE}
    support = COUNT

    def __init__(self, *, mean=None, dispersion=None, links=None):
        self.mean, self.dispersion, self.links = mean, dispersion, links

    def limit(self, name, value):
        return name == "dispersion" and value == 0

    def loglik(self, y, mean, dispersion):
        a = np.maximum(dispersion, _LEAST)
        wide = np.log1p(a * mean)
        tail = np.where(a * mean > 0.5, wide / a, mean + log1p_minus(a * mean) / a)  # log1p(a mean) / a, exact as a -> 0
        return lgamma_delta_scaled(1 / a, y) + xlogy(y, mean) - y * wide - tail - gammaln(y + 1)

    def gradient(self, y, mean, dispersion):
        a = np.maximum(dispersion, _LEAST)
        wide = 1 + a * mean
        on_a = (log1p_minus(a * mean) - (digamma_delta(1 / a, y) - a * y)) / a**2 - mean * (y - mean) / wide
        return {"mean": (y - mean) / (mean * wide), "dispersion": on_a}

    def hessian(self, y, mean, dispersion):
        a = np.maximum(dispersion, _LEAST)
        wide = 1 + a * mean
        gap = log1p_minus(a * mean) - (digamma_delta(1 / a, y) - a * y)
        rest = (mean / wide) ** 2 * (a * (y - 2 * mean) - 1)
        on_a = (rest + (trigamma_delta(1 / a, y) / a**2 + y) / a - 2 * gap / a**2) / a
        return {
            ("mean", "mean"): -y / mean**2 + a * (1 + a * y) / wide**2,
            ("mean", "dispersion"): (mean - y) / wide**2,
            ("dispersion", "dispersion"): on_a,
        }

    def start(self, y, sample_weight):
        mean = count_mean(y, sample_weight)
        return {"mean": mean, **self.refine(y, sample_weight, mean=mean)}

    def refine(self, y, sample_weight, mean, **others):
        excess = np.average((y - mean) ** 2 - y, weights=sample_weight)
        return {"dispersion": max(excess / np.average(mean**2 + 0 * y, weights=sample_weight), 1e-3)}

    def expectation(self, mean, dispersion):
        return mean + 0 * dispersion

    def variance(self, mean, dispersion):
        return mean + dispersion * mean**2

    def _tails(self, y, mean, dispersion):
        a = np.maximum(dispersion, 1e-15)
        return 1 / a, np.floor(np.maximum(y, 0.0)) + 1, 1 / (1 + a * mean), a * mean / (1 + a * mean)

    def cdf(self, y, mean, dispersion):
        return np.exp(self.logcdf(y, mean, dispersion))

    def sf(self, y, mean, dispersion):
        return np.exp(self.logsf(y, mean, dispersion))

    def logcdf(self, y, mean, dispersion):
        r, k, p, q = self._tails(y, mean, dispersion)
        return np.where(y < 0, -np.inf, log_betainc(r, k, p, q))

    def logsf(self, y, mean, dispersion):
        r, k, p, q = self._tails(y, mean, dispersion)
        return np.where(y < 0, 0.0, log_betainc(k, r, q, p))

    def ppf(self, q, mean, dispersion):
        a = np.maximum(dispersion, 1e-6)
        return lattice_ppf(self.cdf, nbdtrik(q, 1 / a, 1 / (1 + a * mean)), q, mean=mean, dispersion=dispersion)

    def rvs(self, rng, size, mean, dispersion):
        a = np.maximum(dispersion, 1e-12)
        return rng.poisson(rng.gamma(np.broadcast_to(1 / a, size), a * mean)).astype(float)
