"""Maximum likelihood as scikit-learn estimators."""

from . import diagnostics, displays, domains, inference, likelihoods, links, metrics, selection
from ._classifier import MLEClassifier
from ._density import MLEDensity
from ._regressor import MLERegressor
from .distribution import Distribution
from .inference import Inference
from .likelihoods import censored, from_scipy
from .selection import LikelihoodSearch, compare
from .unwrapping import predict_dist

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
    "selection",
]
