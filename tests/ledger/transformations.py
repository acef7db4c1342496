"""Laws of a function of y where y are alike beside their distance from zero."""

import mpmath as mp
import numpy as np
from scipy import optimize, stats

from ledger._case import Case
from sk_mle import Distribution, MLEDensity, MLERegressor
from sk_mle.likelihoods import Normal, StudentT, Transformed, YeoJohnson

YEARS = [1964.0, 1987, 1998, 2001, 2012, 2004, 1979, 1996, 2008, 1991]


def profile(y, lmbda):
    """The log-likelihood of a normal law of (1 + y)**lmbda, y > 0, at its best mean and variance."""
    with mp.workdps(60):
        y, lmbda = [mp.mpf(float(v)) for v in y], mp.mpf(float(lmbda))
        z = [(1 + v) ** lmbda / lmbda for v in y]  # less a constant
        mean = sum(z) / len(z)
        variance = sum((v - mean) ** 2 for v in z) / len(z)
        slopes = (lmbda - 1) * sum(mp.log(1 + v) for v in y)
        return float(slopes - len(y) * (mp.log(2 * mp.pi * variance) + 1) / 2)


def best(y, low, high):
    """Where the profile is highest, and its value, by golden sections."""
    ratio = (5**0.5 - 1) / 2
    for _ in range(40):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (a, high) if profile(y, a) < profile(y, b) else (low, b)
    return low, profile(y, low)


def years():
    model = MLEDensity(Transformed(Normal(), "yeo-johnson")).fit(np.array(YEARS)[:, None])
    np.testing.assert_allclose(model.params_["lmbda"], 56.94, atol=0.01)
    np.testing.assert_allclose(model.loglikelihood_, -39.594845, atol=1e-6)
    assert model.n_iter_ < 30


def against_the_profile(y, low, high):
    y = np.asarray(y)
    lmbda, value = best(y, low, high)
    model = MLERegressor(Transformed(Normal(), "yeo-johnson")).fit(np.zeros((len(y), 1)), y)
    np.testing.assert_allclose(model.loglikelihood_, value, rtol=1e-8)
    np.testing.assert_allclose(model.predict_params([[0.0]])["lmbda"], [lmbda], rtol=1e-3)
    np.testing.assert_allclose(model.score(np.zeros((len(y), 1)), y) * len(y), value, rtol=1e-8)


def below_zero():
    """-y has the power 2 - lmbda."""
    y = np.array(YEARS)
    one, other = (MLEDensity(Transformed(Normal(), "yeo-johnson")).fit(sign * y[:, None]) for sign in (1, -1))
    np.testing.assert_allclose(other.params_["lmbda"], 2 - one.params_["lmbda"], rtol=1e-6)
    np.testing.assert_allclose(other.loglikelihood_, one.loglikelihood_, rtol=1e-10)


def centre_is_an_affine_map():
    """With any centre the law of y is one of the plain transformation's, and quantiles and values go to and fro."""
    y = np.array([-30.0, -2.0, -1e-9, 0.0, 0.3, 5.0, 80.0])
    for centre in (3.0, -4.0, 1e-3, 250.0):
        for lmbda in (-1.2, 0.0, 0.7, 1.0, 2.0, 2.6):
            plain, moved = YeoJohnson(centre=0.0), YeoJohnson(centre=centre)
            slope = np.exp(plain.log_jacobian(np.array([centre]), lmbda=lmbda))
            expected = centre + (plain.forward(y, lmbda=lmbda) - plain.forward([centre], lmbda=lmbda)) / slope
            np.testing.assert_allclose(moved.forward(y, lmbda=lmbda), expected, rtol=1e-9, atol=1e-9)
            jacobian = plain.log_jacobian(y, lmbda=lmbda) - np.log(slope)
            np.testing.assert_allclose(moved.log_jacobian(y, lmbda=lmbda), jacobian, rtol=1e-9, atol=1e-12)
            near = np.abs(y) < 10  # elsewhere the transformation may be flat
            there = moved.inverse(moved.forward(y[near], lmbda=lmbda), lmbda=lmbda)
            np.testing.assert_allclose(there, y[near], rtol=1e-6, atol=1e-6)


def distribution_of_years():
    y = np.array(YEARS)
    model = MLERegressor(Transformed(StudentT(df=5), "yeo-johnson")).fit(np.zeros((10, 1)), y)
    dist = model.predict_dist(np.zeros((3, 1)))
    levels = np.array([0.1, 0.5, 0.9])
    np.testing.assert_allclose(dist.cdf(dist.ppf(levels)), levels, rtol=1e-9)
    assert isinstance(dist, Distribution)


MILLION = 1e6 + np.random.default_rng(2).exponential(size=40)


def student_by_scipy():
    """Powers near -1e6 are those of exp(rate * (y - 1e6)), to six digits of the rate; here without that approximation."""
    log = np.log1p((MILLION - 1e6) / (1e6 + 1))  # of (1 + y) / (1 + 1e6)

    def lost(p):
        loc, log_scale, rate = p
        lmbda = 1e6 * rate
        z = (1e6 + 1) * np.expm1(lmbda * log) / lmbda
        return -(stats.t.logpdf(z, 5, loc, np.exp(log_scale)) + (lmbda - 1) * log).sum()

    expected = min(optimize.minimize(lost, (0.6, -1.0, rate), method="BFGS").fun for rate in (-0.9, -0.5))
    model = MLEDensity(Transformed(StudentT(df=5), YeoJohnson())).fit(MILLION[:, None])
    assert model.converged_
    np.testing.assert_allclose(model.loglikelihood_, -expected, atol=1e-6)


CASES = [
    Case(
        "a million and an exponential value", "the profile in mpmath", "Transformed(Normal, yeo-johnson)",
        lambda: against_the_profile(MILLION, -1e6, -5e5),
    ),
    Case("a million and an exponential value", "scipy", "Transformed(StudentT, yeo-johnson)", student_by_scipy),
    Case("years", "mpmath: 56.94 and -39.594845", "Transformed(Normal, yeo-johnson)", years),
    Case(
        "1013 + 8 z, where the slope is 1e-24", "the profile in mpmath", "Transformed(Normal, yeo-johnson)",
        lambda: against_the_profile(1013 + 8 * np.random.default_rng(4).normal(size=80), -20, 10),
    ),
    Case(
        "a far value among years", "the profile in mpmath", "Transformed(Normal, yeo-johnson)",
        lambda: against_the_profile(np.r_[2000 + 10 * np.random.default_rng(0).normal(size=12), 2100], -300, 50),
    ),
    Case("minus years", "symmetry of the transformation", "Transformed(Normal, yeo-johnson)", below_zero),
    Case("about a centre", "the plain transformation", "YeoJohnson", centre_is_an_affine_map),
    Case("quantiles of years", "round trip", "Transformed(StudentT, yeo-johnson)", distribution_of_years),
]  # fmt: skip
