"""Marginal effects at means, medians and given values, against statsmodels and predictions."""

import numpy as np
import pandas as pd
import pytest

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.likelihoods import Ordinal

sm = pytest.importorskip("statsmodels.api")
RNG = np.random.default_rng(4)
X = pd.DataFrame({"x": RNG.normal(2, 1, 301), "z": RNG.gamma(2, 1, 301), "kind": RNG.integers(0, 2, 301)})
COUNTS = RNG.poisson(np.exp(0.3 * X.x - 0.2 * X.z + 0.4 * X.kind)).astype(float)
INFERENCE = MLERegressor("poisson").fit(X, COUNTS).inference(X, COUNTS)
THEIRS = sm.Poisson(COUNTS, sm.add_constant(X)).fit(disp=0, maxiter=100, tol=1e-12, method="newton")


@pytest.mark.parametrize("at", ["mean", "median"])
def test_at_means_and_medians_as_statsmodels(at):
    exog = {k + 1: float(value) for k, value in enumerate(getattr(X, at)())}  # of the constant and the columns
    frame = THEIRS.get_margeff(at="overall" if at == "median" else at, atexog=exog if at == "median" else None).summary_frame()
    ours = INFERENCE.marginal_effects(X, ["x", "z"], at=at)
    np.testing.assert_allclose(ours["effect"], frame["dy/dx"].iloc[:2], rtol=1e-6)
    np.testing.assert_allclose(ours["std err"], frame["Std. Err."].iloc[:2], rtol=1e-6)
    assert ours.title == f"Marginal effects at {at}s of columns on the mean"


def test_weights_and_categories_at_the_centre():
    weight = RNG.integers(0, 3, 301)
    repeated = X.loc[np.repeat(X.index, weight)]
    for at in ("mean", "median"):
        np.testing.assert_allclose(
            INFERENCE.marginal_effects(X, at=at, sample_weight=weight)["effect"],
            INFERENCE.marginal_effects(repeated, at=at)["effect"],
            rtol=1e-9,
        )


def test_at_given_values_the_rest_is_averaged():
    ours = INFERENCE.marginal_effects(X, ["x"], at={"z": [0.5, 3.0], "kind": 1})
    assert ours.index == ["d/d x at z=0.5, kind=1", "d/d x at z=3, kind=1"]
    slope = INFERENCE.params[INFERENCE.names.index("mean:x")]
    expected = [slope * INFERENCE.predict(X.assign(z=z, kind=1))["mean"].mean() for z in (0.5, 3.0)]
    np.testing.assert_allclose(ours["effect"], expected, rtol=1e-7)
    by_number = MLERegressor("poisson").fit(X.to_numpy(), COUNTS).inference(X.to_numpy(), COUNTS)
    np.testing.assert_allclose(
        by_number.marginal_effects(X.to_numpy(), [0], at={1: [0.5, 3.0], 2: 1})["effect"], expected, rtol=1e-7
    )
    with pytest.raises(TypeError, match="at must be None"):
        INFERENCE.marginal_effects(X, at=3)


def test_a_fraction_in_a_column_of_integers():
    ours = INFERENCE.marginal_effects(X, ["x"], at={"kind": 0.5})
    slope = INFERENCE.params[INFERENCE.names.index("mean:x")]
    expected = slope * INFERENCE.predict(X.assign(kind=0.5))["mean"].mean()
    np.testing.assert_allclose(ours["effect"], [expected], rtol=1e-7)


def test_odds_ratios_of_ordered_classes():
    labels = np.digitize(X.x + RNG.logistic(size=301), [1.0, 3.0])
    model = MLEClassifier(Ordinal()).fit(X, labels)
    table = model.inference(X, labels).table(transform="natural")
    miscmodels = pytest.importorskip("statsmodels.miscmodels.ordinal_model")
    theirs = miscmodels.OrderedModel(labels, X, distr="logit").fit(disp=0, method="bfgs", gtol=1e-8)
    place = table.index.index("exp(loc:x)")
    assert table["estimate"][place] == pytest.approx(np.exp(theirs.params["x"]), rel=1e-4)
    assert "exp(loc:column) is the odds ratio of a higher class for a unit of the column" in table.notes
    probit = MLEClassifier(Ordinal(distribution="probit")).fit(X, labels).inference(X, labels)
    assert "loc:x" in probit.table(transform="natural").index
