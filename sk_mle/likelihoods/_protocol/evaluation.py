"""A law's log-likelihood and its derivatives on the scale of the linear predictors, by the chain rule, jets or differences."""

from __future__ import annotations

import numpy as np

from ..._utils.repeated import repeated_value
from .._fallbacks import interval, jets
from .._fallbacks.algebra import Eval, complement, constant, mix, outer, plus, rows, scatter
from .._fallbacks.numeric import copies, differentiate, stacking
from . import authors


def evaluate(law, y, eta: dict, order: int = 1, information: str = "observed") -> Eval:
    """`Likelihood.evaluate`."""
    with np.errstate(all="ignore"):  # a trial value outside the domain is answered by a non-finite log-likelihood
        expected = information == "expected" and law.fisher is not None
        known = law.gradient is not None and (order < 2 or expected or law.hessian is not None)
        return (analytic if known or order == 0 else differenced)(law, y, eta, order, expected)


def analytic(law, y, eta, order, expected) -> Eval:
    chain = {name: law.parameter(name).link.inverse_derivatives(eta[name]) for name in law.free}
    params = law._params(eta, {name: values[0] for name, values in chain.items()})
    loglik, natural, second = law.terms(y, min(order, 1) if expected else order, **params)
    loglik = authors.logs(law, loglik, y)
    wrong = [name for name in law.free if np.shape(natural.get(name))[:1] != loglik.shape] if order else []
    if wrong:
        found = {name: np.shape(value) for name, value in natural.items()}
        raise ValueError(
            f"{type(law).__name__}.gradient must return an array of shape {loglik.shape} for {wrong}; it returned {found}"
        )
    loglik = law._guarded(loglik, params)
    if order == 0:
        return Eval(loglik, {}, {})
    second = law.fisher(**params) if expected and order == 2 else second
    return chained(law, loglik, natural, second, chain, order, expected)


def chained(law, loglik, natural, second, chain, order, expected=False) -> Eval:
    """Derivatives in the linear predictors from those in the parameters."""
    plain = {name for name, (_, d1, _) in chain.items() if repeated_value(d1) == 1.0}  # the identity link
    gradient = {name: natural[name] if name in plain else natural[name] * chain[name][1] for name in law.free}
    if order == 1:
        return Eval(loglik, gradient, {})
    sign, result = 1.0 if expected else -1.0, {}
    for (a, b), value in second.items():
        if a in chain and b in chain:
            alone = {a, b} <= plain and np.shape(value)[:1] == loglik.shape
            result[a, b] = value * (sign if alone else outer(sign * chain[a][1], chain[b][1]))
    if not expected:
        for name in law.free:
            if repeated_value(chain[name][2]) == 0.0 and (name, name) in result:
                continue
            curved = natural[name] * chain[name][2]
            if curved.ndim == 1:
                result[name, name] = result.get((name, name), 0.0) - curved
            else:
                block = result.setdefault((name, name), np.zeros((*curved.shape, curved.shape[1])))
                np.einsum("nkk->nk", block)[...] -= curved
    return Eval(loglik, gradient, result)


def differenced(law, y, eta, order, expected) -> Eval:
    if law.gradient is None and law.smooth and (found := jets.evaluate(law, y, eta, order)) is not None:
        return found
    gradient = None if law.gradient is None else lambda at, m: analytic(law, copies(y, m), at, 1, False).gradient
    return differences(law, lambda at, m: law.evaluate(copies(y, m), at, 0).loglik, eta, order, gradient)


def differences(law, f, eta, order, gradient_of=None) -> Eval:
    """Derivatives of any `f(eta, m)` that gives a value per sample, of m copies of all samples one after another."""
    if order == 0:
        return constant(f(eta, 1))
    names, known = law.free, {name: eta[name] for name in law.known}
    stack, unstack, places = stacking({name: eta[name] for name in names})

    def apart(stacked):
        m = len(stacked) // len(next(iter(eta.values())))
        return {**unstack(stacked), **{name: copies(value, m) for name, value in known.items()}}, m

    growable = np.concatenate([np.repeat(law.parameter(n).location, p.stop - p.start) for n, p in places.items()])
    value, gradient, hessian = differentiate(
        lambda at: f(*apart(at)),
        stack(eta),
        order,
        growable,
        None if gradient_of is None else lambda at: stack(gradient_of(*apart(at))),
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


def evaluate_interval(law, low, high, eta: dict, order: int = 1) -> Eval:
    """`Likelihood.evaluate_interval`."""
    low, high = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
    few = law.support.integer and high.size > 0 and high.max() < np.inf  # points
    low = np.maximum(low, law.support.low - 1.0) if law.support.integer else low
    with np.errstate(all="ignore"):
        if order == 0 and not few:
            return constant(law.log_interval(low, high, **law.theta(eta)))
        from_start, to_end = interval.reaches(law, low, high)
        groups = [(from_start & to_end, sure), (low >= high, impossible)]
        rest = ~(groups[0][0] | groups[1][0])
        thin = rest & interval.narrow(law, low, high, lambda y: law.evaluate(y, eta, 0).loglik)
        nearly = rest & ~thin & to_end & interval.narrow(law, np.full(len(low), law.support.low - 1.0), low, None)
        groups += [(thin, narrow_interval), (nearly, upper_interval)]
        wide = rest & ~thin & ~nearly
        for side in (to_end, from_start, ~(to_end | from_start)):  # apart, as one tail is less work than two
            groups.append((wide & side, wide_interval))
        parts = []
        for mask, part in groups:
            if mask.all():
                return part(law, low, high, eta, order)
            if mask.any():
                parts.append((mask, part(law, low[mask], high[mask], rows(eta, mask), order)))
        return scatter(len(low), parts)


def sure(law, low, high, eta, order) -> Eval:
    return constant(np.zeros(len(low)))


def impossible(law, low, high, eta, order) -> Eval:
    return constant(np.full(len(low), -np.inf))


def narrow_interval(law, low, high, eta, order) -> Eval:
    y, weight = interval.nodes(law, low, high)
    return mix([plus(law.evaluate(y[:, k], eta, order), constant(weight[:, k])) for k in range(y.shape[1])], order)


def upper_interval(law, low, high, eta, order) -> Eval:
    """On a lattice, all but the few points at or below `low`: their complement, unless they hold nearly all."""
    below = narrow_interval(law, np.full(len(low), law.support.low - 1.0), low, eta, order)
    small = below.loglik > interval.LOG_OF_NEARLY_ALL
    if not small.any():
        return complement(below)
    rest = wide_interval(law, low[small], high[small], rows(eta, small), order)
    return scatter(len(low), [(np.ones_like(small), complement(below)), (small, rest)])


def wide_interval(law, low, high, eta, order) -> Eval:
    if law.interval is None:
        return differences(law, log_interval_at(law, low, high), eta, order)
    chain = {name: law.parameter(name).link.inverse_derivatives(eta[name]) for name in law.free}
    params = law._params(eta, {name: values[0] for name, values in chain.items()})
    loglik, natural, second = law.interval(low, high, order, **params)
    return chained(law, law._guarded(loglik, params), natural, second, chain, order)


def log_interval_at(law, low, high):
    """`log_interval` as `_differences` takes it."""
    return lambda at, m: law.log_interval(copies(low, m), copies(high, m), **law.theta(at))
