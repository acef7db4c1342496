"""`solve`: guards, restarts, whether a fit has converged, and parameters that went to the ends of their domains."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from _objectives import objective
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import OptimizeResult, minimize

from sk_mle import MLERegressor
from sk_mle._model.objective import Point
from sk_mle._solvers.edges import _side_without_fall
from sk_mle._solvers.methods import choose
from sk_mle._solvers.newton import newton_method
from sk_mle._solvers.solvers import solve
from sk_mle._solvers.start import cold_start
from sk_mle._solvers.vertex import vertex
from sk_mle.exceptions import ConvergenceWarning
from sk_mle.likelihoods import Gamma, GeneralizedNormal, Laplace, Mixture, NegativeBinomial, Normal, Poisson, StudentT

RNG = np.random.default_rng(0)
N = 100
X = RNG.normal(size=(N, 2)) @ [[1.0, 0.5], [0.0, 2.0]] + [0.5, -2.0]
COUNTS = RNG.poisson(np.exp(0.3 * X[:, 0] + 0.2)).astype(float)
POSITIVE = RNG.gamma(2.0, np.exp(0.3 * X[:, 0]))
WEIGHT = RNG.integers(0, 4, N).astype(float)


def counts():
    return cold_start(objective(Poisson(), X, COUNTS))


class Scripted:
    """A minimiser for `solve` that looks at the given points, moves by a rule, and remembers what it was told."""

    def __init__(self, move=lambda x: x, points=(), nit=1):
        self.move, self.points, self.nit, self.told, self.calls = move, points, nit, [], 0

    def __call__(self, fun, x0, args=(), jac=None, **unused):
        self.calls += 1
        self.told += [(fun(x), jac(x)) for x in self.points]
        x = self.move(x0)
        fun(x)
        return OptimizeResult(x=x, fun=fun(x), nit=self.nit)


@pytest.mark.parametrize("solver", ["auto", "newton", "lbfgs", "bfgs", "cg", "newton-cg", "trust-ncg", "trust-exact", "tnc"])
def test_solvers_agree(solver):
    loss, u = cold_start(objective(Gamma(), X, POSITIVE, WEIGHT))
    found = solve(loss, u, solver, 1e-9, 500)
    assert found.converged
    best = minimize(loss.value, u, jac=loss.gradient, method="BFGS", options={"gtol": 1e-10})
    assert_allclose(found.u, best.x, atol=1e-5)
    # of the last point that was evaluated, from which one step more may have been taken
    assert np.abs(loss.gradient(found.u)).max() <= found.gradient_size <= 1e-6
    assert not found.unbounded
    assert found.edges == {}
    assert not solve(loss, u + 0.5, solver, 1e-9, 1).converged


def test_which_solver():
    smooth, kinked = objective(Poisson(), X, COUNTS), objective(Laplace(), X, COUNTS)
    assert choose("auto", smooth).method is newton_method
    assert choose("auto", kinked).method is vertex
    with pytest.raises(ValueError, match="needs the hessian, which Laplace does not offer here"):
        choose("newton", kinked)
    with pytest.raises(ValueError, match="for likelihoods with kinks, and Poisson is smooth"):
        choose("vertex", smooth)
    with pytest.raises(ValueError, match="is unknown"):
        choose("fastest", smooth)


def test_a_parameter_at_its_limit_is_named():
    y = np.tile([1.0, 2.0, 3.0], 40)  # less spread than a Poisson sample
    loss, u = cold_start(objective(NegativeBinomial(), np.zeros((120, 1)), y))
    assert solve(loss, u, "auto", 1e-8, 200).edges == {"dispersion": "lower"}


# ---- trial points where nothing is finite --------------------------------------------------------------------------------


def test_scipy_gets_a_bowl_around_the_best_point_where_the_objective_is_not_finite():
    loss, u = counts()
    best = solve(loss, u, "auto", 1e-8, 50).u
    far, better, worse = u + 1e4, 0.5 * (u + best), u + 1.0
    assert not np.isfinite(loss.value(far))
    assert loss.value(better) < loss.value(u) < loss.value(worse)
    script = Scripted(points=(far, worse, far, better, far), move=lambda x: worse, nit=1000)
    found = solve(loss, u, script, 1e-12, 100)
    for at, k in ((u, 0), (u, 2), (better, 4)):
        value, slope = script.told[k]
        assert value == pytest.approx(loss.value(at) + 1 + 1e3 * ((far - at) @ (far - at)))
        assert_allclose(slope, 2e3 * (far - at))
    assert script.told[1][0] == loss.value(worse)
    assert_array_equal(found.u, better)  # the best that was seen, not where the minimiser ended


def test_no_step_is_known_from_a_start_that_is_not_finite():
    loss, u = counts()
    script = Scripted(points=(u + 1e4,))
    found = solve(loss, u + 1e4, script, 1e-8, 100)
    assert script.told[0][0] == np.inf
    assert_array_equal(script.told[0][1], 0)
    assert_array_equal(found.u, u + 1e4)
    assert not found.converged


@pytest.mark.parametrize(("value", "gradient"), [(0.0, [np.nan, 1.0, 1.0]), (np.inf, [1.0, 1.0, 1.0])])
def test_point_without_a_finite_value_or_gradient_is_rejected(value, gradient):
    loss, u = counts()
    lost, plain = u + 0.5, loss.evaluate

    def evaluate(x, order, information="observed"):
        return Point(value, np.array(gradient)) if order == 1 and (x == lost).all() else plain(x, order, information)

    loss.evaluate = evaluate
    script = Scripted(points=(lost,), nit=1000)
    solve(loss, u, script, 1e-8, 100)
    assert script.told[0][0] == pytest.approx(loss.value(u) + 1 + 1e3 * 0.25 * len(u))
    assert_allclose(script.told[0][1], 2e3 * 0.5)


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
def test_a_line_per_iteration(solver, capsys):
    loss, u = counts()
    found = solve(loss, u, solver, 1e-8, 50, verbose=1)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [int(line[1]) for line in lines] == list(range(1, len(lines) + 1))
    assert len(lines) >= found.n_iter - 1
    assert float(lines[-1][4]) == pytest.approx(loss.value(found.u), rel=1e-8)
    sizes = [float(line[-1]) for line in lines]
    assert sizes[0] > 100 * sizes[-1]
    assert min(sizes) >= 0


# ---- restarts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "most", "calls"),
    [
        (0.5, 100, 5),  # as long as the gradient falls, but no more than five times
        (1.0, 100, 2),  # not where it stays
        (0.95, 100, 2),  # nor where it hardly falls
        (0.8, 100, 5),
        (2.0, 100, 2),
        (1e-9, 100, 1),  # below tol
        (0.5, 3, 3),  # as many iterations as allowed
    ],
)
def test_a_method_starts_again_while_its_gradient_falls(share, most, calls):
    quadratic, u = cold_start(objective(Normal(scale=1.0), X, X[:, 0] + 1.0))
    u = u + 1.0
    bottom = u - np.linalg.solve(quadratic.hessian(u), quadratic.gradient(u))
    script = Scripted(move=lambda x: bottom + share * (x - bottom))
    solve(quadratic, u, script, 1e-6, most)
    assert script.calls == calls


# ---- whether a fit has converged -----------------------------------------------------------------------------------------


def test_newton_steps_polish_an_inexact_solution():
    loss, u = counts()
    best = solve(loss, u, "auto", 1e-12, 50).u
    for away, finished in ((1e-6, True), (1e-2, False)):
        found = solve(loss, best + away, Scripted(nit=1000), 1e-9, 100)
        assert found.converged is finished
        assert bool(np.abs(found.u - best).max() < 1e-9) is finished


def test_unbounded_fit_has_not_converged():
    loss, u = counts()
    asked = []

    def unbounded(x, value, slack=0.0):
        asked.append(slack)
        return True

    loss.unbounded = unbounded
    for start in (u, u + 3.0):
        found = solve(loss, start, Scripted(nit=1000), 1e-8, 100)
        assert (found.unbounded, found.converged, found.edges) == (True, False, {})
    best = solve(counts()[0], u, "auto", 1e-12, 50).u
    solve(loss, best, Scripted(nit=1000), 1e-8, 100)
    assert asked == [3.0, 3.0, 0.0]  # short of tol, a fit may be on its way there


def test_a_gradient_that_rounding_makes_is_small_enough():
    loss, u = counts()
    found = solve(loss, u, "newton", 1e-300, 50)
    assert 1e-300 < found.gradient_size < 1e-12
    assert found.converged
    assert found.n_iter == found.result.nit  # nothing is gained by another run of ours
    for away, most in ((1e-5, 0), (1e-2, 1)):  # a gain is left, and none is known
        assert not solve(loss, found.u + away, "newton", 1e-300, most).converged


def exact(law):
    """Three rows, and a start that meets them."""
    y = np.array([1.0, 3.0, -2.0])
    loss = objective(law, X[:3], y)
    slopes = np.linalg.solve(np.column_stack([np.ones(3), X[:3]]), y)
    start = np.zeros(loss.size)
    start[loss.slices["loc"]] = loss.designs["loc"].coordinates(slopes[:1], slopes[1:, None])
    return loss, start


def test_a_fit_on_its_way_to_an_infinite_density_has_no_maximum():
    loss, start = exact(Normal())
    for log_scale, unbounded in ((-6.0, True), (3.0, False)):  # with a peak at the rows, and without
        start[-1] = log_scale
        found = solve(loss, start, Scripted(nit=1000), 1e-8, 100)
        assert (found.unbounded, found.converged) == (unbounded, False)
    loss, start = exact(Normal(scale=1e-3))
    found = solve(loss, start, Scripted(nit=1000), 1e-8, 100)
    assert (found.unbounded, found.converged) == (False, True)


def test_newton_does_without_a_guard():
    """Its line search shortens steps itself, and a pass over the rows is not made twice."""
    loss, u = counts()
    before = loss.evaluations
    assert solve(loss, u, "newton", 1e-8, 50).converged
    assert loss.evaluations - before < 8


# ---- parameters at ends of their domains ----------------------------------------------------------------------------------


def constant(law, y, u=None):
    loss, start = cold_start(objective(law, np.zeros((len(y), 1)), y))
    return solve(loss, start, "auto", 1e-8, 200)


@pytest.mark.parametrize(
    ("law", "y", "flat"),
    [
        (NegativeBinomial(), np.tile([1.0, 2.0, 3.0], 40), {"dispersion": "lower"}),
        (StudentT(), np.linspace(-1.0, 1.0, 100), {"df": "upper"}),
        (StudentT(), 1e6 * np.linspace(-1.0, 1.0, 100), {"df": "upper"}),
        (GeneralizedNormal(), np.tile([-1.0, 1.0], 50), {"shape": "upper"}),
        (StudentT(), np.random.default_rng(0).standard_t(3, 200), {}),
    ],
    ids=repr,
)
def test_shape_at_its_limit_is_named_with_its_edge(law, y, flat):
    found = constant(law, y)
    assert found.converged
    assert found.edges == flat


def test_no_limit_is_named_without_convergence():
    y = np.tile([1.0, 2.0, 3.0], 40)
    loss, u = cold_start(objective(NegativeBinomial(), np.zeros((120, 1)), y))
    u = solve(loss, u, "auto", 1e-8, 200).u
    found = solve(loss, u + 0.5 * (np.arange(2) == 0), Scripted(nit=1000), 1e-8, 100)
    assert (found.converged, found.edges) == (False, {})


def test_a_maximum_that_is_flat_is_one():
    """A variance just above the mean: the dispersion is 0.0019 with a logarithm known to 18 only."""
    y = np.tile(np.arange(5.0), 160)
    y[[1, 3]] = 0.0, 4.0
    found = constant(NegativeBinomial(), y)
    assert found.converged
    assert found.edges == {}


def test_infinite_logits_are_detected_by_distance_from_the_largest():
    """One unit further in, the likelihood is the same; on the half way back it is not."""
    law = Mixture([("low", Poisson()), ("high", Poisson())])
    y = np.tile([1.0, 2.0, 3.0, 4.0], 25)
    loss, u = cold_start(objective(law, np.zeros((N, 1)), y))
    u = u.copy()

    def place(name, value):
        u[loss.slices[name]] = loss.designs[name].coordinates(np.atleast_1d(value), np.zeros((0, np.size(value))))

    u[loss.slices["low__mean"]] = 0.0
    u[0] = np.log(2.5) / loss.designs["low__mean"].output_basis[0, 0]
    place("high__mean", np.log(40.0))
    place("logits", [6.5, -6.5])
    found = solve(loss, u, Scripted(nit=1000), 1e-2, 100)
    assert found.converged
    assert found.edges["logits['high']"] == "lower"
    place("logits", [1.5, -1.5])
    assert "logits['high']" not in solve(loss, u, Scripted(nit=1000), 10.0, 100).edges
    many = objective(law, np.zeros((N, 1)), y, np.full(N, 1e4)).copy_with(designs=loss.designs)
    place("logits", [6.5, -6.5])
    assert "logits['high']" not in solve(many, u, Scripted(nit=1000), 1e-2, 100).edges  # of so many rows some would tell


def test_why_a_solver_cannot_serve():
    with pytest.raises(ValueError, match=r"which Laplace does not offer here \(its log-likelihood has kinks\)"):
        choose("newton", objective(Laplace(), X, COUNTS))


def test_too_many_coefficients_for_a_hessian():
    wide = RNG.normal(size=(20, 3100))
    loss = objective(Poisson(), wide, COUNTS[:20], alpha={"mean": 1.0})
    with pytest.raises(ValueError, match=r"needs the hessian, .*\(there are too many coefficients\); use 'auto'"):
        choose("newton", loss)
    assert choose("auto", loss).method == "L-BFGS-B"
    assert choose("newton-cg", loss).needs == "hessp"


# ---- a user's minimiser ---------------------------------------------------------------------------------------------------


def test_callable_solver_gets_tolerances_and_derivatives():
    told = {}

    def spy(fun, x0, args=(), **others):
        told.update(others)
        return OptimizeResult(x=x0, fun=fun(x0), nit=1)

    loss, u = counts()
    solve(loss, u, spy, 1e-5, 7)
    assert (told["tol"], told["maxiter"]) == (1e-5, 7)
    assert_allclose(told["hess"](u), loss.hessian(u))
    assert_allclose(told["hessp"](u, np.eye(3)[1]), loss.hessian(u)[1], atol=1e-14)
    solve(*cold_start(objective(Laplace(), X, COUNTS)), spy, 1e-5, 7)
    assert told["hess"] is told["hessp"] is None


def test_a_callable_without_options_is_given_none():
    def strict(fun, x0, args, jac, hess, hessp, bounds, constraints, callback):
        return OptimizeResult(x=x0, nit=1)

    def limited(fun, x0, maxiter, args, jac, hess, hessp, bounds, constraints, callback):
        return OptimizeResult(x=x0, nit=maxiter)

    loss, u = counts()
    assert not solve(loss, u, strict, 1e-12, 7).converged
    assert solve(loss, u, limited, 1e-12, 7).n_iter == 7


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (lambda fun, x0, jac=None: x0, r"\(got an unexpected keyword argument 'args'\); let it end with \*\*options"),
        (lambda fun, x0, **options: x0, "returned ndarray; it must return a scipy.optimize.OptimizeResult with x"),
        (lambda fun, x0, **options: None, "returned NoneType; it must return"),
    ],
)
def test_invalid_solver_raises(solver, message):
    with pytest.raises(TypeError, match=message):
        solve(*counts(), solver, 1e-8, 50)


def test_the_remedy_for_a_solver_that_stops_early_is_another():
    with pytest.warns(ConvergenceWarning, match=r"use solver='auto'\.$"):
        MLERegressor("poisson", solver=Scripted()).fit(X, COUNTS)
    MLERegressor("poisson", solver="auto").fit(X, COUNTS)  # without a warning


def test_a_side_on_which_no_far_value_is_finite():
    walled = SimpleNamespace(value=lambda u: 0.0 if np.abs(u).max() < 10 else np.inf)
    assert _side_without_fall(walled, np.zeros(1), 0.0, np.ones(1)) == 1.0
