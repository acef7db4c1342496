"""Dask arrays, data frames and delayed parts as a source: functions are sent to the parts, sums come back by a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import dask
import numpy as np

from .._utils.frames import n_rows
from .protocol import Rows, Source

RESULTS_PER_MERGE = 8  # results that are combined at one place


class DaskSource(Source):
    """Delayed parts, each a tuple of X, y, sample_weight and groups; `X` is the collection that predictions are asked of."""

    def __init__(self, X: Any, parts: list[tuple]) -> None:
        self.X, self.parts = X, parts
        is_list = isinstance(X, list)
        self.all_rows = "dask.compute(*X), of parts that are then concatenated" if is_list else "X.compute()"
        self.some_rows = f"X{'' if is_list else '.partitions' if _is_frame(X) else '.blocks'}[0].compute()"

    def __iter__(self) -> Iterator[Any]:
        return (dask.compute(Rows(*part))[0] for part in self.parts)

    def map(self, fn: Callable) -> list:
        return list(dask.compute(*self._results(fn)))

    def fold(self, fn: Callable, combine: Callable) -> Any:
        results, merge = self._results(fn), dask.delayed(combine)
        while len(results) > 1:
            groups = [results[first : first + RESULTS_PER_MERGE] for first in range(0, len(results), RESULTS_PER_MERGE)]
            results = [dask.delayed(_merged)(merge, group) if len(group) > 1 else group[0] for group in groups]
        return dask.compute(*results)[0]

    def _results(self, fn: Callable) -> list:
        shared = dask.delayed(fn)  # one node of the graph: it is sent to a worker once
        return [dask.delayed(_called)(shared, number, *part) for number, part in enumerate(self.parts)]

    def predict(self, fn: Callable, columns: list | None = None) -> Any:
        """Lazy predictions: a Dask array, or a series or frame for a data frame."""
        X = self.X
        if _is_frame(X):
            return X.map_partitions(_like_frame, fn, columns, meta=_like_frame(_rows_like(X, 1), fn, columns).iloc[:0])
        if isinstance(X, list):
            return [dask.delayed(_of_part)(fn, part) for part in X]
        X = X.rechunk({1: -1})
        example = np.asarray(fn(np.ones((2, X.shape[1]), X.dtype)))
        width = {"drop_axis": 1} if example.ndim == 1 else {"chunks": (X.chunks[0], (example.shape[1],))}
        return X.map_blocks(partial(_of_part, fn), dtype=example.dtype, meta=example[:0], **width)


def open_source(X: Any, y: Any, sample_weight: Any, groups: Any) -> tuple[Source, dict]:
    """The source of Dask collections, and the names of columns that hold y, weights and groups; ValueError if parts differ."""
    given = {"y": y, "sample_weight": sample_weight, "groups": groups}
    named = {argument: value for argument, value in given.items() if isinstance(value, str)}
    others = {argument: value for argument, value in given.items() if value is not None and argument not in named}
    for argument, value in others.items():
        if not is_lazy(value):
            raise ValueError(
                f"X is a Dask collection and {argument} is not: cut it into the same parts, as by "
                f"dask.array.from_array(numpy.asarray({argument}), chunks={_lengths_text(X)})"
            )
        if _n_parts(value) != _n_parts(X):
            raise ValueError(
                f"X has {_n_parts(X)} parts and {argument} has {_n_parts(value)}: repartition or rechunk one like the other"
            )
    if _is_frame(X) and all(_is_frame(value) and value.ndim == 1 for value in others.values()):
        # one frame, as an optimised graph may have other parts, another number for each choice of columns
        names = {argument: f"{argument} of the fit" for argument in others}
        joint = _joint(X, others, list(names.values()))
        return DaskSource(X, [(part, None, None, None) for part in joint.to_delayed()]), named | names
    columns = [_parts(others[argument]) if argument in others else [None] * _n_parts(X) for argument in given]
    return DaskSource(X, list(zip(_parts(X), *columns, strict=True))), named


def is_lazy(value: Any) -> bool:
    """Whether a value is a Dask collection, or a list of delayed parts."""
    return dask.is_dask_collection(value[0] if isinstance(value, list) and value else value)


def _is_frame(X: Any) -> bool:
    """Whether a collection is a data frame or a series of Dask."""
    return hasattr(X, "map_partitions")


def _lengths_text(X: Any) -> str:
    """An expression for the numbers of rows of the parts of a collection."""
    if isinstance(X, list):
        return "dask.compute(*map(dask.delayed(len), X))"
    return "tuple(X.map_partitions(len).compute())" if _is_frame(X) else "X.compute_chunk_sizes().chunks[0]"


def _n_parts(X: Any) -> int:
    """The number of parts of a collection."""
    return len(X) if isinstance(X, list) else X.npartitions if _is_frame(X) else X.numblocks[0]


def _parts(X: Any) -> list:
    """Delayed parts of a collection, all columns in each, as many as it says that it has."""
    if isinstance(X, list):
        return X
    if _is_frame(X):
        return X.to_delayed(optimize_graph=False)
    return list(np.ravel((X.rechunk({1: -1}) if X.ndim > 1 else X).to_delayed()))


def _joint(X: Any, series: dict, names: list[str]) -> Any:
    """A data frame with series of the same partitions as further columns."""
    if not series:
        return X
    meta = _joined(_rows_like(X, 0), *(_rows_like(one.to_frame(), 0).iloc[:, 0] for one in series.values()), names=names)
    return X.map_partitions(_joined, *series.values(), names=names, meta=meta, align_dataframes=False)


def _joined(X: Any, *series: Any, names: list[str]) -> Any:
    """A part of a data frame with further columns, row by row, whatever the indices are."""
    for name, values in zip(names, series, strict=True):
        if len(values) != len(X):
            raise ValueError(f"a part of X has {len(X)} rows, and that of {name} has {len(values)}")
    return X.assign(**{name: values.array for name, values in zip(names, series, strict=True)})


def _called(fn: Callable, number: int, *columns: Any) -> Any:
    return fn(Rows(*columns), number)


def _merged(combine: Callable, results: list) -> Any:
    total = results[0]
    for result in results[1:]:
        total = combine(total, result)
    return total


def _of_part(fn: Callable, X: Any) -> np.ndarray:
    """fn(X), also of a part without rows."""
    return fn(X) if n_rows(X) else fn(_rows_like(X, 1) if hasattr(X, "columns") else np.ones((1, X.shape[1])))[:0]


def _like_frame(X: Any, fn: Callable, columns: list | None) -> Any:
    """Predictions of a frame as a series, or a frame for several columns, with its index."""
    import pandas as pd

    values = _of_part(fn, X)
    return pd.Series(values, X.index) if values.ndim == 1 else pd.DataFrame(values, X.index, columns)


def _rows_like(X: Any, n: int) -> Any:
    """A frame of pandas of n rows of ones, or missing values, with the columns and types of X."""
    import pandas as pd

    ones = pd.Series(np.ones(n))
    return pd.DataFrame(
        {name: ones.astype(dtype) if n else pd.Series(dtype=dtype) for name, dtype in X.dtypes.items()}, columns=X.columns
    )
