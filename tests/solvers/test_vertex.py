"""The minimiser for kinks, against linear programmes and plain searches of one coefficient."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from _objectives import objective
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import linprog, minimize_scalar

from sk_mle._solvers.start import cold_start
from sk_mle._solvers.vertex import vertex
from sk_mle.likelihoods import AsymmetricLaplace, Laplace

RNG = np.random.default_rng(0)
N = 60
X = RNG.normal([0.5, -1.0], 1.0, (N, 2))
Y = X @ [1.0, -1.0] + RNG.standard_t(2, N)
WEIGHT = RNG.integers(0, 4, N).astype(float)
TIED = np.where(np.arange(N) < 30, 0.0, X[:, 0])
SAME = np.where(np.arange(N) < 30, 1.0, Y)
PARALLEL = np.column_stack([np.repeat([0.0, 1.0], [55, 5]), X[:, 1] * (np.arange(N) >= 40)])


def least(X, y, weight, quantile=0.5):
    """Smallest weighted mean of check losses, by a linear programme."""
    keep = weight > 0
    rows, y, share = np.column_stack([np.ones(keep.sum()), X[keep]]), y[keep], weight[keep] / weight.sum()
    n, p = rows.shape
    cost = np.concatenate([np.zeros(p), quantile * share, (1 - quantile) * share])
    return linprog(cost, A_eq=np.hstack([rows, np.eye(n), -np.eye(n)]), b_eq=y, bounds=[(None, None)] * p + [(0, None)] * 2 * n)


def fitted(loss, found):
    start, slopes = loss.designs["loc"].coefficients(found.x[loss.slices["loc"]])
    return start[0], slopes[:, 0]


@pytest.mark.parametrize(("law", "quantile"), [(Laplace(scale=1.0), 0.5), (AsymmetricLaplace(quantile=0.2), 0.2)], ids=repr)
@pytest.mark.parametrize(
    ("columns", "y", "weight"),
    [
        (X, Y, np.ones(N)),
        (X, Y, WEIGHT),
        (X, np.round(Y), np.ones(N)),
        (TIED[:, None], SAME, np.ones(N)),  # half of the rows at one point
        (PARALLEL, np.round(3 * Y), np.ones(N)),
        (X + 1e4, Y, np.ones(N)),
    ],
    ids=["plain", "weights", "rounded", "tied", "parallel", "far from zero"],
)
def test_a_vertex_is_the_optimum_of_the_linear_programme(law, quantile, columns, y, weight):
    loss, u = cold_start(objective(law, columns, y, weight))
    found = vertex(None, u, objective=loss)
    assert found.success
    start, slopes = fitted(loss, found)
    residual = y - start - columns @ slopes
    value = np.average(np.where(residual > 0, quantile, quantile - 1) * residual, weights=weight)
    assert value == pytest.approx(least(columns, y, weight, quantile).fun, rel=1e-9)
    assert (found.fun, found.subgradient) == (loss.value(found.x), pytest.approx(0, abs=1e-8))


def test_sparse_columns_have_the_same_vertex():
    ends = []
    for kind in (np.asarray, sparse.csr_matrix):
        loss, u = cold_start(objective(Laplace(), kind(X), Y, WEIGHT))
        ends.append(np.append(*fitted(loss, vertex(None, u, objective=loss))))
    assert_allclose(*ends, rtol=1e-9)


def absolute(x, y, alpha):
    return lambda b: np.mean(np.abs(y - b * x)) + alpha / 2 * b**2


@pytest.mark.parametrize("alpha", [1e-3, 0.05, 0.3, 1.0, 3.0])
def test_a_penalty_may_hold_the_optimum_between_the_kinks(alpha):
    x, y = X[:, 0], Y
    loss, u = cold_start(objective(Laplace(scale=1.0), x[:, None], y, alpha={"loc": alpha}, intercept=False))
    found = vertex(None, u, objective=loss)
    value = absolute(x, y, alpha)
    kinks = np.sort(y / x)
    ends = np.concatenate([[-10], kinks[np.abs(kinks) < 10], [10]])
    between = [minimize_scalar(value, bounds=pair, method="bounded", options={"xatol": 1e-12}).x for pair in pairwise(ends)]
    best = min([*ends, *between], key=value)
    assert fitted(loss, found)[1][0] == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert found.success
    assert found.subgradient <= 1e-8


def test_the_cases_of_penalties_are_of_both_kinds():
    """Some optima lie on a kink, where the penalty does not move them, and some between two."""
    met = []
    for alpha in (1e-3, 0.05, 0.3, 1.0, 3.0):
        loss, u = cold_start(objective(Laplace(scale=1.0), X[:, :1], Y, alpha={"loc": alpha}, intercept=False))
        slope = fitted(loss, vertex(None, u, objective=loss))[1][0]
        met.append(np.abs(Y - slope * X[:, 0]).min() < 1e-9)
    assert any(met)
    assert not all(met)


def test_nonlinear_link_curves_the_likelihood_between_kinks():
    x = np.linspace(-1.0, 1.0, N)
    for seed in range(4):
        y = np.exp(0.7 * x) + 0.5 * np.random.default_rng(seed).laplace(size=N)
        loss, u = cold_start(objective(Laplace(scale=1.0, links={"loc": "log"}), x[:, None], y, intercept=False))
        found = vertex(None, u, objective=loss)
        grid = np.linspace(-0.5, 2.0, 5001)
        value = np.mean(np.abs(y[:, None] - np.exp(grid * x[:, None])), axis=0)
        slope = fitted(loss, found)[1][0]
        assert np.mean(np.abs(y - np.exp(slope * x))) <= value.min() + 1e-9
        assert found.success


def test_scale_on_columns_follows_the_vertex():
    """On two groups that share nothing, each has its median and its mean distance from it."""
    group = np.repeat([0.0, 1.0], [21, 31])
    y = np.where(group == 0, 1.0, 10.0) + RNG.standard_t(3, 52) * np.where(group == 0, 1.0, 5.0)
    loss, u = cold_start(objective(Laplace(), group[:, None], y, on=["loc", "scale"]))
    found = vertex(None, u, objective=loss)
    eta = loss.eta(found.x)
    for k, row in ((0, 0), (1, -1)):
        median = np.median(y[group == k])
        assert eta["loc"][row] == pytest.approx(median, rel=1e-9)
        assert np.exp(eta["scale"][row]) == pytest.approx(np.mean(np.abs(y[group == k] - median)), rel=1e-6)
    assert found.success


def test_an_intercept_alone_is_the_median_beside_a_scale_on_columns():
    loss, u = cold_start(objective(Laplace(), X, Y, WEIGHT, on=["scale"]))
    found = vertex(None, u, objective=loss)
    assert found.success
    level = loss.eta(found.x)["loc"][0]
    scale = np.exp(np.broadcast_to(loss.eta(found.x)["scale"], (WEIGHT > 0).sum()))
    share, y = WEIGHT[WEIGHT > 0] / scale, Y[WEIGHT > 0]
    assert share[y < level - 1e-9].sum() <= share.sum() / 2 <= share[y <= level + 1e-9].sum()


def test_steps_and_calls_are_reported():
    loss, u = cold_start(objective(Laplace(), X, Y))
    seen = []
    found = vertex(None, u + 1.0, objective=loss, callback=seen.append)
    assert [one.fun for one in seen] == [found.fun]
    assert found.nit > 3
    assert not vertex(None, u + 1.0, objective=loss, maxiter=1, tol=1e-300).success


def test_a_density_without_bound_ends_the_path():
    loss, u = cold_start(objective(Laplace(), X[:3], Y[:3]))
    found = vertex(None, u, objective=loss)
    assert loss.unbounded(found.x, found.fun)


def test_the_vertex_of_a_constant_is_the_median():
    y, weight = np.array([1.0, 2.0, 4.0, 8.0, 100.0]), np.array([1.0, 1.0, 1.0, 4.0, 2.0])
    for w, median in ((np.ones(5), 4.0), (weight, 8.0)):
        loss, u = cold_start(objective(Laplace(), np.zeros((5, 1)), y, w))
        found = vertex(None, u, objective=loss)
        start, _ = loss.designs["loc"].coefficients(found.x[loss.slices["loc"]])
        assert start[0] == pytest.approx(median, rel=1e-14)
        assert found.success
        assert found.subgradient <= 1e-8
        scale = np.exp(loss.eta(found.x)["scale"][0])
        assert scale == pytest.approx(np.average(np.abs(y - median), weights=w), rel=1e-7)


@pytest.mark.parametrize(("law", "quantile"), [(Laplace(), 0.5), (AsymmetricLaplace(quantile=0.8), 0.8)], ids=repr)
def test_vertex_interpolates_as_many_rows_as_coefficients(law, quantile):
    y = X @ [1.0, -1.0] + np.random.default_rng(1).standard_t(2, N)
    loss, u = cold_start(objective(law, X, y))
    found = vertex(None, u + 1.0, objective=loss)
    residual = y - loss.eta(found.x)["loc"]
    met = np.abs(residual) < 1e-9
    assert met.sum() == 3
    assert (residual < -1e-9).sum() <= quantile * N <= (residual < 1e-9).sum()
    for step in 1e-3 * np.random.default_rng(2).normal(size=(50, loss.size)):
        assert loss.value(found.x + step) > found.fun
