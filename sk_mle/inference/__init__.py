"""Standard errors, intervals, tests and functionals of maximum likelihood fits."""

from ._hypotheses import TestResult
from ._inference import Inference
from ._refits import Profile
from ._score_test import score_test

__all__ = ["Inference", "Profile", "TestResult", "score_test"]
