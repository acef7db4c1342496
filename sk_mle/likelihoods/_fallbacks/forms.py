"""Functions of a law of which few classes of laws have a form of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .facts import resolved
from .law import Law

DENSITY = ("loglik", "terms")  # methods of which a class that overrides one has another density

Written = TypeVar("Written", bound=Callable)


class Form:
    """A function `form(law, ...)` that classes of laws may register in place of the default.

    That of a class holds for its subclasses, unless they have another density.
    """

    def __init__(self, default: Callable | None = None) -> None:
        self.default = default
        self.registered: dict[type, Callable] = {}
        self.by_class: dict[type, Callable | None] = {}  # of the classes that were asked for

    def register(self, kind: type) -> Callable[[Written], Written]:
        """A decorator of the form of a class of laws."""

        def register(form: Written) -> Written:
            self.registered[kind] = form
            self.by_class.clear()
            return form

        return register

    def of(self, law: Law) -> Callable | None:
        """The form of a law, or the default."""
        kind = type(resolved(law))
        if kind not in self.by_class:
            base = next((base for base in kind.__mro__ if base in self.registered), None)
            other = base is None or any(getattr(kind, name) is not getattr(base, name) for name in DENSITY)
            self.by_class[kind] = self.default if base is None or other else self.registered[base]
        return self.by_class[kind]
