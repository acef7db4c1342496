"""Counts so large that y log(mean) and log y! agree in nearly all of their digits."""

import mpmath as mp
import numpy as np
from numpy.testing import assert_allclose

from sk_mle import MLERegressor
from sk_mle.likelihoods import ConwayMaxwellPoisson, GeneralizedPoisson, NegativeBinomial, Poisson

from ._case import Case


def _poisson(size):
    def check():
        rng = np.random.default_rng(0)
        x = rng.normal(size=50)
        y = rng.poisson(size * np.exp(0.1 * x)).astype(float)
        model = MLERegressor(Poisson()).fit(x[:, None], y)
        with mp.workdps(50):
            pairs = [(mp.mpf(k), mp.mpf(m)) for k, m in zip(y, model.predict(x[:, None]), strict=True)]
            exact = mp.fsum(k * mp.log(m) - m - mp.loggamma(k + 1) for k, m in pairs)
        assert model.converged_
        assert_allclose(model.loglikelihood_, float(exact), atol=1e-8)

    return check


def _negative_binomial(seed):
    def check():
        rng = np.random.default_rng(seed)
        x = rng.normal(size=100)
        y = rng.poisson(1e9 * np.exp(0.1 * x) * rng.gamma(5, 0.2, 100)).astype(float)
        model = MLERegressor(NegativeBinomial()).fit(x[:, None], y)
        params = model.predict_params(x[:, None])
        with mp.workdps(50):
            terms = []
            for k, m, a in zip(map(mp.mpf, y), map(mp.mpf, params["mean"]), map(mp.mpf, params["dispersion"]), strict=True):
                terms.append(mp.loggamma(k + 1 / a) - mp.loggamma(1 / a) - mp.loggamma(k + 1) - mp.log1p(a * m) / a)
                terms.append(k * mp.log(a * m / (1 + a * m)))
        assert model.converged_
        assert_allclose(model.loglikelihood_, float(mp.fsum(terms)), atol=1e-8)

    return check


def _dispersed(law):
    """Poisson counts near 1e15, of a normal law to 7 digits: least squares of log(y), of variance 1 / mean."""

    def check():
        rng = np.random.default_rng(0)
        X = rng.normal(size=(100, 2))
        y = rng.poisson(1e15 * np.exp(0.1 * X[:, 0])).astype(float)
        A, log = np.column_stack([np.ones(100), X]), np.log(y / 1e15)
        root = np.sqrt(y)
        fitted = A @ np.linalg.lstsq(root[:, None] * A, root * log, rcond=None)[0]
        mean = 1e15 * np.exp(fitted)
        factor = np.mean(mean * (log - fitted) ** 2)
        model = MLERegressor(law).fit(X, y)
        assert model.converged_
        assert_allclose(model.loglikelihood_, -0.5 * np.sum(np.log(2 * np.pi * factor * mean) + 1), atol=1e-3)

    return check


CASES = [Case(f"counts near {size:g}", "mpmath", "Poisson", _poisson(size)) for size in (1e9, 1e12, 1e15)]
CASES += [Case(f"counts near 1e9, seed {seed}", "mpmath", "NegativeBinomial", _negative_binomial(seed)) for seed in range(3)]
CASES += [
    Case("counts near 1e15", "weighted least squares", type(law).__name__, _dispersed(law))
    for law in (GeneralizedPoisson(), ConwayMaxwellPoisson())
]
