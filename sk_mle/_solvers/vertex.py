"""The minimiser for laws whose log-likelihood has kinks in its first parameter.

The kinks are smoothed, the smoothed objective is minimised by Newton steps, and the width of the smoothing is reduced tenfold
at a time: its minima converge to the solution (Madsen and Nielsen 1993, doi:10.1137/0803010, with a hyperbola for Huber's
function). The rows nearest to their kinks then define a vertex, whose equations are solved exactly, and the smallest
subgradient shows whether it is the optimum. If the log-likelihood is concave between the kinks, the maximum may lie there,
and Newton steps find it.

Flat vector: `x[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout); a
vertex lies in those of the first parameter, which is a scalar.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import block_diag, null_space
from scipy.optimize import OptimizeResult, lsq_linear

from .._model.data import Data
from .newton import newton
from .plane import Plane

MAX_NEWTON_STEPS = 50  # Newton steps without smoothing
MIN_STEP_LENGTH = 1e-3  # shortest Newton step if rounding hides the gain: curvature changes by orders of magnitude
SLOPE_DISTANCE = 1e-8  # distance from a kink, in units of the law's width, at which its two slopes are taken
MAX_ACTIVE_SET_ROWS = 500  # rows on their kinks up to which the smallest subgradient is found by active sets
MAX_SMOOTHING_WIDTHS = 100.0  # distance from its kink, in widths of the smoothing, up to which a row may belong on it


def vertex(
    fun: Any,
    x0: np.ndarray,
    args: tuple = (),
    jac: Any = None,
    objective: Any = None,
    tol: float = 1e-8,
    maxiter: int = 100,
    callback: Callable | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Minimise by smoothed objectives that converge to the vertex, as a callable for `scipy.optimize.minimize`.

    Returns
    -------
    OptimizeResult
        With `subgradient`, the largest entry of the smallest subgradient.
    """
    law, x, n_iter, subgradient = objective.likelihood, x0, 0, np.inf
    if _curvature(objective, x) > 0:
        result = newton(objective, x, tol=tol, max_iter=min(maxiter, MAX_NEWTON_STEPS))
        x, n_iter, subgradient = result.x, result.nit, np.abs(result.jac).max()
    for exponent in range(1, 11):
        if subgradient <= tol:
            break
        smoothed = objective.copy_with(law.smoothed(10.0**-exponent))
        result = newton(smoothed, x, tol=tol, max_iter=maxiter, min_step_length=MIN_STEP_LENGTH)
        x, n_iter = result.x, n_iter + result.nit
        if objective.unbounded(x, result.fun):
            break
        if exponent >= 3:
            at_vertex, subgradient = _solve_vertex(objective, x, 10.0**-exponent)
            if subgradient <= tol or (exponent == 10 and objective.value(at_vertex) <= objective.value(x)):
                x = at_vertex
    if callback is not None:
        callback(OptimizeResult(x=x, fun=objective.value(x)))
    return OptimizeResult(x=x, fun=objective.value(x), nit=n_iter, subgradient=subgradient, success=subgradient <= tol)


def _curvature(objective, x):
    """Median curvature of the rows' loss in the first parameter, relative to that of the squared gradient.

    0 for a loss that is linear between kinks; negative for a concave one, whose minima are all vertices.
    """
    name, data = next(iter(objective.designs)), objective.data
    keep = data.weight > 0
    with np.errstate(all="ignore"):
        result = objective.likelihood.evaluate(data.y[keep], objective.eta(x), 2)
        curvature = np.median(result.information[name, name]) / np.median(result.gradient[name] ** 2)
    return curvature if np.abs(curvature) > 1e-3 else 0.0


def _solve_vertex(objective, x, width):
    """The vertex near x, at which as many rows as possible lie on their kink, and the smallest subgradient there.

    If the objective is penalised or curved between kinks, only rows within reach of the smoothing `width` are placed there.
    """
    name, design = next(iter(objective.designs.items()))
    place, law, data = objective.slices[name], objective.likelihood, objective.data
    keep = np.flatnonzero(data.weight > 0)
    y, weight = data.y[keep], data.weight[keep] / data.total_weight
    kinks = law.parameter(name).link.link(law.kinks(y))  # as linear predictors
    eta = objective.eta(x)
    root = np.sqrt(law.evaluate(y, eta, 2, "expected").information[name, name])
    law_width = np.where(root > 0, 1 / root, np.abs(eta[name] - kinks).max(initial=1e-300))
    tiny = SLOPE_DISTANCE * (law_width + 1e-3 * np.abs(kinks))
    below, above = (law.evaluate(y, {**eta, name: kinks + side * tiny}, 1).gradient[name] for side in (-1, 1))

    distance = np.abs(eta[name] - kinks) / law_width
    near, active = _nearest_kinks(design, data, keep, distance)
    if name in objective.penalties or _curvature(objective, x):
        active = [i for i in active if distance[near[i]] <= MAX_SMOOTHING_WIDTHS * width]
    rows = design.coordinate_rows(data.X[keep[near[active]]]) * design.output_basis[0, 0]
    x = x.copy()
    x[place] += np.linalg.lstsq(rows, (kinks - eta[name])[near[active]], rcond=None)[0]
    face = _face(objective, x, place, rows)
    if face.size:
        x = face.at(newton(face, np.zeros(face.size), tol=1e-11, max_iter=MAX_NEWTON_STEPS, min_step_length=MIN_STEP_LENGTH).x)

    eta = objective.eta(x)
    gradient = law.evaluate(y, eta, 1).gradient[name]
    kinked = np.flatnonzero((np.abs(eta[name] - kinks) <= 0.1 * tiny) & (below > above))[:10_000]
    gradient[kinked] = 0.0
    subgradient = _sum_over_rows(objective, design, name, keep, weight * gradient) - _penalty_gradient(objective, name, x)
    other_gradients = np.delete(objective.gradient(x), place)
    if len(kinked):
        rows = design.coordinate_rows(data.X[keep[kinked]]) * design.output_basis[0, 0] * weight[kinked, None]
        method = "bvls" if len(kinked) <= MAX_ACTIVE_SET_ROWS else "trf"  # the exact method is slow for many rows
        bounds = (above[kinked], below[kinked])
        subgradient = subgradient + rows.T @ lsq_linear(rows.T, -subgradient, bounds, method, tol=1e-14).x
    return x, float(np.abs(np.concatenate([subgradient, other_gradients])).max())


def _face(objective, x, place, rows) -> Plane:
    """The objective on the face on which the active rows stay on their kinks."""
    inside = null_space(rows, rcond=1e-12) if len(rows) else np.eye(place.stop)
    return Plane(objective, x, block_diag(inside, np.eye(len(x) - place.stop)))


def _nearest_kinks(design, data, keep, distance):
    """The rows nearest to their kinks, and the positions among these of linearly independent ones; more rows if these fail."""
    count = 4 * design.size
    while True:
        count = min(count, len(distance))
        near = np.argpartition(distance, count - 1)[:count]
        near = near[np.argsort(distance[near], kind="stable")]
        active = _independent(design.coordinate_rows(data.X[keep[near]]))
        if len(active) == design.size or count == len(distance) or count > 100 * design.size:
            return near, active
        count *= 4


def _independent(rows):
    """Indices of the rows that are linearly independent of those before."""
    chosen, basis = [], np.zeros((0, rows.shape[1]))
    for i, row in enumerate(rows):
        residual = row - basis.T @ (basis @ row)
        residual -= basis.T @ (basis @ residual)
        if np.linalg.norm(residual) > 1e-8 * np.linalg.norm(row):
            chosen.append(i)
            basis = np.vstack([basis, residual / np.linalg.norm(residual)])
        if len(chosen) == rows.shape[1]:
            break
    return chosen


def _sum_over_rows(objective, design, name, keep, values):
    """Sum over the rows `keep` of values times their coordinates, of shape (design.size,)."""
    data = objective.data
    full = np.zeros(data.n_samples)
    full[keep] = values
    values_as_y = Data(data.X, full, data.weight, {}, data.n_jobs)

    def block(batch):
        total = np.array([[batch.y.sum()]])
        if design.columns is None:
            return {"sum": total}
        return {"sum": np.concatenate([total, design.columns.rows(batch.X).T @ batch.y[:, None]])}

    return design.expand_adjoint(values_as_y.reduce(block)["sum"])


def _penalty_gradient(objective, name, x):
    """Gradient of a parameter's penalty at x, or 0."""
    penalty = objective.penalties.get(name)
    return penalty.gradient(x[objective.slices[name]]) if penalty else 0.0
