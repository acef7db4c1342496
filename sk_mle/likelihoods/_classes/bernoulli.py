"""The Bernoulli law of two classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import xlog1py, xlogy

from ...domains import BINARY, UNIT
from .._fallbacks.algebra import Eval
from .._fallbacks.starting_values import average
from .._families.log_probability import PROB_PROB, LogProbability, Logs
from .._protocol.forms import by_class, masses


class Bernoulli(LogProbability):
    r"""Bernoulli law of the class codes 0 and 1; its negative log-likelihood is binary cross-entropy.

    .. math:: p(y) = \mathrm{prob}^y (1 - \mathrm{prob})^{1 - y}

    Mean `prob`, variance `prob * (1 - prob)`. scipy.stats: ``bernoulli(prob)``; statsmodels: ``Logit``, ``Probit``; R:
    ``glm(family=binomial)``. With any link whose inverse is a distribution function F, the law works with log F(eta) and
    log(1 - F(eta)), never with a rounded probability.

    Parameters
    ----------
    prob : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Default logit; also probit, cloglog, loglog, cauchit, log, identity.

    Examples
    --------
    >>> from sk_mle import MLEClassifier
    >>> model = MLEClassifier(Bernoulli(links={"prob": "probit"})).fit([[0], [1], [2], [3]], [0, 1, 0, 1])
    >>> model.predict_proba([[3]]).round(2)
    array([[0.19, 0.81]])
    """

    parameters = {"prob": UNIT}
    support = BINARY
    target_type = "classes"

    def __init__(self, *, prob: Any = None, links: Any = None) -> None:
        self.prob, self.links = prob, links

    def log_terms(self, y: np.ndarray, success: Logs, failure: Logs) -> Logs:
        return tuple(np.where(y == 1, a, b) for a, b in zip(success, failure, strict=True))

    def expected_factor(self, prob: np.ndarray) -> float | np.ndarray:
        return 1.0

    @np.errstate(all="ignore")
    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        """With F(-eta) = 1 - F(eta) from one log for each row, that of its class, which takes 30 % off the time of a fit."""
        link = self.layout["prob"].link
        if not self.layout.free or link.mirror() is not link:
            return super().evaluate(y, eta, order, information)
        sign = 2 * y - 1
        at = sign * eta["prob"]
        loglik, first, second = link.log_inverse(at)
        gradient = {"prob": sign * first}
        if order < 2:
            return Eval(loglik, gradient if order else {}, {})
        if information == "expected" and not link.canonical:  # minus the product of both classes' first derivatives
            second = -first * link.log_inverse(-at)[1]
        return Eval(loglik, gradient, {PROB_PROB: -second})

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        return {"prob": min(max(average(y, sample_weight), 1e-6), 1 - 1e-6)}

    def expectation(self, prob: np.ndarray) -> np.ndarray:
        return prob

    def variance(self, prob: np.ndarray) -> np.ndarray:
        return prob * (1 - prob)

    def entropy(self, prob: np.ndarray) -> np.ndarray:
        return -xlogy(prob, prob) - xlog1py(1 - prob, -prob)

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, prob: np.ndarray) -> np.ndarray:
        above = np.where(y < 0, 1.0, np.where(y < 1, prob, 0.0))
        with np.errstate(divide="ignore"):
            if upper:
                return np.log(above) if log else above
            return np.log1p(-above) if log else 1 - above

    def ppf(self, q: np.ndarray, prob: np.ndarray) -> np.ndarray:
        inside = np.where(q <= 1 - prob, 0.0, 1.0)
        return np.where(q == 0, -1.0, np.where((q > 0) & (q <= 1), inside, np.nan))

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], prob: np.ndarray) -> np.ndarray:
        return (rng.uniform(size=size) < prob).astype(float)


@masses.register(Bernoulli)
def _of_both_classes(law: Bernoulli, eta: dict, n_classes: int, scale: str) -> np.ndarray:
    """Probabilities by the link, and its mirror image."""
    link = law.layout["prob"].link
    if scale != "probability" or not law.layout.free or (mirror := link.mirror()) is None:
        return by_class(law, eta, n_classes, scale)
    return np.stack([mirror.inverse(-eta["prob"]), link.inverse(eta["prob"])], axis=1)
