"""Scores of laws whose distribution functions are slow, or fail."""

import time

import mpmath as mp
import numpy as np
from scipy import special, stats

from ledger._case import Case
from sk_mle import Distribution, MLERegressor
from sk_mle.likelihoods import (
    Beta,
    ConwayMaxwellPoisson,
    Gamma,
    LogLogistic,
    LogNormal,
    Normal,
    Poisson,
    StudentT,
    Truncated,
    Weibull,
    from_scipy,
)
from sk_mle.metrics import crps

RNG = np.random.default_rng(0)


def summed(log_density, y, low, high, n=100_001):
    """The score from its integral, by the trapezoidal rule on fine grids that meet at y."""
    found = []
    for at in y:
        t = np.r_[np.linspace(low, at, n), np.linspace(at, high, n)]
        density = np.exp(log_density(t))
        steps = np.r_[0.0, np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(t))]
        steps /= steps[-1]
        found.append(np.trapezoid(steps[:n] ** 2, t[:n]) + np.trapezoid((1 - steps[n:]) ** 2, t[n:]))
    return np.array(found)


def normal_inverse_gaussian(t, a, b):
    root = np.sqrt(1 + t**2)
    return np.log(a / np.pi) + np.log(special.k1e(a * root)) - a * root - np.log(root) + np.sqrt(a**2 - b**2) + b * t


def skew_normal(t, a):
    return np.log(2) - t**2 / 2 - np.log(2 * np.pi) / 2 + special.log_ndtr(a * t)


def hyperbolic(t, p, a, b):
    root = np.sqrt(1 + t**2)
    size = np.sqrt(a**2 - b**2)
    value = p * np.log(size) - (p - 0.5) * np.log(a) - np.log(2 * np.pi) / 2 - np.log(special.kv(p, size))
    return value + b * t + np.log(special.kve(p - 0.5, a * root)) - a * root + (p - 0.5) * np.log(root)


def against_grid(rv, log_density, shapes, rtol=1e-6):
    """2,000 rows of other places and scales in less than two seconds, of which some are checked."""
    n = 2000
    params = {name: np.full(n, value) for name, value in shapes.items()}
    dist = Distribution(from_scipy(rv), {**params, "loc": RNG.normal(size=n), "scale": RNG.uniform(0.5, 2, n)})
    y, clock = RNG.normal(size=n), time.process_time()
    found = crps(y, dist, per_row=True)
    assert time.process_time() - clock < 2
    z = ((y - dist.params["loc"]) / dist.params["scale"])[:3]
    expected = dist.params["scale"][:3] * summed(lambda t: log_density(t, **shapes), z, -60, 60)
    np.testing.assert_allclose(found[:3], expected, rtol=rtol)


def rows_of_their_own_shape():
    shapes = np.array([-5.0, 0.5, 3.0])
    dist = Distribution(from_scipy(stats.skewnorm), {"a": shapes, "loc": np.zeros(3), "scale": np.ones(3)})
    y = np.array([0.3, -1.0, 2.0])
    expected = [summed(lambda t, a=a: skew_normal(t, a), [at], -15, 15)[0] for a, at in zip(shapes, y, strict=True)]
    np.testing.assert_allclose(crps(y, dist, per_row=True), expected, rtol=1e-7)


def skellam():
    """The double sum over Bessel functions."""
    one, other = 5.0, 3.0
    k = np.arange(-60, 80)
    mass = np.array(
        [float(mp.exp(-8) * (mp.mpf(one) / other) ** (j / 2) * mp.besseli(abs(j), 2 * mp.sqrt(15))) for j in map(int, k)]
    )
    lower, y = np.cumsum(mass), np.array([-2.0, 0.0, 3.5, 40.0])
    expected = []
    for at in y:
        below = np.clip(at - k, 0, 1)
        expected.append(np.sum(below * lower**2 + (1 - below) * (1 - lower) ** 2))
    n = 300
    params = {"mu1": np.r_[np.full(4, one), RNG.uniform(2, 9, n)], "mu2": np.full(n + 4, other), "loc": np.zeros(n + 4)}
    clock = time.process_time()
    found = crps(np.r_[y, np.zeros(n)], Distribution(from_scipy(stats.skellam), params), per_row=True)
    assert time.process_time() - clock < 5
    np.testing.assert_allclose(found[:4], expected, rtol=1e-9)


def normal_of_scipy():
    y, params = np.array([-40.0, 0.3, 9.0]), {"loc": np.array([0.0, 1.0, 2.0]), "scale": np.array([1.0, 0.1, 30.0])}
    one, other = (crps(y, Distribution(law, params), per_row=True) for law in (from_scipy(stats.norm), Normal()))
    np.testing.assert_allclose(one, other, rtol=1e-9)


def heavy_tails_and_kinks():
    """Laws for which a table of the density will not do are integrated as before."""
    y = np.array([0.3, 2.0])
    dist = Distribution(from_scipy(stats.laplace), {"loc": np.zeros(2), "scale": np.ones(2)})
    np.testing.assert_allclose(crps(y, dist, per_row=True), np.abs(y) + np.exp(-np.abs(y)) - 0.75, rtol=1e-7)
    dist = Distribution(from_scipy(stats.t), {"df": np.full(2, 1.5), "loc": np.zeros(2), "scale": np.ones(2)})
    assert np.isfinite(crps(y, dist))


def quantiles_where_scipy_finds_none():
    """scipy's search for a root ends in a ValueError; the tail there is the density's integral."""
    dist = Distribution(from_scipy(stats.norminvgauss), {"a": [1.5] * 2, "b": [0.5] * 2, "loc": [0.0] * 2, "scale": [1.0] * 2})
    levels = np.array([1e-14, 0.3])
    for at, level in zip(dist.ppf(levels), levels, strict=True):
        t = np.linspace(at - 60, at, 400_001)
        np.testing.assert_allclose(np.trapezoid(np.exp(normal_inverse_gaussian(t, 1.5, 0.5)), t), level, rtol=1e-5)


def counts_by_their_masses():
    y = np.array([0.0, 2.5, 30.0])
    params = {"mean": np.array([0.1, 4.0, 200.0])}
    k = np.arange(600.0)
    expected = []
    for at, mean in zip(y, params["mean"], strict=True):
        lower, below = special.gammaincc(k + 1, mean), np.clip(at - k, 0, 1)
        expected.append(np.sum(below * lower**2 + (1 - below) * (1 - lower) ** 2))
    np.testing.assert_allclose(crps(y, Distribution(Poisson(), params), per_row=True), expected, rtol=1e-10)
    law = Distribution(ConwayMaxwellPoisson(), {**params, "dispersion": np.ones(3)})
    np.testing.assert_allclose(crps(y, law, per_row=True), expected, rtol=1e-8)


def gamma_of_large_shape():
    """The definition, with 50 digits; and of a shape that makes the law normal, the normal one's score."""
    with mp.workdps(50):
        for y in (0.95, 1.0, 1.03):
            k, at = mp.mpf(10_000), mp.mpf(y)
            first, second = (2 * mp.gammainc(a, 0, k * at, regularized=True) - 1 for a in (k, k + 1))
            expected = float(at * first - second - 1 / (k * mp.beta(mp.mpf(1) / 2, k)))
            np.testing.assert_allclose(Gamma().crps(np.array([y]), mean=1.0, shape=10_000.0), expected, rtol=1e-13)
    y = 1.0 + 1e-7 * np.array([-5.0, 0.0, 8.0])
    expected = Normal().crps(y, loc=1.0, scale=1e-7)
    np.testing.assert_allclose(Gamma().crps(y, mean=1.0, shape=1e14), expected, rtol=1e-11)


def _by_mpmath(kind, y, shape):
    """E|Y - y| - E|Y - Y'| / 2 of laws of scale 1, in their closed forms with 60 digits, in which nothing is lost."""
    y, k = mp.mpf(float(y)), mp.mpf(float(shape))
    s = 1 / k
    if kind is Weibull:
        t, mean = y**k, mp.gamma(1 + s)
        below, part, spread = 1 - mp.exp(-t), mp.gammainc(1 + s, 0, t), mean * (1 - mp.mpf(2) ** -s)
    elif kind is LogLogistic:
        below, mean = 1 / (1 + y**-k), mp.gamma(1 + s) * mp.gamma(1 - s)
        part, spread = mp.betainc(1 + s, 1 - s, 0, below), mean * s
    else:
        z, mean = mp.log(y) * k, mp.exp(s**2 / 2)
        below, part, spread = mp.ncdf(z), mean * mp.ncdf(z - s), mean * (2 * mp.ncdf(s / mp.sqrt(2)) - 1)
    return float(y * (2 * below - 1) + mean - 2 * part - spread)


def narrow_laws():
    """Widths far below the rounding of differences of numbers of the size of y."""
    z = np.array([0.0, 0.3, -3.0, 8.0])
    for shape in (1e2, 3e4, 1e6, 1e9):
        y, n = 1 + z / shape, np.ones(4)
        for kind, params in (
            (Weibull, {"scale": n, "shape": shape * n}),
            (LogLogistic, {"scale": n, "shape": shape * n}),
            (LogNormal, {"loc": 0 * n, "scale": n / shape}),
        ):
            with mp.workdps(60):
                expected = [_by_mpmath(kind, at, shape) for at in y]
            np.testing.assert_allclose(crps(y, Distribution(kind(), params), per_row=True), expected, rtol=1e-9 + 2e-16 * shape)


def precise_shares():
    """A beta law of precision 1e12 is normal to six digits, a Student law of 1e6 degrees by its expansion in 1 / df."""
    z = np.array([0.0, 0.3, -3.0, 8.0])
    normal = z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)
    sd = np.sqrt(0.3 * 0.7 / 1e12)
    dist = Distribution(Beta(), {"mean": np.full(4, 0.3), "precision": np.full(4, 1e12)})
    np.testing.assert_allclose(crps(0.3 + sd * z, dist, per_row=True), sd * normal, rtol=1e-5)
    with mp.workdps(40):
        df = mp.mpf(10) ** 6
        spread = 2 * mp.sqrt(df) / (df - 1) * mp.beta(0.5, df - 0.5) / mp.beta(0.5, df / 2) ** 2
        at_zero = 2 * mp.sqrt(df) / ((df - 1) * mp.beta(0.5, df / 2)) - spread
    dist = Distribution(StudentT(), {"loc": np.zeros(1), "scale": np.ones(1), "df": np.full(1, 1e6)})
    np.testing.assert_allclose(crps(np.zeros(1), dist), float(at_zero), rtol=1e-12)


def between_whole_numbers():
    """The score is what the fit maximises, with a gamma function; there is no probability between the values of a count."""
    X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.5, 1.0, 2.5, 4.0])
    for law in (Poisson(), Truncated(Poisson(), high=40)):
        model = MLERegressor(law).fit(X, y)
        mean = model.predict_params(X)["mean"]
        right = y * np.log(mean) - mean - special.gammaln(y + 1)
        np.testing.assert_allclose(model.score_samples(X, y), right, rtol=1e-9)
        assert abs(4 * model.score(X, y) - model.loglikelihood_) < 1e-9
        np.testing.assert_array_equal(model.predict_dist(X).pmf(y) == 0, [True, False, True, False])
        np.testing.assert_array_equal(model.score_samples(X, np.full(4, -1.0)), np.full(4, -np.inf))


CASES = [
    Case("counts that are no whole numbers", "a closed form", "Poisson, Truncated(Poisson)", between_whole_numbers),
    Case("laws as narrow as 1e-9 of y", "closed forms in mpmath", "Weibull, LogLogistic, LogNormal", narrow_laws),
    Case("a precision of 1e12, and a million degrees of freedom", "normal law; mpmath", "Beta, StudentT", precise_shares),
    Case(
        "scipy's quantile raises", "a sum over a grid", "norminvgauss",
        lambda: against_grid(stats.norminvgauss, normal_inverse_gaussian, {"a": 1.5, "b": 0.5}),
    ),
    Case(
        "2,000 rows", "a sum over a grid", "genhyperbolic",
        lambda: against_grid(stats.genhyperbolic, hyperbolic, {"p": 0.5, "a": 1.5, "b": 0.5}),
    ),
    Case("2,000 rows", "a sum over a grid", "skewnorm", lambda: against_grid(stats.skewnorm, skew_normal, {"a": 3.0})),
    Case("a shape in every row", "a sum over a grid", "skewnorm", rows_of_their_own_shape),
    Case("means of their own", "mpmath's Bessel functions", "skellam", skellam),
    Case("far y", "the closed form of Normal", "norm", normal_of_scipy),
    Case("kinks and heavy tails", "closed form", "laplace, t", heavy_tails_and_kinks),
    Case("a far quantile", "a sum over a grid", "norminvgauss", quantiles_where_scipy_finds_none),
    Case("shapes of 1e4 and 1e14", "mpmath, and the normal law", "Gamma", gamma_of_large_shape),
    Case("sums of masses", "scipy's distribution function", "Poisson, ConwayMaxwellPoisson", counts_by_their_masses),
]  # fmt: skip
