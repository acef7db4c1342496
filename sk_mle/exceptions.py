"""Warnings of this package; each is a ConvergenceWarning, so that one filter catches all."""

from sklearn.exceptions import ConvergenceWarning

__all__ = ["BoundaryWarning", "ConvergenceWarning", "IdentificationWarning", "SeparationWarning"]


class SeparationWarning(ConvergenceWarning):
    """A direction of the coefficients raises the likelihood without end: no finite maximum exists."""


class BoundaryWarning(ConvergenceWarning):
    """The likelihood grows towards the edge of a parameter's domain."""


class IdentificationWarning(ConvergenceWarning):
    """The likelihood does not depend on some coefficients: other values of them are as good, with other predictions."""
