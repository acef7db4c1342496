"""A small table that prints as text, as HTML and, where pandas is installed, as a data frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from numbers import Integral, Real
from typing import Any

import numpy as np

ABSENT = "–"


def number(value: Any, digits: int = 4) -> str:
    """A number as text: `digits` decimals, scientific notation if very small or very large, a dash for NaN and None."""
    if value is None or value is np.ma.masked or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ABSENT
    if not isinstance(value, Real) or isinstance(value, Integral):
        return str(value)
    value = float(value)
    needs_exponent = value != 0 and np.isfinite(value) and not 10.0**-digits * 0.5 <= abs(value) < 1e7
    return f"{value:.{digits - 1}e}" if needs_exponent else f"{value:.{digits}f}"


def probability(value: Any) -> str:
    """A p-value as text."""
    return "<0.0001" if isinstance(value, Real) and 0 <= float(value) < 1e-4 else number(value)


class Table:
    """Named columns of equal length, with one label per row.

    Parameters
    ----------
    columns : mapping of str to array-like
    index : sequence of str
    title : str, optional
    head : sequence of (str, str), optional
        Facts shown above the columns: name and value.
    notes : sequence of str, optional
        Sentences below.
    formats : mapping of str to callable, optional
        How the entries of a column are written; by default with four decimals.

    Examples
    --------
    >>> print(Table({"coef": [1.0, -0.25]}, ["x1", "x2"]))
           coef
    x1   1.0000
    x2  -0.2500
    """

    def __init__(
        self,
        columns: Mapping[str, Any],
        index: Sequence[str],
        *,
        title: str = "",
        head: Sequence[tuple[str, Any]] = (),
        notes: Sequence[str] = (),
        formats: Mapping[str, Callable[[Any], str]] | None = None,
    ):
        self.columns, self.index = dict(columns), list(map(str, index))
        self.title, self.head, self.notes, self.formats = title, list(head), list(notes), dict(formats or {})

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, column: str) -> np.ndarray:
        return np.asarray(self.columns[column])

    def to_frame(self) -> Any:
        """The columns as a pandas DataFrame, at full precision."""
        import pandas as pd

        return pd.DataFrame(self.columns, index=self.index)

    def _cells(self) -> list[list[str]]:
        """The columns as text."""
        return [[self.formats.get(name, number)(value) for value in values] for name, values in self.columns.items()]

    def __str__(self) -> str:
        cells = self._cells()
        widths = [max(len(name), *map(len, column), 0) for name, column in zip(self.columns, cells, strict=True)]
        label = max(map(len, self.index), default=0)
        rows = [" " * label + "".join(f"  {name:>{w}}" for name, w in zip(self.columns, widths, strict=True))]
        for i, name in enumerate(self.index):
            rows.append(f"{name:<{label}}" + "".join(f"  {c[i]:>{w}}" for c, w in zip(cells, widths, strict=True)))
        names = max((len(name) for name, _ in self.head), default=0)
        top = [self.title] * bool(self.title) + [f"{name:<{names}}  {value}" for name, value in self.head]
        rule = ["-" * max(map(len, rows))] * bool(top)
        return "\n".join([*top, *rule, *rows, *(rule if self.notes else []), *self.notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in self.head)
        names = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        cells = self._cells()
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            + "".join(f"<td>{escape(c[i])}</td>" for c in cells)
            + "</tr>"
            for i, name in enumerate(self.index)
        )
        return (
            (f"<h4>{escape(self.title)}</h4>" if self.title else "")
            + (f"<table>{head}</table>" if head else "")
            + f"<table><thead><tr><th></th>{names}</tr></thead><tbody>{rows}</tbody></table>"
            + "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        )
