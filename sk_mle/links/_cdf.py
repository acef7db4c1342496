"""Links of probabilities: the inverse is a distribution function F, exact in logs in both tails."""

from __future__ import annotations

import numpy as np
from scipy.special import erfcx, expit, exprel, log_ndtr, logit, ndtr, ndtri

from ..domains import UNIT, Domain
from ._base import Link, finite

# B_2k / (2k)!, the coefficients of x / (1 - exp(-x)) - 1 - x / 2 in powers of x**2.
BERNOULLI_COEFFICIENTS = [0, 1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600]


class _CDFLink(Link):
    """Base of the links whose inverse is a distribution function F."""

    range = UNIT

    def mirror(self) -> Link:
        """The link with distribution function 1 - F(-eta): itself if F is symmetric."""
        return self

    def log_complement(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        value, d1, d2 = self.mirror().log_inverse(-eta)
        return value, -d1, d2


class Logit(_CDFLink):
    """`theta = 1 / (1 + exp(-eta))`, the logistic distribution function.

    Examples
    --------
    >>> from sk_mle.links import Logit
    >>> print(Logit().inverse([-1.0, 0.0, 1.0]).round(4))
    [0.2689 0.5    0.7311]
    >>> print(Logit().link([0.25, 0.5]).round(4))  # log odds
    [-1.0986  0.    ]
    """

    ratio, canonical = "odds ratio", True

    def link(self, theta: np.ndarray) -> np.ndarray:
        return logit(theta)

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        z, larger = self._parts(eta)
        return np.where(eta < 0, z, 1.0) * larger

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        z, larger = self._parts(eta)
        d1 = z * larger * larger
        return np.exp(np.minimum(eta, 0)) * larger, d1, -d1 * np.tanh(eta / 2)

    def log_inverse(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        z, larger = self._parts(eta)
        return np.minimum(eta, 0) - np.log1p(z), np.where(eta < 0, 1.0, z) * larger, -z * larger * larger

    @staticmethod
    def _parts(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """exp(-|eta|) and the larger of theta and 1 - theta: both probabilities are products of the two."""
        z = np.exp(-np.abs(eta))
        return z, 1 / (1 + z)


class ScaledLogit(Link):
    """`theta = low + (high - low) / (1 + exp(-eta))`, for a parameter in a finite interval.

    Parameters
    ----------
    low, high : float
        The ends of the interval.

    Examples
    --------
    >>> from sk_mle.links import ScaledLogit
    >>> float(ScaledLogit(-1.0, 3.0).inverse(0.0))
    1.0
    """

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def _checked(self) -> tuple[float, float]:
        low, high = finite(self, "low"), finite(self, "high")
        if not low < high:
            raise ValueError(f"ScaledLogit: low must be less than high, got low={low!r}, high={high!r}")
        return low, high

    @property
    def range(self) -> Domain:
        low, high = self._checked()
        margin = 0.1 * (high - low)
        return Domain(low=low, high=high, typical=(low + margin, high - margin))

    def link(self, theta: np.ndarray) -> np.ndarray:
        low, high = self._checked()
        return np.log(theta - low) - np.log(high - theta)

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        low, high = self._checked()
        width = high - low
        _, d1, d2 = Logit().inverse_derivatives(eta)
        # Measured from the nearer end, so that an end at 0 is approached to full relative accuracy.
        theta = np.where(eta < 0, low + width * expit(eta), high - width * expit(-eta))
        return theta, width * d1, width * d2


class Probit(_CDFLink):
    """`theta = Phi(eta)`, the standard normal distribution function.

    Examples
    --------
    >>> from sk_mle.links import Probit
    >>> print(Probit().inverse([-1.0, 0.0, 1.0]).round(4))
    [0.1587 0.5    0.8413]
    """

    def link(self, theta: np.ndarray) -> np.ndarray:
        return ndtri(theta)

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        d1 = np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi)
        return ndtr(eta), d1, -eta * d1

    def log_inverse(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mills = np.sqrt(2 / np.pi) / erfcx(-eta / np.sqrt(2))
        return log_ndtr(eta), mills, -mills * self._mills_plus_eta(mills, eta)

    @staticmethod
    def _mills_plus_eta(mills: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """phi / Phi + eta; in the lower tail, where the sum cancels, by Laplace's continued fraction."""
        total = np.asarray(mills + eta)
        tail = eta < -6
        x = -eta[tail]
        fraction = x
        for k in range(20, 1, -1):
            fraction = x + k / fraction
        total[tail] = 1 / fraction
        return total


class CLogLog(_CDFLink):
    """`theta = 1 - exp(-exp(eta))`, the complementary log-log link of proportional hazards in grouped time.

    Examples
    --------
    >>> from sk_mle.links import CLogLog
    >>> print(CLogLog().inverse([-1.0, 0.0, 1.0]).round(4))
    [0.3078 0.6321 0.934 ]
    """

    ratio = "hazard ratio"

    def mirror(self) -> Link:
        return LogLog()

    def link(self, theta: np.ndarray) -> np.ndarray:
        return np.log(-np.log1p(-theta))

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        u = np.exp(np.minimum(eta, 7.0))  # exp(-exp(7)) is 0 already, and u stays finite
        d1 = u * np.exp(-u)
        return -np.expm1(-u), d1, -d1 * np.expm1(np.minimum(eta, 7.0))

    def log_inverse(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        u = np.exp(np.minimum(eta, 7.0))
        value = np.where(eta < 0, eta + np.log(exprel(-u)), np.log1p(-np.exp(-u)))
        d1 = 1 / exprel(u)
        # d2 / d1 = 1 - u - d1 = 1 - u / (1 - exp(-u)), which cancels for small u: there its Bernoulli series.
        series = np.polynomial.polynomial.polyval(u**2, BERNOULLI_COEFFICIENTS)
        return value, d1, d1 * np.where(u < 0.5, -u / 2 - series, 1 - u - d1)


class LogLog(_CDFLink):
    """`theta = exp(-exp(-eta))`, the Gumbel distribution function.

    Examples
    --------
    >>> from sk_mle.links import LogLog
    >>> print(LogLog().inverse([-1.0, 0.0, 1.0]).round(4))
    [0.066  0.3679 0.6922]
    """

    def mirror(self) -> Link:
        return CLogLog()

    def link(self, theta: np.ndarray) -> np.ndarray:
        return -np.log(-np.log(theta))

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        _, d1, d2 = CLogLog().inverse_derivatives(-eta)
        return np.exp(-np.exp(-eta)), d1, -d2

    def log_inverse(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        u = np.exp(-eta)
        return -u, u, -u


class Cauchit(_CDFLink):
    """`theta = 1/2 + arctan(eta) / pi`, the Cauchy distribution function.

    Examples
    --------
    >>> from sk_mle.links import Cauchit
    >>> print(Cauchit().inverse([-1.0, 0.0, 1.0]).round(4))
    [0.25 0.5  0.75]
    """

    def link(self, theta: np.ndarray) -> np.ndarray:
        tangent = np.tan(np.pi * np.minimum(theta, 1 - theta))  # from the nearer end, where pi * theta keeps its digits
        return np.where(theta < 0.5, -1 / tangent, 1 / tangent)

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        square = 1 + eta**2
        d1 = 1 / (np.pi * square)
        return np.arctan2(1, -eta) / np.pi, d1, -2 * (eta / square) * d1

    def log_inverse(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        radius = np.hypot(1, eta)  # its square overflows long before d1, which is about 1 / eta, vanishes
        angle = np.arctan2(1, -eta)
        value = np.where(eta < 0, np.log(angle / np.pi), np.log1p(-np.arctan2(1, eta) / np.pi))
        d1 = 1 / (radius * angle) / radius
        return value, d1, d1 * (-2 * (eta / radius / radius) - d1)
