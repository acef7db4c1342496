"""Weighted means, and sums of squares around them, of values of rows: in memory, or in one pass over the parts of a source."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .._sources import Opened, Rows
from .._utils.frames import n_rows
from .parts import checked_fold
from .validation import NO_WEIGHT, check_weight, replace_zero_weight_rows


class Averages(NamedTuple):
    """Total weight, means (k,), and weighted squares (k,) around these, of k values of every row of positive weight."""

    weight: float
    mean: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, values: Any, weight: np.ndarray) -> Averages:
        """The averages of values (n,) or (n, k)."""
        used = weight > 0
        values, weight = np.asarray(values, float).reshape(len(weight), -1)[used], weight[used]
        with np.errstate(invalid="ignore"):
            mean = weight @ values / weight.sum()
            return cls(float(weight.sum()), mean, weight @ (values - mean) ** 2)

    def joined(self, other: Averages) -> Averages:
        """The averages over the rows of both (Chan, Golub and LeVeque 1983, doi:10.1080/00031305.1983.10483115)."""
        share = other.weight / (self.weight + other.weight)
        with np.errstate(invalid="ignore"):
            gap = other.mean - self.mean
            squares = self.squares + other.squares + self.weight * share * gap**2
            return Averages(self.weight + other.weight, (1 - share) * self.mean + share * other.mean, squares)

    @property
    def total(self) -> np.ndarray:
        """Weighted sums (k,) of the values."""
        return self.weight * self.mean

    @property
    def variance(self) -> np.ndarray:
        """Weighted means (k,) of the squares."""
        return self.squares / self.weight


def averages(rows: Rows | Opened, fn: Callable[..., Any], numbered: bool = False) -> Averages:
    """Averages of fn(rows), values (n,) or (n, k); errors name rows by their numbers among all.

    Rows of weight zero are replaced by others for `fn`, so that they are valid, and do not count. With `numbered`, the number
    of the part is the second argument of `fn`.
    """
    fn = fn if numbered else partial(_unnumbered, fn)
    if isinstance(rows, Rows):
        return _averages(fn, rows, 0)
    lengths, found = checked_fold(rows, partial(_averages_or_none, fn), _joined)
    if found is None:
        raise ValueError(NO_WEIGHT if sum(lengths.values()) else "X has no rows")
    return found


def _unnumbered(fn: Callable, rows: Rows, number: int) -> Any:
    return fn(rows)


def _averages(fn: Callable, rows: Rows, number: int) -> Averages:
    """The averages of a part."""
    weight = check_weight(rows.sample_weight, n_rows(rows.X))
    X, y = (replace_zero_weight_rows(values, rows.sample_weight) for values in (rows.X, rows.y))
    return Averages.of(fn(rows._replace(X=X, y=y), number), weight)


def _averages_or_none(fn: Callable, rows: Rows, number: int) -> Averages | None:
    """The averages of a part; None if it has no weight."""
    return _averages(fn, rows, number) if check_weight(rows.sample_weight, n_rows(rows.X)).any() else None


def _joined(a: Averages | None, b: Averages | None) -> Averages | None:
    return b if a is None else a if b is None else a.joined(b)
