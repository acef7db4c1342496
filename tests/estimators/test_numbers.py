"""Numbers that were once wrong: each case found by a comparison with mpmath, scipy or a linear programme."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats
from scipy.special import expit, logit
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor
from sklearn.linear_model import LinearRegression, QuantileRegressor
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sk_mle import Distribution, MLEClassifier, MLERegressor, predict_dist
from sk_mle.domains import POSITIVE, REAL
from sk_mle.exceptions import BoundaryWarning, ConvergenceWarning
from sk_mle.likelihoods import Bernoulli, Categorical, Laplace, Likelihood, NegativeBinomial, StudentT


def test_negative_binomial_far_from_poisson():
    found = NegativeBinomial().loglik(np.array([3.0, 3.0]), np.array([1e12, 1e18]), np.ones(2))
    np.testing.assert_allclose(found, -np.log([1e12, 1e18]), rtol=1e-6)  # p(3) -> 1 / mean for dispersion 1


@pytest.mark.parametrize("link", ["log", "identity"])
def test_probabilities_stay_below_one(link):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(200, 1))
    y = rng.uniform(size=200) < np.clip(0.5 + 0.25 * X[:, 0], 0.01, 0.99)
    with pytest.warns(ConvergenceWarning, match="link that stays inside"):  # the maximum lies on the edge of the domain
        model = MLEClassifier(Bernoulli(links={"prob": link})).fit(X, y)
    assert model.predict_proba(X).max() <= 1


@pytest.mark.parametrize(("n", "far"), [(60, 1e3), (10_000, 1e5)])
def test_dependent_columns_far_from_zero(n, far):
    rng = np.random.default_rng(1)
    a = rng.normal(size=n)
    X, y = np.column_stack([a, 2 * a]) + far, a + rng.normal(size=n)
    model = MLERegressor().fit(X, y)
    assert model.n_params_ == 3
    np.testing.assert_allclose(model.predict(X), LinearRegression().fit(a[:, None], y).predict(a[:, None]), atol=1e-6)
    np.testing.assert_allclose(model.score(X, y) * n, model.loglikelihood_, rtol=1e-9)


@pytest.mark.parametrize(("level", "spread"), [(1.7e9, 100.0), (1e6, 0.05)])
def test_sparse_columns_far_from_zero(level, spread):
    rng = np.random.default_rng(2)
    x = level + spread * rng.normal(size=(500, 1))
    y = (x[:, 0] - level) / spread + rng.normal(size=500)
    dense, thin = MLERegressor().fit(x, y), MLERegressor().fit(sparse.csr_array(x), y)
    np.testing.assert_allclose(thin.coef_, dense.coef_, rtol=1e-8)


def test_wide_range_of_y_is_not_an_exact_fit():
    rng = np.random.default_rng(4)
    x = np.linspace(-40, 40, 500)
    model = MLERegressor("gamma").fit(x[:, None], np.exp(x) * rng.gamma(5, 1 / 5, 500))
    assert model.converged_
    np.testing.assert_allclose(model.coef_, 1, atol=0.01)


@pytest.mark.parametrize("seed", range(8))
def test_laplace_with_ties_agrees_with_linear_programming(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, size=(60, 2)).astype(float)
    y = np.round(X @ [1, -1] + rng.normal(size=60))
    ours, exact = MLERegressor(Laplace()).fit(X, y), QuantileRegressor(alpha=0).fit(X, y)
    assert abs(np.abs(y - ours.predict(X)).sum() - np.abs(y - exact.predict(X)).sum()) < 1e-9


def test_penalised_laplace_is_a_minimum():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(80, 3))
    y = X @ [1, -1, 0.5] + rng.laplace(size=80)
    model = MLERegressor(Laplace(scale=1.0), alpha=0.1).fit(X, y)
    here = np.r_[model.intercept_, model.coef_]
    value = lambda t: np.abs(y - t[0] - X @ t[1:]).mean() + 0.05 * t[1:] @ t[1:]
    for direction in rng.normal(size=(500, 4)):  # convex: no step, short or long, may lower it
        for length in (1e-6, 1e-3, 1.0):
            assert value(here + length * direction) >= value(here) - 1e-12


class LogNormal(Likelihood):
    parameters = {"mu": REAL, "sigma": POSITIVE}
    support = POSITIVE

    def loglik(self, y, mu, sigma):
        z = (np.log(y) - mu) / sigma
        return -0.5 * z**2 - np.log(y * sigma) - 0.5 * np.log(2 * np.pi)


class Weibull(Likelihood):
    parameters = {"scale": POSITIVE, "shape": POSITIVE}
    support = POSITIVE

    def loglik(self, y, scale, shape):
        z = y / scale
        return np.log(shape / scale) + (shape - 1) * np.log(z) - z**shape


def test_distribution_of_a_density_alone():
    grid = np.array([0.3, 0.7, 0.95, 1.05, 1.5, 3.0])
    ours, theirs = Distribution(LogNormal(), {"mu": [0.0], "sigma": [0.4]}), stats.lognorm(0.4)
    np.testing.assert_allclose(ours.cdf(grid[:, None])[:, 0], theirs.cdf(grid), rtol=1e-8)
    np.testing.assert_allclose(
        [ours.mean()[0], ours.var()[0], ours.ppf(0.9)[0]], [theirs.mean(), theirs.var(), theirs.ppf(0.9)], rtol=1e-8
    )
    scale, shape = np.array([50.0, 0.1, 5e4]), np.array([0.5, 0.3, 0.3])
    ours, theirs = Distribution(Weibull(), {"scale": scale, "shape": shape}), stats.weibull_min(shape, scale=scale)
    np.testing.assert_allclose(ours.ppf(0.5), theirs.ppf(0.5), rtol=1e-9)
    np.testing.assert_allclose(ours.mean(), theirs.mean(), rtol=1e-6)


def test_warm_start_from_a_parameter_at_its_limit():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(300, 2))
    y = X[:, 0] + rng.uniform(-1, 1, size=300)
    model = MLERegressor(StudentT(), warm_start=True)
    for alpha in (0.0, 0.01, 0.1):
        with pytest.warns(BoundaryWarning, match="df of StudentT ran to the upper edge"):
            model.set_params(alpha=alpha).fit(X, y)
        assert model.converged_


def test_only_supported_estimators_are_unwrapped():
    X, y = np.arange(20.0)[:, None], np.arange(20.0) % 7
    inner = MLERegressor().fit(X, 1000 * y)
    with pytest.raises(TypeError, match="BaggingRegressor has no predictive distribution"):
        predict_dist(BaggingRegressor(inner, n_estimators=3).fit(X, y), X)


def test_ends_of_distributions():
    dist = Distribution("student_t", {"loc": 0.0, "scale": 1.0, "df": 3.0})
    assert dist.ppf(0.0) == -np.inf
    assert dist.ppf(1.0) == np.inf
    np.testing.assert_allclose(dist.ppf(1e-100), stats.t(3).isf(1e-100) * -1, rtol=1e-9)
    np.testing.assert_allclose(
        Distribution("student_t", {"loc": 0.0, "scale": 1.0, "df": 1e12}).entropy(), stats.norm().entropy(), rtol=1e-11
    )
    np.testing.assert_allclose(
        Distribution("gamma", {"mean": 2.0, "shape": 1e10}).entropy(), 0.5 * np.log(2 * np.pi * np.e * 4e-10), rtol=1e-9
    )
    for law, params in (
        ("negative_binomial", {"mean": 2.0, "dispersion": 1.0}),
        ("poisson", {"mean": 2.0}),
        ("bernoulli", {"prob": 0.3}),
    ):
        dist = Distribution(law, params)
        assert [dist.cdf(np.inf), dist.sf(np.inf), dist.logcdf(-np.inf), dist.logsf(np.inf)] == [1, 0, -np.inf, -np.inf]
        assert np.isnan(dist.cdf(np.nan))
    assert Distribution(Categorical(n_classes=3), {"logits": np.zeros((1, 3))}).pmf(7.0) == 0


def far_log(y):
    return np.log(y - 1e4)


def far_exp(z):
    return 1e4 + np.exp(z)


JACOBIANS = {
    "linear": (StandardScaler(), lambda z: 1000 + 3 * z, [0.0, 990.0, 1000.0], lambda y: np.full(len(y), np.nan)),
    "logit": (FunctionTransformer(logit, expit), expit, [1e-3, 0.5, 0.995, 0.9999], lambda y: 1 / (y * (1 - y))),
    "far log": (FunctionTransformer(far_log, far_exp), far_exp, [10000.05, 10001.0, 10009.0], lambda y: 1 / (y - 1e4)),
    "falling": (
        FunctionTransformer(np.reciprocal, np.reciprocal),
        lambda z: 1 / (20 + z),
        [0.045, 0.05, 0.06],
        lambda y: y**-2,
    ),
}


@pytest.mark.parametrize("name", JACOBIANS)
def test_jacobians_near_the_ends_of_a_transformation(name):
    transformer, to_y, grid, slope = JACOBIANS[name]
    X = np.random.default_rng(7).normal(size=(400, 1))
    y, grid = to_y(X[:, 0] + 0.5 * np.random.default_rng(8).normal(size=400)), np.array(grid)
    model = TransformedTargetRegressor(MLERegressor(), transformer=transformer, check_inverse=False).fit(X, y)
    dist, base = predict_dist(model, X[:1]), predict_dist(model.regressor_, X[:1])
    factor = 1 / np.std(y) if name == "linear" else slope(grid)
    expected = base.logpdf(model.transformer_.transform(grid[:, None]))[:, 0] + np.log(factor)
    np.testing.assert_allclose(dist.logpdf(grid[:, None])[:, 0], expected, atol=1e-7)
    np.testing.assert_allclose(dist.cdf(dist.ppf(0.3)), 0.3, rtol=1e-9)


@pytest.mark.parametrize("unit", [1e-152, 1e-150, 1e-147, 1e147, 1e150])
def test_columns_and_y_whose_squares_are_still_floats(unit):
    """The model follows the unit: slopes are divided by that of a column, and times that of y."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    y = X.sum(axis=1) + rng.normal(size=80)
    plain, scaled = MLERegressor().fit(X, y), X * [unit, 1.0]
    model = MLERegressor().fit(scaled, y)
    np.testing.assert_allclose(model.coef_ * [unit, 1.0], plain.coef_, rtol=1e-9)
    errors, expected = model.inference(scaled, y).bse, plain.inference(X, y).bse
    np.testing.assert_allclose(errors * [1.0, unit, 1.0, 1.0], expected, rtol=1e-9)
    np.testing.assert_allclose(MLERegressor().fit(X, y * unit).coef_, plain.coef_ * unit, rtol=1e-9)
