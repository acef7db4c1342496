"""The logistic law."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...links import Logit
from .._families.location_scale import LinkLocationScale


class Logistic(LinkLocationScale):
    r"""Logistic law: symmetric like the normal one, with exponential tails.

    .. math:: p(y) = \frac{e^{-z}}{\mathrm{scale}\, (1 + e^{-z})^2}, \quad z = (y - \mathrm{loc})/\mathrm{scale}

    Mean `loc`, variance `scale**2 * pi**2 / 3`. scipy.stats: ``logistic(loc, scale)``; statsmodels: none; R:
    ``survreg(dist="logistic")``, gamlss ``LO``, ``crch(dist="logistic")``.

    Parameters
    ----------
    loc, scale : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale`.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Logistic()).fit([[0], [1], [2], [3]], [1.0, 3.1, 4.7, 7.6]).coef_.round(3)
    array([2.155])
    """

    standard_link = Logit()

    def __init__(self, *, loc: Any = None, scale: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.links = loc, scale, links

    def standard_terms(self, z: np.ndarray, order: int) -> tuple[np.ndarray, dict, dict]:
        size = np.abs(z)
        tail = np.exp(-size)
        first = np.sign(z) * np.expm1(-size) / (1 + tail)
        return -size - 2 * np.log1p(tail), {"z": first}, {("z", "z"): -2 * tail / (1 + tail) ** 2}

    def standard_information(self) -> dict:
        return {("loc", "loc"): 1 / 3, ("scale", "scale"): (np.pi**2 + 3) / 9}

    def standard_moments(self) -> tuple[float | np.ndarray, ...]:
        return 0.0, np.pi**2 / 3, 2.0

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return rng.logistic(loc, scale, size)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        z = (y - loc) / scale
        return scale * (z - 2 * self.standard_tail(z, False, True) - 1)
