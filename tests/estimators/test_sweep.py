"""Every law and wrapper in every situation of daily work: no fit below a smaller model, and no warning without cause.

Minutes long, so behind the marker: ``pytest -m exhaustive tests/estimators/test_sweep.py -k Gamma``.
"""

from __future__ import annotations

import time
import warnings
from typing import NamedTuple

import numpy as np
import pytest
from _laws import recorded
from scipy import optimize, stats
from sklearn.base import clone

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.datasets import make_mle_regression
from sk_mle.exceptions import ConvergenceWarning, SeparationWarning
from sk_mle.likelihoods import (
    LAWS,
    AsymmetricLaplace,
    Beta,
    BetaBinomial,
    Binomial,
    Censored,
    ExponentiallyModifiedNormal,
    Fixed,
    Gamma,
    Gompertz,
    Hurdle,
    InverseGaussian,
    Lomax,
    Mixture,
    NegativeBinomial,
    Normal,
    Poisson,
    Rounded,
    ScipyLaw,
    SkewNormal,
    StudentT,
    Transformed,
    Truncated,
    Tweedie,
    VonMises,
    Weibull,
    ZeroInflated,
    ZeroOneInflated,
    from_scipy,
)
from sk_mle.likelihoods._functions import resolved
from sk_mle.selection import nested

pytestmark = [pytest.mark.exhaustive, pytest.mark.filterwarnings("default")]

TRIALS = 12
SHORT = 0.01  # log-likelihood by which a fit may end below a smaller model
MOST_SECONDS = 5.0  # of CPU, for 2,000 rows
SIZED = [Binomial, BetaBinomial]
PLAIN = [law() for law in LAWS.values() if law not in SIZED and law().target_type != "targets"]
LAWS_AND_WRAPPERS = [
    *PLAIN,
    *(law(trials=TRIALS) for law in SIZED),
    AsymmetricLaplace(quantile=None),
    NegativeBinomial(power=1.0),
    Tweedie(power=None),
    Censored(Gamma()),
    Censored(Normal()),
    Censored(StudentT()),
    Censored(Weibull()),
    Hurdle(Gamma()),
    Hurdle(NegativeBinomial()),
    Hurdle(Poisson()),
    Mixture([("low", Poisson()), ("high", Poisson())]),
    Rounded(Normal(), width=0.5),
    Transformed(Normal(), "yeo-johnson"),
    Transformed(Normal(), "asinh"),
    Truncated(NegativeBinomial(), low=0),
    Truncated(Normal(), low=0.0),
    Truncated(Poisson(), low=0),
    ZeroInflated(NegativeBinomial()),
    ZeroInflated(Poisson()),
    ZeroOneInflated(Beta()),
    from_scipy(stats.gumbel_r),
    from_scipy(stats.nbinom),
]


def name(law) -> str:
    return f"scipy {law.rv.name}" if isinstance(law, ScipyLaw) else repr(law)


every_law = pytest.mark.parametrize("law", LAWS_AND_WRAPPERS, ids=name)


class Sample(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    separated: str = ""  # what the warning must name
    predictors: dict | None = None


def simulated(law, n, seed=0) -> Sample:
    data = make_mle_regression(law, n_samples=n, n_features=1, random_state=seed)
    return Sample(data.X, data.y)


def kind(law) -> str:
    """What sort of y a law is of."""
    support = law.support
    if law.target_type == "classes":
        return "classes"
    if support.integer:
        return "counts"
    if np.isfinite([support.low, support.high]).all():
        return "interval"
    return "positive" if support.low == 0 else "real"


def inside(law, y):
    """Values moved into what the law allows."""
    support, tiny = law.support, 1e-3
    low = 1.0 if isinstance(law, Truncated) and support.integer else support.low + (not support.closed[0]) * tiny
    high = TRIALS if "trials" in law.layout.fixed else support.high - (not support.closed[1]) * tiny
    if isinstance(law, Truncated) and not support.integer:
        low = tiny
    return np.clip(np.rint(y) if support.integer else y, low, high)


def right(law, seed) -> Sample:
    return simulated(law, 300, seed)


def wrong_law(law, seed) -> Sample:
    """Skewed, heavy-tailed and of two groups that no column tells apart."""
    rng = np.random.default_rng(seed)
    X, group = rng.normal(size=(300, 1)), rng.uniform(size=300) < 0.3
    score = 0.5 * X[:, 0] + rng.gumbel(size=300) + 2.0 * group
    draw = {
        "classes": lambda: np.digitize(score, [0.5] if law.support.high == 1 else [0.0, 2.0]),
        "counts": lambda: rng.poisson(np.exp(np.minimum(score, 4.0))),
        "interval": lambda: law.support.low + (law.support.high - law.support.low) / (1 + np.exp(-score)),
        "positive": lambda: np.exp(score),
        "real": lambda: score,
    }[kind(law)]
    return Sample(X, observed(law, inside(law, draw().astype(float))))


def observed(law, y):
    return recorded(law, np.random.default_rng(2), y)


def contaminated(law, seed) -> Sample:
    """One row in twenty is far from where the law has it."""
    X, y = right(law, seed)[:2]
    y = np.array(y, dtype=float)
    rows = np.arange(0, len(y), 20)
    far = {
        "classes": lambda: y.max() - y[rows],
        "counts": lambda: 20 + 10 * y[rows],
        "interval": lambda: np.where(rows % 40, law.support.low + 0.002, law.support.high - 0.002),
        "positive": lambda: 20 * np.abs(y[rows]),
        "real": lambda: np.where((rows % 40)[(...,) + (None,) * (y.ndim - 1)], 30.0, -30.0) * np.maximum(np.abs(y[rows]), 1.0),
    }[kind(law)]
    y[rows] = far() if y.ndim > 1 else inside(law, far())
    return Sample(X, np.sort(y, axis=1) if y.ndim > 1 else y)


def small_sample(law, seed) -> Sample:
    """Twenty rows, of at least three values where these are no classes."""
    X, y = next(
        s
        for s in (simulated(law, 20, seed + 10 * k)[:2] for k in range(99))
        if len(np.unique(s[1])) > 2 or law.target_type == "classes"
    )
    return Sample(
        X, np.roll(np.sort(simulated(law, 20)[1]), seed) if law.target_type == "classes" else y
    )  # of more than one class


def far_row(law, seed) -> Sample:
    """9999 for "missing", where y is an ordinary value."""
    X, y = right(law, seed)[:2]
    X[0], y[0] = 9999.0, y[np.argsort(y if y.ndim == 1 else y[:, 0])[len(y) // 3]]
    return Sample(X, y)


def separated_group(law, seed) -> Sample | None:
    """A column that marks rows all of which lie at the end of what is possible."""
    edge = SEPARABLE.get(type(law).__name__)
    if edge is None or (isinstance(law, Hurdle | Truncated) and not law.support.integer):
        return None
    X, y = right(law, seed)[:2]
    group = (np.arange(len(y)) % 4 == 0).astype(float)
    return Sample(np.column_stack([X, group]), np.where(group == 1, edge, y), separated="column 1 ")


def separated_part(law, seed) -> Sample | None:
    """The same of another parameter: a group without zeros, or of nothing else."""
    part = next((name for name in ("zero", "one") if name in law.layout.free), None)
    if part is None:
        return None
    X, y = right(law, seed)[:2]
    group = (np.arange(len(y)) % 4 == 0).astype(float)
    some = np.flatnonzero((y != 0) & (y != 1))
    y = np.where(group == 1, y[np.resize(some, len(y))], y)
    return Sample(np.column_stack([X, group]), y, "column 1 ", {part: "all"})


def ties(law, seed) -> Sample:
    """A third of the values are the same number, and the rest are rounded."""
    X, y = right(law, seed)[:2]
    if not law.support.integer:
        unit = np.subtract(*np.quantile(y[np.isfinite(y)], [0.75, 0.25])) / 20
        y = np.maximum(np.rint(y / unit), 1 if kind(law) == "positive" else -np.inf) * unit
    y[::3] = np.sort(y[:, 0] if y.ndim > 1 else y)[len(y) // 2]
    return Sample(X, y if y.ndim > 1 else inside(law, y))


def extreme_units(law, seed) -> Sample:
    X, y = right(law, seed)[:2]
    return Sample(1e9 * (X + 1e3), y)


SITUATIONS = [  # and the seeds to draw them with
    *((situation, seed) for situation in (right, wrong_law, contaminated, ties) for seed in range(2)),
    *((small_sample, seed) for seed in range(6)),
    *((situation, 0) for situation in (far_row, separated_group, separated_part, extreme_units)),
]
SEPARABLE = {  # laws whose likelihood rises without end where all rows of a group have this value
    **dict.fromkeys(("Bernoulli", "Binomial", "BetaBinomial", "Categorical", "Ordinal", "Geometric", "NegativeBinomial"), 0.0),
    **dict.fromkeys(("ConwayMaxwellPoisson", "GeneralizedPoisson", "Poisson", "PoissonInverseGaussian", "Tweedie"), 0.0),
    **{"ZeroInflated": 0.0, "Hurdle": 1.0, "Truncated": 1.0},
}
# tails without end leave room for a spike on few values, on those that are repeated first
SPIKED = {"StudentT", "SkewT", "JohnsonSU", "SinhArcsinh"}


def told(law, sample):
    """The fit, and what it said."""
    estimator = MLEClassifier if law.target_type == "classes" else MLERegressor
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = estimator(law, predictors=sample.predictors).fit(sample.X, sample.y)
    leaked = [str(w.message) for w in caught if not issubclass(w.category, ConvergenceWarning)]
    assert not leaked, leaked
    return model, caught


def smaller(law):
    """Laws that lie in this one: its declared limits, and itself with a parameter known."""
    for special in law.relations.limits:
        if special != "law":  # the law inside
            yield BY_CLASS[special](**{"trials": TRIALS} if special == "Binomial" else {})
    inner = getattr(law, "law", None)
    if inner is not None:
        yield inner
        yield from (clone(law).set_params(law=special) for special in smaller(inner) if not isinstance(special, Fixed))
    for name in law.layout.free[1:]:
        if law.layout[name].shape == ():
            low, high = law.layout[name].domain.typical
            yield from (Fixed(law, {name: low + share * (high - low)}) for share in (0.3, 0.7))


BY_CLASS = {law.__name__: law for law in LAWS.values()}


def possible(law, y) -> bool:
    """Whether a law takes such a target."""
    try:
        return bool(law.inside(law.read(y)).all())
    except ValueError:
        return False


def beyond_floats(law, y) -> bool:
    """Whether the best rate of the law, known in its shape, is below the smallest float: the error then says which rows."""
    return isinstance(resolved(law), Gompertz) and "shape" in law.layout.fixed and law.layout.fixed["shape"] * y.max() > 700


@pytest.mark.parametrize(("situation", "seed"), SITUATIONS, ids=lambda f: getattr(f, "__name__", f))
@every_law
def test_fit(law, situation, seed):
    sample = situation(law, seed)
    if sample is None:
        pytest.skip("no value ends what is possible under this law")
    model, caught = told(law, sample)
    said = [w for w in caught if issubclass(w.category, SeparationWarning)]
    if sample.separated:
        assert said
        assert sample.separated in str(said[0].message)
        return
    assert not said, str(said[0].message)
    if "unbounded" in " ".join(str(w.message) for w in caught):
        assert situation in (ties, small_sample)
        assert type(getattr(law, "law", law)).__name__ in SPIKED
        return
    for special in smaller(law):
        if not possible(special, sample.y) or beyond_floats(special, sample.y):
            continue
        rival, _ = told(special, sample)
        if isinstance(special, Fixed) or nested(rival, model):
            assert model.loglikelihood_ > rival.loglikelihood_ - SHORT, special


@every_law
def test_time_of_2000_rows(law):
    sample = simulated(law, 2000)
    began = time.process_time()
    told(law, sample)
    assert time.process_time() - began < MOST_SECONDS


def of_few_rows(situation, law, seed):
    """The first 24 rows of a situation."""
    X, y = situation(law, seed)[:2]
    return X[:24], y[:24]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("situation", [wrong_law, contaminated])
@pytest.mark.parametrize("law", [InverseGaussian(), ExponentiallyModifiedNormal(), VonMises(), Lomax(), SkewNormal()], ids=name)
def test_no_start_leads_higher(law, situation, seed):
    """Nelder-Mead from six places finds no higher maximum on few rows."""
    X, y = of_few_rows(situation, law, seed)
    model, caught = told(law, Sample(X, y))
    first, *others = model.fit_.predictors
    if "unbounded" in str([str(w.message) for w in caught]) or any(law.layout[p].shape for p in (first, *others)):
        pytest.skip("a likelihood without bound, or of vectors")

    def lost(p):
        eta = {first: p[0] + p[1] * X[:, 0]} | {
            other: np.full(len(y), value) for other, value in zip(others, p[2:], strict=True)
        }
        with np.errstate(all="ignore"):
            total = law.loglik(y, **law.layout.theta(eta)).sum()
        return -total if np.isfinite(total) else 1e10

    rng, u = np.random.default_rng(seed), [model.intercepts_[first], *model.coef_, *(model.intercepts_[p] for p in others)]
    starts = np.clip(u, -5, 5) + rng.normal(size=(6, len(u)))
    best = min(optimize.minimize(lost, start, method="Nelder-Mead", options={"maxiter": 1500}).fun for start in starts)
    assert model.loglikelihood_ > -best - SHORT


OUTLIERS = 60  # standard deviations


def outlying(law, y) -> list:
    """The sample with one row far above, one far below, and several on either side, as far as the law allows them."""
    away = np.zeros((3, len(y)))
    away[0, 0], away[1, 0], away[2, ::20] = 1.0, -1.0, np.tile([1.0, -1.0], len(y))[: len(y[::20])]
    samples = [np.array(y, float) + OUTLIERS * np.std(y) * row for row in away]
    return [inside(law, np.rint(sample) if law.support.integer else sample) for sample in samples]


@every_law
def test_start_with_a_parameter_known(law):
    """Whatever parameter is fixed, and wherever rows lie: a fit has a start, and says nothing but its own warnings."""
    if kind(law) in ("classes", "interval") or isinstance(law, Censored):
        pytest.skip("no value of such a law is far out")
    X, y = simulated(law, 100)[:2]
    for sample in outlying(law, y):
        for parameter in law.layout.free:
            if law.layout[parameter].shape == ():
                low, high = law.layout[parameter].domain.typical
                for value in (low + 0.3 * (high - low), low + 0.7 * (high - low)):
                    special = Fixed(law, {parameter: value})
                    if special.layout.free and not beyond_floats(special, sample):
                        model, _ = told(special, Sample(X, sample))
                        assert np.isfinite(model.loglikelihood_), special
