"""What weights mean: rows counted several times, rows of other precision, rows drawn with other probabilities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_mle import Inference, MLEClassifier, MLERegressor
from sk_mle.datasets import make_mle_regression
from sk_mle.domains import POSITIVE, REAL
from sk_mle.inference import score_test
from sk_mle.likelihoods import (
    Beta,
    Categorical,
    Censored,
    Gamma,
    Likelihood,
    NegativeBinomial,
    Normal,
    Ordinal,
    Poisson,
    Weibull,
    ZeroInflated,
)

RNG = np.random.default_rng(30)
N = 150
COUNT = RNG.integers(0, 4, N).astype(float)  # zeros are rows that are not there
GROUPS = np.sort(RNG.integers(0, 25, N))
TWICE = np.repeat(np.arange(N), COUNT.astype(int))


class OwnGumbel(Likelihood):
    """A user's law, without derivatives."""

    parameters = {"loc": REAL, "scale": POSITIVE}
    support = REAL

    def __init__(self, *, loc=None, scale=None, links=None):
        self.loc, self.scale, self.links = loc, scale, links

    def loglik(self, y, loc, scale):
        z = (y - loc) / scale
        return -z - np.exp(-z) - np.log(scale)


MODELS = {
    "normal": MLERegressor(Normal(), predictors={"scale": [0]}),
    "poisson": MLERegressor(Poisson()),
    "gamma": MLERegressor(Gamma()),
    "negative binomial": MLERegressor(NegativeBinomial()),
    "beta": MLERegressor(Beta(), predictors={"precision": [1]}),
    "inflated": MLERegressor(ZeroInflated(Poisson())),
    "censored": MLERegressor(Censored(Weibull())),
    "own": MLERegressor(OwnGumbel()),
    "ordinal": MLEClassifier(Ordinal()),
    "categorical": MLEClassifier(Categorical()),
}


def simulated(model):
    return make_mle_regression(model.likelihood, n_samples=N, n_features=2, random_state=2)[:2]


def both(name):
    """The model on weighted rows and on repeated rows: each as a function that makes an Inference."""
    model = MODELS[name]
    X, y = simulated(model)
    weighted = model.__class__(**model.get_params(deep=False)).fit(X, y, sample_weight=COUNT)
    repeated = model.__class__(**model.get_params(deep=False)).fit(X[TWICE], y[TWICE])

    def one(groups=None, **options):
        return weighted.inference(X, y, sample_weight=COUNT, groups=groups, **options)

    def two(groups=None, **options):
        return repeated.inference(X[TWICE], y[TWICE], groups=None if groups is None else groups[TWICE], **options)

    return (one, X, y, COUNT), (two, X[TWICE], y[TWICE], None)


@pytest.mark.parametrize("name", MODELS)
def test_weights_are_repeated_rows(name):
    (one, *_), (two, *_) = both(name)
    kinds = [{}, {"use_t": True}, {"cov": "opg"}, {"cov": "HC0"}, {"cov": "HC1"}, {"cov": "HC1", "use_t": True}]
    kinds += [{"groups": GROUPS}, {"groups": GROUPS, "cov": "HC0"}, {"groups": GROUPS, "use_t": True}]
    if MODELS[name].likelihood.fisher is not None:
        kinds += [{"cov": "expected"}, {"cov": "HC1", "bread": "expected"}]
    for options in kinds:
        a, b = one(**options), two(**options)
        size = np.outer(b.bse, b.bse)
        np.testing.assert_allclose(a.cov_params() / size, b.cov_params() / size, rtol=0, atol=1e-6, err_msg=str(options))
        np.testing.assert_allclose(a.bse, b.bse, rtol=1e-6)
        np.testing.assert_allclose(a.zvalues, b.zvalues, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(a.pvalues, b.pvalues, rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(a.conf_int(), b.conf_int(), rtol=1e-6, atol=1e-6 * b.bse.max())
        assert (a.n_samples, a.df, a.n_clusters) == (len(TWICE), b.df, b.n_clusters)
        test, other = (i.wald_test(i.names[1:3]) for i in (a, b))
        np.testing.assert_allclose([test.statistic, test.pvalue], [other.statistic, other.pvalue], rtol=1e-5)
        assert test.df == other.df
    for criterion in ("aic_", "aicc_", "bic_", "loglikelihood_"):
        assert getattr(a.model, criterion) == pytest.approx(getattr(b.model, criterion), rel=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_profiles_of_repeated_rows(name):
    (one, X, y, weight), (two, X2, y2, _) = both(name)
    a, b = one(), two()
    picked = [a.names[1], a.names[-1]]
    ends = a.conf_int(0.9, "profile", X, y, sample_weight=weight, names=picked)
    np.testing.assert_allclose(ends, b.conf_int(0.9, "profile", X2, y2, names=picked), rtol=1e-5, atol=1e-6)
    values = a.params[1] + np.array([-1.0, 2.0]) * a.bse[1]
    curves = a.profile(picked[0], X, y, values=values, sample_weight=weight), b.profile(picked[0], X2, y2, values=values)
    np.testing.assert_allclose(curves[0].loglikelihood, curves[1].loglikelihood, rtol=1e-8)


def test_predictions_and_score_tests_of_repeated_rows():
    (one, X, y, weight), (two, X2, y2, _) = both("poisson")
    np.testing.assert_allclose(one().predict(X)["std err"][TWICE], two().predict(X2)["std err"], rtol=1e-8)
    effects = one().marginal_effects(X, sample_weight=weight), two().marginal_effects(X2)
    for column in ("effect", "std err"):
        np.testing.assert_allclose(effects[0][column], effects[1][column], rtol=1e-7)
    small, full = MLERegressor("poisson", predictors={"mean": [0]}), MLERegressor("poisson")
    a = score_test(small.fit(X, y, sample_weight=weight), full, X, y, sample_weight=weight)
    b = score_test(small.fit(X2, y2), full, X2, y2)
    assert a.statistic == pytest.approx(b.statistic, rel=1e-7)


def test_weights_through_a_pipeline():
    (one, X, y, weight), _ = both("gamma")
    pipe = make_pipeline(StandardScaler(), MLERegressor(Gamma())).fit(X, y, mleregressor__sample_weight=weight)
    found = Inference.from_estimator(pipe, X, y, sample_weight=weight, cov="HC1")
    np.testing.assert_allclose(found.zvalues[1:], one(cov="HC1").zvalues[1:], rtol=1e-6)


SHARE = RNG.uniform(0.2, 3.0, N)
SHARE[:5] = 0.0


@pytest.mark.parametrize("factor", [1.0, 40.0])
@pytest.mark.parametrize("groups", [None, GROUPS])
def test_probability_weights(factor, groups):
    """Poisson by hand: scores w * (y - mu) * x and information of the sum of w * mu * x x'; a common factor changes nothing."""
    X, y = simulated(MODELS["poisson"])
    weight, Z = factor * SHARE, np.column_stack([np.ones(N), X])
    model = MLERegressor(Poisson()).fit(X, y, sample_weight=weight)
    mean = model.predict(X)
    score = (weight * (y - mean))[:, None] * Z
    H = Z.T @ (Z * (weight * mean)[:, None])
    n, k = N - 5, 3
    units = score[weight > 0] if groups is None else np.array([score[groups == g].sum(axis=0) for g in np.unique(groups[5:])])
    plain = np.linalg.solve(H, np.linalg.solve(H, units.T @ units).T)
    g = len(units)
    corrected = plain * (n / (n - k) if groups is None else g / (g - 1) * (n - 1) / (n - k))
    for cov, expected in (("HC0", plain), ("HC1", corrected)):
        options = {"sample_weight": weight, "weights": "probability", "cov": cov, "groups": groups}
        found = model.inference(X, y, **options)
        np.testing.assert_allclose(found.cov_params(), expected, rtol=1e-7)
        assert found.n_samples == n
    frequency = model.inference(X, y, sample_weight=weight, cov="HC0").cov_params()
    assert np.abs(frequency / plain - 1).max() > 0.05 or groups is not None


def test_analytic_weights():
    """Rows with standard deviation sigma / sqrt(w): the covariance of the coefficients is sigma**2 (X' W X)^-1."""
    X, y = simulated(MODELS["normal"])
    weight, Z = SHARE[5:], np.column_stack([np.ones(N), X])[5:]
    model = MLERegressor().fit(X[5:], y[5:], sample_weight=weight)
    inverse, residual = np.linalg.inv(Z.T @ (Z * weight[:, None])), y[5:] - model.predict(X[5:])
    variance = np.sum(weight * residual**2) / (len(Z) - 3)
    for factor in (1.0, 1e3):
        options = {"sample_weight": factor * weight, "weights": "analytic", "use_t": True}
        found = MLERegressor().fit(X[5:], y[5:], sample_weight=factor * weight).inference(X[5:], y[5:], **options)
        np.testing.assert_allclose(found.cov_params()[:3, :3], variance * inverse, rtol=1e-8)
        assert found.df == len(Z) - 3


def test_precisions_at_fit_are_those_of_weighted_least_squares():
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(31)
    A, w = rng.normal(size=(47, 2)), rng.uniform(1, 90, 47)
    y = 10 + A @ [3.0, -1.0] + 50 * rng.normal(size=47) / np.sqrt(w)
    theirs = sm.WLS(y, sm.add_constant(A), weights=w).fit()
    frame = pd.DataFrame({"a": A[:, 0], "b": A[:, 1], "sd": w**-0.5, "half": -np.log(w) / 2})
    for options, columns in (
        ({"exposure": {"scale": "sd"}}, ["a", "b", "sd"]),
        ({"offset": {"scale": "half"}}, ["a", "b", "half"]),
    ):
        model = MLERegressor(**options).fit(frame[columns], y)
        inference = model.inference(frame[columns], y, use_t=True, cov="expected")
        np.testing.assert_allclose(inference.params[:3], theirs.params, rtol=1e-8)
        np.testing.assert_allclose(inference.bse[:3], theirs.bse, rtol=1e-7)
        assert model.loglikelihood_ == pytest.approx(theirs.llf, rel=1e-10)
        assert model.aic_ == pytest.approx(theirs.aic + 2, rel=1e-10)  # R counts the variance too
        scale = np.exp(model.intercepts_["scale"])
        assert scale * np.sqrt(47 / 44) == pytest.approx(np.sqrt(theirs.scale), rel=1e-8)
        np.testing.assert_allclose(model.predict_dist(frame[columns]).std(), scale / np.sqrt(w), rtol=1e-8)


def test_precisions_of_a_gamma_law():
    rng = np.random.default_rng(32)
    A, w = rng.normal(size=(80, 1)), rng.uniform(0.5, 4, 80)
    y = rng.gamma(2 * w, np.exp(1 + 0.4 * A[:, 0]) / (2 * w))
    X = np.column_stack([A, w])
    model = MLERegressor(Gamma(), exposure={"shape": 1}).fit(X, y)
    shape, mean = np.exp(model.intercepts_["shape"]) * w, np.exp(model.intercept_ + A @ model.coef_)
    assert model.loglikelihood_ == pytest.approx(stats.gamma.logpdf(y, shape, scale=mean / shape).sum(), rel=1e-10)
    weighted = MLERegressor(Gamma()).fit(A, y, sample_weight=w)  # the same equations for the mean
    np.testing.assert_allclose(model.coef_, weighted.coef_, rtol=1e-6)


def test_summary_with_precision_weights_notes_what_is_not_reported():
    A = RNG.normal(size=(N, 2))
    y, weight = A[:, 0] + RNG.normal(size=N), RNG.uniform(1, 5, N)
    model = MLERegressor().fit(A, y, sample_weight=weight)
    text = str(model.inference(A, y, sample_weight=weight, weights="analytic").summary())
    assert "take weights for frequencies: fit precisions by exposure" in text
    assert "take weights" not in str(model.inference(A, y, sample_weight=weight).summary())
