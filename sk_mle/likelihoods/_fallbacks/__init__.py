"""Defaults for what a law does not write: derivatives, integrals, quantiles and starting values from its density."""
