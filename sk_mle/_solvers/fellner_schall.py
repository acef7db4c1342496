"""Penalties chosen by the data: Newton steps with the penalties that are best for the quadratic model at each of them.

Such steps end at the stationary point of the generalised Fellner-Schall update (`quadratic_penalties.py` states criteria and
conventions), in about as many passes over the rows as a plain fit; of many rows they begin where those of a sample end, as the
penalty of a function on the scale of the sum of the log-likelihood hardly depends on the number of rows. Where they do not
converge, the update is taken at whole fits, with steps that do not lower the restricted likelihood. Of the likelihood only
the Hessian is needed.

Nuisance parameters, as a dispersion, are not integrated out but maximise the criterion too, as in `lmer` and in `gam` of R:
the derivative of log det A / 2 along each of them is the coefficient of a linear term of the objective. Without it a standard
deviation would be too small, as by n in place of n - k.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from .._model.objective import Objective, Point
from .._model.predictor import Predictor
from .least_squares import equivalent_rows
from .newton import newton
from .quadratic_penalties import (
    MIN_DEGREES_OF_FREEDOM,
    MIN_EIGENVALUE,
    EstimatedPenalties,
    QuadraticModel,
    accelerated,
    fellner_schall,
    inverse,
    nuisance,
    with_penalties,
)
from .solvers import Solution

MAX_STEPS, MAX_ROUNDS = 30, 100  # Newton steps with penalties; whole fits
# Of the logarithm of a penalty, the last: by Newton steps, by those on a sample, and at whole fits.
MAX_LAST_STEP, MAX_LAST_STEP_OF_SAMPLE, MAX_LAST_UPDATE = 1e-6, 0.05, 1e-4
MAX_LAST_GAIN = 1e-6  # of the criterion, on the scale of the log-likelihood
MAX_HALVINGS = 6  # of the step of the log penalties
MAX_STEP_NEAR = 0.5  # of the logarithm of a penalty up to which derivatives along nuisance parameters are worth a pass
# Such a step, and one for each unit of weight, up to which these derivatives are not computed again: they move a parameter by a
# share of 1 / weight.
MAX_STEP_WITH_OLD_GRADIENT, MAX_STEP_PER_WEIGHT = 1e-3, 1e-8
# Rows of the sample on which the choice begins: their share, number for each coordinate, and entries of X from which it does.
SHARE_OF_SAMPLE, MIN_ROWS_PER_COORDINATE, MIN_ENTRIES_FOR_SAMPLE = 0.05, 25, 200_000
TOL_OF_FIRST_FIT = 1e-2  # of a fit from which penalties are chosen
MIN_DEGREES_OF_FREEDOM_OF_SAMPLE = 0.5  # of the penalised part of a term: below, a sample does not determine its shape
NUISANCE_STEP = 1e-3  # of a difference along a nuisance parameter, in coordinates of about unit curvature


class _State(NamedTuple):
    """A fit with given penalties, and what the next update needs; arrays have an entry for each penalty."""

    objective: Objective
    solution: Solution
    rho: np.ndarray  # logarithms of the penalties
    criterion: float
    log_volume: float
    steps: np.ndarray  # of rho, to the next update
    nuisance_gradient: dict[str, float]  # of log det A / 2 per weight, for the next update
    free: np.ndarray  # degrees of freedom that a penalty leaves, of those that it penalises


class PenaltyStart(NamedTuple):
    """The start of a choice of penalties: a fit with any penalties, or with those chosen on a sample."""

    objective: Objective
    u: np.ndarray
    edges: dict[str, str]
    n_iter: int
    rho: np.ndarray | None = None  # logarithms of the penalties of a sample
    exact: bool = False  # whether these are those of all rows, and the linear terms too


def penalty_start_on_sample(objective: Objective, predictors: dict[str, Predictor], first_fit: Callable) -> PenaltyStart | None:
    """The start from a sample of many rows; None where there are few, or where the fit to the sample does not converge.

    ``first_fit(objective)`` returns an objective of a sample with its coordinates, and its Solution.
    """
    data, n = objective.data, objective.data.n_kept
    n_rows = max(int(SHARE_OF_SAMPLE * n), MIN_ROWS_PER_COORDINATE * objective.size)
    few = n * data.n_features < MIN_ENTRIES_FOR_SAMPLE or 4 * n_rows > n
    if (few and not data.costly) or "hessian" not in objective.available_derivatives:
        return None
    equivalent = equivalent_rows(objective)
    sample = equivalent or (data.in_memory if data.costly else data.subsample(n_rows))
    if sample.n_kept == n:
        return None
    chosen, criterion = EstimatedPenalties(predictors), criterion_of(predictors)
    try:
        part, solution = first_fit(Objective(objective.likelihood, sample, objective.designs, objective.alpha))
        if solution.unbounded or solution.edges:
            return None
        last_step = MAX_LAST_STEP if equivalent else MAX_LAST_STEP_OF_SAMPLE
        part, u, rho, converged = _approach(PenaltyStart(part, solution.u, {}, 0), chosen, criterion, last_step)
    except (ValueError, linalg.LinAlgError):  # the fit to all rows raises what is to be raised
        return None
    if not converged:
        return None
    share = sample.total_weight / data.total_weight
    V, matrices, _ = QuadraticModel(part, u, chosen).minimum(rho)
    used, _ = fellner_schall(part, chosen, rho, V, matrices, u)
    nuisance_gradient = {name: share * slope for name, slope in part.linear_terms.items()}
    whole = objective.copy_with(designs=part.designs, near_optimum=True)
    whole = with_penalties(whole, u, chosen.alpha(rho + np.log(share)), nuisance_gradient)
    if not np.isfinite(whole.value(u)):
        return None
    rho = rho + np.log(share)
    if not equivalent:
        rho = np.where(used < MIN_DEGREES_OF_FREEDOM_OF_SAMPLE, QuadraticModel(whole, u, chosen).first(), rho)
    return PenaltyStart(
        with_penalties(whole, u, chosen.alpha(rho), nuisance_gradient), u, {}, solution.n_iter, rho, equivalent is not None
    )


def criterion_of(predictors: dict[str, Predictor]) -> str:
    """The criterion by which the data choose penalties; "" where they choose none."""
    return next((one.chosen for one in predictors.values() if one.chosen), "")


def choose_penalties(
    penalty_start: PenaltyStart, predictors: dict[str, Predictor], solve: Callable
) -> tuple[Objective, Solution, dict[str, Predictor]]:
    """The objective with penalties that the data choose, its solution, and the predictors with these penalties.

    Parameters
    ----------
    begun : PenaltyStart
    predictors : dict of str to Predictor
    solve : callable
        ``solve(objective, start)`` returns a Solution.
    """
    if "hessian" not in penalty_start.objective.available_derivatives:
        raise ValueError(
            "penalties that the data choose need second derivatives of the likelihood, and this one has kinks: give alpha as a "
            "number, and choose it by cross-validation"
        )
    chosen, criterion = EstimatedPenalties(predictors), criterion_of(predictors)
    objective, u, rho, converged = _approach(penalty_start, chosen, criterion)
    objective, u, log_volume = _in_unit_curvature(objective, u, chosen)
    end = solve(objective, u)
    before_last_step = end.result.get("hessian_point")
    if converged and end.converged and before_last_step is not None:  # a polishing step later the Hessian is the same
        objective.remember(end.u, objective.evaluate(end.u, 1)._replace(hessian=before_last_step.hessian), "observed")
    solution = end._replace(n_iter=end.n_iter + penalty_start.n_iter)
    if criterion == "reml":
        state = _state(objective, solution, chosen, rho, log_volume, objective.linear_terms if converged else None)
        objective, solution, rho, converged = _by_whole_fits(state, chosen, solve)
    solution.result["penalties_converged"] = converged
    predictors = {name: replace(one, slope=objective.linear_terms.get(name, 0.0)) for name, one in predictors.items()}
    with_chosen = {name: predictors[name].with_multipliers(values) for name, values in chosen.multipliers(rho).items()}
    return objective, solution, predictors | with_chosen


def _approach(
    penalty_start: PenaltyStart, chosen: EstimatedPenalties, criterion: str, max_last_step: float = MAX_LAST_STEP
) -> tuple[Objective, np.ndarray, np.ndarray, bool]:
    """Newton steps, each with the penalties that are best for the quadratic model where it begins; whether they converged."""
    objective, u, rho, nuisance_gradient = (
        penalty_start.objective,
        penalty_start.u,
        penalty_start.rho,
        penalty_start.objective.linear_terms,
    )
    if rho is None:
        rho = QuadraticModel(objective, u, chosen).first()
        objective = with_penalties(objective, u, chosen.alpha(rho), nuisance_gradient)
    objective, u, _ = _in_unit_curvature(objective, u, chosen)
    max_step_with_old_gradient = min(MAX_STEP_WITH_OLD_GRADIENT, MAX_STEP_PER_WEIGHT * objective.data.total_weight)
    stale = not (
        penalty_start.edges or penalty_start.exact
    )  # whether nuisance_gradient is that of other penalties, or of a sample
    for k in range(MAX_STEPS):
        new = getattr(QuadraticModel(objective, u, chosen), criterion)(rho)
        step, rho, before = np.abs(new - rho).max(), new, nuisance_gradient
        objective = with_penalties(objective, u, chosen.alpha(rho), nuisance_gradient)
        stale = stale or (step > max_step_with_old_gradient and not penalty_start.edges)
        if stale and k and step < MAX_STEP_NEAR:  # the first point is too far from the solution
            nuisance_gradient, stale = _nuisance_gradient(objective, u), False
            objective = with_penalties(objective, u, chosen.alpha(rho), nuisance_gradient)
        if step <= max_last_step and not stale and _near(nuisance_gradient, before):
            return objective, u, rho, True
        u = newton(objective, u, max_iter=1, information="observed").x
    return objective, u, rho, False


def _by_whole_fits(state: _State, chosen: EstimatedPenalties, solve: Callable) -> tuple[Objective, Solution, np.ndarray, bool]:
    """Updates of the penalties, each followed by a fit, until they converge."""
    before, converged = None, False
    for _ in range(MAX_ROUNDS):
        plain = np.where(state.free > MIN_DEGREES_OF_FREEDOM, state.steps, 0.0)
        step, before = accelerated(plain, before), plain
        converged = np.abs(step).max(initial=0.0) <= MAX_LAST_UPDATE and _near(
            state.nuisance_gradient, state.objective.linear_terms
        )
        if converged:
            break
        new = _shifted(state, step, chosen, solve)
        if new is None:
            converged = True
            break
        gain, state = new.criterion - state.criterion, new
        small = abs(gain) <= MAX_LAST_GAIN and np.abs(step).max() <= 10 * MAX_LAST_UPDATE
        converged = small and _near(state.nuisance_gradient, state.objective.linear_terms)
        if converged:
            break
    return state.objective, state.solution, state.rho, converged


def _near(nuisance_gradient: dict[str, float], before: dict[str, float]) -> bool:
    """Whether derivatives along nuisance parameters have converged."""
    return all(abs(slope - before.get(name, 0.0)) <= 1e-3 * abs(slope) + 1e-9 for name, slope in nuisance_gradient.items())


def _shifted(state: _State, step: np.ndarray, chosen: EstimatedPenalties, solve: Callable) -> _State | None:
    """The state after a step of the log penalties, shortened until the criterion does not fall; None if it always does."""
    for _ in range(MAX_HALVINGS):
        rho, u = state.rho + step, state.solution.u
        nuisance_gradient = {name: value for name, value in state.nuisance_gradient.items() if name not in state.solution.edges}
        objective = with_penalties(state.objective, u, chosen.alpha(rho), nuisance_gradient)
        objective, u, log_volume = _in_unit_curvature(objective, u, chosen)
        solution = solve(objective, u)
        solution = solution._replace(n_iter=solution.n_iter + state.solution.n_iter)
        if not solution.unbounded and np.isfinite(objective.value(solution.u)):
            new = _state(objective, solution, chosen, rho, state.log_volume + log_volume)
            if new.criterion >= state.criterion - MAX_LAST_GAIN * (1 + abs(state.criterion) * 1e-3):
                return new
        step = step / 2
    return None


def _in_unit_curvature(objective: Objective, u: np.ndarray, chosen: EstimatedPenalties) -> tuple[Objective, np.ndarray, float]:
    """The objective in coordinates of unit curvature at a vector, this vector, and the log volume of their unit."""
    old, log_volume = objective.evaluate(u, 2), 0.0
    v, designs, turn = u.copy(), dict(objective.designs), np.eye(len(u))
    for name in chosen.diagonals:
        design, place = objective.designs[name], objective.slices[name]
        (r, k), first = design.shape, int(design.intercept)
        inner = np.einsum("ikjk->ij", old.hessian[place, place].reshape(r, k, r, k))[first:, first:] / k
        values, vectors = linalg.eigh(inner)
        root = np.sqrt(np.maximum(values, MIN_EIGENVALUE * max(values[-1], 1e-300)))
        designs[name] = design.rotated(vectors / root)
        coordinates = u[place].reshape(r, k).copy()
        coordinates[first:] = root[:, None] * (vectors.T @ coordinates[first:])
        v[place] = coordinates.ravel()
        block = np.eye(r)
        block[first:, first:] = vectors / root
        turn[place, place] = np.kron(block, np.eye(k))
        log_volume += k * np.log(root).sum()
    new = objective.copy_with(designs=designs, near_optimum=True)
    new.remember(v, Point(old.value, turn.T @ old.gradient, turn.T @ old.hessian @ turn), "observed")
    return new, v, log_volume


def _state(
    objective: Objective,
    solution: Solution,
    chosen: EstimatedPenalties,
    rho: np.ndarray,
    log_volume: float,
    nuisance_gradient: dict | None = None,
) -> _State:
    """The criterion and the next update at a fit, where `nuisance_gradient` may be known."""
    u, n = solution.u, objective.data.total_weight
    V, log_determinant = inverse(objective.evaluate(u, 2).hessian, list(nuisance(objective).values()))
    criterion = -n * (objective.value(u) - objective.linear_term_value(u)) - 0.5 * log_determinant - log_volume
    criterion += 0.5 * chosen.log_determinant(objective, rho)
    matrices = [(place, np.exp(value) * one) for value, (place, one) in zip(rho, chosen.matrices(objective), strict=True)]
    free, steps = fellner_schall(objective, chosen, rho, V, matrices, u)
    if nuisance_gradient is None:
        nuisance_gradient = {} if solution.edges else _nuisance_gradient(objective, u)
    return _State(objective, solution, rho, float(criterion), log_volume, steps, nuisance_gradient, free)


def _nuisance_gradient(objective: Objective, u: np.ndarray) -> dict[str, float]:
    """Derivatives of log det A / 2, per weight, along nuisance parameters, to which the coefficients adapt."""
    places = nuisance(objective)
    point, result = objective.evaluate(u, 2), {}
    V, middle = inverse(point.hessian, list(places.values()))
    for name, place in places.items():
        direction = -V @ point.hessian[:, place]
        direction[place] = 1.0
        ahead = objective.evaluate(u + NUISANCE_STEP * direction, 2).hessian
        change = inverse(ahead, list(places.values()))[1] - middle
        slope = 0.5 * change / NUISANCE_STEP / objective.data.total_weight / objective.designs[name].output_basis[0, 0]
        result[name] = float(slope) if np.isfinite(slope) else 0.0
    objective.remember(u, point, "observed")
    return result


def degrees_of_freedom(
    objective: Objective, u: np.ndarray, predictors: dict[str, Predictor], held: np.ndarray
) -> tuple[dict[str, dict[str, float]], float]:
    """Effective degrees of freedom of each term, and of all parameters: the trace of V times the unpenalised Hessian.

    Parameters
    ----------
    objective : Objective
    u : ndarray of shape (size,)
    predictors : dict of str to Predictor
    held : ndarray of shape (m, size)
        Constraints that hold with equality, in the plane of which V is the inverse Hessian.
    """
    fixed = list(nuisance(objective).values())
    kept = np.setdiff1d(np.arange(objective.size), fixed)
    hessian, penalty, F = objective.evaluate(u, 2).hessian, np.zeros((objective.size,) * 2), np.zeros((objective.size,) * 2)
    for name, one in objective.penalties.items():
        penalty[objective.slices[name], objective.slices[name]] = one.hessian()
    plane, inner = linalg.null_space(held[:, kept]) if len(held) else np.eye(len(kept)), np.ix_(kept, kept)
    F[inner] = plane @ inverse(plane.T @ hessian[inner] @ plane, [])[0] @ plane.T @ (hessian - penalty)[inner]
    result: dict[str, dict[str, float]] = {}
    for name, predictor in predictors.items():
        design, place = objective.designs[name], objective.slices[name]
        used = _by_column(design, F[place, place]) if predictor.terms else np.zeros(0)
        for term in predictor.terms:
            result.setdefault(name, {})[term.label] = float(used[term.places].sum())
    return result, float(np.trace(F)) + len(fixed)


def _by_column(design: Any, block: np.ndarray) -> np.ndarray:
    """The diagonal (q,), by column, of a linear map of the coordinates of one parameter, added up over entries."""
    (r, k), first, B = design.shape, int(design.intercept), design.original_column_basis()
    inner = np.einsum("ikjk->ij", block.reshape(r, k, r, k))[first:, first:]
    return np.diag(inner) if B.ndim == 1 else np.einsum("qi,ij,jq->q", B, inner, np.linalg.pinv(B))
