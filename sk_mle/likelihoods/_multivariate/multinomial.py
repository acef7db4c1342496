"""The multinomial law of counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import gammaln, softmax
from scipy.stats import binom
from sklearn.base import clone

from ..._special.gamma_functions import log1p_minus
from ..._special.logarithms import log_factorial_remainder
from ..._utils.messages import rows_text
from ...domains import COUNT, Domain
from .._families.several_targets import Multivariate
from .._families.softmax import Softmax, cone_of_logits, indicator_covariance, log_probability
from .._families.trials import TRIALS
from .._protocol.base import Likelihood, Observation
from .._protocol.forms import cones
from .._protocol.parameter import Parameter
from .._protocol.relations import Relations

TERMS_PER_BLOCK = 1 << 20  # terms of an entropy added at a time


class Multinomial(Multivariate, Softmax):
    r"""Multinomial law of the counts of K classes in N trials.

    .. math:: p(y) = \frac{N!}{\prod_k y_k!} \prod_k p_k^{y_k}, \quad p_k = \exp(\mathrm{logits}_k) / \sum_j
        \exp(\mathrm{logits}_j), \quad N = \sum_k y_k

    Mean `N * p`, variance `N * p * (1 - p)`. The rows of y may have different N, zero included. The logits sum to zero over the
    classes, as those of `Categorical`, of which this is the law of sums. scipy.stats: ``multinomial(N, p)``; statsmodels: none
    for counts (``MNLogit`` on repeated rows); R: ``nnet::multinom`` with a matrix of counts, VGAM ``multinomial``.

    Parameters
    ----------
    trials : int or str, optional
        N as a number or the name of a column of X: then predictions are of counts out of that many. None: y alone says N, and
        since X does not say how many trials are to come, predictions are of a single one: `predict` gives the proportions
        expected, and `score_samples` the log-likelihood of a whole row, as in `Binomial`.
    n_targets : int, optional
        Number of classes; None takes it from y.
    links : dict of str to str or Link, optional
        None: the softmax is part of the law.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> model = MLERegressor(Multinomial()).fit([[0], [1]], [[2, 1, 1], [3, 3, 6]])
    >>> model.predict([[0], [1]]).round(3)
    array([[0.5 , 0.25, 0.25],
           [0.25, 0.25, 0.5 ]])
    """

    support = COUNT
    layout = Softmax.layout
    relations = Relations(advice={"outside": "give counts"})

    def __init__(self, *, trials: Any = None, n_targets: Any = None, links: Any = None) -> None:
        self.trials, self.n_targets, self.links = trials, n_targets, links

    @property
    def parameters(self) -> Mapping[str, Domain | Parameter]:
        return super().parameters if self.trials is None else {**super().parameters, "trials": TRIALS}

    @property
    def predictive(self) -> Likelihood:
        return clone(self).set_params(trials=1) if self.trials is None else self

    @property
    def n_columns(self) -> int:
        return self.width("logits")

    def counts(self, y: np.ndarray) -> np.ndarray:
        return y

    def read(self, y: Any) -> np.ndarray:
        y = super().read(y)
        self._check_sums(y, self.layout.fixed)
        return y

    def bind(self, y: np.ndarray, /, **known: np.ndarray) -> Likelihood:
        self._check_sums(y, known)
        return super().bind(y, **known)

    def _check_sums(self, y: np.ndarray, known: dict) -> None:
        """Raise ValueError where the counts of a row do not sum to the trials among `known` values."""
        bad = np.flatnonzero(y.sum(axis=1) != known.get("trials", y.sum(axis=1)))
        if len(bad):
            raise ValueError(f"the counts of a row must sum to trials={self.trials!r}, but do not in {rows_text(bad)}")

    def loglik(self, y: np.ndarray, logits: np.ndarray, trials: np.ndarray | None = None) -> np.ndarray:
        """By differences of expected and observed counts of each class, so that no logs of large factorials cancel."""
        total = y.sum(axis=-1)
        log_prob, positive = log_probability(logits), np.where(y > 0, y, 1.0)
        expected = total[..., None] * np.exp(log_prob)
        ratio = np.log(np.where(total > 0, total, 1.0))[..., None] + log_prob - np.log(positive)
        d = (expected - positive) / positive
        gap = positive * np.where(np.abs(d) < 0.5, log1p_minus(np.clip(d, -0.5, 0.5)), ratio - d)
        value = log_factorial_remainder(total) + (np.where(y > 0, gap, -expected) - log_factorial_remainder(y)).sum(axis=-1)
        return value if trials is None else np.where(total == trials, value, -np.inf)

    def observed(self, y: np.ndarray, /, **params: np.ndarray) -> Observation:
        return Observation(y, y, {"trials": y.sum(axis=-1)} if self.trials is None else {})

    def fisher(self, logits: np.ndarray, trials: float | np.ndarray = 1) -> dict[tuple[str, str], np.ndarray]:
        return {("logits", "logits"): self.covariance(logits, trials)}

    def expectation(self, logits: np.ndarray, trials: float | np.ndarray = 1) -> np.ndarray:
        return np.asarray(trials)[..., None] * softmax(logits, axis=-1)

    def covariance(self, logits: np.ndarray, trials: float | np.ndarray = 1) -> np.ndarray:
        """Covariance matrices of the counts: (n, K, K)."""
        return np.asarray(trials)[..., None, None] * indicator_covariance(softmax(logits, axis=-1))

    def entropy(self, logits: np.ndarray, trials: float | np.ndarray = 1) -> np.ndarray:
        """Minus the expected log-likelihood; expectations of log factorials are sums over the counts' binomial laws."""
        logits, trials = np.asarray(logits), np.broadcast_to(np.asarray(trials, float), np.shape(logits)[:-1])[..., None]
        prob, log_prob = softmax(logits, axis=-1), log_probability(logits)
        value = -gammaln(trials[..., 0] + 1) - (trials * prob * log_prob).sum(axis=-1)
        width = max(TERMS_PER_BLOCK // prob.size, 1)
        for first in range(2, int(trials.max(initial=0)) + 1, width):  # log 0! and log 1! are zero
            k = np.arange(first, min(first + width, int(trials.max()) + 1))
            mass = binom.pmf(k, trials[..., None], prob[..., None])
            value = value + (mass * gammaln(k + 1)).sum(axis=(-1, -2))
        return value

    def rvs(
        self, rng: np.random.Generator, size: tuple[int, ...], logits: np.ndarray, trials: np.ndarray | None = None
    ) -> np.ndarray:
        """Random counts; if N is part of y, for random N from 1 to 20."""
        trials = rng.integers(1, 21, size) if trials is None else np.broadcast_to(np.asarray(trials, int), size)
        return rng.multinomial(trials, softmax(logits, axis=-1)).astype(float)


cones.register(Multinomial)(cone_of_logits)
