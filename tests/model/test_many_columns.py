"""Hundreds of columns: coordinates in single precision, rows that are rotated by way of their products, separation."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import linalg
from scipy.special import expit
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from sk_mle import MLEClassifier, MLERegressor
from sk_mle._model import moments
from sk_mle._model.data import Data
from sk_mle.exceptions import SeparationWarning
from sk_mle.likelihoods import Normal, Ordinal, Poisson

N, P = 2000, 150
RNG = np.random.default_rng(7)
X = RNG.normal(size=(N, P))
ETA = X @ RNG.normal(size=P) / np.sqrt(P)


@pytest.mark.parametrize("correlation", [0.9, 0.999, 0.99999])
@pytest.mark.parametrize("n", [N, P + 50, P - 1, 40])
def test_correlated_columns(n, correlation):
    common = RNG.normal(size=(n, 1))
    A = (np.sqrt(1 - correlation) * X[:n] + np.sqrt(correlation) * common) * np.geomspace(0.01, 100, P) + 3
    y = ETA[:n] + RNG.normal(size=n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # with more columns than rows the fit is exact
        found = MLERegressor().fit(A, y)
    centred = A - A.mean(axis=0)
    expected = linalg.lstsq(centred, y - y.mean(), lapack_driver="gelsd")[0]
    error = found.coef_ - expected
    assert np.linalg.norm(centred @ error) <= 1e-7 * np.linalg.norm(centred @ expected)
    assert np.linalg.norm(error) <= 1e-6 * np.linalg.norm(expected)


@pytest.mark.parametrize("double", [0.0, 1e-5, 1.0])
def test_rows_that_nearly_repeat(double):
    """More columns than rows, of which one is another, or nearly: its rank is not told by products of rows."""
    A = X[:60].copy()
    A[1] = A[0] + double * A[1]
    y = ETA[:60].copy()
    y[1] = y[0] + double * (y[1] - y[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = MLERegressor().fit(A, y)
    expected = LinearRegression().fit(A, y)
    assert_allclose(found.coef_, expected.coef_, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("target", "correlation", "most"), [("classes", 0.0, 10), ("classes", 0.9, 7), ("normal", 0.0, 4), ("normal", 0.9, 6)]
)
def test_penalised_fits_on_more_columns_than_rows_take_few_passes(target, correlation, most):
    """Their Hessian at the start, inverted by products of rows, leads further than a first step along the gradient."""
    n, p, alpha = 300, 1200, 0.01
    rng = np.random.default_rng(0)
    A = np.sqrt(1 - correlation) * rng.normal(size=(n, p)) + np.sqrt(correlation) * rng.normal(size=(n, 1))
    eta = A @ rng.normal(size=p) / np.sqrt(p)
    if target == "classes":
        y, model = (rng.uniform(size=n) < expit(eta)).astype(int), MLEClassifier(alpha=alpha)
        expected = LogisticRegression(C=1 / (alpha * n), tol=1e-10, max_iter=10_000)
    else:
        y, model = eta + rng.normal(size=n), MLERegressor(Normal(scale=1.0), alpha=alpha)
        expected = Ridge(alpha=alpha * n)
    found = model.fit(A, y)
    assert_allclose(np.ravel(found.coef_), np.ravel(expected.fit(A, y).coef_), rtol=1e-5, atol=1e-6)
    assert found.optimize_result_.n_passes <= most


GROUP = np.arange(N) < 7
RARE = np.column_stack([X[:, :-1], GROUP])
CASES = {
    "classes": (MLEClassifier(), (RNG.logistic(size=N) < ETA).astype(int), 1),
    "several classes": (MLEClassifier(), np.argmax(2 * X[:, :3] + RNG.gumbel(size=(N, 3)), axis=1), 2),
    "ordered classes": (MLEClassifier(Ordinal()), np.digitize(ETA + RNG.logistic(size=N), [-1.0, 1.0]), 2),
    "counts": (MLERegressor(Poisson()), RNG.poisson(np.exp(ETA)), 0),
}


@pytest.mark.parametrize("case", CASES)
def test_a_rare_group_is_found_to_be_separated(case):
    model, y, edge = CASES[case]
    y = np.where(GROUP, edge, y)
    with pytest.warns(SeparationWarning, match=f"along column {P - 1} the"):
        model.fit(RARE, y)
    y[:2] = (1, 1) if edge == 0 else (0, 1)
    assert model.fit(RARE, y).converged_
    assert model.fit(X, y).converged_


def uncorrelated(columns, weight=None) -> bool:
    weight = np.ones(len(columns)) if weight is None else weight
    return moments.are_nearly_uncorrelated(Data(columns, np.zeros(len(columns)), weight, {}), True)


@pytest.fixture
def sampled(monkeypatch):
    """Few columns suffice to look at a sample of 80 rows first, then at one of 240."""
    monkeypatch.setattr(moments, "MIN_SAMPLED_COLUMNS", 100)
    monkeypatch.setattr(moments, "MIN_ROWS_PER_COLUMN", 10)
    monkeypatch.setattr(moments, "ROWS_OF_SAMPLE", 80)


def test_a_sample_tells_that_columns_are_nearly_uncorrelated(sampled):
    columns = X[:, :120]
    assert uncorrelated(1e3 + columns * np.geomspace(1e-5, 1e5, 120))
    assert not uncorrelated(columns, 1.0 + np.arange(N))
    assert not uncorrelated(columns[:1100])  # so few rows that all their products cost little
    assert not uncorrelated(0.9 * columns + 0.4 * columns[:, :1])


@pytest.mark.parametrize("last", [X[:, 3] + 1e-3 * X[:, 130], X[:, :119].sum(axis=1), np.eye(1, N, 7)[0]])
def test_columns_that_a_sample_finds_dependent_are_not_told_as_independent(sampled, last):
    """One in a hundred does not show in the sum of squared correlations."""
    columns = np.column_stack([X[:, :119], last])
    assert not uncorrelated(columns)
    y = ETA + RNG.normal(size=N)
    expected = LinearRegression().fit(columns, y)
    assert_allclose(MLERegressor().fit(columns, y).coef_, expected.coef_, atol=1e-7)


def test_fits_on_nearly_uncorrelated_columns_take_no_products_of_all_rows(sampled, monkeypatch):
    columns, y = 3 + X[:, :120], ETA + RNG.normal(size=N)
    labels = (y > 0).astype(int)
    taken = moments._dense_products
    small = []
    monkeypatch.setattr(moments, "_dense_products", lambda data, *args: small.append(args[1]) or taken(data, *args))
    after = MLERegressor().fit(columns, y), MLEClassifier().fit(columns, labels)
    assert small == [False, False]
    monkeypatch.setattr(moments, "MIN_SAMPLED_COLUMNS", 1000)
    for model, rotated in zip(after, (MLERegressor().fit(columns, y), MLEClassifier().fit(columns, labels)), strict=True):
        assert_allclose(model.coef_, rotated.coef_, atol=1e-8)
        assert model.loglikelihood_ == pytest.approx(rotated.loglikelihood_, rel=1e-12)
