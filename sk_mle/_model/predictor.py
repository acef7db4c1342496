"""The linear predictor of one estimated parameter, and the designs in which several are fitted.

`Predictor.shift` is what fits, predictions and inference add to it. The part with coefficients is `Predictor.eta` in
predictions, and in fits what `designs` returns. CONTRIBUTING says how to add to it ("Add a predictor or a penalty").

Conventions: ``eta = X[:, columns] @ slopes + intercept + X[:, offset] + log(X[:, exposure])``. Slopes have shape (q,), or
(K, q) for a vector parameter, whose intercept has shape (K,).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .._utils.messages import rows_text
from .._utils.repeated import repeated
from ..likelihoods import Likelihood
from .curve import Curve, curve_design
from .data import Data
from .design import MAX_ROTATED_COLUMNS, Design, from_moments, intercept_only, with_ridges
from .moments import Moments
from .validation import replace_zero_weight_rows


@dataclass(frozen=True)
class Term:
    """A group of slopes with penalties of its own (see `terms.py`).

    Attributes
    ----------
    label : str
    places : ndarray of shape (k,)
        Of its coefficients among the slopes of its parameter.
    weights : ndarray of shape (m, k)
        The diagonal of each of its penalty matrices.
    penalties : tuple of str
        Their names.
    nonnegative : ndarray of shape (r, k), optional
        Its products with the coefficients are not negative.
    slopes_at_start : ndarray of shape (k,), optional
        The slopes of its columns where the function begins.
    """

    label: str
    places: np.ndarray
    weights: np.ndarray
    penalties: tuple[str, ...]
    nonnegative: np.ndarray | None = None
    slopes_at_start: np.ndarray | None = None


@dataclass(frozen=True)
class Predictor:
    """The columns, intercept, offset, exposure and penalty of a parameter's linear predictor.

    Attributes
    ----------
    parameter : str
    columns : ndarray of shape (q,)
        Indices of columns of X.
    intercept : bool
    offset : int or None
        Column of X that is added.
    exposure : int or None
        Column of X whose logarithm is added.
    alpha : float, or ndarray of shape (q,)
        L2 penalty on the slopes, or on each of them where there are terms.
    curve : Curve or None
        In place of the columns and intercept: a function of X that is not linear in its coefficients.
    l1 : float
        L1 penalty on the slopes.
    terms : tuple of Term
        Groups of slopes with a penalty each.
    chosen : str
        The criterion by which the data choose the penalties of the terms; "" for given ones.
    multipliers : ndarray
        Of the penalty matrices of the terms, in their order, on the scale of the mean NLL: `alpha` is their sum.
    made : dict of int to str
        Names of the columns that terms make, which stand to the right of those of X.
    slope : float
        Of what is added to the objective along the intercept (see `penalties.LinearTerm`).
    """

    parameter: str
    columns: np.ndarray
    intercept: bool = True
    offset: int | None = None
    exposure: int | None = None
    alpha: Any = 0.0
    curve: Curve | None = None
    l1: float = 0.0
    terms: tuple[Term, ...] = ()
    chosen: str = ""
    multipliers: np.ndarray = field(default_factory=lambda: np.zeros(0))
    made: dict[int, str] = field(default_factory=dict)
    slope: float = 0.0

    @property
    def penalised(self) -> bool:
        """Whether there is a penalty."""
        return self.has_ridge or self.l1 > 0

    @property
    def has_ridge(self) -> bool:
        """Whether there is an L2 penalty."""
        return bool(np.count_nonzero(self.alpha))

    @property
    def bounded(self) -> bool:
        """Whether its curve or its terms bring bounds."""
        return (self.curve is not None and self.curve.bounded) or any(term.nonnegative is not None for term in self.terms)

    @property
    def unpenalised(self) -> Predictor:
        """The same without penalty; one with terms keeps it, as its coordinates, which are those of all columns, need it."""
        return self if self.terms else replace(self, alpha=0.0, l1=0.0)

    @property
    def penalty_names(self) -> list[str]:
        """Names of the penalties of the terms."""
        return [name for term in self.terms for name in term.penalties]

    @property
    def penalty_diagonals(self) -> np.ndarray:
        """The diagonals (m, q) of the penalty matrices of the terms, over all slopes."""
        result = np.zeros((len(self.penalty_names), len(self.columns)))
        first = 0
        for term in self.terms:
            result[first : first + len(term.weights), term.places] = term.weights
            first += len(term.weights)
        return result

    def with_multipliers(self, values: np.ndarray) -> Predictor:
        """The same with other penalties of its terms."""
        return replace(self, multipliers=values, alpha=values @ self.penalty_diagonals)

    def labels(self, names: Any) -> list:
        """Labels of the slopes: indices of columns, or their names where X has `names`, or the coefficients of a curve."""
        if self.curve is not None:
            return list(self.curve.labels)
        return [self.made[j] if j in self.made else j if names is None else names[j] for j in self.columns]

    def takes_all(self, n_features: int) -> bool:
        """Whether the linear predictor has a slope for each column of X, in order."""
        if self.curve is not None:
            return False
        return len(self.columns) == n_features and bool((self.columns == np.arange(n_features)).all())

    def eta(self, X: Any, intercept: Any, slopes: Any) -> np.ndarray:
        """The linear predictor of rows of X, (n,) or (n, K), without offset and exposure."""
        if self.curve is not None:
            return self.curve.value(X, slopes)
        if not len(self.columns):
            return repeated(np.asarray(intercept, dtype=float), X.shape[0])
        with np.errstate(invalid="ignore", over="ignore"):
            eta = (X if self.takes_all(X.shape[1]) else X[:, self.columns]) @ slopes.T
        eta += intercept
        return eta

    def tangent(self, X: Any, slopes: np.ndarray) -> np.ndarray:
        """Derivatives of the linear predictor of rows of X in the slopes, after a column of ones if there is an intercept."""
        if self.curve is not None:
            return self.curve.tangent(X, slopes)
        columns = X[:, self.columns]
        columns = columns.toarray() if hasattr(columns, "toarray") else columns
        return np.hstack([np.ones((X.shape[0], 1)), columns]) if self.intercept else np.asarray(columns, float)

    def shift(self, X: Any, names: Any, weight: np.ndarray | None = None) -> np.ndarray | None:
        """Offset plus log exposure (n,), which are added to the linear predictor, or None if there is neither.

        `names` are those of the columns of X, for messages; rows of zero `weight` may hold anything.
        """
        value = None if self.offset is None else column_of(X, self.offset, weight)
        if self.exposure is None:
            return value
        exposure = column_of(X, self.exposure, weight)
        bad = np.flatnonzero(exposure <= 0)
        if len(bad):
            label = self.exposure if names is None else repr(str(names[self.exposure]))
            raise ValueError(
                f"exposure: column {label} must be positive, but is not in {rows_text(bad)}; keep scalers away from this "
                "column, or drop these rows"
            )
        np.log(exposure, out=exposure)
        return exposure if value is None else value + exposure


def column_of(X: Any, index: int, weight: np.ndarray | None = None) -> np.ndarray:
    """A column of X as a new array (n,), with valid values in rows of zero weight (see `replace_zero_weight_rows`)."""
    values = X[:, [index]]
    values = values.toarray() if hasattr(values, "toarray") else values
    return replace_zero_weight_rows(np.ascontiguousarray(values[:, 0], dtype=np.float64), weight)


def offsets(
    X: Any, predictors: dict[str, Predictor], known: dict[str, int], names: Any, weight: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Offsets of linear predictors, with logarithms of exposures, and values of parameters that columns of X hold."""
    shifts = {name: predictor.shift(X, names, weight) for name, predictor in predictors.items()}
    return {name: column_of(X, index, weight) for name, index in known.items()} | {
        name: shift for name, shift in shifts.items() if shift is not None
    }


def designs(predictors: dict[str, Predictor], law: Likelihood, data: Data, coefs: dict | None = None) -> dict[str, Design]:
    """A design per estimated parameter; parameters on the same columns share one.

    That of a curve has its origin at `coefs`, a dict by parameter, or, before a fit, at the start that the user gave.
    """
    moments: dict = {}
    cache: dict = {}
    result: dict[str, Design] = {}
    plain = not any(one.penalised or one.terms or law.layout[name].vector for name, one in predictors.items())
    for name, predictor in predictors.items():
        columns, intercept, basis = predictor.columns, predictor.intercept, law.layout[name].basis
        if predictor.curve is not None:
            curve = curve_design(predictor.curve)
            design: Design = curve if coefs is None else curve.at(coefs[name], data)
        elif not len(columns):
            design = intercept_only()
        else:
            alone = predictor.has_ridge and len(predictors) == 1 and basis is None
            key = (intercept, alone, bool(predictor.terms) and name, *columns)
            if key not in cache:
                moments[intercept] = moments.get(intercept) or Moments(data, intercept, MAX_ROTATED_COLUMNS, plain)
                chosen = slice(None) if predictor.takes_all(data.n_features) else columns
                cache[key] = (
                    with_ridges(moments[intercept], _as_slice(columns), intercept, predictor.alpha)
                    if predictor.terms
                    else from_moments(moments[intercept], chosen, intercept, alone)
                )
            design = cache[key]
        result[name] = design if basis is None else design.with_output_basis(basis, vector=True)
    return result


def _as_slice(columns: np.ndarray) -> Any:
    """Neighbouring columns as a slice, by which X is viewed and not copied."""
    neighbours = len(columns) > 0 and bool((np.diff(columns) == 1).all())
    return slice(int(columns[0]), int(columns[-1]) + 1) if neighbours else columns
