"""What all laws share that are made of other laws: whatever is asked of the whole is asked of the parts, by one rule."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import ClassVar

from ...domains import Domain
from .._protocol.base import Likelihood
from .._protocol.parameter import Parameter


class Composite(Likelihood):
    """A law made of the laws in `children`.

    A subclass gives `children`, the laws inside with the names of their parameters in the whole; `_hold`, which puts others in
    their place; and `own`, the parameters that it adds.
    """

    own: ClassVar[dict[str, Domain | Parameter]] = {}

    def _hold(self, laws: Sequence[Likelihood]) -> None:
        """Put these laws in the place of those inside, in the order of `children`."""
        raise NotImplementedError

    def with_children(self, laws: Sequence[Likelihood]) -> Likelihood:
        """A copy with these laws inside, in the order of `children`."""
        law = copy(self)
        law._hold(laws)
        return law

    @property
    def parameters(self):
        found = {ours: child.law.parameters[name] for child in self.children for name, ours in child.names.items()}
        return {**found, **self.own}

    def parameter(self, name):
        for child in self.children:
            for inner, ours in child.names.items():
                if ours == name:
                    return child.law.parameter(inner)
        return super().parameter(name)

    @property
    def target_type(self):
        return self.children[0].law.target_type

    @property
    def atoms(self):
        return tuple(dict.fromkeys(atom for child in self.children for atom in child.law.atoms))

    @property
    def n_starts(self):
        return max(child.law.n_starts for child in self.children)

    @property
    def advice(self):
        return {what: said for child in self.children for what, said in child.law.advice.items()}

    @property
    def is_degenerate(self):
        """Whether a law inside is."""
        asked = [child for child in self.children if child.law.is_degenerate is not None]
        return (lambda y, **params: any(child.law.is_degenerate(y, **child.of(params)) for child in asked)) if asked else None

    def read(self, y):
        return self.children[0].law.read(y)

    def bind(self, y):
        return self.with_children([child.law.bind(y) for child in self.children])

    def at_hand(self):
        law = super().at_hand()
        if law is not self:
            law._hold([child.law.at_hand() for child in law.children])
        return law

    def fix(self, values):
        if not values:
            return self
        inner = {ours for child in self.children for ours in child.names.values()}
        law = super().fix({name: value for name, value in values.items() if name not in inner})
        return law.with_children([child.law.fix(child.of(values)) for child in self.children])

    def canonical_order(self, coefs):
        result = dict(coefs)
        for child in self.children:
            ordered = child.law.canonical_order(child.of(coefs))
            result |= {child.names[name]: value for name, value in ordered.items()}
        return result

    def check(self):
        for child in self.children:
            child.law.check()
        super().check()

    def check_known(self, y, known):
        for child in self.children:
            child.law.check_known(y, child.of(known))
