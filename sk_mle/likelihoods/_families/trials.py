"""Base class of laws of successes in a number of trials, and log-masses in which nothing large cancels."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import clone

from ..._special.elementwise import elementwise
from ..._special.gamma_functions import log1p_minus_over, log_ratio
from ..._special.logarithms import log_factorial_remainder
from ..._special.rising import rising_factorial_remainder_in_log
from ..._utils.floats import check_numeric
from ..._utils.messages import rows_text
from ...domains import COUNT, Domain
from .._fallbacks.facts import takes_parameters
from .._protocol.base import Likelihood, Observation
from .._protocol.parameter import Parameter
from .._protocol.relations import Relations

TRIALS = Domain(low=0.0, closed=(True, False), integer=True, typical=(1, 20))


class Trials(Likelihood):
    """A law of y successes in `trials` trials: a number, a column of X, or, if `trials` is None, the second column of y.

    A subclass names its `own` parameters beside the trials.
    """

    relations = Relations(
        advice={
            "outside": "successes lie between 0 and trials: give more trials, or take a law of counts without an end, such as "
            "Poisson()"
        }
    )
    own: ClassVar[dict[str, Domain | Parameter]]
    trials: float | str | None

    @property
    def parameters(self) -> dict[str, Domain | Parameter]:
        return self.own if self.trials is None else {**self.own, "trials": TRIALS}

    @property
    def support(self) -> Domain:
        if self.trials is None or isinstance(self.trials, str):
            return COUNT
        return replace(COUNT, high=self.trials, closed=(True, True), typical=(0, min(self.trials, COUNT.typical[1])))

    @property
    def predictive(self) -> Likelihood:
        return clone(self).set_params(trials=1) if self.trials is None else self

    def check(self) -> None:
        super().check()
        n = self.layout.fixed.get("trials", 1)
        if not (n > 0 and n == np.floor(n)):
            raise ValueError(f"{type(self).__name__}(trials={n!r}): give a whole number of at least one trial")

    def read(self, y: Any) -> np.ndarray:
        y = np.asarray(y)
        law, two = type(self).__name__, y.ndim == 2 and y.shape[1] == 2
        if self.trials is not None:
            if two:
                raise ValueError(
                    f"y has two columns, but {law}(trials={self.trials!r}) has the trials already: give the successes alone, "
                    "or leave trials at None for a y of successes and trials"
                )
            return super().read(y)
        if not two:
            raise ValueError(
                f"y of {law}() has two columns, successes and trials, but has shape {y.shape}; if it holds the successes "
                f"alone, say how many trials there were: {law}(trials=10), or {law}(trials='n') for a column 'n' of X"
            )
        y = check_numeric(y)
        self._check_successes(y[:, 0], y[:, 1], " (trials, not failures, are the second column)")
        return y

    def inside(self, y: np.ndarray) -> np.ndarray:
        return super().inside(y) if y.ndim == 1 else (y[:, 0] >= 0) & (y[:, 0] <= y[:, 1])

    def bind(self, y: np.ndarray, /, **known: np.ndarray) -> Likelihood:
        if "trials" in known and y.ndim == 1:  # not the ends of intervals
            self._check_successes(y, known["trials"])
        return super().bind(y, **known)

    @staticmethod
    def _check_successes(y: np.ndarray, trials: np.ndarray, hint: str = "") -> None:
        bad = np.flatnonzero(~((y >= 0) & (y <= trials)))
        if len(bad):
            first = f"{y[bad[0]]:g} of {trials[bad[0]]:g}"
            raise ValueError(f"successes must lie between 0 and trials, but do not in {rows_text(bad)}, first {first}{hint}")

    def split(self, y: np.ndarray, trials: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Successes and trials; y has both if `trials` is None."""
        return (y, trials) if trials is not None else (y[..., 0], y[..., 1])

    def counts(self, y: np.ndarray, eta: dict) -> tuple[np.ndarray, np.ndarray]:
        """Successes and trials, the latter from `eta` if they are known."""
        return self.split(y, {**self.layout.fixed, **eta}.get("trials"))

    def share(self, y: np.ndarray, sample_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Successes, trials and the share of successes among all trials, kept inside (0, 1)."""
        y, n = self.split(y, self.layout.fixed.get("trials"))
        n = np.broadcast_to(np.asarray(n, float), y.shape)
        total = np.dot(sample_weight, n)
        if total == 0:
            raise ValueError("trials is zero in every row; nothing is left to fit")
        return y, n, float(np.clip(np.dot(sample_weight, y) / total, 1e-6, 1 - 1e-6))

    def observed(self, y: np.ndarray, /, **params: np.ndarray) -> Observation:
        return Observation(y[:, 0], y[:, 0], {"trials": y[:, 1]}) if self.trials is None else super().observed(y, **params)

    def rvs(
        self, rng: np.random.Generator, size: int | tuple[int, ...], /, trials: np.ndarray | None = None, **params: np.ndarray
    ) -> np.ndarray:
        """Random successes; if the trials are part of y, also random trials from 1 to 20, as a second column."""
        n = rng.integers(1, 21, size) if trials is None else np.broadcast_to(np.asarray(trials, int), size)
        y = self.successes(rng, n, **params).astype(float)
        return y if trials is not None else np.stack([y, n], axis=-1)

    @takes_parameters
    def successes(self, rng: np.random.Generator, /, n: np.ndarray, **params: np.ndarray) -> np.ndarray:
        """Random successes in n trials."""
        raise NotImplementedError


# ---- log-masses as sums of terms of one sign -------------------------------------------------------------------------


def _gap(x: np.ndarray, excess: np.ndarray, log_ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x log(z / x) - (z - x) <= 0 and its first term alone, from `excess` = z - x and `log_ratio` = log(z / x).

    If z is close to x, they are computed from the former.
    """
    r = excess / x
    near = np.abs(r) < 0.5
    r = np.where(near, r, 0.0)
    gap, main = np.where(x == 0, -excess, excess * log1p_minus_over(r, np.log1p(r))), np.where(x == 0, 0.0, x * log_ratio)
    far = ~near & (x != 0)
    return np.where(far, main - excess, gap), np.where(near, gap + excess, main)


def _shortfall(y: np.ndarray, n: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """n p - y, from the smaller of p and q = 1 - p."""
    return np.where(p < q, n * p - y, n - y - n * q)


@elementwise
def log_binomial(y: np.ndarray, n: np.ndarray, log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    """log of the binomial mass from the logs of the probabilities of success and failure."""
    rest, excess = n - y, _shortfall(y, n, np.exp(log_p), np.exp(log_q))
    value = log_factorial_remainder(n) - log_factorial_remainder(y) - log_factorial_remainder(rest)
    value += _gap(y, excess, log_p + np.log(n / y))[0] + _gap(rest, -excess, log_q + np.log(n / rest))[0]
    return np.where((y >= 0) & (rest >= 0), value, -np.inf)


class MassTerms(NamedTuple):
    """The beta-binomial log-mass and the parts of its derivatives; a and b are the shapes of the beta law.

    `first` and `second` are the derivatives in log a and in log b. Along da = -db the first derivative is `left` da / a +
    `right` db / b, from which their common part, which cancels, is left out. In log (a + b), at a constant
    share a / (a + b), the derivatives are `d_log_size` and `curve`, and that of the former against da is `cross[0]` da / a +
    `cross[1]` db / b + `tilt` da.
    """

    value: np.ndarray
    left: np.ndarray
    right: np.ndarray
    d_log_size: np.ndarray
    first: tuple[np.ndarray, np.ndarray]
    second: tuple[np.ndarray, np.ndarray]
    curve: np.ndarray
    cross: tuple[np.ndarray, np.ndarray]
    tilt: np.ndarray


def beta_binomial(
    y: np.ndarray, n: np.ndarray, p: np.ndarray, q: np.ndarray, size: int | tuple[int, ...], order: int
) -> MassTerms:
    """log of the beta-binomial mass of shapes p size and q size.

    With the share s = (y + a) / (n + size), which lies between p and y / n, its large terms are -n times the divergence of
    s from y / n and -size times that of s from p; all other terms are small. As size grows, s tends to p, and the mass to
    `log_binomial`.
    """
    terms = elementwise(partial(_beta_binomial, order=order))(y, n, p, q, size)
    terms += (None,) * (12 - len(terms))  # derivatives above `order`
    value, left, right, d_log_size, first_a, first_b, second_a, second_b, curve, cross_a, cross_b, tilt = terms
    return MassTerms(value, left, right, d_log_size, (first_a, first_b), (second_a, second_b), curve, (cross_a, cross_b), tilt)


def _beta_binomial(y: np.ndarray, n: np.ndarray, p: np.ndarray, q: np.ndarray, size: np.ndarray, order: int) -> tuple:
    rest, a, b, total = n - y, np.maximum(p * size, 1e-300), np.maximum(q * size, 1e-300), n + size
    excess = size / total * _shortfall(y, n, p, q)  # n s - y, and a - size s
    log_total_ratio, log_size_ratio = np.log(total / n), np.log1p(n / size)
    gap_a, log_a = _gap(a, -excess, log_ratio(a, y) - log_size_ratio)  # a log(s / p)
    gap_b, log_b = _gap(b, excess, log_ratio(b, rest) - log_size_ratio)
    of_a, of_b, of_size = (rising_factorial_remainder_in_log(x, d, order) for x, d in ((a, y), (b, rest), (size, n)))
    value = (
        log_factorial_remainder(n) - log_factorial_remainder(y) - log_factorial_remainder(rest) + of_a[0] + of_b[0] - of_size[0]
    )
    value += (
        _gap(y, excess, np.log1p(a / y) - log_total_ratio)[0]
        + _gap(rest, -excess, np.log1p(b / rest) - log_total_ratio)[0]
        + gap_a
        + gap_b
    )
    value = np.where((y >= 0) & (rest >= 0), value, -np.inf)
    if order == 0:
        return (value,)
    left, right = log_a + of_a[1], log_b + of_b[1]
    first = value, left, right, gap_a + gap_b + of_a[1] + of_b[1] - of_size[1]
    if order == 1:
        return first
    tilt = excess * total / ((a + y) * (b + rest))
    curve = gap_a + gap_b + excess * tilt + of_a[2] + of_b[2] - of_size[2]
    cross_a, cross_b = log_a + of_a[2], log_b + of_b[2]
    second = cross_a + a * log_size_ratio - a * y / (a + y), cross_b + b * log_size_ratio - b * rest / (b + rest)
    return *first, left + a * log_size_ratio, right + b * log_size_ratio, *second, curve, cross_a, cross_b, tilt
