"""Rows that say nothing, rows of one kind, rows that repeat one number, and what only looks like numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from test_wrappers import COMPOSITIONS

from sk_mle import MLEClassifier, MLEDensity, MLERegressor, censored
from sk_mle._model import data
from sk_mle.datasets import make_mle_regression
from sk_mle.exceptions import SeparationWarning
from sk_mle.likelihoods import (
    LAWS,
    Beta,
    Binomial,
    Censored,
    Exponential,
    Fixed,
    Gamma,
    Hurdle,
    LogNormal,
    Normal,
    Poisson,
    ZeroOneInflated,
)
from sk_mle.metrics import crps, log_score, make_dist_scorer
from sk_mle.selection import LikelihoodSearch, compare, likelihood_ratio_test, vuong_test

RNG = np.random.default_rng(3)
X = RNG.normal(size=(60, 2))
COUNTS = RNG.poisson(np.exp(0.3 * X[:, 0])).astype(float)
WEIGHT = RNG.integers(0, 3, 60).astype(float)
NUMERIC = [law() for law in LAWS.values() if law().target_type != "classes"]


def simulated(law, n):
    predictors = {law.layout.free[0]: "all"}
    data = make_mle_regression(law, n_samples=n, n_features=1, random_state=4)
    return MLERegressor(law, predictors=predictors), data.X, data.y


# ---- one number that stands for many ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 40])
def test_weights_that_are_one_number_in_memory(n):
    """Poisson with an intercept alone: the log-likelihood is the weight times that of a row."""
    y, weight = np.full(n, 3.0), np.broadcast_to(2.0, n)
    expected = 2 * n * (3 * np.log(3) - 3 - np.log(6))
    model = MLERegressor("poisson").fit(np.ones((n, 1)), y, sample_weight=weight)
    assert_allclose(model.loglikelihood_, expected, rtol=1e-14)
    density = MLEDensity("poisson").fit(y[:, None], sample_weight=weight)
    assert_allclose(density.loglikelihood_, expected, rtol=1e-14)
    assert_allclose(density.inference(y[:, None], sample_weight=weight).bse, 1 / np.sqrt(6 * n), rtol=1e-10)
    assert_allclose(model.score(np.ones((n, 1)), y, sample_weight=weight), expected / (2 * n), rtol=1e-14)


@pytest.mark.parametrize("value", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("model", [MLERegressor("poisson"), MLERegressor(), MLERegressor("laplace"), MLEClassifier()], ids=str)
def test_such_weights_equal_an_ordinary_array(model, value):
    y = COUNTS > 1 if isinstance(model, MLEClassifier) else COUNTS
    one, other = (model.fit(X, y, sample_weight=w).loglikelihood_ for w in (np.broadcast_to(value, 60), np.full(60, value)))
    assert_allclose(one, other, rtol=1e-14)
    assert_allclose(one, value * model.fit(X, y).loglikelihood_, rtol=1e-9)


def test_columns_and_targets_that_are_one_number_in_memory():
    ones = np.broadcast_to(1.0, (60, 1))
    expected = MLERegressor("poisson").fit(ones.copy(), np.full(60, 2.0))
    found = MLERegressor("poisson").fit(ones, np.broadcast_to(2.0, 60))
    assert_allclose([found.loglikelihood_, found.intercept_], [expected.loglikelihood_, np.log(2)], rtol=1e-12)
    exposed = MLERegressor("poisson", exposure=0).fit(np.broadcast_to(4.0, (1, 1)), np.broadcast_to(2.0, 1))
    assert_allclose(exposed.intercept_, np.log(0.5), rtol=1e-12)


# ---- rows of zero weight ------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::UserWarning")  # a few steps only: the same, whether or not they lead to a maximum
@pytest.mark.parametrize("law", [*NUMERIC, *COMPOSITIONS], ids=repr)
def test_a_row_of_zero_weight_may_hold_anything(law):
    A, y, *_ = make_mle_regression(law, n_samples=60, n_features=1, random_state=4)
    weight = (np.arange(60) % 5 > 0) * 1.0
    wrong = np.array(y, dtype=float)
    wrong[weight == 0] = np.resize([np.nan, np.inf, -1e6, 0.5], 12)[(slice(None), *[None] * (y.ndim - 1))]
    model = MLERegressor(law, predictors={law.layout.free[0]: "all"}, max_iter=5)
    model.fit(A, wrong, weight)
    found = model.loglikelihood_, model.score(A, wrong, weight)
    A, y = A[weight > 0], y[weight > 0]
    model.fit(A, y)
    assert_allclose(found, [model.loglikelihood_, model.score(A, y)], rtol=1e-9)


KINDS = {
    "array": np.asarray,
    "list": list,
    "series": lambda y: pd.Series(y, index=range(5, 65)),
    "polars": pl.Series,
    "objects": lambda y: np.array([None if v != v else v for v in y], dtype=object),
    "integers of pandas": lambda y: pd.Series(y).astype("Int64"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_such_rows_in_targets_of_every_kind(kind):
    wrong, weight = COUNTS.copy(), WEIGHT.copy()
    wrong[weight == 0], weight[0], wrong[0] = np.nan, 0.0, -3.0
    used = weight > 0
    expected = MLERegressor("poisson").fit(X[used], COUNTS[used], weight[used])
    y = KINDS[kind](wrong)
    model = MLERegressor("poisson").fit(X, y, list(weight))
    assert_allclose(model.coef_, expected.coef_, rtol=1e-12)
    assert_allclose(model.score(X, y, weight), expected.score(X[used], COUNTS[used], weight[used]), rtol=1e-12)
    bse = model.inference(X, y, sample_weight=weight).bse
    assert_allclose(bse, expected.inference(X[used], COUNTS[used], sample_weight=weight[used]).bse, rtol=1e-10)


def test_exposures_and_known_columns_of_such_rows():
    """As insurers hold them: contracts without exposure, of weight zero."""
    weight, exposure = np.ones(60), RNG.uniform(0.5, 2.0, 60)
    weight[:7], exposure[:7] = 0.0, np.resize([0.0, -1.0], 7)
    A = np.c_[X[:, 0], exposure]
    model = MLERegressor("poisson", exposure=1)
    one, bse = model.fit(A, COUNTS, weight).coef_, model.inference(A, COUNTS, sample_weight=weight).bse
    score = model.score(A, COUNTS, weight)
    assert_allclose(model.fit(A[7:], COUNTS[7:]).coef_, one, rtol=1e-12)
    assert_allclose(model.inference(A[7:], COUNTS[7:]).bse, bse, rtol=1e-10)
    assert_allclose(model.score(A[7:], COUNTS[7:]), score, rtol=1e-12)
    trials = pd.DataFrame({"x": X[:, 0], "n": np.where(weight > 0, 20.0, -2.0)})
    model = MLERegressor(Binomial(trials="n"))
    assert_allclose(model.fit(trials, COUNTS, weight).coef_, model.fit(trials[7:], COUNTS[7:]).coef_, rtol=1e-12)


def test_samples_of_zero_weight():
    wrong = np.where(WEIGHT > 0, COUNTS + 1, np.nan)[:, None]
    model, used = MLEDensity("gamma").fit(wrong, sample_weight=WEIGHT), WEIGHT > 0
    expected = MLEDensity("gamma").fit(wrong[used], sample_weight=WEIGHT[used])
    assert model.params_ == pytest.approx(expected.params_, rel=1e-10)
    assert model.score(wrong, sample_weight=WEIGHT) == pytest.approx(expected.score(wrong[used], None, WEIGHT[used]), rel=1e-12)


def test_labels_of_zero_weight():
    labels = np.array(["a", "b", "c"])[np.arange(60) % 3].astype(object)
    weight = WEIGHT.copy()
    weight[4] = 0
    missing = labels.copy()
    missing[4] = None
    expected = MLEClassifier().fit(X, labels, weight)
    model = MLEClassifier().fit(X, missing, weight)
    assert_array_equal(model.coef_, expected.coef_)
    assert model.score(X, missing, weight) == expected.score(X, labels, weight)
    labels[4] = "d"  # names a class, as in scikit-learn, but one without a maximum
    with pytest.warns(SeparationWarning, match="intercept"):
        model.fit(X, labels, weight)
    assert list(model.classes_) == list("abcd")


def test_such_rows_in_scores_and_comparisons():
    wrong, used = np.where(WEIGHT > 0, COUNTS, np.nan), WEIGHT > 0
    small, large = (MLERegressor(law).fit(X, wrong, WEIGHT) for law in ("poisson", "geometric"))
    for score in (crps, log_score):
        scorer = make_dist_scorer(score)
        found, expected = scorer(small, X, wrong, WEIGHT), scorer(small, X[used], COUNTS[used], WEIGHT[used])
        assert found == pytest.approx(expected, rel=1e-12)
    found, expected = (vuong_test(small, large, *rows) for rows in ((X, wrong, WEIGHT), (X[used], COUNTS[used], WEIGHT[used])))
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9)
    nested = MLERegressor("poisson", predictors={"mean": [0]}).fit(X, wrong, WEIGHT)
    found = likelihood_ratio_test(nested, small, X, wrong, WEIGHT)
    assert found.statistic == pytest.approx(likelihood_ratio_test(nested, small).statistic, rel=1e-9)
    models = {"poisson": MLERegressor("poisson"), "geometric": MLERegressor("geometric")}
    table = compare(models, X, wrong, sample_weight=WEIGHT)
    expected = compare(models, X[used], COUNTS[used], sample_weight=WEIGHT[used])
    assert_allclose(table["AIC"], expected["AIC"], rtol=1e-10)
    search = LikelihoodSearch(candidates=["poisson", "geometric"], cv=3).fit(X, wrong, WEIGHT)
    assert np.isfinite(search.best_score_)


# ---- blocks of rows of one kind -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "law", [Hurdle(Poisson()), Hurdle(Gamma()), ZeroOneInflated(Beta()), Censored(Gamma()), Censored(Normal())], ids=repr
)
@pytest.mark.parametrize("falling", [False, True])
def test_sorted_rows_give_the_same_fit(law, falling, monkeypatch):
    """A block may hold rows of one kind only: zeros, or censored values."""
    A, y, *_ = make_mle_regression(law, n_samples=3000, n_features=2, random_state=4)
    order = np.argsort(y if y.ndim == 1 else y[:, 1] - y[:, 0], kind="stable")[:: -1 if falling else 1]
    model = MLERegressor(law)
    expected = model.fit(A, y).loglikelihood_, model.inference(A, y).bse
    monkeypatch.setattr(data, "BLOCK_BYTES", 1 << 10)
    A, y = A[order], y[order]
    assert_allclose(model.fit(A, y).loglikelihood_, expected[0], rtol=1e-10)
    assert_allclose(model.inference(A, y).bse, expected[1], rtol=1e-6)


# ---- no row is left -----------------------------------------------------------------------------------------------------


NOTHING_LEFT = {
    "zeros, counts": (Hurdle(Poisson()), np.zeros(60), "every y is zero, .*Poisson, the law inside Hurdle, .* mean:.*stratify"),
    "zeros, sizes": (
        Hurdle(Gamma()),
        np.zeros(60),
        r"mean and shape.*Hurdle\(Fixed\(Gamma\(\), {'mean': ..., 'shape': ...}\)\)",
    ),
    "ends": (ZeroOneInflated(Beta()), np.arange(60) % 2.0, "every y is zero or one, .*Beta, the law inside ZeroOneInflated"),
    "inside another": (Censored(Hurdle(LogNormal())), np.zeros(60), "LogNormal, the law inside Hurdle, .* loc and scale"),
    "by weight": (Hurdle(Poisson()), COUNTS, "every y is zero"),
}


@pytest.mark.parametrize("name", NOTHING_LEFT)
def test_wrapper_without_rows_for_the_inner_law(name):
    law, y, message = NOTHING_LEFT[name]
    weight = (y == 0) * 1.0 if name == "by weight" else None
    with pytest.raises(ValueError, match=message):
        MLERegressor(law).fit(X, y, weight)
    if y.ndim == 1:
        with pytest.raises(ValueError, match=message):
            MLEDensity(law).fit(y[:, None], sample_weight=weight)


def test_inner_law_with_known_parameters_needs_no_rows():
    """Then only the probability of zero is estimated, which has no finite maximum either."""
    with pytest.warns(SeparationWarning, match="intercept"):
        model = MLERegressor(Hurdle(Fixed(Gamma(), {"mean": 2.0, "shape": 1.0}))).fit(X, np.zeros(60))
    assert_allclose(model.predict_params(X)["zero"], 1.0)


def test_folds_without_events():
    """Cross-validation tells the folds that cannot be fitted, and stratified ones can."""
    y = np.zeros(60)
    y[:6] = [1.0, 3.0, 2.0, 2.0, 5.0, 1.0]
    model = MLERegressor(Hurdle(Exponential()), predictors={"mean": "intercept"})
    with pytest.warns(FitFailedWarning, match="every y is zero"):
        assert np.isnan(cross_val_score(model, X, y, cv=KFold(2))).tolist() == [True, False]
    folds = StratifiedKFold(3).split(X, y != 0)
    assert np.isfinite(cross_val_score(model, X, y, cv=list(folds))).all()


# ---- what looks like numbers --------------------------------------------------------------------------------------------

DAYS = np.datetime64("2020-01-01") + np.arange(60)
SPANS = np.arange(1, 61).astype("timedelta64[D]")
DATES = {"array": DAYS, "series": pd.Series(DAYS), "in a zone": pd.Series(DAYS).dt.tz_localize("UTC"), "objects": DAYS.tolist()}
DATES["polars"] = pl.Series(DAYS.tolist())
DURATIONS = {"array": SPANS, "series": pd.Series(SPANS), "objects": SPANS.tolist(), "polars": pl.Series(SPANS.tolist())}
TEXT = {"array": COUNTS.astype(str), "objects": COUNTS.astype(str).astype(object), "bytes": COUNTS.astype("S")}
TEXT["series"] = pd.Series(TEXT["array"], dtype="string")
LIKE_NUMBERS = {
    **{f"dates, {kind}": (y, "y must be numeric, but holds dates: ") for kind, y in DATES.items()},
    **{f"durations, {kind}": (y, "y must be numeric, but holds durations: say their unit") for kind, y in DURATIONS.items()},
    **{f"text, {kind}": (y, "y must be numeric, but holds text: .*MLEClassifier") for kind, y in TEXT.items()},
    "complex": (COUNTS + 0j, "Complex data not supported"),
    "complex objects": ((COUNTS + 0j).astype(object), "y must be numeric .*complex"),
    "periods": (pd.Series(DAYS).dt.to_period("D"), "y must be numeric, but holds periods: pass the time since"),
}
ADVICE = {  # as the messages give it
    "dates": lambda y: (lambda t: (t - t.min()) / np.timedelta64(1, "D"))(np.asarray(y, "datetime64[ns]")),
    "durations": lambda y: np.asarray(y, "timedelta64[ns]") / np.timedelta64(1, "D"),
    "text": lambda y: np.asarray(y, dtype=float),
}
NUMBERS = {"dates": np.arange(60.0), "durations": np.arange(1, 61.0), "text": COUNTS}


@pytest.mark.parametrize("name", LIKE_NUMBERS)
def test_dates_durations_and_text_are_refused_and_the_advice_works(name):
    y, message = LIKE_NUMBERS[name]
    models = (
        MLERegressor(),
        MLERegressor(Censored(Normal())),
        MLERegressor("poisson"),
        MLERegressor(Binomial(trials=99)),
    )
    for model in models:
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)
        if name.startswith("durations"):
            model.fit(X, COUNTS)
            with pytest.raises(ValueError, match=message):
                model.score(X, y)
    if name.split(",")[0] in ADVICE:
        assert_array_equal(ADVICE[name.split(",")[0]](y), NUMBERS[name.split(",")[0]])


@pytest.mark.parametrize("model", [MLERegressor(), MLEDensity(), MLEClassifier()], ids=str)
def test_dates_in_columns_and_weights(model):
    frames = pd.DataFrame({"when": DAYS}), pl.DataFrame({"when": DAYS.tolist()})
    y = COUNTS > 1 if isinstance(model, MLEClassifier) else COUNTS
    for table in frames:
        with pytest.raises(ValueError, match=r"X\['when'\] must be numeric, but holds dates: .*np.asarray\(X\['when'\]"):
            model.fit(table, y)
    with pytest.raises(ValueError, match="X must be numeric, but holds durations"):
        model.fit(SPANS[:, None], y)
    with pytest.raises(ValueError, match="sample_weight must be numeric, but holds dates"):
        model.fit(X, y, sample_weight=DAYS)


def test_truth_values_are_zeros_and_ones():
    y = COUNTS > 1
    for kind in (y, y.astype(object), pd.Series(y), pl.Series(y)):
        assert_array_equal(MLERegressor("poisson").fit(X, kind).coef_, MLERegressor("poisson").fit(X, y * 1.0).coef_)


def test_times_of_censored_values():
    with pytest.raises(ValueError, match="time must be numeric, but holds durations"):
        censored(SPANS, event=COUNTS > 1)
