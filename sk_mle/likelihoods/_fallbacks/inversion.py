"""Quantiles and total probability of a law from its density alone."""

from __future__ import annotations

import numpy as np
from scipy.special import gammainccinv, gammaincinv

from .quadrature import FIRST_TERMS, MAX_TERMS, _centre, _chunks, _flat, _log_density, _maps, _sum_over

PANELS, FARTHEST_PANEL = 120, 36.0
MAX_LOWER_TAIL_LEVEL = 1 - 1e-8  # probability up to which 1 - q keeps eight digits of a tail
GAUSS_NODES, GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(10)


def mass(law, params) -> tuple[float, bool]:
    """Total probability for one set of parameters, and whether floating point numbers resolve all of it."""
    _, params, _ = _flat(0.0, params, law)
    with np.errstate(all="ignore"):
        if law.support.integer:
            return float(_sum_over(law, params, lambda k, logp: np.ones_like(k))[0][0]), True
        density, _, half, panels = _panels(law, params)
        ends = [float(density(np.array([[end]]))[0, 0]) for end in (-FARTHEST_PANEL, FARTHEST_PANEL)]
        f, to_x = _log_density(law, params), _maps(law.support)[2]
        edges = np.array([np.nextafter(law.support.low, np.inf), np.nextafter(law.support.high, -np.inf)])
        edges = to_x(edges)[np.isfinite(to_x(edges)) & (np.abs(to_x(edges)) < 500)]
        lost = max([*ends, *(float(np.exp(f(np.array([[x * (1 - 1e-3)]]))[0, 0])) for x in edges)])
        total = float(panels.sum() * half)
        return total if abs(total - 1) < 1e-9 else _halved(density), lost < 1e-9


def _halved(density) -> float:
    """The integral of a density with kinks or jumps: panels are halved until it does not matter."""
    edges = np.linspace(-FARTHEST_PANEL, FARTHEST_PANEL, PANELS + 1)

    def area(low, high):
        half = (high - low)[:, None] / 2
        values = density((low[:, None] + half * (1 + GAUSS_NODES)).reshape(1, -1)).reshape(len(low), -1)
        return (values * GAUSS_WEIGHTS * half).sum(axis=1)

    low, high, total = edges[:-1], edges[1:], 0.0
    for _ in range(40):
        middle = (low + high) / 2
        left, right = area(low, middle), area(middle, high)
        rough = np.abs(left + right - area(low, high)) > 1e-10
        total += float((left + right)[~rough].sum())
        if not rough.any():
            break
        low, high = np.concatenate([low[rough], middle[rough]]), np.concatenate([middle[rough], high[rough]])
    return total


def invert(law, q, params) -> np.ndarray:
    """Quantiles: the smallest y with P(Y <= y) >= q."""
    q, params, shape = _flat(q, params, law)
    solve, width = (_invert_sum, FIRST_TERMS) if law.support.integer else (_invert_integral, PANELS * len(GAUSS_NODES))
    one = all((value == value[0]).all() for value in params.values())
    result = np.empty(len(q))
    with np.errstate(all="ignore"):
        for rows in _chunks(len(q), 1 if one else width):
            part = {name: value[rows][:1] if one else value[rows] for name, value in params.items()}
            result[rows] = solve(law, q[rows], part)
    ends = np.where(q == 0, law.support.low - law.support.integer, law.support.high)
    return np.where((q > 0) & (q < 1), result, np.where((q == 0) | (q == 1), ends, np.nan)).reshape(shape)


def solve(law, q, params, start, end=None):
    """Quantiles from a law's own distribution functions, in the log of the smaller tail.

    `start` is a value near by; or `start` and `end` are values between which the quantile is thought to lie.
    """
    q, start, end = np.broadcast_arrays(*(np.asarray(v, float) for v in (q, start, start if end is None else end)))
    with np.errstate(all="ignore"):
        inside, whole = (q > 0) & (q < 1), law.support.integer
        some = law.support.low if whole and np.isfinite(law.support.low) else law.support.typical[0]
        start, end = (np.where(np.isfinite(value), value, some) for value in (start, end))
        found = (_solve_whole if whole else _solve_real)(law, q, params, start, end, inside, _margin(law, q, params))
    ends = np.where(q == 0, law.support.low - whole, law.support.high)
    return np.where(inside, found, np.where((q == 0) | (q == 1), ends, np.nan))


def solve_near(law, q, params, near):
    """Quantiles of a law made from another, near those that the law inside gives.

    These are exact to rounding, but for whole numbers, and where an upper tail is so small that 1 - q has few digits of it.
    """
    far = (q > MAX_LOWER_TAIL_LEVEL) & (q < 1)
    if law.support.integer or not np.any(far):
        return solve(law, q, params, near) if law.support.integer else near
    return np.where(far, solve(law, np.where(far, q, MAX_LOWER_TAIL_LEVEL), params, near), near)


def gamma_like(q, mean, variance):
    """The quantile of a gamma law with this mean and variance, near which that of a law of counts lies."""
    with np.errstate(all="ignore"):
        shape, upper = mean**2 / variance, np.asarray(q) > 0.5
        return np.where(upper, gammainccinv(shape, 1 - q), gammaincinv(shape, q)) * variance / mean


def _margin(law, q, params):
    """The function of y that is not negative where P(Y <= y) >= q: a difference of logs of the smaller tail."""
    upper = q > 0.5
    above = lambda y: np.log1p(-q) - law.logsf(y, **params)
    below = lambda y: law.logcdf(y, **params) - np.log(q)
    if upper.all() or not upper.any():
        return above if upper.any() else below
    return lambda y: np.where(upper, above(y), below(y))


def _solve_whole(law, q, params, start, end, inside, margin):
    """The smallest whole number: doubling steps bracket it, bisection finds it.

    Above 2**53, where not every whole number is a float, the smallest float.
    """
    least, high = law.support.low - 1, np.maximum(np.ceil(end - 1e-9), law.support.low)
    low = np.maximum(np.minimum(np.floor(start), high - 1), least)
    unit = lambda value: np.fmax(np.spacing(np.abs(value)), 1.0)
    step, at_low = unit(high), np.full(q.shape, np.nan)
    while (short := inside & ~((at := margin(high)) >= 0) & (step < 1e300)).any():
        low, at_low = np.where(short, high, low), np.where(short, at, at_low)
        high, step = np.where(short, high + step, high), np.where(short, 4 * step, step)
    inside, step = inside & (step < 1e300), unit(low)
    high = np.where(inside, high, np.inf)
    while (open_ := inside & np.isnan(at_low)).any():
        at = margin(low)
        done = open_ & (~(at >= 0) | (low <= least))
        at_low = np.where(done, np.nan_to_num(at, nan=-np.inf), at_low)
        long = open_ & ~done
        high, low = np.where(long, low, high), np.where(long, np.maximum(low - step, least), low)
        step = np.where(long, 4 * step, step)
    while (wide := inside & (high - low > unit(high))).any():
        middle = np.floor(low + (high - low) / 2)
        at = margin(middle)
        more = wide & ~(at >= 0)
        low, at_low, high = np.where(more, middle, low), np.where(more, at, at_low), np.where(wide & ~more, middle, high)
    tie = inside & (low > least) & (q < 1 - 1e-10) & (at_low > -1e-12 - 4e-16 / (1 - q))  # q may be a rounded cdf
    if tie.any():
        high = np.where(tie & (law.cdf(np.where(tie, low, high), **params) >= q), low, high)
    return high


def _solve_real(law, q, params, low, high, inside, margin):
    """The quantile to the last digits: doubling steps bracket it, false position and bisection find it."""
    least = 1e-9 * np.maximum(np.abs(low), 1e-6)
    step = np.broadcast_to(least, q.shape)
    while (short := inside & (margin(high) < 0) & (step < 1e300)).any():
        low, high, step = np.where(short, high, low), np.where(short, high + step, high), np.where(short, 4 * step, step)
    step = np.broadcast_to(least, q.shape)
    while (long := inside & (margin(low) >= 0) & (low > law.support.low) & (step < 1e300)).any():
        down = np.maximum(low - step, law.support.low)
        high, low, step = np.where(long, low, high), np.where(long, down, low), np.where(long, 4 * step, step)
    at_low, at_high = margin(low), margin(high)
    for count in range(200):
        room = high - low
        done = ~inside | (room <= 4e-16 * np.abs(high)) | (room <= 1e-300) | (at_low >= 0)
        if done.all():
            break
        slide = low - at_low * room / (at_high - at_low)
        use = (count % 2 == 0) & np.isfinite(slide) & (slide > low) & (slide < high)
        middle = np.where(use, slide, low + room / 2)
        value = margin(middle)
        low, at_low = np.where(done | (value >= 0), low, middle), np.where(done | (value >= 0), at_low, value)
        high, at_high = np.where(done | (value < 0), high, middle), np.where(done | (value < 0), at_high, value)
    high = np.where(at_low >= 0, low, high)
    for atom in law.atoms:
        here = np.full(q.shape, atom)
        high = np.where((np.abs(high - atom) <= 1e-12 * max(1.0, abs(atom))) & (margin(here) >= 0), atom, high)
    return high


def _invert_integral(law, q, params):
    """Panels of Gauss nodes give the cdf at their ends; inside the right one, Newton steps on its own integral.

    `params` has one row for all q, or one for each.
    """
    density, (centre, width), half, panels = _panels(law, params)
    edges = np.linspace(-FARTHEST_PANEL, FARTHEST_PANEL, PANELS + 1)
    upper = q > 0.5  # count from the nearer end, so that no digit of the smaller probability is lost
    target = np.where(upper, 1 - q, q)
    up, down = (half * np.cumsum(side, axis=1) for side in (panels, panels[:, ::-1]))
    counted = np.concatenate([np.zeros((len(q), 1)), np.where(upper[:, None], down, up)], axis=1)
    panel = np.clip((counted < target[:, None]).sum(axis=1) - 1, 0, PANELS - 1)
    rest = target - np.take_along_axis(counted, panel[:, None], axis=1)[:, 0]
    sign = np.where(upper, -1.0, 1.0)
    start = edges[0] + 2 * half * panel
    room = np.take_along_axis(counted, panel[:, None] + 1, axis=1)[:, 0] - (target - rest)
    low, high = np.zeros(len(q)), np.full(len(q), 2 * half)
    length = high * np.clip(rest / room, 0, 1)
    for _ in range(60):
        inner = (length / 2)[:, None] * (1 + GAUSS_NODES)
        area = (density(sign[:, None] * (start[:, None] + inner)) * GAUSS_WEIGHTS).sum(axis=1) * length / 2
        low, high = np.where(area < rest, length, low), np.where(area < rest, high, length)
        newton = length + (rest - area) / density((sign * (start + length))[:, None])[:, 0]
        moved = np.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        length, change = moved, moved - length
        if (np.abs(change) < 1e-14).all():
            break
    x = centre + width * np.sinh(sign * (start + length))
    return np.where(np.abs(panels.sum(axis=1) * half - 1) < 1e-6, _maps(law.support)[0](x), np.nan)


def _panels(law, params):
    """The density in t, where x = centre + width sinh(t), centre and width, a panel's half-width, integrals by half-width."""
    centre, width, f = _centre(law, params)
    place, scale, half = centre[:, None], width[:, None], FARTHEST_PANEL / PANELS

    def density(t):
        return np.exp(f(place + scale * np.sinh(t))) * scale * np.cosh(t)

    middles = half * (2 * np.arange(PANELS) + 1) - FARTHEST_PANEL
    nodes = (middles[:, None] + half * GAUSS_NODES).ravel()
    values = density(np.broadcast_to(nodes, (len(centre), len(nodes)))).reshape(len(centre), PANELS, -1)
    return density, (centre, width), half, (values * GAUSS_WEIGHTS).sum(axis=2)


def _invert_sum(law, q, params):
    """Where `params` has one row for all q, masses are added up once; small upper tails and other rows are searched for."""
    centre, width, f = _centre(law, params)
    if len(centre) > 1:
        return solve(law, q, params, centre)
    reach, found, far = np.ceil(width[0]), np.full(len(q), np.nan), q > MAX_LOWER_TAIL_LEVEL
    while reach < MAX_TERMS and np.isnan(found).any():
        k = np.arange(max(np.rint(centre[0]) - reach, law.support.low), min(np.rint(centre[0]) + reach, law.support.high) + 1)
        cumulative = np.cumsum(np.exp(f(k[None, :])[0]))
        if abs(cumulative[-1] - 1) < 1e-13:
            found = k[np.minimum(np.searchsorted(cumulative, q * (1 - 1e-15)), len(k) - 1)]
        reach *= 2
    rest = far | np.isnan(found)
    if rest.any():
        params = {name: np.broadcast_to(value, (rest.sum(), *value.shape[1:])) for name, value in params.items()}
        found[rest] = solve(law, q[rest], params, np.where(np.isnan(found[rest]), centre[0], found[rest]))
    return found
