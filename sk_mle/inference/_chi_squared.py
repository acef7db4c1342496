"""The law of a weighted sum of chi-squared variables with one degree of freedom."""

from __future__ import annotations

import numpy as np
from scipy import optimize, special, stats

MIN_WEIGHT = 1e-6  # relative: smaller ones do not move a probability
MIN_ROOT = 1e-4  # signed root of the deviance up to which its limit at the mean is used


def weighted_chi_squared_sf(x: float, weights: np.ndarray) -> float:
    """P(sum w_j Z_j^2 > x) for independent standard normal Z_j and weights w_j >= 0, of which some are positive.

    Exact where all weights are equal, else by the saddlepoint approximation of Lugannani and Rice, whose relative error is a
    few percent (Kuonen 1999, Saddlepoint approximations for distributions of quadratic forms in normal variables,
    doi:10.1093/biomet/86.4.929).

    Examples
    --------
    >>> round(weighted_chi_squared_sf(3.0, np.array([1.0, 0.98, 0.9, 0.5, 0.2])), 2)
    0.5
    """
    w = weights[weights > MIN_WEIGHT * weights.max()]
    if w.max() - w.min() <= MIN_WEIGHT * w.max():
        return float(stats.chi2.sf(x / w.mean(), len(w)))
    if x <= 0:
        return 1.0

    def mean(t: np.ndarray) -> float:  # of the law tilted by exp(t x)
        return float(np.sum(w / (1 - 2 * t * w)))

    low, high = -len(w) / x, 0.5 / w.max() * (1 - 1e-12)
    t = optimize.brentq(lambda t: mean(t) - x, low, high, xtol=1e-300, rtol=1e-14) if mean(high) > x else high
    cumulants = -0.5 * float(np.sum(np.log1p(-2 * t * w)))
    root = np.sign(t) * np.sqrt(max(2 * (t * x - cumulants), 0.0))
    if abs(root) < MIN_ROOT:
        return float(0.5 - 8 * np.sum(w**3) / (6 * np.sqrt(2 * np.pi) * np.sum(2 * w**2) ** 1.5))
    slope = t * np.sqrt(np.sum(2 * (w / (1 - 2 * t * w)) ** 2))
    return float(np.clip(special.ndtr(-(root + np.log(slope / root) / root)), 0.0, 1.0))
