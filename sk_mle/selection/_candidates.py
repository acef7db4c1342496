"""Which likelihoods are worth a try, by what y looks like."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils.validation import column_or_1d

from ..likelihoods import LAWS, Likelihood, get_likelihood
from ..likelihoods._fallbacks.facts import title

# Whole numbers are a fine lattice where the middle half of them spans as much, and none lies closer to zero.
MIN_LATTICE_QUARTILE_RANGE = 20.0


def named(candidates) -> dict[str, Likelihood]:
    """Candidates by name, from a dict, or a list of laws and names."""
    if isinstance(candidates, Mapping):
        return {str(name): get_likelihood(law) for name, law in candidates.items()}
    if isinstance(candidates, str) or not hasattr(candidates, "__iter__"):
        raise TypeError(f"candidates is a list of likelihoods or names, or a dict of them by name, got {candidates!r}")
    laws = [get_likelihood(law) for law in candidates]
    if not laws:
        raise ValueError("candidates is empty; None tries the laws that suit y")
    kinds = [title(law) for law in laws]
    names = [kind if kinds.count(kind) == 1 else " ".join(repr(law).split()) for kind, law in zip(kinds, laws, strict=True)]
    if len(set(names)) < len(names):
        raise ValueError(f"candidates holds the same likelihood twice: {names}; give a dict with a name for each")
    return dict(zip(names, laws, strict=True))


def parameter_of(estimator) -> str:
    """The name by which `set_params` reaches the likelihood of an estimator, or of the one inside a pipeline."""
    found = [key for key in estimator.get_params() if key == "likelihood" or key.endswith("__likelihood")]
    if not found:
        raise TypeError(f"{type(estimator).__name__} has no parameter 'likelihood', nor has an estimator inside it")
    return min(found, key=lambda key: key.count("__"))


def suitable(y, estimator, key: str) -> dict[str, Likelihood]:
    """Laws of the kind of y whose support is the narrowest that holds it, and the estimator's own."""
    if is_classifier(estimator):
        size = len(np.unique(np.asarray(y)))
        laws = [law for law in _shipped() if law.target_type == "classes" and law.support.contains(size - 1)]
        return {title(law): law for law in laws}
    y = np.asarray(y)
    if y.ndim > 1 and y.shape[1] > 1:
        raise ValueError(f"y has {y.shape[1]} columns: name the candidates, laws of several targets or of censored values")
    y = np.asarray(column_or_1d(y), dtype=float)
    laws = [
        law for law in _shipped() if law.target_type == "number" and law.predictive is law and law.support.contains(y).all()
    ]
    whole = bool((y == np.floor(y)).all()) and any(law.support.integer for law in laws)
    low, high = np.quantile(y, [0.25, 0.75])
    fine = whole and high - low >= MIN_LATTICE_QUARTILE_RANGE and np.abs(y).min() >= MIN_LATTICE_QUARTILE_RANGE
    laws = [law for law in laws if law.support.integer == whole or fine]
    atomic = not whole and any((y == atom).sum() > 1 for law in laws for atom in law.atoms)
    laws = [law for law in laws if bool(law.atoms) == atomic]
    laws = [law for law in laws if not any(_inside(other.support, law.support) for other in laws)]
    own = estimator.get_params()[key]
    chosen = {title(law): law for law in laws}
    default = get_likelihood(own if own is not None else "normal")
    if (default.support.integer == whole or fine) and not atomic:
        chosen.setdefault(type(default).__name__, clone(default))
    return chosen


def _shipped() -> list[Likelihood]:
    return [kind() for kind in LAWS.values() if kind.relations.searched]


def _inside(small, large) -> bool:
    """Whether an interval lies inside another without being it, ends apart."""
    return small.integer == large.integer and large.includes(small) and not small.includes(large)
