"""Checks of distribution functions, moments and the sampler."""

from __future__ import annotations

import numpy as np
from scipy import integrate, stats

from ..likelihoods import Likelihood
from ._tools import close, draw, expect, row


def _before(law: Likelihood, y: np.ndarray, theta: dict) -> np.ndarray:
    """P(Y < y) of the law."""
    support = law.support
    return law.cdf(y - 1 if support.integer else np.where(np.isin(y, support.atoms), np.nextafter(y, -np.inf), y), **theta)


def _log_mass(law: Likelihood, k: np.ndarray, row: dict) -> np.ndarray:
    """Log-likelihood at whole numbers k with one row's parameters."""
    many = {name: np.broadcast_to(value, (len(k), *np.shape(value))) for name, value in row.items()}
    return law.loglik(k, **many)


def cdf_and_ppf(law: Likelihood, rng: np.random.Generator) -> None:
    """cdf, sf, their logs and ppf agree with each other and with the density."""
    law, _, theta = draw(law.predictive, rng, 40)
    q = rng.uniform(0.001, 0.999, 40)
    y = law.ppf(q, **theta)
    below = law.cdf(y, **theta)
    jumps = law.support.integer | np.isin(y, law.support.atoms)
    if jumps.any():
        expect(
            not (too_low := jumps & (below < q - 1e-12)).any(),
            f"cdf(ppf(q)) = {below[too_low][:1]}",
            f"at least q = {q[too_low][:1]}",
        )
        before = _before(law, y, theta)
        too_high = jumps & (before >= q)
        expect(not too_high.any(), f"cdf just below ppf(q) = {before[too_high][:1]}", f"less than q = {q[too_high][:1]}")
    close(np.where(jumps, q, below), q, 1e-7, 1e-9, "cdf(ppf(q)) against q")
    close(law.sf(y, **theta), 1 - below, 1e-6, 1e-9, "sf against 1 - cdf")
    with np.errstate(divide="ignore"):
        close(np.exp(law.logcdf(y, **theta)), below, 1e-7, 1e-10, "exp(logcdf) against cdf")
        close(np.exp(law.logsf(y, **theta)), law.sf(y, **theta), 1e-7, 1e-10, "exp(logsf) against sf")
    for end, beyond, probability in ((law.support.low, -1.0, 0.0), (law.support.high, 1.0, 1.0)):
        if np.isfinite(end):
            outside = np.full(40, end + beyond)
            close(law.cdf(outside, **theta), probability, 0, 1e-12, f"cdf at y = {outside[0]:g}, outside of the support")
            close(law.sf(outside, **theta), 1 - probability, 0, 1e-12, f"sf at y = {outside[0]:g}, outside of the support")
    for i in range(4):
        params = row(theta, i)
        if law.support.integer:
            mass = np.exp(_log_mass(law, y[i : i + 1], params))[0]
            close(law.cdf(y[i], **params) - law.cdf(y[i] - 1, **params), mass, 1e-6, 1e-9, "step of the cdf against the mass")
        else:
            other = law.ppf(0.5 * (q[i] + 0.5), **params)
            area = integrate.quad(
                lambda t, params=params: float(np.exp(law.loglik(np.float64(t), **params))), other, y[i], limit=200
            )[0]
            for atom in law.support.atoms:
                sign = (other < atom <= y[i]) * 1.0 - (y[i] < atom <= other) * 1.0
                area += sign * float(np.exp(law.loglik(np.float64(atom), **params)))
            close(
                law.cdf(y[i], **params) - law.cdf(other, **params),
                area,
                1e-6,
                1e-8,
                "difference of the cdf against the density's integral",
            )


def moments(law: Likelihood, rng: np.random.Generator) -> None:
    """Expectation and variance agree with those of draws."""
    law, _, theta = draw(law.predictive, rng, 4)
    for i in range(4):
        repeated_params = {
            name: np.repeat(np.asarray(value)[i : i + 1], 40000, axis=0) if np.ndim(value) else value
            for name, value in theta.items()
        }
        y = np.asarray(law.rvs(rng, (40000,), **repeated_params), float)
        params = {name: np.asarray(value)[i : i + 1] if np.ndim(value) else value for name, value in theta.items()}
        mean, variance = (float(np.ravel(f(**params))[0]) for f in (law.expectation, law.variance))
        if not np.isfinite(variance):
            continue
        error = np.sqrt(variance / len(y))
        expect(abs(y.mean() - mean) <= 6 * error, f"expectation {mean:.6g}", f"sample mean {y.mean():.6g} +- {error:.2g}")
        square = (y - mean) ** 2
        error = square.std() / np.sqrt(len(y))
        if error < 0.1 * min(variance, square.mean()):  # with heavier tails the sample variance is too inexact
            expect(
                abs(square.mean() - variance) <= 8 * error,
                f"variance {variance:.6g}",
                f"sample variance {square.mean():.6g} +- {error:.2g}",
            )


def sampler(law: Likelihood, rng: np.random.Generator) -> None:
    """Draws lie in the support, and cdf makes them uniform."""
    law, _, theta = draw(law.predictive, rng, 3000)
    y = law.rvs(rng, (3000,), **theta)
    expect(np.shape(y) == (3000,), f"rvs of shape {np.shape(y)}", "(3000,)")
    expect(law.support.contains(y).all(), f"samples {y[~law.support.contains(y)][:3]}", f"values in {law.support}")
    upper = law.cdf(y, **theta)
    lower = _before(law, y, theta)
    level = lower + rng.uniform(size=3000) * (upper - lower)
    p = stats.kstest(level, "uniform").pvalue
    expect(p > 1e-5, f"cdf(rvs) far from uniform (Kolmogorov-Smirnov p = {p:.1e})", "uniform values")
