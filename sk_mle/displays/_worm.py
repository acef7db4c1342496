"""Detrended quantile plots, of all rows or by groups of a feature."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._predictive.distribution import Distribution
from ._common import (
    FromModel,
    check_order,
    column_of,
    pyplot,
    residuals_and_weights,
    rows_and_dist,
    split_rows,
    title,
    weighted_rows,
)
from ._quantiles import sorted_with_band


class WormDisplay(FromModel):
    """Quantile residuals minus the normal quantiles that they should be: a flat worm where the model is right.

    A worm above zero says that the location is too low, a slope that the scale is wrong (rising: too narrow), a U or its mirror
    image that the skewness is, an S that the tails are. With a feature, a panel for each of its groups shows where. Made
    by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    panels : list of dict
        With `theoretical`, `residuals`, `low` and `high`, as in `QuantileResidualDisplay`, and `title`.
    name : str, optional
    band : str

    Attributes
    ----------
    deviations : list of ndarray
        Residuals minus theoretical quantiles, by panel, which are drawn.
    axes_ : ndarray of matplotlib Axes
    ax_, figure_ : matplotlib artists
        The first of the axes, and their figure.

    References
    ----------
    van Buuren, S., Fredriks, M. (2001). Worm plot: a simple diagnostic device for modelling growth reference curves. Statistics
    in Medicine 20, 1259-1277. doi:10.1002/sim.746

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.displays import WormDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(0, 2, size=(300, 1))
    >>> y = rng.normal(size=300) * X[:, 0]
    >>> display = WormDisplay.from_estimator(MLERegressor().fit(X, y), X, y, feature=0, n_groups=2)
    >>> [panel["title"] for panel in display.panels]
    ['column 0 of X: 0.000601 to 1.12', 'column 0 of X: 1.12 to 1.99']
    """

    def __init__(self, *, panels: list[dict], name: str | None = None, band: str = "95% band") -> None:
        self.panels, self.name, self.band = panels, name, band

    @classmethod
    def from_estimator(
        cls,
        fitted: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        feature: Any = None,
        cv: Any = None,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        random_state: int | np.random.RandomState | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw a fitted estimator on data.

        Parameters
        ----------
        fitted, X, y, cv, sample_weight, ax, name, random_state
            As in `QuantileResidualDisplay`. `ax` may be an array of as many axes as there are groups.
        feature : str or int, optional
            Column of X that splits the rows into groups.
        **kwargs
            As `from_predictions`.

        Returns
        -------
        display
        """
        observations = rows_and_dist(fitted, X, y, sample_weight, cv)
        values, label = (None, "") if feature is None else column_of(X, feature)
        return cls.from_predictions(
            observations.y,
            observations.dist,
            values=values,
            label=label,
            sample_weight=sample_weight,
            ax=ax,
            name=title(fitted) if name is None else name,
            random_state=random_state,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        dist: Distribution,
        *,
        values: Any = None,
        label: str = "",
        n_groups: int = 4,
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
        values : array-like of shape (n,), optional
            Of the feature that splits the rows: by value where it has at most `n_groups` of them or is no number, else into
            groups of equal size.
        label : str
            Label of the feature.
        n_groups : int
        sample_weight, ax, name, random_state, band, level
            As in `QuantileResidualDisplay`.
        **kwargs
            For `plot`.

        Returns
        -------
        display
        """
        check_order(y, dist)
        residual, weight = residuals_and_weights(y, dist, sample_weight, random_state)
        groups = [("", np.full(len(residual), True))]
        if values is not None:
            groups = split_rows(np.asarray(values)[weighted_rows(np.asarray(y), sample_weight)[0]], f"{label} ", n_groups)
        panels = [{"title": title, **sorted_with_band(residual[rows], weight[rows], level, band)} for title, rows in groups]
        text = {panel.pop("band") for panel in panels}.pop()
        return cls(panels=panels, name=name, band=text).plot(ax, **kwargs)

    @property
    def deviations(self) -> list[np.ndarray]:
        """Residuals minus their normal quantiles, by panel."""
        return [panel["residuals"] - panel["theoretical"] for panel in self.panels]

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default those of a new figure.
        name : str, optional
            Label in the legend; by default that of the display.
        **kwargs : dict
            Arguments of matplotlib's `plot` of the deviations.

        Returns
        -------
        self
        """
        name = self.name if name is None else name
        self.axes_ = self._grid(ax)
        self._on(self.axes_[0])
        for i, (panel_ax, panel, deviation) in enumerate(zip(self.axes_, self.panels, self.deviations, strict=True)):
            x = panel["theoretical"]
            if once := self._once(panel_ax, "band"):
                panel_ax.fill_between(
                    x, panel["low"] - x, panel["high"] - x, color="0.87", label=self.band if i == 0 else None, zorder=0, **once
                )
                panel_ax.axhline(0, color="0.35", linewidth=1, zorder=1)
                panel_ax.set(xlabel="standard normal quantile")
                panel_ax.set_title(panel["title"], fontsize="medium")
            style = {
                **self._style(panel_ax),
                "markersize": 3.5,
                "alpha": 0.8,
                "markeredgewidth": 0,
            }
            panel_ax.plot(x, deviation, **{**style, "label": name if i == 0 else None, **kwargs})
        self.ax_.set_ylabel("quantile residual minus\nstandard normal quantile")
        self._legend(self.ax_)
        return self

    def _grid(self, ax: Any) -> np.ndarray:
        """One Axes per panel: new ones, the given array, or a subdivision of the one given."""
        n = len(self.panels)
        if isinstance(ax, np.ndarray | list):
            if len(ax) != n:
                raise ValueError(f"ax has {len(ax)} axes, but there are {n} groups")
            return np.asarray(ax)
        if ax is None:
            size = (min(3.2 * n + 1, 13), 3.6) if n > 1 else None
            return pyplot().subplots(1, n, squeeze=False, sharey=True, figsize=size, layout="constrained")[1][0]
        if n == 1:
            return np.array([ax])
        ax.set_axis_off()
        return ax.get_subplotspec().subgridspec(1, n).subplots(sharey=True)
