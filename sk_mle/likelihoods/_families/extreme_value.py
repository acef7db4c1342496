"""Base class of the laws of extremes: functions of log(1 + shape z) / shape, exact as shape tends to 0."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..._special.removable import log1p_ratio
from ...domains import POSITIVE, REAL, Domain
from ...links import Identity
from .._protocol.parameter import Parameter
from .._protocol.relations import Relations
from .location_scale import LocationScale

# at shapes below -1 the density, and so the likelihood, is unbounded
SHAPE = Parameter(Domain(low=-1.0, typical=(-0.2, 0.3)), link=Identity(), allowed=REAL)
MAX_PRODUCT = 1e50  # of shape and z, up to which its powers are numbers
MIN_SCORING_SHAPE = -0.45  # shape at which the expected information is taken for smaller ones; it is infinite from -1/2 down


def reduced_variate(z: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """u = log(1 + shape z) / shape, or z for shape 0; infinite beyond the end of the support."""
    with np.errstate(all="ignore"):
        w = np.maximum(shape * z, -1.0)
        u = z * np.where(w == 0, 1.0, np.log1p(w) / w)
        over = np.isposinf(w)
        return np.where(over, (np.log(np.abs(shape)) + np.log(np.abs(z))) / shape, u) if over.any() else u


def from_reduced_variate(u: np.ndarray, shape: float | np.ndarray) -> np.ndarray:
    """z = (exp(shape u) - 1) / shape, the inverse of `reduced_variate`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(shape == 0, u, np.expm1(shape * u) / shape)


def _far_out(z: np.ndarray, shape: np.ndarray, far: np.ndarray, *near: np.ndarray) -> list[np.ndarray]:
    """u with its derivative in z and two in the shape, `near` but in rows far out, where powers of shape z are no numbers."""
    with np.errstate(all="ignore"):
        u, part = reduced_variate(z, shape), 1 / (shape + 1 / z)
        slope = (part - u) / shape
        values = u, part / z, slope, -(part**2 + 2 * slope) / shape
    return [np.where(far, beyond, value) for beyond, value in zip(values, near, strict=True)]


class ExtremeValue(LocationScale):
    """A law with standard log-density -(1 + shape) u - t, u = `reduced_variate(z, shape)`.

    t = exp(-u) for maxima of many values, 0 for exceedances of a threshold.
    """

    parameters = {"loc": REAL, "scale": POSITIVE, "shape": SHAPE}
    interval = None
    relations = Relations(tried={"shape": (-0.4, -0.25, -0.12, 0.0, 0.12, 0.25, 0.4, 0.6, 1.0, 1.6, 2.5, 4.0)})
    maxima: ClassVar[bool] = True

    def _shapes(self) -> list[dict]:
        return [
            shape
            for shape in super()._shapes()
            if "shape" in self.layout.fixed or self.layout["shape"].link.range.contains(shape["shape"])
        ]

    def _t(self, u: np.ndarray) -> float | np.ndarray:
        return np.exp(-u) if self.maxima else 0.0

    def standard_terms(self, z: np.ndarray, order: int, shape: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        with np.errstate(invalid="ignore", over="ignore"):
            u = reduced_variate(z, shape)
            value = np.where(shape * z > -1, -(1 + shape) * u - self._t(u), -np.inf)
        if order == 0:
            return value, {}, {}
        w = shape * z
        ratio, tilt, curve = log1p_ratio(w)
        u, u_z, u_shape, u_twice = z * ratio, 1 / (1 + w), z * (z * tilt), z * (z * (z * curve))
        if np.maximum.reduce(w, axis=None, initial=0.0) > MAX_PRODUCT:
            u, u_z, u_shape, u_twice = _far_out(z, shape, w > MAX_PRODUCT, u, u_z, u_shape, u_twice)
        t = self._t(u)
        d_u = t - 1 - shape  # first derivative of the log-density in u; the second is -t
        first = {"z": d_u * u_z, "shape": d_u * u_shape - u}
        if order == 1:
            return value, first, {}
        second = {
            ("z", "z"): -(d_u * shape + t) * u_z**2,
            ("z", "shape"): -d_u * (z * u_z) * u_z - t * u_z * u_shape - u_z,
            ("shape", "shape"): d_u * u_twice - t * u_shape**2 - 2 * u_shape,
        }
        return value, first, second
