"""Maxima and standard errors where the log-likelihood has kinks."""

from __future__ import annotations

from copy import copy

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import minimize

from sk_mle import MLEDensity, MLERegressor, censored
from sk_mle.datasets import make_mle_regression
from sk_mle.domains import POSITIVE, REAL
from sk_mle.exceptions import ConvergenceWarning
from sk_mle.likelihoods import AsymmetricLaplace, Censored, Laplace, Likelihood
from sk_mle.testing import check_likelihood

from ._case import Case


def intervals_of_a_quantile_regression():
    law, slopes, inside = AsymmetricLaplace(quantile=0.9), np.array([0.5, -0.3]), []
    for seed in range(12):
        data = make_mle_regression(law, 200, 2, coefs={"loc": slopes}, intercepts={"loc": 1.0, "scale": 0.0}, random_state=seed)
        low, high = MLERegressor(law).fit(data.X, data.y).inference(data.X, data.y).conf_int()[1:3].T
        inside += [*((low <= slopes) & (slopes <= high))]
    assert sum(inside) >= stats.binom.ppf(0.01, len(inside), 0.95)


def ties_and_censored_rows():
    """Three events at one time, three rows censored 0.1 later: loc is anywhere between, and scale 0.1."""
    model = MLEDensity(Censored(Laplace())).fit(censored([13, 13, 13, 13.1, 13.1, 13.1], event=[1, 1, 1, 0, 0, 0]))
    assert model.converged_
    assert model.loglikelihood_ == pytest.approx(-3 * (np.log(0.4) + 1), abs=1e-7)


def censored_quantile_regression():
    """loc passes through an event or two, which no gradient shows, and is no vertex, as censored rows are smooth."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=30)
    time = x + rng.laplace(size=30)
    event, seen = time <= 1.0, np.minimum(time, 1.0)

    def loss(at):
        z = (seen - at[0] - at[1] * x) / np.exp(at[2])
        return -np.where(event, stats.laplace.logpdf(z) - at[2], stats.laplace.logsf(z)).sum()

    model = MLERegressor(Censored(Laplace())).fit(x[:, None], censored(seen, event=event))
    at = np.array([model.intercept_, model.coef_[0], model.intercepts_["scale"]])
    starts = at + rng.normal(scale=0.1, size=(4, 3))
    options = {"xatol": 1e-8, "fatol": 1e-10}
    best = min(minimize(loss, start, method="Nelder-Mead", options=options).fun for start in starts)
    assert model.converged_
    assert model.loglikelihood_ >= -best - 1e-6
    with pytest.raises(ValueError, match=r"law inside Censored has kinks, .* or bootstrap"):
        model.inference(x[:, None], censored(seen, event=event))


def a_category_of_three_rows():
    """Its coefficient has no curvature by a kernel; the others have that of a fit to the other rows."""
    rng = np.random.default_rng(7)
    rare, x = (np.arange(200) < 3) * 1.0, rng.normal(size=200)
    X, y = pd.DataFrame({"x": x, "rare": rare}), 1 + x + rng.laplace(size=200)
    inference = MLERegressor(Laplace()).fit(X, y).inference(X, y)
    np.testing.assert_array_equal(inference.identified, [True, True, False, True])
    assert "only 3 rows depend on loc:rare, too few for a kernel" in str(inference.summary())
    others = MLERegressor(Laplace()).fit(X[["x"]][3:], y[3:]).inference(X[["x"]][3:], y[3:])
    np.testing.assert_allclose(inference.bse[[0, 1, 3]], others.bse, rtol=0.02)
    with pytest.raises(ValueError, match=r"loc:rare = 0 is not estimable: only 3 rows .* or use cov='expected'"):
        inference.wald_test("rare = 0")


class StraightLines(Likelihood):
    """A Laplace law whose author forgot that it has kinks."""

    parameters = {"loc": REAL, "scale": POSITIVE}

    def loglik(self, y, loc, scale):
        return -self.size((y - loc) / scale) - np.log(2 * scale)

    def size(self, z):
        return np.abs(z)


class HalfDeclared(StraightLines):
    smooth = False


class Declared(HalfDeclared):
    width = 0.0

    def kinks(self, y, **params):
        return y

    def smoothed(self, width):
        law = copy(self)
        law.width = width
        return law

    def size(self, z):
        return np.sqrt(z**2 + self.width**2) if self.width else np.abs(z)


def kinks_that_are_not_declared():
    """A message in place of a KeyError, and its advice works."""
    x = np.arange(9.0)[:, None]
    y = 2 * x[:, 0] + [0.1, -0.3, 0.2, 0.0, 0.5, -0.2, 0.4, -0.1, 0.3]
    with pytest.warns(ConvergenceWarning, match="linear in loc between kinks.*declare smooth = False, and write kinks and"):
        MLERegressor(StraightLines()).fit(x, y)
    with pytest.raises(TypeError, match=r"smooth = False needs kinks and smoothed: kinks\(self, y, \*\*params\) returns"):
        MLERegressor(HalfDeclared()).fit(x, y)
    with pytest.raises(
        AssertionError, match="derivatives: found the log-likelihood of StraightLines is linear in loc between kinks"
    ):
        check_likelihood(StraightLines(), skip=("recovery", "weights", "sampler", "moments"))
    found = MLERegressor(Declared()).fit(x, y)
    assert found.loglikelihood_ == pytest.approx(MLERegressor(Laplace()).fit(x, y).loglikelihood_, abs=1e-9)


def tails_beside_a_kink():
    y = np.array([-4.0, -0.2, 0.3, 0.31, 5.0])
    params = {"loc": np.full(5, 0.3), "scale": np.full(5, 1.3)}
    np.testing.assert_allclose(StraightLines().cdf(y, **params), stats.laplace.cdf(y, 0.3, 1.3), rtol=1e-9)
    np.testing.assert_allclose(StraightLines().sf(y, **params), stats.laplace.sf(y, 0.3, 1.3), rtol=1e-9)


CASES = [
    Case("kinks that are not declared", "the shipped law", "a user's Laplace law", kinks_that_are_not_declared),
    Case("tails of a density with a kink", "scipy", "a user's Laplace law", tails_beside_a_kink),
    Case("a category of three rows", "the fit to the other rows", "Laplace", a_category_of_three_rows),
    Case("a kink, 200 rows", "the truth of a simulation", "AsymmetricLaplace", intervals_of_a_quantile_regression),
    Case("ties, and rows censored later", "a closed form", "Censored(Laplace)", ties_and_censored_rows),
    Case("censored rows", "Nelder and Mead's method", "Censored(Laplace)", censored_quantile_regression),
]
