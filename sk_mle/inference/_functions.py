"""What `predict` and `marginal_effects` can be asked for: functions of a predictive distribution, by name."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, logit

from ..distribution import Distribution

_PLAIN = ("mean", "median", "std", "var")
_AT = {"quantile": "q", "sf": "y", "cdf": "y", "pdf": "y", "pmf": "y"}


class Functional(NamedTuple):
    """A function of a Distribution, its label, the interval (low, high) of its values, and whether it moves in jumps."""

    of: Callable[[Distribution], Any]
    label: str
    low: float = -np.inf
    high: float = np.inf
    jumps: bool = False

    def interval(self, value, error, critical):
        """Ends of a confidence interval, made where the range has no edge: on the scale of the log, or of the log odds."""
        with np.errstate(all="ignore"):
            if self.low == 0 and self.high == np.inf:
                factor = np.exp(critical * error / value)
                low, high = value / factor, value * factor
            elif (self.low, self.high) == (0, 1):
                half = critical * error / (value * (1 - value))
                low, high = expit(logit(value) - half), expit(logit(value) + half)
            else:
                low, high = value - critical * error, value + critical * error
            edge = (value == self.low) | (value == self.high)
        return np.where(edge, np.maximum(value - critical * error, self.low), low), np.where(
            edge, np.minimum(value + critical * error, self.high), high
        )


def functional(inference, what, at: dict) -> Functional:
    """The functional that `what` means."""
    model = inference.model
    law, classes = model.likelihood_.predictive, getattr(model, "classes_", None)
    what = ("mean" if classes is None else "proba") if what is None else what
    if callable(what):
        _allow(at, None, "a function")
        name = getattr(what, "__name__", "")
        return Functional(what, "functional" if name in ("", "<lambda>") else name)
    if not isinstance(what, str):
        raise TypeError(f"what must be a name or a function of a Distribution, got {what!r}")
    if what in law.parameters:
        _allow(at, None, repr(what))
        domain = law.parameters[what]
        return Functional(lambda dist: dist.params[what], what, domain.low, domain.high)
    if classes is not None:
        if what != "proba":
            raise ValueError(f"what={what!r} is not for classes: use 'proba', or a function of a Distribution of their codes")
        codes = [float(code) for code in range(len(classes))]
        _allow(at, None, repr(what))
        return Functional(
            lambda dist: np.stack([dist.pmf(np.full(dist.shape, k)) for k in codes], axis=1), "probability", 0.0, 1.0
        )
    if what not in (*_PLAIN, *_AT):
        raise ValueError(
            f"what={what!r} is unknown; use one of {[*_PLAIN, *_AT]}, a function of a Distribution, or a parameter: "
            f"{list(law.parameters)}"
        )
    _allow(at, _AT.get(what), repr(what))
    if what in ("sf", "cdf", "pdf", "pmf"):
        point, top = at["y"], 1.0 if what != "pdf" or law.support.integer else np.inf
        return Functional(lambda dist: getattr(dist, what)(np.full(dist.shape, point)), f"{what}({point:g})", 0.0, top)
    low, high = (law.support.low, law.support.high) if not inference.transformed else (-np.inf, np.inf)
    if what in ("std", "var"):
        low, high = 0.0, np.inf
    if what == "quantile":
        q = at["q"]
        if not 0 < q < 1:
            raise ValueError(f"q must lie strictly between 0 and 1, got {q!r}")
        return Functional(lambda dist: dist.ppf(np.full(dist.shape, q)), f"quantile {q:g}", low, high, law.support.integer)
    return Functional(lambda dist: getattr(dist, what)(), what, low, high, what == "median" and law.support.integer)


def _allow(at: dict, needed: str | None, what: str) -> None:
    """Raise where the arguments are not the one number that a functional takes, or are any."""
    if set(at) != ({needed} if needed else set()):
        wanted = f"the argument {needed}" if needed else "no further argument"
        raise ValueError(f"what={what} takes {wanted}, got {sorted(at) or 'none'}")
    if needed and not (isinstance(at[needed], Real) and np.isfinite(at[needed])):
        raise ValueError(f"{needed} must be one finite number, got {at[needed]!r}; ask for one after the other")


def entries_of(inference, goal: Functional, m: int) -> list:
    """What the m values of a functional are called: classes, where they are their probabilities."""
    return list(inference.model.classes_) if goal.label == "probability" else list(range(m))
