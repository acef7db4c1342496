"""Effects, residuals and survival curves: what is drawn is what predictions, normal samples and Kaplan-Meier say."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sk_mle import Inference, MLEClassifier, MLEDensity, MLERegressor, censored
from sk_mle.displays import (
    CoverageDisplay,
    EffectDisplay,
    FanChartDisplay,
    PITDisplay,
    QuantileResidualDisplay,
    ResidualsVsFittedDisplay,
    RootogramDisplay,
    SurvivalDisplay,
    WormDisplay,
)
from sk_mle.likelihoods import Censored, Normal, Weibull

plt = pytest.importorskip("matplotlib.pyplot")
plt.switch_backend("Agg")

RNG = np.random.default_rng(3)
N = 240
DF = pd.DataFrame({"area": RNG.choice(["north", "south", "west"], N), "age": RNG.uniform(20, 60, N), "x": RNG.normal(size=N)})
COUNTS = RNG.poisson(np.exp(0.02 * DF.age - 1 + (DF.area == "west"))).astype(float)
PIPE = make_pipeline(make_column_transformer((OneHotEncoder(), ["area"]), remainder="passthrough"), MLERegressor("poisson"))
INFERENCE = Inference.from_estimator(PIPE.fit(DF, COUNTS), DF, COUNTS)
LIFE, END = np.exp(0.5 * (DF.area == "west")) * RNG.weibull(1.5, N), RNG.exponential(2, N)
Y = censored(np.minimum(LIFE, END), LIFE <= END)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_partial_effects_are_averages_of_predictions():
    table = INFERENCE.partial_effects(DF, "age", values=[25.0, 50.0])
    expected = [INFERENCE.predict(DF.assign(age=age))["mean"].mean() for age in (25.0, 50.0)]
    np.testing.assert_allclose(table["mean"], expected, rtol=1e-9)
    one_row = pd.DataFrame({"area": ["south"], "age": [DF.age.mean()], "x": [DF.x.mean()]})
    at_means = INFERENCE.partial_effects(DF, "area", at="mean", values=["south"])
    predicted = INFERENCE.predict(one_row)
    for name in ("mean", "std err", "2.5%", "97.5%"):
        assert at_means[name][0] == pytest.approx(predicted[name][0], rel=1e-7)
    linear = MLERegressor(Normal()).fit(DF[["age", "x"]], COUNTS).inference(DF[["age", "x"]], COUNTS)
    effect = linear.partial_effects(DF[["age", "x"]], "age", values=[30.0])
    contrast = linear.contrast(f"intercept + 30 * age + {DF.x.mean()} * x")
    assert effect["std err"][0] == pytest.approx(contrast["std err"][0], rel=1e-6)
    assert INFERENCE.partial_effects(DF, "area")["area"].tolist() == ["north", "south", "west"]
    assert len(INFERENCE.partial_effects(DF, "age")) == 40
    with pytest.raises(ValueError, match="moves in jumps"):
        INFERENCE.partial_effects(DF, "age", "median")
    labels = np.array(["no", "some"])[(COUNTS > 0) * 1]
    classes = MLEClassifier("categorical").fit(DF[["age"]], labels).inference(DF[["age"]], labels)
    assert set(classes.partial_effects(DF[["age"]], "age", values=[30.0, 40.0])["of"].tolist()) == {"no", "some"}


def test_effects_are_drawn():
    display = EffectDisplay.from_inference(INFERENCE, DF, "age", at={"area": ["north", "west"]})
    table = INFERENCE.partial_effects(DF, "age", at={"area": ["north", "west"]})
    assert [curve.label for curve in display.curves] == ["area=north", "area=west"]
    np.testing.assert_allclose(np.concatenate([line.get_ydata() for line in display.lines_]), table["mean"])
    assert "averaged over the rows of X; 95%" in display.ax_.get_title()
    categories = EffectDisplay.from_inference(INFERENCE, DF, "area", "cdf", y=1, at="median")
    assert [text.get_text() for text in categories.ax_.get_xticklabels()] == ["north", "south", "west"]
    assert categories.ax_.get_ylabel() == "cdf(1)"
    assert "at their medians" in categories.ax_.get_title()
    with pytest.raises(TypeError, match=r"Inference\.from_estimator\(model, X, y\)"):
        EffectDisplay.from_inference(PIPE, DF, "age")


def test_residuals_against_predictions_and_columns():
    y = DF.x**2 + RNG.normal(size=N)
    model = MLERegressor().fit(DF[["age", "x"]], y)
    bent = ResidualsVsFittedDisplay.from_estimator(model, DF[["age", "x"]], y, feature="x")
    assert (np.abs(bent.groups_[:, 1]) / bent.groups_[:, 2]).max() > 3
    DF2 = DF[["x"]].assign(square=DF.x**2)
    right = ResidualsVsFittedDisplay.from_estimator(MLERegressor().fit(DF2, y), DF2, y)
    assert right.ax_.get_xlabel() == "predicted mean"
    assert (np.abs(right.groups_[:, 1]) / right.groups_[:, 2]).max() < 2
    np.testing.assert_allclose(right.groups_[:, 2], 1.96 / np.sqrt(N // 16), rtol=0.05)
    by_area = ResidualsVsFittedDisplay.from_estimator(PIPE, DF, COUNTS, feature="area", random_state=0)
    assert len(by_area.groups_) == 3
    for k, area in enumerate(["north", "south", "west"]):
        assert by_area.groups_[k, 1] == pytest.approx(by_area.residuals[(DF.area == area).to_numpy()].mean())
    weight = RNG.integers(0, 2, N)
    half = ResidualsVsFittedDisplay.from_estimator(model, DF[["age", "x"]], y, sample_weight=weight)
    assert len(half.residuals) == weight.sum()


def test_survival_curves():
    lifelines = pytest.importorskip("lifelines")
    X = (DF.area == "west").to_numpy(float)[:, None]
    model = MLERegressor(Censored(Weibull())).fit(X, Y)
    groups = np.where(X[:, 0] == 1, "west", "others")
    display = SurvivalDisplay.from_estimator(model, X, Y, groups=groups, times=[0.5, 1.0])
    assert [group.label for group in display.groups] == ["others", "west"]
    for group in display.groups:
        rows = groups == group.label
        expected = [model.predict_dist(X[rows]).sf(np.full(rows.sum(), t)).mean() for t in (0.5, 1.0)]
        np.testing.assert_allclose(group.predicted, expected, rtol=1e-10)
        km = lifelines.KaplanMeierFitter().fit(Y[rows, 0], Y[rows, 0] == Y[rows, 1])
        np.testing.assert_allclose(group.estimate.at(np.array([0.4, 1.1])), km.predict([0.4, 1.1]), rtol=1e-10)
    assert len(SurvivalDisplay.from_estimator(model, X, Y).groups) == 1
    with pytest.raises(ValueError, match="row 0 of y is known up to an interval, of which there is no Kaplan-Meier"):
        SurvivalDisplay.from_predictions([[0.5, 0.7], [1.0, 1.0]], model.predict_dist(X[:2]))


def test_densities_have_the_displays_of_samples():
    sample = RNG.gamma(2, 1, 200)
    density, counts = MLEDensity("gamma").fit(sample[:, None]), MLEDensity("poisson").fit(np.floor(sample)[:, None])
    for display in (PITDisplay, QuantileResidualDisplay, WormDisplay, CoverageDisplay):
        of_density = display.from_estimator(density, sample[:, None])
        of_values = display.from_predictions(sample, density.predict_dist(sample[:, None]))
        assert of_density.ax_.get_xlabel() == of_values.ax_.get_xlabel()
    np.testing.assert_allclose(
        QuantileResidualDisplay.from_estimator(density, sample[:, None]).residuals,
        np.sort(stats.norm.ppf(density.distribution_.cdf(sample))),
        atol=1e-8,
    )
    assert RootogramDisplay.from_estimator(counts, np.floor(sample)[:, None]).ax_
    y = censored(np.minimum(sample, 2.0), sample < 2)
    life = MLEDensity(Censored(Weibull())).fit(y)
    (group,) = SurvivalDisplay.from_estimator(life, y).groups
    assert group.predicted[0] == 1.0
    assert len(density.predict_dist(sample[:, None])) == 200


def test_a_fan_chart_says_where_other_columns_are():
    y = DF.x + RNG.normal(size=N)
    model = MLERegressor().fit(DF[["age", "x"]], y)
    fan = FanChartDisplay.from_estimator(model, DF[["age", "x"]], y, feature="x")
    assert "other columns at their medians" in fan.ax_.get_title()
    alone = MLERegressor().fit(DF[["x"]], y)
    assert FanChartDisplay.from_estimator(alone, DF[["x"]], y).ax_.get_title() == ""
