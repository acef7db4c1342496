"""Distribution functions, quantiles, moments and derivatives far out, where products of the arguments overflow or underflow."""

import mpmath as mp
import numpy as np
from scipy import stats

from ledger._case import Case
from sk_mle import Distribution
from sk_mle.likelihoods import (
    BetaBinomial,
    GeneralizedExtremeValue,
    GeneralizedPareto,
    Geometric,
    JohnsonSU,
    Kumaraswamy,
    LogitNormal,
    Poisson,
    PoissonInverseGaussian,
    SinhArcsinh,
    SkewNormal,
    SkewT,
    StudentT,
    Truncated,
    Tweedie,
)


def of(law, **params):
    return Distribution(law, {name: np.array([value]) for name, value in params.items()})


def moments_over_a_normal_variable(f, edges):
    mean = mp.quad(lambda x: f(x) * mp.npdf(x), edges)
    return mean, mp.quad(lambda x: (f(x) - mean) ** 2 * mp.npdf(x), edges)


def beyond_an_upper_end():
    for law, params in (
        (GeneralizedExtremeValue(), {"loc": 0.0, "scale": 1.0, "shape": -1e8}),
        (GeneralizedExtremeValue(), {"loc": 0.0, "scale": 1e-8, "shape": -40.0}),
        (GeneralizedPareto(), {"scale": 1e-8, "shape": -1e8}),
    ):
        above = of(law, **params)
        found = [getattr(above, name)(np.array([1e300]))[0] for name in ("cdf", "sf", "logcdf", "logsf")]
        np.testing.assert_array_equal(found, [1.0, 0.0, 0.0, -np.inf])
    below = of(GeneralizedExtremeValue(), loc=0.0, scale=1e-8, shape=40.0)
    assert below.cdf(np.array([-1e300])) == 0


def shape_times_y_overflows():
    """Tails of skewed laws: the normal one's exponent in mpmath, and of the t law the density over its rate of fall."""
    for z, shape in ((1e160, -1e8), (-1e160, 1e8), (1e300, 1e8)):
        dist, outer = of(SkewNormal(), loc=0.0, scale=1.0, shape=shape), z > 0
        np.testing.assert_array_equal(dist.logsf(np.array([z])) if outer else dist.logcdf(np.array([z])), [-np.inf])
        np.testing.assert_array_equal(dist.cdf(np.array([z])), [float(outer)])
    found = of(SkewNormal(), loc=0.0, scale=1.0, shape=-1e8).logsf(np.array([1e145]))
    np.testing.assert_allclose(found, [-0.5 * 1e290 * (1 + 1e16)], rtol=1e-12)
    with mp.workdps(40):
        df, z, a = mp.mpf(2.5), mp.mpf(1e160), mp.mpf(1e8)
        # P(T > z) of the density 2 t(z) P(T' < -a z sqrt((df + 1) / (df + z^2))), the last a constant far out
        x2 = a**2 * (df + 1)
        below = mp.betainc((df + 1) / 2, mp.mpf(1) / 2, 0, (df + 1) / (df + 1 + x2), regularized=True) / 2
        density = mp.gamma((df + 1) / 2) / mp.gamma(df / 2) / mp.sqrt(mp.pi * df) * (z * z / df) ** (-(df + 1) / 2)
        right = mp.log(2 * density * below * z / df)
    found = of(SkewT(), loc=0.0, scale=1.0, shape=-1e8, df=2.5).logsf(np.array([1e160]))
    np.testing.assert_allclose(found, [float(right)], rtol=1e-10)


def derivatives_of_a_law_beyond_squares():
    """Of the generalized Pareto law, where shape y / scale overflows, and of sinh-arcsinh beyond |w| = 200."""
    y, scale, shape = mp.mpf(1e300), mp.mpf(1e-8), mp.mpf(1e8)
    right = lambda s: -(1 + 1 / shape) * mp.log1p(shape * y / s) - mp.log(s)
    with mp.workdps(60):
        expected = float(mp.diff(right, scale))
    with np.errstate(over="ignore"):
        found = GeneralizedPareto().gradient(np.array([1e300]), np.array([1e-8]), np.array([1e8]))["scale"]
    np.testing.assert_allclose(found, [expected], rtol=1e-12)

    def log_density(loc, scale, skew, tail):
        z = (100 - loc) / scale
        x = mp.sinh(tail * mp.asinh(z) - skew)
        return mp.log(tail / scale) + (mp.log1p(x * x) - mp.log1p(z * z)) / 2 - x * x / 2

    at = {"loc": 0.3, "scale": 1.7, "skew": 0.2, "tail": 60.0}
    found = SinhArcsinh().gradient(np.array([100.0]), **{name: np.array([value]) for name, value in at.items()})
    with mp.workdps(400):
        for k, name in enumerate(at):
            expected = mp.diff(log_density, tuple(map(mp.mpf, at.values())), tuple(int(j == k) for j in range(4)))
            np.testing.assert_allclose(found[name], [float(expected)], rtol=1e-9)


def quantiles_of_many_rows():
    """Levels on both sides of the mean at once, of which some tails are summed on their own side: it raised an error."""
    q = np.array([1e-20, 1e-5, 0.1, 0.5, 0.7, 0.9, 0.99, 1 - 1e-5])
    dist = Distribution(BetaBinomial(trials=1_000_000), {"mean": np.full(8, 1e-3), "precision": np.ones(8)})
    y, right = dist.ppf(q), stats.betabinom(1_000_000, 1e-3, 1 - 1e-3)
    for level, at in zip(q, y, strict=True):
        assert right.sf(at) <= 1 - level + 1e-9
        assert at == 0 or right.cdf(at - 1) < level


def quantile_of_a_heavy_tail():
    """From a poor first guess a Newton step overshot all numbers. The mixing law's own quantile differs by less than 1e-5."""
    for q in (0.3, 0.6, 0.7, 0.8):
        found = of(PoissonInverseGaussian(), mean=1e8, dispersion=40.0).ppf(np.array([q]))
        np.testing.assert_allclose(found, [stats.invgauss(40.0, scale=1e8 / 40).ppf(q)], rtol=1e-5)


def quantiles_that_no_number_holds():
    """More than half of Student's law with df = 0.001 lies beyond 1e300."""
    assert of(Truncated(StudentT(), low=0.5), loc=0.0, scale=1.0, df=1e-3).ppf(np.array([0.9])) == np.inf
    far = of(SkewT(), loc=0.0, scale=1.0, shape=0.0, df=1e-3)
    np.testing.assert_array_equal([far.ppf(np.array([q]))[0] for q in (1e-5, 0.9)], [-np.inf, np.inf])


def moments_of_nearly_two_points():
    """The mean and variance of a logit-normal variable, by an integral over the normal one in mpmath."""
    with mp.workdps(30):
        for loc, scale in ((0.3, 1.0), (30.0, 1.0), (2.0, 14.0), (-7.0, 40.0), (200.0, 40.0), (0.0, 1e8)):
            logistic = lambda z, loc=loc, scale=scale: 1 / (1 + mp.exp(-(loc + scale * z)))
            edges = {-loc / scale + s * t / scale for s in (-1, 1) for t in (0, 1, 3, 10, 30, 100)} | {-20, -5, 0, 1, 5, 20}
            edges = sorted(edge for edge in edges if abs(edge) <= 20)
            mean, variance = moments_over_a_normal_variable(logistic, edges)
            dist = of(LogitNormal(), loc=loc, scale=scale)
            np.testing.assert_allclose(dist.mean(), [float(mean)], rtol=1e-9)
            np.testing.assert_allclose(dist.var(), [float(variance)], rtol=1e-8)


def moments_of_light_tails():
    """Of a sinh-arcsinh variable by an integral in mpmath; of symmetric laws that overflow; Kumaraswamy's by beta functions."""
    with mp.workdps(40):
        for skew, tail in ((0.3, 1.0), (0.3, 9.9), (-3.0, 20.0), (0.3, 1e4), (40.0, 1e8)):
            z = lambda x, skew=skew, tail=tail: mp.sinh((mp.asinh(x) + mp.mpf(skew)) / tail)
            edges = [-40, -10, -5, -2, 0, 2, 5, 10, 40]
            mean, variance = moments_over_a_normal_variable(z, edges)
            dist = of(SinhArcsinh(), loc=0.0, scale=1.0, skew=skew, tail=tail)
            np.testing.assert_allclose([dist.mean()[0], dist.var()[0]], [float(mean), float(variance)], rtol=1e-12)
        moment = lambda k: mp.mpf(1e8) * mp.beta(1 + k / mp.mpf(0.01), mp.mpf(1e8))
        expected = float(moment(2) - moment(1) ** 2)
    for law in (JohnsonSU(), SinhArcsinh()):
        symmetric = of(law, loc=0.3, scale=1.0, skew=0.0, tail=1e-3)
        np.testing.assert_array_equal([symmetric.mean()[0], symmetric.var()[0]], [0.3, np.inf])
    np.testing.assert_allclose(of(Kumaraswamy(), a=0.01, b=1e8).var(), [expected], rtol=1e-9)
    assert np.all(of(Kumaraswamy(), a=1e-3, b=1e8).var() == 0)  # below 1e-800


def probabilities_of_one_and_of_zero():
    """None exceeds one by rounding, none is minus zero, none is unknown far above all that has probability."""
    assert of(Truncated(Poisson(), low=0.0), mean=1e-3).cdf(np.array([12.0])) <= 1
    assert not np.signbit(of(Geometric(), prob=0.3).cdf(np.array([-1.0]))).any()
    far = of(Tweedie(), mean=1e-3, dispersion=1e-8)
    np.testing.assert_array_equal([far.cdf(np.array([1e300]))[0], far.logsf(np.array([1e300]))[0]], [1.0, -np.inf])


CASES = [
    Case("shape y overflows beyond an end", "the definition", "GEV, GeneralizedPareto", beyond_an_upper_end),
    Case("shape z overflows", "mpmath", "SkewNormal, SkewT", shape_times_y_overflows),
    Case("scores far out", "mpmath's derivative", "GeneralizedPareto, SinhArcsinh", derivatives_of_a_law_beyond_squares),
    Case("levels on both sides of a skewed law", "scipy's betabinom", "BetaBinomial", quantiles_of_many_rows),
    Case("dispersion 40 at 1e8", "scipy's invgauss", "PoissonInverseGaussian", quantile_of_a_heavy_tail),
    Case("quantiles above 1e308", "the tail is a power", "Truncated, SkewT", quantiles_that_no_number_holds),
    Case("scale above 15", "mpmath", "LogitNormal", moments_of_nearly_two_points),
    Case("moments that cancel or overflow", "mpmath", "SinhArcsinh, JohnsonSU, Kumaraswamy", moments_of_light_tails),
    Case("rounded tails", "the definition", "Truncated, Geometric, Tweedie", probabilities_of_one_and_of_zero),
]
