"""Quantiles and total probability of a law from its density alone."""

from __future__ import annotations

import numpy as np

from ._quadrature import _MOST_TERMS, _TERMS, _centre, _chunks, _flat, _log_density, _maps, _sum_over

_PANELS, _FARTHEST = 120, 36.0
_GAUSS, _GAUSS_WEIGHT = np.polynomial.legendre.leggauss(10)


def mass(law, params) -> tuple[float, bool]:
    """Total probability for one set of parameters, and whether floating point numbers resolve all of it."""
    _, params, _ = _flat(0.0, params)
    with np.errstate(all="ignore"):
        if law.support.integer:
            return float(_sum_over(law, params, lambda k, logp: np.ones_like(k))[0][0]), True
        density, _, half, panels = _panels(law, params)
        ends = [float(density(np.array([[end]]))[0, 0]) for end in (-_FARTHEST, _FARTHEST)]
        f, to_x = _log_density(law, params), _maps(law.support)[2]
        edges = np.array([np.nextafter(law.support.low, np.inf), np.nextafter(law.support.high, -np.inf)])
        edges = to_x(edges)[np.isfinite(to_x(edges)) & (np.abs(to_x(edges)) < 500)]
        lost = max([*ends, *(float(np.exp(f(np.array([[x * (1 - 1e-3)]]))[0, 0])) for x in edges)])
        return float(panels.sum() * half), lost < 1e-9


def invert(law, q, params) -> np.ndarray:
    """Quantiles: the smallest y with P(Y <= y) >= q."""
    q, params, shape = _flat(q, params)
    solve, width = (_invert_sum, _TERMS) if law.support.integer else (_invert_integral, _PANELS * len(_GAUSS))
    one = all((value == value[0]).all() for value in params.values())
    result = np.empty(len(q))
    with np.errstate(all="ignore"):
        for rows in _chunks(len(q), 1 if one else width):
            part = {name: value[rows][:1] if one else value[rows] for name, value in params.items()}
            result[rows] = solve(law, q[rows], part)
    ends = np.where(q == 0, law.support.low - law.support.integer, law.support.high)
    return np.where((q > 0) & (q < 1), result, np.where((q == 0) | (q == 1), ends, np.nan)).reshape(shape)


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
