"""Columns of which a part of a law sees no row: they count for nothing, and inference says which."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import stats

from ledger._case import Case
from sk_mle import MLERegressor
from sk_mle.exceptions import IdentificationWarning
from sk_mle.likelihoods import (
    Beta,
    Gamma,
    GeneralizedPoisson,
    Hurdle,
    Likelihood,
    NegativeBinomial,
    Poisson,
    Truncated,
    ZeroOneInflated,
)

RNG = np.random.default_rng(3)
N = 400
GROUP = (np.arange(N) < 120).astype(float)
PLAIN = RNG.normal(size=(N, 1))
X = np.column_stack([PLAIN, GROUP])
COUNTS = np.where(GROUP == 1, 0, RNG.poisson(2, N)).astype(float)
SPREAD = np.where(GROUP == 1, 0, RNG.negative_binomial(2, 0.3, N)).astype(float)
ENDS = np.where(RNG.uniform(size=N) < 0.5, 0.0, 1.0)
SHARES = np.where((GROUP == 1) | (RNG.uniform(size=N) < 0.1), ENDS, RNG.beta(2, 3, N))


class Parts(Likelihood):
    """A user's Hurdle(Poisson()), of which only `loglik` is written."""

    parameters = {**Poisson.parameters, **Hurdle.own}
    support = Poisson.support

    def loglik(self, y, mean, zero):
        rest = stats.poisson.logpmf(y, mean) - np.log(-np.expm1(-mean))
        return np.where(y == 0, np.log(zero), np.log1p(-zero) + rest)


def as_without(law, y, solver="auto", columns=X, parameter="mean", **options):
    """The fit is that without the column, in all figures; its coefficient is zero."""
    with pytest.warns(IdentificationWarning, match=rf"does not depend on column 1 in its parameter '{parameter}'.*predictors="):
        model = MLERegressor(law, solver=solver, **options).fit(columns, y)
    small = MLERegressor(law, solver=solver).fit(PLAIN, y)
    assert model.converged_
    assert model.n_params_ == small.n_params_
    assert model.loglikelihood_ == pytest.approx(small.loglikelihood_, rel=1e-9)
    assert model.aic_ == pytest.approx(small.aic_, rel=1e-9)
    np.testing.assert_allclose(model.coef_, [*small.coef_, *[0.0] * (columns.shape[1] - 1)], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(columns), small.predict(PLAIN), rtol=1e-5)
    inference, plain, told = (
        model.inference(columns, y),
        small.inference(PLAIN, y),
        f"depend on {parameter}:x1, on which no row",
    )
    assert told in str(inference.summary())
    known = inference.identified
    assert [name for name, is_known in zip(inference.names, known, strict=True) if not is_known] == [f"{parameter}:x1"]
    np.testing.assert_allclose(inference.bse[known], plain.bse, rtol=1e-5)
    with pytest.raises(ValueError, match=rf"{parameter}:x1 = 0 is not estimable: the likelihood does not {told}"):
        inference.wald_test(f"{parameter}:x1 = 0")


def shared_by_columns():
    """Where the rows that are left do not tell two columns apart, each has half of the coefficient."""
    other = (np.arange(N) % 7 == 3).astype(float)
    with pytest.warns(IdentificationWarning, match="columns 1, 2, 3 "):
        model = MLERegressor(Hurdle(Poisson())).fit(np.column_stack([X, other, GROUP + other]), COUNTS)
    small = MLERegressor(Hurdle(Poisson())).fit(np.column_stack([PLAIN, other]), COUNTS)
    assert model.n_params_ == small.n_params_
    np.testing.assert_allclose(model.coef_[[1, 2, 3]], small.coef_[1] * np.array([0, 0.5, 0.5]), rtol=1e-6, atol=1e-8)


def a_plateau(law, solver="auto"):
    """Where the mean is small enough, an under-dispersed law has no count above one: then the column says no more."""
    rng = np.random.default_rng(0)
    x, group = rng.normal(size=200), (np.arange(200) < 60) * 1.0
    y = np.where(group == 1, 1, 1 + rng.binomial(3, 0.5, 200))
    y = np.where(rng.uniform(size=200) < 0.3, 0, y) if isinstance(law, Hurdle) else y
    with pytest.warns(IdentificationWarning, match="does not depend on column 1 in its parameter 'mean'"):
        MLERegressor(law, solver=solver).fit(np.column_stack([x, group]), y)


BY_HAND = "the same law without the column, whose rows it does not see"
CASES = [
    Case(trait, BY_HAND, f"{type(law).__name__} {k}", functools.partial(as_without, law, y, **more))
    for k, (trait, law, y, more) in enumerate([
        ("a category without a positive row", Hurdle(Poisson()), COUNTS, {}),
        ("a category without a positive row", Hurdle(Poisson()), COUNTS, {"solver": "lbfgs"}),
        ("a category without a positive row", Hurdle(NegativeBinomial()), SPREAD, {}),
        ("a category without a positive row", Hurdle(Gamma()), 1.5 * COUNTS * RNG.gamma(4, 1, N), {}),
        ("a category of zeros and ones", ZeroOneInflated(Beta()), SHARES, {}),
        ("a category of zeros in a formula of a user", Parts(), COUNTS, {}),
    ])
]  # fmt: skip
CASES.append(Case("columns that the positive rows do not tell apart", BY_HAND, "Hurdle", shared_by_columns))
CASES += [
    Case(
        f"a group of ones, {solver}",
        "its masses",
        f"{type(law).__name__}(GeneralizedPoisson)",
        functools.partial(a_plateau, law, solver),
    )
    for law in (Truncated(GeneralizedPoisson(), low=0), Hurdle(GeneralizedPoisson()))
    for solver in ("auto", "lbfgs")
]
