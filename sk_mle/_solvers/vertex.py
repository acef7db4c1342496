"""The minimiser for laws whose log-likelihood has kinks in its first parameter.

The kinks are rounded, the rounded objective is minimised by Newton steps, and the rounding is taken back tenfold at a
time: its minima lead to the solution (Madsen and Nielsen 1993, doi:10.1137/0803010, with a hyperbola for Huber's function).
The samples nearest to their kinks then tell the vertex, whose equations are solved exactly, and the smallest subgradient
says whether it is the optimum. Where the log-likelihood is curved between the kinks, its maximum may lie there, and Newton
steps find it.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import block_diag, null_space
from scipy.optimize import OptimizeResult, lsq_linear

from .._model.data import Data
from .newton import newton
from .plane import Plane

MAX_NEWTON_STEPS = 50  # Newton steps without rounding
MIN_STEP_LENGTH = 1e-3  # Newton step where curvature changes by orders of magnitude within the gain that values can show
SLOPE_DISTANCE = 1e-8  # distance from a kink, in units of its law's width, at which its two slopes are taken
MAX_ACTIVE_SET_ROWS = 500  # samples on their kinks for which the smallest subgradient is found by active sets
MAX_ROUNDING_WIDTHS = 100.0  # widths of the rounding within which a sample may belong on its kink


def vertex(fun, x0, args=(), jac=None, objective=None, tol=1e-8, maxiter=100, callback=None, **unused):
    """Path of rounded minima to the vertex, as a callable for `scipy.optimize.minimize`."""
    law, x, n_iter, size = objective.likelihood, x0, 0, np.inf
    if _curvature(objective, x) > 0:
        result = newton(objective, x, tol=tol, max_iter=min(maxiter, MAX_NEWTON_STEPS))
        x, n_iter, size = result.x, result.nit, np.abs(result.jac).max()
    for exponent in range(1, 11):
        if size <= tol:
            break
        rounded = objective.like(law.smoothed(10.0**-exponent))
        result = newton(rounded, x, tol=tol, max_iter=maxiter, shortest=MIN_STEP_LENGTH)
        x, n_iter = result.x, n_iter + result.nit
        if objective.unbounded(x, result.fun):
            break
        if exponent >= 3:
            corner, size = _snap(objective, x, 10.0**-exponent)
            if size <= tol or (exponent == 10 and objective.value(corner) <= objective.value(x)):
                x = corner
    if callback is not None:
        callback(OptimizeResult(x=x, fun=objective.value(x)))
    return OptimizeResult(x=x, fun=objective.value(x), nit=n_iter, subgradient=size, success=size <= tol)


def _curvature(objective, x):
    """Curvature of the typical sample's log-likelihood in the first parameter, on the scale of its squared gradient.

    It is 0 where kinks are joined by straight lines, negative where it bends towards them: there every vertex is a maximum.
    """
    name, data = next(iter(objective.designs)), objective.data
    keep = data.weight > 0
    with np.errstate(all="ignore"):
        result = objective.likelihood.evaluate(data.y[keep], objective.eta(x), 2)
        curvature = np.median(result.information[name, name]) / np.median(result.gradient[name] ** 2)
    return curvature if np.abs(curvature) > 1e-3 else 0.0


def _snap(objective, x, width):
    """The point near x where as many samples as possible sit on their kink, and the smallest subgradient there.

    Where the objective is curved, or penalised, only those that the rounding has brought close to it.
    """
    name, design = next(iter(objective.designs.items()))
    place, law, data = objective.places[name], objective.likelihood, objective.data
    keep = np.flatnonzero(data.weight > 0)
    y, weight = data.y[keep], data.weight[keep] / data.total_weight
    at = law.parameter(name).link.link(law.kinks(y))  # the kinks, as linear predictors
    eta = objective.eta(x)
    curvature = np.sqrt(law.evaluate(y, eta, 2, "expected").information[name, name])
    unit = np.where(curvature > 0, 1 / curvature, np.abs(eta[name] - at).max(initial=1e-300))
    tiny = SLOPE_DISTANCE * (unit + 1e-3 * np.abs(at))
    below, above = (law.evaluate(y, {**eta, name: at + side * tiny}, 1).gradient[name] for side in (-1, 1))

    distance = np.abs(eta[name] - at) / unit
    near, active = _corner(design, data, keep, distance)
    if name in objective.penalties or _curvature(objective, x):
        active = [i for i in active if distance[near[i]] <= MAX_ROUNDING_WIDTHS * width]
    rows = design.coordinate_rows(data.X[keep[near[active]]]) * design.unit[0, 0]
    x = x.copy()
    x[place] += np.linalg.lstsq(rows, (at - eta[name])[near[active]], rcond=None)[0]
    face = _face(objective, x, place, rows)
    if face.size:
        x = face.at(newton(face, np.zeros(face.size), tol=1e-11, max_iter=MAX_NEWTON_STEPS, shortest=MIN_STEP_LENGTH).x)

    eta = objective.eta(x)
    gradient = law.evaluate(y, eta, 1).gradient[name]
    kinked = np.flatnonzero((np.abs(eta[name] - at) <= 0.1 * tiny) & (below > above))[:10_000]
    gradient[kinked] = 0.0
    pull = _pull(objective, design, name, keep, weight * gradient) - _penalty(objective, name, x)
    rest = np.delete(objective.gradient(x), place)
    if len(kinked):
        rows = design.coordinate_rows(data.X[keep[kinked]]) * design.unit[0, 0] * weight[kinked, None]
        method = "bvls" if len(kinked) <= MAX_ACTIVE_SET_ROWS else "trf"  # exact, where it is fast
        pull = pull + rows.T @ lsq_linear(rows.T, -pull, (above[kinked], below[kinked]), method, tol=1e-14).x
    return x, float(np.abs(np.concatenate([pull, rest])).max())


def _face(objective, x, place, rows) -> Plane:
    """The objective on the face where the active samples stay on their kinks."""
    inside = null_space(rows, rcond=1e-12) if len(rows) else np.eye(place.stop)
    return Plane(objective, x, block_diag(inside, np.eye(len(x) - place.stop)))


def _corner(design, data, keep, distance):
    """The samples nearest to their kinks, and which of them are linearly independent; more are looked at under ties."""
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
    """Indices of the first rows that are linearly independent, in order."""
    chosen, basis = [], np.zeros((0, rows.shape[1]))
    for i, row in enumerate(rows):
        rest = row - basis.T @ (basis @ row)
        rest -= basis.T @ (basis @ rest)
        if np.linalg.norm(rest) > 1e-8 * np.linalg.norm(row):
            chosen.append(i)
            basis = np.vstack([basis, rest / np.linalg.norm(rest)])
        if len(chosen) == rows.shape[1]:
            break
    return chosen


def _pull(objective, design, name, keep, values):
    """Sum over rows of values times the rows' coordinates."""
    data = objective.data
    full = np.zeros(data.n_samples)
    full[keep] = values
    spread = Data(data.X, full, data.weight, {}, data.n_jobs)

    def block(batch):
        total = np.array([[batch.y.sum()]])
        if design.columns is None:
            return {"sum": total}
        return {"sum": np.concatenate([total, design.columns.rows(batch.X).T @ batch.y[:, None]])}

    return design.collapse(spread.reduce(block)["sum"])


def _penalty(objective, name, x):
    penalty = objective.penalties.get(name)
    return penalty.gradient(x[objective.places[name]]) if penalty else 0.0
