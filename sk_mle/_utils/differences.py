"""Numerical derivatives of functions of rows, such as a log-density: differences per sample, on the link scale.

We perturb each sample's linear predictors, never the coefficients: the cost is a fixed number of density
evaluations, whatever the number of columns, and no rounding of X enters. Complex steps are not used, because
`np.abs`, `np.sign` and scipy.stats silently drop the imaginary part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Central differences of eighth order on the points -4..4 times the step.
FIRST_DIFFERENCE = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
SECOND_DIFFERENCE = np.array([8 / 5, -1 / 5, 8 / 315, -1 / 560])
SECOND_DIFFERENCE_CENTRE = -205 / 72
# The stencil's half-width, in units of the log-likelihood's radius of curvature: truncation and rounding both stay near 1e-13.
MAX_RELATIVE_STEP = 0.12
MAX_STACKED_ROWS = 500  # rows up to which one call of the density takes all points of a stencil: calls cost more than rows


def stacking(eta: dict) -> tuple[Callable, Callable, dict[str, slice]]:
    """Functions that stack a dict of (n,) and (n, K) arrays into one (n, D) array and back, and the columns of each name."""
    widths = [1 if value.ndim == 1 else value.shape[1] for value in eta.values()]
    ends = np.cumsum(widths)
    places = {name: slice(end - width, end) for name, width, end in zip(eta, widths, ends, strict=True)}

    def stack(values: dict) -> np.ndarray:
        parts = [values[name].reshape(len(values[name]), place.stop - place.start) for name, place in places.items()]
        return np.concatenate([part.T for part in parts]).T  # columns lie together

    def unstack(stacked: np.ndarray) -> dict:
        return {name: stacked[:, place] if eta[name].ndim > 1 else stacked[:, place.start] for name, place in places.items()}

    return stack, unstack, places


def copies(values: np.ndarray, times: int) -> np.ndarray:
    """An array of samples repeated so many times, one copy after another."""
    return values if times == 1 else np.concatenate([values] * times)


def differentiate(
    f: Callable,
    eta: np.ndarray,
    order: int,
    growable: bool | np.ndarray = False,
    gradient: Callable | None = None,
    together: bool = False,
) -> tuple[np.ndarray, Any, Any]:
    """Value, gradient and Hessian of `f` for every sample.

    Parameters
    ----------
    f : callable
        Maps eta (n, D) to the log-likelihood (n,).
    eta : ndarray of shape (n, D)
    order : {0, 1, 2}
        Highest derivative wanted.
    growable : bool or array of shape (D,)
        Columns of unknown scale (identity links), where steps may grow as well as shrink.
    gradient : callable, optional
        Maps eta (n, D) to the analytic gradient (n, D); then only the Hessian is differenced.
    together : bool
        Whether both take eta (m n, D) as well, of m copies of the samples one after another.

    Returns
    -------
    value (n,), gradient (n, D) or None, hessian (n, D, D) or None
    """
    n, size = eta.shape
    if n == 0:  # of no sample, functions need not be defined
        empty = np.empty(0), np.empty((0, size)), np.empty((0, size, size))
        return empty[0], empty[1] if order else None, empty[2] if order == 2 else None
    value = f(eta)
    if order == 0:
        return value, None, None
    together = together and n <= MAX_STACKED_ROWS
    growable = np.broadcast_to(growable, size)
    if gradient is not None and order == 1:
        return value, gradient(eta), None
    steps, ends = zip(*(_step(f, eta, j, value, growable[j], together) for j in range(size)), strict=True)

    def along(g: Callable, columns: list[int], far: tuple[np.ndarray, np.ndarray] | None = None) -> tuple[Any, ...]:
        """g at 1..4 and at -1..-4 steps along the given columns at once: two lists of four."""
        moves = {j: steps[j] for j in columns}
        at = range(1, 5 if far is None else 4)
        values = _at_points(g, [_moved(eta, moves, sign * k) for k in at for sign in (1, -1)], together)
        return tuple(zip(*zip(values[::2], values[1::2], strict=True), *([] if far is None else [far]), strict=True))

    if gradient is not None:
        columns = [_first(*along(gradient, [j])) / steps[j][:, None] for j in range(size)]
        hessian = np.stack(columns, axis=2)
        return value, gradient(eta), (hessian + hessian.transpose(0, 2, 1)) / 2

    points = [along(f, [j], ends[j]) for j in range(size)]
    first = np.stack([_first(*points[j]) / steps[j] for j in range(size)], axis=1)
    if order == 1:
        return value, first, None
    hessian = np.empty((n, size, size))
    for j in range(size):
        hessian[:, j, j] = _second(value, *points[j])
        for i in range(j):  # curvature along the diagonal minus the curvatures along the axes
            both = _second(value, *along(f, [i, j]))
            hessian[:, i, j] = hessian[:, j, i] = (both - hessian[:, i, i] - hessian[:, j, j]) / 2
    widths = np.stack(steps, axis=1)
    return value, first, hessian / (widths[:, :, None] * widths[:, None, :])


def jacobian(g: Callable, f: Callable, eta: np.ndarray, growable: np.ndarray) -> np.ndarray:
    """Derivatives (n, M, D) of g(eta) (n, M) in eta (n, D), by steps that suit f, of which g is a gradient.

    `growable` is that of `differentiate`, by column.
    """
    value, columns = f(eta), []
    for j in range(eta.shape[1]):
        step, _ = _step(f, eta, j, value, growable[j])
        pairs = ((g(_moved(eta, {j: step}, k)), g(_moved(eta, {j: step}, -k))) for k in range(1, 5))
        rise = sum(c * (up - down) for c, (up, down) in zip(FIRST_DIFFERENCE, pairs, strict=True))
        columns.append(rise / step[:, None])
    return np.stack(columns, axis=-1)


def _at_points(f: Callable, points: list[np.ndarray], together: bool) -> list:
    """Values of f at several points, in one call or in one for each."""
    return np.split(f(np.concatenate(points)), len(points)) if together else [f(at) for at in points]


def _moved(eta: np.ndarray, moves: dict, times: int) -> np.ndarray:
    """eta with `times` the given move added in some columns."""
    at = eta.copy("K")
    for column, move in moves.items():
        at[:, column] += times * move
    return at


def _first(up: Sequence[np.ndarray], down: Sequence[np.ndarray]) -> np.ndarray:
    """First difference, times the step, from values at 1..4 and at -1..-4 steps."""
    return sum(c * (u - d) for c, u, d in zip(FIRST_DIFFERENCE, up, down, strict=True))


def _second(
    value: np.ndarray,
    up: Sequence[np.ndarray],
    down: Sequence[np.ndarray],
) -> np.ndarray:
    """Second difference, times the squared step."""
    return SECOND_DIFFERENCE_CENTRE * value + sum(c * (u + d) for c, u, d in zip(SECOND_DIFFERENCE, up, down, strict=True))


def _step(
    f: Callable, eta: np.ndarray, column: int, value: np.ndarray, growable: bool, together: bool = False
) -> tuple[np.ndarray, Any]:
    """A step per sample that fits the scale of the log-likelihood, by its second difference, and f four steps up and down."""
    reach = MAX_RELATIVE_STEP * (np.maximum(1.0, np.abs(eta[:, column])) if growable else np.ones(len(eta)))
    ends, before = None, None
    last, done = reach, np.zeros(len(eta), bool)
    last_d1, last_d2 = np.full(len(eta), np.nan), np.zeros(len(eta))
    for _ in range(24):
        ends, before = tuple(_at_points(f, [_moved(eta, {column: reach}, sign) for sign in (1, -1)], together)), ends
        up, down = ends[0] - value, ends[1] - value
        d2 = np.abs(up + down)
        with np.errstate(invalid="ignore"):
            ratio = np.sqrt(d2) / MAX_RELATIVE_STEP
            if not np.isfinite(ratio.sum()):
                ratio = np.where(np.isfinite(ratio), ratio, 10.0)
            wrong, flat = ratio > 2.0, False
            if growable:
                d1, noise = np.abs(up - down) / 2, 1e-12 * np.abs(value)
                # A first difference without a second is an inflection: the step fits. If both are alike, it is a small term's.
                flat = (ratio < 0.03) & (d1 < MAX_RELATIVE_STEP) & ((d1 <= d2) | (0.3 * d1 > 1.5 * np.maximum(d2, 1e-300)))
                wrong |= flat
                # The longer step skipped a narrow region of high curvature that the last one resolved.
                too_long = (d2 < 0.1 * last_d2 * reach**2) | (np.abs(d1 / reach - last_d1) > 0.01 * last_d1 + noise / last)
                if too_long.any():
                    reach, done = np.where(too_long, last, reach), done | too_long
                    ends = tuple(np.where(too_long, *pair) for pair in zip(before, ends, strict=True))
        wrong &= np.isfinite(value) & ~done
        if not wrong.any():
            return reach / 4, ends
        factor = 1 / np.clip(ratio, 1e-3, 1e3)
        if growable:
            max_factor = np.where(d1 > d2, 0.3 * d1 / np.maximum(d2, 1e-300), np.inf)
            grows, factor = wrong & flat, np.where(flat, np.minimum(factor, max_factor), factor)
            last_d2, last_d1 = np.where(grows & (d2 > noise), d2 / reach**2, 0.0), np.where(grows, d1 / reach, np.nan)
        last, reach = reach, np.where(wrong, reach * factor, reach)
    return reach / 4, tuple(_at_points(f, [_moved(eta, {column: reach}, sign) for sign in (1, -1)], together))
