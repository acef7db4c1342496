"""Preconditioners: approximations of the Hessian near the solution that cost no pass over the rows per step.

A preconditioner has `solve(gradient)`, its inverse times a vector; `refreshed(objective, u)`, itself at another point;
`refresh_passes`, the cost of that in passes over the rows, infinite if it is impossible; `end_with_hessian`, whether a fit
should end with a Hessian of all rows; and `minimum_certified`, whether a minimum is certain to exist. It may have `min_pairs`,
the number of steps before which it is not refreshed.

Flat vector: u and gradients hold the coordinates of all parameters, `u[objective.slices[name]]` those of one, with those of the
intercept first (`_model/objective.py` states the layout).
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

from .._model.data import times_weights
from .._model.objective import Objective
from .newton import longest_step_at_minimum, minimum_certified

if TYPE_CHECKING:
    from .._model.data import Batch, Data
    from .._model.design import Design

COLUMNS_PER_BLOCK = 1 << 9
COORDINATES_PER_PASS = 10  # coordinates whose Hessian costs as much as one more gradient
MAX_SQUARE_RATIO = 4.0  # ratio of a subsample's mean square to that of all rows, in any direction
ROWS_OF_PRECISION = 32  # rows of a sample by which the precision is chosen first
MAX_SINGLE_PRECISION = 1e4  # ratio of information to penalty up to which single precision suffices
ROWS_PER_COLUMN_OF_BAND = 10  # rows of the sample from which products of sparse columns are taken
PASSES_OF_FIRST_BAND = 10.0  # passes more, as foreseen, from which a band of sparse columns is looked for
MAX_PRODUCTS_PER_COLUMN, MAX_BANDWIDTH = 100, 400  # non-zero products of a sparse column with others; places that they span
INTERCEPT_PENALTY = 1e-4  # small penalty on the intercept, which makes the matrix invertible


class Identity:
    """The identity, to which coordinates are scaled at the start; `refreshed` gives the Hessian of all rows."""

    end_with_hessian, minimum_certified = False, False
    min_pairs = 3  # a gradient may rise over a first step that is as good as others, and a Hessian costs many of them

    def __init__(self, size: int) -> None:
        self.refresh_passes = 2.0 + size / COORDINATES_PER_PASS

    def refreshed(self, objective: Objective, u: np.ndarray) -> Cholesky:
        return Cholesky(objective, u)

    def solve(self, gradient: np.ndarray) -> np.ndarray:
        return gradient


class Cholesky(Identity):
    """The Hessian of all rows at one point; raises LinAlgError where it is not positive definite."""

    def __init__(self, objective: Objective, u: np.ndarray) -> None:
        super().__init__(objective.size)
        self.factor = linalg.cho_factor(objective.hessian(u), lower=True)

    def solve(self, gradient: np.ndarray) -> np.ndarray:
        return linalg.cho_solve(self.factor, gradient)


class HessianAtStart:
    """A Hessian at the start; raises LinAlgError where it is not positive definite.

    Parameters
    ----------
    hessian : ndarray of shape (size, size)
    end_with_hessian, minimum_certified : bool
    """

    refresh_passes = np.inf

    def __init__(self, hessian: np.ndarray, end_with_hessian: bool, minimum_certified: bool) -> None:
        self.end_with_hessian, self.minimum_certified = end_with_hessian, minimum_certified
        self.factor = linalg.cho_factor(hessian, lower=True)

    def solve(self, gradient: np.ndarray) -> np.ndarray:
        return linalg.cho_solve(self.factor, gradient)


class SubsampledHessian:
    """The Hessian of a subsample of the rows; raises LinAlgError where it is not positive definite.

    The coordinates are orthonormal over all rows, but only nearly so over the subsample: the part of the Hessian's error that
    this explains is corrected.
    """

    refresh_passes = np.inf

    def __init__(self, part: Objective, u: np.ndarray, end_with_hessian: bool) -> None:
        self.end_with_hessian = end_with_hessian
        point = part.evaluate(u, 2)
        # a minimum on the subsample implies one on all rows
        self.minimum_certified = minimum_certified(point.hessian, point.gradient, longest_step_at_minimum(part.data))
        hessian = point.hessian.copy()  # the objective remembers its own
        for name, design in part.designs.items():
            penalty, place = part.penalties.get(name), part.slices[name]
            if design.columns is None or (penalty and len(part.designs) > 1):
                continue
            missing = np.eye(design.shape[0]) - _gram(part.data, design)
            own, added = hessian[place, place], np.zeros((1, 1))
            if penalty:  # likelihood and penalty together have unit curvature
                first = penalty.n_intercepts
                missing[first:, first:] -= penalty.inner * np.trace(penalty.outer) / len(penalty.outer)
                added = penalty.hessian()
            share = np.trace(own - added) / (design.size - np.trace(added) if penalty else design.size)
            hessian[place, place] += share * np.kron(missing, np.eye(design.shape[1]))
        self.factor = linalg.cho_factor(hessian, lower=True)

    def solve(self, gradient: np.ndarray) -> np.ndarray:
        return linalg.cho_solve(self.factor, gradient)


def is_representative(data: Any, designs: dict) -> bool:
    """Whether coordinates that are orthonormal over all rows are nearly so over a subsample."""
    distinct = {id(design.columns): design for design in designs.values() if design.columns is not None}
    squares = [np.linalg.eigvalsh(_gram(data, design)) for design in distinct.values()]
    return all(values[0] > 1 / MAX_SQUARE_RATIO and values[-1] < MAX_SQUARE_RATIO for values in squares)


def _gram(data: Data, design: Design) -> np.ndarray:
    """Weighted mean of the products of coordinate rows."""

    def products(batch: Batch) -> np.ndarray:
        rows = design.coordinate_rows(batch.X)
        return rows.T @ times_weights(rows, batch.weight)

    return data.with_width(4 * data.n_features).reduce(products, np.add) / data.total_weight


class Banded:
    """The Hessian of one penalised parameter of many sparse columns whose products are a band, in a suitable order of them.

    Products are those of a sample of the rows, in which those of much information are likelier. Raises LinAlgError where they
    are no narrow band. With k, v and G the weighted sums of 1, of the columns and of their products, s the shift and P the
    penalty, the Hessian is L (M + P) L', where M = (k v', v G) and L = (1 0, -s I).
    """

    end_with_hessian, minimum_certified, replaceable = False, False, False

    def __init__(self, objective: Objective, u: np.ndarray) -> None:
        n_features = objective.data.n_features
        # a look at few rows, of which a narrow band has a narrower one, costs little where there is none
        _band_of(_products(objective.data.subsample(n_features // 2).X, 1.0))
        self.n_rows = ROWS_PER_COLUMN_OF_BAND * n_features
        self.refresh_passes = 1 + MAX_PRODUCTS_PER_COLUMN / 4 * min(self.n_rows / objective.data.n_samples, 1.0)
        self.name, design = next(iter(objective.designs.items()))
        assert design.columns is not None
        self.place = slice(objective.slices[self.name].start + design.intercept, objective.slices[self.name].stop)
        self.intercept, output_scale = design.intercept, design.output_basis[0, 0]
        self.index, self.scale, self.output_scale = design.columns.index, design.column_basis * output_scale, output_scale
        self.shift = design.column_basis * design.shift
        penalty = objective.penalties[self.name]
        self.penalty = penalty.inner * penalty.outer[0, 0]
        self._factorise(objective, u)

    def refreshed(self, objective: Objective, u: np.ndarray) -> Banded:
        other = copy(self)
        other._factorise(objective, u)
        return other

    def _factorise(self, objective: Objective, u: np.ndarray) -> None:
        """Set the factor of G + P, its product with v, and what is left of k."""
        X, weight = self._sample(objective, u)
        rows = sparse.csr_array(X[:, self.index])
        self.order, band = _band_of(_products(rows @ sparse.diags_array(self.scale), weight))
        band[0] += self.penalty[self.order]
        self.factor = linalg.cholesky_banded(band, lower=True)
        self.sums = self.scale * self.output_scale * (rows.T @ weight)
        self.solved = self._solve_band(self.sums)
        self.rest = self.output_scale**2 * weight.sum() - float(self.sums @ self.solved)

    def _sample(self, objective: Objective, u: np.ndarray) -> tuple[Any, np.ndarray]:
        """Rows, and the weights by which they stand for the information of all.

        A few rows may hold most of it, as those of a large mean: half of the rows are drawn by their share, half evenly.
        """
        in_memory, information = objective.data.in_memory, objective.information_of(u)
        values = in_memory.column(lambda batch: {"shares": np.maximum(information(batch)[self.name], 0.0) * batch.weight})
        shares, kept = values["shares"] / in_memory.total_weight, np.flatnonzero(in_memory.weight)
        total = float(shares.sum())
        if not 0 < total < np.inf:
            raise linalg.LinAlgError("no row has information, or some have no finite one")
        if self.n_rows >= len(kept):
            return in_memory.X[kept], shares
        chances = 0.5 * shares / total + 0.5 / len(kept)
        steps = (np.arange(self.n_rows) + np.random.default_rng(0).uniform(size=self.n_rows)) / self.n_rows
        drawn = np.minimum(np.searchsorted(np.cumsum(chances), steps), len(kept) - 1)
        return in_memory.X[kept[drawn]], shares[drawn] / (self.n_rows * chances[drawn])

    def _solve_band(self, values: Any) -> Any:
        result = np.empty_like(values)
        result[self.order] = linalg.cho_solve_banded((self.factor, True), values[self.order])
        return result

    def solve(self, gradient: np.ndarray) -> np.ndarray:
        step, slopes = gradient.copy(), gradient[self.place]
        if not self.intercept:
            step[self.place] = self._solve_band(slopes)
            return step
        first = gradient[self.place.start - 1]
        slopes = slopes + self.shift * first
        inner = self._solve_band(slopes)
        level = (first - float(self.sums @ inner)) / self.rest
        inner -= level * self.solved
        step[self.place], step[self.place.start - 1] = inner, level + float(self.shift @ inner)
        return step


def _products(columns: Any, weight: Any) -> sparse.csr_array:
    """Weighted sums (p, p) of the products of sparse columns."""
    weighted = columns * weight if np.ndim(weight) == 0 else sparse.diags_array(weight) @ columns
    return sparse.csr_array(columns.T @ weighted)


def _band_of(products: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """An order (p,) of the columns, and the lower band (width, p) of their products in it; LinAlgError for a wide band."""
    if products.nnz > MAX_PRODUCTS_PER_COLUMN * products.shape[0]:
        raise linalg.LinAlgError("sparse columns have too many products")
    order = reverse_cuthill_mckee(products, symmetric_mode=True)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    entries = products.tocoo()
    column = place[entries.col]
    below = place[entries.row] - column
    width = int(below.max(initial=0)) + 1
    if width > MAX_BANDWIDTH:
        raise linalg.LinAlgError("products of sparse columns are no narrow band")
    band, lower = np.zeros((width, len(order))), below >= 0
    band[below[lower], column[lower]] = entries.data[lower]
    return order, band


class Scaled:
    """The identity, to which sparse columns are scaled at the start; `refreshed` gives their band, if they have one.

    Columns that are nearly orthogonal need no more, and then no band is looked for.
    """

    end_with_hessian, minimum_certified, replaceable = False, False, False

    def __init__(self) -> None:
        self.refresh_passes = PASSES_OF_FIRST_BAND

    def refreshed(self, objective: Objective, u: np.ndarray) -> Scaled | Banded:
        try:
            return Banded(objective, u)
        except linalg.LinAlgError:
            self.refresh_passes = np.inf
            return self

    def solve(self, gradient: np.ndarray) -> np.ndarray:
        return gradient


class Woodbury:
    """The Hessian of one penalised parameter with more columns than rows, inverted by Woodbury's formula.

    With D the penalty, C the rows' coordinates and V the root of their information,
    (D + C'VVC)^-1 = D^-1 - D^-1 C'V (I + V K V)^-1 VC D^-1, where K = C D^-1 C' is of shape (n, n).
    """

    refresh_passes, end_with_hessian, minimum_certified = 3, False, False

    def __init__(self, objective: Objective, u: np.ndarray) -> None:
        self.objective = objective
        self.name, design = next(iter(objective.designs.items()))
        assert design.columns is not None
        self.X = design.columns.of(objective.data.in_memory.X)
        self.center = design.shift if design.columns.center is None else design.shift + design.columns.center
        self.intercept_unit, penalty = design.output_basis[0, 0] * design.intercept, objective.penalties[self.name]
        self.column_scales = design.column_basis * design.output_basis[0, 0]
        inner = penalty.inner * penalty.outer[0, 0]
        self.inner = np.where(inner > 0, inner, 1.0)  # 0 for constant columns
        self.place = slice(objective.slices[self.name].start + design.intercept, objective.slices[self.name].stop)
        self._set_weights(u)
        some = slice(None, None, -(-len(self.X) // ROWS_OF_PRECISION))
        doubtful = self._is_ill_conditioned(np.diag(self._kernel(np.float32, some)), some)
        self.kernel = self._kernel(np.float64 if doubtful else np.float32)
        if not doubtful and self._is_ill_conditioned(np.diag(self.kernel)):
            self.kernel = self._kernel(np.float64)
        self._factorise()

    def refreshed(self, objective: Objective, u: np.ndarray) -> Woodbury:
        other = copy(self)
        other._set_weights(u)
        other._factorise()
        return other

    def _kernel(self, dtype: Any, of_rows: slice = slice(None)) -> Any:
        """K of shape (n, n), or of some rows, in a precision."""
        X = self.X[of_rows]
        kernel = np.full((len(X), len(X)), self.intercept_unit**2 / INTERCEPT_PENALTY, dtype)
        for start in range(0, len(self.column_scales), COLUMNS_PER_BLOCK):
            block = slice(start, start + COLUMNS_PER_BLOCK)
            rows = np.subtract(X[:, block], self.center[block], dtype=np.float64)
            rows *= self.column_scales[block] / np.sqrt(self.inner[block])
            rows = rows.astype(dtype, copy=False)
            kernel += rows @ rows.T
        return kernel

    def _is_ill_conditioned(self, diagonal: np.ndarray, of_rows: slice = slice(None)) -> bool:
        """Whether I + V K V, of the diagonal of K, loses too many digits in single precision."""
        return bool((diagonal * self.root[of_rows] ** 2).max() > MAX_SINGLE_PRECISION)

    def _set_weights(self, u: np.ndarray) -> None:
        """Set V, the square roots (n,) of the rows' weighted information at u.

        The expected, if the law has a formula: rows of little observed information would let the first steps lead too far.
        """
        in_memory = self.objective.data.in_memory
        kept = in_memory.weight > 0
        law, eta = self.objective.likelihood, self.objective.eta(u)
        curvature = law.evaluate(in_memory.y[kept], eta, 2, "expected").information[self.name, self.name]
        self.root = np.zeros(len(self.X))
        self.root[kept] = np.sqrt(np.maximum(curvature, 0.0) * in_memory.weight[kept] / in_memory.total_weight)

    def _factorise(self) -> None:
        """Factorise I + V K V."""
        root = self.root.astype(self.kernel.dtype)
        matrix = self.kernel * root * root[:, None]
        matrix.flat[:: len(matrix) + 1] += 1.0
        self.factor = linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)

    def solve(self, gradient: np.ndarray) -> np.ndarray:
        scaled, first = gradient[self.place] / self.inner, gradient[0] / INTERCEPT_PENALTY
        beta = self.column_scales * scaled
        moved = self.X @ beta - self.center @ beta + self.intercept_unit * first
        values = linalg.cho_solve(self.factor, (self.root * moved).astype(self.kernel.dtype), check_finite=False) * self.root
        step = gradient.copy()
        step[self.place] = scaled - self.column_scales * (values @ self.X - self.center * values.sum()) / self.inner
        if self.intercept_unit:
            step[0] = first - self.intercept_unit * values.sum() / INTERCEPT_PENALTY
        return step
