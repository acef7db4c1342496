"""Information matrices and sums of scores at a fit, in one pass over the rows, in the coordinates of a solver.

Conventions: sums, not means; H is minus the Hessian of the log-likelihood (observed) or its expectation, B the sum of outer
products of the rows' scores. Coordinates are centred, scaled and rotated columns, in which H is well conditioned; from there
`Layout.jacobian` leads to the coefficients.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, sparse

from .._model.design import Design
from .._model.objective import Objective
from .._model.validation import check_support

MIN_ONE_MINUS_LEVERAGE = 1e-10  # below which a row alone decides a coefficient
FREQUENCY, ANALYTIC, PROBABILITY = WEIGHTS = ("frequency", "analytic", "probability")


class FitPoint(NamedTuple):
    """The objective of a fitted model on data, without penalty, and the fit's point u in its flat coordinates."""

    objective: Objective
    u: np.ndarray


class InformationSums(NamedTuple):
    """Sums over rows at one point: log-likelihood, its gradient, H, and B (`meat`), which is None unless requested."""

    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    meat: np.ndarray | None
    n_clusters: int


def objective_at_fit(
    model: Any,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    weights: str = FREQUENCY,
    coefs: dict | None = None,
    intercepts: dict | None = None,
    groups: Any = None,
) -> FitPoint:
    """The objective of a model on data; at its own coefficients, or at others of the same model."""
    fit, data = model.fit_, model.read_data(X, y, sample_weight, groups)
    check_support(fit.law, data.in_memory.y)
    if weights != FREQUENCY:  # only the ratios of weights matter
        data = data.with_weight_factor(data.n_kept / data.total_weight)
    return FitPoint(*fit.objective_and_coordinates(data, coefs, intercepts))


def summed(
    fit_point: FitPoint,
    information: str = "observed",
    meat: bool = False,
    power: int = 1,
    clusters: bool = False,
    leverages: Leverages | None = None,
) -> InformationSums:
    """Value, gradient, H and B; in B a row's score counts with its weight to the `power`, or is summed by group first.

    With `leverages`, scores are divided by a power of one minus the row's leverage.
    """
    objective, u = fit_point
    extra = partial(_score_sums, objective.designs, power, clusters, leverages) if meat else _nothing
    (point, sums), total_weight = objective.with_sums(u, information, extra), objective.data.total_weight
    B, n_clusters = sums.get("meat"), 0
    if leverages is not None:
        leverages.check(sums)
    if clusters and meat:
        totals = sums["clusters"].totals()
        n_clusters, B = len(totals), totals.T @ totals
        if n_clusters == 1:
            raise ValueError("groups has one cluster only; cluster-robust covariances need at least two, better forty")
    gradient, hessian = -total_weight * point.gradient, total_weight * point.hessian
    return InformationSums(-total_weight * point.value, gradient, hessian, B, n_clusters)


def _nothing(batch: Any, rows: dict, result: Any) -> dict:
    return {}


def _score_sums(
    designs: dict, power: int, clusters: bool, leverages: Leverages | None, batch: Any, rows: dict, result: Any
) -> dict:
    """InformationSums over a block of outer products of scores, or of scores by group."""
    gradient: dict = result.gradient
    alone: dict[str, int] = {}
    if leverages is not None:
        factors, alone = leverages.factors(designs, batch, rows, result)
        gradient = {name: gradient[name] * factor for name, factor in factors.items()}
    block = scores(designs, rows, gradient, batch.weight)
    if clusters:
        return {"clusters": GroupSums.of(batch.groups, block)}
    return {"meat": block.T @ (block * batch.weight[:, None] ** (power - 2)), **alone}


class GroupSums:
    """Sums of rows by group, which are added without knowing all groups.

    Parameters
    ----------
    pieces : list of (ndarray of shape (m,), ndarray of shape (m, k))
        Labels and sums, in which a label may occur more than once.
    n_compact : int
        Number of labels when they were last added up: from twice as many on they are added again.
    """

    def __init__(self, pieces: list, n_compact: int = 0) -> None:
        self.pieces, self.n_compact = pieces, n_compact

    @classmethod
    def of(cls, labels: np.ndarray, values: np.ndarray) -> GroupSums:
        """The sums of rows of `values`."""
        distinct, codes = np.unique(labels, return_inverse=True)
        n = len(labels)
        sums = sparse.csr_matrix((np.ones(n), (codes, np.arange(n))), (len(distinct), n)) @ values
        return cls([(distinct, sums)], len(distinct))

    def __add__(self, other: GroupSums) -> GroupSums:
        both = GroupSums(self.pieces + other.pieces, max(self.n_compact, other.n_compact))
        if sum(len(labels) for labels, _ in both.pieces) > 2 * both.n_compact:
            both = GroupSums.of(*map(np.concatenate, zip(*both.pieces, strict=True)))
        return both

    def totals(self) -> np.ndarray:
        """The sum of every group, in the order of the labels: (n_groups, k)."""
        return GroupSums.of(*map(np.concatenate, zip(*self.pieces, strict=True))).pieces[0][1]


def scores(designs: dict[str, Design], rows: dict, gradient: dict, weight: np.ndarray) -> np.ndarray:
    """Weighted gradient of every row's log-likelihood in the flat coordinates: (n_rows, size)."""
    parts = []
    for name, design in designs.items():
        Z = _coordinates(design, rows.get(name), len(weight))
        eta_gradient = (gradient[name].reshape(len(weight), -1) * weight[:, None]) @ design.output_basis
        parts.append((Z[:, :, None] * eta_gradient[:, None, :]).reshape(len(weight), design.size))
    return np.hstack(parts)


def _coordinates(design: Design, rows: Any, n: int) -> np.ndarray:
    """A parameter's columns of a block in its coordinates, (n, intercept + r)."""
    if rows is None:
        return np.ones((n, 1))
    columns = rows.toarray() if sparse.issparse(rows) else rows
    return np.hstack([np.ones((n, 1)), columns]) @ design.matrix()


class Leverages(NamedTuple):
    """Factors of the scores of rows by their leverage h in each parameter's linear predictor.

    With k coefficients and h = w z' H^-1 z, where w is the row's information: (1 - h)^(-d / 2) with d = 1 in HC2, 2 in HC3
    and min(4, n h / k) in HC4.
    """

    kind: str
    inverses: dict[str, np.ndarray]
    n: float
    weighted: bool

    @classmethod
    def of(cls, kind: str, objective: Objective, hessian: np.ndarray, power: int) -> Leverages:
        """From H, in which weights are copies of rows where scores count with their weight to the `power` one."""
        inverses = {}
        for name, design in objective.designs.items():
            if design.vector:
                raise ValueError(
                    f"cov={kind!r} rests on the leverage of a row, which {name}, a vector, has for each pair of its entries: "
                    "use cov='HC1'"
                )
            place = objective.slices[name]
            inverses[name] = linalg.pinvh(hessian[place, place]) * design.output_basis[0, 0] ** 2
        return cls(kind, inverses, objective.data.total_weight, power == 2)

    def factors(
        self, designs: dict[str, Design], batch: Any, rows: dict, result: Any
    ) -> tuple[dict[str, np.ndarray], dict[str, int]]:
        """By parameter the factors of a block's rows, and the number of rows of leverage one."""
        found, n_alone = {}, 0
        for name, design in designs.items():
            Z = _coordinates(design, rows.get(name), len(batch.weight))
            h = result.information.get((name, name), 0.0) * np.einsum("ij,jk,ik->i", Z, self.inverses[name], Z)
            rest = 1 - (h * batch.weight if self.weighted else h)
            n_alone += int((rest < MIN_ONE_MINUS_LEVERAGE).sum())
            d = {"HC2": 1.0, "HC3": 2.0, "HC4": np.minimum(4.0, self.n * (1 - rest) / design.size)}[self.kind]
            found[name] = np.maximum(rest, MIN_ONE_MINUS_LEVERAGE) ** (-d / 2)
        return found, {"alone": n_alone}

    def check(self, sums: dict) -> None:
        """Raise ValueError if some row has leverage one."""
        if sums["alone"]:
            raise ValueError(
                f"cov={self.kind!r} is not defined where a row alone decides a coefficient, and there are {sums['alone']} of "
                "leverage one (sk_mle.diagnostics.leverage shows which): use cov='HC1', or leave these rows out"
            )
