"""Ordered classes, and successes in a number of trials: identities, other software, far tails, messages."""

from __future__ import annotations

import pickle
import warnings

import mpmath as mp
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.optimize import linprog
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score

from sk_mle import Distribution, MLEClassifier, MLERegressor
from sk_mle._special.intervals import BETWEEN
from sk_mle.exceptions import BoundaryWarning, SeparationWarning
from sk_mle.likelihoods import Bernoulli, BetaBinomial, Binomial, Censored, Ordinal, Truncated, ZeroInflated
from sk_mle.metrics import make_dist_scorer, ranked_probability_score
from sk_mle.testing import check_likelihood

RNG = np.random.default_rng(0)
N = 300
X = RNG.normal(size=(N, 2))
TRIALS = RNG.integers(1, 15, N).astype(float)
PROB = 1 / (1 + np.exp(0.3 - X @ [0.8, -0.5]))
SUCCESSES = RNG.binomial(TRIALS.astype(int), RNG.beta(4 * PROB, 4 * (1 - PROB))).astype(float)
FRAME = pd.DataFrame(X, columns=["a", "b"]).assign(n=TRIALS)
CODES = np.searchsorted([-1.0, 0.2, 1.5], X @ [1.0, -0.6] + RNG.logistic(size=N))
DISTRIBUTIONS = list(BETWEEN)


# ---- successes in trials ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", [Binomial, BetaBinomial])
def test_trials_in_three_places(law):
    both = MLERegressor(law()).fit(X, np.column_stack([SUCCESSES, TRIALS]))
    column = MLERegressor(law(trials="n")).fit(FRAME, SUCCESSES)
    assert_allclose(column.coef_, both.coef_, rtol=1e-9)
    assert column.loglikelihood_ == pytest.approx(both.loglikelihood_, rel=1e-13)
    assert column.n_params_ == both.n_params_
    assert_allclose(
        column.score_samples(FRAME, SUCCESSES), both.score_samples(X, np.column_stack([SUCCESSES, TRIALS])), rtol=1e-9
    )
    assert_allclose(column.predict(FRAME), TRIALS * both.predict(X), rtol=1e-9)  # successes, and the proportion
    assert_allclose(both.predict(X), both.predict_params(X)[next(iter(both.coefs_))])
    assert "trials" not in both.predict_params(X)
    assert_array_equal(column.predict_params(FRAME)["trials"], TRIALS)
    ten = np.minimum(SUCCESSES, 10)
    number = MLERegressor(law(trials=10)).fit(X, ten)
    rows = MLERegressor(law()).fit(X, np.column_stack([ten, np.full(N, 10)]))
    assert_allclose(number.coef_, rows.coef_, rtol=1e-9)
    assert_allclose(number.predict(X), 10 * rows.predict(X), rtol=1e-9)


def test_the_predictive_law_where_trials_are_in_y_is_of_one_trial():
    for law in (Binomial(), BetaBinomial()):
        model = MLERegressor(law).fit(X, np.column_stack([SUCCESSES, TRIALS]))
        dist, prob = model.predict_dist(X), model.predict(X)
        assert_allclose(dist.pmf(1), prob, rtol=1e-12)
        assert_allclose(dist.var(), prob * (1 - prob), rtol=1e-12)
        assert_allclose(model.score_samples(X), -stats.bernoulli(prob).entropy(), rtol=1e-9)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog", "cauchit"])
def test_single_trials_are_bernoulli(link):
    y, links = (SUCCESSES > 3).astype(float), {"prob": link}
    one, other = MLERegressor(Binomial(trials=1, links=links)).fit(X, y), MLEClassifier(Bernoulli(links=links)).fit(X, y)
    assert_allclose(one.coef_, other.coef_[0], rtol=1e-8)
    assert one.loglikelihood_ == pytest.approx(other.loglikelihood_, rel=1e-13)
    eta = {"prob": np.linspace(-30, 30, 61)}
    for value in (0.0, 1.0):
        own, theirs = (
            law.evaluate(np.full(61, value), eta, 2) for law in (Binomial(trials=1, links=links), Bernoulli(links=links))
        )
        assert_allclose(own.loglik, theirs.loglik, rtol=1e-13)
        assert_allclose(own.gradient["prob"], theirs.gradient["prob"], rtol=1e-14)
        assert_allclose(own.information["prob", "prob"], theirs.information["prob", "prob"], rtol=1e-14)


def test_grouped_rows_equal_single_ones():
    y = np.column_stack([SUCCESSES, TRIALS])
    rows, codes = np.vstack([X, X]), np.repeat([1, 0], N)
    grouped = MLERegressor(Binomial()).fit(X, y)
    single = MLEClassifier(Bernoulli()).fit(rows, codes, np.concatenate([SUCCESSES, TRIALS - SUCCESSES]))
    assert_allclose(grouped.coef_, single.coef_[0], rtol=1e-9)
    choose = stats.binom(TRIALS, 0.5).logpmf(SUCCESSES) + TRIALS * np.log(2)
    assert grouped.loglikelihood_ == pytest.approx(single.loglikelihood_ + choose.sum(), rel=1e-12)


def test_rows_without_trials_count_for_nothing():
    n = np.where(np.arange(N) % 5, TRIALS, 0.0)
    y = np.column_stack([np.minimum(SUCCESSES, n), n])
    for law in (Binomial(), BetaBinomial()):
        model, some = MLERegressor(law).fit(X, y), MLERegressor(law).fit(X[n > 0], y[n > 0])
        assert_allclose(model.coef_, some.coef_, rtol=1e-7)
        assert_array_equal(model.score_samples(X, y)[n == 0], 0.0)


@pytest.mark.parametrize("precision", [np.inf, 1e30])
def test_great_precision_is_binomial(precision):
    y, n = (np.ravel(v) for v in np.meshgrid(np.arange(41.0), [40.0, 1000.0]))
    both = np.stack([y, n], axis=-1)
    for mean in (1e-7, 0.02, 0.5, 0.999):
        ours, limit = BetaBinomial().loglik(both, mean, precision), Binomial().loglik(both, mean)
        assert_allclose(ours, limit, rtol=1e-12, atol=1e-13)
    eta = {"mean": np.linspace(-20, 20, len(y))}
    own = BetaBinomial(precision=precision).evaluate(both, eta, 2)
    limit = Binomial().evaluate(both, {"prob": eta["mean"]}, 2)
    assert_allclose(own.loglik, limit.loglik, rtol=1e-12)
    assert_allclose(own.gradient["mean"], limit.gradient["prob"], rtol=1e-10, atol=1e-12)
    assert_allclose(own.information["mean", "mean"], limit.information["prob", "prob"], rtol=1e-9, atol=1e-12)


def test_constants_and_tails_against_scipy():
    k = np.arange(13.0)
    for prob in (0.1, 0.7):
        ours, theirs = Distribution(Binomial(trials=12), {"prob": prob}), stats.binom(12, prob)
        for name in ("logpmf", "cdf", "sf"):
            assert_allclose(getattr(ours, name)(k), getattr(theirs, name)(k), rtol=1e-11, atol=1e-300)
        assert_array_equal(ours.ppf([0.0, 1e-9, 0.5, 0.99, 1.0]), theirs.ppf([0.0, 1e-9, 0.5, 0.99, 1.0]))
        assert ours.entropy() == pytest.approx(theirs.entropy(), rel=1e-9)
        for size in (0.3, 40.0):
            ours = Distribution(BetaBinomial(trials=12), {"mean": prob, "precision": size})
            theirs = stats.betabinom(12, prob * size, (1 - prob) * size)
            for name in ("logpmf", "cdf", "sf"):
                assert_allclose(getattr(ours, name)(k), getattr(theirs, name)(k), rtol=1e-10, atol=1e-14)
            assert_allclose([ours.mean(), ours.var()], [theirs.mean(), theirs.var()], rtol=1e-11)
            assert_array_equal(ours.ppf([0.0, 0.01, 0.5, 0.99, 1.0]), theirs.ppf([0.0, 0.01, 0.5, 0.99, 1.0]))


FAR = [(3, 10, -60.0), (10, 10, -700.0), (0, 7, 300.0), (5, 10**6, -11.0), (300123, 10**6, -0.8473), (29999, 10**9, -10.4)]


@pytest.mark.parametrize(("y", "n", "eta"), FAR)
def test_binomial_keeps_its_digits(y, n, eta):
    result = Binomial(trials=n).evaluate(np.array([float(y)]), {"prob": np.array([eta])}, 2)
    with mp.workdps(350):
        e, k, m = mp.mpf(eta), mp.mpf(y), mp.mpf(n)
        p = 1 / (1 + mp.exp(-e))
        choose = mp.loggamma(m + 1) - mp.loggamma(k + 1) - mp.loggamma(m - k + 1)
        value = choose - k * mp.log1p(mp.exp(-e)) - (m - k) * mp.log1p(mp.exp(e))
        assert_allclose(result.loglik, [float(value)], rtol=1e-12)
        assert_allclose(result.gradient["prob"], [float(k - m * p)], rtol=1e-12, atol=1e-11 * float(mp.sqrt(m * p * (1 - p))))
        assert_allclose(result.information["prob", "prob"], [float(m * p * (1 - p))], rtol=1e-12)


SHAPES = [
    (3, 10, -25.0, 1.0),
    (0, 5, 20.0, -3.0),
    (7, 10, 0.3, 30.0),
    (7, 10, 0.3, 1.2),
    (250, 1000, -1.0, 8.0),
    (9, 10**5, -9.0, 20.0),
]


@pytest.mark.parametrize(("y", "n", "eta", "size"), SHAPES)
def test_beta_binomial_keeps_its_digits(y, n, eta, size):
    result = BetaBinomial(trials=n).evaluate(np.array([float(y)]), {"mean": np.array([eta]), "precision": np.array([size])}, 2)

    def value(e, s):
        phi, k, m = mp.exp(s), mp.mpf(y), mp.mpf(n)
        a, b = phi / (1 + mp.exp(-e)), phi / (1 + mp.exp(e))
        rising = lambda x, d: mp.loggamma(x + d) - mp.loggamma(x)
        choose = mp.loggamma(m + 1) - mp.loggamma(k + 1) - mp.loggamma(m - k + 1)
        return choose + rising(a, k) + rising(b, m - k) - rising(phi, m)

    with mp.workdps(120):
        at = mp.mpf(eta), mp.mpf(size)
        exact = {order: float(mp.diff(value, at, order)) for order in ((1, 0), (0, 1), (2, 0), (1, 1), (0, 2))}
        assert_allclose(result.loglik, [float(value(*at))], rtol=1e-12)
    found = {
        (1, 0): result.gradient["mean"],
        (0, 1): result.gradient["precision"],
        (2, 0): -result.information["mean", "mean"],
        (1, 1): -result.information["mean", "precision"],
        (0, 2): -result.information["precision", "precision"],
    }
    for order, expected in exact.items():
        assert_allclose(found[order], [expected], rtol=1e-9, atol=1e-15 * n)


def test_beta_binomial_tails_keep_their_digits():
    n, mean, size = 200, 0.1, 50.0
    with mp.workdps(40):
        a, b = mp.mpf(mean) * size, (1 - mp.mpf(mean)) * size
        mass = [mp.binomial(n, k) * mp.beta(k + a, n - k + b) / mp.beta(a, b) for k in range(n + 1)]
        for k in (0, 5, 20, 100, 190):
            given = {"mean": mean, "precision": size, "trials": n}
            assert_allclose(BetaBinomial().logcdf(k, **given), float(mp.log(mp.fsum(mass[: k + 1]))), rtol=1e-12, atol=1e-15)
            assert_allclose(BetaBinomial().logsf(k, **given), float(mp.log(mp.fsum(mass[k + 1 :]))), rtol=1e-12, atol=1e-15)


def test_binomial_in_wrappers():
    many = SUCCESSES > 0
    model = MLERegressor(Truncated(Binomial(trials="n"), low=0)).fit(FRAME[many], SUCCESSES[many])
    assert model.converged_
    for law in (ZeroInflated(BetaBinomial(trials=8)), Censored(Binomial(trials=8))):
        check_likelihood(law, random_state=1, skip=["cdf_and_ppf", "sampler", "moments", "recovery"])


def test_messages_of_trials():
    with pytest.raises(ValueError, match=r"successes and trials, but has shape \(300,\); .* Binomial\(trials=10\)"):
        MLERegressor(Binomial()).fit(X, SUCCESSES)
    with pytest.raises(ValueError, match=r"BetaBinomial\(trials='n'\) has the trials already"):
        MLERegressor(BetaBinomial(trials="n")).fit(FRAME, np.column_stack([SUCCESSES, TRIALS]))
    y = SUCCESSES.copy()
    y[7] = TRIALS[7] + 2
    first = f"{y[7]:g} of {TRIALS[7]:g}"
    with pytest.raises(ValueError, match=rf"between 0 and trials, but do not in row 7, first {first} \(trials, not failures"):
        MLERegressor(Binomial()).fit(X, np.column_stack([y, TRIALS]))
    for law in (Binomial(trials="n"), ZeroInflated(Binomial(trials="n"))):
        with pytest.raises(ValueError, match=f"between 0 and trials, but do not in row 7, first {first}$"):
            MLERegressor(law).fit(FRAME, y)
    assert MLERegressor(Binomial(trials="n")).fit(FRAME, SUCCESSES).score_samples(FRAME, y)[7] == -np.inf
    with pytest.raises(ValueError, match=r"y must lie in \[0, 4\], the support of Binomial"):
        MLERegressor(Binomial(trials=4)).fit(X, SUCCESSES)
    for trials in (0, 2.5):
        with pytest.raises(ValueError, match="give a whole number of at least one trial"):
            MLERegressor(Binomial(trials=trials)).fit(X, SUCCESSES)
    with pytest.raises(ValueError, match=r"column 'n' holds trials of Binomial, which must lie in .*, but does not in row 0"):
        MLERegressor(Binomial(trials="n")).fit(FRAME.assign(n=np.where(FRAME.index == 0, -1.0, TRIALS)), SUCCESSES)
    with pytest.raises(ValueError, match="trials is zero in every row"):
        MLERegressor(Binomial()).fit(X, np.zeros((N, 2)))
    with pytest.raises(ValueError, match=r"ZeroInflated wraps laws of one column of y: .* Binomial\(trials=10\)"):
        MLERegressor(ZeroInflated(Binomial())).fit(X, SUCCESSES)
    with pytest.raises(ValueError, match="numeric targets: use it in MLERegressor"):
        MLEClassifier(Binomial(trials=1)).fit(X, SUCCESSES > 2)


def test_less_spread_than_binomial_warns():
    with pytest.warns(BoundaryWarning, match="precision of BetaBinomial ran to the upper edge"):
        MLERegressor(BetaBinomial(trials=10)).fit(X[:40], 5.0 + np.arange(40) % 2)


# ---- ordered classes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_two_classes_are_bernoulli(distribution):
    mirror = {"cloglog": "loglog", "loglog": "cloglog"}.get(distribution, distribution)  # 1 - F(-eta)
    one = MLEClassifier(Ordinal(distribution=distribution)).fit(X, CODES > 1)
    other = MLEClassifier(Bernoulli(links={"prob": mirror})).fit(X, CODES > 1)
    assert_allclose(one.coef_, other.coef_, rtol=1e-8)
    assert_allclose(one.intercept_, other.intercept_, rtol=1e-8)
    assert_allclose(one.predict_log_proba(X), other.predict_log_proba(X), rtol=1e-7)
    assert_allclose(one.decision_function(X), np.diff(one.predict_log_proba(X))[:, 0], rtol=1e-12)
    none = [MLEClassifier(law, fit_intercept=False).fit(X, CODES > 1).coef_ for law in (one.likelihood, other.likelihood)]
    assert_allclose(*none, rtol=1e-8)


@pytest.mark.parametrize("distribution", ["logit", "probit"])
def test_statsmodels(distribution):
    ordered = pytest.importorskip("statsmodels.miscmodels.ordinal_model").OrderedModel
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = ordered(CODES, X, distr=distribution).fit(method="newton", disp=False, maxiter=100, tol=1e-12)
        cutpoints = theirs.model.transform_threshold_params(np.asarray(theirs.params))[1:-1]
    ours = MLEClassifier(Ordinal(distribution=distribution)).fit(X, CODES)
    assert_allclose(ours.coef_[0], np.asarray(theirs.params)[:2], rtol=1e-6)
    assert_allclose(ours.likelihood_.cutpoints(ours.intercepts_), cutpoints, rtol=1e-6, atol=1e-8)
    assert ours.loglikelihood_ == pytest.approx(theirs.llf, abs=1e-8)
    assert_allclose(ours.predict_proba(X), theirs.predict(X), rtol=1e-5)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_probabilities_and_predictions_agree(distribution):
    model = MLEClassifier(Ordinal(distribution=distribution)).fit(X, np.array([3, 5, 8, 9])[CODES])
    prob, dist = model.predict_proba(X), model.predict_dist(X)
    assert_allclose(prob.sum(axis=1), 1.0, rtol=1e-13)
    assert_allclose(dist.pmf(np.arange(4.0)[:, None]).T, prob, rtol=1e-12)
    assert_allclose(dist.cdf(np.arange(4.0)[:, None]).T, np.cumsum(prob, axis=1), rtol=1e-12)
    assert_allclose(dist.mean(), prob @ np.arange(4), rtol=1e-12)
    assert_allclose(dist.var(), prob @ np.arange(4) ** 2 - (prob @ np.arange(4)) ** 2, rtol=1e-10)
    assert_allclose(dist.entropy(), -(prob * np.log(prob)).sum(axis=1), rtol=1e-9)
    assert_array_equal(model.decision_function(X), model.predict_log_proba(X))
    assert_array_equal(model.predict(X), model.classes_[prob.argmax(axis=1)])
    ends = model.likelihood_.cutpoints(model.intercepts_) - X @ model.coef_[0][:, None]
    scale = {"logit": stats.logistic, "probit": stats.norm, "loglog": stats.gumbel_r, "cauchit": stats.cauchy}
    cdf = scale[distribution].cdf if distribution in scale else stats.gumbel_l.cdf
    assert_allclose(np.cumsum(prob, axis=1)[:, :-1], cdf(ends), rtol=1e-10)


def test_mirrored_classes_mirror_the_coefficients():
    one = MLEClassifier(Ordinal(distribution="cloglog")).fit(X, CODES)
    other = MLEClassifier(Ordinal(distribution="loglog")).fit(X, 3 - CODES)
    assert_allclose(one.coef_, -other.coef_, rtol=1e-7)
    cutpoints = [model.likelihood_.cutpoints(model.intercepts_) for model in (one, other)]
    assert_allclose(cutpoints[0], -cutpoints[1][::-1], rtol=1e-7)


def test_scale_known_and_modelled():
    wide = 1.0 + (X[:, 0] > 0)
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(s=wide, d=np.log(wide))
    fixed = MLEClassifier(Ordinal(scale=2.0)).fit(X, CODES)
    assert_allclose(fixed.coef_, 2 * MLEClassifier(Ordinal()).fit(X, CODES).coef_, rtol=1e-8)
    known = MLEClassifier(Ordinal(scale="s"), predictors={"loc": ["a", "b"]}).fit(frame, CODES)
    free = MLEClassifier(Ordinal(scale=None), predictors={"loc": ["a", "b"], "scale": ["d"]}).fit(frame, CODES)
    assert free.intercepts_["scale"] == 0
    assert free.n_params_ == known.n_params_ + 1
    assert free.loglikelihood_ >= known.loglikelihood_  # the known one is free at a coefficient of 1
    with pytest.raises(ValueError, match="scale of Ordinal has no intercept"):
        MLEClassifier(Ordinal(scale=None)).fit(X, CODES)


def test_gaps_modelled_on_columns():
    plain = MLEClassifier(Ordinal()).fit(X, CODES)
    model = MLEClassifier(Ordinal(), predictors={"gaps": [0]}).fit(X, CODES)
    assert model.n_params_ == plain.n_params_ + 2
    assert model.loglikelihood_ > plain.loglikelihood_
    assert (model.predict_params(X)["gaps"] > 0).all()
    group = (X[:, [0]] > 0).astype(float)  # saturated: the shares of each group
    full = MLEClassifier(Ordinal(), predictors={"gaps": "all"}).fit(group, CODES)
    for value in (0.0, 1.0):
        share = np.bincount(CODES[group[:, 0] == value], minlength=4) / (group == value).sum()
        assert_allclose(full.predict_proba([[value]])[0], share, rtol=1e-6)


def test_life_of_an_estimator():
    model = MLEClassifier(Ordinal(), warm_start=True).fit(X, CODES)
    coef = model.coef_.copy()
    assert model.fit(X, CODES).n_iter_ <= 2
    assert_allclose(model.coef_, coef, rtol=1e-7)
    assert_allclose(clone(model).fit(X, CODES).coef_, coef, rtol=1e-7)
    search = GridSearchCV(MLEClassifier(Ordinal()), {"likelihood__distribution": DISTRIBUTIONS}, cv=3).fit(X, CODES)
    assert search.best_params_["likelihood__distribution"] in DISTRIBUTIONS
    weight = RNG.integers(1, 4, N)
    again = np.repeat(np.arange(N), weight)
    weighted, repeated = MLEClassifier(Ordinal()).fit(X, CODES, weight), MLEClassifier(Ordinal()).fit(X[again], CODES[again])
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-8)


def test_expected_information_is_the_mean_of_the_observed():
    """A sum over the classes, which random values do not find where a class is rare."""
    for distribution in DISTRIBUTIONS:
        law = Ordinal(n_classes=5, distribution=distribution, scale=None)
        at = {"loc": RNG.uniform(-1, 3, 20), "gaps": RNG.uniform(0.1, 1, (20, 3)), "scale": RNG.uniform(0.5, 2, 20)}
        mass = [np.exp(law.loglik(np.full(20, float(k)), **at)) for k in range(5)]
        second = [law.hessian(np.full(20, float(k)), **at) for k in range(5)]
        for pair, value in law.fisher(**at).items():
            terms = (p.reshape(-1, *[1] * (value.ndim - 1)) * part[pair] for p, part in zip(mass, second, strict=True))
            assert_allclose(value, -sum(terms), atol=1e-12)


LAWS = [
    Ordinal(n_classes=5),
    Ordinal(n_classes=2),
    Ordinal(n_classes=4, distribution="probit", scale=2.0),
    Ordinal(n_classes=4, distribution="loglog", links={"gaps": "softplus"}),
    Ordinal(n_classes=4, distribution="cauchit"),
    Binomial(trials=7, links={"prob": "cloglog"}),
    BetaBinomial(trials=7),
    BetaBinomial(trials=9, mean=0.3),
    BetaBinomial(trials=9, precision=np.inf),
]


@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_check_likelihood(law):
    check_likelihood(law, random_state=1)


def _between(distribution, a, w):
    lower = {
        "logit": lambda z: 1 / (1 + mp.exp(-z)),
        "probit": lambda z: mp.erfc(-z / mp.sqrt(2)) / 2,
        "cloglog": lambda z: -mp.expm1(-mp.exp(z)),
        "loglog": lambda z: mp.exp(-mp.exp(-z)),
        "cauchit": lambda z: mp.atan2(1, -z) / mp.pi,
    }
    return mp.log(lower[distribution](a + w) - lower[distribution](a))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_classes_between_any_cutpoints_keep_their_digits(distribution):
    far = 5.0 if distribution in ("cloglog", "loglog") else 30.0
    for a in (-far, -2.0, -0.4, 1.3, far):
        for w in (1e-12, 1e-3, 0.7, 4.0, 50.0):
            with np.errstate(all="ignore"):
                found = [float(value[0]) for value in BETWEEN[distribution](np.array([a]), np.array([w]))]
            with mp.workdps(380):
                at = mp.mpf(a), mp.mpf(w)
                h, k = mp.mpf(10) ** -60, at[1] * mp.mpf(10) ** -60
                f = {(i, j): _between(distribution, at[0] + i * h, at[1] + j * k) for i in (-1, 0, 1) for j in (-1, 0, 1)}
                one = [(f[1, 0] - f[-1, 0]) / (2 * h), (f[0, 1] - f[0, -1]) / (2 * k) * at[1]]
                two = [
                    (f[1, 0] - 2 * f[0, 0] + f[-1, 0]) / h**2,
                    (f[1, 1] - f[1, -1] - f[-1, 1] + f[-1, -1]) / (4 * h * k) * at[1],
                    (f[0, 1] - 2 * f[0, 0] + f[0, -1]) / k**2 * at[1] ** 2,
                ]
                exact = [float(value) for value in (f[0, 0], *one, *two)]
            found = np.array(found) * [1, 1, w, 1, w, w**2]
            assert_allclose(found[0], exact[0], rtol=1e-13)
            assert_allclose(found[1:], exact[1:], rtol=1e-12, atol=1e-12)


def test_far_classes():
    """A logistic class between two near cutpoints, 1000 units away."""
    gap = 1e-6
    law, eta = Ordinal(n_classes=3), {"loc": np.array([1000.0]), "gaps": np.array([[np.log(gap)]])}
    loglik = [law.evaluate(np.array([code]), eta, 2) for code in (0.0, 1.0, 2.0)]
    assert_allclose(loglik[0].loglik, [-1000.0], rtol=1e-15)
    assert_allclose(loglik[1].loglik, [-1000.0 + np.log(np.expm1(gap))], rtol=1e-14)
    assert loglik[2].loglik == [0.0]
    assert_allclose(loglik[1].gradient["loc"], [-1.0], rtol=1e-14)
    assert_allclose(loglik[1].gradient["gaps"], [[1.0]], rtol=1e-6)


def test_separated_classes_are_found():
    """Against the linear programme in coefficients and cutpoints, for small data of whole numbers."""
    rng, seen = np.random.default_rng(1), []
    while len(seen) < 25:
        n, k = rng.integers(6, 15), rng.integers(2, 5)
        Z = rng.integers(0, 3, size=(n, 2)).astype(float)
        latent = Z @ [2.0, -1.0] + rng.normal(size=n) * rng.choice([0.2, 1.0, 2.0])
        y = np.searchsorted(np.quantile(latent, np.linspace(0, 1, k + 1)[1:-1]), latent)
        if len(np.unique(y)) < k or np.linalg.matrix_rank(np.column_stack([np.ones(n), Z])) < 3:
            continue
        cut = np.eye(k - 1)
        upper = [np.concatenate([cut[c], -z]) for c, z in zip(y, Z, strict=True) if c < k - 1]
        lower = [np.concatenate([-cut[c - 1], z]) for c, z in zip(y, Z, strict=True) if c > 0]
        A = np.array(upper + lower)
        expected = -linprog(-A.sum(axis=0), A_ub=-A, b_ub=np.zeros(len(A)), bounds=(-1, 1)).fun > 1e-7
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            MLEClassifier(Ordinal()).fit(Z, y)
        assert any(issubclass(w.category, SeparationWarning) for w in caught) == expected
        seen.append(expected)
    assert 4 < sum(seen) < 21


def test_messages_of_ordered_classes():
    with pytest.raises(ValueError, match=r"Ordinal\(distribution='normal'\): choose one of \['logit', 'probit'"):
        MLEClassifier(Ordinal(distribution="normal")).fit(X, CODES)
    with pytest.raises(ValueError, match="n_classes=6, but y has 4 classes"):
        MLEClassifier(Ordinal(n_classes=6)).fit(X, CODES)
    with pytest.raises(ValueError, match=r"Ordinal\(n_classes=2\), but y has 4 classes"):
        MLEClassifier(Ordinal(n_classes=2)).fit(X, CODES)
    with pytest.raises(ValueError, match=r"Ordinal\(scale=0.0\): scale must lie in"):
        MLEClassifier(Ordinal(scale=0.0)).fit(X, CODES)
    with pytest.raises(ValueError, match="likelihood of classes: use it in MLEClassifier"):
        MLERegressor(Ordinal()).fit(X, CODES)


# ---- the order of labels -------------------------------------------------------------------------------------------------

NAMES = ["low", "medium", "high", "top"]
LABELS = np.array(NAMES)[CODES]
SAID = {  # y, and the law
    "a list": (list(LABELS), Ordinal(categories=NAMES)),
    "an array": (LABELS, Ordinal(categories=np.array(NAMES))),
    "objects": (LABELS.astype(object), Ordinal(categories=tuple(NAMES))),
    "labels that y lacks": (LABELS, Ordinal(categories=["none", "low", "medium", "some", "high", "top"])),
    "pandas": (pd.Series(pd.Categorical(LABELS, categories=NAMES, ordered=True)), Ordinal()),
    "pandas, unused": (pd.Series(pd.Categorical(LABELS, categories=["none", *NAMES, "all"], ordered=True)), Ordinal()),
    "pandas, no series": (pd.Categorical(LABELS, categories=NAMES, ordered=True), Ordinal()),
    "polars": (pl.Series(LABELS, dtype=pl.Enum(NAMES)), Ordinal()),
    "numbers": (np.array([3, 20, 100, 7])[CODES], Ordinal(categories=[3, 20, 100, 7])),
    "the law says it, and the type too": (
        pd.Series(pd.Categorical(LABELS, categories=NAMES[::-1], ordered=True)),
        Ordinal(categories=NAMES),
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_labels_follow_the_given_order(name):
    y, law = SAID[name]
    expected, model = MLEClassifier(Ordinal()).fit(X, CODES), MLEClassifier(law).fit(X, y)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-12)
    assert model.loglikelihood_ == pytest.approx(expected.loglikelihood_, rel=1e-13)
    labels, classes = np.asarray(y), model.classes_
    assert list(classes) == sorted(set(labels.tolist()))  # as all classifiers of scikit-learn have them
    assert [model.ordered_classes_.tolist().index(label) for label in labels.tolist()] == CODES.tolist()
    places = [model.ordered_classes_.tolist().index(label) for label in classes.tolist()]
    assert_allclose(model.predict_proba(X), expected.predict_proba(X)[:, places], rtol=1e-9)
    assert_allclose(model.predict_log_proba(X), expected.predict_log_proba(X)[:, places], rtol=1e-9)
    assert_allclose(model.decision_function(X), expected.decision_function(X)[:, places], rtol=1e-9)
    assert_array_equal(model.predict(X), model.ordered_classes_[expected.predict(X)])
    assert model.score(X, y) == pytest.approx(expected.score(X, CODES), rel=1e-12)
    assert model.score(X, y) == pytest.approx(-log_loss(labels, model.predict_proba(X)), rel=1e-12)
    assert_allclose(model.predict_dist(X).pmf(CODES), expected.predict_dist(X).pmf(CODES), rtol=1e-9)
    found, same = model.inference(X, y), expected.inference(X, CODES)
    assert_allclose(found.bse, same.bse, rtol=1e-9)
    table = found.predict(X[:3])
    assert_allclose(table["probability"], same.predict(X[:3])["probability"].reshape(3, 4)[:, places].ravel(), rtol=1e-9)
    score = make_dist_scorer(ranked_probability_score)
    assert score(model, X, y) == pytest.approx(score(expected, X, CODES), rel=1e-12)


@pytest.mark.parametrize("kind", [list, np.array, lambda y: np.array(y, object), pd.Series, pl.Series, pd.Categorical])
def test_labels_without_an_order_warn(kind):
    message = (
        r"Ordinal takes the classes in an order, and the labels of y have none, so they are sorted: high < low < medium "
        r"< top. .*Ordinal\(categories=\['high', 'low', 'medium', 'top'\]\) in the right order, or pass an ordered categorical"
    )
    with pytest.warns(UserWarning, match=message):
        MLEClassifier("ordinal").fit(X, kind(LABELS.tolist()))
    MLEClassifier(Ordinal(categories=["high", "low", "medium", "top"])).fit(X, LABELS)  # said, if it is meant


@pytest.mark.parametrize("y", [LABELS, pd.Series(pd.Categorical(LABELS, categories=NAMES, ordered=True)), CODES > 1], ids=type)
def test_no_order_is_needed_for_other_laws(y):
    model = MLEClassifier().fit(X, y)
    assert model.classes_.tolist() == model.ordered_classes_.tolist() == sorted(set(np.asarray(y).tolist()))


def test_two_classes_in_order():
    """A positive coefficient moves towards the higher one, which the sorted order is for labels that say none."""
    y = np.array(["small", "large"])[(CODES > 1).astype(int)]
    with pytest.warns(UserWarning, match="large < small"):
        plain = MLEClassifier(Ordinal()).fit(X, y)
    model = MLEClassifier(Ordinal(categories=["small", "large"])).fit(X, y)
    assert_allclose(model.coef_, -plain.coef_, rtol=1e-9)
    assert_allclose(model.predict_proba(X), plain.predict_proba(X), rtol=1e-9)
    assert_allclose(model.decision_function(X), plain.decision_function(X), rtol=1e-9)


def test_order_of_classes_survives_clones_searches_and_folds():
    model = MLEClassifier(Ordinal(categories=NAMES))
    grid = {"likelihood__distribution": ["logit", "probit"], "likelihood__categories": [NAMES, NAMES[::-1]]}
    search = GridSearchCV(clone(model), grid, cv=3, scoring="neg_log_loss").fit(X, LABELS)
    assert search.best_score_ == pytest.approx(cross_val_score(search.best_estimator_, X, LABELS, cv=3).mean(), rel=1e-12)
    expected = GridSearchCV(MLEClassifier(Ordinal()), {"likelihood__distribution": ["logit", "probit"]}, cv=3).fit(X, CODES)
    assert search.best_score_ == pytest.approx(expected.best_score_, rel=1e-3)  # both directions are the same for these
    few = CODES != 2  # a fold without a class
    part = MLEClassifier(Ordinal(categories=NAMES)).fit(X[few], LABELS[few])
    assert part.ordered_classes_.tolist() == ["low", "medium", "top"]
    again = pickle.loads(pickle.dumps(part))
    assert_array_equal(again.predict(X), part.predict(X))


def test_messages_of_the_order():
    with pytest.raises(
        ValueError, match=r"labels \['top'\] that are not among the categories of Ordinal, \['low', .*: add them"
    ):
        MLEClassifier(Ordinal(categories=NAMES[:3])).fit(X, LABELS)
    with pytest.raises(TypeError, match=r"categories='low'\): give a list"):
        MLEClassifier(Ordinal(categories="low")).fit(X, LABELS)
    with pytest.raises(ValueError, match="give every label once"):
        MLEClassifier(Ordinal(categories=["low", "low"])).fit(X, LABELS)
