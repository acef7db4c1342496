"""The coordinates of one parameter's linear predictor, chosen for the solver, and their map to coefficients of columns of X.

The parameter's part of the flat vector u, reshaped to (intercept + r, k), holds the coordinates. Coefficients are
``column_basis @ u @ output_basis.T``: `column_basis` scales and orthogonalises the q columns, `output_basis` scales the
K linear predictors by the parameter's information, so that the mean Hessian at the start is close to the identity. Where
columns are linearly dependent, the coordinates span the row space of the centred columns in their original units, so that
every fit is the minimum-norm one, as in scikit-learn's LinearRegression.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg, sparse

from .moments import Moments, cholesky

MAX_ROTATED_COLUMNS = 3000  # no p x p matrix above this: coordinates are then scaled, not rotated
MIN_UNROTATED_COLUMNS = 600  # columns, more than rows and penalised, from which a rotation costs more than it saves
MAX_MEAN_IN_SDS = 10.0  # a mean beyond this many standard deviations is subtracted from the rows, not from the sums
MIN_RCOND_OF_SUMS = 1e-6  # reciprocal condition of the correlation matrix below which rows, not sums, are rotated
# Smallest eigenvalue of the Gram matrix down to which its Cholesky factor orthonormalises the columns accurately.
EIGENVALUE_OF_GOOD_DIGITS = 1e-4
EIGENVALUE_OF_LOST_RANK = 1e-10  # smallest eigenvalue below which the correlation matrix does not determine the rank

UNIT_BASIS = np.eye(1)  # of one linear predictor, and of an intercept alone
UNIT_BASIS.flags.writeable = False


@dataclass(frozen=True)
class Columns:
    """The part of a design that is applied to rows of X: column indices, centres to subtract, rotation (q, r)."""

    index: np.ndarray | slice
    center: np.ndarray | None = None
    rotation: np.ndarray | None = None

    def of(self, X: Any) -> Any:
        """The columns of rows of X, before they are transformed."""
        return X if isinstance(self.index, slice) and self.index == slice(None) else X[:, self.index]

    def rows(self, X: Any) -> Any:
        """The transformed columns of rows of X, of shape (n, q) or, if rotated, (n, r)."""
        X = self.of(X)
        if type(X) is not np.ndarray and sparse.issparse(X):
            if self.center is None and self.rotation is None:
                return X
            X = X.toarray()
        X = np.asarray(X, dtype=np.float64)
        if self.center is not None:
            X = X - self.center
        if self.rotation is None:
            return X
        return _exactly(X, self.rotation)


@dataclass(frozen=True)
class Design:
    """Coordinates of one parameter.

    Attributes
    ----------
    columns : Columns or None
        None: an intercept only.
    shift : ndarray of shape (q,)
        Means that `columns` does not subtract from the rows; the intercept accounts for them.
    column_basis : ndarray of shape (q, r), or (q,) for a diagonal
        Maps coordinates to coefficients of the columns; ones where `columns` rotates the rows.
    intercept : bool
    output_basis : ndarray of shape (K, k)
        Maps coordinates to the K linear predictors of a vector parameter; (1, 1) for a scalar.
    vector : bool
        Whether the linear predictor has shape (n, K).
    """

    columns: Columns | None
    shift: np.ndarray
    column_basis: np.ndarray
    intercept: bool
    output_basis: np.ndarray
    vector: bool = False

    @property
    def linear(self) -> bool:
        """Whether rows do not depend on the coordinates; those of a curve do (`curve.py`)."""
        return True

    @property
    def shape(self) -> tuple[int, int]:
        """Shape (intercept + r, k) of the parameter's coordinates."""
        return self.column_basis.shape[-1] + self.intercept, self.output_basis.shape[1]

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return self.shape[0] * self.shape[1]

    def expand(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Intercept (K,) and coefficients (q, K) of the columns that `Columns.rows` returns."""
        u = np.asarray(u).reshape(self.shape)
        if self.columns is None:
            return self.output_basis.dot(u[0]), np.zeros((0, len(self.output_basis)))
        slopes = _times(self.column_basis, u[int(self.intercept) :]).dot(self.output_basis.T)
        shift = self.shift.dot(slopes)
        return self.output_basis.dot(u[0]) - shift if self.intercept else -shift, slopes

    def expand_change(self, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Change of the intercept and of the coefficients along a direction of the coordinates."""
        return self.expand(direction)

    def expand_adjoint(self, sums: np.ndarray) -> np.ndarray:
        """The adjoint of `expand`: sums over rows of (1, columns) times values, of shape (1 + q, K), in coordinates (size,)."""
        if self.columns is None:
            return sums.dot(self.output_basis).ravel()
        total, products = sums[:1], sums[1:]
        inner = _times(self.column_basis.T, products - self.shift[:, None] * total)
        return (np.concatenate([total, inner]) if self.intercept else inner).dot(self.output_basis).ravel()

    def matrix(self) -> np.ndarray:
        """`expand` for one linear predictor as a matrix (1 + q, intercept + r)."""
        return self._matrix

    @cached_property
    def _matrix(self) -> np.ndarray:
        if self.columns is None:
            return UNIT_BASIS
        first, basis = int(self.intercept), self.column_basis
        result = np.zeros((len(basis) + 1, first + basis.shape[-1]))
        result[0, :first] = 1.0
        result[1:, first:] = np.diag(basis) if basis.ndim == 1 else basis
        result[0, first:] = -self.shift @ result[1:, first:]
        result.flags.writeable = False  # cached
        return result

    def plain_rows(self, X: Any) -> np.ndarray:
        """Dense rows (1, columns), of shape (n, 1 + q)."""
        if self.columns is None:
            return np.ones((X.shape[0], 1))
        rows = self.columns.rows(X)
        return np.hstack([np.ones((X.shape[0], 1)), rows.toarray() if sparse.issparse(rows) else rows])

    def coordinate_rows(self, X: Any) -> np.ndarray:
        """Rows of X in coordinates of one linear predictor, of shape (n, intercept + r)."""
        return self.plain_rows(X) if self.columns is None else self.plain_rows(X) @ self.matrix()

    def coefficients(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Intercept (K,) and coefficients (q, K) of the original columns of X."""
        intercept, slopes = self.expand(u)
        if self.columns is None:
            return intercept, slopes
        if self.columns.rotation is not None:
            slopes = _exactly(self.columns.rotation, slopes)
        if self.columns.center is not None:
            intercept = intercept - self.columns.center @ slopes
        return intercept, slopes

    def units(self) -> np.ndarray:
        """Factors (q,) by which the columns that `Columns.rows` returns become numbers near one."""
        return np.abs(self.column_basis) if self.column_basis.ndim == 1 else np.linalg.norm(self.column_basis, axis=1)

    def original_matrix(self) -> np.ndarray:
        """`coefficients` for one linear predictor as a matrix from coordinates to intercept and original coefficients."""
        result = self.matrix().copy()
        if self.columns is not None and self.columns.rotation is not None:
            result = np.vstack([result[:1], _exactly(self.columns.rotation, result[1:])])
        if self.columns is not None and self.columns.center is not None:
            result[0] -= self.columns.center @ result[1:]
        return result

    def original_column_basis(self) -> np.ndarray:
        """The map from coordinates, without intercept, to coefficients of the original columns, for one linear predictor."""
        return self.column_basis if self.columns is None or self.columns.rotation is None else self.columns.rotation

    @cached_property
    def basis_products(self) -> np.ndarray:
        """The products (r, r) of the columns of `original_column_basis`, where that is a matrix, or (r,) if orthogonal."""
        basis = self.original_column_basis()
        return basis.T @ basis

    def with_basis_products(self, products: np.ndarray) -> Design:
        """The same design, of which they are known."""
        other = replace(self)
        vars(other)["basis_products"] = products
        return other

    def coefficient_scales(self, X: Any) -> np.ndarray:
        """Standard deviation of the linear predictor per unit of each coefficient of the original columns, (q,)."""
        return np.zeros(0) if self.columns is None else X.std(axis=0)[self.columns.index]

    def coordinates(self, intercept: Any, slopes: Any) -> np.ndarray:
        """The coordinates whose coefficients on the original columns come closest: the inverse of `coefficients`."""
        B = self.original_column_basis()
        if B.ndim == 1:
            inner = slopes / B[:, None]
        else:  # rows are scaled to norm 1, because the columns of X may have any unit
            norm = np.linalg.norm(B, axis=1, keepdims=True)
            norm[norm == 0] = 1.0
            inner = np.linalg.lstsq(B / norm, slopes / norm, rcond=None)[0]
        rotated = self.columns is not None and self.columns.rotation is not None
        intercept = intercept + self.shift @ (inner if rotated else slopes)
        if self.columns is not None and self.columns.center is not None:
            intercept = intercept + self.columns.center @ slopes
        parts = [intercept[None, :], inner] if self.intercept else [inner]
        return self.in_output_basis(np.concatenate(parts)).ravel()

    def in_output_basis(self, values: Any) -> np.ndarray:
        """Coordinates (..., k) of linear predictors (..., K): the inverse of `output_basis`, with its rows scaled to norm 1."""
        if self.output_basis.size == 1:
            return values / self.output_basis[0, 0]
        scale = np.linalg.norm(self.output_basis, axis=1)
        return (values / scale) @ np.linalg.pinv(self.output_basis / scale[:, None]).T

    def rotated(self, rotation: np.ndarray) -> Design:
        """The design whose coordinates, multiplied by a matrix (r, r) or a diagonal (r,), are this one's; same intercept."""
        products, diagonal = vars(self).get("basis_products"), rotation.ndim == 1
        if self.columns is None or self.columns.rotation is None:
            basis = self.column_basis * rotation if diagonal else self.column_basis @ rotation
            result = replace(self, column_basis=basis)
        else:
            basis = self.columns.rotation * rotation if diagonal else self.columns.rotation @ rotation
            shift = self.shift * rotation if diagonal else rotation.T @ self.shift
            result = replace(self, columns=replace(self.columns, rotation=basis), shift=shift)
        orthogonal = diagonal and products is not None and products.ndim == 1
        return result.with_basis_products(products * rotation**2) if orthogonal else result

    def unrotated(self) -> Design:
        """The design of the same columns in coordinates that are multiples of their single coefficients."""
        if self.columns is None or (self.column_basis.ndim == 1 and self.columns.rotation is None):
            return self
        basis = self.original_column_basis()
        norm = np.linalg.norm(basis, axis=1)
        live = norm > 0
        scale = np.zeros(len(basis))
        # B B' is the inverse of the Gram matrix, whose diagonal holds the squared scales
        scale[live] = norm[live] / np.linalg.norm(np.linalg.pinv(basis[live] / norm[live, None]), axis=0)
        column_basis = scale if live.all() else np.diag(scale)[:, live]
        if self.columns.rotation is None:
            return replace(self, column_basis=column_basis)
        columns = replace(self.columns, rotation=None)
        return replace(self, columns=columns, shift=np.zeros(len(basis)), column_basis=column_basis)

    def with_single_entries(self) -> Design:
        """The design in coordinates of single entries of a vector parameter, all of them, although a constant may be free."""
        return self.with_output_basis(np.diag(np.linalg.norm(self.output_basis, axis=1))) if self.vector else self

    def with_output_basis(self, output_basis: np.ndarray, vector: bool | None = None) -> Design:
        """The design with another output basis (K, k)."""
        other = object.__new__(type(self))  # with the cached matrix, in which the output basis has no part
        vars(other).update(vars(self), output_basis=output_basis, vector=self.vector if vector is None else vector)
        return other


def _exactly(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left @ right for ill-conditioned matrices, in extended precision, so that rounding errors are not amplified.

    Extended precision costs a hundred times as much, so it is used for few columns only, such as those of polynomials.
    """
    if right.size > 2500:
        return left @ right
    return np.asarray(left.astype(np.longdouble) @ right.astype(np.longdouble), dtype=np.float64)


def _times(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
    """matrix @ values, for a matrix or its diagonal."""
    return matrix[:, None] * values if matrix.ndim == 1 else matrix.dot(values)


def intercept_only() -> Design:
    """The design of a constant linear predictor."""
    return Design(None, np.zeros(0), np.zeros((0, 0)), True, UNIT_BASIS)


def from_moments(moments: Moments, index: slice | np.ndarray, intercept: bool, penalised: bool = False) -> Design:
    """The design of a parameter on the columns `index` of X; that of a `penalised` parameter may stay unrotated."""
    all_columns = isinstance(index, slice)
    mean, scale = moments.mean[index], moments.scale[index]
    live = scale.nonzero()[0]
    if len(live) == 0:
        return Design(Columns(index), np.zeros(len(mean)), np.zeros((len(mean), 0)), intercept, UNIT_BASIS)
    is_sparse = moments.data.is_sparse
    # the penalty makes the minimum unique, whatever the rank
    unrotated = penalised and not is_sparse and moments.gram is None and len(live) > MIN_UNROTATED_COLUMNS
    unrotated |= moments.uncorrelated
    at = np.arange(len(moments.mean))[index][live]
    few = None if unrotated else _of_few_rows(moments, at)
    rotation, on_rows = (None, False) if unrotated or few is not None else _rotation(moments, at)
    rotate_rows = 2 * len(few[1]) < len(live) if few is not None else on_rows and rotation is not None
    far = rotate_rows or bool(
        (np.abs(mean[live]) > (1e3 * MAX_MEAN_IN_SDS if is_sparse else MAX_MEAN_IN_SDS) * scale[live]).any()
    )
    inverse = np.zeros(len(mean))
    inverse[live] = 1 / scale[live]
    slopes: np.ndarray = inverse
    products = None
    if few is not None:
        slopes = np.zeros((len(mean), len(few[1])))
        slopes[live], products = few
    elif rotation is not None:
        slopes = np.zeros((len(mean), rotation.shape[1]))
        slopes[live] = rotation / scale[live, None]
        if rotation.shape[1] < len(live):
            slopes[live], products = _in_row_space(rotation, scale[live])
    center = _rounded_to_16_bits(mean) if far and intercept else None
    shift = mean if center is None else mean - center
    index = slice(None) if all_columns else index
    if rotate_rows:
        width = slopes.shape[1]
        design = Design(Columns(index, center, slopes), slopes.T @ shift, np.ones(width), intercept, UNIT_BASIS)
    else:
        design = Design(Columns(index, center), shift, slopes, intercept, UNIT_BASIS)
    return design if products is None else design.with_basis_products(products)


def with_ridges(moments: Moments, index: slice | np.ndarray, intercept: bool, alpha: np.ndarray) -> Design:
    """The design of a parameter with a penalty `alpha` (q,) on each column, in coordinates of unit curvature of both together.

    They are those of all columns, however dependent, but for directions that neither a row nor a penalty knows: of two ridges
    on dependent columns the coefficients do not lie in the row space.
    """
    mean, scale = moments.mean[index], moments.scale[index]
    columns = np.arange(len(moments.mean))[index]
    size = np.hypot(scale, np.sqrt(alpha))
    live = np.flatnonzero(size)
    if moments.gram is not None:
        gram = moments.gram[np.ix_(columns, columns)]
    else:
        root = moments.root()[:, columns]
        gram = root.T @ root
    share = scale[live] / size[live]
    matrix = gram[np.ix_(live, live)] * np.outer(share, share)
    matrix[np.diag_indices(len(live))] = 1.0
    factor, smallest = cholesky(matrix)
    if smallest > EIGENVALUE_OF_GOOD_DIGITS / 100:
        rotation = _inverse_transpose(factor)
    else:
        values, vectors = linalg.eigh(matrix)
        kept = values > EIGENVALUE_OF_LOST_RANK * values[-1]
        rotation, free = vectors[:, kept] / np.sqrt(values[kept]), vectors[:, ~kept] / size[live, None]
    slopes = np.zeros((len(mean), rotation.shape[1]))
    slopes[live] = rotation / size[live, None]
    if rotation.shape[1] < len(live):  # coefficients of minimum norm
        free = linalg.orth(free)
        slopes[live] -= free @ (free.T @ slopes[live])
    far = bool((np.abs(mean[live]) > MAX_MEAN_IN_SDS * scale[live])[scale[live] > 0].any())
    center = _rounded_to_16_bits(mean) if far and intercept and not moments.data.is_sparse else None
    return Design(Columns(index, center), mean if center is None else mean - center, slopes, intercept, UNIT_BASIS)


def _rounded_to_16_bits(values: np.ndarray) -> np.ndarray:
    """Values rounded to 16 bits, which can be subtracted from integers without rounding error."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 65536), exponent - 16)


def _rotation(moments: Moments, live: np.ndarray) -> tuple[Any, bool]:
    """The matrix that orthonormalises the standardised columns `live`, and whether it must be applied to rows, not to sums.

    None for the matrix where there are too many columns to rotate. Sums lose too many digits to an ill-conditioned matrix.
    """
    if moments.gram is not None:
        factor, smallest = moments.factor(live)
        if smallest > EIGENVALUE_OF_LOST_RANK:
            steep = smallest < MIN_RCOND_OF_SUMS * len(live)  # an upper bound of the norm, without computing it
            return _inverse_transpose(factor), steep and bool(smallest < MIN_RCOND_OF_SUMS * moments.norm(live))
    if min(moments.data.n_samples, len(live)) > MAX_ROTATED_COLUMNS:
        return None, False
    singular, right = _principal(moments.root()[:, live], int(moments.centered))
    offset = np.abs(moments.mean[live] / moments.scale[live]).max()  # the rounding error of a column is eps times its mean
    tolerance = singular[0] * np.finfo(float).eps * max(moments.data.n_samples, len(live), 8 * offset)
    rank = int((singular > tolerance).sum())
    steep = singular[rank - 1] ** 2 < MIN_RCOND_OF_SUMS * singular[0] ** 2
    return right[:rank].T / singular[:rank], bool(steep or 2 * rank < len(live))  # few coordinates are cheaper on rows


def _principal(R: np.ndarray, n_dependent: int) -> tuple[np.ndarray, np.ndarray]:
    """Singular values and right singular vectors of R, of whose rows `n_dependent` are known to depend on the others.

    For a wide matrix the products of its rows suffice, if its rank is certain and no singular value is small.
    """
    if len(R) < R.shape[1]:
        values, vectors = linalg.eigh(R @ R.T)
        if values[n_dependent] > MIN_RCOND_OF_SUMS * values[-1]:
            descending = slice(None, n_dependent - 1 if n_dependent else None, -1)
            singular = np.sqrt(values[descending])
            return singular, vectors[:, descending].T @ R / singular[:, None]
    return linalg.svd(R, full_matrices=False)[1:]


def _of_few_rows(moments: Moments, live: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Coefficients of original columns `live` that make rows orthonormal, in the row space, and the squares of their norms.

    They are orthogonal. None where columns are no more than rows, or where the products of the rows tell too little.
    """
    if moments.gram is not None or len(live) > MAX_ROTATED_COLUMNS:
        return None
    rows = moments.root()[:, live] * moments.scale[live]
    if len(rows) > len(live):
        return None
    values, vectors = linalg.eigh(rows @ rows.T, driver="evd")
    n_dependent = int((values < len(rows) * np.finfo(float).eps * values[-1]).sum())  # copies of rows, and the mean
    if n_dependent == len(values) or not values[n_dependent] > MIN_RCOND_OF_SUMS * values[-1]:
        return None
    values, vectors = values[n_dependent:], vectors[:, n_dependent:]
    return rows.T @ (vectors / values), 1 / values


def _in_row_space(rotation: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Coefficients ``rotation / scale`` projected on the row space in original units, which makes their norm minimal.

    The columns of `rotation` are orthogonal. Also the products of the result, where they are known. Those of well-conditioned
    rows are made orthogonal, as in `_of_few_rows`, so that weights and repeated rows have the same coordinates.
    """
    space = rotation * scale[:, None]
    norm = np.linalg.norm(space, axis=0)
    factor, smallest = cholesky(space.T @ space / np.outer(norm, norm))
    # the products of the space with the coefficients are those of `rotation`, in which the scales cancel
    diagonal = np.einsum("ij,ij->j", rotation, rotation) / norm
    if smallest > EIGENVALUE_OF_GOOD_DIGITS:
        inner = linalg.cho_solve((factor, True), np.diag(diagonal))
        slopes, products = space @ (inner / norm[:, None]), diagonal[:, None] * inner
        squares, axes = linalg.eigh(products)
        if squares[0] > MIN_RCOND_OF_SUMS * squares[-1]:
            return slopes @ axes[:, ::-1], squares[::-1]
        return slopes, products
    basis = linalg.qr(space / norm, mode="economic")[0]
    return basis @ (basis.T @ (rotation / scale[:, None])), None


def _inverse_transpose(factor: np.ndarray) -> np.ndarray:
    """The inverse transpose of a Cholesky factor L, which orthonormalises columns whose Gram matrix is L L'."""
    return linalg.lapack.dtrtri(factor, lower=1)[0].T
