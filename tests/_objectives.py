"""Objectives made by hand, without an estimator: what tests of the solver's parts begin with."""

from __future__ import annotations

import numpy as np

from sk_mle._model.data import Data
from sk_mle._model.design import MAX_ROTATED_COLUMNS, from_moments, intercept_only
from sk_mle._model.moments import Moments
from sk_mle._model.objective import Objective


def rows(X, y=None, weight=None, offset=None) -> Data:
    n = X.shape[0]
    return Data(X, np.zeros(n) if y is None else y, np.ones(n) if weight is None else weight, offset or {})


def design(X, weight=None, intercept=True, index=slice(None)):
    return from_moments(Moments(rows(X, weight=weight), intercept, MAX_ROTATED_COLUMNS), index, intercept)


def objective(law, X, y, weight=None, *, on=None, alpha=None, offset=None, intercept=True) -> Objective:
    """The loss of a law whose parameters `on` (by default the first) lie on all columns of X."""
    on, data = on or law.layout.free[:1], rows(X, y, weight, offset)
    made = from_moments(
        Moments(data, intercept, MAX_ROTATED_COLUMNS), slice(None), intercept, bool(alpha) and len(law.layout.free) == 1
    )
    designs = {name: made if name in on else intercept_only() for name in law.layout.free}
    for name in law.layout.free:
        if law.layout[name].basis is not None:
            designs[name] = designs[name].with_output_basis(law.layout[name].basis, vector=True)
    return Objective(law, data, designs, alpha or {})
