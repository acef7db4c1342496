"""Rao's score test: whether a larger model would raise the likelihood, judged from the smaller fit."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from .._predictive.unwrapping import unwrap
from ..likelihoods._functions import expected_information, title
from ._covariance import inverse_root
from ._information import objective_at_fit, summed
from ._layout import Layout
from ._result import TestResult


def score_test(
    restricted: Any, full: Any, X: Any, y: ArrayLike, *, sample_weight: ArrayLike | None = None, information: Any = None
) -> TestResult:
    """Score (Rao, Lagrange multiplier) test of a fitted model against a larger one.

    With g the gradient of the larger model's log-likelihood at the smaller fit and I its information there, the statistic
    ``g' I^-1 g`` is chi-squared with the number of coefficients that the larger model adds.

    Parameters
    ----------
    restricted : estimator
        Fitted, of this package.
    full : estimator
        Of this package, on the same X, with more columns or with parameters estimated that `restricted` fixes. Only its
        structure is used, not its estimates; an estimator that is not fitted is fitted to find the structure.
    X, y, sample_weight
        The data of the fit.
    information : {"expected", "observed"}, optional
        By default expected where the law offers it, as in R's anova(test="Rao").

    Returns
    -------
    TestResult

    References
    ----------
    Rao (1948), doi:10.1017/S0305004100023987.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.inference import score_test
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> y = rng.poisson(np.exp(X[:, 0]))
    >>> small = MLERegressor("poisson", predictors={"mean": [0]}).fit(X, y)
    >>> print(score_test(small, MLERegressor("poisson"), X, y))
    Score test: Poisson with 2 parameters in one with 3
    statistic = 0.3062, df = 1, p-value = 0.5800
    """
    check_is_fitted(restricted)
    start = unwrap(restricted)
    small = start.model
    if small.fit_.penalised or not small.converged_ or small.class_weight is not None:
        raise ValueError(
            "restricted must be a plain maximum of the likelihood: refit it without alpha, penalty or class_weight"
        )
    try:
        check_is_fitted(full)
    except NotFittedError:
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its estimates are not used
            full = clone(full).fit(X, y, **weight)
    unwrapped = unwrap(full)
    large, X, y = unwrapped.model, unwrapped.X(X), unwrapped.y(y)
    coefs, intercepts = _embedded(start, unwrapped)
    fit_point = objective_at_fit(large, X, y, sample_weight, coefs=coefs, intercepts=intercepts)
    if information is None:
        information = "expected" if expected_information(large.likelihood_) == "whole" else "observed"
    if information not in ("expected", "observed"):
        raise ValueError(f"information={information!r} is unknown; use 'expected' or 'observed'")
    sums, layout = summed(fit_point, information), Layout(unwrapped)
    if not abs(sums.value - small.loglikelihood_) <= 1e-7 * (1 + abs(sums.value)):
        raise ValueError(
            "restricted is not full with some coefficients at zero: its log-likelihood is "
            f"{small.loglikelihood_:.8g}, and full with its coefficients has {sums.value:.8g} on these data. Links, offsets, "
            "intercepts, preprocessing, rows and weights must be the same"
        )
    added = large.n_params_ - small.n_params_
    if added < 1:
        raise ValueError("full adds no coefficients to restricted: nothing is tested")
    factor = inverse_root(sums.hessian, layout.jacobian(fit_point.objective.designs), layout, fit_point, False)
    statistic = float(np.sum((factor.T @ sums.gradient) ** 2))
    name = f"{title(small.likelihood_)} with {small.n_params_} parameters in one with {large.n_params_}"
    return TestResult("Score test", statistic, added, float(special.chdtrc(added, statistic)), name)


def _embedded(start: Any, unwrapped: Any) -> tuple[dict, dict]:
    """The smaller model's coefficients as coefficients of the larger one; columns are matched by name if they have names."""
    small, large = start.model, unwrapped.model
    names = [part.feature_names() or list(range(part.model.n_features_in_)) for part in (start, unwrapped)]
    coefs, intercepts = {}, {}
    for name, predictor in large.fit_.predictors.items():
        own = small.fit_.predictors.get(name)
        if predictor.curve is not None or (own is not None and own.curve is not None):
            coefs[name], intercepts[name] = _embedded_curve(small, name, own, predictor), 0.0
            continue
        place = {names[1][j]: k for k, j in enumerate(predictor.columns)}
        coef = np.zeros_like(large.coefs_[name])
        if name in small.coefs_:
            own_columns = [names[0][j] for j in small.fit_.predictors[name].columns]
            missing = [column for column in own_columns if column not in place]
            if missing:
                raise ValueError(f"restricted is not nested in full: {name} of full lacks the columns {missing}")
            coef[..., [place[column] for column in own_columns]] = small.coefs_[name]
            intercepts[name] = small.intercepts_[name]
        elif name in small.likelihood_.layout.fixed:
            intercepts[name] = float(large.likelihood_.layout[name].link.link(small.likelihood_.layout.fixed[name]))
        else:
            raise ValueError(
                f"restricted is not nested in full: it has no parameter {name!r}; use the law of full, with {name} fixed"
            )
        coefs[name] = coef
    if not np.all([np.isfinite(value).all() for value in intercepts.values()]):
        raise ValueError("restricted lies on the edge of full's parameters, where the score test does not hold")
    return coefs, intercepts


def _embedded_curve(small: Any, name: str, own: Any, predictor: Any) -> np.ndarray:
    """The coefficients of a curve of the larger model at which it is that of the smaller one."""
    if own is None or own.curve is None or predictor.curve is None or not predictor.curve.contains(own.curve):
        raise ValueError(
            f"restricted is not nested in full: its {name} is not the curve of full with coefficients at fixed values"
        )
    return predictor.curve.coefficients_of(own.curve, small.coefs_[name])
