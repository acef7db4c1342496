"""Conversion of users' values to floats, with messages that name the rows, and their rounding errors."""

from __future__ import annotations

from datetime import date, timedelta
from math import isfinite
from typing import Any

import numpy as np

from .messages import rows_text

ROUNDING = 64 * float(
    np.finfo(float).eps
)  # rounding error of a user's value, which may be the result of a calculation, relative to it
DTYPE_NAMES = {"M": "dates", "m": "durations", "U": "text", "S": "text", "T": "text"}
TOO_LARGE = "holds whole numbers beyond the largest float, 1.8e308: use another unit, or logarithms"
REMEDIES = {
    "dates": "pass the time since one of them in a unit of your choice, such as days since the first, "
    "t = np.asarray({0}, 'datetime64[ns]'); (t - t.min()) / np.timedelta64(1, 'D')",
    "durations": "say their unit, such as days, np.asarray({0}, 'timedelta64[ns]') / np.timedelta64(1, 'D')",
    "text": "np.asarray({0}, dtype=float) reads numbers from text",
    "periods": "pass the time since one of them in a unit of your choice, such as days since the first, "
    "t = pandas.Series({0}).dt.to_timestamp(); (t - t.min()) / np.timedelta64(1, 'D')",
    "intervals": "their ends are two columns, i = pandas.IntervalIndex({0}); np.column_stack([i.left, i.right]), which "
    "Censored(...) around a law takes as y",
}


def check_numeric(y: Any, infinite: bool = False) -> np.ndarray:
    """y as floats; ValueError for NaN, and for infinity unless `infinite` allows it."""
    y = floats(y, "y", "; for class labels use MLEClassifier")
    if is_finite(y):
        return y
    wrong = np.isnan(y) if infinite else ~np.isfinite(y)
    bad = np.flatnonzero(wrong if y.ndim == 1 else wrong.any(axis=1))
    if len(bad):
        kind = "NaN" if np.isnan(y).any() else "infinity"
        raise ValueError(f"Input y contains {kind} in {rows_text(bad)}; drop these rows")
    return y


def probabilities(values: Any, name: str, ends: bool = False) -> np.ndarray:
    """Probabilities as an array of one dimension; ValueError outside [0, 1] and, unless `ends`, at its ends."""
    try:
        found = np.atleast_1d(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.ndim != 1 or not found.size or not ((found > 0) & (found < 1) | ends & ((found == 0) | (found == 1))).all():
        raise ValueError(f"{name} must lie between 0 and 1{'' if ends else ', exclusive'}, got {values!r}")
    return found


def probability(value: Any, name: str, ends: bool = False) -> float:
    """One probability, checked as `probabilities`."""
    if np.ndim(value) or isinstance(value, str):
        raise ValueError(f"{name} must lie between 0 and 1{'' if ends else ', exclusive'}, as one number, got {value!r}")
    return float(probabilities(value, name, ends)[0])


def round_unit(largest: float) -> str:
    """The power of ten of a positive number as text, a unit for values that reach it."""
    return f"{max(10.0 ** np.floor(np.log10(largest)), np.finfo(float).smallest_subnormal):g}"


def is_finite(values: np.ndarray) -> bool:
    """Whether all entries are finite, by their sum where that does not overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        return isfinite(values.sum(dtype=np.float64)) or bool(np.isfinite(values).all())


def floats(values: Any, name: str, hint: str = "") -> np.ndarray:
    """Numbers as a contiguous array of floats, of one dimension at least; ValueError as of `numbers`."""
    return np.ascontiguousarray(numbers(values, name, hint))


def numbers(values: Any, name: str, hint: str = "") -> np.ndarray:
    """Numbers as an array of floats. ValueError for data that NumPy would convert to numbers with an unintended meaning.

    It would convert dates and durations to counts of their storage unit, text to the numbers that it spells, complex numbers
    to their real part, and masked values to what lies behind the mask.
    """
    if type(values) is np.ndarray and values.dtype == np.float64:
        return values
    check_unmasked(values, name)
    values = np.asarray(values)
    if np.iscomplexobj(values):
        raise ValueError(f"Complex data not supported in {name}")
    kind = DTYPE_NAMES.get(values.dtype.kind) or (values.dtype.kind == "O" and _kind_of(values)) or ""
    if kind:
        raise ValueError(f"{name} must be numeric, but holds {kind}: {REMEDIES[kind].format(name)}{hint * (kind == 'text')}")
    if values.dtype.names:
        raise ValueError(
            f"{name} must be numeric, but is a structured array with the fields {list(values.dtype.names)}: pass one of them; "
            "an event and a time are the y of Censored(...)"
        )
    try:
        return np.asarray(values, dtype=np.float64)
    except OverflowError as error:
        raise ValueError(f"{name} {TOO_LARGE}") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numeric ({error}){hint}") from error


def check_unmasked(values: Any, name: str) -> None:
    """ValueError for a masked array of NumPy with masked values, which its conversions would read as numbers; for text."""
    if isinstance(values, str):
        raise ValueError(
            f"{name} is the text {values!r}: pass the values themselves, of a column of a data frame X[{values!r}]"
            f"{f', and leave that column out of X, X.drop(columns=[{values!r}])' * (name == 'y')}"
        )
    if isinstance(values, np.ma.MaskedArray) and (mask := np.ma.getmaskarray(values)).any():
        rows = np.flatnonzero(mask.reshape(len(mask), -1).any(axis=1)) if mask.ndim else np.zeros(1, int)
        raise ValueError(
            f"{name} has masked values in {rows_text(rows)}: leave these rows out of all arrays (numpy.ma.getmaskarray({name}) "
            f"says which they are), or fill in numbers, {name}.filled(...)"
        )


def _kind_of(values: np.ndarray) -> str | None:
    """The kind of the first object of an array that is no number; None if all are numbers."""
    for value in values.flat:
        for types, kind in ((str | bytes, "text"), (date | np.datetime64, "dates"), (timedelta | np.timedelta64, "durations")):
            if isinstance(value, types):
                return kind
        for attribute, kind in (("to_timestamp", "periods"), ("closed_right", "intervals")):  # of pandas
            if hasattr(value, attribute):
                return kind
    return None


def rounding(y: float | np.ndarray, largest: float | None = None) -> np.ndarray:
    """The rounding error of every value; for a zero, that of the largest value."""
    magnitude = np.abs(y)
    largest = magnitude.max(initial=0.0) if largest is None else largest
    return ROUNDING * np.where(magnitude > 0, magnitude, largest if largest > 0 else 1.0)
