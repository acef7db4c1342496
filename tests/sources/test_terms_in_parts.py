"""Terms with penalties on rows in parts are those on the rows in memory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from _parts import Parts, cut
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.predictors import Groups, Ridge, Smooth

RNG = np.random.default_rng(0)
N = 600
FRAME = pd.DataFrame({"x": RNG.uniform(size=N), "site": [f"s{k:02}" for k in np.sort(RNG.integers(12, size=N))]})
FRAME["z"] = RNG.normal(size=N)  # sites are sorted, so that no part has all of them
CODES = FRAME["site"].str[1:].astype(float).to_numpy()
X = np.column_stack([FRAME["x"], CODES, FRAME["z"]])
ETA = 1 + 0.2 * FRAME["z"] + np.sin(6 * FRAME["x"]) + 0.5 * RNG.normal(size=12)[CODES.astype(int)]
Y = RNG.poisson(np.exp(ETA)).astype(float)
WEIGHT = np.where(CODES == 11, 0.0, RNG.integers(0, 3, N))  # nor has the fit the last one
TERMS = [Smooth("x", 8), Groups("site")]
CASES = {  # terms, other arguments, and whether the data choose penalties
    "given": ([Smooth(0), Groups(1)], {"alpha": 0.01}),
    "reml": ([Smooth(0, 8), Groups(1), Ridge("all")], {"alpha": "reml"}),
    "gcv": ([Smooth(0, 8)], {"alpha": "gcv", "fit_intercept": False}),
    "forms": ([Smooth([0, 2], [6, 5], cyclic=[True, False]), Smooth(0, 6, by=2)], {"alpha": 0.02}),
    "monotone": ([Smooth(0, 8, monotone="decreasing")], {"alpha": 0.02}),
}


@pytest.mark.parametrize("case", CASES)
def test_fits_in_parts(case):
    terms, options = CASES[case]
    model = MLERegressor("poisson", penalties=terms, **options)
    whole, source = clone(model).fit(X, Y, WEIGHT), cut(X, Y, WEIGHT, rows_of_sample=150)
    parted = clone(model).fit(source, None)
    rtol = 1e-9 if options["alpha"] not in ("reml", "gcv") else 1e-7  # penalties are chosen to some digits
    assert_allclose(parted.coef_, whole.coef_, rtol=rtol, atol=rtol)
    assert_allclose(parted.predict(source), whole.predict(X), rtol=rtol)
    assert_allclose(parted.n_params_, whole.n_params_, rtol=rtol)
    assert source.passes <= 16


def test_inference_on_text_in_parts():
    model = MLERegressor("poisson", penalties=TERMS, alpha="reml")
    whole, source = clone(model).fit(FRAME, Y, WEIGHT), cut(FRAME, Y, WEIGHT, rows_of_sample=150)
    parted = clone(model).fit(source, None)
    names = list(parted.predictors_["mean"])
    assert names == list(whole.predictors_["mean"])
    assert "groups(site)[s10]" in names
    assert "groups(site)[s11]" not in names
    found, expected = parted.inference(source, None), whole.inference(FRAME, Y, sample_weight=WEIGHT)
    assert_allclose(found.bse, expected.bse, rtol=1e-6)
    assert_allclose(found.terms()["chi2"], expected.terms()["chi2"], rtol=1e-6)
    for column in ("groups(site)", "std err"):
        ours, theirs = (one.predict(FRAME[:5], "groups(site)")[column] for one in (found, expected))
        assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)
    assert_array_equal(parted.predict(FRAME[-2:].assign(site="new")), parted.predict(FRAME[-2:]))  # at zero


def test_classes_with_balanced_weights_in_parts():
    y = np.where(Y > 6, "many", "few")
    model = MLEClassifier(penalties=TERMS, alpha="reml", class_weight="balanced")
    whole, source = clone(model).fit(FRAME, y), cut(FRAME, y, rows_of_sample=150)
    assert_allclose(clone(model).fit(source, None).predict_proba(FRAME), whole.predict_proba(FRAME), atol=1e-7)


def test_errors_are_those_in_memory():
    source = Parts([(X[:300], Y[:300]), (X[300:], Y[300:])])
    for terms, match in (
        ([Smooth(5)], "column 5 does not exist"),
        ([Smooth(1, 30)], "12 distinct values, too few for n_basis=30"),
        ([Groups(2), Groups(2)], "two terms stand for the same column"),
    ):
        for data in ((X, Y), (source, None)):
            with pytest.raises(ValueError, match=match):
                MLERegressor("poisson", penalties=terms, alpha="reml").fit(*data)
