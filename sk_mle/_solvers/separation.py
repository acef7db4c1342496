"""Whether a maximum exists: directions of a parameter's coefficients along which no sample's likelihood falls.

For classes these are the separating directions (Albert and Anderson 1984, doi:10.1093/biomet/71.1.1), for counts those
that drive the mean of a group of zeros to zero. Constants that are the same for every sample, such as the cutpoints of
ordered classes, may move as well. A sample that could still gain much at the end of a fit is not on its way
there, so it must not move: directions lie in the null space of all such samples. If that space is empty, the maximum
exists. Otherwise a linear programme in that space decides (Konis 2007); it has as many variables as dimensions were lost.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from .._model.moments import cholesky
from .._model.objective import Objective

# Log-likelihood that a sample on its way to its supremum may still lack: less than a wrong class lacks.
MIN_REMAINING_GAIN = 0.5
# Rows per coordinate, and at least, among which those that must not move are sought first.
ROWS_PER_COORDINATE, MIN_SAMPLED_ROWS = 5, 500
CONSTRAINTS_PER_COORDINATE = 1.25  # constraints of theirs per coordinate: in general position these pin all
MIN_PINNED_EIGENVALUE = 1e-8  # smallest eigenvalue, beside the largest diagonal entry, from which no direction is free
MAX_FREE_EIGENVALUE = 1e-11  # eigenvalue, beside the largest, up to which a direction is
MAX_PROGRAMME_ENTRIES = 20_000_000  # of the linear programme's matrix
ROWS_PER_BLOCK = 4096  # at a time
MAX_ROUNDING_RISE = 1e-4  # rise of the mean loss, relative to it, that rounding far out may make


def separating_directions(objective: Objective, u) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Intercept (K,) and coefficients (q, K) of a direction without end, for each parameter that has one.

    Constants that are one number are left out, but for the first parameter's: where these end is told from the value alone.
    """
    if not objective.likelihood.smooth or not {"hessian"} <= objective.offers:
        return {}
    found = {}
    for k, (name, design) in enumerate(objective.designs.items()):
        relative = len(design.unit) > design.unit.shape[1]
        if name not in objective.penalties and (k == 0 or design.columns is not None or (design.vector and not relative)):
            direction = _direction(objective, name, u)
            if direction is not None and _never_rises(objective, u, objective.places[name], direction):
                found[name] = design.coefficients(direction[: design.size])
    return found


def _never_rises(objective, u, place, direction) -> bool:
    """Whether the loss falls or stays where a sample moves by so much: what limits leave open may add up over many samples."""
    if direction[place.stop - place.start :].any():  # constants move as well, which are no coordinates of this parameter
        return True
    value, step = objective.value(u), np.zeros_like(u)
    step[place] = direction[: place.stop - place.start]
    return all(objective.value(u + length * step) <= value + MAX_ROUNDING_RISE * max(1.0, abs(value)) for length in (1.0, 8.0))


def _direction(objective, name, u) -> np.ndarray | None:
    """Coordinates of one parameter, and constants beside them, along which no sample's likelihood falls; None: there are none.

    The sample that moves farthest does so by one.
    """
    design, law, data = objective.designs[name], objective.likelihood, objective.data
    space, level = _null_space(objective, name, u)
    if space.shape[1] == 0:
        return None
    eta, keep = objective.eta(u), np.flatnonzero(data.weight > 0)
    cone, constant, still = _constraints(law, name, design, data.y[keep], eta)
    if len(space) > design.size + constant.shape[2]:  # some rows alone did not tell that a constant differs
        space = np.eye(design.size + constant.shape[2])

    def moves(directions, some):
        """How far samples move along their constraints: (rows, constraints, directions)."""
        inner = np.tensordot(design.matrix(), directions[: design.size].reshape(*design.shape, -1), 1)
        moved = np.tensordot(design.plain_rows(data.X[keep[some]]), inner, 1)
        return cone[some] @ moved + constant[some] @ directions[design.size :]

    def products(direction):
        """How far every sample moves along its constraints, rounding set to zero."""
        moved = np.concatenate([moves(direction[:, None], part)[:, :, 0] for part in _parts(len(keep))])[~still]
        return np.where(np.abs(moved) < 1e-9 * np.abs(moved).max(initial=0.0), 0.0, moved)

    gram = np.zeros((space.shape[1], space.shape[1]))
    for part in _parts(len(keep)):  # all rows that must not move, along what is left
        pinned = moves(space, part)[still[part]]
        gram += pinned.T @ pinned
    values, vectors = np.linalg.eigh(gram)
    space = space @ vectors[:, values <= MAX_FREE_EIGENVALUE * max(level * still.sum(), values[-1])]
    if space.shape[1] == 0:
        return None
    found = _towards_fit(objective, name, u, space, products)
    if found is not None:
        return found
    moving = np.flatnonzero(~still.all(axis=1))
    if (~still).sum() * space.shape[1] > MAX_PROGRAMME_ENTRIES:
        return None
    constraints = np.concatenate([moves(space, moving[part])[~still[moving[part]]] for part in _parts(len(moving))])
    return _by_linear_programme(space, constraints, products)


def _towards_fit(objective, name, u, space, products) -> np.ndarray | None:
    """The way from zero to the coordinates of the fit, of the intercept or of all, if that is such a direction."""
    design = objective.designs[name]
    along_intercept, along_all = np.zeros((2, len(space)))
    along_all[: design.size] = u[objective.places[name]]
    along_intercept[: design.shape[1] * design.intercept] = u[objective.places[name]][: design.shape[1] * design.intercept]
    for candidate in (along_intercept, along_all):
        candidate = space @ (space.T @ candidate)
        moved = products(candidate)
        if (moved >= 0).all() and moved.any():
            return candidate / moved.max()
    return None


def _by_linear_programme(space, constraints, products) -> np.ndarray | None:
    """The direction of `space`, within a box, that moves samples farthest along their constraints, and none against."""
    constraints /= max(np.abs(constraints).max(initial=0.0), 1e-300)
    constraints[np.abs(constraints) < 1e-9] = 0.0
    found = linprog(-constraints.sum(axis=0), A_ub=-constraints, b_ub=np.zeros(len(constraints)), bounds=(-1, 1))
    if found.status != 0 or -found.fun < 1e-7:
        return None
    direction = space @ found.x
    return direction / np.abs(products(direction)).max()


def _parts(n):
    return [slice(first, first + ROWS_PER_BLOCK) for first in range(0, n, ROWS_PER_BLOCK)]


def _constraints(law, name, design, y, eta):
    """Cone of the coordinates, that of the constants, and whether a sample must not move along it."""
    with np.errstate(all="ignore"):
        cone, gain = law.recession(y, eta, name)
    return cone[:, :, : len(design.unit)] @ design.unit, cone[:, :, len(design.unit) :], gain > MIN_REMAINING_GAIN


def _null_space(objective, name, u) -> tuple[np.ndarray, float]:
    """Orthonormal basis of the coordinates, and of the constants, in which few samples move that must stay.

    Of some of these, as many as pin all directions if they can; and the largest curvature per constraint of theirs.
    """
    design = objective.designs[name]
    data = objective.data.thinned(max(ROWS_PER_COORDINATE * design.size, MIN_SAMPLED_ROWS))
    eta = objective.eta(u, data)
    keep = np.flatnonzero(data.weight > 0)
    cone, constant, still = _constraints(objective.likelihood, name, design, data.y[keep], eta)
    size = design.size + constant.shape[2]
    if data is objective.data and still.all():  # then nothing moves
        return np.zeros((size, 0)), 0.0
    some = np.flatnonzero(still.any(axis=1))
    if len(some) == 0:
        return np.eye(size), 0.0
    share = max(CONSTRAINTS_PER_COORDINATE * size, MIN_SAMPLED_ROWS) / still.sum()
    some = some[np.linspace(0, len(some) - 1, int(np.ceil(min(share, 1.0) * len(some)))).astype(int)]
    rows = design.plain_rows(data.X[keep[some]])
    gram = _gram(rows[:, 1 - design.intercept :], cone[some], constant[some], still[some])
    scale = np.sqrt(np.diag(gram))
    if scale.all() and cholesky(gram / np.outer(scale, scale))[1] > MIN_PINNED_EIGENVALUE:  # whatever the coordinates
        return np.zeros((size, 0)), 0.0
    gram = _gram(rows @ design.matrix(), cone[some], constant[some], still[some])
    values, vectors = np.linalg.eigh(gram)
    return vectors[:, values <= MAX_FREE_EIGENVALUE * values[-1]], values[-1] / still[some].sum()


def _gram(rows, cone, constant, still):
    """Sum of products of the coordinates, and of the constants beside them, over samples that must not move."""
    d, k, e = rows.shape[1], cone.shape[2], constant.shape[2]
    both = np.concatenate([cone, constant], axis=2)
    moves = np.swapaxes(both * still[:, :, None], 1, 2) @ both
    gram = np.zeros((d * k + e, d * k + e))
    inner = gram[: d * k, : d * k].reshape(d, k, d, k)
    for a in range(k):
        own = rows * np.sqrt(moves[:, [a], a])
        inner[:, a, :, a] = own.T @ own
        gram[a : d * k : k, d * k :] = rows.T @ moves[:, a, k:]
        for b in range(a):
            inner[:, a, :, b] = rows.T @ (rows * moves[:, [a], b])
            inner[:, b, :, a] = inner[:, a, :, b].T
    gram[d * k :, : d * k] = gram[: d * k, d * k :].T
    gram[d * k :, d * k :] = moves[:, k:, k:].sum(axis=0)
    return gram
