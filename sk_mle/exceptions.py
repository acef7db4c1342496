"""Warnings of this package; those of fits are ConvergenceWarnings, so that one filter catches all."""

from sklearn.exceptions import ConvergenceWarning

__all__ = [
    "BoundaryWarning",
    "ConvergenceWarning",
    "IdentificationWarning",
    "SeparationWarning",
    "VersionWarning",
]


class SeparationWarning(ConvergenceWarning):
    """A direction of the coefficients raises the likelihood without end: no finite maximum exists."""


class BoundaryWarning(ConvergenceWarning):
    """The likelihood grows towards the edge of a parameter's domain."""


class IdentificationWarning(ConvergenceWarning):
    """The likelihood does not depend on some coefficients: other values of them are as good, with other predictions."""


class VersionWarning(UserWarning):
    """A fitted estimator was saved by another version of this package, which may compute otherwise."""
