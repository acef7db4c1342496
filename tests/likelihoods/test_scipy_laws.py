"""Distributions of scipy.stats as likelihoods."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sk_mle import Distribution, MLEClassifier, MLEDensity, MLERegressor, censored, from_scipy
from sk_mle.datasets import make_mle_regression
from sk_mle.domains import Domain
from sk_mle.likelihoods import (
    Beta,
    Binomial,
    Cauchy,
    Censored,
    Exponential,
    Gamma,
    GeneralizedExtremeValue,
    Geometric,
    Gumbel,
    GumbelMin,
    Logistic,
    LogLogistic,
    LogNormal,
    NegativeBinomial,
    Normal,
    Poisson,
    ScipyLaw,
    StudentT,
    Weibull,
    ZeroInflated,
    get_likelihood,
)
from sk_mle.likelihoods._fallbacks.facts import modelled
from sk_mle.testing import check_likelihood

LAWS = [
    "bernoulli", "beta", "bradford", "chi", "dlaplace", "expon", "fatiguelife", "foldcauchy", "geom", "gibrat",
    "gumbel_r", "halfnorm", "invgamma", "invgauss", "kappa3", "levy_l", "logser", "nakagami", "nbinom", "norm",
    "pareto", "planck", "powerlaw", "skewcauchy", "t", "weibull_max",
]  # fmt: skip


def law_of(name, **values):
    return from_scipy(getattr(stats, name), **values)


@pytest.mark.parametrize("name", LAWS)
def test_law(name):
    check_likelihood(law_of(name), random_state=1)


@pytest.mark.parametrize(
    "law", [law_of("binom", n=12), law_of("gamma", a=2.5), law_of("truncpareto", c=4)], ids=["binom", "gamma", "truncpareto"]
)
def test_law_with_values(law):
    check_likelihood(law, random_state=2)


def simulated(draw, n=200):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(n, 2))
    return X, draw(rng, X @ [0.6, -0.4])


REAL = {
    "norm": (Normal, lambda rng, m: m + rng.normal(size=len(m))),
    "t": (StudentT, lambda rng, m: m + rng.standard_t(4, size=len(m))),
    "cauchy": (Cauchy, lambda rng, m: m + rng.standard_cauchy(size=len(m))),
    "logistic": (Logistic, lambda rng, m: m + rng.logistic(size=len(m))),
    "gumbel_r": (Gumbel, lambda rng, m: m + rng.gumbel(size=len(m))),
    "gumbel_l": (GumbelMin, lambda rng, m: m - rng.gumbel(size=len(m))),
    "genextreme": (GeneralizedExtremeValue, lambda rng, m: m + rng.gumbel(size=len(m))),
    "expon": (Exponential, lambda rng, m: np.exp(m) * rng.exponential(size=len(m))),
    "gamma": (Gamma, lambda rng, m: np.exp(m) * rng.gamma(2.0, size=len(m))),
    "weibull_min": (Weibull, lambda rng, m: np.exp(m) * rng.weibull(2.0, size=len(m))),
    "lognorm": (LogNormal, lambda rng, m: np.exp(m + rng.normal(size=len(m)))),
    "fisk": (LogLogistic, lambda rng, m: np.exp(m + 0.5 * rng.logistic(size=len(m)))),
    "poisson": (Poisson, lambda rng, m: rng.poisson(np.exp(m))),
}


@pytest.mark.parametrize("name", REAL)
def test_agrees_with_our_law(name):
    """The same model in scipy's parameters: coefficients of loc, or of log scale, and the log-likelihood."""
    ours, draw = REAL[name]
    X, y = simulated(draw)
    theirs, own = MLERegressor(getattr(stats, name)).fit(X, y), MLERegressor(ours()).fit(X, y)
    assert theirs.converged_
    assert theirs.loglikelihood_ == pytest.approx(own.loglikelihood_, rel=1e-10)
    np.testing.assert_allclose(theirs.coef_, own.coef_, atol=1e-8)
    np.testing.assert_allclose(theirs.predict_quantiles(X), own.predict_quantiles(X), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(theirs.predict_dist(X).logsf(y), own.predict_dist(X).logsf(y), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "ours", "draw"),
    [
        ("beta", Beta(), lambda rng: rng.beta(2.0, 3.0, size=(300, 1))),
        ("nbinom", NegativeBinomial(), lambda rng: rng.negative_binomial(2.0, 0.3, size=(300, 1))),
        ("geom", Geometric(), lambda rng: rng.geometric(0.3, size=(300, 1))),
    ],
)
def test_agrees_without_covariates(name, ours, draw):
    X = draw(np.random.default_rng(3)).astype(float)
    theirs = MLEDensity(getattr(stats, name)).fit(X)
    own = MLEDensity(ours).fit(X - (name == "geom" and ours.support.low == 0))
    assert theirs.loglikelihood_ == pytest.approx(own.loglikelihood_, rel=1e-10)
    assert theirs.distribution_.mean() - (name == "geom") == pytest.approx(own.distribution_.mean(), rel=1e-8)


def test_columns_of_trials():
    rng = np.random.default_rng(1)
    trials = rng.integers(5, 12, 200)
    X = np.column_stack([rng.normal(size=200), trials])
    y = rng.binomial(trials, 1 / (1 + np.exp(-X[:, 0])))
    theirs = MLERegressor(from_scipy(stats.binom, n="x1")).fit(X, y)
    own = MLERegressor(Binomial(trials="x1")).fit(X, y)
    np.testing.assert_allclose(theirs.coef_, own.coef_, atol=1e-10)
    np.testing.assert_allclose(theirs.predict(X), own.predict(X), rtol=1e-10)


def test_inside_wrappers():
    X, y = simulated(REAL["weibull_min"][1])
    Y = censored(np.minimum(y, 1.5), event=y < 1.5)
    theirs, own = (MLERegressor(Censored(law)).fit(X, Y) for law in (from_scipy(stats.weibull_min), Weibull()))
    np.testing.assert_allclose(theirs.coef_, own.coef_, atol=1e-8)
    X, y = simulated(REAL["poisson"][1])
    y = np.where(np.arange(200) % 4 == 0, 0, y)
    theirs, own = (MLERegressor(ZeroInflated(law)).fit(X, y) for law in (from_scipy(stats.poisson), Poisson()))
    np.testing.assert_allclose(theirs.coef_, own.coef_, atol=1e-8)


# ---- which parameters are estimated --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "free", "fixed"),
    [
        ("norm", {}, ["loc", "scale"], {}),
        ("t", {}, ["loc", "df", "scale"], {}),
        ("gamma", {}, ["scale", "a"], {"loc": 0.0}),
        ("gamma", {"loc": None}, ["scale", "a", "loc"], {}),
        ("gamma", {"a": 2}, ["scale"], {"a": 2, "loc": 0.0}),
        ("gamma", {"scale": 2}, ["a"], {"loc": 0.0, "scale": 2}),
        ("gamma", {"parameters": ["a", "scale"]}, ["a", "scale"], {"loc": 0.0}),
        ("t", {"parameters": ["df"]}, ["df"], {"loc": 0.0, "scale": 1.0}),
        ("norm", {"loc": 0}, ["scale"], {"loc": 0}),
        ("beta", {}, ["a", "b"], {"loc": 0.0, "scale": 1.0}),
        ("pareto", {}, ["b"], {"loc": 0.0, "scale": 1.0}),
        ("weibull_max", {}, ["scale", "c"], {"loc": 0.0}),
        ("genpareto", {}, ["scale", "c"], {"loc": 0.0}),
        ("genextreme", {}, ["loc", "c", "scale"], {}),
        ("poisson", {}, ["mu"], {"loc": 0.0}),
        ("nbinom", {}, ["n", "p"], {"loc": 0.0}),
        ("genexpon", {}, ["a", "b", "c"], {"loc": 0.0, "scale": 1.0}),
    ],
)
def test_defaults(name, values, free, fixed):
    law = law_of(name, **values)
    law.check()
    assert (law.layout.free, law.layout.fixed) == (free, fixed)
    assert modelled(law) == free[:1]


def test_frozen_arguments_are_fixed():
    assert get_likelihood(stats.t(4)).layout.fixed == {"df": 4.0}
    assert get_likelihood(stats.t(4, scale=2.0)).layout.fixed == {"df": 4.0, "scale": 2.0}
    assert get_likelihood(stats.gamma(2.0, 1.0)).layout.fixed == {"a": 2.0, "loc": 1.0}
    assert from_scipy(stats.t(4), df=None).layout.free == ["loc", "df", "scale"]
    with pytest.raises(ValueError, match="has an array as df"):
        from_scipy(stats.t([3, 4]))


@pytest.mark.parametrize(
    ("name", "shape", "domain"),
    [
        ("gamma", "a", "(0, inf)"),
        ("foldnorm", "c", "[0, inf)"),
        ("bernoulli", "p", "[0, 1]"),
        ("geom", "p", "(0, 1]"),
        ("skewcauchy", "a", "(-1, 1)"),
        ("levy_stable", "alpha", "(0, 2]"),
        ("levy_stable", "beta", "[-1, 1]"),
        ("genextreme", "c", "(-inf, inf)"),
        ("gengamma", "c", "(0, inf)"),  # 0 itself is not valid: the upper part
        ("crystalball", "m", "(1, inf)"),
        ("norminvgauss", "b", "(-inf, inf)"),  # inside (-a, a), for any a
        ("zipf", "a", "(1, inf)"),
    ],
)
def test_domains_are_found(name, shape, domain):
    assert str(law_of(name).parameters[shape]) == domain


@pytest.mark.parametrize(
    ("name", "values", "support"),
    [
        ("norm", {}, "(-inf, inf)"),
        ("gamma", {}, "(0, inf)"),
        ("expon", {}, "[0, inf)"),
        ("gamma", {"loc": 3}, "(3, inf)"),
        ("gamma", {"loc": None}, "(-inf, inf)"),
        ("beta", {"scale": 10}, "(0, 10)"),
        ("uniform", {"scale": None}, "[0, inf)"),
        ("pareto", {"scale": 2.0}, "[2, inf)"),
        ("pareto", {"scale": None}, "(0, inf)"),
        ("genpareto", {"c": -0.5}, "[0, 2)"),
        ("genpareto", {}, "[0, inf)"),
        ("binom", {"n": 7}, "[0, 7]"),
        ("binom", {"n": "trials"}, "[0, inf)"),
        ("levy_l", {}, "(-inf, 0)"),
        ("truncpareto", {"c": 4}, "[1, 4]"),
    ],
)
def test_support(name, values, support):
    law = law_of(name, **values)
    assert str(law.support) == support
    assert law.support.integer == (name == "binom")


class exceeds_gen(stats.rv_continuous):
    """A user's: the rate must exceed 40."""

    def _argcheck(self, rate):
        return (rate > 40) & (rate < 41)

    def _pdf(self, x, rate):
        return (rate - 40) * np.exp(-(rate - 40) * x)


def test_own_distribution():
    rv = exceeds_gen(a=0, name="exceeds", shapes="rate")
    X = np.random.default_rng(0).exponential(2.0, size=(200, 1))
    with pytest.raises(ValueError, match=r"no valid values of the shapes \['rate'\] of exceeds were found"):
        MLEDensity(rv).fit(X)
    model = MLEDensity(from_scipy(rv, parameters={"rate": Domain(40, 41, typical=(40.2, 40.8))})).fit(X)
    assert model.params_["rate"] == pytest.approx(40 + 1 / X.mean(), rel=1e-8)


# ---- a component of scikit-learn -----------------------------------------------------------------------------------


def test_get_set_clone_pickle():
    law = from_scipy(stats.t, df=4, links={"scale": "softplus"})
    assert law.get_params()["df"] == 4
    for other in (clone(law), pickle.loads(pickle.dumps(law))):
        assert isinstance(other, ScipyLaw)
        assert other.layout.fixed == {"df": 4}
        assert other.links == {"scale": "softplus"}
        np.testing.assert_array_equal(
            other.loglik(np.arange(3.0), loc=0.0, df=4.0, scale=1.0), stats.t(4).logpdf(np.arange(3.0))
        )
    assert law.set_params(df=None).layout.free == ["loc", "df", "scale"]
    assert law.set_params(loc=0.0).layout.free == ["scale", "df"]
    assert "ScipyLaw(" in repr(law)
    assert "loc=0.0" in repr(law)
    with pytest.raises(ValueError, match="Invalid parameter 'shape'"):
        law.set_params(shape=3)
    with pytest.raises(TypeError, match=r"no parameters \['shape'\]; they are \['df', 'loc', 'scale'\]"):
        from_scipy(stats.t, shape=3)


def test_grid_search():
    X, y = simulated(REAL["gumbel_r"][1], n=120)
    grid = [{"likelihood": [stats.norm, stats.gumbel_r, "normal"]}, {"likelihood": [law_of("t")], "likelihood__df": [3, 8]}]
    search = GridSearchCV(MLERegressor(), grid, cv=3).fit(X, y)
    assert search.best_params_["likelihood"].name == "gumbel_r"
    assert search.cv_results_["mean_test_score"][0] == pytest.approx(search.cv_results_["mean_test_score"][2])


def test_every_parameter_on_columns():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 1))
    y = X[:, 0] + np.exp(0.4 * X[:, 0]) * rng.gumbel(size=300)
    predictors = {"scale": "all"}
    theirs, own = (MLERegressor(law, predictors=predictors).fit(X, y) for law in (stats.gumbel_r, Gumbel()))
    np.testing.assert_allclose(theirs.coefs_["scale"], own.coefs_["scale"], atol=1e-8)


# ---- the distribution ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shapes", "y", "expected"),
    [
        ("rice", {"b": 1.2}, 8.5, -28.570483856743067),  # scipy's own: -28.57058, one minus the cdf
        ("rice", {"b": 1.2}, 12.0, -60.462879450278857),  # -inf
        ("gengamma", {"a": 1.2, "c": 1.2}, 300.0, -937.28589862807094),
        ("gengamma", {"a": 1.2, "c": 1.2}, 600.0, -2155.0383613381975),
    ],
)
def test_far_tails(name, shapes, y, expected):
    """References: mpmath's integral of the density, at 40 digits."""
    law, params = law_of(name), {"loc": 0.0, "scale": 1.0, **shapes}
    assert law.logsf(np.array([y]), **params)[0] == pytest.approx(expected, rel=1e-11)
    assert law.sf(np.array([y]), **params)[0] == pytest.approx(np.exp(expected), rel=1e-9)


def test_curvature_in_a_shape_is_not_passed_over():
    """A shape on the whole line has a unit of its own: its step must not grow where z is near 0. Reference: mpmath."""
    eta = {"loc": 1.4209078971482807, "a": 0.38811925071404707, "scale": -1.0637714848228779}
    found = law_of("skewnorm").evaluate(np.array([1.421432830496683]), {k: np.array([v]) for k, v in eta.items()}, 2)
    assert found.information["loc", "a"][0] == pytest.approx(2.309515766494794, rel=1e-9)


@pytest.mark.parametrize("name", ["alpha", "foldnorm", "rice"])
def test_a_shape_does_not_stay_at_the_limit_of_the_marginal_law(name):
    """Without covariates the fit of the shape runs to its limit, where the log-likelihood of all rows is flat."""
    law = law_of(name)
    X, y, coefs, intercepts = make_mle_regression(law, n_samples=600, n_features=2, random_state=2)
    model = MLERegressor(law).fit(X, y)
    eta = {key: X @ coefs[key] + intercepts[key] for key in law.layout.free}
    assert model.converged_
    assert model.loglikelihood_ >= law.evaluate(y, eta, 0).loglik.sum()


def test_distribution_methods_are_those_of_scipy():
    params = {"loc": np.array([0.0, 1.0]), "c": np.array([0.1, -0.2]), "scale": np.array([1.0, 2.0])}
    ours, theirs = Distribution(stats.genextreme, params), stats.genextreme(**params)
    y = np.array([0.3, 0.9])
    for method in ("mean", "var", "std", "median", "entropy"):
        np.testing.assert_allclose(getattr(ours, method)(), getattr(theirs, method)(), rtol=1e-12)
    for method in ("pdf", "logpdf", "cdf", "sf", "logcdf", "logsf", "ppf"):
        np.testing.assert_allclose(getattr(ours, method)(y), getattr(theirs, method)(y), rtol=1e-12)
    assert ours.ppf(np.array([[0.1], [0.5], [0.9]])).shape == (3, 2)


def test_calls_that_crash_scipy_are_not_made():
    """Far below df = 1e-3 the C++ code behind scipy 1.17's nct aborts, and above odds = 1e8 that of Fisher's law."""
    assert law_of("nct").loglik(np.array([0.3]), loc=0.0, df=1e-30, nc=0.5, scale=1.0)[0] == -np.inf
    params = {"M": 40.0, "n": 15.0, "N": 12.0, "odds": 1e200, "loc": 0.0}
    law = law_of("nchypergeom_fisher", M=40, n=15, N=12)
    assert law.loglik(np.array([5.0]), **params)[0] == -np.inf
    assert np.isnan(law.expectation(**params))


# ---- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: law_of("binom"), ValueError, "n of binom takes whole numbers only.*as the name of a column"),
        (lambda: law_of("binom", n=2.5), ValueError, "n of binom takes whole numbers only, got 2.5"),
        (lambda: law_of("poisson", loc=None), ValueError, "loc of poisson takes whole numbers only"),
        (lambda: law_of("uniform"), ValueError, "the support of uniform moves with loc and scale.*irregular"),
        (lambda: law_of("truncnorm"), ValueError, "a moves an end of the support of truncnorm"),
        (lambda: law_of("laplace"), ValueError, r"kinks in loc, at every sample \(Laplace\(\) ends on them\)"),
        (lambda: law_of("gamma", a=-1), ValueError, r"a must lie in \(0, inf\)"),
        (lambda: law_of("gamma", parameters=["scale"]), ValueError, "does not name 'a', which has no default"),
        (lambda: law_of("erlang"), ValueError, "erlang cannot be fitted.*use gamma"),
        (lambda: law_of("vonmises"), ValueError, r"vonmises cannot be fitted.*VonMises\(\)"),
        (lambda: from_scipy(stats.rv_discrete(values=([1, 2], [0.5, 0.5]))), ValueError, "nothing left to estimate"),
        (lambda: from_scipy(stats.rv_histogram(np.histogram([1.0, 2.0, 2.5]))), TypeError, "rv_histogram is a fit already"),
        (lambda: get_likelihood(stats.gaussian_kde([1.0, 2.0, 2.5])), TypeError, "gaussian_kde is a fit already"),
        (lambda: get_likelihood(stats.multivariate_normal), TypeError, "takes a distribution of one variable"),
        (lambda: from_scipy("norm"), TypeError, "such as scipy.stats.norm, got str"),
    ],
)
def test_errors_name_the_reason(make, error, words):
    with pytest.raises(error, match=words):
        make().check()


@pytest.mark.skipif(not hasattr(stats, "Normal"), reason="scipy before 1.15")
def test_newer_classes_are_refused():
    for rv in (stats.Normal, stats.Normal(mu=1.0)):
        with pytest.raises(TypeError, match="the newer classes of scipy"):
            get_likelihood(rv)


def test_an_irregular_parameter_that_is_named_is_estimated():
    law = law_of("triang", parameters=["c"])
    law.check()
    assert law.layout.free == ["c"]


def test_fractional_counts_lie_outside():
    with pytest.raises(ValueError, match=r"the support of poisson of scipy\.stats, but does not in row 1"):
        MLERegressor(stats.poisson).fit([[0], [1], [2]], [1.0, 1.5, 2.0])


def test_classifier_refers_numeric_laws_to_the_regressor():
    with pytest.raises(ValueError, match="numeric targets: use it in MLERegressor"):
        MLEClassifier(stats.bernoulli).fit([[0], [1]], [0, 1])
