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
MAX_BRACKET = 1e300  # step of a search for an interval that holds a quantile
RELATIVE_WIDTH = 4e-16  # of the interval in which a quantile is found
MAX_ITERATIONS = 200
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
    start, end, q = np.broadcast_arrays(*(np.asarray(v, float) for v in (start, start if end is None else end, q)))
    q, params, shape = flattened(q, {name: value for name, value in params.items() if value is not None}, law)
    start, end = (np.broadcast_to(value, shape).ravel() for value in (start, end))
    rows, integer = np.flatnonzero((q > 0) & (q < 1)), law.support.integer
    default = law.support.low if integer and np.isfinite(law.support.low) else law.support.typical[0]
    start, end = (np.where(np.isfinite(value), value, default) for value in (start, end))
    result = np.where(q == 0, law.support.low - integer, np.where(q == 1, law.support.high, np.nan))
    with np.errstate(all="ignore"):
        result[rows] = (_solve_integer if integer else _solve_real)(_Tail(law, q, params, rows), start[rows], end[rows])
    return result.reshape(shape)


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


class _Tail:
    """Distribution functions of some rows of a law, `rows`, of which each has its probability q.

    Rows are numbered among these, and asked for as long as they are not solved. A law without `params` has a distribution of
    its own for each of its rows, and is asked for all of them.
    """

    def __init__(self, law: Tails, q: np.ndarray, params: dict, rows: np.ndarray) -> None:
        self.law, self.q, self.rows, self.n = law, q[rows], rows, len(q)
        self.params = {name: value[rows] for name, value in params.items()}

    def at(self, method: Callable, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """A distribution function at one y for each of the rows."""
        if self.params:
            return method(y, **{name: value[rows] for name, value in self.params.items()})
        full, place = np.full(self.n, y[0]), self.rows[rows]
        full[place] = y
        return method(full)[place]

    def excess(self, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The difference of the logs of the smaller tail: nonnegative where P(Y <= y) >= q, and -inf where it is not known."""
        value, upper = np.empty(len(rows)), self.q[rows] > 0.5
        if upper.any():
            value[upper] = np.log1p(-self.q[rows[upper]]) - self.at(self.law.logsf, y[upper], rows[upper])
        if not upper.all():
            value[~upper] = self.at(self.law.logcdf, y[~upper], rows[~upper]) - np.log(self.q[rows[~upper]])
        return np.where(np.isnan(value), -np.inf, value)


def _solve_integer(tail: _Tail, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The smallest integer with a nonnegative excess: growing steps bracket it, bisection finds it.

    Above 2**53, not every integer is a float: there it is the smallest float.
    """
    least, high = tail.law.support.low - 1, np.maximum(np.ceil(end - 1e-9), tail.law.support.low)
    low = np.maximum(np.minimum(np.floor(start), high - 1), least)
    spacing = lambda value: np.fmax(np.spacing(np.abs(value)), 1.0)  # between neighbouring integers that are floats
    step, at_low, rows = spacing(high), np.full(high.shape, np.nan), np.arange(len(high))
    while len(rows):
        at = tail.excess(high[rows], rows)
        short = (at < 0) & (step[rows] < MAX_BRACKET)
        rows, at = rows[short], at[short]
        low[rows], at_low[rows] = high[rows], at
        high[rows], step[rows] = high[rows] + step[rows], 4 * step[rows]
    found, step = step < MAX_BRACKET, spacing(low)
    high, rows = np.where(found, high, np.inf), np.flatnonzero(found & np.isnan(at_low))
    while len(rows):
        at_low[rows] = tail.excess(low[rows], rows)
        rows = rows[(at_low[rows] >= 0) & (low[rows] > least)]
        high[rows], low[rows], step[rows] = low[rows], np.maximum(low[rows] - step[rows], least), 4 * step[rows]
    while len(rows := np.flatnonzero(found & (high - low > spacing(high)))):
        middle = np.floor(low[rows] + (high[rows] - low[rows]) / 2)
        at = tail.excess(middle, rows)
        more = at < 0
        low[rows[more]], at_low[rows[more]], high[rows[~more]] = middle[more], at[more], middle[~more]
    is_tie = found & (low > least) & (tail.q < 1 - 1e-10) & (at_low > -1e-12 - 4e-16 / (1 - tail.q))
    if len(rows := np.flatnonzero(is_tie)):  # q may be a rounded cdf
        high[rows] = np.where(tail.at(tail.law.cdf, low[rows], rows) >= tail.q[rows], low[rows], high[rows])
    return high


def _solve_real(tail: _Tail, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The quantile to rounding: growing steps bracket it, Chandrupatla's method finds it."""
    support = tail.law.support
    low, high = low.copy(), high.copy()
    at_low, at_high = (np.full(low.shape, np.nan) for _ in range(2))
    least = 1e-9 * np.maximum(np.abs(low), 1e-6)
    for at, end, others, sign, edge in ((at_high, high, low, 1.0, support.high), (at_low, low, high, -1.0, support.low)):
        step, rows = least.copy(), np.flatnonzero(np.isnan(at))
        while len(rows):
            at[rows] = tail.excess(end[rows], rows)
            rows = rows[(sign * at[rows] < 0) | ((sign < 0) & (at[rows] == 0))]
            rows = rows[(sign * end[rows] < sign * edge) & (step[rows] < MAX_BRACKET)]
            others[rows], (at_low if sign > 0 else at_high)[rows] = end[rows], at[rows]
            further = end[rows] + sign * step[rows]
            end[rows], step[rows] = np.minimum(further, edge) if sign > 0 else np.maximum(further, edge), 16 * step[rows]
    root = np.where(at_low >= 0, support.low, high)  # of an infinite end no number is far enough out
    if len(rows := np.flatnonzero((at_low < 0) & (at_high < 0))):
        unknown = np.isnan(tail.at(tail.law.cdf, high[rows], rows))
        root[rows] = np.where(unknown, np.nan, support.high)
    rows = np.flatnonzero((at_low < 0) & (at_high >= 0))
    root[rows] = _chandrupatla(tail, rows, low[rows], high[rows], at_low[rows], at_high[rows])
    for atom in support.atoms:
        rows = np.flatnonzero(np.abs(root - atom) <= 1e-12 * max(1.0, abs(atom)))
        if len(rows):
            root[rows] = np.where(tail.excess(np.full(len(rows), atom), rows) >= 0, atom, root[rows])
    return root


def _chandrupatla(
    tail: _Tail, rows: np.ndarray, low: np.ndarray, high: np.ndarray, at_low: np.ndarray, at_high: np.ndarray
) -> np.ndarray:
    """The smallest numbers known to have an excess that is not negative, to rounding, from brackets `low` to `high`.

    Inverse quadratic interpolation where three values are close to such a curve, else bisection (Chandrupatla, T. R., 1997. A
    new hybrid quadratic/bisection algorithm. Advances in Engineering Software 28, 145-149).
    doi:10.1016/S0965-9978(96)00051-8
    """
    root, place = high.copy(), np.arange(len(rows))
    x, f, other, at_other, share = low, at_low, high, at_high, np.full(len(rows), 0.5)
    for _ in range(MAX_ITERATIONS):
        middle = x + share * (other - x)
        at = tail.excess(middle, rows[place])
        same = (at >= 0) == (f >= 0)
        last, at_last = np.where(same, x, other), np.where(same, f, at_other)
        other, at_other = np.where(same, other, x), np.where(same, at_other, f)
        x, f = middle, at
        root[place] = np.where(f >= 0, x, other)
        width = np.abs(other - x)
        least = np.maximum(RELATIVE_WIDTH * np.abs(root[place]), 1e-300)
        open_ = (width > least) & (f != 0)
        if not open_.any():
            break
        place, x, f, other, at_other = (value[open_] for value in (place, x, f, other, at_other))
        last, at_last, least_share = last[open_], at_last[open_], (least / 2 / width)[open_]
        xi, phi = (x - other) / (last - other), (f - at_other) / (at_last - at_other)
        curved = f / (at_other - f) * at_last / (at_other - at_last)
        curved = curved + (last - x) / (other - x) * f / (at_last - f) * at_other / (at_last - at_other)
        share = np.where((phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi) & np.isfinite(curved), curved, 0.5)
        share = np.clip(share, least_share, 1 - least_share)
    return root


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
