"""Base class of asymmetric laws of (y - loc) / scale: joint derivatives, tails, quantiles, and starts by matching."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from .._fallbacks.density_score import density_score
from .._fallbacks.facts import takes_parameters
from .._fallbacks.quantile import newton_quantile
from .._fallbacks.starting_values import best_candidate, quantiles, reduced_sample, resolution, weighted_median
from .._protocol.base import Likelihood
from .location_scale import LocationScale

MAX_ARSINH = 705.0  # of z, from which on a quantile is infinite
MIN_ROWS_PER_TABLE = 8  # from which on a table of the standard law costs less than integrals of its tails


class ShapedLocationScale(LocationScale):
    """A law with density f(z, shapes) / scale, z = (y - loc) / scale; shapes are all parameters but loc and scale.

    A subclass writes `standard_terms(z, order, **shapes)`, `standard_tail(z, upper, log, **shapes)`,
    `standard_moments(**shapes)` (mean and variance), and in `relations` `tried`, the values of every shape that a start
    chooses from. The start without covariates chooses from `tried_first`.
    """

    fisher = None
    entropy = Likelihood.entropy
    max_points: float = 400  # quantiles of a sample that a start uses

    # ---- starts -------------------------------------------------------------------------------------------------

    @property
    def interval(self) -> Callable | None:
        return self._interval if self.standard_tail_derivatives else None

    @property
    def tried_first(self) -> Mapping[str, tuple[float, ...]]:
        return self.relations.tried

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        loc = self.layout.fixed.get("loc", weighted_median(y, sample_weight))
        return {"loc": loc, **self._best_matched(y - loc, sample_weight, self.tried_first, loc)}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, loc: float | np.ndarray, **others: np.ndarray) -> dict:
        return self._best_matched(y - loc, sample_weight, self.relations.tried, loc)

    def _best_matched(self, residual: np.ndarray, sample_weight: np.ndarray, tried: Any, loc: Any) -> dict:
        """Parameters of the likeliest law on a grid of shapes, each moved and scaled to match the residuals."""
        centre, spread = self.centre_and_spread(residual, sample_weight)
        fixed = self.layout.fixed
        values = product(*((fixed[name],) if name in fixed else values for name, values in tried.items()))
        shapes = dict(zip(tried, np.array(list(values), float).T, strict=True))
        with np.errstate(all="ignore"):
            middle, width = self.standard_centre_and_spread(**shapes)
            scale = self.layout.fixed.get("scale", np.maximum(spread / width, resolution(residual + loc)))
            move = 0.0 if "loc" in self.layout.fixed else centre - scale * middle
        columns = dict(zip(self.parameters, np.broadcast_arrays(move, scale, *shapes.values()), strict=True))
        candidates = [{name: float(column[k]) for name, column in columns.items()} for k in range(len(columns["scale"]))]
        found = best_candidate(self, candidates, *reduced_sample(residual, sample_weight, self.max_points))
        return found | {"loc": loc + found["loc"]}

    def centre_and_spread(self, r: np.ndarray, sample_weight: np.ndarray) -> tuple[float, float]:
        """Centre and spread of residuals, by which laws are matched: median and interquartile range, for heavy tails."""
        low, middle, high = quantiles(r, sample_weight, np.array([0.25, 0.5, 0.75]))
        return middle, high - low if high > low else float(np.std(r))

    @takes_parameters
    def standard_centre_and_spread(self, **shapes: np.ndarray) -> tuple[float | np.ndarray, float | np.ndarray]:
        """Centre and spread of the standard law, as `centre_and_spread` measures them."""
        low, middle, high = self.standard_ppf(np.array([[0.25], [0.5], [0.75]]), **shapes)
        return middle, high - low

    # ---- the distribution ---------------------------------------------------------------------------------------

    @takes_parameters
    def standard_ppf(self, q: np.ndarray, **shapes: np.ndarray) -> np.ndarray:
        """Newton steps in arsinh(z), in which the logs of power tails are straight lines."""

        def logs(x: np.ndarray, upper: bool, **shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            z = np.sinh(x)
            return self.standard_tail(z, upper, True, **shapes), self.standard_logpdf(z, **shapes) + np.log(np.cosh(x))

        x = newton_quantile(logs, q, shapes, (-MAX_ARSINH, MAX_ARSINH))
        return np.where(np.abs(x) < MAX_ARSINH - 1e-9, np.sinh(x), np.inf * x)

    @takes_parameters
    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray, **shapes: np.ndarray) -> np.ndarray:
        """From tables of the standard law, where several rows share each; NaN elsewhere."""
        z = np.asarray((y - loc) / scale, float)
        standard = {"loc": np.zeros(len(z)), "scale": np.ones(len(z)), **shapes}
        return scale * density_score(self, z, standard, max_tables=len(z) / MIN_ROWS_PER_TABLE)
