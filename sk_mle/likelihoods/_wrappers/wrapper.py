"""Base class of all wrappers: the parameters of a law inside, and further parameters of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...domains import Domain
from .._fallbacks.algebra import Eval, constant
from .._fallbacks.facts import code, takes_parameters, title
from .._fallbacks.inversion import solve_quantile
from .._protocol.base import Child, Likelihood
from .composite import Composite

LOG_HALF = -np.log(2.0)


class FromIntervals(Likelihood):
    """A law whose distribution functions follow from the probability of an interval, `log_interval`."""

    @takes_parameters
    def log_interval(self, low: np.ndarray, high: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, /, **params: np.ndarray) -> np.ndarray:
        ends = ((y, np.inf), (-np.inf, y)) if upper else ((-np.inf, y), (y, np.inf))
        value = np.minimum(self.log_interval(*ends[0], **params), 0.0)  # above 0 by rounding alone
        if log and np.fmax.reduce(value, axis=None, initial=-np.inf) > LOG_HALF:
            rest = np.minimum(self.log_interval(*ends[1], **params), 0.0)
            with np.errstate(divide="ignore"):  # the logarithm of a probability close to one has the digits of its complement
                value = np.where((value > LOG_HALF) & ~np.isnan(rest), np.log1p(-np.exp(rest)), value)
        return value if log else np.exp(value)


class Wrapper(Composite, FromIntervals):
    """A law made from another one, `law`, which may be a user's law, or a wrapper itself.

    A subclass names its `own` parameters and writes `loglik` on the natural scale and `evaluate` on the link scale. From
    `log_interval` follow the distribution functions, quantiles and samples. One whose y is not the inner law's has a `support`
    of its own, whose `typical` values lie inside, and whose `atoms` are those of y.
    """

    law: Likelihood

    @property
    def children(self) -> tuple[Child, ...]:
        return (Child(self.law, {name: name for name in self.law.parameters}),)

    def _replace_children(self, laws: Sequence[Likelihood]) -> None:
        (self.law,) = laws

    @property
    def support(self) -> Domain:
        return self.law.support

    def check(self) -> None:
        law = type(self).__name__
        if not isinstance(self.law, Likelihood):
            hint = " (write an instance: add parentheses)" if isinstance(self.law, type) else ""
            raise TypeError(f"{law} wraps a Likelihood instance, such as {law}(Poisson()), got {self.law!r}{hint}")
        if self.law.target_type != "number":
            of = {"classes": "classes", "targets": "several targets"}[self.law.target_type]
            raise ValueError(f"{law} wraps laws of one numeric target, and {title(self.law)} is a law of {of}")
        if self.law.predictive is not self.law:
            inside = title(self.law)
            if type(self.law.predictive) is type(self.law):
                raise ValueError(
                    f"{law} wraps laws of one column of y: say what {inside} reads from the others, as in {inside}(trials=10)"
                )
            raise ValueError(
                f"{inside} says how values are observed, so it is the outermost: {inside}({law}(...)), not {law}({inside}(...))"
            )
        clash = [name for name in self.own if name in self.law.parameters]
        if clash:
            raise ValueError(f"{law} adds the parameters {clash}, which {title(self.law)} has already")
        super().check()

    @takes_parameters
    def ppf(self, q: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        """From the distribution functions, beginning where the quantile of the law inside is."""
        near = self.law.ppf(q, **self.inner(params))
        return solve_quantile(self, q, params, np.clip(near, self.support.low, self.support.high))

    # ---- for subclasses ----------------------------------------------------------------------------------

    def inner(self, params: dict) -> dict:
        """The parameters of the law inside, from all parameters."""
        return {name: params[name] for name in self.law.parameters}

    def inner_start(self, y: np.ndarray, sample_weight: np.ndarray, rows: np.ndarray, others: str) -> dict:
        """Start of the law inside from its rows, a mask; `others` names the values of the other rows in the error message."""
        if rows.any():
            return self.law.start(y[rows], sample_weight[rows])
        if not self.law.layout.free:
            return {}
        law, inner, names = type(self).__name__, title(self.law), " and ".join(self.law.layout.free)
        values = ", ".join(f"{name!r}: ..." for name in self.law.layout.free)
        raise ValueError(
            f"every y is {others}, so that no row is left from which {inner}, the law inside {law}, could estimate {names}: "
            f"fit to data with other rows too (in cross-validation, stratify the folds by whether y is {others}), or give the "
            f"values, {law}(Fixed({code(self.law)}, {{{values}}}))"
        )

    def shares(self, name: str, eta: dict) -> tuple[Eval, Eval]:
        """log p and log(1 - p) of one of the wrapper's own parameters that is a probability, with their derivatives."""
        if name in eta and name not in self.layout.known:
            link = self.layout[name].link
            (yes, yes_d1, yes_d2), (no, no_d1, no_d2) = link.log_inverse(eta[name]), link.log_complement(eta[name])
            pair = name, name
            return Eval(yes, {name: yes_d1}, {pair: -yes_d2}), Eval(no, {name: no_d1}, {pair: -no_d2})
        value = np.asarray(eta[name] if name in self.layout.known else self.layout.fixed[name], float)
        n = len(next(iter(eta.values())))
        with np.errstate(divide="ignore"):
            return constant(np.broadcast_to(np.log(value), (n,))), constant(np.broadcast_to(np.log1p(-value), (n,)))
