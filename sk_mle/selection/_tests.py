"""Tests between two models: the likelihood ratio for nested models, Vuong's for others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2, norm
from sklearn.utils.validation import check_is_fitted

from .._model.averages import Averages
from .._predictive.unwrapping import target_of, unwrap
from .._sources import open_source
from ..inference import TestResult
from ..likelihoods._functions import title
from ._nesting import Nesting, nested, why_irregular
from ._scores import name_of, score_averages

LOGLIK_SLACK = 1e-4  # nats by which twice a log-likelihood difference may be negative


def likelihood_ratio_test(
    restricted: Any,
    full: Any,
    X: Any = None,
    y: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    *,
    df: float | None = None,
) -> TestResult:
    r"""Likelihood-ratio test of a fitted model against a larger one in which it lies.

    .. math:: 2 (\ell_\mathrm{full} - \ell_\mathrm{restricted}) \sim \chi^2_d

    with d the number of restrictions. Where the smaller model holds one parameter at an edge of its domain, as a Poisson model
    in a negative binomial one does, the law is an even mixture of those with d - 1 and d degrees of freedom; with several it is
    not simple, and the p-value is the bound that d degrees of freedom give.

    Parameters
    ----------
    restricted, full : fitted estimators
        Of this package, alone or inside others, fitted without penalty to the same data and weights.
    X, y : array-like, optional
        The data of both fits. Without them the log-likelihoods are those that the fits stored.
    sample_weight : array-like of shape (n,), optional
    df : int, optional
        The number of restrictions by which `restricted` lies inside `full`, for models that `nested` does not recognise.

    Returns
    -------
    TestResult

    Raises
    ------
    ValueError
        If the models are not recognised as nested, where the statistic has no known law, where a fit is penalised or did not
        converge, and where the larger model fits worse.

    See Also
    --------
    vuong_test : For models that are not nested.

    References
    ----------
    Self, S. G., Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators and likelihood ratio tests under
    nonstandard conditions. JASA 82, 605-610. doi:10.1080/01621459.1987.10478472

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> X, y = [[0], [0], [0], [1], [1], [1]], [0, 1, 5, 2, 9, 25]
    >>> small, large = (MLERegressor(law).fit(X, y) for law in ("poisson", "negative_binomial"))
    >>> print(likelihood_ratio_test(small, large))
    Likelihood-ratio test: Poisson against NegativeBinomial
    statistic = 16.8467, df = 0 + dispersion at its edge, p-value < 0.0001
    """
    for fitted in (restricted, full):
        _check_fit(fitted)
    names = name_of(restricted), name_of(full)
    if names[0] == names[1]:
        names = f"{names[0]} with {_size(restricted)} parameters", f"{_size(full)}"
    nesting = _restrictions(restricted, full, df)
    y = y if X is None else target_of(full, X, y)
    if (X is None) != (y is None) and (X is None or open_source(X) is None):
        raise ValueError("give both X and y, or neither: then the log-likelihoods stored by the fits are compared")
    if X is None:
        _check_same_rows(restricted, full)
        small, large = (unwrap(fitted).model.loglikelihood_ for fitted in (restricted, full))
    else:
        small, large = (_total(fitted, X, y, sample_weight) for fitted in (restricted, full))
    statistic = 2 * (large - small)
    if not statistic >= -LOGLIK_SLACK - 1e-10 * abs(small):
        raise ValueError(
            f"the larger model fits worse than the smaller one, by {-statistic / 2:.6g} in log-likelihood, so it did not reach "
            "its maximum, or the two were not fitted to these data; refit it, from other starts or with another solver"
        )
    statistic = max(statistic, 0.0)
    pvalue, note = p_value(statistic, nesting)
    hypothesis = f"{names[0]} against {names[1]}"
    return TestResult("Likelihood-ratio test", statistic, nesting.df, pvalue, hypothesis, nesting.boundary, note)


def p_value(statistic: float, nesting: Nesting) -> tuple[float, str]:
    """P-value and a note: by the mixture of chi-squared laws for one parameter at an edge, an upper bound for more."""
    df_inside, n_at_edge = nesting.df, len(nesting.boundary)
    if n_at_edge == 1:
        lower = chi2.sf(statistic, df_inside) if df_inside else float(statistic == 0)
        return float((lower + chi2.sf(statistic, df_inside + 1)) / 2), ""
    note = f"an upper bound of the p-value: {n_at_edge} parameters lie at edges of their domains" if n_at_edge else ""
    return float(chi2.sf(statistic, df_inside + n_at_edge)), note


def _restrictions(restricted: Any, full: Any, df: Any) -> Nesting:
    """The nesting of two models, detected or as `df` says; raises if the likelihood-ratio test does not apply."""
    if df is not None:
        if not isinstance(df, int | np.integer) or df < 1:
            raise ValueError(f"df must be a positive integer, the number of restrictions, got {df!r}")
        return Nesting(int(df))
    nesting = nested(restricted, full)
    if nesting is None:
        if nested(full, restricted) is not None:
            raise ValueError("the models are the other way round: the smaller one comes first")
        irregularity = why_irregular(full)
        raise ValueError(
            f"{name_of(restricted)} is not recognised as a special case of {name_of(full)}"
            + (f": {irregularity}; compare by vuong_test, criteria or cross-validation" if irregularity else ADVICE)
        )
    if nesting.irregular:
        raise ValueError(f"the likelihood-ratio statistic has no known law here: {nesting.irregular}")
    return nesting


ADVICE = (
    ": laws, links, columns (by name, or of the same X), offsets and preprocessing are compared. For models that are not "
    "nested use vuong_test; where they are, say with how many restrictions: df=..."
)


def vuong_test(
    a: Any,
    b: Any,
    X: Any,
    y: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    *,
    correction: str | None = None,
) -> TestResult:
    r"""Vuong's test of two models that are not nested: which one is closer to the data in log-likelihood.

    .. math:: z = \frac{\sum_i w_i m_i - c}{\sqrt{n}\, \hat\omega}, \quad m_i = \log p_a(y_i) - \log p_b(y_i), \quad
        \hat\omega^2 = \frac{1}{n} \sum_i w_i m_i^2 - \left(\frac{1}{n} \sum_i w_i m_i\right)^2, \quad n = \sum_i w_i

    z is standard normal where both are equally close; positive values favour `a`. The p-value is two-sided. An integer weight
    counts as repeated rows.

    Parameters
    ----------
    a, b : fitted estimators
        Of this package, alone or inside others, or classifiers with `predict_proba`.
    X, y : array-like
        The data of both fits; y of a `FormulaModel` is by default what its formula has left of ``~``.
    sample_weight : array-like of shape (n,), optional
    correction : {None, "aic", "bic"}
        Subtracts c: the difference of the numbers of parameters, or that times ``log(n) / 2``.

    Returns
    -------
    TestResult

    Raises
    ------
    ValueError
        For nested models, for models that give every row the same density, and where a row is impossible under one of them.

    References
    ----------
    Vuong, Q. H. (1989). Likelihood ratio tests for model selection and non-nested hypotheses. Econometrica 57, 307-333.
    doi:10.2307/1912557

    Examples
    --------
    >>> from sk_mle import MLERegressor
    >>> X, y = [[0], [0], [0], [1], [1], [1]], [0.2, 1.1, 5.0, 2.0, 9.0, 25.0]
    >>> a, b = (MLERegressor(law).fit(X, y) for law in ("gamma", "inverse_gaussian"))
    >>> print(vuong_test(a, b, X, y))
    Vuong's test: Gamma and InverseGaussian equally close
    statistic = 1.1337, p-value = 0.2569
    """
    y = target_of(a, X, y)
    if correction not in (None, "aic", "bic"):
        raise ValueError(f"correction must be None, 'aic' or 'bic', got {correction!r}")
    pairs = ((a, b), (b, a)) if all(map(_is_of_package, (a, b))) else ()
    if any(nested(*pair) is not None for pair in pairs):
        raise ValueError(f"{name_of(a)} and {name_of(b)} are nested: use likelihood_ratio_test")
    found = score_averages([a, b], X, y, sample_weight, gap_and_size)
    shift = 0.0 if correction is None else float(_size(a) - _size(b))
    shift *= np.log(found.weight) / 2 if correction == "bic" else 1.0
    statistic = vuong_statistic(found, shift)
    if np.isnan(statistic):
        raise ValueError(f"{name_of(a)} and {name_of(b)} give every row the same log-likelihood: they cannot be told apart")
    hypothesis = f"{name_of(a)} and {name_of(b)} equally close"
    return TestResult("Vuong's test", statistic, None, float(2 * norm.sf(abs(statistic))), hypothesis)


def gap_and_size(scores: Any) -> np.ndarray:
    """The difference of the log-likelihoods of two models in every row, and the sum of their sizes: (n, 2)."""
    a, b = scores
    return np.column_stack([a - b, np.abs(a) + np.abs(b)])


def vuong_statistic(found: Averages, shift: float = 0.0) -> float:
    """Vuong's z from averages of `gap_and_size`; NaN where the log-likelihoods do not differ."""
    n, (mean, scale), spread = found.weight, found.mean, np.sqrt(found.variance[0])
    return float((n * mean - shift) / (np.sqrt(n) * spread)) if spread > 1e-9 * scale else np.nan


def _is_of_package(fitted: Any) -> bool:
    try:
        unwrap(fitted)
    except TypeError:
        return False
    return True


def _size(fitted: Any) -> int:
    if not _is_of_package(fitted):
        raise ValueError(f"{type(fitted).__name__} has no number of parameters, so correction must be None")
    return unwrap(fitted).model.n_params_


def _check_fit(fitted: Any) -> None:
    model = unwrap(fitted).model
    check_is_fitted(model)
    law = title(model.likelihood_)
    if reason := model.fit_.penalised:
        cure = "with alpha=0" if model.fit_.shrunk else f"without {reason}"
        raise ValueError(
            f"the fit of {law} is penalised ({reason}), so its log-likelihood is no maximum: refit {cure}, or test the "
            "coefficients of one fit, with penalty='jeffreys', by Inference.likelihood_ratio_test"
        )
    if model.class_weight is not None:
        raise ValueError(f"the fit of {law} has class_weight: its likelihood counts rows that do not exist; refit without")
    if not model.converged_:
        raise ValueError(
            f"the fit of {law} did not converge, so its log-likelihood is no maximum: see its warnings, and refit it"
        )


def _check_same_rows(a: Any, b: Any) -> None:
    one, other = (unwrap(fitted).model.fit_.fingerprint for fitted in (a, b))
    if one.shape != other.shape or not np.allclose(one, other, rtol=1e-9, equal_nan=True):
        raise ValueError(
            "the models were fitted to different data, targets or weights, so their likelihoods do not compare (the sums of "
            f"weights are {one[0]:g} and {other[0]:g}); fit both to the same rows, or pass X and y"
        )


def _total(fitted: Any, X: Any, y: Any, sample_weight: Any) -> float:
    return float(score_averages([fitted], X, y, sample_weight, np.transpose).total[0])
