"""The Lomax law."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...domains import NONNEGATIVE, POSITIVE
from .._fallbacks.starting_values import best_candidate, reduced_sample
from .._families.hazard import tail_from_survival
from .._protocol.base import Likelihood
from .._protocol.relations import Relations


class Lomax(Likelihood):
    r"""Lomax law (Pareto of the second kind): a heavy tail that begins at 0.

    .. math:: p(y) = \frac{k}{s} \left(1 + \frac{y}{s}\right)^{-k - 1}, \quad s = \mathrm{scale},\; k = \mathrm{shape}

    Mean `scale / (shape - 1)` for shape > 1, variance `scale**2 * shape / ((shape - 1)**2 * (shape - 2))` for shape > 2,
    infinite below. scipy.stats: ``lomax(shape, scale=scale)``; statsmodels: none; R: VGAM ``lomax``, gamlss ``PARETO2``
    (sigma = 1 / shape). It is the `GeneralizedPareto` law of shape 1 / shape and scale `scale / shape`. Tails lighter than
    exponential drive both parameters to infinity; use `GeneralizedPareto`, whose shape may be negative, for such data.

    Parameters
    ----------
    scale, shape : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log.

    References
    ----------
    Lomax, K. S. (1954). Business failures: another example of the analysis of failure data. JASA 49, 847-852.
    doi:10.1080/01621459.1954.10501239

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> y = [0.1, 0.3, 0.5, 0.8, 1.2, 1.9, 3.2, 9.0]
    >>> params = MLERegressor(Lomax()).fit([[0]] * 8, y).predict_params([[0]])
    >>> params["scale"].round(2), params["shape"].round(2)
    (array([3.05]), array([2.34]))
    """

    parameters = {"scale": POSITIVE, "shape": POSITIVE}
    support = NONNEGATIVE

    relations = Relations(limits={"Exponential": {"shape": np.inf, "scale": lambda mean, distance: mean / distance}})

    def __init__(self, *, scale: Any = None, shape: Any = None, links: Any = None) -> None:
        self.scale, self.shape, self.links = scale, shape, links

    def loglik(self, y: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return np.log(shape) - np.log(scale) - (shape + 1) * _log_growth(y, scale)

    def gradient(self, y: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> dict[str, np.ndarray]:
        return {
            "scale": shape * (y / (scale + y)) / scale - 1 / (scale + y),
            "shape": 1 / shape - _log_growth(y, scale),
        }

    def hessian(self, y: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        z = y / (scale + y)
        return {
            ("scale", "scale"): 1 / (scale + y) ** 2 - shape * z * (2 - z) / scale**2,
            ("scale", "shape"): z / scale,
            ("shape", "shape"): -1 / shape**2 + 0 * y,
        }

    def fisher(self, scale: np.ndarray, shape: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {
            ("scale", "scale"): shape / ((shape + 2) * scale**2),
            ("scale", "shape"): -1 / ((shape + 1) * scale),
            ("shape", "shape"): 1 / shape**2 + 0 * scale,
        }

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        tried = np.maximum(float(np.average(y, weights=sample_weight)) * np.geomspace(1e-3, 1e3, 25), 1e-300)
        scales = [self.layout.fixed["scale"]] if "scale" in self.layout.fixed else tried
        candidates = [{"scale": scale, **self.refine(y, sample_weight, scale)} for scale in scales]
        return best_candidate(
            self, [{**candidate, **self.layout.fixed} for candidate in candidates], *reduced_sample(y, sample_weight)
        )

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, scale: float | np.ndarray, **others: np.ndarray) -> dict:
        return {"shape": 1 / max(float(np.average(np.log1p(y / scale), weights=sample_weight)), 1e-15)}

    def expectation(self, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return np.where(shape > 1, scale / np.where(shape > 1, shape - 1, 1.0), np.inf)

    def variance(self, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        finite = np.where(shape > 2, shape, 3.0)
        return np.where(shape > 2, (scale / (finite - 1)) ** 2 * finite / (finite - 2), np.inf)

    def entropy(self, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return 1 + 1 / shape + np.log(scale) - np.log(shape)

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        survival = -shape * _log_growth(np.maximum(y, 0.0), scale)
        return tail_from_survival(survival, y, upper, log, lambda y: self.loglik(y, scale, shape))

    def ppf(self, q: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return scale * np.expm1(-np.log1p(-np.asarray(q)) / shape)

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return scale * np.expm1(rng.standard_exponential(size) / shape)


def _log_growth(y: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """log(1 + y / scale), where the quotient is no number too."""
    with np.errstate(over="ignore"):
        value = np.log1p(y / scale)
    over = np.isposinf(value)
    return np.where(over, np.log(np.maximum(y, 1.0)) - np.log(scale), value) if over.any() else value
