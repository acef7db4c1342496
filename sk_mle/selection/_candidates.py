"""The candidates of a search: as the user gave them, or the shipped laws that suit y."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.utils.validation import column_or_1d

from ..likelihoods import LAWS, Likelihood, get_likelihood
from ..likelihoods._functions import title

# Interquartile range, and distance from zero, from which a density describes whole numbers as well as a law of counts.
MIN_LATTICE_QUARTILE_RANGE = 20.0


def named(candidates: Any) -> dict[str, Likelihood]:
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


def parameter_of(estimator: Any) -> str:
    """The name under which `set_params` sets the likelihood of an estimator, or of the estimator inside a pipeline."""
    names = [key for key in estimator.get_params() if key == "likelihood" or key.endswith("__likelihood")]
    if not names:
        raise TypeError(f"{type(estimator).__name__} has no parameter 'likelihood', nor has an estimator inside it")
    return min(names, key=lambda key: key.count("__"))


def suitable(y: ArrayLike, estimator: Any, key: str) -> dict[str, Likelihood]:
    """Shipped laws of y's type with the narrowest support that holds y, and the estimator's own law."""
    if is_classifier(estimator):
        n_classes = len(np.unique(np.asarray(y)))
        laws = [law for law in _shipped() if law.target_type == "classes" and law.support.contains(n_classes - 1)]
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
    is_fine_lattice = whole and high - low >= MIN_LATTICE_QUARTILE_RANGE and np.abs(y).min() >= MIN_LATTICE_QUARTILE_RANGE
    laws = [law for law in laws if law.support.integer == whole or is_fine_lattice]
    needs_atoms = not whole and any((y == atom).sum() > 1 for law in laws for atom in law.support.atoms)
    laws = [law for law in laws if bool(law.support.atoms) == needs_atoms]
    laws = [law for law in laws if not any(_is_narrower(other.support, law.support) for other in laws)]
    own = estimator.get_params()[key]
    candidates = {title(law): law for law in laws}
    default = get_likelihood(own if own is not None else "normal")
    if (default.support.integer == whole or is_fine_lattice) and not needs_atoms:
        candidates.setdefault(type(default).__name__, clone(default))
    return candidates


def _shipped() -> list[Likelihood]:
    """The laws of this package that searches try."""
    return [law for law in (kind() for kind in LAWS.values()) if law.relations.searched]


def _is_narrower(small: Any, large: Any) -> bool:
    """Whether one domain is a proper part of another, whatever their ends include."""
    return small.integer == large.integer and large.includes(small) and not small.includes(large)
