"""Predictions are made, and labels read, in blocks of rows: nothing shows where one ends."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sk_mle import MLEClassifier, MLERegressor
from sk_mle._estimators import classifier, fit
from sk_mle.likelihoods import Cauchy, Gamma, Normal, Ordinal

RNG = np.random.default_rng(5)
X = RNG.normal(size=(200, 3))
Y = X[:, 0] + np.exp(0.3 * X[:, 1]) * RNG.normal(size=200)
CODES = np.digitize(Y, [-0.5, 0.8])
REGRESSORS = [
    MLERegressor(Normal(), predictors={"scale": [1]}, offset=2),
    MLERegressor(Normal(scale=0.7), predictors={"loc": [0]}),
    MLERegressor("cauchy"),
    MLERegressor("gamma", exposure=2, predictors={"shape": [0, 1]}),
]


@pytest.fixture
def in_blocks(monkeypatch):
    """Blocks of seven rows from now on."""

    def apply():
        monkeypatch.setattr(fit, "ROWS_PER_BLOCK", 7)
        monkeypatch.setattr(classifier, "ROWS_PER_BLOCK", 7)

    return apply


def target(model):
    return np.exp(Y) if model.likelihood == "gamma" else Y


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("model", REGRESSORS, ids=str)
def test_a_regressor_predicts_the_same(model, kind, in_blocks):
    A = kind(np.c_[X[:, :2], np.exp(X[:, 2])])
    y = target(model)
    model.fit(A, y)
    before = [model.predict(A), model.score_samples(A, y), *model.predict_params(A).values(), model.score(A, y)]
    in_blocks()
    after = [model.predict(A), model.score_samples(A, y), *model.predict_params(A).values(), model.score(A, y)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-14, atol=1e-14)
        assert np.shape(one) == np.shape(other)


@pytest.mark.parametrize("law", [None, "bernoulli", Ordinal(categories=["low", "middle", "top"])], ids=str)
def test_a_classifier_predicts_the_same(law, in_blocks):
    y = np.array(["low", "middle", "top"])[CODES if law != "bernoulli" else CODES // 2]
    model = MLEClassifier(law, alpha=1e-3).fit(X, y)
    names = ("predict", "predict_proba", "predict_log_proba", "decision_function")
    before = [getattr(model, name)(X) for name in names]
    assert_array_equal(before[0], model.classes_[np.argmax(before[1], axis=1)])
    in_blocks()
    again = MLEClassifier(law, alpha=1e-3).fit(X, y)
    assert_array_equal(again.classes_, model.classes_)
    assert_array_equal(again.coef_, model.coef_)
    for name, value in zip(names, before, strict=True):
        found = getattr(model, name)(X)
        assert found.dtype == value.dtype
        if value.dtype.kind == "f":
            np.testing.assert_allclose(found, value, rtol=1e-13, atol=1e-13)
        else:
            assert_array_equal(found, value)


def test_messages_count_rows_from_the_first(in_blocks):
    model = MLERegressor(Gamma(links={"mean": "identity"})).fit(np.abs(X[:, :1]) + 1, np.abs(X[:, 0]) + RNG.uniform(1, 2, 200))
    away = np.ones((40, 1))
    away[[3, 31]] = -100.0
    in_blocks()
    with pytest.warns(RuntimeWarning, match=r"mean leaves its domain .* in 2 rows \(3, 31\) of X"):
        model.predict_params(away)
    model = MLEClassifier().fit(X, CODES > 0)
    y = np.resize([True, False], 200).astype(object)
    with pytest.raises(ValueError, match=r"not in the training data in row 150: 2"):
        model.score(X, np.where(np.arange(200) == 150, 2, CODES > 0))
    with pytest.raises(ValueError, match="Unknown label type"):
        model.score(X, y)
    positive = MLERegressor("poisson", exposure=1).fit(np.abs(X), CODES)
    late = np.abs(X)
    late[120, 1] = 0.0
    with pytest.raises(ValueError, match="exposure: column 1 must be positive, but is not in row 120"):
        positive.predict(late)


def test_median_replaces_only_missing_means(in_blocks):
    model = MLERegressor(Cauchy()).fit(X, Y)
    in_blocks()
    assert_array_equal(model.predict(X), model.predict_dist(X).median())


@pytest.mark.parametrize("kind", [np.asarray, lambda labels: labels.astype(object), lambda labels: labels == "b"])
def test_a_rare_class_is_found(kind):
    """Classes are looked for in some rows first."""
    n = 5000
    labels = np.full(n, "b")
    labels[1234::2000] = "a"
    labels[4321] = "c"
    labels = kind(labels)
    A = np.random.default_rng(0).normal(size=(n, 1))
    model = MLEClassifier(alpha=0.1).fit(A, labels)
    assert_array_equal(model.classes_, np.unique(labels))
    shares = [(labels == c).mean() for c in model.classes_]
    np.testing.assert_allclose(model.predict_proba(A).mean(axis=0), shares, rtol=1e-6)


def test_floats_between_whole_numbers_are_no_classes():
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        MLEClassifier().fit(X, CODES / 2)


def test_weights_of_one_are_no_weights():
    for model, y in ((MLERegressor(), Y), (MLEClassifier(), CODES > 0)):
        model.fit(X, y)
        coef, loglikelihood, score = model.coef_, model.loglikelihood_, model.score(X, y)
        np.testing.assert_allclose(model.fit(X, y, np.ones(200)).coef_, coef, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(model.loglikelihood_, loglikelihood, rtol=1e-13)
        np.testing.assert_allclose(model.score(X, y, np.ones(200)), score, rtol=1e-14)


def test_the_law_of_a_fit_is_its_own():
    law = Normal()
    model = MLERegressor(law).fit(X, Y)
    assert model.likelihood_ is not law
    law.set_params(scale=1.0)
    assert model.likelihood_.scale is None
