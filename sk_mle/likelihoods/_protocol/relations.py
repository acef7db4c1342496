"""What laws say of themselves for comparisons and searches: which others they become, and when they are worth a try."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_HELD_VALUES = 5  # values at which a parameter is held


@dataclass(frozen=True)
class Relations:
    """What a law declares as `relations`; a law of a user may do so as well.

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
    searched : bool
        Whether `LikelihoodSearch` tries the law without being told to.
    ends : dict of str to dict
        What the law becomes as a parameter tends to the "lower" or "upper" end of its domain, in words, where that is no other
        law of this package: ``{"shape": {"upper": "half-normal law"}}``.
    tried : dict of str to tuple of float
        Values of parameters that starts choose from.
    held : dict of str to tuple of float
        Values at which a parameter is held while the others are fitted, where these are not some of those in `tried`.
    competing : callable or None
        `competing(law, **params) -> bool`: whether other maxima are likely beside one at these parameters, so that a fit looks
        for them.
    """

    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    singular: tuple[str, ...] = ()
    irregular: str = ""
    searched: bool = True
    ends: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tried: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    held: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    competing: Callable[..., bool] | None = None


def shapes(law) -> dict[str, tuple[float, ...]]:
    """Estimated parameters beside location and scale, with values to hold them at while the others are fitted."""
    found = {child.names[name]: values for child in law.children for name, values in shapes(child.law).items()}
    said = law.relations
    for name in [name for name in law.free[1:] if name != "scale" and name not in found]:
        domain = law.parameter(name).domain
        if name in said.held:
            values = list(said.held[name])
        elif name in said.tried:
            some = said.tried[name]
            apart = max((len(some) - 1) / (MAX_HELD_VALUES - 1), 1.0)
            values = [some[round(k * apart)] for k in range(min(len(some), MAX_HELD_VALUES))]
        else:
            values = [domain.typical[0], sum(domain.typical) / 2, domain.typical[1]]
        special = (value.get(name) for value in said.limits.values())
        values += [value for value in special if isinstance(value, float) and domain.contains(value)]
        found[name] = tuple(sorted(set(values)))
    return found


def at_end(law, name: str, edge: str) -> str:
    """What the law becomes where a parameter tends to an end of its domain, in words; empty where it does not say."""
    for child in law.children:
        for inner, ours in child.names.items():
            if ours == name:
                return at_end(child.law, inner, edge)
    if not regular_end(law, name, edge):
        return law.relations.ends[name][edge]
    domain = law.parameter(name).domain
    end = domain.high if edge == "upper" else domain.low
    found = next((other for other, values in law.relations.limits.items() if values.get(name) == end), "")
    return type(law.children[0].law).__name__ if found == "law" else found


def regular_end(law, name: str, edge: str) -> bool:
    """Whether the law with a parameter at an end of its domain, if it allows that, can be fitted: not one of `ends`."""
    return edge not in law.relations.ends.get(name, {})


def irregular(law) -> str:
    """Why tests against a law, or against one inside it, are never regular; empty for most."""
    return law.relations.irregular or next(filter(None, (irregular(child.law) for child in law.children)), "")


def competing(law, params: dict) -> bool:
    """Whether the law says that other maxima are likely beside one at these parameters."""
    said = law.relations.competing
    return said is not None and said(law, **params)
