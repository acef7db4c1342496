"""The CRPS of laws of counts whose probability reaches over too many whole numbers to be added up one by one."""

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from sk_mle import Distribution
from sk_mle.domains import COUNT, UNIT
from sk_mle.likelihoods import Gamma, Geometric, Hurdle, Likelihood, NegativeBinomial, Poisson
from sk_mle.metrics import crps
from sk_mle.metrics._lattice import masses


def of(law, y, **params):
    return crps([y], Distribution(law, {name: np.array([value]) for name, value in params.items()}))


def summed(cdf, sf, y, terms):
    k = np.arange(float(terms))
    return (np.where(k < y, cdf(k), sf(k)) ** 2).sum()


@pytest.mark.parametrize(("prob", "y"), [(1e-6, 1e6), (1e-6, 0.0), (1e-12, 3e11)])
def test_geometric_laws_in_closed_form(prob, y):
    with mp.workdps(60):
        s, y_ = 1 - mp.mpf(prob), mp.mpf(y)
        below = y_ - 2 * s * (1 - s**y_) / (1 - s) + s**2 * (1 - s ** (2 * y_)) / (1 - s**2)
        exact = float(below + s ** (2 * y_ + 2) / (1 - s**2))
    assert_allclose(of(Geometric(), y, prob=prob), exact, rtol=1e-8)


@pytest.mark.parametrize(("mean", "dispersion", "y"), [(2e4, 3.0, 1e3), (5.0, 2000.0, 0.0), (5.0, 2000.0, 40.0)])
def test_negative_binomial_laws_of_long_tails_are_sums(mean, dispersion, y):
    law = stats.nbinom(1 / dispersion, 1 / (1 + dispersion * mean))
    exact = summed(law.cdf, law.sf, y, 1_500_000)
    assert_allclose(of(NegativeBinomial(), y, mean=mean, dispersion=dispersion), exact, rtol=1e-7)


@pytest.mark.parametrize(("mean", "dispersion", "y"), [(1e9, 0.5, 2e9), (1e6, 1e6, 5.0), (1e12, 1e-3, 1e12)])
def test_large_counts_have_the_score_of_the_continuous_law(mean, dispersion, y):
    variance = mean + dispersion * mean**2
    limit = of(Gamma(), y, mean=mean, shape=mean**2 / variance)
    assert_allclose(of(NegativeBinomial(), y, mean=mean, dispersion=dispersion), limit, rtol=1e-6)


def test_a_poisson_law_of_a_mean_of_1e12_is_normal():
    expected = 1e6 * (2 * stats.norm.pdf(0) - 1 / np.sqrt(np.pi))
    assert_allclose(of(Poisson(), 1e12, mean=1e12), expected, rtol=1e-5)


def test_a_hurdle_whose_counts_are_nearly_all_zero():
    counts = stats.logser(0.66 / 1.66)
    exact = summed(lambda k: 0.9 + 0.1 * counts.cdf(k), lambda k: 0.1 * counts.sf(k), 3.0, 200)
    assert_allclose(of(Hurdle(NegativeBinomial()), 3.0, mean=0.66 / 7e9, dispersion=7e9, zero=0.9), exact, rtol=1e-8)


class Spiked(Likelihood):
    """Geometric counts, of which a share lies at one number."""

    parameters = {"share": UNIT}
    support = COUNT
    n_evaluated = 0

    def __init__(self, *, share=None, links=None):
        self.share, self.links = share, links

    def loglik(self, y, share):
        type(self).n_evaluated += np.size(y)
        return np.log((1 - share) * 0.02 * 0.98**y + share * (y == 301))


@pytest.mark.parametrize(("share", "most_evaluated"), [(1e-20, 0.5), (1e-3, 2.0)])
def test_long_ranges_are_evaluated_in_part_where_masses_are_smooth(share, most_evaluated):
    n, k = 40, np.arange(4000.0)
    dist = Distribution(Spiked(), {"share": np.full(n, share)})
    first, Spiked.n_evaluated = np.zeros(n), 0
    found = masses(dist, first, 2000, first)
    assert Spiked.n_evaluated < most_evaluated * found.size
    mass = (1 - share) * 0.02 * 0.98**k + share * (k == 301)
    assert_allclose(found, np.tile(mass[:2000, None], n), rtol=1e-11, atol=1e-40)
    tail = 1 - np.cumsum(mass)
    assert_allclose(crps([0.0], dist[:1]), (tail**2).sum(), rtol=1e-11)
