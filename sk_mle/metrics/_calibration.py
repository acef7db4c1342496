"""Scores of quantiles and intervals, and the probability integral transform."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from .._predictive.distribution import Distribution
from .._utils.floats import probabilities, probability
from ._rows import atoms, is_lattice, is_untransformed, mean_score, one_row_each, read_target


def pinball_score(
    y: ArrayLike,
    dist: Distribution,
    *,
    quantiles: Any = (0.1, 0.5, 0.9),
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> float | np.ndarray:
    """Pinball loss of predicted quantiles, averaged over levels, in units of y; lower is better.

    Of one level, `sklearn.metrics.mean_pinball_loss(y, dist.ppf(level), alpha=level)`. Over all levels it integrates to half
    the CRPS.

    Parameters
    ----------
    y : array-like of shape (n,)
    dist : Distribution
    quantiles : float or sequence of float
        Levels strictly between 0 and 1.
    sample_weight, per_row
        As in `log_score`.

    Returns
    -------
    float or ndarray of shape (n,)

    References
    ----------
    Koenker, R., Bassett, G. (1978). Regression quantiles. Econometrica 46, 33-50. doi:10.2307/1913643

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> dist = Distribution("normal", {"loc": [0.0, 0.0], "scale": [1.0, 1.0]})
    >>> round(pinball_score([0.0, 1.0], dist, quantiles=0.5), 4)
    0.25
    """
    levels, y = probabilities(quantiles, "quantiles"), read_target(y, dist, "pinball_score")
    dist, values = one_row_each(dist, len(y)), np.zeros(len(y))
    for level in levels:
        gap = y - dist.ppf(np.full(len(y), level))
        values += np.maximum(level * gap, (level - 1) * gap) / len(levels)
    return mean_score(values, sample_weight, per_row, "pinball_score")


def _interval(y: Any, dist: Distribution, coverage: float, score: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """y, the ends of its central interval, and the probability of one tail."""
    coverage = probability(coverage, "coverage")
    y = read_target(y, dist, score)
    return y, *one_row_each(dist, len(y)).interval(coverage), (1 - coverage) / 2


def interval_score(
    y: ArrayLike, dist: Distribution, *, coverage: float = 0.9, sample_weight: ArrayLike | None = None, per_row: bool = False
) -> float | np.ndarray:
    """Width of the central interval, plus a penalty for y outside, in units of y; lower is better.

    `(high - low) + (low - y)+ / tail + (y - high)+ / tail`, tail = (1 - coverage) / 2: Winkler's score.

    Parameters
    ----------
    y : array-like of shape (n,)
    dist : Distribution
    coverage : float, default=0.9
        Probability of the central interval, ``dist.interval(coverage)``.
    sample_weight, per_row
        As in `log_score`.

    Returns
    -------
    float or ndarray of shape (n,)

    References
    ----------
    Winkler, R. L. (1972). A decision-theoretic approach to interval estimation. JASA 67, 187-191.
    doi:10.1080/01621459.1972.10481224

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> dist = Distribution("normal", {"loc": [0.0, 0.0], "scale": [1.0, 1.0]})
    >>> round(interval_score([0.0, 2.0], dist, coverage=0.9), 4)
    6.8412
    """
    y, low, high, tail = _interval(y, dist, coverage, "interval_score")
    values = high - low + (np.maximum(low - y, 0.0) + np.maximum(y - high, 0.0)) / tail
    return mean_score(values, sample_weight, per_row, "interval_score")


def interval_coverage(
    y: ArrayLike, dist: Distribution, *, coverage: float = 0.9, sample_weight: ArrayLike | None = None, per_row: bool = False
) -> float | np.ndarray:
    """Share of y inside the central interval, ends included; the nearer to `coverage` the better, from above or below.

    Not a proper score: an interval can cover well and be useless; see `interval_score`. Of discrete laws it is above the
    nominal value, as their intervals hold more than that.

    Parameters
    ----------
    y : array-like of shape (n,)
    dist : Distribution
    coverage : float, default=0.9
    sample_weight, per_row
        As in `log_score`.

    Returns
    -------
    float or ndarray of shape (n,)

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> dist = Distribution("normal", {"loc": [0.0, 0.0], "scale": [1.0, 1.0]})
    >>> interval_coverage([0.0, 2.0], dist, coverage=0.9)
    0.5
    """
    y, low, high, _ = _interval(y, dist, coverage, "interval_coverage")
    return mean_score((y >= low) & (y <= high), sample_weight, per_row, "interval_coverage")


def pit_bounds(y: ArrayLike, dist: Distribution) -> np.ndarray:
    """P(Y < y) and P(Y <= y) in every row: equal where the law has a density.

    Parameters
    ----------
    y : array-like of shape (n,)
    dist : Distribution

    Returns
    -------
    ndarray of shape (n, 2)

    References
    ----------
    Czado, C., Gneiting, T., Held, L. (2009). Predictive model assessment for count data. Biometrics 65, 1254-1261.
    doi:10.1111/j.1541-0420.2009.01191.x

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> pit_bounds([0, 3], Distribution("poisson", {"mean": [1.0, 2.0]})).round(3)
    array([[0.   , 0.368],
           [0.677, 0.857]])
    """
    y = read_target(y, dist, "pit")
    upper = np.broadcast_to(dist.cdf(y), y.shape)
    if is_lattice(dist):
        lower = np.broadcast_to(dist.cdf(np.ceil(y) - 1), y.shape)
    else:
        at_atom = np.isin(y, atoms(dist))
        mass = 0.0
        if at_atom.any() and is_untransformed(dist):
            mass = np.exp(dist.likelihood.loglik(np.where(at_atom, y, 0.0), **dist.params))
        lower = np.where(at_atom, np.maximum(upper - mass, 0.0), upper)
    return np.stack([lower, upper], axis=1)


def pit(y: ArrayLike, dist: Distribution, *, random_state: int | np.random.RandomState | None = None) -> np.ndarray:
    """Probability integral transform: uniform on (0, 1) if the predictive distributions are right.

    P(Y <= y) of laws with a density. Where y has positive probability, in discrete and mixed laws, a uniform random point
    between P(Y < y) and P(Y <= y).

    Parameters
    ----------
    y : array-like of shape (n,)
    dist : Distribution
    random_state : int, RandomState or None

    Returns
    -------
    ndarray of shape (n,)

    References
    ----------
    Dunn, P. K., Smyth, G. K. (1996). Randomized quantile residuals. Journal of Computational and Graphical Statistics 5,
    236-244. doi:10.1080/10618600.1996.10474708

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> pit([-1.0, 0.0], Distribution("normal", {"loc": [0.0, 0.0], "scale": [1.0, 1.0]})).round(3)
    array([0.159, 0.5  ])
    """
    lower, upper = pit_bounds(y, dist).T
    return lower + check_random_state(random_state).uniform(size=len(lower)) * (upper - lower)
