"""Quantiles of laws whose tails are exact: Newton steps on the log of the smaller tail, kept inside a bracket."""

from __future__ import annotations

import numpy as np

from .quadrature import _flat


def newton_quantile(logs, q, params, ends, start=None) -> np.ndarray:
    """Where the distribution function is q.

    Parameters
    ----------
    logs : callable
        `logs(x, upper, **params)`, of one-dimensional arrays, gives the log of the probability above x where `upper` is true,
        else below it, and the log of the density at x.
    q : array
    params : dict of str to array
    ends : tuple of float
        Where the distribution begins and ends.
    start : array, optional
        A first guess; default the middle.
    """
    q, given, shape = _flat(q, {**params, "start": sum(ends) / 2 if start is None else start})
    result = np.where(q == 0, ends[0], np.where(q == 1, ends[1], np.nan))
    x = given.pop("start")
    with np.errstate(all="ignore"):
        for upper in (False, True):  # apart, as one tail is less work than two
            rows = np.flatnonzero((q > 0.5) & (q < 1) if upper else (q > 0) & (q <= 0.5))
            result[rows] = _search(logs, upper, q[rows], x[rows], {name: value[rows] for name, value in given.items()}, ends)
    return result.reshape(shape)


def _search(logs, upper, q, x, params, ends):
    sign, target = (-1.0, np.log1p(-q)) if upper else (1.0, np.log(q))
    result, rows = np.empty(len(q)), np.arange(len(q))
    low, high = (np.full(len(q), float(end)) for end in ends)
    for _ in range(100):
        if not len(rows):
            break
        tail, density = logs(x, upper, **params)
        excess = sign * (tail - target)
        low, high = np.where(excess < 0, x, low), np.where(excess > 0, x, high)
        newton = x - excess * np.exp(tail - density)
        middle = (low + high) / 2
        lost = (np.abs(excess) > 100) & np.isfinite(middle)  # far out a step is lost to rounding
        moved = np.where((newton >= low) & (newton <= high) & ~lost, newton, middle)
        result[rows] = moved = np.where(excess == 0, x, moved)
        going = (np.abs(moved - x) > 4e-16 * np.abs(x)) & (np.abs(excess) > 4e-15 * (1 + np.abs(target)))
        rows, x, low, high, target = (value[going] for value in (rows, moved, low, high, target))
        params = {name: value[going] for name, value in params.items()}
    return result
