"""Least squares by cross products: an objective of about as many rows as coordinates, of the same value everywhere.

Where the log-likelihood of a row is that of the difference of y and the first linear predictor, and quadratic in it, with
constants for the other parameters, the rows enter by the cross products of the columns and y alone. So k + 1 rows suffice that
have these: with G = R'R the mean of the products of the columns, b the solution of least squares and s its mean squared
residual, the rows of R with targets R b, and one row of zeros with the root of s. All weigh the same, and together as before.

Flat vector: u holds the coordinates of all parameters, as in the objective of all rows (`_model/objective.py` states the
layout).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .._model.data import Data, weighted_sum
from .._model.design import Columns, Design
from .._model.objective import Objective
from ..domains import REAL
from .start import ROWS_OF_FIRST_LOOK, is_quadratic

MIN_ROWS_PER_COORDINATE = 20  # from which few rows are worth the passes that find them
MIN_RESIDUAL = 1e-10  # root mean square, relative to that of y, above which sums of squares have digits enough


def on_few_rows(objective: Objective, rotated: Objective, start: np.ndarray) -> Objective | None:
    """The objective on few rows, with the same coordinates; None where it depends on more than cross products.

    Parameters
    ----------
    objective : Objective
    rotated : Objective
        The same in the coordinates of the start of a fit.
    start : ndarray of shape (size,)
        Of `rotated`.
    """
    data, (name, design) = objective.data, next(iter(objective.designs.items()))
    if data.n_kept < MIN_ROWS_PER_COORDINATE * objective.size or not _is_least_squares(objective):
        return None
    curvature = _curvature(objective, rotated, start)
    root, b = _orthonormal_root(rotated, design, start, curvature) or _root(objective, rotated, start, curvature)
    u = _converted(objective, rotated, start)
    u[objective.slices[name]] = b
    squares = objective.over_rows(u, partial(_squared_residuals, name))
    residual, size = (np.sqrt(squares[key] / data.total_weight) for key in ("residual", "target"))
    if not residual > MIN_RESIDUAL * size:
        return None
    k, unit = len(root) + 1, design.output_basis[0, 0]
    X = np.sqrt(k) * np.vstack([root, np.zeros((1, design.size))])
    y = np.sqrt(k) * np.append(unit * (root @ b), residual)
    columns = Design(Columns(slice(None)), np.zeros(design.size), np.ones(design.size), False, design.output_basis)
    few = Data(X, y, np.full(k, data.total_weight / k), {})
    return Objective(objective.likelihood, few, {**objective.designs, name: columns}, {}).with_penalties(objective.penalties)


def _is_least_squares(objective) -> bool:
    """Whether the rows of the objective are those of the module's docstring."""
    name, *others = objective.designs
    law, y = objective.likelihood, objective.data.few.y[:ROWS_OF_FIRST_LOOK]
    if law.support != REAL or objective.data.offset_names & set(others) or not is_quadratic(objective):
        return False
    eta = {other: np.zeros(len(y)) for other in others}
    here, moved = (law.evaluate(y + shift, eta | {name: np.full(len(y), shift)}, 0).loglik for shift in (0.0, 1.0))
    return bool(np.allclose(here, moved, rtol=1e-10, atol=0.0))


def _curvature(objective, rotated, start) -> float:
    """Information of every row in the first linear predictor, per squared coordinate."""
    name, *others = rotated.designs
    constants = {other: rotated.designs[other].coefficients(start[rotated.slices[other]])[0] for other in others}
    result = objective.likelihood.evaluate(objective.data.few.y[:1], constants | {name: np.zeros(1)}, 2)
    return float(result.information[name, name][0]) * rotated.designs[name].output_basis[0, 0] ** 2


def _orthonormal_root(rotated, design, start, curvature):
    """R, the map to coordinates in which columns are orthonormal, and the solution; None where those of `rotated` are not."""
    name, old = next(iter(rotated.designs.items()))
    orthonormal = old.columns.rotation is not None or old.column_basis.ndim == 2
    if rotated.penalties or not orthonormal or old.size != design.size:
        return None
    solution = start[rotated.slices[name]] - rotated.gradient(start)[rotated.slices[name]] / curvature
    left, right = (one.original_matrix()[int(not one.intercept) :] for one in (old, design))
    norm = np.linalg.norm(left, axis=1, keepdims=True)
    live = norm[:, 0] > 0  # constant columns have no coordinate
    return np.linalg.solve(left[live] / norm[live], right[live] / norm[live]), design.coordinates(*old.coefficients(solution))


def _root(objective, rotated, start, curvature):
    """R, from the Hessian of all rows, and a solution."""
    name, u = next(iter(objective.designs)), _converted(objective, rotated, start)
    place, point = objective.slices[name], objective.evaluate(u, 2)
    hessian, gradient = point.hessian[place, place], point.gradient[place]
    if name in objective.penalties:
        hessian, gradient = (
            hessian - objective.penalties[name].hessian(),
            gradient - objective.penalties[name].gradient(u[place]),
        )
    ratio = (objective.designs[name].output_basis[0, 0] / rotated.designs[name].output_basis[0, 0]) ** 2
    values, vectors = np.linalg.eigh(hessian / (curvature * ratio))
    values = np.maximum(values, 0.0)
    return np.sqrt(values)[:, None] * vectors.T, u[place] - np.linalg.lstsq(hessian, gradient, rcond=None)[0]


def _converted(objective, rotated, start) -> np.ndarray:
    """The flat vector of the objective at a point of `rotated`."""
    parts = [
        objective.designs[name].coordinates(*design.coefficients(start[rotated.slices[name]]))
        for name, design in rotated.designs.items()
    ]
    return np.concatenate(parts)


def _squared_residuals(name, batch, eta) -> dict[str, np.ndarray]:
    """Weighted sums over a block of the squares of the residuals and of y."""
    return {
        "residual": weighted_sum((batch.y - eta[name]) ** 2, batch.weight),
        "target": weighted_sum(batch.y**2, batch.weight),
    }
