"""Maxima of a smooth objective under linear constraints, or with an L1 penalty, by Newton steps.

Each step minimises the quadratic model of the objective exactly, on the region (`quadratic_program.py`) or with the penalty
(`lasso.py`), so that bounds are met and zeros are zeros. A subproblem has `step(u, gradient, hessian)`, `penalty(u)` and
`feasible(u)`.

Flat vector: u holds the coordinates of all parameters, of columns that are scaled, not rotated (`_model/objective.py` states
the layout).
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg
from scipy.optimize import OptimizeResult

from .._model.bias import BiasReduced
from .._model.bounds import is_diverging
from .._model.constraints import Region
from .._model.design import intercept_only
from .._model.objective import Objective
from .curves import curves_of
from .edges import parameters_at_edges
from .identification import minimum_norm
from .lasso import Lasso
from .least_squares import MAX_CONDITION_OF_ROOT, with_constants_at
from .newton import POLISHED_SHARE_OF_TOL, SCORING_DECREMENT, minimum_certified, newton
from .quadratic_program import MIN_SINGULAR_VALUE, QuadraticProgram
from .rounding import gradient_rounding, value_rounding
from .separation import separating_directions
from .solvers import MAX_GRADIENT_TO_FINISH, Solution
from .start import MAX_START_GRADIENT, cold_start

MAX_COORDINATES_PER_ROW = 0.5  # from which a free fit is too close to exact to be a start
TOL_OF_CONSTANTS, ITERATIONS_OF_CONSTANTS = 1e-4, 50  # of the fit of constants that replaces a poor start
MIN_STEP_LENGTH = 1e-8  # shortest step of the line search, as a share of the proximal Newton step
MAX_DECREMENT_OF_STALE = 1e-2  # twice the predicted gain up to which the next step may use the same Hessian
MAX_PRODUCTS_OF_FRESH_HESSIAN = 5e5  # rows times pairs of coordinates, up to which it costs less than steps with an older one
POLISHING_STEPS = 2  # further steps at most once the gradient is below the tolerance
MAX_FAST_RATE = 0.1  # of the gradient's decrease in a step, above which the Hessian is computed again
MIN_CURVATURE = 1e-10  # along a step, relative to the sizes of step and change, from which a Hessian is updated
STEP_TOL = 1e-6  # largest Newton step at a certified minimum


def in_single_coefficients(objective: Objective, u: np.ndarray, entries: bool = False) -> tuple[Objective, np.ndarray]:
    """The objective in coordinates that are multiples of single coefficients, and the vector there.

    Those of vectors are, unless `entries` is true, of one column each and of all entries.
    """
    designs = {name: design.unrotated() for name, design in objective.designs.items()}
    if entries:
        designs = {name: design.with_single_entries() for name, design in designs.items()}
    if all(designs[name] is design for name, design in objective.designs.items()):
        return objective.preconditioned(None), u
    other = objective.copy_with(designs=designs)
    parts = [
        designs[name].coordinates(*design.coefficients(u[objective.slices[name]])) for name, design in objective.designs.items()
    ]
    return other, np.concatenate(parts)


def constrained_maximum(
    objective: Objective,
    start: np.ndarray,
    region: Region,
    tol: float,
    max_iter: int,
    penalty: str | None = None,
) -> tuple[Objective, Solution]:
    """The maximum on a region of coefficients, from a start anywhere.

    Parameters
    ----------
    objective : Objective
    start : ndarray of shape (size,)
    region : Region
    tol : float
        Largest entry of the gradient minus the constraints' multipliers.
    max_iter : int
    penalty : str, optional
        Name of the reduction of bias, which must be of a value.

    Returns
    -------
    Objective
        In the coordinates of the solution, without reduction of bias.
    Solution
        With ``result["active"]``, the active rows of the region and the side, -1 or 1, of each.
    """
    given, (plain, start) = objective, in_single_coefficients(objective, start)
    equivalent = plain.on_equivalent_rows if penalty is None else None
    objective = plain if penalty is None else BiasReduced.of(plain, penalty)
    quadratic_program = QuadraticProgram(region, objective)
    if equivalent is None:
        u = quadratic_program.feasible(start)
    else:
        u = _model_minimum(equivalent, quadratic_program, start)
        if moved := with_constants_at(plain, u):
            plain, u = moved
            objective, equivalent, quadratic_program = plain, plain.on_equivalent_rows, QuadraticProgram(region, plain)
    if equivalent is None and not curves_of(plain) and _is_poor(objective, u):
        plain, start = _at_constants(plain)
        objective = plain if penalty is None else BiasReduced.of(plain, penalty)
        quadratic_program = QuadraticProgram(region, objective)
        u = quadratic_program.feasible(start)
    if equivalent is None and penalty is None:
        plain.rotation = _rotation(given, plain)
    run = _descend_from_few(objective, equivalent, quadratic_program, u, tol, max_iter)
    active = run.last.active
    run.result.update(active=active)
    solution = run.solution(objective)
    if run.converged and not _certified(objective, run, quadratic_program, active):
        # a direction in which the likelihood grows is no matter where the region ends
        directions = separating_directions(plain, run.u, region.recession(plain.designs)) if penalty is None else {}
        if penalty is None:
            solution = _of_minimum_norm(plain, solution, quadratic_program, active)
        solution.result.update(minimum_certified=not directions, recession=directions)
    return plain, solution


def _of_minimum_norm(objective: Objective, solution: Solution, quadratic_program: QuadraticProgram, active: Any) -> Solution:
    """The solution with coefficients of smallest norm where no row tells them, unless the region holds these elsewhere.

    Directions along which active constraints do not hold with equality are told by these.
    """
    solution.result.update(minimum_certified=False)
    moved = minimum_norm(objective, solution)[1]
    A, unidentified = quadratic_program.A[list(active)], dict[str, np.ndarray]()
    for name, free in moved.result["unidentified"].items():
        change = A[:, objective.slices[name]] @ free
        change[np.abs(change) < MIN_SINGULAR_VALUE] = 0.0
        kept = free @ linalg.null_space(change, rcond=MIN_SINGULAR_VALUE) if active else free
        unidentified |= {name: kept} if kept.shape[1] else {}
    solution.result.update(unidentified=unidentified)
    return moved if quadratic_program.holds(moved.u) else solution


def _rotation(given: Objective, plain: Objective) -> tuple[Objective, np.ndarray] | None:
    """The objective in the coordinates of `given`, whose rows are rotated, and the matrix to these; None if none are."""
    if not any(design.linear and design.columns.rotation is not None for design in given.designs.values() if design.columns):
        return None
    designs = {
        name: design.with_output_basis(plain.designs[name].output_basis, design.vector)
        for name, design in given.designs.items()
    }
    maps = []
    for name, design in plain.designs.items():
        at = [designs[name].coordinates(*design.coefficients(unit)) for unit in np.eye(design.size)]
        if designs[name].coordinates(*design.coefficients(np.zeros(design.size))).any():
            return None
        maps.append(np.array(at).T)
    S = linalg.block_diag(*maps)
    if S.shape[0] != S.shape[1] or not np.linalg.cond(S) < MAX_CONDITION_OF_ROOT:  # the columns are dependent
        return None
    return plain.copy_with(designs=designs), S


def _model_minimum(objective: Any, quadratic_program: QuadraticProgram, u: np.ndarray) -> np.ndarray:
    """The minimum of the quadratic model at u, which need not lie in the region, on that."""
    point = objective.evaluate(u, 2)
    try:
        return u + quadratic_program.step(u, point.gradient, point.hessian, objective.hessian_factors(u)).step
    except linalg.LinAlgError:
        return quadratic_program.feasible(u)  # which says what constraints exclude each other


def sparse_maximum(
    objective: Objective,
    start: np.ndarray,
    weights: dict[str, float],
    region: Region | None,
    tol: float,
    max_iter: int,
) -> tuple[Objective, Solution]:
    """The maximum with L1 penalties on the coefficients of parameters, from a start anywhere.

    Parameters
    ----------
    objective : Objective
        With all other penalties.
    start : ndarray of shape (size,)
    weights : dict of str to float
        The penalty per parameter that has one.
    region : Region, optional
        Bounds on single slopes.
    tol : float
        Largest entry of the smallest subgradient.
    max_iter : int

    Returns
    -------
    Objective
        In the coordinates of the solution.
    Solution
        With ``result["active"]``, as of `constrained_maximum`.
    """
    objective, start = in_single_coefficients(objective, start, entries=True)
    equivalent = objective.on_equivalent_rows
    if equivalent is None and _is_poor(objective, start):
        objective, start = in_single_coefficients(*_at_constants(objective), entries=True)
    boxes = _Boxes(region, objective)
    lasso = Lasso(_in_coordinates(objective, weights), boxes.low, boxes.high)
    run = _descend_from_few(objective, equivalent, lasso, lasso.feasible(start), tol, max_iter)
    run.result.update(active=boxes.active(run.u))
    return objective, _with_checked_directions(objective, run, weights, region)


def _with_checked_directions(objective: Objective, run: _Run, weights: dict[str, float], region: Region | None) -> Solution:
    """The solution, with directions of recession and unidentified ones of the parameters that have no penalty.

    They are looked for where curvature does not rule them out; along the latter the coefficients of smallest norm are taken.
    """
    solution = run.solution(objective)
    parts = [place for name, place in objective.slices.items() if name not in (*weights, *objective.penalties)]
    if not run.converged or not parts:
        return solution
    free = np.concatenate([np.arange(place.start, place.stop) for place in parts])
    if minimum_certified(run.point.hessian[np.ix_(free, free)], run.point.gradient[free], STEP_TOL):
        return solution
    inward = None if region is None else region.recession(objective.designs)
    directions = separating_directions(objective, run.u, inward, weights)
    solution.result.update(minimum_certified=False)
    if region is None:
        solution = minimum_norm(objective, solution, weights)[1]
    solution.result.update(minimum_certified=not directions, recession=directions)
    return solution


def sparse_path(
    objective: Objective,
    start: np.ndarray,
    weights: dict[str, float],
    region: Region | None,
    multiples: tuple[Sequence[float] | int, float],
    tol: float,
    max_iter: int,
) -> tuple[Objective, list[tuple[float, np.ndarray, float]], Solution]:
    """The maxima at multiples of all penalties, from the largest on, each from the one before and with its Hessian.

    Parameters
    ----------
    objective, start, weights, region, tol, max_iter
        As for `sparse_maximum`.
    follow : (sequence of float or int, float)
        The multiples; or their number, from the smallest at which all penalised coefficients are zero down to it times the
        second entry.

    Returns
    -------
    Objective
        Without penalty, in the coordinates of the solutions.
    list of (float, ndarray of shape (size,), float)
        The multiple, the vector, and the loss there without penalty.
    Solution
        The last one.
    """
    alpha = objective.alpha
    objective, u = in_single_coefficients(objective, start, entries=True)
    plain, equivalent = objective.with_penalties({}), objective.on_equivalent_rows
    rows = plain if equivalent is None else equivalent.with_penalties({})
    scale, boxes = _in_coordinates(objective, weights), _Boxes(region, plain)
    none = Lasso(np.where(scale > 0, np.inf, 0.0), boxes.low, boxes.high)
    null = _descend(rows, none, none.feasible(u), tol, max_iter)
    factors: Any = multiples[0]
    if isinstance(factors, Integral):
        penalised = scale > 0
        largest = float((np.abs(null.point.gradient[penalised]) / scale[penalised]).max())
        factors = largest * np.geomspace(1.0, multiples[1], int(factors))
    u, hessian, solutions = null.u, null.point.hessian, []
    for factor in sorted(factors, reverse=True):
        ridges = {name: factor * value for name, value in alpha.items()}
        shrunk = rows.with_penalties(plain.copy_with(alpha=ridges).penalties) if ridges else rows
        ridge = np.zeros_like(hessian)
        for name, penalty in shrunk.penalties.items():
            ridge[shrunk.slices[name], shrunk.slices[name]] = penalty.hessian()
        run = _descend(shrunk, Lasso(factor * scale, boxes.low, boxes.high), u, tol, max_iter, hessian + ridge, polished=False)
        u, hessian = run.u, run.point.hessian - ridge
        solutions.append((float(factor), u, run.point.value - shrunk.penalty(u)))
    run.result.update(active=boxes.active(u))
    plain.remember_value(u, solutions[-1][2])
    last = run.solution(shrunk) if equivalent is not None else _with_checked_directions(shrunk, run, weights, region)
    return plain, solutions, last._replace(u=u)


def _in_coordinates(objective: Objective, weights: dict) -> np.ndarray:
    """Penalties (size,) per unit of every coordinate."""
    scale = np.zeros(objective.size)
    for name, weight in weights.items():
        design, place = objective.designs[name], objective.slices[name]
        basis = np.abs(design.column_basis)
        per_coordinate = np.outer(basis if basis.ndim == 1 else basis.sum(axis=0), np.abs(np.diag(design.output_basis)))
        scale[place].reshape(design.shape)[int(design.intercept) :] = weight * per_coordinate
    return scale


class _Boxes:
    """Ends (size,) of the coordinates of an objective: those of the rows of a region, which must be of one slope each."""

    def __init__(self, region: Region | None, objective: Objective) -> None:
        self.low, self.high = np.full(objective.size, -np.inf), np.full(objective.size, np.inf)
        self.rows: list[tuple[int, int, float, float]] = []  # row, coordinate, and the ends of that
        if region is None:
            return
        A, _ = region.in_coordinates(objective.designs)
        for row, (factors, low, high) in enumerate(zip(A, region.low, region.high, strict=True)):
            places = np.flatnonzero(factors)
            if len(places) > 1 or (not len(places) and not low <= 0 <= high):
                raise ValueError(
                    f"l1_ratio > 0 takes bounds on single slopes, and the constraint on {region.labels[row]} is none: "
                    "leave one of them out"
                )
            for j in places:
                ends = sorted((low / factors[j], high / factors[j]))
                self.low[j], self.high[j] = max(self.low[j], ends[0]), min(self.high[j], ends[1])
                self.rows.append((row, int(j), low / factors[j], high / factors[j]))
                if self.low[j] > self.high[j]:
                    raise ValueError(f"no coefficients meet all constraints at once: those on {region.labels[row]}")

    def active(self, u: np.ndarray) -> dict[int, int]:
        """The rows of the region that hold with equality, and the side, -1 or 1, of each."""
        return {row: -1 if u[j] == low else 1 for row, j, low, high in self.rows if u[j] in (low, high)}


def _is_poor(objective: Objective, u: np.ndarray) -> bool:
    """Whether a start has a steep gradient, or none, or is nearly the exact fit of a free model, which is out of reach here."""
    if objective.size > MAX_COORDINATES_PER_ROW * objective.data.n_kept:
        return True
    point = objective.evaluate(u, 1)
    return not (point.finite and np.abs(point.gradient).max(initial=0.0) <= MAX_START_GRADIENT)


def _at_constants(objective: Objective) -> tuple[Objective, np.ndarray]:
    """The objective in coordinates of unit information at the fit of constants, and the vector of these."""
    bases = {name: intercept_only().with_output_basis(one.output_basis, one.vector) for name, one in objective.designs.items()}
    constants, at = cold_start(Objective(objective.likelihood, objective.data, bases, {}))
    at = newton(constants, at, tol=TOL_OF_CONSTANTS, max_iter=ITERATIONS_OF_CONSTANTS).x
    designs = {
        name: design.with_output_basis(constants.designs[name].output_basis) for name, design in objective.designs.items()
    }
    other = objective.copy_with(designs=designs)
    u = np.zeros(other.size)
    for name, design in designs.items():
        if design.intercept:
            u[other.slices[name]][: design.shape[1]] = at[constants.slices[name]]
    return other, u


class _Run(NamedTuple):
    """The end of a descent: the vector, the point there, the last step, and what a `Solution` says."""

    u: np.ndarray
    point: Any
    last: Any
    converged: bool
    unbounded: bool
    n_iter: int
    residual: float
    result: OptimizeResult

    def solution(self, objective: Objective) -> Solution:
        edges = parameters_at_edges(objective, self.u, self.point) if self.converged else {}
        return Solution(self.u, self.converged, self.unbounded, self.n_iter, self.residual, edges, self.result)


def _descend_from_few(objective: Objective, equivalent: Any, subproblem: Any, u: np.ndarray, tol: float, max_iter: int) -> _Run:
    """`_descend` from the solution on few rows, if there are any; one pass over all confirms that one."""
    if equivalent is None or not (run := _descend(equivalent, subproblem, u, tol, max_iter)).converged:
        return _descend(objective, subproblem, u, tol, max_iter)
    point, limit = objective.evaluate(run.u, 1), POLISHED_SHARE_OF_TOL * tol
    error = np.abs(point.gradient - run.point.gradient).max(initial=0.0)
    if error > limit and error > gradient_rounding(objective, run.u):
        return _descend(objective, subproblem, run.u, tol, max_iter, run.point.hessian)
    run.result.update(fun=point.value, jac=point.gradient)
    return run._replace(point=point._replace(hessian=run.point.hessian))


def _descend(
    objective: Objective,
    subproblem: Any,
    u: np.ndarray,
    tol: float,
    max_iter: int,
    hessian: np.ndarray | None = None,
    polished: Any = True,
) -> _Run:
    """Newton steps from a feasible point; near the optimum with the updated Hessian of an earlier one, while that is fast."""
    n_iter, unbounded, exhausted, message, last, before, polishing = 0, False, False, "iteration limit", None, np.inf, 0
    cheap = objective.data.n_kept * objective.size**2 <= MAX_PRODUCTS_OF_FRESH_HESSIAN
    order, limit = 2 if hessian is None else 1, POLISHED_SHARE_OF_TOL * tol
    point = objective.evaluate(u, order, "expected")
    hessian, fresh, residual = point.hessian if order == 2 else hessian, order == 2, np.inf
    while n_iter < max_iter:
        n_iter += 1
        if unbounded := objective.unbounded(u, point.value):
            message = "the likelihood is unbounded"
            break
        factors = objective.hessian_factors(u) if fresh else None
        last = subproblem.step(u, point.gradient, hessian, factors)
        # the quadratic model is optimal at the end of the step: there its gradient has changed by this
        change = last.gradient - point.gradient if factors is None else factors[1] @ (factors[0] @ last.step)
        residual = float(np.abs(change).max(initial=0.0))
        decrement = -float(point.gradient @ last.step) + subproblem.penalty(u) - subproblem.penalty(u + last.step)
        exhausted = fresh and _is_rounding(point, u, hessian, residual, decrement)
        polishing += residual <= tol or exhausted
        if not polished and residual <= limit:
            message = "gradient below tol"
            break
        if residual <= limit or polishing > POLISHING_STEPS:
            u, message = u + last.step, "gradient below tol"
            point = objective.evaluate(u, 1)
            break
        if not fresh and residual > max(MAX_FAST_RATE * before, tol):
            point, fresh, before = objective.evaluate(u, 2), True, np.inf
            hessian = point.hessian
            continue
        order = 2 if cheap or decrement > MAX_DECREMENT_OF_STALE else 1
        information = "expected" if decrement > SCORING_DECREMENT else "observed"
        length, trial = _line_search(objective, subproblem, u, point, last.step, decrement, order, information)
        if trial is None and (fresh or polishing):
            message = "no step lowers the value"
            break
        if trial is None:
            before = 0.0  # the Hessian is too old
            continue
        error = float(np.abs(trial.gradient - last.gradient).max(initial=0.0)) if length == 1.0 else np.inf
        fresh, step = order == 2, length * last.step
        hessian = trial.hessian if fresh else _updated(hessian, step, trial.gradient - point.gradient)
        u, point, before = u + step, trial, residual
        if error <= limit:  # the gradient at the end of a whole step is that of the model, which is optimal there
            residual, message = error, "gradient below tol"
            break
    converged = bool(residual <= tol or exhausted) and not unbounded  # or rounding hides what is left to gain
    unbounded = unbounded or (not converged and bool(is_diverging(objective, u)))
    result = OptimizeResult(x=u, fun=point.value, jac=point.gradient, nit=n_iter, message=message, success=converged)
    result.update(minimum_certified=converged, unidentified={})
    return _Run(u, point._replace(hessian=hessian), last, converged, unbounded, n_iter, residual, result)


def _is_rounding(point: Any, u: np.ndarray, hessian: Any, residual: float, decrement: float) -> bool:
    """Whether what is left to gain is below the rounding of the value, or the gradient below that of the coordinates.

    Rounded coordinates move the gradient by their rounding times the curvature, which may be far from 1 here.
    """
    if residual <= MAX_GRADIENT_TO_FINISH and decrement <= value_rounding(point.value):
        return True
    rounding = 4 * np.finfo(float).eps * (np.abs(hessian) @ np.abs(u)).max()
    return bool(decrement <= MAX_GRADIENT_TO_FINISH**2 and residual <= rounding)


def _updated(hessian: Any, step: np.ndarray, change: Any) -> np.ndarray:
    """A Hessian after a step along which the gradient has changed (BFGS)."""
    product, curvature = hessian @ step, float(step @ change)
    before = float(step @ product)
    if not min(curvature, before) > MIN_CURVATURE * np.linalg.norm(step) * np.linalg.norm(change):
        return hessian
    return hessian + np.outer(change, change) / curvature - np.outer(product, product) / before


def _line_search(
    objective: Objective,
    subproblem: Any,
    u: np.ndarray,
    point: Any,
    step: np.ndarray,
    decrement: float,
    order: int,
    information: str,
) -> tuple[float, Any]:
    """The share of a step at which the value falls, and the point there; None if no share does."""
    length, slack, before = 1.0, value_rounding(point.value), point.value + subproblem.penalty(u)
    while length >= MIN_STEP_LENGTH:
        trial = objective.evaluate(u + length * step, order, information)
        value = trial.value + subproblem.penalty(u + length * step)
        if trial.complete and value <= before - 1e-4 * length * decrement + slack:
            return length, trial
        length *= 0.5 if trial.finite else 0.1
    return length, None


def _certified(objective: Objective, run: _Run, quadratic_program: QuadraticProgram, active: dict) -> bool:
    """Whether a minimum is certain to be near in the plane of the active constraints."""
    basis = linalg.null_space(quadratic_program.A[list(active)], rcond=MIN_SINGULAR_VALUE) if active else np.eye(objective.size)
    if not basis.shape[1]:
        return True
    return minimum_certified(basis.T @ run.point.hessian @ basis, basis.T @ run.point.gradient, STEP_TOL)
