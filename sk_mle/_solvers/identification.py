"""Coefficients on which the likelihood of no row depends: those of a category, say, in a part of a law that it never reaches.

Such a direction has neither gradient nor curvature, wherever it is looked at, so a fit leaves it where it began. It counts
for nothing, and the coefficients are those of smallest norm, as they are where columns depend on each other.
"""

from __future__ import annotations

import numpy as np

from .._model.design import MAX_ROTATED_COLUMNS
from .._model.objective import Objective
from .solvers import Solution

ROWS_OF_FIRST_LOOK = 500  # rows that are looked at first, where a Hessian was known beforehand
PROBE_DISTANCE = 1.0  # of the linear predictor, at which a row must stay as silent as it is here
MAX_PLATEAU_SLOPE, PLATEAU_WIDTH = 1e-7, 0.01  # slope of a row that has reached a plateau, and how far that must go on
MAX_NULL_EIGENVALUE = 1e-12  # eigenvalue, beside the largest, up to which no row is moved
ROWS_PER_BLOCK = 4096  # at a time


def shortest(objective: Objective, solution: Solution) -> tuple[Objective, Solution]:
    """The same model with the coefficients of smallest norm; the result has the directions that are `unidentified`, by name."""
    tall = objective.size > MAX_ROTATED_COLUMNS or solution.result.get("minimum_certified")  # its Hessian has full rank
    guided = objective.preconditioner is not None
    # an unbounded density is so narrow that its gradient underflows, and its first parameter is the exact fit already
    if (
        tall
        or solution.unbounded
        or (guided and not _any(_silent(objective, solution.u, objective.data.thinned(ROWS_OF_FIRST_LOOK))))
    ):
        return objective, solution
    silent, u, lost = _silent(objective, solution.u, objective.data), solution.u.copy(), {}
    for name, design in objective.designs.items():
        if name in objective.penalties or not silent[name].any():
            continue
        free = _unmoved(objective, name, ~silent[name])
        if not free.shape[1]:
            continue
        place, lost[name] = objective.places[name], free
        slopes = np.stack([design.coefficients(direction)[1].ravel() for direction in free.T], axis=1)
        if len(slopes):
            u[place] -= free @ np.linalg.lstsq(slopes, design.coefficients(u[place])[1].ravel(), rcond=None)[0]
    solution.result["unidentified"] = lost
    return objective, solution._replace(u=u)


def plateaus(objective: Objective, u) -> dict[str, np.ndarray]:
    """Directions of the coefficients that move none but counts whose mass is level here and beyond, by parameter.

    There is a maximum, but it is a plateau: all rows of a category are certain from some value of its coefficient on.
    """
    law, data, keep = objective.likelihood, objective.data, objective.data.weight > 0
    found: dict[str, np.ndarray] = {}
    if law.target_type == "targets" or not (law.support.integer or law.target_type == "classes"):
        return found
    y, eta = data.y[keep], {name: value[keep] for name, value in objective.eta(u).items()}
    for name, design in objective.designs.items():
        if design.columns is None or design.vector or name in objective.penalties:
            continue
        with np.errstate(all="ignore"):
            ways = (0.0, PLATEAU_WIDTH, -PLATEAU_WIDTH)
            moved = [law.evaluate(y, {**eta, name: eta[name] + way}, 1).gradient for way in ways]
        slopes = [gradient.get(name, np.zeros(len(y))) for gradient in moved]
        here, above, below = (np.abs(slope) <= MAX_PLATEAU_SLOPE for slope in slopes)
        spoken = ~(here & (above | below))
        free = _unmoved(objective, name, spoken[:, None])
        if not free.shape[1]:
            continue
        moved = np.abs(design.coordinate_rows(data.X[np.flatnonzero(keep)]) @ free)
        # beside a row far out, which is level, the others hardly move, but they do
        free = free[:, moved[spoken].max(axis=0, initial=0.0) <= MAX_NULL_EIGENVALUE * moved.max(axis=0)]
        if free.shape[1]:
            found[name] = free
    return found


def _any(masks) -> bool:
    return any(mask.any() for mask in masks.values())


def _silent(objective, u, data) -> dict[str, np.ndarray]:
    """For every parameter, the entries (n, K) of rows' linear predictors that their likelihood does not depend on."""
    law, keep = objective.likelihood, data.weight > 0
    eta, y = objective.eta(u, data), data.y[keep]
    found = {name: np.ones((len(y), len(design.unit)), bool) for name, design in objective.designs.items()}
    for apart in (0.0, PROBE_DISTANCE, -PROBE_DISTANCE):
        for name in [name for name, silent in found.items() if silent.any()]:
            at = eta[name] if apart == 0 else 0 * eta[name] + (np.median(eta[name], axis=0) + apart)
            with np.errstate(all="ignore"):
                gradient = law.evaluate(y, {**eta, name: at}, 1).gradient.get(name, np.zeros(at.shape))
            found[name] &= gradient.reshape(len(y), -1) == 0
    return found


def _unmoved(objective, name, spoken) -> np.ndarray:
    """Orthonormal coordinates of one parameter that move no linear predictor where it counts."""
    design, data, keep = objective.designs[name], objective.data, np.flatnonzero(objective.data.weight > 0)
    (r, k), gram = design.shape, np.zeros((design.size, design.size))
    for first in range(0, len(keep), ROWS_PER_BLOCK):
        some = slice(first, first + ROWS_PER_BLOCK)
        rows = design.coordinate_rows(data.X[keep[some]])
        turns = np.einsum("ne,ek,el->nkl", spoken[some], design.unit, design.unit)
        gram += np.einsum("ni,nj,nkl->ikjl", rows, rows, turns, optimize=True).reshape(r * k, r * k)
    values, vectors = np.linalg.eigh(gram)
    return vectors[:, values <= MAX_NULL_EIGENVALUE * max(values[-1], 1e-300)]
