"""Quadratic models with an L1 penalty, by coordinate descent that ends with the solution of its support."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg

SWEEPS_PER_TRIAL = 4  # sweeps over the support between trials of solving it exactly
MAX_SWEEPS = 20_000
SUBGRADIENT_TOL = 1e-10  # excess of a gradient over its penalty, relative to the largest gradient, that rounding explains
MIN_CURVATURE = 1e-12  # of a coordinate, relative to the largest


class SparseStep(NamedTuple):
    """A step of the flat vector."""

    step: np.ndarray


class Lasso:
    """The penalty sum of weights times absolute coordinates, of which zero weights leave a coordinate free.

    Parameters
    ----------
    weights : ndarray of shape (size,)
    """

    def __init__(self, weights: np.ndarray):
        self.weights = weights

    def penalty(self, u: np.ndarray) -> float:
        return float(self.weights[u != 0] @ np.abs(u[u != 0]))

    def step(self, u: np.ndarray, gradient: np.ndarray, hessian: np.ndarray) -> SparseStep:
        """The step to the minimiser of ``gradient' d + d' hessian d / 2`` and the penalty at u + d."""
        H = _positive(hessian)
        v = u.copy()
        support = (v != 0) | (self.weights == 0)
        slope = gradient.copy()  # of the quadratic model at v
        for _ in range(MAX_SWEEPS):
            exact = self._on_support(u, v, gradient, H, support)
            if exact is not None:
                v = exact
                slope = gradient + H @ (v - u)
                excess = np.where(support, 0.0, np.abs(slope) - self.weights)
                if excess.max(initial=0.0) <= SUBGRADIENT_TOL * max(np.abs(slope).max(initial=0.0), 1e-300):
                    break
            self._sweep(v, slope, H, np.arange(len(u)))
            for _ in range(SWEEPS_PER_TRIAL):
                self._sweep(v, slope, H, np.flatnonzero((v != 0) | (self.weights == 0)))
            support = (v != 0) | (self.weights == 0)
        return SparseStep(v - u)

    def _sweep(self, v, slope, H, places) -> None:
        """Minimise in one coordinate after the other, in place."""
        for j in places:
            target = v[j] - slope[j] / H[j, j]
            threshold = self.weights[j] / H[j, j]
            new = np.sign(target) * max(abs(target) - threshold, 0.0)
            if new != v[j]:
                slope += H[j] * (new - v[j])
                v[j] = new

    def _on_support(self, u, v, gradient, H, support):
        """The minimiser among vectors of the signs of v that are zero off the support; None if some sign would change."""
        rest = np.where(support, 0.0, -u)  # of the step, off the support
        pull = gradient + H @ rest + np.where(v != 0, self.weights, 0.0) * np.sign(v)
        try:
            inner = linalg.solve(H[np.ix_(support, support)], -pull[support], assume_a="pos") if support.any() else np.empty(0)
        except linalg.LinAlgError:
            return None
        exact = np.zeros_like(u)
        exact[support] = u[support] + inner
        penalised = support & (self.weights > 0)
        return exact if (exact[penalised] * v[penalised] > 0).all() else None


def _positive(hessian):
    """The Hessian with a small multiple of its largest entry on the diagonal, or its absolute value if it is not positive."""
    if np.diag(hessian).min() > 0 and not linalg.lapack.dpotrf(hessian)[1]:
        return hessian
    values, vectors = np.linalg.eigh(hessian)
    return (vectors * np.maximum(np.abs(values), MIN_CURVATURE * np.abs(values).max())) @ vectors.T
