"""Relations of a law to others, for comparisons, searches and messages: limits, values to try, and recommendations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .base import Likelihood

MAX_HELD_VALUES = 5  # values at which a parameter is held


@dataclass(frozen=True)
class Relations:
    """The `relations` of a law to others, which a user's law may declare too.

    Attributes
    ----------
    limits : dict of str to dict
        Laws that this one becomes, by their class name, with the values of its parameters there: a number, inside the domain or
        at an edge of it; the name of a parameter of the other law; or a function of the other law's parameters, by their names.
        A parameter that is not listed equals the other law's of the same name; if that has none, the law no longer depends on
        it. If another parameter tends to an end of its domain together with a listed one, a function may also take `distance`,
        which tends to 0: the distance from a finite end, or the reciprocal of the value.
        ``{"Poisson": {"dispersion": 0.0}}``; "law" stands for the law inside a wrapper.
    singular : tuple of str
        Parameters at whose value in `limits` the information is singular. The likelihood-ratio statistic of such a parameter
        alone still has the usual law, as the skewness is an odd power of it (Rotnitzky, Cox, Bottai, Robins, 2000,
        doi:10.2307/3318589); together with other restrictions its law is unknown.
    irregular : str
        Why tests against this law are never regular; empty for most.
    searched : bool
        Whether `LikelihoodSearch` tries the law by default.
    ends : dict of str to dict
        What the law becomes as a parameter tends to the "lower" or "upper" end of its domain, as a phrase, if that is no
        other law of this package: ``{"shape": {"upper": "half-normal law"}}``.
    truncated_ends : dict of str to dict
        As `ends`, of the law given that y lies between bounds, where the other parameters may diverge as well.
    near_ends : callable or None
        `near_ends(law, y, sample_weight, distance, **params) -> list`, of ends at which the density has an edge, so that the
        likelihood may exceed that of an interior maximum. Each item is a tuple of a parameter's name, "lower" or "upper", the
        end of its domain, and the values of all parameters that fit best at a small `distance` from that end, or at
        1 / distance if it is infinite. `params` has the fitted values of the first parameter, which the result may shift by a
        constant.
    tried : dict of str to tuple of float
        Values of parameters that starts choose from.
    held : dict of str to tuple of float
        Values at which a parameter is held while the others are fitted, in place of a selection from `tried`.
    n_starts : int
        Starting points of a fit, of which all but the first are random; for log-likelihoods with many maxima.
    advice : dict of str to str
        Recommendations of messages that replace the default ones: for a y "outside" the support; if the law "is_degenerate",
        with what that means; for a parameter that ran to an end of its domain, such as "zero lower".
    competing : callable or None
        `competing(law, **params) -> bool`: whether other maxima are likely, given one at these parameters, so that a fit
        searches for them.
    is_degenerate : callable or None
        `is_degenerate(law, y, **params) -> bool`: whether a part of the law, or a direction of several targets, is narrower
        than the rounding of y, so that no maximum exists. None: the laws inside are asked, and if there are none, fits judge
        by the mean log-likelihood alone.
    canonical_order : callable or None
        `canonical_order(law, coefs) -> coefs`, the coefficients of the same model with parts of the law that can change places
        in a fixed order (label switching). `coefs` has for every free parameter an array (1 + q, K): the intercept, then the
        slopes.

    Examples
    --------
    >>> from sk_mle.likelihoods import NegativeBinomial, Relations
    >>> sorted(NegativeBinomial().relations.limits)
    ['Geometric', 'Poisson']
    >>> own = Relations(limits={"Poisson": {"dispersion": 0.0}})  # as a class attribute `relations` of a law of yours
    """

    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    singular: tuple[str, ...] = ()
    irregular: str = ""
    searched: bool = True
    ends: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    truncated_ends: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    near_ends: Callable[..., list[tuple[str, str, dict]]] | None = None
    tried: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    held: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    n_starts: int = 1
    advice: Mapping[str, str] = field(default_factory=dict)
    competing: Callable[..., bool] | None = None
    is_degenerate: Callable[..., bool] | None = None
    canonical_order: Callable[[Any, dict], dict] | None = None


def values_to_hold(law: Likelihood) -> dict[str, tuple[float, ...]]:
    """Values at which to hold each estimated parameter, other than location and scale, while the others are fitted."""
    held = {child.names[name]: values for child in law.children for name, values in values_to_hold(child.law).items()}
    relations = law.relations
    for name in [name for name in law.layout.free[1:] if name != "scale" and name not in held]:
        domain = law.layout[name].domain
        if name in relations.held:
            values = list(relations.held[name])
        elif name in relations.tried:
            tried = relations.tried[name]
            stride = max((len(tried) - 1) / (MAX_HELD_VALUES - 1), 1.0)
            values = [tried[round(k * stride)] for k in range(min(len(tried), MAX_HELD_VALUES))]
        else:
            values = [domain.typical[0], sum(domain.typical) / 2, domain.typical[1]]
        at_limits = (value.get(name) for value in relations.limits.values())
        values += [value for value in at_limits if isinstance(value, float) and domain.contains(value)]
        held[name] = tuple(sorted(set(values)))
    return held


def law_at_end(law: Likelihood, name: str, edge: str) -> str:
    """A phrase for the law in the limit as a parameter tends to an end of its domain; empty if undeclared."""
    if not regular_end(law, name, edge):
        return law.relations.ends[name][edge]
    for child in law.children:
        for inner, outer in child.names.items():
            if outer == name:
                return law_at_end(child.law, inner, edge)
    domain = law.layout[name].domain
    end = domain.high if edge == "upper" else domain.low
    limit = next((other for other, values in law.relations.limits.items() if values.get(name) == end), "")
    return type(law.children[0].law).__name__ if limit == "law" else limit


def limit_parameters(law: Likelihood, name: str, edge: str) -> set[str]:
    """Other parameters that have values, or ends, of their own in the law that this one becomes at an end of a parameter.

    Where that is no law of this package, these are the parameters that lead to no limit themselves: one that diverges as well
    has no other reason to.
    """
    for child in law.children:
        for inner, outer in child.names.items():
            if outer == name:
                return {child.names[other] for other in limit_parameters(child.law, inner, edge) if other in child.names}
    if regular_end(law, name, edge):
        return set(law.relations.limits.get(law_at_end(law, name, edge), {})) - {name}
    return {other for other in law.layout.free if not any(law_at_end(law, other, side) for side in ("lower", "upper"))}


def regular_end(law: Likelihood, name: str, edge: str) -> bool:
    """Whether the law with a parameter at an end of its domain, if allowed there, can be fitted: it is not in `ends`."""
    return edge not in law.relations.ends.get(name, {})


def irregular(law: Likelihood) -> str:
    """Why tests against a law, or against one inside it, are never regular; empty for most."""
    return law.relations.irregular or next(filter(None, (irregular(child.law) for child in law.children)), "")


def competing(law: Likelihood, params: dict) -> bool:
    """Whether the law declares that other maxima are likely, given one at these parameters."""
    competing = law.relations.competing
    return competing is not None and competing(law, **params)


def may_be_degenerate(law: Likelihood) -> bool:
    """Whether the law, or one inside it, has a test of degeneracy."""
    return law.relations.is_degenerate is not None or any(may_be_degenerate(child.law) for child in law.children)


def is_degenerate(law: Likelihood, y: np.ndarray, params: dict) -> bool:
    """Whether a part of the law is narrower than the rounding of y at these parameters."""
    test = law.relations.is_degenerate
    if test is not None:
        return bool(test(law, y, **params))
    return any(is_degenerate(child.law, y, child.of(params)) for child in law.children)


def canonical_order(law: Likelihood, coefs: dict) -> dict:
    """The coefficients with parts of the law, or of one inside it, that can change places in a fixed order."""
    result = dict(coefs)
    for child in law.children:
        ordered = canonical_order(child.law, child.of(coefs))
        result |= {child.names[name]: value for name, value in ordered.items()}
    order = law.relations.canonical_order
    return result if order is None else order(law, result)


def n_starts(law: Likelihood) -> int:
    """Starting points of a fit: the most that the law, or one inside it, asks for."""
    return max(law.relations.n_starts, *(n_starts(child.law) for child in law.children), 1)


def advice(law: Likelihood, case: str) -> str:
    """The law's recommendation in a case of `Relations.advice`, or that of the only law inside it; empty for most."""
    inner = advice(law.children[0].law, case) if len(law.children) == 1 else ""
    return law.relations.advice.get(case, inner)
