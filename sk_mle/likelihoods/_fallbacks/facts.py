"""Properties of a law that follow from its class and arguments: names for messages, sizes, which methods it overrides."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import singledispatch
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from .law import Law

Returned = TypeVar("Returned")
MAX_CURVATURE = 1e-4  # of a log-likelihood, by the mean square of its score, that counts as rounding of differences


def resolved(law: Law) -> Any:
    """The law itself; of a law that only fixes values of another (`Fixed`), that other law with the values."""
    return with_values(law, {})


def title(law: Law) -> str:
    """The name of a law in messages."""
    return name_of(resolved(law))


def code(law: Law) -> str:
    """A law as the Python expression that makes it, for messages."""
    return code_of(resolved(law))


@singledispatch
def with_values(law: Law, values: dict) -> Any:
    """A copy of the law with values for parameters, also for those that its constructor does not take.

    A class whose parameters are not all attributes of its own registers its own.
    """
    if not values:
        return law
    result, arguments = copy(law), law.get_params(deep=False)
    vars(result).update({name: value for name, value in values.items() if name not in arguments})
    return result.set_params(**{name: value for name, value in values.items() if name in arguments})


@singledispatch
def name_of(law: Law) -> str:
    """`title` by class of law; a class whose name is not the one in messages registers its own."""
    return type(law).__name__


@singledispatch
def code_of(law: Law) -> str:
    """`code` by class of law; a class whose repr is not the expression registers its own."""
    return " ".join(repr(law).split()).replace("(law=", "(")


def modelled(law: Law) -> list[str]:
    """Parameters that are modelled on all columns unless the user says otherwise: the first."""
    return [name for name in law.parameters if law.layout[name].on_all_columns]


def sized(law: Law, width: int = 3) -> Any:
    """The law with a size, for simulated data: `width` classes or targets, unless it has a size already."""
    if law.target_type == "targets":
        return law.bind(np.zeros((0, width)))
    if not law.support.integer:
        return law
    return law.bind(np.arange(min(float(width), law.support.high + 1)))


def density_values(law: Law, y: np.ndarray) -> np.ndarray | None:
    """The values of a target, as `read` returned it, whose log-likelihood is a log density; NaN for rows where it is not.

    None if that is no row: of counts and classes, and where all values are known only up to an interval.
    """
    if law.support.integer or law.target_type == "classes" or (predicted := law.predictive).support.integer:
        return None
    low, high, _ = law.observed(y)
    values = low
    if low is not high:
        values = np.where(low == high, low, np.nan)
        if np.isnan(values).all():
            return None
    return np.where(np.isin(values, predicted.support.atoms), np.nan, values) if predicted.support.atoms else values


def expected_information(law: Law) -> str:
    """The kind of information that `evaluate` returns for information="expected".

    "whole": the law's expected information. "parts": that of the laws inside, which is neither the law's expected nor its
    observed information. "none": the observed information.
    """
    return "whole" if law.fisher is not None else "parts" if overrides(law, "evaluate") else "none"


def n_classes(law: Law) -> float:
    """Number of classes of a law of class codes; infinite if it takes the number from y and has seen none."""
    return law.support.high + 1


# ---- methods that are the default, or integrate numerically ----------------------------------------------------------------


def mark_defaults(*classes: type) -> None:
    """Mark the methods of these classes as defaults of the protocol, so that `overrides` recognises them."""
    for method in (method for kind in classes for method in vars(kind).values() if isinstance(method, FunctionType)):
        vars(method)["is_default"] = True


def numerical(method: Returned) -> Returned:
    """Mark a method that integrates numerically: its NaN may also mean that the integral did not converge."""
    vars(method)["is_numerical"] = True
    return method


def takes_parameters(method: Callable[..., Returned]) -> Callable[..., Returned]:
    """The method itself; to type checkers one that any law overrides with parameters of its own names."""
    return method


def withdrawable(method: Callable) -> Callable | None:
    """The method itself; to type checkers one that a law may replace by None, as where it is optional in the protocol."""
    return method


def overrides(law: Law, *names: str) -> bool:
    """Whether a law writes all these methods itself, in place of the protocol's defaults."""
    return not any(getattr(getattr(law, name), "is_default", False) for name in names)


def integrates(law: Law) -> bool:
    """Whether the law's mean, or that of a law inside it, is a numerical integral."""
    return getattr(law.expectation, "is_numerical", False) or any(integrates(child.law) for child in law.children)


def has_kinks(law: Any) -> bool:
    """Whether the log-likelihood of the law, or of a law inside it, has kinks."""
    return not law.smooth or any(has_kinks(child.law) for child in law.children)


def undeclared_kinks(law: Law, name: str, result: Any) -> str:
    """The declaration that is missing where the log-likelihood of a "smooth" law has no curvature; "" where it has.

    `result` is its `evaluate` of order 2 in rows. The score of a smooth law has the expected curvature as its variance.
    """
    curvature, score = result.information.get((name, name), 0.0), result.gradient[name]
    if (
        not law.smooth
        or has_kinks(law)
        or np.ndim(score) > 1
        or not np.abs(curvature).max() <= MAX_CURVATURE * np.mean(score**2)
    ):
        return ""
    return (
        f"the log-likelihood of {title(law)} is linear in {name} between kinks, as that of Laplace is: declare "
        "smooth = False, and write kinks and smoothed"
    )


def smoothed_inside(law: Any, width: float) -> Any:
    """The law with the kinks of the laws inside it smoothed."""
    if not law.smooth:
        return law.smoothed(width)
    return law.with_children([smoothed_inside(child.law, width) for child in law.children]) if law.children else law
