"""Where estimates do not exist, data are extreme, or a trial step is impossible; and the distributions of predictions."""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.datasets import load_iris

from sk_mle import Distribution, MLEClassifier, MLEDensity, MLERegressor
from sk_mle.exceptions import BoundaryWarning, ConvergenceWarning, SeparationWarning
from sk_mle.likelihoods import (
    Bernoulli,
    Beta,
    Categorical,
    Gamma,
    GeneralizedPareto,
    Laplace,
    NegativeBinomial,
    Normal,
    Poisson,
    SkewT,
    StudentT,
)

RNG = np.random.default_rng(5)
N = 60
X = RNG.normal(size=(N, 2))
POSITIVE = np.exp(0.5 * X[:, 0] + RNG.normal(size=N))
COUNTS = RNG.poisson(np.exp(0.7 + 0.5 * X[:, 0]) * RNG.gamma(1, 1, N)).astype(float)
COUNT_LAWS = [Poisson(), NegativeBinomial()]


@pytest.mark.parametrize("rows", [1, 20])
@pytest.mark.parametrize("law", [Normal(), Laplace(), StudentT(df=4), StudentT(), Beta(), Gamma()])
def test_constant_target_is_an_exact_fit(law, rows):
    model = MLERegressor(law)
    with pytest.warns(BoundaryWarning, match=f"likelihood of {type(law).__name__} is unbounded.*alpha.*fix the scale"):
        model.fit(X[:rows], np.full(rows, 0.3))
    assert_allclose(model.coef_, 0, atol=1e-9)
    assert_allclose(model.predict(X), 0.3, rtol=1e-6)
    assert_allclose(MLERegressor(Poisson()).fit(X[:rows], np.full(rows, 3.0)).predict(X), 3, rtol=1e-6)


@pytest.mark.parametrize("law", [Normal(), Laplace(), StudentT(), Poisson(), Gamma()])
def test_constant_columns_have_no_coefficient(law):
    y = COUNTS if law.support.integer else POSITIVE
    padded = np.c_[np.ones(N), X[:, :1], np.zeros(N), np.full(N, 1e6)]
    model, plain = MLERegressor(law).fit(padded, y), MLERegressor(law).fit(X[:, :1], y)
    assert_array_equal(model.coef_[[0, 2, 3]], 0)
    assert_allclose(model.coef_[1], plain.coef_[0], rtol=1e-6)
    assert model.n_params_ == plain.n_params_
    only = MLERegressor(law, predictors={law.layout.free[-1]: "all"}).fit(np.ones((N, 1)), y)
    assert_allclose(only.predict([[1.0]]), MLERegressor(law, predictors="intercept").fit(X, y).predict(X[:1]), rtol=1e-6)


@pytest.mark.parametrize("law", [Normal(), Laplace(), StudentT(df=3), StudentT()])
@pytest.mark.parametrize(("n", "p"), [(3, 2), (5, 9)])
def test_exact_fit(law, n, p):
    wide, y = np.random.default_rng(1).normal(size=(n, p)), np.random.default_rng(2).normal(size=n)
    with pytest.warns(BoundaryWarning, match="reproduces y to rounding.*coefficients of 'loc' are the exact fit"):
        model = MLERegressor(law).fit(wide, y)
    assert_allclose(model.predict(wide), y, atol=1e-12)
    if p < n:
        assert_allclose([model.intercept_, *model.coef_], np.linalg.solve(np.c_[np.ones(n), wide], y), rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-9, 1e9, 1e-100, 1e100])
@pytest.mark.parametrize("law", [Normal(), Laplace(), StudentT(), Gamma()])
def test_scale_of_the_target(law, scale):
    model, plain = MLERegressor(law).fit(X, scale * POSITIVE), MLERegressor(law).fit(X, POSITIVE)
    assert model.converged_
    assert_allclose(model.predict(X) / scale, plain.predict(X), rtol=1e-6)
    assert model.loglikelihood_ == pytest.approx(plain.loglikelihood_ - N * np.log(scale), rel=1e-8)

    columns = MLERegressor(law).fit(np.clip(scale, 1e-9, 1e9) * (X + 1e4), POSITIVE)
    assert_allclose(columns.coef_ * np.clip(scale, 1e-9, 1e9), plain.coef_, rtol=1e-4)


@pytest.mark.parametrize("law", COUNT_LAWS)
def test_counts_up_to_a_million(law):
    for seed in range(14):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(N, 2))
        for size in (1e3, 1e4, 1e5, 1e6):
            mean = size * np.exp(0.1 * rows[:, 0] - 0.2 * rows[:, 1])
            y = rng.poisson(mean) if isinstance(law, Poisson) else np.round(mean * rng.gamma(20, 1 / 20, N))
            assert_allclose(MLERegressor(law).fit(rows, y).coef_, [0.1, -0.2], atol=0.2)


def test_tails_without_a_mean():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(2000, 3))
        MLERegressor(StudentT()).fit(rows, rows[:, 0] + rng.standard_t(0.33, 2000))


def test_a_million_rows():
    wide = np.random.default_rng(0).normal(size=(1_000_000, 3))
    y = wide @ [1, 2, 3] + np.random.default_rng(1).normal(size=len(wide))
    began, model = time.process_time(), MLERegressor().fit(wide, y)
    dist = model.predict_dist(wide)
    values = dist.logpdf(y), dist.cdf(y), dist.ppf(0.9), dist.mean(), dist.rvs(random_state=0)
    assert time.process_time() - began < 20
    assert all(value.shape == (len(wide),) for value in values)
    assert_allclose(model.coef_, [1, 2, 3], atol=0.01)
    assert values[0].sum() == pytest.approx(model.loglikelihood_, rel=1e-9)


def reference(name):
    case = json.loads((Path(__file__).parents[1] / "reference" / f"{name}.json").read_text())
    design = case["designs"]["loc"]
    return pd.DataFrame(design["X"], columns=design["names"]).drop(columns="(Intercept)"), np.array(case["data"]["y"])


def columns_of(record):
    return str(record[0].message).split("along ")[1].split(" the likelihood")[0]


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "bfgs"])
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog", "cauchit"])
def test_quasi_separation_names_its_column(link, solver):
    frame, y = reference("separation_endometrial")
    model = MLEClassifier(Bernoulli(links={"prob": link}), solver=solver)
    with pytest.warns(SeparationWarning, match="no finite maximum exists.*alpha > 0.*drop or merge") as record:
        model.fit(frame, y)
    assert columns_of(record) == "column 'NV'"
    assert not model.converged_
    assert np.isfinite(model.predict_log_proba(frame)).all()
    finite = MLEClassifier(Bernoulli(links={"prob": link})).fit(frame[frame["NV"] == 0].drop(columns="NV"), y[frame["NV"] == 0])
    assert_allclose(model.coef_[0, 1:], finite.coef_[0], rtol=1e-4)  # the limit of the others
    assert model.fit(*reference("separation_none_birthwt")).converged_


@pytest.mark.parametrize("n", [40, 400, 20_000])
def test_complete_separation(n):
    x = np.linspace(-1, 1, n)[:, None]
    with pytest.warns(SeparationWarning):
        model = MLEClassifier().fit(x, x[:, 0] > 0)
    assert not model.converged_
    assert_array_equal(model.predict(x), x[:, 0] > 0)


@pytest.mark.parametrize("n", [40, 400, 20_000])
def test_nearly_separated_data_have_a_maximum(n):
    x = np.linspace(-1, 1, n)[:, None]
    y = x[:, 0] > 0
    y[n // 2 - 1 : n // 2 + 1] = True, False
    assert MLEClassifier().fit(x, y).converged_


def test_a_class_of_one_row_beside_two_common_ones_is_found():
    y = np.tile([2, 7, 7, 7, 2, 2], 100)  # a first look at every third row finds 2 and 7 alone
    y[400] = 5
    model = MLEClassifier(alpha=1.0).fit(np.random.default_rng(0).normal(size=(600, 1)), y)
    assert_array_equal(model.classes_, [2, 5, 7])
    assert_allclose(model.predict_proba(np.zeros((1, 1)))[0], np.array([299, 1, 300]) / 600, atol=2e-3)


def test_separation_of_several_classes():
    model, (data, y) = MLEClassifier(), load_iris(return_X_y=True, as_frame=True)
    with pytest.warns(SeparationWarning, match="likelihood of Categorical grows"):
        model.fit(data, y)
    assert model.score(data, y) == pytest.approx(-5.949271 / 150, abs=1e-5)  # VGAM and nnet stop at this deviance of 11.8985
    assert MLEClassifier().fit(data[["sepal width (cm)"]], y).converged_
    assert MLEClassifier(Categorical(), alpha=1e-4).fit(data, y).converged_


GROUP = pd.DataFrame({"x": X[:, 0], "group": (np.arange(N) < 9).astype(float)})


@pytest.mark.parametrize("law", COUNT_LAWS)
def test_a_group_of_zeros(law):
    y = np.where(GROUP["group"] == 1, 0.0, COUNTS)
    with pytest.warns(SeparationWarning, match=f"likelihood of {type(law).__name__} grows") as record:
        model = MLERegressor(law).fit(GROUP, y)
    assert columns_of(record) == "column 'group'"
    assert_allclose(model.predict(GROUP)[:9], 0, atol=1e-5)
    with pytest.warns(ConvergenceWarning) as record:  # of separation, and for NegativeBinomial of its dispersion
        assert_allclose(MLERegressor(law).fit(X, np.zeros(N)).predict(X), 0, atol=1e-7)
    assert SeparationWarning in [item.category for item in record]
    rest = GROUP["group"] == 0
    assert model.coef_[0] == pytest.approx(MLERegressor(law).fit(GROUP.loc[rest, ["x"]], y[rest]).coef_[0], rel=1e-5)


@pytest.mark.parametrize(("fit", "message"), [
    (lambda: MLERegressor(Poisson(), predictors="intercept").fit(X, np.zeros(N)), "along the intercept"),
    (lambda: MLERegressor(Poisson()).fit(X, np.zeros(N)), "along the intercept"),
    (lambda: MLERegressor(Poisson()).fit(GROUP, np.where(GROUP["group"] == 1, 0.0, COUNTS)), r"^((?!0 or 1).)*$"),
    (lambda: MLEClassifier().fit(X, X[:, 1] > 0), "columns 0, 1 the"),
])  # fmt: skip
def test_words_of_the_warning(fit, message):
    with pytest.warns(SeparationWarning, match=message):
        fit()


@pytest.mark.parametrize("weight", [1.0, 1e-3, 1e-6, 1e-10, 1e-13])
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_a_small_share_of_the_weight_is_separated(link, weight):
    rng, group = np.random.default_rng(3), (np.arange(20_000) < 4)[:, None]
    x, y = np.hstack([rng.normal(size=group.shape), group]), (rng.uniform(size=len(group)) < 0.4) & ~group[:, 0]
    model, weights = MLEClassifier(Bernoulli(links={"prob": link})), np.where(group[:, 0], weight, 1.0)
    with pytest.warns(SeparationWarning, match="column 1 the"):
        model.fit(x, y, weights)
    if weight >= 1e-6:  # lighter rows are not seen by a gradient that may stop at tol
        y[0] = True
        assert model.fit(x, y, weights).converged_


@pytest.mark.parametrize("law", [StudentT(), SkewT()])
@pytest.mark.parametrize("log_df", [200.0, 300.0, 350.0])
def test_degrees_of_freedom_without_end_leave_no_gradient(law, log_df):
    y = np.linspace(-3, 3, 7)
    found = law.evaluate(y, {name: np.full(7, log_df if name == "df" else 0.3) for name in law.layout.free}, 2)
    for values in (found.gradient["df"], *(value for pair, value in found.information.items() if "df" in pair)):
        assert_allclose(values, 0.0, atol=1e-40)


def test_no_coordinates_at_all():
    model = MLERegressor(Poisson(), fit_intercept=False).fit(np.zeros((50, 1)), np.arange(50) % 4)
    assert model.converged_
    assert model.loglikelihood_ == pytest.approx(stats.poisson(1).logpmf(np.arange(50) % 4).sum(), rel=1e-13)


@pytest.mark.parametrize("alpha", [1e-6, 1e-2, 1.0])
def test_penalised_fits_of_separated_data_have_a_maximum(alpha):
    assert MLEClassifier(alpha=alpha).fit(*reference("separation_endometrial")).converged_
    assert MLERegressor(Poisson(), alpha=alpha).fit(GROUP, np.where(GROUP["group"] == 1, 0.0, COUNTS)).converged_


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "bfgs", "trust-ncg"])
def test_too_few_iterations_warn(solver):
    with pytest.warns(ConvergenceWarning, match="Poisson did not converge: after 1 iter.*above tol=1e-08; increase max_iter"):
        MLERegressor(Poisson(), solver=solver, max_iter=1).fit(X, COUNTS)
    with pytest.warns(ConvergenceWarning, match="Laplace has kinks: use solver='auto'"):
        MLERegressor(Laplace(), solver="lbfgs").fit(X, POSITIVE)


TIGHT = [
    (Poisson(links={"mean": "identity"}), 5 + X[:, 0] + RNG.poisson(1, N)),
    (Poisson(links={"mean": "sqrt"}), COUNTS),
    (Gamma(links={"mean": "inverse"}), POSITIVE),
    (Gamma(links={"mean": "identity"}), POSITIVE),
    (Beta(links={"mean": "identity"}), stats.beta(2, 2).rvs(N, random_state=0)),
    (Normal(links={"scale": "identity"}), POSITIVE),
    (NegativeBinomial(links={"mean": "softplus", "dispersion": "identity"}), COUNTS),
]


@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
@pytest.mark.parametrize(("law", "y"), TIGHT)
def test_steps_outside_a_domain_do_not_end_a_fit(law, y, solver):
    model = MLERegressor(law, solver=solver, predictors={law.layout.free[-1]: [0]}, tol=1e-6).fit(X, y)
    assert model.converged_
    assert all(law.layout[name].domain.contains(value).all() for name, value in model.predict_params(X).items())


def test_a_maximum_on_the_edge_of_the_domain_is_named():
    y = np.random.default_rng(0).poisson(np.exp(1.5 * X[:, 0]))
    with pytest.warns(ConvergenceWarning, match="steps end at the edge of the domain of mean: choose a link that stays inside"):
        MLERegressor(Poisson(links={"mean": "identity"})).fit(X, y)


def test_a_support_whose_end_moves_is_named():
    """A uniform law up to its scale, whose log-likelihood is a straight line in log(scale) until the largest y is left out."""
    y = np.random.default_rng(3).uniform(size=30)
    with pytest.warns(BoundaryWarning, match=f"GeneralizedPareto is on the edge of .* held by row {y.argmax()} of y"):
        model = MLEDensity(GeneralizedPareto(shape=-1.0)).fit(y[:, None])
    assert model.converged_
    assert model.loglikelihood_ == pytest.approx(-30 * np.log(y.max()), abs=1e-6)


def test_predictions_outside_the_domain_name_their_rows():
    model = MLERegressor(Gamma(links={"mean": "identity"})).fit(X[:, :1], 5 + X[:, 0] + 0.1 * POSITIVE)
    with pytest.warns(RuntimeWarning, match=r"mean leaves its domain \(0, inf\) in 2 rows \(1, 3\) of X: the link Identity"):
        model.predict([[0.0], [-100.0], [1.0], [-50.0]])
    assert MLERegressor(Poisson()).fit(X, COUNTS).predict([[1e9, 0]])[0] in (0, np.inf)  # saturated, without a warning


A, B, C = np.array([0.1, 3.0, 50.0]), np.array([0.5, 2.0, 40.0]), np.array([0.1, 0.5, 0.99])
REALS = np.r_[-1e4, -400, -40, -9, -1:1:5j, 7, 40, 400, 1e4]
WHOLE = np.r_[-1, 0, 0.5, 1, 2, 10, 100, 400, 4000]
LAWS = {
    "normal": (Normal(), {"loc": A, "scale": B}, stats.norm(A, B), REALS),
    "laplace": (Laplace(), {"loc": A, "scale": B}, stats.laplace(A, B), REALS[1:-1]),
    "student_t": (StudentT(), {"loc": A, "scale": B, "df": A + 1.5}, stats.t(A + 1.5, A, B), REALS),
    "poisson": (Poisson(), {"mean": A}, stats.poisson(A), WHOLE),
    "negative_binomial": (NegativeBinomial(), {"mean": A, "dispersion": 1 / B}, stats.nbinom(B, B / (A + B)), WHOLE),
    "gamma": (Gamma(), {"mean": A, "shape": B}, stats.gamma(B, scale=A / B), np.r_[-1, 1e-300, 1e-9, 0.1, 1, 10, 100, 4000]),
    "beta": (Beta(), {"mean": C, "precision": A}, stats.beta(C * A, (1 - C) * A), np.r_[-1, 0.1:0.9:5j, 1e-9, 1 - 1e-9, 2]),
    "bernoulli": (Bernoulli(), {"prob": C}, stats.bernoulli(C), np.r_[-1, 0, 0.5, 1, 2]),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning:scipy", "ignore::RuntimeWarning:numpy")  # of the reference
def test_distribution_equals_scipy(name):
    law, params, reference, y = LAWS[name]
    dist, y, q = Distribution(law, params), y[:, None], np.r_[1e-10, 0.01, 0.3, 0.5, 0.9, 0.999][:, None]
    mass = "pmf" if law.support.integer else "pdf"
    for method in (mass, f"log{mass}", "cdf", "sf", "logcdf", "logsf"):
        found, expected = getattr(dist, method)(y), getattr(reference, method)(y)
        assert found.shape == (len(y), 3)
        lost = np.isneginf(expected) & (found < -650) & (y > law.support.low)  # scipy underflows
        assert_allclose(found[~lost], expected[~lost], rtol=1e-8, atol=1e-15, err_msg=method)
    assert_allclose(dist.ppf(q), reference.ppf(q), rtol=1e-8, atol=1e-300)
    assert_allclose(dist.interval(0.9), reference.interval(0.9), rtol=1e-8)
    for method in ("mean", "median", "var", "std", "entropy"):
        assert_allclose(getattr(dist, method)(), getattr(reference, method)(), rtol=1e-7, err_msg=method)


def test_beta_with_mass_at_zero():
    dist, y = Distribution(Beta(), {"mean": np.array([0.1]), "precision": np.array([0.1])}), 1e-20
    assert_allclose(dist.cdf(y) + dist.sf(y), 1, rtol=1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_shapes_indexing_and_draws(name):
    law, params, _, y = LAWS[name]
    dist, grid = Distribution(law, params), y[:, None]
    assert (len(dist), dist.shape, dist[1].shape) == (3, (3,), ())
    for index in (slice(1, None), np.array([True, False, True]), [2, 0], 1, -1):
        assert_array_equal(dist[index].logpdf(grid if np.ndim(np.arange(3)[index]) else y), dist.logpdf(grid)[:, index])
        assert_array_equal(dist[index].mean(), dist.mean()[index])
    assert_array_equal(dist.cdf(y[:3]), np.diag(dist.cdf(y[:3, None])))
    assert [np.shape(dist.rvs(size, random_state=0)) for size in (None, 4, (4, 2))] == [(3,), (4, 3), (4, 2, 3)]
    draws = dist.rvs(2000, random_state=7)
    assert_array_equal(draws, dist.rvs(2000, random_state=7))
    assert not np.array_equal(draws, dist.rvs(2000, random_state=8))
    if not law.support.integer:
        assert all(stats.kstest(draws[:, k], lambda v, k=k: dist[k].cdf(v)).pvalue > 1e-4 for k in range(3))
    assert_allclose((draws <= dist.median()).mean(axis=0), dist.cdf(dist.median()), atol=0.06)
