"""The generalised gamma law."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...domains import POSITIVE, REAL, Domain
from .._families.location_scale import LocationScale
from .._families.log_gamma import LogGamma
from .._families.log_location_scale import LogLocationScale
from .._protocol.relations import Relations

SHAPE = Domain(typical=(-0.3, 0.6))


def _near_ends(law: Any, y: np.ndarray, sample_weight: np.ndarray, distance: float, **params: np.ndarray) -> list:
    """The ends of the law of log y (see `Relations.near_ends`)."""
    return law.standard.relations.near_ends(law.standard, np.log(y), sample_weight, distance, **params)


class GeneralizedGamma(LogLocationScale):
    r"""Generalised gamma law of durations, with the log-normal, Weibull and gamma laws among its members.

    .. math:: p(y) = \frac{|q|\, k^k}{\mathrm{scale}\, \Gamma(k)\, y} \exp\{k (q w - e^{q w})\}, \quad
        w = \frac{\log y - \mathrm{loc}}{\mathrm{scale}},\; q = \mathrm{shape},\; k = q^{-2}

    log y = loc + scale * w, in Prentice's parametrisation, which goes through shape 0, the `LogNormal` law, with all its
    derivatives. Shape 1 is the `Weibull` law with scale exp(loc) and shape 1 / scale; shape = scale the `Gamma` law with mean
    exp(loc) and shape scale**-2. Mean `exp(loc) * Gamma(k + scale / q) / Gamma(k) * k**(-scale / q)`, infinite where
    k + scale / q <= 0, the variance alike with 2 * scale. scipy.stats: ``gengamma(k, q / scale, scale=exp(loc) *
    k**(-scale / q))``; statsmodels: none; R: flexsurv ``flexsurvreg(dist="gengamma")`` (mu, sigma, Q).

    Parameters
    ----------
    loc, scale, shape : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc` and `shape`, log for `scale`.

    References
    ----------
    Prentice, R. L. (1974). A log gamma model and its maximum likelihood estimation. Biometrika 61, 539-544.
    doi:10.1093/biomet/61.3.539

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(GeneralizedGamma(shape=0.5)).fit([[0], [0], [1], [1]], [1.0, 2.0, 3.0, 9.0]).coef_.round(3)
    array([1.397])
    """

    parameters = {"loc": REAL, "scale": POSITIVE, "shape": SHAPE}
    fisher = None

    relations = Relations(
        limits={
            "Weibull": {"shape": 1.0, "loc": lambda scale: np.log(scale), "scale": lambda shape: 1 / shape},
            "LogNormal": {"shape": 0.0},
            "Gamma": {"shape": lambda shape: shape**-0.5, "scale": lambda shape: shape**-0.5, "loc": lambda mean: np.log(mean)},
            "InverseGamma": {
                "shape": lambda shape: -(shape**-0.5),
                "scale": lambda shape: shape**-0.5,
                "loc": lambda scale, shape: np.log(scale / shape),
            },
            "HalfNormal": {"shape": 2**0.5, "scale": 0.5**0.5, "loc": lambda scale: np.log(scale)},
        },
        ends={"shape": {"upper": "power law up to a largest y", "lower": "Pareto law from a smallest y on"}},
        near_ends=_near_ends,
    )

    def __init__(self, *, loc: Any = None, scale: Any = None, shape: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.shape, self.links = loc, scale, shape, links

    @property
    def standard(self) -> LocationScale:
        return LogGamma(loc=self.loc, scale=self.scale, shape=self.shape)

    def log_mgf(self, t: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return self.standard.log_mgf(t, shape)
