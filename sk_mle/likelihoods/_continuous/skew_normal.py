"""The skew normal law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_ndtr, ndtr

from ..._special.skew import DF_OF_NORMAL, half_distribution_limits, log_skew_tails, shape_derivatives
from ...domains import POSITIVE, REAL
from ...links import Probit
from .._fallbacks.starting_values import resolution
from .._families.shaped import ShapedLocationScale
from .._protocol.relations import Relations

ROOT_2_OVER_PI = np.sqrt(2 / np.pi)
# Absolute values of the shape from which a fit may start.
TRIED_SHAPES = (0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 6.0, 15.0, 50.0)


def _near_ends(
    law: Any, y: np.ndarray, sample_weight: np.ndarray, distance: float, loc: np.ndarray, **others: np.ndarray
) -> list:
    """The ends of `shape`: half-normal laws of the residuals on one side of loc (see `Relations.near_ends`)."""
    if not {"scale", "shape"} <= set(law.layout.free):
        return []

    def fitted(z: np.ndarray) -> dict:
        return {"scale": max(float(np.sqrt(np.average(z**2, weights=sample_weight))), resolution(y))}

    return half_distribution_limits(y, distance, loc, fitted)


class SkewNormal(ShapedLocationScale):
    r"""Azzalini's skew normal law, in its direct parameters.

    .. math:: p(y) = \frac{2}{\mathrm{scale}}\, \varphi(z)\, \Phi(\mathrm{shape} \cdot z),
        \quad z = (y - \mathrm{loc})/\mathrm{scale}

    With :math:`\delta = \mathrm{shape} / \sqrt{1 + \mathrm{shape}^2}`: mean `loc + scale * delta * sqrt(2 / pi)`, variance
    `scale**2 * (1 - 2 * delta**2 / pi)`. scipy.stats: ``skewnorm(shape, loc, scale)``; statsmodels: none; R: sn
    ``selm(family="SN")`` (xi, omega, alpha), gamlss ``SN1``. The normal law, shape 0, is a stationary point of every
    likelihood: fits start on the side of the residuals' skewness. For a sample that is more skewed than any such law, 0.9953,
    the likelihood may increase with the shape without end: fix `shape` then. With `shape` modelled on X there can be several
    maxima.

    Parameters
    ----------
    loc, scale, shape : float, optional
        A number fixes the parameter (shape=0: the normal law); None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc` and `shape`, log for `scale`.

    References
    ----------
    Azzalini, A. (1985). A class of distributions which includes the normal ones. Scandinavian Journal of Statistics 12,
    171-178. jstor:4615982

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 1))
    >>> y = 2 * X[:, 0] + 3 * np.abs(rng.normal(size=500)) + rng.normal(size=500)
    >>> model = MLERegressor(SkewNormal()).fit(X, y)
    >>> model.coef_.round(1)
    array([2.])
    >>> bool(model.predict_params(X)["shape"][0] > 2)
    True
    """

    parameters = {"loc": REAL, "scale": POSITIVE, "shape": REAL}
    relations = Relations(
        limits={"Normal": {"shape": 0.0}, "HalfNormal": {"shape": np.inf, "loc": 0.0}},
        singular=("shape",),
        ends={"shape": {"upper": "half-normal law above loc", "lower": "half-normal law below loc"}},
        near_ends=_near_ends,
        tried={"shape": tuple(s * a for a in TRIED_SHAPES for s in (-1, 1))},
    )
    tried_first = {"shape": (-0.1, 0.1)}  # nearly normal, so that the first step is a least squares fit
    max_points = np.inf  # a slight skewness shows in the whole sample only

    def __init__(self, *, loc: Any = None, scale: Any = None, shape: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.shape, self.links = loc, scale, shape, links

    def standard_terms(self, z: np.ndarray, order: int, shape: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        x, value = shape * z, 0.5 * np.log(2 / np.pi) - 0.5 * z**2
        if order == 0:
            return value + log_ndtr(x), {}, {}
        log, d1, d2 = Probit().log_inverse(x)
        second = {("z", "z"): shape**2 * d2 - 1, ("z", "shape"): d1 + x * d2, ("shape", "shape"): z**2 * d2}
        return value + log, {"z": shape * d1 - z, "shape": z * d1}, second

    def standard_tail_derivatives(self, z: np.ndarray, log_tail: np.ndarray, shape: np.ndarray) -> tuple[dict, dict]:
        first, second = shape_derivatives(z, shape, DF_OF_NORMAL, log_tail)
        return {"shape": first}, {("z", "shape"): second["z"], ("shape", "shape"): second["shape"]}

    def centre_and_spread(self, r: np.ndarray, sample_weight: np.ndarray) -> tuple[float, float]:
        mean = np.average(r, weights=sample_weight)
        return mean, np.sqrt(np.average((r - mean) ** 2, weights=sample_weight))

    def standard_centre_and_spread(self, shape: np.ndarray) -> tuple[float | np.ndarray, float | np.ndarray]:
        mean, variance = self.standard_moments(shape)
        return mean, np.sqrt(variance)

    def standard_moments(self, shape: np.ndarray) -> tuple[float | np.ndarray, ...]:
        mean = ROOT_2_OVER_PI * shape / np.hypot(1, shape)
        return mean, 1 - mean**2

    def standard_tail(self, z: np.ndarray, upper: bool, log: bool, shape: np.ndarray) -> np.ndarray:
        value = log_skew_tails(z, shape, DF_OF_NORMAL)[int(upper)]
        return value if log else np.exp(value)

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray, shape: np.ndarray
    ) -> np.ndarray:
        b = np.hypot(1, shape)
        return loc + scale * (shape / b * np.abs(rng.normal(size=size)) + rng.normal(size=size) / b)

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        z, b = (y - loc) / scale, np.hypot(1, shape)
        gap = np.subtract(*(self.standard_tail(z, upper, False, shape) for upper in (False, True)))
        distance = z * gap + 2 * np.exp(self.standard_logpdf(z, shape)) - ROOT_2_OVER_PI * shape / b * (2 * ndtr(z * b) - 1)
        r = shape / b / np.sqrt(2)  # correlation of the half-normal part with the difference of two values, up to its sign
        orthant = 0.25 + np.arcsin(np.minimum(r**2 / (1 - r**2), 1.0)) / (2 * np.pi)
        between = orthant - np.abs(r) / np.pi * np.arcsin(np.minimum(np.abs(r) / np.sqrt(1 - r**2), 1.0))
        return scale * (distance - 4 / np.sqrt(np.pi) * between)
