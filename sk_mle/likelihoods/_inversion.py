"""Quantiles and total probability of a law from its density alone."""

from __future__ import annotations

import numpy as np

from ._quadrature import _MOST_TERMS, _TERMS, _centre, _chunks, _flat, _log_density, _maps, _sum_over

_PANELS, _FARTHEST = 120, 36.0
_GAUSS, _GAUSS_WEIGHT = np.polynomial.legendre.leggauss(10)


def mass(law, params) -> tuple[float, bool]:
    """Total probability for one set of parameters, and whether floating point numbers resolve all of it."""
    _, params, _ = _flat(0.0, params, law)
    with np.errstate(all="ignore"):
        if law.support.integer:
            return float(_sum_over(law, params, lambda k, logp: np.ones_like(k))[0][0]), True
        density, _, half, panels = _panels(law, params)
        ends = [float(density(np.array([[end]]))[0, 0]) for end in (-_FARTHEST, _FARTHEST)]
        f, to_x = _log_density(law, params), _maps(law.support)[2]
        edges = np.array([np.nextafter(law.support.low, np.inf), np.nextafter(law.support.high, -np.inf)])
        edges = to_x(edges)[np.isfinite(to_x(edges)) & (np.abs(to_x(edges)) < 500)]
        lost = max([*ends, *(float(np.exp(f(np.array([[x * (1 - 1e-3)]]))[0, 0])) for x in edges)])
        total = float(panels.sum() * half)
        return total if abs(total - 1) < 1e-9 else _halved(density), lost < 1e-9


def _halved(density) -> float:
    """The integral of a density with kinks or jumps: panels are halved until it does not matter."""
    edges = np.linspace(-_FARTHEST, _FARTHEST, _PANELS + 1)

    def area(low, high):
        half = (high - low)[:, None] / 2
        values = density((low[:, None] + half * (1 + _GAUSS)).reshape(1, -1)).reshape(len(low), -1)
        return (values * _GAUSS_WEIGHT * half).sum(axis=1)

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
    solve, width = (_invert_sum, _TERMS) if law.support.integer else (_invert_integral, _PANELS * len(_GAUSS))
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
    upper = q > 0.5

    def excess(y):
        return np.where(upper, np.log1p(-q) - law.logsf(y, **params), law.logcdf(y, **params) - np.log(q))

    with np.errstate(all="ignore"):
        whole, inside = law.support.integer, (q > 0) & (q < 1)
        low, high = (np.floor(start), np.floor(end)) if whole else (start, end)
        least = 1.0 if whole else 1e-9 * np.maximum(np.abs(start), 1e-6)
        step = np.broadcast_to(least, q.shape)
        while (short := inside & (excess(high) < 0) & (step < 1e300)).any():
            low, high, step = np.where(short, high, low), np.where(short, high + step, high), np.where(short, 4 * step, step)
        step = np.broadcast_to(least, q.shape)
        while (long := inside & (excess(low) >= 0) & (low > law.support.low - whole) & (step < 1e300)).any():
            down = np.maximum(low - step, law.support.low - whole)
            high, low, step = np.where(long, low, high), np.where(long, down, low), np.where(long, 4 * step, step)
        at_low, at_high = excess(low), excess(high)
        for count in range(200):
            room = high - low
            done = ~inside | (room <= (1.0 if whole else 4e-16 * np.abs(high))) | (room <= 1e-300) | (at_low >= 0)
            if done.all():
                break
            slide = low - at_low * room / (at_high - at_low)
            use = (count % 2 == 0) & np.isfinite(slide) & (slide > low) & (slide < high)
            middle = np.where(use, slide, low + room / 2)
            middle = np.where(whole, np.floor(low + room / 2), middle)
            value = excess(middle)
            low, at_low = np.where(done | (value >= 0), low, middle), np.where(done | (value >= 0), at_low, value)
            high, at_high = np.where(done | (value < 0), high, middle), np.where(done | (value < 0), at_high, value)
        high = np.where(at_low >= 0, low, high)
        for atom in law.atoms:
            here = np.full(q.shape, atom)
            high = np.where((np.abs(high - atom) <= 1e-12 * max(1.0, abs(atom))) & (excess(here) >= 0), atom, high)
    ends = np.where(q == 0, law.support.low - whole, law.support.high)
    return np.where(inside, high, np.where((q == 0) | (q == 1), ends, np.nan))


def _invert_integral(law, q, params):
    """Panels of Gauss nodes give the cdf at their ends; inside the right one, Newton steps on its own integral.

    `params` has one row for all q, or one for each.
    """
    density, (centre, width), half, panels = _panels(law, params)
    edges = np.linspace(-_FARTHEST, _FARTHEST, _PANELS + 1)
    upper = q > 0.5  # count from the nearer end, so that no digit of the smaller probability is lost
    target = np.where(upper, 1 - q, q)
    up, down = (half * np.cumsum(side, axis=1) for side in (panels, panels[:, ::-1]))
    counted = np.concatenate([np.zeros((len(q), 1)), np.where(upper[:, None], down, up)], axis=1)
    panel = np.clip((counted < target[:, None]).sum(axis=1) - 1, 0, _PANELS - 1)
    rest = target - np.take_along_axis(counted, panel[:, None], axis=1)[:, 0]
    sign = np.where(upper, -1.0, 1.0)
    start = edges[0] + 2 * half * panel
    room = np.take_along_axis(counted, panel[:, None] + 1, axis=1)[:, 0] - (target - rest)
    low, high = np.zeros(len(q)), np.full(len(q), 2 * half)
    length = high * np.clip(rest / room, 0, 1)
    for _ in range(60):
        inner = (length / 2)[:, None] * (1 + _GAUSS)
        area = (density(sign[:, None] * (start[:, None] + inner)) * _GAUSS_WEIGHT).sum(axis=1) * length / 2
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
    place, scale, half = centre[:, None], width[:, None], _FARTHEST / _PANELS

    def density(t):
        return np.exp(f(place + scale * np.sinh(t))) * scale * np.cosh(t)

    middles = half * (2 * np.arange(_PANELS) + 1) - _FARTHEST
    nodes = (middles[:, None] + half * _GAUSS).ravel()
    values = density(np.broadcast_to(nodes, (len(centre), len(nodes)))).reshape(len(centre), _PANELS, -1)
    return density, (centre, width), half, (values * _GAUSS_WEIGHT).sum(axis=2)


def _invert_sum(law, q, params):
    """Doubling steps from the centre bracket the quantile, bisection finds it.

    `params` has one row for all q, whose masses are then added up once, or one for each.
    """
    centre, width, f = _centre(law, params)
    if len(centre) == 1:
        reach = np.ceil(width[0])
        while reach < _MOST_TERMS:
            k = np.arange(
                max(np.rint(centre[0]) - reach, law.support.low), min(np.rint(centre[0]) + reach, law.support.high) + 1
            )
            cumulative = np.cumsum(np.exp(f(k[None, :])[0]))
            if abs(cumulative[-1] - 1) < 1e-13:
                return k[np.minimum(np.searchsorted(cumulative, q * (1 - 1e-15)), len(k) - 1)]
            reach *= 2
        params = {name: np.broadcast_to(value, q.shape) for name, value in params.items()}
        centre, width, f = _centre(law, params)
    below = lambda k: law.cdf(k, **params) < q
    high, step = np.rint(centre), np.ceil(width)
    while (short := below(high)).any() and step.max() < 1e15:
        high, step = np.where(short, high + step, high), 2 * step
    low, step = np.rint(centre), np.ceil(width)
    while (long := ~below(low) & (low >= law.support.low)).any():
        low, step = np.where(long, low - step, low), 2 * step
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        less = below(middle)
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    return np.maximum(high, law.support.low)
