"""`compare` of rows in parts: sums over the parts in place of rows, and fits to all folds in the same passes."""

from __future__ import annotations

import warnings
from functools import partial
from numbers import Integral
from operator import add
from typing import Any, NamedTuple

import numpy as np

from .._model.averages import averages
from .._model.validation import check_weight
from .._sources import Opened, Rows, in_shared_passes
from .._utils.frames import n_rows, take
from .._utils.messages import warn_caller
from ..likelihoods._functions import density_values
from ._comparison import FIGURES, Comparison
from ._entries import Entry, criteria, entries_of, kinds, sentence, table_of
from ._folds import figures_of
from ._scores import fit_clone, is_fitted, is_unbounded, log_scores, unwrapped_or_none
from ._tests import gap_and_size, vuong_statistic

FIGURES_PER_MODEL = 3  # log-likelihood, CRPS, coverage


class Given(NamedTuple):
    """The rows, opened, and the arguments of a fit to them."""

    rows: Opened
    X: Any
    y: Any
    sample_weight: Any


def n_rows_of(rows: Opened) -> int:
    """The number of rows of a source, in one pass."""
    return rows.fold(_length, add) or 0


def compare_parts(models: dict, given: Given, cv: Any, reference: Any, verbose: int) -> Comparison:
    """The comparison of models of the rows of a source."""
    if cv is not None and not (isinstance(cv, Integral) and int(cv) > 1):
        raise ValueError(
            "of rows in parts cv is a number of folds, at least 2, to which rows are assigned at random where they lie, "
            f"got {cv!r}"
        )
    entries, notes = entries_of(models, reference, partial(_entry, given, verbose))
    models = {str(name): model for name, model in models.items() if str(name) in entries}
    notes += kinds(entries)
    if cv is not None:
        _set_held_out_figures(entries, models, given.rows, int(cv), notes)
    order = sorted(entries, key=lambda name: entries[name].rank())
    total = averages(given.rows, _ones).weight
    n = n_rows_of(given.rows)

    def vuong(one: Entry, other: Entry) -> float:
        return vuong_statistic(averages(given.rows, partial(_gaps_of_rows, (one.fitted, other.fitted))))

    return table_of(entries, order, reference, f"{total:g}" if total == n else f"{total:g} (sum of weights)", vuong, notes)


def _length(rows: Any, number: int) -> int:
    return n_rows(rows.X)


def _ones(rows: Any) -> np.ndarray:
    return np.ones(n_rows(rows.X))


def _gaps_of_rows(models: Any, rows: Any) -> np.ndarray:
    return gap_and_size([log_scores(fitted, rows.X, rows.y) for fitted in models])


# ---- fits to all rows ---------------------------------------------------------------------------------------------------


def _entry(given: Given, verbose: int, name: str, model: Any) -> Entry:
    """The model, fitted if it was not, with its log-likelihood."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        step = "fit"
        try:
            fitted = model if is_fitted(model) else fit_clone(model, given.X, given.y, given.sample_weight, name)
            step = "log-likelihood"
            unwrapped = unwrapped_or_none(fitted)
            atoms = unwrapped.model.likelihood_.support.atoms if unwrapped else ()
            found = averages(given.rows, partial(_scores_and_kinds, fitted, atoms))
        except Exception as error:
            raise ValueError(f"{name} cannot be compared: its {step} failed: {str(error).rstrip('.')}") from error
    notes = [f"{name}: {sentence(w.message)}" for w in {str(w.message): w for w in caught}.values()]
    entry = Entry(name, fitted, None, float(found.total[0]), unbounded=is_unbounded(fitted))
    if not np.isfinite(entry.loglik):
        notes.append(f"{name}: calls some rows impossible (log-likelihood -inf).")
    if verbose:
        print(f"compare: {name}, fitted to all rows: log-likelihood {entry.loglik:.4f}")
    if unwrapped is None:
        notes.append(f"{name}: not a model of sk_mle, so the number of its parameters and the criteria are not known.")
    else:
        entry.kind = "densities" if found.mean[1] else "probabilities"
        entry.points = [point for point, share in zip(atoms, found.mean[2:], strict=True) if share and found.mean[1]]
        notes += criteria(entry, unwrapped, found.weight, entry.loglik)
    entry.notes = tuple(notes)
    return entry


def _scores_and_kinds(fitted: Any, atoms: Any, rows: Rows) -> np.ndarray:
    """The log-likelihood of every row, whether it may be a density, and whether y is each of the atoms."""
    unwrapped, n = unwrapped_or_none(fitted), n_rows(rows.X)
    columns = [log_scores(fitted, rows.X, rows.y), np.zeros(n)]
    if unwrapped is not None:
        y = unwrapped.model.read_data(unwrapped.X(rows.X), unwrapped.y(rows.y)).y
        columns[1] += density_values(unwrapped.model.likelihood_, y) is not None
        columns += [np.asarray(rows.y).reshape(n, -1)[:, 0] == atom for atom in atoms]
    return np.column_stack(columns)


# ---- cross-validation ---------------------------------------------------------------------------------------------------


def _folds_of(n_folds: int, number: int, n: int) -> np.ndarray:
    """The fold of every row of a part, the same in every pass."""
    return np.random.default_rng([n_folds, number]).integers(n_folds, size=n)


def _training_weight(n_folds: int, fold: int, rows: Rows, number: int) -> np.ndarray:
    """Weights of a part, zero in a fold."""
    n = n_rows(rows.X)
    return check_weight(rows.sample_weight, n) * (_folds_of(n_folds, number, n) != fold)


def _set_held_out_figures(entries: dict[str, Entry], models: dict, rows: Opened, n_folds: int, notes: list[str]) -> None:
    """Set the figures of held-out rows of all entries; notes name the folds that failed."""
    jobs = [(name, fold) for name in models for fold in range(n_folds)]
    weights = [partial(_training_weight, n_folds, fold) for _, fold in jobs]
    results = in_shared_passes(rows, weights, lambda source, k: fit_clone(models[jobs[k][0]], source, None, name=jobs[k][0]))
    fits: dict[str, list] = {name: [] for name in models}
    for (name, fold), result in zip(jobs, results, strict=True):
        fits[name].append(None if isinstance(result, Exception) else result)
        if isinstance(result, Exception):
            notes.append(f"{name}: the fit of fold {fold + 1}/{n_folds} failed: {result}")
            warn_caller(f"{notes[-1]}. The model's figures are NaN; the other models are compared.", UserWarning)
    for name, of_folds in fits.items():
        inner = [unwrapped_or_none(fitted).model for fitted in of_folds if fitted is not None and unwrapped_or_none(fitted)]
        stopped, unbounded = (sum(flags) for flags in ([not m.converged_ for m in inner], [is_unbounded(m) for m in inner]))
        notes += [f"{name}: {stopped} of {n_folds} folds did not converge."] * bool(stopped)
        entries[name].unbounded |= unbounded > 0
    found = averages(rows, partial(_held_out_figures, fits, n_folds), numbered=True)
    means = found.mean.reshape(len(fits), FIGURES_PER_MODEL)
    for name, (score, _, _) in zip(fits, means, strict=True):
        entries[name].score = float(score)
        notes += [f"{name}: calls some rows impossible when held out (log score -inf)."] * bool(np.isneginf(score))
    best = min(entries, key=lambda name: entries[name].rank())
    gaps = averages(rows, partial(_held_out_gaps, fits, n_folds, best), numbered=True)
    n = gaps.weight
    errors = np.sqrt(gaps.squares / (n - 1) / n)
    for name, (score, crps, covered), gap, error in zip(fits, means, gaps.mean, errors, strict=True):
        entries[name].figures = dict(zip(FIGURES, [score, gap, error, crps, covered], strict=True))


def _held_out_figures(fits: dict, n_folds: int, rows: Rows, number: int) -> np.ndarray:
    """Figures (n, 3 m) of the rows of a part under the fits that did not see them."""
    n = n_rows(rows.X)
    fold, figures = _folds_of(n_folds, number, n), np.full((len(fits), FIGURES_PER_MODEL, n), np.nan)
    for k, of_folds in enumerate(fits.values()):
        for j, fitted in enumerate(of_folds):
            held_out_rows = np.flatnonzero(fold == j)
            if fitted is not None and len(held_out_rows):
                figures[k][:, held_out_rows] = figures_of(fitted, take(rows.X, held_out_rows), take(rows.y, held_out_rows), [])[
                    0
                ]
    return figures.reshape(-1, n).T


def _held_out_gaps(fits: dict, n_folds: int, best: str, rows: Rows, number: int) -> np.ndarray:
    """Differences (n, m) of the held-out log-likelihoods to those of the best."""
    scores = _held_out_figures(fits, n_folds, rows, number)[:, ::FIGURES_PER_MODEL]
    with np.errstate(invalid="ignore"):
        return scores - scores[:, [list(fits).index(best)]]
