"""The damped Newton method.

Flat vector: x holds the coordinates of all parameters, one block after the other (`_model/objective.py` states the layout);
they have unit curvature at the start, so one unit is a natural step length. `objective` has `evaluate(x, order, information)`,
which returns a `Point`, `unbounded(x, value)`, `preconditioner`, `partly_expected` and `data`; it may have
`largest_share(x, step)`, the share up to which a step is trusted. The value is a loss: lower is better.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg
from scipy.optimize import OptimizeResult

if TYPE_CHECKING:
    from .._model.objective import Objective

ROUNDING_SLACK = 1e-8  # gain in the mean log-likelihood that the rounding of the value may hide
MIN_STEP_LENGTH = 1e-12  # shortest step of a line search whose gain exceeds rounding
SCORING_DECREMENT = 0.1  # twice the predicted gain below which the observed information replaces the expected
MAX_GRADIENT_STEPS, COLUMNS_PER_STEP = 10, 40  # L-BFGS steps worth one Hessian; one more per so many columns
MAX_PAIRS = 20  # of steps and gradient changes that L-BFGS keeps
# Gradients from which the rate of convergence is estimated; above that rate a new preconditioner waits for more of them, and
# the last step is checked.
RECENT_GRADIENTS, MAX_FAST_RATE = 5, 0.7
POLISHING_STEPS, POLISHED_SHARE_OF_TOL = 4, 1e-3  # steps of polishing are evaluated down to this share of the tolerance
MIN_POLISHED_SHARE_OF_TOL = 1e-6  # and none is below this one
# Rate of convergence, and share of the tolerance, up to which the gradient after a step is foreseen, and needs no evaluation.
MAX_RATE_TO_FORESEE, FORESEEN_SHARE_OF_TOL = 0.1, 0.05
GRADIENT_ROUNDING, MAX_CURVATURE = 1e-15, 1e100  # entries of an overflowed Hessian are clipped at the latter
STEP_TOL = 1e-6  # largest Newton step at a certified minimum
STEP_TOL_WITHOUT_RATE = 1e-9  # over which the value is quadratic to its rounding, whatever the steps before it
RCOND_MIN = 1e-10  # smallest reciprocal condition number of its Hessian
# Of a Hessian scaled to a diagonal of ones: smallest eigenvalue of its replacement, relative to the largest, and pivot.
MIN_EIGENVALUE, MIN_PIVOT = 1e-8, 1e-10
MAX_FLAT_CURVATURE = 1e-3  # curvature along a step, 1 at the start, below which coordinates may need new scales
SHARE_OF_UNIT_STEP = 1e-3  # of the step that moves the lightest row's linear predictor by one unit
MAX_SHARE_OF_UNIT_STEP = 0.1  # of that step, over which a Hessian may be kept
TINY_CURVATURE = 1e-200  # of a Hessian that is zero, as of a linear objective; a step over it is still a number
MAX_STEP = 20.0  # largest entry of a step if the Hessian is not positive definite
MAX_RELIABLE_STEP = 1e8  # Newton step from which its direction is rounding error of a singular Hessian
PASSES_PER_WINDOW, MIN_GAIN_PER_WINDOW = 100, 1e-3  # passes over the rows in which the total log-likelihood should gain this
# Step, or share of one, that makes no progress; and the number of such steps in turn that ends a fit.
MAX_CREEPING_STEP, MAX_CREEPING_STEPS = 1e-2, 3
MAX_CONVERGING_RATIO = 0.2  # ratio of gains, or of gradients, from one window to the next up to which a fit converges
STEP_GROWTH = 3.0  # factor of the largest step allowed after a full step of that size


def newton(
    objective: Any,
    start: np.ndarray,
    *,
    tol: float = 1e-8,
    max_iter: int = 100,
    callback: Callable | None = None,
    min_step_length: float = 1e-2,
    information: str = "expected",
) -> OptimizeResult:
    """Minimise an objective by Newton steps with a backtracking line search.

    If the objective has a preconditioner, L-BFGS steps are taken, each at the cost of a pass without Hessian, as long as they
    are expected to cost less than Hessians would.

    Far from the optimum the expected information is used if the law has one (Fisher scoring: positive definite and
    robust), near it the observed information (quadratic convergence). If that is not positive definite, the absolute values
    of its eigenvalues are used. A trial point that is not finite shortens the step.

    Parameters
    ----------
    objective : Objective
    start : ndarray of shape (size,)
    tol : float
        Largest entry of the gradient at the solution.
    max_iter : int
    callback : callable, optional
        Called with an OptimizeResult of `x` and `fun` after every step.
    min_step_length : float
        Step length at which a line search ends if rounding hides the gain.
    information : {"expected", "observed"}
        Information of the first steps; "observed" suits a start near the optimum.

    Returns
    -------
    OptimizeResult
        With `decrement`, twice the gain that the quadratic model predicted for the last step; `minimum_certified`, whether a
        minimum is certain to exist; `curvature_vanished`, whether curvature nearly vanished along a step; `stalled`, whether
        the last steps made no progress; `hessian_point`, the last point with a Hessian; and `jac` and its largest entry,
        `gradient_size`, at the last point evaluated, or at the end of a last step that needs no evaluation, by the rate of
        convergence.
    """
    return _Descent(objective, start, tol, min_step_length, information).run(max_iter, callback)


def newton_method(
    fun: Any,
    x0: np.ndarray,
    args: tuple = (),
    objective: Any = None,
    tol: float = 1e-8,
    maxiter: int = 100,
    callback: Callable | None = None,
    **unused: Any,
) -> OptimizeResult:
    """`newton` as a method of `scipy.optimize.minimize`; `fun` is not called, since `objective` gives all in one pass."""
    return newton(objective, x0, tol=tol, max_iter=maxiter, callback=callback)


class _Descent:
    """One run of `newton`: its current point and the steps."""

    def __init__(self, objective: Objective, start: np.ndarray, tol: float, min_step_length: float, information: str) -> None:
        self.objective, self.tol, self.min_step_length = objective, tol, min_step_length
        self.lbfgs = None if objective.preconditioner is None else LBFGS(objective.preconditioner)
        self.information = "observed" if self.lbfgs or objective.near_optimum else information
        self.x, self.point = start, self._evaluate(start)
        self.gradient_size = _gradient_norm(self.point)
        self.n_iter, self.decrement, self.max_step, self.hessian_point = 0, np.inf, MAX_STEP, None
        self.progress = _Progress(self.point)
        # Ratio of the gradient's size after the last step to that before it; whether the Hessian is that before it.
        self.rate, self.hessian_is_kept = np.inf, False
        self.step_size = 0.0  # largest entry of the step that is tried

    def _evaluate(self, x: np.ndarray) -> Any:
        """The point at x, with a Hessian unless L-BFGS is in use."""
        return self.objective.evaluate(x, 1 if self.lbfgs else 2, self.information)

    def _evaluate_step(self, step: np.ndarray, length: float) -> Any:
        """The point at the end of a step; it keeps the Hessian of its start if that will do for the rest of the fit.

        Where Newton's steps converge, the rate of the next one is the square of the last rate, and that of steps after it with
        the same Hessian stays so: the gradient after two of them, and one of polishing, is predicted by that. Over a step that
        may change the information of a row, as at separated data, the Hessian is not kept: at the end of the fit it tells
        whether there is a minimum.
        """
        x = self.x + length * step
        rate = self.rate if self.hessian_is_kept else self.rate**2
        will_do = rate**3 * self.gradient_size <= MIN_POLISHED_SHARE_OF_TOL * self.tol
        longest = MAX_SHARE_OF_UNIT_STEP * np.sqrt(self.objective.data.min_weight_share) if will_do else STEP_TOL
        self.hessian_is_kept = not self.lbfgs and self.step_size < longest
        if not self.hessian_is_kept:
            return self._evaluate(x)
        return self.objective.evaluate(x, 1)._replace(hessian=self.point.hessian)

    def run(self, max_iter: int, callback: Callable | None) -> OptimizeResult:
        """Iterate until convergence, a stall, an unbounded likelihood or the iteration limit."""
        message, certified, curvature_vanished = "iteration limit", False, True
        while self.n_iter < max_iter:
            self.n_iter += 1
            if self.objective.unbounded(self.x, self.point.value):
                message = "the likelihood is unbounded"
                break
            if self.gradient_size <= self.tol:
                message, (certified, curvature_vanished) = "gradient below tol", self._certify_and_polish()
                break
            step = self._next_step()
            self.step_size = _largest(step)
            if self._is_last_step():
                self._take_unevaluated(step, self.decrement)
                self.gradient_size *= self.rate
                message, (certified, curvature_vanished) = "gradient after the last step below tol", self._lbfgs_verdict()
                break
            length, trial = self._line_search(step)
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
            gradient_size=float(self.gradient_size),
            nit=self.n_iter,
            message=message,
            success=True,
            decrement=self.decrement,
            minimum_certified=certified,
            curvature_vanished=curvature_vanished,
            stalled=self.progress.is_stalled,
            hessian_point=self.hessian_point or (None if self.lbfgs else self.point),
        )

    def _next_step(self) -> np.ndarray:
        """The next step; changes to the observed information near the optimum."""
        if self.lbfgs:
            step, self.decrement = self.lbfgs.direction(self.point)
            return step
        step, self.decrement = _newton_step(self.point, self.max_step)
        if self.information == "expected" and self.decrement < SCORING_DECREMENT:
            self.information = "observed"
            if self.objective.partly_expected:  # else one more scoring step is accurate enough
                self.point = self._evaluate(self.x)
                step, self.decrement = _newton_step(self.point, self.max_step)
        largest_share = getattr(self.objective, "largest_share", None)
        share = 1.0 if largest_share is None else largest_share(self.x, step)
        self.decrement *= share
        return share * step

    def _line_search(self, step: np.ndarray) -> tuple[float, Any]:
        """The step length at which the value falls enough, and the point there, or None if no length does."""
        before, length = self.point, 1.0
        slack = ROUNDING_SLACK * max(1.0, abs(before.value))
        gain_hidden = self.decrement < slack  # by the rounding of large terms: then the gradient norm decides
        while length > (self.min_step_length if gain_hidden or (self.lbfgs and self.lbfgs.replaceable) else MIN_STEP_LENGTH):
            x, max_value = self.x + length * step, before.value - 1e-4 * length * self.decrement
            self.progress.passes += 1
            value_first = length < 1 and not (gain_hidden or self.lbfgs)  # a second refusal then costs no derivatives
            trial = self.objective.evaluate(x, 0) if value_first else self._evaluate_step(step, length)
            trial = self._evaluate(x) if value_first and before.value > trial.value <= max_value else trial
            finite = trial.finite  # else no next step can be computed there
            if finite and before.value > trial.value <= max_value:
                return length, trial
            if (
                gain_hidden
                and trial.value <= before.value + slack
                and _gradient_norm(trial) < (1 - length / 2) * self.gradient_size
            ):
                return length, trial
            length *= 0.5 if finite else 0.1
        return length, None

    def _drop_preconditioner(self) -> bool:
        """Drop the L-BFGS pairs or, if there are none, change to Hessians; False if Hessians are in use already."""
        if not self.lbfgs:
            return False
        if self.lbfgs.pairs:
            self.lbfgs.pairs = []
        elif not self.lbfgs.replaceable:
            return False
        else:
            self.lbfgs = None
            self.point = self._evaluate(self.x)
        return True

    def _advance(self, step: np.ndarray, length: float, trial: Any) -> None:
        """Take a step; update the L-BFGS model and the largest step allowed next."""
        cut = self.step_size >= 0.99 * self.max_step
        self.max_step = STEP_GROWTH * self.max_step if cut and length == 1 else MAX_STEP
        x = self.x + length * step
        size = _gradient_norm(trial)
        self.rate, self.gradient_size = size / self.gradient_size, size
        if self.lbfgs:
            self.lbfgs.update(length * step, self.point, trial)
            self.lbfgs = self.lbfgs.refreshed(self.objective, x, self.point, trial, self.tol)
            trial = trial if self.lbfgs else self._evaluate(x)
        self.x, self.point = x, trial

    def _certify_and_polish(self) -> tuple[bool, bool]:
        """Polish; return whether a minimum is certain to exist, and whether curvature nearly vanished along a step."""
        if self.lbfgs and self.lbfgs.preconditioner.end_with_hessian:
            self.lbfgs = None
            self.point = self._evaluate(self.x)
        if not self.lbfgs and self.information == "expected" and self.objective.partly_expected:
            self.information = "observed"
            self.point = self._evaluate(self.x)
        certified = not self.lbfgs and self._is_certified(self.point.hessian)
        if not (self.lbfgs or certified):  # by a Hessian that may be that of a point close by
            self.point = self._evaluate(self.x)
        before, self.hessian_point = self.point, None if self.lbfgs else self.point
        self._polish()
        self.gradient_size = _gradient_norm(self.point)
        if self.lbfgs:
            return self._lbfgs_verdict()
        if not (certified and self.point.gradient is before.gradient):
            certified = self._is_certified(before.hessian)
        return certified, not certified

    def _lbfgs_verdict(self) -> tuple[bool, bool]:
        """Whether a minimum is certain to exist, and whether curvature nearly vanished along a step, as L-BFGS steps tell."""
        assert self.lbfgs is not None
        return self.lbfgs.preconditioner.minimum_certified, self.lbfgs.min_curvature < MAX_FLAT_CURVATURE

    def _is_last_step(self) -> bool:
        """Whether a short L-BFGS step leads to a gradient below the tolerance, by the rate of convergence of those before."""
        if not self.lbfgs or self.lbfgs.preconditioner.end_with_hessian or self.step_size >= STEP_TOL:
            return False
        return bool(self.rate <= MAX_RATE_TO_FORESEE and self.rate * self.gradient_size <= FORESEEN_SHARE_OF_TOL * self.tol)

    def _take_unevaluated(self, step: np.ndarray, decrement: float) -> None:
        """Take a step over which the quadratic model is as good as the objective."""
        self.x, self.point = self.x + step, self.point._replace(value=self.point.value - decrement / 2)

    def _is_certified(self, hessian: np.ndarray) -> bool:
        """Whether a Hessian and the gradient at the current point certify a minimum."""
        return minimum_certified(hessian, self.point.gradient, longest_step_at_minimum(self.objective.data))

    def _polish(self) -> None:
        """Take one more Newton step, whose quadratic convergence doubles the digits, or L-BFGS steps.

        A step so short that the quadratic model is as good as the objective is the last, and costs no pass, if the step before
        it made the gradient much smaller. Without one, as from a start at the solution of least squares, it is to be shorter.
        """
        longest = STEP_TOL if self.rate < MAX_FAST_RATE else 0.0 if self.lbfgs else STEP_TOL_WITHOUT_RATE
        for _ in range(POLISHING_STEPS if self.lbfgs else 1):
            if _gradient_norm(self.point) < GRADIENT_ROUNDING:
                break
            step, decrement = self.lbfgs.direction(self.point) if self.lbfgs else _newton_step(self.point)
            if _largest(step) < longest:
                self._take_unevaluated(step, decrement)
                break
            if np.isfinite(self.rate) and _gradient_norm(self.point) < MIN_POLISHED_SHARE_OF_TOL * self.tol:
                break
            better = self.objective.evaluate(self.x + step, 1)
            if not (np.isfinite(better.value) and _gradient_norm(better) < _gradient_norm(self.point)):
                break
            if self.lbfgs:
                self.lbfgs.update(step, self.point, better)
            self.x, self.point = self.x + step, better
            if _gradient_norm(self.point) < POLISHED_SHARE_OF_TOL * self.tol:
                break


class _Progress:
    """Progress of value and gradient, by single steps and by windows of passes over the rows."""

    def __init__(self, point: Any) -> None:
        self.window_start, self.window_gain, self.passes, self.is_stalled = point, np.inf, 0, False
        self.last_advance, self.n_creeping = point, 0  # the end of the last step with progress, and the number of steps since

    def stalled(self, point: Any, objective: Any, step: np.ndarray, length: float) -> bool:
        """Whether the fit makes no progress any more and does not converge either."""
        advanced = length >= MAX_CREEPING_STEP or length * _largest(step) >= MAX_CREEPING_STEP
        advanced = advanced or objective.data.total_weight * (self.last_advance.value - point.value) >= MIN_GAIN_PER_WINDOW
        self.last_advance, self.n_creeping = (point, 0) if advanced else (self.last_advance, self.n_creeping + 1)
        self.is_stalled = self.n_creeping >= MAX_CREEPING_STEPS
        if self.passes >= PASSES_PER_WINDOW:
            gain, before = objective.data.total_weight * (self.window_start.value - point.value), self.window_start
            crawls = MAX_CONVERGING_RATIO * self.window_gain < gain < MIN_GAIN_PER_WINDOW
            self.is_stalled |= bool(crawls and _gradient_norm(point) > MAX_CONVERGING_RATIO * _gradient_norm(before))
            self.window_start, self.window_gain, self.passes = point, gain, 0
        return self.is_stalled


class LBFGS:
    """An L-BFGS model of the inverse Hessian, with a preconditioner as its initial matrix.

    Parameters
    ----------
    preconditioner : object
        See `preconditioners.py`.
    min_pairs : int, optional
        Pairs of steps and gradient changes below which the preconditioner is not refreshed; its own number by default, or 1.
    """

    def __init__(self, preconditioner: Any, min_pairs: int | None = None) -> None:
        self.preconditioner = preconditioner
        self.min_pairs = getattr(preconditioner, "min_pairs", 1) if min_pairs is None else min_pairs
        self.pairs: list[tuple[np.ndarray, np.ndarray, float]] = []
        self.gradient_norms: list[float] = []
        self.min_curvature = np.inf

    @property
    def replaceable(self) -> bool:
        """Whether Hessians may take the place of its steps where these fail."""
        return getattr(self.preconditioner, "replaceable", True)

    def direction(self, point: Any) -> tuple[np.ndarray, float]:
        """The step, and twice the decrease that the model predicts for it (two-loop recursion)."""
        step, alphas = -point.gradient, []
        for s, y, sy in reversed(self.pairs):
            alphas.append(float(s @ step) / sy)
            step = step - alphas[-1] * y
        step = self.preconditioner.solve(step)
        for (s, y, sy), alpha in zip(self.pairs, reversed(alphas), strict=True):
            step = step + (alpha - float(y @ step) / sy) * s
        return step, -float(step @ point.gradient)

    def update(self, step: np.ndarray, before: Any, after: Any) -> None:
        """Add the pair of a step s and the gradient change y along it, if the curvature s'y is positive."""
        change = after.gradient - before.gradient
        curvature = float(change @ step)
        self.min_curvature = min(self.min_curvature, curvature / float(step @ step))
        if curvature > 1e-10 * np.linalg.norm(change) * np.linalg.norm(step):
            self.pairs = [*self.pairs[1 - MAX_PAIRS :], (step, change, curvature)]

    def refreshed(self, objective: Any, x: np.ndarray, before: Any, after: Any, tol: float) -> LBFGS | None:
        """Itself while convergence is fast, one with a new preconditioner if that is cheap, or None: use Hessians."""
        cost = self.preconditioner.refresh_passes
        window = RECENT_GRADIENTS if cost > RECENT_GRADIENTS else 2
        self.gradient_norms = [*(self.gradient_norms or [_gradient_norm(before)]), _gradient_norm(after)][-window:]
        if self.gradient_norms[-1] <= tol or len(self.pairs) < self.min_pairs:
            return self
        rate = min((self.gradient_norms[-1] / self.gradient_norms[0]) ** (1 / (len(self.gradient_norms) - 1)), 1 - 1e-9)
        passes = np.log(tol / self.gradient_norms[-1]) / np.log(rate)
        max_passes = MAX_GRADIENT_STEPS * (1 + len(x) / COLUMNS_PER_STEP) if cost == np.inf else cost
        if passes <= max_passes:
            return self
        if cost == np.inf:
            return None if self.replaceable else self
        try:
            preconditioner = self.preconditioner.refreshed(objective, x)
        except linalg.LinAlgError:  # not positive definite
            return None
        if preconditioner is self.preconditioner:
            return self
        other = LBFGS(preconditioner, 1 if rate < MAX_FAST_RATE else 2 * self.min_pairs)
        other.min_curvature = self.min_curvature
        return other


def _gradient_norm(point: Any) -> float:
    """Largest absolute entry of the gradient."""
    return _largest(point.gradient)


def _largest(values: np.ndarray) -> float:
    """Largest absolute entry of a vector."""
    return np.maximum.reduce(np.abs(values), initial=0.0)


def longest_step_at_minimum(data: Any) -> float:
    """The largest entry of a Newton step at a certified minimum: rows of small weight need a shorter one."""
    return float(min(STEP_TOL, SHARE_OF_UNIT_STEP * np.sqrt(data.min_weight_share)))


def minimum_certified(hessian: np.ndarray, gradient: np.ndarray, step_tol: float) -> bool:
    """Whether a minimum is certain to be near.

    If there is none, as for separated data, a Newton step moves some linear predictors by about one unit however small the
    gradient is, because the curvature falls with it; some coordinate then moves by more than `step_tol`.
    """
    if not len(gradient):
        return True
    factor, step, fail = linalg.lapack.dposv(hessian, -gradient)
    if fail or not _largest(step) < step_tol:
        return False
    norm = np.maximum.reduce(np.add.reduce(np.abs(hessian)))
    return bool(linalg.lapack.dpocon(factor, norm, uplo="U")[0] > RCOND_MIN)


def _newton_step(point: Any, max_step: float = MAX_STEP) -> tuple[np.ndarray, float]:
    """The Newton step, at most `max_step` if the Hessian is not positive definite, and twice the decrease it predicts."""
    _, step, fail = linalg.lapack.dposv(point.hessian, -point.gradient)
    decrement = -float(step @ point.gradient)
    if not fail and _largest(step) < MAX_RELIABLE_STEP and decrement > 0:
        return step, decrement
    scale, values, vectors = absolute_eigenvalues(point.hessian)
    step = -vectors @ ((vectors.T @ (point.gradient / scale)) / values) / scale
    step *= min(1.0, max_step / max(_largest(step), 1e-300))
    return step, -float(step @ point.gradient)


def absolute_eigenvalues(hessian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scales (size,), and eigenvalues with their vectors of the Hessian in these: their absolute values, none tiny.

    Coordinates may differ in curvature by many orders; in the scales its diagonal is 1.
    """
    hessian = np.nan_to_num(hessian)
    diagonal = np.abs(np.diag(hessian))
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    with np.errstate(all="ignore"):
        values, vectors = linalg.eigh(np.clip(np.nan_to_num(hessian / np.outer(scale, scale)), -MAX_CURVATURE, MAX_CURVATURE))
    return scale, np.maximum(np.abs(values), MIN_EIGENVALUE * max(np.abs(values).max(), TINY_CURVATURE)), vectors


def positive_definite(hessian: np.ndarray) -> np.ndarray:
    """The Hessian, or, where it is not safely positive definite, that with the absolute values of its eigenvalues."""
    factor, fail = linalg.lapack.dpotrf(hessian)
    if not fail and (np.diag(factor) ** 2 > MIN_PIVOT * np.diag(hessian)).all():
        return hessian
    scale, values, vectors = absolute_eigenvalues(hessian)
    root = scale[:, None] * vectors * np.sqrt(values)
    return root @ root.T
