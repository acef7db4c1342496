"""The CRPS of laws of counts whose probability reaches over too many whole numbers to be added up one by one."""

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from sk_mle import Distribution
from sk_mle.domains import COUNT, UNIT
from sk_mle.likelihoods import (
    ConwayMaxwellPoisson,
    Gamma,
    GeneralizedPoisson,
    Geometric,
    Hurdle,
    Likelihood,
    NegativeBinomial,
    Poisson,
    PoissonInverseGaussian,
)
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
    k = np.arange(1.0, 1_500_000)
    odds = dispersion * mean
    ratios = (k - 1 + 1 / dispersion) / k * (odds / (1 + odds))  # of neighbouring masses
    cdf = np.cumsum(np.exp(np.cumsum(np.log([(1 + odds) ** (-1 / dispersion), *ratios]))))
    exact = (np.where(np.arange(len(cdf)) < y, cdf, 1 - cdf) ** 2).sum()
    assert_allclose(of(NegativeBinomial(), y, mean=mean, dispersion=dispersion), exact, rtol=1e-7)


@pytest.mark.parametrize(("mean", "dispersion", "y"), [(1e9, 0.5, 2e9), (1e6, 1e6, 5.0), (1e12, 1e-3, 1e12)])
def test_large_counts_have_the_score_of_the_continuous_law(mean, dispersion, y):
    variance = mean + dispersion * mean**2
    limit = of(Gamma(), y, mean=mean, shape=mean**2 / variance)
    assert_allclose(of(NegativeBinomial(), y, mean=mean, dispersion=dispersion), limit, rtol=1e-6)


def test_a_poisson_law_of_a_mean_of_1e12_is_normal():
    expected = 1e6 * (2 * stats.norm.pdf(0) - 1 / np.sqrt(np.pi))
    assert_allclose(of(Poisson(), 1e12, mean=1e12), expected, rtol=1e-5)


# Sums in mpmath at 30 digits until less than 1e-16 lies beyond, of masses by their recurrences: of the negative binomial law
# p(k + 1) / p(k) = q (k + r) / (k + 1); of the Poisson-inverse Gaussian law Willmot's in two terms (Dean, Lawless, Willmot,
# 1989); of the Conway-Maxwell-Poisson law lambda / (k + 1)^nu, lambda from the mean by false position; of the generalized
# Poisson law each mass as it is written.
BY_MPMATH = [
    (NegativeBinomial, 20.0, 50.0, 300.0, 279.6233841626285),
    (NegativeBinomial, 5.0, 400.0, 0.0, 0.017199366432354823),
    (NegativeBinomial, 0.01, 1e4, 0.0, 1.3368708667162952e-06),
    (NegativeBinomial, 3000.0, 1e-3, 3100.0, 60.24640020826706),
    (NegativeBinomial, 300.0, 1e-8, 310.0, 6.352451664466513),
    (PoissonInverseGaussian, 20.0, 50.0, 3.0, 1.798645912503059),
    (PoissonInverseGaussian, 2.0, 400.0, 0.0, 0.021103712645357153),
    (PoissonInverseGaussian, 300.0, 1.0, 500.0, 171.52294175115296),
    (PoissonInverseGaussian, 0.01, 1e4, 0.0, 3.0699244479720206e-06),
    (PoissonInverseGaussian, 300.0, 1e-8, 310.0, 6.352451664467086),
    (ConwayMaxwellPoisson, 200.0, 1000.0, 25.0, 82.98504133273953),
    (ConwayMaxwellPoisson, 1000.0, 0.1, 1010.0, 6.03062859812911),
    (ConwayMaxwellPoisson, 500.0, 5.0, 450.0, 29.725433556950364),
    (GeneralizedPoisson, 20.0, 8.0, 3.0, 4.096341362938655),
]


@pytest.mark.parametrize("law", dict.fromkeys(case[0] for case in BY_MPMATH))
def test_sums_of_masses_by_recurrence(law):
    _, mean, dispersion, y, exact = (np.array(column) for column in zip(*(c for c in BY_MPMATH if c[0] is law), strict=True))
    assert_allclose(crps(y, Distribution(law(), {"mean": mean, "dispersion": dispersion}), per_row=True), exact, rtol=1e-11)


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
