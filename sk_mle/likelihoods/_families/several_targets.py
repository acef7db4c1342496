"""Base class of laws of several targets: the number of targets, the target's checks, and the methods they lack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone

from ..._utils.floats import check_numeric
from .._protocol.base import Likelihood
from .._protocol.derived import derived
from .._protocol.parameter import Parameters


class Multivariate(Likelihood):
    """A law of the rows of y, of shape (n, n_targets), a number that is taken from y unless the constructor gives it.

    A subclass assigns `n_targets`. Its parameters are vectors of width `n_targets` unless `width` says otherwise.
    """

    target_type = "targets"
    min_targets: ClassVar[int] = 2
    n_targets: int | None
    covariance: Callable

    def width(self, name: str) -> int:
        """The number of values of a vector parameter."""
        return self.n_targets or self.min_targets

    @derived
    def layout(self) -> Parameters:
        return Parameters({name: replace(one, basis=np.eye(self.width(name))) for name, one in super().layout.items()})

    def bind(self, y: np.ndarray, /, **known: np.ndarray) -> Likelihood:
        return clone(self).set_params(n_targets=self.n_targets or y.shape[1])

    def check(self) -> None:
        law, n = type(self).__name__, self.n_targets
        if n is not None and (isinstance(n, bool) or not isinstance(n, Integral) or n < self.min_targets):
            raise ValueError(
                f"{law}(n_targets={n!r}): give a whole number from {self.min_targets} on, or None to take it from y"
            )
        super().check()
        for name, column in self.layout.known.items():
            if self.layout[name].vector:
                raise ValueError(f"{law}({name}={column!r}): {name} is a vector, which no column of X can hold")

    def read(self, y: Any) -> np.ndarray:
        y, law = check_numeric(np.asarray(y)), type(self).__name__
        if y.ndim != 2:
            raise ValueError(f"y has shape {y.shape}; {law} is a law of several targets: give y of shape (n, n_targets)")
        if y.shape[1] != (self.n_targets or max(y.shape[1], self.min_targets)):
            wanted = f"n_targets={self.n_targets}" if self.n_targets else f"at least {self.min_targets}"
            raise ValueError(f"y has {y.shape[1]} columns, but {law} takes {wanted}")
        return y

    def inside(self, y: np.ndarray) -> np.ndarray:
        return np.all(self.support.contains(y), axis=-1)

    def variance(self, **params: np.ndarray) -> np.ndarray:
        return np.diagonal(self.covariance(**params), axis1=-2, axis2=-1)

    def _not_of_several_targets(self, *args: Any, **params: np.ndarray) -> np.ndarray:
        raise ValueError(
            f"{type(self).__name__} has several targets, and no distribution function, quantiles or intervals of them; use the "
            "mean, std and cov of the distribution, or draw from it with rvs"
        )

    tail_probability = ppf = _not_of_several_targets
