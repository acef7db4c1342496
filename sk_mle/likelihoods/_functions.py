"""Functions of a law for the other subpackages, which import nothing else from `_fallbacks` and `_protocol`."""

from __future__ import annotations

from ._fallbacks.averaged import averaged_information
from ._fallbacks.expected import (
    curvature_score,
    expected_information_at,
    information_derivatives,
    integrated_information,
    integrated_third_moments,
    seconds_of_integrals,
)
from ._fallbacks.extrapolation import extrapolated_evaluation
from ._fallbacks.facts import (
    code,
    density_values,
    expected_information,
    has_kinks,
    integrates,
    modelled,
    n_classes,
    overrides,
    resolved,
    sized,
    smoothed_inside,
    title,
    undeclared_kinks,
    with_values,
)
from ._fallbacks.inversion import solve_quantile, total_probability
from ._fallbacks.jets import Jet
from ._protocol.authors import checked_start, density_fault, fallback_start, out_of_range
from ._protocol.derived import base_measure_beside_kernel, kernel, prepared
from ._protocol.edges import at_edge
from ._protocol.forms import class_masses, recession
from ._protocol.relations import (
    advice,
    canonical_order,
    competing,
    irregular,
    is_degenerate,
    law_at_end,
    limit_parameters,
    may_be_degenerate,
    n_starts,
    regular_end,
    values_to_hold,
)

__all__ = [
    "Jet",
    "advice",
    "at_edge",
    "averaged_information",
    "base_measure_beside_kernel",
    "canonical_order",
    "checked_start",
    "class_masses",
    "code",
    "competing",
    "curvature_score",
    "density_fault",
    "density_values",
    "expected_information",
    "expected_information_at",
    "extrapolated_evaluation",
    "fallback_start",
    "has_kinks",
    "information_derivatives",
    "integrated_information",
    "integrated_third_moments",
    "integrates",
    "irregular",
    "is_degenerate",
    "kernel",
    "law_at_end",
    "limit_parameters",
    "may_be_degenerate",
    "modelled",
    "n_classes",
    "n_starts",
    "out_of_range",
    "overrides",
    "prepared",
    "recession",
    "regular_end",
    "resolved",
    "seconds_of_integrals",
    "sized",
    "smoothed_inside",
    "solve_quantile",
    "title",
    "total_probability",
    "undeclared_kinks",
    "values_to_hold",
    "with_values",
]
