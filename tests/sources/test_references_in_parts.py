"""Every law and the reference fits of R, Stata and NIST on uneven parts: the fits and standard errors of rows in memory."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from _inference import repeat
from _parts import cut
from _reference import FOLDER, load
from numpy.testing import assert_allclose
from sklearn.base import clone
from test_sweep import LAWS_AND_WRAPPERS, name

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.datasets import make_mle_regression

N = 500
WEIGHT = np.random.default_rng(0).integers(0, 3, N).astype(float)
FITS = [path.stem for path in sorted(FOLDER.glob("*.json")) if load(path.stem)["kind"] == "mle"]
UNUSUAL = ["sm_randhie_poisson", "illcond_poisson_discoveries"]  # without data inside; of a condition number of 5e8


def assert_same_fits(model, X, y, weight, rtol=1e-9):
    """The fit of a model in memory, one row in a part and none in another, with only some of the rows in memory."""
    n = X.shape[0]
    given = (X, y) if weight is None else (X, y, weight)
    source = cut(*given, at=(0, 1, 1 + n // 4, 1 + n // 2), rows_of_sample=max(3 * n // 5, 10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of edges, in memory as well
        whole, parts = clone(model).fit(X, y, sample_weight=weight), clone(model).fit(source, None)
    assert parts.converged_ == whole.converged_
    for parameter, value in whole.coefs_.items():
        size = max(np.abs(value).max(initial=0.0), np.abs(whole.intercepts_[parameter]).max())
        assert_allclose(parts.coefs_[parameter], value, rtol=rtol, atol=1e-2 * rtol * size)
        assert_allclose(parts.intercepts_[parameter], whole.intercepts_[parameter], rtol=rtol, atol=1e-2 * rtol * size)
    figures = ("loglikelihood_", "aic_", "aicc_", "bic_")
    assert_allclose(*([getattr(one, figure) for figure in figures] for one in (parts, whole)), rtol=1e-10)
    expected, found = errors_of(whole, X, y, sample_weight=weight), errors_of(parts, source, None)
    if isinstance(expected, str):
        assert found == expected
    else:
        assert_allclose(found, expected, rtol=1e-9)


def errors_of(model, *data, **options):
    """Standard errors, or why there are none."""
    try:
        return model.inference(*data, **options).bse
    except ValueError as error:
        return str(error)


@pytest.mark.exhaustive
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weights"])
@pytest.mark.parametrize("law", LAWS_AND_WRAPPERS, ids=name)
def test_every_law(law, weight):
    data = make_mle_regression(law, n_samples=N, n_features=2, random_state=1)
    assert_same_fits((MLEClassifier if law.target_type == "classes" else MLERegressor)(law), data.X, data.y, weight)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", [case for case in FITS if case not in UNUSUAL])
def test_reference_fits(case):
    fit = repeat(case)
    weight = None if fit.sample_weight is None else np.asarray(fit.sample_weight, float)
    assert_same_fits(fit.model, np.asarray(fit.X), np.asarray(fit.y), weight)
