"""The exponential law."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...domains import POSITIVE
from .._fallbacks.starting_values import resolution
from .._families.hazard import Hazard


class Exponential(Hazard):
    r"""Exponential law of durations with a constant hazard.

    .. math:: p(y) = \frac{1}{\mathrm{mean}} e^{-y / \mathrm{mean}}

    Mean `mean`, variance `mean**2`; zeros are accepted. The `Gamma` and the `Weibull` law of shape 1. scipy.stats:
    ``expon(scale=mean)``; statsmodels: ``GLM(family=Gamma())`` with scale=1; R: ``survreg(dist="exponential")``, gamlss
    ``EXP``.

    Parameters
    ----------
    mean : float, optional
        A number fixes it; None estimates it.
    links : dict of str to str or Link, optional
        Default log.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Exponential()).fit([[0], [0], [1], [1]], [1.0, 2.0, 3.0, 9.0]).coef_.round(4)
    array([1.3863])
    """

    parameters = {"mean": POSITIVE}

    def __init__(self, *, mean: Any = None, links: Any = None) -> None:
        self.mean, self.links = mean, links

    def hazard_terms(self, y: np.ndarray, order: int, mean: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        return -np.log(mean), {"mean": -1 / mean}, {("mean", "mean"): 1 / mean**2}

    def survival_terms(self, y: np.ndarray, order: int, mean: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        z = y / mean
        return -z, {"mean": z / mean}, {("mean", "mean"): -2 * z / mean**2}

    def fisher(self, mean: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {("mean", "mean"): 1 / mean**2}

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        return {"mean": max(float(np.average(y, weights=sample_weight)), resolution(y))}

    def inverse_cumulative_hazard(self, cumulative: np.ndarray, mean: np.ndarray) -> np.ndarray:
        return cumulative * mean

    def expectation(self, mean: np.ndarray) -> np.ndarray:
        return +mean

    def variance(self, mean: np.ndarray) -> np.ndarray:
        return mean**2

    def entropy(self, mean: np.ndarray) -> np.ndarray:
        return 1 + np.log(mean)

    def crps(self, y: np.ndarray, mean: np.ndarray) -> np.ndarray:
        return np.abs(y) + 2 * mean * np.expm1(-np.maximum(y, 0.0) / mean) + mean / 2

    def divergence(self, p: dict, q: dict) -> np.ndarray:
        ratio = p["mean"] / q["mean"]
        return ratio - 1 - np.log(ratio)
