"""Minimisers: where a fit begins, the steps it takes, and whether it ended at a maximum."""
