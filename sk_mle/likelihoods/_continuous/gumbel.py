"""The Gumbel law of maxima."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import exp1

from ...links import LogLog
from .._families.location_scale import LinkLocationScale


class Gumbel(LinkLocationScale):
    r"""Gumbel (type I extreme value) law of maxima.

    .. math:: p(y) = \frac{1}{\mathrm{scale}} \exp\{-z - e^{-z}\}, \quad z = (y - \mathrm{loc})/\mathrm{scale}

    Mean `loc + 0.5772 * scale` (Euler's constant), variance `scale**2 * pi**2 / 6`. scipy.stats: ``gumbel_r(loc, scale)``;
    statsmodels: none; R: VGAM ``gumbel``, gamlss ``RG``, evd ``fgev(shape=0)``. The law of minima is `GumbelMin`.

    Parameters
    ----------
    loc, scale : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale`.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Gumbel()).fit([[0], [1], [2], [3]], [1.0, 3.1, 4.7, 7.6]).coef_.round(3)
    array([2.011])
    """

    standard_link: Any = LogLog()

    def __init__(self, *, loc: Any = None, scale: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.links = loc, scale, links

    def standard_terms(self, z: np.ndarray, order: int) -> tuple[np.ndarray, dict, dict]:
        t = np.exp(-z)
        return -z - t, {"z": np.expm1(-z)}, {("z", "z"): -t}

    def standard_information(self) -> dict:
        short = 1 - np.euler_gamma
        return {("loc", "loc"): 1.0, ("loc", "scale"): -short, ("scale", "scale"): np.pi**2 / 6 + short**2}

    def spread(self, residual: np.ndarray, sample_weight: np.ndarray) -> float:
        lower_bound = -np.min(residual) / np.log(len(residual) + 2)  # at the maximum exp(-z) is 1 on average, so n at most
        return max(super().spread(residual, sample_weight), float(lower_bound))

    def standard_moments(self) -> tuple[float | np.ndarray, ...]:
        return np.euler_gamma, np.pi**2 / 6, 1 + np.euler_gamma

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return rng.gumbel(loc, scale, size)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        z = (y - loc) / scale
        return scale * (2 * exp1(np.exp(-z)) - z + np.euler_gamma - np.log(2))
