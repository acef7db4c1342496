"""Quadratic models with an L1 penalty and bounds on single coordinates, by an active set that ends with the exact solution.

Free coordinates are those that are neither zero, if they have a penalty, nor on a bound. With their signs given the model is
quadratic in them; the way to its minimum ends where the first of them becomes zero or meets its bound, and is no longer free.
At a minimum, coordinates along which the model would fall become free. The model falls with every step, so no set returns
(feature-sign search: Lee, Battle, Raina and Ng, Efficient sparse coding algorithms, 2006).

Conventions: u (size,) is the flat vector of an objective, and v the vector that the steps change from u on; weights, low and
high (size,) belong to its coordinates. H (size, size) and the gradient (size,) are those of the mean NLL at u, without the L1
penalty.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from .newton import positive_definite
from .quadratic_program import Factors, Step, solved

MAX_CHANGES = 100  # of the active set, per coordinate
MIN_SHARE_OF_GAIN = 0.1  # of the model along a coordinate, relative to the largest, from which it becomes free at once
SUBGRADIENT_TOL = 1e-10  # excess of a gradient over its penalty, relative to the largest gradient, that rounding explains


class Lasso:
    """The penalty sum of weights times absolute coordinates, of which zero weights leave a coordinate free, and bounds.

    Parameters
    ----------
    weights, low, high : ndarray of shape (size,)
    """

    def __init__(self, weights: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        self.weights, self.low, self.high = weights, low, high

    def penalty(self, u: np.ndarray) -> float:
        return float(self.weights[u != 0] @ np.abs(u[u != 0]))

    def feasible(self, u: np.ndarray) -> np.ndarray:
        """The point within the bounds nearest to u, with zeros where the penalty is infinite."""
        return np.clip(np.where(np.isinf(self.weights), 0.0, u), self.low, self.high)

    def step(self, u: np.ndarray, gradient: np.ndarray, hessian: np.ndarray, factors: Factors = None) -> Step:
        """The step to the minimiser of ``gradient' d + d' hessian d / 2`` and the penalty at u + d.

        At a maximum of the likelihood the Hessian is positive definite in the free coordinates, but it need not be in all.
        It may come with factors S and K, of which it is S'KS, where it has too few digits itself.
        """
        try:
            return self._step(u, gradient, hessian, factors)
        except linalg.LinAlgError:
            return self._step(u, gradient, positive_definite(hessian))

    def _step(self, u: np.ndarray, gradient: np.ndarray, H: np.ndarray, factors: Factors = None) -> Step:
        """The step; LinAlgError where the Hessian is not positive definite in free coordinates."""
        v, sign = u.copy(), np.sign(u)
        free = ((v != 0) | (self.weights == 0)) & (self.low < v) & (v < self.high)
        gradient_at_v = gradient
        for _ in range(MAX_CHANGES * len(u)):
            stopped = self._towards_minimum(v, sign, free, gradient_at_v, H, factors)
            gradient_at_v = gradient + H @ (v - u)
            if len(stopped):
                free[stopped] = False
                continue
            up, down = self._falls(v, gradient_at_v)
            tol = SUBGRADIENT_TOL * max(np.abs(gradient_at_v).max(initial=0.0), 1e-300)
            new = ~free & (np.maximum(up, down) > tol)
            if not new.any():
                break
            # those of the least gain would often be stopped at once
            gain = np.maximum(up, down) ** 2 / np.maximum(np.diag(H), 1e-300)
            new &= gain >= MIN_SHARE_OF_GAIN * gain[new].max()
            sign[new] = np.where(v != 0, np.sign(v), np.where(up > down, 1.0, -1.0))[new]
            free |= new
        return Step(v - u, {}, gradient_at_v)

    def _falls(self, v: np.ndarray, gradient_at_v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rates at which the model falls when a coordinate rises, and when it falls; 0 where a bound forbids it."""
        up = np.where(v < self.high, -gradient_at_v - np.where(v >= 0, 1.0, -1.0) * self.weights, 0.0)
        down = np.where(v > self.low, gradient_at_v - np.where(v <= 0, 1.0, -1.0) * self.weights, 0.0)
        return np.maximum(up, 0.0), np.maximum(down, 0.0)

    def _towards_minimum(
        self, v: np.ndarray, sign: np.ndarray, free: np.ndarray, gradient_at_v: np.ndarray, H: np.ndarray, factors: Factors
    ) -> np.ndarray:
        """Move v, in place, towards the minimum in the free coordinates of given signs; those that stopped it on the way."""
        at = np.flatnonzero(free)
        if not len(at):
            return at
        pull = gradient_at_v[at] + np.where(self.weights[at] > 0, self.weights[at] * sign[at], 0.0)
        move = solved(H[at[:, None], at], -pull, None if factors is None else (factors[0][:, at], factors[1]))
        low = np.where((self.weights[at] > 0) & (sign[at] > 0), np.maximum(self.low[at], 0.0), self.low[at])
        high = np.where((self.weights[at] > 0) & (sign[at] < 0), np.minimum(self.high[at], 0.0), self.high[at])
        with np.errstate(all="ignore"):
            room = np.where(move > 0, (high - v[at]) / move, np.where(move < 0, (low - v[at]) / move, np.inf))
        length = min(1.0, room.min())
        v[at] = v[at] + length * move
        stopped = room <= length if room.min() <= 1.0 else np.zeros(len(at), bool)
        v[at[stopped]] = np.where(move > 0, high, low)[stopped]
        return at[stopped]
