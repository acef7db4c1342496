"""Base class of the count laws whose variance grows with a power of the mean: one chain rule for all."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..._special.elementwise import elementwise
from ...domains import COUNT, NONNEGATIVE, POSITIVE, Domain
from .._fallbacks.starting_values import average, best_candidate
from .._protocol.base import Likelihood
from .._protocol.parameter import Parameter
from .counts import count_mean

POWER = Domain(0.0, 3.0, closed=(True, True), typical=(1.0, 2.0))


class MeanPower(Likelihood):
    """A law written in its mean and a = dispersion * mean**(power - power_of_dispersion).

    A subclass writes `standard_terms(y, order, mean, a)`, which gives the log-likelihood with its derivatives in "mean" and "a"
    as `terms` does, and `dispersion_by_moments(y, sample_weight, mean, power)`, a moment estimate of the dispersion. It assigns
    `power_of_dispersion`, the power at which a is the dispersion, and `min_a`, a lower bound of a.
    """

    parameters = {"mean": POSITIVE, "dispersion": Parameter(POSITIVE, allowed=NONNEGATIVE), "power": POWER}
    support = COUNT
    power_of_dispersion: float
    min_a: float

    def _scaled(self, mean: np.ndarray, dispersion: np.ndarray, power: Any) -> tuple[Any, Any, np.ndarray]:
        """power - power_of_dispersion, mean to that exponent, and a."""
        power = self.layout["power"].value if power is None else power
        exponent = power - self.power_of_dispersion
        plain = np.ndim(exponent) == 0 and exponent == 0
        scale = 1.0 if plain else np.clip(mean**exponent, 1e-100, 1e100)
        return exponent, scale, _scaled_dispersion(dispersion, scale, self.min_a)

    def terms(
        self, y: np.ndarray, order: int, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict, dict]:
        exponent, scale, a = self._scaled(mean, dispersion, power)
        loglik, first, second = self.standard_terms(y, order, mean, a)
        loglik = np.where(np.isinf(mean), -np.inf, loglik)  # then no finite count has a mass
        if order == 0:
            return loglik, {}, {}
        d_mean, d_a = first["mean"], first["a"]
        if np.ndim(exponent) == 0 and exponent == 0:  # a is the dispersion
            names = {"mean": "mean", "a": "dispersion"}
            second = {(names[i], names[j]): value for (i, j), value in second.items()}
            return loglik, {"mean": d_mean, "dispersion": d_a}, second
        by_log, log = a * d_a, np.log(mean)  # the derivative in log a = log dispersion + exponent * log mean
        gradient = {"mean": d_mean + exponent * by_log / mean, "dispersion": scale * d_a, "power": by_log * log}
        if order == 1:
            return loglik, gradient, {}
        mean_mean, mean_a, a_a = second["mean", "mean"], second["mean", "a"], second["a", "a"]
        rise, tilt = d_a + a * a_a, exponent / mean
        return (
            loglik,
            gradient,
            {
                ("mean", "mean"): mean_mean + tilt * (2 * a * mean_a + tilt * a * rise - by_log / mean),
                ("mean", "dispersion"): scale * (mean_a + tilt * rise),
                ("dispersion", "dispersion"): scale**2 * a_a,
                ("mean", "power"): a * log * (mean_a + tilt * rise) + by_log / mean,
                ("dispersion", "power"): scale * log * rise,
                ("power", "power"): a * log**2 * rise,
            },
        )

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        mean = count_mean(y, sample_weight)
        return {"mean": mean, **self.refine(y, sample_weight, mean=mean)}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, mean: float | np.ndarray, **others: np.ndarray) -> dict:
        if "power" not in self.layout.free:
            return {
                "dispersion": self.dispersion_by_moments(
                    y, sample_weight, mean, others.get("power", self.layout["power"].value)
                )
            }
        candidates = [
            {"mean": mean, "power": p, "dispersion": self.dispersion_by_moments(y, sample_weight, mean, p)}
            for p in (2.0, 1.0, 1.5)
        ]
        return best_candidate(self, candidates, y, sample_weight)

    def expectation(self, mean: np.ndarray, dispersion: np.ndarray, power: np.ndarray | None = None) -> np.ndarray:
        return mean + 0 * dispersion


@partial(elementwise, scalars=True)
def _scaled_dispersion(dispersion: np.ndarray, scale: np.ndarray, min_a: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(dispersion * scale, min_a), 1e200)


def excess(y: np.ndarray, sample_weight: np.ndarray, mean: float | np.ndarray, power: float | np.ndarray = 2.0) -> float:
    """Moment estimate of the dispersion where the variance is mean + dispersion * mean**power."""
    return max(average((y - mean) ** 2 - y, sample_weight) / average(mean**power + 0 * y, sample_weight), 1e-3)
