"""The best of several starts: how solutions are ranked, and in what order the components of a mixture are returned."""

from __future__ import annotations

import numpy as np
import pytest
from _objectives import objective
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import OptimizeResult

from sk_mle._solvers.multistart import best_of_starts, random_starts
from sk_mle._solvers.solvers import Solution, solve
from sk_mle._solvers.start import cold_start
from sk_mle.likelihoods import Gamma, InverseGaussian, Laplace, Mixture, Normal, Poisson, StudentT

RNG = np.random.default_rng(0)
N = 60
X = RNG.normal(size=(N, 3))
COUNTS = np.append(RNG.poisson(2.0, 30), RNG.poisson(12.0, 30)).astype(float)


def two(n_starts=3):
    law = Mixture([("low", Poisson()), ("high", Poisson())], n_starts=n_starts)
    return cold_start(objective(law, np.zeros((N, 1)), COUNTS, on=["low__mean", "high__mean"]))


def maximum(loss, u):
    return solve(loss, u, "auto", 1e-8, 200).u


class Scripted:
    """What `solve` is asked for, and the solutions that it gives in turn."""

    def __init__(self, *ends):
        self.ends, self.asked = list(ends), []

    def __call__(self, loss, start, most=np.inf):
        self.asked.append((start, most))
        u, converged, *unbounded = self.ends.pop(0)
        return Solution(u, converged, bool(unbounded), 7, 0.0, {}, OptimizeResult(fun=loss.value(u)))


def test_one_start_is_solved_once():
    loss, u = cold_start(objective(Poisson(), X, COUNTS))
    script = Scripted((u, True))
    assert best_of_starts(loss, u, script).u is u
    assert script.asked == [(u, np.inf)]


def test_the_greatest_of_those_that_converged():
    loss, u = two()
    best = maximum(loss, u)
    near, far = best + 0.01, best + 0.1
    for ends, expected, calls in (
        ([(far, True), (best, True), (near, True)], best, 3),
        ([(far, True), (best, False), (near, True)], near, 3),  # what did not converge does not count
        ([(far, False), (near, False), (best, False), (near, True)], near, 4),  # the best goes on, where none did
        ([(near, True), (best, True, "unbounded"), (far, True)], near, 3),
    ):
        script = Scripted(*ends)
        assert_array_equal(best_of_starts(loss, u, script).u, expected)
        assert len(script.asked) == calls
        assert [most for _, most in script.asked[:3]] == [100] * 3
        assert_array_equal(script.asked[0][0], u)
        if calls == 4:
            assert_array_equal(script.asked[3][0], best)


def test_a_part_of_many_rows_chooses_and_all_of_them_decide():
    n = 9000
    y = np.append(RNG.poisson(2.0, n // 2), RNG.poisson(12.0, n // 2)).astype(float)
    loss, u = cold_start(objective(Mixture([("low", Poisson()), ("high", Poisson())], n_starts=2), np.zeros((n, 1)), y))
    best, asked = maximum(loss, u), []

    def found(other, start, most=np.inf):
        asked.append(other.data.n_samples)
        return Solution(best, True, False, 1, 0.0, {}, OptimizeResult(fun=other.value(best)))

    assert_array_equal(best_of_starts(loss, u, found).u, best)
    assert asked == [4000, 4000, n]


def test_a_maximum_in_another_order_of_the_parts_is_the_same():
    """It is solved from once more, and stands in the order of the law's own."""
    loss, u = two()
    best = maximum(loss, u)
    names = list(loss.designs)
    level = {name: loss.designs[name].coefficients(best[loss.slices[name]])[0] for name in names}
    assert level["low__mean"] < level["high__mean"]
    swapped = best.copy()
    for name, value in (
        ("low__mean", level["high__mean"]),
        ("high__mean", level["low__mean"]),
        ("logits", level["logits"][::-1]),
    ):
        design = loss.designs[name]
        swapped[loss.slices[name]] = design.coordinates(value, np.zeros((len(design.shift), len(value))))
    assert loss.value(swapped) == pytest.approx(loss.value(best), rel=1e-9)
    script = Scripted((swapped, True), (swapped, True), (swapped, True), (best, True))
    found = best_of_starts(loss, u, script)
    assert_allclose(script.asked[3][0], best, atol=1e-6)
    assert_array_equal(found.u, best)
    assert found.n_iter == 7


def test_a_maximum_that_few_rows_make_does_not_count():
    """One part on two rows that nearly agree is higher by its peak, and far narrower, than the two groups there are."""
    y = np.append(RNG.normal(0.0, 1.0, 30), RNG.normal(6.0, 1.0, 30))
    y[1] = y[0] + 1e-5
    loss, u = cold_start(objective(Mixture([("a", Normal()), ("b", Normal())], n_starts=2), np.zeros((N, 1)), y))
    groups = maximum(loss, u)
    peak = groups.copy()
    at = {"a__loc": y[:2].mean(), "a__scale": np.log(0.5e-5), "b__loc": y.mean(), "b__scale": np.log(y.std())}
    for name, value in at.items():
        design = loss.designs[name]
        peak[loss.slices[name]] = design.coordinates(np.array([value]), np.zeros((len(design.shift), 1)))
    peak[loss.slices["logits"]] = loss.designs["logits"].coordinates(np.array([-1.7, 1.7]), np.zeros((0, 2)))
    peak = maximum(loss, peak)
    assert np.exp(loss.eta(peak)["a__scale"][0]) < 1e-4
    assert_array_equal(best_of_starts(loss, u, Scripted((peak, True), (groups, True), (groups, True))).u, groups)


def test_random_starts_move_every_predictor_by_about_one():
    loss, u = cold_start(
        objective(Mixture([("low", Poisson()), ("high", Poisson())], n_starts=300), X, COUNTS, on=["low__mean"])
    )
    moves = np.array([other - u for other in random_starts(loss, u)])
    assert len(moves) == 299
    expected = np.ones(loss.size)
    place = loss.slices["low__mean"]
    expected[place.start + 1 : place.stop] = np.sqrt(2 / 3)  # three columns together
    assert_allclose(moves.std(axis=0), expected, rtol=0.15)
    assert_array_equal(moves, [other - u for other in random_starts(loss, u)])


def test_random_starts_have_a_value():
    loss, u = two(n_starts=30)
    plain = loss.value
    loss.value = lambda v: plain(v) if np.abs(v - u).max() < 0.3 else np.inf
    for other in random_starts(loss, u):
        assert np.abs(other - u).max() < 0.3


# ---- other maxima of laws of one start -----------------------------------------------------------------------------------


def asked_of(law, y, X=None, weight=None, ends=None):
    """How often a fit is asked for, each time with the given ends in turn or at the first solution, and the best of them."""
    X = np.random.default_rng(1).normal(size=(len(y), 1)) if X is None else X
    loss, u = cold_start(objective(law, X, y, weight=weight))
    best = maximum(loss, u)
    script = Scripted((best, True), *(ends(loss, best) if ends else []), *[(best, True)] * 30)
    return loss, best, best_of_starts(loss, u, script), script.asked


LOGNORMAL = np.exp(np.random.default_rng(2).normal(size=40))


@pytest.mark.parametrize(
    ("law", "y", "others"),
    [
        (InverseGaussian(), LOGNORMAL, 6),
        (StudentT(), np.random.default_rng(3).standard_t(3, size=40), 6),
        (InverseGaussian(), np.tile(LOGNORMAL, 2), 0),  # many rows
        (Gamma(), LOGNORMAL, 0),  # concave in the predictor
        (Laplace(), LOGNORMAL, 0),
        (Poisson(), np.arange(40.0) % 5, 0),
    ],
    ids=lambda value: str(value)[:20],
)
def test_which_fits_of_few_rows_look_for_other_maxima(law, y, others):
    _, best, found, asked = asked_of(law, y)
    assert_array_equal(found.u, best)
    assert [most for _, most in asked[1:]] == [8] * others
    assert "other_maximum" not in found.result
    for (one, _), (opposite, _) in zip(asked[1::2], asked[2::2], strict=True):
        assert_allclose(one - asked[0][0], asked[0][0] - opposite, atol=1e-12)


def test_many_columns_for_the_rows_leave_no_search():
    X = np.random.default_rng(1).normal(size=(40, 14))
    assert len(asked_of(InverseGaussian(), LOGNORMAL, X)[3]) == 1
    assert len(asked_of(InverseGaussian(), LOGNORMAL, X[:, :10])[3]) == 7


@pytest.mark.parametrize("rows", [13, 40])
def test_a_weight_counts_as_copies(rows):
    assert len(asked_of(InverseGaussian(), LOGNORMAL[:rows], weight=np.full(rows, 2.0))[3]) == (7 if rows == 13 else 1)


def test_the_more_maxima_the_more_starts():
    for n, others in ((0, 6), (1, 8), (2, 12), (3, 16), (9, 24)):
        *_, found, asked = asked_of(
            InverseGaussian(), LOGNORMAL, ends=lambda loss, best, n=n: [(best + 0.01 * k, True) for k in range(1, n + 1)]
        )
        assert len(asked) == 1 + others
        assert ("other_maximum" in found.result) == (n > 0)


def test_the_best_of_other_starts_counts_if_it_is_bounded():
    loss, best, _, asked = asked_of(InverseGaussian(), LOGNORMAL)
    worse = best + 0.05
    for end, expected in (((best, True), best), ((best, True, "unbounded"), worse)):
        found = best_of_starts(loss, asked[0][0], Scripted((worse, True), end, *[(worse, True)] * 7))
        assert_array_equal(found.u, expected)
        assert ("other_maximum" in found.result) == (expected is best)
        assert found.result.get("other_maximum", -40 * loss.value(worse)) == pytest.approx(-40 * loss.value(worse))
