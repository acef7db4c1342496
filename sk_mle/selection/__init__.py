"""Choosing between models: nesting, tests, one table of comparisons, and a search over likelihoods."""

from .._utils.public import publish
from ._compare import compare
from ._comparison import Comparison
from ._nesting import Nesting, nested
from ._predictions import cross_val_predict_dist
from ._search import LikelihoodSearch
from ._tests import likelihood_ratio_test, vuong_test

__all__ = [
    "Comparison",
    "LikelihoodSearch",
    "Nesting",
    "compare",
    "cross_val_predict_dist",
    "likelihood_ratio_test",
    "nested",
    "vuong_test",
]

publish(globals())
