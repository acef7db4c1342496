"""Draws from a law's own domains, and comparisons that say what was found and what was expected."""

from __future__ import annotations

import numpy as np

from ..likelihoods._fallbacks.facts import sized


def expect(condition, found, expected):
    if not condition:
        raise AssertionError(f"found {found}, expected {expected}")


def close(found, expected, rtol, atol, what):
    found, expected = np.broadcast_arrays(np.asarray(found, float), np.asarray(expected, float))
    expect(np.isfinite(found).all(), f"non-finite {what} {found[~np.isfinite(found)][:3]}", "finite values")
    wrong = np.abs(found - expected) > atol + rtol * np.abs(expected)
    if wrong.any():
        worst = int(np.argmax(np.where(wrong, np.abs(found - expected), -1)))
        raise AssertionError(f"{what}: found {found.flat[worst]:.12g}, expected {expected.flat[worst]:.12g}")


def draw(law, rng, n):
    """A law that has a size, linear predictors and parameters of n samples."""
    law, theta = sized(law), {}
    for name in law.parameters:
        said = law.parameter(name)
        theta[name] = said.domain.draw(rng, (n, *said.shape)) if said.value is None else said.value
    eta = {name: np.asarray(law.parameter(name).link.link(theta[name]), float) for name in law.free}
    return law, eta, theta


def sample(law, rng, n):
    law, eta, theta = draw(law, rng, n)
    y = np.asarray(law.rvs(rng, (n,), **theta), float)
    if not law.smooth:  # away from the kinks, where derivatives exist
        first = law.free[0]
        keep = np.abs(law.kinks(y, **theta) - theta[first]) > 0.5 * np.median(np.abs(law.kinks(y, **theta) - theta[first]))
        y, eta = y[keep], {name: value[keep] for name, value in eta.items()}
        theta = {name: value[keep] if np.ndim(value) else value for name, value in theta.items()}
    return law, eta, theta, law.observe(rng, y)


def row(theta, i):
    """The parameters of one sample."""
    return {name: value[i] if np.ndim(value) else value for name, value in theta.items()}


def repeated(theta, i, n):
    """The parameters of one sample, n times."""
    return {name: np.repeat(value[i : i + 1], n, axis=0) if np.ndim(value) else value for name, value in theta.items()}


def shown(row):
    return ", ".join(f"{name}={np.round(value, 4)}" for name, value in row.items())


def within_error(draws, expected, what):
    """The mean of the draws against the value expected, within six standard errors."""
    mean, error = draws.mean(axis=0), draws.std(axis=0) / np.sqrt(len(draws)) + 1e-12
    wrong = np.abs(mean - expected) > 6 * error
    expect(
        not wrong.any(),
        f"{what} = {np.broadcast_to(expected, mean.shape)[wrong][:1]}",
        f"{mean[wrong][:1]} +- {error[wrong][:1]}",
    )
