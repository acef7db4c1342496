"""Quantiles of laws whose tails are exact: Newton steps on the log of the smaller tail, kept inside a bracket."""

from __future__ import annotations

import numpy as np

from .quadrature import _flat


def newton_quantile(logs, q, params, ends, start=None) -> np.ndarray:
    """Where the distribution function is q.

    Parameters
    ----------
    logs : callable
        Maps x and parameters, one-dimensional arrays, to the logs of cdf, sf and density at x.
    q : array
    params : dict of str to array
    ends : tuple of float
        Where the distribution begins and ends.
    start : array, optional
        A first guess; default the middle.
    """
    q, given, shape = _flat(q, {**params, "start": sum(ends) / 2 if start is None else start})
    result = np.where(q == 0, ends[0], np.where(q == 1, ends[1], np.nan))
    rows = np.flatnonzero((q > 0) & (q < 1))
    x, low, high = (np.broadcast_to(v, q.shape)[rows] for v in (given.pop("start"), *map(np.float64, ends)))
    q, params = q[rows], {name: value[rows] for name, value in given.items()}
    with np.errstate(all="ignore"):
        for _ in range(100):
            if not len(rows):
                break
            upper = q > 0.5
            below, above, density = logs(x, **params)
            tail, target = np.where(upper, above, below), np.where(upper, np.log1p(-q), np.log(q))
            excess = np.where(upper, target - tail, tail - target)
            low, high = np.where(excess < 0, x, low), np.where(excess > 0, x, high)
            newton = x - excess * np.exp(tail - density)
            middle = (low + high) / 2
            lost = (np.abs(excess) > 100) & np.isfinite(middle)  # far out a step is lost to rounding
            moved = np.where((newton >= low) & (newton <= high) & ~lost, newton, middle)
            result[rows] = moved = np.where(excess == 0, x, moved)
            going = (np.abs(moved - x) > 4e-16 * np.abs(x)) & (np.abs(excess) > 4e-15 * (1 + np.abs(target)))
            rows, x, low, high, q = (value[going] for value in (rows, moved, low, high, q))
            params = {name: value[going] for name, value in params.items()}
    return result.reshape(shape)
