"""`bounds=` and `constraints=`: maxima on a region of coefficients, exact on its edges."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from _laws import UserGumbel
from scipy.optimize import LinearConstraint, lsq_linear, minimize
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_mle import MLEClassifier, MLERegressor
from sk_mle._model.constraints import CoefficientBlock, Region
from sk_mle.exceptions import BoundaryWarning, IdentificationWarning, SeparationWarning
from sk_mle.likelihoods import Censored, Normal, Poisson, StudentT, ZeroInflated, censored
from sk_mle.predictors import Nonlinear


@pytest.mark.exhaustive
@parametrize_with_checks(
    [
        MLEClassifier("bernoulli", bounds=(-5, 5)),
        MLERegressor("poisson", alpha=0.01, bounds=(0, None)),
        MLEClassifier("categorical", alpha=0.01, l1_ratio=1.0, bounds=(-5, 5)),
    ]
)
@pytest.mark.filterwarnings("default")
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6)) + rng.normal(size=(200, 1))
    return X, X @ [1, -1, 0.5, 0, -0.2, 2] + rng.normal(size=200)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_positive_is_that_of_scikit_learn(table, fit_intercept):
    X, y = table
    model = MLERegressor(bounds=(0, None), fit_intercept=fit_intercept).fit(X, y)
    expected = LinearRegression(positive=True, fit_intercept=fit_intercept).fit(X, y)
    assert np.allclose(model.coef_, expected.coef_, rtol=0, atol=1e-8)
    assert np.isclose(model.intercept_, expected.intercept_, atol=1e-8)
    assert (model.coef_ == 0).sum() == (expected.coef_ == 0).sum() > 0  # exactly


def test_boxes_are_those_of_scipy(table):
    X, y = table
    bounds = {"x0": (-0.5, 0.5), "x1": (-0.3, 0.2), "x5": (0, 1)}
    model = MLERegressor(bounds=bounds, fit_intercept=False).fit(X, y)
    low, high = [-0.5, -0.3, -np.inf, -np.inf, -np.inf, 0], [0.5, 0.2, np.inf, np.inf, np.inf, 1]
    expected = lsq_linear(X, y, (low, high), tol=1e-14, method="bvls")
    assert np.allclose(model.coef_, expected.x, rtol=0, atol=1e-8)
    assert model.coef_[0] == 0.5
    assert model.coef_[1] == -0.3
    assert model.coef_[5] == 1


def test_lower_bounds_are_those_of_glum(table):
    glum = pytest.importorskip("glum")
    X, _ = table
    counts = np.random.default_rng(1).poisson(np.exp(0.2 * X[:, 0])).astype(float)
    peer = glum.GeneralizedLinearRegressor(
        family="poisson", alpha=0, gradient_tol=1e-12, lower_bounds=np.zeros(6), max_iter=1000
    )
    model = MLERegressor("poisson", bounds=(0, None)).fit(X, counts)
    assert np.allclose(model.coef_, peer.fit(X, counts).coef_, rtol=0, atol=1e-8)


def targets(X):
    rng = np.random.default_rng(2)
    eta = 0.5 * X[:, 0] - 0.3 * X[:, 1]
    counts, times, real = rng.poisson(np.exp(eta)), rng.gamma(2, np.exp(eta)), eta + rng.normal(size=len(X))
    return {
        "normal": real,
        "poisson": counts,
        "gamma": times,
        "negative_binomial": counts,
        StudentT(df=5): real,
        "beta": 1 / (1 + np.exp(-real)),
        "weibull": times,
        "bernoulli": (real > 0).astype(int),
        ZeroInflated(Poisson()): counts * (rng.uniform(size=len(X)) < 0.8),
        Censored(Normal()): censored(np.minimum(real, 1), real < 1),
        UserGumbel(): real,
    }


@pytest.mark.parametrize("k", range(11))
def test_conditions_of_optimality(k):
    """The gradient of the mean log-likelihood, by differences, is zero or points out of the region."""
    X = np.random.default_rng(3).normal(size=(120, 3))
    law, y = list(targets(X).items())[k]
    estimator = MLEClassifier if law == "bernoulli" else MLERegressor
    model = estimator(law, bounds={"x0": (None, 0.2), "x1": (-0.1, None), "x2": (-2, 2)}).fit(X, y)
    assert model.converged_
    b = np.ravel(model.coef_)
    assert b[0] == 0.2
    assert b[1] == -0.1

    def score(j, step):
        moved = clone(model).set_params(bounds=None)
        moved.__dict__.update(model.__dict__)
        coefs = {name: np.array(value) for name, value in model.fit_.coefs.items()}
        coefs[model.fit_.first][j] += step
        moved.fit_ = type(model.fit_)(**{**vars(model.fit_), "coefs": coefs})
        return moved.score(X, y)

    gradient = np.array([(score(j, 1e-4) - score(j, -1e-4)) / 2e-4 for j in range(3)])
    assert gradient[0] > 1e-3
    assert gradient[1] < -1e-3
    assert abs(gradient[2]) < 1e-6


def test_sums_of_coefficients(table):
    X, _ = table
    y = np.random.default_rng(4).poisson(np.exp(0.3 * X[:, 0]))
    constraints = [({"x0": 1, "x1": 1}, 0, 0), ({"x2": 1, "x3": -1}, None, -0.1)]
    model = MLERegressor("poisson", constraints=constraints).fit(X, y)
    assert abs(model.coef_[0] + model.coef_[1]) < 1e-15
    assert model.coef_[2] - model.coef_[3] <= -0.1 + 1e-15
    # the same with the equality built into the columns, and the inequality, if it holds with equality, into an offset
    difference = np.column_stack([X[:, 0] - X[:, 1], X[:, 2] + X[:, 3], X[:, 4:], 0.1 * X[:, 3]])
    built = MLERegressor("poisson", predictors={"mean": slice(0, 4)}, offset=4).fit(difference, y)
    assert np.allclose(model.coef_[[0, 2, 4, 5]], built.coef_, atol=1e-7)
    matrix = np.array([[1.0, 1, 0, 0, 0, 0], [0, 0, 1, -1, 0, 0]])
    by_matrix = MLERegressor("poisson", constraints=LinearConstraint(matrix, [0, -np.inf], [0, -0.1])).fit(X, y)
    assert np.allclose(by_matrix.coef_, model.coef_, atol=1e-8)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_row_that_a_step_leaves_on_its_other_side(weighted):
    """Against a general minimiser: the first row is below its interval without constraints, above it with the second alone."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = X @ [1.0, -1.0, 0.5] + rng.normal(size=400)
    w = rng.exponential(size=400) * (rng.random(400) < 0.7) if weighted else np.ones(400)
    A, low, high = np.array([[1.0, 1, 0], [0, 1, -1]]), np.array([0.5, -0.2]), np.array([0.6, 0.1])
    model = MLERegressor(Normal(scale=1.0), constraints=LinearConstraint(A, low, high)).fit(X, y, w)
    Z = np.column_stack([np.ones(400), X])
    inside = {"type": "ineq", "fun": lambda v: np.concatenate([A @ v[1:] - low, high - A @ v[1:]])}
    best = minimize(lambda v: w @ (y - Z @ v) ** 2 / w.sum(), np.zeros(4), constraints=inside, options={"ftol": 1e-14})
    assert np.allclose(model.coef_, best.x[1:], atol=1e-6)
    assert np.allclose(A @ model.coef_, [0.6, -0.2], atol=1e-14)


def test_other_parameters_have_bounds_too(table):
    X, y = table
    frame = pd.DataFrame(X, columns=list("abcdef"))
    bounds = {"scale": {"b": (0, None), "c": (None, 0), "intercept": (None, -0.2)}, "a": (None, 0.8)}
    model = MLERegressor(Normal(), predictors={"scale": "all"}, bounds=bounds).fit(frame, y)
    scale = model.coefs_["scale"]
    assert scale[1] >= 0 >= scale[2]
    assert model.intercepts_["scale"] == -0.2
    assert model.coef_[0] == 0.8
    free = MLERegressor(Normal(), predictors={"scale": "all"}).fit(frame, y)
    assert model.loglikelihood_ < free.loglikelihood_


def test_bounds_that_do_not_bind_change_nothing(table):
    X, y = table
    model, free = MLERegressor("logistic", bounds=(-50, 50)).fit(X, y), MLERegressor("logistic").fit(X, y)
    assert np.allclose(model.coef_, free.coef_, atol=1e-8)
    assert np.allclose(model.inference(X, y).bse, free.inference(X, y).bse, rtol=1e-6)
    assert model.n_params_ == free.n_params_


def test_a_parameter_at_the_edge_of_its_domain_is_told(table):
    X, y = table
    with pytest.warns(BoundaryWarning, match="df of StudentT ran to the upper edge"):
        MLERegressor("student_t", bounds=(-50, 50)).fit(X, y)


def test_dependent_columns(table):
    X, y = table
    twice = np.column_stack([X[:, 0], X[:, 0], X[:, 5]])
    model = MLERegressor(bounds={"x0": (0, 0.2), "x1": (0, None)}).fit(twice, y)
    single = MLERegressor(bounds={"x0": (0, None)}).fit(X[:, [0, 5]], y)
    assert np.isclose(model.loglikelihood_, single.loglikelihood_, atol=1e-6)
    assert 0 <= model.coef_[0] <= 0.2
    assert model.coef_[1] >= 0


def test_constant_columns(table):
    X, y = table
    more = np.column_stack([X, np.ones(200)])
    model, plain = (MLERegressor(bounds=(0, None)).fit(Z, y) for Z in (more, X))
    assert np.allclose(model.coef_, [*plain.coef_, 0], atol=1e-9)
    with pytest.raises(ValueError, match="loc:x6 cannot be met: its columns are constant"):
        MLERegressor(bounds={"x6": (1, None)}).fit(more, y)


def test_fewer_rows_than_columns(table):
    X, y = table
    for law in (Normal(), Normal(scale=1.0)):
        model, peer = MLERegressor(law, bounds=(0, None)).fit(X[:5], y[:5]), LinearRegression(positive=True).fit(X[:5], y[:5])
        assert model.converged_
        assert np.allclose(model.predict(X[:5]), peer.predict(X[:5]), atol=1e-8)
    with pytest.warns(BoundaryWarning, match="unbounded"):  # this fit is exact, so that no scale is too small
        MLERegressor(bounds=(0, None)).fit(X[:4], y[:4])


def test_monotone_splines():
    rng = np.random.default_rng(5)
    price = rng.uniform(1, 10, (300, 1))
    sold = rng.poisson(np.exp(3 - 0.25 * price[:, 0] + 0.2 * np.sin(3 * price[:, 0])))
    splines = SplineTransformer(n_knots=8, include_bias=False)
    falling = LinearConstraint(np.diff(np.eye(9), axis=0), -np.inf, 0)
    model = make_pipeline(splines, MLERegressor("poisson", constraints=falling)).fit(price, sold)
    grid = np.linspace(1, 10, 200)[:, None]
    assert (np.diff(model.predict(grid)) <= 1e-10).all()
    assert (np.diff(model[-1].coef_) <= 0).all()  # exactly
    free = make_pipeline(splines, MLERegressor("poisson")).fit(price, sold)
    assert (np.diff(free.predict(grid)) > 1e-3).any()


def test_a_constant_column_beside_a_bounded_intercept_is_told(table):
    X = np.column_stack([np.full(len(table[0]), 3.0), table[0]])
    held = {"intercept": (None, table[1].min())}
    with pytest.warns(IdentificationWarning, match="coefficient of column 0 is zero.* leave the column out, or the bound"):
        MLERegressor(Normal(scale=1.0), bounds=held).fit(X, table[1])
    MLERegressor(Normal(scale=1.0), bounds={"intercept": (None, 1e6)}).fit(X, table[1])


def test_constants_start_where_the_bounds_leave_the_coefficients():
    X = np.random.default_rng(0).normal(size=(400, 3))
    y = X @ [1.0, -1.0, 0.5] + 1e-6 * np.random.default_rng(1).normal(size=400)
    model = MLERegressor(bounds=(0, None)).fit(X, y)
    right = lsq_linear(np.column_stack([np.ones(400), X]), y, ([-np.inf, 0, 0, 0], np.inf), method="bvls")
    np.testing.assert_allclose([model.intercept_, *model.coef_], right.x, atol=1e-10)
    np.testing.assert_allclose(np.exp(model.intercepts_["scale"]), np.sqrt(2 * right.cost / 400), rtol=1e-10)


def test_active_rows_hold_to_the_last_digit():
    """Chains of equal coefficients, one with a bound that is active for one of them."""
    rows = [[1, -1, 0, 0, 0], [0, 1, -1, 0, 0], [0, 0, 0, 1, -1], [0, 0, 0, 0, 2]]
    high = np.array([np.inf, np.inf, np.inf, 0.6])
    region = Region(
        np.array(rows, float), np.append(np.zeros(3), -np.inf), high, (), (CoefficientBlock("loc", "loc", 0, 0, 5),)
    )
    b = np.array([0.7, 0.7 - 1e-16, 0.7 + 2e-16, 0.3 + 1e-16, 0.3 - 2e-16])
    coefs, _ = region.snapped({"loc": b}, {"loc": 0.0}, {0: -1, 1: -1, 2: -1, 3: 1})
    assert len(set(coefs["loc"][:3])) == 1
    assert abs(coefs["loc"][0] - 0.7) < 1e-15
    assert list(coefs["loc"][3:]) == [0.3, 0.3]
    assert list(region.snapped({"loc": b}, {"loc": 0.0}, {})[0]["loc"]) == list(b)


def test_inference_names_what_is_held(table):
    X, y = table
    model = MLERegressor(bounds=(0, None)).fit(X, y)
    with pytest.raises(ValueError, match=r"constraints on loc:x1, loc:x4.* hold with equality.*bootstrap"):
        model.inference(X, y)
    assert model.n_params_ == 8 - len(model.fit_.at_bounds)


def test_separated_data_inside_the_region():
    x = np.arange(8.0)[:, None]
    y = (x[:, 0] > 3.5).astype(int)
    held = MLEClassifier(bounds=(None, 1.5)).fit(x, y)
    assert held.coef_[0, 0] == 1.5
    assert held.converged_
    with pytest.warns(SeparationWarning, match="column 0"):
        free = MLEClassifier(bounds=(0, None)).fit(x, y)
    assert not free.converged_


@pytest.mark.parametrize(
    ("region", "named"),
    [
        ({"bounds": {1: (-0.1, 0.1)}}, "column 0"),
        ({"constraints": ({0: 1, 1: 1}, None, 0.5)}, "columns 0, 1"),
        ({"constraints": ({0: 1, 1: -1}, 0, 0)}, "columns 0, 1"),
        ({"bounds": {0: (None, 5)}}, None),
        ({"constraints": ({0: 2}, -2, 2)}, None),
    ],
)
def test_only_directions_without_end_in_the_region_are_separated(region, named):
    """The first column separates the data alone, and many directions near it do."""
    t = np.linspace(-1.0, 1.0, 40)
    X, y = np.column_stack([t, np.where(np.arange(40) % 2, 0.01, -0.01)]), (t > 0).astype(int)
    if named:
        with pytest.warns(SeparationWarning, match=f"along {named} "):
            model = MLEClassifier(**region).fit(X, y)
    else:
        model = MLEClassifier(**region).fit(X, y)
    assert model.converged_ is (named is None)


def test_pipelines_searches_and_pickles(table):
    X, y = table
    search = GridSearchCV(make_pipeline(StandardScaler(), MLERegressor()), {"mleregressor__bounds": [None, (0, None)]}, cv=3)
    search.fit(X, y)
    model = pickle.loads(pickle.dumps(MLERegressor(bounds=(0, None)).fit(X, y)))
    assert (model.predict(X) == MLERegressor(bounds=(0, None)).fit(X, y).predict(X)).all()


REFUSED = {
    "empty": ({"bounds": {"x0": (1, 2)}, "constraints": ({"x0": 1}, 3, None)}, "loc:x0, 1 \\* loc:x0 exclude each other"),
    "many": (
        {"bounds": (1, 2), "constraints": [({"x0": 1}, 3, None), ({"x1": 1}, 3, None)]},
        r"no coefficients .*: those on loc:x0, .*, loc:x5, \.\.\. exclude each other",
    ),
    "swapped": ({"bounds": {"x0": (2, 1)}}, "no number lies between 2 and 1"),
    "column": ({"bounds": {"x9": (0, 1)}}, "x9"),
    "parameter": ({"bounds": {"shape": {"x0": (0, 1)}}}, "the estimated parameters are \\['loc', 'scale'\\]"),
    "not modelled": ({"bounds": {"scale": {"x0": (0, 1)}}}, "'scale' is not modelled on column 'x0'"),
    "ends": ({"bounds": {"x0": 3}}, "give two ends"),
    "matrix": ({"constraints": LinearConstraint(np.ones((1, 3)), 0, 1)}, "has 3 columns, and this parameter 6"),
    "penalty": ({"bounds": (0, None), "penalty": "mean_bias"}, "exclude each other"),
    "l1": ({"constraints": ({"x0": 1, "x1": 1}, 0, None), "alpha": 1.0, "l1_ratio": 0.5}, "takes bounds on single slopes"),
    "l1, empty": ({"bounds": {"x0": (1, 2), 0: (3, 4)}, "alpha": 1.0, "l1_ratio": 0.5}, "no coefficients meet all"),
    "solver": ({"bounds": (0, None), "solver": "lbfgs"}, "use solver='auto'"),
    "kinks": ({"bounds": (0, None), "likelihood": "laplace"}, "has kinks"),
    "curve": ({"bounds": {"x0": (0, None)}, "predictors": {"loc": Nonlinear("a * x0", start={"a": 1.0})}}, "it has \\['a'\\]"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(table, case):
    options, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        MLERegressor(**options).fit(*table)


def test_coefficients_of_classes():
    """Against a general minimiser: signs of a column in all classes, a bound in one, and an order of two."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(150, 3))
    code = (X @ rng.normal(size=(3, 3)) + rng.gumbel(size=(150, 3))).argmax(axis=1)
    bounds = {"x0": (None, 0.4), "logits[b]": {"x1": (None, -1.2)}}
    model = MLEClassifier(bounds=bounds, constraints=({"logits[b]:x2": 1, "logits[a]:x2": -1}, 0, None))
    letters = np.array(list("abc"))[code]
    model.fit(X, letters)

    def loss(v):
        eta = X @ v.reshape(3, 4)[:, 1:].T + v.reshape(3, 4)[:, 0]
        return (np.logaddexp.reduce(eta, axis=1) - eta[np.arange(150), code]).mean()

    sums = [
        {"type": "eq", "fun": lambda v: v.reshape(3, 4).sum(axis=0)},
        {"type": "ineq", "fun": lambda v: v[7] - v[3]},
    ]
    ends = np.full((3, 4, 2), (None, None))
    ends[:, 1, 1], ends[1, 2, 1] = 0.4, -1.2
    best = minimize(loss, np.zeros(12), bounds=ends.reshape(-1, 2), constraints=sums, options={"ftol": 1e-13})
    assert np.allclose(model.coef_, best.x.reshape(3, 4)[:, 1:], atol=1e-5)
    assert np.isclose(-model.loglikelihood_ / 150, best.fun, rtol=0, atol=1e-11)
    assert (model.coef_[:, 0] <= 0.4).all()
    assert model.coef_[1, 1] == -1.2
    assert model.coef_[0, 2] == model.coef_[1, 2]
    assert model.n_params_ == 8 - len(model.fit_.at_bounds)
    with pytest.raises(ValueError, match="names 3 coefficients; name an entry, as in 'logits\\[a\\]:x0'"):
        model.set_params(constraints=({"x0": 1, "x1": 1}, 0, None)).fit(X, letters)
    with pytest.raises(ValueError, match=r"logits\[b\]:x1.* hold with equality"):
        MLEClassifier(bounds={"x1": (-0.5, None)}).fit(X, letters).inference(X, letters)


def test_several_targets(table):
    X, y = table
    Y = np.column_stack([y, y + np.random.default_rng(7).normal(size=200)])
    model = MLERegressor("multivariate_normal", bounds=(0, None)).fit(X, Y)
    separate = MLERegressor("multivariate_normal", bounds={"mean[0]": (0, None), "mean[1]": (0, None)}).fit(X, Y)
    assert model.converged_
    assert (model.coef_ == separate.coef_).all()
    assert model.coef_.min() == 0
    gradient = MLERegressor("multivariate_normal", predictors={"mean": np.flatnonzero(model.coef_.any(axis=0))}).fit(X, Y)
    assert model.loglikelihood_ <= gradient.loglikelihood_


@pytest.mark.parametrize("law", [None, "gamma"])
def test_curves_have_the_same_bounds(law):
    """Those that a curve brings, and those of the estimator, beside bounds on the columns of another parameter."""
    t = np.linspace(0, 10, 60)
    rng = np.random.default_rng(8)
    y = 3 * np.exp(-0.4 * t) * rng.gamma(9, 1 / 9, 60)
    start = {"a": 1.0, "b": 0.1}
    formula = "log(a) - b * x0" if law else "a * exp(-b * x0)"
    name = "mean" if law else "loc"
    curve, inside = Nonlinear(formula, start=start), Nonlinear(formula, start=start, bounds={"b": (None, 0.3)})
    free = MLERegressor(law, predictors={name: curve}).fit(t[:, None], y)
    with pytest.warns(BoundaryWarning, match="'b' at 0.3"):
        own = MLERegressor(law, predictors={name: inside}).fit(t[:, None], y)
    given = MLERegressor(law, predictors={name: curve}, bounds={"b": (None, 0.3)}).fit(t[:, None], y)
    fixed = MLERegressor(law, predictors={name: Nonlinear(formula, start=start, fixed={"b": 0.3})}).fit(t[:, None], y)
    assert own.coef_[1] == given.coef_[1] == 0.3
    assert np.allclose(own.coef_, given.coef_, rtol=1e-7)
    assert np.isclose(given.coef_[0], fixed.coef_[0], rtol=1e-6)
    assert own.n_params_ == given.n_params_ == free.n_params_ - 1
    sums = MLERegressor(law, predictors={name: curve}, constraints=({"a": 1, "b": -10}, 0, 0)).fit(t[:, None], y)
    assert np.isclose(sums.coef_[0], 10 * sums.coef_[1], rtol=1e-9)
    with pytest.raises(ValueError, match=f"{name}:b hold"):
        given.inference(t[:, None], y)


def test_bounds_on_a_penalised_likelihood():
    rng = np.random.default_rng(9)
    X = rng.normal(size=(30, 3))
    y = (X[:, 0] > 0).astype(int)  # separated
    model = MLEClassifier(penalty="jeffreys", bounds={"x0": (None, 1.0), "x1": (0.1, None)}).fit(X, y)
    Z = np.column_stack([np.ones(30), X])

    def loss(b):
        p = expit(Z @ b)
        return np.logaddexp(0, Z @ b).sum() - y @ (Z @ b) - np.linalg.slogdet((Z * (p * (1 - p))[:, None]).T @ Z)[1] / 2

    ends = [(None, None), (None, 1.0), (0.1, None), (None, None)]
    best = minimize(loss, np.zeros(4), bounds=ends, options={"ftol": 1e-15, "gtol": 1e-9})
    assert model.converged_
    assert np.allclose(model.coef_[0], best.x[1:], atol=1e-5)
    assert model.coef_[0, 0] == 1.0


def test_parameters_are_the_directions_that_constraints_and_columns_leave():
    rng = np.random.default_rng(0)
    X, units = rng.normal(size=(60, 3)), np.array([1, 1e6, 1e-6, 1e3])
    y = X @ [-0.5, -0.3, -0.2] + rng.normal(size=60)
    repeated = [({"x0": 1, "x1": -1}, 0, 0), ({"x1": 1, "x2": -1}, 0, 0), ({"x0": 1, "x2": -1}, 0, 0)]
    equal, of_sum = MLERegressor(constraints=repeated).fit(X, y), MLERegressor().fit(X.sum(axis=1, keepdims=True), y)
    assert equal.n_params_ == of_sum.n_params_ == 3
    assert equal.aic_ == pytest.approx(of_sum.aic_, rel=1e-10)
    multiples = [({"x0": 1, "x1": 1}, 1, 1), ({"x0": 2, "x1": 2}, 2, 2)]
    assert MLERegressor(constraints=multiples).fit(X, y).n_params_ == 4
    # of equal columns, the difference of the coefficients is free without the constraint as well
    assert MLERegressor(constraints=({"x0": 1, "x3": -1}, 1, 1)).fit(np.c_[X, X[:, 0]], y).n_params_ == 5
    # columns 0, 1 and their sum are all held at zero, which leaves column 2
    dependent = np.c_[X, X[:, 0] + X[:, 1]]
    y = X @ [0.5, 0.3, 0.2] - 0.9 * dependent[:, 3] + 0.1 * rng.normal(size=60)
    for scale in (1.0, units):
        model = MLERegressor(bounds=(0, None)).fit(dependent * scale, y)
        assert np.count_nonzero(model.coef_) == 1
        assert model.n_params_ == 3


@pytest.mark.exhaustive
@pytest.mark.parametrize("n", [30, 200])
@pytest.mark.parametrize("law", ["bernoulli", "poisson", "beta", "weibull"])
def test_estimates_are_never_worse_where_the_signs_are_right(law, n):
    """Squared errors in the metric of the design, where the truth lies on the edge of the region."""
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 3))
    estimator, errors = (MLEClassifier if law == "bernoulli" else MLERegressor)(law), []
    for _ in range(60):
        eta = 0.5 * X[:, 0]
        mean = expit(eta)
        y = {
            "weibull": lambda eta: np.exp(eta) * rng.weibull(2.0, n),
            "beta": lambda eta, mean=mean: np.clip(rng.beta(4 * mean, 4 - 4 * mean), 1e-9, 1 - 1e-9),
            "poisson": lambda eta: rng.poisson(np.exp(eta)),
            "bernoulli": lambda eta, mean=mean: (rng.uniform(size=n) < mean).astype(int),
        }[law](eta)
        fits = (clone(estimator).set_params(bounds=bounds).fit(X, y) for bounds in (None, (0, None)))
        errors.append([np.sum((X @ (np.ravel(fit.coef_) - [0.5, 0, 0])) ** 2) / n for fit in fits])
    free, held = np.mean(errors, axis=0)
    assert held < free


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_weights_offsets_and_units_of_many_rows(dependent, fit_intercept):
    """Many rows, whose cross products suffice: columns of very different units and means, of which one may be a sum."""
    rng = np.random.default_rng(10)
    n = 1000
    X = (rng.normal(size=(n, 6)) + rng.normal(size=6)) * 10.0 ** np.array([-3, 2, 0, 1, -1, 0])
    X = np.column_stack([X, X[:, 1] + X[:, 3]]) if dependent else X
    shift, weight = rng.normal(size=n), rng.uniform(0.1, 3.0, n)
    y = X @ (rng.normal(size=X.shape[1]) / X.std(axis=0)) + shift + 5.0 + 2 * rng.normal(size=n)
    options = {"fit_intercept": fit_intercept}
    model = MLERegressor(offset=X.shape[1], bounds=(0, None), **options).fit(np.c_[X, shift], y, sample_weight=weight)
    peer = LinearRegression(positive=True, **options).fit(X, y - shift, sample_weight=weight)
    assert np.allclose(model.predict(np.c_[X, shift]), peer.predict(X) + shift, rtol=0, atol=1e-8)
    if not dependent:
        assert np.allclose(model.coef_ * X.std(axis=0), peer.coef_ * X.std(axis=0), rtol=0, atol=1e-8)
    squares = np.average((y - model.predict(np.c_[X, shift])) ** 2, weights=weight)
    assert np.isclose(np.exp(2 * model.intercepts_["scale"]), squares, rtol=1e-10)
    Z = X / X.std(axis=0)
    ridge = MLERegressor(Normal(scale=1.0), alpha=0.1, bounds=(0, None), **options).fit(Z, y, sample_weight=weight)
    share, centre = np.sqrt(weight / weight.sum()), (lambda v: v - fit_intercept * np.average(v, axis=0, weights=weight))
    rows = np.vstack([share[:, None] * centre(Z), np.sqrt(0.1) * np.eye(Z.shape[1])])
    target = np.append(share * centre(y), np.zeros(Z.shape[1]))
    expected = lsq_linear(rows, target, (0, np.inf), tol=1e-14, method="bvls").x
    assert np.allclose(ridge.coef_, expected, rtol=0, atol=1e-8)
