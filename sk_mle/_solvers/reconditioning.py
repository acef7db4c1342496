"""New coordinates for a fit in which the rows that give the columns their spread have lost their information.

Coordinates are scaled at the start, where all rows count. A value such as 9999 for "missing" is then most of a column's spread,
and once its row is fitted exactly, the other rows differ by a thousandth of a unit: their gradient may be below any tolerance,
and their Hessian singular to rounding. So columns are scaled again, with each row weighted by its information at the point
reached, and the fit continues there.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter in the objective's designs
(`_model/objective.py` states the layout); new designs have other coordinates, of the same coefficients.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .._model.data import add_sums, weighted_sum
from .._model.design import MAX_ROTATED_COLUMNS, Design, from_moments
from .._model.moments import Moments
from .._model.objective import Objective
from .scaling import precondition_penalties, with_unit_information
from .separation import separating_directions
from .solvers import Solution

if TYPE_CHECKING:
    from .._model.data import Batch

MAX_ROUNDS = 5  # changes of coordinates
MIN_GAIN = 1e-6  # predicted gain in the total log-likelihood from which a fit continues
MIN_GAIN_IF_SEPARATED = 0.1  # likewise for separated data, whose supremum is nearer than that
MAX_SATURATED_INFORMATION = 1e-3  # information of a row, relative to the mean, up to which it counts as fitted exactly
SHRUNK_SPREAD_RATIO = 1e-2  # ratio of a column's new spread to its old one below which it is scaled again
CONSTANT_SPREAD_RATIO = 1e-14  # smallest such ratio if saturated rows have no weight: below, the column is constant
MIN_SPREAD_RATIO = 1e-6  # smallest such ratio if saturated rows keep their weight: below, their gradient is rounding error
CHOICES_OF_ROWS = ((True, CONSTANT_SPREAD_RATIO), (False, MIN_SPREAD_RATIO))  # whether only unsaturated rows count


def solve_reconditioned(objective: Objective, solution: Solution, solve: Callable) -> tuple[Objective, Solution]:
    """The objective and solution, or those of a better fit that continues in new coordinates.

    `solve(objective, start)` returns a Solution.
    """
    for _ in range(MAX_ROUNDS):
        if solution.unbounded or not solution.result.get("curvature_vanished", True):
            break
        rescaled = recondition(objective, solution.u)
        if rescaled is None:
            break
        solution.result["reconditioned"] = True
        new, u = rescaled
        gradient = new.gradient(u)
        gain = objective.data.total_weight * float(gradient @ gradient) / 2  # for unit curvature
        if solution.converged and gain < MIN_GAIN:
            return new, solution._replace(u=u)
        if solution.converged and gain < MIN_GAIN_IF_SEPARATED and separating_directions(objective, solution.u):
            break
        continued = solve(new, u)
        if not new.value(continued.u) <= objective.value(solution.u):
            break
        # the certificate needs coordinates in which a divergent step is a long one
        continued.result.update(minimum_certified=False, reconditioned=True)
        objective, solution = new, continued._replace(n_iter=solution.n_iter + continued.n_iter)
    return objective, solution


def recondition(objective: Objective, u: np.ndarray) -> tuple[Objective, np.ndarray] | None:
    """The same model in coordinates of unit curvature at `u`, and the vector there; None if no column needs new scales."""
    if not objective.likelihood.smooth:
        return None
    columns = {
        name: design
        for name, design in objective.designs.items()
        if design.linear and design.columns is not None and np.ndim(objective.alpha.get(name, 0.0)) == 0
    }
    if not columns:
        return None
    information, designs = objective.information_of(u), {}
    sums = objective.data.reduce(partial(_information_sums, information, list(columns)), _joined)
    for name in columns:
        mean, lowest = sums["trace", name] / objective.data.total_weight, sums["lowest", name]
        if not 0 < mean < np.inf or lowest > MAX_SATURATED_INFORMATION * mean:
            continue
        choices = ((partial(_share, information, name, mean, live), ratio) for live, ratio in CHOICES_OF_ROWS)
        rescaled_designs = (_rescaled_design(objective, name, *choice) for choice in choices)
        if (other := next((other for other in rescaled_designs if other is not None), None)) is not None:
            designs[name] = other
    if not designs:
        return None
    with np.errstate(all="ignore"):
        means = {name: sums["information", name] / objective.data.total_weight for name in designs}
        rescaled = with_unit_information(
            objective.copy_with(designs=objective.designs | designs), {(name, name): mean for name, mean in means.items()}
        )
        new = precondition_penalties(
            objective.copy_with(designs=objective.designs | {name: rescaled.designs[name] for name in designs})
        )
        v = np.concatenate(
            [
                new.designs[name].coordinates(*design.coefficients(u[objective.slices[name]]))
                for name, design in objective.designs.items()
            ]
        )
        before, after = objective.value(u), new.evaluate(v, 1)
    same = after.finite and abs(after.value - before) <= 1e-9 * max(1.0, abs(before))
    return (new, v) if same else None


def _information_sums(information: Any, names: Any, batch: Batch) -> dict:
    """Sums over a block of the rows' information, and of the size of its trace; and the lowest of these sizes."""
    of_rows = information(batch)
    sums: dict = {}
    with np.errstate(all="ignore"):
        for name in names:
            trace = _trace(of_rows[name])
            sums["information", name] = weighted_sum(of_rows[name], batch.weight)
            sums["trace", name] = float(trace @ batch.weight)
            sums["lowest", name] = trace.min()
    return sums


def _joined(total: dict, part: dict) -> dict:
    """The sums over the rows of two blocks."""
    lowest = {key: min(value, part[key]) for key, value in total.items() if key[0] == "lowest"}
    return add_sums(total, part) | lowest


def _trace(information: Any) -> np.ndarray:
    """The size of the trace of every row's information."""
    return np.abs(information if information.ndim == 1 else np.einsum("nkk->n", information))


def _share(information: Any, name: str, mean: np.ndarray, live: bool, batch: Batch) -> np.ndarray:
    """The rows' information as a share of the `mean`; zero for saturated rows where only the others are to be `live`."""
    share = _trace(information(batch)[name]) / mean
    return np.where(share > MAX_SATURATED_INFORMATION, share, 0.0) if live else share


def _rescaled_design(objective: Objective, name: str, share: Callable, min_ratio: float) -> Design | None:
    """A parameter's design with columns scaled by the rows' `share` of the mean information, a function of their block.

    None if no column has shrunk, if one has shrunk to less than `min_ratio` of its spread, or if the rank has changed.
    """
    data, old = objective.data, objective.designs[name]
    assert old.columns is not None
    reweighted, index = data.with_weights(lambda batch: batch.weight * share(batch)), old.columns.index
    spread, before = (Moments(rows, old.intercept, 0).scale[index] for rows in (reweighted, data))
    if not (spread < SHRUNK_SPREAD_RATIO * before).any() or (spread < min_ratio * before).any():
        return None
    new = from_moments(
        Moments(reweighted, old.intercept, MAX_ROTATED_COLUMNS), index, old.intercept, name in objective.penalties
    )
    if new.column_basis.shape[-1] != old.column_basis.shape[-1]:
        return None
    return new.with_output_basis(old.output_basis, old.vector)
