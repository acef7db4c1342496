"""Laws with more zeros than they explain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...domains import UNIT
from .._fallbacks.algebra import Eval, mix, plus
from .._fallbacks.expected import BesideAtoms, beside_atoms
from .._fallbacks.facts import title
from .._fallbacks.inversion import solve_quantile
from .._protocol.parameter import Parameter
from .._protocol.relations import Relations
from .wrapper import Wrapper


class ZeroInflated(Wrapper):
    r"""A law of counts mixed with a point mass at zero, so that zeros come from both.

    .. math:: p(y) = \mathrm{inflation}\,[y = 0] + (1 - \mathrm{inflation})\, p_{\mathrm{law}}(y)

    Mean ``(1 - inflation) * m``, variance ``(1 - inflation) * (v + inflation * m**2)`` for the mean m and variance v of the
    law inside. The law inside needs a positive probability of zero; for a density use `Hurdle`.
    scipy.stats: none; statsmodels: ``ZeroInflatedPoisson``, ``ZeroInflatedNegativeBinomialP``; R: ``pscl::zeroinfl``.

    Parameters
    ----------
    law : Likelihood
    inflation : float, optional
        A number fixes it; None estimates it.
    links : dict of str to str or Link, optional
        Link of `inflation`; default logit.

    References
    ----------
    Lambert, D. (1992). Zero-inflated Poisson regression, with an application to defects in manufacturing. Technometrics 34,
    1-14. doi:10.2307/1269547

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.likelihoods import Poisson
    >>> model = MLERegressor(ZeroInflated(Poisson())).fit([[0], [1]] * 4, [0, 0, 0, 3, 2, 6, 1, 5])
    >>> model.predict_params([[1]])["inflation"].round(3)
    array([0.231])
    """

    own = {"inflation": Parameter(UNIT, allowed=replace(UNIT, closed=(True, False)))}

    relations = Relations(limits={"law": {"inflation": 0.0}})

    def __init__(self, law: Any, *, inflation: Any = None, links: Any = None) -> None:
        self.law, self.inflation, self.links = law, inflation, links

    def check(self) -> None:
        super().check()
        if not self.law.support.contains(0.0) or not (self.law.support.integer or 0.0 in self.law.support.atoms):
            raise ValueError(
                f"{title(self.law)} gives no probability to zero, so zeros cannot come from both: use Hurdle, which "
                "models the zeros and the other values separately"
            )

    def loglik(self, y: np.ndarray, /, inflation: np.ndarray, **params: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            from_law = np.log1p(-inflation) + self.law.loglik(y, **params)
            return np.where(y == 0, np.logaddexp(np.log(inflation), from_law), from_law)

    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        return self._mixed(y == 0, self.law.evaluate(y, eta, order), eta, order)

    def evaluate_interval(self, low: np.ndarray, high: np.ndarray, eta: dict, order: int = 1) -> Eval:
        low, high = np.broadcast_arrays(np.asarray(low, float), np.asarray(high, float))
        return self._mixed((low < 0) & (high >= 0), self.law.evaluate_interval(low, high, eta, order), eta, order)

    def _mixed(self, zero: np.ndarray, inner: Eval, eta: dict, order: int) -> Eval:
        """The mixture of `inner`, the law's Eval, and the point mass, in the rows of the mask `zero`."""
        point, not_inflated = self.shares("inflation", eta)
        point = point._replace(loglik=np.where(zero, point.loglik, -np.inf))
        return mix([point, plus(not_inflated, inner)], order, self.layout.free)

    def log_interval(self, low: np.ndarray, high: np.ndarray, /, inflation: np.ndarray, **params: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            from_law = np.log1p(-inflation) + self.law.log_interval(low, high, **params)
            zero = (np.asarray(low) < 0) & (np.asarray(high) >= 0)
            return np.where(zero, np.logaddexp(np.log(inflation), from_law), from_law)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        """The law's own start from the nonzero values, and the share of zeros that it then leaves unexplained."""
        positive = y != 0
        share = np.average(~positive, weights=sample_weight)
        if not positive.any():
            return {**self.law.start(y, sample_weight), "inflation": 0.5}
        inner = self.law.start(y[positive], sample_weight[positive])
        expected = float(np.exp(np.ravel(self.law.loglik(np.zeros(1), **{**self.law.layout.fixed, **inner}))[0]))
        return {**inner, "inflation": float(np.clip((share - expected) / (1 - expected + 1e-9), 0.02, 0.98))}

    def expectation(self, inflation: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return (1 - inflation) * self.law.expectation(**params)

    def variance(self, inflation: np.ndarray, **params: np.ndarray) -> np.ndarray:
        mean = self.law.expectation(**params)
        return (1 - inflation) * (self.law.variance(**params) + inflation * mean**2)

    def ppf(self, q: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        level = np.clip((q - params["inflation"]) / (1 - params["inflation"]), 0, 1)
        return solve_quantile(self, q, params, np.maximum(self.law.ppf(level, **self.inner(params)), self.support.low))

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], /, inflation: np.ndarray, **params: np.ndarray
    ) -> np.ndarray:
        return np.where(rng.uniform(size=size) < inflation, 0.0, self.law.rvs(rng, size, **params))


@beside_atoms.register(ZeroInflated)
def not_inflated(law: ZeroInflated, eta: dict) -> BesideAtoms:
    return BesideAtoms((0.0,), law.shares("inflation", eta)[1], law.law)
