"""What laws of classes share whose log probabilities are linear up to a common constant: the softmax of `logits`."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.linalg import helmert
from scipy.special import softmax

from ...domains import COUNT, REAL
from .._protocol.base import Likelihood

LOGITS_PAIR = ("logits", "logits")


class Softmax(Likelihood):
    """A law of K classes given `logits` (n, K), which sum to zero over the classes.

    A subclass writes `loglik`, `n_columns` (K), and how often each row saw each class.
    """

    parameters = {"logits": REAL}
    support = COUNT
    n_columns: int

    def counts(self, y) -> np.ndarray:
        """How often each class was seen: (n, K)."""
        raise NotImplementedError

    def check(self):
        super().check()
        if self.links:
            raise ValueError(f"{type(self).__name__} takes no links: the softmax is part of the law")

    def parameter(self, name):
        said = super().parameter(name)
        return replace(said, basis=_orthogonal(self.n_columns or 3)) if name == "logits" else said

    def gradient(self, y, logits, **others):
        seen = self.counts(y)
        return {"logits": seen - seen.sum(axis=-1, keepdims=True) * softmax(logits, axis=-1)}

    def hessian(self, y, logits, **others):
        return {LOGITS_PAIR: -self.counts(y).sum(axis=-1)[..., None, None] * spread(softmax(logits, axis=-1))}

    def start(self, y, sample_weight):
        share = sample_weight @ self.counts(y)
        logits = np.log(np.maximum(share, 1e-6 * (share.sum() or 1.0)))
        return {"logits": logits - logits.mean()}

    def recession(self, y, eta, name):
        """No class may gain on those that were seen: one of these stands for all, which stay level with it."""
        if name != "logits":
            return super().recession(y, eta, name)
        seen = self.counts(y)
        own = np.eye(seen.shape[1])[np.argmax(seen > 0, axis=1)]
        cone = (own[:, None, :] - np.eye(seen.shape[1])) * (seen.sum(axis=1) > 0)[:, None, None]
        ahead = eta["logits"] - np.sum(own * eta["logits"], axis=1, keepdims=True)
        rise = seen.sum(axis=1)[:, None] * np.logaddexp(0.0, ahead)  # between two classes
        return cone, np.where(own > 0, 0.0, np.where(seen > 0, np.inf, rise))


@lru_cache(maxsize=64)
def _orthogonal(n: int) -> np.ndarray:
    """A basis of the vectors of n entries that sum to zero, read-only: (n, n - 1)."""
    basis = helmert(n).T
    basis.flags.writeable = False
    return basis


def log_probability(logits):
    """The log of the softmax; the largest counts as the 1 of log1p, so that no digit of the others is lost."""
    top = np.argmax(logits, axis=-1)[..., None]
    shifted = logits - np.take_along_axis(logits, top, axis=-1)
    rest = np.exp(shifted)
    np.put_along_axis(rest, top, 0.0, axis=-1)
    return shifted - np.log1p(rest.sum(axis=-1, keepdims=True))


def spread(prob):
    """diag(prob) - prob prob': the covariance of one draw from the classes, as indicators."""
    return prob[..., :, None] * (np.eye(prob.shape[-1]) - prob[..., None, :])
