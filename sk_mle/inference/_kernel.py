"""Covariance of estimates of laws with kinks, such as quantile regressions: a sandwich around a kernel estimate of curvature.

The second derivatives of such a log-likelihood are zero or meaningless at the kinks; in large samples its curvature is
the density of y at the kinks times their steepness. The expected information takes that density from the law, at one point:
with a sharp peak there, intervals from a few hundred rows cover too little, and with another law than that of y at any size.
Here the density is estimated from the rows whose kinks are near, with a normal kernel as wide as the standard error of the
row's linear predictor, found together with that error (Brown and Wang 2005, Standard errors and covariance matrices for
smoothed rank estimators, doi:10.1093/biomet/92.1.149). In many rows that is narrower than the estimate of a density needs, and
the width falls with the cube root of their number only, as Hall and Sheather's. Rows
through which the fit must pass, as many as there are coefficients, carry no information on a density and do not count.

Only the first parameter's block of the information is estimated so; the other blocks are the expected information, or the
observed if a law has no formula for it. The width is that of the first parameter with the others as if known: with their
uncertainty included, the curvature that is left beside a free quantile would often be negative. Coefficients that
change too few rows for a kernel, as those of a category of three rows, have no such estimate; that of the others does not
depend on them.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from .._model.data import Batch
from ..likelihoods._functions import averaged_information
from ._information import FitPoint

MAX_ITERATIONS = 40  # of variances and the kernel width that follows from them
VARIANCE_TOL = 1e-3  # relative change of variances in an iteration
MAX_VARIANCE_RATIO = 10.0  # of a variance that still grows to that by the expected information, up to which it is accepted
MIN_GROWTH = 1.2  # factor in the second half of the iterations from which a variance grows
MAX_EMPTY_WIDENING = 1e4  # of variances, from which a kernel without kinks is not widened further
MIN_SHARE_OF_EFFECT = 0.05  # of the largest, from which a direction changes the linear predictor of a row
MAX_SHARE_OF_OTHERS = 1e-9  # of the squared effects of a direction, on other rows, that counts as rounding
MAX_ROWS_FOR_FULL_WIDTH = 200.0  # rows up to which the kernel is as wide as a standard error
MAX_KERNEL_WIDTHS = 5.0  # widths of the kernel up to which a kink contributes
MAX_WIDTHS_ON_KINK = 1e-6  # widths of the kernel up to which a row counts as on a kink


class KernelBlock(NamedTuple):
    """The first parameter's block of the information, and the directions along which no kernel estimates it.

    Along `unresolved` (k, d), in the first parameter's coordinates, the block is the expected information; `n_rows` (d,) is the
    weight of the rows whose linear predictors depend on each.
    """

    place: slice
    information: np.ndarray
    unresolved: np.ndarray
    n_rows: list[float]


def kernel_block(fit_point: FitPoint, meat: Any) -> KernelBlock:
    """The block of the information by a kernel; `meat` is the covariance of all scores."""
    kinked = _Kinked(fit_point)
    meat = meat[kinked.place, kinked.place]
    expected, n_rows = linalg.pinvh(meat), list[float]()
    unresolved = np.zeros((len(meat), 0))
    while True:
        block, growing = _iterated(kinked, meat, expected, unresolved)
        if growing is None or unresolved.shape[1] == len(meat):
            return KernelBlock(kinked.place, block, unresolved, n_rows)
        direction, weight = kinked.without_small_effects(growing)
        unresolved, n_rows = np.column_stack([unresolved, direction]), [*n_rows, weight]


def _iterated(
    kinked: _Kinked, meat: np.ndarray, expected: np.ndarray, unresolved: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """The block that agrees with its covariance, and the direction in which that grows without end, or None.

    A coefficient that changes few rows, one of them on its kink of necessity, has a wide kernel, hence less curvature, hence a
    wider kernel.
    """
    variance = halfway = expected
    along = meat @ unresolved
    known = along @ linalg.pinvh(unresolved.T @ along) @ along.T if along.size else 0.0
    for iteration in range(MAX_ITERATIONS):
        halfway = variance if 2 * iteration <= MAX_ITERATIONS else halfway
        block = kinked.information(variance) + known
        if not positive(block):
            variance = 4 * variance  # no kink within the width
            if variance[0, 0] > MAX_EMPTY_WIDENING * expected[0, 0]:
                return block, linalg.eigh(block, meat)[1][:, 0]
            continue
        inverse = linalg.inv(block)
        sandwich = inverse @ meat @ inverse
        if np.abs(np.diag(sandwich) / np.diag(variance) - 1).max() < VARIANCE_TOL:
            return block, None
        variance = (variance + sandwich) / 2
    ratios, functions = linalg.eigh(variance, expected)
    widest = functions[:, -1]
    if not (ratios[-1] > MAX_VARIANCE_RATIO and widest @ variance @ widest > MIN_GROWTH * (widest @ halfway @ widest)):
        return block, None
    return block, variance @ widest


def positive(matrix: np.ndarray) -> bool:
    """Whether a symmetric matrix is positive definite."""
    scale = np.sqrt(np.abs(np.diag(matrix)))
    return bool((scale > 0).all() and np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0] > 1e-10)


class _Kinked:
    """The rows of a fit by their distances from kinks."""

    def __init__(self, fit_point: FitPoint) -> None:
        self.objective, self.u = fit_point
        law, name = self.objective.likelihood, next(iter(self.objective.designs))
        design, self.place = self.objective.designs[name], self.objective.slices[name]
        self.weight = self.objective.data.total_weight
        self.kernel = _Kernel(law, name, design, max(1.0, (self.weight / MAX_ROWS_FOR_FULL_WIDTH) ** (1 / 6)))
        self.forced: tuple[float, float] = (np.nan, np.nan)  # set with the first width of the kernel

    def information(self, variance: np.ndarray) -> np.ndarray:
        """Minus the Hessian of the log-likelihood, averaged over the error of every row's linear predictor."""
        values, vectors = np.linalg.eigh(variance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        if np.isnan(self.forced[0]):
            self.forced = self._forced(root)
        return self.objective.over_rows(self.u, partial(_averaged, self.kernel, root, self.forced))["information"]

    def without_small_effects(self, direction: np.ndarray) -> tuple[np.ndarray, float]:
        """The direction without its effects on rows that it hardly changes, where there is one, and the others' weight."""
        largest = self.objective.over_rows(self.u, partial(_largest_effect, self.kernel, direction), _larger)["effect"]
        least = MIN_SHARE_OF_EFFECT * float(largest)
        sums = self.objective.over_rows(self.u, partial(_effects, self.kernel, direction, least))
        shares, vectors = linalg.eigh(sums["others"], sums["all"])
        alone = vectors[:, shares <= MAX_SHARE_OF_OTHERS]
        if alone.size:
            direction = alone @ (alone.T @ sums["all"] @ direction)
        return direction / np.linalg.norm(direction), float(sums["weight"])

    def _forced(self, root: np.ndarray) -> tuple[float, float]:
        """The share of the rows on kinks that must lie there, and the factor by which the other rows count for them."""
        on_kinks = float(self.objective.over_rows(self.u, partial(_weight_on_kinks, self.kernel, root))["weight"])
        forced = min(self.kernel.design.size, on_kinks)
        return forced / on_kinks if on_kinks else 0.0, self.weight / max(self.weight - forced, 1e-300)


class _Kernel(NamedTuple):
    """The kernel of the rows of a block."""

    law: Any
    name: str
    design: Any
    widening: float

    def rows(self, batch: Batch) -> np.ndarray:
        """Design coordinates (n, k) of every row."""
        return self.design.coordinate_rows(batch.X) * self.design.output_basis[0, 0]

    def of(self, batch: Batch, eta: dict, root: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Width of the kernel (n,), distance from the kink (n,) and design coordinates (n, k) of every row."""
        with np.errstate(all="ignore"):
            eta_at_kink = self.law.layout[self.name].link.link(self.law.kinks(batch.y))
        rows = self.rows(batch)
        return self.widening * np.linalg.norm(rows @ root, axis=1), np.abs(eta[self.name] - eta_at_kink), rows


def _weight_on_kinks(kernel: _Kernel, root: np.ndarray, batch: Batch, eta: dict) -> dict:
    """Weight of the rows of a block that lie on their kinks."""
    width, distance, _ = kernel.of(batch, eta, root)
    return {"weight": batch.weight[distance <= MAX_WIDTHS_ON_KINK * width].sum()}


def _larger(one: dict, other: dict) -> dict:
    """The larger values of two dicts with the same keys."""
    return {key: np.maximum(one[key], other[key]) for key in one}


def _largest_effect(kernel: _Kernel, direction: np.ndarray, batch: Batch, eta: dict) -> dict:
    """The largest change of a linear predictor in a block along a direction."""
    return {"effect": np.abs(kernel.rows(batch) @ direction).max()}


def _effects(kernel: _Kernel, direction: np.ndarray, least: float, batch: Batch, eta: dict) -> dict:
    """Products of the rows of a block, of all and of those that a direction changes less, and the weight of those it does."""
    rows = kernel.rows(batch)
    other = np.abs(rows @ direction) < least
    weighted = rows * batch.weight[:, None]
    return {"all": rows.T @ weighted, "others": rows[other].T @ weighted[other], "weight": batch.weight[~other].sum()}


def _averaged(kernel: _Kernel, root: np.ndarray, forced: tuple[float, float], batch: Batch, eta: dict) -> dict:
    """The averaged information of a block."""
    law, name = kernel.law, kernel.name
    width, distance, rows = kernel.of(batch, eta, root)
    near = np.flatnonzero(distance <= MAX_KERNEL_WIDTHS * width)
    off_kink = law.evaluate(batch.y, eta, 2).information.get((name, name), 0.0)
    curvature = np.array(np.broadcast_to(off_kink, len(batch.y)))
    curvature[near] = averaged_information(
        law, batch.y[near], {key: values[near] for key, values in eta.items()}, name, width[near]
    )
    share, factor = forced
    curvature *= np.where(distance <= MAX_WIDTHS_ON_KINK * width, 1 - share, 1.0) * factor * batch.weight
    return {"information": rows.T @ (curvature[:, None] * rows)}
