"""One table of several models: likelihood, information criteria, tests and cross-validated scores."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import indexable

from .._model.averages import Averages
from .._model.validation import check_weight, replace_zero_weight_rows
from .._predictive.unwrapping import target_of
from .._sources import open_source
from .._utils.frames import n_rows
from .._utils.messages import rows_text, warn_caller
from ..likelihoods._functions import density_values
from ._compare_parts import Given, compare_parts, n_rows_of
from ._comparison import FIGURES, Comparison
from ._entries import Entry, criteria, entries_of, kinds, sentence, table_of
from ._folds import HeldOutFigures, held_out
from ._scores import (
    fit_clone,
    is_fitted,
    is_unbounded,
    log_scores,
    rows_without_mass,
    standard_error,
    unwrapped_or_none,
    weighted_mean,
)
from ._tests import gap_and_size, vuong_statistic


def compare(
    models: Any,
    X: Any,
    y: ArrayLike | None = None,
    *,
    cv: Any = None,
    sample_weight: ArrayLike | None = None,
    reference: str | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    groups: Any = None,
) -> Comparison:
    r"""Compare models of the same data by likelihood, information criteria, tests and cross-validation, in one table.

    Estimators that are not fitted are cloned and fitted; fitted ones are taken as they are, and cross-validated as clones. The
    rows are in order, best first: by the mean log-likelihood per held-out row with `cv`, by AIC without. Models whose
    likelihood is unbounded come last.

    Parameters
    ----------
    models : dict of str to estimator
        Of this package, alone or in pipelines, searches and `TransformedTargetRegressor` (whose log-likelihood is that of the
        original y); or classifiers of others with `predict_proba`, which have no criteria.
    X : array-like or sparse matrix of shape (n, p)
    y : array-like of shape (n,), or (n, K), optional
        By default what the formulas of the models have left of ``~``, which must be one target.
    cv : int, splitter or iterable, optional
        As in scikit-learn; all models see the same folds.
    sample_weight : array-like of shape (n,), optional
        An integer weight is a repeated row, in all figures; the sum of the weights is n.
    reference : str, optional
        The model against which the others are tested. Default: the first row, the best.
    n_jobs : int, optional
        Processes over models and folds.
    verbose : int, default=0
        Above 0, a line per fit.
    groups : array-like of shape (n,), optional
        For the splitter.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        Where the reference or every model fails with all rows, or no model can be fitted in all folds; the message begins with
        the model's name. Another model of which the fit or the log-likelihood of all rows fails is a warning and a note, and is
        left out; a step that fails in a fold (the fit, the log-likelihood, the interval, the CRPS) is a warning and a note too,
        and its figures are NaN.

    Notes
    -----
    ``loglik``, ``n_params``, ``AIC``, ``AICc``, ``BIC``; ``dAIC`` from the smallest, with Akaike weights ``weight``. ``test``
    against the reference: "LR(d)", the likelihood ratio with d degrees of freedom, where one model lies in the other (a part
    "+1" lies at an edge of a domain), Vuong's elsewhere, whose ``statistic`` is positive where the row is closer to the data
    than the reference. The p-values know nothing of the reference having been chosen by the same data.

    With `cv`, on held-out rows: ``score``, the mean log-likelihood per row; ``diff``, its distance to the
    best, with ``se``, the standard error of that mean over paired rows, the standard deviation of the rows' differences over
    the root of n (loo's ``se_diff`` divided by n); ``CRPS``; ``cover90``, the share of rows inside their central 90% interval.

    References
    ----------
    Burnham, K. P., Anderson, D. R. (2004). Multimodel inference: understanding AIC and BIC in model selection. Sociological
    Methods & Research 33, 261-304. doi:10.1177/0049124104268644

    Vehtari, A., Gelman, A., Gabry, J. (2017). Practical Bayesian model evaluation using leave-one-out cross-validation and
    WAIC. Statistics and Computing 27, 1413-1432. doi:10.1007/s11222-016-9696-4

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sk_mle import MLERegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> models = {"normal": MLERegressor(), "Student t": MLERegressor("student_t"), "gamma": MLERegressor("gamma")}
    >>> table = compare(models, X[:, :4], y)
    >>> table.best, table["n_params"].tolist()
    ('gamma', [6, 6, 7])
    """
    _check_models(models, reference)
    if (rows := open_source(X, y, sample_weight, groups)) is not None:
        if n_rows_of(rows) >= rows.source.rows_to_gather:
            return compare_parts(dict(models), Given(rows, X, y, sample_weight), cv, reference, verbose)
        X, y, sample_weight, groups = rows.gathered()
    y = _target(models, X, y)
    X, y = indexable(replace_zero_weight_rows(X, sample_weight), replace_zero_weight_rows(y, sample_weight))
    weight = check_weight(sample_weight, n_rows(y))
    given_weight = None if sample_weight is None else weight
    entries, notes = entries_of(models, reference, partial(_entry, X, y, weight, given_weight, verbose))
    models = {str(name): model for name, model in models.items() if str(name) in entries}
    notes += kinds(entries)
    if cv is not None:
        splits = list(check_cv(cv, y, classifier=is_classifier(next(iter(models.values())))).split(X, y, groups))
        held_out_by_model = held_out(models, X, y, given_weight, splits, n_jobs, verbose)
        notes += _set_held_out_figures(entries, held_out_by_model, splits, weight)
    order = sorted(entries, key=lambda name: entries[name].rank())
    n = f"{weight.sum():g}"

    def vuong(one: Entry, other: Entry) -> float:
        return vuong_statistic(Averages.of(gap_and_size((one.scores, other.scores)), weight))

    return table_of(entries, order, reference, n if (weight == 1).all() else f"{n} (sum of weights)", vuong, notes)


def _target(models: Mapping, X: Any, y: ArrayLike | None) -> Any:
    """y, or the one target that the formulas of models have."""
    found = {str(name): target_of(model, X, y) for name, model in models.items()}
    given = {name: values for name, values in found.items() if values is not None}
    if not given:
        raise ValueError("compare needs y: log-likelihoods are those of the target")
    first, target = next(iter(given.items()))
    for name, values in given.items():
        if not (values is target or np.array_equal(np.asarray(values), np.asarray(target))):
            raise ValueError(
                f"the formulas of {first} and {name} have different targets, whose log-likelihoods do not compare: model one "
                "target, such as y with Transformed(law, ...) rather than its logarithm, or pass y"
            )
    return target


def _check_models(models: Any, reference: str | None) -> None:
    """Raise ValueError for models that are no dict, or do not hold the reference."""
    if not isinstance(models, Mapping) or not models:
        raise ValueError(f"models is a dict of names and estimators, such as {{'normal': MLERegressor()}}, got {models!r}")
    if reference is not None and reference not in models:
        raise ValueError(f"reference={reference!r} is none of the models, {list(models)}")


def _set_held_out_figures(entries: dict[str, Entry], held_out_by_model: dict, splits: list, weight: np.ndarray) -> list[str]:
    """Set the figures of held-out rows of all entries; notes of what failed or does not exist."""
    _warn_of_failures(held_out_by_model)
    notes = []
    for name, figures in held_out_by_model.items():
        entries[name].held_out = figures
        notes += figures.failed
        notes += [f"{name}: {figures.stopped} of {len(splits)} folds did not converge."] * bool(figures.stopped)
        if figures.unbounded and not entries[name].unbounded:
            notes.append(f"{name}: comes last, as its likelihood is unbounded in {figures.unbounded} of {len(splits)} folds.")
        entries[name].unbounded |= figures.unbounded > 0
        no_crps = np.isnan(figures.crps) & ~np.isnan(figures.covered) & (not figures.failed)
        notes += [f"{name}: the CRPS does not exist in {rows_text(np.flatnonzero(no_crps))}."] * bool(no_crps.any())
    was_held_out = np.isin(np.arange(len(weight)), np.concatenate([test for _, test in splits]))
    weight = np.where(was_held_out, weight, 0.0)
    for name, figures in held_out_by_model.items():
        if text := rows_without_mass(figures.scores, weight):
            notes.append(f"{name}: calls {text} impossible when held out (log score -inf).")
        entries[name].score = weighted_mean(figures.scores, weight)
    best = min(entries, key=lambda name: entries[name].rank())
    for name, figures in held_out_by_model.items():
        entries[name].figures = _figures(figures, held_out_by_model[best], weight)
    return notes


def _figures(held_out: HeldOutFigures, best: HeldOutFigures, weight: np.ndarray) -> dict[str, float]:
    """Figures of held-out rows of a model, against those of the best."""
    with np.errstate(invalid="ignore"):
        gap = held_out.scores - best.scores if held_out is not best else np.zeros(len(held_out.scores))
    means = [weighted_mean(values, weight) for values in (held_out.scores, gap)]
    others = [weighted_mean(values, weight) for values in (held_out.crps, held_out.covered)]
    return dict(zip(FIGURES, [*means, standard_error(gap, weight), *others], strict=True))


def _warn_of_failures(held_out_by_model: dict) -> None:
    """Warn of models with a failed step in a fold; ValueError if no model could be fitted in all folds."""
    failed = [text for figures in held_out_by_model.values() for text in figures.failed]
    if failed and all(figures.unfitted for figures in held_out_by_model.values()):
        raise ValueError(failed[0])
    for text in failed:
        warn_caller(f"{text}. The model's figures of these rows are NaN; the other models are compared.", UserWarning)


def _entry(X: Any, y: Any, weight: np.ndarray, given: np.ndarray | None, verbose: int, name: str, model: Any) -> Entry:
    """The model, fitted if it was not, with its log-likelihoods."""
    notes = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        step = "fit"
        try:
            fitted = model if is_fitted(model) else fit_clone(model, X, y, given, name)
            step = "log-likelihood"
            scores = log_scores(fitted, X, y)
        except Exception as error:
            raise ValueError(f"{name} cannot be compared: its {step} failed: {str(error).rstrip('.')}") from error
    notes += [f"{name}: {sentence(w.message)}" for w in {str(w.message): w for w in caught}.values()]
    if text := rows_without_mass(scores, weight):
        notes.append(f"{name}: calls {text} impossible (log-likelihood -inf).")
    has_weight = weight > 0
    entry, unwrapped = Entry(name, fitted, scores, float(weight[has_weight] @ scores[has_weight])), unwrapped_or_none(fitted)
    entry.unbounded = is_unbounded(fitted)
    if verbose:
        print(f"compare: {name}, fitted to all rows: log-likelihood {entry.loglik:.4f}")
    if unwrapped is None:
        notes.append(f"{name}: not a model of sk_mle, so the number of its parameters and the criteria are not known.")
    else:
        model_scores = unwrapped.model.score_samples(unwrapped.X(X), unwrapped.y(y)) if unwrapped.transformers else scores
        entry.kind = _kind(unwrapped, X, y)
        values = np.asarray(y)
        atoms = unwrapped.model.likelihood_.support.atoms if entry.kind == "densities" else ()
        entry.points = [atom for atom in atoms if (values == atom).any()]
        notes += criteria(entry, unwrapped, weight.sum(), float(weight[has_weight] @ model_scores[has_weight]))
    entry.notes = tuple(notes)
    return entry


def _kind(unwrapped: Any, X: Any, y: Any) -> str:
    """Whether the log-likelihood is of "probabilities" or "densities"."""
    data = unwrapped.model.read_data(unwrapped.X(X), unwrapped.y(y))
    return "probabilities" if density_values(unwrapped.model.likelihood_, data.y) is None else "densities"
