"""Divergence between predictive distributions, and the share of the log-likelihood that a model explains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from .._model.validation import check_weight
from .._predictive.distribution import Distribution
from ..likelihoods._functions import resolved
from ._integration import integrate
from ._rows import (
    atoms,
    check_dist,
    check_single_target,
    is_lattice,
    is_untransformed,
    mean_score,
    one_row_each,
    quantiles,
    read_target,
    sum_over_lattice,
)
from ._scores import log_score

NEGLIGIBLE_PROBABILITY = 1e-14  # probability that counts as zero
FURTHER_CUTS = (1e-4, 1e-2, 0.99, 1 - 1e-4)  # levels of quantiles that find peaks of a density in its tails


def kl_divergence(p: Any, q: Any, *, sample_weight: ArrayLike | None = None, per_row: bool = False) -> float | np.ndarray:
    r"""Kullback-Leibler divergence from p to q, in nats: the loss in log score if q is predicted and p is true.

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
        check_single_target(dist, "kl_divergence")
    n = max(len(dist) if dist.shape else 1 for dist in (p, q))
    p, q = one_row_each(p, n), one_row_each(q, n)
    if len(p) != len(q):
        raise ValueError(f"kl_divergence: p has {len(p)} rows, but q has {len(q)}")
    laws = [resolved(dist.likelihood) for dist in (p, q)]
    closed = laws[0].divergence if is_untransformed(p) and is_untransformed(q) and type(laws[0]) is type(laws[1]) else None
    values = np.full(n, np.nan)
    if closed is not None:
        with np.errstate(all="ignore"):
            values = np.array(np.broadcast_to(closed(p.params, q.params), (n,)))
    not_closed = np.isnan(values)
    if not_closed.any():
        values[not_closed] = numerical_divergence(p[not_closed], q[not_closed])
    return mean_score(values, sample_weight, per_row, "kl_divergence", infinite=True)


def numerical_divergence(p: Any, q: Any) -> np.ndarray:
    """The divergence of every row from the two log densities alone."""
    if is_lattice(p) != is_lattice(q):
        return np.full(len(p), np.inf)
    q_is_zero = np.zeros(len(p), dtype=bool)

    def integrand(p_rows: Distribution, q_rows: Distribution, y: np.ndarray, scale: Any, rows: np.ndarray) -> np.ndarray:
        """p (log p - log q); rows in which q is zero are marked in `q_is_zero` instead of being infinite."""
        log_p, log_q = p_rows.logpdf(y), q_rows.logpdf(y)
        with np.errstate(all="ignore"):
            mass = np.exp(log_p)
            impossible = (mass * scale > NEGLIGIBLE_PROBABILITY) & (log_q == -np.inf)
            q_is_zero[rows[impossible.reshape(-1, len(rows)).any(axis=0)]] = True
            return np.where((mass > 0) & (log_q > -np.inf), mass * (log_p - log_q), 0.0)

    all_rows = np.arange(len(p))
    if is_lattice(p):
        total = sum_over_lattice(lambda part, rows, k: integrand(part, q[rows], k, 1.0, rows), p, tail=1e-15)
        return np.where(q_is_zero, np.inf, np.maximum(total, 0.0))
    width = p.ppf(np.full(len(p), 0.75)) - p.ppf(np.full(len(p), 0.25))
    points = sorted({*atoms(p), *atoms(q)})
    at_atoms = [integrand(p, q, np.full(len(p), point), 1.0, all_rows) for point in atoms(p) if point in atoms(q)]
    for point in atoms(p):
        if point not in atoms(q):
            q_is_zero |= (
                p.cdf(np.full(len(p), point)) > p.cdf(np.full(len(p), np.nextafter(point, -np.inf))) + NEGLIGIBLE_PROBABILITY
            )

    def continuous_part(t: np.ndarray, rows: np.ndarray) -> np.ndarray:
        off_atoms = ~np.isin(t, points)
        scale = np.where(off_atoms, 1e-6 * width[rows], 0.0)
        return np.where(off_atoms, integrand(p[rows], q[rows], t, scale, rows), 0.0)

    cuts = [*points, *quantiles(p, FURTHER_CUTS)]
    total = integrate(continuous_part, p, cuts, size=np.ones(len(p)), tolerance=1e-9) + sum(at_atoms)
    total = np.where(total < -1e-6, np.nan, np.maximum(total, 0.0))  # probability nearer to an end than floating point resolves
    return np.where(q_is_zero, np.inf, total)


def d2_log_likelihood(y: ArrayLike, dist: Distribution, *, null: Any = None, sample_weight: ArrayLike | None = None) -> float:
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
    y = read_target(y, dist, "d2_log_likelihood", several=True)
    weight = check_weight(sample_weight, len(y))
    null = _fitted(y, dist, weight) if null is None else null
    model, base = (-log_score(y, law, sample_weight=weight) for law in (dist, null))
    if not dist.likelihood.support.integer:
        return float(-np.expm1(-2 * (model - base)))
    if base == 0:
        raise ValueError("d2_log_likelihood: the null model is perfect, as y has one value only; there is nothing to explain")
    return float(1 - model / base)


def _fitted(y: np.ndarray, dist: Distribution, weight: np.ndarray) -> Distribution:
    """The law without covariates, at its maximum likelihood for y."""
    if not is_untransformed(dist):
        raise TypeError("d2_log_likelihood of a transformed target needs null=, the distribution of the model to compare with")
    law, has_weight = dist.likelihood, weight > 0
    known_params = {name: np.broadcast_to(dist.params[name], (len(y),)) for name in law.layout.known}
    start = law.start(y[has_weight], weight[has_weight]) if law.layout.free else {}
    sizes = {name: law.layout[name].shape for name in law.layout.free}
    start_etas = [
        np.ravel(np.broadcast_to(law.layout[name].link.link(np.asarray(start[name], float)), sizes[name]))
        for name in law.layout.free
    ]
    cuts = np.cumsum([len(part) for part in start_etas])[:-1]

    def params(point: np.ndarray) -> dict:
        parts = zip(law.layout.free, np.split(point, cuts), strict=True)
        eta = {name: np.broadcast_to(part.reshape(sizes[name]), (len(y), *sizes[name])) for name, part in parts}
        theta = law.layout.theta(eta)
        return {name: theta.get(name, value) for name, value in (theta | law.layout.fixed).items()} | known_params

    def loss(point: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            value = -np.average(law.loglik(y, **params(point))[has_weight], weights=weight[has_weight])
        return value if np.isfinite(value) else 1e10

    if not law.layout.free:
        return Distribution(law, known_params)
    start_point = np.concatenate(start_etas)
    solution = minimize(loss, start_point, method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-9})
    return Distribution(law, params(solution.x if solution.fun <= loss(start_point) else start_point))
