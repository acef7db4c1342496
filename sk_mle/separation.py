"""Whether a maximum exists: directions of the first parameter's coefficients along which no sample's likelihood falls.

For classes these are the separating directions (Albert and Anderson 1984, doi:10.1093/biomet/71.1.1), for counts those
that drive the mean of a group of zeros to zero. Constants that are the same for every sample, such as the cutpoints of
ordered classes, may move as well. A sample that could still gain much at the end of a fit is not on its way
there, so it must not move: directions lie in the null space of all such samples. If that space is empty, the maximum
exists. Otherwise a linear programme in that space decides (Konis 2007); it has as many variables as dimensions were lost.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from .objective import Objective

_GAIN = 0.5  # log-likelihood that a sample on its way to its supremum may still lack: less than a wrong class lacks
_MOST_ENTRIES = 20_000_000  # of the linear programme's matrix


def separating_direction(objective: Objective, u) -> tuple[np.ndarray, np.ndarray] | None:
    """Intercept (K,) and coefficients (q, K) of a direction without end, or None where there is none."""
    name, design = next(iter(objective.designs.items()))
    law, data = objective.likelihood, objective.data
    if name in objective.penalties or not law.smooth or not {"hessian"} <= objective.offers:
        return None
    eta, keep = objective.eta(u), np.flatnonzero(data.weight > 0)
    cone, gain = law.recession(data.y[keep], eta)
    constant, cone = cone[:, :, len(design.unit) :], cone[:, :, : len(design.unit)] @ design.unit
    still = gain > _GAIN
    if still.all():
        return None
    space = _null_space(objective, design, keep, cone, constant, still)
    if space.shape[1] == 0:
        return None

    def products(direction):
        """How far every sample moves along its constraints, rounding set to zero."""
        own = direction[: design.size].reshape(design.shape)
        moves = [design.coordinate_rows(data.X[keep[part]]) @ own for part in _parts(len(keep))]
        moved = np.einsum("imd,id->im", cone, np.concatenate(moves)) + constant @ direction[design.size :]
        moved = moved[~still]
        return np.where(np.abs(moved) < 1e-9 * np.abs(moved).max(initial=0.0), 0.0, moved)

    along_intercept, along_all = np.zeros((2, len(space)))
    along_all[: design.size] = u[objective.places[name]]
    along_intercept[: design.shape[1] * design.intercept] = u[objective.places[name]][: design.shape[1] * design.intercept]
    for candidate in (along_intercept, along_all):
        candidate = space @ (space.T @ candidate)
        moved = products(candidate)
        if (moved >= 0).all() and moved.any():
            return design.coefficients(candidate[: design.size])
    moving = np.flatnonzero(~still.all(axis=1))
    if (~still).sum() * space.shape[1] > _MOST_ENTRIES:
        return None
    rows = design.coordinate_rows(data.X[keep[moving]])
    constraints = np.einsum("imd,ij->imjd", cone[moving], rows)[~still[moving]].reshape(-1, design.size)
    constraints = np.hstack([constraints, constant[moving][~still[moving]]]) @ space
    constraints /= max(np.abs(constraints).max(initial=0.0), 1e-300)
    constraints[np.abs(constraints) < 1e-9] = 0.0
    found = linprog(-constraints.sum(axis=0), A_ub=-constraints, b_ub=np.zeros(len(constraints)), bounds=(-1, 1))
    if found.status != 0 or -found.fun < 1e-7:
        return None
    return design.coefficients((space @ found.x)[: design.size])


def _parts(n):
    return [slice(first, first + 4096) for first in range(0, n, 4096)]


def _null_space(objective, design, keep, cone, constant, still):
    """Orthonormal basis of the coordinates, and of the constants, in which no sample moves that must stay."""
    (k, d), e = design.shape, constant.shape[2]
    gram, beside = np.zeros((k, d, k, d)), np.zeros((k, d, e))
    for part in _parts(len(keep)):
        rows = design.coordinate_rows(objective.data.X[keep[part]])
        moves = np.einsum("im,ima,imb->iab", still[part], cone[part], cone[part])
        shifts = np.einsum("im,ima,imb->iab", still[part], cone[part], constant[part])
        for a in range(d):
            beside[:, a] += rows.T @ shifts[:, a]
            for b in range(d):
                gram[:, a, :, b] += rows.T @ (rows * moves[:, [a], b])
    gram, beside = gram.reshape(k * d, k * d), beside.reshape(k * d, e)
    last = np.einsum("im,ima,imb->ab", still, constant, constant)
    values, vectors = np.linalg.eigh(np.block([[gram, beside], [beside.T, last]]))
    return vectors[:, values <= 1e-11 * values[-1]]
