"""From information and scores to a covariance matrix of the coefficients, or to the words why there is none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg

from ..likelihoods._fallbacks.facts import title
from ..likelihoods._protocol.edges import at_edge
from ._information import ANALYTIC, FREQUENCY, PROBABILITY, WEIGHTS, Located, Sums, locate_fit, summed
from ._kernel import kernel_block, positive
from ._layout import Layout

KERNEL = "kernel"
KINDS = ("observed", "expected", "opg", "HC0", "HC1", KERNEL)
MIN_EIGENVALUE = 1e-11  # smallest eigenvalue of the information, scaled to a unit diagonal, that can be inverted
MAX_STANDARD_ERRORS_OFF = 0.1  # standard errors from the maximum at which a fit was not made on these data


class Covariance(NamedTuple):
    """V = root @ root.T of the flat coefficients, and the facts that a table states."""

    root: np.ndarray
    kind: str
    n_samples: float
    n_clusters: int
    loglikelihood: float
    n_coefficients: int


def check_arguments(model, cov, bread, weights, groups) -> None:
    """Raise ValueError, in words, where the fit or the request allows no standard errors."""
    _check_options(model.likelihood_, cov, bread, weights, groups)
    if getattr(model, "class_weight", None) is not None and weights != PROBABILITY:
        raise ValueError(
            "class_weight makes rows count more or less than they are, so the likelihood's own standard errors are wrong: pass "
            "weights='probability' with cov='HC1', or fit without class_weight"
        )
    _check_fit(model)
    _check_law(model.likelihood_, cov, bread, robust=cov == "opg" or cov.startswith("HC") or groups is not None)


def _check_options(law, cov, bread, weights, groups) -> None:
    """Options that are unknown, or that exclude each other."""
    if cov not in KINDS:
        offered = [kind for kind in KINDS if kind != KERNEL] if law.smooth else ["expected", KERNEL]
        raise ValueError(f"cov={cov!r} is unknown; use one of {offered}" + ", and groups= for clusters" * law.smooth)
    if bread not in ("observed", "expected"):
        raise ValueError(f"bread={bread!r} is unknown; use 'observed' or 'expected'")
    if weights not in WEIGHTS:
        raise ValueError(f"weights={weights!r} is unknown; use one of {list(WEIGHTS)}")
    if cov == "opg" and groups is not None:
        raise ValueError("cov='opg' knows no clusters; leave cov at its default, or use 'HC0' or 'HC1', with groups")
    if weights == PROBABILITY and groups is None and not cov.startswith("HC"):
        raise ValueError("probability weights need a sandwich: pass cov='HC0' or cov='HC1'")
    if weights == ANALYTIC and cov == "opg":
        raise ValueError("cov='opg' takes frequency weights only; use 'observed', 'HC0' or 'HC1'")


def _check_fit(model) -> None:
    """Fits whose coefficients are no maximum of the likelihood inside the parameters' domains."""
    law, name = model.likelihood_, title(model.likelihood_)
    if model.fit_.penalised:
        raise ValueError(
            "the fit is penalised (alpha > 0): its coefficients are biased by intent, and their standard errors are not "
            "those of maximum likelihood. Refit with alpha=0; where that has no maximum, as a warning of separated data says, "
            "drop or merge the columns that it names. Or keep the penalty and bootstrap: fit clones to rows that "
            "sklearn.utils.resample draws, and take quantiles of their predictions"
        )
    if not model.converged_:
        raise ValueError(
            f"the fit did not reach a maximum of the likelihood of {name} (converged_ is False; the warning at fit said why), "
            "so there is no information matrix to invert. Mend the fit first"
        )
    for parameter, edge in model.fit_.limits.items():
        raise ValueError(
            f"{parameter} of {name} ran to the {edge} edge of its domain, where its estimate has no normal distribution. "
            f"{at_edge(law, parameter, edge)}, and compare the two by a likelihood-ratio test"
        )


def _check_law(law, cov, bread, robust) -> None:
    """Kinds of information that a law does not have."""
    name = title(law)
    if not law.smooth and (cov == "observed" or robust):
        raise ValueError(
            f"the log-likelihood of {name} has kinks, so its observed information is zero almost everywhere: leave cov at its "
            "default, a kernel estimate of the curvature, use cov='expected', or conf_int(method='bootstrap')"
        )
    if law.smooth and cov == KERNEL:
        raise ValueError(f"cov='kernel' is for log-likelihoods with kinks, and that of {name} is smooth; use cov='observed'")
    if (
        "expected" in (cov, bread)
        and law.expected_information != "whole"
        and (law.predictive is not law or law.target_type == "targets")
    ):
        raise ValueError(f"{name} offers no expected information: what would have been seen is not known; use cov='observed'")


def covariance(
    model, layout: Layout, X, y, sample_weight=None, cov=None, bread="observed", weights=FREQUENCY, groups=None
) -> Covariance:
    """The covariance of all coefficients of a fitted model, in three passes over the data."""
    if cov is None:
        cov = "observed" if model.likelihood_.smooth or groups is not None else KERNEL
    check_arguments(model, cov, bread, weights, groups)
    located = locate_fit(model, X, y, sample_weight, weights)
    objective = located.objective
    _check_rank(model, layout, objective)
    robust = cov.startswith("HC") or groups is not None
    power = 1 if weights == FREQUENCY else 2
    J = layout.jacobian(objective.designs)
    known = model.likelihood_.expected_information == "whole"
    information = "expected" if cov in ("expected", KERNEL) or (robust and bread == "expected") else "observed"
    if information == "expected" and not known:
        information = "observed" if cov == KERNEL else "integrated"
    scored = robust or cov == "opg" or (cov == KERNEL and not known)
    sums = summed(located, information, scored, power, groups)
    _check_data(model, sums, objective.data.total_weight, weights)
    if cov == KERNEL:
        matrix, meat = _kernel_sandwich(located, sums)
    else:
        meat = sums.hessian if sums.meat is None else sums.meat
        matrix = meat if cov == "opg" else sums.hessian
    factor = _factor(matrix, J, layout, located, cov == "opg")
    _check_maximum(model, factor, sums)
    root = J @ factor
    n = objective.data.total_weight
    k = sum(design.size for i, design in enumerate(objective.designs.values()) if i == 0 or design.columns is not None)
    if robust and not (cov == "HC0" or n > k):
        raise ValueError(
            f"the correction of a sandwich divides by n - k, and there are n = {n:g} observations for k = {k} coefficients"
            "; use cov='HC0'"
        )
    if robust or cov == KERNEL:
        correction = 1.0
        if groups is not None and cov != "HC0":
            correction = sums.n_clusters / (sums.n_clusters - 1) * (n - 1) / (n - k)
        elif cov == "HC1":
            correction = n / (n - k)
        root = root @ (factor.T @ _root(meat)) * np.sqrt(correction)
    label = "HC0" if cov == "HC0" and groups is not None else "HC1" if groups is not None else cov
    kind = "kernel estimate at the kinks" if cov == KERNEL else cov
    kind = f"cluster-robust ({label}, {sums.n_clusters} clusters)" if groups is not None else kind
    return Covariance(root, kind, n, sums.n_clusters, sums.value, k)


def _kernel_sandwich(located: Located, sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    """The information of a law with kinks, and the covariance of its scores.

    The latter is the expected, or outer products where the law has no formula; to these the rows that lie on kinks of
    necessity, one per coefficient, give nothing in that parameter.
    """
    law, n = located.objective.likelihood, located.objective.data.total_weight
    k = next(iter(located.objective.designs.values())).size
    meat = sums.hessian if sums.meat is None else sums.meat * n / max(n - k, 1.0)
    place, block = kernel_block(located, meat)
    information = sums.hessian.copy()
    information[place, place] = block
    if not positive(information):
        raise ValueError(
            f"too few rows lie near the kinks of {title(law)} to tell its curvature there beside that of its other "
            "parameters: fix one of these, or use cov='expected', whose intervals are too short in so few rows"
        )
    return information, meat


def _root(matrix):
    """A square root of a positive semidefinite matrix, which may be of low rank."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _factor(matrix, J, layout: Layout, located: Located, outer: bool) -> np.ndarray:
    """F with F F' the inverse of an information matrix; raises naming the coefficients along which it is singular."""
    scale = np.sqrt(np.maximum(np.abs(np.diag(matrix)), np.finfo(float).tiny))
    if not np.isfinite(matrix).all():
        raise ValueError(
            "the information matrix is not finite: the law has none at these parameters, or its expectation could not be "
            "integrated; use cov='observed'"
        )
    values, vectors = linalg.eigh(matrix / np.outer(scale, scale))
    if values[0] < MIN_EIGENVALUE * max(values[-1], 1.0):
        worst = vectors[:, 0] / scale
        move = np.abs(J @ worst) * _spreads(layout, located)
        named = [layout.names[i] for i in np.argsort(-move) if move[i] > 0.01 * move.max()]
        what = "the sum of outer products of scores" if outer else "the information matrix"
        state = "is singular" if abs(values[0]) < MIN_EIGENVALUE * max(values[-1], 1.0) else "is not positive definite"
        if len(named) == 1:
            raise ValueError(
                f"{what} {state}: the likelihood does not depend on {named[0]}, of which no row says anything (every row of a "
                "category may be a zero, say, which the rest of the law never sees). Leave this column out of the parameter, "
                "by predictors, or merge the category with another"
            )
        raise ValueError(
            f"{what} {state}: the likelihood does not tell {_shown(named)} apart. Leave one of them out, or fix a parameter"
        )
    return (vectors / np.sqrt(values)) / scale[:, None]


def _spreads(layout: Layout, located: Located) -> np.ndarray:
    """What a unit of every coefficient does to its linear predictor: the spread of its column."""
    X = located.objective.data.X[: 1 << 14]
    X = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    size, spread = np.ones(layout.size), X.std(axis=0) if X.shape[1] else np.empty(0)
    for part in layout.parts:
        design = located.objective.designs[part.parameter]
        if design.columns is not None:
            size[part.place] = [*[1.0] * part.intercept, *spread[design.columns.index]]
    return size


def _check_rank(model, layout: Layout, objective) -> None:
    """Raise for linearly dependent columns, by name."""
    for part in layout.parts:
        design = objective.designs[part.parameter]
        if design.columns is None or part.entry:
            continue
        B = design.original_matrix()[1:, int(design.intercept) :]
        if B.shape[1] == len(part.columns):
            continue
        size = np.linalg.norm(B, axis=1, keepdims=True)
        left, _, _ = np.linalg.svd(B / np.where(size > 0, size, 1.0))
        lost = np.abs(left[:, B.shape[1] :]).max(axis=1) > 1e-5  # above the rounding of columns of very different scales
        named = [f"{part.parameter}:{column}" for column, gone in zip(part.columns, lost, strict=True) if gone]
        raise ValueError(
            f"the columns of {_shown(named)} are linearly dependent{' (with the intercept)' * design.intercept}, so their "
            "coefficients are not identified: only sums of them have standard errors. Drop one, for instance by "
            "OneHotEncoder(drop='first')"
        )


def _check_data(model, sums: Sums, total, weights) -> None:
    """Raise where data and weights are not those of the fit, by the log-likelihood."""
    before = model.fit_.fingerprint[0]
    gap = abs(sums.value / total - model.loglikelihood_ / before)
    if gap > 1e-6 * (1 + abs(sums.value / total)) or (weights == FREQUENCY and abs(total / before - 1) > 1e-9):
        raise ValueError(
            "X, y and sample_weight are not those of the fit: there the weights sum to "
            f"{before:g} and the log-likelihood was {model.loglikelihood_:.8g}, here to {total:g} with {sums.value:.8g}"
        )


def _check_maximum(model, factor, sums: Sums) -> None:
    """Raise where the coefficients are not at the maximum, by the gradient."""
    distance = np.linalg.norm(factor.T @ sums.gradient)
    if model.likelihood_.smooth and not distance < MAX_STANDARD_ERRORS_OFF:
        raise ValueError(
            f"the coefficients are {distance:.2g} standard errors from the maximum of the likelihood: the fit stopped early; "
            "lower tol, or pass the X, y and sample_weight of the fit"
        )


def _shown(names) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
