"""The functionals of a predictive distribution that `predict` and `marginal_effects` accept as `what`."""

from __future__ import annotations

from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, logit

from .._utils.floats import probability
from ..likelihoods._functions import title
from ._terms import named_term

WITHOUT_ARGUMENT = ("mean", "median", "std", "var")
ARGUMENTS = {
    "quantile": "q", "sf": "y", "cdf": "y", "pdf": "y", "pmf": "y", "hazard": "y", "cumulative_hazard": "y",
}  # fmt: skip
# `what` with one of these names is the functional, even if a law has a parameter of the same name.
RESERVED_NAMES = (*WITHOUT_ARGUMENT, *ARGUMENTS, "proba")
PARAMETER_PREFIX = "param:"


class Functional(NamedTuple):
    """A function of a Distribution with the facts that its confidence intervals and labels need.

    Attributes
    ----------
    of : callable or TermCoefficients
        From a Distribution of n rows to an array (n,) or (n, m); or a term, for its part of the linear predictor.
    label : str
    low, high : float
        Range of the values.
    jumps : bool
        Whether it is a step function of the coefficients, such as a median of counts.
    entries : tuple
        Labels of the m values in a row; empty for numbers.
    """

    of: Any
    label: str
    low: float = -np.inf
    high: float = np.inf
    jumps: bool = False
    entries: tuple = ()

    def names(self, m: int) -> list:
        """Labels of the m values in a row."""
        return list(self.entries or range(m))

    def interval(self, value: np.ndarray, error: np.ndarray, critical: float) -> tuple[np.ndarray, np.ndarray]:
        """Ends of a confidence interval: on the log scale with one finite end of the range, on the log odds scale with two."""
        with np.errstate(all="ignore"):
            if np.isfinite(self.low) and self.high == np.inf:
                distance = value - self.low
                factor = np.exp(critical * error / distance)
                low, high = self.low + distance / factor, self.low + distance * factor
            elif np.isfinite(self.low) and np.isfinite(self.high):
                length = self.high - self.low
                fraction = (value - self.low) / length
                half_width = critical * error / length / (fraction * (1 - fraction))
                low, high = (self.low + length * expit(logit(fraction) + sign * half_width) for sign in (-1, 1))
            else:
                low, high = value - critical * error, value + critical * error
            at_end = (value == self.low) | (value == self.high)
        return np.where(at_end, np.maximum(value - critical * error, self.low), low), np.where(
            at_end, np.minimum(value + critical * error, self.high), high
        )


def functional(inference: Any, what: Any, at: dict) -> Functional:
    """The functional that `what` names; names of functionals come before names of parameters."""
    classes = getattr(inference.model, "classes_", None)
    law = inference.model.likelihood_.predictive
    what = ("mean" if classes is None else "proba") if what is None else what
    term = named_term(inference, what)
    if term is not None:
        _check_arguments(at, None, repr(what))
        return Functional(term, what, entries=tuple(part.label for part, _ in term.places))
    if callable(what):
        _check_arguments(at, None, "a function")
        name = getattr(what, "__name__", "")
        return Functional(what, "functional" if name in ("", "<lambda>") else name)
    if not isinstance(what, str):
        raise TypeError(f"what must be a name or a function of a Distribution, got {what!r}")
    if what.startswith(PARAMETER_PREFIX) or (what in law.parameters and what not in RESERVED_NAMES):
        return _parameter(law, what, at)
    if classes is not None:
        return _probabilities(law, classes, inference.model.ordered_classes_.tolist(), what, at)
    return _moment_or_probability(law, what, at, inference.transformed)


def _parameter(law: Any, what: str, at: dict) -> Functional:
    name = what.removeprefix(PARAMETER_PREFIX)
    if name not in law.parameters:
        raise ValueError(f"what={what!r}: the parameters of the predicted {title(law)} are {list(law.parameters)}")
    _check_arguments(at, None, repr(what))
    domain = law.layout[name].domain
    label = name if name == what else f"parameter {name}"
    return Functional(lambda dist: dist.params[name], label, domain.low, domain.high)


def _probabilities(law: Any, classes: np.ndarray, in_order: list, what: str, at: dict) -> Functional:
    if what != "proba":
        raise ValueError(
            f"what={what!r} is not for classes: use 'proba', a function of a Distribution of their codes{_advice(law, what)}"
        )
    _check_arguments(at, None, repr(what))
    codes = [float(in_order.index(label)) for label in classes.tolist()]

    def of(dist: Any) -> np.ndarray:
        return np.stack([dist.pmf(np.full(dist.shape, k)) for k in codes], axis=1)

    return Functional(of, "probability", 0.0, 1.0, entries=tuple(classes))


def _moment_or_probability(law: Any, what: str, at: dict, transformed: bool) -> Functional:
    if what not in (*WITHOUT_ARGUMENT, *ARGUMENTS):
        raise ValueError(
            f"what={what!r} is unknown; use one of {[*WITHOUT_ARGUMENT, *ARGUMENTS]}, a function of a Distribution, or a "
            f"parameter: {[PARAMETER_PREFIX + name if name in RESERVED_NAMES else name for name in law.parameters]}"
        )
    _check_arguments(at, ARGUMENTS.get(what), repr(what), _advice(law, what))
    if ARGUMENTS.get(what) == "y":
        bounded = what in ("sf", "cdf", "pmf") or (law.support.integer and what != "cumulative_hazard")
        point, top = at["y"], 1.0 if bounded else np.inf
        return Functional(lambda dist: getattr(dist, what)(np.full(dist.shape, point)), f"{what}({point:g})", 0.0, top)
    low, high = (0.0, np.inf) if what in ("std", "var") else (law.support.low, law.support.high)
    if transformed and what not in ("std", "var"):
        low, high = -np.inf, np.inf
    if what == "quantile":
        q = probability(at["q"], "q")
        return Functional(lambda dist: dist.ppf(np.full(dist.shape, q)), f"quantile {q:g}", low, high, law.support.integer)
    return Functional(lambda dist: getattr(dist, what)(), what, low, high, what == "median" and law.support.integer)


def _advice(law: Any, what: str) -> str:
    """Advice for a parameter with the name of a functional; empty for others."""
    return f", or {PARAMETER_PREFIX + what!r} for the parameter of {title(law)}" if what in law.parameters else ""


def _check_arguments(at: dict, needed: str | None, what: str, remedy: str = "") -> None:
    """Raise unless the arguments are the one finite number that the functional takes, or none if it takes none."""
    if set(at) != ({needed} if needed else set()):
        wanted = f"the argument {needed}" if needed else "no further argument"
        raise ValueError(f"what={what} takes {wanted}, got {sorted(at) or 'none'}{remedy}")
    if needed and not (isinstance(at[needed], Real) and np.isfinite(at[needed])):
        raise ValueError(f"{needed} must be one finite number, got {at[needed]!r}; call once per number")
