"""log P(a < Z <= a + w) of standard laws with derivatives in a and w, exact however narrow or far the interval is.

Every function returns the value, its two first derivatives (in a, in w) and its three second ones (aa, aw, ww). The width
w > 0 has digits that the difference of two ends would lose. Probabilities are never subtracted: the logistic and the two
Gumbel laws have products in place of the difference, the Cauchy law one angle, and the normal law the ratio of the
probability to the density at the end nearer to zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import erfcx, expit, log_expit, ndtr

from ..links import CLogLog
from .logarithms import log1mexp
from .tails import UNIT_NODE_WEIGHTS, UNIT_NODES


def _logit(a: np.ndarray, w: np.ndarray) -> tuple:
    """F(b) - F(a) = F(b) (1 - F(a)) (1 - exp(-w))."""
    b, inverse_expm1 = a + w, 1 / np.expm1(w)
    above, below = expit(-b), expit(a)
    d2_b, d2_a = -above * expit(b), -below * expit(-a)
    value = log_expit(b) + log_expit(-a) + log1mexp(w)
    return value, above - below, above + inverse_expm1, d2_b + d2_a, d2_b, d2_b - inverse_expm1 * (1 + inverse_expm1)


def _cloglog(a: np.ndarray, w: np.ndarray) -> tuple:
    """F(b) - F(a) = (1 - F(a)) F(x), x = b + log(1 - exp(-w))."""
    value, d1, d2 = CLogLog().log_inverse(a + w + log1mexp(w))
    rate, hazard = -1 / np.expm1(-w), np.exp(a)  # dx/dw, whose own derivative is -rate (rate - 1)
    by_width = d2 * rate**2 - d1 * rate / np.expm1(w)
    return value - hazard, d1 - hazard, d1 * rate, d2 - hazard, d2 * rate, by_width


def _loglog(a: np.ndarray, w: np.ndarray) -> tuple:
    """The mirror image, with x = -a + log(1 - exp(-w))."""
    value, d1, d2 = CLogLog().log_inverse(log1mexp(w) - a)
    rate, hazard = 1 / np.expm1(w), np.exp(-a - w)
    by_width = d2 * rate**2 - d1 * rate * (1 + rate) - hazard
    return value - hazard, hazard - d1, hazard + d1 * rate, d2 - hazard, -d2 * rate - hazard, by_width


def _cauchit(a: Any, w: np.ndarray) -> tuple[Any, Any, Any, Any, Any, Any]:
    """F(b) - F(a) is the angle between the directions (1, a) and (1, b), over pi."""
    b = a + w
    norm_a, norm_b = np.hypot(1, a), np.hypot(1, b)
    s, t, p, q = 1 / norm_a / norm_a, 1 / norm_b / norm_b, a / norm_a / norm_a, b / norm_b / norm_b
    sine, cosine = w / norm_a / norm_b, 1 / norm_a / norm_b + a / norm_a * (b / norm_b)
    angle = np.arctan2(sine, cosine)
    value = np.where(cosine < 0, np.log1p(-np.arctan2(sine, -cosine) / np.pi), np.log(angle / np.pi))
    d_a, d_w = -w * (p * t + s * q) / angle, t / angle
    d2_a, d2_b = -2 * w * ((s * t) ** 2 - p * q * (s + t + p * q)) / angle, -2 * q * t / angle
    return value, d_a, d_w, d2_a - d_a**2, d2_b - d_a * d_w, d2_b - d_w**2


def normal_ratio(near: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(near - w < Z <= near) / phi(near) of a normal Z, near at most little above zero; and where the interval is narrow."""
    far = near - w
    mills = [np.sqrt(np.pi / 2) * erfcx(-end / np.sqrt(2)) for end in (near, far)]
    far_part = np.exp(w * (near + far) / 2) * mills[1]  # exp(.) is phi(far) / phi(near)
    ratio, narrow = mills[0] - far_part, far_part > 0.5 * mills[0]
    steps = w[narrow, None] * UNIT_NODES
    area = (np.exp(steps * (near[narrow, None] - steps / 2)) * UNIT_NODE_WEIGHTS).sum(axis=1)
    ratio[narrow] = w[narrow] * area
    return ratio, narrow


def _probit(a: np.ndarray, w: np.ndarray) -> tuple:
    """F(b) - F(a) from its ratio to phi(near), where near is the end closer to zero, mirrored to be the upper one."""
    mirrored = 2 * a + w > 0
    near, far = np.where(mirrored, -a, a + w), np.where(mirrored, -a - w, a)
    log_density_ratio = w * (near + far) / 2  # log(phi(far) / phi(near))
    ratio, narrow = normal_ratio(near, w)
    value = np.log(ratio) - 0.5 * near**2 - 0.5 * np.log(2 * np.pi)
    value = np.where((near > 0) & ~narrow, np.log1p(-ndtr(far) - ndtr(-near)), value)
    at_near, at_far, d_near = 1 / ratio, np.exp(log_density_ratio) / ratio, -np.expm1(log_density_ratio) / ratio
    d2 = -near * d_near - w * at_far - d_near**2
    d_a, d_w, b = np.where(mirrored, -d_near, d_near), np.where(mirrored, at_far, at_near), a + w
    return value, d_a, d_w, d2, -d_w * (b + d_a), -d_w * (b + d_w)


BETWEEN = {"logit": _logit, "probit": _probit, "cloglog": _cloglog, "loglog": _loglog, "cauchit": _cauchit}
