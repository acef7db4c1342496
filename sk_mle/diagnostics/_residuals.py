"""Residuals: one number per row that says how far the observation lies from what the model expects."""

from __future__ import annotations

import numpy as np

from .._utils.messages import rows_text
from ..likelihoods._fallbacks.facts import title
from ._observed import Observed, log_masses, normal_scores, observed
from ._saturated import saturated


def quantile_residuals(fitted, X, y, *, random_state=None) -> np.ndarray:
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
    seen = observed(fitted, X, y)
    return normal_scores(seen.dist, seen.y, random_state)


def response_residuals(fitted, X, y) -> np.ndarray:
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
    seen = _numeric(fitted, X, y)
    return seen.y - _finite(seen.dist.mean(), "mean", seen)


def pearson_residuals(fitted, X, y) -> np.ndarray:
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
    seen = _numeric(fitted, X, y)
    residual = seen.y - _finite(seen.dist.mean(), "mean", seen)
    return residual / _finite(seen.dist.std(), "variance", seen)


def deviance_residuals(fitted, X, y) -> np.ndarray:
    r"""Signed root of twice the log-likelihood that a row loses against the best fit to it alone.

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
    seen = _ordered(observed(fitted, X, y))
    law, eta = seen.model.likelihood_, seen.model.fit_.eta(seen.data.X)
    here = law.evaluate(seen.data.y, eta, 0).loglik
    lost = saturated(law, seen.model.fit_.first, seen.data.y, eta) - here
    bad = np.flatnonzero(~np.isfinite(lost))
    if len(bad):
        raise ValueError(
            f"the log-likelihood of {rows_text(bad)} has no upper bound in the first parameter, or is not finite at the "
            "prediction, so no deviance exists; use quantile_residuals"
        )
    below, _, above = log_masses(seen.dist, seen.y)
    mean = seen.dist.mean()
    if not np.isfinite(mean).all():
        mean = np.where(np.isfinite(mean), mean, seen.dist.median())
    side = np.where(seen.exact, np.sign((seen.y if seen.y.ndim == 1 else seen.y[:, 0]) - mean), np.sign(below - above))
    return side * np.sqrt(2 * np.maximum(lost, 0.0))


def _ordered(seen: Observed) -> Observed:
    """Refuse classes between which no distance is known."""
    law = seen.model.likelihood_
    if law.target_type == "classes" and len(seen.model.classes_) > 2:
        raise ValueError(f"{len(seen.model.classes_)} classes have no distance from a mean; use quantile_residuals")
    return seen


def _numeric(fitted, X, y) -> Observed:
    seen = _ordered(observed(fitted, X, y))
    bad = np.flatnonzero(~seen.exact)
    if len(bad):
        raise ValueError(f"y is known only up to an interval in {rows_text(bad)}; use quantile_residuals or deviance_residuals")
    return seen._replace(y=seen.y if seen.y.ndim == 1 else seen.y[:, 0])


def _finite(values, what, seen: Observed):
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        law = title(seen.dist.likelihood)
        raise ValueError(f"the {what} of {law} does not exist in {rows_text(bad)}; use quantile_residuals")
    return values
