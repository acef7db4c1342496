"""The methods of `Inference` on predictive distributions: predictions, derived quantities, marginal effects."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from sklearn.utils import check_random_state

from .._predictive.distribution import Distribution
from .._sources import check_in_memory
from .._utils.floats import probability
from .._utils.frames import n_rows, take
from .._utils.tables import Table
from ..likelihoods._functions import solve_quantile
from ._columns import critical_value, interval
from ._effects import marginal_effects, partial_effects
from ._estimable import NotEstimableError
from ._functions import functional
from ._layout import Layout
from ._linearised import STEP_IN_STANDARD_ERRORS, RowPredictors, as_matrix, check_finite, linearised
from ._marginaleffects import marginaleffects_model
from ._terms import TermCoefficients

ROWS_PER_BLOCK = 2048
VALUES_PER_BLOCK = 1 << 17  # rows times draws at a time


class Functionals:
    """A mixin: predictions with their uncertainty, and marginal effects."""

    model: Any
    params: Any
    centre: Any
    df: float
    layout: Layout
    estimability: Any
    root: Any

    def draws(self, n_draws: int = 1000, random_state: int | np.random.RandomState | None = None) -> np.ndarray:
        """Draws of the coefficients from their normal distribution, or Student's t with `use_t`.

        Parameters
        ----------
        n_draws : int, default=1000
        random_state : int, RandomState or None

        Returns
        -------
        ndarray of shape (n_draws, P)
            Columns in the order of `names`.
        """
        if not (isinstance(n_draws, Integral) and int(n_draws) > 0):
            raise ValueError(f"n_draws must be a positive integer, got {n_draws!r}")
        rng = check_random_state(random_state)
        deviations = rng.normal(size=(n_draws, self.root.shape[1])) @ self.root.T
        return self.params + (
            deviations if np.isinf(self.df) else deviations * np.sqrt(self.df / rng.chisquare(self.df, (n_draws, 1)))
        )

    def predict(
        self,
        X: Any,
        what: Any = None,
        *,
        level: float = 0.95,
        method: str = "delta",
        n_draws: int = 1000,
        random_state: int | np.random.RandomState | None = None,
        **at: Any,
    ) -> Table:
        """A functional of the predictive distribution for every row, with its standard error and confidence interval.

        Parameters
        ----------
        X : array-like of shape (n, p)
            As for the fitted estimator, a pipeline's too.
        what : str or callable
            "mean" of y (the default), "median", "std", "var", "quantile" (with `q`), "sf", "cdf", "pdf", "pmf",
            "hazard" or "cumulative_hazard" (with `y`),
            "proba" (of classifiers, their default), or a function of a `Distribution` that gives (n,) or (n, m) of it.
            "param:mean" is the parameter called mean, which is not the mean of y under a `Hurdle` or `Truncated` law; the
            name alone, as in "scale", is enough for parameters whose names are none of the above. A term of `penalties` by
            its name in `terms`, as in "smooth(day)" or "scale: smooth(day)", is its part of the linear predictor.
        level : float
        method : {"delta", "simulate"}
            First-order propagation, with intervals made on the log scale for what is positive and on that of the log odds
            for probabilities; or percentiles of the functional over draws of the coefficients.
        n_draws, random_state
            For "simulate".
        **at
            `q` or `y`, a number.

        Returns
        -------
        Table
            One row per row of X: the functional, its standard error and the ends of its interval.

        Raises
        ------
        ValueError
            For functionals that are not finite, such as the mean of a law without one.
        """
        check_in_memory(X)
        f, label = (quantity := functional(self, what, at)).of, quantity.label
        if method not in ("delta", "simulate"):
            raise ValueError(f"method={method!r} is unknown; use 'delta' or 'simulate'")
        method = "delta" if isinstance(f, TermCoefficients) else method  # exact for what is linear in the coefficients
        if method == "delta" and quantity.jumps:
            raise ValueError(f"the {label} of a discrete law moves in jumps and has no derivative: use method='simulate'")
        critical, tail = critical_value(self.df, level), (1 - level) / 2
        n = n_rows(X)
        parts: list = []
        draws = self.draws(n_draws, random_state) if method == "simulate" else None
        for first in range(0, n, ROWS_PER_BLOCK):
            block = take(X, slice(first, first + ROWS_PER_BLOCK))
            if draws is None:
                value, derivatives = linearised(self, block, f, first)
                deviations = np.zeros((*value.shape, self.root.shape[1]))
                for part, derivative, Z in derivatives:
                    deviations += derivative[:, :, None] * (Z @ self.root[part.place])[:, None, :]
                error = np.linalg.norm(deviations, axis=2)
                low, high = quantity.interval(value, error, critical)
            else:
                rows = RowPredictors(self, block)
                rows.check_estimable(first)
                value = as_matrix(f(rows.dist(rows.eta(self.params))), rows.n)
                sample = np.stack([as_matrix(f(rows.dist(rows.eta(draw))), rows.n) for draw in draws])
                error, (low, high) = sample.std(axis=0, ddof=1), np.quantile(sample, [tail, 1 - tail], axis=0)
            check_finite(value, label, first)
            parts.append((value, error, low, high))
        value, error, low, high = (np.concatenate(part) for part in zip(*parts, strict=True))
        m = value.shape[1]
        entries = quantity.names(m)
        index = list(map(str, range(n))) if m == 1 else [f"{i}, {entry}" for i in range(n) for entry in entries]
        return Table({label: value.ravel(), "std err": error.ravel(), **interval(level, low.ravel(), high.ravel())}, index)

    def derived(self, function: Callable, names: Any = None, *, level: float = 0.95) -> Table:
        """Any function of the fitted coefficients, with standard errors by the delta method.

        Parameters
        ----------
        function : callable
            Of an estimator with `coefs_`, `intercepts_` and `likelihood_`; returns a number or an array.
        names : sequence of str, optional
            Labels of what it returns.
        level : float

        Returns
        -------
        Table

        Examples
        --------
        >>> from sk_mle import MLEClassifier
        >>> X, y = [[0], [1], [2], [3], [4], [5], [6], [7], [8]], [0, 1, 0, 1, 0, 2, 1, 2, 2]
        >>> inference = MLEClassifier("ordinal").fit(X, y).inference(X, y)
        >>> inference.derived(lambda model: model.likelihood_.cutpoints(model.intercepts_))
           estimate  std err     2.5%   97.5%
        0    1.7372   1.4270  -1.0597  4.5341
        1    4.2839   2.1496   0.0708  8.4971
        """
        model = copy(self.model)

        def value(vector: np.ndarray) -> np.ndarray:
            coefs, intercepts = self.layout.unflatten(vector)
            model.fit_ = replace(self.model.fit_, coefs=coefs, intercepts=intercepts)
            return np.ravel(np.asarray(function(model), dtype=float))

        estimate, gradient = value(self.params), []
        for direction in STEP_IN_STANDARD_ERRORS * self.root.T:
            shifted = {k: value(self.params + k * direction) for k in (-2, -1, 1, 2)}
            gradient.append((8 * (shifted[1] - shifted[-1]) - (shifted[2] - shifted[-2])) / (12 * STEP_IN_STANDARD_ERRORS))
        for i, (direction, reason) in enumerate(zip(self.estimability.directions.T, self.estimability.reasons, strict=True)):
            along = direction * np.linalg.norm(self.params) / np.linalg.norm(direction)
            if not np.allclose(value(self.params + along), estimate, rtol=1e-9, atol=1e-9 * np.abs(estimate).max(initial=0)):
                why = self.estimability.remedies[i] or "other coefficients fit as well, and it changes with these"
                raise NotEstimableError(f"function is not estimable: {reason}, so {why}", reason)
        error = np.linalg.norm(gradient, axis=0)
        half_width = critical_value(self.df, level) * error
        if not (np.isfinite(estimate).all() and np.isfinite(error).all()):
            raise ValueError("function is not finite at the fitted coefficients, or near them; it must return finite numbers")
        labels = map(str, range(len(estimate))) if names is None else names
        return Table(
            {"estimate": estimate, "std err": error, **interval(level, estimate - half_width, estimate + half_width)},
            list(labels),
        )

    def predict_interval(
        self,
        X: Any,
        coverage: float = 0.9,
        *,
        uncertainty: str = "simulate",
        n_draws: int = 500,
        random_state: int | np.random.RandomState | None = None,
    ) -> np.ndarray:
        """Predictive intervals of new observations.

        Parameters
        ----------
        X : array-like of shape (n, p)
        coverage : float
        uncertainty : {"simulate", "plug-in"}
            "plug-in" takes the coefficients as known, as `predict_interval` of the estimator does. "simulate" takes quantiles
            of the predictive distribution averaged over draws of the coefficients, and is wider. Draws are around `centre`,
            without which a scale estimated from few rows is too small: intervals of the normal law come within a few percent
            of those of Student's t.
        n_draws, random_state
            For "simulate".

        Returns
        -------
        ndarray of shape (n, 2)
        """
        check_in_memory(X)
        if uncertainty not in ("plug-in", "simulate"):
            raise ValueError(f"uncertainty={uncertainty!r} is unknown; use 'plug-in' or 'simulate'")
        coverage = probability(coverage, "coverage")
        if self.model.likelihood_.target_type == "classes":
            raise ValueError("classes have no intervals: use predict, for their probabilities")
        quantiles = (1 - coverage) / 2, (1 + coverage) / 2
        coefficients = self.params[None]
        if uncertainty == "simulate":
            coefficients = self.draws(n_draws, random_state) + (self.centre - self.params)
        rows_per_block, n, intervals = max(VALUES_PER_BLOCK // len(coefficients), 1), n_rows(X), []
        for first in range(0, n, rows_per_block):
            rows = RowPredictors(self, take(X, slice(first, first + rows_per_block)))
            rows.check_estimable(first)
            average = AveragedDistribution(rows.dist(rows.stacked(coefficients)), rows.n)
            intervals.append(np.stack([average.ppf(q) for q in quantiles], axis=1))
        return np.concatenate(intervals)

    def marginal_effects(
        self,
        X: Any,
        columns: Any = None,
        what: Any = None,
        *,
        at: Any = None,
        level: float = 0.95,
        sample_weight: ArrayLike | None = None,
        **arguments: Any,
    ) -> Table:
        """Average effects of columns of X on a functional of the predictive distribution, with standard errors.

        For a numeric column the average over rows of the derivative; for a column of two values the average difference between
        them; for a column of categories the differences to the first. Columns of the input of a pipeline are moved before
        they are transformed. Standard errors by the delta method, for the rows of X as given.

        Parameters
        ----------
        X : array-like of shape (n, p)
        columns : sequence of str or int, optional
            By default all; of a model by formula, those with a coefficient.
        what, level, **arguments
            As in `predict`.
        at : {"mean", "median"} or dict, optional
            Where: by default at every row of X, averaged. "mean": in one row of the means of the columns, and of their most
            frequent categories; "median" likewise. A dict holds columns at values in all rows, over which the average goes on:
            ``at={"age": [20, 40], "area": "north"}`` gives a line for every combination.
        sample_weight : array-like of shape (n,), optional
            Weights of the average.

        Returns
        -------
        Table
        """
        return marginal_effects(self, X, columns, what, level, sample_weight, at, arguments)

    def partial_effects(
        self,
        X: Any,
        column: Any,
        what: Any = None,
        *,
        values: Any = None,
        at: Any = None,
        level: float = 0.95,
        sample_weight: ArrayLike | None = None,
        **arguments: Any,
    ) -> Table:
        """A functional of the predictive distribution as one column of X moves, averaged over rows or at given values.

        Parameters
        ----------
        X : array-like of shape (n, p)
        column : str or int
            The column that moves; that of a pipeline's input, before it is transformed.
        what, level, **arguments
            As in `predict`.
        values : array-like, optional
            Of the column; by default its categories, its numbers where these are few, or 40 points over its range.
        at : {"mean", "median"} or dict, optional
            Where the other columns are, as in `marginal_effects`; by default as in the rows of X, over which the mean is taken.
        sample_weight : array-like of shape (n,), optional
            Weights of the average.

        Returns
        -------
        Table
            Values of the column, of `at` where these are several, the functional, its standard error and interval.

        See Also
        --------
        sk_mle.displays.EffectDisplay : The picture.
        """
        return partial_effects(self, X, column, what, values, level, sample_weight, at, arguments)

    def for_marginaleffects(self, X: Any, what: Any = None, **at: Any) -> Any:
        """A model that the functions of the package marginaleffects take: predictions, comparisons, slopes, plots.

        Parameters
        ----------
        X : pandas or polars DataFrame
            The predictors, as for the fitted estimator.
        what, **at
            As in `predict`; what marginaleffects calls the prediction.

        Returns
        -------
        marginaleffects model
            For instance ``marginaleffects.avg_slopes(inference.for_marginaleffects(df))``.

        Raises
        ------
        ImportError
            Where marginaleffects is not installed.
        """
        return marginaleffects_model(self, X, what, at)


class AveragedDistribution:
    """The average over draws of every row's predictive distribution, with what finding its quantiles needs.

    `dist` has one draw of all n rows after the other.
    """

    def __init__(self, dist: Distribution, n: int) -> None:
        self.dist, self.n = dist, n
        self.support = dist.likelihood.support

    def _average(self, method: Callable, y: Any) -> np.ndarray:
        values = method(np.resize(y, self.dist.shape)).reshape(-1, self.n)
        return special.logsumexp(values, axis=0) - np.log(len(values))

    def cdf(self, y: ArrayLike) -> np.ndarray:
        return np.mean(self.dist.cdf(np.resize(y, self.dist.shape)).reshape(-1, self.n), axis=0)

    def logcdf(self, y: ArrayLike) -> np.ndarray:
        return self._average(self.dist.logcdf, y)

    def logsf(self, y: ArrayLike) -> np.ndarray:
        return self._average(self.dist.logsf, y)

    def ppf(self, q: Any) -> np.ndarray:
        ends = self.dist.ppf(np.full(self.dist.shape, q)).reshape(-1, self.n)
        low, high = ends.min(axis=0), ends.max(axis=0)
        if self.support.integer or self.support.atoms:
            return solve_quantile(self, q, {}, low, high)
        tail, sign, p = (self.logsf, -1, 1 - q) if q > 0.5 else (self.logcdf, 1, q)
        y, width = (low + high) / 2, high - low
        for _ in range(60):  # Newton's method on the log of the smaller tail, kept between the extreme quantiles
            value = tail(y)
            log_gap = sign * (value - np.log(p))
            low, high = np.where(log_gap < 0, y, low), np.where(log_gap > 0, y, high)
            with np.errstate(all="ignore"):
                step = log_gap / np.exp(self._average(self.dist.logpdf, y) - value)
            inside = (low <= y - step) & (y - step <= high)
            y, previous = np.where(inside, y - step, (low + high) / 2), y
            if np.all(np.abs(y - previous) <= 1e-9 * width):
                break
        return y
