"""The Conway-Maxwell-Poisson law."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln

from ..._special.gamma_functions import lgamma_delta_scaled
from ..._special.latest import latest
from ..._special.lattice import summation_nodes
from ..._special.tabulated import MIN_POINTS, tabulated
from ...domains import POSITIVE
from .._families.counts import count_mean
from .._families.summed import SummedCount
from .._protocol.relations import Relations

MAX_MEAN = 1e18  # mean above which the log-likelihood is -inf
MAX_DIRECT_COUNT = 1000.0  # count up to which a difference of log factorials keeps thirteen digits
MIN_DISPERSION = 1e-8  # dispersion from which down the law lies on two integers, to the last digit


class ConwayMaxwellPoisson(SummedCount):
    r"""Conway-Maxwell-Poisson law of over-dispersed and under-dispersed counts, in its mean.

    .. math:: p(y) = \frac{\lambda^y}{(y!)^\nu\, Z(\lambda, \nu)}, \quad \nu = 1 / \mathrm{dispersion}, \quad
        \lambda \text{ such that } \sum_y y\, p(y) = \mathrm{mean}

    Mean `mean`, variance close to `mean * dispersion` unless the mean is small. Dispersion 1 is the Poisson law; larger ones
    lead to the geometric law, smaller ones to the two whole numbers next to the mean. scipy.stats: none; statsmodels: none; R:
    glmmTMB ``compois`` (the same parameters), mpcmp ``glm.cmp`` (its nu is 1 / dispersion); COMPoissonReg models lambda
    instead of the mean. Non-integer y are accepted.

    Parameters
    ----------
    mean, dispersion : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log.

    References
    ----------
    Huang, A. (2017). Mean-parametrized Conway-Maxwell-Poisson regression models for dispersed counts. Statistical Modelling
    17, 359-380. doi:10.1177/1471082X17697749

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> model = MLERegressor(ConwayMaxwellPoisson()).fit([[0], [0], [0], [1], [1], [1]], [2, 3, 3, 5, 6, 7])
    >>> model.coef_.round(4)
    array([0.8109])
    """

    parameters = {"mean": POSITIVE, "dispersion": POSITIVE}

    relations = Relations(
        limits={
            "Poisson": {"dispersion": 1.0},
            "Geometric": {"dispersion": np.inf, "mean": lambda prob: (1 - prob) / prob},
        },
        searched=False,
    )

    def __init__(self, *, mean: Any = None, dispersion: Any = None, links: Any = None) -> None:
        self.mean, self.dispersion, self.links = mean, dispersion, links

    def terms(self, y: np.ndarray, order: int, mean: np.ndarray, dispersion: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        s, d = solved(mean, dispersion), y - mean
        value = _log_mass(y, mean, dispersion, s)
        if order == 0:
            return value, {}, {}
        # log y! minus its linear regression on y; minus this is the derivative in nu
        residual = lgamma_delta_scaled(mean + 1, d) - s.level - s.slope * d
        curve = -s.spread - d / s.variance * s.d_rr
        second = {
            ("mean", "mean"): -(1 + d * s.ddd / s.variance**2) / s.variance,
            ("mean", "dispersion"): -d * s.dd_r / (s.variance * dispersion) ** 2,
            ("dispersion", "dispersion"): (curve / dispersion - 2 * residual) / dispersion**3,
        }
        return value, {"mean": d / s.variance, "dispersion": residual / dispersion**2}, second

    def log_mass_function(self, params: dict) -> Callable:
        s = solved(params["mean"], params["dispersion"])

        def f(k: np.ndarray, rows: np.ndarray) -> np.ndarray:
            mean, dispersion = (params[name][rows][:, None] for name in self.parameters)
            return _log_mass(k, mean, dispersion, TiltedMoments(*(value[rows][:, None] for value in s)))

        return f

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        mean = count_mean(y, sample_weight)
        return {"mean": mean, **self.refine(y, sample_weight, mean=mean)}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, mean: float | np.ndarray, **others: np.ndarray) -> dict:
        largest = max(50.0, 0.1 * float(np.min(mean)))  # at larger dispersions the law is close to the geometric one
        return {"dispersion": float(np.clip(np.average((y - mean) ** 2 / mean, weights=sample_weight), 0.02, largest))}

    def expectation(self, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
        return mean + 0 * dispersion

    def variance(self, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
        return solved(mean, dispersion).variance


MAX_ERRORS = np.array([1e-12] * 8 + [1e-9])  # of the moments between tabulated means; the last has that much rounding


class TiltedMoments(NamedTuple):
    """Moments of the law p(y) = exp(tilt d - nu g(y) - log_total), d = y - mean, g(y) = log y! minus its tangent at the mean.

    `level` and `slope` are the mean of g and its regression coefficient on d, r is the residual of that regression; `spread`
    is E r^2, the others are mixed third moments of d and r.
    """

    tilt: np.ndarray
    log_total: np.ndarray
    variance: np.ndarray
    level: np.ndarray
    slope: np.ndarray
    spread: np.ndarray
    ddd: np.ndarray
    dd_r: np.ndarray
    d_rr: np.ndarray


def _log_mass(y: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, s: TiltedMoments) -> np.ndarray:
    nu_g = lgamma_delta_scaled(mean + 1, y - mean) / np.maximum(dispersion, MIN_DISPERSION)
    value = s.tilt * (y - mean) - nu_g - s.log_total
    return np.where(mean <= MAX_MEAN, np.minimum(value, 0.0), -np.inf)  # above 0 by rounding alone


@latest
def solved(mean: np.ndarray, dispersion: np.ndarray) -> TiltedMoments:
    """`TiltedMoments` of the law with this mean, to double precision for every mean up to 1e15."""
    mean, dispersion = np.broadcast_arrays(mean, dispersion)
    shape = mean.shape
    with np.errstate(all="ignore"):
        mean, nu = np.maximum(mean.ravel(), 1e-300), 1 / np.clip(dispersion.ravel(), MIN_DISPERSION, 1e300)
        result = None
        if len(mean) >= MIN_POINTS and (nu == nu[0]).all() and mean.max() <= MAX_MEAN:
            result = tabulated(lambda x: _summed(np.exp(x), np.broadcast_to(nu[0], x.shape)), np.log(mean), MAX_ERRORS)
        result = _summed(mean, nu) if result is None else result
    return TiltedMoments(*(value.reshape(shape) for value in result))


def _summed(mean: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """The fields of `TiltedMoments` (fields, n); NaN beyond the largest mean."""
    result, inside = np.full((len(TiltedMoments._fields), len(mean)), np.nan), np.flatnonzero(mean <= MAX_MEAN)
    for rows, k, weight in summation_nodes(mean[inside], nu[inside]):
        rows = inside[rows]
        result[:, rows] = _sums_at_nodes(mean[rows], nu[rows], k, weight)
    return result


def _sums_at_nodes(mean: np.ndarray, nu: np.ndarray, k: np.ndarray, weight: np.ndarray) -> tuple:
    """The fields of `TiltedMoments` from nodes k and their log weights; the tilt by Newton steps on the log of the mean."""
    x, d = (mean + 1)[:, None], k - mean[:, None]
    is_direct = k.max() < MAX_DIRECT_COUNT  # then all rows share k
    g = gammaln(k + 1) - gammaln(x) - d * np.log(x) if is_direct else lgamma_delta_scaled(x, d)
    start = np.where(mean > 2 * np.abs(1 - nu) / nu, nu * np.log(mean + (0.5 - 0.5 / nu)), np.log(mean))
    start = np.where((nu < 1) & (mean <= 2 * (1 - nu) / nu), np.log(mean) - np.log1p((1 - nu) * mean), start)
    tilt = start - nu * np.log(mean + 1)
    low, high, rows = np.full(len(mean), -np.inf), np.full(len(mean), np.inf), np.arange(len(mean))
    base, sums = weight - nu[:, None] * g, lambda a, b: np.einsum("ij,ij->i", a, b)
    for _ in range(300):
        all_rows = len(rows) == len(mean)
        d_rows, terms = (d, base) if all_rows else (d[rows], base[rows])
        p, _ = _normalised(tilt[rows], d_rows, terms)
        p_d = p * d_rows
        excess = p_d.sum(axis=1)
        variance = np.maximum(sums(p_d, d_rows) - excess**2, 1e-300)
        low[rows], high[rows] = np.where(excess < 0, tilt[rows], low[rows]), np.where(excess > 0, tilt[rows], high[rows])
        relative = np.maximum(excess / mean[rows], -1 + 1e-15)
        step = -np.log1p(relative) * (1 + relative) * mean[rows] / variance
        done = np.abs(step) * np.sqrt(np.maximum(variance, 1.0)) < 1e-8  # the next error is its square
        new = tilt[rows] + np.clip(step, -5 - nu[rows], 5 + nu[rows])
        new = np.where(done | ((new > low[rows]) & (new < high[rows])), new, (low[rows] + high[rows]) / 2)
        done |= ~np.isfinite(new) | (new == tilt[rows])
        tilt[rows] = np.where(np.isfinite(new), new, tilt[rows])
        if not len(rows := rows[~done]):
            break
    p, log_total = _normalised(tilt, d, base)
    p_d, level = p * d, sums(p, g)
    variance, r = sums(p_d, d), g - level[:, None]
    slope = sums(p_d, r) / variance
    r -= slope[:, None] * d
    p_dd, p_r = p_d * d, p * r
    return tilt, log_total, variance, level, slope, sums(p_r, r), sums(p_dd, d), sums(p_dd, r), sums(p_r, r * d)


def _normalised(tilt: np.ndarray, d: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the nodes at a tilt, and the log of their sum before it is divided out."""
    terms = base + tilt[:, None] * d
    top = terms.max(axis=1)
    p = np.exp(terms - top[:, None])
    total = p.sum(axis=1)
    return p / total[:, None], top + np.log(total)
