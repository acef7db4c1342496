"""Whether a density has become so narrow that its likelihood has no bound.

Only rows whose log-likelihood is of a density can raise it without end: values that were observed, not those known up to an
interval, nor points of positive probability, whose log-likelihood is zero at most.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..likelihoods import Likelihood
from ..likelihoods._protocol.target import rounding
from .data import Data

MAX_ROUNDING_WIDTHS = 1e3  # widths of rounding up to which a row's density counts as one value of y
MAX_LOSS_OF_CERTAIN_ROW = 1e-3  # that the log-likelihood of a row without a density may lack
MIN_LOG_PEAK = 3.0  # log of the density in units of 1 / y from which it has a peak at the rows that are met
MIN_REPEAT_RATIO = 3  # times as often as any other value
ROWS_PER_COORDINATE = 64  # per coordinate, up to which rows are looked through for repeated ones


class DenseRows:
    """The rows of data whose log-likelihood under a law is of a density."""

    def __init__(self, likelihood: Likelihood, data: Data):
        self.likelihood, self.data = likelihood, data
        values = None if likelihood.target_type == "targets" else likelihood.densities(data.y)
        self.everywhere = values is data.y
        self.nowhere = values is None
        self.values = np.empty(0) if values is None else values

    @cached_property
    def index(self) -> np.ndarray:
        """Their numbers, of positive weight."""
        if self.nowhere:
            return np.empty(0, int)
        return np.flatnonzero((self.data.weight > 0) & ~np.isnan(self.values))

    @cached_property
    def share(self) -> float:
        """Of the weight."""
        return 1.0 if self.everywhere else float(self.data.weight[self.index].sum()) / self.data.total_weight

    @cached_property
    def largest(self) -> float:
        values = self.values if self.everywhere else self.values[self.index]
        return max(-values.min(initial=0.0), values.max(initial=0.0))

    @cached_property
    def highest(self) -> float:
        """No less than `floor`, per weight of these rows, and at hand without a pass."""
        return float(np.log(rounding(self.largest, self.largest)))

    @cached_property
    def floor(self) -> float:
        """What they add to the mean loss where their density is as narrow as the rounding of y."""
        if not self.share:
            return -np.inf
        index = slice(None) if self.everywhere else self.index
        widths = np.log(rounding(self.values[index], self.largest))
        return float(self.data.weight[index] @ widths) / self.data.total_weight

    def narrow(self, loglik, widths) -> np.ndarray:
        """Those with so high a log-likelihood (of all rows) that their density is narrower than so many widths of rounding."""
        return self.index[loglik[self.index] > -np.log(widths * rounding(self.values[self.index], self.largest))]


def loglik_of_rows(objective, u) -> np.ndarray:
    """Log-likelihood of all rows; NaN where they have no weight."""
    data, law = objective.data, objective.likelihood
    kept, result = data.weight > 0, np.full(data.n_samples, np.nan)
    with np.errstate(all="ignore"):
        result[kept] = law.evaluate(data.y[kept], objective.eta(u), 0).loglik
    return result


def dense_loss(objective, u, value: float) -> float:
    """What the rows that have a density add to a mean loss of this value."""
    dense, data = objective.dense, objective.data
    if dense.everywhere:
        return value
    return -float(data.weight[dense.index] @ loglik_of_rows(objective, u)[dense.index]) / data.total_weight


def grows_without_end(objective, u) -> bool:
    """Whether a fit that did not converge was on its way to an infinite density."""
    return objective.dense.share > 0 and (len(narrow_rows(objective, u, 1.0)) > 0 or _meets_every_density(objective, u))


def narrow_rows(objective, u, widths=MAX_ROUNDING_WIDTHS) -> np.ndarray:
    """Rows whose density is no wider than the rounding of y, or so many times as wide."""
    if not objective.dense.share:
        return np.empty(0, int)
    return objective.dense.narrow(loglik_of_rows(objective, u), widths)


def on_an_atom(objective, u) -> bool:
    """Whether such rows have one value of y that is repeated far more often than any other, as no width of a density explains.

    Rounded values repeat as well, but so do their neighbours.
    """
    rows = narrow_rows(objective, u)
    if not len(rows):
        return False
    values, counts = np.unique(objective.dense.values[objective.dense.index], return_counts=True)
    at = np.isin(values, objective.dense.values[rows])
    return bool(counts[at].max() >= MIN_REPEAT_RATIO * max(1, counts[~at].max(initial=1)))


def _meets_every_density(objective, u) -> bool:
    """Whether the first parameter can meet all rows that have a density, and nothing in the others holds the width then.

    These are certain at `u`, may be the one value that is met, or do not depend on the first parameter. So a fit that has a
    peak at `u` and did not converge is on its way to an infinite density, at which its formulas ended.
    """
    (name, design), dense, data = next(iter(objective.designs.items())), objective.dense, objective.data
    rows = dense.index
    if design.vector or name in objective.penalties or name in data.offset or len(rows) > ROWS_PER_COORDINATE * design.size:
        return False
    values, columns = dense.values[rows], design.coordinate_rows(data.X[rows])
    columns = np.round(columns / np.abs(columns).max(initial=1e-300), 10)
    distinct, met = (len(np.unique(part, axis=0)) for part in (columns, np.column_stack([columns, values])))
    if not distinct == met <= design.size:
        return False
    kept = np.flatnonzero(data.weight > 0)
    with np.errstate(all="ignore"):
        found = objective.likelihood.evaluate(data.y[kept], objective.eta(u), 1)
        silent = found.gradient.get(name, np.zeros(len(kept))) == 0
        others = ~np.isin(kept, rows)
        sure = (found.loglik[others] > -MAX_LOSS_OF_CERTAIN_ROW) | silent[others]
        if met == 1:
            seen = objective.likelihood.observed(data.y[kept][others])
            sure |= (seen.low <= values[0]) & (values[0] <= seen.high)
        peaked = np.mean(found.loglik[~others]) + np.log(dense.largest) > MIN_LOG_PEAK
    return bool(sure.all() and peaked)
