"""A law made of several named ones, in the grammar of scikit-learn's compositions: ``a__scale`` is the scale of part a."""

from __future__ import annotations

from copy import copy

from .._protocol.base import Child, Likelihood
from .._protocol.relations import Relations


class Composition(Likelihood):
    """A subclass takes `components`, a list of (name, law), and `shared`, names of parameters that these have in common."""

    components: list[tuple[str, Likelihood]]
    shared: list[str] | None
    relations = Relations(
        irregular="with fewer components, parameters of the others are not identified, and the statistic has no known law",
    )

    def get_params(self, deep=True):
        found = super().get_params(deep=deep)
        if deep and _well_formed(self.components):
            for name, law in self.components:
                found |= {name: law, **{f"{name}__{key}": value for key, value in law.get_params().items()}}
        return found

    def set_params(self, **params):
        if "components" in params:  # first: the other names are of its parts
            self.components = params.pop("components")
        if _well_formed(self.components):
            self.components = [(name, params.pop(name, law)) for name, law in self.components]
        return super().set_params(**params)

    @property
    def children(self):
        return tuple(Child(law, names) for _, law, names in self._parts)

    @property
    def _parts(self):
        """Of every component the name, the law, and its parameters' names in ours."""
        shared = self.shared or ()
        return [(part, law, {n: n if n in shared else f"{part}__{n}" for n in law.parameters}) for part, law in self.components]

    def _split(self, params):
        """Every component with its parameters, out of all."""
        return [(law, {name: params[ours] for name, ours in names.items()}) for _, law, names in self._parts]

    def _owner(self, name):
        """The component that a parameter is of, the first if several share it, and its name there; None: of none."""
        found = ((law, inner) for _, law, names in self._parts for inner, ours in names.items() if ours == name)
        return next(found, None)

    def check(self):
        law = type(self).__name__
        if not _well_formed(self.components) or not len(self.components):
            raise TypeError(f'{law} takes a list of names and likelihoods, such as [("a", Normal()), ("b", Normal())]')
        names = [name for name, _ in self.components]
        taken = {*self.get_params(deep=False), *self.parameters}
        bad = sorted({name for name in names if names.count(name) > 1 or "__" in name or not name or name in taken})
        if bad:
            raise ValueError(f"{law}: the component names {bad} are empty, given twice, hold '__' or mean something else")
        for name, part in self.components:
            part.check()
            if part.kind == "classes" or part.predictive is not part:
                raise ValueError(f"{law} takes laws of numbers, and {name!r} is {part!r}; censor, truncate ... the mixture")
        if len({part.kind for _, part in self.components}) > 1:
            raise ValueError(f"{law}: some of the components are of several targets, others of one")
        self._check_shared()
        super().check()

    def _check_shared(self):
        law = type(self).__name__
        for name in self.shared or ():
            owners = [part for _, part in self.components if name in part.parameters]
            if not owners:
                raise ValueError(f"{law}: shared names {name!r}, which no component has")
            if len({(repr(part.parameter(name).value), repr(part.parameter(name).link)) for part in owners}) > 1:
                raise ValueError(f"{law}: {name!r} is shared, but its values or links differ between components")

    @property
    def kind(self):
        return self.components[0][1].kind

    def parameter(self, name):
        owner = self._owner(name)
        return super().parameter(name) if owner is None else owner[0].parameter(owner[1])

    def read(self, y):
        return self.components[0][1].read(y)

    def bind(self, y):
        law = copy(self)
        law.components = [(name, part.bind(y)) for name, part in self.components]
        return law

    def sized(self, width=3):
        law = copy(self)
        law.components = [(name, part.sized(width)) for name, part in self.components]
        return law

    def at_hand(self):
        law = super().at_hand()
        law.components = [(name, part.at_hand()) for name, part in law.components]
        return law

    def settled(self, values):
        law = super().settled({name: value for name, value in values.items() if self._owner(name) is None})
        law.components = [
            (part, inner.settled({name: values[ours] for name, ours in names.items() if ours in values}))
            for part, inner, names in self._parts
        ]
        return law

    def arrange(self, coefs):
        """Equal components in the order of their coefficients, the intercept of the first parameter first."""
        parts, result = self._parts, dict(coefs)
        keys = [[coefs[ours].ravel().tolist() for ours in names.values() if ours in coefs] for _, _, names in parts]
        kinds, source = [f"{law!r} {law.fixed} {law.known}" for _, law, _ in parts], list(range(len(parts)))
        for kind in set(kinds):
            places = [k for k, other in enumerate(kinds) if other == kind]
            for place, k in zip(places, sorted(places, key=keys.__getitem__), strict=True):
                source[place] = k
                result |= {parts[place][2][n]: coefs[ours] for n, ours in parts[k][2].items() if ours in coefs}
        return self._permuted(result, source)

    def _permuted(self, coefs, source):
        """Vector parameters of our own with an entry for each component, when these have changed places."""
        return coefs


def _well_formed(components) -> bool:
    return isinstance(components, list | tuple) and all(
        isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], str) and isinstance(part[1], Likelihood)
        for part in components
    )
