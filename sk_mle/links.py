"""Link functions: `eta = link(theta)` is real, `theta = inverse(eta)` is a distribution's parameter.

One convention for every method that differentiates: it returns `(value, d1, d2)`, the value and its plain first and
second derivative with respect to `eta`, elementwise, as float64 of `eta`'s shape. The three may share memory with each
other and with `eta`: do not write into them. Nothing here warns: overflow gives inf, an `eta` without a `theta` gives
NaN or a value outside `range`, and whoever knows the parameter's domain checks.

Probabilities enter likelihoods as `log_inverse` and `log_complement`, never as `log(inverse(eta))`: for the links that
are distribution functions both keep full relative accuracy, value and derivatives, in both tails.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import wraps
from numbers import Real

import numpy as np
from scipy.special import erfcx, expit, exprel, log_expit, log_ndtr, logit, ndtr, ndtri
from sklearn.base import BaseEstimator

from sk_mle.domains import POSITIVE, REAL, UNIT, Domain

__all__ = [
    "LINKS", "CLogLog", "Cauchit", "Identity", "Inverse", "InverseSquared", "Link", "Log", "LogLog", "Logit", "Power",
    "Probit", "ScaledLogit", "ShiftedLog", "Softplus", "Sqrt", "check_link", "default_link", "get_link",
]  # fmt: skip


# B_2k / (2k)!, the coefficients of x / (1 - exp(-x)) - 1 - x / 2 in powers of x**2.
_BERNOULLI = [0, 1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600]


def _elementwise(method):
    """Give a method of one array float64 in, and inf and NaN out without a warning."""

    @wraps(method)
    def silent(self, values):
        with np.errstate(all="ignore"):
            return method(self, np.asarray(values, dtype=float))

    return silent


def _finite(link, name):
    """The constructor argument `name` as a float: constructors only assign, so it is checked where it is used."""
    value = getattr(link, name)
    if not isinstance(value, Real) or not np.isfinite(value):
        raise ValueError(f"{type(link).__name__}: {name} must be a finite number, got {value!r}")
    return float(value)


class Link(BaseEstimator, ABC):
    """Base of all links: a subclass writes `link` and `inverse_derivatives` and inherits the rest.

    The methods that a subclass defines receive a float64 array and run with numpy's warnings off: they are formulas.

    Attributes
    ----------
    range : Domain
        The open interval of `theta` that the link serves.

    Examples
    --------
    >>> from sk_mle.links import Logit
    >>> theta, d1, d2 = Logit().inverse_derivatives([0.0])
    >>> print(theta, d1, d2 == 0)
    [0.5] [0.25] [ True]
    """

    range: Domain = REAL

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name in {"link", "inverse", "inverse_derivatives", "log_inverse", "log_complement"} & vars(cls).keys():
            setattr(cls, name, _elementwise(vars(cls)[name]))

    @abstractmethod
    def link(self, theta):
        """The linear predictor `eta` of `theta`."""

    @abstractmethod
    def inverse_derivatives(self, eta):
        """`theta` and its two derivatives."""

    def inverse(self, eta):
        """The parameter `theta` of `eta`."""
        return self.inverse_derivatives(eta)[0]

    @_elementwise
    def log_inverse(self, eta):
        """`log(theta)` and its two derivatives; here from `inverse_derivatives`, which suits any link."""
        theta, d1, d2 = self.inverse_derivatives(eta)
        return np.log(theta), d1 / theta, d2 / theta - (d1 / theta) ** 2

    @_elementwise
    def log_complement(self, eta):
        """`log(1 - theta)` and its two derivatives; here from `inverse_derivatives`, which suits any link."""
        theta, d1, d2 = self.inverse_derivatives(eta)
        rest = 1 - theta
        return np.log1p(-theta), -d1 / rest, -d2 / rest - (d1 / rest) ** 2


class Identity(Link):
    """`theta = eta`."""

    def link(self, theta):
        return theta

    def inverse_derivatives(self, eta):
        return eta, np.ones_like(eta), np.zeros_like(eta)


class Log(Link):
    """`theta = exp(eta)`."""

    range = POSITIVE

    def link(self, theta):
        return np.log(theta)

    def inverse_derivatives(self, eta):
        theta = np.exp(eta)
        return theta, theta, theta

    def log_inverse(self, eta):
        return eta, np.ones_like(eta), np.zeros_like(eta)

    def log_complement(self, eta):
        d1 = -1 / np.expm1(-eta)
        # log(1 - theta) through whichever of theta and 1 - theta is the smaller.
        value = np.where(eta < -np.log(2), np.log1p(-np.exp(eta)), np.log(-np.expm1(eta)))
        return value, d1, d1 * (1 - d1)


class ShiftedLog(Link):
    """`theta = shift + exp(eta)`, for a parameter above `shift`."""

    def __init__(self, shift):
        self.shift = shift

    @property
    def range(self):
        shift = _finite(self, "shift")
        return Domain(low=shift, typical=(shift + 0.3, shift + 3.0))

    def link(self, theta):
        return np.log(theta - _finite(self, "shift"))

    def inverse_derivatives(self, eta):
        excess = np.exp(eta)
        return _finite(self, "shift") + excess, excess, excess


class Softplus(Link):
    """`theta = log(1 + exp(eta))`: like the log link for small `theta`, like the identity for large."""

    range = POSITIVE

    def link(self, theta):
        return theta + np.log(-np.expm1(-theta))

    def inverse_derivatives(self, eta):
        d1 = expit(eta)
        return np.logaddexp(0, eta), d1, d1 * expit(-eta)


class Power(Link):
    """`eta = theta**exponent` for positive `theta` and `eta`; the exponent is any number but 0."""

    range = POSITIVE

    def __init__(self, exponent):
        self.exponent = exponent

    def _checked(self):
        exponent = _finite(self, "exponent")
        if exponent == 0:
            raise ValueError("Power: exponent must not be 0; the limit of this family is the Log link")
        return exponent

    def link(self, theta):
        return theta ** self._checked()

    def inverse_derivatives(self, eta):
        a = 1 / self._checked()
        eta = np.where(eta > 0, eta, np.nan)
        theta = eta**a
        d1 = a * theta / eta
        return theta, d1, (a - 1) * d1 / eta


class InverseSquared(Power):
    """`theta = eta**-0.5`, `eta = theta**-2`, the canonical link of the inverse Gaussian mean."""

    exponent = -2.0

    def __init__(self):
        pass


class Sqrt(Power):
    """`theta = eta**2`, `eta = sqrt(theta)`; a negative `eta` also has a `theta`, though not as its link."""

    exponent = 0.5

    def __init__(self):
        pass

    def inverse_derivatives(self, eta):
        return eta**2, 2 * eta, np.full_like(eta, 2.0)


class Inverse(Power):
    """`theta = 1 / eta`; for a positive `theta`, so that an `eta` below zero is seen to leave the range."""

    exponent = -1.0

    def __init__(self):
        pass

    def inverse_derivatives(self, eta):
        theta = 1 / eta
        return theta, -theta * theta, 2 * theta * theta * theta


class _CDFLink(Link):
    """Base of the links whose inverse is a distribution function F."""

    range = UNIT

    def _mirror(self):
        """The link with distribution function 1 - F(-eta): itself if F is symmetric."""
        return self

    def log_complement(self, eta):
        value, d1, d2 = self._mirror().log_inverse(-eta)
        return value, -d1, d2


class Logit(_CDFLink):
    """`theta = 1 / (1 + exp(-eta))`, the logistic distribution function."""

    def link(self, theta):
        return logit(theta)

    def inverse_derivatives(self, eta):
        theta = expit(eta)
        d1 = theta * expit(-eta)
        return theta, d1, -d1 * np.tanh(eta / 2)

    def log_inverse(self, eta):
        rest = expit(-eta)
        return log_expit(eta), rest, -rest * expit(eta)


class ScaledLogit(Link):
    """`theta = low + (high - low) / (1 + exp(-eta))`, for a parameter in a finite interval."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def _checked(self):
        low, high = _finite(self, "low"), _finite(self, "high")
        if not low < high:
            raise ValueError(f"ScaledLogit: low must be less than high, got low={low!r}, high={high!r}")
        return low, high

    @property
    def range(self):
        low, high = self._checked()
        margin = 0.1 * (high - low)
        return Domain(low=low, high=high, typical=(low + margin, high - margin))

    def link(self, theta):
        low, high = self._checked()
        return np.log(theta - low) - np.log(high - theta)

    def inverse_derivatives(self, eta):
        low, high = self._checked()
        width = high - low
        _, d1, d2 = Logit().inverse_derivatives(eta)
        # Measured from the nearer end, so that an end at 0 is approached to full relative accuracy.
        theta = np.where(eta < 0, low + width * expit(eta), high - width * expit(-eta))
        return theta, width * d1, width * d2


class Probit(_CDFLink):
    """`theta = Phi(eta)`, the standard normal distribution function."""

    def link(self, theta):
        return ndtri(theta)

    def inverse_derivatives(self, eta):
        d1 = np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi)
        return ndtr(eta), d1, -eta * d1

    def log_inverse(self, eta):
        mills = np.sqrt(2 / np.pi) / erfcx(-eta / np.sqrt(2))
        return log_ndtr(eta), mills, -mills * self._mills_plus_eta(mills, eta)

    @staticmethod
    def _mills_plus_eta(mills, eta):
        """phi / Phi + eta, which cancels in the lower tail: there Laplace's continued fraction gives it directly."""
        total = np.asarray(mills + eta)
        tail = eta < -6
        x = -eta[tail]
        fraction = x
        for k in range(20, 1, -1):
            fraction = x + k / fraction
        total[tail] = 1 / fraction
        return total


class CLogLog(_CDFLink):
    """`theta = 1 - exp(-exp(eta))`, the complementary log-log link of proportional hazards in grouped time."""

    def _mirror(self):
        return LogLog()

    def link(self, theta):
        return np.log(-np.log1p(-theta))

    def inverse_derivatives(self, eta):
        u = np.exp(np.minimum(eta, 7.0))  # exp(-exp(7)) is 0 already, and u stays finite
        d1 = u * np.exp(-u)
        return -np.expm1(-u), d1, -d1 * np.expm1(np.minimum(eta, 7.0))

    def log_inverse(self, eta):
        u = np.exp(np.minimum(eta, 7.0))
        value = np.where(eta < 0, eta + np.log(exprel(-u)), np.log1p(-np.exp(-u)))
        d1 = 1 / exprel(u)
        # d2 / d1 = 1 - u - d1 = 1 - u / (1 - exp(-u)), which cancels for small u: there its Bernoulli series.
        series = np.polynomial.polynomial.polyval(u**2, _BERNOULLI)
        return value, d1, d1 * np.where(u < 0.5, -u / 2 - series, 1 - u - d1)


class LogLog(_CDFLink):
    """`theta = exp(-exp(-eta))`, the Gumbel distribution function."""

    def _mirror(self):
        return CLogLog()

    def link(self, theta):
        return -np.log(-np.log(theta))

    def inverse_derivatives(self, eta):
        _, d1, d2 = CLogLog().inverse_derivatives(-eta)
        return np.exp(-np.exp(-eta)), d1, -d2

    def log_inverse(self, eta):
        u = np.exp(-eta)
        return -u, u, -u


class Cauchit(_CDFLink):
    """`theta = 1/2 + arctan(eta) / pi`, the Cauchy distribution function."""

    def link(self, theta):
        return -1 / np.tan(np.pi * theta)

    def inverse_derivatives(self, eta):
        square = 1 + eta**2
        d1 = 1 / (np.pi * square)
        return np.arctan2(1, -eta) / np.pi, d1, -2 * (eta / square) * d1

    def log_inverse(self, eta):
        radius = np.hypot(1, eta)  # its square overflows long before d1, which is about 1 / eta, vanishes
        angle = np.arctan2(1, -eta)
        value = np.where(eta < 0, np.log(angle / np.pi), np.log1p(-np.arctan2(1, eta) / np.pi))
        d1 = 1 / (radius * angle) / radius
        return value, d1, d1 * (-2 * (eta / radius / radius) - d1)


LINKS: dict[str, type[Link]] = {
    "identity": Identity,
    "log": Log,
    "softplus": Softplus,
    "logit": Logit,
    "probit": Probit,
    "cloglog": CLogLog,
    "loglog": LogLog,
    "cauchit": Cauchit,
    "sqrt": Sqrt,
    "inverse": Inverse,
    "inverse_squared": InverseSquared,
}


def get_link(link) -> Link:
    """The link itself, or the one with that name in `LINKS`."""
    if isinstance(link, Link):
        return link
    if not isinstance(link, str):
        raise TypeError(f"a link is an instance of Link or a name, got {link!r}")
    if link not in LINKS:
        raise ValueError(f"unknown link {link!r}; the names are {', '.join(LINKS)}")
    return LINKS[link]()


def default_link(domain: Domain) -> Link:
    """The link whose range is the interior of `domain`."""
    low, high = domain.low, domain.high
    if np.isneginf(low) and np.isposinf(high):
        return Identity()
    if np.isposinf(high):
        return Log() if low == 0 else ShiftedLog(low)
    if np.isfinite(low):
        return Logit() if (low, high) == (0, 1) else ScaledLogit(low, high)
    raise ValueError(f"no default link for {domain}, which has only an upper end: model the negative, or pass a link")


def check_link(link, domain: Domain, parameter: str) -> Link:
    """`get_link(link)`, if its range contains the parameter's domain or lies in it; otherwise an error."""
    link = get_link(link)
    if link.range.includes(domain) or domain.includes(link.range):
        return link
    raise ValueError(
        f"link {link!r} does not suit parameter {parameter!r}: neither of its range {link.range} and the "
        f"domain {domain} contains the other"
    )
