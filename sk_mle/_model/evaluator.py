"""A law in given designs, evaluated on blocks of rows: rows in, sums out.

An `Evaluator` holds no rows, so it can be sent to where these lie: it pickles in a few kilobytes.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from .._utils.repeated import repeated
from ..likelihoods import Likelihood
from ..likelihoods._functions import (
    base_measure_beside_kernel,
    extrapolated_evaluation,
    integrated_information,
    kernel,
    prepared,
)
from .curve import CurvePoint
from .data import Batch, weighted_sum
from .design import Design
from .sums import contract, cross, project

NO_CURVES: dict[str, CurvePoint] = {}
NO_UNITS: dict[str, np.ndarray] = {}


class Evaluator:
    """Sums over blocks of rows of a law's log-likelihood and its derivatives.

    Conventions: `coefficients` holds, by parameter, the intercept (K,) and the coefficients (q, K) of the transformed columns
    (`Design.expand`); `order` and `information` are those of `Objective.evaluate`.

    Parameters
    ----------
    likelihood : Likelihood
        As `prepared` returns it.
    designs : dict of str to Design
        One per estimated parameter.
    whole : ndarray or CSR matrix, optional
        The X of data of one block, whose rotated columns are computed once.
    """

    def __init__(self, likelihood: Likelihood, designs: dict[str, Design], whole: Any = None) -> None:
        self._set(likelihood, designs, whole)

    def _set(self, likelihood: Likelihood, designs: dict[str, Design], whole: Any) -> None:
        self.likelihood, self.designs, self.whole = likelihood, designs, whole
        self._rotated_rows: dict[int, object] = {}
        self._curve_designs: dict[str, Any] = {name: design for name, design in designs.items() if not design.linear}
        with_columns = [name for name, design in designs.items() if design.linear and design.columns is not None]
        self._columns: dict[str, Any] = {name: designs[name].columns for name in with_columns}

    def __getstate__(self) -> dict:
        return {"likelihood": self.likelihood, "designs": self.designs}

    def __setstate__(self, state: dict) -> None:
        self._set(prepared(state["likelihood"]), state["designs"], None)

    @cached_property
    def kernel(self) -> Likelihood:
        """The law without its base measure."""
        return kernel(self.likelihood)

    def sums(
        self,
        batch: Batch,
        coefficients: dict,
        order: int,
        information: str,
        complete: bool = False,
        base: bool = False,
        units: dict = NO_UNITS,
    ) -> dict[Any, Any]:
        """Weighted sums over a block of log-likelihood, gradients and information, without the base measure.

        With `complete`, derivatives that are not finite are replaced by numerical ones. With `base`, "base" is the sum of the
        base measure. With `units` of columns by parameter, their products are taken in single precision (see `sums.py`).
        """
        return self.block(batch, coefficients, order, information, complete, base, units)[0]

    def block(
        self,
        batch: Batch,
        coefficients: dict,
        order: int,
        information: Any,
        complete: bool = False,
        base: bool = False,
        units: dict = NO_UNITS,
    ) -> tuple[dict, dict, Any]:
        """The `sums` of a block, its transformed columns by parameter, and the law's derivatives of each row."""
        curves = self.curves(batch, coefficients, order)
        rows = self.rows(batch, curves if order else {})
        eta = self.eta(batch, rows, coefficients, curves)
        result = self._evaluate(batch, eta, order, information)
        if complete:
            result = self._completed(batch, eta, result, information)
        sums = self._sums(batch, rows, result, order, units)
        if order == 2 and information == "observed":
            self._add_second_derivatives(sums, batch, result, curves)
        if base:
            measure = base_measure_beside_kernel(self.likelihood, batch.y)
            sums["base"] = weighted_sum(measure, batch.weight) if np.ndim(measure) else 0.0
        return sums, rows, result

    def hessian_product(self, batch: Batch, at: dict, along: dict) -> dict[Any, Any]:
        """Sums over a block of the change of the gradients along coefficients `along`, to first order."""
        curves = self.curves(batch, at, 2)
        rows = self.rows(batch, curves)
        result = self._observed(batch, self.eta(batch, rows, at, curves))
        information = result.information
        eta_change = self.eta(batch, rows, along, with_offset=False)
        gradient_change = {name: np.zeros_like(value) for name, value in eta_change.items()}
        for (a, b), value in information.items():
            gradient_change[a] += contract(value, eta_change[b], self.designs[a].vector)
            if a != b:
                transposed = value.transpose(0, 2, 1) if value.ndim == 3 else value
                gradient_change[b] += contract(transposed, eta_change[a], self.designs[b].vector)
        sums = {("gradient", name): project(batch, rows.get(name), gradient_change[name]) for name in self.designs}
        for name, point in curves.items():
            second_sum = self._curve_designs[name].second_sum(point, batch.weight * result.gradient[name])
            sums["gradient", name][1:] -= second_sum @ along[name][1]
        return sums

    # ---- values of rows ------------------------------------------------------------------------------------------

    def linear_predictors(self, batch: Batch, coefficients: dict, constant: Any = ()) -> dict[str, np.ndarray]:
        """Linear predictors of the rows of a block by parameter, without those that are `constant`."""
        eta = self.eta(batch, self.rows(batch, {}), coefficients, self.curves(batch, coefficients, 0))
        return {name: value for name, value in eta.items() if name not in constant}

    def information(self, batch: Batch, coefficients: dict) -> dict[str, np.ndarray]:
        """Observed information of the rows of a block in each parameter's linear predictor."""
        eta = self.eta(batch, self.rows(batch, {}), coefficients, self.curves(batch, coefficients, 0))
        information = self._observed(batch, eta).information
        return {
            name: information[name, name] if (name, name) in information else np.zeros(eta[name].shape + eta[name].shape[1:])
            for name in self.designs
        }

    def curves(self, batch: Batch, coefficients: dict, order: int) -> dict[str, CurvePoint]:
        """Curves with derivatives up to `order` in the rows of a block, for the parameters that have one."""
        return {name: one.evaluate(batch.X, coefficients[name], order) for name, one in self._curve_designs.items()}

    def rows(self, batch: Batch, curves: dict[str, CurvePoint]) -> dict[str, Any]:
        """Transformed columns of a block by parameter; computed once for equal columns, and cached if rotated and one block.

        Those of `curves` are their derivatives.
        """
        cache: dict[int, object] = self._rotated_rows if batch.X is self.whole else {}
        rows = {name: self._curve_designs[name].rows(point) for name, point in curves.items()}
        for name, columns in self._columns.items():
            rows[name] = cache[id(columns)] if id(columns) in cache else columns.rows(batch.X)
            if cache is not self._rotated_rows or columns.rotation is not None:
                cache[id(columns)] = rows[name]
        return rows

    def eta(
        self, batch: Batch, rows: Any, coefficients: dict, curves: dict = NO_CURVES, with_offset: bool = True
    ) -> dict[str, np.ndarray]:
        """Linear predictors of a block from its transformed columns, by default with offsets and known parameters."""
        result = {}
        for name, design in self.designs.items():
            intercept, slopes = coefficients[name]
            if name in curves:
                eta = curves[name].value
            else:
                if name in rows and slopes.any():  # a fit starts at constants, where no product is needed
                    eta = rows[name].dot(slopes)
                    eta += intercept
                else:
                    eta = repeated(intercept, len(batch.y))
                eta = eta if design.vector else eta[:, 0]
            if with_offset and name in batch.offset:
                eta = eta + batch.offset[name]
            result[name] = eta
        if with_offset:
            result |= {name: batch.offset[name] for name in self.likelihood.layout.known}
        return result

    def _observed(self, batch: Batch, eta: dict) -> Any:
        """The law's derivatives with observed information in the rows of a block."""
        return self._completed(batch, eta, self._evaluate(batch, eta, 2, "observed"), "observed")

    def _evaluate(self, batch: Batch, eta: dict, order: int, information: str) -> Any:
        """The law's log-likelihood and derivatives of the rows of a block, with zeros for missing gradients."""
        if information == "integrated" and order == 2:
            result = self.kernel.evaluate(batch.y, eta, 1)._replace(information=integrated_information(self.likelihood, eta))
        else:
            result = self.kernel.evaluate(batch.y, eta, order, information)
        if order and not self.designs.keys() <= result.gradient.keys():  # no row of the block depends on some of them
            zeros = {name: np.zeros(np.shape(eta[name])) for name in self.designs}
            result = result._replace(gradient=zeros | result.gradient)
        return result

    def _completed(self, batch: Batch, eta: dict, result: Any, information: str) -> Any:
        """The result of a law with derivatives that are not finite replaced by numerical ones."""
        with np.errstate(all="ignore"):  # a sum may overflow where no term does
            finite = all(np.isfinite(value.sum()) for value in (*result.gradient.values(), *result.information.values()))
        if finite:
            return result
        return extrapolated_evaluation(self.kernel, batch.y, eta, result, information)

    def _sums(self, batch: Batch, rows: dict, result: Any, order: int, units: dict) -> dict[Any, Any]:
        """Weighted sums of log-likelihood, gradients and information over a block."""
        with np.errstate(all="ignore"):
            sums: dict[Any, Any] = {"value": weighted_sum(result.loglik, batch.weight)}
            if order >= 1:
                for name in self.designs:
                    sums["gradient", name] = project(batch, rows.get(name), result.gradient[name])
            if order == 2:
                for (a, b), value in result.information.items():
                    sums["hessian", a, b] = cross(rows.get(a), rows.get(b), value, batch.weight, a == b, units.get(a))
        return sums

    def _add_second_derivatives(self, sums: dict, batch: Batch, result: Any, curves: dict) -> None:
        """Add to the sums of observed information what the second derivatives of curves do."""
        for name, point in curves.items():
            second_sum = self._curve_designs[name].second_sum(point, batch.weight * result.gradient[name])
            block = sums.setdefault(("hessian", name, name), np.zeros((1, 1, 1 + len(second_sum), 1 + len(second_sum))))
            block[0, 0, 1:, 1:] -= second_sum
