"""Base class of the estimators: fits the problem that was read, and keeps what is known of its solution."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import OptimizeResult

from .._model.averages import averages
from .._model.design import Design
from .._model.objective import Objective
from .._model.validation import mean_score, replace_zero_weight_rows
from .._solvers.fellner_schall import degrees_of_freedom
from .._solvers.maxima import Maximum, Method, Search, maximum_from_sample, method_for
from .._solvers.methods import choose
from .._solvers.solvers import Solution
from .._sources import Rows
from .._utils.callbacks import WithCallbacks
from .fit import Fit
from .fit_warnings import warn_about_fit
from .problem import Problem, started
from .reading import ReadsRows
from .saved import Saved


class Fitting(ReadsRows, Saved, WithCallbacks):
    """Fit of any likelihood to rows, and scores of its fits; subclasses translate the target."""

    # arguments of the estimators' constructors
    penalty: Any
    l1_ratio: Any
    bounds: Any
    constraints: Any
    solver: Any
    tol: float
    max_iter: int
    verbose: int
    warm_start: bool

    @contextmanager
    def _fitting(self, X: Any, y: Any, sample_weight: Any) -> Iterator[Any]:
        """Tell callbacks of the fit, and restore all attributes of the estimator if it raises.

        Yields
        ------
        callable or None
            As of `_fit_task`.
        """
        with self._fit_task(X, y, sample_weight) as on_iteration:
            before = dict(vars(self))
            try:
                yield on_iteration
            except BaseException:
                self.__dict__.clear()
                self.__dict__.update(before)
                raise

    def _fit(self, problem: Problem, on_iteration: Callable | None = None) -> None:
        """Solve a problem and set the fitted attributes; `on_iteration` is told of each iteration."""
        watch = None
        if on_iteration is not None:
            watch = lambda objective, u: on_iteration(lambda: {"fit_": problem.fit_at(objective, u)})
        objective, predictors, search = self._objective(problem), problem.predictors, self._search(watch)
        found = None if self._earlier() else maximum_from_sample(objective, predictors, problem.region, search)
        if found is None:
            method = method_for(predictors, problem.region, self.penalty)
            objective, start, identified = started(objective, self._earlier(), method.restricted)
            found = identified, method.maximum(objective, start, predictors, search)
        self._store(problem, *found)

    def _earlier(self) -> Fit | None:
        """The fit from which this one starts, if there is one."""
        return self.fit_ if self.warm_start and hasattr(self, "fit_") else None

    def _objective(self, problem: Problem) -> Objective:
        """The objective of a problem; ValueError for a solver that cannot minimise it."""
        objective = problem.objective()
        choose(self.solver, objective)
        return objective

    def _start(self, problem: Problem, method: Method) -> tuple[Objective, np.ndarray, dict[str, Design]]:
        """The result of `started` for a kind of maximum; ValueError for a solver that cannot minimise the objective."""
        return started(self._objective(problem), self._earlier(), method.restricted)

    def _search(self, watch: Callable | None = None) -> Search:
        """Runs of the estimator's solver."""
        return Search(self.solver, self.tol, self.max_iter, self.verbose, watch)

    def _store(self, problem: Problem, identified: dict[str, Design], found: Maximum) -> None:
        """Set the fitted attributes and warn if the solution is no unique maximum.

        `identified` are designs in coordinates that the columns identify.
        """
        objective, solution, _ = found
        self.fit_ = problem.fit(found, self.penalty)
        n_unidentified = sum(free.shape[1] for free in solution.result.get("unidentified", {}).values())
        n, k = objective.data.total_weight, problem.n_free(found, self.fit_, identified) - n_unidentified
        for name in ("edf_", "penalties_"):
            if hasattr(self, name):
                delattr(self, name)  # of an earlier fit
        if any(predictor.terms for predictor in self.fit_.predictors.values()):
            k = self._store_terms(objective, solution, problem.held(found))
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
