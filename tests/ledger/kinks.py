"""Maxima and standard errors where the log-likelihood has kinks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

from sk_mle import MLEDensity, MLERegressor, censored
from sk_mle.datasets import make_mle_regression
from sk_mle.likelihoods import AsymmetricLaplace, Censored, Laplace

from ._case import Case


def intervals_of_a_quantile_regression():
    law, slopes, inside = AsymmetricLaplace(quantile=0.9), np.array([0.5, -0.3]), []
    for seed in range(12):
        data = make_mle_regression(law, 200, 2, coefs={"loc": slopes}, intercepts={"loc": 1.0, "scale": 0.0}, random_state=seed)
        low, high = MLERegressor(law).fit(data.X, data.y).inference(data.X, data.y).conf_int()[1:3].T
        inside += [*((low <= slopes) & (slopes <= high))]
    assert sum(inside) >= stats.binom.ppf(0.01, len(inside), 0.95)


def ties_and_censored_rows():
    """Three events at one time, three rows censored 0.1 later: loc is anywhere between, and scale 0.1."""
    model = MLEDensity(Censored(Laplace())).fit(censored([13, 13, 13, 13.1, 13.1, 13.1], event=[1, 1, 1, 0, 0, 0]))
    assert model.converged_
    assert model.loglikelihood_ == pytest.approx(-3 * (np.log(0.4) + 1), abs=1e-7)


def censored_quantile_regression():
    """loc passes through an event or two, which no gradient shows, and is no vertex, as censored rows are smooth."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=30)
    time = x + rng.laplace(size=30)
    event, seen = time <= 1.0, np.minimum(time, 1.0)

    def loss(at):
        z = (seen - at[0] - at[1] * x) / np.exp(at[2])
        return -np.where(event, stats.laplace.logpdf(z) - at[2], stats.laplace.logsf(z)).sum()

    model = MLERegressor(Censored(Laplace())).fit(x[:, None], censored(seen, event=event))
    at = np.array([model.intercept_, model.coef_[0], model.intercepts_["scale"]])
    starts = at + rng.normal(scale=0.1, size=(4, 3))
    options = {"xatol": 1e-8, "fatol": 1e-10}
    best = min(minimize(loss, start, method="Nelder-Mead", options=options).fun for start in starts)
    assert model.converged_
    assert model.loglikelihood_ >= -best - 1e-6
    with pytest.raises(ValueError, match=r"law inside Censored has kinks, .* or bootstrap"):
        model.inference(x[:, None], censored(seen, event=event))


CASES = [
    Case("a kink, 200 rows", "the truth of a simulation", "AsymmetricLaplace", intervals_of_a_quantile_regression),
    Case("ties, and rows censored later", "a closed form", "Censored(Laplace)", ties_and_censored_rows),
    Case("censored rows", "Nelder and Mead's method", "Censored(Laplace)", censored_quantile_regression),
]
