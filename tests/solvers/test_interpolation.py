"""Fits that meet every y, and counts that are certain."""

from __future__ import annotations

import numpy as np
import pytest
from _objectives import objective
from numpy.testing import assert_allclose

from sk_mle._solvers.interpolation import certain_fit, interpolating_fit
from sk_mle.likelihoods import ConwayMaxwellPoisson, Gamma, NegativeBinomial, Normal, Poisson, ZeroInflated

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4))
Y = np.array([1.0, 3.0, 2.0, 5.0, 4.0])


def met(law, y, *, X=X, weight=None, **options):
    """The linear predictors of the fit that meets every row, None where there is none."""
    loss = objective(law, X, y, weight, **options)
    name, design = next(iter(loss.designs.items()))
    loss = loss.copy_with(designs={**loss.designs, name: design.with_output_basis(np.array([[0.25]]))})
    keep = np.flatnonzero(loss.data.weight > 0)
    u = interpolating_fit(loss, np.zeros(loss.size), y[keep], keep)
    return None if u is None else loss.eta(u)[next(iter(loss.designs))]


def test_as_many_coordinates_as_rows_interpolate_y():
    assert_allclose(met(Normal(), Y), Y, rtol=1e-9)
    assert_allclose(met(Gamma(), Y), np.log(Y), atol=1e-9)
    assert_allclose(met(Gamma(), Y / 100), np.log(Y / 100), rtol=1e-9)
    assert_allclose(met(Normal(), Y, offset={"loc": np.arange(5.0)}), Y, rtol=1e-9)
    assert_allclose(met(Normal(), np.append(Y, 9.0), X=np.vstack([X, X[0]]), weight=np.append(np.ones(5), 0.0)), Y, rtol=1e-9)


def test_zero_counts_are_interpolated_in_the_limit():
    eta = met(Poisson(), np.array([0.0, 3.0, 0.0, 5.0, 4.0]))
    assert_allclose(eta[[1, 3, 4]], np.log([3.0, 5.0, 4.0]), atol=1e-9)
    assert (eta[[0, 2]] < -60).all()
    assert met(Gamma(), np.array([0.0, 3.0, 1.0, 5.0, 4.0])) is None  # which a density has no limit for


def test_repeated_rows_are_interpolated_if_equal():
    twice = np.vstack([X, X])
    assert_allclose(met(Normal(), np.append(Y, Y), X=twice), np.append(Y, Y), rtol=1e-9)
    assert met(Normal(), np.append(Y, Y + 1.0), X=twice) is None


def test_no_interpolating_fit():
    assert met(Normal(), Y, X=X[:, :3]) is None
    assert met(Normal(), Y, alpha={"loc": 0.1}) is None
    loss = objective(Normal(), X, Y, on=["scale"])
    assert interpolating_fit(loss, np.zeros(loss.size), Y, np.arange(5)) is None  # an intercept alone


@pytest.mark.parametrize("law", [NegativeBinomial(), ZeroInflated(Poisson())], ids=repr)
def test_counts_that_cannot_be_certain(law):
    loss = objective(law, X, Y)
    assert certain_fit(loss, np.zeros(loss.size)) is None


def test_counts_without_spread_are_certain():
    """Where the dispersion of a Conway-Maxwell-Poisson law is large enough, a count of the given mean is all that there is."""
    loss = objective(ConwayMaxwellPoisson(), X, Y)
    u = interpolating_fit(loss, np.zeros(loss.size), Y, np.arange(5))
    v = certain_fit(loss, u)
    assert loss.value(v) == pytest.approx(0.0, abs=1e-10)
    assert_allclose(v[loss.slices["mean"]], u[loss.slices["mean"]])
    assert certain_fit(loss, np.zeros(loss.size)) is None  # a mean that no count meets
    assert certain_fit(objective(Poisson(), X, Y), np.zeros(5)) is None  # no parameter beside the mean
    both = objective(ConwayMaxwellPoisson(), X, Y, on=list(loss.designs))
    assert certain_fit(both, np.zeros(both.size)) is None
