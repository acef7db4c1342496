"""Base classes of the estimators: `Fitting` fits a law to validated arrays, `MLEMixin` adds predictions and scores."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import OptimizeResult
from sklearn.base import clone
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted, validate_data

from .._model import columns
from .._model.averages import averages
from .._model.bias import check_penalty
from .._model.constraints import check_combined, region_of
from .._model.data import Data
from .._model.design import Design
from .._model.objective import Objective
from .._model.parts import DataInParts, Look, look_at
from .._model.predictor import Predictor, designs, offsets
from .._model.summaries import Seen, Summaries
from .._model.terms import (
    expanded,
    has_terms,
    names_with_terms,
    summaries_of,
    text_groups,
    with_columns,
    with_first_penalties,
    with_means_over_parts,
    with_terms,
)
from .._model.validation import (
    check_finite,
    check_kind,
    check_objects,
    check_support,
    check_weight,
    group_labels,
    is_float_matrix,
    mean_score,
    replace_zero_weight_rows,
    text_columns,
)
from .._predictive.distribution import Distribution
from .._solvers.bias import bias_reduced
from .._solvers.curves import with_origins_at
from .._solvers.fellner_schall import choose_penalties, degrees_of_freedom
from .._solvers.identification import minimum_norm
from .._solvers.multistart import best_of_starts
from .._solvers.proximal import constrained_maximum, sparse_maximum, sparse_path
from .._solvers.reconditioning import solve_reconditioned
from .._solvers.solvers import Solution, choose, solve
from .._solvers.start import cold_start, warm_start
from .._sources import Opened, Rows, check_in_memory, open_source
from .._utils.callbacks import WithCallbacks
from .._utils.frames import coded
from .._utils.messages import warn_caller
from ..exceptions import VersionWarning
from ..inference import Inference
from ..likelihoods import Likelihood
from ..likelihoods._functions import n_starts, prepared, title
from .fit import Fit
from .verdict import warn_about_fit

TOL_BEFORE_PENALTIES = 1e-2  # of a fit from which penalties are chosen


def _version() -> str:
    """The version of the package, which is at hand once it is imported."""
    return importlib.import_module(__package__.partition(".")[0]).__version__


class Fitting(WithCallbacks):
    """Fit of any likelihood to validated arrays; subclasses translate the target."""

    # arguments of the estimators' constructors
    likelihood: Any
    penalty: Any
    l1_ratio: Any
    bounds: Any
    constraints: Any
    solver: Any
    tol: float
    max_iter: int
    verbose: int
    n_jobs: int | None
    warm_start: bool

    penalties: Any
    alpha: Any
    class_weight: Any = None  # of classifiers alone

    fit_: Fit
    _text_groups: dict = {}
    _name_of_y = "y"  # in messages
    fit: Callable
    _on_iteration: Any = None  # in a fit of which callbacks are told
    _fit_at: Callable
    _follow: tuple[Any, float] | None = None  # where a path of penalties is asked for, its multiples, and their range
    _path: list
    _path_objective: Objective

    def __getstate__(self) -> dict[str, Any]:
        """The attributes for pickles and copies: the fit as plain data, and the version that made it."""
        parent: Any = super()
        state: dict[str, Any] = {**parent.__getstate__()}
        if "fit_" in state:
            state |= {"fit_": state["fit_"].plain(), "_sk_mle_version": _version()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The inverse of `__getstate__`; warns where another version made the fit."""
        state = dict(state)
        made_by = state.pop("_sk_mle_version", None)
        if made_by is not None and made_by.split(".")[:2] != _version().split(".")[:2]:
            warn_caller(
                f"this {type(self).__name__} was saved by sk_mle {made_by} and is read by {_version()}, which may compute "
                "otherwise: compare predictions, or fit it again",
                VersionWarning,
            )
        if "fit_" in state:
            try:
                state["fit_"] = Fit.from_plain(state["fit_"])
            except TypeError as error:
                raise ValueError(
                    f"this {type(self).__name__} was saved by sk_mle {made_by}, whose fits hold what {_version()} does not "
                    f"know ({error}): read it with that version, or fit it again"
                ) from error
        parent: Any = super()
        parent.__setstate__(state)

    def _target(self, y: Any, X: Any) -> np.ndarray:
        """y in the form that the fitted law takes."""
        raise NotImplementedError

    def _validate(self, X: Any, reset: bool, finite: bool = True):
        """X as a float array or CSR matrix; ValueError for text and, if `finite`, for NaN and infinities."""
        check_in_memory(X)
        if reset:
            self._text_groups = text_groups(self, X)
        for name, levels in self._text_groups.items():
            X = coded(X, name, levels) if hasattr(X, "columns") and name in X.columns else X
        checks: dict[str, Any] = {"accept_sparse": "csr", "dtype": [np.float64, np.float32], "ensure_all_finite": False}
        try:
            if not is_float_matrix(X):
                X = validate_data(self, check_kind(X), reset=reset, **checks)
            elif reset:
                self._take_shape(X)
            else:
                validate_data(self, X, reset=False, skip_check_array=True)
        except ValueError as error:
            if message := text_columns(X, error):
                raise ValueError(message) from error
            raise
        except TypeError:
            check_objects(X)
            raise
        if finite:
            check_finite(X, getattr(self, "feature_names_in_", None))
        return X if reset else self.fit_.rows(X)

    def _take_shape(self, X: np.ndarray) -> None:
        """Set the attributes that scikit-learn's checks set for an X without names."""
        self.n_features_in_ = X.shape[1]
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    @contextmanager
    def _fitting(self, X, y, sample_weight):
        """Tell callbacks of the fit, and restore all attributes of the estimator if it raises."""
        with self._fit_task(X, y, sample_weight) as on_iteration:
            before = dict(vars(self))
            try:
                self._on_iteration = on_iteration
                yield
            except BaseException:
                vars(self).clear()
                vars(self).update(before)
                raise
            del self._on_iteration
            if on_iteration is not None:
                del self._fit_at

    def _check_numbers(self):
        """Raise ValueError for an invalid `tol` or `max_iter`."""
        if not (isinstance(self.tol, Real) and self.tol > 0):
            raise ValueError(f"tol must be a positive number, got {self.tol!r}")
        if not (isinstance(self.max_iter, Integral) and self.max_iter > 0):
            raise ValueError(f"max_iter must be a positive integer, got {self.max_iter!r}")

    def _own(self, law: Likelihood) -> Likelihood:
        """The law, or a clone if it is the user's object, which may be changed later."""
        return clone(law) if law is self.likelihood else law

    def _read_training(
        self, X: Any, y: Any, sample_weight: ArrayLike | None, totals=None
    ) -> tuple[Likelihood, Any, np.ndarray, np.ndarray]:
        """The law for these data, and X, y and weights as the fit uses them; attributes that describe them are set.

        `totals` are the sums that `_look` returns of the parts, if these rows are a sample.
        """
        raise NotImplementedError

    def _look(self, rows: Rows) -> Any:
        """Check the rows of a part as `fit` checks rows in memory; return what is to be summed over parts, or None."""
        raise NotImplementedError

    def _part_reader(self, totals) -> Fitting:
        """An estimator that reads a part's rows as this one reads all; `totals` are the sums over parts of `_look`."""
        return copy(self)

    def _fit_rows(self, X: Any, y: Any, sample_weight: ArrayLike | None):
        """Fit rows in memory, or those of a source."""
        rows = open_source(X, y, sample_weight)
        if rows is not None:
            self._fit_parts(rows)
            return
        law, validated, target, weight = self._read_training(X, y, sample_weight)
        self._fit(validated, target, weight, law, X)

    def _fit(self, X: Any, y: Any, weight: np.ndarray, law: Likelihood, original_X):
        """Fit validated X, y and weights by the given law and set the fitted attributes."""
        fitted, law = law, self._checked_law(law)
        names = getattr(self, "feature_names_in_", None)
        predictors, known = columns.predictors_of(self, law, original_X, X)
        self._check_penalty(law, predictors)
        columns.check_known_values(law, X, known, names, weight)
        bases: tuple = ()
        if has_terms(self):
            seen = Seen.in_memory(original_X, names, X, weight, self._text_groups)
            predictors, bases = with_terms(self, law, seen, predictors)
            bases, X = with_columns(bases, X, weight)
            predictors = with_first_penalties(self, law, predictors, X, weight)
            names = names_with_terms(names, predictors)
        offset = offsets(X, predictors, known, names, weight)
        columns.check_exposures(law, predictors, names)
        if law.layout.known:
            law = prepared(law.bind(y, **{name: offset[name] for name in law.layout.known}))
        self._fit_data(fitted, law, predictors, known, Data(X, y, weight, offset, self.n_jobs), names, bases)

    def _fit_parts(self, rows: Opened):
        """Fit the rows of a source; those of few rows are gathered."""
        look = look_at(rows, partial(_look_for_fit, self))
        if look.n_samples < rows.source.rows_to_gather:
            self._fit_rows(*rows.gathered()[:3])
            return
        totals = look.totals
        if has_terms(self):
            totals, summaries = totals.own, totals.summaries
        law, X, _, _ = self._read_training(*look.sample[:3], totals)
        fitted, law = law, self._checked_law(law)
        names = getattr(self, "feature_names_in_", None)
        predictors, known = columns.predictors_of(self, law, look.sample.X, X)
        self._check_penalty(law, predictors)
        columns.check_exposures(law, predictors, names)
        reader = self._part_reader(totals)
        bases: tuple[Callable, ...] = ()
        reader.fit_ = Fit(fitted, predictors, known, {}, {}, names, {}, np.empty(0))
        if has_terms(self):
            predictors, bases = self._with_terms_in_parts(law, predictors, rows, reader, look, summaries)
            names = names_with_terms(names, predictors)
            reader.fit_ = Fit(fitted, predictors, known, {}, {}, names, {}, np.empty(0), bases=bases)
        data = DataInParts(rows, reader, look, _centred(predictors))
        if law.layout.known:
            law = prepared(law.bind(data.few.y, **{name: data.few.offset[name] for name in law.layout.known}))
        self._fit_data(fitted, law, predictors, known, data, names, bases)

    def _with_terms_in_parts(
        self, law: Likelihood, predictors: dict[str, Predictor], rows: Opened, reader: Any, look: Look, summaries: Summaries
    ) -> tuple[dict[str, Predictor], tuple[Callable, ...]]:
        """Predictors with terms, and what makes the columns of these, for the rows of a source; `reader` learns of text."""
        reader._text_groups = self._text_groups = dict(summaries.texts.values())
        seen = Seen.in_parts(look.sample.X, reader.fit_.names, self.n_features_in_, summaries)
        predictors, bases = with_terms(self, law, seen, predictors)
        bases = with_means_over_parts(bases, rows, reader)
        few = reader.read_data(*look.sample)
        return with_first_penalties(self, law, predictors, expanded(few.X, bases), few.weight), bases

    def _checked_law(self, law: Likelihood) -> Likelihood:
        """The law as a fit evaluates it; ValueError if nothing is to be estimated, or for invalid `tol` or `max_iter`."""
        self._check_numbers()
        law = prepared(law)
        if not law.layout.free:
            raise ValueError(f"every parameter of {title(law)} is fixed; leave at least one as None to estimate it")
        return law

    def _check_penalty(self, law: Likelihood, predictors: dict[str, Predictor]) -> None:
        """Raise ValueError for penalties and constraints that the model cannot have."""
        if self.penalty is not None:
            check_penalty(self.penalty, law, predictors)
        check_combined(self, law, predictors, region_of(self, law, predictors, getattr(self, "feature_names_in_", None)))

    def _fit_data(
        self, fitted: Likelihood, law: Likelihood, predictors: dict[str, Predictor], known, data: Any, names: Any, bases=()
    ):
        """Fit data by the given law and set the fitted attributes."""
        if self._on_iteration is not None:
            self._fit_at = lambda objective, u: Fit(
                fitted, predictors, known, *_coefficients(objective, u), names, {}, np.empty(0), bases=bases
            )
        region = region_of(self, law, predictors, names)
        alphas = {name: predictor.alpha for name, predictor in predictors.items() if np.any(predictor.alpha)}
        objective = Objective(law, data, designs(predictors, law, data), alphas)
        choose(self.solver, objective)
        earlier = (self.fit_.coefs, self.fit_.intercepts) if self.warm_start and hasattr(self, "fit_") else ()
        objective, start = warm_start(objective, *earlier) if earlier else cold_start(objective)
        identified = objective.designs
        objective, solution, predictors = self._maximum(objective, start, predictors, region)
        coefs, intercepts = _coefficients(objective, solution.u)
        active = solution.result.get("active", {})
        if region is not None:
            coefs, intercepts = region.snapped(coefs, intercepts, active)
        at_bounds = tuple(region.labels[row] for row in active) if region is not None else ()
        saturated = solution.result.get("reconditioned", False)
        self.fit_ = Fit(
            fitted,
            predictors,
            known,
            coefs,
            intercepts,
            names,
            solution.edges,
            data.fingerprint(),
            saturated,
            self.penalty,
            at_bounds,
            bases,
        )
        n_free = sum(_n_free(coefs[name], identified[name], one) for name, one in predictors.items())
        if active and region is not None:
            if any(one.l1 for one in predictors.values()):
                n_free -= region.n_held_off_zero(coefs, intercepts, active)
            else:
                n_free = region.n_free(identified, objective.designs, active)
        held = np.zeros((0, objective.size)) if region is None else region.in_coordinates(objective.designs)[0][list(active)]
        self._store(objective, solution, int(n_free), held)

    def _maximum(
        self, objective: Objective, start: np.ndarray, predictors: dict[str, Predictor], region
    ) -> tuple[Objective, Solution, dict]:
        """The objective, in the coordinates of the solution, the solution, and predictors with the penalties there."""
        weights = {name: predictor.l1 for name, predictor in predictors.items() if predictor.l1}
        constrained = region is not None and not region.of_curves
        limits = self.tol, self.max_iter
        if self.penalty is not None and not constrained:
            return objective, bias_reduced(objective, start, self.penalty, self._solve, *limits), predictors
        if (weights or constrained) and n_starts(objective.likelihood) > 1:
            start = best_of_starts(objective, start, self._solve, self.verbose).u
        if weights and self._follow:
            objective, self._path, last = sparse_path(objective, start, weights, region, self._follow, *limits)
            self._path_objective = objective
            return objective, last, predictors
        if weights:
            return *sparse_maximum(objective, start, weights, region, *limits), predictors
        chosen = any(predictor.chosen for predictor in predictors.values())
        if constrained and not chosen:
            return *constrained_maximum(objective, start, region, *limits, self.penalty), predictors
        solve = partial(self._solve, tol=max(self.tol, TOL_BEFORE_PENALTIES)) if chosen else self._solve
        solution = best_of_starts(objective, start, solve, self.verbose)
        if not constrained:
            objective, solution = minimum_norm(*solve_reconditioned(objective, solution, solve))
        if chosen:
            objective, solution, predictors = choose_penalties(objective, solution, predictors, self._solve)
        if region is not None and (constrained or not (solution.converged or solution.unbounded)):
            objective, start = with_origins_at(objective, solution.u)
            before, (objective, solution) = solution, constrained_maximum(objective, start, region, *limits)
            solution = solution._replace(n_iter=before.n_iter + solution.n_iter)
        return objective, solution, predictors

    def _training_weight(self, y: Any, weight: np.ndarray):
        """Weights as the fit uses them."""
        return weight

    def _solve(self, objective, start, max_iter=np.inf, tol=None) -> Solution:
        """The solution of the estimator's solver from a start, in at most `max_iter` iterations."""
        tol, watcher = self.tol if tol is None else tol, None
        if self._on_iteration is not None:
            watcher = lambda u: self._on_iteration(lambda: {"fit_": self._fit_at(objective, u)})
        return solve(objective, start, self.solver, tol, int(min(self.max_iter, max_iter)), self.verbose, watcher)

    def _store(self, objective: Objective, solution: Solution, n_free: int, held: np.ndarray):
        """Set the fitted attributes and warn if the solution is no unique maximum; `held` are constraints that are active."""
        n_unidentified = sum(free.shape[1] for free in solution.result.get("unidentified", {}).values())
        n, k = objective.data.total_weight, n_free - n_unidentified
        for name in ("edf_", "penalties_"):
            if hasattr(self, name):
                delattr(self, name)  # of an earlier fit
        if any(predictor.terms for predictor in self.fit_.predictors.values()):
            k = self._store_terms(objective, solution, held)
        self.loglikelihood_ = -n * (objective.value(solution.u) - objective.penalty(solution.u))
        self.n_params_ = k
        self.aic_ = 2 * k - 2 * self.loglikelihood_
        self.aicc_ = self.aic_ + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.inf
        self.bic_ = k * np.log(n) - 2 * self.loglikelihood_
        self.n_iter_, self.converged_ = solution.n_iter, solution.converged
        keys = ("fun", "nit", "message", "status", "other_maximum")
        self.optimize_result_ = OptimizeResult({key: solution.result[key] for key in keys if key in solution.result})
        self.optimize_result_.update(gradient_size=solution.gradient_size, n_passes=objective.n_passes)
        self.optimize_result_.update(unbounded=solution.unbounded)
        warn_about_fit(self, objective, solution, self.fit_.names)

    def _store_terms(self, objective: Objective, solution: Solution, held: np.ndarray) -> float:
        """Set the attributes of terms; the effective degrees of freedom of all parameters."""
        n, predictors = objective.data.total_weight, self.fit_.predictors
        self.edf_, total = degrees_of_freedom(objective, solution.u, predictors, held)
        self.penalties_ = {
            name: dict(zip(one.penalty_names, (n * one.multipliers).tolist(), strict=True))
            for name, one in predictors.items()
            if one.terms
        }
        return total

    @property
    def likelihood_(self) -> Likelihood:
        """The law that was fitted."""
        return self.fit_.law

    def read_rows(self, X: Any) -> Any:
        """X as the fit reads it: checked, as an array or a sparse matrix."""
        return self._validate(X, reset=False)

    def read_data(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Data | DataInParts:
        """X, y and weights as the fit reads them, for the likelihood of other data.

        Parameters
        ----------
        X, y
            As for `fit`.
        sample_weight : array-like of shape (n,), optional
        groups : array-like of shape (n,), optional
            A label per row, for sums by group.

        Returns
        -------
        Data or DataInParts
        """
        if (rows := self._opened(X, y, sample_weight, groups)) is not None:
            return self._read_parts(rows)
        X, labels = self.read_rows(X), replace_zero_weight_rows(y, sample_weight)
        target = self._target(labels, X)
        weight = self._training_weight(labels, check_weight(sample_weight, X.shape[0]))
        return _with_groups(self.fit_.data(X, target, weight, self.n_jobs), groups)

    def _read_parts(self, rows: Opened) -> Data | DataInParts:
        """The data of a source, for the likelihood of other data."""
        look = look_at(rows, partial(_look_at_part, self))
        if look.n_samples < rows.source.rows_to_gather:
            return self.read_data(*rows.gathered())
        return DataInParts(rows, self._part_reader(look.totals), look, _centred(self.fit_.predictors))

    def _opened(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None, groups: Any = None) -> Opened | None:
        """The source that X is, of whose data frames the columns of the fit are chosen by name; None for X in memory."""
        return open_source(X, y, sample_weight, groups, getattr(self, "feature_names_in_", None))

    def check_weightless(self, X: Any) -> None:
        """Raise ValueError for columns of a part without weight that are refused in memory."""
        self.read_rows(X)

    def check_part(self, part: Data) -> None:
        """Raise ValueError for rows that the fitted law does not take."""
        law = self.likelihood_
        check_support(law, part.y, self._name_of_y)
        columns.check_known_values(law, part.X, self.fit_.known, self.fit_.names, part.weight)
        if law.layout.known:
            law.bind(part.y, **{name: part.offset[name] for name in law.layout.known})

    def _log_scores(self, X: Any, y: Any) -> np.ndarray:
        """Log-likelihood of every row."""
        raise NotImplementedError

    def _score_rows(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> float:
        """Weighted mean log-likelihood of rows in memory, or of a source."""
        rows = self._opened(X, y, sample_weight)
        if rows is None:
            return mean_score(
                self._log_scores(replace_zero_weight_rows(X, sample_weight), replace_zero_weight_rows(y, sample_weight)),
                sample_weight,
            )
        return float(averages(rows, self._log_scores_of).mean[0])

    def _log_scores_of(self, rows: Rows) -> np.ndarray:
        """Log-likelihood of every row of a part."""
        return self._log_scores(rows.X, rows.y)


@dataclass(frozen=True)
class _TotalsWithTerms:
    """What `_look` finds in parts, and what terms ask of them; it can be added up."""

    own: Any
    summaries: Summaries

    def __add__(self, other: _TotalsWithTerms) -> _TotalsWithTerms:
        own = self.own if other.own is None else other.own if self.own is None else self.own + other.own
        return _TotalsWithTerms(own, self.summaries + other.summaries)


def _look_at_part(estimator: Fitting, rows: Rows) -> Any:
    """`_look` of an estimator that is not changed."""
    return copy(estimator)._look(rows)


def _look_for_fit(estimator: Fitting, rows: Rows) -> Any:
    """The same with what terms ask of the rows, where there are any."""
    if not has_terms(estimator):
        return _look_at_part(estimator, rows)
    one = copy(estimator)
    totals, X = one._look(rows), one._validate(rows.X, reset=True)
    weight = check_weight(rows.sample_weight, X.shape[0])
    names = getattr(one, "feature_names_in_", None)
    return _TotalsWithTerms(totals, summaries_of(one, X, weight, names, one._text_groups))


def _centred(predictors: dict[str, Predictor]) -> list[bool]:
    """Whether columns are centred, for the parameters that are modelled on columns."""
    return [predictor.intercept for predictor in predictors.values() if len(predictor.columns)]


def _with_groups(data: Data, groups: Any) -> Data:
    """The data with labels of groups, if there are any."""
    return data if groups is None else data.with_groups(group_labels(groups, data.n_samples))


def _n_free(coefs: np.ndarray, design: Design, predictor: Predictor) -> int:
    """Number of coefficients of a parameter that are estimated: the rank of its columns, or those that are not zero."""
    return int(np.count_nonzero(coefs)) + predictor.intercept * design.shape[1] if predictor.l1 else design.size


def _coefficients(objective: Objective, u: np.ndarray) -> tuple[dict, dict]:
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


class MLEMixin(Fitting):
    """Predictions and scores of any likelihood; subclasses translate y."""

    @property
    def coefs_(self) -> dict:
        """Coefficients of every estimated parameter on its columns."""
        return self.fit_.coefs

    @property
    def intercepts_(self) -> dict:
        """Intercepts of every estimated parameter."""
        return self.fit_.intercepts

    @property
    def predictors_(self) -> dict:
        """Columns of every estimated parameter, by name if X has names; the names of the coefficients of a curve."""
        names = self.fit_.names
        return {
            name: np.array(one.labels(names), dtype=object)
            if one.curve
            else one.columns
            if names is None
            else names[one.columns]
            for name, one in self.fit_.predictors.items()
        }

    def predict_params(self, X: Any) -> dict[str, np.ndarray]:
        """Parameters of the predictive distribution.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)

        Returns
        -------
        dict of str to ndarray of shape (n,), or (n, K) for a vector parameter
            On the natural scale; fixed parameters included.
        """
        check_is_fitted(self)
        return self.fit_.params(self._validate(X, reset=False, finite=False))

    def predict_dist(self, X: Any) -> Distribution:
        """Predictive distribution of every row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)

        Returns
        -------
        Distribution
            With the method names of scipy.stats. That of a classifier is over class codes 0..K-1 in the order of
            `ordered_classes_`, which is that of `classes_` unless `Ordinal` or an ordered categorical y declares another.
        """
        params = self.predict_params(X)
        return self.fit_.dist(params)

    def score_samples(self, X: Any, y: ArrayLike | None = None) -> np.ndarray:
        """Log-likelihood of every row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
        y : array-like of shape (n,), or (n, K) for likelihoods of several targets, optional
            Without y, its expectation under the model: minus the entropy of the predictive distribution.

        Returns
        -------
        ndarray of shape (n,)
            -inf where y is outside the support.
        """
        check_is_fitted(self)
        if y is None:
            return -self.predict_dist(X).entropy()
        X = self._validate(X, reset=False, finite=False)
        return self.fit_.loglik(X, self._target(y, X))

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Weighted mean log-likelihood of `y` given `X`: higher is better, and likelihoods compare.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
        y : array-like of shape (n,), or (n, K) for likelihoods of several targets
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        float
            All normalising constants are included. For a classifier this is minus `sklearn.metrics.log_loss`.
        """
        return self._score_rows(X, y, sample_weight)

    def _log_scores(self, X: Any, y: Any):
        return self.score_samples(X, y)

    def path(
        self, X: Any, y: ArrayLike, *, alphas: Any = 50, eps: float = 1e-3, sample_weight: ArrayLike | None = None
    ) -> Bunch:
        """Coefficients along a path of L1 penalties, each fitted from the one before; the estimator stays as it is.

        `GridSearchCV` over `alpha` chooses one of them by cross-validation, with ``warm_start=True`` from one to the next.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        alphas : int or sequence of float, default=50
            Numbers by which `alpha` is multiplied (1.0 for the first parameter, if it is 0), or how many, from the smallest at
            which all coefficients are zero downwards.
        eps : float, default=1e-3
            Ratio of the smallest to the largest of them.

        Returns
        -------
        Bunch
            `alphas` of shape (m,), in decreasing order; `coefs` and `intercepts`, by parameter arrays whose first axis has
            length m; `loglikelihood` and `n_nonzero`, of shape (m,).
        """
        alphas = alphas if isinstance(alphas, Integral) else list(alphas)
        if not alphas:
            raise ValueError("alphas is empty: give numbers by which alpha is multiplied, or how many of them to try")
        follower = clone(self)
        if not isinstance(follower.alpha, dict) and not follower.alpha:
            follower.alpha = 1.0
        if not isinstance(follower.l1_ratio, dict) and not follower.l1_ratio:
            follower.l1_ratio = 1.0
        return follower._fitted_path(X, y, sample_weight, (alphas, eps))

    def _fitted_path(self, X: Any, y: Any, sample_weight: ArrayLike | None, follow) -> Bunch:
        """The result of `path`, of a clone."""
        self._follow = follow
        self.fit(X, y, sample_weight=sample_weight)
        objective, n = self._path_objective, self._path_objective.data.total_weight
        fits = [_coefficients(objective, u) for _, u, _ in self._path]
        coefs, intercepts = ({name: np.array([fit[k][name] for fit in fits]) for name in fits[0][k]} for k in (0, 1))
        return Bunch(
            alphas=np.array([factor for factor, _, _ in self._path]),
            coefs=coefs,
            intercepts=intercepts,
            loglikelihood=np.array([-n * loss for _, _, loss in self._path]),
            n_nonzero=np.array([sum(int(np.count_nonzero(value)) for value in fit[0].values()) for fit in fits]),
        )

    def inference(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, **options: Any) -> Inference:
        """Standard errors, tests and intervals, from the data of the fit.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame or source
            Those of the fit, as `y`: a fitted estimator keeps neither.
        y : array-like, or the name of a column of a source
        sample_weight : array-like of shape (n,), optional
            That of the fit.
        **options : dict
            As in `sk_mle.inference.Inference.from_estimator`: `cov`, `groups`, `weights`, `use_t`.

        Returns
        -------
        Inference
        """
        return Inference.from_estimator(self, X, y, sample_weight=sample_weight, **options)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
