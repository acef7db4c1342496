"""Counts that a law reproduces as narrowly as it can be: nothing is left to gain, though the law may have no maximum there.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import OptimizeResult
from scipy.special import entr

from .._model.objective import Objective
from ..likelihoods._functions import law_at_end
from .held import constant_parameters
from .solvers import Solution
from .special_cases import MIN_GAIN

MAX_ROWS_COMPARED = 4000  # among more rows no law is as narrow as one count or two


def at_observed_shares(objective: Objective, solution: Solution) -> Solution:
    """The solution, as a supremum at an end that the law declares if it gives all counts the shares that they have.

    No law gives the counts of rows with equal columns a greater likelihood than these shares.
    """
    if solution.unbounded or solution.edges or not _comparable(objective):
        return solution
    ends = [(name, edge) for name in constant_parameters(objective) for edge in ("lower", "upper")]
    end = next((end for end in ends if law_at_end(objective.likelihood, *end)), None)
    if end is None:
        return solution
    loss = objective.data.total_weight * objective.value(solution.u)
    if loss >= MIN_GAIN:
        if solution.converged:
            return solution
        loss -= _least_loss(objective)
    if not abs(loss) < MIN_GAIN:
        return solution
    result = OptimizeResult({**solution.result, "minimum_certified": True, "curvature_vanished": False})
    return solution._replace(converged=True, edges=dict([end]), result=result)


def _comparable(objective: Objective) -> bool:
    """Whether rows are masses of one count each, and few."""
    data = objective.data
    exact = objective.density_rows.no_rows and objective.likelihood.support.integer and data.in_memory.y.ndim == 1
    return exact and not (data.costly or data.is_sparse or objective.penalties) and data.n_samples <= MAX_ROWS_COMPARED


def _least_loss(objective: Objective) -> float:
    """Minus the log-likelihood of the shares that counts have among rows with equal columns."""
    in_memory = objective.data.in_memory
    kept = in_memory.weight > 0
    y, weight = in_memory.y[kept], in_memory.weight[kept]
    _, group = np.unique(in_memory.X[kept], axis=0, return_inverse=True)
    _, cell = np.unique(np.column_stack([group.ravel(), y]), axis=0, return_inverse=True)
    of_group, of_cell = np.bincount(group.ravel(), weight), np.bincount(cell.ravel(), weight)
    return float(entr(of_cell).sum() - entr(of_group).sum())
