"""Maxima on the edge of the support, of a law whose shape is known to be at an end that its declaration calls irregular.

There the log-likelihood rises up to the edge, which moves with the other parameters, so that no gradient vanishes. At shapes
next to that end the density falls to zero at the edge, as by a logarithmic barrier, and the maximum is inside: it is followed
as the shape tends to the end, and its last change, extrapolated, leads to the edge.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.optimize import OptimizeResult

from .._model.objective import Objective
from ..likelihoods._functions import regular_end, with_values
from .held import end_of, value_at_distance
from .solvers import Solution

# Distances of the shape from its end: the first, that at which the path ends, and that from which it suffices.
FIRST_DISTANCE, LAST_DISTANCE, MAX_LAST_DISTANCE = 0.1, 1e-8, 1e-4
DISTANCE_RATIOS = (0.1, 0.3, 0.6, 0.8, 0.9, 0.95)  # of which the first that leads to a maximum is taken
MAX_ITERATIONS_PER_DISTANCE = 50
SHARES_BEYOND = (0.0, 0.01, 0.1, 0.5, 1.0, 3.0)  # of the last change to the edge, by which the point may be behind it
SHIFTS = (0.0, 1e-9, -1e-9, 1e-8, -1e-8, 1e-7, -1e-7, 1e-6, -1e-6)  # of the first coordinate, with the same purpose


def from_fixed_end(objective: Objective, start: np.ndarray, solve: Callable) -> Solution | None:
    """The maximum where a known shape is at an irregular end; None where it is not, or where the path breaks off.

    Its `result` then has "at_edge_of_support". `solve(objective, start, max_iter)` returns a Solution.
    """
    end = _fixed_end(objective)
    if end is None:
        return None
    with np.errstate(all="ignore"):
        path = _path_to_end(objective, start, *end, solve)
        if path is None:
            return None
        u = min(_points_at_edge(objective, path), key=lambda v: _value_or_inf(objective, v))
        value = objective.value(u)
    if not np.isfinite(value):
        return None
    n_iter, last = sum(solution.n_iter for solution, _ in path), path[-1][0]
    result = OptimizeResult(
        {
            **last.result,
            "fun": value,
            "minimum_certified": True,
            "curvature_vanished": False,
            "at_edge_of_support": True,
        }
    )
    return last._replace(u=u, n_iter=n_iter, edges={}, result=result)


def _fixed_end(objective: Objective) -> tuple[str, str] | None:
    """A known parameter at an irregular end of its domain, and that end."""
    law = objective.likelihood
    for name, ends in law.relations.ends.items():
        for edge in ends if name in law.layout.fixed else ():
            if not regular_end(law, name, edge) and law.layout.fixed[name] == end_of(law, name, edge):
                return name, edge
    return None


def _path_to_end(
    objective: Objective, start: np.ndarray, name: str, edge: str, solve: Callable
) -> list[tuple[Solution, float]] | None:
    """Maxima with the shape at distances that tend to zero, with these; None where they are too few."""
    path: list[tuple[Solution, float]] = []
    distances = [FIRST_DISTANCE]
    while distances:
        for distance in distances:
            part = _at_distance(objective, name, edge, distance)
            starts = [start, _extrapolated(path, distance)] if path else [start]
            first = min(starts, key=lambda v: _value_or_inf(part, v))
            solution = solve(part, first, MAX_ITERATIONS_PER_DISTANCE)
            if solution.converged and not solution.edges:
                path.append((solution, distance))
                break
        else:
            break
        distances = [ratio * distance for ratio in DISTANCE_RATIOS] if distance > LAST_DISTANCE else []
    return path if len(path) > 1 and path[-1][1] < MAX_LAST_DISTANCE else None


def _at_distance(objective: Objective, name: str, edge: str, distance: float) -> Objective:
    """The objective with the shape at a distance from its end."""
    law = objective.likelihood
    law = with_values(law, {name: value_at_distance(law, name, edge, distance)})
    return Objective(law, objective.data, objective.designs, objective.alpha)


def _extrapolated(path: list[tuple[Solution, float]], distance: float) -> np.ndarray:
    """The maximum at a shorter distance, to which that of the last two is linear."""
    last, at = path[-1]
    if len(path) == 1:
        return last.u
    before, farther = path[-2]
    return last.u + (last.u - before.u) * (at - distance) / (farther - at)


def _points_at_edge(objective: Objective, path: list[tuple[Solution, float]]) -> Iterator[np.ndarray]:
    """Points beside the limit of a path, some of which are on the inner side of the edge."""
    limit, last = _extrapolated(path, 0.0), path[-1][0].u
    first = next(iter(objective.slices.values())).start
    for share in SHARES_BEYOND:
        for shift in SHIFTS:
            u = limit + share * (limit - last)
            u[first] += shift
            yield u


def _value_or_inf(objective: Objective, u: np.ndarray) -> float:
    """The value of the objective, infinite where it or its gradient is not finite."""
    return objective.value(u) if objective.evaluate(u, 1).finite else np.inf
