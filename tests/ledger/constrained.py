"""Constrained and sparse fits whose numbers or steps lost digits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear, minimize
from sklearn.exceptions import ConvergenceWarning

from sk_mle import MLERegressor
from sk_mle.exceptions import IdentificationWarning
from sk_mle.likelihoods import Hurdle, Normal, Poisson

from ._case import Case


def data_far_from_zero(seed, n, far):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, 5))
    return far + Z, Z @ rng.normal(size=5) + 3 * rng.normal() + rng.normal(size=n)


def bounds_far_from_zero():
    for far in (1e6, 1e8):
        for seed in range(4):
            X, y = data_far_from_zero(seed, 400, far)
            model = MLERegressor(Normal(scale=1), fit_intercept=False, bounds=(-0.2, 0.3)).fit(X, y)
            right = lsq_linear(X, y, (-0.2, 0.3), method="bvls", tol=1e-15).x
            assert model.converged_
            assert np.sum((y - X @ model.coef_) ** 2) <= np.sum((y - X @ right) ** 2) * (1 + 1e-9)


def penalty_far_from_zero():
    X, y = data_far_from_zero(2, 400, 1e6)
    model = MLERegressor(Normal(scale=1), fit_intercept=False, alpha=1e-3, bounds=(-0.2, 0.3)).fit(X, y)
    assert model.converged_
    right = lsq_linear(
        np.vstack([X, np.sqrt(0.4) * np.eye(5)]), np.append(y, np.zeros(5)), (-0.2, 0.3), method="bvls", tol=1e-15
    ).x
    np.testing.assert_allclose(model.coef_, right, atol=1e-7)


def free_scale_far_from_zero():
    X, y = data_far_from_zero(3, 400, 1e6)
    model = MLERegressor(fit_intercept=False, bounds=(0, None)).fit(X, y)
    right = lsq_linear(X, y, (0, np.inf), method="bvls", tol=1e-15).x
    np.testing.assert_allclose(model.coef_, right, atol=1e-12)
    np.testing.assert_allclose(np.exp(model.intercepts_["scale"]), np.sqrt(np.mean((y - X @ right) ** 2)), rtol=1e-9)


def binding_bound_of_nearly_exact_data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = X @ np.array([1.0, -1.0, 0.1, 0.0]) + 2 + 1e-6 * rng.normal(size=300)
    model = MLERegressor(bounds=(-0.2, 0.3)).fit(X, y)
    Z = np.column_stack([np.ones(300), X])
    right = lsq_linear(Z, y, ([-np.inf] + [-0.2] * 4, [np.inf] + [0.3] * 4), tol=1e-15).x
    np.testing.assert_allclose(model.coef_, right[1:], atol=1e-10)
    np.testing.assert_allclose(np.exp(model.intercepts_["scale"]), np.sqrt(np.mean((y - Z @ right) ** 2)), rtol=1e-9)


def lasso_of_nearly_exact_data():
    for seed, noise in ((0, 1e-7), (7, 1e-6)):
        rng = np.random.default_rng(seed)
        X, w = rng.normal(size=(150, 5)), rng.integers(0, 4, 150)
        y = X @ np.array([1.0, 0.0, -1.0, 0.0, 2.0]) + 3 + noise * rng.normal(size=150)
        model = MLERegressor(alpha=0.03, l1_ratio=0.9).fit(X, y, sample_weight=w)
        assert model.n_iter_ < 200
        residual = y - model.predict(X)
        np.testing.assert_allclose(np.average(residual**2, weights=w), np.exp(2 * model.intercepts_["scale"]), rtol=1e-4)


def coefficient_that_no_row_tells_beside_bounds():
    rng = np.random.default_rng(0)
    x, group = rng.normal(size=300), np.arange(300) % 5 == 0
    y = rng.poisson(np.exp(0.5 + 0.3 * x)) * ~group
    for high, n_free in ((1, 3), (0.1, 2)):
        with pytest.warns(IdentificationWarning, match="column 1"):
            model = MLERegressor(Hurdle(Poisson()), bounds={"mean": {0: (0, high)}}).fit(np.column_stack([x, group]), y)
        assert abs(model.coef_[1]) < 1e-12  # as of the free fit
        assert model.n_params_ == n_free
    with pytest.warns(IdentificationWarning, match="column 1"):
        model = MLERegressor(Hurdle(Poisson()), bounds={"mean": {1: (0.5, 1)}}).fit(np.column_stack([x, group]), y)
    assert 0.5 <= model.coef_[1] <= 1


def separation_along_a_path():
    rng = np.random.default_rng(0)
    x, group = rng.normal(size=300), np.arange(300) % 5 == 0
    y = (1.0 + rng.poisson(np.exp(0.5 + 0.3 * x))) * ~group
    model = MLERegressor(Hurdle(Poisson()), predictors={"mean": "all", "zero": "all"}, alpha={"mean": 0.05}, l1_ratio=1.0)
    with pytest.warns(ConvergenceWarning, match="separated: along column 1 .* in its parameter 'zero'"):
        model.path(np.column_stack([x, group]), y, alphas=3)
    model.set_params(bounds={"zero": {1: (-1, 1)}}).path(np.column_stack([x, group]), y, alphas=3)


def bounds_of_counts_far_from_zero():
    rng = np.random.default_rng(0)
    X = 1e6 + rng.normal(size=(300, 3))
    y = rng.poisson(np.exp(X @ np.array([0.2, -0.2, 0.0])))
    model = MLERegressor("poisson", fit_intercept=False, bounds=(-0.15, 0.25)).fit(X, y)
    T = np.linalg.inv(np.array([[1e6, 1e6, 1e6], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))  # sum of the coefficients, and differences

    def loss(v):
        eta = X @ (T @ v)
        return np.mean(np.exp(eta) - y * eta), T.T @ (X.T @ (np.exp(eta) - y)) / 300

    inside = {"type": "ineq", "fun": lambda v: np.append(T @ v + 0.15, 0.25 - T @ v), "jac": lambda v: np.vstack([T, -T])}
    right = minimize(loss, np.zeros(3), jac=True, method="SLSQP", constraints=inside, options={"ftol": 1e-14})
    assert loss(np.linalg.solve(T, model.coef_))[0] <= right.fun + 1e-8


CASES = [
    Case("bounds, columns far from zero, no intercept", "scipy.optimize.lsq_linear", "Normal", bounds_far_from_zero),
    Case("bounds and a ridge, columns far from zero", "scipy.optimize.lsq_linear", "Normal", penalty_far_from_zero),
    Case("bounds and a free scale, columns far from zero", "scipy.optimize.lsq_linear", "Normal", free_scale_far_from_zero),
    Case("binding bound of nearly exact data", "scipy.optimize.lsq_linear", "Normal", binding_bound_of_nearly_exact_data),
    Case("L1 penalty of nearly exact data", "equation of the scale", "Normal", lasso_of_nearly_exact_data),
    Case("coefficient that no row tells", "free fit", "Hurdle of Poisson, bounds", coefficient_that_no_row_tells_beside_bounds),
    Case("separated beside an L1 penalty on another parameter", "zeros of one group", "Hurdle, path", separation_along_a_path),
    Case(
        "bounds, columns far from zero, no intercept", "SLSQP in other coordinates", "Poisson", bounds_of_counts_far_from_zero
    ),
]
