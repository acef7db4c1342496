"""The Gompertz law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import exp1

from ..._special.removable import exprel, log1p_ratio
from ..._special.tails import log_continued_fraction
from ...domains import POSITIVE, Domain
from .._families.hazard import Hazard
from .._protocol.relations import Relations

SHAPE = Domain(typical=(0.1, 1.5))


class Gompertz(Hazard):
    r"""Gompertz law of durations with a hazard that grows, or shrinks, exponentially.

    .. math:: p(y) = \mathrm{rate}\, e^{\mathrm{shape}\, y}
        \exp\left\{-\mathrm{rate}\, \frac{e^{\mathrm{shape}\, y} - 1}{\mathrm{shape}}\right\}

    Shape 0 is the `Exponential` law with mean 1 / rate. With a negative shape the hazard tends to zero, and with probability
    exp(rate / shape) a duration never ends: random values, high quantiles and the mean are infinite then. An observed y must be
    finite; a right-censored one may be a duration without end. Mean `exp(a) * E1(a) / shape` with a = rate / shape, where shape
    > 0; the variance has no closed form. scipy.stats: ``gompertz(rate / shape, scale=1 / shape)``; statsmodels: none; R:
    flexsurv ``flexsurvreg(dist="gompertz")``.

    Parameters
    ----------
    rate, shape : float, optional
        A number fixes the parameter (shape=0: the exponential law); None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log for `rate`, identity for `shape`.

    References
    ----------
    Jackson, C. (2016). flexsurv: a platform for parametric survival modeling in R. Journal of Statistical Software 70 (8).
    doi:10.18637/jss.v070.i08

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Gompertz()).fit([[0], [0], [0], [1], [1], [1]], [2.0, 3.0, 3.5, 1.0, 2.0, 3.0]).coef_.round(2)
    array([1.01])
    """

    parameters = {"rate": POSITIVE, "shape": SHAPE}

    relations = Relations(limits={"Exponential": {"shape": 0.0, "rate": lambda mean: 1 / mean}})

    def __init__(self, *, rate: Any = None, shape: Any = None, links: Any = None) -> None:
        self.rate, self.shape, self.links = rate, shape, links

    def hazard_terms(self, y: np.ndarray, order: int, rate: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        return np.log(rate) + shape * y, {"rate": 1 / rate, "shape": y}, {("rate", "rate"): -1 / rate**2}

    def survival_terms(self, y: np.ndarray, order: int, rate: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        value, d1, d2 = exprel(shape * y)
        first = {"rate": -y * value, "shape": -rate * y**2 * d1}
        return -rate * y * value, first, {("rate", "shape"): -(y**2) * d1, ("shape", "shape"): -rate * y**3 * d2}

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        mean = float(np.average(y, weights=sample_weight))
        return {"rate": self.layout.fixed.get("rate", 1 / max(mean, 1e-300)), "shape": 0.1 / max(mean, 1e-300)}

    def inverse_cumulative_hazard(self, cumulative: np.ndarray, rate: np.ndarray, shape: np.ndarray) -> np.ndarray:
        ratio = cumulative / rate
        is_reached = shape * ratio > -1
        return np.where(is_reached, ratio * log1p_ratio(np.where(is_reached, shape * ratio, 0.0))[0], np.inf)

    def expectation(self, rate: np.ndarray, shape: np.ndarray) -> np.ndarray:
        rate, shape = np.broadcast_arrays(np.asarray(rate, float), np.asarray(shape, float))
        with np.errstate(all="ignore"):
            a = np.where(shape > 0, rate / shape, 1.0)
            far = np.maximum(a, 1.0)
            fraction = np.exp(-log_continued_fraction(far + 1, lambda n: (-(n**2), far + 2 * n + 1)))
            mean = np.where(a < 1, np.exp(np.minimum(a, 1.0)) * exp1(a), fraction) / shape
        return np.where(shape > 0, mean, np.where(shape == 0, 1 / rate, np.inf))
