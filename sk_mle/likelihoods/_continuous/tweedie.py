"""Tweedie's compound Poisson-gamma law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import gammaincinv

from ..._special.compound import (
    concentrated,
    deviance,
    log_series,
    log_smaller_tail,
    log_smaller_tail_by_saddlepoint,
    mean_difference,
    mean_excess,
)
from ..._special.logarithms import log1mexp
from ...domains import NONNEGATIVE, POSITIVE, Domain
from .._fallbacks import quadrature
from .._fallbacks.starting_values import best_candidate
from .._protocol.base import Likelihood
from .._protocol.relations import Relations

MIN_DISTANCE_OF_POWER = 1e-9  # distance of the power from 1 and 2 at which it is held for smaller ones
MAX_RATE_OF_CRPS = 300.0  # expected number of gamma terms up to which the CRPS adds up their numbers
MAX_SHAPE_OF_CRPS = 15.0  # shape of the gamma terms up to which its Fourier integral has the digits
LATTICE_DISTANCE_OF_POWER = 1e-8  # distance of the power from 1 that only fits to values on a lattice reach


class Tweedie(Likelihood):
    r"""Tweedie's law with a power between 1 and 2, the compound Poisson-gamma law: exact zeros among positive amounts.

    .. math:: P(Y = 0) = e^{-\lambda}, \quad p(y) = e^{-\lambda} \sum_{j=1}^\infty \frac{\lambda^j}{j!}
        \frac{y^{j \alpha - 1} e^{-y / \gamma}}{\gamma^{j \alpha} \Gamma(j \alpha)} \quad \text{for } y > 0

    It is the sum of a Poisson number, with mean :math:`\lambda = m^{2 - p} / (\varphi (2 - p))`, of gamma amounts with shape
    :math:`\alpha = (2 - p) / (p - 1)` and scale :math:`\gamma = \varphi (p - 1) m^{p - 1}`, where m is the mean,
    :math:`\varphi` the dispersion and p the power. Mean `mean`, variance `dispersion * mean**power`. At zero `loglik` is a log
    probability, elsewhere a log density, exact everywhere. scipy.stats: none; statsmodels: ``GLM(family=Tweedie(var_power))``,
    by quasi-likelihood; R: ``tweedie``, glmmTMB ``tweedie``, mgcv ``tw``. `TweedieRegressor(power, alpha)` has the same
    coefficients at alpha=0.

    Parameters
    ----------
    mean, dispersion : float, optional
        A number fixes the parameter; None estimates it.
    power : float, default=1.5
        Between 1 (Poisson) and 2 (gamma); None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log, for `power` a logit between 1 and 2.

    References
    ----------
    Dunn, P. K., Smyth, G. K. (2005). Series evaluation of Tweedie exponential dispersion model densities. Statistics and
    Computing 15, 267-280. doi:10.1007/s11222-005-4070-y

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> model = MLERegressor(Tweedie()).fit([[0], [0], [0], [1], [1], [1]], [0, 0.4, 1.1, 0, 2.3, 3.7])
    >>> model.coef_.round(4)
    array([1.3863])
    """

    parameters = {"mean": POSITIVE, "dispersion": POSITIVE, "power": Domain(1.0, 2.0, typical=(1.2, 1.8))}
    support = replace(NONNEGATIVE, atoms=(0.0,))

    def __init__(self, *, mean: Any = None, dispersion: Any = None, power: Any = 1.5, links: Any = None) -> None:
        self.mean, self.dispersion, self.power, self.links = mean, dispersion, power, links

    @property
    def relations(self) -> Relations:
        return Relations(
            limits={"Gamma": {"power": 2.0, "dispersion": lambda shape: 1 / shape}},
            advice={
                "is_degenerate": "as its power goes to 1 all mass gathers on the multiples of its dispersion, and y consists "
                "of such multiples. Take a law of counts, such as NegativeBinomial() of y over that unit, or give the power"
            },
            is_degenerate=_on_a_lattice if "power" in self.layout.free else None,
        )

    def terms(
        self, y: np.ndarray, order: int, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict, dict]:
        p, full, log_y = self._clipped_power(power), "power" in self.layout.free, np.log(np.where(y > 0, y, 1.0))
        half, half_p, half_pp = deviance(y, mean, dispersion, p)
        series, d_k, d_kk, *rest = self._series(y, dispersion, p, full)
        value = series - log_y - half
        if order == 0:
            return value, {}, {}
        score = (y - mean) / (dispersion * mean**p)
        first = {"mean": score, "dispersion": (half - d_k) / dispersion}
        second = {
            ("mean", "mean"): -(p * y - (p - 1) * mean) / (dispersion * mean ** (p + 1)),
            ("mean", "dispersion"): -score / dispersion,
            ("dispersion", "dispersion"): (d_kk + d_k - 2 * half) / dispersion**2,
        }
        if full:
            d_a, d_ka, d_aa = rest
            k_p, a_p = 1 / (2 - p) - log_y, -1 / (p - 1) ** 2  # derivatives of log kappa and of alpha
            first["power"] = d_k * k_p + d_a * a_p - half_p
            second["mean", "power"] = -score * np.log(mean)
            second["dispersion", "power"] = (half_p - d_kk * k_p - d_ka * a_p) / dispersion
            mixed = d_kk * k_p**2 + 2 * d_ka * k_p * a_p + d_aa * a_p**2
            second["power", "power"] = mixed + d_k / (2 - p) ** 2 + d_a * 2 / (p - 1) ** 3 - half_pp
        return value, first, second

    def _clipped_power(self, power: Any) -> np.ndarray:
        return np.clip(
            self.layout["power"].value if power is None else power, 1 + MIN_DISTANCE_OF_POWER, 2 - MIN_DISTANCE_OF_POWER
        )

    @staticmethod
    def _series(y: np.ndarray, dispersion: np.ndarray, p: np.ndarray, full: bool) -> np.ndarray:
        """The log of the series at the mean y, with derivatives; zero at y = 0."""
        kappa = np.where(y > 0, y ** (2 - p) / (dispersion * (2 - p)), 0.0)
        values = log_series(kappa, (2 - p) / (p - 1), full)
        values = values.reshape(len(values), *np.shape(kappa))
        return np.where(y > 0, values, 0.0)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        mean = max(float(np.average(y, weights=sample_weight)), 1e-8)
        return {"mean": mean, **self.refine(y, sample_weight, mean=mean)}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, mean: float | np.ndarray, **others: np.ndarray) -> dict:
        known: Any = others.get("power", self.layout["power"].value)
        powers = [1.15, 1.3, 1.5, 1.7, 1.85] if "power" in self.layout.free else [known]
        square = [np.average((y - mean) ** 2 / mean**p, weights=sample_weight) for p in powers]
        candidates = [{"mean": mean, "dispersion": max(s, 1e-8), "power": p} for s, p in zip(square, powers, strict=True)]
        return best_candidate(self, candidates, y, sample_weight)

    def expectation(self, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
        return mean + 0 * dispersion

    def variance(self, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
        return dispersion * mean ** self._clipped_power(power)

    def _poisson_gamma_parameters(
        self, mean: np.ndarray, dispersion: np.ndarray, power: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Poisson rate, shape and scale of the gamma terms."""
        p = self._clipped_power(power)
        shape = (2 - p) / (p - 1)
        return mean ** (2 - p) / (dispersion * (2 - p)), shape + 0 * mean, dispersion * (p - 1) * mean ** (p - 1)

    def tail_probability(
        self, y: np.ndarray, upper: bool, log: bool, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None
    ) -> np.ndarray:
        """By the tail on which y lies."""
        y, given, flat = quadrature.flattened(y, {"mean": mean, "dispersion": dispersion, "power": self._clipped_power(power)})
        with np.errstate(all="ignore"):
            rate, shape, scale = self._poisson_gamma_parameters(**given)
            above, positive = y >= given["mean"], y > 0
            side = np.full(len(y), -np.inf)
            side[positive] = _log_smaller_tail(*(v[positive] for v in (y, rate, shape, scale, above, *given.values())))
            side = np.where(above, side, np.logaddexp(side, -rate))
            value = np.where(above == upper, side, log1mexp(-np.minimum(side, 0.0)))
            value = np.where(y < 0, 0.0 if upper else -np.inf, value).reshape(flat)
        return value if log else np.exp(value)

    def ppf(self, q: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
        q, given, flat = quadrature.flattened(q, {"mean": mean, "dispersion": dispersion, "power": self._clipped_power(power)})
        with np.errstate(all="ignore"):
            rate, shape, scale = self._poisson_gamma_parameters(**given)
            zero = np.exp(-rate)
            result = np.where(q <= zero, np.where(q >= 0, 0.0, np.nan), np.where(q == 1, np.inf, np.nan))
            rows = np.flatnonzero((q > zero) & (q < 1))
            part = {name: value[rows] for name, value in given.items()}
            result[rows] = self._positive_quantile(q[rows], part, rate[rows], shape[rows], scale[rows])
        return result.reshape(flat)

    def _positive_quantile(
        self, q: np.ndarray, given: dict, rate: np.ndarray, shape: np.ndarray, scale: np.ndarray
    ) -> np.ndarray:
        """Quantiles above zero, by Newton steps for log y in the log of the smaller tail, inside a bracket."""
        left, share, upper = q - np.exp(-rate), -np.expm1(-rate), q > 0.5 + 0.5 * np.exp(-rate)
        mean = given["mean"] / share  # of the positive values
        variance = (self.variance(**given) + given["mean"] ** 2) / share - mean**2
        x = np.log(gammaincinv(mean**2 / variance, np.clip(left / share, 1e-300, 1 - 1e-16)) * variance / mean)
        x = np.where(np.isfinite(x), x, np.log(mean))
        low, high, rows = np.full(len(q), -np.inf), np.full(len(q), np.inf), np.arange(len(q))
        for _ in range(100):
            y, part = np.exp(x[rows]), {name: value[rows] for name, value in given.items()}
            above = y >= part["mean"]
            side = _log_smaller_tail(y, rate[rows], shape[rows], scale[rows], above, *part.values())
            other = np.log(share[rows] - np.exp(side))
            tail = np.where(above == upper[rows], side, other)
            gap = np.where(upper[rows], tail - np.log1p(-q[rows]), np.log(left[rows]) - tail)
            low[rows], high[rows] = np.where(gap > 0, x[rows], low[rows]), np.where(gap > 0, high[rows], x[rows])
            step = gap * np.exp(tail - self.loglik(y, **part)) / y
            done = (np.abs(step) < 1e-13) | (high[rows] - low[rows] < 4e-16 * np.maximum(np.abs(x[rows]), 1.0))
            new, middle = x[rows] + np.clip(step, -20, 20), (low[rows] + high[rows]) / 2
            middle = np.where(np.isfinite(middle), middle, x[rows] + np.where(gap > 0, 20, -20))
            x[rows] = np.where(done | ((new > low[rows]) & (new < high[rows])), new, middle)
            rows = rows[~done]
            if not len(rows):
                break
        return np.exp(x)

    def rvs(
        self,
        rng: np.random.Generator,
        size: int | tuple[int, ...],
        mean: np.ndarray,
        dispersion: np.ndarray,
        power: np.ndarray | None = None,
    ) -> np.ndarray:
        rate, shape, scale = self._poisson_gamma_parameters(np.broadcast_to(mean, size), dispersion, power)
        return rng.gamma(rng.poisson(rate) * shape, scale)

    def crps(self, y: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
        rate, shape, scale = self._poisson_gamma_parameters(mean, dispersion, power)
        rate = np.where((rate <= MAX_RATE_OF_CRPS) & (shape <= MAX_SHAPE_OF_CRPS), rate, np.nan)
        below = mean_excess(np.maximum(y, 0.0), rate, shape, scale)
        return 2 * below + (mean - y) - scale * mean_difference(rate, shape) / 2


def _log_smaller_tail(
    y: np.ndarray,
    rate: np.ndarray,
    shape: np.ndarray,
    scale: np.ndarray,
    above: np.ndarray,
    mean: np.ndarray,
    dispersion: np.ndarray,
    power: np.ndarray,
) -> np.ndarray:
    """The log of the tail of the positive values on the side of the mean to which y belongs."""
    narrow = concentrated(rate, shape)
    if not narrow.any():
        return log_smaller_tail(y, rate, shape, scale, above)
    side = np.empty(len(y))
    side[~narrow] = log_smaller_tail(*(v[~narrow] for v in (y, rate, shape, scale, above)))
    side[narrow] = log_smaller_tail_by_saddlepoint(*(v[narrow] for v in (y, mean, dispersion, power, above)))
    return side


def _on_a_lattice(law: Tweedie, y: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray) -> bool:
    """Whether the power is so near to 1 that only values on a lattice explain it."""
    return bool(np.min(power) < 1 + LATTICE_DISTANCE_OF_POWER)
