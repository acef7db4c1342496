"""Log-likelihoods and other figures of held-out rows, for several models on the same folds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.parallel import Parallel, delayed

from .._predictive.distribution import Distribution
from .._predictive.joined import join
from .._predictive.unwrapping import predict_dist
from .._utils.frames import n_rows, take
from .._utils.progress import progress
from ..metrics import crps
from ._scores import fit_clone, is_unbounded, log_scores, unwrapped_or_none, weighted_mean

INTERVAL_LEVEL = 0.9  # of the central prediction interval whose coverage is reported


class HeldOutFigures(NamedTuple):
    """Held-out figures of one model, (n,) each: averages over folds, NaN for rows that were never held out."""

    scores: np.ndarray
    crps: np.ndarray
    covered: np.ndarray
    stopped: int  # folds whose fit did not converge
    unbounded: int  # of these, folds whose likelihood is unbounded
    failed: list[str]  # sentences about folds in which a step failed, whose figures are NaN
    unfitted: bool  # whether a fit failed
    dist: Distribution | None = None  # of all rows, where every row was held out once


def held_out(
    models: dict, X: Any, y: ArrayLike, weight: np.ndarray | None, folds: Any, n_jobs: int | None, verbose: int
) -> dict[str, HeldOutFigures]:
    """The figures of every model, all on the same folds."""
    jobs = [(name, k) for name in models for k in range(len(folds))]
    fits = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_one_fold)(name, models[name], X, y, weight, *folds[k], f"{k + 1}/{len(folds)}", verbose) for name, k in jobs
    )
    results = list(progress(fits, "compare", verbose, total=len(jobs)))
    n = n_rows(y)
    result = {}
    for name in models:
        total, count, stopped, failed, unfitted = np.zeros((3, n)), np.zeros(n), np.zeros(2, int), [], False
        dists: list = []
        for (job, k), (figures, flags, failures, dist) in zip(jobs, results, strict=True):
            if job == name:
                dists.append(dist)
                with np.errstate(invalid="ignore"):
                    total[:, folds[k][1]] += figures
                count[folds[k][1]] += 1
                stopped += flags
                failed += [f"{name}: the {step} of fold {k + 1}/{len(folds)} failed: {error}" for step, error in failures]
                unfitted |= any(step == "fit" for step, _ in failures)
        with np.errstate(invalid="ignore", divide="ignore"):
            scores, crps, covered = np.where(count > 0, total / count, np.nan)
        joined = _joined(dists, [test for _, test in folds]) if (count == 1).all() else None
        result[name] = HeldOutFigures(scores, crps, covered, int(stopped[0]), int(stopped[1]), failed, unfitted, joined)
    return result


def _joined(dists: list, places: list) -> Distribution | None:
    """The distributions of all folds as one; None where a fold has none, or the laws of folds differ."""
    if any(dist is None for dist in dists):
        return None
    with suppress(ValueError):
        return join(dists, places)
    return None


def _one_fold(
    name: str,
    estimator: Any,
    X: Any,
    y: Any,
    weight: np.ndarray | None,
    train: np.ndarray,
    test: np.ndarray,
    fold: str,
    verbose: int,
) -> tuple[np.ndarray, Any, Any, Any]:
    """Figures (3, n_rows) of a fold's held-out rows, (did not converge, is unbounded), failed steps, and distributions."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        failures: list[tuple[str, str]] = []
        parts = take(X, train), take(y, train), take(weight, train)
        model = _result_or_none("fit", failures, lambda: fit_clone(estimator, *parts, name))
        if model is None:
            return np.full((3, len(test)), np.nan), (False, False), failures, None
        figures, dist = figures_of(model, take(X, test), take(y, test), failures)
    unwrapped = unwrapped_or_none(model)
    converged = unwrapped.model.converged_ if unwrapped else not any(issubclass(w.category, ConvergenceWarning) for w in caught)
    if verbose:
        row_weight = np.ones(len(test)) if weight is None else weight[test]
        print(f"compare: {name}, fold {fold}: {weighted_mean(figures[0], row_weight):.4f}")
    return figures, (not converged, is_unbounded(model)), failures, dist


def _result_or_none(step: str, failures: list, compute: Callable) -> Any:
    """The result of `compute()`; None if it raises, noted in `failures`: one model must not end the comparison."""
    try:
        return compute()
    except Exception as error:
        failures.append((step, str(error) or type(error).__name__))
        return None


def figures_of(model: Any, X: Any, y: ArrayLike, failures: list) -> tuple[np.ndarray, Distribution | None]:
    """Log-likelihood, CRPS and whether the central interval holds y, of every row, (3, n_rows), and the distributions.

    NaN and None where they are not available.
    """
    figures = np.full((3, n_rows(y)), np.nan)
    scores = _result_or_none("log-likelihood", failures, lambda: log_scores(model, X, y))
    if scores is not None:
        figures[0] = scores
    unwrapped = unwrapped_or_none(model)
    if unwrapped is None:
        return figures, None
    law = unwrapped.model.likelihood_
    has_number = law.target_type == "number" and law.predictive is law
    dist = _result_or_none("prediction", failures if has_number else [], lambda: predict_dist(model, X))
    if not has_number or dist is None:
        return figures, dist
    values = np.asarray(y, dtype=float).reshape(n_rows(y))
    ends = _result_or_none("interval", failures, lambda: dist.interval(INTERVAL_LEVEL))
    if ends is not None:
        figures[2] = (ends[0] <= values) & (values <= ends[1])

    def score() -> None:
        with suppress(ValueError, TypeError):  # tails so heavy that it does not exist; a transformed law of counts
            figures[1] = crps(values, dist, per_row=True)

    _result_or_none("CRPS", failures, score)
    return figures, dist
