"""Which laws are members or limits of which others, derived from what the laws declare in `relations`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from .. import likelihoods
from ..likelihoods import Likelihood
from ..likelihoods._functions import resolved

DISTANCE_FROM_ENDS = 1e-8  # distance from ends of domains at which several parameters that tend there together are probed
SETTINGS_OF_THE_FIT = {"links", "n_starts"}  # settings that change linear predictors or the search, not the family of laws


class Reduction(NamedTuple):
    """The full law at `expand(params)` is the special law at `params`, both on the natural scale.

    The full law does not depend on parameters that `expand` leaves out. If several parameters tend to ends of their domains
    together, `expand(params, distance)` is close to the limit. `singular`: whether the full law's information is singular.
    """

    expand: Callable[..., dict]
    singular: bool = False


def reductions(full: Likelihood, special: Likelihood) -> Iterator[Reduction]:
    """The reductions of a law to another: as the same law, through chains of limits, or inside a wrapper."""
    full, special = resolved(full), resolved(special)
    if same_family(full, special):
        yield Reduction(_same)
        return
    if type(full) is type(special) and len(full.children) == len(special.children) == 1:
        (full_child,), (special_child,) = full.children, special.children
        if _same_settings(full, special, leave={"law"}):
            for reduction in reductions(full_child.law, special_child.law):
                yield reduction._replace(
                    expand=_inside_wrapper(reduction.expand, full_child, special_child, list(full.parameters))
                )
    for name, values in full.relations.limits.items():
        target = full.children[0].law if name == "law" else _instance(name, full, special)
        singular = bool(set(values) & set(full.relations.singular))
        for reduction in reductions(target, special) if target is not None else ():
            yield Reduction(_chained(reduction.expand, values, list(full.parameters)), singular or reduction.singular)


def at_limit(law: Likelihood) -> tuple[Likelihood, dict[str, str]]:
    """The law that a law with fixed parameters equals, such as Poisson at dispersion zero, with its names in the given law."""
    law = resolved(law)
    names = {name: name for name in law.parameters}
    for target_name, values in law.relations.limits.items():
        numbers = {name: value for name, value in values.items() if isinstance(value, Real)}
        renamed = {value: name for name, value in values.items() if isinstance(value, str)}
        plain = len(numbers) + len(renamed) == len(values) and target_name != "law"
        if plain and numbers and all(law.layout.fixed.get(name) == value for name, value in numbers.items()):
            target = _instance(target_name, law, law)
            if target is not None:
                return target, {name: renamed.get(name, name) for name in target.parameters}
    return law, names


def same_family(a: Any, b: Any) -> bool:
    """Whether two laws differ in nothing but fixed values and links of their parameters."""
    a, b = resolved(a), resolved(b)
    return type(a) is type(b) and list(a.parameters) == list(b.parameters) and _same_settings(a, b)


def same(a: Any, b: Any) -> bool:
    """Whether two settings mean the same: estimators by their parameters, laws by their family, the rest by value."""
    if a is b:
        return True
    if isinstance(a, Likelihood) and isinstance(b, Likelihood):
        return same_family(a, b)
    if hasattr(a, "get_params") and not isinstance(a, type):
        return type(a) is type(b) and same(a.get_params(deep=False), b.get_params(deep=False))
    if isinstance(a, Mapping):
        return isinstance(b, Mapping) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if hasattr(a, "__array__") or hasattr(b, "__array__"):
        return np.array_equal(np.asarray(a), np.asarray(b))
    return bool(a == b)


def _same_settings(a: Any, b: Any, leave: Any = frozenset()) -> bool:
    own, others = (
        {k: v for k, v in law.get_params(deep=False).items() if k not in {*law.parameters, *SETTINGS_OF_THE_FIT, *leave}}
        for law in (a, b)
    )
    return same(own, others)


def _instance(name: str, full: Likelihood, special: Likelihood) -> Likelihood | None:
    """The law of this name with the settings that it shares with the full one, such as its trials."""
    declared = next(kind for kind in type(full).__mro__ if "relations" in vars(kind))
    is_shipped = declared.__module__.startswith(likelihoods.__name__)  # then a user's class of the same name does not count
    kind = type(special) if type(special).__name__ == name and not is_shipped else getattr(likelihoods, name, None)
    if kind is None:
        return None
    settings = full.get_params(deep=False)
    return kind(
        **{key: settings[key] for key in signature(kind).parameters if key in settings and key not in SETTINGS_OF_THE_FIT}
    )


def _same(params: dict, distance: float = DISTANCE_FROM_ENDS) -> dict:
    return dict(params)


def _inside_wrapper(expand: Callable, full_child: Any, special_child: Any, parameters: list[str]) -> Callable:
    """From the parameters of a wrapped law to those of the same wrapper around another."""
    wrapper_params = [name for name in parameters if name not in full_child.names.values()]

    def expand_wrapper(params: dict, distance: float = DISTANCE_FROM_ENDS) -> dict:
        expanded = {full_child.names[name]: value for name, value in expand(special_child.of(params), distance).items()}
        return {**expanded, **{name: params[name] for name in wrapper_params}}

    return expand_wrapper


def _chained(expand: Callable, values: Any, parameters: list[str]) -> Callable:
    """`expand` to the parameters of the intermediate law, followed by `values` to those of the full law."""

    def expand_chain(params: dict, distance: float = DISTANCE_FROM_ENDS) -> dict:
        intermediate, result = expand(params, distance), {}
        for name in parameters:
            value = values.get(name, name if name in intermediate else None)
            if callable(value):
                result[name] = value(**_arguments_for(value, {"distance": distance, **intermediate}))
            elif value is not None:
                result[name] = intermediate[value] if isinstance(value, str) else value
        return result

    return expand_chain


def _arguments_for(function: Callable, params: dict) -> dict:
    """The parameters that a function names, or all if it takes **kwargs; the distance only if it is named."""
    code = function.__code__
    if code.co_flags & 0x08:
        return {name: value for name, value in params.items() if name != "distance"}
    return {name: params[name] for name in code.co_varnames[: code.co_argcount]}
