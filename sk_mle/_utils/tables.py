"""A small table that prints as text, as HTML and, where pandas is installed, as a data frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from numbers import Integral, Real
from typing import Any

import numpy as np

ABSENT = "–"
MAX_PRINTED_ROWS, ROWS_AT_EACH_END = 200, 20  # of a table as text and HTML


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


def fixed(value: Any, digits: int = 1) -> str:
    """A number with that many decimals, never in scientific notation, for columns whose entries are compared."""
    return f"{value + 0.0:.{digits}f}" if isinstance(value, Real) and np.isfinite(float(value)) else number(value)


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
    ) -> None:
        self.columns, self.index = dict(columns), list(map(str, index))
        self.title, self.head, self.notes, self.formats = title, list(head), list(notes), dict(formats or {})
        self.below: list[Table] = []  # further tables that are printed with it

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, column: str) -> np.ndarray:
        return np.asarray(self.columns[column])

    def to_frame(self) -> Any:
        """The columns as a pandas DataFrame, at full precision."""
        import pandas as pd

        return pd.DataFrame(self.columns, index=self.index)

    def _shown(self) -> list[int | None]:
        """The rows that are printed; None for a gap, where there are too many."""
        n = len(self.index)
        if n <= MAX_PRINTED_ROWS:
            return list(range(n))
        return [*range(ROWS_AT_EACH_END), None, *range(n - ROWS_AT_EACH_END, n)]

    def _printed(self) -> tuple[list[str], list[list[str]], list[str]]:
        """Labels and cells of the rows that are printed, column by column, and the sentences below."""
        rows, gap = self._shown(), "..."
        cut = {name: [gap if i is None else values[i] for i in rows] for name, values in self.columns.items()}
        cells = [
            [value if value is gap else self.formats.get(name, number)(value) for value in values]
            for name, values in cut.items()
        ]
        notes = [*self.notes, f"{len(self)} rows; to_frame() has all of them"] if None in rows else self.notes
        return [gap if i is None else self.index[i] for i in rows], cells, notes

    def __str__(self) -> str:
        labels, cells, notes = self._printed()
        widths = [max(len(name), *map(len, column), 0) for name, column in zip(self.columns, cells, strict=True)]
        label = max(map(len, labels), default=0)
        rows = [" " * label + "".join(f"  {name:>{w}}" for name, w in zip(self.columns, widths, strict=True))]
        for i, name in enumerate(labels):
            rows.append(f"{name:<{label}}" + "".join(f"  {c[i]:>{w}}" for c, w in zip(cells, widths, strict=True)))
        names = max((len(name) for name, _ in self.head), default=0)
        top = [self.title] * bool(self.title) + [f"{name:<{names}}  {value}" for name, value in self.head]
        others = [line for table in self.below for line in ("", *str(table).split("\n"))]
        rule = ["-" * max(map(len, rows))] * bool(top)
        return "\n".join([*top, *rule, *rows, *others, *(rule if notes else []), *notes])

    __repr__ = __str__

    def to_markdown(self) -> str:
        """The columns as they are printed, as a table of Markdown; ``to_frame().to_markdown()`` has them at full precision."""
        labels, cells, _ = self._printed()
        rows = [["", *self.columns], *([label, *row] for label, row in zip(labels, zip(*cells, strict=True), strict=True))]
        escaped = [[text.replace("|", "\\|") for text in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*escaped, strict=True)]
        escaped.insert(1, [":" + "-" * max(widths[0] - 1, 1), *("-" * max(w - 1, 1) + ":" for w in widths[1:])])
        pad = [str.ljust, *[str.rjust] * len(self.columns)]
        lines = ([f(text, w) for f, text, w in zip(pad, row, widths, strict=True)] for row in escaped)
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def to_latex(self) -> str:
        """The columns as they are printed, as a `tabular` of LaTeX with the rules of booktabs."""
        labels, cells, _ = self._printed()
        rows = [[label, *row] for label, row in zip(labels, zip(*cells, strict=True), strict=True)]
        head, *body = (" & ".join(map(_latex, row)) + r" \\" for row in [["", *self.columns], *rows])
        lines = [rf"\begin{{tabular}}{{l{'r' * len(self.columns)}}}", r"\toprule", head, r"\midrule", *body]
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])

    def _repr_html_(self) -> str:
        labels, cells, notes = self._printed()
        left, right = "style='text-align:left'", "style='text-align:right'"
        facts = ((escape(name), escape(str(value))) for name, value in self.head)
        head = "".join(f"<tr><th {left}>{name}</th><td {left}>{value}</td></tr>" for name, value in facts)
        names = "".join(f"<th {right}>{escape(name)}</th>" for name in self.columns)
        rows = "".join(
            f"<tr><th {left}>{escape(name)}</th>" + "".join(f"<td {right}>{escape(c[i])}</td>" for c in cells) + "</tr>"
            for i, name in enumerate(labels)
        )
        return (
            (f"<h4>{escape(self.title)}</h4>" if self.title else "")
            + (f"<table class='sk_mle-facts'>{head}</table>" if head else "")
            + (f"<table class='sk_mle-table'><thead><tr><th></th>{names}</tr></thead>" if self.columns else "")
            + (f"<tbody>{rows}</tbody></table>" if self.columns else "")
            + "".join(table._repr_html_() for table in self.below)
            + "".join(f"<p>{escape(note)}</p>" for note in notes)
        )


def _latex(text: str) -> str:
    """Text in which the characters that LaTeX reads as commands are escaped."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--"}
    return "".join(special.get(c, "\\" + c if c in "&%$#_{}" else c) for c in text)
