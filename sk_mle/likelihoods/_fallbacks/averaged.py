"""Information of laws with kinks, whose second derivatives miss what lies in the kinks."""

from __future__ import annotations

import numpy as np

NODES_IN_SDS = np.linspace(-4, 4, 33)  # standard deviations
NODE_WEIGHTS = np.exp(-(NODES_IN_SDS**2) / 2)
NODE_WEIGHTS /= NODE_WEIGHTS @ NODES_IN_SDS**2  # so that a gradient that is a straight line has its derivative


def averaged(law, y, eta: dict, name: str, spread) -> np.ndarray:
    """Information in eta[name] of log-likelihoods averaged over eta[name] + spread * e, for a standard normal e.

    The average is smooth where the log-likelihood is not, and its derivatives need the gradient alone: E g(eta + spread e) e /
    spread (Stein's identity). For a kink that is the height of its step times a normal kernel of width `spread`.
    """
    found = np.zeros(len(y))
    for node, share in zip(NODES_IN_SDS, NODE_WEIGHTS, strict=True):
        found -= share * node * law.evaluate(y, {**eta, name: eta[name] + spread * node}, 1).gradient[name]
    return found / spread
