"""What is fitted: data, our estimator and the negative log-likelihood of every law, and the sizes at which each is timed.

The negative log-likelihoods are written out here, from linear predictors alone, so that both sides are judged by the same
function and by none of their own.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array
from scipy.special import betaln, expit, gammaln, logsumexp

from sk_mle import MLEClassifier, MLERegressor, censored
from sk_mle.domains import POSITIVE, REAL
from sk_mle.likelihoods import (
    Beta,
    Censored,
    Gamma,
    Likelihood,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Weibull,
    ZeroInflated,
)

Size = namedtuple("Size", "n p alpha sparse", defaults=[0.0, False])  # alpha: ridge, on the scale of the mean NLL
SIZES = {
    "1e3x5": Size(1000, 5),
    "1e4x20": Size(10_000, 20),
    "1e5x20": Size(100_000, 20),
    "1e6x20": Size(1_000_000, 20),
    "2e5x100": Size(200_000, 100),
    "2e4x1000": Size(20_000, 1000),
    "500x2000": Size(500, 2000, 0.01),
    "sparse": Size(1_000_000, 10_000, 1e-5, True),  # ten entries a row
}
COLUMNS = ("iid", "correlated")
CLASSES = 10
LARGE = ("1e5x20", "1e6x20", "2e5x100", "2e4x1000", "500x2000", "sparse")

Case = namedtuple("Case", "X y alpha")


@lru_cache(maxsize=1)
def make_columns(size: Size, columns: str):
    """X, and linear predictors of standard deviation 0.7 whatever the columns."""
    n, p, _, sparse = size
    rng = np.random.default_rng(0)
    values = rng.normal(size=(n, 10 if sparse else p))
    scales = np.ones(p)
    if columns == "correlated":  # every pair of columns correlates by 0.9; scales run from 0.1 to 10
        values *= np.sqrt(0.1)
        values += np.sqrt(0.9) * rng.normal(size=(n, 1))
        scales = np.geomspace(0.1, 10, p)
    if sparse:
        # correlated: a row's entries stand in neighbouring columns, so that near columns share rows; scales are shuffled
        near = columns == "correlated"
        scales = rng.permutation(scales)
        at = (rng.integers(p, size=(n, 1)) + np.arange(10)) % p if near else rng.integers(p, size=(n, 10))
        X = csr_array(((values * scales[at]).ravel(), at.ravel(), np.arange(0, 10 * n + 1, 10)), shape=(n, p))
        X.sum_duplicates()
    else:
        X = values
        X *= scales
    eta = X @ (rng.normal(size=(p, CLASSES)) / scales[:, None])
    return X, 0.7 * (eta - eta.mean(axis=0)) / eta.std(axis=0)


class Density(Likelihood):
    """Gumbel's law as a user writes it: a density, no derivatives."""

    parameters = {"loc": REAL, "scale": POSITIVE}
    support = REAL

    def __init__(self, *, loc=None, scale=None, links=None):
        self.loc, self.scale, self.links = loc, scale, links

    def loglik(self, y, loc, scale):
        z = (y - loc) / scale
        return -z - np.exp(-z) - np.log(scale)


@dataclass(frozen=True)
class Law:
    """`draw(rng, eta)` makes y; `nll(y, *predictors)` is that of each row; `model(alpha)` is what we fit."""

    draw: Callable
    nll: Callable
    model: Callable
    sizes: tuple[str, ...] = ("1e3x5", "1e5x20")
    target: Callable = np.asarray  # y as our fit takes it


def _normal(y, loc, log_scale):
    return 0.5 * np.log(2 * np.pi) + log_scale + 0.5 * ((y - loc) * np.exp(-log_scale)) ** 2


def _negative_binomial(y, eta, log_dispersion):
    r = np.exp(-log_dispersion)
    total = np.logaddexp(eta, -log_dispersion)
    return gammaln(r) + gammaln(y + 1) - gammaln(y + r) + r * (log_dispersion + total) - y * (eta - total)


def _student(y, loc, log_scale, log_df):
    df, z = np.exp(log_df), (y - loc) * np.exp(-log_scale)
    return betaln(0.5, df / 2) + 0.5 * log_df + log_scale + 0.5 * (df + 1) * np.log1p(z**2 / df)


def _beta(y, eta, log_precision):
    a, b = (np.exp(log_precision) * expit(side) for side in (eta, -eta))
    return betaln(a, b) - (a - 1) * np.log(y) - (b - 1) * np.log1p(-y)


def _weibull(y, log_scale, log_shape):
    time, event = y.T
    z = np.exp(log_shape) * (np.log(time) - log_scale)
    return np.exp(z) - event * (log_shape + z - np.log(time))


def _zero_inflated(y, eta, logit):
    zero, other = np.logaddexp(0, -logit), np.logaddexp(0, logit)  # minus log P(inflated), minus log P(not)
    rest = other + np.exp(eta) - y * eta + gammaln(y + 1)
    return np.where(y == 0, -np.logaddexp(-zero, -rest), rest)


def _gumbel(y, loc, log_scale):
    z = (y - loc) * np.exp(-log_scale)
    return z + np.exp(-z) + log_scale


def _multinomial(y, eta):
    return logsumexp(eta, axis=1) - eta[np.arange(len(y)), y]


def _durations(rng, eta):
    life, end = np.exp(1 + eta[:, 0]) * rng.weibull(1.5, len(eta)), rng.uniform(1, 10, len(eta))
    return np.column_stack([np.minimum(life, end), life <= end])


def _mean(eta):
    return np.exp(0.5 + eta[:, 0])


def _regressor(law, **options):
    return lambda alpha: MLERegressor(law(), alpha=alpha, **options)


LAWS = {
    "linear": Law(
        lambda rng, eta: 1 + eta[:, 0] + rng.normal(size=len(eta)),
        _normal,
        lambda alpha: MLERegressor(Normal(scale=1.0) if alpha else Normal(), alpha=alpha),
        ("1e3x5", *LARGE),
    ),
    "logistic": Law(
        lambda rng, eta: (rng.uniform(size=len(eta)) < expit(eta[:, 0] - 0.5)).astype(int),
        lambda y, eta: np.logaddexp(0, eta) - y * eta,
        lambda alpha: MLEClassifier(alpha=alpha),
        ("1e3x5", *LARGE),
    ),
    "multinomial": Law(
        lambda rng, eta: (eta + rng.gumbel(size=eta.shape)).argmax(axis=1),
        _multinomial,
        lambda alpha: MLEClassifier(alpha=alpha),
        ("1e3x5", "1e5x20", "500x2000"),
    ),
    "poisson": Law(
        lambda rng, eta: rng.poisson(_mean(eta)).astype(float),
        lambda y, eta: np.exp(eta) - y * eta + gammaln(y + 1),
        _regressor(Poisson),
        ("1e3x5", *(size for size in LARGE if size != "2e4x1000")),
    ),
    "gamma": Law(  # with shape 1, as in GammaRegressor
        lambda rng, eta: rng.gamma(2.0, _mean(eta) / 2),
        lambda y, eta: eta + y * np.exp(-eta),
        _regressor(lambda: Gamma(shape=1.0)),
        ("1e3x5", "1e5x20", "500x2000"),
    ),
    "negative-binomial": Law(
        lambda rng, eta: rng.poisson(rng.gamma(2.0, _mean(eta) / 2)).astype(float),
        _negative_binomial,
        _regressor(NegativeBinomial),
    ),
    "heteroscedastic": Law(
        lambda rng, eta: 1 + eta[:, 0] + np.exp(0.6 * eta[:, 1]) * rng.normal(size=len(eta)),
        _normal,
        _regressor(Normal, predictors={"scale": "all"}),
    ),
    "student-t": Law(
        lambda rng, eta: 1 + eta[:, 0] + rng.standard_t(5, len(eta)),
        _student,
        _regressor(StudentT),
    ),
    "beta": Law(
        lambda rng, eta: np.clip(rng.beta(8 * expit(eta[:, 0]), 8 * expit(-eta[:, 0])), 1e-12, 1 - 1e-12),
        _beta,
        _regressor(Beta),
    ),
    "weibull-censored": Law(
        _durations,
        _weibull,
        _regressor(lambda: Censored(Weibull())),
        target=lambda y: censored(y[:, 0], event=y[:, 1] > 0),
    ),
    "zero-inflated": Law(
        lambda rng, eta: np.where(rng.uniform(size=len(eta)) < 0.3, 0.0, rng.poisson(_mean(eta))),
        _zero_inflated,
        _regressor(lambda: ZeroInflated(Poisson())),
    ),
    "density-only": Law(
        lambda rng, eta: 1 + eta[:, 0] + rng.gumbel(size=len(eta)),
        _gumbel,
        _regressor(Density),
    ),
}


def make_case(law: str, size: Size, columns: str) -> Case:
    X, eta = make_columns(size, columns)
    return Case(X, LAWS[law].draw(np.random.default_rng(1), eta), size.alpha)


def our_fit(law: str, case: Case, n_jobs=None):
    """Our estimator with its default solver and tolerance, fitted."""
    return LAWS[law].model(case.alpha).set_params(n_jobs=n_jobs).fit(case.X, LAWS[law].target(case.y))


def our_coefficients(model) -> list:
    """Per parameter, in order, the coefficients and the intercept of its linear predictor."""
    return [(model.coefs_[name], model.intercepts_[name]) for name in model.coefs_]


def mean_nll(law: str, case: Case, fit: list) -> float:
    """Penalised mean negative log-likelihood of coefficients as `our_coefficients` gives them."""
    predictors = [case.X @ np.asarray(coef).T + intercept if np.size(coef) else intercept for coef, intercept in fit]
    if law == "linear" and len(predictors) == 1:  # no scale was estimated: the best one, or that of a ridge penalty
        predictors.append(0.0 if case.alpha else 0.5 * np.log(np.mean((case.y - predictors[0]) ** 2)))
    return float(np.mean(LAWS[law].nll(case.y, *predictors)) + 0.5 * case.alpha * np.sum(np.square(fit[0][0])))
