"""Operations on Evals, from which the wrappers are made: sums, mixtures, and values of some rows put back in their places."""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from ..._special.logarithms import log1mexp
from ..._utils.repeated import take_rows


class Eval(NamedTuple):
    """Log-likelihood per sample with its derivatives in the linear predictors; a scalar parameter gives (n,) arrays."""

    loglik: np.ndarray
    gradient: dict[str, np.ndarray]
    information: dict[tuple[str, str], np.ndarray]


def constant(value) -> Eval:
    """A log-likelihood that depends on no parameter."""
    return Eval(value, {}, {})


def minus_hessian(part: Eval) -> Eval:
    """The information in place of the Hessian, or the Hessian in place of the information."""
    return part._replace(information={pair: -value for pair, value in part.information.items()})


def plus(first: Eval, second: Eval, sign: float = 1.0) -> Eval:
    """The product of two independent factors, or their quotient."""
    with np.errstate(invalid="ignore"):
        return _plus(first, second, sign)


def _plus(first, second, sign):
    gradient, information = dict(first.gradient), dict(first.information)
    for total, part in ((gradient, second.gradient), (information, second.information)):
        for key, value in part.items():
            value = value if sign == 1 else sign * value
            total[key] = total[key] + value if key in total else value
    return Eval(first.loglik + sign * second.loglik, gradient, information)


def mix(terms: list[Eval], order: int, names: list[str] | None = None, spread: bool = True) -> Eval:
    """The log of the sum of what the terms are logs of: gradients are averaged, and their spread bends the curve.

    `names` gives the order of the parameters, where terms differ in theirs. Without `spread`, the information is that of the
    terms alone: what it would be if each sample's term were known.
    """
    loglik, shares = _total([term.loglik for term in terms])
    if order == 0:
        return Eval(loglik, {}, {})
    gradients = [
        {name: _kept(share, value) for name, value in term.gradient.items()} for share, term in zip(shares, terms, strict=True)
    ]
    found = dict.fromkeys(name for part in gradients for name in part)
    names = [name for name in names or found if name in found]
    gradient = {
        name: sum(_beside(share, one[name]) * one[name] for share, one in zip(shares, gradients, strict=True) if name in one)
        for name in names
    }
    if order == 1:
        return Eval(loglik, gradient, {})
    information: dict = {}
    for share, term in zip(shares, terms, strict=True):
        for pair, value in term.information.items():
            information[pair] = information.get(pair, 0.0) + _times(share, value)
    if not spread:
        return Eval(loglik, gradient, information)
    apart = [
        {name: _beside(np.sqrt(share), mean) * (part.get(name, 0.0) - mean) for name, mean in gradient.items()}
        for share, part in zip(shares, gradients, strict=True)
    ]
    for i, a in enumerate(names):
        for b in names[i:]:
            pair = (b, a) if (b, a) in information else (a, b)
            information[pair] = information.get(pair, 0.0) - sum(outer(part[pair[0]], part[pair[1]]) for part in apart)
    return Eval(loglik, gradient, information)


def _total(logs):
    """The log of the sum of exponentials, and the share of each; the largest counts as the 1 of log1p."""
    top = reduce(np.maximum, logs)
    finite = np.isfinite(top)
    whole = finite.all()
    with np.errstate(all="ignore"):
        base = top if whole else np.where(finite, top, 0.0)
        shares = [np.exp(log - base) for log in logs]
        largest = [(share == 1).astype(float) for share in shares]
        rest = sum(share - one for share, one in zip(shares, largest, strict=True)) + (sum(largest) - 1)
        if whole:
            return top + np.log1p(rest), [share / (1 + rest) for share in shares]
        loglik = top + np.where(finite, np.log1p(rest), 0.0)
        return loglik, [np.where(np.isfinite(loglik), share / (1 + rest), 1 / len(logs)) for share in shares]


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
    for mask, part in parts:
        rows = np.flatnonzero(mask)  # as numbers, which index much faster
        loglik[rows] = part.loglik
        for whole, values in ((gradient, part.gradient), (information, part.information)):
            for key, value in values.items():
                whole.setdefault(key, np.zeros((n, *np.shape(value)[1:])))[rows] = value
    return Eval(loglik, gradient, information)


def rows(eta: dict[str, Any], mask) -> dict[str, Any]:
    """Linear predictors of some samples; one that repeats a number still does."""
    index = np.flatnonzero(mask)
    return {name: take_rows(value, index) for name, value in eta.items()}


def outer(a, b):
    """Products of derivatives: per sample, or for every pair of a vector parameter's entries."""
    if a.ndim == b.ndim == 1:
        return a * b
    return a.reshape(len(a), -1)[:, :, None] * b.reshape(len(b), -1)[:, None, :]


def _times(share, value):
    return _beside(share, value) * _kept(share, value)


def _kept(share, value):
    """The value where its term has mass: without, there may be no derivatives."""
    return value if np.isfinite(value.sum()) else np.where(_beside(share, value) > 0, value, 0.0)


def _beside(share, value):
    """One number per sample, to be multiplied with an array of any shape per sample."""
    return share if value.ndim == 1 else share.reshape(-1, *[1] * (value.ndim - 1))
