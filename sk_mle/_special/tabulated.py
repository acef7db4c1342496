"""Smooth functions of one variable at many points, from few evaluations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import chebvander

MIN_POINTS = 1024  # from which on interpolation is tried
NODES_PER_PANEL = 16
MAX_SHARE = 0.25  # of the number of points: evaluations after which all points are evaluated instead
MAX_RELATIVE_ERROR = 1e-12

NODES = np.cos(np.pi * (np.arange(NODES_PER_PANEL) + 0.5) / NODES_PER_PANEL)
TO_SERIES = chebvander(NODES, NODES_PER_PANEL - 1) * (np.where(np.arange(NODES_PER_PANEL) == 0, 1, 2) / NODES_PER_PANEL)


def tabulated(functions: Callable, x: np.ndarray, max_errors: Any = MAX_RELATIVE_ERROR) -> np.ndarray | None:
    """Values (k, n) of smooth functions at many x (n,), by Chebyshev series on panels; None where these do not pay.

    `functions` takes points (m,) and returns (k, m). Panels of length one at most are halved until the last coefficients are
    below `max_errors`, one or (k,), relative to the largest value on the panel; the series itself is more exact. Where
    functions are not smooth, or have more rounding than that, it takes too many evaluations.
    """
    low, high = (x.min(), x.max()) if len(x) >= MIN_POINTS else (np.nan, np.nan)
    budget, span = MAX_SHARE * len(x), high - low
    if not span * NODES_PER_PANEL < budget:  # not for infinite or NaN ends either
        return None
    n_panels = max(int(np.ceil(span)), 1)
    half = np.full(n_panels, max(span / n_panels / 2, np.spacing(np.abs(high)), 1e-300))
    middle = low + half * (2 * np.arange(n_panels) + 1)
    found: list[tuple] = []
    while len(middle):
        budget -= len(middle) * NODES_PER_PANEL
        if budget < 0:
            return None
        values = np.asarray(functions((middle[:, None] + half[:, None] * NODES).ravel()))
        values = values.reshape(len(values), len(middle), NODES_PER_PANEL)
        series = values @ TO_SERIES
        errors = np.abs(series[..., -2:]).max(axis=2) / np.maximum(np.abs(values).max(axis=2), 1e-300)
        rough = ~(max_errors >= errors.T).all(axis=1)
        found.extend(zip(middle[~rough], half[~rough], np.moveaxis(series[:, ~rough], 1, 0), strict=True))
        half = np.tile(half[rough] / 2, 2)
        middle = np.tile(middle[rough], 2) + np.repeat([-1.0, 1.0], rough.sum()) * half
    return _evaluated(sorted(found, key=lambda panel: panel[0]), x)


def _evaluated(panels: list[tuple], x: np.ndarray) -> np.ndarray:
    """Sums (k, n) of the panels' series at x."""
    order = np.argsort(x)
    ends = np.searchsorted(x[order], [middle + half for middle, half, _ in panels[:-1]])
    result = np.empty((len(panels[0][2]), len(x)))
    for rows, (middle, half, series) in zip(np.split(order, ends), panels, strict=True):
        if len(rows):
            result[:, rows] = series @ chebvander((x[rows] - middle) / half, NODES_PER_PANEL - 1).T
    return result
