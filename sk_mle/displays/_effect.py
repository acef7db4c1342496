"""How predictions move with one column, with confidence bands."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from ._common import LINE_STYLES, MARKERS, PALETTE, Drawing, column_of


class Curve(NamedTuple):
    """One line of the display: its label, values of the column, the functional and its interval."""

    label: str
    x: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


class EffectDisplay(Drawing):
    """A parameter, mean, quantile or probability as one column moves, with its confidence band.

    The other columns are as in the rows of X, over which the mean is taken, or at given values. Columns of a pipeline's input
    are moved before they are transformed, so that a spline or a category is one curve. Made by `from_inference`.

    Parameters
    ----------
    curves : list of Curve
    feature, what, elsewhere : str
        The column, the functional, and where the other columns are.
    level : float
        Of the band.
    observed : ndarray of shape (n,) or None
        Values of the column, for marks along the axis.

    Attributes
    ----------
    ax_, figure_, lines_ : matplotlib artists

    See Also
    --------
    sk_mle.Inference.partial_effects : The numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.displays import EffectDisplay
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> y = np.random.default_rng(1).poisson(np.exp(1 + 0.5 * X[:, 0]))
    >>> inference = MLERegressor("poisson").fit(X, y).inference(X, y)
    >>> display = EffectDisplay.from_inference(inference, X, 0, at={1: [-1.0, 1.0]})
    >>> [curve.label for curve in display.curves]
    ['x1=-1', 'x1=1']
    """

    def __init__(
        self,
        *,
        curves: list[Curve],
        feature: str,
        what: str,
        elsewhere: str,
        level: float = 0.95,
        observed: np.ndarray | None = None,
    ) -> None:
        self.curves, self.feature, self.what = curves, feature, what
        self.elsewhere, self.level, self.observed = elsewhere, level, observed

    @classmethod
    def from_inference(
        cls,
        inference: Any,
        X: Any,
        feature: Any,
        what: Any = None,
        *,
        values: Any = None,
        at: Any = None,
        level: float = 0.95,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        q: float | None = None,
        y: float | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw a fitted model.

        Parameters
        ----------
        inference : Inference
        X : array-like of shape (n, p)
        feature : str or int
            The column that moves.
        what, values, at, level, sample_weight
            As in `Inference.partial_effects`; each combination in `at` is a curve, and so is each class.
        ax : matplotlib Axes, optional
        q, y : float, optional
            The level of a quantile, and the point of a probability.
        **kwargs
            For `plot`.

        Returns
        -------
        display
        """
        if not hasattr(inference, "partial_effects"):
            raise TypeError(
                f"from_inference takes an Inference, got {type(inference).__name__}: bands need the data of the fit, "
                "Inference.from_estimator(model, X, y)"
            )
        arguments = {name: value for name, value in (("q", q), ("y", y)) if value is not None}
        table = inference.partial_effects(
            X, feature, what, values=values, at=at, level=level, sample_weight=sample_weight, **arguments
        )
        names = list(table.columns)
        label, (low, high) = names[names.index("std err") - 1], names[-2:]
        blank = np.full(len(table), "")
        groups = [
            ", ".join(filter(None, pair)) for pair in zip(*(table.columns.get(n, blank) for n in ("at", "of")), strict=True)
        ]
        curves = []
        for group in dict.fromkeys(groups):
            rows = np.array([other == group for other in groups])
            curves.append(Curve(group, *(table[name][rows] for name in (names[0], label, low, high))))
        elsewhere = str(table.title).split(", ", 1)[1]
        made = {"curves": curves, "feature": names[0], "what": label, "elsewhere": elsewhere}
        return cls(**made, level=level, observed=column_of(X, feature)[0]).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default those of a new figure.
        **kwargs : dict
            Arguments of matplotlib's `plot` of the curves.

        Returns
        -------
        self
        """
        ax = self._on(ax)
        self.lines_ = []
        is_number = self.curves[0].x.dtype.kind in "fiu"
        for k, curve in enumerate(self.curves):
            style = {"color": PALETTE[k % len(PALETTE)], "label": curve.label or None}
            if is_number:
                (line,) = ax.plot(
                    curve.x, curve.value, **{**style, "linestyle": LINE_STYLES[k % len(LINE_STYLES)], "linewidth": 2, **kwargs}
                )
                ax.fill_between(curve.x, curve.low, curve.high, color=line.get_color(), alpha=0.15, linewidth=0)
            else:
                place = np.arange(len(curve.x)) + 0.5 * ((k + 0.5) / len(self.curves) - 0.5)
                style = {**style, "marker": MARKERS[k % len(MARKERS)], "linestyle": "none"}
                (line,) = ax.plot(place, curve.value, **{**style, **kwargs})
                ax.vlines(place, curve.low, curve.high, color=line.get_color(), linewidth=1.6)
            self.lines_.append(line)
        if is_number and self.observed is not None:
            marks = np.asarray(self.observed, dtype=float)
            marks = marks[:: max(len(marks) // 500, 1)]
            ax.plot(marks, np.zeros(len(marks)), "|", color="0.4", markersize=6, alpha=0.5, transform=ax.get_xaxis_transform())
        elif not is_number:
            ax.set_xticks(np.arange(len(self.curves[0].x)), [str(value) for value in self.curves[0].x])
            ax.set_xlim(-0.5, len(self.curves[0].x) - 0.5)
        ax.set(xlabel=self.feature, ylabel=self.what)
        ax.set_title(f"{self.elsewhere}; {100 * self.level:g}% confidence", fontsize="small", color="0.35")
        self._legend(ax)
        return self
