"""Log-likelihoods with many maxima: from several starts to the greatest, in an order of the law's parts that is not chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._model.bounds import on_an_atom
from .._model.objective import Objective
from .solvers import Solution
from .special_cases import beyond, first_round, thinned

MAX_ITERATIONS_PER_START = 100  # iterations of one start of several
MAX_LOG_VOLUME_RATIO = 5.0  # log of the volume by which a maximum may be narrower than the likeliest and still count


def search(objective: Objective, start: np.ndarray, solve: Callable) -> Solution:
    """The maximum of greatest likelihood to which the law's starts lead.

    `solve(objective, start, most)` finds each in at most so many iterations, on a part of the rows where these are many.
    What did not converge counts only where nothing did, and maxima that are far narrower than the likeliest (that of the
    greatest integral, by Laplace's approximation) do not count: a few samples make them that happen to lie on one line.
    """
    return beyond(objective, _search(objective, start, solve), solve)


def _search(objective, start, solve) -> Solution:
    if objective.likelihood.n_starts == 1:
        return solve(objective, start, first_round(objective))
    few = thinned(objective)
    found = [solve(few, one, MAX_ITERATIONS_PER_START) for one in (start, *others(few, start))]
    best, *rest = _ranked(few, found)
    if few is not objective or not best.converged:
        best = solve(objective, best.u)
        while not best.converged and rest and rest[0].converged:
            best = solve(objective, rest.pop(0).u)
    best = next((one for one in found if one.unbounded and on_an_atom(few, one.u)), best)
    v = _arranged(objective, best.u) if best.converged else best.u
    return best if v is best.u else solve(objective, v)._replace(n_iter=best.n_iter)


def others(objective: Objective, start: np.ndarray):
    """Random starts: coordinates have unit curvature, so one unit of each, and as much of all columns together."""
    rng = np.random.default_rng(0)
    size = np.ones_like(start)
    for name, design in objective.designs.items():
        size[objective.places[name]][design.intercept * design.shape[1] :] = min(1.0, np.sqrt(2 / max(design.shape[0] - 1, 1)))
    for _ in range(objective.likelihood.n_starts - 1):
        move = size * rng.normal(size=start.shape)
        while not np.isfinite(objective.value(start + move)) and np.abs(move).max() > 1e-3:
            move /= 2
        yield start + move


def _ranked(objective, found) -> list[Solution]:
    """Solutions, the best first."""
    value = {id(one): objective.data.total_weight * objective.value(one.u) for one in found}
    if "hessian" in objective.offers and any(one.converged for one in found):
        volume = {id(one): _narrowness(objective, one.u) for one in found if one.converged}
        likeliest = min(volume, key=lambda one: value[one] + volume[one])
        wide = {one for one in volume if volume[one] <= volume[likeliest] + MAX_LOG_VOLUME_RATIO}
        value = {one: (one not in wide, value[one]) for one in value}
    return sorted(found, key=lambda one: (not one.converged, one.unbounded, value[id(one)]))


def _narrowness(objective, u) -> float:
    """Half the log-determinant of the curvature, as far as it exceeds that of the start."""
    return 0.5 * float(np.log(np.maximum(np.linalg.eigvalsh(objective.hessian(u)), 1.0)).sum())


def _arranged(objective, u) -> np.ndarray:
    """The same model with the law's parts in its own order; as it was, where that is another model (other columns, say)."""
    coefs = {name: np.vstack(design.coefficients(u[objective.places[name]])) for name, design in objective.designs.items()}
    v = u.copy()
    for name, value in objective.likelihood.canonical_order(coefs).items():
        if np.array_equal(value, coefs[name]):  # else the way there and back would round it
            continue
        if value.shape != coefs[name].shape:
            return u
        v[objective.places[name]] = objective.designs[name].coordinates(value[0], value[1:])
    if np.isclose(objective.value(v), objective.value(u), rtol=1e-9, atol=1e-9) and not np.array_equal(u, v):
        return v
    return u
