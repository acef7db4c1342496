"""Displays: the arrays that they draw against direct computation, and the grammar of scikit-learn's displays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sk_mle import Distribution, MLEClassifier, MLEDensity, MLERegressor, censored, predict_dist
from sk_mle.diagnostics import quantile_residuals
from sk_mle.inference import Inference
from sk_mle.likelihoods import Categorical, Censored, NegativeBinomial, Normal, Poisson, Rounded, Weibull

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from sk_mle.displays import (  # noqa: E402
    CoefficientDisplay,
    CoverageDisplay,
    FanChartDisplay,
    LikelihoodDisplay,
    PITDisplay,
    ProfileLikelihoodDisplay,
    QuantileResidualDisplay,
    RootogramDisplay,
    WormDisplay,
)
from sk_mle.displays._bands import local_level, order_band  # noqa: E402
from sk_mle.displays._fan import _rows  # noqa: E402

FROM_MODEL = [CoverageDisplay, FanChartDisplay, PITDisplay, QuantileResidualDisplay, RootogramDisplay, WormDisplay]
ARRAYS = {
    CoverageDisplay: ("nominal", "empirical", "low", "high"),
    FanChartDisplay: ("values", "low", "high", "weight"),
    PITDisplay: ("edges", "density", "low", "high"),
    QuantileResidualDisplay: ("theoretical", "residuals", "low", "high"),
    RootogramDisplay: ("edges", "observed", "expected"),
    WormDisplay: ("deviations",),
}


@pytest.fixture(autouse=True)
def nothing_global_changes():
    before = dict(matplotlib.rcParams)
    yield
    plt.close("all")
    assert dict(matplotlib.rcParams) == before


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(200, 2))
    return X, rng.negative_binomial(2, 2 / (2 + np.exp(1 + X[:, 0]))).astype(float)


@pytest.fixture(scope="module")
def model(data):
    return MLERegressor(Poisson()).fit(*data)


@pytest.mark.parametrize("kind", FROM_MODEL)
def test_the_grammar_of_displays(kind, data, model):
    X, y = data
    extra = {"values": X[:, 0]} if kind is FanChartDisplay else {}
    first = kind.from_estimator(model, X, y, random_state=0)
    second = kind.from_predictions(y, predict_dist(model, X), random_state=0, **extra)
    for name in ARRAYS[kind]:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.name == "Poisson()"
    assert second.name is None
    assert first.figure_ is first.ax_.figure
    assert first.ax_ is not second.ax_
    _, ax = plt.subplots()
    over = kind.from_estimator(model, X, y, random_state=0, ax=ax, name="one")
    children = len(ax.get_children())
    kind.from_estimator(MLERegressor(NegativeBinomial()).fit(X, y), X, y, random_state=0, ax=ax, name="other")
    if kind is not WormDisplay:
        assert over.ax_ is ax
    said = " ".join(text.get_text() for text in over.ax_.get_legend().get_texts())
    assert "one" in said
    assert "other" in said
    assert said.count("band") + said.count("95% of cases") + said.count("observed") == 1  # drawn once
    assert len(ax.get_children()) > children
    again = first.plot(name="renamed", color="red")
    assert again is first
    assert "renamed" in " ".join(text.get_text() for text in first.ax_.get_legend().get_texts())
    if kind is not WormDisplay:
        drawn = [artist for artist in ax.get_children() if artist.get_gid() == "sk_mle model"]
        looks = [str(artist.get_edgecolor() if kind is PITDisplay else artist.get_color()) for artist in drawn]
        assert len(drawn) == len(set(looks)) == 2


@pytest.mark.parametrize("kind", FROM_MODEL)
def test_integer_weights_are_rows(kind, data, model):
    X, y = data
    dist, weight = predict_dist(model, X), np.resize([0, 1, 3], len(y))
    rows = np.repeat(np.arange(len(y)), weight)
    continuous = np.sqrt(y + 1) + X[:, 1]
    if kind is not RootogramDisplay:  # without randomisation, so that copies are equal
        y, dist = continuous, predict_dist(MLERegressor().fit(X, continuous), X)
    extra = {"values": X[:, 0]} if kind is FanChartDisplay else {}
    weighted = kind.from_predictions(y, dist, sample_weight=weight, **extra)
    copies = kind.from_predictions(y[rows], dist[rows], **({"values": X[rows, 0]} if extra else {}))
    if kind in (CoverageDisplay, PITDisplay, RootogramDisplay):
        for name in ARRAYS[kind]:
            np.testing.assert_allclose(getattr(weighted, name), getattr(copies, name))
    elif kind is QuantileResidualDisplay:
        np.testing.assert_allclose(np.repeat(weighted.residuals, 1), np.unique(copies.residuals))
        middle = [np.median(copies.theoretical[np.isclose(copies.residuals, r)]) for r in weighted.residuals]
        np.testing.assert_allclose(weighted.theoretical, middle, atol=0.02)
    assert weighted.ax_ is not None


def test_quantile_plot_and_worm_by_hand(data, model):
    X, y = data
    residuals = quantile_residuals(model, X, y, random_state=1)
    display = QuantileResidualDisplay.from_estimator(model, X, y, random_state=1, band="pointwise", level=0.9)
    n = len(y)
    np.testing.assert_allclose(display.residuals, np.sort(residuals))
    np.testing.assert_allclose(display.theoretical, stats.norm.ppf((np.arange(n) + 0.5) / n))
    rank = np.arange(1, n + 1)
    np.testing.assert_allclose(display.low, stats.norm.ppf(stats.beta.ppf(0.05, rank, n + 1 - rank)), rtol=1e-9)
    np.testing.assert_allclose(display.high, stats.norm.ppf(stats.beta.ppf(0.95, rank, n + 1 - rank)), rtol=1e-9)
    np.testing.assert_array_equal(display.line_.get_ydata(), display.residuals)
    assert display.outside == np.mean((display.residuals < display.low) | (display.residuals > display.high))
    assert display.outside > 0.2  # misspecified
    right = MLERegressor(NegativeBinomial()).fit(X, y)
    assert QuantileResidualDisplay.from_estimator(right, X, y, random_state=1).outside == 0
    worm = WormDisplay.from_estimator(model, X, y, feature=1, n_groups=3, random_state=1)
    edges = np.quantile(X[:, 1], [0, 1 / 3, 2 / 3, 1])
    assert len(worm.axes_) == len(worm.panels) == 3
    for k, deviation in enumerate(worm.deviations):
        part = np.sort(residuals[(X[:, 1] >= edges[k]) & ((X[:, 1] < edges[k + 1]) | (k == 2))])
        m = len(part)
        np.testing.assert_allclose(deviation, part - stats.norm.ppf((np.arange(m) + 0.5) / m))
    with pytest.raises(ValueError, match="ax has 2 axes, but there are 3 groups"):
        worm.plot(plt.subplots(1, 2)[1])
    assert len(worm.plot(plt.subplots()[1]).axes_) == 3
    by_kind = WormDisplay.from_predictions(y, predict_dist(model, X), values=np.where(X[:, 0] > 0, "high", "low"), label="x")
    assert [panel["title"] for panel in by_kind.panels] == ["x high", "x low"]


@pytest.mark.parametrize("n", [10, 200])
def test_simultaneous_bands_hold(n):
    low, high = order_band(np.arange(1, n + 1), n, 0.95, "simultaneous")
    u = np.sort(np.random.default_rng(1).uniform(size=(4000, n)), axis=1)
    assert abs(((u >= low) & (u <= high)).all(axis=1).mean() - 0.95) < 0.015
    assert local_level(n, 0.95, "pointwise") == pytest.approx(0.05)


def test_pit_and_coverage_by_hand(data):
    X, _ = data
    y = X[:, 0] + np.random.default_rng(2).standard_t(3, size=len(X))
    model = MLERegressor().fit(X, y)
    u = predict_dist(model, X).cdf(y)
    pit = PITDisplay.from_estimator(model, X, y, bins=8, band="pointwise")
    np.testing.assert_allclose(pit.density, np.histogram(u, bins=8, range=(0, 1), density=True)[0])
    np.testing.assert_allclose([pit.low[0], pit.high[0]], stats.binom.ppf([0.025, 0.975], 200, 1 / 8) * 8 / 200)
    levels = np.array([0.2, 0.5, 0.9])
    cover = CoverageDisplay.from_estimator(model, X, y, levels=levels, band="pointwise")
    for level, share in zip(levels, cover.empirical, strict=True):
        low, high = model.predict_interval(X, level).T
        assert share == np.mean((y >= low) & (y <= high))
    np.testing.assert_allclose(cover.high, stats.binom.ppf(0.975, 200, levels) / 200)


def test_one_and_two_rows():
    for n in (1, 2):
        dist = Distribution(Normal(), {"loc": np.zeros(n), "scale": np.ones(n)})
        for kind in (CoverageDisplay, PITDisplay, QuantileResidualDisplay, WormDisplay):
            kind.from_predictions(np.arange(n), dist).figure_.canvas.draw()


def test_rootogram_by_hand(data, model):
    X, y = data
    display = RootogramDisplay.from_estimator(model, X, y)
    dist = predict_dist(model, X)
    np.testing.assert_array_equal(display.observed, np.bincount(y.astype(int)))
    np.testing.assert_allclose(display.expected, [dist.pmf(np.full(len(y), k)).sum() for k in range(int(y.max()) + 1)])
    bar = display.bars_[0]
    assert bar.get_y() == pytest.approx(np.sqrt(display.expected[0]) - np.sqrt(display.observed[0]))
    assert bar.get_y() + bar.get_height() == pytest.approx(np.sqrt(display.expected[0]))
    wide = RootogramDisplay.from_estimator(model, X, y, width=3)
    np.testing.assert_allclose(wide.expected[0], display.expected[:3].sum())
    assert RootogramDisplay.from_predictions(50 * y, dist).edges[1] > 1
    rng = np.random.default_rng(0)
    labels = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + rng.normal(size=len(X)), [-0.5, 0.5])]
    classes = RootogramDisplay.from_estimator(MLEClassifier(Categorical()).fit(X, labels), X, labels)
    np.testing.assert_allclose(classes.expected, classes.observed, rtol=1e-6)  # of the fit itself
    with pytest.raises(ValueError, match="Normal is no law of counts"):
        RootogramDisplay.from_estimator(MLERegressor().fit(X, y), X, y)
    half = censored(y, event=y < 3)
    with pytest.raises(ValueError, match="only up to an interval"):
        RootogramDisplay.from_estimator(MLERegressor(Censored(Poisson())).fit(X, half), X, half)


def test_fan_by_hand(data):
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    X, y = data
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "k": np.resize([0, 1, 1], len(X))})
    model = MLERegressor(predictors={"scale": ["a"]}).fit(frame, y)
    grid = np.array([-0.5, 0.0, 0.8])
    display = FanChartDisplay.from_estimator(model, frame, y, feature="a", grid=grid, coverages=[0.5, 0.9])
    typical = pd.DataFrame({"a": grid, "b": np.sort(X[:, 1])[99], "k": 1})
    np.testing.assert_allclose(display.quantiles, model.predict_quantiles(typical, [0.05, 0.25, 0.5, 0.75, 0.95]))
    assert (display.label, display.ax_.get_xlabel()) == ("a", "a")
    np.testing.assert_array_equal(display.line_.get_ydata(), display.quantiles[:, 2])
    named = FanChartDisplay.from_estimator(model, frame, pd.Series(y, name="satellites"), feature="a")
    assert named.ax_.get_ylabel() == "satellites"
    polar = pl.DataFrame({name: frame[name].to_numpy() for name in frame})
    again = MLERegressor(predictors={"scale": [0]}).fit(polar, y)  # names of polars depend on scikit-learn's release
    same = FanChartDisplay.from_estimator(again, polar, y, feature="a", grid=grid, coverages=[0.5, 0.9])
    np.testing.assert_allclose(same.quantiles, display.quantiles, rtol=1e-6)
    pipe = make_pipeline(PolynomialFeatures(2), StandardScaler(), MLERegressor("poisson", alpha=0.01)).fit(X, y)
    curve = FanChartDisplay.from_estimator(pipe, X, y, feature=1, grid=grid)
    np.testing.assert_allclose(
        curve.quantiles[:, 3], predict_dist(pipe, np.column_stack([np.full(3, np.sort(X[:, 0])[99]), grid])).median()
    )
    frame["c"] = pd.Categorical(np.where(X[:, 0] > 0.5, "rare", "often"))
    assert _rows(frame, "a", grid)["c"].tolist() == ["often"] * 3
    assert _rows(frame, "a", grid)["c"].dtype == frame["c"].dtype
    with pytest.raises(ValueError, match="c is not numeric"):
        FanChartDisplay.from_predictions(y, predict_dist(model, frame[["a", "b", "k"]]), values=frame["c"], label="c")
    with pytest.raises(ValueError, match="classes have no quantiles"):
        FanChartDisplay.from_estimator(MLEClassifier().fit(X, y > 2), X, y > 2)
    with pytest.raises(ValueError, match="'z' is no column"):
        FanChartDisplay.from_estimator(model, frame[["a", "b", "k"]], y, feature="z")


def test_displays_take_pipelines_and_transformed_or_censored_targets():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 2))
    life = np.exp(1 + 0.5 * X[:, 0]) * rng.weibull(1.5, 300)
    seen = censored(np.minimum(life, 4), event=life < 4)
    wrapped = make_pipeline(StandardScaler(), MLERegressor(Censored(Weibull()))).fit(X, seen)
    rounded = MLERegressor(Rounded(Normal(), width=1.0)).fit(X, np.rint(2 * X[:, 0] + rng.normal(size=300)))
    whole = np.rint(2 * X[:, 0] + np.random.default_rng(3).normal(size=300))
    log = TransformedTargetRegressor(MLERegressor("gumbel_min"), func=np.log, inverse_func=np.exp).fit(X, life)
    for fitted, y in ((wrapped, seen), (rounded, whole), (log, life)):
        for kind in (CoverageDisplay, FanChartDisplay, PITDisplay, QuantileResidualDisplay, WormDisplay):
            kind.from_estimator(fitted, X, y, random_state=0).figure_.canvas.draw()
            plt.close("all")
    fan = FanChartDisplay.from_estimator(wrapped, X, seen)
    assert np.isinf(fan.high).sum() == (life >= 4).sum() > 0
    alone = MLEDensity("weibull").fit(life[:, None])
    assert QuantileResidualDisplay.from_predictions(life, alone.distribution_).outside < 0.9
    with pytest.raises(ValueError, match="impossible under the model in row 1"):
        PITDisplay.from_predictions([0.5, 2.0], Distribution("beta", {"mean": np.full(2, 0.5), "precision": np.ones(2)}))


def test_arguments_that_make_no_sense(data, model):
    X, y = data
    dist = predict_dist(model, X)
    for kind in (CoverageDisplay, PITDisplay, QuantileResidualDisplay, WormDisplay):
        with pytest.raises(ValueError, match="use 'simultaneous' or 'pointwise'"):
            kind.from_predictions(y, dist, band="wide")
        with pytest.raises(ValueError, match="level must lie between"):
            kind.from_predictions(y, dist, level=95)
    with pytest.raises(ValueError, match="levels must lie"):
        CoverageDisplay.from_predictions(y, dist, levels=[50])
    with pytest.raises(ValueError, match="coverages must lie"):
        FanChartDisplay.from_estimator(model, X, y, coverages=[95])
    with pytest.raises(ValueError, match="sample_weight has length 3"):
        PITDisplay.from_predictions(y, dist, sample_weight=[1, 2, 3])


def test_coefficients_and_profile(data, model):
    X, y = data
    rivals = {"poisson": model, "negative binomial": MLERegressor(NegativeBinomial(), predictors={"dispersion": [1]}).fit(X, y)}
    found = {name: Inference.from_estimator(rival, X, y) for name, rival in rivals.items()}
    display = CoefficientDisplay.from_inference(found, level=0.9)
    assert display.names == ["mean:x0", "mean:x1", "dispersion:x1"]
    np.testing.assert_allclose(display.estimates["poisson"], [*model.coef_, np.nan])
    inference = found["negative binomial"]
    place = [inference.names.index(name) for name in display.names]
    np.testing.assert_allclose(display.intervals["negative binomial"], inference.conf_int(level=0.9)[place])
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == display.names
    one = CoefficientDisplay.from_inference(inference, names=["mean:intercept"], ax=plt.subplots()[1])
    assert one.estimates[""] == rivals["negative binomial"].intercept_
    with pytest.raises(ValueError, match="mean:x7"):
        CoefficientDisplay.from_inference(found, names=["mean:x7"])
    name, bse = "dispersion:intercept", inference.bse[inference.names.index("dispersion:intercept")]
    profile = ProfileLikelihoodDisplay.from_inference(inference, name, X, y)
    assert profile.ax_.get_xlabel() == name
    assert profile.cut == pytest.approx(-stats.chi2.ppf(0.95, 1) / 2)
    np.testing.assert_allclose(profile.parabola, -0.5 * ((profile.values - profile.estimate) / bse) ** 2)
    by_root = inference.conf_int(method="profile", X=X, y=y, names=[name])[0]
    np.testing.assert_allclose(profile.interval, by_root, atol=0.01)
    near = profile.estimate + bse * np.linspace(-1, 1, 5)
    short = ProfileLikelihoodDisplay.from_inference(inference, name, X, y, values=near)
    assert np.isinf(short.interval).all()
    (words,) = (text for text in (text.get_text() for text in short.ax_.get_legend().get_texts()) if "interval" in text)
    assert words == f"95% interval: beyond {near[0]:.3g} to beyond {near[-1]:.3g}"


def test_rows_of_weight_zero_do_not_shift_the_typical_row_of_a_fan():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(31, 2))
    y, weight = X @ [1.0, 2.0] + rng.normal(size=31), np.ones(31)
    X[0, 1], weight[15:] = 4.0, 0.0
    model = MLERegressor().fit(X, y, sample_weight=weight)
    fan = FanChartDisplay.from_estimator(model, X, y, feature=0, sample_weight=weight)
    of_others = FanChartDisplay.from_estimator(model, X[:15], y[:15], feature=0)
    np.testing.assert_allclose(fan.quantiles, of_others.quantiles, rtol=1e-10)


def test_likelihood_of_a_sample():
    y = np.array([4.3, 4.8, 5.0, 5.2, 5.7])
    X = y[:, None]
    known = MLEDensity(Normal(scale=1.0)).fit(X)
    one = LikelihoodDisplay.from_estimator(known, X, grids={"loc": [4.0, 5.0, 6.0]})
    expected = stats.norm.logpdf(X, [4.0, 5.0, 6.0]).sum(axis=0)
    np.testing.assert_allclose(one.loglikelihood, expected)
    assert one.parameters == ["loc"]
    assert one.scores[0] == max(one.scores) == pytest.approx(expected[1])
    normal, weight = MLEDensity(Normal()).fit(X), np.full(5, 2)
    candidates = [{}, {"loc": 4.0, "scale": 1.0}]
    two = LikelihoodDisplay.from_estimator(normal, X, candidates=candidates, sample_weight=weight)
    assert two.loglikelihood.shape == (61, 61)
    assert two.scores[1] == pytest.approx(2 * expected[0])
    loc, scale = two.grids[0][10], two.grids[1][20]
    assert two.loglikelihood[10, 20] == pytest.approx(2 * stats.norm.logpdf(y, loc, scale).sum())
    assert two.loglikelihood.max() <= two.scores[0] + 1e-9
    assert two.axes_[0].get_ylabel() == "scale"
    assert len(two.plot(plt.subplots()[1]).axes_) == 2
    counts, pair = np.array([[0], [1], [1], [5], [2], [9], [0], [3]]), plt.subplots(1, 2)[1]
    fitted = MLEDensity("negative_binomial").fit(counts)
    drawn = LikelihoodDisplay.from_estimator(fitted, counts, parameters=["dispersion"], ax=pair)
    assert drawn.axes_[1].get_ylabel() == "probability"
    for law, sample in (
        ("gamma", np.outer(np.linspace(1, 2, 9), y).reshape(-1, 1)),
        (Censored(Weibull()), np.column_stack([y, np.where(y > 5.5, np.inf, y)])),
    ):
        LikelihoodDisplay.from_estimator(MLEDensity(law).fit(sample), sample).figure_.canvas.draw()
    with pytest.raises(ValueError, match="one or two of"):
        LikelihoodDisplay.from_estimator(known, X, parameters=["scale"])
    with pytest.raises(ValueError, match="candidates name"):
        LikelihoodDisplay.from_estimator(normal, X, candidates=[{"mean": 1.0}])
    with pytest.raises(TypeError, match="pass an MLEDensity, not MLERegressor"):
        LikelihoodDisplay.from_estimator(MLERegressor().fit(X, y + X[:, 0] ** 2), X)


def test_no_module_needs_matplotlib_to_be_imported():
    folder = Path(__file__).parents[2] / "sk_mle" / "displays"
    for path in folder.glob("*.py"):
        assert not any(line.startswith(("import matplotlib", "from matplotlib")) for line in path.read_text().splitlines())
