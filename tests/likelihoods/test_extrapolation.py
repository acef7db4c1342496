"""Derivatives where the formulas of a law overflow: on the straight line that the log-likelihood has become."""

from __future__ import annotations

import numpy as np
from _laws import example, repeated
from scipy.special import gammaln

from sk_mle.domains import COUNT, POSITIVE
from sk_mle.likelihoods import Likelihood, MultivariateNormal
from sk_mle.likelihoods._fallbacks.algebra import Eval
from sk_mle.likelihoods._fallbacks.extrapolation import extrapolated_evaluation
from sk_mle.likelihoods._fallbacks.facts import sized


class Fragile(Likelihood):
    """Counts of a mean below which nothing is a number, as where the square of it underflows."""

    parameters = {"mean": POSITIVE}
    support = COUNT

    def __init__(self, *, mean=None, links=None):
        self.mean, self.links = mean, links

    def loglik(self, y, mean):
        return np.where(mean < 1e-100, np.nan, y * np.log(mean) - mean - gammaln(y + 1))


def test_log_likelihood_is_extrapolated_linearly():
    y, eta = np.array([0.0, 3.0, 2.0]), {"mean": np.array([-400.0, -400.0, 1.0])}
    law = Fragile()
    found = extrapolated_evaluation(law, y, eta, law.evaluate(y, eta, 2))
    expected = y * eta["mean"] - np.exp(eta["mean"]) - gammaln(y + 1)
    np.testing.assert_allclose(found.loglik, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.gradient["mean"], y - np.exp(eta["mean"]), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.information["mean", "mean"], np.exp(eta["mean"]), atol=1e-5)


def test_unbounded_log_likelihood_is_not_extrapolated():
    """No solver may take a value that was put in the place of none for better than what it has."""

    class Rising(Fragile):
        def loglik(self, y, mean):
            return np.where(mean < 1e-100, np.nan, -np.log(mean))

    y, eta = np.ones(1), {"mean": np.array([-400.0])}
    law = Rising()
    assert np.isnan(extrapolated_evaluation(law, y, eta, law.evaluate(y, eta, 2)).loglik).all()


def test_values_that_are_known_are_kept():
    """Where a line misses the value it is no line: the derivatives stay unknown."""
    y, eta = np.array([3.0, 3.0]), {"mean": np.array([-400.0, -400.0])}
    line = 3 * -400.0 - gammaln(4)
    nothing = np.full(2, np.nan)
    known = Eval(np.array([line, line + 5.0]), {"mean": nothing}, {("mean", "mean"): nothing})
    found = extrapolated_evaluation(Fragile(), y, eta, known)
    np.testing.assert_array_equal(found.loglik, known.loglik)
    np.testing.assert_allclose(found.gradient["mean"], [3.0, np.nan], rtol=1e-6)


def test_one_entry_of_a_vector_that_is_no_number_is_completed():
    law, rng = sized(MultivariateNormal(), 2), np.random.default_rng(0)
    theta = example(law, 0)
    y = law.rvs(rng, (3,), **repeated(theta, 3))
    eta = {name: law.layout[name].link.link(value) for name, value in repeated(theta, 3).items()}
    whole = law.evaluate(y, eta, 2)
    slopes = whole.gradient["scale"].copy()
    slopes[1, 0] = np.nan
    found = extrapolated_evaluation(law, y, eta, whole._replace(gradient={**whole.gradient, "scale": slopes}))
    np.testing.assert_allclose(found.gradient["scale"], whole.gradient["scale"], rtol=1e-12)
