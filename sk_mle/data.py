"""Row blocks of the training data, and the one verb on them: `reduce`.

All that a fit needs is a sum over rows. Dense, sparse and memory-mapped data differ only in how a block is cut; blocks
are sized to the cache, so that a law written as plain array expressions runs at the cache's speed, and X is never copied
whole. A source of another kind (chunks on disk, say) supplies `blocks` and inherits the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from joblib import effective_n_jobs
from scipy import sparse
from threadpoolctl import ThreadpoolController

_BLOCK_BYTES = 1 << 21


@cache
def _controller() -> ThreadpoolController:
    """Made once: finding the BLAS libraries costs more than a small fit."""
    return ThreadpoolController()


class Batch(NamedTuple):
    """One block of rows; rows of zero weight are left out."""

    X: Any
    y: np.ndarray
    weight: np.ndarray
    offset: dict[str, np.ndarray]


class Data:
    """Arrays in memory, or mapped to it, cut into row blocks.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, p)
    y : ndarray of shape (n,) or (n, q)
    weight : ndarray of shape (n,)
    offset : dict of str to ndarray of shape (n,)
        Added to the linear predictor of a parameter.
    n_jobs : int, optional
        Threads over blocks. Sums are always taken in the order of the blocks, so results do not depend on it.
    """

    def __init__(self, X, y, weight, offset, n_jobs=None):
        self.X, self.y, self.weight, self.offset = X, y, weight, offset
        self.n_jobs = effective_n_jobs(n_jobs)
        self.n_samples, self.n_features = X.shape
        self.total_weight = float(weight.sum())
        self.has_zero_weight = bool((weight == 0).any())
        width = X.nnz / max(self.n_samples, 1) * 2 if sparse.issparse(X) else self.n_features
        self.block_rows = int(np.clip(_BLOCK_BYTES / (8 * max(width, 8)), 256, 1 << 15))

    def narrowed(self, width: int) -> Data:
        """The same data in blocks for `width` temporary columns, such as a Hessian of many linear predictors."""
        other = Data.__new__(Data)
        other.__dict__.update(self.__dict__)
        other.block_rows = min(self.block_rows, max(int(_BLOCK_BYTES / (8 * width)), 256))
        return other

    def fingerprint(self) -> np.ndarray:
        """Sums that tell whether two fits saw the same targets and weights, in whatever order."""
        y = self.y.reshape(len(self.y), -1)
        with np.errstate(all="ignore"):
            return np.concatenate([[self.total_weight], self.weight @ y, self.weight @ y**2])

    def blocks(self) -> Iterator[Batch]:
        for first in range(0, self.n_samples, self.block_rows):
            rows: Any = slice(first, first + self.block_rows)
            if self.has_zero_weight:
                rows = first + np.flatnonzero(self.weight[rows])
                if len(rows) == 0:
                    continue
            offset = {name: value[rows] for name, value in self.offset.items()}
            yield Batch(self.X[rows], self.y[rows], self.weight[rows], offset)

    def map(self, fn: Callable[[Batch], Any]) -> Iterator[Any]:
        """fn of every block, in order, on several threads where n_jobs says so; a block is too small for BLAS threads."""
        blocks = self.blocks()
        with _controller().limit(limits=1, user_api="blas"):
            if self.n_jobs == 1 or self.n_samples <= self.block_rows:
                yield from map(fn, blocks)
                return
            with ThreadPoolExecutor(self.n_jobs) as pool:
                while window := list(islice(blocks, 8 * self.n_jobs)):
                    yield from pool.map(fn, window)

    def reduce(self, fn: Callable[[Batch], Any], combine: Callable | None = None) -> Any:
        """Sum over the blocks of fn(block), a dict of arrays; or their `combine`, where that is not addition."""
        total: Any = None
        for part in self.map(fn):
            total = part if total is None else (combine or _add)(total, part)
        return total

    def column(self, fn: Callable[[Batch], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Values per row, joined over the blocks; rows of zero weight are missing."""
        parts = list(self.map(fn))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _add(total, part):
    return {key: value + part[key] for key, value in total.items()}


def gram(batch: Batch, center) -> np.ndarray:
    """Sum of weighted squares and products of a block's columns, around `center`."""
    X = batch.X
    if sparse.issparse(X):
        return (X.T @ X.multiply(batch.weight[:, None]).tocsr()).toarray()
    Z = X - center
    return Z.T @ Z if np.all(batch.weight == 1) else Z.T @ (Z * batch.weight[:, None])


def squares(batch: Batch, center) -> np.ndarray:
    """The diagonal of `gram`."""
    X = batch.X
    if sparse.issparse(X):
        return X.multiply(X).T @ batch.weight
    return batch.weight @ (X - center) ** 2


def _dense(batch: Batch, measure, center) -> np.ndarray:
    """A measure of sparse rows whose columns lie so far from zero that they must be centred before they are squared."""
    return measure(batch._replace(X=batch.X.toarray()), center)


def triangle(batch: Batch, center, scale) -> np.ndarray:
    """The R factor of a block's standardised rows."""
    X = batch.X.toarray() if sparse.issparse(batch.X) else batch.X
    return np.asarray(np.linalg.qr((X - center) / scale * np.sqrt(batch.weight)[:, None], mode="r"))


def sums(batch: Batch, origin) -> np.ndarray:
    """Weighted sums of a block's columns, from `origin`."""
    X = batch.X
    return X.T @ batch.weight if sparse.issparse(X) else batch.weight @ (X - origin)


class Moments:
    """Means, scales and cross products of the columns of X, in two passes.

    With `centered`, means are subtracted; without (no intercept), columns are scaled by their root mean square. `gram` is
    the correlation matrix, or None where it would be too large; the columns that are constant have scale 0.
    """

    def __init__(self, data: Data, centered: bool, most_columns: int):
        self.data, self.total = data, data.total_weight
        is_sparse = sparse.issparse(data.X)
        p = data.n_features
        self.mean = np.zeros(p)
        if centered:
            first = int(np.argmax(data.weight > 0))
            origin = np.zeros(p) if is_sparse else np.asarray(data.X[first], dtype=np.float64)
            self.mean = origin + data.reduce(partial(sums, origin=origin), np.add) / self.total
        small = p <= most_columns and p <= data.n_samples
        measure = gram if small else squares
        products = data.reduce(partial(measure, center=self.mean), np.add) / self.total
        if is_sparse and centered:
            products = products - (np.outer(self.mean, self.mean) if small else self.mean**2)
            if ((np.diag(products) if small else products) < (1e-4 * self.mean) ** 2).any():
                products = data.narrowed(p).reduce(partial(_dense, measure=measure, center=self.mean), np.add) / self.total
        variance = np.maximum(np.diag(products) if small else products, 0.0)
        rounding = 4 * np.finfo(float).eps * np.abs(self.mean)
        self.scale = np.sqrt(np.where(variance > rounding**2, variance, 0.0))
        divisor = np.where(self.scale > 0, self.scale, 1.0)
        self.gram = products / np.outer(divisor, divisor) if small else None

    def triangle(self) -> np.ndarray:
        """R of the standardised columns' QR decomposition, block by block: accurate where cross products are not."""
        divisor = np.where(self.scale > 0, self.scale, 1.0)
        fn = partial(triangle, center=self.mean, scale=divisor)
        R = self.data.reduce(fn, lambda a, b: np.linalg.qr(np.vstack([a, b]), mode="r"))
        return R / np.sqrt(self.total)
