"""Links whose linear predictor can leave what they reach."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ledger._case import Case
from sk_mle import MLEDensity, MLERegressor
from sk_mle.exceptions import BoundaryWarning
from sk_mle.likelihoods import Gamma, StudentT

Y = np.linspace(-1, 1, 100)


def below_zero_of_an_inverse_link():
    with pytest.warns(BoundaryWarning, match="df of StudentT ran to the upper edge"):
        model = MLEDensity(StudentT(links={"df": "inverse"})).fit(Y[:, None])
    assert_allclose(model.loglikelihood_, -50 * (np.log(2 * np.pi * np.mean(Y**2)) + 1), rtol=1e-9)  # the normal law


def predictions_below_zero_of_an_inverse_link():
    x = np.arange(1.0, 6.0)[:, None]
    model = MLERegressor(Gamma(links={"mean": "inverse"})).fit(x, 1 / (3 - 0.5 * x[:, 0]) + [0.01, -0.01, 0.0, 0.01, -0.01])
    with pytest.warns(RuntimeWarning, match=r"mean leaves its domain .* in row 1 of X"):
        assert np.isnan(model.predict([[1.0], [10.0]])).tolist() == [False, True]


CASES = [
    Case("negative linear predictor of df", "closed form of the limit", "StudentT", below_zero_of_an_inverse_link),
    Case(
        "negative linear predictor in a prediction", "no mean is negative", "Gamma", predictions_below_zero_of_an_inverse_link
    ),
]
