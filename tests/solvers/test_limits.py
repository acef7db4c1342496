"""Fits of many rows whose maximum is at a limit of the law, or close to one, by a score test at the limit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sk_mle import MLERegressor
from sk_mle._model.evaluator import Evaluator
from sk_mle._solvers import multistart, start_on_sample
from sk_mle.likelihoods import NegativeBinomial, Normal, Poisson, StudentT, ZeroInflated
from sk_mle.likelihoods._counts import negative_binomial

N = 20_000
NAMES = {NegativeBinomial: "dispersion", ZeroInflated: "inflation", StudentT: "df"}


def sample(seed, dispersion=0.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, 10))
    eta = 0.5 + X @ rng.normal(size=10) * 0.15
    mean = np.exp(eta) * (rng.gamma(1 / dispersion, dispersion, N) if dispersion else 1.0)
    return X, eta + rng.normal(size=N), rng.poisson(mean).astype(float)


@pytest.fixture
def asked(monkeypatch):
    """The limits that fits tried."""
    seen, original = [], multistart.from_limits

    def from_limits(objective, *arguments):
        seen.append(objective.near_limits)
        return original(objective, *arguments)

    monkeypatch.setattr(multistart, "from_limits", from_limits)
    return seen


def by_newton(law, X, y):
    """The same fit without a sample, and so without a score test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start_on_sample, "MIN_ENTRIES_FOR_SUBSAMPLE", np.inf)
        return MLERegressor(law).fit(X, y)


@pytest.mark.parametrize("seed", [0, 1, 3])
@pytest.mark.filterwarnings("ignore:dispersion of NegativeBinomial ran")
def test_the_score_says_whether_the_dispersion_is_zero(seed, asked):
    X, _, y = sample(seed)
    found, poisson = MLERegressor(NegativeBinomial()).fit(X, y), MLERegressor(Poisson()).fit(X, y)
    assert asked[0] == {"dispersion": "lower"}
    mean = poisson.predict(X)
    rises = ((y - mean) ** 2 - y).sum() > 0  # twice the score of the dispersion at zero
    assert found.fit_.limits == ({} if rises else {"dispersion": "lower"})
    if rises:
        other = by_newton(NegativeBinomial(), X, y)
        assert found.loglikelihood_ == pytest.approx(other.loglikelihood_, rel=1e-12)
        assert found.intercepts_["dispersion"] == pytest.approx(other.intercepts_["dispersion"], rel=1e-6)
    else:
        assert found.loglikelihood_ == pytest.approx(poisson.loglikelihood_, abs=1e-6)
        np.testing.assert_allclose(found.coef_, poisson.coef_, rtol=1e-8)
        assert found.optimize_result_.n_passes <= 16


@pytest.mark.parametrize(("law", "edge"), [(ZeroInflated(Poisson()), "lower"), (StudentT(), "upper")], ids=str)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.filterwarnings("ignore:.* ran to the (lower|upper) edge")
def test_other_laws_end_where_newton_steps_do(law, edge, seed, asked):
    X, real, counts = sample(seed)
    y = counts if law.support.integer else real
    found = MLERegressor(law).fit(X, y)
    assert asked[0] == {NAMES[type(law)]: edge}
    limit = MLERegressor(Poisson() if law.support.integer else Normal()).fit(X, y)
    if found.fit_.limits:
        assert found.loglikelihood_ == pytest.approx(limit.loglikelihood_, abs=1e-5)
    else:
        assert found.loglikelihood_ > limit.loglikelihood_
        assert found.loglikelihood_ == pytest.approx(by_newton(law, X, y).loglikelihood_, rel=1e-12)


def test_a_maximum_next_to_a_limit_takes_few_hessians_of_all_rows(monkeypatch):
    orders, original = [], Evaluator.sums

    def sums(self, batch, coefficients, order, *arguments, **options):
        orders.append(order if len(batch.y) == N and not options.get("units") else 0)
        return original(self, batch, coefficients, order, *arguments, **options)

    X, _, y = sample(0)
    monkeypatch.setattr(Evaluator, "sums", sums)
    found = MLERegressor(NegativeBinomial()).fit(X, y)
    assert not found.fit_.limits
    assert found.converged_
    assert orders.count(2) <= 2  # where the search from next to the limit begins, and where it ends


def test_a_dispersion_held_at_zero_costs_what_poisson_does(monkeypatch):
    """Its log-likelihood and derivatives are those of scipy's Poisson, without what the dispersion adds."""

    def refused(*arguments, **options):
        raise AssertionError("the gamma part of the density was asked for")

    monkeypatch.setattr(negative_binomial, "rising_factorial_remainder", refused)
    y, mean = np.array([0.0, 1.0, 7.0, 400.0]), np.array([0.3, 2.0, 7.0, 390.0])
    law = NegativeBinomial(dispersion=0.0)
    np.testing.assert_allclose(law.loglik(y, mean=mean, dispersion=0.0), stats.poisson.logpmf(y, mean), rtol=1e-12)
    found = law.evaluate(y, {"mean": np.log(mean)}, 2)
    np.testing.assert_allclose(found.gradient["mean"], y - mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.information["mean", "mean"], mean, rtol=1e-12)


def test_no_limit_is_tried_far_from_one(asked):
    X, _, y = sample(0, dispersion=0.5)
    MLERegressor(NegativeBinomial()).fit(X, y)
    assert asked == [{}]
