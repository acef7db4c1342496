"""Laws made of laws: what is asked of the whole is asked of the parts, by one rule."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sk_mle.domains import REAL
from sk_mle.likelihoods import (
    Binomial,
    Censored,
    Fixed,
    Gamma,
    Likelihood,
    Mixture,
    Normal,
    Poisson,
    Relations,
    Rounded,
    SkewNormal,
    Truncated,
    ZeroInflated,
)
from sk_mle.likelihoods._fallbacks.facts import integrates, overrides, sized, title
from sk_mle.likelihoods._protocol.relations import irregular, law_at_end, values_to_hold

TWO = Mixture([("a", Poisson()), ("b", Poisson())])


def test_tests_against_a_mixture_are_irregular_inside_other_laws_too():
    assert irregular(ZeroInflated(TWO)) == irregular(TWO) != ""
    assert irregular(Fixed(Truncated(TWO, low=0), {"a__mean": 1.0})) == irregular(TWO)
    assert irregular(ZeroInflated(Poisson())) == ""


def test_the_parts_of_a_mixture_say_what_they_are_at_an_end():
    law = Mixture([("a", SkewNormal()), ("b", SkewNormal())])
    assert law_at_end(law, "a__shape", "upper").startswith("half-normal")
    assert set(values_to_hold(law)) >= {"a__shape", "b__shape"}


def test_parts_of_parts_stand_in_order():
    law = Mixture([("x", Mixture([("a", Normal()), ("b", Normal())])), ("y", Normal(loc=0.0))])
    coefs = {name: np.full((1, 1 if name != "logits" and "logits" not in name else 2), 0.0) for name in law.free}
    coefs["x__a__loc"], coefs["x__b__loc"] = np.array([[3.0]]), np.array([[-3.0]])
    coefs["x__logits"] = np.array([[0.4, -0.4]])
    found = law.canonical_order(coefs)
    assert (found["x__a__loc"].item(), found["x__b__loc"].item()) == (-3.0, 3.0)
    np.testing.assert_array_equal(found["x__logits"], [[-0.4, 0.4]])


def test_advice_of_the_law_inside_is_kept():
    assert "trials" in Truncated(Binomial(trials=5), low=-1).advice["outside"]
    assert "trials" in ZeroInflated(Binomial(trials=5)).advice["outside"]
    assert "move the bounds" in Fixed(Truncated(Gamma(), high=3), {"shape": 1.0}).advice["outside"]


def test_what_a_target_says_of_the_value():
    y = np.array([[1.0, 1.0], [2.0, np.inf]])
    seen = Censored(Gamma()).observed(y)
    np.testing.assert_array_equal(seen.low, [1, 2])
    np.testing.assert_array_equal(seen.high, [1, np.inf])
    seen = Rounded(Normal(), width="w").observed(np.array([1.0, 2.0]), width=np.array([1.0, 0.5]), loc=0.0, scale=1.0)
    np.testing.assert_allclose(seen.low, [0.5, 1.75], rtol=1e-15)
    np.testing.assert_array_equal(seen.high, [1.5, 2.25])
    seen = Binomial().observed(np.array([[1.0, 4.0]]))
    assert (seen.low, seen.high, seen.params["trials"]) == (1, 1, 4)
    np.testing.assert_array_equal(Normal().observed(np.array([3.0])).high, [3.0])


def test_methods_are_asked_for_and_not_names():
    own = type("Likelihood", (Likelihood,), {
        "parameters": {"loc": REAL}, "support": REAL,
        "loglik": lambda self, y, loc: stats.norm.logpdf(y, loc),
        "cdf": lambda self, y, loc: stats.norm.cdf(y, loc),
        "sf": lambda self, y, loc: stats.norm.sf(y, loc),
    })  # fmt: skip
    assert overrides(own(), "cdf", "sf")
    assert not overrides(own(), "expectation")
    assert integrates(own())
    np.testing.assert_allclose(own().logcdf(np.array([-5.0, 0.3]), loc=0.0), stats.norm.logcdf([-5.0, 0.3]), rtol=1e-14)
    assert overrides(Fixed(Normal(), {"scale": 1.0}), "cdf")
    assert title(Fixed(Normal(), {"scale": 1.0})) == "Normal"


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("limits", {"Normal": {"loc": 0.0}}, r"relations = Relations\(limits="),
        ("classes", True, 'target_type = "classes"'),
        ("multivariate", True, 'target_type = "targets"'),
        ("remedy", "drop them", 'advice = {"outside"'),
        ("competing", lambda self, **params: True, r"relations = Relations\(competing="),
    ],
)
def test_a_declaration_without_effect_is_told(name, value, word):
    body = {"parameters": {"loc": REAL}, "loglik": lambda self, y, loc: stats.norm.logpdf(y, loc), name: value}
    with pytest.raises(TypeError, match=f"Users.{name} has no effect: write {word}"):
        type("Users", (Likelihood,), body)().check()
    del body[name]
    type("Users", (Likelihood,), {**body, "relations": Relations(searched=False)})().check()


def test_sizes_that_a_law_has_stay():
    from sk_mle.likelihoods import Categorical, MultivariateNormal, Ordinal

    assert sized(Ordinal(n_classes=2), 4).n_classes == 2
    assert sized(Categorical(n_classes=5)).n_classes == 5
    assert sized(MultivariateNormal(n_targets=4)).n_targets == 4
    assert sized(Categorical(), 4).n_classes == sized(Ordinal(), 4).n_classes == sized(MultivariateNormal(), 4).n_targets == 4
