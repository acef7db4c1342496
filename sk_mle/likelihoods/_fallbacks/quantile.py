"""Quantiles of laws with exact tails, by Newton steps on the log of the smaller tail inside a bracket."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .quadrature import flattened


def newton_quantile(
    logs: Callable, q: np.ndarray, params: dict, ends: tuple[float, float], start: float | np.ndarray | None = None
) -> np.ndarray:
    """Quantiles: the x at which the distribution function is q.

    Parameters
    ----------
    logs : callable
        `logs(x, upper, **params)`, of one-dimensional arrays, gives the log of the probability above x where `upper` is true,
        else below it, and the log of the density at x.
    q : array
    params : dict of str to array
    ends : tuple of float
        Lower and upper end of the support.
    start : array, optional
        A first guess; default the middle of the support.

    Returns
    -------
    array
        Of the shape to which q and the parameters broadcast; NaN for q outside [0, 1].
    """
    q, given, shape = flattened(q, {**params, "start": sum(ends) / 2 if start is None else start})
    result = np.where(q == 0, ends[0], np.where(q == 1, ends[1], np.nan))
    x = given.pop("start")
    with np.errstate(all="ignore"):
        for upper in (False, True):  # separately, as one tail costs less than two
            rows = np.flatnonzero((q > 0.5) & (q < 1) if upper else (q > 0) & (q <= 0.5))
            result[rows] = _tail_quantile(
                logs, upper, q[rows], x[rows], {name: value[rows] for name, value in given.items()}, ends
            )
    return result.reshape(shape)


def _tail_quantile(
    logs: Callable, upper: bool, q: np.ndarray, x: np.ndarray, params: dict, ends: tuple[float, float]
) -> np.ndarray:
    """Quantiles by the log of one tail, from the first guess x."""
    sign, target = (-1.0, np.log1p(-q)) if upper else (1.0, np.log(q))
    result, rows = np.empty(len(q)), np.arange(len(q))
    low, high = (np.full(len(q), float(end)) for end in ends)
    guess = x
    for iteration in range(100):
        if not len(rows):
            break
        tail, density = logs(x, upper, **params)
        excess = sign * (tail - target)
        if iteration:  # a tail that is NaN far out, by overflow, is there as good as 0 or 1
            excess = np.where(np.isnan(excess), np.where(x > guess, np.inf, -np.inf), excess)
        low, high = np.where(excess < 0, x, low), np.where(excess > 0, x, high)
        newton = x - excess * np.exp(tail - density)
        middle = (low + high) / 2
        far = (np.abs(excess) > 100) & np.isfinite(middle)  # where a Newton step is below rounding
        moved = np.where((newton >= low) & (newton <= high) & ~far, newton, middle)
        result[rows] = moved = np.where(np.isnan(excess), np.nan, np.where(excess == 0, x, moved))
        unfinished = (np.abs(moved - x) > 4e-16 * np.abs(x)) & (np.abs(excess) > 4e-15 * (1 + np.abs(target)))
        rows, x, low, high, target, guess = (value[unfinished] for value in (rows, moved, low, high, target, guess))
        params = {name: value[unfinished] for name, value in params.items()}
    return result
