"""Phrases that several messages share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import currentframe
from typing import Any, NamedTuple

MAX_ITEMS_SHOWN = 5  # rows and columns
PACKAGE = __name__.split(".")[0]
INSIDE = (f"{PACKAGE}.", "sklearn.callback.")  # modules between a caller's line and a warning: callbacks of a fit wrap it


def warn_caller(message: str, category: type[Warning]) -> None:
    """Warn at the line outside of this package that called into it, however many functions lie between."""
    depth, frame = 1, currentframe()
    while frame is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(INSIDE):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, category, stacklevel=depth)


class RowsFound(NamedTuple):
    """Rows that a message names: how many, and the first of them as (part, number within the part)."""

    n: int
    first: list[tuple[int, int]]

    def joined(self, other: RowsFound) -> RowsFound:
        return RowsFound(self.n + other.n, sorted(self.first + other.first)[:MAX_ITEMS_SHOWN])

    def text(self, starts: dict[int, int]) -> str:
        """The phrase; `starts` has the numbers of the parts' first rows."""
        return _rows(self.n, [starts[part] + row for part, row in self.first])


class ColumnsFound(NamedTuple):
    """Columns that a message names, with their labels, by index."""

    labels: dict[int, str]

    def joined(self, other: ColumnsFound) -> ColumnsFound:
        return ColumnsFound(self.labels | other.labels)

    def text(self, starts: dict[int, int]) -> str:
        return _columns([label for _, label in sorted(self.labels.items())])


_part: ContextVar[tuple[int, list] | None] = ContextVar("_part", default=None)


def _mark(k: int) -> str:
    return f"<mark:{k}>"


def before_marks(text: str) -> str:
    """The text before its first mark."""
    return text.partition(_mark(0))[0]


def fill_marks(text: str, found: list, starts: dict[int, int]) -> str:
    """The text with what was found in place of its marks; `starts` has the numbers of the first rows, by part."""
    for k, one in enumerate(found):
        text = text.replace(_mark(k), one.text(starts))
    return text


@contextmanager
def rows_apart(number: int, keep_marks: bool = False) -> Iterator[list]:
    """Within one of several parts of the rows: messages hold marks for rows and columns, and these are yielded.

    Unless marks are kept, an error names the part and its own row numbers.
    """
    found: list = []
    token = _part.set((number, found))
    try:
        yield found
    except (ValueError, TypeError) as error:
        if keep_marks:
            raise
        raise type(error)(f"part {number} of the rows: {fill_marks(str(error), found, {number: 0})}") from error
    finally:
        _part.reset(token)


def is_part() -> bool:
    """Whether the rows that are read are one of several parts, of which one alone may be without weight."""
    return _part.get() is not None


def rows_text(rows: Any) -> str:
    """Row numbers as text: "row 3", or "12 rows (0, 4, 9, 11, 15, ...)"."""
    part = _part.get()
    if part is None:
        return _rows(len(rows), rows[:MAX_ITEMS_SHOWN])
    return _marked(RowsFound(len(rows), [(part[0], int(row)) for row in rows[:MAX_ITEMS_SHOWN]]), part[1])


def columns_text(index: Any, names: Any) -> str:
    """Columns as text, by their names or numbers: "columns ['a', 'b']", with "and more" where they are many."""
    part, labels = _part.get(), {int(j): str(j if names is None else names[j]) for j in index}
    return _columns(list(labels.values())) if part is None else _marked(ColumnsFound(labels), part[1])


def _marked(found: Any, all_found: list) -> str:
    all_found.append(found)
    return _mark(len(all_found) - 1)


def _rows(n: int, first: Sequence) -> str:
    if n == 1:
        return f"row {first[0]}"
    return f"{n} rows ({', '.join(map(str, first))}{', ...' if n > MAX_ITEMS_SHOWN else ''})"


def _columns(labels: list[str]) -> str:
    return f"columns {labels[:MAX_ITEMS_SHOWN]}{' and more' if len(labels) > MAX_ITEMS_SHOWN else ''}"
