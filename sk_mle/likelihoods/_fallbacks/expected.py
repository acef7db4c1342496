"""Expected information and third moments of the score: by quadrature or sums over y where a law has no formula."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

from ..._utils.differences import stacking
from ..._utils.repeated import filled, repeated_value
from .algebra import outer
from .facts import expected_information, overrides
from .law import Law
from .quadrature import expect

MIN_LOG_DENSITY = -300.0  # log-density below which derivatives may overflow and are left out
# Points per linear predictor, where one or two differ between rows; largest of the last coefficients, relative to the values.
INTERPOLATION_POINTS, INTERPOLATION_TOL = {1: (24, 48), 2: (24, 40)}, 1e-11
DERIVATIVE_STEP = 4e-3  # of differences of the information, whose error is then about 1e-11
SAMPLES_OF_PILOT = 8  # by which the time of integrals is told
MAX_NONLINEAR_SHARE = 1e-9  # distance of a Hessian from a linear function of the score, relative, up to which it counts as one
MAX_RANDOM_SHARE = 1e-9  # difference of observed and expected information, relative, up to which they count as equal


def integrated_information(law: Law, eta: dict, names: list[str] | None = None) -> dict:
    """E[g_a g_b] per sample for all pairs of linear predictors, or of `names`, with g the gradient of the log-likelihood.

    NaN in rows where the integral does not converge: heavy tails, or no expectation at all.
    """
    names = names or [name for name in eta if name not in law.layout.known]
    places = stacking({name: eta[name] for name in names})[2]
    left, right = np.triu_indices(max(place.stop for place in places.values()))
    values = _expected_of(law, eta, names, 1, lambda g, _: g[:, left] * g[:, right], len(left))
    matrix = np.empty((len(values), max(left) + 1, max(left) + 1))
    matrix[:, left, right] = matrix[:, right, left] = values
    blocks = {}
    for i, a in enumerate(names):
        for b in names[i:]:
            block = matrix[:, places[a], places[b]]
            blocks[a, b] = block[:, 0, 0] if eta[a].ndim == eta[b].ndim == 1 else block
    return blocks


def _expected_of(law: Law, eta: dict, names: list[str], order: int, moments: Callable, width: int) -> np.ndarray:
    """E of ``moments(g, h)``, (n, width), of gradient (n, D) and Hessian (n, D, D) in the linear predictors `names`.

    With `order` 1 there is no Hessian. Where one or two linear predictors alone differ between rows, the expectations are a
    smooth function of these, which is interpolated.
    """
    varying = _varying(eta)
    if varying and all(eta[name].ndim == 1 for name in varying):
        for n_points in INTERPOLATION_POINTS.get(len(varying), ()):
            if len(eta[varying[0]]) <= 2 * n_points ** len(varying):
                break
            values = _interpolated(eta, varying, n_points, partial(_integrated, law, names, order, moments, width))
            if values is not None:
                return values
    return _integrated(law, names, order, moments, width, eta)


def _varying(eta: dict) -> list[str]:
    """The linear predictors that differ between rows."""
    return [name for name, value in eta.items() if repeated_value(value) is None and (value != value[:1]).any()]


def _interpolated(eta: dict, names: list[str], n_points: int, values_at: Callable) -> np.ndarray | None:
    """`values_at` linear predictors (n, width) by Chebyshev's polynomials in one or two; None if these do not resolve it."""
    nodes = np.cos(np.pi * (np.arange(n_points) + 0.5) / n_points)
    grid = np.meshgrid(*[nodes] * len(names), indexing="ij")
    at = {other: np.repeat(value[:1], grid[0].size, axis=0) for other, value in eta.items()}
    places = []
    for name, points in zip(names, grid, strict=True):
        middle, half = (eta[name].max() + eta[name].min()) / 2, (eta[name].max() - eta[name].min()) / 2
        at[name] = middle + half * points.ravel()
        places.append((eta[name] - middle) / half)
    coefficients = np.reshape(values_at(at), (*grid[0].shape, -1))
    largest = np.abs(coefficients).max()
    transform = chebyshev.chebvander(nodes, n_points - 1).T * 2 / n_points
    transform[0] /= 2
    for axis in range(len(names)):
        coefficients = np.moveaxis(np.tensordot(transform, coefficients, (1, axis)), 0, axis)
        if not np.abs(np.take(coefficients, [-3, -2, -1], axis)).max() <= INTERPOLATION_TOL * largest:
            return None
    if len(names) == 1:
        return chebyshev.chebval(places[0], coefficients).T
    inner = np.tensordot(chebyshev.chebvander(places[0], n_points - 1), coefficients, (1, 0))
    return np.einsum("nj,njw->nw", chebyshev.chebvander(places[1], n_points - 1), inner)


def _integrated(law: Law, names: list[str], order: int, moments: Callable, width: int, eta: dict) -> np.ndarray:
    """`_expected_of` by an integral for every row."""
    theta, n = law.layout.theta(eta), len(next(iter(eta.values())))
    params = {
        name: np.broadcast_to(value, (n, *law.layout[name].shape)) if np.ndim(value) == 0 else value
        for name, value in theta.items()
    }

    def values(y: np.ndarray, logp: np.ndarray, rows: Any) -> np.ndarray:
        repeated = {name: np.repeat(value[rows], y.shape[1], axis=0) for name, value in eta.items()}
        flat = y.ravel()
        point = law.evaluate(np.where(law.inside(flat), flat, law.support.typical[1]), repeated, order)
        free = {name: repeated[name] for name in names}
        g = stacking(free)[0]({name: np.zeros_like(value) for name, value in free.items()} | point.gradient)
        h = None if order == 1 else -_dense(point.information, free)
        result = np.reshape(moments(g, h), (*y.shape, -1) if width > 1 else y.shape)
        return np.where((logp[..., None] if width > 1 else logp) > MIN_LOG_DENSITY, result, 0.0)

    return expect(law, params, values, indexed=True, width=width).reshape(n, width)


def seconds_of_integrals(law: Law, eta: dict, n: int, n_varying: int) -> float:
    """CPU seconds that the information of n samples and its derivatives take at most where both are integrated.

    By a few of the samples at hand, of linear predictors `eta`. `n_varying` of these differ between samples in a fit.
    """
    last = len(next(iter(eta.values()))) - 1
    some = {name: value[np.linspace(0, last, SAMPLES_OF_PILOT).astype(int)] for name, value in eta.items()}
    begin = process_time()
    with np.errstate(all="ignore"):
        integrated_information(law, some)
        _integrated_derivatives(law, some)
    at_most = min(n, sum(INTERPOLATION_POINTS[1])) if n_varying == 1 else n
    return (process_time() - begin) * at_most / SAMPLES_OF_PILOT


def expected_information_at(law: Law, y: np.ndarray, eta: dict) -> dict:
    """The information of `evaluate` with information="expected", by `fisher` alone where `evaluate` takes it from there."""
    if law.fisher is None or overrides(law, "evaluate"):
        return law.evaluate(y, eta, 2, "expected").information
    chain = {name: law.layout[name].link.inverse_derivatives(eta[name]) for name in law.layout.free}
    params = law.layout.with_given(eta, {name: values[0] for name, values in chain.items()})
    second = law.fisher(**params, **law.observed(y).params)
    return {(a, b): value * outer(chain[a][1], chain[b][1]) for (a, b), value in second.items() if a in chain and b in chain}


def information_derivatives(law: Law, y: np.ndarray, eta: dict, formula: bool, weights: np.ndarray | None = None) -> np.ndarray:
    """Derivatives of the expected information per sample in the estimated linear predictors, the last axis.

    By integrals or, of a formula, by differences. Vectors count entry by entry. The steps of differences are a fraction of one,
    or, where the unit is unknown, of the standard error that the row itself would give.

    Parameters
    ----------
    law : Likelihood
    y : ndarray of shape (n,) or (n, q)
    eta : dict of str to ndarray
    formula : bool
        Whether the law has a formula; else the information is integrated.
    weights : ndarray of shape (n, D, D), optional

    Returns
    -------
    ndarray of shape (n, D, D, D), or (n, D) of the sums over the entries of the matrix times `weights`
    """
    free = {name: eta[name] for name in law.layout.free}
    with np.errstate(all="ignore"):
        if not formula:
            slopes = _integrated_derivatives(law, eta)
            return slopes if weights is None else np.einsum("nabc,nab->nc", slopes, weights)
        columns: list[np.ndarray] = []
        here = expected_information_at(law, y, eta)
        for name, value in free.items():
            for k in range(*np.shape(value)[1:] or (1,)):
                step = DERIVATIVE_STEP * _unit(law.layout[name], value, here.get((name, name)))

                def at(m: int, name: str = name, k: int = k, step: np.ndarray = step, value: np.ndarray = value) -> dict:
                    return expected_information_at(law, y, {**eta, name: _moved(value, k, m * step)})

                blocks = _difference(at)
                change = _dense(blocks, free) if weights is None else _contracted(blocks, free, weights)
                columns.append(change / (12 * np.reshape(step, (-1, *(1,) * (change.ndim - 1)))))
    return np.stack(columns, axis=-1)


def _difference(at: Callable) -> dict:
    """Twelve times the derivative at 0 of a dict of arrays, without arrays that are equal on both sides: theirs is 0."""
    up, down = at(1), at(-1)
    changed = [pair for pair, value in up.items() if not np.array_equal(value, down[pair])]
    if not changed:
        return {}
    up2, down2 = at(2), at(-2)
    return {pair: 8 * (up[pair] - down[pair]) - (up2[pair] - down2[pair]) for pair in changed}


def _integrated_derivatives(law: Any, eta: Any) -> np.ndarray:
    """Derivatives of E[g_a g_b] in the linear predictor c, (n, D, D, D): E[h_ac g_b + h_bc g_a + g_a g_b g_c]."""

    def moments(g: np.ndarray, h: np.ndarray) -> np.ndarray:
        mixed = np.einsum("nac,nb->nabc", h, g)
        return mixed + mixed.transpose(0, 2, 1, 3) + np.einsum("na,nb,nc->nabc", g, g, g)

    return _third_moments(law, eta, moments)


def _third_moments(law: Any, eta: Any, moments: Any) -> np.ndarray:
    names = list(law.layout.free)
    size = sum(np.shape(eta[name])[1] if np.ndim(eta[name]) > 1 else 1 for name in names)
    return _expected_of(law, eta, names, 2, moments, size**3).reshape(-1, size, size, size)


def _unit(parameter: Any, eta: np.ndarray, information: Any) -> np.ndarray:
    """The scale of the steps in a linear predictor: a number, or one per sample."""
    if not parameter.location or parameter.vector or information is None:
        return np.ones(1)
    unit = 1 / np.sqrt(information)
    unit = np.where(np.isfinite(unit), unit, 1.0)
    if parameter.stays_inside:
        return unit
    ends = parameter.link.link(np.array([parameter.domain.low, parameter.domain.high]))
    return np.minimum(unit, np.abs(eta[:, None] - ends[np.isfinite(ends)]).min(axis=1, initial=np.inf))


def _moved(eta: np.ndarray, k: int, step: np.ndarray) -> np.ndarray:
    """Linear predictors with a step in their k-th entry; a number that is repeated stays one."""
    value = repeated_value(eta)
    if value is not None and len(step) == 1 and eta.ndim == 1:
        return filled(value + float(step[0]), eta.shape)
    moved = np.array(eta)
    (moved if moved.ndim == 1 else moved[:, k])[...] += step
    return moved


def curvature_score(law: Law, y: np.ndarray, eta: dict) -> np.ndarray | None:
    """E[h_ab g_c], (n, D, D, D), of the Hessian h and the gradient g of the log-likelihood in the linear predictors.

    None where the Hessian is not random, as with a canonical link: the expectation is zero there.
    """
    free = {name: eta[name] for name in law.layout.free}
    observed, expected = (
        _dense(law.evaluate(y, eta, 2, information).information, free) for information in ("observed", "expected")
    )
    if expected_information(law) == "whole" and np.allclose(observed, expected, rtol=MAX_RANDOM_SHARE, atol=0.0):
        return None
    if expected_information(law) == "whole" and not (law.support.integer or law.support.atoms):
        result = _of_linear_hessians(law, eta, expected)
    else:
        result = np.full((*observed.shape, observed.shape[1]), np.nan)
    rows = np.flatnonzero(np.isnan(result).any(axis=(1, 2, 3)))
    if len(rows):
        some = {name: value[rows] for name, value in eta.items()}
        result[rows] = _third_moments(law, some, lambda g, h: np.einsum("nab,nc->nabc", h, g))
    return result


def _of_linear_hessians(law: Any, eta: Any, information: Any) -> np.ndarray:
    """`curvature_score` of rows whose Hessian is a linear function of the score, from their information; NaN in others.

    So it is for every exponential family in any parameters: with h = K g - I, E[h g'] = K I. K is found from h and g at a few
    quantiles of each row. No digit is lost there where a density is steep at an end of its support, as an integral's are.
    """
    n, size = information.shape[:2]
    levels = np.linspace(0.1, 0.9, size + 3)
    repeated = {name: np.repeat(value, len(levels), axis=0) for name, value in eta.items()}
    y = law.ppf(np.tile(levels, n), **law.layout.theta(repeated))
    point = law.evaluate(np.where(law.inside(y), y, law.support.typical[1]), repeated, 2)
    free = {name: repeated[name] for name in law.layout.free}
    observed = _dense(point.information, free).reshape(n, len(levels), size**2)
    score = stacking(free)[0](point.gradient).reshape(n, len(levels), size)
    score_sd = np.sqrt(np.diagonal(information, axis1=1, axis2=2))[:, None, :]
    target = information.reshape(n, 1, size**2) - observed
    K = np.linalg.pinv(score / score_sd) @ target / score_sd.transpose(0, 2, 1)
    error = np.abs(target - score @ K).max(axis=1)
    bound = MAX_NONLINEAR_SHARE * np.abs(observed).max(axis=1)
    linear = ((error <= bound) | (error == 0)).all(axis=1) & law.inside(y).reshape(n, -1).all(axis=1)
    result = np.einsum("ndk,ndc->nkc", K, information).reshape(n, size, size, size)
    result[~linear] = np.nan
    return result


def _contracted(blocks: dict, eta: dict, weights: np.ndarray) -> np.ndarray:
    """The sum over the entries of `_dense` times weights (n, D, D), which are symmetric: (n,)."""
    places = stacking(eta)[2]
    total = np.zeros(len(weights))
    for (a, b), value in blocks.items():
        weight = weights[:, places[a], places[b]]
        part = value * weight[:, 0, 0] if value.ndim == 1 else np.einsum("nab,nab->n", np.reshape(value, weight.shape), weight)
        total += part if a == b else 2 * part
    return total


def _dense(blocks: dict, eta: dict) -> np.ndarray:
    """Blocks of a symmetric matrix by pairs of parameters, as one matrix (n, D, D) per sample."""
    places = stacking(eta)[2]
    size = max(place.stop for place in places.values())
    matrix = np.zeros((len(next(iter(eta.values()))), size, size))
    for (a, b), value in blocks.items():
        value = np.reshape(value, (len(value), places[a].stop - places[a].start, -1))
        matrix[:, places[a], places[b]] = value
        matrix[:, places[b], places[a]] = value.transpose(0, 2, 1)
    return matrix
