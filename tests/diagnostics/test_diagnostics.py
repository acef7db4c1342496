"""Diagnostics: quantile residuals are normal where the model is right, residuals and influence agree with statsmodels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import log_ndtr, ndtri_exp
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_mle import Distribution, MLEClassifier, MLERegressor, censored
from sk_mle.datasets import make_mle_regression
from sk_mle.diagnostics import (
    cooks_distance,
    deviance_residuals,
    leverage,
    pearson_residuals,
    quantile_residuals,
    response_residuals,
)
from sk_mle.diagnostics._observed import normal_scores
from sk_mle.likelihoods import (
    LAWS,
    Bernoulli,
    Beta,
    Binomial,
    Cauchy,
    Censored,
    Gamma,
    Hurdle,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Poisson,
    Rounded,
    StudentT,
    Transformed,
    Truncated,
    Weibull,
    ZeroInflated,
    ZeroOneInflated,
)
from sk_mle.likelihoods._fallbacks.facts import modelled, sized

RNG = np.random.default_rng(0)
KINDS = [
    *(kind() for kind in LAWS.values() if kind.target_type != "targets"),
    Binomial(trials=7),
    Hurdle(Gamma()),
    Hurdle(Poisson()),
    ZeroInflated(Poisson()),
    ZeroOneInflated(Beta()),
    Truncated(Normal(), low=0.5),
    Truncated(Poisson(), low=0),
    Transformed(Normal(), "log"),
    Rounded(Normal(), width=0.5),
    Censored(Normal()),
    Censored(Gamma()),
    Censored(Poisson()),
    Censored(Hurdle(Gamma())),
]


def estimator(law):
    return MLEClassifier(law) if law.target_type == "classes" else MLERegressor(law)


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 2))
    return X, rng.negative_binomial(2, 2 / (2 + np.exp(1 + 0.6 * X[:, 0]))).astype(float)


@pytest.mark.parametrize("law", KINDS, ids=repr)
def test_quantile_residuals_of_the_right_model_are_standard_normal(law):
    X, y, coefs, intercepts = make_mle_regression(law, n_samples=800, n_features=2, random_state=3)
    model = estimator(law).fit(X, y)
    model.fit_ = replace(
        model.fit_,
        law=sized(law) if law.target_type == "classes" else model.likelihood_,
        coefs=dict(coefs),
        intercepts=dict(intercepts),
    )  # the truth
    residuals = quantile_residuals(model, X, y, random_state=0)
    assert stats.kstest(residuals, "norm").pvalue > 1e-3
    np.testing.assert_array_equal(residuals, quantile_residuals(model, X, y, random_state=0))


def test_quantile_residuals_of_a_wrong_model_are_not(counts):
    X, y = counts
    assert stats.kstest(quantile_residuals(MLERegressor(Poisson()).fit(X, y), X, y, random_state=0), "norm").pvalue < 1e-3
    right = MLERegressor(NegativeBinomial()).fit(X, y)
    assert stats.kstest(quantile_residuals(right, X, y, random_state=0), "norm").pvalue > 0.1


def test_far_tails_are_exact():
    y = np.array([-37.0, -20.0, -1.0, 0.0, 9.0, 25.0, 37.0])
    normal = Distribution(Normal(), {"loc": np.zeros(7), "scale": np.ones(7)})
    np.testing.assert_allclose(normal_scores(normal, y), y, rtol=1e-13, atol=1e-13)
    mean = np.full(3, 5.0)
    far = np.array([60.0, 100.0, 200.0])
    drawn = normal_scores(Distribution(Poisson(), {"mean": mean}), far, random_state=0)
    first, last = (-ndtri_exp(stats.poisson.logsf(ends, 5.0)) for ends in (far - 1, far))
    assert (first < drawn).all()
    assert (drawn < last).all()
    side = normal_scores(normal[:2], np.array([[30.0, np.inf], [-np.inf, -30.0]]), random_state=0)
    assert side[0] > 30
    assert side[1] < -30
    share = np.random.RandomState(0).uniform(size=2)
    np.testing.assert_allclose(side[0], -ndtri_exp(log_ndtr(-30) + np.log1p(-share[0])), rtol=1e-12)


def test_rounded_values_are_spread_over_their_width():
    X = RNG.normal(size=(400, 1))
    y = 2 * np.rint((X[:, 0] + RNG.normal(size=400)) / 2)
    model = MLERegressor(Rounded(Normal(), width=2.0)).fit(X, y)
    params = model.predict_params(X)
    moved = quantile_residuals(model, X, y, random_state=0) * params["scale"] + params["loc"] - y
    assert 0.98 < np.abs(moved).max() <= 1.0


def test_transformed_targets_have_the_same_residuals():
    X = RNG.normal(size=(200, 2))
    y = np.exp(X[:, 0] + 0.5 * RNG.normal(size=200))
    inner = MLERegressor(Normal()).fit(X, np.log(y))
    plain = quantile_residuals(inner, X, np.log(y))
    for func, inverse, sign in ((np.log, np.exp, 1), (_minus_log, _exp_minus, -1)):
        fitted = TransformedTargetRegressor(MLERegressor(), func=func, inverse_func=inverse).fit(X, y)
        np.testing.assert_allclose(quantile_residuals(fitted, X, y), plain, atol=1e-6)
        np.testing.assert_allclose(np.abs(deviance_residuals(fitted, X, y)), np.abs(plain), atol=1e-6)
        assert sign * fitted.regressor_.coef_[0] > 0
    pipe = make_pipeline(StandardScaler(), MLERegressor()).fit(X, np.log(y))
    np.testing.assert_allclose(quantile_residuals(pipe, X, np.log(y)), plain, atol=1e-6)
    np.testing.assert_allclose(leverage(pipe, X, np.log(y)), leverage(inner, X, np.log(y)), rtol=1e-9)


def _minus_log(y):
    return -np.log(y)


def _exp_minus(z):
    return np.exp(-z)


def glm_cases():
    sm = pytest.importorskip("statsmodels.api")
    X = RNG.normal(size=(120, 2))
    mu = np.exp(0.4 + 0.5 * X[:, 0])
    log, f = sm.families.links.Log(), sm.families
    nb = RNG.negative_binomial(2, 2 / (2 + mu)).astype(float)
    fitted = MLERegressor(NegativeBinomial(), tol=1e-11).fit(X, nb)
    size = fitted.predict_params(X)["dispersion"][0]
    return sm, X, [
        (MLERegressor(), RNG.normal(mu), f.Gaussian()),
        (MLERegressor(Poisson(), tol=1e-12), RNG.poisson(mu).astype(float), f.Poisson()),
        (MLEClassifier(tol=1e-12), (RNG.uniform(size=120) < 1 / (1 + mu)).astype(float), f.Binomial()),
        (MLERegressor(Gamma(), tol=1e-12), RNG.gamma(3, mu / 3), f.Gamma(log)),
        (fitted, nb, f.NegativeBinomial(log, alpha=size)),
    ]  # fmt: skip


def test_residuals_and_influence_are_those_of_statsmodels():
    sm, X, cases = glm_cases()
    for model, y, family in cases:
        ours, theirs = model.fit(X, y), sm.GLM(y, sm.add_constant(X), family=family).fit(tol=1e-13, maxiter=200)
        expected = ours.likelihood_.fisher is not None
        influence, params = theirs.get_influence(observed=False), ours.predict_params(X)
        scale = params["scale"] if "scale" in params else params.get("shape", 1.0) ** -0.5
        close = {"rtol": 1e-6, "atol": 1e-6}
        np.testing.assert_allclose(response_residuals(ours, X, y), theirs.resid_response, **close)
        np.testing.assert_allclose(pearson_residuals(ours, X, y) * scale, theirs.resid_pearson, **close)
        np.testing.assert_allclose(deviance_residuals(ours, X, y) * scale, theirs.resid_deviance, **close)
        np.testing.assert_allclose(leverage(ours, X, y), influence.hat_matrix_diag, **close)
        if expected:  # the scale of the others is estimated here, and one there
            np.testing.assert_allclose(cooks_distance(ours, X, y), influence.cooks_distance[0], **close)
    y = cases[0][1]
    theirs = sm.OLS(y, sm.add_constant(X)).fit().get_influence()
    np.testing.assert_allclose(cooks_distance(MLERegressor().fit(X, y), X, y), theirs.cooks_distance[0], rtol=1e-8)


def test_influence_of_weights_penalties_and_dependent_columns(counts):
    X, y = counts
    weight = RNG.integers(0, 4, len(y))
    model = MLERegressor(Poisson()).fit(X, y, sample_weight=weight)
    rows = np.repeat(np.arange(len(y)), weight)
    for f in (leverage, cooks_distance):
        np.testing.assert_allclose(f(model, X, y, sample_weight=weight)[rows], f(model, X[rows], y[rows]), rtol=1e-8)
    assert np.isclose(weight @ leverage(model, X, y, sample_weight=weight), 3)
    twice = np.column_stack([X, X[:, 0]])
    same = leverage(MLERegressor().fit(twice, y), twice, y)
    np.testing.assert_allclose(same, leverage(MLERegressor().fit(X, y), X, y), rtol=1e-8)
    ridge = MLERegressor(Normal(scale=1.0), alpha=0.7).fit(X, y)
    A = np.column_stack([np.ones(len(y)), X])
    hat = A @ np.linalg.solve(A.T @ A + 0.7 * len(y) * np.diag([0, 1, 1]), A.T)
    np.testing.assert_allclose(leverage(ridge, X, y), np.diag(hat), rtol=1e-8)
    alone = np.column_stack([X[:, 0], np.arange(len(y)) == 5])
    assert np.flatnonzero(np.isinf(cooks_distance(MLERegressor().fit(alone, y), alone, y))).tolist() == [5]


@pytest.mark.parametrize("law", [kind() for kind in LAWS.values() if kind.target_type == "number"], ids=repr)
def test_saturated_log_likelihoods_are_maxima(law):
    X, y, *_ = make_mle_regression(law, n_samples=150, n_features=1, random_state=1)
    model = MLERegressor(law, predictors={modelled(law)[0]: "all"}).fit(X, y)
    name = next(iter(model.coefs_))
    lost = deviance_residuals(model, X, y) ** 2 / 2
    data = model.read_data(X, y)
    target, eta = data.y, model.fit_.eta(data.X)
    here = law_loglik(model, target, eta)
    grid = np.concatenate([np.linspace(-6, 6, 61), [-30, 30]])
    best = np.max([law_loglik(model, target, {**eta, name: eta[name] + step}) for step in grid], axis=0)
    best = np.where(np.isfinite(best), best, here)
    assert (here + lost >= best - 1e-9 * np.maximum(1, np.abs(best))).all()


def law_loglik(model, target, eta):
    return model.likelihood_.evaluate(target, eta, 0).loglik


def test_deviance_residuals_of_classes_counts_of_trials_and_censored_rows():
    X = RNG.normal(size=(80, 1))
    y = np.where(RNG.uniform(size=80) < 0.4, "yes", "no")
    model = MLEClassifier().fit(X, y)
    proba = model.predict_proba(X)[:, 1]
    expected = np.where(y == "yes", np.sqrt(-2 * np.log(proba)), -np.sqrt(-2 * np.log1p(-proba)))
    np.testing.assert_allclose(deviance_residuals(model, X, y), expected, rtol=1e-7)
    trials = RNG.integers(3, 9, 80)
    both = np.column_stack([RNG.binomial(trials, 0.3), trials])
    share = MLERegressor(Binomial()).fit(X, both)
    prob = share.predict_params(X)["prob"]
    np.testing.assert_allclose(response_residuals(share, X, both), both[:, 0] - trials * prob, rtol=1e-9)
    saturated = stats.binom.logpmf(both[:, 0], trials, both[:, 0] / trials)
    lost = 2 * (saturated - stats.binom.logpmf(both[:, 0], trials, prob))
    np.testing.assert_allclose(deviance_residuals(share, X, both) ** 2, lost, rtol=1e-6, atol=1e-9)
    time = RNG.weibull(1.5, 80)
    durations = censored(time, event=time < 1)
    fitted = MLERegressor(Censored(Weibull())).fit(X, durations)
    residual, dist = deviance_residuals(fitted, X, durations), fitted.predict_dist(X)
    np.testing.assert_allclose(residual[time >= 1], np.sqrt(-2 * dist.logsf(time))[time >= 1], rtol=1e-6)


def test_refusals_in_words(counts):
    X, y = counts
    several = MLERegressor(MultivariateNormal()).fit(X, RNG.normal(size=(len(y), 2)))
    with pytest.raises(ValueError, match="several targets"):
        quantile_residuals(several, X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="the mean of Cauchy does not exist"):
        pearson_residuals(MLERegressor(Cauchy()).fit(X, y), X, y)
    with pytest.raises(ValueError, match="variance of StudentT does not exist"):
        pearson_residuals(MLERegressor(StudentT(df=1.5)).fit(X, y), X, y)
    three = MLEClassifier().fit(X, np.digitize(X[:, 0] + RNG.normal(size=len(y)), [-0.5, 0.5]))
    for f in (pearson_residuals, deviance_residuals):
        with pytest.raises(ValueError, match="3 classes"):
            f(three, X, np.digitize(X[:, 0], [-0.5, 0.5]))
    with pytest.raises(ValueError, match="logits of Categorical is a vector"):
        leverage(three, X, np.digitize(X[:, 0], [-0.5, 0.5]))
    half = censored(y + 1, event=y > 2)
    with pytest.raises(ValueError, match="known only up to an interval"):
        response_residuals(MLERegressor(Censored(Gamma())).fit(X, half), X, half)
    with pytest.raises(ValueError, match="must lie in"):
        quantile_residuals(MLERegressor(Poisson()).fit(X, y), X, y - 1)
    with pytest.raises(ValueError, match="row 3 has no upper bound"):
        deviance_residuals(MLERegressor(Normal(loc=0.0)).fit(X, X[:, 0]), X[:5], [1.0, 1.0, 1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="dispersion must be positive"):
        cooks_distance(MLERegressor().fit(X, y), X, y, dispersion=0)
    with pytest.raises(ValueError, match="labels that were not"):
        quantile_residuals(MLEClassifier(Bernoulli()).fit(X, y > 2), X, np.full(len(y), 7))
