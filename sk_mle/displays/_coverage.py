"""Nominal against empirical coverage of predictive intervals."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from .._predictive.distribution import Distribution
from .._utils.floats import probabilities
from ._bands import frequency_band, local_level
from ._common import FromModel, check_order, residuals_and_weights

COVERAGE_LEVELS = np.append(np.linspace(0.02, 0.98, 49), 0.99)


class CoverageDisplay(FromModel):
    """Empirical against nominal coverage of the central predictive intervals: the diagonal if the model is right.

    A curve below the diagonal says that the intervals are too narrow. Where values have positive probability, those on the edge
    of an interval count in part, at random, so that the diagonal is right for counts too. Made by `from_estimator` or
    `from_predictions`.

    Parameters
    ----------
    nominal : ndarray of shape (m,)
        Probabilities of the intervals.
    empirical : ndarray of shape (m,)
        Share of observations inside.
    low, high : ndarray of shape (m,)
        Band of the share.
    name : str, optional
    band : str

    Attributes
    ----------
    ax_, figure_, line_ : matplotlib artists

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import Distribution
    >>> from sk_mle.displays import CoverageDisplay
    >>> from sk_mle.likelihoods import Normal
    >>> dist = Distribution(Normal(), {"loc": np.zeros(400), "scale": np.ones(400)})
    >>> y = np.random.default_rng(0).normal(scale=1.5, size=400)
    >>> CoverageDisplay.from_predictions(y, dist, levels=[0.5, 0.9]).empirical
    array([0.335, 0.74 ])
    """

    def __init__(
        self,
        *,
        nominal: np.ndarray,
        empirical: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        name: str | None = None,
        band: str = "95% band",
    ) -> None:
        self.nominal, self.empirical, self.low, self.high = nominal, empirical, low, high
        self.name, self.band = name, band

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        dist: Distribution,
        *,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        random_state: int | np.random.RandomState | None = None,
        levels: Any = COVERAGE_LEVELS,
        band: str = "simultaneous",
        level: float = 0.95,
        **kwargs: Any,
    ) -> Self:
        """Draw observations under their predictive distributions.

        Parameters
        ----------
        y : array-like of shape (n,), or (n, 2) for the ends of intervals
        dist : Distribution
        sample_weight, ax, name, random_state
            As `from_estimator`.
        levels : array-like
            Probabilities of the intervals.
        band : {"simultaneous", "pointwise"}
            Whether the whole curve stays inside with probability `level`, or each of its points alone.
        level : float
        **kwargs
            For `plot`.

        Returns
        -------
        display
        """
        check_order(y, dist)
        residual, weight = residuals_and_weights(y, dist, sample_weight, random_state)
        nominal, total = probabilities(levels, "levels"), weight.sum()
        smallest_coverage = 1 - 2 * ndtr(-np.abs(residual))  # the probability of the smallest central interval around y
        low, high = frequency_band(nominal, total, local_level(round(total), level, band))
        empirical = (weight[:, None] * (smallest_coverage[:, None] <= nominal)).sum(axis=0) / total
        text = f"{100 * level:g}% band, {band}"
        return cls(nominal=nominal, empirical=empirical, low=low, high=high, name=name, band=text).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default those of a new figure.
        name : str, optional
            Label in the legend; by default that of the display.
        **kwargs : dict
            Arguments of matplotlib's `plot` of the empirical coverage.

        Returns
        -------
        self
        """
        ax, name = self._on(ax), self.name if name is None else name
        if once := self._once(ax, "band"):
            ax.fill_between(self.nominal, self.low, self.high, color="0.87", label=self.band, zorder=0, **once)
            ax.axline((0, 0), slope=1, color="0.35", linewidth=1, zorder=1)
            ax.set(xlabel="nominal coverage", ylabel="share of observations inside", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        (self.line_,) = ax.plot(
            self.nominal, self.empirical, **{**self._style(ax, line=True), "linewidth": 2, "label": name, **kwargs}
        )
        self._legend(ax, loc="upper left")
        return self
