"""Average marginal effects: differences of a functional's average over copies of the rows in which one column is changed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._model.validation import check_weight
from .._utils.frames import column, column_names, dense, n_rows, take, with_column
from .._utils.tables import Table, probability
from ._columns import interval, statistic_columns
from ._estimable import NotEstimableError
from ._functions import functional
from ._linearised import check_finite, linearised

ROWS_PER_BLOCK = 2048
STEP_IN_SDS = 1e-2  # of a numerical derivative, in standard deviations of the column


def marginal_effects(
    inference: Any, X: Any, columns: Any, what: Any, level: float, sample_weight: ArrayLike | None, at: Any
) -> Table:
    """The table of `Inference.marginal_effects`."""
    quantity = functional(inference, what, at)
    f, label = quantity.of, quantity.label
    if quantity.jumps:
        raise ValueError(f"the {label} of a discrete law moves in jumps, without marginal effects; use the mean or cdf")
    critical = inference._critical(level)
    X = dense(X)
    weight = check_weight(sample_weight, n_rows(X))
    weight = weight / weight.sum()
    index, values, errors, notes = [], [], [], []
    for name in _requested(X, columns):
        for effect_label, versions in _versions(name, column(X, name)):
            try:
                value, slope = _difference(inference, X, name, versions, f, weight, label)
            except NotEstimableError as error:
                if columns is not None:
                    raise
                notes.append(f"–: {error}")
                value, slope = np.array([np.nan]), np.full((1, inference.layout.size), np.nan)
            standard_error = np.linalg.norm(slope @ inference._root, axis=1)
            entries = quantity.names(len(value)) if len(value) > 1 else [None]
            index += [effect_label if entry is None else f"{effect_label}, {entry}" for entry in entries]
            values.append(value)
            errors.append(standard_error)
    value, standard_error = np.concatenate(values), np.concatenate(errors)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(standard_error > 0, value / standard_error, value * 0.0)
    half = critical * standard_error
    statistics = {**statistic_columns(inference.df, z, inference._two_sided(z)), **interval(level, value - half, value + half)}
    return Table(
        {"effect": value, "std err": standard_error, **statistics},
        index,
        title=f"Average marginal effects on the {label}",
        formats={"p": probability},
        notes=notes,
    )


def _difference(inference, X, name, versions, f, weight, label):
    """The effect (m,) of the versions of a column, and its gradient (m, P)."""
    value, slope = np.zeros(1), np.zeros(1)
    for factor, new_values in versions:
        try:
            part, gradient = _average(inference, with_column(X, name, new_values), f, weight, label)
        except NotEstimableError as error:
            text = f"column {name!r} moves with others, and has no effect alone: {error.reason}"
            raise NotEstimableError(text, error.reason) from None
        except ValueError as error:
            raise ValueError(f"column {name!r} cannot be moved ({error}); leave it out: columns=[...]") from error
        value, slope = value + factor * part, slope + factor * gradient
    return value, slope


def _requested(X, columns) -> list:
    """The requested columns by their names in X or, if it has none, by number; x0, x1, ... are numbers as well."""
    names = column_names(X)
    requested = names if columns is None else [columns] if isinstance(columns, str | int) else list(columns)
    if not hasattr(X, "columns"):
        numbers = {f"x{j}": j for j in names}
        requested = [numbers.get(name, name) if isinstance(name, str) else name for name in requested]
    unknown = [name for name in requested if name not in names]
    if unknown:
        raise ValueError(f"columns {unknown} are not in X; it has {names[:12]}{' and more' if len(names) > 12 else ''}")
    duplicated = [name for name in requested if names.count(name) > 1]
    if duplicated:
        raise ValueError(f"{names.count(duplicated[0])} columns of X are called {duplicated[0]!r}; rename them")
    return requested


def _versions(name, values):
    """Pairs (label, [(factor, column values), ...]): the sum of factor * functional over the versions is the effect."""
    label = f"x{name}" if isinstance(name, int | np.integer) else str(name)
    levels = list(dict.fromkeys(values.tolist())) if values.dtype.kind in "OUSTb" else np.unique(values)
    if values.dtype.kind in "OUSTb" and len(levels) < 2:
        raise ValueError(f"column {name!r} has one category only in X, so there is nothing to compare it with; leave it out")
    if values.dtype.kind in "OUSTb" or len(levels) == 2:
        levels = sorted(levels, key=lambda level: (str(type(level)), level))
        for level in levels[1:]:
            effect_label = f"{label}: {_level_name(level)} - {_level_name(levels[0])}"
            yield effect_label, [(1.0, _constant(values, level)), (-1.0, _constant(values, levels[0]))]
        return
    values = values.astype(float)
    step = STEP_IN_SDS * (values.std() or max(np.abs(values).max(), 1.0))
    stencil = ((1, 2 / 3), (-1, -2 / 3), (2, -1 / 12), (-2, 1 / 12))
    yield f"d/d {label}", [(factor / step, values + k * step) for k, factor in stencil]


def _level_name(level):
    return f"{level:g}" if isinstance(level, float) else str(level)


def _constant(values, level):
    return np.full(len(values), level, dtype=values.dtype)


def _average(inference, X, f, weight, label):
    """Weighted average (m,) of a functional over rows, and its gradient (m, P) in the coefficients."""
    total, gradient = 0.0, 0.0
    for first in range(0, len(weight), ROWS_PER_BLOCK):
        rows = slice(first, first + ROWS_PER_BLOCK)
        value, slopes = linearised(inference, take(X, rows), f)
        check_finite(value, label)
        total = total + weight[rows] @ value
        gradient = gradient + np.hstack([(slope * weight[rows, None]).T @ Z for _, slope, Z in slopes])
    return total, gradient
