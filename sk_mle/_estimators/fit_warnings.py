"""Warnings after a fit: that there is no maximum, that the solver did not reach it, or that it is not unique."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from .._model.bias import JEFFREYS, MEAN, MEDIAN, has_reduction
from .._model.bounds import narrow_rows
from .._model.objective import Objective
from .._model.predictor import designs
from .._solvers.identification import plateaus
from .._solvers.methods import choose
from .._solvers.separation import separating_directions
from .._solvers.start import coordinates_of_coefficients
from .._utils.messages import rows_text, warn_caller
from ..exceptions import BoundaryWarning, ConvergenceWarning, IdentificationWarning, SeparationWarning
from ..likelihoods import Likelihood
from ..likelihoods._functions import (
    advice,
    at_edge,
    code,
    density_fault,
    has_kinks,
    is_degenerate,
    law_at_end,
    limit_parameters,
    modelled,
    n_starts,
    out_of_range,
    title,
    undeclared_kinks,
    values_to_hold,
)

if TYPE_CHECKING:
    from .._solvers.solvers import Solution

ROWS_OF_FIRST_LOOK = 5000  # which often suffice to rule out separation along the columns without terms
MAX_SHARE_OF_SLOPES = 0.5  # different slopes between kinks, of the number of rows
MAX_ROWS_OF_COLUMNS = 1 << 16  # rows in which a column is looked at
MIN_ROWS_PER_COEFFICIENT = 10  # below, a law with a shape may have no maximum for lack of rows
LENGTHS_TO_AN_END = np.geomspace(1e-10, 0.1, 10)  # in coordinates of unit curvature


def warn_about_fit(model: Any, objective: Objective, solution: Any, names: Any) -> None:
    """Warn if there is no maximum, if the solver did not reach it, or if coefficients are not identified.

    Parameters
    ----------
    model : estimator
        Whose `converged_` becomes False for separated data.
    objective : Objective
    solution : Solution
    names : ndarray of str or None
        Names of the columns of X.
    """
    law = title(model.likelihood_)
    _warn_ratio_without_penalty(model)
    if text := _cause_of_failure(model, objective, solution):
        model.converged_ = False
        warn_caller(text, ConvergenceWarning)
        return
    if solution.unbounded:
        reason = _unbounded_reason(law, objective, solution)
        warn_caller(f"The likelihood of {law} is unbounded{reason}", BoundaryWarning)
        return
    certified = solution.result.get("minimum_certified") and not solution.edges  # with an edge, for that parameter alone
    bounded = certified or model.fit_.penalty is not None  # a reduction of bias falls where the likelihood grows without end
    directions = {} if bounded else solution.result.get("recession") or separating_directions(objective, solution.u)
    directions |= _separated_without_terms(model, objective)
    unidentified = solution.result.get("unidentified", {})
    if solution.converged and not (unidentified or directions or solution.result.get("minimum_certified")):
        unidentified = plateaus(objective, solution.u)
    told = [name for name, free in unidentified.items() if _warn_unidentified(model, name, objective, free, names)]
    if directions:
        model.converged_ = False
        _warn_separated(model, objective, solution, names, directions, told)
    elif not solution.converged:
        warn_caller(
            f"{type(model).__name__} with {law} did not converge: after {solution.n_iter} iterations the largest gradient "
            f"of the mean negative log-likelihood is {solution.gradient_size:.1e}, above tol={model.tol:g}; "
            f"{_remedy(model, objective, solution)}.",
            ConvergenceWarning,
        )

    _warn_irregular_maximum(law, objective, solution)
    _warn_penalties(law, solution)
    _warn_bounds(model)
    _warn_constant_columns(model, objective, names)
    _warn_edges(model, objective, solution, directions)


def _warn_edges(model: Any, objective: Objective, solution: Solution, directions: dict) -> None:
    """Warn of parameters that ran to the edge of their domain, but for those of which separation is told."""
    law = title(model.likelihood_)
    at_edge_of = {name: edge for name, edge in solution.edges.items() if "[" not in name}
    explained = set().union(*(limit_parameters(model.likelihood_, name, edge) for name, edge in at_edge_of.items()))
    for name, edge in solution.edges.items():
        if name.split("[")[0] in directions or name in explained:
            continue
        if _is_unused(objective, name, solution.u):
            warn_caller(
                f"The likelihood of {law} does not depend on its parameter {name!r}: no value of it changes that of any row. "
                f"Fix it, Fixed({code(model.likelihood_)}, {{{name!r}: ...}}), or correct the law; n_params_ and the "
                "information criteria still count it.",
                IdentificationWarning,
            )
            continue
        limit = "" if "[" in name else law_at_end(model.likelihood_, name, edge)  # an entry of a vector has no limit of its own
        limit = f" ({limit})" if limit else ""
        advised = at_edge(model.likelihood_, name, edge, _fitted_y(objective), objective.eta(solution.u))
        warn_caller(
            f"{name} of {law} ran to the {edge} edge of its domain, where the likelihood no longer depends on it: the data "
            f"prefer the law's limit{limit}. {advised}; n_params_ and the information criteria still count it.",
            BoundaryWarning,
        )


def _warn_ratio_without_penalty(model: Any) -> None:
    """Warn if the share of the L1 penalty is given where there is no penalty."""
    given = getattr(model, "l1_ratio", None)
    if any(given.values() if isinstance(given, dict) else [given]) and not any(p.l1 for p in model.fit_.predictors.values()):
        warn_caller(
            f"l1_ratio={given!r} has no effect: it is a share of the penalty, whose size alpha is {model.alpha!r}. Make alpha "
            "positive for a parameter that has columns and an l1_ratio, or leave l1_ratio at 0.",
            UserWarning,
        )


def _is_unused(objective: Objective, name: str, u: np.ndarray) -> bool:
    """Whether other values of a parameter that is a number leave the log-likelihood of every row in memory as it is."""
    law, y, eta = objective.likelihood, _fitted_y(objective), objective.eta(u)
    if name not in law.layout or law.layout[name].vector:
        return False
    with np.errstate(all="ignore"):
        others = [law.layout[name].link.link(np.full(len(y), value)) for value in law.layout[name].domain.typical]
        values = [law.evaluate(y, {**eta, name: other}, 0).loglik for other in (eta[name], *others)]
    return all(np.array_equal(value, values[0]) for value in values)


def _cause_of_failure(model: Any, objective: Objective, solution: Solution) -> str:
    """A fault of the law, or of the unit of y, that explains any other verdict on a fit; "" where there is none."""
    failed, law = solution.unbounded or not solution.converged, model.likelihood_
    if failed and (text := density_fault(law)):
        return f"{text}. sk_mle.testing.check_likelihood says more."
    if (failed or solution.edges or solution.result.get("unidentified")) and (text := out_of_range(_fitted_y(objective))):
        return f"{type(model).__name__} with {title(law)} did not converge: {text}."
    return ""


def _separated_without_terms(model: Any, objective: Objective) -> dict:
    """Directions of separation of parameters with terms along the columns, and the intercept, that have no penalty.

    Rows that rule them out in a sample, where these columns are as independent as in all rows, rule them out in all.
    """
    fit, data, found = model.fit_, objective.data, {}
    sample = data.in_memory.subsample(ROWS_OF_FIRST_LOOK)
    for name, one in fit.predictors.items():
        if not one.terms:
            continue
        free = np.asarray(one.alpha) == 0
        direction, rank = _separated_along(model, objective.likelihood, name, free, sample)
        if sample.n_kept < data.n_kept and (direction is not None or rank < free.sum()):
            direction, _ = _separated_along(model, objective.likelihood, name, free, data)
        if direction is not None:
            intercept, slopes = direction
            every = np.zeros((len(free), slopes.shape[1]))
            every[free] = slopes
            found[name] = intercept, every
    return found


def _separated_along(model: Any, law: Any, name: str, free: np.ndarray, data: Any) -> tuple[Any, int]:
    """A direction of separation of some rows along the `free` columns of a parameter, or None, and the rank of these."""
    fit = model.fit_
    one = fit.predictors[name]
    plain = {**fit.predictors, name: replace(one, columns=one.columns[free], terms=(), alpha=0.0)}
    alphas = {other: predictor.alpha for other, predictor in plain.items() if predictor.penalised}
    without_terms = Objective(law, data, designs(plain, law, data, fit.coefs), alphas)
    u = coordinates_of_coefficients(without_terms, fit.coefs | {name: fit.coefs[name][..., free]}, fit.intercepts)
    design = without_terms.designs[name]
    direction = None if u is None else separating_directions(without_terms, u).get(name)
    return direction, design.shape[0] - design.intercept


def _warn_irregular_maximum(law: str, objective: Objective, solution: Solution) -> None:
    """Warn if the maximum is on the edge of the support or beside a likelihood without bound."""
    if solution.result.get("at_edge_of_support"):
        warn_caller(
            f"The maximum of the likelihood of {law} is on the edge of its support, which moves with the parameters: "
            f"it is held by {rows_text(_rows_at_an_end(objective, solution.u))} of y. Estimates there have no normal "
            "distribution, and no standard errors: take quantiles of fits of clones to rows that sklearn.utils.resample draws.",
            BoundaryWarning,
        )
    values = solution.result.get("values_without_bound", ())
    if len(values) and solution.converged:
        repeated = " or ".join(f"{value:g}" for value in values)
        warn_caller(
            f"The likelihood of {law} grows without end, too, as it shrinks onto {repeated}, which many rows of y repeat: the "
            "estimates are a maximum beside that. If the repeated value is a state of its own, model it apart; else choose a "
            "law without heavy tails, or fix the parameter that allows them, Fixed(law, {...}).",
            BoundaryWarning,
        )


def _warn_penalties(law: str, solution: Solution) -> None:
    """Warn if the penalties of terms did not settle."""
    if not solution.result.get("penalties_converged", True):
        warn_caller(
            f"The penalties of the terms of {law} did not settle: their criterion is flat, or terms stand for the same thing. "
            "Leave one of the terms out, or give alpha as a number.",
            ConvergenceWarning,
        )


def _remedy(model: Any, objective: Objective, solution: Solution) -> str:
    """Advice for a fit that did not converge, as the end of a sentence."""
    law = objective.likelihood
    if text := _advice_on_kinks(model, law):
        return text
    if solution.n_iter >= model.max_iter:
        return "increase max_iter"
    if model.fit_.penalty is not None and solution.result.get("unidentified"):
        return f"no row says what some coefficients are (named below), and penalty={model.fit_.penalty!r} alone drives them off"
    if model.fit_.penalty in (MEAN, MEDIAN):
        return (
            f"the score that penalty={model.fit_.penalty!r} adjusts does not fall to zero near here, as where all y are equal: "
            f"penalty={JEFFREYS!r} has a maximum in more cases"
        )
    if choose(model.solver, objective) != choose("auto", objective):
        return "use solver='auto'"
    leaving = [name for name in objective.designs if not law.layout[name].stays_inside]
    if solution.result.get("stalled") and leaving:
        return f"steps end at the edge of the domain of {', '.join(leaving)}: choose a link that stays inside"
    if not leaving and len(rows := _rows_at_an_end(objective, solution.u)):
        return (
            f"it ends where {rows_text(rows)} of y would leave the support of {title(law)}, whose end moves with the "
            "parameters: the maximum may lie on that edge, where the gradient does not vanish. Take the estimates as "
            "approximate, or choose a law whose support does not move"
        )
    if text := _undeclared_kinks(objective, solution.u) or _advice_on_few_rows(model, objective):
        return text
    if not solution.result.get("stalled"):
        return "rescale extreme values, use fewer columns, or a link that stays inside the parameter's domain"
    return "steps along a ridge or from a kink hardly raise the likelihood: choose another law, or one of fewer parameters"


def _advice_on_kinks(model: Any, law: Likelihood) -> str:
    """Advice where declared kinks of the likelihood end a fit; "" where there are none, or the solver knows them."""
    if has_kinks(law) and model.solver not in ("auto", "vertex"):
        return f"the likelihood of {title(law)} has kinks: use solver='auto'"
    if has_kinks(law) and law.smooth:
        return f"the law inside {title(law)} has kinks: put a smooth one there, or take the estimates as approximate"
    return ""


def _advice_on_few_rows(model: Any, objective: Objective) -> str:
    """Advice where rows are too few for a shape beside the other coefficients; "" where they are not, or there is none."""
    shape = next((name for name in values_to_hold(objective.likelihood) if name in objective.designs), "")
    if not shape or objective.data.n_kept >= MIN_ROWS_PER_COEFFICIENT * objective.size:
        return ""
    return (
        f"{objective.data.n_kept} rows hardly tell {shape!r} beside the other coefficients: fix it, "
        f"Fixed({code(model.likelihood_)}, {{{shape!r}: ...}}), or take more rows or fewer columns"
    )


def _undeclared_kinks(objective: Objective, u: np.ndarray) -> str:
    """Which declaration is missing where the likelihood has kinks that its law does not declare, or ""."""
    law, first = objective.likelihood, next(iter(objective.designs))
    with np.errstate(all="ignore"):
        result = law.evaluate(_fitted_y(objective), objective.eta(u), 2)
        score = result.gradient[first]
        slopes = np.unique(np.round(score / np.abs(score).max(), 9))
    # a curved log-likelihood has another slope in every row, also far from its maximum, where they dwarf the curvature
    return undeclared_kinks(law, first, result) if len(slopes) < MAX_SHARE_OF_SLOPES * len(score) else ""


def _rows_at_an_end(objective: Objective, u: np.ndarray) -> np.ndarray:
    """The rows in memory whose density vanishes a small step further along the gradient."""
    step, in_memory = -objective.evaluate(u, 1).gradient, objective.data.in_memory
    kept = np.flatnonzero(in_memory.weight > 0)
    rows = np.empty(0, np.intp)
    with np.errstate(all="ignore"):
        step /= np.abs(step).max(initial=0.0)
        for length in LENGTHS_TO_AN_END if np.isfinite(step).all() else ():
            loglik = objective.likelihood.evaluate(in_memory.y[kept], objective.eta(u + length * step), 0).loglik
            if len(rows := kept[np.isneginf(loglik)]):
                break
    return rows


def _unbounded_reason(law: str, objective: Objective, solution: Solution) -> str:
    """The rows at which a density grows without end, and advice, as the end of a sentence."""
    if n_starts(objective.likelihood) > 1 and solution.result.fun > objective.density_rows.floor:
        rows = narrow_rows(objective, solution.u)
        values = f"y ({rows_text(rows)})" if len(rows) else "y"
        return (
            f": from {n_starts(objective.likelihood)} starts a part of the law shrank onto single values of {values}, "
            "where its density grows without end. The estimates mean nothing. Use fewer parts, fix the parameter that gives "
            "them their width or let them share it, or raise n_starts; rows that repeat one value are best modelled apart."
        )
    if (text := advice(objective.likelihood, "is_degenerate")) and _is_degenerate(objective, solution.u):
        return f" here: {text}."
    first, *others = objective.designs
    rows, reproduced, other_rows = objective.density_rows.index, "y", ""
    if len(narrow := narrow_rows(objective, solution.u)):
        rows = narrow
    if objective.density_rows.weight_share and len(rows) < objective.data.n_kept:
        reproduced, other_rows = f"y in {rows_text(rows)}", ", and the other rows do not hold it back"
    remedy = "Fix" if objective.designs[first].columns is None else "Use fewer columns, a penalty (alpha), or fix"
    if first in objective.penalties:
        remedy = "No penalty holds it back: use fewer columns, or fix"
    call = f": Fixed({law}(...), {{{others[0]!r}: ...}})" if others else ""
    shapes = [name for name in others if name in values_to_hold(objective.likelihood)]
    if other_rows and shapes:  # with lighter tails the other rows may hold it back
        call += f"; or fix {shapes[0]!r} at a value of lighter tails, {{{shapes[0]!r}: ...}}"
    return (
        f" here: the model reproduces {reproduced} to rounding, so its density grows without end{other_rows}. The coefficients "
        f"of {first!r} are the exact fit; the other parameters and the log-likelihood mean nothing. {remedy} the scale{call}."
    )


def _fitted_y(objective: Objective) -> np.ndarray:
    """y of the rows in memory that have weight."""
    in_memory = objective.data.in_memory
    return in_memory.y[in_memory.weight > 0]


def _is_degenerate(objective: Objective, u: np.ndarray) -> bool:
    """Whether the law has a test of degeneracy, and it holds at u."""
    with np.errstate(all="ignore"):
        law = objective.likelihood
        return is_degenerate(law, _fitted_y(objective), law.layout.theta(objective.eta(u)))


def _labels(columns: np.ndarray, names: Any) -> list:
    """Names of columns, or their indices if they have none."""
    return [int(j) if names is None else str(names[j]) for j in columns]


def _listed(columns: list) -> str:
    """Up to ten columns as the text "column 'a'" or "columns 'a', 'b', ..."."""
    shown = ", ".join(map(repr, columns[:10])) + (", ..." if len(columns) > 10 else "")
    return f"column{'s' * (len(columns) > 1)} {shown}"


def _warn_separated(
    model: Any, objective: Objective, solution: Solution, names: Any, directions: dict, unidentified: list[str]
) -> None:
    """Warn of parameters whose likelihood grows without end along columns, or the intercept if there are none.

    Columns that the parameters `unidentified` do not tell are to be left out of these first.
    """
    for name, direction in directions.items():
        label = name + _entries_of(objective, name, direction)
        columns = _columns_of(model, name, direction, objective)
        along = _listed(_labels(columns, names)) if len(columns) else "the intercept"
        remedy = _of_intercept(model, name, objective, solution.u)
        if len(columns):
            remedy = _of_columns(model, name, _left_out(model, name, direction, objective, names))
        if unidentified:
            others, then = " and ".join(map(repr, unidentified)), remedy[0].lower() + remedy[1:]
            remedy = f"First leave the column out of {others}, as the warning before this one says. Then {then}"
        warn_caller(
            f"The data are separated: along {along} the likelihood of {title(model.likelihood_)} grows without end in its "
            f"parameter {label!r}, so no finite maximum exists. The coefficients stopped where the gradient fell below tol; "
            f"predictions there are at the edge of their range. {remedy}.",
            SeparationWarning,
        )


def _left_out(model: Any, name: str, direction: tuple[np.ndarray, np.ndarray], objective: Objective, names: Any) -> str:
    """What to drop or merge where data are separated: columns, or the category that is their common zero."""
    columns = _columns_of(model, name, direction, objective)
    X = _first_rows(objective, columns)
    slopes = direction[1][np.searchsorted(model.fit_.predictors[name].columns, columns)]
    change = np.abs(np.ravel(direction[0])[None] * objective.designs[name].intercept + X @ slopes).max(axis=1)
    moved = change > 1e-6 * change.max(initial=0.0)
    zero = columns[(X[moved] == 0).all(axis=0)]
    if len(zero) and not moved.all() and ((X[:, np.isin(columns, zero)] == 0).all(axis=1) == moved).all():
        listed = _listed(_labels(zero, names))
        return f"drop the rows in which {listed} {'are' if len(zero) > 1 else 'is'} 0, or merge their category with another"
    return "drop or merge these columns"


def _of_columns(model: Any, name: str, left_out: str) -> str:
    """What to do where columns separate the data; `left_out` is what to drop or merge."""
    if model.fit_.predictors[name].terms:
        return f"Name these columns in a term Ridge([...]) of penalties, or {left_out}"
    alpha = "alpha > 0" if name in modelled(model.likelihood_) else f"alpha={{{name!r}: 0.01}}, say"
    reduced = has_reduction(model.likelihood_)
    jeffreys = "Use penalty='jeffreys', whose estimates are finite and have inference; or" if reduced else "Use"
    inference = "" if reduced else ": for inference, which refuses alpha"
    return f"{jeffreys} a penalty ({alpha}), or {left_out}{inference}"


def _of_intercept(model: Any, name: str, objective: Objective, u: np.ndarray) -> str:
    """What to do where the constant of a parameter alone grows without end: y does not tell it."""
    law, y = model.likelihood_, _fitted_y(objective)
    values = np.unique(y[:, 0] if y.ndim == 2 and (y[:, 0] == y[:, 1]).all() else y, axis=0)
    if law.target_type == "classes":
        return "A class may have rows of weight zero alone: leave them out"
    if len(values) == 1 or len(law.layout.free) == 1:
        return "In that limit every y is certain, so that nothing is left to estimate: fit to rows with other values of y too"
    if len(values) == 2 and values.ndim == 1:
        listed = " and ".join(f"{value:g}" for value in values)
        return f"y takes the values {listed} alone, and is the label of two classes: MLEClassifier() models all that it tells"
    if law.layout[name].vector:
        return "Leave this part of the law out"
    held, domain = float(np.median(law.layout.theta(objective.eta(u))[name])), law.layout[name].domain
    if text := advice(law, f"{name} {'lower' if held < domain.typical[0] else 'upper'}"):
        return text
    return f"Hold it where it is, Fixed({code(law)}, {{{name!r}: {held!r}}}), or choose the simpler law that it becomes there"


def _warn_unidentified(model: Any, name: str, objective: Objective, free: Any, names: Any) -> bool:
    """Warn of coefficients on which the likelihood does not depend; linearly dependent columns give no warning.

    Whether columns were named.
    """
    if not objective.designs[name].linear:
        _warn_flat_curve(model, name, objective, free)
        return False
    directions = [objective.designs[name].coefficients(direction) for direction in free.T]
    moved = np.concatenate([_columns_of(model, name, direction, objective) for direction in directions])
    columns = _labels(np.array(list(dict.fromkeys(moved.tolist())), int), names)
    if not columns:
        return False
    warn_caller(
        f"The likelihood of {title(model.likelihood_)} does not depend on {_listed(columns)} in its "
        f"parameter {name!r}: no row says what the coefficient is (where all rows of a category are zeros, say, of which that "
        "part of the law sees none). Any other value would be as good, but predictions of such rows depend on it. Leave the "
        f"column out by predictors={{{name!r}: [the others]}}, or use a penalty (alpha={{{name!r}: 0.01}}, say).",
        IdentificationWarning,
    )
    return True


def _warn_constant_columns(model: Any, objective: Objective, names: Any) -> None:
    """Warn of constant columns, whose coefficients are zero, where a bound holds the intercept that they could make up for."""
    for name, design in objective.designs.items():
        if f"{name}:intercept" not in model.fit_.at_bounds or design.columns is None or not design.linear:
            continue
        columns, first = model.fit_.predictors[name].columns, objective.data.in_memory.X[:1]
        value = np.ravel(first.toarray() if sparse.issparse(first) else first)[columns]
        constant = columns[(value != 0) & ~design.original_matrix()[1:].any(axis=1)]
        if len(constant):
            listed = _listed(_labels(constant, names))
            warn_caller(
                f"The coefficient of {listed} is zero, as there is one value in all rows, although the intercept of {name!r} "
                "is held at its bound, which that coefficient could make up for: leave the column out, or the bound.",
                IdentificationWarning,
            )


def _warn_flat_curve(model: Any, name: str, objective: Objective, free: Any) -> None:
    """Warn of coefficients of a curve that can change without changing it."""
    design: Any = objective.designs[name]  # of a curve
    scale = design.coefficient_scales(objective.data.in_memory.X[: 1 << 14])
    moved = np.stack([design.change(direction) for direction in free.T], axis=1)
    change = np.abs(moved).max(axis=1) * np.where(scale > 0, scale, 1.0)
    labels = [label for label, c in zip(design.curve.labels, change, strict=True) if c > 1e-6 * change.max()]
    many, listed = len(labels) > 1, ", ".join(map(repr, labels))
    what = f"does not tell {listed}, in the curve of" if many else f"does not depend on {listed} in the curve of"
    warn_caller(
        f"The likelihood of {title(model.likelihood_)} {what} {name!r}{' apart' * many}: other values would be as good. Fix "
        f"{'one of them' if many else 'it'}, by fixed={{{labels[0]!r}: ...}}, or use a simpler curve.",
        IdentificationWarning,
    )


def _warn_bounds(model: Any) -> None:
    """Warn of coefficients of curves whose maximum lies beyond their bounds."""
    for name, predictor in model.fit_.predictors.items():
        on_bounds = predictor.curve.on_bounds(model.fit_.coefs[name]) if predictor.curve is not None else {}
        if on_bounds:
            listed = ", ".join(f"{label!r} at {bound:g}" for label, bound in on_bounds.items())
            warn_caller(
                f"The curve of {name!r} has coefficients on their bounds, {listed}: the likelihood rises beyond. They do not "
                f"count in n_params_; for inference fix them there, by fixed={on_bounds}, or move the bounds.",
                BoundaryWarning,
            )


def _entries_of(objective: Objective, name: str, direction: tuple[np.ndarray, np.ndarray]) -> str:
    """The entries of a vector parameter that change along a direction, as text; "" if all do."""
    change = np.abs(np.vstack(direction)).max(axis=0)
    changed = change > 1e-6 * change.max()
    if changed.all() or not objective.designs[name].vector:
        return ""
    return str([entry for entry, c in zip(objective.likelihood.layout[name].entries, changed, strict=True) if c])


def _columns_of(model: Any, name: str, direction: tuple[np.ndarray, np.ndarray], objective: Objective) -> np.ndarray:
    """Indices of the columns whose part of the linear predictor changes along a direction of the coefficients."""
    design = objective.designs[name]
    if design.columns is None:
        return np.empty(0, int)
    columns = model.fit_.predictors[name].columns
    change = np.abs(direction[1]).max(axis=1) * _first_rows(objective, columns).std(axis=0)
    intercept = np.abs(direction[0]).max() if design.intercept else 0.0
    return columns[change > 1e-6 * max(change.max(initial=0.0), intercept)]


def _first_rows(objective: Objective, columns: np.ndarray) -> np.ndarray:
    """Some columns of the first rows of X in memory, dense."""
    X = objective.data.in_memory.X[:MAX_ROWS_OF_COLUMNS, columns]
    return np.asarray(X.toarray() if sparse.issparse(X) else X)
