"""Coefficients that no row depends on are those of smallest norm."""

from __future__ import annotations

import numpy as np
import pytest
from _objectives import objective
from numpy.testing import assert_allclose
from scipy.optimize import OptimizeResult

from sk_mle._model.design import Design
from sk_mle._solvers.identification import directions_without_information, minimum_norm, plateaus
from sk_mle._solvers.solvers import Solution
from sk_mle.likelihoods import Bernoulli, Hurdle, Normal, Poisson

RNG = np.random.default_rng(0)
N = 60
LAST = (np.arange(N) >= 40).astype(float)  # a category in which every count is zero
X = np.column_stack([RNG.normal(size=N), LAST])
Y = np.where(LAST == 1, 0.0, RNG.poisson(2.0, N))


def end(loss, coefficients, **result):
    """A solution at slopes and intercepts of the parameters."""
    u = np.zeros(loss.size)
    for name, (start, slopes) in coefficients.items():
        u[loss.slices[name]] = loss.designs[name].coordinates(
            np.atleast_1d(float(start)), np.reshape(slopes, (-1, 1)).astype(float)
        )
    return Solution(u, True, False, 1, 0.0, {}, OptimizeResult(**result))


def slopes_of(loss, u, name):
    start, slopes = loss.designs[name].coefficients(u[loss.slices[name]])
    return np.append(start, slopes[:, 0])


AT = {"mean": (0.5, [0.3, 7.0]), "zero": (-1.0, [0.0, 0.0])}


def hurdle(**options):
    return objective(Hurdle(Poisson()), X, Y, on=["mean", "zero"], **options)


def n_unidentified(solution) -> int:
    return sum(free.shape[1] for free in solution.result["unidentified"].values())


def test_a_category_that_a_part_of_the_law_never_reaches():
    """Counts of the positive part are none there: its coefficient is free, and the others stay."""
    loss = hurdle()
    names = list(loss.designs)
    at = dict(zip(names, AT.values(), strict=True))
    solution = end(loss, at)
    same, found = minimum_norm(loss, solution)
    assert same is loss
    assert n_unidentified(found) == 1
    assert_allclose(slopes_of(loss, found.u, names[0]), [0.5, 0.3, 0.0], atol=1e-9)
    assert_allclose(slopes_of(loss, found.u, names[1]), [-1.0, 0.0, 0.0], atol=1e-9)
    assert loss.value(found.u) == pytest.approx(loss.value(solution.u), rel=1e-12)


def test_dependent_columns_share_the_coefficient():
    """Where only rows of the first group count, columns that agree there have the mean of their coefficients."""
    both = np.column_stack([X[:, 0], X[:, 0] + LAST])
    loss = objective(Hurdle(Poisson()), both, Y)
    name = next(iter(loss.designs))
    _, found = minimum_norm(loss, end(loss, {name: (0.5, [0.9, -0.3])}))
    assert n_unidentified(found) == 1
    assert_allclose(slopes_of(loss, found.u, name), [0.5, 0.3, 0.3], atol=1e-9)


@pytest.mark.parametrize("search", [directions_without_information, plateaus])
def test_no_products_of_columns_are_taken_where_every_row_informs(monkeypatch, search):
    """They would cost as much as a Hessian."""
    loss = objective(Poisson(), X, Y + 1.0)

    def refuse(self, X):
        raise AssertionError("rows were multiplied")

    monkeypatch.setattr(Design, "coordinate_rows", refuse)
    assert search(loss, np.zeros(loss.size)) == {}


@pytest.mark.parametrize(
    ("loss", "result"),
    [(hurdle(), {"minimum_certified": True}), (hurdle(alpha={"mean": 0.1, "zero": 0.1}), {}), (objective(Normal(), X, Y), {})],
)
def test_minimum_norm_leaves_identified_fits_unchanged(loss, result):
    u = RNG.normal(size=loss.size)
    solution = Solution(u, True, False, 1, 0.0, {}, OptimizeResult(**result))
    found = minimum_norm(loss, solution)[1]
    assert_allclose(found.u, u)
    assert not found.result.get("unidentified")


def test_minimum_norm_leaves_unbounded_fits_unchanged():
    loss = hurdle()
    solution = Solution(np.ones(loss.size), True, True, 1, 0.0, {}, OptimizeResult())
    assert minimum_norm(loss, solution)[1] is solution


def test_a_likelihood_that_is_flat_only_where_the_fit_ended_is_no_sign():
    """Far out the slope of a logistic underflows; nearer it does not."""
    y = (X[:, 0] > 0).astype(float)
    loss = objective(Bernoulli(), X[:, :1], y)
    u = np.zeros(loss.size)
    u[:] = loss.designs["prob"].coordinates(np.zeros(1), np.array([[1e6]]))
    found = minimum_norm(loss, Solution(u, True, False, 1, 0.0, {}, OptimizeResult()))[1]
    assert_allclose(found.u, u)


def test_few_rows_suffice_if_the_hessian_is_known():
    loss = hurdle().preconditioned(object())
    solution = end(loss, dict(zip(loss.designs, AT.values(), strict=True)))
    assert n_unidentified(minimum_norm(loss, solution)[1]) == 1
    plain = objective(Normal(), X, Y).preconditioned(object())
    solution = Solution(np.ones(plain.size), True, False, 1, 0.0, {}, OptimizeResult())
    assert minimum_norm(plain, solution)[1] is solution
