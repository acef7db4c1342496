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

from .moments import cholesky
from .objective import Objective

_GAIN = 0.5  # log-likelihood that a sample on its way to its supremum may still lack: less than a wrong class lacks
_PART, _FEW = 5, 500  # rows per coordinate, and at least, that are looked at first
_PINNED = 1e-8  # reciprocal condition from which no direction is free
_MOST_ENTRIES = 20_000_000  # of the linear programme's matrix


def separating_direction(objective: Objective, u) -> tuple[np.ndarray, np.ndarray] | None:
    """Intercept (K,) and coefficients (q, K) of a direction without end, or None where there is none."""
    name, design = next(iter(objective.designs.items()))
    law, data = objective.likelihood, objective.data
    if name in objective.penalties or not law.smooth or not {"hessian"} <= objective.offers:
        return None
    part, most = None, max(_PART * design.size, _FEW)
    while part is not data:  # some rows mostly pin all directions
        part, most = data.thinned(most), 4 * most
        space = _null_space(objective, design, part, u)
        if space.shape[1] == 0:
            return None
    eta, keep = objective.eta(u), np.flatnonzero(data.weight > 0)
    cone, constant, still = _constraints(law, design, data.y[keep], eta)
    constant = constant[:, :, : len(space) - design.size]

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


def _constraints(law, design, y, eta):
    """Cone of the coordinates, that of the constants, and whether a sample must not move along it."""
    cone, gain = law.recession(y, eta)
    return cone[:, :, : len(design.unit)] @ design.unit, cone[:, :, len(design.unit) :], gain > _GAIN


def _null_space(objective, design, data, u):
    """Orthonormal basis of the coordinates, and of the constants, in which no sample moves that must stay."""
    coefficients = {name: other.expand(u[objective.places[name]]) for name, other in objective.designs.items()}

    def part(batch):
        eta = objective._eta(batch, objective._rows(batch), coefficients)
        return _constraints(objective.likelihood, design, batch.y, eta)

    grams, all_still = [], []
    for batch in data.narrowed(4 * design.shape[1] ** 2).blocks():
        found = part(batch)
        if not grams and found[2].all():  # mostly all rows are; then nothing moves
            all_still.append(batch)
            continue
        grams += [_gram(design, before.X, *part(before)) for before in all_still] + [_gram(design, batch.X, *found)]
        all_still = []
    if not grams:
        return np.zeros((design.size, 0))
    size = min(map(len, grams))  # a block of one row cannot tell which constants are the same in all rows
    gram = sum(gram[:size, :size] for gram in grams)
    if cholesky(gram)[1] > _PINNED:
        return np.zeros((size, 0))
    values, vectors = np.linalg.eigh(gram)
    return vectors[:, values <= 1e-11 * values[-1]]


def _gram(design, X, cone, constant, still):
    """Sum of products of the coordinates, and of the constants beside them, over samples that must not move."""
    (k, d), e = design.shape, constant.shape[2]
    some = np.flatnonzero(still.any(axis=1))
    rows, both = design.coordinate_rows(X[some]), np.concatenate([cone, constant], axis=2)[some]
    moves = np.swapaxes(both * still[some, :, None], 1, 2) @ both
    gram = np.zeros((k * d + e, k * d + e))
    inner = gram[: k * d, : k * d].reshape(k, d, k, d)
    for a in range(d):
        own = rows * np.sqrt(moves[:, [a], a])
        inner[:, a, :, a] = own.T @ own
        gram[a : k * d : d, k * d :] = rows.T @ moves[:, a, d:]
        for b in range(a):
            inner[:, a, :, b] = rows.T @ (rows * moves[:, [a], b])
            inner[:, b, :, a] = inner[:, a, :, b].T
    gram[k * d :, : k * d] = gram[: k * d, k * d :].T
    gram[k * d :, k * d :] = moves[:, d:, d:].sum(axis=0)
    return gram
