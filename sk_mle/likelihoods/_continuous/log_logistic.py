"""The log-logistic law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import beta, betainc

from ..._special.gamma_functions import lgamma_delta
from .._families.log_location_scale import ScaleShape
from .logistic import Logistic

MAX_SHAPE_OF_CRPS = 1e5  # shape up to which the closed form of the CRPS keeps nine digits


class LogLogistic(ScaleShape):
    r"""Log-logistic (Fisk) law of durations, whose odds of survival are a power of time.

    .. math:: p(y) = \frac{k}{s} \frac{(y/s)^{k-1}}{(1 + (y/s)^k)^2}, \quad s = \mathrm{scale},\; k = \mathrm{shape}

    `scale` is the median. Mean `scale * b / sin(b)` with b = pi / shape, for shape > 1; variance
    `scale**2 * (2 * b / sin(2 * b) - (b / sin(b))**2)` for shape > 2; infinite below. log y has the `Logistic` law with loc
    log(scale) and scale 1 / shape. scipy.stats: ``fisk(shape, scale=scale)``; statsmodels: none; R:
    ``survreg(dist="loglogistic")`` (its scale is 1 / shape), flexsurv ``llogis``, VGAM ``fisk``.

    Parameters
    ----------
    scale, shape : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(LogLogistic()).fit([[0], [0], [1], [1]], [1.0, 2.0, 3.0, 9.0]).coef_.round(3)
    array([1.301])
    """

    standard = Logistic()

    def __init__(self, *, scale: Any = None, shape: Any = None, links: Any = None) -> None:
        self.scale, self.shape, self.links = scale, shape, links

    def log_mgf(self, t: np.ndarray) -> np.ndarray:
        inside = np.where(t < 1, t, 0.0)
        return np.where(t < 1, lgamma_delta(1.0, inside) + lgamma_delta(1.0, -inside), np.inf)

    def crps(self, y: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        s = np.where((shape > 1.001) & (shape < MAX_SHAPE_OF_CRPS), 1 / shape, np.nan)  # for large shapes the terms cancel
        share = self.cdf(y, scale, shape)
        return y * (2 * share - 1) - scale * beta(1 + s, 1 - s) * (2 * betainc(1 + s, 1 - s, share) + s - 1)
