"""A maximum near that of the other rows, where a few rows lie so far out in a column that a fit begins with them.

If the log-likelihood of such a row is bounded, as where y is only known to lie in an interval, two maxima compete: one has no
slope along the column, to suit that row, and one has the slope of the others, where the row is as unlikely as it can be.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._model.objective import Objective
from .._utils.repeated import are_ones
from .held import in_coordinates_of
from .solvers import Solution
from .special_cases import better
from .start import cold_start

MAX_ROWS_LOOKED_AT = 4000  # of more, no single row is most of a column's spread but for a mistake of many digits
MIN_SHARE_OF_SPREAD = 0.5  # of a column's sum of squares about its mean, from which a row lies far out
MAX_ITERATIONS_OF_OTHERS = 60


def from_other_rows(objective: Objective, best: Solution, solve: Callable) -> Solution:
    """The solution, or a better one from the fit of all rows but those far out, if there are such rows.

    Its `result` then has the lower "other_maximum".
    """
    rows = _far_rows(objective)
    if not len(rows):
        return best
    in_memory = objective.data.in_memory
    others = in_memory.of_rows(np.setdiff1d(np.flatnonzero(in_memory.weight), rows))
    part = Objective(objective.likelihood, others, objective.designs, objective.alpha)
    with np.errstate(all="ignore"):
        try:
            part, start = cold_start(part)
        except ValueError:
            return best
        u = in_coordinates_of(objective, part, solve(part, start, MAX_ITERATIONS_OF_OTHERS).u)
        if not np.isfinite(objective.value(u)):
            return best
        rival = solve(objective, u)
    found = better(objective, best, rival) if rival.converged else best
    if found is not best and best.converged:
        found.result["other_maximum"] = -objective.data.total_weight * objective.value(best.u)
    return found


def _far_rows(objective: Objective) -> np.ndarray:
    """Rows in memory that are most of the spread of a column of the first parameter, of a y some of which are intervals."""
    data, design = objective.data, next(iter(objective.designs.values()))
    unseen = data.costly or data.is_sparse or data.n_samples > MAX_ROWS_LOOKED_AT or objective.density_rows.all_rows
    if unseen or objective.likelihood.support.integer or design.columns is None or not design.linear:
        return np.empty(0, np.intp)
    in_memory = data.in_memory
    X, weight = in_memory.X[:, design.columns.index], in_memory.weight
    squares = (X - X.mean(axis=0)) ** 2
    if not are_ones(weight):
        squares *= weight[:, None]
    far = squares.max(axis=0, initial=0.0) > MIN_SHARE_OF_SPREAD * squares.sum(axis=0)
    return np.unique(squares[:, far].argmax(axis=0)) if far.any() else np.empty(0, np.intp)
