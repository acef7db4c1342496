"""Expected information and third moments of the score: by quadrature or sums over y where a law has no formula."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from ..._utils.differences import stacking
from ..._utils.repeated import filled, repeated_value
from .algebra import Eval, outer, plus
from .facts import expected_information, overrides, resolved
from .forms import Form
from .law import Law
from .quadrature import expect

MIN_LOG_DENSITY = -300.0  # log-density below which derivatives may overflow and are left out
# Points per linear predictor, where one or two differ between rows; largest of the last coefficients, relative to the values.
INTERPOLATION_POINTS, INTERPOLATION_TOL = {1: (24, 48), 2: (24, 40)}, 1e-11
DERIVATIVE_STEP = 4e-3  # of differences of the information, whose error is then about 1e-11
SAMPLES_OF_PILOT = 8  # by which the time of integrals is told
MAX_NONLINEAR_SHARE = 1e-9  # distance of a Hessian from a linear function of the score, relative, up to which it counts as one
MAX_RANDOM_SHARE = 1e-9  # difference of observed and expected information, relative, up to which they count as equal


class BesideAtoms(NamedTuple):
    """What a law is beside some points whose probability is its own: a share times another law.

    Attributes
    ----------
    atoms : tuple of float
        The points.
    share : Eval
        The log of the share, with its derivatives.
    law : Likelihood
        The other law. Its parameters are some of the law's; its own probability of the points does not count.
    """

    atoms: tuple[float, ...]
    share: Eval
    law: Law


# `form(law, eta) -> BesideAtoms`, whose law has expectations in fewer linear predictors. By default None.
beside_atoms = Form()


def integrated_information(law: Law, eta: dict, names: list[str] | None = None) -> dict:
    """E[g_a g_b] per sample for all pairs of linear predictors, or of `names`, with g the gradient of the log-likelihood.

    NaN in rows where the integral does not converge: heavy tails, or no expectation at all.
    """
    names = names or [name for name in eta if name not in law.layout.known]
    places = stacking({name: eta[name] for name in names})[2]
    matrix = _score_moments(law, eta, names, 1)[0]
    blocks = {}
    for i, a in enumerate(names):
        for b in names[i:]:
            block = matrix[:, places[a], places[b]]
            blocks[a, b] = block[:, 0, 0] if eta[a].ndim == eta[b].ndim == 1 else block
    return blocks


def _score_moments(law: Law, eta: dict, names: list[str], order: int) -> list[np.ndarray]:
    """E[g_a g_b] and, with `order` 2, E[h_ab g_c] and E[g_a g_b g_c], of gradient g and Hessian h in the predictors `names`."""
    form = beside_atoms.of(law)
    if form is None:
        return _integrated_moments(law, eta, names, order)
    atoms, share, other = form(resolved(law), eta)
    free = {name: eta[name] for name in names}
    total = _times(np.exp(share.loglik), _with_share(other, share, eta, free, order))
    for atom in atoms:
        y = np.full(len(share.loglik), atom)
        total = _sum(total, _point_mass(law.evaluate(y, eta, order), free, order))
        if (other.support.integer or atom in other.support.atoms) and other.inside(y[:1]).all():
            other_mass = plus(share, other.evaluate(y, eta, order))
            total = _sum(total, _times(-1.0, _point_mass(other_mass, free, order)))
    return total


def _with_share(other: Law, share: Eval, eta: dict, free: dict, order: int) -> list[np.ndarray]:
    """`_score_moments` of a law times a share, by those of the law, whose expected gradient is zero."""
    square, *third = _moments_inside(other, eta, free, order)
    a, A = _derivatives(share, free)
    total = [square + a[:, :, None] * a[:, None, :]]
    if order == 1:
        return total
    mixed, cube = third
    cross = a[:, :, None, None] * square[:, None]
    cube = cube + cross + cross.transpose(0, 2, 1, 3) + cross.transpose(0, 2, 3, 1)
    return [*total, mixed + (A - square)[..., None] * a[:, None, None], cube + np.einsum("na,nb,nc->nabc", a, a, a)]


def _moments_inside(other: Law, eta: dict, free: dict, order: int) -> list[np.ndarray]:
    """`_score_moments` of a law that has some of the linear predictors `free`, with zeros for the others."""
    _, _, places = stacking(free)
    size, n = max(place.stop for place in places.values()), len(next(iter(free.values())))
    result = [np.zeros((n, *(size,) * k)) for k in (2, 3, 3)[: 2 * order - 1]]
    if names := [name for name in free if name in other.layout.free]:
        inner = {name: eta[name] for name in other.parameters if name in eta}
        index = np.concatenate([np.arange(places[name].start, places[name].stop) for name in names])
        for part, moments in zip(result, _score_moments(other, inner, names, order), strict=True):
            part[np.ix_(np.arange(n), *(index,) * (part.ndim - 1))] = moments
    return result


def _point_mass(part: Eval, free: dict, order: int) -> list[np.ndarray]:
    """What a value of y, of which `part` is the Eval, adds to `_score_moments`."""
    g, h = _derivatives(part, free)
    mass, square = np.exp(part.loglik), g[:, :, None] * g[:, None, :]
    third = [h[..., None] * g[:, None, None], square[..., None] * g[:, None, None]] if order == 2 else []
    return _times(mass, [square, *third])


def _times(mass: Any, moments: list[np.ndarray]) -> list[np.ndarray]:
    return [np.einsum("n,n...->n...", np.broadcast_to(mass, len(part)), part) for part in moments]


def _sum(total: list[np.ndarray], moments: list[np.ndarray]) -> list[np.ndarray]:
    return [one + other for one, other in zip(total, moments, strict=True)]


def _integrated_moments(law: Law, eta: dict, names: list[str], order: int) -> list[np.ndarray]:
    """`_score_moments` by an integral over y, in one for all moments; of symmetric entries one is integrated."""
    n, places = len(next(iter(eta.values()))), stacking({name: eta[name] for name in names})[2]
    size = max(place.stop for place in places.values())
    left, right = np.triu_indices(size)

    def moments(g: np.ndarray, h: np.ndarray) -> np.ndarray:
        square = g[:, left] * g[:, right]
        if order == 1:
            return square
        factors = np.concatenate([np.ones((len(g), 1)), g], axis=1)
        return np.stack([square, h[:, left, right]], axis=1)[..., None] * factors[:, None, None]

    shape = (1, len(left), 1) if order == 1 else (2, len(left), 1 + size)
    values = _expected_of(law, eta, names, order, moments, int(np.prod(shape))).reshape(n, *shape)
    matrices = np.empty((n, shape[0], size, size, shape[2]))
    matrices[:, :, left, right] = matrices[:, :, right, left] = values
    square = matrices[:, 0, ..., 0]
    return [square] if order == 1 else [square, matrices[:, 1, ..., 1:], matrices[:, 0, ..., 1:]]


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
        g, h = _derivatives(point, {name: repeated[name] for name in names})
        result = np.reshape(moments(g, h), (*y.shape, -1) if width > 1 else y.shape)
        return np.where((logp[..., None] if width > 1 else logp) > MIN_LOG_DENSITY, result, 0.0)

    return expect(law, params, values, indexed=True, width=width).reshape(n, width)


def _derivatives(part: Eval, free: dict) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (n, D) and Hessian (n, D, D) in the linear predictors `free`."""
    g = stacking(free)[0]({name: np.zeros(np.shape(value)) for name, value in free.items()} | part.gradient)
    return g, -_dense(part.information, free)


def seconds_of_integrals(law: Law, eta: dict, n: int, varying: set[str]) -> float:
    """CPU seconds that the information of n samples and its derivatives take at most where both are integrated.

    By a few of the samples at hand, of linear predictors `eta`. Those named in `varying` differ between samples in a fit.
    """
    last = len(next(iter(eta.values()))) - 1
    some = {name: value[np.linspace(0, last, SAMPLES_OF_PILOT).astype(int)] for name, value in eta.items()}
    form, inner = beside_atoms.of(law), law
    begin = process_time()
    with np.errstate(all="ignore"):
        integrated_information(law, some)
        integrated_third_moments(law, some)
        inner = law if form is None else form(resolved(law), some).law
    at_most = min(n, sum(INTERPOLATION_POINTS[1])) if len(varying & set(inner.parameters)) < 2 else n
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
            slopes, _ = integrated_third_moments(law, eta)
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


def integrated_third_moments(law: Law, eta: dict) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of E[g_a g_b] in c, E[h_ac g_b + h_bc g_a + g_a g_b g_c], and E[h_ab g_c], both (n, D, D, D)."""
    _, mixed, cube = _score_moments(law, eta, list(law.layout.free), 2)
    crossed = mixed.transpose(0, 1, 3, 2)
    return crossed + crossed.transpose(0, 2, 1, 3) + cube, mixed


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
        _, result[rows] = integrated_third_moments(law, some)
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
