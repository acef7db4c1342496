"""What follows from what a law says of itself: functions of a law, which no author writes, and the marks that they read."""

from __future__ import annotations

from functools import singledispatch
from types import FunctionType

import numpy as np


def resolved(law):
    """The law that takes its fixed values as its own: that inside, of a law that does no more than fix values."""
    return law.fix({})


def title(law) -> str:
    """What messages call a law."""
    return name_of(resolved(law))


def code(law) -> str:
    """A law as one writes it."""
    return code_of(resolved(law))


@singledispatch
def name_of(law) -> str:
    """`title` of a class of laws; a class that is not called as it is written registers its own."""
    return type(law).__name__


@singledispatch
def code_of(law) -> str:
    """`code` of a class of laws, the same."""
    return " ".join(repr(law).split()).replace("(law=", "(")


def modelled(law) -> list[str]:
    """Parameters that are modelled on all columns unless the user says otherwise: the first."""
    return [name for name in law.parameters if law.parameter(name).on_all_columns]


def sized(law, width: int = 3):
    """The law with a size where no data say it, for simulated data: `width` classes or targets, unless it has one."""
    if law.target_type == "targets":
        return law.bind(np.zeros((0, getattr(resolved(law), "n_targets", None) or width)))
    if not law.support.integer:
        return law
    return law.bind(np.arange(min(float(width), law.support.high + 1)))


# ---- methods that are the default, or integrate numerically ----------------------------------------------------------------


def mark_defaults(*classes):
    """Mark the methods of the protocol, which laws have that do not write their own."""
    for method in (method for kind in classes for method in vars(kind).values() if isinstance(method, FunctionType)):
        method.is_default = True


def numerical(method):
    """Mark a method that integrates, so that NaN may also mean that the integral was not found."""
    method.is_numerical = True
    return method


def overrides(law, *names: str) -> bool:
    """Whether a law writes all these methods itself, where the protocol has a default."""
    return not any(getattr(getattr(law, name), "is_default", False) for name in names)


def integrates(law) -> bool:
    """Whether the law's mean, or that of a law inside it, is a numerical integral."""
    return getattr(law.expectation, "is_numerical", False) or any(integrates(child.law) for child in law.children)
