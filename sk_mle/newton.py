"""The damped Newton method of this package."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.optimize import OptimizeResult

_LOST = 1e-8  # gain in the mean log-likelihood below which the value need not show it
_PATIENCE, _FEW = 10, 40  # a Hessian of so few columns costs as much as a few gradients, of more in proportion
_RECENT = 5  # gradients that tell how fast they fall
_FAST = 0.7  # rate of convergence; slower, and the new curvature of a point has to wait for more gradients
_STEPS, _SHARP = 4, 1e-3  # by which the gradient should end below its tolerance
_HUGE = 1e100  # curvature, where it overflowed
_ZERO = 1e-15  # gradient of rounding alone
_CLOSE, _TOLD = 1e-6, 1e-10  # step from which a minimum is near, and the Hessian's reciprocal condition at which it tells that
_FLAT = 1e-3  # curvature along a step, of 1 at the start, below which coordinates may have lost their meaning
_SHARE = 1e-3  # of the step that moves the lightest row's linear predictor by one unit
_LONGEST = 20.0  # longest step where curvature is negative or lost; coordinates have unit curvature at the start
_GROWTH = 3.0  # of that after a step of this length


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

    Where the objective knows its curvature near the solution beforehand, steps are taken with that and with what the
    gradients add, each at the cost of a pass without Hessian, as long as these are fewer than Hessians are worth.

    Far from the optimum the expected information is used where the law has one (Fisher scoring: positive definite and
    robust), near it the observed (quadratic convergence). Where that is not positive definite, the absolute values of
    its eigenvalues are used. A start that is near already may ask for the observed at
    once. Steps are halved until the value falls; non-finite trial values only shorten the step.
    """
    known = None if objective.curvature is None else Learned(objective.curvature)
    objective.information = information if known is None else "observed"
    x, point = x0, objective.evaluate(x0, 1 if known else 2)
    message, n_iter, decrement, settled, flattened, longest = "iteration limit", 0, np.inf, False, True, _LONGEST
    curved = None
    while n_iter < maxiter:
        n_iter += 1
        if objective.unbounded(x, point.value):
            message = "the likelihood is unbounded"
            break
        if _size(point) <= tol:
            message = "gradient below tol"
            if known and known.curvature.finish:
                known, point = None, objective.evaluate(x, 2)
            hessian, curved = point.hessian, None if known else point
            x, point = _polish(objective, x, point, known, tol)
            least = min(_CLOSE, _SHARE * np.sqrt(objective.data.least_share))
            settled = known.curvature.settled if known else _settled(hessian, point.gradient, least)
            flattened = known.flattest < _FLAT if known else not settled
            break
        step, decrement = known.direction(point) if known else _direction(point, longest)
        if objective.information == "expected" and decrement < 0.1:
            objective.information = "observed"
            if objective.partly_expected:  # else a scoring step is good enough for the last one
                point = objective.evaluate(x, 2)
                step, decrement = _direction(point, longest)
        length, trial = _along(objective, x, point, step, decrement, known is not None, shortest)
        if trial is None:
            if known and known.pairs:
                known.pairs = []
                continue
            if known:
                known, point = None, objective.evaluate(x, 2)
                continue
            message = "no step lowers the value"
            break
        cut = np.abs(step).max(initial=0.0) >= 0.99 * longest
        longest = _GROWTH * longest if cut and length == 1 else _LONGEST
        if known:
            known.learn(length * step, point, trial)
            known = known.renewed(x + length * step, point, trial, tol)
            trial = trial if known else objective.evaluate(x + length * step, 2)
        x, point = x + length * step, trial
        if callback is not None:
            callback(OptimizeResult(x=x, fun=point.value))
    objective.information = "observed"
    return OptimizeResult(
        x=x,
        fun=point.value,
        jac=point.gradient,
        nit=n_iter,
        message=message,
        success=True,
        decrement=decrement,
        settled=settled,
        flattened=flattened,
        curved=curved or (None if known else point),
    )


def _along(objective, x, point, step, decrement, known, shortest):
    """Length along a step at which the value falls enough, with the point there; None for the point where there is none."""
    slack, length = _LOST * max(1.0, abs(point.value)), 1.0
    lost = decrement < slack  # rounding of large terms may hide the gain: then the gradient decides
    while length > (shortest if lost or known else 1e-12):
        trial = objective.evaluate(x + length * step, 1 if known else 2)
        sound = trial.finite  # else no step is known from there
        if sound and trial.value < point.value and trial.value <= point.value - 1e-4 * length * decrement:
            return length, trial
        if sound and lost and trial.value <= point.value + slack and _size(trial) < (1 - length / 2) * _size(point):
            return length, trial
        length *= 0.5 if sound else 0.1
    return length, None


class Learned:
    """Steps from a curvature that is known beforehand, and from what the gradients tell about it since (L-BFGS)."""

    def __init__(self, curvature, hold=1):
        self.curvature, self.hold, self.pairs, self.sizes, self.flattest = curvature, hold, [], [], np.inf

    def direction(self, point):
        """The step, and twice the decrease that it promises."""
        step, shares = -point.gradient, []
        for move, change, gain in reversed(self.pairs):
            shares.append(float(move @ step) / gain)
            step = step - shares[-1] * change
        step = self.curvature.solve(step)
        for (move, change, gain), share in zip(self.pairs, reversed(shares), strict=True):
            step = step + (share - float(change @ step) / gain) * move
        return step, -float(step @ point.gradient)

    def learn(self, move, before, after):
        change = after.gradient - before.gradient
        gain = float(change @ move)
        self.flattest = min(self.flattest, gain / float(move @ move))
        if gain > 1e-10 * np.linalg.norm(change) * np.linalg.norm(move):
            self.pairs.append((move, change, gain))

    def renewed(self, x, before, after, tol) -> Learned | None:
        """Itself while it converges fast enough, with its curvature of the new point where that is cheap, else None."""
        dear, window = self.curvature.costs == np.inf, _RECENT if self.curvature.costs > _RECENT else 2
        self.sizes = [*(self.sizes or [_size(before)]), _size(after)][-window:]
        rate = min((self.sizes[-1] / self.sizes[0]) ** (1 / (len(self.sizes) - 1)), 1 - 1e-9)
        passes = np.log(min(tol / _size(after), 1.0)) / np.log(rate)
        if passes <= (_PATIENCE * (1 + len(x) / _FEW) if dear else self.curvature.costs) or len(self.pairs) < self.hold:
            return self
        try:
            if dear:
                return None
            other = Learned(self.curvature.renewed(x), 1 if rate < _FAST else 2 * self.hold)
            other.flattest = self.flattest
            return other
        except linalg.LinAlgError:  # not positive definite
            return None


def _size(point):
    return np.abs(point.gradient).max(initial=0.0)


def _settled(hessian, gradient, least) -> bool:
    """Whether the minimum is close for certain.

    Where there is none, as for separated data, a Newton step moves some linear predictors by about one unit however small the
    gradient has become, because the curvature falls with it: coordinates by more than `least`, if these rows are not too light.
    """
    if not len(gradient):
        return True
    factor, step, fail = linalg.lapack.dposv(hessian, -gradient)
    if fail or not np.abs(step).max() < least:
        return False
    norm = np.abs(hessian).sum(axis=0).max()
    return bool(linalg.lapack.dpocon(factor, norm, uplo="U")[0] > _TOLD)


def _direction(point, longest=_LONGEST):
    """The Newton step, and twice the decrease that it promises; up to `longest` where the Hessian does not tell its length."""
    _, step, fail = linalg.lapack.dposv(point.hessian, -point.gradient)
    decrement = -float(step @ point.gradient)
    if not fail and np.isfinite(step).all() and decrement > 0:
        return step, decrement
    hessian = np.nan_to_num(point.hessian)
    scale = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-300))  # so that a steep coordinate does not hide a flat one
    with np.errstate(all="ignore"):
        values, vectors = linalg.eigh(np.clip(np.nan_to_num(hessian / np.outer(scale, scale)), -_HUGE, _HUGE))
    size = np.maximum(np.abs(values), 1e-8 * max(np.abs(values).max(), 1e-300))
    step = -vectors @ ((vectors.T @ (point.gradient / scale)) / size) / scale
    step *= min(1.0, longest / max(np.abs(step).max(), 1e-300))
    return step, -float(step @ point.gradient)


def _polish(objective, x, point, known, tol):
    """One more step, at the cost of one pass: quadratic convergence doubles the digits. A learned curvature may need more."""
    for _ in range(_STEPS if known else 1):
        if _size(point) < _ZERO:
            break
        step, _ = known.direction(point) if known else _direction(point)
        better = objective.evaluate(x + step, 1)
        if not (np.isfinite(better.value) and _size(better) < _size(point)):
            break
        if known:
            known.learn(step, point, better)
        x, point = x + step, better
        if _size(point) < _SHARP * tol:
            break
    return x, point
