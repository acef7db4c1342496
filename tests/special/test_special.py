"""Special functions against mpmath at 50 and more digits, on grids that include the extremes of double precision.

Every tolerance is relative to the result, within a factor of about three of the worst error seen on the grid.
"""

from itertools import product

import mpmath as mp
import numpy as np
import pytest

from sk_mle._special import elementwise, gamma_functions, tails
from sk_mle.likelihoods import VonMises

pytestmark = pytest.mark.filterwarnings("error")

X = np.concatenate([[1e-300, 1e-150, 1e150, 1e300], 10.0 ** np.arange(-6, 23, 2), np.linspace(0.5, 12, 12)])
STEP = np.array([1e-300, 1e-12, 1e-5, 0.5, 1.0, 2.0, 17.3, 1e7, 1e300])
UP = list(product(X, STEP))
DOWN = [(x, -f * x) for x in X for f in (1e-9, 0.1, 0.5, 0.9, 1 - 2.0**-40)]
NU = np.concatenate([np.geomspace(1e-3, 1e6, 120), 10.0 ** np.arange(7, 301, 10), np.linspace(18, 23, 21)])


def digits(x, *others):
    """Working digits that leave 40 after the cancellation in mpmath's differences for x >> d and x >> 1."""
    smallest = min(abs(arg) for arg in (x, *others))
    return int(60 + 2.2 * max(np.log10(abs(x)), 0) + max(-np.log10(smallest), 0))


def errors(function, reference, points, floor=lambda *args: 0.0):
    """Error of function(*columns) relative to the larger of |reference| and floor, per point."""
    got = function(*np.transpose(points))
    out = []
    for args, value in zip(points, got, strict=True):
        with mp.workdps(digits(*args)):
            exact = reference(*(mp.mpf(float(a)) for a in args))
            if abs(exact) > 1.7e308:
                out.append(0.0 if value == np.sign(float(mp.sign(exact))) * np.inf else np.inf)
                continue
            # below the smallest normal number precision is lost gradually
            scale = max(abs(exact), mp.mpf(float(floor(*args))), mp.mpf(2.3e-308))
            out.append(float(abs(mp.mpf(float(value)) - exact) / scale))
    return np.array(out)


def check(function, reference, points, tolerance, floor=lambda *args: 0.0):
    error = errors(function, reference, points, floor)
    worst = np.argmax(np.where(np.isnan(error), np.inf, error))
    assert error[worst] < tolerance, f"{function.__name__}{tuple(map(float, points[worst]))}: {error[worst]:.1e}"


@pytest.mark.parametrize("points", [UP, DOWN], ids=["up", "down"])
def test_lgamma_delta(points):
    # It vanishes once, for x < 1.5 and x + d > 1.5; there the absolute error is what counts.
    def floor(x, d):
        return min(abs(d), 1.0) if min(x, x + d) < 1.5 else 0.0

    check(gamma_functions.lgamma_delta, lambda x, d: mp.loggamma(x + d) - mp.loggamma(x), points, 1e-14, floor)


@pytest.mark.parametrize("points", [UP, DOWN], ids=["up", "down"])
def test_lgamma_delta_scaled(points):
    # It is 0 at d = 1: the scale is then that of its terms, d/x (and |d log x| for x < 1).
    def floor(x, d):
        return min(abs(d), 1.0) * (min(1 / x, 1.0) if x > 1 else 1 - np.log(x))

    check(
        gamma_functions.lgamma_delta_scaled,
        lambda x, d: mp.loggamma(x + d) - mp.loggamma(x) - d * mp.log(x),
        points,
        2e-14,
        floor,
    )


def test_lgamma_delta_scaled_limit():
    x, d = 10.0 ** np.arange(16, 301, 20), np.array([[0.5], [2.0], [3.0], [1e3]])
    np.testing.assert_allclose(gamma_functions.lgamma_delta_scaled(x, d), d * (d - 1) / (2 * x), rtol=1e-12)
    assert gamma_functions.lgamma_delta_scaled(np.inf, 7.0) == 0


@pytest.mark.parametrize("points", [UP, DOWN], ids=["up", "down"])
def test_digamma_delta(points):
    check(gamma_functions.digamma_delta, lambda x, d: mp.psi(0, x + d) - mp.psi(0, x), points, 1e-15)


def test_trigamma():
    points = [(x,) for x in np.concatenate([X, np.geomspace(1e-3, 1e3, 300)])]
    check(gamma_functions.trigamma, lambda x: mp.psi(1, x), points, 6e-16)


@pytest.mark.parametrize("points", [UP, DOWN], ids=["up", "down"])
def test_trigamma_delta(points):
    check(gamma_functions.trigamma_delta, lambda x, d: mp.psi(1, x + d) - mp.psi(1, x), points, 1.5e-15)


@pytest.mark.parametrize(
    ("which", "reference", "tolerance"),
    [
        (0, lambda n: mp.loggamma((n + 1) / 2) - mp.loggamma(n / 2) - mp.log(n / 2) / 2, 1e-15),
        (1, lambda n: (mp.psi(0, (n + 1) / 2) - mp.psi(0, n / 2) - 1 / n) / 2, 1.5e-15),
        (2, lambda n: (mp.psi(1, (n + 1) / 2) - mp.psi(1, n / 2) + 2 / n**2) / 4, 6e-15),
    ],
    ids=["value", "first", "second"],
)
def test_lgamma_half_delta(which, reference, tolerance):
    def lgamma_half_delta(nu):
        return gamma_functions.lgamma_half_delta(nu)[which]

    check(lgamma_half_delta, reference, [(nu,) for nu in NU], tolerance)
    assert lgamma_half_delta(np.inf) == 0


def test_log1p_minus():
    x = np.concatenate([np.geomspace(1e-300, 1e300, 121), np.linspace(0.005, 1, 100)])
    x = np.concatenate([x, -x[x < 1], 10.0 ** np.arange(-15, 0) - 1])
    check(gamma_functions.log1p_minus, lambda x: mp.log1p(x) - x, [(v,) for v in x], 2e-15)


def series(ratio):
    """1 + ratio(1) + ratio(1) ratio(2) + ... of positive terms."""
    total = term = mp.mpf(1)
    n = 0
    while term > total * mp.eps:
        n += 1
        term *= ratio(n)
        total += term
    return total


def mp_log_gammainc(a, x):
    return a * mp.log(x) - x - mp.loggamma(a + 1) + mp.log(series(lambda n: x / (a + n)))


def mp_log_gammaincc(a, x):
    with mp.workdps(int(60 + max(x - a - a * mp.log(x / a), 0) / 2.3 - min(mp.log10(a), 0))):
        return mp.log1p(-mp.exp(mp_log_gammainc(a, x)))  # so many digits that the difference from one keeps 50


def mp_log_betainc(a, b, x):
    kernel = a * mp.log(x) + b * mp.log1p(-x) + mp.loggamma(a + b) - mp.loggamma(a + 1) - mp.loggamma(b)
    return kernel + mp.log(series(lambda n: (a + b + n - 1) / (a + n) * x))


BELOW = [
    (a, a * (1 - z / np.sqrt(a) / 3) ** 3)  # z standard deviations below a (Wilson-Hilferty)
    for a in (1.0, 1.5, 3.0, 9.9, 10.0, 30.0, 1e2, 1e3, 1e6)
    for z in (0.0, 2.0, 3.2, 4.6, 8.0, 36.0, 38.0, 60.0)
    if z < 3 * np.sqrt(a)
] + [(0.1, 1e-300), (0.95, 1e-306), (3.0, 1e-200), (1e3, 1e-300), (1e-3, 1e-10), (1e5, 1e4)]
ABOVE = [
    (a, a + z * np.sqrt(a) + z * z / 2)
    for a in (0.01, 0.5, 1.0, 3.0, 10.0, 30.0, 1e2, 1e3)
    for z in (0.1, 3.0, 5.0, 36.0, 38.0)
] + [(1e-200, 300.0), (1e-5, 0.2), (1e-5, 1.1), (0.1, 800.0)]


def test_log_gammainc():
    check(tails.log_gammainc, mp_log_gammainc, BELOW, 1e-14)


def test_log_gammaincc_of_the_other_tail():
    def reference(a, x):
        return mp.log1p(-mp.exp(mp_log_gammainc(a, x)))

    check(tails.log_gammaincc, reference, BELOW, 5e-13)  # the relative error of e^-700 is the absolute one of 700


def test_log_gammaincc():
    check(tails.log_gammaincc, mp_log_gammaincc, ABOVE, 4e-14)


def test_log_gammainc_of_the_other_tail():
    def reference(a, x):
        return mp.log1p(-mp.exp(mp_log_gammaincc(a, x)))

    check(tails.log_gammainc, reference, ABOVE, 5e-13)


def beta_points():
    points = [(3.0, 1e-4, 0.75, 0.25), (1e3, 1e-5, 0.9375, 0.0625)]
    for a, b in product((1.0, 3.0, 50.0, 1e3, 1e5), (1e-3, 0.5, 3.0, 50.0, 1e4)):
        mean, sd = a / (a + b), np.sqrt(a * b / (a + b + 1)) / (a + b)
        for z in (0.1, 3.0, 3.5, 8.0, 38.0):
            x = mean - z * sd if mean - z * sd > 1e-3 * mean else mean * 10 ** (-3 * z / a)
            x = np.round(x * 2**52) / 2**52 if x > 1e-12 else x  # so that 1 - x is exact
            if 1e-300 < x < 0.99:  # the reference is slow near 1
                points.append((a, b, x, 1 - x))
    return points


def test_log_betainc():
    # 2e-14 with scipy 1.17, whose betainc is better in the middle than that of 1.14
    check(tails.log_betainc, lambda a, b, x, xc: mp_log_betainc(a, b, x), beta_points(), 5e-12)


def test_log_betainc_of_the_other_tail():
    def other_tail(a, b, x, xc):
        return tails.log_betainc(b, a, xc, x)

    check(other_tail, lambda a, b, x, xc: mp.log1p(-mp.exp(mp_log_betainc(a, b, x))), beta_points(), 5e-12)


def test_log_betainc_uses_the_digits_of_xc():
    # I_x(a, 1) = x^a, with x = 1 - 1e-20 rounded to one
    np.testing.assert_allclose(tails.log_betainc(1e23, 1.0, 1.0, 1e-20), -1000.0, rtol=1e-14)
    np.testing.assert_allclose(tails.log_betainc(1e22, 1.0, 1.0, 1e-20), -100.0, rtol=1e-14)
    np.testing.assert_allclose(tails.log_betainc(1e20, 1.0, 1.0, 1e-20), -1.0, rtol=1e-14)


def test_ends_of_the_range():
    assert tails.log_gammainc(2.0, 0.0) == -np.inf
    assert tails.log_gammaincc(2.0, 0.0) == 0
    assert tails.log_gammainc(2.0, np.inf) == 0
    assert tails.log_gammaincc(2.0, np.inf) == -np.inf
    assert tails.log_betainc(2.0, 3.0, 0.0, 1.0) == -np.inf
    assert tails.log_betainc(2.0, 3.0, 1.0, 0.0) == 0
    assert gamma_functions.log1p_minus(-1.0) == -np.inf
    assert gamma_functions.trigamma(1e-200) == np.inf


TWO = ["lgamma_delta", "lgamma_delta_scaled", "digamma_delta", "trigamma_delta", "log_gammainc", "log_gammaincc"]


@pytest.mark.parametrize("name", TWO)
def test_blocks_and_broadcasting(name, monkeypatch):
    function = getattr(tails if "log_gammainc" in name else gamma_functions, name)
    x, d = np.geomspace(0.1, 1e3, 7)[:, None], np.array([0.5, 2.0, 40.0])
    expected = [[function(float(a), b) for b in d] for a in x[:, 0]]
    monkeypatch.setattr(elementwise, "ELEMENTS_PER_BLOCK", 4)
    np.testing.assert_allclose(function(x, d), expected, rtol=1e-15)
    assert function(x, d).shape == (7, 3)
    assert function(np.empty((0, 3)), d).shape == (0, 3)
    assert np.ndim(function(2, 3)) == 0


@pytest.mark.parametrize("name", TWO)
def test_sizes_side_by_side_are_each_as_if_alone(name):
    function = getattr(tails if "log_gammainc" in name else gamma_functions, name)
    x, d = np.geomspace(1e-8, 1e12, 21)[:, None], np.array([1e-9, 0.5, 40.0, 1e7])
    expected = [[function(float(a), b) for b in d] for a in x[:, 0]]
    np.testing.assert_allclose(function(x, d), expected, rtol=1e-14)


def test_beta_tails_of_all_sizes_are_each_as_if_alone():
    shapes = np.array([1e-3, 0.5, 3.0, 1e4, 1e7, 1e9])
    points = [(a, b, x, 1 - x) for a in shapes for b in shapes for x in (2**-30, 0.25, a / (a + b), 1 - 2**-30)]
    expected = [tails.log_betainc(*point) for point in points]
    np.testing.assert_allclose(tails.log_betainc(*np.transpose(points)), expected, rtol=1e-13)


@pytest.mark.parametrize("name", TWO)
def test_finite_input_gives_no_nan_and_no_warning(name):
    rng = np.random.default_rng(0)
    x, d = 10 ** rng.uniform(-300, 300, (2, 20_000))
    assert not np.isnan(getattr(tails if "log_gammainc" in name else gamma_functions, name)(x, d)).any()


def test_gamma_norm():
    k = np.concatenate([np.geomspace(1e-8, 1e12, 81), [9.99, 10.0, 10.01]])
    found = gamma_functions.gamma_norm(k)
    with mp.workdps(60):
        exact = [
            [t * mp.log(t) - t - mp.loggamma(t) for t in map(mp.mpf, k)],
            [mp.log(t) - mp.digamma(t) for t in map(mp.mpf, k)],
            [1 / t - mp.polygamma(1, t) for t in map(mp.mpf, k)],
        ]
    for ours, theirs, rtol in zip(found, exact, (3e-14, 3e-14, 1e-13), strict=True):
        np.testing.assert_allclose(ours, np.array([float(v) for v in theirs]), rtol=rtol, atol=1e-15)


@pytest.mark.parametrize("k", [0.3, 19.0, 21.0, 60.0, 1e4, 1e8])
def test_mean_resultant_length_of_a_circular_law(k):
    """At an angle of zero the score of the concentration is one minus I1(k) / I0(k), and its slope the information."""

    def shortfall(t):
        return 1 - mp.besseli(1, t) / mp.besseli(0, t)

    with mp.workdps(60):
        exact = [float(mp.diff(shortfall, k, n, h=mp.mpf(10) ** -15 * k)) for n in (0, 1)]
    params = {"loc": 0.0, "origin": 0.0, "concentration": k}
    score = VonMises().gradient(np.zeros(1), **params)["concentration"]
    information = VonMises().fisher(**params)["concentration", "concentration"]
    np.testing.assert_allclose([np.ravel(score)[0], np.ravel(information)[0]], [exact[0], -exact[1]], rtol=1e-11)
