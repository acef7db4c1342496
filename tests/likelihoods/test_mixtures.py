"""Mixtures, transformed, rounded and fixed laws: generic checks, reference fits, grammar."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from _laws import example, repeated
from _reference import load, numbers
from scipy import stats
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV

from sk_mle import Distribution, MLERegressor
from sk_mle.datasets import make_mle_regression
from sk_mle.likelihoods import (
    Binomial,
    Censored,
    Fixed,
    Gamma,
    Geometric,
    Laplace,
    Mixture,
    MultivariateNormal,
    Normal,
    Ordinal,
    Poisson,
    Rounded,
    StudentT,
    Transformed,
    VonMises,
    ZeroInflated,
)
from sk_mle.likelihoods import Likelihood as Base
from sk_mle.likelihoods._fallbacks.facts import resolved, sized
from sk_mle.metrics import crps, kl_divergence
from sk_mle.testing import check_likelihood

RNG = np.random.default_rng(0)
TWO = Mixture([("a", Normal()), ("b", Normal())])
FROM_TWO_STARTS = Mixture([("a", Normal()), ("b", Normal())], n_starts=2)
DIFFERENCES = "the check differences a law without `gradient`, good to 1e-7; the mixture's own derivatives are exact"
ORDER = "components may come out in another order than they were simulated in"
COMPOSITIONS = [
    (TWO, {"fused_forms": DIFFERENCES, "recovery": ORDER}),
    (Mixture([("a", Poisson()), ("b", Poisson())]), {"fused_forms": DIFFERENCES, "recovery": ORDER}),
    (Censored(FROM_TWO_STARTS), {"fused_forms": DIFFERENCES, "recovery": ORDER}),
    (Transformed(Normal(), "log"), {}),
    (Transformed(Normal(), "asinh"), {}),
    (Transformed(Normal(), "yeo-johnson"), {"fused_forms": DIFFERENCES}),
    (Transformed(Normal(), "logit"), {}),
    (Rounded(Normal(), width=0.5), {}),
    (Rounded(Gamma(), width=0.2), {}),
    (Fixed(Normal(), {"scale": 2.0}), {}),
    (Fixed(FROM_TWO_STARTS, {"a__scale": 1.0}), {"fused_forms": DIFFERENCES, "recovery": ORDER}),
]


@pytest.mark.parametrize(("law", "unmet"), COMPOSITIONS, ids=lambda value: repr(value) if hasattr(value, "loglik") else "")
def test_composition(law, unmet):
    check_likelihood(law, random_state=1, skip=unmet)


def columns(fixture):
    X = np.asarray(fixture["designs"]["loc"]["X"], float)[:, 1:]
    return (X if X.shape[1] else np.zeros((len(X), 1))), numbers(fixture["data"]["y"])


def compare(fixture, found, loglik):
    reference, tolerance = fixture["reference"], fixture["tolerance"]
    value = numbers([p["value"] for p in reference["params"]])
    error = numbers(fixture["crosscheck"].get("refined_se_observed") or [p["se"] for p in reference["params"]])
    error = np.where(np.isfinite(error) & (error > 0), error, np.abs(value))
    assert np.max(np.abs(np.asarray(found) - value) / error) <= tolerance.get("coef_atol_in_se", 1e-5)
    assert abs(loglik - reference["loglik"]) <= tolerance["loglik_atol"]


def test_mixture_of_two_normals_of_one_variance():
    fixture = load("mixnormal_eqvar_faithful")
    X, y = columns(fixture)
    law = Mixture([("a", Normal()), ("b", Normal())], shared=["scale"])
    model = MLERegressor(law, predictors=dict.fromkeys(("a__loc", "b__loc"), "intercept")).fit(X, y)
    params = {name: value[0] for name, value in model.predict_params(X[:1]).items()}
    weight = np.exp(params["logits"]) / np.exp(params["logits"]).sum()
    found = [weight[0], params["a__loc"], params["scale"], weight[1], params["b__loc"], params["scale"]]
    compare(fixture, found, model.loglikelihood_)
    assert model.n_params_ == 4


def test_mixture_of_poisson_regressions():
    fixture = load("mixreg_poisson_npreg")
    X, y = columns(fixture)
    model = MLERegressor(Mixture([("a", Poisson()), ("b", Poisson())])).fit(X, y)
    logits = model.predict_params(X[:1])["logits"][0]
    weight = np.exp(logits) / np.exp(logits).sum()
    parts = [(weight[k], model.intercepts_[f"{n}__mean"], *model.coefs_[f"{n}__mean"]) for k, n in enumerate("ab")]
    compare(fixture, np.concatenate(sorted(parts, key=lambda part: part[1])), model.loglikelihood_)


def test_angle_on_a_regressor():
    fixture = load("vonmises_reg_sim")
    x, y = numbers(fixture["data"]["x"]), numbers(fixture["data"]["y"])
    X = np.asarray(fixture["designs"]["loc"]["X"], float) if "X" in fixture["designs"]["loc"] else x[:, None]
    model = MLERegressor(VonMises(origin=None), fit_intercept=False).fit(X, y)
    found = [*model.coef_, model.intercepts_["origin"], np.exp(model.intercepts_["concentration"])]
    compare(fixture, found, model.loglikelihood_)


def test_gaussian_mixture_of_scikit_learn():
    y = np.concatenate([RNG.normal(-2, 0.5, 150), RNG.normal(1, 1.0, 250)])
    X = np.zeros((400, 1))
    model = MLERegressor(TWO, predictors=dict.fromkeys(("a__loc", "b__loc"), "intercept")).fit(X, y)
    theirs = GaussianMixture(2, n_init=5, tol=1e-12, max_iter=5000, reg_covar=0, random_state=0).fit(y[:, None])
    assert model.loglikelihood_ == pytest.approx(400 * theirs.score(y[:, None]), abs=1e-6)
    params = model.predict_params(X)
    shares = model.likelihood_.responsibilities(y, **params)
    order = np.argsort(theirs.means_[:, 0])
    np.testing.assert_allclose(shares, theirs.predict_proba(y[:, None])[:, order], atol=1e-5)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
    dist = model.predict_dist(X[:1])
    mean, variance = float(dist.mean()[0]), float(dist.var()[0])
    assert mean == pytest.approx(y.mean(), abs=1e-6)
    assert variance == pytest.approx(y.var(), rel=1e-5)


def test_parameters_are_reached_by_name():
    law = clone(TWO).set_params(a__scale=2.0)
    assert law.layout.fixed == {"a__scale": 2.0}
    assert repr(pickle.loads(pickle.dumps(law))) == repr(law)
    X, y, *_ = make_mle_regression(TWO, n_samples=120, n_features=1, random_state=0)
    search = GridSearchCV(MLERegressor(TWO), {"likelihood__a__scale": [None, 1.0], "likelihood__n_starts": [2]}, cv=2)
    assert np.isfinite(search.fit(X, y).best_score_)


def test_degenerate_mixture_warns():
    y = np.r_[np.zeros(3), 1.0]
    with pytest.warns(ConvergenceWarning):
        MLERegressor(Mixture([("a", Normal()), ("b", Normal())], n_starts=2)).fit(np.zeros((4, 1)), y)


def test_yeo_johnson_of_scipy():
    y = RNG.gamma(2, 2, 300)
    model = MLERegressor(Transformed(Normal(), "yeo-johnson"), predictors={"loc": "intercept"}).fit(np.zeros((300, 1)), y)
    _, lmbda = stats.yeojohnson(y)
    assert model.predict_params(np.zeros((1, 1)))["lmbda"][0] == pytest.approx(lmbda, abs=1e-5)


def test_fixed_is_the_argument():
    X, y, *_ = make_mle_regression(Normal(), n_samples=100, n_features=2, random_state=1)
    one, other = MLERegressor(Fixed(Normal(), {"scale": 2.0})).fit(X, y), MLERegressor(Normal(scale=2.0)).fit(X, y)
    np.testing.assert_array_equal(one.coef_, other.coef_)
    assert one.loglikelihood_ == other.loglikelihood_
    at = one.predict_dist(X), other.predict_dist(X)
    assert crps(y, at[0]) == crps(y, at[1])


PROTOCOL = sorted({name for name in dir(Base) if not name.startswith("_")} - set(dir(BaseEstimator)))
CHANGED = {"bind", "fix", "prepared", "kernel", "check", "predictive"}  # of these it returns another of its kind


@pytest.mark.parametrize(
    ("law", "values", "plain"),
    [
        (Normal(), {"scale": 2.0}, Normal(scale=2.0)),
        (Gamma(), {"shape": 3.0}, Gamma(shape=3.0)),
        (Fixed(StudentT(), {"df": 4.0}), {"scale": 1.5}, StudentT(df=4.0, scale=1.5)),
        (Ordinal(n_classes=3), {}, Ordinal(n_classes=3)),
        (Laplace(), {"scale": 1.0}, Laplace(scale=1.0)),
        (Binomial(trials=5), {}, Binomial(trials=5)),
    ],
    ids=lambda value: repr(value),
)
def test_fixed_has_all_that_the_law_has(law, values, plain):
    fixed = Fixed(law, values)
    members = [name for name in dir(plain) if not name.startswith("_")]
    for name in {*PROTOCOL, *members} - CHANGED - set(dir(BaseEstimator)) - set(law.get_params()) - set(plain.parameters):
        mine, own = getattr(fixed, name), getattr(plain, name)
        if callable(own):
            assert mine.__qualname__ == own.__qualname__, name
        elif name == "layout":  # links are equal where they look the same
            assert repr(mine) == repr(own)
        else:
            assert mine == own, name
    assert type(resolved(fixed)) is type(plain)
    assert resolved(fixed).get_params() == plain.get_params()
    again = pickle.loads(pickle.dumps(clone(fixed)))
    assert again.layout.free == plain.layout.free


def test_divergences_of_fixed_laws_are_those_of_the_laws():
    def fixed(law, values, **params):
        return Distribution(Fixed(law, values), params)

    mean = np.array([1.0, 3.0])
    poisson, exponential = fixed(Poisson(), {}, mean=mean), fixed(Geometric(), {}, prob=1 / (1 + mean))
    found = kl_divergence(poisson, exponential, per_row=True)  # two laws in one class of wrappers
    k = np.arange(200)[:, None]
    p, q = stats.poisson(mean), stats.geom(1 / (1 + mean), loc=-1)
    np.testing.assert_allclose(found, (p.pmf(k) * (p.logpmf(k) - q.logpmf(k))).sum(axis=0), rtol=1e-8)
    narrow, wide = (fixed(Normal(), {"scale": scale}, loc=mean) for scale in (1.0, 2.0))
    assert kl_divergence(narrow, wide) == pytest.approx(np.log(2) + 1 / 8 - 1 / 2, rel=1e-14)


def test_a_law_of_any_name_has_its_own_functions_used():
    class Likelihood(Normal):
        def cdf(self, y, loc, scale):
            return stats.logistic.cdf(y, loc, scale)

        def sf(self, y, loc, scale):
            return stats.logistic.sf(y, loc, scale)

        logcdf, logsf = Base.logcdf, Base.logsf

    for law in (Likelihood(), Fixed(Likelihood(), {"scale": 1.0})):
        assert law.logcdf(np.array([1.0]), loc=0.0, scale=1.0) == pytest.approx(stats.logistic.logcdf(1.0), rel=1e-14)
        assert law.logsf(np.array([1.0]), loc=0.0, scale=1.0) == pytest.approx(stats.logistic.logsf(1.0), rel=1e-14)


@pytest.mark.parametrize(
    ("law", "error", "message"),
    [
        (Mixture([]), TypeError, "Mixture takes a list of names and likelihoods"),
        (Mixture([("a", Normal), ("b", Normal())]), TypeError, "a"),
        (Mixture([("a", Laplace()), ("b", Normal())]), ValueError, "kink"),
        (Mixture([("a", Normal()), ("a", Normal())]), ValueError, "a"),
        (Transformed(Normal(), "sqrt"), ValueError, "transform"),
        (Transformed(ZeroInflated(Poisson()), "log"), ValueError, "Transformed"),
        (Rounded(Normal(), width=0), ValueError, "width"),
        (Fixed(Normal(), {"df": 3}), ValueError, "df"),
    ],
    ids=str,
)
def test_messages(law, error, message):
    with pytest.raises(error, match=message):
        MLERegressor(law).fit(np.zeros((30, 1)), np.arange(30.0) + 1)


def test_a_part_without_weight_is_named():
    law = Mixture([("low", Poisson()), ("high", Poisson())])
    X, y, *_ = make_mle_regression(law, 20, 1, random_state=2)
    with pytest.warns(ConvergenceWarning) as caught:
        MLERegressor(Fixed(law, {"high__mean": 1.11})).fit(X, y)
    assert "Leave this part of the law out" in " ".join(str(w.message) for w in caught)


def test_covariance_of_a_mixture_of_several_targets():
    """Its diagonal is the variance, and all of it that of many draws; of both from the same formulas one would not tell."""
    law = sized(Mixture([("a", MultivariateNormal()), ("b", MultivariateNormal())]), 2)
    theta = example(law, 0)
    covariance = law.covariance(**theta)[0]
    np.testing.assert_allclose(np.diagonal(covariance), law.variance(**theta)[0], rtol=1e-12)
    y = law.rvs(np.random.default_rng(0), (100_000,), **repeated(theta, 100_000))
    size = np.sqrt(np.diagonal(covariance))
    np.testing.assert_allclose(np.cov(y.T) / size / size[:, None], covariance / size / size[:, None], atol=0.03)
    np.testing.assert_allclose(y.mean(axis=0) / size, law.expectation(**theta)[0] / size, atol=0.02)
