"""How one parameter's linear predictor is made from X, in coordinates that suit a solver.

The solver sees coordinates u in which the mean Hessian is close to the identity at the start: columns are centred,
scaled and made orthogonal, and the unit is that of the parameter's own information. Coefficients on the original columns
follow exactly by `expand`. Where columns are linearly dependent, the coordinates span the row space of the centred
columns in their original units, so that every fit is the minimum-norm one, as in scikit-learn's LinearRegression.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import linalg, sparse

from .moments import Moments, cholesky

MAX_ROTATED_COLUMNS = 3000  # no p x p matrix above this: coordinates are then scaled, not rotated
MIN_UNROTATED_COLUMNS = 600  # columns, more than rows and penalised, from which a rotation costs more than it saves
MAX_MEAN_IN_SDS = 10.0  # a mean beyond this many standard deviations is subtracted from the rows, not from the sums
MIN_RCOND_OF_SUMS = 1e-6  # reciprocal condition of the correlation matrix below which rows, not sums, are rotated
# Smallest eigenvalue of columns' products down to which these make them orthonormal to all but a few digits.
EIGENVALUE_OF_GOOD_DIGITS = 1e-4
EIGENVALUE_OF_LOST_RANK = 1e-10  # smallest eigenvalue below which the correlation matrix says nothing about rank


@dataclass(frozen=True)
class Columns:
    """The part of a design that acts on rows: which columns, what is subtracted, what they are rotated by."""

    index: np.ndarray | slice
    center: np.ndarray | None = None
    rotation: np.ndarray | None = None

    def rows(self, X):
        X = X[:, self.index] if not isinstance(self.index, slice) else X
        if sparse.issparse(X) and (self.center is None and self.rotation is None):
            return X
        X = X.toarray() if sparse.issparse(X) else np.asarray(X, dtype=np.float64)
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
        Mean of the rows' columns that remains to be subtracted, by way of the intercept.
    slopes : ndarray of shape (q, r), or (q,) for a diagonal
        From coordinates to coefficients of the rows' columns; ones where these are rotated row by row.
    intercept : bool
    unit : ndarray of shape (K, k)
        From coordinates to the K linear predictors of a vector parameter; (1, 1) for a scalar.
    vector : bool
        Whether the linear predictor has shape (n, K).
    """

    columns: Columns | None
    shift: np.ndarray
    slopes: np.ndarray
    intercept: bool
    unit: np.ndarray
    vector: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the parameter's coordinates: (intercept and rotated columns, directions of the parameter)."""
        return self.slopes.shape[-1] + self.intercept, self.unit.shape[1]

    @property
    def size(self) -> int:
        return self.shape[0] * self.shape[1]

    def expand(self, u):
        """Intercept (K,) and coefficients (q, K) of the rows' columns."""
        u = np.reshape(u, self.shape)
        if self.columns is None:
            return self.unit @ u[0], np.zeros((0, len(self.unit)))
        slopes = _times(self.slopes, u[int(self.intercept) :]) @ self.unit.T
        start = u[0] @ self.unit.T if self.intercept else np.zeros(len(self.unit))
        return start - self.shift @ slopes, slopes

    def collapse(self, sums):
        """The adjoint of `expand`: from sums over rows against (1, columns), of shape (1 + q, K), to coordinates."""
        total, products = sums[:1], sums[1:]
        inner = _times(self.slopes.T, products - self.shift[:, None] * total)
        parts = [total, inner] if self.intercept else [inner]
        return (np.concatenate(parts) @ self.unit).ravel()

    def matrix(self) -> np.ndarray:
        """`expand` as a matrix from coordinates of one direction to (1 + q) coefficients."""
        return self._matrix

    @cached_property
    def _matrix(self):
        slopes = np.diag(self.slopes) if self.slopes.ndim == 1 else self.slopes
        result = np.vstack([-self.shift @ slopes, slopes])
        if self.intercept:
            result = np.hstack([np.eye(len(result), 1), result])
        result.flags.writeable = False  # remembered
        return result

    def plain_rows(self, X) -> np.ndarray:
        """The rows' columns behind a 1: what coordinates are made of."""
        if self.columns is None:
            return np.ones((X.shape[0], 1))
        rows = self.columns.rows(X)
        return np.hstack([np.ones((X.shape[0], 1)), rows.toarray() if sparse.issparse(rows) else rows])

    def coordinate_rows(self, X) -> np.ndarray:
        """Rows of X in coordinates of one direction, the intercept's 1 included."""
        return self.plain_rows(X) if self.columns is None else self.plain_rows(X) @ self.matrix()

    def coefficients(self, u):
        """Intercept (K,) and coefficients (q, K) of the original columns."""
        start, slopes = self.expand(u)
        if self.columns is None:
            return start, slopes
        if self.columns.rotation is not None:
            slopes = _exactly(self.columns.rotation, slopes)
        if self.columns.center is not None:
            start = start - self.columns.center @ slopes
        return start, slopes

    def original_matrix(self) -> np.ndarray:
        """`coefficients` as a matrix from coordinates of one direction to the intercept and the original coefficients."""
        result = self.matrix().copy()
        if self.columns is not None and self.columns.rotation is not None:
            result = np.vstack([result[:1], _exactly(self.columns.rotation, result[1:])])
        if self.columns is not None and self.columns.center is not None:
            result[0] -= self.columns.center @ result[1:]
        return result

    def original_slopes(self) -> np.ndarray:
        """From coordinates of one direction, without intercept, to coefficients of the original columns."""
        return self.slopes if self.columns is None or self.columns.rotation is None else self.columns.rotation

    def coordinates(self, start, slopes):
        """The coordinates whose coefficients on the original columns come closest: the inverse of `coefficients`."""
        B = self.original_slopes()
        if B.ndim == 1:
            inner = slopes / B[:, None]
        else:  # each row in its own unit: columns of X may have any
            unit = np.linalg.norm(B, axis=1, keepdims=True)
            unit[unit == 0] = 1.0
            inner = np.linalg.lstsq(B / unit, slopes / unit, rcond=None)[0]
        rotated = self.columns is not None and self.columns.rotation is not None
        start = start + self.shift @ (inner if rotated else slopes)
        if self.columns is not None and self.columns.center is not None:
            start = start + self.columns.center @ slopes
        parts = [start[None, :], inner] if self.intercept else [inner]
        return self.directions(np.concatenate(parts)).ravel()

    def directions(self, values) -> np.ndarray:
        """The coordinates of linear predictors (..., K), each entry resolved to its own scale: the inverse of `unit`."""
        if self.unit.size == 1:
            return values / self.unit[0, 0]
        scale = np.linalg.norm(self.unit, axis=1)
        return (values / scale) @ np.linalg.pinv(self.unit / scale[:, None]).T

    def rotated(self, rotation) -> Design:
        """The design whose coordinates, times a matrix (r, r) or a diagonal (r,), are this one's; the intercept stays."""
        if self.columns is None or self.columns.rotation is None:
            return replace(self, slopes=self.slopes * rotation if rotation.ndim == 1 else self.slopes @ rotation)
        columns = replace(self.columns, rotation=self.columns.rotation @ rotation)
        return replace(self, columns=columns, shift=rotation.T @ self.shift)

    def with_unit(self, unit, vector: bool | None = None) -> Design:
        return replace(self, unit=unit, vector=self.vector if vector is None else vector)


def _exactly(left, right):
    """left @ right, where both are steep: rounded once at the end, so that an error is not raised by their condition.

    Extended precision costs a hundred times as much, so only for the few columns that polynomials and the like have.
    """
    if right.size > 2500:
        return left @ right
    return np.asarray(left.astype(np.longdouble) @ right.astype(np.longdouble), dtype=np.float64)


def _times(matrix, values):
    return matrix[:, None] * values if matrix.ndim == 1 else matrix @ values


def intercept_only() -> Design:
    return Design(None, np.zeros(0), np.zeros((0, 0)), True, np.eye(1))


def from_moments(moments: Moments, index, intercept: bool, penalised: bool = False) -> Design:
    """The design of a parameter on the columns `index` of X; where it is `penalised`, it may stay unrotated."""
    everything = isinstance(index, slice)
    mean, scale = moments.mean[index], moments.scale[index]
    live = np.flatnonzero(scale)
    if len(live) == 0:
        return Design(Columns(index), np.zeros(len(mean)), np.zeros((len(mean), 0)), intercept, np.eye(1))
    is_sparse = sparse.issparse(moments.data.X)
    unique = (
        penalised and not is_sparse and moments.gram is None and len(live) > MIN_UNROTATED_COLUMNS
    )  # by the penalty, whatever the rank
    rotation, steep = (None, False) if unique else _rotation(moments, np.arange(len(moments.mean))[index][live])
    rotate_rows = steep and rotation is not None
    far = rotate_rows or bool(
        (np.abs(mean[live]) > (1e3 * MAX_MEAN_IN_SDS if is_sparse else MAX_MEAN_IN_SDS) * scale[live]).any()
    )
    inverse = np.zeros(len(mean))
    inverse[live] = 1 / scale[live]
    slopes: np.ndarray = inverse
    if rotation is not None:
        slopes = np.zeros((len(mean), rotation.shape[1]))
        slopes[live] = rotation / scale[live, None]
        if rotation.shape[1] < len(live):  # project on the row space in original units: the minimum-norm coefficients
            space = np.zeros_like(slopes)
            space[live] = rotation * scale[live, None]
            basis = _orthonormal(space)
            slopes = basis @ (basis.T @ slopes)
    center = _short(mean) if far and intercept else None
    rest = mean if center is None else mean - center
    index = slice(None) if everything else index
    if rotate_rows:
        width = slopes.shape[1]
        return Design(Columns(index, center, slopes), slopes.T @ rest, np.ones(width), intercept, np.eye(1))
    return Design(Columns(index, center), rest, slopes, intercept, np.eye(1))


def _short(values):
    """The same numbers to 16 bits: subtracting them from rows of whole numbers makes no rounding error."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 65536), exponent - 16)


def _rotation(moments: Moments, live):
    """Orthogonalising matrix of the standardised columns `live`, and whether it is too steep to act on sums.

    None: too many columns to rotate.
    """
    if moments.gram is not None:
        factor, smallest = moments.factor(live)
        if smallest > EIGENVALUE_OF_LOST_RANK:
            steep = smallest < MIN_RCOND_OF_SUMS * len(live)  # no norm of correlations is larger
            return _upper_inverse(factor), steep and bool(smallest < MIN_RCOND_OF_SUMS * moments.norm(live))
    if min(moments.data.n_samples, len(live)) > MAX_ROTATED_COLUMNS:
        return None, False
    singular, right = _principal(moments.root()[:, live], int(moments.centered))
    offset = np.abs(moments.mean[live] / moments.scale[live]).max()  # a column is known to eps times its mean
    tolerance = singular[0] * np.finfo(float).eps * max(moments.data.n_samples, len(live), 8 * offset)
    rank = int((singular > tolerance).sum())
    steep = singular[rank - 1] ** 2 < MIN_RCOND_OF_SUMS * singular[0] ** 2
    return right[:rank].T / singular[:rank], bool(steep or 2 * rank < len(live))  # few coordinates: cheaper on rows


def _principal(R, lost):
    """Singular values and right singular vectors of R, of whose rows so many are known to depend on the others.

    A wide matrix needs but the products of its rows, if its rank is beyond doubt and no value is small.
    """
    if len(R) < R.shape[1]:
        values, vectors = linalg.eigh(R @ R.T)
        if values[lost] > MIN_RCOND_OF_SUMS * values[-1]:
            singular = np.sqrt(values[: lost - 1 if lost else None : -1])
            return singular, vectors[:, : lost - 1 if lost else None : -1].T @ R / singular[:, None]
    return linalg.svd(R, full_matrices=False)[1:]


def _orthonormal(columns):
    """Orthonormal columns that span the same space: by way of their products where no digit is lost that way."""
    columns = columns / np.linalg.norm(columns, axis=0)
    factor, smallest = cholesky(columns.T @ columns)
    if smallest > EIGENVALUE_OF_GOOD_DIGITS:
        return columns @ _upper_inverse(factor)
    return linalg.qr(columns, mode="economic")[0]


def _upper_inverse(factor):
    """What makes columns orthonormal whose products have this lower triangular factor."""
    return np.tril(linalg.lapack.dtrtri(factor, lower=1)[0]).T
