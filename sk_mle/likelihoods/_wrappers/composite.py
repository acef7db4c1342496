"""Base class of all laws made of other laws: each question about the whole is passed on to the parts, by one rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from ...domains import Domain
from .._fallbacks.facts import with_values
from .._protocol.base import Likelihood
from .._protocol.derived import derived
from .._protocol.parameter import Parameter, Parameters, completed


class Composite(Likelihood):
    """A law made of the laws in `children`.

    A subclass gives `children`, the laws inside with the names of their parameters in the composite; `_replace_children`; and
    `own`, the parameters that it adds.
    """

    if TYPE_CHECKING:  # a subclass may give it as a value or as a property

        @property
        def own(self) -> Mapping[str, Domain | Parameter]: ...
    else:
        own = {}

    def _replace_children(self, laws: Sequence[Likelihood]) -> None:
        """Replace the laws inside, in the order of `children`."""
        raise NotImplementedError

    def with_children(self, laws: Sequence[Likelihood]) -> Likelihood:
        """A copy with these laws inside, in the order of `children`."""
        law = copy(self)
        law._replace_children(laws)
        return law

    @property
    def parameters(self) -> dict[str, Domain | Parameter]:
        inner = {outer: child.law.parameters[name] for child in self.children for name, outer in child.names.items()}
        return {**inner, **self.own}

    @derived
    def layout(self) -> Parameters:
        inner: dict[str, Parameter] = {}
        for child in self.children:
            layout = child.law.layout
            inner |= {outer: layout[name] for name, outer in child.names.items() if outer not in inner}
        return Parameters({**inner, **completed(self, self.own)})

    @property
    def target_type(self) -> str:
        return self.children[0].law.target_type

    def read(self, y: Any) -> np.ndarray:
        return self.children[0].law.read(y)

    def bind(self, y: np.ndarray, /, **known: np.ndarray) -> Likelihood:
        return self.with_children([child.law.bind(y, **child.of(known)) for child in self.children])

    def check(self) -> None:
        for child in self.children:
            child.law.check()
        super().check()


@with_values.register(Composite)
def with_inner_values(law: Composite, values: dict) -> Likelihood:
    """Values of the composite's own parameters, and those of the laws inside."""
    if not values:
        return law
    inner = {outer for child in law.children for outer in child.names.values()}
    own = with_values.dispatch(Likelihood)(law, {name: value for name, value in values.items() if name not in inner})
    return own.with_children([with_values(child.law, child.of(values)) for child in law.children])
