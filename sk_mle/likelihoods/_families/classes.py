"""Base class of laws of classes whose number is taken from y."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone

from ...domains import COUNT, Domain
from .._protocol.base import Likelihood


class Classes(Likelihood):
    """A law of the class codes 0..K-1, whose number K is taken from y unless the constructor gives it.

    A subclass assigns `n_classes`.
    """

    target_type = "classes"
    n_classes: Any  # int, or None before it is known

    @property
    def support(self) -> Domain:
        if self.n_classes is None:
            return COUNT
        return replace(COUNT, high=self.n_classes - 1, closed=(True, True), typical=(0, self.n_classes - 1))

    def bind(self, y: np.ndarray, /, **known: np.ndarray) -> Likelihood:
        n_in_y = int(np.max(y)) + 1
        n_classes = max(n_in_y, 2) if self.n_classes is None else self.n_classes
        if n_classes < n_in_y:
            law = type(self).__name__
            raise ValueError(f"{law}(n_classes={n_classes}), but y has {n_in_y} classes; leave n_classes at None")
        return clone(self).set_params(n_classes=n_classes)
