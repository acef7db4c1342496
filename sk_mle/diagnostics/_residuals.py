"""Residuals: one number per row that says how far the observation lies from what the model expects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._utils.messages import rows_text
from ..likelihoods._functions import title
from ._observed import Observed, log_masses, normal_scores, observed
from ._saturated import saturated


def quantile_residuals(
    fitted: Any, X: Any, y: ArrayLike | None = None, *, random_state: int | np.random.RandomState | None = None
) -> np.ndarray:
    r"""Randomised quantile residuals: standard normal, for every law, where the model is right.

    .. math:: r_i = \Phi^{-1}(u_i), \quad u_i = F_i(y_i) \text{ for a density, else uniform on }
        [P(Y < y_i),\, P(Y \le y_i)]

    and uniform over the probabilities of the interval in which a censored or rounded value is known to lie. Computed from the
    logarithm of the smaller tail, so that residuals beyond 8, where probabilities round to one, are exact as well. R:
    ``statmod::qresid``, ``gamlss::resid``.

    Parameters
    ----------
    fitted : estimator
        Of this package, or a pipeline, search or transformed target that ends in one.
    X, y : array-like
        As for `fit`. Classes are taken in the order of `ordered_classes_`.
    random_state : int, RandomState or None
        Of the randomisation, which laws with a density do not need.

    Returns
    -------
    ndarray of shape (n,)
        Infinite where y is impossible under the model.

    Raises
    ------
    ValueError
        For laws of several targets.

    References
    ----------
    Dunn, P. K., Smyth, G. K. (1996). Randomized quantile residuals. Journal of Computational and Graphical Statistics 5,
    236-244. doi:10.1080/10618600.1996.10474708

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.diagnostics import quantile_residuals
    >>> X = np.repeat([[0.0], [1.0]], 4, axis=0)
    >>> model = MLERegressor("poisson").fit(X, [1, 2, 0, 1, 3, 5, 4, 4])
    >>> quantile_residuals(model, [[0.0], [1.0]], [1, 40], random_state=0).round(2)
    array([ 0.18, 10.63])
    """
    observations = observed(fitted, X, y)
    return normal_scores(observations.dist, observations.y, random_state)


def response_residuals(fitted: Any, X: Any, y: ArrayLike | None = None) -> np.ndarray:
    """y minus its predicted mean, in the unit of y.

    Parameters
    ----------
    fitted : estimator
    X, y : array-like
        As for `fit`; of two classes, y is the code 0 or 1.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        Where the mean does not exist, for censored values, and for more than two classes: their codes have no distance.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.diagnostics import response_residuals
    >>> X, y = [[0], [1], [2]], [1.0, 4.0, 4.0]
    >>> response_residuals(MLERegressor().fit(X, y), X, y).round(2)
    array([-0.5,  1. , -0.5])
    """
    observations = _exact(fitted, X, y)
    return observations.y - _finite(observations.dist.mean(), "mean", observations)


def pearson_residuals(fitted: Any, X: Any, y: ArrayLike | None = None) -> np.ndarray:
    r"""y minus its predicted mean, in predicted standard deviations.

    .. math:: r_i = \frac{y_i - E Y_i}{\sqrt{\mathrm{Var}\, Y_i}}

    For a Gamma or a normal law this divides by the estimated shape or scale; `resid_pearson` of statsmodels and
    ``residuals(type="pearson")`` of R take that to be one.

    Parameters
    ----------
    fitted : estimator
    X, y : array-like
        As for `fit`; of two classes, y is the code 0 or 1.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        Where mean or variance do not exist, for censored values, and for more than two classes.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.diagnostics import pearson_residuals
    >>> X, y = [[0], [0], [1], [1]], [1, 3, 4, 12]
    >>> pearson_residuals(MLERegressor("poisson").fit(X, y), X, y).round(3)
    array([-0.707,  0.707, -1.414,  1.414])
    """
    observations = _exact(fitted, X, y)
    residual = observations.y - _finite(observations.dist.mean(), "mean", observations)
    return residual / _finite(observations.dist.std(), "variance", observations)


def deviance_residuals(fitted: Any, X: Any, y: ArrayLike | None = None) -> np.ndarray:
    r"""Signed root of twice the log-likelihood that a row loses against its own best fit.

    .. math:: r_i = \mathrm{sign}(y_i - E Y_i) \sqrt{2\,(\max_\eta \ell_i(\eta) - \ell_i(\hat\eta_i))}

    with :math:`\eta` the linear predictor of the first parameter, the others held. Squares sum to the deviance. For Poisson,
    Bernoulli, Binomial and NegativeBinomial it is `resid_deviance` of statsmodels and R; for Gamma and Normal that divided by
    the square root of the dispersion, 1 / shape and scale**2. The sign is that of y minus the median where no mean exists,
    and for a censored row says on which side of the interval more of the distribution lies.

    Parameters
    ----------
    fitted : estimator
    X, y : array-like
        As for `fit`; of two classes, y is the code 0 or 1.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        For more than two classes, and where the log-likelihood of a row has no upper bound.

    References
    ----------
    McCullagh, P., Nelder, J. A. (1989). Generalized Linear Models, 2nd ed., section 2.4.3. doi:10.1201/9780203753736

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.diagnostics import deviance_residuals
    >>> X, y = [[0], [0], [1], [1]], [0, 4, 4, 12]
    >>> deviance_residuals(MLERegressor("poisson").fit(X, y), X, y).round(3)
    array([-2.   ,  1.243, -1.567,  1.316])
    """
    observations = _with_distances(observed(fitted, X, y))
    law, eta = observations.model.likelihood_, observations.model.fit_.eta(observations.data.X)
    fitted_loglik = law.evaluate(observations.data.y, eta, 0).loglik
    loss = saturated(law, observations.model.fit_.first, observations.data.y, eta) - fitted_loglik
    bad = np.flatnonzero(~np.isfinite(loss))
    if len(bad):
        raise ValueError(
            f"the log-likelihood of {rows_text(bad)} has no upper bound in the first parameter, or is not finite at the "
            "prediction, so no deviance exists; use quantile_residuals"
        )
    below, _, above = log_masses(observations.dist, observations.y)
    mean = observations.dist.mean()
    if not np.isfinite(mean).all():
        mean = np.where(np.isfinite(mean), mean, observations.dist.median())
    low = observations.y if observations.y.ndim == 1 else observations.y[:, 0]
    sign = np.where(observations.exact, np.sign(low - mean), np.sign(below - above))
    return sign * np.sqrt(2 * np.maximum(loss, 0.0))


def _with_distances(observations: Observed) -> Observed:
    """Raise for more than two classes: their codes have no distance."""
    law = observations.model.likelihood_
    if law.target_type == "classes" and len(observations.model.classes_) > 2:
        raise ValueError(f"{len(observations.model.classes_)} classes have no distance from a mean; use quantile_residuals")
    return observations


def _exact(fitted: Any, X: Any, y: Any) -> Observed:
    """Observations that are exact numbers; raises for others."""
    observations = _with_distances(observed(fitted, X, y))
    bad = np.flatnonzero(~observations.exact)
    if len(bad):
        raise ValueError(f"y is known only up to an interval in {rows_text(bad)}; use quantile_residuals or deviance_residuals")
    return observations._replace(y=observations.y if observations.y.ndim == 1 else observations.y[:, 0])


def _finite(values: np.ndarray, what: str, observations: Observed) -> np.ndarray:
    """The values; raises for rows in which they are not finite."""
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        law = title(observations.dist.likelihood)
        raise ValueError(f"the {what} of {law} does not exist in {rows_text(bad)}; use quantile_residuals")
    return values
