"""Distribution functions and moments of a law from its density alone.

Integrals run over x on the real line, to which the support is mapped (log for a half line, logit for an interval), from a
centre and with a width found per sample from the density itself. Tails are integrated on the log scale, away from the
centre, so that they stay exact where the probability underflows. Discrete laws are summed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit, log_expit, logsumexp

from ..._special.lattice import whole_rules
from .facts import overrides
from .heavy_tails import with_infinities
from .law import Law

NODES = np.linspace(-3.6, 3.6, 289)  # double-exponential abscissae
DENSER_NODES = np.linspace(-3.6, 3.6, 577), np.linspace(-3.6, 3.6, 1153)  # where half of these and all of them disagree
FAR_NODES = np.arange(3.625, 6.1, 0.025)  # further ones, up to 1e137 lengths, for tails that are not negligible at the last
# Differences of an integral by all nodes and by half of them, in units of its size, above which there is none, and above which
# others are preferred: beside a kink they are as large as the error or, by chance, smaller.
MAX_DIFFERENCE, MAX_CERTAIN = 1e-6, 1e-9
# The same of an integral over quantiles, and where it is preferred to one by nodes that is uncertain.
MAX_QUANTILE_DIFFERENCE, MAX_PREFERRED = 1e-5, 1e-7
NEGLIGIBLE = -32.0  # log of the share of a tail at the last node
DENSITIES_PER_BLOCK = 1 << 20  # density evaluations in one call
FIRST_TERMS = 256  # terms of a sum added at a time
FIRST_LONG_TERM = 1024  # terms of a sum that are added one by one; the further ones by panels
MIN_PANEL = 256  # terms of a panel
MAX_STEP = 1e18  # terms of a sum by panels
# Log of a number close to the smallest, and a step over which a power of y is estimated there.
LAST_LOG, LAST_LOG_STEP = -700.0, 10.0
MAX_TERMS = 1 << 17  # terms of a sum one by one
NEGLIGIBLE_REST = 1e-9  # share of a sum that its last part may have
MAX_ROUGHNESS = 1e-6  # share of a sum by which two rules may differ: what rounding of the density leaves, not kinks
MIN_UNROUNDED_PROBABILITY = 1e-12  # probability beyond a quantile below which it may be rounded onto the end of the support
MAX_RETRIED_ROWS = 4096  # rows whose failed integral is tried again over quantiles
OTHER_LENGTH, MAX_KINK_ERROR = 0.6, 1e-6  # of nodes that check an integral beside a kink, and the error that they may show
MAX_WRITTEN_TAIL = 0.9  # probability up to which its complement keeps its digits


def tail(law: Law, y: np.ndarray, params: dict, upper: bool, log: bool) -> np.ndarray:
    """A tail from the others that the law's class writes; integrated if it writes none, or if they round it away."""
    own, other, logged = ("sf", "cdf", "logsf") if upper else ("cdf", "sf", "logcdf")
    if log and (overrides(law, own) or overrides(law, other)):
        return _log_of_written(law, y, params, upper)
    if not log and overrides(law, logged):
        return np.exp(getattr(law, logged)(y, **params))
    if overrides(law, other):
        return _complement_of_written(law, y, params, upper)
    value = log_tail(law, y, params, upper)
    return value if log else np.exp(value)


def _log_of_written(law: Any, y: Any, params: dict, upper: bool) -> Any:
    """The log of the law's own cdf or sf, integrated where that underflows."""
    y, params, shape = flattened(y, params, law)
    with np.errstate(all="ignore"):
        own, other = (law.sf, law.cdf) if upper else (law.cdf, law.sf)
        own, other = own(y, **params), other(y, **params)
        result = np.where(own < 0.5, np.log(own), np.log1p(-other))
    far = (own < 1e-280) & (y >= law.support.low) & (y <= law.support.high) & np.isfinite(y)
    if far.any():
        result[far] = log_tail(law, y[far], {name: value[far] for name, value in params.items()}, upper)
    return result.reshape(shape)


def _complement_of_written(law: Any, y: Any, params: dict, upper: bool) -> Any:
    """The cdf or sf from the other, which the law writes; integrated where the other is close to one."""
    y, params, shape = flattened(y, params, law)
    other = (law.cdf if upper else law.sf)(y, **params)
    result = 1 - other
    lost = (other > MAX_WRITTEN_TAIL) & (y >= law.support.low) & (y <= law.support.high) & np.isfinite(y)
    if lost.any():
        integral = np.exp(log_tail(law, y[lost], {name: value[lost] for name, value in params.items()}, upper))
        result[lost] = np.where(np.isnan(integral), result[lost], integral)
    return result.reshape(shape)


def log_tail(law: Law, y: np.ndarray, params: dict, upper: bool) -> np.ndarray:
    """log P(Y > y) or log P(Y <= y)."""
    y, params, shape = flattened(y, params, law)
    tail = _sum_tail if law.support.integer else _integral_tail
    result = np.empty(len(y))
    for rows in row_slices(len(y), FIRST_TERMS if law.support.integer else len(NODES)):
        result[rows] = tail(law, y[rows], {name: value[rows] for name, value in params.items()}, upper)
    return result.reshape(shape)


def moment(law: Law, params: dict, order: int) -> np.ndarray:
    """Mean (order 1) or variance (order 2); infinite where it has no limit, NaN where it is undefined or was not integrated."""
    _, flat, shape = flattened(0.0, params, law)
    found = _middle_of_short_support(law, flat) or centre_and_width(law, flat)
    to_y, ends = maps_to_support(law.support)[0], (found[0] - found[1], found[0] + found[1])
    with np.errstate(all="ignore"):
        mode = np.rint(found[0]) if law.support.integer else to_y(found[0])
        size = np.max([np.abs(end if law.support.integer else to_y(end)) for end in ends], axis=0)
    # about the mode, so that no digit is lost to its distance from zero
    mean = expect(law, params, lambda y, logp, rows: y - mode[rows][:, None], True, found).reshape(-1) + mode
    mean = with_infinities(law, flat, mean, 1, size)
    if order == 1:
        return mean.reshape(shape)
    centre = np.where(np.isinf(mean), np.nan, mean).reshape(-1, 1)
    variance = expect(law, params, lambda y, logp, rows: (y - centre[rows]) ** 2, True, found).reshape(-1)
    return with_infinities(law, flat, variance, 2, size).reshape(shape)


def entropy(law: Law, params: dict) -> np.ndarray:
    """-E log p(Y)."""
    return expect(law, params, lambda y, logp: -np.where(logp > -np.inf, logp, 0.0))


# ---- building blocks ---------------------------------------------------------------------------------------------


def flattened(y: Any, params: dict, law: Any = None) -> tuple[np.ndarray, dict, Any]:
    """y and the parameters broadcast to one-dimensional arrays, and their common shape; vectors keep their last axis."""
    vector = {name for name in params if law is not None and law.layout[name].vector}
    y, values = np.asarray(y, float), {name: np.asarray(value, float) for name, value in params.items()}
    shapes = {name: v.shape[:-1] if name in vector else v.shape for name, v in values.items()}
    shape = np.broadcast_shapes(y.shape, *shapes.values())
    for name, v in values.items():
        entries = v.shape[len(shapes[name]) :]
        values[name] = np.ascontiguousarray(np.broadcast_to(v, (*shape, *entries))).reshape(-1, *entries)
    return np.ascontiguousarray(np.broadcast_to(y, shape)).reshape(-1), values, shape


def row_slices(n: int, n_points: int) -> list[slice]:
    """Slices of n rows of which each needs `n_points` densities, so that a block's fit in memory."""
    step = max(DENSITIES_PER_BLOCK // n_points, 1)
    return [slice(first, first + step) for first in range(0, n, step)]


def maps_to_support(support: Any) -> tuple[Callable, Callable, Callable]:
    """The functions y(x), log dy/dx and x(y) between the real line and the support; identities for discrete supports."""
    low, high = support.low, support.high
    if support.integer or not (np.isfinite(low) or np.isfinite(high)):
        return (lambda x: x), (lambda x: np.zeros_like(x)), (lambda y: y)
    if np.isfinite(low) and np.isfinite(high):
        width = high - low
        return (
            lambda x: low + width * expit(x),
            lambda x: np.log(width) + log_expit(x) + log_expit(-x),
            lambda y: np.log(y - low) - np.log(high - y),
        )
    sign, end = (1.0, low) if np.isfinite(low) else (-1.0, high)

    def to_y(x: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return end + sign * np.exp(x)

    return to_y, (lambda x: x), (lambda y: np.log(sign * (y - end)))


def log_density_of(law: Any, params: dict) -> Callable:
    """The log-density of x on the real line, a function of x (n,) or (n, points)."""
    to_y, log_jacobian, _ = maps_to_support(law.support)

    def f(x: np.ndarray) -> np.ndarray:
        column = params if x.ndim == 1 else {name: value[:, None] for name, value in params.items()}
        y = to_y(np.rint(x)) if law.support.integer else to_y(x)
        with np.errstate(all="ignore"):
            value = law.loglik(y, **column) + log_jacobian(x)
        return np.where(law.support.contains(y) & (value < np.inf), value, -np.inf)  # NaN and inf: y underflowed

    return f


def centre_and_width(law: Any, params: dict) -> tuple[np.ndarray, np.ndarray, Callable]:
    """Mode and half-width of each density on the real line, and its log-density, by a pattern search.

    The search begins at the middle of the typical range, or at the value of a parameter.
    """
    _, _, to_x = maps_to_support(law.support)
    f = log_density_of(law, params)
    n = len(next(iter(params.values())))
    low, high = law.support.typical
    guesses = [np.full(n, (low + high) / 2), *(v for v in params.values() if v.ndim == 1)]
    x, best = np.zeros(n), np.full(n, -np.inf)
    with np.errstate(all="ignore"):
        for guess in guesses:
            candidate = np.nan_to_num(to_x(np.where(law.support.contains(guess), guess, guesses[0])))
            value = f(candidate)
            x, best = np.where(value > best, candidate, x), np.maximum(value, best)
        step = np.maximum(0.1 * np.abs(x), 1.0 if law.support.integer else 0.1)
        min_step = 1.0 if law.support.integer else 0.0
        before, stopped = np.ones(n), np.zeros(n, bool)
        for _ in range(400):
            up, down = f(x + step), f(x - step)
            move = np.maximum(up, down) > best
            x = np.where(move, np.where(up >= down, x + step, x - step), x)
            drop = best - np.minimum(up, down)
            factor = np.where(move | (drop < 0.1), 2.0, np.where((drop > 2) & (step > min_step), 0.5, 1.0))
            stopped = ~move & (stopped | (factor * before == 1))  # a width between two steps would be sought for ever
            before, factor = factor, np.where(stopped, 1.0, factor)
            best, step = np.maximum(best, np.maximum(up, down)), np.maximum(step * factor, min_step)
            if (factor == 1).all():
                break
    return x, 2 * step, f


def _middle_of_short_support(law: Any, params: dict) -> tuple[np.ndarray, np.ndarray, None] | None:
    """The middle of a support of few whole numbers, all of which are summed, as `centre_and_width` has it; else None."""
    low, high = law.support.low, law.support.high
    if not law.support.integer or high - low >= FIRST_TERMS:
        return None
    middle = np.full(len(next(iter(params.values()))), np.rint((low + high) / 2))
    return middle, middle, None


def _integral_tail(law: Any, y: Any, params: dict, upper: bool) -> np.ndarray:
    """log of a tail of a density, integrated from y away from the centre; the other side is the complement."""
    _, _, to_x = maps_to_support(law.support)
    centre, width, f = centre_and_width(law, params)
    with np.errstate(all="ignore"):
        x = to_x(y)
    inside = np.isfinite(x)
    x = np.where(inside, x, centre)
    sign = np.where(x >= centre, 1.0, -1.0)
    here = f(x)
    longest = np.maximum(width, np.abs(x - centre))
    slope = np.abs(f(x + 1e-4 * longest) - f(x - 1e-4 * longest)) / (2e-4 * longest)
    with np.errstate(all="ignore"):
        length = np.minimum(np.where(np.isfinite(slope) & (slope > 0), 1 / slope, width), longest)
        outward = _log_integral(law, params, x, sign * length)
        inward = _log_integral(law, params, x, -sign * width)
        # The two sides miss one for several modes, or a peak too narrow for the nodes.
        unresolved = (np.abs(x - centre) < 5 * width) & (np.abs(np.exp(outward) + np.exp(inward) - 1) > 1e-4)
        if unresolved.any():
            rows = np.flatnonzero(unresolved)
            part = {name: value[rows] for name, value in params.items()}
            arguments = x[rows], (sign * length)[rows], centre[rows], width[rows]
            unresolved[rows] = ~_resolved_beyond_a_kink(law, part, *arguments, outward[rows])
        outward = np.minimum(np.where(here == -np.inf, np.where(outward > -np.inf, outward, -np.inf), outward), 0.0)
        result = np.where((sign > 0) == upper, outward, np.log1p(-np.exp(outward)))
        result = np.where(unresolved, np.nan, result)
    at_end = np.where(np.asarray(y) <= law.support.low, 0.0 if upper else -np.inf, -np.inf if upper else 0.0)
    return np.where(inside, result, np.where(np.isnan(y), np.nan, at_end))


def _resolved_beyond_a_kink(
    law: Law, params: dict, x: np.ndarray, length: np.ndarray, centre: np.ndarray, width: np.ndarray, outward: np.ndarray
) -> np.ndarray:
    """Whether only the integral inward fails, as it does at a kink of the mode, which the one outward does not cross.

    The two sides of the mode add up to one, and nodes of another length give the same integral outward.
    """
    sides = np.exp(_log_integral(law, params, centre, width)) + np.exp(_log_integral(law, params, centre, -width))
    other = _log_integral(law, params, x, OTHER_LENGTH * length)
    return (np.abs(sides - 1) < MAX_KINK_ERROR) & (np.abs(other - outward) < MAX_KINK_ERROR)


def continued_log_density(law: Any, params: dict) -> Any:
    """The log-density of x, continued as a straight line where y is nearer to an end at zero than floats are: at a pole."""
    f, support = log_density_of(law, params), law.support
    if not (support.low == 0 or (support.high == 0 and support.low == -np.inf)):
        return f
    end = np.full((len(next(iter(params.values()))), 1), LAST_LOG)
    at_end = f(end)
    with np.errstate(all="ignore"):
        slope = (f(end + LAST_LOG_STEP) - at_end) / LAST_LOG_STEP

    def continued(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.where((x < LAST_LOG) & (slope > 0), at_end + slope * (x - LAST_LOG), f(x))

    return continued


def _log_integral(law: Any, params: dict, x: np.ndarray, length: Any) -> Any:
    """log of the integral of a density from x on, in the direction and units of `length`: double-exponential nodes."""
    total = np.full(len(x), -np.inf)
    rows = np.arange(len(x))
    for nodes in (NODES, FAR_NODES):
        f = continued_log_density(law, {name: value[rows] for name, value in params.items()})
        u = np.exp(np.pi / 2 * np.sinh(nodes))
        log_weight = np.log(u * np.pi / 2 * np.cosh(nodes) * (nodes[1] - nodes[0]))
        terms = f(x[rows, None] + length[rows, None] * u) + log_weight
        terms = np.where(np.isnan(terms), -np.inf, terms)
        total[rows] = np.logaddexp(total[rows], logsumexp(terms, axis=1))
        rows = rows[terms[:, -1] > total[rows] + NEGLIGIBLE]
        if not len(rows):
            break
    return total + np.log(np.abs(length))


def _sum_tail(law: Any, y: Any, params: dict, upper: bool) -> np.ndarray:
    """log of a tail of a mass function, summed from y away from the centre until the terms are negligible."""
    centre, _, f = centre_and_width(law, params)
    k = np.floor(np.clip(y, law.support.low - 1, 1e300))
    outwards_up = k >= np.rint(centre)
    first, sign = np.where(outwards_up, k + 1, k), np.where(outwards_up, 1.0, -1.0)
    total, open_rows = np.full(len(k), -np.inf), np.ones(len(k), bool)
    for done in range(0, FIRST_LONG_TERM, FIRST_TERMS):
        part = logsumexp(f(first[:, None] + sign[:, None] * np.arange(done, done + FIRST_TERMS)), axis=1)
        total = np.logaddexp(total, part)
        open_rows = part > total - 40
        if not open_rows.any():
            break
    if open_rows.any():
        rows = np.flatnonzero(open_rows)
        start, way, scale = first[rows], sign[rows][:, None], total[rows][:, None]
        far = log_density_of(law, {name: value[rows] for name, value in params.items()})

        def values(steps: Any) -> Any:
            return np.exp(far(start[:, None] + way * steps) - scale)[..., None]

        rest = _long_sum(values, _terms_to_end(law, start, way[:, 0]), np.ones((len(rows), 1)))
        total[rows] += np.log1p(rest[:, 0])
    with np.errstate(all="ignore"):
        total = np.minimum(total, 0.0)
        return np.where(outwards_up == upper, total, np.log1p(-np.exp(total)))


def _terms_to_end(law: Any, first: Any, sign: Any) -> Any:
    """The number of whole numbers from `first` on to the end of the support, up (sign 1) or down (-1)."""
    return np.where(sign > 0, law.support.high - first, first - law.support.low) + 1


def _long_sum(values: Any, count: Any, size: Any) -> Any:
    """Sums of values(steps) (n, steps, width) over steps from FIRST_LONG_TERM to `count`, by panels ever longer.

    Where two rules disagree on the panels, as the terms do not vary smoothly, they are added one by one, up to MAX_TERMS.
    NaN where the terms are not negligible at the last. `size` (n, width) is that of the terms already summed.
    """
    done, total, error = np.full(len(count), float(FIRST_LONG_TERM)), np.zeros_like(size), np.zeros_like(size)
    largest, last, ended = size, np.zeros_like(size), np.zeros(len(count), bool)
    while True:
        going = ~ended & (count - done >= MIN_PANEL) & (done < MAX_STEP)
        if not going.any():
            break
        exponent = np.frexp(np.where(going, np.minimum(done, count - done), MIN_PANEL))[1] - 1
        exponents, which = np.unique(exponent, return_inverse=True)
        node, weight, check = np.array([whole_rules(int(e)) for e in exponents])[which].swapaxes(0, 1)
        terms = np.where(going[:, None, None], values(done[:, None] + node), 0.0)
        part, other = np.einsum("ijk,ij->ik", terms, weight), np.einsum("ijk,ij->ik", terms, check)
        last = np.where(going[:, None], np.einsum("ijk,ij->ik", np.abs(terms), np.abs(weight)), last)
        total, error, largest = total + part, error + np.abs(part - other), largest + last * going[:, None]
        done = np.where(going, done + 2.0**exponent, done)
        ended = ended | (going & (last <= 1e-17 * largest).all(axis=1))
    short = ~ended & (count > done) & (count - done < MIN_PANEL)
    if short.any():
        total = total + np.where(short[:, None], values(done[:, None] + np.arange(MIN_PANEL)).sum(axis=1), 0.0)
    cut = ~ended & ~short & (count > done)
    total = np.where(cut[:, None] & ~(last <= NEGLIGIBLE_REST * largest), np.nan, total)
    rough = (error > MAX_ROUGHNESS * largest).any(axis=1)
    if rough.any():
        total = np.where(rough[:, None], _each_term(values, size), total)
    return total


def _each_term(values: Any, size: Any) -> np.ndarray:
    """Sums as `_long_sum`'s, of every term up to MAX_TERMS; NaN where more are needed."""
    total, largest = np.zeros_like(size), size
    for done in range(FIRST_LONG_TERM, MAX_TERMS, FIRST_LONG_TERM):
        terms = values(np.broadcast_to(np.arange(done, done + FIRST_LONG_TERM), (len(size), FIRST_LONG_TERM)))
        part = np.abs(terms).sum(axis=1)
        total, largest = total + terms.sum(axis=1), largest + part
        if (part <= 1e-17 * largest).all():
            break
    return np.where(part * (done / FIRST_LONG_TERM) <= NEGLIGIBLE_REST * largest, total, np.nan)


def expect(
    law: Any,
    params: dict,
    g: Callable,
    indexed: bool = False,
    found: Any = None,
    width: int = 1,
) -> np.ndarray:
    """E g(Y) by quadrature; NaN where halving the nodes changes the result, or probability is missing.

    Where the integrand is not smooth, nodes may agree by chance: denser ones are taken, then quantiles, until they agree well.

    `g(y, logp)` takes nodes (rows, nodes) and the log-density there; with `indexed` also the slice or index of the rows. It
    returns a value per node or, with a `width` above 1, so many of them along a last axis.
    `found` is the result of `centre_and_width`, where that is known.
    """
    _, params, shape = flattened(0.0, params, law)
    centre, half_width, _ = found or _middle_of_short_support(law, params) or centre_and_width(law, params)
    result = np.full((len(centre), *((width,) if width > 1 else ())), np.nan)
    rows: Any
    uncertain = np.full(len(centre), not law.support.integer)
    if law.support.integer:
        for rows in row_slices(len(centre), len(NODES) * width):
            part = {name: value[rows] for name, value in params.items()}
            result[rows] = _expect_sum(law, part, g, rows, indexed, centre[rows])
    else:
        for nodes in (NODES, *DENSER_NODES):
            remaining = np.flatnonzero(uncertain)
            for some in row_slices(len(remaining), len(nodes) * width):
                rows = some if len(remaining) == len(result) else remaining[some]
                part = {name: value[rows] for name, value in params.items()}
                middle = centre[rows], half_width[rows]
                value, uncertain[rows] = _expect_integral(law, part, g, rows, indexed, middle, nodes)
                result[rows] = np.where(np.isnan(value), result[rows], value)
    return _retried(law, params, result, uncertain, g, indexed).reshape((*shape, *result.shape[1:]))


def _expect_integral(
    law: Any, params: dict, g: Callable, rows: Any, indexed: bool, middle: tuple[np.ndarray, np.ndarray], nodes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """E g(Y) by double-exponential nodes around the middle, centre and half-width, and whether a row is uncertain.

    NaN where half of the nodes say otherwise. Of smooth integrands the error is about the square of that difference. At a kink,
    as at an end of the density within the support, it is as large as the difference and, where that is small by chance, larger.
    """
    to_y, log_slope, _ = maps_to_support(law.support)
    f = log_density_of(law, params)
    spread = np.sinh(np.pi / 2 * np.sinh(nodes))
    weight = np.pi / 2 * np.cosh(nodes) * np.cosh(np.pi / 2 * np.sinh(nodes)) * (nodes[1] - nodes[0])
    x = middle[0][:, None] + middle[1][:, None] * spread
    logp = f(x)
    with np.errstate(all="ignore"):
        mass = np.exp(logp) * weight * middle[1][:, None]
        value = g(to_y(x), logp - log_slope(x), *([rows] if indexed else []))
        terms = _masses_times(mass, value)
        full, half, size = terms.sum(axis=1), 2 * terms[:, ::2].sum(axis=1), np.abs(terms).sum(axis=1)
        converged, certain = (np.abs(full - half) <= bound * size for bound in (MAX_DIFFERENCE, MAX_CERTAIN))
        atoms = [(atom, law.loglik(np.full(len(x), atom), **params)) for atom in law.support.atoms]
        atom_mass = sum((np.exp(p) for _, p in atoms), np.zeros(len(x)))
        for atom, p in atoms:
            at = g(np.full((len(x), 1), atom), p[:, None], *([rows] if indexed else []))
            full = full + _masses_times(np.exp(p)[:, None], at)[:, 0]
        whole = np.abs(mass.sum(axis=1) + atom_mass - 1) < 1e-6
        converged &= whole.reshape(-1, *(1,) * (converged.ndim - 1))
        converged &= np.abs(terms[:, [0, -1]]).max(axis=1) <= 1e-6 * size
    return np.where(converged, full, np.nan), ~(certain & converged).reshape(len(x), -1).all(axis=1)


def _masses_times(mass: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Values (rows, nodes) or (rows, nodes, width) times the masses of their nodes; zero where there is none."""
    mass = mass.reshape(*mass.shape, *(1,) * (value.ndim - 2))
    return np.where(mass > 0, mass * value, 0.0)


def _retried(law: Any, params: dict, expectation: np.ndarray, uncertain: np.ndarray, g: Callable, indexed: bool) -> np.ndarray:
    """The expectations with those that are NaN, or uncertain, integrated again, over quantiles.

    NaN remains if that integral does not converge either, as when the expectation does not exist.
    """
    if law.support.integer and not any(overrides(law, name) for name in ("cdf", "sf", "ppf")):
        return expectation  # the quantiles would be found by the same sums
    failed = np.isnan(expectation).reshape(len(expectation), -1).any(axis=1)
    rows = np.flatnonzero(failed | uncertain)
    rows = rows if len(rows) <= MAX_RETRIED_ROWS else np.flatnonzero(failed)
    if not 0 < len(rows) <= MAX_RETRIED_ROWS:
        return expectation

    def value(y: np.ndarray, repeated: dict) -> np.ndarray:
        logp = law.loglik(y.ravel(), **repeated).reshape(y.shape)
        return g(y, logp, *([rows] if indexed else []))

    total, half, size, last = over_quantiles(law, {name: values[rows] for name, values in params.items()}, value)
    with np.errstate(all="ignore"):
        bound = np.where(np.isnan(expectation[rows]), MAX_QUANTILE_DIFFERENCE, MAX_PREFERRED) * size
        converged = (np.abs(total - half) <= bound) & (last <= bound)
    expectation[rows] = np.where(converged, total, expectation[rows])
    return expectation


def over_quantiles(
    law: Law, params: dict, g: Callable, reach: float = 3.3, n_nodes: int = 397, bounded: bool = False
) -> np.ndarray:
    """E g(Y) as an integral over probabilities: g at the law's own quantiles, which kinks, gaps and spikes do not disturb.

    Parameters
    ----------
    law : Likelihood
    params : dict of str to ndarray of shape (n, ...)
    g : callable
        `g(y, repeated)`, the values at y (n, nodes); `repeated` has the parameters of its n * nodes entries.
    reach, n_nodes
        Of the double-exponential nodes, from -reach to reach.
    bounded : bool
        Whether g is left out where it is infinite in the outermost nodes, whose quantiles may be rounded onto a bound.

    Returns
    -------
    ndarray of shape (4, n), or (4, n, width) if g has values along a last axis
        The integral, that over every second node, that of the absolute value, and the last term's absolute value.
    """
    n = len(next(iter(params.values())))
    total, s = np.zeros(3), np.linspace(-reach, reach, n_nodes)
    last = total
    q, rest = expit(np.pi * np.sinh(s)), expit(-np.pi * np.sinh(s))
    weight = np.pi * np.cosh(s) * q * rest * (s[1] - s[0])
    inside, nodes_per_block = np.flatnonzero(q < 1), max(DENSITIES_PER_BLOCK // max(n, 1), 1)
    for first in range(0, len(inside), nodes_per_block):
        nodes = inside[first : first + nodes_per_block]
        repeated = {name: np.repeat(value, len(nodes), axis=0) for name, value in params.items()}
        with np.errstate(all="ignore"):
            values = g(law.ppf(np.tile(q[nodes], n), **repeated).reshape(n, len(nodes)), repeated)
            if bounded:
                values = np.where(np.isfinite(values) | ((q * rest)[nodes] >= MIN_UNROUNDED_PROBABILITY), values, 0.0)
            terms = values * weight[nodes].reshape(-1, *(1,) * (values.ndim - 2))
            part = [terms.sum(axis=1), 2 * terms[:, nodes % 2 == 1].sum(axis=1), np.abs(terms).sum(axis=1)]
            total = np.array(part) if total.ndim == 1 else total + part
        last = np.abs(terms[:, -1])
        if not np.isfinite(total[2]).any():
            break
    return np.array([*total, last])


def _expect_sum(law: Law, params: dict, g: Callable, rows: slice, indexed: bool, centre: np.ndarray) -> np.ndarray:
    """E g(Y) as a sum over the integers; NaN where the masses do not add up to one."""
    mass, total = sum_over(law, params, (lambda k, logp: g(k, logp, rows)) if indexed else g, centre)
    return np.where((np.abs(mass - 1) < 1e-8).reshape(-1, *(1,) * (total.ndim - 1)), total, np.nan)


def sum_over(law: Law, params: dict, g: Callable, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the masses, and of g times the masses, from the centre outwards in both directions."""
    start, f = np.rint(centre), log_density_of(law, params)
    if law.support.high - law.support.low < FIRST_TERMS:
        k = np.broadcast_to(
            np.arange(law.support.low, law.support.high + 1), (len(start), int(law.support.high - law.support.low) + 1)
        )
        logp = f(k)
        with np.errstate(all="ignore"):
            return np.exp(logp).sum(axis=1), _masses_times(np.exp(logp), g(k, logp)).sum(axis=1)
    sums, size = np.zeros(()), np.zeros(())
    for sign, first in ((1.0, start), (-1.0, start - 1)):

        def values(steps: np.ndarray, sign: float = sign, first: np.ndarray = first) -> np.ndarray:
            k = first[:, None] + sign * steps
            logp = f(k)
            mass = np.exp(logp)
            with np.errstate(all="ignore"):
                terms = _masses_times(mass, g(k, logp))
            return np.concatenate([mass[..., None], terms.reshape(*mass.shape, -1)], axis=2)

        done, n_terms = 0, 32
        while done < FIRST_LONG_TERM:
            terms = values(np.arange(done, done + n_terms))
            largest = np.abs(terms).sum(axis=1)
            sums, size = sums + terms.sum(axis=1), size + largest
            # in units of the sizes of the terms, as their sum may be zero
            if (largest <= 1e-17 * size).all():
                break
            done, n_terms = done + n_terms, min(2 * n_terms, FIRST_TERMS, FIRST_LONG_TERM - done - n_terms)
        else:
            sums = sums + _long_sum(values, _terms_to_end(law, first, np.full(len(first), sign)), size)
    width = np.ndim(g(start[:, None], f(start[:, None]))) == 3
    return sums[:, 0], sums[:, 1:] if width else sums[:, 1]
