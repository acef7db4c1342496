"""Parameters at an edge of their domain, where the log-likelihood no longer depends on them.

`u` is the flat vector of coordinates at the end of a fit (`_model/objective.py` states the layout).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
from scipy.linalg import lapack

from .._model.objective import Objective, Point
from .held import admits_end, end_of, with_held
from .newton import newton
from .rounding import value_rounding

ETA_NEAR_LIMIT = 8.0  # linear predictor of a nuisance parameter from which its law's limit may be near
MIN_RUNAWAY_VARIANCE = 100.0  # variance of a linear predictor, or of its logarithm, from which it may diverge to an edge
MAX_STEP_AT_MAXIMUM = 0.05  # Newton step, in the same unit, up to which it does not: the maximum is finite, if flat
VARIANCE_OF_ROUNDING = 1e10  # variance from which the step is rounding error
MIN_LOGLIK_DIFFERENCE = 1e-2  # difference of total log-likelihoods from which they count as different
MAX_LOSS_NEAR_LIMIT = 1e-3  # total log-likelihood that a unit of a linear predictor, back from a limit, may cost
TOL_AT_LIMIT, ITERATIONS_AT_LIMIT = 1e-8, 30  # of a fit of the limit from there
MULTIPLES_TOWARDS_END = (0.5, 2.0, 8.0)  # of a linear predictor, at least of one, by which it is moved towards an end
MAX_ROUNDING_AT_EDGE = 1e-7  # relative error of the mean log-likelihood next to an edge
MAX_INVERTED_COORDINATES = 300  # coordinates up to which a Hessian is inverted to find such parameters


def parameters_at_edges(objective: Objective, u: np.ndarray, hessian_point: Point | None) -> dict[str, str]:
    """Parameters without covariates at an edge of their domain, where the log-likelihood no longer depends on them.

    Names with "lower" or "upper"; `hessian_point` is the last point of the fit with a Hessian, or None.
    """
    others, shifted = list(objective.designs.items())[1:], objective.data.offset_names
    names = [name for name, design in others if design.columns is None and name not in shifted]
    scalar = [name for name in names if not objective.designs[name].vector]
    if hessian_point is None or objective.size > MAX_INVERTED_COORDINATES or "hessian" not in objective.available_derivatives:
        return _far_from_zero(objective, u, names)
    edges = _far_from_zero(objective, u, [name for name in names if name not in scalar])
    edges |= _diverging_to_edges(objective, u, scalar, hessian_point) if scalar else {}
    return edges | _far_from_zero_together(objective, u, [name for name in scalar if name not in edges])


def _diverging_to_edges(objective: Objective, u: np.ndarray, names: Any, hessian_point: Point) -> dict[str, str]:
    """Scalar parameters of large variance that a Newton step would still move far, without change of the log-likelihood.

    The other coordinates follow along the ridge, so that the result does not depend on the unit of y.
    """
    value = objective.value(u)
    index, edges = [objective.slices[name].start for name in names], {}
    hessian, unit_vectors = hessian_point.hessian, np.eye(objective.size)[:, index]
    _, ridges, fail = lapack.dposv(hessian, unit_vectors)
    if fail:
        values, vectors = np.linalg.eigh(np.nan_to_num(hessian))
        floor = 1e-14 * np.abs(values).max() + 1e-300
        ridges = vectors @ ((vectors.T @ unit_vectors) / np.maximum(values, floor)[:, None])
    for name, j, ridge in zip(names, index, ridges.T, strict=True):
        eta_per_unit = objective.designs[name].output_basis[0, 0]
        if ridge[j] * eta_per_unit**2 <= MIN_RUNAWAY_VARIANCE * objective.data.total_weight:
            continue
        link, eta = objective.likelihood.layout[name].link, u[j] * eta_per_unit
        bounded = np.isfinite([link.range.low, link.range.high]).any()  # else distances are relative to eta
        scale = eta_per_unit / (1.0 if bounded else max(1.0, abs(eta)))
        variance, step = ridge[j] * scale**2 / objective.data.total_weight, -(ridge @ hessian_point.gradient) * scale
        if not variance > MIN_RUNAWAY_VARIANCE:
            continue
        direction, reliable = ridge / ridge[j] / scale, variance < VARIANCE_OF_ROUNDING
        if reliable and abs(step) < MAX_STEP_AT_MAXIMUM:
            sign = _side_without_fall(objective, u, value, direction)
            if not sign and (edge := _limit_as_high(objective, u, value, name)):
                edges[name] = edge
                continue
        else:
            own = np.eye(objective.size)[j] * direction[j]  # where others diverge as well, their ridges may be mixed
            sign = flat_side(objective, u, value, direction) or flat_side(objective, u, value, own)
            sign = sign or (np.sign(step) if reliable and step else np.sign(eta))
        if not sign:
            continue
        if _differs(objective, value, u + sign * direction):
            continue
        edges[name] = _edge_towards(objective, name, eta, sign)
    return edges


def _far_from_zero_together(objective: Objective, u: np.ndarray, names: list[str]) -> dict[str, str]:
    """Scalar parameters far from zero, of which the log-likelihood only knows a combination with another one that is far too.

    Their Hessian is nearly singular, and all rounding error where the law loses digits next to its limit.
    """
    far, edges = dict[str, float](), dict[str, str]()
    for name, design in objective.designs.items():
        if design.linear and design.intercept and not design.vector:
            eta = u[objective.slices[name].start] * design.output_basis[0, 0]  # of the mean row
            far |= {name: eta} if abs(eta) >= ETA_NEAR_LIMIT else {}
    value = objective.value(u)
    for pair in combinations(far, 2):
        one_unit_back = u.copy()
        for name in pair:
            one_unit_back[objective.slices[name].start] -= np.sign(far[name]) / objective.designs[name].output_basis[0, 0]
        loss = objective.value(one_unit_back) - value
        if objective.data.total_weight * abs(loss) < MAX_LOSS_NEAR_LIMIT:
            edges |= {name: _edge_towards(objective, name, far[name], far[name]) for name in pair if name in names}
    return edges


def _limit_as_high(objective: Objective, u: np.ndarray, value: float, name: str) -> str:
    """The end of a parameter's domain at which the law's limit has a likelihood as high as `value`; empty if there is none.

    On a bent ridge towards a limit the derivatives look like those of a flat maximum. Where the law does not say what it
    becomes at an end, values on the way there stand for it.
    """
    law, link = objective.likelihood, objective.likelihood.layout[name].link
    eta = u[objective.slices[name].start] * objective.designs[name].output_basis[0, 0]
    for sign in (-1.0, 1.0):
        edge = _edge_towards(objective, name, eta, sign)
        values = [end_of(law, name, edge)]
        if not admits_end(law, name, edge):
            values = [link.inverse(eta + sign * multiple * max(1.0, abs(eta))) for multiple in MULTIPLES_TOWARDS_END]
        if all(loss <= value + value_rounding(value) for loss in _least_losses(objective, u, name, values)):
            return edge
    return ""


def _least_losses(objective: Objective, u: np.ndarray, name: str, values: Iterable[float]) -> Iterator[float]:
    """The values of the objective, minimised with a parameter held at each of some values; infinite where the law has none."""
    start = np.delete(u, objective.slices[name])
    for at in values:
        held = with_held(objective, name, at)
        with np.errstate(all="ignore"):
            if held is None or not held.evaluate(start, 0).finite:
                yield np.inf
                return
            start = newton(held, start, tol=TOL_AT_LIMIT, max_iter=ITERATIONS_AT_LIMIT).x
            yield held.value(start)


def _edge_towards(objective: Objective, name: str, eta: float, direction: float) -> str:
    """The edge of a parameter's domain to which its linear predictor leads from `eta` on, in the direction of a sign."""
    return "upper" if objective.likelihood.layout[name].link.inverse_derivatives(eta)[1] * direction > 0 else "lower"


def flat_side(objective: Objective, u: np.ndarray, value: float, direction: np.ndarray) -> float:
    """The sign of the side of a direction on which the log-likelihood is constant, if it falls on the other; else 0."""
    for length in (5.0, 20.0, 80.0, 320.0):
        ahead, back = (_differs(objective, value, u + sign * length * direction) for sign in (1, -1))
        if ahead or back:
            return float(back) - float(ahead)
    return 0.0


def _side_without_fall(objective: Objective, u: np.ndarray, value: float, direction: np.ndarray) -> float:
    """The sign of the side of a direction on which the log-likelihood nowhere falls, as far as it is finite; 0 at a maximum."""
    with np.errstate(all="ignore"):
        size = max(1.0, abs(value))
        for sign in (1.0, -1.0):
            next_to, near, *far = (objective.value(u + sign * length * direction) for length in (0.5, 5.0, 20.0, 80.0, 320.0))
            farther = [loss for loss in far if np.isfinite(loss)]
            if next_to <= value + value_rounding(value) and max([near, *farther]) <= value + MAX_ROUNDING_AT_EDGE * size:
                return sign
    return 0.0


def _differs(objective: Objective, value: float, v: np.ndarray) -> bool:
    """Whether the total log-likelihood at a flat vector differs from that of a `value` of the objective."""
    with np.errstate(all="ignore"):
        return not objective.data.total_weight * abs(objective.value(v) - value) < MIN_LOGLIK_DIFFERENCE


def _far_from_zero(objective: Objective, u: np.ndarray, names: Any) -> dict[str, str]:
    """Parameters with a linear predictor far from zero, on which the log-likelihood no longer depends.

    For vectors of which only differences count, such as logits, the distance is that from the largest entry.
    """
    edges = {}
    for name in names:
        design, place, link = objective.designs[name], objective.slices[name], objective.likelihood.layout[name].link
        intercept, slopes = design.expand(u[place])
        relative = len(intercept) > design.output_basis.shape[1]  # only differences of entries count
        for k, eta in enumerate(intercept):
            distance = eta - (intercept.max() if relative else 0.0)
            if abs(distance) < ETA_NEAR_LIMIT:
                continue
            moved, back = intercept.copy(), u.copy()
            bounded = relative or np.isfinite([link.range.low, link.range.high]).any()  # else distances are relative to eta
            moved[k] -= np.sign(distance) if bounded else distance / 2
            back[place] = design.coordinates(moved, slopes)
            if objective.data.total_weight * abs(objective.value(back) - objective.value(u)) < MAX_LOSS_NEAR_LIMIT:
                label = f"{name}[{objective.likelihood.layout[name].entries[k]!r}]" if design.vector else name
                edges[label] = _edge_towards(objective, name, eta, distance)
    return edges
