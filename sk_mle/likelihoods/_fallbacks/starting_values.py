"""Starting values: the default start, a maximum likelihood fit without covariates, and tools for the starts of laws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from ..._utils.repeated import repeated, repeated_value
from . import jets
from .facts import title
from .law import Law

EPSILON = float(np.finfo(float).eps)
MAX_POINTS, POINTS_TO_COMPARE = 2000, 48  # quantiles of y that a start uses, and to compare guesses
DENSITIES_PER_BLOCK = 1 << 14  # density evaluations in one call
# Newton's method: steps; gain in mean log-likelihood, predicted for a step, below which it ends; scaled length of a step.
MAX_NEWTON_STEPS, MIN_GAIN, MAX_STEP = 30, 1e-5, 5.0


def resolution(y: np.ndarray) -> float:
    """The rounding error of y, the least width that a density of y can have."""
    largest = max(-y.min(initial=0.0), y.max(initial=0.0))
    return float(EPSILON * (largest if largest > 0 else 1.0))


def average(values: np.ndarray, sample_weight: np.ndarray) -> float:
    """The weighted mean of values (n,); equal weights that are stored as one number take no products."""
    if repeated_value(sample_weight):
        return float(values.mean())
    return float(np.average(values, weights=sample_weight))


def reduced_sample(y: np.ndarray, sample_weight: np.ndarray, max_points: float = MAX_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of y and their weights in place of a sample of more than `max_points` values.

    They do not depend on the order of the rows, and weights have the effect of repeated rows. The smallest and the largest y
    are added with a negligible weight, so that a start is possible for them too.
    """
    if len(y) <= max_points or y.ndim > 1:
        return y, sample_weight
    max_points = int(max_points)
    levels = (np.arange(max_points) + 0.5) / max_points
    return np.r_[quantiles(y, sample_weight, levels), y.min(), y.max()], np.r_[np.ones(max_points), 1e-9, 1e-9]


def _comparison_sample(y: np.ndarray, sample_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fewer quantiles than `reduced_sample`, weighted by their shares; denser in the tails, which decide between guesses."""
    if len(y) <= POINTS_TO_COMPARE or y.ndim > 1:
        return y, sample_weight
    edges = np.r_[0.0, expit(np.linspace(-7.5, 7.5, POINTS_TO_COMPARE - 1)), 1.0]
    at = quantiles(y, sample_weight, (edges[1:] + edges[:-1]) / 2)
    return np.r_[at, y.min(), y.max()], np.r_[np.diff(edges), 1e-9, 1e-9]


def weighted_median(y: np.ndarray, sample_weight: np.ndarray) -> float:
    """The smallest y with at least half of the weight at or below it."""
    return float(quantiles(y, sample_weight, np.array([0.5]))[0])


def quantiles(y: np.ndarray, sample_weight: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Weighted quantiles: for each level, the smallest y with at least that share of the weight at or below it."""
    order = np.argsort(y)
    cumulative = np.cumsum(sample_weight[order])
    index = np.searchsorted(cumulative, levels * cumulative[-1] * (1 - 1e-12))
    return y[order[np.minimum(index, len(y) - 1)]]


def best_candidate(law: Law, candidates: Iterable[dict], y: np.ndarray, sample_weight: np.ndarray) -> dict:
    """The dict of parameters with the largest log-likelihood; the first one if columns of X hold some parameters."""
    candidates = [{**law.layout.fixed, **candidate} for candidate in candidates]
    if len(candidates) == 1:
        return candidates[0]

    def mean(candidate: dict) -> float:
        with np.errstate(all="ignore"):
            value = np.average(law.loglik(y, **candidate), weights=sample_weight)
        return value if value < np.inf else -np.inf  # NaN as well

    complete = all(name in candidate for candidate in candidates for name in law.parameters)
    return max(candidates, key=mean) if complete else candidates[0]


def _no_finite_guess(law: Law, y: np.ndarray, guess: dict) -> str:
    """The message that no guess of the parameters has a finite log-likelihood, with what `loglik` returns at one."""
    params = {name: float(law.layout[name].link.inverse(np.asarray(value))) for name, value in guess.items()}
    with np.errstate(all="ignore"):
        loglik = law.evaluate(y, {name: np.full(len(y), value) for name, value in guess.items()}, 0).loglik
    if np.isfinite(loglik).all():
        return f"the log-likelihoods of {title(law)} are finite at a guess of {list(guess)}, but not their sum: rescale y"
    row = int(np.flatnonzero(~np.isfinite(loglik))[0])
    at = ", ".join(f"{name} = {value:.3g}" for name, value in params.items())
    value = str(loglik[row]).replace("nan", "NaN")
    zero = value == "-inf"
    remedy = "give it a support without such values, or" if zero else "correct it there, or"
    return (
        f"{title(law)} has no finite log-likelihood at any guess of {list(guess)}: loglik is {value} at y = "
        f"{np.ravel(y[row])[0]:.3g}, {at}{', as if no such y could occur' * zero}; {remedy} give the law a start(y, "
        "sample_weight) method whose values have a finite one"
    )


def numerical_start(law: Law, y: np.ndarray, sample_weight: np.ndarray, guess: dict | None = None) -> dict:
    """Constant parameters, on the natural scale, that maximise the likelihood, from a guess or from the best of a grid.

    The maximum is found by Newton's method if the law's formula takes jets, else by Nelder-Mead: differences would cost more.
    """
    y, sample_weight = reduced_sample(y, sample_weight)
    names = law.layout.free
    if not names:
        return {}
    if vectors := [name for name in names if law.layout[name].vector]:
        raise ValueError(
            f"{title(law)} must define start(y, sample_weight), as no search finds first values of {vectors}, vectors"
        )
    total = sample_weight.sum()

    def loss(point: np.ndarray) -> float:
        eta = {name: np.full(len(y), value) for name, value in zip(names, point, strict=True)}
        with np.errstate(all="ignore"):
            value = -np.dot(sample_weight, law.evaluate(y, eta, 0).loglik) / total
        return value if np.isfinite(value) else np.inf

    for grid in _grids(law, y, sample_weight, guess):
        for values, weight in (_comparison_sample(y, sample_weight), (y, sample_weight)):
            losses = _losses(law, values, weight, grid) if len(grid) > 1 else np.zeros(1)
            best = grid[np.argmin(losses)]
            if np.isfinite(loss(best)):
                break
        else:
            continue
        break
    else:
        raise ValueError(_no_finite_guess(law, y, dict(zip(names, best, strict=True))))
    maximum = _newton(law, y, sample_weight, best) if law.smooth else None
    if maximum is None:
        options = {"maxiter": 150 * len(names), "xatol": 1e-3, "fatol": 1e-6}
        ends = [minimize(loss, best, method="Nelder-Mead", options=options).x]
        ends += [_newton(law, y, sample_weight, guess) for guess in _alternatives(grid, losses) if law.smooth]
        maximum = min((end for end in ends if end is not None), key=loss)
    return {name: law.layout[name].link.inverse(value) for name, value in zip(names, maximum, strict=True)}


def _alternatives(grid: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """The best guess for every value of every parameter, without the best of all, from which Newton's method failed."""
    ranked = grid[np.argsort(losses, kind="stable")]
    first = {int(np.argmax(column == value)) for column in ranked.T for value in np.unique(column)}
    return ranked[sorted(first - {0})]


def _losses(law: Any, y: np.ndarray, sample_weight: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Mean negative log-likelihoods at constant linear predictors (points, parameters), in blocks that fit in the cache."""
    blocks: list = []
    block_size = max(DENSITIES_PER_BLOCK // len(y), 1)
    for first in range(0, len(points), block_size):
        block = points[first : first + block_size]
        eta = {name: np.repeat(column, len(y)) for name, column in zip(law.layout.free, block.T, strict=True)}
        loglik = law.evaluate(np.concatenate([y] * len(block)), eta, 0).loglik
        blocks.append(-loglik.reshape(len(block), -1) @ sample_weight / sample_weight.sum())
    losses = np.concatenate(blocks)
    return np.where(np.isfinite(losses), losses, np.inf)


def _newton(law: Any, y: np.ndarray, sample_weight: np.ndarray, point: np.ndarray) -> np.ndarray | None:
    """The maximum by damped Newton steps; None if the formula takes no jets, or if they lead to no maximum."""
    value, gradient, hessian = _mean_loss(law, y, sample_weight, point)
    for _ in range(MAX_NEWTON_STEPS):
        if not (value < np.inf and np.isfinite(hessian).all() and np.diag(hessian).all()):
            return None
        scale = np.sqrt(np.abs(np.diag(hessian)))  # diagonal scaling: a steep direction must not hide a flat one
        eigenvalues, eigenvectors = np.linalg.eigh(hessian / np.outer(scale, scale))
        step = -eigenvectors @ (eigenvectors.T @ (gradient / scale) / np.maximum(np.abs(eigenvalues), 1e-3))
        step *= min(1.0, MAX_STEP / max(np.abs(step).max(), 1e-300)) / scale
        gain = -step @ gradient
        if gain < MIN_GAIN:
            return point if eigenvalues.min() > 0 else None
        for length in (1.0, 0.5, 0.1, 0.01):
            trial = _mean_loss(law, y, sample_weight, point + length * step)
            if trial[0] < value - 1e-4 * length * gain:
                break
        else:
            return None
        point, (value, gradient, hessian) = point + length * step, trial
    return None


def _mean_loss(law: Any, y: np.ndarray, sample_weight: np.ndarray, point: np.ndarray) -> tuple[Any, Any, Any]:
    """Mean negative log-likelihood at constant linear predictors, with gradient and Hessian by jets; infinite without jets."""
    total = sample_weight.sum()
    eta = {name: repeated(value, len(y)) for name, value in zip(law.layout.free, point, strict=True)}
    with np.errstate(all="ignore"):
        evaluated = jets.evaluate(law, y, eta, 2)
    if evaluated is None:
        return np.inf, None, None
    gradient = np.array([sample_weight @ evaluated.gradient[name] for name in law.layout.free]) / -total
    hessian = np.zeros((len(point), len(point)))
    for i, a in enumerate(law.layout.free):
        for j, b in enumerate(law.layout.free[i:], i):
            if (a, b) in evaluated.information:
                hessian[i, j] = hessian[j, i] = sample_weight @ evaluated.information[a, b] / total
    return -sample_weight @ evaluated.loglik / total, gradient, hessian


def _grids(law: Any, y: np.ndarray, weight: np.ndarray, guess: Any) -> Iterator[Any]:
    """Yield arrays (points, parameters) of linear predictors to try: the guess, or else a small and then a larger grid."""
    if guess is not None:
        yield np.array([[float(law.layout[name].link.link(guess[name])) for name in law.layout.free]])
        return
    for far in (False, True):
        yield np.array(list(product(*(_guesses(law, name, y, weight, far) for name in law.layout.free))))


def _guesses(law: Any, name: str, y: np.ndarray, weight: np.ndarray, far: bool) -> list[float]:
    """Linear predictors of one parameter to try: moments of y inside its domain, and typical values of the domain.

    With `far` also the ends of y, widths that cover all of it, and values close to zero.
    """
    domain, link = law.layout[name].domain, law.layout[name].link
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
