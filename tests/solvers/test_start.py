"""Where a fit begins, on objectives whose answer is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from _objectives import objective
from numpy.testing import assert_allclose

from sk_mle._solvers.solvers import solve
from sk_mle._solvers.start import begin, locate, resume
from sk_mle.likelihoods import Categorical, Gamma, NegativeBinomial, Normal, Poisson

RNG = np.random.default_rng(0)
N = 100
X = RNG.normal(size=(N, 2)) @ [[1.0, 0.5], [0.0, 2.0]] + [0.5, -2.0]
COUNTS = RNG.poisson(np.exp(0.3 * X[:, 0] + 0.2)).astype(float)
POSITIVE = RNG.gamma(2.0, np.exp(0.3 * X[:, 0]))
WEIGHT = RNG.integers(0, 4, N).astype(float)


def test_least_squares_is_solved_by_the_start():
    y = X @ [1.0, -2.0] + RNG.normal(size=N)
    loss, u = begin(objective(Normal(), X, y, WEIGHT))
    root = np.sqrt(WEIGHT)
    expected = np.linalg.lstsq(root[:, None] * np.column_stack([np.ones(N), X]), root * y, rcond=None)[0]
    start, slopes = loss.designs["loc"].coefficients(u[loss.places["loc"]])
    assert_allclose(np.append(start, slopes[:, 0]), expected, rtol=1e-10)
    residual = y - X @ slopes[:, 0] - start[0]
    assert np.exp(loss.eta(u)["scale"][0]) == pytest.approx(np.sqrt(np.average(residual**2, weights=WEIGHT)), rel=1e-9)


@pytest.mark.parametrize(("law", "y"), [(Poisson(), COUNTS), (Gamma(), POSITIVE), (NegativeBinomial(), COUNTS)], ids=repr)
def test_the_start_is_better_than_a_constant_and_has_unit_curvature(law, y):
    loss, u = begin(objective(law, X, y, WEIGHT))
    name = law.free[0]
    constant = u.copy()
    constant[loss.places[name]] = 0.0
    constant[0] = loss.designs[name].directions(np.atleast_1d(law.parameter(name).link.link(np.average(y, weights=WEIGHT))))[0]
    assert loss.value(u) < loss.value(constant)
    hessian = loss.evaluate(u, 2, "expected").hessian
    for place in loss.places.values():
        assert_allclose(np.diag(hessian)[place], 1.0, rtol=0.8)


@pytest.mark.parametrize("name", ["vector", "two"])
def test_coordinates_of_an_earlier_fit(name):
    three = Categorical().bind(np.arange(3.0))
    y = np.arange(N) % 3.0
    loss, u = begin(objective(three, X, y) if name == "vector" else objective(Gamma(), X, POSITIVE, on=["mean", "shape"]))
    u = solve(loss, u, "auto", 1e-3, 50).u
    coefs, intercepts = {}, {}
    for part, design in loss.designs.items():
        start, slopes = design.coefficients(u[loss.places[part]])
        coefs[part], intercepts[part] = (slopes.T, start) if design.vector else (slopes[:, 0], start[0])
    assert_allclose(locate(loss, coefs, intercepts), u, rtol=1e-9, atol=1e-12)
    again, v = resume(loss, coefs, intercepts)
    for part in loss.designs:
        assert_allclose(again.eta(v)[part], loss.eta(u)[part], rtol=1e-9, atol=1e-12)
    first = next(iter(coefs))
    assert locate(loss, {**coefs, first: np.zeros((1, 5))}, intercepts) is None
    assert locate(loss, {"other": 0.0}, {"other": 0.0}) is None


def test_many_rows_begin_with_some_of_them():
    n = 60_000
    many = np.random.default_rng(1).normal(size=(n, 4))
    y = np.random.default_rng(2).poisson(np.exp(0.3 * many[:, 0])).astype(float)
    whole = objective(Poisson(), many, y)
    loss, u = begin(whole)
    assert loss.evaluations <= 2  # of all rows
    assert loss.preconditioner is not None
    assert np.abs(loss.gradient(u)).max() < 0.1
    assert_allclose(loss.preconditioner.solve(loss.gradient(u)), np.linalg.solve(loss.hessian(u), loss.gradient(u)), rtol=0.2)
