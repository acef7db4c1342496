"""A law made of several named ones, in the grammar of scikit-learn's compositions: ``a__scale`` is the scale of part a."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._protocol.base import Child, Likelihood
from .._protocol.relations import Relations
from .composite import Composite


class Composition(Composite):
    """A law of named components.

    A subclass takes `components`, a list of (name, law), and `shared`, names of parameters that all components share.
    """

    components: list[tuple[str, Likelihood]]
    shared: list[str] | None

    @property
    def relations(self) -> Relations:
        return Relations(
            irregular="with fewer components, parameters of the others are not identified, and the statistic has no known law",
            canonical_order=lambda law, coefs: self._components_in_order(coefs),
        )

    def get_params(self, deep: bool = True) -> dict:
        params = super().get_params(deep=deep)
        if deep and _well_formed(self.components):
            for name, law in self.components:
                params |= {name: law, **{f"{name}__{key}": value for key, value in law.get_params().items()}}
        return params

    def set_params(self, **params: Any) -> Likelihood:
        if "components" in params:  # first, as the other names refer to them
            self.components = params.pop("components")
        if _well_formed(self.components):
            self.components = [(name, params.pop(name, law)) for name, law in self.components]
        return super().set_params(**params)

    @property
    def children(self) -> tuple[Child, ...]:
        shared = self.shared or ()
        return tuple(
            Child(law, {name: name if name in shared else f"{part}__{name}" for name in law.parameters})
            for part, law in self.components
        )

    def _replace_children(self, laws: Sequence[Likelihood]) -> None:
        self.components = [(name, inner) for (name, _), inner in zip(self.components, laws, strict=True)]

    def _split(self, params: dict) -> list:
        """Pairs of every component and its own parameters."""
        return [(child.law, child.of(params)) for child in self.children]

    def check(self) -> None:
        law = type(self).__name__
        if not _well_formed(self.components) or not len(self.components):
            raise TypeError(f'{law} takes a list of names and likelihoods, such as [("a", Normal()), ("b", Normal())]')
        names = [name for name, _ in self.components]
        taken = {*self.get_params(deep=False), *self.parameters}
        bad = sorted({name for name in names if names.count(name) > 1 or "__" in name or not name or name in taken})
        if bad:
            raise ValueError(f"{law}: the component names {bad} are empty, given twice, hold '__' or mean something else")
        for name, part in self.components:
            if part.target_type == "classes" or part.predictive is not part:
                raise ValueError(f"{law} takes laws of numbers, and {name!r} is {part!r}; censor, truncate ... the mixture")
        if len({part.target_type for _, part in self.components}) > 1:
            raise ValueError(f"{law}: some of the components are of several targets, others of one")
        super().check()
        self._check_shared()

    def _check_shared(self) -> None:
        law = type(self).__name__
        for name in self.shared or ():
            owners = [part for _, part in self.components if name in part.parameters]
            if not owners:
                raise ValueError(f"{law}: shared names {name!r}, which no component has")
            if len({(repr(part.layout[name].value), repr(part.layout[name].link)) for part in owners}) > 1:
                raise ValueError(f"{law}: {name!r} is shared, but its values or links differ between components")

    def _components_in_order(self, coefs: dict) -> dict:
        """Equal components in the order of their coefficients, the intercept of the first parameter first."""
        parts = self.children
        result, source = dict(coefs), list(range(len(parts)))
        keys = [[value.ravel().tolist() for value in part.of(coefs).values()] for part in parts]
        kinds = [f"{part.law!r} {part.law.layout.fixed} {part.law.layout.known}" for part in parts]
        for kind in set(kinds):
            places = [k for k, other in enumerate(kinds) if other == kind]
            for place, k in zip(places, sorted(places, key=keys.__getitem__), strict=True):
                source[place] = k
                result |= {parts[place].names[name]: value for name, value in parts[k].of(coefs).items()}
        return self._permute_entries(result, source)

    def _permute_entries(self, coefs: Any, source: Any) -> Any:
        """`coefs` with the entries of own vector parameters, one for each component, reordered by `source`; by default none."""
        return coefs


def _well_formed(components: list) -> bool:
    return isinstance(components, list | tuple) and all(
        isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], str) and isinstance(part[1], Likelihood)
        for part in components
    )
