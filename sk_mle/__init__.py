"""Maximum likelihood as scikit-learn estimators."""

from . import domains, likelihoods, links
from ._classifier import MLEClassifier
from ._density import MLEDensity
from ._regressor import MLERegressor
from .distribution import Distribution
from .inference import Inference
from .likelihoods import censored, from_scipy
from .unwrapping import predict_dist

__version__ = "0.1.0"

__all__ = [
    "Distribution",
    "Inference",
    "MLEClassifier",
    "MLEDensity",
    "MLERegressor",
    "censored",
    "domains",
    "from_scipy",
    "likelihoods",
    "links",
    "predict_dist",
]
