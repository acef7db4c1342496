"""Weighted sums over the rows of a block, of which gradients and Hessians consist.

`columns` of shape (n, q), or None for an intercept only, always stand for (1, columns).

Products that sum over rows are `summed(left, right)`: numpy's `@` holds the interpreter's lock where the result has less than
500 entries, so that threads over blocks would wait for each other; `dot` does not, but it copies a part of the columns of X.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .data import times_weights, transposed, weighted_sum

MIN_SYMMETRIC_COLUMNS = 24  # columns from which a symmetric product is faster, despite the square roots of the weights
# Bytes of weighted rows that stay in the cache next to the processor until they are multiplied, and rows fewer than which are
# not worth a call.
CACHED_BYTES, MIN_CACHED_ROWS = 1 << 18, 256
MAX_ROUGH_UNIT = 1e15  # factor of a column's unit up to which it is a float of single precision, and far from an infinite one
ROUGH_BYTES = 1 << 20  # of such rows in single precision, whose products take half the time


def summed(left: Any, right: Any) -> Any:
    """left' right."""
    if not isinstance(left, np.ndarray):
        return transposed(left).dot(right)
    return left.T.dot(right) if left.flags.forc else left.T @ right


def project(batch: Any, columns: Any, values: Any) -> np.ndarray:
    """Weighted sum over rows of (1, columns) times values (n,) or (n, K): shape (1 + q, K)."""
    whole = weighted_sum(values, batch.weight).reshape(1, -1)
    if columns is None:
        return whole
    products = summed(columns, times_weights(values, batch.weight))
    return np.concatenate([whole, products.reshape(len(products), -1)])


def contract(information: np.ndarray, change: np.ndarray, vector: bool) -> np.ndarray:
    """``information @ change`` for every row; (n, K) if the result is that of a `vector` parameter, else (n,)."""
    if information.ndim == 1:
        return information * change
    result = np.einsum("nkl,nl->nk", information, change.reshape(len(change), -1))
    return result if vector else result[:, 0]


def bilinear(left: Any, right: Any, form: np.ndarray) -> Any:
    """(1, left) form (1, right)' for every row: (n,), or a number if there are no columns; `form` is (1 + qa, 1 + qb)."""
    if left is None or right is None:
        columns, linear = (right, form[0, 1:]) if left is None else (left, form[1:, 0])
        return form[0, 0] if columns is None else columns @ linear + form[0, 0]
    linear = left @ (form[1:, 0] + form[0, 1:]) if left is right else left @ form[1:, 0] + right @ form[0, 1:]
    products = left @ form[1:, 1:]
    if sparse.issparse(right):
        return np.asarray(right.multiply(products).sum(axis=1)).ravel() + linear + form[0, 0]
    return np.einsum("nj,nj->n", products, right) + linear + form[0, 0]


def cross(left: Any, right: Any, information: np.ndarray, weight: np.ndarray, symmetric: bool, unit: Any = None) -> np.ndarray:
    """Weighted sum over rows of information times the products of (1, left) and (1, right): (Ka, Kb, 1 + qa, 1 + qb).

    `symmetric` says that both sides belong to the same parameter. With factors `unit` (qa,) that make columns numbers near one,
    the products of dense columns of one linear predictor with themselves are taken in single precision.
    """
    if left is None and right is None:
        return weighted_sum(information, weight).reshape(*(information.shape[1:] or (1, 1)), 1, 1)
    values = times_weights(information, weight)
    if values.ndim == 1 and left is right:
        return _symmetric_cross(left, values, unit)[None, None]
    values = values.reshape(len(values), *((1, 1) if values.ndim == 1 else values.shape[1:]))
    qa, qb = (0 if columns is None else columns.shape[1] for columns in (left, right))
    result = np.zeros((*values.shape[1:], 1 + qa, 1 + qb))
    if left is None or right is None:  # one matrix product for all pairs of entries
        flat, columns = values.reshape(len(values), -1), left if right is None else right
        result[..., 0, 0] = flat.sum(axis=0).reshape(values.shape[1:])
        products = summed(columns, flat).T.reshape(*values.shape[1:], -1)
        result[(..., slice(1, None), 0) if right is None else (..., 0, slice(1, None))] = products
        return result
    if left is right and isinstance(left, np.ndarray) and (qa + 1) * (qa + 2) <= 2 * values[0].size:
        first, second = np.triu_indices(qa + 1)  # fewer pairs of columns than of entries: one matrix product for all
        entries = np.vstack([np.ones(len(left)), left.T])
        pairs = values.reshape(len(values), -1).T.dot((entries[first] * entries[second]).T)
        result[..., first, second] = result[..., second, first] = pairs.reshape(*values.shape[1:], -1)
        return result
    for k in range(values.shape[1]):
        for m in range(values.shape[2]):
            if symmetric and m < k:
                result[k, m] = result[m, k].T
                continue
            value = np.ascontiguousarray(values[:, k, m])
            block = result[k, m]
            block[0, 0] = value.sum()
            block[0, 1:] = summed(right, value)
            block[1:, 0] = block[0, 1:] if left is right else summed(left, value)
            block[1:, 1:] = _weighted_product(left, right, value)
    return result


def _symmetric_cross(columns: Any, value: np.ndarray, unit: Any) -> np.ndarray:
    """Sum over rows of a value (n,) times the products of (1, columns), in single precision with a `unit` of the columns."""
    result = np.empty((1 + columns.shape[1],) * 2)
    result[0, 0] = np.add.reduce(value)
    result[0, 1:] = result[1:, 0] = summed(columns, value)
    rough = unit is not None and isinstance(columns, np.ndarray) and max(unit.max(), 1 / unit.min()) < MAX_ROUGH_UNIT
    result[1:, 1:] = _rough_product(columns, value, unit) if rough else _weighted_product(columns, columns, value)
    return result


def _rough_product(columns: np.ndarray, value: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """columns' diag(value) columns, in single precision in that unit."""
    size = np.abs(value)
    largest = float(size.max(initial=0.0)) or 1.0  # whose unit is that of y, and may be far from one
    factor, unit_of_rows = np.sqrt(size / largest).astype(np.float32)[:, None], unit.astype(np.float32)
    sign = np.sign(value).astype(np.float32)[:, None] if value.min(initial=0.0) < 0 else None
    n_rows = max(ROUGH_BYTES // (4 * len(unit)), MIN_CACHED_ROWS)
    buffer, result = np.empty((n_rows, len(unit)), np.float32), np.zeros((len(unit),) * 2)
    for first in range(0, len(columns), n_rows):
        some = slice(first, first + n_rows)
        rows = buffer[: len(factor[some])]
        rows[...] = columns[some]
        rows *= factor[some]
        rows *= unit_of_rows
        result += (rows if sign is None else rows * sign[some]).T.dot(rows)
    return result * (largest / np.outer(unit, unit))


def _weighted_product(left: Any, right: Any, value: np.ndarray) -> np.ndarray:
    """left' diag(value) right, for dense or sparse columns."""
    if not isinstance(right, np.ndarray):
        product = transposed(left) @ right.multiply(value[:, None]).tocsr()
        return product.toarray() if sparse.issparse(product) else product
    if not isinstance(left, np.ndarray):
        return summed(left, right * value[:, None])
    symmetric = left is right and right.shape[1] >= MIN_SYMMETRIC_COLUMNS and value.min(initial=0.0) >= 0
    factor = (np.sqrt(value) if symmetric else value)[:, None]
    n_rows = CACHED_BYTES // (8 * max(right.shape[1], 1))
    if len(right) <= n_rows or n_rows < MIN_CACHED_ROWS:
        rows = right * factor
        return rows.T.dot(rows) if symmetric else summed(left, rows)
    buffer, result = np.empty((n_rows, right.shape[1])), np.zeros((left.shape[1], right.shape[1]))
    for first in range(0, len(right), n_rows):
        some = slice(first, first + n_rows)
        rows = np.multiply(right[some], factor[some], out=buffer[: len(factor[some])])
        result += rows.T.dot(rows) if symmetric else summed(left[some], rows)
    return result
