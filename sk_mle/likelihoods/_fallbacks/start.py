"""The default start of a law: its maximum likelihood fit without covariates, from the density alone."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from ..._utils.repeated import repeated
from . import jets
from .facts import title

MAX_POINTS, POINTS_TO_COMPARE = 2000, 48  # a start needs no more of y than this, and to compare guesses
DENSITIES_PER_BLOCK = 1 << 14  # densities
MAX_NEWTON_STEPS, MIN_GAIN, MAX_STEP = 30, 1e-5, 5.0  # of Newton's method; it ends where a step promises no more than this gain


def resolution(y) -> float:
    """The rounding error of y: no density can be narrower and mean anything."""
    largest = max(-np.min(y, initial=0.0), np.max(y, initial=0.0))
    return float(np.finfo(float).eps * (largest if largest > 0 else 1.0))


def thin(y, sample_weight, most=MAX_POINTS):
    """At most `most` quantiles of y in place of the sample: the same under any row order and for weights as for repetition.

    The smallest and the largest y stand beside them, with next to no weight: a start must be possible for them too.
    """
    if len(y) <= most or y.ndim > 1:
        return y, sample_weight
    levels = (np.arange(most) + 0.5) / most
    return np.r_[quantiles(y, sample_weight, levels), y.min(), y.max()], np.r_[np.ones(most), 1e-9, 1e-9]


def _few(y, sample_weight):
    """Still fewer quantiles, each with its share: closer in the tails, where single values decide between guesses."""
    if len(y) <= POINTS_TO_COMPARE or y.ndim > 1:
        return y, sample_weight
    edges = np.r_[0.0, expit(np.linspace(-7.5, 7.5, POINTS_TO_COMPARE - 1)), 1.0]
    at = quantiles(y, sample_weight, (edges[1:] + edges[:-1]) / 2)
    return np.r_[at, y.min(), y.max()], np.r_[np.diff(edges), 1e-9, 1e-9]


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
    """Of dicts of parameters the one with the largest log-likelihood; the first where a parameter is known by a column."""
    candidates = [{**law.fixed, **candidate} for candidate in candidates]

    def mean(candidate):
        with np.errstate(all="ignore"):
            value = np.average(law.loglik(y, **candidate), weights=sample_weight)
        return value if value < np.inf else -np.inf  # NaN as well

    whole = all(name in candidate for candidate in candidates for name in law.parameters)
    return max(candidates, key=mean) if len(candidates) > 1 and whole else candidates[0]


def search(law, y, sample_weight, guess=None) -> dict:
    """Constants on the link scale that fit best, from a guess or from the best of a grid.

    By Newton's method where the law's formula takes jets, else by Nelder-Mead: differences would cost more.
    """
    y, sample_weight = thin(y, sample_weight)
    names = law.free
    if not names:
        return {}
    total = sample_weight.sum()

    def loss(point):
        eta = {name: np.full(len(y), value) for name, value in zip(names, point, strict=True)}
        with np.errstate(all="ignore"):
            value = -np.dot(sample_weight, law.evaluate(y, eta, 0).loglik) / total
        return value if np.isfinite(value) else np.inf

    for grid in _grids(law, y, sample_weight, guess):
        for few, weight in (_few(y, sample_weight), (y, sample_weight)):
            losses = _losses(law, few, weight, grid) if len(grid) > 1 else np.zeros(1)
            best = grid[np.argmin(losses)]
            if np.isfinite(loss(best)):
                break
        else:
            continue
        break
    else:
        raise ValueError(
            f"{title(law)} has no finite log-likelihood at any guess of {names}; its loglik may return NaN, or "
            "give it a start(y, sample_weight) method"
        )
    found = _newton(law, y, sample_weight, best) if law.smooth else None
    if found is None:
        options = {"maxiter": 150 * len(names), "xatol": 1e-3, "fatol": 1e-6}
        ends = [minimize(loss, best, method="Nelder-Mead", options=options).x]
        ends += [_newton(law, y, sample_weight, guess) for guess in _varied(grid, losses) if law.smooth]
        found = min((end for end in ends if end is not None), key=loss)
    return {name: law.parameter(name).link.inverse(value) for name, value in zip(names, found, strict=True)}


def _varied(grid, losses) -> np.ndarray:
    """The best guess with every value of every parameter, but the best of all: where that leads nowhere, another may."""
    ranked = grid[np.argsort(losses, kind="stable")]
    first = {int(np.argmax(column == value)) for column in ranked.T for value in np.unique(column)}
    return ranked[sorted(first - {0})]


def _losses(law, y, sample_weight, points) -> np.ndarray:
    """Mean negative log-likelihoods at constant linear predictors, of as many points at once as fit in the cache."""
    losses: list = []
    many = max(DENSITIES_PER_BLOCK // len(y), 1)
    for first in range(0, len(points), many):
        some = points[first : first + many]
        eta = {name: np.repeat(column, len(y)) for name, column in zip(law.free, some.T, strict=True)}
        loglik = law.evaluate(np.concatenate([y] * len(some)), eta, 0).loglik
        losses.append(-loglik.reshape(len(some), -1) @ sample_weight / sample_weight.sum())
    found = np.concatenate(losses)
    return np.where(np.isfinite(found), found, np.inf)


def _newton(law, y, sample_weight, point) -> np.ndarray | None:
    """Damped Newton steps; None where the formula has no jets, or they do not lead to a maximum."""
    value, gradient, hessian = _mean_loss(law, y, sample_weight, point)
    for _ in range(MAX_NEWTON_STEPS):
        if not (value < np.inf and np.isfinite(hessian).all() and np.diag(hessian).all()):
            return None
        size = np.sqrt(np.abs(np.diag(hessian)))  # in units of which a steep direction does not hide a flat one
        curves, axes = np.linalg.eigh(hessian / np.outer(size, size))
        step = -axes @ (axes.T @ (gradient / size) / np.maximum(np.abs(curves), 1e-3))
        step *= min(1.0, MAX_STEP / max(np.abs(step).max(), 1e-300)) / size
        gain = -step @ gradient
        if gain < MIN_GAIN:
            return point if curves.min() > 0 else None
        for length in (1.0, 0.5, 0.1, 0.01):
            trial = _mean_loss(law, y, sample_weight, point + length * step)
            if trial[0] < value - 1e-4 * length * gain:
                break
        else:
            return None
        point, (value, gradient, hessian) = point + length * step, trial
    return None


def _mean_loss(law, y, sample_weight, point):
    """Mean negative log-likelihood at constant linear predictors, with its gradient and Hessian by jets; infinite without."""
    total = sample_weight.sum()
    eta = {name: repeated(value, len(y)) for name, value in zip(law.free, point, strict=True)}
    with np.errstate(all="ignore"):
        found = jets.evaluate(law, y, eta, 2)
    if found is None:
        return np.inf, None, None
    gradient = np.array([sample_weight @ found.gradient[name] for name in law.free]) / -total
    hessian = np.zeros((len(point), len(point)))
    for i, a in enumerate(law.free):
        for j, b in enumerate(law.free[i:], i):
            if (a, b) in found.information:
                hessian[i, j] = hessian[j, i] = sample_weight @ found.information[a, b] / total
    return -sample_weight @ found.loglik / total, gradient, hessian


def _grids(law, y, weight, guess):
    """Linear predictors of all parameters to try, (tries, parameters): those of the guess, or else more and more of them."""
    if guess is not None:
        yield np.array([[float(law.parameter(name).link.link(guess[name])) for name in law.free]])
        return
    for far in (False, True):
        yield np.array(list(product(*(_guesses(law, name, y, weight, far) for name in law.free))))


def _guesses(law, name, y, weight, far) -> list[float]:
    """Linear predictors to try: moments of y where they lie in the parameter's domain, and the domain's own.

    With `far` also the ends of y, widths that reach over all of it, and shapes that are nearly none.
    """
    domain, link = law.parameter(name).domain, law.parameter(name).link
    if y.ndim > 1:
        finite = np.isfinite(y)
        y, weight = y[finite], np.broadcast_to(weight[:, None], y.shape)[finite]
    centre = np.average(y, weights=weight)
    spread = max(float(np.sqrt(np.average((y - centre) ** 2, weights=weight))), resolution(y))
    (low, high), middle = domain.typical, weighted_median(y, weight)
    values = np.array([(low + high) / 2, low + 0.2 * (high - low), centre, middle, spread, spread**2, 1 / spread, 1.0])
    if far:
        low_end, high_end = float(y.min()), float(y.max())
        width = high_end - low_end
        values = np.r_[values, low_end, high_end, width, 10 * width, 1 / width if width else 1.0, 0.0, 0.01, -0.01]
    etas = link.link(values[domain.contains(values)])
    return list(dict.fromkeys(etas[np.isfinite(etas)].tolist()))
