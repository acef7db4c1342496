"""Standard errors of laws with kinks: the kernel estimate against a direct computation, theory and simulation."""

from __future__ import annotations

from copy import copy

import numpy as np
import pytest
from scipy import stats

from sk_mle import MLERegressor
from sk_mle.datasets import make_mle_regression
from sk_mle.domains import POSITIVE, REAL
from sk_mle.likelihoods import AsymmetricLaplace, Fixed, GeneralizedNormal, Laplace, Likelihood, Transformed

RNG = np.random.default_rng(0)
N = 400
X = RNG.normal(size=(N, 2))
Y = 1 + X @ [0.5, -0.3] + (1 + 0.5 * np.abs(X[:, 0])) * RNG.normal(size=N)
CASES = [(AsymmetricLaplace(quantile=0.9), 0.1, 0.9), (Laplace(), 1.0, 1.0)]  # slopes on the left and on the right


def fitted(law, A=X, y=Y, weight=None):
    return MLERegressor(law).fit(A, y, sample_weight=weight).inference(A, y, sample_weight=weight)


@pytest.mark.parametrize(("law", "left", "right"), CASES, ids=repr)
def test_the_kernel_estimate_is_the_fixed_point(law, left, right):
    inference, Z = fitted(law), np.column_stack([np.ones(N), X])
    residual, scale = Y - Z @ inference.params[:3], np.exp(inference.params[3])
    passed = np.abs(residual) < 1e-8
    assert passed.sum() == 3
    B, wider = left * right / scale**2 * Z.T @ Z, (N / 200) ** (1 / 6)
    V = np.linalg.inv(B)
    for _ in range(100):
        width = wider * np.sqrt(np.einsum("ni,ij,nj->n", Z, V, Z))
        kernel = (left + right) / scale * stats.norm.pdf(residual, scale=width) * np.where(passed, 0, N / (N - 3))
        inverse = np.linalg.inv((Z * kernel[:, None]).T @ Z)
        V = (V + inverse @ B @ inverse) / 2
    np.testing.assert_allclose(inference.bse[:3], np.sqrt(np.diag(V)), rtol=0.03)  # ours sums over 33 nodes


@pytest.mark.parametrize("law", [case[0] for case in CASES], ids=repr)
def test_units_order_and_weights(law):
    one = fitted(law)
    np.testing.assert_allclose(fitted(law, X * [1e3, 1e-3] + 5, 1e6 * Y).bse[1:3] * [1e-3, 1e-9], one.bse[1:3], rtol=1e-8)
    order, weight = RNG.permutation(N), RNG.integers(1, 4, N)
    np.testing.assert_allclose(fitted(law, X[order], Y[order]).bse, one.bse, rtol=1e-8)
    copies = fitted(law, np.repeat(X, weight, axis=0), np.repeat(Y, weight))
    np.testing.assert_allclose(fitted(law, weight=weight).bse, copies.bse, rtol=1e-8)


def test_quantiles_of_another_law():
    """tau (1 - tau) / f**2 / n, Koenker and Bassett (1978): f the density of y at its quantile."""
    rng = np.random.default_rng(1)
    A = rng.normal(size=(20000, 2))
    y = 1 + A @ [0.5, -0.3] + rng.normal(size=20000)
    for tau in (0.5, 0.9):
        right = np.sqrt(tau * (1 - tau) / 20000) / stats.norm.pdf(stats.norm.ppf(tau))
        model = MLERegressor(AsymmetricLaplace(quantile=tau)).fit(A, y)
        np.testing.assert_allclose(model.inference(A, y).bse[:3], right, rtol=0.12)
    assert model.inference(A, y, cov="expected").bse[0] < 0.4 * right


def test_wrappers_have_the_standard_errors_of_the_law():
    plain = fitted(Laplace(), y=0.3 * Y)
    np.testing.assert_allclose(fitted(Transformed(Laplace(), "log"), y=np.exp(0.3 * Y)).bse[:3], plain.bse[:3], rtol=0.02)
    fixed, known = (fitted(law) for law in (Fixed(Laplace(), {"scale": 1.0}), Laplace(scale=1.0)))
    np.testing.assert_array_equal(fixed.bse, known.bse)


class UserLaplace(Likelihood):
    """What a user writes for a law with kinks."""

    parameters = {"loc": REAL, "scale": POSITIVE}
    support = REAL
    smooth = False
    width = 0.0

    def __init__(self, *, loc=None, scale=None, links=None):
        self.loc, self.scale, self.links = loc, scale, links

    def loglik(self, y, loc, scale):
        return -np.hypot((y - loc) / scale, self.width) - np.log(2 * scale)

    def pieces(self, y, loc, scale):
        z = (y - loc) / scale
        if not self.width:
            return z, np.sign(z), np.zeros_like(z)
        length = np.hypot(z, self.width)
        return z, z / length, (self.width / length) ** 2 / length

    def gradient(self, y, loc, scale):
        z, slope, _ = self.pieces(y, loc, scale)
        return {"loc": slope / scale, "scale": (z * slope - 1) / scale}

    def hessian(self, y, loc, scale):
        z, slope, bend = self.pieces(y, loc, scale)
        return {
            ("loc", "loc"): -bend / scale**2,
            ("loc", "scale"): -(slope + z * bend) / scale**2,
            ("scale", "scale"): (1 - 2 * z * slope - z * z * bend) / scale**2,
        }

    def kinks(self, y, **params):
        return y

    def smoothed(self, width):
        law = copy(self)
        law.width = width
        return law


def test_a_law_of_a_user_with_kinks():
    np.testing.assert_allclose(fitted(UserLaplace()).bse[:3], fitted(Laplace()).bse[:3], rtol=0.02)


def test_summary_notes_the_kernel_estimate():
    model = MLERegressor(Laplace()).fit(X, Y)
    inference = model.inference(X, Y)
    assert inference.cov_kind == "kernel estimate at the kinks"
    assert "covariance      kernel estimate at the kinks" in str(inference.summary())
    assert inference.robust
    np.testing.assert_array_equal(model.inference(X, Y, cov="kernel").bse, inference.bse)
    normal = MLERegressor().fit(X, Y)
    assert normal.inference(X, Y).cov_kind == "observed"
    with pytest.raises(ValueError, match="that of Normal is smooth; use cov='observed'"):
        normal.inference(X, Y, cov="kernel")
    with pytest.raises(ValueError, match=r"has kinks.*leave cov at its default"):
        model.inference(X, Y, groups=np.arange(N) % 40)


def test_covariance_is_refused_if_no_row_lies_near_its_kink():
    A, y = np.array([[0.0], [1.0]]), np.array([0.0, 1.0])
    with pytest.raises(ValueError, match="too few rows lie near the kinks of Laplace"):
        MLERegressor(Laplace(scale=1.0)).fit(A, y).inference(A, y)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("law", "intercepts"),
    [
        (AsymmetricLaplace(quantile=0.9), {"loc": 1.0, "scale": 0.0}),
        (Laplace(), {"loc": 1.0, "scale": 0.0}),
        (GeneralizedNormal(shape=0.8), {"loc": 1.0, "scale": 0.0}),
        (GeneralizedNormal(shape=1.5), {"loc": 1.0, "scale": 0.0}),
    ],
    ids=repr,
)
def test_coverage(law, intercepts):
    slopes, inside = np.array([0.5, -0.3]), []
    for seed in range(300):
        A, y = make_mle_regression(law, 200, 2, coefs={"loc": slopes}, intercepts=intercepts, random_state=seed)[:2]
        low, high = MLERegressor(law).fit(A, y).inference(A, y).conf_int()[1:3].T
        inside.append((low <= slopes) & (slopes <= high))
    assert 0.93 < np.mean(inside) < 0.99  # a figure of 600 is good to 0.009
