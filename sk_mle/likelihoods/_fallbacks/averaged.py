"""Information of laws with kinks, whose second derivatives leave out the jumps of the first."""

from __future__ import annotations

import numpy as np

from .law import Law

NODES_IN_SDS = np.linspace(-4, 4, 33)  # standard deviations
NODE_WEIGHTS = np.exp(-(NODES_IN_SDS**2) / 2)
NODE_WEIGHTS /= NODE_WEIGHTS @ NODES_IN_SDS**2  # so that the derivative of a linear gradient is exact


def averaged_information(law: Law, y: np.ndarray, eta: dict, name: str, spread: np.ndarray) -> np.ndarray:
    """Information (n,) in eta[name] of log-likelihoods averaged over eta[name] + spread * e, for a standard normal e.

    The average is smooth even if the log-likelihood is not, and its second derivative needs the gradient alone:
    E g(eta + spread e) e / spread (Stein's identity). A kink contributes the jump of its gradient times a normal kernel of
    width `spread`.
    """
    information = np.zeros(len(y))
    for node, weight in zip(NODES_IN_SDS, NODE_WEIGHTS, strict=True):
        information -= weight * node * law.evaluate(y, {**eta, name: eta[name] + spread * node}, 1).gradient[name]
    return information / spread
