"""Shared by the displays: axes, colours, legends, and quantile residuals from a fitted model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from .._model.validation import check_weight, replace_zero_weight_rows
from .._predictive.distribution import Distribution
from .._predictive.unwrapping import unwrap
from .._utils.floats import numbers
from .._utils.messages import rows_text
from ..diagnostics._observed import Observed, normal_scores, observed
from ..selection import cross_val_predict_dist

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # of Okabe and Ito, for colour-blind readers too
MARKERS = "o^sDvP"
LINE_STYLES = ("-", "--", "-.", ":")
_MODEL_ARTIST, _DRAWN_ONCE = "sk_mle model", "sk_mle "


def pyplot() -> Any:
    """matplotlib.pyplot; ImportError with advice if it is missing."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("displays are drawn by matplotlib: python -m pip install matplotlib") from error
    return plt


class Drawing:
    """Base of displays: the axes, and styles by the number of models that are already drawn there."""

    ax_: Any
    figure_: Any
    name: str | None

    def _on(self, ax: Any) -> Any:
        """The given axes or new ones, kept as attributes."""
        if ax is None:
            _, ax = pyplot().subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        return ax

    @staticmethod
    def _n_models(ax: Any) -> int:
        """The number of models that are drawn on the axes."""
        return sum(artist.get_gid() == _MODEL_ARTIST for artist in ax.get_children())

    def _style(self, ax: Any, line: bool = False) -> dict:
        """Colour and marker, or line style, of the next model; the artist that gets them counts as a model."""
        n_models = self._n_models(ax)
        style = {"color": PALETTE[n_models % len(PALETTE)], "gid": _MODEL_ARTIST}
        if line:
            return {**style, "linestyle": LINE_STYLES[n_models % len(LINE_STYLES)]}
        return {**style, "marker": MARKERS[n_models % len(MARKERS)], "linestyle": "none"}

    @staticmethod
    def _once(ax: Any, what: str) -> dict | None:
        """Keywords for an artist that the axes need once, such as a band; None if they have it."""
        gid = _DRAWN_ONCE + what
        return None if any(artist.get_gid() == gid for artist in ax.get_children()) else {"gid": gid}

    @staticmethod
    def _legend(ax: Any, **kwargs: Any) -> None:
        if ax.get_legend_handles_labels()[0]:
            ax.legend(**{"framealpha": 0.8, "edgecolor": "none", "fontsize": "small", **kwargs})


def rows_and_dist(fitted: Any, X: Any, y: ArrayLike | None, sample_weight: ArrayLike | None, cv: Any) -> Observed:
    """The rows with their distributions under the fit or, with `cv`, under fits of clones that have not seen them."""
    X, y = replace_zero_weight_rows(X, sample_weight), replace_zero_weight_rows(y, sample_weight)
    dist = None if cv is None else cross_val_predict_dist(fitted, X, y, cv=cv, sample_weight=sample_weight)
    return observed(fitted, X, y, dist=dist)


class FromModel(Drawing):
    """Displays of observations and their predictive distributions."""

    from_predictions: ClassVar[Callable]

    @classmethod
    def from_estimator(
        cls,
        fitted: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
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
        fitted : estimator
            Of this package, or a pipeline, search or transformed target that ends in one.
        X, y : array-like
            As for `fit`; held-out data show more. `MLEDensity` takes its sample as X alone.
        cv : int, splitter or iterable, optional
            Every row is drawn under the fit of a clone that has not seen it, as by `sk_mle.cross_val_predict_dist`: what the
            fit to these rows hides is seen. Default: under the given fit.
        sample_weight : array-like of shape (n,), optional
            A weight of k counts as k rows.
        ax : matplotlib Axes, optional
        name : str, optional
            In the legend; by default the likelihood.
        random_state : int, RandomState or None
            Of the randomisation where values have positive probability.
        **kwargs
            As `from_predictions`.

        Returns
        -------
        display
        """
        observations = rows_and_dist(fitted, X, y, sample_weight, cv)
        name = title(fitted) if name is None else name
        options = {"sample_weight": sample_weight, "ax": ax, "name": name, "random_state": random_state}
        return cls.from_predictions(observations.y, observations.dist, **options, **kwargs)


def check_order(y: Any, dist: Any) -> None:
    """Raise TypeError for y and its predictive distribution in the wrong order."""
    if hasattr(y, "logpdf") or not hasattr(dist, "logpdf"):
        raise TypeError(
            "from_predictions takes y first, then its predictive distribution, as model.predict_dist(X) returns it; got "
            f"{type(y).__name__} and {type(dist).__name__}"
        )


def title(fitted: Any) -> str:
    """The default name of a model in legends: its likelihood."""
    return repr(unwrap(fitted).model.likelihood_).replace("law=", "")


def weighted_rows(y: np.ndarray, sample_weight: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the rows of positive weight, and their weights."""
    weight = check_weight(sample_weight, len(y))
    rows = np.flatnonzero(weight)
    return rows, weight[rows]


def residuals_and_weights(
    y: ArrayLike, dist: Distribution, sample_weight: ArrayLike | None, random_state: int | np.random.RandomState | None
) -> tuple[np.ndarray, np.ndarray]:
    """Quantile residuals and weights of the rows of positive weight."""
    y = numbers(y, "y")
    residual = normal_scores(dist, y, random_state)
    rows, weight = weighted_rows(y, sample_weight)
    bad = rows[~np.isfinite(residual[rows])]
    if len(bad):
        raise ValueError(f"y is impossible under the model in {rows_text(bad)}: its residual is infinite and cannot be drawn")
    return residual[rows], weight


def column_of(X: Any, feature: Any) -> tuple[np.ndarray, str]:
    """Values (n,) and label of one column of X, by name or index."""
    names = getattr(X, "columns", None)
    if names is not None:
        names = list(names)
        if isinstance(feature, str) and feature not in names:
            raise ValueError(f"feature={feature!r} is no column of X; its columns are {list(map(str, names))}")
        column_name = feature if isinstance(feature, str) else names[feature]
        return np.asarray(X[column_name]), str(column_name)
    if isinstance(feature, str):
        raise ValueError(f"feature={feature!r} is a column name, but X has no column names; pass an index")
    column = X[:, [feature]].toarray() if hasattr(X, "toarray") else np.asarray(X)[:, [feature]]
    return column[:, 0], f"column {feature} of X"


def split_rows(values: np.ndarray, before: str, n_groups: int, most_values: int | None = None) -> list[tuple[str, np.ndarray]]:
    """Label and mask of rows of each group of a feature: a value, or a range of numbers with as many rows as the others.

    Ranges where numbers have more than `most_values` distinct values, by default `n_groups`. `before` stands before a value.
    """
    distinct = np.unique(values)
    if len(distinct) <= (most_values or n_groups) or values.dtype.kind not in "iuf":
        return [(f"{before}{value}", values == value) for value in distinct]
    edges = np.unique(np.quantile(values, np.linspace(0, 1, n_groups + 1)))
    group = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    name = f"{before.rstrip(' =')}: " if before else ""
    return [(f"{name}{edges[k]:.3g} to {edges[k + 1]:.3g}", group == k) for k in range(len(edges) - 1)]
