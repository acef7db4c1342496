"""The Laplace (double exponential) law."""

from __future__ import annotations

import numpy as np

from ._location_scale import LocationScale
from ._start import weighted_median


class Laplace(LocationScale):
    r"""Laplace law; its maximum likelihood fit is least absolute deviations (median regression).

    .. math:: p(y) = \frac{1}{2\,\mathrm{scale}} \exp\{-|y - \mathrm{loc}|/\mathrm{scale}\}

    Mean `loc`, variance `2 * scale**2`. scipy.stats: ``laplace(loc, scale)``; statsmodels: ``QuantReg`` (q=0.5);
    R: quantreg ``rq(tau=0.5)``. The log-likelihood has a kink where `loc = y`, and the optimum is a vertex at which as
    many samples are fitted exactly as there are coefficients.

    Parameters
    ----------
    loc, scale : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale`.

    References
    ----------
    Koenker, R., Bassett, G. (1978). Regression quantiles. Econometrica 46, 33-50. doi:10.2307/1913643

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Laplace()).fit([[0], [1], [2], [3]], [1, 3, 5, 70]).coef_
    array([2.])
    """

    smooth = False
    standard_information = (1.0, 1.0)

    def __init__(self, *, loc=None, scale=None, links=None):
        self.loc, self.scale, self.links = loc, scale, links

    def standard_logpdf(self, z):
        return -np.abs(z) - np.log(2)

    def standard_slopes(self, z):
        return -np.sign(z), np.zeros_like(z)

    def kinks(self, y, **params):
        """Where the log-likelihood has a kink in `loc`."""
        return y

    def smoothed(self, width):
        """The law with |z| rounded to sqrt(z**2 + width**2), which leaves `loc` twice differentiable."""
        return _RoundedLaplace(loc=self.loc, scale=self.scale, links=self.links, width=width)

    def centre(self, y, sample_weight):
        return weighted_median(y, sample_weight)

    def spread(self, residual, sample_weight):
        return float(np.average(np.abs(residual), weights=sample_weight))

    def expectation(self, loc, scale):
        return loc + 0 * scale

    def variance(self, loc, scale):
        return 2 * scale**2 + 0 * loc

    def entropy(self, loc, scale):
        return 1 + np.log(2 * scale) + 0 * loc

    def standard_cdf(self, z):
        return np.where(z < 0, 0.5 * np.exp(-np.abs(z)), 1 - 0.5 * np.exp(-np.abs(z)))

    def logcdf(self, y, loc, scale):
        z = (y - loc) / scale
        return np.where(z < 0, z - np.log(2), np.log1p(-0.5 * np.exp(-np.abs(z))))

    def logsf(self, y, loc, scale):
        return self.logcdf(-y, -loc, scale)

    def standard_ppf(self, q):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(q < 0.5, np.log(2 * q), -np.log(2 * (1 - q)))

    def rvs(self, rng, size, loc, scale):
        return rng.laplace(loc, scale, size)


class _RoundedLaplace(Laplace):
    """Not a density: the stand-in by which a solver approaches the vertex."""

    def __init__(self, *, loc=None, scale=None, links=None, width=1e-3):
        super().__init__(loc=loc, scale=scale, links=links)
        self.width = width

    def standard_logpdf(self, z):
        return -np.hypot(z, self.width) - np.log(2)

    def standard_slopes(self, z):
        length = np.hypot(z, self.width)
        return -z / length, -((self.width / length) ** 2) / length
