"""Names of coefficients in hypotheses: in full as in a table, by the column alone, or with the column in backticks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple

from ._layout import Meaning, quoted

NUMBER = re.compile(r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")
QUOTED_NAME = re.compile(r"`((?:[^`]|``)*)`")  # a backtick inside is written twice
IDENTIFIER = re.compile(r"[^\W\d][\w:.\[\]]*")


class Token(NamedTuple):
    """A token of a hypothesis: a "name" with its positions, a "number" with its value, or a sign, which is its own kind."""

    kind: str
    value: Any
    text: str
    start: int


class Names:
    """The names of a layout's coefficients, in the order in which they are looked up.

    A full name, ``scale:x1``; all entries of a vector parameter, ``logits:x1``; a column of the first parameter, ``x1``. A
    column of any other name is written in backticks, ``scale:`x 1```.
    """

    def __init__(self, layout: Any) -> None:
        self.layout, self.first = layout, layout.parts[0].parameter

    def find(self, name: str) -> list[int]:
        """Positions of the coefficients with this full name, column name or name in backticks; raises if there are none."""
        if not isinstance(name, str):
            raise TypeError(f"coefficients are named by str, such as {self.layout.names[0]!r}, got {name!r}")
        positions = self.exact(name)
        if positions is None and (named := self._quoted(name)) and named[0] == len(name):
            positions = named[1]
        if positions is None:
            raise ValueError(f"no coefficient is named {name!r}; the names are {self.listed}")
        return positions

    def exact(self, name: str) -> list[int] | None:
        """Positions of the coefficients with exactly this name, or None; ValueError if it is ambiguous."""
        meanings = self.layout.meanings_of(name)
        if len(meanings) > 1:
            raise ValueError(f"{name!r} may mean {len(meanings)} coefficients: write {', or '.join(meanings)}")
        return self._single(name, *meanings.values()) if meanings else None

    def _single(self, name: str, meaning: Meaning) -> list[int]:
        if len(meaning.places) > 1 and any(meaning.label == part.label for part in self.layout.parts):
            raise ValueError(
                f"{len(meaning.places)} columns of X have the name of {name!r}; rename them, or give a matrix of hypotheses"
            )
        return meaning.places

    def _quoted(self, text: str) -> tuple[int, list[int]] | None:
        """Length and positions of a column in backticks, after a parameter or alone, at the start of the text; else None."""
        label = next((label for label in self._labels if text.startswith(f"{label}:`")), "")
        start = len(label) + 1 if label else 0
        if not text[start:].startswith("`"):
            return None
        match = QUOTED_NAME.match(text, start)
        if match is None:
            raise ValueError(f"{text!r}: a backtick is not closed")
        column, parameter = match[1].replace("``", "`"), label or self.first
        places = self.layout.columns.get((parameter, column))
        if places is None and column == "intercept":
            places = self.layout.constants.get(parameter)
        if places is None and not label:
            places = self.exact(column)
        if places is None:
            raise ValueError(f"no coefficient is named {match[0]}; the names are {self.listed}")
        return match.end(), self._single(match[0], Meaning(parameter, places))

    @cached_property
    def _labels(self) -> list[str]:
        return sorted(self.layout.labels, key=len, reverse=True)

    @property
    def listed(self) -> str:
        """The first twelve names, for messages."""
        names = self.layout.names
        return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")

    @cached_property
    def plain_names(self) -> list[str]:
        """Names that need no backticks, the longest first: neither empty nor numbers, without blanks at an end."""
        named = [*self.layout.columns, *((label, "intercept") for label in self.layout.constants)]
        plain_names = {name for label, name in named if label == self.first} | {f"{label}:{name}" for label, name in named}
        plain_names = {
            word for word in plain_names if word and word == word.strip() and not NUMBER.fullmatch(word.lstrip("+- "))
        }
        return sorted(plain_names, key=len, reverse=True)

    def is_number_of_column(self, token: Token) -> bool:
        """Whether the token is a number that a column is called too."""
        return token.kind == "number" and (self.first, token.text) in self.layout.columns

    def written(self, name: str) -> str:
        """A name as a hypothesis can contain it: in backticks if it is not understood without them."""
        if IDENTIFIER.fullmatch(name):
            return name
        with suppress(ValueError):
            if not set(name) & set(",=") and [(token.kind, token.text) for token in self.tokens(name)] == [("name", name)]:
                return name
        return quoted(name)

    def in_full(self, text: str, tokens: list[Token], first: int, end: int) -> str:
        """The text between two positions, with the full name of every coefficient; `tokens` are those in between."""
        parts, position = [], first
        for token in tokens:
            if token.kind == "name" and len(token.value) == 1:
                before = text[position : token.start]
                times = " * " * (before[-1:].isdigit() or before[-1:] == ".")  # 2x is 2 * loc:x
                parts += [before, times, self.with_label(token.text, token.value[0])]
                position = token.start + len(token.text)
        return "".join([*parts, text[position:end]])

    def with_label(self, text: str, place: int) -> str:
        """The text that the user wrote for a coefficient, with the label of its parameter in front."""
        label = next(part.label for part in self.layout.parts if part.place.start <= place < part.place.stop)
        return text if text.startswith(f"{label}:") else f"{label}:{text}"

    def tokens(self, text: str, without: str = "") -> Iterator[Token]:
        """The tokens of a hypothesis; the name `without` is not recognised."""
        position = 0
        while position < len(text):
            kind, value, length = self._next(text[position:], text, without)
            if kind:
                yield Token(kind, value, text[position : position + length], position)
            position += length

    def _next(self, rest: str, text: str, without: str) -> tuple[str, Any, int]:
        if rest[0].isspace():
            return "", None, 1
        if named := self._quoted(rest):
            return "name", named[1], named[0]
        for word in self.plain_names:
            if rest.startswith(word) and word != without and not re.match(r"\w", rest[len(word) : len(word) + 1]):
                return "name", self.exact(word), len(word)
        if number := NUMBER.match(rest):
            return "number", float(number[0]), number.end()
        if rest[0] in "+-*=,":
            return rest[0], None, 1
        if unknown := re.match(r"[\w:\[\]]+", rest):
            raise ValueError(f"no coefficient is named {unknown[0]!r}; the names are {self.listed}")
        raise ValueError(
            f"{text!r}: {rest[0]!r} has no meaning here; write sums with factors, such as '2 * {self.layout.names[0]} = 1', "
            "and columns of odd names in backticks"
        )
