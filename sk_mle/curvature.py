"""Curvature near the solution as far as it is known without a Hessian of all rows: what guides steps until it misleads.

A curvature solves with itself (`solve(gradient)`), may be `renewed` at another point, says what that `costs` in passes,
whether to `finish` with the true Hessian, and whether it is `settled` that there is a minimum.
"""

from __future__ import annotations

from copy import copy

import numpy as np
from scipy import linalg

from .data import weighted
from .objective import Objective

_COLUMNS = 1 << 9  # at a time
_FEW = 10  # coordinates whose Hessian is worth a gradient more
_UNLIKE = 4.0  # ratio of a part's mean square to that of all rows, in any direction
_SINGLE = 1e4  # information beside the penalty up to which single precision tells enough
_FREE = 1e-4  # curvature in place of a penalty on the intercept, which has none


class Unit:
    """What coordinates are chosen for: the identity, and where that misleads, the true Hessian."""

    finish, settled = False, False

    def __init__(self, objective: Objective):
        self.objective, self.costs = objective, 2.0 + objective.size / _FEW

    def renewed(self, u) -> OfAll:
        return OfAll(self.objective, u)

    def solve(self, gradient):
        return gradient


class OfAll(Unit):
    """The Hessian of all rows at one point; raises LinAlgError where it is not positive definite."""

    def __init__(self, objective: Objective, u):
        super().__init__(objective)
        self.factor = linalg.cho_factor(objective.hessian(u), lower=True)

    def solve(self, gradient):
        return linalg.cho_solve(self.factor, gradient)


class OfPart:
    """The Hessian of some of the rows; raises LinAlgError where it is not positive definite.

    All rows' coordinates are orthonormal, which those of some are not quite: as far as that explains the difference between
    the two Hessians, it is taken back.
    """

    costs = np.inf

    def __init__(self, part: Objective, u, finish: bool, settled: bool):
        self.finish, self.settled = finish, settled  # where some rows keep the minimum from running away, all do
        hessian = part.hessian(u)
        for name, design in part.designs.items():
            penalty, place = part.penalties.get(name), part.places[name]
            if design.columns is None or (penalty and len(part.designs) > 1):
                continue
            missing = np.eye(design.shape[0]) - _gram(part.data, design)
            own, added = hessian[place, place], 0.0
            if penalty:  # together with which they are orthonormal
                missing[penalty.first :, penalty.first :] -= penalty.inner * np.trace(penalty.outer) / len(penalty.outer)
                added = penalty.hessian()
            share = np.trace(own - added) / (design.size - np.trace(added) if penalty else design.size)
            hessian[place, place] += share * np.kron(missing, np.eye(design.shape[1]))
        self.factor = linalg.cho_factor(hessian, lower=True)

    def solve(self, gradient):
        return linalg.cho_solve(self.factor, gradient)


def resembles(data, designs) -> bool:
    """Whether coordinates that are orthonormal over all rows are nearly so over these: else they miss what matters to some."""
    seen = {id(design.columns): design for design in designs.values() if design.columns is not None}
    squares = [np.linalg.eigvalsh(_gram(data, design)) for design in seen.values()]
    return all(values[0] > 1 / _UNLIKE and values[-1] < _UNLIKE for values in squares)


def _gram(data, design) -> np.ndarray:
    """Mean products of a parameter's coordinates."""

    def products(batch):
        rows = design.coordinate_rows(batch.X)
        return rows.T @ weighted(rows, batch.weight)

    return data.narrowed(4 * data.n_features).reduce(products, np.add) / data.total_weight


class OfRows:
    """The Hessian of a penalised parameter where columns outnumber rows.

    With D the penalty, C the rows' coordinates and V the root of their information,
    (D + C'VVC)^-1 = D^-1 - D^-1 C'V (I + V K V)^-1 VC D^-1, where K = C D^-1 C' has only as many columns as there are rows.
    """

    costs, finish, settled = 3, False, False

    def __init__(self, objective: Objective, u):
        self.objective = objective
        self.name, design = next(iter(objective.designs.items()))
        self.X = objective.data.X if isinstance(design.columns.index, slice) else objective.data.X[:, design.columns.index]
        self.center = design.shift if design.columns.center is None else design.shift + design.columns.center
        self.unit, penalty = design.unit[0, 0] * design.intercept, objective.penalties[self.name]
        self.slopes = design.slopes * design.unit[0, 0]
        inner = penalty.inner * penalty.outer[0, 0]
        self.inner = np.where(inner > 0, inner, 1.0)  # 0: of constant columns
        self.place = slice(objective.places[self.name].start + design.intercept, objective.places[self.name].stop)
        self._weigh(u)
        self.kernel = self._products(np.float32)
        if (np.diag(self.kernel) * self.root**2).max() > _SINGLE:
            self.kernel = self._products(np.float64)
        self._factorise()

    def renewed(self, u) -> OfRows:
        other = copy(self)
        other._weigh(u)
        other._factorise()
        return other

    def _products(self, dtype):
        kernel = np.full((len(self.X), len(self.X)), self.unit**2 / _FREE, dtype)
        for start in range(0, len(self.slopes), _COLUMNS):
            some = slice(start, start + _COLUMNS)
            rows = (self.X[:, some] - self.center[some]) * (self.slopes[some] / np.sqrt(self.inner[some]))
            rows = rows.astype(dtype)
            kernel += rows @ rows.T
        return kernel

    def _weigh(self, u):
        data, kept = self.objective.data, self.objective.data.weight > 0
        law, eta = self.objective.likelihood, self.objective.eta(u)
        bend = law.evaluate(data.y[kept], eta, 2).information[self.name, self.name]
        self.root = np.zeros(len(self.X))
        self.root[kept] = np.sqrt(np.maximum(bend, 0.0) * data.weight[kept] / data.total_weight)

    def _factorise(self):
        root = self.root.astype(self.kernel.dtype)
        matrix = self.kernel * root * root[:, None]
        matrix.flat[:: len(matrix) + 1] += 1.0
        self.factor = linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)

    def solve(self, gradient):
        scaled, first = gradient[self.place] / self.inner, gradient[0] / _FREE
        beta = self.slopes * scaled
        moved = self.X @ beta - self.center @ beta + self.unit * first
        values = linalg.cho_solve(self.factor, (self.root * moved).astype(self.kernel.dtype), check_finite=False) * self.root
        step = gradient.copy()
        step[self.place] = scaled - self.slopes * (values @ self.X - self.center * values.sum()) / self.inner
        if self.unit:
            step[0] = first - self.unit * values.sum() / _FREE
        return step
