"""Log-likelihoods and other figures of rows that a fit has not seen, for several models on the same folds."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.parallel import Parallel, delayed

from ..frames import n_rows, take
from ..metrics import crps
from ._scores import fit_clone, inside_of, is_unbounded, log_scores, weighted_mean

COVERAGE = 0.9


class Held(NamedTuple):
    """What one model says of every row that was held out; a row held out repeatedly has the mean."""

    scores: np.ndarray
    crps: np.ndarray
    covered: np.ndarray
    stopped: int  # folds whose fit did not converge
    unbounded: int  # of these, folds whose likelihood is unbounded


def held_out(models: dict, X, y, weight, folds, n_jobs, verbose) -> dict[str, Held]:
    """The figures of every model, all on the same folds."""
    jobs = [(name, k) for name in models for k in range(len(folds))]
    found = Parallel(n_jobs=n_jobs)(
        delayed(_one)(name, models[name], X, y, weight, *folds[k], f"{k + 1}/{len(folds)}", verbose) for name, k in jobs
    )
    n = n_rows(y)
    result = {}
    for name in models:
        total, count, stopped = np.zeros((3, n)), np.zeros(n), np.zeros(2, int)
        for (job, k), (figures, ended) in zip(jobs, found, strict=True):
            if job == name:
                with np.errstate(invalid="ignore"):
                    total[:, folds[k][1]] += figures
                count[folds[k][1]] += 1
                stopped += ended
        with np.errstate(invalid="ignore", divide="ignore"):
            scores, crps, covered = np.where(count > 0, total / count, np.nan)
            result[name] = Held(scores, crps, covered, *map(int, stopped))
    return result


def _one(name, estimator, X, y, weight, train, test, fold, verbose):
    """Figures of the held-out rows of one fold, (3, rows), whether the fit did not converge, and whether without bound."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = fit_clone(estimator, take(X, train), take(y, train), take(weight, train), name)
            figures = figures_of(model, take(X, test), take(y, test))
        except Exception as error:
            raise ValueError(f"{name}: the fit of fold {fold} failed: {error}") from error
    inside = inside_of(model)
    converged = inside.model.converged_ if inside else not any(issubclass(w.category, ConvergenceWarning) for w in caught)
    if verbose:
        held = np.ones(len(test)) if weight is None else weight[test]
        print(f"compare: {name}, fold {fold}: {weighted_mean(figures[0], held):.4f}")
    return figures, (not converged, is_unbounded(model))


def figures_of(model, X, y) -> np.ndarray:
    """Log-likelihood, CRPS and whether the central interval holds y, of every row: (3, rows), NaN where there is none."""
    scores = log_scores(model, X, y)
    figures = np.full((3, len(scores)), np.nan)
    figures[0] = scores
    inside = inside_of(model)
    law = inside and inside.model.likelihood_
    if law is None or law.classes or law.multivariate or law.predictive is not law:
        return figures
    values = np.asarray(y, dtype=float).reshape(len(scores))
    dist = inside.dist(inside.model.predict_dist(inside.X(X)))
    low, high = dist.interval(COVERAGE)
    figures[2] = (low <= values) & (values <= high)
    with suppress(ValueError, TypeError):  # tails so heavy that it does not exist; a transformed law of counts
        figures[1] = crps(values, dist, per_row=True)
    return figures
