"""Scores of predictive distributions: against scikit-learn and scoringrules, by their identities, and as scorers."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn import config_context, metrics
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_mle import Distribution, MLEClassifier, MLERegressor, predict_dist
from sk_mle.datasets import make_mle_regression
from sk_mle.likelihoods import (
    LAWS,
    Binomial,
    Censored,
    Hurdle,
    Mixture,
    Normal,
    Poisson,
    Truncated,
    Tweedie,
    Weibull,
    ZeroInflated,
    censored,
)
from sk_mle.likelihoods._fallbacks.facts import sized
from sk_mle.metrics import (
    brier_score,
    crps,
    d2_log_likelihood,
    dawid_sebastiani_score,
    interval_coverage,
    interval_score,
    kl_divergence,
    log_score,
    make_dist_scorer,
    pinball_score,
    pit,
    pit_bounds,
    ranked_probability_score,
)
from sk_mle.metrics._crps import crps_from_cdf
from sk_mle.metrics._divergence import numerical_divergence

try:
    import scoringrules as sr
except ImportError:  # not beside the oldest dependencies
    sr = None

RNG = np.random.default_rng(0)
N = 60
U, V, W = (RNG.uniform(0.6, 3, N) for _ in range(3))
PROB = RNG.uniform(0.1, 0.9, N)
TRIED = {
    "normal": ({"loc": U, "scale": V}, lambda y: sr.crps_normal(y, U, V)),
    "logistic": ({"loc": U, "scale": V}, lambda y: sr.crps_logistic(y, U, V)),
    "laplace": ({"loc": U, "scale": V}, lambda y: sr.crps_laplace(y, U, V)),
    "student_t": ({"loc": U, "scale": V, "df": 1 + W}, lambda y: sr.crps_t(y, 1 + W, U, V)),
    "gamma": ({"mean": U, "shape": V}, lambda y: sr.crps_gamma(y, V, V / U)),
    "exponential": ({"mean": U}, lambda y: sr.crps_exponential(y, 1 / U)),
    "log_normal": ({"loc": U, "scale": PROB}, lambda y: sr.crps_lognormal(y, U, PROB)),
    "log_logistic": ({"scale": U, "shape": 1 + V}, lambda y: sr.crps_loglogistic(y, np.log(U), 1 / (1 + V))),
    "beta": ({"mean": PROB, "precision": 3 * V}, lambda y: sr.crps_beta(y, 3 * V * PROB, 3 * V * (1 - PROB))),
    "generalized_extreme_value": ({"loc": U, "scale": V, "shape": PROB}, lambda y: sr.crps_gev(y, PROB, U, V)),
    "generalized_pareto": ({"scale": U, "shape": PROB}, lambda y: sr.crps_gpd(y, PROB, 0, U)),
    "gumbel": ({"loc": U, "scale": V}, lambda y: sr.crps_gev(y, 0 * U, U, V)),
    "poisson": ({"mean": 4 * U}, lambda y: sr.crps_poisson(y, 4 * U)),
    "negative_binomial": ({"mean": U, "dispersion": 1 / V}, lambda y: sr.crps_negbinom(y, V, V / (V + U))),
    "binomial": ({"prob": PROB}, lambda y: sr.crps_binomial(y, np.full(N, 9), PROB)),
    "asymmetric_laplace": ({"loc": U, "scale": V, "quantile": PROB}, None),
    "gumbel_min": ({"loc": U, "scale": V}, None),
    "weibull": ({"scale": U, "shape": V}, None),
    "skew_normal": ({"loc": U, "scale": V, "shape": 9 * (PROB - 0.5)}, None),
    "exponentially_modified_normal": ({"loc": U, "scale": V, "rate": W**3}, None),
    "von_mises": ({"loc": 3 * PROB - 1, "origin": 0 * U, "concentration": W**4}, None),
    "tweedie": ({"mean": U, "dispersion": V, "power": 1.02 + 0.9 * PROB}, None),
}
ONE = sorted(name for name, kind in LAWS.items() if kind().target_type != "targets")


def example(name, seed=0, n=4):
    """A distribution of a law with loose parameters."""
    rng = np.random.default_rng(seed)
    law = LAWS[name](trials=9.0) if name in ("binomial", "beta_binomial") else sized(LAWS[name]())
    names = [k for k in law.parameters if k not in law.layout.fixed]
    return Distribution(law, {k: law.layout[k].domain.draw(rng, (n, *law.layout[k].shape)) for k in names})


@pytest.mark.parametrize("name", TRIED)
def test_crps_in_closed_form(name):
    params, theirs = TRIED[name]
    law = {"binomial": Binomial(trials=9), "tweedie": Tweedie(power=None)}.get(name, name)
    dist = Distribution(law, params)
    y = dist.rvs(random_state=1)
    values = crps(y, dist, per_row=True)
    np.testing.assert_allclose(values, crps_from_cdf(y, dist), rtol=1e-8)
    if theirs is not None and sr is not None:
        np.testing.assert_allclose(values, theirs(y), rtol=1e-7, atol=1e-9)
    if name == "binomial":
        return
    direct = dist.likelihood.crps(y, **dist.params)
    assert np.isfinite(direct).all()  # NaN would be integrated, which is right and slow
    if dist.likelihood.support.low == 0:  # y below the support costs its distance
        zero, below = (crps(np.full(N, at), dist, per_row=True) for at in (0.0, -2.0))
        np.testing.assert_allclose(below, zero + 2, rtol=1e-9)


@pytest.mark.parametrize(
    ("law", "params"),
    [
        (ZeroInflated(Poisson()), {"mean": 3.0, "inflation": 0.3}),
        (Hurdle(Weibull()), {"scale": 3.0, "shape": 1.5, "zero": 0.3}),
        (Truncated(Normal(), low=0.0, high=4.0), {"loc": 3.0, "scale": 1.5}),
        (
            Mixture([("a", Normal()), ("b", Normal())]),
            {"a__loc": 0.0, "a__scale": 1.0, "b__loc": 5.0, "b__scale": 0.5, "logits": np.log([0.3, 0.7])},
        ),
    ],
    ids=repr,
)
def test_crps_of_wrappers_by_energy(law, params):
    """E|Y - y| - E|Y - Y'| / 2 over many quantiles in place of a sample."""
    m = 20000
    dist = Distribution(law, {k: np.asarray([v] * 3, float) for k, v in params.items()})
    y = np.array([0.0, 1.0, 4.0])
    sample = dist[0].ppf((np.arange(m) + 0.5) / m)
    pairs = (sample * (2 * np.arange(1, m + 1) - m - 1)).sum() / m**2
    energy = np.abs(sample[:, None] - y).mean(axis=0) - pairs
    np.testing.assert_allclose(crps(y, dist, per_row=True), energy, rtol=2e-3)


@pytest.mark.parametrize("y", [-1e6, -1e3, -30.0, 30.0, 1e3, 1e6])
def test_crps_far_from_all_mass_is_the_distance_less_half_the_mean_difference(y):
    rate = 2.0
    normal, exponential = Distribution("normal", {"loc": [0], "scale": [1]}), Distribution("exponential", {"mean": [1 / rate]})
    np.testing.assert_allclose(crps_from_cdf(np.array([y]), normal), abs(y) - 1 / np.sqrt(np.pi), rtol=1e-13)
    np.testing.assert_allclose(crps_from_cdf(np.array([y]), exponential), abs(y - 1 / rate) - 0.5 / rate, rtol=1e-13)


def test_crps_of_a_hard_row_leaves_the_others_exact():
    df = np.r_[1.05, np.full(4, 8.0)]  # of the first row the upper tail holds a part of the score out to the largest numbers
    dist = Distribution("student_t", {"loc": np.zeros(5), "scale": np.r_[1.0, 1e-3, 1.0, 1e3, 1e6], "df": df})
    y = dist.params["scale"] * 0.7
    np.testing.assert_allclose(crps_from_cdf(y, dist), sr.crps_t(y, df, 0, dist.params["scale"]), rtol=1e-10)


def test_crps_of_mixed_laws_is_linear_in_tails():
    """An atom at zero: the integral from the two parts on paper."""
    share, scale = 0.3, 2.0
    dist = Distribution(Hurdle(Weibull(shape=1.0)), {"scale": [scale], "zero": [share]})
    np.testing.assert_allclose(crps([0.0], dist), (1 - share) ** 2 * scale / 2, rtol=1e-10)


@pytest.mark.parametrize("name", ONE)
def test_cross_entropy_is_entropy_and_divergence(name):
    p, q = example(name, 1), example(name, 1)
    first = next(iter(q.params))
    near = p.likelihood.layout[first].domain.draw(np.random.default_rng(5), (4, *p.likelihood.layout[first].shape))
    q = Distribution(q.likelihood, q.params | {first: 0.9 * q.params[first] + 0.1 * near})
    divergence = kl_divergence(p, q, per_row=True)
    if name != "beta":  # its mass beside the ends is closer to them than floating point numbers tell
        np.testing.assert_allclose(divergence, numerical_divergence(p, q), rtol=1e-6, atol=1e-9)
    assert (divergence >= 0).all()
    np.testing.assert_allclose(kl_divergence(p, p, per_row=True), 0.0, atol=1e-9)
    draws = p.rvs(20000, random_state=2)
    gain = p.logpdf(draws) - q.logpdf(draws)
    entropy, loss = p.entropy(), -q.logpdf(draws)
    finite = np.isfinite(divergence) & np.isfinite(entropy)
    error = 5 * (gain.std(axis=0) + loss.std(axis=0)) / np.sqrt(len(draws)) + 1e-9
    assert finite.sum() >= 2
    assert (np.abs(loss.mean(axis=0) - entropy - divergence) < error)[finite].all()


def test_divergence_is_infinite_where_support_is_lacking():
    two = {"loc": [0.0, 0.0], "scale": [1.0, 1.0]}
    normal, positive = Distribution("normal", two), Distribution("exponential", {"mean": [1.0, 2.0]})
    assert kl_divergence(normal, positive) == np.inf
    assert np.isfinite(kl_divergence(positive, normal))
    np.testing.assert_allclose(kl_divergence(normal, Distribution("laplace", two)), 0.0720927, rtol=1e-5)


def test_scores_equal_those_of_scikit_learn():
    X, y = load_iris(return_X_y=True)
    weight = np.random.default_rng(0).uniform(0, 2, len(y))
    for labels, columns in ((np.array(["a", "b", "c"])[y], [1]), (np.where(y == 1, "yes", "no"), [0, 1])):
        model = MLEClassifier().fit(X[:, columns], labels)
        dist, proba = model.predict_dist(X[:, columns]), model.predict_proba(X[:, columns])
        codes = np.searchsorted(model.classes_, labels).astype(float)
        loss = metrics.log_loss(labels, proba, sample_weight=weight)
        assert log_score(codes, dist, sample_weight=weight) == pytest.approx(loss)
        assert d2_log_likelihood(codes, dist) == pytest.approx(metrics.d2_log_loss_score(labels, proba), rel=1e-6)
        onehot = codes[:, None] == np.arange(proba.shape[1])
        halved = 2 if proba.shape[1] == 2 else 1
        assert brier_score(codes, dist) == pytest.approx(((proba - onehot) ** 2).sum(axis=1).mean() / halved)
        ranked = ((proba.cumsum(axis=1) - onehot.cumsum(axis=1)) ** 2).sum(axis=1)
        np.testing.assert_allclose(ranked_probability_score(codes, dist, per_row=True), ranked, atol=1e-12)
        theirs = LogisticRegression(C=1e10, tol=1e-10, max_iter=10000).fit(X[:, columns], labels)
        for score in (log_score, brier_score, ranked_probability_score):
            ours = [make_dist_scorer(score)(m, X[:, columns], labels) for m in (model, theirs)]
            assert ours[0] == pytest.approx(ours[1], rel=1e-4)
    X, y, *_ = make_mle_regression("normal", random_state=0)
    model = MLERegressor().fit(X, y)
    dist = model.predict_dist(X)
    assert d2_log_likelihood(y, dist) == pytest.approx(LinearRegression().fit(X, y).score(X, y), rel=1e-6)
    expected = np.mean([metrics.mean_pinball_loss(y, dist.ppf(np.full(len(y), q)), alpha=q) for q in (0.2, 0.7)])
    assert pinball_score(y, dist, quantiles=[0.2, 0.7]) == pytest.approx(expected)
    levels = (np.arange(400) + 0.5) / 400
    assert 2 * pinball_score(y, dist, quantiles=levels) == pytest.approx(crps(y, dist), rel=1e-3)
    assert dawid_sebastiani_score(y, dist) == pytest.approx(2 * log_score(y, dist) - np.log(2 * np.pi))
    tail = 0.1
    two = 2 / (2 * tail) * 2 * pinball_score(y, dist, quantiles=[tail, 1 - tail])
    assert interval_score(y, dist, coverage=0.8) == pytest.approx(two)
    low, high = dist.interval(0.8)
    assert interval_coverage(y, dist, coverage=0.8) == np.mean((low <= y) & (y <= high))


SCORES = [
    (log_score, {}),
    (crps, {}),
    (brier_score, {"threshold": 2.0}),
    (ranked_probability_score, {}),
    (pinball_score, {}),
    (interval_score, {}),
    (interval_coverage, {}),
    (dawid_sebastiani_score, {}),
    (d2_log_likelihood, {}),
]


@pytest.mark.parametrize(("score", "options"), SCORES, ids=lambda v: getattr(v, "__name__", ""))
def test_weights_are_repeated_rows_and_truth_scores_best(score, options):
    X, y, *_ = make_mle_regression("poisson", n_samples=200, random_state=0)
    dist = MLERegressor("poisson").fit(X, y).predict_dist(X)
    weight = np.arange(200) % 3
    rows = np.repeat(np.arange(200), weight)
    assert score(y, dist, sample_weight=weight, **options) == pytest.approx(score(y[rows], dist[rows], **options), rel=1e-7)
    if score is interval_coverage:
        return
    n, sign = 20000, 1 if score is d2_log_likelihood else -1
    truth = Distribution("poisson", {"mean": np.random.default_rng(1).gamma(3, 1, n)})
    y = truth.rvs(random_state=1)
    extra = {"null": Distribution("poisson", {"mean": np.full(n, 3.0)})} if sign == 1 else {}
    best = sign * score(y, truth, **options, **extra)
    for other in (
        Distribution("poisson", {"mean": truth.params["mean"] * 1.25}),
        Distribution("negative_binomial", {"mean": truth.params["mean"], "dispersion": np.full(n, 0.4)}),
    ):
        assert best > sign * score(y, other, **options, **extra)


def test_pit():
    for name in ("normal", "poisson"):
        dist = example(name, n=4000)
        y = dist.rvs(random_state=1)
        values = pit(y, dist, random_state=0)
        assert np.abs(np.sort(values) - (np.arange(4000) + 0.5) / 4000).max() < 0.03
        np.testing.assert_array_equal(values, pit(y, dist, random_state=0))
    lower, upper = pit_bounds(y, dist).T
    np.testing.assert_allclose(upper - lower, dist.pmf(y), atol=1e-12)
    mixed = Distribution(Hurdle(Weibull()), {"scale": [1.0] * 2, "shape": [1.0] * 2, "zero": [0.4] * 2})
    np.testing.assert_allclose(pit_bounds([0.0, 1.0], mixed)[0], [0.0, 0.4], atol=1e-12)
    assert np.ptp(pit_bounds([0.0, 1.0], mixed)[1]) == 0


def test_scorers_work_in_cross_validation_and_searches():
    X, y, *_ = make_mle_regression("gamma", n_samples=120, random_state=0)
    scorer = make_dist_scorer(interval_score, coverage=0.8)
    assert repr(clone(scorer)) == repr(scorer) == "make_dist_scorer(interval_score, coverage=0.8)"
    wrapped = [
        MLERegressor("gamma"),
        make_pipeline(StandardScaler(), MLERegressor("gamma")),
        GridSearchCV(make_pipeline(StandardScaler(), MLERegressor("gamma")), {"mleregressor__alpha": [0, 1]}, scoring=scorer),
        TransformedTargetRegressor(MLERegressor(), func=np.log, inverse_func=np.exp),
    ]
    for model in wrapped:
        found = cross_validate(model, X, y, cv=2, scoring={"a": scorer, "b": make_dist_scorer(crps)}, error_score="raise")
        assert (found["test_a"] < 0).all()
        assert (found["test_b"] < 0).all()
        model.fit(X, y)
        assert pickle.loads(pickle.dumps(scorer))(model, X, y) == -interval_score(y, predict_dist(model, X), coverage=0.8)
    logarithm = Distribution("log_normal", model.regressor_.predict_params(X))
    assert crps(y, predict_dist(model, X)) == pytest.approx(crps(y, logarithm), rel=1e-8)
    weight = np.arange(120) % 2
    with config_context(enable_metadata_routing=True):
        asks = clone(scorer).set_score_request(sample_weight=True)
        model = MLERegressor("gamma").set_fit_request(sample_weight=True)
        found = cross_validate(model, X, y, cv=2, scoring=asks, params={"sample_weight": weight}, error_score="raise")
    half = MLERegressor("gamma").fit(X[60:], y[60:], weight[60:])
    assert found["test_score"][0] == pytest.approx(asks(half, X[:60], y[:60], weight[:60]))
    assert found["test_score"][0] != pytest.approx(asks(half, X[:60], y[:60]))


def test_censored_targets():
    X, y, *_ = make_mle_regression(Weibull(), n_samples=80, random_state=0)
    seen = censored(np.minimum(y, 1.0), event=y <= 1.0)
    model = MLERegressor(Censored(Weibull())).fit(X, seen)
    assert make_dist_scorer(log_score)(model, X, seen) == pytest.approx(model.score(X, seen))
    with pytest.raises(ValueError, match="Censored reads y from several columns"):
        make_dist_scorer(crps)(model, X, seen)
    assert make_dist_scorer(crps)(model, X, y) == -crps(y, model.predict_dist(X))


def test_bad_input():
    dist = Distribution("normal", {"loc": [0.0, 0.0], "scale": [1.0, 1.0]})
    several = make_mle_regression("dirichlet", n_samples=30, random_state=0)
    shares = MLERegressor("dirichlet").fit(several.X, several.y)
    cauchy, linear = Distribution("cauchy", {"loc": [0], "scale": [1]}), LinearRegression().fit(several.X, several.X)
    cases = [
        (ValueError, "y has 3 rows, but dist has 2", lambda: crps([1, 2, 3], dist)),
        (ValueError, "y is NaN or infinite in row 1", lambda: log_score([1, np.nan], dist)),
        (ValueError, "must be numeric, but holds text.*codes 0..K-1", lambda: log_score(["a", "b"], dist)),
        (TypeError, "must be a Distribution", lambda: crps([1, 2], [1, 2])),
        (ValueError, "needs the event", lambda: brier_score([1, 2], dist)),
        (ValueError, "counts and ordered classes", lambda: ranked_probability_score([1, 2], dist)),
        (ValueError, "coverage must lie between 0 and 1, exclusive", lambda: interval_score([1, 2], dist, coverage=1.0)),
        (ValueError, "quantiles must lie between 0 and 1", lambda: pinball_score([1, 2], dist, quantiles=[0.1, 1.5])),
        (ValueError, "crps does not exist in row 0", lambda: crps([1], Distribution("lomax", {"scale": [1], "shape": [0.4]}))),
        (ValueError, "does not exist in row 0", lambda: dawid_sebastiani_score([1], cauchy)),
        (ValueError, "p has 2 rows, but q has 3", lambda: kl_divergence(dist, Distribution("poisson", {"mean": [1, 2, 3]}))),
        (TypeError, "takes laws of one target", lambda: crps(several.y, shares.predict_dist(several.X))),
        (TypeError, "no predictive distribution", lambda: make_dist_scorer(crps)(linear, several.X, 0)),
        (TypeError, "must be a function", lambda: make_dist_scorer("crps")),
    ]  # fmt: skip
    for kind, message, call in cases:
        with pytest.raises(kind, match=message):
            call()
    assert log_score(several.y, shares.predict_dist(several.X)) == pytest.approx(-shares.score(several.X, several.y))
