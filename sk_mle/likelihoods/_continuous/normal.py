"""The normal law."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import erfcx

from ..._special.intervals import normal_ratio
from ...links import Probit
from .._fallbacks.facts import withdrawable
from .._families.location_scale import LinkLocationScale
from .._protocol.forms import between
from .._protocol.relations import Relations

LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)
NEWTON_STEPS = 8  # towards a quantile far out, where the tail is nearly exponential: five reach rounding


class Normal(LinkLocationScale):
    r"""Normal (Gaussian) law; its negative log-likelihood in `loc` is squared error.

    .. math:: p(y) = \frac{1}{\sqrt{2\pi}\,\mathrm{scale}} \exp\{-z^2/2\}, \quad z = (y - \mathrm{loc})/\mathrm{scale}

    Mean `loc`, variance `scale**2`. scipy.stats: ``norm(loc, scale)``; statsmodels: ``OLS``; R: ``lm``, gamlss ``NO``.

    Parameters
    ----------
    loc, scale : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale`.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Normal()).fit([[0], [1], [2]], [1.0, 3.0, 5.2]).coef_.round(3)
    array([2.1])
    """

    relations = Relations(truncated_ends={"scale": {"upper": "exponential law between the bounds"}})
    standard_link = Probit()

    def __init__(self, *, loc: Any = None, scale: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.links = loc, scale, links

    def standard_terms(self, z: np.ndarray, order: int) -> tuple[np.ndarray, dict, dict]:
        return -0.5 * z**2 - LOG_ROOT_2PI, {"z": -z}, {("z", "z"): np.full_like(z, -1.0)} if order == 2 else {}

    def standard_information(self) -> dict:
        return {("loc", "loc"): 1.0, ("scale", "scale"): 2.0}

    def standard_moments(self) -> tuple[float | np.ndarray, ...]:
        return 0.0, 1.0, 0.5 + LOG_ROOT_2PI

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        return rng.normal(loc, scale, size)

    @withdrawable
    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        z = (y - loc) / scale
        density, gap = np.exp(self.standard_logpdf(z)), self.standard_tail(z, False, False) - self.standard_tail(z, True, False)
        return scale * (z * gap + 2 * density - 1 / np.sqrt(np.pi))

    def divergence(self, p: dict, q: dict) -> np.ndarray:
        ratio = p["scale"] / q["scale"]
        return 0.5 * (((p["loc"] - q["loc"]) / q["scale"]) ** 2 + (ratio - 1) * (ratio + 1)) - np.log(ratio)


@between.register(Normal)
class BetweenFarBounds:
    """The law between bounds far out on one side of loc, relative to its density at the bound nearer to loc.

    Bounds below loc are mirrored at zero, so that `near` is the lower one; `a` is its distance from loc in scales.
    """

    def __init__(self, low: Any, high: Any, loc: Any, scale: Any) -> None:
        self.mirrored, self.scale = high < loc, scale
        self.near, self.far = np.where(self.mirrored, -high, low), np.where(self.mirrored, -low, high)
        self.loc = np.where(self.mirrored, -loc, loc)
        self.a = (self.near - self.loc) / scale

    def loglik(self, from_low: np.ndarray, to_high: np.ndarray) -> np.ndarray:
        """From the ratio of the density at the near bound to the tail beyond, Mills' ratio."""
        t, a, b = np.where(self.mirrored, to_high, from_low) / self.scale, self.a, (self.far - self.loc) / self.scale
        tail = erfcx(a / np.sqrt(2))
        with np.errstate(invalid="ignore", under="ignore"):
            gap = np.exp(-(self.far - self.near) / self.scale * (a + b) / 2)
            beyond = np.where(np.isinf(b), 0.0, gap * erfcx(b / np.sqrt(2)) / tail)
        return -t * (a + t / 2) - np.log(tail * np.sqrt(np.pi / 2) * self.scale) - np.log1p(-beyond)

    def log_interval(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """By ratios to the density at the near bound; above one half by the shares of the two rests."""
        start, end = np.where(self.mirrored, -end, start), np.where(self.mirrored, -start, end)
        with np.errstate(all="ignore"):
            whole = self._log_ratio(self.near, self.far)
            pieces = (start, end), (self.near, start), (end, self.far)
            value, before, after = (self._log_ratio(*ends) - whole for ends in pieces)
            return np.where(value > -np.log(2), np.log1p(-np.exp(before) - np.exp(after)), value)

    def _log_ratio(self, first: Any, last: Any) -> np.ndarray:
        """Log of the probability between two points over the density at the near bound."""
        t = (first - self.near) / self.scale
        ratio = normal_ratio(-self.a - t, (last - first) / self.scale)[0]
        return np.where(last <= first, -np.inf, np.log(ratio) - t * (self.a + t / 2))

    def ppf(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """By Newton's method from -log P(Z > a) to -log P(Z > a + t), a convex function of the distance t in scales."""
        a, w = self.a, (self.far - self.near) / self.scale
        near_side, far_side = np.where(self.mirrored, 1 - q, q), np.where(self.mirrored, q, 1 - q)
        mills = np.sqrt(np.pi / 2) * erfcx(a / np.sqrt(2))
        with np.errstate(all="ignore"):
            inside = normal_ratio(-a, w)[0] / mills  # P(Z <= a + w) given that Z > a
            nearer = near_side * inside
            target = np.where(nearer < 0.5, -np.log1p(-nearer), -np.log(far_side + near_side * (1 - inside)))
            t = target * mills
            for _ in range(NEWTON_STEPS):
                tail, (ratio, narrow) = np.sqrt(np.pi / 2) * erfcx((a + t) / np.sqrt(2)), normal_ratio(-a, t)
                reached = np.where(narrow, -np.log1p(-ratio / mills), t * (a + t / 2) + np.log(mills / tail))
                t = t - (reached - target) * tail
            t = np.where(np.isposinf(target), w, np.clip(t, 0, w))
        sign = np.where(self.mirrored, -1.0, 1.0)
        return sign * self.near, sign * self.scale * t
