"""The asymmetric Laplace law."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...domains import POSITIVE, REAL, UNIT
from .._fallbacks.starting_values import resolution
from .._protocol.relations import Relations
from .laplace import Laplace


def _near_ends(
    law: Any, y: np.ndarray, sample_weight: np.ndarray, distance: float, loc: np.ndarray, **others: np.ndarray
) -> list:
    """Ends of `quantile`: exponential laws on one side of the outermost residual (see `Relations.near_ends`)."""
    if not {"scale", "quantile"} <= set(law.layout.free):
        return []
    limits = []
    for sign, edge in ((1, "lower"), (-1, "upper")):
        r = sign * (y - loc)
        mean = max(float(np.average(r - r.min(), weights=sample_weight)), resolution(y))
        quantile = distance if sign == 1 else 1 - distance
        limits.append(("quantile", edge, {"loc": loc + sign * r.min(), "scale": distance * mean, "quantile": quantile}))
    return limits


class AsymmetricLaplace(Laplace):
    r"""Asymmetric Laplace law; its maximum likelihood fit with a fixed `quantile` is quantile regression.

    .. math:: p(y) = \frac{q(1 - q)}{\mathrm{scale}} \exp\{-z (q - [z < 0])\}, \quad
        z = (y - \mathrm{loc})/\mathrm{scale},\; q = \mathrm{quantile}

    P(y < loc) = quantile. Mean `loc + scale * (1 - 2 * q) / (q * (1 - q))`, variance `scale**2 * (1 / q**2 + 1 / (1 - q)**2)`.
    With quantile 1/2 it is the `Laplace` law with twice the scale. The optimum is a vertex, as for `Laplace`. scipy.stats:
    ``laplace_asymmetric(kappa=sqrt(q / (1 - q)), loc, scale / sqrt(q * (1 - q)))``; statsmodels: ``QuantReg``; R: quantreg
    ``rq``, VGAM ``alaplace``. scikit-learn: ``QuantileRegressor(alpha=0)``.

    Parameters
    ----------
    loc, scale : float, optional
        A number fixes the parameter; None estimates it.
    quantile : float, default=0.5
        The quantile that `loc` is, between 0 and 1; None estimates it. Then the log-likelihood may have several maxima.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale`, logit for `quantile`.

    References
    ----------
    Koenker, R., Machado, J. A. F. (1999). Goodness of fit and related inference processes for quantile regression. JASA 94,
    1296-1310. doi:10.1080/01621459.1999.10473882

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> X, y = [[0], [0], [0], [1], [1], [1]], [1, 2, 4, 3, 5, 9]
    >>> MLERegressor(AsymmetricLaplace(quantile=0.9)).fit(X, y).predict_params([[0], [1]])["loc"].round(6)
    array([4., 9.])
    """

    parameters = {"loc": REAL, "scale": POSITIVE, "quantile": UNIT}
    interval = None  # that of `LocationScale` has no derivative in the quantile
    relations = Relations(
        limits={
            "Laplace": {"quantile": 0.5, "scale": lambda scale: scale / 2},
            "Exponential": {"quantile": 0.0, "loc": 0.0, "scale": lambda mean, distance: mean * distance},
        },
        ends={"quantile": {"lower": "exponential law above loc", "upper": "exponential law below loc"}},
        near_ends=_near_ends,
        searched=False,
        tried={"quantile": (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)},
        held={"quantile": (0.02, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.98)},
        competing=lambda law, **params: law.quantile is None,
    )

    def __init__(self, *, loc: Any = None, scale: Any = None, quantile: Any = 0.5, links: Any = None) -> None:
        self.loc, self.scale, self.quantile, self.links = loc, scale, quantile, links

    def rates(self, quantile: np.ndarray) -> tuple[float | np.ndarray, float | np.ndarray]:
        return 1 - quantile, quantile

    def standard_terms(self, z: np.ndarray, order: int, quantile: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        value, first, second = super().standard_terms(z, order, quantile)
        first["quantile"] = 1 / quantile - 1 / (1 - quantile) - z
        second["z", "quantile"] = -1 + 0 * z
        second["quantile", "quantile"] = -1 / quantile**2 - 1 / (1 - quantile) ** 2 + 0 * z
        return value, first, second

    def standard_information(self, quantile: np.ndarray) -> dict:
        return {
            **super().standard_information(quantile),
            ("loc", "quantile"): -1.0,
            ("scale", "quantile"): 1 / (1 - quantile) - 1 / quantile,
            ("quantile", "quantile"): 1 / quantile**2 + 1 / (1 - quantile) ** 2,
        }
