"""The von Mises law of angles."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import i0e, i1e, ive, logsumexp

from ..._utils.messages import rows_text
from ...domains import CIRCLE, POSITIVE, REAL, Domain
from .._fallbacks.quantile import newton_quantile
from .._protocol.base import Likelihood
from .._protocol.relations import Relations

UNIT_NODES, UNIT_NODE_WEIGHTS = np.polynomial.legendre.leggauss(40)
UNIT_NODES, UNIT_NODE_WEIGHTS = (UNIT_NODES + 1) / 2, UNIT_NODE_WEIGHTS / 2
PI_REMAINDER = 1.2246467991473532e-16  # pi minus its floating-point value
MIN_SERIES_CONCENTRATION = 20.0  # concentration from which on the resultant length is its series in 1 / concentration


def _series() -> list[float]:
    """Coefficients of 1 - I1(k) / I0(k) in powers of 1 / k, by the differential equation of the ratio."""
    c = [0.0, 0.5]
    for n in range(2, 30):
        c.append(0.5 * (sum(c[i] * c[n - i] for i in range(1, n)) + (n - 2) * c[n - 1]))
    return c


LENGTH_SERIES = _series()
LENGTH_SERIES_DERIVATIVE = [0.0, *(-n * c for n, c in enumerate(LENGTH_SERIES))]


def _shortfall(k: Any) -> tuple[np.ndarray, np.ndarray]:
    """1 - I1(k) / I0(k), one minus the mean resultant length, at concentrations k, and its derivative in k."""
    far, u = k > MIN_SERIES_CONCENTRATION, 1 / np.maximum(k, MIN_SERIES_CONCENTRATION)
    ratio = i1e(k) / i0e(k)
    near = 1 - ratio, ratio**2 + np.where(k > 1e-8, ratio / np.maximum(k, 1e-8), 0.5) - 1
    series = (np.polynomial.polynomial.polyval(u, coefs) for coefs in (LENGTH_SERIES, LENGTH_SERIES_DERIVATIVE))
    return tuple(np.where(far, a, b) for a, b in zip(series, near, strict=True))


MAX_CONCENTRATION_OF_SERIES = 3000.0  # concentration from which on the Fourier series of the CRPS has too many terms


class VonMises(Likelihood):
    r"""Von Mises law of angles in radians, the normal law of the circle.

    .. math:: p(y) = \frac{\exp\{k \cos(y - \mathrm{origin} - \mathrm{loc})\}}{2 \pi I_0(k)}, \quad k = \mathrm{concentration}

    y lies in [-pi, pi]: wrap other angles by ``numpy.angle(numpy.exp(1j * y))``. "Mean" is the mean direction, which
    `predict` returns, `origin + loc` wrapped into (-pi, pi]; "variance" is that of the angle between y and the mean
    direction. Quantiles are those of y on the line from -pi to pi. scipy.stats: ``vonmises(k, loc)``; statsmodels: none;
    R: circular ``mle.vonmises`` and, for regression, ``lm.circular(type="c-l")``, whose mu is `origin`.

    With covariates `loc = 2 * arctan(eta)` turns by less than half a circle either way from `origin`, which should be a
    typical direction: a number (0 by default), or None to estimate it, in models without an intercept.

    Parameters
    ----------
    loc, concentration : float, optional
        A number fixes the parameter; None estimates it.
    origin : float, default=0.0
        Direction from which `loc` is measured; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default tan_half for `loc`, identity for `origin`, log for `concentration`.

    References
    ----------
    Fisher, N. I., Lee, A. J. (1992). Regression models for an angular response. Biometrics 48, 665-677.
    doi:10.2307/2532334

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> model = MLERegressor(VonMises(origin=3.0)).fit([[0], [1], [2], [3]], [3.1, 3.0, -2.7, -2.4])
    >>> model.predict([[0], [3]]).round(2)
    array([ 2.95, -2.47])
    """

    parameters = {"loc": CIRCLE, "origin": REAL, "concentration": POSITIVE}
    support = Domain(low=CIRCLE.low, high=CIRCLE.high, closed=(True, True), typical=CIRCLE.typical)
    relations = Relations(searched=False)

    def __init__(self, *, loc: Any = None, origin: Any = 0.0, concentration: Any = None, links: Any = None) -> None:
        self.loc, self.origin, self.concentration, self.links = loc, origin, concentration, links

    def read(self, y: Any) -> np.ndarray:
        y = super().read(y)
        bad = np.flatnonzero(~self.support.contains(y))
        if len(bad):
            raise ValueError(
                f"y must be angles in radians from -pi to pi for VonMises, but is not in {rows_text(bad)}, where the first "
                f"value is {y[bad[0]]:g}; wrap angles by numpy.angle(numpy.exp(1j * y)), after numpy.deg2rad for degrees"
            )
        return y

    def terms(
        self, y: np.ndarray, order: int, loc: np.ndarray, origin: np.ndarray, concentration: np.ndarray
    ) -> tuple[np.ndarray, dict, dict]:
        angle = y - origin - loc
        drop = 2 * np.sin(angle / 2) ** 2
        value = -concentration * drop - np.log(2 * np.pi * i0e(concentration))
        if order == 0:
            return value, {}, {}
        short, short_1 = _shortfall(concentration)
        mixed = np.sin(angle)
        once, twice = concentration * mixed, -concentration * np.cos(angle)
        second = {
            ("loc", "loc"): twice,
            ("loc", "origin"): twice,
            ("origin", "origin"): twice,
            ("loc", "concentration"): mixed,
            ("origin", "concentration"): mixed,
            ("concentration", "concentration"): short_1 + 0 * angle,
        }
        return value, {"loc": once, "origin": once, "concentration": short - drop}, second

    def fisher(self, loc: np.ndarray, origin: np.ndarray, concentration: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        turn = concentration * i1e(concentration) / i0e(concentration) + 0 * (loc + origin)
        d_concentration = -_shortfall(concentration)[1] + 0 * (loc + origin)
        return {
            ("loc", "loc"): turn,
            ("loc", "origin"): turn,
            ("origin", "origin"): turn,
            ("concentration", "concentration"): d_concentration,
        }

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        values = {"loc": 0.0, "origin": 0.0, **self.layout.fixed}
        turned = next((name for name in ("origin", "loc") if name in self.layout.free), None)
        if turned is not None:
            values[turned] = 0.0
            mean = np.average(np.exp(1j * (y - values["loc"] - values["origin"])), weights=sample_weight)
            values[turned] = float(np.clip(np.angle(mean), -np.pi + 1e-9, np.pi - 1e-9))
        return values | self.refine(y, sample_weight, **values)

    def refine(
        self, y: np.ndarray, sample_weight: np.ndarray, loc: np.ndarray, origin: np.ndarray, **others: np.ndarray
    ) -> dict:
        drop = max(float(np.average(2 * np.sin((y - origin - loc) / 2) ** 2, weights=sample_weight)), 1e-15)
        k: Any = max((1 - drop) * (2 - (1 - drop) ** 2) / (drop * (2 - drop)), 1e-3)  # Banerjee's guess
        for _ in range(5):
            value, d1 = _shortfall(k)
            k = max(k * np.exp((drop - value) / (d1 * k)), k / 4) if drop < 1 else 1e-3
        return {"concentration": float(k)}

    def expectation(self, loc: np.ndarray, origin: np.ndarray, concentration: Any) -> np.ndarray:
        turned = loc + origin + 0 * concentration
        return turned - 2 * np.pi * np.ceil((turned - np.pi) / (2 * np.pi))

    def variance(self, loc: np.ndarray, origin: np.ndarray, concentration: np.ndarray) -> np.ndarray:
        return super().variance(loc=0 * loc, origin=0 * loc, concentration=concentration)

    def entropy(self, loc: np.ndarray, origin: np.ndarray, concentration: np.ndarray) -> np.ndarray:
        return np.log(2 * np.pi * i0e(concentration)) + concentration * _shortfall(concentration)[0] + 0 * loc

    def _log_tail(
        self, y: np.ndarray, upper: bool, loc: np.ndarray, origin: np.ndarray, concentration: np.ndarray
    ) -> np.ndarray:
        """log of the probability from y to pi, or from -pi to y, by Gauss nodes on half circles, where the density falls."""
        mean = self.expectation(loc, origin, 0.0)
        y, mean, k = np.broadcast_arrays(np.clip(y, -np.pi, np.pi), mean, np.asarray(concentration, float))
        norm, sign = np.log(2 * np.pi * i0e(k)), -1 if upper else 1
        low, high = (y - mean, np.pi - mean) if upper else (-np.pi - mean, y - mean)
        arcs = logsumexp([_log_arc(low, high, half * np.pi, k) for half in (-2, -1, 0, 1)], axis=0)
        width = (np.pi + sign * y) + PI_REMAINDER  # from the end, which lies beside the number -pi or pi
        strip = np.log(width) - 2 * k * np.sin((np.pi - width / 2 + sign * mean) / 2) ** 2
        return np.where(width * (1 + k) < 1e-5, strip - norm, np.minimum(arcs - norm, 0.0))

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, /, **params: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            value = self._log_tail(y, upper, **params)
            large = np.asarray(value > np.log(0.5))
            if large.any():
                y, *values = np.broadcast_arrays(y, *params.values())
                given = {name: part[large] for name, part in zip(params, values, strict=True)}
                value = np.array(value)
                value[large] = np.log1p(-np.exp(self._log_tail(y[large], not upper, **given)))
        return value if log else np.exp(value)

    def ppf(self, q: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        def logs(y: np.ndarray, upper: bool, /, **params: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return self._log_tail(y, upper, **params), self.loglik(y, **params)

        return newton_quantile(logs, q, params, (-np.pi, np.pi), self.expectation(**params))

    def rvs(
        self,
        rng: np.random.Generator,
        size: int | tuple[int, ...],
        loc: np.ndarray,
        origin: np.ndarray,
        concentration: np.ndarray,
    ) -> np.ndarray:
        return rng.vonmises(self.expectation(loc, origin, concentration), concentration, size)

    def crps(self, y: np.ndarray, loc: np.ndarray, origin: np.ndarray, concentration: np.ndarray) -> np.ndarray:
        """By the Fourier series of the distribution function y / (2 pi) + c + sum of b_j sin(j (y - mean))."""
        at, mean = np.clip(y, -np.pi, np.pi), self.expectation(loc, origin, 0 * concentration)
        k = np.where(concentration <= MAX_CONCENTRATION_OF_SERIES, concentration, np.nan)
        c, at_ends, squares, above, top = 0.5, 0.0, 0.0, 0.0, i0e(k)
        for j in range(1, int(10 * np.sqrt(np.nanmax(k, initial=0.0))) + 26):
            b, sign = ive(j, k) / (top * j * np.pi), -1.0 if j % 2 else 1.0
            c = c + b * np.sin(j * (np.pi + mean))
            at_ends, squares = at_ends - sign * b / j * np.cos(j * mean), squares + b * b
            above = above + b / j * (np.cos(j * (np.pi - mean)) - np.cos(j * (at - mean)))
        both = np.pi / 6 + 2 * np.pi * c**2 + 2 * at_ends + np.pi * squares  # of the squared distribution function
        above = (np.pi - at) * (1 - 2 * c) - (np.pi - at) * (np.pi + at) / (2 * np.pi) + 2 * above
        return both + above + np.abs(y - at)


def _log_arc(low: np.ndarray, high: np.ndarray, start: Any, k: np.ndarray) -> np.ndarray:
    """log of the integral of exp(k cos t - k) over the part of [low, high] in [start, start + pi]."""
    low, high = np.clip(low, start, start + np.pi), np.clip(high, start, start + np.pi)
    turns = 2 * np.pi * np.round(start / (2 * np.pi) + 0.1)
    inner, outer = (low - turns, high - turns) if start % (2 * np.pi) == 0 else (turns - high, turns - low)
    reach = np.sin(inner / 2) ** 2 + 20 / k  # beyond, the density has fallen by exp(-40)
    outer = np.minimum(outer, 2 * np.arcsin(np.sqrt(np.minimum(reach, 1.0))))
    rows = outer > inner
    if not rows.any():
        return np.full(rows.shape, -np.inf)
    inner, length, k = inner[rows], (outer - inner)[rows], k[rows]
    step = length[:, None] * UNIT_NODES
    fall = 2 * k[:, None] * np.sin(inner[:, None] + step / 2) * np.sin(step / 2)
    value = np.full(rows.shape, -np.inf)
    value[rows] = np.log(length * (np.exp(-fall) @ UNIT_NODE_WEIGHTS)) - 2 * k * np.sin(inner / 2) ** 2
    return value
