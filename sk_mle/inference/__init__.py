"""Standard errors, intervals, tests and functionals of maximum likelihood fits."""

from ._inference import Inference
from ._refits import Profile
from ._result import TestResult
from ._score_test import score_test

__all__ = ["Inference", "Profile", "TestResult", "score_test"]
