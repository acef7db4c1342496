"""What laws say of expected values, against quadrature or sums over their own densities: no sampling error hides a factor."""

from __future__ import annotations

import numpy as np
import pytest
from _laws import example, repeated, sized
from scipy import stats
from scipy.special import expit

from sk_mle.likelihoods import (
    LAWS,
    Beta,
    Gamma,
    GeneralizedExtremeValue,
    GeneralizedGamma,
    GeneralizedPareto,
    Hurdle,
    InverseGamma,
    InverseGaussian,
    LogLogistic,
    Lomax,
    Mixture,
    NegativeBinomial,
    Normal,
    Poisson,
    SkewT,
    StudentT,
    Truncated,
    VonMises,
    ZeroInflated,
    ZeroOneInflated,
)
from sk_mle.likelihoods._fallbacks.facts import overrides

NODES = np.arange(-2.97, 3, 1 / 16)  # s, where a level is expit(pi sinh(s)); none at the median, a kink of some laws
WRAPPED = [
    ZeroInflated(Poisson()),
    ZeroInflated(NegativeBinomial()),
    Hurdle(Gamma()),
    Hurdle(Poisson()),
    ZeroOneInflated(Beta()),
    Truncated(Normal(), low=-1.0, high=2.0),
    Truncated(Gamma(), high=3.0),
    Truncated(Poisson(), low=0),
    Mixture([("low", Poisson()), ("high", Poisson())]),
]
ONE_TARGET = [law() for law in LAWS.values() if law.target_type == "number"] + WRAPPED
KINKED = {"AsymmetricLaplace": 2e-3, "GeneralizedNormal": 2e-2, "Laplace": 2e-3}  # what a quadrature tells there


def nodes(law, theta):
    """Values of y and their probabilities: counts up to a far quantile, or nodes of a quadrature over levels of quantiles."""
    if law.support.integer:
        last = law.ppf(1 - 1e-13, **{name: value[0] for name, value in theta.items()})
        y = np.arange(law.support.low, last + 50)
        y = y[law.support.contains(y)]
        return y, np.exp(law.loglik(y, **repeated(theta, len(y))))
    atoms = np.array(law.support.atoms, float)
    mass = np.exp([law.loglik(np.array([atom]), **theta)[0] for atom in law.support.atoms])
    t, rest = np.pi * np.sinh(NODES), 1 - mass.sum()
    level, weight = expit(t), np.pi * np.cosh(NODES) * (NODES[1] - NODES[0]) * expit(t) * expit(-t)
    y = law.ppf(mass[atoms <= law.support.low].sum() + rest * level, **repeated(theta, len(t)))
    keep = ~np.isin(y, atoms) & np.isfinite(y)
    half = keep.sum() // 2
    return np.insert(y[keep], half, atoms), np.insert(rest * weight[keep], half, mass)


def mean_of(values, probability, integer):
    """An expected value, NaN where the last nodes still count: there the sum of a heavy tail tells nothing."""
    parts = values * probability
    ends = np.abs(parts[-1]) + (0.0 if integer else np.abs(parts[0]))
    return np.nan if ends > 1e-8 * (1e-3 + np.abs(parts).sum()) else parts.sum()


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("law", ONE_TARGET, ids=repr)
def test_moments_and_entropy(law, seed):
    law = sized(law)
    theta = example(law, seed)
    y, p = nodes(law, theta)
    assert p.sum() == pytest.approx(1, rel=1e-6)
    mean = mean_of(y, p, law.support.integer)
    expected = {
        "expectation": mean,
        "variance": mean_of((y - mean) ** 2, p, law.support.integer),
        "entropy": mean_of(-law.loglik(y, **repeated(theta, len(y))), p, law.support.integer),
    }
    for name, value in expected.items():
        if np.isfinite(value) and not (isinstance(law, VonMises) and name != "entropy"):  # those are of the direction
            found = np.broadcast_to(getattr(law, name)(**theta), 1)
            np.testing.assert_allclose(found, value, rtol=tolerance(law), atol=1e-9, err_msg=name)


def tolerance(law):
    return KINKED.get(type(law).__name__, 2e-6)


@pytest.mark.parametrize("law", [law for law in ONE_TARGET if law.fisher is not None], ids=repr)
def test_information(law):
    """The expected information is the expected product of the scores, and of smooth laws the expected curvature."""
    law = sized(law)
    theta = example(law, 2)
    y, p = nodes(law, theta)
    eta = {name: law.layout[name].link.link(theta[name]) for name in law.layout.free}
    said, seen = law.evaluate(y[:1], eta, 2, "expected").information, law.evaluate(y, repeated(eta, len(y)), 2)
    size = {name: np.sqrt(said[name, name][0]) for name in law.layout.free}
    for (a, b), second in seen.information.items():
        value = said.get((a, b), said.get((b, a), np.zeros(1)))[0] / size[a] / size[b]
        product = mean_of(seen.gradient[a] * seen.gradient[b], p, law.support.integer) / size[a] / size[b]
        curvature = mean_of(second, p, law.support.integer) / size[a] / size[b]
        for expected in (product, curvature) if type(law).__name__ not in KINKED else (product,):
            if np.isfinite(expected):
                assert value == pytest.approx(expected, rel=tolerance(law), abs=tolerance(law)), (a, b)


@pytest.mark.parametrize("law", ONE_TARGET, ids=repr)
def test_random_values_have_the_distribution(law):
    """So many that a scale or a shape wrong by some percent shows."""
    law, rng = sized(law), np.random.default_rng(1)
    n = 100_000 if overrides(law, "rvs") else 10_000
    theta = example(law, 2)
    y = law.rvs(rng, (n,), **repeated(theta, n))
    value, count = np.unique(y, return_counts=True)
    some = np.unique(np.linspace(0, len(value) - 1, 300).astype(int))
    share = np.cumsum(count)[some] / n
    assert np.abs(law.cdf(value[some], **repeated(theta, len(some))) - share).max() < 3 / np.sqrt(n)


EDGES = [  # of a moment's existence: law, other parameters, the parameter, its value there, the side where the moment is finite
    (GeneralizedPareto(), {"scale": 2.0}, "shape", 1.0, -1, "expectation"),
    (GeneralizedPareto(), {"scale": 2.0}, "shape", 0.5, -1, "variance"),
    (GeneralizedExtremeValue(), {"loc": 0.3, "scale": 2.0}, "shape", 1.0, -1, "expectation"),
    (GeneralizedExtremeValue(), {"loc": 0.3, "scale": 2.0}, "shape", 0.5, -1, "variance"),
    (Lomax(), {"scale": 2.0}, "shape", 1.0, 1, "expectation"),
    (Lomax(), {"scale": 2.0}, "shape", 2.0, 1, "variance"),
    (InverseGamma(), {"scale": 2.0}, "shape", 1.0, 1, "expectation"),
    (InverseGamma(), {"scale": 2.0}, "shape", 2.0, 1, "variance"),
    (LogLogistic(), {"scale": 2.0}, "shape", 1.0, 1, "expectation"),
    (LogLogistic(), {"scale": 2.0}, "shape", 2.0, 1, "variance"),
    (StudentT(), {"loc": 0.3, "scale": 2.0}, "df", 2.0, 1, "variance"),
    (SkewT(), {"loc": 0.3, "scale": 2.0, "shape": 1.0}, "df", 1.0, 1, "expectation"),
    (SkewT(), {"loc": 0.3, "scale": 2.0, "shape": 1.0}, "df", 2.0, 1, "variance"),
    (GeneralizedGamma(), {"loc": 0.3, "shape": -0.5}, "scale", 2.0, -1, "expectation"),
    (GeneralizedGamma(), {"loc": 0.3, "shape": -0.5}, "scale", 1.0, -1, "variance"),
]


@pytest.mark.parametrize(
    ("law", "others", "name", "edge", "side", "moment"), EDGES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_moments_end_where_they_cease_to_exist(law, others, name, edge, side, moment):
    """Near the edge they are like the reciprocal of the distance from it; at and beyond it there are none."""
    found = [float(getattr(law, moment)(**others, **{name: edge + side * step})) for step in (2e-4, 1e-4, 0.0, -1e-4, -0.05)]
    assert 0 < found[0] < found[1] < np.inf
    assert found[1] == pytest.approx(2 * found[0], rel=0.01)
    assert not np.isfinite(found[2:]).any()


def test_a_symmetric_law_may_have_no_mean():
    found = StudentT().expectation(loc=0.3, scale=2.0, df=np.array([1.1, 1.0, 0.5]))
    np.testing.assert_array_equal(found, [0.3, np.nan, np.nan])


def test_random_values_of_a_far_mean():
    """As its mean grows, the inverse Gaussian law becomes that of the reciprocal of a chi-squared value, times its shape."""
    y = InverseGaussian().rvs(np.random.default_rng(0), (10_000,), mean=1e12, shape=2.0)
    assert stats.kstest(2.0 / y, stats.chi2(1).cdf).pvalue > 1e-4
