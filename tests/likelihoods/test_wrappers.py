"""Wrappers around laws: the generic checks for compositions, identities with plain laws, far tails, messages."""

from __future__ import annotations

import pickle

import mpmath as mp
import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_mle import Distribution, MLEClassifier, MLERegressor, censored
from sk_mle.datasets import make_mle_regression
from sk_mle.domains import POSITIVE, REAL
from sk_mle.exceptions import BoundaryWarning
from sk_mle.likelihoods import (
    Bernoulli,
    Beta,
    Categorical,
    Censored,
    Exponential,
    Fixed,
    Gamma,
    Hurdle,
    Laplace,
    Likelihood,
    LogitNormal,
    LogNormal,
    Mixture,
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
from sk_mle.likelihoods._fallbacks.facts import integrates, with_values
from sk_mle.likelihoods._protocol.derived import kernel
from sk_mle.likelihoods._protocol.forms import between, class_masses, cones
from sk_mle.testing import check_likelihood

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 2))


class Gumbel(Likelihood):
    """A user's law."""

    parameters = {"loc": REAL, "scale": POSITIVE}

    def __init__(self, *, loc=None, scale=None):
        self.loc, self.scale = loc, scale

    def loglik(self, y, loc, scale):
        z = (y - loc) / scale
        return -z - np.exp(-z) - np.log(scale)


COMPOSITIONS = [
    ZeroInflated(Poisson()),
    ZeroInflated(NegativeBinomial()),
    ZeroInflated(Poisson(), inflation=0.3),
    ZeroInflated(Poisson(), links={"inflation": "cloglog"}),
    ZeroInflated(Truncated(Poisson(), high=8)),
    Hurdle(Poisson()),
    Hurdle(NegativeBinomial()),
    Hurdle(Gamma()),
    ZeroOneInflated(Beta()),
    ZeroOneInflated(Beta(), one=0),
    Truncated(Normal(), low=0.5),
    Truncated(Normal(scale=1.0), low=-1, high=1),
    Truncated(Gamma(), high=3.0),
    Truncated(Poisson(), low=0),
    Truncated(Poisson(), low=1, high=6),
    Truncated(ZeroInflated(Poisson()), high=7),
    Censored(Normal()),
    Censored(Gamma()),
    Censored(Poisson()),
    Censored(ZeroInflated(Poisson())),
    Censored(Truncated(Normal(), low=0)),
    Censored(Hurdle(Gamma())),
]


@pytest.mark.parametrize("law", COMPOSITIONS, ids=repr)
def test_composition(law):
    check_likelihood(law, random_state=1)


def refit(law, y, **options):
    return MLERegressor(law, **options).fit(X, y)


def same(one, other, rtol=1e-9, only=None):
    for name in only or one.coefs_:
        np.testing.assert_allclose(one.coefs_[name], other.coefs_[name], rtol=rtol, atol=1e-8)
        np.testing.assert_allclose(one.intercepts_[name], other.intercepts_[name], rtol=rtol, atol=1e-8)
    assert one.loglikelihood_ == pytest.approx(other.loglikelihood_, rel=1e-12)


def drawn(law, seed=0):
    return make_mle_regression(law, n_samples=300, n_features=2, random_state=seed)


@pytest.mark.parametrize("law", [Normal(), Gamma(), StudentT(df=3), Poisson(), NegativeBinomial(), Beta()], ids=repr)
def test_observed_values_are_not_censored(law):
    X, y, *_ = drawn(law)
    plain = MLERegressor(law).fit(X, y)
    for target in (y, censored(y)):
        same(MLERegressor(Censored(law)).fit(X, target), plain)
    same(MLERegressor(Truncated(law)).fit(X, y), plain)
    wide = MLERegressor(Truncated(law, low=law.support.low - 1, high=1e9)).fit(X, y)
    same(wide, plain)


def test_hurdle_is_two_models():
    X, y, *_ = drawn(Hurdle(Poisson(), zero=0.4), seed=4)
    model = MLERegressor(Hurdle(Poisson()), predictors={"zero": "all"}).fit(X, y)
    zeros = LogisticRegression(C=np.inf, tol=1e-10).fit(X, y == 0)
    np.testing.assert_allclose(model.coefs_["zero"], zeros.coef_[0], rtol=1e-6)
    positive = MLERegressor(Truncated(Poisson(), low=0)).fit(X[y > 0], y[y > 0])
    np.testing.assert_allclose(model.coef_, positive.coef_, rtol=1e-7)
    classifier = MLEClassifier().fit(X, y == 0)
    assert model.loglikelihood_ == pytest.approx(positive.loglikelihood_ + classifier.loglikelihood_, rel=1e-12)


def test_zero_adjusted_gamma_is_two_models():
    X, y, *_ = drawn(Hurdle(Gamma()), seed=2)
    model = MLERegressor(Hurdle(Gamma())).fit(X, y)
    positive = MLERegressor(Gamma()).fit(X[y > 0], y[y > 0])
    np.testing.assert_allclose(model.coef_, positive.coef_, rtol=1e-7)
    assert model.predict_params(X)["zero"][0] == pytest.approx(np.mean(y == 0), rel=1e-9)


def test_inflation_that_vanishes():
    y = np.random.default_rng(1).binomial(8, 0.5, size=len(X)).astype(float)
    plain = MLERegressor(Poisson()).fit(X, y)
    with pytest.warns(BoundaryWarning, match="inflation of ZeroInflated ran to the lower edge"):
        model = MLERegressor(ZeroInflated(Poisson())).fit(X, y)
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-4)
    assert np.isfinite(model.loglikelihood_)
    same(MLERegressor(ZeroInflated(Poisson(), inflation=0)).fit(X, y), plain)


def test_zero_inflated_probabilities():
    law, mean, inflation = ZeroInflated(Poisson()), np.array([2.5]), np.array([0.3])
    k = np.arange(6.0)
    expected = 0.7 * stats.poisson(2.5).pmf(k) + 0.3 * (k == 0)
    np.testing.assert_allclose(np.exp(law.loglik(k, mean=mean, inflation=inflation)), expected, rtol=1e-13)
    np.testing.assert_allclose(law.cdf(k, mean=mean, inflation=inflation), np.cumsum(expected), rtol=1e-13)


def test_far_tails_of_censored_values():
    """log P(Y > z) of the normal law to 300 standard deviations, and intervals far out, against 400 digits."""
    mp.mp.dps = 400

    def log_normal(low, high):
        up = lambda z: mp.erfc(mp.mpf(float(z)) / mp.sqrt(2)) / 2
        return float(mp.log(up(low) - (up(high) if np.isfinite(high) else 0)))

    ends = [(10, np.inf), (38.5, np.inf), (10, 10.5), (20, 20.001), (-1e-9, 1e-9), (5, 5 + 1e-8), (-3, 4), (25.0, 40.0)]
    eta = {"loc": np.zeros(len(ends)), "scale": np.zeros(len(ends))}
    found = Censored(Normal()).evaluate(np.array(ends, float), eta, 2)
    np.testing.assert_allclose(found.loglik, [log_normal(*pair) for pair in ends], rtol=1e-12)
    mirrored = Censored(Normal()).evaluate(-np.array(ends, float)[:, ::-1], eta, 2)
    np.testing.assert_allclose(mirrored.loglik, found.loglik, rtol=1e-13)
    np.testing.assert_allclose(mirrored.gradient["loc"], -found.gradient["loc"], rtol=1e-11, atol=1e-12)
    step = mp.mpf("1e-60")
    for i, (low, high) in enumerate(ends):
        up = lambda z: mp.erfc(z / mp.sqrt(2)) / 2

        def shifted(loc, low=low, high=high, up=up):
            return mp.log(up(mp.mpf(float(low)) - loc) - (up(mp.mpf(float(high)) - loc) if np.isfinite(high) else 0))

        slope = (shifted(step) - shifted(-step)) / (2 * step)
        bend = (shifted(step) - 2 * shifted(0) + shifted(-step)) / step**2
        assert found.gradient["loc"][i] == pytest.approx(float(slope), rel=1e-9, abs=1e-9)
        assert found.information["loc", "loc"][i] == pytest.approx(-float(bend), rel=1e-8)


def test_truncated_far_from_the_mass():
    """A normal law truncated where it has next to nothing is nearly exponential, and stays exact."""
    law, params = Truncated(Normal(), low=30.0), {"loc": 0.0, "scale": 1.0, "low": 30.0, "high": np.inf}
    mp.mp.dps = 500
    mass = mp.erfc(30 / mp.sqrt(2)) / 2
    for y in (30.001, 30.05, 30.3):
        density = mp.exp(-(mp.mpf(y) ** 2) / 2) / mp.sqrt(2 * mp.pi) / mass
        assert float(law.loglik(np.float64(y), **params)) == pytest.approx(float(mp.log(density)), abs=1e-11)
    q = np.array([0.01, 0.5, 0.99])
    y = law.ppf(q, **params)
    expected = [1 - float(mp.erfc(mp.mpf(v) / mp.sqrt(2)) / 2 / mass) for v in y]
    np.testing.assert_allclose(expected, q, rtol=1e-9)


def _share(z, distance, width):
    """P(Z <= z + distance) of a normal Z given that z < Z <= z + width, by mpmath."""
    tail = [mp.erfc((mp.mpf(z) + mp.mpf(float(d))) / mp.sqrt(2)) if d < np.inf else mp.mpf(0) for d in (0, distance, width)]
    return (tail[0] - tail[1]) / (tail[0] - tail[2])


@pytest.mark.parametrize("z", [1.0, 25.0, 40.0, 1e3, 1e5, 1e6, 1e9])
@pytest.mark.parametrize("units_of_width", [np.inf, 3.0, 1e-3])
@pytest.mark.parametrize("sign", [1, -1])
def test_distribution_functions_given_a_bound_that_lies_far_out(z, units_of_width, sign):
    """Whatever the distance z of the bound, no digits are lost: of cdf, sf, their logs and quantiles, in both tails."""
    width, scale = units_of_width / z, 2.0
    low, high = sorted((0.0, sign * scale * width))
    law = Truncated(Normal(), low=low, high=high)
    params = {"loc": -sign * scale * z, "scale": scale, "low": low, "high": high}
    params = {name: np.array([value]) for name, value in params.items()}
    q, y = np.array([1e-9, 0.2, 0.5, 0.9]), scale * np.array([1e-6, 0.1, 0.4, 0.8]) * min(width, 2 / z)
    with mp.workdps(80):
        near = [_share(z, v / scale, width) for v in y]
        beyond = [1 - v for v in near]
        below, above = (near, beyond) if sign == 1 else (beyond, near)
        for found, expected in ((law.cdf, below), (law.sf, above)):
            np.testing.assert_allclose(found(sign * y, **params), np.array(expected, float), rtol=4e-13)
        for found, expected in ((law.logcdf, below), (law.logsf, above)):
            logs = np.array([mp.log(v) for v in expected], float)
            np.testing.assert_allclose(found(sign * y, **params), logs, rtol=1e-12, atol=1e-12 * (z < 31))
        quantiles = sign * law.ppf(q, **params) / scale
        shares = [_share(z, v, width) for v in quantiles]
        levels = [v if sign == 1 else 1 - v for v in shares]
        np.testing.assert_allclose(np.array(levels, float), q, rtol=1e-12, atol=0 if sign == 1 else 1e-15)  # y itself rounds
    np.testing.assert_array_equal(law.cdf(np.array([low - 1, low]), **params), 0.0)
    np.testing.assert_array_equal(law.sf(np.array([low - 1, low]), **params), 1.0)
    assert np.isnan(law.cdf(np.array([np.nan]), **params)).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_interval_between_bounds_that_lie_far_out(sign):
    """Of a value censored within a truncated law."""
    law, y = Truncated(Normal(), low="a", high="b"), np.array([1e-6, 3e-6])
    start, end = (y, 2 * y) if sign == 1 else (-2 * y, -y)
    bounds = dict(zip(("low", "high"), np.sort([[0.0, 0.0], [sign * np.inf] * 2], axis=0), strict=True))
    eta = {"loc": np.full(2, -sign * 1e6), "scale": np.zeros(2), **bounds}
    with mp.workdps(80):
        expected = np.array([mp.log(_share(1e6, 2 * v, np.inf) - _share(1e6, v, np.inf)) for v in y], float)
    np.testing.assert_allclose(law.evaluate_interval(start, end, eta).loglik, expected, rtol=1e-12)
    np.testing.assert_allclose(law.log_interval(start, end, **law.layout.theta(eta)), expected, rtol=1e-12)


@pytest.mark.parametrize("bound", [9e5, 1e7, 1e9])
@pytest.mark.parametrize("sign", [1, -1])
def test_moments_given_a_bound_that_lies_far_out(bound, sign):
    """Nearly those of an exponential law of mean 1 / bound, even where y - bound has no digits."""
    low, high = sorted((sign * bound, sign * (bound + 1)))
    fixed, varying = Truncated(Normal(), low=low, high=high), Truncated(Normal(), low="a", high="b")
    for law in (fixed, varying):
        dist = Distribution(law, {"loc": np.zeros(2), "scale": np.ones(2), "low": np.full(2, low), "high": np.full(2, high)})
        np.testing.assert_array_equal(dist.mean(), sign * (bound + 1 / bound))
        np.testing.assert_allclose(dist.std(), 1 / bound, rtol=1e-9)
        np.testing.assert_allclose(dist.entropy(), 1 - np.log(bound), rtol=1e-9)


def test_a_law_with_another_density_has_no_functions_between_bounds():
    class Written(Normal):
        def loglik(self, y, loc, scale):
            return Normal().loglik(y, loc, scale)

    class Wider(Written):
        def loglik(self, y, loc, scale):
            return Normal().loglik(y, loc, 2 * scale)

    for kind in (Written, Wider):
        assert between.of(kind()) is None
        for name in ("crps", "divergence"):
            assert getattr(kind(), name) is None


class SomeMislabelled(Bernoulli):
    """One label in ten is the other."""

    def loglik(self, y, prob):
        seen = 0.1 + 0.8 * prob
        return np.where(y > 0, np.log(seen), np.log1p(-seen))


def test_a_law_of_classes_with_another_density_has_its_own_masses_and_cones():
    law, eta = SomeMislabelled(), {"prob": np.array([-30.0, 0.0, 1.0])}
    right = np.exp([law.loglik(np.array([0.0, 1.0]), prob) for prob in law.layout.theta(eta)["prob"]])
    np.testing.assert_allclose(class_masses(law, eta, 2, "probability"), right, rtol=1e-14)
    assert between.of(Normal()) is not None
    assert cones.of(Categorical()) is not cones.default
    assert cones.of(type("Other", (Categorical,), {"loglik": lambda self, y, logits: 0.0})()) is cones.default


def test_a_law_of_transformed_values_given_bounds_far_out():
    """Those of the normal law hold for log odds."""
    bounds = {"low": 0.999, "high": 0.9999}
    law, at = Truncated(LogitNormal(), **bounds), {"loc": np.array([-30.0]), "scale": np.ones(1), **bounds}
    with mp.workdps(40):
        y, low, high = (mp.mpf(value) for value in ("0.9995", "0.999", "0.9999"))
        tail = lambda value: mp.erfc((mp.log(value / (1 - value)) + 30) / mp.sqrt(2)) / 2
        right = mp.log(mp.npdf(mp.log(y / (1 - y)) + 30) / (y * (1 - y)) / (tail(low) - tail(high)))
    np.testing.assert_allclose(law.loglik(np.array([0.9995]), **at), float(right), rtol=1e-12)
    assert LogitNormal().divergence is not None  # which a transformation does not change


def test_the_logarithm_of_a_probability_close_to_one():
    """It has the digits of the complement."""
    law, y = Truncated(Normal(), low=0.0), np.array([0.1, 3.0, 8.0])
    below = law.logcdf(y, loc=-1.0, scale=1.0, low=0.0, high=np.inf)
    np.testing.assert_allclose(below, np.log1p(-stats.norm.sf(y + 1) / stats.norm.sf(1)), rtol=1e-12)
    inflated = ZeroInflated(Poisson()).logcdf(np.array([30.0]), mean=1.0, inflation=0.3)
    np.testing.assert_allclose(inflated, -0.7 * stats.poisson(1).sf(30), rtol=1e-10)


@pytest.mark.parametrize(("low", "high"), [(-0.5, 1.0), (0.3, np.inf), (-np.inf, 0.2)])
def test_truncnorm_of_scipy(low, high):
    law, params = Truncated(Normal(), low=low, high=high), {"loc": 0.2, "scale": 1.3, "low": low, "high": high}
    theirs = stats.truncnorm((low - 0.2) / 1.3, (high - 0.2) / 1.3, loc=0.2, scale=1.3)
    y = theirs.ppf([0.1, 0.4, 0.8])
    np.testing.assert_allclose(law.loglik(y, **params), theirs.logpdf(y), rtol=1e-11)
    np.testing.assert_allclose(law.cdf(y, **params), [0.1, 0.4, 0.8], rtol=1e-11)
    np.testing.assert_allclose(law.ppf([0.1, 0.4, 0.8], **params), y, rtol=1e-11)
    np.testing.assert_allclose([law.expectation(**params), law.variance(**params)], theirs.stats("mv"), rtol=1e-8)


def test_moments_between_bounds_that_vary():
    low, n = np.array([-3.0, -1, 0, 1, 3, 6]), 6
    dist = Distribution(
        Truncated(Normal(), low="entry"), {"loc": 0 * low, "scale": 0 * low + 1, "low": low, "high": low + np.inf}
    )
    theirs = stats.truncnorm(low, np.inf)
    np.testing.assert_allclose(dist.mean(), theirs.mean(), rtol=1e-11)
    np.testing.assert_allclose(dist.var(), theirs.var(), rtol=1e-9)
    assert np.isfinite(dist.entropy()).all()
    params = {"mean": np.full(n, 2.5), "low": np.arange(-1.0, n - 1), "high": np.full(n, 8.0)}
    k = np.arange(9.0)
    mass = np.where(k > params["low"][:, None], stats.poisson(2.5).pmf(k), 0.0)
    expected = (mass * k).sum(axis=1) / mass.sum(axis=1)
    np.testing.assert_allclose(Distribution(Truncated(Poisson(), low="a", high="b"), params).mean(), expected, rtol=1e-9)
    heavy = {"loc": np.zeros(2), "scale": np.ones(2), "df": np.ones(2), "low": np.zeros(2), "high": np.array([np.inf, 5.0])}
    found = Distribution(Truncated(StudentT(), low="a", high="b"), heavy).mean()
    assert np.isnan(found[0])  # as the Cauchy law's own
    assert found[1] == pytest.approx(np.log(26) / (2 * np.arctan(5)), rel=1e-9)


def test_censored_targets_of_other_packages():
    time, event = np.array([3.0, 5.0, 2.0, 8.0, 1.0, 4.0]), np.array([True, False, True, True, False, True])
    plain = censored(time, event=event)
    structured = np.array(list(zip(event, time, strict=True)), dtype=[("event", bool), ("time", float)])
    law = Censored(Gamma())
    np.testing.assert_array_equal(law.read(structured), plain)
    order = np.r_[np.flatnonzero(event), np.flatnonzero(~event)]
    theirs = stats.CensoredData.right_censored(time, ~event)
    np.testing.assert_array_equal(law.read(theirs), plain[order])
    both = stats.CensoredData(uncensored=[1.0], left=[2.0], right=[3.0], interval=[[4.0, 5.0]])
    np.testing.assert_array_equal(law.read(both), [[1, 1], [-np.inf, 2], [3, np.inf], [4, 5]])
    kinds = censored([1, 2, 3, 4.0], event=[1, 0, 0, 0], kind=["right", "left", "interval", "right"], upper=[9, 9, 9, 9])
    np.testing.assert_array_equal(kinds, [[1, 1], [-np.inf, 2], [3, 9], [4, np.inf]])


def test_exponential_durations_are_events_over_exposure():
    """The closed form: events / total time, whatever was censored."""
    time, event = RNG.exponential(2.0, 300), RNG.uniform(size=300) < 0.6
    model = MLERegressor(Censored(Gamma(shape=1.0)), predictors={"mean": "intercept"}).fit(X, censored(time, event=event))
    assert model.predict(X)[0] == pytest.approx(time.sum() / event.sum(), rel=1e-9)


def test_cross_validation_and_pipelines_of_censored_durations():
    X, y, *_ = drawn(Censored(Gamma()), seed=3)
    pipe = make_pipeline(StandardScaler(), MLERegressor(Censored(Gamma())))
    assert np.isfinite(cross_val_score(pipe, X, y)).all()
    assert cross_val_predict(pipe, X, y).shape == (300,)
    search = GridSearchCV(MLERegressor(Censored(Gamma())), {"likelihood__law__shape": [None, 1.0]}).fit(X, y)
    assert np.isfinite(search.best_score_)


@pytest.mark.parametrize("law", COMPOSITIONS, ids=repr)
def test_wrappers_are_parameters(law):
    other = pickle.loads(pickle.dumps(clone(law)))
    assert repr(other) == repr(law)
    if "law__mean" in law.get_params():
        assert clone(law).set_params(law__mean=2.0).layout.fixed["mean"] == 2.0


@pytest.mark.parametrize(
    ("law", "y", "error", "message"),
    [
        (Censored(Normal), 1.0, TypeError, r"Censored wraps a Likelihood instance.*add parentheses"),
        (ZeroInflated(Gamma()), 1.0, ValueError, "Gamma gives no probability to zero.*use Hurdle"),
        (ZeroInflated(Normal()), 1.0, ValueError, "Normal gives no probability to zero"),
        (Hurdle(Normal()), 1.0, ValueError, "Hurdle takes a law of counts or of positive values"),
        (ZeroOneInflated(Gamma()), 1.0, ValueError, r"ZeroOneInflated takes a law on \(0, 1\)"),
        (Truncated(Normal(), low=2.0, high=1.0), 1.5, ValueError, "low must lie below high"),
        (Truncated(Normal(), low=None), 1.5, ValueError, "Truncated needs its bounds"),
        (
            Truncated(Normal(), low=2.0),
            1.5,
            ValueError,
            r"y must lie in \(2, inf\), the support of Truncated, but",
        ),
        (
            Truncated(Censored(Normal()), low=2.0),
            1.5,
            ValueError,
            r"Censored says how values are observed.*Censored\(Truncated",
        ),
        (ZeroInflated(ZeroInflated(Poisson())), 1.0, ValueError, "which ZeroInflated has already"),
        (Censored(Gamma()), [[-1.0, np.inf]], ValueError, r"y must lie in \(0, inf\).*300 rows.*first value is \[-1. inf\]"),
        (Censored(Gamma()), [[2.0, 1.0]], ValueError, "the lower end must not exceed the upper one, but does in 300 rows"),
        (Censored(Gamma()), [[-2.0, -1.0]], ValueError, r"y must lie in \(0, inf\), the support of Censored"),
        (Censored(Gamma()), [[np.nan, 1.0]], ValueError, "y contains NaN"),
        (Censored(Gamma()), [[1.0, 1.0, 2.0]], ValueError, "two columns, the ends of an interval"),
        (Censored(Gamma()), [[-np.inf, np.inf]], ValueError, "without a finite end"),
        (ZeroInflated(Poisson(), inflation=2), 1.0, ValueError, r"ZeroInflated\(inflation=2\): inflation must lie in \[0, 1\)"),
    ],
    ids=str,
)
def test_messages(law, y, error, message):
    y = np.tile(np.asarray(y, float), (300,) + (1,) * (np.ndim(y) - 1)) if np.ndim(y) else np.full(300, y)
    with pytest.raises(error, match=message):
        MLERegressor(law).fit(X, y)


def test_messages_of_censored():
    with pytest.raises(ValueError, match="kind must be 'right', 'left' or 'interval', got 'both'"):
        censored([1.0], event=[0], kind="both")
    with pytest.raises(ValueError, match="event must be true"):
        censored([1.0], event=[2])
    with pytest.raises(ValueError, match="needs upper, the other end, in row 1"):
        censored([1.0, 2.0], event=[1, 0], kind="interval")


def test_moments_where_the_density_has_kinks_or_gaps():
    """Against the exact values: truncated Laplace by parts, exp of a Laplace, a zero-truncated negative binomial."""
    cases = [
        (Truncated(Laplace(), low=-1.0), {"loc": 0.0, "scale": 1.0}, np.exp(-1) / (1 - np.exp(-1) / 2)),
        (Transformed(Laplace(), "log"), {"loc": 0.5, "scale": 0.5}, np.exp(0.5) / 0.75),
        (Truncated(NegativeBinomial(), low=0), {"mean": 1e4, "dispersion": 1.0}, 1e4 / (1 - 1 / (1 + 1e4))),
    ]
    for law, params, mean in cases:
        found = Distribution(law, {name: np.array([value]) for name, value in params.items()}).mean()
        np.testing.assert_allclose(found, mean, rtol=1e-6)
    entry = Truncated(Weibull(), low="entry")
    dist = Distribution(
        entry, {"scale": np.ones(1), "shape": np.full(1, 1.5), "low": np.full(1, 0.5), "high": np.full(1, np.inf)}
    )
    plain = Distribution(Truncated(Weibull(), low=0.5), {"scale": np.ones(1), "shape": np.full(1, 1.5)})
    np.testing.assert_allclose(dist.entropy(), plain.entropy(), rtol=1e-6)


def test_mean_that_is_not_found_warns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 1))
    law = Transformed(Normal(scale=30.0), "log")  # a mean of e^450 with quantiles that overflow
    model = MLERegressor(law).fit(X, np.exp(X[:, 0] + 30 * rng.normal(size=100)))
    assert np.isnan(model.predict_dist(X).mean()).any()
    with pytest.warns(RuntimeWarning, match=r"mean of Transformed does not exist in .* of X, or could not be integrated"):
        model.predict(X)
    heavy = MLERegressor("cauchy").fit(X, X[:, 0] + rng.standard_cauchy(100))
    np.testing.assert_array_equal(heavy.predict(X), heavy.predict_dist(X).median())  # known, so not told


def test_integrates_is_true_for_numerical_means():
    assert not any(integrates(law) for law in (Normal(), Censored(Gamma()).predictive, ZeroInflated(Poisson())))
    assert all(integrates(law) for law in (Truncated(Normal(), low=0), Hurdle(Truncated(Gamma(), high=9)), Gumbel()))


def test_fixed_law_accepts_further_values():
    law = with_values(kernel(Fixed(Gamma(), {"shape": 2.0})), {"mean": 3.0})
    assert law.layout.fixed == {"mean": 3.0, "shape": 2.0}
    assert law.layout.free == []


PAIR = Mixture([("a", Normal()), ("b", Normal())])
WRONGLY_FIXED = {
    "vector": (Fixed(PAIR, {"logits": 0.0}), r"cannot fix logits of Mixture, which is a vector.*weights=\[0.3, 0.7\]"),
    "list": (Fixed(PAIR, {"logits": [0.0, 0.0]}), "cannot fix logits of Mixture, which is a vector"),
    "vector inside": (Mixture([("c", Fixed(PAIR, {"logits": 0.0})), ("d", Normal())]), "cannot fix logits of Mixture"),
    "nan": (Fixed(Normal(), {"scale": np.nan}), r"Normal\(scale=nan\): scale must lie in \(0, inf\)"),
    "array": (Fixed(Normal(), {"scale": np.array([1.0, 2.0])}), r"Normal\(scale=...\): give a number to fix scale"),
    "twice": (Fixed(Fixed(Normal(), {"scale": 1.0}), {"scale": 2.0}), "gives scale=2.0, but the law inside fixes it at 1.0"),
    "by the law": (Fixed(Fixed(Normal(scale=1.0), {"scale": 2.0}), {"loc": 0.0}), "the law inside fixes it at 1.0"),
}


@pytest.mark.parametrize("case", WRONGLY_FIXED)
def test_what_cannot_be_fixed_is_told(case):
    law, message = WRONGLY_FIXED[case]
    with pytest.raises((ValueError, TypeError), match=message):
        law.check()
    Fixed(Fixed(Normal(), {"scale": 1.0}), {"scale": 1.0, "loc": 0.0}).check()


@pytest.mark.parametrize("order", [0, 1, 2])
def test_intervals_of_a_transformed_law_are_those_of_the_law_inside(order):
    """Censored log-normal durations in both spellings; and with a power that is estimated, against differences."""
    eta = {"loc": 0.3 * RNG.normal(size=4), "scale": 0.2 * RNG.normal(size=4)}
    y = np.array([[0.5, 2.0], [1.0, np.inf], [0.0, 1.5], [1.2, 1.2]])
    found, expected = (Censored(law).evaluate(y, eta, order) for law in (Transformed(Normal(), "log"), LogNormal()))
    np.testing.assert_allclose(found.loglik, expected.loglik, rtol=1e-12)
    for part in ("gradient", "information"):
        for key, value in getattr(expected, part).items():
            np.testing.assert_allclose(getattr(found, part)[key], value, rtol=1e-9, atol=1e-12)


def test_intervals_of_a_law_with_a_free_transformation():
    law = Censored(Transformed(Normal(), "yeo-johnson"))
    power = next(name for name in law.layout.free if name not in ("loc", "scale"))
    eta = {"loc": np.full(2, 0.5), "scale": np.full(2, 0.1), power: np.full(2, 0.4)}
    y = np.array([[0.5, 2.0], [1.5, np.inf]])
    up, down = (law.evaluate(y, {**eta, power: eta[power] + step}, 0).loglik for step in (1e-5, -1e-5))
    np.testing.assert_allclose(law.evaluate(y, eta, 1).gradient[power], (up - down) / 2e-5, rtol=1e-6)


def test_rounded_values_reach_half_a_width_beyond_the_support():
    law = Rounded(Exponential(), width=2.0)
    assert (law.support.low, law.support.high) == (-1.0, np.inf)
    np.testing.assert_array_equal(law.inside(np.array([-1.1, -1.0, 0.0])), [False, True, True])
    np.testing.assert_allclose(
        law.loglik(np.array([0.0, 2.0]), width=2.0, mean=1.0), np.log([1 - np.exp(-1), np.exp(-1) - np.exp(-3)])
    )
