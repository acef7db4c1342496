"""`check_likelihood`: what every likelihood must satisfy, as `check_estimator` is for estimators.

Each check draws its parameters from the domains that the law declares, so a wrong domain is found out too. Our own suite
loops it over every shipped law.
"""

from __future__ import annotations

import pickle
import warnings

import numpy as np
from scipy import integrate, stats
from sklearn.base import clone

from ._classifier import MLEClassifier
from ._regressor import MLERegressor
from .datasets import make_mle_regression
from .likelihoods import Likelihood
from .likelihoods._numeric import differentiate

__all__ = ["check_likelihood"]


def check_likelihood(likelihood, *, random_state=0, skip=()) -> None:
    """Check a likelihood: declarations, derivatives, distribution functions, sampling, fits.

    Parameters
    ----------
    likelihood : Likelihood
        An instance; parameters given as numbers stay fixed.
    random_state : int
        Seed of all draws.
    skip : collection of str
        Names of checks to leave out, such as "sampler".

    Raises
    ------
    AssertionError
        Lists every check that failed, with what was found and what was expected.

    Notes
    -----
    The checks: "declaration", "clone_and_pickle", "derivatives", "fused_forms", "fisher", "normalised", "cdf_and_ppf",
    "moments", "sampler", "start", "extremes", "weights", "recovery".

    Examples
    --------
    >>> from sk_mle.likelihoods import Gamma
    >>> from sk_mle.testing import check_likelihood
    >>> check_likelihood(Gamma())
    """
    failures = []
    unknown = set(skip) - set(_CHECKS)
    if unknown:
        raise ValueError(f"skip names unknown checks {sorted(unknown)}; the checks are {list(_CHECKS)}")
    if not isinstance(likelihood, Likelihood):
        raise TypeError(f"check_likelihood needs an instance of a Likelihood, got {likelihood!r}")
    for name, check in _CHECKS.items():
        if name in skip:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check(clone(likelihood), np.random.default_rng(random_state))
        except AssertionError as error:
            failures.append(f"{name}: {error}")
        except Exception as error:
            failures.append(f"{name}: raised {type(error).__name__}: {error}")
    if failures:
        raise AssertionError(f"{type(likelihood).__name__} fails {len(failures)} check(s)\n  " + "\n  ".join(failures))


def _expect(condition, found, expected):
    if not condition:
        raise AssertionError(f"found {found}, expected {expected}")


def _close(found, expected, rtol, atol, what):
    found, expected = np.broadcast_arrays(np.asarray(found, float), np.asarray(expected, float))
    _expect(np.isfinite(found).all(), f"non-finite {what} {found[~np.isfinite(found)][:3]}", "finite values")
    wrong = np.abs(found - expected) > atol + rtol * np.abs(expected)
    if wrong.any():
        worst = int(np.argmax(np.where(wrong, np.abs(found - expected), -1)))
        raise AssertionError(f"{what}: found {found.flat[worst]:.12g}, expected {expected.flat[worst]:.12g}")


def _draw(law, rng, n):
    """A bound law, linear predictors and parameters of n samples."""
    law = law.bind(np.arange(3.0)) if law.support.integer else law
    theta = {}
    for name in law.parameters:
        basis = law.contrast(name)
        size = n if basis is None else (n, len(basis))
        theta[name] = law.parameters[name].draw(rng, size) if name in law.free else law.fixed[name]
    eta = {name: np.asarray(law.link(name).link(theta[name]), float) for name in law.free}
    return law, eta, theta


def _sample(law, rng, n):
    law, eta, theta = _draw(law, rng, n)
    y = np.asarray(law.rvs(rng, (n,), **theta), float)
    if not law.smooth:  # away from the kinks, where derivatives exist
        first = law.free[0]
        keep = np.abs(law.kinks(y, **theta) - theta[first]) > 0.5 * np.median(np.abs(law.kinks(y, **theta) - theta[first]))
        y, eta = y[keep], {name: value[keep] for name, value in eta.items()}
        theta = {name: value[keep] if np.ndim(value) else value for name, value in theta.items()}
    return law, eta, theta, y


def _declaration(law, rng):
    _expect(len(law.parameters) > 0, "no parameters", "a dict of names to domains")
    law.check()
    parameters = law.get_params(deep=False)
    missing = [name for name in parameters if name not in (*law.parameters, "links") and not hasattr(law, name)]
    _expect(not missing, f"constructor arguments without an attribute {missing}", "self.name = name for each")
    law, _, _, y = _sample(law, rng, 20)
    _expect(law.support.contains(y).all(), f"samples {y[~law.support.contains(y)][:3]}", f"values in {law.support}")


def _clone_and_pickle(law, rng):
    bound, _, theta, y = _sample(law, rng, 10)
    value = bound.loglik(y, **theta)
    _close(clone(bound).loglik(y, **theta), value, 0, 0, "loglik of the clone")
    _close(pickle.loads(pickle.dumps(bound)).loglik(y, **theta), value, 0, 0, "loglik of the unpickled law")
    _expect(np.shape(value) == y.shape, f"loglik of shape {np.shape(value)}", f"one value per sample, {y.shape}")


def _stacked(law, eta):
    names = law.free
    widths = [1 if eta[name].ndim == 1 else eta[name].shape[1] for name in names]
    ends = np.cumsum(widths)

    def unstack(points):
        parts = np.split(points, ends[:-1], axis=1)
        return {name: part if eta[name].ndim > 1 else part[:, 0] for name, part in zip(names, parts, strict=True)}

    return np.concatenate([eta[name].reshape(len(eta[name]), -1) for name in names], axis=1), unstack, dict(zip(names, ends - widths, strict=True)), widths


def _derivatives(law, rng):
    law, eta, _, y = _sample(law, rng, 60)
    points, unstack, firsts, _ = _stacked(law, eta)
    _, slope, bend = differentiate(lambda p: law.evaluate(y, unstack(p), 0).loglik, points, 2, True)
    result = law.evaluate(y, eta, 2)
    slopes = unstack(slope)
    for name in law.free:
        scale = 1 + np.abs(slopes[name]).max()
        _close(result.gradient[name], slopes[name], 1e-7, 1e-7 * scale, f"gradient in the linear predictor of {name}")
    for a in law.free:
        for b in law.free[law.free.index(a) :]:
            block = result.information.get((a, b), result.information.get((b, a), np.zeros(len(y))))
            block = np.reshape(block, (len(y), *(np.shape(block)[1:] or (1, 1))))
            rows, columns = slice(firsts[a], firsts[a] + block.shape[1]), slice(firsts[b], firsts[b] + block.shape[2])
            expected = -bend[:, rows, columns]
            scale = 1 + np.abs(expected).max()
            _close(block, expected, 1e-5, 1e-6 * scale, f"observed information of ({a}, {b})")


def _fused_forms(law, rng):
    law, eta, _, y = _sample(law, rng, 60)
    if type(law).evaluate is Likelihood.evaluate:
        return
    own, derived = law.evaluate(y, eta, 2), Likelihood.evaluate(law, y, eta, 2)
    _close(own.loglik, derived.loglik, 1e-9, 1e-9, "loglik of evaluate against loglik(y, **params)")
    for name in law.free:
        _close(own.gradient[name], derived.gradient[name], 1e-8, 1e-8, f"evaluate's gradient of {name} against the chain rule")


def _fisher(law, rng):
    if law.fisher is None:
        return
    law, eta, theta = _draw(law, rng, 4)
    for i in range(4):
        one = {name: np.repeat(value[i : i + 1], 20000, axis=0) for name, value in eta.items()}
        y = law.rvs(rng, (20000,), **law.theta(one))
        result = law.evaluate(y, one, 2, "expected")
        for a in law.free:
            slope = result.gradient[a].reshape(20000, -1)
            _within_error(slope, 0.0, f"mean of the score of {a}")
            for b in law.free:
                block = result.information.get((a, b), np.zeros(20000))
                if (b, a) in result.information and (a, b) not in result.information:
                    continue
                block = np.broadcast_to(block.reshape(len(block), *(block.shape[1:] or (1, 1))), (20000, *(block.shape[1:] or (1, 1))))
                product = slope[:, :, None] * result.gradient[b].reshape(20000, 1, -1)
                if (a, b) in result.information or (b, a) not in result.information:
                    _within_error(product, block[0], f"expected information of ({a}, {b}), against the variance of the score")


def _within_error(draws, expected, what):
    """The mean of the draws against the value expected, within six standard errors."""
    mean, error = draws.mean(axis=0), draws.std(axis=0) / np.sqrt(len(draws)) + 1e-12
    wrong = np.abs(mean - expected) > 6 * error
    _expect(not wrong.any(), f"{what} = {np.broadcast_to(expected, mean.shape)[wrong][:1]}", f"{mean[wrong][:1]} +- {error[wrong][:1]}")


def _row(theta, i):
    return {name: value[i] if np.ndim(value) else value for name, value in theta.items()}


def _normalised(law, rng):
    law, _, theta = _draw(law, rng, 6)
    levels = np.array([1e-9, 1e-4, 0.05, 0.3, 0.5, 0.7, 0.95, 1 - 1e-4, 1 - 1e-9])
    to_x, to_y, slope = _stretched(law.support)
    for i in range(6):
        row = _row(theta, i)
        with np.errstate(all="ignore"):
            cuts = np.array([float(law.ppf(np.float64(level), **row)) for level in levels])
            if law.support.integer:
                k = np.arange(max(law.support.low, cuts[0] - 100), min(law.support.high, 3 * cuts[-1] + 500) + 1)
                k = k if law.contrast(law.free[0]) is None else k[: len(row[law.free[0]])]
                total, expected = np.exp(_mass(law, k, row)).sum(), 1.0
            else:
                density = lambda x, row=row: float(np.exp(law.loglik(np.float64(to_y(x)), **row)) * slope(x))
                cuts = cuts[law.support.contains(cuts)]  # a singular end may hold quantiles that round to it
                ends = np.unique(to_x(cuts))
                total = sum(integrate.quad(density, a, b, limit=200)[0] for a, b in zip(ends[:-1], ends[1:], strict=True))
                expected = float(law.cdf(cuts[-1], **row) - law.cdf(cuts[0], **row))
                if len(cuts) == len(levels):
                    expected = 1.0
        _close(total, expected, 1e-6, 0, f"total probability at {_shown(row)}")


def _stretched(support):
    """A line on which heavy tails and singular ends are short: x(y), y(x) and dy/dx."""
    if np.isfinite(support.low) and np.isfinite(support.high):
        size = support.high - support.low
        p = lambda y: (y - support.low) / size
        return (
            lambda y: np.log(p(y)) - np.log1p(-p(y)),
            lambda x: support.low + size / (1 + np.exp(-x)),
            lambda x: size * np.exp(-abs(x)) / (1 + np.exp(-abs(x))) ** 2,
        )
    if np.isfinite(support.low):
        return (lambda y: np.log(y - support.low)), (lambda x: support.low + np.exp(x)), np.exp
    return np.arcsinh, np.sinh, np.cosh


def _mass(law, k, row):
    """loglik at the integers k for one set of parameters."""
    many = {name: np.broadcast_to(value, (len(k), *np.shape(value))) for name, value in row.items()}
    return law.loglik(k, **many)


def _shown(row):
    return ", ".join(f"{name}={np.round(value, 4)}" for name, value in row.items())


def _cdf_and_ppf(law, rng):
    law, _, theta = _draw(law, rng, 40)
    q = rng.uniform(0.001, 0.999, 40)
    y = law.ppf(q, **theta)
    below = law.cdf(y, **theta)
    if law.support.integer:
        _expect((below >= q - 1e-12).all(), f"cdf(ppf(q)) = {below[below < q - 1e-12][:1]}", f"at least q = {q[below < q - 1e-12][:1]}")
        before = law.cdf(y - 1, **theta)
        _expect((before < q).all(), f"cdf(ppf(q) - 1) = {before[before >= q][:1]}", f"less than q = {q[before >= q][:1]}")
    else:
        _close(below, q, 1e-7, 1e-9, "cdf(ppf(q)) against q")
    _close(law.sf(y, **theta), 1 - below, 1e-6, 1e-9, "sf against 1 - cdf")
    with np.errstate(divide="ignore"):
        _close(np.exp(law.logcdf(y, **theta)), below, 1e-7, 1e-10, "exp(logcdf) against cdf")
        _close(np.exp(law.logsf(y, **theta)), law.sf(y, **theta), 1e-7, 1e-10, "exp(logsf) against sf")
    for i in range(4):
        row = _row(theta, i)
        if law.support.integer:
            mass = np.exp(_mass(law, y[i : i + 1], row))[0]
            _close(law.cdf(y[i], **row) - law.cdf(y[i] - 1, **row), mass, 1e-6, 1e-9, "step of the cdf against the mass")
        else:
            other = law.ppf(0.5 * (q[i] + 0.5), **row)
            area = integrate.quad(lambda t, row=row: float(np.exp(law.loglik(np.float64(t), **row))), other, y[i], limit=200)[0]
            _close(law.cdf(y[i], **row) - law.cdf(other, **row), area, 1e-6, 1e-8, "difference of the cdf against the density's integral")


def _moments(law, rng):
    law, _, theta = _draw(law, rng, 4)
    for i in range(4):
        row = {name: np.repeat(np.asarray(value)[i : i + 1], 40000, axis=0) if np.ndim(value) else value for name, value in theta.items()}
        y = np.asarray(law.rvs(rng, (40000,), **row), float)
        one = {name: np.asarray(value)[i : i + 1] if np.ndim(value) else value for name, value in theta.items()}
        mean, variance = (float(np.ravel(f(**one))[0]) for f in (law.expectation, law.variance))
        if not np.isfinite(variance):
            continue
        error = np.sqrt(variance / len(y))
        _expect(abs(y.mean() - mean) <= 6 * error, f"expectation {mean:.6g}", f"sample mean {y.mean():.6g} +- {error:.2g}")
        square = (y - mean) ** 2
        error = square.std() / np.sqrt(len(y))
        if error < 0.1 * variance:  # heavier tails tell nothing at this size
            _expect(abs(square.mean() - variance) <= 8 * error, f"variance {variance:.6g}", f"sample variance {square.mean():.6g} +- {error:.2g}")


def _sampler(law, rng):
    law, _, theta = _draw(law, rng, 3000)
    y = law.rvs(rng, (3000,), **theta)
    _expect(np.shape(y) == (3000,), f"rvs of shape {np.shape(y)}", "(3000,)")
    upper = law.cdf(y, **theta)
    lower = law.cdf(y - 1, **theta) if law.support.integer else upper
    level = lower + rng.uniform(size=3000) * (upper - lower)
    p = stats.kstest(level, "uniform").pvalue
    _expect(p > 1e-5, f"cdf(rvs) far from uniform (Kolmogorov-Smirnov p = {p:.1e})", "uniform values")


def _start(law, rng):
    law, eta, theta = _draw(law, rng, 1)
    row = {name: np.repeat(np.atleast_1d(value)[:1], 300, axis=0) for name, value in theta.items()}
    y = np.asarray(law.rvs(rng, (300,), **row), float)
    found = law.start(y, rng.uniform(0.5, 2, 300))
    for name in law.free:
        _expect(name in found, f"start without {name}", f"values for {law.free}")
        inside = law.parameters[name].contains(found[name])
        _expect(np.all(inside), f"start {name} = {found[name]}", f"a value in {law.parameters[name]}")


def _extremes(law, rng):
    law, eta, _, y = _sample(law, rng, 40)
    for name in law.free:
        for level in (-20.0, 20.0, -500.0, 500.0):
            shift = np.zeros_like(eta[name]) + level
            if eta[name].ndim > 1:
                shift[:, 1:] = 0.0
            result = law.evaluate(y, {**eta, name: shift}, 1)
            where = f"at a linear predictor of {level:g} for {name}"
            _expect(not np.isnan(result.loglik).any(), f"NaN loglik {where}", "a number or -inf")
            if abs(level) < 100 and law.link(name).range.includes(law.parameters[name]) and law.parameters[name].includes(law.link(name).range):
                _expect(np.isfinite(result.loglik).all(), f"loglik {result.loglik.min()} {where}", "finite values")
                finite = all(np.isfinite(value).all() for value in result.gradient.values())
                _expect(finite, f"non-finite gradient {where}", "finite values")


def _model(law):
    return (MLEClassifier if law.classes else MLERegressor)(law)


def _weights(law, rng):
    X, y, _, _ = make_mle_regression(law, n_samples=120, n_features=1, random_state=int(rng.integers(2**31)))
    weight = rng.integers(0, 4, len(y)).astype(float)
    if law.classes:
        weight[:60] = np.maximum(weight[:60], 1)
    repeated = np.repeat(np.arange(len(y)), weight.astype(int))
    one, other = _model(law).fit(X, y, sample_weight=weight), _model(law).fit(X[repeated], y[repeated])
    _close(one.loglikelihood_, other.loglikelihood_, 1e-9, 1e-7, "log-likelihood with weights against repeated rows")
    _close(one.coef_, other.coef_, 1e-5, 1e-5, "coefficients with weights against repeated rows")


def _recovery(law, rng):
    n = 3000
    X, y, coefs, intercepts = make_mle_regression(law, n_samples=n, n_features=2, random_state=int(rng.integers(2**31)))
    model = _model(law).fit(X, y)
    _expect(model.converged_, f"no convergence (gradient {model.optimize_result_.gradient_size:.1e})", "a converged fit")
    law = model.likelihood_
    eta = {name: X @ np.asarray(coefs[name]).T + intercepts[name] for name in law.free}
    truth = law.evaluate(y, eta, 2, "expected")
    gain = model.loglikelihood_ - truth.loglik.sum()
    limit = stats.chi2.isf(1e-7, model.n_params_) / 2
    _expect(-1e-6 <= gain <= limit, f"log-likelihood {gain:.4g} above that of the truth", f"between 0 and {limit:.3g}, by the chi-squared law")
    first = law.free[0]
    slope = np.atleast_2d(model.coefs_[first])
    information = truth.information[first, first]
    information = information if information.ndim == 1 else np.einsum("nkk->n", information) / information.shape[1] ** 2
    error = 1 / np.sqrt(max(np.mean(np.abs(information)) * n, 1e-300))
    expected = np.atleast_2d(coefs[first])
    if law.contrast(first) is not None:
        slope, expected = (value - value.mean(axis=0) for value in (slope, expected))
    _close(slope, expected, 0, 12 * error, f"coefficients of {first} against those of the simulation")


_CHECKS = {
    "declaration": _declaration,
    "clone_and_pickle": _clone_and_pickle,
    "derivatives": _derivatives,
    "fused_forms": _fused_forms,
    "fisher": _fisher,
    "normalised": _normalised,
    "cdf_and_ppf": _cdf_and_ppf,
    "moments": _moments,
    "sampler": _sampler,
    "start": _start,
    "extremes": _extremes,
    "weights": _weights,
    "recovery": _recovery,
}
