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
    """The objective of a fitted model on data, without penalty, and the fit's place in its coordinates."""

    objective: Objective
    u: np.ndarray


class Sums(NamedTuple):
    """Sums over rows at one point; the meat is None where it was not asked for."""

    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    meat: np.ndarray | None
    n_clusters: int


def locate_fit(model, X, y, sample_weight=None, weights: str = FREQUENCY, coefs=None, intercepts=None) -> Located:
    """The objective of a model on data; at its own coefficients, or at others of the same model."""
    fit, data = model.fit_, model.read_data(X, y, sample_weight)
    check_support(fit.law, data.y)
    if weights != FREQUENCY:  # only their ratios mean something
        weight = data.weight * (np.count_nonzero(data.weight) / data.weight.sum())
        data = Data(data.X, data.y, weight, data.offset, data.n_jobs)
    return Located(*fit.locate(data, coefs, intercepts))


def summed(located: Located, information: str = "observed", meat: bool = False, power: int = 1, groups=None) -> Sums:
    """Value, gradient, H and B; the rows' scores count with their weight to `power`, or are added up by group first."""
    objective, u = located
    codes = None if groups is None else _codes(groups, objective.data)
    clusters = None if codes is None else np.zeros((codes.max() + 1, objective.size))
    B, first = np.zeros((objective.size, objective.size)), 0

    def per_block(batch, rows, result):
        if not meat:
            return None
        S = scores(objective, rows, result.gradient, batch.weight)
        return S if codes is not None else S.T @ (S * batch.weight[:, None] ** (power - 2))

    def take(found):
        nonlocal B, first
        if found is None:
            return
        if clusters is None:
            B = B + found
            return
        n, own = len(found), codes[first : first + len(found)]
        clusters[...] += sparse.csr_matrix((np.ones(n), (own, np.arange(n))), (len(clusters), n)) @ found
        first += n

    point, mass = objective.accumulate(u, information, per_block, take), objective.data.total_weight
    B = B if clusters is None else clusters.T @ clusters
    n_clusters = 0 if clusters is None else len(clusters)
    return Sums(-mass * point.value, -mass * point.gradient, mass * point.hessian, B if meat else None, n_clusters)


def scores(objective: Objective, rows, gradient, weight) -> np.ndarray:
    """Weighted gradient of every row's log-likelihood in the coordinates: (rows, size)."""
    parts = []
    for name, design in objective.designs.items():
        if name in rows:
            columns_ = rows[name].toarray() if sparse.issparse(rows[name]) else rows[name]
            Z = np.hstack([np.ones((len(weight), 1)), columns_]) @ design.matrix()
        else:
            Z = np.ones((len(weight), 1))
        slope = (gradient[name].reshape(len(weight), -1) * weight[:, None]) @ design.unit
        parts.append((Z[:, :, None] * slope[:, None, :]).reshape(len(weight), design.size))
    return np.hstack(parts)


def _codes(groups, data):
    """Clusters of the rows of positive weight, numbered."""
    codes = group_codes(groups, len(data.y))[data.weight > 0]
    codes = np.unique(codes, return_inverse=True)[1]
    if codes.max() == 0:
        raise ValueError("groups names one cluster only; cluster-robust covariances need at least two, better forty")
    return codes


def group_codes(groups, n) -> np.ndarray:
    """Groups of rows as numbers from 0; raises for a missing one."""
    groups = np.asarray(groups, dtype=None if hasattr(groups, "dtype") else object)
    if groups.shape not in ((n,), (n, 1)):
        raise ValueError(f"groups must be one label per row, of shape ({n},), got shape {groups.shape}")
    groups = groups.reshape(n)
    missing = np.flatnonzero([label is None or label != label for label in groups.tolist()])
    if len(missing):
        raise ValueError(f"groups has no label in {rows_text(missing)}; drop these rows, or give each a group of its own")
    return np.unique(groups.astype(str) if groups.dtype == object else groups, return_inverse=True)[1]
