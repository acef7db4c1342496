"""Operations on Evals, from which the wrappers are made: sums, mixtures, and values of some rows put back in their places."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from .._special import log1mexp


class Eval(NamedTuple):
    """Log-likelihood per sample with its derivatives in the linear predictors; a scalar parameter gives (n,) arrays."""

    loglik: np.ndarray
    gradient: dict[str, np.ndarray]
    information: dict[tuple[str, str], np.ndarray]


def constant(value) -> Eval:
    """A log-likelihood that depends on no parameter."""
    return Eval(value, {}, {})


def plus(first: Eval, second: Eval, sign: float = 1.0) -> Eval:
    """The product of two independent factors, or their quotient."""
    with np.errstate(invalid="ignore"):
        return _plus(first, second, sign)


def _plus(first, second, sign):
    gradient, information = dict(first.gradient), dict(first.information)
    for total, part in ((gradient, second.gradient), (information, second.information)):
        for key, value in part.items():
            total[key] = total[key] + sign * value if key in total else sign * value
    return Eval(first.loglik + sign * second.loglik, gradient, information)


def mix(terms: list[Eval], order: int, names: list[str] | None = None, spread: bool = True) -> Eval:
    """The log of the sum of what the terms are logs of: gradients are averaged, and their spread bends the curve.

    `names` gives the order of the parameters, where terms differ in theirs. Without `spread`, the information is that of the
    terms alone: what it would be if each sample's term were known.
    """
    stacked = np.stack([term.loglik for term in terms])
    loglik = logsumexp(stacked, axis=0)
    share = np.exp(stacked - np.where(np.isfinite(loglik), loglik, 0.0))
    share = np.where(np.isfinite(loglik), share, 1 / len(terms))
    if order == 0:
        return Eval(loglik, {}, {})
    shapes = {name: value.shape for term in terms for name, value in term.gradient.items()}
    names = [name for name in names or shapes if name in shapes]
    ends = np.cumsum([math.prod(shapes[name][1:]) for name in names])
    places = {name: slice(end - math.prod(shapes[name][1:]), end) for name, end in zip(names, ends, strict=True)}
    slopes = np.zeros((len(terms), len(loglik), ends[-1] if len(ends) else 0))
    for k, term in enumerate(terms):
        for name, value in term.gradient.items():
            slopes[k, :, places[name]] = value.reshape(len(value), -1)
    slopes = np.where(share[:, :, None] > 0, slopes, 0.0)  # a term without mass may have no derivatives
    mean = np.einsum("kn,knd->nd", share, slopes)
    gradient = {name: mean[:, place].reshape(shapes[name]) for name, place in places.items()}
    if order == 1:
        return Eval(loglik, gradient, {})
    information: dict = {}
    for k, term in enumerate(terms):
        for pair, value in term.information.items():
            information[pair] = information.get(pair, 0.0) + _times(share[k], value)
    if not spread:
        return Eval(loglik, gradient, information)
    apart = np.sqrt(share)[:, :, None] * (slopes - mean)
    bend = np.matmul(apart.transpose(1, 2, 0), apart.transpose(1, 0, 2))
    for i, a in enumerate(names):
        for b in names[i:]:
            pair = (b, a) if (b, a) in information else (a, b)
            block = bend[:, places[pair[0]], places[pair[1]]]
            block = block[:, 0, 0] if len(shapes[a]) == len(shapes[b]) == 1 else block
            information[pair] = information.get(pair, 0.0) - block
    return Eval(loglik, gradient, information)


def complement(part: Eval) -> Eval:
    """log(1 - p) from log p, which must not be close to zero."""
    odds = np.exp(part.loglik) / -np.expm1(part.loglik)
    gradient = {name: -_times(odds, value) for name, value in part.gradient.items()}
    information = {pair: -_times(odds, value) for pair, value in part.information.items()}
    names = list(gradient) if information else []
    for i, a in enumerate(names):
        for b in names[i:]:
            pair = (b, a) if (b, a) in information and a != b else (a, b)
            spread = _times(odds * (1 + odds), outer(part.gradient[pair[0]], part.gradient[pair[1]]))
            information[pair] = information.get(pair, 0.0) + spread
    return Eval(log1mexp(-part.loglik), gradient, information)


def minus(larger: Eval, smaller: Eval) -> Eval:
    """log(p - q) from log p and log q."""
    rest = plus(larger, complement(plus(smaller, larger, -1.0)))
    return rest._replace(loglik=np.where(larger.loglik == -np.inf, -np.inf, rest.loglik))


def scatter(n: int, parts: list[tuple[np.ndarray, Eval]]) -> Eval:
    """One Eval of n rows from Evals of disjoint groups of rows; what a group does not have is zero there."""
    loglik = np.empty(n)
    gradient: dict = {}
    information: dict = {}
    for rows, part in parts:
        loglik[rows] = part.loglik
        for whole, values in ((gradient, part.gradient), (information, part.information)):
            for key, value in values.items():
                whole.setdefault(key, np.zeros((n, *np.shape(value)[1:])))[rows] = value
    return Eval(loglik, gradient, information)


def outer(a, b):
    """Products of derivatives: per sample, or for every pair of a vector parameter's entries."""
    if a.ndim == b.ndim == 1:
        return a * b
    return a.reshape(len(a), -1)[:, :, None] * b.reshape(len(b), -1)[:, None, :]


def _times(share, value):
    share = share.reshape(-1, *[1] * (value.ndim - 1))
    return np.where(share > 0, share * value, 0.0)  # a term without mass may have no derivatives
