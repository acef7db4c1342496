"""Maxima and suprema to which a law's special cases lead, whatever the units of y."""

import mpmath as mp
import numpy as np
import pytest
from scipy import stats
from scipy.optimize import linprog, minimize, minimize_scalar

from ledger._case import Case
from sk_mle import Distribution, MLEDensity, MLERegressor, censored
from sk_mle.datasets import make_mle_regression
from sk_mle.exceptions import BoundaryWarning
from sk_mle.likelihoods import (
    AsymmetricLaplace,
    BoxCoxColeGreen,
    Censored,
    ExponentiallyModifiedNormal,
    GeneralizedExtremeValue,
    GeneralizedGamma,
    GeneralizedNormal,
    GeneralizedPareto,
    JohnsonSU,
    Lomax,
    Normal,
    SinhArcsinh,
    SkewNormal,
    StudentT,
    Truncated,
    from_scipy,
)

UNIFORM = np.random.default_rng(1).uniform(size=30)
EXPONENTIAL = np.random.default_rng(1).exponential(size=30)
EXPONENTIAL_SMALL = np.random.default_rng(1).exponential(size=20)
NORMAL = np.random.default_rng(1).normal(size=30)
SYMMETRIC = np.outer([1, -1], np.random.default_rng(0).normal(size=100)).ravel()


def _ends_at(law, y, expected, words, units=(1.0,)):
    """The supremum, named, and the same in all units."""

    def check():
        for unit in units:
            with pytest.warns(BoundaryWarning, match=words):
                model = MLEDensity(law).fit(unit * y[:, None])
            assert model.converged_
            assert model.loglikelihood_ + len(y) * np.log(unit) == pytest.approx(expected, abs=2e-6)

    return check


def _half_normal(y):
    """Of a half-normal law above the smallest or below the largest y, whose scale is the root mean square distance from it."""
    squares = [np.mean((y - end) ** 2) for end in (y.min(), y.max())]
    return len(y) * max(0.5 * np.log(2 / np.pi) - 0.5 * np.log(square) - 0.5 for square in squares)


def _half_normal_above_zero(y):
    return 0.5 * len(y) * (np.log(2 / np.pi) - np.log(np.mean(y**2)) - 1)


def _exponential(distance):
    return -len(distance) * (1 + np.log(np.mean(distance)))


def _power(y):
    """Of p(y) = a y**(a - 1) / b**a below the largest y, b."""
    logs = np.log(y / y.max())
    a = -1 / logs.mean()
    return len(y) * (np.log(a / y.max()) + (a - 1) * logs.mean())


def _reaches(law, X, y, held, name):
    """At least what the same law reaches with a parameter held."""

    def check():
        model = MLERegressor(law()).fit(X, y)
        assert model.loglikelihood_ > max(MLERegressor(law(**{name: value})).fit(X, y).loglikelihood_ for value in held) - 1e-6

    return check


def _regression(seed, n=150):
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(n, 2))


def _zeros(seed):
    rng, X = _regression(seed)
    y = 5 + X @ [2.0, -1.0] + rng.normal(size=len(X))
    y[rng.uniform(size=len(X)) < 0.3] = 0
    return X, y


TIED = np.random.default_rng(2).normal(3, 1, size=60) * (np.random.default_rng(3).uniform(size=60) > 0.3)


def _log_normal(y):
    """The supremum over the edge of a log-normal law of the distance above it, or below it."""

    def lost(log_gap, x):
        distance = np.log(x - x.min() + np.exp(log_gap))
        return 0.5 * len(x) * (1 + np.log(2 * np.pi * distance.var())) + distance.sum()

    places = np.linspace(-3, 8, 100)
    nearest = [(places[np.argmin([lost(place, x) for place in places])], x) for x in (y, -y)]
    return -min(
        minimize_scalar(lost, bounds=(place - 0.2, place + 0.2), args=(x,), method="bounded", options={"xatol": 1e-9}).fun
        for place, x in nearest
    )


def _second_maximum():
    y = np.random.default_rng(18).gamma(1, size=20)
    with pytest.warns(BoundaryWarning, match="scale of BoxCoxColeGreen ran to the upper edge.*half-normal law of a power of y"):
        found = MLEDensity(BoxCoxColeGreen()).fit(y[:, None])

    def lost(nu):
        return -_half_normal_above_zero(y**nu) - 20 * np.log(nu) - (nu - 1) * np.log(y).sum()

    assert found.loglikelihood_ == pytest.approx(-minimize_scalar(lost, bounds=(0.5, 2), method="bounded").fun, abs=2e-6)
    assert found.optimize_result_.other_maximum == pytest.approx(-15.28642, abs=1e-4)  # the nearer one


def _asymmetric(seed):
    rng, X = _regression(seed)
    return X, 1 + X @ [2.0, -1.0] + rng.exponential(size=len(X))


def _every_quantile():
    """At least what any fixed quantile reaches, where 30% of y is zero."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(80, 2))
    y = 5 + X @ [2.0, -1.0] + rng.normal(size=80)
    y[rng.uniform(size=80) < 0.3] = 0
    found = MLERegressor(AsymmetricLaplace(quantile=None)).fit(X, y).loglikelihood_
    for quantile in (0.05, 0.5, 0.85, 0.95):
        assert found > MLERegressor(AsymmetricLaplace(quantile=quantile)).fit(X, y).loglikelihood_ - 1e-6


def _free_quantile():
    X, y = _asymmetric(0)
    with pytest.warns(BoundaryWarning, match=r"quantile .* lower edge.*exponential law above loc"):
        found = MLERegressor(AsymmetricLaplace(quantile=None)).fit(X, y).loglikelihood_
    assert found == pytest.approx(_exponential_at_edge(X, y, 1), abs=2e-6)
    for quantile in (0.02, 0.1, 0.3, 0.7, 0.9):
        assert found > MLERegressor(AsymmetricLaplace(quantile=quantile)).fit(X, y).loglikelihood_ - 1e-6


def _exponential_at_edge(X, y, sign):
    """Of an exponential law above (1) or below (-1) the plane that lies nearest to y, on one side of all y."""
    A = np.column_stack([np.ones(len(y)), X])
    plane = linprog(-sign * A.sum(axis=0), A_ub=sign * A, b_ub=sign * y, bounds=(None, None)).x
    return _exponential(sign * (y - A @ plane))


def _zeros_at_an_edge(law, seed, n, words):
    """30% zeros in a regression: an exponential law above or below a plane."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    y = 5 + X @ [2.0, -1.0] + rng.normal(size=n)
    y[rng.uniform(size=n) < 0.3] = 0

    def check():
        with pytest.warns(BoundaryWarning, match=words):
            model = MLERegressor(law).fit(X, y)
        assert model.converged_
        assert model.loglikelihood_ == pytest.approx(_exponential_at_edge(X, y, 1 if "above" in words else -1), abs=2e-6)

    return check


def _truncated_regression():
    """An exponential law above zero whose rate, as loc, is linear in X: by scipy."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(100, 2))
    y = rng.gamma(0.8, np.exp(0.3 * X[:, 0]))
    A = np.column_stack([np.ones(100), X])

    def lost(b):
        rate = A @ b
        return y @ rate - np.log(rate).sum() if (rate > 0).all() else np.inf

    expected = -minimize(lost, [1 / y.mean(), 0, 0], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12}).fun
    with pytest.warns(BoundaryWarning, match=TRUNCATED):
        model = MLERegressor(Truncated(Normal(), low=0)).fit(X, y)
    assert model.converged_
    assert model.loglikelihood_ == pytest.approx(expected, abs=2e-6)


def _far_beyond_the_bounds():
    """The density of a normal law given a bound at which its log-probability is -5e5, or -5e11."""
    with mp.workdps(60):
        for loc, low, high in ((-1000.0, 0.0, np.inf), (-1e6, 0.5, 3.0), (1e6, -np.inf, 2.0), (1e6, 0.0, 2.0)):
            y = np.array([0.6, 1.5])
            found = Truncated(Normal(), low=low, high=high).loglik(
                y, low=low + 0 * y, high=high + 0 * y, loc=loc + 0 * y, scale=1.0 + 0 * y
            )
            tails = [
                mp.ncdf(mp.mpf(loc) - low) if loc < 0 else 0,
                mp.ncdf(mp.mpf(loc) - high) if loc < 0 and high < np.inf else 0,
            ]
            if loc > 0:
                tails = [mp.ncdf(mp.mpf(high) - loc), mp.ncdf(mp.mpf(low) - loc) if low > -np.inf else 0]
            expected = [mp.log(mp.npdf(mp.mpf(v) - loc)) - mp.log(tails[0] - tails[1]) for v in y]
            np.testing.assert_allclose(found, np.array(expected, float), rtol=1e-9)


def _exponential_far_beyond_the_bound():
    """A normal law a billion scales below zero, given y > 0, is exponential of mean 1e-3, to nine digits."""
    dist = Distribution(
        Truncated(Normal(), low=0.0), {"loc": np.array([-1e15]), "scale": np.array([1e6]), "high": np.array([np.inf])}
    )
    for found, expected in (
        (dist.cdf(7e-4), -np.expm1(-0.7)),
        (dist.sf(7e-4), np.exp(-0.7)),
        (dist.logcdf(1e-9), np.log(-np.expm1(-1e-6))),
        (dist.ppf(0.5), 1e-3 * np.log(2)),
        (dist.mean(), 1e-3),
        (dist.std(), 1e-3),
    ):
        np.testing.assert_allclose(np.ravel(found), expected, rtol=1e-9)


SMALL = np.random.default_rng(13).normal(size=20)
LEFT = -np.random.default_rng(0).weibull(0.9, 1000)
CLOSED, UNITS = "closed form", (1.0, 1e3, 1e9, 1e-6)
TRUNCATED = "scale of Truncated ran to the upper edge.*exponential law between the bounds"


def interior_maximum_below_a_limit():
    """The law of sinh(tail * (log r - m)), r the distance from loc, which lies above every y; a maximum inside is 0.2 lower."""
    X, y = make_mle_regression("sinh_arcsinh", 24, 1, random_state=501)[:2]

    def loss(at):
        r = at[0] + at[1] * X[:, 0] - y
        if (r <= 0).any():
            return np.inf
        x = np.sinh(np.exp(at[3]) * (np.log(r) - at[2]))
        return -(at[3] - np.log(r) + 0.5 * np.log1p(x**2) - x**2 / 2 - 0.5 * np.log(2 * np.pi)).sum()

    options = {"maxfev": 4000, "xatol": 1e-9, "fatol": 1e-11}
    best = minimize(loss, [2.16, -0.13, -0.06, -0.2], method="Nelder-Mead", options=options)
    with pytest.warns(BoundaryWarning, match=r"scale of SinhArcsinh ran to the lower edge .* logarithm of the distance"):
        model = MLERegressor(SinhArcsinh()).fit(X, y)
    assert model.loglikelihood_ == pytest.approx(-best.fun, abs=1e-5)


def _shape_known_at_its_end(law, y, right):
    """A maximum on the edge of the support, by linear programming: the edge is above all y, and as low as possible."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(30, 1))
    A, y = np.column_stack([np.ones(30), X]), y(X[:, 0], rng)
    target = np.log(y) if y.min() > 0 else y  # the linear predictor of the edge is its logarithm, or the edge itself

    def check():
        edge = A @ linprog(A.sum(axis=0), A_ub=-A, b_ub=-target, bounds=(None, None)).x
        with pytest.warns(BoundaryWarning, match=r"on the edge of its support.* held by \d+ rows? .* of y"):
            model = MLERegressor(law).fit(X, y)
        assert model.converged_
        assert model.loglikelihood_ == pytest.approx(right(edge, y), abs=1e-6)

    return check


def _joint_limit(seed):
    """Of counts less dispersed than Poisson ones, with a law that loses digits on its way to the Poisson law."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(60, 2)), rng.binomial(8, 0.2, size=60)
    A = np.column_stack([np.ones(60), X])

    def check():
        right = -minimize(lambda beta: -stats.poisson.logpmf(y, np.exp(A @ beta)).sum(), np.zeros(3)).fun
        with pytest.warns(BoundaryWarning, match=r"p of nbinom .* upper edge .*limit. Choose the simpler law"):
            model = MLERegressor(from_scipy(stats.nbinom)).fit(X, y)
        assert model.converged_
        assert model.loglikelihood_ == pytest.approx(right, abs=1e-3)

    return check


def _few_events(law, seed, rows, weight, expected, words):
    """Values that exceed bounds, all but those of some rows, whose law has an edge at the first event."""
    bounds = np.sort(10 * np.random.default_rng(seed).weibull(1.5, size=len(weight)))
    y = np.column_stack([bounds, np.where(np.isin(np.arange(len(weight)), rows), bounds, np.inf)])

    def check():
        for unit in (1.0, 1e3):
            with pytest.warns(BoundaryWarning, match=words):
                model = MLEDensity(Censored(law)).fit(unit * y, sample_weight=weight)
            assert model.converged_
            reached = model.loglikelihood_ + np.log(unit) * weight[rows].sum()
            assert reached == pytest.approx(expected(bounds, rows, weight), abs=1e-5)

    return check


def power_law_below_a_bent_ridge():
    """Of censored durations with covariates; p(t) = a t**(a - 1) / b**a below b, whose logarithm is linear, by scipy."""
    rng = np.random.default_rng(5)
    age, treated = rng.uniform(40, 80, 100), rng.integers(0, 2, 100)
    life = 900 * np.exp(-0.02 * (age - 60) + 0.5 * treated) * rng.weibull(1.4, 100)
    end = rng.uniform(100, 400, 100)
    is_event, t = life <= end, np.minimum(life, end)
    A = np.column_stack([np.ones(100), (age - 60) / 20, treated])

    def loss(at):
        z, a = A @ at[:3] - np.log(t), np.exp(at[3])
        if (z <= 0).any():
            return np.inf
        return -np.where(is_event, at[3] - np.log(t) - a * z, np.log(-np.expm1(-a * z))).sum()

    options = {"maxiter": 20_000, "maxfev": 20_000, "xatol": 1e-9, "fatol": 1e-11}
    right = -min(minimize(loss, [8.0, 0.0, at, 0.5], method="Nelder-Mead", options=options).fun for at in (0.0, 1.0, 2.0))
    with pytest.warns(BoundaryWarning, match=r"shape .* upper edge.*power law up to a largest y"):
        model = MLERegressor(Censored(GeneralizedGamma())).fit(A[:, 1:], censored(t, event=is_event))
    assert model.loglikelihood_ == pytest.approx(right, abs=1e-6)


def a_peak_of_few_rows(name, X, y):
    """A maximum with df below one, around a few rows, beside that of the normal law, which is higher."""

    def check():
        A = np.column_stack([np.ones(len(y)), *X.T])
        square = np.mean((y - A @ np.linalg.lstsq(A, y)[0]) ** 2)
        normal = -len(y) / 2 * (np.log(2 * np.pi * square) + 1)
        with pytest.warns(UserWarning, match=name):
            model = MLERegressor(StudentT()).fit(X, y)
        assert model.loglikelihood_ > normal - 1e-6

    return check


def _regression_of_ten():
    rng = np.random.default_rng(33)
    X = rng.normal(size=(10, 1))
    return X, X[:, 0] + rng.uniform(size=10)


def _pareto(bounds, rows, weight):
    """From the one event on, where all that exceed it weigh in."""
    (row,) = rows
    total = weight[row + 1 :] @ np.log(bounds[row + 1 :] / bounds[row])
    return weight[row] * (np.log(weight[row] / total) - 1 - np.log(bounds[row]))


def _half_normal_above_first_event(bounds, rows, weight):
    """By scipy, over the scale."""
    over, is_event = np.maximum(bounds - bounds[rows[0]], 0.0), np.isin(np.arange(len(bounds)), rows)

    def lost(log_scale):
        law = stats.halfnorm(scale=np.exp(log_scale))
        return -weight @ np.where(is_event, law.logpdf(over), law.logsf(over))

    return -minimize_scalar(lost, bounds=(-2, 6), method="bounded", options={"xatol": 1e-8}).fun


def _exponential_above_first_event(bounds, rows, weight):
    n_events, total = weight[rows].sum(), weight @ np.maximum(bounds - bounds[rows[0]], 0.0)
    return n_events * (np.log(n_events / total) - 1)


ELEVEN, FORTY, ROWS_OF_FORTY = np.ones(11), np.ones(40), [6, 31, 35]
CASES = [
    Case("fifteen events among a hundred durations", "scipy", "Censored(GeneralizedGamma)", power_law_below_a_bent_ridge),
    Case("ten rows of uniform noise", CLOSED, "StudentT", a_peak_of_few_rows("df of StudentT ran", *_regression_of_ten())),
    *(
        Case(
            f"one event among eleven rows, row {row}, seed {seed}",
            CLOSED,
            "Censored(GeneralizedGamma)",
            _few_events(
                GeneralizedGamma(), seed, [row], weight, _pareto, r"shape .* lower edge.*Pareto law from a smallest y on"
            ),
        )
        for seed, row, weight in ((0, 5, ELEVEN), (0, 0, ELEVEN), (1, 8, ELEVEN), (7, 4, np.arange(1.0, 12.0)))
    ),
    Case(
        "three events among forty rows",
        "scipy",
        "Censored(SkewNormal)",
        _few_events(
            SkewNormal(),
            1,
            ROWS_OF_FORTY,
            FORTY,
            _half_normal_above_first_event,
            r"shape .* upper edge.*half-normal law above loc",
        ),
    ),
    Case(
        "three events among forty rows",
        CLOSED,
        "Censored(ExponentiallyModifiedNormal)",
        _few_events(
            ExponentiallyModifiedNormal(),
            1,
            ROWS_OF_FORTY,
            FORTY,
            _exponential_above_first_event,
            r"scale .* lower edge.*exponential law above loc",
        ),
    ),
    *(
        Case(
            f"{name}, seed {seed}, whose law is log-normal far from its edge",
            "minimum over the edge by scipy",
            "JohnsonSU",
            _ends_at(JohnsonSU(), y, _log_normal(y), r"scale .* lower edge.*log-normal law above, or below, loc", UNITS),
        )
        for name, seed, y in (
            *(("20 normal values", seed, np.random.default_rng(seed).normal(size=20)) for seed in (100, 102, 113, 114)),
            *(("80 uniform values", seed, np.random.default_rng(seed).uniform(size=80)) for seed in (6, 7)),
            ("500 light tails", 3, np.random.default_rng(3).beta(2, 3, size=500)),
        )
    ),
    *(
        Case(f"a limit of two parameters, seed {seed}", "scipy.optimize", "scipy's nbinom", _joint_limit(seed))
        for seed in (0, 2)
    ),
    Case(
        "shape known to be -1: an exponential law below a plane",
        "linear programming",
        "GeneralizedExtremeValue",
        _shape_known_at_its_end(
            GeneralizedExtremeValue(shape=-1.0),
            lambda x, rng: 1 + 0.5 * x - rng.weibull(0.9, 30),
            lambda edge, y: _exponential(edge - y),
        ),
    ),
    Case(
        "shape known to be -1: a uniform law up to exp(eta)",
        "linear programming",
        "GeneralizedPareto",
        _shape_known_at_its_end(
            GeneralizedPareto(shape=-1.0),
            lambda x, rng: np.exp(1 + 0.5 * x) * rng.uniform(size=30),
            lambda edge, y: -edge.sum(),
        ),
    ),
    Case("24 rows, an interior maximum", "the limit's formula", "SinhArcsinh", interior_maximum_below_a_limit),
    Case(
        "exponential data above a bound",
        CLOSED,
        "Truncated(Normal)",
        _ends_at(Truncated(Normal(), low=0), EXPONENTIAL_SMALL, _exponential(EXPONENTIAL_SMALL), TRUNCATED, UNITS),
    ),
    Case("a rate linear in X", "scipy", "Truncated(Normal)", _truncated_regression),
    Case("bounds a million standard deviations out", "mpmath", "Truncated(Normal)", _far_beyond_the_bounds),
    Case("a bound a billion standard deviations out", CLOSED, "Truncated(Normal)", _exponential_far_beyond_the_bound),
    Case(
        "a small normal sample whose supremum is a half-normal law",
        CLOSED,
        "SkewNormal",
        _ends_at(SkewNormal(), SMALL, _half_normal(SMALL), r"shape .* lower edge.*half-normal law below loc", UNITS),
    ),
    Case(
        "reversed Weibull data: an exponential law below the largest y",
        CLOSED,
        "GeneralizedExtremeValue",
        _ends_at(
            GeneralizedExtremeValue(), LEFT, _exponential(LEFT.max() - LEFT), "shape .* lower edge.*exponential law below"
        ),
    ),
    Case(
        "uniform data",
        CLOSED,
        "GeneralizedPareto",
        _ends_at(GeneralizedPareto(), UNIFORM, -30 * np.log(UNIFORM.max()), "shape .* lower edge.*uniform law", (1.0, 1e9)),
    ),
    Case(
        "exponential data: no normal part",
        CLOSED,
        "ExponentiallyModifiedNormal",
        _ends_at(
            ExponentiallyModifiedNormal(),
            EXPONENTIAL,
            _exponential(EXPONENTIAL - EXPONENTIAL.min()),
            "scale .* lower edge.*exponential law above loc",
        ),
    ),
    Case(
        "normal data: no exponential part, in any units",
        CLOSED,
        "ExponentiallyModifiedNormal",
        _ends_at(
            ExponentiallyModifiedNormal(),
            NORMAL,
            -15 * (1 + np.log(2 * np.pi * NORMAL.var())),
            r"rate .* upper edge.*limit \(Normal\)",
            UNITS,
        ),
    ),
    Case(
        "symmetric data with light tails, which bend the ridge towards the limit, in any units",
        CLOSED,
        "ExponentiallyModifiedNormal",
        _ends_at(
            ExponentiallyModifiedNormal(),
            SYMMETRIC,
            -100 * (1 + np.log(2 * np.pi * SYMMETRIC.var())),
            r"rate .* upper edge.*limit \(Normal\)",
            UNITS,
        ),
    ),
    Case(
        "light tails, in any units",
        CLOSED,
        "Lomax",
        _ends_at(Lomax(), UNIFORM, _exponential(UNIFORM), r"shape .* upper edge.*limit \(Exponential\)", UNITS),
    ),
    Case(
        "uniform data: a power law up to the largest y",
        CLOSED,
        "GeneralizedGamma",
        _ends_at(GeneralizedGamma(), UNIFORM, _power(UNIFORM), "shape .* upper edge.*power law up to"),
    ),
    *(
        Case(
            f"{n} normal values that are a little skew, seed {seed}",
            "minimum over the edge by scipy",
            "JohnsonSU",
            _ends_at(JohnsonSU(), y, _log_normal(y), r"scale .* lower edge.*log-normal law above, or below, loc", UNITS),
        )
        for n, seed in ((20, 1), (50, 9))
        for y in [np.random.default_rng(seed).normal(size=n)]
    ),
    Case(
        "30% zeros",
        CLOSED,
        "ExponentiallyModifiedNormal",
        _ends_at(
            ExponentiallyModifiedNormal(),
            TIED,
            _exponential(TIED - TIED.min()),
            "scale .* lower edge.*exponential law above loc",
        ),
    ),
    *(
        Case(
            "30% zeros in a regression",
            "linear programming",
            "ExponentiallyModifiedNormal",
            _zeros_at_an_edge(ExponentiallyModifiedNormal(), seed, 200, "scale .* lower edge.*exponential law above loc"),
        )
        for seed in (11, 14)
    ),
    *(
        Case(
            f"30% zeros in a regression, seed {seed}",
            "linear programming",
            "AsymmetricLaplace",
            _zeros_at_an_edge(AsymmetricLaplace(quantile=None), seed, 60, f"quantile .* {edge}.*exponential law {side} loc"),
        )
        for seed, edge, side in ((1, "lower", "above"), (39, "upper", "below"))
    ),
    Case("30% zeros", "quantile held", "AsymmetricLaplace", _every_quantile),
    Case("30% zeros", "shape held", "GeneralizedNormal", _reaches(GeneralizedNormal, *_zeros(1), (0.6, 1.0, 2.0), "shape")),
    Case("a second maximum near nu = 1", CLOSED, "BoxCoxColeGreen", _second_maximum),
    Case("a skew law", "linear programming", "AsymmetricLaplace", _free_quantile),
]
