"""One call of `scipy.optimize.minimize`, and the verdict on its result from the gradient.

A solver declares what it needs, an objective what it offers. The verdict is ours: the largest entry of the gradient of the
mean NLL in standardised coordinates, where an entry g means an error of about g * sqrt(n) standard errors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import OptimizeResult, minimize

from .._model.bounds import grows_without_end
from .._model.objective import Objective
from ..likelihoods._fallbacks.facts import title
from .newton import newton, newton_method
from .vertex import vertex

MAX_NEWTON_COORDINATES = 600  # coordinates above which a Hessian costs more than the passes that it saves
MAX_RESTARTS = 5
# Gradient from which a few Newton steps finish what a line search on values can no longer resolve.
MAX_GRADIENT_TO_FINISH = 1e-4
MAX_GRADIENT_OF_ROUNDING = 1e-3  # up to which the rounding of a large y may be all that is left of it
ETA_NEAR_LIMIT = 8.0  # linear predictor of a nuisance parameter from which its law's limit may be near
MIN_RUNAWAY_VARIANCE = 100.0  # variance of a linear predictor, or of its logarithm, from which its parameter may have run off
MAX_STEP_AT_MAXIMUM = 0.05  # Newton step, likewise, up to which it has not: there is a maximum, if a flat one
VARIANCE_OF_ROUNDING = 1e10  # variance from which rounding gives the step
MIN_LOGLIK_DIFFERENCE = 1e-2  # total log-likelihood by which one further out differs if all depends on it no more
MAX_INVERTED_COORDINATES = 300  # coordinates of a Hessian that is looked at for parameters that have run off


class Solution(NamedTuple):
    """Where a solver ended, and our verdict."""

    u: np.ndarray
    converged: bool
    unbounded: bool
    n_iter: int
    gradient_size: float
    flat: dict[str, str]
    result: OptimizeResult


class Solver(NamedTuple):
    """A minimiser: what scipy calls, what it needs of an objective, and its options from (tol, max_iter)."""

    method: str | Callable
    needs: str | None
    options: Callable[[float, int], dict]


def _plain(tol, n):
    return {"maxiter": n}


def _gtol(tol, n):
    return {"gtol": tol, "maxiter": n}


def _ours(tol, n):
    return {"tol": tol, "maxiter": n}


_LBFGSB = Solver("L-BFGS-B", "gradient", lambda tol, n: {**_gtol(tol, n), "ftol": 1e-18, "maxfun": 20 * n, "maxcor": 20})
SOLVERS = {
    "newton": Solver(newton_method, "hessian", _ours),
    "vertex": Solver(vertex, "gradient", _ours),
    "lbfgs": _LBFGSB,
    "l-bfgs-b": _LBFGSB,
    "bfgs": Solver("BFGS", "gradient", _gtol),
    "cg": Solver("CG", "gradient", _gtol),
    "tnc": Solver("TNC", "gradient", lambda tol, n: {"gtol": tol, "ftol": 0, "xtol": 0, "maxfun": 20 * n}),
    "slsqp": Solver("SLSQP", "gradient", lambda tol, n: {"ftol": 1e-18, "maxiter": n}),
    "newton-cg": Solver("Newton-CG", "hessp", lambda tol, n: {"xtol": 1e-3 * tol, "maxiter": n}),
    "trust-ncg": Solver("trust-ncg", "hessp", _gtol),
    "trust-krylov": Solver("trust-krylov", "hessp", _gtol),
    "trust-constr": Solver("trust-constr", "hessp", lambda tol, n: {**_gtol(tol, n), "xtol": 1e-14}),
    "dogleg": Solver("dogleg", "hessian", _gtol),
    "trust-exact": Solver("trust-exact", "hessian", _gtol),
    "nelder-mead": Solver("Nelder-Mead", None, lambda tol, n: {"maxiter": 200 * n, "xatol": tol, "fatol": 1e-15}),
    "powell": Solver("Powell", None, _plain),
    "cobyla": Solver("COBYLA", None, _plain),
    "cobyqa": Solver("COBYQA", None, _plain),
}


def choose(solver: str | Callable, objective: Objective) -> Solver:
    """The solver of that name, "auto" by size and smoothness; checked against what the objective offers."""
    law = title(objective.likelihood)
    if solver == "auto":
        if not objective.likelihood.smooth:
            solver = "vertex"
        else:
            few = objective.size <= MAX_NEWTON_COORDINATES or objective.preconditioner is not None
            solver = "newton" if "hessian" in objective.offers and few else "lbfgs"
    if callable(solver):
        return Solver(solver, "gradient", lambda tol, n: {})
    if not isinstance(solver, str) or solver.lower() not in SOLVERS:
        raise ValueError(f"solver={solver!r} is unknown; use 'auto', a callable, or one of {sorted(SOLVERS)}")
    found = SOLVERS[solver.lower()]
    if found.needs and found.needs not in objective.offers:
        reason = "its log-likelihood has kinks" if not objective.likelihood.smooth else "there are too many coefficients"
        raise ValueError(f"solver={solver!r} needs the {found.needs}, which {law} does not offer here ({reason}); use 'auto'")
    if found.method is vertex and objective.likelihood.smooth:
        raise ValueError(f"solver='vertex' is for likelihoods with kinks, and {law} is smooth; use 'auto'")
    return found


class _Guarded:
    """The objective for scipy's line searches: a non-finite trial value becomes a bowl around the best point so far."""

    def __init__(self, objective):
        self.objective, self.best, self.at = objective, np.inf, None

    def __call__(self, u):
        point = self.objective.evaluate(u, 1)
        if np.isfinite(point.value) and np.isfinite(point.gradient).all():
            if point.value <= self.best:
                self.best, self.at = point.value, u.copy()
            return point.value, point.gradient
        if self.at is None:
            return np.inf, np.zeros_like(u)
        away = u - self.at
        return self.best + 1.0 + 1e3 * float(away @ away), 2e3 * away

    def value(self, u):
        return self(u)[0]


def solve(objective: Objective, start: np.ndarray, solver: str | Callable, tol: float, max_iter: int, verbose=0) -> Solution:
    """Minimise from `start` and judge the result.

    A method of scipy that stops before the gradient is below `tol` is started again from its best point, a few times.
    """
    chosen = choose(solver, objective)
    options = chosen.options(tol, max_iter)
    if chosen.method in (newton_method, vertex):
        options["objective"] = objective
    arguments: dict[str, Any] = {}
    if chosen.needs == "hessian":
        arguments["hess"] = objective.hessian
    if chosen.needs == "hessp":
        arguments["hessp"] = objective.hessp
    if verbose:
        arguments["callback"] = _Report(objective)
    u, n_iter, best = start, 0, np.inf
    for _ in range(MAX_RESTARTS):
        guarded = _Guarded(objective)
        if chosen.method is not newton_method:
            guarded(u)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the verdict below replaces the optimisers' own
            fun, jac = (guarded, True) if chosen.needs else (guarded.value, None)
            result = minimize(fun, u, jac=jac, method=chosen.method, options=options, **arguments)
        at = result.x if chosen.method in (newton_method, vertex) or guarded.at is None else guarded.at
        n_iter += int(result.get("nit", 1))
        size = _size(objective, at, result)
        gain, u, best = best - size, at, size
        if size <= tol or chosen.method in (newton_method, vertex) or n_iter >= max_iter or gain <= 0.1 * size:
            break
    if MAX_GRADIENT_TO_FINISH >= size > tol and "hessian" in objective.offers and chosen.method is not newton_method:
        result = newton(objective, u, tol=tol, max_iter=5)
        u, size = result.x, _size(objective, result.x, result)
    value = objective.value(u)
    unbounded = objective.unbounded(u, value, 0.0 if size <= tol else 3.0)  # on its way there, within rounding
    exhausted = size <= MAX_GRADIENT_TO_FINISH and result.get("decrement", np.inf) <= 1e-14 * max(
        1.0, abs(value)
    )  # no measurable gain is left
    converged = bool(np.isfinite(value)) and not unbounded and (size <= tol or exhausted)
    unbounded = unbounded or (not converged and bool(np.isfinite(value)) and grows_without_end(objective, u))
    if not (converged or unbounded) and np.isfinite(value):
        converged = bool(size <= min(MAX_GRADIENT_OF_ROUNDING, _rounding(objective, u)))
    flat = _flat(objective, u, result.get("curved")) if converged else {}
    return Solution(u, converged, unbounded, n_iter, size, flat, result)


def _rounding(objective, u) -> float:
    """Gradient that the rounding of the first parameter's linear predictors leaves, where curvature is one."""
    name, design = next(iter(objective.designs.items()))
    if design.vector:
        return 0.0
    return float(np.finfo(float).eps * np.median(np.abs(objective.eta(u)[name])) / np.abs(design.unit).max())


def _flat(objective, u, curved) -> dict[str, str]:
    """Parameters without covariates that ran so far out that the log-likelihood of all rows no longer depends on them.

    By name, with the edge of the domain. `curved` is the last point with a Hessian.
    """
    names = [name for name, d in list(objective.designs.items())[1:] if d.columns is None and name not in objective.data.offset]
    scalar = [name for name in names if not objective.designs[name].vector]
    if curved is None or objective.size > MAX_INVERTED_COORDINATES or "hessian" not in objective.offers:
        return _far_out(objective, u, names)
    found = _far_out(objective, u, [name for name in names if name not in scalar])
    return found | (_running(objective, u, scalar, curved) if scalar else {})


def _running(objective, u, names, curved) -> dict[str, str]:
    """Scalars that a Newton step would still move far where hardly any curvature is left.

    The other coordinates follow along the ridge, so that it does not matter in which units y is.
    """
    at, found = [objective.places[name].start for name in names], {}
    hessian, unit = curved.hessian, np.eye(objective.size)[:, at]
    _, ridges, fail = lapack.dposv(hessian, unit)
    if fail:
        values, vectors = np.linalg.eigh(np.nan_to_num(hessian))
        ridges = vectors @ ((vectors.T @ unit) / np.maximum(values, 1e-14 * np.abs(values).max() + 1e-300)[:, None])
    for name, j, ridge in zip(names, at, ridges.T, strict=True):
        size = objective.designs[name].unit[0, 0]
        if ridge[j] * size**2 <= MIN_RUNAWAY_VARIANCE * objective.data.total_weight:
            continue
        link, eta = objective.likelihood.parameter(name).link, u[j] * size
        edged = np.isfinite([link.range.low, link.range.high]).any()  # else far out has no unit
        far = size / (1.0 if edged else max(1.0, abs(eta)))
        variance, step = ridge[j] * far**2 / objective.data.total_weight, -(ridge @ curved.gradient) * far
        if not variance > MIN_RUNAWAY_VARIANCE or (abs(step) < MAX_STEP_AT_MAXIMUM and variance < VARIANCE_OF_ROUNDING):
            continue
        way = ridge / ridge[j] / far
        sign = np.sign(step) if variance < VARIANCE_OF_ROUNDING and step else _level_side(objective, u, way) or np.sign(eta)
        if _differs(objective, u, u + sign * way):
            continue
        found[name] = "upper" if link.inverse_derivatives(eta)[1] * sign > 0 else "lower"
    return found


def _level_side(objective, u, way) -> float:
    """The sign in which the log-likelihood stays what it is along a way on whose other side it falls; 0 where neither does."""
    for length in (5.0, 20.0, 80.0, 320.0):
        ahead, back = (_differs(objective, u, u + sign * length * way) for sign in (1, -1))
        if ahead or back:
            return float(back) - float(ahead)
    return 0.0


def _differs(objective, u, v) -> bool:
    """Whether the total log-likelihood differs between two points."""
    with np.errstate(all="ignore"):
        return not objective.data.total_weight * abs(objective.value(v) - objective.value(u)) < MIN_LOGLIK_DIFFERENCE


def _far_out(objective, u, names) -> dict[str, str]:
    """Parameters with a linear predictor far from zero.

    Entries of a vector of which only differences count do so by their distance from the largest.
    """
    found = {}
    for name in names:
        design, place, link = objective.designs[name], objective.places[name], objective.likelihood.parameter(name).link
        level, slopes = design.expand(u[place])
        relative = len(level) > design.unit.shape[1]  # to the other entries, as logits are
        for k, eta in enumerate(level):
            gap = eta - (level.max() if relative else 0.0)
            if abs(gap) < ETA_NEAR_LIMIT:
                continue
            moved, back = level.copy(), u.copy()
            edged = relative or np.isfinite([link.range.low, link.range.high]).any()  # else far out has no unit
            moved[k] -= np.sign(gap) if edged else gap / 2
            back[place] = design.coordinates(moved, slopes)
            if objective.data.total_weight * abs(objective.value(back) - objective.value(u)) < 1e-3:
                label = f"{name}[{objective.likelihood.parameter(name).entries[k]!r}]" if design.vector else name
                found[label] = "upper" if link.inverse_derivatives(eta)[1] * gap > 0 else "lower"
    return found


def _size(objective, u, result) -> float:
    """Largest entry of the gradient; of the smallest subgradient where the law has kinks and the solver found it."""
    if "subgradient" in result:
        return float(result.subgradient)
    return float(np.abs(objective.evaluate(u, 1).gradient).max(initial=0.0))


class _Report:
    """A line per iteration."""

    def __init__(self, objective):
        self.objective, self.count = objective, 0

    def __call__(self, at, *unused):
        self.count += 1
        point = self.objective.evaluate(at.x if isinstance(at, OptimizeResult) else at, 1)
        size = np.abs(point.gradient).max(initial=0.0)
        print(f"iteration {self.count:4d}   mean NLL {point.value:.10g}   largest gradient {size:.2e}")
