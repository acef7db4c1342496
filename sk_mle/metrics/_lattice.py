"""Masses of laws of whole numbers over long ranges, from few evaluations.

The first masses are evaluated one by one. Beyond them, logs of masses vary over ever longer distances: they are interpolated on
panels of 128, 256, 512, ... whole numbers from 24 of these each, near Chebyshev's points. At two more of them the law itself
says whether that is exact. Where it is not, or where the masses do not add up to one, they are evaluated one by one as well.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .._predictive.distribution import Distribution

MAX_DIRECT_COUNT = 128  # whole numbers from the first one on whose masses are all evaluated
MAX_PANEL_SIZE = 1 << 14
NODES_PER_PANEL = 24
CHECKED_SHARES = (0.1, 0.8)  # of a panel: where the interpolation is compared with the law
MAX_LOG_ERROR = 1e-11  # there
NEGLIGIBLE_LOG_MASS = -100.0
MAX_TOTAL_ERROR = 1e-10  # of the masses that are added up, beside the probability outside of their range


def masses(dist: Distribution, first: np.ndarray, width: int, before: np.ndarray) -> np.ndarray:
    """The masses (width, n) of whole numbers from `first` (n,) on, of which the probability `before` (n,) lies below.

    The range must hold all but a negligible probability above it.
    """
    k = first + np.arange(min(width, MAX_DIRECT_COUNT))[:, None]
    result, start = np.empty((width, len(first))), len(k)
    result[:start] = dist.pmf(k)
    while start < width:
        size = min(start, MAX_PANEL_SIZE)
        panel = slice(start, min(start + size, width))
        result[panel], rough = _interpolated(dist, first + start, size, panel.stop - start)
        _evaluate(dist, first, result, panel, rough)
        start += size
    if width > MAX_DIRECT_COUNT:
        off = ~(np.abs(before + result.sum(axis=0) - 1) <= MAX_TOTAL_ERROR)
        _evaluate(dist, first, result, slice(MAX_DIRECT_COUNT, width), off)
    return result


def _evaluate(dist: Distribution, first: np.ndarray, result: np.ndarray, panel: slice, rows: np.ndarray) -> None:
    """Evaluate the masses of a panel one by one in some rows of the distribution."""
    if rows.any():
        result[panel, rows] = dist[rows].pmf(first[rows] + np.arange(panel.start, panel.stop)[:, None])


def _interpolated(dist: Distribution, first: np.ndarray, size: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The masses (n, rows) of a panel's first n whole numbers, and the rows (rows,) in which they are not smooth."""
    points, matrix = _rule(size)
    logs = dist.logpmf(first + points[:, None])
    nodes, checks = logs[:NODES_PER_PANEL], logs[NODES_PER_PANEL:]
    negligible = logs.max(axis=0) < NEGLIGIBLE_LOG_MASS
    with np.errstate(all="ignore"):
        values = matrix[:n] @ nodes
        gaps = np.abs(matrix[points[NODES_PER_PANEL:]] @ nodes - checks)
        result = np.where(negligible, 0.0, np.exp(values))
    return result, ~(negligible | (gaps <= MAX_LOG_ERROR).all(axis=0))


@lru_cache
def _rule(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and checked points of a panel, and the barycentric matrix (size, nodes) from values at the nodes to all values."""
    spread = (1 - np.cos(np.pi * np.arange(NODES_PER_PANEL) / (NODES_PER_PANEL - 1))) / 2
    nodes = np.rint((size - 1) * spread).astype(int)
    checks = np.setdiff1d(np.arange(size), nodes)[[int(share * (size - NODES_PER_PANEL)) for share in CHECKED_SHARES]]
    x = 4.0 * nodes / size  # on an interval of this length, products of differences keep their size
    gaps = x[:, None] - x + np.eye(NODES_PER_PANEL)
    distances = 4.0 * np.arange(size)[:, None] / size - x
    distances[nodes] = 1.0
    matrix = 1 / (gaps.prod(axis=1) * distances)
    matrix /= matrix.sum(axis=1, keepdims=True)
    matrix[nodes] = np.eye(NODES_PER_PANEL)
    return np.concatenate([nodes, checks]), matrix
