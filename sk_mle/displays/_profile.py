"""Profile log-likelihoods of single coefficients."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

from ._common import Drawing


class ProfileLikelihoodDisplay(Drawing):
    """Profile log-likelihood of a coefficient below its maximum, with the parabola that Wald's interval stands on.

    Where the two curves part, the likelihood-ratio interval, whose ends lie where the profile crosses the horizontal line, is
    the better one. Made by `from_inference`.

    Parameters
    ----------
    values : ndarray of shape (m,)
        Of the coefficient.
    loglikelihood : ndarray of shape (m,)
        Maximum over all other coefficients, at each value.
    estimate, maximum, bse : float
        The maximum likelihood estimate, its log-likelihood and its standard error.
    level : float
        Of the interval.
    name : str, optional
        Of the coefficient.

    Attributes
    ----------
    drop : ndarray of shape (m,)
        The profile minus its maximum, which is drawn.
    parabola : ndarray of shape (m,)
    cut : float
        Minus half the quantile of the chi-squared distribution.
    interval : ndarray of shape (2,)
        Where the profile crosses the cut, by interpolation of its signed root; infinite where `values` do not reach so far.
    ax_, figure_, line_ : matplotlib artists

    References
    ----------
    Venzon, D. J., Moolgavkar, S. H. (1988). A method for computing profile-likelihood-based confidence intervals. Applied
    Statistics 37, 87-94. doi:10.2307/2347496

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.displays import ProfileLikelihoodDisplay
    >>> from sk_mle.inference import Inference
    >>> X = np.random.default_rng(0).normal(size=(30, 1))
    >>> y = np.random.default_rng(1).poisson(np.exp(0.5 * X[:, 0]))
    >>> inference = Inference.from_estimator(MLERegressor("poisson").fit(X, y), X, y)
    >>> ProfileLikelihoodDisplay.from_inference(inference, "mean:x0", X, y).interval.round(2)
    array([-0.02,  0.88])
    """

    def __init__(
        self,
        *,
        values: np.ndarray,
        loglikelihood: np.ndarray,
        estimate: float,
        maximum: float,
        bse: float,
        level: float = 0.95,
        name: str | None = None,
    ) -> None:
        self.values, self.loglikelihood, self.estimate, self.maximum = values, loglikelihood, estimate, maximum
        self.bse, self.level, self.name = bse, level, name

    @classmethod
    def from_inference(
        cls,
        inference: Any,
        name: str,
        X: Any,
        y: ArrayLike,
        *,
        values: Any = None,
        sample_weight: ArrayLike | None = None,
        level: float = 0.95,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute and draw the profile of a coefficient.

        Parameters
        ----------
        inference : Inference
        name : str
            A coefficient of `inference.names`.
        X, y, sample_weight
            The data of the fit, to which the other coefficients are fitted again at every value.
        values : array-like, optional
        level : float
        ax : matplotlib Axes, optional
        **kwargs
            For `plot`.

        Returns
        -------
        display
        """
        profile = inference.profile(name, X, y, values=values, sample_weight=sample_weight)
        bse = float(inference.bse[list(inference.names).index(profile.name)])
        display = cls(
            values=np.asarray(profile.values),
            loglikelihood=np.asarray(profile.loglikelihood),
            estimate=profile.estimate,
            maximum=profile.maximum,
            bse=bse,
            level=level,
            name=profile.name,
        )
        return display.plot(ax, **kwargs)

    @property
    def drop(self) -> np.ndarray:
        """The profile below its maximum."""
        return self.loglikelihood - self.maximum

    @property
    def parabola(self) -> np.ndarray:
        """The drop that Wald intervals suppose."""
        return -0.5 * ((self.values - self.estimate) / self.bse) ** 2

    @property
    def cut(self) -> float:
        """The drop at the ends of the interval: half a quantile of chi-squared."""
        return -float(chdtri(1, 1 - self.level)) / 2

    @property
    def interval(self) -> np.ndarray:
        """The ends of the profile interval."""
        root = np.sign(self.values - self.estimate) * np.sqrt(-2 * np.minimum(self.drop, 0.0))
        root_at_cut = np.sqrt(-2 * self.cut)
        order = np.argsort(self.values)
        return np.interp([-root_at_cut, root_at_cut], root[order], self.values[order], left=-np.inf, right=np.inf)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib axes, optional
            By default those of a new figure.
        name : str, optional
            Label in the legend; by default that of the display.
        **kwargs : dict
            Arguments of matplotlib's `plot` of the profile.

        Returns
        -------
        self
        """
        ax, name = self._on(ax), self.name if name is None else name
        style = {**self._style(ax, line=True), "linewidth": 2, "label": "profile" if self.name else name}
        low, high = ends = np.clip(self.interval, self.values.min(), self.values.max())
        below, above = ("beyond " if np.isinf(end) else "" for end in self.interval)
        label = f"{100 * self.level:g}% interval: {below}{low:.3g} to {above}{high:.3g}"
        ax.axvspan(*ends, color="0.9", zorder=0, label=label)
        (self.line_,) = ax.plot(self.values, self.drop, **{**style, **kwargs})
        ax.plot(self.values, self.parabola, color="0.4", linestyle=":", linewidth=1.5, label="Wald's parabola")
        ax.axhline(self.cut, color="0.35", linewidth=1, zorder=0)
        ax.axvline(self.estimate, color="0.35", linewidth=1, zorder=0)
        ax.set(xlabel=name or "coefficient", ylabel="log-likelihood below its maximum")
        ax.set_ylim(min(2.2 * self.cut, -0.1), 0.3)
        self._legend(ax)
        return self
