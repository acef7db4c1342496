"""Functionals of the predictive distribution and their gradients in the coefficients.

A functional f of a row's distribution depends on the coefficients through the row's linear predictors alone, so its gradient
is the product of df/deta, by differences over a small fraction of eta's standard error, and the row of X.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._predictive.distribution import Distribution
from .._predictive.unwrapping import unwrap
from .._utils.messages import rows_text
from ._terms import TermCoefficients

MAX_ROUNDING = 1e-9  # relative difference of a functional that may be rounding
STEP_IN_STANDARD_ERRORS = 1e-2  # of a numerical derivative, in standard errors of a linear predictor


class RowPredictors:
    """Rows of X as the model reads them, with linear predictors and distributions for any coefficients."""

    def __init__(self, inference: Any, X: Any) -> None:
        self.unwrapped, self.layout = unwrap(inference.fitted), inference.layout
        self.estimability = inference.estimability
        self.model = self.unwrapped.model
        self.fit = self.model.fit_
        X = self.model.read_rows(self.unwrapped.X(X))
        self.offset = self.fit.offsets(X)
        self.X, self.n = X, X.shape[0]
        self._designs: dict[str, np.ndarray] = {}

    def design(self, parameter: str) -> np.ndarray:
        """Design matrix of a parameter, with the intercept first if it has one, or derivatives of its curve; cached."""
        if parameter not in self._designs:
            self._designs[parameter] = self.fit.predictors[parameter].tangent(self.X, self.fit.coefs[parameter])
        return self._designs[parameter]

    def eta(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Linear predictors by parameter, (n, K) for vectors, offsets included."""
        columns: dict = {}
        for part in self.layout.parts:
            curve, values = self.fit.predictors[part.parameter].curve, vector[part.place]
            eta = self.design(part.parameter) @ values if curve is None else curve.value(self.X, values)
            columns.setdefault(part.parameter, []).append(eta)
        eta = {name: np.stack(p, axis=1) if name in self.layout.vector else p[0] for name, p in columns.items()}
        eta = {
            name: value + self.offset[name] if name in self.offset and value.ndim == 1 else value for name, value in eta.items()
        }
        return eta | {name: self.offset[name] for name in self.fit.law.layout.known}

    def stacked(self, vectors: np.ndarray) -> dict[str, np.ndarray]:
        """`eta` of several vectors of coefficients, concatenated along the rows."""
        etas = [self.eta(vector) for vector in vectors]
        return {name: np.concatenate([eta[name] for eta in etas]) for name in etas[0]}

    def check_estimable(self, first: int = 0) -> None:
        """Raise NotEstimableError for rows whose linear predictors depend on coefficients that are not identified."""
        for part in self.layout.parts if self.estimability.reasons else ():
            self.estimability.check_rows(self.estimability.rows_change(part, self.design(part.parameter)), part.label, first)

    def dist(self, eta: Any) -> Distribution:
        """The predictive distribution of the user's y at linear predictors."""
        law, shape = self.fit.law, next(iter(eta.values())).shape[:1]
        with np.errstate(all="ignore"):
            theta = law.layout.theta(eta)
        given = {name: theta[name] for name in law.predictive.parameters if name in theta}
        full = {name: np.broadcast_to(v, shape + law.layout[name].shape) if np.ndim(v) == 0 else v for name, v in given.items()}
        return self.unwrapped.dist(Distribution(law.predictive, full))


def linearised(inference: Any, X: Any, f: Callable | TermCoefficients, first: int = 0) -> tuple:
    """Values (n, m) of a functional and, per part of the layout, (part, derivative in eta (n, m), design matrix (n, q)).

    Raises NotEstimableError for rows in which the functional depends on the choice of coefficients that are not identified;
    `first` is the number of the first row, for the message.
    """
    rows = RowPredictors(inference, X)
    if isinstance(f, TermCoefficients):
        return f.linearised(inference, rows)
    eta = rows.eta(inference.params)
    value = as_matrix(f(rows.dist(eta)), rows.n)
    slopes = []
    for part in inference.layout.parts:
        Z = rows.design(part.parameter)
        standard_error = np.linalg.norm(Z @ inference.root[part.place], axis=1)
        own_eta = eta[part.parameter] if eta[part.parameter].ndim == 1 else eta[part.parameter][:, part.entry]
        step = np.maximum(STEP_IN_STANDARD_ERRORS * standard_error, 1e-6 * np.maximum(np.abs(own_eta), 1e-6))
        difference = np.zeros_like(value)
        for k, weight in ((1, 2 / 3), (2, -1 / 12)):
            for sign in (1, -1):
                difference += sign * weight * as_matrix(f(rows.dist(_shifted(eta, part, sign * k * step))), rows.n)
        if inference.estimability.reasons:
            depends = (np.abs(difference) > MAX_ROUNDING * np.abs(value)).any(axis=1)
            changed = inference.estimability.rows_change(part, Z) & depends[:, None]
            inference.estimability.check_rows(changed, part.label, first)
        slopes.append((part, difference / step[:, None], Z))
    return value, slopes


def _shifted(eta: dict, part: Any, step: np.ndarray) -> dict:
    """A copy of `eta` with the linear predictor of `part` shifted by `step` (n,)."""
    own_eta = eta[part.parameter].copy()
    if own_eta.ndim == 1:
        own_eta += step
    else:
        own_eta[:, part.entry] += step
    return {**eta, part.parameter: own_eta}


def as_matrix(value: Any, n: int) -> np.ndarray:
    """Values of a functional as (n, m) floats; raises for another number of rows."""
    value = np.asarray(value, dtype=float)
    if value.shape[:1] != (n,) or value.ndim > 2:
        raise ValueError(
            f"a functional must return one value, or a row of values, per row of X: (n,) or (n, m), got {value.shape}"
        )
    return value.reshape(n, -1)


def check_finite(value: Any, label: str, first: int = 0) -> None:
    """Raise for rows, of which the first is that number of X, in which a functional is not finite."""
    bad = first + np.flatnonzero(~np.isfinite(value).all(axis=1))
    if len(bad):
        raise ValueError(
            f"the {label} is not finite in {rows_text(bad)} of X, where the distribution has none; ask for a quantile"
        )
