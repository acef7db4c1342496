"""Scores of durations of which some are not over: order of predictions, and squared errors weighted for censoring.

A row that is censored before a time says nothing of it. Where censoring does not depend on the duration, the rows that were
seen stand for it too if they are weighted by one over the probability of not having been censored, from the Kaplan-Meier
estimate G of the times of censoring (Graf et al. 1999).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._model.validation import check_weight
from .._predictive.distribution import Distribution
from .._utils.floats import numbers
from .._utils.kaplan_meier import KaplanMeier, kaplan_meier
from .._utils.messages import rows_text
from ._integration import integrate
from ._rows import (
    MAX_SUMMED_TERMS,
    atoms,
    check_dist,
    check_single_target,
    is_lattice,
    is_untransformed,
    mean_score,
    one_row_each,
    quantiles,
    summation_range,
)
from ._step_integrals import Steps, integrate_steps

PAIRS_PER_BLOCK = 1 << 22
VALUES_PER_BLOCK = 1 << 21
N_TIMES = 100  # of an integral over times that are not given
ROWS_PER_BLOCK = 1 << 14  # that are integrated at a time
LAST_QUANTILE = 0.9  # of the times, up to which scores look by default: later, few rows carry large weights


def read_times(y: ArrayLike, score: str) -> tuple[np.ndarray, np.ndarray]:
    """Times (n,) and whether they are events (n,), of a y as `censored` returns it, or of times that are all events."""
    if isinstance(y, Distribution):
        raise TypeError(f"{score}: takes y first, then its predictive distribution")
    ends = numbers(y, "y")
    if ends.ndim == 1:
        ends = np.column_stack([ends, ends])
    if ends.ndim != 2 or ends.shape[1] != 2:
        raise ValueError(f"{score}: y has shape {ends.shape}, but must be as sk_mle.censored(time, event) returns it, (n, 2)")
    event = ends[:, 0] == ends[:, 1]
    other = np.flatnonzero(~event & np.isfinite(ends[:, 1]) | ~np.isfinite(ends[:, 0]))
    if len(other):
        raise ValueError(
            f"{score}: takes events and times of right censoring, but {rows_text(other)} of y is known up to an interval; such "
            "values have a log score only, -score_samples(X, y)"
        )
    return ends[:, 0], event


def concordance_index(y: ArrayLike, dist: Distribution, *, sample_weight: ArrayLike | None = None) -> float:
    """The share of pairs of rows whose order the predicted medians have right: Harrell's C.

    A pair can be judged where the shorter time is an event, and the other row is longer, or censored at that time. Equal
    predictions count one half. 0.5 is chance, 1 the right order throughout; it says nothing of the size of errors.

    Parameters
    ----------
    y : array-like of shape (n, 2), or (n,) without censoring
        As `sk_mle.censored` returns it.
    dist : Distribution
        Of n rows.
    sample_weight : array-like of shape (n,), optional
        A pair counts with the product of its weights.

    Returns
    -------
    float

    References
    ----------
    Harrell, Lee and Mark (1996), doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import Distribution, censored
    >>> from sk_mle.metrics import concordance_index
    >>> dist = Distribution("exponential", {"mean": np.array([1.0, 2.0, 3.0, 4.0])})
    >>> concordance_index(censored([1.0, 3.0, 2.0, 5.0], [True, True, True, False]), dist)
    0.8333333333333334
    """
    time, event = read_times(y, "concordance_index")
    predicted = np.asarray(_rows(dist, len(time), "concordance_index").median(), dtype=float)
    weight = check_weight(sample_weight, len(time))
    right = total = 0.0
    events = np.flatnonzero(event & (weight > 0))
    step = max(PAIRS_PER_BLOCK // max(len(time), 1), 1)
    for first in range(0, len(events), step):
        rows = events[first : first + step, None]
        later = (time > time[rows]) | ((time == time[rows]) & ~event)
        pairs = later * weight[rows] * weight
        right += float((pairs * ((predicted > predicted[rows]) + 0.5 * (predicted == predicted[rows]))).sum())
        total += float(pairs.sum())
    if not total:
        raise ValueError(
            "concordance_index: no pair of rows can be judged: every time is censored, or all events are at one time"
        )
    return right / total


def integrated_brier_score(
    y: ArrayLike,
    dist: Distribution,
    *,
    times: ArrayLike | None = None,
    censoring: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    per_time: bool = False,
) -> float | np.ndarray:
    r"""The squared error of the predicted probability to last longer than t, averaged over times, weighted for censoring.

    .. math:: B(t) = \frac1n \sum_i \frac{S_i(t)^2\, 1(t_i \le t, \text{event})}{G(t_i-)}
        + \frac{(1 - S_i(t))^2\, 1(t_i > t)}{G(t)}

    Smaller is better; a prediction of one half everywhere has 0.25. The weights assume that censoring does not depend on the
    duration, nor on X.

    Parameters
    ----------
    y : array-like of shape (n, 2), or (n,) without censoring
        As `sk_mle.censored` returns it.
    dist : Distribution
        Of n rows.
    times : array-like of shape (m,), optional
        Increasing. Default: 100 from the shortest to the 90% quantile of the times; beyond, few rows carry large weights.
    censoring : array-like of shape (k, 2), optional
        The y from which G is estimated, such as that of the training data; by default `y`.
    sample_weight : array-like of shape (n,), optional
    per_time : bool
        Whether B(t) of every time is returned rather than its mean over time (by the trapezoidal rule).

    Returns
    -------
    float or ndarray of shape (m,)

    References
    ----------
    Graf, Schmoor, Sauerbrei and Schumacher (1999), Statistics in Medicine 18, 2529-2545. scikit-survival:
    ``integrated_brier_score``; R: ``pec``.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import Distribution, censored
    >>> from sk_mle.likelihoods import Exponential
    >>> from sk_mle.metrics import integrated_brier_score
    >>> y = censored([1.0, 2.0, 3.0, 4.0], event=[True, True, False, True])
    >>> near, far = (Distribution(Exponential(), {"mean": np.full(4, mean)}) for mean in (3.3, 33.0))
    >>> bool(integrated_brier_score(y, near) < integrated_brier_score(y, far))  # 10 lived for 3 deaths: 3.3
    True
    """
    name = "integrated_brier_score"
    time, event = read_times(y, name)
    dist, weight = _rows(dist, len(time), name), check_weight(sample_weight, len(time))
    t = np.linspace(time.min(), np.quantile(time, LAST_QUANTILE), N_TIMES) if times is None else np.asarray(times, dtype=float)
    if t.ndim != 1 or not len(t) or not (np.diff(t) > 0).all():
        raise ValueError(f"{name}: times must be increasing numbers, got {times!r}")
    brier = _brier(t, time, event, dist, weight, _censoring(time, event, censoring, weight, t[-1], name))
    if per_time:
        return brier
    if len(t) < 2:
        raise ValueError(f"{name}: a mean over time needs two times at least; of one, pass per_time=True")
    return float(np.trapezoid(brier, t) / (t[-1] - t[0]))


def censored_crps(
    y: ArrayLike,
    dist: Distribution,
    *,
    horizon: float | None = None,
    censoring: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""Continuous ranked probability score of durations up to a horizon, weighted for censoring: :math:`\int B(t)\,dt`.

    B is that of `integrated_brier_score`. Without censoring, and with a horizon beyond all that is predicted, it is `crps`.

    Parameters
    ----------
    y : array-like of shape (n, 2), or (n,) without censoring
    dist : Distribution
        Of n rows.
    horizon : float, optional
        What happens later does not count. Default: the 90% quantile of the times.
    censoring : array-like of shape (k, 2), optional
        The y from which the weights are estimated; by default `y`.
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import Distribution, censored
    >>> from sk_mle.likelihoods import Exponential
    >>> from sk_mle.metrics import censored_crps
    >>> y = censored([1.0, 2.0, 3.0, 4.0], event=[True, True, False, True])
    >>> near, far = (Distribution(Exponential(), {"mean": np.full(4, mean)}) for mean in (3.3, 33.0))
    >>> bool(censored_crps(y, near) < censored_crps(y, far))  # 10 lived for 3 deaths: 3.3
    True
    """
    time, event = read_times(y, "censored_crps")
    dist, weight = _rows(dist, len(time), "censored_crps"), check_weight(sample_weight, len(time))
    end = float(np.quantile(time, LAST_QUANTILE)) if horizon is None else float(horizon)
    if horizon is not None and not min(time.min(), 0.0) < end < np.inf:
        first = f"{min(time.min(), 0.0):g}" + (", the first time" if time.min() < 0 else "")
        raise ValueError(f"censored_crps: horizon must be a finite number above {first}, got {horizon!r}")
    estimate = _censoring(time, event, censoring, weight, end, "censored_crps")
    of_event, stop = np.zeros(len(time)), np.minimum(time, end)
    observed_before_end = event & (time < end)
    of_event[observed_before_end] = 1 / estimate.at(time[observed_before_end], before=True)
    total = (_sum_of_cells if is_lattice(dist) else _integral)(dist, stop, of_event, end, estimate)
    return float(mean_score(total, sample_weight, False, "censored_crps"))


def _valid(dist: Distribution, values: np.ndarray) -> np.ndarray:
    """Probabilities of a distribution, 0 where a transformed target does not reach a time."""
    return values if is_untransformed(dist) else np.nan_to_num(values, nan=0.0)


def _integral(dist: Distribution, stop: np.ndarray, of_event: np.ndarray, end: float, estimate: KaplanMeier) -> np.ndarray:
    """Integrals (n,) of cdf^2 / G up to `stop` (n,), and from there to `end` of sf^2 times `of_event` (n,)."""
    jumps = estimate.jumps()
    first = float(jumps.min(initial=end))
    edges = np.concatenate([[first], jumps[(jumps > first) & (jumps < end)]])
    steps = Steps(edges, 1 / estimate.at(edges))
    total = np.empty(len(stop))
    for begin in range(0, len(stop), ROWS_PER_BLOCK):
        block = np.arange(begin, min(begin + ROWS_PER_BLOCK, len(stop)))
        part, last, share = dist[block], stop[block], of_event[block]
        low, middle, high = quantiles(part, (0.25, 0.5, 0.75))
        size = np.maximum(np.abs(last - middle), 0.2 * (high - low))
        size = np.where(size > 0, size, 1.0)

        def outside(
            t: np.ndarray, rows: np.ndarray, part: Distribution = part, last: np.ndarray = last, share: np.ndarray = share
        ) -> np.ndarray:
            """The integrand at t (m, rows) before the first jump and after `last`; a piece lies on one side of these."""
            value, before = np.zeros(t.shape), t[0] < last[rows]
            early = before & (t[0] < first)
            value[:, early] = part[rows[early]].cdf(t[:, early]) ** 2
            after = ~before & (share[rows] > 0)
            value[:, after] = part[rows[after]].sf(t[:, after]) ** 2 * share[rows[after]]
            return _valid(dist, np.where(t < end, value, 0.0))

        def before(t: np.ndarray, rows: np.ndarray, part: Distribution = part) -> np.ndarray:
            return _valid(dist, part[rows].cdf(t)) ** 2

        cuts = [last, end, np.minimum(first, last), *atoms(dist)]
        total[block] = integrate(outside, part, cuts, size) + integrate_steps(before, steps, last, size)
    return total


def _sum_of_cells(dist: Distribution, stop: np.ndarray, of_event: np.ndarray, end: float, estimate: KaplanMeier) -> np.ndarray:
    """The same of a law of whole numbers, whose functions are level between these, the times and the jumps of G."""
    low, high = (np.asarray(values, dtype=float) for values in summation_range(dist))
    first, total = float(min(low.min(), stop.min())), np.zeros(len(stop))
    last = float(np.ceil(min(high.max() + 1, end)))
    if last - first > MAX_SUMMED_TERMS:
        raise ValueError(
            f"censored_crps: more than {MAX_SUMMED_TERMS} whole numbers lie below the horizon; give a nearer horizon, or "
            "times in a larger unit"
        )
    whole = np.arange(np.floor(first), last + 1)
    cuts = np.unique(np.clip(np.concatenate([whole, stop, estimate.jumps(), [end]]), None, end))
    for t, height, width in zip(cuts[:-1], 1 / estimate.at(cuts[:-1]), np.diff(cuts), strict=True):
        total += width * np.where(t < stop, dist.cdf(t) ** 2 * height, dist.sf(t) ** 2 * of_event)
    return total


def _rows(dist: Distribution, n: int, score: str) -> Distribution:
    check_dist(dist)
    check_single_target(dist, score)
    if dist.shape and len(dist) != n:
        raise ValueError(f"{score}: y has {n} rows, but dist has {len(dist)}")
    return one_row_each(dist, n)


def _censoring(
    time: np.ndarray, event: np.ndarray, given: Any, weight: np.ndarray | None, last: float, score: str
) -> KaplanMeier:
    """The estimate of the distribution of times of censoring; ValueError where nothing is left at the last time."""
    if given is not None:
        time, event = read_times(given, score)
        weight = None
    estimate = kaplan_meier(time, event, weight, censoring=True)
    if not estimate.at(np.array([last]), before=True)[0] > 0:
        raise ValueError(
            f"{score}: every row is censored or over before {last:g}, so nothing is known of later times; end at or before "
            f"{estimate.times[estimate.survival > 0].max(initial=0.0):g}"
        )
    return estimate


def _brier(
    t: np.ndarray, time: np.ndarray, event: np.ndarray, dist: Distribution, weight: np.ndarray, censoring: KaplanMeier
) -> np.ndarray:
    """B at every time (m,)."""
    result, step = np.empty(len(t)), max(VALUES_PER_BLOCK // len(time), 1)
    with np.errstate(divide="ignore"):
        of_event = np.where(event, weight / censoring.at(time, before=True), 0.0)
    for first in range(0, len(t), step):
        now = t[first : first + step, None]
        survival = dist.sf(now)
        still = np.maximum(censoring.at(now), np.finfo(float).tiny)
        over = np.where(time <= now, survival**2 * of_event, (1 - survival) ** 2 * weight / still)
        result[first : first + step] = over.sum(axis=1)
    return result / weight.sum()
