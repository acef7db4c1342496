"""Truncated laws: only values in an interval are observed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..._utils.messages import rows_text
from ...domains import Domain
from .._fallbacks import inversion, quadrature
from .._fallbacks.algebra import Eval, plus
from .._fallbacks.extrapolation import without_nan
from .._fallbacks.facts import numerical
from .._protocol.base import Likelihood
from .._protocol.forms import between
from .._protocol.parameter import Parameter
from .._protocol.relations import Relations
from .wrapper import Wrapper

BOUND = Parameter(Domain(), allowed=Domain(closed=(True, True)))

MIN_LOG_PROBABILITY = -500.0  # of the bounds, from which on log-densities are large numbers of which few digits remain
MASS_ROUNDING = 1e-6  # rounding error of a log-probability, which may make it positive


class Truncated(Wrapper):
    r"""Any law, given that low < y <= high: values outside of these bounds are not in the sample.

    .. math:: p(y \mid \mathrm{low} < y \le \mathrm{high}) = \frac{p(y)}{P(\mathrm{low} < Y \le \mathrm{high})}

    The parameters are those of the law without truncation; mean, quantiles and predictions are those of the truncated one.
    For counts, ``Truncated(Poisson(), low=0)`` is the zero-truncated law. A bound that varies with the rows, such as the
    age at entry of a study of durations, is the name of a column of X. scipy.stats: ``truncnorm``, and ``truncate`` of its
    random variables; statsmodels: ``TruncatedLFPoisson``; R: truncreg, ``countreg::zerotrunc``, ``gamlss.tr``.

    Parameters
    ----------
    law : Likelihood
    low, high : float or str
        Bounds, or names of columns of X that hold them.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.likelihoods import Poisson
    >>> model = MLERegressor(Truncated(Poisson(), low=0)).fit([[0], [0], [1], [1]], [1, 2, 3, 5])
    >>> model.predict_params([[0]])["mean"].round(4)
    array([0.8742])
    """

    own = {"low": BOUND, "high": BOUND}

    def __init__(self, law: Any, *, low: Any = -np.inf, high: Any = np.inf) -> None:
        self.law, self.low, self.high = law, low, high

    def check(self) -> None:
        super().check()
        if not self.layout.free or {"low", "high"} & set(self.layout.free):
            raise ValueError("Truncated needs its bounds: low and high are numbers or names of columns, not None")
        low, high = (bound if not isinstance(bound, str) else None for bound in (self.low, self.high))
        if low is not None and high is not None and not low < high:
            raise ValueError(f"Truncated(low={low}, high={high}): low must lie below high")

    @property
    def relations(self) -> Relations:
        """The ends of the truncated law: far out in its tail, a law may have a simple form between the bounds."""
        inner, own = self.law.support, self.support
        advice = {}
        if (inner.low, inner.high) != (own.low, own.high):
            interval = f"from low={self.low} to high={self.high}"
            advice["outside"] = f"a sample {interval} holds no others: drop these rows, or move the bounds"
        return Relations(ends=self.law.relations.truncated_ends, advice=advice)

    @property
    def support(self) -> Domain:
        """The part of the law's support between the bounds that are numbers."""
        inner = self.law.support
        low, high = (-np.inf if isinstance(self.low, str) else self.low, np.inf if isinstance(self.high, str) else self.high)
        if inner.integer:
            low = np.floor(low) + 1
        low, high = max(inner.low, low), min(inner.high, high)
        closed = (inner.closed[0] if low == inner.low else inner.integer, inner.closed[1] if high == inner.high else True)
        ends = [float(np.clip(value, low, high)) for value in inner.typical]
        if not ends[0] < ends[1]:  # the typical range lies outside the bounds: two points between them instead
            ends = (
                [low, high]
                if np.isfinite([low, high]).all()
                else [low + 1, low + 2]
                if np.isfinite(low)
                else [high - 2, high - 1]
            )
        margin = 0.0 if inner.integer else 0.01 * (ends[1] - ends[0])
        whole = replace(inner, low=low, high=high, closed=closed, typical=(ends[0] + margin, ends[1] - margin))
        return replace(whole, atoms=tuple(atom for atom in inner.atoms if whole.contains(atom))) if inner.atoms else whole

    def bind(self, y: np.ndarray, /, **known: np.ndarray) -> Likelihood:
        """The law inside bound to y; ValueError where y lies outside its row's bounds, or the interval of a censored y may.

        The last time at which a censored value was observed must lie above `low`, and the first not above `high`.
        """
        last, first = (y, y) if y.ndim == 1 else (np.where(np.isfinite(y[:, 1]), y[:, 1], y[:, 0]), y[:, 0])
        for name, value, bad in (
            ("low", known.get("low"), lambda bound: ~(last > bound)),
            ("high", known.get("high"), lambda bound: first > bound),
        ):
            if value is not None and len(bad_rows := np.flatnonzero(bad(value))):
                at, side = bad_rows[0], "above low" if name == "low" else "at or below high"
                raise ValueError(
                    f"y must lie {side}, which column {getattr(self, name)!r} holds, but does not in {rows_text(bad_rows)}, "
                    f"where the first y is {(last if name == 'low' else first)[at]:g} and {name} {value[at]:g}: no sample "
                    "holds such rows; drop them"
                )
        return super().bind(y, **known)

    def loglik(self, y: np.ndarray, /, low: np.ndarray, high: np.ndarray, **params: np.ndarray) -> np.ndarray:
        interval = self.law.log_interval(low, high, **params)
        value = self.law.loglik(y, **params) - interval
        value = self._without_cancellation(value, interval, self._far_loglik, (y, low, high), params)
        return np.where((y > low) & (y <= high), self._nan_above_one(y, value), -np.inf)

    @property
    def _between(self) -> Any:
        """The form of the law inside between bounds far out; None if it has none."""
        return between.of(self.law)

    def _without_cancellation(
        self, value: np.ndarray, interval: np.ndarray, far: Callable, given: tuple, params: dict
    ) -> np.ndarray:
        """The value by `far(*given, **params)` in rows whose bounds lie so far out that the probability cancels digits.

        `interval` is the log-probability between the bounds. The value itself for a law without a form `between` such bounds.
        """
        if self._between is None or not np.fmin.reduce(interval, axis=None, initial=0.0) < MIN_LOG_PROBABILITY:
            return value
        result = np.array(value, float)
        rows = np.broadcast_to(interval < MIN_LOG_PROBABILITY, result.shape)
        at = {name: np.broadcast_to(own, result.shape)[rows] for name, own in self.inner(params).items()}
        result[rows] = far(*(np.broadcast_to(part, result.shape)[rows] for part in given), **at)
        return result

    def _far_loglik(self, y: np.ndarray, /, low: np.ndarray, high: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return self._between(low, high, **params).loglik(y - low, high - y)

    def _far_log_interval(
        self, start: np.ndarray, end: np.ndarray, low: np.ndarray, high: np.ndarray, **params: np.ndarray
    ) -> np.ndarray:
        return self._between(low, high, **params).log_interval(start, end)

    def _nan_above_one(self, y: np.ndarray, value: np.ndarray) -> np.ndarray:
        """Log-probabilities with NaN where one exceeds 0: both it and the probability between the bounds have underflowed."""
        return np.where((value > MASS_ROUNDING) & (y == np.floor(y)), np.nan, value) if self.law.support.integer else value

    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        return without_nan(self, y, eta, self._evaluate(y, eta, order, information), self._evaluate)

    def _evaluate(self, y: np.ndarray, eta: dict, order: int, information: str) -> Eval:
        layout = self.layout
        low, high = (eta[name] if name in layout.known else np.full(len(y), layout.fixed[name], float) for name in self.own)
        interval = self.law.evaluate_interval(low, high, eta, order)
        truncated = plus(self.law.evaluate(y, eta, order), interval, -1.0)
        params = self.law.layout.theta(eta) if self._between is not None else {}
        loglik = self._without_cancellation(truncated.loglik, interval.loglik, self._far_loglik, (y, low, high), params)
        truncated = truncated._replace(loglik=loglik)
        inside = (y > low) & (y <= high)
        return truncated._replace(loglik=np.where(inside, self._nan_above_one(y, truncated.loglik), -np.inf))

    def evaluate_interval(self, low: np.ndarray, high: np.ndarray, eta: dict, order: int = 1) -> Eval:
        first, last = (eta[name] if name in self.layout.known else self.layout.fixed[name] for name in self.own)
        first, last = np.broadcast_to(first, np.shape(low)), np.broadcast_to(last, np.shape(low))
        part = self.law.evaluate_interval(np.maximum(low, first), np.minimum(high, last), eta, order)
        interval = self.law.evaluate_interval(first, last, eta, order)
        value, params = plus(part, interval, -1.0), self.law.layout.theta(eta) if self._between is not None else {}
        ends = np.clip(low, first, last), np.clip(high, first, last), first, last
        return value._replace(
            loglik=self._without_cancellation(value.loglik, interval.loglik, self._far_log_interval, ends, params)
        )

    def log_interval(self, low: np.ndarray, high: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        first, last, inner = params["low"], params["high"], self.inner(params)
        part = self.law.log_interval(np.maximum(low, first), np.minimum(high, last), **inner)
        interval = self.law.log_interval(first, last, **inner)
        ends = np.clip(low, first, last), np.clip(high, first, last), first, last
        return self._without_cancellation(part - interval, interval, self._far_log_interval, ends, params)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        return self.law.start(y, sample_weight)

    @numerical
    def expectation(self, **params: np.ndarray) -> np.ndarray:
        if self._fixed_bounds:
            return self._far_out(super().expectation(**params), self._far_mean, params)
        mean = self._averaged(params, lambda y, repeated: y, self.law.expectation)
        return self._far_out(mean, self._far_mean, params)

    def variance(self, **params: np.ndarray) -> np.ndarray:
        if self._fixed_bounds:
            return self._far_out(super().variance(**params), self._far_variance, params)
        mean = np.ravel(self.expectation(**params))[:, None]
        variance = self._averaged(params, lambda y, repeated: (y - mean) ** 2, self.law.variance)
        return self._far_out(variance, self._far_variance, params)

    def entropy(self, **params: np.ndarray) -> np.ndarray:
        if self._fixed_bounds:
            return self._far_out(super().entropy(**params), self._far_entropy, params)

        def surprise(y: np.ndarray, repeated: dict) -> np.ndarray:
            return -self.loglik(y.ravel(), **repeated).reshape(y.shape)

        return self._far_out(self._averaged(params, surprise, self.law.entropy), self._far_entropy, params)

    def _far_out(self, value: np.ndarray, by_distances: Callable, params: dict) -> np.ndarray:
        """The value by distances from a bound, `by_distances`(low, high, **params), if that bound lies far out.

        y itself may round them away.
        """
        if self._between is None:
            return value
        interval = self.law.log_interval(params["low"], params["high"], **self.inner(params))
        return self._without_cancellation(value, interval, by_distances, (params["low"], params["high"]), params)

    def _over_distances(self, g: Callable, low: np.ndarray, high: np.ndarray, params: dict) -> np.ndarray:
        """E g(distance, parameters) of the signed distance of Y from the nearer bound."""
        distances = SimpleNamespace(ppf=lambda q, low, high, **inner: self._between(low, high, **inner).ppf(q)[1])
        return quadrature.over_quantiles(distances, {"low": low, "high": high, **params}, g)[0]

    def _far_mean(self, low: np.ndarray, high: np.ndarray, **params: np.ndarray) -> np.ndarray:
        mean = self._over_distances(lambda distance, _: distance, low, high, params)
        return self._between(low, high, **params).ppf(0.5 + 0 * mean)[0] + mean

    def _far_variance(self, low: np.ndarray, high: np.ndarray, **params: np.ndarray) -> np.ndarray:
        mean = self._over_distances(lambda distance, _: distance, low, high, params)
        return self._over_distances(lambda distance, _: (distance - mean[:, None]) ** 2, low, high, params)

    def _far_entropy(self, low: np.ndarray, high: np.ndarray, **params: np.ndarray) -> np.ndarray:
        def surprise(distance: np.ndarray, repeated: dict) -> np.ndarray:
            signed, width = distance.ravel(), repeated["high"] - repeated["low"]
            from_low, to_high = np.where(signed < 0, width + signed, signed), np.where(signed < 0, -signed, width - signed)
            return -self._between(**repeated).loglik(from_low, to_high).reshape(distance.shape)

        return self._over_distances(surprise, low, high, params)

    @property
    def _fixed_bounds(self) -> bool:
        """Whether the support is the same in every row, so that the general quadrature holds."""
        return self.support.integer or not {"low", "high"} & self.layout.known.keys()

    def _averaged(self, params: dict, g: Callable, without_truncation: Callable) -> np.ndarray:
        """E g(Y) over the quantiles, or its value without truncation if that is not finite and a bound infinite.

        `without_truncation(**params)` gives that value, as a method of the law inside.
        """
        _, flat, shape = quadrature.flattened(0.0, params, self)
        quantiles = SimpleNamespace(ppf=self._ppf_of_average)
        total = quadrature.over_quantiles(quantiles, flat, g, reach=3.2, n_nodes=161, bounded=True)[0].reshape(shape)
        with np.errstate(all="ignore"):
            endless = np.isinf(params["low"]) | np.isinf(params["high"])
            inner = np.broadcast_to(without_truncation(**self.inner(params)), shape)
        return np.where(endless & ~np.isfinite(inner), inner, total)

    def _ppf_of_average(self, q: np.ndarray, **params: np.ndarray) -> np.ndarray:
        """Quantiles (n,) at probabilities and parameters (n,), by those of the law inside where these have digits enough.

        A quantile near 1 then has the rounding of its probability, and that probability as its weight in an average.
        """
        interval = self.law.log_interval(params["low"], params["high"], **self.inner(params))
        value, reliable = self._ppf_of_inner(q, interval, **params)
        if not reliable.all():
            value[~reliable] = self.ppf(q[~reliable], **{name: one[~reliable] for name, one in params.items()})
        return value

    def ppf(self, q: np.ndarray, /, low: np.ndarray, high: np.ndarray, **params: np.ndarray) -> np.ndarray:
        q, interval = np.asarray(q, float), self.law.log_interval(low, high, **params)
        if self._between is None or not (interval < MIN_LOG_PROBABILITY).all():
            value = self._ppf_by_cdf(q, interval, low, high, params)
        else:
            value = np.full(np.broadcast_shapes(q.shape, np.shape(interval)), np.nan)
        return self._without_cancellation(value, interval, self._far_ppf, (q, low, high), params)

    def _far_ppf(self, q: np.ndarray, /, low: np.ndarray, high: np.ndarray, **params: np.ndarray) -> np.ndarray:
        bound, distance = self._between(low, high, **params).ppf(q)
        return np.where((q >= 0) & (q <= 1), np.clip(bound + distance, low, high), np.nan)

    def _ppf_by_cdf(self, q: np.ndarray, interval: np.ndarray, low: np.ndarray, high: np.ndarray, params: dict) -> np.ndarray:
        """Quantiles by those of the law inside, refined or found by the distribution function."""
        near, reliable = self._ppf_of_inner(q, interval, low, high, **params)
        if reliable.all():
            return inversion.refine_quantile(self, q, {**params, "low": low, "high": high}, near)
        start = np.where(np.isfinite(near), near, np.where(np.isfinite(low), low, high))
        return inversion.solve_quantile(self, q, {**params, "low": low, "high": high}, start)

    def _ppf_of_inner(
        self, q: np.ndarray, interval: np.ndarray, low: np.ndarray, high: np.ndarray, **params: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Quantiles by those of the law inside, and whether the probability of the bounds leaves these digits enough."""
        below, inside = np.exp(self.law.log_interval(-np.inf, low, **params)), np.exp(interval)
        near = np.clip(self.law.ppf(np.clip(below + q * inside, 0, 1), **params), low, high)
        return near, (below < 0.5) & (inside > 1e-3)

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], /, **params: np.ndarray) -> np.ndarray:
        return self.ppf(rng.uniform(size=size), **params)
