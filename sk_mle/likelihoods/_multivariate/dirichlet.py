"""The Dirichlet law of compositions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._special.gamma_functions import gamma_norm, trigamma, trigamma_delta
from ..._special.logarithms import minus_half_gamma_deviance
from ..._utils.messages import rows_text
from ...domains import POSITIVE, UNIT
from .._families.several_targets import Multivariate
from .._families.softmax import indicator_covariance, log_probability
from .._protocol.relations import Relations

PARAMETER_NAME = "concentration"
TOTAL_TOL = 1e-6  # difference of a row sum of y from one, for shares in single precision
MIN_RELATIVE_SPREAD = 1e-7  # standard deviation of a share, relative to it, below which rounding hides the curvature


def _has_narrow_shares(law: Dirichlet, y: np.ndarray, concentration: np.ndarray) -> bool:
    """Whether all shares of a row are narrower than their rounding."""
    return bool((np.sqrt(law.variance(concentration=concentration)) <= MIN_RELATIVE_SPREAD * y).all(axis=1).any())


class Dirichlet(Multivariate):
    r"""Dirichlet law of compositions: K positive shares of a whole.

    .. math:: p(y) = \frac{\Gamma(A)}{\prod_k \Gamma(a_k)} \prod_k y_k^{a_k - 1}, \quad a = \mathrm{concentration},\;
        A = \sum_k a_k

    Mean `a / A`, variance `a * (A - a) / A**2 / (A + 1)`. The rows of y are positive and sum to one, up to rounding. For
    shares that are zero, Smithson and Verkuilen (2006, doi:10.1037/1082-989X.11.1.54) take ``(y * (n - 1) + 1 / K) / n``.
    scipy.stats: ``dirichlet(concentration)``; statsmodels: none; R: ``DirichletReg::DirichReg(model="common")``.

    Parameters
    ----------
    concentration : float, optional
        A number fixes all of them; None estimates them.
    n_targets : int, optional
        Number of shares; None takes it from y.
    links : dict of str to str or Link, optional
        Link per parameter; default log.

    References
    ----------
    Hijazi, R. H., Jernigan, R. W. (2009). Modelling compositional data using Dirichlet regression models. Journal of Applied
    Probability and Statistics 4, 77-91.

    Minka, T. P. (2000). Estimating a Dirichlet distribution. Technical report, MIT.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> X, y = [[0], [0], [1], [1]], [[0.2, 0.3, 0.5], [0.3, 0.3, 0.4], [0.6, 0.3, 0.1], [0.5, 0.4, 0.1]]
    >>> MLERegressor(Dirichlet()).fit(X, y).predict([[0], [1]]).round(2)
    array([[0.25, 0.3 , 0.45],
           [0.55, 0.35, 0.1 ]])
    """

    parameters = {"concentration": POSITIVE}
    support = UNIT
    relations = Relations(
        is_degenerate=_has_narrow_shares,
        advice={"outside": "replace zeros, as by (y * (n - 1) + 1 / n_targets) / n for n rows"},
    )

    def __init__(self, *, concentration: Any = None, n_targets: Any = None, links: Any = None) -> None:
        self.concentration, self.n_targets, self.links = concentration, n_targets, links

    def read(self, y: Any) -> np.ndarray:
        y = super().read(y)
        bad = np.flatnonzero(~self._sums_to_one(y))
        if len(bad):
            raise ValueError(
                f"the shares of a row of y must sum to one, but do not in {rows_text(bad)}, where the first sum is "
                f"{y[bad[0]].sum():g}; divide y by its row sums"
            )
        return y

    @staticmethod
    def _sums_to_one(y: np.ndarray) -> np.ndarray:
        return np.abs(y.sum(axis=-1) - 1) <= TOTAL_TOL

    def inside(self, y: np.ndarray) -> np.ndarray:
        return super().inside(y) & self._sums_to_one(y)

    @staticmethod
    def _shares(y: np.ndarray, concentration: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """y divided by its row sums, the concentrations, positive even if a linear predictor saturates, and their total."""
        concentration = np.maximum(concentration, 1e-300)
        return y / y.sum(axis=-1, keepdims=True), concentration, concentration.sum(axis=-1, keepdims=True)

    def terms(self, y: np.ndarray, order: int, concentration: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        second = {pair: -value for pair, value in self.fisher(concentration).items()} if order == 2 else {}
        y, concentration, total = self._shares(y, concentration)
        own, of_total = gamma_norm(concentration, order=min(order, 1)), gamma_norm(total, order=min(order, 1))
        # its sum is minus A times the divergence of y from the mean
        gap = concentration * minus_half_gamma_deviance(total * y, concentration)
        value = (gap + own[0] - np.log(y)).sum(axis=-1) - of_total[0][..., 0]
        return value, {PARAMETER_NAME: np.log(total * y / concentration) + own[1] - of_total[1]} if order else {}, second

    def fisher(self, concentration: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        total, eye = concentration.sum(axis=-1, keepdims=True), np.eye(concentration.shape[-1])
        own = -trigamma_delta(concentration, concentration @ (1 - eye))
        return {(PARAMETER_NAME, PARAMETER_NAME): np.where(eye > 0, own[..., None], -trigamma(total)[..., None])}

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        mean = np.average(y, axis=0, weights=sample_weight)
        gap = mean @ (np.log(mean) - np.average(np.log(y), axis=0, weights=sample_weight))
        return {PARAMETER_NAME: mean * (y.shape[1] - 1) / (2 * max(float(gap), 1e-15))}  # Minka's, by Stirling's formula

    def expectation(self, concentration: np.ndarray) -> np.ndarray:
        return concentration / concentration.sum(axis=-1, keepdims=True)

    def covariance(self, concentration: np.ndarray) -> np.ndarray:
        """Covariance matrices of the shares: (n, K, K)."""
        total = concentration.sum(axis=-1)[..., None, None]
        return indicator_covariance(self.expectation(concentration)) / (total + 1)

    def entropy(self, concentration: np.ndarray) -> np.ndarray:
        total = concentration.sum(axis=-1, keepdims=True)
        (own, own_1, _), (whole, whole_1, _) = gamma_norm(concentration), gamma_norm(total)
        return (np.log(concentration / total) - own - (concentration - 1) * (whole_1 - own_1)).sum(axis=-1) + whole[..., 0]

    def rvs(self, rng: np.random.Generator, size: tuple[int, ...], concentration: np.ndarray) -> np.ndarray:
        concentration = np.broadcast_to(concentration, (*size, np.shape(concentration)[-1]))
        log = np.log(rng.standard_gamma(concentration + 1)) + np.log1p(-rng.random(concentration.shape)) / concentration
        return np.clip(np.exp(log_probability(log)), 1e-300, 1 - 2**-53)
