"""Derivatives of a law that supplies only its density: numbers that carry theirs through its formula.

A jet is an array with its derivatives in the linear predictors. It goes through the functions of numpy and scipy.special
whose derivatives stand below, and refuses all else: a formula is differentiated exactly, or by differences (`_numeric`).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from scipy import special

from .._special import trigamma
from ._algebra import Eval


class Jet(NDArrayOperatorsMixin):
    """`value`, its `slopes` by number of the linear predictor, and its `bends` by pairs of them; what is zero is left out.

    Bends are None where no second derivatives are wanted.
    """

    def __init__(self, value, slopes, bends):
        self.value, self.slopes, self.bends = value, slopes, bends

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)

    def __len__(self):
        return len(self.value)

    def __array__(self, *args, **kwargs):
        raise TypeError("an array would lose the derivatives")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__" or kwargs:  # such as sums and writing in place
            raise TypeError(f"{ufunc.__name__}: {method} with {list(kwargs)} is not differentiated")
        plain = [_plain(x) for x in inputs]
        if ufunc in _FLAT:
            return ufunc(*plain)
        if ufunc in _CHOICES:
            return _where(_CHOICES[ufunc](*plain), *inputs, strict=False)
        if ufunc is np.power:  # the operator knows squares and roots
            value = plain[0] ** plain[1]
            return _composed(value, inputs, *(_power if isinstance(inputs[1], Jet) else _fixed_power)(value, *plain))
        if ufunc not in _RULES:
            raise TypeError(f"{ufunc.__name__} is not differentiated")
        value = ufunc(*plain)
        return _composed(value, inputs, *_RULES[ufunc](value, *plain))

    def __array_function__(self, function, types, args, kwargs):
        if function is np.where and len(args) == 3:
            return _where(*args)
        if function in (np.ones_like, np.zeros_like, np.shape, np.ndim, np.size):
            return function(*map(_plain, args), **kwargs)
        raise TypeError(f"{function.__name__} is not differentiated")


def _plain(x):
    return x.value if isinstance(x, Jet) else x


def _composed(value, inputs, first, second):
    """A function's jet from its first derivatives and those second ones that are not zero."""
    jets = [(a, x) for a, x in enumerate(inputs) if isinstance(x, Jet)]
    slopes: dict = {}
    for a, x in jets:
        _add(slopes, x.slopes, first[a])
    if jets[0][1].bends is None:
        return Jet(value, slopes, None)
    bends: dict = {}
    for a, x in jets:
        _add(bends, x.bends, first[a])
    for (a, x), (b, z) in product(jets, jets):
        bend = second.get((min(a, b), max(a, b)))
        if bend is not None:
            both = {(i, j): x.slopes[i] * z.slopes[j] for i, j in product(x.slopes, z.slopes) if i <= j}
            _add(bends, both, bend)
    return Jet(value, slopes, bends)


def _add(total, parts, factor):
    for key, part in parts.items():
        part = part if np.ndim(factor) == 0 and factor == 1 else factor * part
        total[key] = total[key] + part if key in total else part


def _where(condition, yes, no, strict=True):
    parts = [x if isinstance(x, Jet) else Jet(x, {}, {}) for x in (yes, no)]
    if isinstance(condition, Jet) or (strict and parts[0].slopes.keys() != parts[1].slopes.keys()):
        raise TypeError("a parameter vanishes from one of two formulas: perhaps the limit of the other, but not its slope")

    def chosen(a, b):
        return {key: np.where(condition, a.get(key, 0.0), b.get(key, 0.0)) for key in a.keys() | b.keys()}

    bends = None if None in (x.bends for x in parts) else chosen(*(x.bends for x in parts))
    return Jet(np.where(condition, *(x.value for x in parts)), chosen(*(x.slopes for x in parts)), bends)


def _one(slope, bend):
    """The rule of a function of one argument: its derivatives from its value f and its argument x."""
    return lambda f, x: ((slope(f, x),), {(0, 0): bend(f, x)})


def _fixed_power(f, x, n):
    return (n * x ** (n - 1),), {(0, 0): n * (n - 1) * x ** (n - 2)}


def _power(f, x, n):
    log = np.log(x)
    slope, fraction = n * x ** (n - 1), x ** (n - 1)
    return (slope, f * log), {(0, 0): n * (n - 1) * x ** (n - 2), (0, 1): fraction * (1 + n * log), (1, 1): f * log * log}


def _log_add(f, x, y):
    share, rest = np.exp(x - f), np.exp(y - f)
    bend = share * rest
    return (share, rest), {(0, 0): bend, (0, 1): -bend, (1, 1): bend}


_ROOT = np.sqrt(np.pi)
# Constant between jumps. Not among them: equality, by which formulas leave out a point where their slope has no formula.
_FLAT = {np.less, np.less_equal, np.greater, np.greater_equal, np.isfinite, np.isnan, np.sign, np.floor, np.ceil, np.rint}
_CHOICES = {np.maximum: np.greater_equal, np.minimum: np.less_equal, np.fmax: np.greater_equal, np.fmin: np.less_equal}
_RULES = {
    np.add: lambda f, x, y: ((1.0, 1.0), {}),
    np.subtract: lambda f, x, y: ((1.0, -1.0), {}),
    np.multiply: lambda f, x, y: ((y, x), {(0, 1): 1.0}),
    np.divide: lambda f, x, y: ((1 / y, -f / y), {(0, 1): -1 / (y * y), (1, 1): 2 * f / (y * y)}),
    np.logaddexp: _log_add,
    np.negative: lambda f, x: ((-1.0,), {}),
    np.positive: lambda f, x: ((1.0,), {}),
    np.abs: lambda f, x: ((np.sign(x),), {}),
    np.square: lambda f, x: ((2 * x,), {(0, 0): 2.0}),
    np.sqrt: _one(lambda f, x: 0.5 / f, lambda f, x: -0.25 / (f * x)),
    np.reciprocal: _one(lambda f, x: -f * f, lambda f, x: 2 * f * f * f),
    np.exp: _one(lambda f, x: f, lambda f, x: f),
    np.expm1: _one(lambda f, x: f + 1, lambda f, x: f + 1),
    np.log: _one(lambda f, x: 1 / x, lambda f, x: -1 / (x * x)),
    np.log1p: _one(lambda f, x: 1 / (1 + x), lambda f, x: -1 / ((1 + x) * (1 + x))),
    np.sin: _one(lambda f, x: np.cos(x), lambda f, x: -f),
    np.cos: _one(lambda f, x: -np.sin(x), lambda f, x: -f),
    np.tanh: _one(lambda f, x: 1 - f * f, lambda f, x: -2 * f * (1 - f * f)),
    np.sinh: _one(lambda f, x: np.cosh(x), lambda f, x: f),
    np.cosh: _one(lambda f, x: np.sinh(x), lambda f, x: f),
    np.arctan: _one(lambda f, x: 1 / (1 + x * x), lambda f, x: -2 * x / (1 + x * x) ** 2),
    np.arcsinh: _one(lambda f, x: 1 / np.sqrt(1 + x * x), lambda f, x: -x / (1 + x * x) ** 1.5),
    special.gammaln: _one(lambda f, x: special.digamma(x), lambda f, x: trigamma(x)),
    special.expit: _one(lambda f, x: f * special.expit(-x), lambda f, x: f * special.expit(-x) * -np.tanh(x / 2)),
    special.log_expit: _one(lambda f, x: special.expit(-x), lambda f, x: -special.expit(x) * special.expit(-x)),
    special.erf: _one(lambda f, x: 2 / _ROOT * np.exp(-x * x), lambda f, x: -4 / _ROOT * x * np.exp(-x * x)),
    special.xlogy: lambda f, x, y: ((np.log(y), x / y), {(0, 1): 1 / y, (1, 1): -x / (y * y)}),
    special.xlog1py: lambda f, x, y: ((np.log1p(y), x / (1 + y)), {(0, 1): 1 / (1 + y), (1, 1): -x / ((1 + y) * (1 + y))}),
}


def evaluate(law, y, eta, order) -> Eval | None:
    """What `law.evaluate` gives, where `law.loglik` takes jets and all is finite; None elsewhere."""
    names = law.free
    if any(eta[name].ndim > 1 for name in names):
        return None
    jets = {}
    for i, name in enumerate(names):
        value, slope, bend = law.link(name).inverse_derivatives(eta[name])
        jets[name] = Jet(value, {i: slope}, {(i, i): bend} if order == 2 else None)
    try:
        found = law.loglik(y, **law._params(eta, jets))
    except Exception:  # whatever stopped it, by differences it will either work or say so
        return None
    if not isinstance(found, Jet) or found.shape != y.shape[:1] or len(found.slopes) < len(names):
        return None  # also where a parameter vanished: perhaps the formula took a limit
    shape, bends = found.shape, found.bends or {}
    gradient = {name: np.broadcast_to(found.slopes[i], shape) for i, name in enumerate(names)}
    information = {(names[i], names[j]): np.broadcast_to(-bend, shape) for (i, j), bend in bends.items()}
    if not all(np.isfinite(value.sum()) for value in (found.value, *gradient.values(), *information.values())):
        return None
    return Eval(law._guarded(found.value, {name: jet.value for name, jet in jets.items()}), gradient, information)
