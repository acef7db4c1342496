"""Maximum likelihood as scikit-learn estimators."""

from . import domains, likelihoods, links
from ._classifier import MLEClassifier
from ._regressor import MLERegressor
from .distribution import Distribution
from .unwrapping import predict_dist

__version__ = "0.1.0"

__all__ = ["Distribution", "MLEClassifier", "MLERegressor", "domains", "likelihoods", "links", "predict_dist"]
