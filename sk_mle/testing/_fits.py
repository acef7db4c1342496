"""Checks that fit models: start, weights, recovery of the parameters behind simulated data."""

from __future__ import annotations

import numpy as np
from scipy import stats

from .._estimators.classifier import MLEClassifier
from .._estimators.regressor import MLERegressor
from ..datasets import make_mle_regression
from ..likelihoods._fallbacks.facts import sized
from ._tools import close, draw, expect, repeated


def start(law, rng):
    law, _, theta = draw(law, rng, 1)
    y = law.observe(rng, np.asarray(law.rvs(rng, (300,), **repeated(theta, 0, 300)), float))
    found = law.start(y, rng.uniform(0.5, 2, 300))
    for name in law.free:
        expect(name in found, f"start without {name}", f"values for {law.free}")
        inside = law.parameter(name).domain.contains(found[name])
        expect(np.all(inside), f"start {name} = {found[name]}", f"a value in {law.parameter(name).domain}")


def _model(law):
    """What `make_mle_regression` simulates: the first estimated parameter on all columns."""
    return (MLEClassifier if law.target_type == "classes" else MLERegressor)(law, predictors={law.free[0]: "all"})


def _simulated(law, n, p, rng):
    """Simulated data, of class laws such in which every class occurs: a fit takes their number from y."""
    for _ in range(200):
        data = make_mle_regression(law, n_samples=n, n_features=p, random_state=int(rng.integers(2**31)))
        if law.target_type != "classes" or len(np.unique(data.y)) == getattr(sized(law), "n_classes", 2):
            break
    return data


def weights(law, rng):
    X, y, _, _ = _simulated(law, 120, 1, rng)
    weight = rng.integers(0, 4, len(y)).astype(float)
    if law.target_type == "classes":
        weight[:60] = np.maximum(weight[:60], 1)
        weight[np.unique(y, return_index=True)[1]] = 1
    repeated = np.repeat(np.arange(len(y)), weight.astype(int))
    one, other = _model(law).fit(X, y, sample_weight=weight), _model(law).fit(X[repeated], y[repeated])
    close(one.loglikelihood_, other.loglikelihood_, 1e-9, 1e-7, "log-likelihood with weights against repeated rows")
    close(one.coef_, other.coef_, 1e-5, 1e-5, "coefficients with weights against repeated rows")


def recovery(law, rng):
    n = 3000
    X, y, coefs, intercepts = _simulated(law, n, 2, rng)
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
    basis = law.parameter(first).basis
    basis = np.eye(1) if basis is None else basis
    mean = np.abs(information).mean() * np.eye(1) if information.ndim == 1 else information.mean(axis=0)
    spread = basis @ np.linalg.inv(n * basis.T @ mean @ basis + 1e-300 * np.eye(basis.shape[1])) @ basis.T
    slope, expected = (basis @ basis.T @ value for value in (slope, np.atleast_2d(coefs[first])))
    error = np.sqrt(np.abs(np.diag(spread)))[:, None]
    close(slope, expected, 0, 12 * error, f"coefficients of {first} against those of the simulation")
