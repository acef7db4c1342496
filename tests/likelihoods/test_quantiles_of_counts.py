"""Quantiles of counts are the smallest whole numbers whose probability reaches q, in both tails and at large counts."""

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sk_mle import Distribution
from sk_mle.domains import COUNT, POSITIVE
from sk_mle.likelihoods import (
    Binomial,
    ConwayMaxwellPoisson,
    Exponential,
    Gamma,
    GeneralizedPoisson,
    Geometric,
    Hurdle,
    Likelihood,
    Mixture,
    NegativeBinomial,
    Poisson,
    PoissonInverseGaussian,
    Truncated,
    ZeroInflated,
)

LEVELS = np.array([1e-12, 1e-3, 0.2, 0.5, 0.9, 0.999999, 1 - 1e-9, 1 - 1e-12, 1 - 1e-15])


def outward(first, step, log_ratio, log_mass):
    """The sum of masses from a whole number on, away from the bulk, in blocks of numbers, whose masses fall."""
    total, top, k = mp.mpf(0), mp.e ** log_mass(mp.mpf(first)), first
    while True:
        at = k + step * np.arange(20000.0)
        parts = np.concatenate([[0.0], np.cumsum(log_ratio(at))])
        share = mp.mpf(float(np.exp(parts[:-1])[at >= 0].sum()))
        total += top * share
        if parts[-1] < -40 or k < 0:
            return total
        top *= mp.mpf(float(np.exp(parts[-1])))
        k += step * 20000


def is_poisson_quantile(k, mean, q):
    """Whether P(Y <= k - 1) < q <= P(Y <= k), by sums of masses of the smaller tail."""
    mass = lambda j: j * mp.log(mean) - mean - mp.loggamma(j + 1)
    above = lambda j: outward(j + 1, 1, lambda at: np.log(mean / (at + 1)), mass)
    below = lambda j: outward(j, -1, lambda at: np.log(np.maximum(at, 1e-300) / mean), mass) if j >= 0 else mp.mpf(0)
    with mp.workdps(40):
        if q > 0.5:
            return above(k) <= 1 - mp.mpf(q) and (k == 0 or above(k - 1) > 1 - mp.mpf(q))
        return below(k) >= mp.mpf(q) > below(k - 1)


SAME_LAW = [
    (Poisson(), {}),
    (NegativeBinomial(), {"dispersion": 1e-25}),
    (GeneralizedPoisson(), {"dispersion": 1e-25}),
    (PoissonInverseGaussian(), {"dispersion": 1e-30}),
    (ConwayMaxwellPoisson(), {"dispersion": 1.0}),
]


@pytest.mark.parametrize("mean", [0.3, 40.0, 1e4, 1e7, 1e12])
@pytest.mark.parametrize(("law", "others"), SAME_LAW, ids=lambda value: type(value).__name__)
def test_laws_that_are_a_poisson_law_have_its_quantiles(law, others, mean):
    found = law.ppf(LEVELS, mean=np.full(len(LEVELS), mean), **{name: np.full(len(LEVELS), v) for name, v in others.items()})
    assert_array_equal(found, Poisson().ppf(LEVELS, mean=mean))
    if mean <= 1e7 and not others:
        assert all(is_poisson_quantile(k, mean, q) for k, q in zip(found, LEVELS, strict=True))


@pytest.mark.parametrize("mean", [1e9, 1e12, 1e15])
def test_quantiles_of_large_counts_are_normal_ones(mean):
    """By Cornish and Fisher's expansion, whose next term is below 1 / (72 sd)."""
    z = np.where(LEVELS > 0.5, stats.norm.isf(1 - LEVELS), stats.norm.ppf(LEVELS))
    for law, params, skew in (
        (Poisson(), {"mean": mean}, 1.0),
        (Binomial(trials="n"), {"prob": 0.3, "trials": mean}, 0.4),
        (NegativeBinomial(), {"mean": mean, "dispersion": 3 / mean}, 7.0),
    ):
        sd = np.sqrt(law.variance(**params))
        expected = law.expectation(**params) + sd * z + skew * (z**2 - 1) / 6
        found = law.ppf(LEVELS, **{name: np.full(len(LEVELS), value) for name, value in params.items()})
        room = 1.5 + 5e-9 * sd  # the whole number above, and the rounding of the parameters
        assert (np.abs(found - 0.5 - expected) < room + np.abs(z) ** 3 / sd * 5).all()


@pytest.mark.parametrize("prob", [0.3, 1e-6, 1e-12])
def test_geometric_quantiles_in_closed_form(prob):
    with mp.workdps(60):
        exact = [mp.log(1 - mp.mpf(q)) / mp.log(1 - mp.mpf(prob)) - 1 for q in LEVELS]
        expected = [max(float(mp.ceil(k)), 0.0) for k in exact]
    step = prob < 1e-9  # neighbours have the same cdf to rounding, and either is right
    assert_allclose(Geometric().ppf(LEVELS, prob=prob), expected, rtol=0, atol=step)


def test_a_rounded_probability_leads_back_to_its_count():
    k = np.arange(40.0)
    for law, params in ((Poisson(), {"mean": 9.0}), (NegativeBinomial(), {"mean": 9.0, "dispersion": 0.7})):
        assert_array_equal(law.ppf(law.cdf(k, **params), **params)[:25], k[:25])


def smallest(tail, q):
    """The smallest whole number whose upper tail is not above 1 - q."""
    return float(np.argmax(tail(np.arange(5000)) <= 1 - q))


@pytest.mark.parametrize("q", [0.99, 1 - 1e-9, 1 - 1e-12, 1 - 1e-15])
def test_wrappers_invert_their_upper_tail(q):
    poisson, cut = stats.poisson(3.0).sf, stats.poisson(3.0).sf(0)
    assert Hurdle(Poisson()).ppf(q, mean=3.0, zero=0.6) == smallest(lambda k: 0.4 * poisson(k) / cut, q)
    assert ZeroInflated(Poisson()).ppf(q, mean=3.0, inflation=0.6) == smallest(lambda k: 0.4 * poisson(k), q)
    assert Truncated(Poisson(), low=0).ppf(q, mean=3.0, low=0.0, high=np.inf) == smallest(lambda k: poisson(k) / cut, q)
    mixed = Mixture([("a", Poisson(mean=3.0)), ("b", Poisson(mean=9.0))])
    dist = Distribution(mixed, {"logits": np.zeros((1, 2))})
    assert dist.ppf(q)[0] == smallest(lambda k: 0.5 * poisson(k) + 0.5 * stats.poisson(9.0).sf(k), q)
    scale = 2 / 1.5
    near = stats.gamma.isf((1 - q) / 0.5, 1.5, scale=scale)
    assert_allclose(Hurdle(Gamma()).ppf(q, mean=2.0, shape=1.5, zero=0.5), near, rtol=1e-12)
    found = Truncated(Exponential(), low=2.0).ppf(q, mean=1.0, low=2.0, high=np.inf)
    assert_allclose(found, 2 - np.log(1 - q), rtol=1e-12)


class Counts(Likelihood):
    """A user's law of which only the mass is known."""

    parameters = {"mean": POSITIVE}
    support = COUNT

    def loglik(self, y, mean):
        return stats.poisson.logpmf(y, mean)


@pytest.mark.parametrize("q", [1e-12, 0.3, 0.5, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12, 1 - 1e-15])
def test_laws_that_know_their_mass_only(q):
    exact = Poisson().ppf(q, mean=3.0)
    assert Counts().ppf(q, mean=3.0) == exact
    assert_array_equal(Counts().ppf(np.full(2, q), mean=np.array([3.0, 3.0 + 1e-9])), exact)


@pytest.mark.parametrize("law", [ConwayMaxwellPoisson(), PoissonInverseGaussian(), GeneralizedPoisson()], ids=repr)
def test_far_quantiles_need_few_tails(law, monkeypatch):
    calls: list = []
    tail = type(law).tail_probability
    monkeypatch.setattr(type(law), "tail_probability", lambda self, *at, **params: calls.append(1) or tail(self, *at, **params))
    params = {"mean": np.geomspace(0.3, 60, 40), "dispersion": np.tile([0.3, 1.5], 20)}
    params |= {name: value for name, value in law.layout.fixed.items() if name not in params}
    k = law.ppf(np.full(40, 1 - 1e-12), **params)
    assert len(calls) <= 9
    assert (law.sf(k, **params) <= 1e-12 * (1 + 1e-3)).all()
    assert (law.sf(k - 1, **params) > 1e-12 * (1 - 1e-3)).all()
