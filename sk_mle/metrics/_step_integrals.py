"""Integrals of functions of rows times one step function of many steps, at a cost per row that does not grow with the steps.

A panel of the line is shared by all rows that need it. On it the function of a row is a Legendre series through its values at
Chebyshev's points, and the steps enter by their integrals against Legendre polynomials, one vector per panel; panels are halved
where the series has not converged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import legvander

DEGREE = 15  # of the polynomial that interpolates f on a panel
NODES = np.cos(np.pi * np.arange(DEGREE, -1, -1) / DEGREE)  # with both ends, so that no rise between two panels is missed
VALUES_TO_COEFFICIENTS = np.linalg.inv(legvander(NODES, DEGREE))
RELATIVE_TOLERANCE = 1e-13  # of the last coefficients times the weight of the panel, relative to the size of the row
MAX_HALVINGS = 50  # of a panel


class Steps(NamedTuple):
    """A step function from `edges[0]` on: `heights[k]` from `edges[k]`, the last one without end."""

    edges: np.ndarray
    heights: np.ndarray

    def moments(self, panels: np.ndarray, width: float, panel: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Integrals of the function times Legendre polynomials of a panel, from its start to `ends` (m,): (m, DEGREE + 1).

        `panels` are the distinct numbers, in order, of panels of one width that begin at the first edge; `panel` (m,) are
        positions among them.
        """
        of_edge = np.floor((self.edges - self.edges[0]) / width).astype(np.int64)
        inside = np.isin(of_edge, panels)
        starts = self.edges[0] + panels * width
        edges = np.concatenate([starts, self.edges[inside]])
        owner = np.concatenate([np.arange(len(panels)), np.searchsorted(panels, of_edge[inside])])
        heights = np.concatenate([self.heights[np.searchsorted(self.edges, starts, side="right") - 1], self.heights[inside]])
        order = np.lexsort((edges, owner))
        edges, owner, heights = edges[order], owner[order], heights[order]
        at_edges = _antiderivatives(2 * (edges - starts[owner]) / width - 1)
        rises = heights[:-1, None] * np.diff(at_edges, axis=0)  # those from one panel to the next are subtracted below
        before = np.cumsum(np.vstack([np.zeros(DEGREE + 1), rises]), axis=0)
        first = np.searchsorted(owner, panel)
        last = np.searchsorted(owner, panel, side="right") - 1
        step = np.clip(np.searchsorted(edges, ends, side="right") - 1, first, last)
        at_ends = _antiderivatives(2 * (ends - starts[panel]) / width - 1)
        return width / 2 * (before[step] - before[first] + heights[step, None] * (at_ends - at_edges[step]))


def _antiderivatives(x: np.ndarray) -> np.ndarray:
    """Antiderivatives of the Legendre polynomials, from -1: (len(x), DEGREE + 1)."""
    values = legvander(x, DEGREE + 1)
    rest = (values[:, 2:] - values[:, :-2]) / (2 * np.arange(1, DEGREE + 1) + 1)
    return np.column_stack([x + 1, rest])


def integrate_steps(f: Callable, steps: Steps, stop: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Integrals (n,) of f times a step function, from its first edge to `stop`.

    Parameters
    ----------
    f : callable
        ``f(t, rows)``: values at points t (points, m) of the rows (m,); monotone in t, and smooth but for a few points.
    steps : Steps
    stop : ndarray of shape (n,)
    size : ndarray of shape (n,)
        To which errors are relative.
    """
    start, total = steps.edges[0], np.zeros(len(stop))
    width = float(np.max(stop, initial=start) - start)
    rows = np.flatnonzero(stop > start)
    numbers = np.zeros(len(rows), dtype=np.int64)  # of the panels of the rows, each 2^-halvings of the whole
    for halvings in range(MAX_HALVINGS + 1):
        if not len(rows):
            break
        panels, panel = np.unique(numbers, return_inverse=True)
        low = start + numbers * width
        moments = steps.moments(panels, width, panel, np.minimum(stop[rows], low + width))
        coefficients = VALUES_TO_COEFFICIENTS @ f(low + (NODES[:, None] + 1) / 2 * width, rows)
        error = np.abs(coefficients[-2:]).sum(axis=0) * moments[:, 0]
        done = (error <= RELATIVE_TOLERANCE * size[rows]) | (halvings == MAX_HALVINGS)
        np.add.at(total, rows[done], np.einsum("ij,ji->i", moments[done], coefficients[:, done]))
        width /= 2
        right = ~done & (stop[rows] > low + width)
        rows = np.concatenate([rows[~done], rows[right]])
        numbers = np.concatenate([2 * numbers[~done], 2 * numbers[right] + 1])
    return total
