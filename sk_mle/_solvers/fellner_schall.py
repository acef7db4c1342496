"""Penalties chosen by the data: the generalised Fellner-Schall update of the penalty of each term.

Conventions: term i has the penalty lambda_i / 2 b' S_i b on the scale of the sum of the log-likelihood, that is n alpha_i / 2
on that of its mean, n the total weight. The criterion is Laplace's approximation of the likelihood with all coefficients
integrated out (REML): its stationary point is where ``lambda_i = (rank S_i - lambda_i tr(V S_i)) / (b' S_i b)``, V the inverse
of the Hessian A of the penalised objective (Wood and Fasiolo 2017, doi:10.1111/biom.12666). The likelihood is asked for its
Hessian alone. Nuisance parameters, those beyond the first that are constant, as a dispersion is, are not integrated out but
maximise the criterion too, as in `lmer` and in `gam` of R: the derivative of log det A / 2 along each of them is added to the
objective as a slope. Without it a standard deviation would be too small, as by n in place of n - k.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import linalg

from .._model.objective import Objective
from .._model.penalties import Ridge
from .._model.predictor import Predictor
from .solvers import Solution

MAX_ROUNDS = 100
MAX_LAST_STEP = 1e-4  # of the logarithm of a penalty, in the last round
MAX_LAST_GAIN = 1e-6  # of the criterion, on the scale of the log-likelihood
MAX_LOG_STEP = 5.0  # of the logarithm of a penalty in one round
MAX_RATE = 0.9  # ratio of two steps from which the next ones are foreseen
MIN_DEGREES_OF_FREEDOM = 1e-3  # of the penalised part of a term: below, the term is its unpenalised part
MIN_EIGENVALUE = 1e-12  # relative, of the Hessian: smaller ones are directions that nothing determines
MAX_HALVINGS = 6
NUISANCE_STEP = 1e-2  # of a difference along a nuisance parameter, in coordinates of about unit curvature


class _State(NamedTuple):
    """A fit with given penalties, and what the next update asks for; arrays have an entry for each term."""

    objective: Objective
    solution: Solution
    criterion: float
    log_volume: float
    steps: np.ndarray  # of log lambda, to the next update
    slopes: dict[str, float]  # along nuisance parameters, for the next update
    free: np.ndarray  # degrees of freedom that a term uses, of those that are penalised


def choose_penalties(
    objective: Objective, solution: Solution, predictors: dict[str, Predictor], solve: Callable
) -> tuple[Objective, Solution]:
    """The objective with penalties that maximise Laplace's approximation of the marginal likelihood, and its solution.

    Parameters
    ----------
    objective : Objective
        With penalties to begin with.
    solution : Solution
        Its solution.
    predictors : dict of str to Predictor
    solve : callable
        ``solve(objective, start)`` returns a Solution.
    """
    if "hessian" not in objective.available_derivatives:
        raise ValueError(
            "alpha='reml' needs second derivatives of the likelihood, and this one has kinks: give alpha as a number, and "
            "choose it by cross-validation"
        )
    if solution.unbounded:
        return objective, solution
    names = [name for name, predictor in predictors.items() if predictor.chosen]
    state, before, settled = _state(objective, solution, predictors, names, 0.0), None, False
    for _ in range(MAX_ROUNDS):
        active = state.free > MIN_DEGREES_OF_FREEDOM
        step = np.where(active, state.steps, 0.0)
        if before is not None:
            with np.errstate(all="ignore"):
                rate = np.nan_to_num(np.clip(step / before, 0.0, MAX_RATE))
            step = step / (1 - rate)
        before = np.where(active, state.steps, 0.0)
        step = np.clip(step, -MAX_LOG_STEP, MAX_LOG_STEP)
        if np.abs(step).max(initial=0.0) <= MAX_LAST_STEP:
            settled = _near(state.slopes, state.objective.slopes)
            if settled:
                break
        new = _moved(state, step, predictors, names, solve)
        if new is None:
            settled = True
            break
        gain, state = new.criterion - state.criterion, new
        if abs(gain) <= MAX_LAST_GAIN and np.abs(step).max() <= 10 * MAX_LAST_STEP:
            settled = _near(state.slopes, state.objective.slopes)
            if settled:
                break
    state.solution.result["penalties_settled"] = settled
    return state.objective, state.solution


def _near(slopes: dict[str, float], before: dict[str, float]) -> bool:
    """Whether slopes along nuisance parameters have settled."""
    return all(abs(slope - before.get(name, 0.0)) <= 1e-3 * abs(slope) + 1e-9 for name, slope in slopes.items())


def _moved(state: _State, step, predictors, names, solve) -> _State | None:
    """The state after a step of the log penalties, shortened until the criterion does not fall; None if it always does."""
    for _ in range(MAX_HALVINGS):
        objective, u, log_volume = _with_step(state, step, predictors, names)
        solution = solve(objective, u)
        solution = solution._replace(n_iter=solution.n_iter + state.solution.n_iter)
        if not solution.unbounded and np.isfinite(objective.value(solution.u)):
            new = _state(objective, solution, predictors, names, log_volume)
            if new.criterion >= state.criterion - MAX_LAST_GAIN * (1 + abs(state.criterion) * 1e-3):
                return new
        step = step / 2
    return None


def _with_step(state: _State, step, predictors, names):
    """Objective, vector and log volume after a step of the log penalties, in coordinates of unit curvature at the vector."""
    old, u, log_volume = state.objective, state.solution.u.copy(), state.log_volume
    factors = iter(np.exp(step))
    slopes = {name: value for name, value in state.slopes.items() if name not in state.solution.edges}
    alpha, designs, hessian = dict(old.alpha), dict(old.designs), old.evaluate(u, 2).hessian
    for name in names:
        design, place = old.designs[name], old.slices[name]
        change = np.zeros(len(alpha[name]))
        for term in predictors[name].terms:
            change[term.penalised] = alpha[name][term.penalised] * (next(factors) - 1)
        alpha[name] = alpha[name] + change
        block = hessian[place, place] + Ridge(change, design).hessian()
        (r, k), first = design.shape, int(design.intercept)
        inner = np.einsum("ikjk->ij", block.reshape(r, k, r, k))[first:, first:] / k
        values, vectors = linalg.eigh(inner)
        root = np.sqrt(np.maximum(values, MIN_EIGENVALUE * max(values[-1], 1e-300)))
        designs[name] = design.rotated(vectors / root)
        coordinates = u[place].reshape(r, k)
        coordinates[first:] = root[:, None] * (vectors.T @ coordinates[first:])
        u[place] = coordinates.ravel()
        log_volume += k * np.log(root).sum()
    return old.copy_with(designs=designs, alpha=alpha, slopes=slopes), u, log_volume


def _state(objective: Objective, solution: Solution, predictors, names, log_volume) -> _State:
    """The criterion and the next update at a fit."""
    u, n = solution.u, objective.data.total_weight
    nuisance = _nuisance(objective)
    hessian = objective.evaluate(u, 2).hessian
    inverse, log_determinant = _inverse(hessian, nuisance)
    criterion = -n * (objective.value(u) - objective.slope_value(u)) - 0.5 * log_determinant - log_volume
    slopes = {}
    for name, at in nuisance.items() if not solution.edges else ():
        slopes[name] = _slope(objective, u, hessian, inverse, at, nuisance)
    steps, free = [], []
    for name in names:
        design, place, alpha = objective.designs[name], objective.slices[name], objective.alpha[name]
        for term in predictors[name].terms:
            ridge = Ridge(term.weights(len(alpha)), design)
            rank, a = len(term.penalised) * design.shape[1], float(alpha[term.penalised[0]])
            used = rank - a * float(np.sum(inverse[place, place] * ridge.hessian()))
            square = 2 * n * a * ridge.value(u[place])  # lambda b' S b
            criterion += 0.5 * rank * np.log(n * a)
            with np.errstate(all="ignore"):
                steps.append(np.nan_to_num(np.log(np.maximum(used, 0.0) / square), posinf=MAX_LOG_STEP, neginf=-MAX_LOG_STEP))
            free.append(used)
    return _State(objective, solution, float(criterion), log_volume, np.array(steps), slopes, np.array(free))


def _nuisance(objective: Objective) -> dict[str, int]:
    """Places of the parameters beyond the first that are constant numbers."""
    _, *others = objective.designs.items()
    return {name: objective.slices[name].start for name, one in others if one.columns is None and one.linear and not one.vector}


def _inverse(hessian, nuisance: dict[str, int]) -> tuple[np.ndarray, float]:
    """The inverse of a Hessian without nuisance parameters, and its log determinant.

    It is zero for nuisance parameters and along directions that nothing determines, which do not count.
    """
    kept = np.setdiff1d(np.arange(len(hessian)), list(nuisance.values()))
    values, vectors = linalg.eigh(hessian[np.ix_(kept, kept)])
    known = values > MIN_EIGENVALUE * max(values[-1], 1e-300)
    inverse = np.zeros_like(hessian)
    inverse[np.ix_(kept, kept)] = (vectors[:, known] / values[known]) @ vectors[:, known].T
    return inverse, float(np.log(values[known]).sum())


def _slope(objective: Objective, u, hessian, inverse, place: int, nuisance) -> float:
    """Derivative of log det A / 2, per weight, along a nuisance parameter, to which the coefficients adapt."""
    direction = -inverse @ hessian[:, place]
    direction[place] = 1.0
    low, high = (
        _inverse(objective.evaluate(u + sign * NUISANCE_STEP * direction, 2).hessian, nuisance)[1] for sign in (-1.0, 1.0)
    )
    name = next(name for name, one in nuisance.items() if one == place)
    per_unit = 0.5 * (high - low) / (2 * NUISANCE_STEP) / objective.data.total_weight
    slope = per_unit / objective.designs[name].output_basis[0, 0]
    return float(slope) if np.isfinite(slope) else 0.0


def with_penalties(predictors: dict[str, Predictor], objective: Objective) -> dict[str, Predictor]:
    """Predictors with the penalties of an objective."""
    return {
        name: replace(one, alpha=objective.alpha[name] if one.chosen else one.alpha, slope=objective.slopes.get(name, 0.0))
        for name, one in predictors.items()
    }


def degrees_of_freedom(objective: Objective, u: np.ndarray, predictors: dict[str, Predictor]) -> dict[str, dict[str, float]]:
    """Effective degrees of freedom of each term, the trace of V times the unpenalised Hessian over its coefficients."""
    inverse, _ = _inverse(objective.evaluate(u, 2).hessian, _nuisance(objective))
    result: dict[str, dict[str, float]] = {}
    for name, predictor in predictors.items():
        design, place, alpha = objective.designs[name], objective.slices[name], objective.alpha.get(name)
        for term in predictor.terms:
            ridge = Ridge(term.weights(len(predictor.columns)) * alpha, design)
            lost = float(np.sum(inverse[place, place] * ridge.hessian()))
            result.setdefault(name, {})[term.label] = len(term.places) * design.shape[1] - lost
    return result
