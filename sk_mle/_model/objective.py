"""The objective: weighted mean negative log-likelihood plus penalty, as a function of one flat vector.

The flat vector u, of shape (size,), is the concatenation of the coordinates of the estimated parameters, in the order of
`designs`: ``u[slices[name]]`` reshaped to ``designs[name].shape``, that is (intercept + r, k), with the intercept in the first
row, r (rotated) columns, and k = 1, or the entries of a vector parameter in its output basis. `Design.expand` maps it to
intercept and coefficients. Coordinates are scaled so that the Hessian at the start of a fit is close to the identity. Gradients
and Hessians have the same layout, of shapes (size,) and (size, size).

Laws return log-likelihoods; `Objective._collect` changes the sign, so everything after it is a loss: lower is better.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property, partial
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._utils.repeated import repeated
from ..likelihoods import Likelihood
from ..likelihoods._functions import expected_information, is_degenerate, may_be_degenerate, prepared
from .bounds import DensityRows, density_loss
from .data import Data
from .design import Design
from .evaluator import Evaluator
from .penalties import penalties_of

if TYPE_CHECKING:
    from .data import Batch

# Loss of the rows without a density, per weight of those with one, up to which the loss of the latter is computed alone.
MAX_LOSS_BESIDE_DENSITIES = 20.0


class Point(NamedTuple):
    """Value, gradient (size,) and Hessian (size, size) at one vector; None for derivatives above the order asked for."""

    value: float
    gradient: Any = None
    hessian: Any = None

    @property
    def order(self) -> int:
        """Order of the highest derivative, 0 to 2."""
        return 0 if self.gradient is None else 1 if self.hessian is None else 2

    @property
    def finite(self) -> bool:
        """Whether value and gradient are finite, as every step needs; the Hessian may be replaced."""
        return isfinite(self.value) and (self.gradient is None or bool(np.isfinite(self.gradient).all()))

    @property
    def complete(self) -> bool:
        """Whether value and all derivatives are finite."""
        return self.finite and (self.hessian is None or bool(np.isfinite(self.hessian).all()))


class Objective:
    """Mean negative log-likelihood of a law, with penalty, as a function of the coordinates of its estimated parameters.

    Parameters
    ----------
    likelihood : Likelihood
    data : Data
    designs : dict of str to Design
        One per estimated parameter, in their order.
    alpha : dict of str to float or ndarray of shape (q,)
        Ridge penalty per parameter, or on each of its columns.
    slopes : dict of str to float, optional
        Coefficients, by parameter without columns, of its intercept in the objective (see `penalties.LinearTerm`).

    Attributes
    ----------
    slices : dict of str to slice
        Position of each parameter's coordinates in the flat vector.
    size : int
        Length of the flat vector.
    near_optimum : bool
        Whether the start is so near that the observed information suits the first steps.
    near_limits : dict of str to str
        Parameters that may be at a limit of the law, with that end of their domain (see `_solvers/limits.py`).
    preconditioner : object or None
        Approximation of the Hessian near the solution (see `_solvers/preconditioners.py`).
    rotation : (Objective, ndarray of shape (size, size)) or None
        The same in coordinates ``S @ u`` that are nearly uncorrelated, and S, where these are known and needed.
    on_equivalent_rows : Objective or None
        The same in fewer rows, where these are known (see `_solvers/least_squares.py`).
    partly_expected : bool
        Whether the expected information is that of the law for some pairs of parameters only, or lacks the second derivatives
        of curves, so that the observed information is another near the optimum.
    evaluations : int
        Number of passes over all rows so far.
    """

    preconditioner: Any = None
    on_equivalent_rows: Objective | None = None
    rotation: tuple[Objective, np.ndarray] | None = None
    near_optimum = False
    near_limits: dict[str, str] = {}

    def __init__(
        self,
        likelihood: Likelihood,
        data: Data,
        designs: dict[str, Design],
        alpha: dict[str, Any],
        linear_terms: dict[str, float] | None = None,
    ) -> None:
        self.likelihood, self.data, self.designs, self.alpha = prepared(likelihood), data, designs, alpha
        self.linear_terms = linear_terms or {}
        self.penalties: dict[str, Any] = {}
        for name, design in designs.items() if alpha or self.linear_terms else ():
            for penalty in penalties_of(alpha.get(name, 0.0), self.linear_terms.get(name, 0.0), design):
                self.penalties[name] = penalty
        self.slices, self.size, directions, has_curves = {}, 0, 0, False
        for name, design in designs.items():
            first, self.size = self.size, self.size + design.size
            self.slices[name] = slice(first, self.size)
            directions += len(design.output_basis)
            has_curves |= not design.linear
        self.partly_expected = has_curves or expected_information(self.likelihood) == "parts"
        self._hessian_data = data.with_width(data.n_features + directions**2) if directions > 2 else data
        self.evaluator = Evaluator(self.likelihood, designs, data.whole)
        self.evaluations = 0
        self._last = (b"", "", Point(np.inf))
        self._base_measure: float | None = None  # mean of the part of the log-likelihood that depends on no parameter

    @property
    def has_value(self) -> bool:
        """Whether an estimate minimises the value."""
        return True

    @property
    def n_passes(self) -> int:
        """Number of passes over all rows so far, with those that came before the objective where rows lie in parts."""
        return self.evaluations if self.data.n_passes is None else self.data.n_passes

    @cached_property
    def available_derivatives(self) -> set[str]:
        """The derivatives that a solver may ask for, a subset of {"gradient", "hessp", "hessian"}."""
        if not self.likelihood.smooth:
            return {"gradient"}
        rotated = all(d.column_basis.ndim == 2 or len(d.column_basis) <= 3000 for d in self.designs.values())
        return {"gradient", "hessp", "hessian"} if rotated else {"gradient", "hessp"}

    @cached_property
    def density_rows(self) -> DensityRows:
        """The rows whose log-likelihood is a log density."""
        return DensityRows(self.likelihood, self.data)

    def copy_with(
        self,
        likelihood: Any = None,
        designs: dict | None = None,
        alpha: dict | None = None,
        linear_terms: dict[str, float] | None = None,
        near_optimum: bool = False,
    ) -> Objective:
        """The same objective for another law, in other coordinates, with other penalties or for a start near the optimum."""
        linear_terms = self.linear_terms if linear_terms is None else linear_terms
        other = Objective(likelihood or self.likelihood, self.data, designs or self.designs, alpha or self.alpha, linear_terms)
        other.evaluations, other.near_optimum = self.evaluations, near_optimum
        if "density_rows" in vars(self):
            other.density_rows = self.density_rows
        if not likelihood:
            other._base_measure = self._base_measure
            if "kernel" in vars(self.evaluator):
                other.evaluator.kernel = self.evaluator.kernel
        return other

    def preconditioned(self, preconditioner: Any) -> Objective:
        """A copy of the objective with a preconditioner; it keeps the last point."""
        other = copy(self)
        other.preconditioner = preconditioner
        return other

    def with_penalties(self, penalties: dict[str, Any]) -> Objective:
        """The objective with other penalties, which know its coordinates."""
        other = copy(self)
        other.penalties, other._last, other.on_equivalent_rows = penalties, (b"", "", Point(np.inf)), None
        return other

    def unbounded(self, u: np.ndarray, value: float, slack: float = 0.0) -> bool:
        """Whether the density at `u` is narrower than the rounding of y, or within `slack` of it."""
        law, dense = self.likelihood, self.density_rows
        below = False
        if dense.weight_share > 0:
            bound = dense.floor_bound + slack + (0.0 if dense.all_rows else MAX_LOSS_BESIDE_DENSITIES)  # the floor costs a pass
            below = (
                value < dense.weight_share * bound and density_loss(self, u, value) < dense.floor + dense.weight_share * slack
            )
        if below or not may_be_degenerate(law):
            return below
        in_memory = self.data.in_memory
        with np.errstate(all="ignore"):
            return is_degenerate(law, in_memory.y[in_memory.weight > 0], law.layout.theta(self.eta(u)))

    # ---- what solvers call ---------------------------------------------------------------------------------------

    def value(self, u: np.ndarray) -> float:
        return self.evaluate(u, 0).value

    def penalty(self, u: np.ndarray) -> float:
        """Value of the penalty at u."""
        return sum(penalty.value(u[self.slices[name]]) for name, penalty in self.penalties.items())

    def linear_term_value(self, u: np.ndarray) -> float:
        """The value of the linear terms at u, which is part of the penalty."""
        return sum(self.penalties[name].value(u[self.slices[name]]) for name, slope in self.linear_terms.items() if slope)

    def gradient(self, u: np.ndarray) -> np.ndarray:
        return self.evaluate(u, 1).gradient

    def hessian(self, u: np.ndarray) -> np.ndarray:
        return self.evaluate(u, 2).hessian

    def hessian_factors(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """S and K with S'KS the Hessian, where that has too few digits itself and these are known; else None."""
        if self.rotation is not None:
            rotated, S = self.rotation
            return S, rotated.evaluate(S @ u, 2).hessian
        return None if self.on_equivalent_rows is None else self.on_equivalent_rows.hessian_factors(u)

    def evaluate(self, u: np.ndarray, order: int, information: str = "observed") -> Point:
        """Value and derivatives up to `order`; the last point is cached.

        Parameters
        ----------
        u : ndarray of shape (size,)
        order : {0, 1, 2}
        information : {"observed", "expected", "integrated"}
            Information in the Hessian. "expected" is the observed if the law has no formula, "integrated" integrates over
            the law.
        """
        key, kind, point = self._last
        if point.order >= order and (order < 2 or kind == information) and key == u.tobytes():
            return point
        self.evaluations += 1
        data = self._hessian_data if order == 2 else self.data
        sums_of = partial(self.evaluator.sums, coefficients=self._coefficients(u), order=order, information=information)
        sums = data.reduce(partial(sums_of, base=self._base_measure is None))
        point = self._collect(u, sums, order)
        if order and not (point.complete or np.isneginf(sums["value"])):  # completing every evaluation would cost more
            point = self._collect(u, data.reduce(partial(sums_of, complete=True)), order)
        self.remember(u, point, information)
        return point

    def with_rough_hessian(self, u: np.ndarray) -> Point:
        """The point at `u` with its observed information, where that suffices from products of columns in single precision.

        It does where columns are far from dependent and means are no multiples of standard deviations, as a sample has shown.
        """
        self.evaluations += 1
        sums_of = partial(self.evaluator.sums, coefficients=self._coefficients(u), order=2, information="observed")
        suffices = self.data.sample_of_coordinates is not None
        units = {name: design.units() for name, design in self.designs.items() if suffices and design.columns is not None}
        point = self._collect(u, self.data.reduce(partial(sums_of, base=self._base_measure is None, units=units)), 2)
        self.remember(u, point._replace(hessian=None), "")
        return point

    def with_sums(self, u: np.ndarray, information: str, extra: Callable) -> tuple[Point, dict]:
        """The point at `u` with its Hessian, and further sums over rows, in one pass.

        Parameters
        ----------
        u : ndarray of shape (size,)
        information : str
            As for `evaluate`.
        extra : callable
            ``extra(batch, rows, result)``, a dict of what is added up over blocks; `rows` are the block's columns by parameter,
            `result` the derivatives of its rows.
        """
        block = partial(_block_with_sums, self.evaluator, self._coefficients(u), information, extra, self._base_measure is None)
        sums = self._hessian_data.reduce(block)
        return self._collect(u, sums, 2), sums

    def remember(self, u: np.ndarray, point: Point, information: str) -> None:
        """Cache a point that is known at `u`."""
        self._last = (u.tobytes(), information, point)

    def remember_value(self, u: np.ndarray, value: float) -> None:
        """Cache a value that is known at `u`, unless the point there is."""
        if self._last[0] != u.tobytes():
            self.remember(u, Point(value), "")

    def hessp(self, u: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """Product of the Hessian at `u` with a vector, without the Hessian."""
        at = self._coefficients(u)
        along = {name: design.expand_change(direction[self.slices[name]]) for name, design in self.designs.items()}
        block = partial(self.evaluator.hessian_product, at=at, along=along)
        self.evaluations += 1
        sums = self.data.reduce(block)
        with np.errstate(invalid="ignore"):  # far away, where a gradient is infinite
            product = self._expand_adjoint(sums) / self.data.total_weight
        for name, penalty in self.penalties.items():
            product[self.slices[name]] += penalty.product(direction[self.slices[name]])
        return product

    # ---- sums over rows ------------------------------------------------------------------------------------------

    def eta(self, u: np.ndarray, data: Data | None = None) -> dict[str, np.ndarray]:
        """Linear predictors by parameter, (n_kept,) or (n_kept, K), of the rows of positive weight of `data`.

        `data` are the rows in memory by default. Constant linear predictors are broadcast from one value.
        """
        in_memory = self.data.in_memory if data is None else data
        coefficients = self._coefficients(u)
        constant = {name for name, design in self.designs.items() if design.columns is None} - in_memory.offset_names
        block = partial(self.evaluator.linear_predictors, coefficients=coefficients, constant=constant)
        values = {name: coefficients[name][0] if self.designs[name].vector else coefficients[name][0][0] for name in constant}
        return in_memory.column(block) | {name: repeated(value, in_memory.n_kept) for name, value in values.items()}

    def over_rows(self, u: np.ndarray, fn: Callable, combine: Callable | None = None) -> Any:
        """Sum over the blocks of all rows of ``fn(batch, eta)``, as `Data.reduce`; `eta` are linear predictors by parameter."""
        return self.data.reduce(partial(_with_eta, self.evaluator, self._coefficients(u), fn), combine)

    def information_of(self, u: np.ndarray) -> Callable:
        """A function of a block: the observed information of its rows in each parameter's linear predictor, by parameter."""
        return partial(self.evaluator.information, coefficients=self._coefficients(u))

    def _coefficients(self, u: np.ndarray) -> dict:
        """Intercept (K,) and coefficients (q, K) of the transformed columns, by parameter."""
        return {name: design.expand(u[self.slices[name]]) for name, design in self.designs.items()}

    def _expand_adjoint(self, sums: dict) -> np.ndarray:
        """Sums of gradients as one flat vector."""
        return np.concatenate([design.expand_adjoint(sums["gradient", name]) for name, design in self.designs.items()])

    def _collect(self, u: np.ndarray, sums: dict, order: int) -> Point:
        """The point of the mean loss from sums of the log-likelihood; only here the sign changes."""
        weight = self.data.total_weight
        if "base" in sums:
            self._base_measure = float(sums["base"]) / weight
        point = Point(-float(sums["value"]) / weight - (self._base_measure or 0.0))
        if order:
            with np.errstate(all="ignore"):  # at a trial that is refused for it, sums may be infinite
                gradient = self._expand_adjoint(sums) / -weight
                point = Point(point.value, gradient, self._hessian_of(sums) if order == 2 else None)
        return self.penalised(u, point)

    def _hessian_of(self, sums: dict) -> np.ndarray:
        """The Hessian (size, size) of the mean loss without penalties, from sums of information."""
        hessian = np.zeros((self.size, self.size))
        for a, b in [key[1:] for key in sums if key[0] == "hessian"]:
            part = self._hessian_block(a, b, sums["hessian", a, b]) / self.data.total_weight
            hessian[self.slices[a], self.slices[b]] += part
            if a != b:
                hessian[self.slices[b], self.slices[a]] += part.T
        return hessian

    def penalised(self, u: np.ndarray, point: Point) -> Point:
        """A point of the mean loss with the penalties, which are added to its derivatives in place."""
        value = point.value + (self.penalty(u) if self.penalties else 0.0)
        for name, penalty in self.penalties.items() if point.order else ():
            place = self.slices[name]
            point.gradient[place] += penalty.gradient(u[place])
            if point.order == 2:
                point.hessian[place, place] += penalty.hessian()
        value = value if isfinite(value) else np.inf
        return point if value == point.value else point._replace(value=value)

    def _hessian_block(self, a: str, b: str, sums: np.ndarray) -> np.ndarray:
        """A Hessian block in coordinates (size_a, size_b), from sums over rows of products of (1, columns) (Ka, Kb, qa, qb)."""
        left, right = self.designs[a], self.designs[b]
        if sums.shape[:2] == (1, 1):
            inner = left.matrix().T.dot(sums[0, 0]).dot(right.matrix())
            inner *= left.output_basis.item() * right.output_basis.item()
            return inner
        inner = left.matrix().T @ sums @ right.matrix()
        rotated = np.tensordot(np.tensordot(inner, left.output_basis, (0, 0)), right.output_basis, (0, 0))  # axes i, j, a, b
        return rotated.transpose(0, 2, 1, 3).reshape(left.size, right.size)


def _block_with_sums(
    evaluator: Evaluator, coefficients: dict, information: str, extra: Callable, base: bool, batch: Batch
) -> dict:
    """Sums of a block with their Hessian, and what `extra` adds to them."""
    sums, rows, result = evaluator.block(batch, coefficients, 2, information, complete=True, base=base)
    return sums | extra(batch, rows, result)


def _with_eta(evaluator: Evaluator, coefficients: dict, fn: Callable, batch: Batch) -> Any:
    """fn(batch, eta) at the linear predictors of a block."""
    return fn(batch, evaluator.linear_predictors(batch, coefficients))
