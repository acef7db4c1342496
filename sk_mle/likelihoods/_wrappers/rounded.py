"""Laws of values that were rounded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...domains import POSITIVE, Domain
from .._fallbacks.algebra import Eval
from .._protocol.base import Likelihood, Observation
from .._protocol.relations import Relations
from .wrapper import Wrapper


class Rounded(Wrapper):
    r"""Any law of values that were recorded to the nearest multiple of a width: heaped ages, measurements to the inch.

    .. math:: P(y) = P(y - \mathrm{width}/2 < Y \le y + \mathrm{width}/2)

    The parameters, the predictions and their distribution are those of the value itself, as in `Censored`, not of its
    rounded record. y is the middle of an interval of this width, and need not be a multiple: ages in completed years are
    ``y + 0.5`` with a width of 1. With a narrow width the log-likelihood is that of the law plus ``log(width)``. The mean is
    the law's, and so is the variance; the variance of the recorded values is larger by about ``width**2 / 12``. scipy.stats:
    ``fit`` with ``CensoredData(interval=...)``; statsmodels: none; R: ``survreg`` with ``Surv(type="interval2")``.

    Parameters
    ----------
    law : Likelihood
    width : float or str
        Distance between neighbouring recorded values, or the name of the column of X that holds it.

    References
    ----------
    Heitjan, D. F. (1989). Inference from grouped continuous data: a review. Statistical Science 4, 164-179.
    doi:10.1214/ss/1177012601

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.likelihoods import Normal
    >>> X, y = [[0]] * 5 + [[1]] * 5, [1, 2, 2, 3, 4, 4, 5, 5, 6, 8]
    >>> model = MLERegressor(Rounded(Normal(), width=1.0)).fit(X, y)
    >>> model.predict_params([[0]])["scale"].round(3)
    array([1.164])
    """

    own = {"width": POSITIVE}
    relations = Relations(is_degenerate=lambda law, y, /, **params: False)

    def __init__(self, law: Any, width: Any) -> None:
        self.law, self.width = law, width

    def check(self) -> None:
        super().check()
        if self.width is None:
            raise ValueError("Rounded needs the width, a number or the name of a column: the width is not estimated")

    @property
    def predictive(self) -> Likelihood:
        return self.law.predictive

    @property
    def support(self) -> Domain:
        """The law's support, wider by half a width if the width is a number."""
        inner = self.law.support
        half = 0.0 if isinstance(self.width, str) else self.width / 2
        closed = bool(np.isfinite(inner.low)), bool(np.isfinite(inner.high))
        return replace(inner, low=inner.low - half, high=inner.high + half, closed=closed, integer=False, atoms=())

    def observed(self, y: np.ndarray, /, **params: np.ndarray) -> Observation:
        """The interval of each value; `params` has the width if a column of X holds it."""
        half = params.get("width", np.nan if isinstance(self.width, str) else self.width) / 2
        return Observation(np.nextafter(y - half, np.inf), y + half, {})

    def inside(self, y: np.ndarray) -> np.ndarray:
        return np.isfinite(y) if isinstance(self.width, str) else self.support.contains(y)

    def loglik(self, y: np.ndarray, /, width: np.ndarray, **params: np.ndarray) -> np.ndarray:
        y = np.asarray(y, float)
        return self.law.log_interval(y - width / 2, y + width / 2, **params)

    def evaluate(self, y: np.ndarray, eta: dict, order: int = 1, information: str = "observed") -> Eval:
        width = eta["width"] if "width" in self.layout.known else self.width
        return self.law.evaluate_interval(y - width / 2, y + width / 2, eta, order)

    def evaluate_interval(self, low: np.ndarray, high: np.ndarray, eta: dict, order: int = 1) -> Eval:
        return self.law.evaluate_interval(low, high, eta, order)

    def log_interval(self, low: np.ndarray, high: np.ndarray, /, width: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return self.law.log_interval(low, high, **params)

    def start(self, y: np.ndarray, sample_weight: np.ndarray) -> dict:
        """The law's own start from y - width / 4 and y + width / 4, so that equal values have a spread."""
        support, quarter = self.law.support, self.width / 4
        values = np.concatenate([y - quarter, y + quarter])
        if support.integer:
            values = np.rint(values)
        keep = support.contains(values)
        values, weight = (values[keep], np.tile(sample_weight, 2)[keep]) if keep.any() else (y, sample_weight)
        return self.law.start(values, weight)

    def expectation(self, width: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return self.law.expectation(**params)

    def variance(self, width: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return self.law.variance(**params)

    def entropy(self, width: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return self.law.entropy(**params)

    def ppf(self, q: np.ndarray, /, width: np.ndarray, **params: np.ndarray) -> np.ndarray:
        return self.law.ppf(q, **params)

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], /, width: np.ndarray, **params: np.ndarray
    ) -> np.ndarray:
        return width * np.rint(self.law.rvs(rng, size, **params) / width)
