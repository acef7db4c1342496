"""Changes of coordinates: output bases in which the mean information of each parameter is the identity.

Flat vector: `u[objective.slices[name]]`, reshaped to `design.shape`, holds the coordinates of one parameter; a change of its
output basis multiplies them, and derivatives, from the right (`_model/objective.py` states the layout). The mean information
of a parameter is that in its linear predictors: a number, or (K, K) for a vector parameter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._model.data import transposed, weighted_sum
from .._model.objective import Objective, Point
from ..likelihoods import Likelihood
from ..likelihoods._functions import expected_information_at

if TYPE_CHECKING:
    from .._model.data import Data
    from .._model.design import Design

ROWS_PER_BLOCK = 1 << 14


def mean_information(law: Likelihood, y: np.ndarray, weight: np.ndarray, eta: Any) -> dict:
    """Weighted mean of the expected information at linear predictors `eta`, by pairs of parameters."""
    step = max(ROWS_PER_BLOCK // sum(value[0].size for value in eta.values()), 256)
    sums: dict = {}
    for first in range(0, len(y), step):
        rows = slice(first, first + step)
        with np.errstate(all="ignore"):
            information = expected_information_at(law, y[rows], {name: value[rows] for name, value in eta.items()})
            for pair, value in information.items():
                sums[pair] = sums.get(pair, 0.0) + weighted_sum(value, weight[rows])
    total_weight = weight.sum()
    return {pair: value / total_weight for pair, value in sums.items()}


def block_information(objective: Objective, hessian: np.ndarray) -> dict:
    """Mean information of every parameter, from the Hessian block of its intercept or, without one, the mean of its blocks."""
    means = {}
    for name, design in objective.designs.items():
        place, (r, k) = objective.slices[name], design.shape
        block = hessian[place, place].reshape(r, k, r, k)
        mean = block[0, :, 0] if design.intercept else np.einsum("ikil->kl", block) / r
        inverse = design.in_output_basis(np.eye(len(design.output_basis)))
        means[name, name] = inverse @ mean @ inverse.T if design.vector else mean[0, 0] * inverse[0, 0] ** 2
    return means


def with_unit_information(objective: Objective, means: dict) -> Objective:
    """The objective in output bases in which the mean information `means` of each parameter is the identity."""
    designs = {}
    for name, design in objective.designs.items():
        mean, basis = means.get((name, name), 1.0), objective.likelihood.layout[name].basis
        if basis is None:
            root = np.sqrt(np.abs(mean))
            designs[name] = design.with_output_basis(np.array([[1 / root if 0 < root < np.inf else 1.0]]))
            continue
        mean = basis.T @ (mean if np.ndim(mean) else np.eye(len(basis))) @ basis
        mean = np.where(np.isfinite(mean), mean, np.eye(len(mean)))
        scale = np.sqrt(np.abs(np.diag(mean)))
        scale[scale == 0] = scale.max() or 1.0
        values, vectors = np.linalg.eigh(mean / np.outer(scale, scale))
        values = np.maximum(np.abs(values), 1e-10 * np.abs(values).max() or 1.0)
        designs[name] = design.with_output_basis(basis @ (vectors / np.sqrt(values) / scale[:, None]) @ vectors.T)
    return objective.copy_with(designs=designs)


def change_basis(
    old: Objective, new: Objective, u: np.ndarray, point: Point | None = None, information: str = "observed"
) -> np.ndarray:
    """The coordinates in `new` output bases of a vector u in `old` ones; `new` remembers the `point` that is known there."""
    v = np.zeros_like(u)
    for name, place in old.slices.items():
        before, after = old.designs[name], new.designs[name]
        v[place] = after.in_output_basis(u[place].reshape(before.shape) @ before.output_basis.T).ravel()
    if point is not None:
        factors = {name: design.in_output_basis(new.designs[name].output_basis.T).T for name, design in old.designs.items()}
        hessian = (
            _change_derivatives(_change_derivatives(point.hessian, old, factors).T, old, factors) if point.order == 2 else None
        )
        new.remember(v, Point(point.value, _change_derivatives(point.gradient, old, factors), hessian), information)
    return v


def _change_derivatives(values: np.ndarray, old: Objective, factors: dict) -> np.ndarray:
    """Derivatives (..., size) in new coordinates; `factors` (k, k) by parameter map the new ones to the old."""
    leading = values.shape[:-1]
    return np.concatenate(
        [
            (values[..., old.slices[name]].reshape(*leading, *old.designs[name].shape) @ factor).reshape(*leading, -1)
            for name, factor in factors.items()
        ],
        axis=-1,
    )


def precondition_penalties(objective: Objective) -> Objective:
    """The objective in coordinates in which likelihood and penalty together have unit curvature.

    In those of the likelihood alone, the penalty on columns of small scale would be so large that its rounding hides the rest.
    """
    designs = dict(objective.designs)
    for name, penalty in objective.penalties.items():
        inner = penalty.inner * np.trace(penalty.outer) / len(penalty.outer)
        if inner.ndim == 1:
            designs[name] = designs[name].rotated(1 / np.sqrt(1 + inner))
        else:
            values, vectors = np.linalg.eigh(inner)
            designs[name] = designs[name].rotated(vectors / np.sqrt(1 + np.maximum(values, 0.0)))
    return objective.copy_with(designs=designs) if objective.penalties else objective


def constant_predictor(data: Any, design: Any, value: Any) -> np.ndarray:
    """Coordinates (size,) of a constant linear predictor or, without an intercept, of the one nearest to a constant."""
    level = design.in_output_basis(np.asarray(value).reshape(-1))
    coordinates = np.zeros(design.shape)
    if design.intercept:
        coordinates[0] = level
    elif design.columns is not None:
        means = _mean_rows(data, design)
        coordinates = np.outer(means / max(1.0, means @ means), level)  # > 1 if coordinates are scaled but not rotated
    return coordinates.ravel()


def _mean_rows(data: Data, design: Design) -> np.ndarray:
    """Weighted mean over rows of the coordinates of one linear predictor."""
    columns: Any = design.columns
    sums = data.reduce(lambda batch: {"sums": transposed(columns.rows(batch.X)) @ batch.weight})["sums"]
    plain = design.with_output_basis(np.eye(1))
    return plain.expand_adjoint(np.concatenate([[data.total_weight], sums])[:, None]) / data.total_weight
