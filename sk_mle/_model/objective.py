"""The objective: weighted mean negative log-likelihood plus penalty, as a function of one flat vector.

The sign flips from log-likelihood to loss in `Objective._collect`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from .._utils.repeated import repeated
from ..likelihoods import Likelihood
from ..likelihoods._fallbacks.expected import integrated
from ..likelihoods._fallbacks.saturated import completed
from .bounds import DensityRows, density_loss
from .data import Data, add_sums, weighted_sum
from .design import Design
from .penalties import Ridge
from .sums import contract, cross, project

# Mean loss of rows without a density, per weight of those that have one, up to which these are looked at alone.
MAX_LOSS_BESIDE_DENSITIES = 20.0


class Point(NamedTuple):
    """Value, gradient and Hessian at one vector; None where they were not asked for."""

    value: float
    gradient: Any = None
    hessian: Any = None

    @property
    def order(self) -> int:
        """Of the highest derivative that is known."""
        return 0 if self.gradient is None else 1 if self.hessian is None else 2

    @property
    def finite(self) -> bool:
        """Whether value and gradient are finite: from elsewhere no step is known, while one without the Hessian is."""
        return isfinite(self.value + (np.add.reduce(self.gradient) if self.order else 0.0))

    @property
    def complete(self) -> bool:
        """Whether all that was asked for is finite."""
        return self.finite and (self.order < 2 or isfinite(np.add.reduce(self.hessian, axis=None)))


class Objective:
    """Mean NLL of a law whose free parameters have the given designs.

    Parameters
    ----------
    likelihood : Likelihood
    data : Data
    designs : dict of str to Design
        One per free parameter, in their order.
    alpha : dict of str to float
        Ridge penalty per parameter.

    Attributes
    ----------
    preconditioner : object or None
        What is known about the Hessian near the solution before a fit (see `preconditioners.py`).
    evaluations : int
        How often a sum over all rows was taken.
    """

    preconditioner: Any = None

    def __init__(self, likelihood: Likelihood, data: Data, designs: dict[str, Design], alpha: dict[str, float]):
        self.likelihood, self.data, self.designs, self.alpha = likelihood.at_hand(), data, designs, alpha
        self.penalties = {name: Ridge(alpha[name], designs[name]) for name in designs if alpha.get(name)}
        ends = np.cumsum([design.size for design in designs.values()])
        self.places = {name: slice(end - d.size, end) for (name, d), end in zip(designs.items(), ends, strict=True)}
        self.size, self.partly_expected = int(ends[-1]), self.likelihood.expected_information == "parts"
        directions = sum(len(design.output_basis) for design in designs.values())
        self._hessian_data = data.with_width(data.n_features + directions**2) if directions > 2 else data
        self.evaluations = 0
        self._last = (b"", "", Point(np.inf))
        self._rotated: dict[int, object] = {}

    @property
    def offers(self) -> set[str]:
        """Which derivatives a solver may ask for."""
        rotated = all(d.column_basis.ndim == 2 or len(d.column_basis) <= 3000 for d in self.designs.values())
        smooth = {"hessp"} | ({"hessian"} if rotated else set())
        return {"gradient"} | (smooth if self.likelihood.smooth else set())

    @cached_property
    def density_rows(self) -> DensityRows:
        """The rows whose log-likelihood is of a density."""
        return DensityRows(self.likelihood, self.data)

    @cached_property
    def _kernel(self) -> Likelihood:
        return self.likelihood.kernel()

    @cached_property
    def _base_measure(self) -> float:
        """Mean of the part of the log-likelihood that no parameter changes."""
        base_measure = self.likelihood.base_measure
        return self._mean(base_measure) if np.ndim(base_measure(self.data.y[:1])) else 0.0

    def _mean(self, fn) -> float:
        """Weighted mean of a function of y."""
        return float(self.data.reduce(lambda batch: weighted_sum(fn(batch.y), batch.weight), np.add)) / self.data.total_weight

    def like(self, likelihood=None, designs=None) -> Objective:
        """The same objective for another law or in other coordinates."""
        other = Objective(likelihood or self.likelihood, self.data, designs or self.designs, self.alpha)
        other.evaluations = self.evaluations
        known = ("density_rows",) + (() if likelihood else ("_base_measure", "_kernel"))
        vars(other).update({name: vars(self)[name] for name in known if name in vars(self)})
        return other

    def preconditioned(self, preconditioner) -> Objective:
        """The same objective with a preconditioner; what is remembered stays."""
        other = copy(self)
        other.preconditioner = preconditioner
        return other

    def unbounded(self, u, value: float, slack: float = 0.0) -> bool:
        """Whether the density at `u` is narrower than the rounding of y, or within `slack` of it."""
        law, dense = self.likelihood, self.density_rows
        below = False
        if dense.weight_share > 0:
            bound = dense.floor_bound + slack + (0.0 if dense.all_rows else MAX_LOSS_BESIDE_DENSITIES)  # the floor costs a pass
            below = (
                value < dense.weight_share * bound and density_loss(self, u, value) < dense.floor + dense.weight_share * slack
            )
        if below or law.is_degenerate is None:
            return below
        with np.errstate(all="ignore"):
            return law.is_degenerate(self.data.y[self.data.weight > 0], **law.theta(self.eta(u)))

    # ---- what solvers call ---------------------------------------------------------------------------------------

    def value(self, u) -> float:
        return self.evaluate(u, 0).value

    def penalty(self, u) -> float:
        return sum(penalty.value(u[self.places[name]]) for name, penalty in self.penalties.items())

    def gradient(self, u) -> np.ndarray:
        return self.evaluate(u, 1).gradient

    def hessian(self, u) -> np.ndarray:
        return self.evaluate(u, 2).hessian

    def evaluate(self, u, order: int, information: str = "observed") -> Point:
        """Value and derivatives up to `order`; the last point is remembered.

        Parameters
        ----------
        u : ndarray of shape (size,)
        order : {0, 1, 2}
        information : {"observed", "expected", "integrated"}
            What the Hessian is of; "expected" is observed where the law has no formula, "integrated" needs none.
        """
        key, kind, point = self._last
        if point.order >= order and (order < 2 or kind == information) and key == u.tobytes():
            return point
        self.evaluations += 1
        coefficients = self._coefficients(u)
        data = self._hessian_data if order == 2 else self.data
        sums = data.reduce(lambda batch: self._block(batch, coefficients, order, information)[0])
        point = self._collect(u, sums, order)
        if order and not (point.complete or np.isneginf(sums["value"])):  # each time would cost more
            sums = data.reduce(lambda batch: self._block(batch, coefficients, order, information, complete=True)[0])
            point = self._collect(u, sums, order)
        self.remember(u, point, information)
        return point

    def accumulate(self, u, information: str, per_block: Callable, take: Callable) -> Point:
        """The point at `u` with its Hessian; `take` gets `per_block(batch, rows, result)` of every block, in their order."""
        coefficients, sums = self._coefficients(u), None

        def block(batch):
            own, rows, result = self._block(batch, coefficients, 2, information, complete=True)
            return own, per_block(batch, rows, result)

        for own, other in self._hessian_data.map(block):
            sums = own if sums is None else add_sums(sums, own)
            take(other)
        return self._collect(u, sums, 2)

    def remember(self, u, point: Point, information: str) -> None:
        """What is known at `u`, so that it is not evaluated there again."""
        self._last = (u.tobytes(), information, point)

    def hessp(self, u, direction) -> np.ndarray:
        """Product of the Hessian at `u` with a vector, without the Hessian."""
        at, along = self._coefficients(u), self._coefficients(direction)

        def block(batch):
            rows = self._rows(batch)
            eta = self._eta(batch, rows, at)
            information = self._completed(batch, eta, self._evaluate(batch, eta, 2, "observed"), "observed").information
            move = self._eta(batch, rows, along, with_offset=False)
            change = {name: np.zeros_like(value) for name, value in move.items()}
            for (a, b), value in information.items():
                change[a] += contract(value, move[b], self.designs[a].vector)
                if a != b:
                    turned = value.transpose(0, 2, 1) if value.ndim == 3 else value
                    change[b] += contract(turned, move[a], self.designs[b].vector)
            return {("gradient", name): project(batch, rows.get(name), change[name]) for name in self.designs}

        self.evaluations += 1
        product = self._collapse(self.data.reduce(block)) / self.data.total_weight
        for name, penalty in self.penalties.items():
            product[self.places[name]] += penalty.gradient(direction[self.places[name]])
        return product

    # ---- sums over rows ------------------------------------------------------------------------------------------

    def eta(self, u, data: Data | None = None) -> dict[str, np.ndarray]:
        """Linear predictors of the rows of positive weight: of the training data, or of others."""
        data = self.data if data is None else data
        coefficients = self._coefficients(u)
        same = {name for name, design in self.designs.items() if design.columns is None} - data.offset.keys()

        def block(batch):
            eta = self._eta(batch, self._rows(batch), coefficients)
            return {name: value for name, value in eta.items() if name not in same}

        starts = {name: coefficients[name][0] if self.designs[name].vector else coefficients[name][0][0] for name in same}
        return data.column(block) | {name: repeated(start, data.n_kept) for name, start in starts.items()}

    def information_of_rows(self, u) -> dict[str, np.ndarray]:
        """Information of every parameter's own linear predictor, of the training rows of positive weight."""
        coefficients = self._coefficients(u)

        def block(batch):
            eta = self._eta(batch, self._rows(batch), coefficients)
            found = self._completed(batch, eta, self._evaluate(batch, eta, 2, "observed"), "observed").information
            return {name: found[name, name] for name in self.designs}

        return self.data.column(block)

    def _rows(self, batch) -> dict[str, object]:
        """Columns of the rows for every parameter: shared by those on the same ones; if rotated and of one block, made once."""
        made: dict[int, object] = self._rotated if batch.X is self.data.X else {}
        rows = {}
        for name, columns in ((name, d.columns) for name, d in self.designs.items() if d.columns is not None):
            rows[name] = made[id(columns)] if id(columns) in made else columns.rows(batch.X)
            if made is not self._rotated or columns.rotation is not None:
                made[id(columns)] = rows[name]
        return rows

    def _eta(self, batch, rows, coefficients, with_offset=True) -> dict[str, np.ndarray]:
        result = {}
        for name, design in self.designs.items():
            start, slopes = coefficients[name]
            eta = rows[name] @ slopes + start if name in rows else repeated(start, len(batch.y))
            eta = eta if design.vector else eta[:, 0]
            if with_offset and name in batch.offset:
                eta = eta + batch.offset[name]
            result[name] = eta
        if with_offset:
            result |= {name: batch.offset[name] for name in self.likelihood.known}
        return result

    def _coefficients(self, u) -> dict:
        return {name: design.expand(u[self.places[name]]) for name, design in self.designs.items()}

    def _evaluate(self, batch, eta, order, information):
        if information == "integrated" and order == 2:
            found = self._kernel.evaluate(batch.y, eta, 1)._replace(information=integrated(self.likelihood, eta))
        else:
            found = self._kernel.evaluate(batch.y, eta, order, information)
        if order and any(name not in found.gradient for name in self.designs):  # parameters that no row of the block depends on
            found = found._replace(gradient={name: np.zeros(np.shape(eta[name])) for name in self.designs} | found.gradient)
        return found

    def _completed(self, batch, eta, found, information):
        """With the derivatives, too, that a law's formulas do not give."""
        with np.errstate(all="ignore"):  # a sum may overflow where no term does
            finite = all(np.isfinite(value.sum()) for value in (*found.gradient.values(), *found.information.values()))
        if finite:
            return found
        return completed(self._kernel, batch.y, eta, found, information)

    def _block(self, batch, coefficients, order, information, complete=False):
        """Sums over a block of rows, with its columns and what the law says of each row."""
        rows = self._rows(batch)
        eta = self._eta(batch, rows, coefficients)
        result = self._evaluate(batch, eta, order, information)
        if complete:
            result = self._completed(batch, eta, result, information)
        return self._sums(batch, rows, result, order), rows, result

    def _sums(self, batch, rows, result, order) -> dict[Any, Any]:
        with np.errstate(all="ignore"):
            sums: dict[Any, Any] = {"value": weighted_sum(result.loglik, batch.weight)}
            if order >= 1:
                for name in self.designs:
                    sums["gradient", name] = project(batch, rows.get(name), result.gradient[name])
            if order == 2:
                for (a, b), value in result.information.items():
                    sums["hessian", a, b] = cross(rows.get(a), rows.get(b), value, batch.weight, a == b)
        return sums

    def _collapse(self, sums) -> np.ndarray:
        return np.concatenate([design.expand_adjoint(sums["gradient", name]) for name, design in self.designs.items()])

    def _collect(self, u, sums, order) -> Point:
        """From sums of the log-likelihood to the mean loss: the one place where the sign turns."""
        mass = self.data.total_weight
        value, gradient, hessian = -float(sums["value"]) / mass - self._base_measure, np.empty(0), np.empty((0, 0))
        if order >= 1:
            gradient = -self._collapse(sums) / mass
        if order == 2:
            hessian = np.zeros((self.size, self.size))
            matrices = {name: design.matrix() for name, design in self.designs.items()}
            for a, b in [key[1:] for key in sums if key[0] == "hessian"]:
                part = self._rotate(a, b, matrices[a].T @ sums["hessian", a, b] @ matrices[b]) / mass
                hessian[self.places[a], self.places[b]] += part
                if a != b:
                    hessian[self.places[b], self.places[a]] += part.T
        value += self.penalty(u)
        for name, penalty in self.penalties.items() if order else ():
            place = self.places[name]
            gradient[place] += penalty.gradient(u[place])
            if order == 2:
                hessian[place, place] += penalty.hessian()
        value = value if np.isfinite(value) else np.inf
        return Point(value, gradient if order >= 1 else None, hessian if order == 2 else None)

    def _rotate(self, a, b, inner):
        """A Hessian block of directions (Ka, Kb) and rotated columns to coordinates."""
        left, right = self.designs[a], self.designs[b]
        if inner.shape[:2] == (1, 1):
            return inner[0, 0] * (left.output_basis[0, 0] * right.output_basis[0, 0])
        turned = np.tensordot(np.tensordot(inner, left.output_basis, (0, 0)), right.output_basis, (0, 0))  # axes i, j, a, b
        return turned.transpose(0, 2, 1, 3).reshape(left.size, right.size)
