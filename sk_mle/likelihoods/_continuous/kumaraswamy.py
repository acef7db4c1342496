"""The Kumaraswamy law."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._special.gamma_functions import digamma_delta, lgamma_delta, trigamma_delta
from ..._special.logarithms import log1mexp
from ...domains import POSITIVE, UNIT
from ...links import CLogLog
from .._fallbacks.starting_values import best_candidate, reduced_sample
from .._protocol.base import Likelihood


class Kumaraswamy(Likelihood):
    r"""Kumaraswamy law of proportions, much like the beta law, with a closed distribution function.

    .. math:: p(y) = a b\, y^{a - 1} (1 - y^a)^{b - 1}

    Mean :math:`m_1`, variance :math:`m_2 - m_1^2` with :math:`m_k = b B(1 + k/a, b)`. scipy.stats: none; statsmodels: none;
    R: VGAM ``kumar`` (shape1, shape2), extraDistr ``dkumar``.

    Parameters
    ----------
    a, b : float, optional
        A number fixes the parameter; None estimates it.
    links : dict of str to str or Link, optional
        Link per parameter; default log.

    References
    ----------
    Jones, M. C. (2009). Kumaraswamy's distribution: a beta-type distribution with some tractability advantages. Statistical
    Methodology 6, 70-81. doi:10.1016/j.stamet.2008.04.001

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> MLERegressor(Kumaraswamy()).fit([[0], [1], [2]], [0.2, 0.45, 0.8]).predict_quantiles([[1]], [0.5]).round(2)
    array([[0.52]])
    """

    parameters = {"a": POSITIVE, "b": POSITIVE}
    support = UNIT

    def __init__(self, *, a: Any = None, b: Any = None, links: Any = None) -> None:
        self.a, self.b, self.links = a, b, links

    def terms(self, y: np.ndarray, order: int, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, dict, dict]:
        c, log_rest, s, rest = _complement(y, a)
        value = np.log(a) + np.log(b) - c - np.log(y) + (b - 1) * log_rest
        a_a = -(c + rest * (1 + s) + b * s * (c + s)) / a**2
        second = {("a", "a"): a_a, ("a", "b"): s / a, ("b", "b"): -1 / b**2 + 0 * y}
        return value, {"a": (rest + b * s) / a, "b": 1 / b + log_rest}, second

    def fisher(self, a: np.ndarray, b: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        harmonic, d, e = digamma_delta(1, b), _nonzero(b - 1), _nonzero(np.clip(b - 2, -0.5, 0.5))
        far = (2 * harmonic - b * ((1 - harmonic) ** 2 - trigamma_delta(1, b))) / np.where(np.abs(b - 2) < 0.5, 1.0, 2 - b)
        near = 1 + b * (digamma_delta(2, e) ** 2 - trigamma_delta(2, e)) / e
        return {
            ("a", "a"): np.where(np.abs(b - 2) < 0.5, near, far) / a**2,
            ("a", "b"): -digamma_delta(2, d) / d / a,
            ("b", "b"): 1 / b**2 + 0 * a,
        }

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        a = np.geomspace(0.02, 50, 25) / -float(np.average(np.log(y), weights=sample_weight))
        candidates = [{"a": a, **self.refine(y, sample_weight, a)} for a in ([self.a] if "a" in self.layout.fixed else a)]
        return best_candidate(
            self, [{**candidate, **self.layout.fixed} for candidate in candidates], *reduced_sample(y, sample_weight)
        )

    def refine(self, y: np.ndarray, sample_weight: np.ndarray, a: float | np.ndarray, **others: np.ndarray) -> dict:
        return {"b": 1 / max(-float(np.average(_complement(y, a)[1], weights=sample_weight)), 1e-300)}

    def expectation(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(_log_moment(1 / a, b))

    def variance(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        first, second = _log_moment(1 / a, b), _log_moment(2 / a, b)
        return -np.exp(second) * np.expm1(2 * first - second)

    def entropy(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 1 - 1 / b + (1 - 1 / a) * digamma_delta(1, b) - np.log(a) - np.log(b)

    def tail_probability(self, y: np.ndarray, upper: bool, log: bool, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        c, value, _, _ = _complement(y, a)
        with np.errstate(divide="ignore"):
            value = b * value if upper else CLogLog().log_inverse(np.log(b) + np.where(c > 40, -c, np.log(-value)))[0]
        return value if log else np.exp(value)

    def ppf(self, q: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.exp(log1mexp(-np.log1p(-np.asarray(q)) / b) / a)

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.clip(np.exp(log1mexp(rng.standard_exponential(size) / b) / a), 1e-300, 1 - 2**-53)


def _complement(y: np.ndarray, a: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """c = -log(y^a), log(1 - y^a), its derivative s in log(a), and 1 - c - s, which is O(c): that of log(s)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        c = -a * np.log(np.clip(y, 0.0, 1.0))
        value, s, s_1 = CLogLog().log_inverse(np.log(c))
        return c, value, s, np.where(c < 1, s_1 / s, 1 - c - s)


def _nonzero(x: np.ndarray) -> np.ndarray:
    """x, replaced by 1e-150 if it is closer to zero."""
    return np.where(np.abs(x) < 1e-150, 1e-150, x)


def _log_moment(k: np.ndarray, b: np.ndarray) -> np.ndarray:
    """log E y^(a k) = log(Gamma(1 + k) Gamma(1 + b) / Gamma(1 + k + b)), by a step of the smaller of k and b."""
    step, base = np.minimum(k, b), np.maximum(k, b)
    return lgamma_delta(1, step) - lgamma_delta(1 + base, step)
