"""Rounding errors of an objective's value and gradient, below which no fit can get."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._model.objective import Objective

MAX_LOGLIK_NOISE = 1e-4  # rounding error of the total log-likelihood, up to which it may hide the last steps of a fit
STEP_OF_NOISE, N_VALUES_OF_NOISE = 1e-9, 12  # in coordinates, to the points at which that error is measured


def value_rounding(value: float) -> float:
    """Rounding error of a value, which is a sum over many rows."""
    return 1e-14 * max(1.0, abs(value))


def value_noise(objective: Objective, u: np.ndarray) -> float:
    """Rounding error of the value in the law's own formula, measured; 0 where it would matter to the log-likelihood.

    Laws that lose digits next to a limit, as those of scipy and of users may, hide their last steps: fourth differences at
    neighbouring points tell how much (Moré and Wild 2011, doi:10.1137/100786125).
    """
    direction = np.random.default_rng(0).normal(scale=STEP_OF_NOISE, size=len(u))
    with np.errstate(all="ignore"):
        values = [objective.value(u + k * direction) for k in range(N_VALUES_OF_NOISE)]
        noise = float(np.sqrt(np.mean(np.diff(values, 4) ** 2) / 70))  # 70 = 8! / 4!^2
    return noise if noise * objective.data.total_weight < MAX_LOGLIK_NOISE else 0.0


def gradient_rounding(objective: Objective, u: np.ndarray) -> float:
    """Rounding error of the gradient that comes from the first parameter's linear predictors, for unit curvature."""
    name = next(iter(objective.designs))
    design: Any = objective.designs[name]
    if design.vector:
        return 0.0
    size = np.abs(objective.eta(u)[name]) if design.linear else design.size_of_terms(objective.data, u[objective.slices[name]])
    return float(np.finfo(float).eps * np.median(size) / np.abs(design.output_basis).max())
