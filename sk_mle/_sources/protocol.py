"""What a source of rows is: parts that are visited one by one, wherever they lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from .._utils.frames import concatenate, n_rows

ROWS_TO_GATHER = 65_536
ROWS_OF_SAMPLE = 32_768


class Rows(NamedTuple):
    """Rows as they are passed to `fit`: X, y, sample_weight and labels of groups, each None if not given."""

    X: Any
    y: Any = None
    sample_weight: Any = None
    groups: Any = None


class Source(ABC):
    """Rows in parts that are never in memory all at once: chunks of a file, a database's cursor, partitions on a cluster.

    `fit`, `score` and `inference` take a source in place of X. They visit its parts several times, in each pass all of them,
    and keep sums and a sample of rows alone. A source must have `__iter__`; one whose parts lie on other machines has `map` and
    `fold` too, which bring the functions to the parts.

    A part is a data frame whose columns are named in the call of `fit`, as in ``fit(source, "y", sample_weight="w")``; or a
    tuple (X, y) or (X, y, sample_weight) of what could be passed to `fit` in memory, for ``fit(source, None)``. Parts may be
    empty, and of any number of rows; every pass must find the same parts in the same order.

    Attributes
    ----------
    rows_to_gather : int, default=65_536
        A source of fewer rows is gathered and fitted in memory.
    rows_of_sample : int, default=32_768
        Rows of the random sample on which a fit begins. They come to the client.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sk_mle import MLERegressor, Source
    >>> class Chunks(Source):
    ...     def __init__(self, read, n_chunks):
    ...         self.read, self.n_chunks = read, n_chunks
    ...
    ...     def __iter__(self):
    ...         return map(self.read, range(self.n_chunks))
    >>> def read(number):
    ...     rng = np.random.default_rng(number)
    ...     x = rng.normal(size=40_000)
    ...     return pd.DataFrame({"x": x, "y": rng.poisson(np.exp(0.5 * x))})
    >>> model = MLERegressor("poisson").fit(Chunks(read, 2), "y")
    >>> model.coef_.round(2)
    array([0.5])
    """

    rows_to_gather: int = ROWS_TO_GATHER
    rows_of_sample: int = ROWS_OF_SAMPLE
    some_rows, all_rows = "the X of one of its parts", "concatenation of the X of its parts"  # in messages, how they are got

    @abstractmethod
    def __iter__(self) -> Iterator[Any]:
        """The parts, in the same order every time."""

    def map(self, fn: Callable[[Any, int], Any]) -> list:
        """The results of a function of every part.

        Parameters
        ----------
        fn : callable
            ``fn(part, number)``, parts being numbered from 0.

        Returns
        -------
        list
        """
        return [fn(part, number) for number, part in enumerate(self)]

    def fold(self, fn: Callable[[Any, int], Any], combine: Callable[[Any, Any], Any]) -> Any:
        """The results fn(part, number) of all parts, combined to one.

        Parameters
        ----------
        fn : callable
            ``fn(part, number)``. A source that sends functions to other processes pickles them by cloudpickle.
        combine : callable
            Takes two results, or combinations of these, of neighbouring parts in their order. It is associative: a source may
            combine in any grouping, as by trees.

        Returns
        -------
        object
            What `combine` returned last.
        """
        results = (fn(part, number) for number, part in enumerate(self))
        total = next(results, None)
        for result in results:
            total = combine(total, result)
        return total

    def predict(self, fn: Callable[[Any], Any], columns: list | None = None) -> Any:
        """Predictions of every part; by default at once, concatenated.

        Parameters
        ----------
        fn : callable
            ``fn(X)``, an array of predictions.
        columns : list, optional
            Names for its columns, where predictions are a data frame.

        Returns
        -------
        object
            An array, or a collection of the source's own.
        """
        values = [one for one in self.map(partial(_on_X, fn)) if one is not None]
        if not values:
            raise ValueError("X has no rows")
        return concatenate(values)


@dataclass(frozen=True)
class Opened:
    """A source, with the names of the columns of its frames that hold y, weights and groups; None where parts are tuples."""

    source: Source
    y: str | None = None
    sample_weight: str | None = None
    groups: str | None = None
    features: Any = None  # names of the columns of a fit, in its order

    def predict(self, fn: Callable[[Any], Any], columns: list | None = None) -> Any:
        """`Source.predict` of the columns of the fit."""
        return self.source.predict(partial(_on_features, fn, self.features), columns)

    def fold(self, fn: Callable[[Rows, int], Any], combine: Callable[[Any, Any], Any]) -> Any:
        """`Source.fold` of functions of `Rows`; parts without rows, and results that are None, are left out."""
        return self.source.fold(partial(_on_rows, fn, self.columns), partial(_combined, combine))

    @property
    def columns(self) -> tuple:
        """Names of y, sample_weight and groups, and of the columns of the fit."""
        return self.y, self.sample_weight, self.groups, self.features

    def gathered(self) -> Rows:
        """All rows."""
        pieces = self.fold(_listed, list.__add__)
        return join(pieces)


def join(pieces: list[Rows]) -> Rows:
    """Rows of several parts as one; ValueError where their columns differ."""
    for rows in pieces[1:]:
        own, others = (list(X.columns) if hasattr(X, "columns") else X.shape[1:] for X in (pieces[0].X, rows.X))
        if own != others:
            raise ValueError(f"the parts of X have different columns: {own} and {others}")
    return Rows(*(None if column[0] is None else concatenate(list(column)) for column in zip(*pieces, strict=True)))


def _listed(rows: Rows, number: int) -> list[Rows]:
    return [rows]


def _on_rows(fn: Callable, columns: tuple[None, None, None, None], part: Any, number: int) -> Any:
    """fn(rows, number) of a part; None if it has no rows."""
    rows = split(part, *columns)
    return fn(rows, number) if n_rows(rows.X) else None


def _combined(combine: Callable, a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else combine(a, b)


def _on_X(fn: Callable, part: Any, number: int) -> Any:
    """fn(X) of a part; None if it has no rows."""
    X = split(part).X
    return fn(X) if n_rows(X) else None


def _on_features(fn: Callable, features: Any, X: Any) -> Any:
    return fn(_selected(X, features))


def _selected(X: Any, features: Any) -> Any:
    """The columns of a data frame that are those of the fit, in its order; X itself where it lacks some, or has no names."""
    if features is None or not hasattr(X, "columns") or not set(features) <= set(X.columns):
        return X
    return X[list(features)]


def split(
    part: Any, y: str | None = None, sample_weight: str | None = None, groups: str | None = None, features: Any = None
) -> Rows:
    """The rows of a part; columns that are named are taken out of its frame, and those of the fit are chosen from it."""
    rows = Rows(*part) if isinstance(part, tuple) else Rows(part)
    names = {"y": y, "sample_weight": sample_weight, "groups": groups}
    names = {argument: name for argument, name in names.items() if name is not None}
    if not names:
        return rows._replace(X=_selected(rows.X, features))
    for argument, name in names.items():
        if not hasattr(rows.X, "columns") or name not in rows.X.columns:
            kind = f"its columns are {list(rows.X.columns)}" if hasattr(rows.X, "columns") else "it is no data frame"
            raise ValueError(f"{argument}={name!r} names a column, but X has none of that name: {kind}")
    columns = {argument: rows.X[name] for argument, name in names.items()}
    others = [name for name in rows.X.columns if name not in names.values()]
    X = _selected(rows.X, features)
    return rows._replace(X=rows.X[others] if X is rows.X else X, **columns)
