"""A finite maximum where one row lies so far out that nothing depends on it any more, and steps beyond an overflow."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import erf

from ledger._case import Case
from sk_mle import MLEDensity, MLERegressor, censored
from sk_mle.exceptions import BoundaryWarning
from sk_mle.likelihoods import (
    Censored,
    ConwayMaxwellPoisson,
    InverseGaussian,
    LogLogistic,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Weibull,
)


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


# log-density and log-survival of z = (log y - loc) / scale, in which nothing overflows but the exponential itself
_GUMBEL_MIN = (lambda z: z - np.exp(z), lambda z: -np.exp(z))
_LOGISTIC = (lambda z: z - 2 * np.logaddexp(0, z), lambda z: -np.logaddexp(0, z))


def _finds_censored(law, standard, far):
    """The maximum of an independent optimisation: of the other rows, where the far one has probability one, or of all."""
    density, survival = standard

    def check():
        rng = np.random.default_rng(1)
        x = rng.normal(size=100)
        y = law.rvs(rng, 100, scale=np.exp(1 - 0.5 * x), shape=np.full(100, 2.0))
        x[0], event = far, np.arange(100) > 0

        def lost(at, some):
            z = (np.log(y) - at[0] - at[1] * x) * np.exp(at[2])
            with np.errstate(over="ignore"):
                rows = np.where(event, density(z) + at[2] - np.log(y), survival(z))
            return -rows[some].sum() if np.isfinite(rows[some].sum()) else 1e10

        some = slice(1, None) if far < 0 else slice(None)  # on the side of the slope the far value will exceed its bound
        start = [1.0, -0.5 if far < 0 else 1 / far, 0.7]
        simplex = np.vstack([start, *(start + np.diag([0.1, start[1] / 2, 0.1]))])
        options = {"xatol": 1e-12, "fatol": 1e-10, "initial_simplex": simplex}
        best = minimize(lost, start, (some,), "Nelder-Mead", options=options)
        model = MLERegressor(Censored(law)).fit(x[:, None], censored(y, event=event))
        assert model.converged_
        assert model.loglikelihood_ == pytest.approx(-best.fun, abs=1e-6)

    return check


def _infinite_mean():
    """Levy's law: of the square of a normal variable its reciprocal."""
    law, y = InverseGaussian(), np.array([0.3, 3.0, 1e5])
    for mean in (1e300, np.inf):
        assert law.logsf(y, mean=mean, shape=2.0) == pytest.approx(np.log(erf(np.sqrt(1 / y))), rel=1e-12)
        assert law.loglik(y, mean=mean, shape=2.0) == pytest.approx(np.log(1 / np.pi) / 2 - 1.5 * np.log(y) - 1 / y, rel=1e-12)


def _certain_count():
    """Where no zeros are seen, a 1 at a tiny mean is certain: the fit is that of the other rows."""
    X, y = (part[:40] for part in _far(999.0))
    law, y = Truncated(ConwayMaxwellPoisson(), low=0), y + 1
    model, others = MLERegressor(law).fit(X, y), MLERegressor(law).fit(X[1:], y[1:])
    assert model.converged_
    assert model.loglikelihood_ == pytest.approx(others.loglikelihood_, abs=1e-7)


def _light_tails():
    x = np.arange(8.0)[:, None]
    with pytest.warns(BoundaryWarning, match="df of StudentT ran to the upper edge.*the data prefer the law's limit"):
        model = MLEDensity(StudentT()).fit(x)
    closed = -4 * (1 + np.log(2 * np.pi * np.var(x)))  # the normal law's
    assert model.loglikelihood_ == pytest.approx(closed, abs=1e-7)
    assert MLEDensity(Normal()).fit(x).loglikelihood_ == pytest.approx(closed, abs=1e-10)


R = "R 4.3: glm(y ~ x, family = poisson)"


def _first_row_below_a_bound(solver):
    """All rows but the observed ones are left-censored, and the first lies so far out that its bound is certain."""

    def check():
        rng = np.random.default_rng(5)
        x = rng.normal(size=120)
        time = np.exp(1 - 0.4 * x) * rng.weibull(1.5, size=120)
        y = np.column_stack([np.where(time < 1.0, -np.inf, time), np.maximum(time, 1.0)])
        x[0], y[0] = 9999.0, [-np.inf, 2.0]

        def loss(b):  # of the others
            z = (np.log(y[1:, 1]) - b[0] - b[1] * x[1:]) * np.exp(b[2])
            observed = b[2] + z - np.exp(z) - np.log(y[1:, 1])
            return -np.where(np.isinf(y[1:, 0]), np.log(-np.expm1(-np.exp(z))), observed).sum()

        right = -minimize(loss, [1.0, -0.4, 0.4], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12}).fun
        model = MLERegressor(Censored(Weibull()), solver=solver).fit(x[:, None], y)
        assert model.loglikelihood_ == pytest.approx(right, abs=1e-6)

    return check


CASES = [
    *(
        Case(
            f"a duration below some value at x = 9999, first, {solver}",
            "Nelder-Mead",
            "Weibull",
            _first_row_below_a_bound(solver),
        )
        for solver in ("auto", "lbfgs")
    ),
    *(Case(f"a count of 0 at x = {value:g}", R, "Poisson", _finds(value)) for value in (999.0, 9999.0, 1e6, 999999999.0)),
    *(Case(f"a count of 0 at x = {value:g}, lbfgs", R, "Poisson", _finds(value, "lbfgs")) for value in (9999.0, 1e9)),
    *(
        Case(f"a duration of more than some value at x = {value:g}", "Nelder-Mead", name, _finds_censored(law, standard, value))
        for name, law, standard in (("Weibull", Weibull(), _GUMBEL_MIN), ("LogLogistic", LogLogistic(), _LOGISTIC))
        for value in (-999.0, -9999.0, -1e6, 9999.0)
    ),
    Case("a count of 1, zeros unseen", "the other rows alone", "ConwayMaxwellPoisson", _certain_count),
    Case("an infinite mean", "Levy's law in closed form", "InverseGaussian", _infinite_mean),
    Case("light tails: finite values with gradients that are none", "the normal law in closed form", "StudentT", _light_tails),
]
