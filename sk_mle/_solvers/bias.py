"""Fits of bias-reduced likelihoods, from the start of a plain fit.

Flat vector: u holds the coordinates of all parameters, of unit curvature at the start (`_model/objective.py` states the
layout).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg
from scipy.optimize import OptimizeResult

from .._model.bias import JEFFREYS, BiasReduced
from .._model.objective import Objective, Point
from .._utils.messages import warn_caller
from ..likelihoods._functions import n_starts, title
from .identification import directions_without_information
from .multistart import best_of_starts
from .solvers import Solution

ITERATIONS_OF_FIRST_LOOK = 30  # after which a fit looks for coefficients that the penalty alone drives off
TYPICAL_EVALUATIONS, MAX_SECONDS_OF_SILENCE = 25, 30.0  # of derivatives in a fit; CPU time that integrals take without a word
MAX_HALVINGS = 10  # of a scoring step
POLISHED_SHARE_OF_TOL = 1e-3  # scoring steps, whose convergence is linear, end at this share of the tolerance
MAX_RATE_OF_UPDATES = 0.5  # of the score's size in a step, up to which the root is near and steps are updated
MAX_GROWTH = 1.05  # of the score's size in a step: it need not fall at every step far from the root
MAX_FRUITLESS_STEPS = 6  # in turn, none of which lowers the score below its smallest


def bias_reduced(objective: Objective, start: np.ndarray, penalty: str, solve: Callable, tol: float, max_iter: int) -> Solution:
    """The estimate with Jeffreys' penalty, or the root of an adjusted score.

    Where rows are many or maxima several, from the maximum of the likelihood, if there is one.

    Parameters
    ----------
    objective : Objective
        Without the penalty.
    start : ndarray of shape (size,)
    penalty : str
        Its name.
    solve : callable
        ``solve(objective, start, max_iter)`` returns a Solution.
    tol : float
    max_iter : int
        Of the adjusted score's root.

    Returns
    -------
    Solution
    """
    if objective.preconditioner is not None or n_starts(objective.likelihood) > 1:
        plain = best_of_starts(objective, start, solve)
        start = plain.u if plain.converged and plain.result.get("minimum_certified") else start
    penalised = BiasReduced.of(objective, JEFFREYS)
    _tell_of_slow_integrals(penalised, start, penalty)
    if not np.isfinite(penalised.value(start)):
        raise ValueError(
            f"penalty={penalty!r} needs an information matrix of full rank at the start of a fit, and that of "
            f"{title(objective.likelihood)} is singular or not finite there: use fewer columns, or fix a parameter on which "
            "the rows say nothing"
        )
    solution = solve(penalised, start, min(max_iter, ITERATIONS_OF_FIRST_LOOK))
    if not solution.converged and solution.n_iter < max_iter:
        if unidentified := directions_without_information(objective, solution.u):
            solution.result.update(minimum_certified=False, unidentified=unidentified)
            return solution
        first, solution = solution, solve(penalised, solution.u, max_iter - solution.n_iter)
        solution = solution._replace(n_iter=first.n_iter + solution.n_iter)
    if penalty != JEFFREYS:
        solution = _root(BiasReduced.of(objective, penalty), solution.u, tol, max_iter)
    solution.result.update(minimum_certified=solution.converged, unidentified={})
    objective.remember_value(solution.u, penalised.base.value(solution.u))
    return solution


def _tell_of_slow_integrals(objective: BiasReduced, u: np.ndarray, penalty: str) -> None:
    """Warn before a fit that integrals keep silent for long."""
    seconds = objective.seconds_of_integrals(u) * TYPICAL_EVALUATIONS
    if not seconds > MAX_SECONDS_OF_SILENCE:
        return
    law, n = title(objective.likelihood), objective.data.n_kept
    warn_caller(
        f"penalty={penalty!r}: {law} has no formula for its expected information, which is integrated over y for each of {n} "
        f"rows in every iteration; by the time that a few rows take, the fit may last {_minutes(seconds)}. It "
        "is much faster where columns enter a single parameter, or with known shapes (a number in place of None)",
        UserWarning,
    )


def _minutes(seconds: float) -> str:
    return f"{round(seconds / 60)} minutes" if seconds > 90 else "a minute or more"


def _root(objective: BiasReduced, u: np.ndarray, tol: float, max_iter: int) -> Solution:
    """The root of an adjusted score by scoring steps, shortened where the score grows, with Broyden's updates."""
    point, n_iter, share = objective.evaluate(u, 2, "expected"), 0, 1.0
    matrix, best, fruitless = point.hessian, (u, point), 0
    while fruitless < MAX_FRUITLESS_STEPS and n_iter < max_iter:
        if np.abs(point.gradient).max(initial=0.0) <= POLISHED_SHARE_OF_TOL * tol:
            break
        n_iter += 1
        found = _next(objective, u, point, np.linalg.lstsq(matrix, -point.gradient, rcond=None)[0], share)
        if found is None and matrix is point.hessian:
            break
        if found is None:
            matrix = point.hessian
            continue
        step, share, trial = found
        near = _size_of_score(trial) <= MAX_RATE_OF_UPDATES * _size_of_score(point)
        error = trial.gradient - point.gradient - matrix @ step
        matrix = matrix + np.outer(error, step) / (step @ step) if near else trial.hessian
        u, point = u + step, trial
        best, fruitless = ((u, point), 0) if _size_of_score(point) < _size_of_score(best[1]) else (best, fruitless + 1)
    if fruitless == MAX_FRUITLESS_STEPS:
        u, point = best
    largest = float(np.abs(point.gradient).max(initial=0.0))
    converged = bool(largest <= tol)
    message = "score below tol" if converged else "no step lowers the score"
    result = OptimizeResult(x=u, fun=point.value, jac=point.gradient, nit=n_iter, message=message, success=converged)
    return Solution(u, converged, False, n_iter, largest, {}, result)


def _next(
    objective: BiasReduced, u: np.ndarray, point: Point, step: np.ndarray, last_share: float
) -> tuple[np.ndarray, float, Point] | None:
    """The step, cut to a share at which the score is no larger, the share, and the point there; None if there is none.

    After a step that was cut to `last_share`, the first trial is twice that: points far out cost much.
    """
    size, step = _size_of_score(point), objective.largest_share(u, step) * step
    for share in min(1.0, 2 * last_share) * 0.5 ** np.arange(MAX_HALVINGS):
        trial = objective.evaluate(u + share * step, 2, "expected")
        if trial.complete and _size_of_score(trial) <= MAX_GROWTH * size:
            return share * step, share, trial
    return None


def _size_of_score(point: Any) -> float:
    """The size of the score in the metric of the information."""
    _, step, fail = linalg.lapack.dposv(point.hessian, -point.gradient)
    return np.inf if fail else float(np.sqrt(max(-float(step @ point.gradient), 0.0)))
