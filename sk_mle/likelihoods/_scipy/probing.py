"""What scipy.stats tells of a distribution through its public methods: which values its shapes take, and where it lives.

`rv.support(*shapes)` is NaN where shapes are not valid, and costs no density: a grid of values and bisection at the edges
of what is valid give the domains.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ...domains import Domain

PROBE_DISTANCE = 1e6
_FINE, _COARSE = (
    np.unique([sign * value for sign in (-1, 1) for value in values])
    for values in (
        (0.0, 1e-6, 1e-3, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 1e3, PROBE_DISTANCE),
        (0.0, 1e-6, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, PROBE_DISTANCE),
    )
)


class Ends(NamedTuple):
    """Where the standard law (loc 0, scale 1) lives.

    `low` and `high` are the widest over all valid shapes, `bounded` says which end is finite for all of them, `shifting`
    which shapes move such an end, `closed` at which fixed end the density is finite.
    """

    low: float
    high: float
    bounded: tuple[bool, bool]
    shifting: frozenset[str]
    closed: tuple[bool, bool]


def names(rv) -> list[str]:
    """The shapes of a distribution, in scipy's order."""
    return [name.strip() for name in rv.shapes.split(",")] if rv.shapes else []


def shape_domains(rv) -> dict[str, Domain]:
    """The domain of every shape; whole numbers are marked as such."""
    return _shape_domains(_own(rv))


def ends(rv, fixed: dict) -> Ends:
    """Where the standard law lives, for fixed values of some shapes."""
    return _ends(_own(rv), tuple(sorted(fixed.items())))


def support(rv, *shapes):
    """`rv.support` without complaints."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.broadcast_arrays(*(np.asarray(end, float) for end in rv.support(*shapes)))


def _own(rv):
    """scipy's own object in place of a copy of it, so that what was found out once is found again."""
    own = getattr(stats, str(rv.name), None)
    return own if type(own) is type(rv) and (own.a, own.b) == (rv.a, rv.b) else rv


def _valid(rv, shapes) -> np.ndarray:
    low, high = support(rv, *shapes)
    return low <= high


def _combinations(rv, values: list) -> np.ndarray:
    """The valid ones of all combinations of the values of every shape: (number of shapes, combinations)."""
    grid = np.array([part.ravel() for part in np.meshgrid(*values, indexing="ij")])
    return grid[:, np.broadcast_to(_valid(rv, grid), grid.shape[1])]


@lru_cache(maxsize=256)
def _combos(rv) -> np.ndarray:
    count = len(names(rv))
    return _combinations(rv, [_FINE if count < 4 else _COARSE] * count)


@lru_cache(maxsize=256)
def _shape_domains(rv) -> dict[str, Domain]:
    found = names(rv)
    if not found:
        return {}
    valid = _combos(rv)
    if not valid.size:
        raise ValueError(
            f"no valid values of the shapes {found} of {rv.name} were found; say where they lie: "
            f"from_scipy({rv.name}, parameters={{name: Domain(...)}})"
        )
    grid, domains = (_FINE if len(found) < 4 else _COARSE), {}
    for i, name in enumerate(found):
        values = np.unique(valid[i])
        whole = len(values) > 1 and bool((values == np.rint(values)).all())
        places = np.flatnonzero(np.isin(grid, values))
        last = places[-1]
        gaps = [k for k in range(last, places[0], -1) if k - 1 not in places and not whole]
        first = gaps[0] if gaps else places[0]  # the upper part, where the valid values fall into two
        low, low_in = _edge(rv, valid, i, grid, first, -1)
        high, high_in = _edge(rv, valid, i, grid, last, 1)
        domains[name] = Domain(low, high, (low_in, high_in), whole, _typical(low, high, whole))
    return _boxed(rv, domains, valid)


def _edge(rv, valid, i, grid, k, step):
    """The end of the valid values beyond grid[k], by bisection with other shapes where that is valid; and whether it is in."""
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
    if _settled(end) != end and grid[k] != 0:  # only because no other shape goes further
        return _settled(end), False
    tidy = round(float(end), 9) + 0.0
    rows[i] = tidy = tidy if abs(tidy - end) <= 1e-9 * max(1.0, abs(end)) else float(end)
    return tidy, bool(_valid(rv, rows).any())


def _typical(low, high, whole):
    low, high = float(low), float(high)
    if whole:
        return max(low, 1.0), min(high, 8.0)
    if np.isfinite(low):
        return (low + 0.7, low + 1.7) if np.isinf(high) else (0.8 * low + 0.2 * high, 0.2 * low + 0.8 * high)
    return (0.2, 0.7) if np.isinf(high) else (high - 1.7, high - 0.7)


def _boxed(rv, domains, valid):
    """Typical ranges whose corners are all valid, shrunk towards a valid point where they are not."""
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
                typical = [tuple(float(v) for v in side) for side in trial]
                return {
                    n: Domain(d.low, d.high, d.closed, d.integer, t) for (n, d), t in zip(domains.items(), typical, strict=True)
                }
    return domains


@lru_cache(maxsize=1024)
def _ends(rv, fixed: tuple) -> Ends:
    found, given = names(rv), dict(fixed)
    valid: Any = np.zeros((0, 1))
    if found:
        combos = _combos(rv)
        domains = _shape_domains(rv) if combos.size else {}
        tries = {name: np.unique(row) for name, row in zip(found, combos, strict=True)}
        tries |= {name: tries[name][domain.contains(tries[name])] for name, domain in domains.items()}
        valid = _combinations(rv, [np.array([given[name]]) if name in given else values for name, values in tries.items()])
        if not valid.size:  # the fixed values are not valid, which is told later, or none was found
            bounded = bool(np.isfinite(rv.a)), bool(np.isfinite(rv.b))
            return Ends(float(rv.a), float(rv.b), bounded, frozenset(), (False, False))
    low, high = (np.atleast_1d(end) for end in support(rv, *valid))
    bounded = bool(np.isfinite(low).all()), bool(np.isfinite(high).all())
    shifting = set()
    for i, name in enumerate(found):
        if name in given:
            continue
        others = np.delete(valid, i, axis=0)
        _, group = np.unique(others, axis=1, return_inverse=True)
        for end, always in zip((low, high), bounded, strict=True):
            if always and _varies(end, group.ravel()):
                shifting.add(name)
    widest = [_settled(low.min()), _settled(high.max())]
    still = [always and bool(np.ptp(end) == 0) for end, always in zip((low, high), bounded, strict=True)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inner = valid[:, (np.abs(valid) <= 10).all(axis=0) & (np.abs(valid) >= 0.3).all(axis=0)] if found else valid
        inner = inner[:, :: max(1, inner.shape[1] // 20)]
        if hasattr(rv, "logpmf"):
            closed = still
        else:
            closed = [
                bool(fast and inner.shape[1] and np.isfinite(rv.logpdf(end, *inner)).all())
                for end, fast in zip(widest, still, strict=True)
            ]
    return Ends(widest[0], widest[1], bounded, frozenset(shifting), (closed[0], closed[1]))


def located(ends: Ends, loc, scale, integer) -> Domain:
    """The support at a location and a scale; None stands for one that varies."""
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


def _varies(values, group) -> bool:
    """Whether values differ within a group."""
    order = np.lexsort((values, group))
    same = np.diff(group[order]) == 0
    return bool((np.diff(values[order])[same] > 0).any())


def _settled(end) -> float:
    """An end from a grid of shapes: what lies at the grid's own limits stands for infinity, or for zero."""
    if abs(end) > 1e-3 * PROBE_DISTANCE:
        return float(np.sign(end) * np.inf)
    return 0.0 if abs(end) <= 2e-6 else float(end)


def one_by_one(f, y, params):
    """f of every element; NaN where it raises."""
    y, *values = np.broadcast_arrays(*(np.asarray(v, float) for v in (y, *params.values())))
    result = np.full(y.shape, np.nan)
    for k in range(y.size):
        with suppress(OverflowError, SystemError):
            result.flat[k] = f(y.flat[k], **{name: v.flat[k] for name, v in zip(params, values, strict=True)})
    return result


def code(rv, values: dict) -> str:
    """How a law made of a distribution is written."""
    return f"from_scipy(scipy.stats.{rv.name}{''.join(f', {name}={value!r}' for name, value in values.items())})"
