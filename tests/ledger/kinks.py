"""Standard errors where the log-likelihood has kinks."""

from __future__ import annotations

import numpy as np
from scipy import stats

from sk_mle import MLERegressor
from sk_mle.datasets import make_mle_regression
from sk_mle.likelihoods import AsymmetricLaplace

from ._case import Case


def intervals_of_a_quantile_regression():
    law, slopes, inside = AsymmetricLaplace(quantile=0.9), np.array([0.5, -0.3]), []
    for seed in range(12):
        data = make_mle_regression(law, 200, 2, coefs={"loc": slopes}, intercepts={"loc": 1.0, "scale": 0.0}, random_state=seed)
        low, high = MLERegressor(law).fit(data.X, data.y).inference(data.X, data.y).conf_int()[1:3].T
        inside += [*((low <= slopes) & (slopes <= high))]
    assert sum(inside) >= stats.binom.ppf(0.01, len(inside), 0.95)


CASES = [Case("a kink, 200 rows", "the truth of a simulation", "AsymmetricLaplace", intervals_of_a_quantile_regression)]
