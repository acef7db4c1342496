"""The logarithm of a gamma variable, standardised so that its limit is the normal law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ..._special.elementwise import elementwise
from ..._special.gamma_functions import MIN_STIRLING_ARGUMENT, STIRLING_COEFFICIENTS, gamma_norm, horner, lgamma_delta_scaled
from ..._special.logarithms import log1mexp
from ..._special.removable import analytic, exprel2
from ..._special.tails import log_gammainc, log_gammaincc
from ...domains import POSITIVE, REAL
from .._fallbacks.quantile import newton_quantile
from .._fallbacks.starting_values import resolution
from .._protocol.relations import Relations
from .location_scale import LocationScale

MAX_EXPANSION_SHAPE = 0.03  # shape below which tails come from an expansion about the normal law
ROOT_2PI = np.sqrt(2 * np.pi)
# Stirling's remainder S(1/u) = u P(u**2) and its two derivatives in u, as polynomials in u, without the powers 1, 0 and 1.
STIRLING_POWERS = 2 * np.arange(len(STIRLING_COEFFICIENTS[0])) + 1
STIRLING_REMAINDER = tuple(
    (np.array(STIRLING_COEFFICIENTS[0]) * c).tolist() for c in (1.0, STIRLING_POWERS, STIRLING_POWERS * (STIRLING_POWERS - 1))
)
STIRLING_REMAINDER[2].pop(0)  # the power -1, whose factor is zero


def _near_ends(
    law: Any, y: np.ndarray, sample_weight: np.ndarray, distance: float, loc: np.ndarray, **others: np.ndarray
) -> list:
    """The ends of `shape`: exponential laws on one side of the outermost residual (see `Relations.near_ends`)."""
    ends, r = [], y - loc
    for sign, edge in ((1, "upper"), (-1, "lower")) if {"scale", "shape"} <= set(law.layout.free) else ():
        end = sign * (sign * r).max()
        mean = max(float(np.average(np.abs(end - r), weights=sample_weight)), resolution(y))
        ends.append(("shape", edge, {"loc": loc + end, "scale": distance * mean, "shape": sign / distance}))
    return ends


class LogGamma(LocationScale):
    """The law of loc + scale * w, w = log(g / k) / shape for a gamma variable g of shape k = 1 / shape**2.

    At shape 0 it is the normal law, at 1 that of Gumbel minima; a negative shape mirrors w.
    """

    parameters = {"loc": REAL, "scale": POSITIVE, "shape": REAL}
    relations = Relations(tried={"shape": (-2.0, -1.0, -0.4, 0.0, 0.4, 1.0, 2.0)}, near_ends=_near_ends)

    def __init__(self, *, loc: Any = None, scale: Any = None, shape: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.shape, self.links = loc, scale, shape, links

    def standard_terms(self, z: np.ndarray, order: int, shape: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        x, (norm, norm_1, norm_2), (rise, rise_1, rise_2) = shape * z, remainder(shape**2), exprel2(shape * z)
        value = -np.log(ROOT_2PI) - norm - z * (z * rise)
        if order == 0:
            return value, {}, {}
        first = {"z": -z * special.exprel(x), "shape": -2 * shape * norm_1 - z * (z * (z * rise_1))}
        if order == 1:
            return value, first, {}
        second = {
            ("z", "z"): -np.exp(x),
            ("z", "shape"): -z * (z * (rise + x * rise_1)),
            ("shape", "shape"): -2 * norm_1 - 4 * shape**2 * norm_2 - z * (z * (z * (z * rise_2))),
        }
        return value, first, second

    def standard_moments(self, shape: np.ndarray) -> tuple[float | np.ndarray, ...]:
        u = shape**2
        value, d1, d2 = remainder(u)
        entropy = 0.5 + np.log(ROOT_2PI) + value + u * d1
        return -shape * (0.5 + u * d1), 1 + u * (0.5 + u * (2 * d1 + u * d2)), entropy

    def log_mgf(self, t: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """log E exp(t w)"""
        shape = np.where(np.abs(shape) < 1e-20, 1e-20, shape)
        k, step = 1 / shape**2, t / shape
        inside = k + step > 0
        return np.where(inside, lgamma_delta_scaled(k, np.where(inside, step, 0.0)), np.inf)

    def standard_tail(self, z: np.ndarray, upper: bool, log: bool, shape: np.ndarray) -> np.ndarray:
        value = _log_tails(z, shape)[int(upper)]
        return value if log else np.exp(value)

    def standard_ppf(self, q: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Newton steps from scipy's quantile, or, if that underflows, from the first term of the series."""
        q, shape = np.broadcast_arrays(np.asarray(q, float), np.asarray(shape, float))
        with np.errstate(all="ignore"):
            k = 1 / np.maximum(shape**2, MAX_EXPANSION_SHAPE**2)
            tail, below = np.minimum(q, 1 - q), (q > 0.5) != (shape > 0)
            log_g = np.log(np.where(below, special.gammaincinv(k, tail), special.gammainccinv(k, tail)))
            log_p = np.where(shape > 0, np.log(q), np.log1p(-q))
            log_g = np.where(log_g < -600, (log_p + special.gammaln(k + 1)) / k, log_g)
            first = np.where(np.abs(shape) < MAX_EXPANSION_SHAPE, special.ndtri(q), (log_g - np.log(k)) / shape)
            first = np.where(np.isfinite(first), first, 0.0)
        return newton_quantile(self._logs, q, {"shape": shape}, (-np.inf, np.inf), first)

    def _logs(self, z: np.ndarray, upper: bool, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _log_tails(z, shape)[int(upper)], self.standard_logpdf(z, shape)

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray, shape: np.ndarray
    ) -> np.ndarray:
        shape = np.broadcast_to(np.where(np.abs(shape) < 1e-8, 1e-8, shape), size)
        k = 1 / shape**2
        log_gamma = np.log(rng.gamma(k + 1) / k) - rng.standard_exponential(size) / k  # where a gamma variable underflows
        return loc + scale * log_gamma / shape


@elementwise
def remainder(u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stirling's remainder S(1/u) of log Gamma, for u >= 0, with its two derivatives in u."""
    w = u * u
    far = u * horner(STIRLING_REMAINDER[0], w), horner(STIRLING_REMAINDER[1], w), u * horner(STIRLING_REMAINDER[2], w)
    near = u * MIN_STIRLING_ARGUMENT > 1
    if near.any():
        k = 1 / u[near]
        value, d1, d2 = gamma_norm(k)
        d1, d2 = 0.5 / k - d1, -0.5 / k**2 - d2
        values = 0.5 * np.log(k / (2 * np.pi)) - value, -(k**2) * d1, k**3 * (2 * d1 + k * d2)
        for whole, part in zip(far, values, strict=True):
            whole[near] = part
    return far


def _temme(x: np.ndarray) -> np.ndarray:
    """The first coefficients of the expansion of the incomplete gamma function about the normal law, at log(argument / k) = x.

    Temme, N. M. (1979). SIAM Journal on Mathematical Analysis 10, 757-766. doi:10.1137/0510071
    """
    m, e = 1 / np.expm1(x), 1 / (x * np.sqrt(2 * (np.expm1(x) - x) / x**2))
    return np.stack(
        [
            m - e,
            e**3 - m**3 - m**2 - m / 12,
            -3 * e**5 + 3 * m**5 + 5 * m**4 + 25 / 12 * m**3 + m**2 / 12 + m / 288,
            15 * e**7
            - 15 * m**7
            - 35 * m**6
            - 105 / 4 * m**5
            - 77 / 12 * m**4
            - 49 / 288 * m**3
            - m**2 / 288
            + 139 / 51840 * m,
        ]
    )


_temme = analytic(_temme, radius=2.0, reach=1.0)


@elementwise
def _log_tails(z: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log P(w <= z) and log P(w > z)."""
    mirrored = shape < 0
    z, shape = np.clip(np.where(mirrored, -z, z), -1e300, 1e300), np.abs(shape)
    x, k = shape * z, 1 / shape**2
    lower, upper = np.empty_like(z), np.empty_like(z)
    normal = (shape < MAX_EXPANSION_SHAPE) & (np.abs(x) < 1)
    gamma = ~normal
    if gamma.any():
        a, at = k[gamma], k[gamma] * np.exp(x[gamma])
        lower[gamma], upper[gamma] = log_gammainc(a, at), log_gammaincc(a, at)
        first = gamma & (x < -45)  # the first term of the series is all, and the argument may underflow
        lower[first] = k[first] * (np.log(k[first]) + x[first]) - special.gammaln(k[first] + 1)
        upper[first] = log1mexp(-lower[first])
    if normal.any():
        z, x, shape = z[normal], x[normal], shape[normal]
        size = z**2 * exprel2(x)[0]
        series = horner([*_temme(x)], shape**2) * shape / ROOT_2PI
        outer = np.log(special.erfcx(np.sqrt(size)) / 2 + np.where(z > 0, series, -series)) - size
        inner = np.log1p(-np.exp(outer))
        lower[normal], upper[normal] = np.where(z > 0, inner, outer), np.where(z > 0, outer, inner)
    return np.where(mirrored, upper, lower), np.where(mirrored, lower, upper)
