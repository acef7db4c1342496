"""Unidentified coefficients: directions along which the likelihood of no row changes.

An example is the coefficient of a category in a part of a law in which no row of that category lies. Gradient and curvature
are zero along such a direction, so a fit leaves it at its start; the minimum-norm coefficients are chosen, as for linearly
dependent columns, and the direction does not count as a parameter.

Flat vector: `u[objective.slices[name]]`, reshaped to `design.shape`, holds the coordinates of one parameter
(`_model/objective.py` states the layout).
"""

from __future__ import annotations

import operator
from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .._model.design import MAX_ROTATED_COLUMNS
from .._model.objective import Objective
from .curves import curves_of
from .solvers import Solution

if TYPE_CHECKING:
    from .._model.data import Batch
    from .._model.design import Design
    from ..likelihoods import Likelihood

ROWS_OF_FIRST_LOOK = 500  # rows of the first check of a fit with a preconditioner
PROBE_DISTANCE = 1.0  # from the median linear predictor, at which the gradient of a row must be zero as well
# Gradient of a row up to which its likelihood counts as level, and the distance over which it must be.
MAX_PLATEAU_SLOPE, PLATEAU_WIDTH = 1e-7, 0.01
MAX_NULL_EIGENVALUE = 1e-12  # largest eigenvalue of the null space, relative to that of the matrix
ROWS_PER_BLOCK = 4096


def minimum_norm(objective: Objective, solution: Solution, penalised: Collection[str] = ()) -> tuple[Objective, Solution]:
    """The same model with minimum-norm coefficients; `solution.result` gets `unidentified` directions by parameter.

    Those of parameters with a penalty, of the objective or `penalised` otherwise, are identified.
    """
    skipped = objective.size > MAX_ROTATED_COLUMNS or solution.result.get("minimum_certified")  # certified: of full rank
    # an unbounded density is so narrow that its gradient underflows, and its first parameter is the exact fit already
    if skipped or solution.unbounded:
        return objective, solution
    if objective.preconditioner is not None:
        sample = objective.data.subsample(ROWS_OF_FIRST_LOOK)
        y, eta = sample.y[sample.weight > 0], objective.eta(solution.u, sample)
        masks = _without_gradient(objective.likelihood, objective.designs, _medians(eta), y, eta)
        if not any(mask.any() for mask in masks.values()):
            return objective, solution
    u, unidentified = solution.u.copy(), directions_without_information(objective, solution.u)
    unidentified = {name: free for name, free in unidentified.items() if name not in penalised}
    for name, free in unidentified.items():
        design, place = objective.designs[name], objective.slices[name]
        if not design.linear:
            continue
        slopes = np.stack([design.coefficients(direction)[1].ravel() for direction in free.T], axis=1)
        if len(slopes):
            u[place] -= free @ np.linalg.lstsq(slopes, design.coefficients(u[place])[1].ravel(), rcond=None)[0]
    solution.result["unidentified"] = unidentified
    return objective, solution._replace(u=u)


def directions_without_information(objective: Objective, u: np.ndarray) -> dict[str, np.ndarray]:
    """Orthonormal directions (size, m) by parameter along which the likelihood of no row changes."""
    designs = {name: one for name, one in objective.designs.items() if one.linear and name not in objective.penalties}
    medians = _medians(objective.eta(u))
    unidentified: dict[str, np.ndarray] = {}
    for name, curve in curves_of(objective).items():
        free = curve.flat_directions(objective.data, u[objective.slices[name]])
        unidentified |= {name: free} if free.shape[1] else {}
    law = objective.likelihood
    n_without = objective.over_rows(u, partial(_n_without_gradient, law, designs, medians))
    # products cost as much as a Hessian, and where all rows inform there is nothing to be found
    doubtful = {name: design for name, design in designs.items() if n_without[name]}
    grams = objective.over_rows(u, partial(_informative_products, law, doubtful, medians)) if doubtful else {}
    for name, gram in grams.items():
        free = null_space_of_rows(gram, MAX_NULL_EIGENVALUE)[0]
        if free.shape[1]:
            unidentified[name] = free
    return unidentified


def _medians(eta: dict) -> dict[str, np.ndarray]:
    """Median linear predictors by parameter."""
    return {name: np.median(value, axis=0) for name, value in eta.items()}


def _n_without_gradient(law: Likelihood, designs: dict[str, Design], medians: dict, batch: Batch, eta: dict) -> dict:
    """Numbers by parameter of the linear predictors of a block on which the likelihood does not depend."""
    return {name: np.count_nonzero(mask) for name, mask in _without_gradient(law, designs, medians, batch.y, eta).items()}


def _informative_products(law: Likelihood, designs: dict[str, Design], medians: dict, batch: Batch, eta: dict) -> dict:
    """`_products` by parameter of the linear predictors of a block on which the likelihood depends."""
    masks = _without_gradient(law, designs, medians, batch.y, eta)
    return {name: _products(designs[name], batch.X, ~mask) for name, mask in masks.items()}


def plateaus(objective: Objective, u: np.ndarray) -> dict[str, np.ndarray]:
    """Directions (size, m) by parameter that change only counts or classes whose likelihood is level here and beyond.

    The maximum is then a plateau: all rows of a category are certain from some value of its coefficient on.
    """
    law = objective.likelihood
    directions: dict[str, np.ndarray] = {}
    if law.target_type == "targets" or not (law.support.integer or law.target_type == "classes"):
        return directions
    for name, design in objective.designs.items():
        if design.columns is None or not design.linear or design.vector or name in objective.penalties:
            continue
        if not objective.over_rows(u, partial(_n_on_plateau, law, name), operator.add):
            continue  # their products cost as much as a Hessian, and no plateau is there to be found
        gram = objective.over_rows(u, partial(_products_off_plateau, law, name, design))["gram"]
        free, _ = null_space_of_rows(gram, MAX_NULL_EIGENVALUE)
        if not free.shape[1]:
            continue
        informative, largest = objective.over_rows(u, partial(_largest_changes, law, name, design, free), np.maximum)
        # relative to a level row far out, informative rows change little, but they must not change at all
        free = free[:, informative <= MAX_NULL_EIGENVALUE * largest]
        if free.shape[1]:
            directions[name] = free
    return directions


def _off_plateau(law: Likelihood, name: str, batch: Batch, eta: dict) -> np.ndarray:
    """Mask (n,) of the rows of a block whose likelihood is not level in a parameter, here and beyond."""
    with np.errstate(all="ignore"):
        distances = (0.0, PLATEAU_WIDTH, -PLATEAU_WIDTH)
        gradients = [law.evaluate(batch.y, {**eta, name: eta[name] + distance}, 1).gradient for distance in distances]
    slopes = [gradient.get(name, np.zeros(len(batch.y))) for gradient in gradients]
    here, above, below = (np.abs(slope) <= MAX_PLATEAU_SLOPE for slope in slopes)
    return ~(here & (above | below))


def _n_on_plateau(law: Likelihood, name: str, batch: Batch, eta: dict) -> int:
    """Number of rows of a block on the plateau."""
    return int(np.count_nonzero(~_off_plateau(law, name, batch, eta)))


def _products_off_plateau(law: Likelihood, name: str, design: Design, batch: Batch, eta: dict) -> dict:
    """`_products` of the rows of a block off the plateau."""
    return {"gram": _products(design, batch.X, _off_plateau(law, name, batch, eta)[:, None])}


def _largest_changes(law: Likelihood, name: str, design: Design, directions: Any, batch: Batch, eta: dict) -> np.ndarray:
    """Largest change of a block's linear predictors along each direction: of the rows off the plateau, of all rows; (2, m)."""
    change = np.abs(design.coordinate_rows(batch.X) @ directions)
    informative = _off_plateau(law, name, batch, eta)
    return np.stack([change[informative].max(axis=0, initial=0.0), change.max(axis=0)])


def _without_gradient(
    law: Likelihood, designs: dict[str, Design], medians: dict, y: np.ndarray, eta: dict
) -> dict[str, np.ndarray]:
    """Masks (n, K) by parameter of the linear predictors on which the likelihood of their row does not depend."""
    masks = {name: np.ones((len(y), len(design.output_basis)), bool) for name, design in designs.items()}
    for distance in (0.0, PROBE_DISTANCE, -PROBE_DISTANCE):
        for name in [name for name, mask in masks.items() if mask.any()]:
            value = eta[name] if distance == 0 else 0 * eta[name] + (medians[name] + distance)
            with np.errstate(all="ignore"):
                gradient = law.evaluate(y, {**eta, name: value}, 1).gradient.get(name, np.zeros(value.shape))
            masks[name] &= gradient.reshape(len(y), -1) == 0
    return masks


def _products(design: Design, X: Any, informative: np.ndarray) -> np.ndarray:
    """Products (size, size) of coordinates, summed over the linear predictors of rows X in the mask `informative` (n, K)."""
    gram = np.zeros((design.size, design.size))
    for first in range(0, len(informative), ROWS_PER_BLOCK):
        block = slice(first, first + ROWS_PER_BLOCK)
        rows = design.coordinate_rows(X[block])
        for mask, output in zip(informative[block].T, design.output_basis, strict=True):
            chosen = rows if mask.all() else rows[mask]
            gram += np.kron(chosen.T @ chosen, np.outer(output, output))
    return gram


def null_space_of_rows(gram: np.ndarray, max_eigenvalue: float) -> tuple[np.ndarray, float]:
    """Null space of rows of which only the sum of products is known, and its largest eigenvalue.

    `scipy.linalg.null_space` takes the rows themselves, which may be too many to hold, or lie elsewhere.

    Parameters
    ----------
    gram : ndarray of shape (size, size)
        Products of coordinates, summed over the rows.
    max_eigenvalue : float
        Of the null space, relative to the largest.

    Returns
    -------
    basis : ndarray of shape (size, dimension)
        Orthonormal.
    largest : float
    """
    values, vectors = np.linalg.eigh(gram)
    largest = max(values[-1], 1e-300)
    return vectors[:, values <= max_eigenvalue * largest], largest
