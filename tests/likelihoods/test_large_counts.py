"""Laws of counts at counts of 1e6 to 1e15, where y log(mean) and log y! share most of their digits."""

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp

from sk_mle import MLERegressor
from sk_mle.likelihoods import (
    BetaBinomial,
    Binomial,
    ConwayMaxwellPoisson,
    GeneralizedPoisson,
    Geometric,
    NegativeBinomial,
    Poisson,
    PoissonInverseGaussian,
)

SIZES = [1e6, 1e9, 1e12, 1e15]


def poisson(y, m):
    return y * mp.log(m) - m - mp.loggamma(y + 1)


def negative_binomial(y, m, a):
    r = 1 / a
    return mp.loggamma(y + r) - mp.loggamma(r) - mp.loggamma(y + 1) + r * mp.log(r / (r + m)) + y * mp.log(m / (r + m))


def generalized_poisson(y, m, c):
    f = 1 + c
    return mp.log(m) + (y - 1) * mp.log(m + c * y) - y * mp.log(f) - mp.loggamma(y + 1) - (m + c * y) / f


def inverse_gaussian(y, m, d):
    """The integral over the Poisson law's rate, on the log scale about its peak."""
    at = lambda t: y * t - mp.exp(t) - (mp.exp(t) - m) ** 2 / (2 * m * d * mp.exp(t)) - t / 2
    peak = mp.findroot(lambda t: mp.diff(at, t), mp.log(y * m) / 2)
    width = 1 / mp.sqrt(-mp.diff(at, peak, 2))
    steps = [mp.exp(at(peak + k * width / 4) - at(peak)) for k in range(-80, 81)]
    return at(peak) + mp.log(mp.fsum(steps) * width / 4) + mp.log(m / (2 * mp.pi * d)) / 2 - mp.loggamma(y + 1)


# law, its other parameters, log mass, and factor of the standard deviation over that of a Poisson law
LAWS = [
    (Poisson, {}, poisson, 1.0),
    (Geometric, None, lambda y, p: mp.log(p) + y * mp.log(1 - p), None),
    (NegativeBinomial, {"dispersion": 1e-20}, negative_binomial, 1.0),
    (NegativeBinomial, {"dispersion": 1e-7}, negative_binomial, None),
    (NegativeBinomial, {"dispersion": 0.3}, negative_binomial, None),
    (NegativeBinomial, {"dispersion": 40.0}, negative_binomial, None),
    (GeneralizedPoisson, {"dispersion": 1e-9}, generalized_poisson, 1.0),
    (GeneralizedPoisson, {"dispersion": 2.0}, generalized_poisson, 3.0),
    (GeneralizedPoisson, {"dispersion": -0.2}, generalized_poisson, 0.8),
    (PoissonInverseGaussian, {"dispersion": 1e-7}, inverse_gaussian, None),
    (PoissonInverseGaussian, {"dispersion": 0.3}, inverse_gaussian, None),
    (ConwayMaxwellPoisson, {"dispersion": 1.0}, lambda y, m, d: poisson(y, m), 1.0),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("law", "others", "exact", "factor"), LAWS)
def test_log_masses_keep_their_digits(law, others, exact, factor, size):
    params = {"prob": 1 / size} if others is None else {"mean": size, **others}
    spread = factor * np.sqrt(size) if factor else float(np.sqrt(law().variance(**params)))
    y = np.rint(np.maximum(size + spread * np.array([-3.0, -0.7, 0.0, 0.4, 6.0]), size / 20))
    with mp.workdps(60):
        expected = [float(exact(mp.mpf(k), *map(mp.mpf, params.values()))) for k in y]
    assert_allclose(law().loglik(y, **params), expected, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize(("law", "others", "exact", "factor"), [LAWS[k] for k in (0, 4, 7)])
def test_small_and_large_counts_of_one_sample_share_a_constant(law, others, exact, factor):
    """Log masses of small counts are computed in another way; what depends on y alone is left out of a fit and added again."""
    y = np.r_[0.0, 1.0, 3.5, 40.0, 255.0, 256.0, 257.0, 300.0, 1e4]
    expected = [float(exact(mp.mpf(k), mp.mpf(100), *map(mp.mpf, others.values()))) for k in y]
    assert_allclose(law().loglik(y, mean=100.0, **others), expected, rtol=1e-12)
    assert_allclose(law().loglik(y, mean=np.full(9, 100.0), **others), expected, rtol=1e-12)
    fit = MLERegressor(law(**others)).fit(np.arange(9.0)[:, None] ** 3, y)
    params = fit.predict_params(np.arange(9.0)[:, None] ** 3)
    with mp.workdps(40):
        total = sum(exact(mp.mpf(k), mp.mpf(m), *map(mp.mpf, others.values())) for k, m in zip(y, params["mean"], strict=True))
    assert fit.loglikelihood_ == pytest.approx(float(total), rel=1e-12)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "others", [{"prob": 0.3}, {"prob": 1e-5}, {"mean": 0.3, "precision": 20.0}, {"mean": 0.1, "precision": 1e8}]
)
def test_log_masses_of_many_trials_keep_their_digits(others, size):
    def exact(y, p, precision=None):
        n = mp.mpf(size)
        choose = mp.loggamma(n + 1) - mp.loggamma(y + 1) - mp.loggamma(n - y + 1)
        if precision is None:
            return choose + y * mp.log(p) + (n - y) * mp.log(1 - p)
        beta = lambda a, b: mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
        a, b = p * precision, (1 - p) * precision
        return choose + beta(y + a, n - y + b) - beta(a, b)

    law, share = BetaBinomial if "mean" in others else Binomial, next(iter(others.values()))
    y = np.rint(size * share + np.sqrt(size * share) * np.array([-2.0, 0.0, 0.5, 6.0]))
    with mp.workdps(60):
        expected = [float(exact(mp.mpf(k), *map(mp.mpf, others.values()))) for k in np.maximum(y, 0)]
    assert_allclose(law(trials="n").loglik(np.maximum(y, 0), trials=size, **others), expected, rtol=1e-12, atol=1e-8)


FITTED = [
    (Poisson(), lambda r, mean: r.poisson(mean)),
    (NegativeBinomial(), lambda r, mean: r.poisson(mean * r.gamma(5, 0.2, len(mean)))),
    (GeneralizedPoisson(), lambda r, mean: mean + 2 * np.sqrt(mean) * r.normal(size=len(mean))),
    (PoissonInverseGaussian(), lambda r, mean: r.poisson(r.wald(mean, mean / 0.2))),
    (ConwayMaxwellPoisson(), lambda r, mean: mean + 2 * np.sqrt(mean) * r.normal(size=len(mean))),
]


@pytest.mark.parametrize("size", [1e6, 1e9, 1e12])
@pytest.mark.parametrize(("law", "draw"), FITTED, ids=lambda value: type(value).__name__)
def test_fits_of_large_counts_converge(law, draw, size):
    """And the standard errors are those of the variance function."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = np.rint(draw(rng, size * np.exp(0.1 * X[:, 0] - 0.2 * X[:, 1]))).astype(float)
    model = MLERegressor(law).fit(X, y)
    assert model.converged_
    found, scores = model.inference(X, y), model.predict_params(X)
    weight = scores["mean"] ** 2 / model.likelihood_.variance(**scores)
    design = np.column_stack([np.ones(len(X)), X])
    expected = np.sqrt(np.diag(np.linalg.inv(design.T @ (design * weight[:, None]))))[1:]
    assert_allclose(np.asarray(found.bse)[1:3], expected, rtol=0.25)
    assert (np.abs(model.coef_ - [0.1, -0.2]) < 4 * expected).all()


@pytest.mark.parametrize(
    ("law", "params"),
    [
        (Poisson(), {"mean": 1e12}),
        (NegativeBinomial(), {"mean": 1e12, "dispersion": 1e-9}),
        (GeneralizedPoisson(), {"mean": 1e12, "dispersion": 0.3}),
        (Binomial(trials=1e13), {"prob": 0.1, "trials": 1e13}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_intervals_of_large_counts_are_sums_of_masses(law, params):
    """Of few, as the difference of two distribution functions has lost most of their digits; of many, none is left out."""
    for width, rtol in ((2, 1e-13), (1000, 1e-6)):
        counts = 1e12 + 1 + np.arange(width)
        masses = law.loglik(counts, **{name: np.full(width, value) for name, value in params.items()})
        one = {name: np.array([value]) for name, value in params.items()}
        found = law.log_interval(np.array([1e12]), np.array([1e12 + width]), **one)
        assert_allclose(found, logsumexp(masses), rtol=rtol)
