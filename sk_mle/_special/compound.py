"""The compound Poisson-gamma law behind Tweedie's: sums over the number of gamma terms, and integrals of its deviance.

With mean y, Poisson rate kappa and gamma shape alpha per term, the density at y itself is, over the number j of terms,

    y f(y) = sum_j exp((1 + alpha) (j log(kappa / j) - kappa + j) + N(j) + N(alpha j)) / j,  N(k) = k log k - k - log Gamma(k),

a bell around kappa with standard deviation (kappa / (1 + alpha))^(1/2): Dunn and Smyth's series with its large terms cancelled
on paper. Any other mean enters through the deviance alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from math import factorial
from typing import Any

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln, log_ndtr, logsumexp

from .elementwise import elementwise
from .gamma_functions import gamma_norm, horner
from .latest import latest
from .lattice import CELLS_PER_BLOCK, MAX_TERMS_SUMMED_ALL, NEGLIGIBLE_LOG_RATIO, negligible_from, summation_nodes
from .logarithms import minus_half_gamma_deviance
from .tails import log_gammainc, log_gammaincc

TAYLOR_TERMS = 30  # of the integrals of the deviance near zero
MAX_TERMS = 1e13  # expected number of terms above which the saddlepoint density is exact to the last digit
MIN_SQUARED_VARIATION = 1e-9  # squared coefficient of variation below which the saddlepoint tail is exact as well
FOURIER_PANELS = (0.0, 2.5, 5.0, 7.5, 10.0, 12.5, 15.0, 20.0, 30.0, 45.0)  # in s, of `mean_difference`
FOURIER_NODES, FOURIER_NODE_WEIGHTS = (np.polynomial.legendre.leggauss(48) + np.array([[1.0], [0.0]])) / 2  # on (0, 1)
MIN_ROUGH_LOG = -600.0  # log of the largest term from which on scipy's functions show which terms matter
MAX_SDS_AT_MEAN = 1e-3  # standard deviations from the mean within which the tail's correction is taken at the mean


@latest
def log_series(kappa: np.ndarray, alpha: np.ndarray, full: bool) -> np.ndarray:
    """log of the module's sum, its first and second derivative in log kappa and, if `full`, (alpha), (both), (alpha, alpha)."""
    kappa, alpha = (value.ravel() for value in np.broadcast_arrays(kappa, alpha))
    result = np.full((6 if full else 3, len(kappa)), np.nan)
    with np.errstate(all="ignore"):
        sharpness = 1 + alpha
        # For many terms the sum tends to f(y) = (2 pi dispersion y^power)^(-1/2).
        limit: tuple = 0.5 * np.log(kappa * alpha / sharpness / (2 * np.pi)), 0.5, 0.0
        limit += (0.5 / (alpha * sharpness), 0.0, -0.5 * (1 + 2 * alpha) / (alpha * sharpness) ** 2) if full else ()
        for target, value in zip(result, limit, strict=True):
            target[:] = np.where(kappa > MAX_TERMS, value, np.nan)
        inside = np.flatnonzero((kappa <= MAX_TERMS) & (kappa > 0))
        for rows, j, weight in summation_nodes(kappa[inside], 1 + alpha[inside], first=1):
            rows = inside[rows]
            result[:, rows] = _sums(kappa[rows], alpha[rows], j, weight, full)
    return result


def _sums(kappa: np.ndarray, alpha: np.ndarray, j: np.ndarray, weight: np.ndarray, full: Any) -> tuple:
    """`log_series` from terms at j, (rows, nodes) with log weights; derivatives are moments over the normalised terms."""
    same = (alpha == alpha[0]).all()
    a, k = (alpha[:1] if same else alpha)[:, None], kappa[:, None]
    norm, d1, d2 = gamma_norm(a * j)
    gap = j * minus_half_gamma_deviance(k, j)
    terms = (1 + a) * gap + (gamma_norm(j)[0] + norm - np.log(j) + weight)
    top = terms.max(axis=1)
    p = np.exp(terms - top[:, None])
    total = p.sum(axis=1)
    p /= total[:, None]
    mean_of = lambda *values: np.einsum(",".join(["ij"] * (1 + len(values))) + "->i", p, *values)
    sharpness, d = 1 + alpha, j - k
    centre = mean_of(d)
    d = d - centre[:, None]
    value = top + np.log(total), sharpness * centre, sharpness * (sharpness * mean_of(d, d) - kappa)
    if not full:
        return value
    c = gap + j * d1
    d_alpha = mean_of(c)
    c = c - d_alpha[:, None]
    return *value, d_alpha, centre + sharpness * mean_of(d, c), mean_of(np.broadcast_to(j * j * d2, p.shape)) + mean_of(c, c)


def deviance(y: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray) -> tuple[np.ndarray, ...]:
    """Half the deviance over the dispersion, with two derivatives in the power: integral of (t - y) / (dispersion t^power).

    The integral runs from y to the mean. With t = y e^s it becomes one of s^k (e^(a s) - e^(-b s)), a = 2 - power and
    b = power - 1, of which only positive parts are added up. At y = 0 it is the rate of the compound Poisson law.
    """
    y, mean, dispersion, power = np.broadcast_arrays(y, mean, dispersion, power)
    a, b, zero = 2 - power, power - 1, y == 0
    log_y = np.log(np.where(zero, mean, np.maximum(y, 1e-250)))
    r = np.log(mean) - log_y
    scale = np.exp(a * log_y) / dispersion
    zeroth, first, second = (scale * r ** (k + 2) * (a * _integral[k](a * r) + b * _integral[k](-b * r)) for k in range(3))
    rate = mean**a / (dispersion * a)
    tilt = 1 / a - np.log(mean)
    return (
        np.where(zero, rate, zeroth),
        np.where(zero, rate * tilt, -(log_y * zeroth + first)),
        np.where(zero, rate * (tilt**2 + 1 / a**2), log_y * (log_y * zeroth + 2 * first) + second),
    )


def _integral_of(k: int, closed: Callable) -> Callable:
    """Integral of u^(k+1) (exp(x u) - 1) / (x u) over u from 0 to 1: a series near zero, its closed form elsewhere."""
    coefs = [1 / (factorial(n + 1) * (n + k + 2)) for n in range(TAYLOR_TERMS)]

    def value(x: np.ndarray) -> np.ndarray:
        near = np.abs(x) < 2
        far = np.where(near, 2.0, x)
        return np.where(near, horner(coefs, np.where(near, x, 0.0)), closed(far))

    return elementwise(value)


_integral = (
    _integral_of(0, lambda x: (np.expm1(x) - x) / x**2),
    _integral_of(1, lambda x: ((x - 1) * np.exp(x) + 1) / x**3 - 0.5 / x),
    _integral_of(2, lambda x: ((x * (x - 2) + 2) * np.exp(x) - 2) / x**4 - 1 / (3 * x)),
)


def log_smaller_tail(y: np.ndarray, rate: np.ndarray, shape: np.ndarray, scale: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """log P(Y > y) where `upper`, else log P(0 < Y <= y), of Poisson(rate) many gamma terms; y > 0, on the side of its mean."""
    with np.errstate(all="ignore"):
        x, sharpness = y / scale, 1 + shape
        n_for_y = x / shape  # number of gamma terms whose sum has the mean y
        centre = np.exp((np.log(rate) + shape * np.log(n_for_y)) / sharpness)  # most likely number of terms given y
        log_drop = sharpness * centre * _poisson_cost(n_for_y / centre)
        drop = NEGLIGIBLE_LOG_RATIO + rate * _poisson_cost(n_for_y / rate)  # by the Poisson law alone, beyond n_for_y terms
        bell_ends_inside = log_drop > NEGLIGIBLE_LOG_RATIO
        high = np.where(upper & ~bell_ends_inside, _upper_end(rate, drop), negligible_from(centre, sharpness))
        low = np.where(upper | bell_ends_inside, centre - 10 * np.sqrt(centre / sharpness), rate - np.sqrt(2 * rate * drop))
        low, high = np.floor(np.maximum(low, 1.0)), np.ceil(high) + 2
        step = np.where(high <= MAX_TERMS_SUMMED_ALL, 1.0, np.maximum(np.sqrt(centre / sharpness) / 3, 1.0))
        low = np.where(high <= MAX_TERMS_SUMMED_ALL, 1.0, low)
        n_nodes = np.ceil((high - low) / step) + 1
        known = np.isfinite(n_nodes) | (upper & np.isinf(x))
        result, order = np.where(known, -np.inf, np.nan), np.argsort(n_nodes)
        order = order[: np.isfinite(n_nodes).sum()]
        while len(order):
            size = max(int(CELLS_PER_BLOCK / n_nodes[order[min(len(order), 64) - 1]]), 4)
            rows, order = order[:size], order[size:]
            j = low[rows][:, None] + step[rows][:, None] * np.arange(n_nodes[rows].max())
            terms = (
                j * minus_half_gamma_deviance(rate[rows][:, None], j)
                + gamma_norm(j)[0]
                - np.log(j)
                + np.log(step[rows])[:, None]
            )
            for side, log_tail, tail in (
                (upper[rows], log_gammaincc, gammaincc),
                (~upper[rows], log_gammainc, gammainc),
            ):
                if side.any():
                    at, of_poisson = (
                        np.broadcast_arrays(shape[rows][side][:, None] * j[side], x[rows][side][:, None]),
                        terms[side],
                    )
                    rough = of_poisson + np.log(tail(*at))
                    top = rough.max(axis=1, keepdims=True)
                    matters = (rough > top - NEGLIGIBLE_LOG_RATIO) | ~(top > MIN_ROUGH_LOG)
                    rough[matters] = of_poisson[matters] + log_tail(*(value[matters] for value in at))
                    terms[side] = rough
            result[rows] = logsumexp(terms, axis=1)
    return np.minimum(result, 0.0)


def concentrated(rate: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Whether the law is so narrow that `log_smaller_tail_by_saddlepoint` is exact, and its gamma terms overlap."""
    with np.errstate(all="ignore"):
        return ((1 + shape) / shape / rate < MIN_SQUARED_VARIATION) & (rate > 4 * shape)


def log_smaller_tail_by_saddlepoint(
    y: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray, upper: bool
) -> np.ndarray:
    """`log_smaller_tail` of a narrow law by the saddlepoint approximation, in the root of the deviance.

    Barndorff-Nielsen (1986), doi:10.1093/biomet/73.2.307.
    """
    with np.errstate(all="ignore"):
        x, a, b, squared = np.log1p((y - mean) / mean), 2 - power, power - 1, dispersion * mean ** (power - 2)
        root = np.abs(x) * np.sqrt(2 * np.exp(a * x) / squared * (a * _integral[0](-a * x) + b * _integral[0](b * x)))
        standard = np.abs(np.expm1(-b * x)) / b * np.exp(power * x / 2) / np.sqrt(squared)
        sign = np.where(upper, 1.0, -1.0)
        skewness = sign * power * np.sqrt(squared) / 6
        return log_ndtr(-root - np.where(root < MAX_SDS_AT_MEAN, skewness, np.log(standard / root) / root))


def _poisson_cost(x: np.ndarray) -> np.ndarray:
    """Minus log P(N = x rate) / rate of a Poisson law for a large rate."""
    return x * np.log(x) - x + 1


def _upper_end(rate: np.ndarray, drop: np.ndarray) -> np.ndarray:
    """The count beyond which a Poisson law has less probability than exp(-drop), by Bernstein's inequality."""
    return rate + drop / 3 + np.sqrt(drop**2 / 9 + 2 * drop * rate)


def mean_excess(y: np.ndarray, rate: np.ndarray, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """E max(y - Y, 0) of Poisson(rate) many gamma terms, by the number of terms; y >= 0."""
    x, total = y / scale, np.exp(-rate) * y
    for j in range(1, int(np.nanmax(rate + 10 * np.sqrt(rate), initial=0.0)) + 41):
        share = np.exp(j * np.log(rate) - rate - gammaln(j + 1))
        total = total + share * (gammainc(j * shape, x) * y - j * shape * scale * gammainc(j * shape + 1, x))
    return total


def mean_difference(rate: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """E|Y - Y'| of two sums of Poisson(rate) many gamma terms of scale 1, from their characteristic function f.

    It is 2 / pi times the integral of (1 - |f(t)|^2) / t^2 over t > 0, here with t = reach * sinh(s).
    """
    reach, total = np.minimum(1 / np.sqrt(rate * shape * (1 + shape)), 1.0), np.zeros(np.shape(rate * shape))
    for low, high in itertools.pairwise(FOURIER_PANELS):
        for node, weight in zip(FOURIER_NODES, FOURIER_NODE_WEIGHTS, strict=True):
            s = low + node * (high - low)
            t = reach * np.sinh(s)
            log_size = -shape / 2 * np.log1p(t * t)  # of the characteristic function of one term
            gap = -np.expm1(log_size) + 2 * np.exp(log_size) * np.sin(shape * np.arctan(t) / 2) ** 2
            total = total - weight * (high - low) * reach * np.cosh(s) * np.expm1(-2 * rate * gap) / t**2
    return 2 / np.pi * total
