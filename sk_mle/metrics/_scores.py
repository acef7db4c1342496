"""Scores of predictive distributions: by density, by events and by moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._predictive.distribution import Distribution
from ..likelihoods._functions import n_classes, title
from ._crps import crps
from ._rows import is_lattice, mean_score, read_target


def log_score(
    y: ArrayLike, dist: Distribution, *, sample_weight: ArrayLike | None = None, per_row: bool = False
) -> float | np.ndarray:
    """Mean negative log-likelihood, in nats; lower is better.

    The strictly proper score that maximum likelihood minimises, with all constants, so that laws compare; infinite where y
    was impossible. For a law of classes it is `sklearn.metrics.log_loss`.

    Parameters
    ----------
    y : array-like of shape (n,), or (n, K) for laws of several targets
        Of a classifier, codes 0..K-1.
    dist : Distribution
        Of n rows, or of one for all y.
    sample_weight : array-like of shape (n,), optional
    per_row : bool, default=False
        Return the (n,) values in place of their weighted mean.

    Returns
    -------
    float or ndarray of shape (n,)

    References
    ----------
    Good, I. J. (1952). Rational decisions. JRSS B 14, 107-114. doi:10.1111/j.2517-6161.1952.tb00104.x

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> round(log_score([1, 3], Distribution("poisson", {"mean": [1.0, 2.0]})), 4)
    1.3562
    """
    y = read_target(y, dist, "log_score", several=True)
    return mean_score(-np.atleast_1d(dist.logpdf(y)), sample_weight, per_row, "log_score", infinite=True)


def brier_score(
    y: ArrayLike,
    dist: Distribution,
    *,
    threshold: float | None = None,
    sample_weight: ArrayLike | None = None,
    per_row: bool = False,
) -> float | np.ndarray:
    """Squared error of probabilities; lower is better.

    Of an event, `(P(Y > threshold) - 1{y > threshold})**2`. Without a threshold, of the classes: the sum over classes of
    `(P(Y = k) - 1{y = k})**2`, halved for two classes, as `sklearn.metrics.brier_score_loss` has it.

    Parameters
    ----------
    y : array-like of shape (n,)
        Of a classifier, codes 0..K-1.
    dist : Distribution
    threshold : float, optional
        Defines the event Y > threshold, of any law. Needed unless the law is of classes.
    sample_weight, per_row
        As in `log_score`.

    Returns
    -------
    float or ndarray of shape (n,)

    References
    ----------
    Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly Weather Review 78, 1-3.
    doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> dist = Distribution("poisson", {"mean": [1.0, 2.0]})
    >>> round(brier_score([1, 3], dist, threshold=0), 4)  # the event of any at all
    0.0768
    """
    y = read_target(y, dist, "brier_score")
    if threshold is not None:
        values = (dist.sf(np.full(len(y), float(threshold))) - (y > threshold)) ** 2
        return mean_score(values, sample_weight, per_row, "brier_score")
    if dist.likelihood.target_type != "classes":
        raise ValueError(
            f"brier_score of {title(dist.likelihood)}, which is not of classes, needs the event: threshold=..., for "
            "Y > threshold"
        )
    codes = np.arange(n_classes(dist.likelihood))[:, None]
    values = ((dist.pmf(codes) - (y == codes)) ** 2).sum(axis=0)
    return mean_score(values / 2 if len(codes) == 2 else values, sample_weight, per_row, "brier_score")


def ranked_probability_score(
    y: ArrayLike, dist: Distribution, *, sample_weight: ArrayLike | None = None, per_row: bool = False
) -> float | np.ndarray:
    """Sum over k of `(P(Y <= k) - 1{y <= k})**2`, for counts and ordered classes; lower is better.

    The Brier score of all the events Y <= k together: unlike it and the log score, it rewards probability near y. For counts
    it is the CRPS. Not divided by the number of classes.

    Parameters
    ----------
    y : array-like of shape (n,)
        Whole numbers; of a classifier, codes 0..K-1 in the order of its `ordered_classes_`.
    dist : Distribution
        Of whole numbers.
    sample_weight, per_row
        As in `log_score`.

    Returns
    -------
    float or ndarray of shape (n,)

    References
    ----------
    Epstein, E. S. (1969). A scoring system for probability forecasts of ranked categories. Journal of Applied Meteorology 8,
    985-987. doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> round(ranked_probability_score([1, 3], Distribution("poisson", {"mean": [1.0, 2.0]})), 4)
    0.4383
    """
    y = read_target(y, dist, "ranked_probability_score")
    if not is_lattice(dist):
        raise ValueError("ranked_probability_score is of counts and ordered classes; use crps for laws with a density")
    if (y != np.floor(y)).any():
        raise ValueError("ranked_probability_score: y must hold whole numbers; use crps")
    return crps(y, dist, sample_weight=sample_weight, per_row=per_row)


def dawid_sebastiani_score(
    y: ArrayLike, dist: Distribution, *, sample_weight: ArrayLike | None = None, per_row: bool = False
) -> float | np.ndarray:
    """`((y - mean) / std)**2 + 2 log std`, from the first two moments alone; lower is better.

    Proper; of normal laws twice the log score, less log(2 pi).

    Parameters
    ----------
    y : array-like of shape (n,)
    dist : Distribution
    sample_weight, per_row
        As in `log_score`.

    Returns
    -------
    float or ndarray of shape (n,)

    Raises
    ------
    ValueError
        Where the mean or the variance does not exist, or is infinite.

    References
    ----------
    Dawid, A. P., Sebastiani, P. (1999). Coherent dispersion criteria for optimal experimental design. Annals of Statistics 27,
    65-81. doi:10.1214/aos/1018031101

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> dist = Distribution("normal", {"loc": [0.0, 0.0], "scale": [1.0, 2.0]})
    >>> round(dawid_sebastiani_score([0.0, 1.0], dist), 4)
    0.8181
    """
    y = read_target(y, dist, "dawid_sebastiani_score")
    variance = np.asarray(dist.var())
    with np.errstate(all="ignore"):
        values = np.where((variance > 0) & np.isfinite(variance), (y - dist.mean()) ** 2 / variance + np.log(variance), np.nan)
    return mean_score(values, sample_weight, per_row, "dawid_sebastiani_score")
