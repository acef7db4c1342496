"""Increasing functions of y, for `Transformed`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, exprel, logit
from sklearn.base import BaseEstimator

from ..._special.removable import log1p_ratio
from ...domains import POSITIVE, REAL, UNIT, Domain
from .._fallbacks.facts import takes_parameters


class Transform(BaseEstimator):
    """Base class of increasing functions of y: a subclass writes `forward`, `inverse` and `log_jacobian`.

    Attributes
    ----------
    domain : Domain
        Of y, where the function is defined. Its ends are mapped to the ends of the real line, or of the law's support.
    parameters : dict of str to Domain
        Parameters of the function, estimated together with those of the law unless the constructor fixes them. They are
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

    domain: Any = REAL
    parameters: ClassVar[dict[str, Domain]] = {}

    def bind(self, y: np.ndarray) -> Transform:
        """The function with constants that it takes from y before a fit; by default itself."""
        return self

    @takes_parameters
    def forward(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """The transformed values z."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(y)")

    @takes_parameters
    def inverse(self, z: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """The y of transformed values z."""
        raise NotImplementedError(f"{type(self).__name__} must define inverse(z)")

    @takes_parameters
    def log_jacobian(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """The log of the derivative of `forward` in y."""
        raise NotImplementedError(f"{type(self).__name__} must define log_jacobian(y)")


class Log(Transform):
    """``log(y)``."""

    domain = POSITIVE

    def forward(self, y: np.ndarray) -> np.ndarray:
        return np.log(y)

    def inverse(self, z: np.ndarray) -> np.ndarray:
        return np.exp(z)

    def log_jacobian(self, y: np.ndarray) -> np.ndarray:
        return -np.log(y)


class Logit(Transform):
    """``log(y / (1 - y))``."""

    domain = UNIT

    def forward(self, y: np.ndarray) -> np.ndarray:
        return logit(y)

    def inverse(self, z: np.ndarray) -> np.ndarray:
        return expit(z)

    def log_jacobian(self, y: np.ndarray) -> np.ndarray:
        return -np.log(y) - np.log1p(-y)


class Asinh(Transform):
    """``arcsinh(y)``: like ``log(2 |y|)`` with the sign of y far from zero, like y near it."""

    def forward(self, y: np.ndarray) -> np.ndarray:
        return np.arcsinh(y)

    def inverse(self, z: np.ndarray) -> np.ndarray:
        return np.sinh(z)

    def log_jacobian(self, y: np.ndarray) -> np.ndarray:
        return -np.log(np.hypot(1.0, y))


class YeoJohnson(Transform):
    r"""The power transformation of Yeo and Johnson, of values of either sign.

    .. math:: h(y) = \frac{(1 + y)^\mathrm{lmbda} - 1}{\mathrm{lmbda}} \ (y \ge 0), \qquad
        h(y) = -\frac{(1 - y)^{2 - \mathrm{lmbda}} - 1}{2 - \mathrm{lmbda}} \ (y < 0)

    with the logarithm if the power is zero: for positive y ``lmbda=1`` is the identity and ``lmbda=0`` is ``log(1 + y)``.
    For lmbda outside of [0, 2] it does not reach the whole line: the law's probability beyond is left out, as usual with this
    transformation.
    scipy.stats: ``yeojohnson``; scikit-learn: ``PowerTransformer``; R: ``car::yjPower``.

    If the y vary little relative to their distance from zero, as years do, h(y) and its derivative are huge or tiny numbers,
    and `loc` and `scale` of the law inside lose digits, or overflow. Then the law inside is that of
    :math:`c + (h(y) - h(c)) / h'(c)`, which is close to y near the `centre` c: the same law of y with the same `lmbda`, but
    with `loc` and `scale` in units of y.

    Parameters
    ----------
    lmbda : float or str, optional
        A number fixes it, the name of a column of X holds it, None estimates it.
    centre : float, optional
        The c above; with 0 the law inside is that of h(y). None: chosen by a fit, 0 unless the quartiles of y differ by less
        than a fifth of the median's distance from zero, else that median to two digits.

    References
    ----------
    Yeo, I.-K., Johnson, R. A. (2000). A new family of power transformations to improve normality or symmetry. Biometrika 87,
    954-959. doi:10.1093/biomet/87.4.954

    Examples
    --------
    >>> YeoJohnson().forward([-1.0, 0.0, 1.0], lmbda=0.0).round(4)
    array([-1.5   ,  0.    ,  0.6931])
    >>> YeoJohnson(centre=2000).forward([1990.0, 2000.0, 2010.0], lmbda=50.0).round(2)
    array([1991.13, 2000.  , 2011.33])
    """

    parameters = {"lmbda": Domain(typical=(0.2, 1.8))}
    identity = {"lmbda": 1.0}

    def __init__(self, lmbda: Any = None, centre: Any = None) -> None:
        self.lmbda, self.centre = lmbda, centre

    @property
    def domain(self) -> Domain:
        low, high = REAL.typical
        return replace(REAL, typical=((self.centre or 0.0) + low, (self.centre or 0.0) + high))

    def bind(self, y: np.ndarray) -> Transform:
        y = np.asarray(y, dtype=float)
        y = y[np.isfinite(y)]
        if self.centre is not None or not y.size:
            return self
        low, middle, high = np.quantile(y, (0.25, 0.5, 0.75))
        return type(self)(self.lmbda, float(f"{middle:.2g}")) if high - low < 0.2 * np.abs(middle) else self

    def forward(self, y: np.ndarray, lmbda: np.ndarray) -> np.ndarray:
        return self._mirrored(_forward, y, lmbda)

    def inverse(self, z: np.ndarray, lmbda: np.ndarray) -> np.ndarray:
        return self._mirrored(_inverse, z, lmbda)

    def log_jacobian(self, y: np.ndarray, lmbda: np.ndarray) -> np.ndarray:
        return self._mirrored(_log_slope, y, lmbda, odd=False)

    def _mirrored(self, function: Callable, values: np.ndarray, lmbda: np.ndarray, odd: bool = True) -> np.ndarray:
        """function(values, c, lmbda), for a negative centre c by the symmetry h(-y; 2 - lmbda) = -h(y; lmbda)."""
        c, values = self.centre or 0.0, np.asarray(values, dtype=float)
        if c >= 0:
            return function(values, c, lmbda)
        return function(-values, -c, 2.0 - lmbda) * (-1.0 if odd else 1.0)


def _forward(y: np.ndarray, c: float, lmbda: np.ndarray) -> np.ndarray:
    """c + (h(y) - h(c)) / h'(c), from log((1 + y) / (1 + c)), which loses no digit near c."""
    if c == 0:
        log = np.log1p(np.abs(y))
        return np.sign(y) * log * exprel(np.where(y < 0, 2.0 - lmbda, lmbda) * log)
    log, log_at_zero = np.log1p((np.maximum(y, 0.0) - c) / (1 + c)), np.log1p(c)
    above = c + (1 + c) * log * exprel(lmbda * log)
    log_below, power = np.log1p(np.maximum(-y, 0.0)), 2.0 - lmbda
    below = log_below * exprel(power * log_below) * np.exp((1.0 - lmbda) * log_at_zero)
    return np.where(y >= 0, above, _at_zero(c, lmbda) - below)


def _at_zero(c: float, lmbda: Any) -> float:
    """`_forward` at y = 0."""
    log = np.log1p(c)
    return c - (1 + c) * log * exprel(-lmbda * log)


def _inverse(z: np.ndarray, c: float, lmbda: float) -> np.ndarray:
    """The y with `_forward(y, c, lmbda)` = z."""
    above, log = (z - c) / (1 + c), np.log1p(c)
    below = np.maximum(_at_zero(c, lmbda) - z, 0.0) * np.exp((lmbda - 1.0) * log)
    up, down = c + (1 + c) * np.expm1(_box_cox_log(above, lmbda)), -np.expm1(_box_cox_log(below, 2.0 - lmbda))
    return np.where(z >= _at_zero(c, lmbda), up, down)


def _box_cox_log(z: np.ndarray, power: float) -> np.ndarray:
    """log(1 + power * z) / power, the inverse of (exp(power * x) - 1) / power; infinite beyond the range of that."""
    product = power * z
    log = np.where(product > -1, z * log1p_ratio(np.maximum(product, -1.0))[0], np.inf)
    return np.where(np.isinf(z), np.inf, log)


def _log_slope(y: np.ndarray, c: float, lmbda: np.ndarray) -> np.ndarray:
    """log(h'(y) / h'(c))"""
    near = np.log1p((np.maximum(y, 0.0) - c) / (1 + c))
    return (lmbda - 1.0) * np.where(y >= 0, near, -np.log1p(np.maximum(-y, 0.0)) - np.log1p(c))


TRANSFORMS: dict[str, type[Transform]] = {"log": Log, "logit": Logit, "asinh": Asinh, "yeo-johnson": YeoJohnson}


def check_transform(function: Transform, params: dict) -> None:
    """Raise ValueError for a function that does not increase, or whose inverse or derivative is wrong."""
    low, high = function.domain.typical
    y = np.linspace(low, high, 9)[1:-1]
    if not function.domain.contains(y).all():
        raise ValueError(f"{function!r}: {low} to {high}, the typical part of its domain, is not in {function.domain}")
    z, step = function.forward(y, **params), 1e-4 * (high - low)
    if not (np.diff(z) > 0).all():
        raise ValueError(f"{function!r} does not increase with y; use an increasing function of -y")
    if not np.allclose(function.inverse(z, **params), y, rtol=1e-6, atol=1e-6 * (high - low)):
        raise ValueError(f"{function!r}: inverse(forward(y)) is not y")
    derivative = (function.forward(y + step, **params) - function.forward(y - step, **params)) / (2 * step)
    if not np.allclose(np.exp(function.log_jacobian(y, **params)), derivative, rtol=1e-3):
        raise ValueError(f"{function!r}: log_jacobian is not the log of the derivative of forward")
