"""Maxima at a limit of the law, by a score test there before all rows are fitted.

Where a sample cannot tell a parameter from its value at a limit of the law (a dispersion from zero), Newton's method on all
rows would approach the limit slowly, step by step. So the limit law is fitted first; the derivative of the log-likelihood
there, away from the limit, says whether it is the maximum, and if not, where to start.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import OptimizeResult

from .._model.objective import Objective
from .held import end_of, value_at_distance, with_all_free, with_held, with_value
from .solvers import Solution
from .start import cold_start

FIRST_DISTANCE, DISTANCE_RATIO, MAX_DISTANCES = 1e-6, 1e-3, 3  # from the limit, at which the score is taken
MAX_LOGLIK_CHANGE = 1e-2  # difference of total log-likelihoods up to which such a distance is short
ORDERS_OF_STEPS = (1, 1, 2)  # derivatives at the ends of steps by that Hessian: the solver begins with a Hessian at the last
MAX_LOGLIK_LOST = 1e-8  # difference of total log-likelihoods between the limit and the solution that stands for it


def from_limits(objective: Objective, start: np.ndarray, solve: Callable) -> tuple[np.ndarray, Solution | None]:
    """A better start, and the solution if it is at one of the `near_limits` of the objective.

    `solve(objective, start)` returns a Solution.
    """
    for name, edge in objective.near_limits.items():
        held = with_held(objective, name, end_of(objective.likelihood, name, edge))
        if held is None:
            continue
        try:
            held, at = cold_start(held)
        except ValueError:
            continue
        solution = solve(held, at)
        objective.evaluations += held.evaluations
        limit = _Limit(objective, held, solution.u, name, edge)
        score = limit.score() if solution.converged else None
        if score is None:
            continue
        d1_loss, distance = score
        if d1_loss >= 0:
            return start, limit.solution(solution, distance, d1_loss)
        v = limit.away(distance)
        start = start if v is None else v
    return start, None


class _Limit:
    """The fit with a parameter at a limit, as seen from the objective in which it is free."""

    def __init__(self, objective: Objective, held: Any, u: np.ndarray, name: Any, edge: str) -> None:
        self.objective, self.name, self.edge, self.place = objective, name, edge, objective.slices[name].start
        self.u, self.loss = with_all_free(held, u, objective, name, self._value(FIRST_DISTANCE)), held.value(u)

    def vector(self, distance: float) -> np.ndarray:
        """The vector with the parameter at a distance from the limit."""
        return with_value(self.objective, self.u, self.name, self._value(distance))

    def score(self) -> tuple[float, float] | None:
        """The derivative of the loss in the distance from the limit, and the short distance where it is."""
        for k in range(MAX_DISTANCES):
            distance = FIRST_DISTANCE * DISTANCE_RATIO**k
            u = self.vector(distance)
            with np.errstate(all="ignore"):
                point = self.objective.evaluate(u, 1)
            if not point.finite:
                return None
            if self.objective.data.total_weight * abs(point.value - self.loss) < MAX_LOGLIK_CHANGE:
                return float(self._in_distance(u, point)[1][self.place]), distance
        return None

    def away(self, distance: float) -> np.ndarray | None:
        """The vector at the maximum of the log-likelihood's quadratic model next to the limit, or None if that has none.

        The log-likelihood is nearly quadratic in the distance and all other coordinates, whereas in the parameter's own
        coordinate it is flat next to the limit. So the Hessian there serves several steps, with the gradient where each of
        them begins.
        """
        u = self.vector(distance)
        with np.errstate(all="ignore"):
            point = self.objective.with_rough_hessian(u)
            scale, _, second = self._in_distance(u, point)
            hessian = point.hessian / np.outer(scale, scale)
            hessian[self.place, self.place] -= second
            gradient = point.gradient / scale
            for order in ORDERS_OF_STEPS:
                _, step, fail = lapack.dposv(hessian, -gradient)
                distance += step[self.place]
                if fail or not (point.finite and distance > 0):
                    return None
                step[self.place] = 0.0
                u = with_value(self.objective, u + step, self.name, self._value(distance))
                point = self.objective.evaluate(u, order)
                gradient = self._in_distance(u, point)[1]
        return u if point.value < self.loss else None

    def solution(self, solution: Solution, distance: float, d1_loss: float) -> Solution:
        """The solution so close to the limit that the likelihood is that of the limit, which needs no pass to be known."""
        per_unit = d1_loss * self.objective.data.total_weight
        distance = min(distance, MAX_LOGLIK_LOST / per_unit if per_unit else distance)
        u, value = self.vector(distance), self.loss + d1_loss * distance
        self.objective.remember_value(u, value)
        edges = {**solution.edges, self.name: self.edge}
        result = OptimizeResult({**solution.result, "fun": value, "curvature_vanished": False})
        return solution._replace(u=u, edges=edges, result=result)

    def _value(self, distance: float) -> Any:
        return value_at_distance(self.objective.likelihood, self.name, self.edge, distance)

    def _in_distance(self, u: np.ndarray, point: Any) -> tuple[np.ndarray, np.ndarray, float]:
        """The derivatives (size,) of the coordinates in the flat vector, where the distance is one of them, and the gradient.

        Also the part of the second derivative in the parameter's own coordinate that is none in the distance.
        """
        basis = self.objective.designs[self.name].output_basis[0, 0]
        parameter = self.objective.likelihood.layout[self.name]
        theta, d1, d2 = (float(value[0]) for value in parameter.link.inverse_derivatives(np.array([u[self.place] * basis])))
        sign = -1.0 if self.edge == "upper" else 1.0
        finite = np.isfinite(end_of(self.objective.likelihood, self.name, self.edge))
        slope, bend = (sign, 0.0) if finite else (sign / theta**2, 2 / abs(theta) ** 3)  # of the distance in theta
        scale = np.ones(len(u))
        scale[self.place] = basis * slope * d1
        gradient = point.gradient / scale
        return scale, gradient, gradient[self.place] * basis**2 * (bend * d1**2 + slope * d2) / scale[self.place] ** 2
