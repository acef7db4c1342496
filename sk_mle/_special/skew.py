"""Tails of the skew normal and skew t laws, and of Student's t with derivatives in its degrees of freedom.

All are one integral, which Craig (1991) found for the normal law:

    P(Z <= -h) = 1/pi * integral over x > a of (1 + h^2 (1 + x^2) / df)^(-df / 2) / (1 + x^2),    h >= 0,

for Z of the skew t law of shape a: Student's own for a = 0, of the normal laws for infinite df. With a >= 0 its terms are
positive and fall, so it is exact however far the tail; and so are its derivatives, averages over the same nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from scipy.special import betainc, log_ndtr

from .tabulated import MIN_POINTS, tabulated
from .tails import MIN_LARGE_BETA_PARAMETER, log_student_tail

MIN_EXACT_DIFFERENCE = 0.1  # probability that one minus another has to all but the last digit
DF_OF_NORMAL = 1e60  # stands for infinity
UNIT_NODES, UNIT_NODE_WEIGHTS = np.polynomial.legendre.leggauss(32)
UNIT_NODES, UNIT_NODE_WEIGHTS = (UNIT_NODES + 1) / 2, UNIT_NODE_WEIGHTS / 2
NEGLIGIBLE_LOG_RATIO = 44.0  # minus the log of the integrand's share at which the integral is cut
MAX_LOG_GROWTH = 600.0  # log of the growth of x^2 up to there, beyond which 1 / cosh alone has cut it
MAX_PANEL_REACH = 4.0  # length in s of the first panel from a and of the first beyond the integrand's knee
ROWS_PER_BLOCK = 256
MAX_SQUARED = 1e150  # of which the square is a number
LOG1P_SERIES = [1 / k for k in range(8, 1, -1)]  # of -log(1 - s) - s, from s^8 to s^2


def _rowwise(function: Callable) -> Callable:
    """A decorator that broadcasts and works through blocks of rows with similar h, which need the same nodes.

    Where only h differs between many rows, in which the results are smooth, those of few of them are interpolated.
    """

    def in_blocks(flat: list[np.ndarray]) -> np.ndarray:
        order, result = np.argsort(flat[0]), np.empty((0, 0))
        for i in range(0, max(len(order), 1), ROWS_PER_BLOCK):
            rows = order[i : i + ROWS_PER_BLOCK]
            values = np.stack(function(*(array[rows] for array in flat)))
            result = np.empty((len(values), len(order))) if i == 0 else result
            result[:, rows] = values
        return result

    @wraps(function)
    def wrapper(*args: Any) -> np.ndarray:
        arrays = np.broadcast_arrays(*(np.asarray(arg, dtype=float) for arg in args))
        shape, flat, result = arrays[0].shape, [array.ravel() for array in arrays], None
        with np.errstate(all="ignore"):
            if arrays[0].size >= MIN_POINTS and all((array == array[0]).all() for array in flat[1:]):
                others = [array[0] for array in flat[1:]]
                at = lambda x: in_blocks([np.sinh(x), *(np.full(x.shape, value) for value in others)])
                result = tabulated(at, np.arcsinh(flat[0]))
            result = in_blocks(flat) if result is None else result
        return result.reshape(-1, *shape)

    return wrapper


def _nodes(h: np.ndarray, a: np.ndarray, df: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log of the integrand at a; at the nodes beyond it 1 + x^2, and weights relative to the integrand at a.

    In s = arsinh(x) - arsinh(a) the integrand falls first like 1 / cosh, then, from the knee on, faster.
    """
    b = np.hypot(1, a)
    h = np.maximum(h, 1e-15 / b)
    inverse = np.where(df < DF_OF_NORMAL, 1 / df, 0.0)
    at_a = (h * b) ** 2 * inverse
    growth_to_end = (1 / h**2 + b**2 * inverse) * (
        df * np.expm1(np.minimum(2 * NEGLIGIBLE_LOG_RATIO / df, MAX_LOG_GROWTH))
    )  # growth of x^2 by which the density has fallen
    x = np.sqrt(a**2 + growth_to_end)
    end = np.arcsinh(growth_to_end / (x * b + a * np.hypot(1, x)))
    knee = np.arcsinh(np.sqrt(1 / h**2 + inverse)) - np.arcsinh(a)
    knee = np.where(knee < 1, 0.0, np.minimum(knee, end))
    beyond_knee = (end - knee) / (1 + (end - knee) / NEGLIGIBLE_LOG_RATIO)  # 1 / cosh falls as well
    first_panel, panel_beyond_knee = np.minimum(knee, MAX_PANEL_REACH), np.minimum(beyond_knee, MAX_PANEL_REACH)
    lengths = np.stack([first_panel, knee - first_panel, panel_beyond_knee, beyond_knee - panel_beyond_knee])
    starts = (np.cumsum(lengths, axis=0) - lengths)[used := lengths.any(axis=1)]
    lengths, log_at_a = lengths[used], np.where(inverse > 0, -df / 2 * np.log1p(at_a), -((h * b) ** 2) / 2)
    s = np.sinh(starts.T[:, :, None] + lengths.T[:, :, None] * UNIT_NODES).reshape(len(h), -1)
    a, b, h, df, at_a = (value[:, None] for value in (a, b, h, df, at_a))
    growth = s * (2 * a * b * np.sqrt(1 + s**2) + (b**2 + a**2) * s)
    square = b**2 + growth
    fall = df / 2 * np.log1p(h**2 * growth / (df * (1 + at_a)))
    return log_at_a, square, np.exp(-fall) / np.sqrt(square) * (lengths.T[:, :, None] * UNIT_NODE_WEIGHTS).reshape(s.shape)


@_rowwise
def _log_tail(h: np.ndarray, a: np.ndarray, df: np.ndarray) -> tuple[np.ndarray]:
    """log P(Z <= -h)."""
    top, _, weights = _nodes(h, a, df)
    return (top + np.log(weights.sum(axis=1) / np.pi),)


def _log_symmetric_tail(h: np.ndarray, df: np.ndarray) -> np.ndarray:
    """log P(T <= -h) of Student's law: by the quickest formula that is exact; between many h, by interpolation."""
    h, df = np.broadcast_arrays(np.asarray(h, float), np.asarray(df, float))
    found = None
    if h.size >= MIN_POINTS and (df == df.flat[0]).all():
        at = lambda x: _log_symmetric_tail_by_formula(np.sinh(x), np.full(x.shape, df.flat[0]))[None]
        found = tabulated(at, np.arcsinh(h.ravel()))
    return _log_symmetric_tail_by_formula(h, df) if found is None else found.reshape(h.shape)


def _log_symmetric_tail_by_formula(h: np.ndarray, df: np.ndarray) -> np.ndarray:
    value = np.empty(h.shape)
    normal, small = df >= DF_OF_NORMAL, df < MIN_LARGE_BETA_PARAMETER
    for rows, tail in (
        (normal, lambda h, df: log_ndtr(-h)),
        (small, log_student_tail),
        (~(normal | small), lambda h, df: _log_tail(h, 0.0, df)[0]),
    ):
        if rows.any():
            value[rows] = tail(h[rows], df[rows])
    return value


@_rowwise
def _tail_derivatives(h: np.ndarray, df: np.ndarray, order: np.ndarray) -> tuple:
    """log P(T <= -h) with its derivatives: (h, df), and for order 2 (h, h), (h, df), (df, df)."""
    log_at_a, square, weights = _nodes(h, 0 * h, df)
    total = weights.sum(axis=1)
    mean = lambda values: np.einsum("ij,ij->i", weights, values) / total
    h = np.maximum(h, 1e-15)
    share, d_df = _fall_in_df(h, square, df)
    a, b = mean(share) * df / h, mean(d_df)
    first = log_at_a + np.log(total / np.pi), -a, -b
    if order[0] < 2:
        return first
    d_h = share * (df / h)[:, None]
    far = mean((d_h - a[:, None]) ** 2) - mean(share * (1 - 2 * share)) * df / h**2
    hh = np.where(h > 1, far, -a * (a - h * (df + 1) / (df + h**2)))
    mixed = mean((d_h - a[:, None]) * d_df) - mean(share**2) / h
    return *first, hh, mixed, mean((d_df - b[:, None]) ** 2) + mean(share**2) / (2 * df)


def _fall_in_df(h: np.ndarray, square: np.ndarray, df: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """w / (1 + w) with w = h^2 (1 + x^2) / df at the nodes, and minus the derivative in df of the log of the integrand."""
    w = h[:, None] ** 2 * square / df[:, None]
    share = w / (1 + w)
    series = LOG1P_SERIES[0]
    for c in LOG1P_SERIES[1:]:
        series = series * share + c
    return share, 0.5 * np.where(share < 0.01, series * share**2, np.log1p(w) - share)


@_rowwise
def _tail_df(h: Any, a: Any, df: Any) -> tuple[Any, Any, Any]:
    """log P(Z <= -h), and the first and second derivative of the probability in df, relative to it."""
    log_at_a, square, weights = _nodes(h, a, df)
    total = weights.sum(axis=1)
    share, d_df = _fall_in_df(np.maximum(h, 1e-15), square, df)
    first, squares = (
        np.einsum("ij,ij->i", weights, values) / total for values in (d_df, d_df**2 + share**2 / (2 * df[:, None]))
    )
    return log_at_a + np.log(total / np.pi), -first, squares


def df_derivatives(z: np.ndarray, shape: np.ndarray, df: np.ndarray, log_tail: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative in df of P(Z <= z) of the skew t law, over the exponential of `log_tail`."""
    h, df, wide = np.abs(z), np.minimum(df, DF_OF_NORMAL), (z < 0) == (np.asarray(shape) < 0)
    symmetric, thin = (_tail_df(h, a, df) for a in (0.0, np.abs(shape)))
    whole, part, sign = np.exp(symmetric[0] - log_tail), np.exp(thin[0] - log_tail), np.where(z < 0, 1.0, -1.0)
    first, second = (
        sign * np.where(wide, 2 * whole * of_whole - part * of_part, part * of_part)
        for of_whole, of_part in zip(symmetric[1:], thin[1:], strict=True)
    )
    return first, second


def shape_derivatives(
    z: np.ndarray, shape: np.ndarray, df: float | np.ndarray, log_tail: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The derivative in the shape of P(Z <= z) over the exponential of `log_tail`, and its derivatives in z, shape and df.

    It is -(1 + z^2 (1 + shape^2) / df)^(-df / 2) / (pi (1 + shape^2)).
    """
    df, square = np.minimum(df, DF_OF_NORMAL), 1 + shape**2
    w = z**2 * square / df
    first = -np.exp(-df / 2 * np.log1p(w) - np.log(np.pi * square) - log_tail)
    return first, {
        "z": -first * z * square / (1 + w),
        "shape": -first * shape * (2 / square + z**2 / (1 + w)),
        "df": -first * (np.log1p(w) - w / (1 + w)) / 2,
    }


def log_t(x: np.ndarray, df: np.ndarray) -> np.ndarray:
    """log P(T <= x) of Student's law."""
    tail = _log_symmetric_tail(np.abs(x), df)
    return np.where(x < 0, tail, np.log1p(-np.exp(tail)))


def log_t_derivatives(x: np.ndarray, df: np.ndarray, order: int) -> tuple[np.ndarray, ...]:
    """Derivatives of `log_t`: in x and df, and for order 2 in (x, x), (x, df) and (df, df)."""
    tail, *d_tail = _tail_derivatives(np.abs(x), df, order)
    odds = np.exp(tail) / -np.expm1(tail)
    d1, d2 = np.where(x < 0, 1.0, -odds), np.where(x < 0, 0.0, odds * (1 + odds))  # log(1 - p) from log p
    sign = np.where(x < 0, -1.0, 1.0)
    g, k, *second = d_tail
    result = sign * d1 * g, d1 * k
    if order < 2:
        return result
    gg, gk, kk = second
    return *result, d1 * gg - d2 * g**2, sign * (d1 * gk - d2 * g * k), d1 * kk - d2 * k**2


def log_skew_tails(z: np.ndarray, shape: np.ndarray, df: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log P(Z <= z) and log P(Z > z) of the skew t law."""
    h, df = np.abs(z), np.minimum(df, DF_OF_NORMAL)
    # P(T < -h), and the part on the thin side, which is a power of h where its square overflows
    far, most = np.hypot(1, shape) * h, MAX_SQUARED / np.hypot(1, shape)
    symmetric, thin = _log_symmetric_tail(h, df), _log_tail(np.minimum(h, most), np.abs(shape), df)[0]
    with np.errstate(all="ignore"):
        fall = np.where(df < DF_OF_NORMAL, df * np.log(far / MAX_SQUARED), (far**2 - MAX_SQUARED**2) / 2)
    thin = thin - np.where(far > MAX_SQUARED, fall, 0.0)
    df = np.minimum(df, 1e15)
    with np.errstate(all="ignore"):
        inner = -np.expm1(np.log(2) + symmetric)  # P(|T| < h)
        h, df, inner = np.broadcast_arrays(h, df, inner)
        few, inner = inner < MIN_EXACT_DIFFERENCE, inner.copy()
        inner[few] = betainc(0.5, df[few] / 2, 1 / (1 + df[few] / h[few] ** 2))
        inner = inner + np.exp(thin)  # all but the wide tail
        wide = symmetric + np.log(2 - np.exp(np.fmin(thin - symmetric, 0.0)))  # above 0 by rounding alone
        wide, not_wide = (
            np.where(inner < 0.5, x, y) for x, y in ((np.log1p(-inner), wide), (np.log(inner), np.log1p(-np.exp(wide))))
        )
        not_thin = np.log1p(-np.exp(thin))
    is_below, on_wide_side = z < 0, (z < 0) == (np.asarray(shape) < 0)
    outer, inner = np.where(on_wide_side, wide, thin), np.where(on_wide_side, not_wide, not_thin)
    return np.where(is_below, outer, inner), np.where(is_below, inner, outer)


def half_distribution_limits(y: np.ndarray, distance: float, loc: np.ndarray, fitted: Callable) -> list[tuple[str, str, dict]]:
    """The result of `near_ends` for laws whose infinite shape leaves half of the symmetric law.

    `fitted(z)` gives scale and other parameters that suit distances z from the edge of that half.
    """
    limits = []
    for sign, edge in ((1, "upper"), (-1, "lower")):
        r = sign * (y - loc)
        params = fitted(r - r.min())
        shift = sign * (r.min() - distance * params["scale"])
        limits.append(("shape", edge, {**params, "loc": loc + shift, "shape": sign / distance}))
    return limits
