"""The Box-Cox Cole and Green law."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from scipy import special
from scipy.special import log_ndtr, ndtr, ndtri

from ..._special.removable import exprel, log1p_ratio
from ..._special.tails import log_ndtr_gap
from ...domains import POSITIVE, REAL, Domain
from .._fallbacks.quantile import newton_quantile
from .._fallbacks.starting_values import best_candidate, reduced_sample, weighted_median
from .._families.extreme_value import reduced_variate
from .._protocol.base import Likelihood
from .._protocol.relations import Relations

LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)
# Standard deviations from the centre to the truncation, below which this influences a fit.
MAX_INFLUENTIAL_TRUNCATION_IN_SDS = 5.0
MAX_TRUNCATION_IN_SDS = 40.0  # standard deviations from which on the truncated probability and its derivatives are zero
UNIT_NODES, GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(64)
UNIT_NODES = (1 + UNIT_NODES) / 2  # on [0, 1]
# Values of scale * nu at which the expected information is computed, and interpolated between them.
MAX_INFORMATION_POINTS = 257
# Values of nu from which a fit may start.
TRIED_POWERS = (-4.0, -2.5, -1.5, -0.8, -0.3, 0.0, 0.3, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0)


class BoxCoxColeGreen(Likelihood):
    r"""Box-Cox Cole and Green law, of the LMS method for growth curves: a power of y is normal, truncated where y is 0.

    .. math:: p(y) = \frac{y^{\nu - 1}}{\mathrm{loc}^\nu\, \mathrm{scale}\, \sqrt{2\pi}\, \Phi(1/(\mathrm{scale}\,|\nu|))}
        e^{-z^2/2}, \quad z = \frac{(y/\mathrm{loc})^\nu - 1}{\nu\, \mathrm{scale}}, \; \nu = \mathrm{nu}

    `loc` is close to the median, and equal to it if nothing is truncated; `scale` is close to the coefficient of variation;
    mean and variance have no closed form, and do not exist for nu in [-1, 0) and [-2, 0): the density falls as y^(nu - 1)
    there, with a factor that is tiny for small scales. The log-normal law for nu = 0. scipy.stats:
    none; statsmodels: none; R: gamlss ``BCCG`` (mu, sigma, nu), whose default link of mu is the identity.

    Parameters
    ----------
    loc, scale, nu : float, optional
        A number fixes the parameter (nu=0: the log-normal law, nu=1: a truncated normal one); None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log for `loc` and `scale`, identity for `nu`.

    References
    ----------
    Cole, T. J., Green, P. J. (1992). Smoothing reference centile curves: the LMS method and penalized likelihood. Statistics
    in Medicine 11, 1305-1319. doi:10.1002/sim.4780111005

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> X, y = [[0]] * 4 + [[1]] * 4, [1.0, 1.2, 1.3, 1.7, 2.1, 2.4, 2.7, 3.3]
    >>> MLERegressor(BoxCoxColeGreen(nu=0.5)).fit(X, y).coef_.round(2)
    array([0.7])
    """

    parameters = {"loc": POSITIVE, "scale": Domain(low=0.0, typical=(0.05, 0.3)), "nu": REAL}
    support = POSITIVE

    relations = Relations(
        limits={
            "LogNormal": {"nu": 0.0, "loc": lambda loc: np.exp(loc)},
            "HalfNormal": {"nu": 1.0, "scale": np.inf, "loc": lambda scale, distance: scale * distance},
        },
        ends={"scale": {"upper": "half-normal law of a power of y"}},
        tried={"nu": (-1.0, 0.5, 1.0)},
        # with much truncation, another maximum may lie at a smaller `loc`
        competing=lambda law, loc, scale, nu: (
            "nu" in law.layout.free and bool(np.min(_truncation_in_sds(scale, nu)) < MAX_INFLUENTIAL_TRUNCATION_IN_SDS)
        ),
    )

    def __init__(self, *, loc: Any = None, scale: Any = None, nu: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.nu, self.links = loc, scale, nu, links

    def terms(
        self, y: np.ndarray, order: int, loc: np.ndarray, scale: np.ndarray, nu: np.ndarray
    ) -> tuple[np.ndarray, dict, dict]:
        ratio = _log_ratio(y, loc)
        value = _log_density(ratio, scale, nu) - np.log(y)
        if order == 0:
            return value, {}, {}
        power, power_1, power_2 = exprel(nu * ratio)
        z, d_log, d_nu = ratio * power / scale, np.exp(nu * ratio) / scale, ratio**2 * power_1 / scale
        share, curve, inverse = _truncation(scale, nu)
        first = {
            "loc": (z * d_log - nu) / loc,
            "scale": (z**2 - 1 + share) / scale,
            "nu": ratio - z * d_nu + share * inverse,
        }
        if order == 1:
            return value, first, {}
        second = {
            ("loc", "loc"): (nu - d_log**2 - z * d_log * (1 + nu)) / loc**2,
            ("loc", "scale"): -2 * z * d_log / (scale * loc),
            ("loc", "nu"): (d_log * (d_nu + z * ratio) - 1) / loc,
            ("scale", "scale"): (1 - 3 * z**2 - curve) / scale**2,
            ("scale", "nu"): (2 * z * d_nu - (curve - share) * inverse) / scale,
            ("nu", "nu"): -(d_nu**2) - z * (ratio**3 * power_2 / scale) - curve * inverse**2,
        }
        return value, first, second

    def fisher(self, loc: np.ndarray, scale: np.ndarray, nu: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        """By Gauss quadrature in z, to five digits: entries, up to powers of loc and scale, are functions of scale * nu."""
        power = np.unique(scale * nu)
        power = power if len(power) <= MAX_INFORMATION_POINTS else np.linspace(power[0], power[-1], MAX_INFORMATION_POINTS)
        share, _, inverse = _truncation(1.0, power)
        cut, sign = np.minimum(_truncation_in_sds(1.0, power), 9.0)[:, None], np.where(power < 0, -1, 1)[:, None]
        z = sign * ((9 + cut) * UNIT_NODES**2 - cut)
        w, odd = power[:, None] * z, (share * inverse)[:, None]
        tilt = log1p_ratio(w)
        scores = z + w * z - power[:, None], z**2 - 1 + share[:, None], z * tilt[0] + z**3 * (1 + w) * tilt[1] + odd
        mass = np.exp(-0.5 * z**2) * UNIT_NODES * GAUSS_WEIGHTS
        mass = mass / mass.sum(axis=1, keepdims=True)
        factors = {"loc": 1 / (loc * scale), "scale": 1 / scale, "nu": scale}
        return {
            (a, b): np.interp(scale * nu, power, (score_a * score_b * mass).sum(axis=1)) * factors[a] * factors[b]
            for (a, score_a), (b, score_b) in combinations_with_replacement(zip(factors, scores, strict=True), 2)
        }

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        loc = self.layout.fixed.get("loc", weighted_median(y, sample_weight))
        return {"loc": loc, **self.refine(y, sample_weight, loc=loc)}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, loc: float | np.ndarray, **others: np.ndarray) -> dict:
        ratio, sample_weight = reduced_sample(_log_ratio(y, loc), sample_weight)
        candidates = []
        fixed = self.layout.fixed
        for nu in [fixed["nu"]] if "nu" in fixed else TRIED_POWERS:
            square = np.average((ratio * special.exprel(nu * ratio)) ** 2, weights=sample_weight)
            candidates.append({"loc": 1.0, "scale": fixed.get("scale", max(float(np.sqrt(square)), 1e-15)), "nu": nu})
        best = best_candidate(self, candidates, np.exp(ratio), sample_weight)
        return {name: best[name] for name in ("scale", "nu")}

    def tail_probability(
        self, y: np.ndarray, upper: bool, log: bool, loc: np.ndarray, scale: np.ndarray, nu: np.ndarray
    ) -> np.ndarray:
        value = _log_tails(_log_ratio(np.maximum(y, 5e-324), loc), scale, nu)[int(upper)]
        value = np.where(np.asarray(y) <= 0, 0.0 if upper else -np.inf, value)
        return value if log else np.exp(value)

    def ppf(self, q: np.ndarray, loc: np.ndarray, scale: np.ndarray, nu: np.ndarray) -> np.ndarray:
        def logs(ratio: np.ndarray, upper: bool, scale: np.ndarray, nu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return _log_tails(ratio, scale, nu)[int(upper)], _log_density(ratio, scale, nu)

        start = np.clip(_log_quantile(q, scale, nu), -1400, 1400)
        with np.errstate(over="ignore"):
            return loc * np.exp(newton_quantile(logs, q, {"scale": scale, "nu": nu}, (-1500.0, 1500.0), start))

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray, nu: np.ndarray
    ) -> np.ndarray:
        return loc * np.exp(np.clip(_log_quantile(rng.uniform(size=size), scale, nu), -600, 600))


def _log_ratio(y: np.ndarray, loc: Any) -> np.ndarray:
    """log(y / loc), exact for y close to loc, and if y / loc underflows."""
    d, ratio = (y - loc) / loc, y / loc
    far = np.log(ratio) if np.minimum.reduce(ratio, axis=None) > 1e-300 else np.log(y) - np.log(loc)
    return np.where(d > -0.5, np.log1p(np.maximum(d, -0.5)), far)


def _log_density(ratio: np.ndarray, scale: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """The log-density of log(y) at log(y / loc)."""
    z = ratio * special.exprel(nu * ratio) / scale
    return nu * ratio - 0.5 * z**2 - np.log(scale) - LOG_ROOT_2PI - log_ndtr(_truncation_in_sds(scale, nu))


def _truncation_in_sds(scale: Any, nu: np.ndarray) -> np.ndarray:
    """|z| at the truncation, which is on the lower side for positive and on the upper side for negative nu."""
    with np.errstate(divide="ignore"):
        return 1 / (scale * np.abs(nu))


def _truncation(scale: Any, nu: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first derivative of log Phi(c) in log(c), c = 1 / (scale |nu|); the sum of first and second; and 1 / nu."""
    c = np.minimum(_truncation_in_sds(scale, nu), MAX_TRUNCATION_IN_SDS)
    share = c * np.exp(-0.5 * c**2 - LOG_ROOT_2PI) / ndtr(c)
    return share, share * (2 - c**2 - share), np.sign(nu) * c * scale


def _log_tails(ratio: np.ndarray, scale: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """log P(Y <= y) and log P(Y > y); the one that ends at the truncation is integrated, if a difference would cancel."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        c = _truncation_in_sds(scale, nu)
        x = np.where(nu < 0, -1, 1) * ratio * special.exprel(nu * ratio) / scale
        free = log_ndtr(-x) - log_ndtr(c)
        strip = np.log(c) + nu * ratio  # of its width beside the truncation
        gap = np.where(strip < -600, strip - 0.5 * c**2 - LOG_ROOT_2PI, log_ndtr_gap(-c, x, np.exp(strip)))
        cut = np.where(free < -0.7, np.log1p(-np.exp(free)), gap - log_ndtr(c))
        free = np.where(free < -0.7, free, np.log1p(-np.exp(cut)))
        return np.where(nu < 0, (free, cut), (cut, free))


def _log_quantile(q: np.ndarray, scale: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """log(y / loc) at probability q; digits are lost close to the truncation."""
    c, below = _truncation_in_sds(scale, nu), np.where(nu < 0, 1 - np.asarray(q), q)
    above = np.where(nu < 0, q, 1 - np.asarray(q))
    x = np.where(below < 0.5, ndtri(ndtr(-c) + below * ndtr(c)), -ndtri(above * ndtr(c)))
    return reduced_variate(np.where(nu < 0, -1, 1) * x * scale, nu)
