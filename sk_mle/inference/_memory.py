"""The data of a fit, remembered as long as their owner keeps them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any


class Memory:
    """Weak references: they keep nothing alive, and a pickle or a copy forgets them."""

    def __init__(self, **data: Any):
        self.references: dict[str, Callable[[], Any]] = {}
        for name, value in data.items():
            try:
                self.references[name] = weakref.ref(value)
            except TypeError:  # a list, say
                self.references[name] = lambda: None

    def __reduce__(self):
        return Memory, ()

    def recall(self, names, why: str) -> dict[str, Any]:
        """The data of these names that were given, or ValueError where they are gone."""
        data = {name: self.references[name]() for name in names if name in self.references}
        if not data or any(value is None for value in data.values()):
            raise ValueError(f"{why} refits the model, and an Inference keeps no data: pass {' and '.join(names[:2])}")
        return data
