"""Values that follow from a law's arguments, and that a law at hand holds."""

from __future__ import annotations

from collections.abc import Callable

LOOKED_UP = ("parameter", "base_measure", "free", "fixed", "known", "_leaving", "_held")


class derived:
    """A property that an instance may hold as a value of its own: a fit settles once what its law derives from arguments."""

    def __init__(self, compute: Callable):
        self.compute, self.__doc__ = compute, compute.__doc__

    def __get__(self, law, kind=None):
        return self if law is None else self.compute(law)
