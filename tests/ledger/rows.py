"""Rows: weights of one number, rows of no weight, rows of one kind, and targets that only look like numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar

from ledger._case import Case
from sk_mle import MLEDensity, MLERegressor, censored
from sk_mle.likelihoods import (
    Beta,
    Censored,
    Gamma,
    Geometric,
    Hurdle,
    LogNormal,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    ZeroOneInflated,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 1))
Y = RNG.poisson(2.0, 40).astype(float)


def weights_of_one_number():
    for weight in (np.full(1, 2.0), np.broadcast_to(2.0, 1)):
        model = MLERegressor("poisson").fit([[1.0]], [3.0], sample_weight=weight)
        assert_allclose(model.loglikelihood_, 2 * (3 * np.log(3) - 3 - np.log(6)), rtol=1e-14)


def far_from_zero():
    """Values of which only four digits are not the same: least squares, once these digits are set apart."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(50, 1)), 1e12 + rng.normal(size=50)
    design, rest = np.column_stack([np.ones(50), X]), y - 1e12
    residual = rest - design @ np.linalg.lstsq(design, rest, rcond=None)[0]
    expected = -25 * (1 + np.log(2 * np.pi * np.mean(residual**2)))
    for law in (Normal(), StudentT(df=4.0)):
        model = MLERegressor(law).fit(X, y)
        assert model.converged_
    assert_allclose(MLERegressor(Normal()).fit(X, y).loglikelihood_, expected, atol=1e-3)


def no_weight_outside_the_support():
    weight = np.r_[0.0, np.ones(39)]
    model = MLERegressor("poisson").fit(X, np.r_[-1.0, Y[1:]], weight)
    assert_allclose(model.coef_, MLERegressor("poisson").fit(X[1:], Y[1:]).coef_, rtol=1e-12)


def nothing_left(law, y):
    def check():
        with pytest.raises(ValueError, match="so that no row is left from which"):
            MLERegressor(law).fit(X, y)

    return check


def sorted_zeros():
    y = np.sort(np.where(RNG.uniform(size=70_000) < 0.6, 0.0, 1.0 + RNG.poisson(2, 70_000)))
    A = RNG.normal(size=(70_000, 1))
    model, order = MLERegressor(Hurdle(Poisson())), RNG.permutation(70_000)
    assert_allclose(model.fit(A, y).loglikelihood_, model.fit(A[order], y[order]).loglikelihood_, rtol=1e-12)


def sorted_events():
    t, c = RNG.gamma(2.0, size=70_000), RNG.exponential(3.0, 70_000)
    A, y, order = RNG.normal(size=(70_000, 1)), censored(np.minimum(t, c), event=t <= c), np.argsort(t > c)
    model = MLERegressor(Censored(Gamma()))
    bse = model.fit(A, y).inference(A, y).bse
    assert_allclose(model.fit(A[order], y[order]).inference(A[order], y[order]).bse, bse, rtol=1e-8)


def dates():
    for y in (np.datetime64("2020-01-01") + np.arange(40), pd.Series(pd.date_range("2020", periods=40))):
        with pytest.raises(ValueError, match="holds dates"):
            MLERegressor().fit(X, y)


def whole_numbers_as_bounds():
    """Counts up to 5: a share of zeros, and of the others a geometric law from 1 to 5."""
    y = np.minimum(Y, 5)
    above, n_zeros = y[y > 0], np.sum(y == 0)

    def lost(failure):
        return -np.sum(above * np.log(failure)) + len(above) * np.log(np.sum(failure ** np.arange(1.0, 6.0)))

    split = n_zeros * np.log(n_zeros / len(y)) + len(above) * np.log(len(above) / len(y))
    model = MLEDensity(Hurdle(Truncated(Geometric(), high=5))).fit(y[:, None])
    expected = split - minimize_scalar(lost, bounds=(1e-3, 0.999), method="bounded", options={"xatol": 1e-10}).fun
    assert_allclose(model.loglikelihood_, expected, rtol=1e-10)


CASES = [
    Case("a bound that is a whole number", "scipy.optimize", "Hurdle of Truncated Geometric", whole_numbers_as_bounds),
    Case("one row whose weight is a number broadcast", "closed form", "Poisson", weights_of_one_number),
    Case("a row of weight zero outside the support", "the fit without the row", "Poisson", no_weight_outside_the_support),
    Case("1e12 and a standard deviation of 1", "least squares", "Normal", far_from_zero),
    Case("zeros only", "nothing to estimate from", "Hurdle of Poisson", nothing_left(Hurdle(Poisson()), np.zeros(40))),
    Case("zeros only", "nothing to estimate from", "Hurdle of LogNormal", nothing_left(Hurdle(LogNormal()), np.zeros(40))),
    Case("ends only", "nothing to estimate from", "ZeroOneInflated", nothing_left(ZeroOneInflated(Beta()), Y % 2)),
    Case("rows sorted so that a block holds zeros only", "the fit of shuffled rows", "Hurdle of Poisson", sorted_zeros),
    Case("rows sorted by event", "the fit of shuffled rows", "Censored Gamma", sorted_events),
    Case("a y of dates", "dates have no unit", "Normal", dates),
]
