"""Laws of censored values, and the function that makes censored targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import CensoredData
from sklearn.utils.validation import column_or_1d

from ..._utils.floats import check_numeric, check_unmasked, floats
from ..._utils.messages import is_part, rows_text, warn_caller
from .._fallbacks.algebra import Eval, scatter, select_rows
from .._fallbacks.extrapolation import without_nan
from .._fallbacks.starting_values import best_candidate
from .._protocol.base import Likelihood, Observation
from .._protocol.relations import Relations, is_degenerate, may_be_degenerate
from .wrapper import Wrapper

MIN_SHARE_OF_BOUNDS = 0.5  # share of one-sided bounds among the values from which several starts are tried
ROWS_TRIED = 50  # events, and others, by which multiples of a parameter next to an end of the law inside are compared
# Of the standard exponential law: assumed distances of values beyond their bounds, in standard deviations of y.
EXPONENTIAL_QUANTILES = -np.log1p(-(np.arange(3) + 0.5) / 3)


def _near_ends(law: Censored, y: np.ndarray, sample_weight: np.ndarray, distance: float, **params: np.ndarray) -> list:
    """Those of the law inside, for which a value lies at its bound, or at the outermost event where the bound is beyond it.

    A bound beyond all events says nothing of a law whose edge is at the outermost of them. Bounds make values seem closer than
    they are, so that other positive parameters are those of a few that are likeliest.
    """
    low, high = y.T
    is_event = low == high
    near_ends = law.law.relations.near_ends
    if not is_event.any() or near_ends is None:
        return []
    first, last = low[is_event].min(), low[is_event].max()
    bounds = np.where(np.isinf(high), np.maximum(low, first), np.where(np.isinf(low), np.minimum(high, last), (low + high) / 2))
    ends = near_ends(law.law, bounds, sample_weight, distance, **params)
    return [(name, edge, _likeliest(law, y, sample_weight, params, name, at)) for name, edge, at in ends]


def _likeliest(law: Censored, y: np.ndarray, sample_weight: np.ndarray, params: dict, name: str, at: dict) -> dict:
    """The values `at` next to an end of a parameter, with multiples of other positive parameters that suit some rows best."""
    is_event, rows, weight = y[:, 0] == y[:, 1], [], []
    for index in (np.flatnonzero(is_event), np.flatnonzero(~is_event)):
        stride = max(len(index) // ROWS_TRIED, 1)
        rows.append(index[::stride])
        weight.append(sample_weight[rows[-1]] * stride)
    of_rows, weights = np.concatenate(rows), np.concatenate(weight)
    doublings = float(np.log2(weights.sum() / weight[0].sum()))
    if doublings < 1:  # few bounds hardly matter
        return at
    factors = np.exp2(np.linspace(-doublings, doublings, 1 + 4 * int(np.ceil(doublings))))
    others = [other for other in law.layout.free[1:] if other in at and law.layout[other].domain.low == 0]
    for other in [other for other in others if other != name]:
        tried = [{**params, **at, other: at[other] * factor} for factor in factors]
        values = []
        for one in tried:
            with np.errstate(all="ignore"):
                loglik = law.loglik(y[of_rows], **{key: np.broadcast_to(v, is_event.shape)[of_rows] for key, v in one.items()})
            values.append(np.nan_to_num(loglik @ weights, nan=-np.inf))
        at = {**at, other: tried[int(np.argmax(values))][other]}
    return at


class Censored(Wrapper):
    r"""Any law, for values of which some are known only to lie in an interval: durations, detection limits, ratings.

    .. math:: \log P(\mathrm{low} \le Y \le \mathrm{high}), \quad \text{or}\ \log p(y)\ \text{where low = high = y}

    y has two columns, the ends of the interval: equal for a value that was observed, the upper end infinite for one known to
    exceed the lower (right-censored), the lower end minus infinity for one known to lie below the upper (left-censored).
    `sk_mle.censored` makes them from times and events. One column means that all were observed; `scipy.stats.CensoredData`
    and the structured arrays of scikit-survival are accepted as well. Predictions are of the value itself, not of its
    censored record. Intervals of counts include both ends. statsmodels: ``SurvfuncRight`` has no regression;
    lifelines: ``WeibullAFTFitter``; R: ``survreg``, ``crch``, ``flexsurvreg``; scipy.stats: ``fit`` with ``CensoredData``.

    Parameters
    ----------
    law : Likelihood

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor, censored
    >>> from sk_mle.likelihoods import Normal
    >>> y = censored([1.0, 2.0, 3.5, 3.5], event=[True, True, True, False])
    >>> MLERegressor(Censored(Normal())).fit([[0], [1], [2], [3]], y).predict([[3]]).round(2)
    array([4.67])
    """

    def __init__(self, law: Any) -> None:
        self.law = law

    @property
    def predictive(self) -> Likelihood:
        return self.law.predictive

    def read(self, y: Any) -> np.ndarray:
        if isinstance(y, CensoredData):
            y = _from_scipy(y)
        names = getattr(getattr(y, "dtype", None), "names", None)
        if names:
            y = _from_fields(y, names)
        y = np.asarray(y)
        if y.ndim == 1 or y.shape[1:] == (1,):
            y = check_numeric(column_or_1d(y, warn=True))
            return np.column_stack([y, y])
        if y.ndim != 2 or y.shape[1] != 2:
            raise ValueError(
                f"y of Censored has two columns, the ends of an interval (see sk_mle.censored); got shape {y.shape}"
            )
        y = check_numeric(y, infinite=True)
        bad = np.flatnonzero((y[:, 0] > y[:, 1]) | (np.isinf(y[:, 0]) & (y[:, 0] == y[:, 1])))
        if len(bad):
            raise ValueError(
                f"y: the lower end must not exceed the upper one, but does in {rows_text(bad)}. The columns of y are the ends "
                "of an interval; times and events become these by sk_mle.censored(time, event)"
            )
        _warn_of_events(y)
        return y

    def bind(self, y: np.ndarray, /, **known: np.ndarray) -> Likelihood:
        if y.ndim == 2 and len(y):
            low, high = y.T
            below, above = low <= self.law.support.low, high >= self.law.support.high
            for side, other in ((below, above), (above, below)):
                if side.all() and not other.all() and not (low == high).any() and not is_part():
                    raise ValueError(
                        "no row of y is an event: every row is censored on the same side, so the likelihood has no maximum; at "
                        "least one row must be observed, or bounded on the other side. Is event= the wrong way round?"
                    )
        return super().bind(y, **known)

    def inside(self, y: np.ndarray) -> np.ndarray:
        support, (low, high) = self.law.support, y.T
        starts, ends = (support.integer or end in self.law.support.atoms for end in (support.low, support.high))
        above = (high >= support.low) if starts else (high > support.low)
        below = (low <= support.high) if ends else (low < support.high)
        vacuous = (np.isposinf(high) & (low < support.low)) | (np.isneginf(low) & (high > support.high))
        vacuous &= np.isfinite(low) | np.isfinite(high)  # a bound that no value could miss is a wrong one
        return np.where(low == high, support.contains(low), above & below & ~vacuous)

    def observed(self, y: np.ndarray, /, **params: np.ndarray) -> Observation:
        return Observation(y[:, 0], y[:, 1], {})

    @property
    def relations(self) -> Relations:
        """The law inside is asked at the observed values whether it is degenerate; it has the same ends."""

        def of_observed(law: Censored, y: np.ndarray, /, **params: np.ndarray) -> bool:
            rows = y[:, 0] == y[:, 1]
            at = {name: v[rows] if np.ndim(v) else v for name, v in params.items()}
            return bool(rows.any()) and is_degenerate(law.law, y[rows, 0], at)

        inner = self.law.relations
        return Relations(
            is_degenerate=of_observed if may_be_degenerate(self.law) else None,
            ends=inner.ends,
            near_ends=_near_ends if inner.near_ends else None,
        )

    def _open_end(self, low: np.ndarray) -> np.ndarray:
        """The lower end of the interval that is open below and includes `low`, as the protocol's intervals are open there."""
        support = self.law.support
        if support.integer:
            return np.ceil(low) - 1
        return np.where(np.isin(low, support.atoms), np.nextafter(low, -np.inf), low) if support.atoms else low

    def loglik(self, y: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        low, high = np.moveaxis(np.asarray(y, float), -1, 0)
        exact = low == high
        at = np.where(exact, low, self.law.support.typical[0])
        return np.where(exact, self.law.loglik(at, **params), self.law.log_interval(self._open_end(low), high, **params))

    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        return without_nan(self, y, eta, self._evaluate(y, eta, order, information), self._evaluate)

    def _evaluate(self, y: np.ndarray, eta: dict, order: int, information: str) -> Eval:
        low, high = np.ascontiguousarray(y.T)
        exact, parts = low == high, []
        if exact.any():
            (y_exact,) = _take(exact, low)
            parts.append((exact, self.law.evaluate(y_exact, select_rows(eta, exact), order, information)))
        if not exact.all():
            from_low, to_high = _take(~exact, self._open_end(low), high)
            parts.append((~exact, self.law.evaluate_interval(from_low, to_high, select_rows(eta, ~exact), order)))
        return parts[0][1] if len(parts) == 1 else scatter(len(y), parts)

    def evaluate_interval(self, low: np.ndarray, high: np.ndarray, eta: dict, order: int = 1) -> Eval:
        return self.law.evaluate_interval(low, high, eta, order)

    def log_interval(self, low: np.ndarray, high: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        return self.law.log_interval(low, high, **params)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        """The law's own start from the middles of the intervals, or from their finite ends.

        If most values are such bounds, starts from the exact values alone and from values beyond the bounds are tried too.
        """
        low, high = y.T
        support = self.law.support
        low, high = (np.where(support.contains(end), end, np.nan) for end in (low, high))
        middle = np.where(np.isnan(low), high, np.where(np.isnan(high), low, (low + high) / 2))
        keep = np.isfinite(middle)
        if not keep.any():
            raise ValueError(
                "every row of y is censored without a finite end inside the support: nothing is known of the values; at least "
                "one row needs a finite end"
            )
        middle, sides, weight = middle[keep], np.isnan(high[keep]) * 1.0 - np.isnan(low[keep]), sample_weight[keep]
        samples, bound = [(middle, weight)], sides != 0
        if weight[bound].sum() > MIN_SHARE_OF_BOUNDS * weight.sum():
            centre = np.average(middle, weights=weight)
            spread = np.sqrt(np.average((middle - centre) ** 2, weights=weight))
            beyond = (middle[bound] + np.outer(EXPONENTIAL_QUANTILES, spread * sides[bound])).ravel()
            beyond = np.where(support.contains(beyond), beyond, np.tile(middle[bound], len(EXPONENTIAL_QUANTILES)))
            shares = np.tile(weight[bound] / len(EXPONENTIAL_QUANTILES), len(EXPONENTIAL_QUANTILES))
            exact = middle[~bound], weight[~bound]
            samples += [(np.r_[exact[0], beyond], np.r_[exact[1], shares])] + [exact] * bool(len(exact[0]))
        candidates = [self.law.start(np.rint(values) if support.integer else values, share) for values, share in samples]
        return best_candidate(self, candidates, y, sample_weight)

    def ppf(self, q: np.ndarray, /, **params: np.ndarray) -> np.ndarray:
        return self.law.ppf(q, **params)

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...], /, **params: np.ndarray) -> np.ndarray:
        """Intervals that hold random values: below, inside or above a window; half of those inside stay exact.

        The ends of windows are drawn from the values. Windows are open below and closed above; recorded intervals include both
        ends.
        """
        values = self.law.rvs(rng, size, **params)
        return self._recorded(rng, values.ravel()).reshape(*values.shape, 2)

    def _recorded(self, rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
        ends = np.sort([rng.permutation(y), rng.permutation(y)], axis=0)
        low, high = np.where(y <= ends[0], -np.inf, ends[0]), np.where(y <= ends[0], ends[0], ends[1])
        low, high = np.where(y > ends[1], ends[1], low), np.where(y > ends[1], np.inf, high)
        exact = (rng.uniform(size=len(y)) < 0.5) & (y > ends[0]) & (y <= ends[1])
        support = self.law.support
        low = low + 1 if support.integer else np.where(np.isin(low, support.atoms), np.nextafter(low, np.inf), low)
        return np.column_stack([np.where(exact, y, low), np.where(exact, y, high)])


def _take(mask: np.ndarray, *values: Any) -> tuple:
    index = np.flatnonzero(mask)  # faster than the mask itself
    return tuple(value[index] for value in values)


def censored(time: Any, event: Any = None, *, kind: Any = "right", upper: Any = None) -> np.ndarray:
    """The target of a `Censored` likelihood: the ends of the interval that is known to hold each value.

    Parameters
    ----------
    time : array-like of shape (n,)
        The value where it was observed; otherwise the bound that is known.
    event : array-like of bool of shape (n,), optional
        True where the value was observed. Default: everywhere.
    kind : {"right", "left", "interval"} or array-like of these
        Of values that were not observed: "right", the value exceeds `time`; "left", it lies below `time`; "interval", it lies
        between `time` and `upper`.
    upper : array-like of shape (n,), optional
        Upper end, for "interval".

    Returns
    -------
    ndarray of shape (n, 2)

    Raises
    ------
    ValueError
        For an unknown kind, and for an event that is neither true nor false.

    Examples
    --------
    >>> censored([5.0, 8.0], event=[True, False])
    array([[ 5.,  5.],
           [ 8., inf]])
    """
    time = floats(time, "time")
    if time.ndim != 1:
        raise ValueError(
            f"time has shape {time.shape}, but must be (n,): times and events are two arguments, censored(time, event)"
        )
    check_unmasked(event, "event")
    observed = np.ones(time.shape, bool) if event is None else np.asarray(event)
    if observed.dtype != bool:
        if not np.isin(observed, (0, 1)).all():
            raise ValueError(
                "event must be true (observed) or false (censored) in every row; the order is censored(time, event)"
            )
        observed = observed.astype(bool)
    if np.shape(kind) not in ((), time.shape):
        raise ValueError(f"kind must be one word, or one per time, of shape {time.shape}; got shape {np.shape(kind)}")
    kinds = np.broadcast_to(np.asarray(kind), time.shape)
    unknown = sorted(set(kinds.tolist()) - {"right", "left", "interval"})
    if unknown:
        raise ValueError(f"kind must be 'right', 'left' or 'interval', got {unknown[0]!r}")
    if (needed := (kinds == "interval") & ~observed).any() and upper is None:
        raise ValueError(f"kind='interval' needs upper, the other end, in {rows_text(np.flatnonzero(needed))}")
    low = np.where(observed | (kinds != "left"), time, -np.inf)
    high = np.where(observed | (kinds == "left"), time, np.inf)
    return np.stack([low, high if upper is None else np.where(needed, floats(upper, "upper"), high)], axis=-1)


def _from_scipy(data: Any) -> np.ndarray:
    """The target (n, 2) of a CensoredData: observed, left-, right- and interval-censored rows, in this order."""
    parts = [
        censored(data._uncensored),
        censored(data._left, event=np.zeros(len(data._left), bool), kind="left"),
        censored(data._right, event=np.zeros(len(data._right), bool)),
        np.reshape(data._interval, (-1, 2)),
    ]
    return np.concatenate(parts)


def _warn_of_events(y: np.ndarray) -> None:
    """Warn if a column of what is read as ends of intervals looks like indicators of events."""
    for number, (column, other) in enumerate(((y[:, 0], y[:, 1]), (y[:, 1], y[:, 0]))):
        if (column[0] in (0, 1)) and ((column == 0) | (column == 1)).all() and 0 < column.mean() < 1 and len(set(other)) > 2:
            warn_caller(
                f"column {number} of y holds zeros and ones only, and is read as the {('lower', 'upper')[number]} end of "
                "intervals. If it says which times are events, pass sk_mle.censored(time, event) as y",
                UserWarning,
            )


def _from_fields(y: Any, names: Any) -> np.ndarray:
    """The target (n, 2) of a structured array of scikit-survival: one boolean field, the event, and one of times."""
    events = [name for name in names if y.dtype[name].kind == "b"]
    times = [name for name in names if name not in events]
    if len(events) != 1 or len(times) != 1:
        raise ValueError(f"a structured y has one boolean field, the event, and one of times; got the fields {list(names)}")
    return censored(y[times[0]], event=y[events[0]])
