"""The log-normal law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr

from .._families.location_scale import LocationScale
from .._families.log_location_scale import LogLocationScale
from .normal import Normal

MIN_SCALE_OF_CRPS = 1e-5  # scale from which on the closed form of the CRPS keeps nine digits


class LogNormal(LogLocationScale):
    r"""Log-normal law: the logarithm is normal.

    .. math:: p(y) = \frac{1}{\sqrt{2\pi}\, \mathrm{scale}\; y} \exp\{-z^2/2\}, \quad
        z = (\log y - \mathrm{loc})/\mathrm{scale}

    Mean `exp(loc + scale**2 / 2)`, variance `mean**2 * (exp(scale**2) - 1)`, median `exp(loc)`: `loc` and `scale` are those of
    log y. scipy.stats: ``lognorm(scale, scale=exp(loc))``; statsmodels: ``OLS`` of log y; R: ``survreg(dist="lognormal")``,
    gamlss ``LOGNO``.

    Parameters
    ----------
    loc, scale : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale`.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(LogNormal()).fit([[0], [0], [1], [1]], [1.0, 2.0, 3.0, 9.0]).coef_.round(3)
    array([1.301])
    """

    def __init__(self, *, loc: Any = None, scale: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.links = loc, scale, links

    @property
    def standard(self) -> LocationScale:
        return Normal(loc=self.loc, scale=self.scale)

    def log_mgf(self, t: np.ndarray) -> np.ndarray:
        return t**2 / 2

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        scale = np.where(scale > MIN_SCALE_OF_CRPS, scale, np.nan)  # below, the terms cancel
        z = (np.log(np.maximum(y, 0.0)) - loc) / scale
        both = ndtr(z - scale) - ndtr(-scale / np.sqrt(2))
        return y * (2 * ndtr(z) - 1) - 2 * np.exp(loc + scale**2 / 2) * both

    def divergence(self, p: dict, q: dict) -> np.ndarray:
        return Normal().divergence(p, q)
