"""Means, scales and correlations of the columns of X, from which designs choose their coordinates."""

from __future__ import annotations

from copy import copy

import numpy as np
from scipy import linalg, sparse

from .data import Batch, Data, are_ones, times_weights

ROWS_OF_SAMPLE = 256  # rows from which the origin of sums is taken
MAX_ORIGIN_IN_SDS = 3.0  # distance of origin and mean, in standard deviations, beyond which sums lose digits
MIN_SINGLE_PRECISION_COLUMNS = 64  # columns from which cross products in single precision are faster
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

    Attributes
    ----------
    mean, scale : ndarray of shape (p,)
        The scale of a constant column is 0.
    gram : ndarray of shape (p, p) or None
        Correlation matrix; computed in single precision for many columns that are not nearly dependent.
    """

    def __init__(self, data: Data, centered: bool, most_columns: int):
        p = data.n_features
        self.data, self.centered = copy(data), centered
        self.small = p <= most_columns and p <= data.n_samples
        if self.small:  # longer blocks, so that their products cost more than the sum of these
            self.data.block_rows = max(data.block_rows, p)
        if sparse.issparse(data.X):
            self._sparse()
            return
        sample = np.asarray(data.X[:: -(-data.n_samples // ROWS_OF_SAMPLE)], dtype=np.float64)
        origin = sample.mean(axis=0) * centered
        spread = np.sqrt(np.mean((sample - origin) ** 2, axis=0))
        if (np.abs(origin) <= spread).all():  # subtracting nothing saves a copy of X
            origin = np.zeros(p)
        if self.small and p >= MIN_SINGLE_PRECISION_COLUMNS and spread.all():
            with np.errstate(all="ignore"):
                self._dense(origin, spread)
            if np.isfinite(self.gram).all() and self.scale.all() and self.factor()[1] > MIN_SINGLE_PRECISION_EIGENVALUE:
                return
        self._dense(origin)

    def _dense(self, origin, spread=None):
        """Set mean, scale and correlations from dense rows; in single precision if an approximate `spread` is given."""
        for _ in range(2):
            sums = self.data.reduce(lambda batch, origin=origin: _sums(batch, origin, spread, self.small))
            divisor = 1.0 if spread is None else spread
            shift = sums["shift"] / self.data.total_weight * self.centered
            products = sums["products"] / self.data.total_weight - (np.outer(shift, shift) if self.small else shift**2)
            self.mean = origin + shift * divisor
            self._scaled(products, divisor)
            if not ((np.abs(shift) * divisor > MAX_ORIGIN_IN_SDS * self.scale) & (self.scale > 0)).any():
                return
            origin = self.mean

    def _scaled(self, products, divisor=1.0):
        """Set scale and correlations from central products of the columns in units of `divisor`."""
        spread = np.sqrt(np.maximum(np.diag(products) if self.small else products, 0.0))
        rounding = 4 * np.finfo(float).eps * np.abs(self.mean)
        self.scale = np.where(spread * divisor > rounding, spread * divisor, 0.0)
        spread = np.where(self.scale > 0, spread, 1.0)
        self.gram = products / np.outer(spread, spread) if self.small else None
        self._factor: tuple | None = None

    def _sparse(self):
        """Set mean, scale and correlations from sparse rows, or from dense blocks if a mean is large relative to its scale."""
        total = self.data.total_weight
        self.mean = np.zeros(self.data.n_features)
        if self.centered:
            self.mean = self.data.reduce(lambda batch: batch.X.T @ batch.weight, np.add) / total
        measure = _sparse_products if self.small else _sparse_squares
        products = self.data.reduce(measure, np.add) / total
        products = products - (np.outer(self.mean, self.mean) if self.small else self.mean**2)
        if ((np.diag(products) if self.small else products) < (1e-4 * self.mean) ** 2).any():
            self._dense(self.mean)
        else:
            self._scaled(products)

    def factor(self, columns=None) -> tuple[np.ndarray, float]:
        """`cholesky` of the correlation matrix, or of that of some columns; that of all is cached."""
        if columns is not None and len(columns) < len(self.scale):
            return cholesky(self.gram[np.ix_(columns, columns)])
        if self._factor is None:
            self._factor = cholesky(self.gram)
        return self._factor

    def norm(self, columns) -> float:
        """1-norm of the correlation matrix of some columns, an upper bound of its largest eigenvalue."""
        return float(np.linalg.norm(self.gram[np.ix_(columns, columns)], 1))

    def root(self) -> np.ndarray:
        """A matrix R of at most p rows with R'R equal to the correlation matrix, accurate for nearly dependent columns.

        R is the triangular factor of the standardised columns, by QR block by block, or these columns if X has few rows.
        """
        divisor, wide = np.where(self.scale > 0, self.scale, 1.0), self.data.n_samples <= len(self.scale)

        def factor(batch):
            rows = (_rows(batch) - self.mean) / divisor
            rows = rows if are_ones(batch.weight) else times_weights(rows, np.sqrt(batch.weight))
            return rows if wide else np.linalg.qr(rows, mode="r")

        def combine(a, b):
            return np.vstack([a, b]) if wide else np.linalg.qr(np.vstack([a, b]), mode="r")

        return np.asarray(self.data.reduce(factor, combine)) / np.sqrt(self.data.total_weight)


def cholesky(matrix) -> tuple[np.ndarray, float]:
    """The lower Cholesky factor, and a lower bound of the smallest eigenvalue: 0 if the matrix is not positive definite."""
    factor, fail = linalg.lapack.dpotrf(matrix.T, lower=1)  # the transpose is in Fortran order, so it is not copied
    return factor, 0.0 if fail else float(linalg.lapack.dpocon(factor, 1.0, uplo="L")[0])


def _rows(batch: Batch):
    """Rows of a block as a dense array."""
    return batch.X.toarray() if sparse.issparse(batch.X) else batch.X


def _sums(batch: Batch, origin, spread, small) -> dict:
    """Weighted sums of a block's columns and of their products (if `small`) or squares, around `origin`."""
    Z = _rows(batch) - origin if origin.any() else _rows(batch)
    Z = np.asarray(Z, np.float64) if spread is None else np.divide(Z, spread, dtype=np.float32, casting="same_kind")
    root = np.sqrt(batch.weight).astype(Z.dtype)
    if not are_ones(batch.weight):
        Z = Z * root[:, None]
    products = Z.T @ Z if small else np.einsum("ij,ij->j", Z, Z)
    return {"shift": root @ Z, "products": products.astype(np.float64)}


def _sparse_products(batch: Batch) -> np.ndarray:
    """Weighted products (p, p) of sparse columns."""
    return (batch.X.T @ batch.X.multiply(batch.weight[:, None]).tocsr()).toarray()


def _sparse_squares(batch: Batch) -> np.ndarray:
    """Weighted sums (p,) of the squares of sparse columns."""
    return batch.X.multiply(batch.X).T @ batch.weight
