"""Directions of recession: directions of a parameter's coefficients along which the likelihood of no row ever falls.

If there is one, no finite maximum exists. For classes these are the separating directions (Albert and Anderson 1984,
doi:10.1093/biomet/71.1.1), for counts those that drive the mean of a group of zeros to zero. The law gives the recession cone
of each row as linear constraints, `cone @ d >= 0` for a change d of its linear predictor; constants that all rows share, such
as cutpoints of ordered classes, may change as well. A row whose log-likelihood could still rise much at the end of a fit does
not move along a direction of recession, so its constraints are equalities ("pinned"): directions lie in the null space of all
pinned constraints. If that is empty, the maximum exists; otherwise a linear programme in it decides (Konis 2007), with as many
variables as it has dimensions.

Flat vector: `u[objective.places[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout). A
direction here is such a part, followed by the changes of the shared constants.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from .._model.moments import cholesky
from .._model.objective import Objective

# Distance of a row's log-likelihood to its supremum above which the row is pinned: below that of a wrong class.
MIN_REMAINING_GAIN = 0.5
# Rows per coordinate, and at least, of the first subsample.
ROWS_PER_COORDINATE, MIN_SAMPLED_ROWS = 5, 500
CONSTRAINTS_PER_COORDINATE = 1.25  # pinned constraints of the subsample per coordinate: in general position they suffice
MIN_PINNED_EIGENVALUE = 1e-8  # smallest eigenvalue of the scaled Gram matrix from which its null space is empty
MAX_FREE_EIGENVALUE = 1e-11  # largest eigenvalue of the null space, relative to that of the matrix
MAX_PROGRAMME_ENTRIES = 20_000_000  # entries of the linear programme's matrix
ROWS_PER_BLOCK = 4096
MAX_ROUNDING_RISE = 1e-4  # relative rise of the mean loss by rounding at large linear predictors


def separating_directions(objective: Objective, u) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Directions of recession by parameter, for those that have one.

    Scalar parameters without columns are left out, except for the first: `solvers.solve` finds their edges from the value.

    Returns
    -------
    dict of str to (ndarray of shape (K,), ndarray of shape (q, K))
        Change of the intercepts and of the coefficients on the original columns.
    """
    if not objective.likelihood.smooth or not {"hessian"} <= objective.offers:
        return {}
    directions = {}
    for k, (name, design) in enumerate(objective.designs.items()):
        relative = len(design.output_basis) > design.output_basis.shape[1]
        if name not in objective.penalties and (k == 0 or design.columns is not None or (design.vector and not relative)):
            direction = _direction(objective, name, u)
            if direction is not None and _never_rises(objective, u, objective.places[name], direction):
                directions[name] = design.coefficients(direction[: design.size])
    return directions


def _never_rises(objective, u, place, direction) -> bool:
    """Whether the loss does not rise along a direction: recession cones hold in the limit, and small rises may add up."""
    if direction[place.stop - place.start :].any():  # shared constants change as well, which u does not hold here
        return True
    value, step = objective.value(u), np.zeros_like(u)
    step[place] = direction[: place.stop - place.start]
    return all(objective.value(u + length * step) <= value + MAX_ROUNDING_RISE * max(1.0, abs(value)) for length in (1.0, 8.0))


def _direction(objective, name, u) -> np.ndarray | None:
    """A direction of recession of one parameter, or None; the linear predictor that changes most changes by one."""
    design, law, data = objective.designs[name], objective.likelihood, objective.data
    space, level = _null_space(objective, name, u)
    if space.shape[1] == 0:
        return None
    eta, keep = objective.eta(u), np.flatnonzero(data.weight > 0)
    cone, constant, pinned = _constraints(law, name, design, data.y[keep], eta)
    if len(space) > design.size + constant.shape[2]:  # the subsample has constants that are not shared by all rows
        space = np.eye(design.size + constant.shape[2])

    def constraint_values(directions, rows):
        """Left-hand sides of the constraints of rows: (rows, constraints, directions)."""
        inner = np.tensordot(design.matrix(), directions[: design.size].reshape(*design.shape, -1), 1)
        change = np.tensordot(design.plain_rows(data.X[keep[rows]]), inner, 1)
        return cone[rows] @ change + constant[rows] @ directions[design.size :]

    def products(direction):
        """Left-hand sides of all constraints that are not pinned, with rounding set to zero."""
        blocks = [constraint_values(direction[:, None], rows)[:, :, 0] for rows in _row_blocks(len(keep))]
        values = np.concatenate(blocks)[~pinned]
        return np.where(np.abs(values) < 1e-9 * np.abs(values).max(initial=0.0), 0.0, values)

    gram = np.zeros((space.shape[1], space.shape[1]))
    for rows in _row_blocks(len(keep)):  # the pinned constraints of all rows, on the null space of the subsample
        equalities = constraint_values(space, rows)[pinned[rows]]
        gram += equalities.T @ equalities
    values, vectors = np.linalg.eigh(gram)
    space = space @ vectors[:, values <= MAX_FREE_EIGENVALUE * max(level * pinned.sum(), values[-1])]
    if space.shape[1] == 0:
        return None
    direction = _towards_fit(objective, name, u, space, products)
    if direction is not None:
        return direction
    free = np.flatnonzero(~pinned.all(axis=1))
    if (~pinned).sum() * space.shape[1] > MAX_PROGRAMME_ENTRIES:
        return None
    constraints = np.concatenate([constraint_values(space, free[rows])[~pinned[free[rows]]] for rows in _row_blocks(len(free))])
    return _by_linear_programme(space, constraints, products)


def _towards_fit(objective, name, u, space, products) -> np.ndarray | None:
    """The direction from zero to the fit, in the intercept or in all coordinates, if it is a direction of recession."""
    design = objective.designs[name]
    along_intercept, along_all = np.zeros((2, len(space)))
    along_all[: design.size] = u[objective.places[name]]
    along_intercept[: design.shape[1] * design.intercept] = u[objective.places[name]][: design.shape[1] * design.intercept]
    for candidate in (along_intercept, along_all):
        candidate = space @ (space.T @ candidate)
        values = products(candidate)
        if (values >= 0).all() and values.any():
            return candidate / values.max()
    return None


def _by_linear_programme(space, constraints, products) -> np.ndarray | None:
    """The direction in a box of `space` with the largest sum of constraint values, all >= 0; None if that sum is zero."""
    constraints /= max(np.abs(constraints).max(initial=0.0), 1e-300)
    constraints[np.abs(constraints) < 1e-9] = 0.0
    result = linprog(-constraints.sum(axis=0), A_ub=-constraints, b_ub=np.zeros(len(constraints)), bounds=(-1, 1))
    if result.status != 0 or -result.fun < 1e-7:
        return None
    direction = space @ result.x
    return direction / np.abs(products(direction)).max()


def _row_blocks(n):
    """Slices of at most ROWS_PER_BLOCK rows."""
    return [slice(first, first + ROWS_PER_BLOCK) for first in range(0, n, ROWS_PER_BLOCK)]


def _constraints(law, name, design, y, eta):
    """Recession cones of rows (n, constraints, k), the part of shared constants (n, constraints, e), and which are pinned."""
    with np.errstate(all="ignore"):
        cone, gain = law.recession(y, eta, name)
    return (
        cone[:, :, : len(design.output_basis)] @ design.output_basis,
        cone[:, :, len(design.output_basis) :],
        gain > MIN_REMAINING_GAIN,
    )


def _null_space(objective, name, u) -> tuple[np.ndarray, float]:
    """Null space of the pinned constraints of a subsample, as an orthonormal basis of directions.

    Returns
    -------
    basis : ndarray of shape (size + e, dimension)
        Coordinates of the parameter, followed by the shared constants.
    level : float
        Largest eigenvalue of the Gram matrix, per constraint.
    """
    design = objective.designs[name]
    data = objective.data.subsample(max(ROWS_PER_COORDINATE * design.size, MIN_SAMPLED_ROWS))
    eta = objective.eta(u, data)
    keep = np.flatnonzero(data.weight > 0)
    cone, constant, pinned = _constraints(objective.likelihood, name, design, data.y[keep], eta)
    size = design.size + constant.shape[2]
    if data is objective.data and pinned.all():
        return np.zeros((size, 0)), 0.0
    index = np.flatnonzero(pinned.any(axis=1))
    if len(index) == 0:
        return np.eye(size), 0.0
    share = max(CONSTRAINTS_PER_COORDINATE * size, MIN_SAMPLED_ROWS) / pinned.sum()
    index = index[np.linspace(0, len(index) - 1, int(np.ceil(min(share, 1.0) * len(index)))).astype(int)]
    rows = design.plain_rows(data.X[keep[index]])
    gram = _gram(rows[:, 1 - design.intercept :], cone[index], constant[index], pinned[index])
    scale = np.sqrt(np.diag(gram))
    if scale.all() and cholesky(gram / np.outer(scale, scale))[1] > MIN_PINNED_EIGENVALUE:  # true in any coordinates
        return np.zeros((size, 0)), 0.0
    gram = _gram(rows @ design.matrix(), cone[index], constant[index], pinned[index])
    values, vectors = np.linalg.eigh(gram)
    return vectors[:, values <= MAX_FREE_EIGENVALUE * values[-1]], values[-1] / pinned[index].sum()


def _gram(rows, cone, constant, pinned):
    """Gram matrix of the pinned constraints, in the coordinates (d, k) of a parameter and the e shared constants."""
    d, k, e = rows.shape[1], cone.shape[2], constant.shape[2]
    both = np.concatenate([cone, constant], axis=2)
    products = np.swapaxes(both * pinned[:, :, None], 1, 2) @ both
    gram = np.zeros((d * k + e, d * k + e))
    inner = gram[: d * k, : d * k].reshape(d, k, d, k)
    for a in range(k):
        own = rows * np.sqrt(products[:, [a], a])
        inner[:, a, :, a] = own.T @ own
        gram[a : d * k : k, d * k :] = rows.T @ products[:, a, k:]
        for b in range(a):
            inner[:, a, :, b] = rows.T @ (rows * products[:, [a], b])
            inner[:, b, :, a] = inner[:, a, :, b].T
    gram[d * k :, : d * k] = gram[: d * k, d * k :].T
    gram[d * k :, d * k :] = products[:, k:, k:].sum(axis=0)
    return gram
