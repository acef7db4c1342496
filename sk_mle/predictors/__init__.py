"""Predictors beyond linear ones: curves for the argument `predictors` of the estimators, terms for `penalties`."""

from ._nonlinear import Nonlinear
from ._terms import Groups, Ridge, Smooth

__all__ = ["Groups", "Nonlinear", "Ridge", "Smooth"]
