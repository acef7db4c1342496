"""scikit-learn's `check_estimator` for the laws of the catalogue; the gate leaves it out with the oldest dependencies."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from test_estimator_checks import FOUNDATION, estimators, expected_failures, run

from sk_mle.likelihoods import LAWS

pytestmark = pytest.mark.filterwarnings("default")

SLOW = {  # a quarter of a minute each and more
    "GeneralizedExtremeValue", "GeneralizedPareto", "SkewT", "ConwayMaxwellPoisson", "GeneralizedGamma", "Gompertz",
    "JohnsonSU", "SinhArcsinh", "SkewNormal", "ExponentiallyModifiedNormal",
}  # fmt: skip
OTHERS = [law for law in LAWS.values() if law not in FOUNDATION]


def of_laws(slow: bool):
    """The checks of laws that are slow, or of those that are not."""
    chosen = [estimator for law in OTHERS if (law.__name__ in SLOW) == slow for estimator in estimators(law())]
    return parametrize_with_checks(chosen, expected_failed_checks=expected_failures)


@of_laws(slow=False)
def test_check_estimator(estimator, check):
    run(estimator, check)


@pytest.mark.exhaustive
@of_laws(slow=True)
def test_check_estimator_of_slow_laws(estimator, check):
    run(estimator, check)
