"""The half-normal law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import erf, erfc, erfcinv, erfinv, log_ndtr

from ...domains import NONNEGATIVE, POSITIVE
from .._fallbacks.starting_values import resolution
from .._protocol.base import Likelihood


class HalfNormal(Likelihood):
    r"""Half-normal law, of the absolute value of a normal variable with mean 0.

    .. math:: p(y) = \sqrt{\frac{2}{\pi}}\, \frac{1}{\mathrm{scale}} \exp\left\{-\frac{y^2}{2\,\mathrm{scale}^2}\right\}

    Mean `scale * sqrt(2 / pi)`, variance `scale**2 * (1 - 2 / pi)`. scipy.stats: ``halfnorm(scale=scale)``; statsmodels:
    none; R: extraDistr ``dhnorm``, VGAM ``foldnormal`` (mean 0).

    Parameters
    ----------
    scale : float, optional
        A number fixes it; None estimates it.
    links : dict of str to str or Link, optional
        Default log.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(HalfNormal()).fit([[0], [1], [2]], [1.0, 2.0, 4.1]).coef_.round(3)
    array([0.705])
    """

    parameters = {"scale": POSITIVE}
    support = NONNEGATIVE

    def __init__(self, *, scale: Any = None, links: Any = None) -> None:
        self.scale, self.links = scale, links

    def loglik(self, y: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return 0.5 * (np.log(2 / np.pi) - (y / scale) ** 2) - np.log(scale)

    def gradient(self, y: np.ndarray, scale: np.ndarray) -> dict[str, np.ndarray]:
        return {"scale": ((y / scale) ** 2 - 1) / scale}

    def hessian(self, y: np.ndarray, scale: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {("scale", "scale"): (1 - 3 * (y / scale) ** 2) / scale**2}

    def fisher(self, scale: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {("scale", "scale"): 2 / scale**2}

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        return {"scale": max(float(np.sqrt(np.average(y**2, weights=sample_weight))), resolution(y))}

    def expectation(self, scale: np.ndarray) -> np.ndarray:
        return scale * np.sqrt(2 / np.pi)

    def variance(self, scale: np.ndarray) -> np.ndarray:
        return scale**2 * (1 - 2 / np.pi)

    def entropy(self, scale: np.ndarray) -> np.ndarray:
        return 0.5 * (1 + np.log(np.pi / 2)) + np.log(scale)

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, scale: np.ndarray) -> np.ndarray:
        z = np.maximum(y, 0.0) / (np.sqrt(2) * scale)
        if not log:
            return erfc(z) if upper else erf(z)
        if upper:
            return np.where(z < 0.5, np.log1p(-erf(np.minimum(z, 1.0))), np.log(2) + log_ndtr(-np.sqrt(2) * z))
        with np.errstate(divide="ignore"):
            value = np.where(z < 0.5, np.log(erf(z)), np.log1p(-erfc(z)))
            tiny = (z < 1e-290) & (np.asarray(y) > 0)  # z may have lost digits to underflow; the density is constant there
            return np.where(tiny, self.loglik(y, scale) + np.log(y), value) if tiny.any() else value

    def ppf(self, q: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return np.sqrt(2) * scale * np.where(np.asarray(q) < 0.5, erfinv(q), erfcinv(1 - q))

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], scale: np.ndarray) -> np.ndarray:
        return np.abs(rng.normal(0.0, scale, size))
