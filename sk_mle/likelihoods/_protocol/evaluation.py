"""Derivatives of a law's log-likelihood in the linear predictors, by the chain rule, jets or differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._utils.differences import copies, differentiate, stacking
from ..._utils.repeated import repeated_value
from .._fallbacks import interval, jets
from .._fallbacks.algebra import Eval, complement, constant, mix, outer, plus, scatter, select_rows
from . import authors

if TYPE_CHECKING:
    from .base import Likelihood

MAX_LOG_DIFFERENCE = 1e-11  # between a tail and a complement, relative, from logs of -10 on


def evaluate(law: Likelihood, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
    """The default of `Likelihood.evaluate`."""
    with np.errstate(all="ignore"):  # a trial value outside the domain gives a log-likelihood that is not finite
        expected = information == "expected" and law.fisher is not None
        has_formulas = law.gradient is not None and (order < 2 or expected or law.hessian is not None)
        return (by_formulas if has_formulas or order == 0 else without_formulas)(law, y, eta, order, expected)


def by_formulas(law: Likelihood, y: np.ndarray, eta: dict, order: int, expected: bool) -> Eval:
    """The Eval from the law's own `gradient` with `hessian` or `fisher`, by the chain rule."""
    chain = {name: law.layout[name].link.inverse_derivatives(eta[name]) for name in law.layout.free}
    params = law.layout.with_given(eta, {name: values[0] for name, values in chain.items()})
    loglik, natural, second = law.terms(y, min(order, 1) if expected else order, **params)
    loglik = authors.checked_loglik(law, loglik, y)
    needed, is_dict = law.layout.free if order else [], isinstance(natural, dict)
    wrong = [name for name in needed if not is_dict or np.shape(natural.get(name, ()))[:1] != loglik.shape]
    if wrong:
        returned = {name: np.shape(value) for name, value in natural.items()} if is_dict else type(natural).__name__
        raise ValueError(
            f"{type(law).__name__}.gradient must return a dict with an array of shape {loglik.shape} for {wrong}; it returned "
            f"{returned}"
        )
    loglik = law.layout.guarded(loglik, params)
    if order == 0:
        return Eval(loglik, {}, {})
    fisher: Any = law.fisher
    second = fisher(**params, **law.observed(y).params) if expected and order == 2 else second
    return chain_rule(law, loglik, natural, second, chain, order, expected)


def chain_rule(
    law: Likelihood, loglik: np.ndarray, natural: dict, second: dict, chain: dict, order: int, expected: bool = False
) -> Eval:
    """The Eval in the linear predictors from first (`natural`) and `second` derivatives in the parameters.

    `chain` has for every free parameter its value with two derivatives in its linear predictor.
    """
    identity = {name for name, (_, d1, _) in chain.items() if repeated_value(d1) == 1.0}  # parameters with this link
    gradient = {name: natural[name] if name in identity else natural[name] * chain[name][1] for name in law.layout.free}
    if order == 1:
        return Eval(loglik, gradient, {})
    sign, result = 1.0 if expected else -1.0, {}
    for (a, b), value in second.items():
        if a in chain and b in chain:
            unchanged = {a, b} <= identity and np.shape(value)[:1] == loglik.shape
            result[a, b] = value * (sign if unchanged else outer(sign * chain[a][1], chain[b][1]))
    if not expected:
        for name in law.layout.free:
            if repeated_value(chain[name][2]) == 0.0 and (name, name) in result:
                continue
            from_link = natural[name] * chain[name][2]  # of the link's second derivative
            if from_link.ndim == 1:
                result[name, name] = result.get((name, name), 0.0) - from_link
            else:
                block = result.setdefault((name, name), np.zeros((*from_link.shape, from_link.shape[1])))
                np.einsum("nkk->nk", block)[...] -= from_link
    return Eval(loglik, gradient, result)


def without_formulas(law: Likelihood, y: np.ndarray, eta: dict, order: int, expected: bool) -> Eval:
    """The Eval by jets, or, where the formula takes none, by differences of the gradient or of the log-likelihood."""
    if law.gradient is None and (evaluated := jets.evaluate(law, y, eta, order)) is not None:
        return evaluated
    gradient = None if law.gradient is None else lambda at, m: by_formulas(law, copies(y, m), at, 1, False).gradient
    return by_differences(law, lambda at, m: law.evaluate(copies(y, m), at, 0).loglik, eta, order, gradient)


def by_differences(law: Likelihood, f: Callable, eta: dict, order: int, gradient_of: Callable | None = None) -> Eval:
    """The Eval of any `f(eta, m)` that gives a value per sample, of m copies of all samples one after another."""
    if order == 0:
        return constant(f(eta, 1))
    names, known = law.layout.free, {name: eta[name] for name in law.layout.known}
    stack, unstack, places = stacking({name: eta[name] for name in names})

    def split(stacked: np.ndarray) -> tuple[dict, int]:
        m = len(stacked) // len(next(iter(eta.values())))
        return {**unstack(stacked), **{name: copies(value, m) for name, value in known.items()}}, m

    growable = np.concatenate([np.repeat(bool(law.layout[n].location), p.stop - p.start) for n, p in places.items()])
    value, gradient, hessian = differentiate(
        lambda at: f(*split(at)),
        stack(eta),
        order,
        growable,
        None if gradient_of is None else lambda at: stack(gradient_of(*split(at))),
        together=True,
    )
    if order < 2:
        return Eval(value, unstack(gradient), {})
    blocks = {}
    for i, a in enumerate(names):
        for b in names[i:]:
            block = -hessian[:, places[a], places[b]]
            blocks[a, b] = block[:, 0, 0] if eta[a].ndim == eta[b].ndim == 1 else block
    return Eval(value, unstack(gradient), blocks)


def evaluate_interval(law: Likelihood, low: np.ndarray, high: np.ndarray, eta: dict, order: int = 1) -> Eval:
    """The default of `Likelihood.evaluate_interval`: groups of rows by the method that is exact for their interval."""
    low, high = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
    finite_sum = law.support.integer and high.size > 0 and high.max() < np.inf
    low = np.maximum(low, law.support.low - 1.0) if law.support.integer else low
    with np.errstate(all="ignore"):
        if order == 0 and not finite_sum:
            return constant(law.log_interval(low, high, **law.layout.theta(eta)))
        from_start, to_end = interval.reaches(law, low, high)
        groups = [(from_start & to_end, certain_interval), (low >= high, empty_interval)]
        uncertain = ~(groups[0][0] | groups[1][0])
        most = interval.NODES_PER_INTERVAL if law.interval is not None else interval.MAX_MASSES_WITH_DERIVATIVES
        narrow = uncertain & interval.is_narrow(law, low, high, lambda y: law.evaluate(y, eta, 0).loglik, most)
        first = np.full(len(low), law.support.low - 1.0)
        all_but_few = uncertain & ~narrow & to_end & interval.is_narrow(law, first, low, None, most)
        groups += [(narrow, narrow_interval), (all_but_few, upper_interval)]
        wide = uncertain & ~narrow & ~all_but_few
        for side in (to_end, from_start, ~(to_end | from_start)):  # in groups of their own, as one tail costs less than two
            groups.append((wide & side, wide_interval))
        parts = []
        for mask, method in groups:
            if mask.all():
                return method(law, low, high, eta, order)
            if mask.any():
                parts.append((mask, method(law, low[mask], high[mask], select_rows(eta, mask), order)))
        return scatter(len(low), parts)


def certain_interval(law: Likelihood, low: np.ndarray, high: np.ndarray, eta: dict, order: int) -> Eval:
    """Probability one: the interval holds the whole support."""
    return constant(np.zeros(len(low)))


def empty_interval(law: Likelihood, low: np.ndarray, high: np.ndarray, eta: dict, order: int) -> Eval:
    """Probability zero."""
    return constant(np.full(len(low), -np.inf))


def narrow_interval(law: Likelihood, low: np.ndarray, high: np.ndarray, eta: dict, order: int) -> Eval:
    """The density summed over the nodes of a short interval."""
    y, weight = interval.nodes(law, low, high)
    return mix([plus(law.evaluate(y[:, k], eta, order), constant(weight[:, k])) for k in range(y.shape[1])], order)


def upper_interval(law: Likelihood, low: np.ndarray, high: np.ndarray, eta: dict, order: int) -> Eval:
    """For laws of integers, the complement of the few points at or below `low`, or the tail where that loses digits."""
    below = narrow_interval(law, np.full(len(low), law.support.low - 1.0), low, eta, order)
    above, cancelled = complement(below), below.loglik > interval.LOG_OF_NEARLY_ALL
    if cancelled.any():  # a log mass near zero may be rounded, or exact, as Poisson's at zero is
        tail = law.log_interval(low[cancelled], high[cancelled], **law.layout.theta(select_rows(eta, cancelled)))
        cancelled[cancelled] = ~(np.abs(above.loglik[cancelled] - tail) <= MAX_LOG_DIFFERENCE * np.maximum(10.0, np.abs(tail)))
    if not cancelled.any():
        return above
    exact = wide_interval(law, low[cancelled], high[cancelled], select_rows(eta, cancelled), order)
    return scatter(len(low), [(np.ones_like(cancelled), above), (cancelled, exact)])


def wide_interval(law: Likelihood, low: np.ndarray, high: np.ndarray, eta: dict, order: int) -> Eval:
    """The law's own `interval`, or differences of `log_interval`."""
    if law.interval is None:
        return by_differences(law, log_interval_at(law, low, high), eta, order)
    chain = {name: law.layout[name].link.inverse_derivatives(eta[name]) for name in law.layout.free}
    params = law.layout.with_given(eta, {name: values[0] for name, values in chain.items()})
    loglik, natural, second = law.interval(low, high, order, **params)
    return chain_rule(law, law.layout.guarded(loglik, params), natural, second, chain, order)


def log_interval_at(law: Likelihood, low: np.ndarray, high: np.ndarray) -> Callable:
    """`log_interval` as a function f(eta, m), which `by_differences` takes."""
    return lambda at, m: law.log_interval(copies(low, m), copies(high, m), **law.layout.theta(at))
