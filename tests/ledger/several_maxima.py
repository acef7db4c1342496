"""Small samples that a law does not describe: of several maxima the highest, and a lower one in `optimize_result_`."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import optimize, stats

from ledger._case import Case
from sk_mle import MLERegressor
from sk_mle.datasets import make_mle_regression
from sk_mle.exceptions import BoundaryWarning
from sk_mle.likelihoods import Censored, ExponentiallyModifiedNormal, GeneralizedNormal, InverseGaussian, StudentT, VonMises


def two_groups(law, seed):
    """Two groups of values in a regression on a column that has nothing to do with them."""
    rng = np.random.default_rng(1000 + seed)
    y = np.where(rng.uniform(size=24) < 0.5, rng.normal(size=24), 3 + 0.2 * rng.normal(size=24))
    return make_mle_regression(law, 24, 1, random_state=500 + seed).X, y


def finds(law, seed, transform, near, density, lower):
    """`density(y, line, logs...)` of scipy, whose highest maximum, of those from many starts, is next to `near`."""

    def check():
        X, y = two_groups(law, seed)
        y = transform(y)
        with np.errstate(all="ignore"):
            right = optimize.minimize(
                lambda p: -np.sum(density(y, p[0] + p[1] * X[:, 0], *np.exp(p[2:]))), near, method="Nelder-Mead"
            ).fun
        model = MLERegressor(law).fit(X, y)
        assert model.converged_
        assert model.loglikelihood_ == pytest.approx(-right, abs=1e-4)
        assert model.optimize_result_.other_maximum == pytest.approx(lower, abs=1e-4)

    return check


def is_normal():
    X, y = two_groups(StudentT(), 0)
    with pytest.warns(BoundaryWarning, match="df of StudentT ran to the upper edge.*Normal"):
        model = MLERegressor(StudentT()).fit(X, y)
    residuals = y - np.polyval(np.polyfit(X[:, 0], y, 1), X[:, 0])
    assert model.loglikelihood_ == pytest.approx(stats.norm.logpdf(residuals, 0, residuals.std()).sum(), abs=1e-6)
    assert model.optimize_result_.other_maximum == pytest.approx(-41.89062, abs=1e-4)


def simulated(law, seed):
    """24 rows that follow the law."""
    return make_mle_regression(law, 24, 1, random_state=500 + seed)[:2]


def power_exponential(draw, seed, shape, edge):
    """The supremum at one end of the shapes: by scipy at 100, the best line through two rows at 1/2."""

    def check():
        X, z = draw(GeneralizedNormal(), seed)
        A = np.column_stack([np.ones(24), X])

        def lost(b):
            r = np.abs(z - A @ b)
            largest = r.max()
            scale = largest * (shape * np.mean((r / largest) ** shape)) ** (1 / shape)
            return -stats.gennorm.logpdf(r, shape, 0, scale).sum()

        if shape > 1:
            options = {"xatol": 1e-10, "fatol": 1e-11}
            right = optimize.minimize(lost, np.linalg.lstsq(A, z, rcond=None)[0], method="Nelder-Mead", options=options).fun
        else:
            right = min(lost(np.linalg.solve(A[list(pair)], z[list(pair)])) for pair in combinations(range(24), 2))
        with pytest.warns(BoundaryWarning, match=f"shape of GeneralizedNormal ran to the {edge} edge"):
            model = MLERegressor(GeneralizedNormal()).fit(X, z)
        assert model.loglikelihood_ == pytest.approx(-right, abs=1e-5)
        assert np.isfinite(model.intercepts_["shape"])

    return check


def far_interval():
    """The first row, known to lie below 2, is at an infinite mean: the highest maximum has the slope of the others."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=100)
    y, kind = rng.wald(np.exp(1 - 0.5 * x), 2.0), np.arange(100) % 4
    low, high = y * np.array([1.0, 0.0, 0.8, 0.8])[kind], y * np.array([1.0, 1.2, np.inf, 1.2])[kind]
    x[0], low[0], high[0] = -9999.0, 0.0, 2.0
    model = MLERegressor(Censored(InverseGaussian())).fit(x[:, None], np.column_stack([low, high]))
    assert model.converged_
    assert model.loglikelihood_ == pytest.approx(-150.98794906, abs=1e-6)
    assert model.optimize_result_.other_maximum == pytest.approx(-155.31751, abs=1e-3)


def inverse_gaussian(y, line, shape):
    return stats.invgauss.logpdf(y, np.exp(line) / shape, scale=shape)


def exponnorm(y, line, scale, mean):
    return stats.exponnorm.logpdf(y, mean / scale, line, scale)


def von_mises(y, line, concentration):
    return stats.vonmises.logpdf(y, concentration, 2 * np.arctan(line))


BEST = "scipy.stats' density, Nelder-Mead from many starts"
INVERSE_GAUSSIAN = finds(InverseGaussian(), 2, np.exp, [3.37, -2.02, 0.1], inverse_gaussian, -62.69548)
EMG = finds(ExponentiallyModifiedNormal(), 2, np.array, [-0.825, -0.368, -0.334, 0.49], exponnorm, -44.72039)
WRAPPED = finds(VonMises(), 2, lambda z: np.pi * np.tanh((z - 1.5) / 2), [1.33, 15.4, -0.08], von_mises, -40.18460)
CASES = [
    Case("two groups: a steep slope and a small shape", BEST, "InverseGaussian", INVERSE_GAUSSIAN),
    Case("two groups: below all of them", BEST, "ExponentiallyModifiedNormal", EMG),
    Case("two groups: of many windings the highest maximum", BEST, "VonMises", WRAPPED),
    Case("two groups: a maximum below the normal limit", "closed form of the normal law", "StudentT", is_normal),
    Case("24 rows, almost uniform", "scipy's gennorm", "GeneralizedNormal", power_exponential(simulated, 1, 100.0, "upper")),
    Case("two groups: many vertices", "every vertex", "GeneralizedNormal", power_exponential(two_groups, 0, 0.5, "lower")),
    Case("one row far out, known to an interval", "scipy's invgauss and levy, Nelder-Mead", "InverseGaussian", far_interval),
]
