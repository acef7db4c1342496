"""A warm start after a change of units."""

import numpy as np
import pytest

from ledger._case import Case
from sk_mle import MLERegressor
from sk_mle.likelihoods import Gamma


def _tenfold():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = np.exp(1 + X @ [0.5, -0.3]) * rng.gamma(2, size=300)
    model = MLERegressor(Gamma(), warm_start=True).fit(X, y)
    before, coef = model.loglikelihood_, model.coef_
    model.fit(10 * X, y)
    assert model.converged_
    assert model.loglikelihood_ == pytest.approx(before, rel=1e-12)
    assert model.coef_ == pytest.approx(coef / 10, rel=1e-6)


CASES = [Case("warm start, columns times ten", "the maximum does not depend on the columns' units", "Gamma", _tenfold)]
