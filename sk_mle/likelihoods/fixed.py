"""Laws some of whose parameters are known."""

from __future__ import annotations

from copy import copy

from ._base import Likelihood
from ._evaluation import derived
from ._wrapper import Wrapper


class Fixed(Wrapper):
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

    @property
    def held(self) -> Likelihood:
        """The law that takes the values as its own."""
        return self._held

    @derived
    def _held(self) -> Likelihood:
        """The law that takes the values as its own."""
        return self.law.settled(self.values)

    def check(self):
        if not isinstance(self.law, Likelihood) or not isinstance(self.values, dict):
            raise TypeError(
                "Fixed takes a Likelihood instance and a dict of values by parameter, such as Fixed(Normal(), {'scale': 2.0}); "
                f"got {self.law!r} and {self.values!r}"
            )
        unknown = [name for name in self.values if name not in self.law.parameters]
        if unknown:
            law = type(self.law).__name__
            raise ValueError(f"Fixed names {unknown}, but the parameters of {law} are {list(self.law.parameters)}")
        if self._held.given != self.given:
            raise ValueError(f"{type(self.law).__name__} does not let its parameters be fixed from outside")
        self._held.check()

    def bare(self):
        law = copy(self)
        law._held = self._held.bare()
        return law

    @property
    def given(self):
        return {**self.law.given, **self.values}

    @property
    def predictive(self):
        inner = self._held
        return self if inner.predictive is inner else inner.predictive


def _method(name):
    def method(self, *args, **params):
        return getattr(self._held, name)(*args, **params)

    method.__name__, method.__doc__ = name, getattr(getattr(Likelihood, name, None), "__doc__", None)
    return method


for _name in (
    *("loglik", "evaluate", "evaluate_interval", "log_interval", "start", "refine", "recession", "kinks", "smoothed"),
    *("arrange", "read", "inside", "observe", "check_known", "cdf", "sf", "logcdf", "logsf", "ppf", "rvs"),
    *("expectation", "variance", "entropy", "carrier"),
):
    setattr(Fixed, _name, _method(_name))
for _name in (
    *("support", "atoms", "n_starts", "smooth", "classes", "multivariate"),
    *("gradient", "hessian", "fisher", "interval", "covariance", "collapsed"),
):
    setattr(Fixed, _name, property(lambda self, name=_name: getattr(self._held, name), doc=f"`{_name}` of the law."))
