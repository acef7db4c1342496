"""Base class of laws of one probability, which work with its log and that of its complement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...domains import UNIT
from .._fallbacks.algebra import Eval
from .._protocol.base import Likelihood

PROB_PROB = ("prob", "prob")
Logs = tuple[np.ndarray, ...]  # a logarithm with its first and second derivative


class LogProbability(Likelihood):
    """A law of a probability `prob`, written once, in log(prob) and log(1 - prob).

    A subclass writes `log_terms(y, success, failure, **known)`, which returns the log-likelihood with its two derivatives from
    log(prob) and log(1 - prob) with theirs, and `expected_factor(prob, **known)`, the expected information in `prob` times
    prob (1 - prob). On the natural scale the logs are those of the number; on that of the linear predictor the link's, exact
    where the probability is rounded to 0 or 1.
    """

    log_terms: Callable[..., Logs]
    expected_factor: Callable[..., float | np.ndarray]

    @np.errstate(all="ignore")
    def terms(self, y: np.ndarray, order: int, /, prob: np.ndarray, **known: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        prob = np.asarray(prob, float)
        rest = 1 - prob
        success, failure = (np.log(prob), 1 / prob, -1 / prob**2), (np.log1p(-prob), -1 / rest, -1 / rest**2)
        value, first, second = self.log_terms(y, success, failure, **known)
        return value, {"prob": first}, {PROB_PROB: second}

    def fisher(self, prob: np.ndarray, **known: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {PROB_PROB: self.expected_factor(prob, **known) / (prob * (1 - prob))}

    @np.errstate(all="ignore")
    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        if "prob" not in self.layout.free:
            return super().evaluate(y, eta, order, information)
        link, at = self.layout["prob"].link, eta["prob"]
        known = {name: value for name, value in self.layout.with_given(eta, {}).items() if name != "prob"}
        success, failure = link.log_inverse(at), link.log_complement(at)
        value, first, second = self.log_terms(y, success, failure, **known)
        if not UNIT.includes(link.range):  # log and identity links can leave (0, 1)
            value = np.where(UNIT.contains(link.inverse(at)), value, -np.inf)
        if order < 2:
            return Eval(value, {"prob": first} if order else {}, {})
        if information == "expected":
            # a probability that underflows is replaced by a small one, so that the information stays finite
            prob = np.maximum(np.exp(success[0]), 1e-300)
            second = success[1] * failure[1] * self.expected_factor(prob, **known, **self.observed(y).params)
        return Eval(value, {"prob": first}, {PROB_PROB: -second})
