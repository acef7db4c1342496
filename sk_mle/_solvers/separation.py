"""Directions of recession: directions of a parameter's coefficients along which the likelihood of no row ever falls.

If there is one, no finite maximum exists. For classes these are the separating directions (Albert and Anderson 1984,
doi:10.1093/biomet/71.1.1), for counts those that drive the mean of a group of zeros to zero. The law gives the recession cone
of each row as linear constraints, `cone @ d >= 0` for a change d of its linear predictor; constants that all rows share, such
as cutpoints of ordered classes, may change as well. A row whose log-likelihood could still rise much at the end of a fit does
not move along a direction of recession, so its constraints are equalities ("pinned"): directions lie in the null space of all
pinned constraints. If that is empty, the maximum exists; otherwise a linear programme in it decides (Konis 2007), with as many
variables as it has dimensions.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout). A
direction here is such a part, followed by the changes of the shared constants.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from .._model.data import Batch
from .._model.moments import cholesky
from .._model.objective import Objective
from ..likelihoods._functions import recession
from .identification import null_space_of_rows

if TYPE_CHECKING:
    from .._model.design import Design
    from ..likelihoods import Likelihood

# Distance of a row's log-likelihood to its supremum above which the row is pinned: below that of a wrong class.
MIN_REMAINING_GAIN = 0.5
# Rows per coordinate, and at least, of the first subsample.
ROWS_PER_COORDINATE, MIN_SAMPLED_ROWS = 5, 500
CONSTRAINTS_PER_COORDINATE = 1.25  # pinned constraints of the subsample per coordinate: in general position they suffice
MIN_PINNED_EIGENVALUE = 1e-8  # smallest eigenvalue of the scaled Gram matrix from which its null space is empty
MAX_FREE_EIGENVALUE = 1e-11  # largest eigenvalue of the null space, relative to that of the matrix
MAX_PROGRAMME_ENTRIES = 20_000_000  # entries of the linear programme's matrix
ROWS_PER_BLOCK = 4096
ROUNDING_OF_CONSTRAINTS = 1e-9  # left-hand side, relative to the largest, that counts as zero
# Programmes on the rows in memory, where these are not all, and rows added from one to the next; violation, relative to the
# largest left-hand side, up to which a direction counts as one of all rows.
MAX_PROGRAMMES, MAX_VIOLATING_ROWS, MAX_VIOLATION = 10, 1000, 1e-6
MAX_OUTWARD_SHARE = 1e-9  # part of a direction out of a region, relative to its terms, that counts as zero
MAX_ROUNDING_RISE = 1e-4  # relative rise of the mean loss by rounding at large linear predictors


def separating_directions(
    objective: Objective, u: np.ndarray, region: np.ndarray | None = None, penalised: Collection[str] = ()
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Directions of recession by parameter, for those that have one.

    Scalar parameters without columns are left out, except for the first: `solvers.solve` finds their edges from the value.

    Parameters
    ----------
    objective : Objective
    u : ndarray of shape (size,)
        Where the fit ended.
    region : ndarray of shape (m, size), optional
        ``region @ d >= 0`` for the directions d that are asked for: those in which constraints on coefficients have no end.
    penalised : collection of str
        Parameters with a penalty that `objective` does not have, which are left out as those of its own penalties.

    Returns
    -------
    dict of str to (ndarray of shape (K,), ndarray of shape (q, K))
        Change of the intercepts and of the coefficients on the original columns.
    """
    if not objective.likelihood.smooth or not {"hessian"} <= objective.available_derivatives:
        return {}
    directions = {}
    for k, (name, design) in enumerate(objective.designs.items()):
        relative = len(design.output_basis) > design.output_basis.shape[1]
        if not design.linear:
            continue
        if name not in (*objective.penalties, *penalised) and (
            k == 0 or design.columns is not None or (design.vector and not relative)
        ):
            inward = np.zeros((0, design.size)) if region is None else region[:, objective.slices[name]]
            direction = _direction(objective, name, u, inward)
            if direction is not None and _never_rises(objective, u, objective.slices[name], direction):
                directions[name] = design.coefficients(direction[: design.size])
    return directions


def _never_rises(objective: Objective, u: np.ndarray, place: slice, direction: np.ndarray) -> bool:
    """Whether the loss does not rise along a direction: recession cones hold in the limit, and small rises may add up."""
    if direction[place.stop - place.start :].any():  # shared constants change as well, which u does not hold here
        return True
    value, step = objective.value(u), np.zeros_like(u)
    step[place] = direction[: place.stop - place.start]
    return all(objective.value(u + length * step) <= value + MAX_ROUNDING_RISE * max(1.0, abs(value)) for length in (1.0, 8.0))


def _direction(objective: Objective, name: str, u: np.ndarray, inward: np.ndarray) -> np.ndarray | None:
    """A direction d of recession of one parameter with ``inward @ d >= 0``, or None.

    The linear predictor that changes most changes by one.
    """
    design, law, in_memory = objective.designs[name], objective.likelihood, objective.data.in_memory
    space, level = _unpinned_directions(objective, name, u)
    if space.shape[1] == 0:
        return None
    keep = in_memory.weight > 0 if in_memory.has_zero_weight else slice(None)
    rows, eta = Batch(in_memory.X[keep], in_memory.y[keep], in_memory.weight[keep], {}), objective.eta(u)
    size = design.size + _constraints(law, name, design, rows.y[:1], {key: value[:1] for key, value in eta.items()})[1].shape[2]
    if len(space) > size:  # the subsample has constants that are not shared by all rows
        space = np.eye(size)
    sums = objective.over_rows(u, partial(_pinned_products, law, name, design, space))
    values, vectors = np.linalg.eigh(sums["gram"])
    space = space @ vectors[:, values <= MAX_FREE_EIGENVALUE * max(level * sums["n_pinned"], values[-1])]
    if space.shape[1] == 0:
        return None

    def extremes(direction: np.ndarray) -> np.ndarray:
        """Lowest and highest left-hand side of all constraints that are not pinned, with rounding set to zero."""
        found = objective.over_rows(u, partial(_extremes, law, name, design, direction[:, None]), np.maximum)
        return np.where(np.abs(found) < ROUNDING_OF_CONSTRAINTS * np.abs(found).max(), 0.0, found) * (-1, 1)

    inward = np.pad(inward, ((0, 0), (0, len(space) - design.size)))  # shared constants have no ends
    direction = _towards_fit(objective, name, u, space, extremes, inward)
    if direction is not None:
        return direction
    for _ in range(MAX_PROGRAMMES):
        n_free = np.count_nonzero(~_constraints(law, name, design, rows.y, eta)[2])
        if n_free * space.shape[1] > MAX_PROGRAMME_ENTRIES:
            return None
        cones = _constraints_of(law, name, design, space, rows, eta, pinned=False)
        direction = _by_linear_programme(space, cones, inward @ space)
        if direction is None:
            return None
        low, high = extremes(direction)
        if objective.data.in_memory is objective.data or low >= -MAX_VIOLATION * high:
            return direction / max(-low, high)
        rows, eta = _with_violating_rows(objective, name, u, direction, rows, eta)  # these rows were not in memory
    return None


def _constraint_values(
    law: Likelihood, name: str, design: Design, directions: np.ndarray, batch: Batch, eta: dict
) -> tuple[np.ndarray, np.ndarray]:
    """Left-hand sides of the constraints of rows, (rows, constraints, directions), and which are pinned."""
    cone, constant, pinned = _constraints(law, name, design, batch.y, eta)
    inner = np.tensordot(design.matrix(), directions[: design.size].reshape(*design.shape, -1), 1)
    return cone @ np.tensordot(design.plain_rows(batch.X), inner, 1) + constant @ directions[design.size :], pinned


def _constraints_of(
    law: Likelihood, name: str, design: Design, directions: np.ndarray, batch: Batch, eta: dict, pinned: bool
) -> np.ndarray:
    """Left-hand sides of those constraints of rows that are pinned, or of those that are not: (constraints, directions)."""
    parts = []
    for rows in _row_blocks(len(batch.y)):
        block = Batch(batch.X[rows], batch.y[rows], batch.weight[rows], {})
        values, is_pinned = _constraint_values(law, name, design, directions, block, {k: v[rows] for k, v in eta.items()})
        parts.append(values[is_pinned == pinned])
    return np.concatenate(parts)


def _pinned_products(law: Likelihood, name: str, design: Design, space: np.ndarray, batch: Batch, eta: dict) -> dict:
    """Products of the pinned constraints of a block on a basis of directions, and their number."""
    equalities = _constraints_of(law, name, design, space, batch, eta, pinned=True)
    return {"gram": equalities.T @ equalities, "n_pinned": len(equalities)}


def _extremes(law: Likelihood, name: str, design: Design, direction: np.ndarray, batch: Batch, eta: dict) -> np.ndarray:
    """Minus the lowest and the highest left-hand side of a block's constraints that are not pinned, at least 0."""
    free = _constraints_of(law, name, design, direction, batch, eta, pinned=False)
    return np.array([-free.min(initial=0.0), free.max(initial=0.0)])


def _with_violating_rows(
    objective: Objective, name: str, u: np.ndarray, direction: np.ndarray, rows: Any, eta: dict
) -> tuple[Batch, dict]:
    """`rows` with some more that a direction violates, and their linear predictors."""
    find = partial(_violating_rows, objective.likelihood, name, objective.designs[name], direction[:, None])
    X, y, more = objective.over_rows(u, find, _first_rows)
    joined = Batch(_stacked(rows.X, X), np.concatenate([rows.y, y]), np.concatenate([rows.weight, np.ones(len(y))]), {})
    return joined, {key: np.concatenate([value, more[key]]) for key, value in eta.items()}


def _violating_rows(law: Likelihood, name: str, design: Design, direction: np.ndarray, batch: Batch, eta: dict) -> tuple:
    """The rows of a block whose constraints a direction violates most: X, y and linear predictors."""
    values, pinned = _constraint_values(law, name, design, direction, batch, eta)
    lowest = np.where(pinned, 0.0, values[:, :, 0]).min(axis=1)
    index = np.sort(np.argsort(lowest)[:MAX_VIOLATING_ROWS])
    index = index[lowest[index] < 0]
    return batch.X[index], batch.y[index], {key: value[index] for key, value in eta.items()}


def _first_rows(a: Any, b: Any) -> tuple:
    """Rows of both blocks, the first of them where they are many."""
    most = slice(MAX_VIOLATING_ROWS)
    eta = {key: np.concatenate([value, b[2][key]])[most] for key, value in a[2].items()}
    return _stacked(a[0], b[0])[most], np.concatenate([a[1], b[1]])[most], eta


def _stacked(X: Any, Z: Any) -> Any:
    """The rows of X and Z."""
    return sparse.vstack([X, Z], format="csr") if sparse.issparse(X) else np.vstack([X, Z])


def _towards_fit(
    objective: Objective, name: str, u: np.ndarray, space: np.ndarray, extremes: Callable, inward: np.ndarray
) -> np.ndarray | None:
    """The direction from zero to the fit, in the intercept or in all coordinates, if it is a direction of recession."""
    design = objective.designs[name]
    along_intercept, along_all = np.zeros((2, len(space)))
    along_all[: design.size] = u[objective.slices[name]]
    along_intercept[: design.shape[1] * design.intercept] = u[objective.slices[name]][: design.shape[1] * design.intercept]
    for candidate in (along_intercept, along_all):
        candidate = space @ (space.T @ candidate)
        low, high = extremes(candidate)
        inside = inward @ candidate >= -MAX_OUTWARD_SHARE * (np.abs(inward) @ np.abs(candidate))
        if low >= 0 and high > 0 and inside.all():
            return candidate / high
    return None


def _by_linear_programme(space: np.ndarray, constraints: np.ndarray, inward: np.ndarray) -> np.ndarray | None:
    """The direction in a box of `space` with the largest sum of constraint values, all >= 0; None if that sum is zero.

    The values of `inward` are at least zero as well, and not part of the sum.
    """
    constraints, inward = (rows / max(np.abs(rows).max(initial=0.0), 1e-300) for rows in (constraints, inward))
    rows = np.concatenate([constraints, inward])
    rows[np.abs(rows) < 1e-9] = 0.0
    constraints = rows[: len(constraints)]
    result = linprog(-constraints.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1))
    return None if result.status != 0 or -result.fun < 1e-7 else space @ result.x


def _row_blocks(n: int) -> list[slice]:
    """Slices of at most ROWS_PER_BLOCK rows."""
    return [slice(first, first + ROWS_PER_BLOCK) for first in range(0, n, ROWS_PER_BLOCK)]


def _constraints(
    law: Likelihood, name: str, design: Design, y: np.ndarray, eta: dict
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Recession cones of rows (n, constraints, k), the part of shared constants (n, constraints, e), and which are pinned."""
    with np.errstate(all="ignore"):
        cone, gain = recession(law, y, eta, name)
    return (
        cone[:, :, : len(design.output_basis)] @ design.output_basis,
        cone[:, :, len(design.output_basis) :],
        gain > MIN_REMAINING_GAIN,
    )


def _unpinned_directions(objective: Objective, name: str, u: np.ndarray) -> tuple[np.ndarray, float]:
    """Directions along which no pinned constraint of a subsample changes.

    Returns
    -------
    basis : ndarray of shape (size + e, dimension)
        Orthonormal, of coordinates of the parameter, followed by the shared constants.
    level : float
        Largest eigenvalue of the Gram matrix, per constraint.
    """
    design = objective.designs[name]
    sample = objective.data.subsample(max(ROWS_PER_COORDINATE * design.size, MIN_SAMPLED_ROWS))
    eta = objective.eta(u, sample)
    keep = np.flatnonzero(sample.weight > 0)
    cone, constant, pinned = _constraints(objective.likelihood, name, design, sample.y[keep], eta)
    size = design.size + constant.shape[2]
    if sample is objective.data and pinned.all():
        return np.zeros((size, 0)), 0.0
    index = np.flatnonzero(pinned.any(axis=1))
    if len(index) == 0:
        return np.eye(size), 0.0
    share = max(CONSTRAINTS_PER_COORDINATE * size, MIN_SAMPLED_ROWS) / pinned.sum()
    index = index[np.linspace(0, len(index) - 1, int(np.ceil(min(share, 1.0) * len(index)))).astype(int)]
    rows = design.plain_rows(sample.X[keep[index]])
    gram = _gram(rows[:, 1 - design.intercept :], cone[index], constant[index], pinned[index])
    scale = np.sqrt(np.diag(gram))
    if scale.all() and cholesky(gram / np.outer(scale, scale))[1] > MIN_PINNED_EIGENVALUE:  # true in any coordinates
        return np.zeros((size, 0)), 0.0
    gram = _gram(rows @ design.matrix(), cone[index], constant[index], pinned[index])
    basis, largest = null_space_of_rows(gram, MAX_FREE_EIGENVALUE)
    return basis, largest / pinned[index].sum()


def _gram(rows: np.ndarray, cone: np.ndarray, constant: np.ndarray, pinned: np.ndarray) -> np.ndarray:
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
