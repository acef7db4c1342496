"""Ordered classes whose labels have no order, or say it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ledger._case import Case
from sk_mle import MLEClassifier
from sk_mle.likelihoods import Ordinal

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 1))
CODES = np.digitize(X[:, 0] + RNG.logistic(size=100), [-0.5, 0.5])
NAMES = ["low", "mid", "hi"]
LABELS = np.array(NAMES)[CODES]


def as_coded(law, y):
    def check():
        model, coded = MLEClassifier(law).fit(X, y), MLEClassifier(Ordinal()).fit(X, CODES)
        assert model.loglikelihood_ == pytest.approx(coded.loglikelihood_, rel=1e-12)
        assert model.predict_proba(X)[:, list(model.classes_).index("low")] == pytest.approx(coded.predict_proba(X)[:, 0])

    return check


def told():
    with pytest.warns(UserWarning, match="hi < low < mid"):
        MLEClassifier(Ordinal()).fit(X, LABELS)


CASES = [
    Case("strings without an order", "sorting is no order of meaning", "Ordinal", told),
    Case("strings, the law says their order", "the fit of codes", "Ordinal", as_coded(Ordinal(categories=NAMES), LABELS)),
    Case("an Enum of polars", "the fit of codes", "Ordinal", as_coded(Ordinal(), pl.Series(LABELS, dtype=pl.Enum(NAMES)))),
    Case(
        "an ordered categorical of pandas",
        "the fit of codes",
        "Ordinal",
        as_coded(Ordinal(), pd.Series(pd.Categorical(LABELS, categories=NAMES, ordered=True))),
    ),
]
