"""What all laws of (y - loc) / scale share: the chain rule from the standard density to loc and scale."""

from __future__ import annotations

import numpy as np

from ..domains import POSITIVE, REAL
from ._base import Likelihood
from ._start import resolution


class LocationScale(Likelihood):
    """A law with density f(z) / scale, z = (y - loc) / scale.

    A subclass writes `standard_logpdf(z)` and `standard_slopes(z)`, the first and second derivative of log f, the pair
    `standard_information` (expected information on loc and on scale, for a symmetric f) and
    `standard_cdf` / `standard_sf` / `standard_ppf`.
    """

    parameters = {"loc": REAL, "scale": POSITIVE}
    support = REAL
    standard_information: tuple[float, float]

    def loglik(self, y, loc, scale):
        return self.standard_logpdf((y - loc) / scale) - np.log(scale)

    def gradient(self, y, loc, scale):
        z = (y - loc) / scale
        slope, _ = self.standard_slopes(z)
        return {"loc": -slope / scale, "scale": -(1 + z * slope) / scale}

    def hessian(self, y, loc, scale):
        z = (y - loc) / scale
        slope, bend = self.standard_slopes(z)
        square = 1 / scale**2
        return {
            ("loc", "loc"): bend * square,
            ("loc", "scale"): (slope + z * bend) * square,
            ("scale", "scale"): (1 + 2 * z * slope + z**2 * bend) * square,
        }

    def fisher(self, loc, scale):
        on_loc, on_scale = self.standard_information
        return {("loc", "loc"): on_loc / scale**2, ("scale", "scale"): on_scale / scale**2}

    def start(self, y, sample_weight):
        loc = self.fixed.get("loc", self.centre(y, sample_weight))
        return {"loc": loc, **self.refine(y, sample_weight, loc=loc)}

    def refine(self, y, sample_weight, loc, **others):
        return {"scale": max(self.spread(y - loc, sample_weight), resolution(y))}

    def centre(self, y, sample_weight) -> float:
        """Estimate of loc without covariates."""
        return float(np.average(y, weights=sample_weight))

    def spread(self, residual, sample_weight) -> float:
        """Estimate of scale from y - loc."""
        return float(np.sqrt(np.average(residual**2, weights=sample_weight)))

    def cdf(self, y, loc, scale):
        return self.standard_cdf((y - loc) / scale)

    def sf(self, y, loc, scale):
        return self.standard_sf((y - loc) / scale)

    def ppf(self, q, loc, scale):
        return loc + scale * self.standard_ppf(q)

    def standard_cdf(self, z):
        """P(Z <= z); symmetric laws need no more than this."""
        raise NotImplementedError

    def standard_sf(self, z):
        return self.standard_cdf(-z)
