"""Predictive distributions of several fits, joined into one in the order of the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..likelihoods._functions import title
from .distribution import Distribution
from .unwrapping import TransformedDistribution


class FunctionByRow:
    """A function of arrays (..., n) whose columns belong to several functions, such as a transformer of each fold."""

    def __init__(self, functions: Sequence[Callable], of_row: np.ndarray) -> None:
        self.functions, self.of_row = functions, of_row

    def __getitem__(self, index: Any) -> FunctionByRow:
        return FunctionByRow(self.functions, self.of_row[index])

    def __call__(self, values: Any) -> np.ndarray:
        values = np.asarray(values, dtype=float)
        if not self.of_row.ndim:  # one row
            return np.asarray(self.functions[int(self.of_row)](values))
        values = np.broadcast_to(values, np.broadcast_shapes(values.shape, self.of_row.shape))
        result = np.empty(values.shape)
        for k in np.unique(self.of_row):
            rows = self.of_row == k
            result[..., rows] = self.functions[k](values[..., rows])
        return result


def join(parts: Sequence[Distribution], places: Sequence[np.ndarray]) -> Distribution:
    """One distribution of n rows, of which `places[k]` holds those of `parts[k]`.

    Raises
    ------
    ValueError
        For laws that differ, such as those of folds that saw other classes.
    """
    n = sum(map(len, places))
    laws = {repr(part.likelihood): part.likelihood for part in parts}
    if len(laws) > 1:
        raise ValueError(
            f"the fits have different laws, {' and '.join(list(laws)[:3])}, so their distributions are not those of one model: "
            "where a search chose them, cross-validate each law for itself; folds of classes need a StratifiedKFold"
        )
    of_row = np.empty(n, dtype=int)
    for k, place in enumerate(places):
        of_row[place] = k
    if transformed := [part for part in parts if isinstance(part, TransformedDistribution)]:  # all are, or none
        base = join([part.base for part in transformed], places)
        functions = [[getattr(part, name) for part in parts] for name in ("transform", "inverse")]
        return TransformedDistribution(base, *(FunctionByRow(each, of_row) for each in functions))
    law, params = parts[0].likelihood, {}
    for name in law.parameters:
        entry = law.layout[name].shape
        values = np.empty((n, *entry))
        for part, place in zip(parts, places, strict=True):
            values[place] = np.broadcast_to(part.params[name], (len(place), *entry))
        params[name] = values
    if not parts[0].shape:
        raise ValueError(f"distributions of {title(law)} without rows cannot be joined")
    return Distribution(law, params)
