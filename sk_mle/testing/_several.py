"""Checks of laws of several targets, in place of those that need distribution functions."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ..likelihoods import Likelihood
from ..likelihoods._functions import sized
from ._tools import as_text, close, draw, expect, repeat_row, row, within_error

SIMULATED_ROWS = 20000
MAX_FREE_COORDINATES = 4  # free coordinates beyond which boxes have too many nodes


def normalised(law: Likelihood, rng: np.random.Generator) -> None:
    """Probabilities of boxes, by quadrature or summation of the density, against the shares of draws inside."""
    law, _, theta = draw(sized(law.predictive, 2), rng, 3)
    for i in range(3):
        params, y = row(theta, i), law.rvs(rng, (SIMULATED_ROWS,), **repeat_row(theta, i, SIMULATED_ROWS))
        _check_masses(law, params, y) if law.support.integer else _check_boxes(law, params, y, rng)


def _density(law: Any, y: Any, params: dict) -> np.ndarray:
    """Density at every row of y with one row's parameters."""
    repeated_params = {
        name: np.broadcast_to(value, (len(y), *np.shape(value))) if np.ndim(value) else value for name, value in params.items()
    }
    return np.exp(law.loglik(y, **repeated_params))


def _check_masses(law: Any, params: dict, y: Any) -> None:
    """Probabilities of the points that were drawn, against their shares of the draws."""
    points, counts = np.unique(y, axis=0, return_counts=True)
    mass = _density(law, points, params)
    unseen = np.sum(counts == 1) / len(y)  # Good and Turing's estimate
    error = (8 * np.sqrt(np.sum(counts <= 2) + 1)) / len(y)
    close(mass.sum() + unseen, 1.0, 0, error, f"total probability at {as_text(params)}")
    for point, count, expected in zip(points, counts, mass, strict=True):
        error = 6 * np.sqrt(expected * (1 - expected) / len(y)) + 2 / len(y)
        close(count / len(y), expected, 0, error, f"share of draws that are {point} at {as_text(params)}")


def _check_boxes(law: Any, params: dict, y: Any, rng: np.random.Generator) -> None:
    """Boxes in coordinates in which the draws are white; shares that sum to one become stick-breaking logits."""
    shares = np.ptp(y.sum(axis=1)) < 1e-9
    z = _stick_logits(y) if shares else y
    centre, root = z.mean(axis=0), np.linalg.cholesky(np.atleast_2d(np.cov(z.T)))
    z = np.linalg.solve(root, (z - centre).T).T
    if z.shape[1] > MAX_FREE_COORDINATES:
        return
    nodes, weight = 0.75 * np.array(np.polynomial.legendre.leggauss(24 if z.shape[1] < 4 else 10))
    volume = np.prod(np.meshgrid(*[weight] * z.shape[1], indexing="ij"), axis=0).ravel() * np.prod(np.diag(root))
    for middle in 0.75 * rng.permutation(list(product((-1.0, 1.0), repeat=z.shape[1])))[:8]:
        grid = np.stack(np.meshgrid(*(side + nodes for side in middle), indexing="ij"), axis=-1)
        points = grid.reshape(-1, z.shape[1]) @ root.T + centre
        points, jacobian = _from_stick_logits(points) if shares else (points, 1.0)
        expected = volume @ (_density(law, points, params) * jacobian)
        share_inside = np.mean((np.abs(z - middle) <= 0.75).all(axis=1))
        error = 6 * np.sqrt(expected * max(1 - expected, 0.0) / len(y)) + 3 / len(y)
        what = "integral of the density over a box against the share of draws inside"
        close(expected, share_inside, 0, error, f"{what}, at {as_text(params)}")


def _stick_logits(y: Any) -> Any:
    """Logits of each share relative to what the shares before it leave."""
    remainder = np.cumsum(y[:, :0:-1], axis=1)[:, ::-1]
    return np.log(y[:, :-1]) - np.log(remainder)


def _from_stick_logits(z: np.ndarray) -> tuple[Any, Any]:
    """The inverse of `_stick_logits`, and its Jacobian determinant."""
    share = 1 / (1 + np.exp(-z))
    remainder = np.cumprod(np.hstack([np.ones((len(z), 1)), 1 - share]), axis=1)
    y = remainder * np.hstack([share, np.ones((len(z), 1))])
    return y, np.prod(y[:, :-1] * (1 - share), axis=1)


def no_cdf_and_ppf(law: Likelihood, rng: np.random.Generator) -> None:
    """Distribution functions raise an error that says why."""
    law, _, theta = draw(law.predictive, rng, 5)
    for name in ("cdf", "sf", "logcdf", "logsf", "ppf"):
        try:
            getattr(law, name)(0.5, **theta)
        except ValueError as error:
            expect("several targets" in str(error), f"{name} that raises {error}", "a message on several targets")
        else:
            expect(False, f"{name} of several targets", "a ValueError")


def moments(law: Likelihood, rng: np.random.Generator) -> None:
    """Expectation, variance, covariance and entropy agree with those of draws."""
    law, _, theta = draw(law.predictive, rng, 3)
    for i in range(3):
        repeated_params, params = repeat_row(theta, i, SIMULATED_ROWS), repeat_row(theta, i, 1)
        y, place = law.rvs(rng, (SIMULATED_ROWS,), **repeated_params), f"at {as_text(row(theta, i))}"
        mean = np.broadcast_to(law.expectation(**params), y[:1].shape)
        within_error(y, mean[0], f"expectation {place}")
        within_error((y - mean) ** 2, np.broadcast_to(law.variance(**params), mean.shape)[0], f"variance {place}")
        if law.covariance is not None:
            products = (y - mean)[:, :, None] * (y - mean)[:, None, :]
            within_error(products, law.covariance(**params).reshape(products.shape[1:]), f"covariance {place}")
        entropy = np.broadcast_to(law.entropy(**params), 1)
        within_error(-law.loglik(y, **repeated_params)[:, None], entropy, f"entropy {place}")


def sampler(law: Likelihood, rng: np.random.Generator) -> None:
    """Draws have the right shape and are values that the law accepts."""
    law, _, theta = draw(law.predictive, rng, 200)
    y = law.rvs(rng, (200,), **theta)
    expect(y.ndim == 2 and len(y) == 200, f"rvs of shape {np.shape(y)} for size (200,)", "(200, n_targets)")
    expect(law.inside(y).all(), f"samples {y[~law.inside(y)][:3]}", "values that `inside` accepts")
    size = law.rvs(rng, (4, 200), **theta).shape
    expect(size == (4, *y.shape), f"rvs of shape {size} for size (4, 200)", f"{(4, *y.shape)}")
    expect(law.bind(law.read(y)).loglik(y, **theta).shape == (200,), "another size", "the law of the draws")
