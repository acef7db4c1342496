"""What a fit tells its user: a warning where there is no maximum, or where the solver did not reach it."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse

from .._model.bounds import narrow_rows
from .._solvers.identification import plateaus
from .._solvers.separation import separating_directions
from .._solvers.solvers import choose
from .._utils.messages import rows_text
from ..exceptions import BoundaryWarning, ConvergenceWarning, IdentificationWarning, SeparationWarning
from ..likelihoods._fallbacks.facts import modelled, title
from ..likelihoods._protocol.authors import doubt
from ..likelihoods._protocol.edges import at_edge
from ..likelihoods._protocol.relations import at_end


def tell(model, objective, solution, names) -> None:
    """Warn in words where there is no maximum, or where the solver did not reach it."""
    law = title(model.likelihood_)
    if (solution.unbounded or not solution.converged) and (said := doubt(model.likelihood_)):
        warnings.warn(f"{said}.", ConvergenceWarning, stacklevel=5)
        return
    if solution.unbounded:
        warnings.warn(f"The likelihood of {law} is unbounded{_why(law, objective, solution)}", BoundaryWarning, stacklevel=5)
        return
    directions = {} if solution.result.get("minimum_certified") else separating_directions(objective, solution.u)
    if directions:
        model.converged_ = False
        for name, direction in directions.items():
            label = name + _entries_of(objective, name, direction)
            _tell_separation(model, name, label, _columns_of(model, name, direction, objective, names))
    elif not solution.converged:
        warnings.warn(
            f"{type(model).__name__} with {law} did not converge: after {solution.n_iter} iterations the largest gradient "
            f"of the mean negative log-likelihood is {solution.gradient_size:.1e}, above tol={model.tol:g}; "
            f"{_remedy(model, objective, solution)}.",
            ConvergenceWarning,
            stacklevel=5,
        )

    silent = solution.result.get("unidentified", {})
    if solution.converged and not (silent or directions or solution.result.get("minimum_certified")):
        silent = plateaus(objective, solution.u)
    for name, free in silent.items():
        _tell_unidentified(model, name, objective, free, names)

    for name, edge in solution.edges.items():
        if name.split("[")[0] in directions:
            continue
        there = "" if "[" in name else at_end(model.likelihood_, name, edge)  # an entry of a vector has no limit of its own
        limit = f" ({there})" if there else ""
        warnings.warn(
            f"{name} of {law} ran to the {edge} edge of its domain, where the likelihood no longer depends on it: the data "
            f"prefer the law's limit{limit}. {at_edge(model.likelihood_, name, edge)}; n_params_ and the information criteria "
            "still count it.",
            BoundaryWarning,
            stacklevel=5,
        )


def _remedy(model, objective, solution) -> str:
    """What to do about a fit that did not converge."""
    law = objective.likelihood
    if law.smooth and not all(child.law.smooth for child in law.children):
        rough = "put a smooth one there, or read this as rough"
        return f"the law inside {title(law)} has kinks, which no solver here resolves: {rough}"
    if not law.smooth and model.solver not in ("auto", "vertex"):
        return f"the likelihood of {title(law)} has kinks: use solver='auto'"
    if solution.n_iter >= model.max_iter:
        return "increase max_iter"
    if choose(model.solver, objective) != choose("auto", objective):
        return "use solver='auto'"
    if not solution.result.get("stalled"):
        return "rescale extreme values, use fewer columns, or a link that stays inside the parameter's domain"
    leaving = [name for name in objective.designs if not law.parameter(name).stays_inside]
    if leaving:
        return f"steps end at the edge of the domain of {', '.join(leaving)}: choose a link that stays inside"
    return "steps along a ridge or from a kink hardly raise the likelihood: choose another law, or one of fewer parameters"


def _why(law, objective, solution) -> str:
    """Where a density grows without end, and what to do."""
    if objective.likelihood.n_starts > 1 and solution.result.fun > objective.density_rows.floor:
        where = narrow_rows(objective, solution.u)
        values = f"y ({rows_text(where)})" if len(where) else "y"
        return (
            f": from {objective.likelihood.n_starts} starts a part of the law shrank onto single values of {values}, "
            "where its density grows without end. The estimates mean nothing. Use fewer parts, fix the parameter that gives "
            "them their width or let them share it, or raise n_starts; rows that repeat one value are best modelled apart."
        )
    if (said := objective.likelihood.advice.get("is_degenerate")) and _is_degenerate(objective, solution.u):
        return f" here: {said}."
    first, *others = objective.designs
    rows, what, beside = objective.density_rows.index, "y", ""
    if len(narrow := narrow_rows(objective, solution.u)):
        rows = narrow
    if objective.density_rows.weight_share and len(rows) < objective.data.n_kept:
        what, beside = f"y in {rows_text(rows)}", ", and the other rows do not hold it back"
    remedy = "Fix" if objective.designs[first].columns is None else "Use fewer columns, a penalty (alpha), or fix"
    how = f": Fixed({law}(...), {{{others[0]!r}: ...}})" if others else ""
    return (
        f" here: the model reproduces {what} to rounding, so its density grows without end{beside}. The coefficients of "
        f"{first!r} are the exact fit; the other parameters and the log-likelihood mean nothing. {remedy} the scale{how}."
    )


def _is_degenerate(objective, u) -> bool:
    with np.errstate(all="ignore"):
        law, data = objective.likelihood, objective.data
        return law.is_degenerate is not None and bool(law.is_degenerate(data.y[data.weight > 0], **law.theta(objective.eta(u))))


def _tell_separation(model, name, label, found) -> None:
    shown = ", ".join(map(repr, found[:10])) + (", ..." if len(found) > 10 else "")
    what = f"column{'s' * (len(found) > 1)} {shown}" if found else "the intercept"
    alpha = "alpha > 0" if name in modelled(model.likelihood_) else f"alpha={{{name!r}: 0.01}}, say"
    remedy = f"Use a penalty ({alpha}), or drop or merge these columns: for inference, which refuses penalised fits."
    if not found:
        remedy = "Leave this part of the law out, or choose the simpler law that it becomes."
    warnings.warn(
        f"The data are separated: along {what} the likelihood of {title(model.likelihood_)} grows without end in its "
        f"parameter {label!r}, so no finite maximum exists. The coefficients stopped where the gradient fell below tol; "
        f"predictions there are at the edge of their range. {remedy}",
        SeparationWarning,
        stacklevel=6,
    )


def _tell_unidentified(model, name, objective, free, names) -> None:
    """Warn of coefficients that the likelihood does not depend on; of columns that depend on each other nothing is said."""
    directions = [objective.designs[name].coefficients(direction) for direction in free.T]
    found = list(dict.fromkeys(c for direction in directions for c in _columns_of(model, name, direction, objective, names)))
    if not found:
        return
    shown = ", ".join(map(repr, found[:10])) + (", ..." if len(found) > 10 else "")
    warnings.warn(
        f"The likelihood of {title(model.likelihood_)} does not depend on column{'s' * (len(found) > 1)} {shown} in its "
        f"parameter {name!r}: no row says what the coefficient is (where all rows of a category are zeros, say, of which that "
        "part of the law sees none). Any other value would be as good, but predictions of such rows depend on it. Leave the "
        f"column out by predictors={{{name!r}: [the others]}}, or use a penalty (alpha={{{name!r}: 0.01}}, say).",
        IdentificationWarning,
        stacklevel=6,
    )


def _entries_of(objective, name, direction) -> str:
    """Which entries of a vector parameter move, where some do not."""
    moves = np.abs(np.vstack(direction)).max(axis=0)
    moves = moves > 1e-6 * moves.max()
    if moves.all() or not objective.designs[name].vector:
        return ""
    return str([entry for entry, moved in zip(objective.likelihood.parameter(name).entries, moves, strict=True) if moved])


def _columns_of(model, name, direction, objective, names) -> list:
    """Columns along which a direction of a parameter's coefficients moves, by its share of the linear predictor."""
    design = objective.designs[name]
    if design.columns is None:
        return []
    X = objective.data.X[: 1 << 16, model.fit_.predictors[name].columns]
    spread = np.asarray(X.toarray() if sparse.issparse(X) else X).std(axis=0)
    size = np.abs(direction[1]).max(axis=1) * spread
    level = np.abs(direction[0]).max() if design.intercept else 0.0
    found = model.fit_.predictors[name].columns[size > 1e-6 * max(size.max(initial=0.0), level)]
    return [int(j) if names is None else str(names[j]) for j in found]
