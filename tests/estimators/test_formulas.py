"""Models by formula, against statsmodels' formulas and models on columns made by hand."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_mle import FormulaModel, Inference, MLEClassifier, MLERegressor, compare, cross_val_predict_dist, predict_dist
from sk_mle._predictive.unwrapping import target_of
from sk_mle.diagnostics import pearson_residuals
from sk_mle.likelihoods import Censored, NegativeBinomial, Normal, Weibull
from sk_mle.predictors import Groups, Smooth
from sk_mle.selection import likelihood_ratio_test
from sk_mle.selection._nesting import Nesting, comparable, nested

pytest.importorskip("formulaic")
smf = pytest.importorskip("statsmodels.formula.api")

RNG = np.random.default_rng(2)
N = 240
DF = pd.DataFrame({
    "area": RNG.choice(["north", "south", "west"], N), "age": RNG.uniform(20, 60, N), "hours": RNG.uniform(1, 9, N),
})  # fmt: skip
DF["claims"] = RNG.poisson(DF.hours * np.exp(0.02 * DF.age - 1.5 + (DF.area == "west")))
DF["size"] = RNG.gamma(2, np.exp(0.01 * DF.age))
DF["late"] = DF["size"] > 1.5
TEXT = "claims ~ C(area) + age + offset(log(hours))"
MODEL = FormulaModel(TEXT, MLERegressor("poisson")).fit(DF)


def test_a_claims_model_is_that_of_statsmodels():
    theirs = smf.poisson("claims ~ C(area) + age", DF, offset=np.log(DF.hours)).fit(disp=0, method="newton", tol=1e-12)
    ours = MODEL.inference(DF)
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-6)
    np.testing.assert_allclose(ours.bse, theirs.bse, rtol=1e-6)
    assert ours.names == ["mean:intercept", "mean:C(area)[T.south]", "mean:C(area)[T.west]", "mean:age"]
    np.testing.assert_allclose(MODEL.predict(DF[:5]), theirs.predict(DF[:5], offset=np.log(DF.hours[:5])), rtol=1e-6)
    np.testing.assert_allclose(
        ours.marginal_effects(DF, ["age"])["effect"], [ours.params[-1] * MODEL.predict(DF).mean()], rtol=1e-7
    )
    assert ours.marginal_effects(DF, ["area"]).index == ["area: south - north", "area: west - north"]
    test = theirs.wald_test("C(area)[T.south] = C(area)[T.west]", scalar=True)
    assert ours.wald_test("`C(area)[T.south]` = `C(area)[T.west]`").statistic == pytest.approx(float(test.statistic), rel=1e-6)


def test_transformations_keep_what_they_learned():
    model = FormulaModel("claims ~ bs(age, 4) + center(hours)", MLERegressor("poisson")).fit(DF)
    np.testing.assert_allclose(model.predict(DF)[:7], model.predict(DF[:7]), rtol=1e-12)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(DF[:7]), model.predict(DF[:7]))
    assert model.estimator_.n_params_ == 1 + 4 + 1


def test_a_formula_by_parameter():
    model = FormulaModel({"loc": "size ~ age + area", "scale": "~ age"}, MLERegressor(Normal())).fit(DF)
    X = pd.get_dummies(DF[["age", "area"]], drop_first=True, dtype=float)
    by_hand = MLERegressor(Normal(), predictors={"scale": ["age"]}).fit(X, DF["size"])
    assert model.estimator_.loglikelihood_ == pytest.approx(by_hand.loglikelihood_, rel=1e-9)
    np.testing.assert_allclose(model.estimator_.coefs_["scale"], by_hand.coefs_["scale"], rtol=1e-5)
    everywhere = FormulaModel({"*": "size ~ age"}, MLERegressor(Normal())).fit(DF)
    assert {name: len(columns) for name, columns in everywhere.estimator_.predictors_.items()} == {"loc": 1, "scale": 1}
    positions = FormulaModel({0: "size ~ age", 1: "~ hours"}, MLERegressor("gamma")).fit(DF)
    assert {name: list(columns) for name, columns in positions.estimator_.predictors_.items()} == {
        "mean": ["age"],
        "shape": ["hours"],
    }
    offsets = FormulaModel(
        {"mean": "claims ~ age + offset(log(hours))", "dispersion": "~ 1"}, MLERegressor(NegativeBinomial())
    ).fit(DF)
    exposed = MLERegressor(NegativeBinomial(), exposure="hours").fit(DF[["age", "hours"]], DF.claims)
    assert offsets.estimator_.loglikelihood_ == pytest.approx(exposed.loglikelihood_, rel=1e-9)
    kept = FormulaModel("claims ~ age", MLERegressor(NegativeBinomial(), exposure="hours")).fit(DF)
    assert kept.estimator_.loglikelihood_ == pytest.approx(exposed.loglikelihood_, rel=1e-9)
    np.testing.assert_allclose(kept.predict(DF[:3]), exposed.predict(DF[["age", "hours"]][:3]), rtol=1e-6)
    without = FormulaModel("size ~ age - 1", MLERegressor()).fit(DF)
    np.testing.assert_allclose(without.estimator_.coef_, [(DF.age @ DF["size"]) / (DF.age @ DF.age)], rtol=1e-9)


def test_censored_targets_and_classes():
    survival = FormulaModel("censored(size, late) ~ age", MLERegressor(Censored(Weibull()))).fit(DF)
    assert np.isfinite(survival.inference(DF).bse).all()
    labels = DF.assign(late=np.where(DF.late, "yes", "no"))
    classes = FormulaModel("late ~ age", MLEClassifier()).fit(labels)
    assert classes.classes_.tolist() == ["no", "yes"]
    assert is_classifier(classes)
    assert is_regressor(MODEL)
    theirs = smf.logit("late ~ age", DF.assign(late=DF.late * 1.0)).fit(disp=0)
    np.testing.assert_allclose(classes.predict_proba(labels)[:, 1], theirs.predict(DF), rtol=1e-5)


def test_the_grammar_of_estimators():
    assert clone(MODEL).get_params()["formula"] == TEXT
    grid = {"formula": [TEXT, "claims ~ age"], "estimator__likelihood": ["poisson", "geometric"]}
    search = GridSearchCV(MODEL, grid, cv=3).fit(DF, DF.claims)
    assert search.best_params_["formula"] == TEXT
    assert np.isfinite(cross_val_score(MODEL, DF, DF.claims, cv=3)).all()
    np.testing.assert_allclose(predict_dist(search, DF[:4]).mean(), search.predict(DF[:4]))
    pipe = make_pipeline(
        FunctionTransformer(lambda X: X.assign(decade=X.age // 10)), FormulaModel("claims ~ decade", MLERegressor("poisson"))
    )
    pipe.fit(DF, DF.claims)
    assert Inference.from_estimator(pipe, DF, DF.claims).names == ["mean:intercept", "mean:decade"]
    np.testing.assert_allclose(predict_dist(pipe, DF).mean(), pipe.predict(DF))
    assert compare({"one": MODEL, "two": FormulaModel("claims ~ age", MLERegressor("poisson"))}, DF, DF.claims).best == "one"
    assert cross_val_predict_dist(MODEL, DF, DF.claims, cv=3).shape == (N,)
    polars = FormulaModel(TEXT, MLERegressor("poisson")).fit(pl.DataFrame(DF.to_dict("list")))
    np.testing.assert_allclose(polars.predict(DF), MODEL.predict(DF), rtol=1e-9)
    assert MODEL.score(DF) == pytest.approx(MODEL.estimator_.loglikelihood_ / N)


def test_effects_are_those_of_predictors():
    by_exposure = FormulaModel("claims ~ age + C(area)", MLERegressor("poisson", exposure="hours")).fit(DF)
    for model in (MODEL, by_exposure, GridSearchCV(MODEL, {"estimator__alpha": [0.0]}, cv=2).fit(DF, DF.claims)):
        effects = Inference.from_estimator(model, DF, DF.claims).marginal_effects(DF)
        assert sorted(effects.index) == ["area: south - north", "area: west - north", "d/d age"]
    both = FormulaModel("claims ~ age + hours + offset(log(hours))", MLERegressor("poisson")).fit(DF)
    assert both.predictor_names() == ["age", "hours"]
    constant = FormulaModel("claims ~ offset(log(hours))", MLERegressor("poisson")).fit(DF)
    with pytest.raises(ValueError, match="no column of X is a predictor"):
        constant.inference(DF).marginal_effects(DF)
    with pytest.raises(ValueError, match=r"the columns \['hours'\], which arguments .* name, are not in X; it has"):
        by_exposure.predict(DF[["age", "area"]])


def test_what_cannot_be_read_or_evaluated_is_told():
    model = MLERegressor("poisson")
    for formula, frame, words in [
        ("claims ~ agee", DF, r"formula 'claims ~ agee': .*`agee` is not present"),
        ("claims ~ age + )", DF, "formula 'claims ~ age .*misplaced"),
        ("claims ~ age", DF.assign(age=np.nan), "contains null values"),
        ("~ age", DF, "has nothing left of ~: pass y"),
        ({"mean": "claims ~ age", 1: "size ~ 1"}, DF, "have different left sides"),
        ("claims ~ age | hours", DF, "several parts between '|'; give a dict"),
    ]:
        with pytest.raises(ValueError, match=words):
            FormulaModel(formula, model).fit(frame)
    with pytest.raises(ValueError, match=r"nope\(age") as error:
        FormulaModel("claims ~ nope(age", model).fit(DF)
    assert "\x1b" not in str(error.value)
    with pytest.raises(ValueError, match="categories outside of the nominated levels"):
        MODEL.predict(DF[:2].assign(area="east"))
    with pytest.raises(ValueError, match="leave predictors of the estimator at None"):
        FormulaModel(TEXT, MLERegressor("poisson", predictors={"mean": ["age"]})).fit(DF)
    with pytest.raises(ValueError, match="write '- 1' in it"):
        FormulaModel(TEXT, MLERegressor("poisson", fit_intercept=False)).fit(DF)
    with pytest.raises(TypeError, match="pass a data frame"):
        MODEL.predict(DF[["age"]].to_numpy())


def test_terms_stand_beside_a_formula():
    estimator = MLERegressor("poisson", penalties={"mean": [Smooth("age", 6), Groups("area")]}, alpha=0.1)
    plain = clone(estimator).set_params(predictors={"mean": ["hours"]}).fit(DF[["hours", "age", "area"]], DF["claims"])
    model = FormulaModel("claims ~ hours", estimator).fit(DF)
    assert model.loglikelihood_ == pytest.approx(plain.loglikelihood_, rel=1e-12)
    np.testing.assert_allclose(model.predict(DF[:5]), plain.predict(DF[["hours", "age", "area"]][:5]), rtol=1e-10)


def test_a_constant_is_fitted_and_no_coefficient_refused():
    model = FormulaModel("claims ~ 1", MLERegressor("poisson")).fit(DF)
    assert model.inference(DF).params == pytest.approx([np.log(DF.claims.mean())])
    assert model.inference(DF).names == ["mean:intercept"]
    np.testing.assert_allclose(model.predict(DF[:3]), DF.claims.mean(), rtol=1e-9)
    for text in ("claims ~ 0", "claims ~ 0 + offset(log(hours))"):
        with pytest.raises(ValueError, match="no column to estimate a coefficient of; '~ 1' is a constant"):
            FormulaModel(text, MLERegressor("poisson")).fit(DF)


def test_y_is_by_default_that_of_the_formula():
    np.testing.assert_array_equal(
        cross_val_predict_dist(MODEL, DF, cv=3).params["mean"],
        cross_val_predict_dist(MODEL, DF, DF.claims, cv=3).params["mean"],
    )
    assert target_of(GridSearchCV(MODEL, {"estimator__alpha": [0.0, 0.1]}), DF, None).equals(DF.claims)
    np.testing.assert_array_equal(pearson_residuals(MODEL, DF), pearson_residuals(MODEL, DF, DF.claims))
    weights = np.arange(N) % 3
    weighted = clone(MODEL).fit(DF, sample_weight=weights)
    np.testing.assert_array_equal(
        weighted.inference(DF, None, weights).bse, Inference.from_estimator(weighted, DF, sample_weight=weights).bse
    )
    logged = FormulaModel("log(size) ~ age", MLERegressor()).fit(DF)
    with pytest.raises(ValueError, match="the formulas of a and b have different targets"):
        compare({"a": MODEL, "b": logged}, DF)
    with pytest.raises(ValueError, match="needs y, or a FormulaModel"):
        cross_val_predict_dist(MLERegressor(), DF[["age"]])


def test_formulas_of_which_one_holds_the_other_are_nested():
    def fitted(text, law="poisson", rows=DF):
        return FormulaModel(text, MLERegressor(law)).fit(rows)

    small = fitted("claims ~ bs(age, 4) + offset(log(hours))")
    large = fitted("claims ~ area + bs(age, 4) + offset(log(hours))")
    table = compare({"small": small, "large": large}, DF)
    assert table["test"].tolist() == ["reference", "LR(2)"]
    twice = 2 * (large.estimator_.loglikelihood_ - small.estimator_.loglikelihood_)
    assert table["statistic"][1] == pytest.approx(twice, rel=1e-9)
    assert likelihood_ratio_test(small, large, DF).statistic == pytest.approx(twice, rel=1e-9)
    assert nested(fitted("size ~ age", "exponential"), fitted("size ~ age + hours", "gamma")) == Nesting(2)
    assert nested(small, fitted("claims ~ area + bs(age, 4) + offset(hours)")) is None  # another offset
    assert nested(small, fitted("claims ~ area + bs(age, 5) + offset(log(hours))")) is None  # other columns
    moved = fitted("claims ~ area + bs(age, 4) + offset(log(hours))", rows=DF[DF.age < 50])  # the same names, other knots
    assert not comparable(small, moved)
    assert nested(small, moved) is None


def test_splines_go_on_beyond_their_knots():
    """A cubic spline with one inner knot is one cubic polynomial from there on."""
    model = FormulaModel("claims ~ bs(age, 4)", MLERegressor("poisson")).fit(DF)
    knot, end = np.median(DF.age), DF.age.max()
    inside, beyond = np.linspace(knot + 0.1, end, 4), np.array([end + 2.0, end + 8.0])
    eta = [np.log(model.predict(pd.DataFrame({"age": age}))) for age in (inside, beyond)]
    centre, half = (knot + end) / 2, (end - knot) / 2
    cubic = np.polynomial.Polynomial.fit(inside, eta[0], 3, domain=[centre - half, centre + half])
    np.testing.assert_allclose(eta[1], cubic(beyond), rtol=1e-7)
    assert np.isfinite(model.inference(DF).marginal_effects(DF, ["age"])["effect"]).all()
    with pytest.raises(ValueError, match="beyond upper and/or lower bounds"):
        FormulaModel("claims ~ bs(age, 4, extrapolation='raise')", model.estimator).fit(DF).predict(DF.assign(age=90.0))


def test_fitted_attributes_and_predictions_are_those_of_the_estimator():
    inside, design = MODEL.estimator_, MODEL.design(DF)
    assert (MODEL.aic_, MODEL.loglikelihood_, MODEL.n_params_) == (inside.aic_, inside.loglikelihood_, inside.n_params_)
    assert MODEL.coef_ is inside.coef_
    assert not hasattr(FormulaModel(TEXT), "coef_")
    np.testing.assert_array_equal(MODEL.score_samples(DF), inside.score_samples(design, DF.claims))
    np.testing.assert_array_equal(MODEL.predict_interval(DF, 0.8), inside.predict_interval(design, 0.8))
    np.testing.assert_array_equal(MODEL.predict_quantiles(DF, [0.3]), inside.predict_quantiles(design, [0.3]))
    np.testing.assert_array_equal(MODEL.predict_params(DF)["mean"], inside.predict_params(design)["mean"])
