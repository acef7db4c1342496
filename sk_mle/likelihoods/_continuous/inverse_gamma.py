"""The inverse gamma law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import digamma

from ..._special.gamma_functions import gamma_norm, trigamma
from ..._special.logarithms import minus_half_gamma_deviance
from ..._special.tails import log_gamma_tail
from ...domains import POSITIVE
from .._families.log_gamma import LogGamma
from .._protocol.base import Likelihood
from .gamma import Gamma


class InverseGamma(Likelihood):
    r"""Inverse gamma law: 1 / y has a gamma law.

    .. math:: p(y) = \frac{1}{\Gamma(k)\, y} \left(\frac{s}{y}\right)^k e^{-s / y}, \quad
        s = \mathrm{scale},\; k = \mathrm{shape}

    Mean `scale / (shape - 1)` for shape > 1, variance `scale**2 / ((shape - 1)**2 * (shape - 2))` for shape > 2, infinite
    below. scipy.stats: ``invgamma(shape, scale=scale)``; statsmodels: none; R: invgamma ``dinvgamma``, gamlss ``IGAMMA``
    (mu = scale / (shape + 1), sigma = shape**-0.5).

    Parameters
    ----------
    scale, shape : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(InverseGamma()).fit([[0], [1], [2]], [1.0, 2.0, 4.1]).coef_.round(3)
    array([0.705])
    """

    parameters = {"scale": POSITIVE, "shape": POSITIVE}
    support = POSITIVE

    def __init__(self, *, scale: Any = None, shape: Any = None, links: Any = None) -> None:
        self.scale, self.shape, self.links = scale, shape, links

    def loglik(self, y: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return shape * minus_half_gamma_deviance(scale / shape, y) + gamma_norm(shape)[0] - np.log(y)

    def gradient(self, y: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> dict[str, np.ndarray]:
        return {"scale": (shape - scale / y) / scale, "shape": np.log(scale / y / shape) + gamma_norm(shape)[1]}

    def hessian(self, y: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {pair: 0 * y - value for pair, value in self.fisher(scale, shape).items()}

    def fisher(self, scale: np.ndarray, shape: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {
            ("scale", "scale"): shape / scale**2,
            ("scale", "shape"): -1 / scale + 0 * shape,
            ("shape", "shape"): trigamma(shape) + 0 * scale,
        }

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        of_reciprocal = Gamma(shape=self.layout.fixed.get("shape")).start(1 / y, sample_weight)
        shape = {**of_reciprocal, **self.layout.fixed}["shape"]
        scale = self.layout.fixed.get("scale", shape / of_reciprocal["mean"])
        return {"scale": scale, **self.refine(y, sample_weight, scale=scale)}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, scale: float | np.ndarray, **others: np.ndarray) -> dict:
        target = float(np.average(np.log(scale / y), weights=sample_weight))  # digamma(shape) at the optimum
        shape = np.exp(target) + 0.5 if target > -2.2 else -1 / (target + np.euler_gamma)
        for _ in range(5):
            shape -= (digamma(shape) - target) / trigamma(shape)
        return {"shape": shape}

    def expectation(self, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return np.where(shape > 1, scale / np.where(shape > 1, shape - 1, 1.0), np.inf)

    def variance(self, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        finite = np.where(shape > 2, shape, 3.0)
        return np.where(shape > 2, (scale / (finite - 1)) ** 2 / (finite - 2), np.inf)

    def entropy(self, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        norm, d1, _ = gamma_norm(shape)
        return np.log(scale / shape) - norm + (1 + shape) * d1

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """The other tail of scale / y."""
        y = np.maximum(y, 0.0)
        with np.errstate(divide="ignore", over="ignore"):
            value = log_gamma_tail(shape, scale / y, lambda: np.log(scale) - np.log(y), not upper)
        return value if log else np.exp(value)

    def ppf(self, q: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        log_scale = np.asarray(shape, float) ** -0.5  # scale of log y, and minus its shape
        with np.errstate(over="ignore"):
            return scale / shape * np.exp(log_scale * LogGamma().standard_ppf(q, -log_scale))

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return scale / np.maximum(rng.gamma(np.broadcast_to(shape, size)), 1e-300)
