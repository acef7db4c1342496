"""The generalized Pareto law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...domains import NONNEGATIVE, POSITIVE
from .._fallbacks.starting_values import best_candidate, reduced_sample, weighted_median
from .._families.extreme_value import MIN_SCORING_SHAPE, SHAPE, ExtremeValue, from_reduced_variate, reduced_variate
from .._families.hazard import tail_from_survival


def _near_ends(
    law: Any, y: np.ndarray, sample_weight: np.ndarray, distance: float, scale: np.ndarray, **others: np.ndarray
) -> list:
    """The lower end of `shape`: a uniform law up to the largest y / scale (see `Relations.near_ends`)."""
    params = {"scale": scale * np.max(y / scale), "shape": distance - 1}
    return [("shape", "lower", params)] if "shape" in law.layout.free else []


class GeneralizedPareto(ExtremeValue):
    r"""Generalized Pareto law of exceedances over a high threshold.

    .. math:: p(y) = \frac{1}{\mathrm{scale}} \left(1 + \mathrm{shape}\,\frac{y}{\mathrm{scale}}\right)^{-1/\mathrm{shape} - 1}

    Exponential for shape = 0. For positive shapes it is heavy tailed; for negative ones it has the upper end `-scale / shape`,
    beyond which the log-likelihood is -inf. Mean `scale / (1 - shape)` for shape < 1, variance `scale**2 / ((1 - shape)**2 * (1
    - 2 * shape))` for shape < 1/2. scipy.stats: ``genpareto(shape, scale=scale)``; statsmodels: none; R: VGAM ``gpd``, evd
    ``fpot``. Estimates are confined to shape > -1, as the likelihood is unbounded below; from -1/2 down the maximum is not
    regular and has no standard errors. With few data for each coefficient of `shape` there may be no maximum; the link
    ``ShiftedLog(-0.5)`` of `shape` admits regular ones only.

    Parameters
    ----------
    scale, shape : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log for `scale`, identity for `shape`.

    References
    ----------
    Smith, R. L. (1985). Maximum likelihood estimation in a class of nonregular cases. Biometrika 72, 67-90.
    doi:10.1093/biomet/72.1.67

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> y = [0.1, 0.3, 0.5, 0.8, 1.2, 1.9, 3.2, 9.0]
    >>> params = MLERegressor(GeneralizedPareto()).fit([[0]] * 8, y).predict_params([[0]])
    >>> params["scale"].round(2), params["shape"].round(2)
    (array([1.3]), array([0.43]))
    """

    parameters = {"scale": POSITIVE, "shape": SHAPE}
    support = NONNEGATIVE
    maxima = False

    relations = replace(
        ExtremeValue.relations,
        limits={"Exponential": {"shape": 0.0, "scale": "mean"}},
        ends={"shape": {"lower": "uniform law up to scale"}},
        near_ends=_near_ends,
    )

    def __init__(self, *, scale: Any = None, shape: Any = None, links: Any = None) -> None:
        self.scale, self.shape, self.links = scale, shape, links

    def terms(self, y: np.ndarray, order: int, scale: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        loglik, gradient, hessian = super().terms(y, order, 0.0, scale, shape=shape)
        gradient.pop("loc", None)
        if order:
            with np.errstate(all="ignore"):  # in the ratio of scale and y that is no more than one, as products overflow
                far, near = (1 - scale / y) / (shape + scale / y), (y - scale) / (scale + shape * y)
                gradient["scale"] = np.where(y > scale, far, near) / scale
        return loglik, gradient, {pair: value for pair, value in hessian.items() if "loc" not in pair}

    def fisher(self, scale: np.ndarray, shape: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        shape = np.maximum(shape, MIN_SCORING_SHAPE)
        total = 1 + 2 * shape
        return {
            ("scale", "scale"): 1 / (scale**2 * total),
            ("scale", "shape"): 1 / (scale * (1 + shape) * total),
            ("shape", "shape"): 2 / ((1 + shape) * total) + 0 * scale,
        }

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        median, largest = weighted_median(y, sample_weight), float(np.max(y))
        candidates = []
        for shape in self._shapes():
            scale = max(
                median / float(from_reduced_variate(np.log(2), **shape)),
                -1.01 * shape["shape"] * largest,
                1e-3 * largest,
                1e-300,
            )
            candidates.append({"scale": self.layout.fixed.get("scale", scale), **shape})
        return best_candidate(self, candidates, *reduced_sample(y, sample_weight))

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, scale: float | np.ndarray, **others: np.ndarray) -> dict:
        candidates = [{"scale": 1.0, **shape} for shape in self._shapes()]
        best = best_candidate(self, candidates, *reduced_sample(y / scale, sample_weight))
        return {"shape": best["shape"]}

    def expectation(self, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return np.where(shape < 1, scale / np.where(shape < 1, 1 - shape, 1.0), np.inf)

    def variance(self, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        finite = np.where(shape < 0.5, shape, 0.0)
        return np.where(shape < 0.5, (scale / (1 - finite)) ** 2 / (1 - 2 * finite), np.inf)

    def entropy(self, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return 1 + shape + np.log(scale)

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        survival = -reduced_variate(np.maximum(y, 0.0) / scale, shape)
        return tail_from_survival(survival, y, upper, log, lambda y: self.loglik(y, scale, shape))

    def ppf(self, q: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return scale * from_reduced_variate(-np.log1p(-np.asarray(q)), shape)

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return scale * from_reduced_variate(rng.standard_exponential(size), shape)

    def crps(self, y: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        k = np.where(shape < 0.999, shape, np.nan)
        rest = np.expm1((1 - k) * self.logsf(y, scale, k))
        return np.abs(y) + scale * (2 * rest / (1 - k) + 1 / (2 - k))
