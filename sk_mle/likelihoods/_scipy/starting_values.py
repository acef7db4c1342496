"""Starting values for the fit of a distribution of scipy.stats."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import numpy as np
from sklearn.base import clone

from .._fallbacks import starting_values
from .._protocol.base import Likelihood
from . import probing

QUANTILE_LEVELS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])


def constant_fit(law: Likelihood, y: np.ndarray, sample_weight: np.ndarray) -> dict:
    """Parameters of a fit without covariates, from the best of a grid of shapes; its scale is at least the rounding of y."""
    y, weight = starting_values.reduced_sample(y, sample_weight, 500)
    params = _fit(law, y, weight)
    if {"loc", "scale"} <= set(params):
        params["scale"] = max(params["scale"], starting_values.resolution(y))
    return params


def _fit(law: Any, y: Any, weight: np.ndarray) -> dict:
    if law.support.integer:
        return starting_values.numerical_start(law, y, weight)
    candidates = _candidates(law, y, weight)
    best = starting_values.numerical_start(law, y, weight, starting_values.best_candidate(law, candidates, y, weight))
    # Without covariates a shape often diverges to a limit, from where no step leads back: the log-likelihood is flat there.
    tried = {name: [candidate[name] for candidate in candidates] for name in best if name not in ("loc", "scale")}
    inner = {name: float(np.clip(best[name], min(values), max(values))) for name, values in tried.items()}
    if inner == {name: best[name] for name in inner}:
        return best
    near = {**inner, **starting_values.numerical_start(clone(law).set_params(**inner), y, weight, best)}
    best_mean, near_mean = (np.average(law.loglik(y, **law.layout.fixed, **values), weights=weight) for values in (best, near))
    return near if near_mean > best_mean - 0.05 else best


def _candidates(law: Any, y: Any, weight: np.ndarray) -> list[dict]:
    """Combinations of shapes, each with the location and the scale that match quantiles of y."""
    given = {name: law.layout[name].value for name in law.parameters}
    names = probing.names(law.rv)
    count = sum(given[name] is None for name in names)
    tries = [_tries(law.layout[name].domain, count) if given[name] is None else [given[name]] for name in names]
    shapes = np.array(list(product(*tries)), dtype=float).T
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        low, high = probing.support(law.rv, *shapes)
        if names and (valid := low <= high).any():
            shapes, low, high = shapes[:, valid], low[valid], high[valid]
        z, at = _standard_quantiles(law.rv, shapes), starting_values.quantiles(y, weight, QUANTILE_LEVELS)[:, None]
        loc, scale = given["loc"], given["scale"]
        if scale is None:
            scale = (at[3] - at[1]) / (z[3] - z[1]) if loc is None else np.abs(at - loc).sum(axis=0) / np.abs(z).sum(axis=0)
            scale = np.where((scale > 0) & (scale < np.inf), scale, np.std(y))
            scale = np.maximum(scale, starting_values.resolution(y))
            if loc is None:
                scale = np.maximum(scale, 1.2 * np.ptp(y) / (high - low))
        if loc is None:  # so that every y lies inside the support
            loc, gap = np.where(np.isfinite(z[2]), at[2] - scale * z[2], at[2]), 0.05 * scale
            loc = np.where(np.isfinite(low), np.minimum(loc, y.min() - scale * low - gap), loc)
            loc = np.where(np.isfinite(high), np.maximum(loc, y.max() - scale * high + gap), loc)
    values = dict(zip((*names, "loc", "scale"), np.broadcast_arrays(*shapes, loc, scale, low)[:-1], strict=True))
    return [{name: float(values[name].flat[k]) for name in law.parameters} for k in range(low.size)]


def _standard_quantiles(rv: Any, shapes: Any) -> Any:
    """Quantiles of the standard law for every column of shapes; NaN where scipy's search for them fails."""
    try:
        return np.reshape(rv.ppf(QUANTILE_LEVELS[:, None], *shapes), (len(QUANTILE_LEVELS), -1))
    except (ValueError, RuntimeError, ArithmeticError):
        if shapes.shape[1] == 1:
            return np.full((len(QUANTILE_LEVELS), 1), np.nan)
        return np.hstack([_standard_quantiles(rv, column[:, None]) for column in shapes.T])


def _tries(domain: Any, count: Any) -> list[float]:
    """Values of a shape to try, fewer if many shapes are estimated."""
    low, high = domain.low, domain.high
    if np.isfinite(low) and np.isfinite(high):
        values = [low + share * (high - low) for share in ((0.1, 0.3, 0.5, 0.7, 0.9) if count < 3 else (0.2, 0.5, 0.8))]
    elif np.isfinite(low):
        values = [low + away for away in ((0.4, 1.0, 3.0, 15.0) if count < 3 else (0.4, 1.0, 4.0))]
    else:
        values = [-2.0, -0.5, -0.1, 0.1, 0.5, 2.0] if count < 3 else [-0.5, 0.2, 1.0]
    return [value for value in values if domain.contains(value)] or [float(np.mean(domain.typical))]
