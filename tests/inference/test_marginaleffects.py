"""The adapter for the package marginaleffects; run where that is installed (0.6 needs polars below 2)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sk_mle import MLEClassifier, MLERegressor

me = pytest.importorskip("marginaleffects")
pytestmark = pytest.mark.filterwarnings("ignore")

RNG = np.random.default_rng(0)
DATA = pd.DataFrame({"age": RNG.uniform(20, 60, 300), "dose": RNG.normal(size=300), "sex": RNG.integers(0, 2, 300)})
COUNTS = RNG.poisson(np.exp(0.02 * DATA.age + 0.3 * DATA.dose + 0.4 * DATA.sex - 1)).astype(float)


def test_slopes_and_predictions_agree_with_ours():
    inference = MLERegressor("poisson").fit(DATA, COUNTS).inference(DATA, COUNTS)
    theirs = me.avg_slopes(inference.for_marginaleffects(DATA)).data.sort("term")
    ours = inference.marginal_effects(DATA)
    np.testing.assert_allclose(theirs["estimate"], ours["effect"], rtol=1e-4)
    np.testing.assert_allclose(theirs["std_error"], ours["std err"], rtol=1e-3)
    rows = me.predictions(inference.for_marginaleffects(DATA)).data
    table = inference.predict(DATA)
    np.testing.assert_allclose(rows["estimate"], table["mean"], rtol=1e-10)
    np.testing.assert_allclose(rows["std_error"], table["std err"], rtol=1e-4)


def test_classes_are_groups():
    labels = np.array(["a", "b", "c"])[np.digitize(DATA.dose + RNG.logistic(size=300), [-0.5, 0.7])]
    inference = MLEClassifier().fit(DATA, labels).inference(DATA, labels)
    theirs = me.avg_slopes(inference.for_marginaleffects(DATA), variables="dose").data.sort("group")
    ours = inference.marginal_effects(DATA, ["dose"])
    np.testing.assert_allclose(theirs["estimate"], ours["effect"], rtol=1e-3)
    np.testing.assert_allclose(theirs["std_error"], ours["std err"], rtol=1e-3)


def test_needs_names():
    inference = MLERegressor("poisson").fit(DATA, COUNTS).inference(DATA, COUNTS)
    with pytest.raises(TypeError, match="data frame"):
        inference.for_marginaleffects(DATA.to_numpy())
