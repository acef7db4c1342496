"""The loss and what is made of it: sums over rows, units, curvatures, penalties; against differences and plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
from _objectives import design, objective, rows
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats

from sk_mle import MLERegressor
from sk_mle._model.data import Batch
from sk_mle._model.design import MAX_ROTATED_COLUMNS, from_moments
from sk_mle._model.moments import Moments
from sk_mle._model.objective import Point
from sk_mle._model.penalties import Ridge
from sk_mle._model.sums import bilinear, contract, cross, project
from sk_mle._solvers.plane import Plane
from sk_mle._solvers.preconditioners import Banded, Cholesky, Identity, SubsampledHessian, Woodbury, is_representative
from sk_mle._solvers.scaling import (
    block_information,
    change_basis,
    constant_predictor,
    mean_information,
    precondition_penalties,
    with_unit_information,
)
from sk_mle.likelihoods import Beta, Categorical, Gamma, Laplace, MultivariateNormal, NegativeBinomial, Normal, Poisson

RNG = np.random.default_rng(0)
N = 80
X = RNG.normal(size=(N, 3)) @ RNG.normal(size=(3, 3)) + [0.5, -2.0, 1.0]
COUNTS = RNG.poisson(2.0, N).astype(float)
POSITIVE = RNG.gamma(2.0, 1.0, N)
WEIGHT = RNG.integers(0, 4, N).astype(float)
THREE = Categorical().bind(np.arange(3.0))
PAIRS = X[:, :2] + np.random.default_rng(1).normal(size=(N, 2))
TWO = MultivariateNormal().bind(PAIRS)
CLASSES = RNG.integers(0, 3, N).astype(float)


# ---- sums --------------------------------------------------------------------------------------------------------------


def plainly(left, right, values, weight):
    """sum over rows of weight * values[k, m] * (1, left) (1, right)'."""
    one = [
        np.column_stack([np.ones(N), *([] if c is None else [c.toarray() if sparse.issparse(c) else c])]) for c in (left, right)
    ]
    return np.einsum("n,nkm,ni,nj->kmij", weight, values.reshape(N, *((1, 1) if values.ndim == 1 else values.shape[1:])), *one)


WIDE = RNG.normal(size=(N, 70))
SYMMETRIC = RNG.normal(size=(N, 3, 3))
SYMMETRIC = SYMMETRIC + SYMMETRIC.transpose(0, 2, 1)


@pytest.mark.parametrize("weight", [np.ones(N), WEIGHT], ids=["ones", "weights"])
@pytest.mark.parametrize(
    ("left", "right", "values"),
    [
        (X, X, RNG.normal(size=N)),
        (X, X[:, :2], RNG.normal(size=N)),
        (X, None, RNG.normal(size=N)),
        (None, X, RNG.normal(size=(N, 1, 3))),
        (None, None, SYMMETRIC),
        (X, X, SYMMETRIC),
        (X[:, :1], X[:, :1], SYMMETRIC),
        (WIDE, WIDE, RNG.normal(size=N)),
        (WIDE, WIDE, RNG.uniform(size=N)),
        (sparse.csr_matrix(X), sparse.csr_matrix(X), RNG.normal(size=N)),
        (sparse.csr_matrix(X), sparse.csr_matrix(X), SYMMETRIC),
        (X, X, RNG.normal(size=(N, 1, 3))),
    ],
)
def test_cross_products(left, right, values, weight):
    right = left if right is not None and right.shape == getattr(left, "shape", None) and type(left) is type(right) else right
    weight = rows(X, weight=weight).weight
    symmetric = values.ndim == 1 or values.shape[1] == values.shape[2]
    found = cross(left, right, values, weight, symmetric and left is right)
    assert_allclose(found, plainly(left, right, values, weight), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("values", [RNG.uniform(size=N), RNG.normal(size=N)], ids=["positive", "of both signs"])
@pytest.mark.parametrize("size", [1.0, 1e-44, 1e50])
@pytest.mark.parametrize(("largest", "single"), [(1e12, True), (1e60, False)])
def test_rough_cross_products_of_columns_in_any_unit(values, size, largest, single):
    units = np.geomspace(1 / largest, largest, X.shape[1])
    columns, unit = X / units, np.concatenate([[1.0], units])
    found = cross(columns, columns, size * values, WEIGHT, True, units)[0, 0] * np.outer(unit, unit) / size
    exact = plainly(X, X, values, WEIGHT)[0, 0]
    assert_allclose(found, exact, atol=1e-6 * np.abs(exact).max())
    assert (np.abs(found - exact).max() > 1e-12 * np.abs(exact).max()) == single  # else in double precision
    assert_allclose(found[0], exact[0], rtol=1e-10)


def test_projections():
    values = RNG.normal(size=(N, 2))
    batch = Batch(X, COUNTS, WEIGHT, {})
    assert_allclose(project(batch, X, values), np.column_stack([np.ones(N), X]).T @ (WEIGHT[:, None] * values))
    assert_allclose(project(batch, None, values[:, 0]), [[WEIGHT @ values[:, 0]]])
    move = RNG.normal(size=(N, 3))
    assert_allclose(contract(SYMMETRIC, move, True), np.einsum("nkl,nl->nk", SYMMETRIC, move))
    assert_allclose(contract(SYMMETRIC[:, :1], move, False), np.einsum("nl,nl->n", SYMMETRIC[:, 0], move))
    assert_allclose(contract(WEIGHT, move[:, 0], False), WEIGHT * move[:, 0])


# ---- the loss ----------------------------------------------------------------------------------------------------------


def losses():
    yield "one parameter", objective(Poisson(), X, COUNTS)
    yield "weights", objective(Poisson(), X, COUNTS, WEIGHT)
    yield "two parameters", objective(Gamma(), X, POSITIVE, WEIGHT)
    yield "both on columns", objective(Gamma(), X, POSITIVE, on=["mean", "shape"])
    yield "offset", objective(NegativeBinomial(), X, COUNTS, offset={"mean": X[:, 0], "dispersion": X[:, 1] / 5})
    yield "penalty", objective(NegativeBinomial(), X, COUNTS, on=["mean", "dispersion"], alpha={"mean": 0.3, "dispersion": 2.0})
    yield "classes", objective(THREE, X, CLASSES, WEIGHT)
    yield "penalised classes", objective(THREE, X, CLASSES, alpha={"logits": 0.3})
    yield "sparse", objective(Gamma(), sparse.csr_matrix(X), POSITIVE, on=["mean", "shape"])
    yield "no intercept", objective(Gamma(), X, POSITIVE, intercept=False)
    yield "two vectors", objective(TWO, X, PAIRS, on=["mean", "scale"])
    yield "dependent columns", objective(Poisson(), np.column_stack([X, X[:, 0]]), COUNTS)


LOSSES = dict(losses())
every_loss = pytest.mark.parametrize("name", LOSSES)


def somewhere(loss):
    return 0.1 * np.random.default_rng(1).normal(size=loss.size)


def differences(f, x, step=1e-5):
    return np.array([(f(x + step * e) - f(x - step * e)) / (2 * step) for e in np.eye(len(x))])


@every_loss
def test_derivatives_are_those_of_the_value(name):
    loss = LOSSES[name]
    u = somewhere(loss)
    assert_allclose(loss.gradient(u), differences(loss.value, u), rtol=1e-6, atol=1e-8)
    assert_allclose(loss.hessian(u), differences(loss.gradient, u), rtol=1e-6, atol=1e-8)
    move = np.random.default_rng(2).normal(size=loss.size)
    assert_allclose(loss.hessp(u, move), loss.hessian(u) @ move, rtol=1e-10, atol=1e-12)


def test_value_by_hand():
    weight = rows(X, weight=WEIGHT).weight
    loss = objective(Poisson(), X, COUNTS, WEIGHT, alpha={"mean": 0.7}, offset={"mean": X[:, 1] / 3})
    u = somewhere(loss)
    start, slopes = loss.designs["mean"].coefficients(u)
    mean = np.exp(X @ slopes[:, 0] + start[0] + X[:, 1] / 3)
    expected = -weight @ stats.poisson.logpmf(COUNTS, mean) / weight.sum() + 0.35 * (slopes**2).sum()
    assert loss.value(u) == pytest.approx(expected, rel=1e-12)
    assert loss.penalty(u) == pytest.approx(0.35 * (slopes**2).sum(), rel=1e-12)
    assert_allclose(loss.eta(u)["mean"], np.log(mean)[WEIGHT > 0])


@every_loss
def test_blocks_change_nothing(name):
    loss = LOSSES[name]
    other = loss.copy_with()
    other.data = type(loss.data)(loss.data.X, loss.data.y, np.array(loss.data.weight), loss.data.offset)
    other.data.block_rows, other._hessian_data = 7, other.data
    u = somewhere(loss)
    for one, two in zip(loss.evaluate(u, 2), other.evaluate(u, 2), strict=True):
        assert_allclose(one, two, rtol=1e-11, atol=1e-12)
    for part in loss.designs:
        assert_allclose(loss.eta(u)[part], other.eta(u)[part])


def test_a_point_is_evaluated_once():
    loss = objective(Gamma(), X, POSITIVE)
    u = somewhere(loss)
    for order, passes in ((0, 1), (0, 1), (1, 2), (0, 2), (1, 2), (2, 3), (1, 3), (2, 3)):
        loss.evaluate(u, order)
        assert loss.evaluations == passes
    assert not np.allclose(loss.evaluate(u, 2, "expected").hessian, loss.copy_with().hessian(u))
    assert loss.evaluations == 4
    loss.evaluate(u + 1e-9, 2, "expected")
    assert loss.evaluations == 5


def test_information_of_three_kinds():
    loss = objective(Gamma(), X, POSITIVE)
    u = somewhere(loss)
    found = {}
    for kind in ("observed", "expected", "integrated"):
        found[kind] = loss.evaluate(u, 2, kind).hessian
    assert_allclose(found["integrated"], found["expected"], rtol=1e-6, atol=1e-9)
    assert np.abs(found["observed"] - found["expected"]).max() > 1e-3


def test_a_density_narrower_than_the_rounding_of_y_is_unbounded():
    y = np.full(N, 3.0)
    loss = objective(Normal(), np.zeros((N, 1)), y)
    narrow, wide = (loss.designs["loc"].coordinates(np.array([3.0]), np.zeros((1, 1))) for _ in range(2))
    for log_scale, told in ((-40.0, True), (-5.0, False)):
        u = np.append(narrow, log_scale)
        assert bool(loss.unbounded(u, loss.value(u))) is told
    assert_array_equal(narrow, wide)
    counts = objective(Poisson(), X, COUNTS)
    assert not counts.unbounded(np.zeros(counts.size), -1e6)


def test_a_plane_through_coordinates():
    loss = objective(Gamma(), X, POSITIVE)
    origin, basis = somewhere(loss), np.linalg.qr(RNG.normal(size=(loss.size, 2)))[0]
    plane = Plane(loss, origin, basis)
    v = np.array([0.1, -0.2])
    point = plane.evaluate(v, 2)
    assert point.value == loss.value(origin + basis @ v)
    assert_allclose(point.gradient, differences(lambda w: plane.evaluate(w, 0).value, v), rtol=1e-6, atol=1e-9)
    assert_allclose(point.hessian, differences(lambda w: plane.evaluate(w, 1).gradient, v), rtol=1e-6, atol=1e-8)


# ---- penalties and units -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["plain", "dependent", "vector"])
def test_ridge_is_on_the_coefficients_of_the_columns(case):
    made = design(np.column_stack([X, X[:, 0]]) if case == "dependent" else X)
    if case == "vector":
        made = made.with_output_basis(THREE.layout["logits"].basis @ [[2.0, 1.0], [0.0, 0.5]], vector=True)
    ridge, u = Ridge(0.7, made), RNG.normal(size=made.size)
    assert ridge.value(u) == pytest.approx(0.35 * (made.coefficients(u)[1] ** 2).sum(), rel=1e-10)
    assert_allclose(ridge.gradient(u), differences(ridge.value, u), rtol=1e-7, atol=1e-9)
    assert_allclose(ridge.hessian() @ u, ridge.gradient(u), rtol=1e-10)


def test_a_ridge_on_unrotated_columns():
    wide = RNG.normal(size=(10, 610)) + 1.0
    made = from_moments(Moments(rows(wide), True, MAX_ROTATED_COLUMNS), slice(None), True, penalised=True)
    ridge, u = Ridge(0.7, made), RNG.normal(size=made.size)
    assert ridge.value(u) == pytest.approx(0.35 * (made.coefficients(u)[1] ** 2).sum(), rel=1e-10)
    assert_allclose(ridge.hessian() @ u, ridge.gradient(u), rtol=1e-10)


def test_information_of_many_rows_is_their_mean():
    n = 40_000
    y, weight = RNG.gamma(2.0, 1.0, n), RNG.integers(0, 4, n).astype(float)
    eta = {"mean": RNG.normal(size=n), "shape": RNG.normal(size=n)}
    found = mean_information(Gamma(), y, weight, eta)
    at_once = Gamma().evaluate(y, eta, 2, "expected").information
    assert found.keys() == at_once.keys()
    for pair, value in at_once.items():
        assert found[pair] == pytest.approx(np.average(value, weights=weight), rel=1e-12)


def test_units_make_the_information_the_identity():
    for law, y in ((Gamma(), POSITIVE), (THREE, CLASSES)):
        loss = objective(law, X, y, WEIGHT)
        u = np.zeros(loss.size)
        eta, keep = loss.eta(u), WEIGHT > 0
        finer = with_unit_information(loss, mean_information(law, y[keep], WEIGHT[keep], eta))
        hessian = finer.evaluate(change_basis(loss, finer, u), 2, "expected").hessian
        for place in finer.slices.values():
            assert_allclose(hessian[place, place], np.eye(place.stop - place.start), atol=1e-8)


def test_conversion_keeps_predictors_and_what_is_known():
    loss = objective(THREE, X, CLASSES, WEIGHT)
    finer = with_unit_information(
        loss, {("logits", "logits"): np.array([[0.4, -0.1, 0.0], [-0.1, 0.3, -0.1], [0.0, -0.1, 0.5]])}
    )
    u = somewhere(loss)
    point = loss.evaluate(u, 2)
    v = change_basis(loss, finer, u, point)
    known = finer.evaluate(v, 2)
    assert finer.evaluations == 0  # not evaluated again
    again = loss.copy_with(designs=finer.designs)
    for one, two in zip(known, again.evaluate(v, 2), strict=True):
        assert_allclose(one, two, rtol=1e-9, atol=1e-11)
    assert_allclose(finer.eta(v)["logits"], loss.eta(u)["logits"], rtol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_penalties_and_likelihood_together_have_unit_curvature(scale):
    loss = objective(Normal(scale=1.0), scale * X, POSITIVE, alpha={"loc": 0.5})
    hessian = precondition_penalties(loss).hessian(np.zeros(loss.size))
    assert_allclose(hessian, np.eye(loss.size), atol=1e-6)


def test_unrotated_coordinates_have_unit_curvature_each():
    wide = np.random.default_rng(3).normal(size=(30, 610)) * np.linspace(0.5, 2.0, 610)
    loss = objective(Normal(scale=1.0), wide, RNG.normal(size=30), alpha={"loc": 0.5})
    assert_allclose(np.diag(precondition_penalties(loss).hessian(np.zeros(loss.size))), 1.0, atol=1e-9)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("law", "y"), [(Gamma(), POSITIVE), (THREE, CLASSES)], ids=["one", "classes"])
def test_blocks_of_the_hessian_give_the_mean_information(law, y, intercept):
    loss = objective(law, X, y, intercept=intercept)
    u = np.zeros(loss.size)
    known = mean_information(law, y, np.ones(N), loss.eta(u))
    for pair, value in block_information(loss, loss.evaluate(u, 2, "expected").hessian).items():
        assert_allclose(value, known[pair], rtol=1e-9, atol=1e-12)


def test_a_constant_predictor_without_an_intercept_is_the_nearest():
    for columns in (X, np.column_stack([X[:, :2], np.ones(N)])):
        made = design(columns, WEIGHT, intercept=False).with_output_basis(np.array([[0.5]]))
        u = constant_predictor(rows(columns, weight=WEIGHT), made, 2.0)
        root = np.sqrt(WEIGHT)
        nearest = columns @ np.linalg.lstsq(root[:, None] * columns, 2.0 * root, rcond=None)[0]
        assert_allclose(made.coordinate_rows(columns) @ u * 0.5, nearest, rtol=1e-9)
    assert_allclose(constant_predictor(rows(X), design(X).with_output_basis(np.array([[0.5]])), 2.0), [4, 0, 0, 0])


# ---- curvatures --------------------------------------------------------------------------------------------------------


def test_curvatures_solve_with_the_hessian():
    loss = objective(Gamma(), X, POSITIVE, WEIGHT)
    u, g = somewhere(loss), RNG.normal(size=loss.size)
    assert_array_equal(Identity(loss.size).solve(g), g)
    expected = np.linalg.solve(loss.hessian(u), g)
    assert_allclose(Cholesky(loss, u).solve(g), expected)
    assert_allclose(Identity(loss.size).refreshed(loss, u).solve(g), expected)
    assert_allclose(SubsampledHessian(loss, u, False).solve(g), expected, rtol=1e-6)  # of all rows nothing is missing
    ridge = precondition_penalties(objective(Poisson(), X, COUNTS, alpha={"mean": 0.5}))
    u = somewhere(ridge)
    assert_allclose(SubsampledHessian(ridge, u, False).solve(g[:4]), np.linalg.solve(ridge.hessian(u), g[:4]), rtol=1e-6)
    with pytest.raises(np.linalg.LinAlgError):
        Cholesky(_Negative(), u)


class _Negative:
    size = 2

    def hessian(self, u):
        return np.diag([1.0, -1.0])


def neighbours(n, p, rng):
    """Sparse rows with four entries in neighbouring columns, of any order."""
    at = (rng.integers(p - 3, size=(n, 1)) + np.arange(4)).ravel()
    values = rng.normal(size=4 * n) * 10.0 ** rng.uniform(-1, 1, p)[at] + 0.2
    return sparse.csr_array((values, rng.permutation(p)[at], np.arange(0, 4 * n + 1, 4)), shape=(n, p))


@pytest.mark.parametrize("intercept", [True, False])
def test_curvature_of_sparse_columns_whose_products_are_a_band(intercept):
    columns = neighbours(300, 60, np.random.default_rng(0))
    y, weight = RNG.poisson(2.0, 300).astype(float), RNG.integers(0, 3, 300).astype(float)
    loss = objective(Poisson(), columns, y, weight, alpha={"mean": 1e-3}, intercept=intercept)
    loss = loss.copy_with(designs={"mean": loss.designs["mean"].unrotated().with_output_basis(np.array([[0.7]]))})
    for u in (np.zeros(loss.size), 0.1 * RNG.normal(size=loss.size)):
        known, step = Banded(loss, np.zeros(loss.size)).refreshed(loss, u), RNG.normal(size=loss.size)
        assert_allclose(known.solve(loss.hessian(u) @ step), step, rtol=1e-8, atol=1e-8)
    scattered = objective(Poisson(), sparse.random(600, 150, 0.2, "csr", random_state=0), np.ones(600), alpha={"mean": 1.0})
    scattered = scattered.copy_with(designs={"mean": scattered.designs["mean"].unrotated()})
    with pytest.raises(np.linalg.LinAlgError, match="too many products"):
        Banded(scattered, np.zeros(scattered.size))


def test_the_band_of_sparse_columns_knows_the_few_rows_of_most_information():
    """Of 4000 rows 600 are looked at; the information of 20 of them is 400 times that of the others."""
    rng = np.random.default_rng(2)
    columns = sparse.csr_array(neighbours(4000, 60, rng))
    far = rng.choice(4000, 20, replace=False)
    columns = columns.tolil()
    columns[far, 0] = 6.0
    loss = objective(Poisson(), sparse.csr_array(columns), np.ones(4000), alpha={"mean": 1e-3})
    loss = loss.copy_with(designs={"mean": loss.designs["mean"].unrotated()})
    design = loss.designs["mean"]
    u = design.coordinates(np.zeros(1), np.eye(60)[:1].T)
    known, hessian = Banded(loss, u), loss.hessian(u)
    values = np.linalg.eigvals([known.solve(column) for column in hessian]).real
    assert 0.3 < values.min() < values.max() < 6.0


def test_many_sparse_columns_whose_products_are_a_band_take_few_passes():
    rng = np.random.default_rng(0)
    columns = neighbours(16_000, 3200, rng)
    y = columns @ (0.1 * rng.normal(size=3200)) + rng.normal(size=16_000)
    model = MLERegressor(Normal(scale=1.0), alpha=1e-4).fit(columns, y)
    assert model.optimize_result_.n_passes <= 6
    center = columns.mean(axis=0)
    residual = y - columns @ model.coef_ - model.intercept_
    gradient = (columns.T @ residual - center * residual.sum()) / 16_000 - 1e-4 * model.coef_  # of the ridge
    assert np.abs(gradient).max() < 1e-10


def test_counts_of_wide_range_on_many_sparse_columns_converge():
    """The first steps lead to means beyond all counts, of which few rows hold all information."""
    rng, n, p = np.random.default_rng(0), 16_000, 3200
    at = (rng.integers(p, size=(n, 1)) + np.arange(10)) % p
    values = np.sqrt(0.1) * rng.normal(size=(n, 10)) + np.sqrt(0.9) * rng.normal(size=(n, 1))
    columns = sparse.csr_array((values.ravel(), rng.permutation(p)[at].ravel(), np.arange(0, 10 * n + 1, 10)), shape=(n, p))
    eta = columns @ rng.normal(size=p)
    y = rng.poisson(np.exp(0.5 + eta / eta.std())).astype(float)
    model = MLERegressor(Poisson(), alpha=1e-5).fit(columns, y)  # a warning would be an error
    residual = y - np.exp(columns @ model.coef_ + model.intercept_)
    assert abs(residual.mean()) < 1e-8
    assert np.abs(columns.T @ residual / n - 1e-5 * model.coef_).max() < 1e-8


@pytest.mark.parametrize("alpha", [1e-3, 3.0])
@pytest.mark.parametrize("intercept", [True, False])
def test_curvature_of_more_columns_than_rows(alpha, intercept):
    wide = RNG.normal(size=(30, 3200)) * RNG.uniform(0.5, 2.0, 3200) + 0.3
    y, weight = RNG.poisson(2.0, 30).astype(float), RNG.integers(0, 3, 30).astype(float)
    loss = objective(Poisson(), wide, y, weight, alpha={"mean": alpha}, intercept=intercept)
    u = 1e-3 * RNG.normal(size=loss.size)
    known = Woodbury(loss, u)
    step = RNG.normal(size=loss.size)
    product = loss.hessp(u, step)
    assert_allclose(known.solve(product)[intercept:], step[intercept:], rtol=2e-3, atol=2e-3)
    moved = u + 0.01 * step / np.linalg.norm(step)
    assert_allclose(
        known.refreshed(loss, moved).solve(loss.hessp(moved, step))[intercept:], step[intercept:], rtol=2e-3, atol=2e-3
    )


@pytest.mark.parametrize("far", [0.3, 30.0])
@pytest.mark.parametrize("intercept", [True, False])
def test_woodburys_formula_is_the_inverse_of_the_hessian(intercept, far):
    """With a penalty of 1e-4 on the intercept, which has none."""
    wide = np.random.default_rng(3).normal(size=(30, 610)) * np.linspace(0.5, 2.0, 610) + far
    weight = np.where(np.arange(30) % 5 == 0, 0.0, 1.0 + np.arange(30) % 3)
    loss = objective(Poisson(), wide, RNG.poisson(2.0, 30).astype(float), weight, alpha={"mean": 1.0}, intercept=intercept)
    u = 1e-3 * np.random.default_rng(4).normal(size=loss.size)
    hessian = loss.hessian(u)
    hessian[0, 0] += 1e-4 * intercept
    g = np.random.default_rng(5).normal(size=loss.size)
    assert_allclose(Woodbury(loss, u).solve(g), np.linalg.solve(hessian, g), rtol=1e-2, atol=2e-3)


@pytest.mark.parametrize("alpha", [None, 1.0])
@pytest.mark.parametrize("law", [Normal(scale=1.0), THREE], ids=["one", "classes"])
def test_hessian_of_a_subsample_is_rescaled_to_all_rows(law, alpha):
    """Mean squares of some of the rows are 0.6 and 1.3 times those of all; the information of a row is that of the others."""
    n, name = 400, law.layout.free[0]
    some = np.arange(n) < 200
    signs = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])[np.arange(n) % 4]
    columns = signs * np.where(some[:, None], np.sqrt([0.6, 1.3]), np.sqrt([1.4, 0.7]))
    y = np.arange(n) // 4 % 3.0
    whole = objective(law, columns, y, alpha=alpha and {name: alpha})
    u = np.zeros(whole.size)
    whole = precondition_penalties(with_unit_information(whole, mean_information(law, y, np.ones(n), whole.eta(u))))
    part = type(whole)(law, rows(columns[some], y[some]), whole.designs, whole.alpha)
    hessian = whole.hessian(u)
    assert_allclose(hessian, np.eye(whole.size), atol=1e-9)
    own = part.hessian(u).copy()
    known = SubsampledHessian(part, u, False)
    assert_allclose([known.solve(e) for e in np.eye(whole.size)], np.eye(whole.size), atol=0.03)
    assert np.abs(np.linalg.inv(own) - np.eye(whole.size)).max() > 0.1
    assert_array_equal(part.hessian(u), own)  # which the objective remembers


def test_a_part_that_misses_a_direction_does_not_resemble():
    loss = objective(Poisson(), X, COUNTS)
    assert is_representative(loss.data, loss.designs)
    part = rows(np.tile(X[:1], (10, 1)))
    assert not is_representative(part, loss.designs)
    part = rows(X.mean(axis=0) + 10 * (X - X.mean(axis=0)))
    assert not is_representative(part, loss.designs)


def test_points_hold_only_the_requested_derivatives():
    loss = objective(Gamma(), X, POSITIVE)
    value, gradient, hessian = loss.evaluate(somewhere(loss), 0)
    assert isinstance(loss.evaluate(somewhere(loss), 0), Point)
    assert np.isfinite(value)
    assert gradient is None
    assert hessian is None


def test_a_point_is_finite_or_complete():
    g, H = np.ones(2), np.eye(2)
    for value, gradient, hessian, order, finite, complete in (
        (1.0, None, None, 0, True, True),
        (np.inf, None, None, 0, False, False),
        (1.0, g, None, 1, True, True),
        (1.0, g * [1, np.nan], None, 1, False, False),
        (1.0, g * [1, -np.inf], H, 2, False, False),
        (np.inf, g, H, 2, False, False),
        (1.0, g, H * [[np.inf, 1], [1, 1]], 2, True, False),
        (1.0, g, H, 2, True, True),
    ):
        point = Point(value, gradient, hessian)
        assert (point.order, point.finite, point.complete) == (order, finite, complete)


def test_interface_of_the_objective_for_solvers():
    wide = RNG.normal(size=(10, 3100))
    assert objective(Poisson(), X, COUNTS).available_derivatives == {"gradient", "hessp", "hessian"}
    assert objective(Poisson(), wide, COUNTS[:10]).available_derivatives == {
        "gradient",
        "hessp",
        "hessian",
    }  # rotated to ten coordinates
    assert objective(Poisson(), wide, COUNTS[:10], alpha={"mean": 1.0}).available_derivatives == {"gradient", "hessp"}
    assert objective(Laplace(), X, COUNTS).available_derivatives == {"gradient"}


@pytest.mark.parametrize("name", ["both on columns", "classes"])
def test_extra_sums_are_computed_block_by_block(name):
    loss = LOSSES[name].copy_with()
    loss._hessian_data = loss.data.with_width(10**6)
    loss._hessian_data.block_rows = 7
    u = somewhere(loss)
    taken = lambda batch, rows, result: {"taken": [(batch.y, result.loglik)]}
    point, sums = loss.with_sums(u, "observed", taken)
    for one, two in zip(point, loss.evaluate(u, 2), strict=True):
        assert_allclose(one, two, rtol=1e-11, atol=1e-12)
    y, loglik = (np.concatenate(part) for part in zip(*sums["taken"], strict=True))
    assert_array_equal(y, loss.data.y[loss.data.weight > 0])
    assert loglik.shape == y.shape
    assert len(sums["taken"]) > 10


def test_beta_far_out_is_infinite_not_nan():
    loss = objective(Beta(), X, RNG.uniform(0.1, 0.9, N))
    assert loss.value(np.full(loss.size, 1e4)) == np.inf


@pytest.mark.parametrize("read", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("q", [(3, 2), (3, None), (None, 2), (None, None), (3, 3)])
def test_bilinear_forms_of_rows(q, read):
    rng = np.random.default_rng(0)
    values = [None if one is None else rng.normal(size=(4, one)) for one in q]
    left, right = [np.ones((4, 1)) if one is None else np.column_stack([np.ones(4), one]) for one in values]
    if q == (3, 3):
        values, right = [values[0]] * 2, left
    form = rng.normal(size=(left.shape[1], right.shape[1]))
    first = None if values[0] is None else read(values[0])
    second = first if values[0] is values[1] else None if values[1] is None else read(values[1])
    assert np.allclose(bilinear(first, second, form), ((left @ form) * right).sum(axis=1), rtol=1e-13)
