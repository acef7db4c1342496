"""Expected information of a law that has no formula for it, by quadrature or sums over y."""

from __future__ import annotations

from typing import Any

import numpy as np

from .quadrature import _expect

MIN_LOG_DENSITY = -600.0  # log-density below which a gradient may overflow and is left out


def integrated_information(law: Any, eta: dict, names: list[str] | None = None) -> dict:
    """E[g_a g_b] per sample for all pairs of linear predictors, or of `names`, with g the gradient of the log-likelihood.

    NaN in rows where the integral does not converge: heavy tails, or no expectation at all.
    """
    theta, names = law.theta(eta), names or [name for name in eta if name not in law.known]
    n = len(next(iter(eta.values())))
    params = {
        name: np.broadcast_to(value, (n, *law.parameter(name).shape)) if np.ndim(value) == 0 else value
        for name, value in theta.items()
    }
    entries = [(name, None if eta[name].ndim == 1 else k) for name in names for k in range(*np.shape(eta[name])[1:] or (1,))]
    moments: dict = {}
    for i, first in enumerate(entries):
        for second in entries[i:]:

            def product(y, logp, rows, first=first, second=second):
                repeated = {name: np.repeat(value[rows], y.shape[1], axis=0) for name, value in eta.items()}
                gradient = law.evaluate(np.where(law.inside(y), y, law.support.typical[1]).ravel(), repeated, 1).gradient
                pair = (gradient.get(name, np.zeros(y.size)) for name, _ in (first, second))
                left, right = (g if g.ndim == 1 else g[:, k] for g, (_, k) in zip(pair, (first, second), strict=True))
                return np.where(logp > MIN_LOG_DENSITY, (left * right).reshape(y.shape), 0.0)

            moments[first, second] = _expect(law, params, product, indexed=True)
    blocks: dict = {}
    for i, a in enumerate(names):
        for b in names[i:]:
            parts = {k: v for k, v in moments.items() if (k[0][0], k[1][0]) == (a, b)}
            blocks[a, b] = parts[(a, None), (b, None)] if eta[a].ndim == eta[b].ndim == 1 else _stacked(parts, a, b, eta)
    return blocks


def _stacked(parts, a, b, eta):
    """A block (n, Ka, Kb) from its pairs of entries; of a symmetric block, only the upper half is given."""
    width = [1 if eta[name].ndim == 1 else eta[name].shape[1] for name in (a, b)]
    block = np.empty((len(eta[a]), *width))
    for ((_, k), (_, m)), value in parts.items():
        block[:, k or 0, m or 0] = value
        if a == b:
            block[:, m or 0, k or 0] = value
    return block
