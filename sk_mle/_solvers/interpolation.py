"""Where coordinates are as many as distinct rows: the fit that meets every y, and whether counts then have probability one."""

from __future__ import annotations

from itertools import product

import numpy as np

from .._model.objective import Objective
from .units import constant

ETA_OF_LIMIT = 70.0  # linear predictor as good as infinity
TRIED_ETAS = (5.0, 8.0)  # linear predictors of other parameters that are tried
MAX_LOSS_OF_CERTAIN_COUNTS = 1e-10  # mean loss of counts that are certain


def interpolation(objective: Objective, u, y, keep) -> np.ndarray | None:
    """With as many coordinates as distinct rows, the fit that meets every y: there a density grows without end, at once."""
    name, design = next(iter(objective.designs.items()))
    if design.columns is None or design.vector or name in objective.penalties or len(y) > 64 * design.size or y.ndim > 1:
        return None
    probe = objective.eta(np.random.default_rng(0).normal(size=u.shape))[name]
    if len(np.unique(np.round(probe / np.abs(probe).max(initial=1e-300), 10))) > design.size:  # repeated rows are weights
        return None
    with np.errstate(all="ignore"):
        target = objective.likelihood.parameter(name).link.link(y)
        if objective.likelihood.support.integer:  # a count at the edge of its mean's domain is met in the limit
            target = np.where(np.isinf(target), np.sign(target) * ETA_OF_LIMIT, target)
        target = target - objective.data.offset[name][keep] if name in objective.data.offset else target
    rows = design.coordinate_rows(objective.data.X[keep])
    if not np.isfinite(target).all():
        return None
    found = np.linalg.lstsq(rows, target, rcond=None)[0]
    if np.abs(rows @ found - target).max() > 1e-10 * np.abs(target).max():
        return None
    v = u.copy()
    v[objective.places[name]] = found / design.unit[0, 0]
    return v


def certainty(objective: Objective, u) -> np.ndarray | None:
    """Constants of the other parameters under which every count that is met has probability one: no fit is better."""
    others = [name for name, design in list(objective.designs.items())[1:] if design.size == 1 and design.intercept]
    if len(others) < len(objective.designs) - 1 or not others or objective.likelihood.target_type == "classes":
        return None
    for size in TRIED_ETAS:
        for signs in product((-size, size), repeat=len(others)):
            v = u.copy()
            for name, value in zip(others, signs, strict=True):
                v[objective.places[name]] = constant(objective.data, objective.designs[name], value)
            point = objective.evaluate(v, 1)
            if point.finite and abs(point.value) < MAX_LOSS_OF_CERTAIN_COUNTS:
                return v
    return None
