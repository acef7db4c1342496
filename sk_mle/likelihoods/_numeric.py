"""Derivatives of a law that supplies only its density: differences per sample, on the link scale.

We perturb each sample's linear predictors, never the coefficients: the cost is a fixed number of density
evaluations, whatever the number of columns, and no rounding of X enters. Complex steps are not used, because
`np.abs`, `np.sign` and scipy.stats silently drop the imaginary part.
"""

from __future__ import annotations

import numpy as np

# Central differences of eighth order on the points -4..4 times the step.
FIRST = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
_SECOND = np.array([8 / 5, -1 / 5, 8 / 315, -1 / 560])
_CENTRE = -205 / 72
# The stencil's half-width in units of the log-likelihood's curvature radius: truncation and rounding both stay near 1e-13.
_REACH = 0.12


def stacking(eta: dict):
    """From a dict of (n,) and (n, K) arrays to one (n, D) array and back, and the columns of each name."""
    widths = [1 if value.ndim == 1 else value.shape[1] for value in eta.values()]
    ends = np.cumsum(widths)
    places = {name: slice(end - width, end) for name, width, end in zip(eta, widths, ends, strict=True)}

    def stack(values):
        return np.concatenate([np.reshape(values[name], (len(values[name]), -1)) for name in places], axis=1)

    def unstack(stacked):
        return {name: stacked[:, place] if eta[name].ndim > 1 else stacked[:, place.start] for name, place in places.items()}

    return stack, unstack, places


def differentiate(f, eta: np.ndarray, order: int, growable=False, gradient=None):
    """Value, gradient and Hessian of `f` for every sample.

    Parameters
    ----------
    f : callable
        Maps eta (n, D) to the log-likelihood (n,).
    eta : ndarray of shape (n, D)
    order : {0, 1, 2}
        Highest derivative wanted.
    growable : bool or array of shape (D,)
        Columns without a natural unit (identity links), where steps may grow as well as shrink.
    gradient : callable, optional
        Maps eta (n, D) to the analytic gradient (n, D); then only the Hessian is differenced.

    Returns
    -------
    value (n,), gradient (n, D) or None, hessian (n, D, D) or None
    """
    value = f(eta)
    if order == 0:
        return value, None, None
    n, size = eta.shape
    growable = np.broadcast_to(growable, size)
    if gradient is not None and order == 1:
        return value, gradient(eta), None
    steps = np.stack([_step(f, eta, j, value, growable[j]) for j in range(size)], axis=1)

    def along(g, columns):
        """g at -4..4 steps along the given columns at once: two lists of four."""
        move = np.zeros_like(eta)
        move[:, columns] = steps[:, columns]
        return [g(eta + k * move) for k in range(1, 5)], [g(eta - k * move) for k in range(1, 5)]

    hessian = np.empty((n, size, size)) if order == 2 else None
    if gradient is not None:
        for j in range(size):
            up, down = along(gradient, [j])
            hessian[:, :, j] = sum(c * (u - d) for c, u, d in zip(FIRST, up, down, strict=True)) / steps[:, [j]]
        return value, gradient(eta), (hessian + hessian.transpose(0, 2, 1)) / 2

    slope = np.empty((n, size))
    for j in range(size):
        up, down = along(f, [j])
        slope[:, j] = sum(c * (u - d) for c, u, d in zip(FIRST, up, down, strict=True)) / steps[:, j]
        if order == 2:
            hessian[:, j, j] = _second(value, up, down)
    if order == 2:
        for j in range(size):
            for i in range(j):  # curvature along the diagonal minus the curvatures along the axes
                both = _second(value, *along(f, [i, j]))
                hessian[:, i, j] = hessian[:, j, i] = (both - hessian[:, i, i] - hessian[:, j, j]) / 2
        hessian /= steps[:, :, None] * steps[:, None, :]
    return value, slope, hessian


def jacobian(g, f, eta):
    """Derivatives in eta (n, D) of a function g of it, (n, M), by steps that suit f, of which g is the gradient: (n, M, D)."""
    value, columns = f(eta), []
    for j in range(eta.shape[1]):
        step = _step(f, eta, j, value, False)
        move = np.zeros_like(eta)
        move[:, j] = step
        rise = sum(c * (g(eta + k * move) - g(eta - k * move)) for k, c in enumerate(FIRST, start=1))
        columns.append(rise / step[:, None])
    return np.stack(columns, axis=-1)


def _second(value, up, down):
    return _CENTRE * value + sum(c * (u + d) for c, u, d in zip(_SECOND, up, down, strict=True))


def _step(f, eta, column, value, growable):
    """A step per sample that fits the log-likelihood's own scale, found from its second difference."""
    move = np.zeros_like(eta)
    reach = _REACH * (np.maximum(1.0, np.abs(eta[:, column])) if growable else np.ones(len(eta)))
    last, sloped, curved, done = reach, np.full(len(eta), np.nan), np.zeros(len(eta)), np.zeros(len(eta), bool)
    for _ in range(24):
        move[:, column] = reach
        up, down = f(eta + move) - value, f(eta - move) - value
        bend, tilt = np.abs(up + down), np.abs(up - down) / 2
        with np.errstate(invalid="ignore"):
            ratio = np.sqrt(bend) / _REACH
            ratio = np.where(np.isfinite(ratio), np.clip(ratio, 1e-3, 1e3), 10.0)
            flat = (ratio < 0.03) & (tilt < _REACH)  # a tilt without bend is an inflection: the unit is right
            room = np.where(
                tilt > bend, 0.3 * tilt / np.maximum(bend, 1e-300), np.inf
            )  # as much bend as tilt: a small term's unit
            flat &= room > 1.5
            noise = 1e-12 * np.abs(value)
            lost = bend < 0.1 * curved * reach**2  # a longer step passed over a narrow curve, which the last one saw
            lost |= np.abs(tilt / reach - sloped) > 0.01 * sloped + noise / last
        reach, done = np.where(lost, last, reach), done | lost
        wrong = np.isfinite(value) & ((ratio > 2.0) | (flat if growable else False)) & ~done
        if not wrong.any():
            break
        grows = wrong & flat
        last, curved = reach, np.where(grows & (bend > noise), bend / reach**2, 0.0)
        sloped = np.where(grows, tilt / reach, np.nan)
        reach = np.where(wrong, reach * np.where(flat, np.minimum(1 / ratio, room), 1 / ratio), reach)
    return reach / 4
