"""Quantiles whose upper tail is small, or of counts so large that scipy's distribution function loses digits."""

import numpy as np
from scipy.stats import logser

from sk_mle.likelihoods import Hurdle, NegativeBinomial, Poisson

from ._case import Case


def hurdle_near_one():
    found = Hurdle(NegativeBinomial()).ppf(1 - 1e-9, mean=0.66 / 7e9, dispersion=7e9, zero=0.9)
    assert found == logser.isf(1e-8, 0.66 / 1.66) == 18


def poisson_of_ten_million():
    """P(Y > 10015034) is 1.00116766e-06, above 1 - q; that of the next number is 9.9960307e-07 (sums of masses, mpmath)."""
    found = Poisson().ppf(0.999999, mean=1e7)
    assert found == 10015035
    tails = Poisson().sf(np.array([10015034.0, 10015035.0]), 1e7)
    np.testing.assert_allclose(tails, [1.0011676635759019e-06, 9.996030681965403e-07], rtol=1e-12)


CASES = [
    Case("a quantile close to one", "scipy logser.isf", "Hurdle", hurdle_near_one),
    Case("a quantile at a mean of 1e7", "mpmath", "Poisson", poisson_of_ten_million),
]
