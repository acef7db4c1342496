"""Inference where encoders leave columns dependent: as statsmodels from columns that are not."""

from __future__ import annotations

import functools
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer

from sk_mle import Inference, MLEClassifier, MLERegressor
from sk_mle.displays import CoefficientDisplay
from sk_mle.inference import NotEstimableError
from sk_mle.likelihoods import Normal

sm = pytest.importorskip("statsmodels.api")

RNG = np.random.default_rng(8)
N = 500
FRAME = pd.DataFrame({
    "area": RNG.choice(["north", "south", "west"], N), "kind": RNG.choice(["old", "new"], N),
    "x": RNG.normal(1000, 50, N), "age": RNG.uniform(20, 60, N),
})  # fmt: skip
ETA = 0.5 * (FRAME.area == "south") + 0.006 * (FRAME.x - 1000) - 0.01 * FRAME.age
COUNTS = RNG.poisson(np.exp(1 + ETA)).astype(float)
REALS = (ETA + RNG.normal(size=N)).to_numpy()
LABELS = np.argmax(np.column_stack([ETA, -ETA, 0 * ETA]) + RNG.gumbel(size=(N, 3)), axis=1)
UNKNOWN = FRAME[:3].assign(area=["south", "east", "north"])


def encoded(estimator, drop=None, bias=True, sparse=False):
    encoder = OneHotEncoder(drop=drop, sparse_output=sparse, handle_unknown="ignore")
    splines = SplineTransformer(4, include_bias=bias)
    columns = make_column_transformer(
        (encoder, ["area", "kind"]), (splines, ["age"]), remainder="passthrough", verbose_feature_names_out=False
    )
    return make_pipeline(columns, estimator)


@functools.cache
def made(which, **options):
    """Inference from dependent columns, and from independent ones."""
    estimator, y = {"poisson": (MLERegressor("poisson"), COUNTS), "classes": (MLEClassifier("categorical"), LABELS),
                    "scale": (MLERegressor(Normal(), predictors={"scale": "all"}), REALS),
                    "median": (MLERegressor("laplace"), REALS)}[which]  # fmt: skip
    return [
        Inference.from_estimator(encoded(estimator, **how).fit(FRAME, y), FRAME, y, **options)
        for how in ({}, {"drop": "first", "bias": False})
    ]


@pytest.mark.parametrize("cov", ["nonrobust", "HC0"])
def test_estimable_functions_are_those_of_statsmodels(cov):
    ours = made("poisson", cov="observed" if cov == "nonrobust" else cov)[0]
    pipe = encoded(MLERegressor(), drop="first", bias=False).fit(FRAME, COUNTS)
    names = [name.removeprefix("loc:") for name in Inference.from_estimator(pipe, FRAME, COUNTS).names[:-1]]
    C = sm.add_constant(pipe[0].transform(FRAME))
    theirs = sm.Poisson(COUNTS, C).fit(cov_type=cov, disp=0, maxiter=200, tol=1e-10, method="newton")
    assert [n for n, known in zip(ours.names, ours.identified, strict=True) if known] == ["mean:x"]
    place, at = ours.names.index("mean:x"), names.index("x")
    np.testing.assert_allclose([ours.params[place], ours.bse[place]], [theirs.params[at], theirs.bse[at]], rtol=1e-6)
    np.testing.assert_allclose(ours.conf_int(names=["x"])[0], theirs.conf_int()[at], rtol=1e-6)
    predicted, expected = ours.predict(FRAME[:20]), theirs.get_prediction(C[:20]).summary_frame()
    np.testing.assert_allclose(predicted["mean"], expected["predicted"], rtol=1e-7)
    np.testing.assert_allclose(predicted["std err"], expected["se"], rtol=1e-6)
    row = np.zeros((1, len(names)))
    row[0, [names.index("area_south"), names.index("area_west")]] = 1, -1
    contrast, expected = ours.contrast("area_south - area_west"), theirs.t_test(row)
    np.testing.assert_allclose(
        [contrast["estimate"][0], contrast["std err"][0]], [expected.effect[0], expected.sd[0, 0]], rtol=1e-6
    )
    effects = ours.marginal_effects(FRAME, ["x"])
    frame = theirs.get_margeff().summary_frame()
    np.testing.assert_allclose(effects["effect"], frame["dy/dx"].iloc[at - 1], rtol=1e-6)
    np.testing.assert_allclose(effects["std err"], frame["Std. Err."].iloc[at - 1], rtol=1e-6)


@pytest.mark.parametrize("which", ["poisson", "classes", "scale", "median"])
def test_nothing_depends_on_how_columns_are_coded(which):
    free, full = made(which)
    known = {name: i for i, name in enumerate(free.names) if free.identified[i]}
    assert {name.split(":")[1] for name in known} <= {"x", "intercept"}
    assert known
    at = [full.names.index(name) for name in known]
    tol = {"rtol": 1e-5 if which != "median" else 5e-2}
    np.testing.assert_allclose(free.bse[list(known.values())], full.bse[at], **tol)
    for table, other in ((free.predict(FRAME[:9]), full.predict(FRAME[:9])), *(
        (free.marginal_effects(FRAME, [column]), full.marginal_effects(FRAME, [column])) for column in ("area", "x")
    )):  # fmt: skip
        np.testing.assert_allclose(table["std err"], other["std err"], **tol)
        assert table.index == other.index
    if which == "poisson":
        np.testing.assert_allclose(
            free.conf_int(method="profile", X=FRAME, y=COUNTS, names=["x"]),
            full.conf_int(method="profile", X=FRAME, y=COUNTS, names=["x"]),
            rtol=1e-6,
        )


def test_errors_name_functions_that_are_not_estimable():
    inference, _ = made("poisson")
    why = r"in every row area_north \+ area_south \+ area_west = 1"
    for call in (
        lambda: inference.wald_test("area_south"),
        lambda: inference.contrast("intercept"),
        lambda: inference.conf_int(names=["area_south"]),
        lambda: inference.profile("area_south", FRAME, COUNTS),
        lambda: inference.derived(lambda model: model.coef_),
    ):
        with pytest.raises(NotEstimableError, match=rf"is not estimable: .*{why}"):
            call()
    for options in ({}, {"method": "simulate", "n_draws": 5}):
        with pytest.raises(NotEstimableError, match=rf"^row 1 of X: mean .*{why}"):
            inference.predict(UNKNOWN, **options)
    with pytest.raises(NotEstimableError, match="row 1 of X: mean"):
        inference.predict_interval(UNKNOWN)
    scale, _ = made("scale")
    with pytest.raises(NotEstimableError, match="row 1 of X: scale"):
        scale.predict(UNKNOWN, "scale")
    only_mean = MLERegressor().fit(np.eye(3)[LABELS], REALS).inference(np.eye(3)[LABELS], REALS)
    assert np.isfinite(only_mean.predict([[0.0, 0, 0]], "scale")["std err"]).all()
    error = NotEstimableError("text", "reason")
    assert pickle.loads(pickle.dumps(error)).reason == "reason"


def test_tables_have_dashes_and_reasons():
    inference, _ = made("poisson")
    text = str(inference.summary())
    assert text.count("–\n") == sum(~inference.identified)
    for equation in ("area_north + area_south + area_west = 1", "kind_new + kind_old = 1", "age_sp_0 + ", "Without "):
        assert equation in text
    assert text.count("in every row") == 3
    unknown = ~inference.identified
    assert np.isnan(inference.cov_params()[unknown]).all()
    assert np.isfinite(inference.cov_params()[np.ix_(~unknown, ~unknown)]).all()
    assert np.isnan(inference.conf_int()[unknown]).all()
    assert inference.table(transform="natural").index[-1] == "exp(mean:x)"
    advice = text.split("Without ")[1].split(" all are")[0].split(", ")
    kept = [name.removeprefix("mean:") for name in inference.names[1:] if name not in advice]
    columns = inference.fitted[0].transform(FRAME)
    smaller = pd.DataFrame(columns, columns=[name.removeprefix("mean:") for name in inference.names[1:]])[kept]
    assert MLERegressor("poisson").fit(smaller, COUNTS).inference(smaller, COUNTS).identified.all()
    assert pickle.loads(pickle.dumps(inference)).estimability.reasons == inference.estimability.reasons
    vectors, _ = made("classes")
    assert str(vectors.summary()).count("in every row") == 3


def test_plain_columns_without_a_pipeline_and_more_columns_than_rows():
    Z = np.column_stack([np.eye(3)[LABELS], FRAME.x])
    inference = MLERegressor("poisson").fit(Z, COUNTS).inference(Z, COUNTS)
    effects = inference.marginal_effects(Z)
    assert np.isnan(effects["effect"]).tolist() == [True, True, True, False]
    assert "column 0 moves with others" in str(effects)
    wide = RNG.normal(size=(20, 30))
    known = MLERegressor(Normal(scale=1.0)).fit(wide, REALS[:20]).inference(wide, REALS[:20])
    assert not known.identified.any()
    np.testing.assert_allclose(known.predict(wide)["std err"], 1.0)  # of an interpolation: the standard error of one y


def test_forest_plots_leave_out_unidentified_coefficients():
    pytest.importorskip("matplotlib").use("Agg")
    inference, full = made("poisson")
    assert CoefficientDisplay.from_inference(inference).names == ["mean:x"]
    drawn = CoefficientDisplay.from_inference({"one": inference, "two": full})
    assert np.isnan(drawn.estimates["one"]).sum() == len(drawn.names) - 1
