"""Log-likelihoods that are no number at an edge of the parameters, and what was put in their place."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np

from ledger._case import Case
from sk_mle import MLEDensity
from sk_mle.likelihoods import BoxCoxColeGreen


def _half_normal_power(nu):
    """Of y ** nu, the law becomes the half-normal one as its location vanishes: that supremum is approached, not exceeded."""
    y = np.exp(1) * np.random.default_rng(0).exponential(size=20)
    mean_square = np.mean(y ** (2 * nu))
    supremum = np.sum(np.log(nu) + (nu - 1) * np.log(y)) + len(y) / 2 * (np.log(2 / (np.pi * mean_square)) - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the location may be told to lie at its limit
        found = MLEDensity(BoxCoxColeGreen(nu=nu)).fit(y[:, None]).loglikelihood_
    np.testing.assert_allclose(found, supremum, rtol=1e-6)


CASES = [
    Case(f"exponential sample, nu = {nu}", "closed form of the limit", "BoxCoxColeGreen", partial(_half_normal_power, nu))
    for nu in (1.5, 2.0, 3.0)
]
