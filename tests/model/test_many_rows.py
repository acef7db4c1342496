"""Fits of many rows or columns: starts from a part, curvatures known beforehand, blocks, threads and memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from joblib import cpu_count
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from sk_mle import MLEClassifier, MLERegressor
from sk_mle._model import data
from sk_mle._solvers import start, start_on_sample
from sk_mle.exceptions import SeparationWarning
from sk_mle.likelihoods import Gamma, NegativeBinomial, Normal, Poisson

RNG = np.random.default_rng(0)
N = 60_000
X = RNG.normal(size=(N, 20)) * np.geomspace(0.1, 10, 20) + 3.0
ETA = (X - X.mean(axis=0)) / X.std(axis=0) @ RNG.normal(size=20) * 0.15
WEIGHT = RNG.integers(0, 3, N).astype(float)
MEAN = np.exp(1 + ETA)
MODELS = {
    "normal": (MLERegressor(), 2 + ETA + RNG.normal(size=N)),
    "scale on X": (MLERegressor(Normal(), predictors={"scale": "all"}), ETA + np.exp(0.3 * ETA) * RNG.normal(size=N)),
    "logistic": (MLEClassifier(), (RNG.uniform(size=N) < expit(ETA - 1)).astype(int)),
    "classes": (MLEClassifier(), (ETA[:, None] * [0, 1, -1] + RNG.gumbel(size=(N, 3))).argmax(axis=1)),
    "counts": (MLERegressor(NegativeBinomial()), RNG.poisson(RNG.gamma(2, MEAN / 2)).astype(float)),
    "penalty": (MLERegressor(Poisson(), alpha=0.1), RNG.poisson(MEAN).astype(float)),
}


def whole(model, y, weight=None):
    """The same fit without a start from a part of the rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start_on_sample, "MIN_ENTRIES_FOR_SUBSAMPLE", np.inf)
        return model.fit(X, y, weight)


@pytest.fixture
def parts(monkeypatch):
    """Where the fits began: True where from a part."""
    seen, original = [], start.start_on_subsample

    def from_part(*arguments):
        found = original(*arguments)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(start, "start_on_subsample", from_part)
    return seen


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weights"])
@pytest.mark.parametrize("name", MODELS)
def test_a_start_from_a_part_ends_where_all_rows_do(name, weight, parts):
    model, y = MODELS[name]
    expected = whole(model, y, weight)
    coef, loglikelihood = expected.coef_, expected.loglikelihood_
    parts.clear()
    found = model.fit(X, y, weight)
    assert parts[-1] == (name != "normal")  # the loss is quadratic: its Hessian is known beforehand
    assert found.converged_
    np.testing.assert_allclose(found.coef_, coef, rtol=1e-7, atol=1e-9)
    assert found.loglikelihood_ == pytest.approx(loglikelihood, rel=1e-10 if model.alpha else 1e-13)
    assert found.optimize_result_.n_passes <= 15


@pytest.mark.parametrize("link", ["identity", "sqrt", "softplus"])
def test_a_quadratic_loss_with_any_link_of_its_scale(link, parts):
    model, y = MLERegressor(Normal(links={"scale": link})), MODELS["normal"][1]
    found, plain = model.fit(X, y), clone(MODELS["normal"][0]).fit(X, y)
    assert not any(parts)
    np.testing.assert_allclose(found.coef_, plain.coef_, rtol=1e-9, atol=1e-12)
    assert found.loglikelihood_ == pytest.approx(plain.loglikelihood_, rel=1e-13)


def test_classes_that_a_part_hardly_saw(parts):
    y = np.zeros(N)
    y[RNG.choice(N, 12, replace=False)] = 1
    found = MLEClassifier().fit(X, y)
    assert found.converged_
    assert found.predict_proba(X)[:, 1].mean() == pytest.approx(12 / N, rel=1e-6)


@pytest.mark.parametrize("n_seen", [3, 60])
def test_columns_that_a_part_hardly_saw(n_seen):
    A = np.column_stack([X[:, :6], np.zeros(N)])
    A[np.random.default_rng(1).choice(N, n_seen, replace=False), 6] = 1.0
    for model, y in (MODELS["counts"], MODELS["normal"]):
        found = clone(model).fit(A, y)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(start_on_sample, "MIN_ENTRIES_FOR_SUBSAMPLE", np.inf)
            expected = clone(model).fit(A, y)
        np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-7, atol=1e-9)


def test_rows_of_zero_weight_are_not_many():
    kept = RNG.choice(N, 900, replace=False)
    y = MODELS["normal"][1]
    found = MLERegressor().fit(X, y, np.isin(np.arange(N), kept).astype(float))
    np.testing.assert_allclose(found.coef_, MLERegressor().fit(X[kept], y[kept]).coef_, rtol=1e-9)


def test_many_rows_that_are_separated():
    with pytest.warns(SeparationWarning):
        model = MLEClassifier().fit(X, X[:, 3] > 3.1)
    assert not model.converged_


def test_few_rows_of_many_are_separated():
    rng, group = np.random.default_rng(0), np.zeros(100_000)
    group[rng.choice(len(group), 5, replace=False)] = 1.0
    y = np.where(group == 1, 0.0, rng.poisson(1.0, len(group)))
    with pytest.warns(SeparationWarning, match="column 1 the"):
        MLERegressor(Poisson()).fit(np.column_stack([rng.normal(size=len(group)), group]), y)


def test_results_do_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr(data, "BLOCK_BYTES", 1 << 20)  # 10 blocks
    n_used, original = set(), data._map_on_threads
    monkeypatch.setattr(data, "_map_on_threads", lambda pool, n, *args: n_used.add(n) or original(pool, n, *args))
    for model, y in MODELS.values():
        found = []
        for n_threads in (1, 2):
            with threadpool_limits(n_threads):
                found.append(model.fit(X, y).coef_.copy())
        for n_jobs in (1, 3):
            found.append(model.set_params(n_jobs=n_jobs).fit(X, y).coef_.copy())
        model.set_params(n_jobs=None)
        for other in found[1:]:
            np.testing.assert_allclose(other, found[0], rtol=1e-12, atol=1e-14)
    assert n_used == {min(2, cpu_count()), 3} - {1}


def test_memory_stays_far_below_a_copy(tmp_path):
    rows = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", shape=(300_000, 20))
    rows[:] = np.resize(X, rows.shape)
    y = np.resize(MODELS["penalty"][1], len(rows))
    model = MLERegressor(Poisson())
    model.fit(rows[:1000], y[:1000])
    tracemalloc.start()
    model.fit(rows, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * rows.nbytes  # of few rows; see benchmarks for many


LAWS = [Normal(scale=1.0), Poisson(), Gamma(shape=1.0), NegativeBinomial(dispersion=0.5), NegativeBinomial()]


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_more_columns_than_rows_with_a_penalty(law):
    A = RNG.normal(size=(60, 900)) + np.geomspace(1, 100, 900)
    A[:, 7] = 1.0
    mean = np.exp(1 + 0.02 * (A - A.mean(axis=0)) @ RNG.normal(size=900))
    y = RNG.poisson(RNG.gamma(0.5, 2 * mean)).astype(float) + isinstance(law, Gamma)
    weight = RNG.integers(0, 3, 60).astype(float)
    model = MLERegressor(law, alpha=200.0, tol=1e-9).fit(A, y, weight)
    assert model.converged_
    rotated = np.linalg.svd(A - A.mean(axis=0), full_matrices=False)[2][:-1]  # the row space, in which the solution lies
    few = MLERegressor(law, alpha=200.0, tol=1e-9).fit(A @ rotated.T, y, weight)
    np.testing.assert_allclose(model.coef_, few.coef_ @ rotated, rtol=1e-6, atol=1e-8)
    assert model.loglikelihood_ == pytest.approx(few.loglikelihood_, rel=1e-10)


def test_no_intercept_and_columns_far_from_zero():
    A = RNG.normal(size=(80, 700)) + 0.5
    y = RNG.poisson(np.exp((A - 0.5) @ RNG.normal(size=700) * 0.03)).astype(float)
    model = MLERegressor(Poisson(), alpha=0.1, fit_intercept=False).fit(A, y)
    assert model.converged_
    assert model.optimize_result_.n_passes < 40


def test_sparse_rows_are_cut_without_a_copy():
    A = sparse.random(N, 30, 0.2, format="csr", random_state=0)
    y = RNG.poisson(np.exp(A @ RNG.normal(size=30) * 0.2)).astype(float)
    dense = MLERegressor(Poisson()).fit(A.toarray(), y)
    np.testing.assert_allclose(MLERegressor(Poisson()).fit(A, y).coef_, dense.coef_, rtol=1e-8, atol=1e-10)
    kept = A.data.copy(), A.indices.copy()
    assert all(map(np.array_equal, kept, (A.data, A.indices)))


def test_nearly_dependent_columns_are_detected_in_single_precision_sums():
    A = RNG.normal(size=(3000, 80))
    A[:, 1] = A[:, 0] + 1e-6 * RNG.normal(size=3000)
    A[:, 2] += 1e3
    A[:, 3] = 2 * A[:, 4]
    y = A[:, :3] @ [1.0, 1.0, 2.0] + RNG.normal(size=3000)
    model = MLERegressor().fit(A, y)
    assert model.n_params_ == 81  # with the scale; two columns are one
    expected = np.linalg.lstsq(A - A.mean(axis=0), y - y.mean(), rcond=1e-12)[0]
    np.testing.assert_allclose(model.coef_, expected, rtol=0, atol=1e-8 * np.abs(expected).max())
