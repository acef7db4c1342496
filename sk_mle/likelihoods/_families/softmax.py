"""Base class of laws of classes whose probabilities are the softmax of `logits`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import helmert
from scipy.special import softmax

from ...domains import REAL, Domain
from .._fallbacks.recession import axis_recession_cone
from .._protocol.base import Likelihood
from .._protocol.derived import derived
from .._protocol.parameter import Parameter, Parameters

LOGITS_LOGITS = ("logits", "logits")


class Softmax(Likelihood):
    """A law of K classes given `logits` (n, K), which sum to zero over the classes.

    A subclass writes `loglik`, `n_columns` (K), and `counts`.
    """

    if TYPE_CHECKING:  # a subclass may give it as a value or as a property

        @property
        def parameters(self) -> Mapping[str, Domain | Parameter]: ...
    else:
        parameters = {"logits": REAL}

    @property
    def n_columns(self) -> int:
        """The number of classes; 0 before it is known."""
        raise NotImplementedError

    def counts(self, y: np.ndarray) -> np.ndarray:
        """Number of observations of each class in each row: (n, K)."""
        raise NotImplementedError

    def check(self) -> None:
        super().check()
        if self.links:
            raise ValueError(f"{type(self).__name__} takes no links: the softmax is part of the law")

    @derived
    def layout(self) -> Parameters:
        return super().layout.changed(["logits"], basis=_contrasts(self.n_columns or 3))

    def gradient(self, y: np.ndarray, logits: np.ndarray, **others: np.ndarray) -> dict[str, np.ndarray]:
        counts = self.counts(y)
        return {"logits": counts - counts.sum(axis=-1, keepdims=True) * softmax(logits, axis=-1)}

    def hessian(self, y: np.ndarray, logits: np.ndarray, **others: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {LOGITS_LOGITS: -self.counts(y).sum(axis=-1)[..., None, None] * indicator_covariance(softmax(logits, axis=-1))}

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        share = sample_weight @ self.counts(y)
        logits = np.log(np.maximum(share, 1e-6 * (share.sum() or 1.0)))
        return {"logits": logits - logits.mean()}


@lru_cache(maxsize=64)
def _contrasts(n: int) -> np.ndarray:
    """An orthonormal basis of the vectors of n entries that sum to zero, read-only: (n, n - 1)."""
    basis = helmert(n).T
    basis.flags.writeable = False
    return basis


def log_probability(logits: np.ndarray) -> np.ndarray:
    """The log of the softmax, in which the largest term is the 1 of log1p, so that no digit of the others is lost."""
    top = np.argmax(logits, axis=-1)[..., None]
    shifted = logits - np.take_along_axis(logits, top, axis=-1)
    rest = np.exp(shifted)
    np.put_along_axis(rest, top, 0.0, axis=-1)
    return shifted - np.log1p(rest.sum(axis=-1, keepdims=True))


def indicator_covariance(prob: np.ndarray) -> np.ndarray:
    """diag(prob) - prob prob': the covariance matrix of the class indicators of one draw."""
    return prob[..., :, None] * (np.eye(prob.shape[-1]) - prob[..., None, :])


def cone_of_logits(law: Softmax, y: np.ndarray, eta: dict, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The cone of recession: d_j - d_k <= 0 for every class j and one observed class k of the row; 0 for others observed."""
    if name != "logits":
        return axis_recession_cone(law, y, eta, name)
    counts = law.counts(y)
    reference = np.eye(counts.shape[1])[np.argmax(counts > 0, axis=1)]
    cone = (reference[:, None, :] - np.eye(counts.shape[1])) * (counts.sum(axis=1) > 0)[:, None, None]
    difference = eta["logits"] - np.sum(reference * eta["logits"], axis=1, keepdims=True)
    rise = counts.sum(axis=1)[:, None] * np.logaddexp(0.0, difference)  # as if there were no other classes
    return cone, np.where(reference > 0, 0.0, np.where(counts > 0, np.inf, rise))
