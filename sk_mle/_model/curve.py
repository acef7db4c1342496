"""Curves: linear predictors that are not linear in their coefficients, and the coordinates in which they are fitted.

Conventions: ``eta = function(X, *arguments)``. An argument is one coefficient, or, where it stands `on` columns, linear in
them: an intercept plus the columns times slopes, so that there are more coefficients b, of shape (q,), than arguments.
Derivatives are carried through the function where it is made of functions of NumPy and scipy.special whose derivatives are
known, and differenced where it is not, or where they are not finite (a power of zero, say).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import linalg, sparse

from .._utils.differences import FIRST_DIFFERENCE, SECOND_DIFFERENCE, SECOND_DIFFERENCE_CENTRE
from ..likelihoods._functions import Jet
from .data import Data
from .design import Columns, Design

if TYPE_CHECKING:
    from .data import Batch

# Half-width of a stencil, relative to the step at which the function leaves its tangent by its own size: errors are near 1e-12.
RELATIVE_STEP = 0.12
MAX_STEP_HALVINGS = 24
# Singular value of the scaled Jacobian, relative to the largest, below which a direction has no scale of its own.
MIN_SINGULAR_VALUE = 1e-12


class CurvePoint(NamedTuple):
    """Values (n,) of a curve and its derivatives in the arguments; None for those above the order asked for."""

    value: np.ndarray
    jacobian: np.ndarray | None  # (n, q), in the coefficients
    second: dict[tuple[int, int], Any] | None  # by pairs of arguments (k <= l), (n,) or a number; absent pairs are zero
    columns: list  # for each argument, the columns (n, 1 + m) that it is linear in, or None


@dataclass(frozen=True)
class Curve:
    """A function of columns of X and of coefficients, bound to the columns of one X.

    Attributes
    ----------
    function : callable
        ``function(rows, *arguments)`` with rows (n, m), the columns `reads`, gives (n,) or a number.
    arguments : tuple of str
        Names of the estimated arguments.
    labels : tuple of str
        Names of the q coefficients.
    reads : ndarray of int
        Columns of X that the function takes.
    on : dict of str to ndarray of int
        Columns of X in which arguments are linear.
    start : ndarray of shape (q,)
        NaN where the user gave none.
    low, high : ndarray of shape (q,)
        Bounds.
    jacobian : callable or None
        ``jacobian(rows, *arguments)`` gives the derivatives (n, number of arguments).
    proposals : callable or None
        ``proposals(rows)`` yields trial coefficients (q,), of which those that enter linearly are fitted: zero will do.
    identity : object
        Equal for curves of the same function, whatever is estimated or fixed in it.
    fixed : dict of str to float
        Arguments that are not estimated, which `function` knows.
    """

    function: Callable
    arguments: tuple[str, ...]
    labels: tuple[str, ...]
    reads: np.ndarray
    on: dict[str, np.ndarray]
    start: np.ndarray
    low: np.ndarray
    high: np.ndarray
    jacobian: Callable | None = None
    proposals: Callable | None = None
    identity: Any = None
    fixed: Any = None

    @property
    def columns(self) -> np.ndarray:
        """Columns of X on which the curve depends."""
        return np.unique(np.concatenate([self.reads, *self.on.values()])).astype(int)

    @property
    def slices(self) -> list[slice]:
        """Position of each argument's coefficients."""
        ends = np.cumsum([1 + len(self.on.get(name, ())) for name in self.arguments])
        return [slice(end - 1 - len(self.on.get(name, ())), end) for name, end in zip(self.arguments, ends, strict=True)]

    @property
    def bounded(self) -> bool:
        """Whether any coefficient has a bound."""
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    def on_bounds(self, coefficients: np.ndarray) -> dict[str, float]:
        """The bounds, by label, on which coefficients lie."""
        return {
            label: float(b)
            for label, b, low, high in zip(self.labels, coefficients, self.low, self.high, strict=True)
            if b in (low, high)
        }

    def contains(self, other: Curve) -> bool:
        """Whether another curve is this one with some coefficients at fixed values, or without columns in arguments."""
        own, others = self.fixed or {}, other.fixed or {}
        same = self.identity == other.identity and set(other.labels) <= set(self.labels)
        return bool(same and all(name in others and others[name] == value for name, value in own.items()))

    def coefficients_of(self, other: Curve, coefficients: np.ndarray) -> np.ndarray:
        """The coefficients of this curve at which it equals another that it contains, at coefficients of that one."""
        known = {**(other.fixed or {}), **dict(zip(other.labels, coefficients, strict=True))}
        return np.array([known.get(label, 0.0) for label in self.labels])

    def value(self, X: Any, coefficients: np.ndarray) -> np.ndarray:
        """The linear predictor of rows of X, (n,)."""
        return self.evaluate(X, coefficients, 0).value

    def tangent(self, X: Any, coefficients: np.ndarray) -> np.ndarray:
        """Derivatives of the linear predictor of rows of X in the coefficients, (n, q)."""
        jacobian = self.evaluate(X, coefficients, 1).jacobian
        assert jacobian is not None
        return jacobian

    def evaluate(self, X: Any, coefficients: np.ndarray, order: int) -> CurvePoint:
        """Values and derivatives up to `order` at coefficients (q,); values are NaN outside the bounds."""
        rows, n = dense(X, self.reads), X.shape[0]
        columns = [self._columns_of(X, name) for name in self.arguments]
        parts = [coefficients[place] for place in self.slices]
        arguments = [
            part[0] if Z is None else Z @ part for part, Z in zip(parts, columns, strict=True)
        ]  # a number where it is the same in all rows
        with np.errstate(all="ignore"):
            if not ((self.low <= coefficients) & (coefficients <= self.high)).all():
                return CurvePoint(np.full(n, np.nan), np.full((n, len(coefficients)), np.nan), {}, columns)
            if order == 0:
                return CurvePoint(self._values(rows, arguments), None, None, columns)
            value, first, second = self._derivatives(rows, arguments, order)
        jacobian = np.empty((n, len(coefficients)))
        for place, d1, Z in zip(self.slices, first, columns, strict=True):
            jacobian[:, place] = np.broadcast_to(d1, (n,))[:, None] * (1.0 if Z is None else Z)
        return CurvePoint(value, jacobian, second, columns)

    def second_sum(self, point: CurvePoint, weights: np.ndarray) -> np.ndarray:
        """Sum over rows of weights (n,) times the second derivatives in the coefficients: (q, q)."""
        result = np.zeros((len(self.labels),) * 2)
        places, ones = self.slices, np.ones((len(weights), 1))
        for (k, m), value in (point.second or {}).items():
            left, right = (ones if point.columns[j] is None else point.columns[j] for j in (k, m))
            block = left.T @ (right * (weights * value)[:, None])
            result[places[k], places[m]] += block
            if k != m:
                result[places[m], places[k]] += block.T
        return result

    # ---- the function and its derivatives in the arguments ---------------------------------------------------------------

    def _columns_of(self, X: Any, name: str) -> Any:
        """The columns (n, 1 + m) in which an argument is linear, or None for one coefficient."""
        if name not in self.on:
            return None
        return np.column_stack([np.ones(X.shape[0]), dense(X, self.on[name])])

    def _values(self, rows: np.ndarray, arguments: list) -> np.ndarray:
        """The function's values (n,); ValueError for another shape."""
        value = np.asarray(self.function(rows, *arguments), dtype=float)
        if value.shape not in ((), (1,), (len(rows),)):
            raise ValueError(f"a curve must return one value per row of X, of shape ({len(rows)},), got shape {value.shape}")
        return np.array(np.broadcast_to(value, (len(rows),)))

    def _derivatives(self, rows: np.ndarray, arguments: list, order: int) -> tuple[np.ndarray, Any, dict | None]:
        """Values (n,), first derivatives by argument and second ones by pairs of arguments."""
        by_jets = None if self.jacobian is not None else self._by_jets(rows, arguments, order)
        if by_jets is None:
            return self._by_differences(rows, arguments, order)
        value, first, second = by_jets
        parts = [*first, *(second or {}).values()]
        if all(np.isfinite(np.sum(part)) for part in parts):
            return by_jets
        bad = np.zeros(len(rows), bool)
        for part in parts:
            bad |= ~np.isfinite(part)
        bad &= np.isfinite(value)
        if bad.any():
            there = [argument[bad] if np.ndim(argument) else argument for argument in arguments]
            _, first_there, second_there = self._by_differences(rows[bad], there, order, with_jacobian=False)
            first = [_replaced(part, bad, new) for part, new in zip(first, first_there, strict=True)]
            if second is not None:
                assert second_there is not None  # of the same order
                pairs = second.keys() | second_there.keys()
                second = {pair: _replaced(second.get(pair, 0.0), bad, second_there.get(pair, 0.0)) for pair in pairs}
        return value, first, second

    def _by_jets(self, rows: np.ndarray, arguments: list, order: int) -> tuple[np.ndarray, Any, dict | None] | None:
        """Derivatives carried through the function, or None where it does not take them."""
        seeds = [
            Jet(np.asarray(value, dtype=float), {k: 1.0}, {} if order == 2 else None, len(rows))
            for k, value in enumerate(arguments)
        ]
        try:
            jet = self.function(rows, *seeds)
        except Exception:  # differences, which are tried next, work or raise the same error
            return None
        if not isinstance(jet, Jet) or jet.shape != (len(rows),) or len(jet.d1) < len(arguments):
            return None
        value = np.array(np.broadcast_to(jet.value, (len(rows),)))
        return value, [jet.d1[k] for k in range(len(arguments))], jet.d2

    def _by_differences(
        self, rows: np.ndarray, arguments: list, order: int, with_jacobian: bool = True
    ) -> tuple[np.ndarray, Any, dict | None]:
        """Derivatives by central differences of eighth order in all rows at once, of the user's `jacobian` if there is one."""
        value = self._values(rows, arguments)
        size = max(np.abs(value[np.isfinite(value)]).max(initial=0.0), 1e-300)
        steps = [self._step(rows, arguments, k, value, size) for k in range(len(arguments))]

        def values(moves: dict, f: Callable) -> np.ndarray:
            return f(rows, [a + moves.get(k, 0.0) for k, a in enumerate(arguments)])

        def along(columns: list[int], f: Callable) -> list:
            at = [({k: times * steps[k] for k in columns}, {k: -times * steps[k] for k in columns}) for times in range(1, 5)]
            return [(values(up, f), values(down, f)) for up, down in at]

        if self.jacobian is not None and with_jacobian:
            return self._from_jacobian(rows, arguments, value, steps, along, order)
        points = [along([k], self._values) for k in range(len(arguments))]
        first = [_first_difference(pairs) / step for pairs, step in zip(points, steps, strict=True)]
        if order == 1:
            return value, first, None

        def second_difference(pairs: list) -> np.ndarray:
            return SECOND_DIFFERENCE_CENTRE * value + sum(
                c * (up + down) for c, (up, down) in zip(SECOND_DIFFERENCE, pairs, strict=True)
            )

        second_differences = [second_difference(pairs) for pairs in points]
        second = {(k, k): second_differences[k] / steps[k] ** 2 for k in range(len(arguments))}
        for m in range(len(arguments)):
            for k in range(m):
                both = second_difference(along([k, m], self._values))
                second[k, m] = (both - second_differences[k] - second_differences[m]) / (2 * steps[k] * steps[m])
        return value, first, second

    def _from_jacobian(
        self, rows: Any, arguments: Any, value: Any, steps: Any, along: Any, order: int
    ) -> tuple[Any, list, dict | None]:
        """First derivatives from the user's function, second ones by differences of it."""
        first = self._given_jacobian(rows, arguments)
        if order == 1:
            return value, list(first.T), None
        moved = [along([k], self._given_jacobian) for k in range(len(steps))]
        columns = [_first_difference(pairs) / step for pairs, step in zip(moved, steps, strict=True)]
        pairs = [(k, m) for m in range(len(arguments)) for k in range(m + 1)]
        return value, list(first.T), {(k, m): (columns[k][:, m] + columns[m][:, k]) / 2 for k, m in pairs}

    def _given_jacobian(self, rows: Any, arguments: Any) -> np.ndarray:
        """The values of the user's `jacobian`, (n, number of arguments); ValueError for another shape."""
        assert self.jacobian is not None
        result, shape = np.asarray(self.jacobian(rows, *arguments), dtype=float), (len(rows), len(arguments))
        if result.shape != shape:
            raise ValueError(
                f"jacobian must return the derivatives in {', '.join(self.arguments)}, of shape {shape}, got {result.shape}"
            )
        return result

    def _step(self, rows: np.ndarray, arguments: list, k: int, value: np.ndarray, size: float) -> float:
        """A step over which the function leaves its tangent by little of its `size`."""
        reach = RELATIVE_STEP * (np.abs(arguments[k]).max() or 1.0)
        for _ in range(MAX_STEP_HALVINGS):
            up, down = (
                self._values(rows, [a + sign * reach * (j == k) for j, a in enumerate(arguments)]) for sign in (1.0, -1.0)
            )
            change = np.abs(up + down - 2 * value)[np.isfinite(value)].max(initial=0.0)
            ratio = np.sqrt(change / size) / RELATIVE_STEP
            if ratio <= 2.0:
                break
            reach /= min(ratio, 1e3) if np.isfinite(ratio) else 10.0
        return reach / 4


def _first_difference(pairs: list) -> np.ndarray:
    """First difference, times the step, from pairs of values at 1..4 steps up and down."""
    return sum(c * (up - down) for c, (up, down) in zip(FIRST_DIFFERENCE, pairs, strict=True))


def dense(X: Any, index: np.ndarray) -> np.ndarray:
    """Columns of X as a dense float array."""
    part = X[:, index]
    return np.asarray(part.toarray() if sparse.issparse(part) else part, dtype=float)


def _replaced(values: np.ndarray, where: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Values (n,), or a number for all rows, with those of the rows in a mask replaced."""
    result = np.array(np.broadcast_to(values, where.shape), dtype=float)
    result[where] = new
    return result


@dataclass(frozen=True)
class CurveDesign(Design):
    """Coordinates u of a curve's coefficients, ``origin + column_basis @ u``, in which its Jacobian there is orthonormal.

    The rows of this design, the Jacobian at the current coefficients times `column_basis`, change with u; the second
    derivatives of the curve add to the observed Hessian.
    """

    curve: Any = None
    origin: Any = None

    @property
    def linear(self) -> bool:
        return False

    def coefficients_at(self, u: np.ndarray) -> np.ndarray:
        """The curve's coefficients (q,)."""
        return self.origin + self.change(u)

    def change(self, u: np.ndarray) -> np.ndarray:
        """The change (q,) of the coefficients along a direction u."""
        return self.column_basis @ (np.asarray(u) * self.output_basis[0, 0])

    def expand(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Intercept, zero, and the curve's coefficients (q, 1)."""
        return np.zeros(1), self.coefficients_at(u)[:, None]

    def expand_change(self, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The change of the linear predictor's tangent: its rows are those of `rows`."""
        return np.zeros(1), np.asarray(direction)[:, None] * self.output_basis[0, 0]

    def coefficients(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.expand(u)

    def unrotated(self) -> CurveDesign:
        """The design itself: a curve has as many coordinates as coefficients."""
        return self

    def expand_adjoint(self, sums: np.ndarray) -> np.ndarray:
        return (sums[1:] @ self.output_basis).ravel()

    def matrix(self) -> np.ndarray:
        return np.eye(1 + self.shape[0])[:, 1:]

    def original_matrix(self) -> np.ndarray:
        return np.vstack([np.zeros((1, self.shape[0])), self.column_basis])

    def coordinate_rows(self, X: Any) -> np.ndarray:
        """The Jacobian at the origin in coordinates of one linear predictor."""
        return self.curve.tangent(X, self.origin) @ self.column_basis

    def plain_rows(self, X: Any) -> np.ndarray:
        return np.hstack([np.ones((X.shape[0], 1)), self.coordinate_rows(X)])

    def coefficient_scales(self, X: Any) -> np.ndarray:
        """Root mean square of the linear predictor's derivatives in the coefficients at the origin, (q,)."""
        return np.sqrt(np.mean(self.curve.tangent(X, self.origin) ** 2, axis=0))

    def evaluate(self, X: Any, coefficients: tuple, order: int) -> CurvePoint:
        """The curve in rows of X at an intercept, which it has not, and coefficients (q, 1)."""
        return self.curve.evaluate(X, coefficients[1][:, 0], order)

    def rows(self, point: CurvePoint) -> np.ndarray:
        """The rows of the design at a point of the curve."""
        return point.jacobian @ self.column_basis

    def second_sum(self, point: CurvePoint, weights: np.ndarray) -> np.ndarray:
        """Sum over rows of weights times the curve's second derivatives, in coordinates of one linear predictor."""
        return self.column_basis.T @ self.curve.second_sum(point, weights) @ self.column_basis

    def size_of_terms(self, data: Data, u: np.ndarray) -> np.ndarray:
        """Sum over coefficients of the size of coefficient times derivative, in the rows in memory.

        The rounding error of the curve is a share of it.
        """
        b = self.coefficients_at(u)
        return np.abs(self.curve.tangent(data.in_memory.X, b)) @ np.abs(b)

    def flat_directions(self, data: Data, u: np.ndarray) -> np.ndarray:
        """Orthonormal directions (q, m) at u along which the curve of no row changes, by its first derivatives."""
        R = _triangle(self.curve, self.coefficients_at(u), data)
        if not np.isfinite(R).all():
            return np.zeros((self.size, 0))
        norm = np.linalg.norm(R, axis=0)
        norm[norm == 0] = 1.0
        _, singular, right = linalg.svd(_square(R / norm))
        flat = right[singular <= MIN_SINGULAR_VALUE * singular.max(initial=1e-300)]
        return linalg.orth(np.linalg.lstsq(self.column_basis * norm[:, None], flat.T, rcond=None)[0])

    def coordinates(self, intercept: Any, slopes: Any) -> np.ndarray:
        norm = np.linalg.norm(self.column_basis, axis=1)
        norm[norm == 0] = 1.0
        change = (np.ravel(slopes) - self.origin) / norm
        return np.linalg.lstsq(self.column_basis / norm[:, None], change, rcond=None)[0] / self.output_basis[0, 0]

    def at(self, coefficients: np.ndarray, data: Data) -> CurveDesign:
        """The design with another origin, where its rows are orthonormal, weighted as the rows in memory of `data` are."""
        basis = _orthonormalising(_triangle(self.curve, coefficients, data.in_memory))
        return replace(self, origin=np.array(coefficients, dtype=float), column_basis=basis)


def _triangle(curve: Curve, coefficients: np.ndarray, data: Data) -> np.ndarray:
    """R, square or with fewer rows, of which R'R is the weighted mean of products of the rows' derivatives."""
    R = data.reduce(partial(_triangle_of_block, curve, coefficients), _stacked) / np.sqrt(data.total_weight)
    return R if np.isfinite(R).all() else np.full((len(coefficients),) * 2, np.nan)


def _triangle_of_block(curve: Curve, coefficients: np.ndarray, batch: Batch) -> np.ndarray:
    """R of the rows of a block, not divided by their weight."""
    rows = np.sqrt(batch.weight)[:, None] * curve.tangent(batch.X, coefficients)
    return _stacked(rows, rows[:0])


def _stacked(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """R of the rows of both."""
    rows = np.vstack([upper, lower])
    return linalg.qr(rows, mode="r")[0][: rows.shape[1]] if np.isfinite(rows).all() else np.full_like(rows[:1], np.nan)


def _square(R: np.ndarray) -> np.ndarray:
    """R with rows of zeros, as many rows as columns."""
    return np.vstack([R, np.zeros((max(R.shape[1] - len(R), 0), R.shape[1]))])


def _orthonormalising(R: np.ndarray) -> np.ndarray:
    """A matrix B for which R B has orthonormal columns, or shorter ones where R is of deficient rank."""
    if not np.isfinite(R).all():
        return np.eye(R.shape[1])
    norm = np.linalg.norm(R, axis=0)
    norm[norm == 0] = 1.0
    _, singular, right = linalg.svd(_square(R / norm))
    singular = np.maximum(singular, MIN_SINGULAR_VALUE * singular.max(initial=1e-300))
    return right.T / singular / norm[:, None]


def curve_design(curve: Curve) -> CurveDesign:
    """The design of a curve before its start is known."""
    q = len(curve.labels)
    return CurveDesign(Columns(curve.columns), np.zeros(q), np.eye(q), False, np.eye(1), curve=curve, origin=curve.start)
