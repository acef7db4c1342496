"""The Weibull law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gamma, gammainc

from ..._special.gamma_functions import lgamma_delta
from .._families.log_location_scale import ScaleShape
from .._protocol.relations import Relations
from .gumbel_min import GumbelMin

MAX_SHAPE_OF_CRPS = 1e5  # shape up to which the closed form of the CRPS keeps nine digits


class Weibull(ScaleShape):
    r"""Weibull law of durations.

    .. math:: p(y) = \frac{k}{s} \left(\frac{y}{s}\right)^{k - 1} e^{-(y/s)^k}, \quad s = \mathrm{scale},\; k = \mathrm{shape}

    Mean `scale * Gamma(1 + 1/shape)`, variance `scale**2 * (Gamma(1 + 2/shape) - Gamma(1 + 1/shape)**2)`. log y has the
    `GumbelMin` law with loc log(scale) and scale 1 / shape. scipy.stats: ``weibull_min(shape, scale=scale)``; statsmodels:
    none; R: ``survreg(dist="weibull")`` (its scale is 1 / shape, its linear predictor log(scale)), gamlss ``WEI``.

    Parameters
    ----------
    scale, shape : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Weibull()).fit([[0], [0], [1], [1]], [1.0, 2.0, 3.0, 9.0]).coef_.round(3)
    array([1.469])
    """

    standard = GumbelMin()

    relations = Relations(limits={"Exponential": {"shape": 1.0, "scale": "mean"}})

    def __init__(self, *, scale: Any = None, shape: Any = None, links: Any = None) -> None:
        self.scale, self.shape, self.links = scale, shape, links

    def log_mgf(self, t: np.ndarray) -> np.ndarray:
        return lgamma_delta(1.0, t)

    def crps(self, y: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        s = np.where(shape < MAX_SHAPE_OF_CRPS, 1 / shape, np.nan)  # beyond, the terms cancel
        t = (np.maximum(y, 0.0) / scale) ** shape
        mean = scale * gamma(1 + s)
        return y * (1 - 2 * np.exp(-t)) + mean * (2.0**-s - 2 * gammainc(1 + s, t))
