"""Predictive distributions, of estimators and of what wraps them."""
