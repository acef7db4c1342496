"""The default start of a law: its maximum likelihood fit without covariates, from the density alone."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.optimize import minimize

_MOST_POINTS = 2000  # a start needs no more of y than this


def resolution(y) -> float:
    """The rounding error of y: no density can be narrower and mean anything."""
    largest = max(-np.min(y, initial=0.0), np.max(y, initial=0.0))
    return float(np.finfo(float).eps * (largest if largest > 0 else 1.0))


def thin(y, sample_weight, most=_MOST_POINTS):
    """At most `most` quantiles of y in place of the sample: the same under any row order and for weights as for repetition.

    The smallest and the largest y stand beside them, with next to no weight: a start must be possible for them too.
    """
    if len(y) <= most or y.ndim > 1:
        return y, sample_weight
    levels = (np.arange(most) + 0.5) / most
    return np.r_[quantiles(y, sample_weight, levels), y.min(), y.max()], np.r_[np.ones(most), 1e-9, 1e-9]


def weighted_median(y, sample_weight) -> float:
    """The smallest y with at least half of the weight at or below it."""
    return float(quantiles(y, sample_weight, np.array([0.5]))[0])


def quantiles(y, sample_weight, levels):
    """The smallest y with at least that share of the weight at or below it, for each level."""
    order = np.argsort(y)
    cumulative = np.cumsum(sample_weight[order])
    place = np.searchsorted(cumulative, levels * cumulative[-1] * (1 - 1e-12))
    return y[order[np.minimum(place, len(y) - 1)]]


def best(law, candidates, y, sample_weight) -> dict:
    """Of dicts of parameters the one with the largest log-likelihood."""

    def mean(candidate):
        with np.errstate(all="ignore"):
            value = np.average(law.loglik(y, **candidate), weights=sample_weight)
        return value if value < np.inf else -np.inf  # NaN as well

    return max(candidates, key=mean) if len(candidates) > 1 else candidates[0]


def search(law, y, sample_weight, guess=None) -> dict:
    """Nelder-Mead on the link scale, from a guess or from the best of a grid by log-likelihood."""
    y, sample_weight = thin(y, sample_weight)
    names = law.free
    if not names:
        return {}
    total = sample_weight.sum()

    def nll(point):
        eta = {name: np.full(len(y), value) for name, value in zip(names, point, strict=True)}
        value = -np.dot(sample_weight, law.evaluate(y, eta, 0).loglik) / total
        return value if np.isfinite(value) else np.inf

    if guess is None:
        best = min(product(*(_guesses(law, name, y, sample_weight) for name in names)), key=nll)
    else:
        best = tuple(float(law.link(name).link(guess[name])) for name in names)
    if not np.isfinite(nll(best)):
        raise ValueError(
            f"{type(law).__name__} has no finite log-likelihood at any guess of {names}; its loglik may return NaN, or "
            "give it a start(y, sample_weight) method"
        )
    found = minimize(nll, best, method="Nelder-Mead", options={"maxiter": 150 * len(names), "xatol": 1e-3, "fatol": 1e-6})
    return {name: law.link(name).inverse(value) for name, value in zip(names, found.x, strict=True)}


def _guesses(law, name, y, weight) -> list[float]:
    """Linear predictors to try: moments of y where they lie in the parameter's domain, and the domain's own."""
    domain, link = law.parameters[name], law.link(name)
    centre = np.average(y, weights=weight) if y.ndim == 1 else np.mean(y)
    spread = max(float(np.sqrt(np.mean((y - centre) ** 2))), resolution(y))
    low, high = domain.typical
    values = [(low + high) / 2, low + 0.2 * (high - low), centre, np.median(y), spread, spread**2, 1 / spread, 1.0]
    with np.errstate(all="ignore"):
        etas = [float(link.link(np.float64(value))) for value in values if domain.contains(value)]
    return list(dict.fromkeys(eta for eta in etas if np.isfinite(eta)))
