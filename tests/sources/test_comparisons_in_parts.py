"""Scores, tests, comparisons and resamples of rows in parts against those of the rows in memory."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from _parts import Parts, cut
from numpy.testing import assert_allclose, assert_array_equal

from sk_mle import MLEDensity, MLERegressor, compare, metrics
from sk_mle._sources import Rows
from sk_mle.inference._bootstrap import _drawn_in_part
from sk_mle.metrics import make_dist_scorer
from sk_mle.selection import likelihood_ratio_test, vuong_test
from sk_mle.selection._compare_parts import _folds_of

RNG = np.random.default_rng(0)
N, ENDS = 500, (0, 0, 1, 137, 410, 500)
X = RNG.normal(size=(N, 2))
Y = RNG.poisson(np.exp(0.5 * X[:, 0]) * RNG.gamma(2.0, 0.5, N)).astype(float)
WEIGHT = RNG.integers(0, 3, N).astype(float)
MODELS = {name: MLERegressor(name) for name in ("poisson", "negative_binomial", "poisson_inverse_gaussian")}
FITTED = {name: MLERegressor(name).fit(X, Y, WEIGHT) for name in MODELS}


def test_tests_of_two_models():
    source = cut(X, Y, WEIGHT)
    a, b, c = FITTED.values()
    for correction in (None, "bic"):
        found, expected = (
            vuong_test(b, c, source, None, correction=correction),
            vuong_test(b, c, X, Y, WEIGHT, correction=correction),
        )
        assert_allclose(found.statistic, expected.statistic, rtol=1e-9)
    assert_allclose(
        likelihood_ratio_test(a, b, source).statistic, likelihood_ratio_test(a, b, X, Y, WEIGHT).statistic, rtol=1e-9
    )
    bad = Y.copy()
    bad[[3, 450]] = -1.0
    for data in ((X, bad), (cut(X, bad), None)):
        with pytest.raises(ValueError, match=r"calls 2 rows \(3, 450\) impossible"):
            vuong_test(b, c, *data)


@pytest.mark.parametrize(
    ("score", "options"),
    [
        (metrics.log_score, {}),
        (metrics.crps, {}),
        (metrics.interval_score, {"coverage": 0.8}),
        (metrics.brier_score, {"threshold": 2}),
        (metrics.interval_coverage, {}),
    ],
)
def test_scorers(score, options):
    scorer, model = make_dist_scorer(score, **options), FITTED["negative_binomial"]
    assert_allclose(scorer(model, cut(X, Y, WEIGHT), None), scorer(model, X, Y, WEIGHT), rtol=1e-12)


def test_a_score_that_is_no_mean_says_so():
    with pytest.raises(TypeError, match="d2_log_likelihood is no mean of values per row"):
        make_dist_scorer(metrics.d2_log_likelihood)(FITTED["poisson"], cut(X, Y), None)


@pytest.mark.parametrize("cv", [None, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_compare(cv):
    source, folds = cut(X, Y, WEIGHT), None
    if cv:
        fold = np.concatenate([_folds_of(cv, part, end - first) for part, (first, end) in enumerate(pairwise(ENDS))])
        folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(cv)]
    found, expected = compare(MODELS, source, None, cv=cv), compare(MODELS, X, Y, cv=folds, sample_weight=WEIGHT)
    assert source.passes <= 40
    assert found.table.index == expected.table.index
    assert list(found.table.columns) == list(expected.table.columns)
    for column in expected.table.columns:
        if column == "test":
            assert_array_equal(found[column], expected[column])
        else:
            assert_allclose(np.array(found[column], float), np.array(expected[column], float), rtol=1e-7, atol=1e-9)
    assert str(found).splitlines()[:4] == str(expected).splitlines()[:4]


def test_compare_says_what_folds_it_takes():
    with pytest.raises(ValueError, match="of rows in parts cv is a number of folds"):
        compare(MODELS, cut(X, Y), None, cv=[(np.arange(5), np.arange(5, 9))])


@pytest.mark.exhaustive
def test_bootstrap():
    model, options = FITTED["poisson"], {"method": "bootstrap", "n_resamples": 30, "random_state": 0, "names": "x0"}
    source = cut(X, Y, WEIGHT)
    inference = model.inference(X, Y, sample_weight=WEIGHT)
    ends = inference.conf_int(X=source, **options)[0]
    assert source.passes <= 12  # of all refits together
    width = np.diff(inference.conf_int(X=X, y=Y, sample_weight=WEIGHT, **options)[0])
    assert 0.5 < np.diff(ends) / width < 2.0
    assert ends[0] < model.coef_[0] < ends[1]
    low, high = inference.conf_int(X=source, **options | {"n_resamples": 2})[0]
    assert low < high  # both resamples count


def test_resamples_of_groups_draw_each_as_often_in_every_part():
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=Y, g=np.arange(N) % 50)
    whole = _drawn_in_part(7, True, Rows(frame[["a", "b"]], groups=frame["g"]), 0)
    for rows in (slice(0, 120), slice(120, N)):
        part = _drawn_in_part(7, True, Rows(frame[["a", "b"]][rows], groups=frame["g"][rows]), 3)
        assert_array_equal(part, whole[rows])
    counts = np.array([_drawn_in_part(seed, True, Rows(frame[:50], groups=frame["g"][:50]), 0) for seed in range(400)])
    assert_allclose(counts.mean(), 1.0, atol=0.03)
    assert_allclose(counts.var(), 1.0, atol=0.06)
    assert np.abs(np.corrcoef(counts.T) - np.eye(50)).max() < 0.25


def error_of(call):
    with pytest.raises(ValueError, match=r"row|weight") as found:
        call()
    return str(found.value)


def test_scores_without_rows_or_weight():
    model, density = FITTED["poisson"], MLEDensity().fit(X[:, :1])
    nothing, zeros = Parts([(X[:0], Y[:0]), (X[:0], Y[:0])]), np.zeros(N)
    for call in (model.score, model.inference, model.fit):
        assert error_of(lambda c=call: c(nothing, None)) == "X has no rows"
        assert error_of(lambda c=call: c(Parts([]), None)) == "X has no rows"
        expected = error_of(lambda c=call: c(X, Y, sample_weight=zeros))
        assert error_of(lambda c=call: c(cut(X, Y, zeros), None)) == expected
    assert error_of(lambda: density.score(Parts([(X[:, :1], None, zeros)]))).startswith("sample_weight is zero in every row")
    assert error_of(lambda: model.predict(nothing)) == "X has no rows"
    weight = -np.ones(N)
    expected = error_of(lambda: model.score(X, Y, weight))
    assert error_of(lambda: model.score(cut(X, Y, weight), None)) == expected
