"""Operations on Evals, from which the wrappers are built: products and sums of probabilities, groups of rows."""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from ..._special.logarithms import log1mexp
from ..._utils.repeated import take_rows


class Eval(NamedTuple):
    """Log-likelihood per sample (n,) with its derivatives in the linear predictors.

    A scalar parameter has a gradient (n,), a vector parameter (n, K); `information`, minus the Hessian, has (n,) arrays for
    pairs of scalars, else (n, Ka, Kb). A pair that is absent is zero.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle.likelihoods import Poisson
    >>> part = Poisson().evaluate(np.array([0.0, 3.0]), {"mean": np.log([1.0, 2.0])}, order=2)
    >>> print(part.loglik.round(3), part.gradient["mean"].round(3), part.information["mean", "mean"].round(3))
    [-1.    -1.712] [-1.  1.] [1. 2.]
    """

    loglik: np.ndarray
    gradient: dict[str, np.ndarray]
    information: dict[tuple[str, str], np.ndarray]


def constant(value: np.ndarray) -> Eval:
    """A log-likelihood that depends on no parameter."""
    return Eval(value, {}, {})


def minus_hessian(part: Eval) -> Eval:
    """The Eval with the sign of its second derivatives changed, between Hessian and information."""
    return part._replace(information={pair: -value for pair, value in part.information.items()})


def plus(first: Eval, second: Eval, sign: float = 1.0) -> Eval:
    """The log of the product of two factors, or with ``sign=-1`` of their quotient."""
    with np.errstate(invalid="ignore"):
        return _plus(first, second, sign)


def _plus(first: Eval, second: Eval, sign: float) -> Eval:
    gradient, information = dict(first.gradient), dict(first.information)
    pairs: tuple[tuple[dict, dict], ...] = ((gradient, second.gradient), (information, second.information))
    for total, part in pairs:
        for key, value in part.items():
            value = value if sign == 1 else sign * value
            total[key] = total[key] + value if key in total else value
    return Eval(first.loglik + sign * second.loglik, gradient, information)


def mix(terms: list[Eval], order: int, names: list[str] | None = None, spread: bool = True) -> Eval:
    """The log of the sum of the terms' exponentials, as in a mixture.

    Its gradient is the average of the terms', weighted by their shares; the variance of their gradients enters the
    information. `names` gives the order of the parameters, if terms differ in theirs. Without `spread` the information leaves
    out that variance: it is what it would be if each sample's term were known.
    """
    loglik, shares = _log_sum_and_shares([term.loglik for term in terms])
    if order == 0:
        return Eval(loglik, {}, {})
    gradients = [
        {name: _zero_without_mass(share, value) for name, value in term.gradient.items()}
        for share, term in zip(shares, terms, strict=True)
    ]
    present = dict.fromkeys(name for part in gradients for name in part)
    names = [name for name in names or present if name in present]
    gradient = {
        name: sum(
            _aligned(share, part[name]) * part[name] for share, part in zip(shares, gradients, strict=True) if name in part
        )
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
    deviations = [
        {name: _aligned(np.sqrt(share), mean) * (part.get(name, 0.0) - mean) for name, mean in gradient.items()}
        for share, part in zip(shares, gradients, strict=True)
    ]
    for i, a in enumerate(names):
        for b in names[i:]:
            pair = (b, a) if (b, a) in information else (a, b)
            information[pair] = information.get(pair, 0.0) - sum(outer(part[pair[0]], part[pair[1]]) for part in deviations)
    return Eval(loglik, gradient, information)


def _log_sum_and_shares(logs: list[np.ndarray]) -> tuple[np.ndarray, Any]:
    """The log of the sum of exponentials, and the share of each; the largest is the 1 of log1p, so that no digit is lost."""
    top = reduce(np.maximum, logs)
    finite = np.isfinite(top)
    all_finite = finite.all()
    with np.errstate(all="ignore"):
        base = top if all_finite else np.where(finite, top, 0.0)
        shares = [np.exp(log - base) for log in logs]
        is_largest = [(share == 1).astype(float) for share in shares]
        rest = sum(share - top_share for share, top_share in zip(shares, is_largest, strict=True)) + (sum(is_largest) - 1)
        if all_finite:
            return top + np.log1p(rest), [share / (1 + rest) for share in shares]
        loglik = top + np.where(finite, np.log1p(rest), 0.0)
        return loglik, [np.where(np.isfinite(loglik), share / (1 + rest), 1 / len(logs)) for share in shares]


def complement(part: Eval) -> Eval:
    """log(1 - p) from log p; digits are lost where p is close to one."""
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
    difference = plus(larger, complement(plus(smaller, larger, -1.0)))
    return difference._replace(loglik=np.where(larger.loglik == -np.inf, -np.inf, difference.loglik))


def scatter(n: int, parts: list[tuple[np.ndarray, Eval]]) -> Eval:
    """One Eval of n rows from pairs of a mask and the Eval of its rows; derivatives that a group lacks are zero."""
    loglik = np.empty(n)
    gradient: dict = {}
    information: dict = {}
    for mask, part in parts:
        rows = np.flatnonzero(mask)  # as numbers, which index much faster
        loglik[rows] = part.loglik
        for joined, values in ((gradient, part.gradient), (information, part.information)):
            for key, value in values.items():
                joined.setdefault(key, np.zeros((n, *np.shape(value)[1:])))[rows] = value
    return Eval(loglik, gradient, information)


def select_rows(eta: dict[str, Any], mask: np.ndarray) -> dict[str, Any]:
    """Linear predictors of the samples in `mask`; an array that repeats one number stays one."""
    index = np.flatnonzero(mask)
    return {name: take_rows(value, index) for name, value in eta.items()}


def outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Products of derivatives per sample: (n,) for scalars, (n, Ka, Kb) if one of them is of a vector parameter."""
    if a.ndim == b.ndim == 1:
        return a * b
    return a.reshape(len(a), -1)[:, :, None] * b.reshape(len(b), -1)[:, None, :]


def _times(share: np.ndarray, value: np.ndarray) -> np.ndarray:
    return _aligned(share, value) * _zero_without_mass(share, value)


def _zero_without_mass(share: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The value, with zeros where the term has no mass and derivatives may not exist."""
    return value if np.isfinite(value.sum()) else np.where(_aligned(share, value) > 0, value, 0.0)


def _aligned(share: np.ndarray, value: np.ndarray) -> np.ndarray:
    """One number per sample, reshaped to multiply an array of any shape per sample."""
    return share if value.ndim == 1 else share.reshape(-1, *[1] * (value.ndim - 1))
