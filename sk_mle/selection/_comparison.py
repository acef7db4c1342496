"""The result of a comparison of models: a table, its text, and a picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .._predictive.distribution import Distribution
from .._utils.tables import ABSENT, Table, fixed, number, probability

FIGURES = ("score", "diff", "se", "CRPS", "cover90")  # of held-out rows, in the order of the table's columns
one_decimal, two_decimals = (partial(fixed, digits=d) for d in (1, 2))


class Comparison:
    """The result of `compare`: models in order, best first.

    Attributes
    ----------
    table : Table
    best : str
        Name of the first.
    reference : str
        The model against which the tests are.
    estimators_ : dict of str to estimator
        The fits to all rows.
    scores_ : dict of str to ndarray of shape (n,)
        Log-likelihood of every row: held out, where there was cross-validation. Empty for rows in parts.
    distributions_ : dict of str to Distribution
        Out-of-fold predictive distributions, where every row was held out once, as `cross_val_predict_dist` returns them: for
        displays and scores, such as ``PITDisplay.from_predictions(y, table.distributions_[table.best])``.
    notes : list of str
        Sentences below the table.

    Examples
    --------
    >>> from sk_mle import MLERegressor, compare
    >>> from sk_mle.datasets import make_mle_regression
    >>> X, y, *_ = make_mle_regression("gamma", random_state=0)
    >>> comparison = compare({"gamma": MLERegressor("gamma"), "normal": MLERegressor()}, X, y)
    >>> comparison.best
    'gamma'
    >>> comparison.table["AIC"].round(1)
    array([ 642.4, 1202.8])
    >>> comparison.estimators_["gamma"].coef_.shape
    (3,)
    """

    def __init__(
        self,
        table: Table,
        reference: str,
        estimators: dict[str, Any],
        scores: dict[str, np.ndarray],
        distributions: dict[str, Distribution] | None = None,
    ) -> None:
        self.table, self.reference, self.estimators_, self.scores_ = table, reference, estimators, scores
        self.distributions_ = distributions or {}

    @property
    def best(self) -> str:
        """Name of the first model."""
        return self.table.index[0]

    @property
    def notes(self) -> list[str]:
        """Sentences below the table."""
        return self.table.notes

    def __getitem__(self, column: str) -> np.ndarray:
        return self.table[column]

    def __len__(self) -> int:
        return len(self.table)

    def __str__(self) -> str:
        return str(self.table)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def to_frame(self) -> Any:
        """The table at full precision.

        Returns
        -------
        pandas.DataFrame
        """
        return self.table.to_frame()

    def plot(self, ax: Any = None) -> Any:
        """Draw differences to the best: of held-out scores with their standard errors, or of AIC without cross-validation.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        Axes
        """
        import matplotlib.pyplot as plt

        if ax is None:
            _, ax = plt.subplots(figsize=(7, 0.6 + 0.42 * len(self)), layout="constrained")
        positions = np.arange(len(self))
        if "diff" in self.table.columns:
            differences, errors = self["diff"], self["se"]
            label = "held-out log-likelihood per row, minus the best (± 1 standard error)"
        elif "dAIC" in self.table.columns:
            differences, errors, label = self["dAIC"], None, "AIC, minus the smallest"
        else:
            raise ValueError("nothing to draw: no model has an AIC, and nothing was cross-validated")
        differences = np.where(np.isfinite(differences), differences, np.nan)
        errors = None if errors is None else np.nan_to_num(errors)
        ax.errorbar(differences, positions, xerr=errors, fmt="o", color="C0", capsize=3)
        ax.axvline(0.0, color="0.6", linewidth=0.8, zorder=0)
        ax.set_yticks(positions, self.table.index)
        ax.set_ylim(len(self) - 0.5, -0.5)
        ax.set_xlabel(label)
        ax.spines[["top", "right"]].set_visible(False)
        return ax


def comparison_of(entries: list, tests: dict, reference: str, rows: str, notes: list) -> Comparison:
    """A Comparison of entries in order; `tests` maps names to (test, statistic, p-value), `rows` is their number, as text."""
    columns: dict[str, Any] = {}
    is_cross_validated = bool(entries[0].figures)
    for label in FIGURES if is_cross_validated else ():
        values = [e.figures[label] for e in entries]
        columns |= {label: values} if label in FIGURES[:3] or not np.isnan(values).all() else {}
    columns |= {"loglik": [e.loglik for e in entries], "n_params": [e.n_params for e in entries]}
    columns |= {label: [getattr(e, label.lower()) for e in entries] for label in ("AIC", "AICc", "BIC")}
    aic = np.array(columns["AIC"])
    if np.isfinite(aic).any():
        columns["dAIC"] = list(aic - np.nanmin(aic))
        share = np.exp(-0.5 * np.array(columns["dAIC"]))
        columns["weight"] = list(share / np.nansum(share))
    if tests:
        test_rows = [tests.get(e.name, ("reference", np.nan, np.nan)) for e in entries]
        columns |= dict(zip(("test", "statistic", "p"), map(list, zip(*test_rows, strict=True)), strict=True))
    formats: dict[str, Callable[[Any], str]] = {
        **dict.fromkeys(("loglik", "statistic"), two_decimals),
        **dict.fromkeys(("AIC", "AICc", "BIC", "dAIC"), one_decimal),
        "n_params": lambda value: ABSENT if np.isnan(value) else f"{value:.{0 if value == int(value) else 1}f}",
        "weight": lambda value: "<0.001" if 0 <= value < 5e-4 else number(value, 3),
        "cover90": lambda value: ABSENT if np.isnan(value) else f"{value:.1%}",
        "test": lambda value: value or ABSENT,
        "p": probability,
    }
    head = [
        ("rows", rows),
        ("order", "mean log-likelihood per held-out row" if is_cross_validated else "AIC"),
        *[("tests against", reference)] * bool(tests),
    ]
    table = Table(columns, [e.name for e in entries], title="Comparison of models", head=head, notes=notes, formats=formats)
    scores = {e.name: e.held_out.scores if e.held_out else e.scores for e in entries if e.scores is not None}
    dists = {e.name: e.held_out.dist for e in entries if e.held_out and e.held_out.dist is not None}
    return Comparison(table, reference, {e.name: e.fitted for e in entries}, scores, dists)
