"""The minimiser for laws whose log-likelihood has kinks in its first parameter.

The kinks are rounded, the rounded objective is minimised by Newton steps, and the rounding is taken back tenfold at a
time: its minima lead to the solution (Madsen and Nielsen 1993, doi:10.1137/0803010, with a hyperbola for Huber's function).
The samples nearest to their kinks then tell the vertex, whose equations are solved exactly, and the smallest subgradient
says whether it is the optimum.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import OptimizeResult, lsq_linear

from .data import Data
from .newton import newton
from .objective import Objective


def vertex(fun, x0, args=(), jac=None, objective=None, tol=1e-8, maxiter=100, callback=None, **unused):
    """Path of rounded minima to the vertex, as a callable for `scipy.optimize.minimize`."""
    law, x, n_iter, size = objective.likelihood, x0, 0, np.inf
    for exponent in range(1, 11):
        rounded = objective.like(law.smoothed(10.0**-exponent))
        result = newton(None, x, objective=rounded, tol=tol, maxiter=maxiter)
        x, n_iter = result.x, n_iter + result.nit
        if result.fun < objective.floor:
            break
        if exponent >= 3:
            corner, size = _snap(objective, x, 10.0**-exponent)
            if size <= tol or (exponent == 10 and objective.value(corner) <= objective.value(x)):
                x = corner
                break
    if callback is not None:
        callback(OptimizeResult(x=x, fun=objective.value(x)))
    return OptimizeResult(x=x, fun=objective.value(x), nit=n_iter, subgradient=size, success=size <= tol)


def _snap(objective, x, width):
    """The point near x where as many samples as possible sit on their kink, and the smallest subgradient there.

    Near the final width the samples within its reach are taken to be on their kinks.
    """
    name, design = next(iter(objective.designs.items()))
    place, law, data = objective.places[name], objective.likelihood, objective.data
    keep = np.flatnonzero(data.weight > 0)
    y, weight = data.y[keep], data.weight[keep] / data.total_weight
    at = law.link(name).link(law.kinks(y))  # the kinks, as linear predictors
    eta = objective.eta(x)
    tiny = 1e-7 * np.maximum(np.abs(at), np.abs(eta[name] - at).max(initial=1e-300))
    below, above = (law.evaluate(y, {**eta, name: at + side * tiny}, 1).gradient[name] for side in (-1, 1))
    distance = np.abs(eta[name] - at) * (below - above)

    near, active = _corner(design, data, keep, distance)
    if len(active) == design.size and name not in objective.penalties:
        rows = design.coordinate_rows(data.X[keep[near[active]]]) * design.unit[0, 0]
        x = x.copy()
        x[place] += np.linalg.solve(rows, (at - eta[name])[near[active]])
        x = _others(objective, x, name)
        eta = objective.eta(x)
        distance = np.abs(eta[name] - at) * (below - above)
        reach = 1e-9 * (1 + np.abs(at) * (below - above))
    elif width > 1e-8:
        return x, np.inf  # no vertex: only the end of the path is close enough to tell
    else:
        reach = 1e3 * width
    slope = law.evaluate(y, eta, 1).gradient[name]
    kinked = np.flatnonzero(distance <= reach)[:10_000]
    slope[kinked] = 0.0
    pull = _pull(objective, design, name, keep, weight * slope) - _penalty(objective, name, x)
    if len(kinked) == 0:
        return x, float(np.abs(pull).max())
    rows = design.coordinate_rows(data.X[keep[kinked]]) * design.unit[0, 0] * weight[kinked, None]
    found = lsq_linear(rows.T, -pull, bounds=(above[kinked], below[kinked]), tol=1e-14)
    return x, float(np.abs(rows.T @ found.x + pull).max())


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


def _others(objective, x, name):
    """The best values of the other parameters, the first one staying where it is: a smooth problem."""
    if len(objective.designs) == 1:
        return x
    data = objective.data
    offset = {**data.offset, name: np.zeros(data.n_samples)}
    offset[name][data.weight > 0] = objective.eta(x)[name]
    still = replace(objective.designs[name], columns=None, shift=np.zeros(0), slopes=np.zeros((0, 0)), intercept=False)
    alpha = {key: value for key, value in objective.alpha.items() if key != name}
    pinned = Data(data.X, data.y, data.weight, offset, data.n_jobs)
    rest = Objective(objective.likelihood, pinned, {**objective.designs, name: still}, alpha)
    moved = x.copy()
    moved[objective.places[name].stop :] = newton(None, x[objective.places[name].stop :], objective=rest, tol=1e-11).x
    return moved


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
