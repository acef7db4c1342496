"""The continuous ranked probability score of a law from its density alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial.legendre import leggauss, legvander

from .inversion import END_OF_PANELS, N_PANELS
from .law import Law
from .quadrature import centre_and_width, flattened, maps_to_support, row_slices

NODES, WEIGHTS = leggauss(10)
HALF_PANEL_WIDTH = END_OF_PANELS / N_PANELS
PANEL_EDGES = np.linspace(-END_OF_PANELS, END_OF_PANELS, N_PANELS + 1)
NEGLIGIBLE_DENSITY = 1e-25  # density in t at both ends of a panel below which the panel is left out
MAX_MISSING_MASS, MAX_MISSING_SCORE = 1e-9, 1e-11  # missing probability; missing part of the score, relative to it


def density_score(law: Law, y: np.ndarray, params: dict, max_tables: float = np.inf) -> np.ndarray:
    """The continuous ranked probability score of each row; NaN if the density is not smooth, or its tails or y too far out.

    Rows of the same parameters share one table of the distribution function; NaN also where that takes more than `max_tables`.
    """
    _, params, _ = flattened(y, params, law)
    result, columns = np.full(len(y), np.nan), [value.reshape(len(y), -1) for value in params.values()]
    if not columns:
        first, place = np.zeros(1, int), np.zeros(len(y), int)
    else:
        _, first, place = np.unique(np.concatenate(columns, axis=1), axis=0, return_index=True, return_inverse=True)
    if len(first) > max_tables:
        return result
    place = place.ravel()
    with np.errstate(all="ignore"):
        for part in row_slices(len(first), N_PANELS * len(NODES)):
            table = _Table(law, {name: value[first[part]] for name, value in params.items()} or {"": np.zeros(1)})
            here = np.flatnonzero((place >= part.start) & (place < part.stop))
            result[here] = table.score(y[here], place[here] - part.start)
    return result


class _Table:
    """Tails of several laws, and integrals of their squares, at the ends of panels in t, where x = centre + width sinh(t)."""

    def __init__(self, law: Any, params: Any) -> None:
        self.to_y, self.log_slope, self.to_x = maps_to_support(law.support)
        self.centre, self.width, self.log_density = centre_and_width(law, {n: v for n, v in params.items() if n})
        n_laws = len(self.centre)
        at_edges = self._density(np.broadcast_to(PANEL_EDGES, (n_laws, len(PANEL_EDGES)))).max(axis=0)
        used = np.flatnonzero(np.maximum(at_edges[1:], at_edges[:-1]) > NEGLIGIBLE_DENSITY)
        t = (PANEL_EDGES[used] + HALF_PANEL_WIDTH)[:, None] + HALF_PANEL_WIDTH * NODES
        values = np.zeros((n_laws, N_PANELS, len(NODES)))
        values[:, used] = self._density(np.broadcast_to(t.ravel(), (n_laws, t.size))).reshape(n_laws, len(used), -1)
        self.coefs = values @ TO_LEGENDRE_SERIES
        masses = 2 * HALF_PANEL_WIDTH * self.coefs[:, :, 0]
        self.below = np.concatenate([np.zeros((n_laws, 1)), np.cumsum(masses, axis=1)], axis=1)
        self.above = np.concatenate([np.cumsum(masses[:, ::-1], axis=1)[:, ::-1], np.zeros((n_laws, 1))], axis=1)
        inner = HALF_PANEL_WIDTH * (self.coefs @ _integrals(NODES).T)
        slope = self._slope((PANEL_EDGES[:-1] + HALF_PANEL_WIDTH)[:, None] + HALF_PANEL_WIDTH * NODES)
        left = HALF_PANEL_WIDTH * (_square(self.below[:, :-1, None] + inner, slope) @ WEIGHTS)
        right = HALF_PANEL_WIDTH * (_square(self.above[:, 1:, None] + (masses[:, :, None] - inner), slope) @ WEIGHTS)
        self.left = np.concatenate([np.zeros((n_laws, 1)), np.cumsum(left, axis=1)], axis=1)
        self.right = np.concatenate([np.cumsum(right[:, ::-1], axis=1)[:, ::-1], np.zeros((n_laws, 1))], axis=1)
        self.outside = left[:, 0] + right[:, -1]  # estimate of the integrals beyond the panels
        self.misses_mass = ~(np.abs(self.below[:, -1] - 1) < MAX_MISSING_MASS)

    def _density(self, t: np.ndarray) -> Any:
        value = np.exp(self.log_density(self.centre[:, None] + self.width[:, None] * np.sinh(t)))
        return value * self.width[:, None] * np.cosh(t)

    def _slope(self, t: np.ndarray, rows: Any = slice(None)) -> Any:
        """dy / dt at t of shape (panels, nodes), or of shape (rows, nodes)."""
        lengths = (1,) * t.ndim if isinstance(rows, slice) else (1,) * (t.ndim - 1)
        centre, width = (v[rows].reshape(-1, *lengths) for v in (self.centre, self.width))
        x = centre + width * np.sinh(t)
        return np.exp(self.log_slope(x)) * width * np.cosh(t)

    def score(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        t = np.arcsinh((self.to_x(y) - self.centre[rows]) / self.width[rows])
        inside = np.abs(t) < END_OF_PANELS
        t = np.where(inside, t, 0.0)
        panel = np.clip(((t + END_OF_PANELS) / (2 * HALF_PANEL_WIDTH)).astype(int), 0, N_PANELS - 1)
        middle = PANEL_EDGES[panel] + HALF_PANEL_WIDTH
        s = np.clip((t - middle) / HALF_PANEL_WIDTH, -1.0, 1.0)[:, None]
        coefs, total = self.coefs[rows, panel], self.left[rows, panel] + self.right[rows, panel + 1]
        for low, length, lower in ((-1.0, s + 1, True), (s, 1 - s, False)):
            u = low + length * (1 + NODES) / 2
            inner = HALF_PANEL_WIDTH * np.einsum("ijk,ik->ij", _integrals(u), coefs)
            tail = self.below[rows, panel][:, None] + inner
            if not lower:
                tail = self.above[rows, panel + 1][:, None] + (2 * HALF_PANEL_WIDTH * coefs[:, :1] - inner)
            slope = self._slope(middle[:, None] + HALF_PANEL_WIDTH * u, rows)
            total = total + HALF_PANEL_WIDTH * length[:, 0] / 2 * (_square(tail, slope) @ WEIGHTS)
        inexact = self.misses_mass[rows] | ~inside | ~(self.outside[rows] < MAX_MISSING_SCORE * total)
        return np.where(inexact, np.nan, total)


def _square(tail: np.ndarray, slope: float) -> np.ndarray:
    return np.where(tail > 0, tail**2 * slope, 0.0)


def _integrals(u: np.ndarray) -> np.ndarray:
    """Integrals of the Legendre polynomials from -1 to u, on a last axis."""
    values = legvander(u, len(NODES))
    k = np.arange(1, len(NODES))
    return np.concatenate([(u + 1)[..., None], (values[..., 2:] - values[..., :-2]) / (2 * k + 1)], axis=-1)


TO_LEGENDRE_SERIES = legvander(NODES, len(NODES) - 1) * WEIGHTS[:, None] * (np.arange(len(NODES)) + 0.5)
