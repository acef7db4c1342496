"""One call of `scipy.optimize.minimize`, and the test of its result for convergence.

Flat vector: u holds the coordinates of all parameters, that of a parameter in `objective.slices[name]`; they have unit
curvature at the start (`_model/objective.py` states the layout). A solver is a row of `SOLVERS`, which declares the derivatives
that it needs; an objective says which it offers. A fit has converged by the largest entry of the gradient of the mean NLL,
whatever the solver reports: an entry g means an error of about g * sqrt(n) standard errors.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import OptimizeResult, minimize

from .._model.bounds import is_diverging
from .._model.objective import Objective, Point
from ..likelihoods._functions import has_kinks, title
from .curves import curves_of
from .held import admits_end, end_of, with_held
from .newton import RCOND_MIN, newton, newton_method
from .vertex import vertex

MAX_NEWTON_COORDINATES = 600  # coordinates above which a Hessian costs more than the passes that it saves
MAX_RESTARTS = 5  # runs of a minimiser, each from where the last one ended
# Gradient up to which a few Newton steps finish a fit whose line search is at the rounding of the values.
MAX_GRADIENT_TO_FINISH = 1e-4
MAX_GRADIENT_OF_ROUNDING = 1e-2  # gradient, in standard errors, up to which it may be rounding error of a large y
ETA_NEAR_LIMIT = 8.0  # linear predictor of a nuisance parameter from which its law's limit may be near
MIN_RUNAWAY_VARIANCE = 100.0  # variance of a linear predictor, or of its logarithm, from which it may diverge to an edge
MAX_STEP_AT_MAXIMUM = 0.05  # Newton step, in the same unit, up to which it does not: the maximum is finite, if flat
VARIANCE_OF_ROUNDING = 1e10  # variance from which the step is rounding error
MIN_LOGLIK_DIFFERENCE = 1e-2  # difference of total log-likelihoods from which they count as different
MAX_LOSS_NEAR_LIMIT = 1e-3  # total log-likelihood that a unit of a linear predictor, back from a limit, may cost
MAX_LOGLIK_NOISE = 1e-4  # rounding error of the total log-likelihood, up to which it may hide the last steps of a fit
STEP_OF_NOISE, N_VALUES_OF_NOISE = 1e-9, 12  # in coordinates, to the points at which that error is measured
TOL_AT_LIMIT, ITERATIONS_AT_LIMIT = 1e-8, 10  # of a fit of the limit from there
MAX_ROUNDING_AT_EDGE = 1e-7  # relative error of the mean log-likelihood next to an edge
MAX_INVERTED_COORDINATES = 300  # coordinates up to which a Hessian is inverted to find parameters at an edge


class Solution(NamedTuple):
    """The point at which a solver ended, and whether it is a maximum of the likelihood.

    Attributes
    ----------
    u : ndarray of shape (size,)
    converged : bool
    unbounded : bool
        Whether the likelihood grows without end there.
    n_iter : int
    gradient_size : float
        Largest absolute entry of the gradient.
    edges : dict of str to str
        "lower" or "upper" for parameters at an edge of their domain, where the likelihood no longer depends on them.
    result : OptimizeResult
        What the solver returned.
    """

    u: np.ndarray
    converged: bool
    unbounded: bool
    n_iter: int
    gradient_size: float
    edges: dict[str, str]
    result: OptimizeResult


class Solver(NamedTuple):
    """A minimiser of one flat vector, called as `scipy.optimize.minimize` calls it.

    Attributes
    ----------
    method : str or callable
        A method of scipy by its name, or a callable ``method(fun, x0, args, jac, hess, hessp, callback, **options)`` that
        returns an `OptimizeResult` with `x` and `nit`.
    needs : {None, "gradient", "hessp", "hessian"}
        The highest derivative that it asks for.
    options : callable
        Its options by name from (tol, max_iter).
    uses_objective : bool
        Whether it has an option `objective` too, the `Objective` that gives value and derivatives in one pass. Its result then
        stands: it is neither guarded from values that are not finite, nor started again.
    """

    method: str | Callable
    needs: str | None
    options: Callable[[float, int], dict]
    uses_objective: bool = False


def _maxiter(tol: float, n: int) -> dict:
    return {"maxiter": n}


def _gtol(tol: float, n: int) -> dict:
    return {"gtol": tol, "maxiter": n}


def _tol_maxiter(tol: float, n: int) -> dict:
    return {"tol": tol, "maxiter": n}


_LBFGSB = Solver("L-BFGS-B", "gradient", lambda tol, n: {**_gtol(tol, n), "ftol": 1e-18, "maxfun": 20 * n, "maxcor": 20})
SOLVERS = {
    "newton": Solver(newton_method, "hessian", _tol_maxiter, uses_objective=True),
    "vertex": Solver(vertex, "gradient", _tol_maxiter, uses_objective=True),
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
    "powell": Solver("Powell", None, _maxiter),
    "cobyla": Solver("COBYLA", None, _maxiter),
    "cobyqa": Solver("COBYQA", None, _maxiter),
}


def choose(solver: str | Callable, objective: Objective) -> Solver:
    """The solver of that name, or that of "auto" by size and smoothness; ValueError if the objective lacks what it needs."""
    if solver == "auto":
        if has_kinks(objective.likelihood):
            solver = "vertex"
        else:
            affordable = "hessian" in objective.available_derivatives and objective.size <= MAX_NEWTON_COORDINATES
            solver = "newton" if affordable or objective.preconditioner is not None else "lbfgs"
    if callable(solver):
        return _custom(solver)
    if not isinstance(solver, str) or solver.lower() not in SOLVERS:
        raise ValueError(f"solver={solver!r} is unknown; use 'auto', a callable, or one of {sorted(SOLVERS)}")
    chosen = SOLVERS[solver.lower()]
    if not objective.likelihood.smooth and curves_of(objective):
        law = title(objective.likelihood)
        raise ValueError(
            f"a curve needs a likelihood without kinks, and that of {law} has some: for medians StudentT(df=...) with few "
            "degrees of freedom is close to it"
        )
    lacking = chosen.needs not in objective.available_derivatives
    if chosen.needs and lacking and not (chosen.method is newton_method and objective.preconditioner is not None):
        law, smooth = title(objective.likelihood), objective.likelihood.smooth
        reason = "there are too many coefficients" if smooth else "its log-likelihood has kinks"
        raise ValueError(f"solver={solver!r} needs the {chosen.needs}, which {law} does not offer here ({reason}); use 'auto'")
    if chosen.method is vertex and not has_kinks(objective.likelihood):
        raise ValueError(
            f"solver='vertex' is for likelihoods with kinks, and {title(objective.likelihood)} is smooth; use 'auto'"
        )
    return chosen


def _custom(solver: Callable) -> Solver:
    """A user's minimiser, with those of the options `tol` and `maxiter` that it takes.

    Raises TypeError where it cannot be called as scipy calls a method.
    """
    given = dict.fromkeys(("args", "jac", "hess", "hessp", "bounds", "constraints", "callback"))
    try:
        signature = inspect.signature(solver)
    except ValueError:  # of a function in C, which has none
        return Solver(solver, "gradient", lambda tol, n: {})
    open_ended = any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values())
    taken = [name for name in ("tol", "maxiter") if open_ended or name in signature.parameters]
    try:
        signature.bind(None, None, **given, **dict.fromkeys(taken))
    except TypeError as error:
        raise TypeError(
            f"solver={solver!r} is called as scipy.optimize.minimize calls a method, solver(fun, x0, "
            f"{', '.join(f'{name}=...' for name in given)}), which it does not take ({error}); let it end with **options"
        ) from error
    return Solver(
        solver, "gradient", lambda tol, n: {name: value for name, value in _tol_maxiter(tol, n).items() if name in taken}
    )


class _FiniteObjective:
    """The objective for scipy's line searches: non-finite values are replaced by a paraboloid around the best point."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.best = objective, np.inf
        self.at: np.ndarray | None = None

    def __call__(self, u: np.ndarray) -> tuple[float, np.ndarray]:
        point = self.objective.evaluate(u, 1)
        if np.isfinite(point.value) and np.isfinite(point.gradient).all():
            if point.value <= self.best:
                self.best, self.at = point.value, u.copy()
            return point.value, point.gradient
        if self.at is None:
            return np.inf, np.zeros_like(u)
        away = u - self.at
        return self.best + 1.0 + 1e3 * float(away @ away), 2e3 * away

    def value(self, u: np.ndarray) -> float:
        return self(u)[0]


def solve(
    objective: Objective,
    start: np.ndarray,
    solver: str | Callable,
    tol: float,
    max_iter: int,
    verbose: int = 0,
    on_step: Callable | None = None,
) -> Solution:
    """Minimise from `start` and test the result for convergence.

    A method of scipy that stops before the gradient is below `tol` is restarted from its best point a few times.

    Parameters
    ----------
    objective : Objective
    start : ndarray of shape (size,)
    solver : str or callable
    tol : float
        Largest entry of the gradient at the solution.
    max_iter : int
    verbose : int
        Above 0, a line is printed per iteration.
    on_step : callable, optional
        Called with the coordinates of each iteration.

    Returns
    -------
    Solution
    """
    chosen = choose(solver, objective)
    options = chosen.options(tol, max_iter)
    arguments = _derivatives(chosen, callable(solver), objective)
    callbacks = [one for one in (_ProgressPrinter(objective) if verbose else None, on_step) if one is not None]
    if callbacks:
        arguments["callback"] = _CallbackList(callbacks)
    u, n_iter, best = start, 0, np.inf
    for _ in range(MAX_RESTARTS):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # convergence is judged below
            run = _run_of_own_method if chosen.uses_objective else _run_of_scipy
            result, x = run(chosen, objective, u, options, arguments)
        n_iter += int(result.get("nit", 1))
        norm = _gradient_norm(objective, x, result if chosen.uses_objective else {})
        gain, u, best = best - norm, x, norm
        if norm <= tol or chosen.uses_objective or n_iter >= max_iter or gain <= 0.1 * norm:
            break
    if MAX_GRADIENT_TO_FINISH >= norm > tol and "hessian" in objective.available_derivatives and not chosen.uses_objective:
        result = newton(objective, u, tol=tol, max_iter=5)
        u, norm = result.x, result.gradient_size
    if "gradient_size" in result and chosen.uses_objective:
        objective.remember_value(u, result.fun)  # a last step may not have been evaluated
    value = objective.value(u)
    result.setdefault("fun", value)
    unbounded = objective.unbounded(u, value, 0.0 if norm <= tol else 3.0)  # it may have stopped shortly before the bound
    rounding = value_rounding(value)
    exhausted = norm <= MAX_GRADIENT_TO_FINISH and result.get("decrement", np.inf) <= rounding  # no measurable gain is left
    converged = bool(np.isfinite(value)) and not unbounded and (norm <= tol or exhausted)
    unbounded = unbounded or (not converged and bool(np.isfinite(value)) and is_diverging(objective, u))
    if not (converged or unbounded) and np.isfinite(value):
        converged = bool(norm <= min(MAX_GRADIENT_OF_ROUNDING, gradient_rounding(objective, u)))
        decrement = np.inf if converged else _newton_decrement(objective, u)
        converged = converged or decrement <= max(tol**2, rounding) or decrement <= _value_noise(objective, u)
    edges = parameters_at_edges(objective, u, result.get("hessian_point")) if converged else {}
    return Solution(u, converged, unbounded, n_iter, norm, edges, result)


def _run_of_own_method(
    chosen: Solver, objective: Objective, u: np.ndarray, options: dict, arguments: dict
) -> tuple[OptimizeResult, np.ndarray]:
    """The result of a method of this package and its point: called without scipy, which takes as long as a step of few rows."""
    assert callable(chosen.method)
    result = chosen.method(objective.value, u, objective=objective, **options, **arguments)
    return result, result.x


def _run_of_scipy(
    chosen: Solver, objective: Objective, u: np.ndarray, options: dict, arguments: dict
) -> tuple[OptimizeResult, np.ndarray]:
    """The result of a method of scipy or of the user, and the best point that it met."""
    guarded = _FiniteObjective(objective)
    guarded(u)
    fun, jac = (guarded, True) if chosen.needs else (guarded.value, None)
    result = _checked(minimize(fun, u, jac=jac, method=chosen.method, options=options, **arguments), chosen.method)
    return result, result.x if guarded.at is None else guarded.at


def _derivatives(chosen: Solver, custom: bool, objective: Objective) -> dict[str, Any]:
    """Second derivatives, as arguments of `minimize`: those that a solver needs, and for a user's all that there are."""
    needed = objective.available_derivatives if custom else {chosen.needs}
    return {
        argument: derivative
        for argument, name, derivative in (("hess", "hessian", objective.hessian), ("hessp", "hessp", objective.hessp))
        if name in needed
    }


def _checked(result: OptimizeResult, solver: Any) -> OptimizeResult:
    """The result of a minimiser; TypeError where it returned something else."""
    if not isinstance(result, OptimizeResult):
        raise TypeError(
            f"solver={solver!r} returned {type(result).__name__}; it must return a scipy.optimize.OptimizeResult with x, "
            "where it ended, and nit, its number of iterations"
        )
    return result


def _newton_decrement(objective: Objective, u: np.ndarray) -> float:
    """Twice the gain in mean log-likelihood that a quadratic model promises; infinite where it has no maximum.

    It does not depend on the units of the coordinates, in which the curvature may be far from that at the start: large counts
    round the gradient to much more than `tol` where their curvature is large.
    """
    if "hessian" not in objective.available_derivatives or objective.size > MAX_INVERTED_COORDINATES:
        return np.inf
    point = objective.evaluate(u, 2)
    if not point.complete:
        return np.inf
    scale = np.sqrt(np.abs(np.diag(point.hessian)))
    if not scale.all():
        return np.inf
    factor, step, fail = lapack.dposv(point.hessian / np.outer(scale, scale), point.gradient / scale)
    rcond = 0.0 if fail else lapack.dpocon(factor, 1.0, uplo="U")[0]
    return float(step @ (point.gradient / scale)) if rcond > RCOND_MIN else np.inf


def value_rounding(value: float) -> float:
    """Rounding error of a value, which is a sum over many rows."""
    return 1e-14 * max(1.0, abs(value))


def _value_noise(objective: Objective, u: np.ndarray) -> float:
    """Rounding error of the value in the law's own formula, measured; 0 where it would matter to the log-likelihood.

    Laws that lose digits next to a limit, as those of scipy and of users may, hide their last steps: fourth differences at
    neighbouring points tell how much (Moré and Wild 2011, doi:10.1137/100786125).
    """
    direction = np.random.default_rng(0).normal(scale=STEP_OF_NOISE, size=len(u))
    with np.errstate(all="ignore"):
        values = [objective.value(u + k * direction) for k in range(N_VALUES_OF_NOISE)]
        noise = float(np.sqrt(np.mean(np.diff(values, 4) ** 2) / 70))  # 70 = 8! / 4!^2
    return noise if noise * objective.data.total_weight < MAX_LOGLIK_NOISE else 0.0


def gradient_rounding(objective: Objective, u: np.ndarray) -> float:
    """Rounding error of the gradient that comes from the first parameter's linear predictors, for unit curvature."""
    name = next(iter(objective.designs))
    design: Any = objective.designs[name]
    if design.vector:
        return 0.0
    size = np.abs(objective.eta(u)[name]) if design.linear else design.size_of_terms(objective.data, u[objective.slices[name]])
    return float(np.finfo(float).eps * np.median(size) / np.abs(design.output_basis).max())


def parameters_at_edges(objective: Objective, u: np.ndarray, hessian_point: Point | None) -> dict[str, str]:
    """Parameters without covariates at an edge of their domain, where the log-likelihood no longer depends on them.

    Names with "lower" or "upper"; `hessian_point` is the last point of the fit with a Hessian, or None.
    """
    others, shifted = list(objective.designs.items())[1:], objective.data.offset_names
    names = [name for name, design in others if design.columns is None and name not in shifted]
    scalar = [name for name in names if not objective.designs[name].vector]
    if hessian_point is None or objective.size > MAX_INVERTED_COORDINATES or "hessian" not in objective.available_derivatives:
        return _far_from_zero(objective, u, names)
    edges = _far_from_zero(objective, u, [name for name in names if name not in scalar])
    edges |= _diverging_to_edges(objective, u, scalar, hessian_point) if scalar else {}
    return edges | _far_from_zero_together(objective, u, [name for name in scalar if name not in edges])


def _diverging_to_edges(objective: Objective, u: np.ndarray, names: Any, hessian_point: Point) -> dict[str, str]:
    """Scalar parameters of large variance that a Newton step would still move far, without change of the log-likelihood.

    The other coordinates follow along the ridge, so that the result does not depend on the unit of y.
    """
    value = objective.value(u)
    index, edges = [objective.slices[name].start for name in names], {}
    hessian, unit_vectors = hessian_point.hessian, np.eye(objective.size)[:, index]
    _, ridges, fail = lapack.dposv(hessian, unit_vectors)
    if fail:
        values, vectors = np.linalg.eigh(np.nan_to_num(hessian))
        floor = 1e-14 * np.abs(values).max() + 1e-300
        ridges = vectors @ ((vectors.T @ unit_vectors) / np.maximum(values, floor)[:, None])
    for name, j, ridge in zip(names, index, ridges.T, strict=True):
        eta_per_unit = objective.designs[name].output_basis[0, 0]
        if ridge[j] * eta_per_unit**2 <= MIN_RUNAWAY_VARIANCE * objective.data.total_weight:
            continue
        link, eta = objective.likelihood.layout[name].link, u[j] * eta_per_unit
        bounded = np.isfinite([link.range.low, link.range.high]).any()  # else distances are relative to eta
        scale = eta_per_unit / (1.0 if bounded else max(1.0, abs(eta)))
        variance, step = ridge[j] * scale**2 / objective.data.total_weight, -(ridge @ hessian_point.gradient) * scale
        if not variance > MIN_RUNAWAY_VARIANCE:
            continue
        direction, reliable = ridge / ridge[j] / scale, variance < VARIANCE_OF_ROUNDING
        if reliable and abs(step) < MAX_STEP_AT_MAXIMUM:
            sign = _side_without_fall(objective, u, value, direction)
            if not sign and (edge := _limit_as_high(objective, u, value, name)):
                edges[name] = edge
                continue
        else:
            own = np.eye(objective.size)[j] * direction[j]  # where others diverge as well, their ridges may be mixed
            sign = flat_side(objective, u, value, direction) or flat_side(objective, u, value, own)
            sign = sign or (np.sign(step) if reliable and step else np.sign(eta))
        if not sign:
            continue
        if _differs(objective, value, u + sign * direction):
            continue
        edges[name] = _edge_towards(objective, name, eta, sign)
    return edges


def _far_from_zero_together(objective: Objective, u: np.ndarray, names: list[str]) -> dict[str, str]:
    """Scalar parameters far from zero, of which the log-likelihood only knows a combination with another one that is far too.

    Their Hessian is nearly singular, and all rounding error where the law loses digits next to its limit.
    """
    far, edges = dict[str, float](), dict[str, str]()
    for name, design in objective.designs.items():
        if design.linear and design.intercept and not design.vector:
            eta = u[objective.slices[name].start] * design.output_basis[0, 0]  # of the mean row
            far |= {name: eta} if abs(eta) >= ETA_NEAR_LIMIT else {}
    value = objective.value(u)
    for pair in combinations(far, 2):
        one_unit_back = u.copy()
        for name in pair:
            one_unit_back[objective.slices[name].start] -= np.sign(far[name]) / objective.designs[name].output_basis[0, 0]
        loss = objective.value(one_unit_back) - value
        if objective.data.total_weight * abs(loss) < MAX_LOSS_NEAR_LIMIT:
            edges |= {name: _edge_towards(objective, name, far[name], far[name]) for name in pair if name in names}
    return edges


def _limit_as_high(objective: Objective, u: np.ndarray, value: float, name: str) -> str:
    """The end of a parameter's domain at which the law's limit has a likelihood as high as `value`; empty if there is none.

    On a bent ridge towards a limit the derivatives look like those of a flat maximum.
    """
    for edge in ("lower", "upper"):
        admitted = admits_end(objective.likelihood, name, edge)
        held = with_held(objective, name, end_of(objective.likelihood, name, edge)) if admitted else None
        if held is None:
            continue
        start = np.delete(u, objective.slices[name])
        with np.errstate(all="ignore"):
            if held.evaluate(start, 0).finite:
                found = newton(held, start, tol=TOL_AT_LIMIT, max_iter=ITERATIONS_AT_LIMIT)
                if held.value(found.x) <= value + value_rounding(value):
                    return edge
    return ""


def _edge_towards(objective: Objective, name: str, eta: float, direction: float) -> str:
    """The edge of a parameter's domain to which its linear predictor leads from `eta` on, in the direction of a sign."""
    return "upper" if objective.likelihood.layout[name].link.inverse_derivatives(eta)[1] * direction > 0 else "lower"


def flat_side(objective: Objective, u: np.ndarray, value: float, direction: np.ndarray) -> float:
    """The sign of the side of a direction on which the log-likelihood is constant, if it falls on the other; else 0."""
    for length in (5.0, 20.0, 80.0, 320.0):
        ahead, back = (_differs(objective, value, u + sign * length * direction) for sign in (1, -1))
        if ahead or back:
            return float(back) - float(ahead)
    return 0.0


def _side_without_fall(objective: Objective, u: np.ndarray, value: float, direction: np.ndarray) -> float:
    """The sign of the side of a direction on which the log-likelihood nowhere falls, as far as it is finite; 0 at a maximum."""
    with np.errstate(all="ignore"):
        size = max(1.0, abs(value))
        for sign in (1.0, -1.0):
            next_to, near, *far = (objective.value(u + sign * length * direction) for length in (0.5, 5.0, 20.0, 80.0, 320.0))
            farther = [loss for loss in far if np.isfinite(loss)]
            if next_to <= value + value_rounding(value) and max([near, *farther]) <= value + MAX_ROUNDING_AT_EDGE * size:
                return sign
    return 0.0


def _differs(objective: Objective, value: float, v: np.ndarray) -> bool:
    """Whether the total log-likelihood at a flat vector differs from that of a `value` of the objective."""
    with np.errstate(all="ignore"):
        return not objective.data.total_weight * abs(objective.value(v) - value) < MIN_LOGLIK_DIFFERENCE


def _far_from_zero(objective: Objective, u: np.ndarray, names: Any) -> dict[str, str]:
    """Parameters with a linear predictor far from zero, on which the log-likelihood no longer depends.

    For vectors of which only differences count, such as logits, the distance is that from the largest entry.
    """
    edges = {}
    for name in names:
        design, place, link = objective.designs[name], objective.slices[name], objective.likelihood.layout[name].link
        intercept, slopes = design.expand(u[place])
        relative = len(intercept) > design.output_basis.shape[1]  # only differences of entries count
        for k, eta in enumerate(intercept):
            distance = eta - (intercept.max() if relative else 0.0)
            if abs(distance) < ETA_NEAR_LIMIT:
                continue
            moved, back = intercept.copy(), u.copy()
            bounded = relative or np.isfinite([link.range.low, link.range.high]).any()  # else distances are relative to eta
            moved[k] -= np.sign(distance) if bounded else distance / 2
            back[place] = design.coordinates(moved, slopes)
            if objective.data.total_weight * abs(objective.value(back) - objective.value(u)) < MAX_LOSS_NEAR_LIMIT:
                label = f"{name}[{objective.likelihood.layout[name].entries[k]!r}]" if design.vector else name
                edges[label] = _edge_towards(objective, name, eta, distance)
    return edges


def _gradient_norm(objective: Objective, u: np.ndarray, result: OptimizeResult) -> float:
    """Largest entry of the gradient, or of the smallest subgradient; that of a solver of ours is in its result."""
    for known in ("subgradient", "gradient_size"):
        if known in result:
            return float(result[known])
    return float(np.abs(objective.evaluate(u, 1).gradient).max(initial=0.0))


class _CallbackList:
    """A callback of solvers that calls others with the coordinates of each iteration."""

    def __init__(self, callbacks: list[Callable]) -> None:
        self.callbacks = callbacks

    def __call__(self, at: Any, *unused: Any) -> None:
        for on_step in self.callbacks:
            on_step(at.x if isinstance(at, OptimizeResult) else at)


class _ProgressPrinter:
    """Prints a line per iteration."""

    def __init__(self, objective: Objective) -> None:
        self.objective, self.count = objective, 0

    def __call__(self, u: np.ndarray) -> None:
        self.count += 1
        point = self.objective.evaluate(u, 1)
        norm = np.abs(point.gradient).max(initial=0.0)
        print(f"iteration {self.count:4d}   mean NLL {point.value:.10g}   largest gradient {norm:.2e}")
