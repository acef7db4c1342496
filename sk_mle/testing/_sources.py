"""Checks of a user's source of rows."""

from __future__ import annotations

from operator import add
from typing import Any

import numpy as np

from .._sources import Source
from .._sources.protocol import Opened
from .._utils.frames import n_rows


def check_source(source: Source, y: str | None = None, sample_weight: str | None = None) -> None:
    """Check a source of rows: that every pass finds the same parts in the same order, each with its number.

    Parameters
    ----------
    source : Source
    y, sample_weight : str, optional
        Names of columns, as for `fit`.

    Raises
    ------
    AssertionError
        Says what was found and what was expected.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import Source
    >>> from sk_mle.testing import check_source
    >>> class Halves(Source):
    ...     def __init__(self, X, y):
    ...         self.X, self.y = X, y
    ...
    ...     def __iter__(self):
    ...         half = len(self.X) // 2
    ...         yield self.X[:half], self.y[:half]
    ...         yield self.X[half:], self.y[half:]
    >>> check_source(Halves(np.ones((10, 2)), np.arange(10)))
    """
    if not isinstance(source, Source):
        raise TypeError(f"check_source needs a Source, got {type(source).__name__}")
    opened = Opened(source, y, sample_weight)
    first, second = (opened.fold(_described, add) for _ in range(2))
    assert first, "the source has no parts with rows"
    assert first == second, f"a second pass found other parts than the first: {second} and {first}, as (number, rows, sum)"
    numbers = [number for number, *_ in first]
    assert numbers == sorted(set(numbers)), f"fold must combine parts in their order, each once, but it gave {numbers}"
    assert _widths(opened) == 1, "the parts have different numbers of columns"
    counted = source.map(lambda part, number: number)
    assert counted == list(range(len(counted))), f"map must number the parts from 0 in their order, but it gave {counted}"
    assert len(counted) > max(numbers), f"map visited {len(counted)} parts, and fold gave a part the number {max(numbers)}"


def _described(rows: Any, number: int) -> list:
    """Number, length and a sum of a part."""
    n = n_rows(rows.X)
    for name, column in rows._asdict().items():
        assert column is None or n_rows(column) == n, f"in part {number}, X has {n} rows and {name} has {n_rows(column)}"
    values = rows.X.sum(axis=0) if hasattr(rows.X, "sum") else np.sum(rows.X, axis=0)
    return [(number, n, str(np.asarray(values).ravel().tolist()))]


def _widths(opened: Opened) -> int:
    """Number of different widths of X."""
    return len(opened.fold(lambda rows, number: {rows.X.shape[1]}, set.union))
