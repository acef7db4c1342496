"""Predictors beyond linear ones: curves for the argument `predictors` of the estimators, terms for `penalties`."""

from .._utils.public import publish
from ._nonlinear import Nonlinear
from ._terms import Groups, Ridge, Smooth

__all__ = ["Groups", "Nonlinear", "Ridge", "Smooth"]

publish(globals())
