"""The best maximum from several starts, with the components of a law in their canonical order.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter, of unit curvature at the start
(`_model/objective.py` states the layout).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np

from .._model.bounds import has_repeated_value
from .._model.objective import Objective
from .._utils.progress import progress
from ..likelihoods._functions import canonical_order, n_starts
from .far_rows import from_other_rows
from .fixed_ends import from_fixed_end
from .held import constant_parameters
from .limits import from_limits
from .repeated_values import starts_at_repeated_values
from .saturated import at_observed_shares
from .solvers import Solution
from .special_cases import (
    MIN_GAIN,
    MIN_ROWS_PER_COORDINATE,
    first_round_iterations,
    from_special_cases,
    kept_rows,
    on_subsample,
)

MAX_ITERATIONS_PER_START = 100
# Rows up to which random starts look for other maxima of a law of one start; least and greatest number of them.
MAX_ROWS_OF_OTHER_STARTS, MIN_OTHER_STARTS, MAX_OTHER_STARTS = 64, 6, 24
STARTS_PER_MAXIMUM = 4  # from which another maximum, of a share of the starts like that of those met, has shown itself
FIRST_ITERATIONS_OF_OTHER_START, MAX_ITERATIONS_OF_OTHER_START = 8, 24
# Total log-likelihood by which a fit may then be below the solution and count as one that approaches it.
MAX_GAP_TO_SAME_MAXIMUM = 0.05
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
    if (at_fixed_end := from_fixed_end(objective, start, solve)) is not None:
        return at_fixed_end
    start, at_limit = from_limits(objective, start, solve)
    best = from_special_cases(objective, at_limit or _best_of_starts(objective, start, solve, verbose), solve)
    best = best if best.unbounded or n_starts(objective.likelihood) > 1 else from_other_rows(objective, best, solve)
    best = at_observed_shares(objective, best)
    searched = bool(best.edges)  # from there `from_special_cases` has tried the law's other shapes
    if not best.converged or searched or not _may_have_other_maxima(objective, best.u):
        return best
    with np.errstate(all="ignore"):
        return _from_other_starts(objective, start, best, solve)


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
    narrow = starts_at_repeated_values(sample, [start, best.u])[:1]
    from_narrow = (solve(sample, one, MAX_ITERATIONS_PER_START) for one in narrow)
    collapsed = (one for one in chain(solutions, from_narrow) if one.unbounded and has_repeated_value(sample, one.u))
    best = next(collapsed, best)
    v = _in_canonical_order(objective, best.u) if best.converged else best.u
    return best if v is best.u else solve(objective, v)._replace(n_iter=best.n_iter)


def _may_have_other_maxima(objective: Objective, u: np.ndarray) -> bool:
    """Whether rows are so few that other starts cost little, and the likelihood may have several maxima.

    It hardly has where the log-density is concave in the first linear predictor and at most one other parameter is estimated.
    """
    data, law = objective.data, objective.likelihood
    name, design = next(iter(objective.designs.items()))
    n_rows = 0 if data.costly else max(data.n_kept, data.total_weight)  # a weight of k is k copies
    few = MIN_ROWS_PER_COORDINATE * objective.size <= n_rows <= MAX_ROWS_OF_OTHER_STARTS
    if not few or n_starts(law) > 1 or design.vector or not all(one.linear for one in objective.designs.values()):
        return False
    if not law.smooth:  # between kinks a fit is slow, and other starts end at others of many vertices
        return False
    if len(constant_parameters(objective)) > 1:
        return True
    y, _, eta = kept_rows(objective, u)
    with np.errstate(all="ignore"):
        curvature = law.evaluate(y, eta, 2).information.get((name, name), np.zeros(1))
    return bool((curvature < 0).any())


def _from_other_starts(objective: Objective, start: np.ndarray, best: Solution, solve: Callable) -> Solution:
    """The solution, or a better one from random starts; its `result` then has a lower "other_maximum", if one was met."""
    value, least = objective.value(best.u), MIN_GAIN / objective.data.total_weight
    ends = _other_ends(objective, start, best, solve)
    highest = min(ends, key=lambda end: objective.value(end.u), default=best)
    if objective.value(highest.u) < value - least:
        alternative = highest if highest.converged else solve(objective, highest.u, MAX_ITERATIONS_PER_START)
        alternative = from_special_cases(objective, alternative, solve)
        improves = alternative.converged and objective.value(alternative.u) < value - least
        ends, best = [best, *ends], alternative if improves else best
    maxima = [objective.value(end.u) for end in ends if end.converged and not end.edges]
    lower = [other for other in maxima if other > objective.value(best.u) + least]
    if lower:
        best.result["other_maximum"] = -objective.data.total_weight * min(lower)
    return best


def _other_ends(objective: Objective, start: np.ndarray, best: Solution, solve: Callable) -> list[Solution]:
    """Solutions of fits from random starts; the more maxima are found, the more starts there are."""
    ends: list[Solution] = []
    losses, least = [objective.value(best.u)], MIN_GAIN / objective.data.total_weight  # of different maxima
    for number, other in enumerate(_opposite_starts(objective, start, MAX_OTHER_STARTS)):
        if number >= max(MIN_OTHER_STARTS, STARTS_PER_MAXIMUM * len(losses)):
            break
        end = solve(objective, other, FIRST_ITERATIONS_OF_OTHER_START)
        below = (objective.value(end.u) - losses[0]) * objective.data.total_weight
        if not (end.converged or end.unbounded or 0 <= below < MAX_GAP_TO_SAME_MAXIMUM):
            end = solve(objective, end.u, MAX_ITERATIONS_OF_OTHER_START)
        loss = objective.value(end.u)
        if np.isfinite(loss) and not end.unbounded:
            ends.append(end)
            if (end.converged or loss < min(losses) - least) and min(abs(loss - one) for one in losses) > least:
                losses.append(loss)
    return ends


def random_starts(objective: Objective, start: np.ndarray) -> Iterator[np.ndarray]:
    """Random steps from a start, one fewer than the starts of the law (`Relations.n_starts`)."""
    for step in _random_steps(objective, start, n_starts(objective.likelihood) - 1):
        yield _first_finite(objective, start, step)


def _opposite_starts(objective: Objective, start: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Random steps from a start, each followed by its opposite, so that steps are balanced in every coordinate."""
    for step in _random_steps(objective, start, count // 2):
        yield from (_first_finite(objective, start, sign * step) for sign in (1.0, -1.0))


def _random_steps(objective: Objective, start: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """Steps of standard deviation 1 in each coordinate, or sqrt(2) in all columns of one parameter together."""
    rng = np.random.default_rng(0)
    scale = np.ones_like(start)
    for name, design in objective.designs.items():
        scale[objective.slices[name]][design.intercept * design.shape[1] :] = min(1.0, np.sqrt(2 / max(design.shape[0] - 1, 1)))
    return (scale * rng.normal(size=start.shape) for _ in range(count))


def _first_finite(objective: Objective, start: np.ndarray, step: np.ndarray) -> np.ndarray:
    """The end of a step, halved until the value there is finite."""
    while not np.isfinite(objective.value(start + step)) and np.abs(step).max() > 1e-3:
        step = step / 2
    return start + step


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
    for name, value in canonical_order(objective.likelihood, coefs).items():
        if np.array_equal(value, coefs[name]):  # a conversion there and back would round
            continue
        if value.shape != coefs[name].shape:
            return u
        v[objective.slices[name]] = objective.designs[name].coordinates(value[0], value[1:])
    if np.isclose(objective.value(v), objective.value(u), rtol=1e-9, atol=1e-9) and not np.array_equal(u, v):
        return v
    return u
