"""One row far out, fitted to the last digit, changes nothing for the others: neither the solution nor whether it converged."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from sk_mle import MLEClassifier, MLERegressor
from sk_mle._model.objective import Point
from sk_mle._solvers.newton import newton
from sk_mle.exceptions import ConvergenceWarning
from sk_mle.likelihoods import (
    Bernoulli,
    Binomial,
    Categorical,
    ConwayMaxwellPoisson,
    GeneralizedPoisson,
    Geometric,
    Hurdle,
    NegativeBinomial,
    Ordinal,
    Poisson,
    Truncated,
    Tweedie,
    ZeroInflated,
)

LAWS = [
    Poisson(), NegativeBinomial(), GeneralizedPoisson(), Tweedie(), ConwayMaxwellPoisson(), ZeroInflated(Poisson()),
    Hurdle(Poisson()), Geometric(), Binomial(trials=30), Bernoulli(), Ordinal(), Categorical(),
]  # fmt: skip
FAR = [99.0, 9999.0, 999999999.0]


def model(law, **options):
    return (MLEClassifier if law.target_type == "classes" else MLERegressor)(law, **options)


def sample(law, seed=0, n=100):
    """Rows whose mean falls with x, the first of them lowest of all."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    if law.target_type == "classes":
        y = np.digitize(-0.5 * x + rng.logistic(size=n), [0.0] if isinstance(law, Bernoulli) else [-1.0, 1.0])
    else:
        y = rng.negative_binomial(2, 2 / (2 + np.exp(1 - 0.5 * x)))
    y[0] = 0
    return x[:, None], y


def with_far(x, far):
    x = x.copy() * np.sign(far)
    x[0] = far
    return x


def same(found, alone, x, y):
    """The far row has probability one, and so the maximum over all rows is that over the others."""
    assert found.converged_
    assert found.loglikelihood_ >= alone.score_samples(x, y).sum() - 1e-7
    assert_allclose(np.ravel(found.coef_), np.ravel(alone.coef_), rtol=1e-5)


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)
def test_maximum_is_that_of_the_other_rows(law, far):
    x, y = sample(law)
    x = with_far(x, far)
    same(model(law).fit(x, y), model(law).fit(x[1:], y[1:]), x, y)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("far", [99.0, 999.0, 9999.0, 1e6, 999999999.0, -999.0, -9999.0])
@pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)
def test_maximum_is_that_of_the_other_rows_of_many_samples(law, far, seed):
    x, y = sample(law, seed + 1)
    x = with_far(x, far)
    alone = model(law).fit(x[1:], y[1:])
    if -1 < alone.score_samples(x[:1], y[:1])[0] < -1e-9:
        pytest.skip("not far enough to be certain for the fit of the other rows, so that it counts")
    same(model(law).fit(x, y), alone, x, y)


@pytest.mark.parametrize("solver", ["lbfgs", "bfgs", "newton-cg", "trust-exact"])
@pytest.mark.parametrize("far", FAR[1:])
def test_every_solver_is_judged_so(far, solver):
    x, y = sample(Poisson())
    x = with_far(x, far)
    same(model(Poisson(), solver=solver).fit(x, y), model(Poisson()).fit(x[1:], y[1:]), x, y)


@pytest.mark.parametrize(
    ("law", "n", "p"), [(Poisson(), 3000, 120), (Bernoulli(), 3000, 120), (Poisson(), 20_000, 12)], ids=str
)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_many_rows_and_columns(law, n, p, container):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    eta = X[:, 0] / 2 - X[:, 1] / 3
    y = (rng.logistic(size=n) < eta).astype(int) if law.target_type == "classes" else rng.poisson(np.exp(eta))
    X[:2, 0], y[:2] = -999999999.0, 0
    same(model(law).fit(container(X), y), model(law).fit(X[2:], y[2:]), X, y)


def test_far_row_of_a_weight():
    x, y = sample(Poisson())
    x = with_far(x, 999999999.0)
    weight = np.where(np.arange(100) == 0, 50.0, 1.0)
    same(model(Poisson()).fit(x, y, sample_weight=weight), model(Poisson()).fit(x[1:], y[1:]), x, y)


@pytest.mark.parametrize("far", [9999.0, 1e6, 999999999.0])
@pytest.mark.parametrize("law", [Poisson(), NegativeBinomial(), Bernoulli(), Ordinal()], ids=lambda law: type(law).__name__)
def test_standard_errors_are_those_of_the_other_rows(law, far):
    x, y = sample(law)
    x = with_far(x, far)
    found = model(law).fit(x, y).inference(x, y)
    alone = model(law).fit(x[1:], y[1:]).inference(x[1:], y[1:])
    assert_allclose(found.bse, alone.bse, rtol=1e-5)


def test_no_step_ends_where_the_gradient_is_no_number():
    class Cliff:
        """A value that falls for ever, with a gradient up to 3 only."""

        preconditioner, partly_expected, near_optimum = None, False, False
        data = SimpleNamespace(total_weight=1.0)

        def evaluate(self, u, order, information="observed"):
            slope = -np.exp(-u) if u[0] < 3 else np.array([np.nan])
            return Point(float(np.exp(-u[0])), slope, np.exp(-u)[:, None] if order == 2 else None)

        def unbounded(self, u, value):
            return False

    accepted = []
    result = newton(Cliff(), np.zeros(1), callback=lambda r: accepted.append(r.x[0]))
    assert 2.9 < result.x[0] < 3
    assert np.isfinite(result.jac).all()
    assert max(accepted) < 3


def test_unbounded_ridge_stops_early_and_warns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    y = np.where(np.arange(80) < 11, 2.0, 1.0)  # of two values, whose odds both parameters tell
    # along the ridge the support shrinks, until 2 is hardly in it
    with pytest.warns(ConvergenceWarning, match="would leave the support.*choose a law whose support does not move"):
        ridge = MLERegressor(Truncated(GeneralizedPoisson(), low=0)).fit(X, y)
    assert ridge.optimize_result_.n_passes < 1000
    assert ridge.loglikelihood_ > MLERegressor(Truncated(Poisson(), low=0)).fit(X, y).loglikelihood_
