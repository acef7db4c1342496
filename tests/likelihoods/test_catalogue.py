"""Fits by R of the catalogue's laws and wrappers, repeated with default settings."""

from __future__ import annotations

import numpy as np
import pytest
from _catalogue import CASES, fit
from _reference import FOLDER, LAWS, load, numbers

from sk_mle import MLEClassifier
from sk_mle.likelihoods import Ordinal

NAMES = [path.stem for path in sorted(FOLDER.glob("*.json"))]
FITS = [n for n in NAMES if load(n)["kind"] == "mle" and load(n)["likelihood"]["name"] in CASES.keys() - LAWS.keys()]


@pytest.mark.parametrize("name", FITS)
def test_fit_equals_the_reference(name):
    fixture = load(name)
    model, found = fit(fixture)
    reference, tolerance = fixture["reference"], fixture["tolerance"]
    assert model.converged_
    assert abs(model.loglikelihood_ - reference["loglik"]) <= tolerance["loglik_atol"]
    assert model.n_params_ == reference["df"]
    value = numbers([p["value"] for p in reference["params"]])
    if "coef_rtol" in tolerance:
        np.testing.assert_allclose(found, value, rtol=tolerance["coef_rtol"])
        return
    error = numbers(fixture["crosscheck"].get("refined_se_observed") or [p["se"] for p in reference["params"]])
    error = np.where(np.isfinite(error), error, np.maximum(np.abs(value), 1e-8))
    assert np.max(np.abs(found - value) / error) <= tolerance.get("coef_atol_in_se", 1e-5)
    refined = numbers(fixture["crosscheck"]["refined_params"])
    assert np.max(np.abs(found - refined) / error) <= 1e-5


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("ordinal_")])
def test_ordered_classes(name):
    fixture = load(name)
    said, data, reference = fixture["likelihood"], fixture["data"], fixture["reference"]
    blocks = [np.asarray(fixture["designs"][component]["X"], float) for component in fixture["designs"]]
    p, q = blocks[0].shape[1], sum(block.shape[1] for block in blocks)
    scale = {"scale": list(range(p, q))} if len(blocks) > 1 else {}
    law = Ordinal(distribution=said["links"]["loc"], scale=None if scale else 1.0)
    model = MLEClassifier(law, predictors={"loc": list(range(p)), **scale})
    model.fit(np.hstack(blocks), np.asarray(data["y"]), sample_weight=data.get("weights"))
    found = {
        "threshold": model.likelihood_.cutpoints(model.intercepts_),
        "loc": model.coefs_["loc"],
        "log_scale": model.coefs_.get("scale", []),
    }
    value = numbers([p["value"] for p in reference["params"]])
    error = numbers(fixture["crosscheck"].get("refined_se_observed") or [p["se"] for p in reference["params"]])
    order = dict.fromkeys(p["component"] for p in reference["params"])
    estimates = np.concatenate([np.ravel(found[component]) for component in order])
    assert np.max(np.abs(estimates - value) / error) <= fixture["tolerance"].get("coef_atol_in_se", 1e-5)
    assert abs(model.loglikelihood_ - reference["loglik"]) <= fixture["tolerance"]["loglik_atol"]


def test_every_reference_is_used():
    """Each file is a case of a table, or stands by its name in a test."""
    text = "".join(path.read_text() for path in FOLDER.parent.rglob("test_*.py"))
    for name in NAMES:
        fixture = load(name)
        tabled = fixture["kind"] == "mle" and fixture["likelihood"]["name"] in CASES.keys() | LAWS.keys() | {"ordinal"}
        kinds = ("nist_lls", "nist_nls", "robust_covariance", "profile_ci", "lr_test")  # see test_reference.py, test_nist.py
        assert tabled or fixture["kind"] in kinds or name in text, name
