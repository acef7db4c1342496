"""Counts that as many columns as rows reproduce, under laws that may be as narrow as one count."""

import numpy as np
import pytest

from ledger._case import Case
from sk_mle import MLEDensity, MLERegressor
from sk_mle.exceptions import BoundaryWarning, SeparationWarning
from sk_mle.likelihoods import ConwayMaxwellPoisson, GeneralizedPoisson, Lomax, Truncated


def _rows():
    rng = np.random.RandomState(42)  # those of scikit-learn's check of weights
    return rng.rand(15, 30), rng.randint(0, 3, size=15), rng.randint(0, 5, size=15)


def _told(law, *data):
    with pytest.warns((SeparationWarning, BoundaryWarning), match="grows without end|dispersion of .* ran to the lower edge"):
        return MLERegressor(law).fit(*data)


def _certain(law):
    def check():
        X, y, weight = _rows()
        weighted = _told(law, X, y, weight)
        repeated = _told(law, X.repeat(weight, axis=0), y.repeat(weight))
        for model in (weighted, repeated):
            assert model.loglikelihood_ == pytest.approx(0.0, abs=1e-8)
        np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(weighted.predict(X[weight > 0]), y[weight > 0], atol=1e-7)

    return check


def _exponential():
    X, y, weight = _rows()
    with pytest.warns(BoundaryWarning, match="shape of Lomax ran to the upper edge.*Exponential"):
        model = MLERegressor(Lomax()).fit(X, y + 1.0, sample_weight=weight)
    assert model.loglikelihood_ == pytest.approx(-weight @ (1 + np.log(y + 1.0)), abs=1e-6)


def _few_values(law, y, precision):
    """A law as narrow as one count, or two beside each other, gives them the probabilities that were observed."""

    def check():
        with pytest.warns(BoundaryWarning, match=f"dispersion of {type(law).__name__} ran to the lower edge"):
            model = MLEDensity(law).fit(np.array(y)[:, None])
        assert model.converged_
        counts = np.unique(y, return_counts=True)[1]
        assert model.loglikelihood_ == pytest.approx(counts @ np.log(counts / len(y)), abs=precision)

    return check


SUPREMUM = "no count is more than certain"
CONSTANT, TWO_COUNTS, TWO_ROWS = [2.0] * 20, [3.0, 4] * 10, [1.0, 2]

CASES = [
    Case("15 rows and 30 columns", SUPREMUM, "GeneralizedPoisson", _certain(GeneralizedPoisson())),
    Case("15 rows and 30 columns", SUPREMUM, "ConwayMaxwellPoisson", _certain(ConwayMaxwellPoisson())),
    *(
        Case(f"counts {y}", "observed shares", type(law).__name__, _few_values(law, y, precision))
        for law, samples, precision in (
            (ConwayMaxwellPoisson(), (CONSTANT, TWO_COUNTS, TWO_ROWS), 1e-6),
            (GeneralizedPoisson(), (CONSTANT, TWO_COUNTS, TWO_ROWS), 1e-4),  # whose mean is then next to the end of its support
            (Truncated(GeneralizedPoisson(), low=0), (CONSTANT, TWO_COUNTS), 1e-4),
        )
        for y in samples
    ),
    Case("15 rows and 30 columns", "the exponential law's closed form, its limit", "Lomax", _exponential),
]
