"""Class labels: missing ones, and the order of the classes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.multiclass import check_classification_targets

from .._utils.frames import declared_order
from .._utils.messages import warn_caller
from ..likelihoods import Likelihood
from ..likelihoods._functions import resolved, sized, title


class ClassTotals(NamedTuple):
    """The sorted classes among labels, their total weights, and the number of rows."""

    classes: np.ndarray
    weights: np.ndarray
    n_rows: int

    @classmethod
    def of(cls, labels: np.ndarray, weight: np.ndarray) -> ClassTotals:
        """The totals of rows."""
        classes, codes = np.unique(labels, return_inverse=True)
        return cls(classes, np.bincount(codes, weights=weight, minlength=len(classes)), len(labels))

    def __add__(self, other: Any) -> ClassTotals:
        """The totals of the rows of both."""
        classes, codes = np.unique(np.concatenate([self.classes, other.classes]), return_inverse=True)
        weights = np.bincount(codes, np.concatenate([self.weights, other.weights]))
        return ClassTotals(classes, weights, self.n_rows + other.n_rows)

    def balanced(self) -> np.ndarray:
        """The factors (K,) by which all classes get the same total weight."""
        with np.errstate(divide="ignore"):
            return np.where(self.weights > 0, self.weights.sum() / (len(self.classes) * self.weights), 0.0)

    def checked_classes(self) -> np.ndarray:
        """The classes; ValueError for labels that are values of a continuous target."""
        if 2 * len(self.classes) > self.n_rows:
            check_classification_targets(self.classes)
        elif self.classes.dtype.kind == "f":  # classes must be whole numbers
            check_classification_targets(np.repeat(self.classes, 2))
        return self.classes


def in_order(law: Likelihood) -> bool:
    """Whether a law takes more than two classes, in an order, with one linear predictor."""
    return bool(law.support.contains(2)) and not sized(law).layout[law.layout.free[0]].vector


def ranks_of(law: Likelihood, y: ArrayLike, classes: Any) -> np.ndarray | None:
    """Codes (K,) of the sorted classes in the order that the law or an ordered categorical y declares; None if that is sorted.

    `classes_` stays sorted, because scikit-learn's metrics expect the columns of `predict_proba` in that order.
    """
    arguments = resolved(law).get_params(deep=False)
    categories = arguments.get("categories")
    if categories is None and not in_order(law):
        return None
    order = declared_order(y) if categories is None else list(categories)
    name, shown = title(law), ", ".join(map(repr, classes.tolist()))
    if order is None:
        if classes.dtype.kind not in "biufmM":
            remedy = f"give {name}(categories=[{shown}]) in the right order, or pass" if "categories" in arguments else "pass"
            warn_caller(
                f"{name} takes the classes in an order, and the labels of y have none, so they are sorted: "
                f"{' < '.join(map(str, classes))}. If that is not their order, {remedy} an ordered categorical",
                UserWarning,
            )
        return None
    lacking = [label for label in classes.tolist() if label not in order]
    if lacking:
        raise ValueError(
            f"y has labels {lacking} that are not among the categories of {name}, {order}: add them in their place"
        )
    present = set(classes.tolist())
    codes = {label: float(code) for code, label in enumerate(label for label in order if label in present)}
    ranks = np.array([codes[label] for label in classes.tolist()])
    return None if (np.diff(ranks) > 0).all() else ranks


def missing(y: np.ndarray) -> np.ndarray:
    """Indices of the rows whose label is missing: None, or not equal to itself, as NaN and pandas.NA are."""
    if y.dtype.kind == "O":
        equal = [label is not None and label == label for label in y.tolist()]
        return np.flatnonzero([not isinstance(result, bool | np.bool_) or not result for result in equal])
    return np.flatnonzero(y != y) if y.dtype.kind == "f" else np.zeros(0, int)
