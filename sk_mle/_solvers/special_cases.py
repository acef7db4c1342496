"""Other maxima of the likelihood: those near fits with one shape held fixed, and suprema at an end of a parameter's domain.

A likelihood with a free shape may have several maxima, and may grow towards an end of a parameter's domain without reaching its
supremum. If the law or the data indicate this, the law is fitted with one parameter held at each of a few values, the best of
these fits continue with all parameters free, and a parameter that diverges to an end of its domain is followed there.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout). An
objective with a parameter held has a vector of its own, without that part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult

from .._model.bounds import is_diverging
from .._model.data import weighted_sum
from .._model.objective import Objective
from .._utils.repeated import are_ones
from ..likelihoods._functions import competing, n_starts, regular_end, values_to_hold
from .edges import flat_side
from .held import constant_parameters, distance_to_end, with_all_free, with_held, with_value
from .repeated_values import MIN_SHARE_OF_TIES, WIDTHS, WIDTHS_WITHOUT_BOUND, starts_at_repeated_values, values_without_bound
from .solvers import Solution
from .start import cold_start

ITERATIONS_OF_FIRST_ROUND = 50  # iterations after which the ends of a law's domains are tried
MAX_ITERATIONS_IF_HELD, MAX_ITERATIONS_NEAR_END = 60, 25  # iterations of a fit with one parameter held; near an end
MIN_ROWS_TO_COMPARE = 4000  # smallest subsample on which maxima are compared
MIN_GAIN = 1e-4  # total log-likelihood by which another maximum must be higher
# Log-likelihood per row by which a point near a limit may be below the fit and still be a start.
MAX_LOSS_NEAR_LIMIT_PER_ROW = 0.2
# Log-likelihood per row by which a point on the way to an unbounded likelihood must be above the fit.
MIN_GAIN_OF_UNBOUNDED_PER_ROW = 0.2
ITERATIONS_BEFORE_SHRINKING = 25  # of a fit that starts around a frequent value
MIN_ROWS_PER_COORDINATE = 3  # fewer reproduce many rows, at one maximum for each choice of them
MIN_SHAPES = 2  # of a law, from which a few rows have several maxima with an outlier
MIN_LOG_RATIO_OF_OUTLIER = 5.0  # of the density at the median row to that at the least likely one
# Rows, apart from copies, up to which fits at several shapes are compared if the law has kinks, or one row is an outlier.
MAX_ROWS_OF_SEARCH = 64
ROWS_OF_FIRST_LOOK = 1000  # rows among which a frequent value is sought
# First distance to the end of a domain, its ratio from stage to stage, number of stages.
FIRST_DISTANCE_TO_END, DISTANCE_RATIO, MAX_STAGES = 1e-3, 10.0, 14
DISTANCE_OF_HELD_FIT = 0.03  # distance to an end at which a parameter is held while the others, slopes included, are fitted
PROBED_DISTANCE_RATIO = 100.0  # ratio of the distances to an end at which the likelihood is compared
# Gain in the total log-likelihood below which a stage is the last; largest gain of the last stage of a convergent sequence.
MIN_STAGE_GAIN, MAX_LAST_STAGE_GAIN = 1e-6, 1e-4
MAX_LATE_GAIN_PER_COORDINATE = 1.0  # log-likelihood that later stages may gain after a second stage without gain


def from_special_cases(objective: Objective, solution: Solution, solve: Callable) -> Solution:
    """The solution, or a better one from a special case of the law, whose `result` then has the lower "other_maximum".

    `solve(objective, start, max_iter)` returns a Solution.
    """
    names = constant_parameters(objective)
    if solution.unbounded and solution.n_iter == first_round_iterations(objective):
        return _continue(objective, solution, solve)  # a fit stopped on its way would depend on rounding
    if not names or n_starts(objective.likelihood) > 1 or solution.unbounded or not np.isfinite(objective.value(solution.u)):
        return solution
    with np.errstate(all="ignore"):
        return _from_special_cases(objective, solution, names, solve)


def _from_special_cases(objective: Objective, solution: Solution, names: Any, solve: Callable) -> Solution:
    """`from_special_cases` of a fit that may have other maxima."""
    best, interior = solution, solution.converged and not solution.edges
    best = _best_near_ends(objective, best, solve)
    if best is solution and not best.converged and best.n_iter == first_round_iterations(objective):
        solution = best = _continue(objective, best, solve)
        interior = best.converged and not best.edges
    frequent = _has_frequent_value(objective)
    doubtful = not best.converged or (best is solution and not interior) or frequent
    doubtful = doubtful or _is_few_rows_with_kinks(objective) or _is_few_rows_with_outlier(objective, best.u)
    if doubtful or _law_expects_other_maxima(objective, best):
        from_held = _best_from_held(objective, best, names, solve)
        best = best if from_held is best else _best_near_ends(objective, from_held, solve)
        best = _best_at_frequent_value(objective, best, solve) if frequent else best
        best = best if best.unbounded else _supremum_at_end(objective, best, names, solve)
    for end in _held_near_ends(objective, best, names, solve) if doubtful and not best.unbounded else ():
        best = better(objective, best, _from_end(objective, best, end, solve, 1.0))
    if frequent and not best.unbounded:
        best.result["values_without_bound"] = values_without_bound(objective, best.u)
    if best is not solution and interior:
        best.result["other_maximum"] = -objective.data.total_weight * objective.value(solution.u)
    return best


def first_round_iterations(objective: Objective) -> float:
    """Iterations after which `from_special_cases` tries a law's limits, before a fit moves slowly towards them."""
    return ITERATIONS_OF_FIRST_ROUND if objective.likelihood.relations.ends and constant_parameters(objective) else np.inf


def _continue(objective: Objective, solution: Solution, solve: Callable) -> Solution:
    """The solution of a fit that starts at another solution; iterations add up."""
    continued = solve(objective, solution.u)
    return continued._replace(n_iter=solution.n_iter + continued.n_iter)


def on_subsample(objective: Objective) -> Objective:
    """The objective on a subsample, if there are more rows than needed to compare maxima."""
    part = objective.data.subsample(max(MIN_ROWS_TO_COMPARE, 100 * objective.size))
    if part is objective.data:
        return objective
    return Objective(objective.likelihood, part, objective.designs, objective.alpha)


def _law_expects_other_maxima(objective: Objective, solution: Solution) -> bool:
    """Whether the law says that other maxima are likely beside this one."""
    law = objective.likelihood
    return law.relations.competing is not None and competing(law, law.layout.theta(objective.eta(solution.u)))


def _is_few_rows_with_kinks(objective: Objective) -> bool:
    """Whether a likelihood has kinks of which few rows, and copies of them, make many maxima, one for each choice of rows."""
    data, in_memory = objective.data, objective.data.in_memory
    if objective.likelihood.smooth or data.costly or data.is_sparse:
        return not objective.likelihood.smooth and data.n_kept <= MAX_ROWS_OF_SEARCH
    for stride in (max(len(in_memory.y) // ROWS_OF_FIRST_LOOK, 1), 1):  # most data show it in a few rows
        kept = in_memory.weight[::stride] > 0
        y, X = in_memory.y[::stride][kept], in_memory.X[::stride][kept]
        rows = np.column_stack([y, X]) if len(np.unique(y)) <= MAX_ROWS_OF_SEARCH else y
        if len(np.unique(rows, axis=0)) > MAX_ROWS_OF_SEARCH:
            return False
    return True


def _is_few_rows_with_outlier(objective: Objective, u: np.ndarray) -> bool:
    """Whether the law has several shapes, and one of few rows is so unlikely that another shape may suit the others better."""
    data, law = objective.data, objective.likelihood
    n_rows = np.inf if data.costly else max(data.n_kept, data.total_weight)  # a weight of k is k copies
    if not MIN_ROWS_PER_COORDINATE * objective.size <= n_rows <= MAX_ROWS_OF_SEARCH:
        return False
    if law.support.integer or data.in_memory.y.ndim > 1 or len(values_to_hold(law)) < MIN_SHAPES:
        return False
    y, _, eta = kept_rows(objective, u)
    loglik = law.evaluate(y, eta, 0).loglik
    return bool(np.median(loglik) - loglik.min() > MIN_LOG_RATIO_OF_OUTLIER)


def _has_frequent_value(objective: Objective) -> bool:
    """Whether a value of y is so frequent that a density may have a peak there, beside that of other maxima."""
    law, in_memory = objective.likelihood, objective.data.in_memory
    if law.support.integer or in_memory.y.ndim > 1 or law.predictive is not law or not values_to_hold(law):
        return False
    y = np.sort(_weighted_sample(in_memory.y, in_memory.weight))
    n_ties = max(int(MIN_SHARE_OF_TIES * len(y)), 2)
    tied = y[n_ties:] == y[:-n_ties]
    return bool(tied.any()) and not np.isin(y[n_ties:][tied], law.support.atoms).all()


def _weighted_sample(y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A systematic sample of y in which a row of weight k counts as k copies of it."""
    if are_ones(weight):
        n = min(len(y), ROWS_OF_FIRST_LOOK)
        return y[((np.arange(n) + 0.5) * (len(y) / n)).astype(np.intp)]
    cumulative = np.cumsum(weight)
    n = int(min(max(cumulative[-1], np.count_nonzero(weight)), ROWS_OF_FIRST_LOOK))
    return y[np.searchsorted(cumulative, (np.arange(n) + 0.5) * (cumulative[-1] / n))]


def _best_at_frequent_value(objective: Objective, best: Solution, solve: Callable) -> Solution:
    """The best of the solution and of a fit from where the law lies around a frequent value, which may be unbounded.

    Heavy tails leave room for a density without bound on any data. That counts only where the likelihood is much higher
    already at a width that is a sensible share of the spread of y.
    """
    starts = [] if best.unbounded else starts_at_repeated_values(objective, [best.u], WIDTHS)
    gain = objective.value(best.u) - objective.value(starts[0]) if starts else 0.0
    if not gain > MIN_GAIN / objective.data.total_weight:
        return best
    solution = solve(objective, starts[0], ITERATIONS_BEFORE_SHRINKING)
    if not (solution.converged or solution.unbounded):
        solution = _continue(objective, _shrunk(objective, solution, solve), solve)
    if solution.unbounded and gain > MIN_GAIN_OF_UNBOUNDED_PER_ROW:
        return solution
    return better(objective, best, solution)


def _shrunk(objective: Objective, solution: Solution, solve: Callable) -> Solution:
    """The solution, or if it is on its way to an unbounded likelihood around a frequent value, a point closer by.

    The first parameter is held at that value. A fit in which it follows, ever closer, takes many times the steps.
    """
    first = next(iter(objective.designs))
    free, link = np.delete(np.arange(objective.size), objective.slices[first]), objective.likelihood.layout[first].link
    for start in starts_at_repeated_values(objective, [solution.u], WIDTHS_WITHOUT_BOUND)[:1]:
        part = with_held(objective, first, link.inverse(objective.eta(start)[first][:1])[0])
        if part is None or not len(free):
            break
        u = start.copy()
        u[free] = solve(part, start[free]).u
        if objective.unbounded(u, objective.value(u)) or is_diverging(objective, u):
            return solution._replace(u=u)
    return solution


def better(objective: Objective, best: Solution, other: Solution) -> Solution:
    """The solution of greater likelihood; if they are equal, the one that converged, or that at a limit of the law."""
    gain = objective.data.total_weight * (objective.value(best.u) - objective.value(other.u))
    if other.unbounded or not gain > -MIN_GAIN:
        return best
    at_limit = gain > -MIN_STAGE_GAIN and bool(other.edges) and not best.edges  # the two differ by rounding
    return other if gain > MIN_GAIN or (other.converged and (at_limit or not best.converged)) else best


# ---- a parameter held at a value ---------------------------------------------------------------------------------------


def _best_from_held(objective: Objective, best: Solution, names: list[str], solve: Callable) -> Solution:
    """The best of the solution and of fits that start at those with one parameter held."""
    subsampled = on_subsample(objective)
    base = best if subsampled is objective else solve(subsampled, best.u, MAX_ITERATIONS_IF_HELD)
    target = subsampled.value(base.u) - MIN_GAIN / subsampled.data.total_weight
    for rank, (loss, u) in enumerate(sorted(_held_fits(subsampled, base, names, solve), key=lambda fit: fit[0])):
        if loss < target or (rank == 0 and not best.converged):
            best = better(objective, best, solve(objective, u, np.inf if loss < target else MAX_ITERATIONS_IF_HELD))
            target = min(target, subsampled.value(best.u) - MIN_GAIN / subsampled.data.total_weight)
    return best


def _held_fits(objective: Objective, base: Solution, names: Any, solve: Callable) -> Iterator[tuple[float, np.ndarray]]:
    """Losses and vectors, for all parameters, of fits with one parameter held that may be better than the solution."""
    for name, values in values_to_hold(objective.likelihood).items():
        for value in values if name in names else ():
            part = with_held(objective, name, value)
            if part is None:
                continue
            try:
                part, start = cold_start(part)
            except ValueError:
                continue
            if base.converged and _predicted_minimum(part, start) > objective.value(base.u):
                continue
            solution = solve(part, start, MAX_ITERATIONS_IF_HELD)
            u = with_all_free(part, solution.u, objective, name, value)
            loss = objective.value(u)
            if np.isfinite(loss) and solution.converged:
                yield loss, u


def _best_near_ends(objective: Objective, best: Solution, solve: Callable) -> Solution:
    """The best of the solution and of those near ends of domains with the same slopes."""
    for end in _points_near_ends(objective, best.u, FIRST_DISTANCE_TO_END):
        best = better(objective, best, _from_end(objective, best, end, solve))
    return best


def _held_near_ends(objective: Objective, best: Solution, names: Any, solve: Callable) -> Iterator[_EndPoint]:
    """Points near ends of domains from fits with the parameter held there, whose slopes may be unlike those of the solution."""
    if not _has_ends(objective):
        return
    law, (y, weight, eta) = objective.likelihood, kept_rows(objective, best.u)
    near_ends: Any = law.relations.near_ends
    for name, edge, params in near_ends(law, y, weight, DISTANCE_OF_HELD_FIT, **law.layout.theta(eta)):
        value = np.ravel(params[name])[0]
        part = with_held(objective, name, value) if name in names else None
        if part is None:
            continue
        try:
            part, start = cold_start(part)
        except ValueError:
            continue
        held = solve(part, start, MAX_ITERATIONS_IF_HELD)
        u = with_all_free(part, held.u, objective, name, value)
        if objective.value(u) < objective.value(best.u) + MAX_LOSS_NEAR_LIMIT_PER_ROW:
            yield _EndPoint(u, name, edge)


def _predicted_minimum(objective: Objective, u: np.ndarray) -> float:
    """A value that Newton's method from u will hardly go below, from its quadratic model there; -inf if that is unreliable."""
    if "hessian" not in objective.available_derivatives:
        return -np.inf
    point = objective.evaluate(u, 2)
    try:
        np.linalg.cholesky(point.hessian)
        gain = float(point.gradient @ np.linalg.solve(point.hessian, point.gradient))
    except np.linalg.LinAlgError:
        return -np.inf
    return point.value - 2 * gain if gain < 0.1 else -np.inf


# ---- towards the end of a domain ---------------------------------------------------------------------------------------


class _EndPoint(NamedTuple):
    """A point next to the end of a parameter's domain."""

    u: np.ndarray
    name: str
    edge: str


def _points_near_ends(objective: Objective, u: np.ndarray, distance: float) -> Iterator[_EndPoint]:
    """Points near ends of domains, by the law's `near_ends`, whose likelihood is nearly as high as that at `u`, or higher."""
    if not _has_ends(objective):
        return
    law, names, (y, weight, eta) = objective.likelihood, constant_parameters(objective), kept_rows(objective, u)
    theta, near_ends = law.layout.theta(eta), law.relations.near_ends
    assert near_ends is not None  # by the caller
    for name, edge, params in near_ends(law, y, weight, distance, **theta):
        loss = -float(weighted_sum(law.loglik(y, **{**theta, **params}), weight)) / objective.data.in_memory.total_weight
        if name not in names or not loss < objective.value(u) + MAX_LOSS_NEAR_LIMIT_PER_ROW:
            continue
        v = u.copy()
        for other in params.keys() & objective.designs.keys():
            place, design = objective.slices[other], objective.designs[other]
            intercept, slopes = design.coefficients(v[place])
            shift = law.layout[other].link.link(np.asarray(params[other])) - eta[other]
            v[place] = design.coordinates(intercept + np.mean(shift), slopes)
        yield _EndPoint(v, name, edge)


def _points_at_distance(objective: Objective, u: np.ndarray, name: str, edge: str, distance: float) -> list[np.ndarray]:
    """Those of `_points_near_ends` at a parameter's end, at a distance in the parameter's unit, which may be that of y."""

    def points(relative: float) -> list[np.ndarray]:
        return [end.u for end in _points_near_ends(objective, u, relative) if end[1:] == (name, edge)]

    near = points(FIRST_DISTANCE_TO_END)
    if not near:
        return near
    design, link = objective.designs[name], objective.likelihood.layout[name].link
    value = float(link.inverse(design.expand(near[0][objective.slices[name]])[0])[0])
    return points(distance * FIRST_DISTANCE_TO_END / distance_to_end(objective.likelihood, name, edge, value))


def kept_rows(objective: Objective, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict]:
    """y, weights and linear predictors of the rows in memory of positive weight."""
    in_memory = objective.data.in_memory
    keep = in_memory.weight > 0 if in_memory.has_zero_weight else slice(None)
    return in_memory.y[keep], in_memory.weight[keep], objective.eta(u)


def _has_ends(objective: Objective) -> bool:
    """Whether the law has `near_ends`, and its first parameter an intercept that they shift."""
    law, first = objective.likelihood, next(iter(objective.designs))
    return (
        law.relations.near_ends is not None
        and not law.layout.known
        and first == next(iter(law.parameters))
        and objective.designs[first].intercept
    )


def _from_end(
    objective: Objective, best: Solution, end: _EndPoint, solve: Callable, factor: float = FIRST_DISTANCE_TO_END
) -> Solution:
    """The supremum at an end or, if that is no better than the best solution, a maximum near the end or that solution.

    Fits approach the end from the distance of the end point divided by `factor`.
    """
    value, _ = _value_closer_to_end(objective, end.u, end.name, end.edge, factor)
    start = with_value(objective, end.u, end.name, value)
    value_to_beat = objective.value(best.u)
    supremum, lowest = _follow_to_end(objective, best._replace(u=start), end.name, end.edge, solve, value_to_beat)
    if supremum is not None:
        return supremum
    better = objective.data.total_weight * (value_to_beat - objective.value(lowest)) > MIN_GAIN
    return solve(objective, lowest, MAX_ITERATIONS_IF_HELD) if better else best


def _supremum_at_end(objective: Objective, solution: Solution, names: Any, solve: Callable) -> Solution:
    """The supremum at an end of a parameter's domain if the likelihood grows up to that end, else the solution."""
    if solution.converged and not any(_gain_towards_end(objective, solution, name) > MIN_STAGE_GAIN for name in solution.edges):
        return solution
    best = solution
    for name in solution.edges if solution.converged else names:
        if name in names:
            declared = list(objective.likelihood.relations.ends.get(name, {}))
            edge = declared[0] if len(declared) == 1 else _rising_end(objective, solution.u, name)
            supremum, _ = _follow_to_end(objective, solution, name, edge, solve)
            best = best if supremum is None else better(objective, best, supremum)
    return best


def _gain_towards_end(objective: Objective, solution: Solution, name: str) -> float:
    """Change of the total log-likelihood with a parameter a hundred times closer to the end of its domain."""
    if name not in objective.designs:
        return 0.0
    value, _ = _value_closer_to_end(objective, solution.u, name, solution.edges[name], PROBED_DISTANCE_RATIO)
    u = with_value(objective, solution.u, name, value)
    return abs(objective.data.total_weight * (objective.value(solution.u) - objective.value(u)))


def _value_closer_to_end(
    objective: Objective, u: np.ndarray, name: str, edge: str, factor: float = DISTANCE_RATIO
) -> tuple[float, float]:
    """A value `factor` times closer to an end of the parameter's domain, and its distance: 1 / value for an infinite end."""
    domain, link = objective.likelihood.layout[name].domain, objective.likelihood.layout[name].link
    value = float(link.inverse(objective.designs[name].expand(u[objective.slices[name]])[0])[0])
    end = domain.high if edge == "upper" else domain.low
    if np.isfinite(end):
        distance = min(abs(value - end) / factor, (domain.high - domain.low) / 2)
        return end + np.copysign(max(distance, float(np.spacing(abs(end)))), value - end), distance  # never on the end
    magnitude = max(float(np.sign(end)) * value, 0.0 if domain.low == 0 else 1.0) * factor  # a positive one may have a unit
    return float(np.sign(end)) * magnitude, 1 / magnitude


def _rising_end(objective: Objective, u: np.ndarray, name: str) -> str:
    """The end, "lower" or "upper", of a parameter's domain towards which the likelihood grows, or is constant."""
    design, place, link = objective.designs[name], objective.slices[name], objective.likelihood.layout[name].link
    eta, _ = design.expand(u[place])
    one_unit = np.zeros_like(u)
    one_unit[place] = 1 / design.output_basis[0, 0]
    if side := flat_side(objective, u, objective.value(u), one_unit):  # the gradient is rounding error there
        return "upper" if side * link.inverse_derivatives(eta)[1][0] > 0 else "lower"
    gradient = objective.evaluate(u, 1).gradient[place][0] * design.output_basis[0, 0] * link.inverse_derivatives(eta)[1][0]
    return "lower" if gradient > 0 else "upper"


def _follow_to_end(
    objective: Objective, solution: Solution, name: str, edge: str, solve: Callable, value_to_beat: float = np.inf
) -> tuple[Solution | None, np.ndarray]:
    """Fits of the other parameters with one at a sequence of values that approach an end of its domain.

    Returns
    -------
    supremum : Solution or None
        The last fit; None if the likelihood falls on the way or, with a `value_to_beat`, if the objective will not go below it.
    lowest : ndarray of shape (size,)
        The vector of the lowest objective value on the way.
    """
    total_weight, free = objective.data.total_weight, np.delete(np.arange(objective.size), objective.slices[name])
    u, n_iter, last, gain, before = solution.u, solution.n_iter, objective.value(solution.u), np.inf, None
    lowest = (last, u)
    for stage in range(MAX_STAGES):
        value, distance = _value_closer_to_end(objective, u, name, edge)
        part = with_held(objective, name, value)
        if part is None:
            return None, lowest[1]
        start = _next_stage_start(objective, part, u, before, name, edge, distance)
        if not np.isfinite(part.value(start[free])):
            break
        fit = solve(part, start[free], MAX_ITERATIONS_NEAR_END)
        n_iter += fit.n_iter
        if part.likelihood.smooth and not fit.converged and fit.n_iter < MAX_ITERATIONS_NEAR_END:
            fit = solve(part, fit.u, MAX_ITERATIONS_NEAR_END)  # its line search ended early, where rows lie on the edge
            n_iter += fit.n_iter
        before, u = u if stage else None, start.copy()
        u[free] = fit.u
        loss = objective.value(u)
        gain, last = total_weight * (last - loss), loss
        lowest = min(lowest, (loss, u), key=lambda point: point[0])
        # rows that come to lie on the edge of the support may still add a gain
        late_gain = 2 * max(gain, 0.0) + MAX_LATE_GAIN_PER_COORDINATE * len(free) * DISTANCE_RATIO ** ((1 - stage) / 2)
        cannot_exceed = (
            not gain > -MIN_STAGE_GAIN if value_to_beat == np.inf else stage and loss - late_gain / total_weight > value_to_beat
        )
        if fit.unbounded or cannot_exceed:
            return None, lowest[1]
        if abs(gain) < MIN_STAGE_GAIN:
            break
    if not abs(gain) < MAX_LAST_STAGE_GAIN:
        return None, lowest[1]
    result = OptimizeResult({**solution.result, "fun": last, "minimum_certified": True, "curvature_vanished": False})
    return solution._replace(u=u, converged=True, n_iter=n_iter, edges={name: edge}, result=result), u


def _next_stage_start(
    objective: Objective, part: Objective, u: np.ndarray, before: Any, name: str, edge: str, distance: float
) -> np.ndarray:
    """The best start of the next stage: the last fit, the extrapolation of the last two, or the law's `near_ends`.

    Coordinates change in proportion to the distance to the end if rows lie on the edge of the support.
    """
    free = np.delete(np.arange(objective.size), objective.slices[name])
    value = part.likelihood.layout[name].value
    starts = [u] if before is None else [u, u + (u - before) / DISTANCE_RATIO]
    first = next(iter(objective.slices.values()))
    for power in () if regular_end(objective.likelihood, name, edge) else (1, 2):  # with which the first one may diverge
        starts.append(u.copy())
        starts[-1][first] *= DISTANCE_RATIO**power
    starts += _points_at_distance(objective, u, name, edge, distance)
    with np.errstate(all="ignore"):
        return min((with_value(objective, start, name, value) for start in starts), key=lambda v: part.value(v[free]))
