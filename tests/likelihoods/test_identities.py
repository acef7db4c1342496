"""Laws that are special or limiting cases of each other: the same numbers, the same fits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import QuantileRegressor

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.datasets import make_mle_regression
from sk_mle.likelihoods import (
    AsymmetricLaplace,
    Bernoulli,
    BetaBinomial,
    Binomial,
    Cauchy,
    Censored,
    ConwayMaxwellPoisson,
    Exponential,
    ExponentiallyModifiedNormal,
    Gamma,
    GeneralizedExtremeValue,
    GeneralizedGamma,
    GeneralizedNormal,
    GeneralizedPareto,
    GeneralizedPoisson,
    Geometric,
    Gumbel,
    GumbelMin,
    InverseGamma,
    JohnsonSU,
    Kumaraswamy,
    Laplace,
    Logistic,
    LogitNormal,
    LogLogistic,
    LogNormal,
    Lomax,
    Mixture,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Ordinal,
    Poisson,
    PoissonInverseGaussian,
    Rounded,
    SinhArcsinh,
    SkewNormal,
    SkewT,
    StudentT,
    Transformed,
    Truncated,
    Tweedie,
    VonMises,
    Weibull,
    ZeroInflated,
)

RNG = np.random.default_rng(1)
Y = np.linspace(0.05, 6, 40)
K = np.arange(12.0)
REAL = np.linspace(-4, 5, 41)
UNIT = np.linspace(0.02, 0.98, 33)


@pytest.mark.parametrize(
    ("one", "first", "other", "second", "y"),
    [
        (Exponential(), {"mean": 2.0}, Gamma(), {"mean": 2.0, "shape": 1.0}, Y),
        (Exponential(), {"mean": 2.0}, Weibull(), {"scale": 2.0, "shape": 1.0}, Y),
        (Exponential(), {"mean": 2.0}, GeneralizedGamma(), {"loc": np.log(2.0), "scale": 1.0, "shape": 1.0}, Y),
        (Exponential(), {"mean": 2.0}, GeneralizedPareto(), {"scale": 2.0, "shape": 0.0}, Y),
        (Gamma(), {"mean": 3.0, "shape": 4.0}, GeneralizedGamma(), {"loc": np.log(3.0), "scale": 0.5, "shape": 0.5}, Y),
        (Weibull(), {"scale": 2.0, "shape": 3.0}, GeneralizedGamma(), {"loc": np.log(2.0), "scale": 1 / 3, "shape": 1.0}, Y),
        (LogNormal(), {"loc": 0.3, "scale": 0.7}, GeneralizedGamma(), {"loc": 0.3, "scale": 0.7, "shape": 0.0}, Y),
        (LogNormal(), {"loc": 0.3, "scale": 0.7}, Transformed(Normal(), "log"), {"loc": 0.3, "scale": 0.7}, Y),
        (LogLogistic(), {"scale": 2.0, "shape": 3.0}, Transformed(Logistic(), "log"), {"loc": np.log(2), "scale": 1 / 3}, Y),
        (Weibull(), {"scale": 2.0, "shape": 3.0}, Transformed(GumbelMin(), "log"), {"loc": np.log(2), "scale": 1 / 3}, Y),
        (LogitNormal(), {"loc": 0.3, "scale": 0.7}, Transformed(Normal(), "logit"), {"loc": 0.3, "scale": 0.7}, UNIT),
        (Lomax(), {"scale": 2.0, "shape": 4.0}, GeneralizedPareto(), {"scale": 0.5, "shape": 0.25}, Y),
        (Normal(), {"loc": 0.3, "scale": 1.2}, StudentT(), {"loc": 0.3, "scale": 1.2, "df": np.inf}, REAL),
        (Cauchy(), {"loc": 0.3, "scale": 1.2}, StudentT(), {"loc": 0.3, "scale": 1.2, "df": 1.0}, REAL),
        (Normal(), {"loc": 0.3, "scale": 1.2}, SkewNormal(), {"loc": 0.3, "scale": 1.2, "shape": 0.0}, REAL),
        (StudentT(), {"loc": 0.3, "scale": 1.2, "df": 4.0}, SkewT(), {"loc": 0.3, "scale": 1.2, "shape": 0.0, "df": 4.0}, REAL),
        (
            SkewNormal(),
            {"loc": 0.3, "scale": 1.2, "shape": 2.0},
            SkewT(),
            {"loc": 0.3, "scale": 1.2, "shape": 2.0, "df": np.inf},
            REAL,
        ),
        (
            Normal(),
            {"loc": 0.3, "scale": 1.2},
            GeneralizedNormal(),
            {"loc": 0.3, "scale": 1.2 * np.sqrt(2), "shape": 2.0},
            REAL,
        ),
        (Laplace(), {"loc": 0.3, "scale": 1.2}, GeneralizedNormal(), {"loc": 0.3, "scale": 1.2, "shape": 1.0}, REAL),
        (Laplace(), {"loc": 0.3, "scale": 1.2}, AsymmetricLaplace(), {"loc": 0.3, "scale": 0.6, "quantile": 0.5}, REAL),
        (Normal(), {"loc": 0.3, "scale": 1.2}, SinhArcsinh(), {"loc": 0.3, "scale": 1.2, "skew": 0.0, "tail": 1.0}, REAL),
        (
            Gumbel(),
            {"loc": 0.3, "scale": 1.2},
            GeneralizedExtremeValue(),
            {"loc": 0.3, "scale": 1.2, "shape": 0.0},
            REAL,
        ),
        (Poisson(), {"mean": 2.5}, NegativeBinomial(), {"mean": 2.5, "dispersion": 0.0}, K),
        (Poisson(), {"mean": 2.5}, NegativeBinomial(power=1.0), {"mean": 2.5, "dispersion": 1e-14, "power": 1.0}, K),
        (Poisson(), {"mean": 2.5}, GeneralizedPoisson(), {"mean": 2.5, "dispersion": 0.0, "power": 1.0}, K),
        (Poisson(), {"mean": 2.5}, ConwayMaxwellPoisson(), {"mean": 2.5, "dispersion": 1.0}, K),
        (Poisson(), {"mean": 2.5}, PoissonInverseGaussian(), {"mean": 2.5, "dispersion": 1e-14}, K),
        (Poisson(), {"mean": 2.5}, ZeroInflated(Poisson()), {"mean": 2.5, "inflation": 1e-300}, K),
        (Poisson(), {"mean": 2.5}, Mixture([("a", Poisson())]), {"a__mean": 2.5}, K),
        (Poisson(), {"mean": 2.5}, Truncated(Poisson()), {"mean": 2.5, "low": -np.inf, "high": np.inf}, K),
        (Geometric(), {"prob": 0.3}, NegativeBinomial(), {"mean": 0.7 / 0.3, "dispersion": 1.0}, K),
    ],
    ids=lambda value: repr(value) if hasattr(value, "loglik") else "",
)
def test_densities(one, first, other, second, y):
    np.testing.assert_allclose(one.loglik(y, **first), other.loglik(y, **second), rtol=1e-11, atol=1e-12)
    inside = (y > 0.1) & (y < 5) if not one.support.integer else y < 9
    np.testing.assert_allclose(one.logcdf(y, **first)[inside], other.logcdf(y, **second)[inside], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.logsf(y, **first)[inside], other.logsf(y, **second)[inside], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("law", "params", "theirs", "y"),
    [
        (Cauchy(), {"loc": 0.3, "scale": 1.2}, stats.cauchy(0.3, 1.2), REAL),
        (Logistic(), {"loc": 0.3, "scale": 1.2}, stats.logistic(0.3, 1.2), REAL),
        (Gumbel(), {"loc": 0.3, "scale": 1.2}, stats.gumbel_r(0.3, 1.2), REAL),
        (GumbelMin(), {"loc": 0.3, "scale": 1.2}, stats.gumbel_l(0.3, 1.2), REAL),
        (GeneralizedNormal(), {"loc": 0.3, "scale": 1.2, "shape": 1.7}, stats.gennorm(1.7, 0.3, 1.2), REAL),
        (SkewNormal(), {"loc": 0.3, "scale": 1.2, "shape": 2.0}, stats.skewnorm(2.0, 0.3, 1.2), REAL),
        (JohnsonSU(), {"loc": 0.3, "scale": 1.2, "skew": -0.6, "tail": 1.4}, stats.johnsonsu(-0.6, 1.4, 0.3, 1.2), REAL),
        (GeneralizedExtremeValue(), {"loc": 0.3, "scale": 1.2, "shape": 0.2}, stats.genextreme(-0.2, 0.3, 1.2), REAL),
        (Exponential(), {"mean": 1.2}, stats.expon(scale=1.2), Y),
        (Weibull(), {"scale": 2.0, "shape": 1.4}, stats.weibull_min(1.4, scale=2.0), Y),
        (LogLogistic(), {"scale": 2.0, "shape": 1.4}, stats.fisk(1.4, scale=2.0), Y),
        (LogNormal(), {"loc": 0.3, "scale": 0.7}, stats.lognorm(0.7, scale=np.exp(0.3)), Y),
        (InverseGamma(), {"scale": 2.0, "shape": 1.4}, stats.invgamma(1.4, scale=2.0), Y),
        (Lomax(), {"scale": 2.0, "shape": 1.4}, stats.lomax(1.4, scale=2.0), Y),
        (GeneralizedPareto(), {"scale": 2.0, "shape": 0.4}, stats.genpareto(0.4, scale=2.0), Y),
        (Kumaraswamy(), {"a": 2.0, "b": 1.0}, stats.beta(2.0, 1.0), UNIT),
        (Geometric(), {"prob": 0.3}, stats.geom(0.3, loc=-1), K),
        (Binomial(), {"prob": 0.3, "trials": 12.0}, stats.binom(12, 0.3), K),
        (BetaBinomial(), {"mean": 0.3, "precision": 5.0, "trials": 12.0}, stats.betabinom(12, 1.5, 3.5), K),
    ],
    ids=lambda value: repr(value) if hasattr(value, "loglik") else "",
)
def test_scipy(law, params, theirs, y):
    logpdf = theirs.logpmf if law.support.integer else theirs.logpdf
    np.testing.assert_allclose(law.loglik(y, **params), logpdf(y), rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(law.cdf(y, **params), theirs.cdf(y), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(law.sf(y, **params), theirs.sf(y), rtol=1e-9, atol=1e-11)


def test_von_mises():
    """scipy's distribution function counts from elsewhere than -pi."""
    theirs, y = stats.vonmises(1.2, 0.4), np.linspace(-3, 3, 20)
    params = {"loc": 0.3, "origin": 0.1, "concentration": 1.2}
    np.testing.assert_allclose(VonMises().loglik(y, **params), theirs.logpdf(y), rtol=1e-12)
    np.testing.assert_allclose(VonMises().cdf(y, **params), theirs.cdf(y) - theirs.cdf(-np.pi), rtol=1e-9)


def fitted(law, X, y, **options):
    estimator = MLEClassifier if law.target_type == "classes" else MLERegressor
    return estimator(law, **options).fit(X, y)


def same_fit(one, other, rtol=1e-8):
    np.testing.assert_allclose(np.ravel(one.coef_), np.ravel(other.coef_), rtol=rtol, atol=1e-9)
    assert one.loglikelihood_ == pytest.approx(other.loglikelihood_, rel=1e-11)


@pytest.mark.parametrize(
    ("one", "other", "simulated"),
    [
        (Exponential(), Gamma(shape=1.0), Exponential()),
        (Exponential(), Weibull(shape=1.0), Exponential()),
        (Laplace(), AsymmetricLaplace(quantile=0.5), Laplace()),
        (Cauchy(), StudentT(df=1.0), Cauchy()),
        (LogNormal(), Transformed(Normal(), "log"), LogNormal()),
        (LogNormal(), GeneralizedGamma(shape=0.0), LogNormal()),
        (Poisson(), Mixture([("a", Poisson())]), Poisson()),
        (Geometric(), NegativeBinomial(dispersion=1.0, links={"mean": "log"}), Geometric()),
        (Normal(), Rounded(Normal(), width=1e-7), Normal()),
        (Gumbel(), GeneralizedExtremeValue(shape=0.0), Gumbel()),
        (Bernoulli(), Ordinal(), Bernoulli()),
        (Normal(), MultivariateNormal(), Normal()),
    ],
    ids=repr,
)
def test_fits(one, other, simulated):
    X, y, *_ = make_mle_regression(simulated, n_samples=200, n_features=2, random_state=3)
    several = isinstance(other, MultivariateNormal)
    first, second = fitted(one, X, y), fitted(other, X, y[:, None] if several else y)
    if isinstance(one, Geometric):  # prob = 1 / (1 + mean): the other sign
        np.testing.assert_allclose(first.coef_, -second.coef_, rtol=1e-7)
        assert first.loglikelihood_ == pytest.approx(second.loglikelihood_, rel=1e-12)
    elif isinstance(other, Rounded):
        np.testing.assert_allclose(first.coef_, second.coef_, rtol=1e-6)
        assert first.loglikelihood_ + 200 * np.log(1e-7) == pytest.approx(second.loglikelihood_, rel=1e-9)
    elif several:
        np.testing.assert_allclose(first.coef_, np.ravel(second.coef_), rtol=1e-8)
    else:
        same_fit(first, second)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.8])
def test_asymmetric_laplace_is_quantile_regression(quantile):
    X = RNG.normal(size=(150, 3))
    y = X @ [1.0, -1.0, 0.5] + RNG.standard_t(3, size=150)
    model = MLERegressor(AsymmetricLaplace(quantile=quantile)).fit(X, y)
    theirs = QuantileRegressor(quantile=quantile, alpha=0, solver="highs").fit(X, y)
    np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=1e-8, atol=1e-9)
    assert model.intercept_ == pytest.approx(theirs.intercept_, abs=1e-9)


def test_tweedie_between_poisson_and_gamma():
    """Power 1 is a Poisson law on the lattice of the dispersion, power 2 the gamma law."""
    y = np.array([0.5, 1.0, 2.5, 4.0])
    near = Tweedie().loglik(y, mean=2.0, dispersion=0.4, power=1.9999)
    np.testing.assert_allclose(near, Gamma().loglik(y, mean=2.0, shape=2.5), atol=2e-3)
    zero = Tweedie().loglik(np.zeros(1), mean=2.0, dispersion=1.0, power=1.0001)[0]
    assert zero == pytest.approx(float(Poisson().loglik(np.zeros(1), mean=2.0)[0]), rel=1e-3)


def test_exponentially_modified_normal_without_the_exponential_is_normal():
    law = ExponentiallyModifiedNormal()
    third = next(name for name in law.parameters if name not in ("loc", "scale"))
    extreme = 1e9 if third == "rate" else 1e-9
    found = law.loglik(REAL, loc=0.3, scale=1.2, **{third: extreme})
    np.testing.assert_allclose(found, Normal().loglik(REAL, loc=0.3, scale=1.2), rtol=1e-7)


def test_beta_binomial_of_great_precision_is_binomial():
    found = BetaBinomial().loglik(K, mean=0.3, precision=1e13, trials=12.0)
    np.testing.assert_allclose(found, Binomial().loglik(K, prob=0.3, trials=12.0), rtol=1e-11)


def test_censored_with_exact_intervals_is_its_law():
    X, y, *_ = make_mle_regression(Weibull(), n_samples=150, n_features=2, random_state=3)
    same_fit(MLERegressor(Censored(Weibull())).fit(X, np.column_stack([y, y])), MLERegressor(Weibull()).fit(X, y))
