"""Laws some of whose parameters are known."""

from __future__ import annotations

from copy import copy

from sklearn.base import BaseEstimator

from .._fallbacks.facts import title
from .._protocol.base import Likelihood
from .._protocol.derived import derived


class Fixed(Likelihood):
    """Any law with some of its parameters known, whether or not its constructor takes them.

    ``Fixed(Normal(), {"scale": 2.0})`` is ``Normal(scale=2.0)``. The long way is for laws of users that say nothing of fixed
    values, and for parameters deep inside: ``Fixed(Mixture([("a", Normal()), ("b", Normal())]), {"a__scale": 1.0})``. Mean,
    variance and all else are the law's. scipy.stats: ``f0``, ``floc`` and ``fscale`` of ``fit``; statsmodels:
    ``fit_constrained``; R: ``fix.arg`` of ``fitdistrplus::fitdist``.

    Parameters
    ----------
    law : Likelihood
    values : dict of str to float or str
        A number for each parameter to fix, or the name of a column of X that holds it in every row.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.likelihoods import StudentT
    >>> law = Fixed(StudentT(), {"df": 4.0})
    >>> law.free
    ['loc', 'scale']
    >>> MLERegressor(law).fit([[0], [1], [2], [3]], [1.0, 2.0, 3.5, 4.0]).coef_.round(2)
    array([1.02])
    """

    def __init__(self, law, values):
        self.law, self.values = law, values

    @derived
    def _held(self) -> Likelihood:
        return self.law.fix(self.values)

    def __getattr__(self, name):
        """What the law has beyond the protocol, such as the cutpoints of `Ordinal`."""
        if name.startswith("_") or "law" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._held, name)

    def check(self):
        if not isinstance(self.law, Likelihood) or not isinstance(self.values, dict):
            raise TypeError(
                "Fixed takes a Likelihood instance and a dict of values by parameter, such as Fixed(Normal(), {'scale': 2.0}); "
                f"got {self.law!r} and {self.values!r}"
            )
        unknown = [name for name in self.values if name not in self.law.parameters]
        if unknown:
            law = title(self.law)
            raise ValueError(f"Fixed names {unknown}, but the parameters of {law} are {list(self.law.parameters)}")
        if any(self._held.parameter(name).value != value for name, value in self.values.items()):
            raise ValueError(f"{title(self.law)} does not let its parameters be fixed from outside")
        self._held.check()

    def at_hand(self):
        if "_held" in vars(self):
            return self
        law = copy(self)
        law._held = self._held.at_hand()
        return law

    def kernel(self):
        law = copy(self)
        law._held = self._held.kernel()
        return law

    def bind(self, y):
        return self._changed(law=self.law.bind(y))

    def fix(self, values):
        """The law that takes the values as its own."""
        return self._held.fix(values)

    def _changed(self, **arguments):
        return copy(self).set_params(**arguments)

    @property
    def predictive(self):
        inner = self._held
        return self if inner.predictive is inner else inner.predictive


class _OfTheLaw:
    """An attribute or a method that is the law's own."""

    def __init__(self, name):
        self.name, self.__doc__ = name, getattr(Likelihood, name).__doc__

    def __get__(self, fixed, kind=None):
        return self if fixed is None else getattr(fixed._held, self.name)

    def __call__(self, fixed, *args, **kwargs):  # as methods of a class may be
        return getattr(fixed._held, self.name)(*args, **kwargs)


# By rule, as a list loses what the protocol learns later: all that it knows, but what is written above.
for _name in {name for name in dir(Likelihood) if not name.startswith("_")} - {*vars(Fixed), *dir(BaseEstimator)}:
    setattr(Fixed, _name, _OfTheLaw(_name))
