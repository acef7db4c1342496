"""Checks of what a law's author wrote: its declarations, the values of `loglik` and `start`, the total probability."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from inspect import signature
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._utils.floats import round_unit
from ...domains import Domain
from .._fallbacks import starting_values
from .._fallbacks.facts import sized, title
from .._fallbacks.quadrature import maps_to_support
from .parameter import Parameter

if TYPE_CHECKING:
    from .base import Likelihood

ARSINH_REACH, PROBED_POINTS = 7.0, 4001  # the density is summed over points from -sinh(ARSINH_REACH) to sinh(ARSINH_REACH)
MAX_SUMMED_COUNTS = 1 << 14
MAX_SEARCHED_INTERVALS = 2000  # rows of a y with two columns, which quantiles cannot represent, in a search for starting values
LARGEST_WITH_CUBE = 1e100  # of which sums of cubes are floats; those of its reciprocal have all digits
MAX_MASS_FACTOR = 2.0  # factor by which the total probability may differ from one before a message asks about it
MASS_ERROR_OF_ANOTHER = 1e-3  # of the density that another reading of loglik would be

FORMER_DECLARATIONS = {  # declarations of earlier versions: their type, and the declaration that replaces them
    **{name: (dict, f"relations = Relations({name}=...)") for name in ("limits", "ends", "tried")},
    "singular": (tuple, "relations = Relations(singular=...)"),
    "irregular": (str, "relations = Relations(irregular=...)"),
    "searched": (bool, "relations = Relations(searched=...)"),
    "classes": (bool, 'target_type = "classes"'),
    "multivariate": (bool, 'target_type = "targets"'),
    "advice": (dict, "relations = Relations(advice=...)"),
    "n_starts": (int, "relations = Relations(n_starts=...)"),
    "remedy": (str, 'relations = Relations(advice={"outside": ...})'),
    "collapse": (str, 'relations = Relations(advice={"is_degenerate": ...})'),
    "collapsed": (FunctionType, "relations = Relations(is_degenerate=...), a function of the law, y and its parameters"),
    "at_ends": (FunctionType, "relations = Relations(near_ends=...), a function of the law and its parameters"),
    "expected_information": (str, "fisher(self, **params)"),
    "atoms": (tuple, "support = dataclasses.replace(domain, atoms=...)"),
    "canonical_order": (FunctionType, "relations = Relations(canonical_order=...), a function of the law and coefficients"),
    "is_degenerate": (FunctionType, "relations = Relations(is_degenerate=...), a function of the law, y and its parameters"),
    "recession": (FunctionType, "cones.register of sk_mle.likelihoods._protocol.forms"),
    "class_masses": (FunctionType, "masses.register of sk_mle.likelihoods._protocol.forms"),
    "between": (FunctionType, "between.register of sk_mle.likelihoods._protocol.forms"),
    "observe": (FunctionType, "rvs(self, rng, size, **params), which draws the target as a study records it"),
    "check_known": (FunctionType, "bind(self, y, **known)"),
    "densities": (FunctionType, "observed(self, y, **params), whose ends differ where the log-likelihood is no log density"),
    "competing": (FunctionType, "relations = Relations(competing=...), a function of the law and its parameters"),
}


@lru_cache(maxsize=512)
def _former_declarations(kind: type) -> tuple[tuple[str, str], ...]:
    """Names of declarations of earlier versions that a class has, and what replaces them."""
    found = FORMER_DECLARATIONS.items()
    return tuple((name, new) for name, (type_, new) in found if isinstance(getattr(kind, name, None), type_))


@lru_cache(maxsize=512)
def _arguments_of_loglik(kind: type) -> list[str] | None:
    """Names of the arguments after y of the `loglik` that a class writes; None where it takes any."""
    written = getattr(kind, "loglik", None)
    if not isinstance(written, FunctionType):
        return None
    arguments = list(signature(written).parameters.values())[2:]
    if any(one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) or one.default is not one.empty for one in arguments):
        return None
    return [one.name for one in arguments]


def check_declared(law: Likelihood, members: Iterable[str]) -> None:
    """Raise TypeError for parameters that are not declared as domains by name, and for declarations that have no effect.

    ValueError for a parameter with the name of one of the protocol's `members`, which its value would hide.
    """
    kind: Any = type(law)
    for name, replacement in _former_declarations(kind):
        if name not in law.get_params(deep=False):
            raise TypeError(f"{title(law)}.{name} has no effect: write {replacement}")
    support = getattr(type(law), "support", None)
    if not isinstance(support, Domain) and not hasattr(support, "__get__"):  # a property says it once the arguments are checked
        raise TypeError(
            f"{title(law)}.support must be a domain of sk_mle.domains, such as REAL, POSITIVE or COUNT, or Domain(low, high), "
            f"but is {support!r}"
        )
    declared = getattr(law, "parameters", None)
    if not isinstance(declared, dict) or not all(isinstance(entry, Domain | Parameter) for entry in declared.values()):
        raise TypeError(
            f"{title(law)}.parameters must be a dict of names and domains, such as {{'loc': REAL, 'scale': POSITIVE}} "
            f"with those of sk_mle.domains, but is {declared!r}"
        )
    taken = _arguments_of_loglik(kind)
    if taken is not None and set(taken) != set(declared):
        raise TypeError(
            f"{title(law)}.loglik takes y, {', '.join(taken)}, but the parameters are {', '.join(declared)}: they are "
            "passed by name, so call both the same"
        )
    missing = [name for name in ("kinks", "smoothed") if not hasattr(kind, name)]
    if missing and not law.smooth:
        raise TypeError(
            f"{title(law)}.smooth = False needs {' and '.join(missing)}: kinks(self, y, **params) returns the value of "
            f"{next(iter(declared))} at which the log-likelihood of each sample has its kink, and smoothed(self, width) a copy "
            "of the law whose log-likelihood is smooth, with sqrt(z**2 + width**2) for |z| (see Laplace)"
        )
    hidden = [name for name in declared if name in members]
    if hidden:
        raise ValueError(f"{title(law)}: {hidden} are names of members of Likelihood; call these parameters otherwise")


def checked_loglik(law: Likelihood, returned: Any, y: np.ndarray) -> np.ndarray:
    """The values that `loglik` returned, as floats, one per value of y; ValueError for anything else."""
    if type(returned) is np.ndarray and returned.dtype == np.float64 and returned.shape == y.shape[:1]:
        return returned
    if returned is None:
        raise ValueError(f"{title(law)}.loglik returned shape (), as it is None: does it lack a return?")
    kind = type(returned).__name__
    try:
        values = np.asarray(returned)
        if values.dtype.kind in "cbUSMm":
            kind = f"values of the type {values.dtype}"
            raise TypeError
        values = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{title(law)}.loglik returned {kind}: return an array of one log-density per value of y") from error
    if values.shape != y.shape[:1]:
        raise ValueError(
            f"{title(law)}.loglik returned shape {values.shape} for y of shape {y.shape}; return one value per sample, without "
            "a sum or mean over them"
        )
    return values


def checked_start(law: Likelihood, y: np.ndarray, sample_weight: np.ndarray) -> dict:
    """The values that `start` returns; ValueError where a parameter to estimate is missing, or outside its domain."""
    with np.errstate(over="ignore", invalid="ignore"):  # of squares of extreme values, which the checks below find
        values = law.start(y, sample_weight)
    if not isinstance(values, dict):
        raise TypeError(f"{title(law)}.start must return a dict of values by parameter, and returned {type(values).__name__}")
    for name in law.layout.free:
        if name not in values:
            raise ValueError(f"{title(law)}.start must give a value for each of {law.layout.free}, and gave {list(values)}")
        if not law.layout[name].domain.contains(values[name]).all():
            if text := out_of_range(y):
                raise ValueError(f"{title(law)} has no starting values: {text}")
            raise ValueError(
                f"{title(law)}.start gives {name} = {np.ravel(values[name])[0]:.4g} for this y, outside the domain of {name}, "
                f"{law.layout[name].domain}; start must stay inside for any y, one that repeats a single value too"
            )
    return values


def out_of_range(y: np.ndarray) -> str:
    """What to do where powers of y overflow, or underflow to zero, as the end of a sentence; "" where they do not."""
    largest = float(np.abs(y[np.isfinite(y)]).max(initial=0.0))
    if not largest or LARGEST_WITH_CUBE**-1 < largest < LARGEST_WITH_CUBE:
        return ""
    return f"y reaches {largest:.3g}, whose powers no float holds. Use another unit, y / {round_unit(largest)}"


def fallback_start(law: Likelihood, y: np.ndarray, sample_weight: np.ndarray) -> dict:
    """Starting values from a numerical search instead of the law's `start`; empty for laws with vectors, or if it fails.

    They serve data that `start` does not expect, such as rows far out while a parameter is known.
    """
    if (
        law.target_type == "targets"
        or (y.ndim > 1 and len(y) > MAX_SEARCHED_INTERVALS)
        or any(law.layout[name].vector for name in law.layout.free)
    ):
        return {}
    try:
        return starting_values.numerical_start(law, y, sample_weight)
    except ValueError:
        return {}


def density_fault(law: Likelihood) -> str:
    """The message that a density does not integrate to one at typical parameters; empty where it does.

    Laws of classes or of several targets, with vector parameters or with known columns are not checked.
    """
    law = sized(law.predictive)
    if law.target_type != "number" or law.layout.known or any(law.layout[name].vector for name in law.layout.free):
        return ""
    params = {name: np.mean(law.layout[name].domain.typical) for name in law.layout.free} | law.layout.fixed
    with np.errstate(all="ignore"):
        if law.support.integer:
            first = max(law.support.low, -MAX_SUMMED_COUNTS / 2)
            y = first + np.arange(min(MAX_SUMMED_COUNTS, law.support.high - first + 1.0))
            width = np.ones(len(y))
        else:
            t = np.linspace(-ARSINH_REACH, ARSINH_REACH, PROBED_POINTS)
            to_y, log_jacobian, _ = maps_to_support(law.support)
            y, width = to_y(np.sinh(t)), np.cosh(t) * np.exp(log_jacobian(np.sinh(t))) * (t[1] - t[0])
        keep = law.support.contains(y) & np.isfinite(width) & (width > 0)
        y, width = np.append(y[keep], law.support.atoms), np.append(width[keep], np.ones(len(law.support.atoms)))
        loglik = checked_loglik(law, law.loglik(y, **{name: np.full(len(y), value) for name, value in params.items()}), y)
        mass = float(np.exp(loglik) @ width)
        of_minus, of_itself = float(np.exp(-loglik) @ width), float(loglik @ width)
    if 1 / MAX_MASS_FACTOR < mass < MAX_MASS_FACTOR:
        return ""
    point = ", ".join(f"{name} = {value:g}" for name, value in params.items())
    cause, name = "a constant may be missing, or wrong", title(law)
    if np.isnan(loglik).any():
        first = y[np.isnan(loglik)][0]
        cause = f"{name}.loglik is NaN at y = {first:.3g}, which its support {law.support} contains: correct one or the other"
    elif abs(of_minus - 1) < MASS_ERROR_OF_ANOTHER:
        cause = f"exp(-loglik) adds up to 1, so the sign of {name}.loglik is wrong: it returns minus the log-likelihood"
    elif abs(of_itself - 1) < MASS_ERROR_OF_ANOTHER and (loglik >= 0).all():
        cause = f"{name}.loglik adds up to 1 itself, so it returns the density: return its logarithm"
    return f"exp(loglik) of {name} is no density: over all y it adds up to {mass:.3g} instead of 1, at {point}; {cause}"
