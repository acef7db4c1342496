"""Terms of linear predictors: their tests, their table and their part of a linear predictor."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg
from scipy.stats import chi2

from .._model.predictor import Term
from .._utils.tables import Table, number, probability
from ._chi_squared import weighted_chi_squared_sf
from ._layout import Layout, Part

MIN_SHARE_OF_EIGENVALUE = 1e-6  # fraction of a degree of freedom that counts
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
    free = [bool((one.term.weights.sum(axis=0) == 0).any()) for one in terms]  # of a penalty: the straight line of a smooth
    information = _information(inference, penalty) if any(free) else np.zeros((0, 0))
    tests = [
        _test_of_smooth(inference, one, penalty, information) if smooth else _test(inference, one.positions, penalty)
        for one, smooth in zip(terms, free, strict=True)
    ]
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


def _information(inference: Any, penalty: np.ndarray) -> np.ndarray:
    """The information (P, P) without the penalty: the inverse of the Bayesian covariance, less that."""
    V = inference.root @ inference.root.T
    size = np.sqrt(np.diag(V))
    live = np.flatnonzero(size)
    values, vectors = linalg.eigh(V[np.ix_(live, live)] / np.outer(size[live], size[live]))
    known = values > MIN_EIGENVALUE * values[-1]
    half, result = vectors[:, known] / np.sqrt(values[known]) / size[live, None], np.zeros_like(V)
    result[np.ix_(live, live)] = half @ half.T
    return result - np.diag(penalty)


def _test_of_smooth(
    inference: Any, tested: TermCoefficients, penalty: np.ndarray, information: np.ndarray
) -> tuple[float, float]:
    """Statistic and p-value of the hypothesis that a function is constant.

    With R'R the information of its coefficients b and V their Bayesian covariance, the statistic is b'R' W R b, W the inverse
    of R V R' on as many of its largest eigenvalues as the function has degrees of freedom: the trace of 2F - FF, F = I - VS.
    Of a number k + nu of these that is no integer, the last two eigenvalues share the weight 1 + nu (Wood 2013, On p-values for
    smooth components of an extended generalized additive model, doi:10.1093/biomet/ass048). How they share it depends on the
    signs of eigenvectors, which are arbitrary: the p-value is the mean of both, the statistic that of functions which all rise
    where they begin. `summary.gam` of R's mgcv orients them by its first column, a bump there, which comes to the same.
    """
    index = tested.positions
    rows, b = inference.root[index], inference.params[index]
    V = rows @ inference.root.T
    rank = min(len(index) - float(penalty[index] @ (V**2 @ penalty)), float(len(index)))
    own, axes = linalg.eigh(information[np.ix_(index, index)])
    R = (axes * np.sqrt(np.maximum(own, 0.0))).T
    values, vectors = linalg.eigh(R @ V[:, index] @ R.T)
    values, vectors = values[::-1], vectors[:, ::-1]
    vectors = vectors * np.copysign(1.0, _slopes_at_start(tested, own, axes) @ vectors)
    z = (vectors.T @ (R @ b)) / np.sqrt(np.maximum(values, np.finfo(float).tiny))
    n_known = int((values > MIN_EIGENVALUE * values[0]).sum())
    k = int(rank)
    nu = rank - k
    if k + (nu > 0) > n_known:
        k, nu = n_known, 0.0
    if k == 0 or nu < MIN_SHARE_OF_EIGENVALUE:
        statistic = float(np.sum(z[: max(k, 1)] ** 2))
        return statistic, float(chi2.sf(statistic, max(k, 1)))
    last, shared = z[k - 1 : k + 1], np.sqrt(nu * (1 - nu) / 2)
    statistic, other = (
        float(np.sum(z[: k - 1] ** 2) + last[0] ** 2 + nu * last[1] ** 2 + 2 * sign * shared * last[0] * last[1])
        for sign in (1, -1)
    )
    larger = (1 + nu + np.sqrt((1 + nu) * (1 - nu))) / 2
    weights = np.append(np.ones(k - 1), [larger, 1 + nu - larger])
    return statistic, (weighted_chi_squared_sf(statistic, weights) + weighted_chi_squared_sf(other, weights)) / 2


def _slopes_at_start(tested: TermCoefficients, own: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Slopes where they begin of the functions whose coefficients are the columns of R's inverse, R = sqrt(own) axes'."""
    start, known = tested.term.slopes_at_start, own > MIN_EIGENVALUE * own[-1]
    slopes = np.eye(1, len(own))[0] if start is None else np.tile(start, len(tested.places))  # else by the first coefficient
    return (slopes @ axes) * np.where(known, 1 / np.sqrt(np.where(known, own, 1.0)), 0.0)


def _test(inference: Any, index: Any, penalty: Any) -> tuple[float, float]:
    """Statistic b' V^-1 b of the hypothesis that a term is zero, and its p-value.

    V is the Bayesian covariance of its coefficients. Where they are zero, their estimates have the covariance V - V S V, S the
    penalty: the statistic is a sum of squares of normal variables, with the eigenvalues of V^-1 (V - V S V) as weights.
    """
    root, b = inference.root, inference.params[index]
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
