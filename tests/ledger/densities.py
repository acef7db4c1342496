"""Densities, tails and quantiles at extreme parameters; the sweep over all of them is `tests/likelihoods/test_densities.py`."""

from functools import partial

import mpmath as mp
import numpy as np
from scipy import stats
from scipy.special import ndtr, owens_t

from ledger._case import Case
from sk_mle import Distribution, MLEDensity, MLERegressor
from sk_mle.likelihoods import (
    Beta,
    BoxCoxColeGreen,
    Gamma,
    GeneralizedPareto,
    InverseGamma,
    JohnsonSU,
    NegativeBinomial,
    SinhArcsinh,
    SkewNormal,
    SkewT,
    StudentT,
    Tweedie,
    VonMises,
)


def is_near(law, method, at, params, expected, rtol=1e-12):
    found = getattr(Distribution(law, {name: np.array([value]) for name, value in params.items()}), method)(np.array([at]))
    np.testing.assert_allclose(found, [expected], rtol=rtol)


def intervals_of_a_skew_normal():
    """log P(low < Y <= high), with derivatives in loc, log(scale) and shape, against differences of Owen's function."""

    def log_probability(low, high, at):
        below, above = (ndtr(z) - 2 * owens_t(z, at[2]) for z in ((end - at[0]) / np.exp(at[1]) for end in (low, high)))
        return np.log(above - below)

    at, names, step = np.array([0.3, 0.2, -1.5]), ("loc", "scale", "shape"), 1e-3 * np.eye(3)
    for low, high in ((0.5, np.inf), (-np.inf, -1.0), (-2.0, 3.0)):
        f = partial(log_probability, low, high)
        found = SkewNormal().evaluate_interval([low], [high], {name: at[[k]] for k, name in enumerate(names)}, 2)
        np.testing.assert_allclose(found.loglik, f(at), rtol=1e-12)
        for name, move in zip(names, step, strict=True):
            slope = (8 * (f(at + move) - f(at - move)) - f(at + 2 * move) + f(at - 2 * move)) / 12e-3
            np.testing.assert_allclose(found.gradient[name], slope, rtol=1e-8)
            both = [s * t * f(at + s * move + t * step[2]) for s in (-1, 1) for t in (-1, 1)]
            np.testing.assert_allclose(-found.information[name, "shape"], sum(both) / 4e-6, rtol=1e-4)


def tails_of_few_degrees_of_freedom():
    """The derivative in df of log P(T <= z), also where df is so small that a fit of censored rows once stopped there."""
    for z, df in ((-1e5, 0.123), (3.0, 0.05), (-0.1, 1e-3), (0.7, 1e-6)):

        def log_probability(at, z=z):
            outer = mp.betainc(at / 2, mp.mpf("0.5"), 0, at / (at + mp.mpf(z) ** 2), regularized=True) / 2
            return mp.log(outer if z < 0 else 1 - outer)

        eta = {"loc": np.zeros(1), "scale": np.zeros(1), "df": np.log([df])}
        found = StudentT().evaluate_interval(np.full(1, -np.inf), np.full(1, z), eta, 1).gradient["df"]
        np.testing.assert_allclose(found, [float(df * mp.diff(log_probability, mp.mpf(df), h=mp.mpf(df) / 1e4))], rtol=1e-6)


def small_mean_of_a_large_dispersion():
    """The log mass and its derivative in log(dispersion), where the mean is that of a truncated law on its way to a limit."""
    for dispersion, y in ((1e2, 40.0), (1e9, 5.0), (1e15, 40.0)):
        size, mean = 1 / mp.mpf(dispersion), mp.mpf(0.1 / dispersion)
        rise = mp.loggamma(y + size) - mp.loggamma(size) - mp.loggamma(y + 1)
        right = rise - (y + size) * mp.log1p(mean / size) + y * mp.log(mean / size)
        eta = {"mean": np.log([0.1 / dispersion]), "dispersion": np.log([dispersion])}
        found = NegativeBinomial().evaluate(np.array([y]), eta, 1)
        np.testing.assert_allclose(found.loglik, [float(right)], rtol=1e-14)
        by_size = mp.digamma(y + size) - mp.digamma(size) - mp.log1p(mean / size) + (mean - y) / (size + mean)
        np.testing.assert_allclose(found.gradient["dispersion"], [float(-size * by_size)], rtol=1e-12)


def outliers_pull():
    """The gradient at an outlier is the textbook's, and one value far out decides loc where loc alone is free."""
    y, loc, scale, skew, tail = 1e5, 0.3, 1.7, 0.0, 100.0
    f = lambda at: -mp.log1p(((y - at) / scale) ** 2) / 2 - (skew + tail * mp.asinh((y - at) / scale)) ** 2 / 2
    found = JohnsonSU().gradient(np.array([y]), loc, scale, skew=skew, tail=tail)["loc"]
    np.testing.assert_allclose(found, [float(mp.diff(f, mp.mpf(loc)))], rtol=1e-10)
    law = JohnsonSU(scale=1.0, skew=0.0, tail=50.0)
    sample = np.r_[np.linspace(-0.05, 0.05, 9), 60.0]
    model = MLEDensity(law).fit(sample[:, None])
    score = lambda at: sum(
        mp.diff(lambda t, v=v: -mp.log1p((v - t) ** 2) / 2 - 1250 * mp.asinh(v - t) ** 2, at) for v in map(float, sample)
    )
    with mp.workdps(30):
        np.testing.assert_allclose(model.params_["loc"], float(mp.findroot(score, 0.5)), rtol=1e-5)


def heavier_tail_fits_a_far_value():
    """SinhArcsinh's log-density beyond |w| = 150, by its formula."""
    with mp.workdps(40):
        w = 40 * mp.asinh(mp.mpf(100))
        x = mp.sinh(w)
        expected = mp.log(40) + (mp.log1p(x**2) - mp.log1p(mp.mpf(100) ** 2) - mp.log(2 * mp.pi) - x**2) / 2
    is_near(SinhArcsinh(), "logpdf", 100.0, {"loc": 0.0, "scale": 1.0, "skew": 0.0, "tail": 40.0}, float(expected))


def narrow_tweedie():
    """Edgeworth's expansion to the square of the coefficient of variation, at a millionth of the mean and less."""
    for power in (1.1, 1.5, 1.9):
        for dispersion in (1e-11, 1e-13, 1e-17):
            with mp.workdps(40):
                v = mp.mpf(dispersion) * mp.mpf(3.0) ** (mp.mpf(power) - 2)
                skew, excess = power * mp.sqrt(v), power * (2 * mp.mpf(power) - 1) * v
                for y in 3.0 + 3.0 * np.sqrt(float(v)) * np.array([-2.0, -0.5, 1e-3, 0.3, 2.0]):
                    z = (mp.mpf(y) - 3) / (3 * mp.sqrt(v))
                    terms = skew / 6 * (z**2 - 1) + excess / 24 * (z**3 - 3 * z) + skew**2 / 72 * (z**5 - 10 * z**3 + 15 * z)
                    expected = float(mp.log(mp.ncdf(-z) + mp.npdf(z) * terms))
                    params = {"mean": 3.0, "dispersion": dispersion, "power": power}
                    is_near(Tweedie(power=None), "logsf", y, params, expected, 1e-10)
    is_near(Tweedie(), "logsf", 2.0, {"mean": 3.0, "dispersion": 1e-300}, 0.0)
    is_near(Tweedie(), "ppf", 0.3, {"mean": 3.0, "dispersion": 1e-300}, 3.0)


def gamma_of_small_shape():
    params = {"mean": 1.0, "shape": 1e-8}
    log_p = lambda y: 1e-8 * (np.log(1e-8) + np.log(y)) - float(mp.loggamma(1 + mp.mpf(1e-8)))
    for y in (5e-324, 1e-300, 1e-20):
        is_near(Gamma(), "cdf", y, params, np.exp(log_p(y)), 1e-13)
        is_near(Gamma(), "logsf", y, params, np.log(-np.expm1(log_p(y))), 1e-9)
    is_near(Gamma(), "ppf", 0.999, params, 5e-324)  # below which there is more
    draws = Distribution(Gamma(), params).rvs(100, random_state=0)
    assert (draws > 0).all()
    assert (Gamma().rvs(np.random.default_rng(0), (100,), **params) > 0).all()
    assert np.isfinite(Distribution(Gamma(), params).logpdf(draws)).all()


def beta_of_small_shapes():
    """I_x(a, b) -> 1/2 for both shapes tiny, but for a log(x) / 2."""
    params = {"mean": 0.5, "precision": 2e-8}
    with mp.workdps(40):
        expected = mp.betainc(mp.mpf(1e-8), mp.mpf(1e-8), 0, mp.mpf(1e-300), regularized=True)
    is_near(Beta(), "cdf", 1e-300, params, float(expected), 1e-13)
    is_near(Beta(), "ppf", 0.4, params, 5e-324)
    is_near(Beta(), "ppf", 0.6, params, 1 - 2.0**-53)
    tail = Distribution(Beta(), {"mean": np.array([0.5]), "precision": np.array([0.3])})
    np.testing.assert_allclose(tail.logcdf(tail.ppf(np.array([1e-40]))), [np.log(1e-40)], rtol=1e-12)


def quantiles_far_out():
    for law, params in (
        (StudentT(), {"loc": 0.0, "scale": 1.0, "df": 0.01}),
        (Gamma(), {"mean": 1.0, "shape": 1e6}),
        (InverseGamma(), {"scale": 1.0, "shape": 0.1}),
    ):
        dist = Distribution(law, {name: np.array([value]) for name, value in params.items()})
        for q in (1e-3, 0.9) if isinstance(law, StudentT) else (1e-200, 1e-3, 0.9):
            np.testing.assert_allclose(dist.logcdf(dist.ppf(np.array([q]))), [np.log(q)], rtol=1e-10)


def outlier_moves_a_fit():
    """A fit through one far value has the textbook's log-likelihood."""
    y = np.r_[np.random.default_rng(0).normal(size=40), 1e5]
    model = MLERegressor(JohnsonSU(skew=0.0, tail=100.0)).fit(np.zeros((41, 1)), y)
    params = {name: float(value[0]) for name, value in model.predict_params([[0.0]]).items()}
    z = (y - params["loc"]) / params["scale"]
    w = params["skew"] + 100 * np.arcsinh(z)
    expected = np.sum(np.log(100 / params["scale"]) - np.log1p(z**2) / 2 - w**2 / 2 - np.log(2 * np.pi) / 2)
    np.testing.assert_allclose(model.loglikelihood_, expected, rtol=1e-9)


def edge_of_the_circle():
    params = {"loc": np.array([0.3]), "origin": np.array([0.0]), "concentration": np.array([8.0])}
    with mp.workdps(40):
        rest = mp.pi - mp.mpf(np.pi)
        height = mp.exp(8 * mp.cos(mp.pi - mp.mpf(0.3))) / (2 * mp.pi * mp.besseli(0, 8))
        other = mp.exp(8 * mp.cos(-mp.pi - mp.mpf(0.3))) / (2 * mp.pi * mp.besseli(0, 8))
        step = mp.mpf(float(np.nextafter(-np.pi, 0))) + mp.pi
    dist = Distribution(VonMises(), params)
    np.testing.assert_allclose(dist.cdf(np.array([-np.pi])), [float(rest * other)], rtol=1e-12)
    np.testing.assert_allclose(dist.cdf(np.array([np.nextafter(-np.pi, 0)])), [float(step * other)], rtol=1e-12)
    np.testing.assert_allclose(dist.sf(np.array([np.pi])), [float(rest * height)], rtol=1e-12)


CAUCHY = {"loc": 0.0, "scale": 1.0, "df": 1.0}
JOHNSON = {"loc": 0.3, "scale": 1.7, "skew": 0.0}


def quantiles_without_skewness():
    """As those of Student's law and the normal one: a search began where the tail is no number."""
    q = np.array([1e-30, 1e-9, 0.5, 1 - 1e-8, 1 - 1e-9, 1 - 1e-12])
    for law, shapes, right in ((SkewNormal(), {"shape": 0.0}, stats.norm), (SkewT(), {"shape": 0.0, "df": 3.0}, stats.t(3.0))):
        np.testing.assert_allclose(law.ppf(q, loc=0.0, scale=1.0, **shapes), right.ppf(q), rtol=1e-9, atol=1e-12)
        far = {"loc": 0.0, "scale": 1.0, **shapes, "shape": 30.0}
        np.testing.assert_allclose(law.logcdf(law.ppf(q[:1], **far), **far), np.log(q[:1]), rtol=1e-9)
    far = np.array([1e8, 1e12, 1e100])
    np.testing.assert_allclose(
        SkewNormal().logsf(far, loc=0.0, scale=1.0, shape=1e-9), stats.norm.logsf(far) + np.log(2), rtol=1e-9
    )


CASES = [
    Case("no skewness, far quantiles", "scipy", "SkewNormal, SkewT", quantiles_without_skewness),
    Case("intervals", "scipy.special.owens_t", "SkewNormal", intervals_of_a_skew_normal),
    Case(
        "y = 100 at tail 50", "mpmath", "JohnsonSU",
        partial(is_near, JohnsonSU(), "logpdf", 100.0, {**JOHNSON, "tail": 50.0}, -28380.249195852433),
    ),
    Case(
        "y = 1e5 at tail 100", "mpmath", "JohnsonSU",
        partial(is_near, JohnsonSU(), "logpdf", 1e5, {**JOHNSON, "tail": 100.0}, -681587.4854770088),
    ),
    Case("a mean far below one", "mpmath", "NegativeBinomial", small_mean_of_a_large_dispersion),
    Case("tails at df below 0.12, which stopped fits", "mpmath's derivative", "StudentT", tails_of_few_degrees_of_freedom),
    Case("outliers pull", "mpmath's derivative", "JohnsonSU", outliers_pull),
    Case("a fit through a far value", "the formula", "JohnsonSU", outlier_moves_a_fit),
    Case("|w| above 150", "mpmath", "SinhArcsinh", heavier_tail_fits_a_far_value),
    Case(
        "tail beyond exp(-690)", "1 / (pi |z|) at df = 1", "StudentT",
        partial(is_near, StudentT(), "logcdf", -1e300, CAUCHY, -300 * np.log(10) - np.log(np.pi)),
    ),
    Case(
        "z * z overflows", "closed form at df = 1", "StudentT",
        partial(is_near, StudentT(), "logpdf", 1e200, CAUCHY, -400 * np.log(10) - np.log(np.pi)),
    ),
    Case("dispersions of 1e-11 and less", "Edgeworth's expansion", "Tweedie", narrow_tweedie),
    Case("shape 1e-8", "the first term of the series", "Gamma", gamma_of_small_shape),
    Case("shapes 1e-8", "mpmath", "Beta", beta_of_small_shapes),
    Case("quantiles in far tails", "round trip in the log tail", "StudentT, Gamma, InverseGamma", quantiles_far_out),
    Case(
        "smallest y at nu = 0", "the log-normal law", "BoxCoxColeGreen",
        partial(
            is_near, BoxCoxColeGreen(), "logpdf", 5e-324, {"loc": 1e8, "scale": 1.0, "nu": 0.0},
            -((np.log(5e-324) - np.log(1e8)) ** 2) / 2 - np.log(5e-324) - np.log(2 * np.pi) / 2,
        ),
    ),
    Case(
        "y = 1e300", "log1p by hand", "GeneralizedPareto",
        partial(
            is_near, GeneralizedPareto(), "logsf", 1e300, {"scale": 1e-8, "shape": 1e8}, -(316 * np.log(10)) / 1e8,
        ),
    ),
    Case("edge of the circle", "mpmath: the strip beside pi", "VonMises", edge_of_the_circle),
]  # fmt: skip
