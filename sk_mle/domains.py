"""The domain of a parameter or a target: an interval, whether its ends belong to it, and whether values are whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Domain:
    """An interval of the real line, declared once and used for checks, test data and default links.

    Parameters
    ----------
    low, high : float
        The ends; may be infinite.
    closed : tuple of bool
        Whether `low` and `high` themselves belong to the domain.
    integer : bool
        True for a lattice: a law with such a support is summed, not integrated, and has a probability
        mass function. It does not forbid fractional data: the gamma-function extension of a count law
        is a valid quasi-likelihood, and weighted or averaged counts are common.
    typical : tuple of float
        Range from which `draw` takes values; finite and inside the domain.
    atoms : tuple of float
        Points of positive probability of a law that otherwise has a density there.

    Examples
    --------
    >>> from sk_mle.domains import UNIT
    >>> UNIT.contains([0.0, 0.3, 1.0])
    array([False,  True, False])
    """

    low: float = -np.inf
    high: float = np.inf
    closed: tuple[bool, bool] = (False, False)
    integer: bool = False
    typical: tuple[float, float] = (-2.0, 2.0)
    atoms: tuple[float, ...] = ()

    def contains(self, values: Any) -> np.ndarray:
        """True for each value inside the domain; NaN and infinities are outside.

        Parameters
        ----------
        values : array-like

        Returns
        -------
        ndarray of bool
        """
        values = np.asarray(values)
        above = values >= self.low if self.closed[0] and self.low > -np.inf else values > self.low
        below = values <= self.high if self.closed[1] and self.high < np.inf else values < self.high
        above &= below
        return above

    def nearest(self, values: Any) -> np.ndarray:
        """The values, with those on an open end or beyond moved to the nearest number inside: rounding puts them there.

        Parameters
        ----------
        values : array-like

        Returns
        -------
        ndarray
        """
        low = self.low if self.closed[0] or self.low == -np.inf else np.nextafter(self.low, np.inf)
        high = self.high if self.closed[1] or self.high == np.inf else np.nextafter(self.high, -np.inf)
        return np.clip(values, low, high)

    def includes(self, other: Domain) -> bool:
        """Whether every point in the interior of another domain lies in this one.

        Parameters
        ----------
        other : Domain

        Returns
        -------
        bool
        """
        return self.low <= other.low and other.high <= self.high

    def draw(self, rng: np.random.Generator, size: Any = None) -> np.ndarray:
        """Random values from the typical range, for tests and simulated data.

        Parameters
        ----------
        rng : numpy.random.Generator
        size : int or tuple of int, optional

        Returns
        -------
        ndarray of float
        """
        low, high = self.typical
        if self.integer:
            return rng.integers(int(low), int(high), size=size, endpoint=True).astype(float)
        return rng.uniform(low, high, size=size)

    def __str__(self) -> str:
        left, right = "[" if self.closed[0] else "(", "]" if self.closed[1] else ")"
        return f"{left}{self.low:g}, {self.high:g}{right}"


REAL = Domain()
POSITIVE = Domain(low=0.0, typical=(0.3, 3.0))
NONNEGATIVE = Domain(low=0.0, closed=(True, False), typical=(0.0, 3.0))
UNIT = Domain(low=0.0, high=1.0, typical=(0.1, 0.9))
COUNT = Domain(low=0.0, closed=(True, False), integer=True, typical=(0, 10))
BINARY = Domain(low=0.0, high=1.0, closed=(True, True), integer=True, typical=(0, 1))
CIRCLE = Domain(low=-np.pi, high=np.pi, closed=(False, True), typical=(-2.0, 2.0))
