"""The tables of `Inference`: coefficients, and a summary with the facts of the fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._utils.tables import Table, probability
from . import _natural
from ._columns import interval, statistic_columns
from ._layout import Layout
from ._terms import terms_table


class Summaries:
    """A mixin: tables of coefficients, as text, HTML and data frame."""

    model: Any
    layout: Layout
    params: Any
    bse: Any
    zvalues: Any
    pvalues: Any
    df: float
    n_samples: float
    cov_kind: str
    weights: str
    loglikelihood: float
    transformed: bool
    conf_int: Any
    estimability: Any

    @property
    def names(self) -> list[str]:
        """``parameter:column`` of every coefficient."""
        return self.layout.names

    def table(self, level: float = 0.95, transform: Any = None) -> Table:
        """Estimates, standard errors, tests and Wald intervals.

        Parameters
        ----------
        level : float
        transform : {None, "natural"}
            "natural": parameters without columns on their own scale (sigma, not its logarithm), and coefficients behind a log
            or logit link exponentiated, as rate and odds ratios. Standard errors by the delta method, intervals as the images
            of the coefficients' ends; z and p test a ratio of one, and are absent for parameters without a natural null value.

        Returns
        -------
        Table
            Prints as text, and as HTML in notebooks; `to_frame`, `to_latex` and `to_markdown` hand it on.
        """
        if transform not in (None, "natural"):
            raise ValueError(f"transform={transform!r} is unknown; use None or 'natural'")
        names, derivative, ends, notes = self.names, 1.0, self.conf_int(level), []
        estimate = np.where(self.estimability.unique, self.params, np.nan)
        has_test = np.ones(len(estimate), dtype=bool)
        if transform:
            names, estimate, derivative, ends, has_test, notes = _natural.transformed(self.model, self.layout, estimate, ends)
        z = np.where(has_test, self.zvalues, np.nan)
        columns = {
            "estimate": estimate,
            "std err": self.bse * np.abs(derivative),
            **statistic_columns(self.df, z),
            **interval(level, *ends.T),
        }
        shown = ~self.layout.in_terms
        columns = {label: np.asarray(values)[shown] for label, values in columns.items()}
        names = [name for name, is_shown in zip(names, shown, strict=True) if is_shown]
        notes = [*notes, *self.estimability.notes()]
        return Table(columns, names, notes=notes, formats={"p": probability})

    def terms(self) -> Table:
        """Effective degrees of freedom, penalty and test of each term of the argument `penalties`.

        The test is that of the hypothesis that the term is zero: that a function of x is constant, that groups are equal. The
        statistic is b' V^-1 b, with V the Bayesian covariance of the coefficients b, its p-value that of the weighted sum of
        chi-squared variables which the estimates then have. That of a function with a part that no penalty shrinks, as the
        straight line of a smooth, is restricted to about as many directions as it has degrees of freedom. Both take the
        penalties for known, so that one near a limit should be read as near it.

        Returns
        -------
        Table

        References
        ----------
        Wood (2013), A simple test for random effects in regression models, doi:10.1093/biomet/ast038. Wood (2013), On p-values
        for smooth components of an extended generalized additive model, doi:10.1093/biomet/ass048.
        """
        return terms_table(self)

    def summary(self, level: float = 0.95, transform: Any = None) -> Table:
        """`table` with the facts of the fit above it.

        Parameters
        ----------
        level : float, default=0.95
            Coverage of the intervals.
        transform : "natural", optional
            As in `table`.

        Returns
        -------
        Table
            Prints as text, and as HTML in notebooks.
        """
        table, model = self.table(level, transform), self.model
        table.title = f"{type(model).__name__}, {model.likelihood_!r}"
        table.head = [
            ("observations", f"{self.n_samples:g}"),
            ("log-likelihood", f"{self.loglikelihood:.6g}" + " (of the transformed target)" * self.transformed),
            ("parameters", f"{model.n_params_:.6g}"),
            *[("AIC, BIC", f"{model.aic_:.6g}, {model.bic_:.6g}")] * (self.weights == "frequency" and not self.transformed),
            ("covariance", self.cov_kind + (f", {self.weights} weights" if self.weights != "frequency" else "")),
        ]
        if np.isfinite(self.df):
            table.head.append(("t distribution", f"{self.df:g} degrees of freedom"))
        table.below = [self.terms()] if hasattr(model, "edf_") else []
        links = (f"{name} {str(model.likelihood_.layout[name].link).removesuffix('()')}" for name in model.coefs_)
        table.notes.append("links: " + ", ".join(links))
        if self.weights == "analytic":
            table.notes.append(
                "log-likelihood and other parameters than the first take weights for frequencies: fit precisions by exposure, "
                "see MLERegressor.fit"
            )
        return table

    def to_frame(self, level: float = 0.95, transform: Any = None) -> Any:
        """`table` as a data frame.

        Parameters
        ----------
        level : float, default=0.95
            Coverage of the intervals.
        transform : "natural", optional
            As in `table`.

        Returns
        -------
        pandas.DataFrame
        """
        return self.table(level, transform).to_frame()

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()
