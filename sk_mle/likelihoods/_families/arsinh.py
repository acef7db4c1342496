"""Base class of laws for which w = tail * arsinh(z) + a shift by the skewness follows a simple law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...domains import POSITIVE, REAL
from .._fallbacks.starting_values import quantiles
from .._protocol.relations import Relations
from .shaped import ShapedLocationScale

SCALE_RATIO = 100.0  # ratio of successive scales on the way to a limit
# Distances of loc from the nearest y, in standard deviations, at which laws of log|y - loc| are tried; rows up to which they
# are, as a supremum there is one of small samples.
DISTANCES_BEYOND_Y, MAX_ROWS_TO_TRY = np.geomspace(0.01, 10.0, 7), 100
MAX_LOSS_TO_FOLLOW = 3.0  # total log-likelihood by which such a law may be below the fit
TAIL_SHARES = np.array([1.0, 0.75, 0.5])  # of the tail that fits the quartiles, as the outermost values may be further out
QUARTILES = np.array([0.25, 0.5, 0.75])


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
    """For large z on one side arsinh(z) is log(2 z), so that the skewness compensates for a smaller scale."""
    if not {"loc", "scale", "skew"} <= set(law.layout.free):
        return []
    grown = law.sign * np.sign(law.sign * skew) * tail * np.log(SCALE_RATIO)
    ends = [("scale", "lower", {"scale": scale / SCALE_RATIO, "skew": skew + grown})]
    return ends + _laws_of_log_distance(law, y, sample_weight, distance, loc, scale, skew, tail)


def _laws_of_log_distance(
    law: Any,
    y: np.ndarray,
    sample_weight: np.ndarray,
    distance: float,
    loc: np.ndarray,
    scale: np.ndarray,
    skew: np.ndarray,
    tail: np.ndarray,
) -> list:
    """The best limit with all y on one side of loc, by quartiles of the log distance from it; empty if it is far below."""
    spread = float(np.std(y - loc))
    if len(y) > MAX_ROWS_TO_TRY or not spread > 0:
        return []
    best = float(law.loglik(y, loc, scale, skew, tail) @ sample_weight) - MAX_LOSS_TO_FOLLOW
    w = np.arcsinh(law.standard_ppf(QUARTILES, skew=0.0, tail=1.0))
    found: list = []
    for side in (1.0, -1.0):
        beyond = side * (y - loc) - np.min(side * (y - loc))
        for reach in DISTANCES_BEYOND_Y * spread:
            r = beyond + reach
            low, middle, high = quantiles(np.log(r), sample_weight, QUARTILES)
            s, by_quartiles = np.exp(middle) * distance, (w[2] - w[0]) / max(high - low, 1e-12)
            for t in [law.layout.fixed["tail"]] if "tail" in law.layout.fixed else TAIL_SHARES * by_quartiles:
                at = {"loc": y - side * r, "scale": s, "skew": -law.sign * side * t * np.log(2 / distance), "tail": t}
                value = float(law.loglik(y, **at) @ sample_weight)
                if value > best:
                    best, found = value, [("scale", "lower", {k: v for k, v in at.items() if k in law.layout.free})]
    return found


def zero_unless(factor: np.ndarray, value: np.ndarray) -> np.ndarray:
    """factor * value, where a factor of zero makes zero of an infinite value."""
    return np.where(factor == 0, 0.0, factor * value)


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
