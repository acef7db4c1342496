"""Quantiles of a law, from its density alone or from its distribution functions, and its total probability."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import gammainccinv, gammaincinv

from .facts import overrides
from .law import Law, Tails
from .quadrature import (
    FIRST_LONG_TERM,
    FIRST_TERMS,
    MAX_TERMS,
    centre_and_width,
    continued_log_density,
    flattened,
    log_density_of,
    maps_to_support,
    row_slices,
    sum_over,
)

# Panels in t, where x = centre + width sinh(GRADING sinh(t / GRADING)), up to 1e269.
N_PANELS, END_OF_PANELS, GRADING = 120, 32.0, 6.0
MAX_TOTAL_OFF = 1e-6  # of the panels' total probability from one, up to which there are quantiles
MAX_EXACT_TOTAL_OFF = 1e-10  # the same, up to which they need no polish
TERMS_PER_COUNT = 64  # masses of each row that are added at a time
MAX_LOWER_TAIL_LEVEL = 1 - 1e-8  # probability up to which 1 - q has eight digits of the upper tail
GAUSS_NODES, GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(10)


def total_probability(law: Law, params: dict) -> tuple[float, bool]:
    """Total probability for one set of parameters, and whether floating-point numbers reach all of it."""
    _, params, _ = flattened(0.0, params, law)
    with np.errstate(all="ignore"):
        if law.support.integer:
            return float(sum_over(law, params, lambda k, logp: np.ones_like(k), centre_and_width(law, params)[0])[0][0]), True
        density, _, half, panels = _panels(law, params)
        ends = [float(density(np.array([[end]]))[0, 0]) for end in (-END_OF_PANELS, END_OF_PANELS)]
        f, to_x = log_density_of(law, params), maps_to_support(law.support)[2]
        edges = np.array(_innermost(law.support))
        edges = to_x(edges)[np.isfinite(to_x(edges)) & (np.abs(to_x(edges)) < 500)]
        beyond = max([*ends, *(float(np.exp(f(np.array([[x * (1 - 1e-3)]]))[0, 0])) for x in edges)])
        total = float(panels.sum() * half)
        return total if abs(total - 1) < 1e-9 else _adaptive_integral(density), beyond < 1e-9


def _adaptive_integral(density: Any) -> float:
    """The integral of a density with kinks or jumps, by halving panels until the sum does not change."""
    edges = np.linspace(-END_OF_PANELS, END_OF_PANELS, N_PANELS + 1)

    def area(low: np.ndarray, high: np.ndarray) -> Any:
        half = (high - low)[:, None] / 2
        values = density((low[:, None] + half * (1 + GAUSS_NODES)).reshape(1, -1)).reshape(len(low), -1)
        return (values * GAUSS_WEIGHTS * half).sum(axis=1)

    low, high, total = edges[:-1], edges[1:], 0.0
    for _ in range(40):
        middle = (low + high) / 2
        left, right = area(low, middle), area(middle, high)
        inexact = np.abs(left + right - area(low, high)) > 1e-10
        total += float((left + right)[~inexact].sum())
        if not inexact.any():
            break
        low, high = np.concatenate([low[inexact], middle[inexact]]), np.concatenate([middle[inexact], high[inexact]])
    return total


def quantile(law: Law, q: np.ndarray, params: dict) -> np.ndarray:
    """Quantiles, the smallest y with P(Y <= y) >= q, from the density."""
    q, params, shape = flattened(q, params, law)
    invert, n_points = (_invert_sum, FIRST_TERMS) if law.support.integer else (_invert_integral, N_PANELS * len(GAUSS_NODES))
    all_equal = all((value == value[0]).all() for value in params.values())
    result = np.empty(len(q))
    with np.errstate(all="ignore"):
        for rows in row_slices(len(q), 1 if all_equal else n_points):
            part = {name: value[rows][:1] if all_equal else value[rows] for name, value in params.items()}
            result[rows] = invert(law, q[rows], part)
    ends = np.where(q == 0, law.support.low - law.support.integer, law.support.high)
    return np.where((q > 0) & (q < 1), result, np.where((q == 0) | (q == 1), ends, np.nan)).reshape(shape)


def solve_quantile(law: Tails, q: np.ndarray, params: dict, start: np.ndarray, end: np.ndarray | None = None) -> np.ndarray:
    """Quantiles from a law's own distribution functions, by root finding in the log of the smaller tail.

    `start` is a value close to the quantile; or `start` and `end` are a guess of an interval that holds it.
    """
    q, start, end = np.broadcast_arrays(*(np.asarray(v, float) for v in (q, start, start if end is None else end)))
    with np.errstate(all="ignore"):
        inside, integer = (q > 0) & (q < 1), law.support.integer
        default = law.support.low if integer and np.isfinite(law.support.low) else law.support.typical[0]
        start, end = (np.where(np.isfinite(value), value, default) for value in (start, end))
        solve = _solve_integer if integer else _solve_real
        root = solve(law, q, params, start, end, inside, _excess_of_cdf(law, q, params))
    ends = np.where(q == 0, law.support.low - integer, law.support.high)
    return np.where(inside, root, np.where((q == 0) | (q == 1), ends, np.nan))


def refine_quantile(law: Law, q: np.ndarray, params: dict, near: np.ndarray) -> np.ndarray:
    """Quantiles of a law made from another, from approximate ones (`near`) that the law inside gives.

    `near` is exact to rounding, except for integers, and where the upper tail is so small that 1 - q has few digits of it.
    """
    far = (q > MAX_LOWER_TAIL_LEVEL) & (q < 1)
    if law.support.integer or not np.any(far):
        return solve_quantile(law, q, params, near) if law.support.integer else near
    return np.where(far, solve_quantile(law, np.where(far, q, MAX_LOWER_TAIL_LEVEL), params, near), near)


def gamma_quantile(q: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """The quantile of a gamma law with this mean and variance, an approximation for laws of counts."""
    with np.errstate(all="ignore"):
        shape, upper = mean**2 / variance, np.asarray(q) > 0.5
        return np.where(upper, gammainccinv(shape, 1 - q), gammaincinv(shape, q)) * variance / mean


def _excess_of_cdf(law: Any, q: np.ndarray, params: dict) -> Callable:
    """A function of y that is nonnegative where P(Y <= y) >= q: a difference of logs of the smaller tail."""
    upper = q > 0.5
    above = lambda y: np.log1p(-q) - law.logsf(y, **params)
    below = lambda y: law.logcdf(y, **params) - np.log(q)
    if upper.all() or not upper.any():
        return above if upper.any() else below
    return lambda y: np.where(upper, above(y), below(y))


def _solve_integer(
    law: Any, q: np.ndarray, params: dict, start: np.ndarray, end: np.ndarray, inside: np.ndarray, excess: Callable
) -> np.ndarray:
    """The smallest integer with a nonnegative excess: growing steps bracket it, bisection finds it.

    Above 2**53, not every integer is a float: there it is the smallest float.
    """
    least, high = law.support.low - 1, np.maximum(np.ceil(end - 1e-9), law.support.low)
    low = np.maximum(np.minimum(np.floor(start), high - 1), least)
    spacing = lambda value: np.fmax(np.spacing(np.abs(value)), 1.0)  # between neighbouring integers that are floats
    step, at_low = spacing(high), np.full(q.shape, np.nan)
    while (short := inside & ~((at := excess(high)) >= 0) & (step < 1e300)).any():
        low, at_low = np.where(short, high, low), np.where(short, at, at_low)
        high, step = np.where(short, high + step, high), np.where(short, 4 * step, step)
    inside, step = inside & (step < 1e300), spacing(low)
    high = np.where(inside, high, np.inf)
    while (open_ := inside & np.isnan(at_low)).any():
        at = excess(low)
        done = open_ & (~(at >= 0) | (low <= least))
        at_low = np.where(done, np.nan_to_num(at, nan=-np.inf), at_low)
        long = open_ & ~done
        high, low = np.where(long, low, high), np.where(long, np.maximum(low - step, least), low)
        step = np.where(long, 4 * step, step)
    while (wide := inside & (high - low > spacing(high))).any():
        middle = np.floor(low + (high - low) / 2)
        at = excess(middle)
        more = wide & ~(at >= 0)
        low, at_low, high = np.where(more, middle, low), np.where(more, at, at_low), np.where(wide & ~more, middle, high)
    tie = inside & (low > least) & (q < 1 - 1e-10) & (at_low > -1e-12 - 4e-16 / (1 - q))  # q may be a rounded cdf
    if tie.any():
        high = np.where(tie & (law.cdf(np.where(tie, low, high), **params) >= q), low, high)
    return high


def _solve_real(
    law: Any, q: np.ndarray, params: dict, low: np.ndarray, high: np.ndarray, inside: np.ndarray, excess: Callable
) -> np.ndarray:
    """The quantile to rounding: growing steps bracket it, false position and bisection find it."""
    least = 1e-9 * np.maximum(np.abs(low), 1e-6)
    step = np.broadcast_to(least, q.shape)
    while (short := inside & (excess(high) < 0) & (high < law.support.high) & (step < 1e300)).any():
        up = np.minimum(high + step, law.support.high)
        low, high, step = np.where(short, high, low), np.where(short, up, high), np.where(short, 4 * step, step)
    step = np.broadcast_to(least, q.shape)
    while (long := inside & (excess(low) >= 0) & (low > law.support.low) & (step < 1e300)).any():
        down = np.maximum(low - step, law.support.low)
        high, low, step = np.where(long, low, high), np.where(long, down, low), np.where(long, 4 * step, step)
    at_low, at_high = excess(low), excess(high)
    for count in range(200):
        width = high - low
        done = ~inside | (width <= 4e-16 * np.abs(high)) | (width <= 1e-300) | (at_low >= 0)
        if done.all():
            break
        secant = low - at_low * width / (at_high - at_low)
        use = (count % 2 == 0) & np.isfinite(secant) & (secant > low) & (secant < high)
        middle = np.where(use, secant, low + width / 2)
        value = excess(middle)
        low, at_low = np.where(done | (value >= 0), low, middle), np.where(done | (value >= 0), at_low, value)
        high, at_high = np.where(done | (value < 0), high, middle), np.where(done | (value < 0), at_high, value)
    high = np.where(at_low >= 0, low, high)
    for atom in law.support.atoms:
        here = np.full(q.shape, atom)
        high = np.where((np.abs(high - atom) <= 1e-12 * max(1.0, abs(atom))) & (excess(here) >= 0), atom, high)
    return high


def _invert_integral(law: Any, q: np.ndarray, params: dict) -> np.ndarray:
    """Quantiles of a density: panels of Gauss nodes give the cdf at their ends, Newton steps the place inside a panel.

    `params` has one row for all q, or one for each.
    """
    density, (centre, width), half, panels = _panels(law, params)
    edges = np.linspace(-END_OF_PANELS, END_OF_PANELS, N_PANELS + 1)
    upper = q > 0.5  # integrate from the nearer end, so that no digit of the smaller probability is lost
    target = np.where(upper, 1 - q, q)
    up, down = (half * np.cumsum(side, axis=1) for side in (panels, panels[:, ::-1]))
    cumulative = np.concatenate([np.zeros((len(q), 1)), np.where(upper[:, None], down, up)], axis=1)
    panel = np.clip((cumulative < target[:, None]).sum(axis=1) - 1, 0, N_PANELS - 1)
    rest = target - np.take_along_axis(cumulative, panel[:, None], axis=1)[:, 0]
    sign = np.where(upper, -1.0, 1.0)
    start = edges[0] + 2 * half * panel
    panel_mass = np.take_along_axis(cumulative, panel[:, None] + 1, axis=1)[:, 0] - (target - rest)
    low, high = np.zeros(len(q)), np.full(len(q), 2 * half)
    length = high * np.clip(rest / panel_mass, 0, 1)
    for _ in range(60):
        inner = (length / 2)[:, None] * (1 + GAUSS_NODES)
        area = (density(sign[:, None] * (start[:, None] + inner)) * GAUSS_WEIGHTS).sum(axis=1) * length / 2
        low, high = np.where(area < rest, length, low), np.where(area < rest, high, length)
        newton = length + (rest - area) / density((sign * (start + length))[:, None])[:, 0]
        moved = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        length, change = moved, moved - length
        if (np.abs(change) < 1e-14).all():
            break
    x = centre + width * np.sinh(_graded(sign * (start + length)))
    off = np.broadcast_to(np.abs(panels.sum(axis=1) * half - 1), q.shape)
    y = np.where(off <= MAX_TOTAL_OFF, np.clip(maps_to_support(law.support)[0](x), *_innermost(law.support)), np.nan)
    return _polished(law, q, params, y, off > MAX_EXACT_TOTAL_OFF)


def _polished(law: Any, q: np.ndarray, params: dict, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Quantiles y, in some rows after a step of Newton's method by the law's distribution functions, or found by these.

    They are found where the law writes them: where it does not, they are integrals of the same density.
    """
    if not rows.any():
        return y
    params = {name: np.broadcast_to(value, (len(q), *value.shape[1:]))[rows] for name, value in params.items()}
    q, near = q[rows], y[rows]
    if any(overrides(law, name) for name in ("cdf", "sf")):
        found = np.clip(solve_quantile(law, q, params, near), *_innermost(law.support))
    else:
        excess = np.where(q > 0.5, 1 - q - law.sf(near, **params), law.cdf(near, **params) - q)
        found = near - excess / np.exp(law.loglik(near, **params))
        found = np.where(law.support.contains(found), found, near)
    y[rows] = np.where(np.isfinite(found), found, near)
    return y


def _innermost(support: Any) -> tuple[Any, Any]:
    """The smallest and the largest number inside, where probability may lie nearer to an end than numbers do."""
    return np.nextafter(support.low, np.inf), np.nextafter(support.high, -np.inf)


def _graded(t: np.ndarray) -> np.ndarray:
    return GRADING * np.sinh(t / GRADING)


def _panels(law: Any, params: dict) -> tuple[Callable, Any, float, np.ndarray]:
    """The density in t, (centre, width) of x, half a panel's width, and the panels' integrals over the density."""
    centre, width, _ = centre_and_width(law, params)
    f = continued_log_density(law, params)
    place, scale, half = centre[:, None], width[:, None], END_OF_PANELS / N_PANELS

    def density(t: np.ndarray) -> np.ndarray:
        far = _graded(t)
        log_slope = np.log(scale) + np.logaddexp(far, -far) + np.log(np.cosh(t / GRADING) / 2)
        return np.exp(f(place + scale * np.sinh(far)) + log_slope)

    middles = half * (2 * np.arange(N_PANELS) + 1) - END_OF_PANELS
    nodes = (middles[:, None] + half * GAUSS_NODES).ravel()
    values = density(np.broadcast_to(nodes, (len(centre), len(nodes)))).reshape(len(centre), N_PANELS, -1)
    return density, (centre, width), half, (values * GAUSS_WEIGHTS).sum(axis=2)


def _invert_sum(law: Any, q: np.ndarray, params: dict) -> Any:
    """Quantiles of a mass function: by one cumulative sum if `params` has one row for all q, else by `solve_quantile`.

    Small upper tails are left to `solve_quantile` as well, as the sum has few digits of them.
    """
    if len(next(iter(params.values()))) > 1:
        quantiles = _quantiles_by_summation(law, q, params)
        rest = np.isnan(quantiles)
        if rest.any():
            params = {name: value[rest] for name, value in params.items()}
            quantiles[rest] = _quantiles_by_search(law, q[rest], params, centre_and_width(law, params)[0])
        return quantiles
    centre, width, f = centre_and_width(law, params)
    reach, quantiles, far = np.ceil(width[0]), np.full(len(q), np.nan), q > MAX_LOWER_TAIL_LEVEL
    while reach < MAX_TERMS and np.isnan(quantiles).any():
        k = np.arange(max(np.rint(centre[0]) - reach, law.support.low), min(np.rint(centre[0]) + reach, law.support.high) + 1)
        cumulative = np.cumsum(np.exp(f(k[None, :])[0]))
        if abs(cumulative[-1] - 1) < 1e-13:
            quantiles = k[np.minimum(np.searchsorted(cumulative, q * (1 - 1e-15)), len(k) - 1)]
        reach *= 2
    rest = far | np.isnan(quantiles)
    if rest.any():
        params = {name: np.broadcast_to(value, (rest.sum(), *value.shape[1:])) for name, value in params.items()}
        near = np.where(np.isnan(quantiles[rest]), centre[0], quantiles[rest])
        quantiles[rest] = _quantiles_by_search(law, q[rest], params, near)
    return quantiles


def _quantiles_by_summation(law: Law, q: np.ndarray, params: dict) -> np.ndarray:
    """Quantiles within the first FIRST_LONG_TERM values of a support that has a first one, by sums of masses; else NaN."""
    found, first = np.full(len(q), np.nan), law.support.low
    rows = np.flatnonzero(q <= MAX_LOWER_TAIL_LEVEL) if np.isfinite(first) else np.zeros(0, int)
    below = np.zeros(len(q))
    for done in range(0, FIRST_LONG_TERM, TERMS_PER_COUNT):
        k = first + done + np.arange(TERMS_PER_COUNT)
        mass = np.exp(log_density_of(law, {name: value[rows] for name, value in params.items()})(np.tile(k, (len(rows), 1))))
        cumulative = below[rows, None] + np.cumsum(mass, axis=1)
        reached = cumulative >= q[rows, None] * (1 - 1e-15)
        ends = reached[:, -1]
        found[rows[ends]] = k[np.argmax(reached[ends], axis=1)]
        below[rows] = cumulative[:, -1]
        rows = rows[~ends]
        if not len(rows):
            break
    return found


def _quantiles_by_search(law: Any, q: np.ndarray, params: dict, start: np.ndarray) -> np.ndarray:
    """Quantiles by `solve_quantile`; NaN where the distribution function is not known."""
    found = solve_quantile(law, q, params, start)
    return np.where(np.isnan(law.cdf(start, **params) + law.cdf(found, **params)), np.nan, found)
