"""Sums over whole numbers, in few evaluations however many terms matter.

Away from the point where a sum begins, masses of a smooth law vary over ever longer distances. So panels of 16, 16, 32, 64,
... whole numbers follow each other, and each is summed with 16 nodes: the Gauss rule of the uniform weight on L whole
numbers, which for L = 16 is these numbers themselves. A million terms cost 17 panels. And a bell far from the end of the
support is summed in equal steps of a third of its standard deviation: the trapezoidal rule, which there is as exact as the
sum itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import logsumexp

from .gamma_functions import log1p_minus

NODES_PER_PANEL = 16
NODES_OF_CHECK = 13  # nodes of the second rule, by which the first is checked
NEGLIGIBLE_PANEL_LOG_RATIO = 45.0  # log ratio of sum to panel from which the panel adds nothing
NEGLIGIBLE_LOG_RATIO = 38.0  # log ratio of largest term to term from which the term adds nothing
MAX_TERMS_SUMMED_ALL = 288  # whole numbers up to which all are summed
CELLS_PER_BLOCK = 1 << 15  # rows times terms at a time: what fits the processor's cache


@lru_cache
def _rule(exponent: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes from 0 to L - 1 and log weights for a sum over L = 2**exponent whole numbers."""
    size = 2.0**exponent
    if size == NODES_PER_PANEL:
        return np.arange(size), np.zeros(NODES_PER_PANEL)
    # Golub and Welsch's nodes, from the recurrence of the discrete Chebyshev polynomials.
    nodes, vectors = eigh_tridiagonal(np.full(NODES_PER_PANEL, (size - 1) / 2), _off_diagonal(size, NODES_PER_PANEL))
    return nodes, np.log(size) + 2 * np.log(np.abs(vectors[0]))


def _off_diagonal(size: float, n_nodes: int) -> np.ndarray:
    """The coefficients of the recurrence of the discrete Chebyshev polynomials on `size` whole numbers."""
    n = np.arange(1.0, n_nodes)
    return n / 2 * np.sqrt((size - n) * (size + n) / (4 * n * n - 1))


@lru_cache
def whole_rules(exponent: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes and the weights of two rules for a sum over L = 2**exponent >= 256 whole numbers, each with nodes of its own.

    The nodes are whole, for terms that are defined only there: Gauss' rounded down, with the weights that are exact for
    polynomials. Where the two sums differ, the terms do not vary smoothly.
    """
    size, nodes, weights = 2.0**exponent, [], []
    for n_nodes in (NODES_PER_PANEL, NODES_OF_CHECK):
        off = _off_diagonal(size, n_nodes)
        node = np.floor(eigh_tridiagonal(np.full(n_nodes, (size - 1) / 2), off, eigvals_only=True))
        polynomials = [np.zeros(n_nodes), np.ones(n_nodes)]
        for before, after in zip([0.0, *off[:-1]], off, strict=True):
            polynomials.append(((node - (size - 1) / 2) * polynomials[-1] - before * polynomials[-2]) / after)
        nodes.append(node)
        weights.append(np.linalg.solve(np.array(polynomials[1:]), size * np.eye(n_nodes)[0]))
    first, check = weights
    return np.concatenate(nodes), np.append(first, 0 * check), np.append(0 * first, check)


def panel(done: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, log weights and lengths of the next panel, for rows with `done` terms summed and `left` terms to go."""
    size = np.maximum(np.minimum(done, left), NODES_PER_PANEL)
    exponent = np.minimum(np.frexp(size)[1] - 1, 62)  # the power of two at or below
    node, weight = np.empty((len(done), NODES_PER_PANEL)), np.empty((len(done), NODES_PER_PANEL))
    for e in np.unique(exponent):
        node[exponent == e], weight[exponent == e] = _rule(int(e))
    return node, np.where(node < left[:, None], weight, -np.inf), 2.0**exponent


def log_sum(f: Callable, start: np.ndarray, sign: float, count: np.ndarray, to_end: bool) -> np.ndarray:
    """log of the sum of exp(f(k, rows)) over `count` whole numbers from `start` on, up (sign 1) or down (-1), per row.

    Stops where the terms do not matter any more, unless `to_end` says that larger ones may follow.
    """
    total, done = np.full(len(start), -np.inf), np.zeros(len(start))
    rows = np.flatnonzero(count > 0)
    while len(rows):
        node, weight, length = panel(done[rows], count[rows] - done[rows])
        terms = f(start[rows][:, None] + sign * (done[rows][:, None] + node), rows) + weight
        log_part = logsumexp(np.where(np.isnan(terms), -np.inf, terms), axis=1)
        total[rows] = np.logaddexp(total[rows], log_part)
        done[rows] += length
        negligible = (log_part <= total[rows] - NEGLIGIBLE_PANEL_LOG_RATIO) & (terms[:, -1] <= terms[:, 0]) & (not to_end)
        rows = rows[(done[rows] < count[rows]) & ~negligible & (done[rows] < 1e18)]
    return total


def negligible_from(top: np.ndarray, sharpness: np.ndarray) -> np.ndarray:
    """The whole number beyond which terms are below exp(-38) of the largest, which is at `top` or below.

    Terms must fall at least as exp(-sharpness * top * (x log x - x + 1)), x = k / top, or else as those of a geometric law.
    """
    drop = NEGLIGIBLE_LOG_RATIO / (sharpness * top)
    over = drop / 3 + np.sqrt(drop**2 / 9 + 2 * drop)  # x - 1, by Bernstein's bound
    for _ in range(3):
        log = np.log1p(over)
        over = over - (log1p_minus(over) + over * log - drop) / log
    return np.fmin(top + top * over, NEGLIGIBLE_LOG_RATIO / np.log1p(1 / top) + top)


def summation_nodes(centre: np.ndarray, sharpness: np.ndarray, first: int = 0) -> Iterator[tuple]:
    """Rows, nodes k and log weights, for sums from `first` on of terms as in `negligible_from` with a bell near `centre`."""
    end = np.ceil(negligible_from(centre + np.maximum(0.5 - 0.5 / sharpness, 0.0), sharpness)) + 2
    few, far = end <= MAX_TERMS_SUMMED_ALL, centre * sharpness > 144  # a far bell is negligible at the end of the support
    for chosen, nodes in ((few, _all_terms), (far & ~few, _equal_steps), (~far & ~few, _panels)):
        rows = np.flatnonzero(chosen)
        rows = rows[np.argsort(end[rows])]
        while len(rows):
            size = max(int(CELLS_PER_BLOCK / end[rows[min(len(rows), 64) - 1]]), 16)
            part, rows = rows[:size], rows[size:]
            yield part, *nodes(centre[part], sharpness[part], end[part], first)


def _all_terms(centre: np.ndarray, sharpness: np.ndarray, end: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Every whole number."""
    k = np.arange(float(first), end.max() + 1)[None, :]
    return k, np.zeros_like(k)


def _equal_steps(centre: np.ndarray, sharpness: np.ndarray, end: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps of a third of the bell's standard deviation."""
    step = np.maximum(np.sqrt(centre / sharpness) / 3, 1.0)[:, None]
    k = np.floor(centre)[:, None] + step * np.arange(-30, np.ceil(((end - centre)[:, None] / step).max()) + 1)
    return k, np.log(step) + 0 * k


def _panels(centre: Any, sharpness: Any, end: Any, first: Any) -> tuple[np.ndarray, np.ndarray]:
    """Panels up from the peak, down from the peak to half of it, and up from zero to half of it."""
    peak = np.floor(np.maximum(centre + (0.5 - 0.5 / sharpness), 0.0))
    nodes, weights = [], []
    for start, sign, count in (
        (peak, 1, end - peak + 1),
        (peak - 1, -1, np.floor(peak / 2)),
        (0 * peak, 1, np.ceil(peak / 2)),
    ):
        done = np.zeros_like(start)
        while (done < count).any():
            node, weight, length = panel(done, np.maximum(count - done, 0.0))
            nodes.append(np.maximum(start[:, None] + sign * (done[:, None] + node), 0.0))
            weights.append(weight)
            done = done + length
    return np.concatenate(nodes, axis=1), np.concatenate(weights, axis=1)
