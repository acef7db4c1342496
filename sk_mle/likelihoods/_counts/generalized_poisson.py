"""The generalized Poisson law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import logsumexp

from ..._special.logarithms import count_base_measure, poisson_kernel
from ...domains import POSITIVE, Domain
from .._families.mean_power import POWER, MeanPower
from .._families.summed import SummedCount
from .._protocol.relations import Relations

MAX_TERMS = 4096  # number of possible y from which on the sum of the masses is taken as one


class GeneralizedPoisson(MeanPower, SummedCount):
    r"""Generalized Poisson law of Consul, of over-dispersed and of under-dispersed counts, in its mean and dispersion.

    .. math:: p(y) = \frac{m\, (m + c y)^{y - 1}}{f^y\, y!}\, e^{-(m + c y) / f},
        \quad m = \mathrm{mean},\; c = \mathrm{dispersion} \cdot m^{\mathrm{power} - 1},\; f = 1 + c

    Mean `mean`, variance `mean * (1 + dispersion * mean**(power - 1))**2`; dispersion 0 is the Poisson law, and the default
    `power=1` makes the variance proportional to the mean. With a negative dispersion, for under-dispersed counts, the support
    is finite: p(y) = 0 from `y = m / -c` on, masses are divided by their sum if it is not one, and mean and variance (given by
    `expectation` and `variance`) are close to those above only while several y are possible: `ConwayMaxwellPoisson` has no
    such restriction. scipy.stats: none; statsmodels: ``GeneralizedPoisson`` (dispersion is its alpha, power its p); R:
    glmmTMB ``genpois`` (phi is (1 + dispersion)**2), VGAM ``genpoisson1`` and ``genpoisson2``. Non-integer y are accepted.

    Parameters
    ----------
    mean, dispersion : float, optional
        A number fixes the parameter; None estimates it.
    power : float, default=1.0
        None estimates it, between 0 and 3; 2 is the form of Famoye, often called GP-2.
    links : dict of str to str or Link, optional
        Link per parameter; default log, for `dispersion` ShiftedLog(-1), which is log(1 + dispersion), and for `power` a
        logit between 0 and 3. With "log" no fit considers
        under-dispersion.

    References
    ----------
    Consul, P. C., Jain, G. C. (1973). A generalization of the Poisson distribution. Technometrics 15, 791-799.
    doi:10.1080/00401706.1973.10489112

    Consul, P. C., Famoye, F. (1992). Generalized Poisson regression model. Communications in Statistics - Theory and Methods
    21, 89-109. doi:10.1080/03610929208830766

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> model = MLERegressor(GeneralizedPoisson()).fit([[0], [0], [0], [1], [1], [1]], [0, 1, 5, 2, 9, 25])
    >>> model.coef_.round(2)
    array([1.36])
    """

    parameters = {"mean": POSITIVE, "dispersion": Domain(low=-1.0, typical=(0.1, 1.0)), "power": POWER}
    power_of_dispersion, min_a = 1.0, -1.0

    relations = Relations(
        limits={"Poisson": {"dispersion": 0.0}},
        ends={"dispersion": {"lower": "law of one count, or of two beside each other"}},
    )

    def __init__(self, *, mean: Any = None, dispersion: Any = None, power: Any = 1.0, links: Any = None) -> None:
        self.mean, self.dispersion, self.power, self.links = mean, dispersion, power, links

    def _kernel(self, y: np.ndarray, mean: np.ndarray, c: np.ndarray) -> np.ndarray:
        """Log mass without `base_measure`: the Poisson one at the rate (m + c y) / f = y - (y - m) / f, and a correction."""
        with np.errstate(all="ignore"):
            rate = (mean + c * y) / (1 + c)
            value = poisson_kernel(y, rate, (y - mean) / (1 + c)) - np.log1p(np.where(y == 0, 0.0, c * y / mean))
            return np.where(((rate > 0) | (y == 0)) & (c > -1), value, -np.inf)

    def base_measure(self, y: np.ndarray) -> np.ndarray:
        return count_base_measure(y)

    def _first(self, y: np.ndarray, mean: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w, d = mean + c * y, (y - mean) / (1 + c)
        return (d + c * y / mean) / w, d**2 / w - y / w

    def _second(self, y: np.ndarray, mean: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        w, f, d = mean + c * y, 1 + c, (y - mean) / (1 + c)
        mean_mean = -y * (1 + 2 * c / mean + c / mean * (c / mean) * y) / w**2
        return mean_mean, (y - d * (2 * w / f + d)) / w**2, (y**2 - d**2 * (y + 2 * w / f)) / w**2

    def _total(self, mean: np.ndarray, c: np.ndarray) -> np.ndarray:
        """The log of the sum of all masses, its two first and three second derivatives, and the law's mean and variance.

        The sum differs from one only if the support ends after a few y.
        """
        mean, c = np.broadcast_arrays(np.asarray(mean, float), np.asarray(c, float))
        result = np.zeros((8, *mean.shape))
        result[6:] = mean, mean * (1 + c) ** 2
        if not (c < 0).any():
            return result
        with np.errstate(all="ignore"):
            end = np.where(c < 0, -mean / c, np.inf)
            rows = (end < np.minimum(30 / (1 + c), MAX_TERMS)) & (c > -1)  # otherwise it is one to the last digit
            if rows.any():
                m, c, y = mean[rows][:, None], c[rows][:, None], np.arange(np.ceil(end[rows].max()))
                log = self._kernel(y, m, c) + count_base_measure(y)
                total = logsumexp(log, axis=1)
                p = np.exp(log - total[:, None])
                expect = lambda value: np.where(p > 0, p * value, 0.0).sum(axis=1)
                (a, b), (aa, ab, bb) = self._first(y, m, c), self._second(y, m, c)
                d_a, d_b, centre = expect(a), expect(b), expect(y)
                second = expect(aa + a * a) - d_a**2, expect(ab + a * b) - d_a * d_b, expect(bb + b * b) - d_b**2
                result[:, rows] = total, d_a, d_b, *second, centre, expect((y - centre[:, None]) ** 2)
        return result

    def standard_terms(self, y: np.ndarray, order: int, mean: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        total = self._total(mean, a)
        value = self._kernel(y, mean, a) + self.base_measure(y) - total[0]
        if order == 0:
            return value, {}, {}
        both = zip(("mean", "a"), self._first(y, mean, a), total[1:3], strict=True)
        first = {name: of_mass - of_total for name, of_mass, of_total in both}
        if order == 1:
            return value, first, {}
        second = zip((("mean", "mean"), ("mean", "a"), ("a", "a")), self._second(y, mean, a), total[3:6], strict=True)
        return value, first, {pair: of_mass - of_total for pair, of_mass, of_total in second}

    def dispersion_by_moments(
        self, y: np.ndarray, sample_weight: np.ndarray, mean: float | np.ndarray, power: float | np.ndarray
    ) -> float:
        factor = np.sqrt(np.average((y - mean) ** 2 / mean, weights=sample_weight))
        smallest = -0.9 * np.min(mean ** (2 - power) / np.maximum(y, mean))  # with which every y lies in the support
        return max((factor - 1) / np.average(mean ** (power - 1) + 0 * y, weights=sample_weight), smallest)

    def expectation(self, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
        return self._total(mean, self._scaled(mean, dispersion, power)[2])[6]

    def variance(self, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
        return self._total(mean, self._scaled(mean, dispersion, power)[2])[7]

    def rvs(
        self,
        rng: np.random.Generator,
        size: int | tuple[int, ...],
        mean: np.ndarray,
        dispersion: np.ndarray,
        power: np.ndarray | None = None,
    ) -> np.ndarray:
        mean, c = (np.broadcast_to(value, size) for value in (mean, self._scaled(mean, dispersion, power)[2]))
        total = generation = rng.poisson(mean / (1 + c)).astype(float)  # a branching process with c / f offspring on average
        while (c > 0).any() and generation.any():
            generation = rng.poisson(generation * np.maximum(c, 0.0) / (1 + c)).astype(float)
            total = total + generation
        if (c < 0).any():
            under, given = c < 0, {"mean": mean, "dispersion": dispersion, "power": power}
            given = {name: np.broadcast_to(v, size)[under] for name, v in given.items() if v is not None}
            total = total.copy()
            total[under] = super().rvs(rng, int(under.sum()), **given)
        return total
