"""Terms with penalties: against mixed models of statsmodels, and against criteria that scipy maximises over dense matrices."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sklearn
from scipy import optimize, sparse, special
from scipy.interpolate import BSpline
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sk_mle import MLEClassifier, MLERegressor, compare
from sk_mle.exceptions import BoundaryWarning, SeparationWarning
from sk_mle.likelihoods import Normal
from sk_mle.predictors import Groups, Ridge, Smooth
from sk_mle.selection import nested


def simulated(n=300, n_groups=15, seed=0):
    """X with columns x and group, and a linear predictor of both."""
    rng = np.random.default_rng(seed)
    x, group = rng.uniform(size=n), rng.integers(n_groups, size=n)
    eta = 1 + np.sin(6 * x) + 0.5 * rng.normal(size=n_groups)[group]
    return rng, np.column_stack([x, group]), eta


def test_random_intercepts_are_those_of_a_mixed_model():
    statsmodels = pytest.importorskip("statsmodels.api")
    rng, X, eta = simulated()
    y = eta + rng.normal(size=len(eta))
    model = MLERegressor(penalties={"loc": Groups(1)}, alpha="reml").fit(X, y)
    other = statsmodels.MixedLM(y, statsmodels.add_constant(X[:, 0]), X[:, 1]).fit(reml=True)
    assert 1 / model.penalties_["loc"]["groups(x1)"] == pytest.approx(float(other.cov_re[0, 0]), rel=1e-3)
    assert model.predict_params(X)["scale"][0] ** 2 == pytest.approx(other.scale, rel=1e-4)
    blups = [other.random_effects[group].iloc[0] for group in np.unique(X[:, 1])]
    np.testing.assert_allclose(model.coef_[1:], blups, atol=1e-3)
    table = model.inference(X, y).table()
    np.testing.assert_allclose(table["std err"][:2], other.bse_fe, rtol=1e-3)


class Dense:
    """Laplace's approximation of the restricted likelihood of B-splines and groups, with dense matrices and differences."""

    def __init__(self, X, y, rows, n_basis=12):
        x, low, high = X[:, 0], X[:, 0].min(), X[:, 0].max()
        step = (high - low) / (n_basis - 3)
        knots = low + step * np.arange(-3, n_basis + 1)
        B = BSpline.design_matrix(np.clip(x, low, high - 1e-12), knots, 3, extrapolate=True).toarray()
        Z = (X[:, 1:] == np.unique(X[:, 1])).astype(float)
        D = np.diff(np.eye(n_basis), n=2, axis=0)
        self.M, self.P, self.k, self.m = np.hstack([B, Z]), D.T @ D, n_basis, Z.shape[1]
        self.y, self.rows, self.b = y, rows, None

    def penalty(self, logs):
        S = np.zeros((self.k + self.m,) * 2)
        S[: self.k, : self.k] = np.exp(logs[0]) * self.P
        S[self.k :, self.k :] = np.exp(logs[1]) * np.eye(self.m)
        return S

    def criterion(self, logs):
        """Minus its logarithm; rows(y, eta, nuisance) is the log-likelihood of the rows."""
        S, h = self.penalty(logs), 1e-4
        b = np.append(np.full(self.k, self.rows.start), np.zeros(self.m)) if self.b is None else self.b
        for _ in range(50):
            eta = self.M @ b
            low, middle, high = (self.rows(self.y, eta + step, *logs[2:]) for step in (-h, 0.0, h))
            A = -(self.M.T * ((high - 2 * middle + low) / h**2)) @ self.M + S
            move = np.linalg.solve(A, self.M.T @ ((high - low) / (2 * h)) - S @ b)
            b = b + move
            if np.abs(move).max() < 1e-7:
                break
        self.b = b
        log_prior = 0.5 * ((self.k - 2) * logs[0] + self.m * logs[1] - b @ S @ b)
        return -float(self.rows(self.y, self.M @ b, *logs[2:]).sum() + log_prior - 0.5 * np.linalg.slogdet(A)[1])


def poisson(y, eta):
    return y * eta - np.exp(eta)


def normal(y, eta, log_scale):
    return -log_scale - 0.5 * ((y - eta) / np.exp(log_scale)) ** 2


def gamma(y, eta, log_shape):
    a = np.exp(log_shape)
    return a * (log_shape - eta) + (a - 1) * np.log(y) - a * y * np.exp(-eta) - special.gammaln(a)


def negative_binomial(y, eta, log_dispersion):
    r = np.exp(-log_dispersion)
    return special.gammaln(y + r) - special.gammaln(r) + r * np.log(r) - (r + y) * np.log(r + np.exp(eta)) + y * eta


poisson.start = normal.start = gamma.start = negative_binomial.start = 1.0
DRAWS = {
    "poisson": (poisson, lambda rng, eta: rng.poisson(np.exp(eta)), 0),
    "normal": (normal, lambda rng, eta: rng.normal(eta), -1e-3),
    "gamma": (gamma, lambda rng, eta: rng.gamma(3, np.exp(eta) / 3), 0),
    "negative_binomial": (negative_binomial, lambda rng, eta: rng.negative_binomial(3, 3 / (3 + np.exp(eta))), 0),
}


@pytest.mark.parametrize("law", DRAWS)
def test_penalties_maximise_the_restricted_likelihood(law):
    rows, draw, _ = DRAWS[law]
    rng, X, eta = simulated()
    y = draw(rng, eta)
    name = "loc" if law == "normal" else "mean"
    model = MLERegressor(law, penalties={name: [Smooth(0, 12), Groups(1)]}, alpha="reml").fit(X, y)
    nuisance = [value for parameter, value in model.intercepts_.items() if parameter != name]
    found = np.append(np.log(list(model.penalties_[name].values())), nuisance)
    dense = Dense(X, y, rows)
    around = np.vstack([found + 0.2, found + 0.2 - 0.4 * np.eye(len(found))])  # the optimum lies inside
    options = {"initial_simplex": around, "xatol": 5e-4, "fatol": 1e-7}
    best = optimize.minimize(dense.criterion, found, method="Nelder-Mead", options=options)
    np.testing.assert_allclose(found, best.x, atol=0.005 if law == "normal" else 0.05)
    assert dense.criterion(found) - best.fun < 1e-3
    np.testing.assert_allclose(model.fit_.eta(model.read_rows(X))[name], dense.M @ dense.b, atol=2e-3)


def test_standard_errors_and_degrees_of_freedom_are_those_of_the_penalised_information():
    rng, X, eta = simulated()
    y = rng.poisson(np.exp(eta))
    model = MLERegressor("poisson", penalties={"mean": [Smooth(0, 12), Groups(1)]}, alpha="reml").fit(X, y)
    dense = Dense(X, y, poisson)
    logs = np.log(list(model.penalties_["mean"].values()))
    dense.criterion(logs)
    H = (dense.M.T * np.exp(dense.M @ dense.b)) @ dense.M
    V = np.linalg.inv(H + dense.penalty(logs))
    table = model.inference(X, y).predict(X[:20])
    error = np.sqrt(np.einsum("ij,jk,ik->i", dense.M[:20], V, dense.M[:20]))
    np.testing.assert_allclose(table["std err"] / table["mean"], error, rtol=1e-4)
    edf = float(np.trace(V @ H))
    assert model.n_params_ == pytest.approx(edf, rel=1e-5)
    assert 1 + sum(model.edf_["mean"].values()) == pytest.approx(edf, rel=1e-5)
    assert model.aic_ == pytest.approx(2 * edf - 2 * model.loglikelihood_, rel=1e-6)


@pytest.mark.parametrize("alpha", ["reml", "gcv"])
def test_penalties_follow_the_unit_of_the_target(alpha):
    rng, X, eta = simulated()
    y = rng.normal(eta)
    model = MLERegressor(penalties={"loc": [Smooth(0), Groups(1)]}, alpha=alpha)
    plain = clone(model).fit(X, y)
    for unit in (1e-6, 1e6):
        other = clone(model).fit(X * [unit, 1.0], unit * y)
        np.testing.assert_allclose(list(other.edf_["loc"].values()), list(plain.edf_["loc"].values()), rtol=1e-3)
        penalties = np.array(list(other.penalties_["loc"].values())) * unit**2
        np.testing.assert_allclose(penalties, list(plain.penalties_["loc"].values()), rtol=1e-3)


def test_penalties_cost_few_passes():
    rng, X, eta = simulated()
    model = MLERegressor("poisson", penalties={"mean": [Smooth(0), Groups(1)]}, alpha="reml").fit(X, rng.poisson(np.exp(eta)))
    assert model.optimize_result_.n_passes <= 15  # it was 32 with a fit for each update


@pytest.mark.parametrize(("law", "size", "most"), [("poisson", 1.0, 7), ("poisson", 0.045, 7), ("normal", 0.1, 2)])
def test_penalties_of_many_rows_begin_on_a_sample(monkeypatch, law, size, most):
    rng = np.random.default_rng(8)
    X = rng.uniform(size=(16_000, 1))  # of the smallest function a sample shows no more than a straight line
    eta = size * np.sin(6 * X[:, 0])
    y = rng.poisson(np.exp(eta)) if law == "poisson" else rng.normal(eta)
    model = MLERegressor(law, penalties=Smooth(0, 14), alpha="reml")
    found = clone(model).fit(X, y)
    assert found.optimize_result_.n_passes <= most  # it was 9 and 14
    monkeypatch.setattr("sk_mle._solvers.maxima.penalty_start_on_sample", lambda *arguments: None)
    whole = clone(model).fit(X, y)
    assert whole.n_params_ > 4
    assert found.n_params_ == pytest.approx(whole.n_params_, rel=1e-5)
    np.testing.assert_allclose(found.coef_, whole.coef_, rtol=1e-5, atol=1e-6)


def test_updates_do_not_leap_over_a_maximum():
    rng = np.random.default_rng(77)
    X, y = rng.uniform(size=(500, 200))[291][:, None], rng.poisson(4, size=(500, 200))[291]
    model = MLERegressor("poisson", penalties=Smooth(0), alpha="reml").fit(X, y)
    assert model.edf_["mean"]["smooth(x0)"] == pytest.approx(3.03, abs=0.05)  # of mgcv; it was 1, by 0.24 less likely


def test_a_given_number_is_the_penalty_of_every_term():
    rng, X, eta = simulated()
    y = rng.poisson(np.exp(eta))
    model = MLERegressor("poisson", penalties={"mean": [Smooth(0, 12), Groups(1)]}, alpha=0.02).fit(X, y)
    assert model.penalties_["mean"] == pytest.approx({"smooth(x0)": 6.0, "groups(x1)": 6.0})
    dense = Dense(X, y, poisson)
    dense.criterion(np.log([6.0, 6.0]))
    np.testing.assert_allclose(model.predict(X), np.exp(dense.M @ dense.b), rtol=1e-5)
    with pytest.raises(ValueError, match="penalised"):
        model.inference(X, y)


def test_a_smooth_of_a_straight_line_is_one():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(300, 1))
    y = 2 * x[:, 0] + rng.normal(size=300)
    model = MLERegressor(penalties={"loc": Smooth(0)}, alpha="reml").fit(x, y)
    line = MLERegressor().fit(x, y)
    assert model.edf_["loc"]["smooth(x0)"] == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(model.predict(x), line.predict(x), atol=1e-5)
    unbiased = np.sum((y - line.predict(x)) ** 2) / 298
    assert model.predict_params(x)["scale"][0] ** 2 == pytest.approx(unbiased, rel=1e-5)


def test_a_smooth_goes_on_as_a_straight_line_and_its_mean_is_zero():
    rng, X, eta = simulated()
    y = rng.normal(eta)
    model = MLERegressor(penalties={"loc": Smooth(0)}, alpha="reml", predictors={"loc": "intercept"}).fit(X, y)
    np.testing.assert_allclose(np.mean(model.predict(X)), model.intercept_)
    beyond = model.predict(np.column_stack([[1.2, 1.4, 1.6, -0.1, -0.2, -0.3], np.zeros(6)]))
    np.testing.assert_allclose(np.diff(beyond[:3], 2), 0, atol=1e-9)
    np.testing.assert_allclose(np.diff(beyond[3:], 2), 0, atol=1e-9)
    low, high = X[:, 0].min(), X[:, 0].max()
    inside = model.predict(np.column_stack([[high - 1e-4, high, low + 1e-4, low], np.zeros(4)]))
    assert (beyond[1] - beyond[0]) / 0.2 == pytest.approx((inside[1] - inside[0]) / 1e-4, rel=1e-2)
    assert (beyond[3] - beyond[4]) / 0.1 == pytest.approx((inside[2] - inside[3]) / 1e-4, rel=1e-2)


@pytest.mark.parametrize("alpha", ["reml", 0.01])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_monotone_smooth_falls_everywhere(order, alpha):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(0, 10, 300), rng.normal(size=300)])
    y = rng.poisson(np.exp(2 - 0.2 * X[:, 0] + 0.3 * np.sin(2 * X[:, 0]) + 0.2 * X[:, 1]))
    grid = np.column_stack([np.linspace(-3, 13, 300), np.zeros(300)])
    free, falling = (
        MLERegressor("poisson", penalties={"mean": [Smooth(0, monotone=m, order=order)]}, alpha=alpha).fit(X, y)
        for m in (None, "decreasing")
    )
    assert np.diff(free.predict(grid)).max() > 1e-2
    assert np.diff(falling.predict(grid)).max() < 1e-12
    assert falling.loglikelihood_ < free.loglikelihood_
    assert falling.n_params_ < free.n_params_
    assert falling.penalties_ == free.penalties_
    signed = MLERegressor("poisson", penalties={"mean": [Smooth(0)]}, alpha=alpha, bounds={"x1": (None, 0.1)}).fit(X, y)
    assert signed.coef_[0] == 0.1
    if alpha == "reml":
        with pytest.raises(ValueError, match=r"constraints on mean:smooth\(x0\) hold with equality"):
            falling.inference(X, y)


def test_a_monotone_smooth_is_the_constrained_maximum():
    """Against a general minimiser on the B-splines' own coefficients, where the free function is not monotone."""
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(size=200))
    y = np.sin(6 * x) + 0.2 * rng.normal(size=200)
    model = MLERegressor(Normal(scale=1.0), penalties={"loc": [Smooth(0, 8, monotone="increasing")]}, alpha=0.001)
    fitted = model.fit(x[:, None], y).predict(x[:, None])
    step = (x[-1] - x[0]) / 5
    knots = x[0] + step * np.arange(-3, 9)
    B = BSpline.design_matrix(np.minimum(x, np.nextafter(x[-1], 0)), knots, 3).toarray()
    D = np.diff(np.eye(8), 2, axis=0)
    best = optimize.minimize(
        lambda a: np.mean((y - B @ a) ** 2) / 2 + 0.0005 * np.sum((D @ a) ** 2),
        np.linspace(-1, 1, 8),
        constraints={"type": "ineq", "fun": np.diff},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(fitted, B @ best.x, atol=1e-5)


def test_groups_that_the_fit_has_not_seen_are_at_zero():
    rng, X, eta = simulated()
    model = MLERegressor(penalties={"loc": Groups(1)}, alpha="reml").fit(X, rng.normal(eta))
    assert model.predict([[0.5, 99.0]])[0] == pytest.approx(model.intercept_ + 0.5 * model.coef_[0])


def test_a_ridge_on_all_columns_needs_no_terms():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 30))
    y = X[:, 0] + rng.normal(size=200)
    named = MLERegressor(penalties={"loc": Ridge("all")}, alpha="reml").fit(X, y)
    plain = MLERegressor(alpha="reml").fit(X, y)
    np.testing.assert_array_equal(named.coef_, plain.coef_)
    n_penalty = plain.penalties_["loc"]["ridge"]

    def criterion(logs):  # the marginal law of y in closed form, without the intercept
        V = np.exp(2 * logs[1]) * np.eye(200) + np.exp(-logs[0]) * X @ X.T
        inverse, one = np.linalg.inv(V), np.ones(200)
        r = y - (one @ inverse @ y) / (one @ inverse @ one)
        return 0.5 * (np.linalg.slogdet(V)[1] + np.log(one @ inverse @ one) + r @ inverse @ r)

    best = optimize.minimize(criterion, [np.log(n_penalty) + 0.1, 0.1], method="L-BFGS-B")
    np.testing.assert_allclose([np.log(n_penalty), plain.intercepts_["scale"]], best.x, atol=2e-3)


def test_terms_of_any_parameter():
    rng, X, eta = simulated(1000)
    y = rng.normal(eta, np.exp(0.5 * np.sin(6 * X[:, 0])))
    model = MLERegressor(penalties={"loc": [Smooth(0), Groups(1)], "scale": Smooth(0)}, alpha="reml").fit(X, y)
    assert model.converged_
    scale = model.predict_params(X)["scale"]
    assert np.corrcoef(np.log(scale), np.sin(6 * X[:, 0]))[0, 1] > 0.95
    assert {name: list(terms) for name, terms in model.edf_.items()} == {
        "loc": ["smooth(x0)", "groups(x1)"],
        "scale": ["smooth(x0)"],
    }
    model.inference(X, y).predict(X[:3])


def test_weights_are_copies_and_sparse_columns_the_same():
    rng, X, eta = simulated()
    y, weight = rng.poisson(np.exp(eta)), rng.integers(0, 3, size=len(eta))
    model = MLERegressor("poisson", penalties={"mean": [Smooth(0), Groups(1)]}, alpha="reml")
    weighted = clone(model).fit(X, y, sample_weight=weight)
    repeated = clone(model).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-4)
    dense, thin = clone(model).fit(X, y), clone(model).fit(sparse.csr_matrix(X), y)
    np.testing.assert_allclose(thin.predict(sparse.csr_matrix(X)), dense.predict(X), rtol=1e-4)


def test_forms_of_smooths_on_sparse_rows_and_in_pickles():
    rng, X, eta = simulated()
    X = np.column_stack([X, rng.integers(2, size=len(X)), rng.uniform(size=len(X))])
    terms = [Smooth([0, 3], [6, 5], cyclic=[True, False]), Smooth(0, 6, by=2)]
    model = MLERegressor("poisson", penalties={"mean": terms}, predictors={"mean": [2]}, alpha="gcv")
    y = rng.poisson(np.exp(eta))
    dense, thin = clone(model).fit(X, y), clone(model).fit(sparse.csr_matrix(X), y)
    assert list(dense.penalties_["mean"]) == ["smooth(x0, x3)[x0]", "smooth(x0, x3)[x3]", "smooth(x0) by x2"]
    np.testing.assert_allclose(thin.predict(sparse.csr_matrix(X)), dense.predict(X), rtol=1e-5)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(dense)).predict(X), dense.predict(X))


def test_pipelines_searches_and_pickles():
    rng, X, eta = simulated()
    y = rng.poisson(np.exp(eta))
    model = MLERegressor("poisson", penalties={"mean": [Smooth(0)]}, alpha="reml")
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(pipeline)).predict(X), pipeline.predict(X))
    search = GridSearchCV(model, {"penalties": [{"mean": [Smooth(0, k)]} for k in (6, 12)], "alpha": ["reml", 0.1]}, cv=2)
    assert np.isfinite(search.fit(X, y).best_score_)
    assert "edf_" not in vars(search.best_estimator_.set_params(penalties=None, alpha=0.0).fit(X, y))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_groups_may_be_text_in_frames(library):
    frames = pytest.importorskip(library)
    if not hasattr(frames.DataFrame, "__dataframe__") and tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7):
        pytest.skip("scikit-learn 1.6 reads no column names of this frame")
    rng, X, eta = simulated()
    text = [f"site {int(g):02}" for g in X[:, 1]]
    frame, y = frames.DataFrame({"x": X[:, 0], "site": text}), rng.poisson(np.exp(eta))
    model = MLERegressor("poisson", penalties={"mean": [Smooth("x"), Groups("site")]}, alpha="reml").fit(frame, y)
    numbers = MLERegressor("poisson", penalties={"mean": [Smooth(0), Groups(1)]}, alpha="reml").fit(X, y)
    np.testing.assert_allclose(model.predict(frame), numbers.predict(X), rtol=1e-10)
    new = frames.DataFrame({"x": [0.5], "site": ["elsewhere"]})
    np.testing.assert_allclose(model.predict(new), numbers.predict([[0.5, 99]]), rtol=1e-10)
    names = model.inference(frame, y).names
    assert "mean:groups(site)[site 03]" in names
    assert "mean: groups(site)" in str(model.inference(frame, y).summary())


def test_classes_of_two_and_more():
    rng, X, eta = simulated(600)
    terms = [Smooth(0, 10), Groups(1)]
    two = rng.uniform(size=600) < special.expit(eta - 1)
    model = MLEClassifier(penalties={"prob": terms}, alpha="reml").fit(X, two)
    assert model.converged_
    assert 1 < model.edf_["prob"]["smooth(x0)"] < 9
    three = np.digitize(eta + rng.logistic(size=600), [0.5, 1.5])
    many = MLEClassifier(penalties={"logits": terms}, alpha="reml").fit(X, three)
    assert many.converged_
    assert 2 < many.edf_["logits"]["smooth(x0)"] < 18
    ordered = MLEClassifier("ordinal", penalties={"loc": terms}, alpha="reml").fit(X, three)
    assert ordered.converged_
    assert ordered.score(X, three) > -1.1


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"penalties": {"loc": [Smooth(0)]}}, "need alpha='reml'"),
        ({"penalties": {"loc": [Smooth(7)]}, "alpha": "reml"}, "column 7 does not exist"),
        ({"penalties": {"loc": [Smooth("age")]}, "alpha": "reml"}, "no column names"),
        ({"penalties": {"loc": [Smooth(2)]}, "alpha": "reml"}, "2 distinct values"),
        ({"penalties": {"loc": [Smooth(0, 3)]}, "alpha": "reml"}, "n_basis must be an integer of at least 4"),
        (
            {"penalties": {"loc": [Smooth(0, 101)]}, "alpha": "reml"},
            "100 distinct values, too few for n_basis=101",
        ),
        ({"penalties": {"loc": [Smooth([0, 0])]}, "alpha": "reml"}, "name each column once"),
        ({"penalties": {"loc": [Smooth([0, 1], [5, 5, 5])]}, "alpha": "reml"}, "3 entries for 2 columns"),
        ({"penalties": {"loc": [Smooth(0, cyclic=(1, 0))]}, "alpha": "reml"}, "ends of a period"),
        ({"penalties": {"loc": [Smooth([0, 1], 12)]}, "alpha": "reml"}, "143 coefficients, too many for 100 rows"),
        ({"penalties": {"loc": [Groups(2)]}, "alpha": "reml"}, "2 groups"),
        ({"penalties": {"loc": [Smooth(0), Groups(0)]}, "alpha": "reml"}, "same column"),
        ({"penalties": {"loc": [Smooth(0)]}, "predictors": {"loc": [0]}, "alpha": "reml"}, "names too"),
        ({"penalties": {"loc": [Ridge(), Ridge([2])]}, "alpha": "reml"}, "give each column one penalty"),
        ({"penalties": {"scale": [Ridge()]}, "alpha": "reml"}, "no column to penalise"),
        ({"penalties": {"mean": [Ridge()]}, "alpha": "reml"}, "penalties names 'mean'"),
        ({"penalties": {"loc": [Ridge()]}, "alpha": "reml", "penalty": "jeffreys"}, "where there are terms"),
        ({"penalties": {"loc": [Ridge()]}, "alpha": "reml", "l1_ratio": 0.5}, "not offered where there are terms"),
        ({"alpha": "aic"}, "or 'reml', 'gcv'"),
        ({"penalties": {"loc": [Smooth(0, monotone="up")]}, "alpha": "reml"}, "monotone='up' is unknown"),
        ({"penalties": {"loc": [Smooth([0, 1], monotone="increasing")]}, "alpha": "reml"}, "is of one column"),
        ({"penalties": {"loc": [Ridge()]}, "alpha": "reml", "likelihood": "laplace"}, "kinks"),
    ],
)
def test_errors_say_what_to_do(arguments, match):
    _, X, eta = simulated(100)
    X = np.column_stack([X, X[:, 0] > 0.5])
    with pytest.raises(ValueError, match=match):
        MLERegressor(**arguments).fit(X, eta)
    with pytest.raises(TypeError, match="list of terms"):
        MLERegressor(penalties={"loc": ["x"]}, alpha="reml").fit(X, eta)


def test_the_arguments_penalty_and_penalties_are_told_apart():
    _, X, eta = simulated(100)
    for penalties in ("jeffreys", ["mean_bias"], {"loc": "jeffreys"}):
        with pytest.raises(TypeError, match="for bias-reduced likelihood pass penalty="):
            MLERegressor(penalties=penalties).fit(X, eta)
    for penalty in (Smooth(0), [Smooth(0)], {"loc": [Groups(1)]}):
        with pytest.raises(TypeError, match="terms with a penalty go to penalties="):
            MLERegressor(penalty=penalty).fit(X, eta)


@pytest.mark.parametrize("alpha", ["reml", 1.0])
def test_a_free_scale_of_more_columns_than_rows_says_what_helps(alpha):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 30)), rng.normal(size=20)
    with pytest.warns(BoundaryWarning, match="No penalty holds it back: use fewer columns, or fix the scale"):
        MLERegressor(alpha=alpha).fit(X, y)
    assert MLERegressor(Normal(scale=1.0), alpha=alpha).fit(X, y).converged_


def test_separation_along_a_column_beside_the_terms_is_found():
    rng, X, _ = simulated(100)
    X[:, 0] -= 0.5
    with pytest.warns(SeparationWarning, match=r"along column 0 .* Name these columns in a term Ridge"):
        model = MLEClassifier(penalties={"prob": Groups(1)}, alpha="reml").fit(X, X[:, 0] > 0)
    assert not model.converged_
    y = (X[:, 0] > 0) ^ (rng.uniform(size=100) < 0.1)
    assert MLEClassifier(penalties={"prob": [Groups(1), Ridge([0])]}, alpha="reml").fit(X, y).converged_


def test_profiles_and_sandwiches_are_refused():
    rng, X, eta = simulated()
    y = rng.normal(eta)
    model = MLERegressor(penalties={"loc": [Smooth(0)]}, alpha="reml").fit(X, y)
    inference = model.inference(X, y)
    with pytest.raises(ValueError, match="no profile likelihood"):
        inference.conf_int(method="profile")
    with pytest.raises(ValueError, match="Bayesian"):
        model.inference(X, y, cov="HC1")


def test_a_table_has_the_terms_and_a_summary_shows_it():
    rng, X, eta = simulated()
    y = rng.poisson(np.exp(eta))
    model = MLERegressor("poisson", penalties={"mean": [Smooth(0, 12), Groups(1)]}, alpha="reml").fit(X, y)
    inference = model.inference(X, y)
    table = inference.terms()
    assert table.index == ["mean: smooth(x0)", "mean: groups(x1)"]
    np.testing.assert_array_equal(table["edf"], list(model.edf_["mean"].values()))
    assert str(table).splitlines()[-1] in str(inference.summary())
    assert "groups(x1)" in inference.summary()._repr_html_()
    plain = MLERegressor("poisson").fit(X, y).inference(X, y)
    assert len(plain.terms()) == 0
    assert not plain.summary().below


def test_a_term_is_a_part_of_the_linear_predictor():
    rng, X, eta = simulated()
    y = rng.poisson(np.exp(eta))
    model = MLERegressor("poisson", penalties={"mean": [Smooth(0, 12), Groups(1)]}, alpha="reml").fit(X, y)
    inference = model.inference(X, y)
    smooth, groups = (inference.predict(X, what) for what in ("smooth(x0)", "mean: groups(x1)"))
    whole = model.intercept_ + smooth["smooth(x0)"] + groups["mean: groups(x1)"]
    np.testing.assert_allclose(np.exp(whole), model.predict(X))
    assert abs(np.mean(smooth["smooth(x0)"])) < 1e-10
    Z = model.read_rows(X)[:, 2:13]  # the columns of the smooth
    V = inference.cov_params()[1:12, 1:12]
    np.testing.assert_allclose(smooth["std err"], np.sqrt(np.einsum("ij,jk,ik->i", Z, V, Z)), rtol=1e-8)
    drawn = inference.predict(X[:2], "smooth(x0)", method="simulate")
    np.testing.assert_array_equal(drawn["std err"], smooth["std err"][:2])
    effect = inference.partial_effects(X, 0, "smooth(x0)", values=X[:3, 0])
    np.testing.assert_allclose(effect["smooth(x0)"], smooth["smooth(x0)"][:3])
    np.testing.assert_allclose(effect["std err"], smooth["std err"][:3])


def test_a_cyclic_smooth_ends_as_it_begins():
    rng, X, eta = simulated()
    model = MLERegressor(penalties={"loc": Smooth(0, 12, cyclic=(-0.5, 1.5))}, alpha="reml").fit(X, rng.normal(eta))
    here, later = model.predict([[0.1, 0], [0.9, 0]]), model.predict([[2.1, 0], [-1.1, 0]])
    np.testing.assert_allclose(here, later)
    ends = model.predict([[1.5 - 1e-9, 0], [1.5 + 1e-9, 0]])
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)


def test_a_smooth_times_a_column_is_zero_where_that_is():
    rng, X, _ = simulated()
    X = np.column_stack([X, rng.integers(2, size=len(X))])
    y = rng.normal(np.sin(6 * X[:, 0]) + X[:, 2] * X[:, 0], 0.2)
    terms = [Smooth(0, 10), Smooth(0, 10, by=2)]
    model = MLERegressor(penalties={"loc": terms}, predictors={"loc": [2]}, alpha="reml").fit(X, y)
    part = model.inference(X, y).predict(X, "smooth(x0) by x2")["smooth(x0) by x2"]
    assert (part[X[:, 2] == 0] == 0).all()
    assert np.corrcoef(part[X[:, 2] == 1], X[X[:, 2] == 1, 0])[0, 1] > 0.95
    assert model.edf_["loc"]["smooth(x0) by x2"] < 3


def test_a_smooth_for_each_value_of_a_column_of_text():
    pandas = pytest.importorskip("pandas")
    rng, X, eta = simulated()
    kind = rng.integers(3, size=len(X))
    frame = pandas.DataFrame({"x": X[:, 0], "kind": np.array(["a", "b", "c"])[kind]})
    y = rng.poisson(np.exp(eta + np.cos(4 * X[:, 0]) * (kind == 1)))
    terms = [Smooth("x", 8, by="kind"), Groups("kind")]
    model = MLERegressor("poisson", penalties={"mean": terms}, alpha="reml").fit(frame, y)
    indicators = [Smooth(0, 8, by=j) for j in (1, 2, 3)]  # by columns of zeros and ones the same
    numbers = np.column_stack([X[:, 0], np.eye(3)[kind], kind])
    options = {"predictors": {"mean": "intercept"}, "penalties": {"mean": [*indicators, Groups(4)]}}
    other = MLERegressor("poisson", alpha="reml", **options).fit(numbers, y)
    np.testing.assert_allclose(model.predict(frame), other.predict(numbers), rtol=1e-8)
    assert list(model.edf_["mean"]) == [*(f"smooth(x) by kind={level}" for level in "abc"), "groups(kind)"]
    assert list(model.penalties_["mean"].values()) == pytest.approx(list(other.penalties_["mean"].values()), rel=1e-6)
    new = model.predict(frame[:3].assign(kind="d"))
    np.testing.assert_allclose(new, np.exp(model.intercept_))


def test_models_with_terms_compare_by_effective_degrees_of_freedom():
    rng, X, eta = simulated()
    y = rng.poisson(np.exp(eta))
    terms = [Smooth(0, 12), Groups(1)]
    models = {
        "both": MLERegressor("poisson", penalties={"mean": terms}, alpha="reml"),
        "smooth": MLERegressor("poisson", penalties={"mean": terms[:1]}, predictors={"mean": []}, alpha="reml"),
        "line": MLERegressor("poisson", predictors={"mean": [0]}),
        "ridge": MLERegressor("poisson", alpha=0.1),
    }
    table = compare(models, X, y)
    fitted = models["both"].fit(X, y)
    assert table.best == "both"
    assert table["n_params"][0] == pytest.approx(fitted.n_params_)
    assert table["AIC"][0] == pytest.approx(fitted.aic_)
    assert np.isnan(table["AIC"][-1])
    assert np.isnan(table["p"][:3]).all()
    assert f"{fitted.n_params_:.1f}" in str(table)
    assert "effective degrees of freedom" in str(table)
    assert nested(models["line"].fit(X, y), fitted) is None


def test_one_criterion_chooses_all_penalties():
    rng, X, eta = simulated(100)
    terms = {"loc": Smooth(0, 8), "scale": Smooth(0, 8)}
    with pytest.raises(ValueError, match="one criterion"):
        MLERegressor(penalties=terms, alpha={"loc": "reml", "scale": "gcv"}).fit(X, rng.normal(eta))


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore")  # of checks with few rows, and of those that are skipped
@pytest.mark.parametrize("alpha", ["reml", "gcv"])
def test_checks_of_scikit_learn(alpha):
    check_estimator(MLERegressor(penalties={"loc": Smooth(0, 3, degree=1)}, alpha=alpha))
    check_estimator(MLERegressor(alpha=alpha))


@pytest.mark.exhaustive
def test_bands_cover_the_function():
    covered = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x = rng.uniform(size=(300, 1))
        truth = np.exp(1 + np.sin(6 * x[:, 0]))
        y = rng.negative_binomial(3, 3 / (3 + truth))
        model = MLERegressor("negative_binomial", penalties={"mean": Smooth(0)}, alpha="reml").fit(x, y)
        table = model.inference(x, y).predict(x)
        covered.append(np.mean((table["2.5%"] <= truth) & (truth <= table["97.5%"])))
    assert 0.92 < np.mean(covered) < 0.98
