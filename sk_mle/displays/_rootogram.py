"""Hanging rootograms of counts."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._predictive.distribution import Distribution
from ..diagnostics._observed import ends
from ..likelihoods._functions import title
from ._common import FromModel, check_order, weighted_rows

MAX_BARS = 40


class RootogramDisplay(FromModel):
    """Observed frequencies of counts, as bars that hang from the expected ones, both on the scale of square roots.

    Where the model is right, the bars end near zero; beyond the lines at -1 and 1, twice the standard deviation of a root of a
    count, a value is too rare (above) or too frequent (below) for it. Zero-inflation is a first bar that goes far below zero,
    over-dispersion a wave. Made by `from_estimator` or `from_predictions`, for laws of counts and classes.

    Parameters
    ----------
    edges : ndarray of shape (m + 1,)
        Bars are of the counts from `edges[k]` to `edges[k + 1] - 1`.
    observed, expected : ndarray of shape (m,)
        Frequencies.
    name : str, optional

    Attributes
    ----------
    ax_, figure_, bars_, line_ : matplotlib artists

    References
    ----------
    Kleiber, C., Zeileis, A. (2016). Visualizing count data regressions using rootograms. The American Statistician 70, 296-303.
    doi:10.1080/00031305.2016.1173590

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import Distribution
    >>> from sk_mle.displays import RootogramDisplay
    >>> from sk_mle.likelihoods import Poisson
    >>> dist = Distribution(Poisson(), {"mean": np.full(6, 1.0)})
    >>> display = RootogramDisplay.from_predictions([0, 0, 0, 0, 1, 3], dist)
    >>> display.observed, display.expected.round(1)
    (array([4., 1., 0., 1.]), array([2.2, 2.2, 1.1, 0.4]))
    """

    def __init__(self, *, edges: np.ndarray, observed: np.ndarray, expected: np.ndarray, name: str | None = None) -> None:
        self.edges, self.observed, self.expected, self.name = edges, observed, expected, name

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
        width: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw counts under their predictive distributions.

        Parameters
        ----------
        y : array-like of shape (n,)
        dist : Distribution
        sample_weight, ax, name
            As `from_estimator`.
        random_state : ignored
        width : int, optional
            How many counts share a bar; by default one, or more where there would be more than 40 bars.
        **kwargs
            For `plot`.

        Returns
        -------
        display

        Raises
        ------
        ValueError
            For a law with a density, and for counts that are known only up to an interval.
        """
        check_order(y, dist)
        law = dist.likelihood
        if not law.support.integer or hasattr(dist, "base"):
            raise ValueError(f"{title(law)} is no law of counts; use PITDisplay or QuantileResidualDisplay")
        low, high = ends(y)
        if (low != high).any():
            raise ValueError("counts that are known only up to an interval have no frequencies; use QuantileResidualDisplay")
        rows, weight = weighted_rows(low, sample_weight)
        first, last = int(max(law.support.low, 0)), int(low[rows].max())
        width = max(1, -(-(last + 1 - first) // MAX_BARS)) if width is None else int(width)
        edges = np.arange(first, last + width + 1, width)
        observed = np.histogram(low[rows], bins=edges, weights=weight)[0]
        cdf_at_edges = np.broadcast_to(dist.cdf(edges[:, None] - 1.0), (len(edges), len(low)))[:, rows]
        return cls(edges=edges, observed=observed, expected=np.diff(cdf_at_edges @ weight), name=name).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default those of a new figure.
        name : str, optional
            Label in the legend; by default that of the display.
        **kwargs : dict
            Arguments of matplotlib's `bar`. Bars of a second model are narrower.

        Returns
        -------
        self
        """
        ax, name = self._on(ax), self.name if name is None else name
        if once := self._once(ax, "band"):
            ax.axhspan(-1, 1, color="0.9", zorder=0, label="bars end here in 95% of cases", **once)
            ax.axhline(0, color="0.35", linewidth=1, zorder=1)
            ax.set(xlabel="count", ylabel="square root of frequency")
        n_models, step = self._n_models(ax), self.edges[1] - self.edges[0]
        style = self._style(ax)
        centre, root = self.edges[:-1] + (step - 1) / 2, np.sqrt(self.expected)
        bar_style = {"color": style["color"], "alpha": 0.45, "edgecolor": style["color"]}
        bottom = root - np.sqrt(self.observed)
        self.bars_ = ax.bar(centre, root - bottom, bottom=bottom, width=step * 0.85 / (1 + n_models), **{**bar_style, **kwargs})
        for bar in self.bars_:
            bar.sticky_edges.y.clear()  # a margin below the lowest
        (self.line_,) = ax.plot(
            centre, root, **{**style, "linestyle": "-", "markersize": 4, "label": f"expected, {name}" if name else "expected"}
        )
        self._legend(ax)
        return self
