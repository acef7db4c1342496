"""Forward-mode differentiation of a law's log-density, to second order.

A jet is an array with its derivatives in the linear predictors. It passes through the functions of numpy and scipy.special
that have a rule below, and raises TypeError for all others: such a formula is differenced instead (`_utils/differences.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from scipy import special

from ..._special.gamma_functions import trigamma
from ..._utils.repeated import repeated, repeated_value
from ...links import Identity
from .algebra import Eval
from .law import Law


class Jet(NDArrayOperatorsMixin):
    """`value` with first derivatives `d1`, by index of the linear predictor, and second ones `d2`, by pairs of indices.

    Zeros are left out. Each is an array, or one number if it is the same in all rows, so that formulas of a parameter without
    columns are computed once. `d2` is None if no second derivatives are asked for.
    """

    def __init__(self, value: Any, d1: Any, d2: Any, rows: Any) -> None:
        self.value, self.d1, self.d2, self.rows = value, d1, d2, rows

    shape = property(lambda self: self.value.shape or (self.rows,))
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: self.value.size if self.value.shape else self.rows)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError("an array would lose the derivatives")

    def __array_namespace__(self, api_version: Any = None) -> Any:
        """NumPy's namespace, for scipy.special in its array API mode (SCIPY_ARRAY_API)."""
        return _NUMPY

    def __array_ufunc__(self, ufunc: Callable, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:  # such as sums and writing in place
            raise TypeError(f"{ufunc.__name__}: {method} with {list(kwargs)} is not differentiated")
        if ufunc in DERIVATIVE_RULES:
            return _composed(ufunc, inputs, *DERIVATIVE_RULES[ufunc])
        if ufunc is np.add or ufunc is np.subtract:
            return _sum(ufunc, *inputs)
        if ufunc is np.divide:
            return _quotient(*inputs)
        if ufunc is np.power:
            exponent = inputs[1]
            if type(exponent) is int and exponent == 2:
                return _composed(np.square, inputs[:1], *DERIVATIVE_RULES[np.square])
            return _composed(_to_power, inputs, *(POWER_RULE if isinstance(exponent, Jet) else FIXED_POWER_RULE))
        if ufunc in WITHOUT_DERIVATIVE:
            return _to_rows(ufunc(*map(_value, inputs)), self.rows)
        if ufunc in CHOICES:
            return _where(CHOICES[ufunc](*map(_value, inputs)), inputs[0], inputs[1], strict=False)
        raise TypeError(f"{ufunc.__name__} is not differentiated")

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.where and len(args) == 3:
            return _where(*args)
        if function in (np.ones_like, np.zeros_like, np.shape, np.ndim, np.size):
            return function(*(_to_rows(x.value, x.rows) if isinstance(x, Jet) else x for x in args), **kwargs)
        raise TypeError(f"{function.__name__} is not differentiated")


def _value(x: Any) -> np.ndarray:
    return x.value if isinstance(x, Jet) else x


def _to_rows(value: np.ndarray, rows: int) -> np.ndarray:
    """The value as an array of `rows` entries, which may repeat one number."""
    return value if np.shape(value) else repeated(np.asarray(value), rows)


def _composed(function: Callable, inputs: tuple, firsts: Any, seconds: dict) -> Jet:
    """The jet of function(*inputs) by the chain rule, from the function's first and nonzero second derivatives."""
    values = [x.value if isinstance(x, Jet) else x for x in inputs]
    jets = [a for a, x in enumerate(inputs) if isinstance(x, Jet)]
    value, first_jet = function(*values), inputs[jets[0]]
    slopes = [firsts[a](value, *values) if a in jets else None for a in range(len(inputs))]
    d1: dict[int, Any] = {}
    d2: dict[tuple[int, int], Any] = {}
    for a in jets:
        for i, inner in inputs[a].d1.items():
            _add(d1, i, slopes[a] * inner)
    if first_jet.d2 is None:
        return Jet(value, d1, None, first_jet.rows)
    for a in jets:
        for pair, inner in inputs[a].d2.items():
            _add(d2, pair, slopes[a] * inner)
    for (a, b), second in seconds.items():
        if a in jets and b in jets:
            second = second and second(value, *values, *slopes)
            same = len(inputs) == 1 and second is slopes[a]
            left = d1 if same else {i: inner if second is None else second * inner for i, inner in inputs[a].d1.items()}
            _add_products(d2, left, inputs[b].d1, a == b)
    return Jet(value, d1, d2, first_jet.rows)


def _add_products(d2: dict, left: dict, right: dict, symmetric: bool) -> None:
    """Add products of first derivatives of two inputs to `d2`; `symmetric` if both are the same input."""
    for i, part in left.items():
        for j, other in right.items():
            if i <= j or not symmetric:
                _add(d2, (i, j) if i <= j else (j, i), part * (2 * other if i == j and not symmetric else other))


def _sum(function: Callable, x: Any, y: Any) -> Jet:
    """x + y or x - y."""
    sign = -1 if function is np.subtract else 1
    (a, c), (b, d) = ((z.d1, z.d2) if isinstance(z, Jet) else ({}, {}) for z in (x, y))
    d2 = None if c is None or d is None else _joined(c, d, sign)
    return Jet(function(_value(x), _value(y)), _joined(a, b, sign), d2, (x if isinstance(x, Jet) else y).rows)


def _quotient(x: np.ndarray, y: Jet) -> Jet:
    """x times the reciprocal of y, which often is one number."""
    reciprocal = _composed(np.reciprocal, (y,), *DERIVATIVE_RULES[np.reciprocal]) if isinstance(y, Jet) else 1 / y
    return _composed(lambda x, _: x / _value(y), (x, reciprocal), *DERIVATIVE_RULES[np.multiply])


def _joined(left: dict, right: dict, sign: int) -> dict:
    total = dict(left)
    for key, part in right.items():
        if sign < 0:
            total[key] = total[key] - part if key in total else -part
        else:
            _add(total, key, part)
    return total


def _add(total: dict, key: Any, part: np.ndarray) -> None:
    total[key] = total[key] + part if key in total else part


def _where(condition: Any, yes: Any, no: Any, strict: Any = True) -> Any:
    jets = [x for x in (yes, no) if isinstance(x, Jet)]
    parts = [x if isinstance(x, Jet) else Jet(x, {}, {}, None) for x in (yes, no)]
    if isinstance(condition, Jet) or (strict and parts[0].d1.keys() != parts[1].d1.keys()):
        raise TypeError("a parameter vanishes from one of two formulas: perhaps the limit of the other, but not its derivative")

    def chosen(a: Any, b: Any) -> dict:
        return {key: np.where(condition, a.get(key, 0.0), b.get(key, 0.0)) for key in a.keys() | b.keys()}

    d2 = None if None in (x.d2 for x in parts) else chosen(*(x.d2 for x in parts))
    value = np.where(condition, *(x.value for x in parts))
    return Jet(value, chosen(*(x.d1 for x in parts)), d2, jets[0].rows)


def _to_power(x: np.ndarray, n: np.ndarray) -> np.ndarray:
    return x**n  # the operator has fast paths for squares and roots


# A rule has the first derivatives, functions of the value f and the arguments, and the second ones by pairs of arguments,
# functions of the first derivatives as well; None stands for 1.
FIXED_POWER_RULE: Any = (lambda f, x, n: n * x ** (n - 1), None), {(0, 0): lambda f, x, n, *s: n * (n - 1) * x ** (n - 2)}
POWER_RULE: Any = (
    (lambda f, x, n: n * (f / x), lambda f, x, n: f * np.log(x)),
    {
        (0, 0): lambda f, x, n, s, t: (n - 1) * s / x,
        (0, 1): lambda f, x, n, s, t: (f + n * t) / x,
        (1, 1): lambda f, x, n, s, t: t * np.log(x),
    },
)


def _one(first: Callable, second: Callable) -> tuple[Any, dict]:
    """The rule of a function of one argument x: first(f, x) and second(f, x, s), with its value f and first derivative s."""
    return (first,), {(0, 0): second}


# With SCIPY_ARRAY_API set, functions of scipy.special are wrappers around their ufuncs. A call with jets and arrays reaches
# the ufunc if both name the same namespace, and scipy's for arrays is the copy of array_api_compat that it carries.
_NUMPY = next(
    (m for name, m in sys.modules.items() if name.startswith("scipy.") and name.endswith("array_api_compat.numpy")), np
)


def _ufunc(function: Callable) -> Callable:
    return getattr(function, "__wrapped__", function)


ROOT_PI = np.sqrt(np.pi)
# Piecewise constant functions. Equality is not among them: formulas use it to leave out a point where their derivative fails.
WITHOUT_DERIVATIVE = {
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
    np.isfinite,
    np.isnan,
    np.sign,
    np.floor,
    np.ceil,
    np.rint,
}
CHOICES = {np.maximum: np.greater_equal, np.minimum: np.less_equal, np.fmax: np.greater_equal, np.fmin: np.less_equal}
DERIVATIVE_RULES: dict[Any, Any] = {
    np.multiply: ((lambda f, x, y: y, lambda f, x, y: x), {(0, 1): None}),
    np.logaddexp: (
        (lambda f, x, y: np.exp(x - f), lambda f, x, y: np.exp(y - f)),
        {
            (0, 0): lambda f, x, y, s, t: s * np.exp(y - f),
            (0, 1): lambda f, x, y, s, t: -s * t,
            (1, 1): lambda f, x, y, s, t: t * np.exp(x - f),
        },
    ),
    np.negative: ((lambda f, x: -1.0,), {}),
    np.positive: ((lambda f, x: 1.0,), {}),
    np.abs: ((lambda f, x: np.sign(x),), {}),
    np.square: _one(lambda f, x: 2 * x, lambda f, x, s: np.float64(2.0)),
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
    _ufunc(special.gammaln): _one(lambda f, x: special.digamma(x), lambda f, x, s: trigamma(x)),
    _ufunc(special.expit): _one(lambda f, x: f * special.expit(-x), lambda f, x, s: s * -np.tanh(x / 2)),
    _ufunc(special.log_expit): _one(lambda f, x: special.expit(-x), lambda f, x, s: -s * special.expit(x)),
    _ufunc(special.erf): _one(lambda f, x: 2 / ROOT_PI * np.exp(-x * x), lambda f, x, s: -2 * x * s),
    _ufunc(special.xlogy): (
        (lambda f, x, y: np.log(y), lambda f, x, y: x / y),
        {(0, 1): lambda f, x, y, s, t: 1 / y, (1, 1): lambda f, x, y, s, t: -t / y},
    ),
    _ufunc(special.xlog1py): (
        (lambda f, x, y: np.log1p(y), lambda f, x, y: x / (1 + y)),
        {(0, 1): lambda f, x, y, s, t: 1 / (1 + y), (1, 1): lambda f, x, y, s, t: -t / (1 + y)},
    ),
}


def evaluate(law: Law, y: np.ndarray, eta: dict, order: int) -> Eval | None:
    """The Eval of `law.loglik` by jets; None if the formula takes none, or if a value or derivative is not finite."""
    names, rows = law.layout.free, len(y)
    if any(eta[name].ndim > 1 for name in names):
        return None
    jets = {name: _seed(i, law.layout[name].link, eta[name], order) for i, name in enumerate(names)}
    try:
        jet = law.loglik(y, **law.layout.with_given(eta, jets))
    except Exception:  # differences, which are tried next, work or raise the same error
        return None
    if not isinstance(jet, Jet) or jet.shape != y.shape[:1] or len(jet.d1) < len(names):
        return None  # a parameter without a derivative may have vanished in a limit that the formula took
    loglik = _to_rows(jet.value, rows)
    gradient = {name: _to_rows(jet.d1[i], rows) for i, name in enumerate(names)}
    information = {(names[i], names[j]): _to_rows(-value, rows) for (i, j), value in (jet.d2 or {}).items()}
    zeros = np.zeros(rows)  # their product with a number that is not finite is NaN
    if not all(part.dot(zeros) == 0 for part in (loglik, *gradient.values(), *information.values())):
        return None
    return Eval(law.layout.guarded(loglik, {name: jet.value for name, jet in jets.items()}), gradient, information)


def _seed(i: int, link: Any, eta: np.ndarray, order: int) -> Jet:
    """The jet of the parameter whose linear predictor `eta` has index i."""
    rows, constant = len(eta), repeated_value(eta) is not None
    eta = eta[:1].copy() if constant else eta
    parts = (eta,) if type(link) is Identity else link.inverse_derivatives(eta)
    value, *rest = (part[0] for part in parts) if constant else parts
    first, second = rest[0] if rest else 1.0, {(i, i): rest[1]} if rest else {}
    return Jet(value, {i: first}, second if order == 2 else None, rows)
