"""Functionals of predictive distributions with their uncertainty, against formulas and brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer

from sk_mle import Distribution, Inference, MLEClassifier, MLERegressor, predict_dist
from sk_mle.datasets import make_mle_regression
from sk_mle.inference._functionals import AveragedDistribution
from sk_mle.inference._linearised import RowPredictors
from sk_mle.likelihoods import Gamma, Hurdle, NegativeBinomial, Normal, Poisson, StudentT
from sk_mle.metrics import crps

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 2))
COUNTS = RNG.poisson(np.exp(0.5 + 0.6 * X[:, 0])).astype(float)
WIDE = 1 + X[:, 0] + np.exp(0.4 * X[:, 1]) * RNG.normal(size=300)
BOTH = {"scale": "all"}


def frame():
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"age": rng.uniform(20, 60, 400), "sex": rng.choice(["f", "m"], 400), "dose": rng.normal(size=400)})
    rate = np.exp(0.2 + np.sin(data["age"] / 10) + 0.5 * (data["sex"] == "m") + 0.3 * data["dose"])
    return data, rng.poisson(rate * rng.gamma(2.0, 0.5, 400)).astype(float)


def spline_pipeline(**kwargs):
    steps = [
        ("s", SplineTransformer(n_knots=4, include_bias=False, extrapolation="continue"), ["age"]),
        ("c", OneHotEncoder(drop="first", sparse_output=False), ["sex"]),
    ]
    columns = ColumnTransformer(steps, remainder="passthrough", sparse_threshold=0)
    return make_pipeline(columns, MLERegressor(**kwargs))


def test_functionals_of_a_normal_law():
    model = MLERegressor(Normal(), predictors=BOTH).fit(X, WIDE)
    inference = model.inference(X, WIDE)
    V, Z = inference.cov_params(), np.column_stack([np.ones(5), X[:5]])
    sigma = model.predict_params(X[:5])["scale"]
    mean, scale = np.einsum("ni,ij,nj->n", Z, V[:3, :3], Z), sigma**2 * np.einsum("ni,ij,nj->n", Z, V[3:, 3:], Z)
    cross = sigma * np.einsum("ni,ij,nj->n", Z, V[:3, 3:], Z)
    z = stats.norm.ppf(0.9)
    for what, at, variance in [
        ("mean", {}, mean),
        ("scale", {}, scale),
        ("std", {}, scale),
        ("quantile", {"q": 0.9}, mean + z**2 * scale + 2 * z * cross),
        (lambda dist: dist.mean() / dist.std(), {}, None),
    ]:
        table = inference.predict(X[:5], what, **at)
        if variance is not None:
            np.testing.assert_allclose(table["std err"], np.sqrt(variance), rtol=1e-7)
        drawn = inference.predict(X[:5], what, method="simulate", n_draws=4000, random_state=0, **at)
        np.testing.assert_allclose(drawn["std err"], table["std err"], rtol=0.12)
        np.testing.assert_allclose(drawn["2.5%"], table["2.5%"], atol=0.25 * table["std err"].max())


def test_functionals_refuse_missing_derivatives_and_values():
    inference = MLERegressor("poisson").fit(X, COUNTS).inference(X, COUNTS)
    with pytest.raises(ValueError, match="discrete law moves in jumps"):
        inference.predict(X[:2], "median")
    with pytest.raises(ValueError, match="takes the argument q"):
        inference.predict(X[:2], "quantile")
    with pytest.raises(ValueError, match="what='rate' is unknown"):
        inference.predict(X[:2], "rate")
    with pytest.raises(TypeError, match="what must be"):
        inference.predict(X[:2], 3)
    with pytest.raises(ValueError, match=r"\(n,\) or \(n, m\)"):
        inference.predict(X[:2], lambda dist: 1.0)
    cauchy = MLERegressor("cauchy").fit(X, WIDE).inference(X, WIDE)
    with pytest.raises(ValueError, match="not finite in"):
        cauchy.predict(X[:2])


def test_predictive_intervals_with_uncertain_coefficients():
    rng = np.random.default_rng(7)
    A = rng.normal(size=(15, 3))
    y = A @ [1, 2, 3] + rng.normal(size=15)
    inference = MLERegressor().fit(A, y).inference(A, y)
    plain = inference.predict_interval(A, 0.9, uncertainty="plug-in")
    wide = inference.predict_interval(A, 0.9, random_state=0)
    assert (np.diff(wide, axis=1) > np.diff(plain, axis=1)).all()
    far = inference.predict_interval(10 * A, 0.9, random_state=0)
    assert np.diff(far, axis=1).mean() > 2 * np.diff(wide, axis=1).mean()


def test_quantiles_of_averaged_counts_at_levels_that_the_average_takes():
    k = 3.0
    for mean in np.arange(1.0, 8.0, 0.5):  # of some, the average of logs is below the log of the average, by rounding
        dist = Distribution(Poisson(), {"mean": mean + np.array([0.0, 1.0, 3.0])})
        assert AveragedDistribution(dist, 1).ppf(dist.cdf(np.full(3, k)).mean()) == k


def test_marginal_effects_by_hand():
    data, y = frame()
    pipe = spline_pipeline(likelihood="poisson").fit(data, y)
    inference = Inference.from_estimator(pipe, data, y)
    effects = inference.marginal_effects(data).to_frame()["effect"]

    def mean(**changes):
        return pipe.predict(data.assign(**changes)).mean()

    step = 1e-4
    slope = (mean(age=data["age"] + step) - mean(age=data["age"] - step)) / (2 * step)
    np.testing.assert_allclose(effects["d/d age"], slope, rtol=1e-4)
    np.testing.assert_allclose(effects["sex: m - f"], mean(sex="m") - mean(sex="f"), rtol=1e-12)
    draws = inference.draws(2000, random_state=0)
    rows = {sex: RowPredictors(inference, data.assign(sex=sex)) for sex in "mf"}
    means = {sex: [np.exp(part.eta(draw)["mean"]).mean() for draw in draws] for sex, part in rows.items()}
    error = inference.marginal_effects(data, ["sex"])["std err"][0]
    assert np.std(np.subtract(means["m"], means["f"])) == pytest.approx(error, rel=0.06)
    with pytest.raises(ValueError, match="not in X"):
        inference.marginal_effects(data, ["height"])
    at = inference.marginal_effects(data.assign(dose=1.0), ["dose"])["effect"][0]
    low, high = (pipe.predict(data.assign(dose=1.0 + step)).mean() for step in (-1e-4, 1e-4))
    assert at == pytest.approx((high - low) / 2e-4, rel=1e-6)
    with pytest.raises(ValueError, match="one category only"):
        inference.marginal_effects(data.assign(sex="m"), ["sex"])
    with pytest.raises(ValueError, match="one finite number"):
        inference.predict(data[:2], "sf", y=[1.0, 2.0])


def test_intervals_stay_inside_the_range():
    labels = (X[:, 0] + RNG.logistic(size=300) > 3).astype(int)
    inference = MLEClassifier().fit(X, labels).inference(X, labels)
    table = inference.predict(X)
    assert ((table["2.5%"] > 0) & (table["97.5%"] < 1)).all()
    eta = X @ inference.params[1:] + inference.params[0]
    Z = np.column_stack([np.ones(300), X])
    half = stats.norm.ppf(0.975) * np.sqrt(np.einsum("ni,ij,nj->n", Z, inference.cov_params(), Z))
    np.testing.assert_allclose(table["97.5%"].reshape(-1, 2)[:, 1], 1 / (1 + np.exp(-eta - half)), rtol=1e-7)
    with pytest.raises(ValueError, match="is not for classes"):
        inference.predict(X, "mean")


def test_effects_on_the_probabilities_of_classes():
    labels = np.array(["a", "b", "c"])[np.argmax(X @ RNG.normal(size=(2, 3)) + RNG.gumbel(size=(300, 3)), axis=1)]
    inference = MLEClassifier().fit(X, labels).inference(X, labels)
    table = inference.marginal_effects(X)
    assert table.index[:3] == ["d/d x0, a", "d/d x0, b", "d/d x0, c"]
    np.testing.assert_allclose(table["effect"].reshape(2, 3).sum(axis=1), 0, atol=1e-10)
    assert inference.predict(X[:2]).index == ["0, a", "0, b", "0, c", "1, a", "1, b", "1, c"]


def test_functionals_of_transformed_targets_are_on_the_original_scale():
    y = np.exp(WIDE)
    wrapped = TransformedTargetRegressor(MLERegressor(), func=np.log, inverse_func=np.exp).fit(X, y)
    inference = Inference.from_estimator(wrapped, X, y)
    log = MLERegressor("log_normal").fit(X, y).inference(X, y)
    np.testing.assert_allclose(inference.bse, log.bse, rtol=1e-9)
    a, b = inference.predict(X[:3], "median"), log.predict(X[:3], "median")
    np.testing.assert_allclose(a["median"], b["median"], rtol=1e-9)
    np.testing.assert_allclose(a["std err"], b["std err"], rtol=1e-6)


def test_natural_scale():
    y = COUNTS + np.random.default_rng(9).poisson(np.random.default_rng(8).gamma(1.0, 2.0, 300))
    inference = MLERegressor(NegativeBinomial()).fit(X, y).inference(X, y)
    table, plain = inference.table(transform="natural"), inference.table()
    assert np.isnan(table["z"][-1])  # zero is no hypothesis of a dispersion
    assert table.index == ["exp(mean:intercept)", "exp(mean:x0)", "exp(mean:x1)", "dispersion"]
    np.testing.assert_allclose(table["estimate"], np.exp(plain["estimate"]))
    np.testing.assert_allclose(table["std err"], np.exp(plain["estimate"]) * plain["std err"])
    np.testing.assert_allclose(table["2.5%"], np.exp(plain["2.5%"]))
    text = str(inference.summary(transform="natural"))
    assert "ratio of mean" in text
    assert "links: mean Log, dispersion Log" in text
    assert "<table " in inference._repr_html_()


def test_derived_quantities():
    labels = np.digitize(X[:, 0] + RNG.logistic(size=300), [-1, 0.5])
    inference = MLEClassifier("ordinal").fit(X, labels).inference(X, labels)
    table = inference.derived(lambda model: model.likelihood_.cutpoints(model.intercepts_), ["0|1", "1|2"])
    loc, gap = inference.names.index("loc:intercept"), inference.names.index("gaps[0]:intercept")
    width, V = np.exp(inference.params[gap]), inference.cov_params()
    variance = [V[loc, loc], V[loc, loc] + width**2 * V[gap, gap] - 2 * width * V[loc, gap]]
    np.testing.assert_allclose(table["std err"], np.sqrt(variance), rtol=1e-8)
    np.testing.assert_allclose(table["estimate"], [-inference.params[loc], width - inference.params[loc]], rtol=1e-12)
    with pytest.raises(ValueError, match="not finite"):
        inference.derived(lambda model: np.nan)


@pytest.mark.parametrize("law", [Normal(), StudentT(df=3), Gamma(), Poisson(), Hurdle(Gamma())], ids=repr)
def test_predictive_quantiles_are_those_of_the_average(law):
    A, y = make_mle_regression(law, 60, 2, random_state=3)[:2]
    inference = MLERegressor(law).fit(A, y).inference(A, y)
    ends = inference.predict_interval(A[:7], 0.8, n_draws=40, random_state=1)
    rows = RowPredictors(inference, A[:7])
    dists = [rows.dist(rows.eta(draw)) for draw in inference.draws(40, random_state=1) + inference.centre - inference.params]
    for end, q in zip(ends.T, (0.1, 0.9), strict=True):
        reached = np.mean([dist.cdf(end) for dist in dists], axis=0)
        if law.support.integer or law.support.atoms:
            before = np.mean([dist.cdf(end - (1 if law.support.integer else 1e-9)) for dist in dists], axis=0)
            assert ((before < q) & (reached >= q - 1e-12)).all()
        else:
            np.testing.assert_allclose(reached, q, rtol=1e-8)


def test_transformed_distributions_end_where_their_values_do():
    y = np.exp(0.3 * X[:, 0] + 0.5 * np.random.default_rng(0).normal(size=300))
    models = {
        "log_normal": (lambda v: 1 / v, lambda v: 1 / v),
        "gamma": (np.square, np.sqrt),
        "normal": (np.log, np.exp),
    }
    for law, (func, inverse) in models.items():
        fitted = TransformedTargetRegressor(MLERegressor(law), func=func, inverse_func=inverse).fit(X, y)
        dist = predict_dist(fitted, X)
        for outside in (-1.0, -np.inf):
            at = np.full(300, outside)
            assert (dist.cdf(at) == 0).all()
            assert (dist.sf(at) == 1).all()
            assert (dist.pdf(at) == 0).all()
            assert (dist.logcdf(at) == -np.inf).all()
        assert (dist.cdf(np.full(300, np.inf)) == 1).all()
        q = (np.arange(500) + 0.5) / 500
        low = 2 * ((y < dist.ppf(q[:, None])) - q[:, None]) * (dist.ppf(q[:, None]) - y)
        assert crps(y, dist) == pytest.approx(low.mean(), rel=1e-3)


def test_effects_refuse_what_predictions_refuse():
    inference = MLERegressor("poisson").fit(X, COUNTS).inference(X, COUNTS)
    for what in ("median", "quantile"):
        with pytest.raises(ValueError, match="moves in jumps"):
            inference.marginal_effects(X, what=what, **({"q": 0.9} if what == "quantile" else {}))
    with pytest.raises(ValueError, match="not finite in"):
        MLERegressor("cauchy").fit(X, WIDE).inference(X, WIDE).marginal_effects(X)
