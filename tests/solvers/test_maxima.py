"""The kind of maximum that a fit looks for follows from penalties, constraints and bias reduction."""

from types import SimpleNamespace

import pytest

from sk_mle._solvers.maxima import BiasReduction, ChosenPenalties, Constrained, Sparse, Unconstrained, method_for

GIVEN, OF_CURVES = SimpleNamespace(of_curves=False), SimpleNamespace(of_curves=True)


@pytest.mark.parametrize(
    ("l1", "chosen", "region", "penalty", "expected"),
    [
        (0.0, "", None, None, Unconstrained(None)),
        (0.0, "", OF_CURVES, None, Unconstrained(OF_CURVES)),
        (0.0, "", OF_CURVES, "mean", BiasReduction("mean")),
        (0.0, "", None, "jeffreys", BiasReduction("jeffreys")),
        (0.0, "", GIVEN, "jeffreys", Constrained(GIVEN, "jeffreys")),
        (0.0, "", GIVEN, None, Constrained(GIVEN, None)),
        (0.0, "reml", GIVEN, None, ChosenPenalties(GIVEN)),
        (0.0, "gcv", None, None, ChosenPenalties(None)),
        (0.5, "", GIVEN, None, Sparse(GIVEN)),
        (0.5, "", None, None, Sparse(None)),
    ],
)
def test_method(l1, chosen, region, penalty, expected):
    predictors = {"loc": SimpleNamespace(l1=l1, chosen=chosen), "scale": SimpleNamespace(l1=0.0, chosen="")}
    assert method_for(predictors, region, penalty) == expected
