"""Marginal effects: differences of a functional's average over copies of the rows in which one column is changed.

The rows are those of X, those of X with some columns at given values, or one row of means or medians.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._model.validation import check_weight
from .._predictive.unwrapping import unwrap
from .._sources import check_in_memory
from .._utils.floats import numbers
from .._utils.frames import column, column_names, dense, n_rows, take, with_column
from .._utils.messages import rows_text
from .._utils.tables import Table, probability
from ._columns import critical_value, interval, statistic_columns
from ._estimable import NotEstimableError
from ._functions import functional
from ._linearised import check_finite, linearised

ROWS_PER_BLOCK = 2048
N_GRID, MAX_DISTINCT_NUMBERS = 40, 12  # of partial effects: points, and distinct numbers that are all taken
CENTRES = ("mean", "median")
STEP_IN_SDS = 1e-2  # of a numerical derivative, in standard deviations of the column


class EvaluationRows(NamedTuple):
    """Rows at which effects are averaged, with their shares, and how they are called in the table."""

    label: str
    X: Any
    share: np.ndarray


def marginal_effects(
    inference: Any,
    X: Any,
    columns: Any,
    what: Any,
    level: float,
    sample_weight: ArrayLike | None,
    at: Any,
    arguments: dict,
) -> Table:
    """The table of `Inference.marginal_effects`."""
    check_in_memory(X)
    quantity = functional(inference, what, arguments)
    if quantity.jumps:
        raise ValueError(
            f"the {quantity.label} of a discrete law moves in jumps, without marginal effects; use the mean or cdf"
        )
    critical = critical_value(inference.df, level)
    X = dense(X)
    weight = check_weight(sample_weight, n_rows(X))
    places = list(_evaluation_rows(X, weight / weight.sum(), at))
    index, values, errors, notes = [], [], [], []
    for name in _requested(X, columns) if columns is not None else _predictors(inference, X):
        for effect_label, versions in _versions(name, column(X, name)):
            for place in places:
                try:
                    value, slope = _difference(inference, place, name, versions, quantity)
                except NotEstimableError as error:
                    if columns is not None:
                        raise
                    notes.append(f"–: {error}")
                    value, slope = np.array([np.nan]), np.full((1, inference.layout.size), np.nan)
                standard_error = np.linalg.norm(slope @ inference.root, axis=1)
                entries = quantity.names(len(value)) if len(value) > 1 else [None]
                shown = f"{effect_label} at {place.label}" if place.label else effect_label
                index += [shown if entry is None else f"{shown}, {entry}" for entry in entries]
                values.append(value)
                errors.append(standard_error)
    value, standard_error = np.concatenate(values), np.concatenate(errors)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(standard_error > 0, value / standard_error, value * 0.0)
    half = critical * standard_error
    statistics = {**statistic_columns(inference.df, z), **interval(level, value - half, value + half)}
    kind = f"Marginal effects at {at}s of columns" if isinstance(at, str) else "Average marginal effects"
    return Table(
        {"effect": value, "std err": standard_error, **statistics},
        index,
        title=f"{kind} on the {quantity.label}",
        formats={"p": probability},
        notes=list(dict.fromkeys(notes)),
    )


def partial_effects(
    inference: Any,
    X: Any,
    name: Any,
    what: Any,
    values: Any,
    level: float,
    sample_weight: ArrayLike | None,
    at: Any,
    arguments: dict,
) -> Table:
    """The table of `Inference.partial_effects`."""
    check_in_memory(X)
    quantity, critical = functional(inference, what, arguments), critical_value(inference.df, level)
    if quantity.jumps:
        raise ValueError(f"the {quantity.label} of a discrete law moves in jumps, without standard errors; use the mean or cdf")
    X = dense(X)
    weight = check_weight(sample_weight, n_rows(X))
    (name,) = _requested(X, [name])
    grid = _grid(column(X, name)) if values is None else np.ravel(np.asarray(values))
    if values is not None and column(X, name).dtype.kind in "biuf":
        numbers(values, "values")  # which raises
    columns: dict[str, list] = {_column_label(name): [], "at": [], "of": [], quantity.label: [], "std err": []}
    ends: list = []
    for place in _evaluation_rows(X, weight / weight.sum(), at):
        for value in grid.tolist():
            rows = with_column(place.X, name, _constant(column(place.X, name), value))
            effect, gradient = _average(inference, rows, quantity.of, place.share, quantity.label)
            error = np.linalg.norm(gradient @ inference.root, axis=1)
            entries = quantity.names(len(effect)) if len(effect) > 1 else [""]
            ends.append(np.stack(quantity.interval(effect, error, critical), axis=1))
            for part, of in zip((value, place.label), (_column_label(name), "at"), strict=True):
                columns[of] += [part] * len(effect)
            columns["of"] += [str(entry) for entry in entries]
            columns[quantity.label] += effect.tolist()
            columns["std err"] += error.tolist()
    shown = {key: np.array(column) for key, column in columns.items() if key not in ("at", "of") or any(column)}
    low, high = np.concatenate(ends).T
    return Table(
        {**shown, **interval(level, low, high)},
        list(map(str, range(len(low)))),
        title=f"{quantity.label} by {_column_label(name)}, {_title_of_held_columns(at)}",
    )


def _title_of_held_columns(at: Any) -> str:
    """The values at which the other columns are held, as text for the title of a table."""
    if isinstance(at, str):
        return f"other columns at their {at}s"
    return "averaged over the rows of X"


def _grid(values: np.ndarray) -> np.ndarray:
    """The values at which a partial effect is computed: categories, few distinct numbers, or points over the range."""
    distinct = np.array(sorted(set(values.tolist()), key=lambda value: (str(type(value)), value)), dtype=values.dtype)
    if values.dtype.kind in "OUSTb" or len(distinct) <= MAX_DISTINCT_NUMBERS:
        return distinct
    return np.linspace(float(values.min()), float(values.max()), N_GRID)


def _evaluation_rows(X: Any, share: np.ndarray, at: Any) -> Iterator[EvaluationRows]:
    """The rows at which effects are averaged."""
    if at is None:
        yield EvaluationRows("", X, share)
        return
    if isinstance(at, str):
        if at not in CENTRES:
            raise ValueError(f"at={at!r} is unknown; use {list(CENTRES)}, or a dict of values by column")
        row = take(X, slice(0, 1))
        for name in column_names(X):
            row = with_column(row, name, _centre(column(X, name), share, at))
        yield EvaluationRows("", row, np.ones(1))
        return
    if not isinstance(at, Mapping):
        raise TypeError(f"at must be None, {' or '.join(map(repr, CENTRES))}, or a dict of values by column, got {at!r}")
    names = _requested(X, list(at))
    for chosen in itertools.product(*(np.ravel(np.asarray(values)).tolist() for values in at.values())):
        rows = X
        for name, value in zip(names, chosen, strict=True):
            rows = with_column(rows, name, _constant(column(X, name), value))
        labels = (f"{_column_label(name)}={_level_name(value)}" for name, value in zip(names, chosen, strict=True))
        yield EvaluationRows(", ".join(labels), rows, share)


def _centre(values: np.ndarray, share: np.ndarray, kind: str) -> np.ndarray:
    """The mean or median of a column, or its most frequent category, as an array of one row."""
    if values.dtype.kind in "OUSTb":
        levels, place = np.unique(values, return_inverse=True)
        return _constant(values[:1], levels[np.argmax(np.bincount(place, weights=share))])
    if kind == "mean":
        return np.array([share @ values.astype(float)])
    order = np.argsort(values)
    total = np.cumsum(share[order])
    low, high = (values[order][np.searchsorted(total, 0.5 + sign * 1e-12)] for sign in (-1, 1))
    return np.array([(low + high) / 2])


def _difference(
    inference: Any, place: EvaluationRows, name: Any, versions: list, quantity: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The effect (m,) of the versions of a column, and its gradient (m, P)."""
    value, slope = np.zeros(1), np.zeros(1)
    for factor, change in versions:
        moved = with_column(place.X, name, change(column(place.X, name)))
        try:
            part, gradient = _average(inference, moved, quantity.of, place.share, quantity.label)
        except NotEstimableError as error:
            alone = any(inference.estimability.remedies)
            what = "has an effect without a standard error" if alone else "moves with others, and has no effect alone"
            text = f"column {name!r} {what}: {error.reason}"
            raise NotEstimableError(text, error.reason) from None
        except ValueError as error:
            if change.func is _moved:
                _raise_at_edge(inference, place, name, moved, quantity)
            raise ValueError(f"column {name!r} cannot be moved ({error}); leave it out: columns=[...]") from error
        value, slope = value + factor * part, slope + factor * gradient
    return value, slope


def _raise_at_edge(inference: Any, place: EvaluationRows, name: int, moved: np.ndarray, quantity: Any) -> None:
    """Raise ValueError if a functional is finite in the rows as they are, but not beside them.

    A difference to one side only is no way out: a derivative may be infinite there, as that of a square root at zero.
    """
    at_rows, beside = _finite_rows(inference, place.X, quantity), _finite_rows(inference, moved, quantity)
    if at_rows.all():
        bad = np.flatnonzero(~beside)
        values = np.asarray(column(place.X, name), dtype=float)[bad]
        raise ValueError(
            f"the derivative in {name!r} takes differences to both sides, and the {quantity.label} is not finite beside the "
            f"values of {rows_text(bad)} of X, {values.min():g} to {values.max():g}: leave these rows out of X, or the column: "
            "columns=[...]"
        )


def _finite_rows(inference: Any, X: Any, quantity: Any) -> np.ndarray:
    """Whether a functional is finite, by rows of X."""
    starts = range(0, n_rows(X), ROWS_PER_BLOCK)
    blocks = (linearised(inference, take(X, slice(start, start + ROWS_PER_BLOCK)), quantity.of)[0] for start in starts)
    return np.concatenate([np.isfinite(block).all(axis=1) for block in blocks])


def _requested(X: Any, columns: Any) -> list:
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


def _predictors(inference: Any, X: Any) -> list:
    """The columns of X, without those of which a model by formula makes no predictor."""
    known = unwrap(inference.fitted).predictor_names
    predictors = None if known is None else set(known())
    names = [name for name in _requested(X, None) if predictors is None or name in predictors]
    if not names:
        raise ValueError("no column of X is a predictor of the model, so there are no effects; name columns=[...] to move")
    return names


def _column_label(name: Any) -> str:
    return f"x{name}" if isinstance(name, int | np.integer) else str(name)


def _versions(name: Any, values: np.ndarray) -> Iterator[Any]:
    """Pairs (label, [(factor, change), ...]): the sum of factor * functional over the changed columns is the effect."""
    label = _column_label(name)
    levels = list(dict.fromkeys(values.tolist())) if values.dtype.kind in "OUSTb" else np.unique(values)
    if values.dtype.kind in "OUSTb" and len(levels) < 2:
        raise ValueError(f"column {name!r} has one category only in X, so there is nothing to compare it with; leave it out")
    if values.dtype.kind in "OUSTb" or len(levels) == 2:
        levels = sorted(levels, key=lambda level: (str(type(level)), level))
        for level in levels[1:]:
            effect_label = f"{label}: {_level_name(level)} - {_level_name(levels[0])}"
            yield effect_label, [(1.0, partial(_constant, level=level)), (-1.0, partial(_constant, level=levels[0]))]
        return
    values = values.astype(float)
    step = STEP_IN_SDS * (values.std() or max(np.abs(values).max(), 1.0))
    stencil = ((1, 2 / 3), (-1, -2 / 3), (2, -1 / 12), (-2, 1 / 12))
    yield f"d/d {label}", [(factor / step, partial(_moved, by=k * step)) for k, factor in stencil]


def _moved(values: np.ndarray, by: float) -> np.ndarray:
    return values.astype(float) + by


def _level_name(level: float) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)


def _constant(values: np.ndarray, level: float) -> np.ndarray:
    """The level in every row, in the type of the column, or of a number that this cannot hold."""
    dtype = values.dtype if values.dtype.kind != "i" or isinstance(level, int) else None
    return np.full(len(values), level, dtype=dtype)


def _average(inference: Any, X: Any, f: Callable, weight: np.ndarray, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Weighted average (m,) of a functional over rows, and its gradient (m, P) in the coefficients."""
    total, gradient = np.zeros(()), np.zeros(())
    for first in range(0, len(weight), ROWS_PER_BLOCK):
        rows = slice(first, first + ROWS_PER_BLOCK)
        value, slopes = linearised(inference, take(X, rows), f)
        check_finite(value, label, rows.start)
        total = total + weight[rows] @ value
        gradient = gradient + np.hstack([(slope * weight[rows, None]).T @ Z for _, slope, Z in slopes])
    return total, gradient
