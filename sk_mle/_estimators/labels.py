"""Class labels: which are missing, and in what order they stand."""

from __future__ import annotations

import warnings

import numpy as np

from .._utils.frames import declared_order
from ..likelihoods._fallbacks.facts import resolved, sized, title


def in_order(law) -> bool:
    """Whether a law takes many classes, in their order along one direction."""
    return bool(law.support.contains(2)) and not sized(law).parameter(law.free[0]).vector


def ranks_of(law, y, classes):
    """Codes of the sorted classes in the order that the law or the type of y says; None: their places.

    `classes_` stays sorted, as scikit-learn's metrics take the columns of `predict_proba` to be.
    """
    law = resolved(law)
    categories = getattr(law, "categories", None)
    if categories is None and not in_order(law):
        return None
    said = declared_order(y) if categories is None else list(categories)
    name, shown = title(law), ", ".join(map(repr, classes.tolist()))
    if said is None:
        if classes.dtype.kind not in "biufmM":
            takes = hasattr(law, "categories")
            cure = f"say theirs, {name}(categories=[{shown}]) in the right order, or pass" if takes else "pass"
            warnings.warn(
                f"{name} takes the classes in an order, and the labels of y have none, so it is that of sorting: "
                f"{' < '.join(map(str, classes))}. Where that is not theirs, {cure} an ordered categorical",
                UserWarning,
                stacklevel=3,
            )
        return None
    lacking = [label for label in classes.tolist() if label not in said]
    if lacking:
        raise ValueError(f"y has labels {lacking} that are not among the categories of {name}, {said}: add them in their place")
    seen = set(classes.tolist())
    order = {label: float(code) for code, label in enumerate(label for label in said if label in seen)}
    ranks = np.array([order[label] for label in classes.tolist()])
    return None if (np.diff(ranks) > 0).all() else ranks


def missing(y):
    """Rows whose label is NaN, None or another sign of a missing value, which does not equal itself."""
    if y.dtype.kind == "O":
        same = [label is not None and label == label for label in y.tolist()]
        return np.flatnonzero([not isinstance(found, bool | np.bool_) or not found for found in same])
    return np.flatnonzero(y != y) if y.dtype.kind == "f" else []
