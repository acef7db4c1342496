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
from scipy import sparse

from .._model.design import Design
from .._model.objective import Objective
from .._model.validation import check_support
from .._utils.messages import rows_text

FREQUENCY, ANALYTIC, PROBABILITY = WEIGHTS = ("frequency", "analytic", "probability")


class Located(NamedTuple):
    """The objective of a fitted model on data, without penalty, and the fit's point u in its flat coordinates."""

    objective: Objective
    u: np.ndarray


class Sums(NamedTuple):
    """Sums over rows at one point: log-likelihood, its gradient, H, and B (`meat`), which is None unless requested."""

    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    meat: np.ndarray | None
    n_clusters: int


def locate_fit(
    model: Any,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    weights: str = FREQUENCY,
    coefs: dict | None = None,
    intercepts: dict | None = None,
    groups: Any = None,
) -> Located:
    """The objective of a model on data; at its own coefficients, or at others of the same model."""
    fit, data = model.fit_, model.read_data(X, y, sample_weight)
    check_support(fit.law, data.few.y)
    if groups is not None:
        data = data.with_groups(group_codes(groups, data.n_samples))
    if weights != FREQUENCY:  # only the ratios of weights matter
        data = data.with_weight_factor(data.n_kept / data.total_weight)
    return Located(*fit.locate(data, coefs, intercepts))


def summed(located: Located, information: str = "observed", meat: bool = False, power: int = 1, clusters: bool = False) -> Sums:
    """Value, gradient, H and B; in B a row's score counts with its weight to the `power`, or is summed by group first."""
    objective, u = located
    extra = partial(_score_sums, objective.designs, power, clusters) if meat else _nothing
    (point, sums), total_weight = objective.with_sums(u, information, extra), objective.data.total_weight
    B, n_clusters = sums.get("meat"), 0
    if clusters and meat:
        totals = sums["clusters"].totals()
        n_clusters, B = len(totals), totals.T @ totals
        if n_clusters == 1:
            raise ValueError("groups has one cluster only; cluster-robust covariances need at least two, better forty")
    value, gradient, hessian = (-total_weight * part for part in (point.value, point.gradient, -point.hessian))
    return Sums(value, gradient, hessian, B, n_clusters)


def _nothing(batch, rows, result) -> dict:
    return {}


def _score_sums(designs, power, clusters, batch, rows, result) -> dict:
    """Sums over a block of outer products of scores, or of scores by group."""
    block = scores(designs, rows, result.gradient, batch.weight)
    if clusters:
        return {"clusters": GroupSums.of(batch.groups, block)}
    return {"meat": block.T @ (block * batch.weight[:, None] ** (power - 2))}


class GroupSums:
    """Sums of rows by group, which are added without knowing all groups.

    Parameters
    ----------
    pieces : list of (ndarray of shape (m,), ndarray of shape (m, k))
        Labels and sums, in which a label may occur more than once.
    n_compact : int
        Number of labels when they were last added up: from twice as many on they are added again.
    """

    def __init__(self, pieces: list, n_compact: int = 0):
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
        if name in rows:
            columns = rows[name].toarray() if sparse.issparse(rows[name]) else rows[name]
            Z = np.hstack([np.ones((len(weight), 1)), columns]) @ design.matrix()
        else:
            Z = np.ones((len(weight), 1))
        eta_gradient = (gradient[name].reshape(len(weight), -1) * weight[:, None]) @ design.output_basis
        parts.append((Z[:, :, None] * eta_gradient[:, None, :]).reshape(len(weight), design.size))
    return np.hstack(parts)


def group_codes(groups: Any, n: int) -> np.ndarray:
    """Groups of rows as numbers from 0; raises for missing labels."""
    groups = np.asarray(groups, dtype=None if hasattr(groups, "dtype") else object)
    if groups.shape not in ((n,), (n, 1)):
        raise ValueError(f"groups must be one label per row, of shape ({n},), got shape {groups.shape}")
    groups = groups.reshape(n)
    missing = np.flatnonzero([label is None or label != label for label in groups.tolist()])
    if len(missing):
        raise ValueError(f"groups has no label in {rows_text(missing)}; drop these rows, or give each a group of its own")
    return np.unique(groups.astype(str) if groups.dtype == object else groups, return_inverse=True)[1]
