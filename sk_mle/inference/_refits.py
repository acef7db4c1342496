"""Inference that fits the model again: profile likelihoods and the bootstrap."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, special
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from .._model.validation import check_weight, group_codes, group_labels
from .._predictive.unwrapping import unwrap
from .._solvers.newton import newton
from .._solvers.plane import Plane
from .._sources import Opened, Rows, in_shared_passes, open_source
from .._utils.frames import n_rows
from .._utils.messages import warn_caller
from .._utils.progress import progress
from .._utils.tables import Table
from ..likelihoods._functions import title
from ._information import FitPoint, objective_at_fit

GRADIENT_TOL = 1e-9  # of the gradient of the mean NLL at a constrained maximum
MAX_STANDARD_ERRORS = 1e3  # standard errors beyond which an end of a profile interval counts as infinite
FITS_PER_PASS = 100  # refits of rows in parts that share their passes
MIN_SINGULAR_VALUE = 1e-10  # of hypotheses that count as independent, relative to the largest
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
        self.origin = self.centre + change * self.row / (self.row @ self.row)
        start = self.last * (change / self.moved if self.moved else 0.0)  # the others move almost linearly
        if len(start):
            result = newton(self, start, tol=GRADIENT_TOL, max_iter=200, information="observed")
            if not np.abs(result.jac).max() <= 1e-6:
                raise ValueError(
                    f"the profile likelihood did not converge {change:.3g} from the estimate: the other coefficients have no "
                    "maximum there. Use method='wald' or 'bootstrap'"
                )
            self.last, self.moved = result.x, change
        point = self.objective.evaluate(self.at(self.last), 1)
        total = self.objective.data.total_weight
        return -total * point.value, -total * float(point.gradient @ self.row) / float(self.row @ self.row)


def _penalised_fit_point(inference: Any, X: Any, y: Any, sample_weight: Any) -> tuple[FitPoint, np.ndarray, float]:
    """The objective at the fit, the map from its coordinates to the coefficients, and the log-likelihood, with penalty."""
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
        raise ValueError("X, y and sample_weight are not those that the Inference was made from: the log-likelihood differs")
    return fit_point, J, maximum


def _objectives_with_fixed_coefficient(inference: Any, X: Any, y: Any, sample_weight: Any) -> tuple[Callable, float]:
    """A function from the position of a coefficient to its `_FixedCoefficient`, and the log-likelihood of the fit."""
    fit_point, J, maximum = _penalised_fit_point(inference, X, y, sample_weight)
    return (lambda i: _FixedCoefficient(fit_point, J[i])), maximum


def likelihood_ratio(
    inference: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, R: np.ndarray, r: np.ndarray
) -> tuple[float, int]:
    """Twice the drop of the log-likelihood, penalised where the fit's is, on the plane of coefficients b with R b = r; rank."""
    fit_point, J, maximum = _penalised_fit_point(inference, X, y, sample_weight)
    rows, gap = R @ J, r - R @ inference.params
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
    drop = maximum + fit_point.objective.data.total_weight * value
    if drop < -MAX_GAIN_OVER_FIT:
        raise ValueError(f"the likelihood under the hypotheses exceeds the fit's by {-drop:.3g}: that was not the maximum")
    return 2 * max(drop, 0.0), rank


def profile(inference: Any, i: int, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, values: Any) -> Profile:
    """The profile log-likelihood of the i-th coefficient at `values`."""
    with_fixed, maximum = _objectives_with_fixed_coefficient(inference, X, y, sample_weight)
    estimate, error = inference.params[i], inference.bse[i]
    values = estimate + error * np.linspace(-3.5, 3.5, 41) if values is None else np.asarray(values, dtype=float).ravel()
    loglikelihood = np.empty(len(values))
    for one_side in (values >= estimate, values < estimate):  # outward from the estimate, each start from the last solution
        objective = with_fixed(i)
        for k in sorted(np.flatnonzero(one_side), key=lambda k: abs(values[k] - estimate)):
            loglikelihood[k] = objective.maximum(values[k] - estimate)[0]
    return Profile(inference.names[i], values, loglikelihood, float(estimate), float(maximum))


def profile_intervals(
    inference: Any,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    level: float,
    index: np.ndarray,
    verbose: int | None = None,
) -> np.ndarray:
    """Ends (len(index), 2) at which twice the drop of the profile log-likelihood equals the chi-squared quantile."""
    with_fixed, maximum = _objectives_with_fixed_coefficient(inference, X, y, sample_weight)
    target = np.sqrt(special.chdtri(1, 1 - level))
    result = np.empty((len(index), 2))
    for k, i in enumerate(progress(index, "profiles", verbose)):
        for side, sign in enumerate((-1.0, 1.0)):
            step = sign * inference.bse[i]
            distance = _end(with_fixed(i), maximum, step, target, inference.names[i])
            result[k, side] = inference.params[i] + step * distance
    return result


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


def bootstrap_intervals(
    inference: Any,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    level: float,
    index: np.ndarray,
    n_resamples: int = 999,
    groups: Any = None,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    verbose: int | None = None,
) -> np.ndarray:
    """Percentiles of the coefficients of refits to rows, or groups of rows, drawn with replacement."""
    unwrapped = unwrap(inference.fitted)
    X, y = unwrapped.X(X), unwrapped.y(y)
    rng = check_random_state(random_state)
    names = getattr(unwrapped.model, "feature_names_in_", None)
    if (rows := open_source(X, y, sample_weight, groups, names)) is not None:
        weights = _resampled_weights(rows, rng, n_resamples, inference.weights == "frequency")
        fits = _refits_of_parts(unwrapped.model, rows, weights)
        return _percentiles(inference, fits, level, index)
    n = n_rows(X)
    weight = check_weight(sample_weight, n)
    if groups is None:
        shares = weight / weight.sum() if inference.weights == "frequency" else np.full(n, 1 / n)
        total = round(weight.sum()) if inference.weights == "frequency" else n
        counts = (rng.multinomial(total, shares) for _ in range(n_resamples))
        if inference.weights != "frequency":
            counts = (weight * count for count in counts)
    else:
        code = group_codes(groups, n)
        n_groups = code.max() + 1
        counts = (weight * rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups))[code] for _ in range(n_resamples))
    results = Parallel(n_jobs=n_jobs, return_as="generator")(delayed(_refit)(unwrapped.model, X, y, count) for count in counts)
    fits = list(progress(results, "bootstrap", verbose, total=n_resamples))
    return _percentiles(inference, fits, level, index)


def _percentiles(inference: Any, fits: list, level: float, index: np.ndarray) -> np.ndarray:
    """Percentiles (len(index), 2) of the coefficients of refits, of which those that failed are None."""
    n_resamples = len(fits)
    sample = np.array([inference.layout.flatten(*fit) for fit in fits if fit is not None])
    n_failed = n_resamples - len(sample)
    if n_failed:
        warn_caller(
            f"{n_failed} of {n_resamples} bootstrap fits failed or did not converge; the intervals rest on the others",
            RuntimeWarning,
        )
    if len(sample) < 2:
        raise ValueError("hardly any bootstrap fit converged; use method='wald' or 'profile'")
    return np.quantile(sample[:, index], [(1 - level) / 2, (1 + level) / 2], axis=0).T


def _resampled_weights(rows: Opened, rng: np.random.RandomState, n_resamples: int, frequency: bool) -> list:
    """Functions of a part and its number: how often a resample draws each row, times its weight."""
    return [partial(_drawn_in_part, int(seed), frequency) for seed in rng.randint(1 << 31, size=n_resamples)]


def _drawn_in_part(seed: int, frequency: bool, rows: Rows, number: int) -> np.ndarray:
    """Weights of a resample of a part, drawn there: Poisson numbers, as multinomial ones need all rows at once.

    Of groups the number follows from the label, wherever its rows lie.
    """
    n = n_rows(rows.X)
    weight = check_weight(rows.sample_weight, n)
    if rows.groups is None:
        rng = np.random.default_rng([seed, number])
        return rng.poisson(weight).astype(float) if frequency else weight * rng.poisson(size=n)
    labels, code = np.unique(group_labels(rows.groups, n), return_inverse=True)
    hashes = [hashlib.blake2b(f"{seed} {label}".encode(), digest_size=6).digest() for label in labels.tolist()]
    uniform = (np.array([int.from_bytes(one) for one in hashes]) + 0.5) / 2.0**48
    return weight * np.searchsorted(special.pdtr(np.arange(30), 1.0), uniform)[code]  # Poisson quantiles


def _refits_of_parts(model: Any, rows: Opened, weights: list) -> list:
    """Refits of a model to the rows of a source with each of the weights, many of them in the same passes."""
    fits: list = []
    for first in range(0, len(weights), FITS_PER_PASS):
        fits += in_shared_passes(
            rows, weights[first : first + FITS_PER_PASS], lambda source, k: _refit(model, source, None, None)
        )
    for fit in fits:
        if isinstance(fit, Exception):
            raise fit
    return fits


def _refit(model: Any, X: Any, y: Any, weight: Any) -> tuple[dict, dict] | None:
    """Coefficients of a refit with other weights, started at the model's; None without a maximum or with fewer classes."""
    model, original = deepcopy(model), model
    model.warm_start = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, y, sample_weight=weight)
        except ValueError:
            return None
    fit = model.fit_
    same_shapes = all(np.shape(fit.coefs.get(name)) == np.shape(coef) for name, coef in original.fit_.coefs.items())
    return (fit.coefs, fit.intercepts) if model.converged_ and same_shapes else None
