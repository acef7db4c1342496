"""The constructor's arguments of estimators: as scikit-learn finds them, but their names are looked up once per class."""

import pytest
from sklearn.base import BaseEstimator, clone

from sk_mle import MLEClassifier, MLEDensity, MLERegressor
from sk_mle.likelihoods import Censored, Gamma, Normal, Weibull
from sk_mle.links import Softplus


class Renamed(MLERegressor):
    """A subclass with arguments of its own."""

    def __init__(self, law=None, *, alpha=0.0):
        self.law, self.alpha = law, alpha


@pytest.mark.parametrize(
    "estimator",
    [
        MLERegressor(Normal(scale=1.0), alpha=0.5),
        MLERegressor(Censored(Weibull(shape=2.0))),
        MLERegressor(Gamma, alpha={"mean": 1.0}),  # a class has no arguments
        MLEClassifier(),
        MLEDensity(Gamma(links={"mean": Softplus()})),
        Renamed(Normal(), alpha=1.0),
        Normal(),
    ],
)
@pytest.mark.parametrize("deep", [True, False])
def test_arguments_are_those_that_scikit_learn_finds(estimator, deep):
    assert estimator.get_params(deep) == BaseEstimator.get_params(estimator, deep)
    assert list(clone(estimator).get_params(deep)) == list(estimator.get_params(deep))


def test_names_of_arguments_are_looked_up_once_per_class():
    lookups = []

    class Counted(MLERegressor):
        @classmethod
        def _get_param_names(cls):
            lookups.append(cls)
            return super()._get_param_names()

    for alpha in range(5):
        clone(Counted(Normal())).set_params(alpha=alpha)
    assert len(lookups) == 1
