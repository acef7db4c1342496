"""Row blocks of the training data, and sums over them: `Data.reduce`.

A fit needs only sums over rows. Dense, sparse and memory-mapped data differ only in how a block is sliced; blocks fit into the
cache, and X is never copied as a whole. Rows that are not in memory all at once have the same interface (`parts.py`): sums over
all rows by `reduce`, and `in_memory`, the rows in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import copy
from functools import cache, cached_property
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from joblib import cpu_count, effective_n_jobs
from scipy import sparse
from threadpoolctl import ThreadpoolController

from .._utils.repeated import are_ones, filled

BLOCK_BYTES = 1 << 23  # bytes of X per block: smaller blocks cost more calls, larger ones leave the cache
COLUMNS_OF_SHORT_BLOCKS = range(50, 200)  # where blocks are half as large: calls cost little, and X is read twice
MAX_BLOCK_ROWS = 1 << 16  # rows per block, whose temporary columns are to stay in the cache too
MIN_BLOCKS_PER_THREAD = 2  # below, starting a thread and waiting for the last one costs more than it saves
MIN_WIDE_COLUMNS = 200  # columns from which BLAS may use all its threads for a block
WIDE_BLOCK_BYTES = 1 << 21  # bytes of temporary columns per block
WAITING_BLOCKS = 8  # blocks per thread that are cut, and whose sums are kept, at a time
KEPT_BYTES = 1 << 23  # bytes of freed memory that the C library keeps for the next block


@cache
def _controller() -> ThreadpoolController:
    """The controller of BLAS threads; cached, because finding the libraries costs more than a small fit."""
    return ThreadpoolController().select(user_api="blas")


@cache
def keep_memory() -> None:
    """Make the C library keep the memory of a block's temporary arrays for the next block.

    glibc returns arrays above 128 kB to the system at once and maps every new one page by page, which takes longer than to
    fill it. It raises that limit to the size of any larger array that is freed, as here.
    """
    np.empty(KEPT_BYTES, dtype=np.uint8)


class Batch(NamedTuple):
    """A block of rows of positive weight: X, y, weights, offsets by parameter, and the labels of groups of rows, if any."""

    X: Any
    y: np.ndarray
    weight: np.ndarray
    offset: dict[str, np.ndarray]
    groups: np.ndarray | None = None


class Data:
    """Arrays in memory, or mapped to it, cut into row blocks.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, p)
    y : ndarray of shape (n,) or (n, q)
    weight : ndarray of shape (n,)
        Ones are stored as one number with a stride of zero (see `are_ones`).
    offset : dict of str to ndarray of shape (n,)
        Offsets of the linear predictors by parameter; for a parameter that is not estimated, its values.
    n_jobs : int, optional
        Threads over blocks; by default as many as are allowed (see `_threads_allowed`). Blocks are added in their order, so
        results do not depend on it.
    groups : ndarray of shape (n,), optional
        A label per row, for sums by group.
    names : ndarray of str of shape (p,), optional
        Names of the columns of X, for messages.

    Attributes
    ----------
    total_weight : float
    has_zero_weight : bool
        Whether some row has weight zero.
    few : Data
        The rows in memory: all of them.
    whole : ndarray or CSR matrix
        X.
    offset_names : frozenset of str
        The parameters that have an offset, or values for each row.
    costly : bool
        Whether a pass over the rows costs so much more than work on a sample that passes are to be few.
    products : dict
        Products of columns that are known already (see `moments.py`).
    densities : tuple or None
        What is known already of the rows with a density (see `bounds.py`).
    sample_of_coordinates : Data or None
        The rows whose moments choose the coordinates, if not all do.
    n_passes : int or None
        Passes over all rows so far, if they are counted here.
    """

    costly = False
    products: dict[bool, Any] = {}
    densities: tuple[float, float] | None = None
    sample_of_coordinates: Data | None = None
    n_passes: int | None = None

    def __init__(
        self,
        X: Any,
        y: np.ndarray,
        weight: np.ndarray,
        offset: dict,
        n_jobs: int | None = None,
        groups: Any = None,
        names: Any = None,
    ) -> None:
        keep_memory()
        self.X, self.y, self.offset, self.n_jobs, self.groups, self.names = X, y.view(), offset, n_jobs, groups, names
        self.y.flags.writeable = False  # so that a law cannot change the user's y in place
        self.n_samples, self.n_features = X.shape
        ones = are_ones(weight) or bool((weight == 1).all())
        self.weight = filled(1.0, (self.n_samples,)) if ones else weight
        self.total_weight = float(self.n_samples) if ones else float(weight.sum())
        self.has_zero_weight = not ones and bool((weight == 0).any())
        width = X.nnz / max(self.n_samples, 1) * 2 if sparse.issparse(X) else self.n_features
        block_bytes = BLOCK_BYTES / (2 if width in COLUMNS_OF_SHORT_BLOCKS else 1)
        self.block_rows = int(min(max(block_bytes / (8 * max(width, 8)), 512), MAX_BLOCK_ROWS))

    @property
    def in_memory(self) -> Data:
        return self

    @property
    def whole(self) -> Any:
        return self.X

    @property
    def is_sparse(self) -> bool:
        return sparse.issparse(self.X)

    @property
    def offset_names(self) -> frozenset[str]:
        return frozenset(self.offset)

    @property
    def n_kept(self) -> int:
        """Number of rows of positive weight."""
        return int(np.count_nonzero(self.weight)) if self.has_zero_weight else self.n_samples

    @cached_property
    def min_weight_share(self) -> float:
        """Smallest positive weight as a share of the total weight."""
        if are_ones(self.weight):
            return 1.0 / self.total_weight
        return float(np.min(self.weight, where=self.weight > 0, initial=np.inf)) / self.total_weight

    def with_long_blocks(self, n_rows: int) -> Data:
        """The same data in blocks of at least so many rows."""
        return self._in_blocks_of(max(self.block_rows, n_rows))

    def with_sample_of_coordinates(self, sample: Data) -> Data:
        """The same data with coordinates from a sample's moments."""
        other = copy(self)
        other.sample_of_coordinates = sample
        return other

    def with_weight_factor(self, factor: float) -> Data:
        """The same data with all weights multiplied by a number."""
        return Data(self.X, self.y, self.weight * factor, self.offset, self.n_jobs, self.groups, self.names)

    def with_weights(self, fn: Callable[[Batch], np.ndarray]) -> Data:
        """The same data with the weights fn(block) in place of the positive ones."""
        weight = np.array(self.weight)
        weight[weight > 0] = self.column(lambda batch: {"weight": fn(batch)})["weight"]
        return Data(self.X, self.y, weight, self.offset, self.n_jobs, self.groups, self.names)

    def with_groups(self, groups: np.ndarray) -> Data:
        """The same data with a label per row, for sums by group."""
        return Data(self.X, self.y, self.weight, self.offset, self.n_jobs, groups, self.names)

    def with_width(self, width: int) -> Data:
        """The same data in blocks short enough for `width` temporary columns, such as those of a Hessian."""
        return self._in_blocks_of(min(self.block_rows, max(int(WIDE_BLOCK_BYTES / (8 * width)), 256)))

    def _in_blocks_of(self, n_rows: int) -> Data:
        """The same data in blocks of so many rows; itself where one block holds all rows, as before."""
        if n_rows == self.block_rows or self.n_samples <= min(n_rows, self.block_rows):
            return self
        other = copy(self)
        other.block_rows = n_rows
        return other

    def subsample(self, n_rows: int) -> Data:
        """`n_rows` random rows of positive weight, or the data themselves if there are not twice as many."""
        kept = np.flatnonzero(self.weight) if self.has_zero_weight else None
        n = self.n_kept
        if n <= 2 * n_rows:
            return self
        rows = ((np.arange(n_rows) + np.random.default_rng(0).uniform(size=n_rows)) * (n / n_rows)).astype(int)
        return self.of_rows(rows if kept is None else kept[rows])

    def of_rows(self, rows: np.ndarray) -> Data:
        """The data of some rows alone."""
        offset = {name: value[rows] for name, value in self.offset.items()}
        weight = _of_weights(self.weight, rows)
        return Data(_taken(self.X, rows), self.y[rows], weight, offset, self.n_jobs, names=self.names)

    def blocks(self) -> Iterator[Batch]:
        """The blocks of rows, in order."""
        if 0 < self.n_samples <= self.block_rows and not self.has_zero_weight:
            yield Batch(self.X, self.y, self.weight, self.offset, self.groups)
            return
        for first in range(0, self.n_samples, self.block_rows):
            rows: Any = slice(first, min(first + self.block_rows, self.n_samples))
            X = self.X if rows.stop - first == self.n_samples else _row_slice(self.X, rows)
            if self.has_zero_weight:
                kept = np.flatnonzero(self.weight[rows])
                X, rows = X[kept], first + kept
            if len(self.y[rows]):
                offset = {name: value[rows] for name, value in self.offset.items()}
                groups = None if self.groups is None else self.groups[rows]
                yield Batch(X, self.y[rows], self.weight[rows], offset, groups)

    def map(self, fn: Callable[[Batch], Any]) -> Iterator[Any]:
        """fn(block) of every block, in order, on threads; BLAS gets one thread, all for one thread of wide blocks."""
        if self.n_samples <= self.block_rows:
            yield from map(fn, self.blocks())
            return
        n_threads = min(self._threads_allowed(), -(-self.n_samples // self.block_rows) // MIN_BLOCKS_PER_THREAD)
        with _controller().limit(limits=1 if n_threads > 1 or self.n_features < MIN_WIDE_COLUMNS else None):
            blocks = self.blocks()
            if n_threads <= 1:
                yield from map(fn, blocks)
                return
            with ThreadPoolExecutor(n_threads - 1) as pool:
                while window := list(islice(blocks, WAITING_BLOCKS * n_threads)):
                    yield from _map_on_threads(pool, n_threads, fn, window)

    def _threads_allowed(self) -> int:
        """n_jobs threads; by default as many as this process has cores and BLAS may use, but one where BLAS is to use them.

        BLAS's number follows OMP_NUM_THREADS and limits set by threadpoolctl, by joblib in its worker processes, and by `map`.
        """
        n_jobs = effective_n_jobs(self.n_jobs)
        if self.n_jobs is not None or n_jobs > 1:
            return n_jobs
        if self.n_features >= MIN_WIDE_COLUMNS and not self.is_sparse:
            return 1
        allowed = [library["num_threads"] for library in _controller().info()]
        return 1 if 1 in allowed else min([cpu_count(), *allowed])  # to count processors takes half as long as a small pass

    def reduce(self, fn: Callable[[Batch], Any], combine: Callable | None = None) -> Any:
        """Sum over the blocks of fn(block), dicts of arrays; `combine(total, part)` replaces the addition of dicts."""
        total: Any = None
        for part in self.map(fn):
            total = part if total is None else (combine or add_sums)(total, part)
        return total

    def column(self, fn: Callable[[Batch], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """fn(block), a dict of values per row, concatenated over the blocks; rows of zero weight are left out."""
        parts = list(self.map(fn))
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def fingerprint(self) -> np.ndarray:
        """Total weight and weighted sums of y and y**2, which are equal for fits to the same rows in any order."""
        with np.errstate(all="ignore"):
            sums = [weighted_sum(power, self.weight).ravel() for power in (self.y, self.y**2)]
        return np.concatenate([[self.total_weight], *sums])


def _map_on_threads(pool: ThreadPoolExecutor, n_threads: int, fn: Callable[[Batch], Any], blocks: list[Batch]) -> list:
    """fn(block) of every block, in order; the threads of the pool and this one each take the next block when they are free.

    `Executor.map` would wake this thread after every block, and with it take the interpreter's lock from those that compute.
    """
    results: list[Any] = [None] * len(blocks)
    waiting = deque(enumerate(blocks))

    def work() -> None:
        while waiting:
            try:
                k, block = waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            results[k] = fn(block)

    others = [pool.submit(copy_context().run, work) for _ in range(n_threads - 1)]  # with numpy's error state
    work()
    for other in others:
        other.result()
    return results


def _taken(X: Any, rows: np.ndarray) -> Any:
    """Some rows of X; half the time of an index for a dense one."""
    return X[rows] if sparse.issparse(X) else np.take(X, rows, axis=0)


def _of_weights(weight: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The weights of some rows, stored as one number where they are ones."""
    return filled(1.0, (len(rows),)) if are_ones(weight) else weight[rows]


def times_weights(values: Any, weight: np.ndarray) -> np.ndarray:
    """Values (n, ...) times the weights (n,) of their rows."""
    return values if are_ones(weight) else values * weight.reshape(-1, *(1,) * (values.ndim - 1))


def weighted_sum(values: Any, weight: np.ndarray) -> np.ndarray:
    """Weighted sum of values (n, ...) over rows, as a product, which rounds less than a sum along the first axis."""
    ones = are_ones(weight)
    if ones and values.ndim == 1:
        return np.add.reduce(values)
    if ones and values.size == len(values):
        return np.asarray(np.add.reduce(values, axis=None)).reshape(values.shape[1:])
    if values.ndim == 1 and not ones:
        return np.asarray(weight.dot(values))
    return (np.ones(len(values)) if ones else weight).dot(values.reshape(len(values), -1)).reshape(values.shape[1:])


def _row_slice(X: Any, rows: slice) -> np.ndarray:
    """Rows of X as a view, also of a sparse matrix, of which a slice would be a copy."""
    if not sparse.issparse(X):
        return X[rows]
    first, last = X.indptr[rows.start], X.indptr[rows.stop]
    block = type(X)((rows.stop - rows.start, X.shape[1]), dtype=X.dtype)
    block.data, block.indices = X.data[first:last], X.indices[first:last]
    block.indptr = X.indptr[rows.start : rows.stop + 1] - first
    return block


def transposed(X: Any) -> Any:
    """The transpose of rows as a view; SciPy's own copies the entries of a sparse block, which are few of a larger array."""
    if type(X) is np.ndarray or not sparse.issparse(X) or X.format != "csr":
        return X.T
    result = (sparse.csc_array if isinstance(X, sparse.sparray) else sparse.csc_matrix)(X.shape[::-1], dtype=X.dtype)
    result.data, result.indices, result.indptr = X.data, X.indices, X.indptr
    return result


def add_sums(total: dict, part: dict) -> dict:
    """Sums of two dicts by key; a key that only one of them has counts as zero in the other."""
    return {**total, **{key: total[key] + value if key in total else value for key, value in part.items()}}
