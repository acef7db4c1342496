"""Starts of laws some of whose parameters are known, where rows lie far out."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import optimize, stats

from ledger._case import Case
from sk_mle import MLEDensity, MLERegressor
from sk_mle.likelihoods import Fixed, GeneralizedExtremeValue, Gompertz, Gumbel, GumbelMin, JohnsonSU

X = np.random.default_rng(0).normal(size=(300, 1))


def far(sign):
    y = np.random.default_rng(1).gumbel(size=300)
    y[::20] *= -60
    return sign * y


def gumbel(law, sign):
    """A closed form without columns; with one, the gradient in the slope vanishes too."""
    y, scale = far(sign), 2.0
    flat = MLEDensity(law).fit(y[:, None])
    loc = -scale * (np.log(np.mean(np.exp(-(sign * y - (sign * y).min()) / scale))) - (sign * y).min() / scale)
    assert flat.params_["loc"] == pytest.approx(sign * loc, rel=1e-9)
    model = MLERegressor(law).fit(X, y)
    terms = np.exp(-(sign * (y - X @ model.coef_ - model.intercepts_["loc"])) / scale)
    assert model.converged_
    assert abs(np.mean(terms) - 1) < 1e-6
    assert abs(np.mean(X[:, 0] * (1 - terms))) < 1e-6


def shape_of_extremes():
    y = np.random.default_rng(2).gumbel(size=60)
    y[:3] = -30.0
    model = MLEDensity(Fixed(GeneralizedExtremeValue(), {"shape": 0.3})).fit(y[:, None])

    def nll(point):
        with np.errstate(all="ignore"):
            return -stats.genextreme.logpdf(y, -0.3, point[0], np.exp(point[1])).sum()

    best = optimize.minimize(nll, [0.0, 3.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 5000})
    assert model.converged_
    assert model.loglikelihood_ == pytest.approx(-best.fun, abs=1e-6)


def shape_of_growth():
    y = np.r_[np.random.default_rng(3).exponential(size=40), 300.0]
    model = MLEDensity(Fixed(Gompertz(), {"shape": 0.4})).fit(y[:, None])
    rate = len(y) / (np.expm1(0.4 * y) / 0.4).sum()
    assert model.converged_
    assert model.params_["rate"] == pytest.approx(rate, rel=1e-9)


def tails_of_johnson():
    y = np.random.default_rng(4).normal(size=41)
    y[0] = 1e5
    model = MLEDensity(JohnsonSU(skew=0.0, tail=100.0)).fit(y[:, None])
    assert model.converged_
    assert model.loglikelihood_ > stats.norm.logpdf(y, y.mean(), y.std()).sum()  # which it becomes as the tail grows


CASES = [
    Case("scale known, rows far below", "a closed form", "Gumbel", functools.partial(gumbel, Gumbel(scale=2.0), 1)),
    Case("scale known, rows far above", "a closed form", "GumbelMin", functools.partial(gumbel, GumbelMin(scale=2.0), -1)),
    Case("shape known, rows far below", "Nelder-Mead on scipy.stats", "GeneralizedExtremeValue", shape_of_extremes),
    Case("shape known, a row 300 means above", "a closed form", "Gompertz", shape_of_growth),
    Case("tail known, a row 1e5 scales above", "the normal law, its limit", "JohnsonSU", tails_of_johnson),
]
