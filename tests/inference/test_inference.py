"""Inference: covariances against differences, names through pipelines, error messages, profiles, hypotheses."""

from __future__ import annotations

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import optimize, stats
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from sk_mle import Inference, MLEClassifier, MLEDensity, MLERegressor, censored
from sk_mle._model.data import Data
from sk_mle.datasets import make_mle_regression
from sk_mle.exceptions import BoundaryWarning, ConvergenceWarning
from sk_mle.inference import score_test
from sk_mle.inference._linearised import RowPredictors
from sk_mle.likelihoods import (
    LAWS,
    Bernoulli,
    Censored,
    Gamma,
    GeneralizedExtremeValue,
    Hurdle,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    ZeroInflated,
)
from sk_mle.likelihoods._fallbacks.expected import integrated_information

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 2))
COUNTS = RNG.poisson(np.exp(0.5 + 0.6 * X[:, 0])).astype(float)
WIDE = 1 + X[:, 0] + np.exp(0.4 * X[:, 1]) * RNG.normal(size=300)
BOTH = {"scale": "all"}


def fitted(law, n=400, **kwargs):
    data = make_mle_regression(law, n_samples=n, n_features=2, random_state=1)
    estimator = MLEClassifier if law.target_type == "classes" else MLERegressor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator(law, **kwargs).fit(*data[:2]), *data[:2]


def loglik(inference, rows, y, vector):
    return inference.model.likelihood_.evaluate(y, rows.eta(vector), 0).loglik.sum()


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if law().smooth is True])
def test_covariance_inverts_the_differenced_hessian(name):
    model, A, y = fitted(LAWS[name]())
    if not model.converged_ or model.fit_.limits:
        pytest.skip("no maximum in this sample")
    inference = model.inference(A, y)
    rows, target = RowPredictors(inference, A), model.read_data(A, y).y
    root = inference.root  # in its directions the information is the identity
    m = root.shape[1]
    step, found = 0.02, np.empty((m, m))

    def value(move):
        return loglik(inference, rows, target, inference.params + root @ move)

    centre, unit = value(np.zeros(m)), step * np.eye(m)
    for i in range(m):
        for j in range(i + 1):
            ends = [value(a * unit[i] + b * unit[j]) for a, b in ((1, 1), (-1, -1), (1, -1), (-1, 1))]
            found[i, j] = found[j, i] = -(ends[0] + ends[1] - ends[2] - ends[3]) / (4 * step**2)
    np.testing.assert_allclose(found, np.eye(m), atol=3e-3)
    assert np.isfinite(centre)


@pytest.mark.parametrize("cov", ["observed", "expected", "opg", "HC0", "HC1"])
def test_all_covariances_agree_where_the_model_is_right(cov):
    A = np.random.default_rng(3).normal(size=(20000, 2))
    y = np.random.default_rng(4).gamma(3.0, np.exp(1 + A[:, 0]) / 3)
    model = MLERegressor(Gamma()).fit(A, y)
    expected = model.inference(A, y).bse
    np.testing.assert_allclose(model.inference(A, y, cov=cov).bse, expected, rtol=0.05)


WITH_FORMULA = [name for name, law in LAWS.items() if law().fisher is not None and law.target_type == "number"]
WITH_FORMULA.remove(
    "binomial"
)  # y holds its trials, so nothing can be integrated over y; check_likelihood compares its formula


@pytest.mark.parametrize("name", WITH_FORMULA)
def test_integrated_information_equals_the_formula(name):
    model, A, y = fitted(LAWS[name]())
    eta, law = model.fit_.eta(A[:20]), model.likelihood_
    formula = law.evaluate(model.read_data(A[:20], y[:20]).y, eta, 2, "expected").information
    found = integrated_information(law, eta)
    for pair, value in found.items():
        settled = np.isfinite(value)  # else NaN, which raises an error
        exact = np.broadcast_to(formula.get(pair, 0.0), value.shape)
        size = np.sqrt(np.max(formula[pair[0], pair[0]]) * np.max(formula[pair[1], pair[1]]))
        np.testing.assert_allclose(value[settled], exact[settled], rtol=1e-6, atol=1e-7 * size)
    assert all(np.isfinite(value).all() for value in found.values()) is bool(law.smooth)


@pytest.mark.parametrize("shape", [-0.25, -0.15, -0.1])
def test_integrated_information_of_an_end_within_the_support_agrees_by_more_than_chance(shape):
    law = GeneralizedExtremeValue()
    eta = {"loc": np.linspace(-2, 2, 200), "scale": np.linspace(-1, 1, 200), "shape": np.full(200, shape)}
    formula = law.evaluate(eta["loc"], eta, 2, "expected").information
    for pair, value in integrated_information(law, eta).items():
        np.testing.assert_allclose(value, formula[pair], rtol=1e-6)


@pytest.mark.parametrize("law", [NegativeBinomial(), ZeroInflated(Poisson()), Hurdle(Gamma())], ids=repr)
def test_expected_information_without_a_formula(law):
    A, y = make_mle_regression(law, 3000, 2, random_state=1)[:2]
    model = MLERegressor(law).fit(A, y)
    expected, observed = model.inference(A, y, cov="expected").bse, model.inference(A, y).bse
    np.testing.assert_allclose(expected, observed, rtol=0.08)
    assert not np.allclose(expected, observed, rtol=1e-6)


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


@pytest.mark.parametrize("output", ["default", "pandas"])
@pytest.mark.parametrize("search", [False, True])
def test_feature_names_pass_through_pipelines(output, search):
    data, y = frame()
    pipe = spline_pipeline(likelihood="negative_binomial", predictors={"dispersion": [0]})
    pipe.set_output(transform=output)
    model = GridSearchCV(pipe, {"mleregressor__tol": [1e-8]}, cv=2) if search else pipe
    names = Inference.from_estimator(model.fit(data, y), data, y).names
    assert names[:3] == ["mean:intercept", "mean:s__age_sp_0", "mean:s__age_sp_1"]
    assert {"mean:c__sex_m", "mean:remainder__dose", "dispersion:intercept", "dispersion:s__age_sp_0"} <= set(names)


def test_data_frames_of_both_kinds():
    data, y = frame()
    data = data[["age", "dose"]]
    one = MLERegressor("poisson").fit(data, y).inference(data, y)
    other = pl.from_pandas(data)
    two = MLERegressor("poisson").fit(other, y).inference(other, y)
    assert one.names == ["mean:intercept", "mean:age", "mean:dose"]
    if hasattr(two.model, "feature_names_in_"):  # old releases of scikit-learn do not read the names of polars
        assert two.names == one.names
    np.testing.assert_allclose(one.bse, two.bse, rtol=1e-12)
    effects = [inference.marginal_effects(table)["std err"] for inference, table in ((one, data), (two, other))]
    np.testing.assert_allclose(*effects, rtol=1e-10)
    assert list(one.to_frame().index) == one.names


def test_names_of_vectors_are_those_of_the_classes():
    labels = np.array(["a", "b", "c"])[RNG.integers(0, 3, 300)]
    model = MLEClassifier().fit(X, labels)
    inference = model.inference(X, labels)
    assert inference.names[:4] == ["logits[a]:intercept", "logits[a]:x0", "logits[a]:x1", "logits[b]:intercept"]
    assert np.linalg.matrix_rank(inference.cov_params()) == 6
    two = inference.contrast(["logits[b]:x0 - logits[a]:x0", "logits[c]:x1 = logits[a]:x1"])
    coef = model.coef_
    np.testing.assert_allclose(two["estimate"], [coef[1, 0] - coef[0, 0], coef[2, 1] - coef[0, 1]])
    joint = inference.wald_test(["logits[a]:x0", "logits[b]:x0", "logits[c]:x0"])
    assert joint.df == 2  # they sum to zero
    for short in ("x0", "x0 = 0", "logits:x0", ["x0"]):
        assert inference.wald_test(short).statistic == joint.statistic
    assert inference.conf_int(names="x0").shape == (3, 2)
    assert inference.wald_test("x0, x1 = 0").df == 4
    for act in (lambda: inference.wald_test("x0 = x1"), lambda: inference.profile("x0", X, labels)):
        with pytest.raises(ValueError, match=r"stands for 3 coefficients.*logits"):
            act()


REFUSALS = [
    ({"alpha": 0.1}, {}, "penalised"),
    ({}, {"cov": "robust"}, "cov='robust' is unknown"),
    ({}, {"bread": "x"}, "bread="),
    ({}, {"weights": "x"}, "weights="),
    ({}, {"weights": "probability"}, "sandwich"),
    ({}, {"cov": "opg", "groups": np.arange(300)}, "knows no clusters"),
    ({}, {"groups": np.zeros(300)}, "one cluster"),
    ({}, {"groups": np.zeros(30)}, "one label per row"),
]


@pytest.mark.parametrize(("settings", "options", "words"), REFUSALS)
def test_refusals(settings, options, words):
    model = MLERegressor("poisson", **settings).fit(X, COUNTS)
    with pytest.raises(ValueError, match=words):
        model.inference(X, COUNTS, **options)


def test_refuses_groups_and_sizes_that_cannot_serve():
    model = MLERegressor("poisson").fit(X, COUNTS)
    labels = np.arange(300) // 10
    for groups, words in [
        (np.where(labels == 3, np.nan, labels), r"groups has no label in 10 rows \(30"),
        ([None, *labels[1:]], "groups has no label in row 0"),
        (np.stack([labels, labels], axis=1), r"groups must be one label per row"),
    ]:
        with pytest.raises(ValueError, match=words):
            model.inference(X, COUNTS, groups=groups)
    mixed = model.inference(X, COUNTS, groups=[f"g{label}" for label in labels])
    np.testing.assert_allclose(mixed.bse, model.inference(X, COUNTS, groups=labels).bse, rtol=1e-12)
    with pytest.raises(ValueError, match=r"cluster-robust \(HC1, 30 clusters\): use method='bootstrap'"):
        mixed.conf_int(method="profile", X=X, y=COUNTS)
    few = 1e-3 * np.ones(300)
    light = MLERegressor("poisson").fit(X, COUNTS, few)
    for options, words in [({"cov": "HC1"}, "n - k"), ({"groups": labels}, "n - k"), ({"use_t": True}, "use_t needs more")]:
        with pytest.raises(ValueError, match=words):
            light.inference(X, COUNTS, sample_weight=few, **options)


def test_bread_of_clusters():
    labels, groups = (WIDE > 1).astype(int), np.arange(300) // 5
    model = MLEClassifier(Bernoulli(links={"prob": "probit"})).fit(X, labels)
    first, *others = (
        model.inference(X, labels, groups=groups, **options).bse
        for options in ({"bread": "expected"}, {"cov": "HC1", "bread": "expected"}, {"cov": "expected"}, {})
    )
    np.testing.assert_array_equal(first, others[0])
    np.testing.assert_array_equal(first, others[1])
    assert not np.allclose(first, others[2], rtol=1e-6)


def test_refuses_other_data():
    model = MLERegressor("poisson").fit(X, COUNTS)
    others = [
        (X[:200], COUNTS[:200], None),
        (X, COUNTS, np.full(300, 2.0)),
        (np.vstack([X, X]), np.concatenate([COUNTS, COUNTS]), None),
        (X, COUNTS + 1, None),
        (X, COUNTS, np.arange(300)),
    ]
    for A, y, weight in others:
        with pytest.raises(ValueError, match="not those of the fit: there the weights sum to 300"):
            model.inference(A, y, sample_weight=weight)
    with pytest.raises(NotFittedError):
        MLERegressor("poisson").inference(X, COUNTS)
    loose = MLERegressor("poisson", tol=3.0).fit(X, COUNTS)
    loose.coefs_["mean"] = loose.coefs_["mean"] + 0.2
    loose.loglikelihood_ = float(np.sum(loose.score_samples(X, COUNTS)))
    with pytest.raises(ValueError, match="standard errors from the maximum of the likelihood: the fit stopped early"):
        loose.inference(X, COUNTS)


def test_dependent_and_constant_columns_have_a_dash_and_are_named():
    data = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 0] + 2 * X[:, 1], "d": RNG.normal(size=300), "e": 1.0})
    inference, plain = (MLERegressor().fit(A, WIDE).inference(A, WIDE) for A in (data, data[["a", "b", "d"]]))
    assert [name for name, known in zip(inference.names, inference.identified, strict=True) if known] == [
        "loc:d",
        "scale:intercept",
    ]
    for name in ("loc:d", "scale:intercept"):
        assert inference.bse[inference.names.index(name)] == pytest.approx(plain.bse[plain.names.index(name)], rel=1e-9)
    text = str(inference.summary())
    assert re.search(r"in every row (a \+ 2 b = c|c = a \+ 2 b|0.5 c = 0.5 a \+ b|2 b \+ a = c)", text), text
    assert "in every row e = 1" in text


def test_refuses_fits_without_a_maximum():
    y = (X[:, 0] > 0).astype(int)
    with pytest.warns(ConvergenceWarning):
        model = MLEClassifier().fit(X, y)
    with pytest.raises(ValueError, match="did not reach a maximum"):
        model.inference(X, y)
    normal = RNG.normal(size=300)
    with pytest.warns(BoundaryWarning):
        model = MLERegressor(StudentT()).fit(X, normal)
    with pytest.raises(ValueError, match="df of StudentT ran to the upper edge"):
        model.inference(X, normal)


def test_refuses_kinks():
    model = MLERegressor("laplace").fit(X, WIDE)
    with pytest.raises(ValueError, match="has kinks"):
        model.inference(X, WIDE, cov="observed")
    expected = model.inference(X, WIDE, cov="expected")
    np.testing.assert_allclose(expected.bse[0] / model.predict_params(X)["scale"][0], 300**-0.5, rtol=0.02)
    with pytest.raises(ValueError, match="kinks"):
        expected.conf_int(method="profile", X=X, y=WIDE)
    times = np.abs(WIDE) + 0.1
    target = censored(np.minimum(times, 2.0), event=times < 2.0)
    model = MLERegressor(Censored(Gamma())).fit(X, target)
    with pytest.raises(ValueError, match="no expected information, as it is not known what would"):
        model.inference(X, target, cov="expected")


def test_is_small_and_keeps_no_data():
    many = np.random.default_rng(0).normal(size=(20000, 3))
    y = many[:, 0] + np.random.default_rng(1).normal(size=20000)
    inference = MLERegressor().fit(many, y).inference(many, y)
    text = pickle.dumps(inference)
    assert len(text) < 10000
    np.testing.assert_array_equal(pickle.loads(text).cov_params(), inference.cov_params())


def test_three_passes(monkeypatch):
    rows = []
    original = Data.blocks
    monkeypatch.setattr(Data, "blocks", lambda self: (rows.append(len(b.y)) or b for b in original(self)))
    model = MLERegressor(Normal(), predictors=BOTH).fit(X, WIDE)
    for options in ({}, {"cov": "HC1"}, {"cov": "HC0", "groups": np.arange(300) // 3}):
        rows.clear()
        model.inference(X, WIDE, **options)
        assert sum(rows) <= 3 * len(X)


def test_profile_of_a_parameter_is_the_fit_with_it_fixed():
    y = np.random.default_rng(2).negative_binomial(2, 0.4, 300).astype(float)
    inference = MLERegressor(NegativeBinomial()).fit(X, y).inference(X, y)
    profile = inference.profile("dispersion:intercept", X, y, values=np.log([0.1, 0.3, 0.9]))
    expected = [MLERegressor(NegativeBinomial(dispersion=v)).fit(X, y).loglikelihood_ for v in (0.1, 0.3, 0.9)]
    np.testing.assert_allclose(profile.loglikelihood, expected, rtol=1e-12)
    for level in (0.9, 0.3):  # beyond a standard error and within
        ends = inference.conf_int(level, "profile", X, y, names="dispersion:intercept")[0]
        values = inference.profile("dispersion:intercept", X, y, values=ends).loglikelihood
        np.testing.assert_allclose(2 * (inference.loglikelihood - values), stats.chi2.ppf(level, 1), rtol=1e-7)


def test_inference_leaves_the_coordinates_of_columns_far_from_zero_alone():
    far = X + 1000.0
    y = np.random.default_rng(2).negative_binomial(2, 0.4, 300).astype(float)
    inference = MLERegressor(NegativeBinomial()).fit(far, y).inference(far, y)
    values = np.log([0.1, 0.3, 0.9])
    near = MLERegressor(NegativeBinomial()).fit(X, y).inference(X, y).profile("dispersion:intercept", X, y, values=values)
    found = [inference.profile("dispersion:intercept", far, y, values=values) for _ in range(2)]
    for profile in found:
        np.testing.assert_allclose(profile.loglikelihood, near.loglikelihood, rtol=1e-12)


def test_profile_ends_may_be_infinite():
    A = np.array([0.0] * 6 + [1.0] * 6)[:, None]
    y = np.array([0] * 3 + [1] * 3 + [1] * 5 + [0])
    inference = MLEClassifier().fit(A, y).inference(A, y)
    assert inference.conf_int(0.999, "profile", A, y, names="x0")[0, 1] > 8
    count = np.random.default_rng(1).poisson(2.0, 200).astype(float)
    B = np.zeros((200, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLERegressor(NegativeBinomial(), predictors={"mean": "intercept"}).fit(B, count)
    if not model.fit_.limits:
        ends = model.inference(B, count).conf_int(0.99, "profile", B, count, names="dispersion:intercept")[0]
        assert np.isneginf(ends[0])


def test_profile_needs_its_data():
    inference = MLERegressor("poisson").fit(X, COUNTS).inference(X, COUNTS)
    ends = inference.conf_int(method="profile")  # the data still exist
    np.testing.assert_array_equal(ends, inference.conf_int(0.95, "profile", X, COUNTS))
    for forgetful in (pickle.loads(pickle.dumps(inference)), MLERegressor().fit(1 * X, COUNTS).inference(1 * X, COUNTS)):
        with pytest.raises(ValueError, match="pass X and y"):
            forgetful.conf_int(method="profile")
    with pytest.raises(TypeError, match="takes no n_resamples"):
        inference.conf_int(n_resamples=9)
    with pytest.raises(ValueError, match="not those that the Inference was made from"):
        inference.profile("x0", X[:100], COUNTS[:100])
    with pytest.raises(ValueError, match="no coefficient is named 'z'"):
        inference.profile("z", X, COUNTS)


def test_bootstrap_resembles_the_sandwich():
    inference = MLERegressor(Normal()).fit(X, WIDE).inference(X, WIDE, cov="HC0")
    ends = inference.conf_int(0.9, "bootstrap", X, WIDE, n_resamples=400, random_state=0)
    np.testing.assert_allclose(np.diff(ends, axis=1)[:, 0], 2 * 1.645 * inference.bse, rtol=0.2)
    one, two = (inference.conf_int(0.9, "bootstrap", n_resamples=20, random_state=0, n_jobs=jobs) for jobs in (1, 2))
    np.testing.assert_array_equal(one, two)
    clusters = np.repeat(np.arange(30), 10)
    robust = MLERegressor().fit(X, WIDE).inference(X, WIDE, groups=clusters)
    ends = robust.conf_int(0.9, "bootstrap", X, WIDE, groups=clusters, n_resamples=400, random_state=0)
    np.testing.assert_allclose(np.diff(ends, axis=1)[:3, 0], 2 * 1.645 * robust.bse[:3], rtol=0.3)


@pytest.mark.parametrize(
    ("text", "row", "value"),
    [
        ("x0", [0, 1, 0, 0], 0),
        ("loc:x0 = 2", [0, 1, 0, 0], 2),
        ("-x0 + 2*x1 = 0.5 - loc:intercept", [1, -1, 2, 0], 0.5),
        ("x0 = x1", [0, 1, -1, 0], 0),
        ("2 x0 - 3e-1 * scale:intercept - 1", [0, 2, 0, -0.3], 1),
        ("1 = x1", [0, 0, -1, 0], -1),
        ("x0 * 2 = x1", [0, 2, -1, 0], 0),
        ("- 2 + x0", [0, 1, 0, 0], 2),
    ],
)
def test_grammar_of_hypotheses(text, row, value):
    inference = MLERegressor().fit(X, WIDE).inference(X, WIDE)
    R = np.array([row], float)
    one, two = inference.wald_test(text), inference.wald_test(R, value)
    assert one.statistic == pytest.approx(two.statistic, rel=1e-12)
    direct = (R @ inference.params - value) ** 2 / (R @ inference.cov_params() @ R.T)
    assert one.statistic == pytest.approx(direct[0, 0], rel=1e-9)
    assert one.pvalue == pytest.approx(stats.chi2.sf(one.statistic, 1), rel=1e-9)


@pytest.mark.parametrize("text", ["x0 * x1", "x0 x1", "x0 + * x1", "x0 =", "x0 = x1 +", "2 3 x0", "= 1", "x0 * 2 * 3"])
def test_grammar_refuses_nonlinear_hypotheses(text):
    with pytest.raises(ValueError, match=r"lacks a term|no linear hypothesis"):
        MLERegressor().fit(X, WIDE).inference(X, WIDE).wald_test(text)


def test_numbers_are_numbers_also_beside_columns_named_so():
    data = pd.DataFrame(X, columns=["0", "1"])
    inference = MLERegressor().fit(data, WIDE).inference(data, WIDE)
    assert inference.contrast("loc:1 = 0")["estimate"][0] == inference.params[2]
    assert inference.contrast("loc:0 * 2 = 1")["estimate"][0] == 2 * inference.params[1] - 1
    with pytest.raises(ValueError, match="names no coefficient"):
        inference.wald_test("1 = 0")


def test_hypotheses_with_names_of_any_kind():
    data = pd.DataFrame(X, columns=["a + b, c", "a"])
    inference = MLERegressor().fit(data, WIDE).inference(data, WIDE)
    assert inference.wald_test("a + b, c = 1, a = 0").df == 2
    for text, words in [
        ("a + zz", "no coefficient is named 'zz'"),
        ("a > 1", "'>' has no meaning"),
        ("a = 1 = 2", "two equality"),
        ("a = a", "cancel"),
        ("", "lacks a term"),
    ]:
        with pytest.raises(ValueError, match=words):
            inference.wald_test(text)
    with pytest.raises(ValueError, match="contradict"):
        inference.wald_test(["a = 0", "a = 1"])
    assert inference.wald_test(["a = 0", "2 * a = 0"]).df == 1
    with pytest.raises(ValueError, match="4 columns"):
        inference.wald_test(np.ones((1, 3)))
    with pytest.raises(ValueError, match="value belongs to a matrix"):
        inference.wald_test("a = 0.05", value=[0.05])
    assert inference.wald_test(np.eye(4)[1], value=[0.5]).hypothesis == "1*loc:a + b, c = 0.5"
    assert inference.wald_test("a").hypothesis == "loc:a = 0"


def test_densities():
    sample = np.random.default_rng(0).gamma(3.0, 2.0, (500, 1))
    density = MLEDensity("gamma").fit(sample)
    inference = density.inference(sample)
    model = MLERegressor("gamma", predictors={"mean": "intercept"}).fit(np.zeros((500, 1)), sample[:, 0])
    same = model.inference(np.zeros((500, 1)), sample[:, 0])
    np.testing.assert_allclose(inference.cov_params(), same.cov_params(), rtol=1e-9)
    assert inference.names == ["mean:intercept", "shape:intercept"]
    natural = inference.table(transform="natural")
    assert natural.index == ["mean", "shape"]
    np.testing.assert_allclose(natural["estimate"], list(density.params_.values()))
    ends = inference.conf_int(0.9, "profile", sample, names="mean:intercept")
    np.testing.assert_allclose(ends, same.conf_int(0.9, "profile", np.zeros((500, 1)), sample[:, 0])[:1], rtol=1e-8)
    drawn = inference.conf_int(0.9, "bootstrap", sample, n_resamples=200, random_state=0)
    np.testing.assert_allclose(np.diff(drawn, axis=1)[:, 0], 3.29 * inference.bse, rtol=0.25)
    pickle.loads(pickle.dumps(inference))
    several = np.random.default_rng(0).normal(size=(200, 2))
    wide = MLEDensity().fit(several).inference(several)
    np.testing.assert_allclose(wide.bse[:2], several.std(axis=0) / 200**0.5, rtol=1e-6)


def test_score_test_refuses_models_that_differ_otherwise():
    data = pd.DataFrame({"x1": X[:, 0], "x10": X[:, 1], "x2": RNG.normal(size=300), "two": 2.0})
    small = MLERegressor("poisson").fit(data[["x1", "x10"]], COUNTS)
    by_name = score_test(small, MLERegressor("poisson"), data[["x2", "x10", "x1"]], COUNTS)
    again = MLERegressor("poisson", predictors={"mean": ["x1", "x10"]}).fit(data, COUNTS)
    named = score_test(again, MLERegressor("poisson", predictors={"mean": ["x1", "x10", "x2"]}), data, COUNTS)
    assert by_name.statistic == pytest.approx(named.statistic, rel=1e-9)
    wrong = [
        MLERegressor("poisson", predictors={"mean": ["x1", "x10", "x2"]}, offset="two"),
        MLERegressor(Poisson(links={"mean": "sqrt"}), predictors={"mean": ["x1", "x10", "x2"]}),
        MLERegressor("poisson", predictors={"mean": ["x1", "x10", "x2"]}, fit_intercept=False),
    ]
    for full in wrong:
        with pytest.raises(ValueError, match="must be the same"):
            score_test(again, full, data, COUNTS)
    with pytest.raises(ValueError, match="must be the same"):
        score_test(again, MLERegressor("poisson", predictors={"mean": ["x1", "x10", "x2"]}), data[:100], COUNTS[:100])
    penalised = MLERegressor("poisson", alpha=0.1, predictors={"mean": ["x1"]}).fit(data, COUNTS)
    with pytest.raises(ValueError, match="plain maximum"):
        score_test(penalised, MLERegressor("poisson"), data, COUNTS)


def test_class_weights_need_a_sandwich():
    rng = np.random.default_rng(5)
    A = rng.normal(size=(1000, 2))
    labels = rng.uniform(size=1000) < 1 / (1 + np.exp(3.5 - A[:, 0]))
    model = MLEClassifier(class_weight="balanced").fit(A, labels)
    with pytest.raises(ValueError, match="class_weight makes rows count"):
        model.inference(A, labels)
    robust = model.inference(A, labels, cov="HC0", weights="probability")
    plain = MLEClassifier().fit(A, labels).inference(A, labels)
    assert (robust.bse > plain.bse).all()


def test_bootstrap_of_clusters_draws_clusters():
    groups = np.repeat(np.arange(30), 10)
    A = RNG.normal(size=30)[groups][:, None]
    y = A[:, 0] + RNG.normal(size=30)[groups] + 0.2 * RNG.normal(size=300)
    inference = MLERegressor().fit(A, y).inference(A, y, groups=groups)
    ends = inference.conf_int(0.9, "bootstrap", n_resamples=200, random_state=0)
    again = inference.conf_int(0.9, "bootstrap", A, y, groups=groups, n_resamples=200, random_state=0)
    np.testing.assert_array_equal(ends, again)
    with pytest.raises(ValueError, match="pass groups"):
        pickle.loads(pickle.dumps(inference)).conf_int(0.9, "bootstrap", A, y)


def test_score_test_needs_nested_models():
    small = MLERegressor("poisson", predictors={"mean": [0]}).fit(X, COUNTS)
    large = MLERegressor("poisson").fit(X, COUNTS)
    assert score_test(small, MLERegressor("poisson"), X, COUNTS) == score_test(small, large, X, COUNTS)
    with pytest.raises(ValueError, match="lacks the columns"):
        score_test(large, small, X, COUNTS)
    with pytest.raises(ValueError, match="adds no coefficients"):
        score_test(large, large, X, COUNTS)
    with pytest.raises(ValueError, match="has no parameter"):
        score_test(small, MLERegressor(ZeroInflated(Poisson())), X, COUNTS + RNG.poisson(2, 300))
    fixed = MLERegressor(NegativeBinomial(dispersion=0.5)).fit(X, COUNTS)
    test = score_test(fixed, MLERegressor(NegativeBinomial()), X, COUNTS)
    wald_like = 2 * (MLERegressor(NegativeBinomial(dispersion=0.1)).fit(X, COUNTS).loglikelihood_ - fixed.loglikelihood_)
    assert test.df == 1
    assert test.pvalue < 0.01
    assert test.statistic > 0.2 * wald_like


def test_rank_deficiency_does_not_hide_behind_scales():
    A = np.column_stack([X[:, 0] * 1e-8, 1e9 + 1e5 * X[:, 1]])
    y = 1 + X[:, 0] + RNG.normal(size=300)
    plain, steep = (MLERegressor().fit(B, y).inference(B, y) for B in (X, A))
    np.testing.assert_allclose(steep.zvalues[1:3], plain.zvalues[1:3], rtol=1e-6)


def test_standard_scaler_changes_no_test():
    pipe = make_pipeline(StandardScaler(), MLERegressor("poisson")).fit(X, COUNTS)
    plain = MLERegressor("poisson").fit(X, COUNTS).inference(X, COUNTS)
    np.testing.assert_allclose(Inference.from_estimator(pipe, X, COUNTS).zvalues[1:], plain.zvalues[1:], rtol=1e-9)


@pytest.mark.parametrize("shape", [-0.2, -0.6])
def test_profile_of_a_law_whose_support_moves(shape):
    """The others follow the shape along a curve: straight on, some y leave the support. Ends are those of scipy's density."""
    year = np.linspace(-1, 1, 70)
    y = stats.genextreme.rvs(-shape, loc=50, scale=10, size=70, random_state=3)
    model = MLERegressor(GeneralizedExtremeValue()).fit(year[:, None], y)

    def loss(p, end):
        return -stats.genextreme.logpdf(y, -end, p[0] + p[1] * year, np.exp(p[2])).sum()

    for end in model.inference(year[:, None], y).conf_int(0.95, "profile", year[:, None], y, names="shape:intercept")[0]:
        start = [y.max() if end < 0 else y.mean(), 0.0, np.log(np.ptp(y))]
        best = optimize.minimize(
            loss, start, args=(end,), method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-10, "xatol": 1e-8}
        )
        assert model.loglikelihood_ + best.fun == pytest.approx(stats.chi2.ppf(0.95, 1) / 2, abs=1e-4)
