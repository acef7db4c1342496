"""Where a fit begins, on objectives whose answer is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from _objectives import objective
from numpy.testing import assert_allclose, assert_array_equal

from sk_mle._model.data import Data
from sk_mle._model.objective import Objective
from sk_mle._model.predictor import Predictor, designs
from sk_mle._solvers.constant_curvature import has_constant_curvature
from sk_mle._solvers.solvers import solve
from sk_mle._solvers.start import cold_start, coordinates_of_coefficients, warm_start
from sk_mle._solvers.start_on_sample import with_sample_of_coordinates
from sk_mle.likelihoods import (
    Categorical,
    Censored,
    ConwayMaxwellPoisson,
    Gamma,
    Hurdle,
    Laplace,
    NegativeBinomial,
    Normal,
    Poisson,
    censored,
)

RNG = np.random.default_rng(0)
N = 100
X = RNG.normal(size=(N, 2)) @ [[1.0, 0.5], [0.0, 2.0]] + [0.5, -2.0]
COUNTS = RNG.poisson(np.exp(0.3 * X[:, 0] + 0.2)).astype(float)
POSITIVE = RNG.gamma(2.0, np.exp(0.3 * X[:, 0]))
WEIGHT = RNG.integers(0, 4, N).astype(float)


def test_least_squares_is_solved_by_the_start():
    y = X @ [1.0, -2.0] + RNG.normal(size=N)
    loss, u = cold_start(objective(Normal(), X, y, WEIGHT))
    root = np.sqrt(WEIGHT)
    expected = np.linalg.lstsq(root[:, None] * np.column_stack([np.ones(N), X]), root * y, rcond=None)[0]
    start, slopes = loss.designs["loc"].coefficients(u[loss.slices["loc"]])
    assert_allclose(np.append(start, slopes[:, 0]), expected, rtol=1e-10)
    residual = y - X @ slopes[:, 0] - start[0]
    assert np.exp(loss.eta(u)["scale"][0]) == pytest.approx(np.sqrt(np.average(residual**2, weights=WEIGHT)), rel=1e-9)


@pytest.mark.parametrize("correlation", [0.0, 0.999])
def test_least_squares_take_two_passes_with_all_digits(correlation):
    rng = np.random.default_rng(0)
    columns = np.sqrt(1 - correlation) * rng.normal(size=(1000, 5)) + np.sqrt(correlation) * rng.normal(size=(1000, 1))
    columns *= [0.1, 0.3, 1.0, 3.0, 10.0]
    y = 3 + columns @ [1.0, -2.0, 0.5, 0.0, 0.1] + rng.normal(size=1000)
    loss, u = cold_start(objective(Normal(), columns, y))
    found = solve(loss, u, "auto", 1e-8, 100)
    assert found.converged
    assert found.result.minimum_certified
    assert loss.evaluations == 2
    intercept, slopes = loss.designs["loc"].coefficients(found.u[loss.slices["loc"]])
    q, r = np.linalg.qr(np.column_stack([np.ones(1000), columns]))
    standard_errors = np.sqrt(np.diag(np.linalg.inv(r.T @ r)))
    assert np.abs((np.append(intercept, slopes[:, 0]) - np.linalg.solve(r, q.T @ y)) / standard_errors).max() < 1e-12


@pytest.mark.parametrize(("law", "y"), [(Poisson(), COUNTS), (Gamma(), POSITIVE), (NegativeBinomial(), COUNTS)], ids=repr)
def test_the_start_is_better_than_a_constant_and_has_unit_curvature(law, y):
    loss, u = cold_start(objective(law, X, y, WEIGHT))
    name = law.layout.free[0]
    constant = u.copy()
    constant[loss.slices[name]] = 0.0
    constant[0] = loss.designs[name].in_output_basis(np.atleast_1d(law.layout[name].link.link(np.average(y, weights=WEIGHT))))[
        0
    ]
    assert loss.value(u) < loss.value(constant)
    hessian = loss.evaluate(u, 2, "expected").hessian
    for place in loss.slices.values():
        assert_allclose(np.diag(hessian)[place], 1.0, rtol=0.8)


def test_coordinates_at_constants_do_not_depend_on_the_order_of_rows():
    """The information of rows that are censored is another one than that of the others."""
    law, event = Censored(Normal()), np.arange(N) > 0
    scales = []
    for order in (slice(None), slice(None, None, -1)):
        y = law.read(censored(X[order, 0], event=event[order]))
        loss, _ = cold_start(objective(law, X[order, 1:], y))
        scales.append([design.output_basis[0, 0] for design in loss.designs.values()])
    assert_allclose(*scales, rtol=1e-6)


def test_a_law_without_curvature_in_the_first_rows_is_not_quadratic():
    counts = Data(X, np.append(np.zeros(90), COUNTS[90:] + 1), np.ones(N), {})
    assert not has_constant_curvature(Hurdle(Poisson()), counts, ["mean", "zero"])
    assert has_constant_curvature(Normal(), counts, ["loc", "scale"])


@pytest.mark.parametrize("name", ["vector", "two"])
def test_coordinates_of_an_earlier_fit(name):
    three = Categorical().bind(np.arange(3.0))
    y = np.arange(N) % 3.0
    loss, u = cold_start(objective(three, X, y) if name == "vector" else objective(Gamma(), X, POSITIVE, on=["mean", "shape"]))
    u = solve(loss, u, "auto", 1e-3, 50).u
    coefs, intercepts = {}, {}
    for part, design in loss.designs.items():
        start, slopes = design.coefficients(u[loss.slices[part]])
        coefs[part], intercepts[part] = (slopes.T, start) if design.vector else (slopes[:, 0], start[0])
    assert_allclose(coordinates_of_coefficients(loss, coefs, intercepts), u, rtol=1e-9, atol=1e-12)
    again, v = warm_start(loss, coefs, intercepts)
    for part in loss.designs:
        assert_allclose(again.eta(v)[part], loss.eta(u)[part], rtol=1e-9, atol=1e-12)
    first = next(iter(coefs))
    assert coordinates_of_coefficients(loss, {**coefs, first: np.zeros((1, 5))}, intercepts) is None
    assert coordinates_of_coefficients(loss, {"other": 0.0}, {"other": 0.0}) is None


def test_many_rows_begin_with_some_of_them():
    n = 60_000
    many = np.random.default_rng(1).normal(size=(n, 4))
    y = np.random.default_rng(2).poisson(np.exp(0.3 * many[:, 0])).astype(float)
    whole = objective(Poisson(), many, y)
    loss, u = cold_start(whole)
    assert loss.evaluations <= 2  # of all rows
    assert loss.preconditioner is not None
    assert np.abs(loss.gradient(u)).max() < 0.1
    assert_allclose(loss.preconditioner.solve(loss.gradient(u)), np.linalg.solve(loss.hessian(u), loss.gradient(u)), rtol=0.2)


# ---- what is known of the Hessian where a fit begins -------------------------------------------------------------------


def table(n, p, law, **options):
    rows = np.random.default_rng(n + p).normal(size=(n, p))
    y = np.random.default_rng(1).poisson(np.exp(0.1 * rows[:, 0])).astype(float)
    return objective(law, rows, y + 0.5 if law.support.contains(0.5) else y, **options)


@pytest.mark.parametrize(
    ("n", "p", "law", "options", "known"),
    [
        (500, 4, Poisson(), {}, None),
        (13_000, 16, Poisson(), {}, "SubsampledHessian"),
        (11_000, 16, Poisson(), {}, None),  # fewer entries than a fit to some rows is worth
        (2_500, 100, Poisson(), {}, "Identity"),  # too few rows for a part of them
        (500, 120, Poisson(), {}, None),
        (2_500, 90, Poisson(), {}, None),  # few columns: a Hessian costs little more than a gradient
        (13_000, 16, Normal(), {}, "Identity"),  # least squares: coordinates are all that is to be known
        (13_000, 16, Laplace(), {}, None),
        (30, 700, Poisson(), {"alpha": {"mean": 1.0}}, "Woodbury"),
        (30, 700, Poisson(), {}, None),  # rotated: as many coordinates as rows
        (30, 500, Poisson(), {"alpha": {"mean": 1.0}}, None),
        (30, 700, NegativeBinomial(), {"alpha": {"mean": 1.0}}, None),
    ],
)
def test_which_preconditioner(n, p, law, options, known):
    loss, u = cold_start(table(n, p, law, **options))
    found = loss.preconditioner
    assert (None if found is None else type(found).__name__) == known
    assert np.isfinite(loss.value(u))


def with_sample(rows, **predictor):
    """The objective of counts with coordinates from a sample where these suffice, and the sample."""
    y = np.random.default_rng(1).poisson(np.exp(0.1 * np.clip(rows[:, 0], -3, 3))).astype(float)
    law, data = Poisson(), Data(rows, y, np.ones(len(rows)), {})
    predictors = {"mean": Predictor("mean", np.arange(rows.shape[1]), **predictor)}
    data = with_sample_of_coordinates(law, predictors, data)
    sample = data.sample_of_coordinates
    return Objective(law, data, designs(predictors, law, sample or data), {}), sample


def test_many_rows_start_in_coordinates_of_a_sample_with_a_hessian():
    rows = np.random.default_rng(0).normal(size=(13_000, 16))
    loss, sample = with_sample(rows)
    assert sample.n_samples == 650
    loss, u = cold_start(loss)
    assert type(loss.preconditioner).__name__ == "HessianAtStart"
    assert loss.preconditioner.minimum_certified
    step = loss.preconditioner.solve(loss.gradient(u))
    assert_allclose(step, np.linalg.solve(loss.hessian(u), loss.gradient(u)), atol=0.1 * np.abs(step).max())
    assert loss.evaluations <= 3


@pytest.mark.parametrize("row", [777, 900])  # in a run of rows that has a part in the Hessian, and in one that has none
def test_a_column_with_a_row_unlike_the_sample_starts_in_coordinates_of_all_rows(row):
    rows = np.random.default_rng(0).normal(size=(13_000, 16))
    rows[row, 3] = 1e6
    loss, _ = cold_start(with_sample(rows)[0])
    scaled = loss.designs["mean"].coordinate_rows(rows)
    assert_allclose(scaled.T @ scaled / len(rows), np.eye(17), atol=1e-10)


@pytest.mark.parametrize("kind", ["constant", "dependent", "far", "penalised"])
def test_a_sample_chooses_no_coordinates_where_it_does_not_tell(kind):
    rows = np.random.default_rng(0).normal(size=(13_000, 16))
    if kind == "constant":
        rows[:, 2] = np.arange(len(rows)) == 5
    elif kind == "dependent":
        rows[:, 2] = rows[:, 3] + 1e-2 * rows[:, 2]
    elif kind == "far":
        rows[:, 2] += 4.0
    assert with_sample(rows, alpha=1.0 if kind == "penalised" else 0.0)[1] is None


# ---- an earlier fit ----------------------------------------------------------------------------------------------------


def least_squares():
    y = X @ [1.0, -2.0] + np.random.default_rng(5).normal(size=N)
    return objective(Normal(), X, y)


def test_an_earlier_fit_is_a_start_where_it_is_near():
    loss, u = cold_start(least_squares())
    slopes, scale = loss.designs["loc"].coefficients(u[:3])[1][:, 0], loss.eta(u)["scale"][0]
    start = loss.designs["loc"].coefficients(u[:3])[0][0]
    for shift, warm in ((0.05, True), (0.4, False), (100.0, False)):
        again, v = warm_start(least_squares(), {"loc": slopes, "scale": np.zeros(0)}, {"loc": start + shift, "scale": scale})
        moved = again.eta(v)["loc"][0] - loss.eta(u)["loc"][0]
        assert moved == pytest.approx(shift if warm else 0.0, abs=1e-8)


def test_an_earlier_fit_far_from_the_maximum_is_left_for_a_new_start():
    law = NegativeBinomial()
    loss, u = cold_start(objective(law, X, COUNTS))
    u = solve(loss, u, "auto", 1e-8, 50).u
    coefs, intercepts = {}, {}
    for part, design in loss.designs.items():
        start, slopes = design.coefficients(u[loss.slices[part]])
        coefs[part], intercepts[part] = slopes[:, 0], start[0]
    wide = intercepts | {"dispersion": intercepts["dispersion"] + 30.0}
    cold, v = cold_start(objective(law, X, COUNTS))
    again, w = warm_start(objective(law, X, COUNTS), coefs, wide)
    assert again.value(w) == pytest.approx(cold.value(v), rel=1e-12)


@pytest.mark.parametrize(("coefs", "intercepts"), [({"other": 0.0}, {"other": 0.0}), ({"mean": [500.0, 0.0]}, {"mean": 0.0})])
def test_a_fit_of_another_model_or_without_a_value_is_no_start(coefs, intercepts):
    loss, u = cold_start(objective(Poisson(), X, COUNTS))
    again, v = warm_start(objective(Poisson(), X, COUNTS), coefs, intercepts)
    assert_array_equal(u, v)
    assert again.value(v) == loss.value(u)


def test_fit_at_the_end_of_a_domain_is_no_start():
    """Nothing depends on its parameter there, so that no unit could be told for it."""
    y = np.tile([1.0, 2.0], N // 2)
    cold, u = cold_start(objective(NegativeBinomial(), X, y))
    slopes = {"mean": np.zeros(2), "dispersion": np.zeros(0)}
    again, v = warm_start(objective(NegativeBinomial(), X, y), slopes, {"mean": np.log(1.5), "dispersion": -40.0})
    assert again.eta(v)["dispersion"][0] == pytest.approx(cold.eta(u)["dispersion"][0])
    assert again.designs["dispersion"].output_basis.max() < 1e4


# ---- ends that are known beforehand ------------------------------------------------------------------------------------


def test_counts_that_can_be_certain_are_so_from_the_start():
    loss, u = cold_start(objective(ConwayMaxwellPoisson(), RNG.normal(size=(5, 4)), np.array([1.0, 3.0, 2.0, 5.0, 4.0])))
    assert loss.value(u) == pytest.approx(0.0, abs=1e-10)


@pytest.mark.parametrize(("n", "last"), [(13_000, True), (63_000, False)])
def test_of_very_many_rows_no_hessian_is_taken_at_the_end(n, last):
    loss, _ = cold_start(table(n, 16, Poisson()))
    assert loss.preconditioner.end_with_hessian is last
    assert loss.preconditioner.minimum_certified
