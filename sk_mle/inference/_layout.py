"""One flat vector for the coefficients of all parameters, with a name for every entry."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from .._model.design import Design
from .._predictive.unwrapping import Unwrapped


class Part(NamedTuple):
    """The coefficients of one parameter, or of one entry of a vector parameter."""

    parameter: str
    entry: int
    label: str
    intercept: bool
    columns: list[str]
    place: slice


class Layout:
    """Names and places: entry by entry of every parameter, its intercept first, then its columns.

    `params` of a fitted estimator becomes a vector by `flatten`, and a vector the two dicts of an estimator by `unflatten`.
    """

    def __init__(self, inside: Unwrapped):
        self.parts: list[Part] = []
        model, names = inside.model, inside.feature_names()
        law, end = model.likelihood_, 0
        for parameter, predictor in model.fit_.predictors.items():
            intercept = predictor.intercept
            labels = [f"x{j}" if names is None else names[j] for j in predictor.columns]
            entries = [None] if not law.parameter(parameter).vector else law.parameter(parameter).entries
            if law.target_type == "classes" and len(entries) == len(model.classes_):
                entries = model.classes_
            for k, entry in enumerate(entries):
                start, end = end, end + intercept + len(labels)
                label = parameter if entry is None else f"{parameter}[{entry}]"
                self.parts.append(Part(parameter, k, label, intercept, labels, slice(start, end)))
        self.size = end
        self.vector = {name for name in model.fit_.predictors if law.parameter(name).vector}

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Where a name stands; in several places where columns of X share it."""
        found: dict[str, list[int]] = {}
        for i, name in enumerate(self.names):
            found.setdefault(name, []).append(i)
        return found

    @cached_property
    def families(self) -> dict[str, list[int]]:
        """Where all entries of a vector parameter stand, by ``parameter:column``."""
        found: dict[str, list[int]] = {}
        for part in self.parts:
            for i, name in enumerate(self._names_of(part), part.place.start):
                found.setdefault(f"{part.parameter}:{name}", []).append(i)
        return found

    @cached_property
    def columns(self) -> dict[tuple[str, str], list[int]]:
        """Where a column stands, by its name and that of the parameter, or of one entry of a vector parameter."""
        found: dict[tuple[str, str], list[int]] = {}
        for part in self.parts:
            for i, column in enumerate(part.columns, part.place.start + part.intercept):
                for label in {part.label, part.parameter}:
                    found.setdefault((label, column), []).append(i)
        return found

    @cached_property
    def names(self) -> list[str]:
        return [f"{part.label}:{name}" for part in self.parts for name in self._names_of(part)]

    @property
    def intercepts(self) -> list[str]:
        """Names of the intercepts."""
        return [self.names[part.place.start] for part in self.parts if part.intercept]

    @staticmethod
    def _names_of(part: Part) -> list[str]:
        """The intercept and the columns, of which one called intercept stands in backticks beside the former."""
        quoted = ["`intercept`" if part.intercept and column == "intercept" else column for column in part.columns]
        return ["intercept"] * part.intercept + quoted

    def flatten(self, coefs, intercepts) -> np.ndarray:
        vector = np.empty(self.size)
        for part in self.parts:
            slopes, start = np.atleast_2d(coefs[part.parameter])[part.entry], np.atleast_1d(intercepts[part.parameter])
            vector[part.place] = [*[start[part.entry]] * part.intercept, *slopes]
        return vector

    def unflatten(self, vector) -> tuple[dict, dict]:
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
        """From a solver's coordinates to the vector: a linear map."""
        matrix, end = np.zeros((self.size, sum(d.size for d in designs.values()))), 0
        place = {}
        for name, design in designs.items():
            place[name], end = slice(end, end + design.size), end + design.size
        for part in self.parts:
            design = designs[part.parameter]
            unit = design.unit[part.entry]
            block = np.einsum("ir,k->irk", design.original_matrix(), unit).reshape(-1, design.size)
            matrix[part.place, place[part.parameter]] = block if part.intercept else block[1:]
        return matrix
