"""Checks of laws of several targets, in place of those that need distribution functions."""

from __future__ import annotations

from itertools import product

import numpy as np

from ..likelihoods._fallbacks.facts import sized
from ._tools import close, draw, expect, repeated, row, shown, within_error

SIMULATED_ROWS = 20000
MAX_FREE_COORDINATES = 4  # free coordinates beyond which boxes have too many nodes


def normalised(law, rng):
    """Probabilities of boxes, by quadrature or summation of the density, against the shares of draws inside."""
    law, _, theta = draw(sized(law.predictive, 2), rng, 3)
    for i in range(3):
        one, y = row(theta, i), law.rvs(rng, (SIMULATED_ROWS,), **repeated(theta, i, SIMULATED_ROWS))
        _masses(law, one, y) if law.support.integer else _boxes(law, one, y, rng)


def _density(law, y, one):
    many = {
        name: np.broadcast_to(value, (len(y), *np.shape(value))) if np.ndim(value) else value for name, value in one.items()
    }
    return np.exp(law.loglik(y, **many))


def _masses(law, one, y):
    points, counts = np.unique(y, axis=0, return_counts=True)
    mass = _density(law, points, one)
    unseen = np.sum(counts == 1) / len(y)  # Good and Turing's estimate
    error = (8 * np.sqrt(np.sum(counts <= 2) + 1)) / len(y)
    close(mass.sum() + unseen, 1.0, 0, error, f"total probability at {shown(one)}")
    for point, count, expected in zip(points, counts, mass, strict=True):
        error = 6 * np.sqrt(expected * (1 - expected) / len(y)) + 2 / len(y)
        close(count / len(y), expected, 0, error, f"share of draws that are {point} at {shown(one)}")


def _boxes(law, one, y, rng):
    """Coordinates are the draws' own: whitened, and for shares of a whole, logits of what each takes of the rest."""
    shares = np.ptp(y.sum(axis=1)) < 1e-9
    z = _split(y) if shares else y
    centre, root = z.mean(axis=0), np.linalg.cholesky(np.atleast_2d(np.cov(z.T)))
    z = np.linalg.solve(root, (z - centre).T).T
    if z.shape[1] > MAX_FREE_COORDINATES:
        return
    nodes, weight = 0.75 * np.array(np.polynomial.legendre.leggauss(24 if z.shape[1] < 4 else 10))
    volume = np.prod(np.meshgrid(*[weight] * z.shape[1], indexing="ij"), axis=0).ravel() * np.prod(np.diag(root))
    for middle in 0.75 * rng.permutation(list(product((-1.0, 1.0), repeat=z.shape[1])))[:8]:
        grid = np.stack(np.meshgrid(*(side + nodes for side in middle), indexing="ij"), axis=-1)
        points = grid.reshape(-1, z.shape[1]) @ root.T + centre
        points, slope = _joined(points) if shares else (points, 1.0)
        expected = volume @ (_density(law, points, one) * slope)
        found = np.mean((np.abs(z - middle) <= 0.75).all(axis=1))
        error = 6 * np.sqrt(expected * max(1 - expected, 0.0) / len(y)) + 3 / len(y)
        what = "integral of the density over a box against the share of draws inside"
        close(expected, found, 0, error, f"{what}, at {shown(one)}")


def _split(y):
    rest = np.cumsum(y[:, :0:-1], axis=1)[:, ::-1]
    return np.log(y[:, :-1]) - np.log(rest)


def _joined(z):
    """The inverse of `_split`, and its Jacobian."""
    own = 1 / (1 + np.exp(-z))
    left = np.cumprod(np.hstack([np.ones((len(z), 1)), 1 - own]), axis=1)
    y = left * np.hstack([own, np.ones((len(z), 1))])
    return y, np.prod(y[:, :-1] * (1 - own), axis=1)


def no_cdf_and_ppf(law, rng):
    law, _, theta = draw(law.predictive, rng, 5)
    for name in ("cdf", "sf", "logcdf", "logsf", "ppf"):
        try:
            getattr(law, name)(0.5, **theta)
        except ValueError as error:
            expect("several targets" in str(error), f"{name} that raises {error}", "words on several targets")
        else:
            expect(False, f"{name} of several targets", "a ValueError")


def moments(law, rng):
    law, _, theta = draw(law.predictive, rng, 3)
    for i in range(3):
        many, one = repeated(theta, i, SIMULATED_ROWS), repeated(theta, i, 1)
        y, where = law.rvs(rng, (SIMULATED_ROWS,), **many), f"at {shown(row(theta, i))}"
        mean = np.broadcast_to(law.expectation(**one), y[:1].shape)
        within_error(y, mean[0], f"expectation {where}")
        within_error((y - mean) ** 2, np.broadcast_to(law.variance(**one), mean.shape)[0], f"variance {where}")
        if law.covariance is not None:
            products = (y - mean)[:, :, None] * (y - mean)[:, None, :]
            within_error(products, law.covariance(**one).reshape(products.shape[1:]), f"covariance {where}")
        entropy = np.broadcast_to(law.entropy(**one), 1)
        within_error(-law.loglik(y, **many)[:, None], entropy, f"entropy {where}")


def sampler(law, rng):
    law, _, theta = draw(law.predictive, rng, 200)
    y = law.rvs(rng, (200,), **theta)
    expect(y.ndim == 2 and len(y) == 200, f"rvs of shape {np.shape(y)} for size (200,)", "(200, n_targets)")
    expect(law.inside(y).all(), f"samples {y[~law.inside(y)][:3]}", "values that `inside` accepts")
    size = law.rvs(rng, (4, 200), **theta).shape
    expect(size == (4, *y.shape), f"rvs of shape {size} for size (4, 200)", f"{(4, *y.shape)}")
    expect(law.bind(law.read(y)).loglik(y, **theta).shape == (200,), "another size", "the law of the draws")
