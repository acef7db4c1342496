"""The base class of links."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

from .._utils.repeated import compressed, spread
from ..domains import REAL, Domain


def _on_float_arrays(method: Callable) -> Callable:
    """A decorator for methods of one array: they get float64, and return inf and NaN without a warning.

    Axes along which the array repeats are computed once: a parameter without columns repeats one number.
    """

    formula = np.errstate(all="ignore")(method)

    @wraps(method)
    def silent(self: Any, values: np.ndarray) -> Any:
        values = np.asarray(values, dtype=float)
        short = compressed(values)
        parts = formula(self, short)
        if short is values:
            return parts
        shape = values.shape
        return tuple([spread(part, shape) for part in parts]) if isinstance(parts, tuple) else spread(parts, shape)

    return silent


def finite(link: Any, name: str) -> float:
    """The constructor argument `name` as a float: constructors only assign, so it is checked where it is used."""
    value: Any = getattr(link, name)
    if not isinstance(value, Real) or not np.isfinite(float(value)):
        raise ValueError(f"{type(link).__name__}: {name} must be a finite number, got {value!r}")
    return float(value)


class Link(BaseEstimator, ABC):
    """Base of all links: a subclass writes `link` and `inverse_derivatives` and inherits the rest.

    The methods that a subclass defines receive a float64 array and run with numpy's warnings off: they are formulas.

    Attributes
    ----------
    range : Domain
        The open interval of `theta` that the link serves.
    ratio : str
        What the exponential of a coefficient is, such as "odds ratio"; empty where it has no name.
    canonical : bool
        Whether log(theta) and log(1 - theta) have the same second derivative: then observed information is expected.

    Examples
    --------
    >>> from sk_mle.links import Logit
    >>> theta, d1, d2 = Logit().inverse_derivatives([0.0])
    >>> print(theta, d1, d2 == 0)
    [0.5] [0.25] [ True]
    """

    if TYPE_CHECKING:  # a subclass gives it as a value or as a property

        @property
        def range(self) -> Domain: ...
    else:
        range = REAL
    ratio: str = ""
    canonical: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in {"link", "inverse", "inverse_derivatives", "log_inverse", "log_complement"} & vars(cls).keys():
            setattr(cls, name, _on_float_arrays(vars(cls)[name]))

    @abstractmethod
    def link(self, theta: np.ndarray) -> np.ndarray:
        """The linear predictor `eta` of a parameter `theta`, an array of any shape."""

    @abstractmethod
    def inverse_derivatives(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`theta` at `eta` and its first two derivatives, three arrays of the shape of `eta`."""

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        """The parameter `theta` of `eta`."""
        return self.inverse_derivatives(eta)[0]

    @_on_float_arrays
    def log_inverse(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`log(theta)` and its two derivatives; here from `inverse_derivatives`, which suits any link."""
        theta, d1, d2 = self.inverse_derivatives(eta)
        return np.log(theta), d1 / theta, d2 / theta - (d1 / theta) ** 2

    def mirror(self) -> Link | None:
        """The link whose `theta` at -eta is 1 - theta, for links that are distribution functions; None for others."""
        return None

    @_on_float_arrays
    def log_complement(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`log(1 - theta)` and its two derivatives; here from `inverse_derivatives`, which suits any link."""
        theta, d1, d2 = self.inverse_derivatives(eta)
        complement = 1 - theta
        return np.log1p(-theta), -d1 / complement, -d2 / complement - (d1 / complement) ** 2
