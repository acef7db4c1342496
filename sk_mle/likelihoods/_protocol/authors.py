"""What the author of a law may have got wrong, found where it shows: values of `loglik` and of `start`, the density's mass."""

from __future__ import annotations

from types import FunctionType

import numpy as np

from ...domains import Domain
from .._fallbacks import start as _start
from .._fallbacks.facts import sized, title
from .._fallbacks.quadrature import _maps
from .parameter import Parameter

ARSINH_REACH, PROBED_POINTS = 7.0, 4001  # sinh of the first is as far as the real line is looked at, from typical parameters
MAX_SUMMED_COUNTS = 1 << 14
MAX_SEARCHED_INTERVALS = 2000  # rows of two numbers, of which no quantiles stand for all, that are searched over
MAX_MASS_FACTOR = 2.0  # factor by which the mass of a density may miss one before its author is asked


FORMER_DECLARATIONS = {  # declarations of earlier versions: their type, and what says the same now
    **{name: (dict, f"relations = Relations({name}=...)") for name in ("limits", "ends", "tried")},
    "singular": (tuple, "relations = Relations(singular=...)"),
    "irregular": (str, "relations = Relations(irregular=...)"),
    "searched": (bool, "relations = Relations(searched=...)"),
    "classes": (bool, 'target_type = "classes"'),
    "multivariate": (bool, 'target_type = "targets"'),
    "remedy": (str, 'advice = {"outside": ...}'),
    "collapse": (str, 'advice = {"is_degenerate": ...}'),
    "collapsed": (FunctionType, "is_degenerate(self, y, **params)"),
    "competing": (FunctionType, "relations = Relations(competing=...), a function of the law and its parameters"),
}


def check_declared(law) -> None:
    """Raise TypeError for parameters that are not declared as domains by name, and for declarations that have no effect."""
    for name, (kind, now) in FORMER_DECLARATIONS.items():
        if isinstance(getattr(type(law), name, None), kind) and name not in law.get_params(deep=False):
            raise TypeError(f"{title(law)}.{name} has no effect: write {now}")
    declared = getattr(law, "parameters", None)
    if not isinstance(declared, dict) or not all(isinstance(one, Domain | Parameter) for one in declared.values()):
        raise TypeError(
            f"{title(law)}.parameters must be a dict of names and domains, such as {{'loc': REAL, 'scale': POSITIVE}} "
            f"with those of sk_mle.domains, but is {declared!r}"
        )


def logs(law, found, y) -> np.ndarray:
    """Values of `loglik` as floats, one per value of y; ValueError for anything else."""
    if type(found) is np.ndarray and found.dtype == np.float64 and found.shape == y.shape[:1]:
        return found
    if found is None:
        raise ValueError(f"{title(law)}.loglik returned shape (), as it is None: does it lack a return?")
    kind = type(found).__name__
    try:
        values = np.asarray(found)
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


def started(law, y, sample_weight) -> dict:
    """What `start` says of the parameters to estimate; ValueError where it lacks one, or leaves a domain."""
    found = law.start(y, sample_weight)
    if not isinstance(found, dict):
        raise TypeError(f"{title(law)}.start must return a dict of values by parameter, and returned {type(found).__name__}")
    for name in law.free:
        if name not in found:
            raise ValueError(f"{title(law)}.start must give a value for each of {law.free}, and gave {list(found)}")
        if not np.all(law.parameter(name).domain.contains(found[name])):
            raise ValueError(
                f"{title(law)}.start gives {name} = {np.ravel(found[name])[0]:.4g} for this y, outside the domain of {name}, "
                f"{law.parameter(name).domain}; start must stay inside for any y, one that repeats a single value too"
            )
    return found


def searched(law, y, sample_weight) -> dict:
    """The best constants that a search without knowledge of the law finds; none for laws with vectors, or where it finds none.

    For data that the law's own `start` did not think of, such as rows far out where a parameter is known.
    """
    if (
        law.target_type == "targets"
        or (y.ndim > 1 and len(y) > MAX_SEARCHED_INTERVALS)
        or any(law.parameter(name).vector for name in law.free)
    ):
        return {}
    try:
        return _start.search(law, y, sample_weight)
    except ValueError:
        return {}


def doubt(law) -> str:
    """Why a density cannot be one: at typical parameters it does not integrate to one. Empty where it does, or of several y."""
    law = sized(law.predictive)
    if law.target_type != "number" or law.known or any(law.parameter(name).vector for name in law.free):
        return ""
    params = {name: np.mean(law.parameter(name).domain.typical) for name in law.free} | law.fixed
    with np.errstate(all="ignore"):
        if law.support.integer:
            first = max(law.support.low, -MAX_SUMMED_COUNTS / 2)
            y = first + np.arange(min(MAX_SUMMED_COUNTS, law.support.high - first + 1.0))
            size = np.ones(len(y))
        else:
            t = np.linspace(-ARSINH_REACH, ARSINH_REACH, PROBED_POINTS)
            to_y, log_jacobian, _ = _maps(law.support)
            y, size = to_y(np.sinh(t)), np.cosh(t) * np.exp(log_jacobian(np.sinh(t))) * (t[1] - t[0])
        keep = law.support.contains(y) & np.isfinite(size) & (size > 0)
        y, size = np.append(y[keep], law.atoms), np.append(size[keep], np.ones(len(law.atoms)))
        loglik = logs(law, law.loglik(y, **{name: np.full(len(y), value) for name, value in params.items()}), y)
        mass = float(np.exp(loglik) @ size)
    if 1 / MAX_MASS_FACTOR < mass < MAX_MASS_FACTOR:
        return ""
    shown = ", ".join(f"{name} = {value:g}" for name, value in params.items())
    return (
        f"exp(loglik) of {title(law)} is no density: over all y it adds up to {mass:.3g} instead of 1, at {shown}. Is its sign "
        "wrong, or a constant missing? sk_mle.testing.check_likelihood says more"
    )
