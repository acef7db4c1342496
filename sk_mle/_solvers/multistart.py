"""The best maximum from several starts, with the components of a law in their canonical order.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter, of unit curvature at the start
(`_model/objective.py` states the layout).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .._model.bounds import has_repeated_value
from .._model.objective import Objective
from .._utils.progress import progress
from ..likelihoods._functions import n_starts
from .limits import from_limits
from .solvers import Solution
from .special_cases import first_round_iterations, from_special_cases, on_subsample

MAX_ITERATIONS_PER_START = 100
MAX_LOG_VOLUME_RATIO = 5.0  # log of the ratio of volumes up to which a maximum narrower than the likeliest counts


def best_of_starts(objective: Objective, start: np.ndarray, solve: Callable, verbose: int = 0) -> Solution:
    """The maximum of greatest likelihood among those from the law's starts and its special cases.

    Starts are compared on a subsample if rows are many. Fits that did not converge count only if none did. Maxima that are
    much narrower than the likeliest (that of the greatest integral, by Laplace's approximation) do not count: they come from a
    few rows that happen to lie on one line.

    Parameters
    ----------
    objective : Objective
    start : ndarray of shape (size,)
        The first start; the others are random steps from it.
    solve : callable
        ``solve(objective, start, max_iter)`` returns a Solution.
    verbose : int
        Above 0, the progress over several starts is shown.

    Returns
    -------
    Solution
    """
    start, at_limit = from_limits(objective, start, solve)
    return from_special_cases(objective, at_limit or _best_of_starts(objective, start, solve, verbose), solve)


def _best_of_starts(objective: Objective, start: np.ndarray, solve: Callable, verbose: int) -> Solution:
    """The best solution of the law's starts, with its components in canonical order."""
    if n_starts(objective.likelihood) == 1:
        return solve(objective, start, first_round_iterations(objective))
    sample = on_subsample(objective)
    starts = progress((start, *random_starts(sample, start)), "starts", verbose)
    solutions = [solve(sample, first, MAX_ITERATIONS_PER_START) for first in starts]
    best, *others = _ranked(sample, solutions)
    if sample is not objective or not best.converged:
        best = solve(objective, best.u)
        while not best.converged and others and others[0].converged:
            best = solve(objective, others.pop(0).u)
    best = next((one for one in solutions if one.unbounded and has_repeated_value(sample, one.u)), best)
    v = _in_canonical_order(objective, best.u) if best.converged else best.u
    return best if v is best.u else solve(objective, v)._replace(n_iter=best.n_iter)


def random_starts(objective: Objective, start: np.ndarray) -> Iterator[np.ndarray]:
    """Random steps from a start, of standard deviation 1 in each coordinate, or sqrt(2) in all columns of one together."""
    rng = np.random.default_rng(0)
    scale = np.ones_like(start)
    for name, design in objective.designs.items():
        scale[objective.slices[name]][design.intercept * design.shape[1] :] = min(1.0, np.sqrt(2 / max(design.shape[0] - 1, 1)))
    for _ in range(n_starts(objective.likelihood) - 1):
        step = scale * rng.normal(size=start.shape)
        while not np.isfinite(objective.value(start + step)) and np.abs(step).max() > 1e-3:
            step /= 2
        yield start + step


def _ranked(objective: Objective, solutions: list[Solution]) -> list[Solution]:
    """Solutions, the best first."""
    value: dict = {id(one): objective.data.total_weight * objective.value(one.u) for one in solutions}
    if "hessian" in objective.available_derivatives and any(one.converged for one in solutions):
        narrowness = {id(one): _log_narrowness(objective, one.u) for one in solutions if one.converged}
        likeliest = min(narrowness, key=lambda one: value[one] + narrowness[one])
        wide = {one for one in narrowness if narrowness[one] <= narrowness[likeliest] + MAX_LOG_VOLUME_RATIO}
        value = {one: (one not in wide, value[one]) for one in value}
    return sorted(solutions, key=lambda one: (not one.converged, one.unbounded, value[id(one)]))


def _log_narrowness(objective: Objective, u: np.ndarray) -> float:
    """Half the log-determinant of the Hessian with eigenvalues below 1, the curvature at the start, set to 1."""
    return 0.5 * float(np.log(np.maximum(np.linalg.eigvalsh(objective.hessian(u)), 1.0)).sum())


def _in_canonical_order(objective: Objective, u: np.ndarray) -> np.ndarray:
    """The vector with the law's components in canonical order; u itself if that would be another model, with other columns."""
    coefs = {name: np.vstack(design.coefficients(u[objective.slices[name]])) for name, design in objective.designs.items()}
    v = u.copy()
    for name, value in objective.likelihood.canonical_order(coefs).items():
        if np.array_equal(value, coefs[name]):  # a conversion there and back would round
            continue
        if value.shape != coefs[name].shape:
            return u
        v[objective.slices[name]] = objective.designs[name].coordinates(value[0], value[1:])
    if np.isclose(objective.value(v), objective.value(u), rtol=1e-9, atol=1e-9) and not np.array_equal(u, v):
        return v
    return u
