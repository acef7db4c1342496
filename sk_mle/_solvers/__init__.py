"""Minimisers: starting points, steps, and tests of whether a fit ended at a maximum."""
