"""Links of unbounded and of positive parameters, and of angles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit

from .._utils.repeated import filled
from ..domains import CIRCLE, POSITIVE, Domain
from ._base import Link, finite


class Identity(Link):
    """`theta = eta`.

    Examples
    --------
    >>> from sk_mle.links import Identity
    >>> print(Identity().inverse([-1.0, 2.0]))
    [-1.  2.]
    """

    def link(self, theta: np.ndarray) -> np.ndarray:
        return theta

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        return eta

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return eta, filled(1.0, eta.shape), filled(0.0, eta.shape)


class Log(Link):
    """`theta = exp(eta)`.

    Examples
    --------
    >>> from sk_mle.links import Log
    >>> print(Log().inverse([-1.0, 0.0, 1.0]).round(4))
    [0.3679 1.     2.7183]
    >>> theta, slope, curvature = Log().inverse_derivatives([0.0])
    >>> print(theta, slope, curvature)
    [1.] [1.] [1.]
    """

    ratio = "ratio"
    range = POSITIVE

    def link(self, theta: np.ndarray) -> np.ndarray:
        return np.log(theta)

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        return np.exp(eta)

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        theta = np.exp(eta)
        return theta, theta, theta

    def log_inverse(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return eta, filled(1.0, eta.shape), filled(0.0, eta.shape)

    def log_complement(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        d1 = -1 / np.expm1(-eta)
        # log(1 - theta) through whichever of theta and 1 - theta is the smaller.
        value = np.where(eta < -np.log(2), np.log1p(-np.exp(eta)), np.log(-np.expm1(eta)))
        return value, d1, d1 * (1 - d1)


class ShiftedLog(Link):
    """`theta = shift + exp(eta)`, for a parameter above `shift`.

    Parameters
    ----------
    shift : float

    Examples
    --------
    >>> from sk_mle.links import ShiftedLog
    >>> float(ShiftedLog(2.0).inverse(0.0))
    3.0
    """

    def __init__(self, shift: float) -> None:
        self.shift = shift

    @property
    def range(self) -> Domain:
        shift = finite(self, "shift")
        return Domain(low=shift, typical=(shift + 0.3, shift + 3.0))

    def link(self, theta: np.ndarray) -> np.ndarray:
        return np.log(theta - finite(self, "shift"))

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        excess = np.exp(eta)
        return finite(self, "shift") + excess, excess, excess


class Softplus(Link):
    """`theta = log(1 + exp(eta))`: like the log link for small `theta`, like the identity for large.

    Examples
    --------
    >>> from sk_mle.links import Softplus
    >>> print(Softplus().inverse([-5.0, 0.0, 5.0]).round(4))
    [0.0067 0.6931 5.0067]
    """

    range = POSITIVE

    def link(self, theta: np.ndarray) -> np.ndarray:
        return theta + np.log(-np.expm1(-theta))

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        d1 = expit(eta)
        return np.logaddexp(0, eta), d1, d1 * expit(-eta)


class Power(Link):
    """`eta = theta**exponent` for positive `theta` and `eta`.

    Parameters
    ----------
    exponent : float
        Any number but 0.

    Examples
    --------
    >>> from sk_mle.links import Power
    >>> float(Power(0.5).link(9.0))
    3.0
    """

    range = POSITIVE

    def __init__(self, exponent: Any) -> None:
        self.exponent = exponent

    def _checked(self) -> float:
        exponent = finite(self, "exponent")
        if exponent == 0:
            raise ValueError("Power: exponent must not be 0; the limit of this family is the Log link")
        return exponent

    def link(self, theta: np.ndarray) -> np.ndarray:
        return theta ** self._checked()

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        a = 1 / self._checked()
        eta = np.where(eta > 0, eta, np.nan)
        theta = eta**a
        d1 = a * theta / eta
        return theta, d1, (a - 1) * d1 / eta


class InverseSquared(Power):
    """`theta = eta**-0.5`, `eta = theta**-2`, the canonical link of the inverse Gaussian mean.

    Examples
    --------
    >>> from sk_mle.links import InverseSquared
    >>> print(InverseSquared().inverse([0.25, 4.0]), InverseSquared().link([0.5]))
    [2.  0.5] [4.]
    """

    exponent = -2.0

    def __init__(self) -> None:
        pass


class Sqrt(Power):
    """`theta = eta**2`, `eta = sqrt(theta)`; `inverse` accepts a negative `eta`, which `link` never returns.

    Examples
    --------
    >>> from sk_mle.links import Sqrt
    >>> print(Sqrt().inverse([1.0, 2.0]), Sqrt().link([1.0, 4.0]))
    [1. 4.] [1. 2.]
    """

    exponent = 0.5

    def __init__(self) -> None:
        pass

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return eta**2, 2 * eta, np.full_like(eta, 2.0)


class Inverse(Power):
    """`theta = 1 / eta` for positive `theta` and `eta`; NaN elsewhere, so that formulas never get a negative parameter.

    Examples
    --------
    >>> from sk_mle.links import Inverse
    >>> print(Inverse().inverse([0.5, 4.0, -1.0]))
    [2.   0.25  nan]
    """

    exponent = -1.0

    def __init__(self) -> None:
        pass

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        theta = 1 / np.where(eta > 0, eta, np.nan)
        return theta, -theta * theta, 2 * theta * theta * theta


class TanHalf(Link):
    """`theta = 2 * arctan(eta)`, an angle in (-pi, pi): `eta = tan(theta / 2)` (Fisher and Lee, 1992).

    Examples
    --------
    >>> from sk_mle.links import TanHalf
    >>> print(TanHalf().inverse([-1.0, 0.0, 1.0]).round(4))  # a right angle to each side
    [-1.5708  0.      1.5708]
    """

    range = replace(CIRCLE, closed=(False, False))

    def link(self, theta: np.ndarray) -> np.ndarray:
        return np.tan(theta / 2)

    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        d1 = 2 / (1 + eta**2)
        return 2 * np.arctan(eta), d1, -d1 * (d1 * eta)
