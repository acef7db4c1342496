"""Objectives with one parameter held at a value, and limits of a law at which a parameter may have to be held.

Flat vector: `u[objective.slices[name]]` holds the coordinates of one parameter (`_model/objective.py` states the layout). An
objective with a parameter held has a vector of its own, without that part.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from .._model.objective import Objective
from ..likelihoods import Likelihood
from ..likelihoods._functions import law_at_end, regular_end, with_values

# Standard error, on a sample, of a linear predictor from which the parameter may be at a limit for all rows: where it is the
# logarithm of the distance to the limit, the limit is then within one standard error.
MIN_STANDARD_ERROR_NEAR_LIMIT = 1.0


def constant_parameters(objective: Objective) -> list[str]:
    """Names of the estimated scalars that are equal in all rows, without the first parameter."""
    others = list(objective.designs.items())[1:]
    return [name for name, d in others if d.columns is None and not d.vector and name not in objective.data.offset_names]


def with_held(objective: Objective, name: str, value: float) -> Objective | None:
    """The objective with a parameter held at a value; None if the law does not accept it."""
    value = np.float64(value)  # which overflows to infinity, where a float raises
    law = with_values(objective.likelihood, {name: value})
    if law.layout[name].value != value:
        return None
    designs = {other: design for other, design in objective.designs.items() if other != name}
    return Objective(law, objective.data, designs, objective.alpha)


def with_value(objective: Objective, u: np.ndarray, name: str, value: float) -> np.ndarray:
    """The vector u with a constant parameter set to a value."""
    v, eta = u.copy(), np.atleast_1d(objective.likelihood.layout[name].link.link(np.asarray(value)))
    v[objective.slices[name]] = objective.designs[name].coordinates(eta, np.zeros((0, 1)))
    return v


def with_all_free(old: Objective, u: np.ndarray, new: Objective, name: str, value: float) -> np.ndarray:
    """The vector of `new`, with all parameters free, from one of `old`, with one parameter held at a value."""
    return with_value(new, in_coordinates_of(new, old, u), name, value)


def in_coordinates_of(new: Objective, old: Objective, u: np.ndarray) -> np.ndarray:
    """The vector of `new` with the coefficients that `u` has in `old`; zeros for parameters that `old` does not have."""
    v = np.zeros(new.size)
    for name in new.slices.keys() & old.slices.keys():
        v[new.slices[name]] = new.designs[name].coordinates(*old.designs[name].coefficients(u[old.slices[name]]))
    return v


def limits_nearby(objective: Objective, u: np.ndarray) -> dict[str, str]:
    """Parameters that rows like those of a fitted sample may have at a limit of the law, with the end of their domain.

    Their linear predictor is so uncertain that the limit is within the error of the sample, and the law is defined there.
    """
    law, found = objective.likelihood, dict[str, str]()
    for name in constant_parameters(objective):
        ends = [edge for edge in ("lower", "upper") if admits_end(law, name, edge)]
        if ends and _standard_error(objective, u, name) > MIN_STANDARD_ERROR_NEAR_LIMIT:
            value = float(law.layout[name].link.inverse(objective.designs[name].expand(u[objective.slices[name]])[0])[0])
            distances = {edge: distance_to_end(law, name, edge, value) for edge in ends}
            found[name] = min(distances, key=distances.__getitem__)
    return found


def admits_end(law: Likelihood, name: str, edge: str) -> bool:
    """Whether the law declares what it becomes at an end of a parameter's domain, and the parameter may be held there."""
    declared = bool(law_at_end(law, name, edge)) and regular_end(law, name, edge)
    return declared and bool(law.layout[name].admits(end_of(law, name, edge)))


def end_of(law: Likelihood, name: str, edge: str) -> float:
    """The "lower" or "upper" end of a parameter's domain."""
    domain = law.layout[name].domain
    return domain.high if edge == "upper" else domain.low


def distance_to_end(law: Likelihood, name: str, edge: str, value: float) -> float:
    """The distance of a value from an end of the parameter's domain: 1 / |value| for an infinite end."""
    end = end_of(law, name, edge)
    return abs(value - end) if np.isfinite(end) else 1 / abs(value) if value else np.inf


def value_at_distance(law: Likelihood, name: str, edge: str, distance: float) -> float:
    """The inverse of `distance_to_end`."""
    end = end_of(law, name, edge)
    sign = -1.0 if edge == "upper" else 1.0
    return end + sign * distance if np.isfinite(end) else -sign / distance


def _standard_error(objective: Objective, u: np.ndarray, name: str) -> float:
    """The standard error of a constant linear predictor; infinite where the Hessian is not positive definite."""
    place, hessian = objective.slices[name].start, objective.hessian(u)
    _, column, fail = lapack.dposv(hessian, np.eye(objective.size)[:, [place]])
    variance = np.inf if fail else column[place, 0] / objective.data.total_weight
    return float(np.sqrt(max(variance, 0.0)) * abs(objective.designs[name].output_basis[0, 0]))
