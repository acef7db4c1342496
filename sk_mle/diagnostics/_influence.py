"""Influence of single rows on the coefficients of the first parameter."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from .._model.predictor import designs
from ..likelihoods._functions import expected_information, integrated_information, title
from ._observed import observed


class _RowInfluence(NamedTuple):
    """Per row (n,): score and information in its linear predictor, leverage per unit of information, weight."""

    score: np.ndarray
    information: np.ndarray
    unit_leverage: np.ndarray
    weight: np.ndarray
    n_coefficients: int
    has_other_parameters: bool


def leverage(fitted: Any, X: Any, y: ArrayLike | None = None, *, sample_weight: ArrayLike | None = None) -> np.ndarray:
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
    rows = _row_influence(fitted, X, y, sample_weight)
    return rows.information * rows.unit_leverage


def cooks_distance(
    fitted: Any, X: Any, y: ArrayLike | None = None, *, sample_weight: ArrayLike | None = None, dispersion: float | None = None
) -> np.ndarray:
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
    rows = _row_influence(fitted, X, y, sample_weight)
    standardised_square = np.divide(rows.score**2, rows.information, out=np.zeros_like(rows.score), where=rows.information > 0)
    if dispersion is None:
        degrees_of_freedom = rows.weight.sum() - rows.n_coefficients
        if rows.has_other_parameters and degrees_of_freedom <= 0:
            raise ValueError(f"{rows.weight.sum():g} rows leave no degrees of freedom for the dispersion; pass dispersion=1")
        dispersion = float(rows.weight @ standardised_square / degrees_of_freedom) if rows.has_other_parameters else 1.0
    if not dispersion > 0:
        raise ValueError(f"dispersion must be positive, got {dispersion!r}")
    one_minus_leverage = 1 - rows.information * rows.unit_leverage
    with np.errstate(all="ignore"):
        value = rows.score**2 * rows.unit_leverage / one_minus_leverage**2 / (rows.n_coefficients * dispersion)
    return np.where(one_minus_leverage > 1e-10, value, np.inf)


def _row_influence(fitted: Any, X: Any, y: Any, sample_weight: Any) -> _RowInfluence:
    """From one evaluation at the fit and the Cholesky factor of the first parameter's information."""
    observed_rows = observed(fitted, X, y, sample_weight)
    fit, data, weight = observed_rows.model.fit_, observed_rows.data, observed_rows.data.weight
    law, name = fit.law, fit.first
    if law.layout[name].vector:
        raise ValueError(f"{name} of {title(law)} is a vector: a row has a leverage for each pair of its entries")
    eta = fit.eta(data.X)
    result = law.evaluate(data.y, eta, 2, "expected")
    score, information = result.gradient[name], result.information.get((name, name), np.zeros(len(weight)))
    if expected_information(law) != "whole" and law.predictive is law:
        expected = integrated_information(law, eta, [name])[name, name]
        information = np.where(np.isfinite(expected), expected, information)
    predictor = fit.predictors[name]
    design = designs({name: predictor.unpenalised}, law, data, fit.coefs)[name]
    Z = design.coordinate_rows(data.X)
    gram = (Z * (weight * information)[:, None]).T @ Z
    if predictor.penalised:
        slopes = design.original_matrix()[1:]
        gram += weight.sum() * slopes.T @ (np.reshape(predictor.alpha, (-1, 1)) * slopes)
    try:
        cholesky_factor = linalg.cholesky(gram, lower=True)
    except linalg.LinAlgError as error:
        raise ValueError(
            f"the information on the coefficients of {name} has no inverse: no row carries information on some of them; use a "
            "law with expected information, or fewer columns"
        ) from error
    unit_leverage = (linalg.solve_triangular(cholesky_factor, Z.T, lower=True) ** 2).sum(axis=0)
    return _RowInfluence(score, information, unit_leverage, weight, Z.shape[1], len(fit.predictors) > 1)
