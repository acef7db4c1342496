"""No fit ends below its law's special cases, for any law; and which laws are limits of others, found numerically."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from _objectives import objective
from scipy import optimize, stats
from scipy.special import gammaln

from sk_mle import MLEDensity, MLERegressor
from sk_mle import likelihoods as L
from sk_mle._solvers.solvers import solve
from sk_mle._solvers.special_cases import constant_parameters, first_round_iterations, from_special_cases, on_subsample
from sk_mle._solvers.start import cold_start
from sk_mle.datasets import make_mle_regression
from sk_mle.domains import POSITIVE, REAL
from sk_mle.exceptions import BoundaryWarning, SeparationWarning
from sk_mle.likelihoods import LAWS, Likelihood
from sk_mle.likelihoods._protocol.relations import law_at_end, limit_parameters, values_to_hold
from sk_mle.selection._reductions import reductions


class Heavy(Likelihood):
    """A user's law: Student's t by its density alone."""

    parameters = {"centre": REAL, "width": POSITIVE, "tail": POSITIVE}

    def loglik(self, y, centre, width, tail):
        z = (y - centre) / width
        constant = gammaln((tail + 1) / 2) - gammaln(tail / 2) - 0.5 * np.log(np.pi * tail) - np.log(width)
        return constant - (tail + 1) / 2 * np.log1p(z**2 / tail)


def zeros(seed, level, slope, spread, n=100):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 1))
    y = level + slope * X[:, 0] + spread * rng.normal(size=n)
    y[rng.uniform(size=n) < 0.3] = 0
    return X, y


def by_scipy(X, y):
    """The best of several starts of a general optimiser: at the line of the values that are not zero, and elsewhere."""
    line = np.polyfit(X[y != 0, 0], y[y != 0], 1)

    def lost(p):
        return -stats.t.logpdf(y, np.exp(p[3]), p[0] + p[1] * X[:, 0], np.exp(p[2])).sum()

    starts = [[line[1], line[0], np.log(s), np.log(df)] for s in (0.1, 0.5) for df in (0.7, 1.0, 2.0)]
    return -min(optimize.minimize(lost, start, method="BFGS").fun for start in starts)


@pytest.mark.parametrize(
    ("law", "case"), [(L.StudentT(), (1, 10, 3, 0.3)), (L.StudentT(), (3, 2, 1, 0.1)), (Heavy(), (3, 2, 1, 0.1))]
)
def test_zeros_in_a_regression(law, case):
    X, y = zeros(*case)
    with warnings.catch_warnings():  # around the zeros the likelihood is unbounded as well, which the ledger looks at
        warnings.filterwarnings("ignore", "The likelihood of .* grows without end, too", BoundaryWarning)
        model = MLERegressor(law).fit(X, y)
    assert model.converged_
    assert model.loglikelihood_ == pytest.approx(by_scipy(X, y), abs=1e-4)


def fitted(law, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MLERegressor(law).fit(X, y) if X.shape[1] else MLEDensity(law).fit(y[:, None])


def simulated(law, kind, n, p):
    """Data of a law, or what they become where a third of the values is one, or one is far out."""
    rng = np.random.default_rng(n + p)
    X = rng.normal(size=(n, p))
    name, *others = law.parameters
    typical = {other: np.full(n, np.mean(law.layout[other].domain.typical)) for other in (name, *others)} | law.layout.fixed
    link = law.layout[name].link
    y = law.rvs(rng, (n,), **{**typical, name: link.inverse(link.link(typical[name]) + (0.2 * X[:, 0] if p else 0.0))})
    if kind == "repeated":
        y[rng.uniform(size=n) < 0.3] = np.median(y) if law.support.low == -np.inf else np.quantile(y, 0.3)
    if kind == "far":
        y[0] = np.ceil(np.max(y) * 20)
    return (X, y) if law.inside(y).all() else (X, np.clip(y, *np.quantile(y, [0.05, 0.95])))


def shaped_laws():
    for name, kind in LAWS.items():
        law = kind(trials=9) if "trials" in kind._get_param_names() else kind()
        if law.target_type == "number" and values_to_hold(law):
            yield pytest.param(law, id=name)
    for law in (L.ZeroInflated(L.NegativeBinomial()), L.AsymmetricLaplace(quantile=None), L.Tweedie(power=None)):
        yield pytest.param(law, id=repr(law))


@pytest.mark.exhaustive
@pytest.mark.parametrize(("n", "p"), [(25, 0), (120, 2)])
@pytest.mark.parametrize("kind", ["right", "repeated", "far"])
@pytest.mark.parametrize("law", shaped_laws())
def test_no_fit_ends_below_one_with_a_shape_held(law, kind, n, p):
    X, y = simulated(law, kind, n, p)
    model = fitted(law, X, y)
    for name, values in values_to_hold(law).items():
        for value in values:
            held = fitted(L.Fixed(law, {name: value}), X, y)
            if held.converged_:
                assert model.loglikelihood_ > held.loglikelihood_ - 0.01, (name, value)


# ---- limits that are declared, and any that are not ----------------------------------------------------------------------

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(301)


def families():
    """Laws by where they live."""
    kinds: dict = {}
    for name, kind in LAWS.items():
        law = kind(trials=9) if "trials" in kind._get_param_names() else kind()
        if law.target_type != "number" or law.layout.known:
            continue
        if name == "asymmetric_laplace":
            law = kind(quantile=None)
        if name == "tweedie":
            law = kind(power=None)
        kinds.setdefault((law.support.low, law.support.high, law.support.integer), []).append(law)
    return kinds.values()


def pairs():
    for laws in families():
        for full in laws:
            for special in laws:
                if len(full.layout.free) > len(special.layout.free) and type(full) is not type(special):
                    yield pytest.param(full, special, id=f"{type(full).__name__}-{type(special).__name__}")


@pytest.mark.exhaustive
@pytest.mark.parametrize(("full", "special"), pairs())
def test_fit_at_a_limit_names_the_limiting_law(full, special):
    """By a fit to the other law itself, weights by its probabilities: the density is the same everywhere, or it is not."""
    distances = []
    for share in (0.3, 0.7):
        ranges = {name: special.layout[name].domain.typical for name in special.parameters}
        params = {name: low + share * (high - low) for name, (low, high) in ranges.items()} | special.layout.fixed
        if special.support.integer:
            y = np.arange(0.0, min(special.support.high, 200.0) + 1)
            weight = np.exp(special.loglik(y, **params))
        else:
            y, weight = np.asarray(special.ppf((_NODES + 1) / 2, **params), float), _WEIGHTS / 2
        keep = (weight > 1e-9) & full.inside(y)
        if not keep.all() and not special.support.integer:
            return
        y, weight = y[keep], 1e3 * weight[keep]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = MLEDensity(full, max_iter=300).fit(y[:, None], sample_weight=weight)
        apart = model.score_samples(y[:, None]) - special.loglik(y, **params)
        distances.append(np.average(np.abs(apart), weights=weight))
    declared = next(reductions(full, special), None) is not None
    assert declared == (max(distances) < 4e-4), distances


@pytest.mark.parametrize(
    ("small", "full", "y"),
    [
        (L.Exponential(), L.Lomax(), np.random.default_rng(0).uniform(size=80)),
        (L.Normal(), L.JohnsonSU(), np.random.default_rng(2).normal(size=80)),
        (L.HalfNormal(), L.BoxCoxColeGreen(), np.abs(np.random.default_rng(0).normal(size=80))),
        (L.Geometric(), L.ConwayMaxwellPoisson(), np.random.default_rng(0).geometric(0.2, 80) ** 2 - 1.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_law_ends_below_its_limit(small, full, y):
    below, above = (fitted(law, np.empty((len(y), 0)), y) for law in (small, full))
    assert above.loglikelihood_ > below.loglikelihood_ - 1e-6


def test_the_law_at_a_limit_is_named_inside_wrappers_too():
    assert law_at_end(L.ZeroInflated(L.Poisson()), "inflation", "lower") == "Poisson"
    assert law_at_end(L.Censored(L.SkewNormal()), "shape", "upper").startswith("half-normal")
    assert law_at_end(L.StudentT(), "df", "upper") == "Normal"
    assert law_at_end(L.StudentT(), "df", "lower") == ""
    for law in (L.JohnsonSU(), L.Censored(L.JohnsonSU())):  # skew diverges with scale, and tail to another limit
        assert limit_parameters(law, "scale", "lower") == {"loc", "skew"}
        assert limit_parameters(law, "tail", "upper") == {"skew", "scale"}


def test_advice_at_a_limit_works():
    y = np.random.default_rng(1).uniform(size=(40, 1))
    with pytest.warns(BoundaryWarning, match=r"Fixed\(StudentT\(\), {'df': np.inf}\)"):
        model = MLEDensity(L.StudentT()).fit(y)
    assert MLEDensity(L.Fixed(L.StudentT(), {"df": np.inf})).fit(y).loglikelihood_ == pytest.approx(
        model.loglikelihood_, abs=1e-6
    )


@pytest.mark.parametrize("law", [L.GeneralizedGamma(), L.StudentT(), L.SkewNormal()])
def test_weights_equal_repeated_rows(law):
    """Also where as many columns as rows meet every value, so that the density becomes ever narrower."""
    rng = np.random.RandomState(42)
    X, y, weight = rng.rand(15, 30), rng.randint(0, 3, 15) + 1.0, rng.randint(0, 5, 15)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = MLERegressor(law).fit(X[::-1], y[::-1], sample_weight=weight[::-1])
        other = MLERegressor(law).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-8)


@pytest.mark.parametrize("order", [1, -1])
def test_a_value_is_frequent_by_its_weight(order):
    X, y = (part[::order] for part in zeros(3, 2, 1, 0.1))
    zero = y == 0
    first = np.flatnonzero(zero)[0]
    kept = ~zero | (np.arange(len(y)) == first)
    weight = np.where(zero, zero.sum(), 1)[kept]
    X, y = X[kept], y[kept]
    one = MLERegressor(L.StudentT()).fit(X, y, sample_weight=weight)
    other = MLERegressor(L.StudentT()).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert one.loglikelihood_ == pytest.approx(other.loglikelihood_, abs=1e-6)


# ---- the search itself -------------------------------------------------------------------------------------------------


class Counted:
    """The solver, and what was asked of it."""

    def __init__(self):
        self.asked = []

    def __call__(self, loss, start, most=np.inf):
        self.asked.append((loss.likelihood.layout.free, loss.data.n_samples, most))
        return solve(loss, start, "auto", 1e-8, int(min(most, 1000)))


def searched(law, y, X=None, change=None):
    """The objective, a first solution, the best that the search finds, and what it asked for."""
    loss, u = cold_start(objective(law, np.zeros((len(y), 1)) if X is None else X, y))
    solver = Counted()
    first = solver(loss, u, first_round_iterations(loss))
    first = change(first) if change else first
    solver.asked = []
    return loss, first, from_special_cases(loss, first, solver), solver.asked


def total(loss, solution):
    return -loss.data.total_weight * loss.value(solution.u)


def test_laws_with_sharp_ends_are_looked_at_early():
    y = np.arange(1.0, 9.0)
    for law, rounds in ((L.Normal(), np.inf), (L.StudentT(), np.inf), (L.SkewNormal(), 50)):
        assert first_round_iterations(objective(law, np.zeros((8, 1)), y)) == rounds


def test_which_parameters_are_constants():
    y, X = np.arange(1.0, 9.0), np.arange(8.0)[:, None]
    assert constant_parameters(objective(L.StudentT(), X, y)) == ["scale", "df"]
    assert constant_parameters(objective(L.StudentT(), X, y, on=["loc", "scale"])) == ["df"]
    assert constant_parameters(objective(L.StudentT(), X, y, offset={"df": np.ones(8)})) == ["scale"]
    assert constant_parameters(objective(L.StudentT(scale=1.0), X, y)) == ["df"]
    assert constant_parameters(objective(L.MultivariateNormal().bind(np.zeros((8, 2))), X, np.column_stack([y, y**2]))) == []


def test_size_of_the_subsample():
    y = np.arange(9000.0)
    few = objective(L.Normal(), np.zeros((8000, 1)), y[:8000])
    assert on_subsample(few) is few
    assert on_subsample(objective(L.Normal(), np.zeros((9000, 1)), y)).data.n_samples == 4000


@pytest.mark.parametrize(
    ("law", "y", "change"),
    [
        (L.Poisson(), np.arange(20.0) % 4, None),  # no parameter beside the mean
        (L.StudentT(), np.random.default_rng(1).standard_t(3, size=100), None),  # no sign of another maximum
        (L.StudentT(), zeros(1, 10, 3, 0.3)[1], lambda one: one._replace(unbounded=True)),
        (L.StudentT(), zeros(1, 10, 3, 0.3)[1], lambda one: one._replace(u=one.u + 1e4)),
    ],
)
def test_fits_without_a_search_over_shapes(law, y, change):
    _, first, best, asked = searched(law, y, change=change)
    assert best is first
    assert asked == []


@pytest.mark.parametrize("settled", [True, False])
def test_frequent_values_start_a_search_over_fixed_shapes(settled):
    X, y = zeros(3, 2, 1, 0.1)
    loss, first, best, asked = searched(L.StudentT(), y, X, change=lambda one: one._replace(converged=settled))
    assert total(loss, best) == pytest.approx(by_scipy(X, y), abs=1e-4)
    assert total(loss, best) > total(loss, first) + 10
    assert best.converged
    assert {tuple(free) for free, _, _ in asked} == {("loc", "scale"), ("loc", "scale", "df")}
    assert first.edges == {"df": "upper"}
    assert "other_maximum" not in best.result  # a limit is none


def test_solution_stays_if_no_fixed_shape_is_better():
    X, y = zeros(0, 1, 1, 0.1)
    y[:6] += [18.0, -18.0, 28.0, -40.0, 60.0, -22.0]
    loss, first, best, asked = searched(L.StudentT(), y, X)
    assert asked
    assert best is first
    assert total(loss, best) == pytest.approx(by_scipy(X, y), abs=1e-6)


def half_normal(y):
    return stats.halfnorm.logpdf(y, y.min(), np.sqrt(np.mean((y - y.min()) ** 2))).sum()


@pytest.mark.parametrize("side", [1, -1])
def test_a_supremum_at_the_end_of_a_domain_is_followed_to_it(side):
    y = np.random.default_rng(1).exponential(size=50)
    loss, first, best, asked = searched(L.SkewNormal(), side * y)
    assert not first.converged
    assert total(loss, best) == pytest.approx(half_normal(y), abs=1e-4)
    assert total(loss, best) < half_normal(y) + 1e-9
    assert (best.converged, best.edges) == (True, {"shape": "upper" if side == 1 else "lower"})
    assert best.n_iter > first.n_iter
    assert best.result["minimum_certified"]
    assert "other_maximum" not in best.result
    assert all(free == ["loc", "scale"] for free, _, _ in asked)


@pytest.mark.parametrize(
    ("law", "y", "supremum", "edge"),
    [
        (L.StudentT(), np.linspace(-1.0, 1.0, 60), lambda y: stats.norm.logpdf(y, y.mean(), y.std()), {"df": "upper"}),
        (L.NegativeBinomial(), np.tile([1.0, 2, 3], 40), lambda y: stats.poisson.logpmf(y, 2), {"dispersion": "lower"}),
        (L.Lomax(), np.linspace(0.01, 1.0, 80), lambda y: stats.expon.logpdf(y, 0, y.mean()), {"shape": "upper"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Likelihood) else "",
)
@pytest.mark.parametrize("settled", [True, False])
def test_diverging_shape_reaches_its_limit(law, y, supremum, edge, settled):
    """Also from where a fit has not converged yet: as from a shape that is still far from there."""

    def earlier(one):
        return one if settled else solve(*cold_start(objective(law, np.zeros((len(y), 1)), y)), "auto", 1e-8, 2)

    loss, first, best, _ = searched(law, y, change=earlier)
    assert first.converged is settled
    assert total(loss, best) == pytest.approx(supremum(y).sum(), abs=1e-4)
    assert (best.converged, best.edges) == (True, edge)


@pytest.mark.exhaustive
def test_the_edge_of_a_parameter_beside_one_that_is_separated():
    rng = np.random.default_rng(0)
    rng.binomial(8, 0.3, size=300)
    X = rng.normal(size=(400, 2))
    y = np.where(rng.uniform(size=400) < 0.2, 0, np.minimum(8, rng.poisson(np.exp(0.5 + 0.3 * X[:, 0]))))
    group = rng.uniform(size=400) < 0.2
    X, y = np.column_stack([X, group]), np.where(group, 8, y)
    with (
        pytest.warns(SeparationWarning, match="column 2 .* 'mean'"),
        pytest.warns(BoundaryWarning, match=r"dispersion of Hurdle ran to the lower edge.*\(Poisson\)"),
    ):
        MLERegressor(L.Hurdle(L.Truncated(L.NegativeBinomial(), high=8))).fit(X, y)


def half_normal_by_quadratic_programming(X, y):
    """The supremum at an infinite shape: least squares among the planes that lie below every y."""
    A = np.column_stack([np.ones(len(y)), X])
    start = np.linalg.lstsq(A, y, rcond=None)[0]
    start[0] += (y - A @ start).min()
    below = {"type": "ineq", "fun": lambda b: y - A @ b, "jac": lambda b: -A}
    r = (
        y
        - A
        @ optimize.minimize(
            lambda b: np.mean((y - A @ b) ** 2),
            start,
            jac=lambda b: -2 * A.T @ (y - A @ b) / len(y),
            constraints=below,
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        ).x
    )
    assert r.min() > -1e-9
    return 0.5 * len(y) * (np.log(2 / np.pi) - np.log(np.mean(r**2)) - 1)


@pytest.mark.parametrize(("shape", "at_end"), [(1000.0, True), (10.0, True), (5.0, False)])
def test_a_regression_is_followed_to_a_half_normal_law(shape, at_end):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X.sum(axis=1) * 0.3 + stats.skewnorm.rvs(shape, size=200, random_state=rng)
    model, limit = fitted(L.SkewNormal(), X, y), half_normal_by_quadratic_programming(X, y)
    assert model.converged_
    assert (model.fit_.limits == {"shape": "upper"}) == at_end
    if at_end:
        assert model.loglikelihood_ == pytest.approx(limit, abs=2e-4)
    else:
        assert model.loglikelihood_ > limit + 1


def test_a_limit_that_cannot_win_costs_few_passes():
    """That the law says how good its limit may be is no reason to follow it to the end."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 5))
    y = X.sum(axis=1) + stats.skewnorm.rvs(5, size=1000, random_state=rng)
    assert fitted(L.SkewNormal(), X, y).optimize_result_.n_passes < 20


def test_copies_of_few_rows_are_searched_as_weights_are():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(24, 1))
    y = 1 + X[:, 0] + rng.standard_t(2, 24)
    with pytest.warns(BoundaryWarning, match="shape of GeneralizedNormal ran to the upper edge"):
        weighted = MLERegressor(L.GeneralizedNormal()).fit(X, y, sample_weight=np.full(24, 4.0))
    copied = fitted(L.GeneralizedNormal(), np.repeat(X, 4, axis=0), np.repeat(y, 4))
    assert copied.loglikelihood_ == pytest.approx(weighted.loglikelihood_, abs=1e-6)


@pytest.mark.exhaustive
def test_few_rows_with_an_outlier_are_fitted_at_several_shapes():
    data = make_mle_regression(L.SinhArcsinh(), 24, 1, random_state=501)
    y = np.append(40 * data.y[:2] + 30, data.y[2:])
    model = MLERegressor(L.SinhArcsinh()).fit(data.X, y)
    assert model.loglikelihood_ == pytest.approx(-55.959892, abs=1e-4)  # scipy's Nelder-Mead, the best of many starts


@pytest.mark.parametrize("law", [L.StudentT(), L.Transformed(L.StudentT(), L.YeoJohnson())], ids=repr)
def test_a_likelihood_without_bound_around_a_frequent_value_is_seen_in_few_steps(law):
    """At loc = 0 without slopes it grows as scale^(-0.3) as df -> 0; the location alone would follow in 150 steps and more."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 2))
    y = X @ [1, 0.5] + rng.normal(size=400)
    y[rng.uniform(size=400) < 0.3] = 0.0
    with pytest.warns(UserWarning, match="unbounded"):
        model = MLERegressor(law).fit(X, y)
    assert not model.converged_
    assert model.n_iter_ < 60
