"""Every link against its formula in multiprecision arithmetic: one table, CASES, feeds every test."""

import pickle
from dataclasses import dataclass

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sk_mle import MLEClassifier, links
from sk_mle.domains import NONNEGATIVE, POSITIVE, REAL, UNIT, Domain
from sk_mle.likelihoods import Bernoulli
from sk_mle.links import LINKS, Link, check_link, default_link, get_link

pytestmark = pytest.mark.filterwarnings("error")

LINE = (
    -1e3, -700, -100, -55.3, -38, -20, -9, -6.01, -5.99, -3, -0.75, -1e-3,
    1e-9, 0.2, 0.9, 2, 5, 6.01, 20, 37, 100, 700, 1e3,
)  # fmt: skip
HALF = (1e-6, 0.03, 0.5, 1, 2.7, 40, 1e6)


@dataclass
class Case:
    link: Link
    theta: object  # the inverse, in mpmath
    eta: tuple = LINE
    complement: object = None  # 1 - theta, in mpmath, where the subtraction would cancel: the distribution functions
    digits: int = 400  # resolves exp(-700) beside a number of ordinary size

    @property
    def is_cdf(self):
        return self.complement is not None


def cauchy(x):
    return mp.atan2(1, -x) / mp.pi


def gompertz(x):
    return -mp.expm1(-mp.exp(x))


def logistic(x):
    return 1 / (1 + mp.exp(-x))


def gumbel(x):
    return mp.exp(-mp.exp(-x))


CASES = [
    Case(links.Identity(), lambda x: x),
    Case(links.Log(), mp.exp),
    Case(links.ShiftedLog(0.5), lambda x: mp.mpf(0.5) + mp.exp(x)),
    Case(links.Softplus(), lambda x: mp.log1p(mp.exp(x))),
    Case(links.Sqrt(), lambda x: x**2, HALF),
    Case(links.Inverse(), lambda x: 1 / x, HALF),
    Case(links.InverseSquared(), lambda x: 1 / mp.sqrt(x), HALF),
    Case(links.Power(exponent=3), mp.cbrt, HALF),
    Case(links.Power(exponent=-0.8), lambda x: x ** -mp.mpf(1.25), HALF),
    Case(links.ScaledLogit(low=-1, high=3), lambda x: 4 * logistic(x) - 1),
    Case(links.ScaledLogit(low=-1, high=0), lambda x: -logistic(-x)),
    Case(links.Logit(), logistic, complement=lambda x: logistic(-x)),
    Case(links.Probit(), mp.ncdf, complement=lambda x: mp.ncdf(-x), digits=60),  # slow, and its tails need no more
    Case(links.CLogLog(), gompertz, complement=lambda x: gumbel(-x)),
    Case(links.LogLog(), gumbel, complement=lambda x: gompertz(-x)),
    Case(links.Cauchit(), cauchy, complement=lambda x: cauchy(-x)),
    Case(links.TanHalf(), lambda x: 2 * mp.atan(x)),
]

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.link))
every_cdf = pytest.mark.parametrize("case", [c for c in CASES if c.is_cdf], ids=lambda case: repr(case.link))


def reference(function, eta, digits=60):
    """`function` and its first two derivatives at each `eta`: shape (3, n)."""
    with mp.workdps(digits):
        return np.array([[float(d) for d in mp.diffs(function, mp.mpf(float(x)), 2)] for x in eta]).T


def reference_inverse(case):
    if not case.is_cdf:
        return reference(case.theta, case.eta, case.digits)
    value, d1, d2 = reference(case.complement, case.eta)
    return np.where(np.array(case.eta) < 0, reference(case.theta, case.eta), [1 - value, -d1, -d2])


def log_of(value, rest):
    """log(value) in mpmath, where `rest` = 1 - value: accurate at both ends."""
    return lambda x: mp.log(value(x)) if value(x) < 0.5 else mp.log1p(-rest(x))


def assert_derivatives(actual, expected, rtol):
    # The absolute part is the last two decades before underflow.
    for a, e, name in zip(actual, expected, ("value", "first derivative", "second derivative"), strict=True):
        assert_allclose(a, e, rtol=rtol, atol=1e-305, err_msg=name)


def test_every_public_link_has_a_case():
    public = [getattr(links, name) for name in links.__all__]
    classes = {cls for cls in public if isinstance(cls, type) and cls is not Link}
    assert classes == {type(case.link) for case in CASES}
    assert set(LINKS.values()) <= classes


@every_case
def test_derivatives(case):
    expected = reference_inverse(case)
    assert_derivatives(case.link.inverse_derivatives(case.eta), expected, rtol=2e-13)
    assert_allclose(case.link.inverse(case.eta), expected[0], rtol=2e-13, atol=1e-305)


@every_cdf
def test_logarithms_of_a_cdf_in_both_tails(case):
    eta = np.array(case.eta)
    lower = reference(log_of(case.theta, case.complement), eta, case.digits)
    upper = reference(log_of(case.complement, case.theta), eta, case.digits)
    assert_derivatives(case.link.log_inverse(eta), lower, rtol=2e-13)
    assert_derivatives(case.link.log_complement(eta), upper, rtol=2e-13)


@pytest.mark.parametrize(
    ("name", "eta"),
    [
        ("probit", -20),
        ("probit", -55),
        ("probit", -1e4),
        ("probit", -1e6),
        ("probit", -1e8),
        ("cauchit", -1e4),
        ("cauchit", -1e8),
        ("cauchit", -1e170),
    ],
)
def test_far_tail_of_a_cdf(name, eta):
    case = next(c for c in CASES if type(c.link) is LINKS[name])
    expected = reference(log_of(case.theta, case.complement), [eta], case.digits)
    assert_derivatives(case.link.log_inverse([eta]), expected, rtol=1e-14)


@every_case
def test_logarithms_agree_with_the_inverse(case):
    """Moderate values: the derived formulas of the base class and those that replace them say the same."""
    eta = np.array([0.4, 0.7, 0.9]) - (2 if isinstance(case.link, links.Log) else 0)
    assert_derivatives(case.link.log_inverse(eta), np.array(Link.log_inverse(case.link, eta)), rtol=1e-13)
    assert_derivatives(case.link.log_complement(eta), np.array(Link.log_complement(case.link, eta)), rtol=1e-13)
    theta = case.link.inverse(eta)
    if (theta > 0).all():
        expected = reference(lambda x: mp.log(case.theta(x)), eta)
        assert_derivatives(case.link.log_inverse(eta), expected, rtol=1e-13)
    if (theta < 1).all():
        expected = reference(lambda x: mp.log(1 - case.theta(x)), eta)
        assert_derivatives(case.link.log_complement(eta), expected, rtol=1e-13)


def test_log_link_near_the_upper_end_of_a_probability():
    eta = [-700, -40, -0.7, -0.69, -1e-3, -1e-9, -1e-300]
    expected = reference(lambda x: mp.log1p(-mp.exp(x)), eta[:-1])
    assert_derivatives([d[:-1] for d in links.Log().log_complement(eta)], expected, rtol=2e-13)
    assert_allclose(links.Log().log_complement(eta)[0][-1], -300 * np.log(10))


@every_case
def test_round_trip(case):
    eta = np.array(case.eta)
    theta, d1, _ = case.link.inverse_derivatives(eta)
    inside = case.link.range.contains(theta) & (np.abs(d1) > 1e-290)
    assert inside.sum() >= 5
    eta, theta, d1 = eta[inside], theta[inside], d1[inside]
    with np.errstate(over="ignore"):
        # What one rounding of theta can do to eta.
        room = 8 * np.finfo(float).eps * (np.abs(theta / d1) + np.abs(eta))
    assert np.all(np.abs(case.link.link(theta) - eta) <= room)
    typical = np.linspace(*case.link.range.typical, 9)
    assert_allclose(case.link.inverse(case.link.link(typical)), typical, rtol=1e-13, atol=1e-15)


@every_case
def test_monotonic(case):
    low, high = (0.01, 50) if case.eta is HALF else (-1e3, 1e3)
    theta, d1, _ = case.link.inverse_derivatives(np.linspace(low, high, 4001))
    assert np.all(d1 >= 0) or np.all(d1 <= 0)
    steps = np.diff(theta[np.isfinite(theta)]) * np.sign(d1[len(d1) // 2])
    assert np.all(steps >= 0)
    assert np.any(steps > 0)


@every_case
def test_no_warning_and_the_right_limits_at_extreme_eta(case):
    eta = np.array([-1e200, -1e8, -1e3, -40, 0, 40, 1e3, 1e8, 1e200])
    theta, d1, d2 = case.link.inverse_derivatives(eta)
    case.link.log_inverse(eta), case.link.log_complement(eta), case.link.link(eta)
    if case.eta is HALF:
        assert not case.link.range.contains(case.link.inverse([0.0]))
    else:
        assert not np.isnan([theta, d1, d2]).any()
        low, high = case.link.range.low, case.link.range.high
        assert theta[0] == pytest.approx(max(low, eta[0]))
        assert theta[-1] >= min(high, eta[-1])


@every_cdf
def test_extreme_eta_of_a_cdf_has_logarithms(case):
    eta = np.array([-1e200, -1e8, -1e4, -800, 800, 1e4, 1e8, 1e200])
    for method, sign in ((case.link.log_inverse, 1), (case.link.log_complement, -1)):
        value, d1, d2 = method(eta)
        assert not np.isnan([value, d1, d2]).any()
        assert np.all(value <= 0)
        assert np.all(sign * d1 >= 0)
        assert_array_equal(np.sort(sign * value), sign * value)


@pytest.mark.parametrize("link", [links.Inverse(), links.InverseSquared(), links.Power(2), links.Power(-1.5)], ids=repr)
def test_eta_without_theta_is_nan(link):
    assert np.isnan(link.inverse_derivatives([-2.0, 0.0])).all()


@every_case
def test_grammar(case):
    link = case.link
    eta = np.array([[0.3, 0.5, 0.7], [0.9, 1.1, 1.3]])
    for copy in (clone(link), pickle.loads(pickle.dumps(link)), eval(repr(link), vars(links))):
        assert copy is not link
        assert copy.get_params() == link.get_params()
        assert copy.range == link.range
        assert_array_equal(copy.inverse(eta), link.inverse(eta))
    for method in ("link", "inverse", "inverse_derivatives", "log_inverse", "log_complement"):
        result = np.asarray(getattr(link, method)(eta))
        assert result.shape[-2:] == eta.shape
        assert result.dtype == np.float64
        assert_array_equal(np.asarray(getattr(link, method)(eta[1, 2])), result[..., 1, 2])
        assert_array_equal(np.asarray(getattr(link, method)(eta[:0])), result[..., :0, :])
        single = eta.astype(np.float32)
        assert_array_equal(getattr(link, method)(single), getattr(link, method)(single.astype(float)))


@pytest.mark.parametrize("name", LINKS)
def test_get_link(name):
    link = get_link(name)
    assert type(link).__name__.lower() == name.replace("_", "")
    assert get_link(link) is link


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        (REAL, "Identity()"),
        (POSITIVE, "Log()"),
        (NONNEGATIVE, "Log()"),
        (UNIT, "Logit()"),
        (Domain(low=2.0), "ShiftedLog(shift=2.0)"),
        (Domain(low=-1.0, high=1.0), "ScaledLogit(high=1.0, low=-1.0)"),
    ],
    ids=str,
)
def test_default_link(domain, expected):
    link = default_link(domain)
    assert repr(link) == expected
    assert (link.range.low, link.range.high) == (domain.low, domain.high)
    assert check_link(link, domain, "theta") is link
    assert link.range.contains(link.inverse(link.link(np.linspace(*link.range.typical, 5)))).all()


@pytest.mark.parametrize(("link", "domain"), [("log", REAL), ("identity", POSITIVE), ("log", UNIT), ("softplus", UNIT)])
def test_check_link_accepts_nested_ranges(link, domain):
    assert type(check_link(link, domain, "loc")) is LINKS[link]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: get_link("lgo"), ValueError, r"unknown link 'lgo'; the names are identity, log, .*inverse_squared$"),
        (lambda: get_link(links.Log), TypeError, "instance of Link or a name, got <class"),
        (lambda: get_link(None), TypeError, "got None"),
        (
            lambda: check_link(links.ShiftedLog(0.5), UNIT, "prob"),
            ValueError,
            r"ShiftedLog\(shift=0.5\) does not suit parameter 'prob'.*range \(0.5, inf\) and the domain \(0, 1\)",
        ),
        (lambda: check_link("lgo", UNIT, "prob"), ValueError, "unknown link"),
        (lambda: default_link(Domain(high=3.0)), ValueError, r"no default link for \(-inf, 3\)"),
        (lambda: links.Power(0).inverse(1.0), ValueError, "exponent must not be 0.*Log"),
        (lambda: links.Power(0).link(1.0), ValueError, "exponent must not be 0.*Log"),
        (lambda: links.Power("2").inverse(1.0), ValueError, "Power: exponent must be a finite number, got '2'"),
        (lambda: links.Power(np.nan).inverse(1.0), ValueError, "exponent must be a finite number, got nan"),
        (lambda: links.ShiftedLog(np.inf).inverse(1.0), ValueError, "ShiftedLog: shift must be a finite number"),
        (lambda: links.ShiftedLog(None).range, ValueError, "ShiftedLog: shift must be a finite number, got None"),
        (lambda: links.ScaledLogit(3, 1).inverse(1.0), ValueError, "low must be less than high, got low=3.0, high=1.0"),
        (lambda: links.ScaledLogit(0, np.inf).range, ValueError, "ScaledLogit: high must be a finite number"),
        (Link, TypeError, "abstract"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_link_in_two_formulas():
    class Square(Link):
        range = POSITIVE

        def link(self, theta):
            return np.log(theta) / 2

        def inverse_derivatives(self, eta):
            theta = np.exp(2 * eta)
            return theta, 2 * theta, 4 * theta

    assert_allclose(Square().log_inverse([0.5]), [[1.0], [2.0], [0.0]], atol=1e-15)
    assert_array_equal(Square().inverse([1000, -1000]), [np.inf, 0.0])
    assert check_link(Square(), POSITIVE, "scale").link(0) == -np.inf


class Symmetric(Link):
    """A user's link that says of itself that it is symmetric, and nothing else."""

    range = UNIT

    def link(self, theta):
        return np.log(theta) - np.log1p(-theta)

    def inverse_derivatives(self, eta):
        theta = 1 / (1 + np.exp(-eta))
        return theta, theta * (1 - theta), theta * (1 - theta) * (1 - 2 * theta)

    def mirror(self):
        return self


def test_a_symmetric_link_of_a_user():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 2)), (rng.uniform(size=300) < 0.4).astype(int)
    found, expected = MLEClassifier(Bernoulli(links={"prob": Symmetric()})).fit(X, y), MLEClassifier().fit(X, y)
    assert_allclose(found.coef_, expected.coef_, rtol=1e-10)
