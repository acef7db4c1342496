"""Bias-reduced likelihood: Jeffreys' penalty, and scores adjusted for mean or median bias.

With I the expected information in the coefficients and V its inverse, the penalty adds half the log determinant of I to the
log-likelihood (Firth 1993). Its gradient, and the adjustments that belong to no penalty, are sums over rows: in the linear
predictors a, b, c of a row, with J its information, g and h gradient and Hessian of its log-likelihood,

    jeffreys      1/2 sum_ab H_ab dJ_ab / d eta_c
    mean          1/2 sum_ab H_ab (E[g_a g_b g_c] + E[h_ab g_c]),  E[g_a g_b g_c] = dJ_ab / d eta_c - E[h_ac g_b] - E[h_bc g_a]

with the leverages H_ab = z_a' V z_b of the row's columns z. dJ is differenced per row, so that its cost does not depend on the
number of columns. With a canonical link h is not random, and both are the same.

Flat vector: u holds the coordinates of all parameters (`objective.py` states the layout). Coordinates are linear in the
coefficients, so the penalty depends on the choice of coordinates by a constant only.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from .._utils.differences import stacking
from ..likelihoods import Likelihood
from ..likelihoods._functions import (
    curvature_score,
    expected_information,
    information_derivatives,
    integrated_third_moments,
    seconds_of_integrals,
    title,
)
from .evaluator import Evaluator
from .objective import Objective, Point
from .predictor import Predictor
from .sums import bilinear, project

JEFFREYS, MEAN, MEDIAN = PENALTIES = ("jeffreys", "mean_bias", "median_bias")
MAX_ROWS_OF_EXACT_HESSIAN = 20  # per coordinate: the penalty's Hessian, which is differenced there, is then no small part
HESSIAN_STEP = 1e-4  # in coordinates of unit curvature
MIN_COSINE_OF_UPDATE = 1e-8  # of a step and the error that an update mends, below which it would be without bound
MAX_MOVE = 3.0  # of a linear predictor in one step, where its unit is one, as with log and logit links


def has_reduction(law: Likelihood) -> bool:
    """Whether Jeffreys' penalty can be used: the law is smooth, and its expected information can be computed."""
    whole = expected_information(law) == "whole"
    return law.smooth and (whole or (law.predictive is law and law.target_type != "targets"))


def check_penalty(penalty: Any, law: Likelihood, predictors: dict[str, Predictor]) -> None:
    """Raise ValueError for a penalty that is unknown, or that needs an expected information which the law does not have."""
    parts = list(penalty.values()) if isinstance(penalty, dict) else penalty if isinstance(penalty, list | tuple) else [penalty]
    if any(hasattr(part, "bind") or isinstance(part, list | tuple) for part in parts):
        raise TypeError(
            f"penalty is the name of a bias reduction, one of {list(PENALTIES)}; terms with a penalty go to penalties="
        )
    if penalty not in PENALTIES:
        raise ValueError(
            f"penalty={penalty!r} is unknown; use None or one of {list(PENALTIES)}; alpha is the L2 penalty, and "
            "l1_ratio its share that is L1"
        )
    name = title(law)
    if curved := [one.parameter for one in predictors.values() if one.curve is not None]:
        raise ValueError(
            f"penalty={penalty!r} is for linear predictors, and that of {curved[0]!r} is not linear in its coefficients"
        )
    if not law.smooth:
        raise ValueError(f"penalty={penalty!r}: the log-likelihood of {name} has kinks, for which there is no such reduction")
    if not has_reduction(law):
        raise ValueError(
            f"penalty={penalty!r} needs the expected information, which {name} does not offer: what would have been observed "
            "is not known. Use alpha, an L2 penalty"
        )
    redundant = [n for n in law.layout.free if (basis := law.layout[n].basis) is not None and basis.shape[0] > basis.shape[1]]
    if penalty == MEDIAN and redundant:
        raise ValueError(
            f"penalty={penalty!r} is of single coefficients, and those of {redundant[0]} of {name} are determined up to a "
            f"constant only; use penalty={JEFFREYS!r}"
        )


class BiasReduced(Objective):
    """An objective with Jeffreys' penalty, or with the gradient of an adjusted score, which no value belongs to.

    Made by `of`. `evaluate(u, 1)` costs two passes over the rows.

    Attributes
    ----------
    penalty_name : str
        One of `PENALTIES`.
    base : Objective
        The same without it.
    """

    penalty_name: str
    base: Objective
    _correction: np.ndarray
    _before: tuple[np.ndarray, np.ndarray] | None

    @classmethod
    def of(cls, objective: Objective, penalty: str) -> BiasReduced:
        """The objective with a penalty by its name."""
        other = cls.__new__(cls)
        vars(other).update(vars(copy(objective)))
        other.base, other.penalty_name, other.preconditioner = objective.preconditioned(None), penalty, None
        other._last = (b"", "", Point(np.inf))
        other._correction, other._before = np.zeros((objective.size, objective.size)), None
        return other

    @property
    def has_value(self) -> bool:
        """Whether the estimate minimises a value: that of the penalised likelihood."""
        return self.penalty_name == JEFFREYS

    @property
    def _formula(self) -> bool:
        """Whether the law has a formula for its expected information."""
        return expected_information(self.likelihood) == "whole"

    def seconds_of_integrals(self, u: np.ndarray) -> float:
        """CPU seconds that integrals take at most in one evaluation of the derivatives; 0 where there is a formula."""
        if self._formula:
            return 0.0
        varying = {name for name, design in self.designs.items() if design.columns is not None}
        return seconds_of_integrals(self.likelihood, self.eta(u), self.data.n_kept, varying)

    def penalty(self, u: np.ndarray) -> float:
        """Value of all penalties at u."""
        return self.base.penalty(u) + self._log_determinant(self.information(u))

    def information(self, u: np.ndarray) -> np.ndarray:
        """Expected information (size, size) of all rows, a sum."""
        return self._information_of(self.base.evaluate(u, 2, "expected" if self._formula else "integrated"))

    def _information_of(self, point: Point) -> np.ndarray:
        matrix = point.hessian.copy()
        for name, penalty in self.penalties.items():
            matrix[self.slices[name], self.slices[name]] -= penalty.hessian()
        return matrix * self.data.total_weight

    def _log_determinant(self, information: np.ndarray) -> float:
        """Minus half the log determinant per weight; inf where the information is not positive definite."""
        factor, fail = linalg.lapack.dpotrf(information)
        diagonal = np.diag(factor)
        if fail or not self.has_value:
            return np.inf if fail else 0.0
        return -float(np.log(diagonal).sum()) / self.data.total_weight

    def evaluate(self, u: np.ndarray, order: int, information: str = "observed") -> Point:
        key, kind, point = self._last
        if point.order >= order and (order < 2 or kind == information) and key == u.tobytes():
            return point
        base = self.base.evaluate(u, 2, "expected" if self._formula else "integrated")
        matrix = self._information_of(base)
        value = base.value + self._log_determinant(matrix) if np.isfinite(matrix).all() else np.inf
        point = Point(value)
        if order:
            gradient = base.gradient - self._adjustment(u, matrix) if np.isfinite(value) else np.full(self.size, np.nan)
            point = Point(value, gradient, self._hessian(u, base, gradient, information) if order == 2 else None)
        self.remember(u, point, information)
        return point

    def largest_share(self, u: np.ndarray, step: np.ndarray) -> float:
        """The share of a step that moves no linear predictor too far.

        The penalty's pull does not fade where rows say little, so that the information there makes steps without measure.
        """
        here, there, layout = self.eta(u), self.eta(u + step), self.likelihood.layout
        of_unit_one = [name for name in self.designs if layout[name].stays_inside and not layout[name].location]
        largest = max((float(np.abs(there[name] - here[name]).max(initial=0.0)) for name in of_unit_one), default=0.0)
        return MAX_MOVE / largest if MAX_MOVE < largest < np.inf else 1.0

    def _hessian(self, u: np.ndarray, base: Point, gradient: np.ndarray, information: str) -> np.ndarray:
        """The Hessian where rows are few and the information has a formula; else the information, if no scoring, corrected."""
        if information == "expected":
            return base.hessian
        if not self._formula or self.data.n_kept > MAX_ROWS_OF_EXACT_HESSIAN * self.size:
            return self._corrected(u, base.hessian, gradient)
        hessian = self.base.evaluate(u, 2, "observed").hessian.copy()
        change = np.empty_like(hessian)
        for j, step in enumerate(HESSIAN_STEP * np.eye(self.size)):
            up, down = (self._adjustment(at, self.information(at)) for at in (u + step, u - step))
            change[j] = (up - down) / (2 * HESSIAN_STEP)
        return hessian - (change + change.T) / 2

    def _corrected(self, u: np.ndarray, hessian: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The information plus what the Hessian has beyond it by the gradient's changes, in symmetric updates of rank one."""
        before, self._before = self._before, (u, gradient)
        if before is not None and np.isfinite(gradient).all() and np.isfinite(before[1]).all():
            step, change = u - before[0], gradient - before[1]
            error = change - (hessian + self._correction) @ step
            product = float(error @ step)
            if abs(product) > MIN_COSINE_OF_UPDATE * np.linalg.norm(error) * np.linalg.norm(step):
                self._correction = self._correction + np.outer(error, error) / product
        return hessian + self._correction

    def with_sums(self, u: np.ndarray, information: str, extra: Callable) -> tuple[Point, dict]:
        """The point and sums of the likelihood, with the adjusted gradient, which is zero at the estimate."""
        point, sums = self.base.with_sums(u, information, extra)
        return point._replace(gradient=point.gradient - self._adjustment(u, self.information(u))), sums

    def _adjustment(self, u: np.ndarray, information: np.ndarray) -> np.ndarray:
        """The adjustment (size,) of the mean score at u, in the flat coordinates."""
        try:
            covariance = np.linalg.inv(information)
        except np.linalg.LinAlgError:
            return np.full(self.size, np.nan)
        jacobian = self._jacobian() if self.penalty_name == MEDIAN else None
        directions = None if jacobian is None else covariance @ jacobian.T
        block = _Adjustment(
            self.evaluator, self._coefficients(u), self.slices, covariance, self.penalty_name, self._formula, directions
        )
        sums = self._hessian_data.reduce(block)
        result: np.ndarray = self._expand_adjoint(sums)
        if jacobian is not None:
            assert directions is not None
            variances = np.einsum("tj,jt->t", jacobian, directions)
            result = result - information @ np.linalg.solve(jacobian, sums["median"] / variances)
        return result / self.data.total_weight

    def _jacobian(self) -> np.ndarray:
        """The matrix (size, size) from coordinates to coefficients; ValueError for linearly dependent columns."""
        parts = []
        for design in self.designs.values():
            part = design.original_matrix() if design.columns is not None else design.matrix()
            parts.append(part[int(not design.intercept) :] * design.output_basis[0, 0])
        jacobian = linalg.block_diag(*parts)
        if jacobian.shape[0] != jacobian.shape[1]:
            raise ValueError(
                f"penalty={MEDIAN!r} is of single coefficients, and some columns are linearly dependent, so that only sums of "
                "their coefficients are identified: drop one of them"
            )
        return jacobian


@dataclass(frozen=True)
class _Adjustment:
    """Sums over a block of rows: of the adjustment of every parameter's gradient, and of what that of the median needs.

    `directions` (size, P) are the changes of u along which the estimates of single coefficients vary.
    """

    evaluator: Evaluator
    coefficients: dict
    slices: dict[str, slice]
    covariance: np.ndarray
    penalty: str
    formula: bool
    directions: np.ndarray | None

    def __call__(self, batch: Any) -> dict[Any, Any]:
        law, designs = self.evaluator.likelihood, self.evaluator.designs
        rows = self.evaluator.rows(batch, {})
        eta = self.evaluator.eta(batch, rows, self.coefficients)
        _, unstack, entries = stacking({name: eta[name] for name in designs})
        leverages, slopes = self._leverages(len(batch.y), rows, entries), None
        if self.formula:
            mixed = None if self.penalty == JEFFREYS else curvature_score(law, batch.y, eta)
            adjustment = information_derivatives(law, batch.y, eta, True, leverages) / 2
        else:
            slopes, mixed = integrated_third_moments(law, eta)
            adjustment = np.einsum("nabc,nab->nc", slopes, leverages) / 2
        if mixed is not None and self.penalty != JEFFREYS:
            adjustment += np.einsum("nab,nabc->nc", leverages, mixed) / 2 - np.einsum("nab,nacb->nc", leverages, mixed)
        by_name = unstack(adjustment)
        sums: dict[Any, Any] = {("gradient", name): project(batch, rows.get(name), by_name[name]) for name in designs}
        if self.directions is not None:
            slopes = information_derivatives(law, batch.y, eta, True) if slopes is None else slopes
            third = slopes / 3 if mixed is None else slopes / 3 + mixed / 2 - mixed.transpose(0, 1, 3, 2) * 2 / 3
            changes = [
                self._linear(rows, name, self.directions[self.slices[name]]) * designs[name].output_basis[0, 0]
                for name in designs
            ]
            change = np.stack([np.broadcast_to(one, (len(batch.y), one.shape[1])) for one in changes], axis=1)
            sums["median"] = np.einsum("n,nabc,nat,nbt,nct->t", batch.weight, third, change, change, change, optimize=True)
        return sums

    def _linear(self, rows: Any, name: Any, factors: Any) -> np.ndarray:
        """Products of one linear predictor's coordinates in each row with `factors` (size, m); without columns one for all."""
        factors = self.evaluator.designs[name].matrix() @ factors
        return rows[name] @ factors[1:] + factors[0] if name in rows else factors

    def _leverages(self, n: int, rows: dict, entries: dict) -> np.ndarray:
        """z_a' V z_b for all pairs of linear predictors of each row: (n, D, D)."""
        size = max(place.stop for place in entries.values())
        result = np.empty((size, size, n)).T  # each pair lies together
        names = list(self.evaluator.designs)
        for i, a in enumerate(names):
            for b in names[i:]:
                left, right = self.evaluator.designs[a], self.evaluator.designs[b]
                block = self.covariance[self.slices[a], self.slices[b]].reshape(*left.shape, *right.shape)
                inner = np.einsum("ixjy,kx,ly->klij", block, left.output_basis, right.output_basis)
                for k, m in np.ndindex(inner.shape[:2]):
                    form = left.matrix() @ inner[k, m] @ right.matrix().T
                    value = bilinear(rows.get(a), rows.get(b), form)
                    row, column = entries[a].start + k, entries[b].start + m
                    result[:, row, column] = result[:, column, row] = value
        return result
