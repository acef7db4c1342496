"""What a fit is to solve, as it was read from rows and from an estimator's arguments, and the record of its solution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from .._model import columns
from .._model.bias import check_penalty
from .._model.constraints import Region, check_combined, region_of
from .._model.data import Data
from .._model.design import Design
from .._model.objective import Objective
from .._model.parts import DataInParts, FirstPass
from .._model.predictor import Predictor, designs, offsets
from .._model.summaries import Summaries, TermData
from .._model.terms import (
    expanded,
    has_terms,
    names_with_terms,
    with_columns,
    with_first_penalties,
    with_means_over_parts,
    with_terms,
)
from .._solvers.least_squares import with_few_rows
from .._solvers.maxima import Maximum
from .._solvers.start import cold_start, warm_start
from .._solvers.start_on_sample import with_sample_of_coordinates
from .._sources import Opened
from ..likelihoods import Likelihood
from ..likelihoods._functions import prepared, title
from .fit import Fit


@dataclass(frozen=True)
class Problem:
    """A law, the predictors of its parameters, and data.

    Attributes
    ----------
    law : Likelihood
        As the fit records it.
    evaluated : Likelihood
        The same law as objectives take it, bound to values that columns of X hold.
    predictors : dict of str to Predictor
    known : dict of str to int
        Columns of X that hold the values of parameters that are not estimated.
    region : Region or None
        Constraints on the coefficients.
    data : Data or DataInParts
    names : ndarray of str or None
        Names of the columns of X, terms included.
    bases : tuple of callable
        What makes the columns of terms.
    """

    law: Likelihood
    evaluated: Likelihood
    predictors: dict[str, Predictor]
    known: dict[str, int]
    region: Region | None
    data: Any
    names: np.ndarray | None
    bases: tuple[Callable, ...] = ()

    def objective(self) -> Objective:
        """The mean NLL with its ridge penalties, in the coordinates of the columns."""
        alphas = {name: predictor.alpha for name, predictor in self.predictors.items() if predictor.has_ridge}
        data = self.data
        if self.region is None:
            data = with_sample_of_coordinates(self.evaluated, self.predictors, data)
        rows = data.sample_of_coordinates or data
        return Objective(self.evaluated, data, designs(self.predictors, self.evaluated, rows), alphas)

    def fit_at(self, objective: Objective, u: np.ndarray) -> Fit:
        """The record of a fit that stopped at a point of an objective."""
        coefs, intercepts = coefficients(objective, u)
        return Fit(self.law, self.predictors, self.known, coefs, intercepts, self.names, {}, np.empty(0), bases=self.bases)

    def fit(self, found: Maximum, penalty: str | None) -> Fit:
        """The record of the fit that ended at a maximum."""
        coefs, intercepts = coefficients(found.objective, found.solution.u)
        active = found.solution.result.get("active", {})
        if self.region is not None:
            coefs, intercepts = self.region.snapped(coefs, intercepts, active)
        return Fit(
            self.law,
            found.predictors,
            self.known,
            coefs,
            intercepts,
            self.names,
            found.solution.edges,
            self.data.fingerprint(),
            found.solution.result.get("reconditioned", False),
            penalty,
            () if self.region is None else tuple(self.region.labels[row] for row in active),
            self.bases,
        )

    def held(self, found: Maximum) -> np.ndarray:
        """Rows (m, size) of the constraints that hold with equality at a maximum, in its coordinates."""
        if self.region is None:
            return np.zeros((0, found.objective.size))
        return self.region.in_coordinates(found.objective.designs)[0][list(found.solution.result.get("active", {}))]

    def n_free(self, found: Maximum, fit: Fit, identified: dict[str, Design]) -> int:
        """The number of coefficients that are estimated; `identified` are designs in coordinates that the columns identify."""
        active = found.solution.result.get("active", {})
        n_free = sum(_n_free(fit.coefs[name], identified[name], one) for name, one in found.predictors.items())
        if not active or self.region is None:
            return int(n_free)
        if any(one.l1 for one in found.predictors.values()):
            return int(n_free - self.region.n_held_off_zero(fit.coefs, fit.intercepts, active))
        return self.region.n_free(identified, found.objective.designs, active)


def started(objective: Objective, earlier: Fit | None, restricted: bool) -> tuple[Objective, np.ndarray, dict[str, Design]]:
    """The objective in coordinates of unit curvature at its start, the start, and designs that the columns identify.

    The start is of an earlier fit, if there is one. `restricted` says that constraints or an L1 penalty follow: least squares
    begin at the solution without these then, by cross products.
    """
    if restricted and (found := with_few_rows(objective)) is not None:
        return *found, objective.designs
    objective, start = cold_start(objective) if earlier is None else warm_start(objective, earlier.coefs, earlier.intercepts)
    return objective, start, objective.designs


def problem_in_memory(
    model: Any, law: Likelihood, original_X: Any, X: Any, y: Any, weight: np.ndarray, text_groups: dict
) -> Problem:
    """The problem of an estimator's arguments with validated rows; `original_X` are the user's.

    `text_groups` has the values of columns of text.
    """
    recorded, law = law, _checked_law(model, law)
    names = getattr(model, "feature_names_in_", None)
    predictors, known = columns.predictors_of(model, law, original_X, X)
    region = _checked_region(model, law, predictors, names)
    columns.check_known_values(law, X, known, names, weight)
    bases: tuple = ()
    if has_terms(model):
        term_data = TermData.in_memory(original_X, names, X, weight, text_groups)
        predictors, bases = with_terms(model, law, term_data, predictors)
        bases, X = with_columns(bases, X, weight)
        predictors = with_first_penalties(model, law, predictors, X, weight)
        names = names_with_terms(names, predictors)
        region = region_of(model, law, predictors, names)
    offset = offsets(X, predictors, known, names, weight)
    columns.check_exposures(law, predictors, names)
    data = Data(X, y, weight, offset, model.n_jobs, names=names)
    return Problem(recorded, _bound(law, y, offset), predictors, known, region, data, names, bases)


def problem_in_parts(
    model: Any, law: Likelihood, X: Any, rows: Opened, first: FirstPass, reader: Any, summaries: Summaries | None
) -> Problem:
    """The problem of an estimator's arguments with the rows of a source, of which X are a sample's.

    `reader` is an estimator that reads a part's rows, for the problem alone. `summaries` are those of columns that terms need;
    None without terms.
    """
    recorded, law = law, _checked_law(model, law)
    names = getattr(model, "feature_names_in_", None)
    predictors, known = columns.predictors_of(model, law, first.sample.X, X)
    region = _checked_region(model, law, predictors, names)
    columns.check_exposures(law, predictors, names)
    bases: tuple[Callable, ...] = ()
    reader.fit_ = Fit(recorded, predictors, known, {}, {}, names, {}, np.empty(0))
    if summaries is not None:
        term_data = TermData.in_parts(first.sample.X, names, model.n_features_in_, summaries)
        predictors, bases = with_terms(model, law, term_data, predictors)
        bases = with_means_over_parts(bases, rows, reader)
        in_memory = reader.read_data(*first.sample)
        predictors = with_first_penalties(model, law, predictors, expanded(in_memory.X, bases), in_memory.weight)
        names = names_with_terms(names, predictors)
        region = region_of(model, law, predictors, names)
        reader.fit_ = Fit(recorded, predictors, known, {}, {}, names, {}, np.empty(0), bases=bases)
    data = DataInParts(rows, reader, first, centred(predictors))
    return Problem(
        recorded, _bound(law, data.in_memory.y, data.in_memory.offset), predictors, known, region, data, names, bases
    )


def centred(predictors: dict[str, Predictor]) -> list[bool]:
    """Whether columns are centred, for the parameters that are modelled on columns."""
    return [predictor.intercept for predictor in predictors.values() if len(predictor.columns)]


def coefficients(objective: Objective, u: np.ndarray) -> tuple[dict, dict]:
    """Slopes and intercepts by parameter at a point of an objective."""
    coefs: dict = {}
    intercepts: dict = {}
    for name, design in objective.designs.items():
        intercept, slopes = design.coefficients(u[objective.slices[name]])
        basis = objective.likelihood.layout[name].basis
        if design.vector and basis is not None and basis.shape[1] < design.output_basis.shape[1]:
            # of all entries, a constant is free: there is none, as in other fits
            intercept = basis @ np.linalg.lstsq(basis, intercept)[0]
        coefs[name] = np.ascontiguousarray(slopes.T) if design.vector else slopes[:, 0]
        intercepts[name] = intercept if design.vector else float(intercept[0])
    return coefs, intercepts


def _checked_law(model: Any, law: Likelihood) -> Likelihood:
    """The law as a fit evaluates it; ValueError if nothing is to be estimated, and for arguments of the solver."""
    if not (isinstance(model.tol, Real) and 0 < float(model.tol) < np.inf):
        raise ValueError(f"tol must be a positive number, got {model.tol!r}")
    if not (isinstance(model.max_iter, Integral) and int(model.max_iter) > 0):
        raise ValueError(f"max_iter must be a positive integer, got {model.max_iter!r}")
    for name in ("fit_intercept", "warm_start"):
        value = getattr(model, name, True)
        if not (isinstance(value, np.bool_ | Integral) and value in (0, 1)):
            raise ValueError(f"{name} must be True or False, got {value!r}")
    if not (model.n_jobs is None or (isinstance(model.n_jobs, Integral) and model.n_jobs)):
        raise ValueError(f"n_jobs must be None or an integer other than 0, got {model.n_jobs!r}")
    law = prepared(law)
    if not law.layout.free:
        raise ValueError(f"every parameter of {title(law)} is fixed; leave at least one as None to estimate it")
    return law


def _checked_region(model: Any, law: Likelihood, predictors: dict[str, Predictor], names: Any) -> Region | None:
    """The constraints; ValueError for penalties and constraints that the model cannot have."""
    if model.penalty is not None:
        check_penalty(model.penalty, law, predictors)
    region = region_of(model, law, predictors, names)
    check_combined(model, law, predictors, region)
    return region


def _bound(law: Likelihood, y: Any, offset: dict[str, np.ndarray]) -> Likelihood:
    """The law, bound to y and to the values that columns of X hold, where there are any."""
    known = law.layout.known
    return prepared(law.bind(y, **{name: offset[name] for name in known})) if known else law


def _n_free(coefs: np.ndarray, design: Design, predictor: Predictor) -> int:
    """Number of coefficients of a parameter that are estimated: the rank of its columns, or those that are not zero."""
    return int(np.count_nonzero(coefs)) + predictor.intercept * design.shape[1] if predictor.l1 else design.size
