"""Checks that fit models: start, weights, recovery of the parameters behind simulated data."""

from __future__ import annotations

import numpy as np
from scipy import stats

from .._classifier import MLEClassifier
from .._regressor import MLERegressor
from ..datasets import make_mle_regression
from ._tools import close, draw, expect


def start(law, rng):
    law, _, theta = draw(law, rng, 1)
    row = {name: np.repeat(np.atleast_1d(value)[:1], 300, axis=0) for name, value in theta.items()}
    y = np.asarray(law.rvs(rng, (300,), **row), float)
    found = law.start(y, rng.uniform(0.5, 2, 300))
    for name in law.free:
        expect(name in found, f"start without {name}", f"values for {law.free}")
        inside = law.parameters[name].contains(found[name])
        expect(np.all(inside), f"start {name} = {found[name]}", f"a value in {law.parameters[name]}")


def _model(law):
    return (MLEClassifier if law.classes else MLERegressor)(law)


def weights(law, rng):
    X, y, _, _ = make_mle_regression(law, n_samples=120, n_features=1, random_state=int(rng.integers(2**31)))
    weight = rng.integers(0, 4, len(y)).astype(float)
    if law.classes:
        weight[:60] = np.maximum(weight[:60], 1)
    repeated = np.repeat(np.arange(len(y)), weight.astype(int))
    one, other = _model(law).fit(X, y, sample_weight=weight), _model(law).fit(X[repeated], y[repeated])
    close(one.loglikelihood_, other.loglikelihood_, 1e-9, 1e-7, "log-likelihood with weights against repeated rows")
    close(one.coef_, other.coef_, 1e-5, 1e-5, "coefficients with weights against repeated rows")


def recovery(law, rng):
    n = 3000
    X, y, coefs, intercepts = make_mle_regression(law, n_samples=n, n_features=2, random_state=int(rng.integers(2**31)))
    model = _model(law).fit(X, y)
    expect(model.converged_, f"no convergence (gradient {model.optimize_result_.gradient_size:.1e})", "a converged fit")
    law = model.likelihood_
    eta = {name: X @ np.asarray(coefs[name]).T + intercepts[name] for name in law.free}
    truth = law.evaluate(y, eta, 2, "expected")
    gain = model.loglikelihood_ - truth.loglik.sum()
    limit = stats.chi2.isf(1e-7, model.n_params_) / 2
    expect(
        -1e-6 <= gain <= limit,
        f"log-likelihood {gain:.4g} above that of the truth",
        f"between 0 and {limit:.3g}, by the chi-squared law",
    )
    first = law.free[0]
    slope = np.atleast_2d(model.coefs_[first])
    information = truth.information[first, first]
    information = information if information.ndim == 1 else np.einsum("nkk->n", information) / information.shape[1] ** 2
    error = 1 / np.sqrt(max(np.mean(np.abs(information)) * n, 1e-300))
    expected = np.atleast_2d(coefs[first])
    if law.contrast(first) is not None:
        slope, expected = (value - value.mean(axis=0) for value in (slope, expected))
    close(slope, expected, 0, 12 * error, f"coefficients of {first} against those of the simulation")
