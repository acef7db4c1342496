"""Laws of proportions with point masses at zero and at one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...domains import UNIT, Domain
from .._fallbacks.algebra import Eval, plus, scatter, select_rows
from .._fallbacks.expected import BesideAtoms, beside_atoms
from .._fallbacks.facts import title
from .._fallbacks.inversion import refine_quantile
from .._protocol.evaluation import by_differences, log_interval_at
from .._protocol.parameter import Parameter
from .wrapper import Wrapper

SHARE = Parameter(UNIT, allowed=replace(UNIT, closed=(True, False)))


class ZeroOneInflated(Wrapper):
    r"""A law on (0, 1) mixed with point masses at zero and at one.

    .. math:: P(y = 0) = \mathrm{zero}, \quad P(y = 1) = (1 - \mathrm{zero})\,\mathrm{one}, \quad
        p(y) = (1 - \mathrm{zero})(1 - \mathrm{one})\, p_{\mathrm{law}}(y)

    `one` is the probability of one among the values that are not zero, so that both may depend on X freely. Mean
    ``(1 - zero) * (one + (1 - one) * m)`` with m the mean of the law inside. With ``zero=0`` or ``one=0`` there is only the
    other point mass. scipy.stats: none; statsmodels: none; R: gamlss ``BEINF`` (its nu is zero / (1 - P(0) - P(1))), ``BEZI``.

    Parameters
    ----------
    law : Likelihood
    zero, one : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Links of `zero` and `one`; default logit.

    References
    ----------
    Ospina, R., Ferrari, S. L. P. (2010). Inflated beta distributions. Statistical Papers 51, 111-126.
    doi:10.1007/s00362-008-0125-4

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.likelihoods import Beta
    >>> model = MLERegressor(ZeroOneInflated(Beta())).fit([[0], [1]] * 4, [0, 0.5, 0.2, 1, 0.4, 0.7, 0.3, 0.9])
    >>> {name: float(value[0].round(3)) for name, value in model.predict_params([[0]]).items() if name in ("zero", "one")}
    {'zero': 0.125, 'one': 0.143}
    """

    own = {"zero": SHARE, "one": SHARE}

    def __init__(self, law: Any, *, zero: Any = None, one: Any = None, links: Any = None) -> None:
        self.law, self.zero, self.one, self.links = law, zero, one, links

    def check(self) -> None:
        super().check()
        inner = self.law.support
        if (inner.low, inner.high) != (0.0, 1.0) or inner.integer or self.law.support.atoms:
            raise ValueError(
                f"ZeroOneInflated takes a law on (0, 1), such as Beta(); the support of {title(self.law)} is {inner}"
            )

    @property
    def support(self) -> Domain:
        return replace(self.law.support, closed=(True, True), atoms=(0.0, 1.0))

    def loglik(self, y: np.ndarray, /, zero: np.ndarray, one: np.ndarray, **params: np.ndarray) -> np.ndarray:
        y = np.asarray(y, float)
        with np.errstate(all="ignore"):
            inside = np.log1p(-zero) + np.log1p(-one) + self.law.loglik(np.where((y == 0) | (y == 1), 0.5, y), **params)
            return np.where(y == 0, np.log(zero), np.where(y == 1, np.log1p(-zero) + np.log(one), inside))

    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        parts = []
        for part in (y == 0, y == 1, (y != 0) & (y != 1)):
            if part.any():
                at = select_rows(eta, part)
                (zero, above), (one, below) = self.shares("zero", at), self.shares("one", at)
                first = y[part][0]
                part_eval = zero if first == 0 else plus(above, one) if first == 1 else plus(above, below)
                if first not in (0, 1):
                    part_eval = plus(part_eval, self.law.evaluate(y[part], at, order))
                parts.append((part, part_eval))
        return scatter(len(y), parts)

    def log_interval(
        self, low: np.ndarray, high: np.ndarray, /, zero: np.ndarray, one: np.ndarray, **params: np.ndarray
    ) -> np.ndarray:
        low, high = np.asarray(low, float), np.asarray(high, float)
        with np.errstate(all="ignore"):
            inner = self.law.log_interval(np.maximum(low, 0.0), np.minimum(high, 1.0), **params)
            total = np.where((low < 1) & (high > 0), np.log1p(-zero) + np.log1p(-one) + inner, -np.inf)
            total = np.where((low < 0) & (high >= 0), np.logaddexp(np.log(zero), total), total)
            return np.where((low < 1) & (high >= 1), np.logaddexp(np.log1p(-zero) + np.log(one), total), total)

    def evaluate_interval(self, low: np.ndarray, high: np.ndarray, eta: dict, order: int = 1) -> Eval:
        return by_differences(self, log_interval_at(self, low, high), eta, order)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        inside = (y != 0) & (y != 1)
        zero = np.average(y == 0, weights=sample_weight)
        one = np.average(y == 1, weights=sample_weight) / max(1 - zero, 1e-12)
        shares = {"zero": zero, "one": one}
        inner = self.inner_start(y, sample_weight, inside, "zero or one")
        return {**inner, **{name: float(np.clip(v, 1e-6, 1 - 1e-6)) for name, v in shares.items()}}

    def expectation(self, zero: np.ndarray, one: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return (1 - zero) * (one + (1 - one) * self.law.expectation(**params))

    def variance(self, zero: np.ndarray, one: np.ndarray, **params: np.ndarray) -> np.ndarray:
        mean = self.law.expectation(**params)
        square = (1 - zero) * (one + (1 - one) * (self.law.variance(**params) + mean**2))
        return square - self.expectation(zero, one, **params) ** 2

    def ppf(self, q: np.ndarray, /, zero: np.ndarray, one: np.ndarray, **params: np.ndarray) -> np.ndarray:
        level = (q - zero) / ((1 - zero) * (1 - one))
        inner = self.law.ppf(np.clip(level, 0, 1), **params)
        last = np.nextafter(1.0, 0.0)  # a beta law may have much of its probability between this and one
        inner = np.where((inner >= last) & (self.law.cdf(last, **params) < level), 1.0, inner)
        near = np.where(q <= zero, 0.0, np.where(level >= 1, 1.0, inner))
        return refine_quantile(self, q, {"zero": zero, "one": one, **params}, near)

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], /, zero: np.ndarray, one: np.ndarray, **params: np.ndarray
    ) -> np.ndarray:
        level = rng.uniform(size=size)
        inside = self.law.rvs(rng, size, **params)
        return np.where(level < zero, 0.0, np.where(level < zero + (1 - zero) * one, 1.0, inside))


@beside_atoms.register(ZeroOneInflated)
def between_zero_and_one(law: ZeroOneInflated, eta: dict) -> BesideAtoms:
    return BesideAtoms((0.0, 1.0), plus(law.shares("zero", eta)[1], law.shares("one", eta)[1]), law.law)
