"""Means, scales and correlations of the columns of X, from which designs choose their coordinates."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, sparse

from .._utils.floats import round_unit
from .._utils.messages import columns_text
from .._utils.repeated import are_ones
from .data import Batch, Data, times_weights, transposed

ROWS_OF_SAMPLE = 256  # rows from which the origin of sums is taken
ROUNDING_OF_MEAN = 4 * float(np.finfo(float).eps)  # standard deviation, relative to the mean, up to which a column is constant
MAX_ORIGIN_IN_SDS = 3.0  # distance of origin and mean, in standard deviations, beyond which sums lose digits
MIN_SINGLE_PRECISION_COLUMNS = 64  # columns from which cross products in single precision are faster
LARGEST_WITH_SQUARE = 1e150  # absolute value whose square, and that of its reciprocal, is a float with all digits
SMALLEST_SCALE = 1e-153  # scale of a column below which its square loses digits, and the reciprocal of that overflows
# Columns from which a sample tells whether they are nearly uncorrelated, rows of it per column, and rows of all per column from
# which it costs little beside these.
MIN_SAMPLED_COLUMNS, SAMPLED_ROWS_PER_COLUMN, MIN_ROWS_PER_COLUMN = 800, 2, 20
MAX_CORRELATION_RATIO = 1.05  # sum of squared correlations of a sample, relative to that of uncorrelated columns
MIN_SAMPLED_EIGENVALUE = 1e-3  # smallest eigenvalue of its correlation matrix for which its columns are independent
MIN_SINGLE_PRECISION_EIGENVALUE = 1e-4  # smallest eigenvalue of a correlation matrix for which single precision suffices


class Moments:
    """Weighted means, scales and correlations of the columns of X, in one pass, from sums around values near the means.

    Parameters
    ----------
    data : Data
    centered : bool
        Whether means are subtracted; if not (no intercept), the scale is the root mean square.
    most_columns : int
        Number of columns up to which the correlation matrix is computed.
    where_needed : bool
        Whether it is left out for many columns that a sample shows to be nearly uncorrelated.

    Attributes
    ----------
    mean, scale : ndarray of shape (p,)
        The scale of a constant column is 0.
    gram : ndarray of shape (p, p) or None
        Correlation matrix; computed in single precision for many columns that are not nearly dependent.
    uncorrelated : bool
        Whether it was left out, as all columns are independent and nearly uncorrelated.
    """

    uncorrelated = False

    def __init__(self, data: Data, centered: bool, most_columns: int, where_needed: bool = False) -> None:
        p = data.n_features
        self.data, self.centered = data, centered
        self.small = p <= most_columns and p <= data.n_samples
        if centered in data.products:
            self.small = data.products[centered].central.ndim == 2
            self._scaled(data.products[centered])
            return
        if data.is_sparse:
            self._keep(products_of_columns(data, centered, self.small))
            return
        with np.errstate(all="ignore"):  # `_check_range` names columns whose squares overflow
            origin, spread = _provisional(data, centered)
            if where_needed and self.small and are_nearly_uncorrelated(data, centered):
                self.small, self.uncorrelated = False, True
                self._scaled(_dense_products(data, centered, False, origin))
                return
            if self.small and p >= MIN_SINGLE_PRECISION_COLUMNS and spread.all():
                self._scaled(_dense_products(data, centered, self.small, origin, spread), spread)
                if np.isfinite(self.gram).all() and self.scale.all() and self.factor()[1] > MIN_SINGLE_PRECISION_EIGENVALUE:
                    return
            self._keep(_dense_products(data, centered, self.small, origin))

    def _keep(self, sums: Products) -> None:
        """Set what follows from products in double precision, which are known to the data from now on."""
        self.data.products = {**self.data.products, self.centered: sums}
        self._scaled(sums)

    def _check_range(self, constant: np.ndarray) -> None:
        """Raise for columns whose squares overflow, or underflow, so that they lose digits or pass for `constant` ones."""
        suspect = np.flatnonzero(constant | ~(self.scale > SMALLEST_SCALE) | ~np.isfinite(self.scale))
        columns = self.data.in_memory.X[:, suspect]
        largest = np.ravel(abs(columns).max(axis=0).toarray() if sparse.issparse(columns) else np.abs(columns).max(axis=0))
        bad = (largest > 0) & (~constant[suspect] | (largest < 1 / LARGEST_WITH_SQUARE) | (largest > LARGEST_WITH_SQUARE))
        if bad.any():
            first, names = largest[bad][0], self.data.in_memory.names
            counted = ", counted from 0," * (names is None)
            raise ValueError(
                f"{columns_text(suspect[bad], names)} of X{counted} hold values up to {first:.3g}, whose squares are no floats "
                f"with all digits. Use another unit, such as values / {round_unit(first)}"
            )

    def _scaled(self, sums: Products, divisor: Any = 1.0) -> None:
        """Set means, scales and correlations from central products of the columns in units of `divisor`."""
        self.mean, products = sums.mean, sums.central / sums.total_weight
        spread = np.sqrt(np.maximum(products.diagonal() if self.small else products, 0.0))
        self.scale = spread * divisor
        constant = ~(self.scale > ROUNDING_OF_MEAN * np.abs(self.mean))
        if constant.any() or not isfinite(self.scale.sum()) or (self.scale <= SMALLEST_SCALE).any():
            self._check_range(constant)
        self.scale[constant], spread[constant] = 0.0, 1.0
        self.gram: Any = products / (spread[:, None] * spread) if self.small else None
        self._factor: tuple | None = None

    def factor(self, columns: Any = None) -> tuple[np.ndarray, float]:
        """`cholesky` of the correlation matrix, or of that of some columns; that of all is cached."""
        if columns is not None and len(columns) < len(self.scale):
            return cholesky(self.gram[np.ix_(columns, columns)])
        if self._factor is None:
            self._factor = cholesky(self.gram)
        return self._factor

    def norm(self, columns: Any) -> float:
        """1-norm of the correlation matrix of some columns, an upper bound of its largest eigenvalue."""
        return float(np.linalg.norm(self.gram[np.ix_(columns, columns)], 1))

    def root(self) -> np.ndarray:
        """A matrix R of at most p rows with R'R equal to the correlation matrix, accurate for nearly dependent columns.

        R is the triangular factor of the standardised columns, by QR block by block, or these columns if X has few rows.
        """
        divisor, wide = np.where(self.scale > 0, self.scale, 1.0), self.data.n_samples <= len(self.scale)
        stack = np.vstack if wide else _triangle
        factor = partial(_standardised, mean=self.mean, divisor=divisor, stack=stack)
        return np.asarray(self.data.reduce(factor, partial(_stacked, stack))) / np.sqrt(self.data.total_weight)


class Products(NamedTuple):
    """Sums over rows of the columns of X: total weight, weighted means (p,), and central products (p, p), or squares (p,).

    Central is around the means or, if the columns are not centred, around zero, which then stands for the means.
    """

    total_weight: float
    mean: np.ndarray
    central: np.ndarray

    def joined(self, other: Products) -> Products:
        """The sums over the rows of both (Chan, Golub and LeVeque 1983, doi:10.1080/00031305.1983.10483115)."""
        total = self.total_weight + other.total_weight
        step = other.mean - self.mean
        between = np.outer(step, step) if self.central.ndim == 2 else step**2
        central = self.central + other.central + between * (self.total_weight * other.total_weight / total)
        return Products(total, self.mean + step * (other.total_weight / total), central)


def products_of_columns(data: Data, centered: bool, small: bool) -> Products:
    """The products of the columns, or their squares where these are not `small` in number, in double precision."""
    if not data.is_sparse:
        return _dense_products(data, centered, small, _provisional(data, centered)[0])
    total, sums = data.total_weight, data.reduce(partial(_sparse_sums, centered=centered, small=small))
    mean = sums["sum"] / total if centered else np.zeros(data.n_features)
    central = sums["products"] - total * (np.outer(mean, mean) if small else mean**2)
    if ((np.diag(central) if small else central) < total * (1e-4 * mean) ** 2).any():  # a mean is large: digits are lost
        return _dense_products(data, centered, small, mean)
    return Products(total, mean, central)


def are_nearly_uncorrelated(data: Data, centered: bool) -> bool:
    """Whether many dense columns are nearly uncorrelated, and independent, in a sample, and thus independent in all rows.

    Their products in all rows, which are left out then, would cost many passes.
    """
    p, in_memory = data.n_features, data.in_memory
    enough = p >= MIN_SAMPLED_COLUMNS and in_memory.n_samples >= MIN_ROWS_PER_COLUMN * p
    if data.costly or not enough or not are_ones(in_memory.weight):
        return False
    for n_rows in (ROWS_OF_SAMPLE, SAMPLED_ROWS_PER_COLUMN * p):  # a first look costs little where there are correlations
        rows = np.array(in_memory.subsample(n_rows).X, dtype=np.float64)
        rows -= rows.mean(axis=0) * centered
        norms = np.linalg.norm(rows, axis=0)
        if not norms.all():
            return False
        rows = np.divide(rows, norms, out=rows).astype(np.float32)
        products = rows @ rows.T if n_rows < p else rows.T @ rows  # of the same sum of squares
        if not float(np.vdot(products, products)) <= MAX_CORRELATION_RATIO * (p + p**2 / n_rows):
            return False
    return cholesky(products.astype(np.float64))[1] > MIN_SAMPLED_EIGENVALUE


def _provisional(data: Data, centered: bool) -> tuple[np.ndarray, np.ndarray]:
    """Values near the means (p,), around which sums are taken, and rough standard deviations (p,), from a few rows.

    The latter are zeros where they are of no use: there is one block, of which a copy costs little, and columns are few.
    """
    rows = data.in_memory
    if data.n_features < MIN_SINGLE_PRECISION_COLUMNS and not data.costly and data.n_samples <= data.block_rows:
        return rows.weight.dot(rows.X) * (centered / data.total_weight), np.zeros(data.n_features)
    sample = np.asarray(rows.X[:: -(-rows.n_samples // ROWS_OF_SAMPLE)], dtype=np.float64)
    origin = np.einsum("ij->j", sample) * (centered / len(sample))
    around = sample - origin
    spread = np.sqrt(np.einsum("ij,ij->j", around, around) / len(sample))
    # subtracting nothing saves a copy of X
    return np.zeros(data.n_features) if (np.abs(origin) <= spread).all() else origin, spread


def _dense_products(data: Data, centered: bool, small: bool, origin: np.ndarray, spread: Any = None) -> Products:
    """The products from dense rows; in single precision, in units of an approximate `spread`, if that is given."""
    total = data.total_weight
    # longer blocks, so that their products cost more than the sum of these
    rows = data.with_long_blocks(data.n_features) if small else data
    divisor = 1.0 if spread is None else spread
    for _ in range(2):
        sums = rows.reduce(partial(_sums, origin=origin, spread=spread, small=small))
        shift = sums["shift"] / total * centered
        squares = shift[:, None] * shift if small else shift**2
        result = Products(total, origin + shift * divisor, sums["products"] - total * squares)
        scale = np.sqrt(np.maximum(result.central.diagonal() if small else result.central, 0.0) / total) * divisor
        moved = (np.abs(shift) * divisor > MAX_ORIGIN_IN_SDS * scale) & (scale > ROUNDING_OF_MEAN * np.abs(result.mean))
        if not moved.any():
            break
        origin = result.mean
    return result


def _standardised(batch: Batch, mean: np.ndarray, divisor: np.ndarray, stack: Any) -> np.ndarray:
    """The standardised rows of a block, times the roots of their weights, or their triangular factor."""
    rows = (_rows(batch) - mean) / divisor
    return stack([rows if are_ones(batch.weight) else times_weights(rows, np.sqrt(batch.weight))])


def _stacked(stack: Callable, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return stack([a, b])


def _triangle(parts: list[np.ndarray]) -> np.ndarray:
    """The triangular factor of rows."""
    return np.asarray(np.linalg.qr(np.vstack(parts), mode="r"))


def cholesky(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """The lower Cholesky factor, and a lower bound of the smallest eigenvalue: 0 if the matrix is not positive definite."""
    factor, fail = linalg.lapack.dpotrf(matrix.T, lower=1)  # the transpose is in Fortran order, so it is not copied
    return factor, 0.0 if fail else float(linalg.lapack.dpocon(factor, 1.0, uplo="L")[0])


def _rows(batch: Batch) -> np.ndarray:
    """Rows of a block as a dense array."""
    return batch.X.toarray() if sparse.issparse(batch.X) else batch.X


def _sums(batch: Batch, origin: np.ndarray, spread: Any, small: bool) -> dict:
    """Weighted sums of a block's columns and of their products (if `small`) or squares, around `origin`."""
    Z = _rows(batch) - origin if origin.any() else _rows(batch)
    Z = np.asarray(Z, np.float64) if spread is None else np.divide(Z, spread, dtype=np.float32, casting="same_kind")
    root = np.ones(len(Z), Z.dtype)
    if not are_ones(batch.weight):
        root = np.sqrt(batch.weight).astype(Z.dtype)
        Z = Z * root[:, None]
    products = Z.T.dot(Z) if small else np.einsum("ij,ij->j", Z, Z)  # not `@`: see `sums.py`
    return {"shift": root.dot(Z), "products": products.astype(np.float64)}


def _sparse_sums(batch: Batch, centered: bool, small: bool) -> dict:
    """Weighted sums of sparse columns, if they are `centered`, and of their products (if `small`) or squares."""
    columns = transposed(batch.X)
    sums = {"sum": columns @ batch.weight} if centered else {}
    if small:
        weighted = batch.X if are_ones(batch.weight) else batch.X.multiply(batch.weight[:, None]).tocsr()
        return sums | {"products": (columns @ weighted).toarray()}
    columns.data = columns.data**2
    return sums | {"products": columns @ batch.weight}
