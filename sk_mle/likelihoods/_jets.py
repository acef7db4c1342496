"""Derivatives of a law that supplies only its density: numbers that carry theirs through its formula.

A jet is an array with its derivatives in the linear predictors. It goes through the functions of numpy and scipy.special
whose derivatives stand below, and refuses all else: a formula is differentiated exactly, or by differences (`_numeric`).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from scipy import special

from .._repeated import repeated
from .._special import trigamma
from ..links import Identity
from ._algebra import Eval


class Jet(NDArrayOperatorsMixin):
    """`value`, its `slopes` by number of the linear predictor, and its `bends` by pairs of them; what is zero is left out.

    Each is an array, or one number where it is the same in all rows: formulas of a parameter without columns are worked out
    once. Bends are None where no second derivatives are wanted.
    """

    def __init__(self, value, slopes, bends, rows):
        self.value, self.slopes, self.bends, self.rows = value, slopes, bends, rows

    shape = property(lambda self: self.value.shape or (self.rows,))
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: self.value.size if self.value.shape else self.rows)

    def __len__(self):
        return self.shape[0]

    def __array__(self, *args, **kwargs):
        raise TypeError("an array would lose the derivatives")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__" or kwargs:  # such as sums and writing in place
            raise TypeError(f"{ufunc.__name__}: {method} with {list(kwargs)} is not differentiated")
        if ufunc in _RULES:
            return _composed(ufunc, inputs, *_RULES[ufunc])
        if ufunc is np.power:
            exponent = inputs[1]
            if type(exponent) is int and exponent == 2:
                return _composed(np.square, inputs[:1], *_RULES[np.square])
            return _composed(_to_power, inputs, *(_POWER if isinstance(exponent, Jet) else _FIXED_POWER))
        if ufunc in _FLAT:
            return _wide(ufunc(*map(_plain, inputs)), self.rows)
        if ufunc in _CHOICES:
            return _where(_CHOICES[ufunc](*map(_plain, inputs)), *inputs, strict=False)
        raise TypeError(f"{ufunc.__name__} is not differentiated")

    def __array_function__(self, function, types, args, kwargs):
        if function is np.where and len(args) == 3:
            return _where(*args)
        if function in (np.ones_like, np.zeros_like, np.shape, np.ndim, np.size):
            return function(*(_wide(x.value, x.rows) if isinstance(x, Jet) else x for x in args), **kwargs)
        raise TypeError(f"{function.__name__} is not differentiated")


def _plain(x):
    return x.value if isinstance(x, Jet) else x


def _wide(value, rows):
    return value if np.ndim(value) else repeated(np.asarray(value), rows)


def _composed(function, inputs, firsts, seconds):
    """A function's jet from its first derivatives and those second ones that are not zero, as far as they are needed."""
    plain = [x.value if isinstance(x, Jet) else x for x in inputs]
    value, slopes, steep = function(*plain), {}, []
    for x, first in zip(inputs, firsts, strict=True):
        if isinstance(x, Jet):
            first, rows, bent = first if type(first) is float else first(value, *plain), x.rows, x.bends is not None
            for i, slope in x.slopes.items():
                _add(slopes, i, _times(first, slope))
        steep.append(first)
    if not bent:
        return Jet(value, slopes, None, rows)
    bends: dict = {}
    for x, first in zip(inputs, steep, strict=True):
        if isinstance(x, Jet):
            for pair, bend in x.bends.items():
                _add(bends, pair, _times(first, bend))
    for (a, b), second in seconds.items():
        x, z = inputs[a], inputs[b]
        if isinstance(x, Jet) and isinstance(z, Jet):
            second = second if type(second) is float else second(value, *plain, *steep)
            for i, slope in x.slopes.items():
                part = _times(second, slope)
                for j, other in z.slopes.items():
                    if i <= j or a != b:
                        both = _times(part, other)
                        _add(bends, (min(i, j), max(i, j)), 2 * both if i == j and a != b else both)
    return Jet(value, slopes, bends, rows)


def _times(a, b):
    if type(b) is float and b == 1:
        return a
    return b if type(a) is float and a == 1 else a * b


def _add(total, key, part):
    total[key] = total[key] + part if key in total else part


def _where(condition, yes, no, strict=True):
    jets = [x for x in (yes, no) if isinstance(x, Jet)]
    parts = [x if isinstance(x, Jet) else Jet(x, {}, {}, None) for x in (yes, no)]
    if isinstance(condition, Jet) or (strict and parts[0].slopes.keys() != parts[1].slopes.keys()):
        raise TypeError("a parameter vanishes from one of two formulas: perhaps the limit of the other, but not its slope")

    def chosen(a, b):
        return {key: np.where(condition, a.get(key, 0.0), b.get(key, 0.0)) for key in a.keys() | b.keys()}

    bends = None if None in (x.bends for x in parts) else chosen(*(x.bends for x in parts))
    value = np.where(condition, *(x.value for x in parts))
    return Jet(value, chosen(*(x.slopes for x in parts)), bends, jets[0].rows)


def _to_power(x, n):
    return x**n  # the operator knows squares and roots


# Each rule: the first derivatives, from the value f and the arguments, and the second ones, from the first as well; numbers
# where they are constant.
_FIXED_POWER = (lambda f, x, n: n * x ** (n - 1), None), {(0, 0): lambda f, x, n, *s: n * (n - 1) * x ** (n - 2)}
_POWER = (
    (lambda f, x, n: n * (f / x), lambda f, x, n: f * np.log(x)),
    {
        (0, 0): lambda f, x, n, s, t: (n - 1) * s / x,
        (0, 1): lambda f, x, n, s, t: (f + n * t) / x,
        (1, 1): lambda f, x, n, s, t: t * np.log(x),
    },
)


def _one(slope, bend):
    """The rule of a function of one argument: its derivatives from its value f, its argument x, and its slope s."""
    return (slope,), {(0, 0): bend}


_ROOT = np.sqrt(np.pi)
# Constant between jumps. Not among them: equality, by which formulas leave out a point where their slope has no formula.
_FLAT = {np.less, np.less_equal, np.greater, np.greater_equal, np.isfinite, np.isnan, np.sign, np.floor, np.ceil, np.rint}
_CHOICES = {np.maximum: np.greater_equal, np.minimum: np.less_equal, np.fmax: np.greater_equal, np.fmin: np.less_equal}
_RULES = {
    np.add: ((1.0, 1.0), {}),
    np.subtract: ((1.0, -1.0), {}),
    np.multiply: ((lambda f, x, y: y, lambda f, x, y: x), {(0, 1): 1.0}),
    np.divide: (
        (lambda f, x, y: 1 / y, lambda f, x, y: -f / y),
        {(0, 1): lambda f, x, y, s, t: -1 / (y * y), (1, 1): lambda f, x, y, s, t: -2 * t / y},
    ),
    np.logaddexp: (
        (lambda f, x, y: np.exp(x - f), lambda f, x, y: np.exp(y - f)),
        {
            (0, 0): lambda f, x, y, s, t: s * np.exp(y - f),
            (0, 1): lambda f, x, y, s, t: -s * t,
            (1, 1): lambda f, x, y, s, t: t * np.exp(x - f),
        },
    ),
    np.negative: ((-1.0,), {}),
    np.positive: ((1.0,), {}),
    np.abs: ((lambda f, x: np.sign(x),), {}),
    np.square: ((lambda f, x: 2 * x,), {(0, 0): 2.0}),
    np.sqrt: _one(lambda f, x: 0.5 / f, lambda f, x, s: -0.5 * s / x),
    np.reciprocal: _one(lambda f, x: -f * f, lambda f, x, s: -2 * f * s),
    np.exp: _one(lambda f, x: f, lambda f, x, s: f),
    np.expm1: _one(lambda f, x: f + 1, lambda f, x, s: s),
    np.log: _one(lambda f, x: 1 / x, lambda f, x, s: -s * s),
    np.log1p: _one(lambda f, x: 1 / (1 + x), lambda f, x, s: -s * s),
    np.sin: _one(lambda f, x: np.cos(x), lambda f, x, s: -f),
    np.cos: _one(lambda f, x: -np.sin(x), lambda f, x, s: -f),
    np.tanh: _one(lambda f, x: 1 - f * f, lambda f, x, s: -2 * f * s),
    np.sinh: _one(lambda f, x: np.cosh(x), lambda f, x, s: f),
    np.cosh: _one(lambda f, x: np.sinh(x), lambda f, x, s: f),
    np.arctan: _one(lambda f, x: 1 / (1 + x * x), lambda f, x, s: -2 * x * s * s),
    np.arcsinh: _one(lambda f, x: 1 / np.sqrt(1 + x * x), lambda f, x, s: -x * s * s * s),
    special.gammaln: _one(lambda f, x: special.digamma(x), lambda f, x, s: trigamma(x)),
    special.expit: _one(lambda f, x: f * special.expit(-x), lambda f, x, s: s * -np.tanh(x / 2)),
    special.log_expit: _one(lambda f, x: special.expit(-x), lambda f, x, s: -s * special.expit(x)),
    special.erf: _one(lambda f, x: 2 / _ROOT * np.exp(-x * x), lambda f, x, s: -2 * x * s),
    special.xlogy: (
        (lambda f, x, y: np.log(y), lambda f, x, y: x / y),
        {(0, 1): lambda f, x, y, s, t: 1 / y, (1, 1): lambda f, x, y, s, t: -t / y},
    ),
    special.xlog1py: (
        (lambda f, x, y: np.log1p(y), lambda f, x, y: x / (1 + y)),
        {(0, 1): lambda f, x, y, s, t: 1 / (1 + y), (1, 1): lambda f, x, y, s, t: -t / (1 + y)},
    ),
}


def evaluate(law, y, eta, order) -> Eval | None:
    """What `law.evaluate` gives, where `law.loglik` takes jets and all is finite; None elsewhere."""
    names, rows = law.free, len(y)
    if any(eta[name].ndim > 1 for name in names):
        return None
    jets = {}
    for i, name in enumerate(names):
        link, at = law.link(name), eta[name]
        if type(link) is Identity:
            jets[name] = Jet(_narrow(at), {i: 1.0}, {} if order == 2 else None, rows)
        else:
            value, slope, bend = map(_narrow, link.inverse_derivatives(at))
            jets[name] = Jet(value, {i: slope}, {(i, i): bend} if order == 2 else None, rows)
    try:
        found = law.loglik(y, **law._params(eta, jets))
    except Exception:  # whatever stopped it, by differences it will either work or say so
        return None
    if not isinstance(found, Jet) or found.shape != y.shape[:1] or len(found.slopes) < len(names):
        return None  # also where a parameter vanished: perhaps the formula took a limit
    loglik = _wide(found.value, rows)
    gradient = {name: _wide(found.slopes[i], rows) for i, name in enumerate(names)}
    information = {(names[i], names[j]): _wide(-bend, rows) for (i, j), bend in (found.bends or {}).items()}
    zeros = np.zeros(rows)  # times which what is not finite is NaN
    if not all(part.dot(zeros) == 0 for part in (loglik, *gradient.values(), *information.values())):
        return None
    return Eval(law._guarded(loglik, {name: jet.value for name, jet in jets.items()}), gradient, information)


def _narrow(value):
    return value[0] if value.strides == (0,) and len(value) else value
