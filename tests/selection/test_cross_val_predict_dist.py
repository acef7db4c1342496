"""Out-of-fold predictive distributions: fold by fold, what a fit by hand predicts."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, KFold, LeaveOneGroupOut, ShuffleSplit, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from sk_mle import MLEClassifier, MLERegressor, censored, cross_val_predict_dist, metrics, predict_dist
from sk_mle.likelihoods import Censored, Gamma, Normal, Poisson, StudentT, Weibull

RNG = np.random.default_rng(5)
X = RNG.normal(size=(90, 2))
SIZES = RNG.gamma(2, np.exp(0.3 * X[:, 0]) / 2)
LABELS = np.array(["a", "b", "c"])[np.arange(90) % 3]
FOLDS = KFold(4, shuffle=True, random_state=0)

MODELS = {
    "regressor": (MLERegressor(Gamma(), predictors={"shape": "all"}), SIZES),
    "pipeline": (make_pipeline(StandardScaler(), MLERegressor("gamma")), SIZES),
    "transformed": (TransformedTargetRegressor(MLERegressor(), func=np.log, inverse_func=np.exp), SIZES),
    "fitted transformer": (TransformedTargetRegressor(MLERegressor(), transformer=PowerTransformer()), SIZES),
    "search": (GridSearchCV(MLERegressor(), {"alpha": [0.0, 0.5]}, cv=3), SIZES),
    "classes": (MLEClassifier(), (SIZES > 1) * 1),
    "censored": (MLERegressor(Censored(Weibull())), censored(SIZES, SIZES < 1.5)),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_row_is_predicted_by_the_fit_without_it(name):
    model, y = MODELS[name]
    dist = cross_val_predict_dist(model, X, y, cv=FOLDS)
    for train, test in FOLDS.split(X):
        by_hand = predict_dist(clone(model).fit(X[train], y[train]), X[test])
        at = np.linspace(0.5, 2.0, len(test))
        everywhere = np.full(90, np.nan)
        everywhere[test] = at
        np.testing.assert_allclose(dist.cdf(everywhere)[test], by_hand.cdf(at), rtol=1e-10)
        np.testing.assert_allclose(dist[int(test[0])].cdf(0.7), by_hand[0].cdf(0.7), rtol=1e-10)
        np.testing.assert_allclose(dist[test].logpdf(np.ceil(at)), by_hand.logpdf(np.ceil(at)), rtol=1e-10)
        grid = np.array([[0.4], [0.6]])
        np.testing.assert_allclose(dist.ppf(grid)[:, test], by_hand.ppf(grid), rtol=1e-10)


def test_scores_of_rows_and_of_all():
    dist = cross_val_predict_dist(MLERegressor("gamma"), pd.DataFrame(X, columns=["a", "b"]), SIZES)
    assert metrics.crps(SIZES, dist, per_row=True).shape == (90,)
    assert metrics.pit(SIZES, dist).shape == (90,)
    weight = RNG.integers(1, 4, 90)
    weighted = cross_val_predict_dist(MLERegressor("gamma"), X, SIZES, cv=FOLDS, sample_weight=weight)
    train, test = next(FOLDS.split(X))
    by_hand = MLERegressor("gamma").fit(X[train], SIZES[train], sample_weight=weight[train]).predict_dist(X[test])
    np.testing.assert_allclose(weighted.mean()[test], by_hand.mean(), rtol=1e-10)
    grouped = cross_val_predict_dist(MLERegressor("gamma"), X, SIZES, cv=LeaveOneGroupOut(), groups=np.arange(90) % 3)
    assert grouped.shape == (90,)


def test_what_cannot_be_joined_is_told():
    with pytest.raises(ValueError, match="must hold out every row exactly once, as KFold does"):
        cross_val_predict_dist(MLERegressor(), X, SIZES, cv=ShuffleSplit(3, random_state=0))
    laws = GridSearchCV(MLERegressor(), {"likelihood": [Normal(), StudentT(df=3)]}, cv=2)
    mixed = np.where(np.arange(90) < 45, RNG.normal(size=90), RNG.standard_t(2, 90))
    with pytest.raises(ValueError, match="where a search chose them, cross-validate each law for itself"):
        cross_val_predict_dist(laws, X, mixed, cv=KFold(2))
    rare = np.sort(LABELS)
    with pytest.raises(ValueError, match="folds see different classes: use a StratifiedKFold"):
        cross_val_predict_dist(MLEClassifier(), X, rare, cv=KFold(3))
    assert cross_val_predict_dist(MLEClassifier(), X, rare, cv=StratifiedKFold(3)).shape == (90,)


def test_progress_is_silent_unless_wanted(capsys):
    cross_val_predict_dist(MLERegressor(), X, SIZES, cv=2)
    assert capsys.readouterr().err == ""
    cross_val_predict_dist(MLERegressor(), X, SIZES, cv=2, verbose=1)
    assert "cross_val_predict_dist" in capsys.readouterr().err


def test_parameters_by_position_and_all_of_them():
    grid = {"likelihood": [Normal(), Gamma(), Poisson()], "predictors": [None, {1: "all"}, {"*": "all"}]}
    counts = RNG.poisson(SIZES) + 1.0
    search = GridSearchCV(MLERegressor(), grid, cv=3, error_score="raise").fit(X, counts)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    model = MLERegressor(StudentT(), predictors={"*": "all", 1: [0], "df": "intercept"}).fit(X, SIZES)
    assert {name: list(columns) for name, columns in model.predictors_.items()} == {"loc": [0, 1], "scale": [0], "df": []}
    assert [*MLERegressor(Poisson(), predictors={1: [0]}).fit(X, counts).predictors_["mean"]] == [0, 1]
    ridge = MLERegressor(Normal(), predictors={1: "all"}, alpha={"*": 0.1}).fit(X, SIZES)
    by_name = MLERegressor(Normal(), predictors={"scale": "all"}, alpha={"loc": 0.1, "scale": 0.1}).fit(X, SIZES)
    np.testing.assert_allclose(ridge.coefs_["scale"], by_name.coefs_["scale"])
    with pytest.raises(ValueError, match="positions count from 0"):
        MLERegressor(Normal(), predictors={-1: [0]}).fit(X, SIZES)


def test_rows_of_weight_zero_are_predicted_from_their_own_X():
    X = np.arange(8.0)[:, None]
    y = 2 * X[:, 0] + np.array([0.1, -0.2, 0.3, 0, 0.1, -0.1, 0.2, 0])
    weight = np.array([1, 1, 1, 1, 1, 1, 0, 0.0])
    mean = cross_val_predict_dist(MLERegressor(), X, y, cv=KFold(4), sample_weight=weight).mean()
    for test in (slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8)):
        used = weight > 0
        used[test] = False
        slope, intercept = np.polyfit(X[used, 0], y[used], 1)
        np.testing.assert_allclose(mean[test], intercept + slope * X[test, 0], rtol=1e-10)
    np.testing.assert_allclose(mean[6:], [11.9933, 13.9819], atol=1e-4)
