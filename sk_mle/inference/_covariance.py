"""The covariance matrix of the coefficients from information and scores, or an error that says why there is none."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from .._model.penalties import penalties_of
from .._solvers.identification import directions_without_information
from ..likelihoods._functions import at_edge, expected_information, has_kinks, title
from ._centre import centre
from ._estimable import Estimability, dependent_columns, listed, without_curvature, without_information
from ._information import (
    ANALYTIC,
    FREQUENCY,
    PROBABILITY,
    WEIGHTS,
    FitPoint,
    InformationSums,
    Leverages,
    objective_at_fit,
    summed,
)
from ._kernel import kernel_block, positive
from ._layout import Layout

KERNEL = "kernel"
LEVERAGE_KINDS = ("HC2", "HC3", "HC4")
KINDS = ("observed", "expected", "opg", "HC0", "HC1", *LEVERAGE_KINDS, KERNEL)
MIN_EIGENVALUE = 1e-11  # smallest eigenvalue of the information, scaled to a unit diagonal, that can be inverted
MAX_STANDARD_ERRORS_OFF = 0.1  # standard errors from the maximum up to which coefficients count as the maximum


class Covariance(NamedTuple):
    """The covariance root @ root.T of the flat coefficients, root of shape (P, r), and facts for the summary table.

    Where coefficients are not identified, it is that of the fit of smallest norm, and right for what `estimability` admits.
    """

    root: np.ndarray
    kind: str
    n_samples: float
    n_clusters: int
    loglikelihood: float
    n_coefficients: float  # the effective ones where coefficients are penalised
    estimability: Estimability
    centre: np.ndarray  # (P,): the mean of the likelihood, less the maximum


def check_arguments(model: Any, cov: str, bread: str, weights: str, groups: Any) -> None:
    """Raise ValueError if the fit or the options allow no standard errors."""
    _check_options(model.likelihood_, cov, bread, weights, groups)
    if model.class_weight is not None and weights != PROBABILITY:
        raise ValueError(
            "class_weight makes rows count more or less than they are, so the likelihood's own standard errors are wrong: pass "
            "weights='probability' with cov='HC1', or fit without class_weight"
        )
    _check_fit(model)
    if model.fit_.shrunk and (groups is not None or cov not in ("observed", "expected")):
        raise ValueError(
            "the data chose the penalties of this fit (alpha='reml'), so that its covariance is the Bayesian one, the inverse "
            "of the penalised information: leave cov at 'observed' and groups at None"
        )
    if model.fit_.penalty is not None and weights != FREQUENCY:
        raise ValueError(
            f"penalty={model.fit_.penalty!r} took the weights for numbers of rows, which weights={weights!r} contradicts: use "
            "weights='frequency', or fit without the penalty"
        )
    _check_law(model.likelihood_, cov, bread, robust=cov == "opg" or cov.startswith("HC") or groups is not None)


def _check_options(law: Any, cov: str, bread: str, weights: str, groups: Any) -> None:
    """Raise for options that are unknown, or that exclude each other."""
    if cov not in KINDS:
        offered = [kind for kind in KINDS if kind != KERNEL] if law.smooth else ["expected", KERNEL]
        raise ValueError(f"cov={cov!r} is unknown; use one of {offered}" + ", and groups= for clusters" * law.smooth)
    if bread not in ("observed", "expected"):
        raise ValueError(f"bread={bread!r} is unknown; use 'observed' or 'expected'")
    if weights not in WEIGHTS:
        raise ValueError(f"weights={weights!r} is unknown; use one of {list(WEIGHTS)}")
    if cov == "opg" and groups is not None:
        raise ValueError("cov='opg' knows no clusters; leave cov at its default, or use 'HC0' or 'HC1', with groups")
    if cov in LEVERAGE_KINDS and groups is not None:
        raise ValueError(f"cov={cov!r} knows no clusters; use 'HC0' or 'HC1' with groups")
    if weights == PROBABILITY and groups is None and not cov.startswith("HC"):
        raise ValueError("probability weights need a sandwich: pass cov='HC0' or cov='HC1'")
    if weights == ANALYTIC and cov == "opg":
        raise ValueError("cov='opg' takes frequency weights only; use 'observed', 'HC0' or 'HC1'")


def _check_fit(model: Any) -> None:
    """Raise for fits whose coefficients are not a maximum of the likelihood inside the parameters' domains."""
    sparse = any(predictor.l1 for predictor in model.fit_.predictors.values())
    if any(one.penalised and not one.chosen for one in model.fit_.predictors.values()):
        raise ValueError(
            f"the fit is penalised (alpha > 0{', l1_ratio > 0' * sparse}): its coefficients are biased by intent, and their "
            "standard errors are not those of maximum likelihood. Refit with alpha=0; where that has no maximum, as a warning "
            "of separated data says, use penalty='jeffreys', or drop or merge the columns that it names. Or keep alpha and "
            "bootstrap: fit clones to rows that sklearn.utils.resample draws, and take quantiles of their predictions"
        )
    for parameter, predictor in model.fit_.predictors.items():
        if predictor.curve is not None and (on_bounds := predictor.curve.on_bounds(model.fit_.coefs[parameter])):
            raise ValueError(
                f"coefficients of the curve of {parameter!r} lie on their bounds, where their estimates have no normal "
                f"distribution: fix them there, by fixed={on_bounds}, for inference on the others"
            )
    if model.fit_.at_bounds:
        held = listed(list(dict.fromkeys(model.fit_.at_bounds)))
        raise ValueError(
            f"the constraints on {held} hold with equality: these estimates have no normal distribution, and that of the "
            "others depends on whether they would be held again. Condition on it: refit without the columns that are held at "
            "zero, or with their part as an offset, if you would have fixed them beforehand. Or bootstrap: fit clones to rows "
            "that sklearn.utils.resample draws, and take quantiles of their predictions"
        )
    if not model.converged_:
        raise ValueError(
            f"the fit did not reach a maximum of the likelihood of {title(model.likelihood_)} (converged_ is False; the "
            "warning at fit said why), so there is no information matrix to invert. Mend the fit first"
        )


def _check_limits(model: Any, fit_point: FitPoint) -> None:
    """Raise for a parameter at an end of its domain."""
    law, in_memory = model.likelihood_, fit_point.objective.data.in_memory
    for parameter, edge in model.fit_.limits.items():
        advised = at_edge(law, parameter, edge, in_memory.y[in_memory.weight > 0], fit_point.objective.eta(fit_point.u))
        raise ValueError(
            f"{parameter} of {title(law)} ran to the {edge} edge of its domain, where its estimate has no normal distribution. "
            f"{advised}, and compare the two by a likelihood-ratio test"
        )


def _check_law(law: Any, cov: str, bread: str, robust: bool) -> None:
    """Raise for kinds of information that the law does not have."""
    name = title(law)
    if not law.smooth and (cov == "observed" or robust):
        raise ValueError(
            f"the log-likelihood of {name} has kinks, so its observed information is zero almost everywhere, and there is no "
            "sandwich: leave cov at its default, a kernel estimate of the curvature, without groups, use cov='expected', or "
            "conf_int(method='bootstrap'), which takes groups"
        )
    if law.smooth and cov == KERNEL:
        raise ValueError(f"cov='kernel' is for log-likelihoods with kinks, and that of {name} is smooth; use cov='observed'")
    if (
        "expected" in (cov, bread)
        and expected_information(law) != "whole"
        and (law.predictive is not law or law.target_type == "targets")
    ):
        raise ValueError(
            f"{name} offers no expected information, as it is not known what would have been observed; use cov='observed'"
        )


def _check_kinks_inside(objective: Any) -> None:
    """Raise where values have densities with kinks of a law inside another one."""
    law = objective.likelihood
    if law.smooth and has_kinks(law) and objective.density_rows.weight_share:
        raise ValueError(
            f"the law inside {title(law)} has kinks, where its curvature is concentrated, so there is no information matrix: "
            "put a smooth law there, or bootstrap: fit clones to rows that sklearn.utils.resample draws, and take quantiles of "
            "their coefficients"
        )


def covariance(
    model: Any,
    layout: Layout,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    cov: str | None = None,
    bread: str = "observed",
    weights: str = FREQUENCY,
    groups: Any = None,
) -> Covariance:
    """The covariance of all coefficients of a fitted model, in three passes over the data, four where rows are few."""
    if cov is None and model.fit_.penalty is not None:
        cov = "expected"
    elif cov is None:
        cov = "observed" if model.likelihood_.smooth or groups is not None else KERNEL
    check_arguments(model, cov, bread, weights, groups)
    fit_point = objective_at_fit(model, X, y, sample_weight, weights, groups=groups)
    _check_limits(model, fit_point)
    objective = fit_point.objective
    robust = cov.startswith("HC") or groups is not None
    weight_power = 1 if weights == FREQUENCY else 2
    jacobian = layout.jacobian(objective.designs)
    has_expected = expected_information(model.likelihood_) == "whole"
    information = "expected" if cov in ("expected", KERNEL) or (robust and bread == "expected") else "observed"
    if information == "expected" and not has_expected:
        information = "observed" if cov == KERNEL else "integrated"
    needs_scores = (robust and cov not in LEVERAGE_KINDS) or cov == "opg" or (cov == KERNEL and not has_expected)
    sums = summed(fit_point, information, needs_scores, weight_power, groups is not None)
    if cov in LEVERAGE_KINDS:
        leverages = Leverages.of(cov, objective, sums.hessian, weight_power)
        sums = summed(fit_point, information, True, weight_power, leverages=leverages)
    _check_data(model, objective, sums, weights)
    sums = _with_penalties(model, fit_point, sums)
    matrix, meat, unresolved = _information_and_scores(fit_point, sums, cov, layout, jacobian)
    free = _free_directions(fit_point, matrix)
    estimability = dependent_columns(layout, objective).joined(*without_information(layout, objective, jacobian, free))
    estimability = estimability.joined(*unresolved)
    factor = inverse_root(matrix, jacobian, layout, fit_point, cov == "opg", free)
    _check_maximum(model, factor, sums)
    root, shift = jacobian @ factor, jacobian @ centre(model.fit_, fit_point, factor)
    n = objective.data.total_weight
    counted = [name for i, (name, one) in enumerate(objective.designs.items()) if i == 0 or one.columns is not None]
    k = _n_coefficients(model, objective, counted, free)
    if robust and not (cov == "HC0" or cov in LEVERAGE_KINDS or n > k):
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
    return Covariance(root, kind, n, sums.n_clusters, sums.value, k, estimability, shift)


def _n_coefficients(model: Any, objective: Any, counted: list[str], free: dict) -> float:
    """Number of coefficients of the parameters in a list, the effective one where they are penalised."""
    if model.fit_.shrunk:
        return model.n_params_ - (len(objective.designs) - len(counted))
    return sum(objective.designs[name].size - (free[name].shape[1] if name in free else 0) for name in counted)


def _with_penalties(model: Any, fit_point: FitPoint, sums: InformationSums) -> InformationSums:
    """InformationSums with the gradient and information of the penalties, which stand for a normal law of the coefficients."""
    gradient, hessian, n = sums.gradient.copy(), sums.hessian.copy(), fit_point.objective.data.total_weight
    for name, predictor in model.fit_.predictors.items():
        design, place = fit_point.objective.designs[name], fit_point.objective.slices[name]
        for penalty in penalties_of(predictor.alpha, predictor.slope, design):
            gradient[place] -= n * penalty.gradient(fit_point.u[place])
            hessian[place, place] += n * penalty.hessian()
    return sums._replace(gradient=gradient, hessian=hessian)


def _information_and_scores(
    fit_point: FitPoint, sums: InformationSums, cov: str, layout: Layout, jacobian: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple]:
    """The matrix to invert, the covariance of the scores, and directions in which the former is not known."""
    if cov == KERNEL:
        return _kernel_sandwich(fit_point, sums, layout, jacobian)
    meat = sums.hessian if sums.meat is None else sums.meat
    return meat if cov == "opg" else sums.hessian, meat, (np.zeros((layout.size, 0)), [], [])


def _kernel_sandwich(
    fit_point: FitPoint, sums: InformationSums, layout: Layout, jacobian: Any
) -> tuple[np.ndarray, np.ndarray, tuple]:
    """The information of a law with kinks, the covariance of its scores, and the arguments of `Estimability.joined`.

    The covariance of the scores is the expected information or, for laws without a formula, a sum of outer products. One row
    per coefficient lies on a kink of necessity and adds nothing to these, hence the factor n / (n - k).
    """
    law, n = fit_point.objective.likelihood, fit_point.objective.data.total_weight
    k = next(iter(fit_point.objective.designs.values())).size
    meat = sums.hessian if sums.meat is None else sums.meat * n / max(n - k, 1.0)
    block = kernel_block(fit_point, meat)
    information = sums.hessian.copy()
    information[block.place, block.place] = block.information
    if block.unresolved.shape[1] == k or not positive(information):
        raise ValueError(
            f"too few rows lie near the kinks of {title(law)} to tell its curvature there beside that of its other "
            "parameters: fix one of these, or use cov='expected', whose intervals are too short in so few rows"
        )
    return information, meat, without_curvature(layout, jacobian[:, block.place], block, title(law))


def _root(matrix: np.ndarray) -> np.ndarray:
    """R with R R' the given positive semidefinite matrix, which may be of low rank."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def inverse_root(
    matrix: np.ndarray, jacobian: Any, layout: Layout, fit_point: FitPoint, is_outer_product: bool, free: Any = None
) -> np.ndarray:
    """F with F F' the inverse of an information matrix; ValueError names the coefficients along which it is singular.

    Along the directions `free`, by parameter, F F' is zero.
    """
    if free:
        places = fit_point.objective.slices
        columns = [np.eye(len(matrix))[:, places[name]] @ vectors for name, vectors in free.items()]
        kept = linalg.null_space(np.hstack(columns).T)
        return kept @ inverse_root(kept.T @ matrix @ kept, jacobian @ kept, layout, fit_point, is_outer_product)
    scale = np.sqrt(np.maximum(np.abs(np.diag(matrix)), np.finfo(float).tiny))
    if not np.isfinite(matrix).all():
        raise ValueError(
            "the information matrix is not finite: the law has none at these parameters, or its expectation could not be "
            "integrated; use cov='observed'"
        )
    values, vectors = linalg.eigh(matrix / np.outer(scale, scale))
    if _is_small(values):
        direction = vectors[:, 0] / scale
        movement = np.abs(jacobian @ direction) * _scales(layout, fit_point)
        names = [layout.names[i] for i in np.argsort(-movement) if movement[i] > 0.01 * movement.max()]
        what = "the sum of outer products of scores" if is_outer_product else "the information matrix"
        state = "is singular" if abs(values[0]) < MIN_EIGENVALUE * max(values[-1], 1.0) else "is not positive definite"
        if len(names) == 1:
            raise ValueError(
                f"{what} {state}: the likelihood does not depend on {names[0]}, on which no row has information (every row "
                "of a category may be a zero, say, on which the rest of the law does not depend). Leave this column out of the "
                "parameter, by predictors, or merge the category with another"
            )
        raise ValueError(
            f"{what} {state}: the likelihood does not tell {listed(names)} apart. Leave one of them out, or fix a parameter"
        )
    return (vectors / np.sqrt(values)) / scale[:, None]


def _is_small(eigenvalues: np.ndarray) -> bool:
    """Whether the smallest of the ascending eigenvalues of a matrix with unit diagonal cannot be inverted."""
    return bool(eigenvalues[0] < MIN_EIGENVALUE * max(eigenvalues[-1], 1.0))


def _free_directions(fit_point: FitPoint, matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Directions by parameter in which no row has information; looked for only where the information matrix is singular."""
    scale = np.sqrt(np.maximum(np.abs(np.diag(matrix)), np.finfo(float).tiny))
    if not np.isfinite(matrix).all() or not _is_small(linalg.eigvalsh(matrix / np.outer(scale, scale))):
        return {}
    return directions_without_information(*fit_point)


def _scales(layout: Layout, fit_point: FitPoint) -> np.ndarray:
    """Standard deviation of the linear predictor per unit of each coefficient: that of its column, 1 for intercepts."""
    X = fit_point.objective.data.in_memory.X[: 1 << 14]
    X = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    scale = np.ones(layout.size)
    for part in layout.parts:
        design = fit_point.objective.designs[part.parameter]
        if design.columns is not None:
            scale[part.place] = [*[1.0] * part.intercept, *design.coefficient_scales(X)]
    return scale


def _check_data(model: Any, objective: Any, sums: InformationSums, weights: str) -> None:
    """Raise if data and weights are not those of the fit, judged by the log-likelihood, or if they lie on kinks of a law."""
    _check_kinks_inside(objective)
    total, fitted_total = objective.data.total_weight, model.fit_.fingerprint[0]
    gap = abs(sums.value / total - model.loglikelihood_ / fitted_total)
    if gap > 1e-6 * (1 + abs(sums.value / total)) or (weights == FREQUENCY and abs(total / fitted_total - 1) > 1e-9):
        raise ValueError(
            "X, y and sample_weight are not those of the fit: there the weights sum to "
            f"{fitted_total:g} and the log-likelihood was {model.loglikelihood_:.8g}, here to {total:g} with {sums.value:.8g}"
        )


def _check_maximum(model: Any, factor: np.ndarray, sums: InformationSums) -> None:
    """Raise if the coefficients are not at the maximum, judged by the gradient."""
    distance = np.linalg.norm(factor.T @ sums.gradient)
    if model.likelihood_.smooth and not distance < MAX_STANDARD_ERRORS_OFF:
        raise ValueError(
            f"the coefficients are {distance:.2g} standard errors from the maximum of the likelihood: the fit stopped early; "
            "lower tol, or pass the X, y and sample_weight of the fit"
        )
