"""Predictive quantiles against one feature."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._model.validation import replace_zero_weight_rows
from .._predictive.distribution import Distribution
from .._predictive.unwrapping import predict_dist, target_of
from .._utils.floats import probabilities
from .._utils.frames import column_names, dense, take
from ..diagnostics._observed import ends, observed
from ._common import FromModel, check_order, column_of, title, weighted_rows

DEFAULT_COVERAGES = (0.5, 0.8, 0.95)


class FanChartDisplay(FromModel):
    """Median and central intervals of the predictive distribution against one feature, with the observations.

    `from_estimator` moves the feature and holds the other columns at their median, or most frequent value; the observations
    have values of their own there, so with strong other features they scatter more than the fan shows. Censored values are
    drawn as triangles that point to where they may lie. Made by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    grid : ndarray of shape (m,)
        Values of the feature.
    quantiles : ndarray of shape (m, 2 k + 1)
        Predictive quantiles, from the lowest to the highest.
    probabilities : ndarray of shape (2 k + 1,)
    values : ndarray of shape (n,)
        The feature of the observations.
    low, high : ndarray of shape (n,)
        The observations: equal, unless they are known only up to an interval.
    weight : ndarray of shape (n,)
    label, target : str
        Labels of the feature and of y.
    name : str, optional

    Attributes
    ----------
    ax_, figure_, line_ : matplotlib artists

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.displays import FanChartDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(0, 2, size=(300, 2))
    >>> y = X[:, 0] + np.exp(X[:, 0] - 2) * rng.normal(size=300)
    >>> model = MLERegressor(predictors={"scale": [0]}).fit(X, y)
    >>> display = FanChartDisplay.from_estimator(model, X, y, feature=0, coverages=[0.9], grid=[0.0, 1.0, 2.0])
    >>> display.quantiles.round(1)
    array([[-0.2, -0. ,  0.2],
           [ 0.4,  1. ,  1.6],
           [ 0.4,  2. ,  3.6]])
    """

    def __init__(
        self,
        *,
        grid: np.ndarray,
        quantiles: np.ndarray,
        probabilities: np.ndarray,
        values: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
        weight: np.ndarray,
        label: str = "feature",
        target: str = "y",
        name: str | None = None,
    ) -> None:
        self.grid, self.quantiles, self.probabilities = grid, quantiles, probabilities
        self.values, self.low, self.high, self.weight = values, low, high, weight
        self.label, self.target, self.name = label, target, name

    @classmethod
    def from_estimator(
        cls,
        fitted: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        feature: Any = 0,
        grid: Any = None,
        coverages: Any = DEFAULT_COVERAGES,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        random_state: int | np.random.RandomState | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw a fitted estimator on data.

        Parameters
        ----------
        fitted, X, y, sample_weight, ax, name
            As in `QuantileResidualDisplay`.
        feature : str or int
            Column of X.
        grid : array-like, optional
            Values of the feature; by default 200 over its range.
        coverages : sequence of float
            Of the intervals.
        random_state : ignored
        **kwargs
            For `plot`.

        Returns
        -------
        display

        Raises
        ------
        ValueError
            For a feature that is no number, and for laws of classes.
        """
        X, y = replace_zero_weight_rows(X, sample_weight), replace_zero_weight_rows(y, sample_weight)
        observations, (values, label) = observed(fitted, X, y), column_of(X, feature)
        if observations.model.likelihood_.target_type == "classes":
            raise ValueError("classes have no quantiles to draw; plot predict_proba against the feature")
        values = _numeric(values, label)
        grid = np.linspace(values.min(), values.max(), 200) if grid is None else np.asarray(grid, float)
        kept = X if sample_weight is None else take(X, weighted_rows(observations.y, sample_weight)[0])
        dist = predict_dist(fitted, _rows(kept, feature, grid))
        name = title(fitted) if name is None else name
        display = cls._from_dist(observations.y, dist, grid, values, label, coverages, sample_weight, name)
        display.target = str(getattr(target_of(fitted, X, y), "name", None) or "y")  # of a pandas or polars Series
        display.plot(ax, **kwargs)
        if len(column_names(dense(X))) > 1:
            display.ax_.set_title("other columns at their medians and most frequent categories", fontsize="small", color="0.35")
        return display

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        dist: Distribution,
        *,
        values: Any,
        label: str = "feature",
        coverages: Any = DEFAULT_COVERAGES,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        name: str | None = None,
        random_state: int | np.random.RandomState | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw observations and their own predictive distributions, in the order of a feature.

        Parameters
        ----------
        y : array-like of shape (n,), or (n, 2) for the ends of intervals
        dist : Distribution
        values : array-like of shape (n,)
            Of the feature.
        label : str
            Its label.
        coverages, sample_weight, ax, name, random_state
            As `from_estimator`.
        **kwargs
            For `plot`.

        Returns
        -------
        display
        """
        check_order(y, dist)
        values = _numeric(values, label)
        order = np.argsort(values, kind="stable")
        return cls._from_dist(y, dist[order], values[order], values, label, coverages, sample_weight, name).plot(ax, **kwargs)

    @classmethod
    def _from_dist(
        cls,
        y: Any,
        dist: Distribution,
        grid: np.ndarray,
        values: np.ndarray,
        label: str,
        coverages: Any,
        sample_weight: Any,
        name: str | None,
    ) -> Self:
        coverages = np.sort(probabilities(coverages, "coverages"))
        levels = np.concatenate([(1 - coverages[::-1]) / 2, [0.5], (1 + coverages) / 2])
        quantiles = np.stack([dist.ppf(np.full(dist.shape, q)) for q in levels], axis=1)
        (low, high), (rows, weight) = ends(y), weighted_rows(y, sample_weight)
        low, high = low[rows], high[rows]
        return cls(
            grid=grid,
            quantiles=quantiles,
            probabilities=levels,
            values=values[rows],
            low=low,
            high=high,
            weight=weight,
            label=label,
            name=name,
        )

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default those of a new figure.
        name : str, optional
            Label in the legend; by default that of the display.
        **kwargs : dict
            Arguments of matplotlib's `plot` of the median.

        Returns
        -------
        self
        """
        ax, name = self._on(ax), self.name if name is None else name
        if once := self._once(ax, "observations"):
            self._observations(ax, once)
            ax.set(xlabel=self.label, ylabel=self.target)
        style = {**self._style(ax, line=True), "linewidth": 2, **kwargs}
        k = len(self.probabilities) // 2
        share = ", ".join(f"{100 * (self.probabilities[k + j] - self.probabilities[k - j]):g}" for j in range(1, k + 1))
        label = f"{name + ': ' if name else ''}median, {share}% intervals"
        (self.line_,) = ax.plot(self.grid, self.quantiles[:, k], **{"label": label, **style})
        for j in range(k, 0, -1):
            ax.fill_between(
                self.grid,
                self.quantiles[:, k - j],
                self.quantiles[:, k + j],
                color=self.line_.get_color(),
                alpha=0.14,
                linewidth=0,
                zorder=0,
            )
            for side in (k - j, k + j):
                ax.plot(self.grid, self.quantiles[:, side], color=self.line_.get_color(), alpha=0.5, linewidth=0.6)
        self._legend(ax)
        return self

    def _observations(self, ax: Any, once: dict) -> None:
        exact, right, left = self.low == self.high, np.isposinf(self.high), np.isneginf(self.low)
        size = np.clip(14 * self.weight / self.weight.mean(), 2, 120)
        between = ~(exact | right | left)
        ax.vlines(self.values[between], self.low[between], self.high[between], color="0.3", linewidth=0.8, alpha=0.6)
        filled, hollow = {"color": "0.25", "linewidth": 0}, {"facecolor": "none", "edgecolor": "0.25", "linewidth": 0.9}
        for rows, heights, marker, label, style in (
            (exact, self.low, "o", "observed", filled),
            (right, self.low, "^", "observed: at least", hollow),
            (left, self.high, "v", "observed: at most", hollow),
        ):
            if rows.any():
                area = size[rows] * (1 if style is filled else 2)
                style = {**style, "marker": marker, "label": label, "alpha": 0.6, "zorder": 2, **once}
                ax.scatter(self.values[rows], heights[rows], s=area, **style)


def _numeric(values: Any, label: str) -> np.ndarray:
    try:
        return np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{label} is not numeric, and a fan needs a numeric axis; split the data by it instead") from error


def _rows(X: Any, feature: Any, grid: np.ndarray) -> Any:
    """Rows of X with the feature at the values of `grid` and the other columns at a typical observed value."""
    m = len(grid)
    if hasattr(X, "columns"):
        column_name = column_of(X, feature)[1]
        columns = {}
        for column in X.columns:
            series = X[column]
            repeated = getattr(series, "iloc", series)[[_typical_row(np.asarray(series))] * m]
            columns[column] = grid if str(column) == column_name else getattr(repeated, "array", repeated)
        return type(X)(columns)
    X = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    rows = np.tile([column[_typical_row(column)] for column in X.T], (m, 1)).astype(float)
    rows[:, feature] = grid
    return rows


def _typical_row(column: np.ndarray) -> int:
    """The index of a row with the median of a numeric column, or the most frequent value of another column."""
    if column.dtype.kind in "iuf":
        return int(np.argsort(column, kind="stable")[(len(column) - 1) // 2])
    _, first, count = np.unique(column.astype(str), return_index=True, return_counts=True)
    return int(first[np.argmax(count)])
