"""Reading a target: floats of a known shape, with messages that name the rows."""

from __future__ import annotations

import numpy as np

from ..messages import rows_text


def check_numeric(y, infinite=False) -> np.ndarray:
    """y as floats without NaN, and without infinities unless these mean something."""
    if np.iscomplexobj(y):
        raise ValueError("Complex data not supported in y")
    try:
        y = np.ascontiguousarray(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"y must be numeric for MLERegressor; use MLEClassifier for class labels ({error})") from error
    wrong = np.isnan(y) if infinite else ~np.isfinite(y)
    bad = np.flatnonzero(wrong if y.ndim == 1 else wrong.any(axis=1))
    if len(bad):
        kind = "NaN" if np.isnan(y).any() else "infinity"
        raise ValueError(f"Input y contains {kind} in {rows_text(bad)}; drop these rows")
    return y


def rounding(y, largest=None) -> np.ndarray:
    """The width that rounding leaves to every value; a zero has that of the largest."""
    size = np.abs(y)
    largest = size.max(initial=0.0) if largest is None else largest
    return 64 * np.finfo(float).eps * np.where(size > 0, size, largest if largest > 0 else 1.0)
