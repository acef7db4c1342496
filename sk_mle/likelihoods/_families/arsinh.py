"""Base class of laws for which w = tail * arsinh(z) + a shift by the skewness follows a simple law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...domains import POSITIVE, REAL
from .._protocol.relations import Relations
from .shaped import ShapedLocationScale

# Distances of loc from the nearest y, in standard deviations, at which laws of log|y - loc| are tried, then between the best
# of them and its neighbours: so far out that the law is the normal one in the end.
DISTANCES_BEYOND_Y, N_ZOOMS, POINTS_OF_ZOOM = np.geomspace(0.01, 1e4, 25), 4, 9
MAX_ROWS_TO_TRY = 100  # more are thinned
MAX_LOSS_TO_FOLLOW = 3.0  # total log-likelihood by which such a law may be below the fit
MAX_NEWTON_STEPS, MIN_NEWTON_STEP = 50, 1e-10


def _near_ends(
    law: Any,
    y: np.ndarray,
    sample_weight: np.ndarray,
    distance: float,
    loc: np.ndarray,
    scale: np.ndarray,
    skew: np.ndarray,
    tail: np.ndarray,
) -> list:
    """The lower end of `scale`: the likeliest laws of the log distance from loc; empty if they are far below the fit.

    For large z on one side arsinh(z) is log(2 z), so that the skewness compensates for a smaller scale.
    """
    spread = float(np.std(y - loc))
    if not {"loc", "scale", "skew"} <= set(law.layout.free) or not spread > 0:
        return []
    rows = slice(None, None, max(len(y) // MAX_ROWS_TO_TRY, 1))
    fitted = law.loglik(*(np.broadcast_to(value, y.shape)[rows] for value in (y, loc, scale, skew, tail)))
    best, found = float(fitted @ sample_weight[rows]) - MAX_LOSS_TO_FOLLOW, list[tuple]()
    for side in (1.0, -1.0):
        residual = side * (y - loc)
        first, reach = residual.min(), DISTANCES_BEYOND_Y * spread
        for _ in range(1 + N_ZOOMS):
            x = np.log(residual[rows] - first + reach[:, None])
            middle, tails, values = _laws_of_logarithm(law, x, sample_weight[rows])
            k = int(np.argmax(values))
            at, m, t, value = reach[k], middle[k], tails[k], values[k]
            reach = np.geomspace(reach[max(k - 1, 0)], reach[min(k + 1, len(reach) - 1)], POINTS_OF_ZOOM)
        if value > best:
            ends = {"loc": loc + side * (first - at), "scale": np.exp(m) * distance}
            ends |= {"skew": -law.sign * side * t * np.log(2 / distance), "tail": t}
            best, found = value, [("scale", "lower", {name: ends[name] for name in ends if name in law.layout.free})]
    return found


def zero_unless(factor: np.ndarray, value: np.ndarray) -> np.ndarray:
    """factor * value, where a factor of zero makes zero of an infinite value."""
    return np.where(factor == 0, 0.0, factor * value)


def _laws_of_logarithm(law: Any, x: np.ndarray, sample_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Location and tail of the likeliest law of tail * (x - location) for every row of x, and the log-likelihood of exp(x).

    By Newton's method: the log-likelihood is concave in the tail and its product with the location. A step at most doubles the
    tail.
    """
    share = sample_weight / sample_weight.sum()
    origin = x @ share
    spread = np.sqrt((x - origin[:, None]) ** 2 @ share)
    z = (x - origin[:, None]) / spread[:, None]
    fixed = law.layout.fixed.get("tail")
    t = np.ones(len(x)) if fixed is None else fixed * spread
    a = np.zeros(len(x))
    for _ in range(MAX_NEWTON_STEPS):
        _, d1, d2 = law.transformed(t[:, None] * z - a[:, None])
        d2 = np.broadcast_to(d2, z.shape)
        gradient_a, gradient_t = -(d1 @ share), (d1 * z) @ share + 1 / t
        aa, at, tt = d2 @ share, -((d2 * z) @ share), (d2 * z**2) @ share - 1 / t**2
        if fixed is not None:
            gradient_t, at, tt = 0.0 * t, 0.0 * t, -np.ones(len(t))
        determinant = aa * tt - at**2
        step_a, step_t = (at * gradient_t - tt * gradient_a) / determinant, (at * gradient_a - aa * gradient_t) / determinant
        a, t = a + step_a, t + step_t
        if max(np.abs(step_a).max(), np.abs(step_t / t).max()) < MIN_NEWTON_STEP:
            break
    value = law.transformed(t[:, None] * z - a[:, None])[0] - x
    return origin + spread * a / t, t / spread, (value @ share + np.log(t / spread)) * sample_weight.sum()


class ArsinhLocationScale(ShapedLocationScale):
    """Laws of z = sinh((w - sign * skew) / tail), where w has the log-density, quantiles and tails that a subclass writes.

    `transformed(w)` is the log-density of w with two derivatives, `transformed_tail(w, upper)` the log of its sf or cdf.
    """

    parameters = {
        "loc": REAL,
        "scale": POSITIVE,
        "skew": replace(REAL, typical=(-1.0, 1.0)),
        "tail": replace(POSITIVE, typical=(0.4, 1.3)),
    }
    relations = Relations(
        tried={"skew": (-3.0, -1.5, -0.7, -0.2, 0.2, 0.7, 1.5, 3.0), "tail": (0.3, 0.6, 1.0, 1.5, 2.5, 5.0)},
        near_ends=_near_ends,
    )
    sign: float

    def __init__(self, *, loc: Any = None, scale: Any = None, skew: Any = None, tail: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.skew, self.tail, self.links = loc, scale, skew, tail, links

    def _w(self, z: np.ndarray, skew: np.ndarray, tail: np.ndarray) -> np.ndarray:
        return tail * np.arcsinh(z) + self.sign * skew

    def standard_terms(self, z: np.ndarray, order: int, skew: np.ndarray, tail: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        (log, d1, d2), root = self.transformed(self._w(z, skew, tail)), np.hypot(1, z)
        value = log + np.log(tail) - np.log(root)
        if order == 0:
            return value, {}, {}
        cosine, sine = 1 / root, z / root
        w = {"z": tail * cosine, "skew": self.sign, "tail": np.arcsinh(z)}
        first = {"z": -sine * cosine, "skew": 0.0, "tail": 1 / tail}
        first = {name: part + d1 * w[name] for name, part in first.items()}
        if order == 1:
            return value, first, {}
        second = {
            ("z", "z"): (sine**2 - cosine**2 - d1 * tail * sine) * cosine**2,
            ("z", "skew"): 0.0,
            ("z", "tail"): d1 * cosine,
            ("skew", "skew"): 0.0,
            ("skew", "tail"): 0.0,
            ("tail", "tail"): -1 / tail**2,
        }
        return value, first, {(a, b): part + d2 * w[a] * w[b] for (a, b), part in second.items()}

    def standard_tail(self, z: np.ndarray, upper: bool, log: bool, skew: np.ndarray, tail: np.ndarray) -> np.ndarray:
        value = self.transformed_tail(self._w(z, skew, tail), upper)
        return value if log else np.exp(value)

    def standard_ppf(self, q: np.ndarray, skew: np.ndarray, tail: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.sinh((self.transformed_ppf(q) - self.sign * skew) / tail)

    def rvs(
        self,
        rng: np.random.Generator,
        size: int | tuple[int, ...],
        loc: np.ndarray,
        scale: np.ndarray,
        skew: np.ndarray,
        tail: np.ndarray,
    ) -> np.ndarray:
        return loc + scale * self.standard_ppf(rng.uniform(size=size), skew, tail)
