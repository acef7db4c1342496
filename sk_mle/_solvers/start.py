"""Where a fit begins: the law's own start, one exact step for the first parameter, and coordinates of unit curvature.

In rotated coordinates the information of every parameter is a multiple of the identity while its linear predictor is
constant. So the first scoring step needs no Hessian: for least squares it is already the solution.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError
from scipy.sparse import issparse

from .._model.objective import Objective
from .._utils.repeated import repeated
from ..domains import REAL
from ..likelihoods._fallbacks.facts import resolved, title
from ..likelihoods._protocol.authors import searched, started
from .interpolation import certainty, interpolation
from .newton import newton
from .preconditioners import Identity, SubsampledHessian, Woodbury, resembles
from .units import constant, converted, eased, information, seen, with_units

MIN_ENTRIES_FOR_SUBSAMPLE = 200_000  # entries of X from which a fit to some of the rows comes first
MAX_ENTRIES_FOR_HESSIAN = 1_000_000  # and up to which it ends with a Hessian of all, for the last digits
MAX_SUBSAMPLE_ROWS, MIN_SUBSAMPLE_ROWS_PER_COORDINATE = 1 << 15, 25  # rows of that part, at most, and at least per coordinate
# Coordinates up to which a Hessian costs little more than a gradient; is worth its cost at all.
MAX_COORDINATES_OF_CHEAP_HESSIAN, MAX_COORDINATES_OF_HESSIAN = 100, 600
ROWS_OF_FIRST_LOOK = 64  # rows that show whether a loss is quadratic
MAX_DENSE_COORDINATES = 3100  # up to which it may be fallen back on
SUBSAMPLE_TOL, SUBSAMPLE_ITERATIONS = 1e-5, 30  # that fit's tolerance, and its iterations
# Gradient up to which an earlier fit is a good start; beyond, as after a change of units, another may be better.
MAX_WARM_START_GRADIENT = 0.1
MAX_START_GRADIENT = 10.0  # in a constant, of unit curvature, from which the start of a law is none for some rows
MAX_NEWTON_DECREMENT = 1.0  # gain in the mean log-likelihood that all rows may still promise where it ends


def begin(objective: Objective) -> tuple[Objective, np.ndarray]:
    """The objective in coordinates of unit curvature, and a starting vector."""
    return _from_part(objective) or _from_all(objective)


def _from_part(objective):
    """Both from a fit to some of the rows, with the curvature there; None where rows are few or that part tells too little."""
    data, n = objective.data, objective.data.n_kept
    most = max(min(n // 20, MAX_SUBSAMPLE_ROWS), MIN_SUBSAMPLE_ROWS_PER_COORDINATE * objective.size)
    few = n * data.n_features < MIN_ENTRIES_FOR_SUBSAMPLE or 4 * most > n or _quadratic(objective)
    if (
        few
        or objective.size > MAX_COORDINATES_OF_HESSIAN
        or not objective.likelihood.smooth
        or objective.likelihood.n_starts > 1
    ):
        return None
    part = Objective(objective.likelihood, data.thinned(most), objective.designs, objective.alpha)
    if not resembles(part.data, part.designs):
        return None
    try:
        part, u = begin(part)
    except ValueError:
        return None
    with np.errstate(all="ignore"):
        found = newton(part, u, tol=SUBSAMPLE_TOL, max_iter=SUBSAMPLE_ITERATIONS)
        whole = objective.like(designs=part.designs)
        point = whole.evaluate(found.x, 1)
    try:
        known = SubsampledHessian(part, found.x, n * data.n_features < MAX_ENTRIES_FOR_HESSIAN, found.minimum_certified)
        promised = known.solve(point.gradient) @ point.gradient
    except (LinAlgError, ValueError):  # not positive definite, or not finite
        return None
    return (whole.preconditioned(known), found.x) if np.isfinite(point.value) and promised < MAX_NEWTON_DECREMENT else None


def _from_all(objective):
    law, data = objective.likelihood, objective.data
    keep = data.weight > 0 if data.has_zero_weight else slice(None)
    y, weight = data.y[keep], data.weight[keep]
    known = {name: data.offset[name][keep] for name in law.known}
    means = {name: float(np.average(value, weights=weight)) for name, value in known.items()}
    at_means = law.fix(means) if known else law
    quadratic = _known(objective)  # then the first step leads to the solution from anywhere, also from a start by some rows
    some = slice(None, None, len(y) // MAX_SUBSAMPLE_ROWS + 1 if quadratic else 1)
    begun = _placed(objective, started(at_means, y[some], weight[some]), y, weight, known)
    if _far_off(*begun) and (values := searched(at_means, y, weight)):
        begun = min(begun, _placed(objective, values, y, weight, known), key=lambda one: one[0].value(one[1]))
    objective, u = begun
    if not np.isfinite(objective.value(u)):
        _explain(objective, u, y)
    exact = interpolation(objective, u, y, keep)
    if exact is not None and law.support.integer and (exact := certainty(objective, exact)) is not None:
        return objective, exact
    u = u if exact is None else exact
    objective, u = _first_step(objective, u, y, weight, quadratic)
    return _informed(objective, u), u


def _placed(objective, values, y, weight, known) -> tuple[Objective, np.ndarray]:
    """The objective in units of the information at constant parameters, and the vector of these.

    y, weight and known columns are of rows that count.
    """
    law, data, eta = objective.likelihood, objective.data, dict(known)
    for name in objective.designs:
        link = law.parameter(name).link
        if not np.all(link.range.contains(values[name])):
            raise ValueError(
                f"the link {link} of {name} reaches only {link.range}, but y suggests {name} = "
                f"{np.ravel(values[name])[0]:.4g}; choose another link, or rescale y"
            )
        value = link.link(np.asarray(values[name], dtype=float))
        eta[name] = np.broadcast_to(value, (len(y), *value.shape))
    same = law.expected_information == "whole" and not known  # in all rows, as the predictors are
    one = slice(1 if same else None)
    there = information(law, y[one], weight[one], {name: value[one] for name, value in eta.items()})
    objective = eased(with_units(objective, there))
    u = np.zeros(objective.size)
    for name, design in objective.designs.items():
        offset = data.offset[name][data.weight > 0] if name in data.offset else None
        shift = 0.0 if offset is None else np.average(offset, weights=weight)
        u[objective.places[name]] = constant(data, design, eta[name][0] - shift)
    return objective, u


def _far_off(objective, u) -> bool:
    """Whether the law's own start is none: the log-likelihood is not finite there, or far from level in a constant."""
    point = objective.evaluate(u, 1)
    constants = [objective.places[name].start for name, design in objective.designs.items() if design.intercept]
    return not (np.isfinite(point.value) and np.abs(point.gradient[constants]).max(initial=0.0) <= MAX_START_GRADIENT)


def _informed(objective, u) -> Objective:
    """With what is known about the curvature of many coordinates, whose Hessian costs many gradients."""
    name, design = next(iter(objective.designs.items()))
    columns, X = design.columns, objective.data.X
    plain = columns is not None and design.slopes.ndim == 1 and columns.rotation is None and design.unit.size == 1
    if "hessian" not in objective.offers:
        return objective
    if plain and name in objective.penalties and len(design.slopes) > X.shape[0] and not issparse(X):
        return objective.preconditioned(Woodbury(objective, u))
    elif (
        X.shape[0] * X.shape[1] >= MIN_ENTRIES_FOR_SUBSAMPLE
        and MAX_COORDINATES_OF_CHEAP_HESSIAN < objective.size <= MAX_DENSE_COORDINATES
    ) or _known(objective):
        return objective.preconditioned(Identity(objective.size))
    return objective


def _known(objective) -> bool:
    """Whether rows are many, and the Hessian is known without a pass over them."""
    return objective.data.X.shape[0] * objective.data.X.shape[1] >= MIN_ENTRIES_FOR_SUBSAMPLE and _quadratic(objective)


def _quadratic(objective) -> bool:
    """Whether the loss is quadratic in the first linear predictor while the others are constants: the Hessian is then known."""
    name, design = next(iter(objective.designs.items()))
    rest = [other.columns is not None for other in objective.designs.values()][1:]
    y, law = objective.data.y[:ROWS_OF_FIRST_LOOK], objective.likelihood
    if design.columns is None or design.vector or any(rest) or y.ndim > 1 or law.known or not law.smooth:
        return False
    parameters = {other: law.parameter(other) for other in objective.designs}
    typical = {other: said.link.link(np.mean(said.domain.typical)) for other, said in parameters.items()}
    eta = {other: np.full(len(y), value) for other, value in typical.items()} | {name: np.linspace(-1.0, 1.0, len(y))}
    curvature = law.evaluate(y, eta, 2).information.get((name, name), np.zeros(1))
    return bool(curvature[0] > 0 and (curvature == curvature[0]).all() and np.isfinite(curvature[0]))


def locate(objective: Objective, coefs: dict, intercepts: dict) -> np.ndarray | None:
    """Coordinates of coefficients and intercepts; None where they belong to another model."""
    if list(coefs) != list(objective.designs):
        return None
    u = np.zeros(objective.size)
    for name, design in objective.designs.items():
        slopes, start = np.atleast_2d(coefs[name]).T, np.atleast_1d(intercepts[name])
        width = 0 if design.columns is None else len(np.arange(objective.data.n_features)[design.columns.index])
        if slopes.shape != (width, len(design.unit)):
            return None
        u[objective.places[name]] = design.coordinates(start, slopes)
    return u


def resume(objective: Objective, coefs: dict, intercepts: dict) -> tuple[Objective, np.ndarray]:
    """The objective and a starting vector at the coefficients of an earlier fit, unless a start without them is better."""
    warm = _resumed(objective, coefs, intercepts)
    if warm is None:
        return begin(objective)
    point = warm[0].evaluate(warm[1], 1)
    if np.abs(point.gradient).max(initial=0.0) <= MAX_WARM_START_GRADIENT:
        return warm
    cold = begin(objective)
    return warm if point.value <= cold[0].value(cold[1]) else cold


def _resumed(objective, coefs, intercepts):
    """Objective and vector at these coefficients; None where they belong to another model, or no step is known from them."""
    data, u = objective.data, locate(objective, coefs, intercepts)
    if u is None or not np.isfinite(objective.value(u)):
        return None
    keep = data.weight > 0
    finer = with_units(objective, information(objective.likelihood, data.y[keep], data.weight[keep], objective.eta(u)))
    flat = any(
        d.columns is None and d.unit.max() > 1e4 and objective.likelihood.parameter(n).link.range != REAL
        for n, d in finer.designs.items()
    )
    v = converted(objective, finer, u)
    return None if flat or not finer.evaluate(v, 1).finite else (_informed(finer, v), v)


def _first_step(objective, u, y, weight, quadratic) -> tuple[Objective, np.ndarray]:
    """A scoring step for the first parameter, whose Hessian is close to the identity, and what it means for the others."""
    name, design = next(iter(objective.designs.items()))
    place, point, step = objective.places[name], objective.evaluate(u, 1), np.zeros_like(u)
    if design.columns is not None:
        step[place] = -point.gradient[place]
    steps = [length * step for length in ((1.0, 0.25, 0.05, 0.0) if step.any() else (0.0,))]
    # what the solver asks for where it begins
    order = 2 if objective.size <= MAX_COORDINATES_OF_CHEAP_HESSIAN and "hessian" in objective.offers and not quadratic else 1
    if len(objective.designs) > 1:
        return _with_others(objective, u, steps, y, weight, order, slice(1 if quadratic else None))
    return objective, next((u + step for step in steps if _better(objective, u + step, order, point.value)), u)


def _better(objective, u, order, value) -> bool:
    """Whether the value falls there, and a step is known from there."""
    point = objective.evaluate(u, order, "expected")
    return point.finite and point.value < value


def _with_others(objective, u, steps, y, weight, order, some):
    """A step together with the other parameters' best constants after it, and unit curvature there."""
    law, before = objective.likelihood, objective.value(u)
    for step in steps:
        v, eta = _refined(objective, u + step, y, weight)
        if _better(objective, v, order, before):
            break
    else:
        v, eta = u, objective.eta(u)
    if law.is_degenerate is not None and law.is_degenerate(y, **law.theta(eta)):
        return objective, v
    point = objective.evaluate(v, order, "expected")
    if order == 2:
        means = seen(objective, point.hessian)
    else:
        means = information(law, y[some], weight[some], {name: value[some] for name, value in eta.items()})
    finer = with_units(objective, means)
    return finer, converted(objective, finer, v, point, "expected")


def _refined(objective, u, y, weight) -> tuple[np.ndarray, dict]:
    """The other parameters' best constants given the first, with the first's own shift, and the linear predictors there."""
    law, first, eta = objective.likelihood, next(iter(objective.designs)), objective.eta(u)
    if law.known or first != next(iter(law.parameters)):
        return u, eta
    v, moved = u.copy(), dict(eta)
    with np.errstate(all="ignore"):
        better = law.refine(y, weight, **law.theta(eta))
    for name in better.keys() & {first, *objective.designs.keys() - objective.data.offset.keys()}:
        design, place = objective.designs[name], objective.places[name]
        value = law.parameter(name).link.link(np.asarray(better[name], dtype=float))
        if name == first:  # a shift of its linear predictor
            value = np.average(value - eta[name], axis=0, weights=weight)
            v[place] += constant(objective.data, design, value)
            moved[name] = eta[name] + value
        else:
            v[place] = constant(objective.data, design, value)
            moved[name] = repeated(value, len(y))
    plain = all(objective.designs[name].intercept for name in better if name in objective.designs)
    return v, moved if plain else objective.eta(v)


def _explain(objective, u, y):
    """Raise for a log-likelihood that is not finite at the start, in terms of the law and the rows."""
    law = objective.likelihood
    loglik = law.evaluate(y, objective.eta(u), 0).loglik
    rows = np.flatnonzero(~np.isfinite(loglik))
    advice = (
        "Check that loglik returns finite values for every y in its support, or give the law a start(y, sample_weight) method."
    )
    if type(resolved(law)).__module__.startswith(__package__.partition(".")[0] + "."):  # no law of the user's own
        advice = "These rows are far from the others: look at their y, and leave parameters that are fixed to be estimated."
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    raise ValueError(
        f"{title(law)}.loglik is not finite at the starting values for {len(rows)} of {len(y)} rows "
        f"(rows {shown}; the first value is {loglik[rows[0]] if len(rows) else 'inf'}). {advice}"
    )
