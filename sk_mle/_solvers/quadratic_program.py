"""Quadratic models on a region between linear constraints, by the active set of non-negative least squares.

With the Hessian LL' the minimiser is the point of the region at least distance from the Newton step, in the metric of LL'; it
follows from a problem of non-negative least squares, whose active set is found in finitely many steps (Lawson and Hanson,
Solving Least Squares Problems, chapter 23). The step is then computed again in the plane of the active constraints, so that
it ends on them exactly.

Conventions: u (size,) is the flat vector of an objective, and constraints are ``low <= A u <= high`` with A
(m, size) of rows of norm 1 in its coordinates, low and high (m,). H (size, size) and the gradient (size,) are those of the
mean NLL at u.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg
from scipy.optimize import nnls

from .._model.constraints import Region
from .._model.objective import Objective
from .newton import positive_definite

MAX_VIOLATION = 1e-9  # of a constraint whose row has norm 1, relative to the largest end
MIN_RESIDUAL = 1e-9  # of the least squares, at or below which the region is empty
MIN_SINGULAR_VALUE = 1e-10  # of constraints that count as independent, relative to the largest


Factors = tuple[np.ndarray, np.ndarray] | None  # S and K of a Hessian S'KS


class Step(NamedTuple):
    """A step of the flat vector, the active rows with the side, -1 or 1, of each, and the model's gradient at its end."""

    step: np.ndarray
    active: dict[int, int]
    gradient: np.ndarray


class QuadraticProgram:
    """``low <= A u <= high``, with rows of norm 1.

    Parameters
    ----------
    region : Region
    objective : Objective
        In whose coordinates u is.
    """

    def __init__(self, region: Region, objective: Objective) -> None:
        A, at_zero = region.in_coordinates(objective.designs)
        low, high = region.low - at_zero, region.high - at_zero
        norm = np.linalg.norm(A, axis=1)
        constant = norm == 0
        impossible = np.flatnonzero(constant & ((low > 0) | (high < 0)))
        if len(impossible):
            raise ValueError(
                f"the constraint on {region.labels[impossible[0]]} cannot be met: its columns are constant, so that their "
                "coefficients are zero"
            )
        norm[constant] = 1.0
        self.labels, self.A = region.labels, A / norm[:, None]
        self.low, self.high = np.where(constant, -np.inf, low / norm), np.where(constant, np.inf, high / norm)
        ends = np.concatenate([self.low, self.high, [1.0]])
        self.slack = MAX_VIOLATION * np.abs(ends[np.isfinite(ends)]).max()

    def penalty(self, u: np.ndarray) -> float:
        return 0.0

    def feasible(self, u: np.ndarray) -> np.ndarray:
        """The point of the region nearest to u; ValueError if the region is empty."""
        try:
            return u + self.step(u, np.zeros_like(u), np.eye(len(u))).step
        except linalg.LinAlgError as error:
            shown = ", ".join(self.labels[:6]) + (", ..." if len(self.labels) > 6 else "")
            raise ValueError(f"no coefficients meet all constraints at once: those on {shown} exclude each other") from error

    def step(self, u: np.ndarray, gradient: np.ndarray, hessian: np.ndarray, factors: Factors = None) -> Step:
        """The step to the minimiser of ``gradient' d + d' hessian d / 2`` on the region; LinAlgError if that is empty.

        The Hessian may come with factors S and K, of which it is S'KS, where it has too few digits itself.
        """
        if factors is None:
            H, positive = positive_definite(hessian), None
            factor = linalg.cholesky(H, lower=True)
        else:
            S, K = positive = factors[0], positive_definite(factors[1])
            H, factor = S.T @ K @ S, triangular_root(S, K).T
        newton = -linalg.cho_solve((factor, True), gradient)
        step, (rows, sides), multipliers = newton, self._outside(self.A @ (u + newton)), np.empty(0)
        equal = np.flatnonzero(self.low == self.high)
        rows, sides = np.concatenate([rows, equal, equal]), np.concatenate([sides, -np.ones(len(equal)), np.ones(len(equal))])
        while len(rows):
            value = self.A[rows] @ (u + newton)
            gaps = np.where(sides < 0, self.low[rows] - value, value - self.high[rows])
            step, multipliers = _least_distance(self.A[rows] * -sides[:, None], factor, newton, gaps)
            more, their_sides = self._outside(self.A @ (u + step))
            new = ~np.isin(2 * more + (their_sides > 0), 2 * rows + (sides > 0))  # a row may be violated on its other side
            if not new.any():
                break
            rows, sides = np.concatenate([rows, more[new]]), np.concatenate([sides, their_sides[new]])
        active = {int(row): int(side) for row, side, kept in zip(rows, sides, multipliers > 0, strict=True) if kept}
        active |= {int(row): -1 for row in equal}
        # far from a free fit the Hessian is indefinite, and yet positive definite where the active constraints leave room
        for matrix, parts in ((hessian, factors), (H, positive)) if active else ():
            exact = self._on_active(u, gradient, matrix, active, parts)
            if exact is not None and (matrix is H or gradient @ exact < 0):
                return Step(exact, active, gradient + matrix @ exact)
        return Step(step, active, gradient + H @ step)

    def holds(self, u: np.ndarray) -> bool:
        """Whether u lies in the region."""
        return not len(self._outside(self.A @ u)[0])

    def _outside(self, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows that a value violates, and the sides."""
        below, above = np.flatnonzero(value < self.low - self.slack), np.flatnonzero(value > self.high + self.slack)
        return np.concatenate([below, above]), np.concatenate([np.full(len(below), -1.0), np.ones(len(above))])

    def _on_active(self, u: np.ndarray, gradient: Any, H: Any, active: Any, factors: Factors) -> Any:
        """The step in the plane of the active constraints, which it meets exactly; None if it has no end, or leaves others."""
        A = self.A[list(active)]
        ends = np.array([self.low[row] if side < 0 else self.high[row] for row, side in active.items()])
        exact = np.linalg.lstsq(A, ends - A @ u, rcond=MIN_SINGULAR_VALUE)[0]
        basis = linalg.null_space(A, rcond=MIN_SINGULAR_VALUE)
        if basis.shape[1]:
            inside = None if factors is None else (factors[0] @ basis, factors[1])
            try:
                inner = solved(basis.T @ H @ basis, basis.T @ (gradient + H @ exact), inside)
            except linalg.LinAlgError:
                return None
            exact = exact - basis @ inner
        return exact if self.holds(u + exact) else None


def triangular_root(S: np.ndarray, K: np.ndarray) -> np.ndarray:
    """The upper triangular R, of positive diagonal, with R'R equal to S'KS; LinAlgError if that is not positive definite."""
    Q, triangle = linalg.qr(S, mode="economic")
    root = linalg.cholesky(Q.T @ K @ Q) @ triangle
    diagonal = np.diag(root)
    if not (np.abs(diagonal) > np.finfo(float).eps * np.abs(diagonal).max(initial=0.0)).all():
        raise linalg.LinAlgError("the columns are dependent")
    return np.sign(diagonal)[:, None] * root


def solved(H: np.ndarray, right: np.ndarray, factors: Factors) -> np.ndarray:
    """The solution of ``H x = right``, by factors of H if there are any; LinAlgError if H is not positive definite."""
    if factors is not None:
        return linalg.cho_solve((triangular_root(*factors), False), right)
    _, x, fail = linalg.lapack.dposv(H, right)
    if fail:
        raise linalg.LinAlgError("the matrix is not positive definite")
    return x


def _least_distance(G: np.ndarray, factor: np.ndarray, newton: np.ndarray, gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The step nearest to the Newton step with ``G (step - newton) >= gaps``, in the metric of LL', and its multipliers."""
    rows = linalg.solve_triangular(factor, G.T, lower=True)
    norm = np.linalg.norm(rows, axis=0)
    size = max(np.abs(gaps / norm).max(), 1e-300)
    E = np.vstack([rows / norm, gaps / norm / size])
    multipliers, residual = nnls(E, np.eye(1, len(E), len(E) - 1)[0])
    if residual <= MIN_RESIDUAL:
        raise linalg.LinAlgError("the region is empty")
    rest = E @ multipliers
    rest[-1] -= 1.0
    move = -rest[:-1] / rest[-1] * size
    return newton + linalg.solve_triangular(factor, move, lower=True, trans="T"), multipliers
