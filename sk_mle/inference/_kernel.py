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
uncertainty included, the curvature that is left beside a free quantile would often be negative.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from .._model.data import Batch
from ..likelihoods._functions import averaged_information
from ._information import FitPoint

MAX_ITERATIONS = 40
VARIANCE_TOL = 1e-3  # relative change of variances
MAX_ROWS_FOR_FULL_WIDTH = 200.0  # rows up to which the kernel is as wide as a standard error
MAX_KERNEL_WIDTHS = 5.0  # widths of the kernel up to which a kink contributes
MAX_WIDTHS_ON_KINK = 1e-6  # widths of the kernel up to which a row counts as on a kink


def kernel_block(fit_point: FitPoint, meat: Any) -> tuple[slice, np.ndarray]:
    """The first parameter's slice of u and its block of the information; `meat` is the covariance of all scores."""
    kinked = _Kinked(fit_point)
    meat = meat[kinked.place, kinked.place]
    variance = linalg.pinvh(meat)
    for _ in range(MAX_ITERATIONS):
        block = kinked.information(variance)
        if not positive(block):
            variance = 4 * variance  # no kink within the width
            continue
        inverse = linalg.inv(block)
        sandwich = inverse @ meat @ inverse
        if np.abs(np.diag(sandwich) / np.diag(variance) - 1).max() < VARIANCE_TOL:
            break
        variance = (variance + sandwich) / 2
    return kinked.place, block


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

    def of(self, batch: Batch, eta: dict, root: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Width of the kernel (n,), distance from the kink (n,) and design coordinates (n, k) of every row."""
        with np.errstate(all="ignore"):
            eta_at_kink = self.law.layout[self.name].link.link(self.law.kinks(batch.y))
        rows = self.design.coordinate_rows(batch.X) * self.design.output_basis[0, 0]
        return self.widening * np.linalg.norm(rows @ root, axis=1), np.abs(eta[self.name] - eta_at_kink), rows


def _weight_on_kinks(kernel: _Kernel, root: np.ndarray, batch: Batch, eta: dict) -> dict:
    """Weight of the rows of a block that lie on their kinks."""
    width, distance, _ = kernel.of(batch, eta, root)
    return {"weight": batch.weight[distance <= MAX_WIDTHS_ON_KINK * width].sum()}


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
