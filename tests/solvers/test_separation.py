"""Directions along which no sample's likelihood falls."""

from __future__ import annotations

import numpy as np
import pytest
from _objectives import objective
from numpy.testing import assert_allclose, assert_array_equal

from sk_mle._solvers.separation import separating_directions
from sk_mle._solvers.solvers import solve
from sk_mle._solvers.start import cold_start
from sk_mle.likelihoods import Bernoulli, Categorical, Gamma, Laplace, Ordinal, Poisson

RNG = np.random.default_rng(0)
N = 100
X = RNG.normal(size=(N, 2)) @ [[1.0, 0.5], [0.0, 2.0]] + [0.5, -2.0]
COUNTS = RNG.poisson(np.exp(0.3 * X[:, 0] + 0.2)).astype(float)
POSITIVE = RNG.gamma(2.0, np.exp(0.3 * X[:, 0]))
WEIGHT = RNG.integers(0, 4, N).astype(float)


def at_the_end(law, A, y, weight=None):
    loss, u = cold_start(objective(law, A, y, weight))
    return loss, solve(loss, u, "auto", 1e-8, 100).u


def direction(law, A, y, weight=None):
    return next(iter(separating_directions(*at_the_end(law, A, y, weight)).values()), None)


def test_separated_classes_have_a_direction():
    y = (X[:, 0] + X[:, 1] > np.median(X.sum(axis=1))).astype(float)
    start, slopes = direction(Bernoulli(), X, y)
    moved = (2 * y - 1) * (X @ slopes[:, 0] + start[0])
    assert (moved >= -1e-9 * np.abs(moved).max()).all()
    assert moved.max() > 0
    y[[3, 50]] = 1 - y[[3, 50]]
    assert direction(Bernoulli(), X, y) is None


def test_a_class_of_its_own_on_one_side():
    """Quasi-separation: rows with x = 0 are of both classes."""
    x = np.repeat([[0.0], [1.0]], 20, axis=0)
    y = np.where(x[:, 0] == 1, 1.0, np.arange(40) % 2)
    start, slopes = direction(Bernoulli(), x, y)
    assert slopes[0, 0] > 0
    assert abs(start[0]) < 1e-9 * slopes[0, 0]
    y[-1] = 0.0
    assert direction(Bernoulli(), x, y) is None
    weight = np.ones(40)
    weight[-1] = 0.0  # a row that does not count
    assert direction(Bernoulli(), x, y, weight)[1][0, 0] > 0


def test_a_group_of_zero_counts():
    group = np.column_stack([X[:, 0], np.arange(N) % 4 == 0]).astype(float)
    y = np.where(group[:, 1] == 1, 0.0, COUNTS + 1.0)
    start, slopes = direction(Poisson(), group, y)
    assert slopes[1, 0] < 0
    assert_allclose([start[0], slopes[0, 0]], 0, atol=1e-8 * -slopes[1, 0])
    y[0] = 1.0
    assert direction(Poisson(), group, y) is None
    assert direction(Gamma(), group, y + 0.1) is None


def test_three_classes_of_which_one_is_apart():
    three = Categorical().bind(np.arange(3.0))
    apart = (X[:, 0] > np.quantile(X[:, 0], 0.7)).astype(float)
    y = np.where(apart == 1, 2.0, np.arange(N) % 2)
    start, slopes = direction(three, X[:, :1], y)
    eta = X[:, :1] @ slopes.T.T + start if slopes.shape[0] == 1 else X[:, :1] @ slopes.T + start
    own = eta[np.arange(N), y.astype(int)][:, None]
    assert (own - eta >= -1e-9 * np.abs(eta).max()).all()
    assert (own - eta).max() > 0
    mixed = np.arange(N) % 3.0
    assert direction(three, X[:, :1], mixed) is None


def test_penalised_fit_is_never_separated():
    y = (X[:, 0] > 0.5).astype(float)
    loss, u = cold_start(objective(Bernoulli(), X, y, alpha={"prob": 0.1}))
    assert separating_directions(loss, u) == {}
    assert_array_equal(u.shape, (3,))


# ---- from any end of a fit ---------------------------------------------------------------------------------------------


def from_coefficients(law, A, y, start, slopes, **options):
    loss = objective(law, np.asarray(A, float), np.asarray(y, float), **options)
    name, made = next(iter(loss.designs.items()))
    u = np.zeros(loss.size)
    u[loss.slices[name]] = made.coordinates(np.atleast_1d(float(start)), np.asarray(slopes, float)[:, None])
    found = separating_directions(loss, u).get(name)
    return None if found is None else (found[0][0], found[1][:, 0])


PINNED = [[0, 0, 1], [0, 0, 1], [0, 0, -1], [0, 0, -1]]  # of both classes: no direction may move them
FREE = [[1, 0, 5], [0, 1, 5], [-1, 0, -5], [0, -1, -5]]


@pytest.mark.parametrize("intercept", [True, False])
def test_linear_programme_finds_separation_at_moderate_coefficients(intercept):
    """The first coefficient leads the wrong way, which the third makes up for."""
    y = [1, 0, 1, 0, 1, 1, 0, 0]
    start, slopes = from_coefficients(Bernoulli(), PINNED + FREE, y, 0, [-1, 2, 1], intercept=intercept)
    assert_allclose([start, slopes[2]], 0, atol=1e-9)
    assert (slopes[:2] >= -1e-9).all()
    moves = (2 * np.array(y) - 1) * (np.array(PINNED + FREE) @ slopes + start)
    assert moves.max() == pytest.approx(1)
    more = [*PINNED, *FREE, [-1, -1, 5]]
    assert from_coefficients(Bernoulli(), more, [*y, 1], 0, [-1, 2, 1], intercept=intercept) is None


def test_a_column_apart_is_found_in_any_place():
    apart = np.repeat([0.0, 1.0], [60, 40])
    y = np.where(apart == 1, 1.0, np.arange(N) % 2)
    for columns in ([apart, X[:, 0]], [X[:, 0], apart]):
        start, slopes = direction(Bernoulli(), np.column_stack(columns), y)
        where = 0 if columns[0] is apart else 1
        assert slopes[where, 0] > 0
        assert_allclose([start[0], slopes[1 - where, 0]], 0, atol=1e-8 * slopes[where, 0])


def test_coefficients_of_zero_are_no_direction():
    """An offset holds all means near zero already, and only the intercept can go on."""
    loss = objective(Poisson(), X, np.zeros(N), offset={"mean": np.full(N, -10.0)})
    start, slopes = separating_directions(loss, np.zeros(loss.size))["mean"]
    eta = X @ slopes[:, 0] + start[0]
    assert eta.max() <= 1e-9
    assert eta.min() == pytest.approx(-1)


def test_only_smooth_laws_with_a_hessian_are_looked_at():
    kinked = objective(Laplace(), X, COUNTS)
    assert separating_directions(kinked, np.zeros(kinked.size)) == {}
    group = np.column_stack([np.arange(N) % 4 == 0, X[:, 0]]).astype(float)
    loss, u = at_the_end(Poisson(), group, np.where(group[:, 0] == 1, 0.0, COUNTS + 1.0))
    assert list(separating_directions(loss, u)) == ["mean"]
    type(loss).available_derivatives, offers = property(lambda self: {"gradient"}), type(loss).available_derivatives
    try:
        assert separating_directions(loss, u) == {}
    finally:
        type(loss).available_derivatives = offers


def test_cutpoints_may_move_as_well():
    """Classes of an order that follow each other along x; where two of them mix there, nothing is separated."""
    three = Ordinal().bind(np.arange(3.0))
    x = np.linspace(-2.0, 2.0, 60)
    top = (np.arange(60) % 6 == 0).astype(float)
    for column, y, separated in (
        (x, np.digitize(x, [-0.5, 0.5]), True),
        (x, np.where(x < -0.5, 0, 1 + np.arange(60) % 2), False),
        (top, np.where(top == 1, 2, np.arange(60) % 3), True),
        (-top, np.where(top == 1, 0, np.arange(60) % 3), True),
        (top, np.where(top == 1, 1, np.arange(60) % 3), False),
    ):
        loss, u = cold_start(objective(three, column[:, None], y.astype(float)))
        found = separating_directions(loss, solve(loss, u, "auto", 1e-8, 100).u)
        assert bool(found) is separated
        if separated:
            assert found["loc"][1][0, 0] > 0


@pytest.mark.parametrize("n", [100, 4000])
def test_many_rows_are_all_looked_at(n):
    """Some of them tell in which directions none may move; the others have their say."""
    group = np.column_stack([np.random.default_rng(1).normal(size=n), np.arange(n) % 20 == 0]).astype(float)
    y = np.where(group[:, 1] == 1, 1.0, np.arange(n) % 2)
    for flipped, separated in ((None, True), (20, False)):
        if flipped is not None:
            y[flipped] = 0.0
        loss, u = cold_start(objective(Bernoulli(), group, y))
        found = separating_directions(loss, solve(loss, u, "auto", 1e-8, 100).u)
        assert bool(found) is separated
        if separated:
            start, slopes = found["prob"]
            assert slopes[1, 0] == pytest.approx(1.0)
            assert_allclose([start[0], slopes[0, 0]], 0, atol=1e-7)
