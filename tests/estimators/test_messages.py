"""Messages: each is provoked, what it advises is done to the letter, and then it works.

An entry says what provokes the message, words of it, and what the reader does next. Where the message holds code or names, these
are taken from its text.
"""

# ruff: noqa: E501 - the tables have one case per line, and every match is a pattern

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy
from scipy import stats
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import BaggingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sk_mle import (
    Distribution,
    Inference,
    MLEClassifier,
    MLEDensity,
    MLERegressor,
    censored,
    likelihoods,
    metrics,
    predict_dist,
)
from sk_mle._model.terms import BoundTerm
from sk_mle.diagnostics import cooks_distance, deviance_residuals, leverage, pearson_residuals, quantile_residuals
from sk_mle.displays import (
    CoefficientDisplay,
    CoverageDisplay,
    EffectDisplay,
    FanChartDisplay,
    LikelihoodDisplay,
    PITDisplay,
    QuantileResidualDisplay,
    RootogramDisplay,
    SurvivalDisplay,
)
from sk_mle.domains import POSITIVE, REAL
from sk_mle.formulas import FormulaModel
from sk_mle.likelihoods import (
    Bernoulli,
    Beta,
    BetaBinomial,
    Binomial,
    Categorical,
    Cauchy,
    Censored,
    Dirichlet,
    Exponential,
    Fixed,
    Gamma,
    GeneralizedExtremeValue,
    Hurdle,
    InverseGaussian,
    Laplace,
    Likelihood,
    LogNormal,
    Mixture,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Ordinal,
    Poisson,
    Rounded,
    StudentT,
    Transform,
    Transformed,
    Truncated,
    VonMises,
    Weibull,
    ZeroInflated,
    ZeroOneInflated,
    from_scipy,
)
from sk_mle.links import Power, ScaledLogit
from sk_mle.predictors import Groups, Nonlinear, Ridge, Smooth
from sk_mle.selection import LikelihoodSearch, compare, cross_val_predict_dist, likelihood_ratio_test, vuong_test
from sk_mle.testing import check_likelihood

RNG = np.random.default_rng(0)
N = 60
X = RNG.normal(size=(N, 2))
FRAME = pd.DataFrame(X, columns=["a", "b"])
MU = np.exp(0.3 + 0.4 * X[:, 0])
REALS = X[:, 0] + RNG.normal(size=N)
COUNTS = RNG.negative_binomial(2, 2 / (2 + MU)).astype(float)
SIZES = RNG.gamma(2.0, MU / 2)
SHARES = RNG.beta(2.0, 3.0, N)
LABELS = np.array(["no", "yes"])[(REALS > 0).astype(int)]
THREE = np.array(["a", "b", "c"])[np.arange(N) % 3]
TIMES = censored(SIZES, event=SIZES < 2)
CLOSED = np.where(np.arange(N) % 10 == 0, 0.0, SIZES)
UNIT = np.where(np.arange(N) % 10 == 0, 0.0, SHARES)
EVENTS, LATE = (np.arange(N) % 3 > 0) * 1.0, SIZES + 1
ALONE = np.column_stack([X, np.arange(N) == 5])
FIELDS = np.array(list(zip(SIZES < 2, SIZES, strict=True)), dtype=[("event", bool), ("time", float)])
HALF_MASKED = np.ma.masked_greater(REALS, 0)
PERIODS = pd.Series(pd.period_range("2000-01", periods=N, freq="M"))
R, C, D = MLERegressor, MLEClassifier, MLEDensity


class Said(NamedTuple):
    """A message: what provokes it, words of it, and what its reader then does with its text."""

    provoked: Callable[[], Any]
    words: str
    heed: Callable[..., Any]


def code(text: str):
    """Code of a message, evaluated where the names of the laws are known."""
    return eval(text, {**vars(likelihoods), "np": np, "scipy": scipy})


def laws_of(message: str) -> list:
    """The laws that a message names for a y: names, or code."""
    listed = re.search(r"laws for this [yX]: (.*)$", message)[1]
    parts = re.split(r", (?![^(]*\))", listed)
    return [code(part if part.endswith(")") else f"{part}()") for part in parts]


def take(y):
    """Every law that is named takes this y."""

    def heed(message):
        for law in laws_of(message):
            law.check()
            assert law.inside(law.read(y)).all(), law

    return heed


def days(message, **names):
    """What the code of a message makes of periods."""
    made = re.search(r"t = (.*?); (\(t.*)$", message)
    t = eval(made[1], {"pandas": pd, **names})
    return eval(made[2], {"np": np, "t": t})


def fit(model, y, X=X, **options):
    return lambda *_: model.fit(X, y, **options)


def first_law(y):
    """The first law that is named is fitted."""
    return lambda message: R(laws_of(message)[0], predictors="intercept").fit(X, y)


class Users(Likelihood):
    """A normal law as its author writes it, right or wrong."""

    parameters = {"loc": REAL, "scale": POSITIVE}

    def __init__(self, fault="right", *, loc=None, scale=None, links=None):
        self.fault, self.loc, self.scale, self.links = fault, loc, scale, links

    def loglik(self, y, loc, scale):
        value = -0.5 * ((y - loc) / scale) ** 2 - np.log(scale) - np.log(2 * np.pi) / 2
        if self.fault == "in place":
            y -= loc
        wrong = {"list": list, "series": pd.Series, "sum": np.sum, "sign": np.negative, "no log": np.exp}
        wrong |= {"complex": lambda v: v + 0j, "truth": lambda v: v > 0, "column": lambda v: v[:, None], "none": lambda v: None}
        if self.fault in ("list", "series", "column"):
            value = np.broadcast_to(value, np.shape(y)).copy()
        return wrong.get(self.fault, lambda v: v)(value)


class NoParts:
    def bind(self, term_data, argument):
        return None


class NoCurve:
    def bind(self, original_X, names, n_features, argument):
        return None


class MakesParts:
    def bind(self, term_data, argument):
        return [BoundTerm("ridge", ridge="all")]


class Starts(Users):
    def start(self, y, sample_weight):
        found = {"right": {"loc": 0.0, "scale": 1.0}, "lacks": {"loc": 0.0}, "outside": {"loc": 0.0, "scale": -1.0}}
        return found.get(self.fault, [0.0, 1.0])


class OtherName(Likelihood):
    parameters = {"loc": REAL, "scale": POSITIVE}

    def __init__(self, *, loc=None, scale=None, links=None):
        self.loc, self.scale, self.links = loc, scale, links

    def logpdf(self, y, loc, scale):
        return stats.norm.logpdf(y, loc, scale)


class Renamed(Likelihood):
    parameters = {"loc": REAL, "scale": POSITIVE}

    def loglik(self, y, mu, sigma):
        return -(((y - mu) / sigma) ** 2) / 2 - np.log(sigma) - np.log(2 * np.pi) / 2


class Undeclared(Users):
    parameters = {"loc": "real", "scale": POSITIVE}


class Hiding(Likelihood):
    parameters = {"loc": REAL, "variance": POSITIVE}

    def loglik(self, y, loc, variance):
        return -((y - loc) ** 2) / (2 * variance) - np.log(2 * np.pi * variance) / 2


FITTED = R().fit(FRAME, REALS)
INFERENCE = FITTED.inference(FRAME, REALS)
POISSON = R("poisson").fit(X, COUNTS)
CLASSES = C().fit(X, LABELS)
LAPLACE = R("laplace").fit(X, REALS)
DIST = FITTED.predict_dist(FRAME)
SEVERAL = R(MultivariateNormal()).fit(X, np.c_[REALS, SIZES])

# ---- what y, X and weights are -------------------------------------------------------------------------------------------

kind = lambda law: type(law).__name__
EXTREME = [
    (law, unit)
    for law in (Exponential(), Gamma(), Weibull(), InverseGaussian(), Normal(), Laplace(), Cauchy())
    for unit in (1e-200, 1e-300)
]
EXTREME += [(law, 1e200) for law in (Exponential(), Gamma(), Weibull(), InverseGaussian())] + [(InverseGaussian(), 1e140)]
DATA = {
    "zeros under a positive law": Said(fit(R(Gamma()), CLOSED), r"support of Gamma, .*laws for this y: Hurdle\(Gamma\(\)\), Exponential", first_law(CLOSED)),
    "zeros under a fixed law": Said(fit(R(Gamma(shape=2.0)), CLOSED), r"laws for this y: Hurdle\(Gamma\(shape=2.0\)\), ", first_law(CLOSED)),
    "zeros under a law of scipy": Said(fit(R(stats.gamma), CLOSED), r"the support of gamma of scipy.stats, .*Hurdle\(from_scipy\(scipy.stats.gamma\)\)", first_law(CLOSED)),
    "zeros among shares": Said(fit(R(Beta()), UNIT), r"ZeroOneInflated\(Beta\(\), one=0\)", first_law(UNIT)),
    "ones among shares": Said(fit(R(Beta()), 1 - UNIT), r"ZeroOneInflated\(Beta\(\), zero=0\)", first_law(1 - UNIT)),
    "both among shares": Said(fit(R(Beta()), np.where(np.arange(N) % 7 == 0, 1.0, UNIT)), r"laws for this y: ZeroOneInflated\(Beta\(\)\)", first_law(np.where(np.arange(N) % 7 == 0, 1.0, UNIT))),
    "events at time zero": Said(fit(R(Censored(Weibull())), censored(CLOSED, event=CLOSED < 2)), r"laws for this y: Censored\(Hurdle\(Weibull\(\)\)\)", take(censored(CLOSED, event=CLOSED < 2))),
    "every law named takes zeros": Said(fit(R(LogNormal()), CLOSED), "laws for this y", take(CLOSED)),
    "every law named takes negative values": Said(fit(R(Gamma()), REALS), "laws for this y", take(REALS)),
    "every law named takes large values": Said(fit(R(Beta()), SIZES), "laws for this y", take(SIZES)),
    "every law named takes fractions": Said(fit(R(stats.poisson), SIZES), "laws for this y", take(SIZES)),
    "every law named takes samples": Said(lambda: D(Gamma()).fit(CLOSED[:, None]), "X must lie in .*laws for this X", take(CLOSED)),
    "negative times": Said(fit(R(Censored(Weibull())), censored(-SIZES, event=SIZES < 2)), "laws for this y: Censored", take(censored(-SIZES, event=SIZES < 2))),
    "more successes than trials": Said(fit(R(Binomial(trials=2)), COUNTS + 2), r"support of Binomial.*give more trials, or .* Poisson\(\)", lambda _: (R(Binomial(trials=50)).fit(X, COUNTS + 2), R(Poisson()).fit(X, COUNTS + 2))),
    "outside a truncated sample": Said(fit(R(Truncated(Normal(), high=0.0)), REALS), "sample from low=-inf to high=0.0 holds no others: drop these rows, or move the bounds", lambda _: (R(Truncated(Normal(scale=1.0), high=0.0), predictors="intercept").fit(X[REALS <= 0], REALS[REALS <= 0]), R(Truncated(Normal(), high=50.0)).fit(X, REALS))),
    "entry after exit": Said(fit(R(Truncated(Weibull(), low="entry")), SIZES, FRAME.assign(entry=np.where(np.arange(N) == 4, 99.0, 0.0))), "y must lie above low, which column 'entry' holds, but does not in row 4, .*drop them", lambda _: R(Truncated(Weibull(), low="entry")).fit(FRAME.assign(entry=0.0).drop(index=4), np.delete(SIZES, 4))),
    "entry at a censored exit": Said(fit(R(Censored(Truncated(Weibull(), low="entry"))), TIMES, FRAME.assign(entry=TIMES[:, 0])), "above low, .* 60 rows .*drop them", lambda _: R(Censored(Truncated(Weibull(), low="entry"))).fit(FRAME.assign(entry=0.0), TIMES)),
    "above the bound of a row": Said(fit(R(Truncated(Normal(), high="most")), REALS, FRAME.assign(most=np.where(np.arange(N) == 7, -99.0, 50.0))), "at or below high, which column 'most' holds, .* row 7", lambda _: R(Truncated(Normal(), high="most")).fit(FRAME.assign(most=50.0).drop(index=7), np.delete(REALS, 7))),
    "NaN in X": Said(fit(R(), REALS, FRAME.mask(FRAME["a"] > 1)), "drop these rows or impute", lambda _: R().fit(FRAME[FRAME["a"] <= 1], REALS[FRAME["a"] <= 1])),
    "dates among the columns": Said(lambda: R().fit(pd.DataFrame({"t": pd.Series(pd.date_range("2020", periods=N)).astype(object)}), REALS), r"X\['t'\] must be numeric, but holds dates: pass the time since one of them", lambda _: R().fit(np.arange(float(N))[:, None], REALS)),
    "NaN in y": Said(fit(R(), np.where(REALS > 1, np.nan, REALS)), "drop these rows", lambda _: R().fit(X[REALS <= 1], REALS[REALS <= 1])),
    "degrees": Said(fit(R(VonMises()), 100 * SIZES), "wrap angles by numpy.angle\\(numpy.exp\\(1j \\* y\\)\\), after numpy.deg2rad", lambda _: R(VonMises()).fit(X, np.angle(np.exp(1j * np.deg2rad(100 * SIZES))))),
    "shares that do not sum to one": Said(fit(R(Dirichlet()), np.c_[SIZES, MU, SHARES]), "divide y by its row sums", lambda _: R(Dirichlet()).fit(X, np.c_[SIZES, MU, SHARES] / np.c_[SIZES, MU, SHARES].sum(axis=1, keepdims=True))),
    "zeros in shares": Said(fit(R(Dirichlet()), np.c_[UNIT, 1 - UNIT]), r"replace zeros, as by \(y \* \(n - 1\) \+ 1 / n_targets\) / n", lambda _: R(Dirichlet()).fit(X, (np.c_[UNIT, 1 - UNIT] * (N - 1) + 1 / 2) / N)),
    "no trials": Said(fit(R(Binomial()), COUNTS), r"Binomial\(trials=10\), or Binomial\(trials='n'\) for a column 'n' of X", lambda _: (R(Binomial(trials=10)).fit(X, np.minimum(COUNTS, 10)), R(Binomial(trials="n")).fit(FRAME.assign(n=20), COUNTS))),
    "trials twice": Said(fit(R(BetaBinomial(trials=20)), np.c_[COUNTS, COUNTS + 5]), "give the successes alone, or leave trials at None", lambda _: (R(Binomial(trials=50)).fit(X, COUNTS), R(Binomial()).fit(X, np.c_[COUNTS, COUNTS + 5]))),
    "failures for trials": Said(fit(R(Binomial()), np.c_[COUNTS + 1, COUNTS]), r"trials, not failures, are the second column", lambda _: R(Binomial()).fit(X, np.c_[COUNTS + 1, COUNTS + COUNTS + 1])),
    "interval upside down": Said(fit(R(Censored(Normal())), np.c_[REALS + 1, REALS]), "lower end must not exceed the upper", lambda _: R(Censored(Normal())).fit(X, np.c_[REALS, REALS + 1])),
    "three columns": Said(fit(R(Censored(Normal())), np.c_[X, REALS]), "see sk_mle.censored", lambda _: R(Censored(Normal())).fit(X, censored(REALS, event=REALS < 1))),
    "nothing known": Said(fit(R(Censored(Normal())), np.tile([-np.inf, np.inf], (N, 1))), "nothing is known", lambda _: R(Censored(Normal())).fit(X, censored(REALS))),
    "kind of censoring": Said(lambda: censored(REALS, event=REALS > 0, kind="up"), "kind must be 'right', 'left' or 'interval'", lambda _: [censored(REALS, event=REALS > 0, kind=kind, upper=REALS + 1) for kind in ("right", "left", "interval")]),
    "an interval without its end": Said(lambda: censored(REALS, event=REALS > 0, kind="interval"), "needs upper, the other end", lambda _: censored(REALS, event=REALS > 0, kind="interval", upper=REALS + 1)),
    "an event of 2": Said(lambda: censored(REALS, event=np.arange(N)), "event must be true .* or false", lambda _: censored(REALS, event=np.arange(N) > 3)),
    "one target for several": Said(fit(R(MultivariateNormal()), REALS), r"give y of shape \(n, n_targets\)", lambda _: R(MultivariateNormal()).fit(X, np.c_[REALS, SIZES])),
    "labels for a regressor": Said(fit(R(), LABELS), "for class labels use MLEClassifier", lambda _: C().fit(X, LABELS)),
    "a law of classes": Said(fit(R("bernoulli"), COUNTS > 1), "use it in MLEClassifier", lambda _: C("bernoulli").fit(X, COUNTS > 1)),
    "a law of numbers": Said(fit(C("poisson"), LABELS), "use it in MLERegressor", lambda _: R("poisson").fit(X, COUNTS)),
    "three classes": Said(fit(C("bernoulli"), THREE), r"use Categorical\(\)", lambda _: C(Categorical()).fit(X, THREE)),
    "n_classes": Said(fit(C(Categorical(n_classes=2)), THREE), "leave n_classes at None", lambda _: C(Categorical()).fit(X, THREE)),
    "labels without order": Said(fit(C("ordinal"), THREE), r"Ordinal\(categories=\['a', 'b', 'c'\]\) in the right order, or pass an ordered categorical", lambda message: (C(code(re.search(r"Ordinal\(.*?\]\)", message)[0])).fit(X, THREE), C("ordinal").fit(X, pd.Categorical(THREE, categories=["b", "a", "c"], ordered=True)))),
    "a label that has no place": Said(fit(C(Ordinal(categories=["a", "b"])), THREE), r"labels \['c'\] .*: add them in their place", lambda _: C(Ordinal(categories=["a", "b", "c"])).fit(X, THREE)),
    "one class": Said(fit(C(), np.full(N, "yes")), "needs at least two classes", lambda _: C().fit(X, LABELS)),
    "samples in many columns": Said(lambda: D(Normal()).fit(X), "fit a law to each column, or a law of several variables, such as 'multivariate_normal'", lambda _: (D(Normal()).fit(X[:, :1]), D("multivariate_normal").fit(X))),
    "a known column without columns": Said(lambda: D(Normal(scale="sd")).fit(X[:, :1]), "fix them at numbers, or use MLERegressor", lambda _: (D(Normal(scale=1.0)).fit(X[:, :1]), R(Normal(scale="sd")).fit(FRAME.assign(sd=1.0), REALS))),
    "an exposure without a log link": Said(fit(R(Hurdle(Poisson()), exposure={"zero": "e"}), COUNTS, FRAME.assign(e=2.0)), r"zero of Hurdle has the link Logit\(\).*Choose links={'zero': 'log'}, or, if the sum is meant, offset={'zero': ...}", lambda _: (R(Hurdle(Poisson()), offset={"zero": "e"}).fit(FRAME.assign(e=2.0), COUNTS), R("poisson", exposure="e").fit(FRAME.assign(e=2.0), COUNTS), C(Bernoulli(links={"prob": "cloglog"}), exposure="e").fit(FRAME.assign(e=2.0), LABELS))),
    "no event": Said(fit(R(Censored(Weibull())), censored(SIZES, event=np.zeros(N, bool))), "no row of y is an event.*Is event= the wrong way round", lambda _: R(Censored(Weibull())).fit(X, censored(SIZES, event=np.ones(N, bool)))),
    "text in X": Said(fit(R(), REALS, FRAME.assign(city=THREE)), r"X: column 'city' holds text .*OneHotEncoder\(drop='first', sparse_output=False\) in sklearn.compose.make_column_transformer, or leave it out", lambda _: (make_pipeline(make_column_transformer((OneHotEncoder(drop="first", sparse_output=False), ["city"]), remainder="passthrough"), R()).fit(FRAME.assign(city=THREE), REALS), R().fit(FRAME, REALS))),
    "columns of one name": Said(fit(R(), REALS, FRAME.set_axis(["a", "a"], axis=1)), "X has several columns called 'a': give each a name of its own", lambda _: R().fit(FRAME.set_axis(["a", "a2"], axis=1), REALS)),
    "masked values of y": Said(fit(R(), HALF_MASKED), r"y has masked values in \d+ rows .*leave these rows out of all arrays \(numpy.ma.getmaskarray\(y\).*or fill in numbers, y.filled\(...\)", lambda _: (R().fit(X[~np.ma.getmaskarray(HALF_MASKED)], HALF_MASKED[~np.ma.getmaskarray(HALF_MASKED)]), R().fit(X, HALF_MASKED.filled(0.0)))),
    "masked values of X": Said(fit(R(), REALS, np.ma.masked_greater(X, 1)), r"X has masked values .*X.filled", lambda _: (R().fit(X[(X <= 1).all(axis=1)], REALS[(X <= 1).all(axis=1)]), R().fit(np.ma.masked_greater(X, 1).filled(0.0), REALS))),
    "masked weights": Said(fit(R(), REALS, sample_weight=np.ma.masked_less(SIZES, 0.5)), "sample_weight has masked values", lambda _: R().fit(X, REALS, sample_weight=np.ma.masked_less(SIZES, 0.5).filled(0.0))),
    "masked labels": Said(fit(C(), np.ma.array(LABELS, mask=REALS > 1)), "y has masked values", lambda _: C().fit(X[REALS <= 1], LABELS[REALS <= 1])),
    "masked values in a score": Said(lambda: metrics.crps(HALF_MASKED, DIST), "y has masked values", lambda _: metrics.crps(HALF_MASKED.filled(0.0), DIST)),
    "dates in a score": Said(lambda: metrics.crps(np.arange(N).astype("M8[D]"), DIST), "y must be numeric, but holds dates", lambda _: metrics.crps(np.arange(N), DIST)),
    "periods in y": Said(fit(R(), PERIODS), r"y must be numeric, but holds periods: .*, t = (.*); \(t", lambda message: R().fit(X, days(message, y=PERIODS))),
    "periods in X": Said(fit(R(), REALS, FRAME.assign(a=PERIODS)), r"X\['a'\] must be numeric, but holds periods", lambda message: R().fit(FRAME.assign(a=days(message, X=FRAME.assign(a=PERIODS))), REALS)),
    "intervals in y": Said(fit(R(), pd.Series(pd.cut(REALS, 5))), r"y must be numeric, but holds intervals: .*np.column_stack\(\[i.left, i.right\]\), which Censored\(...\) around a law takes", lambda _: R(Censored(Normal())).fit(X, (lambda i: np.column_stack([i.left, i.right]))(pd.IntervalIndex(pd.cut(REALS, 5))))),
    "a hurdle of booleans": Said(fit(R(Hurdle(Poisson())), COUNTS > 1), r"y takes the values 0 and 1 alone, and is the label of two classes: MLEClassifier\(\) models", lambda _: C().fit(X, COUNTS > 1)),
    "a hurdle of one size": Said(fit(R(Hurdle(Binomial(trials=5))), 5.0 * (COUNTS > 1)), r"y takes the values 0 and 5 alone.*MLEClassifier\(\)", lambda _: C().fit(X, 5.0 * (COUNTS > 1))),
    "nothing is left to estimate": Said(fit(R(Truncated(Poisson(), low=0)), np.ones(N)), "every y is certain, so that nothing is left to estimate: fit to rows with other values of y too", lambda _: R(Truncated(Poisson(), low=0)).fit(X[COUNTS > 0], COUNTS[COUNTS > 0])),
    "certain in all rows, of several sizes": Said(fit(R(Hurdle(Binomial(trials="n"))), np.where(np.arange(N) % 4 == 0, 0.0, 3.0 + np.arange(N) % 3), FRAME.assign(n=3.0 + np.arange(N) % 3)), r"Hold it where it is, Fixed\(Hurdle", lambda message: R(code(re.search(r"Fixed\(.*}\)", message)[0])).fit(FRAME.assign(n=3.0 + np.arange(N) % 3), np.where(np.arange(N) % 4 == 0, 0.0, 3.0 + np.arange(N) % 3))),
    "a class of weight zero": Said(fit(C("categorical"), THREE, sample_weight=(THREE != "b") * 1.0), "A class may have rows of weight zero alone: leave them out", lambda _: C("categorical").fit(X[THREE != "b"], THREE[THREE != "b"])),
    "a dict for a frame": Said(fit(R(), REALS, {"a": REALS}), r"X is a dict: pass pandas.DataFrame\(X\)", lambda _: R().fit(pd.DataFrame({"a": SIZES}), REALS)),
    "rows of several lengths": Said(fit(R(), [1.0, 2.0], [[1, 2], [1]]), "the rows of X differ in length: pass as many numbers in each", lambda _: R(Normal(scale=1.0)).fit([[1, 2], [1, 3], [2, 2]], [1.0, 2.0, 4.0])),
    "lists in a column": Said(fit(R(), REALS, FRAME.assign(a=[[1, k] for k in range(N)])), "X: column 'a' holds sequences: make a column of each of their entries", lambda _: R().fit(FRAME.assign(a=np.ones(N), c=np.arange(N)), REALS)),
    "numbers that are too long": Said(fit(R(), np.array([10**400] * N, dtype=object)), "y holds whole numbers beyond the largest float", lambda _: R().fit(X, REALS)),
    "columns that are too long": Said(fit(R(), REALS, np.array([[10**400, 1]] * N, dtype=object)), "X holds whole numbers beyond the largest float", lambda _: R().fit(X, REALS)),
    "a structured array": Said(fit(R(), FIELDS), r"structured array with the fields \['event', 'time'\]: pass one of them; an event and a time are the y of Censored", lambda _: (R().fit(X, FIELDS["time"]), R(Censored(Normal())).fit(X, FIELDS))),
    "infinite labels": Said(fit(C(), np.where(REALS > 1, np.inf, np.round(REALS))), r"y contains infinity in \d+ rows .*; drop these rows", lambda _: C().fit(X[REALS <= 1], np.round(REALS[REALS <= 1]) > 0)),
    "y of an extreme unit": Said(fit(R(), REALS * 1e300), r"whose powers no float holds. Use another unit, y / 1e\+300", lambda message: R().fit(X, REALS * 1e300 / float(re.search(r"y / (\S+)$", message)[1]))),
    **{f"y of an extreme unit under {kind(law)}, {unit:g}": Said(fit(R(law), SIZES * unit), r"did not converge: y reaches .*, whose powers no float holds. Use another unit, y / 1e[-+]\d+.$", lambda message, law=law, unit=unit: R(law).fit(X, SIZES * unit / float(re.search(r"y / (\S+)\.$", message)[1]))) for law, unit in EXTREME},
    **{f"a named column of an extreme unit, {unit:g}": Said(fit(R(), REALS, FRAME.assign(a=FRAME["a"] * unit)), r"columns \['a'\] of X hold values up to .*Use another unit, such as values / ", lambda message, unit=unit: np.testing.assert_allclose(R().fit(FRAME.assign(a=FRAME["a"] * unit / float(re.search(r"/ (\S+)$", message)[1])), REALS).loglikelihood_, FITTED.loglikelihood_, rtol=1e-6)) for unit in (1e-155, 1e-160, 1e-300, 1e155, 1e200)},
    "columns of an extreme unit": Said(fit(R(), REALS, X * np.array([1, 1e-200])), r"columns \['1'\] of X, counted from 0, hold values up to .*Use another unit, such as values / 1e-200", lambda message: R().fit(X * np.array([1, 1e-200 / float(re.search(r"/ (\S+)$", message)[1])]), REALS)),
    "columns that overflow": Said(fit(R(), REALS, X * 1e300), r"columns \['0', '1'\] of X, counted from 0.*such as values / 1e\+300", lambda message: R().fit(X * 1e300 / float(re.search(r"/ (\S+)$", message)[1]), REALS)),
    "a term that makes no parts": Said(fit(R(penalties={"loc": [NoParts()]}, alpha=1.0), REALS), "its bind must return a list of BoundTerm", lambda _: R(penalties={"loc": [MakesParts()]}, alpha=1.0).fit(X, REALS)),
    "two labels without order": Said(fit(C("ordinal"), np.array(["low", "high"])[(REALS > 0).astype(int)]), r"high < low.*Ordinal\(categories=\['high', 'low'\]\) in the right order", lambda _: C(Ordinal(categories=["low", "high"])).fit(X, np.array(["low", "high"])[(REALS > 0).astype(int)])),
    "an exposure of zero": Said(fit(R("poisson", exposure="e"), COUNTS, FRAME.assign(e=np.where(np.arange(N) == 3, 0.0, 1.0))), "drop these rows", lambda _: R("poisson", exposure="e").fit(FRAME.assign(e=1.0).drop(index=3), np.delete(COUNTS, 3))),
    "nothing left for the law inside": Said(fit(R(Hurdle(Poisson())), np.zeros(N)), r"stratify the folds by whether y is zero.*Hurdle\(Fixed\(Poisson\(\), {'mean': ...}\)\)", lambda message: ([R(Hurdle(Poisson()), predictors="intercept").fit(X[train], COUNTS[train]) for train, _ in StratifiedKFold(3).split(X, COUNTS == 0)], R(code(re.search(r"Hurdle\(Fixed.*\)$", message)[0].replace("...", "2.0"))).fit(X, np.where(COUNTS > 0, 1.0, 0.0)))),
}  # fmt: skip

# ---- arguments -----------------------------------------------------------------------------------------------------------

NAMED = FRAME.assign(y=REALS)
NUMBERED = pd.DataFrame(X, columns=[1, 0])
ARGUMENTS = {
    "the name of y": Said(lambda: R().fit(NAMED, "y"), r"y is the text 'y': pass the values themselves, of a column of a data frame X\['y'\], and leave that column out of X, X.drop\(columns=\['y'\]\)", lambda _: R().fit(NAMED.drop(columns=["y"]), NAMED["y"])),
    "the name of labels": Said(lambda: C().fit(NAMED.assign(y=LABELS), "y"), "y is the text 'y': pass the values themselves", lambda _: C().fit(NAMED.drop(columns=["y"]), LABELS)),
    "the name of y in a score": Said(lambda: FITTED.score(FRAME, "y"), "y is the text 'y': pass the values themselves", lambda _: FITTED.score(FRAME, NAMED["y"])),
    "the name of weights": Said(lambda: R().fit(FRAME, REALS, sample_weight="a"), r"sample_weight is the text 'a': pass the values themselves, of a column of a data frame X\['a'\]$", lambda _: R().fit(FRAME, REALS, sample_weight=FRAME["a"].abs())),
    "columns by number in another order": Said(lambda: R().fit(NUMBERED, REALS).predict(NUMBERED[[0, 1]]), r"X has the columns \[0, 1\], and the X of the fit had \[1, 0\]: pass X\[\[1, 0\]\], or call columns by text before the fit, X.columns = X.columns.astype\(str\)", lambda _: (np.testing.assert_allclose(R().fit(NUMBERED, REALS).predict(NUMBERED[[0, 1]][[1, 0]]), R().fit(X, REALS).predict(X), rtol=1e-9), R().fit(NUMBERED.set_axis(NUMBERED.columns.astype(str), axis=1), REALS).predict(NUMBERED.set_axis(NUMBERED.columns.astype(str), axis=1)))),
    "columns by a number that is none": Said(lambda: R().fit(NUMBERED.set_axis([1.0, np.nan], axis=1), REALS).predict(NUMBERED), r"X has the columns \[1, 0\], and the X of the fit had \[1.0, nan\]", lambda _: R().fit(NUMBERED.set_axis([1.0, np.nan], axis=1), REALS).predict(NUMBERED.set_axis([1.0, np.nan], axis=1))),
    "columns by other numbers": Said(lambda: R().fit(NUMBERED, REALS).score(NUMBERED.set_axis([5, 6], axis=1), REALS), r"X has the columns \[5, 6\]", lambda _: R().fit(NUMBERED, REALS).score(NUMBERED.set_axis([5, 6], axis=1).to_numpy(), REALS)),
    "columns by number in an inference": Said(lambda: R().fit(NUMBERED, REALS).inference(NUMBERED[[0, 1]], REALS), r"X has the columns \[0, 1\]", lambda _: R().fit(NUMBERED, REALS).inference(NUMBERED, REALS)),
    "a shape that is no number": Said(lambda: R(GeneralizedExtremeValue(shape=np.nan)).fit(X, REALS), r"shape must lie in \(-inf, inf\)", lambda _: GeneralizedExtremeValue(shape=-1.5).check()),
    "a given value outside": Said(lambda: R(StudentT(df=-1.0)).fit(X, REALS), r"df must lie in \(0, inf\]", lambda _: R(StudentT(df=np.inf)).fit(X, REALS)),
    "bounds of another kind": Said(lambda: R(bounds=scipy.optimize.LinearConstraint([[1, 0]], 0, 1)).fit(X, REALS), r"give two ends, \(low, high\), with None where there is none", lambda _: R(bounds=(0, None)).fit(X, REALS)),
    "hypotheses in a dict": Said(lambda: INFERENCE.wald_test({"a": 1, "b": 0}), "write equations between coefficients and numbers, as text, 'a = 1, b = 0'", lambda message: INFERENCE.wald_test(eval(re.search(r"text, ('.*')$", message)[1]))),
    **{f"multiples of a penalty {alphas}": Said(lambda alphas=alphas: R(alpha=0.1, l1_ratio=1.0).path(X, REALS, alphas=alphas), r"alphas must be numbers >= 0 by which alpha is multiplied, or how many of them to try", lambda _: [R(alpha=0.1, l1_ratio=1.0).path(X, REALS, alphas=alphas) for alphas in ([0.0, 0.1], 3)]) for alphas in ([-1.0], [0.1, -0.1], [np.nan], [np.inf], [], 0, -1, None, 0.5, [[0.1]])},
    **{f"range of a path {eps}": Said(lambda eps=eps: R(alpha=0.1, l1_ratio=1.0).path(X, REALS, eps=eps), "eps must lie between 0 and 1", lambda _: R(alpha=0.1, l1_ratio=1.0).path(X, REALS, eps=0.1)) for eps in (-1.0, 0, 2, np.nan)},
    "an l1_ratio without alpha": Said(lambda: R(l1_ratio=0.5).fit(X, REALS), "l1_ratio=0.5 has no effect: it is a share of the penalty, whose size alpha is 0.0. Make alpha positive for a parameter that has columns and an l1_ratio, or leave l1_ratio at 0", lambda _: (R(l1_ratio=0.5, alpha=0.1).fit(X, REALS), R(l1_ratio=0).fit(X, REALS))),
    "an l1_ratio of another parameter": Said(lambda: R(l1_ratio={"scale": 0.5}, alpha={"loc": 0.1}, predictors={"scale": "all"}).fit(X, REALS), "has no effect.*Make alpha positive for a parameter that has columns", lambda _: R(l1_ratio={"scale": 0.5}, alpha={"scale": 0.1}, predictors={"scale": "all"}).fit(X, REALS)),
    **{f"a level in other forms, {level}": Said(lambda level=level: INFERENCE.conf_int(level), "level must lie between 0 and 1", lambda _: INFERENCE.conf_int(0.9)) for level in ("95%", None, [0.9], 95)},
    "a coverage of one": Said(lambda: FITTED.predict(FRAME, "interval", coverage=1), "coverage must lie between 0 and 1", lambda _: FITTED.predict(FRAME, "interval", coverage=0.9)),
    "quantiles above one": Said(lambda: FITTED.predict(FRAME, "quantiles", quantiles=[50]), "quantiles must lie between 0 and 1", lambda _: FITTED.predict(FRAME, "quantiles", quantiles=[0.0, 0.5, 1.0])),
    "quantiles of a score": Said(lambda: metrics.pinball_score(REALS, DIST, quantiles=[0.0]), "quantiles must lie between 0 and 1", lambda _: metrics.pinball_score(REALS, DIST, quantiles=[0.5])),
    "a coverage of a score": Said(lambda: metrics.interval_score(REALS, DIST, coverage=90), "coverage must lie between 0 and 1", lambda _: metrics.interval_score(REALS, DIST, coverage=0.9)),
    "a quantile of a functional": Said(lambda: INFERENCE.predict(FRAME, "quantile", q=50), "q must lie between 0 and 1", lambda _: INFERENCE.predict(FRAME, "quantile", q=0.5)),
    "levels of coverage": Said(lambda: CoverageDisplay.from_estimator(FITTED, FRAME, REALS, levels=[95]), "levels must lie between 0 and 1", lambda _: CoverageDisplay.from_estimator(FITTED, FRAME, REALS, levels=[0.95])),
    "a band of level one": Said(lambda: PITDisplay.from_estimator(FITTED, FRAME, REALS, level=1), "level must lie between 0 and 1", lambda _: PITDisplay.from_estimator(FITTED, FRAME, REALS, level=0.95)),
    "coverages of a fan": Said(lambda: FanChartDisplay.from_estimator(FITTED, FRAME, REALS, feature="a", coverages=[95]), "coverages must lie between 0 and 1", lambda _: FanChartDisplay.from_estimator(FITTED, FRAME, REALS, feature="a", coverages=[0.95])),
    "links in a word": Said(lambda: R(Normal(links="log")).fit(X, REALS), r"links must be a dict of links by parameter, such as {'loc': 'log'}", lambda _: R(Gamma(links={"mean": "log"})).fit(X, SIZES)),
    "a complex scale": Said(lambda: R(Normal(scale=1j)).fit(X, REALS), "give a number to fix scale", lambda _: R(Normal(scale=1.0)).fit(X, REALS)),
    "an intercept in a word": Said(lambda: R(fit_intercept="no").fit(X, REALS), "fit_intercept must be True or False", lambda _: [R(fit_intercept=value).fit(X, REALS) for value in (True, False)]),
    "an infinite tolerance": Said(lambda: R(tol=np.inf).fit(X, REALS), "tol must be a positive number", lambda _: R(tol=1e-6).fit(X, REALS)),
    "no thread": Said(lambda: R(n_jobs=0).fit(X, REALS), "n_jobs must be None or an integer other than 0", lambda _: [R(n_jobs=n).fit(X, REALS) for n in (None, 1, -1)]),
    "a number of draws": Said(lambda: DIST.rvs("two"), "size must be None, a whole number of draws, or a tuple", lambda _: [DIST.rvs(size) for size in (None, 2, (2, 3))]),
    "a probability above one": Said(lambda: DIST.interval(90), "confidence must lie between 0 and 1", lambda _: DIST.interval(0.9)),
    "draws of coefficients": Said(lambda: INFERENCE.draws(0), "n_draws must be a positive integer", lambda _: INFERENCE.draws(2)),
    "right sides of another number": Said(lambda: INFERENCE.wald_test([[0, 1, 0, 0]], value=[1, 2]), r"value must be a finite number, or one per hypothesis, of shape \(1,\)", lambda _: [INFERENCE.wald_test([[0, 1, 0, 0]], value=value) for value in (1, [1])]),
    "an infinite right side": Said(lambda: INFERENCE.wald_test([[0, 1, 0, 0]], value=np.inf), "value must be a finite number", lambda _: INFERENCE.wald_test([[0, 1, 0, 0]], value=1.0)),
    "effects at words": Said(lambda: INFERENCE.partial_effects(FRAME, "a", values=["low"]), "values must be numeric, but holds text", lambda _: INFERENCE.partial_effects(FRAME, "a", values=[0.0])),
    "kinds of another number": Said(lambda: censored(REALS, event=REALS > 0, kind=["left"]), r"kind must be one word, or one per time, of shape \(60,\)", lambda _: [censored(REALS, event=REALS > 0, kind=kind) for kind in ("left", ["left"] * N)]),
    "a name misspelt": Said(lambda: R("negativ_binomial").fit(X, COUNTS), "did you mean 'negative_binomial'", lambda message: R(re.search(r"mean '(\w+)'", message)[1]).fit(X, COUNTS)),
    "a class for an instance": Said(lambda: R(Gamma).fit(X, SIZES), "write an instance: add parentheses", lambda _: R(Gamma()).fit(X, SIZES)),
    "a class inside": Said(lambda: R(Hurdle(Gamma)).fit(X, CLOSED), r"such as Hurdle\(Poisson\(\)\), got .* add parentheses", lambda _: R(Hurdle(Gamma())).fit(X, CLOSED)),
    "a solver for another law": Said(lambda: R("laplace", solver="newton").fit(X, REALS), "use 'auto'", lambda _: R("laplace", solver="auto").fit(X, REALS)),
    "vertex for a smooth law": Said(lambda: R(solver="vertex").fit(X, REALS), "use 'auto'", lambda _: R(solver="auto").fit(X, REALS)),
    "a solver misspelt": Said(lambda: R(solver="newtn").fit(X, REALS), r"use 'auto', a callable, or one of \[", lambda message: [R(solver=name).fit(X, REALS) for name in ("auto", "newton", "lbfgs") if name in message]),
    "all is fixed": Said(lambda: R(Normal(loc=0.0, scale=1.0)).fit(X, REALS), "leave at least one as None", lambda _: R(Normal(loc=0.0, scale=None)).fit(X, REALS)),
    "a fixed list": Said(lambda: R(Normal(scale=[1.0])).fit(X, REALS), "a number to fix scale, the name of a column of X that holds it, or None", lambda _: [R(Normal(scale=value)).fit(FRAME.assign(sd=1.0), REALS) for value in (1.0, "sd", None)]),
    "names without a frame": Said(lambda: R(predictors={"scale": ["a"]}).fit(X, REALS), "pass a DataFrame or an index", lambda _: (R(predictors={"scale": ["a"]}).fit(FRAME, REALS), R(predictors={"scale": [0]}).fit(X, REALS))),
    "a scale without columns": Said(lambda: C(Ordinal(scale=None)).fit(X, np.arange(N) % 3), r"predictors={'scale': \[...\]}, or fix it", lambda _: (C(Ordinal(scale=None), predictors={"scale": [1]}).fit(X, np.digitize(REALS, [-0.5, 0.5])), C(Ordinal(scale=1.0)).fit(X, np.arange(N) % 3))),
    "penalty of what is fixed": Said(lambda: R(Normal(scale=1.0), alpha={"scale": 1.0}).fit(X, REALS), r"estimated parameters are \['loc'\]", lambda _: R(Normal(scale=1.0), alpha={"loc": 1.0}).fit(X, REALS)),
    "no such link": Said(lambda: R(Normal(links={"scale": "lg"})).fit(X, REALS), "the names are .*softplus", lambda _: [R(Normal(links={"scale": name})).fit(X, REALS) for name in ("log", "softplus")]),
    "exponent zero": Said(lambda: R(Normal(links={"scale": Power(0)})).fit(X, REALS), "the Log link", lambda _: R(Normal(links={"scale": "log"})).fit(X, REALS)),
    "zero-inflated without zeros": Said(lambda: R(ZeroInflated(Gamma())).fit(X, CLOSED), "use Hurdle", lambda _: R(Hurdle(Gamma())).fit(X, CLOSED)),
    "hurdle of a real law": Said(lambda: R(Hurdle(Normal())).fit(X, CLOSED), "law of counts or of positive values", lambda _: (R(Hurdle(Poisson())).fit(X, COUNTS), R(Hurdle(Gamma())).fit(X, CLOSED))),
    "inflated law of sizes": Said(lambda: R(ZeroOneInflated(Gamma())).fit(X, UNIT), r"such as Beta\(\)", lambda _: R(ZeroOneInflated(Beta(), one=0)).fit(X, UNIT)),
    "censoring inside": Said(lambda: R(Truncated(Censored(Normal()), low=-9)).fit(X, REALS), r"is the outermost: Censored\(Truncated\(...\)\), not", lambda _: R(Censored(Truncated(Normal(), low=-9))).fit(X, censored(REALS))),
    "trials inside": Said(lambda: R(ZeroInflated(Binomial())).fit(X, COUNTS), r"as in Binomial\(trials=10\)", lambda _: R(Censored(Binomial(trials=10))).fit(X, np.minimum(COUNTS, 10))),
    "bounds of None": Said(lambda: R(Truncated(Normal(), low=None)).fit(X, REALS), "numbers or names of columns", lambda _: (R(Truncated(Normal(), low=-9.0)).fit(X, REALS), R(Truncated(Normal(), low="l")).fit(FRAME.assign(l=-9.0), REALS))),
    "bounds upside down": Said(lambda: R(Truncated(Normal(), low=9, high=-9)).fit(X, REALS), "low must lie below high", lambda _: R(Truncated(Normal(), low=-9, high=9)).fit(X, REALS)),
    "rounded to nothing": Said(lambda: R(Rounded(Normal(), width=None)).fit(X, REALS), "a number or the name of a column", lambda _: (R(Rounded(Normal(), width=0.5)).fit(X, np.round(2 * REALS) / 2), R(Rounded(Normal(), width="w")).fit(FRAME.assign(w=0.5), np.round(2 * REALS) / 2))),
    "fixed by a list": Said(lambda: R(Fixed(Normal(), ["scale"])).fit(X, REALS), r"such as Fixed\(Normal\(\), {'scale': 2.0}\)", lambda message: R(code(re.search(r"such as (.*);", message)[1])).fit(X, REALS)),
    "fixed by a wrong name": Said(lambda: R(Fixed(Normal(), {"sd": 2.0})).fit(X, REALS), r"parameters of Normal are \['loc', 'scale'\]", lambda _: R(Fixed(Normal(), {"scale": 2.0})).fit(X, REALS)),
    "variance in place of power": Said(lambda: NegativeBinomial(variance="linear"), "takes no variance: power says .* power=1 linearly", lambda _: NegativeBinomial(power=1).check()),
    "links of a softmax": Said(lambda: C(Categorical(links={"logits": "log"})).fit(X, THREE), "takes no links", lambda _: C(Categorical()).fit(X, THREE)),
    "a mixture of kinds": Said(lambda: R(Mixture([("a", Poisson()), ("b", Normal())])).fit(X, COUNTS), "take laws of one kind", lambda _: Mixture([("a", Normal()), ("b", Normal())]).check()),
    "a mixture of kinks": Said(lambda: R(Mixture([("a", Laplace()), ("b", Normal())])).fit(X, REALS), "StudentT or Logistic", lambda _: [Mixture([("a", code(f"{law}()")), ("b", Normal())]).check() for law in ("StudentT", "Logistic")]),
    "a mixture without names": Said(lambda: R(Mixture([Normal(), Normal()])).fit(X, REALS), r"such as \[\(\"a\", Normal\(\)\)", lambda message: Mixture(code(re.search(r"such as (.*)$", message)[1])).check()),
    "a transformation of counts": Said(lambda: Transformed(Poisson(), "log").check(), "takes laws with a density", lambda _: Transformed(Normal(), "log").check()),
    "no such transformation": Said(lambda: Transformed(Normal(), "lg").check(), "use one of", lambda message: [Transformed(Normal(), name).check() for name in eval(re.search(r"one of (\[.*?\])", message)[1])]),
    "a distribution of scipy that is frozen at an array": Said(lambda: R(stats.norm(scale=np.ones(3))).fit(X, REALS), "freeze numbers, or give columns of X by their names", lambda _: (R(stats.norm(scale=1.0)).fit(X, REALS), R(from_scipy(stats.norm, scale="sd")).fit(FRAME.assign(sd=1.0), REALS))),
    "a parameter that scipy does not have": Said(lambda: from_scipy(stats.gamma, shape=2.0), r"no parameters \['shape'\]; they are \['a', 'loc', 'scale'\]", lambda _: R(from_scipy(stats.gamma, a=2.0)).fit(X, SIZES)),
    "a whole number that is estimated": Said(lambda: R(stats.binom).fit(X, COUNTS), r"give n as a number, or as the name of a column of X that holds it, from_scipy\(scipy.stats.binom, n='n'\)", lambda message: (R(from_scipy(stats.binom, n=50)).fit(X, COUNTS), R(code(re.search(r"from_scipy\(.*\)", message)[0])).fit(FRAME.assign(n=50), COUNTS))),
    "a law of scipy that is not fitted": Said(lambda: R(stats.erlang).fit(X, SIZES), "use gamma", lambda _: R(stats.gamma).fit(X, SIZES)),
    "held where maximum likelihood is irregular": Said(lambda: R(stats.uniform).fit(X, SHARES), "to estimate one all the same, set it to None", lambda _: from_scipy(stats.uniform, scale=None).check()),
}  # fmt: skip

# ---- what the author of a law wrote --------------------------------------------------------------------------------------


def found_by_the_check(kind):
    def heed(_):
        with pytest.raises(AssertionError, match=r"normalised: found exp.loglik. of Users is no density"):
            check_likelihood(Users(kind))
        RIGHT()

    return heed


RIGHT = lambda *_: np.testing.assert_allclose(R(Users()).fit(X, REALS).coef_, FITTED.coef_, rtol=1e-6)


class NoEffect(Users):
    parameters = {"loc": REAL, "scale": POSITIVE, "extra": POSITIVE}

    def __init__(self, *, loc=None, scale=None, extra=None, links=None):
        self.fault, self.loc, self.scale, self.extra, self.links = "right", loc, scale, extra, links

    def loglik(self, y, loc, scale, extra):
        return super().loglik(y, loc, scale)


class FewDigits(Users):
    def loglik(self, y, loc, scale):
        return super().loglik(y, loc, scale).astype(np.float32)


class Nowhere(Users):
    def loglik(self, y, loc, scale):
        return np.full(np.shape(y), np.nan if self.fault == "nan" else -np.inf)


AUTHORS = {
    "a parameter without effect": Said(fit(R(NoEffect()), REALS), r"likelihood of NoEffect does not depend on its parameter 'extra': no value of it changes that of any row. Fix it, Fixed\(NoEffect\(\), {'extra': ...}\), or correct the law", lambda _: R(Fixed(NoEffect(), {"extra": 1.0})).fit(X, REALS)),
    "a parameter without effect, checked": Said(lambda: check_likelihood(NoEffect()), "declaration: found a loglik that does not depend on extra, expected one that does, or no such parameter", lambda _: check_likelihood(Fixed(NoEffect(), {"extra": 1.0}), skip=["moments"])),
    "a loglik of few digits, checked": Said(lambda: check_likelihood(FewDigits()), "declaration: found loglik of the type float32, expected float64", RIGHT),
    "a loglik that is -inf": Said(fit(R(Nowhere()), REALS), r"Nowhere has no finite log-likelihood at any guess of \['loc', 'scale'\]: loglik is -inf at y = .*, loc = .*, scale = .*, as if no such y could occur; give it a support without such values, or give the law a start", RIGHT),
    "a loglik that is NaN": Said(fit(R(Nowhere("nan")), REALS), "loglik is NaN at y = .*; correct it there, or give the law a start", RIGHT),
    "a sum": Said(fit(R(Users("sum")), REALS), "loglik returned shape .*one value per sample, without a sum or mean", RIGHT),
    "a column": Said(fit(R(Users("column")), REALS), "loglik returned shape .*one value per sample", RIGHT),
    "nothing": Said(fit(R(Users("none")), REALS), "loglik returned shape", RIGHT),
    "complex numbers": Said(fit(R(Users("complex")), REALS), "loglik returned values of the type complex128: return an array of one log-density per value", RIGHT),
    "truth values": Said(fit(R(Users("truth")), REALS), "loglik returned values of the type bool", RIGHT),
    "the wrong sign": Said(fit(R(Users("sign")), REALS), r"exp\(loglik\) of Users is no density: .* instead of 1.*sign.*check_likelihood says more", found_by_the_check("sign")),
    "a density in place of its log": Said(fit(R(Users("no log")), REALS), r"exp\(loglik\) of Users is no density", RIGHT),
    "y in place": Said(fit(R(Users("in place")), REALS), "read-only", RIGHT),
    "a start that lacks a parameter": Said(fit(R(Starts("lacks")), REALS), r"Starts.start must give a value for each of \['loc', 'scale'\], and gave \['loc'\]", lambda _: R(Starts()).fit(X, REALS)),
    "a start outside the domain": Said(fit(R(Starts("outside")), REALS), r"Starts.start gives scale = -1 for this y, outside the domain of scale, \(0, inf\)", lambda _: R(Starts()).fit(X, REALS)),
    "a start that is a list": Said(fit(R(Starts("a list")), REALS), "must return a dict of values by parameter, and returned list", lambda _: R(Starts()).fit(X, REALS)),
    "a loglik without return": Said(fit(R(Users("none")), REALS), "Users.loglik returned shape .., as it is None: does it lack a return", RIGHT),
    "a density of another name": Said(fit(R(OtherName()), REALS), r"OtherName must define loglik\(y, loc, scale\), as its logpdf may be called", RIGHT),
    "a parameter like a member": Said(fit(R(Hiding()), REALS), r"Hiding: \['variance'\] are names of members of Likelihood; call these parameters otherwise", RIGHT),
    "arguments with other names": Said(fit(R(Renamed()), REALS), "Renamed.loglik takes y, mu, sigma, but the parameters are loc, scale: they are passed by name, so call both the same", RIGHT),
    "no domains": Said(fit(R(Undeclared()), REALS), "Undeclared.parameters must be a dict of names and domains, such as {'loc': REAL, 'scale': POSITIVE} with those of sk_mle.domains", RIGHT),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["list", "series"])
def test_values_of_a_loglik_in_other_containers(kind):
    np.testing.assert_allclose(R(Users(kind)).fit(X, REALS).coef_, FITTED.coef_, rtol=1e-6)


def test_a_users_y_is_not_changed_by_a_law():
    y = REALS.copy()
    with pytest.raises(ValueError, match="read-only"):
        R(Users("in place")).fit(X, y)
    np.testing.assert_array_equal(y, REALS)


# ---- inference, scores, diagnostics and comparisons ----------------------------------------------------------------------

ROBUST = FITTED.inference(FRAME, REALS, cov="HC1")
CLASH = R().fit(FRAME.set_axis(["a", "loc:a"], axis=1), REALS).inference(FRAME.set_axis(["a", "loc:a"], axis=1), REALS)
PENALISED = R(alpha=0.1).fit(X, REALS)
WEIGHTED = C(class_weight="balanced").fit(X, LABELS)


class Huge(Likelihood):
    """Its log-likelihood is finite in a row, and overflows as a sum."""

    parameters = {"loc": REAL}
    support = REAL

    def __init__(self, *, loc=None, links=None):
        self.loc, self.links = loc, links

    def loglik(self, y, loc):
        return -1e307 * (y - loc) ** 2

    def start(self, y, sample_weight):
        return {"loc": 0.0}


DUMMIES = OneHotEncoder(sparse_output=False).fit_transform(THREE[:, None])
DEPENDENT = R().fit(DUMMIES, REALS).inference(DUMMIES, REALS)
LATER = {
    "penalised": Said(lambda: PENALISED.inference(X, REALS), "Refit with alpha=0; .*drop or merge.*sklearn.utils.resample", lambda _: R(alpha=0).fit(X, REALS).inference(X, REALS)),
    "class_weight": Said(lambda: WEIGHTED.inference(X, LABELS), "weights='probability' with cov='HC1', or fit without class_weight", lambda _: (WEIGHTED.inference(X, LABELS, weights="probability", cov="HC1"), CLASSES.inference(X, LABELS))),
    "kinks": Said(lambda: LAPLACE.inference(X, REALS, cov="observed"), "leave cov at its default.*cov='expected', or conf_int\\(method='bootstrap'\\)", lambda _: (LAPLACE.inference(X, REALS), LAPLACE.inference(X, REALS, cov="expected").conf_int(method="bootstrap", X=X, y=REALS, n_resamples=5, random_state=0))),
    "a covariance that no kinks have": Said(lambda: LAPLACE.inference(X, REALS, cov="robust"), "use one of", lambda message: [LAPLACE.inference(X, REALS, cov=cov) for cov in eval(re.search(r"one of (\[.*?\])", message)[1])]),
    "a kernel without kinks": Said(lambda: FITTED.inference(FRAME, REALS, cov="kernel"), "is smooth; use cov='observed'", lambda _: FITTED.inference(FRAME, REALS, cov="observed")),
    "probability weights": Said(lambda: FITTED.inference(FRAME, REALS, weights="probability"), "cov='HC0' or cov='HC1'", lambda _: [FITTED.inference(FRAME, REALS, weights="probability", cov=cov) for cov in ("HC0", "HC1")]),
    "clusters of scores": Said(lambda: FITTED.inference(FRAME, REALS, cov="opg", groups=THREE), "'HC0' or 'HC1', with groups", lambda _: [FITTED.inference(FRAME, REALS, cov=cov, groups=THREE) for cov in ("HC0", "HC1")]),
    "analytic scores": Said(lambda: FITTED.inference(FRAME, REALS, cov="opg", weights="analytic"), "use 'observed', 'HC0' or 'HC1'", lambda _: [FITTED.inference(FRAME, REALS, cov=cov, weights="analytic") for cov in ("observed", "HC0", "HC1")]),
    "no such covariance": Said(lambda: FITTED.inference(FRAME, REALS, cov="robust"), "use one of", lambda message: [FITTED.inference(FRAME, REALS, cov=cov) for cov in eval(re.search(r"one of (\[.*?\])", message)[1])]),
    "dependent columns": Said(lambda: DEPENDENT.wald_test("x0 = 0"), r"in every row x0 \+ x1 \+ x2 = 1.*ask for predictions, effects or differences, or leave loc:x\d out", lambda message: (DEPENDENT.predict(DUMMIES), DEPENDENT.wald_test("x0 = x1"), (lambda Z: R().fit(Z, REALS).inference(Z, REALS).wald_test("x0 = 0"))(np.delete(DUMMIES, int(re.search(r"leave loc:x(\d)", message)[1]), axis=1)))),
    "a row unlike those of the fit": Said(lambda: DEPENDENT.predict([[0.0, 0, 0], [1, 0, 0]]), "row 0 of X: loc is not estimable there.*leave such rows out", lambda _: DEPENDENT.predict([[1.0, 0, 0]])),
    "an effect of one of dependent columns": Said(lambda: DEPENDENT.marginal_effects(DUMMIES, [0]), "column 0 moves with others, and has no effect alone: in every row x0", lambda _: DEPENDENT.marginal_effects(DUMMIES)),
    "other data": Said(lambda: FITTED.inference(FRAME, REALS + 1), "are not those of the fit", lambda _: FITTED.inference(FRAME, REALS)),
    "one cluster": Said(lambda: FITTED.inference(FRAME, REALS, groups=np.zeros(N)), "need at least two", lambda _: FITTED.inference(FRAME, REALS, groups=np.arange(N) // 5)),
    "a robust profile": Said(lambda: ROBUST.conf_int(method="profile", X=FRAME, y=REALS), "method='bootstrap', or an Inference with cov='observed'", lambda _: (ROBUST.conf_int(method="bootstrap", X=FRAME, y=REALS, n_resamples=5, random_state=0), INFERENCE.conf_int(method="profile", X=FRAME, y=REALS))),
    "no such method": Said(lambda: INFERENCE.conf_int(method="score"), "use 'wald', 'profile' or 'bootstrap'", lambda _: INFERENCE.conf_int(method="wald")),
    "no such coefficient": Said(lambda: INFERENCE.wald_test("age = 0"), "the names are", lambda message: INFERENCE.wald_test(f"{INFERENCE.names[1]} = 0")),
    "a name of two coefficients": Said(lambda: CLASH.wald_test("loc:a"), "write `loc:a` in backticks for the column, or loc:`a` for column 'a' of loc", lambda message: [CLASH.wald_test(name) for name in re.findall(r"(?:loc:)?`[^`]*`", message)]),
    "two equality signs": Said(lambda: INFERENCE.wald_test("a = b = 0"), "put a comma between equations", lambda _: INFERENCE.wald_test("a = 0, b = 0")),
    "no hypotheses": Said(lambda: INFERENCE.wald_test([]), "name coefficients, or write", lambda _: INFERENCE.wald_test("a = 0")),
    "quantiles of classes": Said(lambda: CLASSES.inference(X, LABELS).predict_interval(X), "use predict", lambda _: CLASSES.inference(X, LABELS).predict(X)),
    "no such functional": Said(lambda: INFERENCE.predict(FRAME, "mode"), "use one of", lambda _: [INFERENCE.predict(FRAME, what) for what in ("mean", "median", "std", "scale")]),
    "a quantile without its level": Said(lambda: INFERENCE.predict(FRAME, "quantile"), "takes the argument q", lambda _: INFERENCE.predict(FRAME, "quantile", q=0.5)),
    "jumps": Said(lambda: POISSON.inference(X, COUNTS).predict(X, "median"), "use method='simulate'", lambda _: POISSON.inference(X, COUNTS).predict(X, "median", method="simulate", n_draws=5)),
    "effects of jumps": Said(lambda: POISSON.inference(X, COUNTS).marginal_effects(X, what="median"), "use the mean or cdf", lambda _: [POISSON.inference(X, COUNTS).marginal_effects(X, what="mean"), POISSON.inference(X, COUNTS).marginal_effects(X, what="cdf", y=1)]),
    "too few rows": Said(lambda: R().fit(FRAME[:2], REALS[:2]), "unbounded", lambda _: R(Normal(scale=1.0)).fit(FRAME[:5], REALS[:5])),
    "scores of several targets": Said(lambda: metrics.crps(np.c_[REALS, SIZES], SEVERAL.predict_dist(X)), "use log_score", lambda _: metrics.log_score(np.c_[REALS, SIZES], SEVERAL.predict_dist(X))),
    "labels in a score": Said(lambda: metrics.log_score(LABELS, CLASSES.predict_dist(X)), "the codes 0..K-1 of its ordered_classes_", lambda _: metrics.log_score(np.searchsorted(CLASSES.ordered_classes_, LABELS), CLASSES.predict_dist(X))),
    "an event for the brier score": Said(lambda: metrics.brier_score(REALS, DIST), "threshold=...", lambda _: metrics.brier_score(REALS, DIST, threshold=0.0)),
    "ranks of a density": Said(lambda: metrics.ranked_probability_score(REALS, DIST), "use crps", lambda _: metrics.crps(REALS, DIST)),
    "no moment": Said(lambda: metrics.dawid_sebastiani_score(REALS, Distribution("cauchy", {"loc": REALS, "scale": 1.0 + 0 * REALS})), "use log_score", lambda _: metrics.log_score(REALS, Distribution("cauchy", {"loc": REALS, "scale": 1.0 + 0 * REALS}))),
    "a perfect null model": Said(lambda: metrics.d2_log_likelihood(np.ones(3), Distribution("bernoulli", {"prob": [0.5] * 3}), null=Distribution("bernoulli", {"prob": [1.0] * 3})), "nothing to explain", lambda _: metrics.d2_log_likelihood([0.0, 1.0, 1.0], Distribution("bernoulli", {"prob": [0.5] * 3}))),
    "values of another length": Said(lambda: DIST.logpdf([0.0, 1.0]), r"\[:, None\]", lambda _: DIST.logpdf(np.array([0.0, 1.0])[:, None])),
    "no distribution": Said(lambda: predict_dist(LinearRegression().fit(X, REALS), X), "no sk_mle estimator was found", lambda _: predict_dist(TransformedTargetRegressor(R(), func=np.log, inverse_func=np.exp).fit(X, SIZES), X)),
    "covariance of one target": Said(lambda: DIST.cov(), "use var", lambda _: DIST.var()),
    "quantiles of several targets": Said(lambda: SEVERAL.predict_dist(X).ppf(0.5), "mean, std and cov of the distribution, or draw from it with rvs", lambda _: (lambda dist: (dist.mean(), dist.std(), dist.cov(), dist.rvs(random_state=0)))(SEVERAL.predict_dist(X))),
    "residuals of classes": Said(lambda: pearson_residuals(C().fit(X, THREE), X, THREE), "use quantile_residuals", lambda _: quantile_residuals(C().fit(X, THREE), X, THREE, random_state=0)),
    "residuals of intervals": Said(lambda: pearson_residuals(R(Censored(Gamma())).fit(X, TIMES), X, TIMES), "use quantile_residuals or deviance_residuals", lambda _: [f(R(Censored(Gamma())).fit(X, TIMES), X, TIMES, **options) for f, options in ((quantile_residuals, {"random_state": 0}), (deviance_residuals, {}))]),
    "leverage of a vector": Said(lambda: leverage(C().fit(X, THREE), X, THREE), "is a vector", lambda _: leverage(CLASSES, X, LABELS)),
    "no degrees of freedom": Said(lambda: cooks_distance(FITTED, FRAME, REALS, dispersion=-1.0), "dispersion must be positive", lambda _: cooks_distance(FITTED, FRAME, REALS, dispersion=1.0)),
    "the models are nested": Said(lambda: vuong_test(POISSON, R("negative_binomial").fit(X, COUNTS), X, COUNTS), "use likelihood_ratio_test", lambda _: likelihood_ratio_test(POISSON, R("negative_binomial").fit(X, COUNTS))),
    "the models are not nested": Said(lambda: likelihood_ratio_test(R("gamma").fit(X, SIZES), R("log_normal").fit(X, SIZES)), "nested use vuong_test; where they are, .*df=...", lambda _: vuong_test(R("gamma").fit(X, SIZES), R("log_normal").fit(X, SIZES), X, SIZES)),
    "the other way round": Said(lambda: likelihood_ratio_test(R("negative_binomial").fit(X, COUNTS), POISSON), "the smaller one comes first", lambda _: likelihood_ratio_test(POISSON, R("negative_binomial").fit(X, COUNTS))),
    "a penalised test": Said(lambda: likelihood_ratio_test(R("poisson", predictors="intercept", alpha=0.1).fit(X, COUNTS), R("poisson", alpha=0.1).fit(X, COUNTS)), "refit with alpha=0", lambda _: likelihood_ratio_test(R("poisson", predictors="intercept", alpha=0).fit(X, COUNTS), POISSON)),
    "different rows": Said(lambda: likelihood_ratio_test(R("poisson", predictors="intercept").fit(X[5:], COUNTS[5:]), POISSON), "fit both to the same rows, or pass X and y", lambda _: (likelihood_ratio_test(R("poisson", predictors="intercept").fit(X, COUNTS), POISSON), likelihood_ratio_test(R("poisson", predictors="intercept").fit(X[5:], COUNTS[5:]), POISSON, X[5:], COUNTS[5:], df=2))),
    "candidates of one name": Said(lambda: LikelihoodSearch(candidates=["gamma", Gamma()]).fit(X, SIZES), "give a dict with a name for each", lambda _: LikelihoodSearch(candidates={"one": "gamma", "two": Gamma()}, cv=2).fit(X, SIZES)),
    "candidates for several columns": Said(lambda: LikelihoodSearch().fit(X, np.c_[REALS, SIZES]), "name the candidates, laws of several targets or of censored values", lambda _: LikelihoodSearch(candidates=["multivariate_normal"], cv=2).fit(X, np.c_[REALS, SIZES])),
    "no candidates": Said(lambda: LikelihoodSearch(candidates=[]).fit(X, SIZES), "None tries the laws that suit y", lambda _: LikelihoodSearch(candidates=["gamma"], cv=2).fit(X, SIZES)),
    "models in a list": Said(lambda: compare([R()], X, REALS), r"a dict of names and estimators, such as {'normal': MLERegressor\(\)}", lambda _: compare({"normal": R()}, X, REALS)),
    "no weights in a step": Said(lambda: compare({"other": LinearRegression()}, X, REALS), "has neither a predictive distribution nor predict_proba", lambda _: compare({"other": LogisticRegression(), "ours": C()}, X, LABELS)),
    "coverage": Said(lambda: FITTED.predict(FRAME, coverage=0.5), "coverage is for output='interval'", lambda _: FITTED.predict(FRAME, "interval", coverage=0.5)),
    "no such output": Said(lambda: FITTED.predict(FRAME, "sd"), "use one of", lambda message: [FITTED.predict(FRAME, name) for name in eval(re.search(r"one of (\[.*?\])", message)[1])]),
    "text in an array": Said(lambda: R().fit(pd.DataFrame({0: REALS, 1: THREE}).to_numpy(), REALS), r"X: column 1 holds text .*OneHotEncoder\(drop='first', sparse_output=False\).*make_column_transformer, or leave it out", lambda _: (make_pipeline(make_column_transformer((OneHotEncoder(drop="first", sparse_output=False), [1]), remainder="passthrough"), R()).fit(pd.DataFrame({0: REALS, 1: THREE}).to_numpy(), SIZES), R().fit(REALS[:, None], SIZES))),
    "text in a sample": Said(lambda: D().fit(THREE[:, None].astype(object)), "X: column 0 holds text", lambda _: D().fit(REALS[:, None])),
    "two columns for a law of one": Said(lambda: R("weibull").fit(X, np.column_stack([SIZES, SIZES < 2])), r"sk_mle.censored\), the law is Censored\(...\) around it; several targets are those of MultivariateNormal", lambda _: (R(Censored(Weibull())).fit(X, censored(SIZES, event=SIZES < 2)), R(MultivariateNormal()).fit(X, np.c_[REALS, SIZES]))),
    "events read as ends": Said(lambda: R(Censored(Weibull())).fit(X, pd.DataFrame({"event": EVENTS, "time": LATE})), r"column 0 of y holds zeros and ones only, and is read as the lower end of intervals.*pass sk_mle.censored\(time, event\) as y", lambda _: R(Censored(Weibull())).fit(X, censored(LATE, EVENTS))),
    "ends the wrong way round": Said(lambda: R(Censored(Weibull())).fit(X, np.column_stack([LATE, EVENTS])), r"sk_mle.censored\(time, event\)", lambda _: R(Censored(Weibull())).fit(X, censored(LATE, EVENTS))),
    "an estimator behind its data": Said(lambda: PITDisplay.from_estimator(X, REALS, FITTED), "the first argument is a fitted estimator, then come X and y", lambda _: PITDisplay.from_estimator(FITTED, FRAME, REALS)),
    "y before X": Said(lambda: quantile_residuals(FITTED, REALS, FRAME), "order of the arguments is estimator, X, y", lambda _: quantile_residuals(FITTED, FRAME, REALS)),
    "a distribution before y": Said(lambda: PITDisplay.from_predictions(DIST, REALS), "takes y first, then its predictive distribution", lambda _: PITDisplay.from_predictions(REALS, DIST)),
    "an estimator for an inference": Said(lambda: CoefficientDisplay.from_inference(FITTED), r"Inference.from_estimator\(model, X, y\)", lambda _: CoefficientDisplay.from_inference(Inference.from_estimator(FITTED, FRAME, REALS))),
    "names lost in an array": Said(lambda: BaggingRegressor(R("poisson", exposure="b"), n_estimators=2).fit(FRAME.abs(), COUNTS), "BaggingRegressor and others that make an array of X need the index", lambda _: BaggingRegressor(R("poisson", exposure=1), n_estimators=2).fit(FRAME.abs(), COUNTS)),
    "a sum that overflows": Said(lambda: R(Huge()).fit(X, REALS), r"finite in every row at the starting values, but its sum is not.*rescale y, or give", lambda _: R(Normal()).fit(X, REALS)),
    "leverages of clusters": Said(lambda: FITTED.inference(FRAME, REALS, cov="HC3", groups=THREE), "'HC0' or 'HC1' with groups", lambda _: [FITTED.inference(FRAME, REALS, cov=cov, groups=THREE) for cov in ("HC0", "HC1")]),
    "leverages of a vector": Said(lambda: C("categorical").fit(X, THREE).inference(X, THREE, cov="HC3"), "use cov='HC1'", lambda _: C("categorical").fit(X, THREE).inference(X, THREE, cov="HC1")),
    "a leverage of one": Said(lambda: R("poisson").fit(ALONE, COUNTS + 1).inference(ALONE, COUNTS + 1, cov="HC2"), r"1 of leverage one \(sk_mle.diagnostics.leverage shows which\): use cov='HC1', or leave these rows out", lambda _: (np.testing.assert_allclose(leverage(R("poisson").fit(ALONE, COUNTS + 1), ALONE, COUNTS + 1)[5], 1.0), R("poisson").fit(ALONE, COUNTS + 1).inference(ALONE, COUNTS + 1, cov="HC1"), R("poisson").fit(np.delete(X, 5, 0), np.delete(COUNTS + 1, 5)).inference(np.delete(X, 5, 0), np.delete(COUNTS + 1, 5), cov="HC2"))),
    "a place of effects": Said(lambda: INFERENCE.marginal_effects(FRAME, at="zero"), r"use \['mean', 'median'\], or a dict of values by column", lambda _: [INFERENCE.marginal_effects(FRAME, at=at) for at in ("mean", "median", {"a": 1.0})]),
    "number of samples": Said(lambda: D().fit(REALS[:, None]).sample(1.5), "must be a positive integer", lambda _: D().fit(REALS[:, None]).sample(2)),
}  # fmt: skip

# ---- arguments of predictors, constraints, terms, laws and functions -----------------------------------------------------


class InWords(Users):
    support = "real"


class OddGradient(Users):
    def gradient(self, y, loc, scale):
        return [y, loc]


class Former(Users):
    n_starts = 3


class Unsmooth(Users):
    smooth = False


class Falling(Transform):
    def forward(self, y):
        return -np.asarray(y, float)

    def inverse(self, z):
        return -np.asarray(z, float)

    def log_jacobian(self, y):
        return np.zeros(np.shape(y))


TEXT_MODEL = make_pipeline(make_column_transformer((OneHotEncoder(drop="first", sparse_output=False), ["city"]), remainder="passthrough"), R()).fit(FRAME.assign(city=THREE), REALS)  # fmt: skip


def fits(**options):
    """A fit of a regression with these arguments."""
    return lambda *_: R(**options).fit(FRAME, REALS)


MORE = {
    "no y": Said(lambda: R().fit(X, None), "requires y to be passed", lambda _: R().fit(X, REALS)),
    "no labels": Said(lambda: C().fit(X, None), "requires y to be passed", lambda _: C().fit(X, LABELS)),
    "labels that are missing": Said(lambda: C().fit(X, np.where(np.arange(N) == 3, None, LABELS)), "Input y contains NaN in row 3; drop these rows", lambda _: C().fit(np.delete(X, 3, 0), np.delete(LABELS, 3))),
    "labels that are new": Said(lambda: CLASSES.score_samples(X, np.where(np.arange(N) == 3, "maybe", LABELS)), "y has labels that were not in the training data in row 3: maybe", lambda _: CLASSES.score_samples(X, LABELS)),
    "a path of nothing": Said(lambda: R(alpha={"loc": 0.0}).path(X, REALS), "make both positive", lambda _: R(alpha={"loc": 0.1}, l1_ratio=1.0).path(X, REALS, alphas=2)),
    "no iterations": Said(fits(max_iter=0), "max_iter must be a positive integer", fits(max_iter=100)),
    "a penalty in a list": Said(fits(penalty=Smooth("a")), "penalty is the name of a bias reduction, one of .*; terms with a penalty go to penalties=", fits(penalty="jeffreys")),
    "a penalty misspelt": Said(fits(penalty="l2"), "use None or one of .*; alpha is the L2 penalty, and l1_ratio its share that is L1", lambda _: (R(penalty=None, alpha=0.1).fit(FRAME, REALS), R(alpha=0.1, l1_ratio=1.0).fit(FRAME, REALS))),
    "a penalty with kinks": Said(lambda: R("laplace", penalty="jeffreys").fit(X, REALS), "kinks, for which there is no such reduction", lambda _: R("laplace").fit(X, REALS)),
    "a penalty of censored values": Said(lambda: R(Censored(Normal()), penalty="jeffreys").fit(X, TIMES), "needs the expected information.*Use alpha, an L2 penalty", lambda _: R(Censored(Normal()), alpha=0.1).fit(X, TIMES)),
    "a median reduction of a softmax": Said(lambda: C("categorical", penalty="median_bias").fit(X, THREE), "use penalty='jeffreys'", lambda _: C("categorical", penalty="jeffreys").fit(X, THREE)),
    "a column twice": Said(fits(predictors={"scale": ["a", "a"]}), "names a column twice", fits(predictors={"scale": ["a"]})),
    "a class of a predictor": Said(fits(predictors={"loc": Nonlinear}), "needs an instance, got the class Nonlinear: add parentheses", fits(predictors={"loc": Nonlinear("a0 + a1 * a")})),
    "a term for a predictor": Said(fits(predictors={"loc": Smooth("a")}), "is a term, .*pass it in penalties=", fits(penalties={"loc": [Smooth("a")]}, alpha="reml")),
    "a predictor of numbers": Said(fits(predictors={"scale": [1.5]}), "must name columns by str or int, got a float; values of rows are a column of X", fits(predictors={"scale": [1]})),
    "a column that does not exist": Said(fits(predictors={"scale": [7]}), "column 7 does not exist; X has 2 columns", fits(predictors={"scale": [1]})),
    "a name that does not exist": Said(fits(predictors={"scale": ["age"]}), r"no column 'age' in X; its columns are \['a', 'b'\]$", fits(predictors={"scale": ["b"]})),
    "a formula for a name": Said(fits(predictors={"loc": "p * a"}), r"For a curve pass predictors.Nonlinear\('p \* a'\)", fits(predictors={"loc": Nonlinear("p * a")})),
    "a known value outside its domain": Said(lambda: R(Normal(scale="b")).fit(FRAME, REALS), r"column 'b' holds scale of Normal, which must lie in \(0, inf\), but does not in \d+ rows", lambda _: R(Normal(scale="b")).fit(FRAME.abs(), REALS)),
    "a negative penalty": Said(fits(alpha=-1.0), "alpha must be a number >= 0.*or 'reml', 'gcv'", fits(alpha=0.5)),
    "penalties by column": Said(fits(alpha=[0.1, 0.2]), "one for all columns: scale those that are to be penalised less or more", lambda _: R(alpha=0.1).fit(FRAME.assign(b=FRAME["b"] / 2), REALS)),
    "a ratio above one": Said(fits(alpha=0.1, l1_ratio=2.0), "l1_ratio must be a number from 0 to 1", fits(alpha=0.1, l1_ratio=1.0)),
    "a mask of another length": Said(fits(predictors={"scale": [True]}), "a mask of 1 entries does not fit the 2 columns of X", fits(predictors={"scale": [True, False]})),
    "an offset of a fixed parameter": Said(lambda: R(Normal(scale=1.0), offset={"scale": "a"}).fit(FRAME, REALS), "the estimated parameters are|takes none", lambda _: R(Normal(scale=1.0), offset={"loc": "a"}).fit(FRAME, REALS)),
    "a curve of a vector": Said(lambda: C("categorical", predictors={"logits": Nonlinear("p * a")}).fit(FRAME, THREE), "must name columns, as a curve is one number per row", lambda _: C("categorical", predictors={"logits": ["a"]}).fit(FRAME, THREE)),
    "a position below zero": Said(fits(predictors={-1: "all"}), "positions count from 0, the first estimated parameter", fits(predictors={1: "all"})),
    "an L1 penalty of a curve": Said(fits(predictors={"loc": Nonlinear("p * a")}, alpha=0.1, l1_ratio=1.0), "is of linear predictors, and that of 'loc' is not linear", fits(alpha=0.1, l1_ratio=1.0)),
    "an L1 penalty and another": Said(fits(alpha=0.1, l1_ratio=1.0, penalty="jeffreys"), "exclude each other: leave one of them out", lambda _: (R(alpha=0.1, l1_ratio=1.0).fit(FRAME, REALS), R(penalty="jeffreys").fit(FRAME, REALS))),
    "an L1 penalty with kinks": Said(lambda: R("laplace", alpha=0.1, l1_ratio=1.0).fit(X, REALS), "has kinks, for which there is no such fit", lambda _: R("laplace").fit(X, REALS)),
    "an L1 penalty with another solver": Said(fits(alpha=0.1, l1_ratio=1.0, solver="lbfgs"), "use solver='auto', not 'lbfgs'", fits(alpha=0.1, l1_ratio=1.0, solver="auto")),
    "bounds of words": Said(fits(bounds={"a": ("low", "high")}), "ends must be numbers or None", fits(bounds={"a": (0, None)})),
    "bounds the wrong way round": Said(fits(bounds={"a": (1, 0)}), "no number lies between 1 and 0", fits(bounds={"a": (0, 1)})),
    "constraints of another kind": Said(fits(constraints="a > 0"), r"constraints must be \({'x1': 1, 'x2': -1}, low, high\)", fits(constraints=({"a": 1, "b": -1}, 0, None))),
    "constraints of another width": Said(fits(constraints={"loc": scipy.optimize.LinearConstraint(np.eye(3), 0, 1)}), "the matrix of 'loc' has 3 columns, and this parameter 2", fits(constraints={"loc": scipy.optimize.LinearConstraint(np.eye(2), 0, 1)})),
    "constraints by parameter of another kind": Said(fits(constraints={"loc": 1}), "must be a scipy.optimize.LinearConstraint", fits(constraints={"loc": scipy.optimize.LinearConstraint(np.eye(2), 0, 1)})),
    "bounds of a column that is not modelled": Said(fits(predictors={"loc": ["b"]}, bounds={"a": (0, 1)}), "'loc' is not modelled on column 'a'; see predictors", fits(predictors={"loc": ["a"]}, bounds={"a": (0, 1)})),
    "bounds of another parameter": Said(fits(bounds={"shape": {"a": (0, 1)}}), r"the estimated parameters are \['loc', 'scale'\]|no column", fits(bounds={"loc": {"a": (0, 1)}})),
    "bounds of no intercept": Said(fits(fit_intercept=False, bounds={"intercept": (0, 1)}), "'loc' has no intercept", fits(fit_intercept=True, bounds={"intercept": (0, 1)})),
    "a reduction of bias with terms": Said(fits(penalties={"loc": [Smooth("a")]}, alpha="reml", penalty="jeffreys"), "leave it at None where there are terms", fits(penalties={"loc": [Smooth("a")]}, alpha="reml", penalty=None)),
    "L1 with terms": Said(fits(penalties={"loc": [Smooth("a")]}, alpha="reml", l1_ratio=1.0), "l1_ratio > 0 is not offered where there are terms", fits(penalties={"loc": [Smooth("a")]}, alpha="reml")),
    "two criteria": Said(fits(penalties={"loc": [Smooth("a")], "scale": [Smooth("a")]}, alpha={"loc": "reml", "scale": "gcv"}), "one criterion chooses all penalties, 'reml' or 'gcv'", fits(penalties={"loc": [Smooth("a")]}, alpha="gcv")),
    "a reduction of bias among terms": Said(fits(penalties="jeffreys"), "for bias-reduced likelihood pass penalty='jeffreys'", fits(penalty="jeffreys")),
    "terms that are none": Said(fits(penalties={"loc": [1.0]}, alpha="reml"), r"must be a list of terms of sk_mle.predictors \(Smooth, Groups, Ridge\)", fits(penalties={"loc": [Ridge(["a"])]}, alpha="reml")),
    "a curve among terms": Said(fits(penalties={"loc": [Nonlinear("p * a")]}, alpha="reml"), "is a curve, not a term: pass it in predictors=", fits(predictors={"loc": Nonlinear("p * a")})),
    "terms beside a curve": Said(fits(predictors={"loc": Nonlinear("p * a")}, penalties={"loc": [Smooth("b")]}, alpha="reml"), "'loc' has a curve as predictor, which takes no terms", fits(penalties={"loc": [Smooth("b")]}, alpha="reml")),
    "two terms of one column": Said(fits(penalties={"loc": [Smooth("a"), Smooth("a", n_basis=5)]}, alpha="reml"), "two terms stand for the same column", fits(penalties={"loc": [Smooth("a")]}, alpha="reml")),
    "a term of a named column": Said(fits(predictors={"loc": ["a"]}, penalties={"loc": [Smooth("a")]}, alpha="reml"), "names too; leave it out there", fits(predictors={"loc": ["b"]}, penalties={"loc": [Smooth("a")]}, alpha="reml")),
    "two ridges of one column": Said(fits(penalties={"loc": [Ridge(["a"]), Ridge(["a", "b"])]}, alpha="reml"), "give each column one penalty", fits(penalties={"loc": [Ridge(["a"]), Ridge(["b"])]}, alpha="reml")),
    "terms of a fixed parameter": Said(lambda: R(Normal(scale=1.0), penalties={"scale": [Smooth("a")]}, alpha="reml").fit(FRAME, REALS), r"the estimated parameters are \['loc'\]|is fixed; name an estimated parameter, \['loc'\]", lambda _: R(Normal(scale=1.0), penalties={"loc": [Smooth("a")]}, alpha="reml").fit(FRAME, REALS)),
    "terms without a penalty": Said(fits(penalties={"loc": [Smooth("a")]}), "need alpha='reml' or 'gcv', .* or a number > 0", lambda _: [R(penalties={"loc": [Smooth("a")]}, alpha=alpha).fit(FRAME, REALS) for alpha in ("reml", "gcv", 1.0)]),
    "weights in two columns": Said(lambda: R().fit(X, REALS, sample_weight=np.ones((N, 2))), "Sample weights must be 1D array or scalar", lambda _: R().fit(X, REALS, sample_weight=np.ones(N))),
    "weights of another length": Said(lambda: R().fit(X, REALS, sample_weight=np.ones(3)), "sample_weight has length 3, but X has 60 rows", lambda _: R().fit(X, REALS, sample_weight=np.ones(N))),
    "negative weights": Said(lambda: R().fit(X, REALS, sample_weight=REALS), r"must be finite and not negative, but is not in \d+ rows", lambda _: R().fit(X, REALS, sample_weight=np.abs(REALS))),
    "no weight": Said(lambda: R().fit(X, REALS, sample_weight=np.zeros(N)), "zero in every row; nothing is left to fit", lambda _: R().fit(X, REALS, sample_weight=np.ones(N))),
    "groups of another length": Said(lambda: FITTED.inference(FRAME, REALS, cov="HC1", groups=THREE[:5]), r"one label per row, of shape \(60,\)", lambda _: FITTED.inference(FRAME, REALS, cov="HC1", groups=THREE)),
    "groups without a label": Said(lambda: FITTED.inference(FRAME, REALS, cov="HC1", groups=np.where(np.arange(N) == 2, None, THREE)), "no label in row 2; drop these rows, or give each a group of its own", lambda _: FITTED.inference(FRAME, REALS, cov="HC1", groups=np.where(np.arange(N) == 2, "own", THREE))),
    "a distribution without a parameter": Said(lambda: Distribution("normal", {"loc": [0.0]}), r"Normal needs the parameters \['loc', 'scale'\], got \['loc'\]", lambda _: Distribution("normal", {"loc": [0.0], "scale": [1.0]})),
    "the length of a row": Said(lambda: len(DIST[0]), "one row of a Distribution has no length", lambda _: len(DIST[:1])),
    "a row of a row": Said(lambda: DIST[0][0], "one row of a Distribution cannot be indexed", lambda _: DIST[:1][0]),
    "targets of another number": Said(lambda: SEVERAL.predict_dist(X).logpdf(np.ones((N, 3))), r"pass \(n, 2\), or \(m, 1, 2\)", lambda _: (SEVERAL.predict_dist(X).logpdf(np.ones((N, 2))), SEVERAL.predict_dist(X).logpdf(np.ones((4, 1, 2))))),
    "a band of another kind": Said(lambda: PITDisplay.from_estimator(FITTED, FRAME, REALS, band="wide"), "use 'simultaneous' or 'pointwise'", lambda _: [PITDisplay.from_estimator(FITTED, FRAME, REALS, band=band) for band in ("simultaneous", "pointwise")]),
    "names of no coefficient": Said(lambda: CoefficientDisplay.from_inference(INFERENCE, names=["age"]), r"no coefficient .*the coefficients are \[", lambda message: CoefficientDisplay.from_inference(INFERENCE, names=[eval(re.search(r"are (\[.*\])", message)[1])[1]])),
    "a feature that is no column": Said(lambda: FanChartDisplay.from_estimator(FITTED, FRAME, REALS, feature="age"), r"no column of X; its columns are \['a', 'b'\]", lambda _: FanChartDisplay.from_estimator(FITTED, FRAME, REALS, feature="a")),
    "a feature without names": Said(lambda: FanChartDisplay.from_estimator(R().fit(X, REALS), X, REALS, feature="a"), "X has no column names; pass an index", lambda _: FanChartDisplay.from_estimator(R().fit(X, REALS), X, REALS, feature=0)),
    "a fan of classes": Said(lambda: FanChartDisplay.from_estimator(CLASSES, X, LABELS), "plot predict_proba against the feature", lambda _: CLASSES.predict_proba(X)),
    "a rootogram of sizes": Said(lambda: RootogramDisplay.from_estimator(FITTED, FRAME, REALS), "use PITDisplay or QuantileResidualDisplay", lambda _: (PITDisplay.from_estimator(FITTED, FRAME, REALS), QuantileResidualDisplay.from_estimator(FITTED, FRAME, REALS))),
    "a likelihood on columns": Said(lambda: LikelihoodDisplay.from_estimator(FITTED, REALS[:, None]), "pass an MLEDensity, not MLERegressor", lambda _: LikelihoodDisplay.from_estimator(D().fit(REALS[:, None]), REALS[:, None])),
    "a bread": Said(lambda: FITTED.inference(FRAME, REALS, cov="HC1", bread="rye"), "use 'observed' or 'expected'", lambda _: [FITTED.inference(FRAME, REALS, cov="HC1", bread=bread) for bread in ("observed", "expected")]),
    "weights of another kind": Said(lambda: FITTED.inference(FRAME, REALS, weights="counts"), "use one of", lambda message: [FITTED.inference(FRAME, REALS, weights=name, cov="HC1") for name in eval(re.search(r"one of (\[.*?\])", message)[1])]),
    "bounds that hold": Said(lambda: R(bounds={"a": (5, None)}).fit(FRAME, REALS).inference(FRAME, REALS), r"the constraints on .* hold with equality", lambda _: R().fit(FRAME, REALS).inference(FRAME, REALS)),
    "information of censored values": Said(lambda: R(Censored(Normal())).fit(X, TIMES).inference(X, TIMES, cov="expected"), "use cov='observed'", lambda _: R(Censored(Normal())).fit(X, TIMES).inference(X, TIMES, cov="observed")),
    "effects of unknown columns": Said(lambda: INFERENCE.marginal_effects(FRAME, columns=["age"]), r"columns \['age'\] are not in X; it has \['a', 'b'\]", lambda _: INFERENCE.marginal_effects(FRAME, columns=["a"])),
    "effects at a number": Said(lambda: INFERENCE.marginal_effects(FRAME, at=1.0), "or a dict of values by column", lambda _: INFERENCE.marginal_effects(FRAME, at={"a": 1.0})),
    "a method of effects": Said(lambda: INFERENCE.predict(FRAME, method="guess"), "use 'delta' or 'simulate'", lambda _: [INFERENCE.predict(FRAME, method=method) for method in ("delta", "simulate")]),
    "an uncertainty": Said(lambda: INFERENCE.predict_interval(FRAME, uncertainty="none"), "use 'plug-in' or 'simulate'", lambda _: [INFERENCE.predict_interval(FRAME, uncertainty=kind) for kind in ("plug-in", "simulate")]),
    "a derived NaN": Said(lambda: INFERENCE.derived(lambda model: model.coef_ * np.nan), "it must return finite numbers", lambda _: INFERENCE.derived(lambda model: model.coef_ * 2)),
    "what to predict": Said(lambda: INFERENCE.predict(FRAME, 5), "what must be a name or a function of a Distribution", lambda _: INFERENCE.predict(FRAME, lambda dist: dist.mean())),
    "a value that is none": Said(lambda: INFERENCE.predict(FRAME, "cdf", y=np.nan), "must be one finite number", lambda _: INFERENCE.predict(FRAME, "cdf", y=0.0)),
    "a mean of classes": Said(lambda: CLASSES.inference(X, LABELS).predict(X, "median"), "use 'proba', a function of a Distribution", lambda _: (CLASSES.inference(X, LABELS).predict(X, "proba"), CLASSES.inference(X, LABELS).predict(X, lambda dist: dist.mean()))),
    "a product of coefficients": Said(lambda: INFERENCE.wald_test("a * b = 0"), "a term is a coefficient, a number, or a number times a coefficient", lambda _: INFERENCE.wald_test("2 * a = 0")),
    "coefficients that cancel": Said(lambda: INFERENCE.wald_test("a - a = 0"), "names no coefficient, or they cancel", lambda _: INFERENCE.wald_test("a - b = 0")),
    "a matrix of another width": Said(lambda: INFERENCE.wald_test([[1.0, 2.0]]), "needs finite entries and 4 columns", lambda _: INFERENCE.wald_test([[0.0, 1.0, 0.0, 0.0]])),
    "a sign with nothing behind it": Said(lambda: INFERENCE.wald_test("a + = 0"), "lacks a term before a sign", lambda _: INFERENCE.wald_test("a + b = 0")),
    "contradictory hypotheses": Said(lambda: INFERENCE.wald_test("a = 0, a = 1"), "contradict each other", lambda _: INFERENCE.wald_test("a = 0")),
    "a value beside text": Said(lambda: INFERENCE.wald_test("a", value=2), "write it into the text, 'x1 = 2'", lambda _: INFERENCE.wald_test("a = 2")),
    "a backtick that is open": Said(lambda: INFERENCE.wald_test("`a = 0"), "a backtick is not closed", lambda _: INFERENCE.wald_test("`a` = 0")),
    "a name in backticks that does not exist": Said(lambda: INFERENCE.wald_test("`age` = 0"), "no coefficient is named `age`; the names are", lambda _: INFERENCE.wald_test("`a` = 0")),
    "signs without a meaning": Said(lambda: INFERENCE.wald_test("a > 0"), "'>.*' has no meaning here; write sums with factors, such as", lambda message: INFERENCE.wald_test(re.search(r"such as '(.*?)'", message)[1])),
    "arguments of another method": Said(lambda: INFERENCE.conf_int(method="wald", n_resamples=5), "method='wald' takes no n_resamples", lambda _: INFERENCE.conf_int(method="bootstrap", X=FRAME, y=REALS, n_resamples=5, random_state=0)),
    "ratios of a sandwich": Said(lambda: ROBUST.likelihood_ratio_test("a = 0", FRAME, REALS), "use wald_test, or an Inference with", lambda _: (ROBUST.wald_test("a = 0"), INFERENCE.likelihood_ratio_test("a = 0", FRAME, REALS))),
    "a transformation of a table": Said(lambda: INFERENCE.table(transform="exp"), "use None or 'natural'", lambda _: [INFERENCE.table(transform=transform) for transform in (None, "natural")]),
    "an inference of a fit that stopped": Said(lambda: R("gamma", max_iter=1, solver="lbfgs").fit(X, SIZES).inference(X, SIZES), "did not reach a maximum|increase max_iter", lambda _: R("gamma", max_iter=1000, solver="lbfgs").fit(X, SIZES).inference(X, SIZES)),
    "a profile with kinks": Said(lambda: LAPLACE.inference(X, REALS).conf_int(method="profile", X=X, y=REALS), "use method='bootstrap'|use method=", lambda _: LAPLACE.inference(X, REALS).conf_int(method="bootstrap", X=X, y=REALS, n_resamples=5, random_state=0)),
    "a distribution of an ordinal law": Said(lambda: C(Ordinal(distribution="gumbell")).fit(X, np.arange(N) % 3), r"choose one of \[", lambda message: [Ordinal(distribution=name).check() for name in eval(re.search(r"one of (\[.*?\])", message)[1])]),
    "categories in a word": Said(lambda: C(Ordinal(categories="abc")).fit(X, THREE), "give a list of the labels in their order", lambda _: C(Ordinal(categories=["a", "b", "c"])).fit(X, THREE)),
    "a category twice": Said(lambda: C(Ordinal(categories=["a", "a"])).fit(X, THREE), "give every label once, and at least two", lambda _: C(Ordinal(categories=["a", "b", "c"])).fit(X, THREE)),
    "trials that are no number": Said(lambda: R(Binomial(trials=0)).fit(X, COUNTS), "give a whole number of at least one trial", lambda _: R(Binomial(trials=50)).fit(X, COUNTS)),
    "links of another parameter": Said(lambda: R(Normal(links={"mean": "log"})).fit(X, REALS), r"the parameters of Normal are \['loc', 'scale'\]", lambda _: R(Normal(links={"scale": "log"})).fit(X, REALS)),
    "a link that does not suit": Said(lambda: R(Normal(links={"loc": "logit"})).fit(X, REALS), "another link|does not suit|choose", lambda _: R(Normal(links={"loc": "identity"})).fit(X, REALS)),
    "a link by its class": Said(lambda: R(Normal(links={"scale": 3})).fit(X, REALS), "a link is an instance of Link or a name", lambda _: R(Normal(links={"scale": "softplus"})).fit(X, REALS)),
    "a power that is NaN": Said(lambda: R(Normal(links={"scale": Power(np.nan)})).fit(X, REALS), "must be a finite number", lambda _: R(Gamma(links={"mean": Power(0.5)})).fit(X, SIZES)),
    "a histogram": Said(lambda: from_scipy(stats.rv_histogram(np.histogram(REALS))), "is a fit already", lambda _: from_scipy(stats.norm)),
    "a kernel estimate": Said(lambda: from_scipy(stats.gaussian_kde(REALS)), "sklearn.neighbors.KernelDensity fits one", lambda _: KernelDensity().fit(REALS[:, None])),
    "no distribution of scipy": Said(lambda: from_scipy(3), "takes a distribution of one variable such as scipy.stats.norm", lambda _: from_scipy(stats.norm)),
    "a dictionary of times": Said(lambda: censored(np.ones((N, 2)), np.ones(N)), r"must be \(n,\): times and events are two arguments, censored\(time, event\)", lambda _: censored(np.ones(N), np.ones(N))),
    "a component without a name": Said(lambda: R(Mixture([("", Normal()), ("b", Normal())])).fit(X, REALS), "are empty, given twice, hold '__'", lambda _: Mixture([("a", Normal()), ("b", Normal())]).check()),
    "a component that is shared by none": Said(lambda: Mixture([("a", Normal()), ("b", Normal())], shared=["df"]).check(), "which no component has", lambda _: Mixture([("a", Normal()), ("b", Normal())], shared=["scale"]).check()),
    "weights of a mixture": Said(lambda: Mixture([("a", Normal()), ("b", Normal())], weights=[1.0]).check(), "one positive number per component", lambda _: Mixture([("a", Normal()), ("b", Normal())], weights=[1.0, 2.0]).check()),
    "starts of a mixture": Said(lambda: Mixture([("a", Normal()), ("b", Normal())], n_starts=0).check(), "n_starts must be a positive integer", lambda _: Mixture([("a", Normal()), ("b", Normal())], n_starts=2).check()),
    "a fixed vector": Said(lambda: C(Fixed(Categorical(), {"logits": 1.0})).fit(X, THREE), "which is a vector: only single numbers are fixed so|does not let", lambda _: C(Categorical()).fit(X, THREE)),
    "fixed twice": Said(lambda: R(Fixed(Normal(scale=1.0), {"scale": 2.0})).fit(X, REALS), "give scale only once", lambda _: R(Fixed(Normal(), {"scale": 2.0})).fit(X, REALS)),
    "a transformation of another kind": Said(lambda: Transformed(Normal(), 3).check(), "takes the name of a function, or an instance of Transform", lambda _: Transformed(Normal(), "log").check()),
    "a divergence of other rows": Said(lambda: metrics.kl_divergence(DIST, DIST[:5]), "p has 60 rows, but q has 5", lambda _: metrics.kl_divergence(DIST[:5], DIST[:5])),
    "a score of no distribution": Said(lambda: metrics.crps(REALS, REALS), r"must be a Distribution, as predict_dist\(X\) gives it", lambda _: metrics.crps(REALS, DIST)),
    "a score of other rows": Said(lambda: metrics.crps(REALS[:5], DIST), "y has 5 rows, but dist has 60", lambda _: metrics.crps(REALS[:5], DIST[:5])),
    "a score of NaN": Said(lambda: metrics.crps(np.where(REALS > 1, np.nan, REALS), DIST), "is NaN or infinite in .*; drop these rows", lambda _: metrics.crps(REALS[REALS <= 1], FITTED.predict_dist(FRAME[REALS <= 1]))),
    "a scorer of a name": Said(lambda: metrics.make_dist_scorer("crps"), "must be a function such as sk_mle.metrics.crps", lambda _: metrics.make_dist_scorer(metrics.crps)),
    "a scorer with another argument": Said(lambda: metrics.make_dist_scorer(metrics.brier_score, level=1), r"takes no argument 'level'; it takes \[", lambda _: metrics.make_dist_scorer(metrics.brier_score, threshold=1)),
    "candidates in a number": Said(lambda: LikelihoodSearch(candidates=3).fit(X, SIZES), "is a list of likelihoods or names, or a dict of them by name", lambda _: LikelihoodSearch(candidates=["gamma"], cv=2).fit(X, SIZES)),
    "a comparison without y": Said(lambda: compare({"normal": R()}, X), "compare needs y", lambda _: compare({"normal": R()}, X, REALS)),
    "a reference that is no model": Said(lambda: compare({"normal": R(), "t": R("student_t")}, X, REALS, reference="gamma"), r"is none of the models, \['normal', 't'\]", lambda _: compare({"normal": R(), "t": R("student_t")}, X, REALS, reference="t")),
    "a search without y": Said(lambda: LikelihoodSearch(candidates=["gamma"]).fit(X, None), "requires y to be passed", lambda _: LikelihoodSearch(candidates=["gamma"], cv=2).fit(X, SIZES)),
    "X alone": Said(lambda: likelihood_ratio_test(R(predictors="intercept").fit(X, REALS), R().fit(X, REALS), X), "give both X and y, or neither", lambda _: likelihood_ratio_test(R(predictors="intercept").fit(X, REALS), R().fit(X, REALS), X, REALS)),
    "a df that is no number": Said(lambda: likelihood_ratio_test(R(predictors="intercept").fit(X, REALS), R().fit(X, REALS), df=0), "df must be a positive integer", lambda _: likelihood_ratio_test(R(predictors="intercept").fit(X, REALS), R().fit(X, REALS), df=2)),
    "a correction": Said(lambda: vuong_test(R("gamma").fit(X, SIZES), R("log_normal").fit(X, SIZES), X, SIZES, correction="hqc"), "must be None, 'aic' or 'bic'", lambda _: [vuong_test(R("gamma").fit(X, SIZES), R("log_normal").fit(X, SIZES), X, SIZES, correction=correction) for correction in (None, "aic", "bic")]),
    "a check that does not exist": Said(lambda: check_likelihood(Normal(), skip=["speed"]), r"skip names unknown checks \['speed'\]; the checks are", lambda message: check_likelihood(Normal(), skip=eval(re.search(r"checks are (\[.*\])", message)[1]))),
    "a check of a name": Said(lambda: check_likelihood("normal"), "needs an instance of a Likelihood", lambda _: check_likelihood(Normal(), skip=["moments", "sampler", "recovery", "extremes"])),
    "a formula that is none": Said(fits(predictors={"loc": Nonlinear("p *")}), "is no formula: .*Write, for instance, 'vmax \\* conc / \\(km \\+ conc\\)'", fits(predictors={"loc": Nonlinear("p * a")})),
    "a function that no formula knows": Said(fits(predictors={"loc": Nonlinear("p * foo(a)")}), r"formulas know .*Pass a function f\(X, ...\) for others", fits(predictors={"loc": Nonlinear(lambda X, p: p * X["a"])})),
    "a formula without a column": Said(fits(predictors={"loc": Nonlinear("p * q")}), "has no column of X in it; these are", fits(predictors={"loc": Nonlinear("p * a")})),
    "a formula without a coefficient": Said(fits(predictors={"loc": Nonlinear("a + b")}), "has no coefficient in it: all its names are columns of X", fits(predictors={"loc": Nonlinear("p * a")})),
    "a curve that is all fixed": Said(fits(predictors={"loc": Nonlinear("p * a", fixed={"p": 1.0})}), "use an offset", fits(offset="a")),
    "bounds of a curve": Said(fits(predictors={"loc": Nonlinear("p * a", bounds={"p": (1, 0)})}), "must be a pair of low < high", fits(predictors={"loc": Nonlinear("p * a", bounds={"p": (-9, 9)})})),
    "a start of another coefficient": Said(fits(predictors={"loc": Nonlinear("p * a", start={"q": 1.0})}), "the coefficients are p", fits(predictors={"loc": Nonlinear("p * a", start={"p": 1.0})})),
    "a start that is NaN": Said(fits(predictors={"loc": Nonlinear("p * a", start={"p": np.nan})}), "must be a finite number", fits(predictors={"loc": Nonlinear("p * a", start={"p": 1.0})})),
    "splines of too few values": Said(lambda: R(penalties={"loc": [Smooth("a")]}, alpha="reml").fit(FRAME.assign(a=np.arange(N) % 5), REALS), "too few for n_basis=.*: use n_basis=5 or less|use it as a plain column", lambda _: R(penalties={"loc": [Smooth("a", n_basis=5)]}, alpha="reml").fit(FRAME.assign(a=np.arange(N) % 5), REALS)),
    "a number of splines": Said(fits(penalties={"loc": [Smooth("a", n_basis=0)]}, alpha="reml"), "n_basis must be an integer of at least|must be larger than order", fits(penalties={"loc": [Smooth("a", n_basis=6)]}, alpha="reml")),
    "a monotone smooth": Said(fits(penalties={"loc": [Smooth("a", monotone="up")]}, alpha="reml"), r"use None or one of \[", lambda message: [R(penalties={"loc": [Smooth("a", monotone=sign)]}, alpha=1.0).fit(FRAME, REALS) for sign in eval(re.search(r"one of (\[.*?\])", message)[1])]),
    "two groups": Said(lambda: R(penalties={"loc": [Groups("a")]}, alpha="reml").fit(FRAME.assign(a=np.arange(N) % 2), REALS), "has 2 groups; a law of groups needs three or more", lambda _: R(penalties={"loc": [Groups("a")]}, alpha="reml").fit(FRAME.assign(a=np.arange(N) % 6), REALS)),
    "constraints that exclude each other": Said(fits(constraints=[({"a": 1}, 1, None), ({"a": 1}, None, 0)]), "no coefficients meet all constraints at once", fits(constraints=[({"a": 1}, 0, None), ({"a": 1}, None, 1)])),
    "X in a word": Said(lambda: R().fit("folder", REALS), r"pass a path, pathlib.Path\('folder'\)", lambda _: Path("folder")),
    "complex y": Said(lambda: R().fit(X, REALS + 0j), "Complex data not supported in y", lambda _: R().fit(X, REALS)),
    "a law of other classes": Said(lambda: C(Categorical(n_classes=5)).fit(X, THREE), "leave n_classes at None", lambda _: C(Categorical()).fit(X, THREE)),
    "a reduction of bias of a curve": Said(fits(predictors={"loc": Nonlinear("p * a")}, penalty="jeffreys"), "is for linear predictors, and that of 'loc' is not linear", fits(penalty="jeffreys")),
    "a bind of something else": Said(fits(predictors={"loc": NoCurve()}), "must return a Curve of sk_mle._model.curve", fits(predictors={"loc": Nonlinear("p * a")})),
    "an exposure of a vector": Said(lambda: C("categorical", offset={"logits": "a"}).fit(FRAME, THREE), r"takes none \(it is fixed, or a vector\)", lambda _: C("categorical").fit(FRAME, THREE)),
    "a bound of a curve that it lacks": Said(fits(predictors={"loc": Nonlinear("p * a")}, bounds={"q": (0, 1)}), r"the curve of 'loc' has no coefficient 'q'; it has \['p'\]", fits(predictors={"loc": Nonlinear("p * a")}, bounds={"p": (-9, 9)})),
    "a jacobian of another shape": Said(fits(predictors={"loc": Nonlinear(lambda X, p: p * X["a"], jacobian=lambda X, p: np.ones(3))}), "jacobian must return the derivatives in p, of shape", fits(predictors={"loc": Nonlinear(lambda X, p: p * X["a"], jacobian=lambda X, p: np.asarray(X["a"])[:, None])})),
    "a jacobian of a formula": Said(fits(predictors={"loc": Nonlinear("p * a", jacobian=lambda X, p: X)}), "a jacobian belongs to a function; a formula's derivatives are known", fits(predictors={"loc": Nonlinear("p * a")})),
    "one term twice": Said(fits(penalties={"loc": [Groups("a"), Groups("a")]}, alpha="reml"), "two terms (are the same|stand for the same column)", fits(penalties={"loc": [Smooth("a")]}, alpha="reml")),
    "a ridge of no columns": Said(fits(penalties={"loc": [Ridge([])]}, alpha="reml"), "has no column to penalise", fits(penalties={"loc": [Ridge(["a"])]}, alpha="reml")),
    "a ridge of a column of another term": Said(fits(penalties={"loc": [Smooth("a"), Ridge(["a"])]}, alpha="reml"), "a ridge names a column that another term stands for", fits(penalties={"loc": [Smooth("a"), Ridge(["b"])]}, alpha="reml")),
    "penalties of kinks": Said(lambda: R("laplace", penalties={"loc": [Smooth("a")]}, alpha="reml").fit(FRAME, REALS), "give alpha as a number, and choose it by cross-validation", lambda _: R("laplace", penalties={"loc": [Ridge(["a"])]}, alpha=0.1).fit(FRAME, REALS)),
    "a curve with kinks": Said(lambda: R("laplace", predictors={"loc": Nonlinear("p * a")}).fit(FRAME, REALS), r"for medians StudentT\(df=...\)", lambda _: R(StudentT(df=2.0), predictors={"loc": Nonlinear("p * a")}).fit(FRAME, REALS)),
    "a solver that returns nothing": Said(fits(solver=lambda fun, x0, **options: None), "it must return a scipy.optimize.OptimizeResult with x, where it ended, and nit", fits(solver=lambda fun, x0, **options: scipy.optimize.minimize(fun, x0, jac=options["jac"], method="BFGS"))),
    "a solver of other arguments": Said(fits(solver=lambda fun: None), r"is called as scipy.optimize.minimize calls a method, solver\(fun, x0, ", fits(solver=lambda fun, x0, **options: scipy.optimize.minimize(fun, x0, jac=options["jac"], method="BFGS"))),
    "a curve without a start": Said(fits(predictors={"loc": Nonlinear("exp(p * q * a)", start={"p": 1.0})}), "has no start, .*give it a start beside|no start was found", fits(predictors={"loc": Nonlinear("exp(p * a)", start={"p": 0.1})})),
    "more coefficients than rows": Said(lambda: R(predictors={"loc": Nonlinear("p + q * a")}).fit(FRAME[:1], REALS[:1]), "use a simpler curve|n_samples = 1", lambda _: R(Normal(scale=1.0), predictors={"loc": Nonlinear("p * a")}).fit(FRAME[:4], REALS[:4])),
    "residuals of several targets": Said(lambda: quantile_residuals(SEVERAL, X, np.c_[REALS, SIZES]), "diagnose a model of each target alone", lambda _: [quantile_residuals(R().fit(X, y), X, y) for y in (REALS, SIZES)]),
    "no axes for panels": Said(lambda: CoefficientDisplay.from_inference(INFERENCE, ax=np.array([plt.figure().gca()] * 7)), "ax has 7 axes, but there are .* panels", lambda _: CoefficientDisplay.from_inference(INFERENCE)),
    "no names to draw": Said(lambda: CoefficientDisplay.from_inference(INFERENCE, names=[]), "no coefficient to draw; the coefficients are", lambda _: CoefficientDisplay.from_inference(INFERENCE, names=["loc:a"])),
    "an effect of an estimator": Said(lambda: EffectDisplay.from_inference(FITTED, FRAME, feature="a"), r"Inference.from_estimator\(model, X, y\)", lambda _: EffectDisplay.from_inference(Inference.from_estimator(FITTED, FRAME, REALS), FRAME, feature="a")),
    "a likelihood of other parameters": Said(lambda: LikelihoodDisplay.from_estimator(D().fit(REALS[:, None]), REALS[:, None], parameters=["df"]), r"must be one or two of \['loc', 'scale'\]", lambda _: LikelihoodDisplay.from_estimator(D().fit(REALS[:, None]), REALS[:, None], parameters=["loc", "scale"])),
    "a formula of an array": Said(lambda: FormulaModel("y ~ a", R()).fit(X, REALS), "a formula names columns: pass a data frame, got ndarray", lambda _: FormulaModel("y ~ a", R()).fit(NAMED)),
    "a formula that is a number": Said(lambda: FormulaModel(3, R()).fit(NAMED), "a formula is a str, got 3", lambda _: FormulaModel("y ~ a", R()).fit(NAMED)),
    "a formula of several parts": Said(lambda: FormulaModel("y ~ a | b", R()).fit(NAMED), "several parts between '|'; give a dict with a formula by parameter", lambda _: FormulaModel({"loc": "y ~ a", "scale": "~ b"}, R()).fit(NAMED)),
    "predictors beside a formula": Said(lambda: FormulaModel("y ~ a", R(predictors={"scale": "all"})).fit(NAMED), "leave predictors of the estimator at None", lambda _: FormulaModel("y ~ a", R(predictors=None)).fit(NAMED)),
    "an intercept beside a formula": Said(lambda: FormulaModel("y ~ a", R(fit_intercept=False)).fit(NAMED), "write '- 1' in it, and leave fit_intercept at True", lambda _: FormulaModel("y ~ a - 1", R(fit_intercept=True)).fit(NAMED)),
    "a formula of nothing": Said(lambda: FormulaModel("y ~ 0", R()).fit(NAMED), "'~ 1' is a constant", lambda _: FormulaModel("y ~ 1", R()).fit(NAMED)),
    "an intercept in one of two formulas": Said(lambda: FormulaModel({"loc": "y ~ a - 1", "scale": "~ b"}, R()).fit(NAMED), "'- 1' leaves the intercept out of all parameters that have columns, or of none", lambda _: (FormulaModel({"loc": "y ~ a - 1", "scale": "~ b - 1"}, R()).fit(NAMED), FormulaModel({"loc": "y ~ a", "scale": "~ b"}, R()).fit(NAMED))),
    "a formula without y": Said(lambda: FormulaModel("~ a", R()).fit(NAMED), "has nothing left of ~: pass y, or write it there", lambda _: (FormulaModel("~ a", R()).fit(NAMED, REALS), FormulaModel("y ~ a", R()).fit(NAMED))),
    "formulas of two targets": Said(lambda: FormulaModel({"loc": "y ~ a", "scale": "a ~ b"}, R()).fit(NAMED), "have different left sides; write y in one of them", lambda _: FormulaModel({"loc": "y ~ a", "scale": "~ b"}, R()).fit(NAMED)),
    "an exposure that the frame lacks": Said(lambda: FormulaModel("y ~ a", R(offset="e")).fit(NAMED), r"the columns \['e'\], which arguments of the estimator or its likelihood name, are not in X", lambda _: FormulaModel("y ~ a", R(offset="e")).fit(NAMED.assign(e=1.0))),
    "targets of no number": Said(lambda: R(MultivariateNormal(n_targets=0)).fit(X, np.c_[REALS, SIZES]), "give a whole number from .* on, or None to take it from y", lambda _: R(MultivariateNormal()).fit(X, np.c_[REALS, SIZES])),
    "targets of another width": Said(lambda: R(MultivariateNormal(n_targets=3)).fit(X, np.c_[REALS, SIZES]), "y has 2 columns, but MultivariateNormal takes n_targets=3", lambda _: R(MultivariateNormal(n_targets=2)).fit(X, np.c_[REALS, SIZES])),
    "no trial in any row": Said(lambda: R(Binomial()).fit(X, np.zeros((N, 2))), "trials is zero in every row; nothing is left to fit", lambda _: R(Binomial()).fit(X, np.c_[np.minimum(COUNTS, 10), np.full(N, 10)])),
    "a discrete distribution of scipy": Said(lambda: from_scipy(stats.rv_discrete(values=([1, 2], [0.5, 0.5]))), "has nothing left to estimate", lambda _: from_scipy(stats.poisson)),
    "a parameter of a law of scipy": Said(lambda: from_scipy(stats.gamma).set_params(shape=2.0), r"Valid parameters are: \[", lambda _: from_scipy(stats.gamma).set_params(a=2.0)),
    "a fraction for whole numbers": Said(lambda: from_scipy(stats.binom, n=2.5).check(), "takes whole numbers only, got 2.5", lambda _: from_scipy(stats.binom, n=2).check()),
    "fields of an event twice": Said(lambda: R(Censored(Normal())).fit(X, FIELDS[["event"]]), "a structured y has one boolean field, the event, and one of times|must", lambda _: R(Censored(Normal())).fit(X, FIELDS)),
    "a component of several targets": Said(lambda: Mixture([("a", MultivariateNormal()), ("b", Normal())]).check(), "some of the components are of several targets, others of one", lambda _: Mixture([("a", Normal()), ("b", Normal())]).check()),
    "a component that is censored": Said(lambda: Mixture([("a", Censored(Normal())), ("b", Normal())]).check(), "censor, truncate ... the mixture", lambda _: Censored(Mixture([("a", Normal()), ("b", Normal())])).check()),
    "a shared parameter with two links": Said(lambda: Mixture([("a", Normal(links={"scale": "softplus"})), ("b", Normal())], shared=["scale"]).check(), "is shared, but its values or links differ between components", lambda _: Mixture([("a", Normal()), ("b", Normal())], shared=["scale"]).check()),
    "a wrapper of classes": Said(lambda: Censored(Categorical()).check(), "wraps laws of one numeric target, and Categorical is a law of", lambda _: Censored(Normal()).check()),
    "a hurdle in a hurdle": Said(lambda: ZeroInflated(ZeroInflated(Poisson())).check(), r"adds the parameters \['inflation'\], which ZeroInflated has already", lambda _: ZeroInflated(Poisson()).check()),
    "a logit upside down": Said(lambda: R(Normal(links={"loc": ScaledLogit(low=1, high=0)})).fit(X, REALS), "low must be less than high", lambda _: R(Normal(links={"loc": ScaledLogit(low=-99, high=99)})).fit(X, REALS)),
    "ranks of fractions": Said(lambda: metrics.ranked_probability_score(REALS, POISSON.predict_dist(X)), "y must hold whole numbers; use crps", lambda _: metrics.crps(COUNTS, POISSON.predict_dist(X))),
    "times before their distribution": Said(lambda: metrics.concordance_index(R(Censored(Weibull())).fit(X, TIMES).predict_dist(X), TIMES), "takes y first, then its predictive distribution", lambda _: metrics.concordance_index(TIMES, R(Censored(Weibull())).fit(X, TIMES).predict_dist(X))),
    "nothing to rank": Said(lambda: metrics.concordance_index(censored(SIZES, np.zeros(N)), Distribution("weibull", {"scale": SIZES, "shape": 1 + 0 * SIZES})), "no pair of rows can be judged", lambda _: metrics.concordance_index(TIMES, Distribution("weibull", {"scale": SIZES, "shape": 1 + 0 * SIZES}))),
    "an operator that formulas lack": Said(fits(predictors={"loc": Nonlinear("p * a[0]")}), "formulas take numbers, names, .*Pass a function", fits(predictors={"loc": Nonlinear(lambda X, p: p * X["a"])})),
    "two statements": Said(fits(predictors={"loc": Nonlinear("p * a; q")}), "is no formula", fits(predictors={"loc": Nonlinear("p * a")})),
    "a function of one argument": Said(fits(predictors={"loc": Nonlinear("p * exp(a, b)")}), "exp takes .* arguments.*, and has 2", fits(predictors={"loc": Nonlinear("p * exp(a)")})),
    "a number for a formula": Said(fits(predictors={"loc": Nonlinear(3)}), r"formula must be a str or a function f\(X, ...\)", fits(predictors={"loc": Nonlinear("p * a")})),
    "a fixed coefficient in a list": Said(fits(predictors={"loc": Nonlinear("p * a", fixed=["p"])}), "fixed must be a dict by coefficient", fits(predictors={"loc": Nonlinear("p + q * a", fixed={"p": 1.0})})),
    "a function without coefficients": Said(fits(predictors={"loc": Nonlinear(lambda X: X["a"])}), r"a curve is a function f\(X, a, b, ...\) with a name for each coefficient|nothing to estimate", fits(predictors={"loc": Nonlinear(lambda X, p: p * X["a"])})),
    "a start outside its bounds": Said(fits(predictors={"loc": Nonlinear("p * a", start={"p": 5.0}, bounds={"p": (0, 1)})}), r"start\['p'\] = 5 lies outside its bounds, 0 to 1", fits(predictors={"loc": Nonlinear("p * a", start={"p": 0.5}, bounds={"p": (-9, 9)})})),
    "a bound that is a number": Said(fits(predictors={"loc": Nonlinear("p * a", bounds={"p": 3})}), r"must be a pair \(low, high\)", fits(predictors={"loc": Nonlinear("p * a", bounds={"p": (-9, 9)})})),
    "a period of one number": Said(fits(penalties={"loc": [Smooth("a", cyclic=3)]}, alpha="reml"), r"cyclic must be True or False, or the ends of a period, as \(0, 365\)", fits(penalties={"loc": [Smooth("a", cyclic=(-5, 5))]}, alpha="reml")),
    "a column of a surface twice": Said(fits(penalties={"loc": [Smooth(["a", "a"])]}, alpha="reml"), "name each column once", fits(penalties={"loc": [Smooth(["a", "b"], n_basis=4)]}, alpha="reml")),
    "a surface that is monotone": Said(fits(penalties={"loc": [Smooth(["a", "b"], n_basis=4, monotone="increasing")]}, alpha="reml"), "a monotone smooth is of one column", fits(penalties={"loc": [Smooth("a", monotone="increasing")]}, alpha=1.0)),
    "splines of another order": Said(fits(penalties={"loc": [Smooth("a", n_basis=[4, 5])]}, alpha="reml"), "has 2 entries for 1 columns", fits(penalties={"loc": [Smooth("a", n_basis=5)]}, alpha="reml")),
    "more splines than rows": Said(lambda: R(penalties={"loc": [Smooth(["a", "b"], n_basis=10)]}, alpha="reml").fit(FRAME, REALS), "too many for 60 rows: use fewer n_basis", lambda _: R(penalties={"loc": [Smooth(["a", "b"], n_basis=4)]}, alpha="reml").fit(FRAME, REALS)),
    "a search of an estimator without laws": Said(lambda: LikelihoodSearch(["gamma"], estimator=LinearRegression()).fit(X, SIZES), "has no parameter 'likelihood', nor has an estimator inside it", lambda _: LikelihoodSearch(["gamma"], estimator=R(), cv=2).fit(X, SIZES)),
    "folds that overlap": Said(lambda: cross_val_predict_dist(R(), X, REALS, cv=ShuffleSplit(3, random_state=0)), r"cv must hold out every row exactly once, as KFold does.*use compare\(cv=...\)", lambda _: (cross_val_predict_dist(R(), X, REALS, cv=KFold(3)), compare({"normal": R()}, X, REALS, cv=ShuffleSplit(3, random_state=0)))),
    "folds without y": Said(lambda: cross_val_predict_dist(R(), X), "needs y", lambda _: cross_val_predict_dist(R(), X, REALS)),
    "a fit with class weights": Said(lambda: likelihood_ratio_test(C(class_weight="balanced", predictors="intercept").fit(X, LABELS), WEIGHTED), "has class_weight.*refit without", lambda _: likelihood_ratio_test(C(predictors="intercept").fit(X, LABELS), CLASSES)),
    "a fit that stopped": Said(lambda: likelihood_ratio_test(R("gamma", predictors="intercept").fit(X, SIZES), R("gamma", max_iter=1, solver="lbfgs").fit(X, SIZES)), "did not converge, so its log-likelihood is no maximum: see its warnings, and refit it", lambda _: likelihood_ratio_test(R("gamma", predictors="intercept").fit(X, SIZES), R("gamma").fit(X, SIZES))),
    "one model twice": Said(lambda: vuong_test(R("gamma").fit(X, SIZES), R("gamma").fit(X, SIZES), X, SIZES), "they cannot be told apart|nested", lambda _: vuong_test(R("gamma").fit(X, SIZES), R("log_normal").fit(X, SIZES), X, SIZES)),
    "a fan over text": Said(lambda: FanChartDisplay.from_estimator(TEXT_MODEL, FRAME.assign(city=THREE), REALS, feature="city"), "a fan needs a numeric axis; split the data by it instead", lambda _: FanChartDisplay.from_estimator(FITTED, FRAME, REALS, feature="a")),
    "survival of intervals": Said(lambda: SurvivalDisplay.from_estimator(R(Censored(Weibull())).fit(X, np.c_[SIZES, SIZES + 1]), X, np.c_[SIZES, SIZES + 1]), "leave these rows out, or look at a QuantileResidualDisplay", lambda _: QuantileResidualDisplay.from_estimator(R(Censored(Weibull())).fit(X, np.c_[SIZES, SIZES + 1]), X, np.c_[SIZES, SIZES + 1], random_state=0)),
    "coefficients of a curve at a bound": Said(lambda: R(predictors={"loc": Nonlinear("p * a", bounds={"p": (5, 9)})}).fit(FRAME, REALS).inference(FRAME, REALS), "lie on their bounds, .*fixed=", lambda _: R(predictors={"loc": Nonlinear("q + p * a", fixed={"p": 5.0})}).fit(FRAME, REALS).inference(FRAME, REALS)),
    "a robust covariance of chosen penalties": Said(lambda: R(penalties={"loc": [Smooth("a")]}, alpha="reml").fit(FRAME, REALS).inference(FRAME, REALS, cov="HC1"), "covariance is the Bayesian one", lambda _: R(penalties={"loc": [Smooth("a")]}, alpha="reml").fit(FRAME, REALS).inference(FRAME, REALS)),
    "other weights of a reduction of bias": Said(lambda: R(penalty="jeffreys").fit(X, REALS).inference(X, REALS, weights="probability", cov="HC1"), "took the weights for numbers of rows", lambda _: R(penalty="jeffreys").fit(X, REALS).inference(X, REALS)),
    "a kink inside a wrapper": Said(lambda: R(Censored(Laplace())).fit(X, censored(REALS, REALS < 1)).inference(X, censored(REALS, REALS < 1)), "put a smooth one there|has kinks", lambda _: R(Censored(Normal())).fit(X, censored(REALS, REALS < 1)).inference(X, censored(REALS, REALS < 1))),
    "an inference of weights that differ": Said(lambda: FITTED.inference(FRAME, REALS, sample_weight=np.full(N, 2.0)), "are not those of the fit: there the weights sum to 60", lambda _: FITTED.inference(FRAME, REALS, sample_weight=np.ones(N))),
    "effects in jumps": Said(lambda: POISSON.inference(X, COUNTS).partial_effects(X, 0, values=[0.0], what="median"), "moves in jumps, without standard errors; use the mean or cdf", lambda _: [POISSON.inference(X, COUNTS).partial_effects(X, 0, values=[0.0], what="mean"), POISSON.inference(X, COUNTS).partial_effects(X, 0, values=[0.0], what="cdf", y=1)]),
    "a bootstrap with other arguments": Said(lambda: INFERENCE.conf_int(method="bootstrap", X=FRAME, y=REALS, draws=5), "method='bootstrap' takes .*, not draws", lambda _: INFERENCE.conf_int(method="bootstrap", X=FRAME, y=REALS, n_resamples=5, random_state=0)),
    "t with too few rows": Said(lambda: R(Normal(scale=1.0)).fit(X[:3], REALS[:3]).inference(X[:3], REALS[:3], use_t=True), "use_t needs more observations than coefficients", lambda _: R(Normal(scale=1.0)).fit(X, REALS).inference(X, REALS, use_t=True)),
    "a function of another shape": Said(lambda: INFERENCE.predict(FRAME, lambda dist: np.ones(3)), r"must return one value, or a row of values, per row of X", lambda _: INFERENCE.predict(FRAME, lambda dist: dist.mean())),
    "a mean that does not exist": Said(lambda: R("cauchy").fit(X, REALS).inference(X, REALS).predict(X), "is not finite in .* of X, where the distribution has none; ask for a quantile", lambda _: R("cauchy").fit(X, REALS).inference(X, REALS).predict(X, "quantile", q=0.5)),
    "a coefficient that does not exist": Said(lambda: INFERENCE.profile("age", FRAME, REALS), r"no coefficient is named 'age'; the names are", lambda _: INFERENCE.profile("a", FRAME, REALS)),
    "a profile of penalties": Said(lambda: (lambda m: m.inference(FRAME, REALS).conf_int(method="profile", X=FRAME, y=REALS))(R(penalties={"loc": [Smooth("a")]}, alpha="reml").fit(FRAME, REALS)), "has no profile likelihood: use Wald tests or intervals|method='bootstrap'|Wald", lambda _: R(penalties={"loc": [Smooth("a")]}, alpha="reml").fit(FRAME, REALS).inference(FRAME, REALS).conf_int(method="wald")),
    "a profile of mean bias": Said(lambda: (lambda m: m.inference(FRAME, REALS).conf_int(method="profile", X=FRAME, y=REALS))(R(penalty="mean_bias").fit(FRAME, REALS)), "so there is no profile: use", lambda _: R(penalty="mean_bias").fit(FRAME, REALS).inference(FRAME, REALS).conf_int(method="wald")),
    "a profile of other data": Said(lambda: INFERENCE.conf_int(method="profile", X=FRAME, y=REALS + 1), "are not those that the Inference was made from", lambda _: INFERENCE.conf_int(method="profile", X=FRAME, y=REALS)),
    "Pearson residuals without a variance": Said(lambda: pearson_residuals(R("cauchy").fit(X, REALS), X, REALS), "does not exist in .*; use quantile_residuals", lambda _: quantile_residuals(R("cauchy").fit(X, REALS), X, REALS)),
    "a value of the wrong type": Said(lambda: R().fit(X, [[1.0], [2.0, 3.0]]), "y must be numeric|inhomogeneous", lambda _: R().fit(X, REALS)),
    "a support in a word": Said(fit(R(InWords()), REALS), r"InWords.support must be a domain of sk_mle.domains, such as REAL, POSITIVE or COUNT, or Domain\(low, high\)", RIGHT),
    "a gradient in a list": Said(fit(R(OddGradient()), REALS), r"OddGradient.gradient must return a dict with an array of shape", RIGHT),
    "a declaration of an earlier version": Said(fit(R(Former()), REALS), r"Former.n_starts has no effect: write relations = Relations\(n_starts=...\)", RIGHT),
    "kinks that are not told": Said(fit(R(Unsmooth()), REALS), r"Unsmooth.smooth = False needs kinks and smoothed: kinks\(self, y, \*\*params\)", RIGHT),
    "increases that fall": Said(lambda: Transformed(Normal(), Falling()).check(), "does not increase with y; use an increasing function of -y|inverse|log_jacobian", lambda _: Transformed(Normal(), "log").check()),
}  # fmt: skip

# ---- warnings after a fit -------------------------------------------------------------------------------------------------

FEW = np.tile([2.0, 3.0, 4.0], 20)
LEVEL = np.linspace(-1.0, 1.0, N)
GROUP = pd.DataFrame({"x": X[:, 0], "group": (np.arange(N) < 15) * 1.0})
EMPTY = np.where(GROUP["group"] == 1, 0.0, COUNTS + 1)


def held_there(y):
    """The law of the message, with its parameter at the edge, has the same likelihood and nothing to tell."""

    def heed(message):
        law = code(re.search(r"Fix it there, (.*?), (?:or choose|and compare)", message)[1].split(", or choose")[0])
        R(law).fit(X, y)

    return heed


EDGES = {
    "less spread than Poisson": (NegativeBinomial(), FEW),
    "tails lighter than normal": (StudentT(), LEVEL),
    "inside a hurdle": (Hurdle(NegativeBinomial()), np.where(np.arange(N) % 4 == 0, 0.0, FEW)),
    "no more zeros than Poisson": (ZeroInflated(Poisson()), FEW),
    "censored": (Censored(StudentT()), censored(LEVEL)),
    "trials alike": (BetaBinomial(trials=6), FEW),
}
WITHOUT_ZEROS = COUNTS + 1
BOTH = {"mean": ["x"], "zero": "all"}
ZEROS_OF_GROUP = np.where(GROUP["group"] == 1, 0.0, np.where(np.arange(N) % 5 == 0, 0.0, COUNTS + 1))
ZEROS_OF_OTHERS = np.where(GROUP["group"] == 0, 0.0, np.where(np.arange(N) % 5 == 0, 0.0, COUNTS + 1))
STATES = np.where(np.arange(N) % 5 < 3, 0.0, REALS)
TEN, OF_TEN = (lambda rng: (-rng.weibull(0.7, 10), rng.normal(size=(10, 2))))(np.random.default_rng(13))
VERDICTS = {
    "a hurdle without zeros": Said(fit(R(Hurdle(Poisson())), WITHOUT_ZEROS), r"No y is zero: put Truncated\(Poisson\(\), low=0\) in place of Hurdle\(Poisson\(\)\)", lambda message: R(code(re.search(r"put (.*) in place", message)[1])).fit(X, WITHOUT_ZEROS)),
    "a hurdle without zeros, on columns": Said(fit(R(Hurdle(Poisson()), predictors={"zero": "all"}), WITHOUT_ZEROS), r"No y is zero: put Truncated\(Poisson\(\), low=0\) in place of", lambda message: R(code(re.search(r"put (.*) in place", message)[1])).fit(X, WITHOUT_ZEROS)),
    "a hurdle of sizes without zeros": Said(fit(R(Hurdle(Gamma())), SIZES), r"No y is zero: put Gamma\(\) in place of Hurdle\(Gamma\(\)\)", lambda message: R(code(re.search(r"put (.*) in place", message)[1])).fit(X, SIZES)),
    "a category of zeros": Said(fit(R(Hurdle(Poisson()), predictors={"zero": "all"}), ZEROS_OF_GROUP, GROUP), r"does not depend on column 'group' in its parameter 'mean'.*along column 'group' .*First leave the column out of 'mean', as the warning before this one says. Then use penalty='jeffreys'.*or a penalty \(alpha={'zero': 0.01}, say\), or drop or merge these columns", lambda _: (R(Hurdle(Poisson()), predictors=BOTH, penalty="jeffreys").fit(GROUP, ZEROS_OF_GROUP), R(Hurdle(Poisson()), predictors=BOTH, alpha={"zero": 0.01}).fit(GROUP, ZEROS_OF_GROUP), R(Hurdle(Poisson()), predictors={"zero": "all"}).fit(GROUP[["x"]], ZEROS_OF_GROUP))),
    "a category of zeros without a column": Said(fit(R("poisson"), ZEROS_OF_OTHERS, GROUP), r"along column 'group' .*or drop the rows in which column 'group' is 0, or merge their category with another", lambda _: (R("poisson").fit(GROUP[GROUP["group"] != 0], ZEROS_OF_OTHERS[GROUP["group"] != 0]), R("poisson").fit(GROUP[["x"]], ZEROS_OF_OTHERS))),
    "heavy tails around one value": Said(fit(R(StudentT()), STATES), r"reproduces y in \d+ rows .*Use fewer columns, a penalty \(alpha\), or fix the scale: Fixed\(StudentT\(...\), {'scale': ...}\); or fix 'df' at a value of lighter tails, {'df': ...}", lambda _: (R(Fixed(StudentT(), {"scale": 1.0})).fit(X, STATES), R(Fixed(StudentT(), {"df": 5.0})).fit(X, STATES))),
    "a shape at its end": Said(lambda: D(GeneralizedExtremeValue()).fit(TEN[:, None]), r"Take more rows, fix it, Fixed\(GeneralizedExtremeValue\(\), {'shape': ...}\), or choose the simpler law", lambda _: (D(Fixed(GeneralizedExtremeValue(), {"shape": -0.2})).fit(TEN[:, None]), D(GeneralizedExtremeValue()).fit(REALS[:, None]))),
    "rows too few for a shape": Said(fit(R(GeneralizedExtremeValue()), TEN, OF_TEN), r"10 rows hardly tell 'shape' beside the other coefficients: fix it, Fixed\(GeneralizedExtremeValue\(\), {'shape': ...}\), or take more rows or fewer columns", lambda _: (R(Fixed(GeneralizedExtremeValue(), {"shape": -0.2})).fit(OF_TEN, TEN), R(GeneralizedExtremeValue()).fit(X, REALS))),
    **{f"at an edge, {name}": Said(fit(R(law), y), "ran to the .* edge of its domain.*Fix it there, Fixed", held_there(y)) for name, (law, y) in EDGES.items()},
    "a limit that two parameters reach together": Said(lambda: R(from_scipy(stats.nbinom)).fit(X, FEW), r"p of nbinom .*to the upper edge .*limit. Choose the simpler law that it becomes there; n_params_", lambda _: R("poisson").fit(X, FEW)),
    "inference at an edge": Said(lambda: R(NegativeBinomial()).fit(X, FEW).inference(X, FEW), r"Fix it there, Fixed\(NegativeBinomial\(\), {'dispersion': 0.0}\), or choose the simpler law, and compare", lambda _: R(Fixed(NegativeBinomial(), {"dispersion": 0.0})).fit(X, FEW).inference(X, FEW)),
    "separated": Said(fit(R("poisson"), EMPTY, GROUP), r"column 'group' .*Use penalty='jeffreys', .* or a penalty \(alpha > 0\), or drop", lambda _: (R("poisson", penalty="jeffreys").fit(GROUP, EMPTY).inference(GROUP, EMPTY).summary(), R("poisson", alpha=0.01).fit(GROUP, EMPTY), R("poisson").fit(GROUP[["x"]], EMPTY))),
    "separated zeros": Said(fit(R(Hurdle(Poisson()), predictors={"mean": ["x"], "zero": "all"}), EMPTY, GROUP), r"parameter 'zero'.*alpha={'zero': 0.01}", lambda _: R(Hurdle(Poisson()), predictors={"mean": ["x"], "zero": "all"}, alpha={"zero": 0.01}).fit(GROUP.assign(group=GROUP["group"]), np.where(np.arange(N) % 5 == 0, 0.0, EMPTY))),
    "too few iterations": Said(fit(R("gamma", max_iter=1, solver="lbfgs"), SIZES), "increase max_iter", fit(R("gamma", max_iter=1000, solver="lbfgs"), SIZES)),
    "an exact fit": Said(fit(R(), 2 * X[:, 0] + 1), r"unbounded here: the model reproduces y to rounding.*Fixed\(Normal\(...\), {'scale': ...}\)", lambda _: R(Fixed(Normal(), {"scale": 1.0})).fit(X, 2 * X[:, 0] + 1)),
}  # fmt: skip

ALL = {f"{group}: {name}": said for group, table in (("data", DATA), ("arguments", ARGUMENTS), ("authors", AUTHORS), ("later", LATER), ("more", MORE), ("verdicts", VERDICTS)) for name, said in table.items()}  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_the_advice_of_a_message_works(name):
    said = ALL[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            said.provoked()
            message = "\n".join(str(w.message) for w in caught)
        except Exception as error:
            message = str(error)
    assert re.search(said.words, message, re.DOTALL), message
    said.heed(message)
