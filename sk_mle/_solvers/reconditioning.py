"""A fit goes on in new coordinates where curvature has left the rows that gave the columns their spread.

Coordinates are chosen at the start, where all rows count. A value such as 9999 for "missing" is then most of a column's spread,
and once its row is fitted to the last digit, the rows that are left differ by a thousandth of a unit: their gradient may be
below any tolerance, and their Hessian singular to rounding. Columns are measured anew with each row weighted by its information
at the point that was reached; there the gradient means to every row what it meant to all at the start.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._model.data import Data, total
from .._model.design import MAX_ROTATED_COLUMNS, Design, from_moments
from .._model.moments import Moments
from .._model.objective import Objective
from .separation import separating_directions
from .solvers import Solution
from .units import eased, with_units

MAX_ROUNDS = 5
MIN_GAIN = 1e-6  # in the log-likelihood of all rows, from which a fit goes on
MIN_GAIN_IF_SEPARATED = 0.1  # from which it does although the data are separated: what is lacking there is less
MAX_SATURATED_INFORMATION = 1e-3  # information of a row, beside the mean of all, from which it counts as fitted
SHRUNK_SPREAD_RATIO = 1e-2  # ratio of a column's spread to what it was from which it is measured anew
CONSTANT_SPREAD_RATIO = 1e-14  # and of one that only saturated rows spread
MIN_SPREAD_RATIO = 1e-6  # that ratio, where saturated rows make the rest of it: their gradient is rounding below


def finished(objective: Objective, solution: Solution, solve: Callable) -> tuple[Objective, Solution]:
    """The solution, or a better one that is found in coordinates of its own, with the objective in these."""
    for _ in range(MAX_ROUNDS):
        if solution.unbounded or not solution.result.get("flattened", True):
            break
        found = reconditioned(objective, solution.u)
        if found is None:
            break
        solution.result["reconditioned"] = True
        finer, u = found
        gradient = finer.gradient(u)
        gain = objective.data.total_weight * float(gradient @ gradient) / 2  # where curvature is one
        if solution.converged and gain < MIN_GAIN:
            return finer, solution._replace(u=u)
        if solution.converged and gain < MIN_GAIN_IF_SEPARATED and separating_directions(objective, solution.u):
            break
        better = solve(finer, u)
        if not finer.value(better.u) <= objective.value(solution.u):
            break
        # in these coordinates a step without end is no longer a long one
        better.result.update(minimum_certified=False, reconditioned=True)
        objective, solution = finer, better._replace(n_iter=solution.n_iter + better.n_iter)
    return objective, solution


def reconditioned(objective: Objective, u) -> tuple[Objective, np.ndarray] | None:
    """The same model in coordinates whose columns have unit curvature at `u`, and that point; None where they nearly have."""
    if not objective.likelihood.smooth:
        return None
    information, designs = objective.information_of_rows(u), {}
    for name, design in objective.designs.items():
        if design.columns is None:
            continue
        value = information[name] if information[name].ndim == 1 else np.einsum("nkk->n", information[name])
        value = np.abs(value)
        weight = objective.data.weight[objective.data.weight > 0]
        mean = float(np.average(value, weights=weight))
        if not 0 < mean < np.inf or value.min() > MAX_SATURATED_INFORMATION * mean:
            continue
        share = value / mean
        live = np.where(share > MAX_SATURATED_INFORMATION, share, 0.0)
        made = (_remade(objective, name, *how) for how in ((live, CONSTANT_SPREAD_RATIO), (share, MIN_SPREAD_RATIO)))
        if (other := next((other for other in made if other is not None), None)) is not None:
            designs[name] = other
    if not designs:
        return None
    with np.errstate(all="ignore"):
        means = {name: total(information[name], weight) / weight.sum() for name in designs}
        rescaled = with_units(
            objective.like(designs=objective.designs | designs), {(name, name): mean for name, mean in means.items()}
        )
        finer = eased(objective.like(designs=objective.designs | {name: rescaled.designs[name] for name in designs}))
        v = np.concatenate(
            [
                finer.designs[name].coordinates(*design.coefficients(u[objective.places[name]]))
                for name, design in objective.designs.items()
            ]
        )
        before, after = objective.value(u), finer.evaluate(v, 1)
    same = after.finite and abs(after.value - before) <= 1e-9 * max(1.0, abs(before))
    return (finer, v) if same else None


def _remade(objective: Objective, name: str, share, least: float) -> Design | None:
    """A parameter's design for rows of such information, relative to the mean; None where its columns have not shrunk.

    None as well where one has shrunk to less than `least`, or depends on the others.
    """
    data, old = objective.data, objective.designs[name]
    weight = np.array(data.weight)
    weight[weight > 0] *= share
    assert old.columns is not None
    seen, index = Data(data.X, data.y, weight, {}, data.n_jobs), old.columns.index
    spread, before = (Moments(rows, old.intercept, 0).scale[index] for rows in (seen, data))
    if not (spread < SHRUNK_SPREAD_RATIO * before).any() or (spread < least * before).any():
        return None
    new = from_moments(Moments(seen, old.intercept, MAX_ROTATED_COLUMNS), index, old.intercept, name in objective.penalties)
    if new.slopes.shape[-1] != old.slopes.shape[-1]:
        return None
    return new.with_unit(old.unit, old.vector)
