"""The starting point of a fit, and the coordinates of unit curvature in which it proceeds.

Flat vector: u holds the coordinates of all parameters, `u[objective.slices[name]]` those of one; in them the mean information
at the start is the identity (`_model/objective.py` states the layout). A start is the law's own, followed by one scoring step
for the first parameter, which needs no Hessian: while the linear predictors are constant, the information of a parameter is a
multiple of the identity in its rotated coordinates. For least squares this step is already the solution.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from .._model.objective import Objective, Point
from .._utils.repeated import repeated
from ..domains import REAL
from ..likelihoods._functions import (
    checked_start,
    expected_information,
    fallback_start,
    is_degenerate,
    may_be_degenerate,
    resolved,
    title,
    with_values,
)
from .constant_curvature import is_quadratic
from .curves import at_coefficients, curves_of, start_with_curves
from .interpolation import certain_fit, interpolating_fit
from .newton import GRADIENT_ROUNDING, STEP_TOL_WITHOUT_RATE
from .preconditioners import Identity, Scaled, Woodbury
from .scaling import (
    block_information,
    change_basis,
    constant_predictor,
    mean_information,
    precondition_penalties,
    with_unit_information,
)
from .start_on_sample import (
    MAX_SUBSAMPLE_ROWS,
    MIN_ENTRIES_FOR_SUBSAMPLE,
    in_coordinates_of_all_rows,
    start_near_kinks,
    start_on_sample_of_coordinates,
    start_on_subsample,
)

MAX_COORDINATES_OF_CHEAP_HESSIAN = 100  # coordinates up to which a Hessian costs little more than a gradient
MAX_DENSE_COORDINATES = 3100  # coordinates up to which a dense Hessian is the fallback of L-BFGS steps
# Gradient up to which an earlier fit is a good start; beyond, as after a change of units, another may be better.
MAX_WARM_START_GRADIENT = 0.1
MAX_CURVATURE_OF_SOLUTION = 10.0  # curvature, 1 at the start, up to which the units of the start suit the solution
MAX_START_GRADIENT = 10.0  # gradient in a constant, of unit curvature, up to which a law's own start is used
MAX_ROUNDS_OF_OTHER_ROWS = 5  # passes that look for rows in which a start from the rows in memory is not finite


def cold_start(objective: Objective) -> tuple[Objective, np.ndarray]:
    """The objective in coordinates of unit curvature, and a starting vector."""
    if curves_of(objective):
        return start_with_curves(objective, cold_start)
    if objective.data.costly and not objective.likelihood.smooth:
        return start_near_kinks(objective, cold_start)
    if (sample := objective.data.sample_of_coordinates) is not None:
        found = None if is_quadratic(objective) else start_on_sample_of_coordinates(objective, sample, cold_start)
        if found is not None:
            return found
        objective = in_coordinates_of_all_rows(objective)
    return start_on_subsample(objective, cold_start) or _start_on_all_rows(objective)


def _start_on_all_rows(objective: Objective) -> tuple[Objective, np.ndarray]:
    """Objective and starting vector from the law's own start on all rows."""
    law, data = objective.likelihood, objective.data
    in_memory = data.in_memory
    keep = in_memory.weight > 0 if in_memory.has_zero_weight else slice(None)
    y, weight = in_memory.y[keep], in_memory.weight[keep]
    known = {name: in_memory.offset[name][keep] for name in law.layout.known}
    means = {name: float(np.average(value, weights=weight)) for name, value in known.items()}
    law_at_means = with_values(law, means) if known else law
    quadratic = _hessian_is_known(objective)  # then the first step leads to the solution from any start: a few rows suffice
    sampled = slice(None, None, len(y) // MAX_SUBSAMPLE_ROWS + 1 if quadratic else 1)
    start = _at_constants(objective, checked_start(law_at_means, y[sampled], weight[sampled]), y, weight, known)
    if _is_poor_start(*start) and (values := fallback_start(law_at_means, y, weight)):
        start = min(start, _at_constants(objective, values, y, weight, known), key=lambda pair: pair[0].value(pair[1]))
    if data.costly:
        start = _possible_in_all_rows(*start, law_at_means, y, weight, known)
    objective, u = start
    if not np.isfinite(objective.value(u)):
        _raise_not_finite(objective, u, y)
    exact = interpolating_fit(objective, u, y, keep)
    if exact is not None and law.support.integer and (exact := certain_fit(objective, exact)) is not None:
        return objective, exact
    u = u if exact is None else exact
    if not (_is_wide_and_penalised(objective) and len(objective.designs) == 1):  # else its preconditioner knows a better step
        objective, u = _first_step(objective, u, y, weight, quadratic)
    return _with_preconditioner(objective, u), u


def _possible_in_all_rows(
    objective: Objective, u: np.ndarray, law: Any, y: np.ndarray, weight: np.ndarray, known: dict
) -> tuple[Objective, np.ndarray]:
    """The law's start from the rows in memory and those others in which the start was not finite, as outside of a support."""
    more = y[:0]
    for _ in range(MAX_ROUNDS_OF_OTHER_ROWS):
        if np.isfinite(objective.value(u)):
            break
        more = np.concatenate([more, objective.over_rows(u, partial(_outermost_impossible, objective.likelihood), _outermost)])
        everything = np.concatenate([y, more]), np.concatenate([weight, np.full(len(more), weight.mean())])
        objective, u = _at_constants(objective, checked_start(law, *everything), y, weight, known)
    return objective, u


def _outermost_impossible(law: Any, batch: Any, eta: Any) -> np.ndarray:
    """The smallest and largest y of those rows of a block in which the log-likelihood is not finite."""
    with np.errstate(all="ignore"):
        loglik = law.evaluate(batch.y, eta, 0).loglik
    return _outermost(batch.y[~np.isfinite(loglik)], batch.y[:0])


def _outermost(a: Any, b: Any) -> np.ndarray:
    """The smallest and largest of two arrays, by their first columns."""
    y = np.concatenate([a, b])
    order = np.argsort(y.reshape(len(y), -1)[:, 0]) if len(y) else np.arange(0)
    return y[order[:: max(len(order) - 1, 1)]]


def _at_constants(
    objective: Objective, values: dict, y: np.ndarray, weight: np.ndarray, known: dict
) -> tuple[Objective, np.ndarray]:
    """The objective in coordinates of unit information at constant parameters `values`, and the vector of these.

    `y`, `weight` and the columns `known` are those of the rows of positive weight.
    """
    law, data, eta = objective.likelihood, objective.data, dict(known)
    for name in objective.designs:
        link = law.layout[name].link
        if not link.range.contains(values[name]).all():
            raise ValueError(
                f"the link {link} of {name} reaches only {link.range}, but y suggests {name} = "
                f"{np.ravel(values[name])[0]:.4g}; choose another link, or rescale y"
            )
        value = link.link(np.asarray(values[name], dtype=float))
        eta[name] = repeated(np.asarray(value), len(y))
    same = expected_information(law) == "whole" and not known  # information is equal in all rows
    first = slice(1 if same else None)
    kernel, eta_first = objective.evaluator.kernel, {name: value[first] for name, value in eta.items()}
    means = mean_information(kernel, y[first], weight[first], eta_first)
    objective = precondition_penalties(with_unit_information(objective, means))
    u = np.zeros(objective.size)
    for name, design in objective.designs.items():
        offset = data.in_memory.offset[name][data.in_memory.weight > 0] if name in data.offset_names else None
        shift = 0.0 if offset is None else np.average(offset, weights=weight)
        u[objective.slices[name]] = constant_predictor(data, design, eta[name][0] - shift)
    return objective, u


def _is_poor_start(objective: Objective, u: np.ndarray) -> bool:
    """Whether the log-likelihood at a law's own start is not finite, or its gradient in a constant is large."""
    point = objective.evaluate(u, 1)
    intercepts = [objective.slices[name].start for name, design in objective.designs.items() if design.intercept]
    return not (np.isfinite(point.value) and np.abs(point.gradient[intercepts]).max(initial=0.0) <= MAX_START_GRADIENT)


def _is_wide_and_penalised(objective: Objective) -> bool:
    """Whether the first parameter has more columns than there are rows, dense and unrotated, and a penalty."""
    name, design = next(iter(objective.designs.items()))
    data, one_output = objective.data, design.output_basis.size == 1
    if data.costly or data.is_sparse or not (_is_unrotated(design) and one_output and name in objective.penalties):
        return False
    return "hessian" in objective.available_derivatives and len(design.column_basis) > data.n_samples


def _is_unrotated(design: Any) -> bool:
    """Whether coordinates are multiples of coefficients of the columns."""
    return design.columns is not None and design.column_basis.ndim == 1 and design.columns.rotation is None


def _with_preconditioner(objective: Objective, u: np.ndarray) -> Objective:
    """The objective with a preconditioner, if a Hessian would cost many gradients."""
    name, design = next(iter(objective.designs.items()))
    data = objective.data
    if data.costly:
        return objective
    if "hessian" not in objective.available_derivatives:
        penalised = name in objective.penalties and not objective.penalties[name].by_column
        if _is_unrotated(design) and data.is_sparse and penalised and design.linear and design.output_basis.size == 1:
            return objective.preconditioned(Scaled())
        return objective
    if _is_wide_and_penalised(objective):
        return objective.preconditioned(Woodbury(objective, u))
    if (
        data.n_samples * data.n_features >= MIN_ENTRIES_FOR_SUBSAMPLE
        and MAX_COORDINATES_OF_CHEAP_HESSIAN < objective.size <= MAX_DENSE_COORDINATES
    ) or _hessian_is_known(objective):
        return objective.preconditioned(Identity(objective.size))
    return objective


def _hessian_is_known(objective: Objective) -> bool:
    """Whether rows are many and the Hessian is known without a pass over them, because the loss is quadratic."""
    if objective.data.costly:
        return False  # Newton's steps are then exact, and as few
    return objective.data.n_samples * objective.data.n_features >= MIN_ENTRIES_FOR_SUBSAMPLE and is_quadratic(objective)


def coordinates_of_coefficients(objective: Objective, coefs: dict, intercepts: dict) -> np.ndarray | None:
    """Coordinates (size,) of coefficients and intercepts by parameter; None if these belong to another model."""
    if list(coefs) != list(objective.designs):
        return None
    u = np.zeros(objective.size)
    for name, design in objective.designs.items():
        slopes, intercept = np.atleast_2d(coefs[name]).T, np.atleast_1d(intercepts[name])
        width = 0 if design.columns is None else len(design.original_column_basis())
        if slopes.shape != (width, len(design.output_basis)):
            return None
        u[objective.slices[name]] = design.coordinates(intercept, slopes)
    return u


def warm_start(objective: Objective, coefs: dict, intercepts: dict) -> tuple[Objective, np.ndarray]:
    """The objective and a starting vector at the coefficients of an earlier fit, or a cold start if that is better."""
    warm = _at_coefficients(at_coefficients(objective, coefs), coefs, intercepts)
    if warm is None:
        return cold_start(objective)
    point = warm[0].evaluate(warm[1], 1)
    if np.abs(point.gradient).max(initial=0.0) <= MAX_WARM_START_GRADIENT:
        return warm
    cold = cold_start(objective)
    return warm if point.value <= cold[0].value(cold[1]) else cold


def _at_coefficients(objective: Objective, coefs: dict, intercepts: dict) -> tuple[Objective, np.ndarray] | None:
    """Objective and vector at given coefficients; None if these belong to another model or the gradient is not finite."""
    data, u = objective.data, coordinates_of_coefficients(objective, coefs, intercepts)
    if u is None or not np.isfinite(objective.value(u)):
        return None
    in_memory = data.in_memory
    keep = in_memory.weight > 0
    means = mean_information(objective.likelihood, in_memory.y[keep], in_memory.weight[keep], objective.eta(u))
    rescaled = with_unit_information(objective, means)
    at_edge = any(
        d.columns is None and d.output_basis.max() > 1e4 and objective.likelihood.layout[n].link.range != REAL
        for n, d in rescaled.designs.items()
    )
    v = change_basis(objective, rescaled, u)
    return None if at_edge or not rescaled.evaluate(v, 1).finite else (_with_preconditioner(rescaled, v), v)


def _first_step(
    objective: Objective, u: np.ndarray, y: np.ndarray, weight: np.ndarray, quadratic: bool
) -> tuple[Objective, np.ndarray]:
    """Objective and vector after a scoring step for the first parameter, to which the other parameters are refitted."""
    name, design = next(iter(objective.designs.items()))
    place, point, step = objective.slices[name], objective.evaluate(u, 1), np.zeros_like(u)
    if design.columns is not None:
        step[place] = -point.gradient[place]
    steps = (length * step for length in ((1.0, 0.25, 0.05, 0.0) if step.any() else (0.0,)))
    # the order that the solver will ask for at its first point
    order = (
        2
        if objective.size <= MAX_COORDINATES_OF_CHEAP_HESSIAN and "hessian" in objective.available_derivatives and not quadratic
        else 1
    )
    if len(objective.designs) > 1:
        return _with_other_parameters(objective, u, steps, y, weight, order, slice(1 if quadratic else None))
    return objective, next((u + step for step in steps if _improves(objective, u + step, order, point.value)), u)


def _improves(objective: Objective, u: np.ndarray, order: int, value: float) -> bool:
    """Whether the value at u is lower than `value` and its derivatives are finite."""
    point = objective.evaluate(u, order, "expected")
    return point.finite and point.value < value


def _with_other_parameters(
    objective: Objective,
    u: np.ndarray,
    steps: Iterable[np.ndarray],
    y: np.ndarray,
    weight: np.ndarray,
    order: int,
    sampled: slice,
) -> tuple[Objective, np.ndarray]:
    """Objective and vector after the first step that improves, with refined constants, in coordinates of unit curvature."""
    law, before = objective.likelihood, objective.value(u)
    for step in steps:
        v, eta = _with_refined_constants(objective, u + step, y, weight)
        if _improves(objective, v, order, before):
            break
    else:
        v, eta = u, objective.eta(u)
    if may_be_degenerate(law) and is_degenerate(law, y, law.layout.theta(eta)):
        return objective, v
    point = objective.evaluate(v, order, "expected")
    if _is_solution(point):
        return objective, v  # the step led to the solution, as for a quadratic loss: no other follows, in whatever units
    if order == 2:
        means = block_information(objective, point.hessian)
    else:
        means = mean_information(law, y[sampled], weight[sampled], {name: value[sampled] for name, value in eta.items()})
    rescaled = with_unit_information(objective, means)
    return rescaled, change_basis(objective, rescaled, v, point, "expected")


def _is_solution(point: Point) -> bool:
    """Whether no step is left but one that polishes, for which the units of the coordinates may be those of the start."""
    size = np.abs(point.gradient).max(initial=0.0)
    if point.order < 2 or size > STEP_TOL_WITHOUT_RATE:
        return bool(size <= GRADIENT_ROUNDING)
    return bool(point.hessian.diagonal().max() <= MAX_CURVATURE_OF_SOLUTION)


def _with_refined_constants(objective: Objective, u: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, dict]:
    """The vector with the constants of `law.refine` given the first parameter, which may shift, and its linear predictors."""
    law, first, eta = objective.likelihood, next(iter(objective.designs)), objective.eta(u)
    if law.layout.known or first != next(iter(law.parameters)):
        return u, eta
    v, moved = u.copy(), dict(eta)
    with np.errstate(all="ignore"):
        refined = law.refine(y, weight, **law.layout.theta(eta))
    for name in refined.keys() & {first, *objective.designs.keys() - objective.data.offset_names}:
        design, place = objective.designs[name], objective.slices[name]
        value = law.layout[name].link.link(np.asarray(refined[name], dtype=float))
        if name == first:  # a shift of its linear predictor
            value = np.average(value - eta[name], axis=0, weights=weight)
            v[place] += constant_predictor(objective.data, design, value)
            moved[name] = eta[name] + value
        else:
            v[place] = constant_predictor(objective.data, design, value)
            moved[name] = repeated(value, len(y))
    exact = all(objective.designs[name].intercept for name in refined if name in objective.designs)
    return v, moved if exact else objective.eta(v)


def _raise_not_finite(objective: Objective, u: np.ndarray, y: np.ndarray) -> None:
    """Raise ValueError for a log-likelihood that is not finite at the start, naming the law and the rows."""
    law = objective.likelihood
    loglik = law.evaluate(y, objective.eta(u), 0).loglik
    rows = np.flatnonzero(~np.isfinite(loglik))
    own = not type(resolved(law)).__module__.startswith(__package__.partition(".")[0] + ".")  # a law of the user
    if not len(rows):
        raise ValueError(
            f"the log-likelihood of {title(law)} is finite in every row at the starting values, but its sum is not, as numbers "
            f"above 1e308 overflow (the largest is {np.abs(loglik).max():.1e}): rescale y, or give the law a start(y, "
            "sample_weight) method"
        )
    advice = "These rows are far from the others: check their y, and let fixed parameters be estimated."
    if own:
        advice = (
            "Check that loglik returns finite values for every y in its support, or give the law a start(y, sample_weight) "
            "method."
        )
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    raise ValueError(
        f"{title(law)}.loglik is not finite at the starting values for {len(rows)} of {len(y)} rows "
        f"(rows {shown}; the first value is {loglik[rows[0]]}). {advice}"
    )
