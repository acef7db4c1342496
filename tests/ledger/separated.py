"""Data in which a group is always at an edge: no finite maximum exists, and the warning names the columns and the parameter."""

from __future__ import annotations

import functools
import warnings

import numpy as np
import pytest
from scipy import stats

from ledger._case import Case
from sk_mle import MLEClassifier, MLERegressor, from_scipy
from sk_mle.exceptions import BoundaryWarning, IdentificationWarning, SeparationWarning
from sk_mle.likelihoods import (
    Beta,
    Binomial,
    ConwayMaxwellPoisson,
    Gamma,
    GeneralizedPoisson,
    Geometric,
    Hurdle,
    Likelihood,
    Mixture,
    NegativeBinomial,
    Normal,
    Ordinal,
    Poisson,
    PoissonInverseGaussian,
    StudentT,
    Truncated,
    ZeroInflated,
    ZeroOneInflated,
)

RNG = np.random.default_rng(0)
N = 400
GROUP = (np.arange(N) < 120).astype(float)
X = np.column_stack([RNG.normal(size=N), GROUP])
COUNTS, POSITIVE, SHARES = RNG.poisson(2, N), 1 + RNG.poisson(2, N), RNG.beta(2, 3, N)
FEW, CLASSES = RNG.uniform(size=N) < 0.3, np.digitize(X[:, 0] + RNG.logistic(size=N), [-1, 1])


def grouped(edge, others):
    return np.where(GROUP == 1, edge, others)


def separated(law, y, parameter, sample_weight=None, what="column 1", estimator=MLERegressor, **options):
    """The group is named; with one of its rows elsewhere, or with a penalty, there is a maximum."""
    with pytest.warns(SeparationWarning) as caught:
        model = estimator(law, **options).fit(X, y, sample_weight)
    told = [str(w.message) for w in caught if w.category is SeparationWarning]
    assert len(told) == 1
    assert f"along {what} the likelihood" in told[0]
    assert f"in its parameter {parameter!r}" in told[0]
    assert not model.converged_
    with pytest.raises(ValueError, match="did not reach a maximum"):
        model.inference(X, y, sample_weight=sample_weight)


def settled(law, y, **options):
    """No word of separation, and none of another kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert MLERegressor(law, **options).fit(X, y).converged_


class Zeros(Likelihood):
    """A user's Hurdle(Poisson()), of which only `loglik` is written."""

    parameters = {**Poisson.parameters, **Hurdle.own}
    support = Poisson.support

    def loglik(self, y, mean, zero):
        rest = y * np.log(mean) - mean - stats.poisson(1.0).logpmf(0) - np.log(-np.expm1(-mean))
        return np.where(y == 0, np.log(zero), np.log1p(-zero) + rest)


ALSO = {"predictors": {"mean": [0], "zero": "all"}}
TWO = Mixture([("a", Normal()), ("b", Normal())], n_starts=2)
EXPERTS = {"predictors": {"a__loc": "intercept", "b__loc": "intercept", "logits": "all"}}
BASIC = "the supremum of a group's likelihood by hand: at the edge of the parameter"
ONES, ZEROS = grouped(1, POSITIVE), grouped(0, COUNTS)
HALF = np.where(FEW, 0.0, np.where((GROUP == 0) & (RNG.uniform(size=N) < 0.3), 1.0, SHARES))
PARTS = np.where((GROUP == 1) | FEW, RNG.normal(10, 1, N), RNG.normal(0, 1, N))
FOUR = np.digitize(X[:, 0] + RNG.logistic(size=N), [-1, 0, 1])

ENTRIES = [
    ("a group of ones under a zero-truncated law", Truncated(Poisson(), low=0), ONES, "mean", {}),
    ("a group of ones under a zero-truncated law", Truncated(Geometric(), low=0), ONES, "prob", {}),
    ("a group of ones under a zero-truncated law", Truncated(ConwayMaxwellPoisson(), low=0), ONES, "mean", {}),
    ("a group of ones under a zero-truncated law", Truncated(Binomial(trials=12), low=0), np.minimum(ONES, 12), "prob", {}),
    ("all successes under a truncated law", Truncated(Binomial(trials=12), low=0), grouped(12, POSITIVE), "prob", {}),
    ("a group at the upper bound", Truncated(Poisson(), high=10), grouped(10, np.minimum(COUNTS, 10)), "mean", {}),
    ("a group at the upper bound", Truncated(Geometric(), high=10), grouped(10, np.minimum(COUNTS, 10)), "prob", {}),
    ("a group at the upper bound", Truncated(GeneralizedPoisson(), high=10), grouped(10, np.minimum(COUNTS, 10)), "mean", {}),
    ("a group of ones among positives", Hurdle(Poisson()), np.where(FEW, 0, ONES), "mean", {}),
    ("a group of ones among positives", Hurdle(Geometric()), np.where(FEW, 0, ONES), "prob", {}),
    ("a group of ones, zeros in a formula of a user", Zeros(), np.where(FEW, 0, ONES), "mean", {}),
    ("a group of zeros", GeneralizedPoisson(), ZEROS, "mean", {}),
    ("a group of zeros", from_scipy(stats.nbinom), ZEROS, "n", {}),
    ("a group of ones", from_scipy(stats.logser), ONES, "p", {}),
    ("a group that is always zero", Hurdle(Poisson()), ZEROS, "zero", ALSO),
    ("a group that is never zero", Hurdle(Poisson()), np.where(FEW & (GROUP == 0), 0, POSITIVE), "zero", ALSO),
    ("a group that is never zero", Hurdle(Gamma()), np.where(FEW & (GROUP == 0), 0, SHARES), "zero", ALSO),
    ("a group that is always zero", Zeros(), ZEROS, "zero", ALSO),
    (
        "a group without excess zeros",
        ZeroInflated(Poisson()),
        np.where(FEW & (GROUP == 0), 0, POSITIVE),
        "inflation",
        {"predictors": {"mean": [0], "inflation": "all"}},
    ),
    ("a group without ones", ZeroOneInflated(Beta()), HALF, "one", {"predictors": {"mean": [0], "one": "all"}}),
    ("a group of one component", TWO, PARTS, "logits", EXPERTS),
]
CASES = [
    Case(trait, BASIC, f"{type(law).__name__} {k}", functools.partial(separated, law, np.asarray(y, float), parameter, **more))
    for k, (trait, law, y, parameter, more) in enumerate(ENTRIES)
]
for law, codes, weight, entry in (
    (Ordinal(), CLASSES, CLASSES != 1, "gaps"),
    (Ordinal(), FOUR, FOUR != 1, "gaps[0]"),
    (Ordinal(), FOUR, FOUR != 2, "gaps[1]"),
):
    check = functools.partial(separated, law, codes, entry, weight.astype(float), what="the intercept", estimator=MLEClassifier)
    CASES.append(Case("a middle class of zero weight", BASIC, f"Ordinal {entry} of {codes.max() + 1}", check))

ORDINARY = [
    (Normal(), X[:, 0] + np.exp(0.3 * GROUP) * RNG.normal(size=N), {"predictors": {"scale": "all"}}),
    (NegativeBinomial(), RNG.negative_binomial(2, 0.4, N), {"predictors": {"dispersion": "all"}}),
    (StudentT(), RNG.standard_t(2, N), {"predictors": {"scale": "all", "df": "all"}}),
    (Gamma(), RNG.gamma(2, 1, N), {"predictors": {"shape": "all"}}),
    (Hurdle(Poisson()), np.where(FEW, 0, POSITIVE), ALSO),
    (Normal(), 1e9 * (X[:, 0] + RNG.normal(size=N)), {"predictors": {"scale": "all"}}),
    (Normal(), 1e-9 * (X[:, 0] + RNG.normal(size=N)), {"predictors": {"scale": "all"}}),
]
CASES += [
    Case(
        "no group at an edge",
        "the maximum exists: no group's likelihood is monotone",
        f"{type(law).__name__} {k}",
        functools.partial(settled, law, np.asarray(y, float), solver=solver, **more),
    )
    for k, (law, y, more) in enumerate(ORDINARY)
    for solver in ("auto", "lbfgs")
]


def penalised_zeros():
    """A penalty on the parameter that is separated gives it a maximum, as the warning says."""
    settled(Hurdle(Poisson()), ZEROS, alpha={"zero": 0.01}, **ALSO)


CASES.append(Case("a group that is always zero, with a penalty", "a penalised concave function", "Hurdle", penalised_zeros))


def one_positive_count(law):
    """In closed form: the mean is 0 on one side of the row and infinite on the other, where zeros are inflated ones."""

    def check():
        x = np.random.default_rng(0).normal(size=(60, 1))
        y = np.where(np.arange(60) == 3, 2.0, 0.0)
        sides = np.array([np.sum(x > x[3]), np.sum(x < x[3])])
        shares = sides / (sides + 1)  # of the inflation, from the rows whose mean is not 0
        expected = np.max(sides * np.log(shares) + np.log1p(-shares)) + stats.poisson.logpmf(2, 2)
        with (
            pytest.warns(BoundaryWarning, match="lower edge"),
            pytest.warns(SeparationWarning, match="column 0 .* 'mean'"),
        ):
            model = MLERegressor(ZeroInflated(law)).fit(x, y)
        assert not model.converged_
        assert model.loglikelihood_ == pytest.approx(expected, abs=1e-6)

    return check


CASES += [
    Case("one positive count", "closed form", f"ZeroInflated {type(law).__name__}", one_positive_count(law))
    for law in (NegativeBinomial(), PoissonInverseGaussian())
]


def zeros_beside_an_l1_penalty(penalised):
    """A penalty on one parameter holds no other back: it is separated, or not identified, as without the penalty."""

    def check():
        rng = np.random.default_rng(0)
        x, group = rng.normal(size=120), (np.arange(120) < 30) * 1.0
        y = np.where((group == 1) | (rng.uniform(size=120) < 0.3), 0, 1 + rng.poisson(2, 120))
        both = {"mean": "all", "zero": "all"}
        model = MLERegressor(Hurdle(Poisson()), predictors=both, alpha={penalised: 0.01}, l1_ratio={penalised: 1.0})
        X = np.column_stack([x, group])
        if penalised == "mean":
            with pytest.warns(SeparationWarning, match="along column 1 .* in its parameter 'zero'"):
                model.fit(X, y)
            assert not model.converged_
        else:
            with pytest.warns(IdentificationWarning, match="does not depend on column 1 in its parameter 'mean'"):
                model.fit(X, y)
            assert abs(model.coef_[1]) < 1e-12

    return check


CASES += [
    Case(
        f"a group of zeros, an L1 penalty on {name}", "no rise along the direction", "Hurdle", zeros_beside_an_l1_penalty(name)
    )
    for name in ("mean", "zero")
]
