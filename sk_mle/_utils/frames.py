"""Operations on the user's X and y of any kind (arrays, sparse matrices, data frames, lists): rows, columns, names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from scipy import sparse

from .floats import check_unmasked


def n_rows(X: Any) -> int:
    """The number of rows."""
    return X.shape[0] if hasattr(X, "shape") else len(X)


def take(X: Any, rows: Any) -> Any:
    """The rows of a slice or of an index array; None for None."""
    if X is None:
        return None
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows] if hasattr(X, "shape") else np.asarray(X)[rows]


def concatenate(pieces: list) -> Any:
    """Pieces of one kind (arrays, sparse matrices, data frames) as one."""
    first = pieces[0]
    if len(pieces) == 1:
        return first
    if sparse.issparse(first):
        return sparse.vstack(pieces, format="csr")
    if hasattr(first, "iloc") or hasattr(first, "to_pandas"):
        library = import_module(type(first).__module__.partition(".")[0])  # pandas or polars, which made the pieces
        return library.concat(pieces)
    return np.concatenate(pieces)


def declared_order(y: Any) -> list | None:
    """Labels in the order of an ordered categorical of pandas or an Enum of polars; None for other types."""
    if hasattr(y, "columns") and y.shape[1] == 1:
        y = y[y.columns[0]]
    dtype: Any = getattr(y, "dtype", None)
    ordered = getattr(dtype, "ordered", type(dtype).__name__ == "Enum")
    return list(dtype.categories) if ordered else None


def dense(X: Any) -> Any:
    """X as a dense array or data frame; ValueError for masked values."""
    check_unmasked(X, "X")
    return X.toarray() if sparse.issparse(X) else np.asarray(X) if isinstance(X, list | tuple) else X


def column_names(X: Any) -> list:
    """Column names of a data frame, column numbers of an array."""
    return list(X.columns) if hasattr(X, "columns") else list(range(X.shape[1]))


def column(X: Any, name: Any) -> np.ndarray:
    """The column of that name, or number."""
    return np.asarray(X[name]) if hasattr(X, "columns") else X[:, name]


def text_levels(X: Any, name: Any) -> np.ndarray | None:
    """The sorted distinct values, as text, of a column of a data frame; None if it holds numbers, or X is no frame."""
    if not hasattr(X, "columns"):
        return None
    values = column(X, name)
    if values.dtype.kind in "biuf":
        return None
    return np.unique([str(value) for value in values.tolist() if value is not None and value == value])


def coded(X: Any, name: Any, levels: np.ndarray) -> Any:
    """A data frame with a column of text replaced by positions in sorted levels: -1 for others, NaN where it is missing."""
    codes = {level: float(k) for k, level in enumerate(levels.tolist())}
    values = column(X, name).tolist()
    missing = [value is None or value != value for value in values]
    return with_column(
        X, name, np.array([np.nan if gap else codes.get(str(value), -1.0) for value, gap in zip(values, missing, strict=True)])
    )


def with_column(X: Any, name: Any, values: Any) -> Any:
    """A copy of X with `values` in the column `name`."""
    if hasattr(X, "with_columns"):  # polars
        return X.with_columns(type(X[name])(name, values))
    if hasattr(X, "iloc"):  # pandas
        X = X.copy()
        X[name] = values
        return X
    X = np.array(X, dtype=np.result_type(X.dtype, np.asarray(values).dtype))
    X[:, name] = values
    return X
