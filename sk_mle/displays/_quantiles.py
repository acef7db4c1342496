"""Quantile residuals against standard normal quantiles."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from .._predictive.distribution import Distribution
from ._bands import order_band
from ._common import FromModel, check_order, residuals_and_weights


class QuantileResidualDisplay(FromModel):
    """Normal quantile plot of the quantile residuals: a straight line where the model is right, for every law.

    A slope above one says that the model is too narrow, a bend that it lacks skewness, ends that leave the line that its tails
    are too light (steep) or too heavy (flat). Made by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    theoretical : ndarray of shape (n,)
        Standard normal quantiles of the plotting positions.
    residuals : ndarray of shape (n,)
        Sorted quantile residuals.
    low, high : ndarray of shape (n,)
        Band of sorted standard normal values.
    name : str, optional
    band : str
        Its description in the legend.

    Attributes
    ----------
    outside : float
        Share of residuals outside the band.
    ax_, figure_, line_ : matplotlib artists

    See Also
    --------
    WormDisplay : The same without the line, so that departures are larger.
    sk_mle.diagnostics.quantile_residuals : The numbers.

    References
    ----------
    Dunn, P. K., Smyth, G. K. (1996). Randomized quantile residuals. doi:10.1080/10618600.1996.10474708; band: Aldor-Noiman
    et al. (2013). The power to see. doi:10.1080/00031305.2013.847865

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.displays import QuantileResidualDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 1))
    >>> y = rng.standard_t(2, size=100)
    >>> display = QuantileResidualDisplay.from_estimator(MLERegressor().fit(X, y), X, y)
    >>> round(display.outside, 2)
    0.24
    """

    def __init__(
        self,
        *,
        theoretical: np.ndarray,
        residuals: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        name: str | None = None,
        band: str = "95% band",
    ) -> None:
        self.theoretical, self.residuals, self.low, self.high = theoretical, residuals, low, high
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
        band : {"simultaneous", "pointwise"}
            Whether all residuals together stay inside with probability `level`, or each alone.
        level : float
        **kwargs
            For `plot`.

        Returns
        -------
        display
        """
        check_order(y, dist)
        display = cls(**sorted_with_band(*residuals_and_weights(y, dist, sample_weight, random_state), level, band), name=name)
        return display.plot(ax, **kwargs)

    @property
    def outside(self) -> float:
        """Share of the residuals outside of the band."""
        return float(np.mean((self.residuals < self.low) | (self.residuals > self.high)))

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default those of a new figure.
        name : str, optional
            Label in the legend; by default that of the display.
        **kwargs : dict
            Arguments of matplotlib's `plot` of the residuals.

        Returns
        -------
        self
        """
        ax, name = self._on(ax), self.name if name is None else name
        if once := self._once(ax, "band"):
            ax.fill_between(self.theoretical, self.low, self.high, color="0.87", label=self.band, zorder=0, **once)
            ax.axline((0, 0), slope=1, color="0.35", linewidth=1, zorder=1)
            ax.set(xlabel="standard normal quantile", ylabel="quantile residual")
        label = f"{name + ': ' if name else ''}{self.outside:.0%} outside"
        style = {**self._style(ax), "markersize": 3.5, "alpha": 0.8, "markeredgewidth": 0, "label": label}
        (self.line_,) = ax.plot(self.theoretical, self.residuals, **{**style, **kwargs})
        self._legend(ax, loc="upper left")
        return self


def sorted_with_band(residuals: np.ndarray, weight: np.ndarray, level: float, band: str) -> dict:
    """Sorted residuals with their plotting positions and band; a weight of k counts as k."""
    order = np.argsort(residuals, kind="stable")
    residuals, weight = residuals[order], weight[order]
    total = weight.sum()
    rank = np.cumsum(weight) - weight / 2 + 0.5
    low, high = order_band(rank, total, level, band)
    return {
        "theoretical": ndtri((rank - 0.5) / total),
        "residuals": residuals,
        "low": ndtri(low),
        "high": ndtri(high),
        "band": f"{100 * level:g}% band, {band}",
    }
