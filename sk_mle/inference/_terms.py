"""Terms of linear predictors: their tests, their table and their part of a linear predictor."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg

from .._model.predictor import Term
from .._utils.tables import Table, number, probability
from ._chi_squared import weighted_chi_squared_sf
from ._layout import Layout, Part

MAX_SHOWN_PENALTY = 1e6  # with all digits
MIN_EIGENVALUE = 1e-10  # relative, of a term's correlation matrix: smaller ones are directions that no row knows


class TermCoefficients(NamedTuple):
    """A term of a parameter, and the positions of its coefficients in the flat vector, by part of the layout."""

    parameter: str
    term: Term
    places: list[tuple[Part, np.ndarray]]

    @property
    def label(self) -> str:
        return f"{self.parameter}: {self.term.label}"

    @property
    def positions(self) -> np.ndarray:
        """All positions."""
        return np.concatenate([index for _, index in self.places])

    def linearised(self, inference: Any, rows: Any) -> tuple:
        """Its part of the linear predictors of rows, as `linearised` returns functionals."""
        values, slopes = np.zeros((rows.n, len(self.places))), []
        position = {part.label: k for k, (part, _) in enumerate(self.places)}
        for part in inference.layout.parts:
            Z, derivative = rows.design(part.parameter), np.zeros_like(values)
            if part.label in position:
                k = position[part.label]
                Z = np.where(np.isin(np.arange(Z.shape[1]), self.places[k][1] - part.place.start), Z, 0.0)
                values[:, k] = Z @ inference.params[part.place]
                derivative[:, k] = 1.0
            slopes.append((part, derivative, Z))
        return values, slopes


def terms_of(model: Any, layout: Layout) -> list[TermCoefficients]:
    """The terms of a fitted model."""
    result = []
    for name, predictor in model.fit_.predictors.items():
        parts = [part for part in layout.parts if part.parameter == name]
        for term in predictor.terms:
            places = [(part, part.place.start + part.intercept + term.places) for part in parts]
            result.append(TermCoefficients(name, term, places))
    return result


def named_term(inference: Any, name: Any) -> TermCoefficients | None:
    """The term that is called `name`, alone or after its parameter, as in the table of terms; None for other names."""
    terms = terms_of(inference.model, inference.layout)
    return next((one for one in terms if name in (one.label, one.term.label)), None)


def terms_table(inference: Any) -> Table:
    """The table of `Inference.terms`."""
    model, penalty = inference.model, _penalties(inference)
    terms = terms_of(model, inference.layout)
    tests = [_test(inference, one.positions, penalty) for one in terms]
    columns = {
        "edf": np.array([model.edf_[one.parameter][one.term.label] for one in terms]),
        "penalty": np.array([_shown(model.penalties_[one.parameter], one.term) for one in terms], dtype=object),
        "chi2": np.array([statistic for statistic, _ in tests]),
        "p": np.array([pvalue for _, pvalue in tests]),
    }
    return Table(columns, [one.label for one in terms], formats={"p": probability})


def _shown(penalties: dict[str, float], term: Term) -> str:
    """The penalties of a term as text, rounded where a function is as good as a polynomial."""
    values = [penalties[name] for name in term.penalties]
    return ", ".join(number(value) if value < MAX_SHOWN_PENALTY else f"{value:.0e}" for value in values)


def _penalties(inference: Any) -> np.ndarray:
    """The diagonal (P,) of the penalties of a fit, on the scale of the log-likelihood."""
    fit, result = inference.model.fit_, np.zeros(inference.layout.size)
    for part in inference.layout.parts:
        alpha = np.broadcast_to(fit.predictors[part.parameter].alpha, len(part.columns))
        result[part.place.start + part.intercept : part.place.stop] = fit.fingerprint[0] * alpha
    return result


def _test(inference: Any, index: Any, penalty: Any) -> tuple[float, float]:
    """Statistic b' V^-1 b of the hypothesis that a term is zero, and its p-value.

    V is the Bayesian covariance of its coefficients. Where they are zero, their estimates have the covariance V - V S V, S the
    penalty: the statistic is a sum of squares of normal variables, with the eigenvalues of V^-1 (V - V S V) as weights.
    """
    root, b = inference._root, inference.params[index]
    V = root[index] @ root[index].T
    shrunk = root.T @ (penalty[:, None] * root)
    frequentist = V - root[index] @ shrunk @ root[index].T
    scale = np.sqrt(np.diag(V))
    live = scale > 0
    scale, b = scale[live], b[live]
    values, vectors = linalg.eigh(V[np.ix_(live, live)] / np.outer(scale, scale))
    known = values > MIN_EIGENVALUE * values[-1]
    half = vectors[:, known] / np.sqrt(values[known]) / scale[:, None]
    weights = linalg.eigvalsh(half.T @ frequentist[np.ix_(live, live)] @ half)
    statistic = float(np.sum((half.T @ b) ** 2))
    return statistic, weighted_chi_squared_sf(statistic, np.clip(weights, 0.0, 1.0))
