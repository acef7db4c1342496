"""Likelihood-ratio and Vuong tests: R's figures, the law at the boundary by simulation, weights as rows, error messages."""

from __future__ import annotations

import dataclasses
import json
import warnings

import numpy as np
import pytest
from _reference import FOLDER, numbers
from scipy.stats import chi2, kstest, norm

from sk_mle import MLEClassifier, MLERegressor
from sk_mle import likelihoods as L
from sk_mle.selection import likelihood_ratio_test, vuong_test

RNG = np.random.default_rng(1)
X = RNG.normal(size=(200, 2))
COUNTS = RNG.poisson(RNG.gamma(2.0, np.exp(0.3 * X[:, 0] + 0.5) / 2)).astype(float)
WEIGHT = RNG.integers(0, 4, 200)


def fit(law, y, data=X, weight=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MLERegressor(law, **options).fit(data, y, weight)


@pytest.mark.parametrize("name", ["lrtest_logit_birthwt", "lrtest_poisson_warpbreaks"])
def test_reference(name):
    fixture = json.loads((FOLDER / f"{name}.json").read_text())
    said, y = fixture["reference"], numbers(fixture["data"]["y"])
    full, small = (np.asarray(fixture["designs"][key]["X"], float)[:, 1:] for key in ("full", "restricted"))
    used = [j for j in range(full.shape[1]) if any((full[:, j] == column).all() for column in small.T)]
    assert len(used) == small.shape[1]
    kind, first = (MLEClassifier, "prob") if said["lr_df"] == 4 else (MLERegressor, "mean")
    options = {} if kind is MLEClassifier else {"likelihood": "poisson"}
    models = [kind(**options, predictors={first: columns}).fit(full, y) for columns in (used, "all")]
    for data in ((), (full, y)):
        found = likelihood_ratio_test(*models, *data)
        assert found.df == said["lr_df"]
        np.testing.assert_allclose(found.statistic, said["lr_stat"], atol=fixture["tolerance"]["stat_atol"])
        np.testing.assert_allclose(found.pvalue, said["lr_pvalue"], rtol=fixture["tolerance"]["pvalue_rtol"])
    apart = kind(**options).fit(small, y)  # columns without names cannot be told, and the user says it
    with pytest.raises(ValueError, match="not recognised as a special case"):
        likelihood_ratio_test(apart, models[1])
    assert likelihood_ratio_test(apart, models[1], df=said["lr_df"]).pvalue == pytest.approx(found.pvalue, rel=1e-6)


def test_at_the_boundary_the_law_is_a_mixture():
    """Poisson counts against the negative binomial: half of the statistics are zero, the p-values of the rest uniform."""
    rng, found = np.random.default_rng(0), []
    for _ in range(120):
        y = rng.poisson(3.0, 100)
        small, large = (fit(law, y, np.zeros((100, 1))) for law in (L.Poisson(), L.NegativeBinomial()))
        found.append(likelihood_ratio_test(small, large))
    statistic, p = np.array([[test.statistic, test.pvalue] for test in found]).T
    zero = statistic < 1e-3
    assert abs(zero.mean() - 0.5) < 0.15
    assert kstest(p[~zero] * 2, "uniform").pvalue > 1e-3
    np.testing.assert_allclose(p[~zero], chi2.sf(statistic[~zero], 1) / 2)


def test_one_inside_and_one_at_the_edge():
    small, large = fit(L.Geometric(), COUNTS), fit(L.ZeroInflated(L.NegativeBinomial()), COUNTS)
    found = likelihood_ratio_test(small, large)
    s = found.statistic
    assert (found.df, found.boundary) == (1, ("inflation",))
    assert found.pvalue == pytest.approx((chi2.sf(s, 1) + chi2.sf(s, 2)) / 2)
    both = likelihood_ratio_test(fit(L.Poisson(), COUNTS), large)
    assert "upper bound" in both.note
    assert both.pvalue == pytest.approx(chi2.sf(both.statistic, 2))
    assert str(found).splitlines()[1].startswith("statistic = ")
    assert "inflation at its edge" in str(found)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.pvalue = 0.0


def test_skew_normal_has_one_degree_although_its_information_is_singular():
    rng, large = np.random.default_rng(5), []
    for _ in range(60):
        y = rng.normal(size=300)
        small, full = (fit(law, y, np.zeros((300, 1))) for law in (L.Normal(), L.SkewNormal()))
        large.append(likelihood_ratio_test(small, full).pvalue)
    assert kstest(large, "uniform").pvalue > 1e-3


def test_weights_are_repeated_rows():
    rows = np.repeat(np.arange(200), WEIGHT)
    for laws in ((L.Poisson(), L.NegativeBinomial()), (L.Geometric(), L.ZeroInflated(L.Poisson()))):
        weighted = [fit(law, COUNTS, weight=WEIGHT) for law in laws]
        repeated = [fit(law, COUNTS[rows], X[rows]) for law in laws]
        if type(laws[0]) is L.Poisson:
            a = likelihood_ratio_test(*weighted, X, COUNTS, WEIGHT)
            b = likelihood_ratio_test(*repeated)
        else:
            a = vuong_test(*weighted, X, COUNTS, WEIGHT, correction="bic")
            b = vuong_test(*repeated, X[rows], COUNTS[rows], correction="bic")
        assert a.statistic == pytest.approx(b.statistic, abs=1e-6)


def test_vuong_by_its_formula():
    a, b = fit(L.Geometric(), COUNTS), fit(L.ZeroInflated(L.Poisson()), COUNTS)
    m = a.score_samples(X, COUNTS) - b.score_samples(X, COUNTS)
    for correction, shift in ((None, 0.0), ("aic", -1.0), ("bic", -np.log(200) / 2)):
        z = (m.sum() - shift) / (np.sqrt(200) * m.std())
        found = vuong_test(a, b, X, COUNTS, correction=correction)
        assert found.statistic == pytest.approx(z)
        assert found.pvalue == pytest.approx(2 * norm.sf(abs(z)))
        assert vuong_test(b, a, X, COUNTS, correction=correction).statistic == pytest.approx(-z)


def test_refusals():
    small, large = fit(L.Poisson(), COUNTS), fit(L.NegativeBinomial(), COUNTS)
    test = likelihood_ratio_test
    for arguments, word in (
        ((large, small), "other way round"),
        ((small, fit(L.NegativeBinomial(power=None), COUNTS)), "power is not identified"),
        ((fit(L.Poisson(), COUNTS, alpha=0.1), large), "penalised"),
        ((fit(L.Poisson(), COUNTS[:90], X[:90]), large), "different data"),
        ((small, fit(L.Mixture([("a", L.Poisson()), ("b", L.Poisson())]), COUNTS)), "fewer components"),
        ((small, large, X), "both X and y"),
        ((small, fit(L.Poisson(), COUNTS, predictors={"mean": [0]})), "other way round"),
    ):
        with pytest.raises(ValueError, match=word):
            test(*arguments)
    stopped = fit(L.NegativeBinomial(), COUNTS, max_iter=1)
    assert not stopped.converged_
    with pytest.raises(ValueError, match="did not converge"):
        test(small, stopped)
    stopped.converged_, stopped.loglikelihood_ = True, small.loglikelihood_ - 1
    with pytest.raises(ValueError, match="fits worse"):
        test(small, stopped)
    with pytest.raises(ValueError, match="df must be"):
        test(small, large, df=0)
    with pytest.raises(ValueError, match="nested: use likelihood_ratio_test"):
        vuong_test(small, large, X, COUNTS)
    with pytest.raises(ValueError, match="correction must be"):
        vuong_test(small, large, X, COUNTS, correction="hqc")
    with pytest.raises(ValueError, match="same log-likelihood"):
        vuong_test(small, small, X, COUNTS)
    with pytest.raises(ValueError, match="calls row 3 impossible"):
        vuong_test(
            fit(L.Gamma(), COUNTS + 1), fit(L.InverseGaussian(), COUNTS + 1), X, np.where(np.arange(200) == 3, -1.0, COUNTS + 1)
        )


def test_fits_of_other_data_raise():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = rng.gamma(2.0, np.exp(X[:, 0]))
    small = MLERegressor("gamma", predictors={"mean": [0]}).fit(X, y)
    rows = rng.permutation(200)
    same = likelihood_ratio_test(small, MLERegressor("gamma").fit(X[rows], y[rows]))  # the order does not matter
    assert 0 < same.pvalue <= 1
    with pytest.raises(ValueError, match="fitted to different data"):
        likelihood_ratio_test(small, MLERegressor("gamma").fit(X, 2 * y))


def test_class_weights_have_no_likelihood_ratio():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = (X[:, 0] + rng.logistic(size=300) > 1).astype(int)
    fits = [MLEClassifier(predictors=p, class_weight="balanced").fit(X, y) for p in ({"prob": [0]}, None)]
    with pytest.raises(ValueError, match="has class_weight"):
        likelihood_ratio_test(*fits)
