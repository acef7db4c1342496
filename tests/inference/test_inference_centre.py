"""The mean of the likelihood beside its maximum, against posterior means in closed form, and intervals of other software."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.likelihoods import AsymmetricLaplace, Exponential, Fixed, Gamma, Normal, Poisson
from sk_mle.predictors import Nonlinear

GROUP = np.repeat([0.0, 1.0], [12, 18])[:, None]


def shift(model, X, y, **options):
    found = model.fit(X, y, **options).inference(X, y, **options)
    return found.centre - found.params


@pytest.mark.parametrize("n", [5, 20])
def test_of_an_exponential_law(n):
    y = np.random.default_rng(0).exponential(size=n)  # log of the mean, given y: that of sum(y) over a gamma variable
    found = shift(MLERegressor(Exponential(), predictors={"mean": "intercept"}), np.zeros((n, 1)), y)
    np.testing.assert_allclose(found, np.log(n) - special.digamma(n), rtol=0.1 / n)


def test_of_a_law_with_kinks():
    """Given the location, the scale is the sum of losses over a gamma variable."""
    law, y = AsymmetricLaplace(quantile=0.7), np.random.default_rng(1).normal(size=30)
    losses = lambda loc: np.sum((y - loc) * (0.7 - (y < loc)))
    log_density = lambda loc: -30 * np.log(losses(loc) / losses(np.quantile(y, 0.7)))
    total, log_scale = (
        integrate.quad(lambda loc, f=f: f(loc) * np.exp(log_density(loc)), -1.5, 3, points=np.sort(y)[10:28], limit=400)[0]
        for f in (lambda loc: 1.0, lambda loc: np.log(losses(loc)))
    )
    model = MLERegressor(law, predictors={"loc": "intercept"})
    found = shift(model, np.zeros((30, 1)), y)
    expected = log_scale / total - special.digamma(30) - model.intercepts_["scale"]
    assert found[1] == pytest.approx(expected, rel=0.1)


def test_of_counts_in_two_groups():
    y = np.repeat([[0.0, 1.0, 1.0, 0.0, 1.0, 0.0], [2.0, 3.0, 1.0, 0.0, 2.0, 2.0]], [2, 3], axis=0).ravel()
    totals = np.array([y[:12].sum(), y[12:].sum()])
    expected = special.digamma(totals) - np.log(totals)
    found = shift(MLERegressor("poisson"), GROUP, y)
    np.testing.assert_allclose([found[0], found.sum()], expected, rtol=0.02)


def test_of_classes():
    y = np.repeat([0, 1, 2], [5, 9, 30])
    counts = np.bincount(y)
    found = shift(MLEClassifier(predictors={"logits": "intercept"}), np.zeros((44, 1)), y)
    expected = special.digamma(counts) - np.log(counts)
    np.testing.assert_allclose(found - found.mean(), expected - expected.mean(), rtol=0.1, atol=0.003)


def test_of_a_normal_law_for_columns_weights_and_curves():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = X.sum(axis=1) + rng.normal(size=30)
    expected = np.array([0.0, 0.0, 0.0, 0.0, (4 + 1) / 60])  # second order of log(sqrt(30 / chi2(26)))
    np.testing.assert_allclose(shift(MLERegressor(), X, y), expected, rtol=5e-3, atol=1e-9)
    curve = MLERegressor(predictors={"loc": Nonlinear("a + b * x0 + c * x1 + d * x2", start=dict.fromkeys("abcd", 0.5))})
    np.testing.assert_allclose(shift(curve, X, y), expected, rtol=5e-3, atol=1e-9)
    weight = np.arange(30) % 3 + 1.0
    once = shift(MLERegressor(Gamma()), X, np.exp(y), sample_weight=weight)
    copies = weight.astype(int)
    np.testing.assert_allclose(once, shift(MLERegressor(Gamma()), np.repeat(X, copies, axis=0), np.repeat(np.exp(y), copies)))
    np.testing.assert_array_equal(shift(MLERegressor(penalty="mean_bias"), X, y), 0)  # its scale is the larger one already
    np.testing.assert_array_equal(shift(MLERegressor(Fixed(Normal(), {"scale": 1.0})), X, y)[:4].round(9), 0)


def test_many_rows_have_the_maximum():
    y = np.random.default_rng(1).poisson(2.0, 401)
    assert not shift(MLERegressor(Poisson()), np.linspace(0, 1, 401)[:, None], y).any()
    assert shift(MLERegressor(Poisson()), np.linspace(0, 1, 399)[:, None], y[:399]).all()


@pytest.mark.parametrize(("n", "p", "shorter"), [(40, 3, 0.035), (60, 20, 0.12), (200, 3, 0.01)])
def test_intervals_of_the_normal_law_are_those_of_students_t(n, p, shorter):
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(0)
    X, A = rng.normal(size=(n, p)), rng.normal(size=(6, p))
    y = X.sum(axis=1) + rng.normal(size=n)
    right = sm.OLS(y, sm.add_constant(X)).fit().get_prediction(sm.add_constant(A)).summary_frame(alpha=0.1)
    width = np.asarray(right["obs_ci_upper"] - right["obs_ci_lower"])
    inference = MLERegressor().fit(X, y).inference(X, y)
    found = np.diff(inference.predict_interval(A, 0.9, n_draws=2000, random_state=0), axis=1)[:, 0] / width
    assert (found > 1 - shorter).all()
    assert (found < 1.01).all()
    plug_in = np.diff(inference.predict_interval(A, 0.9, uncertainty="plug-in"), axis=1)[:, 0] / width
    assert (plug_in < found).all()
