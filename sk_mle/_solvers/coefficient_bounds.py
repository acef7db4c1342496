"""Curves with bounds on their coefficients: which coefficients lie on a bound at the maximum.

Outside the bounds the objective is infinite, so that a fit whose maximum lies beyond one does not converge. Coefficients that
the gradient pushes there are then held at their bound, one after another, and the others fitted; one that would rather return
is freed (an active set).

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout); those
of a curve are zero at its origin, and held coefficients have none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._model.objective import Objective
from .curves import curves_of
from .solvers import Solution

MAX_ROUNDS = 20

Held = dict[tuple[str, int], float]  # (parameter, index of the coefficient) -> its bound


def within_bounds(objective: Objective, solution: Solution, solve: Callable) -> tuple[Objective, Solution]:
    """The objective and solution, or those with some coefficients on their bounds.

    `solve(objective, start)` returns a Solution.
    """
    bounded = {name for name, design in curves_of(objective).items() if design.curve.bounded}
    held: Held = {}
    for _ in range(MAX_ROUNDS if bounded and not solution.unbounded else 0):
        coefs = {
            name: design.coefficients_at(solution.u[objective.slices[name]]) for name, design in curves_of(objective).items()
        }
        gradient, scale = _gradients(objective, solution.u, coefs, bounded)
        if solution.converged:
            returning = {place for place in held if _outward(objective, place, gradient, held[place]) < 0}
            if not returning:
                break
            held = {place: bound for place, bound in held.items() if place not in returning}
        else:
            nearest = _nearest(objective, coefs, gradient, scale, held)
            if nearest is None:
                break
            held |= nearest
        objective, start = _holding(objective, solution.u, coefs, held)
        continued = solve(objective, start)
        solution = continued._replace(n_iter=solution.n_iter + continued.n_iter)
    return objective, solution


def _gradients(objective, u, coefs, bounded) -> tuple[dict, dict]:
    """Gradients of the loss in the coefficients of bounded curves, and the sizes of coefficients that change it by one."""
    free, start = _holding(objective, u, coefs, {})
    point, curves = free.evaluate(start, 1), curves_of(free)
    gradients = {name: curves[name].coefficient_gradient(point.gradient[free.slices[name]]) for name in bounded}
    sizes = {name: np.linalg.norm(curves[name].column_basis, axis=1) * abs(curves[name].output_basis[0, 0]) for name in bounded}
    return gradients, sizes


def _outward(objective, place, gradient, bound) -> float:
    """Minus the derivative of the loss towards the outside of a bound: positive if the maximum lies beyond it."""
    name, k = place
    return float(gradient[name][k]) * (1.0 if bound == curves_of(objective)[name].curve.low[k] else -1.0)


def _nearest(objective, coefs, gradient, scale, held) -> Held | None:
    """The bound, of those that the gradient points to, that is nearest."""
    choices = []
    for name, slopes in gradient.items():
        curve = curves_of(objective)[name].curve
        for k, slope in enumerate(slopes):
            bound = curve.low[k] if slope > 0 else curve.high[k]
            if np.isfinite(bound) and (name, k) not in held:
                choices.append((abs(coefs[name][k] - bound) / (scale[name][k] or 1.0), (name, k), bound))
    if not choices:
        return None
    _, place, bound = min(choices)
    return {place: float(bound)}


def _holding(objective, u, coefs, held: Held) -> tuple[Objective, np.ndarray]:
    """The objective with coefficients held at their bounds, and the vector of the same point with these moved there."""
    designs = dict(objective.designs)
    for name, design in curves_of(objective).items():
        at, free = coefs[name].copy(), np.ones(len(coefs[name]), bool)
        for (parameter, k), bound in held.items():
            if parameter == name:
                at[k], free[k] = bound, False
        designs[name] = design.at(at, objective.data, free)
    new = objective.copy_with(designs=designs)
    v = np.zeros(new.size)
    for name, design in designs.items():
        if design.linear:
            v[new.slices[name]] = u[objective.slices[name]]
    return new, v
