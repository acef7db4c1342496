"""Maximum likelihood as scikit-learn estimators."""

from . import diagnostics, displays, domains, inference, likelihoods, links, metrics, predictors, selection
from ._estimators.classifier import MLEClassifier
from ._estimators.density import MLEDensity
from ._estimators.regressor import MLERegressor
from ._predictive.distribution import Distribution
from ._predictive.unwrapping import predict_dist
from .inference import Inference
from .likelihoods import censored, from_scipy
from .selection import LikelihoodSearch, compare

__version__ = "0.1.0"

__all__ = [
    "Distribution",
    "Inference",
    "LikelihoodSearch",
    "MLEClassifier",
    "MLEDensity",
    "MLERegressor",
    "censored",
    "compare",
    "diagnostics",
    "displays",
    "domains",
    "from_scipy",
    "inference",
    "likelihoods",
    "links",
    "metrics",
    "predict_dist",
    "predictors",
    "selection",
]
