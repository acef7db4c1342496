"""Distribution functions and quantiles of laws that write their density alone, or one tail, against scipy and closed forms."""

import numpy as np
import pytest
from scipy import special, stats

from sk_mle.domains import POSITIVE, UNIT
from sk_mle.likelihoods import Likelihood


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
