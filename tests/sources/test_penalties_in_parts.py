"""Penalties and constraints on rows in parts are those on the rows in memory."""

from __future__ import annotations

import numpy as np
import pytest
from _parts import cut
from numpy.testing import assert_allclose

from sk_mle import MLERegressor

OPTIONS = {
    "jeffreys": {"penalty": "jeffreys"},
    "bounds": {"bounds": (0, None)},
    "l1": {"alpha": 0.05, "l1_ratio": 1.0},
    "l1 and signs": {"alpha": 0.05, "l1_ratio": 0.5, "bounds": (0, None)},
    "sums": {"constraints": ({"x0": 1, "x1": 1}, 0, 0)},
}


@pytest.mark.parametrize("case", OPTIONS)
def test_fits_in_parts(case):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    y = rng.poisson(np.exp(0.5 * X[:, 0] - 0.4 * X[:, 1]))
    whole, parts = MLERegressor("poisson", **OPTIONS[case]), MLERegressor("poisson", **OPTIONS[case])
    whole.fit(X, y)
    parts.fit(cut(X, y), None)
    assert_allclose(parts.coef_, whole.coef_, rtol=0, atol=1e-9)
    assert ((parts.coef_ == 0) == (whole.coef_ == 0)).all()
