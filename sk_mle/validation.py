"""Checks of X, y and sample_weight, with messages that name the argument, the rows and the remedy; means by such weights."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .likelihoods import laws_for
from .messages import rows_text


def check_finite(X, names) -> None:
    """Raise ValueError for NaN and infinities in X, naming rows and columns."""
    values = X.data if sparse.issparse(X) else X
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(np.sum(values, dtype=np.float64)) or np.isfinite(values).all():
            return
    where = sparse.csr_matrix(X) if sparse.issparse(X) else X
    if sparse.issparse(where):
        where.data = ~np.isfinite(where.data)
        rows, columns = where.nonzero()
    else:
        rows, columns = np.nonzero(~np.isfinite(where))
    columns = np.unique(columns)
    labels = columns[:5] if names is None else [str(names[j]) for j in columns[:5]]
    kind = "NaN" if np.isnan(values).any() else "infinity"
    raise ValueError(
        f"Input X contains {kind} in {rows_text(np.unique(rows))}, columns {list(map(str, labels))}"
        f"{' and more' if len(columns) > 5 else ''}; drop these rows or impute them (sklearn.impute)"
    )


def check_support(likelihood, y, name="y") -> None:
    """Raise ValueError where y lies outside the law's support, with the laws that would fit."""
    bad = np.flatnonzero(~likelihood.inside(y))
    if len(bad):
        others = laws_for(y) if y.ndim == 1 else []
        remedy = f"laws for this {name}: {', '.join(others)}" if others else likelihood.remedy or f"rescale {name}"
        first = f"{y[bad[0]]:g}" if y.ndim == 1 else np.array2string(y[bad[0]], precision=6)
        raise ValueError(
            f"{name} must lie in {likelihood.support}, the support of {type(likelihood).__name__}, but does not in "
            f"{rows_text(bad)}, where the first value is {first}; {remedy}"
        )


def check_weight(sample_weight, n_samples: int) -> np.ndarray:
    """Weights as finite, non-negative floats of positive sum; None means ones."""
    if sample_weight is None:
        return np.broadcast_to(1.0, n_samples)
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.ndim == 0:
        weight = np.full(n_samples, float(weight))
    if weight.ndim != 1:
        raise ValueError("Sample weights must be 1D array or scalar")
    if len(weight) != n_samples:
        raise ValueError(f"sample_weight has length {len(weight)}, but X has {n_samples} rows")
    bad = np.flatnonzero(~np.isfinite(weight) | (weight < 0))
    if len(bad):
        raise ValueError(f"sample_weight must be finite and not negative, but is not in {rows_text(bad)}")
    if not weight.any():
        raise ValueError("sample_weight is zero in every row; nothing is left to fit")
    return np.ascontiguousarray(weight)


def mean_score(values, sample_weight) -> float:
    """Weighted mean of log-likelihoods; a row of no weight may be impossible."""
    if sample_weight is None:
        return float(np.mean(values))
    weight = check_weight(sample_weight, len(values))
    return float(np.average(values[weight > 0], weights=weight[weight > 0]))
