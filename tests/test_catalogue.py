"""Fits by R of the catalogue's laws and wrappers, repeated with default settings."""

from __future__ import annotations

import numpy as np
import pytest
from _catalogue import CASES, fit
from _reference import FOLDER, LAWS, load, numbers

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
