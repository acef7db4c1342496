"""Residuals and influence of fitted models: where the data and the model disagree, and which rows decide the fit."""

from __future__ import annotations

from ._influence import cooks_distance, leverage
from ._residuals import deviance_residuals, pearson_residuals, quantile_residuals, response_residuals

__all__ = [
    "cooks_distance",
    "deviance_residuals",
    "leverage",
    "pearson_residuals",
    "quantile_residuals",
    "response_residuals",
]
