"""Where a sample's log-likelihood never falls as one linear predictor goes to infinity, against limits derived by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr

from sk_mle.likelihoods import (
    Bernoulli,
    Beta,
    BetaBinomial,
    Binomial,
    Censored,
    Gamma,
    Geometric,
    Hurdle,
    Laplace,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Weibull,
    ZeroInflated,
)
from sk_mle.likelihoods._fallbacks.recession import axis_recession_cone

STUCK = (1, np.inf)  # neither way: it must not move at all
P, MEAN = 1 / (1 + np.exp(-0.3)), np.exp(0.3)  # at linear predictors of 0.3
ZERO, MORE = np.exp(-MEAN), -np.expm1(-MEAN)  # of a Poisson count
OF_THREE = stats.betabinom(3, P * MEAN, (1 - P) * MEAN).logpmf(np.arange(4))
RISES = (1, -np.log(2 * ndtr(-1 / MEAN)))  # towards one half
CASES = [
    (Poisson(), "mean", [0.0, 3.0], [(-1, MEAN), STUCK]),
    (Bernoulli(), "prob", [0.0, 1.0], [(-1, -np.log1p(-P)), (1, -np.log(P))]),
    (Binomial(trials=3), "prob", [0.0, 1.0, 3.0], [(-1, -3 * np.log1p(-P)), STUCK, (1, -3 * np.log(P))]),
    (Geometric(), "prob", [0.0, 2.0], [(1, -np.log(P)), STUCK]),
    (NegativeBinomial(), "dispersion", [0.0, 9.0], [(1, np.log1p(MEAN * MEAN) / MEAN), STUCK]),
    (
        BetaBinomial(trials=3),
        "precision",
        [0.0, 1.0, 3.0],
        [(-1, np.log1p(-P) - OF_THREE[0]), (1, stats.binom(3, P).logpmf(1) - OF_THREE[1]), (-1, np.log(P) - OF_THREE[3])],
    ),
    (Truncated(Poisson(), low=0), "mean", [1.0, 3.0], [(-1, MEAN - 0.3 + np.log(MORE)), STUCK]),
    (Hurdle(Poisson()), "mean", [0.0, 1.0, 3.0], [(0, 0.0), (-1, MEAN - 0.3 + np.log(MORE)), STUCK]),
    (Hurdle(Poisson()), "zero", [0.0, 3.0], [(1, -np.log(P)), (-1, -np.log1p(-P))]),
    (ZeroInflated(Poisson()), "mean", [0.0, 2.0], [(-1, -np.log(P + (1 - P) * ZERO)), STUCK]),
    (Censored(Normal()), "loc", [[0.0, 1.0], [-np.inf, 0.3], [0.3, np.inf]], [STUCK, (-1, np.log(2)), (1, np.log(2))]),
    (
        Censored(Normal()),
        "scale",
        [[0.3, 1.3], [-0.7, 1.3], [1.3, np.inf], [1.3, 2.3]],
        [(-1, np.log(0.5 / (ndtr(1 / MEAN) - 0.5))), (-1, -np.log(2 * ndtr(1 / MEAN) - 1)), RISES, STUCK],
    ),
    *((law, name, y, [STUCK] * len(y)) for law, name, y in (
        (Normal(), "loc", [0.0, 1.0]),
        (Normal(), "scale", [0.0, 1.0]),
        (Laplace(), "scale", [0.0, 1.0]),
        (Gamma(), "shape", [1.0, 2.0]),
        (Beta(), "precision", [0.2, 0.5]),
        (Weibull(), "shape", [0.1, 3.0]),
        (StudentT(), "df", [9.0]),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("law", "name", "y", "expected"), CASES)
def test_limits_of_one_predictor(law, name, y, expected):
    y = np.array(y)
    cone, gain = axis_recession_cone(law, y, {key: np.full(len(y), 0.3) for key in law.layout.free}, name)
    np.testing.assert_array_equal(cone.ravel(), [sign for sign, _ in expected])
    np.testing.assert_allclose(gain.ravel(), [rise for _, rise in expected], rtol=1e-6, atol=1e-6)
