"""Laws with a density as textbooks write them, in mpmath: what the exhaustive sweep compares with.

Nothing here is taken from the package. Every entry has the log-density, the logs of both tails, of which the smaller is
computed by itself, and values of the parameters that a sweep tries.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import mpmath as mp
import numpy as np

EXTREME = (1e-8, 1e-3, 0.3, 1.0, 2.5, 40.0, 1e4, 1e8)
SHAPES = (1e-8, 0.3, 1.0, 2.5, 40.0, 1e8)
SIGNED = (-1e8, -40.0, -1.5, -1e-8, 0.0, 1e-3, 0.3, 5.0, 1e4)
SIZES = (1.0, 1e-8, 1e8)


class Reference(NamedTuple):
    logpdf: Callable
    tails: Callable | None  # logs of the probabilities below and above y
    values: dict  # of every parameter
    support: str = "real"  # "positive", "unit" or "circle"


def exp(x):
    """As mpmath has it, where that does not take all memory."""
    return mp.mpf(0) if x < -1e9 else mp.inf if x > 1e9 else mp.exp(x)


def expm1(x):
    return mp.mpf(-1) if x < -1e9 else mp.inf if x > 1e9 else mp.expm1(x)


def sinh(x):
    return (exp(x) - exp(-x)) / 2 if abs(x) > 1 else mp.sinh(x)


def complement(log_tail):
    """log(1 - exp(log_tail)) for a tail below one half, or of an exact zero."""
    return mp.log1p(-exp(log_tail)) if log_tail > -mp.inf else mp.mpf(0)


def both(log_tail, lower):
    """Logs of both tails from the smaller one."""
    rest = complement(log_tail)
    return (log_tail, rest) if lower else (rest, log_tail)


# ---- tails of the gamma, beta and normal laws --------------------------------------------------------------------


def fraction(first, term):
    """first + a_1 / (b_1 + a_2 / (b_2 + ...)) by Lentz's method."""
    tiny = mp.mpf(10) ** -400
    value = first or tiny
    c, d, n = value, mp.mpf(0), 0
    while True:
        n += 1
        a, b = term(n)
        d = 1 / ((b + a * d) or tiny)
        c = (b + a / c) or tiny
        value *= c * d
        if abs(c * d - 1) < 1e-30 or n > 300_000:
            return value


def log_gamma_tails(a, x):
    """Of a gamma variable of shape a."""
    if x == 0:
        return -mp.inf, mp.mpf(0)
    if mp.isinf(x):
        return mp.mpf(0), -mp.inf
    kernel = a * mp.log(x) - x - mp.loggamma(a)
    if x >= a and x > 1.5:
        return both(kernel - mp.log(fraction(x + 1 - a, lambda n: (n * (a - n), x - a + 2 * n + 1))), False)
    total = term = 1 / a
    n = 0
    while term > total * mp.mpf(10) ** -(mp.mp.dps + 2) or x > a + n:
        n += 1
        term *= x / (a + n)
        total += term
    lower = kernel + mp.log(total)
    return both(lower, True) if lower < -0.7 else (lower, mp.log(-expm1(lower)))


def log_beta_tails(a, b, x, xc):
    """Of a beta variable, of which xc is 1 - x."""
    if x <= 0 or xc <= 0:
        return (-mp.inf, mp.mpf(0)) if x <= 0 else (mp.mpf(0), -mp.inf)
    if x * (a + b + 2) > a + 1:
        return log_beta_tails(b, a, xc, x)[::-1]

    def term(n):
        m, odd = divmod(n, 2)
        if odd:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), mp.mpf(1)
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), mp.mpf(1)

    kernel = a * mp.log(x) + b * mp.log(xc) + mp.loggamma(a + b) - mp.loggamma(a + 1) - mp.loggamma(b)
    lower = kernel - mp.log(fraction(mp.mpf(1), term))
    return both(lower, True) if lower < -0.7 else (lower, mp.log(-expm1(lower)))


def log_phi(z):
    return -z * z / 2 - mp.log(2 * mp.pi) / 2


def log_ndtr(z):
    if z > 0:
        return complement(log_ndtr(-z))
    if z < -(10**20):
        return log_phi(z) - mp.log(-z) + mp.log1p(-1 / z**2 + 3 / z**4)
    return mp.log(mp.erfc(-z / mp.sqrt(2)) / 2)


def log_normal_tails(z):
    return log_ndtr(z), log_ndtr(-z)


def log_integral(log_f, low, high, centres=()):
    """log of the integral of exp(log_f), by Gauss's formula on panels that shrink towards `low`, `high` and the centres."""
    marks = {low, high}
    for c in (low, high, *centres):
        if mp.isinf(c):
            marks.discard(c)
            continue
        for k in range(-70, 45):
            marks |= {c + mp.mpf(2) ** k, c - mp.mpf(2) ** k}
        marks.add(c)
    marks = sorted(m for m in marks if low <= m <= high)
    values = [log_f(m) for m in marks]
    most, total = max(values), mp.mpf(0)
    for a, b, u, v in zip(marks, marks[1:], values, values[1:], strict=False):
        if max(u, v, log_f((a + b) / 2)) > most - 75:
            half = (b - a) / 2
            total += half * sum(w * exp(log_f(a + half * (1 + x)) - most) for x, w in GAUSS)
    return most + mp.log(total)


def _gauss(n=26):
    """Nodes and weights of Gauss's formula: numpy's, after Newton steps in mpmath."""
    points = []
    for node in np.polynomial.legendre.leggauss(n)[0]:
        x = mp.mpf(float(node))
        for _ in range(3):
            slope = n * (x * mp.legendre(n, x) - mp.legendre(n - 1, x)) / (x * x - 1)
            x -= mp.legendre(n, x) / slope
        points.append((x, 2 / ((1 - x * x) * slope**2)))
    return points


with mp.workdps(40):
    GAUSS = _gauss()
    assert abs(sum(weight for _, weight in GAUSS) - 2) < 1e-30


# ---- the laws ----------------------------------------------------------------------------------------------------


def located(log_f, tails, **values):
    """A law of z = (y - loc) / scale."""

    def logpdf(y, loc, scale, **shapes):
        return log_f((y - loc) / scale, **shapes) - mp.log(scale)

    def both_tails(y, loc, scale, **shapes):
        return tails((y - loc) / scale, **shapes)

    return Reference(logpdf, tails and both_tails, {"loc": (0.0, 0.3), "scale": (1.0, 1e-8, 1e8), **values})


def log_located(log_f, tails, **values):
    """A law of w = (log(y) - loc) / scale."""

    def logpdf(y, loc, scale, **shapes):
        return log_f((mp.log(y) - loc) / scale, **shapes) - mp.log(scale) - mp.log(y)

    def both_tails(y, loc, scale, **shapes):
        return tails((mp.log(y) - loc) / scale, **shapes)

    return Reference(logpdf, both_tails, {"loc": (0.0, 0.3, -20.0), "scale": EXTREME, **values}, "positive")


def log1mexp(x):
    """log(1 - exp(-x)), x >= 0."""
    return -mp.inf if x <= 0 else mp.log1p(-exp(-x)) if x > 1 else mp.log(-expm1(-x))


def log_one_plus_exp(x):
    return max(x, 0) + mp.log1p(exp(-abs(x)))


def of_log_cumulative(log_cumulative):
    """Tails from the log of the cumulative hazard."""

    def tails(*at, **params):
        h = log_cumulative(*at, **params)
        return h if h < -300 else log1mexp(exp(h)), -exp(h)

    return tails


def of_cumulative(cumulative):
    """Tails from the cumulative hazard."""
    return of_log_cumulative(lambda *at, **params: mp.log(cumulative(*at, **params)))


def student_logpdf(z, df):
    return mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(mp.pi * df) / 2 - (df + 1) / 2 * mp.log1p(z * z / df)


def student_tails(z, df):
    total = df + z * z
    tail = log_beta_tails(df / 2, mp.mpf(1) / 2, df / total, z * z / total)[0] - mp.log(2)
    return both(tail, z < 0) if z else (-mp.log(2), -mp.log(2))


def gamma_logpdf(y, mean, shape):
    return shape * mp.log(shape * y / mean) - shape * y / mean - mp.loggamma(shape) - mp.log(y)


def beta_logpdf(y, mean, precision):
    a, b = mean * precision, (1 - mean) * precision
    return (a - 1) * mp.log(y) + (b - 1) * mp.log1p(-y) + mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b)


def arsinh_w(z, skew, tail, sign):
    return tail * mp.asinh(z) + sign * skew


def johnson_logpdf(z, skew, tail):
    return mp.log(tail) - mp.log1p(z * z) / 2 + log_phi(arsinh_w(z, skew, tail, 1))


def sinh_arcsinh_logpdf(z, skew, tail):
    x = sinh(arsinh_w(z, skew, tail, -1))
    if mp.isinf(x):
        return -mp.inf
    return mp.log(tail) + (mp.log1p(x * x) - mp.log1p(z * z)) / 2 + log_phi(x)


def power_ratio(ratio, power):
    """(exp(power * ratio) - 1) / power"""
    return expm1(power * ratio) / power if power else ratio


def bccg_logpdf(y, loc, scale, nu):
    z = power_ratio(mp.log(y / loc), nu) / scale
    cut = log_ndtr(1 / (scale * abs(nu))) if nu else 0
    return nu * mp.log(y / loc) - mp.log(y) - mp.log(scale) + log_phi(z) - cut


def log_normal_between(a, b):
    if a > 0:
        return log_normal_between(-b, -a)
    if b - a < mp.mpf(10) ** -4 and b < 1e5:  # a narrow strip, by Gauss's formula
        half = (b - a) / 2
        return mp.log(half * sum(w * exp(log_phi(a + half * (1 + x)) - log_phi(a)) for x, w in GAUSS)) + log_phi(a)
    high = log_ndtr(b)
    return high + mp.log(-expm1(log_ndtr(a) - high))


def bccg_tails(y, loc, scale, nu):
    with mp.workdps(420):  # y may lie that close to the truncation
        return _bccg_tails(y, loc, scale, nu)


def _bccg_tails(y, loc, scale, nu):
    z = power_ratio(mp.log(y / loc), nu) / scale
    if not nu:
        return log_normal_tails(z)
    c = 1 / (scale * abs(nu))
    gap = c * exp(nu * mp.log(y / loc))  # |z| from the truncation
    free = log_ndtr(-z if nu > 0 else z) - log_ndtr(c)
    strip = mp.log(c) + nu * mp.log(y / loc)
    cut = (log_phi(c) + strip if strip < -300 else log_normal_between(-c, -c + gap)) - log_ndtr(c)
    if free < -0.7:
        cut = complement(free)
    else:
        free = complement(cut)
    return (cut, free) if nu > 0 else (free, cut)


def generalized_u(z, shape):
    """log(1 + shape z) / shape, and infinite beyond an end of the support."""
    if not shape:
        return z
    if 1 + shape * z <= 0:
        return mp.inf if shape < 0 else -mp.inf
    return mp.log1p(shape * z) / shape


def gev_logpdf(z, shape):
    u = generalized_u(z, shape)
    return -mp.inf if mp.isinf(u) else -(1 + shape) * u - exp(-u)


def pareto_logpdf(y, scale, shape):
    u = generalized_u(y / scale, shape)
    return -mp.inf if mp.isinf(u) else -(1 + shape) * u - mp.log(scale)


def log_gamma_logpdf(w, shape):
    if not shape:
        return log_phi(w)
    k = shape**-2
    return mp.log(abs(shape)) + k * mp.log(k) - mp.loggamma(k) + k * (shape * w - exp(shape * w))


def log_gamma_law_tails(w, shape):
    if not shape:
        return log_normal_tails(w)
    if shape * w < -400 and abs(shape) > 0.1:
        k = shape**-2
        found = both(k * (mp.log(k) + shape * w) - mp.loggamma(k + 1), True)
        return found if shape > 0 else found[::-1]
    if abs(shape) < 1e-3:  # the gamma variable's series would have millions of terms
        f, far = (lambda t: log_gamma_logpdf(t, shape)), max(abs(w), 1) * 60
        upper = log_integral(f, w, far, (0,) if w < 0 else ())
        lower = log_integral(f, -far, w, (0,) if w > 0 else ())
        return both(lower, True) if lower < upper else both(upper, False)
    found = log_gamma_tails(shape**-2, shape**-2 * exp(shape * w))
    return found if shape > 0 else found[::-1]


def inverse_gaussian_logpdf(y, mean, shape):
    return (mp.log(shape) - mp.log(2 * mp.pi) - 3 * mp.log(y) - shape * (y - mean) ** 2 / (mean**2 * y)) / 2


def inverse_gaussian_tails(y, mean, shape):
    with mp.workdps(750):
        root = mp.sqrt(shape / y)
        first, second = log_ndtr(root * (y / mean - 1)), 2 * shape / mean + log_ndtr(-root * (y / mean + 1))
        lower = first + mp.log1p(exp(second - first))
        if lower < -0.7:
            return both(lower, True)
        first = log_ndtr(-root * (y / mean - 1))
        return both(first + mp.log(-expm1(second - first)), False)


def emg_logpdf(y, loc, scale, rate):
    t, k = (y - loc) / scale, rate * scale
    return mp.log(rate) + k * k / 2 - k * t + log_ndtr(t - k)


def emg_tails(y, loc, scale, rate):
    with mp.workdps(450):
        t, k = (y - loc) / scale, rate * scale
        rest = k * k / 2 - k * t + log_ndtr(t - k)
        upper = log_ndtr(-t)
        upper = max(upper, rest) + mp.log1p(exp(-abs(upper - rest)))
        if upper < -0.7:
            return both(upper, False)
        return both(log_ndtr(t) + mp.log(-expm1(rest - log_ndtr(t))), True)


def skew_normal_logpdf(z, shape):
    return mp.log(2) + log_phi(z) + log_ndtr(shape * z)


def skew_normal_tails(z, shape):
    if abs(z) > 1e6:  # far out the tail is the density over its rate of fall
        rate = abs(z) * (1 + (shape**2 if shape * z < 0 else 0))
        return both(skew_normal_logpdf(z, shape) - mp.log(rate), z < 0)
    far = max(abs(z), 1) * 60
    upper = log_integral(lambda t: skew_normal_logpdf(t, shape), z, far, (0,) if z < 0 else ())
    lower = log_integral(lambda t: skew_normal_logpdf(t, shape), -far, z, (0,) if z > 0 else ())
    return both(lower, True) if lower < upper else both(upper, False)


def skew_t_logpdf(z, shape, df):
    x = shape * z * mp.sqrt((df + 1) / (df + z * z))
    return mp.log(2) + student_logpdf(z, df) + student_tails(x, df + 1)[0]


@lru_cache
def log_bessel(x):
    return mp.log(mp.besseli(0, x))


def von_mises_logpdf(y, loc, origin, concentration):
    log_i0 = log_bessel(concentration)
    return concentration * mp.cos(y - origin - loc) - mp.log(2 * mp.pi) - log_i0


def von_mises_tails(y, **params):
    centre = params["loc"] + params["origin"]
    inside = lambda low, high: (centre,) if low < centre < high else ()
    low, high = -mp.pi, +mp.pi
    f = lambda t: von_mises_logpdf(t, **params)
    lower = log_integral(f, low, y, inside(low, y)) if y > low else -mp.inf
    upper = log_integral(f, y, high, inside(y, high)) if y < high else -mp.inf
    return both(lower, True) if lower < upper else both(upper, False)


def asymmetric_laplace_logpdf(z, quantile):
    return mp.log(quantile * (1 - quantile)) - (z * quantile if z > 0 else z * (quantile - 1))


def asymmetric_laplace_tails(z, quantile):
    if z < 0:
        return both_sided(mp.log(quantile) + (1 - quantile) * z, True)
    return both_sided(mp.log1p(-quantile) - quantile * z, False)


def both_sided(log_tail, lower):
    """The same as `both` where the tail may be the larger one."""
    rest = mp.log(-expm1(log_tail)) if log_tail < 0 else -mp.inf
    return (log_tail, rest) if lower else (rest, log_tail)


def kumaraswamy_logpdf(y, a, b):
    return mp.log(a * b) + (a - 1) * mp.log(y) + (b - 1) * log1mexp(-a * mp.log(y))


def kumaraswamy_log_cumulative(y, a, b):
    log_power = a * mp.log(y)
    return mp.log(b) + (log_power if log_power < -300 else mp.log(-log1mexp(-log_power)))


def generalized_normal_tails(z, shape):
    outer = log_gamma_tails(1 / shape, abs(z) ** shape)[1] - mp.log(2)
    return both(outer, z < 0) if z else (-mp.log(2), -mp.log(2))


def logistic_tails(z):
    return -log_one_plus_exp(-z), -log_one_plus_exp(z)


def cauchy_tails(z):
    tail = mp.log(mp.atan(1 / abs(z)) / mp.pi) if z else -mp.log(2)
    return both(tail, z < 0)


REFERENCES = {
    "AsymmetricLaplace": located(asymmetric_laplace_logpdf, asymmetric_laplace_tails, quantile=(1e-8, 0.3, 0.5, 1 - 2.0**-30)),
    "Beta": Reference(
        beta_logpdf,
        lambda y, mean, precision: log_beta_tails(mean * precision, (1 - mean) * precision, y, 1 - y),
        {"mean": (1e-8, 1e-3, 0.5, 1 - 2.0**-20), "precision": EXTREME},
        "unit",
    ),
    "BoxCoxColeGreen": Reference(bccg_logpdf, bccg_tails, {"loc": (1.0, 1e-8, 1e8), "scale": SHAPES, "nu": SIGNED}, "positive"),
    "Cauchy": located(lambda z: -mp.log(mp.pi) - mp.log1p(z * z), cauchy_tails),
    "Exponential": Reference(
        lambda y, mean: -y / mean - mp.log(mean), of_cumulative(lambda y, mean: y / mean), {"mean": EXTREME}, "positive"
    ),
    "ExponentiallyModifiedNormal": Reference(
        emg_logpdf, emg_tails, {"loc": (0.0, 0.3), "scale": (1.0, 1e-8, 1e8), "rate": EXTREME}
    ),
    "Gamma": Reference(
        gamma_logpdf,
        lambda y, mean, shape: log_gamma_tails(shape, shape * y / mean),
        {"mean": SIZES, "shape": EXTREME},
        "positive",
    ),
    "GeneralizedExtremeValue": located(
        gev_logpdf,
        lambda z, shape: of_log_cumulative(lambda: -generalized_u(z, shape))()[::-1],
        shape=(-0.999, -0.3, -1e-8, 0.0, 1e-8, 0.3, 1.0, 40.0, 1e8),
    ),
    "GeneralizedGamma": log_located(
        log_gamma_logpdf, log_gamma_law_tails, shape=(-40.0, -1.5, -1e-3, 0.0, 1e-8, 0.3, 1.0, 5.0)
    ),
    "GeneralizedNormal": located(
        lambda z, shape: -mp.log(2) - mp.loggamma(1 + 1 / shape) - abs(z) ** shape,
        generalized_normal_tails,
        shape=(1e-3, 0.3, 1.0, 2.5, 40.0, 1e4, 1e8),
    ),
    "GeneralizedPareto": Reference(
        pareto_logpdf,
        of_cumulative(lambda y, scale, shape: generalized_u(y / scale, shape)),
        {"scale": SIZES, "shape": (-0.999, -0.3, -1e-8, 0.0, 1e-8, 0.3, 1.0, 40.0, 1e8)},
        "positive",
    ),
    "Gompertz": Reference(
        lambda y, rate, shape: mp.log(rate) + shape * y - rate * power_ratio(y, shape),
        of_cumulative(lambda y, rate, shape: rate * power_ratio(y, shape)),
        {"rate": EXTREME, "shape": (-40.0, -1e-3, 0.0, 1e-8, 0.3, 2.5, 1e4)},
        "positive",
    ),
    "Gumbel": located(lambda z: -z - exp(-z), lambda z: of_log_cumulative(lambda: -z)()[::-1]),
    "GumbelMin": located(lambda z: z - exp(z), of_log_cumulative(lambda z: z)),
    "HalfNormal": Reference(
        lambda y, scale: mp.log(2) + log_phi(y / scale) - mp.log(scale),
        lambda y, scale: (mp.log(mp.erf(y / scale / mp.sqrt(2))), mp.log(2) + log_ndtr(-y / scale)),
        {"scale": EXTREME},
        "positive",
    ),
    "InverseGamma": Reference(
        lambda y, scale, shape: shape * mp.log(scale / y) - scale / y - mp.loggamma(shape) - mp.log(y),
        lambda y, scale, shape: log_gamma_tails(shape, scale / y)[::-1],
        {"scale": SIZES, "shape": EXTREME},
        "positive",
    ),
    "InverseGaussian": Reference(
        inverse_gaussian_logpdf, inverse_gaussian_tails, {"mean": SIZES, "shape": EXTREME}, "positive"
    ),
    "JohnsonSU": located(
        johnson_logpdf,
        lambda z, skew, tail: log_normal_tails(arsinh_w(z, skew, tail, 1)),
        skew=(-1e4, -3.0, 0.0, 0.3, 1e4),
        tail=EXTREME,
    ),
    "Kumaraswamy": Reference(
        kumaraswamy_logpdf,
        of_log_cumulative(kumaraswamy_log_cumulative),
        {"a": EXTREME, "b": SHAPES},
        "unit",
    ),
    "Laplace": located(
        lambda z: -mp.log(2) - abs(z), lambda z: both_sided(-mp.log(2) - abs(z), z < 0) if z else (-mp.log(2), -mp.log(2))
    ),
    "LogLogistic": Reference(
        lambda y, scale, shape: (
            mp.log(shape / y) - log_one_plus_exp(shape * mp.log(y / scale)) - log_one_plus_exp(-shape * mp.log(y / scale))
        ),
        lambda y, scale, shape: logistic_tails(shape * mp.log(y / scale)),
        {"scale": SIZES, "shape": EXTREME},
        "positive",
    ),
    "LogNormal": log_located(log_phi, log_normal_tails),
    "Logistic": located(lambda z: -abs(z) - 2 * mp.log1p(exp(-abs(z))), lambda z: logistic_tails(z)),
    "LogitNormal": Reference(
        lambda y, loc, scale: log_phi((mp.log(y) - mp.log1p(-y) - loc) / scale) - mp.log(scale * y) - mp.log1p(-y),
        lambda y, loc, scale: log_normal_tails((mp.log(y) - mp.log1p(-y) - loc) / scale),
        {"loc": (0.0, 0.3, -20.0, 1e3), "scale": EXTREME},
        "unit",
    ),
    "Lomax": Reference(
        lambda y, scale, shape: mp.log(shape / scale) - (shape + 1) * mp.log1p(y / scale),
        of_cumulative(lambda y, scale, shape: shape * mp.log1p(y / scale)),
        {"scale": (1.0, 1e-8, 1e8), "shape": EXTREME},
        "positive",
    ),
    "Normal": located(log_phi, log_normal_tails),
    "SinhArcsinh": located(
        sinh_arcsinh_logpdf,
        lambda z, skew, tail: log_normal_tails(sinh(arsinh_w(z, skew, tail, -1))),
        skew=(-40.0, -3.0, 0.0, 0.3, 40.0),
        tail=EXTREME,
    ),
    "SkewNormal": located(skew_normal_logpdf, skew_normal_tails, shape=SIGNED),
    "SkewT": located(skew_t_logpdf, None, shape=(-1e4, -1.5, 0.0, 1e-3, 5.0), df=(1e-3, 0.3, 2.5, 40.0, 1e4)),
    "StudentT": located(student_logpdf, student_tails, df=EXTREME),
    "VonMises": Reference(
        von_mises_logpdf,
        von_mises_tails,
        {"loc": (0.0, 0.3, 3.0), "origin": (0.0,), "concentration": EXTREME},
        "circle",
    ),
    "Weibull": Reference(
        lambda y, scale, shape: mp.log(shape / y) + (t := shape * mp.log(y / scale)) - exp(t),
        of_log_cumulative(lambda y, scale, shape: shape * mp.log(y / scale)),
        {"scale": SIZES, "shape": EXTREME},
        "positive",
    ),
}


# ---- laws of counts ----------------------------------------------------------------------------------------------


def log_choose(n, k):
    return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)


def negative_binomial_logpmf(y, mean, dispersion):
    r = 1 / dispersion
    rise = sum(mp.log(r + k) for k in range(int(y))) if y < 50 else mp.loggamma(y + r) - mp.loggamma(r)
    return rise - mp.loggamma(y + 1) + y * mp.log(mean) - y * mp.log(r + mean) - r * mp.log1p(mean / r)


def poisson_inverse_gaussian_logpmf(y, mean, dispersion):
    root = mp.sqrt(1 + 2 * mean * dispersion)
    u = dispersion / root
    bessel = mp.log(mp.besselk(y - mp.mpf(1) / 2, 1 / u))
    return mp.log(2 / (mp.pi * u)) / 2 + y * mp.log(mean / root) - mp.loggamma(y + 1) + 1 / dispersion + bessel


def generalized_poisson_logpmf(y, mean, dispersion):
    c = mean + dispersion * y
    return mp.log(mean) + (y - 1) * mp.log(c) - y * mp.log1p(dispersion) - mp.loggamma(y + 1) - c / (1 + dispersion)


def beta_binomial_logpmf(y, mean, precision, trials):
    a, b = mean * precision, (1 - mean) * precision
    rise = lambda x, n: mp.loggamma(x + n) - mp.loggamma(x)
    return log_choose(trials, y) + rise(a, y) + rise(b, trials - y) - rise(precision, trials)


PROBABILITIES = (1e-8, 1e-3, 0.5, 1 - 2.0**-20)
MASSES = {
    "BetaBinomial": Reference(
        beta_binomial_logpmf, None, {"mean": PROBABILITIES, "precision": EXTREME, "trials": (1.0, 12.0, 1e6)}, "count"
    ),
    "Binomial": Reference(
        lambda y, prob, trials: log_choose(trials, y) + y * mp.log(prob) + (trials - y) * mp.log1p(-prob),
        None,
        {"prob": PROBABILITIES, "trials": (1.0, 12.0, 1e6)},
        "count",
    ),
    "GeneralizedPoisson": Reference(
        generalized_poisson_logpmf, None, {"mean": EXTREME, "dispersion": (1e-8, 0.3, 2.5, 1e4)}, "count"
    ),
    "Geometric": Reference(
        lambda y, prob: mp.log(prob) + y * mp.log1p(-prob), None, {"prob": (*PROBABILITIES, 1e-300, 0.3, 0.9)}, "count"
    ),
    "NegativeBinomial": Reference(negative_binomial_logpmf, None, {"mean": EXTREME, "dispersion": EXTREME}, "count"),
    "Poisson": Reference(lambda y, mean: y * mp.log(mean) - mean - mp.loggamma(y + 1), None, {"mean": EXTREME}, "count"),
    "PoissonInverseGaussian": Reference(
        poisson_inverse_gaussian_logpmf, None, {"mean": EXTREME, "dispersion": (1e-3, 0.3, 1.0, 40.0, 1e8)}, "count"
    ),
}


def tails_of_masses(log_mass):
    """Logs of the sums of masses up to y and beyond, of which the smaller one is summed by itself."""

    def tails(y, **params):
        mass = lambda k: mp.exp(log_mass(mp.mpf(k), **params))
        lower = mp.fsum(mass(k) for k in range(int(mp.nint(y)) + 1))
        if lower < 0.5:
            return both(mp.log(lower), True)
        upper = 1 - lower
        if upper < mp.mpf(10) ** -30:
            k, upper, term = int(mp.nint(y)), mp.mpf(0), mp.mpf(1)
            while term > upper * mp.mpf(10) ** -25 and k < params.get("trials", mp.inf):
                k += 1
                term = mass(k)
                upper += term
        return both(mp.log(upper) if upper else -mp.inf, False)

    return tails


@lru_cache
def conway_maxwell_poisson_constants(mean, dispersion):
    """The log of lambda at which the mean is that, where the terms above it balance those below, and the log of their sum."""
    nu, logs = 1 / dispersion, [mp.mpf(0)]  # of factorials

    def sums(rate):
        total = above = below = mp.mpf(0)
        k, top = 0, -mp.inf
        while True:
            log = k * rate - nu * logs[k]
            term, top = mp.exp(log), max(top, log)
            total += term
            above += term * max(k - mean, 0)
            below += term * max(mean - k, 0)
            if log < top - 90 - 2 * nu and k > mean + 1:
                return above, below, total
            k += 1
            if k == len(logs):
                logs.append(logs[-1] + mp.log(k))

    def balance(rate):
        above, below, _ = sums(rate)
        return mp.log(above) - mp.log(below)

    with mp.workdps(60):
        start = mp.log(mean) - mp.log1p((1 - nu) * mean) if nu < 1 else nu * mp.log(mean + 0.5) if mean > 1 else mp.log(mean)
        root = mp.findroot(balance, (start, start + min(mp.mpf(1) / 1000, nu / 1000)), tol=1e-40, maxsteps=100)
        return root, mp.log(sums(root)[2])


def conway_maxwell_poisson_logpmf(y, mean, dispersion):
    rate, log_total = conway_maxwell_poisson_constants(mean, dispersion)
    return y * rate - mp.loggamma(y + 1) / dispersion - log_total


# ---- laws made from others ---------------------------------------------------------------------------------------


def log_between(tails, low, high, **params):
    """log P(low < Y <= high), as the difference of the tails that are smaller."""
    (below_low, above_low), (below_high, above_high) = tails(low, **params), tails(high, **params)
    first, second = (below_high, below_low) if below_high < above_low else (above_low, above_high)
    return first + (mp.log(-expm1(second - first)) if second > -mp.inf else 0) if first > second else -mp.inf


def truncated(law, low, high):
    """Between two ends, which may be infinite."""
    ends = mp.mpf(low), mp.mpf(high)

    def tails(y, **params):
        if mp.isinf(y):
            return (-mp.inf, mp.mpf(0)) if y < 0 else (mp.mpf(0), -mp.inf)
        return law.tails(y, **params)

    def both_tails(y, **params):
        total = log_between(tails, *ends, **params)
        sides = [log_between(tails, *side, **params) - total for side in ((ends[0], y), (y, ends[1]))]
        return both(min(sides), sides[0] < sides[1])

    return Reference(lambda y, **params: law.logpdf(y, **params) - log_between(tails, *ends, **params), both_tails, law.values)


def with_zeros(law, name, at_zero):
    """A law of positive values beside zeros, whose probability is the parameter `name`, or `at_zero` of it and the rest."""

    def logpdf(y, **params):
        zero = params[name]
        params = {key: value for key, value in params.items() if key != name}
        return mp.log1p(-zero) + law.logpdf(y, **params) if y else mp.log(at_zero(zero, **params))

    def tails(y, **params):
        zero = params[name]
        params = {key: value for key, value in params.items() if key != name}
        upper = mp.log1p(-zero) + law.tails(y, **params)[1]
        return both(upper, False) if upper < -0.7 else (mp.log(-expm1(upper)), upper)

    return Reference(logpdf, tails, {**law.values, name: (1e-8, 0.3, 1 - 2.0**-20)})


def transformed(law, function, log_slope):
    return Reference(
        lambda y, **params: law.logpdf(function(y), **params) + log_slope(y),
        lambda y, **p: law.tails(function(y), **p),
        law.values,
    )
