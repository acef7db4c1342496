"""The Cauchy law."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...links import Cauchit
from .._fallbacks.starting_values import weighted_median
from .._families.location_scale import LinkLocationScale


class Cauchy(LinkLocationScale):
    r"""Cauchy law: tails so heavy that it has no mean; Student's t law with one degree of freedom.

    .. math:: p(y) = \frac{1}{\pi\, \mathrm{scale}\, (1 + z^2)}, \quad z = (y - \mathrm{loc})/\mathrm{scale}

    `loc` is the median, `scale` the distance from it to the quartiles; mean and variance do not exist. scipy.stats:
    ``cauchy(loc, scale)``; statsmodels: none; R: ``dcauchy``, VGAM ``cauchy``, gamlss ``TF`` with nu = 1. The log-likelihood
    may have several maxima; a fit starts from medians.

    Parameters
    ----------
    loc, scale : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale`.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Cauchy()).fit([[0], [1], [2], [3], [4]], [1, 3.1, 4.9, 7.2, 90]).coef_.round(2)
    array([2.06])
    """

    standard_link = Cauchit()

    def __init__(self, *, loc: Any = None, scale: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.links = loc, scale, links

    def standard_terms(self, z: np.ndarray, order: int) -> tuple[np.ndarray, dict, dict]:
        root = np.hypot(1, z)  # z**2 may overflow
        u, w = 1 / root, z / root
        return -np.log(np.pi) - 2 * np.log(root), {"z": -2 * w * u}, {("z", "z"): 2 * (w - u) * (w + u) * u**2}

    def standard_information(self) -> dict:
        return {("loc", "loc"): 0.5, ("scale", "scale"): 0.5}

    def centre(self, y: np.ndarray, sample_weight: np.ndarray) -> float:
        return weighted_median(y, sample_weight)

    def spread(self, residual: np.ndarray, sample_weight: np.ndarray) -> float:
        return weighted_median(np.abs(residual), sample_weight)

    def standard_moments(self) -> tuple[float | np.ndarray, ...]:
        return np.nan, np.nan, np.log(4 * np.pi)

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return loc + scale * rng.standard_cauchy(size)
