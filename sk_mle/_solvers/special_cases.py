"""Maxima to which a law's special cases lead: no fit ends below one with a shape held, nor below a limit of its law.

A likelihood with a free shape may have several maxima, and it may grow towards an end of a parameter's domain without
reaching its supremum. Where a cheap sign asks for it, the law is fitted with one parameter held at each of a few values, the
best of these fits go on with all parameters free, and what runs towards an end of a domain is followed there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult

from .._model.data import total, unit
from .._model.objective import Objective
from ..likelihoods._protocol.relations import competing, shapes
from .solvers import Solution
from .start import begin

ITERATIONS_OF_FIRST_ROUND = 50  # iterations after which a law with ends that are sharp is looked at there
MAX_ITERATIONS_IF_HELD, MAX_ITERATIONS_NEAR_END = 60, 25  # iterations of a fit with a parameter held; and close to an end
MIN_ROWS_TO_COMPARE = 4000  # rows that tell one maximum from another, at least
MIN_GAIN = 1e-4  # total log-likelihood by which another maximum must be higher
# Log-likelihood per row by which values close to a limit may be below the fit and still be worth a search.
MAX_LOSS_NEAR_LIMIT_PER_ROW = 0.2
ROWS_OF_FIRST_LOOK = 1000  # rows that show whether a value is frequent
MIN_SHARE_OF_TIES = 0.05  # share of a continuous sample that one value may have before several maxima are likely
# Distance to the end of a domain, how much closer each next is, and how many.
FIRST_DISTANCE_TO_END, DISTANCE_RATIO, MAX_STAGES = 1e-3, 10.0, 14
_PROMISING_WAY = 100.0  # towards the end, on which a gain shows that the likelihood grows
# Gain in the total log-likelihood at a stage that is the last, and at one that may be.
MIN_STAGE_GAIN, MAX_LAST_STAGE_GAIN = 1e-6, 1e-4
_LATE_GAIN = 1.0  # log-likelihood per coordinate that may be gained after the second stage where it gained nothing


def beyond(objective: Objective, solution: Solution, solve: Callable) -> Solution:
    """The solution, or a better one that a special case of the law leads to; in its `result` the lesser "other_maximum".

    `solve(objective, start, most)` maximises in at most so many iterations.
    """
    names = constants(objective)
    if solution.unbounded and solution.n_iter == first_round(objective):
        return _continued(objective, solution, solve)  # else rounding would decide where on its way it ends
    if not names or objective.likelihood.n_starts > 1 or solution.unbounded or not np.isfinite(objective.value(solution.u)):
        return solution
    with np.errstate(all="ignore"):
        return _beyond(objective, solution, names, solve)


def _beyond(objective, solution, names, solve) -> Solution:
    best, certain = solution, solution.converged and not solution.flat
    for end in _ends(objective, solution.u, FIRST_DISTANCE_TO_END):
        best = _better(objective, best, _from_end(objective, best, end, solve))
    if best is solution and not best.converged and best.n_iter == first_round(objective):
        solution = best = _continued(objective, best, solve)
        certain = best.converged and not best.flat
    if best is solution or not best.converged:
        if certain and not _competing(objective, solution):
            return solution
        best = _limit(objective, _from_held(objective, best, names, solve), names, solve)
    if best is not solution and certain:
        best.result["other_maximum"] = -objective.data.total_weight * objective.value(solution.u)
    return best


def first_round(objective: Objective) -> float:
    """Iterations after which `beyond` wants to look at a law's limits, before a fit wanders towards them."""
    return ITERATIONS_OF_FIRST_ROUND if objective.likelihood.relations.ends and constants(objective) else np.inf


def _continued(objective, solution, solve) -> Solution:
    found = solve(objective, solution.u)
    return found._replace(n_iter=solution.n_iter + found.n_iter)


def thinned(objective: Objective) -> Objective:
    """The objective on some of the rows, where there are more than tell the maxima apart."""
    part = objective.data.thinned(max(MIN_ROWS_TO_COMPARE, 100 * objective.size))
    if part is objective.data:
        return objective
    return Objective(objective.likelihood, part, objective.designs, objective.alpha)


def constants(objective: Objective) -> list[str]:
    """Estimated scalars that are the same in all rows, beside the first parameter."""
    rest = list(objective.designs.items())[1:]
    return [name for name, d in rest if d.columns is None and not d.vector and name not in objective.data.offset]


def _competing(objective, solution) -> bool:
    """Whether there may be other maxima: by what the law says, or as a density may peak at a value that is frequent."""
    law, data = objective.likelihood, objective.data
    if law.relations.competing is not None and competing(law, law.theta(objective.eta(solution.u))):
        return True
    if law.support.integer or data.y.ndim > 1 or law.predictive is not law or not shapes(law):
        return False
    y = np.sort(_spread(data.y, data.weight))
    some = max(int(MIN_SHARE_OF_TIES * len(y)), 2)
    again = y[some:] == y[:-some]
    return bool(again.any()) and not np.isin(y[some:][again], law.atoms).all()


def _spread(y, weight) -> np.ndarray:
    """Some of the rows, each as often as its weight says: as many copies of a row would lead to the same."""
    if unit(weight):
        n = min(len(y), ROWS_OF_FIRST_LOOK)
        return y[((np.arange(n) + 0.5) * (len(y) / n)).astype(np.intp)]
    reached = np.cumsum(weight)
    n = int(min(max(reached[-1], np.count_nonzero(weight)), ROWS_OF_FIRST_LOOK))
    return y[np.searchsorted(reached, (np.arange(n) + 0.5) * (reached[-1] / n))]


def _better(objective, best: Solution, found: Solution) -> Solution:
    """The one of greater likelihood; where they are equal, the one that converged."""
    gain = objective.data.total_weight * (objective.value(best.u) - objective.value(found.u))
    if found.unbounded or not gain > -MIN_GAIN or not (gain > MIN_GAIN or (found.converged and not best.converged)):
        return best
    return found


# ---- a parameter held at a value ---------------------------------------------------------------------------------------


def _held(objective, name, value) -> Objective | None:
    """The objective with a parameter at a value; None where the law does not take it."""
    value = np.float64(value)  # with which nothing overflows by an exception
    law = objective.likelihood.fix({name: value})
    if law.parameter(name).value != value:
        return None
    designs = {other: design for other, design in objective.designs.items() if other != name}
    return Objective(law, objective.data, designs, objective.alpha)


def _from_held(objective, best: Solution, names, solve) -> Solution:
    """The best of the solution and of what fits with one parameter held lead to."""
    few = thinned(objective)
    base = best if few is objective else solve(few, best.u, MAX_ITERATIONS_IF_HELD)
    least = few.value(base.u) - MIN_GAIN / few.data.total_weight
    for rank, (loss, u) in enumerate(sorted(_held_fits(few, base, names, solve), key=lambda found: found[0])):
        if loss < least or (rank == 0 and not best.converged):
            best = _better(objective, best, solve(objective, u, np.inf if loss < least else MAX_ITERATIONS_IF_HELD))
            least = min(least, few.value(best.u) - MIN_GAIN / few.data.total_weight)
    return best


def _held_fits(objective, base: Solution, names, solve) -> Iterator[tuple[float, np.ndarray]]:
    """Values and coordinates of fits with one parameter held, as far as they may be better than the solution."""
    for name, values in shapes(objective.likelihood).items():
        for value in values if name in names else ():
            part = _held(objective, name, value)
            if part is None:
                continue
            try:
                part, start = begin(part)
            except ValueError:
                continue
            if base.converged and _promise(part, start) > objective.value(base.u):
                continue
            found = solve(part, start, MAX_ITERATIONS_IF_HELD)
            u = _carried(part, found.u, objective, name, value)
            loss = objective.value(u)
            if np.isfinite(loss) and found.converged:
                yield loss, u


def _promise(objective, u) -> float:
    """A value below which Newton's method will hardly lead, from the curvature where it starts."""
    if "hessian" not in objective.offers:
        return -np.inf
    point = objective.evaluate(u, 2)
    try:
        np.linalg.cholesky(point.hessian)
        gain = float(point.gradient @ np.linalg.solve(point.hessian, point.gradient))
    except np.linalg.LinAlgError:
        return -np.inf
    return point.value - 2 * gain if gain < 0.1 else -np.inf


def _carried(old: Objective, u, new: Objective, name, value) -> np.ndarray:
    """Coordinates of the law with all parameters free, from those with one held at a value."""
    v = np.zeros(new.size)
    for other, place in new.places.items():
        if other == name:
            v = _moved(new, v, name, value)
        else:
            v[place] = new.designs[other].coordinates(*old.designs[other].coefficients(u[old.places[other]]))
    return v


# ---- towards the end of a domain ---------------------------------------------------------------------------------------


class _End(NamedTuple):
    """A point next to the end of a parameter's domain."""

    u: np.ndarray
    name: str
    edge: str


def _ends(objective, u, distance) -> Iterator[_End]:
    """Points next to limits at which the law says that the likelihood may be as high as at `u`."""
    law, data = objective.likelihood, objective.data
    first = next(iter(objective.designs))
    if not law.relations.ends or law.known or first != next(iter(law.parameters)) or not objective.designs[first].intercept:
        return
    keep = data.weight > 0 if data.has_zero_weight else slice(None)
    y, weight, eta = data.y[keep], data.weight[keep], objective.eta(u)
    theta = law.theta(eta)
    for name, edge, params in law.at_ends(y, weight, distance, **theta):
        loss = -float(total(law.loglik(y, **{**theta, **params}), weight)) / data.total_weight
        if name not in constants(objective) or not loss < objective.value(u) + MAX_LOSS_NEAR_LIMIT_PER_ROW:
            continue
        v = u.copy()
        for other in params.keys() & objective.designs.keys():
            place, design = objective.places[other], objective.designs[other]
            start, slopes = design.coefficients(v[place])
            moved = law.parameter(other).link.link(np.asarray(params[other])) - eta[other]
            v[place] = design.coordinates(start + np.mean(moved), slopes)
        yield _End(v, name, edge)


def _from_end(objective, best: Solution, end: _End, solve) -> Solution:
    """The supremum at an end; where that is no better than the best solution, a maximum before, or that solution."""
    start = _moved(objective, end.u, end.name, _closer(objective, end.u, end.name, end.edge, FIRST_DISTANCE_TO_END)[0])
    rival = objective.value(best.u)
    found, lowest = _followed(objective, best._replace(u=start), end.name, end.edge, solve, rival)
    if found is not None:
        return found
    better = objective.data.total_weight * (rival - objective.value(lowest)) > MIN_GAIN
    return solve(objective, lowest, MAX_ITERATIONS_IF_HELD) if better else best


def _limit(objective, solution: Solution, names, solve) -> Solution:
    """The supremum at the end of a parameter's domain, where the likelihood grows towards it without a maximum before."""
    if solution.converged and not any(_promised(objective, solution, name) > MIN_STAGE_GAIN for name in solution.flat):
        return solution
    best = solution
    for name in solution.flat if solution.converged else names:
        if name in names:
            found, _ = _followed(objective, solution, name, _uphill(objective, solution.u, name), solve)
            best = best if found is None else _better(objective, best, found)
    return best


def _promised(objective, solution, name) -> float:
    """Gain in the total log-likelihood that a hundredfold way to the end of a parameter's domain makes."""
    if name not in objective.designs:
        return 0.0
    u = _moved(objective, solution.u, name, _closer(objective, solution.u, name, solution.flat[name], _PROMISING_WAY)[0])
    return abs(objective.data.total_weight * (objective.value(u) - objective.value(solution.u)))


def _closer(objective, u, name, edge, factor=DISTANCE_RATIO) -> tuple[float, float]:
    """A value so many times closer to an end of the parameter's domain, and its distance, reciprocal from an infinite one."""
    domain, link = objective.likelihood.parameter(name).domain, objective.likelihood.parameter(name).link
    value = float(link.inverse(objective.designs[name].expand(u[objective.places[name]])[0])[0])
    end = domain.high if edge == "upper" else domain.low
    if np.isfinite(end):
        return end + (value - end) / factor, abs(value - end) / factor
    size = max(float(np.sign(end)) * value, 1.0) * factor
    return float(np.sign(end)) * size, 1 / size


def _moved(objective, u, name, value) -> np.ndarray:
    """The coordinates with a parameter at a value."""
    v, eta = u.copy(), np.atleast_1d(objective.likelihood.parameter(name).link.link(np.float64(value)))
    v[objective.places[name]] = objective.designs[name].coordinates(eta, np.zeros((0, 1)))
    return v


def _uphill(objective, u, name) -> str:
    """The end of a parameter's domain towards which the likelihood grows."""
    place, link, unit = objective.places[name], objective.likelihood.parameter(name).link, objective.designs[name].unit[0, 0]
    level, _ = objective.designs[name].expand(u[place])
    gradient = objective.evaluate(u, 1).gradient[place][0] * unit * link.inverse_derivatives(level)[1][0]
    return "lower" if gradient > 0 else "upper"


def _followed(objective, solution, name, edge, solve, rival=np.inf) -> tuple[Solution | None, np.ndarray]:
    """The solution with a parameter ever closer to an end, where the others are fitted again, and the lowest point of that way.

    None for the solution where the way leads down; if there is a `rival`, a value to be beaten, where it will not do so.
    """
    total, rest = objective.data.total_weight, np.delete(np.arange(objective.size), objective.places[name])
    u, n_iter, last, gain, before = solution.u, solution.n_iter, objective.value(solution.u), np.inf, None
    lowest = (last, u)
    for stage in range(MAX_STAGES):
        value, distance = _closer(objective, u, name, edge)
        part = _held(objective, name, value)
        if part is None:
            return None, lowest[1]
        at = _nearest_start(objective, part, u, before, name, edge, distance)
        if not np.isfinite(part.value(at[rest])):
            break
        found = solve(part, at[rest], MAX_ITERATIONS_NEAR_END)
        n_iter += found.n_iter
        before, u = u if stage else None, at.copy()
        u[rest] = found.u
        loss = objective.value(u)
        gain, last = total * (last - loss), loss
        lowest = min(lowest, (loss, u), key=lambda point: point[0])
        later = 2 * max(gain, 0.0) + _LATE_GAIN * len(rest) * DISTANCE_RATIO ** (
            (1 - stage) / 2
        )  # as rows come to lie on an edge
        hopeless = not gain > -MIN_STAGE_GAIN if rival == np.inf else stage and loss - later / total > rival
        if found.unbounded or hopeless:
            return None, lowest[1]
        if abs(gain) < MIN_STAGE_GAIN:
            break
    if not abs(gain) < MAX_LAST_STAGE_GAIN:
        return None, lowest[1]
    result = OptimizeResult({**solution.result, "fun": last, "minimum_certified": True, "flattened": False})
    return solution._replace(u=u, converged=True, n_iter=n_iter, flat={name: edge}, result=result), u


def _nearest_start(objective, part, u, before, name, edge, distance) -> np.ndarray:
    """Where the fit of the next stage begins: at this one, on the line through the last two, or where the law says.

    What rounds off an edge shrinks with the distance to the end, and rows that lie on it move by as much.
    """
    rest = np.delete(np.arange(objective.size), objective.places[name])
    value = part.likelihood.parameter(name).value
    starts = [u] if before is None else [u, u + (u - before) / DISTANCE_RATIO]
    starts += [end.u for end in _ends(objective, u, distance) if end[1:] == (name, edge)]  # the support may end elsewhere now
    with np.errstate(all="ignore"):
        return min((_moved(objective, start, name, value) for start in starts), key=lambda v: part.value(v[rest]))
