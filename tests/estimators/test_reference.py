"""Fits by R, Stata and NIST, repeated with default settings: within each reference's own accuracy."""

from __future__ import annotations

import numpy as np
import pytest
from _reference import FOLDER, LAWS, estimates, fit, load, numbers

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.exceptions import BoundaryWarning
from sk_mle.likelihoods import Bernoulli

KINDS = {path.stem: load(path.stem)["kind"] for path in sorted(FOLDER.glob("*.json"))}
PLAIN = [name for name, kind in KINDS.items() if kind == "mle" and load(name)["likelihood"]["name"] in LAWS]
FITS = [name for name in PLAIN if name != "sm_randhie_poisson"]
NIST = [name for name, kind in KINDS.items() if kind == "nist_lls"]
DIGITS = {  # that the worst coefficient shares with the certified ones: what is reached, rounded down
    "nist_lls_filip": 7.4,
    "nist_lls_longley": 13.0,
    "nist_lls_noint1": 14.5,
    "nist_lls_noint2": 15.0,
    "nist_lls_norris": 12.5,
    "nist_lls_pontius": 13.0,
    "nist_lls_wampler1": 9.8,
    "nist_lls_wampler2": 12.5,
    "nist_lls_wampler3": 9.5,
    "nist_lls_wampler4": 9.8,
    "nist_lls_wampler5": 8.5,
}


@pytest.mark.parametrize("name", FITS)
def test_fit_equals_the_reference(name):
    fixture = load(name)
    model, X, constant = fit(fixture)
    reference, tolerance = fixture["reference"], fixture["tolerance"]
    assert model.converged_
    found = estimates(fixture, model, constant)
    value = numbers([p["value"] for p in reference["params"]])
    if "coef_rtol" in tolerance:
        np.testing.assert_allclose(found, value, rtol=tolerance["coef_rtol"])
    else:
        error = numbers(fixture["crosscheck"].get("refined_se_observed") or [p["se"] for p in reference["params"]])
        assert np.max(np.abs(found - value) / error) <= tolerance["coef_atol_in_se"]
        refined = numbers(fixture["crosscheck"]["refined_params"])
        assert np.max(np.abs(found - refined) / error) <= 1e-5
    if "trials" in fixture["data"]:
        return  # the reference counts binomial coefficients and one row per group
    if reference.get("loglik") is not None:
        assert abs(model.loglikelihood_ - reference["loglik"]) <= tolerance["loglik_atol"]
    if said_by_pearson := name in ("sm_glm_cancer_gamma_identity", "sm_glm_scotvote_gamma"):
        assert "Stata" in reference["function"]  # their scale is Pearson's: neither estimated by likelihood nor counted
    assert model.n_params_ == reference["df"] + said_by_pearson
    if reference.get("aic") is not None and not said_by_pearson:
        assert abs(model.aic_ - reference["aic"]) <= 2 * tolerance["loglik_atol"]
        if "bic" in reference:
            assert abs(model.bic_ - reference["bic"]) <= 2 * tolerance["loglik_atol"]
    if reference.get("fitted", {}).get("rows0") == "all" and reference["fitted"]["what"] == "mean":
        fitted = model.predict(X) if isinstance(model, MLERegressor) else model.predict_proba(X)[:, 1]
        np.testing.assert_allclose(fitted, numbers(reference["fitted"]["values"]), rtol=tolerance["fitted_rtol"])
    if "quantiles" in reference:
        expected = np.asarray(reference["quantiles"]["values"], float)
        rows = reference["quantiles"]["rows0"]
        np.testing.assert_allclose(model.predict_quantiles(X[rows], reference["quantiles"]["p"]), expected, rtol=1e-6)


def test_randhie():
    """20190 rows of the RAND health insurance experiment, with Stata's estimates; the data come with statsmodels."""
    data = pytest.importorskip("statsmodels.datasets.randhie").load_pandas()
    fixture = load("sm_randhie_poisson")
    model = MLERegressor("poisson").fit(data.exog.to_numpy(float), data.endog.to_numpy(float))
    value = [p["value"] for p in fixture["reference"]["params"]]
    error = numbers(fixture["crosscheck"]["refined_se_observed"])
    assert np.max(np.abs(np.r_[model.coef_, model.intercept_] - value) / error) <= fixture["tolerance"]["coef_atol_in_se"]
    assert abs(model.loglikelihood_ - fixture["reference"]["loglik"]) <= fixture["tolerance"]["loglik_atol"]


@pytest.mark.parametrize("name", NIST)
def test_certified_digits(name):
    """NIST StRD linear regression: digits that every coefficient shares with the certified one."""
    fixture = load(name)
    X, y = np.array(fixture["x"], float), np.array(fixture["y"], float)
    if fixture.get("polynomial_degree"):
        X = X ** np.arange(1, fixture["polynomial_degree"] + 1)
    model = MLERegressor(fit_intercept=fixture["intercept"])
    certified = np.array(fixture["certified"]["beta"], float)
    if fixture["ml"]["loglik"] is None:  # y is a polynomial without error: the likelihood is unbounded, the curve is exact
        with pytest.warns(BoundaryWarning, match="reproduces y"):
            model.fit(X, y)
    else:
        model.fit(X, y)
        assert model.converged_
        scale = np.exp(model.intercepts_["scale"])
        assert abs(scale / float(fixture["ml"]["sigma_ml"]) - 1) <= fixture["tolerance"]["sigma_ml_rtol"]
        assert abs(model.loglikelihood_ - float(fixture["ml"]["loglik"])) <= fixture["tolerance"]["loglik_atol"]
    found = np.r_[model.intercept_, model.coef_] if fixture["intercept"] else model.coef_
    worst = np.max(np.abs(found / certified - 1))
    assert -np.log10(max(worst, 1e-16)) >= DIGITS[name]


@pytest.mark.parametrize("name", [n for n, kind in KINDS.items() if kind in ("robust_covariance", "profile_ci", "lr_test")])
def test_coefficients_of_inference_fixtures(name):
    """The fits behind standard errors and tests that later work compares."""
    fixture = load(name)
    component = "full" if "full" in fixture["designs"] else next(iter(fixture["designs"]))
    X, y = np.asarray(fixture["designs"][component]["X"], float), numbers(fixture["data"]["y"])
    said = fixture["likelihood"]
    if said["name"] == "binomial":
        model = MLEClassifier(Bernoulli(links={"prob": said["links"]["loc"]}), fit_intercept=False).fit(X, y)
    else:
        model = MLERegressor(said["name"], fit_intercept=False).fit(X, y)
    coef = np.ravel(model.coef_)
    if fixture["kind"] == "lr_test":
        smaller = np.asarray(fixture["designs"]["restricted"]["X"], float)
        restricted = type(model)(**model.get_params(deep=False)).fit(smaller, y)
        np.testing.assert_allclose(coef, fixture["reference"]["coef_full"], rtol=1e-6)
        statistic = 2 * (model.loglikelihood_ - restricted.loglikelihood_)
        assert abs(statistic - fixture["reference"]["lr_stat"]) <= fixture["tolerance"]["stat_atol"]
        return
    value = numbers([p["value"] for p in fixture["reference"]["params"]])
    np.testing.assert_allclose(coef, value, rtol=fixture["tolerance"].get("coef_rtol", 1e-6))
