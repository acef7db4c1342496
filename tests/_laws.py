"""Helpers around laws for the tests."""

from __future__ import annotations

from sk_mle.likelihoods import Likelihood


def numerical(law):
    """The same law with nothing but its density: derivatives by differences."""
    kind = type(law)
    members = {"gradient": None, "hessian": None, "fisher": None}
    if kind.evaluate is not Likelihood.evaluate:  # a fused form keeps its value, and loses its derivatives
        members["evaluate"] = lambda self, y, eta, order=1, information="observed": (
            kind.evaluate(self, y, eta, 0) if order == 0 else self._differenced(y, eta, order, False)
        )
    name = f"Numerical{kind.__name__}"
    if name not in globals():  # importable, so that pickle finds it
        globals()[name] = type(name, (kind,), {**members, "__module__": __name__, "__init__": kind.__init__})
        globals()[name].bind = lambda self, y: numerical(kind.bind(self, y))
    return globals()[name](**law.get_params(deep=False))
