"""Mixtures of laws, and of regressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from scipy.linalg import helmert
from scipy.special import log_softmax, logsumexp

from ..._utils.floats import rounding
from ...domains import REAL, Domain
from .._fallbacks import quadrature
from .._fallbacks.algebra import Eval, constant, mix, plus, scatter, select_rows
from .._fallbacks.inversion import solve_quantile
from .._protocol.derived import derived
from .._protocol.parameter import Parameter, Parameters
from .._protocol.relations import Relations
from .composition import Composition
from .wrapper import FromIntervals

MAX_ROUNDING_WIDTHS = 1e3  # rounding errors of y: a component whose density exceeds the reciprocal of so many is degenerate


class Mixture(Composition, FromIntervals):
    r"""A mixture: each sample comes from one of several laws, and it is unknown which.

    .. math:: p(y) = \sum_k w_k\, p_k(y), \quad w = \mathrm{softmax}(\mathrm{logits})

    The parameters are those of the components, by name ``component__parameter``, and the vector `logits`, which sums to zero.
    The first parameter of every component is modelled on all columns by default: a mixture of regressions. With `logits`
    modelled as well, it is a mixture of experts. Mean ``sum(w * m)``, variance ``sum(w * (v + (m - mean)**2))`` for the
    means m and variances v of the components. scipy.stats: ``Mixture`` (of distributions without estimates);
    statsmodels: none; scikit-learn: ``GaussianMixture``; R: ``flexmix``, ``mixtools::normalmixEM``.

    Parameters
    ----------
    components : list of (str, Likelihood)
        Names and laws, which may differ; all have densities, or all are of counts. `set_params` reaches into them as into
        the steps of a Pipeline.
    shared : list of str, optional
        Names of parameters that all components have in common, such as ``["scale"]``: each is one parameter under its own
        name.
    weights : sequence of K floats, optional
        Fixes the weights, in proportion; then there are no logits. None estimates them.
    n_starts : int, default=10
        Starting points of a fit: the first from groups between quantiles of y, the others random. The fit is the greatest
        maximum found; log-likelihoods of mixtures have many, and increase without bound as a component shrinks onto one value
        of y, which is no fit.

    Notes
    -----
    Components of the same law are exchangeable (label switching). After a fit they are in the order of their first
    parameter's intercept (of its coefficients, if there is no intercept).

    References
    ----------
    McLachlan, G. J., Peel, D. (2000). Finite Mixture Models. Wiley. doi:10.1002/0471721182

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.likelihoods import Poisson
    >>> law = Mixture([("few", Poisson()), ("many", Poisson())])
    >>> model = MLERegressor(law, predictors={"few__mean": "intercept", "many__mean": "intercept"})
    >>> model = model.fit([[0]] * 10, [1, 0, 2, 9, 12, 1, 0, 10, 1, 13])
    >>> params = model.predict_params([[0]])
    >>> params["few__mean"].round(2), params["many__mean"].round(2)
    (array([0.83]), array([10.99]))
    >>> model.likelihood_.responsibilities([4.0], **params).round(3)
    array([[0.559, 0.441]])
    """

    def __init__(self, components: Any, *, shared: Any = None, weights: Any = None, n_starts: Any = 10) -> None:
        self.components, self.shared, self.weights, self.n_starts = components, shared, weights, n_starts

    def check(self) -> None:
        super().check()
        if not isinstance(self.n_starts, Integral) or self.n_starts < 1:
            raise ValueError(f"Mixture: n_starts must be a positive integer, got {self.n_starts!r}")
        kinds = {law.support.integer for _, law in self.components}
        if len(kinds) > 1:
            raise ValueError("Mixture: a law of counts gives probabilities and the other a density; take laws of one kind")
        if any(not law.smooth for _, law in self.components):
            raise ValueError("Mixture takes laws without kinks: use StudentT or Logistic in place of Laplace")
        if self.weights is not None:
            weights = np.asarray(self.weights, float)
            if weights.shape != (len(self.components),) or not (weights > 0).all() or not np.isfinite(weights).all():
                raise ValueError(f"Mixture: weights are one positive number per component, got {self.weights!r}")

    @property
    def relations(self) -> Relations:
        several = self.target_type == "targets"  # whose components are asked
        shrunk = None if several or self.support.integer else self._has_shrunk
        return replace(super().relations, n_starts=self.n_starts, is_degenerate=shrunk)

    @property
    def own(self) -> dict[str, Domain | Parameter]:
        return {"logits": REAL} if self._estimates_weights else {}

    @property
    def _estimates_weights(self) -> bool:
        """Whether there are weights to estimate: that of a single component is one."""
        return len(self.components) > 1 and self.weights is None

    @property
    def support(self) -> Domain:
        """From the lowest to the highest end of the components' supports."""
        parts = [law.support for _, law in self.components]
        low, high = min(part.low for part in parts), max(part.high for part in parts)
        closed = any(p.closed[0] and p.low == low for p in parts), any(p.closed[1] and p.high == high for p in parts)
        typical = min(part.typical[0] for part in parts), max(part.typical[1] for part in parts)
        atoms = tuple(dict.fromkeys(atom for part in parts for atom in part.atoms))
        return replace(parts[0], low=low, high=high, closed=closed, typical=typical, atoms=atoms)

    @derived
    def layout(self) -> Parameters:
        layout, labels = super().layout, tuple(part for part, _ in self.components)
        if "logits" not in layout:
            return layout
        return layout.changed(["logits"], basis=helmert(len(labels)).T, labels=labels, on_all_columns=False)

    def _permute_entries(self, coefs: dict, source: list[int]) -> dict:
        return {**coefs, "logits": coefs["logits"][:, source]} if "logits" in coefs else coefs

    def inside(self, y: np.ndarray) -> np.ndarray:
        return np.any([law.inside(y) for _, law in self.components], axis=0)

    # ---- log-likelihood ------------------------------------------------------------------------------------------

    def _possible(self, law: Any, y: np.ndarray) -> np.ndarray:
        """Mask of the y that a component can give: in its support, and not at atoms of others, which outweigh any density."""
        foreign = np.setdiff1d(self.support.atoms, law.support.atoms)
        return law.inside(y) & ~np.isin(y, foreign) if len(foreign) else law.inside(y)

    def loglik(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        return logsumexp(self._component_logs(params, lambda law, inner: self._component_loglik(law, y, inner)), axis=0)

    def _component_loglik(self, law: Any, y: np.ndarray, params: dict) -> np.ndarray:
        """Log-likelihood of one component, -inf for the y that it cannot give."""
        with np.errstate(all="ignore"):
            return np.where(self._possible(law, y), law.loglik(y, **params), -np.inf)

    def _component_logs(self, params: dict, log: Callable) -> np.ndarray:
        """log w_k + log(law, params) of every component, (K, ...)."""
        terms = zip(self._log_weights(params), self._split(params), strict=True)
        return np.stack(np.broadcast_arrays(*(weight + log(law, inner) for weight, (law, inner) in terms)))

    def _log_weights(self, params: dict) -> np.ndarray:
        """log w_k, (K, ...)."""
        logits = params["logits"] if "logits" in params else self._fixed_logits()
        return np.moveaxis(log_softmax(logits, axis=-1), -1, 0)

    def _fixed_logits(self) -> np.ndarray:
        return np.zeros(1) if self.weights is None else np.log(np.asarray(self.weights, float))

    def responsibilities(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """The probability that a sample is of each component, given its value.

        Parameters
        ----------
        y : array-like of shape (n,)
        **params : ndarray
            Parameters by name, as `predict_params` returns them.

        Returns
        -------
        ndarray of shape (n, K)
            In the order of `components`.
        """
        y = np.asarray(y, float)
        terms = self._component_logs(params, lambda law, inner: self._component_loglik(law, y, inner))
        return np.moveaxis(np.exp(terms - logsumexp(terms, axis=0)), 0, -1)

    @staticmethod
    def _has_shrunk(law: Mixture, y: np.ndarray, /, **params: np.ndarray) -> bool:
        """Whether a component has shrunk onto values of y, where the density increases without bound."""
        return bool((law.loglik(y, **params) > -np.log(MAX_ROUNDING_WIDTHS * rounding(y))).any())

    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        def part(law: Any, at: dict) -> Eval:
            mask = self._possible(law, y)
            if mask.all():
                return law.evaluate(y, at, order, information)
            parts = [(~mask, constant(np.full((~mask).sum(), -np.inf)))]
            if mask.any():
                parts.append((mask, law.evaluate(y[mask], select_rows(at, mask), order, information)))
            return scatter(len(y), parts)

        return self._mixed(eta, len(y), order, part, information == "observed")

    def evaluate_interval(self, low: np.ndarray, high: np.ndarray, eta: dict, order: int = 1) -> Eval:
        return self._mixed(eta, len(low), order, lambda law, at: law.evaluate_interval(low, high, at, order))

    def _mixed(self, eta: dict, n: int, order: int, part: Callable, spread: bool = True) -> Eval:
        """The mixture of the components' Evals, `part(law, eta)`, by the mixture's names of their parameters."""
        terms = []
        with np.errstate(all="ignore"):
            for weight, child in zip(self._weights(eta, n, order), self.children, strict=True):
                component, names = part(child.law, child.of(eta)), child.names
                gradient = {names[name]: value for name, value in component.gradient.items()}
                information = {(names[a], names[b]): value for (a, b), value in component.information.items()}
                terms.append(plus(Eval(component.loglik, gradient, information), weight))
            return mix(terms, order, self.layout.free, spread)

    def _weights(self, eta: dict, n: int, order: int) -> list[Eval]:
        """log w_k of every component."""
        if "logits" not in eta:
            return [constant(np.full(n, value)) for value in log_softmax(self._fixed_logits())]
        log_weight, indicators = log_softmax(eta["logits"], axis=1), np.eye(len(self.components))
        weight = np.exp(log_weight)
        second = {("logits", "logits"): weight[:, :, None] * (indicators - weight[:, None, :])} if order == 2 else {}
        gradient = [{"logits": row - weight} if order else {} for row in indicators]
        return [Eval(log_weight[:, k], first, second) for k, first in enumerate(gradient)]

    # ---- start ---------------------------------------------------------------------------------------------------

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        """Each component's own start from rows weighted towards one group between quantiles of y; equal weights."""
        count = len(self.components)
        starts: dict = {}
        projection = y if y.ndim == 1 else _principal_component(y, sample_weight)
        _, index = np.unique(projection, return_inverse=True)
        share = np.bincount(index, sample_weight)
        group = np.floor(count * (np.cumsum(share) - share / 2) / share.sum())[index]
        for k, (law, names) in enumerate(self.children):
            weight = sample_weight * np.where(group == k, 1.0, 0.05)  # some of every group, as one may be a single value
            rows = self._possible(law, y)
            rows = rows if rows.any() else np.ones(len(y), bool)
            start = law.start(y[rows], weight[rows])
            for name, outer in names.items():
                if name in start:
                    starts.setdefault(outer, start[name])
        return {**starts, "logits": np.zeros(count)} if self._estimates_weights else starts

    # ---- the distribution ----------------------------------------------------------------------------------------

    def log_interval(self, low: np.ndarray, high: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        if self.target_type == "targets":
            self.components[0][1].logcdf(high)  # raises
        return logsumexp(self._component_logs(params, lambda law, inner: law.log_interval(low, high, **inner)), axis=0)

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, /, **params: np.ndarray) -> np.ndarray:
        """The sum of the components' probabilities; the log as of an interval, which is exact in both tails."""
        if log or self.target_type == "targets":
            return super().tail_probability(y, upper, log, **params)
        return self._weighted_sum(params, lambda law, inner: law.sf(y, **inner) if upper else law.cdf(y, **inner))

    def _weighted_sum(self, params: dict, value: Any, axes: Any = 0) -> Any:
        """The sum over components of w_k * value(law, params), which may have `axes` further axes."""
        terms = zip(self._log_weights(params), self._split(params), strict=True)
        return sum(np.exp(w).reshape((*np.shape(w), *[1] * axes)) * value(law, inner) for w, (law, inner) in terms)

    def expectation(self, **params: np.ndarray) -> np.ndarray:
        several = int(self.target_type == "targets")
        return self._weighted_sum(params, lambda law, inner: law.expectation(**inner), several)

    def variance(self, **params: np.ndarray) -> np.ndarray:
        mean = self.expectation(**params)

        def square(law: Any, inner: Any) -> Any:
            return law.variance(**inner) + (law.expectation(**inner) - mean) ** 2

        return self._weighted_sum(params, square, int(self.target_type == "targets"))

    @property
    def covariance(self) -> Callable | None:
        return self._covariance if self.target_type == "targets" else None

    def _covariance(self, **params: np.ndarray) -> Any:
        mean = self.expectation(**params)

        def products(law: Any, inner: Any) -> Any:
            deviation = law.expectation(**inner) - mean
            return law.covariance(**inner) + deviation[..., :, None] * deviation[..., None, :]

        return self._weighted_sum(params, products, 2)

    def entropy(self, **params: np.ndarray) -> np.ndarray:
        """Minus the expected log-likelihood, integrated over one component at a time."""
        if self.target_type == "targets":
            raise ValueError("the entropy of a mixture of several targets has no closed form, and is not integrated")

        def expected(law: Any, inner: Any) -> Any:
            def surprise(y: Any, _: Any, rows: Any) -> Any:
                at = {name: np.expand_dims(value[rows], 1) for name, value in flat.items()}
                return -np.nan_to_num(self.loglik(y, **at), neginf=0.0)

            return quadrature.expect(law, inner, surprise, indexed=True)

        _, flat, shape = quadrature.flattened(0.0, params, self)
        return self._weighted_sum(flat, expected).reshape(shape)

    def ppf(self, q: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        ends = np.stack(np.broadcast_arrays(*(law.ppf(q, **inner) for law, inner in self._split(params))))
        return solve_quantile(self, q, params, ends.min(axis=0), ends.max(axis=0))

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], /, **params: np.ndarray) -> np.ndarray:
        thresholds = np.cumsum(np.exp(self._log_weights(params)), axis=0)[:-1]
        level = rng.uniform(size=size)
        chosen = sum((level > value for value in thresholds), np.zeros(level.shape, int))
        draws = [law.rvs(rng, size, **inner) for law, inner in self._split(params)]
        shape = chosen.shape + (1,) * (np.ndim(draws[0]) - chosen.ndim)
        return np.select([chosen.reshape(shape) == k for k in range(len(draws))], draws)


def _principal_component(y: Any, sample_weight: Any) -> Any:
    """Several targets projected onto their first principal axis, (n,)."""
    centred = (y - np.average(y, axis=0, weights=sample_weight)) * np.sqrt(sample_weight)[:, None]
    return y @ np.linalg.svd(centred, full_matrices=False)[2][0]
