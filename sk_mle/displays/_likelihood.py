"""The likelihood of a sample over one or two parameters, beside the densities at some of their values."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri
from sklearn.utils.validation import check_is_fitted

from .._model.validation import check_weight
from .._predictive.distribution import Distribution
from ..diagnostics._observed import ends
from ..likelihoods._functions import title
from ._common import LINE_STYLES, MARKERS, PALETTE, Drawing, pyplot

STANDARD_ERRORS_TO_END = 3.5  # standard errors from the estimate to the ends of a grid
CONFIDENCE_LEVELS = (0.5, 0.9, 0.99, 0.9999)
MAX_DRAWN_OBSERVATIONS = 40  # observations whose density is drawn one by one


class LikelihoodDisplay(Drawing):
    """The log-likelihood of a sample over its parameters, and the densities of candidates beside the observations.

    On the left the log-likelihood over one parameter, or its contours over two, on the right the law at each of the candidates:
    the likelihood is the product of the heights of its density at the observations. Made by `from_estimator`.

    Parameters
    ----------
    likelihood : Likelihood
    y : ndarray of shape (n,)
    parameters : list of str
        One or two.
    grids : list of ndarray
        Their values, (m,) each.
    loglikelihood : ndarray of shape (m,), or (m1, m2)
    candidates : list of dict of str to float
        All parameters of the law; the first is the maximum likelihood estimate, unless the user named them.
    scores : ndarray
        Log-likelihood of the candidates.
    weight : ndarray of shape (n,)

    Attributes
    ----------
    axes_ : ndarray of two matplotlib Axes
        Of the likelihood and of the densities.
    ax_, figure_ : matplotlib artists
        The first of the axes, and their figure.

    References
    ----------
    Pawitan, Y. (2001). In All Likelihood. Oxford University Press, chapter 2.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLEDensity
    >>> from sk_mle.displays import LikelihoodDisplay
    >>> from sk_mle.likelihoods import Normal
    >>> X = np.array([[4.3], [4.8], [5.0], [5.2], [5.7]])
    >>> model = MLEDensity(Normal(scale=1.0)).fit(X)
    >>> display = LikelihoodDisplay.from_estimator(model, X, candidates=[{"loc": 5.0}, {"loc": 4.0}, {"loc": 6.0}])
    >>> display.scores.round(2)
    array([-5.12, -7.62, -7.62])
    """

    def __init__(
        self,
        *,
        likelihood: Any,
        y: np.ndarray,
        parameters: list[str],
        grids: list[np.ndarray],
        loglikelihood: np.ndarray,
        candidates: list[dict],
        scores: np.ndarray,
        weight: np.ndarray,
    ) -> None:
        self.likelihood, self.y, self.parameters, self.grids = likelihood, y, parameters, grids
        self.loglikelihood, self.candidates, self.scores, self.weight = loglikelihood, candidates, scores, weight

    @classmethod
    def from_estimator(
        cls,
        fitted: Any,
        X: Any,
        *,
        parameters: Any = None,
        grids: Any = None,
        candidates: Any = None,
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the likelihood of a sample around a density that was fitted to it.

        Parameters
        ----------
        fitted : MLEDensity
        X : array-like of shape (n, 1)
            The sample; the ends of intervals are two columns.
        parameters : sequence of str, optional
            One or two parameters to vary; the others are held at their estimates. Default: the first two that are estimated.
        grids : dict of str to array-like, optional
            Values of the parameters; by default 3.5 standard errors to both sides on the scale of their links.
        candidates : sequence of dict of str to float, optional
            Values of parameters, the others at their estimates, whose densities are drawn beside that of the estimate. Default:
            the estimate, and 3 standard errors from it: to both sides of one parameter, or upwards along each of two.
        sample_weight : array-like of shape (n,), optional
        ax : matplotlib Axes, or two of them, optional
        **kwargs
            For `plot`.

        Returns
        -------
        display

        Raises
        ------
        TypeError
            For an estimator that is no MLEDensity.
        ValueError
            For parameters that the law does not estimate, or that are vectors, and for laws of several numbers.
        """
        check_is_fitted(fitted)
        if not hasattr(fitted, "distribution_"):
            raise TypeError(f"a likelihood is drawn of a law without columns: pass an MLEDensity, not {type(fitted).__name__}")
        law, estimates = fitted.likelihood_, dict(fitted.params_)
        if law.target_type == "targets" or len(law.predictive.parameters) > len(law.parameters):
            raise ValueError(f"{title(law)} has values of several numbers, which one axis cannot show; fix trials")
        target = fitted.read_data(X, sample_weight=sample_weight).y
        n, weight = len(target), check_weight(sample_weight, len(target))
        scalar = [name for name in law.layout.free if not law.layout[name].vector]
        parameters = scalar[:2] if parameters is None else list(parameters)
        if not 1 <= len(parameters) <= 2 or not set(parameters) <= set(scalar):
            raise ValueError(f"parameters must be one or two of {scalar}, got {parameters}")

        def total(**values: Any) -> float:
            with np.errstate(all="ignore"):
                chosen = {**estimates, **values}
                params = {name: np.broadcast_to(value, (n, *np.shape(value))) for name, value in chosen.items()}
                return float(weight @ np.where(law.inside(target), law.loglik(target, **params), -np.inf))

        eta = {
            name: np.full((n, *law.layout[name].shape), law.layout[name].link.link(estimates[name])) for name in law.layout.free
        }
        standard_error = _standard_errors(law, target, eta, weight)
        grid_values = _grids(law, parameters, grids or {}, candidates or [], eta, standard_error)
        values = np.array([total(**dict(zip(parameters, at, strict=True))) for at in _product(grid_values)])
        if candidates is None:
            steps = [(parameters[0], 3), (parameters[-1], 3 if len(parameters) == 2 else -3)]
            candidates = [{}, *({k: float(law.layout[k].link.inverse(eta[k][0] + s * standard_error[k]))} for k, s in steps)]
        unknown = sorted({name for candidate in candidates for name in candidate} - set(law.parameters))
        if unknown:
            raise ValueError(f"candidates name {unknown}, but the parameters are {list(law.parameters)}")
        candidates = [{**estimates, **candidate} for candidate in candidates]
        if not any(all(np.array_equal(c[name], estimates[name]) for name in parameters) for c in candidates):
            candidates.insert(0, estimates)
        display = cls(
            likelihood=law,
            y=target,
            parameters=parameters,
            grids=grid_values,
            loglikelihood=values.reshape([len(grid) for grid in grid_values]),
            candidates=candidates,
            scores=np.array([total(**candidate) for candidate in candidates]),
            weight=weight,
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default those of a new figure.
        **kwargs : dict
            Arguments of matplotlib's `plot` of the candidates' densities.

        Returns
        -------
        self
        """
        if ax is None:
            self.axes_ = pyplot().subplots(1, 2, figsize=(10, 4), layout="constrained")[1]
        elif isinstance(ax, np.ndarray | list | tuple):
            self.axes_ = np.asarray(ax)
        else:
            ax.set_axis_off()
            self.axes_ = ax.get_subplotspec().subgridspec(1, 2, wspace=0.3).subplots()
        self._on(self.axes_[0])
        (self._curve if len(self.parameters) == 1 else self._contours)(self.axes_[0])
        for k, (candidate, score) in enumerate(zip(self.candidates, self.scores, strict=True)):
            point = [candidate[name] for name in self.parameters] + [score] * (len(self.parameters) == 1)
            style = {"color": PALETTE[k % len(PALETTE)], "marker": MARKERS[k % len(MARKERS)], "linestyle": "none"}
            self.axes_[0].plot(*point, **style, markersize=8, markeredgecolor="white", zorder=3)
        self._densities(self.axes_[1], kwargs)
        return self

    def _curve(self, ax: Any) -> None:
        ax.plot(self.grids[0], self.loglikelihood, color="0.3", linewidth=1.5)
        ax.set(xlabel=self.parameters[0], ylabel="log-likelihood of the sample")

    def _contours(self, ax: Any) -> None:
        finite = np.where(np.isfinite(self.loglikelihood), self.loglikelihood, np.nan)
        drop = np.nanmax(np.append(finite, self.scores)) - finite
        levels = [float(chdtri(2, 1 - region)) / 2 for region in CONFIDENCE_LEVELS]
        ax.contourf(*self.grids, drop.T, levels=[0, *levels], colors=["0.6", "0.73", "0.84", "0.93"], zorder=0)
        lines = ax.contour(*self.grids, drop.T, levels=levels, colors="0.3", linewidths=0.8, zorder=1)
        ax.clabel(lines, fmt={level: f"−{level:.1f}" for level in levels}, fontsize="small")
        ax.set(xlabel=self.parameters[0], ylabel=self.parameters[1], title="log-likelihood below its maximum")
        ax.title.set_fontsize("medium")

    def _densities(self, ax: Any, kwargs: dict) -> None:
        law = self.likelihood.predictive
        dists = [Distribution(law, {n: c[n] for n in law.parameters if n in c}) for c in self.candidates]
        low, high = ends(self.y)
        y, weight = low[low == high], self.weight[low == high]
        extremes = np.array([dist.ppf(q) for dist in dists for q in (0.002, 0.998)])
        low, high = min(y.min(), extremes.min()), max(y.max(), extremes.max())
        is_lattice = law.support.integer
        grid = np.arange(np.floor(low), np.ceil(high) + 1) if is_lattice else np.linspace(low, high, 400)
        grid = grid[law.support.contains(grid)]
        if is_lattice:
            share = [np.average(y == value, weights=weight) for value in grid]
            ax.bar(grid, share, color="0.85", width=0.9, label="observed", zorder=0)
        elif len(y) > MAX_DRAWN_OBSERVATIONS:
            edges = np.histogram_bin_edges(y, bins="auto")
            ax.hist(y, bins=edges, weights=weight, density=True, color="0.87", label="observed", zorder=0)
        for k, (dist, score) in enumerate(zip(dists, self.scores, strict=True)):
            color, line = PALETTE[k % len(PALETTE)], LINE_STYLES[k % len(LINE_STYLES)]
            values = ", ".join(f"{name} {self.candidates[k][name]:.3g}" for name in self.parameters)
            style = {"color": color, "linestyle": line, "label": f"{values}: {score:.2f}", "linewidth": 2}
            if is_lattice:
                style |= {"marker": MARKERS[k % len(MARKERS)], "markersize": 4, "linewidth": 1}
            ax.plot(grid, dist.pdf(grid), **{**style, **kwargs})
            if not is_lattice and len(y) <= MAX_DRAWN_OBSERVATIONS:
                if k == 0:
                    ax.vlines(y, 0, dist.pdf(y), color=color, linewidth=1, alpha=0.7)
                ax.plot(y, dist.pdf(y), color=color, marker=MARKERS[k % len(MARKERS)], linestyle="none", markersize=4)
        if not is_lattice:
            ax.plot(y, np.zeros(len(y)), "|", color="0.2", markersize=9, clip_on=False, zorder=4)
        ax.set(xlabel="y", ylabel="probability" if is_lattice else "density")
        ax.set_ylim(0, 1.35 * ax.get_ylim()[1])  # room for the legend
        self._legend(ax, loc="upper right", title="candidate: log-likelihood", title_fontsize="small")


def _standard_errors(law: Any, y: np.ndarray, eta: dict, weight: np.ndarray) -> dict:
    """Standard error of every scalar linear predictor, the others held."""
    at_fit = law.evaluate(y, eta, 2)
    result = {}
    for name, value in eta.items():
        curvature = at_fit.information.get((name, name), np.ones(len(y)))
        total = float(weight @ curvature) if np.ndim(value) == 1 and np.ndim(curvature) == 1 else 1.0
        result[name] = 1 / np.sqrt(total) if total > 0 else 1.0
    return result


def _product(grids: list[np.ndarray]) -> list:
    """All points of one or two grids, as tuples."""
    return [(a,) for a in grids[0]] if len(grids) == 1 else [(a, b) for a in grids[0] for b in grids[1]]


def _grids(law: Any, parameters: list[str], grids: dict, candidates: list, eta: dict, standard_error: dict) -> list[np.ndarray]:
    """Grid of each parameter: as given, or some standard errors to both sides, wide enough for all candidates."""
    end, result = STANDARD_ERRORS_TO_END, []
    standard_errors = np.linspace(-end, end, 201 if len(parameters) == 1 else 61)
    for name in parameters:
        if name in grids:
            result.append(np.asarray(grids[name], float))
            continue
        link = law.layout[name].link
        candidate_etas = [link.link(np.array([candidate[name]], float))[0] for candidate in candidates if name in candidate]
        ends_in_errors = [-end, end, *(1.1 * (g - eta[name][0]) / standard_error[name] for g in candidate_etas)]
        steps = np.interp(standard_errors, [-end, end], [min(ends_in_errors), max(ends_in_errors)])
        result.append(link.inverse(eta[name][0] + steps * standard_error[name]))
    return result
