"""The few things done to a table of the user's, whatever its kind: count, take rows, replace a column."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse


def n_rows(X) -> int:
    return X.shape[0] if hasattr(X, "shape") else len(X)


def take(X, rows):
    """Rows by a slice or by their numbers; None stays None."""
    if X is None:
        return None
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows] if hasattr(X, "shape") else np.asarray(X)[rows]


def said_order(y) -> list | None:
    """Labels in the order that their type says: an ordered categorical of pandas, an Enum of polars. None: it says none."""
    if hasattr(y, "columns") and y.shape[1] == 1:
        y = y[y.columns[0]]
    dtype: Any = getattr(y, "dtype", None)
    ordered = getattr(dtype, "ordered", type(dtype).__name__ == "Enum")
    return list(dtype.categories) if ordered else None


def dense(X):
    """X as something whose columns can be replaced."""
    return X.toarray() if sparse.issparse(X) else np.asarray(X) if isinstance(X, list | tuple) else X


def column_names(X) -> list:
    """Names of a data frame, numbers of an array."""
    return list(X.columns) if hasattr(X, "columns") else list(range(X.shape[1]))


def column(X, name) -> np.ndarray:
    return np.asarray(X[name]) if hasattr(X, "columns") else X[:, name]


def with_column(X, name, values):
    """A copy of X with other values in a column."""
    if hasattr(X, "with_columns"):  # polars
        return X.with_columns(type(X[name])(name, values))
    if hasattr(X, "iloc"):  # pandas
        X = X.copy()
        X[name] = values
        return X
    X = np.array(X, dtype=np.result_type(X.dtype, np.asarray(values).dtype))
    X[:, name] = values
    return X
