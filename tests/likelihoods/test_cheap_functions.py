"""What keeps the laws cheap: nothing is computed twice, and what is computed once is the same number."""

from __future__ import annotations

import os
import subprocess
import sys

import mpmath as mp
import numpy as np
import pytest
from _densities import skew_t_logpdf, student_logpdf
from _laws import recorded
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special, stats
from sklearn.base import clone

from sk_mle._special import gamma_functions
from sk_mle._special.elementwise import elementwise
from sk_mle._special.logarithms import (
    log1p_remainder,
    log_factorial_remainder,
    minus_half_gamma_deviance,
    minus_half_poisson_deviance,
)
from sk_mle._special.rising import rising_factorial_remainder
from sk_mle.domains import POSITIVE, REAL
from sk_mle.likelihoods import (
    LAWS,
    Bernoulli,
    Beta,
    Categorical,
    Censored,
    Fixed,
    Gamma,
    Likelihood,
    Logistic,
    Mixture,
    NegativeBinomial,
    Normal,
    Poisson,
    SkewT,
    StudentT,
    Truncated,
    Weibull,
    ZeroInflated,
)
from sk_mle.likelihoods._fallbacks import jets, quadrature
from sk_mle.likelihoods._fallbacks.algebra import Eval, mix, scatter, select_rows
from sk_mle.likelihoods._fallbacks.facts import sized
from sk_mle.likelihoods._fallbacks.inversion import solve_quantile
from sk_mle.likelihoods._protocol.derived import kernel
from sk_mle.likelihoods._protocol.evaluation import by_differences, without_formulas
from sk_mle.links import LINKS

N = 1000
RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(4.0, N).astype(float)


def repeated(value, n=N):
    return np.broadcast_to(np.float64(value), (n,))


# ---- numbers and counts are computed once ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 1), (1, 3), (0,), (0, 2), (1,)])
def test_links_keep_axes_of_one_or_no_entry_apart(shape):
    values = np.broadcast_to(np.linspace(0.1, 0.9, 3)[: max(1, *shape)].reshape([-1 if n > 1 else 1 for n in shape]), shape)
    for link in (LINKS["log"](), LINKS["logit"]()):
        assert_array_equal(link.inverse(values), link.inverse(values.copy()))


@pytest.mark.parametrize("name", LINKS)
def test_links_of_a_repeated_predictor_repeat(name):
    link = LINKS[name]()
    for method in (link.inverse, link.inverse_derivatives, link.log_inverse, link.log_complement):
        whole, once = method(np.full(N, 0.4)), method(repeated(0.4))
        for expected, found in zip(np.atleast_2d(whole), once if isinstance(once, tuple) else (once,), strict=True):
            assert found.strides == (0,)
            assert_array_equal(found, expected)
    rows_of_three = np.broadcast_to([0.1, 0.2, 0.3], (N, 3))
    assert_array_equal(link.inverse(rows_of_three), link.inverse(rows_of_three.copy()))


def counted(function):
    """An elementwise function, and the list of how many elements it was computed at."""
    sizes = []

    def counting(*args):
        sizes.append(args[0].size)
        return function(*args)

    return elementwise(counting), sizes


def test_numbers_are_computed_once_and_remembered():
    f, sizes = counted(lambda x, d: (x + d, x - d))
    for _ in range(3):
        total, gap = f(repeated(2.0), 0.5)
        assert total.shape == gap.shape == (N,)
        assert total[3] == 2.5
        assert gap[3] == 1.5
    assert f(2.0, 0.5)[0] == 2.5
    assert sizes == [1]
    assert_array_equal(f(np.broadcast_to([[1.0], [2.0]], (2, N)), 0.5)[0][:, 7], [1.5, 2.5])
    assert sizes == [1, 2]


def test_counts_beside_numbers_are_computed_at_their_values():
    f, sizes = counted(lambda a, y: np.sqrt(a + y))
    assert_array_equal(f(repeated(0.3), COUNTS), np.sqrt(0.3 + COUNTS))
    assert_array_equal(f(0.3, COUNTS[::-1]), np.sqrt(0.3 + COUNTS[::-1]))
    assert len(sizes) == 1
    assert sizes[0] < 64


@pytest.mark.parametrize(
    "y",
    [
        COUNTS + 0.5,
        COUNTS - 1,
        COUNTS * 1e6,
        np.where(COUNTS == 3, np.nan, COUNTS),
        np.where(COUNTS == 3, np.inf, COUNTS),
        COUNTS[:9],
    ],
    ids=["fractions", "negative", "far apart", "nan", "inf", "few"],
)
def test_other_values_beside_numbers_are_computed_one_by_one(y):
    f, sizes = counted(lambda a, y: np.exp(-a * y))
    assert_array_equal(f(repeated(0.3, len(y)), y), np.exp(-0.3 * y))
    assert sum(sizes) == len(y)


@pytest.mark.parametrize("name", ["lgamma_delta", "lgamma_delta_scaled", "digamma_delta", "trigamma_delta"])
def test_tables_equal_elementwise_values(name):
    function = getattr(gamma_functions, name)
    whole = np.append(np.full(N, 0.7), 0.8), np.append(COUNTS, 1.0)  # two values: no table
    assert_allclose(function(repeated(0.7), COUNTS), function(*whole)[:-1], rtol=1e-15)


def exact_rising_rest(a, y, order=2):
    """log of the rising factorial of 1 / a less Stirling's main terms, and derivatives in a, by mpmath."""

    def rest(t):
        x = 1 / t
        return mp.loggamma(x + y) - mp.loggamma(x) - ((x + y) * mp.log(x + y) - x * mp.log(x) - y)

    with mp.workdps(150):
        a, y = mp.mpf(a), mp.mpf(y)
        return [float(rest(a) if k == 0 else mp.diff(rest, a, k, h=a * mp.mpf(10) ** -30)) for k in range(order + 1)]


def test_rising_factorials_of_one_count_at_many_whole_numbers():
    a = np.tile([1.0, 2.0, 3.0], 100)
    expected = np.tile([exact_rising_rest(v, 3.0, 0)[0] for v in a[:3]], 100)
    assert_allclose(rising_factorial_remainder(a, 3.0)[0], expected, rtol=1e-13)


@pytest.mark.parametrize("a", [1e-50, 1e-3, 0.0999, 0.3, 50.0])
def test_rising_factorials_of_counts_are_sums(a):
    found = np.transpose(rising_factorial_remainder(repeated(a), COUNTS, order=2))
    for y in np.unique(COUNTS):
        expected = exact_rising_rest(a, y)
        assert_allclose(found[y == COUNTS], np.tile(expected, ((y == COUNTS).sum(), 1)), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", ["gamma_norm", "lgamma_half_delta"])
def test_numbers_give_the_same_values_as_arrays(name):
    function, x = getattr(gamma_functions, name), np.geomspace(1e-3, 1e3, 50)
    for order in range(3):
        numbers = np.transpose([function(value, order=order) for value in x])
        assert_allclose(numbers, function(x, order=order), rtol=1e-15)


# ---- quantiles and means by search and integration ---------------------------------------------------------------------


class CountedNormal:
    """The tails of scipy's normal law with loc, and how many probabilities they were asked for."""

    support, layout = REAL, Fixed(Normal(), {"scale": 1.0}).layout

    def __init__(self):
        self.n_asked = {"logcdf": 0, "logsf": 0}

    def __getattr__(self, name):
        def tail(y, loc):
            self.n_asked[name] += len(y)
            return getattr(stats.norm, name)(y, loc)

        return tail


@pytest.mark.parametrize("distance", [1e-9, 0.3, 50.0])
def test_quantiles_by_search_take_few_probabilities_of_the_smaller_tail(distance):
    q, loc = np.array([0.1, 0.3, *([0.9] * 98)]), np.linspace(-20, 20, 100)
    exact, law = stats.norm.ppf(q, loc), CountedNormal()
    assert_allclose(solve_quantile(law, q, {"loc": loc}, exact + distance), exact, rtol=1e-14, atol=1e-15)
    assert law.n_asked["logsf"] < 27 * 98
    assert law.n_asked["logcdf"] < 27 * 2


def test_means_of_densities_of_several_modes_take_no_quantiles(monkeypatch):
    monkeypatch.setattr(quadrature, "over_quantiles", lambda *_: pytest.fail("quantiles were searched for"))
    a, b, scale, other = np.linspace(-4, 5, 20), np.linspace(1, 2, 20), 2.77, 0.25
    law = Truncated(Mixture([("a", Normal()), ("b", Normal())]), low=0.0)
    zero = np.zeros(20)
    params = {"a__loc": a, "a__scale": zero + scale, "b__loc": b, "b__scale": zero + other, "logits": np.zeros((20, 2))}
    found = law.expectation(low=zero, high=zero + np.inf, **params)
    above, other_above = stats.norm.cdf(a / scale), stats.norm.cdf(b / other)
    total = a * above + scale * stats.norm.pdf(a / scale) + b * other_above + other * stats.norm.pdf(b / other)
    assert_allclose(found, total / (above + other_above), rtol=1e-9)


# ---- what depends on y alone -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", [*(law() for law in LAWS.values()), Fixed(Gamma(), {"shape": 2.0})], ids=repr)
def test_kernel_is_the_density_without_base_measure(law):
    rng = np.random.default_rng(3)
    law = sized(law)
    eta = {name: 0.3 * rng.normal(size=(20, *law.layout[name].shape)) for name in law.layout.free}
    y = law.support.draw(rng, 20) if law.target_type != "targets" else law.rvs(rng, (20,), **law.layout.theta(eta))
    y = recorded(law, rng, y if law.layout[law.layout.free[0]].shape == () or law.target_type == "targets" else y % 3)
    without_base_measure, inside = kernel(law), law.inside(y)
    whole, rest = law.evaluate(y, eta, 1), without_base_measure.evaluate(y, eta, 1)
    base_measure = np.broadcast_to(law.base_measure(y), whole.loglik.shape)
    assert_allclose((rest.loglik + base_measure)[inside], whole.loglik[inside], rtol=1e-12, atol=1e-12)
    assert_array_equal(without_base_measure.base_measure(y), 0.0)
    for name in law.layout.free:
        assert_array_equal(rest.gradient[name], whole.gradient[name])
    assert_array_equal(clone(without_base_measure).loglik(y, **law.layout.theta(eta)), law.loglik(y, **law.layout.theta(eta)))


def test_some_laws_have_a_base_measure():
    y = np.array([1.0, 2.0, 5.0])
    for law in (Poisson(), NegativeBinomial(), Gamma(), Weibull(), Fixed(Gamma(), {"shape": 2.0})):
        assert (law.base_measure(y)[1:] != 0).all()


# ---- shared work ---------------------------------------------------------------------------------------------------------


class Steeper(Gamma):
    def gradient(self, y, mean, shape):
        return {name: 2 * value for name, value in super().gradient(y, mean, shape).items()}


def test_a_subclass_may_write_one_derivative_apart():
    y, eta = np.array([1.0, 2.0, 5.0]), {"mean": np.zeros(3), "shape": np.full(3, 0.5)}
    plain, steep = Gamma().evaluate(y, eta, 1), Steeper().evaluate(y, eta, 1)
    for name in eta:
        assert_array_equal(steep.gradient[name], 2 * plain.gradient[name])


LAWS_OF_ONE_TARGET = [Normal(), Gamma(), Beta(), StudentT(), NegativeBinomial(), Weibull(), Poisson(), ZeroInflated(Poisson())]


@pytest.mark.parametrize("law", LAWS_OF_ONE_TARGET, ids=repr)
@pytest.mark.parametrize("information", ["observed", "expected"])
def test_parameters_without_columns_are_like_columns_of_one_value(law, information):
    first, *others = law.layout.free
    eta = {first: 0.3 * RNG.normal(size=N), **{name: repeated(0.4) for name in others}}
    y = law.rvs(RNG, (N,), **law.layout.theta(eta))
    once = law.evaluate(y, eta, 2, information)
    whole = law.evaluate(y, {name: value + RNG.normal(size=N) * 1e-300 for name, value in eta.items()}, 2, information)
    assert_allclose(once.loglik, whole.loglik, rtol=1e-13, atol=1e-13)
    for part in ("gradient", "information"):
        for key, value in getattr(whole, part).items():
            assert_allclose(np.broadcast_to(getattr(once, part)[key], (N,)), value, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("link", ["logit", "probit", "cauchit", "cloglog"])
def test_information_of_two_classes(link):
    law, eta = Bernoulli(links={"prob": link}), {"prob": np.linspace(-2, 1, 13)}
    prob, slope, _ = law.layout["prob"].link.inverse_derivatives(eta["prob"])
    for y in (np.zeros(13), np.ones(13)):
        found = law.evaluate(y, eta, 2, "expected").information["prob", "prob"]
        assert_allclose(found, slope**2 / (prob * (1 - prob)), rtol=1e-12)


def test_rows_of_a_repeated_predictor_repeat():
    mask = RNG.random(N) < 0.3
    eta = {"loc": RNG.normal(size=N), "scale": repeated(0.4), "logits": np.broadcast_to([0.1, 0.2], (N, 2))}
    found = select_rows(eta, mask)
    assert_array_equal(found["loc"], eta["loc"][mask])
    for name in ("scale", "logits"):
        assert found[name].strides[0] == 0
        assert_array_equal(found[name], eta[name][mask])


def test_groups_of_rows_return_to_their_places():
    mask = RNG.random(N) < 0.3
    values = RNG.normal(size=(N, 2))
    parts = [(m, Eval(values[m, 0], {"a": values[m]}, {})) for m in (mask, ~mask)]
    whole = scatter(N, parts)
    assert_array_equal(whole.loglik, values[:, 0])
    assert_array_equal(whole.gradient["a"], values)


@pytest.mark.parametrize("law", [Normal(), Logistic(), Weibull(), StudentT(df=4.0)], ids=repr)
def test_intervals_of_all_kinds_are_each_as_if_alone(law):
    centre = law.layout.theta({name: np.zeros(1) for name in law.layout.free})
    q = np.array([0.2, 0.5, 0.8])
    points = law.ppf(q, **{name: float(np.ravel(value)[0]) for name, value in centre.items()})
    low = np.array([-np.inf, points[0], points[1], points[0], points[2], -np.inf])
    high = np.array([points[1], np.inf, np.inf, points[2], points[2], np.inf])
    target = np.column_stack([low, high])
    eta = {name: 0.1 * RNG.normal(size=6) for name in law.layout.free}
    inner, law = law, Censored(law)
    whole = law.evaluate(target, eta, 2)
    with np.errstate(all="ignore"):
        ends = inner.cdf(high, **inner.layout.theta(eta)), inner.cdf(np.maximum(low, -1e9), **inner.layout.theta(eta))
        mass = np.where(low == high, inner.loglik(high, **inner.layout.theta(eta)), np.log(ends[0] - ends[1]))
    assert_allclose(whole.loglik, mass, rtol=1e-12, atol=1e-13)
    for name in inner.layout.free:
        up, down = ({**eta, name: eta[name] + step} for step in (1e-5, -1e-5))
        slope = (law.evaluate(target, up, 0).loglik - law.evaluate(target, down, 0).loglik) / 2e-5
        assert_allclose(whole.gradient[name], slope, atol=1e-8)
    for i in range(6):
        alone = law.evaluate(target[i : i + 1], {name: value[i : i + 1] for name, value in eta.items()}, 2)
        assert_allclose(whole.loglik[i], alone.loglik[0], rtol=1e-14)
        for part in ("gradient", "information"):
            for key, value in getattr(whole, part).items():
                assert_allclose(value[i], np.ravel(getattr(alone, part).get(key, 0.0))[0], rtol=1e-13, atol=1e-15)


def test_mixtures_of_terms_without_mass():
    """Their derivatives may be NaN; where no term has mass, all have the same share."""
    a = Eval(np.array([-1.0, -np.inf, -np.inf, -3.0, -1e-20]), {"x": np.array([2.0, np.nan, 1.0, 0.0, 0.0])}, {})
    b = Eval(np.array([-np.inf, -2.0, -np.inf, -3.0, -60.0]), {"x": np.array([np.inf, 3.0, 5.0, 1.0, 0.0])}, {})
    found = mix([a, b], 1)
    with mp.workdps(50):
        last = float(mp.log(mp.exp(mp.mpf(-1e-20)) + mp.exp(-60)))
    assert_allclose(found.loglik, [-1.0, -2.0, -np.inf, np.log(2) - 3, last], rtol=1e-15)
    assert_array_equal(found.gradient["x"][[0, 1, 3]], [2.0, 3.0, 0.5])


def test_mixture_hessian_has_the_variance_of_the_gradients():
    slopes, share = RNG.normal(size=(3, 2, 5)), RNG.dirichlet(np.ones(3), 5).T
    terms = [Eval(np.log(share[k]), {"x": slopes[k, 0], "y": slopes[k, 1]}, {}) for k in range(3)]
    found = mix(terms, 2)
    for i in range(5):
        covariance = np.cov(slopes[:, :, i].T, aweights=share[:, i], ddof=0)
        assert_allclose([found.information[pair][i] for pair in (("x", "x"), ("x", "y"))], -covariance[0], rtol=1e-12)


# ---- accuracy ------------------------------------------------------------------------------------------------------------


def test_classes_by_columns_are_exact():
    law = Categorical(n_classes=3)
    logits = np.array([[50.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 2.0, -700.0], [-800.0, 900.0, 900.0], [3.0, 1.0, 1.0]])
    y = np.array([0.0, 2.0, 2.0, 1.0, 0.0])
    found = law.evaluate(y, {"logits": logits}, 2)
    with mp.workdps(800):
        exact = [[mp.mpf(v) for v in row] for row in logits]
        loglik = [row[int(k)] - mp.log(sum(map(mp.exp, row))) for row, k in zip(exact, y, strict=True)]
    assert_allclose(found.loglik, [float(v) for v in loglik], rtol=1e-15)
    derived = Likelihood.evaluate(law, y, {"logits": logits}, 2)
    assert_allclose(found.gradient["logits"], derived.gradient["logits"], atol=1e-15)
    pair = ("logits", "logits")
    assert_allclose(found.information[pair], derived.information[pair], atol=1e-15)


def test_ratio_gap_near_and_far():
    mean = 0.7
    y = np.concatenate([mean * (1 + np.geomspace(1e-15, 0.9, 40)), mean * (1 - np.geomspace(1e-15, 0.9, 40)), [1e-300, 1e300]])
    with mp.workdps(60):
        ratio = [mp.mpf(v) / mp.mpf(mean) for v in y]
        exact = np.array([float(mp.log(r) - (r - 1)) for r in ratio])
        size = np.array([float(abs(r - 1) + abs(mp.log(r))) for r in ratio])  # what a rounding of the mean changes
    assert (np.abs(minus_half_gamma_deviance(y, mean) - exact) <= 3 * np.finfo(float).eps * size).all()


def test_log1p_rest():
    near, below = np.geomspace(1e-100, 0.17, 60), np.linspace(-0.99, -0.17, 60)
    x = np.concatenate([np.geomspace(1e-100, 1e300, 200), np.linspace(0.01, 0.6, 100), -near, below])
    with mp.workdps(400):
        log, share = [mp.log1p(mp.mpf(v)) for v in x], [mp.mpf(v) / (1 + mp.mpf(v)) for v in x]
        first = [float(a - b) for a, b in zip(log, share, strict=True)]
        second = [float(a - b - b * b / 2) for a, b in zip(log, share, strict=True)]
    found = log1p_remainder(x, x / (1 + x), order=2)
    assert_allclose(found[0], first, rtol=4e-15)
    keep = np.abs(second) > 1e-300
    assert_allclose(found[1][keep], np.array(second)[keep], rtol=4e-14)


def test_rate_gap_at_its_ends():
    y, x = np.array([0.0, 0.0, 0.0, 2.0, 2.0, 0.5]), np.array([0.0, 1e-300, 3.0, 0.0, np.inf, 1e-300])
    found = minus_half_poisson_deviance(y, x, y - x)
    assert_allclose(found, [0.0, -1e-300, -3.0, -np.inf, -np.inf, 0.5 * np.log(2e-300) + 0.5], rtol=1e-15)
    assert np.isnan(minus_half_poisson_deviance(1.0, np.nan, np.nan))


@pytest.mark.parametrize("count", [3.0, 60.0, 1e5, 1e9, 1e12, 1e15])
def test_of_a_poisson_mass_no_large_parts_cancel(count):
    y = np.rint(count + np.sqrt(count) * np.array([-1.0, 0.0, 0.5, 8.0]))
    found = minus_half_poisson_deviance(y, count, y - count) - log_factorial_remainder(y)
    with mp.workdps(60):
        exact = [float(k * mp.log(mp.mpf(count)) - count - mp.loggamma(k + 1)) for k in map(mp.mpf, y)]
    assert_allclose(found, exact, rtol=1e-13, atol=1e-10)


def test_gamma_norm_agrees_across_orders():
    k = np.concatenate([np.geomspace(1e-300, 1e300, 61), np.linspace(0.1, 30, 97)])
    whole = gamma_functions.gamma_norm(k)
    for order in range(3):
        found = gamma_functions.gamma_norm(k, order=order)
        assert len(found) == order + 1
        for ours, theirs in zip(found, whole, strict=False):
            assert_array_equal(ours, theirs)


def test_rising_factorials():
    points = [(a, y) for a in (1e-12, 1e-3, 0.05, 0.0999, 0.1, 0.5, 3.0, 1e3) for y in (0.0, 1.0, 2.0, 7.0, 40.0, 1e6, 1e12)]
    a, y = np.transpose(points)
    found = np.transpose(rising_factorial_remainder(a, y, order=2))
    for (a, y), values in zip(points, found, strict=True):
        assert_allclose(values, exact_rising_rest(a, y), rtol=1e-11, atol=1e-13)


# ---- differences -----------------------------------------------------------------------------------------------------------


class Counting(Likelihood):
    parameters = {"loc": REAL, "scale": POSITIVE}
    calls, rows = 0, None

    def loglik(self, y, loc, scale):
        self.calls += 1 if self.rows is None else len(y) // self.rows  # points of a stencil share a call
        z = (y - loc) / scale
        return -0.5 * z**2 - np.log(scale)


class Opaque(Counting):
    def loglik(self, y, loc, scale):
        return super().loglik(y, np.array(loc), scale)


@pytest.mark.parametrize(("law", "most"), [(Counting(), 1), (Opaque(), 17)], ids=["jets", "differences"])
def test_derivatives_of_a_density_take_few_densities(law, most):
    """Differences take one, and eight for each parameter, of which the search for a step gives two."""
    y, eta = np.linspace(-1, 1, 50), {"loc": np.zeros(50), "scale": np.zeros(50)}
    law.rows = 50
    found = law.evaluate(y, eta, 1)
    assert law.calls == most
    assert_allclose(found.gradient["loc"], y, atol=1e-12)
    assert_allclose(found.gradient["scale"], y**2 - 1, atol=1e-12)


class Formula(Likelihood):
    """A "density" that is any formula of y and two parameters."""

    parameters = {"a": POSITIVE, "b": REAL}

    def __init__(self, formula):
        self.formula = formula

    def loglik(self, y, a, b):
        return self.formula(y, a, b)


FORMULAS = [
    lambda y, a, b: y + a - b / a * 2 + (-b) * +a - 3 * b + 1 / a - y / b,
    lambda y, a, b: a**2.5 + b**2 + b**3 + a**b + 2.0**b + a**-1 + np.power(a, y),
    lambda y, a, b: (
        np.exp(b) * np.log(a) + np.expm1(b * a) + np.log1p(a * a) + np.sqrt(a + y) + np.square(b) + np.reciprocal(a)
    ),
    lambda y, a, b: np.sin(a * b) + np.cos(b) * np.tanh(b) + np.sinh(b) * np.cosh(a) + np.arctan(b * a) * np.arcsinh(b + a),
    lambda y, a, b: special.gammaln(a + y) + special.expit(b) * a + special.log_expit(-b * a) + special.erf(b + a),
    lambda y, a, b: special.xlogy(y, a) + special.xlog1py(a, a * a) + special.xlogy(a, a + y) + np.logaddexp(a, b * y),
    lambda y, a, b: np.where(y > b, a * b, a + np.exp(b)) + np.maximum(a, b) * b + np.minimum(b, 2.0 + a) + np.abs(b - 9) * a,
    lambda y, a, b: np.where(np.isfinite(a), a, 2 * a) * np.zeros_like(b) + np.ones_like(a) * np.sign(b) * a + a * b,
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_jets_know_the_derivatives(formula):
    """In the linear predictors: a = exp(alpha), b = beta."""
    y, law = np.array([0.7, 1.9, 3.2]), Formula(formula)
    eta = {"a": np.array([0.3, -0.4, 0.1]), "b": np.array([0.8, 0.4, 1.3])}
    by_jets, plain = (
        without_formulas(law, y, eta, 2, False),
        by_differences(law, lambda at, m: law.evaluate(np.tile(y, m), at, 0).loglik, eta, 2),
    )
    assert jets.evaluate(law, y, eta, 2) is not None
    assert_array_equal(by_jets.loglik, plain.loglik)
    for name in eta:
        assert_allclose(by_jets.gradient[name], plain.gradient[name], rtol=1e-8, atol=1e-8)
        assert_allclose(jets.evaluate(law, y, eta, 1).gradient[name], by_jets.gradient[name], rtol=1e-15)
    assert by_jets.information.keys() <= plain.information.keys()
    for pair, value in plain.information.items():
        assert_allclose(by_jets.information.get(pair, np.zeros(3)), value, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["a", "b"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_jets_of_a_parameter_without_columns(formula, name):
    """A formula of such a parameter is worked out for one row, as its linear predictor is one number, repeated."""
    y, law = np.array([0.7, 1.9, 3.2]), Formula(formula)
    eta = {"a": np.array([0.3, -0.4, 0.1]), "b": np.array([0.8, 0.4, 1.3]), name: np.full(3, 0.2)}
    one = {**eta, name: np.broadcast_to(0.2, 3)}
    for order in (1, 2):
        found, plain = (jets.evaluate(law, y, at, order) for at in (one, eta))
        assert_allclose(found.loglik, plain.loglik, rtol=1e-14)
        for part, other in ((found.gradient, plain.gradient), (found.information, plain.information)):
            assert part.keys() == other.keys()
            for key, value in other.items():
                assert part[key].shape == (3,)
                assert_allclose(part[key], value, rtol=1e-13, atol=1e-14)


def written(y, a, b):
    total = a * b
    total += y
    return total


@pytest.mark.parametrize(
    "formula",
    [
        written,
        lambda y, a, b: np.array(a) * a * b,
        lambda y, a, b: a[...] * b,
        lambda y, a, b: float(np.log(a).sum()) + b,
        lambda y, a, b: np.cumsum(a) * b,
        lambda y, a, b: np.hypot(a, b),
        lambda y, a, b: a + y if np.all(np.abs(b) < 9) else a + np.log1p(b),
        lambda y, a, b: np.where(b == 2.0, a * b, np.log1p(a * b) / b),
        lambda y, a, b: np.where(np.abs(b) < 1e-8, a, np.log1p(a * b) / b),
        lambda y, a, b: np.where(y == y[0], -np.inf, a * b),
        lambda y, a, b: special.xlogy(b, 0 * a),
    ],
)
def test_jets_refuse_unknown_functions(formula):
    y, eta = np.array([0.7, 1.9, 3.2]), {"a": np.array([0.3, -0.4, 0.1]), "b": np.array([0.8, 0.4, 1.3])}
    with np.errstate(all="ignore"):
        assert jets.evaluate(Formula(formula), y, eta, 2) is None


# ---- starts ----------------------------------------------------------------------------------------------------------------


class NaiveStudent(Likelihood):
    """Written as in a textbook: with many degrees of freedom the constants cancel to noise."""

    parameters = {"loc": REAL, "scale": POSITIVE, "df": POSITIVE}

    def loglik(self, y, loc, scale, df):
        z = (y - loc) / scale
        constant = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * np.log(np.pi * df) - np.log(scale)
        return constant - (df + 1) / 2 * np.log1p(z**2 / df)


@pytest.mark.parametrize(("law", "most", "accuracy"), [(Counting(), 10, 1e-2), (Opaque(), 80, 1e-2)], ids=["jets", "simplex"])
def test_a_start_takes_few_densities(law, most, accuracy):
    y = np.random.default_rng(0).normal(3.0, 2.0, size=1000)
    found = law.start(y, np.ones(1000))
    assert law.calls <= most
    assert_allclose([found["loc"], found["scale"]], [y.mean(), y.std()], rtol=accuracy)


@pytest.mark.parametrize("law", [Counting(), Opaque(), NaiveStudent()], ids=["jets", "simplex", "student"])
def test_a_start_knows_no_row_order_and_weights_are_repetitions(law):
    rng = np.random.default_rng(1)
    y, weight = rng.standard_t(4, size=300), rng.integers(1, 4, size=300)
    weighted, repeated = (
        law.start(y, weight.astype(float)),
        law.start(rng.permutation(np.repeat(y, weight)), np.ones(weight.sum())),
    )
    assert_allclose(list(weighted.values()), list(repeated.values()), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("seed", range(3))
def test_a_start_leaves_the_limits_that_a_large_unit_suggests(seed, unit):
    y = 50 + np.random.default_rng(seed).standard_t(4, size=2000)
    found = NaiveStudent().start(unit * y, np.ones(2000))
    assert_allclose([found["loc"] / unit, found["scale"] / unit, found["df"]], [50, 1, 4], rtol=0.3)


@pytest.mark.parametrize("setting", ["0", "1"])  # scipy takes any text for yes
def test_jets_pass_through_scipy_where_its_array_api_is_on(setting):
    program = f"""
import warnings
from {__name__} import FORMULAS, Counting, Opaque
from {__name__} import test_derivatives_of_a_density_take_few_densities as count, test_jets_know_the_derivatives as compare

warnings.simplefilter("error")
for formula in FORMULAS:
    compare(formula)
count(Counting(), 1)
count(Opaque(), 17)
print("done")
"""
    setting = {"SCIPY_ARRAY_API": setting, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run([sys.executable, "-c", program], env=os.environ | setting, capture_output=True, text=True)
    assert found.stdout == "done\n", found.stderr


# ---- sums in place of differences --------------------------------------------------------------------------------------


@pytest.mark.parametrize("high", [30.0, np.inf])
def test_an_interval_of_few_counts_has_derivatives_without_a_distribution_function(high, monkeypatch):
    """P(0 < Y <= 30) of a Poisson law, and P(Y > 30), of which 31 masses lie below, against the exact derivatives."""

    def no_tail(self, *args, **params):
        raise AssertionError("a distribution function was asked for")

    monkeypatch.setattr(Poisson, "tail_probability", no_tail)
    mean, low = 25.0, 0.0 if high == 30 else 30.0
    found = Poisson().evaluate_interval(np.array([low]), np.array([high]), {"mean": np.log([mean])}, 2)
    with mp.workdps(40):
        total = lambda eta: sum(mp.exp(k * eta - mp.exp(eta)) / mp.factorial(k) for k in range(0 if high > 30 else 1, 31))
        log = lambda eta: mp.log(total(eta) if high == 30 else 1 - total(eta))
        expected = [float(mp.diff(log, mp.log(mp.mpf(mean)), n)) for n in range(3)]
    assert_allclose([found.loglik[0], found.gradient["mean"][0], -found.information["mean", "mean"][0]], expected, rtol=1e-12)


@pytest.mark.parametrize(("low", "high"), [(-np.inf, -1.5), (0.8, np.inf), (-1.0, 2.5)])
@pytest.mark.parametrize("shape", [0.0, 2.0])
def test_intervals_of_skew_laws_are_exact_in_shape_and_df(shape, low, high):
    df, step = 3.5, mp.mpf(10) ** -4
    law = StudentT() if shape == 0 else SkewT()
    ends = [mp.mpf(end) if np.isfinite(end) else mp.sign(end) * mp.inf for end in (low, high)]

    def log_probability(a, n):
        density = lambda z: mp.exp(skew_t_logpdf(z, a, n) if shape else student_logpdf(z, n))
        return mp.log(mp.quad(density, [ends[0], *([0] if low < 0 < high else []), ends[1]]))

    with mp.workdps(18):
        a, n = mp.mpf(shape), mp.mpf(df)
        at = [[log_probability(a + i * step, n + j * step) for j in (-1, 0, 1)] for i in ((-1, 0, 1) if shape else (0,))]
        middle = at[len(at) // 2]
        expected = {"df": float((middle[2] - middle[0]) / (2 * step))}
        second = {("df", "df"): float((middle[2] - 2 * middle[1] + middle[0]) / step**2)}
        if shape:
            expected["shape"] = float((at[2][1] - at[0][1]) / (2 * step))
            second["shape", "shape"] = float((at[2][1] - 2 * at[1][1] + at[0][1]) / step**2)
            second["shape", "df"] = float((at[2][2] - at[2][0] - at[0][2] + at[0][0]) / (4 * step**2))
    values = {"loc": 0.0, "scale": 1.0, "shape": shape, "df": df}
    params = {name: np.full(1, values[name]) for name in law.parameters}
    value, gradient, hessian = law.interval(np.array([low]), np.array([high]), 2, **params)
    assert_allclose(value, float(middle[1]), rtol=1e-12)
    assert_allclose([gradient[name][0] for name in expected], list(expected.values()), rtol=1e-7)
    assert_allclose([hessian[pair][0] for pair in second], list(second.values()), rtol=1e-6)
