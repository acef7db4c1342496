"""Losses that are quadratic in the first linear predictor: a Newton step from any start is their solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._model.objective import Objective

if TYPE_CHECKING:
    from .._model.data import Data
    from ..likelihoods import Likelihood

ROWS_OF_FIRST_LOOK = 64  # rows by which a loss is found quadratic


def is_quadratic(objective: Objective) -> bool:
    """Whether the loss is quadratic in the first linear predictor and the others are constants."""
    first, *others = objective.designs.values()
    is_linear = first.columns is not None and first.linear and not first.vector
    if not is_linear or any(other.columns is not None for other in others):
        return False
    return has_constant_curvature(objective.likelihood, objective.data, list(objective.designs))


def has_constant_curvature(law: Likelihood, data: Data, names: list[str]) -> bool:
    """Whether the loss of a row is quadratic in the linear predictor of the first of the estimated parameters `names`."""
    first, *_ = names
    y = data.in_memory.y[:ROWS_OF_FIRST_LOOK]
    if y.ndim > 1 or law.layout.known or not law.smooth:
        return False
    eta = {name: law.layout[name].link.link(np.asarray(np.mean(law.layout[name].domain.typical))) for name in names}
    eta = {name: np.full(len(y), value) for name, value in eta.items()} | {first: np.linspace(-1.0, 1.0, len(y))}
    curvature = law.evaluate(y, eta, 2).information.get((first, first), np.zeros(1))
    return bool(curvature[0] > 0 and (curvature == curvature[0]).all() and np.isfinite(curvature[0]))
