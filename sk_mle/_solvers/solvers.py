"""One call of a minimiser, and the test of its result for convergence.

Flat vector: u holds the coordinates of all parameters, that of a parameter in `objective.slices[name]`; they have unit
curvature at the start (`_model/objective.py` states the layout). A fit has converged by the largest entry of the gradient of
the mean NLL, whatever the solver reports: an entry g means an error of about g * sqrt(n) standard errors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import OptimizeResult, minimize

from .._model.bounds import is_diverging
from .._model.objective import Objective
from .edges import parameters_at_edges
from .methods import Solver, choose
from .newton import RCOND_MIN, newton
from .rounding import gradient_rounding, value_noise, value_rounding

MAX_RESTARTS = 5  # runs of a minimiser, each from where the last one ended
# Gradient up to which a few Newton steps finish a fit whose line search is at the rounding of the values.
MAX_GRADIENT_TO_FINISH = 1e-4
MAX_GRADIENT_OF_ROUNDING = 1e-2  # gradient, in standard errors, up to which it may be rounding error of a large y
MAX_COORDINATES_OF_DECREMENT = 300  # coordinates up to which a last Hessian tells what a fit could still gain


class Solution(NamedTuple):
    """The point at which a solver ended, and whether it is a maximum of the likelihood.

    Attributes
    ----------
    u : ndarray of shape (size,)
    converged : bool
    unbounded : bool
        Whether the likelihood grows without end there.
    n_iter : int
    gradient_size : float
        Largest absolute entry of the gradient.
    edges : dict of str to str
        "lower" or "upper" for parameters at an edge of their domain, where the likelihood no longer depends on them.
    result : OptimizeResult
        What the solver returned.
    """

    u: np.ndarray
    converged: bool
    unbounded: bool
    n_iter: int
    gradient_size: float
    edges: dict[str, str]
    result: OptimizeResult


class _FiniteObjective:
    """The objective for scipy's line searches: non-finite values are replaced by a paraboloid around the best point."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.best = objective, np.inf
        self.at: np.ndarray | None = None

    def __call__(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        point = self.objective.evaluate(u, 1)
        if np.isfinite(point.value) and np.isfinite(point.gradient).all():
            if point.value <= self.best:
                self.best, self.at = point.value, u.copy()
            return point.value, point.gradient
        if self.at is None:
            return np.inf, np.zeros_like(u)
        away = u - self.at
        return self.best + 1.0 + 1e3 * float(away @ away), 2e3 * away

    def value(self, u: np.ndarray) -> float:
        return self(u)[0]


def solve(
    objective: Objective,
    start: np.ndarray,
    solver: str | Callable,
    tol: float,
    max_iter: int,
    verbose: int = 0,
    on_step: Callable | None = None,
) -> Solution:
    """Minimise from `start` and test the result for convergence.

    A method of scipy that stops before the gradient is below `tol` is restarted from its best point a few times.

    Parameters
    ----------
    objective : Objective
    start : ndarray of shape (size,)
    solver : str or callable
    tol : float
        Largest entry of the gradient at the solution.
    max_iter : int
    verbose : int
        Above 0, a line is printed per iteration.
    on_step : callable, optional
        Called with the coordinates of each iteration.

    Returns
    -------
    Solution
    """
    chosen = choose(solver, objective)
    options = chosen.options(tol, max_iter)
    arguments = _derivatives(chosen, callable(solver), objective)
    callbacks = [one for one in (_ProgressPrinter(objective) if verbose else None, on_step) if one is not None]
    if callbacks:
        arguments["callback"] = _CallbackList(callbacks)
    u, n_iter, best = start, 0, np.inf
    for _ in range(MAX_RESTARTS):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # convergence is judged below
            run = _run_of_own_method if chosen.uses_objective else _run_of_scipy
            result, x = run(chosen, objective, u, options, arguments)
        n_iter += int(result.get("nit", 1))
        norm = _gradient_norm(objective, x, result if chosen.uses_objective else {})
        gain, u, best = best - norm, x, norm
        if norm <= tol or chosen.uses_objective or n_iter >= max_iter or gain <= 0.1 * norm:
            break
    if MAX_GRADIENT_TO_FINISH >= norm > tol and "hessian" in objective.available_derivatives and not chosen.uses_objective:
        result = newton(objective, u, tol=tol, max_iter=5)
        u, norm = result.x, result.gradient_size
    if "gradient_size" in result and chosen.uses_objective:
        objective.remember_value(u, result.fun)  # a last step may not have been evaluated
    value = objective.value(u)
    result.setdefault("fun", value)
    unbounded = objective.unbounded(u, value, 0.0 if norm <= tol else 3.0)  # it may have stopped shortly before the bound
    rounding = value_rounding(value)
    exhausted = norm <= MAX_GRADIENT_TO_FINISH and result.get("decrement", np.inf) <= rounding  # no measurable gain is left
    converged = bool(np.isfinite(value)) and not unbounded and (norm <= tol or exhausted)
    unbounded = unbounded or (not converged and bool(np.isfinite(value)) and is_diverging(objective, u))
    if not (converged or unbounded) and np.isfinite(value):
        converged = bool(norm <= min(MAX_GRADIENT_OF_ROUNDING, gradient_rounding(objective, u)))
        decrement = np.inf if converged else _newton_decrement(objective, u)
        converged = converged or decrement <= max(tol**2, rounding) or decrement <= value_noise(objective, u)
    edges = parameters_at_edges(objective, u, result.get("hessian_point")) if converged else {}
    return Solution(u, converged, unbounded, n_iter, norm, edges, result)


def _run_of_own_method(
    chosen: Solver, objective: Objective, u: np.ndarray, options: dict, arguments: dict
) -> tuple[OptimizeResult, np.ndarray]:
    """The result of a method of this package and its point: called without scipy, which takes as long as a step of few rows."""
    assert callable(chosen.method)
    result = chosen.method(objective.value, u, objective=objective, **options, **arguments)
    return result, result.x


def _run_of_scipy(
    chosen: Solver, objective: Objective, u: np.ndarray, options: dict, arguments: dict
) -> tuple[OptimizeResult, np.ndarray]:
    """The result of a method of scipy or of the user, and the best point that it met."""
    guarded = _FiniteObjective(objective)
    guarded(u)
    fun, jac = (guarded, True) if chosen.needs else (guarded.value, None)
    result = _checked(minimize(fun, u, jac=jac, method=chosen.method, options=options, **arguments), chosen.method)
    return result, result.x if guarded.at is None else guarded.at


def _derivatives(chosen: Solver, custom: bool, objective: Objective) -> dict[str, Any]:
    """Second derivatives, as arguments of `minimize`: those that a solver needs, and for a user's all that there are."""
    needed = objective.available_derivatives if custom else {chosen.needs}
    return {
        argument: derivative
        for argument, name, derivative in (("hess", "hessian", objective.hessian), ("hessp", "hessp", objective.hessp))
        if name in needed
    }


def _checked(result: OptimizeResult, solver: Any) -> OptimizeResult:
    """The result of a minimiser; TypeError where it returned something else."""
    if not isinstance(result, OptimizeResult):
        raise TypeError(
            f"solver={solver!r} returned {type(result).__name__}; it must return a scipy.optimize.OptimizeResult with x, "
            "where it ended, and nit, its number of iterations"
        )
    return result


def _newton_decrement(objective: Objective, u: np.ndarray) -> float:
    """Twice the gain in mean log-likelihood that a quadratic model promises; infinite where it has no maximum.

    It does not depend on the units of the coordinates, in which the curvature may be far from that at the start: large counts
    round the gradient to much more than `tol` where their curvature is large.
    """
    if "hessian" not in objective.available_derivatives or objective.size > MAX_COORDINATES_OF_DECREMENT:
        return np.inf
    point = objective.evaluate(u, 2)
    if not point.complete:
        return np.inf
    scale = np.sqrt(np.abs(np.diag(point.hessian)))
    if not scale.all():
        return np.inf
    factor, step, fail = lapack.dposv(point.hessian / np.outer(scale, scale), point.gradient / scale)
    rcond = 0.0 if fail else lapack.dpocon(factor, 1.0, uplo="U")[0]
    return float(step @ (point.gradient / scale)) if rcond > RCOND_MIN else np.inf


def _gradient_norm(objective: Objective, u: np.ndarray, result: OptimizeResult) -> float:
    """Largest entry of the gradient, or of the smallest subgradient; that of a solver of ours is in its result."""
    for known in ("subgradient", "gradient_size"):
        if known in result:
            return float(result[known])
    return float(np.abs(objective.evaluate(u, 1).gradient).max(initial=0.0))


class _CallbackList:
    """A callback of solvers that calls others with the coordinates of each iteration."""

    def __init__(self, callbacks: list[Callable]) -> None:
        self.callbacks = callbacks

    def __call__(self, at: Any, *unused: Any) -> None:
        for on_step in self.callbacks:
            on_step(at.x if isinstance(at, OptimizeResult) else at)


class _ProgressPrinter:
    """Prints a line per iteration."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.count = objective, 0

    def __call__(self, u: np.ndarray) -> None:
        self.count += 1
        point = self.objective.evaluate(u, 1)
        norm = np.abs(point.gradient).max(initial=0.0)
        print(f"iteration {self.count:4d}   mean NLL {point.value:.10g}   largest gradient {norm:.2e}")
