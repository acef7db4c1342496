"""Reading a target: floats of a known shape, with messages that name the rows."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from ..._utils.messages import rows_text

DTYPE_NAMES = {"M": "dates", "m": "durations", "U": "text", "S": "text", "T": "text"}
REMEDIES = {
    "dates": "pass the time since one of them in a unit of your choice, such as days since the first, "
    "t = np.asarray({0}, 'datetime64[ns]'); (t - t.min()) / np.timedelta64(1, 'D')",
    "durations": "say their unit, such as days, np.asarray({0}, 'timedelta64[ns]') / np.timedelta64(1, 'D')",
    "text": "np.asarray({0}, dtype=float) reads numbers from text",
}


def check_numeric(y, infinite=False) -> np.ndarray:
    """y as floats without NaN, and without infinities unless these mean something."""
    y = floats(y, "y", "; for class labels use MLEClassifier")
    wrong = np.isnan(y) if infinite else ~np.isfinite(y)
    bad = np.flatnonzero(wrong if y.ndim == 1 else wrong.any(axis=1))
    if len(bad):
        kind = "NaN" if np.isnan(y).any() else "infinity"
        raise ValueError(f"Input y contains {kind} in {rows_text(bad)}; drop these rows")
    return y


def floats(values, name: str, hint: str = "") -> np.ndarray:
    """Numbers as floats. ValueError for what NumPy would turn into numbers of a meaning that nobody chose.

    Dates and durations become counts of whatever unit they are stored in, text what it spells, complex numbers their real part.
    """
    values = np.asarray(values)
    if np.iscomplexobj(values):
        raise ValueError(f"Complex data not supported in {name}")
    kind = DTYPE_NAMES.get(values.dtype.kind) or (values.dtype.kind == "O" and _kind_of(values)) or ""
    if kind:
        raise ValueError(f"{name} must be numeric, but holds {kind}: {REMEDIES[kind].format(name)}{hint * (kind == 'text')}")
    try:
        return np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numeric ({error}){hint}") from error


def _kind_of(values) -> str | None:
    """What the objects of an array are, where some are no numbers."""
    for value in values.flat:
        for types, kind in ((str | bytes, "text"), (date | np.datetime64, "dates"), (timedelta | np.timedelta64, "durations")):
            if isinstance(value, types):
                return kind
    return None


def rounding(y, largest=None) -> np.ndarray:
    """The width that rounding leaves to every value; a zero has that of the largest."""
    size = np.abs(y)
    largest = size.max(initial=0.0) if largest is None else largest
    return 64 * np.finfo(float).eps * np.where(size > 0, size, largest if largest > 0 else 1.0)
