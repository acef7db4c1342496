"""Penalties that are best for the quadratic model of a likelihood at one point, at no pass over the rows.

Conventions: penalty i of the chosen ones is ``exp(rho_i) S_i`` on the scale of the mean NLL, S_i diagonal over the slopes of
one parameter. H and g are Hessian and gradient of the mean NLL without these, n is the total weight, A = H + sum exp(rho_i) S_i
and V = A^-1. Nuisance parameters, those beyond the first that are constant, as a dispersion is, stay where they are.

Both criteria choose the smoothing parameters of the model's penalised least squares, as in performance oriented iteration (Wood
2017, Generalized Additive Models, 6.4): a fit alternates them with Newton steps. "reml" is Laplace's approximation of the
likelihood with the coefficients integrated out, by the generalised Fellner-Schall update (Wood and Fasiolo 2017,
doi:10.1111/biom.12666), ``exp(rho_i) <- (tr(S^- S_i) - tr(V S_i)) / (n b' S_i b)``. "gcv" is minus the log-likelihood plus
the effective degrees of freedom: with the dispersion of the restricted likelihood that is generalised cross-validation for the
normal law, and the unbiased risk estimator for laws without a dispersion.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.optimize import minimize

from .._model.objective import Objective, Point
from .._model.penalties import Ridge
from .._model.predictor import Predictor

FIRST_SHARE = 0.1  # of the information that is the first penalty
MIN_EIGENVALUE = 1e-12  # relative, of the Hessian: smaller ones are directions that nothing determines
MIN_SQUARED_PIVOT = 1e-9  # relative, of a Cholesky factor: below, eigenvalues are computed
MAX_LOG_STEP = 5.0  # of the logarithm of a penalty at once
MAX_UPDATES, MAX_LAST_UPDATE = 100, 1e-8  # of Fellner and Schall at one point, and the last of a logarithm
MAX_RATE = 0.7  # ratio of two steps up to which the next ones are foreseen: more of it may leap over a maximum
MIN_DEGREES_OF_FREEDOM = 1e-3  # of the penalised part of a term: below, the term is its unpenalised part


class EstimatedPenalties:
    """The penalties that the data choose, in the order of parameters and their terms.

    Attributes
    ----------
    diagonals : dict of str to ndarray of shape (m, q)
        Those of the penalty matrices, by parameter.
    """

    def __init__(self, predictors: dict[str, Predictor]) -> None:
        chosen = {name: one for name, one in predictors.items() if one.chosen}
        self.diagonals = {name: one.penalty_diagonals for name, one in chosen.items()}
        ends = np.cumsum([len(one) for one in self.diagonals.values()])
        self.slices = {name: slice(end - len(one), end) for (name, one), end in zip(self.diagonals.items(), ends, strict=True)}

    def alpha(self, rho: np.ndarray) -> dict[str, np.ndarray]:
        """The penalty of each slope, by parameter."""
        return {name: np.exp(rho[self.slices[name]]) @ one for name, one in self.diagonals.items()}

    def multipliers(self, rho: np.ndarray) -> dict[str, np.ndarray]:
        """The penalties by parameter."""
        return {name: np.exp(rho[place]) for name, place in self.slices.items()}

    def matrices(self, objective: Objective) -> list[tuple[slice, np.ndarray]]:
        """Place and matrix of each S_i, in the coordinates of an objective."""
        return [
            (objective.slices[name], Ridge(row, objective.designs[name]).hessian())
            for name, rows in self.diagonals.items()
            for row in rows
        ]

    def ranks(self, objective: Objective, rho: np.ndarray) -> np.ndarray:
        """tr(S^- S_i) exp(rho_i): the ranks, where no two penalties share a coefficient."""
        alpha, result = self.alpha(rho), np.empty(len(rho))
        for name, rows in self.diagonals.items():
            shares = np.divide(rows, alpha[name], out=np.zeros_like(rows), where=rows > 0)
            result[self.slices[name]] = np.exp(rho[self.slices[name]]) * shares.sum(axis=1) * objective.designs[name].shape[1]
        return result

    def log_determinant(self, objective: Objective, rho: np.ndarray) -> float:
        """log det of n times the penalty over the coefficients that have one, but for a constant."""
        n = objective.data.total_weight
        return sum(
            objective.designs[name].shape[1] * float(np.log(n * alpha[alpha > 0]).sum())
            for name, alpha in self.alpha(rho).items()
        )


def nuisance(objective: Objective) -> dict[str, int]:
    """Places of the parameters beyond the first that are constant numbers."""
    _, *others = objective.designs.items()
    return {name: objective.slices[name].start for name, one in others if one.columns is None and one.linear and not one.vector}


def inverse(hessian: np.ndarray, left_out: list[int]) -> tuple[np.ndarray, float]:
    """The inverse of a Hessian without some coordinates, and its log determinant.

    It is zero for these and along directions that nothing determines, which do not count.
    """
    kept = np.delete(np.arange(len(hessian)), left_out)
    part, result = hessian[np.ix_(kept, kept)], np.zeros_like(hessian)
    factor, fail = linalg.lapack.dpotrf(part, lower=1)
    pivots = np.diag(factor)
    if not fail and (pivots**2).min() > MIN_SQUARED_PIVOT * (pivots**2).max():
        whole = np.tril(linalg.lapack.dpotri(factor, lower=1)[0])
        result[np.ix_(kept, kept)] = whole + np.tril(whole, -1).T
        return result, 2 * float(np.log(pivots).sum())
    values, vectors = linalg.eigh(part)
    known = values > MIN_EIGENVALUE * max(values[-1], 1e-300)
    result[np.ix_(kept, kept)] = (vectors[:, known] / values[known]) @ vectors[:, known].T
    return result, float(np.log(values[known]).sum())


def with_penalties(objective: Objective, u: np.ndarray, alpha: dict, linear_terms: dict) -> Objective:
    """The objective with other penalties, and its point at u, from that of the old one."""
    new, old = objective.copy_with(alpha={**objective.alpha, **alpha}, linear_terms=linear_terms), objective.evaluate(u, 2)
    value, gradient, hessian = old.value, old.gradient.copy(), old.hessian.copy()
    for sign, of in ((-1, objective), (1, new)):
        value += sign * of.penalty(u)
        for name, penalty in of.penalties.items():
            place = of.slices[name]
            gradient[place] += sign * penalty.gradient(u[place])
            hessian[place, place] += sign * penalty.hessian()
    new.remember(u, Point(value, gradient, hessian), "observed")
    return new


class QuadraticModel:
    """The mean NLL around a point, as a function of the penalties.

    Parameters
    ----------
    objective : Objective
    u : ndarray of shape (size,)
    chosen : EstimatedPenalties
    """

    def __init__(self, objective: Objective, u: np.ndarray, chosen: EstimatedPenalties) -> None:
        self.objective, self.u, self.chosen, self.n = objective, u, chosen, objective.data.total_weight
        plain = with_penalties(objective, u, {name: np.zeros(rows.shape[1]) for name, rows in chosen.diagonals.items()}, {})
        point = plain.evaluate(u, 2)
        self.gradient, self.hessian = point.gradient, point.hessian
        self.left_out, self.matrices = list(nuisance(objective).values()), chosen.matrices(objective)

    def minimum(self, rho: np.ndarray) -> tuple[np.ndarray, list[tuple[slice, np.ndarray]], np.ndarray]:
        """A^-1, the penalty matrices and the point where the model with them is least."""
        matrices = [(place, np.exp(value) * one) for value, (place, one) in zip(rho, self.matrices, strict=True)]
        A, gradient = self.hessian.copy(), self.gradient.copy()
        for place, one in matrices:
            A[place, place] += one
            gradient[place] += one @ self.u[place]
        V, _ = inverse(A, self.left_out)
        return V, matrices, self.u - V @ gradient

    def first(self) -> np.ndarray:
        """Logarithms of penalties to begin with: a share of the information, whatever the units of y and of the columns."""
        shares = [np.sum(self.hessian[place, place] * one) / np.sum(one * one) for place, one in self.matrices]
        return np.log(FIRST_SHARE * np.maximum(shares, np.finfo(float).tiny))

    def reml(self, rho: np.ndarray) -> np.ndarray:
        """Logarithms of the penalties that maximise the restricted likelihood."""
        before = None
        for _ in range(MAX_UPDATES):
            V, matrices, u = self.minimum(rho)
            used, steps = fellner_schall(self.objective, self.chosen, rho, V, matrices, u)
            steps = np.where(used > MIN_DEGREES_OF_FREEDOM, steps, 0.0)
            rho = rho + accelerated(steps, before)
            if np.abs(steps).max() <= MAX_LAST_UPDATE:
                break
            before = steps
        return rho

    def gcv(self, rho: np.ndarray) -> np.ndarray:
        """Logarithms of the penalties that minimise minus the log-likelihood plus the effective degrees of freedom."""

        def criterion(rho: np.ndarray) -> tuple[float, np.ndarray]:
            V, matrices, u = self.minimum(rho)
            change = u - self.u
            penalty_gradient = np.zeros_like(u)
            P = np.zeros_like(V)
            for place, one in matrices:
                penalty_gradient[place] += one @ u[place]
                P[place, place] += one
            traces = np.array([np.sum(V[place, place] * one) for place, one in matrices])
            value = self.n * (self.gradient @ change + 0.5 * change @ self.hessian @ change) - traces.sum()
            VPV, along = V @ P @ V, V @ penalty_gradient
            gradient = [
                self.n * along[place] @ one @ u[place] - trace + np.sum(VPV[place, place] * one)
                for (place, one), trace in zip(matrices, traces, strict=True)
            ]
            return value, np.array(gradient)

        bounds = [(value - MAX_LOG_STEP, value + MAX_LOG_STEP) for value in rho]
        return minimize(criterion, rho, jac=True, bounds=bounds, options={"ftol": 1e-16, "gtol": 1e-8}).x


def fellner_schall(
    objective: Objective,
    chosen: EstimatedPenalties,
    rho: np.ndarray,
    V: np.ndarray,
    matrices: list[tuple[slice, np.ndarray]],
    u: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Degrees of freedom that each penalty leaves, of the penalised ones, and the step of its logarithm."""
    n = objective.data.total_weight
    penalised_traces = np.array([np.sum(V[place, place] * one) for place, one in matrices])
    used = chosen.ranks(objective, rho) - penalised_traces
    squares = np.array([n * u[place] @ one @ u[place] for place, one in matrices])
    with np.errstate(all="ignore"):
        steps = np.nan_to_num(np.log(np.maximum(used, 0.0) / squares), posinf=MAX_LOG_STEP, neginf=-MAX_LOG_STEP)
    return used, np.clip(steps, -MAX_LOG_STEP, MAX_LOG_STEP)


def accelerated(step: np.ndarray, before: np.ndarray | None) -> np.ndarray:
    """A step of a linearly converging iteration with all that would follow, as the step before it foretells."""
    if before is not None:
        with np.errstate(all="ignore"):
            step = step / (1 - np.nan_to_num(np.clip(step / before, 0.0, MAX_RATE)))
    return np.clip(step, -MAX_LOG_STEP, MAX_LOG_STEP)
