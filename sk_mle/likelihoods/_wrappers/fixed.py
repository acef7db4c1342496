"""Laws with some of their parameters given."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .._fallbacks.facts import title, with_values
from .._protocol.base import Likelihood


class Fixed(Likelihood):
    """Any law with some of its parameters given, whether or not its constructor takes them.

    ``Fixed(Normal(), {"scale": 2.0})`` is ``Normal(scale=2.0)``. `Fixed` is for laws of users whose constructors take no
    values, and for parameters of laws inside: ``Fixed(Mixture([("a", Normal()), ("b", Normal())]), {"a__scale": 1.0})``.
    Mean, variance and everything else are the law's. scipy.stats: ``f0``, ``floc`` and ``fscale`` of ``fit``; statsmodels:
    ``fit_constrained``; R: ``fix.arg`` of ``fitdistrplus::fitdist``.

    Parameters
    ----------
    law : Likelihood
    values : dict of str to float or str
        A number for each parameter to fix, or the name of a column of X that holds it in every row. A parameter that the law
        fixes already keeps its value, and vectors, such as the logits of `Mixture`, are not fixed so.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.likelihoods import StudentT
    >>> law = Fixed(StudentT(), {"df": 4.0})
    >>> law.layout.free
    ['loc', 'scale']
    >>> MLERegressor(law).fit([[0], [1], [2], [3]], [1.0, 2.0, 3.5, 4.0]).coef_.round(2)
    array([1.02])
    """

    def __init__(self, law: Any, values: Any) -> None:
        self.law, self.values = law, values

    @property
    def _law_with_values(self) -> Likelihood:
        return with_values(self.law, self.values)

    def __getattr__(self, name: str) -> Any:
        """Attributes of the law beyond the protocol, such as the cutpoints of `Ordinal`."""
        if name.startswith("_") or "law" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._law_with_values, name)

    def check(self) -> None:
        if not isinstance(self.law, Likelihood) or not isinstance(self.values, dict):
            raise TypeError(
                "Fixed takes a Likelihood instance and a dict of values by parameter, such as Fixed(Normal(), {'scale': 2.0}); "
                f"got {self.law!r} and {self.values!r}"
            )
        unknown = [name for name in self.values if name not in self.law.parameters]
        if unknown:
            law = title(self.law)
            raise ValueError(f"Fixed names {unknown}, but the parameters of {law} are {list(self.law.parameters)}")
        if isinstance(self.law, Fixed):
            self.law.check()  # below, only what it results in is left
        self._check_each()
        self._law_with_values.check()
        if any(self._law_with_values.layout[name].value != value for name, value in self.values.items()):
            raise ValueError(f"{title(self.law)} does not let its parameters be fixed from outside")

    def _check_each(self) -> None:
        """Raise ValueError for parameters that are no single number, or that the law inside fixes otherwise."""
        for name, value in self.values.items():
            parameter = self.law.layout[name]
            if parameter.vector:
                raise ValueError(
                    f"Fixed cannot fix {name} of {title(self.law)}, which is a vector: only single numbers are fixed so. "
                    "Where the law takes it as a vector, give it there, as in Mixture(..., weights=[0.3, 0.7])"
                )
            if parameter.value is not None and not np.array_equal(parameter.value, value):
                raise ValueError(
                    f"Fixed gives {name}={value!r}, but the law inside fixes it at {parameter.value!r}: give {name} only once"
                )

    def bind(self, y: np.ndarray, /, **known: np.ndarray) -> Likelihood:
        return self._copy_with(law=self.law.bind(y, **known))

    def _copy_with(self, **arguments: Any) -> Likelihood:
        return copy(self).set_params(**arguments)

    @property
    def predictive(self) -> Likelihood:
        inner = self._law_with_values
        return self if inner.predictive is inner else inner.predictive


@with_values.register(Fixed)
def _with_more_values(law: Fixed, values: dict) -> Likelihood:
    """The law inside with its own and these values, which needs no `Fixed`."""
    return with_values(with_values(law.law, law.values), values)


class _Delegated:
    """An attribute or a method of `Fixed` that is the one of the law inside."""

    def __init__(self, name: str) -> None:
        self.name, self.__doc__ = name, getattr(Likelihood, name).__doc__

    def __get__(self, fixed: Fixed | None, kind: type | None = None) -> Any:
        return self if fixed is None else getattr(fixed._law_with_values, self.name)

    def __call__(self, fixed: Fixed, *args: Any, **kwargs: Any) -> Any:  # for calls on the class, Fixed.method(law, ...)
        return getattr(fixed._law_with_values, self.name)(*args, **kwargs)


# All members of the protocol, but those written above, are delegated: by a rule, as a list would grow stale.
for _name in {name for name in dir(Likelihood) if not name.startswith("_")} - {*vars(Fixed), *dir(BaseEstimator)}:
    setattr(Fixed, _name, _Delegated(_name))
