"""Rows, moments and coordinates, against plain linear algebra."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, get_ident

import numpy as np
import pytest
from _objectives import design, rows
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from threadpoolctl import threadpool_limits

from sk_mle._model import data as rows_in_memory
from sk_mle._model.data import Data, add_sums, times_weights, transposed, weighted_sum
from sk_mle._model.design import MAX_ROTATED_COLUMNS, from_moments, intercept_only
from sk_mle._model.moments import Moments, cholesky

RNG = np.random.default_rng(0)
N = 60
X = RNG.normal(size=(N, 3)) @ RNG.normal(size=(3, 3)) + [0.5, -2.0, 1.0]
WEIGHT = RNG.integers(0, 4, N).astype(float)
KEPT = np.repeat(np.arange(N), WEIGHT.astype(int))


# ---- rows --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_blocks_are_the_rows_of_positive_weight(kind):
    data = Data(kind(X), np.arange(N, dtype=float), WEIGHT, {"loc": np.arange(N) / 7})
    data.block_rows = 7
    blocks = list(data.blocks())
    assert len(blocks) == 9
    assert_array_equal(np.concatenate([block.y for block in blocks]), np.flatnonzero(WEIGHT))
    assert_array_equal(np.concatenate([block.weight for block in blocks]), WEIGHT[WEIGHT > 0])
    assert_array_equal(np.concatenate([block.offset["loc"] for block in blocks]), np.flatnonzero(WEIGHT) / 7)
    found = np.vstack([block.X.toarray() if kind is sparse.csr_matrix else block.X for block in blocks])
    assert_array_equal(found, X[WEIGHT > 0])
    assert (data.n_kept, data.total_weight, data.min_weight_share) == ((WEIGHT > 0).sum(), WEIGHT.sum(), 1 / WEIGHT.sum())


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_sums_and_columns_join_the_blocks_in_order(n_jobs):
    data = Data(X, np.arange(N, dtype=float), WEIGHT, {}, n_jobs)
    data.block_rows = 7
    assert_allclose(data.reduce(lambda batch: {"sum": batch.X.T @ batch.weight})["sum"], WEIGHT @ X)
    assert data.reduce(lambda batch: batch.y.max(), max) == np.flatnonzero(WEIGHT)[-1]
    assert_array_equal(data.column(lambda batch: {"y": batch.y})["y"], np.flatnonzero(WEIGHT))


def in_short_blocks(n_jobs):
    data = Data(X, np.arange(N, dtype=float), WEIGHT, {}, n_jobs)
    data.block_rows = 7
    return data


def test_threads_are_by_default_as_many_as_blas_may_use(monkeypatch):
    monkeypatch.setattr(rows_in_memory, "cpu_count", lambda: 3)
    used = []
    monkeypatch.setattr(rows_in_memory, "_map_on_threads", lambda pool, n, fn, blocks: used.append(n) or list(map(fn, blocks)))
    for n_jobs, limit in [(1, 2), (2, 1), (None, 1), (None, 2), (None, 64), (64, 1)]:
        with threadpool_limits(limit, "blas"):
            in_short_blocks(n_jobs).reduce(lambda batch: {"sum": batch.y.sum()})
    assert used == [2, 2, 3, 4]  # one thread needs none of these; nine blocks are enough for four


def on_the_second_thread(fn):
    """The results of two blocks on two threads, of which the second calls fn."""
    first, both = get_ident(), Barrier(2, timeout=5)

    def block(_):
        both.wait()  # so that each thread has one
        return fn() if get_ident() != first else None

    with ThreadPoolExecutor(1) as pool:
        return rows_in_memory._map_on_threads(pool, 2, block, [0, 1])


def test_threads_pass_errors_on_and_keep_the_error_state_of_numpy():
    assert set(on_the_second_thread(lambda: "second")) == {None, "second"}
    with pytest.raises(ZeroDivisionError):
        on_the_second_thread(lambda: 1 / 0)
    with np.errstate(divide="ignore"):
        on_the_second_thread(lambda: np.ones(1) / np.zeros(1))


def test_some_rows_are_drawn_from_everywhere_and_keep_their_weights():
    n = 1000
    weight = np.where(np.arange(n) % 5 == 0, 0.0, 1.0 + np.arange(n))
    data = Data(np.arange(n, dtype=float)[:, None], np.arange(n, dtype=float), weight, {"loc": -np.arange(n, dtype=float)})
    part = data.subsample(100)
    index = part.y.astype(int)
    assert len(index) == 100
    assert (np.diff(index) > 0).all()
    assert np.diff(index).max() < 30
    assert index[0] < 30
    assert index[-1] > n - 30
    assert_array_equal(part.X[:, 0], part.y)
    assert_array_equal(part.weight, weight[index])
    assert_array_equal(part.offset["loc"], -part.y)
    assert (part.weight > 0).all()
    assert data.subsample(400) is data  # not twice as many


def test_blocks_of_sparse_rows_are_transposed_without_a_copy():
    whole = sparse.csr_array(np.repeat(X, 10, axis=0))
    data = Data(whole, np.zeros(10 * N), np.ones(10 * N), {}).with_width(1 << 16)
    block = next(data.blocks()).X
    assert 0 < block.shape[0] < 5 * N  # of which SciPy would copy the entries
    assert np.shares_memory(transposed(block).data, whole.data)
    assert_array_equal(transposed(block).toarray(), block.toarray().T)
    assert_array_equal(transposed(whole.tocsc()).toarray(), whole.toarray().T)
    assert_array_equal(transposed(X), X.T)


def test_weighted_sums():
    values = RNG.normal(size=(N, 2, 3))
    assert_allclose(weighted_sum(values, WEIGHT), np.einsum("n,nij->ij", WEIGHT, values))
    assert_allclose(times_weights(values, WEIGHT), WEIGHT[:, None, None] * values)
    ones = rows(X).weight
    assert_allclose(weighted_sum(values, ones), values.sum(axis=0))
    assert times_weights(values, ones) is values


# ---- moments -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 1e6, 1e8])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_moments_are_those_of_repeated_rows(kind, shift):
    moved = X + shift
    moments = Moments(rows(kind(moved), weight=WEIGHT), True, MAX_ROTATED_COLUMNS)
    repeated = moved[KEPT] - shift
    assert_allclose(moments.mean - shift, repeated.mean(axis=0), rtol=1e-12 + 1e-15 * shift)
    assert_allclose(moments.scale, repeated.std(axis=0), rtol=1e-12 + 1e-15 * shift)
    assert_allclose(moments.gram, np.corrcoef(repeated.T), rtol=1e-11 + 1e-14 * shift)
    root = moments.root()
    assert root.shape == (3, 3)
    assert_allclose(root.T @ root, moments.gram, rtol=1e-11 + 1e-14 * shift)


def test_a_sample_that_misleads_about_the_means_is_corrected():
    """Sums are taken around what every twelfth row says of the means; where the others lie far away, once more."""
    x = 1e7 + np.random.default_rng(1).normal(size=(3072, 2))
    x[::12] -= 1e7
    moments = Moments(rows(x, weight=np.where(np.arange(3072) % 12 == 0, 0.0, 1.0)), True, MAX_ROTATED_COLUMNS)
    kept = np.delete(x, np.arange(0, 3072, 12), axis=0)
    assert_allclose(moments.scale, kept.std(axis=0), rtol=1e-7)
    assert_allclose(moments.gram[0, 1], np.corrcoef(kept.T)[0, 1], rtol=1e-6)


def test_moments_without_an_intercept_are_about_zero():
    moments = Moments(rows(X, weight=WEIGHT), False, MAX_ROTATED_COLUMNS)
    products = X[KEPT].T @ X[KEPT] / len(KEPT)
    assert_array_equal(moments.mean, 0)
    assert_allclose(moments.scale, np.sqrt(np.diag(products)))
    assert_allclose(moments.gram, products / np.outer(moments.scale, moments.scale))


@pytest.mark.parametrize("shape", [(60, 3), (5, 8)])
def test_roots_of_blocks_are_those_of_all_rows(shape):
    wide = RNG.normal(size=shape) + 3.0
    data = rows(wide, weight=1.0 + np.arange(len(wide)))
    data.block_rows = 2
    moments = Moments(data, True, MAX_ROTATED_COLUMNS)
    moments.data.block_rows = 2
    root = moments.root()
    assert len(root) == min(shape)
    assert_allclose(root.T @ root, np.corrcoef(np.repeat(wide, 1 + np.arange(len(wide)), axis=0).T), atol=1e-12)


def test_constant_columns_have_no_scale():
    constant = np.column_stack([X[:, 0], np.full(N, 1e9), np.zeros(N), np.full(N, 0.1)])
    assert_array_equal(Moments(rows(constant), True, MAX_ROTATED_COLUMNS).scale > 0, [True, False, False, False])


def test_many_columns_in_single_precision_give_the_same_result():
    wide = RNG.normal(size=(400, 70)) + 5.0
    moments = Moments(rows(wide), True, MAX_ROTATED_COLUMNS)
    assert_allclose(moments.gram, np.corrcoef(wide.T), atol=1e-6)
    steep = wide.copy()
    steep[:, 1] = steep[:, 0] + 1e-4 * steep[:, 1]
    found = Moments(rows(steep), True, MAX_ROTATED_COLUMNS).gram[0, 1]
    assert 1 - found == pytest.approx(1 - np.corrcoef(steep.T)[0, 1], rel=1e-5)  # which single precision does not resolve


def test_no_products_of_more_columns_than_allowed():
    moments = Moments(rows(X), True, 2)
    assert moments.gram is None
    assert_allclose(moments.scale, X.std(axis=0))


def test_smallest_eigenvalue_and_norm():
    gram = np.corrcoef(X.T)
    factor, smallest = cholesky(gram)
    assert_allclose(np.tril(factor) @ np.tril(factor).T, gram)
    least = np.linalg.eigvalsh(gram)[0]
    assert least / 3 <= smallest <= least
    assert cholesky(np.ones((2, 2)) - 2 * np.eye(2))[1] == 0.0
    moments = Moments(rows(X), True, MAX_ROTATED_COLUMNS)
    assert moments.norm([0, 2]) == pytest.approx(1 + abs(gram[0, 2]))
    assert_allclose(moments.factor(np.array([0, 2]))[0][1, 0], gram[0, 2])


# ---- coordinates -------------------------------------------------------------------------------------------------------


def line(x):
    return np.column_stack([x**k for k in range(1, 6)])


WIDE = np.random.default_rng(1).normal(size=(20, 40))
CASES = {
    "plain": (X, None, True),
    "weighted": (X, WEIGHT, True),
    "without an intercept": (X, None, False),
    "far from zero": (X + 1e6, None, True),
    "steep": (line(np.arange(21.0)), None, True),
    "sparse": (sparse.csr_matrix(X), None, True),
    "dependent": (np.column_stack([X, X @ [1.0, 2.0, 3.0]]), None, True),
    "constant": (np.column_stack([X, np.ones(N)]), None, True),
    "one": (X[:, :1], None, True),
    "wide": (WIDE, None, True),
    "wide without an intercept": (WIDE, None, False),
}


@pytest.mark.parametrize("name", CASES)
def test_coordinates_are_orthonormal(name):
    data, weight, intercept = CASES[name]
    made = design(data, weight, intercept)
    Z = made.coordinate_rows(data)
    weight = np.ones(len(Z)) if weight is None else weight
    assert_allclose(Z.T @ (Z * weight[:, None]) / weight.sum(), np.eye(made.size), atol=1e-9)
    dense = data.toarray() if sparse.issparse(data) else data
    assert made.size == np.linalg.matrix_rank(dense - intercept * dense.mean(axis=0)) + intercept


@pytest.mark.parametrize("name", CASES)
def test_predictors_agree_from_coefficients_and_coordinates(name):
    data, _, intercept = CASES[name]
    made = design(data, CASES[name][1], intercept)
    u = RNG.normal(size=made.size)
    eta = made.coordinate_rows(data) @ u
    start, slopes = made.coefficients(u)
    assert_allclose(data @ slopes[:, 0] + start[0], eta, rtol=1e-6, atol=1e-8)
    both = made.original_matrix() @ u
    assert_allclose(np.append(start, slopes[:, 0]), both, rtol=1e-9, atol=1e-12 * np.abs(both).max())
    start, slopes = made.expand(u)
    assert_allclose(made.plain_rows(data) @ np.append(start, slopes[:, 0]), eta, rtol=1e-7, atol=1e-9)
    assert_allclose(made.coordinates(*made.coefficients(u)), u, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_collapse_is_the_adjoint_of_expand(name):
    made = design(*CASES[name])
    u, sums = RNG.normal(size=made.size), RNG.normal(size=(len(made.column_basis) + 1, 1))
    start, slopes = made.expand(u)
    other = made.expand_adjoint(sums) @ u
    assert start[0] * sums[0, 0] + slopes[:, 0] @ sums[1:, 0] == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize(
    "scales", [np.ones(60), np.geomspace(0.1, 10, 60), np.geomspace(1e-3, 1e3, 60)], ids=["equal", "unlike", "very unlike"]
)
def test_more_columns_than_rows_have_coordinates_in_their_row_space(scales):
    wide = RNG.normal(size=(20, 60)) * scales
    made, centred = design(wide), (wide - wide.mean(axis=0)) / np.sqrt(20)
    basis = made.original_column_basis()
    assert_allclose((centred @ basis).T @ (centred @ basis), np.eye(19), atol=1e-8)
    assert_allclose(np.linalg.pinv(centred) @ (centred @ basis), basis, atol=1e-8 * np.abs(basis).max())
    assert made.basis_products.ndim == 1  # they are orthogonal
    for one in (made, made.rotated(np.linspace(0.5, 2.0, 19)), made.rotated(RNG.normal(size=(19, 19)))):
        basis, products = one.original_column_basis(), one.basis_products
        products = np.diag(products) if products.ndim == 1 else products
        assert_allclose(products, basis.T @ basis, rtol=1e-8, atol=1e-9 * np.abs(basis).max() ** 2)
        assert_allclose(one.coordinate_rows(wide)[:, 1:], centred @ basis * np.sqrt(20), atol=1e-8 * np.abs(basis).max())


@pytest.mark.parametrize("n_repeated", [24, 45])  # fewer rows than columns, or more
def test_weights_and_repeated_rows_have_the_same_coordinates(n_repeated):
    """But for their signs: the gradient at which a fit ends is then the same."""
    wide, counts = RNG.normal(size=(15, 30)), np.resize([0, 1, 2, 3], 15)
    counts[1] += n_repeated - counts.sum()
    repeated = np.repeat(wide, counts, axis=0)
    cases = (wide, counts.astype(float)), (repeated, np.ones(len(repeated)))
    weighted, plain = (
        from_moments(Moments(Data(X, np.zeros(len(X)), weight, {}), True, MAX_ROTATED_COLUMNS), slice(None), True)
        for X, weight in cases
    )
    basis = weighted.original_column_basis()
    assert_allclose(np.abs(plain.original_column_basis()), np.abs(basis), atol=1e-7 * np.abs(basis).max())
    assert_allclose(plain.basis_products, weighted.basis_products, rtol=1e-7)


def test_coefficients_of_dependent_columns_have_the_smallest_norm():
    data = CASES["dependent"][0]
    made = design(data)
    y = RNG.normal(size=N)
    u = np.linalg.lstsq(made.coordinate_rows(data), y, rcond=None)[0]
    centred = data - data.mean(axis=0)
    assert_allclose(made.coefficients(u)[1][:, 0], np.linalg.lstsq(centred, y - y.mean(), rcond=None)[0], rtol=1e-9)


def test_steep_columns_are_rotated_row_by_row():
    """Where sums of products have lost their digits; elsewhere the rows stay what they are."""
    assert design(line(np.arange(21.0))).columns.rotation is not None
    assert design(X).columns.rotation is None
    near = X.copy()
    near[:, 1] = near[:, 0] + 1e-2 * near[:, 1]
    assert design(near).columns.rotation is None


def test_some_columns():
    made = design(X, index=np.array([2, 0]))
    u = np.array([0.5, 1.0, -2.0])
    start, slopes = made.coefficients(u)
    assert_allclose(X[:, [2, 0]] @ slopes[:, 0] + start[0], made.coordinate_rows(X) @ u)


def test_an_intercept_alone():
    made = intercept_only()
    assert made.shape == (1, 1)
    assert_array_equal(made.coordinate_rows(X), np.ones((N, 1)))
    assert_array_equal(made.coefficients([3.0])[0], [3.0])
    assert_array_equal(made.expand_adjoint(np.array([[4.0]])), [4.0])


@pytest.mark.parametrize(("name", "diagonal"), [("plain", True), ("plain", False), ("steep", False), ("dependent", False)])
def test_rotated_coordinates_are_multiples_of_the_old(name, diagonal):
    data = CASES[name][0]
    made = design(data)
    r = made.size - 1
    turn = RNG.uniform(0.5, 2.0, r) if diagonal else RNG.normal(size=(r, r)) + 3 * np.eye(r)
    u = RNG.normal(size=made.size)
    old = np.append(u[0], turn * u[1:] if diagonal else turn @ u[1:])
    other = made.rotated(turn)
    for one, two in zip(other.coefficients(u), made.coefficients(old), strict=True):
        assert_allclose(one, two, rtol=1e-7, atol=1e-10)
    assert_allclose(other.coordinate_rows(data) @ u, made.coordinate_rows(data) @ old, rtol=1e-7, atol=1e-8)


def test_penalised_columns_beyond_their_rows_stay_unrotated():
    many = np.random.default_rng(1).normal(size=(10, 610)) + 1.0
    made = from_moments(Moments(rows(many), True, MAX_ROTATED_COLUMNS), slice(None), True, penalised=True)
    assert made.column_basis.shape == (610,)
    u = RNG.normal(size=611)
    start, slopes = made.coefficients(u)
    assert_allclose(many @ slopes[:, 0] + start[0], made.coordinate_rows(many) @ u, rtol=1e-9)
    assert_allclose(made.coordinates(start, slopes), u, rtol=1e-9)
    assert_allclose(slopes[:, 0], u[1:] / many.std(axis=0), rtol=1e-9)
    assert from_moments(Moments(rows(many), True, MAX_ROTATED_COLUMNS), slice(None), True).size == 10
    few = Moments(rows(many[:, :500]), True, MAX_ROTATED_COLUMNS)
    assert from_moments(few, slice(None), True, penalised=True).size == 10


def test_sums_by_key():
    one, two = {"a": np.ones(2), "b": np.full(1, 3.0)}, {"b": np.ones(1), "c": np.zeros(3)}
    found = add_sums(one, two)
    assert list(found) == ["a", "b", "c"]
    assert_array_equal(found["a"], [1, 1])
    assert_array_equal(found["b"], [4])
    assert_array_equal(found["c"], [0, 0, 0])


def test_vectors_have_directions():
    basis = np.linalg.qr(np.column_stack([np.ones(3), RNG.normal(size=(3, 2))]))[0][:, 1:]  # sums of zero
    made = design(X).with_output_basis(basis @ [[1e-8, 0.0], [1e-8, 1.0]], vector=True)
    assert made.shape == (4, 2)
    u = RNG.normal(size=made.size)
    start, slopes = made.coefficients(u)
    assert_allclose(start.sum(), 0, atol=1e-12)
    assert_allclose(slopes.sum(axis=1), 0, atol=1e-12)
    there = RNG.normal(size=(5, 2))
    assert_allclose(made.in_output_basis(there @ made.output_basis.T), there, rtol=1e-6)
    assert_allclose(made.coordinates(start, slopes), u, rtol=1e-6)


def test_one_object_serves_parameters_on_the_same_columns():
    moments = Moments(rows(X), True, MAX_ROTATED_COLUMNS)
    assert_allclose(from_moments(moments, slice(None), True).matrix(), from_moments(moments, np.arange(3), True).matrix())
