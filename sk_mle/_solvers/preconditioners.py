"""Preconditioners: what is known of the Hessian near the solution without a pass for it; steps follow it until it misleads.

A preconditioner solves with itself (`solve(gradient)`), may be `refreshed` at another point, and says what that takes
(`refresh_passes` over the rows, infinite where it cannot), whether a fit should `end_with_hessian`, and whether it is certain
that there is a minimum (`minimum_certified`).
"""

from __future__ import annotations

from copy import copy

import numpy as np
from scipy import linalg

from .._model.data import weighted
from .._model.objective import Objective

COLUMNS_AT_A_TIME = 1 << 9
COORDINATES_PER_PASS = 10  # whose Hessian is worth a gradient more
MAX_SQUARE_RATIO = 4.0  # of a part's mean square to that of all rows, in any direction
MAX_SINGLE_PRECISION = 1e4  # information beside the penalty up to which single precision tells enough
INTERCEPT_PENALTY = 1e-4  # in place of that on the intercept, which has none


class Identity:
    """What coordinates are chosen for; where it misleads, the Hessian of all rows follows."""

    end_with_hessian, minimum_certified = False, False

    def __init__(self, size: int):
        self.refresh_passes = 2.0 + size / COORDINATES_PER_PASS

    def refreshed(self, objective: Objective, u) -> Cholesky:
        return Cholesky(objective, u)

    def solve(self, gradient):
        return gradient


class Cholesky(Identity):
    """The Hessian of all rows at one point; raises LinAlgError where it is not positive definite."""

    def __init__(self, objective: Objective, u):
        super().__init__(objective.size)
        self.factor = linalg.cho_factor(objective.hessian(u), lower=True)

    def solve(self, gradient):
        return linalg.cho_solve(self.factor, gradient)


class SubsampledHessian:
    """The Hessian of some of the rows; raises LinAlgError where it is not positive definite.

    All rows' coordinates are orthonormal, which those of some are not quite: as far as that explains the difference between
    the two Hessians, it is taken back.
    """

    refresh_passes = np.inf

    def __init__(self, part: Objective, u, end_with_hessian: bool, minimum_certified: bool):
        self.end_with_hessian = end_with_hessian
        self.minimum_certified = minimum_certified  # where some rows keep the minimum from running away, all do
        hessian = part.hessian(u).copy()  # the objective remembers its own
        for name, design in part.designs.items():
            penalty, place = part.penalties.get(name), part.places[name]
            if design.columns is None or (penalty and len(part.designs) > 1):
                continue
            missing = np.eye(design.shape[0]) - _gram(part.data, design)
            own, added = hessian[place, place], np.zeros((1, 1))
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
    return all(values[0] > 1 / MAX_SQUARE_RATIO and values[-1] < MAX_SQUARE_RATIO for values in squares)


def _gram(data, design) -> np.ndarray:
    """Mean products of a parameter's coordinates."""

    def products(batch):
        rows = design.coordinate_rows(batch.X)
        return rows.T @ weighted(rows, batch.weight)

    return data.narrowed(4 * data.n_features).reduce(products, np.add) / data.total_weight


class Woodbury:
    """The Hessian of a penalised parameter where columns outnumber rows, by Woodbury's formula.

    With D the penalty, C the rows' coordinates and V the root of their information,
    (D + C'VVC)^-1 = D^-1 - D^-1 C'V (I + V K V)^-1 VC D^-1, where K = C D^-1 C' has only as many columns as there are rows.
    """

    refresh_passes, end_with_hessian, minimum_certified = 3, False, False

    def __init__(self, objective: Objective, u):
        self.objective = objective
        self.name, design = next(iter(objective.designs.items()))
        assert design.columns is not None
        self.X = objective.data.X if isinstance(design.columns.index, slice) else objective.data.X[:, design.columns.index]
        self.center = design.shift if design.columns.center is None else design.shift + design.columns.center
        self.unit, penalty = design.unit[0, 0] * design.intercept, objective.penalties[self.name]
        self.slopes = design.slopes * design.unit[0, 0]
        inner = penalty.inner * penalty.outer[0, 0]
        self.inner = np.where(inner > 0, inner, 1.0)  # 0: of constant columns
        self.place = slice(objective.places[self.name].start + design.intercept, objective.places[self.name].stop)
        self._weigh(u)
        self.kernel = self._products(np.float32)
        if (np.diag(self.kernel) * self.root**2).max() > MAX_SINGLE_PRECISION:
            self.kernel = self._products(np.float64)
        self._factorise()

    def refreshed(self, objective: Objective, u) -> Woodbury:
        other = copy(self)
        other._weigh(u)
        other._factorise()
        return other

    def _products(self, dtype):
        kernel = np.full((len(self.X), len(self.X)), self.unit**2 / INTERCEPT_PENALTY, dtype)
        for start in range(0, len(self.slopes), COLUMNS_AT_A_TIME):
            some = slice(start, start + COLUMNS_AT_A_TIME)
            rows = (self.X[:, some] - self.center[some]) * (self.slopes[some] / np.sqrt(self.inner[some]))
            rows = rows.astype(dtype)
            kernel += rows @ rows.T
        return kernel

    def _weigh(self, u):
        data, kept = self.objective.data, self.objective.data.weight > 0
        law, eta = self.objective.likelihood, self.objective.eta(u)
        curvature = law.evaluate(data.y[kept], eta, 2).information[self.name, self.name]
        self.root = np.zeros(len(self.X))
        self.root[kept] = np.sqrt(np.maximum(curvature, 0.0) * data.weight[kept] / data.total_weight)

    def _factorise(self):
        root = self.root.astype(self.kernel.dtype)
        matrix = self.kernel * root * root[:, None]
        matrix.flat[:: len(matrix) + 1] += 1.0
        self.factor = linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)

    def solve(self, gradient):
        scaled, first = gradient[self.place] / self.inner, gradient[0] / INTERCEPT_PENALTY
        beta = self.slopes * scaled
        moved = self.X @ beta - self.center @ beta + self.unit * first
        values = linalg.cho_solve(self.factor, (self.root * moved).astype(self.kernel.dtype), check_finite=False) * self.root
        step = gradient.copy()
        step[self.place] = scaled - self.slopes * (values @ self.X - self.center * values.sum()) / self.inner
        if self.unit:
            step[0] = first - self.unit * values.sum() / INTERCEPT_PENALTY
        return step
