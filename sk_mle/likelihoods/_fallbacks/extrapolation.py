"""Derivatives at parameters so close to the edge of their domain that a law's formulas overflow.

There the log-likelihood is a straight line in the linear predictor: constant for a count of zero whose mean vanishes, of
slope y for another. So its derivatives are those at a point further inside, where the formulas hold, if the line through
that point meets the value.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...domains import REAL
from .algebra import Eval, select_rows
from .law import Law

TRUSTED_ETAS = (170.0, 85.0, 40.0, 20.0)  # |linear predictor| at which formulas may hold; exp(4 * 170) is a float
MAX_LINE_ERROR = 1e-8  # error of the line, absolute up to |loglik| = 1, then relative


def without_nan(law: Law, y: np.ndarray, eta: dict, evaluated: Eval, evaluate: Callable) -> Eval:
    """The Eval with every log-likelihood that is NaN replaced by its limit, or by -inf where no probability is left."""
    if not np.isnan(np.add.reduce(evaluated.loglik)):
        return evaluated
    evaluated = extrapolated_evaluation(law, y, eta, evaluated, evaluate=evaluate)
    return evaluated._replace(loglik=np.where(np.isnan(evaluated.loglik), -np.inf, evaluated.loglik))


def extrapolated_evaluation(
    law: Law, y: np.ndarray, eta: dict, evaluated: Eval, information: str = "observed", evaluate: Callable | None = None
) -> Eval:
    """The Eval with values and derivatives extrapolated in the rows where some are not finite.

    `evaluate`, by default the law's, made it; it is called again at points further inside the domains.
    """
    evaluate = evaluate or law.evaluate
    with_edges = [name for name in law.layout.free if law.layout[name].link.range != REAL]
    value = evaluated.loglik.copy()
    gradient = {name: part.copy() for name, part in evaluated.gradient.items()}
    second = {pair: part.copy() for pair, part in evaluated.information.items()}
    for reach in TRUSTED_ETAS:
        mask = ~_all_finite(value, gradient, second) & ~np.isneginf(value)
        if not (mask.any() and with_edges):
            break
        rows, at = np.flatnonzero(mask), select_rows(eta, mask)
        near = at | {name: np.clip(at[name], -reach, reach) for name in with_edges}
        part = evaluate(y[rows], near, 2, information)
        line, curvature = part.loglik.copy(), np.zeros(len(rows))
        with np.errstate(all="ignore"):
            for name in with_edges:
                move = at[name] - near[name]
                if name in part.gradient:
                    line += _row_sums(part.gradient[name] * move)
                if (name, name) in part.information:
                    curvature += np.abs(_row_sums(part.information[name, name] * (move**2 if move.ndim == 1 else 0.0)))
            unknown, error = np.isnan(value[rows]), MAX_LINE_ERROR * np.maximum(1.0, np.abs(line))
            gap = np.where(unknown, curvature, np.abs(line - value[rows]))
            rises = unknown & (line > part.loglik + error)  # perhaps without end: a solver must not be led there
            good = _all_finite(line, part.gradient, part.information) & (gap <= error) & ~rises
        kept = rows[good]
        value[kept] = np.where(np.isnan(value[kept]), line[good], value[kept])
        for name in gradient:
            gradient[name][kept] = part.gradient[name][good] if name in part.gradient else 0.0
        for pair in second:
            second[pair][kept] = part.information[pair][good] if pair in part.information else 0.0
    return Eval(value, gradient, second)


def _all_finite(value: np.ndarray, gradient: dict, second: dict) -> np.ndarray:
    """Mask of the rows in which value and derivatives are all finite."""
    result = np.isfinite(value)
    for part in (*gradient.values(), *second.values()):
        result &= np.isfinite(part.reshape(len(part), -1)).all(axis=1)
    return result


def _row_sums(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1).sum(axis=1)
