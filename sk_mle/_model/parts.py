"""Training data in parts that are not in memory all at once: sums over all rows by passes over the parts, and a sample.

It has the interface of `Data`. A function of row blocks is sent to every part, which is read there as `fit` reads rows in
memory, cut into blocks and summed; sums come back. `first_pass` checks the rows, numbers them and draws the sample; a second
pass (`DataInParts`) sums up what every fit needs of all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .._sources import Opened, Rows, join
from .._utils.floats import floats
from .._utils.frames import n_rows, take
from .._utils.messages import before_marks, fill_marks, rows_apart
from .bounds import density_totals
from .data import Batch, Data, add_sums, weighted_sum
from .design import MAX_ROTATED_COLUMNS
from .moments import Products, products_of_columns
from .validation import NO_WEIGHT, check_weight


class FirstPass(NamedTuple):
    """The results of the first pass.

    Attributes
    ----------
    lengths : dict of int to int
        Rows by part.
    sample : Rows
        A random sample of the rows of positive weight, as they were passed, in their order.
    totals : object
        The sum of what was asked of every part.
    """

    lengths: dict[int, int]
    sample: Rows
    totals: Any

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return sum(self.lengths.values())


def first_pass(rows: Opened, check: Callable[[Rows], Any]) -> FirstPass:
    """A first pass: `check(rows)` of every part, lengths, and a sample. What `check` returns is added up.

    ValueErrors and TypeErrors that it raises name rows by their numbers among all.
    """
    n = rows.source.rows_of_sample
    lengths, found = checked_fold(rows, partial(_sample_of_part, n, check), partial(_joined_sample, n))
    if found is None:
        raise ValueError("X has no rows" if not lengths else NO_WEIGHT)
    if not found.pieces:
        raise ValueError(NO_WEIGHT)
    return FirstPass(lengths, join(found.pieces), found.totals)


class DataInParts:
    """Rows in parts, as `Data`.

    Parameters
    ----------
    rows : Opened
    reader : estimator
        Whose ``read_data(X, y, sample_weight, groups)`` makes `Data` of the rows of a part, and whose ``check_part(data)``
        raises ValueError for rows that it does not take.
    look : FirstPass
    centred : iterable of bool
        Whether means are subtracted from columns, of the designs to come: their products are summed in the same pass.
    """

    costly, whole, sample_of_coordinates = True, None, None

    def __init__(self, rows: Opened, reader: Any, first: FirstPass, centred: Iterable[bool]) -> None:
        self.rows, self.reading, self._passes = rows, PartReading(reader), [1]
        self._passes[0] += 1
        _, found = checked_fold(rows, partial(_part_sums, self.reading, tuple(set(centred))), _joined_part_sums)
        self.in_memory: Data = reader.read_data(*first.sample)  # after the checks of all rows, whose errors give row numbers
        self.n_samples, self.n_features, self.n_jobs = first.n_samples, self.in_memory.n_features, self.in_memory.n_jobs
        if self.n_features >= self.n_samples:
            raise ValueError(
                f"X has {self.n_features} columns and {self.n_samples} rows: as many columns need all rows in memory. Gather "
                f"them, as by {rows.source.all_rows}, or leave columns out"
            )
        self.n_kept, self.total_weight, self.has_zero_weight = found.n_kept, found.total_weight, found.has_zero_weight
        self.min_weight_share = found.min_weight / found.total_weight
        self.products, self.densities, self._fingerprint = found.products, found.densities, found.fingerprint

    @property
    def n_passes(self) -> int:
        """Passes over all rows so far."""
        return self._passes[0]

    @property
    def is_sparse(self) -> bool:
        return self.in_memory.is_sparse

    @property
    def offset_names(self) -> frozenset[str]:
        return self.in_memory.offset_names

    def fingerprint(self) -> np.ndarray:
        return self._fingerprint

    def subsample(self, n_rows: int) -> Data:
        """At most twice `n_rows` of the rows in memory."""
        return self.in_memory.subsample(n_rows)

    def with_width(self, width: int) -> DataInParts:
        """The same data in blocks short enough for `width` temporary columns."""
        return self._with(self.reading._replace(width=width))

    def with_long_blocks(self, n_rows: int) -> DataInParts:
        """The same data in blocks of at least so many rows."""
        return self._with(self.reading._replace(n_rows=n_rows))

    def with_weight_factor(self, factor: float) -> DataInParts:
        """The same data with all weights multiplied by a number."""
        other = self._with(self.reading._replace(factor=self.reading.factor * factor))
        other.in_memory, other.total_weight = self.in_memory.with_weight_factor(factor), self.total_weight * factor
        other.products = {
            key: Products(factor * sums.total_weight, sums.mean, factor * sums.central) for key, sums in self.products.items()
        }
        other.densities = (factor * self.densities[0], self.densities[1])
        other._fingerprint = factor * self._fingerprint
        return other

    def with_weights(self, fn: Callable[[Batch], np.ndarray]) -> DataInParts:
        """The same data with the weights fn(block) in place of the positive ones; its columns' products are not known."""
        other = self._with(self.reading._replace(weights=fn))
        other.in_memory, other.products = self.in_memory.with_weights(fn), {}
        other.total_weight = float(other.reduce(_total_weight)["weight"])
        return other

    def _with(self, reading: PartReading) -> DataInParts:
        other = copy(self)
        other.reading = reading
        return other

    def reduce(self, fn: Callable[[Batch], Any], combine: Callable | None = None) -> Any:
        """Sum over the blocks of all parts of fn(block), as `Data.reduce`, in one pass."""
        self._passes[0] += 1
        return self.rows.fold(partial(_reduced, self.reading, fn, combine), combine or add_sums)

    def __getattr__(self, name: str) -> None:
        if name in ("X", "y", "weight", "offset", "groups", "blocks", "map", "column"):
            raise ValueError(
                "this needs all rows in memory, and they lie in parts: gather them, as by "
                f"{self.rows.source.all_rows}, or pass a sample of the rows, in memory"
            )
        raise AttributeError(name)


class PartReading(NamedTuple):
    """The way in which a part is read."""

    reader: Any
    factor: float = 1.0
    weights: Callable[[Batch], np.ndarray] | None = None
    width: int | None = None
    n_rows: int = 0

    def read(self, rows: Rows) -> Data:
        """The data of a part."""
        data = self.reader.read_data(*rows)
        if self.factor != 1:
            data = data.with_weight_factor(self.factor)
        if self.weights is not None and data.n_kept:
            data = data.with_weights(self.weights)
        data = data if self.width is None else data.with_width(self.width)
        return data.with_long_blocks(self.n_rows)


def _has_weight(rows: Rows) -> bool:
    """Whether a part has rows of positive weight: without, there is no valid row to stand for those of zero weight."""
    return rows.sample_weight is None or bool(check_weight(rows.sample_weight, n_rows(rows.X)).any())


def _reduced(reading: PartReading, fn: Callable, combine: Any, rows: Rows, number: int) -> Any:
    """The sum over the blocks of a part; None if all its weights are zero."""
    with rows_apart(number):
        if not _has_weight(rows):
            return None
        data = reading.read(rows)
    return data.reduce(fn, combine)


def _total_weight(batch: Batch) -> dict:
    return {"weight": batch.weight.sum()}


def means_over_parts(rows: Opened, reader: Any, fn: Callable[[Any], np.ndarray]) -> np.ndarray:
    """Weighted means over all rows of fn(X), values (n, k) of a part that `reader` reads, in one pass."""
    sums = rows.fold(partial(_sums_of_part, PartReading(reader), fn), add_sums)
    return sums["values"] / sums["weight"]


def _sums_of_part(reading: PartReading, fn: Callable, rows: Rows, number: int) -> dict | None:
    """Weighted sums of the values of a part; None if all its weights are zero."""
    with rows_apart(number):
        if not _has_weight(rows):
            return None
        data = reading.read(rows)
        values = fn(data.X)
        return {"values": weighted_sum(values, data.weight), "weight": data.total_weight}


# ---- the sample ---------------------------------------------------------------------------------------------------------


class _Sample(NamedTuple):
    """Rows with the smallest of random keys: of two such samples, the rows with the smallest keys are one of both."""

    keys: list[np.ndarray]
    pieces: list[Rows]
    totals: Any


def _sample_of_part(n_rows_of_sample: int, check: Callable, rows: Rows, number: int) -> _Sample:
    """The sample of a part, and what `check` returns."""
    n, totals = n_rows(rows.X), None
    kept = np.arange(n)
    if rows.sample_weight is not None:
        kept = np.flatnonzero(np.ravel(floats(rows.sample_weight, "sample_weight")) != 0)
    if len(kept):
        totals = check(rows)
    keys = np.random.default_rng(number).random(n)[kept]
    return _smallest_keys(
        _Sample([keys], [_rows_at(rows, kept)], totals) if len(kept) else _Sample([], [], totals), n_rows_of_sample
    )


def _joined_sample(n_rows_of_sample: int, a: _Sample, b: _Sample) -> _Sample:
    totals = b.totals if a.totals is None else a.totals if b.totals is None else a.totals + b.totals
    return _smallest_keys(_Sample(a.keys + b.keys, a.pieces + b.pieces, totals), n_rows_of_sample)


def _smallest_keys(drawn: _Sample, n: int) -> _Sample:
    """The n rows of the smallest keys."""
    keys = np.concatenate(drawn.keys) if drawn.keys else np.empty(0)
    if len(keys) <= n:
        return drawn
    largest = np.partition(keys, n - 1)[n - 1]
    chosen = [np.flatnonzero(part <= largest) for part in drawn.keys]
    kept = [(keys[rows], _rows_at(piece, rows)) for keys, piece, rows in zip(drawn.keys, drawn.pieces, chosen, strict=True)]
    kept = [(keys, piece) for keys, piece in kept if len(keys)]
    return _Sample([keys for keys, _ in kept], [piece for _, piece in kept], drawn.totals)


def _rows_at(rows: Rows, index: np.ndarray) -> Rows:
    return Rows(*(take(column, index) for column in rows))


# ---- what a fit needs of all rows ---------------------------------------------------------------------------------------


class _PartSums(NamedTuple):
    n_kept: int
    total_weight: float
    min_weight: float
    has_zero_weight: bool
    fingerprint: np.ndarray
    products: dict[bool, Products]
    densities: tuple[float, float]


WITHOUT_WEIGHT = _PartSums(0, 0.0, np.inf, True, np.zeros(1), {}, (0.0, 0.0))


def _part_sums(reading: PartReading, centred: tuple, rows: Rows, number: int) -> _PartSums:
    """The sums of a part."""
    if not _has_weight(rows):
        reading.reader.check_weightless(rows.X)
        return WITHOUT_WEIGHT
    data = reading.read(rows)
    if not data.n_kept:
        return WITHOUT_WEIGHT
    reading.reader.check_part(data)
    small = data.n_features <= MAX_ROTATED_COLUMNS
    products = {one: products_of_columns(data, one, small) for one in centred}
    lowest = data.min_weight_share * data.total_weight
    densities = density_totals(reading.reader.likelihood_, data)
    return _PartSums(data.n_kept, data.total_weight, lowest, data.has_zero_weight, data.fingerprint(), products, densities)


def _joined_part_sums(a: _PartSums, b: _PartSums) -> _PartSums:
    products = a.products or b.products
    if a.products and b.products:
        products = {key: sums.joined(b.products[key]) for key, sums in a.products.items()}
    return _PartSums(
        a.n_kept + b.n_kept,
        a.total_weight + b.total_weight,
        min(a.min_weight, b.min_weight),
        a.has_zero_weight or b.has_zero_weight,
        a.fingerprint + b.fingerprint,
        products,
        (a.densities[0] + b.densities[0], max(a.densities[1], b.densities[1])),
    )


# ---- errors that name rows by their numbers among all -------------------------------------------------------------------


class _Fault(NamedTuple):
    """An error of some parts: its type, its text with marks in place of rows and columns, and what stands for each mark."""

    kind: type
    text: str
    found: list[Any]

    def joined(self, other: _Fault) -> _Fault:
        """The same error of more rows, or the first of two."""
        same = [(one.kind, before_marks(one.text), [type(mark) for mark in one.found]) for one in (self, other)]
        if same[0] != same[1]:
            return self
        return self._replace(found=[one.joined(two) for one, two in zip(self.found, other.found, strict=True)])


class _Outcome(NamedTuple):
    lengths: dict[int, int]
    result: Any
    fault: _Fault | None


def checked_fold(rows: Opened, fn: Callable, combine: Callable) -> tuple[dict[int, int], Any]:
    """Rows by part, and the combined results of fn(rows, number); the first error is raised, with the numbers of its rows."""
    outcome = rows.fold(partial(_tried, fn), partial(_joined, combine))
    if outcome is None:
        return {}, None
    if outcome.fault is not None:
        starts, start = {}, 0
        for number, length in sorted(outcome.lengths.items()):
            starts[number], start = start, start + length
        raise outcome.fault.kind(fill_marks(outcome.fault.text, outcome.fault.found, starts))
    return outcome.lengths, outcome.result


def _tried(fn: Callable, rows: Rows, number: int) -> _Outcome:
    lengths = {number: n_rows(rows.X)}
    with rows_apart(number, keep_marks=True) as found:
        try:
            return _Outcome(lengths, fn(rows, number), None)
        except (ValueError, TypeError) as error:
            return _Outcome(lengths, None, _Fault(type(error), str(error), found))


def _joined(combine: Callable, a: _Outcome, b: _Outcome) -> _Outcome:
    fault = a.fault or b.fault
    if a.fault and b.fault:
        fault = a.fault.joined(b.fault)
    result = None if fault else combine(a.result, b.result)
    return _Outcome(a.lengths | b.lengths, result, fault)
