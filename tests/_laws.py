"""Helpers around laws for the tests."""

from __future__ import annotations

import numpy as np

from sk_mle.domains import POSITIVE, REAL
from sk_mle.likelihoods import Likelihood, Rounded
from sk_mle.likelihoods._fallbacks.facts import sized as with_size
from sk_mle.likelihoods._protocol.evaluation import without_formulas


class UserGumbel(Likelihood):
    """A user's law, of its density alone."""

    parameters = {"loc": REAL, "scale": POSITIVE}

    def __init__(self, *, loc=None, scale=None, links=None):
        self.loc, self.scale, self.links = loc, scale, links

    def loglik(self, y, loc, scale):
        z = (y - loc) / scale
        return -z - np.exp(-z) - np.log(scale)


def recorded(law, rng, y):
    """Values as targets: successes with trials, for a law that takes both from y, and rounded ones."""
    if isinstance(law, Rounded):
        return law.width * np.rint(y / law.width)
    return y if law.predictive is law or y.ndim > 1 else np.column_stack([y, y + rng.integers(1, 10, len(y))])


def numerical(law):
    """The same law with nothing but its density: derivatives by differences."""
    kind = type(law)
    members = {"gradient": None, "hessian": None, "fisher": None}
    if kind.evaluate is not Likelihood.evaluate:  # a fused form keeps its value, and loses its derivatives
        members["evaluate"] = lambda self, y, eta, order=1, information="observed": (
            kind.evaluate(self, y, eta, 0) if order == 0 else without_formulas(self, y, eta, order, False)
        )
    name = f"Numerical{kind.__name__}"
    if name not in globals():  # importable, so that pickle finds it
        globals()[name] = type(name, (kind,), {**members, "__module__": __name__, "__init__": kind.__init__})
        globals()[name].bind = lambda self, y, **known: numerical(kind.bind(self, y, **known))
    return globals()[name](**law.get_params(deep=False))


def sized(law):
    """The law with a number of trials, classes or targets."""
    return law.set_params(trials=9) if "trials" in law.get_params(deep=False) else with_size(law)


def example(law, seed):
    """Parameters of one sample, by their domains."""
    rng = np.random.default_rng(seed)
    drawn = {name: law.layout[name].domain.draw(rng, (1, *law.layout[name].shape)) for name in law.layout.free}
    return {**{name: np.full(1, value) for name, value in law.layout.fixed.items()}, **drawn}


def repeated(theta, n):
    """The parameters of one sample, n times."""
    return {name: np.repeat(value, n, axis=0) for name, value in theta.items()}
