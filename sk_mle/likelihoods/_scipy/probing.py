"""Domains of the shapes and the support of a distribution of scipy.stats, found by calls of its public methods.

`rv.support(*shapes)` is NaN for invalid shapes, and costs no density: a grid of values, and bisection at the edges of the
valid ones, give the domains.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ...domains import Domain

PROBE_DISTANCE = 1e6  # largest absolute value of a shape that is tried
_FINE, _COARSE = (
    np.unique([sign * value for sign in (-1, 1) for value in values])
    for values in (
        (0.0, 1e-6, 1e-3, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 1e3, PROBE_DISTANCE),
        (0.0, 1e-6, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, PROBE_DISTANCE),
    )
)


class Ends(NamedTuple):
    """Ends of the support of the standard law (loc 0, scale 1).

    `low` and `high` are the lowest and the highest end over all valid shapes; `bounded`: which end is finite for all of them;
    `shifting`: the shapes that move such an end; `closed`: at which constant end the density is finite.
    """

    low: float
    high: float
    bounded: tuple[bool, bool]
    shifting: frozenset[str]
    closed: tuple[bool, bool]


def names(rv: Any) -> list[str]:
    """The shapes of a distribution, in scipy's order."""
    return [name.strip() for name in rv.shapes.split(",")] if rv.shapes else []


def shape_domains(rv: Any) -> dict[str, Domain]:
    """The domain of every shape, which says whether it takes integers only."""
    return _shape_domains(_public_object(rv))


def ends(rv: Any, fixed: dict) -> Ends:
    """Ends of the standard law's support, for fixed values of some shapes."""
    return _ends(_public_object(rv), tuple(sorted(fixed.items())))


def support(rv: Any, *shapes: np.ndarray) -> list[np.ndarray]:
    """`rv.support` as float arrays, without warnings."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(np.broadcast_arrays(*(np.asarray(end, float) for end in rv.support(*shapes))))


def _public_object(rv: Any) -> Any:
    """The object of scipy.stats in place of a copy of it, so that the caches hold one entry for both."""
    own: Any = getattr(stats, str(rv.name), None)
    return own if type(own) is type(rv) and (own.a, own.b) == (rv.a, rv.b) else rv


def _valid(rv: Any, shapes: Any) -> np.ndarray:
    low, high = support(rv, *shapes)
    return low <= high


def _valid_combinations(rv: Any, values: list) -> np.ndarray:
    """The valid combinations of the values of every shape: (number of shapes, combinations)."""
    grid = np.array([part.ravel() for part in np.meshgrid(*values, indexing="ij")])
    return grid[:, np.broadcast_to(_valid(rv, grid), grid.shape[1])]


@lru_cache(maxsize=256)
def _valid_grid(rv: Any) -> np.ndarray:
    """The valid combinations of grid values: (number of shapes, combinations)."""
    count = len(names(rv))
    return _valid_combinations(rv, [_FINE if count < 4 else _COARSE] * count)


@lru_cache(maxsize=256)
def _shape_domains(rv: Any) -> dict[str, Domain]:
    shape_names = names(rv)
    if not shape_names:
        return {}
    valid = _valid_grid(rv)
    if not valid.size:
        raise ValueError(
            f"no valid values of the shapes {shape_names} of {rv.name} were found; say where they lie: "
            f"from_scipy({rv.name}, parameters={{name: Domain(...)}})"
        )
    grid, domains = (_FINE if len(shape_names) < 4 else _COARSE), {}
    for i, name in enumerate(shape_names):
        values = np.unique(valid[i])
        integer = len(values) > 1 and bool((values == np.rint(values)).all())
        places = np.flatnonzero(np.isin(grid, values))
        last = places[-1]
        gaps = [k for k in range(last, places[0], -1) if k - 1 not in places and not integer]
        first = gaps[0] if gaps else places[0]  # of valid values in two intervals, the upper one
        low, low_in = _edge(rv, valid, i, grid, first, -1)
        high, high_in = _edge(rv, valid, i, grid, last, 1)
        domains[name] = Domain(low, high, (low_in, high_in), integer, _typical(low, high, integer))
    return _with_valid_typical_values(rv, domains, valid)


def _edge(rv: Any, valid: Any, i: Any, grid: np.ndarray, k: Any, step: Any) -> tuple[Any, bool]:
    """The end of the valid values beyond grid[k] in direction `step`, and whether it is itself valid.

    It is found by bisection, with the other shapes at their valid combinations.
    """
    if not 0 <= k + step < len(grid):
        return step * np.inf, False
    rows = valid[:, valid[i] == grid[k]]
    rows = rows[:, :: max(1, rows.shape[1] // 200)].copy()
    inside, outside = np.full(rows.shape[1], grid[k]), np.full(rows.shape[1], grid[k + step])
    for _ in range(80):
        rows[i] = middle = (inside + outside) / 2
        good = _valid(rv, rows)
        inside, outside = np.where(good, middle, inside), np.where(good, outside, middle)
    end = inside[np.argmax(step * inside)]
    if _beyond_grid(end) != end and grid[k] != 0:  # the grid of another shape limits this one
        return _beyond_grid(end), False
    rounded = round(float(end), 9) + 0.0
    rounded = rounded if abs(rounded - end) <= 1e-9 * max(1.0, abs(end)) else float(end)
    rows[i] = rounded
    return rounded, bool(_valid(rv, rows).any())


def _typical(low: float, high: float, integer: bool) -> tuple[float, float]:
    """A range of typical values in a domain."""
    low, high = float(low), float(high)
    if integer:
        return max(low, 1.0), min(high, 8.0)
    if np.isfinite(low):
        return (low + 0.7, low + 1.7) if np.isinf(high) else (0.8 * low + 0.2 * high, 0.2 * low + 0.8 * high)
    return (0.2, 0.7) if np.isinf(high) else (high - 1.7, high - 0.7)


def _with_valid_typical_values(rv: Any, domains: dict[str, Domain], valid: np.ndarray) -> dict[str, Domain]:
    """The domains with typical ranges whose corners are all valid, by shrinking invalid ones towards a valid point."""
    corners = lambda box: np.array([part.ravel() for part in np.meshgrid(*box, indexing="ij")])
    box = [np.array(domain.typical) for domain in domains.values()]
    if all(domain.integer for domain in domains.values()) or _valid(rv, corners(box)).all():
        return domains
    middle = np.array([side.mean() for side in box])
    width = np.array([max(np.ptp(side), 0.1) for side in box])
    order = np.argsort((((valid - middle[:, None]) / width[:, None]) ** 2).sum(axis=0), kind="stable")
    for base in valid[:, order[:50]].T:
        for shrink in (0.5, 0.25, 0.1, 0.05):
            trial = [np.array([v, v]) if d.integer else v + shrink * (s - m) for v, d, s, m in
                     zip(base, domains.values(), box, middle, strict=True)]  # fmt: skip
            if _valid(rv, corners(trial)).all() and all(
                d.contains(t).all() for d, t in zip(domains.values(), trial, strict=True)
            ):
                typical = [(float(side[0]), float(side[1])) for side in trial]
                return {
                    n: Domain(d.low, d.high, d.closed, d.integer, t) for (n, d), t in zip(domains.items(), typical, strict=True)
                }
    return domains


@lru_cache(maxsize=1024)
def _ends(rv: Any, fixed: tuple) -> Ends:
    shape_names, given = names(rv), dict(fixed)
    valid: Any = np.zeros((0, 1))
    if shape_names:
        grid = _valid_grid(rv)
        domains = _shape_domains(rv) if grid.size else {}
        tried = {name: np.unique(row) for name, row in zip(shape_names, grid, strict=True)}
        tried |= {name: tried[name][domain.contains(tried[name])] for name, domain in domains.items()}
        values = [np.array([given[name]]) if name in given else candidates for name, candidates in tried.items()]
        valid = _valid_combinations(rv, values)
        if not valid.size:  # the fixed values are invalid, which `check` reports later, or no valid value is known
            bounded = bool(np.isfinite(rv.a)), bool(np.isfinite(rv.b))
            return Ends(float(rv.a), float(rv.b), bounded, frozenset(), (False, False))
    low, high = (np.atleast_1d(end) for end in support(rv, *valid))
    bounded = bool(np.isfinite(low).all()), bool(np.isfinite(high).all())
    shifting = set()
    for i, name in enumerate(shape_names):
        if name in given:
            continue
        others = np.delete(valid, i, axis=0)
        _, group = np.unique(others, axis=1, return_inverse=True)
        for end, always in zip((low, high), bounded, strict=True):
            if always and _varies(end, group.ravel()):
                shifting.add(name)
    widest = [_beyond_grid(low.min()), _beyond_grid(high.max())]
    constant = [always and bool(np.ptp(end) == 0) for end, always in zip((low, high), bounded, strict=True)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inner = valid[:, (np.abs(valid) <= 10).all(axis=0) & (np.abs(valid) >= 0.3).all(axis=0)] if shape_names else valid
        inner = inner[:, :: max(1, inner.shape[1] // 20)]
        if hasattr(rv, "logpmf"):
            closed = constant
        else:
            closed = [
                bool(is_constant and inner.shape[1] and np.isfinite(rv.logpdf(end, *inner)).all())
                for end, is_constant in zip(widest, constant, strict=True)
            ]
    return Ends(widest[0], widest[1], bounded, frozenset(shifting), (closed[0], closed[1]))


def located(ends: Ends, loc: float | None, scale: float | None, integer: bool) -> Domain:
    """The support at a location and a scale, of which None stands for one that varies."""
    sides = []
    for end, closed, outward in zip(ends[:2], ends.closed, (-np.inf, np.inf), strict=True):
        if loc is None:
            sides.append((outward, False))
        elif scale is None and end != 0:
            sides.append((outward, False) if end * outward > 0 else (loc, False))
        else:
            sides.append((loc + (0.0 if scale is None else scale * end), closed))
    (low, low_in), (high, high_in) = sides
    typical = _typical(low, high, False)
    if integer:
        low_in, high_in = bool(np.isfinite(low)), bool(np.isfinite(high))
        typical = max(low, -5.0), min(high, max(low, -5.0) + 10.0)
    return Domain(float(low), float(high), (low_in, high_in), integer, typical)


def _varies(values: Any, group: Any) -> bool:
    """Whether values differ within a group of equal numbers in `group`."""
    order = np.lexsort((values, group))
    same = np.diff(group[order]) == 0
    return bool((np.diff(values[order])[same] > 0).any())


def _beyond_grid(end: Any) -> float:
    """An end found on a grid of shapes, with values at the grid's own limits replaced by infinity, or by zero."""
    if abs(end) > 1e-3 * PROBE_DISTANCE:
        return float(np.sign(end) * np.inf)
    return 0.0 if abs(end) <= 2e-6 else float(end)


def one_by_one(f: Callable, y: np.ndarray, params: dict[str, np.ndarray]) -> np.ndarray:
    """f of one element at a time, with NaN for those at which it raises."""
    y, *values = np.broadcast_arrays(*(np.asarray(v, float) for v in (y, *params.values())))
    result = np.full(y.shape, np.nan)
    for k in range(y.size):
        with suppress(OverflowError, SystemError):
            result.flat[k] = f(y.flat[k], **{name: v.flat[k] for name, v in zip(params, values, strict=True)})
    return result


def code(rv: Any, values: dict) -> str:
    """The Python expression that makes the law of a distribution."""
    return f"from_scipy(scipy.stats.{rv.name}{''.join(f', {name}={value!r}' for name, value in values.items())})"
