"""Which rows have a density, how narrow it may become, and how a fit finds that the likelihood is unbounded."""

from __future__ import annotations

import numpy as np
import pytest
from _objectives import objective, rows
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from sk_mle._model.bounds import DensityRows, density_loss, has_repeated_value, is_diverging, loglik_of_rows, narrow_rows
from sk_mle.likelihoods import Censored, Normal, Poisson, censored

RNG = np.random.default_rng(0)
N = 12
X = RNG.normal(size=(N, 2))
Y = np.append(RNG.normal(3.0, 1.0, N - 1), -7.0)
WEIGHT = np.array([0.0, 2.0, 1.0, 1.0, 3.0, 1.0, 0.0, 1.0, 1.0, 2.0, 1.0, 1.0])
WIDTH = 64 * np.finfo(float).eps
EVENT = np.arange(N) % 3 > 0


def half():
    """A law of observed values and of values known from below, its target, and which rows have a density."""
    law = Censored(Normal())
    return law, law.read(censored(Y, event=EVENT)), EVENT


def test_all_rows_of_a_density():
    dense = DensityRows(Normal(), rows(X, Y, WEIGHT))
    assert (dense.all_rows, dense.no_rows, dense.weight_share) == (True, False, 1.0)
    assert_array_equal(dense.index, np.flatnonzero(WEIGHT))
    assert dense.largest == 7.0
    assert dense.floor == pytest.approx(np.average(np.log(WIDTH * np.abs(Y)), weights=WEIGHT))
    assert dense.floor_bound == pytest.approx(np.log(7 * WIDTH))
    assert dense.floor_bound >= dense.floor


def test_no_row_of_a_mass():
    dense = DensityRows(Poisson(), rows(X, np.arange(12.0), WEIGHT))
    assert (dense.all_rows, dense.no_rows, dense.weight_share, dense.floor) == (False, True, 0.0, -np.inf)
    assert len(dense.index) == 0
    loss = objective(Poisson(), X, np.arange(12.0), WEIGHT)
    assert len(narrow_rows(loss, np.zeros(loss.size))) == 0
    assert not is_diverging(loss, np.zeros(loss.size))


def test_rows_that_were_observed():
    law, y, seen = half()
    dense, index = DensityRows(law, rows(X, y, WEIGHT)), np.flatnonzero(seen & (WEIGHT > 0))
    assert (dense.all_rows, dense.no_rows) == (False, False)
    assert_array_equal(dense.index, index)
    assert dense.weight_share == pytest.approx(WEIGHT[index].sum() / WEIGHT.sum())
    assert dense.largest == np.abs(Y[index]).max()
    assert dense.floor == pytest.approx(WEIGHT[index] @ np.log(WIDTH * np.abs(Y[index])) / WEIGHT.sum())
    assert dense.floor_bound * dense.weight_share >= dense.floor


def test_their_part_of_the_loss():
    law, y, seen = half()
    loss = objective(law, X, y, WEIGHT)
    u = 0.1 * RNG.normal(size=loss.size)
    eta = {name: np.zeros(N) for name in loss.eta(u)}
    for name, value in loss.eta(u).items():
        eta[name][WEIGHT > 0] = value
    plain = stats.norm.logpdf(Y, eta["loc"], np.exp(eta["scale"]))
    tail = stats.norm.logsf(Y, eta["loc"], np.exp(eta["scale"]))
    expected = np.where(WEIGHT > 0, np.where(seen, plain, tail), np.nan)
    assert_allclose(loglik_of_rows(loss, u), expected, rtol=1e-9)
    kept = seen & (WEIGHT > 0)
    assert density_loss(loss, u, loss.value(u)) == pytest.approx(-(WEIGHT[kept] @ plain[kept]) / WEIGHT.sum())
    whole = objective(Normal(), X, Y, WEIGHT)
    assert density_loss(whole, u, 1.25) == 1.25


def at(loss, loc, scale):
    """Coordinates of a constant location and scale."""
    u = np.zeros(loss.size)
    for name, value in (("loc", loc), ("scale", np.log(scale))):
        design = loss.designs[name]
        u[loss.slices[name]] = design.coordinates(np.atleast_1d(value), np.zeros((len(design.shift), 1)))
    return u


def test_rows_whose_density_is_narrower_than_rounding():
    loss = objective(Normal(), X, Y, WEIGHT)
    peak = 1 / np.sqrt(2 * np.pi)
    for row in (1, 11):
        width = WIDTH * abs(Y[row])
        for widths in (1.0, 1e3):
            for scale, narrow in ((0.9 * widths * width * peak, [row]), (1.1 * widths * width * peak, [])):
                assert_array_equal(narrow_rows(loss, at(loss, Y[row], scale), widths), narrow)
    assert_array_equal(narrow_rows(loss, at(loss, Y[0], 1e-16)), [])  # a row of no weight


def test_one_value_that_is_repeated_far_more_often_than_any_other():
    y = np.round(RNG.normal(size=200), 1) + 0.05
    y[:60] = 0.5
    for value, atom in ((0.5, True), (np.sort(y)[-5], False)):
        loss = objective(Normal(), np.zeros((200, 1)), y)
        assert has_repeated_value(loss, at(loss, value, 1e-14)) is atom
    assert not has_repeated_value(loss, at(loss, 0.5, 1.0))
    often = np.array([1.0] * 5 + [2.0] * 2 + [3.0])
    for count, atom in ((5, False), (6, True)):  # three times as often
        loss = objective(Normal(), np.zeros((count + 3, 1)), np.append(np.ones(count), often[5:]))
        assert has_repeated_value(loss, at(loss, 1.0, 1e-14)) is atom


@pytest.mark.parametrize(
    ("y", "weight", "expected"),
    [
        ([3.0] * 8 + [0.0] * 6 + [0.1, 0.2, 0.3, 0.4], np.ones(18), [3.0, 0.0]),  # two, each five times as often as others
        ([3.0] * 8 + [0.0] * 4 + [0.1, 0.2, 0.3, 0.4], np.ones(16), []),
        ([0.1] * 4 + [0.2] * 5 + [0.3] * 3 + [0.4], np.ones(13), []),  # rounded
        ([0.1, 0.2, 0.3, 0.4], [1.0, 6.0, 1.0, 0.0], [0.2]),  # a weight of six is six copies
        ([2.0] * 3, np.ones(3), [2.0]),
        ([2.0] * 2, [5.0, 1.0], [2.0]),  # as six copies
    ],
)
def test_values_that_are_repeated_far_more_often_than_others(y, weight, expected):
    weight = np.array(weight)
    values, shares = DensityRows(Normal(), rows(np.zeros((len(y), 1)), np.array(y), weight)).repeated_values
    assert_array_equal(values, expected)
    assert_allclose(shares, [weight[np.equal(y, value)].sum() / weight.sum() for value in values])


def meeting(count, log_scale, law=None, **options):
    """A start that meets so many rows by three coefficients, and its loss."""
    y = np.array([1.0, 3.0, -2.0, 0.5])[:count]
    loss = objective(law or Normal(), X[:count], y, **options)
    slopes = np.linalg.lstsq(np.column_stack([np.ones(count), X[:count]]), y, rcond=None)[0]
    u = np.zeros(loss.size)
    u[loss.slices["loc"]] = loss.designs["loc"].coordinates(slopes[:1], slopes[1:, None])
    u[-1] = log_scale
    return loss, u


def test_density_is_unbounded_if_all_rows_can_be_interpolated():
    assert is_diverging(*meeting(3, -6.0))
    assert not is_diverging(*meeting(4, -6.0))
    assert not is_diverging(*meeting(3, 1.0))  # no peak: a scale that is held, say
    assert not is_diverging(*meeting(3, -6.0, alpha={"loc": 1.0}))
    assert not is_diverging(*meeting(3, -6.0, offset={"loc": np.zeros(3)}))


@pytest.mark.parametrize(("bound", "without_end"), [(-50.0, True), (50.0, False)])
def test_rows_that_are_known_up_to_an_interval_must_be_certain(bound, without_end):
    """Two rows are met by an intercept and a slope; a third, above its bound for certain or not, may hold the width."""
    law, x = Censored(Normal()), np.array([[0.0], [1.0], [0.5]])
    loss = objective(law, x, law.read(censored(np.array([1.0, 3.0, bound]), event=[True, True, False])))
    u = np.zeros(loss.size)
    u[loss.slices["loc"]] = loss.designs["loc"].coordinates(np.array([1.0]), np.array([[2.0]]))
    u[-1] = -6.0
    assert is_diverging(loss, u) is without_end
