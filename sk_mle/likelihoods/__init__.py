"""The laws. Adding one touches its own file and one line here."""

from __future__ import annotations

import numpy as np

from ._base import Eval, Likelihood
from .bernoulli import Bernoulli
from .beta import Beta
from .categorical import Categorical
from .gamma import Gamma
from .laplace import Laplace
from .negative_binomial import NegativeBinomial
from .normal import Normal
from .poisson import Poisson
from .student_t import StudentT

LAWS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "beta": Beta,
    "categorical": Categorical,
    "gamma": Gamma,
    "laplace": Laplace,
    "negative_binomial": NegativeBinomial,
    "normal": Normal,
    "poisson": Poisson,
    "student_t": StudentT,
}

__all__ = ["Eval", "Likelihood", "get_likelihood", *(law.__name__ for law in LAWS.values())]


def get_likelihood(likelihood) -> Likelihood:
    """A law from an instance or from its name, such as ``"negative_binomial"``.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the names.
    TypeError
        For anything that is neither a name nor a Likelihood instance.
    """
    if isinstance(likelihood, str):
        if likelihood not in LAWS:
            raise ValueError(f"likelihood={likelihood!r} is unknown; the names are {sorted(LAWS)}")
        return LAWS[likelihood]()
    if not isinstance(likelihood, Likelihood):
        hint = " (write an instance: add parentheses)" if isinstance(likelihood, type) else ""
        raise TypeError(f"likelihood must be a name or a Likelihood instance, got {likelihood!r}{hint}")
    return likelihood


def laws_for(y, classes: bool) -> list[str]:
    """Names of the shipped laws of regression, or of classes, that fit the values of y."""
    whole = bool((y == np.floor(y)).all())
    return [
        law.__name__
        for law in LAWS.values()
        if law.classes == classes and law.support.contains(y).all() and (whole or not law.support.integer)
    ]
