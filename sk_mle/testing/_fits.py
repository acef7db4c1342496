"""Checks that fit models: start, weights, recovery of the parameters behind simulated data."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from scipy import stats

from .._estimators.classifier import MLEClassifier
from .._estimators.regressor import MLERegressor
from ..datasets import make_mle_regression
from ..likelihoods import Likelihood
from ..likelihoods._functions import n_classes, sized
from ._tools import close, draw, expect, repeat_row


def start(law: Likelihood, rng: np.random.Generator) -> None:
    """`start` gives every parameter a value in its domain."""
    law, _, theta = draw(law, rng, 1)
    y = np.asarray(law.rvs(rng, (300,), **repeat_row(theta, 0, 300)), float)
    _check_start(law, y, rng.uniform(0.5, 2, 300), "")
    if law.target_type == "number":
        with suppress(ValueError):  # a law may refuse what says nothing of a parameter, in words
            _check_start(law, y[:1], np.ones(1), " where y is a single value")


def _check_start(law: Any, y: Any, weight: np.ndarray, where: Any) -> None:
    values = law.start(y, weight)
    for name in law.layout.free:
        expect(name in values, f"start without {name}{where}", f"values for {law.layout.free}")
        inside = law.layout[name].domain.contains(values[name])
        expect(np.all(inside), f"start {name} = {values[name]}{where}", f"a value in {law.layout[name].domain}")


def _model(law: Any) -> Any:
    """The model that `make_mle_regression` simulates: the first estimated parameter on all columns."""
    return (MLEClassifier if law.target_type == "classes" else MLERegressor)(law, predictors={law.layout.free[0]: "all"})


def _simulated(law: Any, n: Any, p: Any, rng: np.random.Generator) -> Any:
    """Simulated data in which every class occurs, since a fit takes the number of classes from y."""
    for _ in range(200):
        data = make_mle_regression(law, n_samples=n, n_features=p, random_state=int(rng.integers(2**31)))
        if law.target_type != "classes" or len(np.unique(data.y)) == n_classes(sized(law)):
            break
    return data


def weights(law: Likelihood, rng: np.random.Generator) -> None:
    """Integer weights and repeated rows give the same fit."""
    X, y, _, _ = _simulated(law, 120, 1, rng)
    weight = rng.integers(0, 4, len(y)).astype(float)
    if law.target_type == "classes":
        weight[:60] = np.maximum(weight[:60], 1)
        weight[np.unique(y, return_index=True)[1]] = 1
    repeated_rows = np.repeat(np.arange(len(y)), weight.astype(int))
    weighted_fit, repeated_fit = (
        _model(law).fit(X, y, sample_weight=weight),
        _model(law).fit(X[repeated_rows], y[repeated_rows]),
    )
    close(
        weighted_fit.loglikelihood_,
        repeated_fit.loglikelihood_,
        1e-9,
        1e-7,
        "log-likelihood with weights against repeated rows",
    )
    close(weighted_fit.coef_, repeated_fit.coef_, 1e-5, 1e-5, "coefficients with weights against repeated rows")


def recovery(law: Likelihood, rng: np.random.Generator) -> None:
    """A fit to simulated data converges, near the true coefficients and log-likelihood."""
    n = 3000
    X, y, coefs, intercepts = _simulated(law, n, 2, rng)
    model = _model(law).fit(X, y)
    expect(model.converged_, f"no convergence (gradient {model.optimize_result_.gradient_size:.1e})", "a converged fit")
    law = model.likelihood_
    eta = {name: X @ np.asarray(coefs[name]).T + intercepts[name] for name in law.layout.free}
    at_truth = law.evaluate(y, eta, 2, "expected")
    gain = model.loglikelihood_ - at_truth.loglik.sum()
    limit = stats.chi2.isf(1e-7, model.n_params_) / 2
    expect(
        -1e-6 <= gain <= limit,
        f"log-likelihood {gain:.4g} above that of the truth",
        f"between 0 and {limit:.3g}, by the chi-squared law",
    )
    first = law.layout.free[0]
    coefficients = np.atleast_2d(model.coefs_[first])
    # of kinks without a formula, the variance of the score
    information = at_truth.information.get((first, first), at_truth.gradient[first] ** 2)
    basis = law.layout[first].basis
    basis = np.eye(1) if basis is None else basis
    mean_information = np.abs(information).mean() * np.eye(1) if information.ndim == 1 else information.mean(axis=0)
    coefficient_covariance = (
        basis @ np.linalg.inv(n * basis.T @ mean_information @ basis + 1e-300 * np.eye(basis.shape[1])) @ basis.T
    )
    coefficients, expected = (basis @ basis.T @ value for value in (coefficients, np.atleast_2d(coefs[first])))
    error = np.sqrt(np.abs(np.diag(coefficient_covariance)))[:, None]
    close(coefficients, expected, 0, 12 * error, f"coefficients of {first} against those of the simulation")
