"""Distances between predictive distributions, and the share of the log-likelihood that a model explains."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from .._model.validation import check_weight
from .._predictive.distribution import Distribution
from ..likelihoods._fallbacks.facts import resolved
from ._rows import add_up, atoms, check_dist, integrate, lattice, plain, single, spread, summed_up, target
from ._scores import log_score

NEGLIGIBLE_PROBABILITY = 1e-14  # probability that floating point numbers do not tell from none


def kl_divergence(p, q, *, sample_weight=None, per_row=False):
    r"""Kullback-Leibler divergence from p to q, in nats: what the log score loses where q is predicted and p is true.

    .. math:: \mathrm{KL}(p, q) = E_p[\log p(Y) - \log q(Y)] = E_p[-\log q(Y)] - H(p) \ge 0

    In closed form where both have the same law and it has one (its method `divergence`), elsewhere by adaptive quadrature
    between quantiles of p, or by sums. Infinite where q rules out what p does not.

    Parameters
    ----------
    p, q : Distribution
        Of one target, both of n rows.
    sample_weight : array-like of shape (n,), optional
    per_row : bool, default=False
        Return the (n,) values in place of their weighted mean.

    Returns
    -------
    float or ndarray of shape (n,)

    Raises
    ------
    TypeError
        For laws of several targets, and what is not a distribution.
    ValueError
        For different numbers of rows.

    References
    ----------
    Kullback, S., Leibler, R. A. (1951). On information and sufficiency. Annals of Mathematical Statistics 22, 79-86.
    doi:10.1214/aoms/1177729694

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> p = Distribution("normal", {"loc": [0.0, 0.0], "scale": [1.0, 1.0]})
    >>> q = Distribution("student_t", {"loc": [0.0, 1.0], "scale": [1.0, 1.0], "df": [4.0, 4.0]})
    >>> kl_divergence(p, q, per_row=True).round(4)
    array([0.0463, 0.4195])
    """
    for name, dist in (("p", p), ("q", q)):
        check_dist(dist, name)
        single(dist, "kl_divergence")
    n = max(len(dist) if dist.shape else 1 for dist in (p, q))
    p, q = spread(p, n), spread(q, n)
    if len(p) != len(q):
        raise ValueError(f"kl_divergence: p has {len(p)} rows, but q has {len(q)}")
    laws = [resolved(dist.likelihood) for dist in (p, q)]
    closed = laws[0].divergence if plain(p) and plain(q) and type(laws[0]) is type(laws[1]) else None
    values = np.full(n, np.nan)
    if closed is not None:
        with np.errstate(all="ignore"):
            values = np.array(np.broadcast_to(closed(p.params, q.params), (n,)))
    rest = np.isnan(values)
    if rest.any():
        values[rest] = numerical_divergence(p[rest], q[rest])
    return summed_up(values, sample_weight, per_row, "kl_divergence", infinite=True)


def numerical_divergence(p, q) -> np.ndarray:
    """The divergence of every row from the two log densities alone."""
    if lattice(p) != lattice(q):
        return np.full(len(p), np.inf)
    lacking = np.zeros(len(p), dtype=bool)

    def gain(one, other, y, scale, rows):
        """p (log p - log q), of which the rows where q is zero are noted in place of an infinity."""
        here, there = one.logpdf(y), other.logpdf(y)
        with np.errstate(all="ignore"):
            mass = np.exp(here)
            gone = (mass * scale > NEGLIGIBLE_PROBABILITY) & (there == -np.inf)
            lacking[rows] |= gone if gone.ndim == 1 else gone.any(axis=0)
            return np.where((mass > 0) & (there > -np.inf), mass * (here - there), 0.0)

    everywhere = slice(None)
    if lattice(p):
        total = add_up(lambda part, rows, k: gain(part, q[rows], k, 1.0, rows), p, reach=1e-15)
        return np.where(lacking, np.inf, np.maximum(total, 0.0))
    width = p.ppf(np.full(len(p), 0.75)) - p.ppf(np.full(len(p), 0.25))
    points = sorted({*atoms(p), *atoms(q)})
    at = [gain(p, q, np.full(len(p), point), 1.0, everywhere) for point in atoms(p) if point in atoms(q)]
    for point in atoms(p):
        if point not in atoms(q):
            lacking |= (
                p.cdf(np.full(len(p), point)) > p.cdf(np.full(len(p), np.nextafter(point, -np.inf))) + NEGLIGIBLE_PROBABILITY
            )

    def f(t):
        away = ~np.isin(t, points)
        return np.where(away, gain(p, q, t, np.where(away, 1e-6 * width, 0.0), everywhere), 0.0)

    total = integrate(f, p, points, size=np.ones(len(p)), tolerance=1e-9) + sum(at)
    total = np.where(total < -1e-6, np.nan, np.maximum(total, 0.0))  # mass closer to an end than numbers can tell
    return np.where(lacking, np.inf, total)


def d2_log_likelihood(y, dist, *, null=None, sample_weight=None):
    r"""Share of the log-likelihood that the model explains, beside the same law without covariates; higher is better.

    1 is perfect, 0 no better than the null model, negative worse. Of discrete laws, whose perfect log-likelihood is zero,
    McFadden's :math:`1 - \ell / \ell_0` of the mean log-likelihoods; for classes it is `sklearn.metrics.d2_log_loss_score`.
    Densities have no such zero and depend on the unit of y: there it is :math:`1 - \exp\{-2 (\ell - \ell_0)\}`, which does not,
    and which is R² for a normal law of one scale.

    Parameters
    ----------
    y : array-like of shape (n,), or (n, K)
    dist : Distribution
    null : Distribution, optional
        What to compare with, such as the distribution of an intercept-only model fitted to the training data. Default: the
        law of `dist` without covariates, fitted to y itself.
    sample_weight : array-like of shape (n,), optional

    Returns
    -------
    float

    References
    ----------
    McFadden, D. (1974). Conditional logit analysis of qualitative choice behavior. In Zarembka, P. (ed.), Frontiers in
    Econometrics, 105-142. Academic Press.

    Cox, D. R., Snell, E. J. (1989). Analysis of Binary Data, second edition. Chapman and Hall. doi:10.1201/9781315137391

    Examples
    --------
    >>> from sk_mle import Distribution
    >>> dist = Distribution("normal", {"loc": [1.0, 2.0, 3.0, 4.0], "scale": [0.5] * 4})
    >>> round(d2_log_likelihood([0.5, 2.5, 2.5, 4.5], dist), 4)
    0.875
    """
    y = target(y, dist, "d2_log_likelihood", several=True)
    weight = check_weight(sample_weight, len(y))
    null = _fitted(y, dist, weight) if null is None else null
    model, base = (-log_score(y, law, sample_weight=weight) for law in (dist, null))
    if not dist.likelihood.support.integer:
        return float(-np.expm1(-2 * (model - base)))
    if base == 0:
        raise ValueError("d2_log_likelihood: the null model is perfect, as y has one value only; there is nothing to explain")
    return float(1 - model / base)


def _fitted(y, dist, weight) -> Distribution:
    """The law without covariates, at its maximum likelihood for y."""
    if not plain(dist):
        raise TypeError("d2_log_likelihood of a transformed target needs null=, the distribution of the model to compare with")
    law, keep = dist.likelihood, weight > 0
    known = {name: np.broadcast_to(dist.params[name], (len(y),)) for name in law.known}
    start = law.start(y[keep], weight[keep]) if law.free else {}
    sizes = {name: law.parameter(name).shape for name in law.free}
    first = [
        np.ravel(np.broadcast_to(law.parameter(name).link.link(np.asarray(start[name], float)), sizes[name]))
        for name in law.free
    ]
    cuts = np.cumsum([len(part) for part in first])[:-1]

    def params(point):
        parts = zip(law.free, np.split(point, cuts), strict=True)
        eta = {name: np.broadcast_to(part.reshape(sizes[name]), (len(y), *sizes[name])) for name, part in parts}
        theta = law.theta(eta)
        return {name: theta.get(name, value) for name, value in (theta | law.fixed).items()} | known

    def loss(point):
        with np.errstate(all="ignore"):
            value = -np.average(law.loglik(y, **params(point))[keep], weights=weight[keep])
        return value if np.isfinite(value) else 1e10

    if not law.free:
        return Distribution(law, known)
    begin = np.concatenate(first)
    found = minimize(loss, begin, method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-9})
    return Distribution(law, params(found.x if found.fun <= loss(begin) else begin))
