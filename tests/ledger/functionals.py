"""Functionals of predictive distributions, and what wrappers pass on."""

from __future__ import annotations

import numpy as np
from scipy import stats

from sk_mle import Distribution, MLERegressor
from sk_mle.likelihoods import Fixed, Hurdle, Likelihood, Normal, Poisson
from sk_mle.metrics import crps

from ._case import Case


def mean_of_a_hurdle_law():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 1))
    y = rng.poisson(np.exp(0.5 * X[:, 0])) * (rng.uniform(size=500) < 0.6)
    model = MLERegressor(Hurdle(Poisson()), predictors={"zero": "all"}).fit(X, y)
    inference, k = model.inference(X, y), np.arange(60.0)[:, None]
    right = (k * model.predict_dist(X[:2]).pmf(k)).sum(axis=0)
    np.testing.assert_allclose(inference.predict(X[:2])["mean"], right, rtol=1e-9)
    step = 1e-4
    slope = (model.predict(X + step) - model.predict(X - step)).mean() / (2 * step)
    np.testing.assert_allclose(inference.marginal_effects(X)["effect"], slope, rtol=1e-6)


def score_of_a_fixed_law():
    dist = Distribution(Fixed(Normal(), {"scale": 1.0}), {"loc": np.array([0.0, 0.0])})
    z = np.array([0.0, 1.0])
    right = z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(crps(z, dist, per_row=True), right, rtol=1e-14)
    assert dist.likelihood.divergence is not None


def cdf_of_a_class_called_likelihood():
    kind = type(
        "Likelihood",
        (Normal,),
        {
            "cdf": lambda self, y, loc, scale: stats.logistic.cdf(y, loc, scale),
            "sf": lambda self, y, loc, scale: stats.logistic.sf(y, loc, scale),
            "logcdf": Likelihood.logcdf,
        },
    )
    np.testing.assert_allclose(kind().logcdf(np.array([1.0]), loc=0.0, scale=1.0), stats.logistic.logcdf(1.0), rtol=1e-14)


CASES = [
    Case("a parameter called mean that is not the mean", "the masses summed", "Hurdle", mean_of_a_hurdle_law),
    Case("a closed form of the law inside", "Gneiting and Raftery (2007), eq. 21", "Fixed", score_of_a_fixed_law),
    Case("a user's class called Likelihood", "scipy logistic", "user's law", cdf_of_a_class_called_likelihood),
]
