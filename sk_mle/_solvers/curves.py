"""The start of a fit whose linear predictors are curves: least squares on a working response, by trust regions.

The linear parts start as in any fit, with constants in place of the curves. Each curve is then fitted to the linear predictors
that its rows would choose by themselves, weighted by their information (for a normal law that is least squares on y), and again
to the working response at that fit, as long as the likelihood rises. Newton steps on the likelihood end the fit.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout); those
of a curve are zero at its origin.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import least_squares

from .._model.curve import Curve
from .._model.data import Data, weighted_sum
from .._model.design import intercept_only
from .._model.objective import Objective
from .._utils.messages import rows_text
from .._utils.repeated import repeated
from .curve_starts import start_of_curve
from .scaling import change_basis, constant_predictor, mean_information, with_unit_information

ROWWISE_STEPS, MAX_ROWWISE_STEP = 4, 3.0  # scoring steps to the linear predictor that a row would choose, and their length
MAX_ROWWISE_HALVINGS = 8  # of a scoring step of a row, until its log-likelihood does not fall
MAX_STEP_HALVINGS = 6  # of the way to the end of a round, if the likelihood is lower there
MAX_ROUNDS, MIN_GAIN = 20, 1e-4  # rounds of least squares, and the gain in the mean log-likelihood for another
MAX_EVALUATIONS = 3000  # of a curve in one round
MAX_ROWS = 1 << 15  # rows that least squares looks at


def curves_of(objective: Objective) -> dict[str, Any]:
    """The designs that are curves, by parameter."""
    return {name: design for name, design in objective.designs.items() if not design.linear}


def at_coefficients(objective: Objective, coefs: dict) -> Objective:
    """The objective with the origins of curves at given coefficients, by parameter, where these fit."""
    data, curves = objective.data, curves_of(objective)
    moved = {
        name: d.at(coefs[name], data) for name, d in curves.items() if name in coefs and np.shape(coefs[name]) == d.origin.shape
    }
    return objective.copy_with(designs=objective.designs | moved) if moved else objective


def with_origins_at(objective: Objective, u: np.ndarray) -> tuple[Objective, np.ndarray]:
    """The objective with the origins of its curves at u, and the same point there."""
    curves = curves_of(objective)
    moved = at_coefficients(objective, {name: one.coefficients_at(u[objective.slices[name]]) for name, one in curves.items()})
    v = u.copy()
    for name in curves:
        v[moved.slices[name]] = 0.0
    return moved, v


def start_with_curves(objective: Objective, cold_start: Callable) -> tuple[Objective, np.ndarray]:
    """The objective in coordinates of unit curvature, and a starting vector; `cold_start` is that of linear predictors."""
    curves = curves_of(objective)
    for name, design in curves.items():
        if len(design.origin) > objective.data.n_kept:
            raise ValueError(
                f"predictors[{name!r}] has {len(design.origin)} coefficients, {', '.join(design.curve.labels)}, and "
                f"n_samples = {objective.data.n_kept}: fix some (fixed={{...}}), or use a simpler curve"
            )
    constants = {name: intercept_only() for name in curves}
    plain, u = cold_start(objective.copy_with(designs=objective.designs | constants))
    rows = _CurveFit(objective, plain, u)
    coefs = {name: rows.fit(name) for name in curves}
    return _assembled(objective, plain, u, rows, coefs)


def _assembled(
    objective: Objective, plain: Objective, u: np.ndarray, rows: _CurveFit, coefs: dict
) -> tuple[Objective, np.ndarray]:
    """The objective in coordinates of unit information at a start, and its vector."""
    data, designs = objective.data, dict(plain.designs)
    for name, design in curves_of(objective).items():
        designs[name] = design.at(coefs[name], rows.weighted_by_information(name))
    new = objective.copy_with(designs=designs)
    v = np.zeros(new.size)
    for name, design in designs.items():
        if design.linear:
            v[new.slices[name]] = u[plain.slices[name]]
        if name in rows.constants:
            v[new.slices[name]] = constant_predictor(data, design, rows.constants[name])
    means = mean_information(objective.likelihood, rows.y, rows.weight, rows.eta)
    rescaled = with_unit_information(new, means)
    return rescaled, change_basis(new, rescaled, v)


class _State(NamedTuple):
    """Mean negative log-likelihood at linear predictors, and the constants among them that were refined."""

    loss: float
    eta: dict
    constants: dict


class _CurveFit:
    """The rows of a fit with their current linear predictors, those of curves included."""

    def __init__(self, objective: Objective, plain: Objective, u: np.ndarray) -> None:
        self.objective, self.law, self.curves = objective, objective.likelihood, curves_of(objective)
        in_memory = objective.data.in_memory.subsample(MAX_ROWS)
        kept = in_memory.weight > 0 if in_memory.has_zero_weight else slice(None)
        self.X, self.y, self.weight = in_memory.X[kept], in_memory.y[kept], in_memory.weight[kept]
        self.offset = {name: value[kept] for name, value in in_memory.offset.items()}
        self.eta = plain.eta(u, in_memory)
        self.constants: dict = {}

    def loss(self, eta: dict) -> float:
        """Mean negative log-likelihood at linear predictors; infinite where it is not finite."""
        with np.errstate(all="ignore"):
            value = -float(weighted_sum(self.law.evaluate(self.y, eta, 0).loglik, self.weight)) / float(self.weight.sum())
        return value if np.isfinite(value) else np.inf

    def _derivatives(self, name: str, eta: dict) -> tuple[np.ndarray, np.ndarray]:
        """Gradient and information (n,) of the rows' log-likelihoods in one linear predictor."""
        with np.errstate(all="ignore"):
            result = self.law.evaluate(self.y, eta, 2, "expected")
        zeros = np.zeros(len(self.y))
        gradient, information = result.gradient.get(name, zeros), np.abs(result.information.get((name, name), zeros))
        return gradient, np.where(information > 0, information, np.inf)

    def weighted_by_information(self, name: str) -> Data:
        """The rows with the product of weight and information in one linear predictor for weights."""
        information = self._derivatives(name, self.eta)[1]
        information = np.where(np.isfinite(information), information, 0.0)
        return Data(self.X, self.y, self.weight * information, {})

    def _own_predictors(self, name: str) -> tuple[np.ndarray, Any]:
        """The linear predictor that each row would choose, after a few scoring steps, and one or two weightings of them.

        The first weight is the information there or, where that is more, of the constant from which the steps lead. The second
        is the information alone, where it exists: rows of small means dominate a law whose spread is that of its mean.
        """
        eta = np.array(self.eta[name], dtype=float)
        gradient, at_constant = self._derivatives(name, self.eta)
        loglik = self._loglik(name, eta)
        for _ in range(ROWWISE_STEPS):
            gradient, information = self._derivatives(name, {**self.eta, name: eta})
            step = gradient / information
            step = np.where(np.isfinite(step), step, 0.0)
            if np.ptp(information) <= 1e-12 * information[0]:  # of a quadratic loss, which one step minimises
                eta = eta + step
                break
            step = np.clip(step, -MAX_ROWWISE_STEP, MAX_ROWWISE_STEP)
            for _ in range(MAX_ROWWISE_HALVINGS):
                moved = self._loglik(name, eta + step)
                better = moved >= loglik
                if better.all():
                    break
                step = np.where(better, step, step / 2)
            eta, loglik = np.where(better, eta + step, eta), np.where(better, moved, loglik)
        information = self._derivatives(name, {**self.eta, name: eta})[1]
        finite = np.isfinite(information)
        weights = [np.where(finite, 1 / (1 / information + 1 / at_constant), 0.0)]
        own = np.where(finite, information, 0.0)
        own = own / (own.max() or 1.0)
        if (own > 0).all() and not _proportional(own, weights[0]):
            weights.append(own)
        return eta, weights

    def _loglik(self, name: str, eta: np.ndarray) -> np.ndarray:
        """Log-likelihood of the rows (n,) at linear predictors of one parameter."""
        with np.errstate(all="ignore"):
            value = self.law.evaluate(self.y, {**self.eta, name: eta}, 0).loglik
        return np.where(np.isnan(value), -np.inf, value)

    def fit(self, name: str) -> np.ndarray:
        """Coefficients of the curve of a parameter, whose linear predictor and constants move there."""
        curve, offset = self.curves[name].curve, self.offset.get(name, 0.0)
        target, weightings = self._own_predictors(name)
        ends = []
        for information in weightings:
            weight = self.weight * information
            start = start_of_curve(curve, self.curves[name].origin, self.X, target - offset, weight, name)
            self._check_start(name, curve, start)
            ends.append(self._raised(name, start, target, information))
        b, best = min(ends, key=lambda end: end[1].loss)
        self.eta, self.constants = best.eta, self.constants | best.constants
        return b

    def _raised(self, name: str, start: np.ndarray, target: np.ndarray, information: np.ndarray) -> tuple[np.ndarray, _State]:
        """Coefficients, and the state at them, after rounds of least squares from a start, while the likelihood rises."""
        curve, offset = self.curves[name].curve, self.offset.get(name, 0.0)
        b, best = start, self._at(name, start)
        for i in range(MAX_ROUNDS):
            end = fitted_by_least_squares(curve, self.X, target - offset, self.weight * information, b)
            lengths = (0.5**k for k in range(MAX_STEP_HALVINGS))
            trials = ((point, self._at(name, point)) for point in (b + length * (end - b) for length in lengths))
            found = next(((point, state) for point, state in trials if state.loss < best.loss), None)
            if found is None and not np.isfinite(best.loss):
                found = self._towards_constant(name, end, self.weight * information)
            if found is None and (i or not np.isfinite(best.loss)):
                break
            gain, (b, best) = (np.inf, (b, best)) if found is None else (best.loss - found[1].loss, found)
            gradient, new_information = self._derivatives(name, best.eta)
            step = gradient / new_information
            new_information = np.where(np.isfinite(new_information), new_information, 0.0)
            new_target = best.eta[name] + np.where(np.isfinite(step), step, 0.0)
            same = np.allclose(new_target, target, rtol=1e-9, atol=0.0) and _proportional(new_information, information)
            if (i and gain < MIN_GAIN) or same:
                break
            target, information = new_target, new_information
        return b, best

    def _towards_constant(self, name: str, end: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, _State] | None:
        """The first of coefficients between `end` and those of nearly a constant at which the likelihood is finite.

        Least squares may lead a mean below zero, which the law has not.
        """
        target = self.eta[name] - self.offset.get(name, 0.0)
        level = fitted_by_least_squares(self.curves[name].curve, self.X, target, weight, end)
        points = (level + length * (end - level) for length in [*(0.5**k for k in range(1, MAX_STEP_HALVINGS)), 0.0])
        trials = ((point, self._at(name, point)) for point in points)
        return next(((point, state) for point, state in trials if np.isfinite(state.loss)), None)

    def _at(self, name: str, b: np.ndarray) -> _State:
        """The linear predictors with a curve at coefficients b, and the other parameters' constants refined there."""
        eta = {**self.eta, name: self.curves[name].curve.value(self.X, b) + self.offset.get(name, 0.0)}
        eta, constants = self._with_refined_constants(name, eta)
        return _State(self.loss(eta), eta, constants)

    def _with_refined_constants(self, name: str, eta: dict) -> tuple[dict, dict]:
        """Linear predictors with the law's better constants of other parameters, and these constants."""
        objective, law = self.objective, self.law
        constants: dict = {}
        if law.layout.known or name != next(iter(law.parameters)):
            return eta, constants
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # far from the data constants need not exist
            refined = law.refine(self.y, self.weight, **law.layout.theta(eta))
        for other, value in refined.items():
            design = objective.designs.get(other)
            if other == name or design is None or design.columns is not None or other in self.offset:
                continue
            constant = law.layout[other].link.link(np.asarray(value, dtype=float))
            if np.isfinite(constant).all():
                constants[other] = constant
                eta = {**eta, other: repeated(constant, len(self.y))}
        return eta, constants

    def _check_start(self, name: str, curve: Curve, b: np.ndarray) -> None:
        """Raise ValueError for a curve that is not finite at its start."""
        bad = np.flatnonzero(~np.isfinite(curve.value(self.X, b)))
        if len(bad):
            shown = ", ".join(f"{label}={value:.4g}" for label, value in zip(curve.labels, b, strict=True))
            raise ValueError(
                f"predictors[{name!r}] is not finite in {rows_text(bad)} at its start, {shown}: give it another start, "
                "or check these rows"
            )


def _proportional(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether one weighting of the rows is a multiple of another."""
    return bool(np.allclose(left * right.mean(), right * left.mean(), rtol=1e-6, atol=0.0))


def fitted_by_least_squares(
    curve: Curve,
    X: Any,
    target: np.ndarray,
    weight: np.ndarray,
    start: np.ndarray,
    max_evaluations: int = MAX_EVALUATIONS,
) -> np.ndarray:
    """The coefficients of a curve closest to a target in weighted squares, within its bounds."""
    root = np.sqrt(weight)
    spread = np.sqrt(np.average((target - np.average(target, weights=weight)) ** 2, weights=weight) * weight.sum())
    root = root / (spread if 0 < spread < np.inf else 1.0)  # so that tolerances do not depend on units
    last: list = [b"", None]

    def at(b: np.ndarray) -> Any:
        if last[0] != b.tobytes():
            last[:] = b.tobytes(), curve.evaluate(X, b, 1)
        return last[1]

    with np.errstate(all="ignore"):
        result = least_squares(
            lambda b: root * (at(b).value - target),
            start,
            lambda b: root[:, None] * at(b).jacobian,
            bounds=(curve.low, curve.high),
            x_scale="jac",
            max_nfev=max_evaluations,
        )
    return result.x
