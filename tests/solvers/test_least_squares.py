"""Least squares on few rows: the objective is that of all rows, at the cost of two passes over them."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Lasso

from sk_mle import MLERegressor
from sk_mle._model.data import Data
from sk_mle._solvers.least_squares import with_few_rows
from sk_mle.domains import REAL
from sk_mle.likelihoods import Laplace, Likelihood, Normal, StudentT
from tests._objectives import objective

N = 400
RNG = np.random.default_rng(0)
TABLES = {
    "plain": RNG.normal(size=(N, 4)),
    "far": RNG.normal(size=(N, 4)) + 1e6,
    "dependent": RNG.normal(size=(N, 3)) @ np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 0.0]]),
    "constant": np.column_stack([RNG.normal(size=(N, 3)), np.full(N, 2.0)]),
    "sparse": sparse.csr_matrix(RNG.normal(size=(N, 4)) * (RNG.uniform(size=(N, 4)) < 0.2)),
    "single precision": RNG.normal(size=(N, 4)).astype(np.float32),
}


class Shifted(Likelihood):
    """Y - 0.5 is normal: quadratic in y - loc, but not even."""

    parameters = {"loc": REAL}
    support = REAL

    def __init__(self, *, loc=None, links=None):
        self.loc, self.links = loc, links

    def loglik(self, y, loc):
        return -((y - 0.5 - loc) ** 2) / 2 - np.log(2 * np.pi) / 2

    def gradient(self, y, loc):
        return {"loc": y - 0.5 - loc}

    def hessian(self, y, loc):
        return {("loc", "loc"): -np.ones_like(y)}


@pytest.mark.parametrize("law", [Normal(), Normal(scale=0.7)], ids=str)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("kind", TABLES)
def test_value_and_derivatives_are_those_of_all_rows(kind, intercept, law):
    X, rng = TABLES[kind], np.random.default_rng(1)
    y = X @ np.array([1.0, -1.0, 0.5, 0.0]) + rng.normal(size=N) + 3
    weight, offset = rng.uniform(0, 2, N) * (rng.uniform(size=N) < 0.9), rng.normal(size=N)
    found = with_few_rows(objective(law, X, y, weight, offset={"loc": offset}, alpha={"loc": 0.1}, intercept=intercept))
    assert found is not None
    whole, start = found
    few = whole.on_equivalent_rows
    bare = whole.with_penalties({}).gradient(start)
    assert np.abs(bare[few.slices["loc"]]).max() < 1e-8
    for size in (0.0, 0.3):
        u = start + size * rng.normal(size=len(start))
        for order, information in ((2, "observed"), (2, "expected")):
            here, there = few.evaluate(u, order, information), whole.evaluate(u, order, information)
            assert here.value == pytest.approx(there.value, rel=1e-10)
            assert here.gradient == pytest.approx(there.gradient, abs=1e-8)
            assert here.hessian == pytest.approx(there.hessian, abs=1e-8)


@pytest.mark.parametrize("law", [Laplace(), StudentT(df=4), Shifted()], ids=str)
def test_other_laws_are_not_least_squares(law):
    X = TABLES["plain"]
    assert with_few_rows(objective(law, X, X[:, 0] + RNG.normal(size=N))) is None


def test_an_exact_fit_is_left_to_all_rows():
    X = TABLES["plain"]
    assert with_few_rows(objective(Normal(), X, X @ np.ones(4) + 1)) is None
    small = with_few_rows(objective(Normal(), X, X @ np.ones(4) + 1 + 1e-6 * RNG.normal(size=N)))
    assert small is not None
    assert np.abs(small[0].gradient(small[1])).max() < 1e-8


@pytest.mark.parametrize("law", [Normal(), Normal(scale=2.0)], ids=str)
def test_a_path_takes_two_passes_and_ends_at_the_lasso(law, monkeypatch):
    X, y = TABLES["plain"], TABLES["plain"] @ np.array([1.0, -1.0, 0.2, 0.0]) + np.random.default_rng(2).normal(size=N)
    passes, reduce = [], Data.reduce
    monkeypatch.setattr(Data, "reduce", lambda data, *rest: passes.append(data.n_samples) or reduce(data, *rest))
    path = MLERegressor(law).path(X, y, alphas=12)
    assert passes.count(N) == 2  # the products of the columns, and those with y
    scales = np.exp(path.intercepts["scale"]) if law.scale is None else np.full(12, 2.0)
    for alpha, scale, coef in zip(path.alphas, scales, path.coefs["loc"], strict=True):
        expected = Lasso(alpha=alpha * scale**2, tol=1e-14).fit(X, y).coef_
        assert coef == pytest.approx(expected, abs=1e-9)
