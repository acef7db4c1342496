"""Coefficients that the data do not tell apart, and what is estimable although they are not.

Where columns are linearly dependent, as those of a one-hot encoding beside an intercept, the coefficients move along some
directions without changing a linear predictor of any row. The fit is the one of smallest norm. What does not change along
these directions, R b with R N = 0, has the same estimate and standard error as in a fit without the redundant columns: a
coefficient of another column, predictions, effects, differences. Nothing else is estimable (Searle 1971, Linear Models,
chapter 5).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import linalg

from .._model.design import MAX_ROTATED_COLUMNS
from .._model.moments import Moments
from .._model.objective import Objective
from .._utils.messages import rows_text
from ._layout import Layout, Part

MAX_RELATIVE_CHANGE = 1e-6  # along a direction, relative to its parts, that counts as rounding
MAX_RELATIVE_ENTRY = 1e-7  # contribution of a column to a direction, relative to the largest, that counts as rounding
MAX_TERMS = 8  # of an equation in a message


class NotEstimableError(ValueError):
    """The quantity depends on coefficients that are not identified.

    Parameters
    ----------
    message : str
    reason : str
        Why they are not.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.inference import NotEstimableError
    >>> X, y = [[0, 1], [0, 1], [1, 0], [1, 0], [1, 0]], [1.0, 1.2, 2.1, 2.5, 2.0]  # both columns of a one-hot encoding
    >>> inference = MLERegressor().fit(X, y).inference(X, y)
    >>> try:
    ...     inference.predict([[1, 1]])
    ... except NotEstimableError as error:
    ...     print(error.reason)
    in every row x0 + x1 = 1
    >>> inference.predict([[1, 0]])["mean"].round(3)
    array([2.2])
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type, Any]:
        return type(self), (*self.args, self.reason)


@dataclass(frozen=True)
class Estimability:
    """The directions along which the coefficients are not identified.

    Attributes
    ----------
    directions : ndarray of shape (P, d)
        In the coefficients; entries that are rounding errors are zero.
    redundant : list of str
        A coefficient per direction; without these columns all others are identified.
    reasons : list of str
        Why each direction is not identified, as clauses: "in every row a + b = 1".
    names : list of str
        Of all coefficients.
    remedies : list of str
        What to do about each direction along which the estimate is unique and only its curvature is not known; "" for others.
    """

    directions: np.ndarray
    redundant: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list, kw_only=True)
    remedies: list[str] = field(default_factory=list, kw_only=True)

    def joined(self, directions: Any, redundant: Any, reasons: Any, remedies: Any = None) -> Estimability:
        """These directions and others."""
        every = np.hstack([self.directions, directions])
        return Estimability(
            every,
            [*self.redundant, *redundant],
            [*self.reasons, *reasons],
            names=self.names,
            remedies=[*self.remedies, *(remedies or [""] * len(reasons))],
        )

    @property
    def identified(self) -> np.ndarray:
        """Which coefficients are identified: mask (P,)."""
        return np.logical_not(self.directions.any(axis=1))

    @property
    def unique(self) -> np.ndarray:
        """Which coefficients have one estimate, whether or not its standard error is known: mask (P,)."""
        return np.logical_not(self.directions[:, [not remedy for remedy in self.remedies]].any(axis=1))

    def changes(self, gradients: Any) -> np.ndarray:
        """Whether functions with these gradients in the coefficients (..., P) change along each direction: (..., d)."""
        gradients = np.asarray(gradients)
        size = np.abs(gradients) @ np.abs(self.directions)
        return np.asarray(np.abs(gradients @ self.directions) > MAX_RELATIVE_CHANGE * size)

    def rows_change(self, part: Part, Z: Any) -> np.ndarray:
        """Whether linear predictors of a part with design matrix Z (n, q) change along each direction: (n, d)."""
        own = self.directions[part.place]
        return np.abs(Z @ own) > MAX_RELATIVE_CHANGE * (np.abs(Z) @ np.abs(own))

    def check(self, gradients: Any, texts: Any) -> None:
        """Raise NotEstimableError unless functions with gradients (m, P) are estimable; `texts` names each."""
        changed = self.changes(gradients)
        for row, text in zip(changed, texts, strict=True):
            if row.any():
                raise NotEstimableError(f"{text} is not estimable: {self.because(row)}", self.why(row))

    def check_coefficients(self, index: np.ndarray) -> None:
        """Raise NotEstimableError unless the coefficients at these positions are identified."""
        if self.reasons:
            self.check(np.eye(len(self.names))[index], [self.names[i] for i in index])

    def check_rows(self, changed: Any, parameter: str, first: int = 0) -> None:
        """Raise NotEstimableError if predictions of a parameter change along a direction: `changed` (n, d)."""
        rows = np.flatnonzero(changed.any(axis=1))
        if len(rows):
            chosen = changed.any(axis=0)
            unlike = "" if any(self.remedies[i] for i in np.flatnonzero(chosen)) else ", as no row of the fit was like it"
            raise NotEstimableError(
                f"{rows_text(rows + first)} of X: {parameter} is not estimable there{unlike}: "
                f"{self.because(chosen, 'leave such rows out')}",
                self.why(chosen),
            )

    def why(self, chosen: Any) -> str:
        """The reasons of the directions in a mask (d,), or at these places."""
        places = np.arange(len(self.reasons))[chosen]
        return "; ".join(list(dict.fromkeys(self.reasons[i] for i in places))[:MAX_TERMS])

    def because(self, chosen: Any, remedy: str = "ask for predictions, effects or differences") -> str:
        """The reasons of the directions in a mask (d,), and what to do."""
        chosen = np.flatnonzero(chosen)
        for i in chosen:
            if self.remedies[i]:
                return f"{self.reasons[i]}: {self.remedies[i]}"
        named = listed([self.redundant[i] for i in chosen])
        return (
            f"{self.why(chosen)}. Other coefficients fit as well and give another value: {remedy}, or leave {named} out of "
            "the fit"
        )

    def notes(self) -> list[str]:
        """Sentences for under a table of coefficients, in which those that are not identified have a dash."""
        why = list(dict.fromkeys(self.reasons))
        if not why:
            return []
        return [
            "–: not identified, because" if not all(self.remedies) else "–: no standard error, because",
            *[f"   {reason}" for reason in why[:MAX_TERMS]],
            *["   ..."] * (len(why) > MAX_TERMS),
            f"   Without {listed(self.redundant)} all are. Predictions, effects and differences have their standard errors.",
        ]


def listed(names: Any) -> str:
    """The first eight names, separated by commas."""
    return ", ".join(names[:MAX_TERMS]) + (", ..." if len(names) > MAX_TERMS else "")


def dependent_columns(layout: Layout, objective: Objective) -> Estimability:
    """The directions that linearly dependent columns leave free."""
    result, moments = Estimability(np.zeros((layout.size, 0)), names=layout.names), {}
    for part in layout.parts:
        design = objective.designs[part.parameter]
        if design.columns is None or design.original_column_basis().ndim == 1:
            continue
        basis = design.original_matrix()[1:, int(design.intercept) :]
        if basis.shape[1] == len(part.columns):
            continue
        if design.intercept not in moments:
            moments[design.intercept] = Moments(objective.data, design.intercept, MAX_ROTATED_COLUMNS)
        index = design.columns.index
        mean, size = moments[design.intercept].mean[index], np.hypot(*_mean_and_scale(moments[design.intercept], index))
        slopes = _complement(basis)
        free = np.vstack([[-mean @ slopes] * part.intercept, slopes])
        leads = np.arange(len(free)) >= part.intercept
        directions, pivots = sparse_basis(free, np.append([1.0] * part.intercept, size), leads)
        full = np.zeros((layout.size, len(pivots)))
        full[part.place] = directions
        reasons = [f"in every row {_equation(part, direction)}" for direction in directions.T]
        result = result.joined(full, [layout.names[part.place.start + pivot] for pivot in pivots], reasons)
    return result


def without_information(
    layout: Layout, objective: Objective, jacobian: Any, free: Any
) -> tuple[np.ndarray, list[str], list[str]]:
    """The directions in which no row has information, the leads and the reasons, from coordinates `free` by parameter."""
    every, size = [np.zeros((layout.size, 0))], np.ones(layout.size)
    leads: list[str] = []
    reasons: list[str] = []
    for part in layout.parts if free else ():
        design = objective.designs[part.parameter]
        if not design.linear:
            size[part.place] = design.coefficient_scales(objective.data.in_memory.X[: 1 << 14])
        elif design.columns is not None:
            moments = Moments(objective.data, design.intercept, MAX_ROTATED_COLUMNS)
            size[part.place] = np.append([1.0] * part.intercept, np.hypot(*_mean_and_scale(moments, design.columns.index)))
    for name, vectors in free.items():
        moved = jacobian[:, objective.slices[name]] @ vectors
        directions, pivots = sparse_basis(moved, size, np.ones(layout.size, bool))
        named = [[layout.names[i] for i in np.flatnonzero(direction)] for direction in directions.T]
        every, leads = [*every, directions], [*leads, *(layout.names[pivot] for pivot in pivots)]
        reasons += [
            f"the likelihood does not depend on {names[0]}, on which no row has information"
            if len(names) == 1
            else f"rows with information on {name} do not tell {listed(names)} apart"
            for names in named
        ]
    return np.hstack(every), leads, reasons


def without_curvature(layout: Layout, jacobian: Any, block: Any, law: str) -> tuple:
    """The arguments of `Estimability.joined` for directions along which a kernel gives no estimate of the curvature."""
    if not block.unresolved.shape[1]:
        return np.zeros((layout.size, 0)), [], []
    directions, leads = sparse_basis(jacobian @ block.unresolved, np.ones(layout.size), np.ones(layout.size, bool))
    named = [listed([layout.names[i] for i in np.flatnonzero(direction)]) for direction in directions.T]
    rows = f"{sum(block.n_rows):g} rows depend" if sum(block.n_rows) != 1 else "one row depends"
    reasons = [f"only {rows} on {names}, too few for a kernel estimate at the kinks of {law}" for names in named]
    remedies = [f"merge these rows with others, leave {layout.names[i]} out of the fit, or use cov='expected'" for i in leads]
    return directions, [layout.names[lead] for lead in leads], reasons, remedies


def sparse_basis(vectors: np.ndarray, size: np.ndarray, leads: Any) -> tuple[np.ndarray, np.ndarray]:
    """A basis of the same space in which every vector has a coefficient of its own, its lead, and few others.

    Reduced column echelon form of `vectors` (m, d) in units of `size` (m,); only entries in the mask `leads` may lead. Returns
    the vectors, of which the leads are one, and the positions of the leads.
    """
    unit = np.where(size > 0, size, 1.0)[:, None]
    scaled = vectors * unit
    scaled = scaled / np.linalg.norm(scaled, axis=0)
    candidates = np.flatnonzero(leads)
    _, _, order = linalg.qr(scaled[candidates].T, mode="economic", pivoting=True)
    pivots = np.sort(candidates[order[: scaled.shape[1]]])
    scaled = np.linalg.solve(scaled[pivots].T, scaled.T).T
    scaled[np.abs(scaled) <= MAX_RELATIVE_ENTRY * np.abs(scaled).max(axis=0)] = 0.0
    return scaled / unit * unit[pivots].T, pivots


def _mean_and_scale(moments: Moments, index: Any) -> tuple[np.ndarray, np.ndarray]:
    return moments.mean[index], moments.scale[index]


def _complement(basis: np.ndarray) -> np.ndarray:
    """The directions orthogonal to the columns of a matrix whose rows may be of very different sizes."""
    norm = np.linalg.norm(basis, axis=1, keepdims=True)
    norm[norm == 0] = 1.0
    return np.linalg.svd(basis / norm)[0][:, basis.shape[1] :] / norm


def _equation(part: Part, direction: np.ndarray) -> str:
    """The sum of columns that is zero along a direction, as an equation with positive terms: "a + b = 1", "c = a + 2 b"."""
    constant = direction[0] if part.intercept else 0.0
    sides: tuple[list[str], list[str]] = ([], [])
    for name, factor in zip(part.columns, direction[int(part.intercept) :], strict=True):
        if factor:
            size = "" if abs(abs(factor) - 1) < 1e-9 else f"{abs(factor):.6g} "
            sides[int(factor < 0)].append(f"{size}{name}")
    if constant or not sides[1]:
        sides[int(constant < 0)].append(f"{abs(constant):.6g}")
    return " = ".join(" + ".join(side if len(side) <= MAX_TERMS else [*side[:3], "...", *side[-2:]]) for side in sides)
