"""Columns in their roles: predictors, offset and exposure; and the estimators inside scikit-learn's machinery."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.class_weight import compute_sample_weight

from sk_mle import MLEClassifier, MLERegressor, predict_dist
from sk_mle.datasets import make_mle_regression
from sk_mle.likelihoods import LAWS, Beta, Gamma, Laplace, NegativeBinomial, Normal, Poisson, StudentT

RNG = np.random.default_rng(3)
N = 400
FRAME = pd.DataFrame(RNG.normal(size=(N, 3)), columns=["age", "size", "rate"])
FRAME["hours"] = RNG.uniform(0.5, 4, N)
X = FRAME.to_numpy()
Y = 1 + X[:, 0] - 2 * X[:, 1] + np.exp(0.4 * X[:, 1] - 0.3 * X[:, 2]) * RNG.normal(size=N)
COUNTS = RNG.poisson(FRAME["hours"] * np.exp(0.3 + 0.5 * FRAME["age"])).astype(float)
LABELS = np.array(["no", "yes"])[(RNG.uniform(size=N) < 0.3 + 0.2 * np.tanh(X[:, 0])).astype(int)]

INPUTS = {"numpy": X, "pandas": FRAME, "polars": pl.DataFrame(X, schema=list(FRAME.columns)), "sparse": sparse.csr_array(X)}
NAMED = {kind for kind in ("pandas", "polars") if hasattr(StandardScaler().fit(INPUTS[kind]), "feature_names_in_")}
SPECS = {
    "all": ("all", [0, 1, 2, 3]),
    "intercept": ("intercept", []),
    "empty": ([], []),
    "one index": (2, [2]),
    "indices": ([2, 0], [2, 0]),
    "negative": ([-1, 1], [3, 1]),
    "array": (np.array([1, 2]), [1, 2]),
    "tuple": ((1, 2), [1, 2]),
    "slice": (slice(1, 3), [1, 2]),
    "slice from the end": (slice(-1, None), [3]),
    "mask": ([False, True, True, False], [1, 2]),
    "mask array": (np.array([True, False, False, True]), [0, 3]),
    "names": (["rate", "age"], [2, 0]),
    "one name": ("rate", [2]),
    "index of names": (pd.Index(["age", "rate"]), [0, 2]),
    "names and indices": (["rate", 0], [2, 0]),
    "selector": (make_column_selector(pattern="size|rate"), [1, 2]),
    "callable": (lambda X: list(range(X.shape[1] - 2)), [0, 1]),
}
NEED_NAMES = {"names", "one name", "index of names", "names and indices", "selector"}
CHOICES = [(kind, spec) for kind in INPUTS for spec in SPECS if kind in NAMED or spec not in NEED_NAMES]


@pytest.mark.parametrize(("kind", "spec"), [pair for pair in CHOICES if pair != ("polars", "selector")])  # needs iloc
def test_predictors(kind, spec):
    given, index = SPECS[spec]
    model = MLERegressor(predictors={"scale": given}).fit(INPUTS[kind], Y)
    expected = np.asarray(FRAME.columns[index] if kind in NAMED else index)
    assert_array_equal(model.predictors_["scale"], expected)
    assert_array_equal(model.predictors_["loc"], FRAME.columns if kind in NAMED else range(4))
    assert hasattr(model, "feature_names_in_") == (kind in NAMED)
    assert model.n_features_in_ == 4
    assert model.coefs_["scale"].shape == (len(index),)
    plain = MLERegressor(predictors={"scale": sorted(index)}).fit(X, Y)
    assert_allclose(model.coefs_["scale"], plain.coefs_["scale"][np.argsort(np.argsort(index))], rtol=1e-6, atol=1e-9)
    by_hand = np.exp(model.intercepts_["scale"] + X[:, index] @ model.coefs_["scale"])
    assert_allclose(model.predict_params(INPUTS[kind])["scale"], by_hand, rtol=1e-10)
    assert model.n_params_ == 6 + len(index)


def test_predictors_of_the_first_parameter():
    model = MLERegressor(predictors={"loc": ["size"]}).fit(FRAME, Y)
    assert_allclose(model.coef_, MLERegressor().fit(FRAME[["size"]], Y).coef_, rtol=1e-8)
    plain = MLERegressor(predictors={"loc": "intercept"}).fit(FRAME, Y)
    assert plain.coef_.shape == (0,)
    assert_allclose(plain.predict(FRAME), Y.mean())
    assert MLERegressor(predictors="intercept").fit(FRAME, Y).coef_.shape == (0,)  # no dict: meant for the first parameter


def test_fit_intercept():
    model = MLERegressor(predictors={"scale": [1]}, fit_intercept=False).fit(X, Y)
    assert model.intercepts_ == {"loc": 0.0, "scale": 0.0}
    assert_allclose(MLERegressor(fit_intercept=False).fit(X, Y).coef_, np.linalg.lstsq(X, Y)[0], rtol=1e-8)
    assert MLERegressor(fit_intercept=False).fit(X, Y).intercepts_["scale"] != 0  # modelled on nothing else


@pytest.mark.parametrize(("law", "coefs"), [
    (Normal(), {"loc": [1, -2, 0.5], "scale": [0.4, 0, -0.3]}),
    (StudentT(df=5), {"loc": [1, -2, 0.5], "scale": [0.4, 0, -0.3]}),
    (Laplace(), {"loc": [1, -2, 0.5], "scale": [0.4, 0, -0.3]}),
    (Gamma(), {"mean": [0.5, -0.3, 0], "shape": [0.3, 0.2, -0.3]}),
    (NegativeBinomial(), {"mean": [0.5, -0.3, 0], "dispersion": [0.4, 0, -0.4]}),
    (Beta(), {"mean": [0.5, -0.3, 0], "precision": [0.4, 0, -0.4]}),
])  # fmt: skip
def test_simulated_coefficients_are_recovered(law, coefs):
    intercepts = dict.fromkeys(coefs, 0.7)
    X, y, *_ = make_mle_regression(law, 20_000, 3, coefs=coefs, intercepts=intercepts, random_state=1)
    y = np.clip(y, 1e-300, 1 - 1e-16) if isinstance(law, Beta) else y
    model = MLERegressor(law, predictors=dict.fromkeys(coefs, "all")).fit(X, y)
    assert model.converged_
    for name in coefs:
        assert_allclose(model.coefs_[name], coefs[name], atol=0.06)
        assert_allclose(model.intercepts_[name], 0.7, atol=0.06)


# ---- offset and exposure ---------------------------------------------------------------------------------------------

POISSON = MLERegressor(Poisson(), exposure="hours", predictors={"mean": ["age"]})


@pytest.mark.parametrize("column", ["hours", 3, -1, np.int64(3), {"mean": "hours"}, {"mean": 3}])
def test_exposure_is_the_offset_of_its_logarithm(column):
    model = MLERegressor(Poisson(), exposure=column).fit(FRAME, COUNTS)
    logged = MLERegressor(Poisson(), offset=column).fit(FRAME.assign(hours=np.log(FRAME["hours"])), COUNTS)
    assert_array_equal(model.predictors_["mean"], ["age", "size", "rate"])  # not a feature by default
    assert_allclose(model.coef_, logged.coef_)
    by_hand = FRAME["hours"] * np.exp(model.intercept_ + X[:, :3] @ model.coef_)
    assert_allclose(model.predict(FRAME), by_hand)
    assert model.loglikelihood_ == pytest.approx(stats.poisson(by_hand).logpmf(COUNTS).sum())
    assert_allclose((COUNTS - by_hand) @ X[:, :3], 0, atol=1e-5)  # the score equations


def test_offset_of_any_scalar_parameter():
    offset = FRAME["rate"].to_numpy()
    model = MLERegressor(offset={"loc": "rate", "scale": "rate"}, exposure={"scale": "hours"}).fit(FRAME, Y)
    shifted = model.predict_params(FRAME)
    assert_allclose(shifted["scale"], np.exp(model.intercepts_["scale"] + offset) * FRAME["hours"])
    assert_allclose(shifted["loc"], model.intercept_ + X[:, :2] @ model.coef_ + offset)
    assert_array_equal(model.predictors_["loc"], ["age", "size"])
    weight = 1 / (np.exp(offset) * FRAME["hours"].to_numpy()) ** 2
    expected = MLERegressor().fit(X[:, :2], Y - offset, weight)
    assert_allclose([*model.coef_, model.intercept_], [*expected.coef_, expected.intercept_], rtol=1e-6)
    shape = MLERegressor(Gamma(), offset={"shape": 0}, predictors={"shape": "intercept"}).fit(X, np.exp(Y / 4))
    assert_allclose(shape.predict_params(X)["shape"], np.exp(shape.intercepts_["shape"] + X[:, 0]))


def test_offset_may_also_be_a_feature_and_classifiers_have_one():
    both = MLERegressor(Poisson(), exposure="hours", predictors={"mean": ["age", "hours"]}).fit(FRAME, COUNTS)
    assert_array_equal(both.predictors_["mean"], ["age", "hours"])
    model = MLEClassifier(offset="rate").fit(FRAME, LABELS)
    assert model.coef_.shape == (1, 3)
    assert_allclose(model.decision_function(FRAME), X[:, [0, 1, 3]] @ model.coef_[0] + model.intercept_ + X[:, 2])
    assert_allclose((model.predict_proba(FRAME)[:, 1] - (LABELS == "yes")) @ X[:, [0, 1, 3]], 0, atol=1e-5)


def test_exposure_survives_pipelines_and_searches():
    direct = POISSON.fit(FRAME, COUNTS)
    steps = [("s", StandardScaler(), ["age", "size"])]
    scaled = ColumnTransformer(steps, remainder="passthrough", verbose_feature_names_out=False)
    pipe = make_pipeline(scaled, clone(POISSON)).set_output(transform="pandas").fit(FRAME, COUNTS)
    assert_allclose(pipe.predict(FRAME), direct.predict(FRAME), rtol=1e-7)
    unnamed = ColumnTransformer([("p", PolynomialFeatures(1, include_bias=False), [0]), ("e", "passthrough", [3])])
    by_index = make_pipeline(unnamed, MLERegressor(Poisson(), exposure=1)).fit(X, COUNTS)
    assert_allclose(by_index.predict(X), direct.predict(FRAME), rtol=1e-7)
    cv = KFold(4)
    search = GridSearchCV(pipe, {"mleregressor__alpha": [0.0, 10.0]}, cv=cv).fit(FRAME, COUNTS)
    assert search.best_params_ == {"mleregressor__alpha": 0.0}
    assert_allclose(search.predict(FRAME), direct.predict(FRAME), rtol=1e-7)
    predicted, scores = cross_val_predict(pipe, FRAME, COUNTS, cv=cv), cross_validate(pipe, FRAME, COUNTS, cv=cv)
    for (train, test), score in zip(cv.split(FRAME), scores["test_score"], strict=True):
        part = clone(POISSON).fit(FRAME.iloc[train], COUNTS[train])
        assert_allclose(predicted[test], part.predict(FRAME.iloc[test]), rtol=1e-7)
        assert score == pytest.approx(stats.poisson(predicted[test]).logpmf(COUNTS[test]).mean())


# ---- searches, routing, weights ---------------------------------------------------------------------------------------


def test_search_over_laws_and_their_parameters():
    y = X @ [1, -1, 0.5, 0] + stats.t(3).rvs(N, random_state=0)
    laws = GridSearchCV(MLERegressor(), {"likelihood": [Normal(), StudentT(df=3), "laplace"]}, cv=3).fit(X, y)
    assert repr(laws.best_params_["likelihood"]) == "StudentT(df=3)"
    df = GridSearchCV(MLERegressor(StudentT()), {"likelihood__df": [0.5, 3, 1000.0]}, cv=3).fit(X, y)
    assert df.best_params_ == {"likelihood__df": 3}
    assert df.best_estimator_.likelihood_.df == 3
    alpha = GridSearchCV(MLERegressor(), {"alpha": [0.0, 100.0, {"loc": 1.0}]}, cv=3).fit(X, y)
    assert alpha.best_params_ == {"alpha": 0.0}
    scale = GridSearchCV(MLERegressor(), {"predictors": [None, {"scale": [1, 2]}, {"scale": [0]}]}, cv=3).fit(X, Y)
    assert scale.best_params_ == {"predictors": {"scale": [1, 2]}}
    assert scale.best_score_ > cross_val_score(MLERegressor(), X, Y, cv=3).mean()


def test_set_params_reaches_the_law():
    model = MLERegressor(StudentT()).set_params(likelihood__df=4, alpha=0.1)
    assert model.get_params()["likelihood__df"] == 4
    assert set(model.fit(X, Y).coefs_) == {"loc", "scale"}
    assert set(model.set_params(likelihood__df=None).fit(X, Y).coefs_) == {"loc", "scale", "df"}
    copy = clone(model)
    assert copy.likelihood is not model.likelihood
    assert not hasattr(copy, "coefs_")


@pytest.mark.parametrize(("model", "y"), [(MLERegressor(StudentT(df=4)), Y), (MLEClassifier(), LABELS)])
def test_metadata_routing_of_weights(model, y):
    weight = RNG.integers(0, 3, N).astype(float)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(model).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        cv = KFold(3)
        found = cross_validate(routed, X, y, cv=cv, params={"sample_weight": weight})["test_score"]
        search = GridSearchCV(routed, {"alpha": [0.0]}, cv=cv).fit(X, y, sample_weight=weight)
    for (train, test), score in zip(cv.split(X), found, strict=True):
        part = clone(model).fit(X[train], y[train], weight[train])
        assert part.score(X[test], y[test], weight[test]) == pytest.approx(score, rel=1e-6)
    assert_allclose(search.best_estimator_.coef_, clone(model).fit(X, y, weight).coef_, rtol=1e-6)
    repeated = clone(model).fit(np.repeat(X, weight.astype(int), axis=0), np.repeat(y, weight.astype(int)))
    assert_allclose(search.best_estimator_.coef_, repeated.coef_, rtol=1e-6)


@pytest.mark.parametrize("y", [LABELS, np.digitize(X[:, 0] + RNG.logistic(size=N), [-1, 2])])
@pytest.mark.parametrize("class_weight", ["balanced", "dict"])
def test_class_weight_is_a_sample_weight(y, class_weight):
    class_weight = dict(zip(np.unique(y), [2.0, 0.5, 3.0], strict=False)) if class_weight == "dict" else class_weight
    own = RNG.uniform(size=N)
    model = MLEClassifier(class_weight=class_weight).fit(X, y, own)
    classes, codes = np.unique(y, return_inverse=True)
    mass = np.bincount(codes, weights=own)
    each = (mass.sum() / (len(classes) * mass))[codes] if class_weight == "balanced" else compute_sample_weight(class_weight, y)
    plain = MLEClassifier().fit(X, y, own * each)
    assert_allclose(model.coef_, plain.coef_, rtol=1e-10)


# ---- life of an estimator: every law ---------------------------------------------------------------------------------


def fitted(name, n=300, **parameters):
    law = LAWS[name]()
    X, y, *_ = make_mle_regression(law, n, 3, random_state=2)
    if law.target_type == "classes":
        return MLEClassifier(law, **parameters).fit(X, y), X, y
    return MLERegressor(law, predictors={law.layout.free[-1]: "all"}, **parameters).fit(X, y), X, y


KINKED = [name for name, law in LAWS.items() if not law.smooth]
PAIRS = [(name, solver) for name in LAWS for solver in ("auto", "lbfgs") if solver == "auto" or name not in KINKED]


@pytest.mark.parametrize(("name", "solver"), PAIRS)
def test_warm_start(name, solver):
    tol = 1e-8 if solver == "auto" else 1e-7  # L-BFGS of scipy ends where rounding of the values hides what is left to gain
    model, X, y = fitted(name, warm_start=True, solver=solver, tol=tol)
    coefs = {key: value.copy() for key, value in model.coefs_.items()}
    again = model.fit(X, y)
    assert again.n_iter_ <= (2 if name not in KINKED else 30)  # its path to the vertex starts anew
    for key, value in coefs.items():
        assert_allclose(again.coefs_[key], value, rtol=1e-5, atol=1e-6)
    assert again.fit(X[:, :2], y).converged_  # another shape: a fresh start
    first = y if y.ndim == 1 else y[:, 0]
    assert again.set_params(likelihood=None, predictors=None).fit(X, first).converged_  # another law


@pytest.mark.parametrize("name", LAWS)
def test_pickle_clone_and_repr(name):
    model, X, y = fitted(name)
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict(X), model.predict(X))
    assert_array_equal(restored.score_samples(X, y), model.score_samples(X, y))
    assert_allclose(clone(model).fit(X, y).coef_, model.coef_, rtol=0, atol=0)
    assert type(model).__name__ in estimator_html_repr(model)
    assert LAWS[name].__name__ in repr(model)


@pytest.mark.parametrize(("name", "n"), [*((name, 25_000) for name in LAWS), ("poisson", 100_000)])
def test_nothing_of_the_size_of_the_data_is_kept(name, n):
    """A byte per row would be too much; the last fit begins on a sample of the rows."""
    model, *_ = fitted(name, n=n, tol=0.1)
    assert len(pickle.dumps(model)) < 20_000


# ---- predictive distributions from wrappers --------------------------------------------------------------------------


def test_predict_dist_through_wrappers():
    pipe = make_pipeline(StandardScaler(), MLERegressor(StudentT(df=4), predictors={"scale": [1, 2]})).fit(X, Y)
    plain = MLERegressor(StudentT(df=4), predictors={"scale": [1, 2]}).fit(X, Y).predict_dist(X)
    search = GridSearchCV(pipe, {"mleregressor__alpha": [0.0]}, cv=2).fit(X, Y)
    for model in (pipe, search):
        assert_allclose(predict_dist(model, X).logpdf(Y), plain.logpdf(Y), rtol=1e-6)
    assert_allclose(pipe.predict(X, output="std"), plain.std(), rtol=1e-6)
    assert_allclose(pipe.predict(X, output="interval", coverage=0.5), np.stack(plain.interval(0.5), axis=1), rtol=1e-5)


@pytest.mark.parametrize("base", [MLERegressor(), make_pipeline(StandardScaler(), MLERegressor())])
def test_predict_dist_of_a_transformed_target_is_lognormal(base):
    y, rows, q = np.exp(Y / 4), X[:8], np.array([0.001, 0.2, 0.5, 0.9, 0.9999])[:, None]
    model = TransformedTargetRegressor(base, func=np.log, inverse_func=np.exp).fit(X, y)
    dist, inner = predict_dist(model, rows), predict_dist(model.regressor_, rows)
    expected = stats.lognorm(inner.params["scale"], scale=np.exp(inner.params["loc"]))
    grid = np.array([1e-3, 0.1, 1.0, 5.0, 100.0])[:, None]
    for method in ("pdf", "logpdf", "cdf", "sf", "logcdf", "logsf"):
        assert_allclose(getattr(dist, method)(grid), getattr(expected, method)(grid), rtol=1e-6, atol=1e-300, err_msg=method)
    assert_allclose(dist.ppf(q), expected.ppf(q), rtol=1e-9)
    for method in ("mean", "var", "std", "median", "entropy"):
        assert_allclose(getattr(dist, method)(), getattr(expected, method)(), rtol=1e-6, err_msg=method)
    assert_allclose(dist.interval(0.8), expected.interval(0.8), rtol=1e-9)
    assert_array_equal(dist[3].ppf(0.3), dist.ppf(0.3)[3])
    assert_array_equal(dist.rvs(5, random_state=1), np.exp(inner.rvs(5, random_state=1)))
    falling = TransformedTargetRegressor(base, func=lambda v: -np.log(v), inverse_func=lambda v: np.exp(-v)).fit(X, y)
    turned = predict_dist(falling, rows)
    for method, at in (("logpdf", grid), ("cdf", grid), ("logsf", grid), ("ppf", q)):
        assert_allclose(getattr(turned, method)(at), getattr(expected, method)(at), rtol=1e-5, err_msg=method)
