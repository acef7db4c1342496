"""Densities that grow without end on the observed values: fits warn of it, and comparisons never rank them first."""

from __future__ import annotations

import functools
import re
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.model_selection import KFold

from ledger._case import Case
from sk_mle import LikelihoodSearch, MLEDensity, MLERegressor, censored, compare
from sk_mle.exceptions import BoundaryWarning
from sk_mle.likelihoods import (
    Beta,
    Cauchy,
    Censored,
    Fixed,
    Gamma,
    Gompertz,
    Gumbel,
    Hurdle,
    InverseGamma,
    LogLogistic,
    LogNormal,
    Mixture,
    Normal,
    StudentT,
    Tweedie,
    Weibull,
    ZeroOneInflated,
)

RNG = np.random.default_rng(0)
LAST = censored([13.467, 13.760, 12.011, 7.798, 7.928], event=[False, True, False, False, False])
TIED = censored([13.0, 13, 13, 12, 7, 8], event=[True, True, True, False, False, False])
HALF = censored(np.full(6, 13.0), event=np.arange(6) < 3)
BESIDE = censored([13.0, 13, 13, 13.01, 13.01, 13.01], event=np.arange(6) < 3)
EARLY = censored([13.0, 13.5, 14.1, 13.7, 7, 8], event=[True, True, True, False, False, False])
ZEROS = np.r_[np.zeros(15), np.full(25, 3.2)]
ENDS = np.r_[np.zeros(5), np.ones(5), np.full(12, 0.3)]
COUNTS = RNG.poisson(2, 80).astype(float)
AMOUNTS = COUNTS * RNG.gamma(2, 1, 80)
ATOM = np.where(RNG.uniform(size=60) < 0.3, 0.0, RNG.normal(3, 1, 60))
EQUAL = np.r_[np.full(10, 1.3), RNG.normal(0, 1, 40)]
TWO = Mixture([("a", Normal()), ("b", Normal())], n_starts=5)


def columns(y):
    return y[:, None] if y.ndim == 1 else y


def unbounded(law, y, match, remedy=None):
    """Told by name; what the message advises has a maximum."""
    with pytest.warns(BoundaryWarning, match=f"likelihood of {type(law).__name__} is unbounded.*{match}") as caught:
        model = MLEDensity(law).fit(columns(y))
    assert len(caught) == 1
    assert not model.converged_
    advised = re.search(r"Fixed\((\w+)\(...\), \{'(\w+)': ...\}\)", str(caught[0].message))
    if advised:
        assert advised[1] == type(law).__name__
        remedy = Fixed(law, {advised[2]: 0.8})
    if remedy is not None:
        bounded(remedy, y)


def bounded(law, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert MLEDensity(law).fit(columns(y)).converged_


def events_on_a_line():
    """Two events that two coefficients meet, and censored rows below that line."""
    x = np.array([0.0, 1.0, 0.2, 0.5, 0.8, 0.9])
    y = censored([2.0, 3.0, 1.0, 2.0, 2.5, 2.0], event=[True, True, False, False, False, False])
    for law in (Weibull(), LogNormal(), Normal()):
        with pytest.warns(BoundaryWarning, match=r"Censored is unbounded.*y in 2 rows \(0, 1\).*the scale: Fixed\(Censored"):
            MLERegressor(Censored(law)).fit(x[:, None], y)


def tied_at_the_end_of_a_regression(law):
    """Three events at the largest time, of different covariates: the law may be as narrow as that time without slopes."""
    rng = np.random.default_rng(1)
    X, t = rng.normal(size=(30, 2)), rng.weibull(1.5, 30) * 10
    t[:3] = t.max() + 1
    with pytest.warns(BoundaryWarning, match=r"Censored is unbounded.*y in 3 rows \(0, 1, 2\).*the scale: Fixed\(Censored"):
        MLERegressor(Censored(law)).fit(X, censored(t, event=np.arange(30) < 3))


def tied_in_a_regression():
    """Already a scale of a hundredth of the spread, at the value that is repeated, is far above any other maximum."""
    rng = np.random.default_rng(0)
    y = np.r_[np.full(6, 0.3), rng.normal(size=15)[6:]]
    X = rng.normal(size=(15, 1))
    peak = stats.t.logpdf(y, 0.25, 0.3, 0.01).sum()
    with pytest.warns(BoundaryWarning, match=r"StudentT is unbounded.*y in \d+ rows \(0, 1, 2, 3, 4, "):
        model = MLERegressor(StudentT()).fit(X, y)
    assert model.loglikelihood_ > peak


def tails_that_leave_room():
    """A maximum beside a likelihood without bound, which tails with 0.2 degrees of freedom have around 30% zeros."""
    rng = np.random.default_rng(3)
    x, zero = rng.normal(size=150), rng.uniform(size=150) < 0.3
    y = np.where(zero, 0, 1 + x + rng.normal(size=150))
    with pytest.warns(
        BoundaryWarning, match="StudentT grows without end, too, as it shrinks onto 0, which many rows of y repeat"
    ):
        model = MLERegressor(StudentT()).fit(x[:, None], y)
    assert model.converged_
    assert stats.t.logpdf(y, 0.2, 0, 1e-100).sum() > model.loglikelihood_ + 1000
    MLERegressor(Fixed(StudentT(), {"df": 1.0})).fit(x[:, None], y)  # as the words advise: bounded


def never_first():
    """The maximum of a law that has one is ranked before a likelihood without bound."""
    models = {name: MLERegressor(Censored(law)) for name, law in (("w", Weibull()), ("l", LogLogistic()), ("n", Normal()))}
    models["finite"] = MLERegressor(Censored(Weibull(shape=1.0)))
    table = compare(models, np.zeros((5, 1)), LAST)
    assert table.best == "finite"
    assert sum("unbounded" in note for note in table.notes) == 3


def never_first_by_folds():
    """Held-out rows that repeat a value have an infinite density under the law that shrank onto it."""
    y = np.r_[np.full(20, 2.0), RNG.normal(size=20)]
    X = np.zeros((40, 1))
    models = {"t": MLERegressor(StudentT()), "finite": MLERegressor(StudentT(df=4.0, scale=1.0))}
    folds = KFold(4, shuffle=True, random_state=0)
    assert compare(models, X, y, cv=folds).best == "finite"
    search = LikelihoodSearch(candidates={name: model.likelihood for name, model in models.items()}, cv=folds).fit(X, y)
    assert search.best_likelihood_.df == 4.0
    assert any("t comes last: its likelihood is unbounded" in note for note in search.ranking_.notes)


def group_without_spread():
    """Mean and scale of a group whose values are all one."""
    group = np.repeat([0.0, 1.0], [60, 20])[:, None]
    y = np.r_[RNG.normal(size=60), np.full(20, 1.5)]
    with pytest.warns(BoundaryWarning, match=r"Normal is unbounded.*y in 20 rows \(60, 61"):
        MLERegressor(Normal(), predictors={"scale": "all"}).fit(group, y)


BY_HAND = "the density at the values that were observed has no bound as its scale goes to 0, and the other rows are certain"
ONE, THREE, SCALE = r"reproduces y in row 1 to rounding", r"reproduces y in 3 rows \(0, 1, 2\)", "Fix the scale"
ENTRIES = [
    *(
        ("the only event is the largest time", law, unbounded, Censored(law), LAST, ONE)
        for law in (
            *(Weibull(), LogLogistic(), LogNormal(), Normal(), Gumbel(), Cauchy(), StudentT(df=4.0), Gompertz(), Gamma()),
        )
    ),
    *(
        ("three tied events at the largest time", law, unbounded, Censored(law), TIED, THREE)
        for law in (Weibull(), LogLogistic(), Normal(), Gamma(), StudentT(df=4.0))
    ),
    *(
        ("three events and three censored at one time", law, unbounded, Censored(law), HALF, THREE)
        for law in (Gompertz(), InverseGamma(), Gamma(), Weibull())
    ),
    *(
        ("three events, three censored just above", law, bounded, Censored(law), BESIDE)
        for law in (InverseGamma(), Gamma(), Weibull())
    ),
    *(
        ("three events at three times, one below a censored one", law, bounded, Censored(law), EARLY)
        for law in (Weibull(), Normal(), LogLogistic())
    ),
    *(
        ("one positive value beside zeros", law, unbounded, Hurdle(law), ZEROS, SCALE)
        for law in (Gamma(), LogNormal(), Weibull())
    ),
]
CASES = [Case(trait, BY_HAND, type(law).__name__, functools.partial(check, *given)) for trait, law, check, *given in ENTRIES]
ROWS = r"shrank onto single values of y \(\d+ rows"
CASES += [
    Case("one value inside", BY_HAND, "ZeroOneInflated", functools.partial(unbounded, ZeroOneInflated(Beta()), ENDS, SCALE)),
    Case("whole numbers", "a Poisson law of spikes", "Tweedie", functools.partial(
        unbounded, Tweedie(power=None), COUNTS, "multiples of its dispersion.*Take a law of counts", Tweedie()
    )),
    Case("halves", "a Poisson law of spikes", "Tweedie", functools.partial(
        unbounded, Tweedie(power=None), COUNTS / 2, "multiples of its dispersion.*Take a law of counts"
    )),
    Case("amounts", "a density with a maximum", "Tweedie", functools.partial(bounded, Tweedie(power=None), AMOUNTS)),
    Case("30% zeros", BY_HAND, "Mixture", functools.partial(unbounded, TWO, ATOM, ROWS)),
    Case("ten equal values of fifty", BY_HAND, "Mixture", functools.partial(unbounded, TWO, EQUAL, ROWS)),
    Case("ten equal values of forty, which few starts find", BY_HAND, "Mixture", functools.partial(
        unbounded, Mixture([("a", Normal()), ("b", Normal())], n_starts=2),
        np.r_[np.full(10, 1.0), np.random.default_rng(5).normal(size=30)], ROWS,
    )),
    Case("six equal values of fifteen in a regression", "a narrow peak", "StudentT", tied_in_a_regression),
    Case("30% zeros beside a maximum", "scipy's density", "StudentT", tails_that_leave_room),
    Case("rounded values", "two normal laws", "Mixture", functools.partial(
        bounded, TWO, np.round(np.r_[RNG.normal(0, 1, 60), RNG.normal(5, 1, 40)], 1)
    )),
    Case("events on a line", BY_HAND, "Censored", events_on_a_line),
    *(
        Case("three tied events at the largest time, in a regression", BY_HAND, type(law).__name__,
             functools.partial(tied_at_the_end_of_a_regression, law))
        for law in (Gompertz(), Weibull(), InverseGamma())
    ),
    Case("a group of one value", BY_HAND, "Normal", group_without_spread),
    Case("an unbounded likelihood in a comparison", BY_HAND, "Censored", never_first),
    Case("a value in half of the rows, by cross-validation", BY_HAND, "StudentT", never_first_by_folds),
]  # fmt: skip
