"""The Gumbel law of minima."""

from __future__ import annotations

import numpy as np

from .gumbel import Gumbel


class GumbelMin(Gumbel):
    r"""Gumbel (type I extreme value) law of minima; the law of the logarithm of Weibull durations.

    .. math:: p(y) = \frac{1}{\mathrm{scale}} \exp\{z - e^z\}, \quad z = (y - \mathrm{loc})/\mathrm{scale}

    That of minus a variable with the `Gumbel` law. Mean `loc - 0.5772 * scale` (Euler's constant), variance
    `scale**2 * pi**2 / 6`. scipy.stats: ``gumbel_l(loc, scale)``; statsmodels: none; R: ``survreg(dist="extreme")``, gamlss
    ``GU``.

    Parameters
    ----------
    loc, scale : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale`.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(GumbelMin()).fit([[0], [1], [2], [3]], [1.0, 3.1, 4.7, 7.6]).coef_.round(3)
    array([2.19])
    """

    standard_link = Gumbel.standard_link.mirror()

    def standard_terms(self, z: np.ndarray, order: int) -> tuple[np.ndarray, dict, dict]:
        value, first, second = super().standard_terms(-z, order)
        return value, {"z": -first["z"]}, second

    def standard_information(self) -> dict:
        information = super().standard_information()
        return {**information, ("loc", "scale"): -information["loc", "scale"]}

    def spread(self, residual: np.ndarray, sample_weight: np.ndarray) -> float:
        return super().spread(-residual, sample_weight)

    def standard_moments(self) -> tuple[float | np.ndarray, ...]:
        mean, variance, entropy = super().standard_moments()
        return -mean, variance, entropy

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return -super().rvs(rng, size, -loc, scale)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return super().crps(-y, -loc, scale)
