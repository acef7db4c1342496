"""Predicted survival beside the Kaplan-Meier estimate."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from .._model.validation import check_weight, replace_zero_weight_rows
from .._predictive.distribution import Distribution
from .._utils.kaplan_meier import KaplanMeier, kaplan_meier
from .._utils.messages import rows_text
from ..diagnostics._observed import ends, observed
from ._common import LINES, PALETTE, Drawing, check_order, column_of

N_TIMES = 200


class Group(NamedTuple):
    """Rows of one group: the estimate from their times, its band, the times of censoring, and the mean prediction."""

    label: str
    estimate: KaplanMeier
    low: np.ndarray
    high: np.ndarray
    censored: np.ndarray
    predicted: np.ndarray


class SurvivalDisplay(Drawing):
    """Survival curves: the mean prediction of the rows, beside the Kaplan-Meier estimate from their times.

    Steps are the estimate with its band (Greenwood's variance, on the log scale), ticks the times at which rows were censored,
    and the smooth line the mean over rows of the predicted probability to last longer. Made by `from_estimator` or
    `from_predictions`.

    Parameters
    ----------
    times : ndarray of shape (m,)
    groups : list of Group
    level : float
        Of the band.
    name : str, optional

    Attributes
    ----------
    ax_, figure_, lines_ : matplotlib artists

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor, censored
    >>> from sk_mle.displays import SurvivalDisplay
    >>> from sk_mle.likelihoods import Censored, Weibull
    >>> rng = np.random.default_rng(0)
    >>> X, life, end = rng.integers(0, 2, (100, 1)), rng.weibull(1.5, 100), rng.exponential(2, 100)
    >>> y = censored(np.minimum(life, end), life <= end)
    >>> model = MLERegressor(Censored(Weibull())).fit(X, y)
    >>> [group.label for group in SurvivalDisplay.from_estimator(model, X, y, groups=0).groups]
    ['column 0 of X = 0', 'column 0 of X = 1']
    """

    def __init__(self, *, times, groups, level=0.95, name=None):
        self.times, self.groups, self.level, self.name = times, groups, level, name

    @classmethod
    def from_estimator(
        cls,
        fitted: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        groups: Any = None,
        times: Any = None,
        level: float = 0.95,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw a fitted estimator on data.

        Parameters
        ----------
        fitted : estimator
            Of this package, or a pipeline or search that ends in one.
        X, y : array-like
            As for `fit`; y of a `Censored` law, or times that are all events.
        groups : str, int or array-like of shape (n,), optional
            A column of X, or labels; a curve for each.
        times, level, sample_weight, ax, **kwargs
            As in `from_predictions`.

        Returns
        -------
        display
        """
        rows = observed(fitted, replace_zero_weight_rows(X, sample_weight), replace_zero_weight_rows(y, sample_weight))
        prefix = ""
        if isinstance(groups, str | int):
            groups, label = column_of(X, groups)
            prefix = f"{label} = "
        labels = None if groups is None else [f"{prefix}{value}" for value in np.asarray(groups).tolist()]
        options = {"times": times, "level": level, "sample_weight": sample_weight, "ax": ax, **kwargs}
        return cls.from_predictions(rows.y, rows.dist, groups=labels, **options)

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        dist: Distribution,
        *,
        groups: Any = None,
        times: Any = None,
        level: float = 0.95,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw times and their predictive distributions.

        Parameters
        ----------
        y : array-like of shape (n,), or (n, 2) as `sk_mle.censored` returns it
        dist : Distribution
        groups : array-like of shape (n,), optional
            Labels; a curve for each.
        times : array-like, optional
            By default 200 up to the largest.
        level : float
            Of the band around the estimate.
        sample_weight : array-like of shape (n,), optional
        ax : matplotlib Axes, optional
        **kwargs
            For `plot`.

        Returns
        -------
        display

        Raises
        ------
        ValueError
            For values that are known up to an interval.
        """
        check_order(y, dist)
        time, high = ends(y)
        event = time == high
        other = np.flatnonzero(~event & np.isfinite(high) | ~np.isfinite(time))
        if len(other):
            raise ValueError(
                f"{rows_text(other)} of y is known up to an interval, of which there is no Kaplan-Meier estimate; leave these "
                "rows out, or look at a QuantileResidualDisplay"
            )
        weight = check_weight(sample_weight, len(time))
        labels = np.full(len(time), "") if groups is None else np.asarray(groups).astype(str)
        start = min(0.0, float(time.min()))
        times = np.linspace(start, float(time.max()), N_TIMES) if times is None else np.asarray(times, dtype=float)
        made = []
        for label in np.unique(labels):
            rows = np.flatnonzero((labels == label) & (weight > 0))
            estimate = kaplan_meier(time[rows], event[rows], weight[rows])
            with np.errstate(divide="ignore", invalid="ignore"):
                factor = np.exp(ndtri((1 + level) / 2) * np.sqrt(estimate.log_variance))
                low, top = estimate.survival / factor, np.minimum(estimate.survival * factor, 1.0)
            predicted = np.array([np.average(dist[rows].sf(np.full(len(rows), t)), weights=weight[rows]) for t in times])
            ticks = np.unique(time[rows][~event[rows]])
            made.append(Group(str(label), estimate, np.nan_to_num(low), np.nan_to_num(top, nan=1.0), ticks, predicted))
        return cls(times=times, groups=made, level=level).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default those of a new figure.
        **kwargs : dict
            Arguments of matplotlib's `plot` of the predictions.

        Returns
        -------
        self
        """
        ax, self.lines_ = self._on(ax), []
        for k, group in enumerate(self.groups):
            color, estimate = PALETTE[k % len(PALETTE)], group.estimate
            label = f"{group.label}: " if group.label else ""
            first = min(0.0, float(self.times[0]))
            x, steps = np.append(first, estimate.times), np.append(1.0, estimate.survival)
            ax.step(x, steps, where="post", color=color, linewidth=1, label=f"{label}Kaplan-Meier")
            low, high = np.append(1.0, group.low), np.append(1.0, group.high)
            ax.fill_between(x, low, high, step="post", color=color, alpha=0.13, linewidth=0)
            ax.plot(group.censored, estimate.at(group.censored), "|", color=color, markersize=6, markeredgewidth=0.8)
            style = {"color": color, "linestyle": LINES[1], "linewidth": 2.2, "label": f"{label}predicted"}
            (line,) = ax.plot(self.times, group.predicted, **{**style, **kwargs})
            self.lines_.append(line)
        ax.set(xlabel="time", ylabel="probability to last longer", ylim=(-0.02, 1.02))
        self._legend(ax)
        return self
