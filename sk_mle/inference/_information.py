"""Information matrices and sums of scores at a fit, in one pass over the rows, in the coordinates of a solver.

Conventions: sums, not means; H is minus the Hessian of the log-likelihood (observed) or its expectation, B the sum of outer
products of the rows' scores. Coordinates are centred, scaled and rotated columns, in which H is well conditioned; from there
`Layout.jacobian` leads to the coefficients.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from .._model.data import Data
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


def locate_fit(model, X, y, sample_weight=None, weights: str = FREQUENCY, coefs=None, intercepts=None) -> Located:
    """The objective of a model on data; at its own coefficients, or at others of the same model."""
    fit, data = model.fit_, model.read_data(X, y, sample_weight)
    check_support(fit.law, data.y)
    if weights != FREQUENCY:  # only the ratios of weights matter
        weight = data.weight * (np.count_nonzero(data.weight) / data.weight.sum())
        data = Data(data.X, data.y, weight, data.offset, data.n_jobs)
    return Located(*fit.locate(data, coefs, intercepts))


def summed(located: Located, information: str = "observed", meat: bool = False, power: int = 1, groups=None) -> Sums:
    """Value, gradient, H and B; in B a row's score counts with its weight to the `power`, or is summed by group first."""
    objective, u = located
    codes = None if groups is None else _cluster_codes(groups, objective.data)
    clusters = None if codes is None else np.zeros((codes.max() + 1, objective.size))
    B, n_rows_done = np.zeros((objective.size, objective.size)), 0

    def per_block(batch, rows, result):
        if not meat:
            return None
        block_scores = scores(objective, rows, result.gradient, batch.weight)
        return block_scores if codes is not None else block_scores.T @ (block_scores * batch.weight[:, None] ** (power - 2))

    def add(block_result):
        nonlocal B, n_rows_done
        if block_result is None:
            return
        if clusters is None:
            B = B + block_result
            return
        n, block_codes = len(block_result), codes[n_rows_done : n_rows_done + len(block_result)]
        clusters[...] += sparse.csr_matrix((np.ones(n), (block_codes, np.arange(n))), (len(clusters), n)) @ block_result
        n_rows_done += n

    point, total_weight = objective.accumulate(u, information, per_block, add), objective.data.total_weight
    B = B if clusters is None else clusters.T @ clusters
    n_clusters = 0 if clusters is None else len(clusters)
    return Sums(
        -total_weight * point.value,
        -total_weight * point.gradient,
        total_weight * point.hessian,
        B if meat else None,
        n_clusters,
    )


def scores(objective: Objective, rows, gradient, weight) -> np.ndarray:
    """Weighted gradient of every row's log-likelihood in the flat coordinates: (n_rows, size)."""
    parts = []
    for name, design in objective.designs.items():
        if name in rows:
            columns = rows[name].toarray() if sparse.issparse(rows[name]) else rows[name]
            Z = np.hstack([np.ones((len(weight), 1)), columns]) @ design.matrix()
        else:
            Z = np.ones((len(weight), 1))
        eta_gradient = (gradient[name].reshape(len(weight), -1) * weight[:, None]) @ design.output_basis
        parts.append((Z[:, :, None] * eta_gradient[:, None, :]).reshape(len(weight), design.size))
    return np.hstack(parts)


def _cluster_codes(groups, data):
    """Cluster numbers, from 0, of the rows of positive weight."""
    codes = group_codes(groups, len(data.y))[data.weight > 0]
    codes = np.unique(codes, return_inverse=True)[1]
    if codes.max() == 0:
        raise ValueError("groups has one cluster only; cluster-robust covariances need at least two, better forty")
    return codes


def group_codes(groups, n) -> np.ndarray:
    """Groups of rows as numbers from 0; raises for missing labels."""
    groups = np.asarray(groups, dtype=None if hasattr(groups, "dtype") else object)
    if groups.shape not in ((n,), (n, 1)):
        raise ValueError(f"groups must be one label per row, of shape ({n},), got shape {groups.shape}")
    groups = groups.reshape(n)
    missing = np.flatnonzero([label is None or label != label for label in groups.tolist()])
    if len(missing):
        raise ValueError(f"groups has no label in {rows_text(missing)}; drop these rows, or give each a group of its own")
    return np.unique(groups.astype(str) if groups.dtype == object else groups, return_inverse=True)[1]
