"""An objective restricted to a plane of its flat vector, for Newton steps that stay in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._model.objective import Objective, Point


class Plane:
    """An objective as a function of v, with the flat vector `origin + basis @ v`."""

    preconditioner, near_optimum = None, False

    def __init__(self, objective: Objective, origin: np.ndarray, basis: np.ndarray) -> None:
        self.objective, self.origin, self.basis, self.data = objective, origin, basis, objective.data
        self.size, self.partly_expected = basis.shape[1], objective.partly_expected

    def at(self, v: np.ndarray) -> np.ndarray:
        """The flat vector of the objective at v."""
        return self.origin + self.basis @ v

    def unbounded(self, v: np.ndarray, value: Any) -> bool:
        return self.objective.unbounded(self.at(v), value)

    def evaluate(self, v: np.ndarray, order: int, information: str = "observed") -> Point:
        value, gradient, hessian = self.objective.evaluate(self.at(v), order, information)
        return Point(
            value,
            self.basis.T @ gradient if order else None,
            self.basis.T @ hessian @ self.basis if order == 2 else None,
        )
