"""Upper tails that are small, their quantiles, and those of counts so large that scipy's distribution function loses digits."""

import mpmath as mp
import numpy as np
import pytest
from scipy.stats import logser

from sk_mle.likelihoods import BetaBinomial, ConwayMaxwellPoisson, Hurdle, NegativeBinomial, Poisson, Truncated

from ._case import Case


def hurdle_near_one():
    found = Hurdle(NegativeBinomial()).ppf(1 - 1e-9, mean=0.66 / 7e9, dispersion=7e9, zero=0.9)
    assert found == logser.isf(1e-8, 0.66 / 1.66) == 18


def poisson_of_ten_million():
    """P(Y > 10015034) is 1.00116766e-06, above 1 - q; that of the next number is 9.9960307e-07 (sums of masses, mpmath)."""
    found = Poisson().ppf(0.999999, mean=1e7)
    assert found == 10015035
    tails = Poisson().sf(np.array([10015034.0, 10015035.0]), 1e7)
    np.testing.assert_allclose(tails, [1.0011676635759019e-06, 9.996030681965403e-07], rtol=1e-12)


def more_than_zero_at_tiny_means(law, expected, **given):
    """log P(Y > 0), by itself and in a sample without zeros."""

    def check():
        for level in (-20.0, -35.0, -50.0, -200.0):
            mean, right = np.exp(level), expected(mp.mpf(np.exp(level)))
            assert law.logsf(np.array([0.0]), mean=mean, **given)[0] == pytest.approx(float(right), abs=1e-11)
            eta = {"mean": np.array([level]), "dispersion": np.zeros(1)}
            whole = Truncated(law, low=0).evaluate(np.ones(1), {name: eta[name] for name in law.layout.free}, 2)
            assert whole.loglik[0] == pytest.approx(law.loglik(np.ones(1), mean=mean, **given)[0] - float(right), abs=1e-11)
            assert abs(whole.gradient["mean"][0]) < 1e-7

    return check


def _beta_binomial(mean, trials=8, precision=3):
    with mp.workdps(120):
        logs = [mp.loggamma(end + rest) for end in (trials, 0) for rest in (precision * (1 - mean), precision)]
        return mp.log(-mp.expm1(logs[0] - logs[1] - logs[2] + logs[3]))


CASES = [
    Case(
        "P(Y > 0) at tiny means",
        "mpmath; of Poisson's law, in closed form",
        "ConwayMaxwellPoisson",
        more_than_zero_at_tiny_means(ConwayMaxwellPoisson(), lambda mean: mp.log(-mp.expm1(-mean)), dispersion=1.0),
    ),
    Case(
        "P(Y > 0) at tiny means",
        "mpmath",
        "BetaBinomial",
        more_than_zero_at_tiny_means(BetaBinomial(trials=8, precision=3.0), _beta_binomial, precision=3.0, trials=8),
    ),
    Case("a quantile close to one", "scipy logser.isf", "Hurdle", hurdle_near_one),
    Case("a quantile at a mean of 1e7", "mpmath", "Poisson", poisson_of_ten_million),
]
