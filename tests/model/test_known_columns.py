"""Parameters known for every row: the name of a column of X in place of a number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_mle import MLERegressor, censored, predict_dist
from sk_mle.likelihoods import Censored, Gamma, Normal, StudentT, Truncated

RNG = np.random.default_rng(3)
FRAME = pd.DataFrame({"a": RNG.normal(size=200), "b": RNG.normal(5, 2, size=200), "se": RNG.uniform(0.2, 3.0, 200)})
Y = 1 + 2 * FRAME["a"].to_numpy() - FRAME["b"].to_numpy() + FRAME["se"].to_numpy() * RNG.normal(size=200)


def test_known_standard_errors_are_weighted_least_squares():
    model = MLERegressor(Normal(scale="se")).fit(FRAME, Y)
    expected = LinearRegression().fit(FRAME[["a", "b"]], Y, sample_weight=FRAME["se"] ** -2.0)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-10)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, rtol=1e-10)
    assert model.n_params_ == 3
    assert list(model.predictors_["loc"]) == ["a", "b"]
    np.testing.assert_array_equal(model.predict_params(FRAME)["scale"], FRAME["se"])
    np.testing.assert_array_equal(model.predict_dist(FRAME).std(), FRAME["se"])
    expected = -0.5 * ((Y - model.predict(FRAME)) / FRAME["se"]) ** 2 - np.log(FRAME["se"]) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(model.score_samples(FRAME, Y), expected, rtol=1e-12)


def test_unnamed_columns_are_counted():
    named = MLERegressor(Normal(scale="se")).fit(FRAME, Y)
    counted = MLERegressor(Normal(scale="x2")).fit(FRAME.to_numpy(), Y)
    np.testing.assert_array_equal(named.coef_, counted.coef_)


@pytest.mark.parametrize("law", [StudentT(scale="se"), StudentT(scale="se", df=4), Gamma(shape="se")], ids=repr)
def test_other_laws(law):
    heavy = Y + FRAME["se"].to_numpy() * np.random.default_rng(1).standard_t(2, size=200)
    y = np.exp(Y / 10) if law.support.low == 0 else heavy
    model = MLERegressor(law).fit(FRAME, y)
    assert model.converged_
    assert np.isfinite(cross_val_score(clone(model), FRAME, y)).all()
    weight = RNG.integers(0, 3, len(y))
    again = np.repeat(np.arange(len(y)), weight)
    weighted, repeated = clone(model).fit(FRAME, y, weight), clone(model).fit(FRAME.iloc[again], y[again])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7)
    assert weighted.loglikelihood_ == pytest.approx(repeated.loglikelihood_, rel=1e-12)


def test_pipelines_keep_the_column():
    scaled = ColumnTransformer(
        [("scale", StandardScaler(), ["a", "b"])], remainder="passthrough", verbose_feature_names_out=False
    )
    model = make_pipeline(scaled.set_output(transform="pandas"), MLERegressor(Normal(scale="se"))).fit(FRAME, Y)
    np.testing.assert_allclose(predict_dist(model, FRAME).std(), FRAME["se"])


def test_delayed_entry():
    """Durations seen only from an age at entry on: exponential durations forget it, so the law of the rest is the same."""
    rng = np.random.default_rng(0)
    entry, life = rng.uniform(0, 2, 4000), rng.exponential(3.0, 4000)
    seen = life > entry
    X = pd.DataFrame({"x": np.zeros(seen.sum()), "entry": entry[seen]})
    end = np.minimum(life, entry + 4.0)[seen]
    y = censored(end, event=(life < entry + 4.0)[seen])
    late = MLERegressor(Censored(Truncated(Gamma(shape=1.0), low="entry"))).fit(X, y)
    rest = MLERegressor(Censored(Gamma(shape=1.0))).fit(X[["x"]], y - X[["entry"]].to_numpy())
    assert late.intercept_ == pytest.approx(rest.intercept_, abs=1e-9)
    events = (life < entry + 4.0)[seen].sum()
    assert np.exp(late.intercept_) == pytest.approx((end - entry[seen]).sum() / events, rel=1e-9)  # exposure over events


def test_values_outside_the_domain_are_named():
    bad = FRAME.assign(se=FRAME["se"].where(FRAME.index != 7, -1.0))
    with pytest.raises(ValueError, match=r"column 'se' holds scale of Normal, which must lie in \(0, inf\).*in row 7"):
        MLERegressor(Normal(scale="se")).fit(bad, Y)
    with pytest.raises(ValueError, match="scale of Normal: no column 'sd' in X"):
        MLERegressor(Normal(scale="sd")).fit(FRAME, Y)
