"""Coefficients by name: exact names first, then the grammar; columns of any name in backticks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_mle import Inference, MLEClassifier, MLERegressor
from sk_mle.displays import CoefficientDisplay
from sk_mle.likelihoods import Normal

COLUMNS = [
    *("2x", "x", "", "1stFlrSF", "2019", "my col", "scale:x", "a+b", "a", "b", "Intercept", "intercept", "x:a", "a, b"),
    *("tick`ed", "-x", " x", "C(sex)[T.m]", "a = b", "1e5"),
]
PLACE = {name: j + 1 for j, name in enumerate(COLUMNS)}


@pytest.fixture(scope="module")
def inference():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, len(COLUMNS))), columns=COLUMNS)
    y = X.to_numpy() @ np.arange(1, len(COLUMNS) + 1) + rng.normal(size=200)
    return MLERegressor(Normal(), predictors={"scale": ["x"]}).fit(X, y).inference(X, y)


def row(inference, constant=0.0, **weights):
    """Value of a linear combination: weights of columns by their place in COLUMNS, as _1=2.0."""
    return sum(weight * inference.params[int(place[1:])] for place, weight in weights.items()) - constant


def of(*names, **more):
    return {f"_{PLACE[name]}": 1.0 for name in names} | more


EQUATIONS = [
    # exact names
    ("2x = 0", of("2x")),
    (["2x"], of("2x")),
    ("2x = 1", {**of("2x"), "constant": 1}),
    ("x = 0", of("x")),
    ("1stFlrSF", of("1stFlrSF")),
    ("1stFlrSF = 0", of("1stFlrSF")),
    (["2019"], of("2019")),
    ("my col = 3", {**of("my col"), "constant": 3}),
    ("a+b = 1", {**of("a+b"), "constant": 1}),
    ("2019 = 0", of("2019")),
    ("2019 = -2.5", {**of("2019"), "constant": -2.5}),
    ("3 = 1e5", {f"_{PLACE['1e5']}": -1.0, "constant": -3}),
    (["a, b"], of("a, b")),
    (["a = b"], of("a = b")),
    ([""], of("")),
    ([" x"], of(" x")),
    ("Intercept = 0", of("Intercept")),
    ("loc:2019 = 0", of("2019")),
    ("loc:scale:x = 0", of("scale:x")),
    ("loc:intercept = 0", {"_0": 1.0}),
    ("C(sex)[T.m] = 0", of("C(sex)[T.m]")),
    # the grammar
    ("2 * x = 1", {f"_{PLACE['x']}": 2.0, "constant": 1}),
    ("3x = 0", {f"_{PLACE['x']}": 3.0}),
    ("a + b = 1", {**of("a", "b"), "constant": 1}),
    ("x = 2019", {**of("x"), "constant": 2019}),
    ("x = -1e5", {**of("x"), "constant": -1e5}),
    ("2 * 1stFlrSF - my col = 1", {f"_{PLACE['1stFlrSF']}": 2.0, f"_{PLACE['my col']}": -1.0, "constant": 1}),
    # backticks
    ("`2x` - x = 0", {**of("2x"), f"_{PLACE['x']}": -1.0}),
    ("2`x` = 0", {f"_{PLACE['x']}": 2.0}),
    ("`2019` = 2019", {**of("2019"), "constant": 2019}),
    ("loc:`2019` + `1e5` = 0", of("2019", "1e5")),
    ("`scale:x` = 0", of("scale:x")),
    ("loc:`scale:x`", of("scale:x")),
    ("`intercept` - loc:intercept = 0", {**of("intercept"), "_0": -1.0}),
    ("`a, b` + a = 0", of("a, b", "a")),
    ("`a = b` = 0", of("a = b")),
    ("`a` + `b` = 0", of("a", "b")),
    ("`` = 0", of("")),
    ("`tick``ed` = 0", of("tick`ed")),
    ("` x` - `-x` = 0", {**of(" x"), f"_{PLACE['-x']}": -1.0}),
]


@pytest.mark.parametrize(("text", "weights"), EQUATIONS, ids=lambda value: str(value))
def test_names_mean_their_columns(inference, text, weights):
    found = inference.contrast(text)
    assert len(found.index) == 1
    assert found["estimate"][0] == pytest.approx(row(inference, **weights), rel=1e-12)
    again = inference.contrast(found.index[0])  # what a table says can be written
    assert again["estimate"][0] == found["estimate"][0]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("2x - x = 0", r"write `2x` in backticks for the column"),
        ("a+b + x = 0", r"write `a\+b` in backticks"),
        ("a, b = 0", r"write `a, b` in backticks"),
        ("a = b, x = 0", r"write `a = b` in backticks"),
        ("2019 = 1e5", r"names no coefficient.*write `2019` in backticks for the column"),
        ("-2019 = 0", r"names no coefficient.*write `2019` in backticks for the column"),
        ("2019 - x = 0", r"2019 is a number and the name of a column; write `2019` in backticks"),
        ("2 * 2019 = 0", r"no linear hypothesis.*write `2019` in backticks"),
        ("intercept = 0", r"write `intercept` in backticks for the column, or loc:intercept"),
        ("`x = 0", r"a backtick is not closed"),
        ("`zz` = 0", r"no coefficient is named `zz`"),
        ("scale:`2x` = 0", r"no coefficient is named"),
    ],
)
def test_ambiguous_names_are_refused_with_the_remedy(inference, text, remedy):
    with pytest.raises(ValueError, match=remedy):
        inference.wald_test(text)


def test_full_names_are_always_understood(inference):
    assert len(set(inference.names)) == len(inference.names)
    for i, name in enumerate(inference.names):
        assert inference.places(name).tolist() == [i]
        assert inference.contrast([name])["estimate"][0] == inference.params[i]
    for name in COLUMNS:
        if name not in ("intercept", "scale:x"):
            assert inference.places([name]).tolist() == [PLACE[name]]
    assert inference.conf_int(names="`2019`").shape == (1, 2)
    assert inference.wald_test(inference.names[1:4]).df == 3
    assert inference.names[PLACE["intercept"]] == "loc:`intercept`"
    with pytest.raises(TypeError, match="named by str"):
        inference.places([0])


def test_columns_that_share_a_name_are_refused():
    rng = np.random.default_rng(1)
    A, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    naming = FunctionTransformer(np.asarray, feature_names_out=lambda transformer, given: np.array(["x", "z", "x"], object))
    pipe = make_pipeline(naming, MLERegressor()).fit(A, y)
    inference = Inference.from_estimator(pipe, A, y)
    for act in (
        lambda: inference.wald_test("x = 0"),
        lambda: inference.wald_test("`x` = z"),
        lambda: inference.conf_int(names=["x"]),
    ):
        with pytest.raises(ValueError, match=r"2 columns of X .*rename them"):
            act()
    assert inference.wald_test("z = 0").df == 1


def test_entries_of_vectors_in_backticks():
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.normal(size=(300, 2)), columns=["2x", "x"])
    labels = np.array(["a", "b", "c"])[rng.integers(0, 3, 300)]
    inference = MLEClassifier().fit(X, labels).inference(X, labels)
    one = inference.wald_test(["logits[a]:2x", "logits[b]:2x"])
    for text in ("logits[a]:`2x` = 0, logits[b]:2x", "2x = 0", "`2x`", "logits:`2x`", ["2x"]):
        assert inference.wald_test(text).statistic == pytest.approx(one.statistic, rel=1e-9)
    with pytest.raises(ValueError, match="stands for 3 coefficients"):
        inference.wald_test("`2x` = 1")


def test_numbers_of_an_array_have_names_in_effects_too():
    rng = np.random.default_rng(3)
    A = rng.normal(size=(50, 2))
    y = rng.normal(size=50)
    inference = MLERegressor().fit(A, y).inference(A, y)
    by_name, by_number = (inference.marginal_effects(A, columns)["effect"] for columns in ("x1", [1]))
    assert by_name == by_number


def test_displays_look_names_up_as_tests_do():
    rng = np.random.default_rng(4)
    X = pd.DataFrame(rng.normal(size=(80, 3)), columns=["a:intercept", "2x", "x"])
    y = rng.normal(size=80)
    inference = MLERegressor().fit(X, y).inference(X, y)
    assert CoefficientDisplay.from_inference(inference).names == ["loc:a:intercept", "loc:2x", "loc:x"]
    assert CoefficientDisplay.from_inference(inference, names=["`2x`", "x"]).names == ["loc:2x", "loc:x"]
