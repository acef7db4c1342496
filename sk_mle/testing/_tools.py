"""Draws from a law's own domains, and assertions that report found and expected values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..likelihoods import Likelihood
from ..likelihoods._functions import sized


def expect(condition: Any, found: Any, expected: Any) -> None:
    """Raise AssertionError unless the condition holds."""
    if not condition:
        raise AssertionError(f"found {found}, expected {expected}")


def close(found: Any, expected: Any, rtol: float, atol: float | np.ndarray, what: str) -> None:
    """Raise AssertionError unless found values are finite and close to the expected."""
    found, expected = np.broadcast_arrays(np.asarray(found, float), np.asarray(expected, float))
    expect(np.isfinite(found).all(), f"non-finite {what} {found[~np.isfinite(found)][:3]}", "finite values")
    wrong = np.abs(found - expected) > atol + rtol * np.abs(expected)
    if wrong.any():
        worst = int(np.argmax(np.where(wrong, np.abs(found - expected), -1)))
        raise AssertionError(f"{what}: found {found.flat[worst]:.12g}, expected {expected.flat[worst]:.12g}")


def draw(law: Likelihood, rng: np.random.Generator, n: int) -> tuple[Likelihood, dict, dict]:
    """The law with a definite size, and linear predictors and parameters of n samples."""
    law = sized(law)
    theta: dict = {}
    for name in law.parameters:
        parameter = law.layout[name]
        theta[name] = parameter.domain.draw(rng, (n, *parameter.shape)) if parameter.value is None else parameter.value
    eta = {name: np.asarray(law.layout[name].link.link(theta[name]), float) for name in law.layout.free}
    return law, eta, theta


def sample(law: Likelihood, rng: np.random.Generator, n: int) -> tuple[Likelihood, dict, dict, np.ndarray]:
    """The results of `draw` and targets drawn with them; for a law with kinks, without samples near the kinks."""
    law, eta, theta = draw(law, rng, n)
    y = np.asarray(law.rvs(rng, (n,), **theta), float)
    if not law.smooth:  # away from the kinks, where derivatives exist
        first = law.layout.free[0]
        keep = np.abs(law.kinks(y, **theta) - theta[first]) > 0.5 * np.median(np.abs(law.kinks(y, **theta) - theta[first]))
        y, eta = y[keep], {name: value[keep] for name, value in eta.items()}
        theta = {name: value[keep] if np.ndim(value) else value for name, value in theta.items()}
    return law, eta, theta, y


def row(theta: dict, i: int) -> dict:
    """The parameters of the i-th sample."""
    return {name: value[i] if np.ndim(value) else value for name, value in theta.items()}


def repeat_row(theta: dict, i: int, n: int) -> dict:
    """The parameters of the i-th sample, n times."""
    return {name: np.repeat(value[i : i + 1], n, axis=0) if np.ndim(value) else value for name, value in theta.items()}


def as_text(row: dict) -> str:
    """Parameters as text."""
    return ", ".join(f"{name}={np.round(value, 4)}" for name, value in row.items())


def within_error(draws: np.ndarray, expected: Any, what: str) -> None:
    """The mean of the draws against the value expected, within six standard errors."""
    mean, error = draws.mean(axis=0), draws.std(axis=0) / np.sqrt(len(draws)) + 1e-12
    wrong = np.abs(mean - expected) > 6 * error
    expect(
        not wrong.any(),
        f"{what} = {np.broadcast_to(expected, mean.shape)[wrong][:1]}",
        f"{mean[wrong][:1]} +- {error[wrong][:1]}",
    )
