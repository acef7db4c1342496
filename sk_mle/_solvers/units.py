"""Units per parameter in which the mean information is the identity, and what an objective becomes in others."""

from __future__ import annotations

import numpy as np

from .._model.data import total
from .._model.objective import Objective, Point

ROWS_PER_BLOCK = 1 << 14  # at a time, where X is not needed


def information(law, y, weight, eta) -> dict:
    """Mean information at linear predictors, by pairs of parameters."""
    step = max(ROWS_PER_BLOCK // sum(value[0].size for value in eta.values()), 256)
    sums: dict = {}
    for first in range(0, len(y), step):
        rows = slice(first, first + step)
        found = law.evaluate(y[rows], {name: value[rows] for name, value in eta.items()}, 2, "expected").information
        with np.errstate(all="ignore"):
            for pair, value in found.items():
                sums[pair] = sums.get(pair, 0.0) + total(value, weight[rows])
    mass = weight.sum()
    return {pair: value / mass for pair, value in sums.items()}


def seen(objective: Objective, hessian) -> dict:
    """Mean information of every parameter as the Hessian shows it: in its intercept, or else over its coordinates."""
    means = {}
    for name, design in objective.designs.items():
        place, (r, k) = objective.places[name], design.shape
        block = hessian[place, place].reshape(r, k, r, k)
        mean = block[0, :, 0] if design.intercept else np.einsum("ikil->kl", block) / r
        back = design.directions(np.eye(len(design.unit)))
        means[name, name] = back @ mean @ back.T if design.vector else mean[0, 0] * back[0, 0] ** 2
    return means


def with_units(objective: Objective, information: dict) -> Objective:
    """Units per parameter in which the mean information is the identity."""
    designs = {}
    for name, design in objective.designs.items():
        mean, basis = information.get((name, name), 1.0), objective.likelihood.parameter(name).basis
        if basis is None:
            size = np.sqrt(np.abs(mean))
            designs[name] = design.with_unit(np.array([[1 / size if 0 < size < np.inf else 1.0]]))
            continue
        mean = basis.T @ (mean if np.ndim(mean) else np.eye(len(basis))) @ basis
        mean = np.where(np.isfinite(mean), mean, np.eye(len(mean)))
        scale = np.sqrt(np.abs(np.diag(mean)))
        scale[scale == 0] = scale.max() or 1.0
        values, vectors = np.linalg.eigh(mean / np.outer(scale, scale))
        values = np.maximum(np.abs(values), 1e-10 * np.abs(values).max() or 1.0)
        designs[name] = design.with_unit(basis @ (vectors / np.sqrt(values) / scale[:, None]) @ vectors.T)
    return objective.like(designs=designs)


def converted(old: Objective, new: Objective, u, point: Point | None = None, information: str = "observed") -> np.ndarray:
    """The same point in coordinates of other units, where what is known there is remembered."""
    v = np.zeros_like(u)
    for name, place in old.places.items():
        before, after = old.designs[name], new.designs[name]
        v[place] = after.directions(u[place].reshape(before.shape) @ before.unit.T).ravel()
    if point is not None:
        turns = {name: design.directions(new.designs[name].unit.T).T for name, design in old.designs.items()}
        hessian = _turned(_turned(point.hessian, old, turns).T, old, turns) if point.order == 2 else None
        new.remember(v, Point(point.value, _turned(point.gradient, old, turns), hessian), information)
    return v


def _turned(values, old: Objective, turns: dict) -> np.ndarray:
    """Derivatives (..., size) in coordinates of which the old ones are a multiple, matrices (k, k) by parameter."""
    each = values.shape[:-1]
    return np.concatenate(
        [
            (values[..., old.places[name]].reshape(*each, *old.designs[name].shape) @ turn).reshape(*each, -1)
            for name, turn in turns.items()
        ],
        axis=-1,
    )


def eased(objective) -> Objective:
    """Coordinates in which not the likelihood alone but likelihood and penalty together have unit curvature.

    Otherwise a penalty on columns of small scale would be a large number there, and its rounding the error of the fit.
    """
    designs = dict(objective.designs)
    for name, penalty in objective.penalties.items():
        inner = penalty.inner * np.trace(penalty.outer) / len(penalty.outer)
        if inner.ndim == 1:
            designs[name] = designs[name].rotated(1 / np.sqrt(1 + inner))
        else:
            values, vectors = np.linalg.eigh(inner)
            designs[name] = designs[name].rotated(vectors / np.sqrt(1 + np.maximum(values, 0.0)))
    return objective.like(designs=designs) if objective.penalties else objective


def constant(data, design, value) -> np.ndarray:
    """Coordinates of a constant linear predictor, or of the nearest one: without an intercept, often a column of ones."""
    level = design.directions(np.atleast_1d(value))
    flat = np.zeros(design.shape)
    if design.intercept:
        flat[0] = level
    elif design.columns is not None:
        means = _means(data, design)
        flat = np.outer(means / max(1.0, means @ means), level)  # above 1 where coordinates are scaled, not rotated
    return flat.ravel()


def _means(data, design):
    """Means of the rows' coordinates, in one direction of the parameter."""
    sums = data.reduce(lambda batch: {"sums": design.columns.rows(batch.X).T @ batch.weight})["sums"]
    plain = design.with_unit(np.eye(1))
    return plain.collapse(np.concatenate([[data.total_weight], sums])[:, None]) / data.total_weight
