"""Forest plots: coefficients of one or several models with their confidence intervals."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

import numpy as np

from ._common import MARKERS, PALETTE, Drawing, pyplot


class CoefficientDisplay(Drawing):
    """Coefficients with confidence intervals, models side by side.

    Made by `from_inference`.

    Parameters
    ----------
    names : list of str
        Rows from the top.
    estimates : dict of str to ndarray of shape (m,)
        By model; NaN where a model has no such coefficient.
    intervals : dict of str to ndarray of shape (m, 2)
    level : float

    Attributes
    ----------
    ax_, figure_ : matplotlib artists
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

    def __init__(self, *, names, estimates, intervals, level=0.95):
        self.names, self.estimates, self.intervals, self.level = names, estimates, intervals, level

    @classmethod
    def from_inference(
        cls, inferences: Any, *, names: Any = None, level: float = 0.95, intercepts: bool = False, ax: Any = None, **kwargs: Any
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
        ax : matplotlib Axes, optional
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
        for model, inference in inferences.items():
            position = {name: i for i, name in enumerate(inference.names)}
            table = np.column_stack([np.where(inference.identified, inference.params, np.nan), inference.conf_int(level=level)])
            table = np.vstack([table, np.full(3, np.nan)])[[position.get(name, -1) for name in rows]]
            estimates[model], intervals[model] = table[:, 0], table[:, 1:]
        return cls(names=rows, estimates=estimates, intervals=intervals, level=level).plot(ax, **kwargs)

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
        rows = np.arange(len(self.names))
        if ax is None:
            height = 1.2 + 0.22 * len(self.names) * (1 + len(self.estimates))
            ax = pyplot().subplots(figsize=(6.4, height), layout="constrained")[1]
        self._on(ax)
        ax.axvline(0, color="0.35", linewidth=1, zorder=0)
        self.lines_ = []
        for k, (model, estimate) in enumerate(self.estimates.items()):
            heights = rows + 0.6 * ((k + 0.5) / len(self.estimates) - 0.5)
            style = {"color": PALETTE[k % len(PALETTE)], "marker": MARKERS[k % len(MARKERS)], "linestyle": "none"}
            (line,) = ax.plot(estimate, heights, **{**style, "markersize": 5, "label": model or None, **kwargs})
            ax.hlines(heights, *self.intervals[model].T, color=line.get_color(), linewidth=1.6)
            self.lines_.append(line)
        for row in rows[1:]:
            ax.axhline(row - 0.5, color="0.92", linewidth=0.8, zorder=0)
        ax.set_yticks(rows, self.names)
        ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel=f"coefficient, {100 * self.level:g}% confidence interval")
        self._legend(ax)
        return self


def _full_names(inferences, name) -> list[str]:
    """The full names that a name stands for in the first model that has it; empty if none has."""
    for inference in inferences:
        with suppress(ValueError):
            return [inference.names[i] for i in inference.places(name)]
    return []
