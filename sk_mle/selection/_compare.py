"""One table of several models: likelihood, information criteria, tests and cross-validated scores."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import indexable

from .._model.averages import Averages
from .._model.validation import check_weight, replace_zero_weight_rows
from .._predictive.unwrapping import target_of
from .._sources import check_in_memory
from .._utils.frames import n_rows
from .._utils.messages import rows_text, warn_caller
from ..likelihoods._functions import density_values
from ._comparison import Comparison
from ._folds import held_out
from ._nesting import comparable, nested
from ._scores import fit_clone, inside_of, is_fitted, is_unbounded, log_scores, rows_without_mass, weighted_mean
from ._tests import _pvalue, gap_and_size, vuong_statistic


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
    check_in_memory(X)
    if not isinstance(models, Mapping) or not models:
        raise ValueError(f"models is a dict of names and estimators, such as {{'normal': MLERegressor()}}, got {models!r}")
    if reference is not None and reference not in models:
        raise ValueError(f"reference={reference!r} is none of the models, {list(models)}")
    y = _target(models, X, y)
    X, y = indexable(replace_zero_weight_rows(X, sample_weight), replace_zero_weight_rows(y, sample_weight))
    n = n_rows(y)
    weight = check_weight(sample_weight, n)
    given_weight = None if sample_weight is None else weight
    entries, notes = _entries(models, reference, X, y, weight, given_weight, verbose)
    models = {name: model for name, model in models.items() if str(name) in entries}
    notes += _kinds(entries, y)
    held: dict = {}
    if cv is not None:
        any_model = next(iter(models.values()))
        splits = list(check_cv(cv, y, classifier=is_classifier(any_model)).split(X, y, groups))
        held = held_out({str(name): model for name, model in models.items()}, X, y, given_weight, splits, n_jobs, verbose)
        _warn_of_failures(held)
        for name, figures in held.items():
            entries[name].held = figures
            notes += figures.failed
            notes += [f"{name}: {figures.stopped} of {len(splits)} folds did not converge."] * bool(figures.stopped)
            if figures.unbounded and not entries[name].unbounded:
                notes.append(
                    f"{name}: comes last, as its likelihood is unbounded in {figures.unbounded} of {len(splits)} folds."
                )
            entries[name].unbounded |= figures.unbounded > 0
            no_crps = np.isnan(figures.crps) & ~np.isnan(figures.covered) & (not figures.failed)
            notes += [f"{name}: the CRPS does not exist in {rows_text(np.flatnonzero(no_crps))}."] * bool(no_crps.any())
        was_held_out = np.isin(np.arange(n), np.concatenate([test for _, test in splits]))
        weight_held = np.where(was_held_out, weight, 0.0)
        notes += [
            f"{name}: calls {text} impossible when held out (log score -inf)."
            for name, figures in held.items()
            if (text := rows_without_mass(figures.scores, weight_held))
        ]
    else:
        weight_held = weight
    order = sorted(entries, key=lambda name: entries[name].rank(weight_held))
    reference_name = reference or next((name for name in order if entries[name].is_maximum), order[0])
    tests = {name: _test(entries[name], entries[reference_name], weight, notes) for name in order if name != reference_name}
    return Comparison._of([entries[name] for name in order], tests, reference_name, weight, weight_held, notes)


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


def _entries(models, reference, X, y, weight, given, verbose) -> tuple[dict[str, Entry], list[str]]:
    """Entries of the models by name, without those that fail, of which warnings and notes tell; ValueError if all fail."""
    entries: dict[str, Entry] = {}
    failed: dict[str, ValueError] = {}
    for key, model in models.items():
        name = str(key)
        try:
            entries[name] = _entry(name, model, X, y, weight, given, verbose)
        except ValueError as error:
            if key == reference:
                raise
            failed[name] = error
    if not entries:
        raise next(iter(failed.values()))
    for reason in failed.values():
        warn_caller(f"{reason}. It is left out; the other models are compared.", UserWarning)
    return entries, [f"{reason}." for reason in failed.values()] + [note for entry in entries.values() for note in entry.notes]


def _warn_of_failures(held) -> None:
    """Warn of models with a failed step in a fold; ValueError if no model could be fitted in all folds."""
    failed = [text for figures in held.values() for text in figures.failed]
    if failed and all(figures.unfitted for figures in held.values()):
        raise ValueError(failed[0])
    for text in failed:
        warn_caller(f"{text}. The model's figures of these rows are NaN; the other models are compared.", UserWarning)


@dataclass
class Entry:
    """One model of a comparison."""

    name: str
    fitted: Any
    scores: np.ndarray
    loglik: float
    n_params: float = np.nan
    aic: float = np.nan
    aicc: float = np.nan
    bic: float = np.nan
    kind: str = "probabilities"
    is_maximum: bool = False  # a plain maximum of the likelihood, for which criteria and likelihood-ratio tests hold
    unbounded: bool = False
    notes: tuple[str, ...] = ()
    held: Any = None

    def rank(self, weight: np.ndarray) -> tuple[float, ...]:
        """A sort key, smallest for the best; models with an unbounded likelihood come last, whatever their score."""
        by = np.nan if self.held is None else -weighted_mean(self.held.scores, weight)
        keys = (by if self.held is not None else self.aic, -self.loglik)
        return float(self.unbounded), *(np.inf if np.isnan(key) else float(key) for key in keys)


def _entry(name, model, X, y, weight, given, verbose) -> Entry:
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
    notes += [f"{name}: {_sentence(w.message)}" for w in {str(w.message): w for w in caught}.values()]
    if text := rows_without_mass(scores, weight):
        notes.append(f"{name}: calls {text} impossible (log-likelihood -inf).")
    has_weight = weight > 0
    entry, inside = Entry(name, fitted, scores, float(weight[has_weight] @ scores[has_weight])), inside_of(fitted)
    entry.unbounded = is_unbounded(fitted)
    if verbose:
        print(f"compare: {name}, fitted to all rows: log-likelihood {entry.loglik:.4f}")
    if inside is None:
        notes.append(f"{name}: not a model of sk_mle, so the number of its parameters and the criteria are not known.")
    else:
        model_scores = inside.model.score_samples(inside.X(X), inside.y(y)) if inside.transformers else scores
        entry.kind = _kind(inside, X, y)
        notes += _criteria(entry, inside, weight.sum(), float(weight[has_weight] @ model_scores[has_weight]))
    entry.notes = tuple(notes)
    return entry


def _criteria(entry: Entry, inside, n, inner) -> list[str]:
    """Set the number of parameters and the criteria of an entry; notes say why criteria do not hold."""
    model, name = inside.model, entry.name
    entry.n_params = model.n_params_
    effective = model.fit_.has_effective_size
    if model.fit_.penalised and not effective:
        return [f"{name}: penalised ({model.fit_.penalised}), so criteria and likelihood-ratio tests do not hold."]
    if model.class_weight is not None:
        return [f"{name}: has class_weight, so criteria and likelihood-ratio tests do not hold."]
    if not model.converged_:
        return [f"{name}: did not converge, so criteria and likelihood-ratio tests do not hold."]
    if abs(model.loglikelihood_ - inner) > 1e-6 * (1 + abs(inner)):
        return [f"{name}: was fitted to other data or weights, so criteria and likelihood-ratio tests do not hold."]
    k, entry.is_maximum = entry.n_params, bool(np.isfinite(entry.loglik)) and not effective
    entry.aic = 2 * k - 2 * entry.loglik
    entry.aicc = entry.aic + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.inf
    entry.bic = k * np.log(n) - 2 * entry.loglik
    return [f"{name}: criteria count effective degrees of freedom; likelihood-ratio tests do not hold."] * effective


def _sentence(message) -> str:
    """The first sentence of a warning."""
    return str(message).split(". ")[0].split(": the data prefer")[0].rstrip(".") + "."


def _kind(inside, X, y) -> str:
    """Whether the log-likelihood is of "probabilities" or "densities"."""
    data = inside.model.read_data(inside.X(X), inside.y(y))
    return "probabilities" if density_values(inside.model.likelihood_, data.y) is None else "densities"


def _kinds(entries: dict[str, Entry], y) -> list[str]:
    """Warn if log-likelihoods are of different kinds; the note that says so, or none."""
    names_by_kind: dict = {}
    values = np.asarray(y)
    for name, entry in entries.items():
        inside = inside_of(entry.fitted)
        atoms = inside.model.likelihood_.atoms if inside and entry.kind == "densities" else ()
        points = [f"{atom:g}" for atom in atoms if (values == atom).any()]
        entry.kind += f" with points of probability at {', '.join(points)}" if points else ""
        names_by_kind.setdefault(entry.kind, []).append(name)
    if len(names_by_kind) == 1:
        return []
    listed = "; ".join(f"{', '.join(names)}: {kind}" for kind, names in names_by_kind.items())
    text = (
        f"Log-likelihoods of different kinds do not compare. {listed}. "
        "To compare counts with densities, wrap the latter: Rounded(law, width=1)."
    )
    warn_caller(text, UserWarning)
    return [text]


def _test(entry: Entry, against: Entry, weight, notes) -> tuple[str, float, float]:
    """Name, statistic and p-value of the test against the reference; empty and NaN without a test."""
    no_test = "", np.nan, np.nan
    if entry.kind != against.kind or not (np.isfinite(entry.loglik) and np.isfinite(against.loglik)):
        return no_test
    if inside_of(entry.fitted) and inside_of(against.fitted):
        for small, large in ((entry, against), (against, entry)):
            nesting = nested(small.fitted, large.fitted)
            if nesting is None:
                continue
            statistic = 2 * (large.loglik - small.loglik)
            if nesting.irregular or not (entry.is_maximum and against.is_maximum):
                notes.extend(
                    [f"{small.name} lies in {large.name}, without a test: {nesting.irregular}."] * bool(nesting.irregular)
                )
                return no_test
            if statistic < -1e-4 - 1e-10 * abs(small.loglik):
                notes.append(f"{large.name} fits worse than {small.name}, which lies in it: it did not reach its maximum.")
                return no_test
            pvalue, note = _pvalue(max(statistic, 0.0), nesting)
            notes.extend([f"{small.name} in {large.name}: {note}."] * bool(note))
            n_at_edge = len(nesting.boundary)
            df = f"{nesting.df}+{n_at_edge}" if n_at_edge or not nesting.df else str(nesting.df)
            return f"LR({df})", max(statistic, 0.0), pvalue
        if not comparable(entry.fitted, against.fitted):
            bare = all(inside_of(one.fitted).model is one.fitted for one in (entry, against))
            what = "choice of columns, offsets or links" if bare else "preprocessing"
            notes.append(
                f"{entry.name} and {against.name}: no test, as their {what} differs and one may lie in the other; "
                "use likelihood_ratio_test(..., df=...) if you know that it does, else vuong_test."
            )
            return no_test
    if not (entry.is_maximum and against.is_maximum):
        return no_test
    statistic = vuong_statistic(Averages.of(gap_and_size((entry.scores, against.scores)), weight))
    return ("Vuong", statistic, float(2 * norm.sf(abs(statistic)))) if np.isfinite(statistic) else no_test
