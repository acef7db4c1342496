"""The categorical law of K classes."""

from __future__ import annotations

import numpy as np
from scipy.linalg import helmert
from scipy.special import log_softmax, softmax
from sklearn.base import clone

from ..domains import COUNT, REAL
from ._base import Eval, Likelihood


class Categorical(Likelihood):
    r"""Categorical law of the class codes 0..K-1; its negative log-likelihood is cross-entropy.

    .. math:: p(y = k) = \exp(\mathrm{logits}_k) / \sum_j \exp(\mathrm{logits}_j)

    The logits are a vector of width K per sample and sum to zero over the classes, as in `LogisticRegression`. scipy.stats:
    ``multinomial(1, p)``; statsmodels: ``MNLogit`` (differences to the first class); R: ``nnet::multinom``.

    Parameters
    ----------
    n_classes : int, optional
        Number of classes; None takes it from the data.
    links : dict of str to str or Link, optional
        Only the identity: the softmax is part of the law.

    Examples
    --------
    >>> from sk_mle import MLEClassifier
    >>> model = MLEClassifier(Categorical()).fit([[0], [1], [0], [1], [0], [1]], ["a", "b", "c", "a", "b", "c"])
    >>> model.predict_proba([[1]]).round(3)
    array([[0.333, 0.333, 0.333]])
    """

    parameters = {"logits": REAL}
    support = COUNT
    classes = True

    def __init__(self, *, n_classes=None, links=None):
        self.n_classes, self.links = n_classes, links

    def check(self):
        super().check()
        if self.link("logits").range != REAL or self.links:
            raise ValueError("Categorical takes no links: the softmax is part of the law")

    def bind(self, y):
        found = int(np.max(y)) + 1
        n_classes = found if self.n_classes is None else self.n_classes
        if n_classes < found:
            raise ValueError(f"Categorical(n_classes={n_classes}), but y has {found} classes; leave n_classes at None")
        return clone(self).set_params(n_classes=max(n_classes, 2))

    def contrast(self, name):
        return helmert(self.n_classes).T  # orthonormal, orthogonal to the constant

    def loglik(self, y, logits):
        top = np.argmax(logits, axis=-1)[..., None]
        shifted = logits - np.take_along_axis(logits, top, axis=-1)
        rest = np.exp(shifted)
        np.put_along_axis(rest, top, 0.0, axis=-1)  # the largest counts as the 1 of log1p: no digit of the others is lost
        inside = np.asarray(y) < logits.shape[-1]
        return np.where(inside, self._pick(y, shifted) - np.log1p(rest.sum(axis=-1)), -np.inf)

    def _pick(self, y, values):
        """The entry of each row at its class code; -inf or zero mass elsewhere is never asked for by a fit."""
        y = np.asarray(y)
        if y.shape == values.shape[:-1]:
            return np.take_along_axis(values, np.clip(y, 0, values.shape[-1] - 1).astype(int)[..., None], axis=-1)[..., 0]
        hit = np.arange(values.shape[-1]) == y[..., None]
        return np.where(hit, values, 0.0).sum(axis=-1)

    def gradient(self, y, logits):
        slope = -softmax(logits, axis=-1)
        slope[np.arange(len(slope)), y.astype(int)] += 1.0
        return {"logits": slope}

    def hessian(self, y, logits):
        return {pair: -value for pair, value in self.fisher(logits).items()}

    def fisher(self, logits):
        prob = softmax(logits, axis=-1)
        return {("logits", "logits"): prob[:, :, None] * (np.eye(prob.shape[1]) - prob[:, None, :])}

    def evaluate(self, y, eta, order=1, information="observed"):
        logits = eta["logits"]
        gradient = self.gradient(y, logits) if order else {}
        return Eval(self.loglik(y, logits), gradient, self.fisher(logits) if order == 2 else {})

    def start(self, y, sample_weight):
        share = np.bincount(y.astype(int), weights=sample_weight, minlength=self.n_classes)
        logits = np.log(np.maximum(share, 1e-6 * share.sum()))
        return {"logits": logits - logits.mean()}

    def recession(self, y, eta):
        own = np.eye(self.n_classes)[y.astype(int)]  # the observed class must not lose against any other
        return own[:, None, :] - np.eye(self.n_classes), softmax(eta["logits"], axis=-1) * (1 - own)

    def expectation(self, logits):
        return softmax(logits, axis=-1) @ np.arange(logits.shape[-1])

    def variance(self, logits):
        codes = np.arange(logits.shape[-1])
        return np.sum(softmax(logits, axis=-1) * (codes - self.expectation(logits)[..., None]) ** 2, axis=-1)

    def entropy(self, logits):
        return -np.sum(softmax(logits, axis=-1) * log_softmax(logits, axis=-1), axis=-1)

    def cdf(self, y, logits):
        below = np.arange(logits.shape[-1]) <= np.asarray(y)[..., None]
        return np.sum(np.where(below, softmax(logits, axis=-1), 0.0), axis=-1)

    def sf(self, y, logits):
        above = np.arange(logits.shape[-1]) > np.asarray(y)[..., None]
        return np.sum(np.where(above, softmax(logits, axis=-1), 0.0), axis=-1)

    def logcdf(self, y, logits):
        with np.errstate(divide="ignore"):
            return np.log(self.cdf(y, logits))

    def logsf(self, y, logits):
        with np.errstate(divide="ignore"):
            return np.log(self.sf(y, logits))

    def ppf(self, q, logits):
        q = np.asarray(q, float)
        cumulative = np.cumsum(softmax(logits, axis=-1), axis=-1)[..., :-1]
        code = np.sum(cumulative < q[..., None], axis=-1).astype(float)
        return np.where(q == 0, -1.0, np.where((q >= 0) & (q <= 1), code, np.nan))

    def rvs(self, rng, size, logits):
        return self.ppf(rng.uniform(size=size), logits)
