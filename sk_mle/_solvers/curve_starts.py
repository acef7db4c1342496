"""Starts of curves: those that the user gave, and a search for those that were not given.

Arguments in which the curve is linear are eliminated: given the others they are fitted by linear least squares. The others are
drawn at scales of the columns, or proposed by a self-starting model, and the best draws descend by trust regions.

Conventions: there is no flat vector here. b (q,) are the coefficients of one curve on the scale of its arguments, X (n, p)
the columns, and the target (n,) with weights (n,) is on the scale of the linear predictor.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from .._model.curve import Curve, dense

N_DRAWS_PER_ARGUMENT, MAX_DRAWS = 250, 1000  # random values of the nonlinear arguments
N_DESCENTS, N_DESCENTS_IF_PROPOSED, EVALUATIONS_PER_DESCENT = 8, 2, 60  # from the best draws, or from proposed starts
N_PROBES = 8  # coefficients at which the second derivatives of a curve are taken
MAX_ROWS = 500  # rows that a search uses
LINEAR_SHARE = 1e-9  # share of a curve's size, in which its second derivative is zero


def start_of_curve(curve: Curve, start: np.ndarray, X: Any, target: np.ndarray, weight: np.ndarray, name: str) -> np.ndarray:
    """Coefficients (q,) from which to fit a curve to a target (n,) with weights.

    Parameters
    ----------
    curve : Curve
    start : ndarray of shape (q,)
        NaN where the user gave none.
    name : str
        The parameter, for messages.
    """
    missing = np.isnan(start)
    if not missing.any():
        return start.copy()
    if len(target) > MAX_ROWS:
        rows = np.linspace(0, len(target) - 1, MAX_ROWS).astype(int)
        X, target, weight = X[rows], target[rows], weight[rows]
    search = _CurveStart(curve, start, X, target, weight)
    unknown = [k for k in search.nonlinear if missing[k]]
    if not unknown:
        return _checked_start(search.completed(np.where(missing, 0.0, start)), curve, np.flatnonzero(missing), name)
    given = [curve.labels[k] for k in range(len(missing)) if not missing[k]]
    if given and not curve.proposals:
        lacking = ", ".join(curve.labels[k] for k in unknown)
        raise ValueError(
            f"predictors[{name!r}]: {lacking} has no start, does not enter linearly, and is no column of X. Correct its "
            f"name, or give it a start beside {', '.join(given)}: start={{..., {curve.labels[unknown[0]]!r}: ...}}"
        )
    return _checked_start(search.run(unknown), curve, unknown, name)


def _checked_start(b: np.ndarray | None, curve: Curve, unknown: Any, name: str) -> np.ndarray:
    """Coefficients that were found; ValueError if they were not."""
    if b is None or not np.isfinite(b).all():
        raise ValueError(
            f"predictors[{name!r}]: no start was found at which the curve is finite in all rows; give one, "
            f"start={{{curve.labels[unknown[0]]!r}: ..., ...}}, or check the rows"
        )
    return b


class _CurveStart:
    """A curve, the rows and target to which it is fitted, and which of its coefficients enter linearly."""

    def __init__(self, curve: Curve, start: np.ndarray, X: Any, target: np.ndarray, weight: np.ndarray) -> None:
        self.curve, self.start, self.X, self.target = curve, start, X, target
        self.read = dense(X, curve.reads)
        self.root, self.rng = np.sqrt(weight), np.random.default_rng(0)
        self.linear = self._linear()
        self.nonlinear = [k for k in range(len(curve.labels)) if k not in self.linear]

    def _linear(self) -> list[int]:
        """Coefficients of arguments whose second derivatives vanish, all pairs of them included."""
        curve = self.curve
        second: dict[tuple[int, int], float] = {}
        for b in self._probes():
            point = curve.evaluate(self.X, np.where(np.isnan(self.start), b, self.start), 2)
            values = np.abs(point.value[np.isfinite(point.value)])
            size = values.max(initial=0.0) or 1.0
            scale = [np.abs(b[place]).max() for place in curve.slices]
            with np.errstate(all="ignore"):
                for (k, m), value in (point.second or {}).items():
                    largest = np.max(np.abs(value), initial=0.0) * scale[k] * scale[m] / size
                    second[k, m] = max(second.get((k, m), 0.0), largest if np.isfinite(largest) else np.inf)
        curved = {pair for pair, value in second.items() if value > LINEAR_SHARE}
        chosen: list[int] = []
        for k in range(len(curve.slices)):
            if (k, k) not in curved and not any((j, k) in curved for j in chosen):
                chosen.append(k)
        return [i for k in chosen for i in range(curve.slices[k].start, curve.slices[k].stop)]

    def _probes(self) -> list[np.ndarray]:
        """Coefficients at which the curve has second derivatives, if it has any: a self-starting model's own, or draws."""
        if self.curve.proposals is not None:
            proposed = islice(self.curve.proposals(self.read), N_PROBES)
            return [np.clip(np.where(b == 0, 1.0, b), self.curve.low, self.curve.high) for b in proposed]
        return [self._draw(range(len(self.curve.labels))) for _ in range(N_PROBES)]

    def _draw(self, places: Any) -> np.ndarray:
        """Random coefficients, at scales of the columns; those of columns in an argument are zero."""
        rng, columns = self.rng, self.read
        b = np.zeros(len(self.curve.labels))
        intercepts = {place.start for place in self.curve.slices}
        for k in places:
            if k not in intercepts:
                continue
            x = columns[:, rng.integers(columns.shape[1])] if columns.shape[1] else np.ones(1)
            low, spread = x.min(), np.ptp(x) or np.abs(x).max() or 1.0
            kind = rng.integers(6)
            if kind == 0:  # a place on the column
                b[k] = low + spread * rng.uniform(-0.1, 1.1)
            elif kind == 1:  # a distance on it
                b[k] = spread * 10 ** rng.uniform(-2, 0.7)
            elif kind <= 3:  # a rate, of a low power of it
                b[k] = 10 ** rng.uniform(-1, 1.3) / spread ** rng.choice([1, 1, 2, 3])
            elif kind == 4:  # an exponent
                b[k] = 10 ** rng.uniform(-1, 1)
            else:
                b[k] = 10 ** rng.uniform(-4, 4)
            b[k] *= 1.0 if rng.uniform() < 0.8 else -1.0
        return np.clip(b, self.curve.low, self.curve.high)

    def completed(self, b: np.ndarray) -> np.ndarray:
        """Coefficients with those that enter linearly, and have no start, fitted to the target."""
        free = [k for k in self.linear if np.isnan(self.start[k])]
        if not free:
            return b
        b = b.copy()
        b[free] = np.clip(0.0, self.curve.low[free], self.curve.high[free])
        point = self.curve.evaluate(self.X, b, 1)
        jacobian: Any = point.jacobian
        columns, rest = self.root[:, None] * jacobian[:, free], self.root * (self.target - point.value)
        if not (np.isfinite(columns).all() and np.isfinite(rest).all()):
            return np.full_like(b, np.nan)
        norm = np.linalg.norm(columns, axis=0)
        norm[norm == 0] = 1.0
        change = np.linalg.lstsq(columns / norm, rest, rcond=1e-12)[0] / norm
        b[free] = np.clip(b[free] + change, self.curve.low[free], self.curve.high[free])
        return b

    def loss(self, b: np.ndarray) -> float:
        """Weighted sum of squared distances from the target."""
        if not np.isfinite(b).all():
            return np.inf
        value = float(np.sum((self.root * (self.curve.value(self.X, b) - self.target)) ** 2))
        return value if np.isfinite(value) else np.inf

    def run(self, unknown: list[int]) -> np.ndarray | None:
        """The best coefficients that were found, or None."""
        start = self.start
        trials: list = []
        with np.errstate(all="ignore"):
            for draw in self._trials(unknown):
                b = self.completed(np.clip(np.where(np.isnan(start), draw, start), self.curve.low, self.curve.high))
                trials.append((self.loss(b), len(trials), b))
            trials.sort(key=lambda trial: trial[:2])
            ends = [
                self._descended(b)
                for loss, _, b in trials[: N_DESCENTS if self.curve.proposals is None else N_DESCENTS_IF_PROPOSED]
                if np.isfinite(loss)
            ]
        ends = [b for b in ends if np.isfinite(self.loss(b))]
        return min(ends, key=self.loss) if ends else None

    def _trials(self, unknown: list[int]) -> Iterator[Any]:
        """Trial coefficients: those that a self-starting model proposes, or draws."""
        if self.curve.proposals is not None:
            yield from self.curve.proposals(self.read)
            return
        for _ in range(min(N_DRAWS_PER_ARGUMENT * len(unknown), MAX_DRAWS)):
            yield self._draw(unknown)

    def _descended(self, b: np.ndarray) -> np.ndarray:
        """The coefficients after a descent by trust regions in those that do not enter linearly."""
        free = [k for k in self.nonlinear if np.isnan(self.start[k])]

        def at(values: np.ndarray) -> np.ndarray:
            full = b.copy()
            full[free] = values
            return self.completed(full)

        def residuals(values: np.ndarray) -> np.ndarray:
            full = at(values)
            return self.root * (self.curve.value(self.X, full) - self.target)

        def jacobian(values: np.ndarray) -> np.ndarray:
            """Jacobian of the projected residuals by Kaufman's approximation, without the part in the linear columns."""
            full = at(values)
            J = self.root[:, None] * self.curve.evaluate(self.X, full, 1).jacobian
            linear = J[:, [k for k in self.linear if np.isnan(self.start[k])]]
            if linear.shape[1]:
                norm = np.linalg.norm(linear, axis=0)
                Q = np.linalg.qr(linear / np.where(norm > 0, norm, 1.0))[0]
                return J[:, free] - Q @ (Q.T @ J[:, free])
            return J[:, free]

        scale = float(np.sqrt(np.sum((self.root * self.target) ** 2))) or 1.0
        try:
            result = least_squares(
                lambda values: residuals(values) / scale,
                b[free],
                lambda values: jacobian(values) / scale,
                bounds=(self.curve.low[free], self.curve.high[free]),
                x_scale="jac",
                max_nfev=EVALUATIONS_PER_DESCENT,
            )
        except (ValueError, np.linalg.LinAlgError):  # not finite at a trial, or on a bound
            return b
        return at(result.x)
