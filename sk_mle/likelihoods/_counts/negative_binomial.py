"""The negative binomial law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import betainc, hyp2f1

from ..._special.logarithms import count_base_measure, log1p_remainder, poisson_kernel
from ..._special.rising import rising_factorial_remainder
from ..._special.tails import log_betainc
from .._fallbacks.inversion import gamma_quantile, solve_quantile
from .._families.mean_power import MeanPower, excess
from .._protocol.relations import Relations

JUST_ABOVE_MINUS_ONE = np.nextafter(-1.0, 0.0)  # the logarithm of one plus it is finite


class NegativeBinomial(MeanPower):
    r"""Negative binomial law of over-dispersed counts, in its mean and dispersion: NB2, NB1 and all between.

    .. math:: p(y) = \frac{\Gamma(y + r)}{\Gamma(r)\, y!} \left(\frac{r}{r + m}\right)^r \left(\frac{m}{r + m}\right)^y,
        \quad m = \mathrm{mean},\; r = m^{2 - \mathrm{power}} / \mathrm{dispersion}

    Mean `mean`, variance `mean + dispersion * mean**power`; with the default `power=2`, NB2, it is quadratic in the mean.
    scipy.stats: ``nbinom(r, r / (r + mean))``; statsmodels: ``NegativeBinomial``, ``NegativeBinomialP`` (dispersion is its
    alpha, power its p); R: MASS ``glm.nb`` (dispersion is 1 / theta), glmmTMB ``nbinom2``, ``nbinom1``. Non-integer y are
    accepted.

    Parameters
    ----------
    mean, dispersion : float, optional
        A number fixes the parameter (dispersion=0: the Poisson law); None estimates it.
    power : float, default=2.0
        Exponent of the mean in the variance: 2, NB2; 1, NB1, of which the variance is `mean * (1 + dispersion)`; None estimates
        it, between 0 and 3.
    links : dict of str to str or Link, optional
        Link per parameter; default log, for `power` a logit between 0 and 3.

    References
    ----------
    Lawless, J. F. (1987). Negative binomial and mixed Poisson regression. Canadian Journal of Statistics 15, 209-225.
    doi:10.2307/3314912

    Greene, W. (2008). Functional forms for the negative binomial model for count data. Economics Letters 99, 585-590.
    doi:10.1016/j.econlet.2007.10.015

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> model = MLERegressor(NegativeBinomial()).fit([[0], [0], [0], [1], [1], [1]], [0, 1, 5, 2, 9, 25])
    >>> model.coef_.round(4)
    array([1.7918])
    """

    power_of_dispersion, min_a = 2.0, 1e-50  # for smaller a, zero included, the law is the Poisson one to the last digit

    relations = Relations(
        limits={
            "Poisson": {"dispersion": 0.0},
            "Geometric": {"dispersion": 1.0, "power": 2.0, "mean": lambda prob: (1 - prob) / prob},
        },
    )

    def __init__(
        self, *, mean: Any = None, dispersion: Any = None, power: Any = 2.0, links: Any = None, **removed: Any
    ) -> None:
        if removed:
            raise TypeError(
                f"NegativeBinomial takes no {', '.join(removed)}: power says how the variance grows with the mean, power=1 "
                "linearly (once variance='linear'), power=2, the default, quadratically"
            )
        self.mean, self.dispersion, self.power, self.links = mean, dispersion, power, links

    def standard_terms(self, y: np.ndarray, order: int, mean: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        if "dispersion" not in self.layout.free and np.max(a, initial=0.0) <= self.min_a:  # nothing else is asked of it then
            return self._poisson_terms(y, order, mean)
        # Minus half the deviance is that of a Poisson law at a rate closer to y than the mean, and a part from the gamma law.
        # Nothing large cancels, for large counts as for small a.
        one_plus_a_mean, one_plus_a_y, y_minus_mean = 1 + a * mean, 1 + a * y, y - mean
        part, rise = y_minus_mean / one_plus_a_mean, rising_factorial_remainder(a, y, order=order)
        ratio = np.maximum(-a * y_minus_mean / one_plus_a_y, JUST_ABOVE_MINUS_ONE)
        beyond = log1p_remainder(ratio, -a * part, order=max(order, 1))
        value = poisson_kernel(y, mean * one_plus_a_y / one_plus_a_mean, part) - beyond[0] / a + rise[0] + self.base_measure(y)
        if order == 0:
            return value, {}, {}
        first = {"mean": part / mean, "a": beyond[0] / (a * a) + rise[1]}
        if order == 1:
            return value, first, {}
        second = {
            ("mean", "mean"): (a - y * (1 + 2 * a * mean) / mean**2) / one_plus_a_mean**2,
            ("mean", "a"): -y_minus_mean / one_plus_a_mean**2,
            ("a", "a"): rise[2] - 2 * beyond[1] / a / a / a - y * part**2 / one_plus_a_y,
        }
        return value, first, second

    def _poisson_terms(self, y: np.ndarray, order: int, mean: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        """`standard_terms` at a dispersion of zero, in a third of the time: as fits at the limit of the law evaluate it."""
        y_minus_mean = y - mean
        value = poisson_kernel(y, mean, y_minus_mean) + self.base_measure(y)
        if order == 0:
            return value, {}, {}
        zero = np.zeros(np.shape(y_minus_mean))
        first, second = {"mean": y_minus_mean / mean, "a": zero}, {("mean", "a"): zero, ("a", "a"): zero}
        return value, first, {("mean", "mean"): -y / mean**2, **second} if order == 2 else {}

    def base_measure(self, y: np.ndarray) -> np.ndarray:
        return count_base_measure(y)

    def dispersion_by_moments(
        self, y: np.ndarray, sample_weight: np.ndarray, mean: float | np.ndarray, power: float | np.ndarray
    ) -> float:
        return excess(y, sample_weight, mean, power)

    def variance(self, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
        _, scale, _ = self._scaled(mean, dispersion, power)
        return mean + dispersion * scale * mean**self.power_of_dispersion

    def tail_probability(
        self, y: np.ndarray, upper: bool, log: bool, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None
    ) -> np.ndarray:
        a = self._scaled(mean, dispersion, power)[2]
        r, k, p, q = 1 / a, np.floor(np.maximum(y, 0.0)) + 1, 1 / (1 + a * mean), a * mean / (1 + a * mean)
        value = log_betainc(k, r, q, p) if upper else log_betainc(r, k, p, q)
        value = np.where(y < 0, 0.0 if upper else -np.inf, value)
        return value if log else np.exp(value)

    def ppf(self, q: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
        given = {"mean": mean, "dispersion": dispersion, "power": power}
        return solve_quantile(self, q, given, gamma_quantile(q, mean, self.variance(mean, dispersion, power)))

    def crps(self, y: np.ndarray, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
        a = self._scaled(mean, dispersion, power)[2]
        a = np.where((a > 1e-3) & (a < 1e2) & (mean < 1e3), a, np.nan)  # elsewhere the hypergeometric function loses digits
        r, p, at = 1 / a, 1 / (1 + a * mean), np.floor(y)
        gap, next_gap = (2 * np.where(k < 1, 0.0, betainc(s, np.maximum(k, 1.0), p)) - 1 for s, k in ((r, at + 1), (r + 1, at)))
        return y * gap - mean * (next_gap + hyp2f1(r + 1, 0.5, 2, -4 * (1 - p) / p**2) / p)

    def rvs(
        self,
        rng: np.random.Generator,
        size: int | tuple[int, ...],
        mean: np.ndarray,
        dispersion: np.ndarray,
        power: np.ndarray | None = None,
    ) -> np.ndarray:
        a = self._scaled(mean, dispersion, power)[2]
        return rng.poisson(rng.gamma(np.broadcast_to(1 / a, size), a * mean)).astype(float)
