"""Standard errors, intervals, tests and functionals of maximum likelihood fits."""

from .._utils.public import publish
from ._estimable import NotEstimableError
from ._inference import Inference
from ._profiles import Profile
from ._result import TestResult
from ._score_test import score_test

__all__ = ["Inference", "NotEstimableError", "Profile", "TestResult", "score_test"]

publish(globals())
