"""Starts at which a law, or one inside it, is narrow around a value of y that is repeated far more often than others.

A density may have a peak there, beside that of other maxima, or one that grows without end, as of a component of a mixture.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._model.objective import Objective
from ..likelihoods import Likelihood
from ..likelihoods._functions import checked_start, n_starts, values_to_hold, with_values
from .scaling import constant_predictor

MIN_SHARE_OF_TIES = 0.05  # share of a continuous sample at one value from which several maxima are likely
# Widths of the law around a value, in units of the spread of y, or of the distance to an end.
NARROW, WIDTHS = 1e-2, (1e-2, 1e-1, 1.0)
WIDTHS_WITHOUT_BOUND = (1e-6, 1e-8)  # of the same, so narrow that no density of continuous values is
MAX_DENSITY = 10.0  # in units of one by the width
SHARES_OF_LEAST_SHAPE = (0.25, 0.5)  # of the least value to hold, that are tried as well
STANDARD_SAMPLE = np.array([-1.5, -0.5, 0.0, 0.5, 1.5])  # of that width, from which a law's own start finds its parameters


def starts_at_repeated_values(
    objective: Objective, bases: Sequence[np.ndarray], widths: Sequence[float] = (NARROW,)
) -> list[np.ndarray]:
    """Vectors, the best first, at which a part of the law lies around a frequent value, and the rest as in the `bases`."""
    starts = [
        with_constants(objective, base, constants)
        for sample in _samples(objective, widths)
        for constants in _constants(objective.likelihood, sample)
        for base in bases
    ]
    with np.errstate(all="ignore"):
        values = [objective.value(u) for u in starts]
    return [starts[k] for k in np.argsort(values) if np.isfinite(values[k])]


def values_without_bound(objective: Objective, u: np.ndarray) -> np.ndarray:
    """Frequent values around which the likelihood exceeds that at `u` once the law is narrow, and rises still as it shrinks."""
    with np.errstate(all="ignore"):
        wide, narrow = (
            min((objective.value(start) for start in starts_at_repeated_values(objective, [u], (width,))[:1]), default=np.inf)
            for width in WIDTHS_WITHOUT_BOUND
        )
        values, shares = objective.density_rows.repeated_values
        return values[shares >= MIN_SHARE_OF_TIES] if narrow < min(wide, objective.value(u)) else values[:0]


def _samples(objective: Objective, widths: Sequence[float]) -> Iterator[np.ndarray]:
    """A few values around each frequent one."""
    dense = objective.density_rows
    if not dense.weight_share or not all(design.linear for design in objective.designs.values()):
        return
    values, shares = dense.repeated_values
    spread = np.subtract(*np.quantile(np.unique(dense.values[dense.index]), [0.75, 0.25])) or 1.0
    support = objective.likelihood.predictive.support
    for value in values[shares >= MIN_SHARE_OF_TIES]:
        width = min(spread, *(abs(value - end) or spread for end in (support.low, support.high)))
        yield from (value + share * width * STANDARD_SAMPLE for share in widths)


def _constants(law: Likelihood, sample: np.ndarray) -> Iterator[dict[str, Any]]:
    """Values of the parameters of the law, and of those inside it, that suit a sample, for each value of a shape to hold."""
    for child in law.children:
        for values in _constants(child.law, sample):
            yield {child.names[name]: value for name, value in values.items()}
    if law.predictive is not law or n_starts(law) > 1 or not law.inside(sample).all():
        return
    for held in _held(law):
        try:
            values = held | checked_start(with_values(law, held), sample, np.ones(len(sample)))
        except ValueError:
            continue
        if _is_as_wide_as(law, values, sample):
            yield values


def _held(law: Likelihood) -> list[dict[str, Any]]:
    """Values of shapes to hold, and smaller ones for the heavy tails that leave room for a peak; an empty one for no shape."""
    held: list[dict[str, Any]] = []
    for name, values in values_to_hold(law).items():
        smaller = [share * value for share in SHARES_OF_LEAST_SHAPE for value in values[:1]]
        held += [{name: value} for value in (*filter(law.layout[name].admits, smaller), *values)]
    return held or [{}]


def _is_as_wide_as(law: Likelihood, values: dict, sample: np.ndarray) -> bool:
    """Whether a density did not shrink onto one of the values of a sample, as heavy tails allow it to."""
    eta = {name: np.full(len(sample), law.layout[name].link.link(np.asarray(values[name], float))) for name in law.layout.free}
    with np.errstate(all="ignore"):
        return bool((law.evaluate(sample, eta, 0).loglik < np.log(MAX_DENSITY / (sample[1] - sample[0]))).all())


def with_constants(objective: Objective, u: np.ndarray, values: dict) -> np.ndarray:
    """The vector with some parameters the same in all rows."""
    v = u.copy()
    for name in values.keys() & objective.designs.keys():
        eta = objective.likelihood.layout[name].link.link(np.asarray(values[name], float))
        v[objective.slices[name]] = constant_predictor(objective.data, objective.designs[name], eta)
    return v
