"""Integrals over the real line, one for every row's distribution, each refined where it needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._utils.messages import warn_caller
from ..likelihoods._functions import title
from ._rows import is_untransformed, quantiles

MAX_RELATIVE_ERROR = 1e-6  # relative error of an integral from which a warning says so
MIN_PANEL_WIDTH = 2.0**-45  # share of a piece: what is left of a jump is below the last digit
MIN_SHARE_OF_LARGEST_ERROR = 0.05  # of a row: panels that have less are halved later, if at all
MAX_PANELS_PER_ROW = 96  # or twice the pieces of the row, if these are more
PANELS_PER_BLOCK = 1 << 13  # panels whose integrand is evaluated at a time
LENGTHS_TO_FAR_CUTS = (1.0, 40.0)  # distances from the outer quantiles at which a piece that reaches to a far point is cut
MAX_LENGTHS_TO_END = 100.0  # distance from the outer cut to an end of the support that a piece is mapped to
RELATIVE_ROUNDING = 50 * np.finfo(float).eps  # rounding error of a panel's integral, relative to that of the absolute value

# Kronrod's rule of 15 nodes and, at every other node, Gauss's of 7, on (-1, 1).
_NODES = [
    0.991455371120812639206854697526329,
    0.949107912342758524526189684047851,
    0.864864423359769072789712788640926,
    0.741531185599394439863864773280788,
    0.586087235467691130294144691693013,
    0.405845151377397166906606412076961,
    0.207784955007898467600689403773245,
    0.0,
]
_KRONROD_WEIGHTS = [
    0.022935322010529224963732008058970,
    0.063092092629978553290700663189204,
    0.104790010322250183839876322541518,
    0.140653259715525918745189590510238,
    0.169004726639267902826583426598550,
    0.190350578064785409913256402421014,
    0.204432940075298892414161999234649,
    0.209482141084727828012999174891714,
]
_GAUSS_WEIGHTS = [
    0.129484966168869693270611432679082,
    0.279705391489276667901467771423780,
    0.381830050505118944950369775488975,
    0.417959183673469387755102040816327,
]
UNIT_NODES = (1 - np.array([*_NODES, *(-node for node in _NODES[-2::-1])])) / 2  # on (0, 1), ascending
KRONROD_WEIGHTS = np.array([*_KRONROD_WEIGHTS, *_KRONROD_WEIGHTS[-2::-1]]) / 2
GAUSS_WEIGHTS = np.array([*_GAUSS_WEIGHTS, *_GAUSS_WEIGHTS[-2::-1]]) / 2


def integrate(f: Callable, dist: Any, points: Any = (), size: np.ndarray | None = None, tolerance: float = 1e-11) -> np.ndarray:
    """Integral over the real line of f for every row of a distribution.

    ``f(t, rows)`` takes points t (nodes, m) on pieces of the line of the rows `rows` (m,), and gives its values there. The line
    is cut at quantiles of `dist` and at `points`, and on the way to a far point. The two outer pieces are mapped so that
    algebraic tails and singular ends of the support become exponential. Pieces are halved where they need it. Errors are
    relative to `size` (n,), by default the distance of the quartiles.
    """
    support = dist.likelihood.support if is_untransformed(dist) else None
    ends = (-np.inf, np.inf) if support is None else (support.low, support.high)
    cuts, length = _cuts(dist, points, ends)
    size, last, all_rows = length if size is None else size, len(cuts) - 1, np.arange(len(length))
    outer_lengths, is_infinite = _outer_lengths(lambda t: f(t[None], all_rows)[0], dist, cuts, ends, length, size)

    def on_pieces(u: np.ndarray, rows: np.ndarray, piece: np.ndarray) -> np.ndarray:
        """The integrand on pieces (m,) of rows (m,), in u (nodes, m) from 0 to 1 along the piece."""
        value = np.empty(u.shape)
        for chosen, sign, side in ((piece == 0, -1.0, 0), (piece == last + 1, 1.0, -1)):
            if chosen.any():
                row = rows[chosen]
                distances = outer_lengths[side][row], length[row]
                value[:, chosen] = _outer(lambda t, r=row: f(t, r), u[:, chosen], sign, cuts[side][row], ends[side], *distances)
        inner = (piece > 0) & (piece <= last)
        if inner.any():
            row, at = rows[inner], piece[inner]
            low, width = cuts[at - 1, row], cuts[at, row] - cuts[at - 1, row]
            value[:, inner] = f(low + u[:, inner] * width, row) * width
        return np.nan_to_num(value / size[rows], nan=np.nan, posinf=1e200, neginf=-1e200)

    rows, piece = np.tile(all_rows, last + 2), np.repeat(np.arange(last + 2), len(all_rows))
    used = ~is_infinite[rows]
    used[used] &= (np.diff(cuts, axis=0, prepend=-np.inf, append=np.inf)[piece, rows] > 0)[used]
    result, error = _adaptive(on_pieces, rows[used], piece[used], len(all_rows), tolerance)
    if (worst := np.nanmax(error, initial=0.0)) > MAX_RELATIVE_ERROR:
        warn_caller(
            f"an integral over {title(dist.likelihood)} reached a relative error of {worst:.0e} only, in its hardest "
            "row; score fewer rows at a time, or use log_score",
            RuntimeWarning,
        )
    return np.where(is_infinite | (np.abs(result) > 1e100), np.inf, result * size)


def _cuts(dist: Any, points: list, ends: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Sorted points (cuts, n) between which the integrand is smooth, and the distance between the middle quantiles."""
    at_levels = quantiles(dist)
    length = np.maximum(at_levels[3] - at_levels[1], 1e-6 * (at_levels[-1] - at_levels[0]))
    length = np.where(length > 0, length, np.maximum(np.abs(at_levels[2]), 1.0) * 1e-3)
    cuts = np.sort(np.stack([*at_levels, *(np.broadcast_to(point, length.shape) for point in points)]), axis=0)
    further = [at_levels[side] + step * length for step in LENGTHS_TO_FAR_CUTS for side, step in ((0, -step), (-1, step))]
    further += [np.full(len(length), end) for end in ends if np.isfinite(end)]
    return np.sort(np.concatenate([cuts, np.clip(further, cuts[0], cuts[-1])]), axis=0), length


def _adaptive(
    on_pieces: Callable, rows: np.ndarray, piece: np.ndarray, n: int, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Sums (n,) over the pieces of every row of their integrals, and the estimated errors relative to max(1, |sum|).

    All panels are evaluated together. Rows whose error is too large have the panels halved that contribute most to it.
    """
    max_count = np.maximum(MAX_PANELS_PER_ROW, 2 * np.bincount(rows, minlength=n))
    panels = _panels(on_pieces, rows, piece, np.zeros(len(rows)), np.ones(len(rows)))
    while True:
        rows, piece, low, width, value, gap, noise = panels
        rows, piece = rows.astype(np.intp), piece.astype(np.intp)
        total, error, count = np.bincount(rows, value, n), np.bincount(rows, gap, n), np.bincount(rows, minlength=n)
        allowed, largest = tolerance * np.maximum(1.0, np.abs(total)), np.zeros(n)
        np.maximum.at(largest, rows, np.where(gap > noise, gap, 0.0))
        open_rows = (error > allowed) & (count < max_count)
        halved = open_rows[rows] & (gap > noise) & (width > MIN_PANEL_WIDTH)
        halved &= gap > np.maximum(0.5 * allowed / np.maximum(count, 1), MIN_SHARE_OF_LARGEST_ERROR * largest)[rows]
        if not halved.any():
            return total, error / np.maximum(1.0, np.abs(total))
        rows, piece, half = rows[halved], piece[halved], width[halved] / 2
        sides = [_panels(on_pieces, rows, piece, low[halved] + side * half, half) for side in (0, 1)]
        panels = np.concatenate([panels[:, ~halved], *sides], axis=1)


def _panels(on_pieces: Callable, rows: np.ndarray, piece: np.ndarray, low: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Rows of an array: those of the arguments, the integrals, their errors as QUADPACK estimates them, their rounding."""
    result = np.stack([rows, piece, low, width, low, low, low])
    for first in range(0, len(rows), PANELS_PER_BLOCK):
        part = slice(first, first + PANELS_PER_BLOCK)
        values = on_pieces(low[part] + np.outer(UNIT_NODES, width[part]), rows[part], piece[part])
        with np.errstate(all="ignore"):
            mean = KRONROD_WEIGHTS @ values
            gap = np.abs(mean - GAUSS_WEIGHTS @ values[1::2])
            spread = KRONROD_WEIGHTS @ np.abs(values - mean)
            gap = np.where((gap > 0) & (spread > 0), spread * np.minimum(1.0, (200 * gap / spread) ** 1.5), gap)
            noise = RELATIVE_ROUNDING * (KRONROD_WEIGHTS @ np.abs(values))
            result[4:, part] = width[part] * np.stack([mean, np.maximum(gap, noise), noise])
    return result


def _outer_lengths(
    f: Callable, dist: Any, cuts: np.ndarray, ends: tuple[float, float], length: np.ndarray, size: np.ndarray
) -> tuple[Any, np.ndarray]:
    """Lengths of the outer pieces beyond the first and last cut, and the rows in which the integral is not finite."""
    beyond = quantiles(dist, (1e-14, 1 - 1e-14))
    with np.errstate(all="ignore"):  # beyond a light tail some distribution functions are slow or NaN
        outer_lengths = [np.abs(far - cut) for far, cut in zip(beyond, (cuts[0], cuts[-1]), strict=True)]
        outer_lengths = [np.where(outer_length < 1e6 * length, 20 * outer_length, 1e150) for outer_length in outer_lengths]
        # a tail that is not negligible at the largest numbers has no finite integral
        far = [np.abs(f(cuts[0] - outer_lengths[0])), np.abs(f(cuts[-1] + outer_lengths[1]))]
        pieces = zip(outer_lengths, ends, far, strict=True)
        heavy = [
            (outer_length == 1e150) & np.isinf(end) & (outer_length * value > 1e-8 * size)
            for outer_length, end, value in pieces
        ]
    return outer_lengths, heavy[0] | heavy[1]


def _outer(
    f: Callable, u: np.ndarray, sign: float, start: np.ndarray, end: float, max_distance: np.ndarray, length: np.ndarray
) -> np.ndarray:
    """The integrand of an outer piece at u in (0, 1) from its cut, which is mapped to the distance from the cut."""
    with np.errstate(all="ignore"):
        w = u / (1 - u)
        to_end = np.maximum(sign * (end - start), 0.0)
        near = to_end <= MAX_LENGTHS_TO_END * length
        distance = np.where(near, -to_end * np.expm1(-w), length * np.expm1(w))
        slope = np.where(near, to_end * np.exp(-w), length * np.exp(w)) / (1 - u) ** 2
        value = np.where(distance <= max_distance, f(start + sign * np.minimum(distance, max_distance)), 0.0)
        return np.where(value == 0, 0.0, value * slope)
