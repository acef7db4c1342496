"""One flat vector for the coefficients of all parameters, with a name for every entry."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from .._model.columns import entries_of
from .._model.design import Design
from .._predictive.unwrapping import Unwrapped


class Part(NamedTuple):
    """The coefficients of one parameter, or of one entry of a vector parameter, and their slice of the flat vector.

    `columns` are their names: those of columns of X, or, where they are not `linear`, of the coefficients of a curve.
    """

    parameter: str
    entry: int
    label: str
    intercept: bool
    columns: list[str]
    place: slice
    linear: bool = True


class Meaning(NamedTuple):
    """One meaning of a name: coefficients of a parameter, or of one entry of a vector, and their positions."""

    label: str
    places: list[int]


def quoted(name: str) -> str:
    """A name in backticks; backticks inside it are doubled."""
    return "`" + name.replace("`", "``") + "`"


class Layout:
    """Names and positions in the flat vector: by parameter, by entry of a vector parameter, intercept first, then columns.

    `params` of a fitted estimator becomes a vector by `flatten`, and a vector the two dicts of an estimator by `unflatten`.
    """

    def __init__(self, unwrapped: Unwrapped) -> None:
        self.parts: list[Part] = []
        in_terms: list[bool] = []
        model, names = unwrapped.model, unwrapped.feature_names()
        law, end = model.likelihood_, 0
        for parameter, predictor in model.fit_.predictors.items():
            intercept = predictor.intercept
            labels = predictor.labels(names)
            labels = [f"x{label}" if isinstance(label, int | np.integer) else label for label in labels]
            for k, entry in enumerate(entries_of(model, law, parameter) if law.layout[parameter].vector else [None]):
                start, end = end, end + intercept + len(labels)
                in_terms += [False] * intercept + [j in predictor.made for j in predictor.columns]
                in_terms += [False] * (end - len(in_terms))
                label = parameter if entry is None else f"{parameter}[{entry}]"
                self.parts.append(Part(parameter, k, label, intercept, labels, slice(start, end), predictor.curve is None))
        self.size = end
        self.in_terms = np.array(in_terms, dtype=bool)
        self.vector = {name for name in model.fit_.predictors if law.layout[name].vector}

    @cached_property
    def columns(self) -> dict[tuple[str, str], list[int]]:
        """Positions by (label, column), where the label is a parameter or one entry of a vector parameter."""
        positions: dict[tuple[str, str], list[int]] = {}
        for part in self.parts:
            for i, column in enumerate(part.columns, part.place.start + part.intercept):
                for label in {part.label, part.parameter}:
                    positions.setdefault((label, column), []).append(i)
        return positions

    @cached_property
    def constants(self) -> dict[str, list[int]]:
        """Positions of the intercepts of a parameter, or of one entry of a vector parameter, by its label."""
        positions: dict[str, list[int]] = {}
        for part in self.parts:
            for label in {part.label, part.parameter} if part.intercept else ():
                positions.setdefault(label, []).append(part.place.start)
        return positions

    @cached_property
    def labels(self) -> list[str]:
        """Labels of the parameters and of the entries of vector parameters."""
        return sorted({label for part in self.parts for label in (part.label, part.parameter)})

    def meanings_of(self, text: str) -> dict[str, Meaning]:
        """The possible meanings of a name without backticks, by the unambiguous name of each."""
        first, meanings = self.parts[0].parameter, {}
        if (first, text) in self.columns:
            meanings[f"{quoted(text)} in backticks for the column"] = Meaning(first, self.columns[first, text])
        if text == "intercept" and first in self.constants:
            meanings[f"{first}:{text} for the intercept"] = Meaning(first, self.constants[first])
        for label in self.labels:
            column = text.removeprefix(f"{label}:")
            if column == text:
                continue
            if column == "intercept" and label in self.constants:
                unambiguous = "a matrix of hypotheses" if (label, column) in self.columns else f"{label}:{quoted(column)}"
                meanings[f"{unambiguous} for the intercept of {label}"] = Meaning(label, self.constants[label])
            elif (label, column) in self.columns:
                meanings[f"{label}:{quoted(column)} for column {column!r} of {label}"] = Meaning(
                    label, self.columns[label, column]
                )
        return meanings

    @cached_property
    def names(self) -> list[str]:
        """Full names, such as ``scale:x1`` and ``logits[class]:intercept``."""
        return [name for part in self.parts for name in self._names_of(part)]

    @cached_property
    def label_of_each(self) -> list[str]:
        """The parameter, or entry of a vector parameter, of each position."""
        return [part.label for part in self.parts for _ in range(part.place.stop - part.place.start)]

    @property
    def intercepts(self) -> list[str]:
        """Names of the intercepts."""
        return [self.names[part.place.start] for part in self.parts if part.intercept]

    def _names_of(self, part: Part) -> list[str]:
        """In backticks where the plain name could mean something else too: `intercept` beside the intercept, for instance."""
        plain = ["intercept"] * part.intercept + part.columns
        names = []
        for i, name in enumerate(plain, part.place.start):
            read = list(self.meanings_of(f"{part.label}:{name}").values())
            clear = len(read) == 1 and i in read[0].places
            names.append(f"{part.label}:{name if clear else quoted(name)}")
        return names

    def flatten(self, coefs: dict, intercepts: dict) -> np.ndarray:
        """The flat vector of an estimator's two dicts."""
        vector = np.empty(self.size)
        for part in self.parts:
            slopes, start = np.atleast_2d(coefs[part.parameter])[part.entry], np.atleast_1d(intercepts[part.parameter])
            vector[part.place] = [*[start[part.entry]] * part.intercept, *slopes]
        return vector

    def unflatten(self, vector: np.ndarray) -> tuple[dict, dict]:
        """The dicts `coefs` and `intercepts` of a flat vector."""
        coefs: dict = {}
        intercepts: dict = {}
        for part in self.parts:
            values = vector[part.place]
            coefs.setdefault(part.parameter, []).append(values[int(part.intercept) :])
            intercepts.setdefault(part.parameter, []).append(values[0] if part.intercept else 0.0)
        return (
            {name: np.array(value) if name in self.vector else value[0] for name, value in coefs.items()},
            {name: np.array(value) if name in self.vector else float(value[0]) for name, value in intercepts.items()},
        )

    def jacobian(self, designs: dict[str, Design]) -> np.ndarray:
        """The matrix (size, n_coordinates) that maps a solver's coordinates u to the flat vector."""
        matrix, end = np.zeros((self.size, sum(d.size for d in designs.values()))), 0
        place = {}
        for name, design in designs.items():
            place[name], end = slice(end, end + design.size), end + design.size
        for part in self.parts:
            design = designs[part.parameter]
            unit = design.output_basis[part.entry]
            block = np.einsum("ir,k->irk", design.original_matrix(), unit).reshape(-1, design.size)
            matrix[part.place, place[part.parameter]] = block if part.intercept else block[1:]
        return matrix
