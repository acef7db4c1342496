"""Maximum likelihood as scikit-learn estimators."""

import importlib
from importlib.metadata import PackageNotFoundError, version

from . import diagnostics, displays, domains, inference, likelihoods, links, metrics, predictors, selection
from ._estimators.classifier import MLEClassifier
from ._estimators.density import MLEDensity
from ._estimators.regressor import MLERegressor
from ._predictive.distribution import Distribution
from ._predictive.unwrapping import predict_dist
from ._sources import Source
from ._utils.public import publish
from .formulas import FormulaModel
from .inference import Inference
from .likelihoods import censored, from_scipy
from .selection import LikelihoodSearch, compare, cross_val_predict_dist

try:
    __version__ = version("sk_mle")
except PackageNotFoundError:  # a tree that is not installed
    __version__ = "0.1.0.dev0"

__all__ = [
    "Distribution",
    "FormulaModel",
    "Inference",
    "LikelihoodSearch",
    "MLEClassifier",
    "MLEDensity",
    "MLERegressor",
    "Source",
    "censored",
    "compare",
    "cross_val_predict_dist",
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

publish(globals())
_ON_DEMAND = {"datasets", "exceptions", "testing"}  # modules that are imported at their first use


def __dir__() -> list[str]:
    return sorted({*__all__, *_ON_DEMAND, "__version__"})


def __getattr__(name: str) -> object:
    if name in _ON_DEMAND:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
