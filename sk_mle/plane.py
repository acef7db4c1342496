"""An objective restricted to a plane, for Newton steps that must stay there."""

from __future__ import annotations

from .objective import Objective, Point


class Plane:
    """An objective for Newton steps where its coordinates lie in the plane `origin + basis @ v`."""

    curvature = None

    def __init__(self, objective: Objective, origin, basis):
        self.objective, self.origin, self.basis, self.data = objective, origin, basis, objective.data
        self.size, self.partly_expected = basis.shape[1], objective.partly_expected

    @property
    def information(self):
        return self.objective.information

    @information.setter
    def information(self, kind):
        self.objective.information = kind

    def at(self, v):
        return self.origin + self.basis @ v

    def unbounded(self, v, value):
        return self.objective.unbounded(self.at(v), value)

    def evaluate(self, v, order) -> Point:
        value, gradient, hessian = self.objective.evaluate(self.at(v), order)
        return Point(
            value,
            self.basis.T @ gradient if order else gradient,
            self.basis.T @ hessian @ self.basis if order == 2 else hessian,
        )
