"""Derivatives where a parameter is so close to the edge of its domain that the formulas of its law overflow.

A log-likelihood becomes a straight line in the linear predictor there: constant for a count of zero whose mean vanishes, of
slope y for another. So its derivatives are those of a nearer point, where the formulas still hold, if the line through that
point meets the value.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...domains import REAL
from .algebra import Eval, rows

TRUSTED_ETAS = (170.0, 85.0, 40.0, 20.0)  # linear predictors; exp of the first has a fourth power
MAX_LINE_ERROR = 1e-8  # error of the line, in units of the log-likelihood, and relative to it


def bounded(law, y, eta: dict, found: Eval, evaluate: Callable) -> Eval:
    """What `evaluate` found, with no log-likelihood that is not a number: the limit, or -inf where no mass is left."""
    if not np.isnan(np.add.reduce(found.loglik)):
        return found
    found = completed(law, y, eta, found, evaluate=evaluate)
    return found._replace(loglik=np.where(np.isnan(found.loglik), -np.inf, found.loglik))


def completed(law, y, eta: dict, found: Eval, information: str = "observed", evaluate: Callable | None = None) -> Eval:
    """What `evaluate`, by default the law's, found, with numbers in the rows where derivatives, or all of it, are none."""
    evaluate = evaluate or law.evaluate
    edged = [name for name in law.free if law.parameter(name).link.range != REAL]
    value = found.loglik.copy()
    gradient = {name: part.copy() for name, part in found.gradient.items()}
    second = {pair: part.copy() for pair, part in found.information.items()}
    for reach in TRUSTED_ETAS:
        mask = ~_whole(value, gradient, second) & ~np.isneginf(value)
        if not (mask.any() and edged):
            break
        lost, at = np.flatnonzero(mask), rows(eta, mask)
        near = at | {name: np.clip(at[name], -reach, reach) for name in edged}
        part = evaluate(y[lost], near, 2, information)
        line, curvature = part.loglik.copy(), np.zeros(len(lost))
        with np.errstate(all="ignore"):
            for name in edged:
                move = at[name] - near[name]
                if name in part.gradient:
                    line += _summed(part.gradient[name] * move)
                if (name, name) in part.information:
                    curvature += np.abs(_summed(part.information[name, name] * (move**2 if move.ndim == 1 else 0.0)))
            unknown, error = np.isnan(value[lost]), MAX_LINE_ERROR * np.maximum(1.0, np.abs(line))
            gap = np.where(unknown, curvature, np.abs(line - value[lost]))
            rises = unknown & (line > part.loglik + error)  # without end, for all that is known: no solver may go there
            good = _whole(line, part.gradient, part.information) & (gap <= error) & ~rises
        kept = lost[good]
        value[kept] = np.where(np.isnan(value[kept]), line[good], value[kept])
        for name in gradient:
            gradient[name][kept] = part.gradient[name][good] if name in part.gradient else 0.0
        for pair in second:
            second[pair][kept] = part.information[pair][good] if pair in part.information else 0.0
    return Eval(value, gradient, second)


def _whole(value, gradient, second) -> np.ndarray:
    """Rows in which everything is a finite number."""
    result = np.isfinite(value)
    for part in (*gradient.values(), *second.values()):
        result &= np.isfinite(part.reshape(len(part), -1)).all(axis=1)
    return result


def _summed(values):
    return values.reshape(len(values), -1).sum(axis=1)
