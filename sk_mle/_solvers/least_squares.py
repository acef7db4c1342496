"""Least squares by cross products: an objective of about as many rows as coordinates, of the same value everywhere.

Where the log-likelihood of a row is that of the difference of y and the first linear predictor, quadratic and even in it, with
constants for the other parameters, the rows enter by the cross products of the columns and y alone. So few rows suffice that
have these: with G = R'R the mean of the products of the columns, b the solution of least squares and s its mean squared
residual, the rows of R with targets R b, and one row of zeros with the root of s. All weigh the same, and together as before.

At other coefficients b + d the mean squared residual is s + d'Gd, so that the law is evaluated in one row of that residual.

Flat vector: u holds the coordinates of all parameters, as in the objective of all rows (`_model/objective.py` states the
layout).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from .._model.data import Batch, Data, times_weights, weighted_sum
from .._model.design import MAX_ROTATED_COLUMNS, Columns, Design, intercept_only
from .._model.moments import Moments, cholesky, products_of_columns
from .._model.objective import Objective, Point
from .._model.sums import project, summed
from ..domains import REAL
from ..likelihoods._functions import n_starts
from .constant_curvature import ROWS_OF_FIRST_LOOK, is_quadratic
from .newton import newton
from .start import cold_start

MIN_ROWS_PER_COORDINATE = 20  # from which few rows are worth the pass that finds them
MIN_RESIDUAL = 1e-10  # root mean square, relative to that of y, above which sums of squares have digits enough
MIN_SHARE_OF_RESIDUAL = 1e-4  # of the mean square of y, above which the difference of sums has digits enough
MIN_RCOND = 1e-9  # of products of columns of unit size, above which they have digits enough
MAX_REFINEMENTS, MAX_LAST_DECREMENT = 5, 1e-20  # passes; relative decrease of the mean square in the last one
MAX_CONDITION_OF_ROOT = 1e11  # of columns of unit size, from which they count as dependent
MAX_GROWTH_OF_SQUARES = 10.0  # mean square, relative to that of least squares, from which constants are estimated again
TOL_OF_CONSTANTS, ITERATIONS_OF_CONSTANTS = 1e-4, 50  # of the fit of the other parameters


class OnFewRows(Objective):
    """An objective on the few rows of the module's docstring, which is evaluated in one.

    Made by `of`.

    Attributes
    ----------
    root, gram : ndarray of shape (r, k), (k, k)
        R, and R'R, the mean products of the columns, in coordinates.
    solution : ndarray of shape (k,)
        Of least squares.
    mean_square : float
        Of the residuals there.
    steep : bool
        Whether the Hessian, of the squared condition of R, has too few digits.
    """

    root: np.ndarray
    gram: np.ndarray
    solution: np.ndarray
    mean_square: float
    steep: bool

    @classmethod
    def of(
        cls, objective: Objective, root: np.ndarray, solution: np.ndarray, mean_square: float, steep: bool = False
    ) -> OnFewRows:
        """The rows that replace those of an objective, by a root R of the mean products, in the same coordinates."""
        k, data, (name, design) = len(root) + 1, objective.data, next(iter(objective.designs.items()))
        X = np.sqrt(k) * np.vstack([root, np.zeros((1, design.size))])
        y = np.sqrt(k) * np.append(root @ solution, np.sqrt(mean_square))
        output_basis = design.output_basis
        columns = Design(
            Columns(slice(None)), np.zeros(design.size), np.full(design.size, 1 / output_basis[0, 0]), False, output_basis
        )
        equivalent = Data(X, y, np.full(k, data.total_weight / k), {})
        other = cls(objective.likelihood, equivalent, {**objective.designs, name: columns}, {})
        other.penalties = objective.penalties
        other.root, other.gram, other.solution, other.mean_square = root, root.T @ root, solution, mean_square
        other.steep = steep
        return other

    def evaluate(self, u: np.ndarray, order: int, information: str = "observed") -> Point:
        key, kind, point = self._last
        if point.order >= order and (order < 2 or kind == information) and key == u.tobytes():
            return point
        self.evaluations += 1
        (first, place), *others = self.slices.items()
        away = self.root @ (u[place] - self.solution)
        change, residual = away @ self.root, np.sqrt(self.mean_square + away @ away)
        eta = {name: self.designs[name].output_basis[0] * u[at] for name, at in others} | {first: np.zeros(1)}
        row = self.likelihood.evaluate(np.array([residual]), eta, order, information)
        value = -float(row.loglik[0])
        gradient, hessian = np.zeros(self.size if order else 0), np.zeros((self.size, self.size) if order == 2 else (0, 0))
        if order:
            gradient[place] = float(row.gradient[first][0]) / residual * change
            for name, at in others:
                gradient[at] = -row.gradient[name][0] * self.designs[name].output_basis[0, 0]
        if order == 2:
            self._fill(hessian, row.information, change, residual)
        point = self.penalised(u, Point(value, gradient if order else None, hessian if order == 2 else None))
        self.remember(u, point, information)
        return point

    def hessian_factors(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """S, made of R, and K with S'KS the Hessian; None where the Hessian has digits enough."""
        if not self.steep:
            return None
        (first, place), *others = self.slices.items()
        away = self.root @ (u[place] - self.solution)
        residual = np.sqrt(self.mean_square + away @ away)
        eta = {name: self.designs[name].output_basis[0] * u[at] for name, at in others} | {first: np.zeros(1)}
        information = self.likelihood.evaluate(np.array([residual]), eta, 2, "observed").information
        r = len(self.root)
        inner = {first: slice(0, r)} | {name: slice(r + k, r + k + 1) for k, (name, _) in enumerate(others)}
        vectors = {first: -away[:, None] / residual} | {name: self.designs[name].output_basis[:1, :1] for name, _ in others}
        K, S = np.zeros((r + len(others),) * 2), np.zeros((r + len(others), self.size))
        for (a, b), value in information.items():
            block = float(value[0]) * (np.eye(r) if a == b == first else vectors[a] @ vectors[b].T)
            K[inner[a], inner[b]], K[inner[b], inner[a]] = block, block.T
        S[:r, place], S[r:, [at.start for _, at in others]] = self.root, np.eye(len(others))
        ridges = [(self.slices[name], penalty.hessian()) for name, penalty in self.penalties.items()]
        K = linalg.block_diag(K, *(ridge for _, ridge in ridges))
        return np.vstack([S, *(np.eye(self.size)[at] for at, _ in ridges)]), K

    def _fill(self, hessian: np.ndarray, information: Any, change: Any, residual: np.ndarray) -> None:
        """Set the Hessian from the information in the row."""
        first = next(iter(self.slices))
        output_scales = {name: 1.0 if name == first else self.designs[name].output_basis[0, 0] for name in self.slices}
        for (a, b), value in information.items():
            at, other, value = self.slices[a], self.slices[b], float(value[0]) * output_scales[a] * output_scales[b]
            if a == b:
                hessian[at, other] = value * self.gram if a == first else value
            elif first in (a, b):
                at, other = (at, other) if a == first else (other, at)
                hessian[at, other] = -value / residual * change[:, None]
                hessian[other, at] = hessian[at, other].T
            else:
                hessian[at, other] = hessian[other, at] = value


def with_few_rows(objective: Objective) -> tuple[Objective, np.ndarray] | None:
    """The objective in coordinates of single coefficients and unit information, with `on_equivalent_rows`, and its minimum.

    The minimum is that without penalties. None where the objective depends on more than cross products.

    Parameters
    ----------
    objective : Objective
        In any coordinates.
    """
    data, (name, design) = objective.data, next(iter(objective.designs.items()))
    if data.n_kept < MIN_ROWS_PER_COORDINATE * objective.size or not _is_least_squares(objective):
        return None
    design = design.unrotated()
    if (products := _root(data, design)) is None:
        return None
    origin = np.average(data.in_memory.y, weights=data.in_memory.weight) if design.intercept else 0.0
    if (found := _solution(data, name, design, products, np.eye(1, design.size)[0] * origin)) is None:
        return None
    solution, mean_square = found
    designs, start = _at_constants(objective, {**objective.designs, name: design}, np.sqrt(mean_square))
    output_scale = designs[name].output_basis[0, 0]
    whole = objective.copy_with(designs=designs)
    few = OnFewRows.of(whole, output_scale * products.root, solution / output_scale, mean_square, products.steep)
    start[whole.slices[name]], whole.on_equivalent_rows = few.solution, few
    return whole, start


def with_constants_at(objective: Objective, u: np.ndarray) -> tuple[Objective, np.ndarray] | None:
    """An objective of `with_few_rows`, and u, with the constants that are best there, and in coordinates of unit information.

    None where the residuals there are not much larger than those of least squares.
    """
    few: Any = objective.on_equivalent_rows
    name, place = next(iter(objective.slices.items()))
    away = few.root @ (u[place] - few.solution)
    mean_square = few.mean_square + away @ away
    if len(objective.designs) == 1 or mean_square <= MAX_GROWTH_OF_SQUARES * few.mean_square:
        return None
    designs, start = _at_constants(objective, objective.designs, np.sqrt(mean_square))
    ratio = designs[name].output_basis[0, 0] / objective.designs[name].output_basis[0, 0]
    whole = objective.copy_with(designs=designs)
    start[whole.slices[name]] = u[place] / ratio
    whole.on_equivalent_rows = OnFewRows.of(whole, ratio * few.root, few.solution / ratio, few.mean_square, few.steep)
    return whole, start


def equivalent_rows(objective: Objective) -> Data | None:
    """Rows in the columns of X, a few for each of these, on which an objective is what it is on all rows, from one pass.

    They have its means and cross products of the columns and of y without offset. None where it depends on more than these.
    Differences that lose digits make the rows approximate.
    """
    data = objective.data
    k = 4 * (data.n_features + 2)
    if data.n_kept < MIN_ROWS_PER_COORDINATE * k or k > MAX_ROTATED_COLUMNS or not _is_least_squares(objective):
        return None
    few, name = data.in_memory.subsample(ROWS_OF_FIRST_LOOK), next(iter(objective.designs))
    origin = np.average(_with_target(name, next(few.blocks())), axis=0)
    sums = data.with_width(2 * data.n_features).reduce(partial(_centred_products, name, origin))
    mean = sums["sum"] / data.total_weight
    covariance = sums["products"] / data.total_weight - np.outer(mean, mean)
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    scale[scale == 0] = 1.0
    values, vectors = linalg.eigh(covariance / np.outer(scale, scale))
    root = vectors * np.sqrt(np.maximum(values, 0.0)) * scale[:, None]
    waves = np.cos(np.pi / k * np.outer(np.arange(k) + 0.5, 1 + np.arange(len(mean))))  # orthogonal to each other and to ones
    rows = origin + mean + np.sqrt(2.0) * waves @ root.T
    return Data(np.ascontiguousarray(rows[:, :-1]), rows[:, -1].copy(), np.full(k, data.total_weight / k), {})


def _with_target(name: str, batch: Batch) -> np.ndarray:
    """The columns of a block and y without offset, side by side."""
    X = batch.X.toarray() if hasattr(batch.X, "toarray") else batch.X
    return np.column_stack([X, batch.y - batch.offset.get(name, 0.0)])


def _centred_products(name: str, origin: np.ndarray, batch: Batch) -> dict:
    """Weighted sums of the columns of a block and y around an origin, and of their products."""
    rows = _with_target(name, batch) - origin
    weighted = times_weights(rows, batch.weight)
    return {"sum": weighted.sum(axis=0), "products": summed(rows, weighted)}


def _is_least_squares(objective: Objective) -> bool:
    """Whether the rows of the objective are those of the module's docstring."""
    name, *others = objective.designs
    law, y = objective.likelihood, objective.data.in_memory.y[:ROWS_OF_FIRST_LOOK]
    if law.support != REAL or objective.data.offset_names & set(others) or n_starts(law) > 1 or not is_quadratic(objective):
        return False
    if any(objective.designs[other].vector for other in others):
        return False
    eta = {other: np.zeros(len(y)) for other in others}
    here, moved, mirrored = (
        law.evaluate(sign * y + shift, eta | {name: np.full(len(y), shift)}, 0).loglik
        for sign, shift in ((1.0, 0.0), (1.0, 1.0), (-1.0, 0.0))
    )
    return all(np.allclose(here, other, rtol=1e-10, atol=0.0) for other in (moved, mirrored))


class _Root(NamedTuple):
    """R with R'R equal to products of columns, and what solves by these, with minimum norm where they are singular."""

    root: np.ndarray
    solve: Callable[[np.ndarray], np.ndarray]
    has_digits: bool  # whether the solution needs no refinement
    steep: bool = False  # whether the products have too few digits and the root has enough


def _root(data: Any, design: Design) -> _Root | None:
    """The root of the mean products of a design that is not rotated; None where there are too many columns.

    It comes from the products, or from the rows where these lose too many digits.
    """
    if data.n_features > MAX_ROTATED_COLUMNS:
        return None
    if design.intercept not in data.products:
        data.products = {**data.products, design.intercept: products_of_columns(data, design.intercept, True)}
    moments = Moments(data, design.intercept, MAX_ROTATED_COLUMNS)
    if moments.gram is None:
        return None
    assert design.columns is not None  # the first parameter has columns
    index = np.arange(data.n_features)[design.columns.index]
    basis = design.original_matrix()
    means = basis[:1] + moments.mean[index] @ basis[1:]
    scaled = moments.scale[index, None] * basis[1:]
    factor, rcond = cholesky(means.T @ means + scaled.T @ moments.gram[np.ix_(index, index)] @ scaled)
    if rcond > MIN_RCOND:
        return _Root(np.tril(factor).T, partial(linalg.cho_solve, (factor, True)), True)
    root = np.vstack([means, moments.root()[:, index] @ scaled])
    inverse = np.linalg.pinv(root, rcond=root.size * np.finfo(float).eps)
    sizes = np.linalg.norm(root, axis=0)
    steep = bool(sizes.all()) and np.linalg.cond(root / sizes) < MAX_CONDITION_OF_ROOT
    return _Root(root, lambda slope: inverse @ (inverse.T @ slope), False, steep)


def _solution(data: Any, name: Any, design: Design, products: _Root, at: Any) -> tuple[np.ndarray, float] | None:
    """The solution of least squares in coordinates, from one near it, and its mean squared residual; None for an exact fit."""
    size, largest = 0.0, np.inf if products.has_digits else MAX_LAST_DECREMENT
    for refinement in range(MAX_REFINEMENTS):
        sums = data.reduce(partial(_products_with_residuals, name, design, design.expand(at)))
        slope, before = design.expand_adjoint(sums["products"]) / data.total_weight, float(sums["square"]) / data.total_weight
        step = products.solve(slope)
        decrement = float(slope @ step)
        size, at, after = size if refinement else before, at + step, before - decrement
        if after > MIN_SHARE_OF_RESIDUAL * before and decrement <= largest * before:
            break
    return (at, after) if after > MIN_RESIDUAL**2 * size else None


def _products_with_residuals(name: Any, design: Design, coefficients: Any, batch: Batch) -> dict[str, np.ndarray]:
    """Weighted sums over a block of the residuals at coefficients times (1, columns), and of their squares."""
    intercept, slopes = coefficients
    assert design.columns is not None  # the first parameter has columns
    rows = design.columns.rows(batch.X)
    residual = batch.y - intercept[0] - (rows @ slopes[:, 0] if slopes.any() else 0.0) - batch.offset.get(name, 0.0)
    return {"products": project(batch, rows, residual), "square": weighted_sum(residual**2, batch.weight)}


def _at_constants(objective: Objective, designs: dict[str, Design], residual: float) -> tuple[dict[str, Design], np.ndarray]:
    """Designs in coordinates of unit information where every residual has a size, and the vector of the constants there."""
    law, total = objective.likelihood, objective.data.total_weight
    two = Data(np.zeros((2, 0)), np.array([residual, -residual]), np.full(2, total / 2), {})
    constants, at = cold_start(Objective(law, two, dict.fromkeys(designs, intercept_only()), {}))
    at = newton(constants, at, tol=TOL_OF_CONSTANTS, max_iter=ITERATIONS_OF_CONSTANTS).x
    scaled = {name: design.with_output_basis(constants.designs[name].output_basis) for name, design in designs.items()}
    u = [at[constants.slices[name]] if design.columns is None else np.zeros(design.size) for name, design in scaled.items()]
    return scaled, np.concatenate(u)
