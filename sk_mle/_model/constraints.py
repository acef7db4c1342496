"""Linear constraints on coefficients: bounds by name, and sums of coefficients between two numbers.

A `Region` holds them for the coefficients of all estimated parameters, in one vector: by parameter, and by entry of a vector
parameter, the intercept, if there is one, and then the slopes in the order of its columns, or the coefficients of its curve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import block_diag
from scipy.optimize import Bounds, LinearConstraint
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..likelihoods import Likelihood
from ..likelihoods._functions import modelled, title
from .bias import JEFFREYS
from .columns import column, entries_of
from .design import Design
from .predictor import Predictor

MIN_SINGULAR_VALUE = 1e-9  # of constraints, as rows of norm 1, that count as independent


class CoefficientBlock(NamedTuple):
    """The coefficients of one parameter, or of one entry of a vector parameter, in the vector of all coefficients.

    Attributes
    ----------
    label : str
        Name of the parameter, with that of the entry: "logits[b]".
    parameter : str
    start : int
        Place of the first of them.
    intercept, n_slopes : int
        Whether there is an intercept (1 or 0), and the number of slopes.
    """

    label: str
    parameter: str
    start: int
    intercept: int
    n_slopes: int


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
    blocks : tuple of CoefficientBlock
        The parts of b.
    of_curves : bool
        Whether all rows are bounds that curves bring, beyond which their likelihood is not defined.
    """

    matrix: np.ndarray
    low: np.ndarray
    high: np.ndarray
    labels: tuple[str, ...]
    blocks: tuple[CoefficientBlock, ...]
    of_curves: bool = False

    def in_coordinates(self, designs: dict[str, Design]) -> tuple[np.ndarray, np.ndarray]:
        """A (m, size) and c (m,) with ``A @ u + c`` the rows' values at the flat vector u of designs."""
        maps = []
        for design in designs.values():
            inner = design.original_matrix()[1 - int(design.intercept) :]
            maps.append(np.kron(design.output_basis[:, None, :], inner[None, :, :, None]).reshape(-1, design.size))
        origin = self._flat({name: design.coefficients(np.zeros(design.size)) for name, design in designs.items()})
        return self.matrix @ block_diag(*maps), self.matrix @ origin

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
        rows = self.in_coordinates(designs)[0][list(active)]
        norm = np.linalg.norm(rows, axis=1)
        rows = rows[norm > 0] / norm[norm > 0, None]
        held = int(np.linalg.matrix_rank(rows, tol=MIN_SINGULAR_VALUE)) if len(rows) else 0
        if all(identified[name].size == design.size for name, design in designs.items()):
            return sum(design.size for design in designs.values()) - held
        # of the directions that keep the rows, those that change no linear predictor are no parameters
        known = block_diag(*(_row_space(identified[name], design) for name, design in designs.items()))
        return int(np.linalg.matrix_rank(np.vstack([known, rows]), tol=MIN_SINGULAR_VALUE)) - held

    def recession(self, designs: dict[str, Design]) -> np.ndarray:
        """A matrix (m, size) with ``matrix @ d >= 0`` for the directions d in which the flat vector of designs has no end."""
        A, _ = self.in_coordinates(designs)
        return np.concatenate([A[np.isfinite(self.low)], -A[np.isfinite(self.high)]])

    def snapped(self, coefs: dict, intercepts: dict, active: dict[int, int]) -> tuple[dict, dict]:
        """The coefficients without the rounding in which they miss bounds of their own, and active rows that make two equal."""
        b = self._of_fit(coefs, intercepts)
        at_bound = np.zeros(len(b), dtype=bool)
        for row, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            index = np.flatnonzero(self.matrix[row])
            if len(index) == 1:
                low, high = (low, low) if active.get(row) == -1 else (high, high) if row in active else (low, high)
                factor = self.matrix[row, index[0]]
                b[index] = np.clip(b[index] * factor, low, high) / factor + 0.0  # no negative zero
                at_bound[index] |= row in active
        for group in self._equal_coefficients(active):
            b[group] = b[group][at_bound[group].argmax()] if at_bound[group].any() else b[group].mean()
        slopes: dict[str, list] = {name: [] for name in coefs}
        constants: dict[str, list] = {name: [] for name in coefs}
        for block in self.blocks:
            first = block.start + block.intercept
            slopes[block.parameter].append(b[first : first + block.n_slopes])
            constants[block.parameter] += list(b[block.start : first])
        result = {name: np.reshape(slopes[name], np.shape(coefs[name])) for name in coefs}
        return result, {
            name: value if not constants[name] else np.array(constants[name]) if np.ndim(value) else float(constants[name][0])
            for name, value in intercepts.items()
        }

    def _equal_coefficients(self, active: dict[int, int]) -> list[np.ndarray]:
        """Positions of the coefficients that active rows make equal, by group."""
        bounds = {row: self.low[row] if side < 0 else self.high[row] for row, side in active.items()}
        rows = self.matrix[[row for row, bound in bounds.items() if bound == 0]]
        pairs = [np.flatnonzero(row) for row in rows if np.count_nonzero(row) == 2 and row.sum() == 0]
        if not pairs:
            return []
        first, second = np.transpose(pairs)
        size = self.matrix.shape[1]
        group = connected_components(coo_array((np.ones(len(pairs)), (first, second)), (size, size)), directed=False)[1]
        return [np.flatnonzero(group == one) for one in np.unique(group[first])]

    def n_held_off_zero(self, coefs: dict, intercepts: dict, active: dict[int, int]) -> int:
        """The number of coefficients in active rows that are not zero."""
        return int(np.count_nonzero(self._of_fit(coefs, intercepts)[self.matrix[list(active)].any(axis=0)]))

    def _of_fit(self, coefs: dict, intercepts: dict) -> np.ndarray:
        """The vector of all coefficients from those of a fit: (q,) or (K, q), and a number or (K,)."""
        return self._flat({name: (np.atleast_1d(intercepts[name]), np.atleast_2d(coefs[name]).T) for name in coefs})

    def _flat(self, parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """The vector of all coefficients from intercepts (K,) and slopes (q, K) by parameter; zero for those not given."""
        entry, b = dict.fromkeys(parts, 0), np.zeros(self.matrix.shape[1])
        for block in self.blocks:
            if block.parameter not in parts:
                continue
            (intercept, slopes), k = parts[block.parameter], entry[block.parameter]
            first = block.start + block.intercept
            b[block.start : first], b[first : first + block.n_slopes] = intercept[k], slopes[:, k]
            entry[block.parameter] += 1
        return b


def _row_space(identified: Design, design: Design) -> np.ndarray:
    """Orthonormal basis (r, size) of the coordinates of `design` that the columns identify: all, if none are dependent."""
    if identified.size == design.size:
        return np.eye(design.size)
    first = int(design.intercept)
    # the slopes of `identified` span the row space of the columns in their own units
    slopes = identified.original_matrix()[1:, first:].T @ design.original_matrix()[1:, first:]
    return np.kron(block_diag(np.eye(first), np.linalg.qr(slopes.T)[0].T), np.eye(design.shape[1]))


def is_constrained(region: Region | None) -> bool:
    """Whether there are constraints besides the bounds of curves, which matter only where a fit fails without them."""
    return region is not None and not region.of_curves


def check_combined(model: Any, law: Likelihood, predictors: dict[str, Predictor], region: Region | None) -> None:
    """Raise ValueError for an L1 penalty or constraints together with what excludes them."""
    sparse = any(predictor.l1 for predictor in predictors.values())
    what = "l1_ratio > 0" if sparse else "bounds and constraints" if is_constrained(region) else ""
    if not what:
        return
    curved = [one.parameter for one in predictors.values() if one.curve is not None]
    if sparse and curved:
        raise ValueError(f"l1_ratio > 0 is of linear predictors, and that of {curved[0]!r} is not linear in its coefficients")
    if model.penalty is not None and (sparse or model.penalty != JEFFREYS):
        raise ValueError(f"{what} and penalty={model.penalty!r} exclude each other: leave one of them out")
    if not law.smooth:
        raise ValueError(f"{what}: the log-likelihood of {title(law)} has kinks, for which there is no such fit")
    if model.solver not in ("auto", "newton"):
        raise ValueError(f"{what} need Newton steps: use solver='auto', not {model.solver!r}")


def region_of(model: Any, law: Likelihood, predictors: dict[str, Predictor], names: Any) -> Region | None:
    """The constraints of an estimator's arguments `bounds` and `constraints`, and of curves and terms; None if there are none.

    `names` are those of the columns of X, or None.
    """
    own = [one for one in predictors.values() if one.bounded]
    if model.bounds is None and model.constraints is None and not own:
        return None
    reader = _Reader(model, law, predictors, names)
    given = [*reader.bounds(model.bounds), *reader.constraints(model.constraints), *reader.of_terms()]
    rows = [*given, *reader.of_curves()]
    if not rows:
        return None
    matrix, low, high, labels = zip(*rows, strict=True)
    return Region(np.array(matrix), np.array(low), np.array(high), tuple(labels), reader.blocks, not given)


class _Reader:
    """Reads constraints on the coefficients of predictors by the names of parameters and columns."""

    def __init__(self, model: Any, law: Likelihood, predictors: dict[str, Predictor], names: Any) -> None:
        self.law, self.predictors, self.names, self.n_features = law, predictors, names, model.n_features_in_
        self.first = next((name for name in modelled(law) if name in predictors), next(iter(predictors)))
        blocks: list[CoefficientBlock] = []
        self.length = 0
        for name, one in predictors.items():
            for entry in entries_of(model, law, name) if law.layout[name].vector else [None]:
                label = name if entry is None else f"{name}[{entry}]"
                blocks.append(CoefficientBlock(label, name, self.length, int(one.intercept), len(one.labels(names))))
                self.length += blocks[-1].intercept + blocks[-1].n_slopes
        self.blocks = tuple(blocks)

    def bounds(self, spec: Any) -> Iterator[tuple]:
        """Rows (row, low, high, label) of the argument `bounds`."""
        if spec is None:
            return
        if not isinstance(spec, dict):
            spec = {self.first: spec}
        for key, value in spec.items():
            whole = isinstance(key, str) and key in self._targets() and not self._is_column(key)
            for block in self._blocks(key if isinstance(value, dict) or whole else self.first, "bounds"):
                ends = value if isinstance(value, dict) else dict.fromkeys(self._all_of(block) if whole else [key], value)
                for name, pair in ends.items():
                    yield self._bound(block, name, pair)

    def _bound(
        self, block: CoefficientBlock, name: str, ends: tuple[int | None, float | None]
    ) -> tuple[np.ndarray, float, float, str]:
        label, place = self._place(block, name, "bounds")
        low, high = _ends(ends, f"bounds of {label}")
        return np.eye(1, self.length, place)[0], low, high, label

    def of_curves(self) -> Iterator[tuple]:
        """Rows of the bounds that curves bring."""
        for block in self.blocks:
            curve = self.predictors[block.parameter].curve
            if curve is None:
                continue
            for k, label in enumerate(curve.labels):
                if np.isfinite([curve.low[k], curve.high[k]]).any():
                    row = np.eye(1, self.length, block.start + k)[0]
                    yield row, curve.low[k], curve.high[k], f"{block.label}:{label}"

    def of_terms(self) -> Iterator[tuple]:
        """Rows of what terms ask of their coefficients."""
        for block in self.blocks:
            for term in self.predictors[block.parameter].terms:
                for row in () if term.nonnegative is None else term.nonnegative:
                    full = np.zeros(self.length)
                    full[block.start + block.intercept + term.places] = row
                    yield full, 0.0, np.inf, f"{block.label}:{term.label}"

    def constraints(self, spec: Any) -> Iterator[tuple]:
        """Rows of the argument `constraints`."""
        if spec is None:
            return
        for item in [spec] if isinstance(spec, LinearConstraint | tuple | dict) else list(spec):
            if isinstance(item, dict):
                for target, one in item.items():
                    for block in self._blocks(target, "constraints"):
                        yield from self._matrix(block, one)
            elif isinstance(item, LinearConstraint):
                for block in self._blocks(self.first, "constraints"):
                    yield from self._matrix(block, item)
            else:
                yield self._sum(item)

    def _matrix(self, block: Any, constraint: Any) -> Iterator[Any]:
        if not isinstance(constraint, LinearConstraint):
            raise TypeError(f"constraints of {block.label!r} must be a scipy.optimize.LinearConstraint, got {constraint!r}")
        matrix = np.atleast_2d(_dense(constraint.A))
        if matrix.shape[1] != block.n_slopes:
            raise ValueError(
                f"constraints: the matrix of {block.label!r} has {matrix.shape[1]} columns, and this parameter "
                f"{block.n_slopes}, those of X that it is modelled on, in their order; the intercept is none of them"
            )
        low, high = (np.broadcast_to(np.asarray(end, dtype=float), len(matrix)) for end in (constraint.lb, constraint.ub))
        for k, row in enumerate(matrix):
            full = np.zeros(self.length)
            full[block.start + block.intercept :][: block.n_slopes] = row
            yield full, *_ends((low[k], high[k]), f"row {k} of constraints"), f"row {k} of constraints on {block.label}"

    def _sum(self, item: tuple[dict, int, int]) -> tuple[np.ndarray, float, float, str]:
        if not (isinstance(item, tuple) and len(item) == 3 and isinstance(item[0], dict) and item[0]):
            raise TypeError(
                "constraints must be ({'x1': 1, 'x2': -1}, low, high), which bounds a sum of coefficients times numbers, a "
                f"scipy.optimize.LinearConstraint, or a list of such; got {item!r}"
            )
        row, words = np.zeros(self.length), []
        for key, factor in item[0].items():
            target, name = self.first, key
            if isinstance(key, str) and not self._is_column(key) and ":" in key:
                target, name = self._split(key)
            blocks = self._blocks(target, "constraints")
            if len(blocks) > 1:
                raise ValueError(
                    f"constraints: {target!r} is a vector, of which {key!r} names {len(blocks)} coefficients; name an entry, "
                    f"as in '{blocks[0].label}:{name}'"
                )
            label, place = self._place(blocks[0], name, "constraints")
            row[place] += float(factor)
            words.append(f"{float(factor):g} * {label}")
        text = " + ".join(words)
        return row, *_ends(item[1:], text), text

    def _split(self, key: Any) -> tuple[str, str]:
        """The parameter, or its entry, and the column of a name such as "scale:x1"."""
        targets = [name for name in self._targets() if key.startswith(f"{name}:")]
        target = max(targets, key=len) if targets else key.split(":", 1)[0]
        return target, key[len(target) + 1 :]

    def _place(self, block: CoefficientBlock, name: str, argument: str) -> tuple[str, int]:
        predictor = self.predictors[block.parameter]
        if name == "intercept" and not self._is_column(name):
            if not block.intercept:
                raise ValueError(f"{argument}: {block.label!r} has no intercept")
            return f"{block.label}:intercept", block.start
        if predictor.curve is not None:
            if name not in predictor.curve.labels:
                raise ValueError(
                    f"{argument}: the curve of {block.label!r} has no coefficient {name!r}; "
                    f"it has {list(predictor.curve.labels)}"
                )
            return f"{block.label}:{name}", block.start + predictor.curve.labels.index(name)
        index = column(name, self.names, self.n_features, argument)
        shown = name if isinstance(name, str) else self.names[index] if self.names is not None else f"x{index}"
        at = np.flatnonzero(predictor.columns == index)
        if not len(at):
            raise ValueError(f"{argument}: {block.label!r} is not modelled on column {name!r}; see predictors")
        return f"{block.label}:{shown}", int(block.start + block.intercept + at[0])

    def _all_of(self, block: CoefficientBlock) -> list:
        """The names by which `bounds` takes the slopes of a block, without those of columns that terms make."""
        one = self.predictors[block.parameter]
        return list(one.curve.labels) if one.curve is not None else [int(j) for j in one.columns if j not in one.made]

    def _is_column(self, name: str) -> bool:
        names = [f"x{j}" for j in range(self.n_features)] if self.names is None else self.names
        return isinstance(name, str) and name in names

    def _targets(self) -> set[str]:
        """Names of the estimated parameters, and of the entries of vectors."""
        return {name for block in self.blocks for name in (block.label, block.parameter)}

    def _blocks(self, target: str, argument: str) -> list[CoefficientBlock]:
        """The blocks of a parameter, or of one entry of a vector."""
        blocks = [block for block in self.blocks if target in (block.label, block.parameter)]
        if not blocks:
            raise ValueError(f"{argument} names {target!r}; the estimated parameters are {list(self.predictors)}")
        return blocks


def _ends(ends: Any, what: str) -> tuple[float, float]:
    """Two ends, of which None is infinite; ValueError if they are none, or the wrong way round."""
    if isinstance(ends, Bounds) and np.size(ends.lb) == np.size(ends.ub) == 1:
        ends = np.ravel(ends.lb)[0], np.ravel(ends.ub)[0]
    if not (isinstance(ends, tuple | list) and len(ends) == 2):
        raise ValueError(f"{what}: give two ends, (low, high), with None where there is none; got {ends!r}")
    low, high = (-np.inf if ends[0] is None else ends[0]), (np.inf if ends[1] is None else ends[1])
    if not all(isinstance(end, Real) and end == end for end in (low, high)):
        raise ValueError(f"{what}: ends must be numbers or None, got {ends!r}")
    if low > high or low == np.inf or high == -np.inf:
        raise ValueError(f"{what}: no number lies between {low:g} and {high:g}")
    return float(low), float(high)


def _dense(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=float)
