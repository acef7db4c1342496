"""Fits that reproduce every y, if there are as many coordinates as distinct rows, and those under which counts are certain.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout).
"""

from __future__ import annotations

from itertools import product

import numpy as np

from .._model.objective import Objective
from .scaling import constant_predictor

ETA_OF_LIMIT = 70.0  # linear predictor in place of an infinite one
TRIED_ETAS = (5.0, 8.0)  # absolute linear predictors that are tried for the other parameters
MAX_LOSS_OF_CERTAIN_COUNTS = 1e-10  # mean loss up to which counts have probability one


def interpolating_fit(objective: Objective, u: np.ndarray, y: np.ndarray, keep: np.ndarray | slice) -> np.ndarray | None:
    """The vector u with the first parameter such that every y is reproduced, or None; a density is unbounded there.

    `y` are the targets of the rows `keep`.
    """
    name, design = next(iter(objective.designs.items()))
    is_linear = design.columns is not None and design.linear and not design.vector
    if not is_linear or name in objective.penalties or len(y) > 64 * design.size or y.ndim > 1:
        return None
    probe = objective.eta(np.random.default_rng(0).normal(size=u.shape))[name]
    if len(np.unique(np.round(probe / np.abs(probe).max(initial=1e-300), 10))) > design.size:  # distinct rows of X
        return None
    with np.errstate(all="ignore"):
        target = objective.likelihood.layout[name].link.link(y)
        if objective.likelihood.support.integer:  # a mean at the edge of its domain is a limit
            target = np.where(np.isinf(target), np.sign(target) * ETA_OF_LIMIT, target)
        target = target - objective.data.in_memory.offset[name][keep] if name in objective.data.offset_names else target
    rows = design.coordinate_rows(objective.data.in_memory.X[keep])
    if not np.isfinite(target).all():
        return None
    solution = np.linalg.lstsq(rows, target, rcond=None)[0]
    if np.abs(rows @ solution - target).max() > 1e-10 * np.abs(target).max():
        return None
    v = u.copy()
    v[objective.slices[name]] = solution / design.output_basis[0, 0]
    return v


def certain_fit(objective: Objective, u: np.ndarray) -> np.ndarray | None:
    """The vector u with constants of the other parameters under which every count has probability one, or None."""
    others = [name for name, design in list(objective.designs.items())[1:] if design.size == 1 and design.intercept]
    if len(others) < len(objective.designs) - 1 or not others or objective.likelihood.target_type == "classes":
        return None
    for eta in TRIED_ETAS:
        for values in product((-eta, eta), repeat=len(others)):
            v = u.copy()
            for name, value in zip(others, values, strict=True):
                v[objective.slices[name]] = constant_predictor(objective.data, objective.designs[name], value)
            point = objective.evaluate(v, 1)
            if point.finite and abs(point.value) < MAX_LOSS_OF_CERTAIN_COUNTS:
                return v
    return None
