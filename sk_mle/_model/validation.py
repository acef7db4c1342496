"""Checks of X, y and sample_weight, with messages that name the argument, the rows and the remedy; weighted means."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from .._utils.floats import TOO_LARGE, check_unmasked, floats, is_finite
from .._utils.frames import take
from .._utils.messages import columns_text, is_part, rows_text
from .._utils.repeated import filled
from ..likelihoods import alternatives
from ..likelihoods._functions import advice, title

NO_WEIGHT = "sample_weight is zero in every row; nothing is left to fit"


def is_float_matrix(X: Any) -> bool:
    """Whether X is what scikit-learn's checks would return, so that they can be spared: an array of floats with entries."""
    return type(X) is np.ndarray and X.ndim == 2 and X.size > 0 and X.dtype in (np.float64, np.float32)


def check_kind(X: Any) -> Any:
    """X itself; ValueError for masked values, dates, durations and text, which NumPy would convert to numbers."""
    check_unmasked(X, "X")
    if type(X) is dict:  # some sparse matrices are subclasses
        raise TypeError("X is a dict: pass pandas.DataFrame(X), or an array of shape (n, p)")
    if hasattr(X, "dtypes") and hasattr(X, "columns"):
        if message := _repeated_names(X):  # which older versions of scikit-learn take
            raise ValueError(message)
        for name, dtype in zip(X.columns, X.dtypes, strict=True):
            if getattr(dtype, "kind", "") in ("M", "m") or getattr(dtype, "is_temporal", bool)():
                floats(X[name], f"X[{name!r}]")
    elif getattr(getattr(X, "dtype", None), "kind", "") in tuple("MmUST"):
        floats(X, "X")
    return X


def check_objects(X: Any) -> None:
    """ValueError that names the first column of a data frame whose objects are no numbers."""
    if hasattr(X, "columns"):
        for name in X.columns:
            floats(X[name], f"X[{name!r}]")


def _repeated_names(X: Any) -> str:
    """A message about the columns of a data frame that share a name; "" if none does."""
    repeated = [repr(str(name)) for name, n in Counter(X.columns).items() if n > 1]
    return f"X has several columns called {_shown(repeated)}: give each a name of its own" if repeated else ""


def fault_of_columns(X: Any, error: Any) -> str:
    """A message about the columns of X that share a name, or hold text, sequences or too large numbers; "" if none does."""
    if isinstance(error, OverflowError):
        return f"X {TOO_LARGE}"
    if hasattr(X, "columns"):
        if message := _repeated_names(X):
            return message
        columns = {repr(str(name)): X[name] for name in X.columns}
    elif isinstance(X, list | tuple) and len({len(row) for row in X if hasattr(row, "__len__")}) > 1:
        return "the rows of X differ in length: pass as many numbers in each"
    else:
        values = np.asarray(X, dtype=object) if np.ndim(X) == 2 else np.empty((0, 0))
        columns = {str(j): values[:, j] for j in range(values.shape[1])}
    sequences = [name for name, column in columns.items() if any(isinstance(v, list | tuple | np.ndarray) for v in column)]
    if sequences:
        which = f"column{'s' * (len(sequences) > 1)} {_shown(sequences)} hold{'s' * (len(sequences) == 1)}"
        return f"X: {which} sequences: make a column of each of their entries"
    names = [name for name, column in columns.items() if any(isinstance(value, str) for value in column)]
    if not names:
        return ""
    return (
        f"X: column{'s' * (len(names) > 1)} {_shown(names)} hold{'s' * (len(names) == 1)} text ({error}): encode it, as by "
        "sklearn.preprocessing.OneHotEncoder(drop='first', sparse_output=False) in sklearn.compose.make_column_transformer, or "
        "leave it out"
    )


def _shown(names: list[str]) -> str:
    """The first ten names, and whether there are more."""
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def check_finite(X: Any, names: Any) -> None:
    """X itself; ValueError for NaN and infinities, naming rows and columns."""
    values = X.data if sparse.issparse(X) else X
    if is_finite(values):
        return X
    if sparse.issparse(X):
        invalid = sparse.csr_matrix(X)
        invalid.data = ~np.isfinite(invalid.data)
        rows, columns = invalid.nonzero()
    else:
        rows, columns = np.nonzero(~np.isfinite(X))
    kind = "NaN" if np.isnan(values).any() else "infinity"
    raise ValueError(
        f"Input X contains {kind} in {rows_text(np.unique(rows))}, {columns_text(np.unique(columns), names)}; drop these rows "
        "or impute them (sklearn.impute)"
    )


def check_support(likelihood: Any, y: Any, name: str = "y") -> None:
    """Raise ValueError if y lies outside the law's support, naming laws whose support contains it."""
    inside = likelihood.inside(y)
    if not inside.all():
        bad = np.flatnonzero(~inside)
        recommended = advice(likelihood, "outside")
        others = [] if recommended or likelihood.target_type == "targets" or is_part() else alternatives(likelihood, y)
        laws = f"laws for this {name}: {', '.join(others)}" if others else f"no law for such a {name} is shipped"
        if is_part():  # laws for these rows need not take the others
            laws = f"take a law whose support holds every {name}"
        remedy = recommended or laws
        first = f"{y[bad[0]]:g}" if y.ndim == 1 else np.array2string(y[bad[0]], precision=6)
        raise ValueError(
            f"{name} must lie in {likelihood.support}, the support of {title(likelihood)}, but does not in "
            f"{rows_text(bad)}, where the first value is {first}; {remedy}"
        )


def check_weight(sample_weight: ArrayLike | None, n_samples: int) -> np.ndarray:
    """Weights as finite, non-negative floats of positive sum; None means ones."""
    if sample_weight is None:
        return filled(1.0, (n_samples,))
    weight = floats(sample_weight, "sample_weight")
    if weight.ndim == 0:
        weight = np.full(n_samples, float(weight))
    if weight.ndim != 1:
        raise ValueError("Sample weights must be 1D array or scalar")
    if len(weight) != n_samples:
        raise ValueError(f"sample_weight has length {len(weight)}, but X has {n_samples} rows")
    bad = np.flatnonzero(~np.isfinite(weight) | (weight < 0))
    if len(bad):
        raise ValueError(f"sample_weight must be finite and not negative, but is not in {rows_text(bad)}")
    if not (weight.any() or is_part()):
        raise ValueError(NO_WEIGHT)
    return np.ascontiguousarray(weight)


def replace_zero_weight_rows(values: Any, sample_weight: ArrayLike | None) -> Any:
    """Rows in which those of zero weight are replaced by the first row of positive weight, so that their values are valid.

    They are not left out, so that messages number the rows as the user does. `check_weight` reports invalid weights.
    """
    if values is None or sample_weight is None:
        return values
    weight, values = floats(sample_weight, "sample_weight"), values if hasattr(values, "shape") else np.asarray(values)
    if weight.shape != values.shape[:1] or weight.all() or not weight.any():
        return values
    rows = np.arange(len(weight))
    rows[weight == 0] = np.flatnonzero(weight)[0]
    return take(values, rows)


def mean_score(values: Any, sample_weight: ArrayLike | None) -> float:
    """Weighted mean of log-likelihoods; those of rows of zero weight may be -inf."""
    if sample_weight is None:
        return float(np.mean(values))
    weight = check_weight(sample_weight, len(values))
    return float(np.average(values[weight > 0], weights=weight[weight > 0]))


def group_labels(groups: Any, n: int) -> np.ndarray:
    """A label per row (n,), of one type; ValueError for missing ones."""
    check_unmasked(groups, "groups")
    groups = np.asarray(groups, dtype=None if hasattr(groups, "dtype") else object)
    if groups.shape not in ((n,), (n, 1)):
        raise ValueError(f"groups must be one label per row, of shape ({n},), got shape {groups.shape}")
    groups = groups.reshape(n)
    missing = np.flatnonzero([label is None or label != label for label in groups.tolist()])
    if len(missing):
        raise ValueError(f"groups has no label in {rows_text(missing)}; drop these rows, or give each a group of its own")
    return groups.astype(str) if groups.dtype == object else groups


def group_codes(groups: Any, n: int) -> np.ndarray:
    """Groups of rows as numbers (n,) from 0."""
    return np.unique(group_labels(groups, n), return_inverse=True)[1]
