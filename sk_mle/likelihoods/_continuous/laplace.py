"""The Laplace (double exponential) law."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._fallbacks.facts import takes_parameters
from .._fallbacks.starting_values import quantiles
from .._families.kinked import Kinked
from .._families.location_scale import LocationScale


class Laplace(Kinked, LocationScale):
    r"""Laplace law; its maximum likelihood fit is least absolute deviations (median regression).

    .. math:: p(y) = \frac{1}{2\,\mathrm{scale}} \exp\{-|y - \mathrm{loc}|/\mathrm{scale}\}

    Mean `loc`, variance `2 * scale**2`. scipy.stats: ``laplace(loc, scale)``; statsmodels: ``QuantReg`` (q=0.5);
    R: quantreg ``rq(tau=0.5)``. The log-likelihood has a kink where `loc = y`, and the optimum is a vertex at which as
    many samples are fitted exactly as there are coefficients.

    Parameters
    ----------
    loc, scale : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale`.

    References
    ----------
    Koenker, R., Bassett, G. (1978). Regression quantiles. Econometrica 46, 33-50. doi:10.2307/1913643

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Laplace()).fit([[0], [1], [2], [3]], [1, 3, 5, 70]).coef_
    array([2.])
    """

    def __init__(self, *, loc: Any = None, scale: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.links = loc, scale, links

    @takes_parameters
    def rates(self) -> tuple[float | np.ndarray, float | np.ndarray]:
        """Rates at which the log-density falls on the left and on the right of its kink."""
        return 1.0, 1.0

    @takes_parameters
    def standard_terms(self, z: np.ndarray, order: int, *at: np.ndarray, **shape: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        left, right = self.rates(*at, **shape)
        size, d1, d2 = self.distance(z)
        value = -np.log(1 / left + 1 / right) - (right * (size + z) + left * (size - z)) / 2
        return value, {"z": -(right * (d1 + 1) + left * (d1 - 1)) / 2}, {("z", "z"): -(left + right) / 2 * d2}

    @takes_parameters
    def standard_information(self, *at: np.ndarray, **shape: np.ndarray) -> dict:
        left, right = self.rates(*at, **shape)
        return {("loc", "loc"): left * right, ("scale", "scale"): 1.0}

    def centre(self, y: np.ndarray, sample_weight: np.ndarray, *at: np.ndarray, **shape: np.ndarray) -> float:
        left, right = self.rates(*at, **shape)
        return float(quantiles(y, sample_weight, np.array([right / (left + right)]))[0])

    def spread(self, residual: np.ndarray, sample_weight: np.ndarray, *at: np.ndarray, **shape: np.ndarray) -> float:
        left, right = self.rates(*at, **shape)
        return float(np.average(np.maximum(right * residual, -left * residual), weights=sample_weight))

    def standard_moments(self, *at: np.ndarray, **shape: np.ndarray) -> tuple[float | np.ndarray, ...]:
        left, right = self.rates(*at, **shape)
        return 1 / right - 1 / left, 1 / right**2 + 1 / left**2, 1 + np.log(1 / left + 1 / right)

    def standard_tail(self, z: np.ndarray, upper: bool, log: bool, *at: np.ndarray, **shape: np.ndarray) -> np.ndarray:
        left, right = self.rates(*at, **shape)
        z, left, right = (-z, right, left) if upper else (z, left, right)
        with np.errstate(over="ignore"):
            outer = np.where(z < 0, right, left) / (left + right) * np.exp(-np.where(z < 0, -left * z, right * z))
        if not log:
            return np.where(z < 0, outer, 1 - outer)
        lower = np.log(right / (left + right)) + left * z
        return np.where(z < 0, lower, np.log1p(-np.where(z < 0, 0.0, outer)))

    def standard_ppf(self, q: np.ndarray, *at: np.ndarray, **shape: np.ndarray) -> np.ndarray:
        left, right = self.rates(*at, **shape)
        share, q = right / (left + right), np.asarray(q)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(q < share, np.log(q / share) / left, -np.log((1 - q) / (1 - share)) / right)

    def rvs(
        self,
        rng: np.random.Generator,
        size: int | tuple[int, ...],
        loc: np.ndarray,
        scale: np.ndarray,
        *at: np.ndarray,
        **shape: np.ndarray,
    ) -> np.ndarray:
        left, right = self.rates(*at, **shape)
        return loc + scale * (rng.standard_exponential(size) / right - rng.standard_exponential(size) / left)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray, *at: np.ndarray, **shape: np.ndarray) -> np.ndarray:
        left, right = self.rates(*at, **shape)
        z, below = (y - loc) / scale, right / (left + right)
        outside = below**2 / (2 * left) + (1 - below) ** 2 / (2 * right)
        rate, share = np.where(z < 0, left, right), np.where(z < 0, below, 1 - below)
        return scale * (outside + np.abs(z) + 2 * share * np.expm1(-rate * np.abs(z)) / rate)
