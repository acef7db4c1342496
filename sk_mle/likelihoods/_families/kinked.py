"""Base class of laws whose density has a kink at its centre."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Self

import numpy as np


class Kinked:
    """|z| of a law of location and scale, and its smooth approximation sqrt(z**2 + width**2), for steps towards the vertex.

    The law with a positive width is not a density.
    """

    if TYPE_CHECKING:  # a subclass may give it as a value or as a property

        @property
        def smooth(self) -> bool: ...
    else:
        smooth = False

    width: float = 0.0

    def kinks(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """The value of `loc` at which each sample's log-likelihood has its kink."""
        return y

    def smoothed(self, width: float) -> Self:
        """The law with |z| smoothed, so that its log-likelihood is twice differentiable in `loc`."""
        law = copy(self)
        law.width = width
        return law

    def distance(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """|z| with its first and second derivative."""
        if not self.width:
            return np.abs(z), np.sign(z), np.zeros_like(z)
        length = np.hypot(z, self.width)
        return length, z / length, (self.width / length) ** 2 / length
