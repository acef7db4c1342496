"""Hurdle laws, in which a separate probability governs the zeros."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...domains import UNIT, Domain
from .._fallbacks.algebra import Eval, plus, scatter, select_rows
from .._fallbacks.expected import BesideAtoms, beside_atoms
from .._fallbacks.facts import code, title
from .._fallbacks.inversion import refine_quantile
from .._protocol.evaluation import by_differences, log_interval_at
from .._protocol.relations import Relations
from .truncated import Truncated
from .wrapper import Wrapper


class Hurdle(Wrapper):
    r"""A law of counts, or of positive values, for y > 0, and a separate probability of zero.

    .. math:: P(y = 0) = \mathrm{zero}, \qquad
        p(y) = (1 - \mathrm{zero})\, \frac{p_{\mathrm{law}}(y)}{P_{\mathrm{law}}(Y > 0)} \quad (y > 0)

    Its likelihood is a product of two: that of a Bernoulli law of the zeros, and that of the zero-truncated law of the others.
    With a positive law it is the zero-adjusted law: ``Hurdle(Gamma())``. Mean ``(1 - zero) * m`` with m the mean of the law
    given that it is positive. scipy.stats: none; statsmodels: ``HurdleCountModel``; R: ``pscl::hurdle`` (its zero component
    is the probability of a count above zero), gamlss ``ZAGA``.

    Parameters
    ----------
    law : Likelihood
    zero : float, optional
        A number fixes it; None estimates it.
    links : dict of str to str or Link, optional
        Link of `zero`; default logit.

    References
    ----------
    Mullahy, J. (1986). Specification and testing of some modified count data models. Journal of Econometrics 33, 341-365.
    doi:10.1016/0304-4076(86)90002-3

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.likelihoods import Gamma
    >>> model = MLERegressor(Hurdle(Gamma())).fit([[0], [1]] * 3, [0.0, 0.0, 0.0, 3.1, 2.2, 6.4])
    >>> model.predict_params([[1]])["zero"].round(3)
    array([0.5])
    """

    own = {"zero": UNIT}

    def __init__(self, law: Any, *, zero: Any = None, links: Any = None) -> None:
        self.law, self.zero, self.links = law, zero, links

    def check(self) -> None:
        super().check()
        inner = self.law.support
        if inner.low < 0 or (not inner.integer and 0.0 in self.law.support.atoms):
            raise ValueError(f"Hurdle takes a law of counts or of positive values; the support of {title(self.law)} is {inner}")

    @property
    def support(self) -> Domain:
        inner = self.law.support
        atoms = inner.atoms if inner.integer else (0.0, *inner.atoms)
        return replace(inner, low=0.0, closed=(True, inner.closed[1]), atoms=atoms)

    @property
    def relations(self) -> Relations:
        """The law of counts itself is the case in which `zero` is its own probability of zero; a positive law has none."""
        limit = {"zero": lambda **params: np.exp(self.law.logcdf(0.0, **params))}
        positive = f"Truncated({code(self.law)}, low=0)" if self.law.support.integer else code(self.law)
        return Relations(
            limits={"law": limit} if self.law.support.integer else {},
            advice={"zero lower": f"No y is zero: put {positive} in place of {code(self)}"},
        )

    def loglik(self, y: np.ndarray, /, zero: np.ndarray, **params: np.ndarray) -> np.ndarray:
        y = np.asarray(y, float)
        with np.errstate(all="ignore"):
            at = np.where(y == 0, self.law.support.typical[1], y)
            truncated = self.law.loglik(at, **params) - self.law.log_interval(0.0, np.inf, **params)
            return np.where(y == 0, np.log(zero), np.log1p(-zero) + truncated)

    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        parts, is_zero = [], y == 0
        if is_zero.any():
            parts.append((is_zero, self.shares("zero", select_rows(eta, is_zero))[0]))
        if not is_zero.all():
            at = select_rows(eta, ~is_zero)
            part = plus(self.shares("zero", at)[1], self.law.evaluate(y[~is_zero], at, order))
            low = np.zeros(len(part.loglik))
            parts.append((~is_zero, plus(part, self.law.evaluate_interval(low, low + np.inf, at, order), -1.0)))
        return scatter(len(y), parts)

    def log_interval(self, low: np.ndarray, high: np.ndarray, /, zero: np.ndarray, **params: np.ndarray) -> np.ndarray:
        low, high = np.asarray(low, float), np.asarray(high, float)
        with np.errstate(all="ignore"):
            above = self.law.log_interval(np.maximum(low, 0.0), high, **params)
            positive = np.log1p(-zero) + above - self.law.log_interval(0.0, np.inf, **params)
            with_zero = np.logaddexp(np.log(zero), np.where(high > 0, positive, -np.inf))
            return np.where((low < 0) & (high >= 0), with_zero, positive)

    def evaluate_interval(self, low: np.ndarray, high: np.ndarray, eta: dict, order: int = 1) -> Eval:
        return by_differences(self, log_interval_at(self, low, high), eta, order)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        positive = y != 0
        share = float(np.clip(np.average(~positive, weights=sample_weight), 1e-6, 1 - 1e-6))
        return {**self.inner_start(y, sample_weight, positive, "zero"), "zero": share}

    def expectation(self, zero: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return (1 - zero) * self.law.expectation(**params) / np.exp(self.law.log_interval(0.0, np.inf, **params))

    def variance(self, zero: np.ndarray, **params: np.ndarray) -> np.ndarray:
        mean = self.law.expectation(**params)
        share = (1 - zero) / np.exp(self.law.log_interval(0.0, np.inf, **params))
        return share * (self.law.variance(**params) + mean**2) - (share * mean) ** 2

    def ppf(self, q: np.ndarray, /, zero: np.ndarray, **params: np.ndarray) -> np.ndarray:
        zero_of_law = np.exp(self.law.log_interval(-np.inf, 0.0, **params))
        with np.errstate(all="ignore"):
            level = np.clip((q - zero) / (1 - zero), 0, 1)
            near = np.where(q <= zero, 0.0, self.law.ppf(zero_of_law + level * (1 - zero_of_law), **params))
        return refine_quantile(self, q, {"zero": zero, **params}, near)

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], /, zero: np.ndarray, **params: np.ndarray
    ) -> np.ndarray:
        positive = self.ppf(zero + (1 - zero) * rng.uniform(size=size), zero=zero, **params)
        return np.where(rng.uniform(size=size) < zero, 0.0, positive)


@beside_atoms.register(Hurdle)
def positive_values(law: Hurdle, eta: dict) -> BesideAtoms:
    return BesideAtoms((0.0,), law.shares("zero", eta)[1], Truncated(law.law, low=0.0) if law.law.support.integer else law.law)
