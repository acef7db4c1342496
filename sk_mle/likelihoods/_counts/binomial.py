"""The binomial law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from ..._special.tails import log_betainc
from ...domains import UNIT
from .._fallbacks.inversion import solve_quantile
from .._families.log_probability import LogProbability, Logs
from .._families.trials import Trials, log_binomial


class Binomial(Trials, LogProbability):
    r"""Binomial law of the number of successes in a number of trials.

    .. math:: p(y) = \binom{\mathrm{trials}}{y}\, \mathrm{prob}^y (1 - \mathrm{prob})^{\mathrm{trials} - y}

    Mean `trials * prob`, variance `trials * prob * (1 - prob)`. scipy.stats: ``binom(trials, prob)``; statsmodels:
    ``GLM(family=Binomial())`` (its two columns are successes and failures); R: ``glm(cbind(y, trials - y), family=binomial)``.
    As in `Bernoulli`, which is the law of a single trial, logs of probabilities come from the link.

    Parameters
    ----------
    prob : float, optional
        A number fixes the parameter; None estimates it.
    trials : int or str, optional
        A number, or the name of a column of X: then y holds the successes, and predictions are of successes out of that many
        trials. None: y has two columns, successes and trials, and since X does not say how many trials are to come,
        predictions are of a single one: `predict` gives the proportion expected, `predict_dist` the law of a 0 or 1.
        `predict_params` has the proportion as `prob`, and `score_samples` the log-likelihood of a whole row, in all cases.
    links : dict of str to str or Link, optional
        Link of `prob`: default logit; also probit, cloglog, loglog, cauchit, log, identity.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> y = [[1, 20], [4, 20], [9, 20], [13, 20], [18, 20], [20, 20]]
    >>> model = MLERegressor(Binomial()).fit([[0], [1], [2], [3], [4], [5]], y)
    >>> model.coef_.round(4), model.predict([[2]]).round(4)
    (array([1.2589]), array([0.4254]))
    """

    own = {"prob": UNIT}

    def __init__(self, *, prob: Any = None, trials: Any = None, links: Any = None) -> None:
        self.prob, self.trials, self.links = prob, trials, links

    def log_terms(self, y: np.ndarray, success: Logs, failure: Logs, trials: np.ndarray | None = None) -> Logs:
        y, n = self.split(y, trials)
        first, second = (
            np.where(y > 0, y * a, 0.0) + np.where(y < n, (n - y) * b, 0.0)
            for a, b in zip(success[1:], failure[1:], strict=True)
        )
        return log_binomial(y, n, success[0], failure[0]), first, second

    def expected_factor(self, prob: np.ndarray, trials: float | np.ndarray = 1) -> float | np.ndarray:
        return trials

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        return {"prob": self.share(y, sample_weight)[2]}

    def expectation(self, prob: np.ndarray, trials: float | np.ndarray = 1) -> np.ndarray:
        return trials * prob

    def variance(self, prob: np.ndarray, trials: float | np.ndarray = 1) -> np.ndarray:
        return trials * prob * (1 - prob)

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, prob: np.ndarray, trials: np.ndarray) -> np.ndarray:
        k = np.clip(np.floor(y), 0, np.maximum(trials - 1, 0))
        value = log_betainc(k + 1, trials - k, prob, 1 - prob) if upper else log_betainc(trials - k, k + 1, 1 - prob, prob)
        start, end = (0.0, -np.inf) if upper else (-np.inf, 0.0)
        value = np.where(y < 0, start, np.where(y < trials, value, end))
        return value if log else np.exp(value)

    def ppf(self, q: np.ndarray, prob: np.ndarray, trials: np.ndarray) -> np.ndarray:
        z = np.clip(ndtri(q), -40.0, 40.0)
        near = trials * prob + z * np.sqrt(trials * prob * (1 - prob)) + (z - 1) * (z + 1) * (1 - 2 * prob) / 6
        return np.where(q == 1, trials, solve_quantile(self, q, {"prob": prob, "trials": trials}, np.clip(near, 0.0, trials)))

    def successes(self, rng: np.random.Generator, n: np.ndarray, prob: np.ndarray) -> np.ndarray:
        return rng.binomial(n, prob)
