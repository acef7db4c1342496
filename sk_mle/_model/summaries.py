"""What terms need of the rows of a fit before their columns are made: ranges and distinct values of the columns they name.

Of rows in memory they are found when a term asks for them; of rows in parts they are those of the parts, joined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .curve import dense

MAX_DISTINCT = 3000  # distinct values of a column that are kept
ROWS_OF_FIRST_LOOK = 1 << 14  # rows in which a column of many values shows that it is one


class ColumnSummary(NamedTuple):
    """The range of a column of numbers, and its distinct values, sorted: of more than `MAX_DISTINCT` one more than these."""

    low: float
    high: float
    values: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray) -> ColumnSummary:
        """The summary of values (n,), n > 0."""
        values = np.unique(x[:ROWS_OF_FIRST_LOOK])
        if len(x) > ROWS_OF_FIRST_LOOK and len(values) <= MAX_DISTINCT:
            values = np.unique(x)
        return cls(float(x.min()), float(x.max()), values[: MAX_DISTINCT + 1])

    def joined(self, other: ColumnSummary) -> ColumnSummary:
        """The summary of the rows of both."""
        values = np.union1d(self.values, other.values)[: MAX_DISTINCT + 1]
        return ColumnSummary(min(self.low, other.low), max(self.high, other.high), values)


@dataclass(frozen=True)
class Summaries:
    """Sums over the rows of positive weight of a part, or of several, as `terms.summaries_of` returns them.

    Attributes
    ----------
    n_kept : int
    columns : dict of int to ColumnSummary
        Of the columns that terms name; those of text are codes, and not in it.
    texts : dict of int to tuple
        Name and sorted distinct values of the columns of text.
    """

    n_kept: int = 0
    columns: dict[int, ColumnSummary] = field(default_factory=dict)
    texts: dict[int, tuple[Any, np.ndarray]] = field(default_factory=dict)

    def __add__(self, other: Summaries) -> Summaries:
        columns = self.columns | other.columns
        for j in self.columns.keys() & other.columns.keys():
            columns[j] = self.columns[j].joined(other.columns[j])
        texts = self.texts | other.texts
        for j in self.texts.keys() & other.texts.keys():
            texts[j] = self.texts[j][0], np.union1d(self.texts[j][1], other.texts[j][1])
        return Summaries(self.n_kept + other.n_kept, columns, texts)


@dataclass(frozen=True)
class TermData:
    """The data of a fit that terms get when they are bound to its columns.

    Attributes
    ----------
    frame : the X that was passed, or a sample of it, before validation.
    names : array of str or None
        Names of its columns.
    n_features : int
    n_kept : int
        Number of rows of positive weight.
    column : callable
        ``column(j)``, the `ColumnSummary` of a column in these rows.
    texts : dict of int to ndarray
        Text in place of which the numbers 0, 1, ... stand, in columns of text.
    """

    frame: Any
    names: Any
    n_features: int
    n_kept: int
    column: Callable[[int], ColumnSummary]
    texts: dict[int, np.ndarray]

    @classmethod
    def in_memory(cls, frame: Any, names: Any, X: Any, weight: np.ndarray, text_groups: dict) -> TermData:
        """Rows of X, of a data frame whose columns of text have `text_groups` for levels."""
        kept = np.ones(len(weight), bool) if weight.all() else weight > 0
        every = bool(kept.all())

        def column(j: int) -> ColumnSummary:
            x = dense(X, np.array([j]))[:, 0]
            return ColumnSummary.of(x if every else x[kept])

        texts = {list(frame.columns).index(name): levels for name, levels in text_groups.items()}
        return cls(frame, names, X.shape[1], int(np.count_nonzero(kept)), column, texts)

    @classmethod
    def in_parts(cls, sample: Any, names: Any, n_features: int, summaries: Summaries) -> TermData:
        """Rows in parts, of which a sample is in memory."""
        texts = {j: levels for j, (_, levels) in summaries.texts.items()}
        columns = summaries.columns | {j: ColumnSummary.of(np.arange(len(one), dtype=float)) for j, one in texts.items()}
        return cls(sample, names, n_features, summaries.n_kept, columns.__getitem__, texts)
