"""Row blocks of the training data, and the one verb on them: `reduce`.

All that a fit needs is a sum over rows. Dense, sparse and memory-mapped data differ only in how a block is cut; blocks
are sized to the cache, so that a law written as plain array expressions runs at the cache's speed, and X is never copied
whole. A source of another kind (chunks on disk, say) supplies `blocks` and inherits the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from joblib import effective_n_jobs
from scipy import sparse
from threadpoolctl import ThreadpoolController

from .._utils.repeated import filled, repeated_value

BLOCK_BYTES = 1 << 22  # of a block of X: smaller ones lose to the hand-over between threads, larger ones leave the cache
MIN_WIDE_COLUMNS = 200
WIDE_BLOCK_BYTES = 1 << 21  # of a block's temporary columns
KEPT_BYTES = 1 << 23  # of memory that blocks give back and soon want again


@cache
def _controller() -> ThreadpoolController:
    """Made once: finding the BLAS libraries costs more than a small fit."""
    return ThreadpoolController().select(user_api="blas")


@cache
def keep_memory() -> None:
    """Have the C library keep the memory of a block's temporary arrays for the next ones.

    glibc returns arrays above 128 kB to the system at once, and fetches every new one page by page, which takes longer than to
    fill it; but it raises that limit to the size of any larger array that is given back.
    """
    np.empty(KEPT_BYTES, dtype=np.uint8)


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
        Ones are kept as one number with a stride of zero (see `unit`).
    offset : dict of str to ndarray of shape (n,)
        Added to the linear predictor of a parameter.
    n_jobs : int, optional
        Threads over blocks. Sums are always taken in the order of the blocks, so results do not depend on it.
    """

    def __init__(self, X, y, weight, offset, n_jobs=None):
        keep_memory()
        self.X, self.y, self.weight, self.offset, self.n_jobs = X, y.view(), weight, offset, n_jobs
        self.y.flags.writeable = False  # a law that changes y in place would change it for the next pass, and for the user
        self.n_samples, self.n_features = X.shape
        if unit(weight) or (weight == 1).all():
            self.weight = filled(1.0, (self.n_samples,))
        self.total_weight = float(self.weight.sum())
        self.has_zero_weight = not unit(self.weight) and bool((weight == 0).any())
        width = X.nnz / max(self.n_samples, 1) * 2 if sparse.issparse(X) else self.n_features
        self.block_rows = int(np.clip(BLOCK_BYTES / (8 * max(width, 8)), 512, 1 << 15))

    @property
    def n_kept(self) -> int:
        """Rows of positive weight."""
        return int(np.count_nonzero(self.weight)) if self.has_zero_weight else self.n_samples

    @property
    def least_share(self) -> float:
        """Of the weight, what the lightest row of positive weight has."""
        return float(np.min(self.weight, where=self.weight > 0, initial=np.inf)) / self.total_weight

    def narrowed(self, width: int) -> Data:
        """The same data in blocks for `width` temporary columns, such as a Hessian of many linear predictors."""
        other = copy(self)
        other.block_rows = min(self.block_rows, max(int(WIDE_BLOCK_BYTES / (8 * width)), 256))
        return other

    def thinned(self, most: int) -> Data:
        """The data of so many rows of positive weight, at random; all, where there are not twice as many."""
        kept = np.flatnonzero(self.weight) if self.has_zero_weight else None
        n = self.n_kept
        if n <= 2 * most:
            return self
        rows = ((np.arange(most) + np.random.default_rng(0).uniform(size=most)) * (n / most)).astype(int)
        rows = rows if kept is None else kept[rows]
        offset = {name: value[rows] for name, value in self.offset.items()}
        return Data(self.X[rows], self.y[rows], self.weight[rows], offset, self.n_jobs)

    def blocks(self) -> Iterator[Batch]:
        for first in range(0, self.n_samples, self.block_rows):
            rows: Any = slice(first, min(first + self.block_rows, self.n_samples))
            X = self.X if rows.stop - first == self.n_samples else _cut(self.X, rows)
            if self.has_zero_weight:
                kept = np.flatnonzero(self.weight[rows])
                X, rows = X[kept], first + kept
            if len(self.y[rows]):
                yield Batch(X, self.y[rows], self.weight[rows], {name: value[rows] for name, value in self.offset.items()})

    def map(self, fn: Callable[[Batch], Any]) -> Iterator[Any]:
        """fn of every block, in order, on n_jobs threads. One thread of BLAS is enough for a block, unless of many columns."""
        if self.n_samples <= self.block_rows:
            yield from map(fn, self.blocks())
            return
        n_threads = min(effective_n_jobs(self.n_jobs), -(-self.n_samples // self.block_rows))
        with _controller().limit(limits=1 if n_threads > 1 or self.n_features < MIN_WIDE_COLUMNS else None):
            if n_threads == 1:
                yield from map(fn, self.blocks())
                return
            blocks = self.blocks()
            with ThreadPoolExecutor(n_threads) as pool:
                while window := list(islice(blocks, 8 * n_threads)):
                    yield from pool.map(fn, window)

    def reduce(self, fn: Callable[[Batch], Any], combine: Callable | None = None) -> Any:
        """Sum over the blocks of fn(block), a dict of arrays; or their `combine`, where that is not addition."""
        total: Any = None
        for part in self.map(fn):
            total = part if total is None else (combine or add)(total, part)
        return total

    def column(self, fn: Callable[[Batch], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Values per row, joined over the blocks; rows of zero weight are missing."""
        parts = list(self.map(fn))
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def fingerprint(self) -> np.ndarray:
        """Sums that tell whether two fits saw the same targets and weights, in whatever order."""
        y = self.y.reshape(len(self.y), -1)
        with np.errstate(all="ignore"):
            squares = np.einsum("n,nk,nk->k", self.weight, y, y)
            return np.concatenate([[self.total_weight], np.einsum("n,nk->k", self.weight, y), squares])


def unit(weight) -> bool:
    """Whether the weights are ones that are kept as one number, as `Data` keeps them: nothing need be multiplied."""
    return repeated_value(weight) == 1.0


def weighted(values, weight) -> np.ndarray:
    """Values per row times the weights of the rows."""
    return values if unit(weight) else values * weight.reshape(-1, *(1,) * (values.ndim - 1))


def total(values, weight) -> np.ndarray:
    """Weighted sum over rows; as a product, whose rounding does not pile up as that of a sum along the first axis does."""
    if unit(weight) and values.size == len(values):
        return values.sum().reshape(values.shape[1:])
    flat = values.reshape(len(values), -1)
    return ((np.ones(len(flat)) if unit(weight) else weight) @ flat).reshape(values.shape[1:])


def _cut(X, rows: slice):
    """Rows of X as views: slices of sparse matrices copy."""
    if not sparse.issparse(X):
        return X[rows]
    first, last = X.indptr[rows.start], X.indptr[rows.stop]
    block = type(X)((rows.stop - rows.start, X.shape[1]), dtype=X.dtype)
    block.data, block.indices = X.data[first:last], X.indices[first:last]
    block.indptr = X.indptr[rows.start : rows.stop + 1] - first
    return block


def add(total, part):
    """Sums by key; what one of the two does not have is zero there, such as what only some kinds of rows depend on."""
    return {**total, **{key: total[key] + value if key in total else value for key, value in part.items()}}
