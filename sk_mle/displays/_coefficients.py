"""Forest plots: coefficients of one or several models with their confidence intervals."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

import numpy as np

from ._common import MARKERS, PALETTE, Drawing, pyplot


class CoefficientDisplay(Drawing):
    """Coefficients with confidence intervals, models side by side, in one panel or one for each parameter.

    Made by `from_inference`.

    Parameters
    ----------
    names : list of str
        Rows from the top.
    estimates : dict of str to ndarray of shape (m,)
        By model; NaN where a model has no such coefficient.
    intervals : dict of str to ndarray of shape (m, 2)
    level : float
    facets : list of str, optional
        The panel of each row; by default there is one.
    unit : str
        Of the columns, in the label of the axis.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
    ax_, figure_ : matplotlib artists
        The first of the axes, and their figure.
    lines_ : list of matplotlib artists
        Points by model.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.displays import CoefficientDisplay
    >>> from sk_mle.inference import Inference
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> y = np.random.default_rng(1).poisson(np.exp(1 + 0.5 * X[:, 0]))
    >>> models = {name: MLERegressor(name).fit(X, y) for name in ("poisson", "normal")}
    >>> found = {name: Inference.from_estimator(model, X, y) for name, model in models.items()}
    >>> CoefficientDisplay.from_inference(found).names
    ['mean:x0', 'mean:x1', 'loc:x0', 'loc:x1']
    """

    lines_: list

    def __init__(
        self,
        *,
        names: list[str],
        estimates: dict,
        intervals: dict,
        level: float = 0.95,
        facets: list[str] | None = None,
        unit: str = "",
    ) -> None:
        self.names, self.estimates, self.intervals, self.level = names, estimates, intervals, level
        self.facets, self.unit = facets, unit

    @classmethod
    def from_inference(
        cls,
        inferences: Any,
        *,
        names: Any = None,
        level: float = 0.95,
        intercepts: bool = False,
        facets: bool = False,
        standardize: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw one inference, or several by name.

        Parameters
        ----------
        inferences : Inference, or dict of str to Inference
        names : sequence of str, optional
            Rows to draw, in this order; by default all that any of the models has.
        level : float
            Of the intervals, which are Wald's.
        intercepts : bool
            Whether rows without a column are drawn as well, where `names` does not say it.
        facets : bool
            Whether each parameter has a panel of its own, with its own axis.
        standardize : array-like of shape (n, p), optional
            Rows of X, such as those of the fit: coefficients are those per standard deviation of their columns there, so that
            columns of different units compare.
        ax : matplotlib Axes, or array of as many as there are panels, optional
        **kwargs
            For `plot`.

        Returns
        -------
        display

        Raises
        ------
        ValueError
            For names that no model has, and where nothing is left to draw.
        """
        inferences = inferences if isinstance(inferences, Mapping) else {"": inferences}
        for inference in inferences.values():
            if not hasattr(inference, "conf_int"):
                raise TypeError(
                    f"from_inference takes an Inference, or a dict of them, got {type(inference).__name__}: standard errors "
                    "need the data of the fit, Inference.from_estimator(model, X, y)"
                )
        all_names = list(dict.fromkeys(name for inference in inferences.values() for name in inference.names))
        constants = {name for inference in inferences.values() for name in inference.layout.intercepts}
        known = {
            name for one in inferences.values() for name, is_known in zip(one.names, one.identified, strict=True) if is_known
        }
        rows = [n for n in all_names if n in known and (intercepts or n not in constants)]
        if names is not None:
            matches = {name: _full_names(inferences.values(), name) for name in names}
            unknown = [name for name, full in matches.items() if not full]
            if unknown:
                raise ValueError(f"names: no coefficient {unknown} to draw; the coefficients are {all_names}")
            rows = [full for name in names for full in matches[name]]
        if not rows:
            raise ValueError(f"names: no coefficient to draw; the coefficients are {all_names}")
        estimates, intervals = {}, {}
        labels: dict[str, str] = {}
        for model, inference in inferences.items():
            position = {name: i for i, name in enumerate(inference.names)}
            labels |= dict(zip(inference.names, inference.layout.label_of_each, strict=True))
            table = np.column_stack([np.where(inference.identified, inference.params, np.nan), inference.conf_int(level=level)])
            if standardize is not None:
                table *= inference.standard_deviations(standardize)[:, None]
            table = np.vstack([table, np.full(3, np.nan)])[[position.get(name, -1) for name in rows]]
            estimates[model], intervals[model] = table[:, 0], table[:, 1:]
        made: dict[str, Any] = {"estimates": estimates, "intervals": intervals, "level": level}
        if facets:
            made["facets"] = [labels[name] for name in rows]
        made["unit"] = "" if standardize is None else " per standard deviation"
        return cls(names=rows, **made).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default those of a new figure.
        **kwargs : dict
            Arguments of matplotlib's `plot` of the estimates.

        Returns
        -------
        self
        """
        panels = [""] if self.facets is None else list(dict.fromkeys(self.facets))
        rows_of = [np.flatnonzero([panel in (facet, "") for facet in self.facets or self.names]) for panel in panels]
        self.axes_ = self._panels(ax, [len(rows) for rows in rows_of])
        self._on(self.axes_[0])
        self.lines_ = []
        for panel_ax, panel, rows in zip(self.axes_, panels, rows_of, strict=True):
            self._panel(panel_ax, panel, rows, **kwargs)
        self.axes_[-1].set_xlabel(f"coefficient{self.unit}, {100 * self.level:g}% confidence interval")
        self._legend(self.ax_)
        return self

    def _panels(self, ax: Any, heights: list[int]) -> np.ndarray:
        """The given axes, or new ones below each other, as high as their rows need."""
        if ax is not None and np.size(ax) != len(heights):
            raise ValueError(f"ax has {np.size(ax)} axes, but there are {len(heights)} panels, one for each parameter")
        if ax is not None:
            return np.ravel(ax)
        per_row = 0.22 * (1 + len(self.estimates))
        size = (6.4, 1.2 + per_row * sum(heights) + 0.5 * (len(heights) - 1))
        grid = {"height_ratios": heights, "squeeze": False, "figsize": size, "layout": "constrained"}
        return pyplot().subplots(len(heights), 1, **grid)[1][:, 0]

    def _panel(self, ax: Any, panel: str, rows: np.ndarray, **kwargs: Any) -> None:
        """Draw some of the rows."""
        ax.axvline(0, color="0.35", linewidth=1, zorder=0)
        place = np.arange(len(rows))
        for k, (model, estimate) in enumerate(self.estimates.items()):
            heights = place + 0.6 * ((k + 0.5) / len(self.estimates) - 0.5)
            style = {"color": PALETTE[k % len(PALETTE)], "marker": MARKERS[k % len(MARKERS)], "linestyle": "none"}
            (line,) = ax.plot(estimate[rows], heights, **{**style, "markersize": 5, "label": model or None, **kwargs})
            ax.hlines(heights, *self.intervals[model][rows].T, color=line.get_color(), linewidth=1.6)
            self.lines_.append(line)
        for height in place[1:]:
            ax.axhline(height - 0.5, color="0.92", linewidth=0.8, zorder=0)
        ax.set_yticks(place, [self.names[row].removeprefix(f"{panel}:") for row in rows])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_title(panel, fontsize="medium")


def _full_names(inferences: Any, name: str) -> list[str]:
    """The full names that a name stands for in the first model that has it; empty if none has."""
    for inference in inferences:
        with suppress(ValueError):
            return [inference.names[i] for i in inference.places(name)]
    return []
