"""Interpolation of smooth functions at many points."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sk_mle._special.skew import df_derivatives, log_skew_tails, log_t, log_t_derivatives
from sk_mle._special.tabulated import tabulated
from sk_mle.likelihoods import ConwayMaxwellPoisson

X = np.random.default_rng(0).normal(size=3000)


class Counted:
    def __init__(self, *functions):
        self.functions, self.n_evaluated = functions, 0

    def __call__(self, x):
        self.n_evaluated += len(x)
        return np.stack([function(x) for function in self.functions])


def test_values_between_few_points():
    functions = Counted(np.exp, lambda x: 1e8 * np.sin(3 * x), lambda x: 1e-8 / (1 + x**2))
    found = tabulated(functions, X)
    assert functions.n_evaluated < len(X) / 4
    for value, f, size in zip(found, functions.functions, (1, 1e8, 1e-8), strict=True):
        assert_allclose(value, f(X), rtol=1e-11, atol=1e-12 * size)


def test_equal_points_are_one():
    assert_allclose(tabulated(Counted(np.exp), np.full(2000, 0.3)), np.full((1, 2000), np.exp(0.3)), rtol=1e-14)


def test_a_kink_in_the_middle_of_a_panel_is_seen():
    """Of an even function every other coefficient is zero, the last one too."""
    x = np.linspace(-0.5, 0.5, 3001)
    assert_allclose(tabulated(Counted(np.abs), x)[0], np.abs(x), atol=1e-12)


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (np.abs, X),
        (lambda x: np.exp(x) + 1e-9 * np.sign(np.sin(1e6 * x)), X),
        (np.exp, X[:1000]),
        (np.exp, np.where(X > 2, np.nan, X)),
        (np.exp, np.where(X > 2, np.inf, X)),
        (np.exp, 100 * X),
        (lambda x: np.where(x > 1, np.nan, x), X),
    ],
    ids=["a kink", "rounding", "few points", "nan", "inf", "far apart", "values of nan"],
)
def test_what_is_not_smooth_or_does_not_pay_is_left(function, x):
    functions = Counted(function)
    assert tabulated(functions, x) is None
    assert functions.n_evaluated < len(x) / 4


def by_blocks(function, n, *args):
    """Values in blocks of rows too few to be interpolated."""
    parts = [function(*(np.broadcast_to(a, n)[k : k + 500] for a in args)) for k in range(0, n, 500)]
    return np.concatenate(parts, axis=-1)


@pytest.mark.parametrize("dispersion", [0.3, 1.0, 20.0])
def test_many_means_of_one_dispersion(dispersion):
    mean, y = np.exp(X[:1500]), np.random.default_rng(1).poisson(np.exp(X[:1500])).astype(float)
    terms = lambda y, mean, d: [
        part
        for value, *sides in [ConwayMaxwellPoisson().terms(y, 2, mean, d)]
        for part in (value, *sides[0].values(), *sides[1].values())
    ]
    for many, few in zip(terms(y, mean, np.full(1500, dispersion)), by_blocks(terms, 1500, y, mean, dispersion), strict=True):
        assert_allclose(many, few, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("df", [0.7, 4.0, 300.0])
def test_many_values_of_one_shape(df):
    z = 4 * np.sinh(X[:1500])
    for function, args in (
        (log_skew_tails, (z, -2.0, df)),
        (log_t, (z, df)),
        (lambda x, df: log_t_derivatives(x, df, 2), (z, df)),
        (lambda z, shape, df: df_derivatives(z, shape, df, 0.0), (z, -2.0, df)),
    ):
        assert_allclose(np.array(function(*args)), by_blocks(function, 1500, *args), rtol=1e-9, atol=1e-13)
