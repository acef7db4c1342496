"""The exponentially modified normal law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from ...domains import POSITIVE, REAL
from .._fallbacks.quantile import newton_quantile
from .._fallbacks.starting_values import best_candidate, reduced_sample, resolution, weighted_median
from .._protocol.base import Likelihood
from .._protocol.parameter import UP_TO_INFINITY, Parameter
from .._protocol.relations import Relations

MAX_RATE_TIMES_SCALE = 1e30  # rate * scale from which on, and at infinity, the law is the normal one to the last digit
NORMAL_HALF_WIDTH_IN_SCALES = 3.0  # standard deviations that hold nearly all of the normal part
ROOT_2PI = np.sqrt(2 * np.pi)
GAUSS_NODES, GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(32)


def _mills(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """m = phi(x) / Phi(x), m + x, and the next two terms of Laplace's continued fraction, which give it for x < -6.

    With w = -x: m + x = 1 / (w + c), c = 2 / (w + d), d = 3 / (w + ...).
    """
    x = np.asarray(x, float)
    m, far = np.sqrt(2 / np.pi) / erfcx(-x / np.sqrt(2)), x < -6
    h, c, d = np.array(m + x), np.zeros(x.shape), np.zeros(x.shape)
    if far.any():
        w = inner = outer = -x[far]
        for k in range(24, 1, -1):
            outer, inner = k / (w + outer), outer
        h[far], c[far], d[far] = 1 / (w + outer), outer, inner
    return m, h, c, d


def _near_ends(
    law: Likelihood, y: np.ndarray, sample_weight: np.ndarray, distance: float, loc: np.ndarray, **others: np.ndarray
) -> list:
    """The lower end of `scale`: an exponential law above the smallest residual (see `Relations.near_ends`)."""
    if not {"scale", "rate"} <= set(law.layout.free):
        return []
    r, tiny = y - loc, resolution(y)
    mean = max(float(np.average(r - r.min(), weights=sample_weight)), tiny)
    scale = distance * mean
    # the density rises within so many scales of loc: the smallest row lies above that rise
    below = loc + r.min() - NORMAL_HALF_WIDTH_IN_SCALES * scale
    return [("scale", "lower", {"loc": below, "scale": scale, "rate": 1 / mean})]


class ExponentiallyModifiedNormal(Likelihood):
    r"""Law of the sum of a normal and an exponential variable: reaction times, peaks in chromatography.

    .. math:: p(y) = \mathrm{rate}\, \exp\{k^2/2 - k t\}\, \Phi(t - k), \quad t = (y - \mathrm{loc})/\mathrm{scale},
        \; k = \mathrm{rate} \cdot \mathrm{scale}

    `loc` and `scale` are those of the normal part, `1 / rate` is the mean of the exponential one. Mean `loc + 1 / rate`,
    variance `scale**2 + 1 / rate**2`. scipy.stats: ``exponnorm(1 / (rate * scale), loc, scale)``; statsmodels: none;
    R: gamlss ``exGAUS`` (nu is 1 / rate), emg ``emg.mle``.

    Parameters
    ----------
    loc, scale, rate : float, optional
        A number fixes the parameter (rate=inf: the normal law); None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default identity for `loc`, log for `scale` and `rate`.

    References
    ----------
    Grushka, E. (1972). Characterization of exponentially modified Gaussian peaks in chromatography. Analytical Chemistry 44,
    1733-1738. doi:10.1021/ac60319a011

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 1))
    >>> y = 2 * X[:, 0] + rng.normal(size=500) + rng.exponential(4, size=500)
    >>> MLERegressor(ExponentiallyModifiedNormal()).fit(X, y).coef_.round(1)
    array([2.])
    """

    parameters = {
        "loc": REAL,
        "scale": replace(POSITIVE, typical=(0.5, 1.5)),
        "rate": Parameter(replace(POSITIVE, typical=(0.4, 1.0)), allowed=UP_TO_INFINITY),
    }

    relations = Relations(
        limits={
            "Normal": {"rate": np.inf},
            "Exponential": {"scale": 0.0, "loc": 0.0, "rate": lambda mean: 1 / mean},
        },
        singular=("rate",),
        ends={"scale": {"lower": "exponential law above loc"}},
        near_ends=_near_ends,
        tried={"rate": ()},  # in units of 1 / y, so that no value is typical
    )

    def __init__(self, *, loc: Any = None, scale: Any = None, rate: Any = None, links: Any = None) -> None:
        self.loc, self.scale, self.rate, self.links = loc, scale, rate, links

    def terms(
        self, y: np.ndarray, order: int, loc: np.ndarray, scale: np.ndarray, rate: np.ndarray
    ) -> tuple[np.ndarray, dict, dict]:
        t, k = (y - loc) / scale, np.minimum(rate * scale, MAX_RATE_TIMES_SCALE)
        value = _log_density(t, k)[0] - np.log(scale)
        if order == 0:
            return value, {}, {}
        d_t, d_s, d_k, tt, ts, ss, tk, sk, kk = _derivatives(t, k)
        second = {
            ("loc", "loc"): tt / scale**2,
            ("loc", "scale"): ts / scale**2,
            ("scale", "scale"): ss / scale**2,
            ("loc", "rate"): tk,
            ("scale", "rate"): sk,
            ("rate", "rate"): kk / rate**2,
        }
        return value, {"loc": -d_t / scale, "scale": d_s / scale, "rate": d_k / rate}, second

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        loc = self.layout.fixed.get("loc", weighted_median(y, sample_weight))
        return {"loc": loc, **self._moment_matched(y - loc, sample_weight, (0.3,), loc)}

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, loc: float | np.ndarray, **others: np.ndarray) -> dict:
        return self._moment_matched(y - loc, sample_weight, (0.1, 0.3, 0.5, 0.7, 0.85, 0.95), loc)

    def _moment_matched(self, residual: np.ndarray, sample_weight: np.ndarray, shares: tuple, loc: Any) -> dict:
        """Parameters of the likeliest law with the residuals' mean and variance.

        `shares` are the standard deviations of the exponential part to try, relative to that of the residuals.
        """
        mean = np.average(residual, weights=sample_weight)
        spread = max(float(np.sqrt(np.average((residual - mean) ** 2, weights=sample_weight))), resolution(residual + loc))
        candidates = []
        for share in shares:
            rate = self.layout.fixed.get("rate", 1 / (share * spread))
            scale = self.layout.fixed.get("scale", max(np.sqrt(max(spread**2 - 1 / rate**2, 0.0)), 0.1 * spread))
            candidates.append({"loc": 0.0 if "loc" in self.layout.fixed else mean - 1 / rate, "scale": scale, "rate": rate})
        best = best_candidate(self, candidates, *reduced_sample(residual, sample_weight))
        return best | {"loc": loc + best["loc"]}

    def expectation(self, loc: np.ndarray, scale: np.ndarray, rate: np.ndarray) -> np.ndarray:
        return loc + 1 / rate + 0 * scale

    def variance(self, loc: np.ndarray, scale: np.ndarray, rate: np.ndarray) -> np.ndarray:
        return scale**2 + 1 / rate**2 + 0 * loc

    def tail_probability(
        self, y: np.ndarray, upper: bool, log: bool, loc: np.ndarray, scale: np.ndarray, rate: np.ndarray
    ) -> np.ndarray:
        value = _log_tails((y - loc) / scale, np.minimum(rate * scale, MAX_RATE_TIMES_SCALE))[int(upper)]
        return value if log else np.exp(value)

    def ppf(self, q: np.ndarray, loc: np.ndarray, scale: np.ndarray, rate: np.ndarray) -> np.ndarray:
        def logs(x: np.ndarray, upper: bool, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return _log_tails(np.sinh(x), k)[int(upper)], _log_density(np.sinh(x), k)[0] + np.log(np.cosh(x))

        x = newton_quantile(logs, q, {"k": np.minimum(rate * scale, MAX_RATE_TIMES_SCALE)}, (-705.0, 705.0))
        return loc + scale * np.where(np.abs(x) < 705, np.sinh(x), np.inf * x)

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], loc: np.ndarray, scale: np.ndarray, rate: np.ndarray
    ) -> np.ndarray:
        return rng.normal(loc, scale, size) + rng.exponential(np.broadcast_to(1 / np.asarray(rate, float), size))

    def crps(self, y: np.ndarray, loc: np.ndarray, scale: np.ndarray, rate: np.ndarray) -> np.ndarray:
        t = (y - loc) / scale
        below = scale * (t * ndtr(t) + np.exp(-(t**2) / 2) / ROOT_2PI) - self.cdf(y, loc, scale, rate) / rate  # E (y - Y)+
        return 2 * below + (loc - y) + 1 / rate - scale / np.sqrt(np.pi) - erfcx(rate * scale) / (2 * rate)


def _log_density(t: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The log-density at scale 1 and rate k, and the same minus log(k)."""
    x = t - k
    with np.errstate(all="ignore"):
        share, tail = erfcx(-x / np.sqrt(2)) / 2, log_ndtr(x) - k * (x + k / 2)
        return tuple(np.where(x < 0, np.log(f * share) - t**2 / 2, np.log(f) + tail) for f in (k, 1.0))


def _derivatives(t: np.ndarray, k: np.ndarray) -> tuple:
    """Derivatives at scale 1 and rate k: in t, scale and log(rate); (t, t), minus (t, scale), (scale, scale), then with rate.

    Each has three formulas, for laws that are nearly normal (`far`), nearly exponential (`late`), and between, in each of
    which nothing cancels.
    """
    x = t - k
    m, h, c, d = _mills(x)
    far, late = x < -6, x >= 0
    d_t, d_k = np.where(late, m - k, h - t), np.where(far, h * (c - t), 1 - k * h)
    d2 = np.where(far, h * c - h**2, 1 - m * h)
    kk = np.where(far, c * (t - d) * (1 - d_k) - d_k**2, k**2 * d2 - 1)
    d_s = np.where(late, k**2 - (k + t) * m, d_k - 1 - t * d_t)
    ts = d_t - t * m * h + k * d2
    ss = np.where(late, k**2 + 2 * t * m - m * h * (t + k) ** 2, 1 + 2 * t * d_t - t**2 * m * h + 2 * t * k * d2 + kk)
    sk = np.where(late, 2 * k - m - m * h * (t + k), t * d2 + (d_k + kk) / k)
    return d_t, d_s, d_k, -m * h, ts, ss, d2, sk, kk


def _log_tails(t: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log of Phi(t) - p(t) / k and of Phi(-t) + p(t) / k; the difference is an integral if it would cancel."""
    t, k = np.broadcast_arrays(np.asarray(t, float), np.asarray(k, float))
    shape, t, k = t.shape, t.ravel(), k.ravel()
    with np.errstate(all="ignore"):
        rest = _log_density(t, k)[1]
        upper = np.minimum(np.logaddexp(log_ndtr(-t), rest), 0.0)
        height = -(t**2) / 2 - np.log(ROOT_2PI)
        apart = height + np.log(ROOT_2PI / 2 * (erfcx(-t / np.sqrt(2)) - erfcx((k - t) / np.sqrt(2))))
        near = (k < 1 + np.maximum(-t, 0)) & (t < 36)
        m, h, _, _ = _mills(t[near, None] - k[near, None] * (1 + GAUSS_NODES) / 2)
        apart[near] = height[near] + np.log(k[near] / 2 * ((h / m) @ GAUSS_WEIGHTS))
        lower = np.where(t < 36, apart, np.log(-np.expm1(rest)))
        lower = np.where(upper < np.log(0.5), np.log1p(-np.exp(upper)), lower)
        upper = np.where(lower < np.log(0.5), np.log1p(-np.exp(lower)), upper)
        return lower.reshape(shape), upper.reshape(shape)
