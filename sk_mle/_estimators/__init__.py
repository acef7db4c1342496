"""The estimators: validation, fit, predictions and warnings."""
