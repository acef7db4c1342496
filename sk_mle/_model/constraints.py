"""Linear constraints on coefficients: bounds by name, and sums of coefficients between two numbers.

A `Region` holds them for the coefficients of all estimated parameters, in one vector: by parameter the intercept, if there is
one, and then the slopes in the order of its columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from scipy.linalg import block_diag
from scipy.optimize import LinearConstraint

from ..likelihoods import Likelihood
from ..likelihoods._functions import modelled, title
from .columns import column
from .design import Design
from .predictor import Predictor

MIN_SINGULAR_VALUE = 1e-9  # of constraints, as rows of norm 1, that count as independent
RECESSION_TOL = 1e-9  # relative change of a constraint up to which it counts as unchanged along a direction


@dataclass(frozen=True)
class Region:
    """``low <= matrix @ b <= high`` for the vector b of all coefficients.

    Attributes
    ----------
    matrix : ndarray of shape (m, P)
    low, high : ndarray of shape (m,)
        Infinite where there is no bound; equal in an equality.
    labels : tuple of str
        What each row constrains, in words.
    sizes : dict of str to (int, int)
        By parameter, whether it has an intercept (1 or 0), and its number of columns.
    """

    matrix: np.ndarray
    low: np.ndarray
    high: np.ndarray
    labels: tuple[str, ...]
    sizes: dict[str, tuple[int, int]]

    def in_coordinates(self, designs: dict[str, Design]) -> np.ndarray:
        """The matrix (m, size) of the same constraints on the flat vector of designs, and of directions in it."""
        parts = []
        for name, (intercept, _) in self.sizes.items():
            parts.append(designs[name].original_matrix()[1 - intercept :] * designs[name].output_basis[0, 0])
        return self.matrix @ block_diag(*parts)

    def n_free(self, identified: dict[str, Design], designs: dict[str, Design], active: dict[int, int]) -> int:
        """The number of directions in which the linear predictors can move while the active rows hold with equality.

        Parameters
        ----------
        identified : dict of str to Design
            In coordinates that the columns identify, one each.
        designs : dict of str to Design
            In coordinates that are multiples of single coefficients, of which there are more where columns are dependent.
        active : dict of int to int
            The active rows, as `constrained_maximum` returns them.
        """
        rows = self.in_coordinates(designs)[list(active)]
        norm = np.linalg.norm(rows, axis=1)
        rows = rows[norm > 0] / norm[norm > 0, None]
        held = int(np.linalg.matrix_rank(rows, tol=MIN_SINGULAR_VALUE)) if len(rows) else 0
        if all(identified[name].size == design.size for name, design in designs.items()):
            return sum(design.size for design in designs.values()) - held
        # of the directions that keep the rows, those that change no linear predictor are no parameters
        known = block_diag(*(_row_space(identified[name], design) for name, design in designs.items()))
        return int(np.linalg.matrix_rank(np.vstack([known, rows]), tol=MIN_SINGULAR_VALUE)) - held

    def admits(self, changes: dict[str, tuple[np.ndarray, np.ndarray]]) -> bool:
        """Whether coefficients may move along a direction without end: changes of intercept and slopes by parameter."""
        b = np.concatenate(
            [
                np.concatenate([np.ravel(changes[name][0])[:intercept], np.ravel(changes[name][1])])
                if name in changes
                else np.zeros(intercept + count)
                for name, (intercept, count) in self.sizes.items()
            ]
        )
        change, scale = self.matrix @ b, np.abs(self.matrix) @ np.abs(b)
        falls, rises = change < -RECESSION_TOL * scale, change > RECESSION_TOL * scale
        return not ((falls & np.isfinite(self.low)) | (rises & np.isfinite(self.high))).any()

    def snapped(self, coefs: dict, intercepts: dict, active: dict[int, int]) -> tuple[dict, dict]:
        """The coefficients; those with a bound of their own are not beyond it by rounding, and on it where it is active."""
        coefs, intercepts = {name: np.array(value) for name, value in coefs.items()}, dict(intercepts)
        place = [(name, k - intercept) for name, (intercept, count) in self.sizes.items() for k in range(intercept + count)]
        for row, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            index = np.flatnonzero(self.matrix[row])
            if len(index) != 1:
                continue
            low, high = (low, low) if active.get(row) == -1 else (high, high) if row in active else (low, high)
            factor, (name, k) = self.matrix[row, index[0]], place[index[0]]
            value = (intercepts[name] if k < 0 else coefs[name][k]) * factor
            value = float(min(max(value, low), high) / factor) + 0.0  # no negative zero
            if k < 0:
                intercepts[name] = value
            else:
                coefs[name][k] = value
        return coefs, intercepts


def _row_space(identified: Design, design: Design) -> np.ndarray:
    """Orthonormal rows (r, size) of what the columns tell of the coordinates of `design`: all, if none are dependent."""
    if identified.size == design.size:
        return np.eye(design.size)
    first = int(design.intercept)
    # the slopes of `identified` span the row space of the columns in their own units
    slopes = identified.original_matrix()[1:, first:].T @ design.original_matrix()[1:, first:]
    return block_diag(np.eye(first), np.linalg.qr(slopes.T)[0].T)


def check_combined(model: Any, law: Likelihood, predictors: dict[str, Predictor], region: Region | None) -> None:
    """Raise ValueError for an L1 penalty or constraints together with what excludes them."""
    sparse = any(predictor.l1 for predictor in predictors.values())
    what = "l1_ratio > 0" if sparse else "bounds and constraints" if region is not None else ""
    if not what:
        return
    if curved := [one.parameter for one in predictors.values() if one.curve is not None]:
        raise ValueError(f"{what} are of linear predictors, and that of {curved[0]!r} is not linear in its coefficients")
    if sparse and region is not None:
        raise ValueError("l1_ratio > 0 and bounds or constraints exclude each other here: leave one of them out")
    if model.penalty is not None:
        raise ValueError(f"{what} and penalty={model.penalty!r} exclude each other: leave one of them out")
    if not law.smooth:
        raise ValueError(f"{what}: the log-likelihood of {title(law)} has kinks, for which there is no such fit")
    if model.solver not in ("auto", "newton"):
        raise ValueError(f"{what} need Newton steps: use solver='auto', not {model.solver!r}")


def region_of(model: Any, law: Likelihood, predictors: dict[str, Predictor], names: Any) -> Region | None:
    """The constraints of an estimator's arguments `bounds` and `constraints`; None if there are none.

    `names` are those of the columns of X, or None.
    """
    if model.bounds is None and model.constraints is None:
        return None
    reader = _Reader(law, predictors, names, model.n_features_in_)
    rows = [*reader.bounds(model.bounds), *reader.constraints(model.constraints)]
    if not rows:
        return None
    matrix, low, high, labels = zip(*rows, strict=True)
    return Region(np.array(matrix), np.array(low), np.array(high), tuple(labels), reader.sizes)


class _Reader:
    """Reads constraints on the coefficients of predictors by the names of parameters and columns."""

    def __init__(self, law, predictors, names, n_features):
        self.law, self.predictors, self.names, self.n_features = law, predictors, names, n_features
        self.first = next((name for name in modelled(law) if name in predictors), next(iter(predictors)))
        self.sizes = {name: (int(one.intercept), len(one.columns)) for name, one in predictors.items()}
        ends = np.cumsum([sum(size) for size in self.sizes.values()])
        self.starts = dict(zip(self.sizes, ends - [sum(size) for size in self.sizes.values()], strict=True))
        self.length = int(ends[-1])

    def bounds(self, spec: Any) -> Iterator[tuple]:
        """Rows (row, low, high, label) of the argument `bounds`."""
        if spec is None:
            return
        if not isinstance(spec, dict):
            spec = {self.first: spec}
        for key, value in spec.items():
            if isinstance(value, dict):
                self._check_parameter(key, "bounds")
                for name, ends in value.items():
                    yield self._bound(key, name, ends)
            elif isinstance(key, str) and key in self.predictors and not self._is_column(key):
                for index in self.predictors[key].columns:
                    yield self._bound(key, int(index), value)
            else:
                yield self._bound(self.first, key, value)

    def _bound(self, parameter, name, ends):
        label, place = self._place(parameter, name, "bounds")
        low, high = _ends(ends, f"bounds of {label}")
        return np.eye(1, self.length, place)[0], low, high, label

    def constraints(self, spec: Any) -> Iterator[tuple]:
        """Rows of the argument `constraints`."""
        if spec is None:
            return
        for item in [spec] if isinstance(spec, LinearConstraint | tuple | dict) else list(spec):
            if isinstance(item, dict):
                for parameter, one in item.items():
                    self._check_parameter(parameter, "constraints")
                    yield from self._matrix(parameter, one)
            elif isinstance(item, LinearConstraint):
                yield from self._matrix(self.first, item)
            else:
                yield self._sum(item)

    def _matrix(self, parameter, constraint):
        if not isinstance(constraint, LinearConstraint):
            raise TypeError(f"constraints of {parameter!r} must be a scipy.optimize.LinearConstraint, got {constraint!r}")
        matrix, (intercept, count) = np.atleast_2d(_dense(constraint.A)), self.sizes[parameter]
        if matrix.shape[1] != count:
            raise ValueError(
                f"constraints: the matrix of {parameter!r} has {matrix.shape[1]} columns, and this parameter {count}, "
                "those of X that it is modelled on, in their order; the intercept is none of them"
            )
        self._check_scalar(parameter, "constraints")
        low, high = (np.broadcast_to(np.asarray(end, dtype=float), len(matrix)) for end in (constraint.lb, constraint.ub))
        for k, row in enumerate(matrix):
            full = np.zeros(self.length)
            full[self.starts[parameter] + intercept :][:count] = row
            yield full, *_ends((low[k], high[k]), f"row {k} of constraints"), f"row {k} of constraints on {parameter}"

    def _sum(self, item):
        if not (isinstance(item, tuple) and len(item) == 3 and isinstance(item[0], dict) and item[0]):
            raise TypeError(
                "constraints must be ({'x1': 1, 'x2': -1}, low, high), which bounds a sum of coefficients times numbers, a "
                f"scipy.optimize.LinearConstraint, or a list of such; got {item!r}"
            )
        row, words = np.zeros(self.length), []
        for key, factor in item[0].items():
            parameter, name = self.first, key
            if isinstance(key, str) and not self._is_column(key) and ":" in key:
                parameter, name = key.split(":", 1)
                self._check_parameter(parameter, "constraints")
            label, place = self._place(parameter, name, "constraints")
            row[place] += float(factor)
            words.append(f"{float(factor):g} * {label}")
        text = " + ".join(words)
        return row, *_ends(item[1:], text), text

    def _place(self, parameter, name, argument) -> tuple[str, int]:
        self._check_scalar(parameter, argument)
        intercept, _ = self.sizes[parameter]
        if name == "intercept" and not self._is_column(name):
            if not intercept:
                raise ValueError(f"{argument}: {parameter!r} has no intercept")
            return f"{parameter}:intercept", self.starts[parameter]
        index = column(name, self.names, self.n_features, argument)
        label = f"{parameter}:{name if isinstance(name, str) else self.names[index] if self.names is not None else f'x{index}'}"
        at = np.flatnonzero(self.predictors[parameter].columns == index)
        if not len(at):
            raise ValueError(f"{argument}: {parameter!r} is not modelled on column {name!r}; see predictors")
        return label, int(self.starts[parameter] + intercept + at[0])

    def _is_column(self, name) -> bool:
        names = [f"x{j}" for j in range(self.n_features)] if self.names is None else self.names
        return isinstance(name, str) and name in names

    def _check_parameter(self, name, argument):
        if name not in self.predictors:
            raise ValueError(f"{argument} names {name!r}; the estimated parameters are {list(self.predictors)}")

    def _check_scalar(self, parameter, argument):
        if self.law.parameter(parameter).vector:
            raise ValueError(
                f"{argument}: {parameter} of {title(self.law)} is a vector, with several coefficients per column, and takes "
                "none; of laws of classes, those of two or of ordered ones do"
            )


def _ends(ends: Any, what: str) -> tuple[float, float]:
    """Two ends, of which None is infinite; ValueError if they are none, or the wrong way round."""
    if not (isinstance(ends, tuple | list) and len(ends) == 2):
        raise ValueError(f"{what}: give two ends, (low, high), with None where there is none; got {ends!r}")
    low, high = (-np.inf if ends[0] is None else ends[0]), (np.inf if ends[1] is None else ends[1])
    if not all(isinstance(end, Real) and end == end for end in (low, high)):
        raise ValueError(f"{what}: ends must be numbers or None, got {ends!r}")
    if low > high or low == np.inf or high == -np.inf:
        raise ValueError(f"{what}: no number lies between {low:g} and {high:g}")
    return float(low), float(high)


def _dense(matrix) -> np.ndarray:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=float)
