"""The damped Newton method of this package."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.optimize import OptimizeResult

_LOST = 1e-8  # gain in the mean log-likelihood below which the value need not show it
_LONGEST = 20.0  # longest step where curvature is negative or lost; coordinates have unit curvature at the start


def newton(
    fun,
    x0,
    args=(),
    jac=None,
    hess=None,
    objective=None,
    tol=1e-8,
    maxiter=100,
    callback=None,
    shortest=1e-2,
    information="expected",
    **unused,
):
    """Damped Newton method, as a callable for `scipy.optimize.minimize`.

    Far from the optimum the expected information is used where the law has one (Fisher scoring: positive definite and
    robust), near it the observed (quadratic convergence). Where that is not positive definite, the absolute values of
    its eigenvalues are used. A start that is near already may ask for the observed at
    once. Steps are halved until the value falls; non-finite trial values only shorten the step.
    """
    objective.information = information
    x, point = x0, objective.evaluate(x0, 2)
    message, n_iter, decrement = "iteration limit", 0, np.inf
    while n_iter < maxiter:
        n_iter += 1
        if objective.unbounded(x, point.value):
            message = "the likelihood is unbounded"
            break
        if _size(point) <= tol:
            message = "gradient below tol"
            x, point = _polish(objective, x, point)
            break
        step, decrement = _direction(point)
        if objective.information == "expected" and decrement < 0.1:
            objective.information = "observed"
            point = objective.evaluate(x, 2)
            step, decrement = _direction(point)
        slack, length = _LOST * max(1.0, abs(point.value)), 1.0
        lost = decrement < slack  # rounding of large terms may hide the gain: then the gradient decides
        while length > (shortest if lost else 1e-12):
            trial = objective.evaluate(x + length * step, 2)
            if trial.value < point.value and trial.value <= point.value - 1e-4 * length * decrement:
                break
            if lost and trial.value <= point.value + slack and _size(trial) < (1 - length / 2) * _size(point):
                break
            length *= 0.5 if np.isfinite(trial.value) else 0.1
        else:
            message = "no step lowers the value"
            break
        x, point = x + length * step, trial
        if callback is not None:
            callback(OptimizeResult(x=x, fun=point.value))
    objective.information = "observed"
    return OptimizeResult(
        x=x, fun=point.value, jac=point.gradient, nit=n_iter, message=message, success=True, decrement=decrement
    )


def _size(point):
    return np.abs(point.gradient).max(initial=0.0)


def _direction(point):
    """The Newton step, and twice the decrease that it promises."""
    try:
        step = -linalg.cho_solve(linalg.cho_factor(point.hessian, lower=True), point.gradient)
        decrement = -float(step @ point.gradient)
        if np.isfinite(step).all() and decrement > 0:
            return step, decrement
    except (linalg.LinAlgError, ValueError):
        pass
    hessian = np.nan_to_num(point.hessian)
    scale = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-300))  # so that a steep coordinate does not hide a flat one
    values, vectors = linalg.eigh(hessian / np.outer(scale, scale))
    size = np.maximum(np.abs(values), 1e-8 * max(np.abs(values).max(), 1e-300))
    step = -vectors @ ((vectors.T @ (point.gradient / scale)) / size) / scale
    step *= min(1.0, _LONGEST / max(np.abs(step).max(), 1e-300))
    return step, -float(step @ point.gradient)


def _polish(objective, x, point):
    """One more step, at the cost of one pass: quadratic convergence doubles the digits."""
    step, _ = _direction(point)
    better = objective.evaluate(x + step, 1)
    if np.isfinite(better.value) and _size(better) < _size(point):
        return x + step, better
    return x, point
