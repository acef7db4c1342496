"""Expected information and its derivatives by integrals: against closed forms, and what they cost."""

from __future__ import annotations

import numpy as np
import pytest

from sk_mle.likelihoods import (
    Beta,
    Exponential,
    Fixed,
    Gamma,
    Hurdle,
    JohnsonSU,
    NegativeBinomial,
    Poisson,
    Weibull,
    ZeroInflated,
    ZeroOneInflated,
)
from sk_mle.likelihoods._functions import (
    curvature_score,
    information_derivatives,
    integrated_information,
    integrated_third_moments,
    prepared,
)

ETA = np.linspace(-1.0, 1.0, 7)


def test_slopes_of_integrals_are_those_of_a_formula():
    for law in (Beta(), Gamma(), Weibull()):
        law = prepared(law)
        eta = {name: ETA + k for k, name in enumerate(law.layout.free)}
        y = np.full(7, 0.5)
        by_formula, integrated = (information_derivatives(law, y, eta, formula) for formula in (True, False))
        assert np.allclose(by_formula, integrated, rtol=1e-7, atol=1e-7 * np.abs(by_formula).max())


def test_third_moments_of_exponential_times():
    """In eta = log mean, g = t - 1 and h = -t for a standard exponential t, so that E[h g] = -1."""
    law = prepared(Exponential())
    assert np.allclose(curvature_score(law, np.ones(7), {"mean": ETA}).ravel(), -1.0, rtol=1e-8)


@pytest.mark.parametrize("law", [NegativeBinomial(), Gamma()], ids=str)
def test_one_linear_predictor_that_varies_is_interpolated(law):
    law = prepared(law)
    first, second = law.layout.free
    eta = {first: np.linspace(-2.0, 2.0, 200), second: np.full(200, 0.3)}
    few = {name: value[::50] for name, value in eta.items()}
    every, direct = (integrated_information(law, one) for one in (eta, few))
    for pair, value in direct.items():
        assert np.allclose(every[pair][::50], value, rtol=1e-8, atol=1e-9)
    slopes = information_derivatives(law, np.full(200, 0.5), eta, False)
    assert np.allclose(slopes[::50], information_derivatives(law, np.full(4, 0.5), few, False), rtol=1e-8, atol=1e-9)


def test_two_linear_predictors_that_vary_are_interpolated(monkeypatch):
    law, rng, sizes = prepared(JohnsonSU()), np.random.default_rng(0), []
    eta = {name: rng.uniform(-1, 1, 1300) if name in ("scale", "skew") else np.full(1300, 0.3) for name in law.layout.free}
    few, transformed = {name: value[::100] for name, value in eta.items()}, JohnsonSU.transformed
    monkeypatch.setattr(JohnsonSU, "transformed", lambda self, w: sizes.append(np.size(w)) or transformed(self, w))
    direct = integrated_information(law, few)
    of_few = sum(sizes)
    for pair, value in integrated_information(law, eta).items():
        assert np.allclose(value[::100], direct[pair], rtol=1e-8, atol=1e-9)
    assert sum(sizes) - of_few < 60 * of_few  # 24 * 24 rows in place of 1300


@pytest.fixture
def evaluated(monkeypatch):
    """Sizes of the evaluations of a law's density, in their order."""
    sizes = []
    plain = NegativeBinomial.standard_terms

    def counted(self, y, order, *params):
        sizes.append(np.size(y))
        return plain(self, y, order, *params)

    monkeypatch.setattr(NegativeBinomial, "standard_terms", counted)
    return sizes


def test_a_sum_of_zero_ends(evaluated):
    """Mean and dispersion are orthogonal: the sum of that entry is zero, which no term is small against."""
    found = integrated_information(prepared(NegativeBinomial()), {"mean": ETA, "dispersion": np.zeros(7)})
    assert np.abs(found["mean", "dispersion"]).max() < 1e-12
    mean = np.exp(ETA)
    assert np.allclose(found["mean", "mean"], mean / (1 + mean), rtol=1e-10)
    assert sum(evaluated) < 7 * 1300  # 1032 each, 1544 if the sum is compared with itself


def test_the_search_for_a_width_ends(evaluated):
    """Where one step is too short and twice as much too long, in whole numbers."""
    eta = {"mean": 1.2 + 0.3 * np.random.default_rng(0).normal(size=30), "dispersion": np.full(30, -0.3645687788813516)}
    integrated_information(prepared(NegativeBinomial()), eta)
    assert len(evaluated) < 100


@pytest.mark.parametrize(
    "law",
    [
        Hurdle(Poisson()),
        Hurdle(NegativeBinomial(), zero=0.3),
        ZeroInflated(NegativeBinomial()),
        ZeroInflated(Fixed(Poisson(), {"mean": 2.0})),
        Hurdle(ZeroInflated(Poisson())),
    ],
    ids=str,
)
def test_moments_beside_zero_are_those_of_a_sum_over_all_counts(law):
    law, rng, counts = prepared(law), np.random.default_rng(0), np.arange(1500.0)
    names = law.layout.free
    eta = {name: 0.7 * rng.normal(size=4) for name in names}
    information, (slopes, mixed) = integrated_information(law, eta), integrated_third_moments(law, eta)
    for row in range(4):
        point = law.evaluate(counts, {name: np.full(1500, value[row]) for name, value in eta.items()}, 2)
        mass, none = np.exp(point.loglik), np.zeros(1500)
        g = [point.gradient.get(name, none) for name in names]
        h = [[-point.information.get((a, b), point.information.get((b, a), none)) for b in names] for a in names]
        for a, first in enumerate(names):
            for b, second in enumerate(names):
                expected = (mass * g[a] * g[b]).sum()
                found = information.get((first, second), information.get((second, first)))[row]
                assert np.isclose(found, expected, rtol=1e-10, atol=1e-12)
                for c in range(len(names)):
                    expected = (mass * h[a][b] * g[c]).sum()
                    assert np.isclose(mixed[row, a, b, c], expected, rtol=1e-9, atol=1e-11)
                    expected = (mass * (h[a][c] * g[b] + h[b][c] * g[a] + g[a] * g[b] * g[c])).sum()
                    assert np.isclose(slopes[row, a, b, c], expected, rtol=1e-9, atol=1e-11)


def test_the_information_of_inflated_shares_is_that_of_the_law_inside_times_its_probability():
    eta = {"mean": ETA, "precision": 1.5 + ETA, "zero": -ETA, "one": ETA / 2 - 1}
    found = integrated_information(prepared(ZeroOneInflated(Beta())), eta)
    inner = {name: eta[name] for name in ("mean", "precision")}
    zero, one = (1 / (1 + np.exp(-eta[name])) for name in ("zero", "one"))
    for pair, value in prepared(Beta()).evaluate(np.full(7, 0.5), inner, 2, "expected").information.items():
        assert np.allclose(found[pair], (1 - zero) * (1 - one) * value, rtol=1e-8, atol=1e-10)
    assert np.allclose(found["zero", "zero"], zero * (1 - zero), rtol=1e-12)
    assert np.allclose(found["one", "one"], (1 - zero) * one * (1 - one), rtol=1e-12)
    assert np.abs(found["mean", "zero"]).max() < 1e-12


def test_the_share_of_zeros_does_not_keep_the_law_of_counts_from_being_interpolated(evaluated):
    """The moments of the counts above zero are a function of their mean alone, as dispersion is one number."""
    rng = np.random.default_rng(0)
    eta = {"mean": rng.normal(size=600), "dispersion": np.zeros(600), "zero": rng.normal(size=600)}
    integrated_third_moments(prepared(Hurdle(NegativeBinomial())), eta)
    assert sum(evaluated) < 600 * 600  # 402 a row, and 2742 if each row is summed
