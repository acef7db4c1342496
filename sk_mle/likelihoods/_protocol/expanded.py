"""Laws whose log-likelihood and its derivatives share most of their work."""

from __future__ import annotations

from .base import Likelihood


class Expanded(Likelihood):
    """A law that writes `expansion(y, order, **params)`: log-likelihood, gradient and Hessian on the natural scale at once.

    What lies beyond the order is left empty. A subclass may still write one of the three apart.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if {"loglik", "gradient", "hessian"} & vars(cls).keys() and "expansion" not in vars(cls):
            cls.parts = Likelihood.parts

    def expansion(self, y, order, *at, **params):
        raise NotImplementedError

    def parts(self, y, order, **params):
        return self.expansion(y, order, **params)

    def loglik(self, y, *at, **params):
        return self.expansion(y, 0, *at, **params)[0]

    def gradient(self, y, *at, **params):
        return self.expansion(y, 1, *at, **params)[1]

    def hessian(self, y, *at, **params):
        return self.expansion(y, 2, *at, **params)[2]
