"""Predictors beyond linear ones, as values of the argument `predictors` of the estimators."""

from ._nonlinear import Nonlinear

__all__ = ["Nonlinear"]
