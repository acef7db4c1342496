"""An earlier fit is a start where it is a good one: after a change of units a fit begins anew."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sk_mle import MLEClassifier, MLERegressor
from sk_mle.likelihoods import Bernoulli, Gamma, Gumbel, InverseGaussian, LogNormal, Normal, Poisson, Tweedie, Weibull

CHANGES = {
    "X * 10": lambda X: 10 * X,
    "X * 1000": lambda X: 1000 * X,
    "X / 1000": lambda X: X / 1000,
    "X + 100": lambda X: X + 100,
    "-X": lambda X: -X,
    "other order": lambda X: X[:, ::-1],
}


def sample(law, n=300):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    eta = 0.5 + X @ [0.5, -0.3, 0.8]
    if law.target_type == "classes":
        return X, (rng.logistic(size=n) < eta).astype(int)
    if law.support.integer:
        return X, rng.poisson(np.exp(eta))
    return X, np.exp(eta) * rng.gamma(2, size=n)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "law",
    [Gamma(), Poisson(), Weibull(), InverseGaussian(), LogNormal(), Gumbel(), Tweedie(), Normal(), Bernoulli()],
    ids=lambda law: type(law).__name__,
)
def test_warm_start_after_a_change_of_units_ends_where_a_cold_one_does(law, change):
    X, y = sample(law)
    estimator = (MLEClassifier if law.target_type == "classes" else MLERegressor)(law)
    cold = estimator.fit(CHANGES[change](X), y)
    loglikelihood, n_iter = cold.loglikelihood_, cold.n_iter_
    warm = estimator.set_params(warm_start=True).fit(X, y).fit(CHANGES[change](X), y)
    assert warm.converged_
    assert_allclose(warm.loglikelihood_, loglikelihood, rtol=1e-10)
    assert warm.n_iter_ <= n_iter + 1


def test_a_good_earlier_fit_is_the_start():
    X, y = sample(Gamma())
    model = MLERegressor(Gamma(), warm_start=True).fit(X, y)
    assert model.fit(X, y).n_iter_ <= 1
    assert model.fit(X[:290], y[:290]).n_iter_ <= 5
