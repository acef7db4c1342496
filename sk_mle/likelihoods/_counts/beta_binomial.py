"""The beta-binomial law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..._special.lattice import log_sum
from ...domains import POSITIVE, UNIT
from .._fallbacks.algebra import Eval, minus_hessian
from .._families.summed import SummedCount
from .._families.trials import Trials, beta_binomial
from .._protocol.parameter import UP_TO_INFINITY, Parameter

MIN_PRECISION, MAX_PRECISION = 1e-260, 1e50  # precisions; from the latter on the law is the binomial one to the last digit


class BetaBinomial(Trials, SummedCount):
    r"""Beta-binomial law: successes in trials whose probability differs from row to row, by a beta law.

    .. math:: p(y) = \binom{\mathrm{trials}}{y} \frac{B(y + m \phi,\; \mathrm{trials} - y + (1 - m) \phi)}
        {B(m \phi,\; (1 - m) \phi)}, \quad m = \mathrm{mean},\; \phi = \mathrm{precision}

    Mean `trials * mean`, variance `trials * mean * (1 - mean) * (1 + (trials - 1) * rho)`, rho = 1 / (1 + precision) the
    correlation between trials of a row. scipy.stats: ``betabinom(trials, mean * precision, (1 - mean) * precision)``;
    statsmodels: none; R: ``glmmTMB(family=betabinomial)``, VGAM ``betabinomial``, gamlss ``BB`` (sigma = 1 / precision).

    Parameters
    ----------
    mean, precision : float, optional
        A number fixes the parameter (precision=inf: the binomial law); None estimates it.
    trials : int or str, optional
        As in `Binomial`: a number, the name of a column of X, or None where y has two columns, successes and trials. A single
        trial holds no information on the precision.
    links : dict of str to str or Link, optional
        Link per parameter; default logit for `mean`, log for `precision`.

    References
    ----------
    Williams, D. A. (1982). Extra-binomial variation in logistic linear models. Applied Statistics 31, 144-148.
    doi:10.2307/2347977

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> model = MLERegressor(BetaBinomial(trials=10)).fit([[0], [0], [0], [1], [1], [1]], [0, 1, 5, 4, 9, 10])
    >>> model.predict([[0], [1]]).round(3)
    array([2.03 , 7.815])
    """

    own = {"mean": UNIT, "precision": Parameter(POSITIVE, allowed=UP_TO_INFINITY)}

    relations = replace(Trials.relations, limits={"Binomial": {"precision": np.inf, "mean": "prob"}})

    def __init__(self, *, mean: Any = None, precision: Any = None, trials: Any = None, links: Any = None) -> None:
        self.mean, self.precision, self.trials, self.links = mean, precision, trials, links

    def loglik(self, y: np.ndarray, mean: np.ndarray, precision: np.ndarray, trials: np.ndarray | None = None) -> np.ndarray:
        """Not from `terms`, as the log of a probability has fewer digits than the probability."""
        return beta_binomial(*self.split(y, trials), mean, 1 - mean, np.clip(precision, MIN_PRECISION, MAX_PRECISION), 0).value

    def terms(
        self, y: np.ndarray, order: int, mean: np.ndarray, precision: np.ndarray, trials: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict, dict]:
        y, n = self.split(y, trials)
        success, failure, size = self._logs(mean, precision)
        return minus_hessian(self._eval_from_logs(y, n, success, failure, size, order))

    @staticmethod
    def _logs(mean: np.ndarray, precision: np.ndarray) -> tuple[Any, Any, Any]:
        """log mean, log(1 - mean) and log precision with their derivatives on the natural scale."""
        with np.errstate(divide="ignore"):
            rest, size = 1 - mean, np.clip(precision, MIN_PRECISION, MAX_PRECISION)
            success, failure = (np.log(mean), 1 / mean, -1 / mean**2), (np.log1p(-mean), -1 / rest, -1 / rest**2)
            return success, failure, (np.log(size), 1 / size, -1 / size**2)

    @staticmethod
    def _eval_from_logs(
        y: np.ndarray,
        n: np.ndarray,
        success: tuple[np.ndarray, np.ndarray, np.ndarray],
        failure: tuple[np.ndarray, np.ndarray, np.ndarray],
        size: tuple[np.ndarray, np.ndarray, np.ndarray],
        order: int,
    ) -> Eval:
        """The Eval from the logs of mean, 1 - mean and precision with their derivatives, in the variables of the latter."""
        with np.errstate(all="ignore"):
            p, q, phi = (np.exp(log[0]) for log in (success, failure, size))
            at = beta_binomial(y, n, p, q, phi, order)
            if order == 0:
                return Eval(at.value, {}, {})
            gradient = {"mean": at.left * success[1] + at.right * failure[1], "precision": at.d_log_size * size[1]}
            if order == 1:
                return Eval(at.value, gradient, {})
            parts = zip(at.first, at.second, (success, failure), strict=True)
            cross = at.cross[0] * success[1] + at.cross[1] * failure[1] + at.tilt * p * phi * success[1]
            information = {
                ("mean", "mean"): -sum(second * log[1] ** 2 + first * log[2] for first, second, log in parts),
                ("mean", "precision"): -cross * size[1],
                ("precision", "precision"): -at.curve * size[1] ** 2 - at.d_log_size * size[2],
            }
            return Eval(at.value, gradient, information)

    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        with np.errstate(all="ignore"):
            params = self.layout.theta(eta)
            logs = list(self._logs(params["mean"], params["precision"]))
            if "mean" in self.layout.free:
                link = self.layout["mean"].link
                logs[:2] = link.log_inverse(eta["mean"]), link.log_complement(eta["mean"])
            if "precision" in self.layout.free:
                log, *derivatives = self.layout["precision"].link.log_inverse(eta["precision"])
                logs[2] = np.clip(log, np.log(MIN_PRECISION), np.log(MAX_PRECISION)), *derivatives
        y, n = self.counts(y, eta)
        success, failure, size = logs
        complete = self._eval_from_logs(y, n, success, failure, size, order)
        gradient = {name: value for name, value in complete.gradient.items() if name in self.layout.free}
        second = {pair: value for pair, value in complete.information.items() if set(pair) <= set(self.layout.free)}
        return Eval(self.layout.guarded(complete.loglik, params), gradient, second)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        y, n, mean = self.share(y, sample_weight)
        mean = self.layout.fixed.get("mean", mean)
        return {"mean": mean, "precision": self._precision_by_moments(y, n, sample_weight, mean)}

    def refine(
        self, y: np.ndarray, sample_weight: np.ndarray, mean: np.ndarray, trials: np.ndarray | None = None, **others: np.ndarray
    ) -> dict:
        y, n = self.split(y, trials)
        return {"precision": self._precision_by_moments(y, n, sample_weight, mean)}

    @staticmethod
    def _precision_by_moments(y: np.ndarray, n: np.ndarray, sample_weight: np.ndarray, mean: np.ndarray) -> float:
        """The precision from the correlation between trials that explains the squared residuals."""
        excess = np.dot(sample_weight, (y - n * mean) ** 2 / (mean * (1 - mean)) - n)
        pairs = np.dot(sample_weight, n * (n - 1) + 0 * y)
        rho = float(np.clip(excess / pairs if pairs > 0 else 0.1, 1e-3, 0.9))
        return 1 / rho - 1

    def expectation(self, mean: np.ndarray, precision: np.ndarray, trials: float | np.ndarray = 1) -> np.ndarray:
        return trials * mean + np.zeros_like(precision, dtype=float)

    def variance(self, mean: np.ndarray, precision: np.ndarray, trials: float | np.ndarray = 1) -> np.ndarray:
        return trials * mean * (1 - mean) * (1 + (trials - 1) / (1 + precision))

    def _log_tail(self, k: np.ndarray, params: dict, above: np.ndarray) -> np.ndarray:
        """log P(Y > k) where `above`, else log P(Y <= k), summed from both ends of the tail, where masses may be large."""
        n = params["trials"]
        k = np.minimum(k, n)
        first, count = np.where(above, k + 1, 0.0), np.where(above, n - k, k + 1)
        half, f = np.floor(count / 2), self.log_mass_function(params)
        parts = log_sum(f, first, 1.0, half, True), log_sum(f, first + count - 1, -1.0, count - half, True)
        return np.minimum(np.logaddexp(*parts), 0.0)

    def ppf(self, q: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        return np.where(q == 1, params["trials"], super().ppf(q, **params))

    def successes(self, rng: np.random.Generator, n: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> np.ndarray:
        size = np.minimum(precision, 1e30)
        p = rng.beta(np.broadcast_to(np.maximum(mean * size, 1e-300), n.shape), np.maximum((1 - mean) * size, 1e-300))
        return rng.binomial(n, p)
