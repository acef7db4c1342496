"""Newton's method, on functions whose minimum is known beforehand."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sk_mle._model.objective import Point
from sk_mle._solvers.newton import LBFGS, newton
from sk_mle._solvers.preconditioners import Identity

RNG = np.random.default_rng(0)
N = 100
X = RNG.normal(size=(N, 2)) @ [[1.0, 0.5], [0.0, 2.0]] + [0.5, -2.0]
COUNTS = RNG.poisson(np.exp(0.3 * X[:, 0] + 0.2)).astype(float)
POSITIVE = RNG.gamma(2.0, np.exp(0.3 * X[:, 0]))
WEIGHT = RNG.integers(0, 4, N).astype(float)


class Known:
    """A function of a vector with its derivatives, as an objective."""

    preconditioner, partly_expected, near_optimum = None, False, False
    data = SimpleNamespace(min_weight_share=1.0)

    def __init__(self, value, gradient, hessian, floor=-np.inf):
        self.parts, self.floor, self.calls, self.kinds = (value, gradient, hessian), floor, [], []

    def evaluate(self, x, order, information="observed"):
        self.calls.append(order)
        self.kinds.append(information)
        with np.errstate(all="ignore"):
            value, gradient, hessian = (np.asarray(part(*x), float) for part in self.parts)
        return Point(float(value) if np.isfinite(value) else np.inf, gradient, hessian if order == 2 else None)

    def unbounded(self, x, value, slack=0.0):
        return value < self.floor


def one(value, gradient, hessian, **options):
    """A function of one variable."""
    return Known(value, lambda x: [gradient(x)], lambda x: [[hessian(x)]], **options)


STEEP = np.array([[1e4, 30.0], [30.0, 1.0]])


def bowl():
    return Known(
        lambda a, b: 0.5 * np.array([a - 3, b + 1]) @ STEEP @ [a - 3, b + 1],
        lambda a, b: STEEP @ [a - 3, b + 1],
        lambda a, b: STEEP,
    )


ROSENBROCK = Known(
    lambda a, b: 100 * (b - a * a) ** 2 + (1 - a) ** 2,
    lambda a, b: [-400 * a * (b - a * a) - 2 * (1 - a), 200 * (b - a * a)],
    lambda a, b: [[1200 * a * a - 400 * b + 2, -400 * a], [-400 * a, 200]],
)


# ---- Newton's method ---------------------------------------------------------------------------------------------------


def test_one_step_to_the_bottom_of_a_bowl():
    loss, seen = bowl(), []
    found = newton(loss, np.array([50.0, -20.0]), callback=lambda result: seen.append(result.x))
    assert_allclose(found.x, [3, -1], rtol=1e-10)
    assert found.nit == 2  # the second says that the gradient is small
    assert found.minimum_certified
    assert len(seen) == 1
    assert found.fun == pytest.approx(0, abs=1e-9)
    assert np.abs(found.jac).max() < 1e-8


def test_a_curved_valley():
    found = newton(ROSENBROCK, np.array([-1.2, 1.0]), tol=1e-9)
    assert_allclose(found.x, [1, 1], rtol=1e-8)
    assert found.nit < 40
    assert found.message == "gradient below tol"


def test_where_curvature_is_negative_steps_go_downhill():
    double = Known(
        lambda a, b: a**4 / 4 - a * a / 2 + b * b / 2,
        lambda a, b: [a**3 - a, b],
        lambda a, b: [[3 * a * a - 1, 0], [0, 1]],
    )
    for start in (0.1, -0.1):
        found = newton(double, np.array([start, 5.0]))
        assert_allclose(found.x, [np.sign(start), 0], atol=1e-8)


def test_step_length_is_bounded_if_curvature_rounds_to_zero():
    flat = one(lambda x: -np.log(np.cosh(x / 1e8)), lambda x: -np.tanh(x / 1e8) / 1e8, lambda x: -1e-16)
    found = newton(flat, np.array([1e7]), tol=1e-30, max_iter=1)
    assert 0 < found.x[0] - 1e7 <= 20.0


def test_trials_outside_the_domain_shorten_the_step():
    barrier = one(lambda x: x - np.log(x), lambda x: 1 - 1 / x, lambda x: 1 / x**2)
    found = newton(barrier, np.array([3.0]))  # whose first step leads to -3
    assert_allclose(found.x, [1.0], rtol=1e-10)


def test_function_without_a_minimum_is_not_certified():
    tail = one(lambda x: np.exp(-x), lambda x: -np.exp(-x), lambda x: np.exp(-x))
    found = newton(tail, np.array([0.0]), tol=1e-6)
    assert found.message == "gradient below tol"
    assert not found.minimum_certified
    assert 13 < found.x[0] < 16


def test_rows_of_small_weight_need_a_shorter_last_step():
    """A minimum is settled where the next step moves no row: the lightest row's share says how short that step must be."""
    near = one(lambda x: 0.5e-8 * x * x, lambda x: 1e-8 * x, lambda x: 1e-8)
    for share, told in ((1.0, True), (1e-30, False)):
        near.data = SimpleNamespace(min_weight_share=share)
        assert newton(near, np.array([1e-7]), tol=1e-6).minimum_certified is told


def test_an_unbounded_function_is_left_at_once():
    cliff = one(lambda x: -x, lambda x: -1.0, lambda x: 1e-3, floor=-100.0)
    found = newton(cliff, np.array([0.0]))
    assert found.message == "the likelihood is unbounded"
    assert found.nit < 5


def test_the_limit_of_iterations():
    found = newton(ROSENBROCK, np.array([-1.2, 1.0]), max_iter=3)
    assert (found.nit, found.message, found.minimum_certified) == (3, "iteration limit", False)


def test_no_step_lowers_the_value():
    wrong = one(lambda x: x, lambda x: -1.0, lambda x: 1.0)  # a gradient of the other sign
    assert newton(wrong, np.array([0.0])).message == "no step lowers the value"


def test_expected_information_far_away_and_observed_near():
    loss = one(lambda x: x - np.log(x), lambda x: 1 - 1 / x, lambda x: 1 / x**2)
    loss.partly_expected = True
    assert_allclose(newton(loss, np.array([30.0])).x, [1.0], rtol=1e-10)
    assert loss.kinds[0] == "expected"
    assert loss.kinds[-1] == "observed"
    assert sum(kind == "expected" for kind in loss.kinds) > 1
    loss.kinds = []
    newton(loss, np.array([30.0]), information="observed")
    assert set(loss.kinds) == {"observed"}


@pytest.mark.parametrize("partly", [True, False])
def test_near_the_optimum_the_observed_information_replaces_the_expected(partly):
    """At once where some of the expected information is known to differ; elsewhere a scoring step will do as the last."""
    loss = one(lambda x: x * x / 2, lambda x: x, lambda x: 1.0)
    loss.partly_expected, plain = partly, loss.evaluate

    def evaluate(x, order, information="observed"):
        point = plain(x, order, information)
        return point._replace(hessian=2 * point.hessian) if order == 2 and information == "expected" else point

    loss.evaluate = evaluate
    found = newton(loss, np.array([0.2]), max_iter=1)  # of which the gain is 0.02
    assert_allclose(found.x, 0.0 if partly else 0.1, atol=1e-12)
    far = newton(loss, np.array([2.0]), max_iter=1)
    assert_allclose(far.x, 1.0)


class Rough:
    """A preconditioner that is off by a tenth."""

    refresh_passes, end_with_hessian, minimum_certified = np.inf, False, False

    def solve(self, gradient):
        return np.linalg.solve(STEEP, gradient) / 1.1


def test_a_preconditioner_spares_hessians():
    loss = bowl()
    loss.preconditioner = Rough()
    found = newton(loss, np.array([4.0, -2.0]), tol=1e-6)
    assert_allclose(found.x, [3, -1], atol=1e-5)
    assert set(loss.calls) == {1}
    assert len(loss.calls) < 15  # by what the gradients add


@pytest.mark.parametrize("constant", [1e12, -1e12])
def test_a_large_constant_hides_the_gain_but_not_the_gradient(constant):
    loss = bowl()
    value = loss.parts[0]
    loss.parts = (lambda a, b: constant + value(a, b), *loss.parts[1:])
    found = newton(loss, np.array([3.000001, -1.0]), tol=1e-9)
    assert_allclose(found.x, [3, -1], rtol=1e-9)
    assert found.message == "gradient below tol"


def test_lbfgs_pair_satisfies_the_secant_equation():
    known, loss = LBFGS(Rough()), ROSENBROCK
    here, there = np.array([0.7, 0.6]), np.array([0.8, 0.7])
    before, after = loss.evaluate(here, 1), loss.evaluate(there, 1)
    known.update(there - here, before, after)
    change = after.gradient - before.gradient
    step, promised = known.direction(Point(0.0, change, np.empty((0, 0))))
    assert_allclose(step, here - there, rtol=1e-12)
    assert promised == pytest.approx(change @ (there - here))
    known.update(here - there, before, after)  # no curvature: not learned
    assert len(known.pairs) == 1


def test_steps_are_those_of_the_inverse_that_bfgs_updates_give():
    known, inverse = LBFGS(Rough()), np.linalg.inv(STEEP) / 1.1
    for move, change in (([1.0, 2.0], [3.0, 1.0]), ([0.5, -1.0], [2.0, -0.3])):
        s, y = np.array(move), np.array(change)
        known.update(s, Point(0.0, np.zeros(2)), Point(0.0, y))
        V = np.eye(2) - np.outer(s, y) / (s @ y)
        inverse = V @ inverse @ V.T + np.outer(s, s) / (s @ y)
    gradient = np.array([1.0, -3.0])
    step, promised = known.direction(Point(0.0, gradient))
    assert_allclose(step, -inverse @ gradient, rtol=1e-12)
    assert promised == pytest.approx(gradient @ inverse @ gradient)


def saddle(a, b):
    """A function whose Hessian is diag(-a, b), with a step that Newton's method would take uphill."""
    return Known(lambda x, y: (b * y * y - a * x * x) / 2, lambda x, y: [-a * x, b * y], lambda x, y: [[-a, 0], [0, b]])


@pytest.mark.parametrize(("a", "b"), [(4.0, 9.0), (4e12, 9.0), (4.0, 9e12)])
def test_a_curvature_counts_by_its_absolute_value_however_small_beside_the_others(a, b):
    start = np.array([1 / np.sqrt(a), 1 / np.sqrt(b)])
    found = newton(saddle(a, b), start, max_iter=1)
    assert_allclose(found.x, [2 * start[0], 0], rtol=1e-9, atol=1e-9 * start[1])
    assert found.decrement == pytest.approx(2.0)


def test_a_direction_without_curvature_is_left_alone():
    flat = Known(lambda a, b: (a + b) ** 2 / 2, lambda a, b: [a + b, a + b], lambda a, b: np.ones((2, 2)))
    assert_allclose(newton(flat, np.array([3.0, 0.0]), max_iter=1).x, [1.5, -1.5], atol=1e-6)


def test_curvature_that_overflows_is_very_large():
    steep = Known(lambda a, b: (a * a + b * b) / 2, lambda a, b: [a, b], lambda a, b: [[np.inf, 0], [0, 1.0]])
    found = newton(steep, np.array([1.0, 1.0]), max_iter=1)
    assert_allclose(found.x, [1, 0], atol=1e-6)


def test_steps_of_unknown_length_grow_while_they_are_taken_in_full():
    def slope(**options):
        return Known(lambda a, b: -a, lambda a, b: [-1.0, 0.0], lambda a, b: [[-1e-16, 0], [0, 1]], **options)

    seen = []
    newton(slope(), np.array([0.0, 1.0]), max_iter=3, callback=lambda found: seen.append(found.x[0]))
    assert_allclose(seen, [20, 80, 260])
    gap, seen = slope(), []
    gap.parts = (lambda a, b: -a if a < 10 or a > 30 else np.inf, *gap.parts[1:])
    newton(gap, np.array([0.0, 1.0]), max_iter=2, callback=lambda found: seen.append(found.x[0]))
    assert_allclose(seen, [2, 4])  # each a tenth of 20


def test_trial_point_without_a_finite_gradient_is_rejected():
    """A Hessian that is too small makes steps too long, as far as where only the value is known."""
    loss = one(lambda x: x * x / 2, lambda x: x if x > -0.5 else np.nan, lambda x: 0.6)
    assert_allclose(newton(loss, np.array([1.0]), max_iter=1).x, 1 - 0.1 / 0.6)
    assert_allclose(newton(loss, np.array([1.0])).x, 0, atol=1e-7)


def test_value_may_rise_by_rounding_only_if_the_gradient_decides():
    for rise, end in ((0.5e-8, 0.0), (3e-8, 0.5e-5), (1.0, 0.5e-5)):
        loss = one(lambda x, rise=rise: x * x / 2 + rise * (x < 0.5e-5), lambda x: x, lambda x: 1.0)
        loss.data = SimpleNamespace(min_weight_share=1.0, total_weight=1.0)
        found = newton(loss, np.array([1e-5]), tol=1e-9)
        assert end <= found.x[0] < end + 1e-9
        assert (found.message == "gradient below tol") is (end == 0)


def test_gradient_must_fall_by_half_of_the_predicted_decrease():
    for share, end in ((0.45, 0.0), (0.55, 0.5e-5), (0.8, 1e-5)):  # of the gradient, from half the way on
        stays = one(lambda x: 0.0, lambda x, share=share: 1e-5 * (1 if x > 0.5e-5 else share), lambda x: 1.0)
        stays.data = SimpleNamespace(min_weight_share=1.0, total_weight=1.0)
        found = newton(stays, np.array([1e-5]), max_iter=1)
        assert_allclose(found.x[0], end, atol=1e-12)


def test_no_coordinates_are_at_their_minimum():
    nothing = Known(lambda: 1.0, lambda: [], lambda: np.zeros((0, 0)))
    found = newton(nothing, np.zeros(0))
    assert found.minimum_certified
    assert (found.fun, found.nit) == (1.0, 1)


def test_no_minimum_is_certified_if_curvature_is_below_rounding():
    ridge = np.array([[1.0, -1.0], [-1.0, 1.0 + 1e-11]])
    for hessian, certified in (
        (ridge, False),
        (np.diag([1e12, 1.0]), False),
        (np.diag([1.0, 0.5]), True),
        (np.diag([1.0, -0.5]), False),
    ):
        loss = Known(lambda a, b: 0.0, lambda a, b: [0.0, 0.0], lambda a, b, hessian=hessian: hessian)
        found = newton(loss, np.zeros(2))
        assert (found.minimum_certified, found.curvature_vanished) == (certified, not certified)


def test_remaining_newton_step_decides_certification():
    for step, certified in ((0.7e-6, True), (1.5e-6, False)):
        loss = one(lambda x: 1e-4 * x * x / 2, lambda x: 1e-4 * x, lambda x: 0.4e-4)  # too long to be taken
        assert newton(loss, np.array([0.4 * step])).minimum_certified is certified


# ---- when steps lead nowhere -------------------------------------------------------------------------------------------


def drift(slope, weight=1.0, rest=0.0, rate=0.98):
    """A function that falls by `slope` with every step, beside a coordinate whose gradient `rest` falls at a rate."""
    loss = Known(
        lambda a, b: -slope * a + rest * b * b / 2,
        lambda a, b: [-slope, rest * b],
        lambda a, b: [[slope, 0], [0, rest / (1 - rate) or 1.0]],
    )
    loss.data = SimpleNamespace(min_weight_share=1.0, total_weight=weight)
    return loss


def test_a_value_that_hardly_falls_any_more_ends_a_fit():
    """The second hundred of passes tells it: it gains as little as the first, with a gradient as large."""
    start = np.array([0.0, 1.0])
    found = newton(drift(1e-7), start, tol=1e-10, max_iter=1000)
    assert (found.message, found.stalled, found.nit) == ("the log-likelihood hardly rises any more", True, 200)
    for loss in (
        drift(1e-7, weight=1e3),  # many rows: their total rises
        drift(1e-7, rest=1e-5, rate=0.98),  # the gradient falls, if slowly
    ):
        found = newton(loss, start, tol=1e-10, max_iter=205)
        assert (found.message, found.stalled) == ("iteration limit", False)
    found = newton(drift(1e-7, rest=1e-5, rate=0.995), start, tol=1e-10, max_iter=205)
    assert found.stalled  # too slowly


def test_refused_trials_cost_no_derivatives():
    f = one(lambda x: np.sqrt(1 + x**2), lambda x: x / np.sqrt(1 + x**2), lambda x: (1 + x**2) ** -1.5)
    found = newton(f, np.array([3.0]))
    assert_allclose(found.x, 0, atol=1e-8)
    assert f.calls[:3] == [2, 2, 0]  # the start, the full step, and what is left of it


def test_steps_towards_a_jump_of_the_value_end():
    f = one(lambda x: x + 2 * (x < 0), lambda x: 1.0, lambda x: 1.0)
    f.data = SimpleNamespace(min_weight_share=1.0, total_weight=1.0)
    found = newton(f, np.array([1 / 3]))
    assert found.stalled
    assert 0 <= found.x[0] < 1e-3
    assert found.nit < 20


# ---- steps from a preconditioner ---------------------------------------------------------------------------------------


class Multiple:
    """A preconditioner that is a multiple of the identity; `costs` is what a refreshed one takes."""

    end_with_hessian, minimum_certified = False, True

    def __init__(self, curvature=1.0, costs=np.inf, fails=False):
        self.curvature, self.refresh_passes, self.fails = curvature, costs, fails

    def solve(self, gradient):
        return gradient / self.curvature

    def refreshed(self, objective, u):
        if self.fails:
            raise np.linalg.LinAlgError
        return Multiple(2 * self.curvature, self.refresh_passes)


def quadratic(curvatures, start=None):
    """A bowl; `sizes` are the largest entries of the gradients that were asked for."""
    curvatures = np.asarray(curvatures, float)
    loss = Known(lambda *x: 0.5 * curvatures @ np.square(x), lambda *x: curvatures * x, lambda *x: np.diag(curvatures))
    plain, loss.gradient_norms = loss.evaluate, []

    def evaluate(x, order, information="observed"):
        point = plain(x, order, information)
        loss.gradient_norms.append(np.abs(point.gradient).max())
        return point

    loss.evaluate = evaluate
    return loss


def test_polishing_ends_at_a_thousandth_of_the_tolerance():
    loss, tol = quadratic(np.linspace(1 / 1.2, 1.2, 20)), 1e-2
    loss.preconditioner = Multiple()
    newton(loss, np.ones(20), tol=tol)
    below = [size for size in loss.gradient_norms if size <= tol]
    assert len(below) == 4
    assert below[-1] < 1e-3 * tol <= below[-2]


def test_a_short_last_step_of_fast_convergence_is_not_evaluated():
    curvatures = np.linspace(1 / 1.2, 1.2, 20)
    loss = quadratic(curvatures)
    loss.preconditioner = Multiple()
    found = newton(loss, np.ones(20), tol=1e-6)
    assert found.gradient_size == loss.gradient_norms[-1] <= 1e-6
    assert np.abs(curvatures * found.x).max() < 0.3 * found.gradient_size  # a step was taken from there
    assert found.fun == pytest.approx(0.5 * curvatures @ np.square(found.x), rel=0.1, abs=0)


def test_a_last_step_whose_gradient_is_foreseen_is_not_evaluated():
    """Gradients fall by 0.03 or less a step: from 3e-8 and a rate of 0.02 the next is sure to be below 1e-8."""
    curvatures = np.linspace(0.97, 1.03, 20)
    evaluated = []
    for tol in (1e-8, 1e-9, 1e-11):
        loss = quadratic(curvatures)
        loss.preconditioner = Multiple()
        found = newton(loss, np.ones(20), tol=tol)
        rate = loss.gradient_norms[-1] / loss.gradient_norms[-2]
        foreseen = loss.gradient_norms[-1] > tol
        if foreseen:
            assert found.gradient_size == pytest.approx(rate * loss.gradient_norms[-1])
            assert found.gradient_size <= 0.05 * tol
        assert np.abs(curvatures * found.x).max() <= (0.1 * tol if foreseen else tol)
        assert found.fun == pytest.approx(0.5 * curvatures @ np.square(found.x), abs=1e-20)
        evaluated.append(foreseen)
    assert any(evaluated)


def test_a_hessian_that_will_do_is_kept():
    """Gradients of 1.7, 0.4, 0.06, 0.002, 1e-6 say that one step more, and one that is not evaluated, need no other Hessian."""
    loss = one(lambda x: np.exp(x) - x, lambda x: np.exp(x) - 1, np.exp)
    found = newton(loss, np.array([1.0]), tol=1e-8)
    assert loss.calls == [2, 2, 2, 2, 2, 1]
    assert np.abs(found.x).max() < 1e-14 < found.gradient_size <= 1e-8
    assert found.minimum_certified


def test_polishing_takes_no_step_that_makes_the_gradient_larger():
    for preconditioner in (None, Multiple(0.1)):  # a curvature that is too small by ten, and steps too long
        loss = one(lambda x: x * x / 2, lambda x: x, lambda x: 0.1)
        loss.preconditioner = preconditioner
        assert newton(loss, np.array([1e-9]), tol=1e-8).x == 1e-9


def test_polishing_ends_if_the_value_is_not_finite():
    loss = one(lambda x: x * x / 2 if x else np.inf, lambda x: x, lambda x: 1.0)
    assert newton(loss, np.array([1e-9]), tol=1e-8).x == 1e-9


def test_stopping_rule_uses_the_preconditioner():
    for curvatures, curvature_vanished in (([1.0, 0.5], False), ([1.0, 1e-5], True)):
        loss = quadratic(curvatures)
        loss.preconditioner = Multiple(1e-5)
        loss.preconditioner.solve = lambda gradient, curvatures=curvatures: 0.99 * gradient / curvatures
        found = newton(loss, np.array([0.0, 10.0]), tol=1e-6)
        assert (found.minimum_certified, found.curvature_vanished, found.hessian_point) == (True, curvature_vanished, None)
        assert set(loss.calls) == {1}


def test_a_preconditioner_may_leave_the_end_to_the_hessian():
    loss = quadratic([1.0, 0.9])
    loss.preconditioner = Multiple()
    loss.preconditioner.end_with_hessian, loss.preconditioner.minimum_certified = True, False
    found = newton(loss, np.array([1.0, 10.0]), tol=1e-6)
    assert found.minimum_certified
    assert_array_equal(found.hessian_point.hessian, np.diag([1.0, 0.9]))
    assert loss.calls.count(2) == 1
    assert loss.calls[-1] == 2  # of which the last step is taken, so short that it needs no evaluation
    assert np.abs(found.x).max() < 1e-12


def test_the_last_hessian_is_handed_on_where_there_was_one():
    for preconditioner, hessian_point in ((None, True), (Multiple(), False)):
        loss = quadratic([1.0, 0.9])
        loss.preconditioner = preconditioner
        found = newton(loss, np.array([1.0, 10.0]), max_iter=1)
        assert found.message == "iteration limit"
        assert (found.hessian_point is not None and found.hessian_point.order == 2) is hessian_point


def test_old_lbfgs_pairs_are_dropped_before_the_preconditioner():
    """On the way down a slope they tell of hardly any curvature; the step from that leads far beyond the bottom."""
    bend = one(
        lambda x: -x + 1e-4 * x * x / 2 + max(0.0, x - 3) ** 2 / 2,
        lambda x: -1 + 1e-4 * x + max(0.0, x - 3),
        lambda x: 1e-4 + (x > 3),
    )
    bend.preconditioner, bend.data = Multiple(costs=1e9), SimpleNamespace(min_weight_share=1.0, total_weight=1.0)
    seen = []
    found = newton(bend, np.array([0.0]), callback=lambda found: seen.append(found.x[0]))
    assert_allclose(seen[:3], [1, 2, 3], atol=1e-3)
    assert_allclose(found.x, 4 / 1.0001, rtol=1e-7)
    assert set(bend.calls) == {1}
    assert len(bend.calls) < 40  # a long line search is not worth it


def test_a_preconditioner_that_leads_uphill_gives_way_to_the_hessian():
    loss = quadratic([1.0, 0.5])
    loss.preconditioner = Multiple(-1.0)
    found = newton(loss, np.array([1.0, 10.0]))
    assert_allclose(found.x, 0, atol=1e-9)
    assert found.message == "gradient below tol"
    assert 2 in loss.calls


def test_a_preconditioner_that_is_slow_gives_way_to_the_hessian():
    loss = quadratic([1.0, 0.01])
    loss.preconditioner = Multiple()
    found = newton(loss, np.array([1.0, 10.0]))
    assert_allclose(found.x, 0, atol=1e-9)
    assert found.nit < 5
    assert loss.calls.count(2) == 2  # where it gave way, and at the end of the step from there


def test_pairs_are_learned_by_their_angle_and_not_by_their_length():
    known = LBFGS(Multiple())
    for move, change, lbfgs in (
        ([1e-9, 0.0], [2e-9, 0.0], True),
        ([1e9, 0.0], [2e9, 0.0], True),
        ([1.0, 0.0], [1e-9, 1.0], True),
        ([1.0, 0.0], [1e-11, 1.0], False),
        ([1.0, 0.0], [-1.0, 0.0], False),
    ):
        before = len(known.pairs)
        known.update(np.array(move), Point(0.0, np.zeros(2)), Point(0.0, np.array(change)))
        assert len(known.pairs) == before + lbfgs
    assert known.min_curvature == -1.0


def after(gradient_norms, costs=np.inf, p=1, tol=1e-2, min_pairs=1, fails=False):
    """What remains of a preconditioner after gradients of these sizes."""
    known, points = (
        LBFGS(Multiple(costs=costs, fails=fails), min_pairs),
        [Point(0.0, np.full(p, size)) for size in gradient_norms],
    )
    known.min_curvature = 0.1
    for before, now in pairwise(points):
        known.pairs.append(None)
        other = known.refreshed(None, np.zeros(p), before, now, tol)
        if other is not known:
            return other
    return known


def test_a_preconditioner_serves_while_gradients_are_cheaper():
    halved, slow = [1.0, 0.5], [1.0, 0.9]
    assert after(halved).preconditioner.curvature == 1.0  # six more to come
    assert after(slow) is None  # more than forty
    assert after(slow, p=400).preconditioner.curvature == 1.0  # a Hessian of so many columns costs more
    assert after(slow, p=100) is None
    assert after(slow, min_pairs=2).preconditioner.curvature == 1.0  # asked to wait
    assert after([1.0, 0.5, 0.4, 0.2, 0.1, 0.09]).preconditioner.curvature == 1.0  # the last of several
    assert after([1.0, 1.0], tol=2.0).preconditioner.curvature == 1.0  # done
    assert after([1.0, 1.1]) is None


def test_the_identity_is_kept_over_a_first_step_on_which_the_gradient_rises():
    known = LBFGS(Identity(1000))
    known.pairs.append(None)
    before, now = (Point(0.0, np.full(1000, size)) for size in (1.0, 1.1))
    assert known.refreshed(None, np.zeros(1000), before, now, 1e-8) is known  # it would ask for a Hessian


def test_a_preconditioner_is_refreshed_where_that_is_cheap():
    new = after([1.0, 0.5], costs=3)
    assert (new.preconditioner.curvature, new.min_pairs, new.pairs, new.min_curvature) == (2.0, 1, [], 0.1)
    assert after([1.0, 0.8], costs=3).min_pairs == 2  # it did not help much: the next waits longer
    assert after([1.0, 0.8, 0.64, 0.512], costs=3, min_pairs=3).min_pairs == 6
    assert after([1.0, 0.1], costs=3).preconditioner.curvature == 1.0
    assert after([1.0, 0.1, 0.05], costs=3, tol=1e-3).preconditioner.curvature == 2.0  # of two gradients, where it is cheap
    assert after([1.0, 0.1, 0.05], costs=6, tol=1e-3).preconditioner.curvature == 1.0
    assert after([1.0, 0.5], costs=3, fails=True) is None
