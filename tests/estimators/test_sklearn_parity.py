"""The estimators against scikit-learn's, and against what must hold whatever the data.

Agreement is relative to the largest entry of an array (coefficients of one parameter, predictions, ...): an entry near
zero beside large ones has no digits of its own. Where columns have different scales, coefficients are compared per standard
deviation of their columns.
"""

from contextlib import nullcontext

import _peers
import numpy as np
import pytest
from _peers import ETA, NEWTON, REAL, SIMULATED, TARGETS, agree, agree_linear, load, logistic, plain, real, rotated, weights
from scipy import sparse, stats
from scipy.optimize import minimize, root
from sklearn.linear_model import GammaRegressor, LinearRegression, PoissonRegressor, Ridge
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from sk_mle import MLEClassifier, MLERegressor, likelihoods
from sk_mle._model import data
from sk_mle._solvers.methods import SOLVERS
from sk_mle.exceptions import BoundaryWarning
from sk_mle.likelihoods import Gamma, Likelihood, Normal, Poisson


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small matrices on many threads of a busy machine take minutes."""
    with threadpool_limits(1, "blas"):
        yield


# ---- least squares ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", [*REAL, *SIMULATED])
def test_linear_regression(name, weighted, fit_intercept):
    X, y = load(name)
    y = y if name in REAL else y + np.random.default_rng(1).normal(size=len(y)) + 3
    weight = weights(len(y), weighted)
    # LinearRegression takes combinations 1e-6 as large as others for dependent: those of one scale are not
    scale = X.std(axis=0) if name in ("scales", "breast_cancer") else np.ones(X.shape[1])
    varying = (X.std(axis=0) > 1e-9) | (not fit_intercept)  # and before 1.7 the rounding of a constant's mean for a column
    peer = LinearRegression(fit_intercept=fit_intercept).fit(X / scale * varying, y, weight)
    peer.coef_ = peer.coef_ / scale
    model = MLERegressor(fit_intercept=fit_intercept)
    with pytest.warns(BoundaryWarning, match="reproduces y") if name == "wide" else nullcontext():
        model.fit(X, y, weight)
    agree_linear(model, peer, X, name)
    agree(model.predict(X), peer.predict(X), what="predict")
    if name != "wide":
        square = np.average((y - peer.predict(X)) ** 2, weights=weight)
        agree(model.predict(X[:3], output="std"), np.full(3, np.sqrt(square)), what="scale")
        agree(model.score(X, y, weight), -0.5 * (np.log(2 * np.pi * square) + 1), what="score")
        total = len(y) if weight is None else weight.sum()
        agree(model.loglikelihood_, total * model.score(X, y, weight), what="loglikelihood_")


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [1e-3, 1.0])
@pytest.mark.parametrize("name", [*REAL, *SIMULATED])
def test_ridge(name, alpha, weighted, fit_intercept):
    X, y = load(name)
    weight = weights(len(y), weighted)
    total = len(y) if weight is None else weight.sum()
    peer = Ridge(alpha=total * alpha, fit_intercept=fit_intercept, solver="svd")
    peer = rotated(peer, X, y, weight, penalised=True)
    model = MLERegressor(Normal(scale=1), alpha=alpha, fit_intercept=fit_intercept).fit(X, y, weight)
    agree_linear(model, peer, X, name)
    agree(model.predict(X), peer.predict(X), what="predict")


# ---- logistic regression ---------------------------------------------------------------------------------------------

UNSEPARATED = {  # all columns of these data separate the classes
    "breast_cancer": ("breast_cancer", slice(10), 0),
    "wine": ("wine", [1, 2, 3, 4, 5, 7, 8], 0),
    "iris": ("iris", [1], 0),
    "iris, two classes": ("iris", slice(None), 1),
    "digits": ("digits", [18, 19, 20, 21, 26, 27, 28, 29], 0),
}


def check_logistic(X, y, weight, C, fit_intercept, peer=rotated):
    total = len(y) if weight is None else weight.sum()
    options = {} if peer is plain else {"penalised": not np.isinf(C)}
    reference = peer(logistic(C, fit_intercept=fit_intercept), X, y, weight, **options)
    model = MLEClassifier(alpha=1 / (C * total), fit_intercept=fit_intercept).fit(X, y, weight)
    agree_linear(model, reference, X, f"C={C}")
    proba = reference.predict_proba(X)
    agree(model.predict_proba(X), proba, what="predict_proba")
    agree(model.decision_function(X), reference.decision_function(X), what="decision_function")
    np.testing.assert_array_equal(model.predict(X), reference.predict(X))
    agree(model.score(X, y, weight), -log_loss(y, proba, sample_weight=weight), what="score")
    agree(model.loglikelihood_, -total * log_loss(y, proba, sample_weight=weight), what="loglikelihood_")


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", UNSEPARATED)
def test_logistic_regression_on_real_data(name, weighted, fit_intercept):
    X, y = real(*UNSEPARATED[name])
    check_logistic(X, y, weights(len(y), weighted), np.inf, fit_intercept)


@pytest.mark.parametrize(("C", "weighted", "fit_intercept"), [(1.0, False, True), (1e-3, True, True), (0.1, False, False)])
@pytest.mark.parametrize("name", REAL[1:])
def test_logistic_regression_with_penalty_on_all_columns(name, C, weighted, fit_intercept):
    X, y = load(name)
    check_logistic(X, y, weights(len(y), weighted), C, fit_intercept)


@pytest.mark.parametrize(("weighted", "fit_intercept"), [(False, True), (True, True), (False, False)])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", SIMULATED)
def test_logistic_regression_on_simulated_data(kind, n_classes, weighted, fit_intercept):
    X, y = _peers.classes(kind, n_classes)
    C = 1.0 if kind == "wide" else np.inf  # wide data are always separated
    check_logistic(X, y, weights(len(y), weighted), C, fit_intercept)
    # without an intercept, the Hessian of LogisticRegression has a condition of 1e11 where columns are far from zero
    if kind not in ("scales", "wide") and (fit_intercept or kind not in ("constant", "far")):
        check_logistic(X, y, weights(len(y), weighted), 0.01, fit_intercept)


@pytest.mark.parametrize("C", [np.inf, 1.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_logistic_regression_with_default_arguments(n_classes, C):
    X, y = _peers.classes("tall", n_classes)
    check_logistic(X, y, None, C, True, peer=plain)


# ---- other GLMs ------------------------------------------------------------------------------------------------------

GLMS = {
    "poisson": (Poisson(), PoissonRegressor, lambda y, mean: stats.poisson.logpmf(y, mean)),
    "gamma": (Gamma(shape=1), GammaRegressor, lambda y, mean: stats.expon.logpdf(y, scale=mean)),
}


@pytest.mark.parametrize(("weighted", "fit_intercept"), [(False, True), (True, True), (False, False)])
@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("name", ["diabetes", *SIMULATED])
@pytest.mark.parametrize("glm", GLMS)
def test_glm(glm, name, alpha, weighted, fit_intercept):
    law, peer, loglik = GLMS[glm]
    X, y = load(name)
    y = y if name in REAL else _peers.counts(y) + (glm == "gamma" or name == "wide")
    weight = weights(len(y), weighted)
    model = MLERegressor(law, alpha=alpha, fit_intercept=fit_intercept).fit(X, y, weight)
    reference = rotated(peer(alpha=alpha, fit_intercept=fit_intercept, **NEWTON), X, y, weight, penalised=alpha > 0)
    mean = reference.predict(X)
    if name == "wide" and alpha == 0:  # the mean is y itself
        reference, mean = LinearRegression(fit_intercept=fit_intercept).fit(X, np.log(y), weight), y
    agree_linear(model, reference, X, name)
    agree(model.predict(X), mean, what="predict")
    agree(model.score(X, y, weight), np.average(loglik(y, mean), weights=weight), what="score")


# ---- representations of X --------------------------------------------------------------------------------------------


FORMATS = {
    "fortran": lambda X: np.asfortranarray(X),
    "strided": lambda X: np.repeat(X, 2, axis=1)[::-1, ::2][::-1],
    "float32": lambda X: X.astype(np.float32),
    "integer": lambda X: X.astype(np.int64),
    "list": lambda X: X.tolist(),
    "memmap": None,
    "csr": lambda X: sparse.csr_array(X),
    "csc": lambda X: sparse.csc_array(X),
    "coo matrix": lambda X: sparse.coo_matrix(X),
    "csr of float32": lambda X: sparse.csr_matrix(X.astype(np.float32)),
}


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [(300, 6), (30, 60), (9000, 40)])
@pytest.mark.parametrize("form", FORMATS)
def test_format(form, shape, fit_intercept, tmp_path):
    """Whole numbers, which every format holds exactly; the references see them as dense floats. (Sparse `LinearRegression`
    is an iteration that stops at 1e-6.)"""
    rng = np.random.default_rng(0)
    dense = rng.poisson(0.7, size=shape).astype(float)
    dense[:, 1] = dense[:, 0]
    mean = 0.5 * dense[:, :4].sum(axis=1)
    weight = weights(shape[0])
    np.save(tmp_path / "X.npy", dense)
    X = np.load(tmp_path / "X.npy", mmap_mode="r") if form == "memmap" else FORMATS[form](dense)
    y = mean + rng.normal(size=shape[0])
    label = (rng.logistic(size=shape[0]) < mean - mean.mean()).astype(int)
    linear = LinearRegression(fit_intercept=fit_intercept).fit(dense, y, weight)
    model = MLERegressor(Normal(scale=1), fit_intercept=fit_intercept).fit(X, y, weight)
    agree_linear(model, linear, dense, "linear")
    agree(model.predict(X), linear.predict(dense), what="predict")
    logit = rotated(logistic(1.0, fit_intercept=fit_intercept), dense, label, weight, penalised=True)
    model = MLEClassifier(alpha=1 / weight.sum(), fit_intercept=fit_intercept).fit(X, label, weight)
    agree_linear(model, logit, dense, "logistic")
    agree(model.predict_proba(X), logit.predict_proba(dense), what="predict_proba")


# ---- what holds for every law ----------------------------------------------------------------------------------------

SMOOTH = [name for name in TARGETS if name != "laplace"]
every_law = pytest.mark.parametrize("name", TARGETS)


def fitted(name, X=ETA, y=None, weight=None, law=None, **options):
    law = law or likelihoods.get_likelihood(name)
    estimator = MLEClassifier if law.target_type == "classes" else MLERegressor
    return estimator(law, **options).fit(X, TARGETS[name] if y is None else y, weight)


def same(model, other, rtol=1e-8, information=True):
    for name in other.coefs_:
        agree(model.coefs_[name], other.coefs_[name], rtol, f"coefs_[{name!r}]")
        agree(model.intercepts_[name], other.intercepts_[name], rtol, f"intercepts_[{name!r}]")
    for name in ("loglikelihood_", "aic_", "aicc_", "bic_", "n_params_") if information else ():
        agree(getattr(model, name), getattr(other, name), rtol, name)


@every_law
def test_rows_stacked_twice(name):
    once = fitted(name)
    twice = fitted(name, np.vstack([ETA, ETA]), np.tile(TARGETS[name], 2))
    same(twice, once, information=False)
    agree(twice.loglikelihood_, 2 * once.loglikelihood_, what="loglikelihood_")


@every_law
def test_integer_weights_are_repeated_rows(name):
    weight = np.random.default_rng(4).integers(0, 4, size=400)
    same(fitted(name, weight=weight), fitted(name, ETA.repeat(weight, axis=0), TARGETS[name].repeat(weight)))


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@every_law
def test_zero_weight_is_an_absent_row(name, form):
    X, y = ETA.copy(), TARGETS[name].copy()
    weight = np.where(np.arange(400) % 3 == 0, 0.0, 1.5)
    X[weight == 0] *= 1e6
    if name not in ("beta", "bernoulli", "categorical"):
        y[weight == 0] = 1e9
    keep = weight > 0
    same(fitted(name, form(X), y, weight), fitted(name, X[keep], y[keep], weight[keep]))


@pytest.mark.parametrize("name", ["normal", "student_t", "laplace"])
@pytest.mark.parametrize("shift", [-3.0, 1e3])
def test_shifted_y_shifts_the_intercept(name, shift):
    model, other = fitted(name, y=TARGETS[name] + shift), fitted(name)
    other.intercepts_["loc"] += shift
    same(model, other)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e4, 1e5)])
@every_law
def test_permuted_columns_and_other_units(name, scale, shift):
    model, other = fitted(name, (scale * ETA + shift)[:, [2, 0, 1]]), fitted(name)
    agree(scale * model.coef_, other.coef_[..., [2, 0, 1]], what="coef_")
    agree(model.loglikelihood_, other.loglikelihood_, what="loglikelihood_")


@pytest.mark.parametrize("factor", [1e-9, 1e9])
@pytest.mark.parametrize("name", ["normal", "student_t", "laplace", "gamma"])
def test_y_in_other_units(name, factor):
    model, other = fitted(name, y=TARGETS[name] * factor), fitted(name)
    shift = 400 * np.log(factor)
    if name == "gamma":
        other.intercepts_["mean"] += np.log(factor)
    else:
        other.coefs_["loc"] *= factor
        other.intercepts_["loc"] *= factor
        other.intercepts_["scale"] += np.log(factor)
    same(model, other, information=False)
    agree(model.loglikelihood_, other.loglikelihood_ - shift, what="loglikelihood_")


def test_alpha_by_parameter():
    y = TARGETS["normal"]
    same(fitted("normal", alpha={"loc": 0.3}), fitted("normal", alpha=0.3))
    model = fitted("normal", predictors={"scale": "all"}, alpha={"loc": 0.2, "scale": 0.05})
    A = np.column_stack([np.ones(400), ETA])

    def slope(u):
        z = (y - A @ u[:4]) * np.exp(-(A @ u[4:]))
        parts = [-A.T @ (z * np.exp(-(A @ u[4:]))) / 400, A.T @ (1 - z**2) / 400]
        return np.concatenate(parts) + np.repeat([0, 0.2, 0, 0.05], [1, 3, 1, 3]) * u

    exact = root(slope, np.zeros(8), tol=1e-13).x
    ours = [part for name in ("loc", "scale") for part in (model.intercepts_[name], *model.coefs_[name])]
    agree(ours, exact, what="coefficients")


def test_offset_and_exposure():
    rng = np.random.default_rng(8)
    extra, exposure = rng.normal(size=400), rng.uniform(0.1, 9, size=400)
    y = TARGETS["normal"]
    same(fitted("normal", np.column_stack([ETA, extra]), y, offset=3), fitted("normal", ETA, y - extra))
    y = rng.poisson(exposure * np.exp(_peers.MEAN)).astype(float)
    model = fitted("poisson", np.column_stack([exposure, ETA]), y, exposure=0)
    same(fitted("poisson", np.column_stack([np.log(exposure), ETA]), y, offset=0), model)
    peer = plain(PoissonRegressor(alpha=0, **NEWTON), ETA, y / exposure, exposure)
    agree(model.coef_, peer.coef_, what="coef_")
    agree(model.intercept_, peer.intercept_, what="intercept_")


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("name", ["normal", "poisson", "bernoulli", "categorical", "student_t"])
def test_threads_change_nothing(name, form, monkeypatch):
    monkeypatch.setattr(data, "BLOCK_BYTES", 1 << 18)
    rng = np.random.default_rng(9)
    X = np.column_stack([np.tile(ETA, (25, 1)), rng.normal(size=(10_000, 50)) * (rng.random((10_000, 50)) < 0.3)])
    y = np.tile(TARGETS[name], 25)
    same(fitted(name, form(X), y, n_jobs=2), fitted(name, form(X), y), rtol=1e-12)


# ---- solvers and derivatives -----------------------------------------------------------------------------------------


def bfgs(fun, x0, args=(), jac=None, **unused):
    return minimize(fun, x0, args=args, jac=jac, method="BFGS", options={"gtol": 1e-9})


SMOOTH_SOLVERS = [name for name, solver in SOLVERS.items() if solver.needs and name != "vertex"]


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("name", ["poisson", "bernoulli"])
@pytest.mark.parametrize("solver", [*SMOOTH_SOLVERS, "L-BFGS-B", "Newton-CG", bfgs])
def test_solvers_reach_the_same_optimum(solver, name, alpha):
    """tol is the gradient in coordinates of unit curvature, so coefficients agree to a few times tol.

    Under a penalty the log-likelihood alone is not stationary: its error is that of the coefficients.
    """
    model, exact = fitted(name, solver=solver, alpha=alpha, tol=1e-9), fitted(name, alpha=alpha, tol=1e-13)
    assert model.converged_
    same(model, exact, rtol=1e-7, information=False)
    agree(model.loglikelihood_, exact.loglikelihood_, 1e-9, "loglikelihood_")


@pytest.mark.parametrize("name", SMOOTH)
def test_laws_without_derivatives_reach_the_same_coefficients(name):
    bare = {"gradient": None, "hessian": None, "fisher": None, "evaluate": Likelihood.evaluate}
    law = type("Bare", (likelihoods.LAWS[name],), bare)()
    model = fitted(name, law=law)
    assert type(model.likelihood_) is type(law)
    same(model, fitted(name))
