"""What laws share whose density has a kink at its centre."""

from __future__ import annotations

from copy import copy
from typing import ClassVar

import numpy as np


class Kinked:
    """|z| of a law of location and scale, and its rounding to sqrt(z**2 + width**2), by which a solver nears the vertex.

    The law with a width is not a density.
    """

    smooth: ClassVar[bool] = False
    width: ClassVar[float] = 0.0

    def kinks(self, y, **params):
        """Where the log-likelihood has a kink in `loc`."""
        return y

    def smoothed(self, width):
        """The law with |z| rounded, which leaves `loc` twice differentiable."""
        law = copy(self)
        law.width = width
        return law

    def distance(self, z):
        """|z| with its first and second derivative."""
        if not self.width:
            return np.abs(z), np.sign(z), np.zeros_like(z)
        length = np.hypot(z, self.width)
        return length, z / length, (self.width / length) ** 2 / length
