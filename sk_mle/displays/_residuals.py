"""Quantile residuals against predictions or against a column."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._predictive.distribution import Distribution
from ._common import FromModel, check_order, column_of, residuals_and_weights, rows_and_dist, title, weighted_rows

MAX_GROUPS = 20  # of rows, whose mean residuals are drawn
MIN_ROWS_PER_GROUP = 15  # so that the mean of residuals is nearly normal
GOLDEN_RATIO = 0.6180339887498949
NORMAL_QUANTILE_975 = 1.959963984540054  # of the standard normal law at 0.975


class ResidualsVsFittedDisplay(FromModel):
    """Quantile residuals against the predicted mean, or a column: a level cloud of even width where the model is right.

    Bars are means of groups of rows with the 95% interval that standard normal residuals have around zero: a mean outside shows
    a curve that the model lacks. A cloud that widens shows a spread that depends on the predictor. Made by `from_estimator` or
    `from_predictions`.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Of the horizontal axis.
    residuals : ndarray of shape (n,)
        Standard normal where the model is right, for every law.
    weight : ndarray of shape (n,)
    label : str
    name : str, optional

    Attributes
    ----------
    groups_ : ndarray of shape (g, 3)
        Mean value, mean residual, and half the width of the interval, of every group.
    ax_, figure_, points_ : matplotlib artists

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.displays import ResidualsVsFittedDisplay
    >>> X = np.random.default_rng(0).normal(size=(200, 1))
    >>> y = X[:, 0] ** 2 + np.random.default_rng(1).normal(size=200)
    >>> display = ResidualsVsFittedDisplay.from_estimator(MLERegressor().fit(X, y), X, y, feature=0)
    >>> bool((abs(display.groups_[:, 1]) > display.groups_[:, 2]).sum() > 3)  # the curve that is missing
    True
    """

    def __init__(
        self, *, values: np.ndarray, residuals: np.ndarray, weight: np.ndarray, label: str, name: str | None = None
    ) -> None:
        self.values, self.residuals, self.weight, self.label, self.name = values, residuals, weight, label, name

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
        random_state: int | np.random.RandomState | None = 0,
        **kwargs: Any,
    ) -> Self:
        """Draw a fitted estimator on data.

        Parameters
        ----------
        fitted, X, y, cv, sample_weight, ax, name, random_state
            As in `QuantileResidualDisplay`.
        feature : str or int, optional
            Column of X for the horizontal axis; by default the predicted mean, or the median where there is none.
        **kwargs
            For `plot`.

        Returns
        -------
        display
        """
        rows = rows_and_dist(fitted, X, y, sample_weight, cv)
        values, label = (None, None) if feature is None else column_of(X, feature)
        options = {"sample_weight": sample_weight, "ax": ax, "random_state": random_state, **kwargs}
        return cls.from_predictions(
            rows.y, rows.dist, values=values, label=label, name=title(fitted) if name is None else name, **options
        )

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        dist: Distribution,
        *,
        values: Any = None,
        label: str | None = None,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        random_state: int | np.random.RandomState | None = 0,
        **kwargs: Any,
    ) -> Self:
        """Draw observations and their predictive distributions.

        Parameters
        ----------
        y : array-like of shape (n,), or (n, 2) for the ends of intervals
        dist : Distribution
        values : array-like of shape (n,), optional
            For the horizontal axis; by default the predicted mean, or the median where there is none.
        label : str, optional
        sample_weight, ax, name, random_state
            As in `QuantileResidualDisplay`.
        **kwargs
            For `plot`.

        Returns
        -------
        display
        """
        check_order(y, dist)
        residual, weight = residuals_and_weights(y, dist, sample_weight, random_state)
        rows, _ = weighted_rows(np.asarray(y), sample_weight)
        if values is None:
            mean = np.asarray(dist.mean(), dtype=float)
            values, label = (mean, "predicted mean") if np.isfinite(mean).all() else (dist.median(), "predicted median")
        values, label = np.asarray(values), label or "values"
        return cls(values=values[rows], residuals=residual, weight=weight, label=label, name=name).plot(ax, **kwargs)

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
        style = {**self._style(ax), "markersize": 3, "alpha": 0.45, "markeredgewidth": 0, **kwargs}
        if once := self._once(ax, "zero"):
            ax.axhline(0, color="0.35", linewidth=1, zorder=0, **once)
        is_number = np.asarray(self.values).dtype.kind in "fiub"
        x = np.asarray(self.values, dtype=float) if is_number else np.unique(self.values, return_inverse=True)[1]
        beside = 0.0 if is_number else 0.3 * ((np.arange(len(x)) * GOLDEN_RATIO) % 1 - 0.5)  # so that points do not hide others
        (self.points_,) = ax.plot(x + beside, self.residuals, **{"label": name, **style})
        self.groups_ = _groups(x, self.residuals, self.weight)
        centre, mean, half = self.groups_.T
        ax.errorbar(centre, np.zeros(len(centre)), yerr=half, fmt="none", ecolor="0.2", elinewidth=1, capsize=3)
        ax.plot(centre, mean, "D", color=self.points_.get_color(), markeredgecolor="black", markersize=5)
        if not is_number:
            ax.set_xticks(np.arange(x.max() + 1), [str(value) for value in np.unique(self.values)])
        elif np.ptp(x) <= 1e-9 * np.abs(x).max():  # one prediction for all rows, up to rounding
            ax.set_xlim(x[0] - max(abs(x[0]), 1.0), x[0] + max(abs(x[0]), 1.0))
        ax.set(xlabel=self.label, ylabel="quantile residual")
        self._legend(ax)
        return self


def _groups(x: np.ndarray, residual: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mean value, mean residual and half the 95% interval of a mean of so many standard normal values, by group of rows."""
    distinct, place = np.unique(x, return_inverse=True)
    n_groups = int(np.clip(len(x) // MIN_ROWS_PER_GROUP, 1, MAX_GROUPS))
    if len(distinct) > n_groups:
        order = np.argsort(x, kind="stable")
        place = np.empty(len(x), dtype=int)
        place[order] = np.arange(len(x)) * n_groups // len(x)
    total = np.bincount(place, weights=weight)
    means = [np.bincount(place, weights=weight * values) / total for values in (x, residual)]
    return np.stack([*means, NORMAL_QUANTILE_975 / np.sqrt(total)], axis=1)
