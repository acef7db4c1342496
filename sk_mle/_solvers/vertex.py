"""The minimiser for laws whose log-likelihood has kinks in its first parameter.

The kinks are smoothed, the smoothed objective is minimised by Newton steps, and the width of the smoothing is reduced tenfold
at a time: its minima converge to the solution (Madsen and Nielsen 1993, doi:10.1137/0803010, with a hyperbola for Huber's
function). The rows nearest to their kinks then define a vertex, whose equations are solved exactly, and the smallest
subgradient shows whether it is the optimum. If the log-likelihood is concave between the kinks, the maximum may lie there,
and Newton steps find it.

Flat vector: `x[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout); a
vertex lies in those of the first parameter, which is a scalar.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.linalg import block_diag, null_space
from scipy.optimize import OptimizeResult, lsq_linear

from .._model.objective import Point
from .._model.sums import project
from ..likelihoods._functions import smoothed_inside
from .newton import newton
from .plane import Plane

if TYPE_CHECKING:
    from .._model.objective import Objective

MAX_NEWTON_STEPS = 50  # Newton steps without smoothing
MIN_STEP_LENGTH = 1e-3  # shortest Newton step if rounding hides the gain: curvature changes by orders of magnitude
# Distance from a kink, in units of the law's width, at which its one-sided derivatives are taken.
DISTANCE_OF_ONE_SIDED_DERIVATIVE = 1e-8
MAX_ACTIVE_SET_ROWS = 500  # rows on their kinks up to which the smallest subgradient is found by active sets
MIN_ROWS_NEAR_KINKS = 2048  # rows near their kinks among which a vertex is looked for where passes are to be few
MIN_SMOOTHING = 1e-10  # least smoothing of kinks, in widths of the law
MAX_ROWS_ON_KINKS = 10_000  # rows of a block on their kinks that are kept
MAX_GRADIENT_PER_WIDTH = 0.01  # gradient at a smoothed minimum, per width of the smoothing, where passes are to be few
MIN_SMOOTHING_EXPONENT = 6  # the smoothing has at most the width 10**-6 of the law's where kinks are inside others' rows
MAX_SMOOTHING_WIDTHS = 100.0  # distance from its kink, in widths of the smoothing, up to which a row may belong on it


def vertex(
    fun: Any,
    x0: np.ndarray,
    args: tuple = (),
    jac: Any = None,
    objective: Any = None,
    tol: float = 1e-8,
    maxiter: int = 100,
    callback: Callable | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Minimise by smoothed objectives that converge to the vertex, as a callable for `scipy.optimize.minimize`.

    Returns
    -------
    OptimizeResult
        With `subgradient`, the largest entry of the smallest subgradient.
    """
    if objective.likelihood.smooth:
        return _by_smoothing_alone(objective, x0, tol, maxiter, callback)
    law, x, n_iter, subgradient = objective.likelihood, x0, 0, np.inf
    if _curvature(objective, x) > 0:
        result = newton(objective, x, tol=tol, max_iter=min(maxiter, MAX_NEWTON_STEPS))
        x, n_iter, subgradient = result.x, result.nit, np.abs(result.jac).max()
    for exponent in range(2 if objective.data.costly and objective.near_optimum else 1, 11):
        if subgradient <= tol:
            break
        smoothed = objective.copy_with(law.smoothed(10.0**-exponent))
        # where a pass is costly, a minimum is needed only as precisely as the start of the next width
        enough = max(tol, MAX_GRADIENT_PER_WIDTH * 10.0**-exponent) if objective.data.costly else tol
        result = newton(smoothed, x, tol=enough, max_iter=maxiter, min_step_length=MIN_STEP_LENGTH)
        x, n_iter = result.x, n_iter + result.nit
        if objective.unbounded(x, result.fun):
            break
        if exponent >= 3:
            at_vertex, subgradient = _solve_vertex(objective, x, 10.0**-exponent)
            if subgradient <= tol or (exponent == 10 and objective.value(at_vertex) <= objective.value(x)):
                x = at_vertex
    if callback is not None:
        callback(OptimizeResult(x=x, fun=objective.value(x)))
    return OptimizeResult(x=x, fun=objective.value(x), nit=n_iter, subgradient=subgradient, success=subgradient <= tol)


def _by_smoothing_alone(
    objective: Objective, x: np.ndarray, tol: float, maxiter: int, callback: Callable | None
) -> OptimizeResult:
    """The minimum for a law that has kinks in the rows of a law inside it alone, as of censored data.

    It may be no vertex; the smoothed objectives end as close to it as the last of them is narrow.
    """
    result = newton(objective, x, tol=tol, max_iter=min(maxiter, MAX_NEWTON_STEPS))
    n_iter, subgradient = result.nit, np.inf
    if np.abs(result.jac).max(initial=0.0) <= tol:  # between kinks, or with none in any row, as of intervals
        return result
    for exponent in range(1, 11):
        smoothed = objective.copy_with(smoothed_inside(objective.likelihood, 10.0**-exponent))
        result = newton(smoothed, x, tol=tol, max_iter=maxiter, min_step_length=MIN_STEP_LENGTH)
        n_iter += result.nit
        reached = float(np.abs(result.jac).max(initial=0.0))
        if not np.isfinite(result.fun) or (subgradient <= tol < reached and exponent > MIN_SMOOTHING_EXPONENT):
            break  # the curvature of narrower kinks magnifies rounding
        x, subgradient = result.x, reached
        if objective.unbounded(x, result.fun):
            break
    if callback is not None:
        callback(OptimizeResult(x=x, fun=objective.value(x)))
    return OptimizeResult(x=x, fun=objective.value(x), nit=n_iter, subgradient=subgradient, success=subgradient <= tol)


def _curvature(objective: Objective, x: np.ndarray) -> float:
    """Median curvature of the rows' loss in the first parameter, relative to that of the squared gradient.

    0 for a loss that is linear between kinks; negative for a concave one, whose minima are all vertices. Of the rows in memory.
    """
    name, in_memory = next(iter(objective.designs)), objective.data.in_memory
    keep = in_memory.weight > 0
    with np.errstate(all="ignore"):
        result = objective.likelihood.evaluate(in_memory.y[keep], objective.eta(x), 2)
        curvature = np.median(result.information.get((name, name), 0.0)) / np.median(result.gradient[name] ** 2)
    return curvature if np.abs(curvature) > 1e-3 else 0.0


def _solve_vertex(objective: Objective, x: np.ndarray, width: float) -> tuple[np.ndarray, float]:
    """The vertex near x, at which as many rows as possible lie on their kink, and the smallest subgradient there.

    If the objective is penalised or curved between kinks, only rows within reach of the smoothing `width` are placed there.
    """
    name, design = next(iter(objective.designs.items()))
    x, place = x.copy(), objective.slices[name]
    near, active = _nearest_kinks(objective, x, name, design)
    if name in objective.penalties or _curvature(objective, x):
        active = [i for i in active if near.distance[i] <= MAX_SMOOTHING_WIDTHS * width]
    elif objective.data.costly:
        change = _minimum_near_kinks(objective, x, place, near, width)
        x[place] += change
        near = near.moved(change)
        active = _independent(near.rows)
    rows = near.rows[active]
    x[place] += np.linalg.lstsq(rows, near.gap[active], rcond=None)[0]
    face = _face(objective, x, place, rows)
    if face.size:
        x = face.at(newton(face, np.zeros(face.size), tol=1e-11, max_iter=MAX_NEWTON_STEPS, min_step_length=MIN_STEP_LENGTH).x)

    sums = objective.over_rows(x, partial(_one_sided_sums, objective.likelihood, name, design), _joined_one_sided_sums)
    total_weight = objective.data.total_weight
    subgradient = design.expand_adjoint(sums.gradient) / total_weight - _penalty_gradient(objective, name, x)
    other_gradients = np.delete(objective.gradient(x), place)
    if len(sums.below):
        rows = sums.rows / total_weight
        method = "bvls" if len(rows) <= MAX_ACTIVE_SET_ROWS else "trf"  # the exact method is slow for many rows
        bounds = (sums.above, sums.below)
        subgradient = subgradient + rows.T @ lsq_linear(rows.T, -subgradient, bounds, method, tol=1e-14).x
    return x, float(np.abs(np.concatenate([subgradient, other_gradients])).max())


def _face(objective: Objective, x: np.ndarray, place: slice, rows: np.ndarray) -> Plane:
    """The objective on the face on which the active rows stay on their kinks."""
    inside = null_space(rows, rcond=1e-12) if len(rows) else np.eye(place.stop)
    return Plane(objective, x, block_diag(inside, np.eye(len(x) - place.stop)))


class _NearRows(NamedTuple):
    """The rows nearest to their kinks, in the order of their distances.

    Attributes
    ----------
    rows : ndarray of shape (m, k)
        In the coordinates of the first parameter.
    gap, distance, width : ndarray of shape (m,)
        From the linear predictor to the kink; the same without sign, in widths of the law; these widths.
    steepness : ndarray of shape (m,)
        Half the difference of the one-sided derivatives of the loss at the kink, times the row's weight.
    """

    rows: np.ndarray
    gap: np.ndarray
    distance: np.ndarray
    width: np.ndarray
    steepness: np.ndarray

    def nearest(self, count: int) -> _NearRows:
        """The `count` nearest, in order."""
        near = np.argpartition(self.distance, count - 1)[:count] if count < len(self.gap) else np.arange(len(self.gap))
        near = near[np.argsort(self.distance[near], kind="stable")]
        return _NearRows(*(values[near] for values in self))

    def moved(self, change: np.ndarray) -> _NearRows:
        """The same rows after a change of the parameter's coordinates."""
        gap = self.gap - self.rows @ change
        return self._replace(gap=gap, distance=np.abs(gap) / self.width).nearest(len(gap))


def _nearest_kinks(objective: Objective, x: np.ndarray, name: str, design: Any) -> tuple[_NearRows, list[int]]:
    """The rows nearest to their kinks, and the positions of linearly independent ones; more rows if these fail."""
    count = max(4 * design.size, MIN_ROWS_NEAR_KINKS if objective.data.costly else 0)
    while True:
        find = partial(_near_rows, objective.likelihood, name, design, count)
        near = objective.over_rows(x, find, partial(_nearer, count))
        active = _independent(near.rows)
        if len(active) == design.size or len(near.gap) < count or count > 100 * design.size:
            return near, active
        count *= 4


def _near_rows(law: Any, name: str, design: Any, count: int, batch: Any, eta: dict) -> _NearRows:
    """The rows of a block that are nearest to their kinks."""
    kinks, width, tiny = _kinks(law, name, batch.y, eta)
    numbers = np.arange(len(batch.y))
    near = _NearRows(numbers, kinks - eta[name], np.abs(eta[name] - kinks) / width, width, numbers).nearest(count)
    kept = near.rows
    above, below = _one_sided_derivatives(
        law, name, batch.y[kept], {key: value[kept] for key, value in eta.items()}, tiny[kept]
    )
    rows = design.coordinate_rows(batch.X[kept]) * design.output_basis[0, 0]
    return near._replace(rows=rows, steepness=batch.weight[kept] * np.maximum(below - above, 0.0) / 2)


def _nearer(count: int, a: _NearRows, b: _NearRows) -> _NearRows:
    """The nearest of the rows of two blocks."""
    return _NearRows(*(np.concatenate(pair) for pair in zip(a, b, strict=True))).nearest(count)


def _kinks(law: Any, name: str, y: np.ndarray, eta: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kinks of rows as linear predictors, the widths of the law there, and distances of one-sided derivatives."""
    kinks = law.layout[name].link.link(law.kinks(y))
    root = np.sqrt(law.evaluate(y, eta, 2, "expected").information.get((name, name), np.zeros(len(y))))
    width = np.where(root > 0, 1 / root, np.abs(eta[name] - kinks).max(initial=1e-300))
    return kinks, width, DISTANCE_OF_ONE_SIDED_DERIVATIVE * (width + 1e-3 * np.abs(kinks))


def _one_sided_derivatives(law: Any, name: str, y: np.ndarray, eta: dict, tiny: np.ndarray) -> list[np.ndarray]:
    """Derivatives of the log-likelihood of rows right above and below their kinks."""
    kinks = law.layout[name].link.link(law.kinks(y))
    return [law.evaluate(y, {**eta, name: kinks + side * tiny}, 1).gradient[name] for side in (1, -1)]


class _LossNearKinks:
    """The mean loss as a function of a change of the first parameter, if only the kinks of the nearest rows are met.

    The loss is linear between kinks, which are smoothed as the law smooths them.
    """

    preconditioner, near_optimum, partly_expected = None, True, False

    def __init__(self, gradient: np.ndarray, near: _NearRows, data: Any) -> None:
        self.near, self.data, self.smoothing = near, data, 0.0
        self.steepness = near.steepness / data.total_weight
        self.gradient_without_near_rows = gradient + near.rows.T @ (self.steepness * np.sign(near.gap))

    def unbounded(self, change: np.ndarray, value: Any) -> bool:
        return False

    def evaluate(self, change: np.ndarray, order: int, information: str = "observed") -> Point:
        near, smoothing = self.near, self.smoothing * self.near.width
        z = near.rows @ change - near.gap
        length = np.hypot(z, smoothing)
        curvature = self.steepness * (smoothing / length) ** 2 / length
        return Point(
            float(self.gradient_without_near_rows @ change + self.steepness @ length),
            self.gradient_without_near_rows + near.rows.T @ (self.steepness * z / length),
            near.rows.T @ (curvature[:, None] * near.rows),
        )


def _minimum_near_kinks(objective: Objective, x: np.ndarray, place: slice, near: _NearRows, width: float) -> np.ndarray:
    """The change of the first parameter that minimises the loss if only the kinks of the nearest rows are met."""
    loss = _LossNearKinks(objective.evaluate(x, 1).gradient[place], near, objective.data)
    change = np.zeros(place.stop - place.start)
    while width > MIN_SMOOTHING:
        loss.smoothing = width
        change = newton(loss, change, tol=width * MAX_GRADIENT_PER_WIDTH, min_step_length=MIN_STEP_LENGTH).x
        width /= 10
    return change


class _OneSidedSums(NamedTuple):
    """Sums of the gradients of rows off their kinks, times (1, columns), and those on kinks with one-sided derivatives."""

    gradient: np.ndarray
    rows: np.ndarray
    above: np.ndarray
    below: np.ndarray


def _one_sided_sums(law: Any, name: str, design: Any, batch: Any, eta: dict) -> _OneSidedSums:
    """The one-sided sums of the rows of a block."""
    kinks, _, tiny = _kinks(law, name, batch.y, eta)
    near = np.flatnonzero(np.abs(eta[name] - kinks) <= 0.1 * tiny)
    above, below = _one_sided_derivatives(
        law, name, batch.y[near], {key: value[near] for key, value in eta.items()}, tiny[near]
    )
    on_kink = np.flatnonzero(below > above)[:MAX_ROWS_ON_KINKS]
    kinked = near[on_kink]
    gradient = np.array(law.evaluate(batch.y, eta, 1).gradient[name])
    gradient[kinked] = 0.0
    columns = None if design.columns is None else design.columns.rows(batch.X)
    rows = design.coordinate_rows(batch.X[kinked]) * design.output_basis[0, 0] * batch.weight[kinked, None]
    return _OneSidedSums(project(batch, columns, gradient), rows, above[on_kink], below[on_kink])


def _joined_one_sided_sums(a: _OneSidedSums, b: _OneSidedSums) -> _OneSidedSums:
    rows, above, below = (np.concatenate(pair) for pair in zip(a[1:], b[1:], strict=True))
    return _OneSidedSums(a.gradient + b.gradient, rows, above, below)


def _independent(rows: np.ndarray) -> list[int]:
    """Indices of the rows that are linearly independent of those before."""
    chosen, basis = [], np.zeros((0, rows.shape[1]))
    for i, row in enumerate(rows):
        residual = row - basis.T @ (basis @ row)
        residual -= basis.T @ (basis @ residual)
        if np.linalg.norm(residual) > 1e-8 * np.linalg.norm(row):
            chosen.append(i)
            basis = np.vstack([basis, residual / np.linalg.norm(residual)])
        if len(chosen) == rows.shape[1]:
            break
    return chosen


def _penalty_gradient(objective: Objective, name: str, x: np.ndarray) -> float | np.ndarray:
    """Gradient of a parameter's penalty at x, or 0."""
    penalty = objective.penalties.get(name)
    return penalty.gradient(x[objective.slices[name]]) if penalty else 0.0
