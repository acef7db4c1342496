"""What laws say of themselves for comparisons and searches: which others they become, and when they are worth a try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

_FEW = 5  # values of a shape that are tried


class Relations:
    """Declarations that `sk_mle.selection` reads; a law of a user may say them as well.

    Attributes
    ----------
    limits : dict of str to dict
        Laws that this one becomes, by their class name, with the values of our parameters there: a number, inside the domain or
        at an edge of it; the name of the other law's parameter; or a function of its parameters, by their names. A parameter
        that is not listed is the other law's of the same name; where that has none, the law no longer depends on it. Where
        another parameter tends to an end of its domain together with one that is listed there, a function may also name
        `distance`, which tends to 0: from a finite end, or the reciprocal of the value.
        ``{"Poisson": {"dispersion": 0.0}}``; "law" stands for the law inside a wrapper.
    singular : tuple of str
        Parameters at whose value in `limits` the information is singular. The likelihood-ratio statistic of such a parameter
        alone still has the usual law, as the skewness is an odd power of it (Rotnitzky, Cox, Bottai, Robins, 2000,
        doi:10.2307/3318589); with other restrictions beside it, none is known.
    irregular : str
        Why tests against this law are never regular; empty for most.
    grouped : bool
        Whether `loglik` is of the probability of an interval, also where the law inside has a density.
    searched : bool
        Whether `LikelihoodSearch` tries the law without being told to.
    competing : callable or None
        `competing(**params) -> bool`: whether other maxima are likely beside one at these parameters, so that a fit looks for
        them.
    tried : dict of str to tuple of float
        Values of parameters that starts choose from.
    ends : dict of str to dict
        What the law becomes as a parameter tends to the "lower" or "upper" end of its domain, in words, where that is no other
        law of this package: ``{"shape": {"upper": "half-normal law"}}``.
    """

    limits: ClassVar[Any] = {}
    singular: ClassVar[tuple[str, ...]] = ()
    irregular: ClassVar[str] = ""
    grouped: ClassVar[bool] = False
    searched: ClassVar[bool] = True
    competing: Callable | None = None
    tried: ClassVar[dict[str, tuple[float, ...]]] = {}
    ends: ClassVar[dict[str, dict[str, str]]] = {}

    free: Any
    parameter: Any
    parameters: ClassVar[Any]

    @property
    def shapes(self) -> dict[str, tuple[float, ...]]:
        """Estimated parameters beside location and scale, with values to hold them at while the others are fitted."""
        inner = getattr(self, "law", None)
        found = {} if inner is None else dict(inner.shapes)
        for name in [name for name in self.free[1:] if name != "scale" and name not in found]:
            domain = self.parameter(name).domain
            if name in self.tried:
                some = self.tried[name]
                values = [some[k] for k in sorted({round(k) for k in np.linspace(0, len(some) - 1, min(len(some), _FEW))})]
            else:
                values = [domain.typical[0], sum(domain.typical) / 2, domain.typical[1]]
            special = (value.get(name) for value in self.limits.values())
            values += [value for value in special if isinstance(value, float) and domain.contains(value)]
            found[name] = tuple(sorted(set(values)))
        return found

    def at_ends(self, y, sample_weight, distance, **params) -> list[tuple[str, str, dict]]:
        """Limits where the density has an edge, so that the likelihood may be higher there than at a maximum before.

        Of each the parameter, the "lower" or "upper" end of its domain, and values of all parameters that fit best at a small
        distance from it, or at its reciprocal where the end is infinite; given the first, which may be shifted.
        """
        return []

    def at_end(self, name, edge) -> str:
        """What the law becomes where a parameter tends to an end of its domain, in words; empty where it does not say."""
        inner = getattr(self, "law", None)
        if inner is not None and name in inner.parameters:
            return inner.at_end(name, edge)
        if not self.regular_end(name, edge):
            return self.ends[name][edge]
        domain = self.parameter(name).domain
        end = domain.high if edge == "upper" else domain.low
        found = next((law for law, values in self.limits.items() if values.get(name) == end), "")
        return type(inner).__name__ if found == "law" else found

    def regular_end(self, name, edge) -> bool:
        """Whether the law with a parameter at an end of its domain, if it allows that, can be fitted: not one of `ends`."""
        return edge not in self.ends.get(name, {})
