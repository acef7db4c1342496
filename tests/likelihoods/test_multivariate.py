"""Laws of several targets: references, densities, identities with other laws, the distribution object, scikit-learn's tools."""

from __future__ import annotations

import pickle
import warnings
from contextlib import suppress

import mpmath
import numpy as np
import pandas as pd
import pytest
from _reference import load
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from scipy.special import gammaln, softmax
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_mle import Distribution, MLEClassifier, MLERegressor, predict_dist
from sk_mle.datasets import make_mle_regression
from sk_mle.exceptions import BoundaryWarning, SeparationWarning
from sk_mle.likelihoods import Beta, Binomial, Dirichlet, Multinomial, MultivariateNormal, Normal
from sk_mle.likelihoods._fallbacks.facts import sized
from sk_mle.testing import check_likelihood

RNG = np.random.default_rng(11)
N = 200
X = RNG.normal(size=(N, 3)) * [1.0, 1e-3, 1e4] + [0.0, 0.0, 1e5]
Z = (X - X.mean(axis=0)) / X.std(axis=0)
Y = 1 + Z @ RNG.normal(size=(3, 3)) + RNG.normal(size=(N, 3)) @ [[1.0, 0.5, -2.0], [0, 0.3, 0.2], [0, 0, 1.0]]
SHARES = make_mle_regression(Dirichlet(), N, 3, random_state=0).y
COUNTS = make_mle_regression(Multinomial(), N, 3, random_state=0).y
CASES = [(MultivariateNormal(), Y), (Dirichlet(), SHARES), (Multinomial(), COUNTS)]
by_law = pytest.mark.parametrize(("law", "y"), CASES, ids=[type(law).__name__ for law, _ in CASES])

# ---- references ------------------------------------------------------------------------------------------------------


def within(fixture, found, loglikelihood, log_constant=0.0):
    reference, rule = fixture["reference"], fixture["tolerance"]
    expected = np.array([p["value"] for p in reference["params"]])
    error = np.array(fixture["crosscheck"]["refined_se_observed"])
    assert np.abs((found - expected) / error).max() < rule["coef_atol_in_se"]
    assert abs(loglikelihood - log_constant - reference["loglik"]) < rule["loglik_atol"]


def design(fixture):
    return np.array(fixture["designs"]["loc"]["X"], float)[:, 1:]


@pytest.mark.parametrize("name", ["dirichlet_arcticlake", "dirichlet_arcticlake_quad", "dirichlet_blood"])
def test_dirichlet_reg(name):
    fixture = load(name)
    model = MLERegressor(Dirichlet()).fit(design(fixture), fixture["data"]["y"])
    within(fixture, np.column_stack([model.intercept_, model.coef_]).ravel(), model.loglikelihood_)
    fitted = fixture["reference"]["fitted"]
    assert_allclose(model.predict(design(fixture)), fitted["values"], rtol=1e-6)


def test_mtcars():
    fixture = load("mvnormal_mtcars")
    model = MLERegressor(MultivariateNormal()).fit(design(fixture), fixture["data"]["y"])
    covariance = model.predict_dist(design(fixture)[:1]).cov()[0]
    found = np.column_stack([model.intercept_, model.coef_]).ravel()
    within(fixture, np.concatenate([found, covariance[np.tril_indices(3)]]), model.loglikelihood_)
    assert model.n_params_ == fixture["reference"]["df"]
    assert model.n_iter_ == 1


def test_pneumoconiosis_as_counts():
    fixture = load("multinomial_pneumo")
    data, x = fixture["data"], design(fixture)[:, 0]
    rows, place = np.unique(x, return_inverse=True)
    counts = np.zeros((len(rows), 3))
    np.add.at(counts, (place, np.array(data["y"], int)), data["weights"])
    model = MLERegressor(Multinomial()).fit(rows[:, None], counts)
    found = np.column_stack([model.intercept_ - model.intercept_[0], model.coef_ - model.coef_[0]])[1:]
    constant = (gammaln(counts.sum(axis=1) + 1) - gammaln(counts + 1).sum(axis=1)).sum()
    within(fixture, found.ravel(), model.loglikelihood_, constant)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weight", [None, RNG.uniform(size=N)], ids=["plain", "weighted"])
def test_equals_linear_regression(fit_intercept, weight):
    def both(rows):
        model = MLERegressor(MultivariateNormal(), fit_intercept=fit_intercept).fit(rows, Y, weight)
        assert model.converged_
        return model, LinearRegression(fit_intercept=fit_intercept).fit(rows, Y, weight)

    rows = Z * [1.0, 0.1, 10.0] + [0.0, 0.0, 5.0]
    model, expected = both(rows)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-10)
    assert_allclose(model.intercept_, np.broadcast_to(expected.intercept_, 3), rtol=1e-10)
    assert_allclose(model.predict(rows), expected.predict(rows), rtol=1e-10)
    residual = Y - expected.predict(rows)
    share = np.ones(N) / N if weight is None else weight / weight.sum()
    assert_allclose(model.predict_dist(rows).cov()[0], residual.T @ (residual * share[:, None]), rtol=1e-10)
    model, expected = both(sparse.csr_array(rows))
    assert_allclose(model.coef_, expected.coef_, rtol=1e-6)
    model, expected = both(np.hstack([rows, rows[:, :1]]))  # the minimum-norm solution
    assert_allclose(model.coef_, expected.coef_, rtol=1e-9)


def test_targets_of_any_scale():
    scale = np.array([1e-9, 1.0, 1e9])
    model, scaled = (MLERegressor(MultivariateNormal()).fit(X, y) for y in (Y, Y * scale))
    assert_allclose(scaled.coef_ / scale[:, None], model.coef_, rtol=1e-11)
    assert_allclose(scaled.predict_dist(X).cov() / np.outer(scale, scale), model.predict_dist(X).cov(), rtol=1e-10)
    assert_allclose(scaled.loglikelihood_, model.loglikelihood_ - N * np.log(scale).sum(), rtol=1e-12)


# ---- densities -------------------------------------------------------------------------------------------------------


def test_against_scipy():
    law = MultivariateNormal()
    params = {"mean": RNG.normal(size=(9, 3)), "scale": RNG.uniform(0.3, 2, (9, 3)), "lower": RNG.normal(size=(9, 3))}
    y, cov = RNG.normal(size=(9, 3)), law.covariance(**params)
    theirs = [stats.multivariate_normal(m, c) for m, c in zip(params["mean"], cov, strict=True)]
    assert_allclose(law.loglik(y, **params), [law_.logpdf(at) for law_, at in zip(theirs, y, strict=True)], rtol=1e-11)
    assert_allclose(law.entropy(**params), [law_.entropy() for law_ in theirs], rtol=1e-12)
    a = RNG.uniform(0.3, 20, (9, 4))
    y = Dirichlet().rvs(RNG, (9,), concentration=a)
    theirs = [stats.dirichlet(row) for row in a]
    assert_allclose(Dirichlet().loglik(y, a), [law_.logpdf(at) for law_, at in zip(theirs, y, strict=True)], rtol=1e-12)
    assert_allclose(Dirichlet().entropy(a), [law_.entropy() for law_ in theirs], rtol=1e-12)
    assert_allclose(Dirichlet().covariance(a), [law_.cov() for law_ in theirs], rtol=1e-12)
    logits = RNG.normal(size=(9, 4))
    y = Multinomial().rvs(RNG, (9,), logits=logits, trials=12)
    theirs = [stats.multinomial(12, row) for row in softmax(logits, axis=1)]
    assert_allclose(Multinomial().loglik(y, logits), [law_.logpmf(at) for law_, at in zip(theirs, y, strict=True)], rtol=1e-12)
    assert_allclose(Multinomial().entropy(logits, 12), [law_.entropy() for law_ in theirs], rtol=1e-12)
    assert_allclose(Multinomial().covariance(logits, 12), [law_.cov() for law_ in theirs], rtol=1e-12)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e4, 1e8])
def test_dirichlet_keeps_its_digits(size):
    mpmath.mp.dps = 50
    a = size * np.array([1.3, 0.4, 2.6])
    y = np.array([0.2, 0.3, 0.5]) if size < 1 else Dirichlet().rvs(np.random.default_rng(0), (), concentration=a)
    exact, total = [mpmath.mpf(v) for v in a], sum(mpmath.mpf(v) for v in y)
    shares = [mpmath.mpf(v) / total for v in y]
    terms = [(k - 1) * mpmath.log(s) - mpmath.loggamma(k) for k, s in zip(exact, shares, strict=True)]
    assert_allclose(Dirichlet().loglik(y, a), float(mpmath.loggamma(sum(exact)) + sum(terms)), rtol=1e-12)
    second = Dirichlet().fisher(a[None])["concentration", "concentration"][0]
    expected = [[float((i == j) * mpmath.psi(1, p) - mpmath.psi(1, sum(exact))) for j in range(3)] for i, p in enumerate(exact)]
    assert_allclose(second, expected, rtol=1e-14)


@pytest.mark.parametrize("total", [5, 10**6, 10**12])
def test_multinomial_keeps_its_digits(total):
    mpmath.mp.dps = 50
    logits = np.array([0.7, -1.9, 1.2])
    y = np.random.default_rng(0).multinomial(total, softmax(logits)).astype(float)
    exact, counts = [mpmath.mpf(v) for v in logits], [mpmath.mpf(v) for v in y]
    norm = mpmath.log(sum(mpmath.exp(v) for v in exact))
    terms = [k * (v - norm) - mpmath.loggamma(k + 1) for k, v in zip(counts, exact, strict=True)]
    assert_allclose(Multinomial().loglik(y, logits), float(mpmath.loggamma(total + 1) + sum(terms)), rtol=1e-10)


def test_multinomial_far_out():
    logits = np.array([[800.0, 0.0, -800.0]])
    for y, expected in (([3, 0, 0], 0.0), ([2, 1, 0], np.log(3) - 800), ([0, 0, 2], -3200.0)):
        assert_allclose(Multinomial().loglik(np.array([y], float), logits), [expected], rtol=1e-15)


@pytest.mark.parametrize("law", [law for law, _ in CASES], ids=repr)
@pytest.mark.parametrize("level", [-20.0, 20.0])
def test_far_linear_predictors_stay_finite(law, level):
    law, rng = sized(law), np.random.default_rng(0)
    typical = {name: law.layout[name].domain.draw(rng, (50, 3)) for name in law.layout.free}
    y = law.rvs(rng, (50,), **typical)
    for name in law.layout.free:
        result = law.evaluate(y, {other: np.full((50, 3), level * (other == name)) for other in law.layout.free}, 2)
        assert np.isfinite(result.loglik).all()
        assert all(np.isfinite(value).all() for value in (*result.gradient.values(), *result.information.values()))


# ---- identities ------------------------------------------------------------------------------------------------------


def test_one_target_is_normal():
    model, plain = MLERegressor(MultivariateNormal()).fit(X, Y[:, :1]), MLERegressor(Normal()).fit(X, Y[:, 0])
    assert list(model.coefs_) == ["mean", "scale"]
    assert_allclose(model.coef_, plain.coef_[None], rtol=1e-12)
    assert_allclose(model.loglikelihood_, plain.loglikelihood_, rtol=1e-13)
    assert_allclose(model.predict_dist(X).std()[:, 0], plain.predict_dist(X).std(), rtol=1e-12)


def test_independent_targets_are_normal():
    predictors = {"mean": "all", "scale": [0, 2]}
    model = MLERegressor(MultivariateNormal(lower=0), predictors=predictors).fit(X, Y)
    for k in range(3):
        plain = MLERegressor(Normal(), predictors={"scale": [0, 2]}).fit(X, Y[:, k])
        assert_allclose(model.coefs_["mean"][k], plain.coefs_["loc"], rtol=1e-6)
        assert_allclose(model.coefs_["scale"][k], plain.coefs_["scale"], rtol=1e-5)


def test_likelihood_is_that_of_regressions_on_the_targets_before():
    """The modified Cholesky form, all of it modelled on X: a sequence of univariate fits."""
    model = MLERegressor(MultivariateNormal()).fit(Z, Y)
    parts = [MLERegressor(Normal()).fit(np.hstack([Z, Y[:, :k]]), Y[:, k]) for k in range(3)]
    assert_allclose(model.loglikelihood_, sum(part.loglikelihood_ for part in parts), rtol=1e-12)
    lower = np.concatenate([part.coef_[3:] for part in parts])
    assert_allclose(model.intercepts_["lower"], lower, rtol=1e-9)


def test_order_of_the_targets_does_not_matter():
    model, turned = (MLERegressor(MultivariateNormal()).fit(X, y) for y in (Y, Y[:, ::-1]))
    assert_allclose(turned.loglikelihood_, model.loglikelihood_, rtol=1e-13)
    assert_allclose(turned.predict_dist(X).cov()[:, ::-1, ::-1], model.predict_dist(X).cov(), rtol=1e-10)


def test_everything_modelled_converges_fast():
    """Blocks of the Hessian between two vectors of the same width are not symmetric."""
    data = make_mle_regression(MultivariateNormal(), 2000, 2, random_state=3)
    model = MLERegressor(MultivariateNormal(), predictors={"scale": "all", "lower": "all"}).fit(data.X, data.y)
    assert model.converged_
    assert model.n_iter_ <= 8
    assert np.abs(model.coefs_["lower"]).max() < 0.2


def test_dirichlet_of_two_is_beta():
    a, b = np.array([0.5, 3.0, 40.0]), np.array([2.0, 1.0, 60.0])
    y = np.array([0.1, 0.7, 0.35])
    ours = Dirichlet().loglik(np.column_stack([y, 1 - y]), np.column_stack([a, b]))
    assert_allclose(ours, Beta().loglik(y, a / (a + b), a + b), rtol=1e-12)


def test_multinomial_of_single_trials_is_categorical():
    codes = np.argmax(Z[:, [0, 1, 2]] + RNG.gumbel(size=(N, 3)), axis=1)
    one, other = MLERegressor(Multinomial()).fit(X, np.eye(3)[codes]), MLEClassifier().fit(X, codes)
    assert_allclose(one.coef_, other.coef_, rtol=1e-9)
    assert_allclose(one.loglikelihood_, other.loglikelihood_, rtol=1e-13)
    assert_allclose(one.predict(X), other.predict_proba(X), rtol=1e-10)


def test_multinomial_of_two_is_binomial():
    y = COUNTS[:, :2]
    one, other = (
        MLERegressor(Multinomial()).fit(X, y),
        MLERegressor(Binomial()).fit(X, np.column_stack([y[:, 0], y.sum(axis=1)])),
    )
    assert_allclose(one.coef_[0] - one.coef_[1], other.coef_, rtol=1e-9)
    assert_allclose(one.loglikelihood_, other.loglikelihood_, rtol=1e-12)


def test_rows_without_a_count_are_legal():
    y = np.where(np.arange(N)[:, None] % 3 == 0, 0.0, COUNTS)
    some = y.sum(axis=1) > 0
    one, other = MLERegressor(Multinomial()).fit(X, y), MLERegressor(Multinomial()).fit(X[some], y[some])
    assert_allclose(one.coef_, other.coef_, rtol=1e-8)
    assert_allclose(one.loglikelihood_, other.loglikelihood_, rtol=1e-12)
    assert_array_equal(one.score_samples(X, y)[~some], 0.0)


def test_trials_of_predictions():
    frame = pd.DataFrame(Z, columns=["a", "b", "c"]).assign(n=COUNTS.sum(axis=1))
    model, plain = MLERegressor(Multinomial(trials="n")).fit(frame, COUNTS), MLERegressor(Multinomial()).fit(Z, COUNTS)
    assert_allclose(model.coef_, plain.coef_, rtol=1e-9)
    assert_allclose(model.predict(frame), plain.predict(Z) * COUNTS.sum(axis=1, keepdims=True), rtol=1e-9)
    assert_allclose(plain.predict(Z).sum(axis=1), 1.0)
    assert_array_equal(model.predict_dist(frame).rvs(random_state=0).sum(axis=1), frame["n"])
    assert_array_equal(plain.predict_dist(Z).rvs(random_state=0).sum(axis=1), 1)
    with pytest.raises(ValueError, match="must sum to trials='n', but do not in row 7"):
        MLERegressor(Multinomial(trials="n")).fit(frame, COUNTS + (np.arange(N) == 7)[:, None])
    with pytest.raises(ValueError, match="must sum to trials=3, but do not in"):
        MLERegressor(Multinomial(trials=3)).fit(Z, COUNTS)


def test_separated_counts_warn():
    y = np.column_stack([5 * (Z[:, 0] < 0), np.full(N, 3), np.zeros(N)])
    with pytest.warns(SeparationWarning, match="The data are separated"):
        MLERegressor(Multinomial()).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert MLERegressor(Multinomial()).fit(X, y + 1).converged_


@pytest.mark.parametrize(
    "last", [2 * Y[:, 0], Y.sum(axis=1), Z @ [1.0, 2, 3], Y[:, 0] + Z @ [1.0, 2, 3], np.ones(N), np.zeros(N)]
)
def test_dependent_targets_warn(last):
    y = np.column_stack([Y, last])
    with pytest.warns(BoundaryWarning, match="MultivariateNormal is unbounded"):
        model = MLERegressor(MultivariateNormal()).fit(Z, y)
    assert_allclose(model.coef_, LinearRegression().fit(Z, y).coef_, rtol=0, atol=1e-9)
    assert not model.converged_


def test_equal_compositions_warn():
    with pytest.warns(BoundaryWarning, match="Dirichlet is unbounded"):
        MLERegressor(Dirichlet()).fit(X, np.tile([0.2, 0.3, 0.5], (N, 1)))


# ---- what every law must satisfy -------------------------------------------------------------------------------------

VARIANTS = [
    MultivariateNormal(n_targets=1),
    MultivariateNormal(mean=0.0),
    MultivariateNormal(scale=2.0, lower=-0.5),
    MultivariateNormal(links={"scale": "softplus"}),
    Dirichlet(n_targets=2),
    Dirichlet(links={"concentration": "softplus"}),
    Multinomial(trials=7),
    Multinomial(n_targets=2),
]


@pytest.mark.parametrize("law", VARIANTS, ids=repr)
def test_variants(law):
    check_likelihood(law, random_state=1)


def test_simulated_sizes():
    assert make_mle_regression(MultivariateNormal(), 5).y.shape == (5, 3)
    assert make_mle_regression(MultivariateNormal(n_targets=2), 5).y.shape == (5, 2)
    data = make_mle_regression(Dirichlet(), 5, intercepts={"concentration": np.ones(4)})
    assert data.y.shape == (5, 4)
    assert data.coefs["concentration"].shape == (4, 3)


class WrongConstant(MultivariateNormal):
    def loglik(self, y, mean, scale, lower=0.0):
        return super().loglik(y, mean, scale, lower) + 0.1


class WrongBlock(MultivariateNormal):
    def hessian(self, *args, **params):
        found = super().hessian(*args, **params)
        return {**found, ("mean", "lower"): -found["mean", "lower"]}


class WrongSampler(MultivariateNormal):
    def rvs(self, rng, size, mean, scale, lower=0.0):
        return super().rvs(rng, size, mean, scale, -lower)


class WrongFisher(Dirichlet):
    def hessian(self, y, concentration):
        return {pair: -value / 2 for pair, value in self.fisher(concentration).items()}

    def fisher(self, concentration):
        return {pair: 2 * value for pair, value in super().fisher(concentration).items()}


class WrongCovariance(Multinomial):
    fisher = None

    def covariance(self, logits, trials=1):
        return super().covariance(logits, trials) * (1 - 0.2 * np.tri(self.n_targets, k=-1))


class WrongEntropy(MultivariateNormal):
    def entropy(self, *args, **params):
        return super().entropy(*args, **params) + 0.1


class Unnormalised(Multinomial):
    def loglik(self, y, logits, trials=None):
        return super().loglik(y, logits, trials) - 0.1


BROKEN = {
    "normalised: integral of the density over a box": WrongConstant,
    r"derivatives: observed information of \(mean, lower\)": WrongBlock,
    "normalised: integral of the density": WrongSampler,
    "fisher: .*against the variance of the score": WrongFisher,
    "moments: found covariance": WrongCovariance,
    "moments: found entropy": WrongEntropy,
    "normalised: total probability": Unnormalised,
}


@pytest.mark.parametrize(("message", "law"), BROKEN.items(), ids=[law.__name__ for law in BROKEN.values()])
def test_broken_law_is_found_out(message, law):
    with pytest.raises(AssertionError, match=message):
        check_likelihood(law(), skip=["recovery", "weights"])


# ---- the distribution object -----------------------------------------------------------------------------------------


@by_law
def test_distribution(law, y):
    model = MLERegressor(law).fit(X, y)
    dist, k = model.predict_dist(X), y.shape[1]
    own = type(dist.likelihood) is Multinomial  # of a single trial
    at = np.eye(3)[np.argmax(y, axis=1)] if own else y
    assert dist.mean().shape == dist.var().shape == dist.std().shape == (N, k)
    assert dist.cov().shape == (N, k, k)
    assert dist.entropy().shape == dist.logpdf(at).shape == model.score_samples(X, y).shape == (N,)
    assert_array_equal(model.predict(X), dist.mean())
    assert_array_equal(model.predict(X, output="std"), dist.std())
    assert_allclose(dist.var(), np.diagonal(dist.cov(), axis1=1, axis2=2))
    if not own:
        assert_allclose(dist.logpdf(y), model.score_samples(X, y), rtol=1e-12)
    assert_allclose(model.score(X, y), np.mean(model.score_samples(X, y)))
    assert_allclose(model.score_samples(X), -dist.entropy())
    # broadcasting: the last axis is that of the targets
    assert_array_equal(dist.logpdf(at[4]), dist.logpdf(np.tile(at[4], (N, 1))))
    assert_array_equal(dist.logpdf(at[:5, None])[3], dist.logpdf(at[3]))
    assert_array_equal(dist[7].logpdf(at[7]), dist.logpdf(at)[7])
    assert_array_equal(dist[7].logpdf(at[:5]), dist.logpdf(at[:5, None])[:, 7])
    assert_array_equal(dist[7].mean(), dist.mean()[7])
    assert_array_equal(dist[7].cov(), dist.cov()[7])
    assert_allclose(dist.pdf(at), np.exp(dist.logpdf(at)))
    assert dist[:9].rvs((2, 4), random_state=0).shape == (2, 4, 9, k)
    assert dist[7].rvs(random_state=0).shape == (k,)
    draws = dist[7].rvs(20000, random_state=0)
    assert_allclose(draws.mean(axis=0), dist[7].mean(), atol=0.05 * dist[7].std().max())
    assert_allclose(np.cov(draws.T), dist[7].cov(), atol=0.05 * dist[7].var().max())
    for method, *arguments in (("cdf", at), ("sf", at), ("logcdf", at), ("ppf", 0.5), ("median",), ("interval", 0.9)):
        with pytest.raises(ValueError, match="several targets"):
            getattr(dist, method)(*arguments)
    for wrong in (y[:, :2], y[:5], 0.5):
        with pytest.raises(ValueError, match="do not match 3 targets"):
            dist.logpdf(wrong)


def test_logpdf_outside_the_support():
    dirichlet = Distribution(Dirichlet(), {"concentration": np.full((3, 3), 2.0)})
    y = np.array([[0.2, 0.3, 0.6], [0.0, 0.5, 0.5], [0.2, np.nan, 0.5]])
    assert_array_equal(dirichlet.logpdf(y), [-np.inf, -np.inf, np.nan])
    counts = Distribution(Multinomial(trials=2), {"logits": np.zeros((3, 3))})
    assert_array_equal(counts.pmf(np.array([[1, 1, 1], [0.5, 0.5, 1], [3, -1, 0]])), 0.0)
    assert counts[0].pmf([1, 1, 0]) == pytest.approx(2 / 9)
    with pytest.raises(ValueError, match="has no covariance"):
        Distribution(Normal(), {"loc": np.zeros(2), "scale": np.ones(2)}).cov()


def test_quantiles_are_refused():
    model = MLERegressor(MultivariateNormal()).fit(X, Y)
    for call in (model.predict_quantiles, model.predict_interval, lambda rows: model.predict(rows, output="quantiles")):
        with pytest.raises(ValueError, match="MultivariateNormal has several targets, and no distribution function, quantiles"):
            call(X)


# ---- targets that cannot be used -------------------------------------------------------------------------------------


def test_errors():
    with pytest.raises(ValueError, match=r"y has shape \(200,\); MultivariateNormal is a law of several targets"):
        MLERegressor(MultivariateNormal()).fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="y has 3 columns, but MultivariateNormal takes n_targets=2"):
        MLERegressor(MultivariateNormal(n_targets=2)).fit(X, Y)
    with pytest.raises(ValueError, match="y has 2 columns, but MultivariateNormal takes n_targets=3"):
        MLERegressor(MultivariateNormal()).fit(X, Y).score(X, Y[:, :2])
    with pytest.raises(ValueError, match="y has 1 columns, but Dirichlet takes at least 2"):
        MLERegressor(Dirichlet()).fit(X, np.ones((N, 1)))
    for n in (1, 0, 2.5, True):
        with pytest.raises(ValueError, match=r"Dirichlet\(n_targets=.*whole number from 2 on"):
            Dirichlet(n_targets=n).check()
    with pytest.raises(ValueError, match="scale is a vector, which no column of X can hold"):
        MultivariateNormal(scale="se").check()
    with pytest.raises(ValueError, match="takes no links"):
        Multinomial(links={"logits": "identity"}).check()
    with pytest.raises(ValueError, match=r"must sum to one, but do not in row 3, where the first sum is 1\.5; divide"):
        MLERegressor(Dirichlet()).fit(X, SHARES * (1 + 0.5 * (np.arange(N) == 3))[:, None])
    zero = SHARES.copy()
    zero[5] = [0.0, 0.4, 0.6]
    with pytest.raises(ValueError, match=r"must lie in \(0, 1\), the support of Dirichlet, .* row 5, .*; replace zeros"):
        MLERegressor(Dirichlet()).fit(X, zero)
    assert MLERegressor(Dirichlet()).fit(X, SHARES).score_samples(X, zero)[5] == -np.inf
    with pytest.raises(ValueError, match=r"support of Multinomial, but does not in row 0, .*; give counts"):
        MLERegressor(Multinomial()).fit(X, COUNTS - 30 * (np.arange(N) == 0)[:, None])
    with pytest.raises(ValueError, match="contains NaN in row 2"):
        MLERegressor(MultivariateNormal()).fit(X, np.where(np.arange(N)[:, None] == 2, np.nan, Y))
    with pytest.raises(ValueError, match="'mean' of MultivariateNormal takes none"):
        MLERegressor(MultivariateNormal(), offset=0).fit(X, Y)


def test_rounded_compositions():
    """Shares in single precision sum to one up to their rounding."""
    model, rounded = (MLERegressor(Dirichlet()).fit(Z, y) for y in (SHARES, SHARES.astype(np.float32)))
    assert_allclose(rounded.coef_, model.coef_, rtol=0.01, atol=1e-3)


# ---- scikit-learn's tools --------------------------------------------------------------------------------------------


@by_law
def test_weights_are_repetitions(law, y):
    weight = np.random.default_rng(1).integers(0, 4, N)
    again = np.repeat(np.arange(N), weight)
    weighted, repeated = MLERegressor(law).fit(X, y, weight), MLERegressor(law).fit(X[again], y[again])
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7, atol=1e-12)
    assert_allclose(weighted.loglikelihood_, repeated.loglikelihood_, rtol=1e-12)
    assert_allclose(weighted.bic_, repeated.bic_, rtol=1e-10)


@by_law
def test_tools(law, y):
    pipe = make_pipeline(StandardScaler(), MLERegressor(law)).fit(X, pd.DataFrame(y))
    plain = MLERegressor(law).fit(X, y)
    assert_allclose(pipe.predict(X), plain.predict(X), rtol=1e-7)
    assert_allclose(predict_dist(pipe, X).cov(), plain.predict_dist(X).cov(), rtol=1e-6)
    assert np.isfinite(cross_val_score(pipe, X, y, cv=3)).all()
    assert cross_val_predict(pipe, X, y, cv=3).shape == y.shape
    again = pickle.loads(pickle.dumps(plain))
    assert_array_equal(again.predict(X), plain.predict(X))
    assert_array_equal(clone(plain).fit(X, y).coef_, plain.coef_)
    warm = clone(plain).set_params(warm_start=True).fit(X, y).fit(X, y)
    assert warm.n_iter_ <= 1
    assert_allclose(warm.coef_, plain.coef_, rtol=1e-7)
    lbfgs = clone(plain).set_params(solver="lbfgs").fit(X, y)
    assert_allclose(lbfgs.predict(X), plain.predict(X), rtol=1e-6)


def test_transformed_targets():
    model = TransformedTargetRegressor(MLERegressor(MultivariateNormal()), transformer=StandardScaler()).fit(Z, Y)
    assert_allclose(model.predict(Z), LinearRegression().fit(Z, Y).predict(Z), rtol=1e-10)
    assert 0 < model.score(Z, Y) < 1
    with pytest.raises(TypeError, match="transformed targets"):
        predict_dist(model, Z)


def test_search_for_dependence():
    y = Z @ RNG.normal(size=(3, 2)) + RNG.normal(size=(N, 2)) @ [[1, 0.9], [0, 0.3]]
    search = GridSearchCV(MLERegressor(MultivariateNormal()), {"likelihood__lower": [0.0, None]}, cv=3).fit(X, y)
    assert search.best_params_ == {"likelihood__lower": None}


def test_penalty_shrinks_all_targets():
    model, plain = (MLERegressor(MultivariateNormal(), alpha=alpha).fit(Z, Y) for alpha in (1.0, 0.0))
    assert model.converged_
    assert (np.linalg.norm(model.coef_, axis=1) < np.linalg.norm(plain.coef_, axis=1)).all()


# ---- check_estimator -------------------------------------------------------------------------------------------------

# scikit-learn's checks give laws of several targets one column of any numbers: the normal law takes them as they are; the
# others need at least two columns, which these make of them.


class _Pair:
    def read(self, y):
        with suppress(TypeError, ValueError):  # told by the law
            values = np.asarray(y, dtype=float)
            if values.ndim == 2 and np.isfinite(values).all():
                y = self.made(softmax(np.clip(np.hstack([values, np.zeros((len(values), 1))]) / 50, -20, 20), axis=1))
        return super().read(y)


class PairOfShares(_Pair, Dirichlet):
    @staticmethod
    def made(shares):
        return shares


class PairOfCounts(_Pair, Multinomial):
    @staticmethod
    def made(shares):
        return np.round(20 * shares)


class FirstOfPair(MLERegressor):
    def predict(self, X):
        return super().predict(X)[:, :-1]


ESTIMATORS = [
    MLERegressor(MultivariateNormal()),
    FirstOfPair(PairOfShares()),
    FirstOfPair(PairOfCounts()),
]


@pytest.mark.filterwarnings("default")
@parametrize_with_checks(ESTIMATORS)
def test_check_estimator(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)
