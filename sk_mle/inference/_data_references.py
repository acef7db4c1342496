"""Weak references to the data of a fit."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any


class DataReferences:
    """Named weak references, which keep no data alive; pickles and copies drop them."""

    def __init__(self, **data: Any) -> None:
        self.references: dict[str, Callable[[], Any]] = {}
        for name, value in data.items():
            try:
                self.references[name] = weakref.ref(value)
            except TypeError:  # a list, say
                self.references[name] = lambda: None

    def __reduce__(self) -> tuple[type, Any]:
        return DataReferences, ()

    def required(self, names: Any, why: str) -> dict[str, Any]:
        """The data under these names, if they were given; ValueError if they no longer exist."""
        data = {name: self.references[name]() for name in names if name in self.references}
        if not data or any(value is None for value in data.values()):
            raise ValueError(f"{why} refits the model, and an Inference keeps no data: pass {' and '.join(names[:2])}")
        return data
