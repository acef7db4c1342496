"""Increasing functions of y, for `Transformed`."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import expit, exprel, logit
from sklearn.base import BaseEstimator

from ..domains import POSITIVE, REAL, UNIT, Domain
from ._removable import log1p_ratio


class Transform(BaseEstimator):
    """Base class of increasing functions of y: a subclass writes `forward`, `inverse` and `log_jacobian`.

    Attributes
    ----------
    domain : Domain
        Of y, where the function is defined. Its ends are mapped to the ends of the real line, or of the law's support.
    parameters : dict of str to Domain
        Parameters of the function, which are estimated with those of the law unless the constructor fixes them. They are
        passed by name.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle.domains import POSITIVE
    >>> class Root(Transform):
    ...     domain = POSITIVE
    ...     def forward(self, y):
    ...         return np.sqrt(y)
    ...     def inverse(self, z):
    ...         return z**2
    ...     def log_jacobian(self, y):
    ...         return -np.log(2 * np.sqrt(y))
    >>> from sk_mle.likelihoods import Gamma, Transformed
    >>> Transformed(Gamma(mean=2.0, shape=3.0), Root()).expectation(mean=2.0, shape=3.0).round(4)
    np.float64(5.3333)
    """

    domain: Domain = REAL
    parameters: ClassVar[dict[str, Domain]] = {}

    def forward(self, y, **params) -> np.ndarray:
        """The function."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(y)")

    def inverse(self, z, **params) -> np.ndarray:
        """Its inverse."""
        raise NotImplementedError(f"{type(self).__name__} must define inverse(z)")

    def log_jacobian(self, y, **params) -> np.ndarray:
        """The log of its derivative."""
        raise NotImplementedError(f"{type(self).__name__} must define log_jacobian(y)")


class Log(Transform):
    """``log(y)``."""

    domain = POSITIVE

    def forward(self, y):
        return np.log(y)

    def inverse(self, z):
        return np.exp(z)

    def log_jacobian(self, y):
        return -np.log(y)


class Logit(Transform):
    """``log(y / (1 - y))``."""

    domain = UNIT

    def forward(self, y):
        return logit(y)

    def inverse(self, z):
        return expit(z)

    def log_jacobian(self, y):
        return -np.log(y) - np.log1p(-y)


class Asinh(Transform):
    """``arcsinh(y)``: like ``log(2 |y|)`` with the sign of y far from zero, like y near it."""

    def forward(self, y):
        return np.arcsinh(y)

    def inverse(self, z):
        return np.sinh(z)

    def log_jacobian(self, y):
        return -np.log(np.hypot(1.0, y))


class YeoJohnson(Transform):
    r"""The power transformation of Yeo and Johnson, of values of either sign.

    .. math:: h(y) = \frac{(1 + y)^\mathrm{lmbda} - 1}{\mathrm{lmbda}} \ (y \ge 0), \qquad
        h(y) = -\frac{(1 - y)^{2 - \mathrm{lmbda}} - 1}{2 - \mathrm{lmbda}} \ (y < 0)

    with the logarithm where the power is zero: for positive y ``lmbda=1`` is the identity and ``lmbda=0`` is ``log(1 + y)``.
    Outside of [0, 2] it does not reach the whole line: what a law has beyond is lost, as usual with this transformation.
    scipy.stats: ``yeojohnson``; scikit-learn: ``PowerTransformer``; R: ``car::yjPower``.

    Parameters
    ----------
    lmbda : float or str, optional
        A number fixes it, the name of a column of X holds it, None estimates it.

    References
    ----------
    Yeo, I.-K., Johnson, R. A. (2000). A new family of power transformations to improve normality or symmetry. Biometrika 87,
    954-959. doi:10.1093/biomet/87.4.954

    Examples
    --------
    >>> YeoJohnson().forward([-1.0, 0.0, 1.0], lmbda=0.0).round(4)
    array([-1.5   ,  0.    ,  0.6931])
    """

    parameters = {"lmbda": Domain(typical=(0.2, 1.8))}
    identity = {"lmbda": 1.0}

    def __init__(self, lmbda=None):
        self.lmbda = lmbda

    @staticmethod
    def _power(y, lmbda):
        return np.where(np.asarray(y) < 0, 2.0 - lmbda, lmbda)

    def forward(self, y, lmbda):
        size = np.log1p(np.abs(y))
        return np.sign(y) * size * exprel(self._power(y, lmbda) * size)

    def inverse(self, z, lmbda):
        size, power = np.abs(z), self._power(z, lmbda)
        at = power * size
        log = np.where(at > -1, size * log1p_ratio(np.maximum(at, -1.0))[0], np.inf)
        log = np.where(np.isinf(size), np.inf, log)
        return np.sign(z) * np.expm1(log)

    def log_jacobian(self, y, lmbda):
        return np.sign(y) * (lmbda - 1.0) * np.log1p(np.abs(y))


TRANSFORMS: dict[str, type[Transform]] = {"log": Log, "logit": Logit, "asinh": Asinh, "yeo-johnson": YeoJohnson}


def check_transform(function: Transform, params: dict) -> None:
    """Raise ValueError for a function that does not increase, or whose inverse or derivative is another's."""
    low, high = function.domain.typical
    y = np.linspace(low, high, 9)[1:-1]
    if not function.domain.contains(y).all():
        raise ValueError(f"{function!r}: {low} to {high}, the typical part of its domain, is not in {function.domain}")
    z, step = function.forward(y, **params), 1e-4 * (high - low)
    if not (np.diff(z) > 0).all():
        raise ValueError(f"{function!r} does not increase with y; use an increasing function of -y")
    if not np.allclose(function.inverse(z, **params), y, rtol=1e-6, atol=1e-6 * (high - low)):
        raise ValueError(f"{function!r}: inverse(forward(y)) is not y")
    slope = (function.forward(y + step, **params) - function.forward(y - step, **params)) / (2 * step)
    if not np.allclose(np.exp(function.log_jacobian(y, **params)), slope, rtol=1e-3):
        raise ValueError(f"{function!r}: log_jacobian is not the log of the derivative of forward")
