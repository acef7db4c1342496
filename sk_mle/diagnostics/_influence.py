"""Influence of single rows on the coefficients of the first parameter."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import linalg

from .._model.predictor import designs
from ..likelihoods._fallbacks.expected import integrated
from ..likelihoods._fallbacks.facts import title
from ._observed import observed


class _Pull(NamedTuple):
    """Per row: slope and information of its log-likelihood, leverage per unit of information, weight; and the rank."""

    slope: np.ndarray
    information: np.ndarray
    spread: np.ndarray
    weight: np.ndarray
    rank: int
    others: bool


def leverage(fitted, X, y, *, sample_weight=None) -> np.ndarray:
    r"""Leverage of every row: the diagonal of the hat matrix of the first parameter's coefficients.

    .. math:: h_i = w_i\, x_i^\top (X^\top W X)^{-1} x_i

    with :math:`w_i` the expected information of the row in its linear predictor (the observed one where that of a censored
    or binned value is not known) and the intercept among the columns. Between 0 and 1; with weights, w_i h_i sum to the
    number of coefficients. An L2 penalty joins the inverse. statsmodels: ``get_influence().hat_matrix_diag``; R: ``hatvalues``.

    Parameters
    ----------
    fitted : estimator
    X, y : array-like
        The data of the fit.
    sample_weight : array-like of shape (n,), optional
        That of the fit: a weight of k stands for k rows, each of the leverage that is returned.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        Where the first parameter is a vector, or the information has no inverse.

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.diagnostics import leverage
    >>> X, y = [[0], [1], [2], [7]], [0.0, 1.5, 1.0, 7.0]
    >>> leverage(MLERegressor().fit(X, y), X, y).round(3)
    array([0.466, 0.328, 0.259, 0.948])
    """
    pull = _pull(fitted, X, y, sample_weight)
    return pull.information * pull.spread


def cooks_distance(fitted, X, y, *, sample_weight=None, dispersion: float | None = None) -> np.ndarray:
    r"""Cook's distance: how far the first parameter's coefficients move when a row is left out.

    .. math:: D_i = \frac{1}{p\,\phi} \frac{s_i^2}{w_i} \frac{h_i}{(1 - h_i)^2}

    with the score s and the information w of the row in its linear predictor, leverage h, and p coefficients: one step of
    Newton's method from the fit, in units of the coefficients' own confidence region. statsmodels:
    ``get_influence().cooks_distance``; R: ``cooks.distance``.

    Parameters
    ----------
    fitted : estimator
    X, y : array-like
        The data of the fit.
    sample_weight : array-like of shape (n,), optional
        That of the fit: a weight of k stands for k rows, of which one is left out.
    dispersion : float, optional
        The factor :math:`\phi`. Default: as in a generalised linear model, one where the law has no further estimated
        parameter, else :math:`\sum_i s_i^2 / w_i` divided by the residual degrees of freedom, which turns the maximum
        likelihood estimate of a scale into the usual one.

    Returns
    -------
    ndarray of shape (n,)
        Infinite where the leverage is one: without the row its coefficient is not determined.

    Raises
    ------
    ValueError
        As `leverage`.

    References
    ----------
    Pregibon, D. (1981). Logistic regression diagnostics. Annals of Statistics 9, 705-724. doi:10.1214/aos/1176345513

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> from sk_mle.diagnostics import cooks_distance
    >>> X, y = [[0], [1], [2], [7]], [0.0, 1.5, 1.0, 7.0]
    >>> cooks_distance(MLERegressor().fit(X, y), X, y).round(3)
    array([0.015, 0.229, 0.307, 8.022])
    """
    pull = _pull(fitted, X, y, sample_weight)
    size = np.divide(pull.slope**2, pull.information, out=np.zeros_like(pull.slope), where=pull.information > 0)
    if dispersion is None:
        freedom = pull.weight.sum() - pull.rank
        if pull.others and freedom <= 0:
            raise ValueError(f"{pull.weight.sum():g} rows leave no degrees of freedom for the dispersion; pass dispersion=1")
        dispersion = float(pull.weight @ size / freedom) if pull.others else 1.0
    if not dispersion > 0:
        raise ValueError(f"dispersion must be positive, got {dispersion!r}")
    rest = 1 - pull.information * pull.spread
    with np.errstate(all="ignore"):
        value = pull.slope**2 * pull.spread / rest**2 / (pull.rank * dispersion)
    return np.where(rest > 1e-10, value, np.inf)


def _pull(fitted, X, y, sample_weight) -> _Pull:
    seen = observed(fitted, X, y, sample_weight)
    fit, data, weight = seen.model.fit_, seen.data, seen.data.weight
    law, name = fit.law, fit.first
    if law.parameter(name).vector:
        raise ValueError(f"{name} of {title(law)} is a vector: a row has a leverage for each pair of its entries")
    eta = fit.eta(data.X)
    found = law.evaluate(data.y, eta, 2, "expected")
    slope, information = found.gradient[name], found.information.get((name, name), np.zeros(len(weight)))
    if law.expected_information != "whole" and law.predictive is law:
        whole = integrated(law, eta, [name])[name, name]
        information = np.where(np.isfinite(whole), whole, information)
    predictor = fit.predictors[name]
    design = designs({name: replace(predictor, alpha=0.0)}, law, data)[name]
    Z = design.coordinate_rows(data.X)
    inner = (Z * (weight * information)[:, None]).T @ Z
    if predictor.alpha:
        slopes = design.original_matrix()[1:]
        inner += predictor.alpha * weight.sum() * slopes.T @ slopes
    try:
        factor = linalg.cholesky(inner, lower=True)
    except linalg.LinAlgError as error:
        raise ValueError(
            f"the information on the coefficients of {name} has no inverse: rows say nothing on some of them; use a law with "
            "expected information, or fewer columns"
        ) from error
    spread = (linalg.solve_triangular(factor, Z.T, lower=True) ** 2).sum(axis=0)
    return _Pull(slope, information, spread, weight, Z.shape[1], len(fit.predictors) > 1)
