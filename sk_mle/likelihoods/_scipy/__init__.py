"""Distributions of scipy.stats as laws."""
