"""Smooth penalties on a parameter's coefficients, in the original units of the columns; intercepts are free."""

from __future__ import annotations

import numpy as np

from .design import Design


class Ridge:
    """alpha / 2 times the sum of squared coefficients, on the scale of the mean NLL as in `PoissonRegressor`.

    In coordinates u the coefficients are B u E': the penalty's Hessian is the Kronecker product of alpha B'B and E'E.
    """

    def __init__(self, alpha: float, design: Design):
        B = design.original_column_basis()
        self.shape, self.first = design.shape, int(design.intercept)
        self.inner = alpha * (B**2 if B.ndim == 1 else B.T @ B)
        self.outer = design.output_basis.T @ design.output_basis

    def value(self, u) -> float:
        return 0.5 * float(u @ self.gradient(u))

    def gradient(self, u) -> np.ndarray:
        result = np.zeros(self.shape)
        slopes = np.reshape(u, self.shape)[self.first :]
        result[self.first :] = (self.inner[:, None] * slopes if self.inner.ndim == 1 else self.inner @ slopes) @ self.outer
        return result.ravel()

    def hessian(self) -> np.ndarray:
        inner = np.zeros((self.shape[0], self.shape[0]))
        inner[self.first :, self.first :] = np.diag(self.inner) if self.inner.ndim == 1 else self.inner
        return np.kron(inner, self.outer)
