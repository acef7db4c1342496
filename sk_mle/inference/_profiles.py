"""Profile likelihoods: the model is fitted again with coefficients, or sums of them, held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, special

from .._predictive.unwrapping import unwrap
from .._solvers.newton import newton
from .._solvers.plane import Plane
from .._utils.progress import progress
from .._utils.tables import Table
from ..likelihoods._functions import title
from ._information import FitPoint, objective_at_fit

GRADIENT_TOL = 1e-9  # of the gradient of the mean NLL at a constrained maximum
MAX_STANDARD_ERRORS = 1e3  # standard errors beyond which an end of a profile interval counts as infinite
MIN_SINGULAR_VALUE = 1e-10  # of hypotheses that count as independent, relative to the largest
MAX_HALVINGS = 5  # of the way to a value of the coefficient from which no constrained maximum is found
MAX_GAIN_OVER_FIT = 1e-4  # nats by which a constrained maximum may exceed the fit's log-likelihood


@dataclass(frozen=True)
class Profile:
    """Profile log-likelihood of a coefficient.

    Attributes
    ----------
    name : str
    values : ndarray of shape (m,)
    loglikelihood : ndarray of shape (m,)
    estimate : float
        The coefficient of the fit.
    maximum : float
        Its log-likelihood.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.datasets import make_mle_regression
    >>> X, y, *_ = make_mle_regression("poisson", 40, 1, random_state=0)
    >>> profile = MLERegressor("poisson").fit(X, y).inference(X, y).profile("x0", X, y, values=[0.0, 0.2, 0.4])
    >>> print(profile.table())
       mean:x0  log-likelihood
    0   0.0000        -57.9111
    1   0.2000        -56.0627
    2   0.4000        -56.3808
    """

    name: str
    values: np.ndarray
    loglikelihood: np.ndarray
    estimate: float
    maximum: float

    def table(self) -> Table:
        """Values and log-likelihoods as a table."""
        rows = list(map(str, range(len(self.values))))
        return Table({self.name: self.values, "log-likelihood": self.loglikelihood}, rows)


class _FixedCoefficient(Plane):
    """The objective on the plane on which one coefficient, `row @ u`, has a given value."""

    def __init__(self, fit_point: FitPoint, row: np.ndarray) -> None:
        super().__init__(fit_point.objective, fit_point.u, linalg.qr(row[:, None])[0][:, 1:])
        self.row, self.centre = row, fit_point.u
        self.last, self.moved = np.zeros(self.size), 0.0

    def maximum(self, change: float) -> tuple[float, float]:
        """The maximal log-likelihood with the coefficient `change` away from the fit, and its derivative there.

        Penalised where that of the fit is.
        """
        if self.size and not self._moves_to(change):
            raise ValueError(
                f"the profile likelihood did not converge {change:.3g} from the estimate: the other coefficients have no "
                "maximum there. Use method='wald' or 'bootstrap'"
            )
        self.origin = self._origin(change)
        point = self.objective.evaluate(self.at(self.last), 1)
        total = self.objective.data.total_weight
        return -total * point.value, -total * float(point.gradient @ self.row) / float(self.row @ self.row)

    def _origin(self, change: float) -> np.ndarray:
        """The point of the fit, moved along the coefficient."""
        return self.centre + change * self.row / (self.row @ self.row)

    def _moves_to(self, change: float, halvings: int = MAX_HALVINGS) -> bool:
        """Whether the others have a maximum, which `last` then is: where it is not found at once, it is followed on the way."""
        self.origin = self._origin(change)
        start = self.last * (change / self.moved if self.moved else 0.0)  # the others move almost linearly
        result = newton(self, start, tol=GRADIENT_TOL, max_iter=200, information="observed")
        if np.abs(result.jac).max() <= 1e-6:
            self.last, self.moved = result.x, change
            return True
        half = (self.moved + change) / 2
        return halvings > 0 and self._moves_to(half, halvings - 1) and self._moves_to(change, halvings - 1)


class Profiles:
    """Maxima of the likelihood of a fit, penalised where the fit's is, with coefficients held, on its data.

    ValueError for a fit that has no profile likelihood, and for other data.
    """

    def __init__(self, inference: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> None:
        if not inference.model.likelihood_.smooth:
            raise ValueError(
                f"the log-likelihood of {title(inference.model.likelihood_)} has kinks, for which there are no profiles; "
                "use method='bootstrap'"
            )
        unwrapped = unwrap(inference.fitted)
        if unwrapped.model.fit_.shrunk:
            raise ValueError(
                "the data chose the penalties of this fit, so it has no profile likelihood: use Wald tests or intervals"
            )
        fit_point = objective_at_fit(unwrapped.model, unwrapped.X(X), unwrapped.y(y), sample_weight, inference.weights)
        if not fit_point.objective.has_value:
            raise ValueError(
                f"{unwrapped.model.fit_.penalised} solves an equation that is the derivative of no likelihood, so there is no "
                "profile: use Wald tests, Wald or bootstrap intervals, or a fit with penalty='jeffreys'"
            )
        J = inference.layout.jacobian(fit_point.objective.designs)
        objective, total = fit_point.objective, fit_point.objective.data.total_weight
        maximum = -total * objective.value(fit_point.u)
        if abs(maximum + total * objective.penalty(fit_point.u) - inference.loglikelihood) > 1e-6 * max(1.0, abs(maximum)):
            raise ValueError(
                "X, y and sample_weight are not those that the Inference was made from: the log-likelihood differs"
            )
        self.inference, self.maximum = inference, maximum
        self.fit_point, self.jacobian = fit_point, J  # the fit, and the map from its coordinates to the coefficients

    def at(self, i: int, values: Any) -> Profile:
        """The profile log-likelihood of the i-th coefficient at `values`."""
        inference = self.inference
        estimate, error = inference.params[i], inference.bse[i]
        values = estimate + error * np.linspace(-3.5, 3.5, 41) if values is None else np.asarray(values, dtype=float).ravel()
        loglikelihood = np.empty(len(values))
        for one_side in (values >= estimate, values < estimate):  # outward from the estimate, each start from the last solution
            objective = self._with_fixed(i)
            for k in sorted(np.flatnonzero(one_side), key=lambda k: abs(values[k] - estimate)):
                loglikelihood[k] = objective.maximum(values[k] - estimate)[0]
        return Profile(inference.names[i], values, loglikelihood, float(estimate), float(self.maximum))

    def intervals(self, level: float, index: np.ndarray, verbose: int | None = None) -> np.ndarray:
        """Ends (len(index), 2) at which twice the drop of the log-likelihood equals the chi-squared quantile."""
        inference = self.inference
        target = np.sqrt(special.chdtri(1, 1 - level))
        result = np.empty((len(index), 2))
        for k, i in enumerate(progress(index, "profiles", verbose)):
            for side, sign in enumerate((-1.0, 1.0)):
                step = sign * inference.bse[i]
                distance = _end(self._with_fixed(i), self.maximum, step, target, inference.names[i])
                result[k, side] = inference.params[i] + step * distance
        return result

    def likelihood_ratio(self, R: np.ndarray, r: np.ndarray) -> tuple[float, int]:
        """Twice the drop of the log-likelihood on the plane of coefficients b with R b = r, and the rank of R."""
        fit_point = self.fit_point
        rows, gap = R @ self.jacobian, r - R @ self.inference.params
        _, singular, right = np.linalg.svd(rows / np.linalg.norm(rows, axis=1, keepdims=True))
        rank = int((singular > MIN_SINGULAR_VALUE * singular[0]).sum())
        origin = fit_point.u + np.linalg.lstsq(rows, gap, rcond=None)[0]
        if not np.allclose(rows @ (origin - fit_point.u), gap, rtol=1e-8, atol=1e-8 * (1 + np.abs(r).max())):
            raise ValueError("the hypotheses contradict each other")
        plane = Plane(fit_point.objective, origin, right[rank:].T)
        value = plane.objective.value(origin)
        if plane.size:
            result = newton(plane, np.zeros(plane.size), tol=GRADIENT_TOL, max_iter=200, information="observed")
            if not np.abs(result.jac).max() <= 1e-6:
                raise ValueError("the likelihood has no maximum under the hypotheses, or it was not found; use wald_test")
            value = result.fun
        drop = self.maximum + fit_point.objective.data.total_weight * value
        if drop < -MAX_GAIN_OVER_FIT:
            raise ValueError(f"the likelihood under the hypotheses exceeds the fit's by {-drop:.3g}: that was not the maximum")
        return 2 * max(drop, 0.0), rank

    def _with_fixed(self, i: int) -> _FixedCoefficient:
        return _FixedCoefficient(self.fit_point, self.jacobian[i])


def _end(objective: _FixedCoefficient, maximum: float, step: float, target: float, name: str) -> float:
    """The distance, in steps from the estimate, at which the root of twice the log-likelihood's drop is `target`.

    By Newton's method, as that root is nearly linear in the coefficient. Infinite if the target is not reached.
    """
    low, high, distance = 0.0, np.inf, target
    for _ in range(100):
        value, slope = objective.maximum(distance * step)
        drop = maximum - value
        if drop < -MAX_GAIN_OVER_FIT:
            raise ValueError(f"the likelihood along {name} exceeds the fit's by {-drop:.3g}: that was not the maximum")
        root = np.sqrt(2 * max(drop, 0.0))
        if abs(root - target) <= 1e-10 * target or high <= low * (1 + 1e-12):
            return distance
        low, high = (distance, high) if root < target else (low, distance)
        if low > MAX_STANDARD_ERRORS:
            return np.inf
        root_slope = -slope * step / root if root > 0 else 0.0
        guess = distance + (target - root) / root_slope if root_slope > 0 else np.inf
        distance = guess if low < guess < min(high, 4 * distance) else (low + high) / 2 if np.isfinite(high) else 2 * distance
    raise ValueError(f"the end of the profile interval of {name} was not found; use method='wald' or 'bootstrap'")
