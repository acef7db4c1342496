"""Functions of a law of which few laws have a form of their own, beside the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .._fallbacks.facts import resolved
from .._fallbacks.forms import Form
from .._fallbacks.recession import axis_recession_cone

if TYPE_CHECKING:
    from .base import Likelihood


class Between(Protocol):
    """A law given that its values lie between two bounds, in the rows for which it was made."""

    def loglik(self, from_low: np.ndarray, to_high: np.ndarray) -> np.ndarray:
        """The log-density of y at these distances from the bounds, which may determine y only up to rounding."""

    def log_interval(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """log P(start < Y <= end)."""

    def ppf(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The bound that is nearer to the law's mass, and the signed distance of the quantiles from it."""


# `form(low, high, **params) -> Between`: the law given that low < Y <= high, where both bounds lie so far out on one side that
# the density and the probability of the interval cancel digits. By default None: their difference.
between = Form()


cones = Form(axis_recession_cone)


def recession(law: Likelihood, y: np.ndarray, eta: dict, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The recession cone of a sample's log-likelihood in the linear predictor of parameter `name`.

    It has the directions in which the log-likelihood never falls, and serves to diagnose separated data. Returns `cone`
    (n, m, width) and `gain` (n, m): direction d is in the cone of sample i if `cone[i] @ d >= 0`; along constraint m the
    log-likelihood can still rise by `gain[i, m]`; if that is infinite, `cone[i, m] @ d` must be 0. A `cone` wider than
    the linear predictor has further columns for constants that all samples share. By default each entry of the linear
    predictor moves alone, and its limits are found by growing steps.
    """
    law = resolved(law)
    form: Any = cones.of(law)
    return form(law, y, eta, name)


def by_class(law: Likelihood, eta: dict, n_classes: int, scale: str) -> np.ndarray:
    """The default of `class_masses`: one class at a time."""
    n = len(next(iter(eta.values())))
    log = np.stack([law.evaluate(np.full(n, float(k)), eta, 0).loglik for k in range(n_classes)], axis=1)
    return np.exp(log) if scale == "probability" else log


masses = Form(by_class)


def class_masses(law: Likelihood, eta: dict, n_classes: int, scale: str = "log") -> np.ndarray:
    """Probabilities of the class codes 0..K-1, for laws of classes: (n, K).

    Parameters
    ----------
    law : Likelihood
    eta : dict of str to ndarray
        Linear predictor of every free parameter.
    n_classes : int
    scale : {"log", "probability", "score"}
        "score": log probabilities up to a constant per row, if that is cheaper.
    """
    law = resolved(law)
    form: Any = masses.of(law)
    return form(law, eta, n_classes, scale)
