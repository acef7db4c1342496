"""Fits to values of which most are bounds."""

import numpy as np
import pytest

from ledger._case import Case
from sk_mle import MLEDensity
from sk_mle.likelihoods import Cauchy, Censored, StudentT

SOURCE = "the best of 30 starts of Nelder-Mead on scipy.stats.t"


def _ends(law, bounds, values, expected, left):
    def check():
        rng = np.random.default_rng(0)
        if left:
            events = np.abs(rng.normal(2, 1, size=values))
            y = np.column_stack([np.r_[np.full(bounds, -np.inf), events], np.r_[np.zeros(bounds), events]])
        else:
            rng.normal(2, 1, size=10)
            times = rng.weibull(1.5, size=bounds + values) * 10
            end = np.quantile(times, 0.3)
            y = np.column_stack([np.minimum(times, end), np.where(times <= end, times, np.inf)])
        model = MLEDensity(Censored(law)).fit(y)
        assert model.converged_
        assert model.n_iter_ < 20
        assert model.loglikelihood_ == pytest.approx(expected, abs=1e-6)

    return check


CASES = [
    Case("40 zeros that are bounds, 10 positives", SOURCE, "Cauchy", _ends(Cauchy(), 40, 10, -45.573587246, True)),
    Case("40 zeros that are bounds, 10 positives", SOURCE, "StudentT", _ends(StudentT(df=1), 40, 10, -45.573587246, True)),
    Case("the largest 70% censored", SOURCE, "Cauchy", _ends(Cauchy(), 35, 15, -61.569232872, False)),
]
