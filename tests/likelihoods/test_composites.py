"""Laws made of laws: what is asked of the whole is asked of the parts, by one rule."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sk_mle import MLEClassifier
from sk_mle.domains import REAL, Domain
from sk_mle.likelihoods import (
    Binomial,
    Censored,
    Fixed,
    Gamma,
    Likelihood,
    Mixture,
    Multinomial,
    Normal,
    Poisson,
    Relations,
    Rounded,
    SkewNormal,
    Truncated,
    Tweedie,
    ZeroInflated,
)
from sk_mle.likelihoods._fallbacks.facts import density_values, integrates, overrides, sized, title
from sk_mle.likelihoods._protocol.relations import advice, canonical_order, irregular, law_at_end, values_to_hold
from sk_mle.metrics import brier_score

TWO = Mixture([("a", Poisson()), ("b", Poisson())])


def test_tests_against_a_mixture_are_irregular_inside_other_laws_too():
    assert irregular(ZeroInflated(TWO)) == irregular(TWO) != ""
    assert irregular(Fixed(Truncated(TWO, low=0), {"a__mean": 1.0})) == irregular(TWO)
    assert irregular(ZeroInflated(Poisson())) == ""


def test_components_of_a_mixture_name_their_limits():
    law = Mixture([("a", SkewNormal()), ("b", SkewNormal())])
    assert law_at_end(law, "a__shape", "upper").startswith("half-normal")
    assert set(values_to_hold(law)) >= {"a__shape", "b__shape"}


def test_nested_components_are_in_order():
    law = Mixture([("x", Mixture([("a", Normal()), ("b", Normal())])), ("y", Normal(loc=0.0))])
    coefs = {name: np.full((1, 1 if name != "logits" and "logits" not in name else 2), 0.0) for name in law.layout.free}
    coefs["x__a__loc"], coefs["x__b__loc"] = np.array([[3.0]]), np.array([[-3.0]])
    coefs["x__logits"] = np.array([[0.4, -0.4]])
    found = canonical_order(law, coefs)
    assert (found["x__a__loc"].item(), found["x__b__loc"].item()) == (-3.0, 3.0)
    np.testing.assert_array_equal(found["x__logits"], [[-0.4, 0.4]])


def test_advice_of_the_law_inside_is_kept():
    assert "trials" in advice(Truncated(Binomial(trials=5), low=-1), "outside")
    assert "trials" in advice(ZeroInflated(Binomial(trials=5)), "outside")
    assert "move the bounds" in advice(Fixed(Truncated(Gamma(), high=3), {"shape": 1.0}), "outside")


def test_observed_ends_and_parameters_of_targets():
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


def test_overrides_looks_at_methods_and_not_at_class_names():
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
        ("remedy", "drop them", r"relations = Relations\(advice={\"outside\""),
        ("advice", {"outside": "drop them"}, r"relations = Relations\(advice="),
        ("n_starts", 3, r"relations = Relations\(n_starts="),
        ("competing", lambda self, **params: True, r"relations = Relations\(competing="),
        ("at_ends", lambda self, y, sample_weight, distance, **params: [], r"relations = Relations\(near_ends="),
        ("check_known", lambda self, y, known: None, r"bind\(self, y, \*\*known\)"),
        ("densities", lambda self, y: None, r"observed\(self, y"),
        ("expected_information", "whole", r"fisher\(self"),
    ],
)
def test_declaration_without_effect_raises(name, value, word):
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


class Thirds(Likelihood):
    """Three classes, the first of which has the log odds `shift` to each of the others."""

    parameters = {"shift": REAL}
    support = Domain(low=0.0, high=2.0, closed=(True, True), integer=True, typical=(0, 2))
    target_type = "classes"

    def __init__(self, categories=None):
        self.categories = categories

    def loglik(self, y, shift):
        return np.where(y == 0, shift, 0.0) - np.log(2 + np.exp(shift))


def test_a_law_of_classes_says_their_number_by_its_support_and_their_order_by_an_argument():
    X, labels = np.zeros((8, 1)), np.array(list("abcaabca"))
    codes = Thirds(categories=["c", "a", "b"])
    model = MLEClassifier(codes, predictors={"shift": "intercept"}).fit(X, labels)
    assert list(model.ordered_classes_) == ["c", "a", "b"]
    np.testing.assert_allclose(model.predict_proba(X[:1]), [[3 / 8, 3 / 8, 2 / 8]], rtol=1e-7)
    dist = model.predict_dist(X[:2])
    np.testing.assert_allclose(brier_score([0, 1], dist, per_row=True), [0.75**2 + 2 * 0.375**2, 0.25**2 + 0.625**2 + 0.375**2])
    with pytest.raises(ValueError, match="Only 3 classes are supported by Thirds, but y has 4 classes"):
        MLEClassifier(Thirds(), predictors={"shift": "intercept"}).fit(X, [0, 1, 2, 3, 0, 1, 2, 3])
    with pytest.raises(ValueError, match="n_classes=3, but y has 2 classes"):
        MLEClassifier(Fixed(Thirds(), {}), predictors={"shift": "intercept"}).fit(X, [0, 1, 1, 1, 0, 1, 1, 1])


def test_rows_with_a_density_are_those_observed_exactly():
    y = np.array([0.0, 1.0, 2.5])
    assert density_values(Normal(), y) is y
    assert density_values(Poisson(), y) is None
    assert density_values(Rounded(Normal(), width="w"), y) is None
    intervals = np.column_stack([y, [0.0, 3.0, 2.5]])
    np.testing.assert_array_equal(density_values(Censored(Tweedie(power=1.5)), intervals), [np.nan, np.nan, 2.5])
    np.testing.assert_array_equal(density_values(Fixed(Censored(Gamma()), {"shape": 1.0}), intervals), [0.0, np.nan, 2.5])


def test_the_expected_information_of_trials_in_y_is_that_of_given_trials():
    y, eta = np.array([[1.0, 4.0], [5.0, 9.0]]), {"prob": np.array([0.3, -1.0])}
    by_column = Binomial(trials="n", links={"prob": "probit"})
    given = by_column.evaluate(y[:, 0], {**eta, "trials": y[:, 1]}, 2, "expected")
    read = Binomial(links={"prob": "probit"}).evaluate(y, eta, 2, "expected")
    np.testing.assert_allclose(read.information["prob", "prob"], given.information["prob", "prob"], rtol=1e-14)
    counts, logits = np.array([[1.0, 2.0, 1.0], [0.0, 4.0, 5.0]]), np.array([[0.5, 0.0, -0.5], [-1.0, 0.0, 1.0]])
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = counts.sum(axis=1)[:, None, None] * (share[:, :, None] * np.eye(3) - share[:, :, None] * share[:, None, :])
    found = Multinomial(n_targets=3).evaluate(counts, {"logits": logits}, 2, "expected").information["logits", "logits"]
    np.testing.assert_allclose(found, expected, rtol=1e-13)
