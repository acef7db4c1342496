"""Smooths beside mgcv, random intercepts beside lme4 and glmmTMB: `tests/reference/terms` has the fits and the script."""

from __future__ import annotations

import json

import numpy as np
import pytest
from _reference import FOLDER
from scipy import linalg

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.predictors import Groups, Smooth

REFERENCE = json.loads((FOLDER / "terms" / "fits.json").read_text())
DATA = {name: np.array(values, float) for name, values in REFERENCE["data"].items()}
X = np.column_stack([DATA[name] for name in ("x", "z", "g", "treated")])
PLAIN = [Smooth(0, 20)]
# reference: law, parameter, terms, plain columns, target
SMOOTHS = {
    "poisson": ("poisson", "mean", PLAIN, [], "poisson"),
    "negative_binomial": ("negative_binomial", "mean", PLAIN, [], "negative_binomial"),
    "gamma": ("gamma", "mean", PLAIN, [], "gamma"),
    "beta": ("beta", "mean", PLAIN, [], "beta"),
    "normal": ("normal", "loc", PLAIN, [], "normal"),
    "ordinal": ("ordinal", "loc", PLAIN, [], "ordinal"),
    "cyclic": ("poisson", "mean", [Smooth(0, cyclic=(0, 1))], [], "cyclic"),
    "by": ("poisson", "mean", [Smooth(0, 12), Smooth(0, 12, by=3)], [3], "by"),
    "tensor": ("poisson", "mean", [Smooth([0, 1], 7)], [], "tensor"),
    "groups": ("poisson", "mean", [*PLAIN, Groups(2)], [], "poisson_g"),
    "no_groups": ("poisson", "mean", [*PLAIN, Groups(2)], [], "poisson"),
    "noise": ("normal", "loc", PLAIN, [], "noise"),
    "gcv": ("normal", "loc", PLAIN, [], "normal"),
    "ubre": ("poisson", "mean", PLAIN, [], "poisson"),
}


def fitted(key):
    """The fit that a reference names, the name of its parameter and its target."""
    law, name, terms, columns, target = SMOOTHS[key]
    estimator = MLEClassifier if law == "ordinal" else MLERegressor
    alpha = "reml" if REFERENCE["smooths"][key]["method"] == "REML" else "gcv"
    model = estimator(law, penalties={name: terms}, predictors={name: columns}, alpha=alpha)
    return model.fit(X, DATA[target]), name, DATA[target]


def assert_close_in_sds(found, expected, share):
    """Linear predictors, but for a constant where thresholds hold it."""
    assert np.abs(found - expected).max() < share * np.std(expected)


@pytest.mark.parametrize("key", SMOOTHS)
def test_smooths_are_those_of_mgcv(key):
    expected = REFERENCE["smooths"][key]
    model, name, _ = fitted(key)
    assert model.converged_
    found = np.log(list(model.penalties_[name].values()))
    ends = np.atleast_1d(expected["log_penalties"])
    finite = ends < 9  # a straight line: the criterion is flat
    np.testing.assert_allclose(found[finite], ends[finite], atol=0.02)
    assert (found[~finite] > 9).all()
    edf = np.sum(np.atleast_1d(expected["edf"])) - (key == "by")  # mgcv counts the coefficient of `treated` in
    assert sum(model.edf_[name].values()) == pytest.approx(edf, abs=0.03)
    eta, other = model.fit_.eta(model.read_rows(X))[name], np.array(expected["eta"])
    shift = np.mean(eta - other) if key == "ordinal" else 0.0
    assert_close_in_sds(eta - shift, other, 0.01)


def test_smooths_of_location_and_scale_are_those_of_mgcv():
    expected = REFERENCE["smooths"]["location_scale"]
    terms = {"loc": Smooth(0, 20), "scale": Smooth(1, 20)}
    model = MLERegressor(penalties=terms, predictors={"loc": [], "scale": []}, alpha="reml").fit(X, DATA["location_scale"])
    found = np.log([next(iter(one.values())) for one in model.penalties_.values()])
    np.testing.assert_allclose(found, expected["log_penalties"], atol=0.1)
    eta = model.fit_.eta(model.read_rows(X))
    assert_close_in_sds(eta["loc"], expected["eta"], 0.02)
    assert_close_in_sds(eta["scale"], expected["eta_scale"], 0.02)


@pytest.mark.parametrize("key", ["poisson", "normal", "gamma", "negative_binomial", "beta"])
def test_standard_errors_are_those_of_mgcv(key):
    model, _, y = fitted(key)
    what = {"normal": "loc"}.get(key, "mean")
    table = model.inference(X, y, cov="expected").predict(X, what)  # as mgcv has it
    link = model.likelihood_.layout[what].link
    slope = link.inverse_derivatives(np.array(REFERENCE["smooths"][key]["eta"]))[1]
    error = np.array(REFERENCE["smooths"][key]["se"]) * slope
    np.testing.assert_allclose(table["std err"], error, rtol=0.01)


@pytest.mark.parametrize("key", REFERENCE["random"])
def test_random_intercepts_are_those_of_lme4_and_glmm_tmb(key):
    expected, law = REFERENCE["random"][key], key.removesuffix("_g")
    name = "loc" if law == "normal" else "mean"
    model = MLERegressor(law, penalties={name: Groups(2)}, predictors={name: [0]}, alpha="reml").fit(X, DATA[key])
    sd = model.penalties_[name]["groups(x2)"] ** -0.5
    assert sd == pytest.approx(expected["sd"], rel=1e-4 if law == "normal" else 0.02)
    assert_close_in_sds(model.fit_.eta(model.read_rows(X))[name], np.array(expected["eta"]), 0.01)
    np.testing.assert_allclose([model.intercepts_[name], model.coef_[0]], expected["fixed"], atol=1e-3)


@pytest.mark.parametrize("key", ["groups", "no_groups", "noise"])
def test_tests_of_terms_are_those_of_mgcv(key):
    expected = REFERENCE["smooths"][key]
    model, _, y = fitted(key)
    table = model.inference(X, y).terms()
    np.testing.assert_allclose(table["chi2"][-1], np.ravel(expected["statistic"])[-1], rtol=0.03)
    np.testing.assert_allclose(table["p"][-1], np.ravel(expected["p"])[-1], atol=0.01)
    np.testing.assert_allclose(table["edf"], expected["edf"], atol=0.02)


@pytest.mark.parametrize("case", [0, 2, 5, 6, 9])
def test_tests_of_smooths_are_those_of_mgcv_whatever_the_signs_of_eigenvectors(case, monkeypatch):
    expected = json.loads((FOLDER / "terms" / "tests.json").read_text())["cases"][case]
    X, y = np.array(expected["x"])[:, None], np.array(expected["y"])
    inference, eigh = MLERegressor("poisson", penalties=Smooth(0), alpha="reml").fit(X, y).inference(X, y), linalg.eigh
    rng = np.random.default_rng(0)

    def signed(matrix):  # of every decomposition, as the same signs in all may cancel
        values, vectors = eigh(matrix)
        return values, vectors * rng.choice([1.0, -1.0], len(values))

    monkeypatch.setattr(linalg, "eigh", signed)
    for _ in range(4):
        table = inference.terms()
        np.testing.assert_allclose(table["edf"], expected["edf"], atol=0.03)
        np.testing.assert_allclose(table["chi2"], expected["chi2"], rtol=0.01)
        np.testing.assert_allclose(table["p"], expected["p"], atol=0.004)
