"""Expected information and third moments of the score: by quadrature or sums over y where a law has no formula."""

from __future__ import annotations

import numpy as np

from ..._utils.differences import stacking
from ..._utils.repeated import filled, repeated_value
from .algebra import outer
from .facts import expected_information, overrides
from .law import Law
from .quadrature import _expect

MIN_LOG_DENSITY = -600.0  # log-density below which a gradient may overflow and is left out
SLOPE_STEP = 4e-3  # of differences of the information, whose error is then about 1e-11
MAX_RANDOM_SHARE = 1e-9  # difference of observed and expected information, relative, up to which they count as equal
MAX_NONLINEAR_SHARE = 1e-9  # distance of a Hessian from a linear function of the score, relative, up to which it counts as one


def integrated_information(law: Law, eta: dict, names: list[str] | None = None) -> dict:
    """E[g_a g_b] per sample for all pairs of linear predictors, or of `names`, with g the gradient of the log-likelihood.

    NaN in rows where the integral does not converge: heavy tails, or no expectation at all.
    """
    theta, names = law.layout.theta(eta), names or [name for name in eta if name not in law.layout.known]
    n = len(next(iter(eta.values())))
    params = {
        name: np.broadcast_to(value, (n, *law.layout[name].shape)) if np.ndim(value) == 0 else value
        for name, value in theta.items()
    }
    entries = [(name, None if eta[name].ndim == 1 else k) for name in names for k in range(*np.shape(eta[name])[1:] or (1,))]
    moments: dict = {}
    for i, first in enumerate(entries):
        for second in entries[i:]:

            def product(y, logp, rows, first=first, second=second):
                repeated = {name: np.repeat(value[rows], y.shape[1], axis=0) for name, value in eta.items()}
                gradient = law.evaluate(np.where(law.inside(y), y, law.support.typical[1]).ravel(), repeated, 1).gradient
                pair = (gradient.get(name, np.zeros(y.size)) for name, _ in (first, second))
                left, right = (g if g.ndim == 1 else g[:, k] for g, (_, k) in zip(pair, (first, second), strict=True))
                return np.where(logp > MIN_LOG_DENSITY, (left * right).reshape(y.shape), 0.0)

            moments[first, second] = _expect(law, params, product, indexed=True)
    blocks: dict = {}
    for i, a in enumerate(names):
        for b in names[i:]:
            parts = {k: v for k, v in moments.items() if (k[0][0], k[1][0]) == (a, b)}
            blocks[a, b] = parts[(a, None), (b, None)] if eta[a].ndim == eta[b].ndim == 1 else _stacked(parts, a, b, eta)
    return blocks


def _stacked(parts, a, b, eta):
    """A block (n, Ka, Kb) from its pairs of entries; of a symmetric block, only the upper half is given."""
    width = [1 if eta[name].ndim == 1 else eta[name].shape[1] for name in (a, b)]
    block = np.empty((len(eta[a]), *width))
    for ((_, k), (_, m)), value in parts.items():
        block[:, k or 0, m or 0] = value
        if a == b:
            block[:, m or 0, k or 0] = value
    return block


def _information(law, y, eta: dict, formula: bool) -> dict:
    """Blocks of the expected information per sample by pairs of parameters: by the law's `formula`, else integrated."""
    return _by_formula(law, y, eta) if formula else integrated_information(law, eta)


def _by_formula(law, y, eta) -> dict:
    """The blocks of `evaluate` with information="expected", by `fisher` alone where that is all that it does."""
    if law.fisher is None or overrides(law, "evaluate"):
        return law.evaluate(y, eta, 2, "expected").information
    chain = {name: law.layout[name].link.inverse_derivatives(eta[name]) for name in law.layout.free}
    second = law.fisher(**law.layout.with_given(eta, {name: values[0] for name, values in chain.items()}))
    return {(a, b): value * outer(chain[a][1], chain[b][1]) for (a, b), value in second.items() if a in chain and b in chain}


def information_slopes(law: Law, y: np.ndarray, eta: dict, formula: bool, weights: np.ndarray | None = None) -> np.ndarray:
    """Derivatives of the expected information per sample in the estimated linear predictors, the last axis, by differences.

    Vectors count entry by entry. The steps are a fraction of one, or, where the unit is unknown, of the standard error that the
    row itself would give.

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
    columns: list[np.ndarray] = []
    free = {name: eta[name] for name in law.layout.free}
    with np.errstate(all="ignore"):
        here = _information(law, y, eta, formula)
        for name, value in free.items():
            for k in range(*np.shape(value)[1:] or (1,)):
                step = SLOPE_STEP * _unit(law.layout[name], value, here.get((name, name)))

                def at(m, name=name, k=k, step=step, value=value):
                    blocks = _information(law, y, {**eta, name: _moved(value, k, m * step)}, formula)
                    return _dense(blocks, free) if weights is None else _contracted(blocks, free, weights)

                # an integral costs more than a law's formula, and has fewer digits
                change = 8 * (at(1) - at(-1)) - (at(2) - at(-2)) if formula else 6 * (at(1) - at(-1))
                columns.append(change / (12 * np.reshape(step, (-1, *(1,) * (change.ndim - 1)))))
    return np.stack(columns, axis=-1)


def _unit(parameter, eta, information):
    """The scale of the steps in a linear predictor: a number, or one per sample."""
    if not parameter.location or parameter.vector or information is None:
        return np.ones(1)
    unit = 1 / np.sqrt(information)
    unit = np.where(np.isfinite(unit), unit, 1.0)
    if parameter.stays_inside:
        return unit
    ends = parameter.link.link(np.array([parameter.domain.low, parameter.domain.high]))
    return np.minimum(unit, np.abs(eta[:, None] - ends[np.isfinite(ends)]).min(axis=1, initial=np.inf))


def _moved(eta, k, step):
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
    free, known = {name: eta[name] for name in law.layout.free}, {name: eta[name] for name in law.layout.known}
    observed, expected = (
        _dense(law.evaluate(y, eta, 2, information).information, free) for information in ("observed", "expected")
    )
    if expected_information(law) == "whole" and np.allclose(observed, expected, rtol=MAX_RANDOM_SHARE, atol=0.0):
        return None
    theta, n, size = law.layout.theta(eta), len(y), observed.shape[1]
    params = {
        name: np.broadcast_to(value, (n, *law.layout[name].shape)) if np.ndim(value) == 0 else value
        for name, value in theta.items()
    }
    if expected_information(law) == "whole" and not (law.support.integer or law.atoms):
        result = _of_linear_hessians(law, params, free | known, expected)
    else:
        result = np.full((n, size, size, size), np.nan)
    rows = np.flatnonzero(np.isnan(result).any(axis=(1, 2, 3)))
    if len(rows):
        some = {name: value[rows] for name, value in (free | known).items()}
        result[rows] = _integrated_curvature_score(law, {name: value[rows] for name, value in params.items()}, some, size)
    return result


def _integrated_curvature_score(law, params, eta, size) -> np.ndarray:
    """`curvature_score` by quadrature, or sums over y."""
    free = {name: eta[name] for name in law.layout.free}
    stack = stacking(free)[0]
    result = np.empty((len(next(iter(eta.values()))), size, size, size))
    for a, b, c in np.ndindex(size, size, size):
        if b < a:
            result[:, a, b, c] = result[:, b, a, c]
            continue

        def product(y, logp, rows, a=a, b=b, c=c):
            repeated = {name: np.repeat(value[rows], y.shape[1], axis=0) for name, value in eta.items()}
            point = law.evaluate(np.where(law.inside(y), y, law.support.typical[1]).ravel(), repeated, 2)
            values = -_dense(point.information, {name: repeated[name] for name in free})[:, a, b] * stack(point.gradient)[:, c]
            return np.where(logp > MIN_LOG_DENSITY, values.reshape(y.shape), 0.0)

        result[:, a, b, c] = _expect(law, params, product, indexed=True)
    return result


def _of_linear_hessians(law, params, eta, information) -> np.ndarray:
    """`curvature_score` of rows whose Hessian is a linear function of the score, from their information; NaN in others.

    So it is for every exponential family in any parameters: with h = K g - I, E[h g'] = K I. K is found from h and g at a few
    quantiles of each row. No digit is lost there where a density is steep at an end of its support, as an integral's are.
    """
    free = {name: eta[name] for name in law.layout.free}
    n, size = information.shape[:2]
    levels = np.linspace(0.1, 0.9, size + 3)
    repeated_params, repeated = (
        {name: np.repeat(value, len(levels), axis=0) for name, value in values.items()} for values in (params, eta)
    )
    y = law.ppf(np.tile(levels, n), **repeated_params)
    point = law.evaluate(np.where(law.inside(y), y, law.support.typical[1]), repeated, 2)
    observed = _dense(point.information, {name: repeated[name] for name in free}).reshape(n, len(levels), size**2)
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


def _contracted(blocks: dict, eta: dict, weights) -> np.ndarray:
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
