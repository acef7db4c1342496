"""Histogram of the probability integral transform."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from .._predictive.distribution import Distribution
from ._bands import check_band, frequency_band
from ._common import FromModel, check_order, residuals_and_weights


class PITDisplay(FromModel):
    """Histogram of F(y), the predicted probability of values up to the observed one: flat if the model is right.

    A U says that the predictive distributions are too narrow, a hump that they are too wide, a slope that they are too low
    (rising) or too high. Where values have positive probability, F is drawn uniformly over its jump. Made by `from_estimator`
    or `from_predictions`.

    Parameters
    ----------
    edges : ndarray of shape (bins + 1,)
    density : ndarray of shape (bins,)
        Relative frequency divided by the expected one.
    low, high : ndarray of shape (bins,)
        Its band.
    name : str, optional
    band : str

    Attributes
    ----------
    ax_, figure_, stairs_ : matplotlib artists

    References
    ----------
    Gneiting, T., Balabdaoui, F., Raftery, A. E. (2007). Probabilistic forecasts, calibration and sharpness. Journal of the
    Royal Statistical Society B 69, 243-268. doi:10.1111/j.1467-9868.2007.00587.x

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import Distribution
    >>> from sk_mle.displays import PITDisplay
    >>> from sk_mle.likelihoods import Normal
    >>> dist = Distribution(Normal(), {"loc": np.zeros(400), "scale": np.ones(400)})
    >>> y = np.random.default_rng(0).normal(scale=1.5, size=400)
    >>> PITDisplay.from_predictions(y, dist, bins=5).density.round(1)
    array([1.6, 0.8, 0.6, 0.7, 1.4])
    """

    def __init__(
        self,
        *,
        edges: np.ndarray,
        density: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        name: str | None = None,
        band: str = "95% band",
    ) -> None:
        self.edges, self.density, self.low, self.high = edges, density, low, high
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
        bins: Any = 10,
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
        bins : int
            Of equal width.
        band : {"simultaneous", "pointwise"}
            Whether all bins together stay inside with probability `level` (by Bonferroni's inequality), or each alone.
        level : float
        **kwargs
            For `plot`.

        Returns
        -------
        display
        """
        check_order(y, dist)
        check_band(band, level)
        residual, weight = residuals_and_weights(y, dist, sample_weight, random_state)
        count, edges = np.histogram(ndtr(residual), bins=bins, range=(0, 1), weights=weight)
        outside = (1 - level) / (bins if band == "simultaneous" else 1)
        low, high = (bins * end for end in frequency_band(np.full(bins, 1 / bins), weight.sum(), outside))
        display = cls(
            edges=edges,
            density=bins * count / weight.sum(),
            low=low,
            high=high,
            name=name,
            band=f"{100 * level:g}% band, {band}",
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default those of a new figure.
        name : str, optional
            Label in the legend; by default that of the display.
        **kwargs : dict
            Arguments of matplotlib's `stairs`.

        Returns
        -------
        self
        """
        ax, name = self._on(ax), self.name if name is None else name
        if once := self._once(ax, "band"):
            ax.stairs(self.high, self.edges, baseline=self.low, fill=True, color="0.87", label=self.band, zorder=0, **once)
            ax.axhline(1, color="0.35", linewidth=1, zorder=1)
            ax.set(xlabel="probability integral transform", ylabel="density", xlim=(0, 1))
        style = {**self._style(ax, line=True), "linewidth": 2, "label": name}
        self.stairs_ = ax.stairs(self.density, self.edges, baseline=None, **{**style, **kwargs})
        ax.set_ylim(0, max(ax.get_ylim()[1], 1.15 * self.density.max(), 1.15 * self.high.max()))
        self._legend(ax)
        return self
