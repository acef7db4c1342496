"""The generalised normal (power exponential) law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import digamma, gammaln, xlogy

from ..._special.gamma_functions import trigamma
from ..._special.tails import log_gamma_tail
from ...domains import POSITIVE, REAL, Domain
from .._families.kinked import Kinked
from .._families.location_scale import LocationScale
from .._families.log_gamma import LogGamma
from .._protocol.parameter import Parameter
from .._protocol.relations import Relations

SHAPE = Domain(low=0.5, high=100.0, typical=(0.8, 3.0))
MIN_DISTANCE_FROM_KINK = 1e-60  # |z| at which derivatives are taken for smaller ones, where they may be infinite


class GeneralizedNormal(Kinked, LocationScale):
    r"""Generalised normal (power exponential, exponential power) law: from the Laplace law through the normal to the uniform.

    .. math:: p(y) = \frac{b}{2\,\mathrm{scale}\,\Gamma(1/b)} e^{-|z|^b}, \quad
        z = (y - \mathrm{loc})/\mathrm{scale},\; b = \mathrm{shape}

    Mean `loc`, variance `scale**2 * Gamma(3/b) / Gamma(1/b)`. Shape 2 is the `Normal` law with standard deviation
    scale / sqrt(2), shape 1 the `Laplace` law. scipy.stats: ``gennorm(b, loc, scale)``; statsmodels: none; R: ``gnorm``,
    gamlss ``PE2``.

    With a shape above 1 the log-likelihood is concave in `loc`. At 1 its maximum is a vertex, as for `Laplace`, and below 1
    every vertex is a local maximum: a fit ends on one of them. An estimated shape lies between 1/2 and 100: as it tends to 0
    the likelihood has no bound at any loc that meets a y, and from 1/2 down `loc` has no standard error; above 100 the law is
    all but uniform. A fixed shape may be any positive number.

    Parameters
    ----------
    loc, scale, shape : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale`, scaled logit for `shape`.

    References
    ----------
    Nadarajah, S. (2005). A generalized normal distribution. Journal of Applied Statistics 32, 685-694.
    doi:10.1080/02664760500079464

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(GeneralizedNormal(shape=1.5)).fit([[0], [1], [2], [3], [4]], [1, 3.1, 4.9, 7, 12]).coef_.round(2)
    array([2.5])
    """

    parameters = {"loc": REAL, "scale": POSITIVE, "shape": Parameter(SHAPE, allowed=POSITIVE)}
    relations = Relations(
        limits={"Normal": {"shape": 2.0, "scale": lambda scale: scale * 2**0.5}, "Laplace": {"shape": 1.0}},
        searched=False,
        tried={"shape": (0.6, 0.8, 1.0, 1.4, 2.0, 3.0, 6.0, 20.0)},
        held={"shape": (0.51, 0.7, 1.0, 1.4, 2.0, 3.0, 10.0, 90.0)},  # next to both ends too: there is a maximum at either
    )

    def __init__(self, *, loc: Any = None, scale: Any = None, shape: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.shape, self.links = loc, scale, shape, links

    @property
    def smooth(self) -> bool:
        """Whether all derivatives exist at loc = y: only for a shape that is given as an even number."""
        return "shape" in self.layout.fixed and self.layout.fixed["shape"] % 2 == 0

    def standard_terms(self, z: np.ndarray, order: int, shape: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        distance, d1, d2 = self.distance(z)
        size, a, exponent = np.maximum(distance, MIN_DISTANCE_FROM_KINK), 1 / shape, distance**shape
        value = -np.log(2) - gammaln(1 + a) - exponent
        if order == 0:
            return value, {}, {}
        power, psi = size ** (shape - 1), digamma(1 + a)
        first = {"z": -shape * power * d1, "shape": a**2 * psi - xlogy(exponent, distance)}
        if order == 1:
            return value, first, {}
        log = np.log(size)
        second = {
            ("z", "z"): -shape * ((shape - 1) * power / size * d1**2 + power * d2),
            ("z", "shape"): -power * (1 + shape * log) * d1,
            ("shape", "shape"): -(a**4) * trigamma(1 + a) - 2 * a**3 * psi - exponent * log**2,
        }
        return value, first, second

    def standard_information(self, shape: np.ndarray) -> dict:
        a = 1 / shape
        b = np.minimum(a, 1.9)  # from a = 2 on that of loc is infinite: a finite number for scoring steps instead
        psi = digamma(1 + a)
        return {
            ("loc", "loc"): np.exp(gammaln(2 - b) - gammaln(b)) / b**2,
            ("scale", "scale"): +shape,
            ("scale", "shape"): -a * (1 + psi),
            ("shape", "shape"): a**3 * ((1 + a) * trigamma(1 + a) + psi * (psi + 2)),
        }

    def centre(self, y: np.ndarray, sample_weight: np.ndarray, shape: float) -> float:
        return float(np.average(y, weights=sample_weight))

    def spread(self, residual: np.ndarray, sample_weight: np.ndarray, shape: float) -> float:
        size = np.abs(residual)
        largest = max(float(np.max(size)), 1e-300)
        return largest * float(shape * np.average((size / largest) ** shape, weights=sample_weight)) ** (1 / shape)

    def standard_moments(self, shape: np.ndarray) -> tuple[float | np.ndarray, ...]:
        a = 1 / shape
        return 0.0, np.exp(gammaln(1 + 3 * a) - gammaln(1 + a)) / 3, a + np.log(2) + gammaln(1 + a)

    def standard_tail(self, z: np.ndarray, upper: bool, log: bool, shape: np.ndarray) -> np.ndarray:
        z, size = -z if upper else z, np.abs(z)
        outer = log_gamma_tail(1 / shape, size**shape, lambda: shape * np.log(size), upper=True) - np.log(2)
        value = np.where(z < 0, outer, np.log1p(-np.exp(outer)))
        return value if log else np.exp(value)

    def standard_ppf(self, q: np.ndarray, shape: np.ndarray) -> np.ndarray:
        q, a = np.asarray(q, float), 1 / np.asarray(shape, float)
        log_power = np.log(a) - a**-0.5 * LogGamma().standard_ppf(2 * np.minimum(q, 1 - q), -(a**-0.5))
        with np.errstate(over="ignore"):
            return np.where(q < 0.5, -1.0, 1.0) * np.exp(a * log_power)  # |z|**shape has a gamma law

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray, shape: np.ndarray
    ) -> np.ndarray:
        length = rng.gamma(np.broadcast_to(1 / np.asarray(shape), size)) ** (1 / np.asarray(shape))
        return loc + scale * np.where(rng.uniform(size=size) < 0.5, -length, length)
