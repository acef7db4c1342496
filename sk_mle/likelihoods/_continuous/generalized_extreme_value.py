"""The generalized extreme value law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import digamma, exp1, gamma, gammainc

from ..._special.removable import analytic
from ...links import CLogLog, LogLog
from .._fallbacks.starting_values import quantiles, resolution
from .._families.extreme_value import MIN_SCORING_SHAPE, ExtremeValue, from_reduced_variate, reduced_variate

QUARTILES = np.array([0.25, 0.5, 0.75])


def _information(shape: np.ndarray) -> np.ndarray:
    """Expected information of the standard law: loc, (loc, scale), (loc, shape), scale, (scale, shape), shape."""
    once, p = gamma(2 + shape), (1 + shape) ** 2 * gamma(1 + 2 * shape)
    q = once * (digamma(1 + shape) + (1 + shape) / shape)
    rest = 1 - np.euler_gamma + 1 / shape
    return np.stack([
        p,
        (once - p) / shape,
        (p / shape - q) / shape,
        (1 - 2 * once + p) / shape**2,
        (q - (p + 1 - once) / shape - 1 + np.euler_gamma) / shape**2,
        (np.pi**2 / 6 + rest**2 - (2 * q - p / shape) / shape) / shape**2,
    ])  # fmt: skip


_information = analytic(_information)
_mean = analytic(lambda shape: (gamma(1 - shape) - 1) / shape)
_variance = analytic(lambda shape: (gamma(1 - 2 * shape) - gamma(1 - shape) ** 2) / shape**2)


def _near_ends(
    law: Any, y: np.ndarray, sample_weight: np.ndarray, distance: float, loc: np.ndarray, **others: np.ndarray
) -> list:
    """The lower end of `shape`: an exponential law below the largest residual (see `Relations.near_ends`)."""
    if "shape" not in law.layout.free:
        return []
    r = y - loc
    scale = max(float(np.average(r.max() - r, weights=sample_weight)), resolution(y))
    scale = law.layout.fixed.get("scale", scale)
    return [("shape", "lower", {"loc": loc + r.max() - scale, "scale": scale, "shape": distance - 1})]


class GeneralizedExtremeValue(ExtremeValue):
    r"""Generalized extreme value law, of maxima of many values: Gumbel, Frechet and reversed Weibull in one.

    .. math:: P(Y \le y) = \exp\{-(1 + \mathrm{shape}\, z)^{-1/\mathrm{shape}}\}, \quad z = (y - \mathrm{loc})/\mathrm{scale}

    The Gumbel law for shape = 0. For positive shapes it is heavy tailed, with the lower end `loc - scale / shape`; for negative
    ones that is its upper end. Beyond an end the log-likelihood is -inf. Mean `loc + scale * (gamma(1 - shape) - 1) / shape`
    for shape < 1, variance `scale**2 * (gamma(1 - 2 * shape) - gamma(1 - shape)**2) / shape**2` for shape < 1/2. scipy.stats:
    ``genextreme(-shape, loc, scale)``; statsmodels: none; R: VGAM ``gev``, evd ``fgev``. Estimates are confined to shape > -1,
    as the likelihood is unbounded below; from -1/2 down the maximum is not regular and has no standard errors. With few data
    for each coefficient of `shape` there may be no maximum; the link ``ShiftedLog(-0.5)`` of `shape` admits regular ones only.

    Parameters
    ----------
    loc, scale, shape : float, optional
        A number fixes the parameter (shape=0: the Gumbel law of maxima); None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log for `scale`, identity for the others.

    References
    ----------
    Prescott, P., Walden, A. T. (1980). Maximum likelihood estimation of the parameters of the generalized extreme-value
    distribution. Biometrika 67, 723-724. doi:10.1093/biomet/67.3.723

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> y = [0.2, 1.4, 2.1, 4.9, 3.8, 5.3, 6.0, 8.9]
    >>> MLERegressor(GeneralizedExtremeValue(shape=0)).fit([[i] for i in range(8)], y).coef_.round(2)
    array([1.01])
    """

    relations = replace(
        ExtremeValue.relations,
        limits={"Gumbel": {"shape": 0.0}},
        searched=False,
        ends={"shape": {"lower": "exponential law below an upper end"}},
        near_ends=_near_ends,
    )

    def __init__(self, *, loc: Any = None, scale: Any = None, shape: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.shape, self.links = loc, scale, shape, links

    def standard_information(self, shape: np.ndarray) -> dict:
        names = ("loc", "loc"), ("loc", "scale"), ("loc", "shape"), ("scale", "scale"), ("scale", "shape"), ("shape", "shape")
        return dict(zip(names, _information(np.maximum(shape, MIN_SCORING_SHAPE)), strict=True))

    def centre(self, y: np.ndarray, sample_weight: np.ndarray, shape: float) -> float:
        low, middle, high = quantiles(y, sample_weight, QUARTILES)
        a, b, c = self.standard_ppf(QUARTILES, shape)
        return float(middle - (high - low) * b / (c - a))

    def spread(self, residual: np.ndarray, sample_weight: np.ndarray, shape: float) -> float:
        low, _, high = quantiles(residual, sample_weight, QUARTILES)
        a, _, c = self.standard_ppf(QUARTILES, shape)
        return max(float((high - low) / (c - a)), 1.01 * float(np.max(-shape * residual)), 0.1 * float(np.std(residual)))

    def standard_moments(self, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mean = np.where(shape < 1, _mean(np.where(shape < 1, shape, 0.0)), np.inf)
        variance = np.where(shape < 0.5, _variance(np.where(shape < 0.5, shape, 0.0)), np.inf)
        return mean, variance, 1 + np.euler_gamma * (1 + shape)

    def standard_tail(self, z: np.ndarray, upper: bool, log: bool, shape: np.ndarray) -> np.ndarray:
        u = reduced_variate(z, shape)
        if upper and log:
            return CLogLog().log_inverse(-u)[0]
        with np.errstate(over="ignore"):
            below = -np.exp(-u)
        return -np.expm1(below) if upper else below if log else np.exp(below)

    def standard_ppf(self, q: np.ndarray, shape: float | np.ndarray) -> np.ndarray:
        return from_reduced_variate(LogLog().link(q), shape)

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray, shape: np.ndarray
    ) -> np.ndarray:
        return loc + scale * from_reduced_variate(rng.gumbel(size=size), shape)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        z = (y - loc) / scale
        general = (np.abs(shape) > 1e-3) & (shape < 0.999)
        k = np.where(general, shape, 0.5)
        t = np.exp(-reduced_variate(z, k))
        tail = gamma(1 - k) * (2**k - 2 * gammainc(1 - k, t))
        value = scale * ((z + 1 / k) * (2 * np.exp(-t) - 1) - tail / k)
        plain = scale * (2 * exp1(np.exp(-z)) - z + np.euler_gamma - np.log(2))
        return np.where(general, value, np.where(shape == 0, plain, np.nan))
