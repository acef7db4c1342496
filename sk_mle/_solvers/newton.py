"""The damped Newton method of this package.

Conventions: `objective` is a function of one flat vector with `evaluate(x, order, information)`, which returns a `Point`, and
`unbounded(x, value)`; its coordinates have unit curvature at the start, so one unit is a natural length of a step.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.optimize import OptimizeResult

ROUNDING_SLACK = 1e-8  # gain in the mean log-likelihood below which the value need not show it
MIN_STEP_LENGTH = 1e-12  # of a line search whose gain the value shows
SCORING_DECREMENT = 0.1  # twice the promised gain from which the expected information has done its work
MAX_GRADIENT_STEPS, COLUMNS_PER_STEP = 10, 40  # a Hessian of so few columns costs some gradients, of more in proportion
# That tell how fast they fall; slower, and a new preconditioner waits for more of them.
RECENT_GRADIENTS, MAX_FAST_RATE = 5, 0.7
POLISHING_STEPS, POLISHED_SHARE_OF_TOL = 4, 1e-3  # and the share of the tolerance at which they end
GRADIENT_ROUNDING, MAX_CURVATURE = 1e-15, 1e100  # curvature where it overflowed
STEP_TOL = 1e-6  # Newton step from which a minimum is near
RCOND_MIN = 1e-10  # reciprocal condition of the Hessian at which the step tells that
MAX_FLAT_CURVATURE = 1e-3  # along a step, of 1 at the start, below which coordinates may have lost their meaning
SHARE_OF_UNIT_STEP = 1e-3  # that moves the lightest row's linear predictor by one unit
MAX_STEP = 20.0  # where curvature is negative or lost
LOST_CURVATURE_STEP = 1e8  # so long a Newton step is rounding of a singular Hessian, and its direction is too
PASSES_PER_WINDOW, MIN_GAIN_PER_WINDOW = 100, 1e-3  # in which the log-likelihood of all rows should rise by so much
# Way, and share of a step, that hardly lead on; and how many in turn tell of a jump ahead.
MAX_CREEPING_STEP, MAX_CREEPING_STEPS = 1e-2, 3
MAX_CONVERGING_RATIO = 0.2  # ratio of rises, or of gradients, in such a window up to which a fit is on its way to a limit
STEP_GROWTH = 3.0  # of that after a step of this length


def newton(objective, start, *, tol=1e-8, max_iter=100, callback=None, shortest=1e-2, information="expected") -> OptimizeResult:
    """Minimise an objective by Newton steps that are shortened until the value falls.

    Where the objective has a preconditioner, steps are taken with that and with what the gradients add (L-BFGS), each at the
    cost of a pass without Hessian, as long as these are fewer than Hessians are worth.

    Far from the optimum the expected information is used where the law has one (Fisher scoring: positive definite and
    robust), near it the observed (quadratic convergence). Where that is not positive definite, the absolute values of
    its eigenvalues are used. Trial points where anything is not finite only shorten the step.

    Parameters
    ----------
    objective : Objective
    start : ndarray of shape (size,)
    tol : float
        Largest entry of the gradient at the solution.
    max_iter : int
    callback : callable, optional
        Called with an OptimizeResult of `x` and `fun` after every step.
    shortest : float
        Step length below which a line search ends where rounding hides the gain.
    information : {"expected", "observed"}
        With which to begin; a start that is near may ask for the observed at once.

    Returns
    -------
    OptimizeResult
        With `decrement`, twice the gain that the last step promised, `minimum_certified`, whether there is a minimum for
        certain, `flattened`, whether curvature has all but vanished along a step, `stalled`, whether steps hardly gained, and
        `curved`, the last point with a Hessian.
    """
    return _Descent(objective, start, tol, shortest, information).run(max_iter, callback)


def newton_method(fun, x0, args=(), objective=None, tol=1e-8, maxiter=100, callback=None, **unused) -> OptimizeResult:
    """`newton` as a method of `scipy.optimize.minimize`, whose function it leaves alone: `objective` gives all in one pass."""
    return newton(objective, x0, tol=tol, max_iter=maxiter, callback=callback)


class _Descent:
    """One run of `newton`: where it is, and how it takes its steps."""

    def __init__(self, objective, start, tol, shortest, information):
        self.objective, self.tol, self.shortest = objective, tol, shortest
        self.learned = None if objective.preconditioner is None else Learned(objective.preconditioner)
        self.information = information if self.learned is None else "observed"
        self.x, self.point = start, self._evaluate(start)
        self.n_iter, self.decrement, self.longest, self.curved = 0, np.inf, MAX_STEP, None
        self.progress = _Progress(self.point)

    def _evaluate(self, x):
        return self.objective.evaluate(x, 1 if self.learned else 2, self.information)

    def run(self, max_iter, callback) -> OptimizeResult:
        message, certified, flattened = "iteration limit", False, True
        while self.n_iter < max_iter:
            self.n_iter += 1
            if self.objective.unbounded(self.x, self.point.value):
                message = "the likelihood is unbounded"
                break
            if _size(self.point) <= self.tol:
                message, (certified, flattened) = "gradient below tol", self._finish()
                break
            step = self._direction()
            length, trial = self._search_line(step)
            if trial is None:
                if self._drop_preconditioner():
                    continue
                message = "no step lowers the value"
                break
            self._advance(step, length, trial)
            if callback is not None:
                callback(OptimizeResult(x=self.x, fun=self.point.value))
            if self.progress.stalled(self.point, self.objective, step, length):
                message = "the log-likelihood hardly rises any more"
                break
        return OptimizeResult(
            x=self.x,
            fun=self.point.value,
            jac=self.point.gradient,
            nit=self.n_iter,
            message=message,
            success=True,
            decrement=self.decrement,
            minimum_certified=certified,
            flattened=flattened,
            stalled=self.progress.over,
            curved=self.curved or (None if self.learned else self.point),
        )

    def _direction(self):
        """The next step; near the optimum of the observed information."""
        if self.learned:
            step, self.decrement = self.learned.direction(self.point)
            return step
        step, self.decrement = _direction(self.point, self.longest)
        if self.information == "expected" and self.decrement < SCORING_DECREMENT:
            self.information = "observed"
            if self.objective.partly_expected:  # else a scoring step is good enough for the last one
                self.point = self._evaluate(self.x)
                step, self.decrement = _direction(self.point, self.longest)
        return step

    def _search_line(self, step):
        """Length along a step at which the value falls enough, with the point there; None for the point where there is none."""
        before, length = self.point, 1.0
        slack = ROUNDING_SLACK * max(1.0, abs(before.value))
        lost = self.decrement < slack  # rounding of large terms may hide the gain: then the gradient decides
        while length > (self.shortest if lost or self.learned else MIN_STEP_LENGTH):
            x, most = self.x + length * step, before.value - 1e-4 * length * self.decrement
            self.progress.passes += 1
            again = length < 1 and not (lost or self.learned)  # then the value tells of another refusal without derivatives
            trial = self.objective.evaluate(x, 0) if again else self._evaluate(x)
            trial = self._evaluate(x) if again and before.value > trial.value <= most else trial
            sound = trial.finite  # else no step is known from there
            if sound and before.value > trial.value <= most:
                return length, trial
            if lost and trial.value <= before.value + slack and _size(trial) < (1 - length / 2) * _size(before):
                return length, trial
            length *= 0.5 if sound else 0.1
        return length, None

    def _drop_preconditioner(self) -> bool:
        """Whether there was one to drop: first what gradients told, then the preconditioner itself for a Hessian."""
        if not self.learned:
            return False
        if self.learned.pairs:
            self.learned.pairs = []
        else:
            self.learned = None
            self.point = self._evaluate(self.x)
        return True

    def _advance(self, step, length, trial):
        cut = np.abs(step).max(initial=0.0) >= 0.99 * self.longest
        self.longest = STEP_GROWTH * self.longest if cut and length == 1 else MAX_STEP
        x = self.x + length * step
        if self.learned:
            self.learned.learn(length * step, self.point, trial)
            self.learned = self.learned.refreshed(self.objective, x, self.point, trial, self.tol)
            trial = trial if self.learned else self._evaluate(x)
        self.x, self.point = x, trial

    def _finish(self) -> tuple[bool, bool]:
        """Polish; whether there is a minimum for certain, and whether curvature has all but vanished on the way."""
        if self.learned and self.learned.preconditioner.end_with_hessian:
            self.learned = None
            self.point = self._evaluate(self.x)
        hessian, self.curved = self.point.hessian, None if self.learned else self.point
        self._polish()
        if self.learned:
            return self.learned.preconditioner.minimum_certified, self.learned.flattest < MAX_FLAT_CURVATURE
        step_tol = min(STEP_TOL, SHARE_OF_UNIT_STEP * np.sqrt(self.objective.data.least_share))
        certified = _minimum_certified(hessian, self.point.gradient, step_tol)
        return certified, not certified

    def _polish(self):
        """One more step, at the cost of one pass: quadratic convergence doubles the digits. A preconditioner may need more."""
        for _ in range(POLISHING_STEPS if self.learned else 1):
            if _size(self.point) < GRADIENT_ROUNDING:
                break
            step, _ = self.learned.direction(self.point) if self.learned else _direction(self.point)
            better = self.objective.evaluate(self.x + step, 1)
            if not (np.isfinite(better.value) and _size(better) < _size(self.point)):
                break
            if self.learned:
                self.learned.learn(step, self.point, better)
            self.x, self.point = self.x + step, better
            if _size(self.point) < POLISHED_SHARE_OF_TOL * self.tol:
                break


class _Progress:
    """Whether value or gradient still fall noticeably, or converge, from one window of passes over the rows to the next."""

    def __init__(self, point):
        self.last, self.rise, self.passes, self.over = point, np.inf, 0, False
        self.firm, self.creeping = point, 0  # where the last step that led on ended, and how many have followed

    def stalled(self, point, objective, step, length) -> bool:
        on = length >= MAX_CREEPING_STEP or length * np.abs(step).max() >= MAX_CREEPING_STEP
        on = on or objective.data.total_weight * (self.firm.value - point.value) >= MIN_GAIN_PER_WINDOW
        self.firm, self.creeping = (point, 0) if on else (self.firm, self.creeping + 1)
        self.over = self.creeping >= MAX_CREEPING_STEPS
        if self.passes >= PASSES_PER_WINDOW:
            rise = objective.data.total_weight * (self.last.value - point.value)
            crawls = MAX_CONVERGING_RATIO * self.rise < rise < MIN_GAIN_PER_WINDOW
            self.over |= bool(crawls and _size(point) > MAX_CONVERGING_RATIO * _size(self.last))
            self.last, self.rise, self.passes = point, rise, 0
        return self.over


class Learned:
    """Steps from a preconditioner, and from what the gradients tell about the curvature since (L-BFGS)."""

    def __init__(self, preconditioner, hold=1):
        self.preconditioner, self.hold, self.pairs, self.sizes, self.flattest = preconditioner, hold, [], [], np.inf

    def direction(self, point):
        """The step, and twice the decrease that it promises."""
        step, shares = -point.gradient, []
        for move, change, gain in reversed(self.pairs):
            shares.append(float(move @ step) / gain)
            step = step - shares[-1] * change
        step = self.preconditioner.solve(step)
        for (move, change, gain), share in zip(self.pairs, reversed(shares), strict=True):
            step = step + (share - float(change @ step) / gain) * move
        return step, -float(step @ point.gradient)

    def learn(self, move, before, after):
        change = after.gradient - before.gradient
        gain = float(change @ move)
        self.flattest = min(self.flattest, gain / float(move @ move))
        if gain > 1e-10 * np.linalg.norm(change) * np.linalg.norm(move):
            self.pairs.append((move, change, gain))

    def refreshed(self, objective, x, before, after, tol) -> Learned | None:
        """Itself while it converges fast enough, with a new preconditioner where that is cheap, else None."""
        cost = self.preconditioner.refresh_passes
        window = RECENT_GRADIENTS if cost > RECENT_GRADIENTS else 2
        self.sizes = [*(self.sizes or [_size(before)]), _size(after)][-window:]
        if self.sizes[-1] <= tol or len(self.pairs) < self.hold:
            return self
        rate = min((self.sizes[-1] / self.sizes[0]) ** (1 / (len(self.sizes) - 1)), 1 - 1e-9)
        passes = np.log(tol / self.sizes[-1]) / np.log(rate)
        most = MAX_GRADIENT_STEPS * (1 + len(x) / COLUMNS_PER_STEP) if cost == np.inf else cost
        if passes <= most:
            return self
        if cost == np.inf:
            return None
        try:
            other = Learned(self.preconditioner.refreshed(objective, x), 1 if rate < MAX_FAST_RATE else 2 * self.hold)
        except linalg.LinAlgError:  # not positive definite
            return None
        other.flattest = self.flattest
        return other


def _size(point):
    return np.abs(point.gradient).max(initial=0.0)


def _minimum_certified(hessian, gradient, step_tol) -> bool:
    """Whether the minimum is close for certain.

    Where there is none, as for separated data, a Newton step moves some linear predictors by about one unit however small the
    gradient has become, because the curvature falls with it: coordinates by more than `step_tol`, if these rows are not too
    light.
    """
    if not len(gradient):
        return True
    factor, step, fail = linalg.lapack.dposv(hessian, -gradient)
    if fail or not np.abs(step).max() < step_tol:
        return False
    norm = np.abs(hessian).sum(axis=0).max()
    return bool(linalg.lapack.dpocon(factor, norm, uplo="U")[0] > RCOND_MIN)


def _direction(point, longest=MAX_STEP):
    """The Newton step, and twice the decrease that it promises; up to `longest` where the Hessian does not tell its length."""
    _, step, fail = linalg.lapack.dposv(point.hessian, -point.gradient)
    decrement = -float(step @ point.gradient)
    if not fail and np.abs(step).max(initial=0.0) < LOST_CURVATURE_STEP and decrement > 0:
        return step, decrement
    hessian = np.nan_to_num(point.hessian)
    scale = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-300))  # so that a steep coordinate does not hide a flat one
    with np.errstate(all="ignore"):
        values, vectors = linalg.eigh(np.clip(np.nan_to_num(hessian / np.outer(scale, scale)), -MAX_CURVATURE, MAX_CURVATURE))
    size = np.maximum(np.abs(values), 1e-8 * max(np.abs(values).max(), 1e-300))
    step = -vectors @ ((vectors.T @ (point.gradient / scale)) / size) / scale
    step *= min(1.0, longest / max(np.abs(step).max(), 1e-300))
    return step, -float(step @ point.gradient)
