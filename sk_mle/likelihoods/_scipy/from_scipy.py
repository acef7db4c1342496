"""The function that makes a law from a distribution of scipy.stats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from .probing import names
from .scipy_law import ScipyLaw

REFUSED_DISTRIBUTIONS = {
    "erlang": "its shape takes whole numbers; use gamma",
    "poisson_binom": "its parameter is a list of probabilities",
    "vonmises": "it repeats itself along the line, where it has no total probability; use VonMises(), or vonmises_line",
}


def from_scipy(
    rv: Any, *, parameters: Sequence[str] | None = None, links: dict | None = None, **values: float | str | None
) -> ScipyLaw:
    """A distribution of scipy.stats as a likelihood; `MLERegressor(scipy.stats.gumbel_r)` does the same with the defaults.

    Parameters
    ----------
    rv : rv_continuous, rv_discrete or frozen distribution
        Such as ``scipy.stats.gamma``, or ``scipy.stats.t(df=4)``, whose arguments stay fixed. Your own subclasses as well.
    parameters : sequence of str, or dict of str to Domain, optional
        The parameters to estimate, the first of them on all columns of X; the defaults are those of `ScipyLaw`.
    links : dict of str to str or Link, optional
        Link per parameter.
    **values : float, str or None
        By the name of the parameter: a number fixes it, a string is the column of X that holds it, None estimates it.

    Returns
    -------
    ScipyLaw

    Raises
    ------
    TypeError
        For what is no parametric distribution of one variable, such as `gaussian_kde`.
    ValueError
        For the few distributions that cannot be fitted, with the reason.

    Examples
    --------
    >>> from scipy import stats
    >>> from sk_mle import from_scipy
    >>> from_scipy(stats.gamma).layout.free
    ['scale', 'a']
    >>> from_scipy(stats.gamma, loc=None).layout.free  # with a threshold to estimate
    ['scale', 'a', 'loc']
    >>> from_scipy(stats.gamma, parameters=["a", "scale"]).layout.free  # the first on all columns
    ['a', 'scale']
    >>> from_scipy(stats.binom, n="trials").layout.known  # a column of X
    {'n': 'trials'}
    """
    kind = rv.__name__ if isinstance(rv, type) else type(rv).__name__
    if isinstance(rv, stats.distributions.rv_frozen):
        order = [*names(rv.dist), "loc", "scale"]
        frozen = {name: _number(rv.dist, name, v) for name, v in {**dict(zip(order, rv.args, strict=False)), **rv.kwds}.items()}
        rv, values = rv.dist, {**frozen, **values}
    if isinstance(rv, stats.rv_histogram):
        raise TypeError("an rv_histogram is a fit already, with nothing left to estimate")
    if isinstance(rv, stats.gaussian_kde):
        raise TypeError("a gaussian_kde is a fit already; sklearn.neighbors.KernelDensity fits one")
    if not isinstance(rv, stats.rv_continuous | stats.rv_discrete):
        raise TypeError(
            f"from_scipy takes a distribution of one variable such as scipy.stats.norm, got {kind}; the newer classes of scipy "
            "(Normal, what make_distribution returns) come with their parameters set: take the older object of the same law"
        )
    if rv.name in REFUSED_DISTRIBUTIONS and type(rv).__module__.startswith("scipy."):
        raise ValueError(f"scipy.stats.{rv.name} cannot be fitted: {REFUSED_DISTRIBUTIONS[rv.name]}")
    if hasattr(rv, "xk"):
        raise ValueError("a discrete distribution of given values and probabilities has nothing left to estimate")
    return ScipyLaw(rv, parameters=parameters, links=links, **values)


def _number(rv: Any, name: Any, value: Any) -> float:
    """A frozen argument as a float; ValueError for an array."""
    if np.size(value) != 1:
        raise ValueError(f"the frozen {rv.name} has an array as {name}; freeze numbers, or give columns of X by their names")
    return float(np.ravel(value)[0])
