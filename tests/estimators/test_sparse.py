"""`l1_ratio=`: coefficients that are exactly zero, and paths of penalties."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from _laws import UserGumbel
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.likelihoods import Gamma, NegativeBinomial, Normal, Poisson, StudentT, Weibull, ZeroInflated


@pytest.mark.exhaustive
@parametrize_with_checks(
    [MLEClassifier("bernoulli", alpha=0.01, l1_ratio=1.0), MLERegressor("poisson", alpha=0.01, l1_ratio=0.5)]
)
@pytest.mark.filterwarnings("default")
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6)) + rng.normal(size=(200, 1))
    return X, X @ [1, -1, 0.5, 0, -0.2, 2] + rng.normal(size=200)


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_lasso_and_elastic_net(table, alpha, fit_intercept):
    X, y = table
    options = {"alpha": alpha, "fit_intercept": fit_intercept}
    peers = {
        1.0: Lasso(tol=1e-14, max_iter=10**5, **options),
        0.3: ElasticNet(l1_ratio=0.3, tol=1e-14, max_iter=10**5, **options),
    }
    for ratio, peer in peers.items():
        model, expected = MLERegressor(Normal(scale=1.0), l1_ratio=ratio, **options).fit(X, y), peer.fit(X, y)
        assert np.allclose(model.coef_, expected.coef_, rtol=0, atol=1e-10)
        assert ((model.coef_ == 0) == (expected.coef_ == 0)).all()


def test_logistic_regression(table):
    X, y = table[0], (table[1] > 0).astype(int)
    peer = LogisticRegression(penalty="l1", C=0.05, solver="saga", tol=1e-12, max_iter=10**5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer releases say l1_ratio in place of penalty
        peer.fit(X, y)
    model = MLEClassifier(alpha=1 / (0.05 * 200), l1_ratio=1.0).fit(X, y)
    assert np.allclose(model.coef_, peer.coef_, rtol=0, atol=1e-8)
    assert ((model.coef_ == 0) == (peer.coef_ == 0)).all()
    assert (model.coef_ == 0).any()


@pytest.mark.parametrize("law", ["poisson", "gamma"])
def test_glum(table, law):
    glum = pytest.importorskip("glum")
    X, rng = table[0], np.random.default_rng(1)
    mean = np.exp(0.2 * X[:, 0])
    y = rng.poisson(mean).astype(float) if law == "poisson" else rng.gamma(2, mean)
    peer = glum.GeneralizedLinearRegressor(family=law, alpha=0.05, l1_ratio=0.7, gradient_tol=1e-12, max_iter=1000).fit(X, y)
    model = MLERegressor(Poisson() if law == "poisson" else Gamma(shape=1.0), alpha=0.05, l1_ratio=0.7).fit(X, y)
    assert np.allclose(model.coef_, peer.coef_, rtol=0, atol=1e-8)
    assert ((model.coef_ == 0) == (peer.coef_ == 0)).all()


def test_more_columns_than_rows():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(50, 120))
    y = 2 * X[:, 0] + rng.normal(size=50)
    model, peer = MLERegressor(Normal(scale=1.0), alpha=0.2, l1_ratio=1.0).fit(X, y), Lasso(0.2, tol=1e-14, max_iter=10**5)
    assert np.allclose(model.coef_, peer.fit(X, y).coef_, rtol=0, atol=1e-9)


def test_more_columns_than_rows_and_a_scale():
    """The start of a free fit, which is exact, is out of reach."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(50, 120))
    y = 2 * X[:, 0] + rng.normal(size=50)
    model = MLERegressor(alpha=1.0, l1_ratio=1.0).fit(X, y)
    scale = np.exp(model.intercepts_["scale"])
    assert model.converged_
    peer = Lasso(1.0 * scale**2, tol=1e-14, max_iter=10**5).fit(X, y)
    assert np.allclose(model.coef_, peer.coef_, rtol=0, atol=1e-7)
    assert np.isclose(scale**2, np.mean((y - model.predict(X)) ** 2), rtol=1e-6)
    assert model.n_params_ == (model.coef_ != 0).sum() + 2


def test_constant_columns_are_zero(table):
    X, y = table
    more = np.column_stack([X, np.ones(200)])
    model, plain = (MLERegressor(alpha=0.1, l1_ratio=1.0).fit(Z, y) for Z in (more, X))
    assert model.coef_[-1] == 0
    assert np.allclose(model.coef_[:-1], plain.coef_, atol=1e-9)
    assert model.n_params_ == plain.n_params_


LAWS = [
    "normal",
    "poisson",
    "gamma",
    "beta",
    "logistic",
    "inverse_gaussian",
    Weibull(),
    NegativeBinomial(),
    ZeroInflated(Poisson()),
    StudentT(df=4),
    UserGumbel(),
]


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_conditions_of_optimality(law):
    """Subgradients of the mean log-likelihood, by differences, for the columns of two parameters."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(150, 4)) * [1, 10, 0.1, 1]
    real = 0.6 * X[:, 0] + np.exp(0.3 * X[:, 3]) * rng.normal(size=150)
    counts = rng.poisson(rng.gamma(1.5, np.exp(0.5 * X[:, 0]) / 1.5)) * (rng.uniform(size=150) < 0.8)
    name = str(law).lower()
    y = counts if any(word in name for word in ("poisson", "negative")) else real
    y = 1 / (1 + np.exp(-real)) if name == "beta" else np.exp(real) if name in ("gamma", "inverse_gaussian", "weibull()") else y
    first = {"poisson": "mean"}.get(name)
    model = MLERegressor(law, alpha=0.05, l1_ratio=0.8)
    others = [p for p in MLERegressor(law).fit(X, y).intercepts_ if p != first][1:2]
    model.set_params(predictors=dict.fromkeys(others, "all"))
    names = list(model.set_params(alpha=0.0, l1_ratio=0.0).fit(X, y).coefs_)[: 1 + len(others)]
    model.set_params(alpha=dict.fromkeys(names, 0.05), l1_ratio=0.8).fit(X, y)
    assert model.converged_

    def loglik(parameter, j, step):
        coefs = {key: np.array(value) for key, value in model.fit_.coefs.items()}
        coefs[parameter][j] += step
        law_of_rows = model.fit_.law
        eta = {p: X[:, one.columns] @ coefs[p] + model.fit_.intercepts[p] for p, one in model.fit_.predictors.items()}
        return law_of_rows.evaluate(np.asarray(y, float), eta, 0).loglik.mean()

    zeros = 0
    for parameter in names:
        for j, b in enumerate(model.coefs_[parameter]):
            step = 1e-4 / np.abs(X[:, j]).max()
            slope = (loglik(parameter, j, step) - loglik(parameter, j, -step)) / (2 * step)
            zeros += b == 0
            if b == 0:
                assert abs(slope) <= 0.04 + 1e-6
            else:
                assert np.isclose(slope, 0.04 * np.sign(b) + 0.01 * b, atol=1e-5)
    assert zeros


def test_columns_are_chosen_for_the_scale():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(500, 8))
    y = X[:, 0] + np.exp(0.5 * X[:, 1]) * rng.normal(size=500)
    model = MLERegressor(Normal(), predictors={"scale": "all"}, alpha={"scale": 0.12}, l1_ratio=1.0).fit(X, y)
    assert np.flatnonzero(model.coefs_["scale"]).tolist() == [1]
    assert (model.coef_ != 0).all()
    assert model.n_params_ == 1 + 8 + 1 + 1


def test_paths(table):
    X, y = table
    model = MLERegressor(Normal(scale=1.0), l1_ratio=0.5)
    path = model.path(X, y, alphas=20)
    assert not hasattr(model, "fit_")
    assert path.n_nonzero[0] == 0
    assert path.n_nonzero[-1] == 6
    assert (np.diff(path.alphas) < 0).all()
    for k in (0, 7, 19):
        single = MLERegressor(Normal(scale=1.0), alpha=path.alphas[k], l1_ratio=0.5).fit(X, y)
        assert np.allclose(path.coefs["loc"][k], single.coef_, atol=1e-8)
        assert np.isclose(path.loglikelihood[k], single.loglikelihood_, rtol=1e-9)
    slightly = MLERegressor(Normal(scale=1.0), alpha=0.99 * path.alphas[0], l1_ratio=0.5).fit(X, y)
    assert (slightly.coef_ != 0).sum() == 1
    given = model.path(X, y, alphas=[0.1, 1.0])
    assert given.alphas.tolist() == [1.0, 0.1]
    with pytest.raises(ValueError, match="alphas must be numbers >= 0 by which alpha is multiplied, or how many"):
        model.path(X, y, alphas=[])
    with pytest.raises(ValueError, match="0 for every parameter"):
        MLERegressor(alpha={"loc": 0.0}).path(X, y)


def test_searches_and_pickles(table):
    X, y = table
    search = GridSearchCV(MLERegressor(l1_ratio=1.0, warm_start=True), {"alpha": [0.001, 0.1, 10.0]}, cv=3).fit(X, y)
    assert search.best_params_["alpha"] < 10
    model = pickle.loads(pickle.dumps(search.best_estimator_))
    assert (model.predict(X) == search.predict(X)).all()


def test_inference_refuses(table):
    X, y = table
    with pytest.raises(ValueError, match=r"l1_ratio > 0.*bootstrap"):
        MLERegressor(alpha=0.1, l1_ratio=1.0).fit(X, y).inference(X, y)


REFUSED = {
    "ratio": ({"alpha": 1.0, "l1_ratio": 2.0}, "l1_ratio must be a number from 0 to 1"),
    "penalty": ({"alpha": 1.0, "l1_ratio": 1.0, "penalty": "jeffreys"}, "exclude each other"),
    "solver": ({"alpha": 1.0, "l1_ratio": 1.0, "solver": "bfgs"}, "use solver='auto'"),
    "kinks": ({"alpha": 1.0, "l1_ratio": 1.0, "likelihood": "laplace"}, "has kinks"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(table, case):
    options, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        MLERegressor(**options).fit(*table)


@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_several_classes(table, ratio):
    X, y = table[0], np.digitize(table[1], [-1, 1])
    peer = LogisticRegression(penalty="elasticnet", l1_ratio=ratio, C=0.05, solver="saga", tol=1e-12, max_iter=10**5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer releases take l1_ratio alone
        peer.fit(X, y)
    model = MLEClassifier(alpha=1 / (0.05 * 200), l1_ratio=ratio).fit(X, y)
    assert np.allclose(model.coef_, peer.coef_, rtol=0, atol=1e-8)
    assert ((model.coef_ == 0) == (peer.coef_ == 0)).all()
    assert np.allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-8)
    assert model.n_params_ == (model.coef_ != 0).sum() + 2
    path = MLEClassifier(l1_ratio=ratio).path(X, y, alphas=[1.0, 1 / (0.05 * 200)])
    assert np.allclose(path.coefs["logits"][1], peer.coef_, rtol=0, atol=1e-8)


@pytest.mark.parametrize("ratio", [1.0, 0.4])
def test_signs(table, ratio):
    X, y = table
    peer = ElasticNet(0.1, l1_ratio=ratio, positive=True, tol=1e-14, max_iter=10**5).fit(X, y)
    model = MLERegressor(Normal(scale=1.0), alpha=0.1, l1_ratio=ratio, bounds=(0, None)).fit(X, y)
    assert np.allclose(model.coef_, peer.coef_, rtol=0, atol=1e-9)
    assert ((model.coef_ == 0) == (peer.coef_ == 0)).all()
    box = MLERegressor(Normal(scale=1.0), alpha=0.1, l1_ratio=ratio, bounds={"x5": (None, 1.0), "x1": (-0.3, 0)}).fit(X, y)
    assert box.coef_[5] == 1.0
    assert box.coef_[1] == -0.3
    assert box.n_params_ == (box.coef_ != 0).sum() - 2 + 1


def test_boxes_of_glum(table):
    glum = pytest.importorskip("glum")
    X = table[0]
    y = np.random.default_rng(1).poisson(np.exp(0.2 * X[:, 0])).astype(float)
    ends = {"lower_bounds": np.zeros(6), "upper_bounds": np.array([0.1, 9, 9, 9, 9, 9])}
    options = {"alpha": 0.02, "l1_ratio": 0.7}
    peer = glum.GeneralizedLinearRegressor(family="poisson", gradient_tol=1e-12, max_iter=1000, **ends, **options).fit(X, y)
    model = MLERegressor("poisson", bounds={"mean": (0, 9), "x0": (None, 0.1)}, **options).fit(X, y)
    assert np.allclose(model.coef_, peer.coef_, rtol=0, atol=1e-8)
    assert model.coef_[0] == 0.1


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_elastic_nets_of_many_weighted_rows(fit_intercept):
    """Many rows, whose cross products suffice, with a column that is the sum of two."""
    rng = np.random.default_rng(11)
    X = rng.normal(size=(1000, 6)) + 1.0
    X = np.column_stack([X, (X[:, 0] + X[:, 1]) / 2])
    y, weight = X @ [1, -1, 0.5, 0, 0, 2, 0] + rng.normal(size=1000), rng.uniform(0.1, 3.0, 1000)
    options = {"alpha": 0.2, "l1_ratio": 0.5, "fit_intercept": fit_intercept}
    model = MLERegressor(Normal(scale=1.0), **options).fit(X, y, sample_weight=weight)
    peer = ElasticNet(tol=1e-14, max_iter=10**6, **options).fit(X, y, sample_weight=weight)
    assert np.allclose(model.coef_, peer.coef_, rtol=0, atol=1e-8)
    free = MLERegressor(**options).fit(X, y, sample_weight=weight)
    scale = np.exp(free.intercepts_["scale"])
    scaled = ElasticNet(tol=1e-14, max_iter=10**6, **{**options, "alpha": 0.2 * scale**2}).fit(X, y, sample_weight=weight)
    assert np.allclose(free.coef_, scaled.coef_, rtol=0, atol=1e-8)
    assert np.isclose(scale**2, np.average((y - free.predict(X)) ** 2, weights=weight), rtol=1e-9)
    path = MLERegressor(**options).path(X, y, alphas=[0.5, 1.0], sample_weight=weight)
    assert np.allclose(path.coefs["loc"][0], free.coef_, rtol=0, atol=1e-8)
    assert np.isclose(path.loglikelihood[0], free.loglikelihood_, rtol=1e-10)


@pytest.mark.parametrize("bounds", [None, (-5, 5)])
def test_classes_of_few_rows_are_those_of_scikit_learn(bounds):
    """Where the start is poor, a fit begins at constants, whose coordinates mix the classes."""
    rng = np.random.RandomState(0)
    X, y = 3 * rng.uniform(size=(20, 3)), rng.randint(0, 3, 20)
    ours = MLEClassifier("categorical", alpha=0.01, l1_ratio=1.0, bounds=bounds).fit(X, y)
    peer = LogisticRegression(penalty="l1", C=5.0, solver="saga", tol=1e-12, max_iter=10**5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer releases say the penalty by l1_ratio
        peer.fit(X, y)
    np.testing.assert_allclose(ours.coef_, peer.coef_, atol=1e-7)
    assert ours.intercept_.sum() == pytest.approx(0.0, abs=1e-12)
