"""Dask arrays, data frames and delayed parts as a source: functions are sent to the parts, sums come back by a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dask
import numpy as np

from .protocol import Rows, Source

RESULTS_PER_MERGE = 8  # results that are combined at one place


class DaskSource(Source):
    """Partitions of Dask collections; `columns` are their X, y, sample_weight and groups, aligned by partition."""

    def __init__(self, X: Any, *columns: Any):
        self.X = X
        self.parts = list(zip(*(parts_of(column) for column in (X, *columns)), strict=True))

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

    def _results(self, fn) -> list:
        shared = dask.delayed(fn)  # one node of the graph: it is sent to a worker once
        return [dask.delayed(_called)(shared, number, *part) for number, part in enumerate(self.parts)]

    def predict(self, fn: Callable, columns: list | None = None) -> Any:
        """Lazy predictions: a Dask array, or a series or frame for a data frame."""
        X = self.X
        if hasattr(X, "map_partitions"):
            return X.map_partitions(_like_frame, fn, columns, meta=_like_frame(_ones_like(X), fn, columns).iloc[:0])
        if not hasattr(X, "map_blocks"):
            return [dask.delayed(fn)(part[0]) for part in self.parts]
        X = X.rechunk({1: -1})
        example = np.asarray(fn(np.ones((2, X.shape[1]), X.dtype)))
        width = {"drop_axis": 1} if example.ndim == 1 else {"chunks": (X.chunks[0], (example.shape[1],))}
        return X.map_blocks(fn, dtype=example.dtype, meta=example[:0], **width)


def open_source(X: Any, y: Any, sample_weight: Any, groups: Any) -> tuple[Source, dict]:
    """The source of Dask collections, and the names of columns that are told by name; ValueError where they do not fit."""
    given = {"y": y, "sample_weight": sample_weight, "groups": groups}
    named = {argument: value for argument, value in given.items() if isinstance(value, str)}
    columns: list = [None if isinstance(value, str) else value for value in given.values()]
    n_parts = len(parts_of(X))
    for argument, value in given.items():
        if value is None or isinstance(value, str):
            continue
        if not is_lazy(value):
            raise ValueError(
                f"X is a Dask collection and {argument} is not: cut it into the same parts, as by "
                "dask.array.from_array(values, chunks=X.chunks[0])"
            )
        if len(parts_of(value)) != n_parts:
            raise ValueError(
                f"X has {n_parts} parts and {argument} has {len(parts_of(value))}: repartition or rechunk one like the other"
            )
    return DaskSource(X, *(part if part is not None else [None] * n_parts for part in columns)), named


def is_lazy(value: Any) -> bool:
    """Whether a value is a Dask collection, or a list of delayed parts."""
    return dask.is_dask_collection(value[0] if isinstance(value, list) and value else value)


def parts_of(X: Any) -> list:
    """Delayed parts of a collection, all columns in each."""
    if isinstance(X, list):
        return X
    if hasattr(X, "map_blocks") and X.ndim > 1:
        X = X.rechunk({1: -1})
    return list(np.ravel(X.to_delayed()))


def _called(fn, number, *columns):
    return fn(Rows(*columns), number)


def _merged(combine, results):
    total = results[0]
    for result in results[1:]:
        total = combine(total, result)
    return total


def _like_frame(X, fn, columns):
    """Predictions of a frame as a series, or a frame for several columns, with its index."""
    import pandas as pd

    values = fn(X) if len(X) else fn(_ones_like(X))[:0]
    return pd.Series(values, X.index) if values.ndim == 1 else pd.DataFrame(values, X.index, columns)


def _ones_like(X):
    """One row of ones with the columns and types of an empty frame."""
    import pandas as pd

    ones = {name: pd.Series(np.ones(1)).astype(dtype) for name, dtype in X.dtypes.items()}
    return pd.DataFrame(ones)
