"""A finite maximum where one row lies so far out that nothing depends on it any more, and steps beyond an overflow."""

import numpy as np
import pytest

from ledger._case import Case
from sk_mle import MLEDensity, MLERegressor
from sk_mle.exceptions import BoundaryWarning
from sk_mle.likelihoods import Normal, Poisson, StudentT


def _far(value):
    rng = np.random.default_rng(1)
    x = rng.normal(size=100)
    y = rng.poisson(np.exp(1 - 0.5 * x))
    y[0], x[0] = 0, value
    return x[:, None], y


def _finds(value, solver="auto"):
    def check():
        model = MLERegressor(Poisson(), solver=solver).fit(*_far(value))
        assert model.converged_
        assert model.loglikelihood_ == pytest.approx(-179.88434, abs=1e-5)

    return check


def _light_tails():
    x = np.arange(8.0)[:, None]
    with pytest.warns(BoundaryWarning, match="df of StudentT ran to the upper edge.*the data prefer the law's limit"):
        model = MLEDensity(StudentT()).fit(x)
    closed = -4 * (1 + np.log(2 * np.pi * np.var(x)))  # the normal law's
    assert model.loglikelihood_ == pytest.approx(closed, abs=1e-7)
    assert MLEDensity(Normal()).fit(x).loglikelihood_ == pytest.approx(closed, abs=1e-10)


R = "R 4.3: glm(y ~ x, family = poisson)"
CASES = [
    *(Case(f"a count of 0 at x = {value:g}", R, "Poisson", _finds(value)) for value in (999.0, 9999.0, 1e6, 999999999.0)),
    *(Case(f"a count of 0 at x = {value:g}, lbfgs", R, "Poisson", _finds(value, "lbfgs")) for value in (9999.0, 1e9)),
    Case("light tails: finite values with gradients that are none", "the normal law in closed form", "StudentT", _light_tails),
]
