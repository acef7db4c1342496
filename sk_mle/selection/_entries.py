"""The models of a comparison: likelihoods, criteria and tests, of rows in memory and in parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import norm

from .._utils.messages import warn_caller
from ._comparison import Comparison, comparison_of
from ._nesting import comparable, nested
from ._scores import unwrapped_or_none
from ._tests import p_value


@dataclass
class Entry:
    """One model of a comparison."""

    name: str
    fitted: Any
    scores: np.ndarray | None  # of every row, where these are in memory
    loglik: float
    n_params: float = np.nan
    aic: float = np.nan
    aicc: float = np.nan
    bic: float = np.nan
    kind: str = "probabilities"
    points: list[float] = field(default_factory=list)  # of probability, of a law with a density, at which y lies
    is_maximum: bool = False  # a plain maximum of the likelihood, for which criteria and likelihood-ratio tests hold
    unbounded: bool = False
    notes: tuple[str, ...] = ()
    held_out: Any = None
    score: float | None = None  # mean log-likelihood of held-out rows
    figures: dict[str, float] = field(default_factory=dict)  # of held-out rows, by column of the table

    def rank(self) -> tuple[float, ...]:
        """A sort key, smallest for the best; models with an unbounded likelihood come last, whatever their score."""
        keys = (self.aic if self.score is None else -self.score, -self.loglik)
        return float(self.unbounded), *(np.inf if np.isnan(key) else float(key) for key in keys)


def table_of(
    entries: dict[str, Entry], order: list[str], reference: str | None, rows: str, vuong: Callable, notes: list[str]
) -> Comparison:
    """The comparison of entries in order; `vuong(one, other)` is the statistic of two entries."""
    name_of_reference = reference or next((name for name in order if entries[name].is_maximum), order[0])
    against = entries[name_of_reference]
    tests = {name: _test(entries[name], against, vuong, notes) for name in order if name != name_of_reference}
    return comparison_of([entries[name] for name in order], tests, name_of_reference, rows, notes)


def entries_of(models: dict, reference: Any, entry_of: Callable[[str, Any], Entry]) -> tuple[dict[str, Entry], list[str]]:
    """Entries of the models by name, without those that fail, which warnings and notes name; ValueError if all fail."""
    entries: dict[str, Entry] = {}
    failed: dict[str, ValueError] = {}
    for key, model in models.items():
        name = str(key)
        try:
            entries[name] = entry_of(name, model)
        except ValueError as error:
            if key == reference:
                raise
            failed[name] = error
    if not entries:
        raise next(iter(failed.values()))
    for reason in failed.values():
        warn_caller(f"{reason}. It is left out; the other models are compared.", UserWarning)
    return entries, [f"{reason}." for reason in failed.values()] + [note for entry in entries.values() for note in entry.notes]


def criteria(entry: Entry, unwrapped: Any, n: float, inner: float) -> list[str]:
    """Set the number of parameters and the criteria of an entry; notes say why criteria do not hold."""
    model, name = unwrapped.model, entry.name
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


def sentence(message: Any) -> str:
    """The first sentence of a warning."""
    return str(message).split(". ")[0].split(": the data prefer")[0].rstrip(".") + "."


def kinds(entries: dict[str, Entry]) -> list[str]:
    """Warn if log-likelihoods are of different kinds; the note that says so, or none."""
    names_by_kind: dict = {}
    for name, entry in entries.items():
        points = ", ".join(f"{point:g}" for point in entry.points)
        entry.kind += f" with points of probability at {points}" if points else ""
        names_by_kind.setdefault(entry.kind, []).append(name)
    if len(names_by_kind) == 1:
        return []
    listed = "; ".join(f"{', '.join(names)}: {kind}" for kind, names in names_by_kind.items())
    text = f"Log-likelihoods of different kinds do not compare. {listed}."
    if "probabilities" in names_by_kind:
        text += " To compare counts with densities, wrap the latter: Rounded(law, width=1)."
    else:
        text += " Compare laws with the same points of probability alone: another law gives these values none."
    warn_caller(text, UserWarning)
    return [text]


def _test(entry: Entry, against: Entry, vuong: Callable, notes: list) -> tuple[str, float, float]:
    """Name, statistic and p-value of the test against the reference; empty and NaN without a test."""
    no_test = "", np.nan, np.nan
    if entry.kind != against.kind or not (np.isfinite(entry.loglik) and np.isfinite(against.loglik)):
        return no_test
    if unwrapped_or_none(entry.fitted) and unwrapped_or_none(against.fitted):
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
            pvalue, note = p_value(max(statistic, 0.0), nesting)
            notes.extend([f"{small.name} in {large.name}: {note}."] * bool(note))
            n_at_edge = len(nesting.boundary)
            df = f"{nesting.df}+{n_at_edge}" if n_at_edge or not nesting.df else str(nesting.df)
            return f"LR({df})", max(statistic, 0.0), pvalue
        if not comparable(entry.fitted, against.fitted):
            without_steps = all(unwrapped_or_none(one.fitted).model is one.fitted for one in (entry, against))
            what = "choice of columns, offsets or links" if without_steps else "preprocessing"
            notes.append(
                f"{entry.name} and {against.name}: no test, as their {what} differs and one may lie in the other; "
                "use likelihood_ratio_test(..., df=...) if you know that it does, else vuong_test."
            )
            return no_test
    if not (entry.is_maximum and against.is_maximum):
        return no_test
    statistic = vuong(entry, against)
    return ("Vuong", statistic, float(2 * norm.sf(abs(statistic)))) if np.isfinite(statistic) else no_test
