"""The minimisers by name, the derivatives that they need, and the choice among them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import NamedTuple

from .._model.objective import Objective
from ..likelihoods._functions import has_kinks, title
from .curves import curves_of
from .newton import newton_method
from .vertex import vertex

MAX_NEWTON_COORDINATES = 600  # coordinates above which a Hessian costs more than the passes that it saves


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
