"""Penalties on a parameter's coefficients, in the original units of the columns; intercepts are not penalised.

A penalty acts on the parameter's part u of the flat vector, of shape (size,) (`objective.py` states the layout), by `value(u)`,
`gradient(u)` and `hessian()`. It is quadratic: its Hessian, from the row `first` on, is the Kronecker product of `inner`, a
matrix or a diagonal, and `outer`, which preconditioners read. And it is positive definite: where there is one, a maximum exists
and is unique, so that no fit looks for separation or dependent columns there.

Where columns are dependent, a design has the coordinates of their row space alone. The coefficients of a ridge lie there, those
of another quadratic form need not: that is best made a ridge, by a change of columns (CONTRIBUTING, "Add a predictor or a
penalty").
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .design import Design


class Ridge:
    """alpha / 2 times the sum of squared coefficients, on the scale of the mean NLL, as in `PoissonRegressor`.

    With column basis B and output basis E the coefficients are B u E', so the Hessian is the Kronecker product of
    `inner` = B' diag(alpha) B and `outer` = E'E. Those of a curve are the origin of its coordinates plus that. Where `alpha` is
    one number for each column, some are zero, so that directions may be left without penalty, and the coordinates must be those
    of `design.with_ridges`.
    """

    def __init__(self, alpha: Any, design: Design) -> None:
        B = design.original_column_basis()
        alpha = np.asarray(alpha, dtype=float)
        self.by_column = alpha.ndim == 1
        self.shape, self.n_intercepts = design.shape, int(design.intercept)
        self.inner = (
            alpha * B**2 if B.ndim == 1 else B.T @ (alpha[:, None] * B) if self.by_column else alpha * design.basis_products
        )
        self.outer = design.output_basis.T @ design.output_basis
        origin = design.expand(np.zeros(design.size))[1] if not design.linear else np.zeros((0, 1))
        self.at_origin = 0.5 * float((alpha * origin**2).sum()) if len(origin) else 0.0
        self.slope = alpha * (B.T @ origin @ design.output_basis).ravel() if len(origin) else 0.0

    def value(self, u: np.ndarray) -> float:
        return 0.5 * float(u @ (self.gradient(u) + self.slope)) + self.at_origin

    def gradient(self, u: np.ndarray) -> np.ndarray:
        return self.product(u) + self.slope

    def product(self, u: np.ndarray) -> np.ndarray:
        """The Hessian times a vector."""
        result = np.zeros(self.shape)
        slopes = np.reshape(u, self.shape)[self.n_intercepts :]
        scaled = self.inner[:, None] * slopes if self.inner.ndim == 1 else self.inner @ slopes
        result[self.n_intercepts :] = scaled @ self.outer
        return result.ravel()

    def hessian(self) -> np.ndarray:
        inner = np.zeros((self.shape[0], self.shape[0]))
        inner[self.n_intercepts :, self.n_intercepts :] = np.diag(self.inner) if self.inner.ndim == 1 else self.inner
        return inner * self.outer if self.outer.size == 1 else np.kron(inner, self.outer)


class LinearTerm:
    """A constant times the intercept of a parameter without columns, on the scale of the mean NLL.

    It holds a nuisance parameter, a dispersion say, where a criterion other than the objective is at its best.
    """

    n_intercepts, inner, outer, by_column = 1, np.zeros(0), np.eye(1), False

    def __init__(self, slope: float, design: Design) -> None:
        self.slope = slope * design.output_basis[0]

    def value(self, u: np.ndarray) -> float:
        return float(self.slope @ u)

    def gradient(self, u: np.ndarray) -> np.ndarray:
        return self.slope

    def product(self, u: np.ndarray) -> np.ndarray:
        """The Hessian times a vector."""
        return np.zeros(1)

    def hessian(self) -> np.ndarray:
        return np.zeros((1, 1))


def penalties_of(alpha: Any, slope: float, design: Design) -> list:
    """The penalties of one parameter that are not zero."""
    return [Ridge(alpha, design)] * bool(np.any(alpha)) + [LinearTerm(slope, design)] * bool(slope)
