"""Curves fitted to rows in parts are those fitted to the rows in memory."""

from __future__ import annotations

import numpy as np
import pytest
from _parts import cut
from numpy.testing import assert_allclose

from sk_mle import MLERegressor
from sk_mle.predictors import Nonlinear

RNG = np.random.default_rng(0)
X = np.column_stack([RNG.uniform(0, 10, 1500), RNG.normal(size=1500)])
ETA = 3 / (1 + np.exp((4 - X[:, 0]) / 1.2))
WEIGHT = RNG.integers(0, 3, 1500).astype(float)
FORMULA, START = "asym / (1 + exp((mid - x0) / scal))", {"asym": 2.0, "mid": 5.0, "scal": 1.0}


@pytest.mark.parametrize(
    ("law", "predictors", "y"),
    [
        ("poisson", {"mean": Nonlinear("logistic(x0, asym, mid, scal)")}, RNG.poisson(np.exp(ETA))),
        ("normal", {"loc": Nonlinear(FORMULA, start=START, on={"asym": [1]}), "scale": [1]}, ETA + RNG.normal(size=1500)),
        ("normal", {"loc": Nonlinear(FORMULA, start=START, bounds={"scal": (None, 5.0)})}, ETA + RNG.normal(size=1500)),
    ],
    ids=["poisson", "on", "bounds"],
)
def test_curves_in_parts(law, predictors, y):
    whole = MLERegressor(law, predictors=predictors).fit(X, y, WEIGHT)
    source = cut(X, y, WEIGHT, rows_of_sample=300)
    parted = MLERegressor(law, predictors=predictors).fit(source, None)
    assert parted.converged_
    assert source.passes <= 20
    for name, coef in whole.coefs_.items():
        assert_allclose(parted.coefs_[name], coef, rtol=1e-9)
    assert_allclose(parted.loglikelihood_, whole.loglikelihood_, rtol=1e-12)
    assert_allclose(parted.inference(source, None).bse, whole.inference(X, y, sample_weight=WEIGHT).bse, rtol=1e-9)
