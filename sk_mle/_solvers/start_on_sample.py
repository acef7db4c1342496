"""A fit to a sample of the rows, from whose solution and coordinates a fit of many rows starts.

`cold_start` is that of `start.py`, by which the sample itself is started.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import LinAlgError

from .._model.design import MAX_ROTATED_COLUMNS, from_moments
from .._model.moments import Moments, products_of_columns
from .._model.objective import Objective
from ..likelihoods._functions import n_starts
from .constant_curvature import has_constant_curvature, is_quadratic
from .held import limits_nearby
from .newton import longest_step_at_minimum, minimum_certified, newton
from .preconditioners import HessianAtStart, SubsampledHessian, is_representative
from .vertex import vertex

if TYPE_CHECKING:
    from .._model.data import Data
    from .._model.predictor import Predictor
    from ..likelihoods import Likelihood

ColdStart = Callable[[Objective], tuple[Objective, np.ndarray]]

MIN_ENTRIES_FOR_SUBSAMPLE = 200_000  # entries of X from which a fit to a subsample comes first
MAX_ENTRIES_FOR_HESSIAN = 1_000_000  # entries of X up to which such a fit ends with a Hessian of all rows
MAX_SUBSAMPLE_ROWS, MIN_SUBSAMPLE_ROWS_PER_COORDINATE = 1 << 15, 25
SUBSAMPLE_TOL, SUBSAMPLE_ITERATIONS = 1e-5, 30  # tolerance and maximal iterations of a fit to a subsample
# Smallest eigenvalue of a sample's correlation matrix down to which its columns are sure to be independent in all rows, and
# largest mean in standard deviations: its moments then choose the coordinates.
MIN_EIGENVALUE_OF_SAMPLE, MAX_MEAN_OF_SAMPLE = 1e-3, 3.0
# Curvature of a coordinate over all rows, 1 at the start on a sample, from which columns are unlike those of the sample.
MAX_CURVATURE_OF_SAMPLE = 100.0
MAX_NEWTON_DECREMENT = 1.0  # twice the gain in mean log-likelihood predicted for all rows at the solution of the subsample
MAX_COORDINATES_OF_HESSIAN = 600  # coordinates up to which a Hessian is worth its cost


def with_sample_of_coordinates(law: Likelihood, predictors: dict[str, Predictor], data: Data) -> Data:
    """The data, with a sample whose moments choose the coordinates, where that costs less than the moments of all rows.

    The first pass over all rows brings a Hessian then. That costs less than their moments where one parameter alone has
    columns, and its linear predictor is a number. Columns that are independent in the sample are so in all rows.
    """
    first, *others = predictors.values()
    size = len(first.columns) + first.intercept + len(others)
    n_rows = _rows_of_subsample(data, size)
    if not n_rows or data.costly or size > MAX_COORDINATES_OF_HESSIAN:
        return data
    on_columns_alone = len(first.columns) > 0 and first.curve is None and not any(len(one.columns) for one in others)
    if (
        not on_columns_alone
        or any(one.penalised or one.terms for one in predictors.values())
        or any(law.layout[name].vector for name in predictors)
        or not law.smooth
        or n_starts(law) > 1
        or has_constant_curvature(law, data, list(predictors))
    ):
        return data
    sample = data.subsample(n_rows)
    sample.products = {first.intercept: products_of_columns(sample, first.intercept, True)}
    moments = Moments(sample, first.intercept, MAX_ROTATED_COLUMNS)
    far = np.abs(moments.mean) > MAX_MEAN_OF_SAMPLE * moments.scale
    if (first.intercept and far.any()) or moments.factor()[1] < MIN_EIGENVALUE_OF_SAMPLE:
        return data
    return data.with_sample_of_coordinates(sample)


def _rows_of_subsample(data: Data, size: int) -> int:
    """Number of rows of the sample that is fitted first; 0 where that is not worth it."""
    n = data.n_kept
    n_rows = max(min(n // 20, MAX_SUBSAMPLE_ROWS), MIN_SUBSAMPLE_ROWS_PER_COORDINATE * size)
    return 0 if n * data.n_features < MIN_ENTRIES_FOR_SUBSAMPLE or 4 * n_rows > n else n_rows


def in_coordinates_of_all_rows(objective: Objective) -> Objective:
    """The objective in coordinates from the moments of all rows."""
    designs = dict(objective.designs)
    for name, design in designs.items():
        if design.columns is not None:
            moments = Moments(objective.data, design.intercept, MAX_ROTATED_COLUMNS)
            designs[name] = from_moments(moments, design.columns.index, design.intercept)
    return objective.copy_with(designs=designs)


def start_on_sample_of_coordinates(
    objective: Objective, sample: Data, cold_start: ColdStart
) -> tuple[Objective, np.ndarray] | None:
    """Objective with a Hessian at the solution of the sample that chose its coordinates, and that solution.

    None where rows are unlike the sample.
    """
    part = Objective(objective.likelihood, sample, objective.designs, objective.alpha)
    try:
        part, u = cold_start(part)
    except ValueError:
        return None
    with np.errstate(all="ignore"):
        fit = newton(part, u, tol=SUBSAMPLE_TOL, max_iter=SUBSAMPLE_ITERATIONS)
        whole = objective.copy_with(designs=part.designs)
        near = limits_nearby(part, fit.x)
        if near:
            whole.near_optimum, whole.near_limits = True, near
            return whole, fit.x
        point = whole.with_rough_hessian(fit.x)
    curvature = np.diag(point.hessian)
    if not (point.finite and (curvature > 1 / MAX_CURVATURE_OF_SAMPLE).all() and (curvature < MAX_CURVATURE_OF_SAMPLE).all()):
        return None
    few = objective.data.n_kept * objective.data.n_features < MAX_ENTRIES_FOR_HESSIAN
    # a minimum on the sample implies one on all rows
    certified = fit.minimum_certified or minimum_certified(
        part.hessian(fit.x), part.gradient(fit.x), longest_step_at_minimum(sample)
    )
    try:
        hessian = HessianAtStart(point.hessian, few, certified)
    except LinAlgError:
        return None
    decrement = hessian.solve(point.gradient) @ point.gradient
    return (whole.preconditioned(hessian), fit.x) if decrement < MAX_NEWTON_DECREMENT else None


def start_on_subsample(objective: Objective, cold_start: ColdStart) -> Any:
    """Objective with the Hessian of a subsample, and its solution; None if rows are few or the subsample is unlike them."""
    data, n = objective.data, objective.data.n_kept
    n_rows = _rows_of_subsample(data, objective.size)
    not_worth_it = not n_rows or is_quadratic(objective)
    if data.costly:
        n_rows, not_worth_it = data.in_memory.n_kept, False
    if not_worth_it or objective.size > MAX_COORDINATES_OF_HESSIAN or not objective.likelihood.smooth:
        return None
    part = Objective(objective.likelihood, data.subsample(n_rows), objective.designs, objective.alpha)
    if (n_starts(objective.likelihood) > 1 and not data.costly) or not is_representative(part.data, part.designs):
        return None
    try:
        part, u = cold_start(part)
    except ValueError:
        return None
    if n_starts(objective.likelihood) > 1:
        return objective.copy_with(designs=part.designs), u
    with np.errstate(all="ignore"):
        fit = newton(part, u, tol=SUBSAMPLE_TOL, max_iter=SUBSAMPLE_ITERATIONS)
        if near := limits_nearby(part, fit.x):
            whole = objective.copy_with(designs=part.designs, near_optimum=True)
            whole.near_limits = near
            return whole, fit.x
        whole = objective.copy_with(designs=part.designs, near_optimum=data.costly)
        point = whole.evaluate(fit.x, 2 if data.costly else 1)
    try:
        hessian = SubsampledHessian(part, fit.x, n * data.n_features < MAX_ENTRIES_FOR_HESSIAN)
        decrement = hessian.solve(point.gradient) @ point.gradient
    except (LinAlgError, ValueError):  # not positive definite, or not finite
        return None
    if not (np.isfinite(point.value) and decrement < MAX_NEWTON_DECREMENT):
        return None
    return (whole if data.costly else whole.preconditioned(hessian)), fit.x


def start_near_kinks(objective: Objective, cold_start: ColdStart) -> tuple[Objective, np.ndarray]:
    """The objective of a law with kinks, and its solution for the rows in memory."""
    part = Objective(objective.likelihood, objective.data.in_memory, objective.designs, objective.alpha)
    part, u = cold_start(part)
    with np.errstate(all="ignore"):
        found = vertex(part.value, u, objective=part, tol=SUBSAMPLE_TOL)
    return objective.copy_with(designs=part.designs, near_optimum=True), found.x
