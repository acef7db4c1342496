"""The bootstrap: the model is fitted again to rows, or groups of rows, drawn with replacement."""

from __future__ import annotations

import hashlib
import warnings
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from .._model.validation import check_weight, group_codes, group_labels
from .._predictive.unwrapping import unwrap
from .._sources import Opened, Rows, in_shared_passes, open_source
from .._utils.frames import n_rows
from .._utils.messages import warn_caller
from .._utils.progress import progress

FITS_PER_PASS = 100  # refits of rows in parts that share their passes


@dataclass(frozen=True)
class Bootstrap:
    """Refits to rows, or groups of rows, drawn with replacement."""

    n_resamples: int = 999
    groups: Any = None
    random_state: int | np.random.RandomState | None = None
    n_jobs: int | None = None
    verbose: int | None = None

    def intervals(
        self, inference: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, level: float, index: np.ndarray
    ) -> np.ndarray:
        """Percentiles (len(index), 2) of the coefficients of the refits."""
        unwrapped = unwrap(inference.fitted)
        X, y = unwrapped.X(X), unwrapped.y(y)
        rng = check_random_state(self.random_state)
        names = getattr(unwrapped.model, "feature_names_in_", None)
        if (rows := open_source(X, y, sample_weight, self.groups, names)) is not None:
            weights = _resampled_weights(rows, rng, self.n_resamples, inference.weights == "frequency")
            fits = _refits_of_parts(unwrapped.model, rows, weights)
            return _percentiles(inference, fits, level, index)
        n = n_rows(X)
        weight = check_weight(sample_weight, n)
        if self.groups is None:
            shares = weight / weight.sum() if inference.weights == "frequency" else np.full(n, 1 / n)
            total = round(weight.sum()) if inference.weights == "frequency" else n
            counts = (rng.multinomial(total, shares) for _ in range(self.n_resamples))
            if inference.weights != "frequency":
                counts = (weight * count for count in counts)
        else:
            code = group_codes(self.groups, n)
            n_groups = code.max() + 1
            counts = (
                weight * rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups))[code] for _ in range(self.n_resamples)
            )
        results = Parallel(n_jobs=self.n_jobs, return_as="generator")(
            delayed(_refit)(unwrapped.model, X, y, count) for count in counts
        )
        fits = list(progress(results, "bootstrap", self.verbose, total=self.n_resamples))
        return _percentiles(inference, fits, level, index)


def _percentiles(inference: Any, fits: list, level: float, index: np.ndarray) -> np.ndarray:
    """Percentiles (len(index), 2) of the coefficients of refits, of which those that failed are None."""
    n_resamples = len(fits)
    sample = np.array([inference.layout.flatten(*fit) for fit in fits if fit is not None])
    n_failed = n_resamples - len(sample)
    if n_failed:
        warn_caller(
            f"{n_failed} of {n_resamples} bootstrap fits failed or did not converge; the intervals rest on the others",
            RuntimeWarning,
        )
    if len(sample) < 2:
        raise ValueError("hardly any bootstrap fit converged; use method='wald' or 'profile'")
    return np.quantile(sample[:, index], [(1 - level) / 2, (1 + level) / 2], axis=0).T


def _resampled_weights(rows: Opened, rng: np.random.RandomState, n_resamples: int, frequency: bool) -> list:
    """Functions of a part and its number: how often a resample draws each row, times its weight."""
    return [partial(_drawn_in_part, int(seed), frequency) for seed in rng.randint(1 << 31, size=n_resamples)]


def _drawn_in_part(seed: int, frequency: bool, rows: Rows, number: int) -> np.ndarray:
    """Weights of a resample of a part, drawn there: Poisson numbers, as multinomial ones need all rows at once.

    Of groups the number follows from the label, wherever its rows lie.
    """
    n = n_rows(rows.X)
    weight = check_weight(rows.sample_weight, n)
    if rows.groups is None:
        rng = np.random.default_rng([seed, number])
        return rng.poisson(weight).astype(float) if frequency else weight * rng.poisson(size=n)
    labels, code = np.unique(group_labels(rows.groups, n), return_inverse=True)
    hashes = [hashlib.blake2b(f"{seed} {label}".encode(), digest_size=6).digest() for label in labels.tolist()]
    uniform = (np.array([int.from_bytes(one) for one in hashes]) + 0.5) / 2.0**48
    return weight * np.searchsorted(special.pdtr(np.arange(30), 1.0), uniform)[code]  # Poisson quantiles


def _refits_of_parts(model: Any, rows: Opened, weights: list) -> list:
    """Refits of a model to the rows of a source with each of the weights, many of them in the same passes."""
    fits: list = []
    for first in range(0, len(weights), FITS_PER_PASS):
        fits += in_shared_passes(
            rows, weights[first : first + FITS_PER_PASS], lambda source, k: _refit(model, source, None, None)
        )
    for fit in fits:
        if isinstance(fit, Exception):
            raise fit
    return fits


def _refit(model: Any, X: Any, y: Any, weight: Any) -> tuple[dict, dict] | None:
    """Coefficients of a refit with other weights, started at the model's; None without a maximum or with fewer classes."""
    model, original = deepcopy(model), model
    model.warm_start = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, y, sample_weight=weight)
        except ValueError:
            return None
    fit = model.fit_
    same_shapes = all(np.shape(fit.coefs.get(name)) == np.shape(coef) for name, coef in original.fit_.coefs.items())
    return (fit.coefs, fit.intercepts) if model.converged_ and same_shapes else None
