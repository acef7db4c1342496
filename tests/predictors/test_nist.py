"""NIST's certified nonlinear regressions, with default settings, from both certified starts and from none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from _reference import FOLDER, load

from sk_mle import MLERegressor
from sk_mle.predictors import Nonlinear

SETS = sorted(path.stem for path in FOLDER.glob("nist_nls_*.json"))
# Residuals of 1e-13: the rounding of y to doubles alone changes them by a thousandth, and with them the standard errors.
SE_DIGITS = {"nist_nls_lanczos1": 2.5}
SLOW = {("nist_nls_bennett5", "start1"), ("nist_nls_mgh17", "start1")}  # a thousand steps in a bent valley
NOT_FOUND = {"gauss2", "gauss3"}  # without a start: another maximum


def data(name):
    """The certified set, X, y and the curve; `model` is a formula of y or of its logarithm."""
    fixture = load(name)
    X = pd.DataFrame(np.array(fixture["x"], float), columns=fixture["x_names"])
    y = np.array(fixture["y"], float)
    return fixture, X, np.log(y) if fixture["model"].startswith("log(y)") else y


def digits(value, certified):
    return -np.log10(np.abs(np.asarray(value) / np.array(certified, float) - 1).max() + 1e-17)


def marked(name, start):
    return pytest.param(name, start, marks=pytest.mark.exhaustive if (name, start) in SLOW else ())


@pytest.mark.parametrize(("name", "start"), [marked(name, start) for name in SETS for start in ("start1", "start2")])
def test_certified_digits_from_certified_starts(name, start):
    fixture, X, y = data(name)
    names = fixture["certified"]["param_names"]
    curve = Nonlinear(fixture["model"], start=dict(zip(names, map(float, fixture[start]), strict=True)))
    model = MLERegressor(predictors={"loc": curve}).fit(X, y)
    order = [list(model.predictors_["loc"]).index(label) for label in names]
    assert model.converged_
    assert digits(model.coef_[order], fixture["refined"]["beta"]) >= 10
    inference = model.inference(X, y, cov="expected", use_t=True)
    assert digits(inference.bse[order], fixture["refined"]["sd"]) >= SE_DIGITS.get(name, 8)


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore:.*did not converge")  # of the sets that are not found
def test_most_sets_need_no_start():
    found = set()
    for name in SETS:
        fixture, X, y = data(name)
        model = MLERegressor(predictors={"loc": Nonlinear(fixture["model"])}).fit(X, y)
        rss = float(np.sum((y - model.predict(X)) ** 2))
        if rss <= float(fixture["refined"]["rss"]) * (1 + 1e-8):  # terms of sums may have changed places
            found.add(name.removeprefix("nist_nls_"))
    assert found >= {name.removeprefix("nist_nls_") for name in SETS} - NOT_FOUND
