"""Predicted survival beside the Kaplan-Meier estimate."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from .._model.validation import check_weight
from .._predictive.distribution import Distribution
from .._utils.kaplan_meier import KaplanMeier, kaplan_meier
from .._utils.messages import rows_text
from ..diagnostics._observed import ends
from ._common import LINE_STYLES, PALETTE, Drawing, check_order, column_of, rows_and_dist, split_rows

N_TIMES = 200
MAX_CURVES = 12


class Group(NamedTuple):
    """Rows of one group: the estimate from their times, its band, the times of censoring, and the mean prediction."""

    label: str
    estimate: KaplanMeier
    low: np.ndarray
    high: np.ndarray
    censored: np.ndarray
    predicted: np.ndarray


def _groups(groups: Any, label: str, n_groups: int, n: int) -> list[tuple[str, np.ndarray]]:
    """Label and mask of rows of each curve."""
    if groups is None:
        return [("", np.full(n, True))]
    values = np.asarray(groups)
    values = values.astype(str) if values.dtype.kind not in "iufb" else values
    found = split_rows(values, f"{label} = " if label else "", n_groups, len(PALETTE))
    if len(found) > MAX_CURVES:
        raise ValueError(
            f"groups has {len(found)} different labels, but more than {MAX_CURVES} curves cannot be told apart: merge some, or "
            "draw some of the rows"
        )
    return found


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

    def __init__(self, *, times: np.ndarray, groups: list[Group], level: float = 0.95, name: Any = None) -> None:
        self.times, self.groups, self.level, self.name = times, groups, level, name

    @classmethod
    def from_estimator(
        cls,
        fitted: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        groups: Any = None,
        n_groups: int = 4,
        cv: Any = None,
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
            A column of X, or values; a curve for each value or, of more than six numbers, for each of `n_groups` groups of
            equal size.
        n_groups : int
        cv : int, splitter or iterable, optional
            Predictions of every row are those of the fit of a clone that has not seen it. Default: of the given fit.
        times, level, sample_weight, ax, **kwargs
            As in `from_predictions`.

        Returns
        -------
        display
        """
        rows = rows_and_dist(fitted, X, y, sample_weight, cv)
        label = ""
        if isinstance(groups, str | int):
            groups, label = column_of(X, groups)
        options = {"times": times, "level": level, "sample_weight": sample_weight, "ax": ax, **kwargs}
        return cls.from_predictions(rows.y, rows.dist, groups=groups, label=label, n_groups=n_groups, **options)

    @classmethod
    def from_predictions(
        cls,
        y: ArrayLike,
        dist: Distribution,
        *,
        groups: Any = None,
        label: str = "",
        n_groups: int = 4,
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
            A curve for each value; of more than six numbers, for each of `n_groups` groups of equal size.
        label : str
            What `groups` is called in the legend.
        n_groups : int
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
            For values that are known up to an interval, and for more labels than curves can be told apart.
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
        start = min(0.0, float(time.min()))
        times = np.linspace(start, float(time.max()), N_TIMES) if times is None else np.asarray(times, dtype=float)
        made = []
        for text, in_group in _groups(groups, label, n_groups, len(time)):
            rows = np.flatnonzero(in_group & (weight > 0))
            if not len(rows):
                continue
            estimate = kaplan_meier(time[rows], event[rows], weight[rows])
            with np.errstate(divide="ignore", invalid="ignore"):
                factor = np.exp(ndtri((1 + level) / 2) * np.sqrt(estimate.log_variance))
                low, top = estimate.survival / factor, np.minimum(estimate.survival * factor, 1.0)
            predicted = np.array([np.average(dist[rows].sf(np.full(len(rows), t)), weights=weight[rows]) for t in times])
            ticks = np.unique(time[rows][~event[rows]])
            made.append(Group(text, estimate, np.nan_to_num(low), np.nan_to_num(top, nan=1.0), ticks, predicted))
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
            style = {"color": color, "linestyle": LINE_STYLES[1], "linewidth": 2.2, "label": f"{label}predicted"}
            (line,) = ax.plot(self.times, group.predicted, **{**style, **kwargs})
            self.lines_.append(line)
        ax.set(xlabel="time", ylabel="probability to last longer", ylim=(-0.02, 1.02))
        self._legend(ax)
        return self
