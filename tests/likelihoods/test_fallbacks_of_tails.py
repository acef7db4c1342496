"""Distribution functions and quantiles of laws that write their density alone, or one tail, against scipy and closed forms."""

import numpy as np
import pytest
from scipy import special, stats

from sk_mle import Distribution
from sk_mle.domains import COUNT, POSITIVE, REAL, UNIT, Domain
from sk_mle.likelihoods import Hurdle, Likelihood, Parameter, Truncated


class HeavyTails(Likelihood):
    """Student's t law in its degrees of freedom."""

    parameters = {"df": POSITIVE}

    def loglik(self, y, df):
        constant = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - np.log(df * np.pi) / 2
        return constant - (df + 1) / 2 * np.log1p(y * y / df)


class Kumaraswamy(Likelihood):
    """Its density has poles at both ends where a and b are below one; the cdf is written, the quantile is not."""

    parameters = {"a": POSITIVE, "b": POSITIVE}
    support = UNIT

    def loglik(self, y, a, b):
        return np.log(a * b) + (a - 1) * np.log(y) + (b - 1) * np.log1p(-(y**a))

    def cdf(self, y, a, b):
        return -np.expm1(b * np.log1p(-(y**a)))


class Pole(Likelihood):
    """The gamma law of unit scale: where k is small, much of its probability is nearer to zero than numbers are."""

    parameters = {"k": POSITIVE}
    support = POSITIVE

    def loglik(self, y, k):
        return (k - 1) * np.log(y) - y - special.gammaln(k)


class Zeta(Likelihood):
    """scipy's zipf."""

    parameters = {"s": Domain(low=1.0, typical=(1.1, 4.0))}
    support = Domain(low=1.0, closed=(True, False), integer=True, typical=(1, 5))

    def loglik(self, y, s):
        return -s * np.log(y) - np.log(special.zeta(s))


class FallingLikeAPower(Likelihood):
    """Minus a Pareto variable."""

    parameters = {"a": POSITIVE}
    support = Domain(high=-1.0, typical=(-3.0, -1.1))

    def loglik(self, y, a):
        return np.log(a) - (a + 1) * np.log(-y)


class LogT(Likelihood):
    """The exponential of Student's t, which has no moments."""

    parameters = {"df": POSITIVE}
    support = POSITIVE

    def loglik(self, y, df):
        return stats.t.logpdf(np.log(y), df) - np.log(y)


class Geometric(Likelihood):
    """Failures before a success, or `step` times as many; only the masses are written."""

    parameters = {"p": UNIT}
    support = COUNT

    def __init__(self, step=1):
        self.step = step

    def loglik(self, y, p):
        return np.where(y % self.step == 0, np.log(p) + y / self.step * np.log1p(-p), -np.inf)


class ThreeCounts(Likelihood):
    """The counts 0, 1 and 2, whose logits are one vector."""

    parameters = {"logits": Parameter(REAL, basis=np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]))}
    support = COUNT

    def loglik(self, y, logits):
        chances = special.log_softmax(logits, axis=-1)
        y, _ = np.broadcast_arrays(y, chances[..., 0])
        at = np.take_along_axis(np.broadcast_to(chances, (*y.shape, 3)), np.clip(y, 0, 2).astype(int)[..., None], axis=-1)
        return np.where(y <= 2, at[..., 0], -np.inf)


@pytest.mark.parametrize("df", [0.1, 0.3, 0.5, 2.0])
def test_tails_are_integrated_as_far_as_they_reach(df):
    law, q = HeavyTails(), np.array([1e-3, 0.2, 0.7, 0.999])
    y = stats.t.ppf(q, df)
    params = {"df": np.full(4, df)}
    np.testing.assert_allclose(law.cdf(y, **params), q, rtol=1e-9)
    np.testing.assert_allclose(law.sf(y, **params), 1 - q, rtol=1e-9)
    np.testing.assert_allclose(law.ppf(q, **params), y, rtol=1e-9)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.3), (0.05, 2.0), (2.0, 2.0)])
def test_a_written_cdf_polishes_quantiles(a, b):
    q = np.array([0.01, 0.3, 0.6, 0.85])
    found = Kumaraswamy().ppf(q, a=np.full(4, a), b=np.full(4, b))
    np.testing.assert_allclose(found, (-np.expm1(np.log1p(-q) / b)) ** (1 / a), rtol=1e-11)
    near_end = Kumaraswamy().ppf(np.array([0.9999]), a=np.array([0.2]), b=np.array([0.1]))  # beyond the last number below 1
    assert 1 - 1e-15 < near_end[0] < 1


@pytest.mark.parametrize("k", [0.003, 0.01, 0.02, 0.1])
def test_probability_nearer_to_a_pole_at_zero_than_numbers_are(k):
    y, k = np.array([1e-290, 1e-100, 1e-30, 1e-3, 0.1, 1.0, 3.0]), np.full(7, k)
    np.testing.assert_allclose(Pole().cdf(y, k=k), special.gammainc(k, y), rtol=1e-8)
    np.testing.assert_allclose(Pole().sf(y, k=k), special.gammaincc(k, y), rtol=1e-8)


def test_quantiles_nearer_to_a_pole_at_zero_than_numbers_are():
    q, smallest = np.array([1e-5, 0.1, 0.5, 0.99]), np.nextafter(0.0, 1.0)
    for k in (0.003, 0.01, 0.05):
        right = np.maximum(stats.gamma.ppf(q, k), smallest)
        np.testing.assert_allclose(Pole().ppf(q, k=np.full(4, k)), right, rtol=1e-8)


def test_moments_without_a_limit_are_infinite_or_undefined():
    df = np.array([0.5, 1.0, 1.5, 2.0, 3.0])  # as scipy has it, but for the mean of two tails without one, which is no number
    found = Distribution(HeavyTails(), {"df": df})
    np.testing.assert_allclose(found.mean(), [np.nan, np.nan, 0, 0, 0], atol=1e-3)
    np.testing.assert_allclose(found.var(), [np.nan, np.nan, np.inf, np.inf, 3.0])
    s = np.array([1.5, 2.0, 2.5, 3.0, 4.0])
    np.testing.assert_allclose(Distribution(Zeta(), {"s": s}).mean(), stats.zipf.mean(s), rtol=1e-9)
    np.testing.assert_allclose(Distribution(Zeta(), {"s": s}).var(), stats.zipf.var(s), rtol=1e-9)
    a = np.array([0.5, 1.0, 2.0, 3.0])
    np.testing.assert_allclose(Distribution(FallingLikeAPower(), {"a": a}).mean(), -stats.pareto.mean(a), rtol=1e-9)
    np.testing.assert_allclose(Distribution(FallingLikeAPower(), {"a": a}).var(), stats.pareto.var(a), rtol=1e-9)


@pytest.mark.exhaustive
def test_tails_that_begin_beyond_all_nodes_have_no_moments():
    wide = Distribution(LogT(), {"df": np.array([2.0, 20.0])})
    np.testing.assert_array_equal([wide.mean(), wide.var()], np.full((2, 2), np.inf))


def test_sums_over_millions_of_masses_are_exact():
    p, y = np.array([0.3, 1e-3, 1e-5, 1e-7]), np.array([2.0, 10.0, 0.0, 3e6])
    law, right = Geometric(), stats.geom(p, loc=-1)
    np.testing.assert_allclose(law.cdf(y, p=p), right.cdf(y), rtol=1e-9)
    np.testing.assert_allclose(law.sf(y, p=p), right.sf(y), rtol=1e-12)
    np.testing.assert_array_equal(law.ppf(np.full(2, 0.6), p=p[2:]), right.ppf(0.6)[2:])


def test_moments_of_millions_of_masses_are_exact():
    p = np.array([0.3, 1e-3, 1e-5, 1e-7])
    found, right = Distribution(Geometric(), {"p": p}), stats.geom(p, loc=-1)
    np.testing.assert_allclose(found.mean(), right.mean(), rtol=1e-12)
    np.testing.assert_allclose(found.var(), right.var(), rtol=1e-12)
    np.testing.assert_allclose(found.entropy(), (special.entr(p) + special.entr(1 - p)) / p, rtol=1e-9)


def test_masses_that_do_not_vary_smoothly_are_added_one_by_one_or_their_sum_is_nan():
    p = np.array([0.1, 1e-2, 1e-5])
    cdf = Geometric(step=2).cdf(np.array([3.0, 11.0, 2.0]), p=p)
    np.testing.assert_allclose(cdf, [*stats.geom.cdf([1, 5], p[:2], loc=-1), np.nan], rtol=1e-9)


@pytest.mark.parametrize(
    ("wrapped", "known"), [(Truncated(ThreeCounts(), low=0), {"low": 0.0, "high": np.inf}), (Hurdle(ThreeCounts()), {})]
)
def test_a_vector_of_parameters_keeps_its_axis_inside_another_law(wrapped, known):
    chances = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    params = {name: np.full(2, known.get(name, 0.4)) for name in wrapped.layout} | {"logits": np.log(chances)}
    zero, one, two = (np.exp(wrapped.loglik(np.full(2, y), **params)) for y in (0.0, 1.0, 2.0))
    np.testing.assert_allclose(one / two, chances[:, 1] / chances[:, 2])
    np.testing.assert_allclose(zero + one + two, 1.0)
