"""The kinds of maxima that a fit looks for, each a way from a start to a solution; `method_for` chooses among them.

A method has `maximum(objective, start, predictors, search)`. The `search` runs minimisers for all of them alike, with the
user's solver and tolerance.

Flat vector: u holds the coordinates of all parameters, of unit curvature at the start (`_model/objective.py` states the
layout). A method may change the coordinates: the objective that it returns is in those of its solution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from .._model.constraints import Region, is_constrained
from .._model.design import Design
from .._model.objective import Objective
from .._model.predictor import Predictor
from ..likelihoods._functions import n_starts
from .bias import bias_reduced
from .curves import curves_of, with_origins_at
from .fellner_schall import TOL_OF_FIRST_FIT, PenaltyStart, choose_penalties, criterion_of, penalty_start_on_sample
from .identification import minimum_norm
from .multistart import best_of_starts
from .proximal import constrained_maximum, sparse_maximum, sparse_path
from .reconditioning import solve_reconditioned
from .solvers import Solution, solve
from .start import cold_start


@dataclass(frozen=True)
class Search:
    """Runs of a solver: `search(objective, start)` returns a Solution.

    Attributes
    ----------
    solver : str or callable
    tol : float
    max_iter : int
    verbose : int
    watch : callable or None
        ``watch(objective, u)`` is called at each iteration.
    """

    solver: str | Callable
    tol: float
    max_iter: int
    verbose: int = 0
    watch: Callable | None = None

    def __call__(self, objective: Objective, start: np.ndarray, max_iter: float = np.inf) -> Solution:
        """The solution from a start, in at most `max_iter` iterations."""
        on_step = None if self.watch is None else partial(self.watch, objective)
        most = int(min(self.max_iter, max_iter))
        return solve(objective, start, self.solver, self.tol, most, self.verbose, on_step)

    def best(self, objective: Objective, start: np.ndarray) -> Solution:
        """The best solution from several starts, where the law asks for them."""
        return best_of_starts(objective, start, self, self.verbose)

    def best_start(self, objective: Objective, start: np.ndarray) -> np.ndarray:
        """The start, or the best maximum without constraints of a law that asks for several starts."""
        return self.best(objective, start).u if n_starts(objective.likelihood) > 1 else start


class Maximum(NamedTuple):
    """The end of a fit.

    Attributes
    ----------
    objective : Objective
        In the coordinates of the solution.
    solution : Solution
    predictors : dict of str to Predictor
        With the penalties there.
    """

    objective: Objective
    solution: Solution
    predictors: dict[str, Predictor]


class Method(Protocol):
    """A kind of maximum.

    Attributes
    ----------
    restricted : bool
        Whether it is a maximum of the likelihood on a region or with an L1 penalty, and no other.
    """

    @property
    def restricted(self) -> bool: ...

    def maximum(self, objective: Objective, start: np.ndarray, predictors: dict[str, Predictor], search: Search) -> Maximum: ...


@dataclass(frozen=True)
class Unconstrained:
    """A maximum anywhere; that within the bounds of curves, `region`, only where none was found."""

    region: Region | None
    restricted = False

    def maximum(self, objective: Objective, start: np.ndarray, predictors: dict[str, Predictor], search: Search) -> Maximum:
        objective, solution = _identified(objective, search.best(objective, start), search)
        if self.region is not None and not (solution.converged or solution.unbounded):
            objective, solution = _continued_on(self.region, objective, solution, search)
        return Maximum(objective, solution, predictors)


@dataclass(frozen=True)
class Constrained:
    """A maximum on a region, also of Jeffreys' penalised likelihood."""

    region: Region
    penalty: str | None

    @property
    def restricted(self) -> bool:
        return self.penalty is None

    def maximum(self, objective: Objective, start: np.ndarray, predictors: dict[str, Predictor], search: Search) -> Maximum:
        start = search.best_start(objective, start)
        found = constrained_maximum(objective, start, self.region, search.tol, search.max_iter, self.penalty)
        return Maximum(*found, predictors)


@dataclass(frozen=True)
class BiasReduction:
    """The estimate with Jeffreys' penalty, or the root of an adjusted score."""

    penalty: str
    restricted = False

    def maximum(self, objective: Objective, start: np.ndarray, predictors: dict[str, Predictor], search: Search) -> Maximum:
        solution = bias_reduced(objective, start, self.penalty, search, search.tol, search.max_iter)
        return Maximum(objective, solution, predictors)


@dataclass(frozen=True)
class Sparse:
    """The maximum with L1 penalties, also on a region."""

    region: Region | None
    restricted = True

    def maximum(self, objective: Objective, start: np.ndarray, predictors: dict[str, Predictor], search: Search) -> Maximum:
        start = search.best_start(objective, start)
        found = sparse_maximum(objective, start, _weights(predictors), self.region, search.tol, search.max_iter)
        return Maximum(*found, predictors)

    def path(
        self,
        objective: Objective,
        start: np.ndarray,
        predictors: dict[str, Predictor],
        search: Search,
        factors: Sequence[float] | int,
        ratio: float,
    ) -> tuple[list[tuple[float, np.ndarray, float]], Maximum]:
        """The factor, vector and loss of the maxima at multiples of all penalties, as of `sparse_path`, and the last one."""
        start = search.best_start(objective, start)
        objective, points, last = sparse_path(
            objective, start, _weights(predictors), self.region, (factors, ratio), search.tol, search.max_iter
        )
        return points, Maximum(objective, last, predictors)


@dataclass(frozen=True)
class ChosenPenalties:
    """A maximum with penalties that the data choose, then on the region, or where none was found within curves' bounds."""

    region: Region | None
    restricted = False

    def maximum(self, objective: Objective, start: np.ndarray, predictors: dict[str, Predictor], search: Search) -> Maximum:
        constrained, loose = is_constrained(self.region), replace(search, tol=max(search.tol, TOL_OF_FIRST_FIT))
        solution = loose.best(objective, start)
        if not constrained:
            objective, solution = _identified(objective, solution, loose)
        if not solution.unbounded:
            penalty_start = PenaltyStart(objective, solution.u, solution.edges, solution.n_iter)
            objective, solution, predictors = choose_penalties(penalty_start, predictors, search)
        if self.region is not None and (constrained or not (solution.converged or solution.unbounded)):
            objective, solution = _continued_on(self.region, objective, solution, search)
        return Maximum(objective, solution, predictors)


def method_for(predictors: dict[str, Predictor], region: Region | None, penalty: str | None) -> Method:
    """The kind of maximum that penalties, constraints and a bias reduction ask for."""
    if penalty is not None and not is_constrained(region):
        return BiasReduction(penalty)
    if _weights(predictors):
        return Sparse(region)
    if criterion_of(predictors):
        return ChosenPenalties(region)
    if region is not None and is_constrained(region):
        return Constrained(region, penalty)
    return Unconstrained(region)


def maximum_from_sample(
    objective: Objective, predictors: dict[str, Predictor], region: Region | None, search: Search
) -> tuple[dict[str, Design], Maximum] | None:
    """The maximum of many rows with penalties that the data choose, from those of a sample, and designs at the start.

    None where it is to be found otherwise, from a start of all rows.
    """
    if region is not None or not criterion_of(predictors) or n_starts(objective.likelihood) > 1 or curves_of(objective):
        return None
    loose = replace(search, tol=max(search.tol, TOL_OF_FIRST_FIT), verbose=0, watch=None)

    def first_fit(part: Objective) -> tuple[Objective, Solution]:
        part, start = cold_start(part)
        return part, loose.best(part, start)

    penalty_start = penalty_start_on_sample(objective, predictors, first_fit)
    if penalty_start is None:
        return None
    found = Maximum(*choose_penalties(penalty_start, predictors, search))
    good = found.solution.converged and not found.solution.edges and found.solution.result["penalties_converged"]
    return (penalty_start.objective.designs, found) if good else None


def _weights(predictors: dict[str, Predictor]) -> dict[str, float]:
    """L1 penalties of the parameters that have one."""
    return {name: predictor.l1 for name, predictor in predictors.items() if predictor.l1}


def _identified(objective: Objective, solution: Solution, search: Search) -> tuple[Objective, Solution]:
    """The solution in coordinates that suit it, of minimum norm where coefficients are not identified."""
    return minimum_norm(*solve_reconditioned(objective, solution, search))


def _continued_on(region: Region, objective: Objective, solution: Solution, search: Search) -> tuple[Objective, Solution]:
    """The maximum on a region, from the solution without it."""
    objective, start = with_origins_at(objective, solution.u)
    objective, found = constrained_maximum(objective, start, region, search.tol, search.max_iter)
    return objective, found._replace(n_iter=solution.n_iter + found.n_iter)
