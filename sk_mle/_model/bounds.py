"""Tests of whether a density has become so narrow that the likelihood is unbounded.

Only rows whose log-likelihood is a log density can raise the likelihood without end: values observed exactly, but not values
known up to an interval, nor points of positive probability, whose log-likelihood is at most zero.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .._utils.floats import ROUNDING, rounding
from ..likelihoods import Likelihood
from ..likelihoods._functions import density_values
from .data import Data

if TYPE_CHECKING:
    from .data import Batch

if TYPE_CHECKING:
    from .objective import Objective

MAX_ROUNDING_WIDTHS = 1e3  # width of a density, in rounding errors of y, up to which it counts as a single value
MAX_LOSS_OF_CERTAIN_ROW = 1e-3  # negative log-likelihood up to which a row without a density counts as certain
MIN_LOG_PEAK = 3.0  # mean log density, in units of 1 / largest |y|, from which the density has a peak
# Ratio of the weight of a repeated value to that of any other; of each of a few repeated values to that of any other.
MIN_REPEAT_RATIO, MIN_REPEAT_RATIO_OF_SEVERAL = 3.0, 5.0
MAX_REPEATED_VALUES = 3
ROWS_PER_COORDINATE = 64  # rows per coordinate up to which repeated rows are sought


class DensityRows:
    """The rows of data whose log-likelihood under a law is a log density.

    Attributes
    ----------
    values : ndarray of shape (n,)
        The values at which densities are taken, of the rows in memory, NaN for other rows; empty if no row has a density.
    all_rows, no_rows : bool
        Whether all rows, or none, have a density.
    weight_share : float
        Their share of the total weight.
    largest : float
        The largest absolute value.
    """

    def __init__(self, likelihood: Likelihood, data: Data) -> None:
        self.likelihood, self.data, in_memory = likelihood, data, data.in_memory
        values = _density_values(likelihood, in_memory.y)
        self.all_rows = values is in_memory.y
        self.no_rows = values is None
        self.values = np.empty(0) if values is None else values
        weight, self.largest = _totals_of(values, in_memory) if data.densities is None else data.densities
        self.weight_share = 1.0 if self.all_rows else weight / data.total_weight

    @cached_property
    def index(self) -> np.ndarray:
        """Indices of these rows among those in memory, without those of zero weight."""
        if self.no_rows:
            return np.empty(0, int)
        return np.flatnonzero((self.data.in_memory.weight > 0) & ~np.isnan(self.values))

    @cached_property
    def repeated_values(self) -> tuple[np.ndarray, np.ndarray]:
        """Values in memory that are repeated far more often than all others, and their shares of the total weight.

        Rounding repeats values as well, but neighbouring values equally often. A weight of k counts as k copies.
        """
        in_memory = self.data.in_memory
        values, row = np.unique(self.values[self.index], return_inverse=True)
        weight = np.bincount(row.ravel(), in_memory.weight[self.index], len(values))
        order = np.argsort(-weight)
        of_others = np.append(weight[order], in_memory.weight[self.index].min(initial=np.inf))
        for count in range(1, min(MAX_REPEATED_VALUES, len(values)) + 1):
            ratio = MIN_REPEAT_RATIO if count == 1 else MIN_REPEAT_RATIO_OF_SEVERAL
            if of_others[count - 1] >= ratio * of_others[count]:
                return values[order[:count]], weight[order[:count]] / in_memory.total_weight
        return values[:0], weight[:0]

    @property
    def floor_bound(self) -> float:
        """An upper bound of `floor` per weight of these rows, which needs no pass over them."""
        return float(np.log(ROUNDING * (self.largest or 1.0)))

    @cached_property
    def floor(self) -> float:
        """Their part of the mean loss if their density is as narrow as the rounding of y."""
        if not self.weight_share:
            return -np.inf
        widths = self.data.reduce(partial(_log_widths, self.likelihood, self.largest))
        return float(widths["sum"]) / self.data.total_weight

    def narrower_than(self, loglik: np.ndarray, widths: float) -> np.ndarray:
        """Indices of the rows whose density is narrower than `widths` rounding errors of y, by the `loglik` of all rows."""
        return self.index[loglik[self.index] > -np.log(widths * rounding(self.values[self.index], self.largest))]


def _density_values(likelihood: Likelihood, y: np.ndarray) -> np.ndarray | None:
    """y where the log-likelihood is a log density, NaN elsewhere; None if it never is."""
    return None if likelihood.target_type == "targets" else density_values(likelihood, y)


def density_totals(likelihood: Likelihood, in_memory: Data) -> tuple[float, float]:
    """Weight and largest absolute value of the rows of `in_memory` that have a density."""
    return _totals_of(_density_values(likelihood, in_memory.y), in_memory)


def _totals_of(values: np.ndarray | None, in_memory: Data) -> tuple[float, float]:
    """The same from the values at which densities are taken."""
    if values is None:
        return 0.0, 0.0
    if values is in_memory.y:
        return in_memory.total_weight, max(-values.min(initial=0.0), values.max(initial=0.0))
    index = np.flatnonzero((in_memory.weight > 0) & ~np.isnan(values))
    values = values[index]
    return float(in_memory.weight[index].sum()), max(-values.min(initial=0.0), values.max(initial=0.0))


def _log_widths(likelihood: Likelihood, largest: float, batch: Batch) -> dict:
    """Weighted sum over a block of the log of the rounding of the values with a density."""
    values = _density_values(likelihood, batch.y)
    assert values is not None  # some rows have a density
    index = np.flatnonzero(~np.isnan(values))
    return {"sum": batch.weight[index] @ np.log(rounding(values[index], largest))}


def loglik_of_rows(objective: Any, u: np.ndarray) -> np.ndarray:
    """Log-likelihood of the rows in memory, NaN for those of zero weight."""
    in_memory, law = objective.data.in_memory, objective.likelihood
    kept, result = in_memory.weight > 0, np.full(in_memory.n_samples, np.nan)
    with np.errstate(all="ignore"):
        result[kept] = law.evaluate(in_memory.y[kept], objective.eta(u), 0).loglik
    return result


def density_loss(objective: Objective, u: np.ndarray, value: float) -> float:
    """The part of the mean loss `value` that comes from rows with a density."""
    if objective.density_rows.all_rows:
        return value
    loglik = objective.over_rows(u, partial(_loglik_of_densities, objective.likelihood))
    return -float(loglik["sum"]) / objective.data.total_weight


def _loglik_of_densities(likelihood: Likelihood, batch: Batch, eta: dict) -> dict:
    """Weighted sum over a block of the log-likelihood of the rows with a density."""
    values = _density_values(likelihood, batch.y)
    assert values is not None  # some rows have a density
    index = np.flatnonzero(~np.isnan(values))
    with np.errstate(all="ignore"):
        return {"sum": batch.weight[index] @ likelihood.evaluate(batch.y, eta, 0).loglik[index]}


def is_diverging(objective: Objective, u: np.ndarray) -> bool:
    """Whether a fit that did not converge was approaching an infinite density."""
    return objective.density_rows.weight_share > 0 and (
        len(narrow_rows(objective, u, 1.0)) > 0 or _can_reproduce_densities(objective, u)
    )


def narrow_rows(objective: Objective, u: np.ndarray, widths: float = MAX_ROUNDING_WIDTHS) -> np.ndarray:
    """Indices of the rows whose density is narrower than `widths` rounding errors of y."""
    if not objective.density_rows.weight_share:
        return np.empty(0, int)
    return objective.density_rows.narrower_than(loglik_of_rows(objective, u), widths)


def has_repeated_value(objective: Objective, u: np.ndarray) -> bool:
    """Whether the narrow rows have one of the values of y that are repeated far more often than others."""
    dense = objective.density_rows
    return bool(np.isin(dense.values[narrow_rows(objective, u)], dense.repeated_values[0]).any())


def _can_reproduce_densities(objective: Objective, u: np.ndarray) -> bool:
    """Whether the first parameter can reproduce all rows with a density while the other rows do not bound the density.

    The other rows do not if they are certain at `u`, may equal the one value reproduced, or do not depend on the first
    parameter. A fit with a peak at `u` that did not converge then approaches an infinite density.
    """
    (name, design), dense, in_memory = next(iter(objective.designs.items())), objective.density_rows, objective.data.in_memory
    rows = dense.index
    if not design.linear or design.vector or name in objective.penalties or name in in_memory.offset_names:
        return False
    if len(rows) > ROWS_PER_COORDINATE * design.size:
        return False
    values, columns = dense.values[rows], design.coordinate_rows(in_memory.X[rows])
    one_value = bool((values == values[0]).all())
    if not (one_value and design.intercept):
        columns = np.round(columns / np.abs(columns).max(initial=1e-300), 10)
        n_distinct, n_with_y = (len(np.unique(part, axis=0)) for part in (columns, np.column_stack([columns, values])))
        if not n_distinct == n_with_y <= design.size:
            return False
    kept = np.flatnonzero(in_memory.weight > 0)
    with np.errstate(all="ignore"):
        terms = objective.likelihood.evaluate(in_memory.y[kept], objective.eta(u), 1)
        independent = terms.gradient.get(name, np.zeros(len(kept))) == 0
        others = ~np.isin(kept, rows)
        no_bound = (terms.loglik[others] > -MAX_LOSS_OF_CERTAIN_ROW) | independent[others]
        if one_value:
            observed = objective.likelihood.observed(in_memory.y[kept][others])
            no_bound |= (observed.low <= values[0]) & (values[0] <= observed.high)
        peaked = np.mean(terms.loglik[~others]) + np.log(dense.largest) > MIN_LOG_PEAK
    return bool(no_bound.all() and peaked)
