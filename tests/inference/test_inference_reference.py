"""Standard errors, covariances, tests and profile intervals of R and Stata, and of observed information at exact optima."""

from __future__ import annotations

import numpy as np
import pytest
from _catalogue import CASES
from _inference import SPECIAL, errors, native, repeat
from _reference import FOLDER, LAWS, load, numbers

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.inference import score_test
from sk_mle.likelihoods import Bernoulli

FIXTURES = {path.stem: load(path.stem) for path in sorted(FOLDER.glob("*.json"))}
KINKED = ["alaplace_q90_airquality", "laplace_engel"]
ELSEWHERE = [*KINKED, "illcond_poisson_discoveries", "sm_randhie_poisson"]
FITS = [name for name, fixture in FIXTURES.items() if fixture["kind"] == "mle" and name not in ELSEWHERE]
# Gamma laws with Pearson's dispersion in place of the likelihood's.
PEARSON = ["sm_glm_cancer_gamma_identity", "sm_glm_scotvote_gamma"]
FISHER = {"beta", "beta_varphi", "binomial", "gamma", "geometric", "gpd", "gpd_reg", "inverse_gaussian", "poisson", "student_t"}
EXPECTED = [
    name
    for name in FITS
    if "expected" in FIXTURES[name]["reference"]["se_type"] and FIXTURES[name]["likelihood"]["name"] in FISHER
]
INTEGRATED = ["negbin_crabs", "tweedie15_sim"]  # laws without a formula, whose expected information is integrated over y


def of_kind(kind):
    return [name for name, fixture in FIXTURES.items() if fixture["kind"] == kind]


def close(covariance, given, rtol):
    """Entries of a covariance matrix, in units of their standard errors."""
    covariance, given = covariance[: len(given), : len(given)], np.asarray(given, float)
    size = np.sqrt(np.diag(given))
    np.testing.assert_allclose(covariance / np.outer(size, size), given / np.outer(size, size), rtol=0, atol=rtol)


def test_every_fit_is_compared():
    for name in FITS:
        law = FIXTURES[name]["likelihood"]["name"]
        assert law in LAWS.keys() | CASES.keys() | SPECIAL.keys() | {"ordinal"}, name
        given, refined = errors(FIXTURES[name])
        repeated = 2 if name.startswith("mix") else 0  # shares that add up to one, a scale in common
        assert np.isnan(refined).sum() <= repeated, name
        assert len(given) == len(refined)
    assert len(FITS) >= 99
    assert len(EXPECTED) > 20


@pytest.mark.parametrize("name", FITS)
def test_observed_information(name):
    """Against automatic differentiation at the exact optimum, and the reference where it uses the same information."""
    fit = repeat(name)
    fixture = fit.fixture
    reference, tolerance = fixture["reference"], fixture["tolerance"]
    given, refined = errors(fixture)
    _, covariance = native(fit.inference(), fit.translate)
    if name in PEARSON:
        covariance *= reference["extras"]["scale_pearson"] * np.exp(fit.model.intercepts_["shape"])
    found = np.sqrt(np.diag(covariance))
    rtol, known = 1e-6 if name in PEARSON else 1e-8, np.isfinite(refined)  # Pearson's dispersion has seven digits
    np.testing.assert_allclose(found[known], refined[known], rtol=rtol)
    if tolerance.get("se_rtol") and tolerance["se_information"] == "observed":
        known = np.isfinite(given)
        np.testing.assert_allclose(found[known], given[known], rtol=tolerance["se_rtol"])
        if "vcov" in reference:
            close(covariance, reference["vcov"], 2 * tolerance["se_rtol"])


@pytest.mark.parametrize("name", EXPECTED + INTEGRATED)
def test_expected_information(name):
    fit = repeat(name)
    reference = fit.fixture["reference"]
    given, _ = errors(fit.fixture)
    estimates, covariance = native(fit.inference(cov="expected"), fit.translate)
    if name in PEARSON:
        covariance *= reference["extras"]["scale_pearson"] * np.exp(fit.model.intercepts_["shape"])
    known = np.isfinite(given)
    if "VGAM" in reference["function"] and fit.fixture["likelihood"]["name"] == "student_t":
        known[:-1] = False  # see test_expected_information_of_student_t
    if name == "negbin_crabs":
        known[-1] = False  # glm.nb has the observed information of theta
    # published estimates of sm_* are off by up to 3e-4 standard errors, which moves the information at them
    rtol = fit.fixture["tolerance"]["se_rtol"] if name.startswith("sm_") else 1e-6 if name in INTEGRATED else 1e-8
    np.testing.assert_allclose(np.sqrt(np.diag(covariance))[known], given[known], rtol=rtol)
    if "vcov" in reference:
        close(covariance, reference["vcov"], rtol)
    assert len(estimates) == len(given)


@pytest.mark.parametrize("name", ["student_t_abdom", "student_t_marietta"])
def test_expected_information_of_student_t(name):
    """Per row of a t law: (df + 1) / (df + 3) / scale**2 for loc (Lange et al. 1989, doi:10.1080/01621459.1989.10478852).

    R's hett agrees (sm_tmodel_marietta); the standard errors of VGAM for loc and scale are about 8% smaller.
    """
    fit = repeat(name)
    X = np.column_stack([np.ones(len(fit.X)), fit.X])
    df, scale = (np.exp(fit.model.intercepts_[parameter]) for parameter in ("df", "scale"))
    covariance = np.linalg.inv(X.T @ X) * scale**2 * (df + 3) / (df + 1)
    close(fit.inference(cov="expected").cov_params(), covariance, 1e-10)


@pytest.mark.parametrize("name", KINKED)
def test_kinks_are_refused(name):
    fit = repeat(name)
    for cov in ("observed", "HC0", "opg"):
        with pytest.raises(ValueError, match=r"has kinks.*use cov='expected'.*bootstrap"):
            fit.inference(cov=cov)


def test_powers_of_a_year():
    """A column-scaled condition number of 5e8."""
    fit = repeat("illcond_poisson_discoveries")
    refined = np.array(fit.fixture["crosscheck"]["refined_se_str"], float)
    _, covariance = native(fit.inference(), fit.translate)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), refined, rtol=1e-8)


def test_randhie():
    """20190 rows, Stata."""
    data = pytest.importorskip("statsmodels.datasets.randhie").load_pandas()
    X, y, fixture = data.exog.to_numpy(float), data.endog.to_numpy(float), FIXTURES["sm_randhie_poisson"]
    error = MLERegressor("poisson").fit(X, y).inference(X, y).bse
    given, refined = errors(fixture)
    np.testing.assert_allclose(np.roll(error, -1), refined, rtol=1e-8)
    np.testing.assert_allclose(np.roll(error, -1), given, rtol=fixture["tolerance"]["se_rtol"])


def fitted(fixture, component="loc"):
    """The fits behind robust covariances, tests and profiles: all columns as they stand, in the order of the reference."""
    said = fixture["likelihood"]
    X, y = np.asarray(fixture["designs"][component]["X"], float), numbers(fixture["data"]["y"])
    if said["name"] == "binomial":
        model = MLEClassifier(Bernoulli(links={"prob": said["links"]["loc"]}), fit_intercept=False)
    else:
        model = MLERegressor(said["name"], fit_intercept=False)
    return model.fit(X, y), X, y


ROBUST = [name for name in of_kind("robust_covariance") if "robust_vcov" in FIXTURES[name]["reference"]]


@pytest.mark.parametrize("name", ROBUST)
def test_sandwiches(name):
    """R's sandwich: with the expected information as its bread, which is the observed one for canonical links."""
    fixture = FIXTURES[name]
    model, X, y = fitted(fixture)
    given, rtol = fixture["reference"]["robust_vcov"], fixture["tolerance"]["cov_rtol"]
    groups, canonical = np.asarray(fixture["data"]["cluster"]), "probit" not in name
    n_clusters = len(np.unique(groups))
    for bread in ["expected"] + ["observed"] * canonical:

        def matrix(bread=bread, **options):
            return model.inference(X, y, bread=bread, **options).cov_params()

        close(matrix(cov=bread), given["const_or_model"], rtol)
        close(matrix(cov="HC0"), given["HC0"], rtol)
        for kind in ("HC1", "HC2", "HC3", "HC4"):
            close(matrix(cov=kind), given[kind], rtol)
        close(matrix(cov="HC0", groups=groups), given["CL_HC0_noadj"], rtol)
        close(matrix(cov="HC0", groups=groups) * n_clusters / (n_clusters - 1), given["CL_HC0_cadjust"], rtol)
        close(matrix(cov="HC1", groups=groups), given["CL_HC1"], rtol)
        close(matrix(cov=bread, groups=groups), given["CL_HC1"], rtol)
    if not canonical:
        far = model.inference(X, y, cov="HC0").cov_params() - given["HC0"]
        assert np.abs(far).max() > 1e-4  # the two breads are not one


def test_robust_regression_of_stata():
    fixture = FIXTURES["sm_macro_ols_hc"]
    model, X, y = fitted(fixture)
    inference = model.inference(X, y, cov="HC1")
    given = numbers([p["se"] for p in fixture["reference"]["params"]])
    np.testing.assert_allclose(inference.bse[:3], given, rtol=fixture["tolerance"]["se_rtol"])
    close(inference.cov_params()[:3, :3], fixture["reference"]["extras"]["robust_cov"], 1e-7)


@pytest.mark.parametrize("name", of_kind("profile_ci"))
def test_profile_intervals(name):
    fixture = FIXTURES[name]
    model, X, y = fitted(fixture)
    inference, reference = model.inference(X, y), fixture["reference"]
    found = inference.conf_int(reference["level"], "profile", X, y)
    np.testing.assert_allclose(found, reference["ci_exact"], rtol=1e-6)
    np.testing.assert_allclose(inference.conf_int(reference["level"]), reference["wald_ci"], rtol=1e-6)


@pytest.mark.parametrize("name", of_kind("lr_test"))
def test_wald_and_score_tests(name):
    fixture = FIXTURES[name]
    model, X, y = fitted(fixture, "full")
    reference, atol = fixture["reference"], fixture["tolerance"]["stat_atol"]
    kept = [column.tolist() for column in np.asarray(fixture["designs"]["restricted"]["X"], float).T]
    shared = [j for j in range(X.shape[1]) if X[:, j].tolist() in kept]
    added = [f"x{j}" for j in range(X.shape[1]) if j not in shared]
    wald = model.inference(X, y).wald_test(added)
    assert abs(wald.statistic - reference["wald_chisq"]) <= atol
    assert wald.df == reference["wald_df"] == len(added)
    parameter = next(iter(model.coefs_))
    options = {**model.get_params(deep=False), "predictors": {parameter: shared}}
    restricted = type(model)(**options).fit(X, y)
    for information in (None, "observed", "expected"):  # all one, as the links are canonical
        score = score_test(restricted, model, X, y, information=information)
        assert abs(score.statistic - reference["score_rao"]) <= atol
        assert score.df == reference["lr_df"]
