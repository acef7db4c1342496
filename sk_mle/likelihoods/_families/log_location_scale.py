"""Base classes of laws for which log y has a law of location and scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...domains import POSITIVE, REAL
from .._fallbacks.facts import takes_parameters, withdrawable
from .._protocol.base import Likelihood
from .location_scale import LocationScale


class LogLocationScale(Likelihood):
    """A law of positive y for which log y has a law of location and scale, with the same parameters.

    A subclass names `standard`, the law of log y, and writes `log_mgf(t, ...)`, the log of E exp(t Z) for its standardised
    variable Z, which may depend on the parameters of the standard density.
    """

    parameters = {"loc": REAL, "scale": POSITIVE}
    support = POSITIVE

    @property
    def standard(self) -> LocationScale:
        """The law of log y."""
        raise NotImplementedError

    @takes_parameters
    def log_parameters(self, *at: np.ndarray, **params: np.ndarray) -> dict:
        """The parameters of log y."""
        return {**dict(zip(self.parameters, at, strict=False)), **params}

    @takes_parameters
    def chain_rule_from_log(self, gradient: dict, hessian: dict, *at: np.ndarray, **params: np.ndarray) -> tuple[dict, dict]:
        """Derivatives in the law's own parameters from those in the parameters of log y; by default the same."""
        return gradient, hessian

    def terms(self, y: np.ndarray, order: int, /, *at: np.ndarray, **params: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        x = np.log(y)
        loglik, gradient, hessian = self.standard.terms(x, order, **self.log_parameters(*at, **params))
        if order:
            gradient, hessian = self.chain_rule_from_log(gradient, hessian, *at, **params)
        return loglik + self.base_measure(y), gradient, hessian

    def base_measure(self, y: np.ndarray) -> np.ndarray:
        return -np.log(y)

    @withdrawable
    def fisher(self, *at: np.ndarray, **params: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        fisher: Any = self.standard.fisher
        information = fisher(**self.log_parameters(*at, **params))
        return self.chain_rule_from_log({"loc": 0.0, "scale": 0.0}, information, *at, **params)[1]

    @property
    def interval(self) -> Callable | None:
        """`Likelihood.interval`; None if the law of log y has none."""
        return None if self.standard.interval is None else self._interval

    def _interval(self, low: np.ndarray, high: np.ndarray, order: int, **params: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        interval = self.standard.interval
        assert interval is not None  # by the property
        loglik, *derivatives = interval(_log(low), _log(high), order, **self.log_parameters(**params))
        return loglik, *self.chain_rule_from_log(*derivatives, **params)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        return self.standard.start(np.log(y), sample_weight)

    @takes_parameters
    def refine(self, y: np.ndarray, sample_weight: np.ndarray, loc: float | np.ndarray, **others: np.ndarray) -> dict:
        return self.standard.refine(np.log(y), sample_weight, loc=loc)

    def expectation(self, *at: np.ndarray, **params: np.ndarray) -> np.ndarray:
        loc, level, _ = self._log_moments(*at, **params)
        return np.exp(loc + level)

    def variance(self, *at: np.ndarray, **params: np.ndarray) -> np.ndarray:
        loc, level, excess = self._log_moments(*at, **params)
        with np.errstate(over="ignore"):
            return np.where(np.isinf(level), np.inf, np.exp(2 * (loc + level)) * np.expm1(excess))

    def _log_moments(self, *at: np.ndarray, **params: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """loc, log(mean) - loc, and the log of the mean square over the squared mean."""
        log_parameters = self.log_parameters(*at, **params)
        loc, scale = log_parameters.pop("loc"), log_parameters.pop("scale")
        first, second = (self.log_mgf(t, **log_parameters) for t in (scale, 2 * scale))
        with np.errstate(invalid="ignore"):
            return loc, first, second - 2 * first

    def entropy(self, *at: np.ndarray, **params: np.ndarray) -> np.ndarray:
        log_parameters = self.log_parameters(*at, **params)
        return self.standard.entropy(**log_parameters) + self.standard.expectation(**log_parameters)

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, /, *at: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return self.standard.tail_probability(_log(y), upper, log, **self.log_parameters(*at, **params))

    @takes_parameters
    def ppf(self, q: np.ndarray, /, *at: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return np.exp(self.standard.ppf(q, **self.log_parameters(*at, **params)))

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], /, *at: np.ndarray, **params: np.ndarray
    ) -> np.ndarray:
        return np.exp(self.standard.rvs(rng, size, **self.log_parameters(*at, **params)))


class ScaleShape(LogLocationScale):
    """A `LogLocationScale` law in the parameters scale and shape: log y has loc log(scale) and scale 1 / shape."""

    parameters = {"scale": POSITIVE, "shape": POSITIVE}

    def log_parameters(self, scale: np.ndarray, shape: np.ndarray) -> dict:
        return {"loc": np.log(scale), "scale": 1 / shape}

    def chain_rule_from_log(self, gradient: dict, hessian: dict, scale: np.ndarray, shape: np.ndarray) -> tuple[dict, dict]:
        d_loc, d_scale = gradient["loc"], gradient["scale"]
        first = {"scale": d_loc / scale, "shape": -d_scale / (shape * shape)}
        if not hessian:
            return first, {}
        return first, {
            ("scale", "scale"): (hessian.get(("loc", "loc"), 0.0) - d_loc) / (scale * scale),
            ("scale", "shape"): -hessian.get(("loc", "scale"), 0.0) / (scale * shape * shape),
            ("shape", "shape"): (hessian.get(("scale", "scale"), 0.0) / shape + 2 * d_scale) / (shape * shape * shape),
        }

    def ppf(self, q: np.ndarray, scale: np.ndarray, shape: np.ndarray) -> np.ndarray:
        return scale * np.exp(self.standard.ppf(q, loc=0.0, scale=1 / shape))  # the log of a scale would cost digits

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        fixed = self.layout.fixed
        loc = np.log(fixed["scale"]) if "scale" in fixed else self.standard.centre(np.log(y), sample_weight)
        return {"scale": float(np.exp(loc)), **self.refine(y, sample_weight, scale=np.exp(loc))}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, scale: float | np.ndarray, **others: np.ndarray) -> dict:
        return {"shape": 1 / self.standard.refine(np.log(y), sample_weight, loc=np.log(scale))["scale"]}


def _log(y: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(np.maximum(y, 0.0))
