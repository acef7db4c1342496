"""Forest plots in panels and per standard deviation, and displays of rows that the fits have not seen."""

import numpy as np
import pandas as pd
import pytest

from sk_mle import Inference, MLEDensity, MLERegressor, censored, compare, cross_val_predict_dist
from sk_mle.displays import CoefficientDisplay, PITDisplay, ResidualsVsFittedDisplay, SurvivalDisplay, WormDisplay
from sk_mle.likelihoods import Censored, Normal, Weibull

plt = pytest.importorskip("matplotlib.pyplot")
plt.switch_backend("Agg")
RNG = np.random.default_rng(5)
N = 120
X = pd.DataFrame({"age": RNG.uniform(20, 60, N), "size": 0.01 * RNG.normal(size=N)})
Y = 0.1 * X["age"] + 50 * X["size"] + RNG.normal(size=N)
MODEL = MLERegressor(Normal(), predictors={"scale": ["age"]}).fit(X, Y)
INFERENCE = Inference.from_estimator(MODEL, X, Y)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_each_parameter_has_a_panel():
    display = CoefficientDisplay.from_inference({"one": INFERENCE, "two": INFERENCE}, facets=True, intercepts=True)
    assert [ax.get_title() for ax in display.axes_] == ["loc", "scale"]
    ticks = [[tick.get_text() for tick in ax.get_yticklabels()] for ax in display.axes_]
    assert ticks == [["intercept", "age", "size"], ["intercept", "age"]]
    drawn = np.concatenate([ax.lines[1].get_xdata() for ax in display.axes_])
    np.testing.assert_array_equal(drawn, INFERENCE.params)
    own = plt.subplots(1, 2)[1]
    assert CoefficientDisplay.from_inference(INFERENCE, facets=True, ax=own).axes_[1] is own[1]
    with pytest.raises(ValueError, match="ax has 1 axes, but there are 2 panels"):
        CoefficientDisplay.from_inference(INFERENCE, facets=True, ax=plt.subplots()[1])


def test_coefficients_per_standard_deviation():
    display = CoefficientDisplay.from_inference(INFERENCE, standardize=X, names=["age", "size", "scale:age"])
    sd = X.std(ddof=0).to_numpy()[[0, 1, 0]]
    at = INFERENCE.places(["age", "size", "scale:age"])
    np.testing.assert_allclose(display.estimates[""], INFERENCE.params[at] * sd, rtol=1e-9)
    np.testing.assert_allclose(display.intervals[""], INFERENCE.conf_int()[at] * sd[:, None], rtol=1e-9)
    assert display.ax_.get_xlabel() == "coefficient per standard deviation, 95% confidence interval"
    scaled = MLERegressor(Normal(), predictors={"scale": ["age"]}).fit((X - X.mean()) / X.std(ddof=0), Y)
    np.testing.assert_allclose(display.estimates[""][:2], scaled.coef_, rtol=1e-5)
    weight = np.arange(N) % 3
    rows = np.repeat(np.arange(N), weight)
    np.testing.assert_allclose(INFERENCE.standard_deviations(X, weight), INFERENCE.standard_deviations(X.iloc[rows]), rtol=1e-9)


def test_displays_of_rows_that_the_fits_have_not_seen():
    dist = cross_val_predict_dist(MODEL, X, Y, cv=3)
    np.testing.assert_array_equal(
        PITDisplay.from_estimator(MODEL, X, Y, cv=3).density, PITDisplay.from_predictions(Y, dist).density
    )
    np.testing.assert_array_equal(ResidualsVsFittedDisplay.from_estimator(MODEL, X, Y, cv=3).values, dist.mean())
    worms = [one.panels[0]["residuals"] for one in (WormDisplay.from_estimator(MODEL, X, Y, cv=cv) for cv in (3, None))]
    assert np.abs(worms[0]).max() > np.abs(worms[1]).max()
    time = np.exp(Y / 5)
    y = censored(time, np.arange(N) % 4 > 0)
    survival = MLERegressor(Censored(Weibull())).fit(X, y)
    unseen = cross_val_predict_dist(survival, X, y, cv=2)
    drawn = SurvivalDisplay.from_estimator(survival, X, y, cv=2, times=[1.0, 2.0]).groups[0].predicted
    np.testing.assert_allclose(drawn, [unseen.sf(np.full(N, t)).mean() for t in (1.0, 2.0)], rtol=1e-12)
    assert PITDisplay.from_estimator(MLEDensity("normal").fit(X[["age"]]), X[["age"]], cv=2).density.shape == (10,)


def test_a_comparison_keeps_its_out_of_fold_distributions():
    table = compare({"two": MODEL, "one": MLERegressor()}, X, Y, cv=3)
    dist = cross_val_predict_dist(MODEL, X, Y, cv=3)
    for name, values in dist.params.items():
        np.testing.assert_array_equal(table.distributions_["two"].params[name], values)
    np.testing.assert_allclose(table.scores_["two"], dist.logpdf(Y), rtol=1e-9)
    assert compare({"one": MLERegressor()}, X, Y).distributions_ == {}


def test_survival_curves_of_numbers_are_grouped():
    y = censored(np.exp(Y / 5), np.arange(N) % 4 > 0)
    model = MLERegressor(Censored(Weibull())).fit(X, y)
    groups = SurvivalDisplay.from_estimator(model, X, y, groups="age", n_groups=3).groups
    assert [group.label.split(": ")[0] for group in groups] == ["age"] * 3
    low = X["age"] <= np.quantile(X["age"], 1 / 3)
    dist = model.predict_dist(X[low])
    expected = [dist.sf(np.full(low.sum(), t)).mean() for t in (1.0, 2.0)]
    drawn = SurvivalDisplay.from_estimator(model, X, y, groups="age", n_groups=3, times=[1.0, 2.0]).groups[0].predicted
    np.testing.assert_allclose(drawn, expected, rtol=1e-12)
    with pytest.raises(ValueError, match="groups has 120 different labels, but more than 12 curves"):
        SurvivalDisplay.from_estimator(model, X, y, groups=[f"row {i}" for i in range(N)])
