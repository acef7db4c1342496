"""Values derived from a law's arguments, and copies of a law that compute them once, as every pass of a fit needs them."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any

from .._fallbacks.facts import resolved

if TYPE_CHECKING:
    from .base import Likelihood

COMPUTED_ONCE = ("layout", "base_measure")
DENSITY_METHODS = ("loglik", "terms", "evaluate")


class derived:
    """A property that an attribute of the instance of the same name replaces, so that a fit computes it once."""

    def __init__(self, compute: Callable) -> None:
        self.compute, self.__doc__ = compute, compute.__doc__

    def __get__(self, law: Likelihood | None, kind: type | None = None) -> Any:
        return self if law is None else self.compute(law)


def prepared(law: Any) -> Likelihood:
    """A copy of a law in which everything derived from the constructor's arguments is computed once.

    Copies of it compute anew, as their arguments may be changed.
    """
    if "layout" in vars(law):
        return law
    law = resolved(law)
    law = law.with_children([prepared(child.law) for child in law.children]) if law.children else copy(law)
    vars(law)["layout"] = law.layout
    return law


def kernel(law: Any) -> Likelihood:
    """The kernel of the density: the `prepared` law without its base measure, which every pass of a fit evaluates.

    A law whose density does not call its base measure has no part that could be left out: it is its own kernel.
    """
    complete: Any = prepared(law)
    if not _density_has_base_measure(complete.__class__):
        return complete
    law = copy(complete)
    vars(law).update(vars(complete), base_measure=_zero)
    return law


def base_measure_beside_kernel(law: Any, y: Any) -> Any:
    """The part of the log-likelihood that the kernel of the `prepared` law leaves out: (n,), or a number."""
    return law.base_measure(y) if _density_has_base_measure(law.__class__) else 0.0


@cache
def _density_has_base_measure(kind: Any) -> bool:
    """Whether the density calls `base_measure`: not where a subclass writes another density and keeps that of its parent."""
    depths = {name: next(k for k, base in enumerate(kind.__mro__) if name in vars(base)) for name in DENSITY_METHODS}
    return min(depths.values()) >= next(k for k, base in enumerate(kind.__mro__) if "base_measure" in vars(base))


def _zero(y: Any) -> float:
    return 0.0
