"""LikelihoodSearch: which laws it tries, how it ranks them, and that it is an estimator."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_mle import MLEClassifier, MLERegressor, predict_dist
from sk_mle import likelihoods as L
from sk_mle.likelihoods import LAWS
from sk_mle.selection import LikelihoodSearch
from sk_mle.selection._candidates import suitable

RNG = np.random.default_rng(1)
X = RNG.normal(size=(150, 2))
Y = RNG.gamma(3.0, np.exp(0.3 * X[:, 0]))


@parametrize_with_checks([LikelihoodSearch(["normal", "logistic"], cv=2), LikelihoodSearch(estimator=MLEClassifier(), cv=2)])
@pytest.mark.filterwarnings("ignore")
def test_check_estimator(estimator, check):
    check(estimator)


def names(y, estimator=None):
    return set(suitable(y, estimator or MLERegressor(), "likelihood"))


def test_candidate_laws_follow_from_the_values_of_y():
    counts, unit, zeros = np.arange(12.0), np.linspace(0.1, 0.9, 9), np.r_[0.0, 0.0, Y]
    assert {"Poisson", "NegativeBinomial", "Geometric"} <= names(counts)
    assert names(counts).isdisjoint({"Normal", "Gamma", "Beta", "Tweedie"})
    assert names(unit) == {"Beta", "Kumaraswamy", "LogitNormal", "Normal"}
    assert {"Gamma", "Weibull", "LogNormal", "Normal"} <= names(Y)
    assert names(Y).isdisjoint({"StudentT", "Beta", "Tweedie", "Poisson"})
    assert {"Normal", "StudentT", "Laplace"} <= names(X[:, 0])
    assert names(X[:, 0]).isdisjoint({"VonMises", "Gamma"})
    assert names(zeros) == {"Tweedie"}
    assert {"Gamma", "NegativeBinomial"} <= names(np.rint(Y * 100) + 20)  # a lattice that is fine
    assert names(Y, MLERegressor("cauchy")) == names(Y) - {"Normal"} | {"Cauchy"}
    assert names(np.array(["a", "b", "c"]), MLEClassifier()) == {"Categorical", "Ordinal"}
    assert any(not kind.relations.searched for kind in LAWS.values())
    with pytest.raises(ValueError, match="name the candidates"):
        names(np.c_[Y, Y])


def test_ranking_by_hand():
    laws = {"g": L.Gamma(), "n": L.Normal(), "w": L.Weibull(), "b": L.Beta()}
    search = LikelihoodSearch(laws, cv=KFold(3)).fit(X, Y)
    table = dict(zip(search.ranking_.index, search.ranking_["score"], strict=True))
    for name in ("g", "n", "w"):
        assert table[name] == pytest.approx(cross_val_score(MLERegressor(laws[name]), X, Y, cv=KFold(3)).mean(), abs=1e-9)
    assert list(search.failures_) == ["b"]
    assert "b was skipped: y must lie in (0, 1)" in str(search.ranking_)
    assert search.best_score_ == max(table.values())
    assert (np.diff(search.ranking_["score"]) <= 0).all()
    best = MLERegressor(search.best_likelihood_).fit(X, Y)
    np.testing.assert_allclose(search.predict(X), best.predict(X))
    np.testing.assert_allclose(search.predict(X, output="std"), best.predict(X, output="std"))
    np.testing.assert_allclose(search.predict_dist(X).logpdf(Y).mean(), search.score(X, Y))
    by_error = LikelihoodSearch(laws, cv=3, scoring="neg_mean_squared_error").fit(X, Y)
    assert by_error.best_score_ < 0
    assert "se" not in by_error.ranking_.columns
    with pytest.raises(ValueError, match=r"no candidate could be fitted: .*Beta"):
        LikelihoodSearch(["beta", "von_mises"]).fit(X, Y + 4)


def test_weights_are_repeated_rows():
    weight = RNG.integers(0, 3, 150)
    rows = np.repeat(np.arange(150), weight)
    splits = list(KFold(3).split(X))
    repeated = [(np.flatnonzero(np.isin(rows, train)), np.flatnonzero(np.isin(rows, test))) for train, test in splits]
    a = LikelihoodSearch(["gamma", "normal"], cv=splits).fit(X, Y, weight)
    b = LikelihoodSearch(["gamma", "normal"], cv=repeated).fit(X[rows], Y[rows])
    for label in ("score", "diff", "se"):
        np.testing.assert_allclose(a.ranking_[label], b.ranking_[label], atol=1e-6)
    assert a.score(X, Y, weight) == pytest.approx(b.score(X[rows], Y[rows]))


def test_in_and_around_pipelines(capsys):
    inner = LikelihoodSearch(["gamma", "weibull"], estimator=make_pipeline(StandardScaler(), MLERegressor()), cv=3, verbose=1)
    inner.fit(X, Y)
    assert "LikelihoodSearch: Gamma" in capsys.readouterr().out
    outer = make_pipeline(StandardScaler(), LikelihoodSearch(["gamma", "weibull"], cv=3)).fit(X, Y)
    np.testing.assert_allclose(inner.predict(X), outer.predict(X), rtol=1e-6)
    np.testing.assert_allclose(predict_dist(inner, X).mean(), predict_dist(outer, X).mean(), rtol=1e-6)
    assert is_regressor(inner)
    assert is_classifier(LikelihoodSearch(estimator=MLEClassifier()))
    scale = LikelihoodSearch(["gamma", "normal"], estimator=MLERegressor(predictors={"shape": [0]}), cv=3).fit(X, Y)
    assert "Normal" in scale.failures_
    none = LikelihoodSearch(["gamma"], cv=3, refit=False).fit(X, Y)
    assert not hasattr(none, "best_estimator_")
    assert isinstance(none.best_likelihood_, L.Gamma)
    assert clone(none).get_params()["refit"] is False


def test_candidates_that_cannot_be_read():
    for candidates, error, word in (
        ("gamma", TypeError, "list of likelihoods"),
        ([], ValueError, "empty"),
        (["gamma", "gamma"], ValueError, "twice"),
        (["gama"], ValueError, "unknown"),
    ):
        with pytest.raises(error, match=word):
            LikelihoodSearch(candidates).fit(X, Y)
    with pytest.raises(TypeError, match="no parameter 'likelihood'"):
        LikelihoodSearch(estimator=StandardScaler()).fit(X, Y)
