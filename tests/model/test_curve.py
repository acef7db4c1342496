"""Curves in the objective: derivatives against differences, of formulas and functions, in all places that a law offers."""

from __future__ import annotations

import numpy as np
import pytest
from _objectives import design, rows
from numpy.testing import assert_allclose
from scipy import sparse, special
from scipy.optimize import approx_fprime

from sk_mle._model.curve import curve_design
from sk_mle._model.design import intercept_only
from sk_mle._model.objective import Objective
from sk_mle.likelihoods import Gamma, NegativeBinomial, Normal, Poisson, StudentT
from sk_mle.predictors import Nonlinear

RNG = np.random.default_rng(0)
N = 60
X = np.column_stack([RNG.uniform(0.1, 4.0, N), RNG.integers(0, 2, N)])
GROWTH = "asym / (1 + exp(-(x0 - mid) / scal))"
START = {"asym": 1.5, "mid": 1.4, "scal": 0.8}
WEIGHT = RNG.integers(0, 3, N).astype(float)


def bound(formula=GROWTH, start=START, **options):
    return Nonlinear(formula, start=start, **options).bind(X, None, X.shape[1], "curve")


def by_function(X, asym, mid, scal):
    return asym * special.expit((X[:, 0] - mid) / scal)


def without_jets(X, asym, mid, scal):
    return np.asarray(asym, float) * special.expit((X[:, 0] - float(mid)) / float(scal))


def objective(law, curve, *, on=None, X=X, weight=None, offset=None) -> Objective:
    """The loss of a law whose parameter `on`, by default the first, is a curve, and the next one is linear."""
    on = on or law.layout.free[0]
    y = np.round(2 * RNG.gamma(2.0, 1.0, N)) if law.support.integer else RNG.gamma(2.0, 1.0, N)
    data = rows(X, y, weight, offset)
    linear = iter([design(X), *[intercept_only()] * 5])
    designs = {name: curve_design(curve).at(curve.start, data) if name == on else next(linear) for name in law.layout.free}
    return Objective(law, data, designs, {})


CASES = {
    "normal": (Normal(), {}, {}),
    "scale": (Normal(), {}, {"on": "scale"}),
    "poisson": (Poisson(), {}, {"weight": WEIGHT}),
    "gamma": (Gamma(), {}, {"offset": {"mean": X[:, 1]}}),
    "shape": (Gamma(), {}, {"on": "shape"}),
    "negative binomial": (NegativeBinomial(), {"on": {"asym": [1]}}, {}),
    "student": (StudentT(), {"on": {"mid": [1], "asym": [1]}, "fixed": {"scal": 0.7}}, {"weight": WEIGHT}),
    "function": (Normal(), {"formula": by_function}, {}),
    "differences": (Normal(), {"formula": without_jets}, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_gradient_hessian_and_product_are_derivatives(name):
    law, options, places = CASES[name]
    loss = objective(law, bound(**options), **places)
    u = 0.1 * np.random.default_rng(1).normal(size=loss.size)
    point = loss.evaluate(u, 2)
    assert_allclose(point.gradient, approx_fprime(u, loss.value, 1e-6), atol=2e-5)
    hessian = [(loss.gradient(u + step) - loss.gradient(u - step)) / 2e-5 for step in 1e-5 * np.eye(loss.size)]
    assert_allclose(point.hessian, hessian, atol=1e-6 * np.abs(hessian).max())
    direction = np.random.default_rng(2).normal(size=loss.size)
    assert_allclose(loss.hessp(u, direction), point.hessian @ direction, atol=1e-10 * np.abs(hessian).max())


def test_rows_are_orthonormal_at_the_origin():
    loss = objective(Normal(scale=1.0), bound())
    assert_allclose(loss.hessian(np.zeros(3)), loss.evaluate(np.zeros(3), 2, "observed").hessian)
    assert_allclose(loss.evaluate(np.zeros(3), 2, "expected").hessian, np.eye(3), atol=1e-12)


def test_expected_information_has_no_second_derivatives_of_the_curve():
    loss = objective(Normal(scale=1.0), bound())
    u = np.full(3, 0.1)
    tangent = loss.designs["loc"].rows(loss.designs["loc"].evaluate(X, loss.designs["loc"].expand(u), 1))
    assert_allclose(loss.evaluate(u, 2, "expected").hessian, tangent.T @ tangent / N)
    assert not np.allclose(loss.evaluate(u, 2).hessian, tangent.T @ tangent / N, atol=1e-3)


def test_blocks_of_rows_and_sparse_rows_give_the_same():
    curve = bound(on={"asym": [1]}, start=START)
    whole = objective(Normal(), curve)
    cut = Objective(Normal(), rows(X, whole.data.y), whole.designs, {})
    cut.data.block_rows = 7
    thin = Objective(Normal(), rows(sparse.csr_matrix(X), whole.data.y), whole.designs, {})
    u = np.full(whole.size, 0.05)
    for other in (cut, thin):
        assert_allclose(other.evaluate(u, 2).hessian, whole.evaluate(u, 2).hessian, atol=1e-12)
        assert_allclose(other.gradient(u), whole.gradient(u), atol=1e-12)
    assert_allclose(
        curve_design(curve).at(curve.start, cut.data).column_basis.T, whole.designs["loc"].column_basis.T, atol=1e-10
    )


def test_a_user_s_jacobian_gives_the_derivatives():
    def jacobian(X, asym, mid, scal):
        p = special.expit((X[:, 0] - mid) / scal)
        slope = asym * p * (1 - p) / scal
        return np.column_stack([p, -slope, -slope * (X[:, 0] - mid) / scal])

    b = np.array(list(START.values()))
    exact = bound().evaluate(X, b, 2)
    given = bound(formula=without_jets, jacobian=jacobian).evaluate(X, b, 2)
    differenced = bound(formula=without_jets).evaluate(X, b, 2)
    for other, digits in ((given, 1e-9), (differenced, 1e-7)):
        assert_allclose(other.jacobian, exact.jacobian, atol=digits)
        for pair, value in exact.second.items():
            assert_allclose(other.second[pair], np.broadcast_to(value, N), atol=digits)


def test_steps_of_differences_fit_the_scale_of_the_curve():
    def peak(X, height, place, width):
        return float(height) * np.exp(-(((X[:, 0] - float(place)) / float(width)) ** 2))

    b = np.array([1e-6, 1000.0, 1e-2])
    near = np.column_stack([1000.0 + np.linspace(-0.02, 0.02, 30), np.zeros(30)])
    exact = bound("height * exp(-((x0 - place) / width) ** 2)", None).evaluate(near, b, 2)
    differenced = bound(peak, None).evaluate(near, b, 2)
    size = np.abs(exact.jacobian).max(axis=0)
    assert_allclose(differenced.jacobian / size, exact.jacobian / size, atol=1e-8)


def test_derivatives_at_a_dose_of_zero_are_those_of_the_limit():
    curve = Nonlinear("top * x ** h / (ed50 ** h + x ** h)").bind(None, None, 1, "curve")
    point = curve.evaluate(np.array([[0.0], [2.0]]), np.array([3.0, 0.7, 2.0]), 2)
    assert_allclose(point.jacobian[0], 0.0)
    assert_allclose(point.jacobian[1], [0.5, 0.0, -3.0 * 0.7 / 4 / 2.0], atol=1e-12)
    assert all(np.isfinite(value).all() for value in point.second.values())


def test_outside_the_bounds_no_value_is_finite():
    curve = bound(bounds={"scal": (0.1, None)})
    assert np.isnan(curve.value(X, np.array([1.0, 1.0, 0.05]))).all()
    assert objective(Normal(), curve).value(np.full(6, 1e3)) == np.inf
