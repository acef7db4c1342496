"""Hypotheses on columns of unusual names."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from sk_mle import MLERegressor

from ._case import Case


def fitted(*columns):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, len(columns))), columns=list(columns))
    y = rng.normal(size=60)
    return MLERegressor().fit(X, y).inference(X, y)


def a_product_that_is_a_name():
    inference = fitted("2x", "x")
    for text in ("2x = 0", ["2x"]):
        assert inference.contrast(text)["estimate"][0] == inference.params[1]
    assert inference.contrast("2 * x = 0")["estimate"][0] == 2 * inference.params[2]


def a_column_without_name():
    inference = fitted("", "x")
    assert inference.contrast("x = 0")["estimate"][0] == inference.params[2]
    assert inference.contrast("`` = 0")["estimate"][0] == inference.params[1]


def names_that_begin_with_digits():
    inference = fitted("1stFlrSF", "2019")
    assert inference.contrast("1stFlrSF = 0")["estimate"][0] == inference.params[1]
    for text in (["2019"], "2019 = 0", "`2019` = 0", "loc:2019 = 0"):
        assert inference.contrast(text)["estimate"][0] == inference.params[2]


def a_column_named_as_a_coefficient():
    rng = np.random.default_rng(0)
    columns = ["x", "loc:x", "scale:intercept"]
    X, y = pd.DataFrame(rng.normal(size=(60, 3)), columns=columns), rng.normal(size=60)
    inference = MLERegressor().fit(X, y).inference(X, y)
    for text, ways in {
        "loc:x": {"`loc:x`": 2, "loc:`x`": 1},
        "scale:intercept": {"`scale:intercept`": 3, "scale:`intercept`": 4},
    }.items():
        for hypothesis in (text, [text], f"{text} = 0", f"2 * {text} = x"):
            with pytest.raises(ValueError, match=re.escape(f"'{text}' may mean 2 coefficients: write ")) as refused:
                inference.wald_test(hypothesis)
        for way, place in ways.items():
            assert way in str(refused.value)
            assert inference.contrast(way)["estimate"][0] == inference.params[place]
    for place, name in enumerate(inference.names):
        assert inference.places(name).tolist() == [place]


CASES = [
    Case("columns 2x and x", "the coefficient of that place", "Normal", a_product_that_is_a_name),
    Case("a column with an empty name", "the coefficient of that place", "Normal", a_column_without_name),
    Case("columns 1stFlrSF and 2019", "the coefficient of that place", "Normal", names_that_begin_with_digits),
    Case("columns named as coefficients of others", "the order of the columns", "Normal", a_column_named_as_a_coefficient),
]
