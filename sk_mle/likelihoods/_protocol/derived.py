"""Values derived from a law's arguments, which `Likelihood.prepared` computes once."""

from __future__ import annotations

from collections.abc import Callable

LOOKED_UP = ("parameter", "base_measure", "free", "fixed", "known", "_leaving", "_law_with_values")


class derived:
    """A property that an attribute of the instance of the same name replaces, so that a fit computes it once."""

    def __init__(self, compute: Callable):
        self.compute, self.__doc__ = compute, compute.__doc__

    def __get__(self, law, kind=None):
        return self if law is None else self.compute(law)
